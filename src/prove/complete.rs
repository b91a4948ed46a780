//! [`Complete`]: all records that the ledger's signed map lists for a change, as of one checkpoint (format, section 4).
//!
//! Not everything that happened: hence starts. Not against a map that lies: that is found by whoever replays the log.

use std::collections::{BTreeMap, BTreeSet};

use super::parallel::{side_by_side, while_reading};
use super::placement::{EVERY_CHANGE, PlacementError, placement};
use super::source::{Proven, RawRecord, Source, SourceError};
use super::tail::{Run, Wanted, check_newest, check_runs};
use super::trust::Trust;
use crate::crypto::{Envelope, EnvelopeError, KeyRing, OpenError, PublicKey, leaf_hash, list_item_hash, list_value};
use crate::merkle::{Checkpoint, CheckpointError, Frontier, MapText, ProofError, SignedCheckpoint};
use crate::model::{
    Authority, ChangeId, Digest, Entry, Fingerprint, MapEntry, Name, Oid, Predicate, RecordError, Statement,
    StatementError, Time,
};

/// A change as it is judged: its id, and the tree that is to be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The id.
    pub id: ChangeId,
    /// The judged tree.
    pub tree: Oid,
}

/// A subject with every record that the signed map lists for it.
///
/// The only constructor is [`Complete::check`]: to hold one is to know that nothing listed was left out.
///
/// ```compile_fail
/// # use evidence_ledger::prove::{Change, Complete};
/// fn forge(subject: Change) -> Complete<Change> { Complete { subject, ..todo!() } }
/// ```
#[derive(Debug, Clone)]
pub struct Complete<T> {
    subject: T,
    checkpoint: SignedCheckpoint,
    map: MapEntry,
    map_leaf: Digest,
    records: BTreeMap<u64, Logged>,
    lists: BTreeMap<MapText, List>,
    runs: BTreeMap<MapText, Run>,
}

/// A statement that known keys signed and that stands in the log.
///
/// Its only maker is [`Complete::check`].
#[derive(Debug, Clone)]
pub struct Logged {
    serial: u64,
    leaf: Digest,
    entry: Entry,
    statement: Statement,
}

/// A list and its proof, as they were checked.
#[derive(Debug, Clone)]
pub struct List {
    /// The serials.
    pub serials: Vec<u64>,
    /// The printed map proof.
    pub proof: String,
}

/// Why completeness is not proven.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// Something that must be there is not.
    #[error("there is no {0}")]
    Missing(String),
    /// Something cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The ledger is not one that the trust file names.
    #[error("the ledger {origin} of size {size} is not in the trust file")]
    Foreign {
        /// Its origin.
        origin: String,
        /// Its size.
        size: u64,
    },
    /// No key that the trust file names for the ledger signed its head.
    #[error("no key that the trust file names for {origin} signed its head")]
    UnsignedHead {
        /// The ledger's origin, or the names of the keys.
        origin: String,
    },
    /// The checkpoint is smaller than the trust file demands.
    #[error("the ledger has {size} entries; the trust file demands {wanted}")]
    TooSmall {
        /// Its size.
        size: u64,
        /// The size demanded.
        wanted: u64,
    },
    /// A record's key is no root and was not granted before it.
    #[error("record {serial} is signed by {signer}, which is no root and has no grant before it")]
    UnknownSigner {
        /// The record.
        serial: u64,
        /// The key.
        signer: Fingerprint,
    },
    /// The log has records whose meaning this version does not know.
    #[error("record {serial} is of kind {kind}, which this version cannot follow")]
    Unsupported {
        /// The record.
        serial: u64,
        /// Its kind.
        kind: String,
    },
    /// What parses contradicts a signed head, hash, link or derived line.
    #[error("{text}")]
    Contradiction {
        /// How.
        text: String,
        /// The signed heads that show it.
        heads: Vec<String>,
    },
}

