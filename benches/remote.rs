//! What an append costs over a git remote, beside what git itself needs to bring one commit there: sessions, bytes, time; and what it takes
//! many clones at once. Bare repository and clones lie in a temporary folder. Run with
//! `cargo bench --bench remote`, or with `EVIDENCE_BINARY=FILE` on a program that was built before.
//!
//! Sessions and bytes are counted on the remote's side, in rounds of their own; times are of whole processes without that.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bench = Bench::new(folder.path());
    let (used, other) = (bench.clone("used"), bench.clone("other"));
    other.evidence(&["plan", "shop/main", "--tier", "low"]);
    used.evidence(&["verify", "--json"]);
    let batch = bench.newest_batch_bytes();
    println!("one batch is {batch} bytes; in each round somebody else has brought one more before\n");
    println!(
        "{:34} {:>7} {:>6} {:>9} {:>9} {:>9} {:>16}",
        "", "fetches", "pushes", "B fetched", "B pushed", "ms", "least .. most"
    );
    let mut number = 0;
    let mut fresh = |what: &str| {
        number += 1;
        format!("{what}-{number}")
    };
    let mut plain_round = || {
        let name = fresh("file");
        other.commit("theirs", &name, batch);
        other.git(&["push", "-q", "origin", "HEAD:theirs"]);
        used.commit("mine", &name, batch);
        let began = Instant::now();
        used.git(&["fetch", "-q", "origin", "theirs"]);
        used.git(&["push", "-q", "origin", "HEAD:mine"]);
        began.elapsed()
    };
    row(&used, "git fetch, git push", &mut plain_round);
    used.git(&["switch", "-q", "main"]);
    for (name, words) in [
        ("plan: one append", &["plan", "ID", "--tier", "low"][..]),
        ("attest of a report: two", &["attest", "tests", "--report", "../report.xml", "--change", "ID"]),
        ("attest -- true: two", &["attest", "build", "--change", "ID", "--", "true"]),
        ("verify: none", &["verify", "ID", "--json"]),
    ] {
        let mut round = || {
            let id = fresh("shop/change");
            other.evidence(&["plan", &fresh("shop/other"), "--tier", "low"]);
            if words[0] != "plan" {
                other.evidence(&["plan", &id, "--tier", "low"]);
            }
            let words: Vec<&str> = words.iter().map(|word| if *word == "ID" { &id } else { *word }).collect();
            let began = Instant::now();
            used.evidence(&words);
            began.elapsed()
        };
        row(&used, name, &mut round);
    }
    println!();
    many(&bench, "of one user, who take turns", true);
    many(&bench, "that share nothing, and race", false);
    other.evidence(&["ledger", "check"]);
}

/// Prints what a round costs: counted once, timed often.
fn row(used: &Clone, name: &str, round: &mut dyn FnMut() -> Duration) {
    round();
    used.watch(true);
    round();
    let [fetches, fetched, pushes, pushed] = used.taken();
    used.watch(false);
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    times.sort_unstable();
    let (least, median, most) = (ms(times[0]), ms(times[times.len() / 2]), ms(times[times.len() - 1]));
    println!(
        "{name:34} {fetches:>7} {pushes:>6} {fetched:>9} {pushed:>9} {median:>9.1} {:>16}",
        format!("{least:.0} .. {most:.0}")
    );
}

/// Prints how long it takes each of many clones that append at once: a start and a result each.
fn many(bench: &Bench, who: &str, is_one_user: bool) {
    let clones: Vec<Clone> = (0..CLONES).map(|number| bench.clone(&format!("{is_one_user}-{number}"))).collect();
    for clone in &clones {
        clone.evidence(&["verify", "--json"]);
    }
    let began = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let running: Vec<_> = clones
            .iter()
            .map(|clone| {
                scope.spawn(move || {
                    let mut command = clone.program(&["attest", "build", "--change", "shop/main", "--", "true"]);
                    if is_one_user {
                        command.env("TMPDIR", &bench.folder);
                    }
                    run(&mut command);
                    began.elapsed()
                })
            })
            .collect();
        running.into_iter().map(|clone| clone.join().expect("none fails")).collect()
    });
    times.sort_unstable();
    let at = |index: usize| times[index].as_secs_f64();
    println!(
        "{CLONES} clones at once {who}: done after {:.1} s, half of them after {:.1} s, all after {:.1} s",
        at(0),
        at(times.len() / 2),
        at(times.len() - 1)
    );
}

/// A bare repository with a ledger.
struct Bench {
    folder: PathBuf,
}

