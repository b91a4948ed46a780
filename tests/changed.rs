//! Coverage of changed lines, from outside: what raises it without a test being written, each attempt with its honest twin,
//! at the gate and at the auditor.

mod common;
#[path = "common/container.rs"]
mod container;

use std::fs;

use common::{CHANGE, Ran, Rig};
use container::{Members, pack, unpack};

/// Makes a rig whose lowest tier wants 90 % of the changed lines. The branch has changed `src/lib.rs`.
fn rig() -> Rig {
    with("changed_lines_min = 90")
}

fn with(limits: &str) -> Rig {
    let rig = Rig::with(&[("[claim.build]", &format!("[claim.build]\ncoverage = {{ {limits} }}"))]);
    rig.plan("low");
    rig
}

/// Makes an LCOV record: `+` is a line that was run, `-` one that was not, anything else none.
fn lcov(path: &str, lines: &str) -> String {
    let line = |(index, run): (usize, char)| match run {
        '+' => format!("DA:{},1\n", index + 1),
        '-' => format!("DA:{},0\n", index + 1),
        _ => String::new(),
    };
    format!("SF:{path}\n{}end_of_record\n", lines.chars().enumerate().map(line).collect::<String>())
}

/// Attests with these records and that of what the branch changed before.
fn attest(rig: &Rig, records: &[String]) {
    assert_eq!(rig.report("build", "lines.info", &(lcov("src/lib.rs", "++") + &records.concat())).code, 0);
}

fn accepted(rig: &Rig, records: &[String]) {
    attest(rig, records);
    rig.verify().accepted();
    audit(rig, 0);
}

fn refused(rig: &Rig, records: &[String], codes: &[&str]) -> String {
    attest(rig, records);
    let verdict = rig.verify();
    verdict.refused(codes);
    audit(rig, 1);
    verdict.json["findings"][0]["found"].as_str().unwrap().to_owned()
}

/// Exports and audits; the auditor comes to the same as the gate, by the bundle alone.
fn audit(rig: &Rig, code: i32) -> Ran {
    rig.ok("ci-1", &["export", "-o", "../bundle.zip"]);
    let ran = rig.by("stranger", &["audit", "../bundle.zip", "--trust", ".evidence/trust.toml", "--json"]);
    assert_eq!(ran.code, code, "{ran:?}");
    ran
}

#[test]
fn lines_that_no_test_runs_are_refused_with_their_places() {
    let rig = rig();
    rig.commit("src/a.py", "def one():\n    return 1\n\ndef two():\n    return 2\n");
    let found = refused(&rig, &[lcov("src/a.py", "++.+-")], &["E224"]);
    assert!(found.starts_with("4 of 5 changed lines run, 80 %; not run: src/a.py 5"), "{found}");
    accepted(&rig, &[lcov("src/a.py", "++.++")]);
    let verdict = rig.verify();
    assert!(verdict.json["requirements"][0]["numbers"].as_str().unwrap().ends_with("5 of 5 changed lines run, 100 %"));
}

#[test]
fn changed_lines_that_a_comment_excludes_are_shown() {
    let rig = rig();
    rig.commit("src/a.py", "def one():\n    return 1\n\ndef two(): # pragma: no cover\n    return 2\n");
    let show = |file: &str| {
        let files = format!("{{\"src/lib.rs\":{{\"executed_lines\":[1,2],\"missing_lines\":[]}},\"src/a.py\":{file}}}");
        let text = format!("{{\"meta\":{{\"version\":\"7.10.7\"}},\"files\":{files}}}");
        assert_eq!(rig.report("build", "lines.json", &text).code, 0);
        let verdict = rig.verify();
        (verdict.json["requirements"][0]["numbers"].as_str().unwrap().to_owned(), verdict)
    };
    let (numbers, verdict) = show("{\"executed_lines\":[1,2],\"missing_lines\":[],\"excluded_lines\":[4,5]}");
    verdict.accepted();
    assert!(numbers.contains("4 of 4 lines run, 100 %, 2 excluded in the tool; "), "{numbers}");
    assert!(numbers.ends_with("3 of 3 changed lines run, 100 %, 2 changed lines excluded in the tool"), "{numbers}");
    let (numbers, _) = show("{\"executed_lines\":[],\"missing_lines\":[],\"excluded_lines\":[1,2,4,5]}");
    assert!(numbers.ends_with("1 of 1 changed lines run, 100 %, 4 changed lines excluded in the tool"), "{numbers}");
    audit(&rig, 0);
}

