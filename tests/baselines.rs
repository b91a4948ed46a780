//! What a branch protects: tests, names, findings and numbers that were merged may not get worse, but by what somebody entitled signs.

mod common;
#[path = "common/forge.rs"]
#[expect(dead_code, reason = "a part of the pen is enough here")]
mod forge;

use std::fs;

use common::{Rig, Verdict, sarif};
use evidence_ledger::append::{AppendError, Refusal};
use evidence_ledger::attest::Signer;
use evidence_ledger::model::{Event, Oid, Predicate, Statement, Subject};
use forge::{Forge, key};
use serde_json::Value;

/// A policy in which `build` keeps its tests, `scan` its findings and `unit-tests` its coverage.
fn keeping() -> Rig {
    let rig = Rig::with(&[
        ("by = \"ci\"\n\n[claim.unit-tests]", "by = \"ci\"\ntests = { baseline = \"keep\" }\n\n[claim.unit-tests]"),
        ("tests = { passed_min = 2, failed_max = 0 }", "coverage = { total_min = 10, baseline = \"floor\" }"),
        ("findings = { high_max = 0 }", "findings = { new_max = 0 }"),
    ]);
    rig.git(&["checkout", "-q", "main"]);
    rig.key("boss");
    rig.grant("boss", "boss", "admin", &["--email", "boss@example.org"]);
    rig
}

/// A JUnit report of these tests; `-name` is skipped, `!name` fails.
fn tests(names: &[&str]) -> String {
    let case = |name: &&str| match (name.strip_prefix('-'), name.strip_prefix('!')) {
        (Some(name), _) => format!("<testcase classname=\"s\" name=\"{name}\"><skipped/></testcase>"),
        (_, Some(name)) => format!("<testcase classname=\"s\" name=\"{name}\"><failure message=\"no\"/></testcase>"),
        _ => format!("<testcase classname=\"s\" name=\"{name}\"/>"),
    };
    let cases: String = names.iter().map(case).collect();
    format!("<testsuite name=\"u\">{cases}</testsuite>")
}

/// An LCOV report of one file with so many of a hundred lines run.
fn lcov(run: usize) -> String {
    let lines: String = (1..=100).map(|line| format!("DA:{line},{}\n", usize::from(line <= run))).collect();
    format!("SF:src/lib.rs\n{lines}end_of_record\n")
}

/// Begins a change on main: a branch with one commit, planned for a tier.
fn begin(rig: &Rig, name: &str, tier: &str) -> String {
    rig.git(&["checkout", "-q", "-b", name]);
    rig.commit(&format!("src/{name}.rs"), name);
    let change = format!("shop/{name}");
    rig.ok("planner", &["plan", &change, "--tier", tier, "--implementer", "agent"]);
    change
}

fn attest(rig: &Rig, claim: &str, name: &str, text: &str) {
    fs::write(rig.path(name), text).unwrap();
    rig.by("ci-1", &["attest", claim, "--report", &format!("../{name}")]);
}

fn verify(rig: &Rig) -> Verdict {
    rig.verify()
}

/// Merges the branch that is checked out into main, and records it.
fn merge(rig: &Rig, name: &str) -> Value {
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", name]);
    rig.ok("ci-1", &["record", "merge", "--json"]).json()
}

/// A change of tier low whose tests are these, accepted and merged.
fn merged(rig: &Rig, name: &str, names: &[&str]) {
    begin(rig, name, "low");
    attest(rig, "build", "t.xml", &tests(names));
    verify(rig).accepted();
    merge(rig, name);
}

fn compared(verdict: &Verdict, claim: &str) -> Value {
    let requirements = verdict.json["requirements"].as_array().unwrap();
    requirements.iter().find(|it| it["claim"] == claim).unwrap()["baseline"].clone()
}

fn audit_branch(rig: &Rig) -> Value {
    rig.by("stranger", &["audit", "--branch", "main", "--json"]).json()
}

fn states(audit: &Value) -> Vec<&str> {
    audit["commits"].as_array().unwrap().iter().map(|commit| commit["state"].as_str().unwrap()).collect()
}

#[test]
fn tests_that_were_merged_must_stay_and_pass_and_new_ones_join() {
    let rig = keeping();
    merged(&rig, "one", &["a", "b", "b"]);
    begin(&rig, "two", "low");
    attest(&rig, "build", "t.xml", &tests(&["a", "b", "b", "c"]));
    let verdict = verify(&rig);
    verdict.accepted();
    let compared = compared(&verdict, "build");
    assert_eq!((&compared[0]["of"], &compared[0]["held"], &compared[0]["joined"]), (&3.into(), &3.into(), &1.into()));
    let numbers = verdict.json["requirements"][0]["numbers"].as_str().unwrap();
    assert!(numbers.contains("3 of 3 baseline tests pass, 1 joined"), "{numbers}");
    merge(&rig, "two");
    assert_eq!(states(&audit_branch(&rig)), ["accepted", "accepted"]);
    // What joined is protected from now on.
    begin(&rig, "three", "low");
    attest(&rig, "build", "t.xml", &tests(&["a", "b", "b"]));
    verify(&rig).refused(&["E260"]);
    attest(&rig, "build", "t.xml", &tests(&["a", "b", "b", "c"]));
    verify(&rig).accepted();
}

#[test]
fn test_that_is_deleted_skipped_renamed_or_fewer_is_lost() {
    let rig = keeping();
    merged(&rig, "one", &["a", "b", "b", "c"]);
    begin(&rig, "two", "low");
    for (names, told) in [
        (&["b", "b", "c"][..], "u > s > a (is gone)"),
        (&["-a", "b", "b", "c"], "u > s > a (does not pass)"),
        (&["a2", "b", "b", "c"], "u > s > a (is gone)"),
        (&["a", "b", "c"], "u > s > b (1 of 2 are left)"),
        (&["a", "b", "-b", "c"], "u > s > b (does not pass)"),
    ] {
        attest(&rig, "build", "t.xml", &tests(names));
        let verdict = verify(&rig);
        verdict.refused(&["E260"]);
        let found = verdict.json["findings"][0]["found"].as_str().unwrap();
        assert!(found.contains(told), "{told}: {found}");
    }
    attest(&rig, "build", "t.xml", &tests(&["c", "b", "a", "b"]));
    verify(&rig).accepted();
}

