//! The spool: signed records whose ledger went away, kept until it is there again.
//!
//! ```text
//! <time in nanoseconds, 20 digits>-<16 hex of the statement's hash>.dsse.json     the envelope
//! blobs/sha256/ab/..                                                               what it rests on
//! ```
//! Only results come here: a start that cannot be logged runs nothing. What is delivered is exactly what was signed then; the ledger gives
//! it the time at which it came, so how late it is can be seen for ever.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::append::{AppendError, Appender, Receipt, Submission};
use crate::crypto::Envelope;
use crate::merkle::MapText;
use crate::model::{Digest, Entry, Statement};
use crate::prove::{ProveError, placement};
use crate::store::{Blobs, StoreError, make_folder};

/// A folder of signed records that wait.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
}

/// A record that waits.
#[derive(Debug)]
pub struct Waiting {
    /// Where it lies.
    pub path: PathBuf,
    /// The envelope.
    pub envelope: Envelope,
    /// What it says.
    pub statement: Statement,
}

/// What became of a record that waited.
#[derive(Debug)]
pub enum Delivered {
    /// It is in the ledger now.
    Now(Receipt),
    /// It was there already: whoever sent it before was not told.
    Before(Receipt),
    /// It waits on: this material of it is nowhere.
    Without(Digest),
}

impl Spool {
    /// Returns the spool in a folder, which need not be there yet.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns what the records here rest on.
    #[must_use]
    pub fn blobs(&self) -> Blobs {
        Blobs::in_folder(&self.folder)
    }

