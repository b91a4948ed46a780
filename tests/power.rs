//! The power goes away: runs of the program are recorded call by call, and after each call the disk is thought of as it
//! may be found then (format, section 5).
//!
//! The model knows what POSIX promises and no more: a file's bytes stay once it is synced, a name once its folder is.
//! What is not synced yet is there, or not, or torn, or partly zero; names come and go in any order. Each image is opened,
//! held against what was answered until then, and gone on from. A run takes a sample; `EVIDENCE_HEAVY=1` takes every call.
//! Out of scope: a disk that loses what it said was durable.

mod common;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use common::{EVIDENCE, Ran, junit};
use evidence_ledger::append::Appender;
use evidence_ledger::attest::Signer;
use evidence_ledger::crypto::{SecretKey, sha256};
use evidence_ledger::model::{Event, Time};
use evidence_ledger::prove::Trust;
use evidence_ledger::store::{Ledger, StoreError};
use evidence_ledger::trace::check_ledger;
use serde_json::Value;
use tempfile::TempDir;

/// What happened, in the order in which it came to an end.
#[derive(Debug, Clone)]
enum Step {
    /// A call on a file or folder below the root.
    Call(String, Change),
    /// The command of the attempt runs: its start must be durable.
    Ran,
    /// The run has answered.
    Answered,
}

/// What a call does to the tree.
#[derive(Debug, Clone)]
enum Change {
    Create { path: String },
    Empty { path: String },
    Folder { path: String },
    Write { path: String, at: Option<u64>, bytes: Vec<u8> },
    Cut { path: String, length: u64 },
    CopyTail { from: String, to: String, bytes: u64 },
    Sync { path: String },
    Rename { from: String, to: String },
    Remove { path: String },
}

/// A recorded run.
struct Run {
    steps: Vec<Step>,
    ran: Ran,
}

/// A repository and a home below one root, recorded.
struct Place {
    root: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { root: tempfile::tempdir().unwrap() };
        for folder in ["shop", "home/.config", "trace"] {
            fs::create_dir_all(place.root.path().join(folder)).unwrap();
        }
        fs::write(place.root.path().join("shop/file"), "one\n").unwrap();
        for words in [&["init", "-q", "-b", "main", "."][..], &["add", "."], &["commit", "-q", "-m", "one"]] {
            let mut git = place.clean("git");
            git.args(["-c", "user.name=ada", "-c", "user.email=ada@example.org"]).args(words);
            assert!(git.status().unwrap().success());
        }
        place
    }

    fn clean(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root.path().join("shop")).env_clear().env("HOME", self.root.path().join("home"));
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("USER", "ada").stdin(Stdio::null());
        command
    }

    /// Runs the program under `strace`; `None` where there is none.
    fn record(&self, words: &[&str], more: &[&str]) -> Option<Run> {
        let out = self.root.path().join("trace/now");
        let mut strace = self.clean("strace");
        strace.args(["-f", "-y", "-xx", "-s", "16777216", "-o"]).arg(&out);
        strace.arg(format!("-etrace={TRACED}")).args(more).args([EVIDENCE, "--json"]).args(words);
        let ran = match strace.output() {
            Ok(output) => Ran::of(output),
            Err(error) => {
                println!("skipped: no strace here: {error}");
                return None;
            }
        };
        let trace = fs::read_to_string(out).unwrap_or_default();
        if trace.is_empty() {
            println!("skipped: strace may not trace here: {ran:?}");
            return None;
        }
        let mut steps = steps(&trace, &self.root.path().canonicalize().unwrap());
        if !more.is_empty() {
            assert_eq!(ran.code, 1009, "{ran:?}");
        } else {
            assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
            steps.push(Step::Answered);
        }
        Some(Run { steps, ran })
    }
}

/// A file or folder of the model.
#[derive(Debug, Clone)]
enum Node {
    File { live: Vec<u8>, durable: Vec<u8>, pending: Vec<Unsynced> },
    Folder { live: Names, durable: Names, pending: Vec<Vec<(String, Option<usize>)>> },
}

type Names = BTreeMap<String, usize>;