#[test]
fn retired_test_may_go_and_is_shown_as_retired() {
    let rig = keeping();
    merged(&rig, "one", &["a", "b"]);
    begin(&rig, "two", "low");
    attest(&rig, "build", "t.xml", &tests(&["b"]));
    verify(&rig).refused(&["E260"]);
    let retire = ["allow", "retire", "build", "--name", "u > s > a", "--reason", "endpoint removed", "--until", "2d"];
    rig.refuses("agent", &retire, "allow");
    rig.ok("boss", &retire);
    let verdict = verify(&rig);
    verdict.accepted();
    let numbers = verdict.json["requirements"][0]["numbers"].as_str().unwrap();
    assert!(numbers.contains("1 of 2 baseline tests pass, 1 retired by boss: \"endpoint removed\""), "{numbers}");
    merge(&rig, "two");
    assert_eq!(states(&audit_branch(&rig)), ["accepted", "accepted"]);
    // It is gone for good; the other one is not.
    begin(&rig, "three", "low");
    attest(&rig, "build", "t.xml", &tests(&["b"]));
    verify(&rig).accepted();
    attest(&rig, "build", "t.xml", &tests(&["c"]));
    verify(&rig).refused(&["E260"]);
}

#[test]
fn hint_of_what_is_lost_runs_as_it_is_printed() {
    for longest in ["", "[exceptions]\nlongest = \"3d\"\n\n"] {
        let keep = "by = \"ci\"\ntests = { baseline = \"keep\" }\n\n[claim.unit-tests]";
        let may = format!("{longest}[may]");
        let rig = Rig::with(&[("by = \"ci\"\n\n[claim.unit-tests]", keep), ("[may]", &may)]);
        rig.git(&["checkout", "-q", "main"]);
        rig.key("boss");
        rig.grant("boss", "boss", "admin", &["--email", "boss@example.org"]);
        merged(&rig, "one", &["a", "b"]);
        begin(&rig, "two", "low");
        attest(&rig, "build", "t.xml", &tests(&["b"]));
        let verdict = verify(&rig);
        verdict.refused(&["E260"]);
        let words = &verdict.json["findings"][0]["mend"]["command"];
        let words: Vec<&str> = words.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        // An end that the policy says need not be said.
        assert_eq!(words.contains(&"--until"), longest.is_empty(), "{words:?}");
        rig.ok("boss", &words[1..]);
        verify(&rig).accepted();
    }
}

#[test]
fn finding_that_comes_in_is_refused_until_admitted_and_one_that_goes_may_not_come_back() {
    let rig = keeping();
    let all = |rig: &Rig, severities: &[&str]| {
        attest(rig, "build", "t.xml", &tests(&["a"]));
        attest(rig, "unit-tests", "l.info", &lcov(50));
        attest(rig, "scan", "s.sarif", &sarif(severities));
    };
    begin(&rig, "one", "medium");
    all(&rig, &["1.0", "2.0"]);
    verify(&rig).accepted();
    merge(&rig, "one");
    begin(&rig, "two", "medium");
    all(&rig, &["1.0"]);
    verify(&rig).accepted();
    merge(&rig, "two");
    begin(&rig, "three", "medium");
    all(&rig, &["1.0", "2.0"]);
    verify(&rig).refused(&["E262"]);
    rig.ok("boss", &["allow", "admit", "scan", "--name", "scanner R1*", "--reason", "known", "--until", "2d"]);
    let verdict = verify(&rig);
    verdict.accepted();
    assert_eq!(compared(&verdict, "scan")[0]["allowed"][0]["reason"], "known");
    merge(&rig, "three");
    assert_eq!(states(&audit_branch(&rig)), ["accepted"; 3]);
}

#[test]
fn coverage_may_not_fall_below_the_highest_that_was_merged() {
    let rig = keeping();
    let all = |rig: &Rig, run: usize| {
        attest(rig, "build", "t.xml", &tests(&["a"]));
        attest(rig, "scan", "s.sarif", &sarif(&[]));
        attest(rig, "unit-tests", "l.info", &lcov(run));
    };
    for (name, run) in [("one", 40), ("two", 60)] {
        begin(&rig, name, "medium");
        all(&rig, run);
        verify(&rig).accepted();
        merge(&rig, name);
    }
    begin(&rig, "three", "medium");
    all(&rig, 59);
    verify(&rig).refused(&["E264"]);
    all(&rig, 60);
    verify(&rig).accepted();
    // Tested code goes: somebody entitled lets the floor fall, once.
    all(&rig, 55);
    verify(&rig).refused(&["E264"]);
    rig.ok(
        "boss",
        &[
            "allow",
            "retire",
            "unit-tests",
            "--name",
            "coverage",
            "--to",
            "55%",
            "--reason",
            "the importer is gone",
            "--until",
            "1d",
        ],
    );
    verify(&rig).accepted();
    merge(&rig, "three");
    begin(&rig, "four", "medium");
    all(&rig, 54);
    verify(&rig).refused(&["E264"]);
    all(&rig, 55);
    verify(&rig).accepted();
    assert_eq!(states(&audit_branch(&rig)), ["accepted"; 3]);
}

#[test]
fn easy_part_of_the_lines_shown_again_lifts_no_floor() {
    let rig = keeping();
    let all = |name: &str, run: usize, more: &str| {
        attest(&rig, "build", "t.xml", &tests(&["a"]));
        attest(&rig, "scan", "s.sarif", &sarif(&[]));
        fs::write(rig.path(&format!("{name}.info")), lcov(run)).unwrap();
        fs::write(rig.path(&format!("{name}-more.info")), more).unwrap();
        let reports = [format!("../{name}.info"), format!("../{name}-more.info")];
        rig.by("ci-1", &["attest", "unit-tests", "--report", &reports[0], "--report", &reports[1]]);
    };
    let easy = "SF:src/lib.rs\nDA:1,1\nDA:2,1\nend_of_record\n";
    begin(&rig, "one", "medium");
    all("one", 60, easy);
    let verdict = verify(&rig);
    verdict.accepted();
    assert!(verdict.json.to_string().contains("coverage 60.00 % begins the baseline"), "{verdict:?}");
    merge(&rig, "one");
    begin(&rig, "two", "medium");
    all("two", 59, easy);
    verify(&rig).refused(&["E264"]);
    all("twice", 59, &lcov(60));
    verify(&rig).accepted();
}

