//! RFC 6962 trees: roots, the frontier that grows them, and the order in which their hashes are stored.
//!
//! Stored hashes lie as in `golang.org/x/mod/sumdb/tlog`: after each leaf the nodes that it completes, lowest
//! first. A node's place is arithmetic, and what is stored never changes as the tree grows.

use std::io;

use crate::crypto::{empty_map_root, node_hash};
use crate::model::Digest;

/// The roots of the perfect subtrees that make up a tree, largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Digest>,
}

/// Stored hashes by their index.
pub trait HashReader {
    /// Returns the hash stored at an index.
    ///
    /// # Errors
    /// If it cannot be read.
    fn read(&self, index: u64) -> io::Result<Digest>;
}

/// Stored hashes in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryHashes {
    hashes: Vec<Digest>,
    size: u64,
}

impl Frontier {
    /// Takes peaks for those of a tree of this size; `None` if their number does not fit.
    #[must_use]
    pub fn from_peaks(size: u64, peaks: Vec<Digest>) -> Option<Self> {
        let fits = u32::try_from(peaks.len()) == Ok(size.count_ones());
        fits.then_some(Self { size, peaks })
    }

    /// Reads the frontier of a stored tree.
    ///
    /// # Errors
    /// If a hash cannot be read.
    pub fn read(size: u64, hashes: &impl HashReader) -> io::Result<Self> {
        let peaks = perfect_subtrees(0, size).map(|(level, n)| hashes.read(stored_index(level, n)));
        Ok(Self { size, peaks: peaks.collect::<io::Result<_>>()? })
    }

    /// Adds a leaf hash.
    pub fn push(&mut self, leaf: Digest) {
        self.push_showing(leaf, |_| {});
    }