/// Returns the lists that a change needs whatever its records say; chains of keys come on top.
#[must_use]
pub fn lists_of_change(change: &Change) -> [MapText; 6] {
    [
        MapText::chain(&format!("change:{}", change.id)),
        MapText::chain("policy"),
        MapText::chain("halt"),
        MapText::chain(EVERY_CHANGE),
        MapText::label(&format!("tree:{}", change.tree)),
        MapText::label(&format!("change:{}", change.id)),
    ]
}

/// Returns the chain of what is filed under a name.
#[must_use]
pub fn name_chain(name: &Name) -> MapText {
    MapText::chain(&format!("key:{}", PublicKey::of_name(name).fingerprint()))
}

impl Complete<Change> {
    /// Reads and checks everything that the signed map lists for a change.
    ///
    /// # Errors
    /// See [`ProveError`].
    pub fn check(source: &dyn Source, trust: &Trust, change: Change) -> Result<Self, ProveError> {
        let wanted = lists_of_change(&change);
        check_lists(source, trust, change, &wanted)
    }

    /// Reads and checks also everything that is filed under some names, at the same checkpoint.
    ///
    /// # Errors
    /// See [`ProveError`].
    pub fn with_names<'a>(
        self,
        source: &dyn Source,
        trust: &Trust,
        names: impl IntoIterator<Item = &'a Name>,
    ) -> Result<Self, ProveError> {
        let wanted: Vec<MapText> = names.into_iter().map(name_chain).collect();
        extend(source, trust, self, &wanted)
    }

    /// Returns whether everything that is filed under a name is here.
    #[must_use]
    pub fn has_name(&self, name: &Name) -> bool {
        self.lists.contains_key(&name_chain(name))
    }

    /// Returns what the log held of it before a place, for judging an earlier moment.
    #[must_use]
    pub fn before(mut self, place: u64) -> Self {
        self.records.retain(|serial, _| *serial < place);
        self
    }

    /// Returns the records of the change itself, ascending.
    pub fn of_change(&self) -> impl DoubleEndedIterator<Item = &Logged> {
        self.of_list(&MapText::chain(&format!("change:{}", self.subject.id)))
    }

    /// Returns the records about the judged tree, under any change, ascending.
    pub fn of_tree(&self) -> impl DoubleEndedIterator<Item = &Logged> {
        self.of_list(&MapText::label(&format!("tree:{}", self.subject.tree)))
    }
}

impl Complete<()> {
    /// Reads and checks everything that the signed map lists under some chains, and the keys behind it.
    ///
    /// # Errors
    /// See [`ProveError`].
    pub fn check_chains(source: &dyn Source, trust: &Trust, chains: &[MapText]) -> Result<Self, ProveError> {
        check_lists(source, trust, (), chains)
    }

    /// Reads and checks what every change rests on: policies, halts, exceptions, and the keys behind them.
    ///
    /// # Errors
    /// See [`ProveError`].
    pub fn check_shared(source: &dyn Source, trust: &Trust) -> Result<Self, ProveError> {
        check_lists(source, trust, (), &SHARED.map(MapText::chain))
    }

    /// Reads and checks everything that the signed map lists for a change beside what is here, at the same checkpoint.
    ///
    /// After [`Complete::check_shared`] it holds what [`Complete::check`] would, and reads less: for many changes at once.
    ///
    /// # Errors
    /// See [`ProveError`].
    pub fn with_change(
        &self,
        source: &dyn Source,
        trust: &Trust,
        change: Change,
    ) -> Result<Complete<Change>, ProveError> {
        let Self { subject: (), checkpoint, map, map_leaf, records, lists, runs } = self.clone();
        let wanted = lists_of_change(&change);
        let before = Complete { subject: change, checkpoint, map, map_leaf, records, lists, runs };
        extend(source, trust, before, &wanted)
    }
}

impl<T> Complete<T> {
    /// Returns what it is complete about.
    pub const fn subject(&self) -> &T {
        &self.subject
    }

    /// Returns the checkpoint.
    #[must_use]
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Returns the log's last entry.
    #[must_use]
    pub const fn map(&self) -> &MapEntry {
        &self.map
    }

