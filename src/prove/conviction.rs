//! A conviction: two things that one log signed and that cannot both be true (format, section 12).
//!
//! A map that lies by leaving a record out is not seen by who has only the map. Whoever has a receipt of the record, or an
//! older bundle with it, and a proof of the list that lacks it, has both halves. An honest log can never be convicted: it only
//! grows, and its lists with it. Who holds a log's key, and which half is the lie, is not said.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::complete::{Complete, ProveError, open_head};
use super::source::Source;
use super::trust::Trust;
use crate::crypto::{leaf_hash, list_item_hash, list_value};
use crate::merkle::{Checkpoint, Frontier, MapProof, MapText, ProofError, SignedCheckpoint, check_inclusion};
use crate::model::{Digest, Entry, MapEntry, Numbers, RecordError, check_schema, parse_json};

/// What somebody was shown by a log: a head, and what was proven under it.
#[derive(Debug, Clone)]
pub struct Shown {
    head: SignedCheckpoint,
    entries: BTreeMap<u64, ShownEntry>,
    map: Option<(String, Vec<Digest>)>,
    lists: Vec<ShownList>,
}

#[derive(Debug, Clone)]
struct ShownList {
    text: String,
    items: Vec<(u64, Digest)>,
    proof: String,
}

#[derive(Debug, Clone)]
struct ShownEntry {
    leaf: Digest,
    text: Option<String>,
    path: Vec<Digest>,
}

