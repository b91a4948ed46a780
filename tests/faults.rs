//! The program on a disk that is full, refuses or goes away: faults injected into every call that `attest` makes on
//! the ledger's folder, and a real full disk (format, section 5).
//!
//! Whatever happens: what was answered stays, nothing is an alarm that is none, and the next attempt needs no help.
//! A run takes a sample; with `EVIDENCE_HEAVY=1` it takes every point. What a power cut leaves is in `power.rs`.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Ran, Rig, junit, system};
use evidence_ledger::model::Entry;
use evidence_ledger::store::Ledger;
use serde_json::Value;

/// What an attempt is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// A report that no material has yet.
    Report,
    /// A command that leaves a trace of having run.
    Command,
}

/// What the ledger is like before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Warm,
    NoCache,
    TornTail,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy)]
enum How {
    Full,
    Broken,
    Killed,
}

/// The `number`-th call of a name, in any thread of the program.
#[derive(Debug, Clone)]
struct Point {
    attempt: Attempt,
    before: Before,
    call: String,
    number: usize,
    how: How,
    /// What the call was about in the clean run.
    about: String,
}

/// A serial and a leaf hash that were answered.
type Answer = (u64, String);

/// A rig whose ledger can be put back as it was.
struct Bench {
    rig: Rig,
    answered: Vec<Answer>,
}

impl Bench {
    fn new() -> Self {
        let rig = Rig::new();
        rig.plan("low");
        let mut answered = Vec::new();
        for _ in 0..2 {
            answered.extend(answers(&rig.ok("ci-1", &["--json", "attest", "build", "--", "true"])));
        }
        fs::write(rig.path("tests.xml"), junit(3, 0)).unwrap();
        answered.extend(answers(&rig.ok("ci-1", &["--json", "attest", "build", "--report", "../tests.xml"])));
        assert_eq!(answered.len(), 6);
        // No attempt makes this one: a new material, and a new folder for it.
        fs::write(rig.path("tests.xml"), junit(7, 0)).unwrap();
        let bench = Self { rig, answered };
        system("cp", &[Path::new("-a"), &bench.ledger(), &bench.rig.path("kept")]);
        bench
    }

    fn ledger(&self) -> PathBuf {
        self.rig.repo().join(".git/evidence")
    }

    fn ran(&self) -> PathBuf {
        self.rig.path("ran")
    }

    fn reset(&self, before: Before) {
        fs::remove_dir_all(self.ledger()).unwrap();
        system("cp", &[Path::new("-a"), &self.rig.path("kept"), &self.ledger()]);
        let _ = fs::remove_file(self.ran());
        // Each attempt is the first that this machine sees of it.
        let _ = fs::remove_dir_all(self.rig.path("config/evidence/seen"));
        match before {
            Before::Warm => {}
            Before::NoCache => fs::remove_dir_all(self.ledger().join("cache")).unwrap(),
            Before::TornTail => {
                let segment = self.ledger().join("log/00000000.seg");
                let mut bytes = fs::read(&segment).unwrap();
                bytes.extend_from_within(..900);
                fs::write(segment, bytes).unwrap();
            }
        }
    }

