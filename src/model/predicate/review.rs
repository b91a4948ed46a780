//! `evidence:review/v1`: somebody looked at the artifact and says what they found.
//!
//! ```json
//! {"claim": "peer-review", "phase": "plain", "verdict": "pass", "notes": {"name": "notes.md", "purpose": "attachment", ..}}
//! ```

use serde::{Deserialize, Serialize};

use super::result::Material;
use crate::model::{ClaimName, Digest};

/// The predicate of a review. Its subjects are the commit and its tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Review {
    /// The claim that the review is for.
    pub claim: ClaimName,
    /// Which form or step it is.
    pub phase: Phase,
    /// What the reviewer found; absent while it is only committed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<ReviewVerdict>,
    /// The reviewer's notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Material>,
    /// What a commit phase commits to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitment: Option<Digest>,
}

/// The forms and steps of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Said at once.
    Plain,
    /// Committed to, before others are seen.
    Commit,
    /// Opened.
    Reveal,
    /// Approved by a person.
    Approve,
}

impl Phase {
    /// Returns the word in the record's kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Commit => "commit",
            Self::Reveal => "reveal",
            Self::Approve => "approve",
        }
    }
}

/// What a reviewer found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReviewVerdict {
    /// Fit.
    Pass,
    /// Not fit.
    Fail,
}
