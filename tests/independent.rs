//! A bundle and a ledger of ours before a second auditor: `independent/audit.py`, made from the format's text alone. Of records that
//! append would refuse both say the same.
//!
//! Skipped, with a message, where `python3` with `cryptography` is absent.

#![cfg(feature = "cli")]

mod common;
#[path = "common/container.rs"]
mod container;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "common/forge.rs"]
mod forge;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{CHANGE, POLICY as USUAL, Rig, junit};
use container::{pack, unpack};
use evidence_ledger::crypto::{SecretKey, sha256};
use evidence_ledger::export::Bundle;
use evidence_ledger::git::need_commit;
use evidence_ledger::model::{
    Authority as Act, Event, Grant, Outcome, PolicyRecord, Predicate, Run, Span, Statement, Subject, Time,
};
use evidence_ledger::prove::{Change, Complete, Trust};
use evidence_ledger::verify::{Authority, Policies};
use forge::Forge;

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

/// Runs the second auditor on a bundle, or with `--ledger` on the ledger, of a rig.
fn second(rig: &Rig, what: &[&str]) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/audit.py");
    let trust = rig.repo().join(".evidence/trust.toml");
    let output = Command::new("python3").arg(script).args(what).arg(trust).current_dir(rig.repo()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    (output.status.success(), said)
}

/// Runs both on a bundle: whether it holds, and for the first one also suffices.
fn both(rig: &Rig, bundle: &str) -> (bool, bool, String) {
    let ran = rig.by("stranger", &["audit", bundle]);
    let (holds, said) = second(rig, &[bundle]);
    (ran.code == 0, holds, format!("{ran:?}\n{said}"))
}

/// Returns the records of which the second auditor says that they count for nothing.
fn void(said: &str) -> BTreeSet<u64> {
    let of_line = |line: &str| line.strip_prefix("note: record ")?.split_once(" counts for nothing")?.0.parse().ok();
    said.lines().filter_map(of_line).collect()
}

/// Returns the records of a bundle that may not even hurt, by the library, and all that it holds.
fn powerless(rig: &Rig, bundle: &str) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let bundle = Bundle::open(&rig.repo().join(bundle)).unwrap();
    let trust = Trust::parse(&fs::read_to_string(rig.repo().join(".evidence/trust.toml")).unwrap()).unwrap();
    let tree = need_commit(&bundle, bundle.commit()).unwrap().tree;
    let complete = Complete::check(&bundle, &trust, Change { id: bundle.change().clone(), tree }).unwrap();
    let policies = Policies::read(&complete, &bundle).unwrap();
    let authority = Authority::replay(&complete, &policies, &trust, complete.map().time);
    let serial = |record: &evidence_ledger::prove::Logged| record.serial();
    let is_void = |record: &&evidence_ledger::prove::Logged| !authority.may_hurt(record);
    (complete.records().filter(is_void).map(serial).collect(), complete.records().map(serial).collect())
}

/// The pen of whoever holds the log's key, for what append refuses.
struct Pen<'a> {
    rig: &'a Rig,
    forge: Forge,
    /// What was written by somebody who could not.
    void: BTreeSet<u64>,
}

impl<'a> Pen<'a> {
    fn of(rig: &'a Rig) -> Self {
        Self { rig, forge: Forge::of(rig), void: BTreeSet::new() }
    }

    fn key(&self, who: &str) -> SecretKey {
        forge::key(self.rig, who)
    }

    fn write(&mut self, who: &str, statement: &Statement, time: Time) {
        let (serial, _) = self.forge.write(statement, &[&self.key(who)], time);
        self.void.insert(serial);
    }

    /// A failed attempt at `build`.
    fn fails(&mut self, who: &str) {
        let (first, start) = self.forge.about(self.rig, who, forge::start("build"));
        let failed = Run { outcome: Outcome::Fail, ..forge::passed(self.rig, "build", start) };
        let (second, _) = self.forge.about(self.rig, who, Predicate::Result(failed));
        self.void.extend([first, second]);
    }

    fn halts(&mut self, who: &str) {
        let predicate = Predicate::Event(Event::Halt { reason: "denial of service".to_owned() });
        let subjects = vec![Subject::sha256("origin", sha256(self.forge.ledger.origin().as_bytes()))];
        let statement = Statement { subjects, binding: self.forge.binding(false, None), predicate };
        self.write(who, &statement, self.forge.newest());
    }

