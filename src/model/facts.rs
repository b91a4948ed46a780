//! Facts: what readers take out of reports.
use super::{Digest, Outcome};
use serde::{Deserialize, Serialize};

/// Facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Facts {
    /// Reader.
    pub reader: String,
    /// Outcome.
    pub outcome: Outcome,
    /// Names.
    pub names: Digest,
}
