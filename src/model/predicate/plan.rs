//! `evidence:plan/v1`: what a change is to be, before it is.
//!
//! ```json
//! {"tier": "medium", "implied": false, "implementers": ["agent-7"], "target": "refs/heads/main", "aliases": ["pr-12"],
//!  "origin": "https://tickets.example.org/12", "paths": ["src/**"], "criteria": [{"id": "AC-1", "text": ".."}]}
//! ```

use serde::{Deserialize, Serialize};

use super::result::Material;
use crate::model::{ChangeId, Criterion, PrincipalId, TierName, Time};

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
    /// Where the work was asked for: the address of a ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// When it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<Time>,
    /// Patterns of the paths that the change is to touch, as `[[when]]` has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// How it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Material>,
    /// Files that belong to the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Material>,
    /// The specifications that the criteria were read out of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub specs: Vec<Material>,
    /// What the change must do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<Criterion>,
}

impl Plan {
    /// Returns a plan that says no more than it must.
    #[must_use]
    pub fn bare(tier: TierName, target: impl Into<String>) -> Self {
        Self {
            tier,
            implied: false,
            implementers: Vec::new(),
            target: target.into(),
            aliases: Vec::new(),
            reason: None,
            origin: None,
            requested: None,
            paths: Vec::new(),
            rollback: None,
            attachments: Vec::new(),
            specs: Vec::new(),
            criteria: Vec::new(),
        }
    }

    /// Returns the files that it names.
    pub fn materials(&self) -> impl Iterator<Item = &Material> {
        self.rollback.iter().chain(&self.attachments).chain(&self.specs)
    }
}
