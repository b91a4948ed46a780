//! Arithmetic only: trees, proofs of membership, growth and absence, checkpoints.

mod checkpoint;
mod consistency;
mod inclusion;
mod map;
mod multiproof;
mod text;
mod tree;

pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
pub use consistency::{Consistency, prove_consistency};
pub use inclusion::{ListProof, check_inclusion, prove_inclusion};
pub use map::{MapProof, MapProofKind, MapText, NaiveMap};
pub use multiproof::{Multiproof, prove_multi};
pub use text::ProofError;
pub use tree::{
    Frontier, HashReader, MemoryHashes, stored_count, stored_hashes, stored_index, subtree_root, tree_root,
};
