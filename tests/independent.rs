//! A bundle and a ledger of ours before a second auditor: `independent/audit.py`, made from the format's text alone.
//!
//! Skipped, with a message, where `python3` with `cryptography` is absent.

#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const POLICY: &str = r#"
[claim.unit-tests]
family = "functionality"
by     = "ci"

[claim.peer-review]
family = "process"
by     = "reviewer"
form   = "review"

"#;

const LINES: &str = "coverage = { changed_lines_min = 90 }";

/// A repository with a home of its own.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("shop")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        for name in ["EVIDENCE_LEDGER", "EVIDENCE_TRUST", "EVIDENCE_KEY", "EVIDENCE_CHANGE"] {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(self.path("shop")).env("XDG_CONFIG_HOME", self.path("config"));
        command.env("HOME", self.folder.path()).env("GIT_CONFIG_NOSYSTEM", "1");
        command.output().unwrap()
    }

    fn git(&self, arguments: &[&str]) {
        let output = self.run("git", arguments);
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
    }

    /// Runs the program, which must end with the code.
    fn evidence(&self, code: i32, arguments: &[&str]) {
        let output = self.run(env!("CARGO_BIN_EXE_evidence"), arguments);
        assert_eq!(output.status.code(), Some(code), "evidence {arguments:?}: {output:?}");
    }

    fn commit(&self, file: &str, text: &str) {
        let path = self.path("shop").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.git(&["add", "-A"]);
        self.git(&["commit", "-qm", file]);
    }

    fn audit(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/audit.py");
        let output = self.run("python3", &[&[script.to_str().unwrap()], arguments].concat());
        (
            output.status.code(),
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        )
    }
}

fn is_there() -> bool {
    let imports = "import sys, tomllib, cryptography; sys.exit(sys.version_info < (3, 11))";
    Command::new("python3").args(["-c", imports]).output().is_ok_and(|output| output.status.success())
}

/// Returns the one file of the name below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .find_map(|path| if path.is_dir() { find(&path, name) } else { path.ends_with(name).then_some(path) })
}

