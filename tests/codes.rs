//! Every code: what provokes it, the exact lines that people read, and a twin that is accepted, one record, byte or moment
//! apart.
//!
//! The lines stand in `testdata/transcripts/`, one file a code, with `<commit>` and the like where each run has its own.
//! `EVIDENCE_REGENERATE=1` writes them anew.

#[path = "common/codes_baselines.rs"]
mod baselines;
mod common;
#[path = "common/container.rs"]
mod container;
#[path = "common/differential_codes.rs"]
mod differential;
#[path = "common/codes_exceptions.rs"]
mod exceptions;
#[path = "common/forge.rs"]
mod forge;
#[path = "common/kinds.rs"]
mod kinds;
#[path = "common/mutation.rs"]
mod mutation;
#[path = "common/planned_codes.rs"]
mod planned_codes;

use std::fs;
use std::path::{Path, PathBuf};

use common::{CHANGE, POLICY, Ran, Rig, junit, sarif};
use container::{Members, pack, unpack};
use evidence_ledger::attest::Signer;
use evidence_ledger::crypto::sha256;
use evidence_ledger::model::{
    GitFacts, Material, MaterialFacts, Phase, Plan, Predicate, Purpose, Review, ReviewVerdict, Run, Span, Statement,
    Subject, Time,
};
use evidence_ledger::policy::Moment;
use evidence_ledger::prove::{Change, Complete, Trust};
use evidence_ledger::reports::{self, Format};
use evidence_ledger::verify::{Answers, CODES, Clock, Judgement, Policies, Rechecked, judge, read_names};
use forge::{Forge, key, oid, passed, start};

// The plan.

#[test]
fn change_without_a_plan() {
    let rig = Rig::new();
    refused(&verify(&rig), "E101");
    rig.plan("low");
    rig.pass("build");
    accepted(&verify(&rig));
}

#[test]
fn plan_of_a_planner_who_lost_the_key() {
    let rig = low();
    accepted(&verify(&rig));
    rig.revoke("planner");
    refused(&verify(&rig), "E102");
}

#[test]
fn plan_a_second_older_than_it_may_be() {
    let rig = Rig::with(&[("[claim.build]", "plan_valid_for = \"24h\"\n\n[claim.build]")]);
    rig.plan("low");
    let forge = Forge::of(&rig);
    let planned = forge.newest();
    rig.pass("build");
    forge.wait_until(&rig, planned.after(DAY));
    accepted(&verify(&rig));
    forge.wait_until(&rig, planned.after(DAY).after(Span(1)));
    refused(&verify(&rig), "E103");
}

#[test]
fn implied_plan_where_a_path_wants_more() {
    let when = "[[when]]\npaths = [\"pay/**\"]\ntier = \"medium\"\n\n[may]";
    let rig = Rig::with(&[("[claim.build]", "unplanned = \"low\"\n\n[claim.build]"), ("[may]", when)]);
    rig.medium();
    accepted(&verify(&rig));
    rig.commit("pay/lib.rs", "");
    rig.medium();
    refused(&verify(&rig), "E104");
}

#[test]
fn commit_that_does_not_name_its_plan() {
    let rig = Rig::with(&[("[tier.low]", "[tier.low]\ntrailer = true")]);
    rig.plan("low");
    rig.pass("build");
    refused(&verify(&rig), "E105");
    let trailer = rig.ok("planner", &["plan", CHANGE, "--trailer"]).out;
    rig.git(&["commit", "-q", "--amend", "-m", &format!("work\n\n{}", trailer.trim())]);
    accepted(&verify(&rig));
}

#[test]
fn record_that_names_another_plan() {
    let rig = low();
    let forge = Forge::of(&rig);
    forge.about(&rig, "reviewer", review(ReviewVerdict::Pass));
    accepted(&verify(&rig));
    let other = forge.statement(&rig, sha256(b"another plan"), review(ReviewVerdict::Pass));
    forge.write(&other, &[&key(&rig, "reviewer")], forge.newest());
    refused(&verify(&rig), "E106");
}

#[test]
fn tier_that_the_newest_policy_no_longer_has() {
    let open = ("[claim.build]", "applies = \"open\"\n\n[claim.build]");
    let rig = Rig::with(&[open]);
    rig.plan("medium");
    rig.medium();
    accepted(&verify(&rig));
    let gone = ("[tier.medium]\nrequire = [\"unit-tests\", \"scan\"]\n", "");
    rig.apply(&[open, ("\"low\", \"medium\", \"high\"", "\"low\", \"high\""), gone]);
    refused(&verify(&rig), "E107");
}

