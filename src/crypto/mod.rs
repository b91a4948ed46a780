//! Who said it: hash tags in one table, keys, DSSE envelopes, signed notes.

mod dsse;
mod ecdsa;
mod hash;
mod key;
mod note;
#[cfg(feature = "cli")]
mod openssh;
#[cfg(feature = "cli")]
mod private;
mod sk;
pub(crate) mod wire;

pub use dsse::{
    Authentic, ENVELOPE_BYTES_MAX, Envelope, EnvelopeError, EnvelopeSignature, KeyRing, OpenError, PAYLOAD_TYPE,
};
pub use ecdsa::{EcdsaKey, ecdsa_one_spelling};
pub use hash::{
    Hasher, empty_map_root, leaf_hash, list_item_hash, list_value, map_inner_hash, map_key, map_leaf_hash, node_hash,
    pae, sha256, statement_hash,
};
pub use key::{Algorithm, KeyError, PublicKey, SecretKey, Sign, SignError, filed_under};
pub(crate) use note::split_note;
pub use note::{NOTE_BYTES_MAX, NoteError, NoteKey, open_note, sign_note, sign_note_by};
#[cfg(feature = "cli")]
pub use private::{KeyFile, KeyFileError, LockedKey, PrivateKey};
