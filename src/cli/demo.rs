//! `evidence demo`: the main job on real parts, four attacks, and what a branch keeps: its tests, its pictures and its numbers. Each
//! step is a child process of this binary.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use zip::write::SimpleFileOptions;

use super::args::DemoArgs;
use super::fail::Fail;
use super::print;
use crate::policy::TIERS_EXAMPLE;

pub(super) fn run(args: &DemoArgs) -> Result<u8, Fail> {
    let folder = tempfile::Builder::new()
        .prefix("evidence-demo-")
        .tempdir()
        .map_err(|error| Fail::io("cannot make a folder in", &std::env::temp_dir(), &error))?;
    let demo =
        Demo::new(folder.path().canonicalize().map_err(|error| Fail::io("cannot read", folder.path(), &error))?)?;
    let told = demo.tell();
    if args.keep {
        let kept = folder.keep();
        print(&format!("\nkept in {}\n", kept.display()));
    }
    told?;
    Ok(0)
}

struct Demo {
    folder: PathBuf,
    repository: PathBuf,
    config: PathBuf,
    program: PathBuf,
}

impl Demo {
    fn new(folder: PathBuf) -> Result<Self, Fail> {
        let program =
            std::env::current_exe().map_err(|error| Fail::usage(format!("this program cannot be found: {error}")))?;
        let (repository, config) = (folder.join("shop"), folder.join("config"));
        Ok(Self { folder, repository, config, program })
    }

    fn tell(&self) -> Result<(), Fail> {
        self.heading("A repository with a small library, a ledger, a policy with three tiers, and keys");
        self.make_repository()?;
        self.evidence(&["init", "--repository", "shop", "--principal", "olga", "--policy", "../policy.toml"], 0)?;
        for (name, role, email) in [
            ("planner", "planner", None),
            ("ci-linux", "ci", None),
            ("ci-scan", "ci", None),
            ("ana", "reviewer", Some("ana@example.org")),
            ("lea", "admin", Some("lea@example.org")),
        ] {
            self.evidence(&["key", "new", name], 0)?;
            let key = self.key(name);
            let mut words = vec!["key", "grant", &key, "--principal", name, "--role", role];
            words.extend(email.iter().flat_map(|email| ["--email", email]));
            self.evidence(&words, 0)?;
        }
        self.git(&["add", "."])?;
        self.git(&["commit", "-q", "-m", "evidence: policy and trust"])?;

        self.heading("A change is planned before it is written: its tier cannot be chosen afterwards");
        self.git(&["checkout", "-q", "-b", "discount"])?;
        let (planner, linux, scan) = (self.key("planner"), self.key("ci-linux"), self.key("ci-scan"));
        self.evidence(&["--key", &planner, "plan", "--tier", "medium", "--implementer", "agent-7"], 0)?;
        self.write("shop/src/lib.rs", LIBRARY)?;
        self.git(&["commit", "-q", "-a", "-m", "a discount"])?;

        self.heading("The real test suite runs under attest, and the merge gate says what is missing");
        self.evidence(&["--key", &linux, "attest", "unit-tests", "--", "cargo", "test", "--offline"], 0)?;
        self.evidence(&["verify"], 1)?;

        self.heading("The missing gates run; one fails first, is mended, and both attempts stay in the ledger");
        self.write("lint.sarif", &sarif("lint", &[]))?;
        self.evidence(&["--key", &linux, "attest", "lint", "--report", "../lint.sarif"], 0)?;
        self.write("scan.sarif", "this is not a report")?;
        self.evidence(&["--key", &scan, "attest", "security-scan", "--report", "sarif=../scan.sarif"], 1)?;
        self.evidence(&["verify"], 1)?;
        self.write("scan.sarif", &sarif("scan", &[]))?;
        self.evidence(&["--key", &scan, "attest", "security-scan", "--report", "sarif=../scan.sarif"], 0)?;
        self.evidence(&["verify"], 0)?;

        self.heading("The auditor gets one file, and a process that sees only it and a trust file");
        fs::create_dir(self.folder.join("auditor")).map_err(|error| Fail::io("cannot make", &self.folder, &error))?;
        self.evidence(&["export", "-o", "../auditor/bundle.zip"], 0)?;
        self.copy("shop/.evidence/trust.toml", "auditor/trust.toml")?;
        self.audit("bundle.zip", 0)?;

        self.heading("Attack 1: the failed attempt is left out of the bundle");
        let left_out = self.tamper("bundle.zip", "left-out.zip", &Tamper::LeaveOutFailure)?;
        print(&format!("# left out: {left_out}\n"));
        self.audit("left-out.zip", 1)?;
        self.heading("Attack 2: a byte of a report is changed");
        let changed = self.tamper("bundle.zip", "changed.zip", &Tamper::ChangeReport)?;
        print(&format!("# changed: {changed}\n"));
        self.audit("changed.zip", 3)?;
        self.heading("Attack 3: the evidence is replayed for another commit");
        self.git(&["worktree", "add", "-q", "-b", "replay", "../replay"])?;
        self.write("replay/src/lib.rs", &LIBRARY.replace("price / 10", "price / 2"))?;
        self.git(&["-C", "../replay", "commit", "-q", "-a", "-m", "half price"])?;
        self.evidence(&["-C", "../replay", "verify", "shop/discount"], 1)?;

        self.heading("The change is merged: from now on the branch keeps its tests");
        self.git(&["checkout", "-q", "main"])?;
        self.git(&["merge", "-q", "--ff-only", "discount"])?;
        self.evidence(&["--key", &linux, "record", "merge"], 0)?;
        self.keep(&planner, &linux, &scan)?;
        self.numbers(&planner, &linux)?;
        print("\nAll of it went as it must.\n");
        Ok(())
    }

