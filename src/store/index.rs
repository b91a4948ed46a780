//! The index of the segments: tree hashes, positions, the map and its lists. A cache, never truth.
//!
//! One way in: a batch is staged, whether it is about to be written, was read from the segments by a
//! reader who is behind, or is one of all when the cache is made anew. What it yields is compared with
//! what the batch's map entry and checkpoint say.
//!
//! ```text
//! cache/head        what of the files below counts; replaced by rename after each batch
//! cache/hashes      32 bytes a stored hash, in the order of golang.org/x/mod/sumdb/tlog
//! cache/positions   16 bytes a place: u32le segment, u32le bytes, u64le offset; its highest byte is 1 for a grant
//! cache/map-<n>     nodes of the map and blocks of its lists
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::arena::{Arena, Offset};
use super::flat::Flat;
use super::lists;
use super::replay::{GRANT, Replay, hold_head, hold_map, replay};
use super::segments::{Batch, Extent, Position, Segments, Tail};
use super::trie::{self, Leaf, Root};
use crate::crypto::{leaf_hash, list_item_hash, list_value};
use crate::merkle::{Checkpoint, Frontier, HashReader, MapProof, MapText, stored_count, stored_hashes, tree_root};
use crate::model::{Digest, Entry, MapEntry};

/// The index at one size of the log.
pub(super) struct Index {
    /// Entries, map entries included.
    pub(super) size: u64,
    /// The number of keys of the map.
    pub(super) keys: u64,
    /// Where the next batch begins.
    pub(super) next: Position,
    /// Where the newest commit frame lies.
    pub(super) commit: Option<Extent>,
    map: Option<Root>,
    arena: Arena,
    hashes: Flat<32>,
    positions: Flat<16>,
    generation: u32,
}

impl Index {
    /// Returns the index of an empty log.
    pub(super) fn empty() -> Self {
        Self {
            size: 0,
            keys: 0,
            next: Position { segment: 0, offset: 0 },
            commit: None,
            map: None,
            arena: Arena::empty(),
            hashes: Flat::empty(),
            positions: Flat::empty(),
            generation: 0,
        }
    }

    /// Opens the cache of a ledger and proves it against the newest commit frame that it knows.
    ///
    /// If anything in it does not fit, returns `None`: the segments have the truth.
    pub(super) fn open(ledger: &Path, segments: &Segments) -> Option<Self> {
        let head = Head::parse(&fs::read(Paths::new(ledger).head).ok()?)?;
        let paths = Paths::new(ledger);
        // A size that the file has slots for: what is worked out from it below does not overflow.
        let positions = Flat::open(&paths.positions, head.size).ok()?;
        let arena = Arena::open(&paths.map(head.generation), head.arena_bytes).ok()?;
        let map = if head.map == Offset(0) { None } else { Some(trie::root_at(&arena, head.map).ok()?) };
        let index = Self {
            size: head.size,
            keys: head.keys,
            next: head.next,
            commit: Some(head.commit),
            map,
            arena,
            hashes: Flat::open(&paths.hashes, stored_count(head.size)).ok()?,
            positions,
            generation: head.generation,
        };
        index.fits(segments).then_some(index)
    }

    /// Makes the index anew from the segments, up to a size; says what follows.
    ///
    /// Where a folder is named, what is made goes to its cache on the way, and counts once [`Index::flush`] writes its head.
    pub(super) fn anew(segments: &Segments, most: u64, ledger: Option<&Path>) -> Result<(Self, Tail), StoreError> {
        Self::anew_telling(segments, most, ledger, &mut |_| {})
    }