    /// Returns every record of every list, ascending.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = &Logged> {
        self.records.values()
    }

    /// Returns the record at a serial.
    #[must_use]
    pub fn record(&self, serial: u64) -> Option<&Logged> {
        self.records.get(&serial)
    }

    /// Returns the records of a list, ascending; none if it is not among the lists.
    pub fn of_list<'a>(&'a self, text: &MapText) -> impl DoubleEndedIterator<Item = &'a Logged> + use<'a, T> {
        let serials = self.lists.get(text).map_or(&[][..], |list| &list.serials);
        serials.iter().filter_map(|serial| self.records.get(serial))
    }

    /// Returns the lists, by their texts.
    #[must_use]
    pub const fn lists(&self) -> &BTreeMap<MapText, List> {
        &self.lists
    }

    /// Returns the newest records of chains that are not here whole, by their texts.
    #[must_use]
    pub const fn runs(&self) -> &BTreeMap<MapText, Run> {
        &self.runs
    }
}

impl Logged {
    /// Returns the place in the log.
    #[must_use]
    pub const fn serial(&self) -> u64 {
        self.serial
    }

    /// Returns the leaf hash.
    #[must_use]
    pub const fn leaf(&self) -> &Digest {
        &self.leaf
    }

    /// Returns the entry.
    #[must_use]
    pub const fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Returns the ledger's time of the record.
    #[must_use]
    pub const fn time(&self) -> Time {
        self.entry.time
    }

    /// Returns the statement.
    #[must_use]
    pub const fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Returns the keys that signed it.
    pub fn signers(&self) -> impl Iterator<Item = &Fingerprint> {
        self.entry.signed.iter().map(|line| &line.fingerprint)
    }
}