    /// The second change: it loses a test, meets no criterion, cannot run its lint, and shows a page.
    fn keep(&self, planner: &str, linux: &str, scan: &str) -> Result<(), Fail> {
        let by = |key: &str, words: &[&str], wanted| self.evidence(&[&["--key", key], words].concat(), wanted);
        self.heading("The next change has a criterion, and one of its tests is gone");
        self.git(&["checkout", "-q", "-b", "postage"])?;
        self.write("spec.md", "- [ ] AC-1: a large order costs no postage {tests: *postage*}\n")?;
        by(planner, &["plan", "--tier", "medium", "--implementer", "agent-7", "--spec", "../spec.md"], 0)?;
        let lost = LIBRARY.replace(LOST_TEST, "");
        let with_postage = lost.replacen("#[cfg(test)]", &format!("{POSTAGE}#[cfg(test)]"), 1);
        self.write("shop/src/lib.rs", &with_postage)?;
        self.write("shop/page.html", "<h1>Shop</h1>\n")?;
        self.git(&["add", "."])?;
        self.git(&["commit", "-q", "-m", "postage"])?;
        by(linux, &["attest", "unit-tests", "--", "cargo", "test", "--offline"], 0)?;
        self.evidence(&["verify"], 1)?;

        self.heading("The criterion gets its test; somebody entitled lets the old test go, and the lint this once");
        self.write("shop/src/lib.rs", &(with_postage.trim_end().trim_end_matches('}').to_owned() + POSTAGE_TEST))?;
        self.git(&["commit", "-q", "-a", "-m", "a test of postage"])?;
        by(linux, &["attest", "unit-tests", "--", "cargo", "test", "--offline"], 0)?;
        by(scan, &["attest", "security-scan", "--report", "sarif=../scan.sarif"], 0)?;
        let why = ["--reason", "an order always has an item", "--until", "2d"];
        let retire = ["allow", "retire", "unit-tests", "--name", "*nothing_costs_nothing"];
        by(&self.key("lea"), &[&retire[..], &why].concat(), 0)?;
        let why = ["--reason", "its server is down, ticket 12", "--until", "1d"];
        by(&self.key("lea"), &[&["allow", "waive", "lint"][..], &why].concat(), 0)?;
        self.write_bytes("white.png", WHITE)?;
        self.write_bytes("black.png", BLACK)?;
        let attest = ["attest", "pictures", "--attach", "page=../page.png", "--", "cp"];
        by(linux, &[&attest[..], &["../white.png", "../page.png"]].concat(), 0)?;
        let look = ["review", "looks", "--picture", "page=../page.png", "--verdict", "pass"];
        by(&self.key("ana"), &look, 0)?;
        self.evidence(&["verify"], 0)?;

        self.heading("Attack 4: the picture is replaced after the review");
        by(linux, &[&attest[..], &["../black.png", "../page.png"]].concat(), 0)?;
        self.evidence(&["verify"], 1)?;
        Ok(())
    }

