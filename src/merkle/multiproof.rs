//! One proof for many leaves (format, section 3): `evidence-multiproof/v1`.
//!
//! Walk [0, N), split at the greatest power of two below the width, left first: a range without wanted leaf gives
//! one hash, a wanted leaf of width 1 none; all hashes are used up.

use std::collections::BTreeMap;
use std::io;

use super::text::{Lines, ProofError, print_hashes};
use super::tree::{HashReader, split, subtree_root};
use crate::crypto::node_hash;
use crate::model::Digest;

/// The hashes of the ranges without a wanted leaf, left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multiproof(pub Vec<Digest>);

/// Proves that leaves stand at these places, ascending and unique, in the tree of this size.
///
/// # Errors
/// If a hash cannot be read.
pub fn prove_multi(places: &[u64], size: u64, hashes: &impl HashReader) -> io::Result<Multiproof> {
    fn walk(from: u64, to: u64, places: &[u64], hashes: &impl HashReader, out: &mut Vec<Digest>) -> io::Result<()> {
        if places.is_empty() {
            out.push(subtree_root(from, to, hashes)?);
        } else if to - from > 1 {
            let middle = from + split(to - from);
            let (left, right) = places.split_at(places.partition_point(|place| *place < middle));
            walk(from, middle, left, hashes, out)?;
            walk(middle, to, right, hashes, out)?;
        }
        Ok(())
    }
    let mut out = Vec::new();
    walk(0, size, places, hashes, &mut out)?;
    Ok(Multiproof(out))
}

impl Multiproof {
    /// Checks that these leaves, ascending by place and unique, stand in the tree of this size and root.
    ///
    /// # Errors
    /// If the proof has too few or too many hashes, or leads elsewhere.
    pub fn check(&self, leaves: &[(u64, Digest)], size: u64, root: &Digest) -> Result<(), ProofError> {
        fn walk<'a>(
            from: u64,
            to: u64,
            leaves: &[(u64, Digest)],
            rest: &mut impl Iterator<Item = &'a Digest>,
        ) -> Option<Digest> {
            if leaves.is_empty() {
                return rest.next().copied();
            }
            if to - from == 1 {
                return Some(leaves[0].1);
            }
            let middle = from + split(to - from);
            let (left, right) = leaves.split_at(leaves.partition_point(|(place, _)| *place < middle));
            let left = walk(from, middle, left, rest)?;
            Some(node_hash(&left, &walk(middle, to, right, rest)?))
        }
        let shape = || ProofError::Shape(WHAT);
        let ascending = leaves.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if !ascending || leaves.last().is_none_or(|(place, _)| *place >= size) {
            return Err(shape());
        }
        let mut rest = self.0.iter();
        let found = walk(0, size, leaves, &mut rest).ok_or_else(shape)?;
        if rest.next().is_some() {
            return Err(shape());
        }
        if found == *root { Ok(()) } else { Err(ProofError::Root(WHAT)) }
    }

    /// Returns the inclusion proof of each of these leaves, siblings from leaf to root, once all of them are checked.
    ///
    /// # Errors
    /// See [`Multiproof::check`].
    pub fn paths(
        &self,
        leaves: &[(u64, Digest)],
        size: u64,
        root: &Digest,
    ) -> Result<BTreeMap<u64, Vec<Digest>>, ProofError> {
        type Paths = BTreeMap<u64, Vec<Digest>>;
        fn walk<'a>(
            from: u64,
            to: u64,
            leaves: &[(u64, Digest)],
            rest: &mut impl Iterator<Item = &'a Digest>,
            paths: &mut Paths,
        ) -> Option<Digest> {
            let Some((place, leaf)) = leaves.first() else { return rest.next().copied() };
            if to - from == 1 {
                paths.insert(*place, Vec::new());
                return Some(*leaf);
            }
            let middle = from + split(to - from);
            let (left, right) = leaves.split_at(leaves.partition_point(|(place, _)| *place < middle));
            let hashes = [walk(from, middle, left, rest, paths)?, walk(middle, to, right, rest, paths)?];
            for (part, sibling) in [(left, hashes[1]), (right, hashes[0])] {
                for (place, _) in part {
                    paths.entry(*place).or_default().push(sibling);
                }
            }
            Some(node_hash(&hashes[0], &hashes[1]))
        }
        self.check(leaves, size, root)?;
        let mut paths = BTreeMap::new();
        walk(0, size, leaves, &mut self.0.iter(), &mut paths).ok_or(ProofError::Shape(WHAT))?;
        Ok(paths)
    }

    /// Prints the text.
    #[must_use]
    pub fn print(&self) -> String {
        print_hashes(HEADER, &self.0)
    }

    /// Parses the text.
    ///
    /// # Errors
    /// If it is not in its one spelling.
    pub fn parse(text: &[u8]) -> Result<Self, ProofError> {
        Lines::new(WHAT, text, HEADER)?.hashes().map(Self)
    }
}

const WHAT: &str = "the multiproof";
const HEADER: &str = "evidence-multiproof/v1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::leaf_hash;
    use crate::merkle::{MemoryHashes, prove_inclusion, tree_root};

    #[test]
    fn every_set_of_leaves_is_proven_and_no_other() {
        let leaves: Vec<Digest> = (0..9).map(|i: u32| leaf_hash(&i.to_be_bytes())).collect();
        let hashes: MemoryHashes = leaves.iter().copied().collect();
        for size in 1..=9u64 {
            let root = tree_root(size, &hashes).unwrap();
            for set in 1..(1u32 << size) {
                let wanted: Vec<(u64, Digest)> =
                    (0..size).zip(&leaves).filter(|(i, _)| set >> i & 1 == 1).map(|(i, leaf)| (i, *leaf)).collect();
                let places: Vec<u64> = wanted.iter().map(|(place, _)| *place).collect();
                let proof = prove_multi(&places, size, &hashes).unwrap();
                assert!(proof.check(&wanted, size, &root).is_ok());
                for (place, path) in proof.paths(&wanted, size, &root).unwrap() {
                    assert_eq!(path, prove_inclusion(place, size, &hashes).unwrap());
                }
                assert!(proof.check(&wanted[1..], size, &root).is_err());
                let mut other = wanted.clone();
                other[0].1 = Digest([9; 32]);
                assert!(proof.check(&other, size, &root).is_err());
                let longer = Multiproof([proof.0.as_slice(), &[root]].concat());
                assert!(longer.check(&wanted, size, &root).is_err());
                assert_eq!(Multiproof::parse(proof.print().as_bytes()).unwrap(), proof);
            }
        }
    }

    #[test]
    fn leaves_that_come_twice_or_lie_beyond_the_tree_are_refused() {
        let leaves: Vec<Digest> = (0..5).map(|i: u32| leaf_hash(&i.to_be_bytes())).collect();
        let hashes: MemoryHashes = leaves.iter().copied().collect();
        let root = tree_root(5, &hashes).unwrap();
        let proof = prove_multi(&[2, 4], 5, &hashes).unwrap();
        let (two, four, forged) = ((2, leaves[2]), (4, leaves[4]), Digest([9; 32]));
        assert_eq!(proof.check(&[two, four], 5, &root), Ok(()));
        assert_eq!(proof.paths(&[two, four], 5, &root).unwrap().len(), 2);
        for wrong in
            [&[two, (2, forged), four][..], &[two, four, (4, forged)], &[four, two], &[two, (5, leaves[4])], &[]]
        {
            assert_eq!(proof.check(wrong, 5, &root), Err(ProofError::Shape(WHAT)), "{wrong:?}");
            assert!(proof.paths(wrong, 5, &root).is_err());
        }
    }
}
