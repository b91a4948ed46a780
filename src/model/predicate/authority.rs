//! `evidence:authority/v1`: who may do what, under which key.
//!
//! ```json
//! {"act": "grant", "key": "ssh-ed25519 AAAA..", "principal": "ana", "roles": ["reviewer"], "emails": ["ana@example.org"]}
//! {"act": "revoke", "key": "ssh-ed25519 AAAA..", "reason": "laptop lost"}
//! ```

use serde::{Deserialize, Serialize};

use crate::model::{ChangeId, Digest, Fingerprint, PrincipalId, Role, Time};

/// The predicate of an authority record. The subject of a grant or revocation is the SHA-256 of the key's SPKI DER.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Authority {
    /// A key gets roles.
    Grant(Grant),
    /// A key is out, for ever.
    Revoke(Revoke),
    /// The roots change.
    Root {
        /// The new root keys, as OpenSSH lines.
        keys: Vec<String>,
        /// How many of them act together.
        threshold: u32,
    },
    /// The log key changes.
    LedgerKey {
        /// The new verifier key of the log.
        vkey: String,
        /// The log size from which it signs.
        #[serde(rename = "fromSize")]
        from_size: u64,
    },
    /// The format of the log changes.
    Format {
        /// The new format.
        version: u32,
    },
    /// The log ends here.
    Close {
        /// Why.
        reason: String,
    },
    /// A log goes on from a closed one.
    Genesis {
        /// The closed log's origin.
        origin: String,
        /// Its size.
        size: u64,
        /// Its root.
        root: Digest,
    },
}

/// A key gets roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// The public key, as an OpenSSH line without comment.
    pub key: String,
    /// The person, agent or job behind it.
    pub principal: PrincipalId,
    /// Who answers for the principal; itself where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PrincipalId>,
    /// What it may do.
    pub roles: Vec<Role>,
    /// The addresses under which the principal commits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// The changes that the grant is narrowed to; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeId>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// The key that leased this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leased_by: Option<Fingerprint>,
}

/// A key is out, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revoke {
    /// The public key, as an OpenSSH line without comment.
    pub key: String,
    /// Why.
    pub reason: String,
}

impl Authority {
    /// Returns the keys, as OpenSSH lines, that may sign after this record.
    #[must_use]
    pub fn keys_that_may_sign(&self) -> &[String] {
        match self {
            Self::Grant(grant) => std::slice::from_ref(&grant.key),
            Self::Root { keys, .. } => keys,
            Self::Revoke(_)
            | Self::LedgerKey { .. }
            | Self::Format { .. }
            | Self::Close { .. }
            | Self::Genesis { .. } => &[],
        }
    }

    /// Returns the word in the record's kind.
    #[must_use]
    pub const fn act(&self) -> &'static str {
        match self {
            Self::Grant(_) => "grant",
            Self::Revoke(_) => "revoke",
            Self::Root { .. } => "root",
            Self::LedgerKey { .. } => "ledger-key",
            Self::Format { .. } => "format",
            Self::Close { .. } => "close",
            Self::Genesis { .. } => "genesis",
        }
    }
}