    /// Another repository, whose branch keeps numbers and names: one change gets all of them worse at once.
    fn numbers(&self, planner: &str, ci: &str) -> Result<(), Fail> {
        let mill = self.folder.join("mill");
        let evidence = |words: &[&str], wanted| self.step(&mill, words, wanted);
        let by = |key: &str, words: &[&str], wanted| evidence(&[&["--key", key], words].concat(), wanted);
        let git = |words: &[&str]| self.git(&[&["-C", "../mill"], words].concat());
        let lea = self.key("lea");
        self.heading("Another repository keeps numbers: coverage, skipped tests, findings, an interface, how long it takes, mutants");
        let tests = mill.join("tests");
        fs::create_dir_all(&tests).map_err(|error| Fail::io("cannot make", &tests, &error))?;
        self.write("mill/test.sh", RUNNER)?;
        self.write("mill/tests/there.sh", "test -e mill.py\n")?;
        self.write("mill/.gitignore", "/tests.xml\n")?;
        self.write("mill/mill.py", "# grinds\n")?;
        self.write("quality.toml", QUALITY)?;
        git(&["init", "-q", "-b", "main", "."])?;
        git(&["config", "user.name", "agent-7"])?;
        git(&["config", "user.email", "agent-7@example.org"])?;
        git(&["add", "."])?;
        git(&["commit", "-q", "-m", "a mill"])?;
        evidence(&["init", "--repository", "mill", "--principal", "olga", "--policy", "../quality.toml"], 0)?;
        for (name, role, key) in
            [("planner", "planner", planner), ("ci-linux", "ci", ci), ("lea", "admin", lea.as_str())]
        {
            evidence(&["key", "grant", key, "--principal", name, "--role", role], 0)?;
        }
        let quality = |covered: usize, seconds: &str, names: &str, skipped: &str, finding: &[&str]| {
            let lines: String = (1..=4).map(|line| format!("DA:{line},{}\n", usize::from(line <= covered))).collect();
            self.write("lines.lcov", &format!("SF:mill.py\n{lines}end_of_record\n"))?;
            self.write("bench.json", &BENCH.replace("SECONDS", seconds))?;
            self.write("api.txt", names)?;
            self.write("tests.xml", &TESTS.replace("SKIPPED", skipped))?;
            self.write("scan.sarif", &sarif("scan", finding))?;
            let reports = ["tests.xml", "lcov=lines.lcov", "hyperfine=bench.json", "names=api.txt", "scan.sarif"];
            let named = reports.map(|report| match report.split_once('=') {
                Some((format, name)) => format!("{format}=../{name}"),
                None => format!("../{report}"),
            });
            let words: Vec<&str> = named.iter().flat_map(|report| ["--report", report.as_str()]).collect();
            by(ci, &[&["attest", "quality"], &words[..]].concat(), 0)
        };
        let new_tests = || {
            let words = ["attest", "new-tests", "--report", "tests.xml", "--on-base", "--", "sh", "test.sh"];
            by(ci, &words, 0)
        };
        let mutants = |state: &str, wanted| {
            self.write("mutants.json", &MUTANTS.replace("STATE", state))?;
            by(ci, &["attest", "mutants", "--report", "stryker=../mutants.json"], wanted)
        };
        git(&["checkout", "-q", "-b", "first"])?;
        self.write("mill/mill.py", "print('grinds')\n")?;
        self.write("mill/tests/grinds.sh", "grep -q print mill.py\n")?;
        git(&["add", "."])?;
        git(&["commit", "-q", "-m", "it grinds"])?;
        by(planner, &["plan", "--tier", "all", "--implementer", "agent-7"], 0)?;
        quality(3, "1.0", "grind\nstop\n", "", &[])?;
        mutants("Killed", 0)?;
        new_tests()?;
        by(ci, &["attest", "manual", "--", "true"], 0)?;
        evidence(&["verify"], 0)?;
        git(&["checkout", "-q", "main"])?;
        git(&["merge", "-q", "--ff-only", "first"])?;
        by(ci, &["record", "merge"], 0)?;

        self.heading(
            "A change makes each of them worse, its mutation run was broken off, and its new test shows nothing",
        );
        git(&["checkout", "-q", "-b", "second"])?;
        self.write("mill/mill.py", "print('grinds finer')\n")?;
        self.write("mill/tests/finer.sh", "true\n")?;
        git(&["add", "."])?;
        git(&["commit", "-q", "-m", "it grinds finer"])?;
        by(planner, &["plan", "--tier", "all", "--implementer", "agent-7"], 0)?;
        quality(2, "1.34", "grind\n", "<skipped/>", &[FINDING])?;
        mutants("Pending", 1)?;
        new_tests()?;
        evidence(&["verify"], 1)?;
        evidence(&["baseline", "diff"], 0)?;

        self.heading("What can be mended is mended; for the rest somebody entitled signs, and it shows as that");
        self.write("mill/tests/finer.sh", "grep -q finer mill.py\n")?;
        git(&["commit", "-q", "-a", "-m", "a test of it"])?;
        quality(3, "1.05", "grind\n", "", &[FINDING])?;
        mutants("Killed", 0)?;
        new_tests()?;
        let until = ["--until", "2d"];
        let allow = |words: &[&str]| by(&lea, &[&["allow"], words, &until].concat(), 0);
        allow(&["retire", "quality", "--name", "stop", "--reason", "the mill stops by itself"])?;
        allow(&["admit", "quality", "--name", "scan S1 mill.py:1", "--reason", "a false alarm"])?;
        allow(&["exempt", "manual", "--reason", "nothing that the manual tells has changed"])?;
        evidence(&["verify"], 0)?;
        Ok(())
    }

