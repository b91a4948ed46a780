//! A bundle as a source of records, materials and git objects. Nothing that it answers is believed.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::path::Path;

use serde::Deserialize;

use super::container::{Container, ContainerError};
use super::layout::{
    CHECKPOINT, CONSISTENCY, MANIFEST, MAP_ENTRY, MULTIPROOF, entry_name, entry_place, envelope_name, git_name,
    item_name, material_name, proof_name, serials_name,
};
use crate::crypto::{ENVELOPE_BYTES_MAX, NOTE_BYTES_MAX, leaf_hash};
use crate::git::{OBJECT_BYTES_MAX, Objects, ObjectsError};
use crate::merkle::{ListProof, MapProof, MapText, Multiproof};
use crate::model::{ChangeId, Digest, ENTRY_BYTES_MAX, Entry, Oid};
use crate::prove::{ListTail, Listing, Materials, Proven, RawRecord, Source, SourceError, Told};

/// An opened bundle.
pub struct Bundle {
    container: Container,
    manifest: Manifest,
    read: RefCell<BTreeSet<String>>,
    watch: Option<Watch>,
}

/// What is told how many bytes of long members were read.
type Watch = Box<dyn Fn(u64)>;

/// `bundle.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    #[serde(rename = "format")]
    _format: String,
    pub(super) origin: String,
    pub(super) change: ChangeId,
    pub(super) commit: Oid,
    pub(super) verdict: Option<u64>,
}

impl Bundle {
    /// Opens a bundle and checks its container.
    ///
    /// # Errors
    /// If it cannot be read, or is no bundle.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let container = Container::open(path).map_err(unreadable)?;
        let text = container.read(MANIFEST, MANIFEST_BYTES_MAX).map_err(unreadable)?;
        let text = text.ok_or_else(|| SourceError::Missing(MANIFEST.to_owned()))?;
        let value = crate::model::parse_json(&text, crate::model::Numbers::Exact)
            .map_err(|error| SourceError::Unreadable(format!("{MANIFEST}: {error}")))?;
        crate::model::check_schema("bundle", &value)
            .map_err(|(path, text)| SourceError::Unreadable(format!("{MANIFEST} at {path}: {text}")))?;
        let manifest =
            serde_json::from_value(value).map_err(|error| SourceError::Unreadable(format!("{MANIFEST}: {error}")))?;
        let read = RefCell::new(BTreeSet::from([MANIFEST.to_owned()]));
        Ok(Self { container, manifest, read, watch: None })
    }

    /// Tells a watcher how many bytes are read of materials and of other long members, each time some are.
    #[must_use]
    pub fn watched(self, watch: impl Fn(u64) + 'static) -> Self {
        Self { watch: Some(Box::new(watch)), ..self }
    }

    /// Returns the change that the bundle says it is about.
    #[must_use]
    pub const fn change(&self) -> &ChangeId {
        &self.manifest.change
    }

    /// Returns the commit that the bundle says it is about.
    #[must_use]
    pub const fn commit(&self) -> &Oid {
        &self.manifest.commit
    }

    /// Returns the origin of the ledger that it says it is from.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.manifest.origin
    }

    pub(super) const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the names of the members that nothing has asked for.
    pub(super) fn unread(&self) -> Vec<String> {
        let read = self.read.borrow();
        self.container.names().filter(|name| !read.contains(*name)).map(ToOwned::to_owned).collect()
    }

    /// Opens a member.
    pub(super) fn member(&self, name: &str) -> Option<Box<dyn BufRead + '_>> {
        let member = self.container.member(name)?;
        self.read.borrow_mut().insert(name.to_owned());
        Some(match &self.watch {
            Some(watch) => Box::new(Told::new(member, watch)),
            None => member,
        })
    }

    pub(super) fn need(&self, name: &str, most: u64) -> Result<Vec<u8>, SourceError> {
        self.find(name, most)?.ok_or_else(|| SourceError::Missing(format!("{name} in the bundle")))
    }

    fn find(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let found = self.container.read(name, most).map_err(unreadable)?;
        if found.is_some() {
            self.read.borrow_mut().insert(name.to_owned());
        }
        Ok(found)
    }

    pub(super) fn consistency(&self) -> Result<Option<Vec<u8>>, SourceError> {
        self.find(CONSISTENCY, PROOF_BYTES_MAX)
    }
}

