//! Envelope in, durable place and receipt out; what a ledger refuses to accept.

mod appender;
mod exceptions;
mod merges;
mod moments;
mod receipt;
mod rules;

pub use appender::{Appender, ClockGuard, Rights, Submission};
pub use merges::may_merge;
pub use moments::may_start;
pub use receipt::{Receipt, ReceiptError};
pub use rules::Refusal;

use crate::crypto::{EnvelopeError, OpenError};
use crate::model::{StatementError, Time};
use crate::prove::{PlacementError, ProveError};
use crate::store::StoreError;
use crate::verify::PolicyReadError;

impl AppendError {
    /// Returns whether the ledger is there and will not take the record later either.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Open(_) | Self::Envelope(_) | Self::Statement(_) | Self::Placement(_) => true,
            Self::Store(_)
            | Self::Prove(_)
            | Self::Policy(_)
            | Self::Clock { .. }
            | Self::LogKey { .. }
            | Self::Moved { .. }
            | Self::Receipt(_) => false,
        }
    }
}

/// Why a record was not appended. Nothing of it is in the ledger then.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger's own records do not hold.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// A policy in the ledger cannot be read.
    #[error(transparent)]
    Policy(#[from] PolicyReadError),
    /// The submission is no envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Its payload is no statement of ours.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// It has no place in the log.
    #[error(transparent)]
    Placement(#[from] PlacementError),
    /// Its signatures do not hold, or are by nobody whom the ledger knows.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A rule refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The appender holds other keys than the log's: nobody would believe what it signs.
    #[error("the log key is not the key of this ledger's log: it is {found}, wanted {wanted}")]
    LogKey {
        /// The keys that it holds.
        found: String,
        /// The keys of the log, as the trust file and the roots name them.
        wanted: String,
    },
    /// The clock cannot be right.
    #[error("the clock says {clock}; the ledger's last entry is of {last}")]
    Clock {
        /// What the clock says.
        clock: Time,
        /// The time of the last entry.
        last: Time,
    },
    /// Somebody appended in between, and the records were for one size of the log alone.
    #[error("the log has {found} entries; the records are for the size {expected}")]
    Moved {
        /// The size that they are for.
        expected: u64,
        /// The size that the log has.
        found: u64,
    },
    /// The ledger did not do what it says it did.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
}