    fn make_repository(&self) -> Result<(), Fail> {
        fs::create_dir_all(self.repository.join("src"))
            .map_err(|error| Fail::io("cannot make", &self.repository, &error))?;
        let limits = "failed_max = 0 }";
        self.write(
            "policy.toml",
            &(TIERS_EXAMPLE.replacen(limits, "failed_max = 0, baseline = \"keep\" }", 1) + PICTURES),
        )?;
        self.write(
            "shop/Cargo.toml",
            "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n",
        )?;
        self.write("shop/Cargo.lock", "# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\nversion = 3\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n")?;
        self.write("shop/.gitignore", "/target\n")?;
        self.write(
            "shop/src/lib.rs",
            &LIBRARY[..LIBRARY.find("\n/// Returns the price after").unwrap_or(LIBRARY.len())],
        )?;
        self.git(&["init", "-q", "-b", "main", "."])?;
        self.git(&["config", "user.name", "agent-7"])?;
        self.git(&["config", "user.email", "agent-7@example.org"])?;
        self.git(&["add", "."])?;
        self.git(&["commit", "-q", "-m", "a shop"])
    }

    /// Runs this program in the repository, shows its command and what it says, and holds its exit code against the wanted one.
    fn evidence(&self, words: &[&str], wanted: i32) -> Result<Output, Fail> {
        self.step(&self.repository, words, wanted)
    }

    fn audit(&self, bundle: &str, wanted: i32) -> Result<Output, Fail> {
        self.step(&self.folder.join("auditor"), &["audit", bundle, "--trust", "trust.toml"], wanted)
    }