#[test]
fn base_that_only_the_branch_has() {
    let rig = Rig::new();
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--base", "HEAD"]);
    rig.pass("build");
    refused(&verify(&rig), "E108");
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--base", "main", "--reason", "from main"]);
    accepted(&verify(&rig));
}

#[test]
fn plan_that_is_for_another_branch() {
    let rig = Rig::new();
    rig.git(&["branch", "release", "main"]);
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--target", "release"]);
    rig.pass("build");
    refused(&verify(&rig), "E110");
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--target", "main", "--reason", "for main"]);
    accepted(&verify(&rig));
}

#[test]
fn base_that_the_judged_commit_does_not_have() {
    let rig = Rig::new();
    rig.git(&["checkout", "-q", "main"]);
    rig.commit("src/more.rs", "");
    rig.git(&["checkout", "-q", "feature"]);
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--base", "main"]);
    rig.pass("build");
    refused(&verify(&rig), "E109");
    rig.git(&["merge", "-q", "--no-edit", "main"]);
    rig.pass("build");
    accepted(&verify(&rig));
}

// The claims.

#[test]
fn claim_that_nobody_has_shown() {
    let rig = Rig::new();
    rig.plan("low");
    refused(&verify(&rig), "E201");
    rig.pass("build");
    accepted(&verify(&rig));
}

#[test]
fn attempt_that_failed() {
    let rig = low();
    accepted(&verify(&rig));
    rig.fail("build");
    refused(&verify(&rig), "E202");
}

#[test]
fn attempt_that_shows_nothing() {
    let rig = low();
    accepted(&verify(&rig));
    rig.by("ci-1", &["attest", "build", "--report", "no.xml", "--", "true"]);
    refused(&verify(&rig), "E203");
}

#[test]
fn attempt_that_runs_and_one_that_is_a_second_over_its_time() {
    let rig = Rig::new();
    rig.plan("low");
    let forge = Forge::of(&rig);
    let (serial, leaf) = forge.about(&rig, "ci-1", start("build"));
    let began = forge.time(serial);
    forge.wait_until(&rig, began.after(Span(600)));
    refused(&verify(&rig), "E204");
    forge.wait_until(&rig, began.after(Span(601)));
    refused(&verify(&rig), "E205");
    forge.about(&rig, "ci-1", Predicate::Result(passed(&rig, "build", leaf)));
    accepted(&verify(&rig));
}

#[test]
fn attempt_by_somebody_without_the_role() {
    let rig = Rig::new();
    rig.plan("low");
    rig.ok("agent", &["attest", "build", "--", "true"]);
    refused(&verify(&rig), "E206");
    rig.pass("build");
    accepted(&verify(&rig));
}

#[test]
fn review_by_the_implementer() {
    let rig = high();
    rig.key("agent-2");
    rig.grant("agent-2", "agent", "reviewer", &[]);
    assert_eq!(rig.review("agent-2", "pass").code, 0);
    refused(&verify(&rig), "E207");
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    accepted(&verify(&rig));
}

#[test]
fn result_and_review_a_second_older_than_they_may_be() {
    let day = "age_max = \"24h\"";
    let rig = Rig::with(&[
        ("[claim.build]", &format!("[claim.build]\n{day}")),
        ("[claim.peer-review]", &format!("[claim.peer-review]\n{day}")),
    ]);
    rig.plan("high");
    rig.medium();
    let forge = Forge::of(&rig);
    let began = forge.newest();
    forge.wait_until(&rig, began.after(Span(10)));
    let (_, leaf) = forge.about(&rig, "ci-1", start("build"));
    forge.about(&rig, "ci-1", Predicate::Result(passed(&rig, "build", leaf)));
    forge.about(&rig, "reviewer", review(ReviewVerdict::Pass));
    forge.wait_until(&rig, began.after(Span(10)).after(DAY));
    accepted(&verify(&rig));
    forge.wait_until(&rig, began.after(Span(11)).after(DAY));
    refused(&verify(&rig), "E208");
}

#[test]
fn work_tree_that_was_not_the_commit() {
    let rig = low();
    accepted(&verify(&rig));
    rig.write("untracked.rs", "");
    rig.pass("build");
    refused(&verify(&rig), "E209");
}