    fn grants(&mut self, who: &str, grant: Grant) {
        let key: evidence_ledger::crypto::PublicKey = grant.key.parse().unwrap();
        let subjects = vec![Subject::sha256("key", key.spki_sha256())];
        let binding = self.forge.binding(false, None);
        let statement = Statement { subjects, binding, predicate: Predicate::Authority(Act::Grant(grant)) };
        self.write(who, &statement, self.forge.newest());
    }

    fn rules(&mut self, who: &str, policy: &str) {
        let digest = self.forge.ledger.blobs().put(policy.as_bytes()).unwrap();
        let predicate = Predicate::Policy(PolicyRecord { bytes: policy.len() as u64, reason: None });
        let subjects = vec![Subject::sha256("policy", digest)];
        let statement = Statement { subjects, binding: self.forge.binding(false, None), predicate };
        self.write(who, &statement, self.forge.newest());
    }

    /// Both hold the bundle for sound, and agree which of its records count for nothing: those that were written here.
    fn agree(&self, accepted: bool) {
        let _ = fs::remove_file(self.rig.path("b.zip"));
        self.rig.ok("stranger", &["export", "-o", "../b.zip"]);
        let (first, holds, said) = both(self.rig, "../b.zip");
        assert_eq!((first, holds), (accepted, true), "{said}");
        let (powerless, held) = powerless(self.rig, "../b.zip");
        let void: BTreeSet<u64> = void(&said).intersection(&held).copied().collect();
        let wanted: BTreeSet<u64> = self.void.intersection(&held).copied().collect();
        assert_eq!((&void, &powerless), (&wanted, &wanted), "{said}");
        let (holds, said) = second(self.rig, &["--ledger", ".git/evidence"]);
        assert!(holds && self::void(&said) == self.void, "{:?}: {said}", self.void);
    }
}

fn is_skipped() -> bool {
    let skipped = !is_there();
    if skipped {
        println!("skipped: no python3 with cryptography");
    }
    skipped
}

#[test]
fn both_auditors_know_when_a_granter_or_lessor_ended() {
    if is_skipped() {
        return;
    }
    let rig = Rig::new();
    rig.key("admin");
    rig.grant("admin", "adm", "admin", &[]);
    for (by, who, role) in [("admin", "given", "ci"), ("admin", "second", "admin"), ("owner", "apart", "ci")] {
        rig.key(who);
        let path = rig.key_path(who).display().to_string();
        rig.ok(by, &["key", "grant", &path, "--principal", who, "--role", role]);
    }
    rig.plan("low");
    let leased = rig.key_path("leased").display().to_string();
    let words = ["--for", "job-7", "--role", "ci", "--change", CHANGE, "--until", "2h", "-o", &leased];
    rig.ok("given", &[&["key", "lease"], &words[..]].concat());
    for who in ["apart", "given", "leased"] {
        rig.ok(who, &["attest", "build", "--", "true"]);
    }
    let mut pen = Pen::of(&rig);
    pen.agree(true);
    rig.revoke("admin");
    // Three steps above the lease somebody was revoked; what rests on the root stays.
    for who in ["given", "leased"] {
        pen.fails(who);
        pen.halts(who);
    }
    rig.ok("apart", &["attest", "build", "--", "true"]);
    pen.agree(true);
    // Neither a grant nor a policy by an administrator who ended takes effect, nor what rests on that grant.
    rig.key("late");
    let late = forge::grant(&pen.key("late"), "late", "ci");
    pen.grants("second", late);
    pen.fails("late");
    pen.rules("second", &USUAL.replace("[\"build\"]", "[\"scan\"]"));
    pen.agree(true);
    pen.rules("apart", &USUAL.replace("[\"build\"]", "[\"scan\"]"));
    // Who made it may halt, and is no administrator: the record counts, and is no policy in force.
    pen.void.pop_last();
    pen.agree(true);
}