/// Two things that one log signed and that cannot both be true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conviction {
    format: String,
    origin: String,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Kind {
    /// Two heads of one size with different roots.
    Heads { notes: [String; 2] },
    /// Two entries at one place.
    Place { place: u64, leaves: [Leaf; 2] },
    /// An entry that says it belongs to a list, and the list without it.
    List { record: Record, list: Listed },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Leaf {
    note: String,
    leaf: Digest,
    path: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    note: String,
    place: u64,
    entry: String,
    path: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Listed {
    note: String,
    map_entry: String,
    path: Vec<String>,
    text: String,
    items: Vec<(u64, Digest)>,
    proof: String,
}

/// What a conviction shows.
#[derive(Debug, Clone)]
pub struct Convicted {
    /// The contradiction, in a sentence.
    pub text: String,
    /// The two signed heads.
    pub heads: [String; 2],
}

/// Why a conviction, or a half of one, is not believed.
#[derive(Debug, thiserror::Error)]
pub enum ConvictionError {
    /// Not JSON of its form.
    #[error("the conviction cannot be read: {0}")]
    Form(String),
    /// A head is not signed by the log.
    #[error(transparent)]
    Head(#[from] ProveError),
    /// A proof does not hold.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// An entry cannot be read.
    #[error(transparent)]
    Entry(#[from] RecordError),
    /// What is there does not contradict itself.
    #[error("it shows no contradiction: {0}")]
    Nothing(&'static str),
}

impl Shown {
    /// Takes a head alone.
    ///
    /// # Errors
    /// If no key that the trust file names signed it.
    pub fn of_note(note: &[u8], trust: &Trust) -> Result<Self, ConvictionError> {
        Ok(Self { head: open_head(note, trust)?, entries: BTreeMap::new(), map: None, lists: Vec::new() })
    }

    /// Takes a receipt (`c2sp.org/tlog-proof@v1`) and the bytes of its entry.
    ///
    /// # Errors
    /// If the receipt does not hold for the entry.
    pub fn of_receipt(receipt: &str, entry: &str, trust: &Trust) -> Result<Self, ConvictionError> {
        let form = || ConvictionError::Form("it is no receipt".to_owned());
        let (proof, note) = receipt.split_once("\n\n").ok_or_else(form)?;
        let mut lines = proof.lines().filter(|line| !line.starts_with("extra "));
        let header = lines.next().filter(|line| *line == RECEIPT);
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(|index| index.parse().ok());
        let (Some(_), Some(place)) = (header, index) else { return Err(form()) };
        let path = hashes(&lines.map(ToOwned::to_owned).collect::<Vec<_>>())?;
        let mut shown = Self::of_note(note.as_bytes(), trust)?;
        let leaf = leaf_hash(entry.as_bytes());
        let Checkpoint { size, root, .. } = shown.head.checkpoint();
        check_inclusion(&leaf, place, *size, &path, root)?;
        Entry::parse(entry.as_bytes())?;
        shown.entries.insert(place, ShownEntry { leaf, text: Some(entry.to_owned()), path });
        Ok(shown)
    }

    /// Takes what was proven of a subject, and the one proof of its entries.
    ///
    /// # Errors
    /// If the proof cannot be read, or is of other entries.
    pub fn of_complete<T>(complete: &Complete<T>, source: &dyn Source) -> Result<Self, ConvictionError> {
        let map = complete.map().print();
        let mut leaves: BTreeMap<u64, (Digest, Option<String>)> = BTreeMap::new();
        for record in complete.records() {
            leaves.insert(record.serial(), (*record.leaf(), Some(record.entry().print())));
        }
        leaves.insert(complete.map().covers, (leaf_hash(map.as_bytes()), None));
        let places: Vec<u64> = leaves.keys().copied().collect();
        let proven = source.multiproof(&places).map_err(ProveError::from)?;
        for (place, leaf) in proven.others {
            leaves.entry(place).or_insert((leaf, None));
        }
        let wanted: Vec<(u64, Digest)> = leaves.iter().map(|(place, (leaf, _))| (*place, *leaf)).collect();
        let Checkpoint { size, root, .. } = complete.checkpoint().checkpoint();
        let mut paths = proven.proof.paths(&wanted, *size, root)?;
        let mut path = |place: u64| paths.remove(&place).unwrap_or_default();
        let map = (map, path(complete.map().covers));
        let entries = leaves.into_iter().filter(|(place, _)| *place != complete.map().covers).map(|(place, leaf)| {
            let (leaf, text) = leaf;
            (place, ShownEntry { leaf, text, path: path(place) })
        });
        let entries: BTreeMap<u64, ShownEntry> = entries.collect();
        let lists = complete.lists().iter().map(|(text, list)| {
            let items = list.serials.iter().filter_map(|serial| Some((*serial, entries.get(serial)?.leaf)));
            ShownList { text: text.to_string(), items: items.collect(), proof: list.proof.clone() }
        });
        let lists = lists.collect();
        Ok(Self { head: complete.checkpoint().clone(), entries, map: Some(map), lists })
    }

    fn note(&self) -> String {
        String::from_utf8_lossy(self.head.note()).into_owned()
    }
}

impl Conviction {
    /// Finds what two things that a log showed have in common and say differently; none if they agree.
    #[must_use]
    pub fn find(a: &Shown, b: &Shown) -> Option<Self> {
        let (first, second) = (a.head.checkpoint(), b.head.checkpoint());
        if first.origin != second.origin {
            return None;
        }
        let kind = if first.size == second.size && first.root != second.root {
            Some(Kind::Heads { notes: [a.note(), b.note()] })
        } else {
            place(a, b).or_else(|| list(a, b)).or_else(|| list(b, a))
        };
        kind.map(|kind| Self { format: FORMAT.to_owned(), origin: first.origin.clone(), kind })
    }

    /// Checks that both halves hold and cannot both be true.
    ///
    /// # Errors
    /// See [`ConvictionError`].
    pub fn check(&self, trust: &Trust) -> Result<Convicted, ConvictionError> {
        let nothing = ConvictionError::Nothing;
        let open = |note: &String| {
            let head = open_head(note.as_bytes(), trust)?;
            if head.checkpoint().origin == self.origin { Ok(head) } else { Err(nothing("a head is another log's")) }
        };
        let include = |leaf: &Digest, place: u64, path: &[String], head: &SignedCheckpoint| {
            let Checkpoint { size, root, .. } = head.checkpoint();
            Ok::<(), ConvictionError>(check_inclusion(leaf, place, *size, &hashes(path)?, root)?)
        };
        match &self.kind {
            Kind::Heads { notes } => {
                let [a, b] = [open(&notes[0])?, open(&notes[1])?];
                let (a, b) = (a.checkpoint(), b.checkpoint());
                if a.size != b.size || a.root == b.root {
                    return Err(nothing("the heads differ in size, or agree"));
                }
                let text = format!("two heads of {} entries have different roots", a.size);
                Ok(Convicted { text, heads: notes.clone() })
            }
            Kind::Place { place, leaves } => {
                for leaf in leaves {
                    include(&leaf.leaf, *place, &leaf.path, &open(&leaf.note)?)?;
                }
                let [a, b] = leaves;
                if a.leaf == b.leaf {
                    return Err(nothing("one entry stands at the place"));
                }
                let text = format!("two entries stand at place {place}: {} and {}", a.leaf, b.leaf);
                Ok(Convicted { text, heads: [a.note.clone(), b.note.clone()] })
            }
            Kind::List { record, list } => {
                let leaf = leaf_hash(record.entry.as_bytes());
                include(&leaf, record.place, &record.path, &open(&record.note)?)?;
                let entry = Entry::parse(record.entry.as_bytes())?;
                let head = open(&list.note)?;
                let map = MapEntry::parse(list.map_entry.as_bytes())?;
                if map.covers.checked_add(1) != Some(head.checkpoint().size) {
                    return Err(nothing("the map entry is not the last of its head"));
                }
                include(&leaf_hash(list.map_entry.as_bytes()), map.covers, &list.path, &head)?;
                check_list(list, &map)?;
                if !entry.map_texts().any(|text| text == list.text) {
                    return Err(nothing("the entry does not belong to the list"));
                }
                if record.place >= map.covers {
                    return Err(nothing("the list was closed before the entry came"));
                }
                if list.items.contains(&(record.place, leaf)) {
                    return Err(nothing("the entry is in the list"));
                }
                let text = format!("entry {} belongs to the list `{}`, which lacks it", record.place, list.text);
                Ok(Convicted { text, heads: [record.note.clone(), list.note.clone()] })
            }
        }
    }

    /// Prints the file.
    #[must_use]
    pub fn print(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("a conviction is plain");
        format!("{text}\n")
    }

    /// Parses a file.
    ///
    /// # Errors
    /// If it is not of its schema.
    pub fn parse(text: &[u8]) -> Result<Self, ConvictionError> {
        let form = |text: String| ConvictionError::Form(text);
        let value = parse_json(text, Numbers::Exact).map_err(|error| form(error.to_string()))?;
        check_schema("conviction", &value).map_err(|(path, text)| form(format!("at {path}: {text}")))?;
        serde_json::from_value(value).map_err(|error| form(error.to_string()))
    }
}

/// Finds a place at which the two show different entries.
fn place(a: &Shown, b: &Shown) -> Option<Kind> {
    let differs = |(place, one): (&u64, &ShownEntry)| {
        let other = b.entries.get(place).filter(|other| other.leaf != one.leaf)?;
        let leaf =
            |shown: &Shown, entry: &ShownEntry| Leaf { note: shown.note(), leaf: entry.leaf, path: spell(&entry.path) };
        Some(Kind::Place { place: *place, leaves: [leaf(a, one), leaf(b, other)] })
    };
    a.entries.iter().find_map(differs)
}

/// Finds an entry that the one shows and a list of the other lacks.
fn list(shown: &Shown, lacking: &Shown) -> Option<Kind> {
    let (map_entry, path) = lacking.map.as_ref()?;
    let covers = lacking.head.checkpoint().size.checked_sub(1)?;
    for (place, entry) in shown.entries.range(..covers) {
        let Some(text) = &entry.text else { continue };
        let Ok(parsed) = Entry::parse(text.as_bytes()) else { continue };
        let texts: Vec<String> = parsed.map_texts().collect();
        for list in &lacking.lists {
            if !texts.contains(&list.text) || list.items.contains(&(*place, entry.leaf)) {
                continue;
            }
            let record = Record { note: shown.note(), place: *place, entry: text.clone(), path: spell(&entry.path) };
            let listed = Listed {
                note: lacking.note(),
                map_entry: map_entry.clone(),
                path: spell(path),
                text: list.text.clone(),
                items: list.items.clone(),
                proof: list.proof.clone(),
            };
            return Some(Kind::List { record, list: listed });
        }
    }
    None
}

/// Checks that the items are exactly the list in the signed map.
fn check_list(list: &Listed, map: &MapEntry) -> Result<(), ConvictionError> {
    if list.items.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return Err(ConvictionError::Nothing("the items of the list do not ascend"));
    }
    let mut frontier = Frontier::default();
    for (place, leaf) in &list.items {
        frontier.push(list_item_hash(*place, leaf));
    }
    let (text, proof) = (MapText::new(list.text.clone()), MapProof::parse(list.proof.as_bytes())?);
    if list.items.is_empty() {
        proof.check_absent(&text.key(), &map.root)?;
    } else {
        proof.check_present(&text.key(), &list_value(frontier.size(), &frontier.root()), &map.root)?;
    }
    Ok(())
}

fn spell(path: &[Digest]) -> Vec<String> {
    path.iter().map(|hash| STANDARD.encode(hash.bytes())).collect()
}

fn hashes(path: &[String]) -> Result<Vec<Digest>, ConvictionError> {
    let hash = |text: &String| {
        let bytes: Option<[u8; 32]> = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Digest).ok_or_else(|| ConvictionError::Form(format!("`{text}` is no base64 of 32 bytes")))
    };
    path.iter().map(hash).collect()
}

const FORMAT: &str = "evidence-conviction/v1";
const RECEIPT: &str = "c2sp.org/tlog-proof@v1";