fn check_lists<T>(
    source: &dyn Source,
    trust: &Trust,
    subject: T,
    wanted: &[MapText],
) -> Result<Complete<T>, ProveError> {
    let (checkpoint, map, map_bytes) = check_head(source, trust)?;
    let map_leaf = leaf_hash(&map_bytes);
    let (records, lists, runs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let none = Complete { subject, checkpoint, map, map_leaf, records, lists, runs };
    extend(source, trust, none, wanted)
}

/// Reads and checks more lists, and the keys behind them, at the checkpoint of what is here.
fn extend<T>(
    source: &dyn Source,
    trust: &Trust,
    complete: Complete<T>,
    wanted: &[MapText],
) -> Result<Complete<T>, ProveError> {
    extend_with(source, trust, complete, wanted, None)
}

/// As [`extend`], with the newest records of a chain.
pub(super) fn extend_with<T>(
    source: &dyn Source,
    trust: &Trust,
    complete: Complete<T>,
    wanted: &[MapText],
    run: Option<Wanted<'_>>,
) -> Result<Complete<T>, ProveError> {
    let Complete { subject, checkpoint, map, map_leaf, mut records, mut lists, mut runs } = complete;
    let head = String::from_utf8_lossy(checkpoint.note()).into_owned();
    let wrong = |text: String| ProveError::Contradiction { text, heads: vec![head.clone()] };
    let mut reading = Reading { source, map: &map, head: &head, known: &records, raw: BTreeMap::new() };
    let mut todo: Vec<MapText> = wanted.to_vec();
    if let Some(wanted) = run.filter(|wanted| !runs.contains_key(wanted.chain)) {
        let (run, keys) = reading.read_run(wanted)?;
        runs.insert(wanted.chain.clone(), run);
        todo.extend(keys.into_iter().map(|key| MapText::chain(&format!("key:{key}"))));
    }
    while let Some(text) = todo.pop() {
        if lists.contains_key(&text) {
            continue;
        }
        let (list, keys) = reading.read_list(&text)?;
        lists.insert(text, list);
        todo.extend(keys.into_iter().map(|key| MapText::chain(&format!("key:{key}"))));
    }
    let raw = reading.raw;
    if !raw.is_empty() || records.is_empty() {
        let mut leaves: BTreeMap<u64, Digest> = raw.iter().map(|(serial, raw)| (*serial, raw.leaf)).collect();
        leaves.extend(records.values().map(|record| (record.serial, record.leaf)));
        leaves.insert(map.covers, map_leaf);
        let places: Vec<u64> = leaves.keys().copied().collect();
        let Proven { proof, others } = source.multiproof(&places)?;
        for (place, leaf) in others {
            if leaves.insert(place, leaf).is_some_and(|known| known != leaf) {
                return Err(wrong(format!("two entries stand at place {place}")));
            }
        }
        let leaves: Vec<(u64, Digest)> = leaves.into_iter().collect();
        let Checkpoint { size, root, origin } = checkpoint.checkpoint();
        proof.check(&leaves, *size, root).map_err(|error| wrong(error.to_string()))?;
        authenticate(&mut records, raw, trust, origin, &head)?;
    }
    check_links(&records, &lists, &head)?;
    check_runs(&records, &runs).map_err(wrong)?;
    let mut last = Time(0);
    for record in records.values() {
        if record.time() < last || record.time() > map.time {
            return Err(wrong(format!("record {} goes back in time", record.serial)));
        }
        last = record.time();
    }
    Ok(Complete { subject, checkpoint, map, map_leaf, records, lists, runs })
}

/// Opens a head that a key of the trust file signed, of whichever of its ledgers.
///
/// # Errors
/// If it is no checkpoint, is of a ledger or size that the trust file does not name, or none of its keys signed it.
pub fn open_head(note: &[u8], trust: &Trust) -> Result<SignedCheckpoint, ProveError> {
    let claimed = Checkpoint::parse_note(note)?;
    let keys = trust.log_keys(&claimed.origin, claimed.size);
    if keys.is_empty() {
        return Err(ProveError::Foreign { origin: claimed.origin, size: claimed.size });
    }
    Ok(SignedCheckpoint::open(note, &keys, &claimed.origin)?)
}

/// Opens a head of one ledger that a key of the trust file signed.
///
/// # Errors
/// As [`open_head`], and if it is a head of another ledger.
pub fn open_head_of(origin: &str, note: &[u8], trust: &Trust) -> Result<SignedCheckpoint, ProveError> {
    let head = open_head(note, trust)?;
    match head.checkpoint().origin.as_str() {
        found if found == origin => Ok(head),
        found => Err(ProveError::Unreadable(format!("it is a head of {found}; wanted one of {origin}"))),
    }
}

fn check_head(source: &dyn Source, trust: &Trust) -> Result<(SignedCheckpoint, MapEntry, Vec<u8>), ProveError> {
    let note = source.note()?;
    let checkpoint = open_head(&note, trust)?;
    let size = checkpoint.checkpoint().size;
    if let Some(wanted) = trust.min_size.filter(|wanted| size < *wanted) {
        return Err(ProveError::TooSmall { size, wanted });
    }
    let bytes = source.last_entry()?;
    let map = MapEntry::parse(&bytes)?;
    if Some(map.covers) != size.checked_sub(1) {
        let text = format!("the map entry covers {} entries; the checkpoint has {size}", map.covers);
        return Err(ProveError::Contradiction { text, heads: vec![String::from_utf8_lossy(&note).into_owned()] });
    }
    Ok((checkpoint, map, bytes))
}

/// A record whose entry is read and whose statement is not yet believed.
struct Raw {
    leaf: Digest,
    entry: Entry,
    envelope: Envelope,
    statement: Statement,
}

struct Reading<'a> {
    source: &'a dyn Source,
    map: &'a MapEntry,
    head: &'a str,
    known: &'a BTreeMap<u64, Logged>,
    raw: BTreeMap<u64, Raw>,
}

