//! One state of the log, read: what [`crate::prove`] takes records and proofs from.

use std::cell::{Ref, RefCell};
use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blobs::Blobs;
use super::frame::Frame;
use super::index::Index;
use super::lookup::MERGE;
use super::remote::Remote;
use super::segments::{Position, Segments, Tail};
use super::{StoreError, index};
use crate::crypto::{leaf_hash, list_item_hash, list_value};
use crate::merkle::{
    Checkpoint, Consistency, Frontier, ListProof, MapText, check_inclusion, prove_consistency, prove_inclusion,
    prove_multi, tree_root,
};
use crate::model::{ChangeId, Digest, Entry};
use crate::prove::{ListTail, Listing, Materials, Proven, RawRecord, Source, SourceError};

/// The log at its newest committed size.
pub struct Log {
    ledger: PathBuf,
    segments: Segments,
    blobs: Blobs,
    index: RefCell<Index>,
    /// Whether the index was made anew because the cache could not be believed.
    rebuilt: RefCell<bool>,
    torn: Option<Position>,
}

impl Log {
    /// Opens the newest state; goes on from the cache where that is sound.
    pub(super) fn open(ledger: &Path) -> Result<Self, StoreError> {
        let segments = Segments::new(ledger);
        let cached = Index::open(ledger, &segments);
        let rebuilt = cached.is_none();
        let mut log = Self {
            ledger: ledger.to_owned(),
            blobs: Blobs::new(ledger),
            index: RefCell::new(cached.unwrap_or_else(Index::empty)),
            rebuilt: RefCell::new(rebuilt),
            torn: None,
            segments,
        };
        match log.refresh() {
            // A power cut may have spoilt a part of the cache that opening it does not prove: the segments decide.
            Err(StoreError::Contradiction { .. }) if !rebuilt => log.rebuild()?,
            other => other?,
        }
        Ok(log)
    }

    /// Reads on to the newest committed batch.
    pub(super) fn refresh(&mut self) -> Result<(), StoreError> {
        match self.scan_on() {
            Err(StoreError::Cache(_)) => {
                self.rebuild()?;
                Ok(())
            }
            other => other,
        }
    }

    fn scan_on(&mut self) -> Result<(), StoreError> {
        let published = published(&self.ledger)?;
        let index = self.index.get_mut();
        let tail = index.read_on(&self.segments)?;
        self.torn = match tail {
            Tail::Clean => None,
            Tail::Torn(at) => Some(at),
        };
        let (size, end) = (index.size, index.next);
        if let Some(at) = self.torn
            && self.segments.has_after(at.segment)?
        {
            let text = format!("segment {} is damaged at byte {} and another follows it", at.segment, at.offset);
            return Err(StoreError::contradiction(text, self.heads(published.as_ref())?));
        }
        self.compare(published, size)?;
        if size > 0 {
            self.segments.sync_if_new(&self.ledger, size, end)?;
        }
        Ok(())
    }

    /// Holds the published checkpoint against the segments: it never names more than they hold, nor another root.
    fn compare(&self, published: Option<Vec<u8>>, size: u64) -> Result<(), StoreError> {
        let Some(note) = published else { return Ok(()) };
        // A power cut may leave an empty or torn one, since it is not synced: it names nothing, and the next writer puts
        // a whole one in its place.
        let Ok(checkpoint) = Checkpoint::parse_note(&note) else { return Ok(()) };
        let index = self.index.borrow();
        if checkpoint.size > size {
            let text = format!("`checkpoint` names {} entries and the segments hold {size}", checkpoint.size);
            return Err(StoreError::contradiction(text, self.heads(Some(&note))?));
        }
        let root = tree_root(checkpoint.size, &index.reader()).map_err(StoreError::Cache)?;
        if root != checkpoint.root {
            let text = format!("the segments have another root at size {} than `checkpoint`", checkpoint.size);
            return Err(StoreError::contradiction(text, self.heads(Some(&note))?));
        }
        Ok(())
    }

