//! The folder of a ledger, and the one way to write to it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::blobs::Blobs;
use super::durable::{make_folder, sync_folder};
use super::frame::Frame;
use super::index::Index;
use super::log::{self, Log};
use super::remote::{Outgoing, Remote};
use super::replay::{Replay, replay};
use super::restore::Restored;
use super::segments::{Extent, Segments, Tail};
use crate::merkle::Checkpoint;
use crate::model::{Digest, Entry, MapEntry, Size, Time};
use crate::prove::RawRecord;

/// A ledger in a folder.
pub struct Ledger {
    folder: PathBuf,
    origin: String,
    /// Where the truth lies, if this folder is a copy.
    remote: Option<Arc<Remote>>,
    /// Why the copy may be behind.
    behind: Option<String>,
    /// The log as the last writer of this process left it.
    known: Mutex<Option<Log>>,
}

/// The only writer, until it is dropped.
pub struct Writer<'a> {
    ledger: &'a Ledger,
    known: MutexGuard<'a, Option<Log>>,
    /// Holds the lock of the folder against other processes.
    _lock: File,
    /// Holds the turn at the remote against other copies on this machine.
    _turn: Option<File>,
    repaired: Option<PathBuf>,
}

/// What was made durable.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The place of the first record.
    pub first: u64,
    /// The number of entries now.
    pub size: u64,
    /// The signed checkpoint.
    pub note: Vec<u8>,
}

/// A record of a replay.
#[derive(Debug, Clone)]
pub struct Replayed<T> {
    /// Its place.
    pub serial: u64,
    /// Its leaf hash.
    pub leaf: Digest,
    /// The leaf hash of the entry before it in its chain.
    pub previous: Option<Digest>,
    /// What was made of it.
    pub made: T,
}

/// What a replay came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayedLog {
    /// The number of entries.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
    /// Whether a tail without a whole commit frame follows.
    pub torn: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LedgerFile {
    format: String,
    origin: String,
}