#[test]
fn result_and_review_of_an_older_commit() {
    let rig = high();
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    accepted(&verify(&rig));
    rig.commit("src/lib.rs", "three\n");
    refused(&verify(&rig), "E210");
}

#[test]
fn third_attempt_where_two_are_allowed() {
    let rig = Rig::with(&[("[claim.build]", "[claim.build]\nattempts_max = 2")]);
    rig.plan("low");
    rig.pass("build");
    rig.pass("build");
    accepted(&verify(&rig));
    rig.pass("build");
    refused(&verify(&rig), "E211");
}

#[test]
fn test_too_few() {
    let rig = medium();
    accepted(&verify(&rig));
    assert_eq!(rig.report("unit-tests", "few.xml", &junit(1, 0)).code, 0);
    refused(&verify(&rig), "E212");
}

#[test]
fn line_too_few() {
    let rig = Rig::with(&[("tests = { passed_min = 2, failed_max = 0 }", "coverage = { total_min = 75 }")]);
    rig.plan("medium");
    rig.medium();
    let lcov = |run: u8| format!("SF:a.rs\nDA:1,1\nDA:2,1\nDA:3,1\nDA:4,{run}\nend_of_record\n");
    assert_eq!(rig.report("unit-tests", "three.info", &lcov(0)).code, 0);
    accepted(&verify(&rig));
    assert_eq!(rig.report("unit-tests", "two.info", &lcov(0).replace("DA:3,1", "DA:3,0")).code, 0);
    refused(&verify(&rig), "E224");
}

#[test]
fn finding_too_many() {
    let rig = medium();
    rig.report("scan", "low.sarif", &sarif(&["6.9"]));
    accepted(&verify(&rig));
    rig.report("scan", "high.sarif", &sarif(&["7.0"]));
    refused(&verify(&rig), "E213");
}

#[test]
fn limits_and_no_report() {
    let rig = medium();
    accepted(&verify(&rig));
    rig.pass("unit-tests");
    rig.pass("scan");
    refused(&verify(&rig), "E214");
}

#[test]
fn signed_facts_that_the_report_does_not_show() {
    let rig = medium();
    let text = junit(2, 0).into_bytes();
    let facts = reports::read(Format::Junit, &mut text.as_slice()).unwrap();
    let forge = Forge::of(&rig);
    let digest = forge.ledger.blobs().put(&text).unwrap();
    let material = Material {
        name: "tests.xml".to_owned(),
        purpose: Purpose::Report,
        sha256: digest,
        bytes: u64::try_from(text.len()).unwrap(),
        omitted_bytes: None,
    };
    let attempt = |passing: u64| {
        let mut facts = facts.clone();
        let tests = facts.tests.as_mut().unwrap();
        (tests.total, tests.passed) = (passing, passing);
        let (_, leaf) = forge.about(&rig, "ci-1", start("unit-tests"));
        let facts = vec![MaterialFacts { material: digest, facts }];
        let run = Run { materials: vec![material.clone()], facts, ..passed(&rig, "unit-tests", leaf) };
        forge.about(&rig, "ci-1", Predicate::Result(run));
    };
    attempt(2);
    accepted(&verify(&rig));
    attempt(3);
    refused(&verify(&rig), "E215");
}

#[test]
fn report_that_is_gone() {
    let rig = medium();
    let digest = sha256(junit(2, 0).as_bytes()).to_string();
    let blob = find(&rig.repo().join(".git/evidence"), &digest[2..]);
    let text = fs::read(&blob).unwrap();
    fs::remove_file(&blob).unwrap();
    refused(&verify(&rig), "E216");
    fs::write(&blob, text).unwrap();
    accepted(&verify(&rig));
}

#[test]
fn attempt_that_failed_after_the_passing_one_began() {
    let rig = Rig::new();
    rig.plan("low");
    let slow = rig.background("ci-1", "build", &[], "exit 1");
    rig.ok("ci-2", &["attest", "build", "--", "true"]);
    accepted(&verify(&rig));
    assert_eq!(rig.go(slow), 1);
    refused(&verify(&rig), "E217");
}

#[test]
fn reviewer_who_says_no() {
    let rig = high();
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    accepted(&verify(&rig));
    rig.key("second");
    rig.grant("second", "second", "reviewer", &[]);
    assert_eq!(rig.review("second", "fail").code, 0);
    refused(&verify(&rig), "E218");
}

