//! The map from chains, labels and signers to their lists (format, section 3), and its proofs.
//!
//! ```text
//! evidence-map-proof/v1
//! present | absent <hex K'> <hex V'> | absent
//! <b> <base64 sibling>                             from leaf to root, b strictly falling
//! ```

use std::collections::BTreeMap;
use std::fmt;

use super::text::{Lines, ProofError, base64};
use crate::crypto::{empty_map_root, map_inner_hash, map_key, map_leaf_hash};
use crate::model::{Digest, Fingerprint};

/// What is listed: `chain X`, `label X` or `signer X`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MapText(String);

/// The proof that a key has a value, or that it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapProof {
    /// What it shows.
    pub kind: MapProofKind,
    /// Bits and siblings, from leaf to root.
    pub path: Vec<(u8, Digest)>,
}

/// What a map proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapProofKind {
    /// The key is there.
    Present,
    /// The key is not there: where it would be, another one is.
    Absent {
        /// The other key.
        key: Digest,
        /// Its value.
        value: Digest,
    },
    /// The map is empty.
    AbsentEmpty,
}

/// A map in memory, by the definition.
#[derive(Debug, Clone, Default)]
pub struct NaiveMap(BTreeMap<Digest, Digest>);

impl MapText {
    /// Takes a whole text, such as `chain policy`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the text of a chain.
    #[must_use]
    pub fn chain(chain: &str) -> Self {
        Self(format!("chain {chain}"))
    }

    /// Returns the text of a label.
    #[must_use]
    pub fn label(label: &str) -> Self {
        Self(format!("label {label}"))
    }

    /// Returns the text of a signer.
    #[must_use]
    pub fn signer(fingerprint: &Fingerprint) -> Self {
        Self(format!("signer {fingerprint}"))
    }

    /// Returns the map key.
    #[must_use]
    pub fn key(&self) -> Digest {
        map_key(&self.0)
    }
}

impl fmt::Display for MapText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl MapProof {
    /// Checks that the key has this value in the map of this root.
    ///
    /// # Errors
    /// If it shows something else.
    pub fn check_present(&self, key: &Digest, value: &Digest, root: &Digest) -> Result<(), ProofError> {
        match self.kind {
            MapProofKind::Present => self.check_path(key, value, root),
            MapProofKind::Absent { .. } | MapProofKind::AbsentEmpty => Err(ProofError::Shape(WHAT)),
        }
    }

    /// Checks that the key is not in the map of this root.
    ///
    /// # Errors
    /// If it shows something else.
    pub fn check_absent(&self, key: &Digest, root: &Digest) -> Result<(), ProofError> {
        match &self.kind {
            MapProofKind::Present => Err(ProofError::Shape(WHAT)),
            MapProofKind::AbsentEmpty if self.path.is_empty() && *root == empty_map_root() => Ok(()),
            MapProofKind::AbsentEmpty => Err(ProofError::Root(WHAT)),
            MapProofKind::Absent { key: other, value } => {
                let agree = self.path.iter().all(|(b, _)| bit(key, *b) == bit(other, *b));
                if other == key || !agree {
                    return Err(ProofError::Shape(WHAT));
                }
                self.check_path(other, value, root)
            }
        }
    }

    fn check_path(&self, key: &Digest, value: &Digest, root: &Digest) -> Result<(), ProofError> {
        if self.path.windows(2).any(|pair| pair[0].0 <= pair[1].0) {
            return Err(ProofError::Shape(WHAT));
        }
        let found = self.path.iter().fold(map_leaf_hash(key, value), |hash, (b, sibling)| {
            if bit(key, *b) { map_inner_hash(sibling, &hash, *b) } else { map_inner_hash(&hash, sibling, *b) }
        });
        if found == *root { Ok(()) } else { Err(ProofError::Root(WHAT)) }
    }

    /// Prints the text.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = match &self.kind {
            MapProofKind::Present => format!("{HEADER}\npresent\n"),
            MapProofKind::Absent { key, value } => format!("{HEADER}\nabsent {key} {value}\n"),
            MapProofKind::AbsentEmpty => format!("{HEADER}\nabsent\n"),
        };
        for (b, sibling) in &self.path {
            text.push_str(&format!("{b} {}\n", base64(sibling)));
        }
        text
    }

    /// Parses the text.
    ///
    /// # Errors
    /// If it is not in its one spelling.
    pub fn parse(text: &[u8]) -> Result<Self, ProofError> {
        let mut lines = Lines::new(WHAT, text, HEADER)?;
        let wanted = "present, absent <hex> <hex>, or absent";
        let kind = match lines.next() {
            Some("present") => MapProofKind::Present,
            Some("absent") => MapProofKind::AbsentEmpty,
            Some(line) => {
                let parts = line.strip_prefix("absent ").and_then(|rest| rest.split_once(' '));
                let parsed = parts.and_then(|(key, value)| Some((key.parse().ok()?, value.parse().ok()?)));
                let (key, value) = parsed.ok_or_else(|| lines.wrong(wanted))?;
                MapProofKind::Absent { key, value }
            }
            None => return Err(lines.wrong(wanted)),
        };
        let mut path: Vec<(u8, Digest)> = Vec::new();
        while let Some(line) = lines.next() {
            let wanted = "<bit> <base64>, bits strictly falling";
            let (b, sibling) = line.split_once(' ').ok_or_else(|| lines.wrong(wanted))?;
            let b = u8::try_from(lines.number(b)?).map_err(|_| lines.wrong(wanted))?;
            if path.last().is_some_and(|(last, _)| *last <= b) {
                return Err(lines.wrong(wanted));
            }
            path.push((b, lines.hash(sibling)?));
        }
        if kind == MapProofKind::AbsentEmpty && !path.is_empty() {
            return Err(lines.wrong("nothing more: the map is empty"));
        }
        Ok(Self { kind, path })
    }
}