#[test]
fn both_auditors_know_when_a_grant_ended_by_itself_or_is_for_another_change() {
    if is_skipped() {
        return;
    }
    let rig = Rig::new();
    for (who, more) in [("short", ["--until", "1h"]), ("elsewhere", ["--for-change", "shop/other"])] {
        rig.key(who);
        rig.grant(who, who, "ci", &more);
    }
    rig.key("boss");
    rig.grant("boss", "boss", "admin", &["--until", "1h"]);
    rig.key("below");
    let path = rig.key_path("below").display().to_string();
    rig.ok("boss", &["key", "grant", &path, "--principal", "below", "--role", "ci"]);
    rig.plan("low");
    rig.pass("build");
    let mut pen = Pen::of(&rig);
    pen.fails("elsewhere");
    pen.agree(true);
    let end = pen.forge.newest().after(Span(3601));
    pen.forge.wait_until(&rig, end);
    for who in ["short", "below"] {
        pen.fails(who);
        pen.halts(who);
    }
    pen.agree(true);
    // A lease for longer, for other changes, or for more than its lessor holds is none.
    let lease = |seed: &[u8; 32], role: &str, until: u64, change: &str| Grant {
        owner: Some("ci-1".parse().unwrap()),
        leased_by: Some(forge::key(&rig, "ci-1").public().fingerprint()),
        until: Some(Time(until)),
        changes: vec![change.parse().unwrap()],
        ..forge::grant(&SecretKey::from_seed(seed), "job", role)
    };
    let later = end.0 + 3600;
    let job = b"EVIDENCE TEST KEY, NOT SECRET 21";
    fs::write(rig.key_path("job"), &*SecretKey::from_seed(job).to_pem()).unwrap();
    for (role, change) in [("reviewer", CHANGE), ("ci", "shop/other")] {
        pen.grants("ci-1", lease(job, role, later, change));
        // The lessor may say it; it gives nothing.
        pen.void.pop_last();
        pen.fails("job");
    }
    pen.agree(true);
    pen.grants("ci-1", lease(job, "ci", later, CHANGE));
    pen.void.pop_last();
    pen.fails("job");
    for _ in 0..2 {
        pen.void.pop_last();
    }
    pen.agree(false);
}

#[test]
fn both_auditors_refuse_a_record_by_a_key_that_is_granted_only_behind_it() {
    if is_skipped() {
        return;
    }
    for is_late in [false, true] {
        let rig = Rig::new();
        rig.key("late");
        rig.plan("low");
        rig.pass("build");
        let mut pen = Pen::of(&rig);
        let granted = forge::grant(&pen.key("late"), "late", "ci");
        if is_late {
            pen.fails("late");
            pen.grants("root", granted);
        } else {
            pen.grants("root", granted);
            pen.fails("late");
        }
        let (holds, said) = second(&rig, &["--ledger", ".git/evidence"]);
        let checked = rig.by("stranger", &["ledger", "check"]);
        let judged = rig.by("stranger", &["verify"]);
        if is_late {
            assert!(!holds && said.contains("is neither root nor granted there"), "{said}");
            assert_eq!(checked.code, 3, "{checked:?}");
            assert!(judged.code == 1 && judged.out.contains("E305"), "{judged:?}");
            // Nobody can hand on what does not hold.
            let exported = rig.by("stranger", &["export", "-o", "../b.zip"]);
            assert!(exported.code == 1 && exported.err.contains("E305"), "{exported:?}");
        } else {
            assert!(holds && checked.code == 0, "{said}\n{checked:?}");
            assert!(judged.code == 1 && judged.out.contains("E202") && !judged.out.contains("E305"), "{judged:?}");
        }
    }
}

/// Merges a change of one test more each time, so that its branch protects them all.
fn merged(rig: &Rig, number: usize) {
    rig.git(&["checkout", "-q", "-b", &format!("c{number}"), "main"]);
    rig.commit(&format!("src/c{number}.rs"), "x\n");
    rig.ok("planner", &["plan", &format!("shop/c{number}"), "--tier", "low", "--implementer", "agent"]);
    fs::write(rig.path("t.xml"), junit(number + 1, 0)).unwrap();
    rig.ok("ci-1", &["attest", "build", "--report", "../t.xml"]);
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", &format!("c{number}")]);
    rig.ok("ci-1", &["record", "merge"]);
}

