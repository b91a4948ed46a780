//! What must not break a ledger that many share, and the way back where something did: wrong log keys, remotes that were taken back,
//! copies that took a bad head, and commands that are given again after they were killed.

mod common;
#[expect(dead_code, reason = "a part of the pen is enough here")]
#[path = "common/forge.rs"]
mod forge;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use common::team::{LEDGER_REF, Machine, Team};
use common::{Ran, Rig};
use evidence_ledger::append::AppendError;
use evidence_ledger::attest::Signer;
use evidence_ledger::crypto::{SecretKey, sha256};
use evidence_ledger::model::{Event, Predicate, Statement, Subject};
use evidence_ledger::prove::Trust;
use evidence_ledger::store::Ledger;
use forge::{Forge, key};

/// Runs the program with another log key.
fn with_log_key(machine: &Machine, who: &str, words: &[&str], key: &Path) -> Ran {
    Ran::of(machine.command(who, words).env("EVIDENCE_LOG_KEY", key).output().unwrap())
}

fn is_other_key(ran: &Ran, code: i32) {
    assert_eq!(ran.code, code, "{ran:?}");
    let wanted = "EVIDENCE_LOG_KEY is not the key of this ledger's log: it is evidence.local/";
    let said = format!("{}{}", ran.out, ran.err);
    assert!(said.contains(wanted) && said.contains(", wanted evidence.local/"), "{ran:?}");
    assert!(said.contains("put the log's own key there"), "{ran:?}");
}

/// Every file of a ledger's folder that is its truth.
fn truth(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let segments = fs::read_dir(folder.join("log")).unwrap().map(|entry| entry.unwrap().path());
    for path in segments.chain([folder.join("checkpoint"), folder.join("ledger.toml")]) {
        found.insert(path.display().to_string(), fs::read(&path).unwrap());
    }
    found
}

#[test]
fn wrong_log_key_moves_nothing_on_a_remote() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    let before = team.head();
    let own = team.path("keys/ci-1.pem");
    // A stranger's key, and the job's own: two secrets that were swapped.
    let ran = ci.ok("ci-1", &["key", "new", "other", "-o", "../other.pem"]);
    assert!(!ran.out.is_empty());
    let copied = truth(&ci.copy());
    for wrong in [&own, &ci.path("other.pem")] {
        is_other_key(&with_log_key(&ci, "ci-1", &["attest", "build", "--", "touch", "../ran"], wrong), 125);
        is_other_key(&with_log_key(&ci, "planner", &["plan", "shop/next", "--tier", "low"], wrong), 2);
        is_other_key(&with_log_key(&ci, "owner", &["record", "halt", "--reason", "a test"], wrong), 2);
        is_other_key(&with_log_key(&ci, "ci-1", &["attest", "build", "--json", "--", "touch", "../ran"], wrong), 125);
        is_other_key(&with_log_key(&ci, "owner", &["ledger", "close", "--reason", "a test"], wrong), 2);
        is_other_key(&with_log_key(&ci, "owner", &["ledger", "rotate", "-o", "../next.pem"], wrong), 2);
    }
    assert_eq!(team.head(), before);
    assert_eq!(truth(&ci.copy()), copied);
    assert!(!ci.path("ran").exists(), "the command did not run");
    // The log's own key appends, also beside another.
    let both = [fs::read_to_string(&own).unwrap(), fs::read_to_string(team.path("log.pem")).unwrap()].concat();
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    let attest = ["attest", "build", "--", "true"];
    let ran = Ran::of(ci.command("ci-1", &attest).env("EVIDENCE_LOG_KEY", both).output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_ne!(team.head(), before);
    let fresh = team.machine("fresh");
    fresh.ok("reviewer", &["ledger", "check"]);
}

#[test]
fn wrong_log_key_writes_nothing_into_a_folder() {
    let rig = Rig::new();
    rig.plan("low");
    let folder = rig.repo().join(".git/evidence");
    let before = truth(&folder);
    for words in [&["attest", "build", "--", "touch", "../ran"][..], &["record", "halt", "--reason", "a test"]] {
        let mut command = rig.command("ci-1", words);
        let ran = Ran::of(command.env("EVIDENCE_LOG_KEY", rig.key_path("ci-1")).output().unwrap());
        is_other_key(&ran, if words[0] == "attest" { 125 } else { 2 });
    }
    assert_eq!(truth(&folder), before);
    assert!(!rig.path("ran").exists());
    rig.pass("build");
    rig.verify().accepted();
    rig.ok("owner", &["ledger", "check"]);
}

