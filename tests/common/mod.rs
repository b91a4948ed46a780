//! A place to try the program in: a real git repository with a ledger, and keys of a planner, two jobs, a reviewer and an agent.
//!
//! The place is made once by the program itself and copied for each test. Nothing of the user's or the CI system's
//! environment is seen.
#![expect(dead_code, reason = "each test program uses a part of it")]

pub mod team;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use evidence_ledger::crypto::sha256;
use serde_json::Value;
use tempfile::TempDir;

/// The program.
pub const EVIDENCE: &str = env!("CARGO_BIN_EXE_evidence");

/// The change that the branch of a rig makes.
pub const CHANGE: &str = "shop/feature";

/// The policy of a rig. Low: `build`; medium: `unit-tests` and `scan` too; high: `peer-review` too.
pub const POLICY: &str = r#"version = 1
tiers = ["low", "medium", "high"]

[claim.build]
family = "functionality"
by = "ci"

[claim.unit-tests]
family = "functionality"
by = "ci"
tests = { passed_min = 2, failed_max = 0 }

[claim.scan]
family = "security"
by = "ci"
findings = { high_max = 0 }

[claim.peer-review]
family = "process"
by = "reviewer"
form = "review"
independent_of = ["implementer"]
waivable = false

[tier.low]
require = ["build"]

[tier.medium]
require = ["unit-tests", "scan"]

[tier.high]
require = ["peer-review"]

[may]
plan = ["planner"]
grant = ["admin"]
policy = ["admin"]
allow = ["admin"]
resume = ["admin"]
merge = ["ci"]
"#;

