//! Keys that people have, tried through the program: OpenSSH's and OpenSSL's files, passphrases, ssh-agent, security keys,
//! P-256. Each signature that counts stands next to those that do not.
//!
//! `ssh-keygen`, `ssh-agent`, `ssh-add` and `openssl` must be there. All keys are made by the tests, or are test keys.

#![cfg(feature = "cli")]

mod common;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "common/forge.rs"]
mod forge;
#[path = "common/softkey.rs"]
mod softkey;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{Ran, Rig, isolate, wait_for};
use evidence_ledger::crypto::{EcdsaKey, Envelope, KeyFile, KeyFileError, PublicKey, pae};
use evidence_ledger::model::{Phase, Predicate, Review, ReviewVerdict};
use evidence_ledger::store::Ledger;
use forge::Forge;
use softkey::{SoftKey, Temper};

const REVIEW: [&str; 4] = ["review", "peer-review", "--verdict", "pass"];
const PASSPHRASE: &str = "open sesame";

/// Runs the program with a key, and with more in its environment.
fn by(rig: &Rig, key: &str, environment: &[(&str, &str)], words: &[&str]) -> Ran {
    let mut command = rig.command("owner", words);
    command.env("EVIDENCE_KEY", key).envs(environment.iter().copied());
    Ran::of(command.output().unwrap())
}

