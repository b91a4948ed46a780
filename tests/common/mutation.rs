//! Mutants and measurements at the gate: the codes E250 and E251, and what an implementer may try with such reports.

use std::fs;
use std::path::Path;

use super::{Rig, accepted, refused, verify};

/// Makes a Stryker report of mutants, each a file, a line, and what became of it; line 0 makes a file without mutants.
fn stryker(mutants: &[(&str, usize, &str)]) -> String {
    let mut files: Vec<(&str, Vec<String>)> = Vec::new();
    for (file, line, status) in mutants {
        if files.last().is_none_or(|(last, _)| last != file) {
            files.push((file, Vec::new()));
        }
        if *line > 0 {
            files.last_mut().unwrap().1.push(format!(
                r#"{{"id":"1","mutatorName":"Math","replacement":"a - b","status":"{status}","location":{{"start":{{"line":{line},"column":1}},"end":{{"line":{line},"column":6}}}}}}"#
            ));
        }
    }
    let file = |(name, mutants): &(&str, Vec<String>)| {
        format!(r#""{name}":{{"language":"javascript","source":"","mutants":[{}]}}"#, mutants.join(","))
    };
    let files: Vec<String> = files.iter().map(file).collect();
    format!(r#"{{"schemaVersion":"2","thresholds":{{"high":80,"low":60}},"files":{{{}}}}}"#, files.join(","))
}

/// Makes a rig whose tests are limited like this, with all else that tier medium demands.
fn rig(limits: &str) -> Rig {
    let rig = Rig::with(&[("tests = { passed_min = 2, failed_max = 0 }", &format!("mutation = {{ {limits} }}"))]);
    rig.plan("medium");
    rig.medium();
    rig
}

fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/reports").join(name);
    fs::read_to_string(path).unwrap()
}

#[test]
fn mutant_noticed_too_seldom() {
    let rig = rig("score_min = 75");
    let report = |third: &str| {
        stryker(&[("a.js", 1, "Killed"), ("a.js", 2, "Timeout"), ("a.js", 3, third), ("a.js", 4, "Survived")])
    };
    assert_eq!(rig.report("unit-tests", "three.json", &report("Killed")).code, 0);
    accepted(&verify(&rig));
    assert_eq!(rig.report("unit-tests", "two.json", &report("NoCoverage")).code, 0);
    refused(&verify(&rig), "E250");
}

#[test]
fn mutants_on_changed_lines_all_ignored() {
    let rig = rig("changed_score_min = 50");
    rig.commit("src/new.js", "1\n2\n3\n");
    rig.medium();
    let report = |states: [&str; 2]| {
        let new = [("src/new.js", 1, states[0]), ("src/new.js", 2, states[1])];
        stryker(&[&[("src/old.js", 1, "Killed")][..], &new].concat())
    };
    assert_eq!(rig.report("unit-tests", "ignored.json", &report(["Ignored", "Ignored"])).code, 0);
    rig.verify().refused(&["E250"]);
    assert_eq!(rig.report("unit-tests", "one.json", &report(["Ignored", "Killed"])).code, 0);
    accepted(&verify(&rig));
    assert_eq!(rig.report("unit-tests", "broken.json", &report(["CompileError", "RuntimeError"])).code, 0);
    accepted(&verify(&rig));
    assert!(rig.by("ci-1", &["verify"]).out.contains("on changed lines no mutants that count, 2 left out"));
}

#[test]
fn changed_file_without_mutants() {
    let rig = rig("changed_score_min = 50");
    rig.commit("src/new.js", "1\n2\n3\n");
    rig.medium();
    let killed = ("src/old.js", 1, "Killed");
    assert_eq!(rig.report("unit-tests", "with.json", &stryker(&[killed, ("src/new.js", 2, "Killed")])).code, 0);
    accepted(&verify(&rig));
    assert_eq!(rig.report("unit-tests", "bare.json", &stryker(&[killed, ("src/new.js", 0, "")])).code, 0);
    accepted(&verify(&rig));
    assert_eq!(rig.report("unit-tests", "without.json", &stryker(&[killed])).code, 0);
    refused(&verify(&rig), "E251");
}

#[test]
fn mutants_on_changed_lines_are_held_by_themselves_and_by_the_auditor() {
    let rig = rig("score_min = 50, changed_score_min = 100");
    rig.commit("src/new.js", "1\n2\n3\n");
    rig.medium();
    let old = [1, 2, 3, 4].map(|line| ("src/old.js", line, "Killed"));
    let report = |said: &str| stryker(&[&old[..], &[("src/new.js", 2, said)]].concat());
    assert_eq!(rig.report("unit-tests", "missed.json", &report("Survived")).code, 0);
    rig.verify().refused(&["E250"]);
    assert_eq!(rig.report("unit-tests", "noticed.json", &report("Killed")).code, 0);
    rig.verify().accepted();
    rig.ok("ci-1", &["export", "-o", "../bundle.zip"]);
    let audit = rig.ok("stranger", &["audit", "../bundle.zip"]);
    assert!(
        audit.out.contains("5 of 5 mutants noticed, 100 %; on changed lines 1 of 1 mutants noticed, 100 %"),
        "{audit:?}"
    );
}

#[test]
fn easy_mutants_shown_twice_do_not_raise_the_score() {
    let rig = rig("score_min = 60");
    let all = stryker(&[("a.js", 1, "Killed"), ("a.js", 2, "Survived")]);
    let easy = stryker(&[("a.js", 1, "Killed")]);
    let renamed = easy.replace("\"language\":\"javascript\"", "\"language\":\"js\"");
    let shard = |shard: &str, text: &str| {
        fs::write(rig.path("part.json"), text).unwrap();
        rig.ok("ci-1", &["attest", "unit-tests", "--shard", shard, "--report", "../part.json"]);
    };
    shard("1/3", &all);
    shard("2/3", &easy);
    shard("3/3", &renamed);
    rig.verify().refused(&["E250"]);
    // Other mutants do.
    shard("3/3", &stryker(&[("b.js", 1, "Killed")]));
    rig.verify().accepted();
}

#[test]
fn mutation_run_that_shows_nothing_is_inconclusive() {
    let rig = rig("score_min = 50");
    assert_eq!(rig.report("unit-tests", "good.json", &golden("survive.cargo-mutants")).code, 0);
    rig.verify().accepted();
    for name in [
        "interrupted.cargo-mutants",
        "killed.cargo-mutants",
        "baseline.cargo-mutants",
        "hostile/missed-left-out.cargo-mutants",
        "hostile/no-baseline.cargo-mutants",
        "empty.stryker",
        "hostile/pending.stryker",
        "hostile/started.pit",
    ] {
        let file = name.rsplit('/').next().unwrap();
        assert_eq!(rig.report("unit-tests", file, &golden(name)).code, 1, "{name}");
        rig.verify().refused(&["E203"]);
    }
    // A claim with limits and a report without mutants.
    assert_eq!(rig.report("unit-tests", "tests.xml", &super::junit(2, 0)).code, 0);
    rig.verify().refused(&["E214"]);
}

#[test]
fn benchmarks_that_failed_or_were_cut_show_nothing() {
    let rig = Rig::new();
    rig.plan("low");
    assert_eq!(rig.report("build", "pass.json", &golden("pass.hyperfine")).code, 0);
    rig.verify().accepted();
    for (name, code) in [
        ("exit-code.hyperfine", "E203"),
        ("error.google-benchmark", "E203"),
        ("hostile/group-open.criterion", "E203"),
        ("go-killed.go-bench", "E203"),
        ("go-fail.go-bench", "E202"),
        ("fail-exported.k6", "E202"),
        ("fail-handled.k6", "E202"),
        ("nosample-exported.k6", "E203"),
        ("nosample-handled.k6", "E203"),
    ] {
        let file = name.rsplit('/').next().unwrap();
        assert_eq!(rig.report("build", file, &golden(name)).code, 1, "{name}");
        rig.verify().refused(&[code]);
    }
}
