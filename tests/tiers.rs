//! The policy of `evidence init --policy tiers`, as a team lives with it.

mod common;

use std::fs;

use common::{CHANGE, Rig, junit, sarif};
use evidence_ledger::policy::MODEL;

/// A rig under the model, with somebody for each role.
fn rig() -> Rig {
    let rig = Rig::new();
    fs::write(rig.path("policy.toml"), MODEL).unwrap();
    rig.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "tiers"]);
    for (name, role) in [("eve", "adversary"), ("ana", "approver"), ("boss", "admin")] {
        rig.key(name);
        rig.grant(name, name, role, &["--email", &format!("{name}@example.org")]);
    }
    rig
}

fn says_yes(rig: &Rig, who: &str, claim: &str) {
    rig.ok(who, &["review", claim, "--verdict", "pass"]);
}

/// Attaches a picture of a page.
fn pictured(rig: &Rig) {
    fs::write(rig.path("made.png"), common::png("of a page")).unwrap();
    rig.ok(
        "ci-1",
        &["attest", "screenshots", "--attach", "page=../page.png", "--", "cp", "../made.png", "../page.png"],
    );
}

/// Says that the picture is as it should be.
fn looks(rig: &Rig, who: &str) {
    rig.ok(who, &["review", "screenshot-review", "--picture", "page=../page.png", "--verdict", "pass"]);
}

fn tests(rig: &Rig, claim: &str) {
    fs::write(rig.path("tests.xml"), junit(2, 0)).unwrap();
    rig.ok("ci-1", &["attest", claim, "--report", "../tests.xml"]);
}

#[test]
fn low_builds_and_somebody_looked() {
    let rig = rig();
    rig.plan("low");
    rig.pass("build");
    rig.verify().refused(&["E201"]);
    // A word without a picture shows nothing, and nobody looks at their own.
    says_yes(&rig, "reviewer", "screenshot-review");
    rig.verify().refused(&["E201"]);
    rig.pass("screenshots");
    rig.verify().refused(&["E243"]);
    pictured(&rig);
    rig.verify().refused(&["E244"]);
    looks(&rig, "agent");
    rig.verify().refused(&["E206"]);
    looks(&rig, "reviewer");
    rig.verify().accepted();
}

#[test]
fn pictures_of_nothing_are_excepted_for_two_weeks_at_most() {
    let rig = rig();
    rig.plan("low");
    rig.pass("build");
    let exempt = ["allow", "exempt", "screenshots", "--reason", "nothing visible changes"];
    rig.refuses("boss", &[&exempt[..], &["--until", "15d"]].concat(), "the policy allows 14d");
    rig.ok("boss", &exempt);
    rig.verify().accepted();
}

#[test]
fn medium_wants_tests_a_scan_and_another_pair_of_eyes_that_nothing_stands_in_for() {
    let rig = rig();
    rig.plan("medium");
    rig.pass("build");
    pictured(&rig);
    looks(&rig, "reviewer");
    tests(&rig, "unit-tests");
    assert_eq!(rig.report("security-scan", "scan.sarif", &sarif(&[])).code, 0);
    rig.verify().refused(&["E201"]);
    let waive = ["allow", "waive", "peer-review", "--reason", "hurry"];
    rig.refuses("boss", &waive, "no exception stands in for peer-review");
    says_yes(&rig, "reviewer", "peer-review");
    rig.verify().accepted();
}

#[test]
fn high_wants_an_adversary_and_a_person_and_then_a_rollout_in_stages() {
    let rig = rig();
    rig.plan("high");
    rig.pass("build");
    pictured(&rig);
    looks(&rig, "reviewer");
    tests(&rig, "unit-tests");
    tests(&rig, "full-regression");
    assert_eq!(rig.report("security-scan", "scan.sarif", &sarif(&[])).code, 0);
    says_yes(&rig, "reviewer", "peer-review");
    says_yes(&rig, "eve", "adversarial-review");
    rig.verify().refused(&["E201"]);
    // Who may break it is not who may let it through.
    says_yes(&rig, "eve", "approval");
    rig.verify().refused(&["E206"]);
    says_yes(&rig, "ana", "approval");
    rig.verify().accepted();
    rig.verify_with(&["--at", "deploy"]).refused(&["E201"]);
    rig.pass("staged-rollout");
    rig.verify_with(&["--at", "deploy"]).accepted();
}

#[test]
fn nobody_begins_without_a_plan_and_pipelines_are_never_low() {
    let rig = rig();
    rig.refuses("ci-1", &["attest", "build", "--", "true"], "has no plan");
    rig.plan("low");
    rig.commit(".github/workflows/ci.yml", "on: push\n");
    rig.pass("build");
    pictured(&rig);
    looks(&rig, "reviewer");
    let verdict = rig.verify();
    verdict.refused(&["E201"]);
    assert_eq!(verdict.json["tier"]["effective"], "medium");
    assert_eq!(verdict.json["change"], CHANGE);
}
