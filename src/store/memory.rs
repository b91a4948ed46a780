//! What somebody else than the ledger remembers of it: the largest head that a user ever saw, and heads that others keep.
//!
//! ```text
//! seen/<hex of SHA-256(origin)>      the signed checkpoint, byte for byte as the log gave it
//! seen/lock                          held while one is compared and replaced
//! ```
//! A ledger alone binds nobody who can write its folder (design, section 4): whoever rolls it back or forks it signs what they
//! like. A head that lies elsewhere is what the rolled back or forked log contradicts. It binds up to its own size, and whoever
//! keeps it. What is remembered only grows; it is compared before anything is judged, signed or answered.
//! Out of scope: heads in git (`cli` reads them and names them here), witnesses.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::StoreError;
use super::log::Log;
use crate::crypto::{NOTE_BYTES_MAX, sha256};
use crate::merkle::{Checkpoint, SignedCheckpoint};
use crate::prove::{Held, Trust, open_head, open_head_of};

/// The heads that a log is held against.
#[derive(Debug, Clone)]
pub struct Memory {
    trust: Trust,
    folder: Option<PathBuf>,
    others: Vec<(String, SignedCheckpoint)>,
}

impl Memory {
    /// Makes one that remembers nothing yet.
    #[must_use]
    pub const fn new(trust: Trust) -> Self {
        Self { trust, folder: None, others: Vec::new() }
    }

    /// Keeps the largest head of each ledger in a folder, which need not be there.
    #[must_use]
    pub fn in_folder(mut self, folder: PathBuf) -> Self {
        self.folder = Some(folder);
        self
    }

    /// Adds a head that somebody else keeps.
    #[must_use]
    pub fn with(mut self, by: String, head: SignedCheckpoint) -> Self {
        self.others.push((by, head));
        self
    }

    /// Holds a log against every head that is remembered of it, and returns those.
    ///
    /// `origin` is what the ledger's folder claims to be; what the log's own head says counts too.
    ///
    /// # Errors
    /// If the log is smaller than a remembered head or has another beginning, [`StoreError::Contradiction`] with both heads. If
    /// what is remembered cannot be read or is signed by nobody who is believed, [`StoreError::Remembered`].
    pub fn hold(&self, origin: &str, log: &Log) -> Result<Vec<Held>, StoreError> {
        let note = log.checkpoint()?;
        let own = note.as_deref().and_then(|note| Checkpoint::parse_note(note).ok());
        let mut origins = vec![origin];
        origins.extend(own.as_ref().map(|own| own.origin.as_str()).filter(|own| *own != origin));
        let mut held = Vec::new();
        for origin in origins {
            for known in self.remembered(origin)? {
                let older = known.head.checkpoint().clone();
                if older.size > log.size() {
                    // Another process may have written, and told of it, since this log was read.
                    let newer = Log::open(log.folder())?;
                    known.compare(&newer)?;
                    if let Some(own) = own.as_ref().filter(|own| !newer.begins_with(own).unwrap_or(false)) {
                        let text = format!("its {} entries of a moment ago are not the first of those now", own.size);
                        return Err(contradiction(text, note.as_deref(), newer.checkpoint()?.as_deref()));
                    }
                } else {
                    known.compare(log)?;
                }
                held.push(Held { by: known.by, size: older.size });
            }
        }
        Ok(held)
    }

    /// Remembers a head, unless one as large is remembered already. One that nobody here believes is passed over.
    ///
    /// A crash leaves the old one or the new one. Neither is synced: a power cut may take the new one away again.
    ///
    /// # Errors
    /// If the operating system refuses, or what is remembered cannot be believed: that is never replaced.
    pub fn keep(&self, note: &[u8]) -> Result<(), StoreError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let Ok(head) = open_head(note, &self.trust) else { return Ok(()) };
        let Checkpoint { origin, size, .. } = head.checkpoint();
        let is_known =
            || Ok::<bool, StoreError>(self.recall(origin)?.is_some_and(|seen| seen.checkpoint().size >= *size));
        if is_known()? {
            return Ok(());
        }
        fs::create_dir_all(folder).map_err(StoreError::io("cannot make", folder))?;
        let path = folder.join("lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let lock = lock.map_err(StoreError::io("cannot open", &path))?;
        lock.lock().map_err(StoreError::io("cannot lock", &path))?;
        if is_known()? {
            return Ok(());
        }
        let path = folder.join(name(origin));
        let written = tempfile::Builder::new().prefix(".new-").tempfile_in(folder).and_then(|mut file| {
            file.write_all(note)?;
            file.persist(&path).map_err(|error| error.error).map(drop)
        });
        written.map_err(StoreError::io("cannot write", &path))
    }

    fn remembered(&self, origin: &str) -> Result<Vec<Known>, StoreError> {
        let own = self.recall(origin)?.map(|head| Known {
            by: OWN.to_owned(),
            place: self.folder.as_ref().map(|folder| folder.join(name(origin))),
            head,
        });
        let others = self.others.iter().filter(|(_, head)| head.checkpoint().origin == origin).cloned();
        let others = others.map(|(by, head)| Known { by, place: None, head });
        Ok(own.into_iter().chain(others).collect())
    }

    /// Reads the head that the folder keeps of a ledger.
    fn recall(&self, origin: &str) -> Result<Option<SignedCheckpoint>, StoreError> {
        let Some(folder) = &self.folder else { return Ok(None) };
        // Of a ledger that the trust file does not name nothing is believed, whatever is remembered.
        if self.trust.ledgers.iter().all(|ledger| ledger.origin != origin) {
            return Ok(None);
        }
        let path = folder.join(name(origin));
        let Some(note) = read(&path)? else { return Ok(None) };
        let head = open_head_of(origin, &note, &self.trust)
            .map_err(|error| StoreError::Remembered { path, error: Box::new(error) })?;
        Ok(Some(head))
    }
}

/// A head and who remembers it.
struct Known {
    by: String,
    place: Option<PathBuf>,
    head: SignedCheckpoint,
}

impl Known {
    /// Checks that a log only grew since this head.
    fn compare(&self, log: &Log) -> Result<(), StoreError> {
        let (older, by) = (self.head.checkpoint(), &self.by);
        let place = self.place.as_ref().map_or_else(String::new, |place| format!(" ({})", place.display()));
        let text = if older.size > log.size() {
            format!("it has {} entries, and {by} remembers {}{place}", log.size(), older.size)
        } else if log.begins_with(older)? {
            return Ok(());
        } else {
            format!("its first {} entries are not those that {by} remembers{place}", older.size)
        };
        Err(contradiction(text, Some(self.head.note()), log.checkpoint()?.as_deref()))
    }
}

fn contradiction(text: String, remembered: Option<&[u8]>, own: Option<&[u8]>) -> StoreError {
    StoreError::contradiction(text, remembered.into_iter().chain(own))
}

/// Reads what is remembered; a file that a power cut left without its bytes remembers nothing.
fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let mut note = Vec::new();
    let limit = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    match File::open(path).and_then(|file| file.take(limit).read_to_end(&mut note)) {
        Ok(_) => Ok(Some(note).filter(|note| note.iter().any(|byte| *byte != 0))),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(StoreError::io("cannot read", path)(error)),
    }
}

fn name(origin: &str) -> String {
    sha256(origin.as_bytes()).to_string()
}

/// How people are told who remembers what the folder keeps.
const OWN: &str = "this machine";
