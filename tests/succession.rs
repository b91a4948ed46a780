//! What the roots say of the log itself: other roots, another log key, an end, and the log that goes on.

mod common;
#[expect(dead_code, reason = "a part of the pen is enough here")]
#[path = "common/forge.rs"]
mod forge;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use common::team::{LEDGER_REF, Machine, Team};
use common::{CHANGE, Ran, Rig};
use evidence_ledger::crypto::{NoteKey, SecretKey, sha256};
use evidence_ledger::model::{Authority, Predicate, Statement, Subject};
use evidence_ledger::prove::Trust;
use evidence_ledger::store::Ledger;
use forge::{Forge, grant, key};
use serde_json::Value;

#[test]
fn both_keys_sign_until_the_old_one_is_retired() {
    let rig = planned();
    let old = trust_file(&rig);
    root_acts(&rig, &["ledger", "rotate"]);
    rig.pass("build");
    fs::write(rig.path("old.toml"), &old).unwrap();
    let by_old = ["verify", "--json", "--trust", "../old.toml"];
    assert_eq!(rig.by("stranger", &by_old).code, 0, "those who have not heard of it are not shut out");
    rig.verify().accepted();
    root_acts(&rig, &["ledger", "rotate", "--retire"]);
    rig.pass("build");
    rig.verify().accepted();
    rig.ok("owner", &["ledger", "check"]);
    let unheard = rig.by("stranger", &by_old);
    assert_eq!(unheard.code, 2, "{unheard:?}");
    assert!(
        unheard.err.contains("evidence ledger trust") || unheard.out.contains("evidence ledger trust"),
        "{unheard:?}"
    );
    let followed = rig.ok("owner", &["ledger", "trust"]).out;
    fs::write(rig.path("new.toml"), followed).unwrap();
    assert_eq!(rig.by("stranger", &["verify", "--trust", "../new.toml"]).code, 0);
    assert_eq!(rig.by("owner", &["ledger", "rotate", "--retire"]).code, 2, "there is nothing left to retire");
}

#[test]
fn head_that_only_the_old_key_signs() {
    let rig = planned();
    let thief = Forge::of(&rig);
    root_acts(&rig, &["ledger", "rotate"]);
    rig.verify().accepted();
    let old = thief.trust.print();
    thief.about(&rig, "ci-1", forge::start("build"));
    fs::write(rig.path("old.toml"), old).unwrap();
    for trust in [&["--trust", "../old.toml"][..], &[]] {
        let ran = rig.by("stranger", &[&["verify", "--json"], trust].concat());
        if trust.is_empty() {
            assert_eq!(ran.code, 2, "the followed trust file believes the old key no longer: {ran:?}");
        } else {
            common::Verdict::of(ran).refused(&["E204", "E312"]);
        }
    }
    assert_eq!(rig.by("owner", &["ledger", "check", "--trust", "../old.toml"]).code, 3);
}

#[test]
fn appender_without_the_new_key_is_refused() {
    let rig = planned();
    let before = Forge::of(&rig);
    root_acts(&rig, &["ledger", "rotate"]);
    let old = rig.path("old.pem");
    fs::write(&old, before.log_key.to_pem().as_bytes()).unwrap();
    let attest = ["attest", "build", "--", "true"];
    let ran = Ran::of(rig.command("ci-1", &attest).env("EVIDENCE_LOG_KEY", &old).output().unwrap());
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.err.contains("EVIDENCE_LOG_KEY is not the key of this ledger's log"), "{ran:?}");
    let both =
        [fs::read_to_string(&old).unwrap(), fs::read_to_string(log_folder(&rig).join("log.pem")).unwrap()].concat();
    let ran = Ran::of(rig.command("ci-1", &attest).env("EVIDENCE_LOG_KEY", both).output().unwrap());
    assert_eq!(ran.code, 0, "a variable may hold both: {ran:?}");
}

#[test]
fn log_key_that_no_root_gave_counts_nothing() {
    let rig = planned();
    let forge = Forge::of(&rig);
    let (serial, _) = forge.write(&log_key(&forge, 0), &[&key(&rig, "owner")], forge.newest());
    assert!(serial > 0);
    rig.verify().accepted();
    forge.write(&log_key(&forge, 0), &[&key(&rig, "root")], forge.newest());
    rig.verify().refused(&["E312"]);
}