#[test]
fn old_lines_that_no_test_runs_do_not_count() {
    let rig = rig();
    rig.git(&["checkout", "-q", "main"]);
    rig.commit("src/old.py", "1\n2\n3\n4\n");
    rig.git(&["checkout", "-q", "-B", "feature"]);
    rig.commit("src/old.py", "1\n2\nx\n3\n4\n");
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--base", "main", "--reason", "from main"]);
    refused(&rig, &[lcov("src/old.py", "++-++")], &["E224"]);
    accepted(&rig, &[lcov("src/old.py", "--+--")]);
}

#[test]
fn a_file_left_out_of_the_report_is_no_way_round() {
    let rig = rig();
    rig.commit("src/more.rs", "1\n2\n");
    let found = refused(&rig, &[], &["E224"]);
    assert!(found.contains("not run: src/more.rs (in no report) 1-2"), "{found}");
    accepted(&rig, &[lcov("src/more.rs", "++")]);
    // Documents are no source, and say so.
    rig.commit("docs/more.md", "1\n2\n");
    accepted(&rig, &[lcov("src/more.rs", "++")]);
    let verdict = rig.verify();
    let numbers = verdict.json["requirements"][0]["numbers"].as_str().unwrap().to_owned();
    assert!(numbers.contains("(in no report's language: docs/more.md)"), "{numbers}");
}

#[test]
fn excepted_paths_are_those_of_the_policy() {
    for (limits, codes) in [
        ("changed_lines_min = 90, changed_lines_except = [\"tests/**\"]", &[][..]),
        ("changed_lines_min = 90, changed_lines_except = [\"test/**\"]", &["E224"][..]),
    ] {
        let rig = with(limits);
        rig.commit("tests/more.rs", "1\n2\n");
        match codes {
            [] => accepted(&rig, &[]),
            codes => drop(refused(&rig, &[], codes)),
        }
    }
}

#[test]
fn a_change_of_documents_passes_and_an_empty_report_does_not() {
    let rig = rig();
    rig.git(&["reset", "-q", "--hard", "main"]);
    rig.commit("README.md", "more\n");
    assert_eq!(rig.report("build", "empty.info", "TN:\n").code, 1);
    rig.verify().refused(&["E203"]);
    rig.pass("build");
    rig.verify().refused(&["E214"]);
    accepted(&rig, &[]);
    let verdict = rig.verify();
    assert!(verdict.json["requirements"][0]["numbers"].as_str().unwrap().contains("no changed line that could be run"));
}

#[test]
fn a_report_of_another_file_of_the_name_is_not_taken() {
    let rig = rig();
    rig.commit("src/a.py", "1\n2\n");
    // The tests ran in a copy elsewhere on the machine.
    let elsewhere = [lcov("/w/repo/src/b.rs", "+"), lcov("/usr/lib/src/a.py", "++")];
    let text = lcov("/w/repo/src/lib.rs", "+") + &elsewhere.concat();
    assert_eq!(rig.report("build", "lines.info", &text).code, 0);
    // One file of each place fits, so that there is no telling which is the checkout.
    rig.verify().refused(&["E214"]);
    // A copy in the repository itself has all that the report has.
    rig.commit("vendor/src/a.py", "1\n2\n");
    rig.commit("vendor/src/lib.rs", "1\n2\n");
    let found = refused(&rig, &[lcov("src/a.py", "++")], &["E214"]);
    assert!(found.contains("` of a report may be src/"), "{found}");
    let copies = [lcov("vendor/src/a.py", "++"), lcov("vendor/src/lib.rs", "++")].concat();
    accepted(&rig, &[lcov("src/a.py", "++"), copies]);
}

#[test]
fn a_report_of_a_longer_file_is_not_taken() {
    let rig = rig();
    rig.commit("src/a.py", "1\n2\n3");
    let found = refused(&rig, &[lcov("src/a.py", "+++..+")], &["E214"]);
    assert_eq!(found, "`src/a.py` of a report has line 6, and src/a.py has 3");
    accepted(&rig, &[lcov("src/a.py", "+++")]);
}