#[derive(Debug, Clone)]
enum Unsynced {
    Bytes(usize, Vec<u8>),
    Length(usize),
}

/// What the disk holds, and what it may hold.
#[derive(Debug, Clone)]
struct Disk {
    nodes: Vec<Node>,
}

impl Disk {
    /// A disk that durably holds some folders, and nothing else.
    fn new(folders: &[&str]) -> Self {
        let mut disk = Self { nodes: vec![Node::folder()] };
        for folder in folders {
            let mut path = String::new();
            for part in folder.split('/') {
                path = if path.is_empty() { part.to_owned() } else { format!("{path}/{part}") };
                if disk.find(&path).is_none() {
                    disk.apply(&Change::Folder { path: path.clone() });
                }
            }
        }
        for node in &mut disk.nodes {
            node.sync();
        }
        disk
    }

    fn find(&self, path: &str) -> Option<usize> {
        path.split('/').filter(|part| !part.is_empty()).try_fold(0, |at, part| match &self.nodes[at] {
            Node::Folder { live, .. } => live.get(part).copied(),
            Node::File { .. } => None,
        })
    }

    /// Changes names in a folder, all at once.
    fn names(&mut self, folder: usize, changes: Vec<(String, Option<usize>)>) {
        let Node::Folder { live, pending, .. } = &mut self.nodes[folder] else { return };
        for (name, to) in &changes {
            match to {
                Some(to) => drop(live.insert(name.clone(), *to)),
                None => drop(live.remove(name)),
            }
        }
        pending.push(changes);
    }

    fn add(&mut self, path: &str, node: Node) {
        let Some((folder, name)) = self.place(path) else { return };
        self.nodes.push(node);
        let id = self.nodes.len() - 1;
        self.names(folder, vec![(name, Some(id))]);
    }

    fn place(&self, path: &str) -> Option<(usize, String)> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        Some((self.find(folder)?, name.to_owned()))
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Create { path } => {
                if self.find(path).is_none() {
                    self.add(path, Node::file());
                }
            }
            Change::Empty { path } => match self.find(path) {
                None => self.add(path, Node::file()),
                Some(id) => self.length(id, 0),
            },
            Change::Folder { path } => self.add(path, Node::folder()),
            Change::Write { path, at, bytes } => {
                if let Some(id) = self.find(path) {
                    self.write(id, *at, bytes);
                }
            }
            Change::Cut { path, length } => {
                if let Some(id) = self.find(path) {
                    self.length(id, usize::try_from(*length).unwrap());
                }
            }
            Change::CopyTail { from, to, bytes } => {
                let (Some(from), Some(to)) = (self.find(from), self.find(to)) else { return };
                let Node::File { live, .. } = &self.nodes[from] else { return };
                let tail = live[live.len() - usize::try_from(*bytes).unwrap()..].to_vec();
                self.write(to, None, &tail);
            }
            Change::Sync { path } => {
                if let Some(id) = self.find(path) {
                    self.nodes[id].sync();
                }
            }
            Change::Rename { from, to } => {
                let (Some(id), Some((source, old)), Some((target, new))) =
                    (self.find(from), self.place(from), self.place(to))
                else {
                    return;
                };
                if source == target {
                    self.names(source, vec![(new, Some(id)), (old, None)]);
                } else {
                    self.names(target, vec![(new, Some(id))]);
                    self.names(source, vec![(old, None)]);
                }
            }
            Change::Remove { path } => {
                if let Some((folder, name)) = self.place(path).filter(|_| self.find(path).is_some()) {
                    self.names(folder, vec![(name, None)]);
                }
            }
        }
    }

    fn write(&mut self, id: usize, at: Option<u64>, bytes: &[u8]) {
        let Node::File { live, pending, .. } = &mut self.nodes[id] else { return };
        let at = at.map_or(live.len(), |at| usize::try_from(at).unwrap());
        put(live, at, bytes);
        pending.push(Unsynced::Bytes(at, bytes.to_vec()));
    }

    fn length(&mut self, id: usize, length: usize) {
        let Node::File { live, pending, .. } = &mut self.nodes[id] else { return };
        live.resize(length, 0);
        pending.push(Unsynced::Length(length));
    }

    /// Lays what may be found after a power cut into a folder; returns a hash of it.
    fn lay(&self, to: &Path, fate: &mut Fate) -> Vec<u8> {
        let mut all = Vec::new();
        self.lay_node(0, to, fate, &mut all);
        sha256(&all).bytes().to_vec()
    }

    fn lay_node(&self, id: usize, to: &Path, fate: &mut Fate, all: &mut Vec<u8>) {
        match &self.nodes[id] {
            Node::File { durable, pending, .. } => {
                let mut found = durable.clone();
                for unsynced in pending {
                    fate.befall(&mut found, unsynced);
                }
                all.extend_from_slice(to.to_string_lossy().rsplit('/').next().unwrap().as_bytes());
                all.extend_from_slice(&found);
                fs::write(to, found).unwrap();
            }
            Node::Folder { durable, pending, .. } => {
                let mut found = durable.clone();
                for changes in pending {
                    if fate.keeps() {
                        for (name, to) in changes {
                            match to {
                                Some(to) => drop(found.insert(name.clone(), *to)),
                                None => drop(found.remove(name)),
                            }
                        }
                    }
                }
                fs::create_dir_all(to).unwrap();
                for (name, id) in found {
                    self.lay_node(id, &to.join(name), fate, all);
                }
            }
        }
    }
}