#[test]
fn one_reviewer_where_two_are_demanded() {
    let rig = Rig::with(&[("[claim.peer-review]", "[claim.peer-review]\nprincipals_min = 2")]);
    rig.plan("high");
    rig.medium();
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    refused(&verify(&rig), "E219");
    rig.key("second");
    rig.grant("second", "second", "reviewer", &[]);
    assert_eq!(rig.review("second", "pass").code, 0);
    accepted(&verify(&rig));
}

#[test]
fn policy_that_demands_what_is_not_judged_yet() {
    let rig = low();
    accepted(&verify(&rig));
    rig.apply(&[("[claim.build]", "refuse_limitations = [\"hearsay\"]\n\n[claim.build]")]);
    accepted(&verify(&rig));
    rig.ok("planner", &["plan", "shop/again", "--tier", "low"]);
    rig.ok("ci-1", &["attest", "build", "--change", "shop/again", "--", "true"]);
    refused(&rig.by("stranger", &["verify", "shop/again"]), "E220");
}

#[test]
fn shard_that_is_missing() {
    let rig = Rig::new();
    rig.plan("low");
    rig.ok("ci-1", &["attest", "build", "--shard", "1/2", "--", "true"]);
    refused(&verify(&rig), "E221");
    rig.ok("ci-1", &["attest", "build", "--shard", "2/2", "--", "true"]);
    accepted(&verify(&rig));
}

#[test]
fn review_after_the_first_attempt_that_was_due_before_it() {
    let at = [("[claim.peer-review]", "[claim.peer-review]\nat = \"plan\"")];
    let raise = |rig: &Rig| rig.ok("planner", &["plan", CHANGE, "--tier", "high", "--reason", "money"]);
    let rig = Rig::with(&at);
    rig.plan("low");
    rig.medium();
    raise(&rig);
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    refused(&verify(&rig), "E222");
    let rig = Rig::with(&at);
    rig.plan("low");
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.medium();
    raise(&rig);
    accepted(&verify(&rig));
}

#[test]
fn result_that_matches_no_start() {
    let rig = low();
    let forge = Forge::of(&rig);
    let (_, leaf) = forge.about(&rig, "ci-1", start("build"));
    forge.about(&rig, "ci-1", Predicate::Result(passed(&rig, "build", leaf)));
    accepted(&verify(&rig));
    forge.about(&rig, "ci-1", Predicate::Result(passed(&rig, "build", sha256(b"another start"))));
    refused(&verify(&rig), "E223");
}

// The ledger.

#[test]
fn ledger_that_is_halted() {
    let rig = low();
    accepted(&verify(&rig));
    rig.ok("agent", &["record", "halt", "--reason", "incident 12"]);
    refused(&verify(&rig), "E301");
}

#[test]
fn limitation_that_the_policy_refuses() {
    let admits = |name: &str| {
        let refuse = format!("refuse_limitations = [\"{name}\"]\n\n[claim.build]");
        let rig = Rig::with(&[("[claim.build]", &refuse)]);
        rig.plan("low");
        rig.pass("build");
        rig
    };
    let rig = admits("operator-unbound");
    refused(&verify(&rig), "E302");
    accepted(&verify(&admits("asserted")));
}

#[test]
fn plan_before_the_first_policy() {
    let rig = Rig::new();
    let plan = Plan::bare("low".parse().unwrap(), "refs/heads/main");
    let judged = |policy_first: bool| {
        // The other ledger of that origin is forgotten too.
        for folder in ["other", "config/evidence/seen"] {
            let _ = fs::remove_dir_all(rig.path(folder));
        }
        let forge = Forge::empty(&rig);
        let begin = || forge.newest().after(Span(60));
        if policy_first {
            forge.policy(&rig, POLICY, begin());
        }
        let (subjects, binding) = (vec![Subject::base(oid(&rig, "main"))], forge.binding(true, None));
        let plan = Statement { subjects, binding, predicate: Predicate::Plan(plan.clone()) };
        forge.write(&plan, &[&key(&rig, "root")], begin());
        if !policy_first {
            forge.policy(&rig, POLICY, begin());
        }
        let (root, appender) = (key(&rig, "root"), forge.appender(begin()));
        let granted = forge::grant(&key(&rig, "ci-1"), "ci-1", "ci");
        Signer { appender: &appender, keys: vec![&root] }.grant(granted).unwrap();
        let (_, leaf) = forge.about(&rig, "ci-1", start("build"));
        forge.about(&rig, "ci-1", Predicate::Result(passed(&rig, "build", leaf)));
        verify_by(&rig, &forge.trust, &["--ledger", "../other"])
    };
    refused(&judged(false), "E303");
    accepted(&judged(true));
}