#[test]
fn library_signs_no_head_under_a_wrong_log_key() {
    let rig = Rig::new();
    rig.plan("low");
    let right = Forge::of(&rig);
    let before = right.ledger.read().unwrap().checkpoint().unwrap();
    let ci = key(&rig, "ci-1");
    let halt = || Event::Halt { reason: "a test".to_owned() };
    let other = SecretKey::from_seed(b"EVIDENCE TEST KEY, NOT SECRET 55");
    let wrong = Forge { log_key: other, ..Forge::of(&rig) };
    let appender = wrong.appender(wrong.newest());
    let refused = Signer { appender: &appender, keys: vec![&ci] }.event(halt());
    assert!(matches!(refused, Err(AppendError::LogKey { .. })), "{refused:?}");
    assert_eq!(right.ledger.read().unwrap().checkpoint().unwrap(), before);
    let appender = right.appender(right.newest());
    Signer { appender: &appender, keys: vec![&ci] }.event(halt()).unwrap();
    assert_ne!(right.ledger.read().unwrap().checkpoint().unwrap(), before);
}

#[test]
fn log_key_that_was_retired_writes_nothing() {
    let rig = Rig::new();
    rig.plan("low");
    let old = rig.path("old.pem");
    fs::write(&old, Forge::of(&rig).log_key.to_pem().as_bytes()).unwrap();
    let folder = rig.repo().join(".git/evidence");
    let root = |words: &[&str]| {
        let mut command = rig.command("owner", words);
        let ran = Ran::of(command.env_remove("EVIDENCE_KEY").output().unwrap());
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
    };
    let attempt = || {
        let mut command = rig.command("ci-1", &["attest", "build", "--", "touch", "../ran"]);
        Ran::of(command.env("EVIDENCE_LOG_KEY", &old).output().unwrap())
    };
    root(&["ledger", "rotate"]);
    let before = truth(&folder);
    is_other_key(&attempt(), 125);
    assert_eq!(truth(&folder), before, "while both sign");
    root(&["ledger", "rotate", "--retire"]);
    rig.pass("build");
    let before = truth(&folder);
    is_other_key(&attempt(), 125);
    assert_eq!(truth(&folder), before, "when only the new one signs");
    assert!(!rig.path("ran").exists());
    rig.pass("build");
    rig.verify().accepted();
    rig.ok("owner", &["ledger", "check"]);
}

#[test]
fn copy_that_saw_more_gives_it_back_and_the_failure_with_it() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    let old = team.head();
    fs::write(ci.path("notes.txt"), "what was seen\n").unwrap();
    assert_eq!(ci.by("ci-1", &["attest", "build", "--attach", "../notes.txt", "--", "false"]).code, 1);
    let (size, newest) = (size(&ci), team.head());
    let bystander = team.machine("bystander");
    bystander.git(&["switch", "-q", "feature"]);
    bystander.verify("shop/feature").refused(&["E202"]);
    // The failure is to be forgotten, and what it rests on.
    team.git(&["update-ref", LEDGER_REF, &old]);
    team.git(&["-c", "gc.pruneExpire=now", "gc", "-q", "--prune=now"]);
    let ran = ci.by("ci-1", &["verify", "shop/feature"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("hint: evidence ledger restore gives back"), "{ran:?}");
    let restored = ci.ok("ci-1", &["ledger", "restore", "--json"]).json();
    assert_eq!((&restored["size"], &restored["restored"]), (&size.into(), &true.into()), "{restored}");
    assert_eq!(restored["missing"], serde_json::json!([]));
    assert_eq!(team.git(&["rev-parse", &format!("{LEDGER_REF}^1")]), old, "nothing was forced");
    assert_ne!(team.head(), newest);
    let fresh = team.machine("fresh");
    fresh.git(&["switch", "-q", "feature"]);
    for machine in [&ci, &bystander, &fresh] {
        machine.verify("shop/feature").refused(&["E202"]);
        let checked = machine.ok("reviewer", &["ledger", "check", "--json"]).json();
        assert_eq!((&checked["size"], &checked["missing"]), (&size.into(), &serde_json::json!([])));
    }
    // Again, there is nothing to do; a ref that is gone altogether comes back too.
    assert_eq!(ci.ok("ci-1", &["ledger", "restore", "--json"]).json()["restored"], false);
    team.git(&["update-ref", "-d", LEDGER_REF]);
    ci.ok("ci-1", &["ledger", "restore"]);
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    for machine in [&bystander, &fresh] {
        assert!(size < self::size(machine));
        machine.ok("reviewer", &["ledger", "check"]);
    }
}