impl Node {
    fn file() -> Self {
        Self::File { live: Vec::new(), durable: Vec::new(), pending: Vec::new() }
    }

    fn folder() -> Self {
        Self::Folder { live: Names::new(), durable: Names::new(), pending: Vec::new() }
    }

    fn sync(&mut self) {
        match self {
            Self::File { live, durable, pending } => {
                durable.clone_from(live);
                pending.clear();
            }
            Self::Folder { live, durable, pending } => {
                durable.clone_from(live);
                pending.clear();
            }
        }
    }
}

/// What becomes of that which is not synced.
enum Fate {
    Lost,
    Kept,
    Random(u64),
}

impl Fate {
    fn roll(&mut self, below: usize) -> usize {
        match self {
            Self::Lost | Self::Kept => 0,
            Self::Random(dice) => {
                *dice = roll(*dice);
                usize::try_from(*dice % u64::try_from(below).unwrap()).unwrap()
            }
        }
    }

    fn keeps(&mut self) -> bool {
        match self {
            Self::Lost => false,
            Self::Kept => true,
            Self::Random(_) => self.roll(2) == 0,
        }
    }

    fn befall(&mut self, found: &mut Vec<u8>, unsynced: &Unsynced) {
        match unsynced {
            Unsynced::Length(length) => {
                if self.keeps() {
                    found.resize(*length, 0);
                }
            }
            Unsynced::Bytes(at, bytes) => match self {
                Self::Lost => {}
                Self::Kept => put(found, *at, bytes),
                Self::Random(_) => match self.roll(5) {
                    0 => {}
                    1 => put(found, *at, bytes),
                    2 => put(found, *at, &bytes[..self.roll(bytes.len() + 1)]),
                    // The length is known, the bytes never came.
                    3 => put(found, *at, &vec![0; bytes.len()]),
                    _ => {
                        let mut sectors = bytes.clone();
                        let mut from = 0;
                        while from < sectors.len() {
                            let to = sectors.len().min((at + from) / SECTOR * SECTOR + SECTOR - at);
                            if self.roll(2) == 0 {
                                sectors[from..to].fill(0);
                            }
                            from = to;
                        }
                        put(found, *at, &sectors);
                    }
                },
            },
        }
    }
}

fn put(into: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if into.len() < at + bytes.len() {
        into.resize(at + bytes.len(), 0);
    }
    into[at..at + bytes.len()].copy_from_slice(bytes);
}

/// What must be found.
#[derive(Debug, Clone, Default)]
struct Owed {
    ledger: bool,
    answers: Vec<(u64, String)>,
}