#[test]
fn bundle_without_a_record() {
    let (rig, members) = exported();
    accepted(&audit(&rig, &members));
    let entry = members.iter().rposition(|(name, _)| name.starts_with("entries/")).unwrap();
    refused(&audit(&rig, &[&members[..entry], &members[entry + 1..]].concat()), "E304");
}

#[test]
fn record_by_a_key_that_was_never_granted() {
    let rig = low();
    let forge = Forge::of(&rig);
    forge.about(&rig, "reviewer", review(ReviewVerdict::Pass));
    accepted(&verify(&rig));
    forge.about(&rig, "stranger", review(ReviewVerdict::Pass));
    refused(&verify(&rig), "E305");
}

#[test]
fn checkpoint_a_second_older_than_it_may_be() {
    let rig = low();
    let forge = Forge::of(&rig);
    let trust = Trust { max_age: Some(DAY), ..forge.trust.clone() };
    accepted(&verify_by(&rig, &trust, &[]));
    let newest = forge.newest();
    assert_eq!(sentences(&rig, &trust, newest.after(DAY)), Vec::<String>::new());
    let found = sentences(&rig, &trust, newest.after(DAY).after(Span(1)));
    transcript("E306", &found.iter().map(|sentence| format!("refused: {sentence}\n")).collect::<String>());
}

#[test]
fn ledger_that_the_trust_file_does_not_name() {
    let rig = low();
    accepted(&verify(&rig));
    let forge = Forge::empty(&rig);
    forge.policy(&rig, POLICY, Time(1_763_690_400));
    refused(&rig.by("stranger", &["verify", "--ledger", "../other"]), "E307");
}

#[test]
fn ledger_an_entry_smaller_than_it_must_be() {
    let rig = low();
    let forge = Forge::of(&rig);
    let size = forge.ledger.read().unwrap().size();
    let at_least = |size| Trust { min_size: Some(size), ..forge.trust.clone() };
    accepted(&verify_by(&rig, &at_least(size), &[]));
    refused(&verify_by(&rig, &at_least(size + 1), &[]), "E308");
}

#[test]
fn policy_that_requires_nothing_before_the_merge() {
    let rig = Rig::with(&[("[claim.build]", "[claim.build]\nat = \"deploy\"")]);
    rig.plan("low");
    rig.pass("build");
    refused(&verify(&rig), "E309");
    accepted(&rig.by("stranger", &["verify", "--at", "deploy"]));
}

#[test]
fn bundle_without_a_git_object() {
    let (rig, members) = exported();
    accepted(&audit(&rig, &members));
    let tree = format!("git/{}", rig.git(&["rev-parse", "HEAD^{tree}"]));
    let cut: Members = members.iter().filter(|(name, _)| *name != tree).cloned().collect();
    assert_eq!(cut.len() + 1, members.len());
    refused(&audit(&rig, &cut), "E310");
}

#[test]
fn bundle_with_a_member_that_nothing_leads_to() {
    let (rig, mut members) = exported();
    accepted(&audit(&rig, &members));
    let hash = sha256(b"one more material");
    let at = members.iter().rposition(|(name, _)| name.starts_with("git/")).unwrap() + 1;
    members.insert(at, (format!("materials/{hash}"), b"one more material".to_vec()));
    refused(&audit(&rig, &members), "E311");
}

// A halt, and who may end it.

#[test]
fn head_that_the_new_log_key_did_not_sign() {
    let rig = low();
    let (thief, trust) = (Forge::of(&rig), Forge::of(&rig).trust);
    rig.ok("owner", &["ledger", "rotate"]);
    accepted(&verify_by(&rig, &trust, &[]));
    thief.about(&rig, "reviewer", review(ReviewVerdict::Pass));
    refused(&verify_by(&rig, &trust, &[]), "E312");
}