#[test]
fn nothing_is_given_back_over_a_fork_or_over_rubbish() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    let base = team.head();
    assert_eq!(ci.by("ci-1", &["attest", "build", "--", "false"]).code, 1);
    team.git(&["update-ref", LEDGER_REF, &base]);
    // Somebody who had not seen the failure went on, by one record less.
    let accomplice = team.machine("accomplice");
    accomplice.git(&["switch", "-q", "feature"]);
    accomplice.ok("planner", &["plan", "shop/other", "--tier", "low"]);
    let forked = team.head();
    let ran = ci.by("ci-1", &["ledger", "restore"]);
    assert_eq!((ran.code, ran.err.matches("signed head:").count()), (3, 2), "{ran:?}");
    assert!(ran.err.contains("it was forked, and nothing is given back"), "{ran:?}");
    assert_eq!(team.head(), forked);
    // A head that no log key signed.
    let vandal = team.machine("vandal");
    vandal.git(&["fetch", "-q", "origin", LEDGER_REF]);
    vandal.git(&["switch", "-q", "--detach", "FETCH_HEAD"]);
    vandal.commit("checkpoint", "rubbish\n");
    vandal.git(&["push", "-q", "origin", &format!("HEAD:{LEDGER_REF}")]);
    let rubbish = team.head();
    let ran = ci.by("ci-1", &["ledger", "restore"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("is no ledger to believe"), "{ran:?}");
    assert_eq!(team.head(), rubbish);
}