#[test]
fn format_that_does_not_tell_of_excluded_lines_is_no_way_around_their_ceiling() {
    let rig = counting("coverage = { excluded = \"ceiling\" }");
    begin(&rig, "one", "low");
    attest(&rig, "build", "l.info", &lcov(90));
    verify(&rig).refused(&["E214"]);
    attest(&rig, "build", "l.json", &excluding(2));
    verify(&rig).accepted();
}

#[test]
fn merge_without_a_verdict_keeps_what_was_protected() {
    let rig = keeping();
    merged(&rig, "one", &["a", "b"]);
    rig.commit("src/pushed.rs", "past the gate");
    rig.ok("ci-1", &["record", "merge", "--unverified"]);
    begin(&rig, "two", "low");
    attest(&rig, "build", "t.xml", &tests(&["a"]));
    verify(&rig).refused(&["E260"]);
    attest(&rig, "build", "t.xml", &tests(&["a", "b"]));
    verify(&rig).accepted();
}

#[test]
fn commit_that_was_pushed_past_the_gate_does_not_hide_the_baseline() {
    let rig = keeping();
    merged(&rig, "one", &["a", "b"]);
    rig.commit("src/pushed.rs", "past the gate");
    begin(&rig, "two", "low");
    attest(&rig, "build", "t.xml", &tests(&["a"]));
    verify(&rig).refused(&["E260"]);
}

#[test]
fn change_from_before_the_first_baseline_has_nothing_to_keep() {
    let rig = keeping();
    begin(&rig, "old", "low");
    rig.git(&["checkout", "-q", "main"]);
    merged(&rig, "one", &["a", "b"]);
    rig.git(&["checkout", "-q", "old"]);
    attest(&rig, "build", "t.xml", &tests(&["a"]));
    verify(&rig).accepted();
}

#[test]
fn baseline_that_is_gone_or_changed_refuses() {
    let rig = keeping();
    merged(&rig, "one", &["a", "b"]);
    begin(&rig, "two", "low");
    attest(&rig, "build", "t.xml", &tests(&["a", "b"]));
    verify(&rig).accepted();
    let blob = baseline_file(&rig);
    let text = fs::read_to_string(&blob).unwrap();
    assert!(text.starts_with("evidence-baseline/v1\nbranch shop:refs/heads/main\nprevious none\n"), "{text}");
    fs::remove_file(&blob).unwrap();
    verify(&rig).refused(&["E263"]);
    fs::write(&blob, text.replace("tests build - 2", "tests build - 1")).unwrap();
    assert_eq!(rig.by("stranger", &["verify", "--json"]).code, 3);
}

/// The only baseline among the materials.
fn baseline_file(rig: &Rig) -> std::path::PathBuf {
    let mut found = Vec::new();
    let mut todo = vec![rig.repo().join(".git/evidence/blobs")];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => todo.push(path),
                false if fs::read(&path).unwrap().starts_with(b"evidence-baseline/v1\n") => found.push(path),
                false => {}
            }
        }
    }
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[test]
fn merge_record_cannot_drop_or_invent_what_is_protected() {
    let rig = keeping();
    merged(&rig, "one", &["a", "b"]);
    let forge = Forge::of(&rig);
    let commit: Oid = rig.git(&["rev-parse", "HEAD"]).parse().unwrap();
    let tree: Oid = rig.git(&["rev-parse", "HEAD^{tree}"]).parse().unwrap();
    let ci = key(&rig, "ci-1");
    let signer = Signer { appender: &forge.appender(forge.newest()), keys: vec![&ci] };
    for baseline in [None, Some(evidence_ledger::crypto::sha256(b"other"))] {
        let event = Event::Merge {
            branch: "refs/heads/main".to_owned(),
            repository: "shop".parse().unwrap(),
            changes: Vec::new(),
            verdict: None,
            baseline,
        };
        let size = forge.ledger.read().unwrap().size();
        let refused = signer.merge_at(size, &commit, &tree, event);
        assert!(matches!(refused, Err(AppendError::Refused(Refusal::Baseline { .. }))), "{refused:?}");
    }
}

#[test]
fn baseline_of_another_branch_protects_nothing_here() {
    let rig = keeping();
    merged(&rig, "one", &["a", "b"]);
    let text = fs::read_to_string(baseline_file(&rig)).unwrap();
    assert!(text.contains("refs/heads/main"), "{text}");
    let forge = Forge::of(&rig);
    let merge = |text: &str| {
        let baseline = Some(forge.ledger.blobs().put(text.as_bytes()).unwrap());
        let subjects = vec![Subject::commit(forge::oid(&rig, "main")), Subject::Tree(forge::oid(&rig, "main^{tree}"))];
        let event = Event::Merge {
            branch: "refs/heads/main".to_owned(),
            repository: "shop".parse().unwrap(),
            changes: vec!["shop/other".parse().unwrap()],
            verdict: None,
            baseline,
        };
        let statement = Statement { subjects, binding: forge.binding(false, None), predicate: Predicate::Event(event) };
        forge.write(&statement, &[&key(&rig, "ci-1")], forge.newest());
    };
    begin(&rig, "two", "low");
    attest(&rig, "build", "t.xml", &tests(&["a", "b"]));
    merge(&text);
    verify(&rig).accepted();
    merge(&text.replace("refs/heads/main", "refs/heads/other"));
    let verdict = verify(&rig);
    verdict.refused(&["E263"]);
    assert!(verdict.json["findings"].to_string().contains("refs/heads/other"), "{:#}", verdict.json);
}

#[test]
fn tier_that_wants_the_newest_base_takes_no_older_one() {
    let rig = Rig::with(&[("[tier.low]\nrequire", "[tier.low]\nbase = \"newest\"\nrequire")]);
    rig.git(&["checkout", "-q", "main"]);
    begin(&rig, "old", "low");
    rig.pass("build");
    rig.git(&["checkout", "-q", "main"]);
    begin(&rig, "one", "low");
    rig.pass("build");
    verify(&rig).accepted();
    merge(&rig, "one");
    rig.git(&["checkout", "-q", "old"]);
    verify(&rig).refused(&["E266"]);
    rig.git(&["rebase", "-q", "main"]);
    rig.ok("planner", &["plan", "shop/old", "--tier", "low", "--base", "main", "--reason", "rebased"]);
    rig.pass("build");
    verify(&rig).accepted();
}

