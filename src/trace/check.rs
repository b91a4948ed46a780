//! `evidence ledger check`: everything derived again from the segments; every signature, link, root and material checked.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use crate::append::{AppendError, Rights};
use crate::crypto::{Envelope, Hasher, KeyRing, PublicKey, open_note};
use crate::merkle::{CheckpointError, SignedCheckpoint};
use crate::model::{Digest, Entry, Predicate, Statement, Time};
use crate::prove::{RawRecord, Trust, placement, side_by_side};
use crate::store::{Ledger, Replayed, ReplayedLog, StoreError};

/// What a check came to.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What the replay came to.
    pub replayed: ReplayedLog,
    /// The number of records.
    pub records: u64,
    /// The number of signatures that hold.
    pub signatures: u64,
    /// The number of materials whose bytes have their hash.
    pub materials: u64,
    /// Materials that records name and that are not there.
    /// Each with the first record that names it.
    pub missing: BTreeMap<Digest, u64>,
    /// Jumps of the clock of more than a day between two records.
    pub jumps: Vec<(u64, Time, Time)>,
}

/// Why a ledger does not hold.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A checkpoint.
    #[error("the checkpoint after record {serial} does not hold: {error}")]
    Checkpoint {
        /// The last record before it.
        serial: u64,
        /// Why.
        error: CheckpointError,
    },
    /// Who may do what cannot be read.
    #[error(transparent)]
    Rights(Box<AppendError>),
    /// A head lacks the signature of the key that the roots gave the log.
    #[error("the head of size {size} is not signed by {wanted}, the key that the roots gave the log")]
    RetiredKey {
        /// The size.
        size: u64,
        /// The key.
        wanted: String,
    },
    /// The log goes on behind its end.
    #[error("the log has {size} entries, and record {last} closes it")]
    Closed {
        /// The record that closes it.
        last: u64,
        /// The number of entries.
        size: u64,
    },
    /// A record.
    #[error("record {serial} does not hold: {text}")]
    Record {
        /// The record.
        serial: u64,
        /// Why.
        text: String,
    },
    /// A material.
    #[error("the material {path} has the hash {found}, which is not its name")]
    Material {
        /// The file.
        path: String,
        /// Its hash.
        found: Digest,
    },
}

/// Checks a ledger from its first byte to its last. `progress` is told the number of records now and then.
///
/// # Errors
/// See [`CheckError`]: the first thing that does not hold.
pub fn check_ledger(ledger: &Ledger, trust: &Trust, progress: &mut dyn FnMut(u64)) -> Result<Checked, CheckError> {
    let mut checker = Checker {
        origin: ledger.origin(),
        ring: trust.roots.iter().cloned().collect(),
        statements: BTreeSet::new(),
        named: BTreeMap::new(),
        records: 0,
        signatures: 0,
        last: Time(0),
        jumps: Vec::new(),
    };
    // What the roots said of the log itself, proven against its head, says which key must have signed which head.
    let live = ledger.read()?;
    let rights = Rights::read(&live, trust, []).map_err(|error| CheckError::Rights(Box::new(error)))?;
    let authority = rights.authority(trust, Time(0));
    // What was readable before must be in the segments: damage in their middle is not the torn tail that it looks like.
    let known = live.size();
    let mut ring = checker.ring.clone();
    let replayed = ledger.replay(
        |records| read(records, &mut ring),
        |records, note| {
            let size = records.last().map_or(0, |record| record.serial) + 2;
            for record in records {
                let serial = record.serial;
                checker.record(record).map_err(|text| CheckError::Record { serial, text })?;
            }
            progress(checker.records);
            let keys = trust.log_keys(ledger.origin(), size);
            let head = SignedCheckpoint::open(note, &keys, ledger.origin())
                .map_err(|error| CheckError::Checkpoint { serial: size - 2, error })?;
            let given = authority.log_key_at(size).map(|key| vec![key.vkey.clone()]);
            if let Some(keys) = given.filter(|keys| open_note(head.note(), keys).is_err()) {
                return Err(CheckError::RetiredKey { size, wanted: keys[0].to_string() });
            }
            Ok::<(), CheckError>(())
        },
    )?;
    if replayed.size < known {
        let text = format!("the segments hold {} whole entries, and {known} were committed", replayed.size);
        return Err(StoreError::Contradiction { text, heads: Vec::new() }.into());
    }
    if let Some(last) = authority.closed().filter(|last| replayed.size != last + 2) {
        return Err(CheckError::Closed { last, size: replayed.size });
    }
    // A copy of a remote has those that somebody read; all of them are checked.
    let named: Vec<Digest> = checker.named.keys().copied().collect();
    for part in named.chunks(FETCHED_AT_ONCE) {
        ledger.blobs().fetch(part)?;
    }
    let mut there = BTreeSet::new();
    let mut materials = 0;
    ledger.blobs().walk(|path, digest| {
        let Some(digest) = digest else { return Ok(()) };
        let found = hash(&path).map_err(StoreError::from)?;
        if found != digest {
            return Err(StoreError::Contradiction {
                text: CheckError::Material { path: path.display().to_string(), found }.to_string(),
                heads: Vec::new(),
            });
        }
        there.insert(digest);
        materials += 1;
        Ok(())
    })?;
    let mut missing = checker.named;
    missing.retain(|digest, _| !there.contains(digest));
    // The live state, with its cache, must say the same.
    let log = ledger.read()?;
    if log.size() < replayed.size {
        let text = format!("the cache shows {} entries; the segments hold {}", log.size(), replayed.size);
        return Err(StoreError::Contradiction { text, heads: Vec::new() }.into());
    }
    Ok(Checked {
        replayed,
        records: checker.records,
        signatures: checker.signatures,
        materials,
        missing,
        jumps: checker.jumps,
    })
}

