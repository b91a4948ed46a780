//! The program killed at each step of an append over a git remote: before, after and during each run of git, and at each call by which it writes
//! its copy and its spool. Whatever arrived is whole, what is given again is not doubled, and what was signed is delivered once.
//!
//! Of all this a run takes a sample; with `EVIDENCE_HEAVY=1` it takes everything.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::Ran;
use common::team::{Machine, Team};
use serde_json::Value;

/// What is interrupted.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// One append.
    Plan,
    /// Two, a start and a result.
    Attest,
}

/// Where the program dies, at a run of git.
#[derive(Debug, Clone, Copy)]
enum How {
    Before,
    /// Git goes on alone.
    During,
    After,
}

struct Bench {
    team: Team,
    ci: Machine,
    gate: Machine,
    git: PathBuf,
    changes: u32,
}

impl Bench {
    fn new() -> Self {
        let team = Team::new();
        let (ci, gate) = (team.machine("ci-box"), team.machine("gate"));
        ci.begin("feature", "low");
        ci.ok("ci-1", &["attest", "build", "--", "true"]);
        let path = std::env::var_os("PATH").unwrap();
        let git = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.exists()).unwrap();
        Self { team, ci, gate, git, changes: 0 }
    }

    /// Another change for each interruption: it is planned, unless that is what is interrupted.
    fn next(&mut self, act: Act) -> String {
        self.changes += 1;
        let change = format!("shop/change-{}", self.changes);
        if matches!(act, Act::Attest) {
            self.ci.ok("planner", &["plan", &change, "--tier", "low", "--implementer", "agent"]);
        }
        change
    }

    fn command(&self, act: Act, change: &str) -> Command {
        match act {
            Act::Plan => self.ci.command("planner", &["plan", change, "--tier", "low", "--implementer", "agent"]),
            Act::Attest => self.ci.command("ci-1", &["attest", "build", "--change", change, "--", "true"]),
        }
    }

    /// A `git` that kills who calls it for the `number`-th time; nobody if that is 0.
    fn shim(&self, number: usize, how: How) -> PathBuf {
        let folder = self.team.path("shim");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let (git, at) = (self.git.display(), folder.display());
        let [before, after] = match how {
            How::Before => ["kill -9 $PPID; mkdir $ended; exit 1", ":"],
            How::During => ["kill -9 $PPID", ":"],
            How::After => [":", "kill -9 $PPID"],
        };
        let script = format!(
            "#!/bin/sh\nn=1; while ! mkdir {at}/began.$n 2>/dev/null; do n=$((n+1)); done\nended={at}/ended.$n\n\
             if test $n = {number}; then {before}; fi\n{git} \"$@\"; code=$?\n\
             if test $n = {number}; then {after}; fi\nmkdir $ended; exit $code\n"
        );
        fs::write(folder.join("git"), script).unwrap();
        fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    /// Runs it with that git before the other; returns whether it was killed, and how often it ran git.
    fn run(&self, act: Act, change: &str, number: usize, how: How) -> (bool, usize) {
        let shim = self.shim(number, how);
        let mut command = self.command(act, change);
        let path = std::env::var_os("PATH").unwrap();
        let path = std::env::join_paths(std::iter::once(shim.clone()).chain(std::env::split_paths(&path))).unwrap();
        let output = command.env("PATH", path).output().unwrap();
        let killed = output.status.signal() == Some(9);
        if killed {
            // What goes on alone comes to its own end.
            common::wait_for(&shim.join(format!("ended.{number}")));
        }
        let names = fs::read_dir(&shim).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        (killed, names.filter(|name| name.starts_with("began.")).count())
    }

    /// Delivers what waits, gives it again, and holds what everybody sees; returns what was said of what waited.
    fn holds(&self, act: Act, change: &str, told: &str) -> String {
        let check = self.gate.by("reviewer", &["ledger", "check"]);
        assert_eq!(check.code, 0, "{told}: {check:?}");
        let flushed = self.ci.by("ci-1", &["attest", "--flush"]);
        assert_eq!(flushed.code, 0, "{told}: {flushed:?}");
        let again = Ran::of(self.command(act, change).output().unwrap());
        assert!(again.code == 0 || again.err.contains("planned already"), "{told}: {again:?}");
        assert_eq!(self.ci.ok("ci-1", &["attest", "--flush"]).out, "nothing waits\n", "{told}");
        let kinds = self.kinds(change);
        let count = |kind: &str| kinds.iter().filter(|found| *found == kind).count();
        assert_eq!(count("plan"), 1, "{told}: {kinds:?}");
        if matches!(act, Act::Attest) {
            // The interrupted attempt, as far as it came, and the one after it.
            let (starts, results) = (count("start"), count("result"));
            assert!((1..=2).contains(&starts) && (1..=starts).contains(&results), "{told}: {kinds:?}");
        }
        flushed.out
    }

    fn kinds(&self, change: &str) -> Vec<String> {
        let log = self.gate.ok("reviewer", &["log", "--change", change, "--limit", "1000", "--json"]).json();
        let records = log["records"].as_array().unwrap().iter();
        records.map(|record| record["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// In the end nothing is there twice, and the copy that was interrupted so often is whole.
    fn ends(&self) {
        let log = self.gate.ok("reviewer", &["log", "--limit", "10000", "--json"]).json();
        let records: Vec<&Value> = log["records"].as_array().unwrap().iter().collect();
        let statements: BTreeSet<String> = records.iter().map(|record| record["statement"].to_string()).collect();
        assert_eq!(statements.len(), records.len());
        self.ci.ok("reviewer", &["ledger", "check"]);
        self.ci.verify("shop/feature").accepted();
    }
}

#[test]
fn killed_at_each_run_of_git_an_append_is_whole_or_not_there_and_never_twice() {
    let mut bench = Bench::new();
    let (mut kills, mut delivered, mut already) = (0, 0, 0);
    for act in [Act::Plan, Act::Attest] {
        let change = bench.next(act);
        let (killed, runs) = bench.run(act, &change, 0, How::Before);
        assert!(!killed && runs > 5, "{act:?}: {runs} runs of git");
        for number in 1..=runs {
            let all = [How::Before, How::During, How::After];
            // Two appends are one twice: of theirs each run of git is met in one of the ways, but the last ones, which push the result.
            let is_sample = matches!(act, Act::Attest) && number + 3 <= runs;
            let takes_all = !is_sample || std::env::var_os("EVIDENCE_HEAVY").is_some();
            for how in all.into_iter().skip(if takes_all { 0 } else { number % 3 }).take(if takes_all { 3 } else { 1 })
            {
                let change = bench.next(act);
                let (killed, _) = bench.run(act, &change, number, how);
                kills += usize::from(killed);
                let told = format!("{act:?} killed {how:?} run {number} of {runs}");
                let flushed = bench.holds(act, &change, &told);
                delivered += flushed.matches(" delivered").count();
                already += flushed.matches(" was there already").count();
            }
        }
    }
    println!("{kills} kills, {delivered} results delivered later, {already} that had arrived");
    assert!(kills > 25 && delivered > 0 && already > 0, "{kills} kills, {delivered} delivered, {already} there");
    bench.ends();
}

#[test]
fn killed_at_any_write_of_the_copy_an_append_is_whole_or_not_there_and_never_twice() {
    if Command::new("strace").arg("-V").output().is_err() {
        return println!("skipped: no strace here");
    }
    let mut bench = Bench::new();
    let act = Act::Attest;
    let change = bench.next(act);
    let Some(calls) = calls(&bench, act, &change) else { return };
    let mut points: Vec<((String, usize), String)> = calls.into_iter().collect();
    let all = points.len();
    assert!(all > 20, "{points:?}");
    if std::env::var_os("EVIDENCE_HEAVY").is_none() {
        // Every part of the way is met, whatever the number of calls.
        let step = all.div_ceil(SAMPLE);
        points = points.into_iter().step_by(step).collect();
    }
    let mut kills = 0;
    for ((call, number), about) in &points {
        let change = bench.next(act);
        let options = [format!("-etrace={call}"), format!("-einject={call}:signal=KILL:when={number}")];
        let status = traced(&bench, act, &change, Path::new("/dev/null"), &options);
        kills += usize::from(status != Some(0));
        bench.holds(act, &change, &format!("killed at {call} {number} about {about}"));
    }
    println!("{kills} kills at {} points of {all}", points.len());
    assert!(kills * 3 >= points.len() * 2, "{kills} kills at {} points", points.len());
    bench.ends();
}

/// Lists the calls by which the program writes its copy and its spool: name, number within its thread, and what it is about.
fn calls(bench: &Bench, act: Act, change: &str) -> Option<BTreeMap<(String, usize), String>> {
    let out = bench.team.path("trace");
    let options = ["-y".to_owned(), format!("-etrace={}", CALLS.join(","))];
    if traced(bench, act, change, &out, &options) != Some(0) {
        println!("skipped: strace does not work here");
        return None;
    }
    let mut numbers: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut calls = BTreeMap::new();
    for line in fs::read_to_string(out).unwrap().lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((call, about)) = rest.trim_start().split_once('(') else { continue };
        if !CALLS.contains(&call) {
            continue;
        }
        let number = numbers.entry((thread.to_owned(), call.to_owned())).or_default();
        *number += 1;
        if let Some(at) = ["evidence-remotes/", "evidence-spool"].iter().find_map(|folder| about.find(folder)) {
            calls.entry((call.to_owned(), *number)).or_insert_with(|| about[at..].chars().take(80).collect());
        }
    }
    Some(calls)
}

/// The program under `strace`, which lets go of git; returns its exit code.
fn traced(bench: &Bench, act: Act, change: &str, out: &Path, options: &[String]) -> Option<i32> {
    let plain = bench.command(act, change);
    let mut strace = Command::new("strace");
    strace.args(["-f", "-b", "execve", "-o"]).arg(out).args(options).arg(plain.get_program()).args(plain.get_args());
    strace.current_dir(bench.ci.repo()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).env_clear();
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            strace.env(name, value);
        }
    }
    strace.status().unwrap().code()
}

const CALLS: [&str; 8] = ["openat", "write", "pwrite64", "fdatasync", "fsync", "rename", "renameat2", "mkdir"];
const SAMPLE: usize = 16;
