//! Codes of what a branch protects: one merged change, and one that starts from it.

use std::fs;

use evidence_ledger::attest::Signer;
use evidence_ledger::model::{Event, Predicate, Statement};

use super::common::{Rig, sarif};
use super::forge::{Forge, key};
use super::{Ran, accepted, refused, verify};

const BUILD: &str = "by = \"ci\"\n\n[claim.unit-tests]";

/// A rig on main whose claim `build` says this.
fn rig(limits: &str) -> Rig {
    let build = BUILD.replace("\n\n", &format!("\n{limits}\n\n"));
    let rig = Rig::with(&[(BUILD, &build)]);
    rig.git(&["checkout", "-q", "main"]);
    rig
}

fn begin(rig: &Rig, name: &str) {
    rig.git(&["checkout", "-q", "-b", name]);
    rig.commit(&format!("src/{name}.rs"), name);
    rig.ok("planner", &["plan", &format!("shop/{name}"), "--tier", "low", "--implementer", "agent"]);
}

fn merge(rig: &Rig, name: &str) {
    accepted(&verify(rig));
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", name]);
    rig.ok("ci-1", &["record", "merge"]);
}

/// Attests `build` with one report.
fn report(rig: &Rig, name: &str, text: &str) {
    fs::write(rig.path(name), text).unwrap();
    let named = match name {
        "api.txt" => "names=../api.txt".to_owned(),
        name => format!("../{name}"),
    };
    rig.by("ci-1", &["attest", "build", "--report", &named]);
}

fn tests(names: &[&str]) -> String {
    let cases: String = names.iter().map(|name| format!("<testcase classname=\"s\" name=\"{name}\"/>")).collect();
    format!("<testsuite name=\"u\">{cases}</testsuite>")
}

/// Merges a change with the first report; then one with the second is refused, and with the third accepted.
fn ratchet(limits: &str, number: &str, name: &str, [first, bad, good]: [String; 3]) {
    let rig = rig(limits);
    begin(&rig, "one");
    report(&rig, name, &first);
    merge(&rig, "one");
    begin(&rig, "two");
    report(&rig, name, &bad);
    refused(&verify(&rig), number);
    report(&rig, name, &good);
    accepted(&verify(&rig));
}

#[test]
fn test_that_was_merged_and_is_gone() {
    let reports = [tests(&["a", "b"]), tests(&["b"]), tests(&["a", "b"])];
    ratchet("tests = { baseline = \"keep\" }", "E260", "t.xml", reports);
}

#[test]
fn finding_that_nobody_admitted() {
    let reports = [sarif(&["1.0"]), sarif(&["1.0", "2.0"]), sarif(&["1.0"])];
    ratchet("findings = { new_max = 0 }", "E262", "s.sarif", reports);
}

#[test]
fn coverage_below_what_was_merged() {
    let lcov = |run: usize| {
        let lines: String = (1..=4).map(|line| format!("DA:{line},{}\n", usize::from(line <= run))).collect();
        format!("SF:src/lib.rs\n{lines}end_of_record\n")
    };
    ratchet("coverage = { baseline = \"floor\" }", "E264", "l.info", [lcov(3), lcov(2), lcov(3)]);
}

#[test]
fn more_skipped_tests_than_were_merged() {
    let tests = |skipped: usize| {
        let cases: String = (0..skipped).map(|at| format!("<testcase name=\"s{at}\"><skipped/></testcase>")).collect();
        format!("<testsuite name=\"u\"><testcase name=\"a\"/>{cases}</testsuite>")
    };
    ratchet("tests = { skipped = \"ceiling\" }", "E269", "t.xml", [tests(1), tests(2), tests(0)]);
}

#[test]
fn measurement_that_is_slower() {
    let hyperfine = |times: [u64; 4]| {
        let times = times.map(|time| format!("0.{time}")).join(",");
        format!(
            "{{\"results\":[{{\"command\":\"parse\",\"mean\":0.1,\"stddev\":0.001,\"median\":0.1,\"user\":0.1,\"system\":0.0,\"min\":0.1,\"max\":0.2,\"times\":[{times}],\"exit_codes\":[0,0,0,0]}}]}}"
        )
    };
    let reports = [[100, 101, 100, 101], [133, 134, 133, 134], [101, 100, 101, 100]].map(hyperfine);
    ratchet("measurements = { tolerance = 10 }", "E265", "h.json", reports);
}