#[test]
fn copy_that_took_a_bad_head_is_set_aside_and_nothing_is_forgotten_by_it() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    let before = team.head();
    // As a client that pushed first and looked after left it.
    let read = |path: &Path| SecretKey::from_pem(&fs::read_to_string(path).unwrap()).unwrap();
    let own = read(&team.path("keys/ci-1.pem"));
    let trust = Trust::parse(&fs::read_to_string(team.path("trust.toml")).unwrap()).unwrap();
    let spoilt = Forge { ledger: Ledger::open(&ci.copy()).unwrap(), trust, log_key: read(&team.path("keys/ci-2.pem")) };
    let halt = Predicate::Event(Event::Halt { reason: "a test".to_owned() });
    let subjects = vec![Subject::sha256("origin", sha256(spoilt.ledger.origin().as_bytes()))];
    let statement = Statement { subjects, binding: spoilt.binding(false, None), predicate: halt };
    spoilt.write(&statement, &[&own], spoilt.newest());
    let ran = ci.by("ci-1", &["verify", "shop/feature"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let folder = ci.copy();
    assert!(ran.err.contains("the head of the copy here is not to be believed"), "{ran:?}");
    assert!(
        ran.err.contains(&format!("evidence ledger forget sets the copy in {} aside", folder.display())),
        "{ran:?}"
    );
    let ran = ci.by("ci-1", &["ledger", "restore"]);
    assert_eq!(ran.code, 3, "nobody gets it from here: {ran:?}");
    assert_eq!(team.head(), before);
    let said = ci.ok("ci-1", &["ledger", "forget", "--json"]).json();
    let kept = said["kept"].as_str().unwrap().to_owned();
    assert!(Path::new(&kept).join("ledger.toml").exists() && !folder.exists());
    ci.verify("shop/feature").accepted();
    // Who sets a copy aside to be rid of what it saw is not: the config folder remembers.
    assert_eq!(ci.by("ci-1", &["attest", "build", "--", "false"]).code, 1);
    team.git(&["update-ref", LEDGER_REF, &before]);
    fs::remove_dir_all(kept).unwrap();
    ci.ok("ci-1", &["ledger", "forget"]);
    let ran = ci.by("ci-1", &["verify", "shop/feature"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("remembers"), "{ran:?}");
}

#[test]
fn ledger_in_a_folder_is_no_copy_to_be_forgotten() {
    let rig = Rig::new();
    rig.plan("low");
    let before = truth(&rig.repo().join(".git/evidence"));
    for word in ["forget", "restore"] {
        let ran = rig.by("owner", &["ledger", word]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("is the ledger itself, and no copy"), "{ran:?}");
    }
    assert_eq!(truth(&rig.repo().join(".git/evidence")), before);
}

fn size(machine: &Machine) -> u64 {
    machine.ok("reviewer", &["ledger", "check", "--json"]).json()["size"].as_u64().unwrap()
}

#[test]
fn act_that_is_given_again_is_recorded_once() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.git(&["switch", "-q", "-c", "feature", "origin/main"]);
    ci.commit("src/two.rs", "two\n");
    ci.ok("owner", &["key", "new", "new-ci", "-o", "../new-ci.pem"]);
    let plan = ["plan", "shop/feature", "--tier", "low", "--implementer", "agent"];
    let grant = ["key", "grant", "../new-ci.pem", "--principal", "ci-3", "--role", "ci", "--until", "30d"];
    let halt = ["record", "halt", "--reason", "a leak"];
    // The remote takes each push, and whoever sent it is killed before it is told.
    hook(&team, "touch landed; sleep 3");
    for (who, words) in [("planner", &plan[..]), ("owner", &grant), ("ci-1", &halt)] {
        let mut command = ci.command(who, words);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        common::wait_for(&team.remote().join("landed"));
        child.kill().unwrap();
        child.wait().unwrap();
        fs::remove_file(team.remote().join("landed")).unwrap();
    }
    fs::remove_file(team.remote().join("hooks/post-receive")).unwrap();
    let before = size(&ci);
    for (who, words) in [("planner", &plan[..]), ("owner", &grant), ("ci-1", &halt)] {
        let ran = ci.ok(who, words);
        assert!(ran.out.contains(" was there already: "), "{ran:?}");
        let again = ci.ok(who, &[words, &["--json"]].concat()).json();
        assert_eq!(again["already"], true, "{again}");
    }
    assert_eq!(size(&ci), before, "nothing is doubled");
    let keys = ci.ok("owner", &["key", "list", "--json"]).json();
    assert_eq!(keys["keys"].as_array().unwrap().iter().filter(|key| key["principal"] == "ci-3").count(), 1);
    assert!(ci.verify("shop/feature").codes().contains(&"E301"));
}

#[test]
fn act_that_is_another_or_not_in_effect_is_recorded() {
    let rig = Rig::new();
    let recorded = |who: &str, words: &[&str]| {
        let json = rig.ok(who, &[words, &["--json"]].concat()).json();
        assert!(json["already"].is_boolean(), "{json}");
        json["already"] == false
    };
    rig.key("new-ci");
    let key = rig.key_path("new-ci").display().to_string();
    let grant = |more: &[&str]| {
        let words = ["key", "grant", &key, "--principal", "ci-3", "--role", "ci"];
        [&words, more].concat().iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let granted = |more: &[&str]| {
        let words = grant(more);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        recorded("owner", &words)
    };
    assert!(granted(&["--until", "1h"]) && !granted(&["--until", "1h"]));
    assert!(granted(&["--until", "30d"]), "it is to last longer");
    assert!(granted(&[]) && granted(&["--role", "reviewer"]) && !granted(&[]));
    rig.revoke("new-ci");
    let words = grant(&[]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(rig.by("owner", &words).code, 1, "what ended is not there");
    // A halt that was lifted, of another reason, or by another key is another.
    let halt = ["record", "halt", "--reason", "a leak"];
    assert!(recorded("ci-1", &halt) && !recorded("ci-1", &halt) && recorded("reviewer", &halt));
    assert!(recorded("ci-1", &["record", "halt", "--reason", "another"]));
    rig.ok("owner", &["record", "resume", "--reason", "mended"]);
    assert!(!recorded("owner", &["record", "resume", "--reason", "mended"]));
    assert!(recorded("ci-1", &halt));
    rig.ok("owner", &["record", "resume", "--reason", "mended"]);
    // A plan of another tier, or by somebody else, is refused as ever.
    let plan = ["plan", common::CHANGE, "--tier", "low"];
    assert!(recorded("planner", &plan) && !recorded("planner", &plan));
    rig.refuses("planner", &["plan", common::CHANGE, "--tier", "medium"], "is planned already");
    rig.refuses("planner", &["plan", common::CHANGE, "--tier", "low", "--implementer", "agent"], "is planned already");
    rig.refuses("owner", &plan, "is planned already");
    let raise = ["plan", common::CHANGE, "--tier", "medium", "--reason", "it touches more"];
    assert!(recorded("planner", &raise) && !recorded("planner", &raise));
    rig.ok("owner", &["ledger", "check"]);
}

/// A hook of the remote that runs once it has taken a push.
fn hook(team: &Team, script: &str) {
    let path = team.remote().join("hooks/post-receive");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A change whose commit was squashed into `main`, and whose branch is gone; returns the judged commit.
fn squashed(team: &Team, ci: &Machine) -> String {
    let judged = ci.begin("feature", "low");
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    ci.git(&["switch", "-q", "-c", "main-here", "origin/main"]);
    ci.git(&["merge", "-q", "--squash", "feature"]);
    ci.git(&["commit", "-q", "-m", "squashed"]);
    ci.git(&["push", "-q", "origin", "HEAD:main"]);
    let merge = ["record", "merge", "shop/feature", "--branch", "main", "--commit", "HEAD", "--json"];
    let merged = ci.ok("ci-1", &merge).json();
    assert_eq!(merged["kept"], serde_json::json!([judged]), "{merged}");
    ci.git(&["push", "-q", "origin", ":feature"]);
    team.git(&["-c", "gc.pruneExpire=now", "gc", "-q", "--prune=now"]);
    judged
}

fn audited(machine: &Machine) -> Ran {
    machine.by("reviewer", &["audit", "--branch", "main", "--range", "HEAD~1..origin/main"])
}

#[test]
fn squash_is_audited_by_a_fresh_clone_once_its_branch_is_gone() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    let judged = squashed(&team, &ci);
    let auditor = team.machine("auditor");
    let ran = audited(&auditor);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("accepted: refs/heads/main at"), "{ran:?}");
    let name = format!("refs/evidence/commits/{judged}");
    assert_eq!(team.git(&["for-each-ref", "--format=%(refname)", "refs/evidence/commits"]), name);
    // What was merged by a commit of its own needs none.
    ci.begin("other", "low");
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    ci.git(&["push", "-q", "origin", "HEAD:main"]);
    let merge = ["record", "merge", "shop/other", "--branch", "main", "--commit", "HEAD", "--json"];
    assert_eq!(ci.ok("ci-1", &merge).json()["kept"], serde_json::json!([]));
}

#[test]
fn judged_commit_that_is_gone_or_swapped_is_not_judged() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    let judged = squashed(&team, &ci);
    let name = format!("refs/evidence/commits/{judged}");
    // Another commit under its name is another commit.
    team.git(&["update-ref", &name, "refs/heads/main"]);
    team.git(&["-c", "gc.pruneExpire=now", "gc", "-q", "--prune=now"]);
    for step in ["swapped", "gone"] {
        let ran = audited(&team.machine(step));
        assert_eq!(ran.code, 2, "{step}: {ran:?}");
        assert!(ran.out.contains(&format!("is not in this clone: git fetch origin {name}")), "{step}: {ran:?}");
        team.git(&["update-ref", "-d", &name]);
    }
    // Whoever recorded the merge still has it, and can give it back.
    ci.git(&["push", "-q", "origin", &name]);
    assert_eq!(audited(&team.machine("late")).code, 0);
}

#[test]
fn merge_is_recorded_where_the_remote_keeps_no_commits() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    let script =
        "while read old new name; do case $name in refs/evidence/commits/*) echo not here >&2; exit 1;; esac; done";
    let path = team.remote().join("hooks/pre-receive");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let judged = ci.begin("feature", "low");
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    ci.git(&["switch", "-q", "-c", "main-here", "origin/main"]);
    ci.git(&["merge", "-q", "--squash", "feature"]);
    ci.git(&["commit", "-q", "-m", "squashed"]);
    let ran = ci.ok("ci-1", &["record", "merge", "shop/feature", "--branch", "main", "--commit", "HEAD"]);
    assert!(
        ran.err.contains("does not accept a push to refs/evidence/commits/") && ran.err.contains("(not here)"),
        "{ran:?}"
    );
    assert!(ran.err.contains(&format!("hint: git push origin refs/evidence/commits/{judged}")), "{ran:?}");
}

