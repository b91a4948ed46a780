//! What an implementer tries with branches, merges, dates and names: what is taken back, aimed elsewhere, or called something else.

mod common;
#[path = "common/forge.rs"]
#[expect(dead_code, reason = "a part of the pen is enough here")]
mod forge;

use std::fs;

use common::{CHANGE, Rig, Verdict};
use evidence_ledger::model::{Command as RunCommand, Ended, Predicate, Run, Time};
use forge::{Forge, key, passed, start};

const CLAIMS: &str = "[claim.build]";
const PAY: (&str, &str) = ("[may]", "[[when]]\npaths = [\"pay/**\"]\ntier = \"medium\"\n\n[may]");

/// A rig on main, where `build` keeps its tests, first attempts may be unplanned, and `boss` may allow.
fn keeping(more: &[(&str, &str)]) -> Rig {
    let keep =
        ("by = \"ci\"\n\n[claim.unit-tests]", "by = \"ci\"\ntests = { baseline = \"keep\" }\n\n[claim.unit-tests]");
    let unplanned = (CLAIMS, "unplanned = \"low\"\n\n[claim.build]");
    let rig = Rig::with(&[&[keep, unplanned], more].concat());
    rig.git(&["checkout", "-q", "main"]);
    boss(&rig);
    rig
}

fn boss(rig: &Rig) {
    rig.key("boss");
    rig.grant("boss", "boss", "admin", &["--email", "boss@example.org"]);
}

fn attest(rig: &Rig, names: &[&str], more: &[&str]) {
    let cases: String = names.iter().map(|name| format!("<testcase classname=\"s\" name=\"{name}\"/>")).collect();
    fs::write(rig.path("t.xml"), format!("<testsuite name=\"u\">{cases}</testsuite>")).unwrap();
    rig.by("ci-1", &[&["attest", "build", "--report", "../t.xml"], more].concat());
}

fn branch(rig: &Rig, name: &str) {
    rig.git(&["checkout", "-q", "-b", name]);
    rig.commit(&format!("src/{name}.rs"), name);
}

fn plan(rig: &Rig, name: &str, more: &[&str]) {
    rig.ok("planner", &[&["plan", &format!("shop/{name}"), "--tier", "low"], more].concat());
}

fn merge(rig: &Rig, name: &str) {
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", name]);
    rig.ok("ci-1", &["record", "merge"]);
}

fn verify(rig: &Rig) -> Verdict {
    rig.verify_with(&["--target", "main"])
}

// Where a change is meant for.

#[test]
fn baseline_of_a_branch_of_ones_own_does_not_count() {
    let rig = keeping(&[]);
    branch(&rig, "one");
    plan(&rig, "one", &[]);
    attest(&rig, &["a", "b"], &[]);
    merge(&rig, "one");
    rig.git(&["branch", "junk"]);
    branch(&rig, "two");
    // The first attempt is anybody's, and says which branch it is for.
    rig.by("agent", &["attest", "build", "--target", "junk", "--", "true"]);
    attest(&rig, &["a"], &[]);
    verify(&rig).refused(&["E110"]);
    // By a fast-forward that nobody stops.
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", "two"]);
    let ran = rig.by("ci-1", &["record", "merge", "shop/two", "--branch", "main"]);
    assert!(ran.code == 1 && ran.out.contains("E110"), "{ran:?}");
    rig.git(&["reset", "-q", "--hard", "HEAD~1"]);
    rig.git(&["checkout", "-q", "two"]);
    // Whoever may plan says what it is meant for, and then the branch's own baseline counts.
    plan(&rig, "two", &["--target", "main", "--reason", "for main"]);
    verify(&rig).refused(&["E260"]);
    attest(&rig, &["a", "b"], &[]);
    verify(&rig).accepted();
    merge(&rig, "two");
    assert_eq!(rig.by("stranger", &["audit", "--branch", "main"]).code, 0);
}

#[test]
fn merge_to_another_branch_than_the_planned_one_is_told_by_its_bundle() {
    let rig = keeping(&[]);
    branch(&rig, "one");
    plan(&rig, "one", &[]);
    attest(&rig, &["a"], &[]);
    rig.git(&["checkout", "-q", "-B", "release", "one"]);
    let ran = rig.by("ci-1", &["record", "merge", "shop/one", "--branch", "release"]);
    assert!(ran.code == 1 && ran.out.contains("E110"), "{ran:?}");
    rig.ok(
        "planner",
        &["plan", "shop/one", "--tier", "low", "--target", "release", "--base", "main", "--reason", "there"],
    );
    rig.ok("ci-1", &["record", "merge", "shop/one", "--branch", "release"]);
    rig.ok("stranger", &["export", "shop/one", "--target", "release", "-o", "../b.zip"]);
    assert_eq!(rig.by("stranger", &["audit", "../b.zip"]).code, 0);
}

// What is taken back.

