//! The codes of tests that have to fail on the base.

use super::common::Rig;
use super::{accepted, refused, verify};

const LIMITS: &str = "tests = { failed_max = 0, differential = { paths = [\"tests/**\"] } }";
const RUNNER: &str = "mkdir -p out; if sh tests/new.sh; then inner=; else inner='<failure/>'; fi\n\
                      echo \"<testsuite name='cart'><testcase name='two is there'>$inner</testcase><testcase name='old'/></testsuite>\" > out/t.xml";

/// A medium change that lacks its unit tests alone, with this as its one test.
fn rig(test: &str) -> Rig {
    let rig = Rig::with(&[("tests = { passed_min = 2, failed_max = 0 }", LIMITS)]);
    rig.commit("tests/new.sh", test);
    rig.plan("medium");
    rig.pass("build");
    std::fs::write(rig.path("scan.sarif"), super::sarif(&[])).unwrap();
    rig.ok("ci-1", &["attest", "scan", "--report", "../scan.sarif"]);
    rig
}

fn attest(rig: &Rig, more: &[&str]) {
    let words = [&["attest", "unit-tests", "--report", "out/t.xml"], more, &["--", "sh", "-c", RUNNER]].concat();
    rig.ok("ci-1", &words);
}

#[test]
fn tests_that_do_not_fail_on_the_base() {
    let rig = rig("true\n");
    attest(&rig, &["--on-base"]);
    refused(&verify(&rig), "E270");
    let rig = self::rig("grep -q two src/lib.rs\n");
    attest(&rig, &["--on-base"]);
    accepted(&verify(&rig));
}

#[test]
fn no_run_on_the_base() {
    let rig = rig("grep -q two src/lib.rs\n");
    attest(&rig, &[]);
    refused(&verify(&rig), "E271");
    attest(&rig, &["--on-base"]);
    accepted(&verify(&rig));
}
