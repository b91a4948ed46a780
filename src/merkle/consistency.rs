//! Proofs that a tree only grew (RFC 9162 section 2.1.4): `evidence-consistency/v1`.

use std::io;

use super::text::{Lines, ProofError, print_hashes};
use super::tree::{HashReader, split, subtree_root};
use crate::crypto::node_hash;
use crate::model::Digest;

/// The proof that the tree of one size is the beginning of a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// The earlier size.
    pub from: u64,
    /// The hashes.
    pub path: Vec<Digest>,
}

/// Proves that the tree of size `from` is the beginning of that of size `to`.
///
/// # Errors
/// If a hash cannot be read, or `from` is beyond `to`.
pub fn prove_consistency(from: u64, to: u64, hashes: &impl HashReader) -> io::Result<Consistency> {
    if from > to {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut path = Vec::new();
    if from != 0 && from != to {
        // RFC 9162 section 2.1.4.1, SUBPROOF, walked down from the whole tree.
        let (mut start, mut end, mut whole) = (0, to, true);
        while start + (from - start) != end {
            let middle = start + split(end - start);
            if from <= middle {
                path.push(subtree_root(middle, end, hashes)?);
                end = middle;
            } else {
                path.push(subtree_root(start, middle, hashes)?);
                start = middle;
                whole = false;
            }
        }
        if !whole {
            path.push(subtree_root(start, end, hashes)?);
        }
        path.reverse();
    }
    Ok(Consistency { from, path })
}

impl Consistency {
    /// Checks that the tree of size `from` and root `old` is the beginning of that of size `to` and root `new`.
    ///
    /// # Errors
    /// If it does not show that.
    pub fn check(&self, old: &Digest, to: u64, new: &Digest) -> Result<(), ProofError> {
        let (shape, wrong) = (|| ProofError::Shape(CONSISTENCY), || ProofError::Root(CONSISTENCY));
        if self.from > to || self.from == 0 {
            return Err(shape());
        }
        if self.from == to {
            return if !self.path.is_empty() {
                Err(shape())
            } else if old == new {
                Ok(())
            } else {
                Err(wrong())
            };
        }
        let first = if self.from.is_power_of_two() { Some(*old) } else { None };
        let (fr, sr) = self.fold(first, to)?;
        if fr == *old && sr == *new { Ok(()) } else { Err(wrong()) }
    }

    /// Checks, without the older root, that the proof leads to this newer one.
    ///
    /// Where the older size is a power of two, the proof cannot be followed without the older root: then only its form counts.
    ///
    /// # Errors
    /// If it leads elsewhere.
    pub fn check_newer(&self, to: u64, new: &Digest) -> Result<(), ProofError> {
        if self.from > to || self.from == 0 || (self.from == to && !self.path.is_empty()) {
            return Err(ProofError::Shape(CONSISTENCY));
        }
        if self.from == to || self.from.is_power_of_two() {
            return Ok(());
        }
        let (_, sr) = self.fold(None, to)?;
        if sr == *new { Ok(()) } else { Err(ProofError::Root(CONSISTENCY)) }
    }

    /// Folds the proof into the older and the newer root (RFC 9162 section 2.1.4.2).
    fn fold(&self, first: Option<Digest>, to: u64) -> Result<(Digest, Digest), ProofError> {
        let shape = || ProofError::Shape(CONSISTENCY);
        let mut path = first.into_iter().chain(self.path.iter().copied());
        let (mut fnode, mut snode) = (self.from - 1, to - 1);
        while fnode & 1 == 1 {
            fnode >>= 1;
            snode >>= 1;
        }
        let seed = path.next().ok_or_else(shape)?;
        let (mut fr, mut sr) = (seed, seed);
        for hash in path {
            if snode == 0 {
                return Err(shape());
            }
            if fnode & 1 == 1 || fnode == snode {
                fr = node_hash(&hash, &fr);
                sr = node_hash(&hash, &sr);
                while fnode & 1 == 0 && fnode != 0 {
                    fnode >>= 1;
                    snode >>= 1;
                }
            } else {
                sr = node_hash(&sr, &hash);
            }
            fnode >>= 1;
            snode >>= 1;
        }
        if snode != 0 {
            return Err(shape());
        }
        Ok((fr, sr))
    }

    /// Prints the text.
    #[must_use]
    pub fn print(&self) -> String {
        print_hashes(&format!("{HEADER}\nfrom {}", self.from), &self.path)
    }

    /// Parses the text.
    ///
    /// # Errors
    /// If it is not in its one spelling.
    pub fn parse(text: &[u8]) -> Result<Self, ProofError> {
        let mut lines = Lines::new("the consistency proof", text, HEADER)?;
        let from =
            lines.next().and_then(|line| line.strip_prefix("from ")).ok_or_else(|| lines.wrong("from <size>"))?;
        Ok(Self { from: lines.number(from)?, path: lines.hashes()? })
    }
}

const CONSISTENCY: &str = "the consistency proof";
const HEADER: &str = "evidence-consistency/v1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::leaf_hash;
    use crate::merkle::{MemoryHashes, tree_root};

    #[test]
    fn growth_is_proven_and_a_fork_is_not() {
        let hashes: MemoryHashes = (0..40).map(|i: u32| leaf_hash(&i.to_be_bytes())).collect();
        for to in 1..=40 {
            let new = tree_root(to, &hashes).unwrap();
            for from in 1..=to {
                let old = tree_root(from, &hashes).unwrap();
                let proof = prove_consistency(from, to, &hashes).unwrap();
                assert!(proof.check(&old, to, &new).is_ok(), "{from} {to}");
                assert!(proof.check_newer(to, &new).is_ok(), "{from} {to}");
                assert!(proof.check_newer(to, &Digest([0; 32])).is_err() || from == to || from.is_power_of_two());
                assert!(proof.check(&new, to, &old).is_err() || from == to);
                assert!(proof.check(&Digest([0; 32]), to, &new).is_err());
                let longer = Consistency { from, path: [proof.path.as_slice(), &[new]].concat() };
                assert!(longer.check(&old, to, &new).is_err());
                assert_eq!(Consistency::parse(proof.print().as_bytes()).unwrap(), proof);
            }
        }
    }

    #[test]
    fn sizes_that_nothing_can_be_shown_of_have_no_proof() {
        let hashes: MemoryHashes = (0..9).map(|i: u32| leaf_hash(&i.to_be_bytes())).collect();
        assert_eq!(prove_consistency(0, 9, &hashes).unwrap(), Consistency { from: 0, path: Vec::new() });
        assert!(prove_consistency(9, 8, &hashes).is_err());
        let root = tree_root(5, &hashes).unwrap();
        let shape = Err(ProofError::Shape(CONSISTENCY));
        for (from, to) in [(0, 5), (0, 0), (7, 5)] {
            for path in [Vec::new(), vec![root], vec![root; 3]] {
                let proof = Consistency { from, path };
                assert_eq!(proof.check(&root, to, &root), shape, "{proof:?}");
                assert_eq!(proof.check_newer(to, &root), shape, "{proof:?}");
            }
        }
        let same = |path: &[Digest]| Consistency { from: 5, path: path.to_vec() };
        assert_eq!(same(&[]).check_newer(5, &root), Ok(()));
        assert_eq!(same(&[root]).check_newer(5, &root), shape);
    }
}