impl Reading<'_> {
    /// Reads a list and its records, checks them against the map, and returns the keys behind them: those that signed, and
    /// those that leased a key.
    fn read_list(&mut self, text: &MapText) -> Result<(List, BTreeSet<Fingerprint>), ProveError> {
        let listing = self.source.list(text)?;
        let wrong = |what: String| ProveError::Contradiction { text: what, heads: vec![self.head.to_owned()] };
        if listing.serials.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(wrong(format!("the serials of `{text}` do not ascend")));
        }
        if listing.serials.last().is_some_and(|serial| *serial >= self.map.covers) {
            return Err(wrong(format!("the list `{text}` names a record beyond the checkpoint")));
        }
        self.read_records(&listing.serials)?;
        let mut keys = BTreeSet::new();
        let mut frontier = Frontier::default();
        for serial in &listing.serials {
            let (leaf, entry, statement) = match (self.known.get(serial), self.raw.get(serial)) {
                (Some(known), _) => (&known.leaf, &known.entry, &known.statement),
                (None, Some(raw)) => (&raw.leaf, &raw.entry, &raw.statement),
                (None, None) => continue,
            };
            if !entry.map_texts().any(|listed| listed == text.to_string()) {
                return Err(wrong(format!("record {serial} is listed under `{text}` and does not say so")));
            }
            frontier.push(list_item_hash(*serial, leaf));
            keys.extend(entry.signed.iter().map(|line| line.fingerprint.clone()));
            if let Predicate::Authority(Authority::Grant(grant)) = &statement.predicate {
                keys.extend(grant.leased_by.clone());
            }
        }
        let checked = if listing.serials.is_empty() {
            listing.proof.check_absent(&text.key(), &self.map.root)
        } else {
            listing.proof.check_present(&text.key(), &list_value(frontier.size(), &frontier.root()), &self.map.root)
        };
        checked.map_err(|error| wrong(format!("the list `{text}` is not the one in the signed map: {error}")))?;
        Ok((List { serials: listing.serials, proof: listing.proof.print() }, keys))
    }

    /// Reads the newest records of a chain, and returns the keys that signed them.
    fn read_run(&mut self, wanted: Wanted<'_>) -> Result<(Run, BTreeSet<Fingerprint>), ProveError> {
        let Wanted { chain, reaches } = wanted;
        let wrong = |what: String| ProveError::Contradiction { text: what, heads: vec![self.head.to_owned()] };
        let mut most = 1;
        loop {
            let mut tail = self.source.tail(chain, most)?;
            if tail.serials.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(wrong(format!("the serials of `{chain}` do not ascend")));
            }
            if tail.serials.last().is_some_and(|serial| *serial >= self.map.covers) {
                return Err(wrong(format!("the list `{chain}` names a record beyond the checkpoint")));
            }
            self.read_records(&tail.serials)?;
            let leaf_of = |serial: u64| match (self.known.get(&serial), self.raw.get(&serial)) {
                (Some(known), _) => Some(known.leaf),
                (None, raw) => raw.map(|raw| raw.leaf),
            };
            let count = check_newest(chain, &tail, leaf_of, self.map).map_err(wrong)?;
            let statement = |serial: &u64| match (self.known.get(serial), self.raw.get(serial)) {
                (Some(known), _) => Some(&known.statement),
                (None, raw) => raw.map(|raw| &raw.statement),
            };
            let far = tail
                .serials
                .iter()
                .rposition(|serial| statement(serial).is_some_and(|statement| reaches(*serial, statement)));
            let whole = u64::try_from(tail.serials.len()).is_ok_and(|length| length >= count);
            if far.is_none() && !whole {
                if tail.serials.len() < most {
                    return Err(ProveError::Missing(format!("record of `{chain}` before record {}", tail.serials[0])));
                }
                most = most.saturating_mul(4);
                continue;
            }
            let beyond = far.unwrap_or(0);
            if beyond > 0 && tail.serials.len() > most {
                return Err(ProveError::Unreadable(format!("more of `{chain}` is there than leads to what is used")));
            }
            tail.serials.drain(..beyond);
            let keys = tail.serials.iter().filter_map(|serial| match (self.known.get(serial), self.raw.get(serial)) {
                (Some(known), _) => Some(&known.entry),
                (None, raw) => raw.map(|raw| &raw.entry),
            });
            let keys = keys.flat_map(|entry| entry.signed.iter().map(|line| line.fingerprint.clone())).collect();
            // What is not of the run was only looked at.
            let first = tail.serials.first().copied().unwrap_or(u64::MAX);
            let chain_name = chain.to_string();
            self.raw.retain(|serial, raw| {
                *serial >= first || raw.entry.map_texts().next().as_deref() != Some(&*chain_name)
            });
            return Ok((Run::new(tail, count), keys));
        }
    }

    /// Reads the records that are not known yet.
    fn read_records(&mut self, serials: &[u64]) -> Result<(), ProveError> {
        let (known, raw) = (self.known, &self.raw);
        let fresh: Vec<u64> =
            serials.iter().copied().filter(|serial| !known.contains_key(serial) && !raw.contains_key(serial)).collect();
        let head = self.head;
        let records = fresh.iter().map(|serial| Ok::<_, ProveError>((*serial, self.source.record(*serial)?)));
        let read = while_reading(records, |(serial, record)| read_record(*serial, record, head))?;
        for (serial, raw) in fresh.into_iter().zip(read) {
            self.raw.insert(serial, raw?);
        }
        Ok(())
    }
}

