//! Who said it: hash tags in one table, keys, DSSE envelopes, signed notes.

mod dsse;
mod hash;
mod key;
mod note;

pub use dsse::{
    Authentic, ENVELOPE_BYTES_MAX, Envelope, EnvelopeError, EnvelopeSignature, KeyRing, OpenError, PAYLOAD_TYPE,
};
pub use hash::{
    Hasher, empty_map_root, leaf_hash, list_item_hash, list_value, map_inner_hash, map_key, map_leaf_hash, node_hash,
    pae, sha256, statement_hash,
};
pub use key::{Algorithm, KeyError, PublicKey, SecretKey, filed_under};
pub(crate) use note::split_note;
pub use note::{NOTE_BYTES_MAX, NoteError, NoteKey, open_note, sign_note, sign_note_by};
