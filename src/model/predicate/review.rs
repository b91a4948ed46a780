//! `evidence:review/v1`: somebody looked at the artifact and says what they found.
//!
//! ```json
//! {"claim": "peer-review", "phase": "plain", "verdict": "pass", "notes": {"name": "notes.md", "purpose": "attachment", ..}}
//! ```

use serde::{Deserialize, Serialize};

use super::result::Material;
use crate::model::{ClaimName, CriterionId, Digest};

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
    /// The criteria that it is about: then it says nothing about the claim as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<CriterionId>,
    /// The pictures that were looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<PictureSeen>,
}

/// A picture that a reviewer looked at, beside the one that it takes the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PictureSeen {
    /// Its name.
    pub name: String,
    /// The hash of the picture of that name in the branch's baseline, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Digest>,
    /// The hash of the picture that was looked at.
    pub new: Digest,
}

impl Review {
    /// Returns a review of a claim that says no more than it must.
    #[must_use]
    pub const fn bare(claim: ClaimName, phase: Phase, verdict: Option<ReviewVerdict>) -> Self {
        Self { claim, phase, verdict, notes: None, commitment: None, criteria: Vec::new(), pictures: Vec::new() }
    }
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