    /// Adds a leaf hash and shows what is stored with it: itself, then the nodes that it completes.
    pub fn push_showing(&mut self, leaf: Digest, mut show: impl FnMut(&Digest)) {
        let mut hash = leaf;
        show(&hash);
        for _ in 0..self.size.trailing_ones() {
            let left = self.peaks.pop().expect("a tree of odd size has a peak for each of its lowest one bits");
            hash = node_hash(&left, &hash);
            show(&hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Returns the number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the peaks, largest first.
    #[must_use]
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// Returns the tree's root; SHA-256 of nothing for the empty tree.
    #[must_use]
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_map_root() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
}

impl FromIterator<Digest> for Frontier {
    fn from_iter<I: IntoIterator<Item = Digest>>(leaves: I) -> Self {
        let mut frontier = Self::default();
        leaves.into_iter().for_each(|leaf| frontier.push(leaf));
        frontier
    }
}

impl MemoryHashes {
    /// Adds a leaf hash.
    pub fn push(&mut self, leaf: Digest) {
        let stored = stored_hashes(self.size, leaf, self).expect("what was pushed before is there");
        self.hashes.extend(stored);
        self.size += 1;
    }

    /// Returns the number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
}

impl HashReader for MemoryHashes {
    fn read(&self, index: u64) -> io::Result<Digest> {
        let index = usize::try_from(index).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        self.hashes.get(index).copied().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl FromIterator<Digest> for MemoryHashes {
    fn from_iter<I: IntoIterator<Item = Digest>>(leaves: I) -> Self {
        let mut hashes = Self::default();
        leaves.into_iter().for_each(|leaf| hashes.push(leaf));
        hashes
    }
}

/// Returns the index at which the n-th node of a level is stored; level 0 are the leaves.
#[must_use]
pub fn stored_index(level: u32, n: u64) -> u64 {
    // The node is stored with the last leaf below it, after that leaf and the lower nodes that it completes.
    let last_leaf = ((n + 1) << level) - 1;
    stored_count(last_leaf) + u64::from(level)
}

/// Returns the number of hashes stored for a tree of this size.
#[must_use]
pub const fn stored_count(size: u64) -> u64 {
    // Leaf i completes trailing_ones(i) nodes; over all leaves that makes 2 * size - popcount(size).
    2 * size - (size.count_ones() as u64)
}

/// Returns the hashes to be stored when leaf `n` is added: its own, then the nodes that it completes.
///
/// # Errors
/// If an earlier hash cannot be read.
pub fn stored_hashes(n: u64, leaf: Digest, earlier: &impl HashReader) -> io::Result<Vec<Digest>> {
    let mut stored = vec![leaf];
    let mut hash = leaf;
    for level in 0..n.trailing_ones() {
        let left = earlier.read(stored_index(level, (n >> level) - 1))?;
        hash = node_hash(&left, &hash);
        stored.push(hash);
    }
    Ok(stored)
}

/// Returns the root of the tree of this size.
///
/// # Errors
/// If a hash cannot be read.
pub fn tree_root(size: u64, hashes: &impl HashReader) -> io::Result<Digest> {
    Ok(Frontier::read(size, hashes)?.root())
}

/// Returns the hash over the leaves [from, to), where that range is a subtree of some RFC 6962 tree: `from` is a multiple
/// of the least power of two that is not below the width.
///
/// # Errors
/// If a hash cannot be read.
pub fn subtree_root(from: u64, to: u64, hashes: &impl HashReader) -> io::Result<Digest> {
    let peaks: Vec<Digest> =
        perfect_subtrees(from, to).map(|(level, n)| hashes.read(stored_index(level, n))).collect::<io::Result<_>>()?;
    let mut peaks = peaks.into_iter().rev();
    let Some(last) = peaks.next() else { return Ok(empty_map_root()) };
    Ok(peaks.fold(last, |right, left| node_hash(&left, &right)))
}

/// Returns the greatest power of two below a width of at least two.
pub(super) const fn split(width: u64) -> u64 {
    1 << (u64::BITS - 1 - (width - 1).leading_zeros())
}

/// Yields level and number of the perfect subtrees that make up [from, to), largest first.
fn perfect_subtrees(from: u64, to: u64) -> impl Iterator<Item = (u32, u64)> {
    let width = to - from;
    let mut at = from;
    (0..u64::BITS).rev().filter(move |level| width >> level & 1 == 1).map(move |level| {
        let node = (level, at >> level);
        at += 1 << level;
        node
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::leaf_hash;

    fn leaves(count: u64) -> Vec<Digest> {
        (0..count).map(|i| leaf_hash(format!("entry {i}").as_bytes())).collect()
    }

    /// RFC 6962 section 2.1, word for word.
    fn by_definition(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => empty_map_root(),
            [leaf] => *leaf,
            _ => {
                let k = usize::try_from(split(leaves.len() as u64)).unwrap();
                node_hash(&by_definition(&leaves[..k]), &by_definition(&leaves[k..]))
            }
        }
    }

    #[test]
    fn roots_are_those_of_the_definition() {
        let leaves = leaves(130);
        let mut frontier = Frontier::default();
        let mut stored = MemoryHashes::default();
        for size in 0..=leaves.len() {
            let wanted = by_definition(&leaves[..size]);
            assert_eq!(frontier.root(), wanted);
            assert_eq!(tree_root(size as u64, &stored).unwrap(), wanted);
            assert_eq!(Frontier::read(size as u64, &stored).unwrap(), frontier);
            assert_eq!(stored.hashes.len() as u64, stored_count(size as u64));
            if let Some(leaf) = leaves.get(size) {
                let mut shown = stored.hashes.clone();
                frontier.push_showing(*leaf, |hash| shown.push(*hash));
                stored.push(*leaf);
                assert_eq!(stored.hashes, shown);
            }
        }
    }

    #[test]
    fn roots_are_those_of_another_implementation() {
        let mut other = ct_merkle::mem_backed_tree::MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
        let mut frontier = Frontier::default();
        for i in 0..70 {
            let entry = format!("entry {i}").into_bytes();
            frontier.push(leaf_hash(&entry));
            other.push(entry);
            assert_eq!(frontier.root().bytes().as_slice(), other.root().as_bytes().as_slice());
        }
    }

    #[test]
    fn stored_hashes_lie_as_in_tlog() {
        for size in 1..200 {
            assert_eq!(stored_count(size), tlog_tiles::tlog::stored_hash_count(size));
            assert_eq!(stored_index(0, size), tlog_tiles::tlog::stored_hash_index(0, size));
            assert_eq!(stored_index(3, size), tlog_tiles::tlog::stored_hash_index(3, size));
        }
    }

    #[test]
    fn peaks_are_taken_where_their_number_fits_the_size() {
        let frontier: Frontier = leaves(11).into_iter().collect();
        assert_eq!((frontier.size(), frontier.peaks().len()), (11, 3));
        assert_eq!(Frontier::from_peaks(11, frontier.peaks().to_vec()), Some(frontier.clone()));
        assert_eq!(Frontier::from_peaks(0, Vec::new()), Some(Frontier::default()));
        for other in [0, 8, 10, 15] {
            assert_eq!(Frontier::from_peaks(other, frontier.peaks().to_vec()), None, "{other}");
        }
        assert_eq!(leaves(11).into_iter().collect::<MemoryHashes>().size(), 11);
    }
}
