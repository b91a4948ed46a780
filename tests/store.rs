//! The ledger under kills, torn tails, lost and lying caches, and many writers: what was answered stays, and nothing is
//! mended in silence (format, section 5).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use evidence_ledger::append::Appender;
use evidence_ledger::attest::{About, Signer};
use evidence_ledger::crypto::{NoteKey, SecretKey, leaf_hash, list_item_hash, list_value};
use evidence_ledger::merkle::{Checkpoint, Frontier, MapText, NaiveMap, check_inclusion};
use evidence_ledger::model::{Digest, Entry, Event, Grant, MapEntry, Oid, Plan, Predicate, Start, Time};
use evidence_ledger::policy::STARTER;
use evidence_ledger::prove::{Source as _, Trust, TrustedLedger};
use evidence_ledger::store::{Ledger, Log, StoreError};
use evidence_ledger::trace::check_ledger;
use proptest::prelude::*;
use tempfile::TempDir;

const ORIGIN: &str = "evidence.local/000102030405060708090a0b0c0d0e0f";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn trust_of(origin: &str) -> Trust {
    let vkey = NoteKey::new(origin, key(1).public()).unwrap();
    Trust {
        repository: "shop".parse().unwrap(),
        ledgers: vec![TrustedLedger { origin: origin.to_owned(), vkey, from_size: 0, to_size: None }],
        roots: vec![key(2).public()],
        threshold: 1,
        min_size: None,
        max_age: None,
    }
}

fn appender(folder: &Path) -> Appender {
    let ledger = Ledger::open(folder).unwrap();
    let trust = trust_of(ledger.origin());
    Appender::new(ledger, key(1), trust, || Time(1_800_000_000))
}

/// Makes a ledger with the starter policy in force and one key that holds every role.
fn make(folder: &Path, origin: &str) -> Appender {
    Ledger::create(folder, origin).unwrap();
    let appender = appender(folder);
    let root = key(2);
    let signer = Signer { appender: &appender, keys: vec![&root] };
    signer.policy(STARTER, None).unwrap();
    let roles = ["admin", "ci", "planner"].map(|role| role.parse().unwrap()).to_vec();
    let grant = Grant {
        key: key(3).public().to_string(),
        principal: "ada".parse().unwrap(),
        owner: None,
        roles,
        emails: Vec::new(),
        changes: Vec::new(),
        until: None,
        leased_by: None,
    };
    signer.grant(grant).unwrap();
    appender
}

fn oid(digit: &str) -> Oid {
    digit.repeat(40).parse().unwrap()
}

fn plan() -> Plan {
    Plan::bare("low".parse().unwrap(), "refs/heads/main")
}

/// Plans a change; returns the serial and leaf hash of the receipt.
fn plan_change(appender: &Appender, name: &str) -> (u64, Digest) {
    let ada = key(3);
    let signer = Signer { appender, keys: vec![&ada] };
    let receipt = signer.plan(&format!("shop/{name}").parse().unwrap(), &oid("a"), plan(), None).unwrap();
    (receipt.serial, receipt.leaf)
}

/// A xorshift, so that a run can be repeated from its seed.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = std::env::var("EVIDENCE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 20 | 0x9e37);
        println!("EVIDENCE_TEST_SEED={seed}");
        Self(seed)
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Everything that a log says: entries, and every list with its proof.
#[derive(Debug, PartialEq)]
struct Told {
    entries: Vec<Vec<u8>>,
    lists: BTreeMap<String, (Vec<u64>, String)>,
}

fn tell(log: &Log) -> Told {
    let mut entries = Vec::new();
    let mut texts: BTreeSet<String> = ["chain nobody", "label nothing"].map(ToOwned::to_owned).into();
    for place in 0..log.size() {
        if let Some(record) = log.record(place).unwrap() {
            texts.extend(Entry::parse(&record.entry).unwrap().map_texts());
            entries.push(record.entry);
        } else {
            entries.push(log.map_entry(place).unwrap().unwrap());
        }
    }
    let listing = |text: String| {
        let listing = log.list(&MapText::new(text.clone())).unwrap();
        (text, (listing.serials, listing.proof.print()))
    };
    Told { entries, lists: texts.into_iter().map(listing).collect() }
}