    fn step(&self, folder: &Path, words: &[&str], wanted: i32) -> Result<Output, Fail> {
        let shown: Vec<String> = words.iter().map(|word| quote(word)).collect();
        let is_auditor = folder == self.folder.join("auditor");
        let config = if !is_auditor {
            format!("XDG_CONFIG_HOME={} ", quote(&self.config.display().to_string()))
        } else {
            String::new()
        };
        print(&format!(
            "\n$ (cd {} && {config}{} {})\n",
            quote(&folder.display().to_string()),
            quote(&self.program.display().to_string()),
            shown.join(" ")
        ));
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(folder);
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("EVIDENCE_") || name_text.starts_with("GITHUB_") || name_text.starts_with("CI_") {
                command.env_remove(&name);
            }
        }
        let nowhere = self.folder.join("nowhere");
        command.env("XDG_CONFIG_HOME", if is_auditor { &nowhere } else { &self.config });
        command.env("CARGO_TARGET_DIR", self.folder.join("target")).env("CARGO_TERM_COLOR", "never");
        let output = command.output().map_err(|error| Fail::io("cannot run", &self.program, &error))?;
        print(&String::from_utf8_lossy(&output.stdout));
        print(&String::from_utf8_lossy(&output.stderr));
        let code = output.status.code().unwrap_or(-1);
        print(&format!("# exit code {code}\n"));
        if code == wanted {
            return Ok(output);
        }
        Err(Fail::usage(format!("this step ended with {code}; wanted {wanted}"))
            .hint("evidence demo --keep keeps the folder to look around"))
    }

    fn git(&self, words: &[&str]) -> Result<(), Fail> {
        let output =
            Command::new("git").args(["-c", "commit.gpgsign=false"]).args(words).current_dir(&self.repository).output();
        let output = output.map_err(|error| Fail::usage(format!("git cannot run: {error}")).hint("install git"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Fail::usage(format!("git {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim())))
    }

    fn key(&self, name: &str) -> String {
        self.config.join("evidence/keys").join(format!("{name}.pem")).display().to_string()
    }

    fn heading(&self, text: &str) {
        print(&format!("\n== {text}\n"));
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Fail> {
        self.write_bytes(name, text.as_bytes())
    }

    fn write_bytes(&self, name: &str, bytes: &[u8]) -> Result<(), Fail> {
        let path = self.folder.join(name);
        fs::write(&path, bytes).map_err(|error| Fail::io("cannot write", &path, &error))
    }

    fn copy(&self, from: &str, to: &str) -> Result<(), Fail> {
        let path = self.folder.join(from);
        fs::copy(&path, self.folder.join(to)).map(drop).map_err(|error| Fail::io("cannot copy", &path, &error))
    }

    /// Packs a bundle again with one member changed or left out; says which.
    fn tamper(&self, from: &str, to: &str, how: &Tamper) -> Result<String, Fail> {
        let broken = |error: &dyn std::fmt::Display| Fail::usage(format!("the bundle cannot be packed again: {error}"));
        let folder = self.folder.join("auditor");
        let file = fs::File::open(folder.join(from)).map_err(|error| broken(&error))?;
        let mut archive = zip::ZipArchive::new(file).map_err(|error| broken(&error))?;
        let mut members = Vec::new();
        for index in 0..archive.len() {
            let mut member = archive.by_index(index).map_err(|error| broken(&error))?;
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).map_err(|error| broken(&error))?;
            members.push((String::from_utf8_lossy(member.name_raw()).into_owned(), bytes));
        }
        let touched = how.apply(&mut members).ok_or_else(|| broken(&"it has not what is to be changed"))?;
        let out = fs::File::create(folder.join(to)).map_err(|error| broken(&error))?;
        let mut zip = zip::ZipWriter::new(out);
        for (name, bytes) in members {
            let options =
                SimpleFileOptions::default().last_modified_time(zip::DateTime::default()).unix_permissions(0o644);
            zip.start_file(name, options).map_err(|error| broken(&error))?;
            zip.write_all(&bytes).map_err(|error| broken(&error))?;
        }
        zip.finish().map_err(|error| broken(&error))?;
        Ok(touched)
    }
}

enum Tamper {
    LeaveOutFailure,
    ChangeReport,
}

impl Tamper {
    fn apply(&self, members: &mut Vec<(String, Vec<u8>)>) -> Option<String> {
        match self {
            Self::LeaveOutFailure => {
                let failed =
                    members.iter().find(|(name, bytes)| name.starts_with("envelopes/") && is_failure(bytes))?.0.clone();
                let statement = failed.strip_prefix("envelopes/")?.strip_suffix(".json")?.to_owned();
                let line = format!("statement sha256:{statement}\n");
                let entry = members
                    .iter()
                    .find(|(name, bytes)| {
                        name.starts_with("entries/") && String::from_utf8_lossy(bytes).contains(&line)
                    })?
                    .0
                    .clone();
                members.retain(|(name, _)| *name != failed && *name != entry);
                Some(format!("{entry} and its envelope"))
            }
            Self::ChangeReport => {
                let (name, bytes) = members.iter_mut().find(|(name, bytes)| {
                    name.starts_with("materials/") && String::from_utf8_lossy(bytes).contains("test result: ok")
                })?;
                let first = bytes.first_mut()?;
                *first ^= 1;
                Some(format!("the first byte of {name}"))
            }
        }
    }
}

/// Returns whether an envelope holds a result that is not a pass.
fn is_failure(envelope: &[u8]) -> bool {
    let payload = crate::crypto::Envelope::parse(envelope).map(|envelope| envelope.payload).unwrap_or_default();
    let text = String::from_utf8_lossy(&payload).into_owned();
    text.contains("evidence:result/v1")
        && (text.contains("\"outcome\":\"inconclusive\"") || text.contains("\"outcome\":\"fail\""))
}

fn sarif(tool: &str, results: &[&str]) -> String {
    format!(
        r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"{tool}","rules":[]}}}},"invocations":[{{"executionSuccessful":true}}],"results":[{}]}}]}}"#,
        results.join(",")
    )
}