/// Opens an image, holds it against what is owed, and goes on from it.
fn judge(root: &Path, owed: &Owed, trust: &Trust) -> Result<(), String> {
    let folder = root.join("shop/.git/evidence");
    let ledger = match Ledger::open(&folder) {
        Ok(ledger) => ledger,
        Err(error) if owed.ledger => return Err(format!("no ledger: {error}")),
        Err(StoreError::Contradiction { text, .. }) => return Err(text),
        Err(_) => return Ok(()),
    };
    let holds = |when: &str| {
        let log = ledger.read().map_err(|error| format!("{when}: {error}"))?;
        for (serial, leaf) in &owed.answers {
            let found = log.leaf(*serial).map_err(|error| format!("{when}: {error}"))?.to_string();
            if found != *leaf || !log.record(*serial).is_ok_and(|record| record.is_some()) {
                return Err(format!("{when}: record {serial} was answered as {leaf} and is {found}"));
            }
        }
        let checked = check_ledger(&ledger, trust, &mut |_| {}).map_err(|error| format!("{when}: {error}"))?;
        if !checked.missing.is_empty() {
            return Err(format!("{when}: materials are missing: {:?}", checked.missing));
        }
        Ok(checked.replayed.torn)
    };
    holds("at first")?;
    if !owed.ledger {
        return Ok(());
    }
    let key = |name: &str| {
        let path = root.join("home/.config/evidence").join(name);
        let pem = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        SecretKey::from_pem(&pem).map_err(|error| format!("{name}: {error}"))
    };
    let log_key = key(&format!("ledgers/{}/log.pem", ledger.origin().replace('/', "_")))?;
    let own = key("keys/default.pem")?;
    let appender = Appender::new(Ledger::open(&folder).unwrap(), log_key, trust.clone(), now);
    let signer = Signer { appender: &appender, keys: vec![&own] };
    signer.event(Event::Resume { reason: "go on".to_owned() }).map_err(|error| format!("the next append: {error}"))?;
    if holds("after the next append")? {
        return Err("still torn".to_owned());
    }
    Ok(())
}

