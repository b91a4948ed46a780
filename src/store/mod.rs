//! Where bytes rest: the ledger on one machine (format, section 5).
//!
//! **The append contract.** [`Ledger::lock`] waits for the other writers and yields a [`Writer`] that has read
//! every committed batch. [`Writer::commit`] takes entries that continue the log it shows, writes them, one map
//! entry and one signed checkpoint in a single write, makes that durable, and only then returns. If it returns an error,
//! nothing was promised and the writer is spent. A backend on another medium keeps the same contract: one order for all,
//! nothing answered before it is durable, never a second answer for one place.
//!
//! **Over a remote** ([`Remote`]) the same holds with one more step: the order for all is that of one git ref, a batch is durable
//! once the remote has it, and what lies in the folder is a copy of what the remote has. Materials that are too large for it lie in a store
//! that the policy names ([`Objects`]), and are there before the batch is pushed.
//!
//! [`Ledger::read`] needs no lock and no permission to write. What it reads beyond the published checkpoint it first makes durable.

mod arena;
mod blobs;
#[cfg(feature = "object-store")]
mod cloud;
mod durable;
mod flat;
mod folder;
mod frame;
mod fresh_map;
mod index;
mod ledger;
mod lists;
mod log;
mod lookup;
mod memory;
mod objects;
mod remote;
mod replay;
mod restore;
mod segments;
mod trie;

use std::path::{Path, PathBuf};

use crate::git::RemoteError;
use crate::model::{Digest, Size};
use crate::prove::ProveError;

pub use blobs::{BlobWriter, Blobs};
pub(crate) use durable::make_folder;
pub use ledger::{Committed, Ledger, Replayed, ReplayedLog, Writer};
pub use log::Log;
pub use lookup::{Lookup, LookupKey};
pub use memory::Memory;
pub use objects::{NamedStores, Objects, ObjectsError, StoreReader};
pub use remote::{NoteCheck, Remote};
pub use restore::Restored;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("{what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried, `cannot read` for example.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What it answered.
        source: std::io::Error,
    },
    /// The cache cannot be used; it is made anew from the segments.
    #[error("the cache cannot be read: {0}")]
    Cache(std::io::Error),
    /// No ledger lies there.
    #[error("no ledger at {path}", path = .0.display())]
    NoLedger(PathBuf),
    /// A ledger lies there already.
    #[error("a ledger lies at {path} already", path = .0.display())]
    Exists(PathBuf),
    /// A ledger of a format that this version does not know.
    #[error("the ledger at {path} has format {found}; this version reads format {wanted}", path = path.display())]
    Format {
        /// The ledger.
        path: PathBuf,
        /// Its format.
        found: String,
        /// Ours.
        wanted: &'static str,
    },
    /// Bytes that should be a line, note or frame of ours and are not.
    #[error("{what} cannot be read: {text}")]
    Unreadable {
        /// What it should be.
        what: String,
        /// What is wrong with it.
        text: String,
    },
    /// A material is too large for a git remote, and the policy names no store for larger ones.
    #[error(
        "a material cannot be appended: {digest} has {bytes} bytes; wanted at most {most} in a git remote, unless the policy names a store for larger ones",
        most = Size::INLINE_MOST
    )]
    MaterialTooLarge {
        /// The material.
        digest: Digest,
        /// Its size.
        bytes: u64,
    },
    /// The remote of the ledger did not do what was asked.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// A store of large materials did not do what was asked.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// The remote has no ledger.
    #[error("there is no ledger at {remote}: it has no {name}")]
    NoRemoteLedger {
        /// The remote.
        remote: String,
        /// The ref.
        name: String,
    },
    /// What the remote has is not signed by a key of the ledger.
    #[error("{name} of {remote} is no ledger to believe: {text}")]
    Foreign {
        /// The remote.
        remote: String,
        /// The ref.
        name: String,
        /// What is wrong with it.
        text: String,
    },
    /// What somebody remembers of the ledger is there and cannot be believed: nothing is held against it, and nothing judged.
    #[error("what this machine remembers cannot be believed: {path}: {error}", path = path.display())]
    Remembered {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<ProveError>,
    },
    /// The remote and the copy here contradict each other: an alarm.
    #[error("the ledger contradicts itself: {text}")]
    RemoteAlarm {
        /// Which of the two is to be looked at, and how.
        alarm: RemoteAlarm,
        /// The folder of the copy.
        folder: PathBuf,
        /// How.
        text: String,
        /// The signed heads that show it.
        heads: Vec<String>,
    },
    /// The ledger contradicts itself or what it said before: an alarm.
    #[error("the ledger contradicts itself: {text}")]
    Contradiction {
        /// How.
        text: String,
        /// The signed heads that show it.
        heads: Vec<String>,
    },
}

/// What a remote and the copy here contradict each other in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteAlarm {
    /// The remote lacks the newest records that the copy has.
    TakenBack,
    /// Both go on from the same beginning, in different ways.
    Forked,
    /// The copy took a head that nobody believes.
    Copy,
}

impl StoreError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    pub(crate) fn cannot_read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        Self::io("cannot read", path)
    }

    pub(crate) fn cannot_write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        Self::io("cannot write", path)
    }

    pub(crate) fn unreadable(what: &str, text: &dyn std::fmt::Display) -> Self {
        Self::Unreadable { what: what.to_owned(), text: text.to_string() }
    }

    pub(crate) fn contradiction<'a>(text: String, heads: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let heads = heads.into_iter().map(|head| String::from_utf8_lossy(head).into_owned()).collect();
        Self::Contradiction { text, heads }
    }
}

impl From<std::io::Error> for StoreError {
    /// An error while scanning segments.
    fn from(source: std::io::Error) -> Self {
        Self::Io { what: "cannot read", path: PathBuf::from("log"), source }
    }
}
