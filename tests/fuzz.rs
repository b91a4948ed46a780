//! Every parser of bytes from outside under random changes of good and bad examples: it never panics, and what it takes
//! prints back to the same bytes where the format has one spelling.
//!
//! The seeds are the committed vectors, reports and policies, and small examples made here. Each parser gets 0.3 s; `EVIDENCE_FUZZ_SECONDS`
//! gives it more, `EVIDENCE_TEST_SEED` another start. Out of scope: how long a parser takes, which the limits of each bound.

mod common;
#[path = "common/container.rs"]
mod container;
#[path = "common/outside.rs"]
mod outside;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::Rig;
use evidence_ledger::crypto::{EcdsaKey, Envelope, KeyFile, NoteKey, PrivateKey, PublicKey, SecretKey, open_note};
use evidence_ledger::export::Bundle;
use evidence_ledger::merkle::{Checkpoint, Consistency, ListProof, MapProof, Multiproof};
use evidence_ledger::model::{Entry, MapEntry, Numbers, SCHEMAS, Statement, check_schema, parse_json};
use evidence_ledger::policy::Policy;
use evidence_ledger::prove::{Conviction, Source as _, Trust};
use evidence_ledger::reports::{Format, detect, read, read_report};
use serde_json::Value;

/// What a parser says: whether it takes the bytes; what is wrong if it takes them and says otherwise when it prints them.
type Said = Result<bool, String>;

type Parse<'a> = Box<dyn Fn(&[u8]) -> Said + 'a>;

/// A parser and examples for it, of which it takes one at least.
struct Target<'a> {
    name: &'static str,
    seeds: Vec<Vec<u8>>,
    parse: Parse<'a>,
}

fn target<'a>(name: &'static str, seeds: Vec<Vec<u8>>, parse: impl Fn(&[u8]) -> Said + 'a) -> Target<'a> {
    Target { name, seeds, parse: Box::new(parse) }
}

/// Holds what was printed against what was read.
fn same(printed: impl AsRef<[u8]>, bytes: &[u8]) -> Said {
    let printed = printed.as_ref();
    if printed == bytes {
        return Ok(true);
    }
    let at = printed.iter().zip(bytes).take_while(|(printed, read)| printed == read).count();
    let shown = |text: &[u8]| String::from_utf8_lossy(&text[at..text.len().min(at + 40)]).into_owned();
    Err(format!("it is printed otherwise at {at}: {:?}, not {:?}", shown(printed), shown(bytes)))
}

fn models() -> Vec<Target<'static>> {
    vec![
        target("json", every_vector(), |bytes| {
            let Ok(value) = parse_json(bytes, Numbers::Exact) else { return Ok(false) };
            assert!(parse_json(bytes, Numbers::Any).is_ok(), "what is exact is a number");
            for schema in SCHEMAS {
                let _ = check_schema(schema.name, &value);
            }
            let text = serde_json::to_vec(&value).unwrap();
            if parse_json(&text, Numbers::Exact) == Ok(value) { Ok(true) } else { Err("it reads otherwise".to_owned()) }
        }),
        target("envelope", vectors("envelope"), |bytes| {
            let _ = Envelope::parse_foreign(bytes);
            Envelope::parse(bytes).map_or(Ok(false), |envelope| same(envelope.print(), bytes))
        }),
        target("statement", vectors("statement"), |bytes| {
            let Ok(statement) = Statement::parse(bytes) else { return Ok(false) };
            let printed = statement.print().map_err(|error| format!("it cannot be printed: {error}"))?;
            if Statement::parse(&printed) == Ok(statement) { Ok(true) } else { Err("it reads otherwise".to_owned()) }
        }),
        target("entry", vectors("entry"), |bytes| {
            Entry::parse(bytes).map_or(Ok(false), |entry| same(entry.print(), bytes))
        }),
        target("map-entry", vectors("map-entry"), |bytes| {
            MapEntry::parse(bytes).map_or(Ok(false), |entry| same(entry.print(), bytes))
        }),
        target("private-key", private_keys(), |bytes| {
            let Some((label, der)) = bytes.split_first() else { return Ok(false) };
            let label = KEY_LABELS[usize::from(*label) % KEY_LABELS.len()];
            let armored = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der));
            match KeyFile::parse(&armored) {
                Ok(KeyFile::Locked(locked)) => Ok(locked.public().is_some()),
                Ok(KeyFile::Open(key)) => {
                    let again = KeyFile::parse(&key.to_pem()).map_err(|error| error.to_string())?;
                    let same = matches!(again, KeyFile::Open(again) if again.public() == key.public());
                    if same { Ok(true) } else { Err("it reads otherwise".to_owned()) }
                }
                Err(_) => Ok(false),
            }
        }),
        target("public-key", vectors("public-key"), |bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else { return Ok(false) };
            let _ = SecretKey::from_pem(text);
            let Ok(key) = text.parse::<PublicKey>() else { return Ok(false) };
            if key.to_string().parse() == Ok(key) { Ok(true) } else { Err("it reads otherwise".to_owned()) }
        }),
    ]
}