#[test]
fn ledger_on_a_remote_is_called_by_its_remote() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    team.git(&["init", "-q", "--bare", "-b", "main", "../second.git"]);
    ci.git(&["clone", "-q", "../../second.git", "../second"]);
    let second = ci.path("second");
    fs::write(second.join("one.txt"), "one\n").unwrap();
    let git = second.to_str().unwrap();
    ci.git(&["-C", git, "add", "-A"]);
    ci.git(&["-C", git, "-c", "user.name=agent", "-c", "user.email=agent@example.org", "commit", "-q", "-m", "start"]);
    let mut command = ci.command("owner", &["init", "--repository", "second", "--principal", "owner"]);
    for name in ["EVIDENCE_KEY", "EVIDENCE_TRUST", "EVIDENCE_LOG_KEY"] {
        command.env_remove(name);
    }
    let ran = Ran::of(command.current_dir(&second).output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("ledger   git:origin#refs/evidence/ledger\n"), "{ran:?}");
    // The word is one that names it.
    let mut command = ci.command("owner", &["ledger", "check"]);
    for name in ["EVIDENCE_KEY", "EVIDENCE_TRUST", "EVIDENCE_LOG_KEY"] {
        command.env_remove(name);
    }
    command.env("EVIDENCE_LEDGER", "git:origin#refs/evidence/ledger");
    let ran = Ran::of(command.current_dir(&second).output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
}
