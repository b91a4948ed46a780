//! `evidence:plan/v1`: what a change is to be, before it is.
//!
//! ```json
//! {"tier": "medium", "implied": false, "implementers": ["agent-7"], "target": "refs/heads/main", "aliases": ["pr-12"]}
//! ```

use serde::{Deserialize, Serialize};

use crate::model::{ChangeId, PrincipalId, TierName};

/// The predicate of a plan. Its subject is the base commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The risk tier. A later plan may only raise it.
    pub tier: TierName,
    /// Whether the first attempt wrote this plan because nobody planned.
    pub implied: bool,
    /// Who implements; they do not review.
    pub implementers: Vec<PrincipalId>,
    /// The full name of the branch that the change is meant for.
    pub target: String,
    /// Other ids of the change, a pull request's number for example.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<ChangeId>,
    /// Why the tier was raised; wanted in every plan but the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
