//! Receipts: the proof that a record stands at its place (`c2sp.org/tlog-proof@v1`).
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! index <serial>
//! <base64 sibling>..
//!
//! <signed checkpoint>
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::AppendError;
use crate::crypto::Envelope;
use crate::merkle::{CheckpointError, ProofError, SignedCheckpoint, check_inclusion};
use crate::model::{Digest, Entry, Statement, Time};
use crate::prove::{ProveError, Trust, placement};
use crate::store::Log;

/// A durable place in the log.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The place.
    pub serial: u64,
    /// The leaf hash.
    pub leaf: Digest,
    /// The entry.
    pub entry: Entry,
    /// The siblings, leaf to root.
    pub path: Vec<Digest>,
    /// The signed checkpoint.
    pub note: Vec<u8>,
}

/// Why a receipt is not believed.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// The entry is not the one that follows from the envelope.
    #[error("the ledger's entry {0} is not the one that follows from the envelope")]
    Entry(u64),
    /// The proof does not lead to the checkpoint.
    #[error("the receipt of entry {serial} does not hold: {error}")]
    Proof {
        /// The entry.
        serial: u64,
        /// Why.
        error: ProofError,
    },
    /// The checkpoint is not signed as it must be.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl Receipt {
    /// Reads the receipt of a record out of a log, as of its newest checkpoint.
    ///
    /// # Errors
    /// If there is no such record, or the log cannot be read.
    pub fn of(log: &Log, serial: u64) -> Result<Self, AppendError> {
        let record = log.record(serial)?.ok_or_else(|| ProveError::Missing(format!("record {serial}")))?;
        let note = log.checkpoint()?.ok_or_else(|| ProveError::Missing("checkpoint".to_owned()))?;
        let entry = Entry::parse(&record.entry).map_err(ProveError::from)?;
        Ok(Self { serial, leaf: log.leaf(serial)?, entry, path: log.inclusion(serial)?, note })
    }

    /// Rebuilds the entry from the submitter's own envelope and checks that it stands where the receipt says.
    ///
    /// # Errors
    /// See [`ReceiptError`].
    pub fn check(
        &self,
        envelope: &Envelope,
        statement: &Statement,
        trust: &Trust,
        origin: &str,
    ) -> Result<(), ReceiptError> {
        let other = || ReceiptError::Entry(self.serial);
        let placed = placement(statement).map_err(|_| other())?;
        let same = (&self.entry.kind, &self.entry.chain, &self.entry.labels)
            == (&placed.kind, &placed.chain, &placed.labels)
            && self.entry.statement == envelope.statement_hash()
            && self
                .entry
                .signed
                .iter()
                .map(|line| &line.fingerprint)
                .eq(envelope.signatures.iter().map(|signature| &signature.keyid))
            && crate::crypto::leaf_hash(self.entry.print().as_bytes()) == self.leaf;
        if !same {
            return Err(other());
        }
        let size = crate::merkle::Checkpoint::parse_note(&self.note)?.size;
        let checkpoint = SignedCheckpoint::open(&self.note, &trust.log_keys(origin, size), origin)?;
        check_inclusion(&self.leaf, self.serial, size, &self.path, &checkpoint.checkpoint().root)
            .map_err(|error| ReceiptError::Proof { serial: self.serial, error })
    }

    /// Returns the time that the ledger gave the entry.
    #[must_use]
    pub const fn time(&self) -> Time {
        self.entry.time
    }

    /// Prints the proof file.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = format!("c2sp.org/tlog-proof@v1\nindex {}\n", self.serial);
        for hash in &self.path {
            text.push_str(&STANDARD.encode(hash.bytes()));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&String::from_utf8_lossy(&self.note));
        text
    }
}