#[test]
fn a_rename_changes_no_line_and_one_with_an_edit_all() {
    let rig = rig();
    rig.git(&["checkout", "-q", "main"]);
    rig.commit("src/old.py", "1\n2\n3\n4\n");
    rig.git(&["checkout", "-q", "-B", "feature"]);
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--base", "main", "--reason", "from main"]);
    rig.git(&["mv", "src/old.py", "src/new.py"]);
    rig.git(&["commit", "-q", "-m", "move"]);
    accepted(&rig, &[lcov("src/new.py", "----")]);
    rig.commit("src/new.py", "1\n2\nx\n4\n");
    refused(&rig, &[lcov("src/new.py", "--+-")], &["E224"]);
    accepted(&rig, &[lcov("src/new.py", "++++")]);
}

#[test]
fn carriage_returns_hide_no_line() {
    let rig = rig();
    // For Python these are three lines, for git one.
    rig.commit("src/a.py", "one = 1\rdef two():\r    return 2\n\n\n\n");
    refused(&rig, &[lcov("src/a.py", "++-")], &["E224"]);
    accepted(&rig, &[lcov("src/a.py", "+++")]);
    rig.commit("src/a.py", "one = 1\r\ndef two():\r\n    return 2\r\n");
    refused(&rig, &[lcov("src/a.py", "++-")], &["E224"]);
    accepted(&rig, &[lcov("src/a.py", "+++")]);
}

#[test]
fn deleted_and_empty_files_have_no_lines() {
    let rig = rig();
    rig.git(&["rm", "-q", "src/lib.rs"]);
    rig.git(&["commit", "-q", "-m", "gone"]);
    rig.commit("src/empty.rs", "");
    assert_eq!(rig.report("build", "lines.info", &lcov("src/other.rs", "-")).code, 0);
    rig.verify().accepted();
    rig.commit("src/empty.rs", "1\n");
    assert_eq!(rig.report("build", "lines.info", &lcov("src/other.rs", "-")).code, 0);
    rig.verify().refused(&["E224"]);
}

#[test]
fn what_a_merge_brings_in_counts_until_the_plan_starts_from_it() {
    let rig = rig();
    rig.git(&["checkout", "-q", "main"]);
    rig.commit("src/theirs.py", "1\n2\n");
    rig.git(&["checkout", "-q", "feature"]);
    rig.commit("src/mine.py", "1\n");
    rig.git(&["merge", "-q", "--no-edit", "main"]);
    let records = [lcov("src/theirs.py", "--"), lcov("src/mine.py", "+")];
    refused(&rig, &records, &["E224"]);
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--base", "main", "--reason", "from main"]);
    accepted(&rig, &records);
    refused(&rig, &[lcov("src/theirs.py", "++"), lcov("src/mine.py", "-")], &["E224"]);
}

#[test]
fn shards_add_up_and_each_variant_holds_by_itself() {
    let rig = rig();
    rig.commit("src/a.py", "1\n2\n3\n4\n");
    let shard = |shard: &str, variant: &[&str], lines: &str| {
        fs::write(rig.path("part.info"), lcov("src/lib.rs", "+") + &lcov("src/a.py", lines)).unwrap();
        let words = [&["attest", "build", "--shard", shard, "--report", "../part.info"], variant].concat();
        rig.ok("ci-1", &words);
    };
    shard("1/2", &[], "++--");
    shard("2/2", &[], "---+");
    rig.verify().refused(&["E224"]);
    shard("2/2", &[], "--++");
    rig.verify().accepted();
    shard("1/1", &["--variant", "slow"], "++--");
    rig.verify().refused(&["E224"]);
    shard("1/1", &["--variant", "slow"], "++++");
    rig.verify().accepted();
}

#[test]
fn lines_of_an_absent_report_are_unknown_even_where_its_facts_may_be_asserted() {
    let rig = Rig::with(&[(
        "[claim.build]",
        "[claim.build]\nasserted = \"allow\"\ncoverage = { total_min = 50, changed_lines_min = 50 }",
    )]);
    rig.plan("low");
    let text = lcov("src/lib.rs", "+");
    assert_eq!(rig.report("build", "lines.info", &text).code, 0);
    rig.verify().accepted();
    take_away(&rig, &text);
    rig.verify().refused(&["E216"]);
}

