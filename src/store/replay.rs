//! The log derived anew from its first byte: leaf hashes, tree and map, each batch held against its map entry and its checkpoint.
//!
//! Without the cache, and with nothing on disk but the segments. A thread of its own reads, parses and hashes a few hundred
//! records ahead of the map that takes them in.

use std::io;

use super::StoreError;
use super::arena::Arena;
use super::fresh_map::FreshMap;
use super::segments::{Batch, Batches, Extent, Position, Segments, Tail};
use super::trie::Root;
use crate::crypto::leaf_hash;
use crate::merkle::{Checkpoint, Frontier, MapText};
use crate::model::{Digest, Entry, MapEntry};
use crate::prove::{RawRecord, ahead};

/// What the batches so far come to.
#[derive(Default)]
pub(super) struct Replay {
    map: FreshMap,
    frontier: Frontier,
    /// The leaf hashes of all places.
    leaves: Vec<Digest>,
}

/// A batch, read and not yet taken in, with what the reader made of its records.
pub(super) struct Ready<T> {
    pub(super) entries: Vec<ReadyEntry>,
    /// The map entry and its extent.
    pub(super) map: (Vec<u8>, Extent),
    /// The signed checkpoint and its extent.
    pub(super) commit: (Vec<u8>, Extent),
    /// Where the next batch begins.
    pub(super) next: Position,
    pub(super) made: Vec<T>,
}

/// An entry as far as the index needs it.
pub(super) struct ReadyEntry {
    pub(super) leaf: Digest,
    pub(super) extent: Extent,
    /// Whether it is a grant.
    pub(super) grant: bool,
    /// The keys of its map texts, that of its chain first.
    keys: Vec<Digest>,
}

/// Reads all batches, in their order, and shows each to `each`, which takes it in; says what follows the last.
///
/// `make` is called on a thread of its own with the records of some batches and makes one thing of each.
///
/// # Errors
/// If the operating system refuses, an entry cannot be read, or what `each` returns: the first.
pub(super) fn replay<T: Send, E: From<StoreError>>(
    segments: &Segments,
    make: impl FnMut(&[RawRecord]) -> Vec<T> + Send,
    mut each: impl FnMut(Ready<T>) -> Result<(), E>,
) -> Result<Tail, E> {
    let batches = segments.batches(Position { segment: 0, offset: 0 });
    let mut tail = Tail::Clean;
    ahead(Groups { batches, make, ended: false }, |group: Group<T>| {
        group.ready.into_iter().try_for_each(|ready| each(ready?))?;
        tail = group.tail?;
        Ok::<(), E>(())
    })?;
    Ok(tail)
}

impl Replay {
    /// Returns the number of entries.
    pub(super) const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Returns the number of keys of the map.
    pub(super) fn keys(&self) -> u64 {
        self.map.keys()
    }

    /// Returns the root of the tree.
    pub(super) fn root(&self) -> Digest {
        self.frontier.root()
    }

    /// Writes the map to an arena; `spill` is called often, and may flush it.
    pub(super) fn write(
        &mut self,
        arena: &mut Arena,
        spill: &mut impl FnMut(&mut Arena) -> io::Result<()>,
    ) -> io::Result<Option<Root>> {
        self.map.write(arena, leaf_at(&self.leaves), spill)
    }

    /// Takes in a batch; shows the hashes to be stored, and returns for each record the leaf hash before it in its chain.
    ///
    /// # Errors
    /// If its map entry or its checkpoint is not that of the entries: what was taken in counts no more.
    pub(super) fn take<T>(
        &mut self,
        batch: &Ready<T>,
        mut show: impl FnMut(&Digest),
    ) -> Result<Vec<Option<Digest>>, StoreError> {
        let first = self.size();
        for entry in &batch.entries {
            self.push(entry.leaf, &mut show);
        }
        let previous = self.list(first, &batch.entries);
        let (root, keys, covers) = (self.map.root(), self.map.keys(), self.size());
        hold_map(&batch.map.0, root, keys, covers, &batch.commit.0)?;
        self.push(leaf_hash(&batch.map.0), &mut show);
        hold_head(&batch.commit.0, self.size(), self.root())?;
        Ok(previous)
    }