#[test]
fn log_key_is_changed_by_roots_alone() {
    let rig = planned();
    let ran = rig.refuses("ci-1", &["ledger", "rotate"], "may not change the log's key");
    assert!(ran.err.contains("1 of the roots"), "{ran:?}");
    assert!(!log_folder(&rig).join("log.next.pem").exists(), "a key that came to nothing is not left");
    rig.ok("owner", &["ledger", "check"]);
    root_acts(&rig, &["ledger", "rotate"]);
}

#[test]
fn roots_change_by_the_threshold_of_those_before() {
    let rig = planned();
    for name in ["one", "two", "three"] {
        rig.key(name);
    }
    let [one, two, three] = ["one", "two", "three"].map(|name| rig.key_path(name).display().to_string());
    rig.refuses("ci-1", &["key", "root", &one, "--threshold", "1"], "may not change the roots");
    root_acts(&rig, &["key", "root", &one, &two, &three, "--threshold", "2"]);
    // The policy's roles act on as they did, what the old root granted lasts, and verifiers follow by the trust file they have.
    rig.pass("build");
    rig.verify().accepted();
    let again = ["key", "root", &one, "--threshold", "1"];
    rig.refuses("owner", &[&again[..], &["--key", root(&rig).to_str().unwrap()]].concat(), "is no root");
    rig.refuses("owner", &[&again[..], &["--key", &one]].concat(), "may not change the roots");
    let two_of_them = ["--key", &one, "--key", &three];
    for unfit in [["key", "root", &one, &one, "--threshold", "1"], ["key", "root", &one, &two, "--threshold", "3"]] {
        let ran = rig.by("owner", &[&unfit[..], &two_of_them[..]].concat());
        assert!(ran.code == 2 && ran.err.contains("distinct"), "{ran:?}");
    }
    rig.ok("owner", &[&again[..], &two_of_them].concat());
    rig.ok("owner", &["ledger", "check"]);
    rig.ok("stranger", &["export", "-o", "../roots.zip"]);
    rig.ok("stranger", &["audit", "../roots.zip", "--trust", ".evidence/trust.toml"]);
}

#[test]
fn roots_that_too_few_signed_in_counts_nothing() {
    for (who, counts) in [("ci-1", false), ("root", true)] {
        let rig = Rig::new();
        rig.plan("low");
        let forge = Forge::of(&rig);
        let thief = SecretKey::from_seed(&[0x61; 32]);
        let new = Authority::Root { keys: vec![thief.public().to_string()], threshold: 1 };
        let subjects = vec![Subject::sha256("key", thief.public().spki_sha256())];
        forge.write(&of_log(&forge, subjects, new), &[&key(&rig, who)], forge.newest());
        pass_by_newcomer(&rig, &forge, &thief);
        if counts {
            rig.verify().accepted();
        } else {
            rig.verify().refused(&["E201"]);
        }
    }
}

/// Lets somebody grant the role of the only gate to a newcomer, who says that it passed.
fn pass_by_newcomer(rig: &Rig, forge: &Forge, granter: &SecretKey) {
    let newcomer = SecretKey::from_seed(&[0x62; 32]);
    let subjects = vec![Subject::sha256("key", newcomer.public().spki_sha256())];
    let predicate = Predicate::Authority(Authority::Grant(grant(&newcomer, "newcomer", "ci")));
    let statement = Statement { subjects, binding: forge.binding(false, None), predicate };
    forge.write(&statement, &[granter], forge.newest());
    let plan = forge.planned(rig).plan;
    let started = forge.statement(rig, plan, forge::start("build"));
    let (_, leaf) = forge.write(&started, &[&newcomer], forge.newest());
    let result = forge.statement(rig, plan, Predicate::Result(forge::passed(rig, "build", leaf)));
    forge.write(&result, &[&newcomer], forge.newest());
}

#[test]
fn revoked_root_changes_nothing_and_a_retired_one_is_not_revoked() {
    let rig = planned();
    let root_path = root(&rig);
    let public = root_path.display().to_string();
    rig.key("one");
    let one = rig.key_path("one").display().to_string();
    root_acts(&rig, &["key", "root", &one, "--threshold", "1"]);
    rig.verify().accepted();
    rig.ok("owner", &["key", "revoke", &public, "--reason", "stolen", "--key", &one]);
    let verdict = rig.verify();
    assert_eq!(verdict.code, 1, "what a revoked root granted has ended: {:#}", verdict.json);
}

