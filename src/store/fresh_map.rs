//! The map of labels in memory, while it is derived anew from every entry (format, section 3).
//!
//! A batch changes nodes where they are and hashes each changed path once, so every batch's root can be held against its
//! map entry; only the last map is written, as nodes of an arena. Some 130 bytes a key.

use std::io;

use super::arena::Arena;
use super::lists;
use super::trie::{self, Leaf, Root, first_difference, side};
use crate::crypto::{empty_map_root, list_item_hash, list_value, map_inner_hash, map_leaf_hash};
use crate::merkle::Frontier;
use crate::model::Digest;

/// A map that grows.
#[derive(Default)]
pub(super) struct FreshMap {
    root: Option<Id>,
    leaves: Vec<FreshLeaf>,
    inners: Vec<Inner>,
    long: Vec<Long>,
    /// The inner nodes above the place last looked for, from the root on.
    path: Vec<usize>,
}

/// A node's place among those of its kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Id {
    Leaf(u32),
    Inner(u32),
}

struct FreshLeaf {
    key: Digest,
    hash: Digest,
    list: List,
}

/// Most lists have one place.
#[derive(Clone, Copy)]
enum List {
    One(u64),
    Long(usize),
}

struct Long {
    frontier: Frontier,
    places: Vec<u64>,
}

struct Inner {
    hash: Digest,
    sides: [Id; 2],
    bit: u8,
    /// Whether something below it changed since it was hashed.
    stale: bool,
}

impl FreshMap {
    /// Returns the number of keys.
    pub(super) fn keys(&self) -> u64 {
        u64::try_from(self.leaves.len()).expect("memory is smaller than 2^64")
    }

    /// Appends places, ascending and beyond the last, to the list of a key; returns the last place before.
    ///
    /// `leaf_at` tells the leaf hash of any place up to the last.
    pub(super) fn put(&mut self, key: &Digest, places: &[u64], leaf_at: impl Fn(u64) -> Digest) -> Option<u64> {
        let item = |place: u64| list_item_hash(place, &leaf_at(place));
        let (nearest, parts) = self.find(key);
        let Some(leaf) = nearest.filter(|_| parts.is_none()) else {
            let list = match *places {
                [one] => List::One(one),
                _ => List::Long(self.put_long(places.iter().map(|place| item(*place)).collect(), places.to_vec())),
            };
            let hash = self.leaf_hash(key, list, item);
            let fresh = Id::Leaf(number(self.leaves.len()));
            self.leaves.push(FreshLeaf { key: *key, hash, list });
            self.join(key, fresh, nearest, parts);
            return None;
        };
        let list = match self.leaves[leaf].list {
            List::Long(long) => long,
            List::One(one) => self.put_long([item(one)].into_iter().collect(), vec![one]),
        };
        let long = &mut self.long[list];
        let last = long.places.last().copied();
        long.places.extend_from_slice(places);
        places.iter().for_each(|place| long.frontier.push(item(*place)));
        let hash = self.leaf_hash(key, List::Long(list), item);
        self.leaves[leaf] = FreshLeaf { key: *key, hash, list: List::Long(list) };
        self.path.iter().for_each(|above| self.inners[*above].stale = true);
        last
    }

    /// Returns the root, after hashing what changed.
    pub(super) fn root(&mut self) -> Digest {
        self.root.map_or_else(empty_map_root, |root| self.hash(root))
    }

    /// Writes the map's nodes and lists to an arena; `spill` is called often, and may flush it.
    pub(super) fn write(
        &mut self,
        arena: &mut Arena,
        leaf_at: impl Fn(u64) -> Digest,
        spill: &mut impl FnMut(&mut Arena) -> io::Result<()>,
    ) -> io::Result<Option<Root>> {
        let Some(root) = self.root else { return Ok(None) };
        self.hash(root);
        self.write_below(root, arena, &leaf_at, spill).map(Some)
    }