    /// As [`Index::anew`]; `progress` is told the size after each batch.
    pub(super) fn anew_telling(
        segments: &Segments,
        most: u64,
        ledger: Option<&Path>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(Self, Tail), StoreError> {
        let mut index = Self::empty();
        let mut log = Replay::default();
        let paths = ledger.map(Paths::new);
        let failed = |error| match ledger {
            Some(ledger) => StoreError::io("cannot write the cache of", ledger)(error),
            None => cache(error),
        };
        let tail = replay(
            segments,
            |records| vec![(); records.len()],
            |batch| {
                if log.size() >= most {
                    return Ok(());
                }
                log.take(&batch, |hash| index.hashes.push(*hash.bytes()))?;
                progress(log.size());
                let grants: Vec<usize> = (0..).zip(&batch.entries).filter(|(_, it)| it.grant).map(|it| it.0).collect();
                index.place(batch.entries.iter().map(|entry| entry.extent).chain([batch.map.1]), &grants);
                (index.commit, index.next) = (Some(batch.commit.1), batch.next);
                paths.as_ref().map_or(Ok(()), |paths| index.spill(paths)).map_err(failed)
            },
        )?;
        (index.size, index.keys) = (log.size(), log.keys());
        let arena = paths.as_ref().map(|paths| paths.map(index.generation));
        let mut spill = |written: &mut Arena| match &arena {
            Some(path) if written.unwritten_bytes() > SPILLED_BYTES => written.flush(path),
            _ => Ok(()),
        };
        index.map = log.write(&mut index.arena, &mut spill).map_err(failed)?;
        Ok((index, tail))
    }

    /// Writes hashes and positions to their files, where they have grown.
    fn spill(&mut self, paths: &Paths) -> io::Result<()> {
        if self.hashes.unwritten_bytes() + self.positions.unwritten_bytes() <= SPILLED_BYTES {
            return Ok(());
        }
        fs::create_dir_all(&paths.folder)?;
        self.hashes.flush(&paths.hashes)?;
        self.positions.flush(&paths.positions)
    }

    /// Takes in every batch that the segments hold beyond this; says what follows.
    pub(super) fn read_on(&mut self, segments: &Segments) -> Result<Tail, StoreError> {
        if self.commit.is_some() {
            return segments.scan(self.next, |batch| self.apply(&batch));
        }
        let (index, tail) = Self::anew(segments, u64::MAX, None)?;
        *self = index;
        Ok(tail)
    }

    /// Takes in a batch that the segments hold.
    pub(super) fn apply(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let entries: Vec<&[u8]> = batch.records.iter().map(|(record, _)| record.entry.as_slice()).collect();
        let staged = self.stage(&entries)?;
        let covers = self.size + u64::try_from(entries.len()).expect("a batch is in memory");
        hold_map(&batch.map.0, staged.root, staged.keys, covers, &batch.commit.0)?;
        let grants = staged.grants.clone();
        let root = self.take(staged, &batch.map.0)?;
        hold_head(&batch.commit.0, self.size, root)?;
        let extents = batch.records.iter().map(|(_, extent)| *extent).chain([batch.map.1]);
        self.place(extents, &grants);
        self.commit = Some(batch.commit.1);
        self.next = batch.next;
        Ok(())
    }

    /// Takes in a batch that has just been written where `apply` would find it.
    pub(super) fn take_written(
        &mut self,
        staged: Staged,
        map: &[u8],
        extents: &[Extent],
        commit: Extent,
        next: Position,
    ) -> Result<(), StoreError> {
        let grants = staged.grants.clone();
        self.take(staged, map)?;
        self.place(extents.iter().copied(), &grants);
        self.commit = Some(commit);
        self.next = next;
        Ok(())
    }

    fn place(&mut self, extents: impl Iterator<Item = Extent>, grants: &[usize]) {
        for (index, extent) in extents.enumerate() {
            self.positions.push(slot(extent, grants.contains(&index)));
        }
    }

    /// Works out the map that a batch of entries leads to. What it writes to the arena counts only once it is taken.
    pub(super) fn stage(&mut self, entries: &[&[u8]]) -> Result<Staged, StoreError> {
        let mut leaves = Vec::with_capacity(entries.len());
        let mut grants = Vec::new();
        let mut changed: BTreeMap<Digest, Vec<(u64, Digest)>> = BTreeMap::new();
        for (place, bytes) in (self.size..).zip(entries) {
            let entry = Entry::parse(bytes).map_err(|error| StoreError::unreadable("an entry", &error))?;
            let leaf = leaf_hash(bytes);
            if entry.kind == GRANT {
                grants.push(leaves.len());
            }
            leaves.push(leaf);
            for text in entry.map_texts() {
                changed.entry(MapText::new(text).key()).or_default().push((place, leaf));
            }
        }
        let mut map_leaves = Vec::with_capacity(changed.len());
        let mut keys = self.keys;
        for (key, items) in changed {
            let (before, mut frontier) = match self.head(&key).map_err(cache)? {
                Some((list, head)) => (Some(list), head.frontier),
                None => (None, Frontier::default()),
            };
            keys += u64::from(before.is_none());
            for (place, leaf) in &items {
                frontier.push(list_item_hash(*place, leaf));
            }
            let places: Vec<u64> = items.iter().map(|(place, _)| *place).collect();
            let list = lists::extend(&mut self.arena, before, &frontier, &places);
            map_leaves.push(Leaf { key, value: list_value(frontier.size(), &frontier.root()), list });
        }
        let map = trie::update(&mut self.arena, self.map, &map_leaves).map_err(cache)?;
        let root = map.map_or_else(crate::crypto::empty_map_root, |root| root.hash);
        Ok(Staged { leaves, grants, map, keys, root })
    }

    /// Returns the tree's root with staged leaves and a map entry behind them.
    pub(super) fn root_with(&self, staged: &Staged, map: &[u8]) -> Result<Digest, StoreError> {
        let mut frontier = self.frontier()?;
        for leaf in &staged.leaves {
            frontier.push(*leaf);
        }
        frontier.push(leaf_hash(map));
        Ok(frontier.root())
    }

    fn take(&mut self, staged: Staged, map: &[u8]) -> Result<Digest, StoreError> {
        for leaf in staged.leaves.into_iter().chain([leaf_hash(map)]) {
            for hash in stored_hashes(self.size, leaf, &Hashes(&self.hashes)).map_err(cache)? {
                self.hashes.push(*hash.bytes());
            }
            self.size += 1;
        }
        self.map = staged.map;
        self.keys = staged.keys;
        self.root()
    }

    fn frontier(&self) -> Result<Frontier, StoreError> {
        Frontier::read(self.size, &Hashes(&self.hashes)).map_err(cache)
    }

    /// Returns the root of the tree.
    pub(super) fn root(&self) -> Result<Digest, StoreError> {
        tree_root(self.size, &Hashes(&self.hashes)).map_err(cache)
    }

    /// Returns the stored hashes, for proofs.
    pub(super) fn reader(&self) -> impl HashReader + '_ {
        Hashes(&self.hashes)
    }