    fn words(&self, attempt: Attempt) -> Vec<&'static str> {
        match attempt {
            Attempt::Report => vec!["--json", "attest", "build", "--report", "../tests.xml"],
            Attempt::Command => vec!["--json", "attest", "build", "--", "sh", "-c", "echo out; : > ../ran"],
        }
    }

    /// The program under `strace`, which lets go of git and of the command.
    fn traced(&self, attempt: Attempt, options: &[String]) -> Ran {
        let words = self.words(attempt);
        let plain = self.rig.command("ci-1", &words);
        let mut strace = Command::new("strace");
        strace.args(["-f", "-b", "execve"]).args(options).arg(plain.get_program()).args(plain.get_args());
        strace.current_dir(self.rig.repo()).stdin(Stdio::null()).env_clear();
        for (name, value) in plain.get_envs() {
            if let Some(value) = value {
                strace.env(name, value);
            }
        }
        Ran::of(strace.output().unwrap())
    }

    /// Lists the calls that an attempt makes on the ledger's folder: name, number within its thread, and what it is about.
    fn calls(&self, attempt: Attempt, before: Before) -> Option<BTreeMap<(String, usize), String>> {
        self.reset(before);
        let out = self.rig.path("trace");
        let options =
            ["-y".to_owned(), "-o".to_owned(), out.display().to_string(), format!("-etrace={}", CALLS.join(","))];
        let ran = self.traced(attempt, &options);
        if ran.code != 0 {
            println!("no strace here: {ran:?}");
            return None;
        }
        let trace = fs::read_to_string(out).unwrap();
        let folder = self.ledger().display().to_string();
        let mut numbers: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut calls = BTreeMap::new();
        for line in trace.lines() {
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            let Some((call, about)) = rest.trim_start().split_once('(') else { continue };
            if !CALLS.contains(&call) {
                continue;
            }
            let number = numbers.entry((thread, call)).or_default();
            *number += 1;
            if let Some(at) = about.find(&folder) {
                let about: String = about[at + folder.len()..].chars().take(60).collect();
                calls.entry((call.to_owned(), *number)).or_insert(about);
            }
        }
        Some(calls)
    }

    fn hit(&self, point: &Point) -> Result<bool, String> {
        self.reset(point.before);
        let starts = self.starts();
        let how = match point.how {
            How::Full => "error=ENOSPC",
            How::Broken => "error=EIO",
            How::Killed => "signal=KILL",
        };
        let out = self.rig.path("trace");
        let options = [
            "-o".to_owned(),
            out.display().to_string(),
            format!("-etrace={}", point.call),
            format!("-einject={}:{how}:when={}", point.call, point.number),
        ];
        let ran = self.traced(point.attempt, &options);
        let told = format!("{point:?} about {}: code {}, {}{}", point.about, ran.code, ran.out, ran.err);
        let hit = fs::read_to_string(out).unwrap();
        let hit = hit.contains("(INJECTED)") || hit.contains("killed by SIGKILL");
        let holds = |what: bool, text: &str| if what { Ok(()) } else { Err(format!("{text}: {told}")) };
        holds([0, 1, 2, 125, 1009].contains(&ran.code), "an end that is none of ours")?;
        holds(!ran.err.contains("panicked"), "a panic")?;
        let alarms = ["contradicts", "no whole frame", "does not hold"];
        holds(ran.code != 3 && !alarms.iter().any(|alarm| ran.out.contains(alarm)), "an alarm")?;
        let mut answered = self.answered.clone();
        answered.extend(answers(&ran));
        holds(ran.code != 0 || answered.len() > self.answered.len(), "no answer")?;
        let check = |when: &str| {
            let check = self.rig.by("stranger", &["ledger", "check"]);
            holds(check.code == 0, &format!("ledger check {when}: {check:?}"))?;
            Ok::<_, String>(check.out.contains("a writer was cut off"))
        };
        check("after the fault")?;
        self.holds(&answered).map_err(|text| format!("{text}: {told}"))?;
        holds(!self.ran().exists() || self.starts() > starts, "a command ran, and no start is in the log")?;
        let verdict = self.rig.by("stranger", &["verify"]);
        holds([0, 1].contains(&verdict.code), &format!("no verdict: {verdict:?}"))?;
        let next = self.rig.by("ci-1", &self.words(point.attempt));
        holds(next.code == 0, &format!("the next attempt: {next:?}"))?;
        answered.extend(answers(&next));
        holds(!check("after the next attempt")?, "still torn")?;
        self.holds(&answered).map_err(|text| format!("{text}: {told}"))?;
        let verdict = self.rig.by("stranger", &["verify"]);
        holds([0, 1].contains(&verdict.code), &format!("no verdict in the end: {verdict:?}"))?;
        Ok(hit)
    }

    /// Holds every answer against the log.
    fn holds(&self, answered: &[Answer]) -> Result<(), String> {
        let log = Ledger::open(&self.ledger()).and_then(|ledger| ledger.read()).map_err(|error| error.to_string())?;
        for (serial, leaf) in answered {
            let found = log.leaf(*serial).map_err(|error| error.to_string())?.to_string();
            if found != *leaf || !log.record(*serial).is_ok_and(|record| record.is_some()) {
                return Err(format!("record {serial} was answered as {leaf} and is {found}"));
            }
        }
        Ok(())
    }

    /// Counts the starts in the log.
    fn starts(&self) -> usize {
        let log = Ledger::open(&self.ledger()).unwrap().read().unwrap();
        let records = (0..log.size()).filter_map(|place| log.record(place).unwrap());
        records.filter(|record| Entry::parse(&record.entry).unwrap().kind == "start").count()
    }
}

/// Returns what a run answered.
fn answers(ran: &Ran) -> Vec<Answer> {
    let Ok(json) = serde_json::from_str::<Value>(&ran.out) else { return Vec::new() };
    let answer = |name: &str| {
        let receipt = json.get(name)?;
        Some((receipt.get("serial")?.as_u64()?, receipt.get("leaf")?.as_str()?.to_owned()))
    };
    ["start", "result"].into_iter().filter_map(answer).collect()
}

fn points(bench: &Bench) -> Option<Vec<Point>> {
    let mut points = Vec::new();
    for (attempt, before) in CASES {
        for ((call, number), about) in bench.calls(attempt, before)? {
            for how in [How::Full, How::Broken, How::Killed] {
                points.push(Point { attempt, before, call: call.clone(), number, how, about: about.clone() });
            }
        }
    }
    Some(points)
}

