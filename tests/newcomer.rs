//! What a newcomer does: the commands of the README, in a repository of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Place {
    _folder: tempfile::TempDir,
    repository: PathBuf,
    config: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (repository, config) = (folder.path().join("shop"), folder.path().join("config"));
        std::fs::create_dir(&repository).unwrap();
        let place = Self { _folder: folder, repository, config };
        place.git(&["init", "-q", "-b", "main"]);
        place.git(&["config", "user.name", "Ana Bee"]);
        place.git(&["config", "user.email", "ana@example.org"]);
        place.write("a.txt", "a");
        place.commit("first");
        place
    }

    fn git(&self, words: &[&str]) {
        let output = Command::new("git").args(words).current_dir(&self.repository).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.repository.join(name), text).unwrap();
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "."]);
        self.git(&["commit", "-q", "-m", message]);
    }

    fn evidence(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evidence"));
        command.args(words).current_dir(&self.repository).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("XDG_CONFIG_HOME", &self.config);
        command.output().unwrap()
    }

    fn answer(&self, words: &[&str], wanted: i32) -> String {
        let output = self.evidence(words);
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(wanted), "{words:?}: {text}");
        text
    }

    fn start(&self) {
        let told = self.answer(&["init"], 0);
        assert!(told.contains("git add .evidence && git commit"), "{told}");
        self.commit("evidence: policy and trust");
    }
}

fn accepted_alone(place: &Place) {
    place.answer(&["verify"], 1);
    place.answer(&["attest", "tests", "--", "sh", "-c", "echo fine"], 0);
    let verdict = place.answer(&["verify"], 0);
    for wanted in ["accepted: shop/", "limitation one-person", "limitation operator-unbound"] {
        assert!(verdict.contains(wanted), "{wanted}: {verdict}");
    }
}

#[test]
fn alone_on_the_only_branch() {
    let place = Place::new();
    place.start();
    accepted_alone(&place);
}

#[test]
fn alone_on_a_branch() {
    let place = Place::new();
    place.start();
    place.git(&["checkout", "-q", "-b", "Feature/ABC 1".replace(' ', "-").as_str()]);
    place.write("b.txt", "b");
    place.commit("second");
    accepted_alone(&place);
    let verdict = place.answer(&["verify", "--json"], 0);
    assert!(verdict.contains("\"change\": \"shop/feature/abc-1\""), "{verdict}");
}

#[test]
fn a_failing_command_is_recorded_and_refused() {
    let place = Place::new();
    place.start();
    place.answer(&["attest", "tests", "--", "sh", "-c", "exit 7"], 7);
    let verdict = place.answer(&["verify"], 1);
    assert!(verdict.contains("refused: E202 failed"), "{verdict}");
    place.answer(&["attest", "tests", "--", "true"], 0);
    place.answer(&["verify"], 0);
}

#[test]
fn init_overwrites_nothing() {
    let place = Place::new();
    place.start();
    let before = files(&place.config);
    let told = place.answer(&["init"], 2);
    assert!(told.contains("is there already"), "{told}");
    assert_eq!(before, files(&place.config));
}

#[test]
fn init_with_tiers_says_what_a_team_does_first() {
    let place = Place::new();
    let told = place.answer(&["init", "--policy", "tiers"], 0);
    for wanted in ["evidence plan --tier low", "evidence attest build -- CMD"] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    let written = std::fs::read_to_string(place.repository.join(".evidence/policy.toml")).unwrap();
    assert_eq!(written, evidence_ledger::policy::MODEL);
    place.commit("evidence: policy and trust");
    place.answer(&["policy", "check"], 0);
    let told = place.answer(&["attest", "build", "--", "true"], 125);
    assert!(told.contains("has no plan"), "{told}");
}

#[test]
fn init_takes_no_other_word_and_no_tiers_beside_a_policy() {
    let place = Place::new();
    let told = place.answer(&["init", "--policy", "tier"], 2);
    assert!(told.contains("the policy cannot be read"), "{told}");
    std::fs::create_dir(place.repository.join(".evidence")).unwrap();
    place.write(".evidence/policy.toml", "version = 1\n");
    let told = place.answer(&["init", "--policy", "tiers"], 2);
    assert!(told.contains(".evidence/policy.toml is there already"), "{told}");
    assert!(!place.config.exists() || files(&place.config).is_empty());
}

#[test]
fn what_was_committed_after_the_attempt_is_not_covered() {
    let place = Place::new();
    place.start();
    place.answer(&["attest", "tests", "--", "true"], 0);
    place.write("a.txt", "changed");
    place.commit("later");
    let verdict = place.answer(&["verify"], 1);
    assert!(verdict.contains("E210 other-commit"), "{verdict}");
}

#[test]
fn the_bundle_audits_with_nothing_but_itself_and_a_trust_file() {
    let place = Place::new();
    place.start();
    place.answer(&["attest", "tests", "--", "true"], 0);
    let note = place.repository.join("older.note");
    std::fs::copy(place.repository.join(".git/evidence/checkpoint"), &note).unwrap();
    place.answer(&["verify", "--record"], 0);
    place.answer(&["export", "-o", "../bundle.zip", "--since", "older.note"], 0);
    let auditor = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_evidence"));
    command
        .args(["audit", "--trust"])
        .arg(place.repository.join(".evidence/trust.toml"))
        .arg(place.repository.join("../bundle.zip"));
    command.arg("--since").arg(&note).current_dir(auditor.path()).env_clear().env("HOME", auditor.path());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("the log only grew since size"), "{text}");
}

#[test]
fn the_demonstration_goes_as_it_must_and_its_commands_can_be_pasted() {
    let place = Place::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_evidence"));
    command.args(["demo", "--keep"]).current_dir(&place.repository).env("TMPDIR", place.repository.parent().unwrap());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("\nAll of it went as it must.\n\nkept in "), "{text}");
    for wanted in [
        "E260 lost-name",
        "E240 criterion-open",
        "E244 picture-not-reviewed",
        "E262 new-name",
        "E264 below-floor",
        "E265 worse-measurement",
        "E269 above-ceiling",
        "E203 inconclusive",
        "1 retired by lea",
        "1 admitted by lea",
        "waived",
        "not-applicable",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    // What only reads says the same again: audits, and the last verdict.
    let steps: Vec<&str> = text.split("\n$ ").skip(1).collect();
    let audits = steps.iter().filter(|step| step.lines().next().unwrap().contains(" audit "));
    let reads: Vec<&&str> = audits.chain(steps.last()).collect();
    assert_eq!(reads.len(), 4);
    for step in reads {
        let (line, said) = step.split_once('\n').unwrap();
        let mut shell = Command::new("sh");
        let ran = shell.args(["-c", line]).current_dir("/").output().unwrap();
        assert!(said.contains(&format!("# exit code {}\n", ran.status.code().unwrap())), "{line}");
        let again = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        // A verdict tells when it was made.
        let lines = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.starts_with("as of ")).map(ToOwned::to_owned).collect()
        };
        assert!(lines(said).starts_with(&lines(&again)) && !again.is_empty(), "{line}: {again}");
    }
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                found.push((path.clone(), std::fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
