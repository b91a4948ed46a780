//! A ledger under a ref of a git remote: many machines, one order; and remotes that refuse, hang, or go back.

mod common;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use common::team::{LEDGER_REF, Machine, Team};
use common::{Ran, Rig, junit};
use serde_json::Value;

/// A hook of the remote.
fn hook(team: &Team, name: &str, script: &str) {
    let path = team.remote().join("hooks").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn results(machine: &Machine) -> usize {
    let log = machine.ok("ci-1", &["log", "--limit", "1000", "--json"]);
    log.json()["records"].as_array().unwrap().iter().filter(|record| record["kind"] == "result").count()
}

fn heads(ran: &Ran) -> usize {
    ran.err.matches("signed head:").count()
}

#[test]
fn what_one_machine_records_another_judges_with_reports_and_all() {
    let team = Team::new();
    let agent = team.machine("agent-box");
    agent.begin("feature", "medium");
    let ci = team.machine("ci-box");
    ci.git(&["switch", "-q", "feature"]);
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    fs::write(ci.path("tests.xml"), junit(3, 0)).unwrap();
    ci.ok("ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
    let gate = team.machine("gate");
    gate.git(&["switch", "-q", "feature"]);
    gate.verify("shop/feature").refused(&["E201"]);
    fs::write(ci.path("scan.sarif"), common::sarif(&[])).unwrap();
    ci.ok("ci-2", &["attest", "scan", "--report", "../scan.sarif"]);
    let verdict = gate.verify("shop/feature");
    verdict.accepted();
    // The report travelled because the gate asked for it; the log's copy alone does not have it.
    assert!(verdict.json.to_string().contains("3 of 3 tests pass"), "{}", verdict.json);
    gate.ok("reviewer", &["ledger", "check"]);
    // An auditor needs no remote.
    gate.ok("reviewer", &["export", "shop/feature", "-o", "../proof.zip"]);
    gate.ok("reviewer", &["audit", "../proof.zip"]);
}

#[test]
fn twenty_machines_append_at_once_and_none_is_lost() {
    let team = Team::new();
    team.machine("agent-box").begin("feature", "low");
    let machines: Vec<Machine> = (0..20).map(|number| team.machine(&format!("m{number}"))).collect();
    let temporary = team.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let children: Vec<_> = machines
        .iter()
        .map(|machine| {
            machine.git(&["switch", "-q", "feature"]);
            let words = ["attest", "build", "--receipt", "../receipt", "--", "true"];
            let mut command = machine.command("ci-1", &words);
            // One machine with many clones, each with a home of its own: they take turns.
            command.env("TMPDIR", &temporary);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let turns: Vec<_> = fs::read_dir(&temporary).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [folder] = &turns[..] else { panic!("{turns:?}") };
    assert!(folder.file_name().unwrap().to_str().unwrap().starts_with("evidence-turns-"));
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
    assert!(machines.iter().all(|machine| !machine.path("config/evidence/turns").exists()));
    let gate = team.machine("gate");
    assert_eq!(results(&gate), 20);
    gate.ok("reviewer", &["ledger", "check"]);
    // What was pushed is what the receipts say.
    for machine in &machines {
        let receipt = fs::read_to_string(machine.path("receipt")).unwrap();
        let serial = receipt.lines().nth(1).unwrap().strip_prefix("index ").unwrap();
        let shown = gate.ok("reviewer", &["show", serial, "--json"]).json();
        assert_eq!(shown["kind"], "result", "{shown}");
    }
}

#[test]
fn folder_for_turns_that_others_may_write_is_left_alone() {
    let team = Team::new();
    let machine = team.machine("agent-box");
    machine.begin("feature", "low");
    let attest = || {
        let mut command = machine.command("ci-1", &["attest", "build", "--", "true"]);
        let ran = Ran::of(command.env("TMPDIR", machine.path("tmp")).output().unwrap());
        assert_eq!(ran.code, 0, "{ran:?}");
    };
    fs::create_dir(machine.path("tmp")).unwrap();
    attest();
    let of_turns = |entry: &fs::DirEntry| entry.file_name().to_str().unwrap().starts_with("evidence-turns-");
    let folder = fs::read_dir(machine.path("tmp")).unwrap().map(Result::unwrap).find(of_turns).unwrap().path();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(!machine.path("config/evidence/turns").exists());
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    attest();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    assert_eq!(fs::read_dir(machine.path("config/evidence/turns")).unwrap().count(), 1);
    // A link to a folder of this user's own is none.
    fs::remove_dir(&folder).unwrap();
    fs::create_dir(machine.path("other")).unwrap();
    std::os::unix::fs::symlink(machine.path("other"), &folder).unwrap();
    attest();
    assert_eq!(fs::read_dir(machine.path("other")).unwrap().count(), 0);
}

#[test]
fn machines_that_share_nothing_race_and_none_is_lost() {
    let team = Team::new();
    team.machine("agent-box").begin("feature", "low");
    let machines: Vec<Machine> = (0..6).map(|number| team.machine(&format!("m{number}"))).collect();
    let children: Vec<_> = machines
        .iter()
        .map(|machine| {
            machine.git(&["switch", "-q", "feature"]);
            let mut command = machine.command("ci-1", &["attest", "build", "--", "true"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let gate = team.machine("gate");
    assert_eq!(results(&gate), 6);
    gate.ok("reviewer", &["ledger", "check"]);
    assert!(machines.iter().all(|machine| !machine.path("config/evidence/turns").exists()));
    // One commit a batch, each on top of the one before: nobody's was replaced.
    let batches = team.git(&["ls-tree", "-r", "--name-only", LEDGER_REF, "log"]).lines().count();
    let commits = team.git(&["rev-list", "--first-parent", "--count", LEDGER_REF]);
    assert_eq!(commits.parse::<usize>().unwrap(), batches + 1, "and the policy's text under the first");
}

#[test]
fn rules_are_judged_again_after_a_lost_race() {
    let team = Team::new();
    let planner = team.machine("planner-box");
    planner.git(&["switch", "-q", "-c", "feature"]);
    planner.commit("src/two.rs", "two\n");
    let other = team.machine("other-box");
    // While the push of the first is on its way, the second plans the same change.
    let script = format!("test -e {0} && exit 0; : > {0}; sleep 2", team.path("met").display());
    hook(&team, "pre-receive", &script);
    let words = ["plan", "shop/feature", "--tier", "low"];
    let mut first = planner.command("planner", &words);
    let first = first.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    common::wait_for(&team.path("met"));
    other.ok("planner", &[&words[..], &["--implementer", "agent"]].concat());
    let ran = Ran::of(first.wait_with_output().unwrap());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("planned already"), "{ran:?}");
}

#[test]
fn remote_that_rejects_the_ref_is_told_apart_and_nothing_ran() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    let before = team.head();
    hook(&team, "pre-receive", "echo evidence is closed today >&2; echo >&2; echo 'ask   ci  ' >&2; exit 1");
    let ran = ci.by("ci-1", &["attest", "build", "--", "sh", "-c", ": > ../ran"]);
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.err.contains("does not accept a push to refs/evidence/ledger"), "{ran:?}");
    assert!(ran.err.contains(" (evidence is closed today; ask   ci)\n"), "{ran:?}");
    assert!(!ci.path("ran").exists());
    assert_eq!(team.head(), before);
    fs::remove_file(team.remote().join("hooks/pre-receive")).unwrap();
    ci.ok("ci-1", &["attest", "build", "--", "sh", "-c", ": > ../ran"]);
    ci.verify("shop/feature").accepted();
}

#[test]
fn stale_lock_of_the_ref_is_no_race_that_goes_on_for_ever() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    fs::write(team.remote().join(format!("{LEDGER_REF}.lock")), "").unwrap();
    let ran = ci.by("ci-1", &["attest", "build", "--", "true"]);
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.err.contains("a stale lock of the ref"), "{ran:?}");
    fs::remove_file(team.remote().join(format!("{LEDGER_REF}.lock"))).unwrap();
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
}

#[test]
fn remote_that_is_gone_leaves_readers_the_copy_and_says_so() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    fs::rename(team.remote(), team.path("away.git")).unwrap();
    let ran = ci.by("ci-1", &["attest", "build", "--", "sh", "-c", ": > ../ran"]);
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.err.contains("cannot be reached"), "{ran:?}");
    assert!(!ci.path("ran").exists());
    let verdict = ci.verify("shop/feature");
    verdict.accepted();
    assert!(verdict.limitations().contains(&"remote-unseen"), "{}", verdict.json);
    let ran = ci.by("reviewer", &["verify", "shop/feature"]);
    assert!(ran.err.contains("warning: the remote origin cannot be reached"), "{ran:?}");
    fs::rename(team.path("away.git"), team.remote()).unwrap();
    let verdict = ci.verify("shop/feature");
    assert!(!verdict.accepted().limitations().contains(&"remote-unseen"), "{}", verdict.json);
    // Without a copy there is nothing to read.
    fs::rename(team.remote(), team.path("away.git")).unwrap();
    fs::remove_dir_all(ci.repo().join(".git/evidence-remotes")).unwrap();
    let ran = ci.by("reviewer", &["verify", "shop/feature"]);
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn cause_of_a_refusal_is_told_and_told_apart_from_a_remote_that_is_away() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    let by_ssh = |said: &str, words: &[&str]| {
        let ssh = ci.path("ssh");
        fs::write(&ssh, format!("#!/bin/sh\nprintf '%s\\r\\n' '{said}' >&2\nexit 255\n")).unwrap();
        fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = ci.command("ci-1", words);
        command.env("GIT_SSH_COMMAND", &ssh).env("EVIDENCE_LEDGER", "git:ssh://git@forge.example/shop.git");
        Ran::of(command.output().unwrap())
    };
    for (said, told) in [
        (
            "git@forge.example: Permission denied (publickey).",
            "refuses: git@forge.example: Permission denied (publickey).",
        ),
        ("ERROR: Repository not found.", "refuses: ERROR: Repository not found."),
        ("Host key verification failed.", "refuses: Host key verification failed."),
        (
            "ssh: connect to host forge.example port 22: Connection refused",
            "cannot be reached: ssh: connect to host forge.example port 22: Connection refused",
        ),
    ] {
        let ran = by_ssh(said, &["attest", "build", "--", "touch", "../ran"]);
        assert_eq!(ran.code, 125, "{ran:?}");
        assert!(ran.err.contains(&format!("error: the remote ssh://forge.example/shop.git {told}\n")), "{ran:?}");
        assert_eq!(ran.err.contains("known_hosts"), said.starts_with("Host key"), "{ran:?}");
    }
    assert!(!ci.path("ran").exists());
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
}

#[test]
fn page_for_people_is_no_repository_without_a_ledger() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("git:http://{}/shop.git", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = [0; 4096];
            let _ = std::io::Read::read(&mut stream, &mut asked);
            let page = "<html>please log in</html>";
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
            let answer = format!("{head}Content-Length: {}\r\n\r\n{page}", page.len());
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    let mut command = ci.command("ci-1", &["verify", "shop/feature"]);
    let ran = Ran::of(command.env("EVIDENCE_LEDGER", url).output().unwrap());
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("refuses: "), "{ran:?}");
    assert!(!ran.err.contains("there is no ledger") && !ran.err.contains("evidence init"), "{ran:?}");
    // A repository that has none is one.
    team.git(&["init", "-q", "--bare", "../empty.git"]);
    let mut command = ci.command("ci-1", &["verify", "shop/feature"]);
    let ran = Ran::of(command.env("EVIDENCE_LEDGER", "git:../../empty.git").output().unwrap());
    assert!(ran.code == 2 && ran.err.contains("there is no ledger at ../../empty.git"), "{ran:?}");
}

