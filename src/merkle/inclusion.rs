//! Inclusion proofs (RFC 9162 section 2.1.3), for the log and for the lists of the map.

use std::io;

use super::text::{Lines, ProofError, print_hashes};
use super::tree::{Frontier, HashReader, split, subtree_root};
use crate::crypto::node_hash;
use crate::model::Digest;

/// The proof that an item stands at a position of a list: `evidence-list-proof/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListProof {
    /// The item's position.
    pub position: u64,
    /// The number of items.
    pub count: u64,
    /// Siblings, leaf to root.
    pub path: Vec<Digest>,
}

/// Returns the siblings of a leaf, leaf to root, in the tree of this size.
///
/// # Errors
/// If a hash cannot be read, or the place is beyond the size.
pub fn prove_inclusion(place: u64, size: u64, hashes: &impl HashReader) -> io::Result<Vec<Digest>> {
    if place >= size {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if place < middle {
            path.push(subtree_root(middle, to, hashes)?);
            to = middle;
        } else {
            path.push(subtree_root(from, middle, hashes)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Checks that a leaf stands at a place of the tree of this size and root.
///
/// # Errors
/// If the path is too short, too long, or leads elsewhere.
pub fn check_inclusion(leaf: &Digest, place: u64, size: u64, path: &[Digest], root: &Digest) -> Result<(), ProofError> {
    let shape = || ProofError::Shape(INCLUSION);
    if place >= size {
        return Err(shape());
    }
    // RFC 9162 section 2.1.3.2.
    let (mut fnode, mut snode, mut hash) = (place, size - 1, *leaf);
    for sibling in path {
        if snode == 0 {
            return Err(shape());
        }
        if fnode & 1 == 1 || fnode == snode {
            hash = node_hash(sibling, &hash);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    if snode != 0 {
        return Err(shape());
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Root(INCLUSION)) }
}

impl ListProof {
    /// Proves the newest item of a list: its left siblings are what the items before it come to.
    #[must_use]
    pub fn newest(before: &Frontier) -> Self {
        let path = before.peaks().iter().rev().copied().collect();
        Self { position: before.size(), count: before.size() + 1, path }
    }

    /// Returns the root of the list whose newest item this is.
    ///
    /// # Errors
    /// If the proof is of another item, or too short or too long for the newest.
    pub fn root_of_newest(&self, item: &Digest) -> Result<Digest, ProofError> {
        let siblings = usize::try_from(self.position.count_ones()).unwrap_or(usize::MAX);
        if self.count.checked_sub(1) != Some(self.position) || self.path.len() != siblings {
            return Err(ProofError::Shape(INCLUSION));
        }
        Ok(self.path.iter().fold(*item, |hash, sibling| node_hash(sibling, &hash)))
    }

    /// Prints the text.
    #[must_use]
    pub fn print(&self) -> String {
        print_hashes(&format!("{LIST_HEADER}\nitem {} {}", self.position, self.count), &self.path)
    }

    /// Parses the text.
    ///
    /// # Errors
    /// If it is not in its one spelling.
    pub fn parse(text: &[u8]) -> Result<Self, ProofError> {
        let mut lines = Lines::new("the list proof", text, LIST_HEADER)?;
        let wanted = "item <position> <count>";
        let item = lines.next().and_then(|line| line.strip_prefix("item ")?.split_once(' '));
        let (position, count) = item.ok_or_else(|| lines.wrong(wanted))?;
        Ok(Self { position: lines.number(position)?, count: lines.number(count)?, path: lines.hashes()? })
    }
}

const INCLUSION: &str = "the inclusion proof";
const LIST_HEADER: &str = "evidence-list-proof/v1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::leaf_hash;
    use crate::merkle::{MemoryHashes, tree_root};

    #[test]
    fn newest_item_is_proven_and_no_other() {
        let mut before = Frontier::default();
        for number in 0..70_u32 {
            let item = leaf_hash(&number.to_be_bytes());
            let proof = ListProof::newest(&before);
            before.push(item);
            assert_eq!(proof.root_of_newest(&item).unwrap(), before.root());
            assert_ne!(proof.root_of_newest(&leaf_hash(b"other")).unwrap(), before.root());
            check_inclusion(&item, proof.position, proof.count, &proof.path, &before.root()).unwrap();
            let longer = ListProof { path: [proof.path.as_slice(), &[item]].concat(), ..proof.clone() };
            let larger = ListProof { count: proof.count + 1, ..proof.clone() };
            assert!(longer.root_of_newest(&item).is_err() && larger.root_of_newest(&item).is_err());
            assert_eq!(ListProof::parse(proof.print().as_bytes()).unwrap(), proof);
        }
    }

    #[test]
    fn each_leaf_is_proven_at_its_place_and_no_other() {
        let leaves: Vec<Digest> = (0..40).map(|i: u32| leaf_hash(&i.to_be_bytes())).collect();
        let hashes: MemoryHashes = leaves.iter().copied().collect();
        for size in 1..=40 {
            let root = tree_root(size, &hashes).unwrap();
            for place in 0..size {
                let path = prove_inclusion(place, size, &hashes).unwrap();
                let leaf = &leaves[usize::try_from(place).unwrap()];
                assert!(check_inclusion(leaf, place, size, &path, &root).is_ok());
                assert!(check_inclusion(&root, place, size, &path, &root).is_err() || size == 1);
                assert!(check_inclusion(leaf, place + 1, size, &path, &root).is_err());
                let longer = [path.as_slice(), &[root]].concat();
                assert!(check_inclusion(leaf, place, size, &longer, &root).is_err());
                if let Some((_, shorter)) = path.split_last() {
                    assert!(check_inclusion(leaf, place, size, shorter, &root).is_err());
                }
            }
        }
    }

    #[test]
    fn a_list_proof_has_one_spelling() {
        let proof = ListProof { position: 1, count: 2, path: vec![Digest([1; 32])] };
        assert_eq!(ListProof::parse(proof.print().as_bytes()).unwrap(), proof);
        assert!(ListProof::parse(proof.print().replace("item 1", "item 01").as_bytes()).is_err());
    }
}