/// What a private key file holds: its label's place, and the bytes. TEST KEYS, NOT SECRET.
fn private_keys() -> Vec<Vec<u8>> {
    let seed = *b"EVIDENCE TEST KEY, NOT SECRET 01";
    let keys =
        [PrivateKey::Ed25519(SecretKey::from_seed(&seed)), PrivateKey::EcdsaP256(EcdsaKey::from_bytes(&seed).unwrap())];
    let der = |pem: &str| -> Vec<u8> {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        STANDARD.decode(body).unwrap()
    };
    let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let public = keys[0].public().to_wire();
    let pair = [&seed[..], &public[public.len() - 32..]].concat();
    let comment = string(b"EVIDENCE TEST KEY");
    let mut inner = [&[7; 8], &public[..], &string(&pair), &comment].concat();
    inner.extend((1..).take((8 - inner.len() % 8) % 8));
    let head = [&b"openssh-key-v1\0"[..], &string(b"none"), &string(b"none"), &string(b""), &[0, 0, 0, 1]].concat();
    let openssh = [&head[..], &string(&public), &string(&inner)].concat();
    let mut list = vec![[&[3][..], &openssh].concat()];
    for key in &keys {
        list.push([&[0][..], &der(&key.to_pem())].concat());
        list.push([&[1][..], &der(&key.to_locked_pem("open", &[[1; 16], [2; 16]]))].concat());
    }
    list
}

fn proofs() -> Vec<Target<'static>> {
    let key = |vector: &Value| vector.get("vkey").and_then(|vkey| vkey.as_str()?.parse::<NoteKey>().ok());
    let keys: Vec<NoteKey> = read_vectors().iter().filter_map(|(_, vector)| key(vector)).collect();
    let named = read_vectors().into_iter().map(|(_, vector)| vector).find(|vector| vector["what"] == "conviction");
    let believed = Trust::parse(named.unwrap()["trust"].as_str().unwrap()).unwrap();
    vec![
        target("note", vectors("note"), move |bytes| {
            let Ok(text) = open_note(bytes, &keys) else { return Ok(false) };
            if bytes.starts_with(text.as_bytes()) { Ok(true) } else { Err("its text is another".to_owned()) }
        }),
        target("checkpoint", vectors("note"), |bytes| {
            let Ok(checkpoint) = Checkpoint::parse_note(bytes) else { return Ok(false) };
            if bytes.starts_with(checkpoint.print().as_bytes()) {
                Ok(true)
            } else {
                Err("printed otherwise".to_owned())
            }
        }),
        target("map-proof", vectors("map-proof"), |bytes| {
            MapProof::parse(bytes).map_or(Ok(false), |proof| same(proof.print(), bytes))
        }),
        target("multiproof", vectors("multiproof"), |bytes| {
            Multiproof::parse(bytes).map_or(Ok(false), |proof| same(proof.print(), bytes))
        }),
        target("consistency", vectors("consistency"), |bytes| {
            Consistency::parse(bytes).map_or(Ok(false), |proof| same(proof.print(), bytes))
        }),
        target("list-proof", vectors("list-proof"), |bytes| {
            ListProof::parse(bytes).map_or(Ok(false), |proof| same(proof.print(), bytes))
        }),
        target("conviction", vectors("conviction"), move |bytes| {
            let Ok(conviction) = Conviction::parse(bytes) else { return Ok(false) };
            // Whether it holds or not, it is checked without a fault.
            let _ = conviction.check(&believed);
            let again = Conviction::parse(conviction.print().as_bytes()).map_err(|error| error.to_string())?;
            if again == conviction { Ok(true) } else { Err("it reads otherwise".to_owned()) }
        }),
    ]
}

fn settings() -> Vec<Target<'static>> {
    vec![
        target("trust", vectors("trust"), |bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else { return Ok(false) };
            let Ok(trust) = Trust::parse(text) else { return Ok(false) };
            if Trust::parse(&trust.print()) == Ok(trust) { Ok(true) } else { Err("it reads otherwise".to_owned()) }
        }),
        target("policy", files(&["policy/good", "policy/bad"], "toml"), |bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else { return Ok(false) };
            // What is wrong with it is told to people.
            Ok(Policy::parse(text).map_err(|errors| errors.to_string()).is_ok())
        }),
    ]
}

