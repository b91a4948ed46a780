//! `evidence:verdict/v1`: a verdict that was given. It is never an input of a later one.
//!
//! ```json
//! {"decision": "refused", "asOf": {"size": 12, "root": "..", "time": 1763690400}, "tier": "medium", "codes": ["E201"], "report": ".."}
//! ```

use serde::{Deserialize, Serialize};

use crate::model::{Digest, TierName, Time};

/// The predicate of a recorded verdict. Its subjects are the judged commit and its tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerdictRecord {
    /// What was decided.
    pub decision: Decision,
    /// Which state of the ledger was judged.
    pub as_of: AsOf,
    /// The tier that was demanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierName>,
    /// The codes of the findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// The names of the limitations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limitations: Vec<String>,
    /// The hash of the JSON verdict, kept as a material.
    pub report: Digest,
    /// The hash of its SLSA Verification Summary Attestation, an envelope by the same signers, kept as a material.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vsa: Option<Digest>,
}

impl VerdictRecord {
    /// Returns the hashes of the materials that it names.
    pub fn materials(&self) -> impl Iterator<Item = &Digest> {
        std::iter::once(&self.report).chain(&self.vsa)
    }
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Fit to merge.
    Accepted,
    /// Not shown to be fit.
    Refused,
}

/// A signed state of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AsOf {
    /// The number of entries.
    pub size: u64,
    /// The root hash over them.
    pub root: Digest,
    /// The time of the checkpoint's map entry.
    pub time: Time,
}