    fn push(&mut self, leaf: Digest, show: &mut impl FnMut(&Digest)) {
        self.leaves.push(leaf);
        self.frontier.push_showing(leaf, show);
    }

    /// Puts entries into the lists of their keys.
    fn list(&mut self, first: u64, entries: &[ReadyEntry]) -> Vec<Option<Digest>> {
        let keys =
            entries.iter().zip(0_usize..).flat_map(|(entry, index)| entry.keys.iter().map(move |key| (key, index)));
        let mut keys: Vec<(&Digest, usize)> = keys.collect();
        keys.sort_unstable();
        let mut previous = vec![None; entries.len()];
        let mut places = Vec::new();
        for listed in keys.chunk_by(|one, next| one.0 == next.0) {
            let key = listed[0].0;
            places.clear();
            places.extend(listed.iter().map(|(_, index)| first + place(*index)));
            let leaf_at = leaf_at(&self.leaves);
            let mut last = self.map.put(key, &places, leaf_at).map(leaf_at);
            for (_, index) in listed {
                let entry = &entries[*index];
                if entry.keys.first() == Some(key) {
                    previous[*index] = last;
                }
                last = Some(entry.leaf);
            }
        }
        previous
    }
}

/// Checks that a map entry is that of the entries before it.
pub(super) fn hold_map(map: &[u8], root: Digest, keys: u64, covers: u64, note: &[u8]) -> Result<(), StoreError> {
    let map_entry = MapEntry::parse(map).map_err(|error| StoreError::unreadable("a map entry", &error))?;
    if (map_entry.root, map_entry.labels, map_entry.covers) == (root, keys, covers) {
        return Ok(());
    }
    let text = format!("the map entry at place {covers} is not that of the entries before it");
    Err(StoreError::contradiction(text, [note]))
}

/// Checks that a checkpoint is that of the entries before it.
pub(super) fn hold_head(note: &[u8], size: u64, root: Digest) -> Result<(), StoreError> {
    let checkpoint = Checkpoint::parse_note(note).map_err(|error| StoreError::unreadable("a checkpoint", &error))?;
    if (checkpoint.size, checkpoint.root) == (size, root) {
        return Ok(());
    }
    let text = format!("the checkpoint of size {} does not fit the entries before it", checkpoint.size);
    Err(StoreError::contradiction(text, [note]))
}

/// Some batches, and why there are no more.
struct Group<T> {
    ready: Vec<Result<Ready<T>, StoreError>>,
    tail: Result<Tail, StoreError>,
}

struct Groups<F> {
    batches: Batches,
    make: F,
    ended: bool,
}

impl<T, F: FnMut(&[RawRecord]) -> Vec<T>> Iterator for Groups<F> {
    type Item = Group<T>;

    fn next(&mut self) -> Option<Group<T>> {
        if self.ended {
            return None;
        }
        let mut bytes = 0;
        let mut batches = Vec::new();
        let mut records = Vec::new();
        let tail = loop {
            if bytes >= GROUP_BYTES || batches.len() >= GROUP_BATCHES {
                break Ok(Tail::Clean);
            }
            let batch = match self.batches.next() {
                Ok(Some(batch)) => batch,
                ended => {
                    self.ended = true;
                    break ended.map(|_| self.batches.tail()).map_err(StoreError::from);
                }
            };
            let Batch { records: of_batch, map, commit, next } = batch;
            let from = records.len();
            let mut extents = Vec::with_capacity(of_batch.len());
            for (record, extent) in of_batch {
                bytes += record.entry.len() + record.envelope.len();
                extents.push(extent);
                records.push(record);
            }
            batches.push((from, extents, map, commit, next));
        };
        let mut made = (self.make)(&records);
        assert_eq!(made.len(), records.len(), "one thing is made of each record");
        let mut ready = Vec::with_capacity(batches.len());
        for (from, extents, map, commit, next) in batches.into_iter().rev() {
            let entries = records.drain(from..).zip(extents).map(|(record, extent)| ReadyEntry::of(&record, extent));
            let made = made.split_off(from);
            ready.push(entries.collect::<Result<_, _>>().map(|entries| Ready { entries, map, commit, next, made }));
        }
        ready.reverse();
        Some(Group { ready, tail })
    }
}

