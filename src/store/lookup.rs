//! Look-ups that the map does not serve: records by kind and by the beginning of a hash, and the changes that are open.
//!
//! A sled database beside the other caches, filled on demand from where it left off, at most some 80 bytes a record. It
//! holds no truth: what it answers is read again from the log. Where it is busy, damaged or cannot be written, the log is
//! walked instead; where it is damaged it is also made anew.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::{Log, StoreError};
use crate::crypto::leaf_hash;
use crate::merkle::MapText;
use crate::model::{ChangeId, Entry};

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupKey {
    /// Records of a kind, `result` for example.
    Kind(String),
    /// Records whose leaf hash or statement hash begins with these hex digits.
    Hash(String),
    /// First plans of changes that no merge has closed.
    Open,
}

/// The look-ups of a ledger.
pub struct Lookup;

impl Lookup {
    /// Returns the newest serials that fit, newest first, at most `limit`.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn find(log: &Log, key: &LookupKey, limit: usize) -> Result<Vec<u64>, StoreError> {
        if log.size() <= WALKED_MAX {
            return walk(log, key, limit, 0);
        }
        let folder = log.folder().join("cache").join("lookup");
        // sled panics on some corruptions: they end here, and the database is made anew.
        for _ in 0..2 {
            let asked = catch_unwind(AssertUnwindSafe(|| ask(&folder, log, key, limit)));
            match asked {
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(Trouble::Busy)) => break,
                Ok(Err(Trouble::Store(error))) => return Err(error),
                Ok(Err(Trouble::Damaged)) | Err(_) => {
                    if fs::remove_dir_all(&folder).is_err() {
                        break;
                    }
                }
            }
        }
        walk(log, key, limit, 0)
    }
}

enum Trouble {
    Busy,
    Damaged,
    Store(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sled::Error> for Trouble {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(_) => Self::Busy,
            _ => Self::Damaged,
        }
    }
}

fn ask(folder: &Path, log: &Log, key: &LookupKey, limit: usize) -> Result<Vec<u64>, Trouble> {
    remove_stray_snapshots(folder);
    let database = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).flush_every_ms(None).open()?;
    fill(&database, log)?;
    let prefix = match key {
        LookupKey::Kind(kind) => kind_key(kind),
        LookupKey::Hash(hex) => hash_prefix(hex),
        LookupKey::Open => OPEN.to_vec(),
    };
    let mut found = Vec::new();
    for row in database.scan_prefix(&prefix).rev() {
        let (row, _) = row?;
        let (_, serial) = row.split_last_chunk::<8>().ok_or(Trouble::Damaged)?;
        let serial = u64::from_be_bytes(*serial);
        // A database of another ledger or of a longer log may lie here: what it says is read again.
        if serial < log.size() && fits(log, key, serial)? && !found.contains(&serial) {
            found.push(serial);
            if found.len() == limit {
                break;
            }
        }
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok(found)
}

/// Takes in what the log has beyond what is known.
fn fill(database: &sled::Db, log: &Log) -> Result<(), Trouble> {
    let known = database.get(SIZE)?.and_then(|bytes| bytes.as_ref().try_into().ok()).map_or(0, u64::from_be_bytes);
    if known > log.size() {
        return Err(Trouble::Damaged);
    }
    let mut place = known;
    while place < log.size() {
        let mut batch = sled::Batch::default();
        let end = log.size().min(place + BATCH);
        for serial in place..end {
            let Some(record) = log.record(serial)? else { continue };
            let entry = Entry::parse(&record.entry).map_err(|error| StoreError::unreadable("an entry", &error))?;
            let rows =
                [kind_key(&entry.kind), hash_key(leaf_hash(&record.entry).bytes()), hash_key(entry.statement.bytes())];
            for mut row in rows {
                row.extend_from_slice(&serial.to_be_bytes());
                batch.insert(row, &[]);
            }
            if first_planned(&entry).is_some() {
                batch.insert(open_key(serial), &[]);
            }
            for change in merged(&entry) {
                let (places, _) = log.newest(&MapText::chain(&format!("change:{change}")), usize::MAX)?;
                if let Some(first) = places.first() {
                    batch.remove(open_key(*first));
                }
            }
        }
        batch.insert(SIZE, &end.to_be_bytes());
        database.apply_batch(batch)?;
        place = end;
    }
    if known < log.size() {
        database.flush()?;
    }
    Ok(())
}

fn walk(log: &Log, key: &LookupKey, limit: usize, from: u64) -> Result<Vec<u64>, StoreError> {
    let mut found = Vec::new();
    let mut serial = log.size();
    while serial > from && found.len() < limit {
        serial -= 1;
        if fits(log, key, serial)? {
            found.push(serial);
        }
    }
    Ok(found)
}

fn fits(log: &Log, key: &LookupKey, serial: u64) -> Result<bool, StoreError> {
    let Some(record) = log.record(serial)? else { return Ok(false) };
    let entry = Entry::parse(&record.entry).map_err(|error| StoreError::unreadable("an entry", &error))?;
    Ok(match key {
        LookupKey::Kind(kind) => entry.kind == *kind,
        LookupKey::Hash(hex) => {
            leaf_hash(&record.entry).to_string().starts_with(hex) || entry.statement.to_string().starts_with(hex)
        }
        LookupKey::Open => match first_planned(&entry) {
            Some(change) => log.merge_of(&change)?.is_none(),
            None => false,
        },
    })
}

/// Returns the change whose first plan an entry is.
fn first_planned(entry: &Entry) -> Option<ChangeId> {
    let change = entry.chain.strip_prefix("change:").filter(|_| entry.kind == PLAN && entry.previous.is_none());
    change.and_then(|change| change.parse().ok())
}

/// Returns the changes that an entry closes.
fn merged(entry: &Entry) -> impl Iterator<Item = &str> {
    let labels = entry.labels.iter().filter(|_| entry.kind == MERGE);
    labels.filter_map(|label| label.strip_prefix("change:"))
}

fn open_key(serial: u64) -> Vec<u8> {
    [OPEN, &serial.to_be_bytes()].concat()
}

fn kind_key(kind: &str) -> Vec<u8> {
    [b"k", kind.as_bytes(), b"\0"].concat()
}

fn hash_key(hash: &[u8; 32]) -> Vec<u8> {
    [b"h".as_slice(), &hash[..HASH_BYTES]].concat()
}

fn hash_prefix(hex: &str) -> Vec<u8> {
    let whole = hex.len() / 2 * 2;
    let bytes = hex::decode(&hex[..whole]).unwrap_or_default();
    [b"h".as_slice(), &bytes[..bytes.len().min(HASH_BYTES)]].concat()
}

/// A stray `snap.*.generating` bars sled from opening for ever.
fn remove_stray_snapshots(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let stray = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".generating"));
    for path in entries.flatten().map(|entry| entry.path()).filter(stray) {
        let _ = fs::remove_file(path);
    }
}

/// How far the log is taken in; the number is that of the rows' meaning, so that a change of it fills anew.
const SIZE: &[u8] = b"size-2";
const OPEN: &[u8] = b"o";
const PLAN: &str = "plan";
/// The kind of the record that closes changes.
pub(super) const MERGE: &str = "event-merge";
/// So much of a hash finds it; the rest is compared in the log.
const HASH_BYTES: usize = 12;
/// Logs up to this size are walked faster than a database opens.
const WALKED_MAX: u64 = 2_000;
const BATCH: u64 = 4_096;
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