#[test]
fn remote_that_hangs_is_given_up() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    // It takes calls and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("git:git://{}/shop.git", listener.local_addr().unwrap());
    let mut command = ci.command("ci-1", &["verify", "shop/feature"]);
    let ran = Ran::of(command.env("EVIDENCE_LEDGER", url).env("EVIDENCE_REMOTE_SILENCE", "1").output().unwrap());
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("said nothing for 1 s"), "{ran:?}");
}

#[test]
fn connection_that_stays_open_behind_git_holds_nobody_up() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    // As an ssh that keeps its connection for the next one does.
    ci.git(&["config", "remote.origin.uploadpack", "sleep 30 >/dev/null & git-upload-pack"]);
    let mut command = ci.command("ci-1", &["attest", "build", "--", "true"]);
    let ran = Ran::of(command.env("EVIDENCE_REMOTE_SILENCE", "2").output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn remote_that_was_taken_back_is_an_alarm_with_both_heads() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    assert_eq!(ci.by("ci-1", &["attest", "build", "--", "false"]).code, 1);
    let old = team.git(&["rev-parse", &format!("{LEDGER_REF}~1")]);
    let newest = team.head();
    // The failure is to be forgotten.
    team.git(&["update-ref", LEDGER_REF, &old]);
    for words in [&["verify", "shop/feature"][..], &["log"], &["attest", "build", "--", "true"]] {
        let ran = ci.by("ci-1", words);
        let wanted = if words[0] == "attest" { 125 } else { 3 };
        assert_eq!(ran.code, wanted, "{words:?}: {ran:?}");
        assert!(ran.err.contains("was taken back"), "{words:?}: {ran:?}");
        assert_eq!(heads(&ran), 2, "{words:?}: {ran:?}");
    }
    assert_eq!(team.head(), old);
    team.git(&["update-ref", LEDGER_REF, &newest]);
    ci.verify("shop/feature").refused(&["E202"]);
    // Gone altogether is taken back too.
    team.git(&["update-ref", "-d", LEDGER_REF]);
    let ran = ci.by("ci-1", &["verify", "shop/feature"]);
    assert_eq!((ran.code, heads(&ran)), (3, 1), "{ran:?}");
}