#[test]
fn closed_log_takes_nothing_and_lets_nothing_stand_behind_its_end() {
    let rig = planned();
    rig.ok("stranger", &["export", "-o", "../open.zip"]);
    rig.refuses("ci-1", &["ledger", "close", "--reason", "why"], "may not close the log");
    let said = root_acts(&rig, &["ledger", "close", "--reason", "full", "--json"]).json();
    let last = said["serial"].as_u64().unwrap();
    assert_eq!(said["size"].as_u64(), Some(last + 2));
    rig.verify().refused(&["E313"]);
    assert_eq!(rig.by("ci-1", &["attest", "build", "--", "true"]).code, 125);
    assert_eq!(
        rig.by("owner", &["ledger", "close", "--reason", "again", "--key", root(&rig).to_str().unwrap()]).code,
        1
    );
    rig.ok("stranger", &["export", "-o", "../closed.zip"]);
    for bundle in ["../open.zip", "../closed.zip"] {
        rig.ok("stranger", &["audit", bundle, "--trust", ".evidence/trust.toml"]);
    }
    rig.ok("owner", &["ledger", "check"]);
    // Its operator goes on all the same.
    let forge = Forge::of(&rig);
    forge.about(&rig, "ci-1", forge::start("build"));
    rig.ok("stranger", &["export", "-o", "../behind.zip", "--trust", ".evidence/trust.toml"]);
    let ran = rig.by("stranger", &["audit", "../behind.zip", "--trust", ".evidence/trust.toml"]);
    assert!(ran.code == 1 && ran.out.contains("E313 closed-ledger"), "{ran:?}");
    assert_eq!(rig.by("owner", &["ledger", "check", "--trust", ".evidence/trust.toml"]).code, 3);
}

#[test]
fn next_log_goes_on_with_policy_and_grants() {
    let rig = planned();
    let before = Forge::of(&rig);
    let size = root_acts(&rig, &["ledger", "close", "--reason", "full", "--next", "--json"]).json()["size"].as_u64();
    let folder = rig.repo().join(".git/evidence");
    let next = Ledger::open(&folder).unwrap();
    assert_ne!(next.origin(), before.ledger.origin());
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--implementer", "agent"]);
    assert_eq!(rig.verify().code, 1, "nothing of the closed log helps in the next");
    rig.pass("build");
    rig.verify().accepted();
    rig.ok("owner", &["ledger", "check"]);
    let first: Vec<String> = rig.ok("owner", &["log"]).out.lines().rev().take(1).map(ToOwned::to_owned).collect();
    assert!(first[0].contains("authority-genesis") && first[0].contains(&size.unwrap().to_string()), "{first:?}");
    let name = format!("evidence-{}", &sha256(before.ledger.origin().as_bytes()).to_string()[..8]);
    let kept = rig.repo().join(".git").join(name);
    rig.ok("owner", &["ledger", "check", "--ledger", kept.to_str().unwrap()]);
    // A trust file that ends the closed log further on does not believe the next one.
    let trust = rig.ok("owner", &["ledger", "trust"]).out;
    let to = format!("to_size = {}", size.unwrap());
    assert!(trust.contains(&to), "{trust}");
    fs::write(rig.path("further.toml"), trust.replace(&to, &format!("to_size = {}", size.unwrap() + 1))).unwrap();
    let ran = rig.by("stranger", &["verify", "--json", "--trust", "../further.toml"]);
    common::Verdict::of(ran).refused(&["E313"]);
}

/// A clone that uses another ledger than the team's first: what names it, its trust file and its log key.
fn command_in(next: &Value, machine: &Machine, who: &str, words: &[&str]) -> std::process::Command {
    let trust = machine.path("next.toml");
    fs::write(&trust, next["trust"].as_str().unwrap()).unwrap();
    let mut command = machine.command(who, words);
    command.env("EVIDENCE_LEDGER", next["ledger"].as_str().unwrap()).env("EVIDENCE_TRUST", trust);
    command.env("EVIDENCE_LOG_KEY", next["logKey"].as_str().unwrap());
    command
}

fn ok_in(next: &Value, machine: &Machine, who: &str, words: &[&str]) -> Ran {
    let ran = Ran::of(command_in(next, machine, who, words).output().unwrap());
    assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
    ran
}

const CLOSE: [&str; 6] = ["ledger", "close", "--reason", "full", "--next", "--json"];

