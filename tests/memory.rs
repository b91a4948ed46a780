//! A ledger against its operator: who remembers a head of it refuses what was rolled back or forked since.

mod common;
#[expect(dead_code, reason = "a part of the pen is enough here")]
#[path = "common/forge.rs"]
mod forge;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::{CHANGE, Ran, Rig, isolate, system};
use evidence_ledger::crypto::{SecretKey, sha256};
use evidence_ledger::merkle::Checkpoint;
use forge::Forge;

const ANCHOR: &str = "refs/evidence/anchor";
const NOTES: &str = "refs/notes/evidence";

#[test]
fn the_largest_head_that_was_seen_is_remembered() {
    let rig = planned();
    assert_eq!(fs::read(seen(&rig)).unwrap(), head(&rig), "what one appended oneself");
    let before = size(&seen(&rig));
    // What somebody else appended, by whatever means, is remembered once it was seen.
    let forge = Forge::of(&rig);
    forge.about(&rig, "ci-1", forge::start("build"));
    assert_eq!(size(&seen(&rig)), before);
    assert_eq!(rig.verify().code, 1);
    assert_eq!(fs::read(seen(&rig)).unwrap(), head(&rig));
    // An honest copy that is as large changes nothing.
    system("cp", &["-a", ledger(&rig).to_str().unwrap(), rig.path("copy").to_str().unwrap()]);
    rig.ok("ci-1", &["ledger", "check", "--ledger", rig.path("copy").to_str().unwrap()]);
    assert_eq!(
        fs::read_dir(rig.path("config/evidence/seen")).unwrap().count(),
        2,
        "the head and the lock, and no scrap"
    );
}

#[test]
fn rolled_back_ledger_is_refused_by_every_command() {
    let rig = planned();
    keep(&rig, "older");
    rig.pass("build");
    let remembered = fs::read(seen(&rig)).unwrap();
    keep(&rig, "newer");
    put_back(&rig, "older");
    let older = head(&rig);
    fs::write(rig.path("tests.xml"), common::junit(2, 0)).unwrap();
    for words in [
        &["verify"][..],
        &["attest", "build", "--report", "../tests.xml"],
        &["plan", CHANGE, "--tier", "low", "--reason", "why"],
        &["plan", "--trailer"],
        &["review", "peer-review", "--verdict", "pass"],
        &["key", "list"],
        &["key", "grant", rig.key_path("stranger").to_str().unwrap(), "--principal", "x", "--role", "ci"],
        &["policy", "show"],
        &["policy", "apply", "../policy.toml"],
        &["policy", "explain"],
        &["policy", "test", "../policy.toml"],
        &["record", "halt", "--reason", "x"],
        &["export", "-o", "../no.zip"],
        &["ledger", "check"],
        &["ledger", "trust"],
        &["ledger", "anchor"],
        &["ledger", "rotate"],
        &["ledger", "rebuild"],
    ] {
        let ran = rig.by("owner", words);
        alarms(&ran, 3);
        for note in [&remembered, &older] {
            assert!(ran.err.contains(str::from_utf8(note).unwrap()), "{words:?}: {ran:?}");
        }
        let json = rig.by("owner", &[words, &["--json"]].concat());
        assert_eq!((json.code, json.json()["error"]["heads"].as_array().unwrap().len()), (3, 2), "{words:?}: {json:?}");
    }
    alarms(&rig.by("ci-1", &["attest", "build", "--", "touch", "../ran"]), 125);
    assert!(!rig.path("ran").exists(), "nothing runs on top of it");
    assert_eq!(head(&rig), older, "nothing is signed on top of it");
    assert_eq!(fs::read(seen(&rig)).unwrap(), remembered, "what is remembered only grows");
    assert!(!rig.path("no.zip").exists());
    // What is there can still be looked at.
    rig.ok("owner", &["log"]);
    rig.ok("owner", &["show", "0"]);
    put_back(&rig, "newer");
    rig.verify().accepted();
    rig.ok("owner", &["ledger", "check"]);
}

