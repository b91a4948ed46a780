//! Merges: what closes a change, what is refused, what shows for ever, and the audit of a branch by its records.

mod common;
#[path = "common/forge.rs"]
#[expect(dead_code, reason = "a part of the pen is enough here")]
mod forge;

use std::thread;

use common::{CHANGE, Ran, Rig};
use evidence_ledger::append::{AppendError, Refusal, Submission};
use evidence_ledger::attest::Signer;
use evidence_ledger::crypto::{Envelope, SecretKey};
use evidence_ledger::model::{Digest, Event, Predicate, Statement, Subject, check_schema};
use evidence_ledger::trace::check_ledger;
use forge::{Forge, key, oid};
use serde_json::Value;

/// A change of tier low that has all that it needs.
fn low() -> Rig {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    rig
}

/// Checks the main branch out and merges the feature branch in.
fn push(rig: &Rig, how: &[&str]) {
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&[&["merge", "-q"], how, &["feature"]].concat());
}

fn fast_forward(rig: &Rig) {
    push(rig, &["--ff-only"]);
}

fn squash(rig: &Rig) {
    push(rig, &["--squash"]);
    rig.git(&["commit", "-q", "-m", "squashed"]);
}

fn merge(rig: &Rig, more: &[&str]) -> Ran {
    rig.by("ci-1", &[&["record", "merge"], more].concat())
}

fn merged(rig: &Rig, more: &[&str]) -> Value {
    let ran = merge(rig, &[&["--json"], more].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    whole(rig);
    ran.json()
}

/// Refused, by findings of exactly these codes, and nothing is recorded.
fn refused(rig: &Rig, more: &[&str], codes: &[&str]) {
    let before = size(rig);
    let ran = merge(rig, &[&["--json"], more].concat());
    assert_eq!(ran.code, 1, "{ran:?}");
    let json = ran.json();
    let verdicts = json["verdicts"].as_array().unwrap().iter();
    let findings = verdicts.flat_map(|verdict| verdict["findings"].as_array().unwrap());
    let mut found: Vec<&str> = findings.map(|finding| finding["code"].as_str().unwrap()).collect();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, codes, "{json:#}");
    assert_eq!(size(rig), before);
}

/// Audits the main branch; returns the exit code and the states of its commits, the newest first.
fn audit(rig: &Rig, more: &[&str]) -> (i32, Vec<String>) {
    let ran = rig.by("stranger", &[&["audit", "--branch", "main", "--json"], more].concat());
    let json = ran.json();
    let commits = json["commits"].as_array().unwrap_or_else(|| panic!("{ran:?}")).iter();
    (ran.code, commits.map(|commit| commit["state"].as_str().unwrap().to_owned()).collect())
}

fn size(rig: &Rig) -> u64 {
    Forge::of(rig).ledger.read().unwrap().size()
}

/// Holds the whole ledger against its rules.
fn whole(rig: &Rig) {
    let forge = Forge::of(rig);
    check_ledger(&forge.ledger, &forge.trust, &mut |_| {}).unwrap();
}

fn statement_of(rig: &Rig, serial: u64) -> Statement {
    let record = Forge::of(rig).ledger.read().unwrap().record(serial).unwrap().unwrap();
    Statement::parse(&Envelope::parse(&record.envelope).unwrap().payload).unwrap()
}

fn event(changes: &[&str], verdict: Option<Digest>) -> Event {
    Event::Merge {
        branch: "refs/heads/main".to_owned(),
        repository: "shop".parse().unwrap(),
        changes: changes.iter().map(|change| change.parse().unwrap()).collect(),
        verdict,
        baseline: None,
    }
}

// What is merged.