fn contradicts<T>(outcome: Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Contradiction { .. }))
}

const CHILD: &str = "EVIDENCE_TEST_CHILD";

/// Not a test by itself: the process that [`killed_writers_lose_nothing_that_was_answered`] kills.
/// A way to damage a cache, and its name.
type Harm<'a> = (String, Box<dyn Fn(&mut Dice) + 'a>);

#[test]
fn child_that_appends_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let appender = appender(&folder);
    let answers = Mutex::new(OpenOptions::new().append(true).create(true).open(folder.join("answers")).unwrap());
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (appender, answers) = (&appender, &answers);
            scope.spawn(move || {
                for number in 0.. {
                    let (serial, leaf) = plan_change(appender, &format!("p{}-{thread}-{number}", std::process::id()));
                    answers.lock().unwrap().write_all(format!("{serial} {leaf}\n").as_bytes()).unwrap();
                }
            });
        }
    });
}

#[test]
fn killed_writers_lose_nothing_that_was_answered() {
    let mut dice = Dice::new();
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("ledger");
    drop(make(&folder, ORIGIN));
    let began = Instant::now();
    let mut seen = 0;
    let mut rounds = 0;
    while rounds < 60 && began.elapsed() < Duration::from_secs(20) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_appends_until_it_is_killed"])
            .env(CHILD, &folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(60_000 + dice.roll(400_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        rounds += 1;
        let answers = fs::read_to_string(folder.join("answers")).unwrap_or_default();
        let log = Ledger::open(&folder).unwrap().read().unwrap();
        let whole = answers.rfind('\n').map_or("", |end| &answers[..end]);
        for line in whole.lines().skip(seen) {
            let (serial, leaf) = line.split_once(' ').unwrap();
            assert_eq!(log.leaf(serial.parse().unwrap()).unwrap().to_string(), leaf, "after round {rounds}");
            seen += 1;
        }
    }
    println!("{seen} answers in {rounds} rounds");
    assert!(seen > 100, "{seen} answers");
    let writer = appender(&folder);
    plan_change(&writer, "after");
    let checked = check_ledger(writer.ledger(), writer.trust(), &mut |_| {}).unwrap();
    assert!(checked.records >= u64::try_from(seen).unwrap() + 3 && !checked.replayed.torn);
}

#[test]
fn a_tail_cut_at_any_byte_is_moved_and_reported_or_is_an_alarm() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("ledger");
    let writer = make(&folder, ORIGIN);
    let segment = folder.join("log/00000000.seg");
    let before = fs::read(&segment).unwrap();
    let (note, size) = (fs::read(folder.join("checkpoint")).unwrap(), writer.ledger().read().unwrap().size());
    plan_change(&writer, "last");
    let after = fs::read(&segment).unwrap();
    let newer = fs::read(folder.join("checkpoint")).unwrap();
    drop(writer);
    for length in before.len()..=after.len() {
        let _ = fs::remove_dir_all(folder.join("cache"));
        fs::write(&segment, &after[..length]).unwrap();
        fs::write(folder.join("checkpoint"), &newer).unwrap();
        let ledger = Ledger::open(&folder).unwrap();
        if length < after.len() {
            assert!(contradicts(ledger.read()), "{length}: `checkpoint` names more");
            assert!(contradicts(ledger.lock().map(drop)), "{length}: `checkpoint` names more");
            assert_eq!(fs::read(&segment).unwrap(), &after[..length], "an alarm leaves everything as it is");
        }
        fs::write(folder.join("checkpoint"), &note).unwrap();
        let whole = length == after.len();
        assert_eq!(ledger.read().unwrap().size(), if whole { size + 2 } else { size });
        let moved = ledger.lock().unwrap().repaired().map(Path::to_owned);
        if whole || length == before.len() {
            assert_eq!(moved, None, "{length}");
        } else {
            let moved = moved.unwrap();
            assert!(moved.file_name().unwrap().to_string_lossy().starts_with("torn-"));
            assert_eq!(fs::read(&moved).unwrap(), &after[before.len()..length]);
            assert_eq!(fs::read(&segment).unwrap(), before);
            fs::remove_file(moved).unwrap();
        }
    }
    plan_change(&appender(&folder), "next");
    check_ledger(&Ledger::open(&folder).unwrap(), &trust_of(ORIGIN), &mut |_| {}).unwrap();
}

#[test]
fn a_cache_that_is_missing_stale_or_garbage_changes_no_answer() {
    let mut dice = Dice::new();
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("ledger");
    let writer = make(&folder, ORIGIN);
    for number in 0..4 {
        plan_change(&writer, &format!("early-{number}"));
    }
    let stale = place.path().join("stale");
    copy(&folder.join("cache"), &stale);
    for number in 0..12 {
        plan_change(&writer, &format!("late-{number}"));
    }
    drop(writer);
    let good = place.path().join("good");
    copy(&folder, &good);
    let told = tell(&Ledger::open(&folder).unwrap().read().unwrap());
    let segments = fs::read(folder.join("log/00000000.seg")).unwrap();
    let cache = folder.join("cache");
    let names: Vec<_> = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.len() >= 4);
    let mut harms: Vec<Harm<'_>> = Vec::new();
    harms.push(("no cache".to_owned(), Box::new(|_| fs::remove_dir_all(&cache).unwrap())));
    harms.push(("a stale cache".to_owned(), Box::new(|_| copy(&stale, &cache))));
    for name in &names {
        let path = cache.join(name);
        let label = |what: &str| format!("{what} {}", name.to_string_lossy());
        let (a, b, c, d, e) = (path.clone(), path.clone(), path.clone(), path.clone(), path);
        let old = stale.join(name);
        harms.push((label("no"), Box::new(move |_| fs::remove_file(&a).unwrap())));
        harms.push((label("an older"), Box::new(move |_| drop(fs::copy(&old, &b)))));
        harms.push((
            label("a truncated"),
            Box::new(move |dice| {
                let bytes = fs::read(&c).unwrap();
                let cut = dice.roll(bytes.len().try_into().unwrap());
                fs::write(&c, &bytes[..usize::try_from(cut).unwrap()]).unwrap();
            }),
        ));
        for _ in 0..8 {
            let d = d.clone();
            harms.push((
                label("random bytes in"),
                Box::new(move |dice| {
                    let mut bytes = fs::read(&d).unwrap();
                    for _ in 0..64 {
                        let at = usize::try_from(dice.roll(bytes.len().try_into().unwrap())).unwrap();
                        bytes[at] = u8::try_from(dice.roll(256)).unwrap();
                    }
                    fs::write(&d, bytes).unwrap();
                }),
            ));
        }
        // What a batch to come goes on from is damaged too, and must not get into a map that is signed.
        let f = d.clone();
        harms.push((
            label("a damaged half of"),
            Box::new(move |_| {
                let mut bytes = fs::read(&f).unwrap();
                let from = bytes.len() / 2;
                for byte in bytes[from..].iter_mut().step_by(97) {
                    *byte ^= 1;
                }
                fs::write(&f, bytes).unwrap();
            }),
        ));
        harms.push((
            label("zeroed pages in"),
            Box::new(move |dice| {
                let mut bytes = fs::read(&e).unwrap();
                let from = usize::try_from(dice.roll(bytes.len().try_into().unwrap())).unwrap();
                let to = bytes.len().min(from + 4096);
                bytes[from..to].fill(0);
                fs::write(&e, bytes).unwrap();
            }),
        ));
    }
    for (what, harm) in harms {
        fs::remove_dir_all(&folder).unwrap();
        copy(&good, &folder);
        harm(&mut dice);
        let ledger = Ledger::open(&folder).unwrap();
        assert_eq!(tell(&ledger.read().unwrap()), told, "{what}");
        assert_eq!(fs::read(folder.join("log/00000000.seg")).unwrap(), segments, "{what}");
        // A writer goes on from it, and what it leaves is right.
        plan_change(&appender(&folder), "behind");
        check_ledger(&ledger, &trust_of(ORIGIN), &mut |_| {}).unwrap_or_else(|error| panic!("{what}: {error}"));
        let live = tell(&ledger.read().unwrap());
        fs::remove_dir_all(&cache).unwrap();
        assert_eq!(tell(&ledger.read().unwrap()), live, "{what}, a record later");
    }
}