impl Source for Bundle {
    fn note(&self) -> Result<Vec<u8>, SourceError> {
        self.need(CHECKPOINT, bound(NOTE_BYTES_MAX))
    }

    fn last_entry(&self) -> Result<Vec<u8>, SourceError> {
        self.need(MAP_ENTRY, bound(ENTRY_BYTES_MAX))
    }

    fn list(&self, text: &MapText) -> Result<Listing, SourceError> {
        let key = text.key();
        let missing = |error: SourceError| match error {
            SourceError::Missing(_) => SourceError::Missing(format!("list `{text}` in the bundle")),
            other => other,
        };
        let serials = self.need(&serials_name(&key), SERIALS_BYTES_MAX).map_err(missing)?;
        let proof = self.need(&proof_name(&key), PROOF_BYTES_MAX).map_err(missing)?;
        let proof =
            MapProof::parse(&proof).map_err(|error| SourceError::Unreadable(format!("the list `{text}`: {error}")))?;
        let serials = parse_serials(&serials)
            .ok_or_else(|| SourceError::Unreadable(format!("the serials of `{text}` cannot be read")))?;
        Ok(Listing { serials, proof })
    }

    /// Returns all that the bundle has of the run: it holds what is used, and no more.
    fn tail(&self, text: &MapText, _most: usize) -> Result<ListTail, SourceError> {
        let Listing { serials, proof } = self.list(text)?;
        let unreadable =
            |error: &dyn std::fmt::Display| SourceError::Unreadable(format!("the run of `{text}`: {error}"));
        let item = match serials.is_empty() {
            true => None,
            false => {
                let item = self.need(&item_name(&text.key()), PROOF_BYTES_MAX)?;
                Some(ListProof::parse(&item).map_err(|error| unreadable(&error))?)
            }
        };
        Ok(ListTail { serials, item, proof })
    }

    fn record(&self, serial: u64) -> Result<RawRecord, SourceError> {
        let entry = self.need(&entry_name(serial), bound(ENTRY_BYTES_MAX))?;
        let parsed = Entry::parse(&entry).map_err(|error| SourceError::Unreadable(error.to_string()))?;
        let envelope = self.need(&envelope_name(&parsed.statement), bound(ENVELOPE_BYTES_MAX))?;
        Ok(RawRecord { entry, envelope })
    }

    /// Returns the bundle's one proof, which is of every entry in it, whether it was asked for yet or not.
    fn multiproof(&self, places: &[u64]) -> Result<Proven, SourceError> {
        let text = self.need(MULTIPROOF, PROOF_BYTES_MAX)?;
        let proof = Multiproof::parse(&text).map_err(|error| SourceError::Unreadable(error.to_string()))?;
        let mut others = Vec::new();
        for name in self.container.names() {
            let Some(place) = entry_place(name).filter(|place| places.binary_search(place).is_err()) else { continue };
            // Not through `find`: to be in the proof leads to nothing yet.
            let entry = self.container.read(name, bound(ENTRY_BYTES_MAX)).map_err(unreadable)?;
            others.extend(entry.map(|entry| (place, leaf_hash(&entry))));
        }
        Ok(Proven { proof, others })
    }
}

impl Materials for Bundle {
    fn material(&self, digest: &Digest) -> Result<Option<Box<dyn BufRead + '_>>, SourceError> {
        Ok(self.member(&material_name(digest)))
    }
}

impl Objects for Bundle {
    fn object(&self, oid: &Oid) -> Result<Option<Vec<u8>>, ObjectsError> {
        let most = bound(OBJECT_BYTES_MAX) + 64;
        self.find(&git_name(oid), most).map_err(|error| ObjectsError { oid: oid.clone(), reason: error.to_string() })
    }
}

fn parse_serials(text: &[u8]) -> Option<Vec<u64>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
    text.split('\n').map(|line| line.parse::<u64>().ok().filter(|serial| serial.to_string() == line)).collect()
}

fn unreadable(error: ContainerError) -> SourceError {
    SourceError::Unreadable(error.to_string())
}

fn bound(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("bounds are small")
}

const MANIFEST_BYTES_MAX: u64 = 4096;
/// A list of a million records.
const SERIALS_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// A multiproof of some hundred thousand hashes.
const PROOF_BYTES_MAX: u64 = 16 * 1024 * 1024;
