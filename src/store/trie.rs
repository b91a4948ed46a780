//! The map of labels as nodes of an arena (format, section 3): a batch writes its changed paths anew
//! and leaves the old ones, so each head keeps its own map.
//!
//! ```text
//! leaf   0 | K 32 | V 32 | u64le newest block of the list | 9 zero bytes
//! inner  1 | b 1  | u64le bit-0 child | u64le bit-1 child | bit-0 hash 32 | bit-1 hash 32
//! ```

use std::io;

use super::arena::{Arena, Offset};
use crate::crypto::{map_inner_hash, map_leaf_hash};
use crate::merkle::{MapProof, MapProofKind};
use crate::model::Digest;

/// A key's place in the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) key: Digest,
    pub(super) value: Digest,
    pub(super) list: Offset,
}

/// The root of a map: where its node lies, and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) at: Offset,
    pub(super) hash: Digest,
}

enum Node {
    Leaf(Leaf),
    Inner { bit: u8, at: [Offset; 2], hash: [Digest; 2] },
}

/// Proves a key's presence or absence; returns its leaf where it is there.
pub(super) fn prove(arena: &Arena, root: Option<Root>, key: &Digest) -> io::Result<(MapProof, Option<Leaf>)> {
    let Some(root) = root else {
        return Ok((MapProof { kind: MapProofKind::AbsentEmpty, path: Vec::new() }, None));
    };
    let mut path = Vec::new();
    let mut at = root.at;
    loop {
        match read(arena, at)? {
            Node::Inner { bit, at: children, hash } => {
                let side = side(key, bit);
                path.push((bit, hash[1 - side]));
                at = children[side];
            }
            Node::Leaf(leaf) => {
                path.reverse();
                return Ok(if leaf.key == *key {
                    (MapProof { kind: MapProofKind::Present, path }, Some(leaf))
                } else {
                    (MapProof { kind: MapProofKind::Absent { key: leaf.key, value: leaf.value }, path }, None)
                });
            }
        }
    }
}

/// Puts leaves, sorted by key and unique, into the map and returns the new root.
pub(super) fn update(arena: &mut Arena, root: Option<Root>, leaves: &[Leaf]) -> io::Result<Option<Root>> {
    if leaves.is_empty() {
        return Ok(root);
    }
    let Some(root) = root else { return Ok(Some(build(arena, leaves))) };
    let mut items = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let found = nearest(arena, root.at, &leaf.key)?;
        items.push(Item { leaf: *leaf, parts: first_difference(&leaf.key, &found.key) });
    }
    merge(arena, root, &items).map(Some)
}

/// Calls `each` with every leaf of the map, in the order of the keys.
pub(super) fn walk(arena: &Arena, root: Option<Root>, each: &mut impl FnMut(Leaf) -> io::Result<()>) -> io::Result<()> {
    let mut stack: Vec<Offset> = root.iter().map(|root| root.at).collect();
    while let Some(at) = stack.pop() {
        match read(arena, at)? {
            Node::Leaf(leaf) => each(leaf)?,
            Node::Inner { at, .. } => stack.extend([at[1], at[0]]),
        }
    }
    Ok(())
}

/// Returns the root hash that the node at an offset has.
pub(super) fn root_at(arena: &Arena, at: Offset) -> io::Result<Root> {
    let hash = match read(arena, at)? {
        Node::Leaf(leaf) => map_leaf_hash(&leaf.key, &leaf.value),
        Node::Inner { bit, hash, .. } => map_inner_hash(&hash[0], &hash[1], bit),
    };
    Ok(Root { at, hash })
}

/// A leaf to put in, and the first bit in which its key parts from all keys of the map; `None` replaces its own.
#[derive(Clone, Copy)]
struct Item {
    leaf: Leaf,
    parts: Option<u8>,
}

fn merge(arena: &mut Arena, root: Root, items: &[Item]) -> io::Result<Root> {
    let Some(first) = items.first() else { return Ok(root) };
    let node = read(arena, root.at)?;
    let bit = match &node {
        Node::Inner { bit, .. } => Some(*bit),
        Node::Leaf(_) => None,
    };
    let earliest = items.iter().filter_map(|item| item.parts).min();
    if let Some(parts) = earliest.filter(|parts| bit.is_none_or(|bit| *parts < bit)) {
        let (away, along): (Vec<Item>, Vec<Item>) = items.iter().partition(|item| item.parts == Some(parts));
        let side = side(&away[0].leaf.key, parts);
        let leaves: Vec<Leaf> = away.iter().map(|item| item.leaf).collect();
        let fresh = build(arena, &leaves);
        let old = merge(arena, root, &along)?;
        return Ok(if side == 0 { inner(arena, parts, fresh, old) } else { inner(arena, parts, old, fresh) });
    }
    match node {
        Node::Leaf(_) => Ok(put_leaf(arena, &first.leaf)),
        Node::Inner { bit, at, hash } => {
            let (zeros, ones): (Vec<Item>, Vec<Item>) = items.iter().partition(|item| side(&item.leaf.key, bit) == 0);
            let left = merge(arena, Root { at: at[0], hash: hash[0] }, &zeros)?;
            let right = merge(arena, Root { at: at[1], hash: hash[1] }, &ones)?;
            Ok(inner(arena, bit, left, right))
        }
    }
}