#[test]
fn no_call_that_fails_and_no_kill_costs_an_answer_or_needs_help_afterwards() {
    if Command::new("strace").arg("-V").output().is_err() {
        return println!("skipped: no strace here");
    }
    let bench = Bench::new();
    let Some(mut points) = points(&bench) else { return };
    let all = points.len();
    let seed = seed();
    if std::env::var_os("EVIDENCE_HEAVY").is_none() {
        let mut dice = seed;
        let mut chosen = BTreeSet::new();
        while chosen.len() < SAMPLE.min(all) {
            dice = roll(dice);
            chosen.insert(usize::try_from(dice % u64::try_from(all).unwrap()).unwrap());
        }
        points = chosen.into_iter().map(|index| points[index].clone()).collect();
    }
    println!("EVIDENCE_TEST_SEED={seed}: {} points of {all}", points.len());
    let (next, hits) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = |bench: &Bench| {
        let mut failures = Vec::new();
        while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
            match bench.hit(point) {
                Ok(hit) => drop(hits.fetch_add(usize::from(hit), Ordering::Relaxed)),
                Err(text) => failures.push(text),
            }
        }
        failures
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let other = scope.spawn(|| work(&Bench::new()));
        let mut failures = work(&bench);
        failures.extend(other.join().unwrap());
        failures
    });
    println!("{} of {} faults hit", hits.load(Ordering::Relaxed), points.len());
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    // Which thread makes which call differs a little from run to run; most points are where the clean run had them.
    assert!(hits.load(Ordering::Relaxed) * 10 >= points.len() * 9, "too few faults hit");
}

#[test]
fn a_full_disk_costs_no_answer_and_with_room_again_it_goes_on() {
    let bench = Bench::new();
    let mut answered = bench.answered.clone();
    let disk = Disk::mount(&bench.ledger());
    let Some(_disk) = disk else { return };
    system("cp", &["-a", &format!("{}/.", bench.rig.path("kept").display()), bench.ledger().to_str().unwrap()]);
    // Room that is given back later.
    let ballast = bench.ledger().join("ballast");
    fs::write(&ballast, vec![1; 128 * 1024]).unwrap();
    let mut refused = 0;
    for round in 0..400 {
        let attempt = if round % 2 == 0 { Attempt::Command } else { Attempt::Report };
        fs::write(bench.rig.path("tests.xml"), junit(3 + round, 0)).unwrap();
        let ran = bench.rig.by("ci-1", &bench.words(attempt));
        assert!(!ran.err.contains("panicked"), "{ran:?}");
        answered.extend(answers(&ran));
        if ran.code != 0 {
            assert!([1, 2, 125].contains(&ran.code) && ran.out.contains("No space left"), "{ran:?}");
            refused += 1;
            let check = bench.rig.by("stranger", &["ledger", "check"]);
            assert_eq!(check.code, 0, "{check:?}");
            bench.holds(&answered).unwrap();
            assert!([0, 1].contains(&bench.rig.by("stranger", &["verify"]).code));
        }
        if refused == 6 {
            break;
        }
    }
    assert_eq!(refused, 6, "the disk did not fill up");
    println!("{} answers until the disk was full", answered.len() - bench.answered.len());
    fs::remove_file(ballast).unwrap();
    for attempt in [Attempt::Command, Attempt::Report] {
        let ran = bench.rig.ok("ci-1", &bench.words(attempt));
        answered.extend(answers(&ran));
    }
    let check = bench.rig.ok("stranger", &["ledger", "check"]);
    assert!(!check.out.contains("cut off"), "{check:?}");
    bench.holds(&answered).unwrap();
    assert!([0, 1].contains(&bench.rig.by("stranger", &["verify"]).code));
}

/// A small disk of its own over a folder, until it is dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path) -> Option<Self> {
        let size = format!("size={DISK_KIB}k");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder);
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self(folder.to_owned())),
            other => {
                println!("skipped: nothing can be mounted here: {other:?}");
                None
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn seed() -> u64 {
    std::env::var("EVIDENCE_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x9e37_79b9)
}

fn roll(mut dice: u64) -> u64 {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^ (dice << 17)
}

const CALLS: [&str; 10] =
    ["write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "openat", "ftruncate", "mkdir", "unlink"];
const CASES: [(Attempt, Before); 4] = [
    (Attempt::Report, Before::Warm),
    (Attempt::Command, Before::Warm),
    (Attempt::Report, Before::NoCache),
    (Attempt::Report, Before::TornTail),
];
const SAMPLE: usize = 30;
const DISK_KIB: usize = 600;