impl Ledger {
    /// Makes an empty ledger.
    ///
    /// # Errors
    /// If one lies there already, or the operating system refuses.
    pub fn create(folder: &Path, origin: &str) -> Result<Self, StoreError> {
        let file = folder.join(LEDGER_FILE);
        if file.exists() {
            return Err(StoreError::Exists(folder.to_owned()));
        }
        for part in ["", "log", "blobs", "blobs/sha256"] {
            let part = if part.is_empty() { folder.to_owned() } else { folder.join(part) };
            make_folder(&part).map_err(StoreError::io("cannot create", &part))?;
        }
        let text = toml::to_string(&LedgerFile { format: FORMAT.to_owned(), origin: origin.to_owned() })
            .map_err(|error| StoreError::unreadable(LEDGER_FILE, &error))?;
        let mut new = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&file)
            .map_err(StoreError::io("cannot create", &file))?;
        new.write_all(text.as_bytes()).and_then(|()| new.sync_all()).map_err(StoreError::io("cannot write", &file))?;
        sync_folder(folder).map_err(StoreError::io("cannot sync", folder))?;
        Self::open(folder)
    }

    /// Opens the ledger in a folder.
    ///
    /// # Errors
    /// If none lies there, or it has a format that this version does not know.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(LEDGER_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(StoreError::NoLedger(folder.to_owned()));
            }
            Err(error) => return Err(StoreError::io("cannot read", &path)(error)),
        };
        let format =
            toml::from_str::<toml::Table>(&text).ok().and_then(|table| Some(table.get("format")?.as_str()?.to_owned()));
        if let Some(found) = format.filter(|found| found != FORMAT) {
            return Err(StoreError::Format { path: folder.to_owned(), found, wanted: FORMAT });
        }
        let file: LedgerFile =
            toml::from_str(&text).map_err(|error| StoreError::unreadable(&path.display().to_string(), &error))?;
        let (folder, known) = (folder.to_owned(), Mutex::new(None));
        Ok(Self { folder, origin: file.origin, remote: None, behind: None, known })
    }

    /// Makes an empty ledger that will live on a remote, with its copy in a folder. The remote has it once something is appended.
    ///
    /// # Errors
    /// If the remote or the folder has one already, or cannot be reached or written.
    pub fn create_remote(folder: &Path, origin: &str, remote: Remote) -> Result<Self, StoreError> {
        if remote.fetch()?.is_some() {
            return Err(StoreError::Exists(PathBuf::from(remote.name())));
        }
        let ledger = Self::create(folder, origin)?;
        Ok(Self { remote: Some(Arc::new(remote)), ..ledger })
    }

    /// Opens the copy of a ledger that lives on a remote, and brings it up to date. If the remote cannot be reached, an older copy
    /// serves readers, and [`Ledger::behind`] says why.
    ///
    /// # Errors
    /// If there is neither a copy nor a way to the remote, or the remote contradicts what it had.
    pub fn open_remote(folder: &Path, remote: Remote) -> Result<Self, StoreError> {
        let mut ledger = match Self::open(folder) {
            Err(StoreError::NoLedger(_)) => Self::copy(folder, &remote)?,
            opened => opened?,
        };
        ledger.remote = Some(Arc::new(remote));
        let brought = ledger.lock_folder_only().map(drop);
        match brought {
            Ok(()) => {}
            Err(error @ (StoreError::Remote(_) | StoreError::Io { .. })) if ledger.read()?.size() > 0 => {
                ledger.behind = Some(error.to_string());
            }
            Err(error) => return Err(error),
        }
        Ok(ledger)
    }

    /// Opens the copy of a ledger that lives on a remote as it is, without a look at the remote.
    ///
    /// # Errors
    /// If there is no copy, or it has a format that this version does not know.
    pub fn open_copy(folder: &Path, remote: Remote) -> Result<Self, StoreError> {
        Ok(Self { remote: Some(Arc::new(remote)), ..Self::open(folder)? })
    }

    /// Opens the copy of a ledger on a remote that the same command has brought up to date before, without another look at the remote.
    /// What others have pushed since is found when something is appended, and judged by then.
    ///
    /// # Errors
    /// If there is no copy, or it has a format that this version does not know.
    pub fn open_current(folder: &Path, remote: Remote) -> Result<Self, StoreError> {
        remote.believe();
        Self::open_copy(folder, remote)
    }

    /// Gives back to the remote what it had and this copy still has. Without a remote, or where that lacks nothing, does nothing.
    ///
    /// # Errors
    /// [`StoreError::RemoteAlarm`] if what the remote has is no beginning of the copy, or the copy is not to be believed; then nothing
    /// was pushed. Else if the remote cannot be reached or refuses.
    pub fn restore(&self) -> Result<Restored, StoreError> {
        let _turn = self.remote.as_ref().and_then(|remote| remote.turn());
        let _lock = lock_folder(&self.folder)?;
        let log = self.read()?;
        let Some(remote) = &self.remote else {
            return Ok(Restored { before: log.size(), size: log.size(), commit: None, missing: Vec::new() });
        };
        remote.restore(&log, &self.origin, &self.blobs())
    }

    /// Sets the copy of a ledger aside, as it is; returns where it lies now.
    ///
    /// # Errors
    /// If there is none, or the operating system refuses.
    pub fn set_aside(folder: &Path) -> Result<PathBuf, StoreError> {
        Self::open(folder)?;
        let _lock = lock_folder(folder)?;
        let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut number = 1;
        let kept = loop {
            let kept = folder.with_file_name(format!("{name}.forgotten-{number}"));
            if !kept.exists() {
                break kept;
            }
            number += 1;
        };
        fs::rename(folder, &kept).map_err(StoreError::io("cannot rename", folder))?;
        Ok(kept)
    }

    /// Makes an empty copy of what a remote has.
    fn copy(folder: &Path, remote: &Remote) -> Result<Self, StoreError> {
        make_folder(folder).map_err(StoreError::io("cannot create", folder))?;
        let _lock = lock_folder(folder)?;
        match Self::open(folder) {
            // Somebody else made it meanwhile.
            Err(StoreError::NoLedger(_)) => {}
            opened => return opened,
        }
        let seen = remote.fetch()?.ok_or_else(|| remote.none())?;
        let text = remote.ledger_file(&seen.commit)?;
        let file: LedgerFile = toml::from_str(&String::from_utf8_lossy(&text))
            .map_err(|error| StoreError::unreadable("ledger.toml of the remote", &error))?;
        if file.format != FORMAT {
            return Err(StoreError::Format { path: folder.to_owned(), found: file.format, wanted: FORMAT });
        }
        if file.origin != seen.checkpoint.origin {
            let text = format!("it names the origin {} and its checkpoint {}", file.origin, seen.checkpoint.origin);
            return Err(StoreError::unreadable("ledger.toml of the remote", &text));
        }
        remote.hand(seen);
        Self::create(folder, &file.origin)
    }

    /// Looks at the remote once more, whatever was heard of it before. Without one, does nothing.
    ///
    /// # Errors
    /// If the remote cannot be reached, or contradicts what it had.
    pub fn look_again(&self) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        remote.doubt();
        self.lock_folder_only().map(drop)
    }

    /// Returns the remote that the folder is a copy of.
    #[must_use]
    pub fn remote(&self) -> Option<&Remote> {
        self.remote.as_deref()
    }

    /// Returns whether a material of so many bytes can be appended: a git remote takes no larger ones where the policy names no store.
    #[must_use]
    pub fn takes(&self, bytes: u64) -> bool {
        // Where that cannot be told, appending tells.
        self.remote.as_ref().is_none_or(|remote| bytes <= Size::INLINE_MOST.0 || remote.has_store().unwrap_or(true))
    }

    /// Returns why the copy may be behind its remote, if it may.
    #[must_use]
    pub fn behind(&self) -> Option<&str> {
        self.behind.as_deref()
    }

    /// Returns the origin that the folder claims; the trust file decides whether to believe it.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the materials.
    #[must_use]
    pub fn blobs(&self) -> Blobs {
        Blobs::new(&self.folder).with_remote(self.remote.clone())
    }

    /// Opens the newest state for reading; waits for nobody and writes nothing.
    ///
    /// # Errors
    /// If the operating system refuses, or the ledger contradicts itself.
    pub fn read(&self) -> Result<Log, StoreError> {
        Ok(Log::open(&self.folder)?.with_remote(self.remote.clone()))
    }

    /// Reads the whole log anew from its segments, without the cache, batch by batch: the records, and the signed checkpoint.
    ///
    /// Map, tree and their heads are derived again and compared with what each batch says. `make` makes one thing of each
    /// record, on a thread that reads ahead, from the records of some batches at a time.
    ///
    /// # Errors
    /// If the operating system refuses, or the ledger contradicts itself; or what `each` returns: the first.
    pub fn replay<T: Send, E: From<StoreError>>(
        &self,
        make: impl FnMut(&[RawRecord]) -> Vec<T> + Send,
        mut each: impl FnMut(Vec<Replayed<T>>, &[u8]) -> Result<(), E>,
    ) -> Result<ReplayedLog, E> {
        let mut log = Replay::default();
        let tail = replay(&Segments::new(&self.folder), make, |mut batch| -> Result<(), E> {
            let first = log.size();
            let previous = log.take(&batch, |_| {})?;
            let made = std::mem::take(&mut batch.made);
            let records = (first..).zip(&batch.entries).zip(previous).zip(made);
            let records = records.map(|(((serial, entry), previous), made)| Replayed {
                serial,
                leaf: entry.leaf,
                previous,
                made,
            });
            each(records.collect(), &batch.commit.0)
        })?;
        Ok(ReplayedLog { size: log.size(), root: log.root(), torn: matches!(tail, Tail::Torn(_)) })
    }

    /// Waits until no other writer is there and reads every committed batch.
    ///
    /// If the last writer was cut off, its tail without a commit frame is moved to `log/torn-*`.
    ///
    /// # Errors
    /// If the operating system refuses, or the ledger contradicts itself.
    pub fn lock(&self) -> Result<Writer<'_>, StoreError> {
        let turn = self.remote.as_ref().and_then(|remote| remote.turn());
        let writer = self.lock_folder_only()?;
        Ok(Writer { _turn: turn, ..writer })
    }

    /// Does so without waiting for one's turn at the remote, which only those who append need.
    fn lock_folder_only(&self) -> Result<Writer<'_>, StoreError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = lock_folder(&self.folder)?;
        match known.as_mut() {
            Some(log) => {
                // Another folder may have been put into this one's place.
                log.segments().close();
                log.refresh()?;
            }
            None => *known = Some(self.read()?),
        }
        let mut writer = Writer { ledger: self, known, _lock: lock, _turn: None, repaired: None };
        if let Some(at) = writer.log_mut().torn() {
            writer.repaired = Some(writer.log_mut().cut(at)?);
        }
        writer.catch_up()?;
        if let Some(remote) = &self.remote
            && let Err(error) = remote.pull(writer.log_mut(), &self.origin)
        {
            // What lies in memory may be ahead of the disk: forget it.
            *writer.known = None;
            return Err(error);
        }
        Ok(writer)
    }
}