impl Bench {
    fn new(folder: &Path) -> Self {
        let bench = Self { folder: folder.to_owned() };
        run(Command::new("git").args(["init", "-q", "--bare", "-b", "main"]).arg(folder.join("shop.git")));
        let founder = bench.clone("founder");
        founder.git(&["switch", "-q", "-c", "main"]);
        fs::write(folder.join("policy.toml"), POLICY).expect("a policy");
        run(&mut founder.bare(&["init", "--repository", "shop", "--policy", "../../policy.toml"]));
        founder.git(&["add", "-A"]);
        founder.git(&["commit", "-q", "-m", "start"]);
        founder.git(&["push", "-q", "origin", "HEAD:main"]);
        let config = founder.folder.join("config/evidence");
        fs::copy(config.join("keys/default.pem"), folder.join("key.pem")).expect("a key");
        let ledger = fs::read_dir(config.join("ledgers")).expect("a folder").next().expect("one").expect("it is read");
        fs::copy(ledger.path().join("log.pem"), folder.join("log.pem")).expect("a log key");
        fs::copy(founder.repo().join(".evidence/trust.toml"), folder.join("trust.toml")).expect("a trust file");
        bench
    }

    /// Clones it, for a machine that shares nothing with the others.
    fn clone(&self, name: &str) -> Clone {
        let clone = Clone { folder: self.folder.join(name), bench: self.folder.clone() };
        fs::create_dir_all(clone.folder.join("home")).expect("a folder");
        run(Command::new("git").args(["clone", "-q"]).arg(self.folder.join("shop.git")).arg(clone.repo()));
        clone.git(&["config", "user.name", "ada"]);
        clone.git(&["config", "user.email", "ada@example.org"]);
        let report = "<testsuite name=\"s\" tests=\"1\"><testcase name=\"a\" classname=\"c\"/></testsuite>\n";
        fs::write(clone.folder.join("report.xml"), report).expect("a report");
        clone
    }

    fn newest_batch_bytes(&self) -> usize {
        let repository = self.folder.join("shop.git");
        let listed = run(Command::new("git").current_dir(repository).args(["ls-tree", "-r", "-l", LEDGER_REF, "log"]));
        let mut sizes = listed.lines().filter_map(|line| line.split_whitespace().nth(3)?.parse().ok());
        sizes.next_back().expect("the ledger has a batch")
    }
}

struct Clone {
    folder: PathBuf,
    bench: PathBuf,
}

impl Clone {
    fn repo(&self) -> PathBuf {
        self.folder.join("repo")
    }

    fn isolated(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.folder.join("home")).env("XDG_CONFIG_HOME", self.folder.join("config"));
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("TMPDIR", self.folder.join("home")).current_dir(self.repo());
        command
    }

    fn git(&self, words: &[&str]) -> String {
        run(self.isolated("git").args(words))
    }

    /// Makes a commit of so many bytes on a branch.
    fn commit(&self, branch: &str, name: &str, bytes: usize) {
        self.git(&["switch", "-q", "-C", branch]);
        let mut random = vec![0; bytes / 2];
        getrandom::fill(&mut random).expect("random bytes");
        fs::write(self.repo().join(name), hex::encode(random)).expect("a file");
        self.git(&["add", name]);
        self.git(&["commit", "-q", "-m", name]);
    }

    /// The program without keys and trust file.
    fn bare(&self, words: &[&str]) -> Command {
        let program = std::env::var("EVIDENCE_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_evidence").to_owned());
        let mut command = self.isolated(&program);
        command.args(words).env("EVIDENCE_LEDGER", "git:origin");
        command
    }

    fn program(&self, words: &[&str]) -> Command {
        let mut command = self.bare(words);
        let of = |name: &str| self.bench.join(name);
        command.env("EVIDENCE_TRUST", of("trust.toml")).env("EVIDENCE_LOG_KEY", of("log.pem"));
        command.env("EVIDENCE_KEY", of("key.pem"));
        command
    }

    fn evidence(&self, words: &[&str]) {
        run(&mut self.program(words));
    }

    /// Lets the clone reach its remote through what counts, or not any more.
    fn watch(&self, on: bool) {
        for name in ["upload-pack", "receive-pack"] {
            let key = format!("remote.origin.{}", name.replace('-', ""));
            if !on {
                self.git(&["config", "--unset", &key]);
                continue;
            }
            let path = self.folder.join(name);
            let at = path.display();
            let script = format!("#!/bin/sh\necho >>{at}.n\ntee -a {at}.b | git-{name} \"$@\" | tee -a {at}.b\n");
            fs::write(&path, script).expect("a script");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be run");
            self.git(&["config", &key, &path.display().to_string()]);
        }
    }

    /// Returns fetches and their bytes, pushes and their bytes, in both directions.
    fn taken(&self) -> [u64; 4] {
        ["upload-pack.n", "upload-pack.b", "receive-pack.n", "receive-pack.b"].map(|name| {
            let path = self.folder.join(name);
            let bytes = fs::metadata(&path).map_or(0, |file| file.len());
            let _ = fs::remove_file(path);
            bytes
        })
    }
}

/// Runs a command that comes to an answer, whatever it is.
fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("it is there");
    let code = output.status.code();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(code, Some(0 | 1)), "{command:?}: {code:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

const POLICY: &str = r#"version = 1
tiers = ["low"]
[claim.build]
family = "functionality"
by = "ci"
[claim.tests]
family = "functionality"
by = "ci"
[tier.low]
require = ["build"]
[may]
plan = ["planner"]
"#;
const LEDGER_REF: &str = "refs/evidence/ledger";
const ROUNDS: usize = 15;
const CLONES: usize = 20;