    fn write_below(
        &self,
        id: Id,
        arena: &mut Arena,
        leaf_at: &impl Fn(u64) -> Digest,
        spill: &mut impl FnMut(&mut Arena) -> io::Result<()>,
    ) -> io::Result<Root> {
        match id {
            Id::Leaf(leaf) => {
                let FreshLeaf { key, hash, list } = &self.leaves[index(leaf)];
                let one;
                let (frontier, places) = match list {
                    List::Long(long) => (&self.long[*long].frontier, &self.long[*long].places[..]),
                    List::One(place) => {
                        one = [list_item_hash(*place, &leaf_at(*place))].into_iter().collect();
                        (&one, std::slice::from_ref(place))
                    }
                };
                let value = list_value(frontier.size(), &frontier.root());
                let list = lists::extend(arena, None, frontier, places);
                spill(arena)?;
                Ok(trie::put_hashed_leaf(arena, &Leaf { key: *key, value, list }, *hash))
            }
            Id::Inner(inner) => {
                let Inner { hash, sides, bit, .. } = &self.inners[index(inner)];
                let zeros = self.write_below(sides[0], arena, leaf_at, spill)?;
                let ones = self.write_below(sides[1], arena, leaf_at, spill)?;
                Ok(trie::put_hashed_inner(arena, *bit, zeros, ones, *hash))
            }
        }
    }

    /// Finds the leaf that shares most with a key, and the first bit in which they differ; notes the path to it.
    fn find(&mut self, key: &Digest) -> (Option<usize>, Option<u8>) {
        self.path.clear();
        let Some(mut at) = self.root else { return (None, None) };
        loop {
            match at {
                Id::Leaf(leaf) => {
                    let leaf = index(leaf);
                    return (Some(leaf), first_difference(key, &self.leaves[leaf].key));
                }
                Id::Inner(inner) => {
                    let inner = index(inner);
                    self.path.push(inner);
                    let Inner { sides, bit, .. } = &self.inners[inner];
                    at = sides[side(key, *bit)];
                }
            }
        }
    }

    /// Joins a new leaf to the map where its key parts from the nearest one, on the path that was noted.
    fn join(&mut self, key: &Digest, fresh: Id, nearest: Option<usize>, parts: Option<u8>) {
        let (Some(nearest), Some(bit)) = (nearest, parts) else {
            self.root = Some(fresh);
            return;
        };
        let above = self.path.partition_point(|inner| self.inners[*inner].bit < bit);
        let beside = self.path.get(above).map_or_else(|| Id::Leaf(number(nearest)), |inner| Id::Inner(number(*inner)));
        let sides = if side(key, bit) == 0 { [fresh, beside] } else { [beside, fresh] };
        let parent = Id::Inner(number(self.inners.len()));
        self.inners.push(Inner { hash: Digest([0; 32]), sides, bit, stale: true });
        match self.path[..above].last() {
            None => self.root = Some(parent),
            Some(last) => {
                let Inner { sides, bit, .. } = &mut self.inners[*last];
                sides[side(key, *bit)] = parent;
            }
        }
        self.path[..above].iter().for_each(|inner| self.inners[*inner].stale = true);
    }

    fn hash(&mut self, id: Id) -> Digest {
        let inner = match id {
            Id::Leaf(leaf) => return self.leaves[index(leaf)].hash,
            Id::Inner(inner) => index(inner),
        };
        let Inner { hash, sides, bit, stale } = self.inners[inner];
        if !stale {
            return hash;
        }
        let hash = map_inner_hash(&self.hash(sides[0]), &self.hash(sides[1]), bit);
        self.inners[inner] = Inner { hash, sides, bit, stale: false };
        hash
    }