impl NaiveMap {
    /// Puts a value under a key.
    pub fn insert(&mut self, key: Digest, value: Digest) {
        self.0.insert(key, value);
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether no key is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the map's root.
    #[must_use]
    pub fn root(&self) -> Digest {
        let items: Vec<(&Digest, &Digest)> = self.0.iter().collect();
        if items.is_empty() { empty_map_root() } else { subtree(&items) }
    }

    /// Proves that a key is there, or that it is not.
    #[must_use]
    pub fn prove(&self, key: &Digest) -> MapProof {
        let items: Vec<(&Digest, &Digest)> = self.0.iter().collect();
        let mut items = items.as_slice();
        let mut path = Vec::new();
        let [first, .., last] = items else {
            let kind = match items {
                [] => MapProofKind::AbsentEmpty,
                [(other, _), ..] if *other == key => MapProofKind::Present,
                [(other, value), ..] => MapProofKind::Absent { key: **other, value: **value },
            };
            return MapProof { kind, path };
        };
        let mut ends = (first.0, last.0);
        while let Some(b) = first_difference(ends.0, ends.1) {
            let (zeros, ones) = items.split_at(items.partition_point(|(key, _)| !bit(key, b)));
            let (mine, other) = if bit(key, b) { (ones, zeros) } else { (zeros, ones) };
            path.push((b, subtree(other)));
            items = mine;
            ends = (mine[0].0, mine[mine.len() - 1].0);
        }
        path.reverse();
        let (found, value) = items[0];
        let kind =
            if found == key { MapProofKind::Present } else { MapProofKind::Absent { key: *found, value: *value } };
        MapProof { kind, path }
    }
}

fn subtree(items: &[(&Digest, &Digest)]) -> Digest {
    let (first, last) = (items[0], items[items.len() - 1]);
    match first_difference(first.0, last.0) {
        None => map_leaf_hash(first.0, first.1),
        Some(b) => {
            let (zeros, ones) = items.split_at(items.partition_point(|(key, _)| !bit(key, b)));
            map_inner_hash(&subtree(zeros), &subtree(ones), b)
        }
    }
}

fn bit(key: &Digest, b: u8) -> bool {
    (key.bytes()[usize::from(b >> 3)] >> (7 - (b & 7))) & 1 == 1
}

fn first_difference(a: &Digest, b: &Digest) -> Option<u8> {
    (0..=u8::MAX).find(|index| bit(a, *index) != bit(b, *index))
}

const WHAT: &str = "the map proof";
const HEADER: &str = "evidence-map-proof/v1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256;

    #[test]
    fn presence_and_absence_are_proven_and_nothing_else() {
        let mut map = NaiveMap::default();
        for count in 0..40u8 {
            let root = map.root();
            for asked in 0..60u8 {
                let (key, value) = (sha256(&[asked]), sha256(&[asked, 1]));
                let proof = map.prove(&key);
                assert_eq!(MapProof::parse(proof.print().as_bytes()).unwrap(), proof);
                assert_eq!(proof.check_present(&key, &value, &root).is_ok(), asked < count);
                assert_eq!(proof.check_absent(&key, &root).is_ok(), asked >= count);
                assert!(proof.check_present(&key, &root, &root).is_err());
                assert!(proof.check_absent(&key, &value).is_err());
            }
            map.insert(sha256(&[count]), sha256(&[count, 1]));
        }
    }

    #[test]
    fn absence_cannot_be_shown_by_a_neighbour_elsewhere() {
        let mut map = NaiveMap::default();
        for i in 0..40u8 {
            map.insert(sha256(&[i]), sha256(&[i, 1]));
        }
        let there = sha256(&[7]);
        for i in (0..40).filter(|i| *i != 7) {
            let other = sha256(&[i]);
            let proof =
                MapProof { kind: MapProofKind::Absent { key: other, value: sha256(&[i, 1]) }, ..map.prove(&other) };
            assert!(proof.check_absent(&there, &map.root()).is_err());
        }
    }

    #[test]
    fn keys_are_counted_once_and_texts_are_printed_whole() {
        let mut map = NaiveMap::default();
        assert_eq!((map.is_empty(), map.len()), (true, 0));
        for text in [MapText::chain("policy"), MapText::label("halt"), MapText::chain("policy")] {
            map.insert(text.key(), sha256(b"value"));
        }
        assert!(!map.is_empty() && map.len() == 2);
        assert_eq!(MapText::chain("policy").to_string(), "chain policy");
    }
}
