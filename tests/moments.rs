//! What is due before the first attempt, and clocks that cannot be right.

mod common;
#[path = "common/forge.rs"]
mod forge;

use common::{CHANGE, Rig};
use evidence_ledger::append::{AppendError, Appender, ClockGuard};
use evidence_ledger::attest::Signer;
use evidence_ledger::crypto::{SecretKey, sha256};
use evidence_ledger::model::{Command as RunCommand, Ended, Outcome, Predicate, Run, Span, Time};
use evidence_ledger::trace::check_ledger;
use forge::{Forge, key, passed, start};

// Before the first attempt.

const REVIEWED: (&str, &str) = ("[claim.peer-review]", "[claim.peer-review]\nat = \"plan\"");
const REVIEW_AT_LOW: (&str, &str) = ("require = [\"build\"]", "require = [\"build\", \"peer-review\"]");

#[test]
fn attempt_waits_for_the_review_that_is_due_before_it() {
    let rig = Rig::with(&[REVIEWED, REVIEW_AT_LOW]);
    rig.plan("low");
    rig.verify_with(&["--at", "plan"]).refused(&["E201"]);
    rig.refuses("ci-1", &["attest", "build", "--", "true"], "the policy demands peer-review before the first attempt");
    assert_eq!(rig.review("reviewer", "fail").code, 0);
    rig.refuses("ci-1", &["attest", "build", "--", "true"], "the policy demands peer-review before the first attempt");
    assert_eq!(rig.review("agent", "pass").code, 0);
    rig.refuses("ci-1", &["attest", "build", "--", "true"], "the policy demands peer-review before the first attempt");
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.verify_with(&["--at", "plan"]).accepted();
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn attempt_waits_for_what_touched_paths_demand_before_it() {
    let raise = ("[may]", "[[when]]\npaths = [\"db/**\"]\ntier = \"high\"\n\n[may]");
    let rig = Rig::with(&[REVIEWED, raise]);
    rig.plan("low");
    rig.commit("db/schema.sql", "create table t;\n");
    let why = "(tier high; touched paths raise it from low: [[when]] rule 1)";
    let ran = rig.refuses("ci-1", &["attest", "build", "--", "true"], why);
    assert!(ran.err.contains("hint: first: evidence review peer-review"), "{ran:?}");
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.medium();
    rig.verify().accepted();

    // Where no such path is touched yet, nothing waits; what began before is too late, and says so.
    let rig = Rig::with(&[REVIEWED, raise]);
    rig.plan("low");
    rig.pass("build");
    rig.verify().accepted();
    rig.commit("db/schema.sql", "create table t;\n");
    rig.medium();
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.verify().refused(&["E222"]);
}

#[test]
fn attempt_waits_for_a_claim_that_a_path_requires_before_it() {
    let require = ("[may]", "[[when]]\npaths = [\"db/**\"]\nrequire = [\"peer-review\"]\n\n[may]");
    let rig = Rig::with(&[REVIEWED, require]);
    rig.plan("low");
    rig.commit("db/schema.sql", "create table t;\n");
    rig.refuses("ci-1", &["attest", "build", "--", "true"], "(touched paths: [[when]] rule 1)");
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn review_after_the_first_attempt_is_too_late_wherever_the_ledger_let_the_attempt_in() {
    let judged = |review_first: bool| {
        let rig = Rig::with(&[REVIEWED, REVIEW_AT_LOW]);
        rig.plan("low");
        let forge = Forge::of(&rig);
        if review_first {
            assert_eq!(rig.review("reviewer", "pass").code, 0);
        }
        let (_, leaf) = forge.about(&rig, "ci-1", start("build"));
        forge.about(&rig, "ci-1", Predicate::Result(passed(&rig, "build", leaf)));
        if !review_first {
            assert_eq!(rig.review("reviewer", "pass").code, 0);
        }
        rig.verify()
    };
    judged(false).refused(&["E222"]);
    judged(true).accepted();
}

#[test]
fn reviewer_who_says_yes_again_takes_nothing_back() {
    let rig = Rig::with(&[REVIEWED, REVIEW_AT_LOW]);
    rig.plan("low");
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.pass("build");
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.verify().accepted();
    assert_eq!(rig.review("reviewer", "fail").code, 0);
    rig.verify().refused(&["E201", "E218"]);
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.verify().refused(&["E222"]);
}

const SPECIFIED: (&str, &str) =
    ("[claim.build]", "[claim.spec]\nfamily = \"functionality\"\nby = \"ci\"\nat = \"plan\"\n\n[claim.build]");
const SPEC_AT_LOW: (&str, &str) = ("require = [\"build\"]", "require = [\"build\", \"spec\"]");

#[test]
fn passing_result_on_another_tree_counts_before_the_first_attempt_and_a_failing_one_does_not() {
    let rig = Rig::with(&[SPECIFIED, SPEC_AT_LOW]);
    rig.plan("low");
    rig.fail("spec");
    rig.refuses("ci-1", &["attest", "build", "--", "true"], "the policy demands spec before the first attempt");
    rig.verify_with(&["--at", "plan"]).refused(&["E202"]);
    rig.pass("spec");
    rig.commit("src/lib.rs", "three\n");
    rig.pass("build");
    rig.verify().accepted();
    rig.fail("spec");
    rig.verify().refused(&["E202", "E222"]);
}

#[test]
fn failing_result_on_another_tree_does_not_count_wherever_the_ledger_let_the_attempt_in() {
    let judged = |outcome: Outcome| {
        let rig = Rig::with(&[SPECIFIED, SPEC_AT_LOW]);
        rig.plan("low");
        let forge = Forge::of(&rig);
        let (_, leaf) = forge.about(&rig, "ci-1", start("spec"));
        forge.about(&rig, "ci-1", Predicate::Result(Run { outcome, ..passed(&rig, "spec", leaf) }));
        rig.commit("src/lib.rs", "three\n");
        let (_, leaf) = forge.about(&rig, "ci-1", start("build"));
        forge.about(&rig, "ci-1", Predicate::Result(passed(&rig, "build", leaf)));
        rig.verify()
    };
    judged(Outcome::Fail).refused(&["E202"]);
    judged(Outcome::Inconclusive).refused(&["E203"]);
    judged(Outcome::Pass).accepted();
}

#[test]
fn reviewer_who_says_yes_for_another_change_too_takes_nothing_back() {
    let rig = Rig::new();
    rig.plan("high");
    rig.ok("planner", &["plan", "shop/other", "--tier", "high"]);
    rig.medium();
    let review = |more: &[&str]| {
        rig.ok("reviewer", &[&["review", "peer-review", "--verdict", "pass"], more].concat());
    };
    review(&["--change", "shop/other"]);
    rig.verify().refused(&["E201"]);
    review(&[]);
    review(&["--change", "shop/other"]);
    rig.verify().accepted();
}

#[test]
fn attempt_that_was_due_before_the_first_one_and_came_after_it_is_too_late() {
    let rig = Rig::with(&[SPECIFIED, SPEC_AT_LOW]);
    rig.plan("low");
    let forge = Forge::of(&rig);
    let (_, leaf) = forge.about(&rig, "ci-1", start("build"));
    forge.about(&rig, "ci-1", Predicate::Result(passed(&rig, "build", leaf)));
    rig.pass("spec");
    rig.verify().refused(&["E222"]);
}

#[test]
fn gate_that_passes_again_takes_nothing_back() {
    let rig = Rig::with(&[SPECIFIED, SPEC_AT_LOW]);
    rig.plan("low");
    rig.pass("spec");
    rig.pass("build");
    rig.pass("spec");
    rig.verify().accepted();
    rig.fail("spec");
    rig.verify().refused(&["E202", "E222"]);
    rig.pass("spec");
    rig.verify().refused(&["E202", "E222"]);
}

// Clocks.

const DAY: Span = Span(86_400);
const BEGAN: Time = Time(1_700_000_000);

/// Grants something to nobody in particular, by a clock.
fn tick(rig: &Rig, appender: &Appender, clock: Time) -> Result<(), AppendError> {
    let root = key(rig, "root");
    let nobody = SecretKey::from_seed(&sha256(&clock.0.to_be_bytes()).0);
    let signer = Signer { appender, keys: vec![&root] };
    signer.grant(forge::grant(&nobody, "passer-by", "nobody")).map(drop)
}

#[test]
fn clock_that_cannot_be_right_appends_nothing() {
    let rig = Rig::new();
    let forge = Forge::empty(&rig);
    forge.policy(&rig, common::POLICY, BEGAN);
    let at = |clock| tick(&rig, &forge.appender(clock), clock);
    let clock_is_refused = |clock: Time| {
        let before = forge.ledger.read().unwrap().size();
        let last = forge.newest();
        let refused = at(clock).unwrap_err();
        assert!(matches!(refused, AppendError::Clock { clock: found, last: of } if found == clock && of == last));
        assert_eq!(forge.ledger.read().unwrap().size(), before);
    };
    clock_is_refused(Time(BEGAN.0 - 601));
    at(Time(BEGAN.0 - 600)).unwrap();
    assert_eq!(forge.newest(), BEGAN, "the ledger's time never goes back");
    let ahead = BEGAN.after(Span(90 * DAY.0));
    clock_is_refused(ahead.after(Span(1)));
    at(ahead).unwrap();
    assert_eq!(forge.newest(), ahead);
    let far = ahead.after(Span(90 * DAY.0 + 1));
    clock_is_refused(far);
    tick(&rig, &forge.appender(far).with_guard(ClockGuard::AcceptAhead), far).unwrap();
    let behind = forge.appender(Time(far.0 - 601)).with_guard(ClockGuard::AcceptAhead);
    assert!(matches!(tick(&rig, &behind, far.after(Span(1))), Err(AppendError::Clock { .. })));
}

#[test]
fn clock_far_ahead_is_believed_only_by_a_persons_word() {
    let rig = Rig::new();
    let forge = Forge::empty(&rig);
    forge.policy(&rig, common::POLICY, BEGAN);
    std::fs::write(rig.path("mine.toml"), forge.trust.print()).unwrap();
    std::fs::write(rig.path("root.pem"), key(&rig, "root").to_pem()).unwrap();
    std::fs::write(rig.path("log.pem"), forge.log_key.to_pem()).unwrap();
    for name in ["root.pem", "log.pem"] {
        std::fs::set_permissions(rig.path(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    let plan = |more: &[&str]| {
        let words = ["plan", CHANGE, "--tier", "low", "--ledger", "../other", "--trust", "../mine.toml"];
        let mut command = rig.command("owner", &[&words, more].concat());
        command.env("EVIDENCE_LOG_KEY", "../log.pem").env("EVIDENCE_KEY", "../root.pem");
        common::Ran::of(command.output().unwrap())
    };
    let ran = plan(&[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("the ledger's last entry is of 2023-11-14T22:13:20Z"), "{ran:?}");
    assert!(ran.err.contains("hint: if the clock is right: --accept-clock"), "{ran:?}");
    let ran = plan(&["--accept-clock"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let checked = rig.ok("stranger", &["ledger", "check", "--ledger", "../other", "--trust", "../mine.toml"]);
    let jumps: Vec<&str> = checked.out.lines().filter(|line| line.starts_with("the clock jumps")).collect();
    assert_eq!(jumps.len(), 1, "{checked:?}");
    assert!(jumps[0].starts_with("the clock jumps from 2023-11-14T22:13:20Z to 2"), "{checked:?}");
    assert!(jumps[0].ends_with(" at record 2"), "{checked:?}");
}

#[test]
fn clock_behind_the_ledger_is_never_believed() {
    let rig = Rig::new();
    let forge = Forge::of(&rig);
    forge.wait_until(&rig, forge.newest().after(DAY));
    for more in [&[][..], &["--accept-clock"]] {
        let ran = rig.by("planner", &[&["plan", CHANGE, "--tier", "low"], more].concat());
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("hint: set the clock"), "{ran:?}");
    }
}

#[test]
fn check_of_a_ledger_lists_the_jumps_of_its_clock() {
    let rig = Rig::new();
    let forge = Forge::empty(&rig);
    forge.policy(&rig, common::POLICY, BEGAN);
    let jumps = || check_ledger(&forge.ledger, &forge.trust, &mut |_| {}).unwrap().jumps;
    forge.policy(&rig, common::POLICY, BEGAN.after(DAY));
    assert_eq!(jumps(), []);
    let (from, to) = (forge.newest(), forge.newest().after(Span(DAY.0 + 1)));
    forge.policy(&rig, common::POLICY, to);
    assert_eq!(jumps(), [(4, from, to)]);
}

#[test]
fn result_that_was_long_under_way_is_told_with_how_long() {
    for (waited, told) in [(120, None), (121, Some(121)), (500, Some(500))] {
        let rig = Rig::new();
        rig.plan("low");
        let forge = Forge::of(&rig);
        let begun = forge.newest();
        let (_, leaf) = forge.about(&rig, "ci-1", start("build"));
        let mut run = passed(&rig, "build", leaf);
        run.command =
            Some(RunCommand { argv: vec!["make".to_owned()], ended: Ended::Exited { code: 0 }, duration_ms: 7_900 });
        let statement = forge.statement(&rig, forge.planned(&rig).plan, Predicate::Result(run));
        let arrived = Time(begun.0 + 7 + waited);
        forge.write(&statement, &[&key(&rig, "ci-1")], arrived);
        forge.wait_until(&rig, arrived);
        let verdict = rig.verify();
        verdict.accepted();
        assert_eq!(verdict.json["requirements"][0]["deliveredLateSeconds"].as_u64(), told, "{waited}");
    }
}

#[test]
fn limitations_say_what_they_are_about_and_no_more() {
    let rig = Rig::new();
    rig.commit(".github/workflows/a.yml", "on: push\n");
    rig.plan("medium");
    rig.medium();
    let text = |name: &str| {
        let json = rig.verify().json;
        let mut all = json["limitations"].as_array().unwrap().iter();
        let found = all.find(|it| it["name"] == *name).unwrap_or_else(|| panic!("{name}: {json:#}"));
        found["text"].as_str().unwrap().to_owned()
    };
    assert!(text("pipeline-edited").starts_with("the change touches .github/workflows/a.yml: where"));
    rig.commit(".github/workflows/b.yml", "on: push\n");
    rig.commit(".github/workflows/c.yml", "on: push\n");
    assert!(text("pipeline-edited").starts_with("the change touches .github/workflows/a.yml and 2 more: where"));
    // The heads that are remembered stand with the operator, and nowhere else.
    assert!(text("operator-unbound").ends_with("entries are those that this machine remembers"));
    assert!(!text("pipeline-edited").contains("remembers"));
}