    /// Keeps an envelope and, as far as they can be read, the materials that it rests on, durable.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn keep(&self, envelope: &Envelope, digests: &[Digest], from: &Blobs) -> Result<PathBuf, StoreError> {
        let _lock = self.lock()?;
        self.keep_materials(digests, from)?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let hash = envelope.statement_hash().to_string();
        let path = self.folder.join(format!("{since:020}-{}{SUFFIX}", &hash[..16]));
        let failed = || StoreError::cannot_write(&path);
        make_folder(&self.folder).map_err(failed())?;
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder).map_err(failed())?;
        file.write_all(&envelope.print()).and_then(|()| file.as_file().sync_all()).map_err(failed())?;
        file.persist(&path).map_err(|error| failed()(error.error))?;
        fs::File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed())?;
        Ok(path)
    }

    fn keep_materials(&self, digests: &[Digest], from: &Blobs) -> Result<(), StoreError> {
        let kept = self.blobs();
        for digest in digests.iter().filter(|digest| !kept.path(digest).exists()) {
            if let Ok(mut file) = fs::File::open(from.path(digest)) {
                kept.put_from(&mut file)?;
            }
        }
        Ok(())
    }

    /// Returns what waits, in the order in which it came.
    ///
    /// # Errors
    /// If the folder or a file in it cannot be read.
    pub fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let mut paths = Vec::new();
        match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::cannot_read(&self.folder)(error)),
            Ok(entries) => {
                for entry in entries {
                    let path = entry.map_err(StoreError::cannot_read(&self.folder))?.path();
                    if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(SUFFIX)) {
                        paths.push(path);
                    }
                }
            }
        }
        paths.sort();
        let mut waiting = Vec::with_capacity(paths.len());
        for path in paths {
            let bytes = match fs::read(&path) {
                // Somebody delivered it meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                read => read.map_err(StoreError::cannot_read(&path))?,
            };
            let what = path.display().to_string();
            let envelope = Envelope::parse(&bytes).map_err(|error| StoreError::unreadable(&what, &error))?;
            let statement =
                Statement::parse(&envelope.payload).map_err(|error| StoreError::unreadable(&what, &error))?;
            waiting.push(Waiting { path, envelope, statement });
        }
        Ok(waiting)
    }

    /// Appends a record that waited, unless it is in the ledger already, and forgets it here.
    ///
    /// # Errors
    /// See [`AppendError`]; then it waits on.
    pub fn deliver(&self, waiting: &Waiting, appender: &Appender) -> Result<Delivered, AppendError> {
        if let Some(receipt) = self.find(&waiting.envelope, appender)? {
            self.forget(&waiting.path)?;
            return Ok(Delivered::Before(receipt));
        }
        let blobs = appender.ledger().blobs();
        let kept = self.blobs();
        for digest in waiting.statement.materials() {
            if blobs.path(&digest).exists() {
                continue;
            }
            match fs::File::open(kept.path(&digest)) {
                // What lies there under the name may have become something else.
                Ok(mut file) => {
                    if blobs.put_from(&mut file)?.0 != digest {
                        return Ok(Delivered::Without(digest));
                    }
                }
                Err(_) if blobs.open(&digest)?.is_some() => {}
                Err(_) => return Ok(Delivered::Without(digest)),
            }
        }
        let submission = Submission { envelope: waiting.envelope.clone() };
        let receipt = match appender.append(vec![submission]) {
            Ok(mut receipts) => receipts.pop(),
            // Whoever signed it may be delivering it right now.
            Err(error) if error.is_final() => match self.find(&waiting.envelope, appender)? {
                Some(receipt) => Some(receipt),
                None => return Err(error),
            },
            Err(error) => return Err(error),
        };
        let receipt = receipt.ok_or_else(|| StoreError::unreadable("the receipt", &"there is none"))?;
        self.forget(&waiting.path)?;
        Ok(Delivered::Now(receipt))
    }

    /// Finds a record that is in the ledger already, by its statement's hash in its own chain.
    ///
    /// # Errors
    /// If it has no place, or the log cannot be read.
    pub fn find(&self, envelope: &Envelope, appender: &Appender) -> Result<Option<Receipt>, AppendError> {
        let log = appender.ledger().read()?;
        let chain = placement(&Statement::parse(&envelope.payload)?)?.chain;
        let wanted = envelope.statement_hash();
        for place in log.newest(&MapText::chain(&chain), usize::MAX)?.0.into_iter().rev() {
            let Some(record) = log.record(place)? else { continue };
            if Entry::parse(&record.entry).map_err(ProveError::from)?.statement == wanted {
                return Ok(Some(Receipt::of(&log, place)?));
            }
        }
        Ok(None)
    }

    /// Forgets a record that needs to wait no more; what it rests on goes with the last.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn forget(&self, path: &Path) -> Result<(), StoreError> {
        match fs::remove_file(path) {
            // Somebody else delivered it too.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            removed => removed.map_err(StoreError::cannot_write(path))?,
        }
        self.tidy()
    }

    /// Takes what nothing here rests on away.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn tidy(&self) -> Result<(), StoreError> {
        if !self.folder.exists() {
            return Ok(());
        }
        let _lock = self.lock()?;
        if self.waiting().is_ok_and(|waiting| waiting.is_empty()) {
            // What lies there is in the ledger, and takes nothing but room here.
            let _ = fs::remove_dir_all(self.folder.join("blobs"));
        }
        Ok(())
    }

    /// Waits until nobody else keeps or clears something here.
    fn lock(&self) -> Result<fs::File, StoreError> {
        let path = self.folder.join("lock");
        make_folder(&self.folder).map_err(StoreError::cannot_write(&self.folder))?;
        let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(StoreError::cannot_write(&path))?;
        file.lock().map_err(StoreError::cannot_write(&path))?;
        Ok(file)
    }
}

const SUFFIX: &str = ".dsse.json";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SecretKey;

    fn envelope(text: &str) -> Envelope {
        Envelope::seal(text.as_bytes().to_vec(), &[&SecretKey::from_seed(&[7; 32])]).unwrap()
    }

    #[test]
    fn what_waits_comes_out_in_the_order_in_which_it_came() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().join("spool"));
        assert!(spool.waiting().unwrap().is_empty());
        let first = spool.keep(&envelope("{}"), &[], &spool.blobs()).unwrap();
        let second = spool.keep(&envelope("[]"), &[], &spool.blobs()).unwrap();
        assert!(first < second);
        // What is no statement of ours is not passed over.
        assert!(spool.waiting().unwrap_err().to_string().contains("cannot be read"));
        spool.forget(&second).unwrap();
        assert!(first.exists() && spool.folder().exists());
    }
}