/// Returns the beginning of a PNG of one by one, and then some text by which it differs.
pub fn png(what: &str) -> Vec<u8> {
    [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0"[..], what.as_bytes()].concat()
}

/// A repository on the branch `feature`, one commit of the agent's ahead of `main`, and its ledger.
pub struct Rig {
    folder: TempDir,
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub out: String,
    pub err: String,
}

/// What `verify --json` came to.
#[derive(Debug)]
pub struct Verdict {
    pub code: i32,
    pub json: Value,
}

impl Rig {
    /// Copies the template.
    pub fn new() -> Self {
        let template = TEMPLATE.get_or_init(Self::template);
        let rig = Self { folder: TempDir::new().unwrap() };
        let status = Command::new("cp").arg("-a").arg(format!("{}/.", template.display())).arg(rig.path("")).status();
        assert!(status.unwrap().success());
        rig.remember();
        rig
    }

    /// A rig whose policy is the usual one with some text replaced.
    pub fn with(replace: &[(&str, &str)]) -> Self {
        let rig = Self::new();
        rig.apply(replace);
        rig
    }

    /// Puts the usual policy into force with some text replaced.
    pub fn apply(&self, replace: &[(&str, &str)]) {
        let mut text = POLICY.to_owned();
        for (from, to) in replace {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        fs::write(self.path("policy.toml"), text).unwrap();
        self.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
    }

    fn template() -> PathBuf {
        let rig = Self { folder: TempDir::new().unwrap() };
        fs::create_dir_all(rig.repo()).unwrap();
        fs::create_dir_all(rig.path("home")).unwrap();
        rig.git(&["init", "-q", "-b", "main"]);
        rig.git(&["config", "user.name", "owner"]);
        rig.git(&["config", "user.email", "owner@example.org"]);
        rig.write("src/lib.rs", "one\n");
        rig.write(".gitignore", "/out/\n");
        fs::write(rig.path("policy.toml"), POLICY).unwrap();
        rig.git(&["add", "-A"]);
        rig.git(&["commit", "-q", "-m", "start"]);
        rig.ok("owner", &["init", "--repository", "shop", "--policy", "../policy.toml"]);
        rig.git(&["add", "-A"]);
        rig.git(&["commit", "-q", "-m", "evidence"]);
        for (name, role) in
            [("planner", "planner"), ("ci-1", "ci"), ("ci-2", "ci"), ("reviewer", "reviewer"), ("agent", "implementer")]
        {
            rig.key(name);
            rig.grant(name, name, role, &["--email", &format!("{name}@example.org")]);
        }
        rig.key("stranger");
        rig.git(&["checkout", "-q", "-b", "feature"]);
        rig.git(&["config", "user.name", "agent"]);
        rig.git(&["config", "user.email", "agent@example.org"]);
        rig.commit("src/lib.rs", "two\n");
        rig.folder.keep()
    }

    /// Moves the user's memory of the repository to where the program looks for it: its name tells the place.
    fn remember(&self) {
        let folder = self.path("config/evidence/repositories");
        let old = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        let common = self.repo().join(".git").canonicalize().unwrap();
        let hash = sha256(common.to_string_lossy().as_bytes()).to_string();
        fs::rename(old, folder.join(format!("repo-{}", &hash[..12]))).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn repo(&self) -> PathBuf {
        self.path("repo")
    }

    /// Where private keys lie.
    pub fn key_path(&self, name: &str) -> PathBuf {
        let name = if name == "owner" { "default" } else { name };
        self.path("config/evidence/keys").join(format!("{name}.pem"))
    }

    /// Makes a key.
    pub fn key(&self, name: &str) {
        self.ok("owner", &["key", "new", name]);
    }

    /// Lets the owner grant a role to a key.
    pub fn grant(&self, key: &str, principal: &str, role: &str, more: &[&str]) -> Ran {
        let path = self.key_path(key);
        let mut words = vec!["key", "grant", path.to_str().unwrap(), "--principal", principal, "--role", role];
        words.extend(more);
        self.ok("owner", &words)
    }

    /// Lets the owner revoke a key.
    pub fn revoke(&self, key: &str) {
        self.ok("owner", &["key", "revoke", self.key_path(key).to_str().unwrap(), "--reason", "stolen"]);
    }

    /// The program, signing with somebody's key.
    pub fn command(&self, who: &str, words: &[&str]) -> Command {
        let mut command = Command::new(EVIDENCE);
        isolate(&mut command, self);
        command.args(words).current_dir(self.repo()).env("EVIDENCE_KEY", self.key_path(who)).stdin(Stdio::null());
        if who == "owner" {
            command.env_remove("EVIDENCE_KEY");
        }
        command
    }

    pub fn by(&self, who: &str, words: &[&str]) -> Ran {
        Ran::of(self.command(who, words).output().unwrap())
    }

    /// Runs the program, which must end with 0.
    pub fn ok(&self, who: &str, words: &[&str]) -> Ran {
        let ran = self.by(who, words);
        assert_eq!(ran.code, 0, "{words:?} by {who}: {ran:?}");
        ran
    }

    /// Runs the program, which must refuse with 1 and say why.
    pub fn refuses(&self, who: &str, words: &[&str], why: &str) -> Ran {
        let ran = self.by(who, words);
        let code = if words.first() == Some(&"attest") && words.contains(&"--") { 125 } else { 1 };
        assert_eq!(ran.code, code, "{words:?} by {who}: {ran:?}");
        assert!(ran.err.contains(why), "wanted `{why}`: {ran:?}");
        ran
    }

    /// Runs the program and comes back once the attempt has started; the command waits until `out/go` is there.
    pub fn background(&self, who: &str, claim: &str, more: &[&str], then: &str) -> Child {
        let script = format!("mkdir -p out; : > out/began; while ! test -e out/go; do sleep 0.02; done; {then}");
        let mut words = vec!["attest", claim];
        words.extend(more);
        words.extend(["--", "sh", "-c", &script]);
        let mut command = self.command(who, &words);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for(&self.repo().join("out/began"));
        child
    }

    /// Lets the command in the background end.
    pub fn go(&self, mut child: Child) -> i32 {
        self.write("out/go", "");
        let code = child.wait().unwrap().code().unwrap_or(-1);
        fs::remove_dir_all(self.repo().join("out")).unwrap();
        code
    }

    pub fn plan(&self, tier: &str) {
        self.ok("planner", &["plan", CHANGE, "--tier", tier, "--implementer", "agent"]);
    }

    /// Attests with a command that ends with 0, by `ci-1`.
    pub fn pass(&self, claim: &str) -> Ran {
        self.ok("ci-1", &["attest", claim, "--", "true"])
    }

    /// Attests with a command that ends with 1, by `ci-1`.
    pub fn fail(&self, claim: &str) {
        assert_eq!(self.by("ci-1", &["attest", claim, "--", "false"]).code, 1);
    }

    /// Attests all that tier medium demands, by `ci-1`.
    pub fn medium(&self) {
        self.pass("build");
        fs::write(self.path("tests.xml"), junit(2, 0)).unwrap();
        fs::write(self.path("scan.sarif"), sarif(&[])).unwrap();
        self.ok("ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
        self.ok("ci-1", &["attest", "scan", "--report", "../scan.sarif"]);
    }

    /// Attests with a report and no command.
    pub fn report(&self, claim: &str, name: &str, text: &str) -> Ran {
        fs::write(self.path(name), text).unwrap();
        self.by("ci-1", &["attest", claim, "--report", &format!("../{name}")])
    }

    pub fn review(&self, who: &str, verdict: &str) -> Ran {
        self.by(who, &["review", "peer-review", "--verdict", verdict])
    }

    pub fn verify(&self) -> Verdict {
        self.verify_with(&[])
    }

    pub fn verify_with(&self, more: &[&str]) -> Verdict {
        let mut words = vec!["verify", "--json"];
        words.extend(more);
        Verdict::of(self.by("stranger", &words))
    }

    pub fn git(&self, words: &[&str]) -> String {
        let output = self.git_command(words).output().unwrap();
        assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn git_command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("git");
        isolate(&mut command, self);
        command.args(words).current_dir(self.repo());
        command
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.repo().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits a file.
    pub fn commit(&self, name: &str, text: &str) -> String {
        self.commit_saying(name, text, "work")
    }

    pub fn commit_saying(&self, name: &str, text: &str, message: &str) -> String {
        self.write(name, text);
        self.git(&["add", "--", name]);
        self.git(&["commit", "-q", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }
}

impl Ran {
    pub fn of(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        let code = output.status.code().unwrap_or_else(|| 1000 + output.status.signal().unwrap_or(0));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code, out: text(&output.stdout), err: text(&output.stderr), stdout: output.stdout }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Verdict {
    pub fn of(ran: Ran) -> Self {
        Self { code: ran.code, json: ran.json() }
    }

    pub fn accepted(&self) -> &Self {
        assert_eq!(self.code, 0, "{:#}", self.json);
        assert_eq!(self.json["decision"], "accepted");
        self
    }

    /// Refused, with exactly these codes.
    pub fn refused(&self, codes: &[&str]) -> &Self {
        assert_eq!(self.code, 1, "{:#}", self.json);
        assert_eq!(self.json["decision"], "refused");
        let mut found = self.codes();
        found.sort_unstable();
        found.dedup();
        let mut wanted = codes.to_vec();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{:#}", self.json);
        self
    }

    /// Could not judge, and says so.
    pub fn unjudged(&self, why: &str) -> &Self {
        assert_eq!(self.code, 2, "{:#}", self.json);
        assert!(self.json["error"]["text"].as_str().unwrap().contains(why), "{:#}", self.json);
        self
    }

    pub fn codes(&self) -> Vec<&str> {
        let findings = self.json["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect()
    }

    pub fn limitations(&self) -> Vec<&str> {
        let limitations = self.json["limitations"].as_array().unwrap();
        limitations.iter().map(|limitation| limitation["name"].as_str().unwrap()).collect()
    }
}

/// Hides the world.
pub fn isolate(command: &mut Command, rig: &Rig) {
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.env("HOME", rig.path("home")).env("XDG_CONFIG_HOME", rig.path("config"));
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
}

/// Waits for a file, 20 s at most.
pub fn wait_for(path: &Path) {
    for _ in 0..2000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{} did not come", path.display());
}

/// A JUnit report with so many tests that pass and fail.
pub fn junit(passed: usize, failed: usize) -> String {
    let mut text = format!(
        "<testsuites tests=\"{0}\" failures=\"{failed}\"><testsuite name=\"s\" tests=\"{0}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\">",
        passed + failed
    );
    for number in 0..passed {
        text.push_str(&format!("<testcase classname=\"s\" name=\"p{number}\" time=\"0\"/>"));
    }
    for number in 0..failed {
        text.push_str(&format!(
            "<testcase classname=\"s\" name=\"f{number}\" time=\"0\"><failure message=\"no\"/></testcase>"
        ));
    }
    text.push_str("</testsuite></testsuites>");
    text
}

/// A SARIF report with findings of these severities (`security-severity`).
pub fn sarif(severities: &[&str]) -> String {
    let rules: Vec<Value> = severities
        .iter()
        .enumerate()
        .map(|(number, severity)| serde_json::json!({"id": format!("R{number}"), "properties": {"security-severity": severity}}))
        .collect();
    let results: Vec<Value> = severities
        .iter()
        .enumerate()
        .map(|(number, _)| {
            serde_json::json!({"ruleId": format!("R{number}"), "ruleIndex": number, "level": "error", "message": {"text": "found"}})
        })
        .collect();
    serde_json::json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "scanner", "rules": rules}},
            "invocations": [{"executionSuccessful": true}],
            "results": results
        }]
    })
    .to_string()
}

/// Runs a program of the system, which must succeed.
pub fn system<S: AsRef<OsStr>>(program: &str, words: &[S]) {
    assert!(Command::new(program).args(words).status().unwrap().success(), "{program}");
}

static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