/// Waits until no other process writes to the folder.
fn lock_folder(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(StoreError::io("cannot open", &path))?;
    lock.lock().map_err(StoreError::io("cannot lock", &path))?;
    Ok(lock)
}

impl Ledger {
    /// Throws the cache away and makes it anew from the segments; returns the number of entries. Readers beside it read the
    /// segments meanwhile. `progress` is told the number of entries read now and then.
    ///
    /// # Errors
    /// If the operating system refuses, or the ledger contradicts itself.
    pub fn rebuild(&self, progress: &mut dyn FnMut(u64)) -> Result<u64, StoreError> {
        let mut writer = self.lock()?;
        let cache = self.folder.join("cache");
        match fs::remove_dir_all(&cache) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io("cannot remove", &cache)(error));
            }
            _ => {}
        }
        let (mut index, _) = Index::anew_telling(&Segments::new(&self.folder), u64::MAX, Some(&self.folder), progress)?;
        index.flush(&self.folder).map_err(StoreError::io("cannot write the cache of", &self.folder))?;
        drop(index);
        *writer.known = Some(self.read()?);
        writer.catch_up()?;
        Ok(writer.log().size())
    }
}

impl Ledger {
    /// Puts the ledger that goes on into the place of a closed one, which goes to `kept`: in one step where the system can.
    ///
    /// # Errors
    /// If `kept` is there already, or the operating system refuses.
    pub fn succeed(closed: &Path, next: &Path, kept: &Path) -> Result<(), StoreError> {
        if kept.exists() {
            return Err(StoreError::Exists(kept.to_owned()));
        }
        let failed = || StoreError::io("cannot rename", closed);
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            renameat_with(CWD, closed, CWD, next, RenameFlags::EXCHANGE).map_err(io::Error::from).map_err(failed())?;
            fs::rename(next, kept).map_err(failed())?;
        }
        #[cfg(not(target_os = "linux"))]
        {
            fs::rename(closed, kept).map_err(failed())?;
            fs::rename(next, closed).map_err(failed())?;
        }
        let parent = closed.parent().unwrap_or(closed);
        sync_folder(parent).map_err(StoreError::io("cannot sync", parent))
    }
}