#[test]
fn bundle_holds_the_baseline_and_an_auditor_comes_to_the_same() {
    let rig = keeping();
    merged(&rig, "one", &["a", "b"]);
    rig.commit("src/pushed.rs", "past the gate");
    rig.ok("ci-1", &["record", "merge", "--unverified"]);
    rig.commit("src/pushed.rs", "and again");
    rig.ok("ci-1", &["record", "merge", "--unverified"]);
    begin(&rig, "two", "low");
    attest(&rig, "build", "t.xml", &tests(&["a"]));
    let bundle = rig.path("two.zip");
    let export = |rig: &Rig| rig.ok("stranger", &["export", "shop/two", "-o", "../two.zip"]);
    let audit = |rig: &Rig| rig.by("stranger", &["audit", bundle.to_str().unwrap(), "--json"]);
    export(&rig);
    let refused = audit(&rig);
    assert_eq!((refused.code, &refused.json()["verdict"]["findings"][0]["code"]), (1, &"E260".into()), "{refused:?}");
    attest(&rig, "build", "t.xml", &tests(&["a", "b", "c"]));
    export(&rig);
    assert_eq!(audit(&rig).code, 0);
    merge(&rig, "two");
    rig.git(&["checkout", "-q", "two"]);
    export(&rig);
    let accepted = audit(&rig);
    assert_eq!(accepted.code, 0, "{accepted:?}");
}

#[test]
fn renamed_test_may_go_only_as_far_as_its_new_name_passes() {
    let rig = keeping();
    merged(&rig, "one", &["pays", "pays_twice"]);
    begin(&rig, "two", "low");
    attest(&rig, "build", "t.xml", &tests(&["pays", "pays_two_times"]));
    verify(&rig).refused(&["E260"]);
    let proposed = rig.ok("stranger", &["baseline", "rename", "--json"]).json();
    let pair = &proposed["renames"]["build"][0];
    assert_eq!((&pair["from"], &pair["to"]), (&"u > s > pays_twice".into(), &"u > s > pays_two_times".into()));
    let sign = ["baseline", "rename", "--sign", "--reason", "clearer", "--until", "2d"];
    rig.refuses("agent", &sign, "allow");
    rig.ok("boss", &sign);
    let verdict = verify(&rig);
    verdict.accepted();
    assert_eq!(compared(&verdict, "build")[0]["allowed"][0]["to"], "u > s > pays_two_times");
    // Whoever takes the new name away again has lost the old one.
    for names in [&["pays"][..], &["pays", "-pays_two_times"]] {
        attest(&rig, "build", "t.xml", &tests(names));
        verify(&rig).refused(&["E260"]);
    }
    attest(&rig, "build", "t.xml", &tests(&["pays", "pays_two_times"]));
    verify(&rig).accepted();
    merge(&rig, "two");
    assert_eq!(states(&audit_branch(&rig)), ["accepted", "accepted"]);
}