    fn heads<'a>(&self, published: Option<&'a Vec<u8>>) -> Result<Vec<&'a [u8]>, StoreError> {
        Ok(published.map(Vec::as_slice).into_iter().collect())
    }

    /// Makes the index anew from the segments, in memory.
    pub(super) fn rebuild(&mut self) -> Result<(), StoreError> {
        *self.index.get_mut() = Index::empty();
        *self.rebuilt.get_mut() = true;
        self.scan_on()
    }

    /// Returns the ledger's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.ledger
    }

    /// Returns the number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.index.borrow().size
    }

    /// Returns the root over all entries.
    pub(super) fn root(&self) -> Result<Digest, StoreError> {
        self.index.borrow().root()
    }

    /// Puts an index made anew into the place of this one.
    pub(super) fn replace(&mut self, index: Index) {
        *self.index.get_mut() = index;
        *self.rebuilt.get_mut() = true;
    }

    /// Lets materials that are not here be fetched.
    pub(super) fn with_remote(mut self, remote: Option<Arc<Remote>>) -> Self {
        self.blobs = self.blobs.with_remote(remote);
        self
    }

    /// Lets materials that are not here be fetched from the remote itself.
    pub(super) fn with_inline_remote(mut self, remote: Arc<Remote>) -> Self {
        self.blobs = self.blobs.with_remote(Some(remote)).inline_only();
        self
    }

    /// Returns the newest signed checkpoint; `None` while the log is empty.
    ///
    /// # Errors
    /// If the operating system refuses, or its frame is damaged.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(extent) = self.index.borrow().commit else { return Ok(None) };
        match self.segments.frame(extent)? {
            Frame::Commit(note) => Ok(Some(note)),
            Frame::Record { .. } | Frame::Map(_) => {
                Err(StoreError::unreadable("the newest commit frame", &"it is another frame"))
            }
        }
    }

    /// Returns the record at a place; `None` for a map entry.
    ///
    /// # Errors
    /// If there is none, the operating system refuses, or its frame is damaged.
    pub fn record(&self, place: u64) -> Result<Option<RawRecord>, StoreError> {
        match self.believing(|index| self.checked_frame(index, place))? {
            Frame::Record { entry, envelope } => Ok(Some(RawRecord { entry, envelope })),
            Frame::Map(_) | Frame::Commit(_) => Ok(None),
        }
    }

    /// Returns the map entry at a place; `None` for a record.
    ///
    /// # Errors
    /// If there is none, the operating system refuses, or its frame is damaged.
    pub fn map_entry(&self, place: u64) -> Result<Option<Vec<u8>>, StoreError> {
        match self.believing(|index| self.checked_frame(index, place))? {
            Frame::Map(entry) => Ok(Some(entry)),
            Frame::Record { .. } | Frame::Commit(_) => Ok(None),
        }
    }

    /// Returns the newest `most` places under a chain, label or signer, ascending, and the number of all.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn newest(&self, text: &MapText, most: usize) -> Result<(Vec<u64>, u64), StoreError> {
        if most == usize::MAX {
            let serials = self.believing(|index| proven_listing(index, text))?.serials;
            let count = u64::try_from(serials.len()).expect("a list is in memory");
            return Ok((serials, count));
        }
        self.believing(|index| index.newest(text, most))
    }

    /// Returns the leaf hash of a chain's last entry and its place.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn chain_head(&self, chain: &str) -> Result<Option<(u64, Digest)>, StoreError> {
        self.believing(|index| match proven_listing(index, &MapText::chain(chain))?.serials.last() {
            None => Ok(None),
            Some(place) => Ok(Some((*place, index.leaf(*place)?))),
        })
    }

    /// Returns the place of the merge that closed a change; `None` while it is open.
    ///
    /// # Errors
    /// If the operating system refuses, or a record cannot be read.
    pub fn merge_of(&self, change: &ChangeId) -> Result<Option<u64>, StoreError> {
        let (places, _) = self.newest(&MapText::label(&format!("change:{change}")), usize::MAX)?;
        for place in places {
            let Some(record) = self.record(place)? else { continue };
            let entry = Entry::parse(&record.entry).map_err(|error| StoreError::unreadable("an entry", &error))?;
            if entry.kind == MERGE {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Returns the leaf hash at a place.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn leaf(&self, place: u64) -> Result<Digest, StoreError> {
        self.believing(|index| index.leaf(place))
    }

    /// Returns the places of all records that are grants, ascending.
    ///
    /// They come from the cache and are proven by nothing: for advice, and for lists that people read.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn grants(&self) -> Result<Vec<u64>, StoreError> {
        self.believing(|index| index.grants())
    }

    /// Returns the materials.
    #[must_use]
    pub const fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Returns the proof that the log only grew since it had `from` entries.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn consistency(&self, from: u64) -> Result<Consistency, StoreError> {
        let root = self.signed_root()?;
        self.believing(|index| {
            let proof = prove_consistency(from, index.size, &index.reader())?;
            let old = tree_root(from, &index.reader())?;
            proof.check(&old, index.size, &root).map_err(|_| lie())?;
            Ok(proof)
        })
    }

    /// Returns whether the log only grew since an older head, as the root that its newest commit signs shows.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn begins_with(&self, older: &Checkpoint) -> Result<bool, StoreError> {
        match older.size.cmp(&self.size()) {
            Ordering::Greater => Ok(false),
            _ if older.size == 0 => Ok(true),
            Ordering::Equal => Ok(self.signed_root()? == older.root),
            Ordering::Less => {
                let proof = self.consistency(older.size)?;
                Ok(proof.check(&older.root, self.size(), &self.signed_root()?).is_ok())
            }
        }
    }

    /// Returns the inclusion proof of a place in the tree.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn inclusion(&self, place: u64) -> Result<Vec<Digest>, StoreError> {
        let root = self.signed_root()?;
        self.believing(|index| {
            let path = prove_inclusion(place, index.size, &index.reader())?;
            check_inclusion(&index.leaf(place)?, place, index.size, &path, &root).map_err(|_| lie())?;
            Ok(path)
        })
    }

    /// Returns the root that the newest commit signs: what the cache answers is held against it.
    fn signed_root(&self) -> Result<Digest, StoreError> {
        let unreadable = |error: &dyn std::fmt::Display| StoreError::unreadable("the newest commit frame", error);
        let note = self.checkpoint()?.ok_or_else(|| unreadable(&"the ledger is empty"))?;
        Ok(Checkpoint::parse_note(&note).map_err(|error| unreadable(&error))?.root)
    }

    pub(super) fn index(&mut self) -> &mut Index {
        self.index.get_mut()
    }

    pub(super) const fn segments(&self) -> &Segments {
        &self.segments
    }

    pub(super) const fn torn(&self) -> Option<Position> {
        self.torn
    }

    pub(super) fn cut(&mut self, at: Position) -> Result<PathBuf, StoreError> {
        self.torn = None;
        Ok(self.segments.cut(at)?)
    }

    /// Writes the index to the cache.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if *self.rebuilt.get_mut() {
            index::remove(&self.ledger).map_err(|_| io::ErrorKind::PermissionDenied)?;
            *self.rebuilt.get_mut() = false;
        }
        self.index.get_mut().flush(&self.ledger)
    }

    /// Returns whether what the folder's cache says is older than the log.
    pub(super) fn rebuilt(&self) -> bool {
        *self.rebuilt.borrow()
    }

    /// Asks the index; if it cannot answer or lies, makes it anew from the segments and asks once more.
    fn believing<T>(&self, ask: impl Fn(&Index) -> io::Result<T>) -> Result<T, StoreError> {
        let first = {
            let index: Ref<'_, Index> = self.index.borrow();
            ask(&index)
        };
        match first {
            Ok(answer) => Ok(answer),
            Err(_) if !self.rebuilt() => {
                let size = self.index.borrow().size;
                let (fresh, _) = Index::anew(&self.segments, size, None)?;
                if fresh.size < size {
                    let text = format!("the segments hold {} whole entries, and {size} were committed", fresh.size);
                    return Err(StoreError::contradiction(text, self.heads(published(&self.ledger)?.as_ref())?));
                }
                self.index.replace(fresh);
                self.rebuilt.replace(true);
                ask(&self.index.borrow()).map_err(StoreError::Cache)
            }
            Err(error) => Err(StoreError::Cache(error)),
        }
    }

    fn checked_frame(&self, index: &Index, place: u64) -> io::Result<Frame> {
        let frame = self.segments.frame(index.extent(place)?)?;
        let leaf = match &frame {
            Frame::Record { entry, .. } | Frame::Map(entry) => leaf_hash(entry),
            Frame::Commit(_) => return Err(io::ErrorKind::InvalidData.into()),
        };
        if leaf == index.leaf(place)? { Ok(frame) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

impl Source for Log {
    fn note(&self) -> Result<Vec<u8>, SourceError> {
        self.checkpoint()?.ok_or_else(|| SourceError::Missing("checkpoint: the ledger is empty".to_owned()))
    }

    fn last_entry(&self) -> Result<Vec<u8>, SourceError> {
        let place = self
            .size()
            .checked_sub(1)
            .ok_or_else(|| SourceError::Missing("entries: the ledger is empty".to_owned()))?;
        self.map_entry(place)?.ok_or_else(|| SourceError::Missing("map entry at the end of the log".to_owned()))
    }

    fn list(&self, text: &MapText) -> Result<Listing, SourceError> {
        Ok(self.believing(|index| proven_listing(index, text))?)
    }

    fn tail(&self, text: &MapText, most: usize) -> Result<ListTail, SourceError> {
        Ok(self.believing(|index| {
            let Listing { mut serials, proof } = proven_listing(index, text)?;
            let Some((_, earlier)) = serials.split_last() else {
                return Ok(ListTail { serials, item: None, proof });
            };
            let mut before = Frontier::default();
            for serial in earlier {
                before.push(list_item_hash(*serial, &index.leaf(*serial)?));
            }
            let serials = serials.split_off(serials.len().saturating_sub(most.max(1)));
            Ok(ListTail { serials, item: Some(ListProof::newest(&before)), proof })
        })?)
    }

    fn record(&self, serial: u64) -> Result<RawRecord, SourceError> {
        self.record(serial)?.ok_or_else(|| SourceError::Missing(format!("record {serial}: a map entry stands there")))
    }

    fn multiproof(&self, places: &[u64]) -> Result<Proven, SourceError> {
        let root = self.signed_root()?;
        let proof = self.believing(|index| {
            let proof = prove_multi(places, index.size, &index.reader())?;
            let leaves: Vec<(u64, Digest)> =
                places.iter().map(|place| Ok((*place, index.leaf(*place)?))).collect::<io::Result<_>>()?;
            proof.check(&leaves, index.size, &root).map_err(|_| lie())?;
            Ok(proof)
        })?;
        Ok(Proven { proof, others: Vec::new() })
    }
}

impl Materials for Log {
    fn prepare(&self, digests: &[Digest]) -> Result<(), SourceError> {
        Ok(self.blobs.fetch(digests)?)
    }

    fn material(&self, digest: &Digest) -> Result<Option<Box<dyn io::BufRead + '_>>, SourceError> {
        let Some(file) = self.blobs.open(digest)? else { return Ok(None) };
        Ok(Some(Box::new(BufReader::with_capacity(64 * 1024, file))))
    }
}

impl From<StoreError> for SourceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Contradiction { text, heads } | StoreError::RemoteAlarm { text, heads, .. } => {
                Self::Contradiction { text, heads }
            }
            other => Self::Unreadable(other.to_string()),
        }
    }
}