fn reports() -> Vec<Target<'static>> {
    let of_format = |format: Format| {
        let ending =
            ENDINGS.iter().find(|(name, _)| *name == format.name()).map_or(format.name(), |(_, ending)| ending);
        target(format.name(), files(&["reports", "reports/hostile"], ending), move |bytes| {
            let _ = detect(bytes);
            // Facts alone and facts with everything else are one answer.
            match (read(format, &mut &*bytes), read_report(format, &mut &*bytes)) {
                (Ok(short), Ok(long)) if short == long.facts => Ok(true),
                (Err(short), Err(long)) if short.to_string() == long.to_string() => Ok(false),
                (short, long) => Err(format!("facts alone and with the rest differ: {short:?} and {long:?}")),
            }
        })
    };
    Format::ALL.into_iter().map(of_format).collect()
}

#[test]
fn what_the_ledger_says_is_read_in_its_one_spelling_or_not_at_all() {
    fuzz_each(&[models(), proofs()].into_iter().flatten().collect::<Vec<_>>());
}

#[test]
fn settings_and_reports_are_read_or_refused() {
    let forges = vec![outside::of_forges()];
    fuzz_each(&[settings(), outside::of_settings(), forges, reports()].into_iter().flatten().collect::<Vec<_>>());
}

#[test]
fn names_that_nest_deep_are_refused() {
    outside::deep_keys();
}

#[test]
fn what_git_an_agent_and_modules_say_is_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let targets = [outside::of_git(), outside::of_agent(folder.path()), outside::of_rego()];
    fuzz_each(&targets.into_iter().flatten().collect::<Vec<_>>());
}

#[test]
fn a_bundle_is_read_or_refused() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.medium();
    rig.ok("ci-1", &["export", "-o", "../bundle.zip"]);
    let seed = fs::read(rig.path("bundle.zip")).unwrap();
    let path = rig.path("changed.zip");
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let Ok(bundle) = Bundle::open(&path) else { return Ok(false) };
        let _ = (bundle.note(), bundle.last_entry());
        for serial in 0..16 {
            let _ = bundle.record(serial);
        }
        let _ = bundle.multiproof(&[0]);
        Ok(true)
    };
    let whole = rig.path("bundle.zip");
    fuzz_each(&[target("bundle", vec![seed], open), outside::members(&rig, &whole), outside::receipt(&rig)]);
}

/// Gives each target its turn, whatever the others came to.
fn fuzz_each(targets: &[Target<'_>]) {
    let fails = |target: &&Target<'_>| catch_unwind(AssertUnwindSafe(|| fuzz(target))).is_err();
    let wrong: Vec<&str> = targets.iter().filter(fails).map(|target| target.name).collect();
    assert!(wrong.is_empty(), "these do not hold: {wrong:?}");
}

/// Feeds a parser until its time is over; the seeds as they are come first, and one of them at least is taken.
fn fuzz(target: &Target<'_>) {
    let mut dice = Dice::new();
    assert!(!target.seeds.is_empty(), "{} has no seeds", target.name);
    let (mut runs, mut taken) = (0_u64, 0_u64);
    let mut feed = |bytes: &[u8]| {
        let shown = || format!("{}, seed {}: {}", target.name, dice_seed(), STANDARD.encode(bytes));
        match catch_unwind(AssertUnwindSafe(|| (target.parse)(bytes))) {
            Ok(Ok(took)) => {
                runs += 1;
                taken += u64::from(took);
                took
            }
            Ok(Err(wrong)) => panic!("{wrong}: {}", shown()),
            Err(_) => panic!("it panicked: {}", shown()),
        }
    };
    let good = target.seeds.iter().filter(|seed| feed(seed)).count();
    assert!(good > 0, "{}: no seed is taken as it is", target.name);
    let began = Instant::now();
    let mut pool = target.seeds.clone();
    while began.elapsed() < seconds() {
        let seed = pool[dice.below(pool.len())].clone();
        let bytes = mutate(&seed, &target.seeds, &mut dice);
        if feed(&bytes) && pool.len() < POOL_MAX {
            pool.push(bytes);
        }
    }
    println!("{}: {runs} inputs, {taken} taken, EVIDENCE_TEST_SEED={}", target.name, dice_seed());
}

/// Changes a few places: bytes, ranges, numbers, pieces of other examples and what is known to hurt.
fn mutate(seed: &[u8], others: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len() + 1);
        let end = (at + 1 + dice.below(24)).min(bytes.len());
        match dice.below(10) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 if at < bytes.len() => bytes[at] = u8::try_from(dice.below(256)).unwrap(),
            2 if at < end => drop(bytes.drain(at..end)),
            3 if at < end => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => {
                bytes.truncate(at);
                // What breaks off in the middle of something.
                if dice.below(2) == 0 {
                    bytes.extend_from_slice(TOKENS[dice.below(TOKENS.len())]);
                }
            }
            5 | 6 => {
                let token = TOKENS[dice.below(TOKENS.len())];
                let end = if dice.below(2) == 0 { at } else { end.max(at) };
                bytes.splice(at..end, token.iter().copied());
            }
            7 => {
                let other = &others[dice.below(others.len())];
                let from = dice.below(other.len() + 1);
                let to = (from + dice.below(200)).min(other.len());
                bytes.splice(at..end.max(at), other[from..to].iter().copied());
            }
            8 if at < end => {
                let piece = bytes[at..end].repeat(1 + dice.below(400));
                bytes.splice(at..at, piece);
            }
            _ => {
                // A number becomes another.
                let Some(from) = bytes[at.min(bytes.len())..].iter().position(u8::is_ascii_digit) else { continue };
                let from = at + from;
                let digits = bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                let number = NUMBERS[dice.below(NUMBERS.len())];
                bytes.splice(from..from + digits, number.bytes());
            }
        }
    }
    bytes.truncate(INPUT_BYTES_MAX);
    bytes
}