#[test]
fn log_on_a_remote_goes_on_under_another_ref_and_so_does_another_clone() {
    let team = Team::new();
    let (founder, other) = (team.machine("founder"), team.machine("other"));
    other.begin("feature", "low");
    other.ok("ci-1", &["attest", "build", "--", "true"]);
    other.ok("ci-1", &["ledger", "anchor"]);
    let ran = founder.by("ci-1", &CLOSE);
    assert!(ran.code == 1 && ran.out.contains("may not close the log"), "{ran:?}");
    other.verify(CHANGE).accepted();
    let closed = founder.ok("root", &CLOSE).json();
    let next = &closed["next"];
    assert_eq!(next["ledger"], format!("git:origin#{LEDGER_REF}-2"));
    assert_eq!(founder.git(&["config", "evidence.ledger"]), format!("git:origin#{LEDGER_REF}-2"));
    // One batch holds all that the new log begins with.
    let batches = team.git(&["ls-tree", "-r", "--name-only", &format!("{LEDGER_REF}-2"), "log"]);
    assert_eq!(batches, "log/00/00/00/00/00");
    // Whoever has not heard of it is refused and appends nothing.
    let before = team.head();
    other.verify(CHANGE).refused(&["E313"]);
    assert_eq!(other.by("ci-1", &["attest", "build", "--", "sh", "-c", ": > ../ran"]).code, 125);
    assert!(!other.path("ran").exists());
    assert_eq!(team.head(), before);
    // Whoever has goes on: policy and grants are there, evidence is not.
    let refused = Ran::of(command_in(next, &other, "reviewer", &["verify", CHANGE, "--json"]).output().unwrap());
    assert_eq!(refused.code, 1, "{refused:?}");
    ok_in(next, &other, "planner", &["plan", CHANGE, "--tier", "low", "--implementer", "agent"]);
    ok_in(next, &other, "ci-1", &["attest", "build", "--", "true"]);
    ok_in(next, &other, "reviewer", &["verify", CHANGE]);
    ok_in(next, &other, "ci-1", &["ledger", "anchor"]);
    ok_in(next, &founder, "reviewer", &["ledger", "check"]);
    let log = ok_in(next, &founder, "reviewer", &["log", "--limit", "1000"]).out;
    let first = log.lines().last().unwrap();
    let size = closed["size"].as_u64().unwrap();
    assert!(first.contains("authority-genesis") && first.contains(&size.to_string()), "{log}");
    // The closed one can be read and closed no further.
    founder.ok("reviewer", &["ledger", "check"]);
    let ran = founder.by("root", &["ledger", "close", "--reason", "again"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    // It, too, goes on one day.
    let words = ["ledger", "close", "--reason", "full", "--next", "--json"];
    let third = ok_in(next, &founder, "root", &words).json();
    assert_eq!(third["next"]["ledger"], format!("git:origin#{LEDGER_REF}-3"));
    ok_in(&third["next"], &other, "planner", &["plan", CHANGE, "--tier", "low", "--implementer", "agent"]);
}

#[test]
fn log_on_a_remote_is_not_closed_where_the_next_has_no_place() {
    let team = Team::new();
    let founder = team.machine("founder");
    let size = founder.ok("owner", &["ledger", "check", "--json"]).json()["size"].clone();
    team.git(&["update-ref", "refs/evidence/taken", LEDGER_REF]);
    for (reference, told) in
        [("refs/evidence/taken", "is taken"), (LEDGER_REF, "has the closed ledger"), ("taken", "names no ref")]
    {
        let ran = founder.by("root", &[&CLOSE[..], &["--ref", reference]].concat());
        assert!(ran.code == 2 && (ran.err.contains(told) || ran.out.contains(told)), "{reference}: {ran:?}");
    }
    assert_eq!(founder.ok("owner", &["ledger", "check", "--json"]).json()["size"], size);
    let next = founder.ok("root", &[&CLOSE[..], &["--ref", "refs/heads/evidence"]].concat()).json()["next"].clone();
    assert_eq!(next["ledger"], "git:origin#refs/heads/evidence");
    let rig = Rig::new();
    let ran = rig.by("owner", &[&CLOSE[..], &["--ref", "refs/evidence/next"]].concat());
    assert!(ran.code == 2 && ran.out.contains("lies in a folder"), "{ran:?}");
}

#[test]
fn going_on_that_was_interrupted_goes_on_with_the_same_log() {
    let team = Team::new();
    let founder = team.machine("founder");
    let hook = |name: &str, script: &str| {
        let path = team.remote().join("hooks").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    founder.begin("feature", "low");
    founder.ok("ci-1", &["attest", "build", "--", "true"]);
    // The log is closed, and the next one is not let in.
    hook("update", &format!("test $1 = {LEDGER_REF}"));
    let ran = founder.by("root", &CLOSE);
    assert_eq!(ran.code, 2, "{ran:?}");
    founder.verify(CHANGE).refused(&["E313"]);
    fs::remove_file(team.remote().join("hooks/update")).unwrap();
    // It gets in, and whoever pushed it does not come to its end.
    let memory = fs::read_dir(founder.path("config/evidence/repositories")).unwrap().next().unwrap().unwrap().path();
    let plan = memory.join("trust.next.toml");
    hook("post-receive", &format!("cp {} {}", plan.display(), founder.path("plan").display()));
    let next = founder.ok("root", &CLOSE).json()["next"].clone();
    assert!(!plan.exists());
    let head = team.git(&["rev-parse", &format!("{LEDGER_REF}-2")]);
    fs::rename(founder.path("plan"), &plan).unwrap();
    fs::remove_dir_all(founder.repo().join(".git/evidence-remotes")).unwrap();
    assert_eq!(founder.ok("root", &CLOSE).json()["next"], next);
    assert_eq!(team.git(&["rev-parse", &format!("{LEDGER_REF}-2")]), head);
    assert_eq!(fs::read_dir(founder.path("config/evidence/ledgers")).unwrap().count(), 1);
    // Done once, it is not done again.
    let ran = founder.by("root", &CLOSE);
    assert!(ran.code == 2 && ran.out.contains("is taken"), "{ran:?}");
    ok_in(&next, &founder, "planner", &["plan", "shop/any", "--tier", "low"]);
}

#[test]
fn genesis_stands_first_or_not_at_all() {
    let rig = planned();
    let forge = Forge::of(&rig);
    let appender = forge.appender(forge.newest());
    let root = key(&rig, "root");
    let signer = evidence_ledger::attest::Signer { appender: &appender, keys: vec![&root] };
    let head = evidence_ledger::merkle::Checkpoint {
        origin: "evidence.local/elsewhere".to_owned(),
        size: 7,
        root: sha256(b"a root"),
    };
    let error = signer.go_on(&head, None, Vec::new()).unwrap_err().to_string();
    assert!(error.contains("only a log's first record"), "{error}");
    let empty = Forge::empty(&rig);
    let appender = empty.appender(forge.newest());
    let signer = evidence_ledger::attest::Signer { appender: &appender, keys: vec![&root] };
    assert_eq!(signer.go_on(&head, None, Vec::new()).unwrap().serial, 0);
}

fn planned() -> Rig {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    rig.verify().accepted();
    rig
}

/// Signs with the root that `init` made, which is found without being named.
fn root_acts(rig: &Rig, words: &[&str]) -> Ran {
    rig.ok("owner", words)
}

fn root(rig: &Rig) -> PathBuf {
    let mut remembered = fs::read_dir(rig.path("config/evidence/repositories")).unwrap();
    remembered.next().unwrap().unwrap().path().join("root.pem")
}

fn trust_file(rig: &Rig) -> String {
    let text = fs::read_to_string(rig.repo().join(".evidence/trust.toml")).unwrap();
    assert!(Trust::parse(&text).is_ok());
    text
}

fn log_folder(rig: &Rig) -> PathBuf {
    let origin = Forge::of(rig).ledger.origin().replace('/', "_");
    rig.path("config/evidence/ledgers").join(origin)
}

fn log_key(forge: &Forge, from_size: u64) -> Statement {
    let new = SecretKey::from_seed(&[0x60; 32]);
    let vkey = NoteKey::new(forge.ledger.origin(), new.public()).unwrap();
    let subjects = vec![Subject::sha256("key", new.public().spki_sha256())];
    of_log(forge, subjects, Authority::LedgerKey { vkey: vkey.to_string(), from_size })
}

fn of_log(forge: &Forge, subjects: Vec<Subject>, authority: Authority) -> Statement {
    Statement { subjects, binding: forge.binding(false, None), predicate: Predicate::Authority(authority) }
}