#[test]
fn remote_that_forked_is_an_alarm_with_both_heads() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    let base = team.head();
    assert_eq!(ci.by("ci-1", &["attest", "build", "--", "false"]).code, 1);
    // The operator lets another machine go on from before the failure, with the same log key.
    team.git(&["update-ref", LEDGER_REF, &base]);
    let accomplice = team.machine("accomplice");
    accomplice.git(&["switch", "-q", "feature"]);
    for _ in 0..2 {
        accomplice.ok("ci-1", &["attest", "build", "--", "true"]);
    }
    accomplice.verify("shop/feature").accepted();
    let ran = ci.by("ci-1", &["verify", "shop/feature"]);
    assert_eq!((ran.code, heads(&ran)), (3, 2), "{ran:?}");
    assert!(ran.err.contains("changed what it had"), "{ran:?}");
}

#[test]
fn ref_that_nobody_entitled_signed_is_not_believed() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    // Whoever may push, and has no log key, builds on the newest commit a checkpoint of their own.
    let fresh = team.machine("fresh");
    let vandal = team.machine("vandal");
    vandal.git(&["fetch", "-q", "origin", LEDGER_REF]);
    vandal.git(&["switch", "-q", "--detach", "FETCH_HEAD"]);
    let note = fs::read_to_string(vandal.repo().join("checkpoint")).unwrap();
    let mut lines: Vec<&str> = note.lines().collect();
    lines[1] = "999";
    vandal.commit("checkpoint", &format!("{}\n", lines.join("\n")));
    vandal.git(&["push", "-q", "origin", &format!("HEAD:{LEDGER_REF}")]);
    for machine in [&ci, &fresh] {
        let ran = machine.by("ci-1", &["verify", "shop/feature"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("is no ledger to believe"), "{ran:?}");
    }
    // The push is undone, and the copies were not touched.
    team.git(&["update-ref", LEDGER_REF, &format!("{LEDGER_REF}~1")]);
    ci.verify("shop/feature").accepted();
}