#[test]
fn accepted_change_is_merged_with_its_verdict_and_a_second_run_adds_nothing() {
    let rig = low();
    fast_forward(&rig);
    let first = merged(&rig, &[]);
    assert_eq!(first["changes"], serde_json::json!([CHANGE]));
    assert_eq!((&first["branch"], &first["unverified"]), (&"refs/heads/main".into(), &false.into()));
    let serial = first["serial"].as_u64().unwrap();
    let merge = statement_of(&rig, serial);
    let Predicate::Event(Event::Merge { verdict: Some(verdict), .. }) = merge.predicate else { panic!("{merge:?}") };
    // The verdict stands right before it, but for the map entry between their batches.
    assert_eq!(Forge::of(&rig).ledger.read().unwrap().leaf(serial - 2).unwrap(), verdict);
    let before = size(&rig);
    let second = merged(&rig, &[]);
    assert_eq!((&second["serial"], &second["already"]), (&first["serial"], &true.into()));
    assert_eq!(merged(&rig, &[CHANGE])["already"], true);
    assert_eq!(size(&rig), before);
}

#[test]
fn squash_rebase_and_merge_commit_have_the_judged_tree_and_another_commit() {
    let rig = low();
    squash(&rig);
    assert_eq!(merged(&rig, &[])["changes"], serde_json::json!([CHANGE]));
    assert_eq!(audit(&rig, &[]), (0, vec!["accepted".to_owned()]));

    let rig = Rig::new();
    rig.plan("low");
    rig.commit("src/more.rs", "");
    rig.pass("build");
    rig.git(&["checkout", "-q", "-b", "rebased"]);
    rig.git(&["rebase", "-q", "--force-rebase", "--exec", "git commit -q --amend -m again", "main"]);
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", "rebased"]);
    assert_ne!(rig.git(&["rev-parse", "HEAD"]), rig.git(&["rev-parse", "feature"]));
    merged(&rig, &[CHANGE]);
    assert_eq!(audit(&rig, &["--range", "HEAD~2.."]), (0, vec!["accepted".to_owned(); 2]));

    let rig = low();
    push(&rig, &["--no-ff", "-m", "merge"]);
    merged(&rig, &[]);
    assert_eq!(audit(&rig, &[]), (0, vec!["accepted".to_owned()]));
}

#[test]
fn merged_commit_of_another_tree_is_refused() {
    let rig = low();
    push(&rig, &["--squash"]);
    rig.write("src/lib.rs", "other\n");
    rig.git(&["add", "-A"]);
    rig.git(&["commit", "-q", "-m", "squashed"]);
    refused(&rig, &[CHANGE], &["E210"]);
    let ran = merge(&rig, &[CHANGE]);
    assert!(ran.out.contains("its newest evidence is about commit"), "{ran:?}");
    rig.git(&["reset", "-q", "--hard", "HEAD^"]);
    squash(&rig);
    merged(&rig, &[CHANGE]);
}

#[test]
fn what_is_not_accepted_is_not_merged() {
    let rig = low();
    rig.fail("build");
    fast_forward(&rig);
    refused(&rig, &[], &["E202"]);
    rig.git(&["checkout", "-q", "feature"]);
    rig.pass("build");
    rig.git(&["checkout", "-q", "main"]);
    rig.ok("agent", &["record", "halt", "--reason", "incident 12"]);
    refused(&rig, &[], &["E301"]);
    rig.ok("owner", &["record", "resume", "--reason", "over"]);
    merged(&rig, &[]);
}

#[test]
fn commits_that_the_base_of_a_plan_hides_are_not_merged() {
    let hidden = |how: fn(&Rig)| {
        let rig = Rig::new();
        rig.commit("src/more.rs", "");
        rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--base", "HEAD~1"]);
        rig.pass("build");
        how(&rig);
        rig
    };
    let rig = hidden(squash);
    refused(&rig, &[CHANGE], &["E108", "E210"]);
    let rig = hidden(|rig| push(rig, &["--no-ff", "-m", "merge"]));
    refused(&rig, &[CHANGE], &["E108", "E210"]);
    // Where nothing was recorded before, nobody knows where the branch stood: the audit then lists what no verdict is about.
    let rig = hidden(fast_forward);
    merged(&rig, &[CHANGE]);
    let (code, states) = audit(&rig, &["--range", "HEAD~2.."]);
    assert_eq!((code, states), (1, vec!["accepted".to_owned(), "without-evidence".to_owned()]));
    // From the first record on, it is known.
    rig.git(&["checkout", "-q", "-B", "feature"]);
    rig.commit("src/a.rs", "");
    rig.commit("src/b.rs", "");
    rig.ok("planner", &["plan", "shop/second", "--tier", "low", "--base", "HEAD~1"]);
    rig.ok("ci-1", &["attest", "build", "--change", "shop/second", "--", "true"]);
    fast_forward(&rig);
    refused(&rig, &["shop/second"], &["E108", "E210"]);
    rig.ok("planner", &["plan", "shop/second", "--tier", "low", "--base", "HEAD~2", "--reason", "all of it"]);
    merged(&rig, &["shop/second"]);
}