fn quote(word: &str) -> String {
    let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./=:,+@%".contains(&b));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

const LIBRARY: &str = r#"//! A very small shop.

/// Returns the sum of prices, in cents.
pub fn total(prices: &[u64]) -> u64 {
    prices.iter().sum()
}

/// Returns the price after the discount, in cents.
pub fn discounted(price: u64) -> u64 {
    price - price / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_costs_nothing() {
        assert_eq!(total(&[]), 0);
    }

    #[test]
    fn a_tenth_is_taken_off() {
        assert_eq!(discounted(total(&[600, 400])), 900);
    }
}
"#;

/// The test of [`LIBRARY`] that the second change loses.
const LOST_TEST: &str = r#"    #[test]
    fn nothing_costs_nothing() {
        assert_eq!(total(&[]), 0);
    }

"#;

/// What the second change adds.
const POSTAGE: &str = r#"/// Returns what it costs to send an order, in cents.
pub fn postage(total: u64) -> u64 {
    if total < 5000 { 490 } else { 0 }
}

"#;

const POSTAGE_TEST: &str = r#"
    #[test]
    fn large_orders_cost_no_postage() {
        assert_eq!((postage(4999), postage(5000)), (490, 0));
    }
}
"#;

/// Pages are shown, and somebody looks at them.
const PICTURES: &str = r#"
[claim.pictures]
family      = "functionality"
by          = "ci"
attachments = { kinds = ["picture"], reviewed_by = "looks" }

[claim.looks]
family         = "functionality"
by             = "reviewer"
form           = "review"
independent_of = ["implementer"]

[[when]]
paths   = ["**/*.html"]
require = ["pictures"]
"#;

/// A picture of one white point, and one of a black one.
const WHITE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\x0aIDATx\xdac\xf8\x0f\0\x01\x01\x01\0\x1c\xb0\x8c\x99\0\0\0\0IEND\xaeB`\x82";
const BLACK: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\x0aIDATx\xdac`\0\0\0\x02\0\x01\xe5'\xde\xfc\0\0\0\0IEND\xaeB`\x82";

/// What the second repository keeps.
const QUALITY: &str = r#"version = 1
tiers = ["all"]

[claim.quality]
family       = "non-regression"
by           = "ci"
tests        = { baseline = "keep", skipped = "ceiling" }
coverage     = { baseline = "floor" }
findings     = { new_max = 0 }
names        = { baseline = "keep" }
measurements = { tolerance = 10 }

[claim.mutants]
family   = "functionality"
by       = "ci"
mutation = { score_min = 60 }

[claim.new-tests]
family = "functionality"
by     = "ci"
tests  = { failed_max = 0, differential = { paths = ["tests/**"] } }

[claim.manual]
family = "functionality"
by     = "ci"

[tier.all]
require = ["quality", "mutants", "new-tests", "manual"]

[may]
plan  = ["planner"]
grant = ["admin"]
allow = ["admin"]
merge = ["ci"]
"#;

/// A runner of tests that writes JUnit.
const RUNNER: &str = r#"{
  echo '<testsuite name="mill">'
  for file in tests/*.sh; do
    sh "$file" && how= || how='<failure/>'
    echo "<testcase file=\"$file\" name=\"$file\">$how</testcase>"
  done
  echo '</testsuite>'
} > tests.xml
! grep -q failure tests.xml
"#;

const BENCH: &str = r#"{"results":[{"command":"grind","mean":SECONDS,"median":SECONDS,"min":SECONDS,"max":SECONDS,"times":[SECONDS,SECONDS],"exit_codes":[0,0]}]}
"#;

const TESTS: &str = r#"<testsuite name="mill"><testcase classname="mill" name="grinds"/><testcase classname="mill" name="stops">SKIPPED</testcase></testsuite>
"#;

const FINDING: &str = r#"{"ruleId":"S1","level":"error","message":{"text":"a number without a name"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"mill.py"},"region":{"startLine":1}}}]}"#;

const MUTANTS: &str = r#"{"schemaVersion":"1.0","thresholds":{"high":80,"low":60},"files":{"mill.py":{"language":"python","source":"a\nb\n","mutants":[
{"id":"1","mutatorName":"a","status":"Killed","location":{"start":{"line":1,"column":1},"end":{"line":1,"column":2}}},
{"id":"2","mutatorName":"b","status":"STATE","location":{"start":{"line":2,"column":1},"end":{"line":2,"column":2}}}]}}}
"#;