    /// Returns the leaf hash at a place.
    pub(super) fn leaf(&self, place: u64) -> io::Result<Digest> {
        // A damaged list names places of any size.
        if place >= self.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Hashes(&self.hashes).read(crate::merkle::stored_index(0, place))
    }

    /// Returns where the entry of a place lies.
    pub(super) fn extent(&self, place: u64) -> io::Result<Extent> {
        let slot = self.positions.read(place)?;
        let [a, b, c, d, e, f, g, h, offset @ ..] = slot;
        let at = Position { segment: u32::from_le_bytes([a, b, c, d]), offset: u64::from_le_bytes(offset) & OFFSET };
        Ok(Extent { at, bytes: u32::from_le_bytes([e, f, g, h]) })
    }

    /// Returns the places of all grants, ascending.
    pub(super) fn grants(&self) -> io::Result<Vec<u64>> {
        let mut found = Vec::new();
        self.positions.scan(|place, slot| {
            if slot[15] == 1 {
                found.push(place);
            }
        })?;
        Ok(found)
    }

    /// Returns the newest places under a map text, ascending, and the number of all.
    pub(super) fn newest(&self, text: &MapText, most: usize) -> io::Result<(Vec<u64>, u64)> {
        match self.head(&text.key())? {
            None => Ok((Vec::new(), 0)),
            Some((list, head)) => Ok((lists::newest(&self.arena, list, most)?, head.count)),
        }
    }