#[test]
fn commit_that_comes_with_a_merge_and_that_nobody_judged_refuses_it() {
    let rig = low();
    rig.git(&["commit", "-q", "--allow-empty", "-m", "one more"]);
    rig.git(&["checkout", "-q", "main"]);
    // A merge commit whose other side has one commit more than was judged, and yet another tree than that.
    rig.commit("src/more.rs", "");
    let tree = rig.git(&["rev-parse", "feature^{tree}"]);
    let (first, second) = (rig.git(&["rev-parse", "main"]), rig.git(&["rev-parse", "feature~1"]));
    let more = rig.git(&["commit-tree", "main^{tree}", "-p", &second, "-m", "more"]);
    let made = rig.git(&["commit-tree", &tree, "-p", &first, "-p", &more, "-m", "merge"]);
    rig.git(&["reset", "-q", "--hard", &made]);
    refused(&rig, &[CHANGE], &["E210"]);
    // Where the branch has moved since, its tree would take that back.
    let made = rig.git(&["commit-tree", &tree, "-p", &first, "-p", &second, "-m", "merge"]);
    rig.git(&["reset", "-q", "--hard", &made]);
    refused(&rig, &[CHANGE], &["E210"]);
    let made = rig.git(&["commit-tree", &tree, "-p", &format!("{first}~1"), "-p", &second, "-m", "merge"]);
    rig.git(&["reset", "-q", "--hard", &made]);
    merged(&rig, &[CHANGE]);
}

