//! Every hash that the formats use, with its tag (RFC 6962 section 2.1, DSSE v1, format section 3).
//!
//! | of | bytes hashed |
//! | --- | --- |
//! | a log or list leaf | `00` and the leaf |
//! | a tree node | `01`, left, right |
//! | a list item | `00`, u64be place, leaf hash |
//! | a map key | `evidence-label/v1\n`, text |
//! | a map value | `evidence-list/v1\n`, u64be count, list root |
//! | a map leaf | K, V |
//! | a map node | bit-0 side, bit-1 side, byte b |
//! | a name's key | `evidence-name/v1\n`, u32be attempt, name |
//! | a statement | `DSSEv1`, lengths, payload type, payload (PAE) |

use sha2::{Digest as _, Sha256};

use crate::model::Digest;

/// SHA-256 over what comes in pieces.
#[derive(Default, Clone)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of all bytes taken in.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// Returns the SHA-256 of bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    of(&[bytes])
}

/// Returns the leaf hash of a log entry: SHA-256(00 || entry).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Digest {
    of(&[&[LEAF], entry])
}

/// Returns the hash of a tree node: SHA-256(01 || left || right).
#[must_use]
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    of(&[&[NODE], left.bytes(), right.bytes()])
}

/// Returns the leaf hash of a list's item.
#[must_use]
pub fn list_item_hash(place: u64, leaf: &Digest) -> Digest {
    of(&[&[LEAF], &place.to_be_bytes(), leaf.bytes()])
}

/// Returns the bytes that an attempt at a name's key takes for a point.
#[must_use]
pub(super) fn name_hash(attempt: u32, name: &str) -> Digest {
    of(&[NAME, &attempt.to_be_bytes(), name.as_bytes()])
}

/// Returns a list's value in the map.
#[must_use]
pub fn list_value(count: u64, root: &Digest) -> Digest {
    of(&[LIST, &count.to_be_bytes(), root.bytes()])
}

/// Returns the key under which a map text is listed.
#[must_use]
pub fn map_key(text: &str) -> Digest {
    of(&[LABEL, text.as_bytes()])
}

/// Returns the hash of a map leaf.
#[must_use]
pub fn map_leaf_hash(key: &Digest, value: &Digest) -> Digest {
    of(&[key.bytes(), value.bytes()])
}

/// Returns the hash of a map node.
#[must_use]
pub fn map_inner_hash(zero: &Digest, one: &Digest, bit: u8) -> Digest {
    of(&[zero.bytes(), one.bytes(), &[bit]])
}

/// Returns the root of the empty map and of the empty tree: SHA-256 of nothing.
#[must_use]
pub fn empty_map_root() -> Digest {
    of(&[])
}

/// Returns the DSSE v1 pre-authentication encoding, the bytes that are signed.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// Returns the statement hash of an entry: SHA-256(PAE).
#[must_use]
pub fn statement_hash(payload_type: &str, payload: &[u8]) -> Digest {
    sha256(&pae(payload_type, payload))
}

fn of(parts: &[&[u8]]) -> Digest {
    let mut hasher = Hasher::default();
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

const LEAF: u8 = 0;
const NODE: u8 = 1;
const LABEL: &[u8] = b"evidence-label/v1\n";
const LIST: &[u8] = b"evidence-list/v1\n";
const NAME: &[u8] = b"evidence-name/v1\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_that_of_the_specification() {
        let signed = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
        assert_eq!(pae("http://example.com/HelloWorld", b"hello world"), signed);
        assert_eq!(statement_hash("http://example.com/HelloWorld", b"hello world"), sha256(signed));
        assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
    }
}
