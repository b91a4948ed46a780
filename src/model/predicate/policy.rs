//! `evidence:policy/v1`: a policy comes into force. The TOML itself is a material, found by the subject's hash.

use serde::{Deserialize, Serialize};

/// The predicate of a policy record. Its subject is the SHA-256 of the TOML.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyRecord {
    /// The number of bytes of the TOML.
    pub bytes: u64,
    /// Why it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