#[test]
fn name_that_joins_a_surface_untested() {
    let names = |names: &[&str]| names.join("\n") + "\n";
    let reports = [names(&["GET /a"]), names(&["GET /a", "PUT /a"]), names(&["GET /a"])];
    ratchet("names = { surface = \"tested\" }", "E268", "api.txt", reports);
}

#[test]
fn baseline_that_is_not_there() {
    let rig = rig("tests = { baseline = \"keep\" }");
    begin(&rig, "one");
    report(&rig, "t.xml", &tests(&["a"]));
    merge(&rig, "one");
    begin(&rig, "two");
    report(&rig, "t.xml", &tests(&["a"]));
    accepted(&verify(&rig));
    let blob = blob(&rig);
    let text = fs::read(&blob).unwrap();
    fs::remove_file(&blob).unwrap();
    refused(&verify(&rig), "E263");
    fs::write(&blob, text).unwrap();
    accepted(&verify(&rig));
}

/// The file of the only baseline.
fn blob(rig: &Rig) -> std::path::PathBuf {
    let mut todo = vec![rig.repo().join(".git/evidence/blobs")];
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if fs::read(&path).unwrap().starts_with(b"evidence-baseline/v1\n") {
            return path;
        }
    }
    panic!("there is no baseline");
}

#[test]
fn base_that_is_not_the_newest_merge() {
    let rig = Rig::with(&[("[tier.low]\nrequire", "[tier.low]\nbase = \"newest\"\nrequire")]);
    rig.git(&["checkout", "-q", "main"]);
    begin(&rig, "old");
    rig.pass("build");
    accepted(&verify(&rig));
    rig.git(&["checkout", "-q", "main"]);
    begin(&rig, "one");
    rig.pass("build");
    merge(&rig, "one");
    rig.git(&["checkout", "-q", "old"]);
    refused(&verify(&rig), "E266");
}

#[test]
fn merge_that_left_another_baseline() {
    let audit = |rig: &Rig| -> Ran {
        rig.git(&["checkout", "-q", "one"]);
        rig.ok("stranger", &["export", "shop/one", "-o", "../one.zip"]);
        rig.by("stranger", &["audit", "../one.zip", "--trust", ".evidence/trust.toml"])
    };
    let merged = || {
        let rig = rig("tests = { baseline = \"keep\" }");
        begin(&rig, "one");
        report(&rig, "t.xml", &tests(&["a", "b"]));
        rig
    };
    let honest = merged();
    merge(&honest, "one");
    accepted(&audit(&honest));
    // Whoever may merge leaves a test out of what is protected.
    let rig = merged();
    accepted(&rig.by("ci-1", &["verify", "--record"]));
    let forge = Forge::of(&rig);
    let log = forge.ledger.read().unwrap();
    let verdict = log.leaf(log.size() - 2).unwrap();
    let text = fs::read_to_string(blob(&honest)).unwrap();
    let line = text.lines().find(|line| line.ends_with("u > s > b")).unwrap();
    let text = text.replace(&format!("{line}\n"), "").replace("tests build - 2", "tests build - 1");
    let ours = forge.ledger.blobs().put(text.as_bytes()).unwrap();
    let event = Event::Merge {
        branch: "refs/heads/main".to_owned(),
        repository: "shop".parse().unwrap(),
        changes: vec!["shop/one".parse().unwrap()],
        verdict: Some(verdict),
        baseline: Some(ours),
    };
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", "one"]);
    let ci = key(&rig, "ci-1");
    let appender = forge.appender(forge.newest());
    let signer = Signer { appender: &appender, keys: vec![&ci] };
    let about = |revision: &str| rig.git(&["rev-parse", revision]).parse().unwrap();
    let receipt = signer.merge_at(log.size(), &about("HEAD"), &about("HEAD^{tree}"), event).unwrap();
    let record = forge.ledger.read().unwrap().record(receipt.serial).unwrap().unwrap();
    let payload = evidence_ledger::crypto::Envelope::parse(&record.envelope).unwrap().payload;
    assert!(matches!(Statement::parse(&payload).unwrap().predicate, Predicate::Event(Event::Merge { .. })));
    refused(&audit(&rig), "E267");
    let branch = rig.by("stranger", &["audit", "--branch", "main"]);
    assert!(branch.code == 1 && branch.out.contains("E267 wrong-baseline"), "{branch:?}");
}