#[test]
fn no_power_cut_costs_an_answer_or_makes_an_alarm() {
    let place = Place::new();
    let shop = place.root.path().join("shop");
    let report = |tests: usize| fs::write(shop.join("../tests.xml"), junit(tests, 0)).unwrap();
    let mut disk = Disk::new(&["shop/.git", "shop/.evidence", "home/.config"]);
    fs::create_dir(shop.join(".evidence")).unwrap();
    let Some(init) = place.record(&["init", "--principal", "ada"], &[]) else { return };
    report(3);
    let attest = ["attest", "tests", "--report", "../tests.xml"];
    let mut runs = vec![("init", init)];
    let mut take = |name: &'static str, words: &[&str], more: &[&str]| {
        runs.push((name, place.record(words, more).unwrap()));
    };
    take("a command", &["attest", "tests", "--", "true"], &[]);
    take("a report", &attest, &[]);
    report(4);
    // Killed before the names of its material are durable; the next run finds the folders there.
    take("killed at a folder", &attest, &["-einject=fsync:signal=KILL:when=1"]);
    take("the report again", &attest, &[]);
    // Killed with half a batch written: the next run moves it away.
    let segment = shop.join(".git/evidence/log/00000000.seg");
    let half = fs::read(&segment).unwrap()[..700].to_vec();
    let mut bytes = fs::read(&segment).unwrap();
    bytes.extend_from_slice(&half);
    fs::write(&segment, bytes).unwrap();
    take("behind a torn tail", &["attest", "tests", "--", "true"], &[]);
    fs::remove_dir_all(shop.join(".git/evidence/cache")).unwrap();
    take("without a cache", &attest, &[]);
    let trust = fs::read_to_string(shop.join(".evidence/trust.toml")).unwrap();
    let trust = Trust::parse(&trust).unwrap();

    let heavy = std::env::var_os("EVIDENCE_HEAVY").is_some();
    let seed = std::env::var("EVIDENCE_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x9e37_79b9);
    let mut dice: u64 = seed;
    let mut owed = Owed::default();
    let (mut cuts, mut images, mut seen) = (0, 0, HashSet::new());
    let mut failures = Vec::new();
    for (name, run) in &runs {
        match *name {
            "behind a torn tail" => {
                let path = "shop/.git/evidence/log/00000000.seg".to_owned();
                disk.apply(&Change::Write { path: path.clone(), at: None, bytes: half.clone() });
            }
            "without a cache" => disk.apply(&Change::Remove { path: "shop/.git/evidence/cache".to_owned() }),
            _ => {}
        }
        let json: Value = serde_json::from_str(&run.ran.out).unwrap_or_default();
        let answer = |name: &str| Some((json[name]["serial"].as_u64()?, json[name]["leaf"].as_str()?.to_owned()));
        let steps = run.steps.len();
        for (number, step) in run.steps.iter().enumerate() {
            let told = match step {
                Step::Call(told, change) => {
                    disk.apply(change);
                    told.as_str()
                }
                Step::Ran => {
                    owed.answers.extend(answer("start"));
                    "the command runs"
                }
                Step::Answered => {
                    owed.ledger = true;
                    owed.answers.extend(answer("start").into_iter().chain(answer("result")));
                    "answered"
                }
            };
            dice = roll(dice);
            let marked = !matches!(step, Step::Call(..)) || number + 1 == steps;
            if !heavy && !marked && !dice.is_multiple_of(SAMPLED) {
                continue;
            }
            cuts += 1;
            let fates = [Fate::Lost, Fate::Kept]
                .into_iter()
                .chain((0..if heavy { 8 } else { 2 }).map(|turn| Fate::Random(roll(dice ^ (turn + 1) << 32))));
            for (turn, mut fate) in fates.enumerate() {
                let image = memory();
                let hash = disk.lay(&image.path().join("root"), &mut fate);
                if !seen.insert((hash, owed.answers.len())) {
                    continue;
                }
                images += 1;
                if let Err(text) = judge(&image.path().join("root"), &owed, &trust) {
                    failures.push(format!("{name}, call {number} ({told}), image {turn}: {text}"));
                }
            }
        }
    }
    println!("EVIDENCE_TEST_SEED={seed}: {images} images of {cuts} cuts; {} answers", owed.answers.len());
    assert_eq!(owed.answers.len(), 12, "every run that was not killed has answered");
    assert!(failures.is_empty(), "{} images fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_model_loses_what_is_not_synced_and_keeps_what_is() {
    let mut disk = Disk::new(&["a"]);
    let write = |path: &str, bytes: &[u8]| Change::Write { path: path.to_owned(), at: None, bytes: bytes.to_vec() };
    disk.apply(&Change::Create { path: "a/new".to_owned() });
    disk.apply(&write("a/new", b"one"));
    disk.apply(&Change::Sync { path: "a/new".to_owned() });
    let image = tempfile::tempdir().unwrap();
    let found = |disk: &Disk, name: &str, mut fate: Fate| {
        let to = image.path().join(name);
        disk.lay(&to, &mut fate);
        (fs::read(to.join("a/new")).ok(), fs::read(to.join("a/old")).ok())
    };
    assert_eq!(found(&disk, "1", Fate::Lost), (None, None), "its name is not durable");
    disk.apply(&Change::Sync { path: "a".to_owned() });
    assert_eq!(found(&disk, "2", Fate::Lost).0.unwrap(), b"one");
    disk.apply(&write("a/new", b" two"));
    disk.apply(&Change::Rename { from: "a/new".to_owned(), to: "a/old".to_owned() });
    assert_eq!(found(&disk, "3", Fate::Lost), (Some(b"one".to_vec()), None));
    assert_eq!(found(&disk, "4", Fate::Kept), (None, Some(b"one two".to_vec())));
    disk.apply(&Change::Sync { path: "a/old".to_owned() });
    assert_eq!(found(&disk, "5", Fate::Lost), (Some(b"one two".to_vec()), None));
}

/// A folder for an image: in memory where there is such a place, since nobody cuts the power of these.
fn memory() -> TempDir {
    TempDir::new_in("/dev/shm").unwrap_or_else(|_| TempDir::new().unwrap())
}

/// Reads a trace: what it does below the root, when the command runs, and when it answers.
fn steps(trace: &str, root: &Path) -> Vec<Step> {
    let mut open: BTreeMap<&str, String> = BTreeMap::new();
    let mut steps = Vec::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let whole = if let Some(begin) = rest.strip_suffix("<unfinished ...>") {
            open.insert(thread, begin.trim_end().to_owned());
            continue;
        } else if let Some((_, end)) = rest.strip_prefix("<... ").and_then(|rest| rest.split_once("resumed>")) {
            format!("{}{end}", open.remove(thread).unwrap_or_default())
        } else {
            rest.to_owned()
        };
        let Some((call, rest)) = whole.split_once('(') else { continue };
        let Some((arguments, result)) = rest.rsplit_once(") ").or_else(|| rest.rsplit_once(")  ")) else { continue };
        let Some(result) = result.trim_start().strip_prefix("= ") else { continue };
        let Ok(result) = result.split(['<', ' ']).next().unwrap_or_default().parse::<i64>() else { continue };
        if result < 0 {
            continue;
        }
        steps.extend(step(call, arguments, u64::try_from(result).unwrap(), root));
    }
    steps
}