fn take_away(rig: &Rig, text: &str) {
    let digest = evidence_ledger::crypto::sha256(text.as_bytes()).to_string();
    fs::remove_file(rig.repo().join(".git/evidence/blobs/sha256").join(&digest[..2]).join(&digest)).unwrap();
}

#[test]
fn kinds_of_the_tests_in_an_absent_report_are_unknown_and_refuse_once() {
    for asserted in ["allow", "refuse"] {
        let claim = format!(
            "[claim.build]\nasserted = \"{asserted}\"\ntests = {{ positive = {{ names = [\"*one*\"], passed_min = 1 }} }}"
        );
        let rig = Rig::with(&[("[claim.build]", &claim)]);
        rig.plan("low");
        let text = "<testsuite name='cart'><testcase name='one'/></testsuite>";
        assert_eq!(rig.report("build", "tests.xml", text).code, 0);
        rig.verify().accepted();
        take_away(&rig, text);
        let verdict = rig.verify();
        verdict.refused(&["E216"]);
        assert_eq!(verdict.json["findings"].as_array().unwrap().len(), 1, "{:#}", verdict.json);
    }
}

#[test]
fn policy_test_judges_changed_lines_too() {
    let rig = Rig::new();
    rig.plan("low");
    rig.commit("src/a.py", "1\n2\n");
    attest(&rig, &[lcov("src/a.py", "+-")]);
    rig.verify().accepted();
    let policy = |least: u64| {
        let limits = format!("[claim.build]\ncoverage = {{ changed_lines_min = {least} }}");
        fs::write(rig.path("other.toml"), common::POLICY.replace("[claim.build]", &limits)).unwrap();
        rig.by("owner", &["policy", "test", "../other.toml"])
    };
    let (strict, lax) = (policy(90), policy(50));
    assert!(strict.out.contains("E224") && !lax.out.contains("E2"), "{strict:?} {lax:?}");
}

#[test]
fn the_bundle_holds_the_blobs_and_none_can_be_dropped_or_swapped() {
    let rig = rig();
    rig.commit("src/a.py", "1\n2\n");
    rig.commit("other/same.rs", "untouched by nobody\n");
    accepted(&rig, &[lcov("src/a.py", "++"), lcov("other/same.rs", "+")]);
    let members = members(&rig);
    let oid = |name: &str| format!("git/{}", rig.git(&["rev-parse", name]));
    let blobs = [oid("HEAD:src/a.py"), oid("HEAD:src/lib.rs"), oid("main:src/lib.rs"), oid("HEAD:.evidence")];
    for blob in &blobs {
        let at = members.iter().position(|(name, _)| name == blob).unwrap_or_else(|| panic!("{blob} is not there"));
        let mut less = members.clone();
        less.remove(at);
        assert_eq!(audit_of(&rig, &less).code, 1, "{blob} dropped");
        let mut other = members.clone();
        let swapped = members.iter().find(|(name, _)| blobs.contains(name) && name != blob).unwrap();
        other[at].1.clone_from(&swapped.1);
        assert_ne!(audit_of(&rig, &other).code, 0, "{blob} swapped");
    }
    assert_eq!(audit_of(&rig, &members).code, 0);
    // Where no policy asks, nothing of that is in it.
    let plain = Rig::new();
    plain.plan("low");
    plain.pass("build");
    plain.ok("ci-1", &["export", "-o", "../bundle.zip"]);
    let blob = format!("git/{}", plain.git(&["rev-parse", "HEAD:src/lib.rs"]));
    assert!(self::members(&plain).iter().all(|(name, _)| *name != blob));
}

fn members(rig: &Rig) -> Members {
    unpack(&fs::read(rig.path("bundle.zip")).unwrap())
}

fn audit_of(rig: &Rig, members: &Members) -> Ran {
    fs::write(rig.path("other.zip"), pack(members)).unwrap();
    rig.by("stranger", &["audit", "../other.zip", "--trust", ".evidence/trust.toml"])
}