impl ReadyEntry {
    fn of(record: &RawRecord, extent: Extent) -> Result<Self, StoreError> {
        let entry = Entry::parse(&record.entry).map_err(|error| StoreError::unreadable("an entry", &error))?;
        let keys = entry.map_texts().map(|text| MapText::new(text).key()).collect();
        Ok(Self { leaf: leaf_hash(&record.entry), extent, grant: entry.kind == GRANT, keys })
    }
}

fn leaf_at(leaves: &[Digest]) -> impl Fn(u64) -> Digest + Copy {
    |place| {
        usize::try_from(place).ok().and_then(|place| leaves.get(place)).copied().expect("lists name places taken in")
    }
}

fn place(index: usize) -> u64 {
    u64::try_from(index).expect("a batch is in memory")
}

/// The kind of records that people are looked up in.
pub(super) const GRANT: &str = "authority-grant";
/// So much is read and parsed at once: enough for all processors, and little memory.
const GROUP_BYTES: usize = 1024 * 1024;
/// More batches than this are not waited for.
const GROUP_BATCHES: usize = 128;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use super::super::Ledger;
    use super::super::frame::{Frame, Next};
    use super::super::index::Index;
    use super::*;
    use crate::crypto::{SecretKey, sha256};
    use crate::model::{SignedLine, Time};

    const ORIGIN: &str = "evidence.local/000102030405060708090a0b0c0d0e0f";

    /// Makes a log of so many batches of one to four records; returns their entries.
    fn fill(folder: &Path, batches: u64) -> Vec<Entry> {
        let ledger = Ledger::create(folder, ORIGIN).unwrap();
        let mut writer = ledger.lock().unwrap();
        let mut heads: BTreeMap<String, Digest> = BTreeMap::new();
        let mut all: Vec<Entry> = Vec::new();
        for batch in 0..batches {
            let mut records = Vec::new();
            for number in 0..=batch % 4 {
                let hash = sha256(&[batch.to_le_bytes(), number.to_le_bytes()].concat());
                let chain = format!("change:c{}", (batch * 7 + number % 2) % 40);
                let entry = Entry {
                    kind: if batch % 9 == 0 { GRANT } else { "plan" }.to_owned(),
                    time: Time(batch),
                    previous: heads.get(&chain).copied(),
                    statement: hash,
                    signed: vec![SignedLine {
                        algorithm: "ed25519".to_owned(),
                        fingerprint: sha256(&(batch % 3).to_le_bytes()).into(),
                        signature: hash,
                    }],
                    labels: vec![format!("commit:{number}"), format!("tree:{hash}")],
                    chain,
                };
                let bytes = entry.print().into_bytes();
                heads.insert(entry.chain.clone(), leaf_hash(&bytes));
                records.push(RawRecord { entry: bytes, envelope: hash.to_string().into_bytes() });
                all.push(entry);
            }
            writer.commit(&records, &[], Time(batch), &|head| head.sign(&SecretKey::from_seed(&[1; 32]))).unwrap();
        }
        all
    }

    /// Lets `change` have its way with every frame of the first segment; the sums are made to fit.
    fn rewrite(folder: &Path, mut change: impl FnMut(&mut Frame)) {
        let path = folder.join("log/00000000.seg");
        let bytes = fs::read(&path).unwrap();
        let (mut rest, mut out) = (bytes.as_slice(), Vec::new());
        while let Next::Frame(mut frame, _) = Frame::read(&mut rest).unwrap() {
            change(&mut frame);
            frame.print(&mut out);
        }
        fs::write(path, out).unwrap();
    }

    #[test]
    fn an_index_made_anew_is_the_one_that_grew_batch_by_batch() {
        let place = tempfile::tempdir().unwrap();
        // Fewer batches than are read at once, as many, and enough for a thread that reads ahead.
        for batches in [1, 2, 128, 129, 400] {
            let folder = place.path().join(batches.to_string());
            let entries = fill(&folder, batches);
            let segments = Segments::new(&folder);
            let grown = Index::open(&folder, &segments).unwrap();
            for ledger in [None, Some(place.path())] {
                let (mut fresh, tail) = Index::anew(&segments, u64::MAX, ledger).unwrap();
                assert!(matches!(tail, Tail::Clean));
                if let Some(ledger) = ledger {
                    fresh.flush(ledger).unwrap();
                    fresh = Index::open(ledger, &segments).unwrap();
                    fs::remove_dir_all(ledger.join("cache")).unwrap();
                }
                assert_eq!((fresh.size, fresh.keys, fresh.next), (grown.size, grown.keys, grown.next));
                assert_eq!((fresh.commit, fresh.map_root()), (grown.commit, grown.map_root()));
                assert_eq!(
                    (fresh.root().unwrap(), fresh.grants().unwrap()),
                    (grown.root().unwrap(), grown.grants().unwrap())
                );
                for place in 0..grown.size {
                    assert_eq!(fresh.leaf(place).unwrap(), grown.leaf(place).unwrap());
                    assert_eq!(fresh.extent(place).unwrap(), grown.extent(place).unwrap());
                }
                for text in entries.iter().flat_map(Entry::map_texts).chain(["chain nobody".to_owned()]) {
                    let text = MapText::new(text);
                    assert_eq!(fresh.prove(&text).unwrap(), grown.prove(&text).unwrap(), "{text}");
                    assert_eq!(fresh.newest(&text, 3).unwrap(), grown.newest(&text, 3).unwrap(), "{text}");
                }
            }
        }
    }

    #[test]
    fn a_replay_shows_every_record_once_with_the_one_before_it_in_its_chain() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("ledger");
        let entries = fill(&folder, 300);
        let mut shown = Vec::new();
        let log = Ledger::open(&folder).unwrap().replay(
            |records| records.to_vec(),
            |records, note| {
                let size = Checkpoint::parse_note(note).unwrap().size;
                assert_eq!(records.last().map(|record| record.serial + 2), Some(size));
                shown.extend(records);
                Ok::<(), StoreError>(())
            },
        );
        assert_eq!(log.unwrap().size, 300 + u64::try_from(entries.len()).unwrap());
        assert_eq!(shown.len(), entries.len());
        for (record, entry) in shown.iter().zip(&entries) {
            assert_eq!((record.previous, &record.made.entry[..]), (entry.previous, entry.print().as_bytes()));
            assert_eq!(record.made.envelope, entry.statement.to_string().into_bytes());
            assert_eq!(record.leaf, leaf_hash(&record.made.entry));
        }
    }

    #[test]
    fn a_lie_is_found_where_it_stands_however_far_behind() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("ledger");
        fill(&folder, 300);
        let path = folder.join("log/00000000.seg");
        let honest = fs::read(&path).unwrap();
        let other_root = |map: &mut Vec<u8>| {
            let mut entry = MapEntry::parse(map).unwrap();
            entry.root.0[31] ^= 1;
            *map = entry.print().into_bytes();
        };
        let other_head = |note: &mut Vec<u8>| {
            let mut head = Checkpoint::parse_note(note).unwrap();
            head.root.0[31] ^= 1;
            *note = head.sign(&SecretKey::from_seed(&[1; 32]));
        };
        let other_entry = |bytes: &mut Vec<u8>| {
            let mut entry = Entry::parse(bytes).unwrap();
            entry.time.0 += 1;
            *bytes = entry.print().into_bytes();
        };
        for wrong in [0, 1, 127, 128, 299] {
            for lie in 0..3 {
                let mut batch = 0;
                fs::write(&path, &honest).unwrap();
                rewrite(&folder, |frame| match frame {
                    Frame::Record { entry, .. } if (lie, batch) == (0, wrong) => other_entry(entry),
                    Frame::Map(entry) if (lie, batch) == (1, wrong) => other_root(entry),
                    Frame::Commit(note) => {
                        if (lie, batch) == (2, wrong) {
                            other_head(note);
                        }
                        batch += 1;
                    }
                    _ => {}
                });
                let mut good = 0;
                let said = Ledger::open(&folder).unwrap().replay(
                    |records| vec![(); records.len()],
                    |_, _| {
                        good += 1;
                        Ok::<(), StoreError>(())
                    },
                );
                assert!(matches!(said, Err(StoreError::Contradiction { .. })), "{lie} at {wrong}");
                assert_eq!(good, wrong, "{lie}");
                let anew = Index::anew(&Segments::new(&folder), u64::MAX, None);
                assert!(matches!(anew, Err(StoreError::Contradiction { .. })), "{lie} at {wrong}");
            }
        }
    }
}