/// What the cache says is not what was signed.
fn lie() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidData)
}

/// Reads a list and holds it against the root of the map.
fn proven_listing(index: &Index, text: &MapText) -> io::Result<Listing> {
    let root = index.map_root();
    let (serials, proof) = index.prove(text)?;
    if serials.is_empty() {
        proof.check_absent(&text.key(), &root).map_err(|_| lie())?;
    } else {
        let mut frontier = Frontier::default();
        for serial in &serials {
            frontier.push(list_item_hash(*serial, &index.leaf(*serial)?));
        }
        let value = list_value(frontier.size(), &frontier.root());
        proof.check_present(&text.key(), &value, &root).map_err(|_| lie())?;
    }
    Ok(Listing { serials, proof })
}

impl Segments {
    /// Makes the newest batch durable where the published checkpoint does not yet vouch for it.
    fn sync_if_new(&self, ledger: &Path, size: u64, end: Position) -> Result<(), StoreError> {
        let named = published(ledger)?.and_then(|note| Checkpoint::parse_note(&note).ok()).map_or(0, |c| c.size);
        if named < size {
            self.sync(end.segment).map_err(StoreError::io("cannot sync", &self.path(end.segment)))?;
        }
        Ok(())
    }
}

/// Reads the file `checkpoint`, which a writer replaces after each batch is durable.
pub(super) fn published(ledger: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let path = ledger.join("checkpoint");
    match fs::read(&path) {
        Ok(note) => Ok(Some(note)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("cannot read", &path)(error)),
    }
}

/// Replaces the file `checkpoint`.
pub(super) fn publish(ledger: &Path, note: &[u8]) -> Result<(), StoreError> {
    let path = ledger.join("checkpoint");
    let fresh = ledger.join(".checkpoint.new");
    File::create(&fresh)
        .and_then(|mut file| io::Write::write_all(&mut file, note))
        .and_then(|()| fs::rename(&fresh, &path))
        .map_err(StoreError::io("cannot replace", &path))
}