    fn leaf_hash(&self, key: &Digest, list: List, item: impl Fn(u64) -> Digest) -> Digest {
        let value = match list {
            List::One(place) => list_value(1, &item(place)),
            List::Long(long) => {
                let frontier = &self.long[long].frontier;
                list_value(frontier.size(), &frontier.root())
            }
        };
        map_leaf_hash(key, &value)
    }

    fn put_long(&mut self, frontier: Frontier, places: Vec<u64>) -> usize {
        self.long.push(Long { frontier, places });
        self.long.len() - 1
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("2^32 keys need more memory than machines have")
}

fn index(number: u32) -> usize {
    usize::try_from(number).expect("a 32-bit number fits the address space of every supported machine")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256;
    use crate::merkle::NaiveMap;

    fn leaf_at(place: u64) -> Digest {
        sha256(&place.to_be_bytes())
    }

    /// Batches of a few keys, some new and some old: the key's number, and its places.
    fn batches() -> Vec<Vec<(u64, Vec<u64>)>> {
        let mut place = 0;
        let mut batches = Vec::new();
        for batch in 0..60_u64 {
            let mut puts: Vec<(u64, Vec<u64>)> = Vec::new();
            for n in 0..1 + batch % 7 {
                let places: Vec<u64> = (place..=place + n % 3).collect();
                place += 3;
                puts.push(((batch * n * 31 + batch) % 90, places));
            }
            puts.sort();
            puts.dedup_by_key(|(key, _)| *key);
            batches.push(puts);
        }
        batches
    }

    #[test]
    fn after_each_batch_the_root_is_that_of_the_definition() {
        let (mut fresh, mut naive) = (FreshMap::default(), NaiveMap::default());
        let mut all: std::collections::BTreeMap<u64, Vec<u64>> = std::collections::BTreeMap::new();
        assert_eq!(fresh.root(), naive.root());
        for puts in batches() {
            for (number, places) in puts {
                let key = sha256(&number.to_le_bytes());
                let known = all.entry(number).or_default();
                assert_eq!(fresh.put(&key, &places, leaf_at), known.last().copied());
                known.extend(places);
                let list: Frontier = known.iter().map(|place| list_item_hash(*place, &leaf_at(*place))).collect();
                naive.insert(key, list_value(list.size(), &list.root()));
            }
            assert_eq!((fresh.root(), fresh.keys()), (naive.root(), naive.len() as u64));
        }
        assert!(all.len() > 60 && all.values().any(|places| places.len() > 8));
    }

    #[test]
    fn what_is_written_proves_every_key_and_no_other() {
        let mut arena = Arena::empty();
        assert_eq!(FreshMap::default().write(&mut arena, leaf_at, &mut |_| Ok(())).unwrap(), None);
        let mut fresh = FreshMap::default();
        let mut all: std::collections::BTreeMap<u64, Vec<u64>> = std::collections::BTreeMap::new();
        for (number, places) in batches().into_iter().flatten() {
            fresh.put(&sha256(&number.to_le_bytes()), &places, leaf_at);
            all.entry(number).or_default().extend(places);
        }
        let root = fresh.root();
        let written = fresh.write(&mut arena, leaf_at, &mut |_| Ok(())).unwrap().unwrap();
        assert_eq!(written.hash, root);
        assert_eq!(trie::root_at(&arena, written.at).unwrap(), written);
        for number in 0..120_u64 {
            let key = sha256(&number.to_le_bytes());
            let (proof, leaf) = trie::prove(&arena, Some(written), &key).unwrap();
            match all.get(&number) {
                None => proof.check_absent(&key, &root).unwrap(),
                Some(places) => {
                    let leaf = leaf.unwrap();
                    proof.check_present(&key, &leaf.value, &root).unwrap();
                    assert_eq!(lists::newest(&arena, leaf.list, usize::MAX).unwrap(), *places);
                    let head = lists::head(&arena, leaf.list).unwrap();
                    assert_eq!(list_value(head.count, &head.frontier.root()), leaf.value);
                }
            }
        }
    }
}
