//! `evidence:exception/v1`: a deviation that somebody entitled signs, with a reason and an end.
//!
//! ```json
//! {"effect": "waive", "id": "w-12", "claims": ["security-scan"], "names": [], "reason": "..", "until": 1790000000}
//! ```

use serde::{Deserialize, Serialize};

use crate::model::{ClaimName, Id, Time};

/// The predicate of an exception. Its subject is the record, or the ledger's origin, that it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exception {
    /// What it does.
    pub effect: Effect,
    /// Its own id, for listing and ending it.
    pub id: Id,
    /// The claims that it touches.
    pub claims: Vec<ClaimName>,
    /// Patterns of the changes that it is about, where it is about more than one; empty: every change, or the one that it belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// Patterns of the names that it touches: tests, findings, public items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Names that become others: each may go as far as the other is there as often, and passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renames: Vec<Rename>,
    /// How far a number may go that `names` names: hundredths of a percent of a floor, the count of a ceiling or of a finding,
    /// the percent by which a measurement may be worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// Why.
    pub reason: String,
    /// When it ends.
    pub until: Time,
}

/// A name that becomes another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rename {
    /// The name that goes, exactly.
    pub from: String,
    /// The name that comes in its place, exactly.
    pub to: String,
}

/// What an exception does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// A claim is not demanded this once.
    Waive,
    /// A protected name may go.
    Retire,
    /// A finding may come in.
    Admit,
    /// A claim does not apply.
    Exempt,
}

impl Effect {
    /// Returns the word in the record's kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waive => "waive",
            Self::Retire => "retire",
            Self::Admit => "admit",
            Self::Exempt => "exempt",
        }
    }
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