    /// Returns what the newest block of a key's list says, held against the root of the map.
    ///
    /// What is signed next follows from it: a damaged node must not get into a map that is signed.
    fn head(&self, key: &Digest) -> io::Result<Option<(Offset, lists::ListHead)>> {
        let lie = || io::Error::from(io::ErrorKind::InvalidData);
        let (proof, leaf) = trie::prove(&self.arena, self.map, key)?;
        let root = self.map_root();
        let Some(leaf) = leaf else {
            proof.check_absent(key, &root).map_err(|_| lie())?;
            return Ok(None);
        };
        let head = lists::head(&self.arena, leaf.list)?;
        let value = list_value(head.frontier.size(), &head.frontier.root());
        proof.check_present(key, &value, &root).map_err(|_| lie())?;
        Ok(Some((leaf.list, head)))
    }

    /// Returns the root of the map, which was held against the newest map entry.
    pub(super) fn map_root(&self) -> Digest {
        self.map.map_or_else(crate::crypto::empty_map_root, |root| root.hash)
    }

    /// Returns all places under a map text, with the proof that they are all, or that there are none.
    pub(super) fn prove(&self, text: &MapText) -> io::Result<(Vec<u64>, MapProof)> {
        let (proof, leaf) = trie::prove(&self.arena, self.map, &text.key())?;
        let places = match leaf {
            None => Vec::new(),
            Some(leaf) => lists::newest(&self.arena, leaf.list, usize::MAX)?,
        };
        Ok((places, proof))
    }

    /// Writes the cache. It is not made durable: a cache that a power cut spoils is made anew.
    pub(super) fn flush(&mut self, ledger: &Path) -> io::Result<()> {
        let paths = Paths::new(ledger);
        let Some(commit) = self.commit else { return Ok(()) };
        if !paths.folder.exists() {
            fs::create_dir_all(&paths.folder)?;
        }
        let worn = self.arena.len() > COMPACT_BYTES_MIN && self.arena.len() / (self.keys + 1) > COMPACT_BYTES_A_KEY;
        let old = worn.then(|| paths.map(self.generation));
        if worn {
            self.compact()?;
        }
        self.arena.flush(&paths.map(self.generation))?;
        self.hashes.flush(&paths.hashes)?;
        self.positions.flush(&paths.positions)?;
        let head = Head {
            size: self.size,
            keys: self.keys,
            map: self.map.map_or(Offset(0), |root| root.at),
            arena_bytes: self.arena.len(),
            next: self.next,
            commit,
            generation: self.generation,
        };
        let fresh = paths.folder.join("head.new");
        fs::write(&fresh, head.print())?;
        fs::rename(&fresh, &paths.head)?;
        if let Some(old) = old {
            fs::remove_file(old)?;
        }
        Ok(())
    }

    /// Copies what the newest map reaches into a new arena.
    fn compact(&mut self) -> io::Result<()> {
        let mut fresh = Arena::empty();
        let mut leaves = Vec::new();
        trie::walk(&self.arena, self.map, &mut |leaf| {
            let head = lists::head(&self.arena, leaf.list)?;
            let places = lists::newest(&self.arena, leaf.list, usize::MAX)?;
            leaves.push(Leaf { list: lists::extend(&mut fresh, None, &head.frontier, &places), ..leaf });
            Ok(())
        })?;
        self.map = trie::update(&mut fresh, None, &leaves)?;
        self.arena = fresh;
        self.generation += 1;
        Ok(())
    }

    fn fits(&self, segments: &Segments) -> bool {
        let Some(commit) = self.commit else { return false };
        let Ok(super::frame::Frame::Commit(note)) = segments.frame(commit) else { return false };
        let Ok(checkpoint) = Checkpoint::parse_note(&note) else { return false };
        let Ok(root) = self.root() else { return false };
        let Some(place) = self.size.checked_sub(1) else { return false };
        let Ok(super::frame::Frame::Map(bytes)) = self.extent(place).and_then(|extent| segments.frame(extent)) else {
            return false;
        };
        let Ok(map) = MapEntry::parse(&bytes) else { return false };
        let map_root = self.map_root();
        (checkpoint.size, checkpoint.root) == (self.size, root)
            && (map.root, map.labels) == (map_root, self.keys)
            && self.leaf(place).is_ok_and(|leaf| leaf == leaf_hash(&bytes))
    }
}

