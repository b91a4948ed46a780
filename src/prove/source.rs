//! Where records, proofs and materials are read from: a store, or a bundle. Nothing that it answers is believed.

use std::io::{self, BufRead, Read};

use crate::merkle::{ListProof, MapProof, MapText, Multiproof};
use crate::model::Digest;

/// The bytes of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// The entry.
    pub entry: Vec<u8>,
    /// The envelope.
    pub envelope: Vec<u8>,
}

/// All serials under a map text, and the proof that they are all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Ascending; empty: there are none.
    pub serials: Vec<u64>,
    /// The map proof.
    pub proof: MapProof,
}

/// The newest serials under a map text, and the proof that the last of them is the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListTail {
    /// Ascending, the newest last; empty: there are none at all.
    pub serials: Vec<u64>,
    /// The proof of the newest; none where there are none at all.
    pub item: Option<ListProof>,
    /// The map proof.
    pub proof: MapProof,
}

/// A multiproof, and the leaves that it is of beside those that were asked for: a bundle has one for all that is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The proof.
    pub proof: Multiproof,
    /// Places and leaf hashes, in no order.
    pub others: Vec<(u64, Digest)>,
}

/// Why a source has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// What was asked for is not there.
    #[error("there is no {0}")]
    Missing(String),
    /// What is there cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// What is there contradicts itself.
    #[error("{text}")]
    Contradiction {
        /// How.
        text: String,
        /// The signed heads that show it.
        heads: Vec<String>,
    },
}

/// One state of a log.
pub trait Source {
    /// Returns the signed checkpoint.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn note(&self) -> Result<Vec<u8>, SourceError>;

    /// Returns the log's last entry, a map entry.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn last_entry(&self) -> Result<Vec<u8>, SourceError>;

    /// Returns all serials under a map text with their map proof.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn list(&self, text: &MapText) -> Result<Listing, SourceError>;

    /// Returns the newest serials under a map text, as many as there are up to `most`, with the proof of the newest.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn tail(&self, text: &MapText, most: usize) -> Result<ListTail, SourceError>;

    /// Returns the record at a serial.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn record(&self, serial: u64) -> Result<RawRecord, SourceError>;

    /// Returns a multiproof of these places, ascending and unique, and what else it is of.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn multiproof(&self, places: &[u64]) -> Result<Proven, SourceError>;
}

/// Where materials are read from.
pub trait Materials {
    /// Says which materials will be asked for, so that a source that is far away brings them all at once.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn prepare(&self, digests: &[Digest]) -> Result<(), SourceError> {
        let _ = digests;
        Ok(())
    }

    /// Returns the bytes that should have this hash; the reader of them checks it. `None` if they are not there.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn material(&self, digest: &Digest) -> Result<Option<Box<dyn BufRead + '_>>, SourceError>;
}

/// A reader that tells how many bytes it gave, each time it gave some.
pub struct Told<R, F> {
    inner: R,
    tell: F,
}

impl<R, F: FnMut(u64)> Told<R, F> {
    /// Wraps a reader.
    pub const fn new(inner: R, tell: F) -> Self {
        Self { inner, tell }
    }

    fn told(&mut self, count: usize) {
        (self.tell)(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

impl<R: Read, F: FnMut(u64)> Read for Told<R, F> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.told(count);
        Ok(count)
    }
}

impl<R: BufRead, F: FnMut(u64)> BufRead for Told<R, F> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.inner.consume(count);
        self.told(count);
    }
}