/// Runs another program, which must succeed.
fn run(rig: &Rig, program: &str, words: &[&str]) -> String {
    let mut command = Command::new(program);
    isolate(&mut command, rig);
    let output = command.args(words).current_dir(rig.path("")).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{program} must be installed for these tests: {error}"));
    assert!(output.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn ssh_keygen(rig: &Rig, name: &str, kind: &str, passphrase: &str) -> String {
    let words = ["-q", "-t", kind, "-N", passphrase, "-C", "evidence test key", "-f", name];
    run(rig, "ssh-keygen", &words);
    rig.path(name).to_str().unwrap().to_owned()
}

/// Lets the owner make a key's holder a reviewer.
fn reviewer(rig: &Rig, public: &str, name: &str) {
    rig.ok("owner", &["key", "grant", public, "--principal", name, "--role", "reviewer"]);
}

/// A rig whose change lacks nothing but a review.
fn reviewed_by_nobody() -> Rig {
    let rig = Rig::new();
    rig.plan("high");
    rig.medium();
    rig.verify().refused(&["E201"]);
    rig
}

/// Reviews, and holds the verdict: the review counts, and the auditors agree.
fn counts(rig: &Rig, key: &str, environment: &[(&str, &str)], algorithm: &str) {
    let ran = by(rig, key, environment, &REVIEW);
    assert_eq!(ran.code, 0, "{key}: {ran:?}");
    rig.verify().accepted();
    let log = Ledger::open(&rig.repo().join(".git/evidence")).unwrap().read().unwrap();
    let entry = String::from_utf8(log.record(newest(rig)).unwrap().unwrap().entry).unwrap();
    assert!(entry.contains("kind review-plain\n"), "{entry}");
    assert!(entry.contains(&format!("signed {algorithm} SHA256:")), "{entry}");
}

/// Returns the serial of the newest record.
fn newest(rig: &Rig) -> u64 {
    rig.ok("owner", &["log", "-n", "1", "--json"]).json()["records"][0]["serial"].as_u64().unwrap()
}

fn both_auditors_accept(rig: &Rig) {
    let bundle = rig.path("bundle.zip");
    let bundle = bundle.to_str().unwrap();
    rig.ok("owner", &["export", "-o", bundle]);
    let trust = rig.repo().join(".evidence/trust.toml");
    let trust = trust.to_str().unwrap();
    rig.ok("stranger", &["audit", bundle, "--trust", trust]);
    rig.ok("owner", &["ledger", "check"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/audit.py");
    if Command::new("python3").args(["-c", "import tomllib, cryptography"]).output().is_ok_and(|it| it.status.success())
    {
        let output = Command::new("python3").arg(script).args([bundle, trust]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    } else {
        println!("skipped: python3 with cryptography is not here");
    }
}

/// A real ssh-agent; it ends with the test.
struct Agent(Child, PathBuf);

impl Agent {
    fn start(rig: &Rig) -> Self {
        let socket = rig.path("agent.sock");
        let mut command = Command::new("ssh-agent");
        isolate(&mut command, rig);
        let child = command.args(["-D", "-a", socket.to_str().unwrap()]).stdout(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| panic!("openssh-client must be installed for these tests: {error}"));
        wait_for(&socket);
        Self(child, socket)
    }

    fn socket(&self) -> (&str, &str) {
        ("SSH_AUTH_SOCK", self.1.to_str().unwrap())
    }

    fn add(&self, rig: &Rig, key: &str) {
        let mut command = Command::new("ssh-add");
        isolate(&mut command, rig);
        let output = command.arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.1).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn reviews_by_key_files_of_every_kind_count() {
    let rig = reviewed_by_nobody();
    let secret = [("EVIDENCE_PASSPHRASE", PASSPHRASE)];
    let file = |name: &str| rig.path(name).to_str().unwrap().to_owned();
    run(&rig, "openssl", &["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "sec1.pem"]);
    run(&rig, "openssl", &["ecparam", "-genkey", "-name", "prime256v1", "-out", "parameters.pem"]);
    run(&rig, "openssl", &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ec.pem"]);
    run(&rig, "openssl", &["genpkey", "-algorithm", "ed25519", "-out", "ed.pem"]);
    let lock = ["pkcs8", "-topk8", "-in", "ed.pem", "-out", "locked.pem", "-passout", "pass:open sesame"];
    run(&rig, "openssl", &lock);
    for name in ["sec1.pem", "parameters.pem", "ec.pem", "locked.pem"] {
        fs::set_permissions(rig.path(name), Permissions::from_mode(0o600)).unwrap();
    }
    let words = ["key", "new", "p256", "--algorithm", "ecdsa-p256", "-o", "../p256.pem"];
    assert_eq!(by(&rig, "none", &secret, &words).code, 0);
    assert!(fs::read_to_string(rig.path("p256.pem")).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    let kinds = [
        (ssh_keygen(&rig, "id_ed25519", "ed25519", ""), &[][..], "ed25519"),
        (ssh_keygen(&rig, "id_ecdsa", "ecdsa", ""), &[], "ecdsa-p256"),
        (ssh_keygen(&rig, "id_locked", "ed25519", PASSPHRASE), &secret, "ed25519"),
        (file("sec1.pem"), &[], "ecdsa-p256"),
        (file("parameters.pem"), &[], "ecdsa-p256"),
        (file("ec.pem"), &[], "ecdsa-p256"),
        (file("locked.pem"), &secret, "ed25519"),
        (file("p256.pem"), &secret, "ecdsa-p256"),
    ];
    for (number, (key, environment, algorithm)) in kinds.iter().enumerate() {
        let shown = by(&rig, key, environment, &["key", "show", "--json"]).json();
        reviewer(&rig, shown["key"].as_str().unwrap(), &format!("reviewer-{number}"));
        counts(&rig, key, environment, algorithm);
    }
    both_auditors_accept(&rig);
    let stranger = ssh_keygen(&rig, "id_stranger", "ecdsa", "");
    let ran = by(&rig, &stranger, &[], &REVIEW);
    assert_eq!(ran.code, 1, "{ran:?}");
}

#[test]
fn a_variable_may_hold_the_text_of_a_key_however_its_lines_end() {
    let rig = reviewed_by_nobody();
    let key = fs::read_to_string(ssh_keygen(&rig, "id_ed25519", "ed25519", "")).unwrap();
    let public = rig.path("id_ed25519.pub");
    reviewer(&rig, public.to_str().unwrap(), "ana");
    for text in [key.clone(), key.replace('\n', "\\n"), key.replace('\n', "\r\n"), key.trim().replace('\n', " ")] {
        counts(&rig, &text, &[], "ed25519");
    }
    let pem = fs::read_to_string(rig.key_path("reviewer")).unwrap();
    assert_eq!(by(&rig, &pem.replace('\n', "\\n"), &[], &REVIEW).code, 0);
    counts(&rig, &STANDARD.encode(&key), &[], "ed25519");
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    for (text, says) in [(STANDARD.encode(&key[..100]), "it holds no private key"), (body, "in base64 that is no PEM")]
    {
        let ran = by(&rig, &text, &[], &REVIEW);
        assert!(ran.code == 2 && ran.err.contains("EVIDENCE_KEY") && ran.err.contains(says), "{ran:?}");
        assert!(!ran.err.contains(&text), "no secret is shown");
    }
    let middle = key.len() / 2;
    let damaged = format!("{}{}", &key[..middle], &key[middle + 4..]);
    let ran = by(&rig, &damaged, &[], &REVIEW);
    assert!(ran.code == 2 && ran.err.contains("EVIDENCE_KEY: it is damaged"), "{ran:?}");
    assert!(!ran.err.contains(&key[40..60]), "no secret is shown");
}

#[test]
fn a_wrong_passphrase_is_told_from_none_and_from_a_damaged_file() {
    let rig = Rig::new();
    let locked = ssh_keygen(&rig, "id_locked", "ed25519", PASSPHRASE);
    let ran = by(&rig, "none", &[("EVIDENCE_PASSPHRASE", PASSPHRASE)], &["key", "new", "own", "-o", "../own.pem"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let own = rig.path("own.pem").to_str().unwrap().to_owned();
    for key in [&locked, &own] {
        let says = |environment: &[(&str, &str)], key: &str, wanted: &str| {
            let ran = by(&rig, key, environment, &["record", "halt", "--reason", "test"]);
            assert!(ran.code == 2 && ran.err.contains(wanted), "wanted {wanted}: {ran:?}");
        };
        says(&[], key, "hint: set EVIDENCE_PASSPHRASE");
        says(&[("EVIDENCE_PASSPHRASE", "")], key, "EVIDENCE_PASSPHRASE is empty");
        says(&[("EVIDENCE_PASSPHRASE", "open")], key, "the passphrase is wrong");
        let text = fs::read_to_string(key).unwrap();
        let cut = text.lines().filter(|line| line.len() < 60 || line.starts_with('-')).collect::<Vec<_>>().join("\n");
        says(&[("EVIDENCE_PASSPHRASE", PASSPHRASE)], &cut, "it is damaged");
        let ran = by(&rig, key, &[("EVIDENCE_PASSPHRASE", PASSPHRASE)], &["record", "halt", "--reason", "test"]);
        assert!(ran.code == 1, "it opens, and nobody granted it: {ran:?}");
    }
    // What the file says in clear needs no passphrase.
    assert_eq!(by(&rig, "none", &[], &["key", "show", &locked]).code, 0);
    run(&rig, "openssl", &["pkey", "-in", "own.pem", "-passin", "pass:open sesame", "-noout"]);
}

#[test]
fn a_passphrase_is_asked_for_at_a_terminal_only() {
    let rig = Rig::new();
    let ran = by(&rig, "none", &[], &["key", "new", "own", "--passphrase", "-o", "../own.pem"]);
    assert!(ran.code == 2 && ran.err.contains("there is no terminal"), "{ran:?}");
    assert!(!rig.path("own.pem").exists());
    let locked = ssh_keygen(&rig, "id_locked", "ed25519", PASSPHRASE);
    let typed = |lines: &str, words: &str| {
        let mut command = Command::new("script");
        isolate(&mut command, &rig);
        let line = format!("{} {words}", common::EVIDENCE);
        command.args(["-qec", &line, "/dev/null"]).current_dir(rig.repo()).stdin(Stdio::piped());
        let Ok(mut child) = command.stdout(Stdio::piped()).spawn() else {
            println!("skipped: script is not here");
            return None;
        };
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
        Some(Ran::of(child.wait_with_output().unwrap()))
    };
    let words = format!("record halt --reason test --key {locked}");
    let Some(ran) = typed("wrong\nopen sesame\n", &words) else { return };
    assert!(ran.code == 1 && ran.out.contains("the passphrase is wrong"), "it opens, and nobody granted it: {ran:?}");
    let ran = typed("a\nb\nc\nd\n", &words).unwrap();
    assert_eq!(ran.code, 2, "{ran:?}");
    let words = "key new own --passphrase -o ../own.pem";
    let ran = typed("one\ntwo\n", words).unwrap();
    assert!(ran.code == 2 && !rig.path("own.pem").exists(), "{ran:?}");
    assert_eq!(typed("one\none\n", words).unwrap().code, 0);
    run(&rig, "openssl", &["pkey", "-in", "own.pem", "-passin", "pass:one", "-noout"]);
}

#[test]
fn a_private_key_that_others_can_read_is_warned_of() {
    let rig = reviewed_by_nobody();
    let key = ssh_keygen(&rig, "id_ed25519", "ed25519", "");
    reviewer(&rig, &format!("{key}.pub"), "ana");
    for mode in [0o644, 0o640, 0o604] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let ran = by(&rig, &key, &[], &REVIEW);
        assert!(ran.code == 0 && ran.err.contains(&format!("its mode is {mode:04o}")), "{ran:?}");
    }
    fs::set_permissions(&key, Permissions::from_mode(0o400)).unwrap();
    let ran = by(&rig, &key, &[], &REVIEW);
    assert!(ran.code == 0 && !ran.err.contains("others can read"), "{ran:?}");
    counts(&rig, &key, &[], "ed25519");
}

#[test]
fn reviews_by_keys_of_the_agent_count() {
    let rig = reviewed_by_nobody();
    let agent = Agent::start(&rig);
    let environment = [agent.socket()];
    let ran = by(&rig, "agent", &environment, &REVIEW);
    assert!(ran.code == 2 && ran.err.contains("the agent holds no key"), "{ran:?}");
    let first = ssh_keygen(&rig, "id_first", "ed25519", "");
    let absent = ssh_keygen(&rig, "id_absent", "ed25519", "");
    agent.add(&rig, &first);
    let public = fs::read_to_string(format!("{first}.pub")).unwrap();
    let fingerprint = PublicKey::parse_with_comment(&public).unwrap().fingerprint().to_string();
    let granted = by(
        &rig,
        rig.key_path("owner").to_str().unwrap(),
        &environment,
        &["key", "grant", "agent", "--principal", "ana", "--role", "reviewer"],
    );
    assert_eq!(granted.code, 0, "{granted:?}");
    for word in ["agent", &format!("{first}.pub"), &public, &fingerprint] {
        counts(&rig, word, &environment, "ed25519");
    }
    for word in [format!("{absent}.pub"), fs::read_to_string(format!("{absent}.pub")).unwrap()] {
        let ran = by(&rig, &word, &environment, &REVIEW);
        assert!(ran.code == 2 && ran.err.contains("the agent does not hold SHA256:"), "{ran:?}");
        assert!(ran.err.contains(&fingerprint) && ran.err.contains("hint: ssh-add FILE"), "{ran:?}");
    }
    let ran = by(&rig, &format!("{first}.pub"), &[], &REVIEW);
    assert!(ran.code == 2 && ran.err.contains("SSH_AUTH_SOCK is not set"), "{ran:?}");
    let ran = by(&rig, &fingerprint, &[("SSH_AUTH_SOCK", "/nowhere/agent.sock")], &REVIEW);
    assert!(ran.code == 2 && ran.err.contains("/nowhere/agent.sock does not answer"), "{ran:?}");

    let second = ssh_keygen(&rig, "id_second", "ecdsa", "");
    agent.add(&rig, &second);
    reviewer(&rig, &format!("{second}.pub"), "ben");
    counts(&rig, &format!("{second}.pub"), &environment, "ecdsa-p256");
    let ran = by(&rig, "agent", &environment, &REVIEW);
    assert!(ran.code == 2 && ran.err.contains("the agent holds 2 keys"), "{ran:?}");
    both_auditors_accept(&rig);
}

#[test]
fn the_command_sees_neither_agent_nor_passphrase() {
    let rig = Rig::new();
    rig.plan("low");
    let agent = Agent::start(&rig);
    let key = ssh_keygen(&rig, "id_ci", "ed25519", "");
    agent.add(&rig, &key);
    rig.ok("owner", &["key", "grant", &format!("{key}.pub"), "--principal", "job", "--role", "ci"]);
    let environment = [agent.socket(), ("EVIDENCE_PASSPHRASE", PASSPHRASE)];
    let words = ["attest", "build", "--", "sh", "-c", "test -z \"$SSH_AUTH_SOCK$EVIDENCE_PASSPHRASE\""];
    let ran = by(&rig, "agent", &environment, &words);
    assert_eq!(ran.code, 0, "{ran:?}");
    rig.verify().accepted();
    let ran = by(&rig, &format!("{key}.pub"), &[("EVIDENCE_PASSPHRASE", PASSPHRASE)], &words);
    assert_eq!(ran.code, 125, "no agent: {ran:?}");
}

#[test]
fn reviews_by_a_security_key_count_if_it_was_touched() {
    let rig = reviewed_by_nobody();
    let start = |name: &str, temper| SoftKey::start(&rig.path(name), temper);
    let touched = start("touched.sock", Temper::Flags(1));
    reviewer(&rig, &touched.line, "ana");
    let socket = |key: &SoftKey| key.socket.to_str().unwrap().to_owned();
    let before = newest(&rig);
    let wrong = "the signature does not hold, or was made without a touch";
    let tempers = [
        (Temper::Flags(0), wrong),
        (Temper::Flags(4), wrong),
        (Temper::Flags(0x81), wrong),
        (Temper::OtherMessage, wrong),
        (Temper::OtherApplication, wrong),
        (Temper::Plain, wrong),
        (Temper::Refuses, "the agent refused"),
        (Temper::Garbage, "the agent's answer is malformed"),
        (Temper::Cut, "does not answer"),
        (Temper::Endless, "its length is none, or above 256 KiB"),
    ];
    for (number, (temper, why)) in tempers.into_iter().enumerate() {
        let key = start(&format!("{number}.sock"), temper);
        let ran = by(&rig, &key.line, &[("SSH_AUTH_SOCK", &socket(&key))], &REVIEW);
        assert!(ran.code == 2 && ran.err.contains(why), "{temper:?}: {ran:?}");
    }
    assert_eq!(newest(&rig), before, "nothing was recorded");
    counts(&rig, &touched.line, &[("SSH_AUTH_SOCK", &socket(&touched))], "sk-ed25519");
    let verified = start("verified.sock", Temper::Flags(5));
    counts(&rig, "agent", &[("SSH_AUTH_SOCK", &socket(&verified))], "sk-ed25519");
    both_auditors_accept(&rig);
}

#[test]
fn openssh_verifies_what_the_software_authenticator_signs() {
    let rig = Rig::new();
    let key = SoftKey::start(&rig.path("sk.sock"), Temper::Flags(1));
    fs::write(rig.path("sk.pub"), &key.line).unwrap();
    fs::write(rig.path("message"), "what was signed").unwrap();
    fs::write(rig.path("signers"), format!("ana {}\n", key.line)).unwrap();
    let keygen = |words: &[&str]| {
        let mut command = Command::new("ssh-keygen");
        isolate(&mut command, &rig);
        command.args(words).current_dir(rig.path("")).env("SSH_AUTH_SOCK", &key.socket);
        command.stdin(fs::File::open(rig.path("message")).unwrap());
        command.output().unwrap_or_else(|error| panic!("openssh-client must be installed for these tests: {error}"))
    };
    let signed = keygen(&["-Y", "sign", "-f", "sk.pub", "-n", "evidence", "message"]);
    assert!(signed.status.success(), "{signed:?}");
    let verify = ["-Y", "verify", "-f", "signers", "-I", "ana", "-n", "evidence", "-s", "message.sig"];
    assert!(keygen(&verify).status.success());
    fs::write(rig.path("message"), "what was not signed").unwrap();
    assert!(!keygen(&verify).status.success());
}

#[test]
fn roots_may_be_of_any_kind_and_log_keys_may_not() {
    let rig = Rig::new();
    let second = rig.path("second");
    fs::create_dir_all(&second).unwrap();
    run(&rig, "git", &["init", "-q", "-b", "main", "second"]);
    run(
        &rig,
        "git",
        &[
            "-C",
            "second",
            "-c",
            "user.name=o",
            "-c",
            "user.email=o@example.org",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "start",
        ],
    );
    let key = SoftKey::start(&rig.path("sk.sock"), Temper::Flags(1));
    let environment = [("SSH_AUTH_SOCK", key.socket.to_str().unwrap())];
    let own = ssh_keygen(&rig, "id_ecdsa", "ecdsa", "");
    let within = |words: &[&str]| {
        let words = [&["-C", second.to_str().unwrap()], words].concat();
        by(&rig, &own, &environment, &words)
    };
    let ran = within(&[
        "init",
        "--repository",
        "second",
        "--principal",
        "ana",
        "--root",
        "SHA256:2d7sS9s3RzrTN7Z0Nzy6gMIzhrMc4LzGMn9IkF5Z8/8",
    ]);
    assert!(ran.code == 2 && !second.join(".evidence").exists() && !second.join(".git/evidence").exists(), "{ran:?}");
    let refuses = SoftKey::start(&rig.path("refuses.sock"), Temper::Refuses);
    let refuses = [("SSH_AUTH_SOCK", refuses.socket.to_str().unwrap())];
    let init =
        ["-C", second.to_str().unwrap(), "init", "--repository", "second", "--principal", "ana", "--root", &key.line];
    let init = [&init[..], &["--origin", "example.org/second"]].concat();
    let ran = by(&rig, &own, &refuses, &init);
    assert!(ran.code == 2 && ran.err.contains("the agent refused"), "{ran:?}");
    assert!(!second.join(".evidence").exists() && !second.join(".git/evidence").exists(), "nothing is left of it");
    let ran = by(&rig, &own, &environment, &init);
    assert_eq!(ran.code, 0, "{ran:?}");
    let trust = fs::read_to_string(second.join(".evidence/trust.toml")).unwrap();
    assert!(trust.contains("sk-ssh-ed25519@openssh.com "), "{trust}");
    assert_eq!(within(&["record", "halt", "--reason", "own key"]).code, 0);
    assert_eq!(within(&["--key", "agent", "record", "resume", "--reason", "root"]).code, 0);
    let ran = within(&["ledger", "check"]);
    assert_eq!(ran.code, 0, "{ran:?}");

    let mut command = rig.command("owner", &["record", "halt", "--reason", "test"]);
    let ran = Ran::of(command.env("EVIDENCE_LOG_KEY", &own).output().unwrap());
    assert!(ran.code == 2 && ran.err.contains("the log key is of P-256; wanted Ed25519"), "{ran:?}");
    let ran = rig.by("owner", &["key", "show", &format!("{own}.pub"), "--vkey", "log.example"]);
    assert!(ran.code == 2 && ran.err.contains("notes are signed with ed25519"), "{ran:?}");
}

#[test]
fn keys_that_nobody_signs_with_here_are_named() {
    let rig = Rig::new();
    let rsa = ssh_keygen(&rig, "id_rsa", "rsa", "");
    run(&rig, "openssl", &["ecparam", "-genkey", "-name", "secp384r1", "-noout", "-out", "p384.pem"]);
    run(&rig, "openssl", &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", "p384-8.pem"]);
    run(&rig, "openssl", &["genpkey", "-algorithm", "x25519", "-out", "x.pem"]);
    fs::write(rig.path("notes.txt"), "no key").unwrap();
    let names =
        ["p384.pem", "p384-8.pem", "x.pem", "notes.txt"].map(|name| rig.path(name).to_str().unwrap().to_owned());
    for key in names.iter().chain([&rsa, &format!("{rsa}.pub")]) {
        if Path::new(key).extension().is_none_or(|end| end == "pem") {
            fs::set_permissions(key, Permissions::from_mode(0o600)).unwrap();
        }
        let ran = by(&rig, key, &[], &["record", "halt", "--reason", "test"]);
        assert!(ran.code == 2 && ran.err.contains(key.as_str()) && ran.err.contains("hint: "), "{ran:?}");
    }
}

/// What the operator of a ledger, who asks nobody, writes in place of a signature.
type Forged = (&'static str, fn(&[u8]) -> Vec<u8>, bool);

/// Writes a review past append, with the signature that `forged` makes, and returns what `verify` ends with.
fn written(rig: &Rig, line: &str, algorithm: &str, sign: &dyn Fn(&[u8]) -> Vec<u8>) -> i32 {
    let forge = Forge::of(rig);
    let about = forge.planned(rig);
    let claim = "peer-review".parse().unwrap();
    let review = Review::bare(claim, Phase::Plain, Some(ReviewVerdict::Pass));
    let statement = forge.statement(rig, about.plan, Predicate::Review(review));
    // Somebody's envelope lends its form.
    let other = forge::key(rig, "stranger");
    let mut envelope = Envelope::seal(statement.print().unwrap(), &[&other]).unwrap();
    envelope.signatures[0].keyid = line.parse::<PublicKey>().unwrap().fingerprint();
    envelope.signatures[0].sig = sign(&pae(&envelope.payload_type, &envelope.payload));
    forge.write_signed(&statement, &envelope, algorithm, forge.newest());
    rig.by("stranger", &["verify"]).code
}

/// The other signature that holds.
fn with_high_s(der: &[u8]) -> Vec<u8> {
    let low = p256::ecdsa::Signature::from_der(der).unwrap();
    let high = p256::ecdsa::Signature::from_scalars(low.r().to_bytes(), (-*low.s()).to_bytes()).unwrap();
    high.to_der().as_bytes().to_vec()
}

#[test]
fn a_p256_signature_in_another_spelling_is_an_alarm() {
    use p256::ecdsa::Signature;
    let forged: [Forged; 5] = [
        ("as it is", |der| der.to_vec(), true),
        ("high s", with_high_s, false),
        ("two numbers", |der| Signature::from_der(der).unwrap().to_bytes().to_vec(), false),
        ("a byte more", |der| [der, &[0]].concat(), false),
        ("a bit", |der| der.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == 20)).collect(), false),
    ];
    for (what, change, holds) in forged {
        let rig = reviewed_by_nobody();
        let path = ssh_keygen(&rig, "id_ecdsa", "ecdsa", "");
        let public = PublicKey::parse_with_comment(&fs::read_to_string(format!("{path}.pub")).unwrap()).unwrap();
        reviewer(&rig, &public.to_string(), "ana");
        let KeyFile::Open(key) = KeyFile::parse(&fs::read_to_string(path).unwrap()).unwrap() else { panic!("locked") };
        let sign = |message: &[u8]| change(&evidence_ledger::crypto::Sign::sign(&*key, message).unwrap());
        assert_eq!(written(&rig, &public.to_string(), "ecdsa-p256", &sign), if holds { 0 } else { 3 }, "{what}");
    }
}

/// One P-256 key of 512 has a number that `ssh-keygen` writes in fewer than 32 bytes (RFC 4251, section 5, mpint).
#[test]
fn a_p256_key_file_with_a_short_number_is_read() {
    for length in [30, 31, 32] {
        let mut number = [0; 32];
        number[32 - length..].copy_from_slice(&b"EVIDENCE TEST KEY, NOT SECRET 01"[..length]);
        let key = EcdsaKey::from_bytes(&number).unwrap();
        for passphrase in ["", "open sesame"] {
            let rig = Rig::new();
            let path = rig.path("id_ecdsa");
            fs::write(&path, key.to_pem().as_bytes()).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            run(&rig, "ssh-keygen", &["-q", "-p", "-P", "", "-N", passphrase, "-f", path.to_str().unwrap()]);
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("-----BEGIN OPENSSH"), "{text}");
            let read = match KeyFile::parse(&text).unwrap() {
                KeyFile::Open(read) => *read,
                KeyFile::Locked(locked) => {
                    assert_eq!(locked.unlock("open").unwrap_err(), KeyFileError::Passphrase);
                    locked.unlock(passphrase).unwrap()
                }
            };
            assert_eq!(read.public(), key.public(), "{length} bytes, passphrase {passphrase:?}");
        }
    }
}

#[test]
fn the_algorithm_is_the_granted_keys_and_a_touch_is_demanded_of_the_operator_too() {
    let cases: [(&str, u8, &str, i32); 5] = [
        ("sk-ed25519", 1, softkey::APPLICATION, 0),
        ("ed25519", 1, softkey::APPLICATION, 3),
        ("sk-ed25519", 0, softkey::APPLICATION, 3),
        ("sk-ed25519", 0x41, softkey::APPLICATION, 3),
        ("sk-ed25519", 1, "ssh:other", 3),
    ];
    for (word, flags, application, code) in cases {
        let rig = reviewed_by_nobody();
        let key = SoftKey::start(&rig.path("sk.sock"), Temper::Flags(1));
        reviewer(&rig, &key.line, "ana");
        let sign = |message: &[u8]| softkey::assertion(flags, application, message);
        assert_eq!(written(&rig, &key.line, word, &sign), code, "{word} {flags} {application}");
    }
}