struct Dice(u64);

impl Dice {
    fn new() -> Self {
        Self(dice_seed())
    }

    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below).unwrap()).unwrap()
    }
}

fn dice_seed() -> u64 {
    std::env::var("EVIDENCE_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x9e37_79b9_7f4a_7c15)
}

fn seconds() -> Duration {
    let seconds = std::env::var("EVIDENCE_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(0.3))
}

/// Returns the bytes of every vector of a kind.
fn vectors(what: &str) -> Vec<Vec<u8>> {
    let all = read_vectors();
    let found = all.iter().filter(|(_, vector)| vector["what"] == what);
    found.filter_map(|(_, vector)| bytes_of(vector)).collect()
}

fn every_vector() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = read_vectors().iter().filter_map(|(_, vector)| bytes_of(vector)).collect();
    all.extend(files(&["vectors"], "json"));
    all.retain(|bytes| bytes.len() < 16 * 1024);
    all
}

fn bytes_of(vector: &Value) -> Option<Vec<u8>> {
    match (vector.get("text"), vector.get("base64")) {
        (Some(text), _) => Some(text.as_str()?.as_bytes().to_vec()),
        (_, Some(base64)) => STANDARD.decode(base64.as_str()?).ok(),
        _ => None,
    }
}

fn read_vectors() -> Vec<(PathBuf, Value)> {
    let read = |path: PathBuf| (path.clone(), serde_json::from_slice(&fs::read(path).unwrap()).unwrap());
    paths("vectors", "json").into_iter().map(read).collect()
}

fn files(folders: &[&str], ending: &str) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> =
        folders.iter().flat_map(|folder| paths(folder, ending)).map(|path| fs::read(path).unwrap()).collect();
    all.retain(|bytes| bytes.len() <= INPUT_BYTES_MAX);
    all
}

fn paths(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == ending));
    paths.sort();
    paths
}

const TOKENS: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\0",
    b" ",
    b"\t",
    b"\"",
    b"\"\\",
    b"\\",
    b"&#",
    b"<!--",
    b"%",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xef\xbb\xbf",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[",
    b",",
    b":",
    b"null",
    b"-0",
    b"1e999",
    b"=",
    b"<",
    b"</",
    b"<![CDATA[",
    b"]]>",
    b"&amp;",
    b"&#0;",
    b"<!DOCTYPE x>",
    b"<testcase/>",
    b"<failure/>",
    b"PK\x01\x02",
    b"PK\x05\x06",
    "\u{2028}".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{2014} ".as_bytes(),
    b"\x1b[31m",
    b"test result: ok. ",
    b"test a ... ok\n",
    b"1..",
    b"not ok",
    b"ok 1 - ",
    b"SF:",
    b"end_of_record",
];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "00",
    "-1",
    "4294967295",
    "4294967296",
    "9007199254740991",
    "9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "0.5",
    "1e308",
    "99999999999999999999999999",
];
/// Endings of the committed reports that are not their format's name.
const ENDINGS: &[(&str, &str)] = &[("junit", "xml"), ("libtest", "txt"), ("gotest", "jsonl"), ("go-cover", "cover")];
const INPUT_BYTES_MAX: usize = 64 * 1024;
const POOL_MAX: usize = 2000;

const KEY_LABELS: [&str; 4] = ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"];