#[test]
fn emptied_ledger_is_refused() {
    let rig = planned();
    keep(&rig, "whole");
    for name in ["log", "cache"] {
        fs::remove_dir_all(ledger(&rig).join(name)).unwrap();
    }
    fs::create_dir(ledger(&rig).join("log")).unwrap();
    fs::remove_file(ledger(&rig).join("checkpoint")).unwrap();
    let ran = rig.by("stranger", &["verify"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("it has 0 entries"), "{ran:?}");
    put_back(&rig, "whole");
    rig.verify().accepted();
}

#[test]
fn origin_in_the_folder_hides_no_older_state() {
    let rig = planned();
    keep(&rig, "older");
    rig.pass("build");
    rig.ok("owner", &["ledger", "anchor"]);
    keep(&rig, "newer");
    let lie = |rig: &Rig| {
        let file = ledger(rig).join("ledger.toml");
        let text = fs::read_to_string(&file).unwrap();
        let origin = Forge::of(rig).ledger.origin().to_owned();
        fs::write(&file, text.replace(&origin, "evidence.local/elsewhere")).unwrap();
    };
    put_back(&rig, "older");
    lie(&rig);
    alarms(&rig.by("stranger", &["verify"]), 3);
    // The anchor alone comes to the same.
    forget(&rig);
    alarms(&rig.by("stranger", &["verify"]), 3);
    put_back(&rig, "newer");
    rig.verify().accepted();
}

#[test]
fn forked_ledger_is_refused_by_who_saw_the_other_branch_of_it() {
    for more in [0, 1] {
        let rig = planned();
        keep(&rig, "before");
        rig.pass("build");
        let mine = fs::read(seen(&rig)).unwrap();
        keep(&rig, "mine");
        // The operator, who holds the log key, tells another story, as long as mine or longer.
        put_back(&rig, "before");
        forget(&rig);
        for _ in 0..=more {
            rig.pass("build");
        }
        rig.verify().accepted();
        assert!(size(&ledger(&rig).join("checkpoint")) >= Checkpoint::parse_note(&mine).unwrap().size);
        fs::write(seen(&rig), &mine).unwrap();
        for (words, code) in
            [(&["verify"][..], 3), (&["attest", "build", "--", "true"], 125), (&["ledger", "check"], 3)]
        {
            let ran = rig.by("ci-1", words);
            alarms(&ran, code);
            assert!(ran.err.contains("are not those that this machine remembers"), "{ran:?}");
        }
        assert_eq!(fs::read(seen(&rig)).unwrap(), mine);
        put_back(&rig, "mine");
        rig.verify().accepted();
    }
}

#[test]
fn log_that_is_rolled_back_while_a_command_runs_gets_no_further_head() {
    let rig = planned();
    keep(&rig, "older");
    let child = rig.background("ci-1", "build", &[], "true");
    let started = fs::read(seen(&rig)).unwrap();
    put_back(&rig, "older");
    assert_eq!(rig.go(child), 125);
    assert_eq!(fs::read(seen(&rig)).unwrap(), started);
    assert!(size(&ledger(&rig).join("checkpoint")) < Checkpoint::parse_note(&started).unwrap().size);
}

#[test]
fn memory_that_cannot_be_believed_is_no_memory_and_no_verdict() {
    let rig = planned();
    let whole = fs::read(seen(&rig)).unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    let stranger = SecretKey::from_seed(&[0x51; 32]);
    let checkpoint = Checkpoint::parse_note(&whole).unwrap();
    let elsewhere = Checkpoint { origin: "log.example/other".to_owned(), ..checkpoint.clone() };
    for (what, bytes) in [
        ("garbage", b"garbage".to_vec()),
        ("cut", whole[..whole.len() - 9].to_vec()),
        ("another size", text.replacen(&format!("\n{}\n", checkpoint.size), "\n2\n", 1).into_bytes()),
        ("signed by a stranger", checkpoint.sign(&stranger)),
        ("another ledger's", elsewhere.sign(&stranger)),
        ("not UTF-8", vec![0xff; 300]),
        ("too large", vec![b'a'; 2 << 20]),
    ] {
        fs::write(seen(&rig), &bytes).unwrap();
        for words in [&["verify"][..], &["ledger", "check"], &["record", "halt", "--reason", "x"]] {
            let ran = rig.by("owner", words);
            assert_eq!(ran.code, 2, "{what}: {ran:?}");
            assert!(
                ran.err.contains("this machine remembers") && ran.err.contains("cannot be believed"),
                "{what}: {ran:?}"
            );
            assert!(ran.err.contains(seen(&rig).to_str().unwrap()), "{what}: {ran:?}");
        }
        assert_eq!(fs::read(seen(&rig)).unwrap(), bytes, "{what}");
    }
    // A power cut may leave a name without its bytes.
    for bytes in [&[][..], &[0; 300]] {
        fs::write(seen(&rig), bytes).unwrap();
        rig.verify().accepted();
        assert_eq!(fs::read(seen(&rig)).unwrap(), whole);
    }
}

#[test]
fn memory_that_cannot_be_written_or_has_no_place_is_gone_without() {
    let rig = planned();
    let folder = rig.path("config/evidence/seen");
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "in the way").unwrap();
    let ran = rig.by("stranger", &["verify"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.err.matches("note: this head is not remembered here").count(), 1, "{ran:?}");
    let ran = rig.pass("build");
    assert_eq!(ran.err.matches("note: this head is not remembered here").count(), 1, "{ran:?}");
    fs::remove_file(&folder).unwrap();
    assert!(!rig.ok("stranger", &["verify"]).err.contains("not remembered"));
    assert_eq!(fs::read(seen(&rig)).unwrap(), head(&rig));
    // Who believes another ledger refuses this one, whatever is remembered of it.
    let trust = fs::read_to_string(rig.repo().join(".evidence/trust.toml")).unwrap();
    let other = Forge::empty(&rig);
    fs::write(rig.path("other.toml"), other.trust.print()).unwrap();
    assert_ne!(trust, other.trust.print());
    rig.verify_with(&["--trust", "../other.toml"]).refused(&["E307"]);
    // Without a home there is no memory, and the rest goes on.
    fs::copy(rig.repo().join(".evidence/trust.toml"), rig.path("trust.toml")).unwrap();
    let mut command = rig.command("ci-1", &["verify", "--trust", "../trust.toml"]);
    let ran = Ran::of(command.env_remove("HOME").env_remove("XDG_CONFIG_HOME").output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.out.contains("this machine remembers"), "{ran:?}");
}

#[test]
fn processes_at_once_remember_the_largest_head_and_raise_no_alarm() {
    let rig = planned();
    std::thread::scope(|scope| {
        for number in 0..12 {
            let rig = &rig;
            scope.spawn(move || {
                for _ in 0..3 {
                    if number % 2 == 0 {
                        rig.ok("ci-1", &["attest", "build", "--", "true"]);
                    } else {
                        // While an attempt is open the answer may be a refusal.
                        let ran = rig.by("stranger", &["verify"]);
                        assert!([0, 1].contains(&ran.code), "{ran:?}");
                    }
                }
            });
        }
    });
    assert_eq!(fs::read(seen(&rig)).unwrap(), head(&rig));
    rig.ok("owner", &["ledger", "check"]);
}

#[test]
fn anchor_refuses_what_was_rolled_back_where_nothing_else_remembers() {
    let rig = planned();
    keep(&rig, "older");
    rig.pass("build");
    let said = rig.ok("owner", &["ledger", "anchor"]);
    assert!(said.err.contains("git push REMOTE refs/evidence/anchor refs/notes/evidence"), "{said:?}");
    keep(&rig, "newer");
    let verdict = rig.ok("stranger", &["verify"]).out;
    assert!(verdict.contains("those that refs/evidence/anchor remembers"), "{verdict}");
    put_back(&rig, "older");
    forget(&rig);
    for (words, code) in [
        (&["verify"][..], 3),
        (&["attest", "build", "--", "true"], 125),
        (&["ledger", "check"], 3),
        (&["ledger", "anchor"], 3),
    ] {
        let ran = rig.by("ci-1", words);
        alarms(&ran, code);
        assert!(ran.err.contains("refs/evidence/anchor remembers"), "{ran:?}");
    }
    // Nor does it hold a fork that is longer.
    rig.git(&["update-ref", "refs/kept", ANCHOR]);
    rig.git(&["update-ref", "-d", ANCHOR]);
    rig.pass("build");
    rig.pass("build");
    rig.verify().accepted();
    rig.git(&["update-ref", ANCHOR, "refs/kept"]);
    let tip = rig.git(&["rev-parse", ANCHOR]);
    alarms(&rig.by("owner", &["ledger", "anchor"]), 3);
    assert_eq!(rig.git(&["rev-parse", ANCHOR]), tip, "an anchor does not move to what contradicts it");
    forget(&rig);
    put_back(&rig, "newer");
    rig.verify().accepted();
}

#[test]
fn anchor_moves_on_with_the_log_and_else_stays() {
    let rig = planned();
    let first = rig.ok("owner", &["ledger", "anchor", "--json"]).json();
    assert_eq!((first["grown"].as_bool(), first["note"]["written"].as_bool()), (Some(true), Some(true)), "{first}");
    let again = rig.ok("ci-1", &["ledger", "anchor", "--json"]).json();
    assert_eq!((again["grown"].as_bool(), again["note"]["written"].as_bool()), (Some(false), Some(false)), "{again}");
    assert_eq!(again["commit"], first["commit"]);
    let noted = head(&rig);
    let note = |rig: &Rig, commit: &str| {
        let mut command = rig.git_command(&["notes", "--ref", NOTES, "show", commit]);
        command.output().unwrap().stdout
    };
    assert_eq!(note(&rig, "HEAD"), noted);
    rig.pass("build");
    rig.commit("src/lib.rs", "three\n");
    let next = rig.ok("owner", &["ledger", "anchor", "--json"]).json();
    assert_eq!(next["grown"].as_bool(), Some(true));
    assert_eq!(rig.git(&["rev-parse", &format!("{ANCHOR}^")]), first["commit"].as_str().unwrap());
    let origin = Forge::of(&rig).ledger.origin().to_owned();
    let file = format!("{ANCHOR}:{}", sha256(origin.as_bytes()));
    assert_eq!(rig.git_command(&["show", &file]).output().unwrap().stdout, head(&rig));
    assert_eq!((note(&rig, "HEAD"), note(&rig, "HEAD^")), (head(&rig), noted));
    assert_eq!(next["next"][0][1], "push");
    let said = rig.ok("owner", &["ledger", "check", "--json"]).json();
    let held: Vec<&str> = said["held"].as_array().unwrap().iter().map(|held| held["by"].as_str().unwrap()).collect();
    assert_eq!(held.len(), 4, "{said}");
    assert!(held.contains(&"this machine") && held.contains(&ANCHOR), "{said}");
    // Whoever has the merge has its head: an auditor's older note.
    rig.pass("build");
    fs::write(rig.path("old.note"), note(&rig, "HEAD^")).unwrap();
    rig.ok("ci-1", &["export", "--since", "../old.note", "-o", "../since.zip"]);
}

#[test]
fn anchor_is_found_in_another_clone() {
    let rig = planned();
    keep(&rig, "older");
    rig.pass("build");
    rig.ok("owner", &["ledger", "anchor"]);
    let clone = rig.path("clone");
    rig.git(&["clone", "-q", rig.repo().to_str().unwrap(), clone.to_str().unwrap()]);
    fs::copy(rig.repo().join(".evidence/trust.toml"), rig.path("trust.toml")).unwrap();
    // Another machine: neither its memory nor its home is that of the operator.
    let verify = |ledger: &str| {
        let ledger = rig.path(ledger);
        // The clone takes the branch that was checked out for the remote's default one.
        let words =
            ["verify", "--ledger", ledger.to_str().unwrap(), "--trust", "../trust.toml", "--target", "origin/main"];
        let mut command = rig.command("ci-1", &words);
        command.env("XDG_CONFIG_HOME", rig.path("elsewhere")).current_dir(&clone);
        let ran = Ran::of(command.output().unwrap());
        let _ = fs::remove_dir_all(rig.path("elsewhere"));
        ran
    };
    let accepted = verify("older");
    assert_eq!(accepted.code, 0, "nothing is known there yet: {accepted:?}");
    let mut fetch = Command::new("git");
    isolate(&mut fetch, &rig);
    let refspec = format!("{ANCHOR}:{ANCHOR}");
    let fetched = fetch.args(["fetch", "-q", "origin", &refspec]).current_dir(&clone).status().unwrap();
    assert!(fetched.success());
    alarms(&verify("older"), 3);
    let accepted = verify("repo/.git/evidence");
    assert_eq!(accepted.code, 0, "{accepted:?}");
    assert!(accepted.out.contains("refs/evidence/anchor remembers"), "{accepted:?}");
}

#[test]
fn planted_anchor_is_no_anchor_and_no_verdict() {
    let rig = planned();
    let forge = Forge::of(&rig);
    let name = sha256(forge.ledger.origin().as_bytes()).to_string();
    let checkpoint = Checkpoint::parse_note(&head(&rig)).unwrap();
    let forged = checkpoint.sign(&SecretKey::from_seed(&[0x52; 32]));
    let other = Checkpoint { origin: "log.example/other".to_owned(), ..checkpoint };
    let planted = |bytes: &[u8], name: &str| {
        let oid = feed(&rig, &["hash-object", "-w", "--stdin"], bytes);
        let tree = feed(&rig, &["mktree"], format!("100644 blob {oid}\t{name}\n").as_bytes());
        rig.git(&["commit-tree", &tree, "-m", "planted"])
    };
    let blob = feed(&rig, &["hash-object", "-w", "--stdin"], b"x");
    for (what, oid) in [
        ("garbage", planted(b"garbage", &name)),
        ("nothing", planted(b"", &name)),
        ("signed by a stranger", planted(&forged, &name)),
        ("another ledger's", planted(&other.sign(&forge.log_key), &name)),
        ("another file", planted(&head(&rig), "checkpoint")),
        ("the judged branch", rig.git(&["rev-parse", "HEAD"])),
        ("a blob", blob),
        ("a tree", rig.git(&["rev-parse", "HEAD^{tree}"])),
    ] {
        rig.git(&["update-ref", ANCHOR, &oid]);
        for words in
            [&["verify"][..], &["record", "halt", "--reason", "x"], &["ledger", "anchor"], &["ledger", "check"]]
        {
            let ran = rig.by("owner", words);
            assert_eq!(ran.code, 2, "{what}: {ran:?}");
            assert!(ran.err.contains(&format!("git update-ref -d {ANCHOR}")), "{what}: {ran:?}");
        }
        assert_eq!(rig.git(&["rev-parse", ANCHOR]), oid, "{what}");
        rig.git(&["update-ref", "-d", ANCHOR]);
        rig.verify().accepted();
    }
    // An honest head is believed, whoever put it there; one of a ledger that nobody asks about says nothing.
    for oid in [planted(&head(&rig), &name), planted(b"garbage", &"0".repeat(64))] {
        rig.git(&["update-ref", ANCHOR, &oid]);
        rig.verify().accepted();
    }
    // A tag of the whole name is another ref.
    rig.git(&["update-ref", "-d", ANCHOR]);
    rig.git(&["update-ref", &format!("refs/tags/{ANCHOR}"), "HEAD"]);
    rig.verify().accepted();
}

#[test]
fn ref_that_is_named_must_be_there() {
    let rig = planned();
    let named = |words: &[&str]| {
        Ran::of(rig.command("ci-1", words).env("EVIDENCE_ANCHOR", "refs/heads/anchors").output().unwrap())
    };
    let ran = named(&["verify"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("git fetch origin refs/heads/anchors"), "{ran:?}");
    assert_eq!(named(&["ledger", "anchor"]).code, 0, "what makes it needs none");
    assert_eq!(named(&["verify"]).code, 0);
    keep(&rig, "older");
    rig.pass("build");
    assert_eq!(named(&["ledger", "anchor"]).code, 0);
    put_back(&rig, "older");
    forget(&rig);
    alarms(&named(&["verify"]), 3);
    rig.verify().accepted();
    for bad in ["refs/heads/feature", "feature", "refs/heads/a..b", "--force"] {
        let ran = rig.by("owner", &["ledger", "anchor", &format!("--ref={bad}")]);
        assert_eq!(ran.code, 2, "{bad}: {ran:?}");
    }
}

#[test]
fn note_of_a_merge_holds_the_ledger_check() {
    let rig = planned();
    keep(&rig, "older");
    rig.pass("build");
    rig.ok("owner", &["ledger", "anchor"]);
    rig.git(&["update-ref", "-d", ANCHOR]);
    put_back(&rig, "older");
    forget(&rig);
    let ran = rig.by("owner", &["ledger", "check"]);
    alarms(&ran, 3);
    assert!(ran.err.contains("the note of "), "{ran:?}");
    rig.git(&["notes", "--ref", NOTES, "add", "-f", "-m", "looks good to me", "HEAD"]);
    for words in [&["ledger", "check"][..], &["ledger", "anchor"]] {
        let ran = rig.by("owner", words);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("is no head of this ledger"), "{ran:?}");
    }
    rig.git(&["notes", "--ref", NOTES, "remove", "HEAD"]);
    rig.ok("owner", &["ledger", "check"]);
}

/// A rig whose change has passed.
fn planned() -> Rig {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    rig.verify().accepted();
    rig
}

fn ledger(rig: &Rig) -> PathBuf {
    rig.repo().join(".git/evidence")
}

fn head(rig: &Rig) -> Vec<u8> {
    fs::read(ledger(rig).join("checkpoint")).unwrap()
}

/// What the user remembers of the rig's ledger.
fn seen(rig: &Rig) -> PathBuf {
    let origin = Forge::of(rig).ledger.origin().to_owned();
    rig.path("config/evidence/seen").join(sha256(origin.as_bytes()).to_string())
}

fn size(note: &PathBuf) -> u64 {
    Checkpoint::parse_note(&fs::read(note).unwrap()).unwrap().size
}

/// Copies the ledger as it is.
fn keep(rig: &Rig, name: &str) {
    system("cp", &["-a", ledger(rig).to_str().unwrap(), rig.path(name).to_str().unwrap()]);
}

/// Puts a copy into the ledger's place.
fn put_back(rig: &Rig, name: &str) {
    fs::remove_dir_all(ledger(rig)).unwrap();
    system("cp", &["-a", rig.path(name).to_str().unwrap(), ledger(rig).to_str().unwrap()]);
}

fn forget(rig: &Rig) {
    fs::remove_dir_all(rig.path("config/evidence/seen")).unwrap();
}

/// Ended as an alarm does, with both heads.
fn alarms(ran: &Ran, code: i32) {
    assert_eq!(ran.code, code, "{ran:?}");
    assert!(ran.err.contains("alarm: the ledger contradicts itself"), "{ran:?}");
    assert_eq!(ran.err.matches("signed head:").count(), 2, "{ran:?}");
}

/// Runs git with something to read.
fn feed(rig: &Rig, words: &[&str], input: &[u8]) -> String {
    use std::io::Write as _;
    let mut child = rig.git_command(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