#[test]
fn a_number_in_the_cache_that_leads_beyond_the_log_changes_no_answer() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("ledger");
    let writer = make(&folder, ORIGIN);
    for number in 0..3 {
        plan_change(&writer, &format!("change-{number}"));
    }
    drop(writer);
    let told = tell(&Ledger::open(&folder).unwrap().read().unwrap());
    let entries = u64::try_from(told.entries.len()).unwrap();
    let map = folder.join("cache/map-0");
    let good = fs::read(&map).unwrap();
    let mut tried = 0;
    for at in 0..good.len() - 7 {
        // Places and counts, and some bytes of hashes.
        let number = u64::from_le_bytes(good[at..at + 8].try_into().unwrap());
        if !(1..=entries).contains(&number) {
            continue;
        }
        for far in [entries, u64::MAX >> 1, u64::MAX - 1, u64::MAX] {
            let mut bytes = good.clone();
            bytes[at..at + 8].copy_from_slice(&far.to_le_bytes());
            fs::write(&map, bytes).unwrap();
            assert_eq!(tell(&Ledger::open(&folder).unwrap().read().unwrap()), told, "{far} at byte {at}");
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn a_spoilt_hash_in_the_cache_is_neither_believed_nor_an_alarm() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("ledger");
    let writer = make(&folder, ORIGIN);
    plan_change(&writer, "early");
    let older = Checkpoint::parse_note(&fs::read(folder.join("checkpoint")).unwrap()).unwrap();
    let old_note = fs::read(folder.join("checkpoint")).unwrap();
    for number in 0..6 {
        plan_change(&writer, &format!("late-{number}"));
    }
    drop(writer);
    let good = place.path().join("good");
    copy(&folder, &good);
    let hashes = fs::read(folder.join("cache/hashes")).unwrap();
    for slot in 0..hashes.len() / 32 {
        fs::remove_dir_all(&folder).unwrap();
        copy(&good, &folder);
        let mut spoilt = hashes.clone();
        spoilt[slot * 32..slot * 32 + 32].fill(0);
        fs::write(folder.join("cache/hashes"), spoilt).unwrap();
        // An older checkpoint is held against hashes that the newest root does not vouch for.
        fs::write(folder.join("checkpoint"), &old_note).unwrap();
        let ledger = Ledger::open(&folder).unwrap();
        let read = || ledger.read().unwrap_or_else(|error| panic!("hash {slot}: {error}"));
        let newest = Checkpoint::parse_note(&read().checkpoint().unwrap().unwrap()).unwrap();
        let proof = read().consistency(older.size).unwrap();
        proof.check(&older.root, newest.size, &newest.root).unwrap();
        let leaves: Vec<(u64, Digest)> = {
            let log = read();
            let leaf = |place: &u64| Some((*place, leaf_hash(&log.record(*place).unwrap()?.entry)));
            (0..log.size()).filter_map(|place| leaf(&place)).collect()
        };
        for (place, leaf) in &leaves {
            let log = read();
            let path = log.inclusion(*place).unwrap();
            check_inclusion(leaf, *place, newest.size, &path, &newest.root).unwrap();
            let proven = log.multiproof(&[*place]).unwrap().proof;
            proven.check(&[(*place, *leaf)], newest.size, &newest.root).unwrap();
        }
        plan_change(&appender(&folder), "behind");
        check_ledger(&ledger, &trust_of(ORIGIN), &mut |_| {}).unwrap();
    }
}

#[test]
fn a_torn_checkpoint_file_names_nothing_and_is_replaced() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("ledger");
    let writer = make(&folder, ORIGIN);
    plan_change(&writer, "one");
    drop(writer);
    let path = folder.join("checkpoint");
    let whole = fs::read(&path).unwrap();
    for torn in [Vec::new(), whole[..whole.len() / 2].to_vec(), vec![0; whole.len()]] {
        fs::write(&path, torn).unwrap();
        let ledger = Ledger::open(&folder).unwrap();
        assert_eq!(ledger.read().unwrap().checkpoint().unwrap().unwrap(), whole);
        drop(ledger.lock().unwrap());
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
    // A whole one that names more stays an alarm.
    let segment = folder.join("log/00000000.seg");
    let bytes = fs::read(&segment).unwrap();
    fs::write(&segment, &bytes[..bytes.len() - 1]).unwrap();
    assert!(contradicts(Ledger::open(&folder).unwrap().read()));
}

#[test]
fn a_flipped_byte_in_the_middle_of_a_segment_is_an_alarm() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("ledger");
    let writer = make(&folder, ORIGIN);
    let first = fs::read(folder.join("log/00000000.seg")).unwrap().len();
    let (serial, _) = plan_change(&writer, "middle");
    let middle = (first + fs::read(folder.join("log/00000000.seg")).unwrap().len()) / 2;
    plan_change(&writer, "last");
    drop(writer);
    let mut bytes = fs::read(folder.join("log/00000000.seg")).unwrap();
    bytes[middle] ^= 1;
    fs::write(folder.join("log/00000000.seg"), &bytes).unwrap();
    let ledger = Ledger::open(&folder).unwrap();
    // With the cache: a look at the record shows it. Without: opening does.
    assert!(contradicts(ledger.read().unwrap().record(serial)));
    assert!(check_ledger(&ledger, &trust_of(ORIGIN), &mut |_| {}).is_err());
    fs::remove_dir_all(folder.join("cache")).unwrap();
    assert!(contradicts(ledger.read()));
    assert!(contradicts(ledger.lock().map(drop)));
    assert_eq!(fs::read(folder.join("log/00000000.seg")).unwrap(), bytes, "nothing is mended");
}