/// The chains that every change rests on; they are among the lists of a change.
const SHARED: [&str; 3] = ["policy", "halt", EVERY_CHANGE];

/// Reads a record and holds its entry against its envelope.
fn read_record(serial: u64, record: &RawRecord, head: &str) -> Result<Raw, ProveError> {
    let wrong = |text: String| ProveError::Contradiction { text, heads: vec![head.to_owned()] };
    let entry = Entry::parse(&record.entry)?;
    let envelope = Envelope::parse(&record.envelope).map_err(|error| match error {
        EnvelopeError::Spelling => wrong(format!("the envelope of record {serial} is not in its one spelling")),
        other => ProveError::Unreadable(format!("record {serial}: {other}")),
    })?;
    if envelope.statement_hash() != entry.statement {
        return Err(wrong(format!("the envelope of record {serial} is not the one that its entry names")));
    }
    let unreadable = |error: &dyn std::fmt::Display| ProveError::Unreadable(format!("record {serial}: {error}"));
    let statement = Statement::parse(&envelope.payload).map_err(|error| unreadable(&error))?;
    let placed = placement(&statement).map_err(|error| match error {
        PlacementError::Subject => wrong(format!("record {serial}: {error}")),
        PlacementError::TooManyLabels(_) | PlacementError::Key(_) | PlacementError::Vkey(_) => unreadable(&error),
    })?;
    if (&entry.kind, &entry.chain, &entry.labels) != (&placed.kind, &placed.chain, &placed.labels) {
        return Err(wrong(format!("kind, chain or labels of record {serial} are not those of its statement")));
    }
    Ok(Raw { leaf: leaf_hash(&record.entry), entry, envelope, statement })
}