struct Checker<'a> {
    origin: &'a str,
    ring: KeyRing,
    statements: BTreeSet<Digest>,
    /// Each with the first record that names it.
    named: BTreeMap<Digest, u64>,
    records: u64,
    signatures: u64,
    last: Time,
    jumps: Vec<(u64, Time, Time)>,
}

impl Checker<'_> {
    fn record(&mut self, record: Replayed<Result<Read, String>>) -> Result<(), String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let Replayed { serial, leaf: _, previous, made } = record;
        let Read { entry, envelope, statement, opened } = made?;
        if statement.binding.ledger != self.origin {
            return Err(format!("it was made for the ledger {}", statement.binding.ledger));
        }
        if !self.statements.insert(entry.statement) {
            return Err("its statement stands in the ledger twice".to_owned());
        }
        // Read ahead, it may have been opened by a key that is granted only behind it.
        let known = envelope.signatures.iter().all(|signature| self.ring.find(&signature.keyid).is_some());
        if !opened || !known {
            envelope.open(&self.ring).map_err(|e| text(&e))?;
        }
        if envelope.signed_lines(&self.ring).as_ref() != Some(&entry.signed) {
            return Err("its signed lines are not those of its envelope".to_owned());
        }
        if entry.previous != previous {
            return Err(format!("it does not follow the one before it in `{}`", entry.chain));
        }
        if entry.time < self.last {
            return Err("it goes back in time".to_owned());
        }
        if self.last != Time(0) && entry.time.since(self.last).0 > JUMP_SECONDS {
            self.jumps.push((serial, self.last, entry.time));
        }
        self.last = entry.time;
        self.records += 1;
        self.signatures += u64::try_from(envelope.signatures.len()).unwrap_or(0);
        for digest in statement.materials() {
            self.named.entry(digest).or_insert(serial);
        }
        if let Predicate::Authority(authority) = &statement.predicate {
            for line in authority.keys_that_may_sign() {
                let key: PublicKey = line.parse().map_err(|e: crate::crypto::KeyError| text(&e))?;
                self.ring.insert(key);
            }
        }
        Ok(())
    }
}

/// A record as far as it is checked by itself.
struct Read {
    entry: Entry,
    envelope: Envelope,
    statement: Statement,
    /// Whether its signatures hold under the keys that anything up to some way behind it grants.
    opened: bool,
}

/// Reads records and checks their signatures, side by side.
fn read(records: &[RawRecord], ring: &mut KeyRing) -> Vec<Result<Read, String>> {
    let mut read = side_by_side(records, Read::of);
    for record in read.iter().flatten() {
        let Predicate::Authority(authority) = &record.statement.predicate else { continue };
        authority.keys_that_may_sign().iter().filter_map(|line| line.parse().ok()).for_each(|key| ring.insert(key));
    }
    let opened = side_by_side(&read, |read| read.as_ref().is_ok_and(|read| read.envelope.open(ring).is_ok()));
    for (read, opened) in read.iter_mut().zip(opened) {
        if let Ok(read) = read {
            read.opened = opened;
        }
    }
    read
}

impl Read {
    fn of(record: &RawRecord) -> Result<Self, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let entry = Entry::parse(&record.entry).map_err(|e| text(&e))?;
        let envelope = Envelope::parse(&record.envelope).map_err(|e| text(&e))?;
        let statement = Statement::parse(&envelope.payload).map_err(|e| text(&e))?;
        let placed = placement(&statement).map_err(|e| text(&e))?;
        if (&entry.kind, &entry.chain, &entry.labels) != (&placed.kind, &placed.chain, &placed.labels) {
            return Err("kind, chain or labels are not those of its statement".to_owned());
        }
        if entry.statement != envelope.statement_hash() {
            return Err("its envelope is not the one that its entry names".to_owned());
        }
        Ok(Self { entry, envelope, statement, opened: false })
    }
}

fn hash(path: &std::path::Path) -> std::io::Result<Digest> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&buffer[..count]);
    }
}

/// A step of the ledger's clock longer than this is worth a look.
const JUMP_SECONDS: u64 = 86_400;
/// So many materials travel at once.
const FETCHED_AT_ONCE: usize = 1024;