#[test]
fn the_checkpoint_of_another_log_is_an_alarm() {
    let place = tempfile::tempdir().unwrap();
    let (one, other) = (place.path().join("one"), place.path().join("other"));
    make(&one, ORIGIN);
    make(&other, "evidence.local/ff0102030405060708090a0b0c0d0e0f");
    let ledger = Ledger::open(&one).unwrap();
    ledger.read().unwrap();
    fs::copy(other.join("checkpoint"), one.join("checkpoint")).unwrap();
    assert!(contradicts(ledger.read()));
    assert!(contradicts(ledger.lock().map(drop)));
}

#[test]
fn sixty_four_threads_lose_nothing() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("ledger");
    let writer = make(&folder, ORIGIN);
    let answers = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for thread in 0..64 {
            let (writer, answers) = (&writer, &answers);
            scope.spawn(move || {
                for number in 0..4 {
                    let (serial, leaf) = plan_change(writer, &format!("t{thread}-{number}"));
                    assert_eq!(answers.lock().unwrap().insert(serial, leaf), None, "one answer a place");
                }
            });
        }
    });
    let answers = answers.into_inner().unwrap();
    assert_eq!(answers.len(), 256);
    let log = writer.ledger().read().unwrap();
    for (serial, leaf) in answers {
        assert_eq!(log.leaf(serial).unwrap(), leaf);
    }
    let checked = check_ledger(writer.ledger(), writer.trust(), &mut |_| {}).unwrap();
    assert_eq!(checked.records, 259);
}