impl Writer<'_> {
    /// Returns the log as it is now.
    #[must_use]
    pub fn log(&self) -> &Log {
        self.known.as_ref().expect("a writer has opened the log")
    }

    /// Returns where a tail that a cut-off writer left was moved to.
    #[must_use]
    pub fn repaired(&self) -> Option<&Path> {
        self.repaired.as_deref()
    }

    /// Appends records as one batch with its map entry and checkpoint; returns when they are durable.
    ///
    /// The entries continue the log that [`Writer::log`] shows; `sign` signs the checkpoint. Over a remote it counts once that has
    /// it, with the materials that the records name: [`crate::git::RemoteError::Moved`] says that somebody else was first, and nothing was
    /// appended.
    ///
    /// # Errors
    /// If anything fails, nothing was promised; on an I/O error the process had better end.
    pub fn commit(
        &mut self,
        records: &[RawRecord],
        materials: &[Digest],
        time: Time,
        sign: &dyn Fn(&Checkpoint) -> Vec<u8>,
    ) -> Result<Committed, StoreError> {
        let outcome = self.try_commit(records, materials, time, sign);
        if outcome.is_err() {
            // What lies in memory may be ahead of the disk: forget it.
            *self.known = None;
            if let Some(remote) = &self.ledger.remote {
                remote.doubt();
            }
        }
        outcome
    }

    fn try_commit(
        &mut self,
        records: &[RawRecord],
        materials: &[Digest],
        time: Time,
        sign: &dyn Fn(&Checkpoint) -> Vec<u8>,
    ) -> Result<Committed, StoreError> {
        let origin = self.ledger.origin.clone();
        let entries: Vec<&[u8]> = records.iter().map(|record| record.entry.as_slice()).collect();
        let log = self.log_mut();
        let first = log.size();
        let staged = match log.index().stage(&entries) {
            // The cache lies: nothing that follows from it is signed.
            Err(StoreError::Cache(_)) => {
                log.rebuild()?;
                log.index().stage(&entries)?
            }
            staged => staged?,
        };
        let covers = first + u64::try_from(records.len()).expect("a batch is in memory");
        let map = MapEntry { time, covers, labels: staged.keys, root: staged.root }.print().into_bytes();
        let root: Digest = log.index().root_with(&staged, &map)?;
        let note = sign(&Checkpoint { origin, size: covers + 1, root });
        let mut bytes = Vec::new();
        let mut at = log.index().next.for_batch();
        let start = at;
        let mut extents = Vec::with_capacity(records.len() + 1);
        let mut put = |frame: Frame| {
            let before = bytes.len();
            frame.print(&mut bytes);
            let length = u32::try_from(bytes.len() - before).expect("a frame is below 4 GiB");
            let extent = Extent { at, bytes: length };
            at.offset += u64::from(length);
            extent
        };
        for record in records {
            extents.push(put(Frame::Record { entry: record.entry.clone(), envelope: record.envelope.clone() }));
        }
        extents.push(put(Frame::Map(map.clone())));
        let commit = put(Frame::Commit(note.clone()));
        if let Some(remote) = &self.ledger.remote {
            let subjects: Vec<String> = entries.iter().map(|entry| subject(entry)).collect();
            let path = self.ledger.folder.join(LEDGER_FILE);
            let ledger_file = fs::read(&path).map_err(StoreError::io("cannot read", &path))?;
            let batch = Outgoing { first, bytes: &bytes, note: &note, materials, subjects: &subjects, time };
            remote.push(&batch, &self.ledger.blobs(), &ledger_file)?;
        }
        let log = self.log_mut();
        let path = log.segments().path(start.segment);
        let mut file = log.segments().append_to(start).map_err(StoreError::io("cannot open", &path))?;
        // Point of no return. A crash before the data are synced leaves a tail without a whole commit frame, or a batch
        // that nobody was told of; a crash after it leaves the batch.
        file.write_all(&bytes).map_err(StoreError::io("cannot write", &path))?;
        file.sync_data().map_err(StoreError::io("cannot sync", &path))?;
        log.index().take_written(staged, &map, &extents, commit, at)?;
        log::publish(&self.ledger.folder, &note)?;
        if self.log_mut().flush().is_err() {
            // The batch is durable, so it stands; a cache that cannot be written, or was taken away, is made anew.
            self.log_mut().rebuild()?;
        }
        if let Some(remote) = &self.ledger.remote {
            remote.pushed(first, covers + 1)?;
        }
        Ok(Committed { first, size: covers + 1, note })
    }

    /// Publishes what a cut-off writer made durable and did not publish, and renews a cache that cannot be believed.
    fn catch_up(&mut self) -> Result<(), StoreError> {
        let folder = self.ledger.folder.clone();
        let log = self.log_mut();
        let Some(note) = log.checkpoint()? else { return Ok(()) };
        if log::published(&folder)?.as_deref() != Some(note.as_slice()) {
            log::publish(&folder, &note)?;
        }
        if log.rebuilt() {
            log.flush().map_err(StoreError::io("cannot write the cache of", &folder))?;
        }
        Ok(())
    }

    fn log_mut(&mut self) -> &mut Log {
        self.known.as_mut().expect("a writer has opened the log")
    }
}

/// Returns what a record is, for people who read the history of a remote.
fn subject(entry: &[u8]) -> String {
    match Entry::parse(entry) {
        Ok(entry) => format!("{} {}", entry.kind, entry.chain),
        Err(_) => "record".to_owned(),
    }
}

const LEDGER_FILE: &str = "ledger.toml";
const FORMAT: &str = "evidence-ledger/v1";