fn build(arena: &mut Arena, leaves: &[Leaf]) -> Root {
    let (first, last) = (&leaves[0], &leaves[leaves.len() - 1]);
    let Some(bit) = first_difference(&first.key, &last.key) else { return put_leaf(arena, first) };
    let split = leaves.partition_point(|leaf| side(&leaf.key, bit) == 0);
    let left = build(arena, &leaves[..split]);
    let right = build(arena, &leaves[split..]);
    inner(arena, bit, left, right)
}

fn put_leaf(arena: &mut Arena, leaf: &Leaf) -> Root {
    put_hashed_leaf(arena, leaf, map_leaf_hash(&leaf.key, &leaf.value))
}

/// Writes a leaf whose hash is known.
pub(super) fn put_hashed_leaf(arena: &mut Arena, leaf: &Leaf, hash: Digest) -> Root {
    let mut bytes = [0; NODE_BYTES];
    bytes[1..33].copy_from_slice(leaf.key.bytes());
    bytes[33..65].copy_from_slice(leaf.value.bytes());
    bytes[65..73].copy_from_slice(&leaf.list.0.to_le_bytes());
    Root { at: arena.push(&bytes), hash }
}

fn inner(arena: &mut Arena, bit: u8, left: Root, right: Root) -> Root {
    put_hashed_inner(arena, bit, left, right, map_inner_hash(&left.hash, &right.hash, bit))
}

/// Writes an inner node whose hash is known.
pub(super) fn put_hashed_inner(arena: &mut Arena, bit: u8, left: Root, right: Root, hash: Digest) -> Root {
    let mut bytes = [0; NODE_BYTES];
    bytes[0] = 1;
    bytes[1] = bit;
    bytes[2..10].copy_from_slice(&left.at.0.to_le_bytes());
    bytes[10..18].copy_from_slice(&right.at.0.to_le_bytes());
    bytes[18..50].copy_from_slice(left.hash.bytes());
    bytes[50..82].copy_from_slice(right.hash.bytes());
    Root { at: arena.push(&bytes), hash }
}

fn nearest(arena: &Arena, mut at: Offset, key: &Digest) -> io::Result<Leaf> {
    loop {
        match read(arena, at)? {
            Node::Leaf(leaf) => return Ok(leaf),
            Node::Inner { bit, at: children, .. } => at = children[side(key, bit)],
        }
    }
}

fn read(arena: &Arena, at: Offset) -> io::Result<Node> {
    let mut bytes = [0; NODE_BYTES];
    arena.read(at, &mut bytes)?;
    // Children are written before their parents: a damaged file cannot lead in a circle.
    let offset = |from: usize| {
        let mut number = [0; 8];
        number.copy_from_slice(&bytes[from..from + 8]);
        Offset(u64::from_le_bytes(number))
    };
    let digest = |from: usize| {
        let mut digest = [0; 32];
        digest.copy_from_slice(&bytes[from..from + 32]);
        Digest(digest)
    };
    match bytes[0] {
        0 => Ok(Node::Leaf(Leaf { key: digest(1), value: digest(33), list: offset(65) })),
        1 if offset(2) < at && offset(10) < at => {
            Ok(Node::Inner { bit: bytes[1], at: [offset(2), offset(10)], hash: [digest(18), digest(50)] })
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Returns bit `b` of a key: `(K[b >> 3] >> (7 - (b & 7))) & 1`.
pub(super) fn side(key: &Digest, bit: u8) -> usize {
    usize::from((key.bytes()[usize::from(bit >> 3)] >> (7 - (bit & 7))) & 1)
}

/// Returns the first bit in which two keys differ.
pub(super) fn first_difference(a: &Digest, b: &Digest) -> Option<u8> {
    let index = a.bytes().iter().zip(b.bytes()).position(|(a, b)| a != b)?;
    let zeros = (a.bytes()[index] ^ b.bytes()[index]).leading_zeros();
    u8::try_from(index * 8).ok()?.checked_add(u8::try_from(zeros).ok()?)
}

const NODE_BYTES: usize = 82;