#[test]
fn commit_of_a_merge_queue_closes_both_of_its_changes() {
    let rig = Rig::new();
    rig.plan("low");
    rig.git(&["checkout", "-q", "-b", "second", "main"]);
    rig.commit("src/second.rs", "");
    rig.ok("planner", &["plan", "shop/second", "--tier", "low", "--base", "main"]);
    rig.git(&["checkout", "-q", "-b", "gh-readonly-queue/main/pr-2-0", "main"]);
    rig.git(&["merge", "-q", "--no-ff", "-m", "first", "feature"]);
    rig.git(&["merge", "-q", "--no-ff", "-m", "second", "second"]);
    rig.ok("ci-1", &["attest", "build", "--change", CHANGE, "--", "true"]);
    let queue = |words: &[&str]| {
        let mut command = rig.command("ci-1", words);
        Ran::of(command.env("GITHUB_REF", "refs/heads/gh-readonly-queue/main/pr-2-0").output().unwrap())
    };
    // The other one has nothing yet.
    let ran = queue(&["record", "merge", CHANGE, "shop/second"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    rig.ok("ci-1", &["attest", "build", "--change", "shop/second", "--", "true"]);
    let ran = queue(&["record", "merge", CHANGE, "--change", "shop/second", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let json = ran.json();
    assert_eq!(json["branch"], "refs/heads/main");
    assert_eq!(json["changes"], serde_json::json!([CHANGE, "shop/second"]));
    for change in [CHANGE, "shop/second"] {
        let why = "and no closed id is planned again";
        rig.refuses("planner", &["plan", change, "--tier", "low", "--base", "main"], why);
    }
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", "gh-readonly-queue/main/pr-2-0"]);
    assert_eq!(audit(&rig, &[]), (0, vec!["accepted".to_owned()]));
    let ran = rig.by("stranger", &["audit", "--branch", "main", "--json"]);
    assert_eq!(ran.json()["commits"][0]["verdicts"].as_array().unwrap().len(), 2);
    whole(&rig);
}

#[test]
fn changes_are_found_by_trailer_evidence_and_other_parent() {
    let rig = low();
    let trailer = rig.ok("planner", &["plan", CHANGE, "--trailer"]).out;
    push(&rig, &["--squash"]);
    rig.git(&["commit", "-q", "-m", &format!("squashed\n\n{}", trailer.trim())]);
    assert_eq!(merged(&rig, &[])["changes"], serde_json::json!([CHANGE]));

    let rig = low();
    rig.git(&["checkout", "-q", "main"]);
    rig.commit("src/more.rs", "");
    push(&rig, &["--no-ff", "-m", "merge"]);
    // Found by its other parent's evidence, and refused: that was about another tree.
    refused(&rig, &[], &["E210"]);

    let rig = low();
    rig.ok("planner", &["plan", "shop/other", "--tier", "low"]);
    rig.ok("ci-1", &["attest", "build", "--change", "shop/other", "--", "true"]);
    squash(&rig);
    let ran = merge(&rig, &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("several changes have evidence about tree:"), "{ran:?}");
    merged(&rig, &[CHANGE]);

    let rig = Rig::new();
    fast_forward(&rig);
    let ran = merge(&rig, &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("no change is known"), "{ran:?}");
    let json = merged(&rig, &["--unverified"]);
    assert_eq!((&json["changes"], &json["unverified"]), (&serde_json::json!([]), &true.into()));
}

#[test]
fn trust_file_of_the_merged_tree_does_not_count() {
    let rig = low();
    fast_forward(&rig);
    let ran = merge(&rig, &["--trust", ".evidence/trust.toml"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("lies in the work tree"), "{ran:?}");
    std::fs::copy(rig.repo().join(".evidence/trust.toml"), rig.path("trust.toml")).unwrap();
    merged(&rig, &["--trust", "../trust.toml"]);
}

// What is closed.

#[test]
fn closed_change_is_not_planned_and_not_merged_again_and_its_evidence_goes_on() {
    let rig = low();
    fast_forward(&rig);
    let serial = merged(&rig, &[])["serial"].as_u64().unwrap();
    rig.refuses("planner", &["plan", CHANGE, "--tier", "low"], "is merged, and no closed id is planned again");
    let raise = ["plan", CHANGE, "--tier", "high", "--reason", "money"];
    rig.refuses("planner", &raise, "is merged, and no closed id is planned again");
    // The branch's next change has another id by itself.
    rig.git(&["checkout", "-q", "feature"]);
    let next = rig.ok("planner", &["plan", "--tier", "low", "--base", "main", "--json"]).json();
    assert_eq!(next["change"], "shop/feature-2");
    // A failure after the merge is the truth, too; the merge stays what it was.
    assert_eq!(rig.by("ci-1", &["attest", "build", "--change", CHANGE, "--", "false"]).code, 1);
    assert_eq!(audit(&rig, &[]), (0, vec!["accepted".to_owned()]));
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["commit", "-q", "--allow-empty", "-m", "again"]);
    let ran = merge(&rig, &[CHANGE]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains(&format!("is merged already, by record {serial}")), "{ran:?}");
}

#[test]
fn only_who_may_merge_closes_a_change_and_the_roots_may() {
    let rig = low();
    fast_forward(&rig);
    for who in ["planner", "agent", "reviewer", "stranger"] {
        let before = size(&rig);
        rig.refuses(who, &["record", "merge", CHANGE], "the signers may not merge here");
        rig.refuses(who, &["record", "merge", CHANGE, "--unverified"], "the signers may not merge here");
        assert_eq!(size(&rig), before);
    }
    let root = std::fs::read_dir(rig.path("config/evidence/repositories")).unwrap().next().unwrap().unwrap().path();
    rig.ok("owner", &["record", "merge", CHANGE, "--key", root.join("root.pem").to_str().unwrap()]);
}

#[test]
fn ledger_refuses_a_merge_by_the_wrong_hand_or_without_the_verdict_that_it_names() {
    let rig = low();
    let forge = Forge::of(&rig);
    let appender = forge.appender(forge.newest());
    let record = |who: &str, merge: Event| {
        let key = key(&rig, who);
        let signer = Signer { appender: &appender, keys: vec![&key] };
        let size = forge.ledger.read().unwrap().size();
        signer.merge_at(size, &oid(&rig, "HEAD"), &oid(&rig, "HEAD^{tree}"), merge)
    };
    let refusal = |refused: Result<_, AppendError>| match refused {
        Err(AppendError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refusal(record("planner", event(&[CHANGE], None))), Refusal::NotEntitled { .. }));
    assert!(matches!(refusal(record("ci-1", event(&["shop/none"], None))), Refusal::NoPlan(_)));
    let plan = forge.planned(&rig).plan;
    assert_eq!(refusal(record("ci-1", event(&[CHANGE], Some(plan)))), Refusal::Verdict(plan));
    rig.ok("ci-2", &["verify", "--record"]);
    let verdict = forge.ledger.read().unwrap().leaf(size(&rig) - 2).unwrap();
    assert_eq!(refusal(record("ci-1", event(&[CHANGE], Some(verdict)))), Refusal::Verdict(verdict));
    assert_eq!(refusal(record("ci-2", event(&[], Some(verdict)))), Refusal::Verdict(verdict));
    assert!(matches!(refusal(record("ci-2", event(&[CHANGE, "shop/x"], Some(verdict)))), Refusal::NoPlan(_)));
    record("ci-2", event(&[CHANGE], Some(verdict))).unwrap();
    assert!(matches!(refusal(record("ci-1", event(&[CHANGE], None))), Refusal::Merged { .. }));
    whole(&rig);
}

// Races.

#[test]
fn record_for_one_size_of_the_log_is_refused_at_another() {
    let rig = low();
    let forge = Forge::of(&rig);
    let appender = forge.appender(forge.newest());
    let judged = size(&rig);
    // Somebody else comes first, from another process.
    rig.fail("build");
    let key = key(&rig, "ci-1");
    let signer = Signer { appender: &appender, keys: vec![&key] };
    let (commit, tree) = (oid(&rig, "HEAD"), oid(&rig, "HEAD^{tree}"));
    let moved = signer.merge_at(judged, &commit, &tree, event(&[CHANGE], None));
    let found = size(&rig);
    match moved {
        Err(AppendError::Moved { expected, found: is }) => assert_eq!((expected, is), (judged, found)),
        other => panic!("{other:?}"),
    }
    assert_eq!(size(&rig), found);
    let receipt = signer.merge_at(found, &commit, &tree, event(&[CHANGE], None)).unwrap();
    assert_eq!(receipt.serial, found);
}

#[test]
fn records_for_one_size_are_not_pushed_off_it_by_others_of_their_batch() {
    let rig = low();
    let forge = Forge::of(&rig);
    let appender = forge.appender(forge.newest());
    let judged = size(&rig);
    let halt = |number: u8, who: &SecretKey| {
        let predicate = Predicate::Event(Event::Halt { reason: format!("incident {number}") });
        let origin = evidence_ledger::crypto::sha256(forge.ledger.origin().as_bytes());
        let mut binding = forge.binding(false, None);
        binding.nonce = format!("{number:032x}");
        let statement = Statement { subjects: vec![Subject::sha256("origin", origin)], binding, predicate };
        vec![Submission { envelope: Envelope::seal(statement.print().unwrap(), &[who]).unwrap() }]
    };
    let who = key(&rig, "agent");
    let places: Vec<Result<u64, u64>> = thread::scope(|scope| {
        let (appender, halt, who) = (&appender, &halt, &who);
        let one = |number: u8| {
            scope.spawn(move || match appender.append_at(judged, halt(number, who)) {
                Ok(receipts) => Ok(receipts[0].serial),
                Err(AppendError::Moved { found, .. }) => Err(found),
                Err(error) => panic!("{error}"),
            })
        };
        (0..4).map(one).collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // One of them has its place; the others have none.
    assert_eq!(places.iter().filter(|place| **place == Ok(judged)).count(), 1, "{places:?}");
    assert_eq!(places.iter().filter(|place| place.is_err()).count(), 3, "{places:?}");
    whole(&rig);
}

#[test]
fn failure_that_races_with_the_merge_comes_behind_it_or_refuses_it() {
    for _ in 0..3 {
        let rig = low();
        fast_forward(&rig);
        let place = &rig;
        let (merge, failure) = thread::scope(|scope| {
            let merge = scope.spawn(move || merge(place, &["--json"]));
            let words = ["attest", "build", "--change", CHANGE, "--json", "--", "false"];
            let failure = scope.spawn(move || place.by("ci-2", &words).code);
            (merge.join().unwrap(), failure.join().unwrap())
        });
        assert_eq!(failure, 1);
        match merge.code {
            0 => assert_eq!(audit(&rig, &[]), (0, vec!["accepted".to_owned()]), "{merge:?}"),
            1 => assert!(!rig.ok("ci-1", &["log"]).out.contains("event-merge"), "{merge:?}"),
            _ => panic!("{merge:?}"),
        }
        whole(&rig);
    }
}

// What shows for ever.

#[test]
fn unverified_merge_is_recorded_only_when_asked_for_and_shows_for_ever() {
    let rig = Rig::new();
    rig.plan("low");
    fast_forward(&rig);
    refused(&rig, &[CHANGE], &["E201"]);
    let json = merged(&rig, &[CHANGE, "--unverified"]);
    assert_eq!((&json["unverified"], &json["verdict"]), (&true.into(), &Value::Null));
    assert_eq!(merged(&rig, &["--unverified"])["already"], true);
    // Who asks for a merge with a verdict does not get this one.
    assert_eq!(merge(&rig, &[CHANGE]).code, 1);
    // Evidence that comes later makes it no other merge.
    rig.git(&["checkout", "-q", "feature"]);
    rig.ok("ci-1", &["attest", "build", "--change", CHANGE, "--", "true"]);
    let verdict = rig.verify_with(&[CHANGE]);
    verdict.accepted();
    assert!(verdict.limitations().contains(&"unverified-merge"), "{:#}", verdict.json);
    assert_eq!(audit(&rig, &[]), (1, vec!["unverified".to_owned()]));
    for words in [&["log"][..], &["log", "--change", CHANGE], &["show", CHANGE], &["show", "main"]] {
        let out = rig.ok("stranger", words).out;
        assert!(out.lines().any(|line| line.contains("event-merge") && line.contains("unverified")), "{words:?} {out}");
    }
    rig.ok("ci-1", &["export", CHANGE, "-o", "../change.zip"]);
    let ran = rig.by("stranger", &["audit", "../change.zip"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("unverified: without a verdict that accepts it"), "{ran:?}");
    // Its twin has a verdict, and no such limitation.
    let rig = low();
    fast_forward(&rig);
    merged(&rig, &[CHANGE, "--unverified"]);
    rig.git(&["checkout", "-q", "feature"]);
    let verdict = rig.verify_with(&[CHANGE]);
    assert!(!verdict.accepted().limitations().contains(&"unverified-merge"), "{:#}", verdict.json);
}

// The audit of a branch.

#[test]
fn commit_pushed_past_the_gate_is_listed_without_evidence() {
    let rig = low();
    fast_forward(&rig);
    merged(&rig, &[]);
    assert_eq!(audit(&rig, &[]), (0, vec!["accepted".to_owned()]));
    let tip = rig.git(&["rev-parse", "HEAD"]);
    rig.commit("src/backdoor.rs", "");
    let pushed = rig.git(&["rev-parse", "HEAD"]);
    assert_eq!(audit(&rig, &[]), (1, vec!["without-evidence".to_owned(), "accepted".to_owned()]));
    // A change that starts from it, or brings it in, does not cover it.
    rig.git(&["checkout", "-q", "-B", "feature"]);
    rig.commit("src/next.rs", "");
    rig.ok("planner", &["plan", "shop/next", "--tier", "low", "--base", &tip]);
    rig.ok("ci-1", &["attest", "build", "--change", "shop/next", "--", "true"]);
    push(&rig, &["--no-ff", "-m", "next"]);
    merged(&rig, &["shop/next"]);
    let states = ["accepted", "without-evidence", "accepted"].map(ToOwned::to_owned).to_vec();
    assert_eq!(audit(&rig, &[]), (1, states));
    let mut json = rig.by("stranger", &["audit", "--branch", "main", "--json"]).json();
    assert!(check_schema("branch-audit", &json).is_ok());
    json["commits"][0]["approved"] = true.into();
    assert!(check_schema("branch-audit", &json).is_err());
    let out = rig.by("stranger", &["audit", "--branch", "main"]).out;
    let line = out.lines().find(|line| line.contains(&pushed[..12])).unwrap();
    assert!(line.contains("without evidence"), "{out}");
    assert_eq!(audit(&rig, &["--range", &format!("{pushed}..main")]).0, 0);
    // It may be owned up to.
    merged(&rig, &["--commit", &pushed, "--unverified"]);
    let states = ["accepted", "unverified", "accepted"].map(ToOwned::to_owned).to_vec();
    assert_eq!(audit(&rig, &["--range", &format!("{tip}~1..main")]), (1, states));
}

#[test]
fn going_back_to_an_older_merge_past_the_gate_is_not_covered_by_it() {
    let rig = low();
    fast_forward(&rig);
    merged(&rig, &[]);
    rig.git(&["checkout", "-q", "-b", "next"]);
    rig.commit("src/next.rs", "");
    rig.ok("planner", &["plan", "shop/next", "--tier", "low"]);
    rig.ok("ci-1", &["attest", "build", "--", "true"]);
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", "next"]);
    merged(&rig, &[]);
    // An empty commit throws nothing away; one that goes back has the tree of the first merge, and no record of its own.
    rig.git(&["commit", "-q", "--allow-empty", "-m", "nothing"]);
    assert_eq!(audit(&rig, &[]), (0, vec!["accepted".to_owned(); 3]));
    rig.git(&["revert", "--no-edit", "HEAD~1"]);
    assert_eq!(rig.git(&["rev-parse", "HEAD^{tree}"]), rig.git(&["rev-parse", "feature^{tree}"]));
    let mut states = vec!["without-evidence".to_owned()];
    states.extend(vec!["accepted".to_owned(); 3]);
    assert_eq!(audit(&rig, &[]), (1, states));
    assert_eq!(audit(&rig, &["--range", "HEAD~1..HEAD"]).0, 1);
    assert_eq!(audit(&rig, &["--range", "HEAD~2..HEAD"]).0, 1);
    // Planned, shown and recorded it may go back.
    rig.git(&["reset", "-q", "--hard", "HEAD~2"]);
    rig.git(&["checkout", "-q", "-b", "back"]);
    rig.git(&["revert", "--no-edit", "HEAD"]);
    rig.ok("planner", &["plan", "shop/back", "--tier", "low", "--base", "main"]);
    rig.ok("ci-1", &["attest", "build", "--change", "shop/back", "--", "true"]);
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", "back"]);
    merged(&rig, &["shop/back"]);
    assert_eq!(audit(&rig, &[]), (0, vec!["accepted".to_owned(); 3]));
}

#[test]
fn merge_that_no_verdict_would_have_accepted_is_refused_by_the_audit() {
    let judged = |fails: bool| {
        let rig = low();
        rig.ok("ci-1", &["verify", "--record"]);
        let forge = Forge::of(&rig);
        let verdict = forge.ledger.read().unwrap().leaf(size(&rig) - 2).unwrap();
        if fails {
            rig.fail("build");
        }
        fast_forward(&rig);
        // Append takes the verdict's word; the audit does not.
        let subjects = vec![Subject::commit(oid(&rig, "HEAD")), Subject::Tree(oid(&rig, "HEAD^{tree}"))];
        let predicate = Predicate::Event(event(&[CHANGE], Some(verdict)));
        let statement = Statement { subjects, binding: forge.binding(false, None), predicate };
        forge.write(&statement, &[&key(&rig, "ci-1")], forge.newest());
        let ran = rig.by("stranger", &["audit", "--branch", "main"]);
        assert_eq!(ran.out.contains("E202 failed"), fails, "{ran:?}");
        audit(&rig, &[])
    };
    assert_eq!(judged(true), (1, vec!["refused".to_owned()]));
    assert_eq!(judged(false), (0, vec!["accepted".to_owned()]));
}

#[test]
fn merge_by_somebody_who_may_not_covers_nothing() {
    let recorded = |who: &str| {
        let rig = low();
        rig.ok(who, &["verify", "--record"]);
        let forge = Forge::of(&rig);
        let verdict = forge.ledger.read().unwrap().leaf(size(&rig) - 2).unwrap();
        fast_forward(&rig);
        let subjects = vec![Subject::commit(oid(&rig, "HEAD")), Subject::Tree(oid(&rig, "HEAD^{tree}"))];
        let predicate = Predicate::Event(event(&[CHANGE], Some(verdict)));
        let statement = Statement { subjects, binding: forge.binding(false, None), predicate };
        forge.write(&statement, &[&key(&rig, who)], forge.newest());
        audit(&rig, &[])
    };
    // Nor does a merge that somebody claims whose key was revoked say anything of the change.
    let rig = low();
    rig.key("gone");
    rig.grant("gone", "gone", "ci", &[]);
    rig.revoke("gone");
    for (who, said) in [("gone", false), ("ci-2", true)] {
        let forge = Forge::of(&rig);
        let write = |change: &str| {
            let subjects = vec![Subject::commit(oid(&rig, "HEAD")), Subject::Tree(oid(&rig, "HEAD^{tree}"))];
            let predicate = Predicate::Event(event(&[change], None));
            let statement = Statement { subjects, binding: forge.binding(false, None), predicate };
            forge.write(&statement, &[&key(&rig, who)], forge.newest());
        };
        write("shop/other");
        assert!(!rig.verify_with(&[CHANGE]).limitations().contains(&"unverified-merge"), "of another change");
        write(CHANGE);
        let verdict = rig.verify_with(&[CHANGE]);
        assert_eq!(verdict.limitations().contains(&"unverified-merge"), said, "{who}: {:#}", verdict.json);
    }
    assert_eq!(recorded("reviewer"), (1, vec!["refused".to_owned()]));
    assert_eq!(recorded("ci-2"), (0, vec!["accepted".to_owned()]));
}

#[test]
fn range_that_is_none_and_a_branch_without_merges_are_not_judged() {
    let rig = low();
    fast_forward(&rig);
    let audit = |words: &[&str]| rig.by("stranger", &[&["audit", "--branch", "main"], words].concat());
    for (words, why) in [
        (&[][..], "has a recorded merge"),
        (&["--range", "main"], "is no range"),
        (&["--range", "HEAD..HEAD"], "is not below"),
        (&["--range", "main..HEAD~1"], "is not below"),
    ] {
        let ran = audit(words);
        assert_eq!(ran.code, 2, "{words:?} {ran:?}");
        assert!(ran.err.contains(why), "{words:?} {ran:?}");
    }
    assert_eq!(audit(&["--range", "HEAD~1..HEAD"]).code, 1);
    merged(&rig, &[]);
    assert_eq!(audit(&["--range", "HEAD~1..HEAD"]).code, 0);
}
