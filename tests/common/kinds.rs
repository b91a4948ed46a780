//! Kinds of tests, and floors for the lines of some files: what refuses, and the twin that is accepted.

use super::common::{Rig, junit};
use super::{accepted, refused, verify};

/// Makes a JUnit report of tests by name, with what stands inside each.
fn report(cases: &[(&str, &str)]) -> String {
    let cases: String =
        cases.iter().map(|(name, inside)| format!("<testcase name='{name}'>{inside}</testcase>")).collect();
    format!("<testsuite name='cart'>{cases}</testsuite>")
}

#[test]
fn kind_of_tests_that_is_too_few_or_does_not_pass() {
    let kinds = "tests = { positive = { names = [\"*accepts*\"], passed_min = 2 }, negative = { properties = [\"kind=negative\"] } }";
    let rig = Rig::with(&[("tests = { passed_min = 2, failed_max = 0 }", kinds)]);
    rig.plan("medium");
    rig.medium();
    let negative = "<properties><property name='kind' value='negative'/></properties>";
    let good = [("accepts one", ""), ("accepts two", ""), ("empty", negative), ("other", "<skipped/>")];
    assert_eq!(rig.report("unit-tests", "good.xml", &report(&good)).code, 0);
    accepted(&verify(&rig));
    // Without its property the test is of no kind, and a second copy of the first is no second test.
    let copied = [good[0], good[0], ("empty", ""), good[3]];
    assert_eq!(rig.report("unit-tests", "copied.xml", &report(&copied)).code, 0);
    refused(&verify(&rig), "E255");
    let skipped = [good[0], good[1], good[2], ("accepts three", "<skipped/>")];
    assert_eq!(rig.report("unit-tests", "skipped.xml", &report(&skipped)).code, 0);
    let verdict = rig.verify();
    verdict.refused(&["E255"]);
    let found = verdict.json["findings"][0]["found"].as_str().unwrap();
    assert_eq!(found, "1 test of the positive kind did not pass: cart > accepts three (skipped)");
    assert_eq!(rig.report("unit-tests", "good-again.xml", &report(&good)).code, 0);
    let text = rig.by("ci-1", &["verify"]).out;
    assert!(text.contains("2 positive, 1 negative pass"), "{text}");
    // The auditor comes to the same by the bundle alone.
    rig.ok("ci-1", &["export", "-o", "../bundle.zip"]);
    let ran = rig.by("stranger", &["audit", "../bundle.zip", "--trust", ".evidence/trust.toml"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(rig.report("unit-tests", "none.xml", &junit(3, 0)).code, 0);
    rig.verify().refused(&["E255"]);
}

#[test]
fn kind_of_which_no_test_is_there() {
    for (kind, names) in [("positive", ["accepts", "refuses"]), ("negative", ["refuses", "accepts"])] {
        let limits = format!("tests = {{ {kind} = {{ names = [\"*{}*\"] }} }}", names[0]);
        let rig = Rig::with(&[("tests = { passed_min = 2, failed_max = 0 }", &limits)]);
        rig.plan("medium");
        rig.medium();
        assert_eq!(rig.report("unit-tests", "other.xml", &report(&[(names[1], "")])).code, 0);
        rig.verify().refused(&["E255"]);
        assert_eq!(rig.report("unit-tests", "good.xml", &report(&[(names[0], "")])).code, 0);
        rig.verify().accepted();
    }
}

#[test]
fn lines_of_some_files_below_their_floor() {
    let floor = "coverage = { paths = [{ paths = [\"src/**\"], min = 75 }] }";
    let rig = Rig::with(&[("tests = { passed_min = 2, failed_max = 0 }", floor)]);
    rig.plan("medium");
    rig.medium();
    let lcov = |path: &str, run: u8| format!("SF:{path}\nDA:1,1\nDA:2,1\nDA:3,1\nDA:4,{run}\nDA:5,0\nend_of_record\n");
    let other = "SF:README.md\nDA:1,1\nend_of_record\n".repeat(9);
    assert_eq!(rig.report("unit-tests", "good.info", &(lcov("src/lib.rs", 1) + &other)).code, 0);
    let verdict = rig.verify();
    verdict.accepted();
    let numbers = |verdict: &super::common::Verdict| verdict.json["requirements"].to_string();
    assert!(numbers(&verdict).contains("4 of 5 lines of src/** run, 80 %"), "{}", numbers(&verdict));
    assert!(!numbers(&verdict).contains("in no report"), "{}", numbers(&verdict));
    rig.ok("ci-1", &["export", "-o", "../bundle.zip"]);
    let ran = rig.by("stranger", &["audit", "../bundle.zip", "--trust", ".evidence/trust.toml"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(rig.report("unit-tests", "low.info", &(lcov("src/lib.rs", 0) + &other)).code, 0);
    rig.verify().refused(&["E224"]);
    assert_eq!(rig.report("unit-tests", "elsewhere.info", &(lcov("/usr/lib/x.rs", 1) + &other)).code, 0);
    let verdict = rig.verify();
    verdict.refused(&["E224"]);
    let found = verdict.json["findings"][0]["found"].as_str().unwrap();
    assert_eq!(found, "no line of src/** is in a report");
}