/// A branch that keeps its tests, with some merges.
fn keeping() -> Rig {
    let keep = "by = \"ci\"\ntests = { baseline = \"keep\" }\n\n[claim.unit-tests]";
    let rig = Rig::with(&[("by = \"ci\"\n\n[claim.unit-tests]", keep)]);
    rig.git(&["checkout", "-q", "main"]);
    for number in 0..6 {
        merged(&rig, number);
    }
    rig
}

#[test]
fn both_auditors_follow_what_a_branch_protects() {
    if is_skipped() {
        return;
    }
    let rig = keeping();
    // The newest merge, one in the middle, the first; and an open change that begins three merges ago.
    rig.git(&["checkout", "-q", "-b", "open", "main~3"]);
    rig.commit("src/open.rs", "x\n");
    rig.ok("planner", &["plan", "shop/open", "--tier", "low", "--implementer", "agent", "--base", "main~3"]);
    fs::write(rig.path("t.xml"), junit(4, 0)).unwrap();
    rig.ok("ci-1", &["attest", "build", "--report", "../t.xml"]);
    for change in ["c5", "c3", "c0", "open"] {
        rig.git(&["checkout", "-q", change]);
        let file = format!("../{change}.zip");
        rig.ok("stranger", &["export", &format!("shop/{change}"), "-o", &file]);
        let (first, holds, said) = both(&rig, &file);
        assert!(first && holds, "{change}: {said}");
    }
    // Neither takes a bundle of which one member is another or missing.
    let whole = unpack(&fs::read(rig.path("open.zip")).unwrap());
    assert!(whole.iter().any(|(name, _)| name.ends_with(".item")));
    let mut seen = BTreeSet::new();
    for (at, (name, bytes)) in whole.iter().enumerate() {
        let kind = name.split('/').next().unwrap().to_owned() + name.rsplit('.').next().unwrap_or_default();
        if name == "README.txt" || !seen.insert(kind) {
            continue;
        }
        let mut changed = bytes.clone();
        if let Some(byte) = changed.get_mut(bytes.len() / 2) {
            *byte ^= 1;
        }
        let mut others = vec![without(&whole, at)];
        others.extend((changed != *bytes).then(|| with(&whole, at, changed)));
        for members in others {
            fs::write(rig.path("hostile.zip"), pack(&members)).unwrap();
            let (first, holds, said) = both(&rig, "../hostile.zip");
            assert!(!first && !holds, "{name}, {} members: {said}", members.len());
        }
    }
}

#[test]
fn both_auditors_refuse_a_merge_to_another_branch_than_planned() {
    if is_skipped() {
        return;
    }
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    rig.ok("ci-1", &["verify", "--record"]);
    let forge = Forge::of(&rig);
    let log = forge.ledger.read().unwrap();
    let verdict = log.leaf(log.size() - 2).unwrap();
    let merge = |branch: &str| {
        let predicate = Predicate::Event(Event::Merge {
            branch: branch.to_owned(),
            repository: "shop".parse().unwrap(),
            changes: vec![CHANGE.parse().unwrap()],
            verdict: Some(verdict),
            baseline: None,
        });
        let subjects = vec![Subject::commit(forge::oid(&rig, "HEAD")), Subject::Tree(forge::oid(&rig, "HEAD^{tree}"))];
        let statement = Statement { subjects, binding: forge.binding(false, None), predicate };
        forge.write(&statement, &[&forge::key(&rig, "ci-1")], forge.newest());
    };
    rig.ok("stranger", &["export", CHANGE, "-o", "../a.zip"]);
    let (first, holds, said) = both(&rig, "../a.zip");
    assert!(first && holds, "{said}");
    merge("refs/heads/release");
    rig.ok("stranger", &["export", CHANGE, "-o", "../b.zip"]);
    let (first, holds, said) = both(&rig, "../b.zip");
    assert!(!first && !holds && said.contains("E110") && said.contains("was planned for refs/heads/main"), "{said}");
}

fn without(members: &[(String, Vec<u8>)], at: usize) -> Vec<(String, Vec<u8>)> {
    let mut members = members.to_vec();
    members.remove(at);
    members
}

fn with(members: &[(String, Vec<u8>)], at: usize, bytes: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut members = members.to_vec();
    members[at].1 = bytes;
    members
}