/// Checks every signature under the keys of the roots and of the grants, and takes the records in.
fn authenticate(
    records: &mut BTreeMap<u64, Logged>,
    raw: BTreeMap<u64, Raw>,
    trust: &Trust,
    origin: &str,
    head: &str,
) -> Result<(), ProveError> {
    let mut ring: KeyRing = trust.roots.iter().cloned().collect();
    // The first record that names a key; roots of the trust file need none.
    let mut named: BTreeMap<Fingerprint, u64> = BTreeMap::new();
    let new = raw.iter().map(|(serial, raw)| (*serial, &raw.statement));
    for (serial, statement) in new.chain(records.iter().map(|(serial, record)| (*serial, &record.statement))) {
        let Predicate::Authority(authority) = &statement.predicate else { continue };
        for line in authority.keys_that_may_sign() {
            let key: PublicKey = line.parse().map_err(|error| ProveError::Unreadable(format!("{error}")))?;
            let first = named.entry(key.fingerprint()).or_insert(serial);
            *first = serial.min(*first);
            ring.insert(key);
        }
    }
    let roots: BTreeSet<Fingerprint> = trust.roots.iter().map(PublicKey::fingerprint).collect();
    let may_sign =
        |key: &Fingerprint, serial| roots.contains(key) || named.get(key).is_some_and(|first| *first < serial);
    let mut statements: BTreeMap<Digest, u64> =
        records.values().map(|record| (record.entry.statement, record.serial)).collect();
    let envelopes: Vec<&Envelope> = raw.values().map(|raw| &raw.envelope).collect();
    let opened = side_by_side(&envelopes, |envelope| envelope.open(&ring).map(drop));
    for ((serial, Raw { leaf, entry, envelope, statement }), opened) in raw.into_iter().zip(opened) {
        let wrong = |text: String| ProveError::Contradiction { text, heads: vec![head.to_owned()] };
        // A statement hash occurs once in a ledger: else whoever holds the log could say again what was said once.
        if let Some(first) = statements.insert(entry.statement, serial) {
            return Err(wrong(format!("record {serial} repeats the statement of record {first}")));
        }
        opened.map_err(|error| match error {
            OpenError::UnknownKey(signer) => ProveError::UnknownSigner { serial, signer },
            OpenError::Signature(_) | OpenError::Order => wrong(format!("record {serial}: {error}")),
        })?;
        // Append takes no such record: who wrote it went around the ledger's own rules.
        if let Some(stranger) = envelope.signatures.iter().find(|signature| !may_sign(&signature.keyid, serial)) {
            return Err(ProveError::UnknownSigner { serial, signer: stranger.keyid.clone() });
        }
        if envelope.signed_lines(&ring).as_ref() != Some(&entry.signed) {
            return Err(wrong(format!("the signed lines of record {serial} are not those of its envelope")));
        }
        if statement.binding.ledger != origin {
            return Err(wrong(format!("record {serial} was made for the ledger {}", statement.binding.ledger)));
        }
        if let Predicate::Authority(Authority::Format { .. }) = &statement.predicate {
            return Err(ProveError::Unsupported { serial, kind: entry.kind });
        }
        records.insert(serial, Logged { serial, leaf, entry, statement });
    }
    Ok(())
}

/// Checks that chains hang together and that no record is missing from a list that it belongs to.
fn check_links(records: &BTreeMap<u64, Logged>, lists: &BTreeMap<MapText, List>, head: &str) -> Result<(), ProveError> {
    let wrong = |text: String| ProveError::Contradiction { text, heads: vec![head.to_owned()] };
    let mut last: BTreeMap<&str, Digest> = BTreeMap::new();
    for (serial, record) in records {
        for text in record.entry.map_texts() {
            let text = MapText::new(text);
            if lists.get(&text).is_some_and(|list| list.serials.binary_search(serial).is_err()) {
                return Err(wrong(format!("record {serial} is missing from the list `{text}`")));
            }
        }
        if lists.contains_key(&MapText::chain(&record.entry.chain)) {
            let previous = last.insert(&record.entry.chain, record.leaf);
            if record.entry.previous != previous {
                return Err(wrong(format!(
                    "record {serial} does not follow the one before it in `{}`",
                    record.entry.chain
                )));
            }
        }
    }
    Ok(())
}

impl From<SourceError> for ProveError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Missing(what) => Self::Missing(what),
            SourceError::Unreadable(text) => Self::Unreadable(text),
            SourceError::Contradiction { text, heads } => Self::Contradiction { text, heads },
        }
    }
}

impl From<CheckpointError> for ProveError {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Note(crate::crypto::NoteError::Signature(_)) | CheckpointError::Origin { .. } => {
                Self::Contradiction { text: error.to_string(), heads: Vec::new() }
            }
            CheckpointError::Note(crate::crypto::NoteError::Unsigned { wanted }) => {
                Self::UnsignedHead { origin: wanted }
            }
            CheckpointError::Note(_) | CheckpointError::Text(_) => Self::Unreadable(error.to_string()),
        }
    }
}

impl From<RecordError> for ProveError {
    fn from(error: RecordError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<StatementError> for ProveError {
    fn from(error: StatementError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<ProofError> for ProveError {
    fn from(error: ProofError) -> Self {
        Self::Unreadable(error.to_string())
    }
}