#[test]
fn damaged_batches_of_the_remote_reach_no_copy() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    let vandal = team.machine("vandal");
    vandal.git(&["fetch", "-q", "origin", LEDGER_REF]);
    vandal.git(&["switch", "-q", "--detach", "FETCH_HEAD"]);
    let last = vandal.git(&["ls-files", "log"]).lines().last().unwrap().to_owned();
    let mut bytes = fs::read(vandal.repo().join(&last)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(vandal.repo().join(&last), bytes).unwrap();
    vandal.git(&["commit", "-q", "-a", "-m", "work"]);
    vandal.git(&["push", "-q", "origin", &format!("HEAD:{LEDGER_REF}")]);
    let fresh = team.machine("fresh");
    let ran = fresh.by("ci-1", &["verify", "shop/feature"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("damaged"), "{ran:?}");
    team.git(&["update-ref", LEDGER_REF, &format!("{LEDGER_REF}~1")]);
    fresh.git(&["switch", "-q", "feature"]);
    fresh.verify("shop/feature").accepted();
}

#[test]
fn swapped_material_of_the_remote_is_not_taken_for_the_signed_one() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "medium");
    fs::write(ci.path("tests.xml"), junit(3, 0)).unwrap();
    ci.ok("ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
    let vandal = team.machine("vandal");
    vandal.git(&["fetch", "-q", "origin", LEDGER_REF]);
    let name = vandal.git(&["ls-tree", "-r", "--name-only", "FETCH_HEAD", "materials"]);
    fs::write(vandal.path("evil.xml"), junit(9, 0)).unwrap();
    let evil = vandal.git(&["hash-object", "-w", "../evil.xml"]);
    // Every name leads to other bytes, which the remote has.
    vandal.git(&["switch", "-q", "--detach", "FETCH_HEAD"]);
    for name in name.lines() {
        vandal.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{evil},{name}")]);
    }
    vandal.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{evil},keep")]);
    let tree = vandal.git(&["write-tree"]);
    let commit = vandal.git(&["commit-tree", &tree, "-p", "FETCH_HEAD", "-m", "swapped"]);
    vandal.git(&["push", "-q", "origin", &format!("{commit}:{LEDGER_REF}")]);
    let fresh = team.machine("fresh");
    fresh.git(&["switch", "-q", "feature"]);
    let ran = fresh.by("ci-1", &["verify", "shop/feature", "--json"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(!ran.out.contains("9 of 9"), "{ran:?}");
}

#[test]
fn killed_appends_leave_the_remote_whole_and_are_not_doubled() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    let mut kills = 0;
    for wait in (0..24).map(|step| step * 15) {
        let mut command = ci.command("ci-1", &["attest", "build", "--", "true"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        kills += usize::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        let _ = child.wait();
    }
    assert!(kills > 0);
    // A push that was on its way when its program died may still arrive.
    std::thread::sleep(std::time::Duration::from_secs(1));
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    let gate = team.machine("gate");
    gate.ok("reviewer", &["ledger", "check"]);
    let log = gate.ok("ci-1", &["log", "--limit", "1000", "--json"]).json();
    let records: Vec<&Value> = log["records"].as_array().unwrap().iter().collect();
    let mut statements: Vec<String> = records.iter().map(|record| record["statement"].to_string()).collect();
    let count = statements.len();
    statements.sort();
    statements.dedup();
    assert_eq!(statements.len(), count);
    ci.ok("reviewer", &["ledger", "check"]);
}

#[test]
fn clone_is_told_once_where_its_ledger_is() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    let unnamed =
        || Ran::of(ci.command("ci-1", &["verify", "shop/feature"]).env_remove("EVIDENCE_LEDGER").output().unwrap());
    assert_eq!(unnamed().code, 2);
    ci.git(&["config", "evidence.ledger", "git:origin"]);
    let ran = unnamed();
    assert_eq!(ran.code, 1, "{ran:?}");
}

#[test]
fn second_ledger_on_a_remote_is_refused() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    let before = team.head();
    let mut command = ci.command("owner", &["init", "--repository", "shop"]);
    let ran = Ran::of(command.env_remove("EVIDENCE_TRUST").env_remove("EVIDENCE_KEY").output().unwrap());
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(team.head(), before);
}

#[test]
fn ledger_lives_under_a_branch_where_that_is_what_can_be_protected() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    team.git(&["update-ref", "refs/heads/evidence-ledger", LEDGER_REF]);
    team.git(&["update-ref", "-d", LEDGER_REF]);
    ci.git(&["switch", "-q", "-c", "feature", "origin/main"]);
    ci.commit("src/two.rs", "two\n");
    let by = |word: &str, words: &[&str]| {
        Ran::of(ci.command("planner", words).env("EVIDENCE_LEDGER", word).output().unwrap())
    };
    let ran = by("git:origin#refs/heads/evidence-ledger", &["plan", "--tier", "low"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = by("git:origin", &["verify"]);
    assert!(ran.code == 2 && ran.err.contains("there is no ledger at origin"), "{ran:?}");
    let ran = by("git:origin#evidence-ledger", &["verify"]);
    assert!(ran.code == 2 && ran.err.contains("names no ref"), "{ran:?}");
}

#[test]
fn clone_fetches_only_what_is_new() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    let gate = team.machine("gate");
    gate.git(&["switch", "-q", "feature"]);
    gate.verify("shop/feature").accepted();
    let objects = || {
        let mirror = gate.copy().join("mirror.git");
        gate.git(&["-C", mirror.to_str().unwrap(), "rev-list", "--objects", "--all", "--no-object-names"])
            .lines()
            .count()
    };
    let before = objects();
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    gate.verify("shop/feature").accepted();
    // Two batches: two blobs, one commit, one checkpoint, and the folders above.
    assert!(objects() - before <= 14, "{before} and then {}", objects());
    // The user's own repository has nothing of it.
    assert!(!gate.git(&["for-each-ref"]).contains("evidence"));
    assert_eq!(gate.git(&["rev-parse", "--is-shallow-repository"]), "false");
}

/// Lets a clone reach its remote through what counts sessions and bytes on the remote's side.
struct Wire {
    folder: PathBuf,
}

impl Wire {
    fn of(machine: &Machine) -> Self {
        let folder = machine.path("wire");
        fs::create_dir_all(&folder).unwrap();
        for name in ["upload-pack", "receive-pack"] {
            let at = |end: &str| folder.join(format!("{name}.{end}")).display().to_string();
            let script = format!(
                "#!/bin/sh\necho >>{}\ntee -a {} | git-{name} \"$@\" | tee -a {}\n",
                at("sessions"),
                at("in"),
                at("out")
            );
            fs::write(folder.join(name), script).unwrap();
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
            let key = format!("remote.origin.{}", name.replace('-', ""));
            machine.git(&["config", &key, folder.join(name).to_str().unwrap()]);
        }
        Self { folder }
    }

    /// Returns what went over it since the last time: fetches, pushes, and bytes in both directions.
    fn taken(&self) -> (u64, u64, u64) {
        let size = |end: &str| {
            let path = self.folder.join(end);
            let bytes = fs::metadata(&path).map_or(0, |file| file.len());
            let _ = fs::remove_file(path);
            bytes
        };
        let bytes = ["upload-pack.in", "upload-pack.out", "receive-pack.in", "receive-pack.out"].map(size);
        (size("upload-pack.sessions"), size("receive-pack.sessions"), bytes.into_iter().sum())
    }
}

#[test]
fn append_is_one_fetch_and_one_push_and_the_length_of_the_log_does_not_travel() {
    let team = Team::new();
    let (ci, other) = (team.machine("ci-box"), team.machine("other-box"));
    ci.begin("feature", "medium");
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    let wire = Wire::of(&ci);
    let costs = |who: &str, words: &[&str]| {
        ci.ok(who, words);
        wire.taken()
    };
    let plan = |name: &str| costs("planner", &["plan", name, "--tier", "low"]);
    let (fetches, pushes, before) = plan("shop/one");
    assert_eq!((fetches, pushes), (1, 1));
    // A start and a result: the second knows what the first has fetched and pushed.
    let (fetches, pushes, _) = costs("ci-1", &["attest", "build", "--", "true"]);
    assert_eq!((fetches, pushes), (1, 2));
    // Its report travels with it.
    fs::write(ci.path("tests.xml"), junit(3, 0)).unwrap();
    let (fetches, pushes, _) = costs("ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
    assert_eq!((fetches, pushes), (1, 2));
    // Who reads only fetches, and what is here is not asked for again.
    for words in [&["status"][..], &["log"], &["ledger", "check"]] {
        let (fetches, pushes, _) = costs("reviewer", words);
        assert_eq!((fetches, pushes), (1, 0), "{words:?}");
    }
    // Whatever opens the ledger twice has fetched it once.
    let key = team.path("keys/reviewer.pem").display().to_string();
    let policy = team.path("policy.toml").display().to_string();
    for words in [
        &["key", "grant", &key, "--principal", "reviewer", "--role", "planner"][..],
        &["key", "revoke", &key, "--reason", "left"],
        &["policy", "apply", &policy, "--reason", "again"],
        &["record", "halt", "--reason", "stop"],
        &["record", "resume", "--reason", "go"],
    ] {
        let (fetches, pushes, _) = costs("owner", words);
        assert!(fetches == 1 && pushes <= 1, "{words:?}: {fetches} fetches, {pushes} pushes");
    }
    // A longer log costs the next append nothing.
    for number in 0..30 {
        other.ok("planner", &["plan", &format!("shop/other-{number}"), "--tier", "low"]);
    }
    let (fetches, pushes, caught_up) = plan("shop/two");
    assert_eq!((fetches, pushes), (1, 1));
    let (fetches, pushes, after) = plan("shop/three");
    assert_eq!((fetches, pushes), (1, 1));
    let batch = 2048;
    assert!(after < before + batch && after < caught_up, "{before}, then {caught_up}, then {after}");
    // A fresh clone has the log in one, and asks for the policy's text.
    let fresh = team.machine("fresh");
    let wire = Wire::of(&fresh);
    fresh.ok("planner", &["plan", "shop/four", "--tier", "low"]);
    let (fetches, pushes, whole) = wire.taken();
    assert_eq!((fetches, pushes), (2, 1));
    assert!(whole > after, "{whole} bytes, and {after} for one that was there");
}

#[test]
fn result_whose_ledger_went_away_waits_and_is_delivered_in_order() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    let (here, away) = (team.remote(), team.path("away.git"));
    let away_while = |then: &str| format!("mv {} {} && echo seen && {then}", here.display(), away.display());
    // A command that fails keeps its own code; one that passed has not been recorded: 125.
    let words = ["attest", "build", "--", "sh", "-c", &away_while("exit 7")];
    let ran = ci.by("ci-1", &words);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(ran.err.contains("is signed and waits at"), "{ran:?}");
    fs::rename(&away, &here).unwrap();
    let words = ["attest", "build", "--", "sh", "-c", &away_while("true")];
    let ran = ci.by("ci-1", &words);
    assert_eq!(ran.code, 125, "{ran:?}");
    // What cannot be started does not run, and what waits still waits.
    let ran = ci.by("ci-1", &["attest", "build", "--", "sh", "-c", ": > ../ran"]);
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(!ci.path("ran").exists());
    assert_eq!(ci.by("ci-1", &["attest", "--flush"]).code, 2);
    fs::rename(&away, &here).unwrap();
    // Until then the attempts are running, which refuses.
    ci.verify("shop/feature").refused(&["E204"]);
    let ran = ci.ok("ci-1", &["attest", "--flush"]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 2, "{ran:?}");
    assert!(lines.iter().all(|line| line.ends_with("build (shop/feature) delivered")), "{ran:?}");
    // The failure ended, for the ledger, after the other attempt began: a retry is due.
    ci.verify("shop/feature").refused(&["E217"]);
    assert_eq!(ci.ok("ci-1", &["attest", "--flush"]).out, "nothing waits\n");
    // The failure came before the pass, and both are there, with what the commands said.
    let log = ci.ok("ci-1", &["log", "--kind", "result", "--json"]).json();
    let outcomes: Vec<&str> =
        log["records"].as_array().unwrap().iter().map(|record| record["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["pass", "fail"]);
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    ci.verify("shop/feature").accepted();
    ci.ok("reviewer", &["ledger", "check"]);
}

#[test]
fn what_waited_and_had_arrived_is_not_doubled() {
    let team = Team::new();
    let ci = team.machine("ci-box");
    ci.begin("feature", "low");
    // The answer of a push that arrived is lost, and so is the program.
    let spool = ci.repo().join(".git/evidence-spool");
    let (one, two) = (ci.path("kept"), ci.path("kept2"));
    let script =
        format!("test -d {0} && cp -r {0} {1} && cp -r {0} {2}; true", spool.display(), one.display(), two.display());
    hook(&team, "post-receive", &script);
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    fs::remove_dir_all(&spool).unwrap();
    fs::rename(ci.path("kept"), &spool).unwrap();
    let ran = ci.ok("ci-1", &["attest", "--flush"]);
    assert!(ran.out.contains("was there already"), "{ran:?}");
    assert_eq!(results(&ci), 1);
    // What is for another ledger stays, and is said to.
    fs::remove_dir_all(&spool).unwrap();
    fs::rename(ci.path("kept2"), &spool).unwrap();
    let rig = Rig::new();
    let mut flush = rig.command("ci-1", &["attest", "--flush"]);
    let ran = Ran::of(flush.env("EVIDENCE_SPOOL", &spool).output().unwrap());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("waits on: it is for the ledger"), "{ran:?}");
}

#[test]
fn result_of_a_ledger_folder_that_went_away_waits_with_its_output() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.pass("build");
    fs::write(rig.path("tests.xml"), junit(2, 0)).unwrap();
    let script = "echo what was said; mv .git/evidence .git/away; touch ../tests.xml";
    let words = ["attest", "unit-tests", "--report", "../tests.xml", "--", "sh", "-c", script];
    let ran = rig.by("ci-1", &words);
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.err.contains("is signed and waits at"), "{ran:?}");
    assert_eq!(rig.by("ci-1", &["attest", "--flush"]).code, 2);
    fs::rename(rig.repo().join(".git/away"), rig.repo().join(".git/evidence")).unwrap();
    rig.ok("ci-1", &["attest", "--flush"]);
    assert!(!rig.repo().join(".git/evidence-spool/blobs").exists());
    fs::write(rig.path("scan.sarif"), common::sarif(&[])).unwrap();
    rig.ok("ci-1", &["attest", "scan", "--report", "../scan.sarif"]);
    rig.verify().accepted();
    let checked = rig.ok("owner", &["ledger", "check", "--json"]).json();
    assert_eq!(checked["missing"].as_array().map(Vec::len), Some(0), "{checked}");
}
