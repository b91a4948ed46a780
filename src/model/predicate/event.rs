//! `evidence:event/v1`: something happened to the project.
//!
//! ```json
//! {"event": "halt", "reason": "incident 12"}
//! ```

use serde::{Deserialize, Serialize};

use crate::model::{ChangeId, Digest, Id};

/// The predicate of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// Nothing is accepted from now on. Subject: SHA-256 of the origin.
    Halt {
        /// Why.
        reason: String,
    },
    /// A halt ends. Subject: SHA-256 of the origin.
    Resume {
        /// Why.
        reason: String,
    },
    /// A change reached its branch. Subjects: commit and tree.
    Merge {
        /// The full name of the branch.
        branch: String,
        /// The repository's id.
        repository: Id,
        /// The changes that it closes.
        changes: Vec<ChangeId>,
        /// The leaf hash of the verdict that accepted the first of them; those on the others stand right behind it (format,
        /// section 9). Without one the merge is unverified.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verdict: Option<Digest>,
        /// The hash of the branch's baseline after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        baseline: Option<Digest>,
    },
    /// A merged change reaches its users. Subjects: commit, tree, artifacts.
    Rollout {
        /// Where to, and how far.
        stage: String,
    },
    /// A rolled-out change is taken back. Subjects: commit, tree, artifacts.
    Rollback {
        /// Why.
        reason: String,
    },
    /// A material was erased. Subject: its SHA-256.
    Erase {
        /// Why.
        reason: String,
    },
    /// Something went wrong in use. Subjects: commits.
    Incident {
        /// The incident's id.
        incident: Id,
        /// The changes that it is laid to.
        changes: Vec<ChangeId>,
        /// What happened.
        reason: String,
    },
}

impl Event {
    /// Returns the word in the record's kind.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Halt { .. } => "halt",
            Self::Resume { .. } => "resume",
            Self::Merge { .. } => "merge",
            Self::Rollout { .. } => "rollout",
            Self::Rollback { .. } => "rollback",
            Self::Erase { .. } => "erase",
            Self::Incident { .. } => "incident",
        }
    }
}