/// A batch worked out and not yet taken.
pub(super) struct Staged {
    /// The root of the map after it.
    pub(super) root: Digest,
    /// The number of keys after it.
    pub(super) keys: u64,
    leaves: Vec<Digest>,
    /// Which of them are grants.
    grants: Vec<usize>,
    map: Option<Root>,
}

/// Removes the cache, for it to be made anew.
pub(super) fn remove(ledger: &Path) -> io::Result<()> {
    match fs::remove_dir_all(Paths::new(ledger).folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

struct Hashes<'a>(&'a Flat<32>);

impl HashReader for Hashes<'_> {
    fn read(&self, index: u64) -> io::Result<Digest> {
        self.0.read(index).map(Digest)
    }
}

struct Paths {
    folder: PathBuf,
    head: PathBuf,
    hashes: PathBuf,
    positions: PathBuf,
}

impl Paths {
    fn new(ledger: &Path) -> Self {
        let folder = ledger.join("cache");
        Self { head: folder.join("head"), hashes: folder.join("hashes"), positions: folder.join("positions"), folder }
    }

    fn map(&self, generation: u32) -> PathBuf {
        self.folder.join(format!("map-{generation}"))
    }
}

struct Head {
    size: u64,
    keys: u64,
    map: Offset,
    arena_bytes: u64,
    next: Position,
    commit: Extent,
    generation: u32,
}

impl Head {
    fn print(&self) -> Vec<u8> {
        let mut bytes = HEAD_MAGIC.to_vec();
        for long in [self.size, self.keys, self.map.0, self.arena_bytes, self.next.offset, self.commit.at.offset] {
            bytes.extend_from_slice(&long.to_le_bytes());
        }
        for short in [self.next.segment, self.commit.at.segment, self.commit.bytes, self.generation] {
            bytes.extend_from_slice(&short.to_le_bytes());
        }
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        let rest = body.strip_prefix(HEAD_MAGIC)?;
        if rest.len() != 64 || u32::from_le_bytes(*crc) != crc32c::crc32c(body) {
            return None;
        }
        let long = |slot: usize| Some(u64::from_le_bytes(rest.get(slot * 8..slot * 8 + 8)?.try_into().ok()?));
        let short = |slot: usize| Some(u32::from_le_bytes(rest.get(48 + slot * 4..52 + slot * 4)?.try_into().ok()?));
        Some(Self {
            size: long(0)?,
            keys: long(1)?,
            map: Offset(long(2)?),
            arena_bytes: long(3)?,
            next: Position { offset: long(4)?, segment: short(0)? },
            commit: Extent { at: Position { offset: long(5)?, segment: short(1)? }, bytes: short(2)? },
            generation: short(3)?,
        })
    }
}

fn slot(extent: Extent, grant: bool) -> [u8; 16] {
    let mut slot = [0; 16];
    slot[..4].copy_from_slice(&extent.at.segment.to_le_bytes());
    slot[4..8].copy_from_slice(&extent.bytes.to_le_bytes());
    slot[8..].copy_from_slice(&extent.at.offset.to_le_bytes());
    slot[15] = u8::from(grant);
    slot
}

fn cache(error: io::Error) -> StoreError {
    StoreError::Cache(error)
}

const HEAD_MAGIC: &[u8] = b"evidence-head/2\n";
/// Offsets within a segment need far fewer bits than they have.
const OFFSET: u64 = (1 << 56) - 1;
/// So much of a cache that is made anew lies in memory before it goes to its files.
const SPILLED_BYTES: usize = 4 * 1024 * 1024;
/// Below this an arena is small enough to be left alone.
const COMPACT_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// A key needs some 300 bytes: its leaf, an inner node, a block; what is beyond four times that is old paths.
const COMPACT_BYTES_A_KEY: u64 = 1_200;