/// A change of documents that begins before the branch gets a fix under `pay/`.
fn beside_a_fix() -> Rig {
    let rig = Rig::with(&[PAY]);
    rig.git(&["checkout", "-q", "main"]);
    rig.commit("pay/lib.rs", "one\n");
    branch(&rig, "docs");
    plan(&rig, "docs", &[]);
    rig.git(&["checkout", "-q", "main"]);
    rig.commit("pay/lib.rs", "mended\n");
    rig.git(&["checkout", "-q", "docs"]);
    rig
}

#[test]
fn what_a_merge_takes_back_of_the_branch_is_touched() {
    let rig = beside_a_fix();
    rig.pass("build");
    rig.verify().accepted();
    rig.git(&["merge", "-q", "-s", "ours", "-m", "merge", "main"]);
    rig.pass("build");
    rig.verify().refused(&["E201"]);
    rig.medium();
    rig.verify().accepted();
}

#[test]
fn what_a_commit_on_top_of_the_branch_takes_back_is_touched() {
    let rig = beside_a_fix();
    let tree = rig.git(&["rev-parse", "HEAD^{tree}"]);
    let squashed = rig.git(&["commit-tree", &tree, "-p", "main", "-m", "docs"]);
    rig.git(&["reset", "-q", "--hard", &squashed]);
    rig.pass("build");
    rig.verify().refused(&["E201"]);
    // The same from the branch as it is now, without taking anything back.
    rig.git(&["reset", "-q", "--hard", "main"]);
    rig.commit("src/docs.rs", "docs");
    plan(&rig, "docs", &["--base", "main", "--reason", "rebased"]);
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn merge_that_takes_back_what_the_branch_got_is_not_the_judged_one() {
    let rig = beside_a_fix();
    rig.pass("build");
    rig.verify().accepted();
    let tree = rig.git(&["rev-parse", "HEAD^{tree}"]);
    let honest = rig.git(&["rev-parse", "main"]);
    for parents in [&["-p", "main"][..], &["-p", "main", "-p", "docs"]] {
        let merged = rig.git(&[&["commit-tree", &tree, "-m", "docs"], parents].concat());
        rig.git(&["checkout", "-q", "-B", "main", &merged]);
        let ran = rig.by("ci-1", &["record", "merge", "shop/docs"]);
        assert!(ran.code == 1 && ran.out.contains("pay/lib.rs, which the change does not touch"), "{ran:?}");
        rig.git(&["reset", "-q", "--hard", &honest]);
    }
}

// When.

#[test]
fn false_date_of_a_commit_chooses_no_older_baseline() {
    let rig = keeping(&[]);
    branch(&rig, "one");
    plan(&rig, "one", &[]);
    attest(&rig, &["a"], &[]);
    merge(&rig, "one");
    let first = rig.git(&["rev-parse", "main"]);
    rig.git(&["checkout", "-q", "-b", "two"]);
    rig.write("src/two.rs", "two");
    rig.git(&["add", "."]);
    let mut commit = rig.git_command(&["commit", "-q", "-m", "long ago"]);
    assert!(commit.env("GIT_COMMITTER_DATE", "1971-01-01T00:00:00Z").status().unwrap().success());
    plan(&rig, "two", &[]);
    attest(&rig, &["a", "b"], &[]);
    merge(&rig, "two");
    rig.git(&["checkout", "-q", "-b", "side", &first]);
    rig.git(&["commit", "-q", "--allow-empty", "-m", "side"]);
    rig.git(&["checkout", "-q", "-b", "evil", "main"]);
    rig.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    plan(&rig, "evil", &[]);
    attest(&rig, &["a"], &[]);
    verify(&rig).refused(&["E260"]);
    attest(&rig, &["a", "b"], &[]);
    let verdict = verify(&rig);
    verdict.accepted();
    rig.ok("stranger", &["export", "-o", "../evil.zip"]);
    assert_eq!(rig.by("stranger", &["audit", "../evil.zip"]).code, 0);
    merge(&rig, "evil");
    assert_eq!(rig.by("stranger", &["audit", "--branch", "main"]).code, 0);
}

#[test]
fn bundle_of_a_branch_that_is_behind_is_judged_like_the_ledger() {
    for behind in [1, 2, 5] {
        let rig = keeping(&[]);
        branch(&rig, "one");
        plan(&rig, "one", &[]);
        attest(&rig, &["a"], &[]);
        merge(&rig, "one");
        branch(&rig, "late");
        plan(&rig, "late", &[]);
        attest(&rig, &["a"], &[]);
        for number in 0..behind {
            let name = format!("more-{number}");
            rig.git(&["checkout", "-q", "main"]);
            branch(&rig, &name);
            plan(&rig, &name, &[]);
            attest(&rig, &["a"], &[]);
            merge(&rig, &name);
        }
        rig.git(&["checkout", "-q", "late"]);
        verify(&rig).accepted();
        rig.ok("stranger", &["export", "-o", "../late.zip"]);
        let ran = rig.by("stranger", &["audit", "../late.zip"]);
        assert_eq!(ran.code, 0, "{behind} behind: {ran:?}");
        attest(&rig, &["b"], &[]);
        verify(&rig).refused(&["E260"]);
        rig.ok("stranger", &["export", "-o", "../worse.zip"]);
        let ran = rig.by("stranger", &["audit", "../worse.zip"]);
        assert!(ran.code == 1 && ran.out.contains("E260"), "{behind} behind: {ran:?}");
    }
}

#[test]
fn result_that_waited_is_as_old_as_its_command() {
    for (ran, codes) in [(10, &["E208"][..]), (7_200, &[])] {
        let rig =
            Rig::with(&[("by = \"ci\"\n\n[claim.unit-tests]", "by = \"ci\"\nage_max = \"1h\"\n\n[claim.unit-tests]")]);
        rig.plan("low");
        let forge = Forge::of(&rig);
        let (_, begun) = forge.about(&rig, "ci-1", start("build"));
        let command =
            RunCommand { argv: vec!["make".to_owned()], ended: Ended::Exited { code: 0 }, duration_ms: ran * 1000 };
        let run = Run { command: Some(command), ..passed(&rig, "build", begun) };
        let statement = forge.statement(&rig, forge.planned(&rig).plan, Predicate::Result(run));
        forge.write(&statement, &[&key(&rig, "ci-1")], Time(forge.newest().0 + 7_201));
        match codes {
            [] => drop(rig.verify().accepted()),
            codes => drop(rig.verify().refused(codes)),
        }
    }
}

// What stands in.

#[test]
fn failure_beside_an_exception_takes_away_nothing_that_is_refused() {
    let rig = Rig::with(&[
        (CLAIMS, "independence = \"record\"\nrefuse_limitations = [\"not-independent\"]\n\n[claim.build]"),
        ("waivable = false", "waivable = true"),
    ]);
    boss(&rig);
    rig.ok("planner", &["plan", CHANGE, "--tier", "high", "--implementer", "agent"]);
    rig.medium();
    rig.grant("agent", "agent", "reviewer", &["--email", "agent@example.org"]);
    rig.ok("boss", &["allow", "waive", "peer-review", "--reason", "nobody is there", "--until", "1d"]);
    rig.verify().accepted();
    fs::write(rig.path("notes"), "looked at it").unwrap();
    let review = |who: &str, verdict: &str| {
        let ran = rig.by(who, &["review", "peer-review", "--verdict", verdict, "--notes", "../notes"]);
        assert!(ran.code <= 1, "{ran:?}");
    };
    review("agent", "pass");
    rig.verify().refused(&["E302"]);
    review("reviewer", "fail");
    assert!(rig.verify().codes().contains(&"E302"));
}

#[test]
fn pattern_of_names_reaches_only_what_somebody_entitled_planned() {
    let rig = Rig::with(&[
        (CLAIMS, "unplanned = \"low\"\n\n[claim.build]"),
        ("[may]", "[exceptions]\nany_change = true\n\n[may]"),
        ("[tier.low]\nrequire = [\"build\"]", "[tier.low]\nrequire = [\"build\", \"scan\"]"),
    ]);
    boss(&rig);
    rig.ok(
        "boss",
        &["allow", "waive", "scan", "--changes", "shop/dep-*", "--reason", "no code of ours", "--until", "1d"],
    );
    for name in ["dep-evil", "dep-good"] {
        rig.git(&["checkout", "-q", "-b", name, "main"]);
        rig.commit("src/dep.rs", name);
        if name == "dep-good" {
            plan(&rig, name, &["--implementer", "agent"]);
        }
        rig.ok("ci-1", &["attest", "build", "--change", &format!("shop/{name}"), "--", "true"]);
        let verdict = rig.verify_with(&["--change", &format!("shop/{name}")]);
        match name {
            "dep-good" => drop(verdict.accepted()),
            _ => {
                verdict.refused(&["E201"]);
                let why = verdict.json["exceptions"][0]["why"].as_str().unwrap();
                assert!(why.contains("nobody who may plan"), "{why}");
            }
        }
    }
}

#[test]
fn plan_that_anybody_can_plant_chooses_no_policy() {
    let rig = Rig::with(&[(CLAIMS, "unplanned = \"low\"\n\n[claim.build]")]);
    rig.by("agent", &["attest", "build", "--", "true"]);
    rig.apply(&[("[tier.low]\nrequire = [\"build\"]", "[tier.low]\nrequire = [\"build\", \"scan\"]")]);
    rig.pass("build");
    // By what was in force at the only plan.
    rig.verify().accepted();
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--reason", "planned at last"]);
    let verdict = rig.verify();
    verdict.refused(&["E201"]);
    let wanted = verdict.json["findings"][0]["wanted"].as_str().unwrap();
    assert!(wanted.contains("the first plan by somebody who may plan"), "{wanted}");
}