#[test]
fn a_second_auditor_comes_to_the_same() {
    if !is_there() {
        println!("skipped: no python3 with cryptography");
        return;
    }
    let place = Place::new();
    place.git(&["init", "-q", "-b", "main"]);
    place.git(&["config", "user.name", "olga"]);
    place.git(&["config", "user.email", "olga@example.org"]);
    place.commit("a/b/one", "1\n");
    place.evidence(0, &["init", "--repository", "shop"]);
    let policy = place.path("shop/.evidence/policy.toml");
    let starter = fs::read_to_string(&policy).unwrap();
    fs::write(&policy, starter.replace("[may]", &format!("{POLICY}[may]"))).unwrap();
    place.evidence(0, &["policy", "apply", ".evidence/policy.toml"]);
    place.commit("a/two", "2\n");
    fs::copy(place.path("shop/.git/evidence/checkpoint"), place.path("old.note")).unwrap();

    // A branch with a merge of the main branch in it.
    place.git(&["checkout", "-qb", "feature"]);
    place.commit("a/new/three", "3\n");
    place.git(&["checkout", "-q", "main"]);
    place.commit("four", "4\n");
    place.git(&["checkout", "-q", "feature"]);
    place.git(&["merge", "-q", "--no-edit", "main"]);
    let change = ["--change", "shop/feature"];
    place.evidence(0, &["plan", "shop/feature", "--tier", "low", "--alias", "pr/7"]);
    place.evidence(1, &[&["attest", "unit-tests"], &change[..], &["--", "false"]].concat());
    place.evidence(0, &[&["attest", "unit-tests"], &change[..], &["--", "true"]].concat());
    fs::write(place.path("notes.md"), "fine\n").unwrap();
    place.evidence(
        0,
        &[&["review", "peer-review", "--verdict", "pass", "--notes", "../notes.md"], &change[..]].concat(),
    );
    place.evidence(0, &["record", "halt", "--reason", "incident 12"]);
    place.evidence(0, &["record", "resume", "--reason", "over"]);
    place.evidence(1, &["verify", "shop/feature", "--record"]);
    place.evidence(0, &["export", "shop/feature", "-o", "../bundle.zip", "--since", "../old.note"]);

    let trust = find(&place.path("config"), "trust.toml").unwrap();
    let trust = trust.to_str().unwrap();
    let (code, said) = place.audit(&["../bundle.zip", trust, "--since", "../old.note"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = place.audit(&["--ledger", ".git/evidence", trust]);
    assert_eq!(code, Some(0), "{said}");

    // Where the policy asks who implemented a change, what is filed under the names of its authors is there too.
    place.git(&["checkout", "-q", "main"]);
    let asks = fs::read_to_string(&policy).unwrap();
    let asks = asks.replace("[claim.unit-tests]", "[claim.unit-tests]\nindependent_of = [\"implementer\"]");
    let asks = asks.replace("require = [\"tests\"]", "require = [\"unit-tests\"]");
    fs::write(&policy, asks).unwrap();
    place.evidence(0, &["policy", "apply", ".evidence/policy.toml"]);
    place.commit("policy", "\n");
    place.git(&["checkout", "-qb", "asked"]);
    place.evidence(0, &["key", "new", "agent"]);
    let agent = find(&place.path("config"), "agent.pem").unwrap();
    let of_agent = ["--principal", "agent-7", "--owner", "bob", "--role", "ci", "--email", "Agent@example.org"];
    place.evidence(0, &[&["key", "grant", agent.to_str().unwrap()], &of_agent[..]].concat());
    place.git(&["config", "user.email", "agent@example.org"]);
    place.commit("five", "5\n\n");
    place.evidence(0, &["plan", "shop/asked", "--tier", "low"]);
    place.evidence(0, &["attest", "unit-tests", "--change", "shop/asked", "--", "true"]);
    place.evidence(0, &["export", "shop/asked", "-o", "../asked.zip"]);
    let (code, said) = place.audit(&["../asked.zip", trust]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("13 lists"), "{said}");

    // Where it limits the changed lines, the blobs of the touched files and all of head's folders are there too.
    place.git(&["checkout", "-q", "main"]);
    let limits =
        fs::read_to_string(&policy).unwrap().replace("[claim.unit-tests]", &format!("[claim.unit-tests]\n{LINES}"));
    fs::write(&policy, limits).unwrap();
    place.evidence(0, &["policy", "apply", ".evidence/policy.toml"]);
    place.commit("policy", "\n\n");
    place.git(&["checkout", "-qb", "covered"]);
    place.commit("a/b/one", "1\n2\n");
    place.evidence(0, &["plan", "shop/covered", "--tier", "low"]);
    fs::write(place.path("lines.info"), "SF:a/b/one\nDA:2,1\nend_of_record\n").unwrap();
    place.evidence(0, &["attest", "unit-tests", "--change", "shop/covered", "--report", "../lines.info"]);
    place.evidence(0, &["export", "shop/covered", "-o", "../covered.zip"]);
    let (_, plain) = place.audit(&["../asked.zip", trust]);
    let (code, said) = place.audit(&["../covered.zip", trust]);
    assert_eq!(code, Some(0), "{said}");
    let objects =
        |said: &str| said.split(" objects").next().and_then(|text| text.rsplit(' ').next()?.parse::<u32>().ok());
    assert!(objects(&said) > objects(&plain), "{said}{plain}");

    // It does refuse: a byte of the bundle is another one.
    let mut bytes = fs::read(place.path("bundle.zip")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(place.path("changed.zip"), bytes).unwrap();
    let (code, said) = place.audit(&["../changed.zip", trust]);
    assert_eq!(code, Some(1), "{said}");
}

#[test]
fn a_second_auditor_follows_what_the_roots_say_of_the_log() {
    if !is_there() {
        println!("skipped: no python3 with cryptography");
        return;
    }
    let place = Place::new();
    place.git(&["init", "-q", "-b", "main"]);
    place.git(&["config", "user.name", "olga"]);
    place.git(&["config", "user.email", "olga@example.org"]);
    place.commit("one", "1\n");
    place.evidence(0, &["init", "--repository", "shop"]);
    place.evidence(0, &["attest", "tests", "--", "true"]);
    let beginning = place.path("shop/.evidence/trust.toml");
    let beginning = beginning.to_str().unwrap();
    place.evidence(0, &["ledger", "rotate"]);
    place.evidence(0, &["key", "new", "root"]);
    let root = place.path("config/evidence/keys/root.pem");
    let root = root.to_str().unwrap();
    place.evidence(0, &["key", "root", root, "--threshold", "1"]);
    place.evidence(0, &["attest", "tests", "--", "true"]);
    place.evidence(0, &["export", "-o", "../open.zip"]);
    place.evidence(0, &["ledger", "rotate", "--retire"]);
    place.evidence(0, &["ledger", "close", "--reason", "it is full", "--key", root]);
    place.evidence(0, &["ledger", "trust", "-o", "../followed.toml"]);
    place.evidence(0, &["export", "-o", "../closed.zip"]);
    for arguments in [
        &["../open.zip", beginning][..],
        &["../open.zip", "../followed.toml"],
        &["../closed.zip", "../followed.toml"],
        &["--ledger", ".git/evidence", "../followed.toml"],
    ] {
        let (code, said) = place.audit(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
    }
    let (code, said) = place.audit(&["../closed.zip", beginning]);
    assert_eq!(code, Some(1), "the old key did not sign it: {said}");
}