#[test]
fn baseline_is_shown_with_what_a_change_moves_and_when_names_joined() {
    let rig = keeping();
    let empty = rig.ok("stranger", &["baseline", "show", "--branch", "main"]);
    assert!(empty.out.contains("protects nothing yet"), "{empty:?}");
    merged(&rig, "one", &["a", "b"]);
    begin(&rig, "two", "low");
    attest(&rig, "build", "t.xml", &tests(&["a", "c"]));
    let diff = rig.ok("stranger", &["baseline", "diff", "--json"]).json();
    let rows: Vec<String> = diff["moved"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {} -> {}", row["name"].as_str().unwrap(), row["before"], row["after"]))
        .collect();
    assert_eq!(rows, ["u > s > b 1 -> 0", "u > s > c 0 -> 1"]);
    assert_eq!(diff["decision"], "refused");
    let text = rig.ok("stranger", &["baseline", "diff"]).out;
    assert!(text.contains("  - build test u > s > b\n  + build test u > s > c\n"), "{text}");
    attest(&rig, "build", "t.xml", &tests(&["a", "b", "c", "c"]));
    merge(&rig, "two");
    let show = rig.ok("stranger", &["baseline", "show", "build", "--json"]).json();
    let claim = &show["claims"][0];
    assert_eq!((&claim["tests"]["count"], &claim["tests"]["names"][2]["count"]), (&4.into(), &2.into()));
    let history = rig.ok("stranger", &["baseline", "history", "--json"]).json();
    let merges: Vec<(Value, Value)> = history["merges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|merge| (merge["changes"][0].clone(), merge["joined"].clone()))
        .collect();
    assert_eq!(merges, [("shop/one".into(), 2.into()), ("shop/two".into(), 1.into())]);
    let text = rig.ok("stranger", &["baseline", "history", "> c"]).out;
    assert!(text.contains("shop/two\n    + build test u > s > c  0 -> 2\n"), "{text}");
    assert!(!text.contains("shop/one"), "{text}");
    assert_eq!(rig.by("stranger", &["baseline", "show", "scan"]).code, 2);
}

#[test]
fn history_names_who_let_a_name_go_and_which_change_brought_one() {
    let rig = keeping();
    merged(&rig, "one", &["a", "b", "c"]);
    begin(&rig, "two", "low");
    attest(&rig, "build", "t.xml", &tests(&["b", "d", "e"]));
    let until = ["--until", "2d", "--id"];
    let retire = ["allow", "retire", "build", "--name", "u > s > a", "--reason", "endpoint removed"];
    rig.ok("boss", &[&retire[..], &until, &["r-1"]].concat());
    // One that no name needs is not told.
    let other = ["allow", "retire", "build", "--name", "u > s > x", "--reason", "nothing"];
    rig.ok("boss", &[&other[..], &until, &["r-2"]].concat());
    rig.ok(
        "boss",
        &["baseline", "rename", "--sign", "--reason", "clearer", "--until", "2d", "--pair", "u > s > c=>u > s > d"],
    );
    verify(&rig).accepted();
    merge(&rig, "two");
    let history = rig.ok("stranger", &["baseline", "history", "--json"]).json();
    let merges = history["merges"].as_array().unwrap();
    assert_eq!(merges[0]["names"], serde_json::json!([]));
    let names = merges[1]["names"].as_array().unwrap();
    assert_eq!(names.len(), 2, "{history:#}");
    let (a, c) = (&names[0], &names[1]);
    assert_eq!(
        (&a["name"], &a["allowed"]["id"], &a["allowed"]["by"][0]),
        (&"u > s > a".into(), &"r-1".into(), &"boss".into())
    );
    assert_eq!((&a["allowed"]["reason"], &a["change"]), (&"endpoint removed".into(), &"shop/two".into()));
    assert_eq!((&c["name"], &c["allowed"]["to"]), (&"u > s > c".into(), &"u > s > d".into()));
    let text = rig.ok("stranger", &["baseline", "history"]).out;
    assert!(
        text.contains("shop/two\n    - build test u > s > a  (allowed by boss, r-1: endpoint removed)\n"),
        "{text}"
    );
    assert!(text.contains("u > s > c  (allowed as u > s > d by boss, "), "{text}");
    let joined = rig.ok("stranger", &["baseline", "history", "> e", "--json"]).json();
    let row = &joined["merges"][0];
    assert_eq!((&row["names"][0]["change"], row["names"][0].get("allowed")), (&"shop/two".into(), None));
    assert_eq!(row["merge"], merges[1]["merge"]);
    // Where the commits are not here, who let it is not made up.
    let elsewhere = rig.path("elsewhere");
    common::system("git", &["init", "-q", elsewhere.to_str().unwrap()]);
    let ledger = rig.repo().join(".git/evidence");
    let trust = rig.repo().join(".evidence/trust.toml");
    let words = [
        "baseline",
        "history",
        "--branch",
        "main",
        "--json",
        "--ledger",
        ledger.to_str().unwrap(),
        "--trust",
        trust.to_str().unwrap(),
    ];
    let ran = rig.command("stranger", &words).current_dir(&elsewhere).output().unwrap();
    if ran.status.success() {
        let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let left = &told["merges"][1]["names"][0];
        assert!(left.get("allowed").is_none() && left["unknown"].is_string(), "{told:#}");
    } else {
        panic!("{}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
fn name_of_a_surface_may_not_go_and_one_that_joins_must_be_tested() {
    let rig = Rig::with(&[
        (
            "by = \"ci\"\n\n[claim.unit-tests]",
            "by = \"ci\"\nnames = { baseline = \"keep\", surface = \"tested\", new_max = 1 }\n\n[claim.unit-tests]",
        ),
        ("tests = { passed_min = 2, failed_max = 0 }", "tests = { passed_min = 1 }"),
        ("require = [\"build\"]", "require = [\"build\", \"unit-tests\"]"),
        ("require = [\"unit-tests\", \"scan\"]", "require = [\"scan\"]"),
    ]);
    rig.git(&["checkout", "-q", "main"]);
    let all = |rig: &Rig, names: &str, cases: &[&str]| {
        fs::write(rig.path("api.txt"), names).unwrap();
        rig.ok("ci-1", &["attest", "build", "--report", "names=../api.txt"]);
        attest(rig, "unit-tests", "t.xml", &tests(cases));
    };
    begin(&rig, "one", "low");
    all(&rig, "GET /orders\nPOST /orders\n", &["a"]);
    verify(&rig).accepted();
    merge(&rig, "one");
    begin(&rig, "two", "low");
    all(&rig, "GET /orders\n", &["a"]);
    verify(&rig).refused(&["E260"]);
    all(&rig, "GET /orders\nPOST /orders\nPUT /orders\n", &["a"]);
    verify(&rig).refused(&["E268"]);
    // What somebody else shows for the claim tests nothing, nor does what fails.
    fs::write(rig.path("t.xml"), tests(&["a", "PUT /orders replaces"])).unwrap();
    rig.ok("reviewer", &["attest", "unit-tests", "--report", "../t.xml"]);
    attest(&rig, "unit-tests", "t.xml", &tests(&["a", "!PUT /orders fails"]));
    attest(&rig, "unit-tests", "t.xml", &tests(&["a"]));
    verify(&rig).refused(&["E268"]);
    all(&rig, "GET /orders\nPOST /orders\nPUT /orders\n", &["a", "PUT /orders replaces"]);
    verify(&rig).accepted();
    all(&rig, "GET /orders\nPOST /orders\nPUT /orders\nGET /all\n", &["a", "PUT /orders replaces", "GET /all lists"]);
    verify(&rig).refused(&["E262"]);
}

/// A hyperfine report of one command whose runs took these milliseconds.
fn hyperfine(times: &[u64]) -> String {
    let seconds: Vec<String> = times.iter().map(|time| format!("{}.{:03}", time / 1000, time % 1000)).collect();
    let codes: Vec<&str> = times.iter().map(|_| "0").collect();
    let mean = times.iter().sum::<u64>() / u64::try_from(times.len()).unwrap();
    format!(
        "{{\"results\":[{{\"command\":\"parse\",\"mean\":{}.{:03},\"stddev\":0.001,\"median\":0.1,\"user\":0.1,\"system\":0.0,\"min\":0.1,\"max\":0.2,\"times\":[{}],\"exit_codes\":[{}]}}]}}",
        mean / 1000,
        mean % 1000,
        seconds.join(","),
        codes.join(",")
    )
}

/// A policy in which `build` keeps measurements like this.
fn measuring(limits: &str) -> Rig {
    let build = format!("by = \"ci\"\nmeasurements = {{ {limits} }}\n\n[claim.unit-tests]");
    let rig = Rig::with(&[("by = \"ci\"\n\n[claim.unit-tests]", &build)]);
    rig.git(&["checkout", "-q", "main"]);
    rig
}

/// What runs around a number came to.
fn runs(middle: u64) -> [u64; 8] {
    [0, 1, 2, 1, 0, 2, 1, 1].map(|more| middle - 1 + more)
}

fn around(middle: u64) -> String {
    hyperfine(&runs(middle))
}

/// What `go test -bench` prints of runs at rates around a number.
fn rates(middle: u64) -> String {
    let lines = runs(middle).map(|rate| format!("BenchmarkParse-2\t100\t{rate}.00 MB/s\n")).concat();
    format!("pkg: shop\n{lines}PASS\nok  \tshop\t1.0s\n")
}

#[test]
fn measurement_that_is_a_third_slower_or_too_wide_or_from_elsewhere_is_no_pass() {
    let rig = measuring("tolerance = 10");
    let measure = |rig: &Rig, times: &[u64]| attest(rig, "build", "h.json", &hyperfine(times));
    begin(&rig, "one", "low");
    measure(&rig, &[100, 101, 99, 100, 101, 99, 100, 100]);
    verify(&rig).accepted();
    merge(&rig, "one");
    begin(&rig, "two", "low");
    for (times, told) in [
        (&[133, 134, 132, 133, 134, 132, 133, 133][..], "33 % worse"),
        (&[60, 150, 100, 130, 70, 90, 140, 80], "cannot be told"),
        (&[105], "cannot be told"),
    ] {
        measure(&rig, times);
        let verdict = verify(&rig);
        verdict.refused(&["E265"]);
        let found = verdict.json["findings"][0]["found"].as_str().unwrap();
        assert!(found.contains(told), "{told}: {found}");
    }
    fs::write(rig.path("h.json"), hyperfine(&[100, 101, 99, 100])).unwrap();
    let mut command = rig.command("ci-1", &["attest", "build", "--report", "../h.json"]);
    assert!(command.env("EVIDENCE_HOST", "another machine").status().unwrap().success());
    verify(&rig).refused(&["E265"]);
    measure(&rig, &[102, 103, 101, 102, 103, 101, 102, 102]);
    verify(&rig).accepted();
}

#[test]
fn a_little_slower_with_each_merge_is_held_against_the_first() {
    let rig = measuring("tolerance = 10");
    for (name, middle) in [("one", 100), ("two", 106)] {
        begin(&rig, name, "low");
        attest(&rig, "build", "h.json", &around(middle));
        verify(&rig).accepted();
        merge(&rig, name);
    }
    begin(&rig, "three", "low");
    attest(&rig, "build", "h.json", &around(114));
    verify(&rig).refused(&["E265"]);
    attest(&rig, "build", "h.json", &around(106));
    verify(&rig).accepted();
}

#[test]
fn order_of_names_and_reports_changes_nothing() {
    let rig = keeping();
    merged(&rig, "one", &["a", "b", "c"]);
    let first = baseline_file(&rig);
    begin(&rig, "two", "low");
    fs::write(rig.path("x.xml"), tests(&["c"])).unwrap();
    fs::write(rig.path("y.xml"), tests(&["b", "a"])).unwrap();
    rig.ok("ci-1", &["attest", "build", "--report", "../y.xml", "--report", "../x.xml"]);
    verify(&rig).accepted();
    let status = rig.ok("stranger", &["status", "shop/two", "--json"]).json();
    assert_eq!(status["changes"][0]["requirements"][0]["baseline"][0]["what"], "tests", "{status}");
    merge(&rig, "two");
    // Nothing moved: the very baseline of before stays.
    assert_eq!(baseline_file(&rig), first);
}

#[test]
fn another_name_for_the_run_is_no_way_around_what_is_protected() {
    let rig = keeping();
    merged(&rig, "one", &["a", "b"]);
    begin(&rig, "two", "low");
    fs::write(rig.path("t.xml"), tests(&["c"])).unwrap();
    rig.ok("ci-1", &["attest", "build", "--variant", "other", "--report", "../t.xml"]);
    verify(&rig).refused(&["E201"]);
    attest(&rig, "build", "t.xml", &tests(&["a", "b"]));
    verify(&rig).accepted();
}

#[test]
fn what_was_merged_into_the_change_is_protected_in_it_too() {
    let rig = keeping();
    rig.git(&["checkout", "-q", "-b", "older"]);
    rig.git(&["checkout", "-q", "main"]);
    begin(&rig, "two", "low");
    rig.git(&["checkout", "-q", "older"]);
    rig.git(&["branch", "-q", "-f", "main", "older"]);
    rig.git(&["checkout", "-q", "main"]);
    merged(&rig, "one", &["a", "b"]);
    rig.git(&["checkout", "-q", "two"]);
    // From before the merge it has nothing to keep; once it holds what was merged, it has.
    attest(&rig, "build", "t.xml", &tests(&["a"]));
    verify(&rig).accepted();
    rig.git(&["merge", "-q", "-m", "main", "main"]);
    attest(&rig, "build", "t.xml", &tests(&["a"]));
    verify(&rig).refused(&["E260"]);
    let bundle = rig.path("two.zip");
    rig.ok("stranger", &["export", "shop/two", "-o", "../two.zip"]);
    assert_eq!(rig.by("stranger", &["audit", bundle.to_str().unwrap(), "--json"]).code, 1);
    attest(&rig, "build", "t.xml", &tests(&["a", "b"]));
    verify(&rig).accepted();
    rig.ok("stranger", &["export", "shop/two", "-o", "../two.zip"]);
    assert_eq!(rig.by("stranger", &["audit", bundle.to_str().unwrap(), "--json"]).code, 0);
}

#[test]
fn of_several_merges_in_the_change_the_newest_counts_whatever_was_merged_since() {
    let rig = keeping();
    begin(&rig, "open", "low");
    rig.git(&["checkout", "-q", "main"]);
    merged(&rig, "one", &["a"]);
    merged(&rig, "two", &["a", "b"]);
    rig.git(&["checkout", "-q", "open"]);
    rig.git(&["merge", "-q", "-m", "main", "main"]);
    rig.git(&["checkout", "-q", "main"]);
    merged(&rig, "three", &["a", "b", "c"]);
    rig.git(&["checkout", "-q", "open"]);
    attest(&rig, "build", "t.xml", &tests(&["a"]));
    verify(&rig).refused(&["E260"]);
    attest(&rig, "build", "t.xml", &tests(&["a", "b"]));
    verify(&rig).accepted();
}

#[test]
fn what_was_merged_beside_the_base_is_protected_where_the_change_brings_it_back() {
    let rig = keeping();
    let start = rig.git(&["rev-parse", "HEAD"]);
    merged(&rig, "one", &["a", "b"]);
    // Somebody takes the merge out of the branch, and goes on past the gate.
    rig.git(&["reset", "-q", "--hard", start.trim()]);
    rig.commit("src/past.rs", "past");
    begin(&rig, "two", "low");
    rig.git(&["merge", "-q", "-m", "one", "one"]);
    attest(&rig, "build", "t.xml", &tests(&["a"]));
    verify(&rig).refused(&["E260"]);
    attest(&rig, "build", "t.xml", &tests(&["a", "b"]));
    verify(&rig).accepted();
}

#[test]
fn rate_that_is_better_for_certain_takes_the_place_of_the_old_one_where_the_policy_tightens() {
    for (rule, refused) in [("tolerance = 10, baseline = \"tighten\"", true), ("tolerance = 10", false)] {
        let rig = measuring(rule);
        let measure = |middle: u64| {
            fs::write(rig.path("go.txt"), rates(middle)).unwrap();
            rig.by("ci-1", &["attest", "build", "--report", "go-bench=../go.txt"]);
        };
        // Neither a little more, which overlaps, nor less moves it; what is twice as much does.
        for (name, middle) in [("one", 1000), ("two", 1001), ("three", 950), ("four", 2000)] {
            begin(&rig, name, "low");
            measure(middle);
            verify(&rig).accepted();
            merge(&rig, name);
        }
        begin(&rig, "five", "low");
        measure(1000);
        match refused {
            true => drop(verify(&rig).refused(&["E265"])),
            false => drop(verify(&rig).accepted()),
        }
        measure(2000);
        verify(&rig).accepted();
    }
}

#[test]
fn time_that_is_better_for_certain_takes_the_place_of_the_old_one_where_the_policy_tightens() {
    let rig = measuring("tolerance = 10, baseline = \"tighten\"");
    // What overlaps the old interval is no better for certain, nor is what is worse.
    for (name, middle) in [("one", 100), ("two", 99), ("three", 104), ("four", 50)] {
        begin(&rig, name, "low");
        attest(&rig, "build", "h.json", &around(middle));
        verify(&rig).accepted();
        merge(&rig, name);
        let kept = rig.ok("stranger", &["baseline", "show", "build", "--json"]).json();
        let kept = kept["claims"][0]["measurements"]["names"][0]["middle"].as_u64().unwrap();
        assert_eq!(kept / 1_000_000_000, if name == "four" { 50 } else { 100 }, "{name}: {kept}");
    }
    begin(&rig, "five", "low");
    attest(&rig, "build", "h.json", &around(60));
    verify(&rig).refused(&["E265"]);
}

#[test]
fn two_rates_of_one_name_are_a_rate_still() {
    let rig = measuring("tolerance = 10");
    let measure = |middles: [u64; 2]| {
        for (file, middle) in ["one.txt", "two.txt"].iter().zip(middles) {
            fs::write(rig.path(file), rates(middle)).unwrap();
        }
        let reports = ["--report", "go-bench=../one.txt", "--report", "go-bench=../two.txt"];
        rig.by("ci-1", &[&["attest", "build"][..], &reports].concat());
    };
    begin(&rig, "one", "low");
    measure([1000, 1003]);
    verify(&rig).accepted();
    merge(&rig, "one");
    begin(&rig, "two", "low");
    measure([500, 503]);
    verify(&rig).refused(&["E265"]);
    measure([2000, 2003]);
    verify(&rig).accepted();
}

#[test]
fn nothing_is_no_list_of_names_and_no_measurement() {
    for limits in ["names = { new_max = 0 }", "measurements = { tolerance = 10 }"] {
        let build = format!("by = \"ci\"\n{limits}\n\n[claim.unit-tests]");
        let rig = Rig::with(&[("by = \"ci\"\n\n[claim.unit-tests]", &build)]);
        rig.plan("low");
        rig.pass("build");
        rig.verify().refused(&["E214"]);
    }
}

/// A JUnit report of so many tests that pass, are skipped, and passed only when repeated.
fn counted(passed: usize, skipped: usize, flaky: usize) -> String {
    let case = |kind: &str, inner: &str, count: usize| -> String {
        (0..count).map(|at| format!("<testcase classname=\"s\" name=\"{kind}{at}\">{inner}</testcase>")).collect()
    };
    let cases = [case("p", "", passed), case("s", "<skipped/>", skipped), case("f", "<flakyFailure/>", flaky)].concat();
    format!("<testsuite name=\"u\">{cases}</testsuite>")
}

/// A SARIF report with so many findings that the tool silences.
fn silenced(count: usize) -> String {
    let mut report: Value = serde_json::from_str(&sarif(&vec!["1.0"; count])).unwrap();
    for result in report["runs"][0]["results"].as_array_mut().unwrap() {
        result["suppressions"] = serde_json::json!([{"kind": "inSource"}]);
    }
    report.to_string()
}

/// A Stryker report of mutants: one that is noticed, so many that time out, so many that are ignored.
fn mutants(timed_out: usize, left_out: usize) -> String {
    let states = [vec!["Killed"], vec!["Timeout"; timed_out], vec!["Ignored"; left_out]].concat();
    let one = |(at, state): (usize, &&str)| {
        let place = serde_json::json!({"line": at + 1, "column": 1});
        serde_json::json!({"id": at.to_string(), "mutatorName": "Math", "replacement": "a - b", "status": state, "location": {"start": place, "end": place}})
    };
    let mutants: Vec<Value> = states.iter().enumerate().map(one).collect();
    serde_json::json!({"schemaVersion": "2", "thresholds": {"high": 80, "low": 60},
        "files": {"a.js": {"language": "javascript", "source": "", "mutants": mutants}}})
    .to_string()
}

/// Makes a report of coverage.py with so many lines that a comment excludes.
fn excluding(count: usize) -> String {
    let lines: Vec<usize> = (9..9 + count).collect();
    serde_json::json!({"meta": {"version": "7.10.7"}, "files": {"a.py": {"executed_lines": [1, 2], "missing_lines": [3], "excluded_lines": lines}}})
        .to_string()
}

/// The keys of counts that may not grow, the word of each, what people read, and a report with so many.
type Count = (&'static str, &'static str, &'static str, fn(usize) -> String);
const COUNTS: [Count; 6] = [
    ("tests = { skipped = \"ceiling\" }", "skipped", "skipped tests", |count| counted(9, count, 0)),
    ("tests = { flaky = \"ceiling\" }", "flaky", "flaky tests", |count| counted(9, 0, count)),
    ("findings = { suppressed = \"ceiling\" }", "suppressed", "suppressed findings", silenced),
    ("mutation = { timed_out = \"ceiling\" }", "timed-out", "mutants noticed by time alone", |count| mutants(count, 9)),
    ("mutation = { left_out = \"ceiling\" }", "left-out", "mutants left out", |count| mutants(9, count)),
    ("coverage = { excluded = \"ceiling\" }", "excluded", "lines excluded in the tool", excluding),
];

/// A rig on main whose claim `build` says this, with somebody who may allow exceptions.
fn counting(limits: &str) -> Rig {
    let build = format!("by = \"ci\"\n{limits}\n\n[claim.unit-tests]");
    let rig = Rig::with(&[("by = \"ci\"\n\n[claim.unit-tests]", &build)]);
    rig.git(&["checkout", "-q", "main"]);
    rig.key("boss");
    rig.grant("boss", "boss", "admin", &["--email", "boss@example.org"]);
    rig
}

#[test]
fn count_may_not_grow_beyond_the_least_that_was_merged_but_where_somebody_admits_it() {
    for (limits, word, noun, report) in COUNTS {
        let rig = counting(limits);
        let show = |count: usize| attest(&rig, "build", "report", &report(count));
        let numbers = |verdict: &Verdict| verdict.json["requirements"][0]["numbers"].as_str().unwrap().to_owned();
        begin(&rig, "one", "low");
        show(3);
        let verdict = verify(&rig);
        verdict.accepted();
        assert!(numbers(&verdict).contains(&format!("3 {noun} begin the baseline")), "{verdict:?}");
        merge(&rig, "one");
        // It falls with the merge, and may not come back.
        begin(&rig, "two", "low");
        show(2);
        verify(&rig).accepted();
        let moved = rig.ok("stranger", &["baseline", "diff"]).out;
        assert!(moved.contains(&format!("  - build ceiling {word}  3 -> 2\n")), "{moved}");
        merge(&rig, "two");
        begin(&rig, "three", "low");
        show(3);
        let verdict = verify(&rig);
        verdict.refused(&["E269"]);
        let finding = &verdict.json["findings"][0];
        let (found, wanted) = (finding["found"].as_str().unwrap(), finding["wanted"].as_str().unwrap());
        assert!(found == format!("3 {noun}") && wanted.starts_with("at most 2, as in "), "{finding}");
        show(2);
        let verdict = verify(&rig);
        verdict.accepted();
        assert!(numbers(&verdict).contains(&format!("2 {noun} (ceiling 2)")), "{verdict:?}");
        // Another name admits nothing, and retiring is for what may go.
        show(4);
        let until = ["--reason", "a port is under way", "--until", "1d"];
        rig.ok("boss", &[&["allow", "retire", "build", "--name", word, "--to", "4"], &until[..]].concat());
        rig.ok("boss", &[&["allow", "admit", "build", "--name", "other", "--to", "4"], &until[..]].concat());
        verify(&rig).refused(&["E269"]);
        rig.ok("boss", &[&["allow", "admit", "build", "--name", word, "--to", "4"], &until[..]].concat());
        let verdict = verify(&rig);
        verdict.accepted();
        let told = format!("4 {noun} (ceiling 2), 1 admitted up to 4 by boss: \"a port is under way\"");
        assert!(numbers(&verdict).contains(&told), "{verdict:?}");
        merge(&rig, "three");
        assert_eq!(states(&audit_branch(&rig)), ["accepted"; 3]);
        let shown = rig.ok("stranger", &["baseline", "show", "build", "--json"]).json();
        assert_eq!(shown["claims"][0]["ceilings"][word], 4);
        let text = rig.ok("stranger", &["baseline", "show"]).out;
        assert!(text.contains(&format!("    at most 4 {noun}\n")), "{text}");
        let history = rig.ok("stranger", &["baseline", "history", word]).out;
        assert!(history.contains(&format!("    - build ceiling {word}  3 -> 2\n")), "{history}");
        assert!(
            history.contains(&format!("    + build ceiling {word}  2 -> 4  (allowed up to 4 by boss, ")),
            "{history}"
        );
        // What was admitted for one change holds for no other.
        begin(&rig, "four", "low");
        show(5);
        verify(&rig).refused(&["E269"]);
    }
}

#[test]
fn ceiling_of_nothing_holds_and_an_auditor_comes_to_the_same() {
    let rig = counting("tests = { skipped = \"ceiling\", flaky = \"ceiling\" }");
    begin(&rig, "one", "low");
    attest(&rig, "build", "t.xml", &counted(2, 0, 0));
    verify(&rig).accepted();
    merge(&rig, "one");
    begin(&rig, "two", "low");
    let bundle = rig.path("two.zip");
    let audit = |rig: &Rig| {
        rig.ok("stranger", &["export", "shop/two", "-o", "../two.zip"]);
        rig.by("stranger", &["audit", bundle.to_str().unwrap(), "--json"])
    };
    for report in [counted(2, 1, 0), counted(2, 1, 1), counted(2, 0, 1)] {
        attest(&rig, "build", "t.xml", &report);
        verify(&rig).refused(&["E269"]);
        let refused = audit(&rig);
        assert_eq!(
            (refused.code, &refused.json()["verdict"]["findings"][0]["code"]),
            (1, &"E269".into()),
            "{refused:?}"
        );
    }
    attest(&rig, "build", "t.xml", &counted(3, 0, 0));
    verify(&rig).accepted();
    assert_eq!(audit(&rig).code, 0);
}

#[test]
fn ceiling_that_the_policy_begins_later_starts_from_what_is_there() {
    let rig = counting("tests = { baseline = \"keep\" }");
    begin(&rig, "one", "low");
    attest(&rig, "build", "t.xml", &counted(2, 4, 0));
    verify(&rig).accepted();
    merge(&rig, "one");
    let build = "by = \"ci\"\ntests = { baseline = \"keep\", skipped = \"ceiling\" }\n\n[claim.unit-tests]";
    rig.apply(&[("by = \"ci\"\n\n[claim.unit-tests]", build)]);
    begin(&rig, "two", "low");
    attest(&rig, "build", "t.xml", &counted(2, 5, 0));
    let verdict = verify(&rig);
    verdict.accepted();
    assert!(verdict.json.to_string().contains("5 skipped tests begin the baseline"), "{verdict:?}");
    merge(&rig, "two");
    begin(&rig, "three", "low");
    attest(&rig, "build", "t.xml", &counted(2, 6, 0));
    verify(&rig).refused(&["E269"]);
}
