//! Appends of a checked record by one thread and by 64, against a bare loop of write and fdatasync of as many bytes.
//!
//! `cargo bench --bench appends` measures. With `-- fill FOLDER COUNT POLICY KEYS` it instead makes a ledger of COUNT planned changes in
//! FOLDER, and its keys in KEYS, through the same path, for `benches/table.sh`. Keys are fixed: what it makes is no evidence.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use evidence_ledger::append::{Appender, Submission};
use evidence_ledger::attest::Signer;
use evidence_ledger::crypto::{Envelope, NoteKey, SecretKey};
use evidence_ledger::model::{Binding, Grant, Oid, Plan, Predicate, Statement, Subject, Time};
use evidence_ledger::policy::STARTER;
use evidence_ledger::prove::{Trust, TrustedLedger};
use evidence_ledger::store::Ledger;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fill", folder, count, policy, keys] => {
            let policy = fs::read_to_string(policy).expect("a policy");
            fill(Path::new(folder), count.parse().expect("COUNT is a number"), &policy, Path::new(keys));
        }
        _ => measure(),
    }
}

fn measure() {
    let place = tempfile::tempdir().expect("a folder for the measurement");
    let appender = make(&place.path().join("ledger"), STARTER);
    let segment = place.path().join("ledger/log/00000000.seg");
    let before = fs::metadata(&segment).expect("a segment").len();
    let one = per_second(APPENDS, || append(&appender, vec![submission()]));
    let bytes = (fs::metadata(&segment).expect("a segment").len() - before) / APPENDS;
    let mut bare = OpenOptions::new().append(true).create(true).open(place.path().join("bare")).expect("a file");
    let block = vec![b'x'; usize::try_from(bytes).expect("some kilobytes")];
    let bare = per_second(APPENDS, || {
        bare.write_all(&block).and_then(|()| bare.sync_data()).expect("the disk takes it");
    });
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..APPENDS_A_THREAD).for_each(|_| append(&appender, vec![submission()])));
        }
    });
    let many = f64::from(THREADS * APPENDS_A_THREAD) / began.elapsed().as_secs_f64();
    println!("bytes a batch of one           {bytes:>8}");
    println!("bare write and fdatasync       {bare:>8.0} / s");
    println!("appends, one thread            {one:>8.0} / s   {:.2} of bare", one / bare);
    println!("appends, {THREADS} threads           {many:>8.0} / s   {:.2} of bare", many / bare);
}

fn per_second(count: u64, mut act: impl FnMut()) -> f64 {
    let began = Instant::now();
    (0..count).for_each(|_| act());
    f64::from(u32::try_from(count).expect("a small number")) / began.elapsed().as_secs_f64()
}

fn fill(folder: &Path, count: usize, policy: &str, keys: &Path) {
    let appender = make(folder, policy);
    fs::create_dir_all(keys).expect("a folder for the keys");
    fs::write(keys.join("trust.toml"), appender.trust().print()).expect("a trust file");
    for (name, seed) in [("log.pem", 1), ("ada.pem", 3)] {
        fs::write(keys.join(name), key(seed).to_pem().as_bytes()).expect("a key");
    }
    let mut left = count;
    while left > 0 {
        let now = left.min(BATCH);
        append(&appender, (0..now).map(|_| submission()).collect());
        left -= now;
    }
    println!("{} entries in {}", appender.ledger().read().expect("a log").size(), folder.display());
}

fn make(folder: &Path, policy: &str) -> Appender {
    let ledger = Ledger::create(folder, ORIGIN).expect("a new folder");
    let vkey = NoteKey::new(ORIGIN, key(1).public()).expect("a key");
    let trust = Trust {
        repository: "bench".parse().expect("an id"),
        ledgers: vec![TrustedLedger { origin: ORIGIN.to_owned(), vkey, from_size: 0, to_size: None }],
        roots: vec![key(2).public()],
        threshold: 1,
        min_size: None,
        max_age: None,
    };
    let clock = || Time(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()));
    let appender = Appender::new(ledger, key(1), trust, clock);
    let root = key(2);
    let signer = Signer { appender: &appender, keys: vec![&root] };
    signer.policy(policy, None).expect("a policy");
    let roles = ["admin", "ci", "planner"].map(|role| role.parse().expect("a role")).to_vec();
    let key = key(3).public().to_string();
    let principal = "ada".parse().expect("an id");
    let (emails, changes) = (Vec::new(), Vec::new());
    signer
        .grant(Grant { key, principal, owner: None, roles, emails, changes, until: None, leased_by: None })
        .expect("a grant");
    appender
}

fn submission() -> Submission {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).expect("random bytes");
    let nonce = hex::encode(nonce);
    let plan = Plan::bare("low".parse().expect("a tier"), "refs/heads/main");
    let change = Some(format!("bench/{nonce}").parse().expect("an id"));
    let base: Oid = "a".repeat(40).parse().expect("an object id");
    let statement = Statement {
        subjects: vec![Subject::base(base)],
        binding: Binding { ledger: ORIGIN.to_owned(), nonce, change, plan: None },
        predicate: Predicate::Plan(plan),
    };
    let envelope = Envelope::seal(statement.print().expect("it prints"), &[&key(3)]).expect("it is sealed");
    Submission { envelope }
}

fn append(appender: &Appender, submissions: Vec<Submission>) {
    appender.append(submissions).expect("it is appended");
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

const ORIGIN: &str = "evidence.local/000102030405060708090a0b0c0d0e0f";
const APPENDS: u64 = 300;
const THREADS: u32 = 64;
const APPENDS_A_THREAD: u32 = 20;
const BATCH: usize = 1_000;