#[test]
fn ledger_that_is_closed() {
    let rig = low();
    accepted(&verify(&rig));
    rig.ok("owner", &["ledger", "close", "--reason", "full"]);
    refused(&verify(&rig), "E313");
}

#[test]
fn key_for_one_change_halts_everything_and_resumes_nothing() {
    let rig = low();
    rig.key("leased");
    rig.grant("leased", "leased", "admin", &["--for-change", "shop/other"]);
    rig.refuses("leased", &["record", "resume", "--reason", "fine"], "may not resume");
    accepted(&verify(&rig));
    rig.ok("leased", &["record", "halt", "--reason", "incident 13"]);
    let verdict = rig.verify();
    verdict.refused(&["E301"]);
    let found = verdict.json["findings"][0]["found"].as_str().unwrap();
    assert!(found.contains("by leased halts it"), "{found}");
    rig.refuses("leased", &["record", "resume", "--reason", "fine"], "may not resume");
    // Nor does it where the ledger's keeper takes its word.
    let forge = Forge::of(&rig);
    let resume = |forge: &Forge| {
        let event = evidence_ledger::model::Event::Resume { reason: "fine".to_owned() };
        let subjects = vec![Subject::sha256("origin", sha256(forge.ledger.origin().as_bytes()))];
        Statement { subjects, binding: forge.binding(false, None), predicate: Predicate::Event(event) }
    };
    forge.write(&resume(&forge), &[&key(&rig, "leased")], forge.newest());
    rig.verify().refused(&["E301"]);
    forge.write(&resume(&forge), &[&key(&rig, "owner")], forge.newest());
    accepted(&verify(&rig));
}

// The Rego of the policy.

#[test]
fn what_the_rego_of_the_policy_denies() {
    let rig = rego("deny contains sprintf(\"%d paths are touched\", [count(input.paths)]) if count(input.paths) > 1");
    accepted(&verify(&rig));
    rig.commit("src/more.rs", "");
    rig.pass("build");
    refused(&verify(&rig), "E225");
}

#[test]
fn rego_that_breaks_off() {
    let rig = rego("deny contains \"too few\" if 4 / (count(input.paths) - 2) > 9");
    accepted(&verify(&rig));
    rig.commit("src/more.rs", "");
    rig.pass("build");
    refused(&verify(&rig), "E226");
}

// The bench.

/// Returns a change of tier low with all that it needs, under a policy that says more in Rego.
fn rego(rules: &str) -> Rig {
    let rego = format!("rego = '''\npackage evidence\n\n{rules}\n'''\n\n[claim.build]");
    let rig = Rig::with(&[("[claim.build]", &rego)]);
    rig.plan("low");
    rig.pass("build");
    rig
}

/// Returns a change of tier low with all that it needs.
fn low() -> Rig {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    rig
}

/// Returns a change of tier medium with all that it needs.
fn medium() -> Rig {
    let rig = Rig::new();
    rig.plan("medium");
    rig.medium();
    rig
}

/// Returns a change of tier high that lacks nothing but a review.
fn high() -> Rig {
    let rig = Rig::new();
    rig.plan("high");
    rig.medium();
    rig
}

fn review(verdict: ReviewVerdict) -> Predicate {
    let claim = "peer-review".parse().unwrap();
    Predicate::Review(Review::bare(claim, Phase::Plain, Some(verdict)))
}

fn verify(rig: &Rig) -> Ran {
    rig.by("stranger", &["verify"])
}

/// Verifies by a trust file of one's own.
fn verify_by(rig: &Rig, trust: &Trust, more: &[&str]) -> Ran {
    fs::write(rig.path("mine.toml"), trust.print()).unwrap();
    rig.by("stranger", &[&["verify", "--trust", "../mine.toml"], more].concat())
}

