//! The codes of what plans say: criteria, paths, what a tier demands; and of attachments.

use std::fs;

use super::common::{CHANGE, Rig, png};
use super::{accepted, refused, verify};

#[test]
fn criterion_that_nobody_accepted() {
    let rig = Rig::with(&[("merge = [\"ci\"]", "merge = [\"ci\"]\naccept = [\"reviewer\"]")]);
    fs::write(rig.path("spec.md"), "- [ ] AC-1: it is beautiful {human}\n").unwrap();
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--spec", "../spec.md"]);
    rig.pass("build");
    refused(&verify(&rig), "E240");
    rig.ok("reviewer", &["review", "--criterion", "AC-1", "--verdict", "pass"]);
    accepted(&verify(&rig));
}

#[test]
fn path_that_the_plan_does_not_name() {
    let rig = Rig::new();
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--paths", "doc/**"]);
    rig.pass("build");
    refused(&verify(&rig), "E241");
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--paths", "src/**", "--reason", "the code too"]);
    accepted(&verify(&rig));
}

#[test]
fn plan_that_says_less_than_its_tier_demands() {
    let rig = Rig::with(&[("[tier.low]", "[tier.low]\nplan = [\"origin\", \"rollback\"]")]);
    rig.plan("low");
    rig.pass("build");
    refused(&verify(&rig), "E242");
    fs::write(rig.path("back.md"), "git revert").unwrap();
    let of = ["--origin", "https://tickets.example.org/1", "--rollback", "../back.md", "--reason", "told"];
    rig.ok("planner", &[&["plan", CHANGE, "--tier", "low"], &of[..]].concat());
    accepted(&verify(&rig));
}

#[test]
fn result_without_the_picture_that_is_demanded() {
    let rig = Rig::with(&[("[claim.build]", "[claim.build]\nattachments = { kinds = [\"picture\"] }")]);
    rig.plan("low");
    rig.pass("build");
    refused(&verify(&rig), "E243");
    fs::write(rig.path("a.png"), png("one")).unwrap();
    rig.ok("ci-1", &["attest", "build", "--attach", "login=../a.png", "--", "touch", "../a.png"]);
    accepted(&verify(&rig));
}

#[test]
fn picture_that_nobody_has_seen() {
    let limits = "attachments = { kinds = [\"picture\"], reviewed_by = \"peer-review\" }";
    let rig = Rig::with(&[("[claim.build]", &format!("[claim.build]\n{limits}"))]);
    rig.plan("low");
    fs::write(rig.path("a.png"), png("one")).unwrap();
    rig.ok("ci-1", &["attest", "build", "--attach", "login=../a.png", "--", "touch", "../a.png"]);
    refused(&verify(&rig), "E244");
    rig.ok("reviewer", &["review", "peer-review", "--picture", "login=../a.png", "--verdict", "pass"]);
    accepted(&verify(&rig));
}