fn step(call: &str, arguments: &str, result: u64, root: &Path) -> Option<Step> {
    let words: Vec<&str> = arguments.split(", ").collect();
    let below = |path: String| Path::new(&path).strip_prefix(root).ok()?.to_str().map(ToOwned::to_owned);
    // The path of a descriptor, as `7<path>`, or a quoted one.
    let of_file = |word: &str| below(plain(word.split_once('<')?.1.strip_suffix('>')?));
    let quoted = |word: &str| plain(word.trim_matches('"'));
    let named = |word: &str| below(quoted(word));
    let change = match call {
        "execve" => return quoted(words[0]).ends_with("/true").then_some(Step::Ran),
        "openat" => {
            let path = named(words[1])?;
            if words[2].contains("O_TRUNC") {
                Change::Empty { path }
            } else if words[2].contains("O_CREAT") {
                Change::Create { path }
            } else {
                return None;
            }
        }
        "mkdir" => Change::Folder { path: named(words[0])? },
        "write" | "pwrite64" => {
            let bytes = bytes(words[1].trim_matches('"'));
            assert_eq!(u64::try_from(bytes.len()), Ok(result), "a whole write: {arguments}");
            let at = words.get(3).map(|at| at.parse().unwrap());
            Change::Write { path: of_file(words[0])?, at, bytes }
        }
        "ftruncate" => Change::Cut { path: of_file(words[0])?, length: words[1].parse().unwrap() },
        "copy_file_range" if result > 0 => {
            Change::CopyTail { from: of_file(words[0])?, to: of_file(words[2])?, bytes: result }
        }
        "fsync" | "fdatasync" => Change::Sync { path: of_file(words[0])? },
        "rename" => Change::Rename { from: named(words[0])?, to: named(words[1])? },
        "renameat" | "renameat2" => Change::Rename { from: named(words[1])?, to: named(words[3])? },
        "unlink" | "rmdir" => Change::Remove { path: named(words[0])? },
        "unlinkat" => {
            let folder = plain(words[0].split_once('<')?.1.strip_suffix('>')?);
            Change::Remove { path: below(Path::new(&folder).join(quoted(words[1])).to_str()?.to_owned())? }
        }
        _ => return None,
    };
    let told = match &change {
        Change::Create { path } | Change::Empty { path } | Change::Folder { path } | Change::Remove { path } => path,
        Change::Write { path, .. } | Change::Cut { path, .. } | Change::Sync { path } => path,
        Change::CopyTail { to, .. } | Change::Rename { to, .. } => to,
    };
    Some(Step::Call(format!("{call} {told}"), change))
}

/// Reads `\x2f` and its like.
fn bytes(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

fn plain(text: &str) -> String {
    String::from_utf8(bytes(text)).unwrap()
}

fn now() -> Time {
    Time(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

fn roll(mut dice: u64) -> u64 {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^ (dice << 17)
}

const TRACED: &str = "execve,openat,mkdir,write,pwrite64,ftruncate,copy_file_range,sendfile,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir";
const SECTOR: usize = 512;
const SAMPLED: u64 = 3;