#[derive(Debug, Clone)]
enum Step {
    Plans(u8),
    Starts(u8),
    Halt,
    Resume,
    Reopen,
    DropCache,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_u8..6).prop_map(Step::Plans),
        3 => (1_u8..4).prop_map(Step::Starts),
        1 => Just(Step::Halt),
        1 => Just(Step::Resume),
        2 => Just(Step::Reopen),
        1 => Just(Step::DropCache),
    ];
    proptest::collection::vec(step, 1..14)
}

fn perform(writer: &Appender, step: &Step, planned: &mut Vec<(String, Digest)>) {
    let ada = key(3);
    let signer = Signer { appender: writer, keys: vec![&ada] };
    match step {
        Step::Plans(count) => {
            // Several threads at once: most of them come to lie in one batch.
            let base = planned.len();
            let made: Vec<_> = std::thread::scope(|scope| {
                let plan = |number: u8| {
                    let name = format!("c{}", base + usize::from(number));
                    scope.spawn(move || (name.clone(), plan_change(writer, &name).1))
                };
                let threads: Vec<_> = (0..*count).map(plan).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            planned.extend(made);
        }
        Step::Starts(count) => {
            for (name, plan) in planned.iter().rev().take(usize::from(*count)) {
                let about = About {
                    change: format!("shop/{name}").parse().unwrap(),
                    plan: *plan,
                    commit: oid("b"),
                    tree: oid("c"),
                };
                let start = Start { claim: "tests".parse().unwrap(), variant: None, shard: None, deadline_seconds: 60 };
                signer.about(&about, Predicate::Start(start)).unwrap();
            }
        }
        Step::Halt => drop(signer.event(Event::Halt { reason: "stop".to_owned() }).unwrap()),
        Step::Resume => drop(signer.event(Event::Resume { reason: "go".to_owned() }).unwrap()),
        Step::Reopen | Step::DropCache => {}
    }
}

/// Holds the log against a plain list of its entries and a plain map made of them.
fn holds(log: &Log, model: &mut Vec<Vec<u8>>) {
    let told = tell(log);
    assert!(told.entries.starts_with(model), "what was there stays as it was");
    *model = told.entries;
    let mut lists: BTreeMap<String, Vec<(u64, Digest)>> = BTreeMap::new();
    for (place, bytes) in (0..).zip(model.iter()) {
        if let Ok(entry) = Entry::parse(bytes) {
            for text in entry.map_texts() {
                lists.entry(text).or_default().push((place, leaf_hash(bytes)));
            }
        }
    }
    let mut map = NaiveMap::default();
    for (text, items) in &lists {
        let mut frontier = Frontier::default();
        for (place, leaf) in items {
            frontier.push(list_item_hash(*place, leaf));
        }
        map.insert(MapText::new(text.clone()).key(), list_value(frontier.size(), &frontier.root()));
    }
    let last = MapEntry::parse(model.last().unwrap()).unwrap();
    assert_eq!((last.root, last.labels), (map.root(), u64::try_from(map.len()).unwrap()));
    for (text, (serials, proof)) in told.lists {
        let wanted: Vec<u64> =
            lists.get(&text).map(|items| items.iter().map(|(place, _)| *place).collect()).unwrap_or_default();
        assert_eq!(serials, wanted, "{text}");
        assert_eq!(proof, map.prove(&MapText::new(text).key()).print());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_log_is_a_list_and_its_map_the_plain_one(steps in steps()) {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("ledger");
        let mut writer = make(&folder, ORIGIN);
        let mut planned = Vec::new();
        let mut model = Vec::new();
        for step in &steps {
            match step {
                Step::Reopen => writer = appender(&folder),
                Step::DropCache => drop(fs::remove_dir_all(folder.join("cache"))),
                _ => perform(&writer, step, &mut planned),
            }
            holds(&writer.ledger().read().unwrap(), &mut model);
        }
        check_ledger(writer.ledger(), writer.trust(), &mut |_| {}).unwrap();
    }
}

/// A repository with a ledger, and a home of its own.
struct Place {
    root: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(place.repository()).unwrap();
        place.git(&["init", "-q", "-b", "main", "."]);
        fs::write(place.repository().join("file"), "one\n").unwrap();
        place.git(&["add", "."]);
        place.git(&["commit", "-q", "-m", "one"]);
        assert_eq!(place.code(&["init"]), 0);
        place.git(&["add", "."]);
        place.git(&["commit", "-q", "-m", "two"]);
        place
    }

    fn repository(&self) -> PathBuf {
        self.root.path().join("shop")
    }

    fn ledger(&self) -> PathBuf {
        self.repository().join(".git/evidence")
    }

    fn clean(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.repository()).env_clear().env("HOME", self.root.path());
        command.env("PATH", std::env::var_os("PATH").unwrap()).stdin(Stdio::null());
        command
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = self.clean(Path::new("git"));
        git.args(["-c", "user.name=ada", "-c", "user.email=ada@example.org"]).args(arguments);
        assert!(git.output().unwrap().status.success(), "git {arguments:?}");
    }

    fn evidence(&self) -> Command {
        self.clean(Path::new(env!("CARGO_BIN_EXE_evidence")))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.evidence().args(arguments).output().unwrap()
    }

    fn code(&self, arguments: &[&str]) -> i32 {
        let output = self.run(arguments);
        let code = output.status.code().unwrap();
        println!("{arguments:?}: {code} {}", String::from_utf8_lossy(&output.stderr));
        code
    }
}

#[test]
fn the_program_alarms_where_the_checkpoint_names_more_and_refuses_newer_formats() {
    let place = Place::new();
    assert_eq!(place.code(&["attest", "tests", "--", "true"]), 0);
    assert_eq!(place.code(&["verify"]), 0);
    let segment = place.ledger().join("log/00000000.seg");
    let bytes = fs::read(&segment).unwrap();
    fs::write(&segment, &bytes[..bytes.len() - 1]).unwrap();
    for arguments in
        [&["verify"][..], &["log"], &["attest", "tests", "--report", "none.xml"], &["record", "halt", "--reason", "x"]]
    {
        assert_eq!(place.code(arguments), 3, "{arguments:?}");
    }
    assert_eq!(fs::read(&segment).unwrap(), &bytes[..bytes.len() - 1]);
    fs::write(&segment, &bytes).unwrap();
    assert_eq!(place.code(&["verify"]), 0);
    let file = place.ledger().join("ledger.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("evidence-ledger/v1", "evidence-ledger/v2") + "shards = 4\n").unwrap();
    let output = place.run(&["verify"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("evidence-ledger/v2") && said.contains("newer version"), "{said}");
}

#[test]
fn twenty_attempts_and_eight_verdicts_at_once_all_come_through() {
    let place = Place::new();
    assert_eq!(place.code(&["attest", "tests", "--", "true"]), 0);
    std::thread::scope(|scope| {
        let mut all = Vec::new();
        for number in 0..28 {
            let place = &place;
            all.push(scope.spawn(move || {
                if number % 7 < 5 {
                    assert_eq!(place.code(&["attest", "tests", "--", "true"]), 0);
                } else {
                    // While an attempt is open the answer may be a refusal; it is never a failure.
                    assert!([0, 1].contains(&place.code(&["verify"])));
                }
            }));
        }
        for one in all {
            one.join().unwrap();
        }
    });
    assert_eq!(place.code(&["verify"]), 0);
    assert_eq!(place.code(&["ledger", "check"]), 0);
    let listed = place.run(&["log", "-n", "1000"]).stdout;
    let listed = String::from_utf8(listed).unwrap();
    assert_eq!(listed.matches("start").count(), 21, "{listed}");
    assert_eq!(listed.matches("result").count(), 21, "{listed}");
}

#[test]
fn a_read_only_ledger_is_read() {
    let place = Place::new();
    assert_eq!(place.code(&["attest", "tests", "--", "true"]), 0);
    fs::remove_dir_all(place.ledger().join("cache")).unwrap();
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" || exit 77; touch \"$1/x\" 2>/dev/null && exit 78; \"$2\" verify && \"$2\" log";
    let mut shell = place.clean(Path::new("unshare"));
    shell.args(["-m", "sh", "-c", script, "sh"]).arg(place.ledger()).arg(env!("CARGO_BIN_EXE_evidence"));
    match shell.output() {
        Ok(output) if output.status.code() == Some(0) => {}
        Ok(output) if [Some(1), Some(77)].contains(&output.status.code()) && output.stdout.is_empty() => {
            println!("no mounts here: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(output) => panic!("{output:?}"),
        Err(error) => println!("no unshare here: {error}"),
    }
    assert!(!place.ledger().join("cache").exists(), "a reader writes nothing");
    assert_eq!(place.code(&["verify"]), 0);
    assert!(!place.ledger().join("cache").exists(), "a reader writes nothing");
}

#[test]
fn nobody_waits_while_a_command_runs() {
    let place = Place::new();
    assert_eq!(place.code(&["attest", "tests", "--", "true"]), 0);
    let flag = place.root.path().join("go");
    let wait = format!("until [ -e '{}' ]; do sleep 0.05; done", flag.display());
    let mut slow = place.evidence().args(["attest", "tests", "--", "sh", "-c", &wait]).spawn().unwrap();
    while !String::from_utf8(place.run(&["log"]).stdout).unwrap().lines().nth(1).unwrap().contains("start") {
        std::thread::sleep(Duration::from_millis(20));
    }
    // The command ends only after all of these have: none of them can have waited for it.
    assert!([0, 1].contains(&place.code(&["verify"])));
    assert_eq!(place.code(&["log"]), 0);
    assert_eq!(place.code(&["record", "resume", "--reason", "none"]), 0);
    assert_eq!(place.code(&["attest", "tests", "--", "true"]), 0);
    assert!(slow.try_wait().unwrap().is_none());
    fs::write(flag, "").unwrap();
    assert!(slow.wait().unwrap().success());
}

#[test]
fn the_answer_comes_after_the_sync_and_the_sync_after_the_write() {
    let place = Place::new();
    let trace = place.root.path().join("trace");
    let mut strace = place.clean(Path::new("strace"));
    strace.args(["-f", "-y", "-e", "trace=write,pwrite64,fdatasync,fsync", "-o"]).arg(&trace);
    strace.arg(env!("CARGO_BIN_EXE_evidence")).args(["record", "halt", "--reason", "x"]);
    match strace.output() {
        Ok(output) if output.status.success() => {}
        other => return println!("no strace here: {other:?}"),
    }
    let trace = fs::read_to_string(trace).unwrap();
    let find = |call: &str, path: &str| {
        let found = trace.lines().enumerate().filter(|(_, line)| line.contains(call) && line.contains(path));
        let places: Vec<usize> = found.map(|(number, _)| number).collect();
        assert_eq!(places.len(), 1, "{call} {path} in\n{trace}");
        places[0]
    };
    let (write, sync, answer) = (find(" write(", ".seg>"), find("fdatasync(", ".seg>"), find(" write(1<", "halted"));
    assert!(write < sync && sync < answer, "{trace}");
}