/// Judges the rig's change at a time and returns the sentences of the findings.
fn sentences(rig: &Rig, trust: &Trust, now: Time) -> Vec<String> {
    let log = Forge::of(rig).ledger.read().unwrap();
    let (head, tree) = (oid(rig, "HEAD"), oid(rig, "HEAD^{tree}"));
    let change = Change { id: CHANGE.parse().unwrap(), tree: tree.clone() };
    let complete = Complete::check(&log, trust, change).unwrap();
    let policies = Policies::read(&complete, &log).unwrap();
    let rechecked = Rechecked::of_tree(&complete, &policies, &log).unwrap();
    let (commits, touched) = (Vec::new(), Vec::new());
    let git = GitFacts {
        head,
        tree,
        base: oid(rig, "main"),
        commits,
        touched,
        undone: Vec::new(),
        changed: None,
        below: None,
    };
    let complete = read_names(complete, &log, trust, &policies, &git).unwrap();
    let judgement = Judgement {
        complete: &complete,
        trust,
        policies: &policies,
        rechecked: &rechecked,
        git: &git,
        clock: Clock::Live(now),
        moment: Moment::Merge,
        found_before: Vec::new(),
        admitted: Vec::new(),
    };
    let decided = judge(&judgement, &Answers::default()).unwrap();
    assert_eq!(decided.accepted(), decided.verdict().findings.is_empty());
    decided.verdict().findings.iter().map(evidence_ledger::verify::Finding::sentence).collect()
}

/// Exports the bundle of an accepted change.
fn exported() -> (Rig, Members) {
    let rig = low();
    rig.ok("ci-1", &["export", "-o", "../whole.zip"]);
    let file = fs::read(rig.path("whole.zip")).unwrap();
    let members = unpack(&file);
    (rig, members)
}

/// Packs members as the format wants them, and audits that.
fn audit(rig: &Rig, members: &[(String, Vec<u8>)]) -> Ran {
    fs::write(rig.path("bundle.zip"), pack(members)).unwrap();
    rig.by("stranger", &["audit", "../bundle.zip", "--trust", ".evidence/trust.toml"])
}

/// Returns the file whose path ends so.
fn find(folder: &Path, end: &str) -> PathBuf {
    let mut todo = vec![folder.to_owned()];
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.to_str().unwrap().ends_with(end) {
            return path;
        }
    }
    panic!("no {end} in {}", folder.display());
}

fn accepted(ran: &Ran) {
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("accepted: ") && !ran.out.contains("refused: "), "{ran:?}");
}

/// Refused for this reason alone, in the words of the transcript.
fn refused(ran: &Ran, number: &str) {
    assert_eq!(ran.code, 1, "{ran:?}");
    let lines = ran.out.lines().chain(ran.err.lines());
    // The page has a heading of its own, which names the change and no code.
    let says = |line: &&str| line.starts_with("refused: E") || line.starts_with("hint: ");
    transcript(number, &lines.filter(says).map(|line| format!("{line}\n")).collect::<String>());
}

/// Holds lines against the transcript of a code.
fn transcript(number: &str, lines: &str) {
    let (code, ..) = CODES.iter().find(|(code, ..)| code.number == number).unwrap();
    let found = constant(lines);
    assert!(found.starts_with("refused: "), "{number}: {found}");
    for line in found.lines().filter(|line| line.starts_with("refused: ")) {
        assert!(line.starts_with(&format!("refused: {code}: ")), "{number}: {found}");
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/transcripts");
    let path = folder.join(format!("{}-{}.txt", code.number, code.name));
    if std::env::var_os("EVIDENCE_REGENERATE").is_some_and(|value| value == "1") {
        fs::write(&path, &found).unwrap();
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "make {} anew: EVIDENCE_REGENERATE=1", path.display());
}

/// Puts words in the place of what each run has its own of: hashes, ids of commits, times, origins, keys.
fn constant(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-:+/._".contains(c);
    let mut found = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        found.push_str(&if is_word(first) { constant_word(run) } else { run.to_owned() });
        rest = after;
    }
    found
}

fn constant_word(word: &str) -> String {
    let (body, end) = match word.strip_suffix([':', '.']) {
        Some(body) => (body, &word[body.len()..]),
        None => (word, ""),
    };
    let (before, last) = body.rsplit_once('/').map_or(("", body), |(before, last)| (before, last));
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)).then_some(text.len());
    let shape: String = body.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let named = match (before, hex(last)) {
        ("evidence.local", Some(32)) => "<origin>".to_owned(),
        ("", Some(12 | 40)) => "<commit>".to_owned(),
        ("", Some(64)) => "<hash>".to_owned(),
        (folder, Some(40 | 64)) => format!("{folder}/<hash>"),
        _ if body.starts_with("SHA256:") => "<key>".to_owned(),
        _ if shape == "0000-00-00T00:00:00Z" => "<time>".to_owned(),
        _ => body.to_owned(),
    };
    format!("{named}{end}")
}

const DAY: Span = Span(86_400);
