//! A ledger under a ref of a git remote: batches come from it, and go to it before they count.
//!
//! The ref names a commit whose tree is the ledger:
//! ```text
//! ledger.toml                    format and origin, the bytes of a folder's (format, section 5)
//! checkpoint                     the newest signed checkpoint
//! log/00/00/00/12/34             one batch: the bytes of its frames; the name is the serial of its first record
//! materials/ab/cd/<64 hex>       names the git object of a material (mode 160000) without leading to it
//! ```
//! Each batch is one commit on top of the one before. Its second parent, where it has one, holds the batch's materials: they
//! stay alive on the remote, and travel to nobody who fetches the ref at depth 1. Those that are too large for git lie in a store that the
//! policy names ([`super::Objects`]), and the ref does not name them. What is in `log/` in order is what a folder has
//! in its segments. The order for all is that of the ref; a push names the value that it expects.
//!
//! A copy never goes back: what the remote has must go on from what was read of it before, whole and signed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::blobs::Blobs;
use super::durable::sync_folder;
use super::frame::Frame;
use super::index::Index;
use super::log::{self, Log};
use super::objects::Objects;
use super::segments::{Batch, Position, Segments, Tail};
use super::{RemoteAlarm, StoreError};
use crate::git::{Added, Addition, MATERIALS, Mirror, RemoteError};
use crate::merkle::Checkpoint;
use crate::model::{Digest, Oid, Size, Time};

/// Says why a signed checkpoint is not one of the ledger's, if it is not.
pub type NoteCheck = Box<dyn Fn(&[u8]) -> Result<(), String> + Send + Sync>;

/// The remote of a ledger.
pub struct Remote {
    pub(super) mirror: Mirror,
    pub(super) folder: PathBuf,
    pub(super) check: NoteCheck,
    /// Where materials lie that are too large for git.
    objects: Option<Objects>,
    /// The folder in which this user's copies on this machine take turns.
    queue: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the copy has all that the remote was seen to have, and nobody was seen to be ahead since.
    is_current: bool,
    /// The commit that the copy is of.
    head: Option<Oid>,
    /// How often a push on top of it was refused as if it were not the newest.
    refused: u32,
    /// What was fetched and not taken in yet.
    seen: Option<Seen>,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("mirror", &self.mirror).finish_non_exhaustive()
    }
}

/// What one batch is, on its way to the remote.
pub(super) struct Outgoing<'a> {
    pub(super) first: u64,
    pub(super) bytes: &'a [u8],
    pub(super) note: &'a [u8],
    pub(super) materials: &'a [Digest],
    pub(super) subjects: &'a [String],
    pub(super) time: Time,
}

impl Remote {
    /// Makes the remote of the copy in a folder. `check` says whether a checkpoint is signed as it must be.
    #[must_use]
    pub fn new(mirror: Mirror, folder: &Path, check: NoteCheck) -> Self {
        let remote =
            Self { mirror, folder: folder.to_owned(), check, objects: None, queue: None, state: Mutex::default() };
        remote.doubt();
        remote
    }

    /// Lets several copies on one machine take turns by a lock in a folder, rather than race at the remote. It orders nothing: a copy
    /// that waits too long goes on without.
    #[must_use]
    pub fn with_queue(mut self, folder: PathBuf) -> Self {
        self.queue = Some(folder);
        self
    }

    /// Lets materials that are too large for git lie in object stores.
    #[must_use]
    pub fn with_objects(mut self, objects: Objects) -> Self {
        self.objects = Some(objects);
        self
    }

    /// Returns the object stores.
    pub(super) const fn objects(&self) -> Option<&Objects> {
        self.objects.as_ref()
    }

    /// Opens the log of a copy to read which object stores there are, without asking any.
    pub(super) fn inline_log(remote: &Arc<Self>) -> Result<Log, StoreError> {
        Ok(Log::open(&remote.folder)?.with_inline_remote(Arc::clone(remote)))
    }

    /// Waits for this copy's turn.
    pub(super) fn turn(&self) -> Option<File> {
        let folder = self.queue.as_ref()?;
        let name =
            crate::crypto::sha256(format!("{}\n{}", self.mirror.url(), self.mirror.name()).as_bytes()).to_string();
        fs::create_dir_all(folder).ok()?;
        let path = folder.join(&name[..32]);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).ok()?;
        if file.try_lock().is_ok() {
            return Some(file);
        }
        // Whoever had the turn has gone on from what this copy knows.
        self.state().is_current = false;
        let until = Instant::now() + TURN_MAX;
        while Instant::now() < until {
            std::thread::sleep(TURN_TICK);
            if file.try_lock().is_ok() {
                return Some(file);
            }
        }
        None
    }

    /// Returns what it is called.
    #[must_use]
    pub fn name(&self) -> String {
        self.mirror.remote()
    }

    /// Returns the ref under which it lives there.
    #[must_use]
    pub fn reference(&self) -> &str {
        self.mirror.name()
    }

    /// Fetches; returns the commit, the origin and the checkpoint that the remote has, if it has a ledger.
    pub(super) fn fetch(&self) -> Result<Option<Seen>, StoreError> {
        let Some(commit) = self.mirror.fetch()? else { return Ok(None) };
        let read = |path: &str| -> Result<Vec<u8>, StoreError> {
            self.mirror.read(&commit, path)?.ok_or_else(|| self.foreign(format!("it has no {path}")))
        };
        let note = read("checkpoint")?;
        (self.check)(&note).map_err(|text| self.foreign(text))?;
        let checkpoint = Checkpoint::parse_note(&note).map_err(|error| self.foreign(error.to_string()))?;
        Ok(Some(Seen { commit, note, checkpoint }))
    }

    /// Returns the error that says that the remote has no ledger.
    pub(super) fn none(&self) -> StoreError {
        StoreError::NoRemoteLedger { remote: self.mirror.remote(), name: self.mirror.name().to_owned() }
    }

    pub(super) fn foreign(&self, text: String) -> StoreError {
        StoreError::Foreign { remote: self.mirror.remote(), name: self.mirror.name().to_owned(), text }
    }

    /// Brings the copy up to what the remote has, unless nothing was heard of anything newer. The caller holds the lock.
    pub(super) fn pull(&self, log: &mut Log, origin: &str) -> Result<(), StoreError> {
        if self.state().is_current {
            // Another process of this machine may have gone on.
            self.state().head = self.kept_head();
            return Ok(());
        }
        let ours = log.checkpoint()?;
        let contradiction =
            |alarm: RemoteAlarm, text: String, theirs: Option<&[u8]>| self.alarm(alarm, &text, ours.as_deref(), theirs);
        // Another process may have filled the copy since, from more than was seen here.
        let fetched = self.state().seen.take().filter(|_| log.size() == 0);
        let Some(seen) = fetched.map_or_else(|| self.fetch(), |seen| Ok(Some(seen)))? else {
            return match &ours {
                Some(_) => {
                    let text = format!("is gone; it had {} entries", log.size());
                    Err(contradiction(RemoteAlarm::TakenBack, text, None))
                }
                None => {
                    // A ledger that is about to be made.
                    *self.state() = State { is_current: true, ..State::default() };
                    Ok(())
                }
            };
        };
        if seen.checkpoint.origin != origin {
            return Err(self.foreign(format!("it is of {}, and the copy of {origin}", seen.checkpoint.origin)));
        }
        let (size, theirs) = (log.size(), &seen.checkpoint);
        if theirs.size < size {
            let text = format!("was taken back: it has {} entries and had {size}", theirs.size);
            let is_prefix = log.begins_with(theirs).unwrap_or(false);
            let alarm = if is_prefix { RemoteAlarm::TakenBack } else { RemoteAlarm::Forked };
            return Err(contradiction(alarm, text, Some(&seen.note)));
        }
        if theirs.size == size && log.root()? != theirs.root {
            let text = format!("has another root at size {size} than it had");
            return Err(contradiction(RemoteAlarm::Forked, text, Some(&seen.note)));
        }
        let known = self.state().head.clone();
        let refused = if known.as_ref() == Some(&seen.commit) { self.state().refused } else { 0 };
        if refused >= REFUSED_MAX {
            self.state().refused = 0;
            let message =
                "it says that somebody else was first, and nobody was; a stale lock of the ref there does that";
            let (remote, name) = (self.mirror.remote(), self.mirror.name().to_owned());
            return Err(RemoteError::Rejected { remote, name, message: message.to_owned() }.into());
        }
        if theirs.size > size {
            let added = match &known {
                Some(known) => self.mirror.added(known, &seen.commit, LOG)?,
                None => Added::Unknown,
            };
            let files = match added {
                Added::Rewritten => {
                    return Err(contradiction(RemoteAlarm::Forked, "changed what it had".to_owned(), Some(&seen.note)));
                }
                Added::Files(files) => files,
                Added::Unknown => self.mirror.listed(&seen.commit, &[LOG.to_owned()])?,
            };
            self.take(log, &self.sorted(files)?, &seen.note).map_err(|error| match error {
                StoreError::Contradiction { text, .. } => {
                    let text = format!("does not go on from the {size} entries that it had: {text}");
                    contradiction(RemoteAlarm::Forked, text, Some(&seen.note))
                }
                error => error,
            })?;
            if log.size() / TIDIED_ENTRIES > size / TIDIED_ENTRIES {
                // Housekeeping that fails is done another time.
                let _ = self.mirror.tidy();
            }
        }
        if known.as_ref() != Some(&seen.commit) {
            self.keep_head(&seen.commit)?;
        }
        *self.state() = State { is_current: true, head: Some(seen.commit), refused, seen: None };
        Ok(())
    }

    /// Returns the alarm that the remote contradicts the copy; or that it is the copy which took what nobody believes.
    pub(super) fn alarm(
        &self,
        alarm: RemoteAlarm,
        text: &str,
        ours: Option<&[u8]>,
        theirs: Option<&[u8]>,
    ) -> StoreError {
        let heads = ours.into_iter().chain(theirs);
        let heads = heads.map(|head| String::from_utf8_lossy(head).into_owned()).collect();
        let mut text = format!("{} of {} {text}", self.mirror.name(), self.mirror.remote());
        let unfit = ours.and_then(|ours| (self.check)(ours).err());
        let alarm = match unfit {
            Some(why) => {
                text.push_str(&format!("; and the head of the copy here is not to be believed: {why}"));
                RemoteAlarm::Copy
            }
            None => alarm,
        };
        StoreError::RemoteAlarm { alarm, folder: self.folder.clone(), text, heads }
    }

    /// Sorts files of the log by the serial of their first record.
    fn sorted(&self, files: Vec<(String, Oid)>) -> Result<Vec<(u64, Oid)>, StoreError> {
        let mut batches = Vec::with_capacity(files.len());
        for (path, oid) in files {
            let serial = serial_of(&path).ok_or_else(|| self.foreign(format!("{path} names no serial")))?;
            batches.push((serial, oid));
        }
        batches.sort_unstable_by_key(|(serial, _)| *serial);
        Ok(batches)
    }

    /// Takes batches in: each is held against the log as it is then, and whole parts of them are made durable.
    fn take(&self, log: &mut Log, batches: &[(u64, Oid)], newest: &[u8]) -> Result<(), StoreError> {
        let from = log.size();
        if from == 0 {
            return self.take_whole(log, batches, newest);
        }
        let batches: Vec<&(u64, Oid)> = batches.iter().filter(|(serial, _)| *serial >= from).collect();
        let objects: Vec<Oid> = batches.iter().map(|(_, oid)| oid.clone()).collect();
        let mut part = Part { log, pending: Vec::new(), bytes: 0, note: Vec::new() };
        self.mirror.objects(&objects, |index, blob| -> Result<(), StoreError> {
            let serial = batches[index].0;
            let mut bytes = Vec::new();
            blob.take(BATCH_BYTES_MAX)
                .read_to_end(&mut bytes)
                .map_err(StoreError::io("cannot read a batch of", &self.folder))?;
            if serial != part.log.size() {
                return Err(StoreError::contradiction(format!("entry {} is missing", part.log.size()), []));
            }
            let at = part.log.index().next.for_batch();
            let batch = Batch::parse(&bytes, at).ok_or_else(|| self.foreign(format!("batch {serial} is damaged")))?;
            part.log.index().apply(&batch)?;
            part.note = batch.commit.0;
            part.bytes += bytes.len();
            part.pending.push((at.segment, at.offset, bytes));
            if part.bytes > PART_BYTES {
                (self.check)(&part.note).map_err(|text| self.foreign(text))?;
                part.write(&self.folder)?;
            }
            Ok(())
        })?;
        if part.note != newest {
            return Err(StoreError::contradiction("the newest batch has another checkpoint".to_owned(), []));
        }
        part.write(&self.folder)
    }

    /// Takes all batches into an empty copy: written beside it, derived as one, and put into its place if that holds.
    fn take_whole(&self, log: &mut Log, batches: &[(u64, Oid)], newest: &[u8]) -> Result<(), StoreError> {
        let staged = self.folder.join("incoming");
        let failed = || StoreError::cannot_write(&staged);
        match fs::remove_dir_all(&staged) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed()(error)),
            _ => {}
        }
        fs::create_dir_all(staged.join("log")).map_err(failed())?;
        let segments = Segments::new(&staged);
        let objects: Vec<Oid> = batches.iter().map(|(_, oid)| oid.clone()).collect();
        let mut at = Position { segment: 0, offset: 0 };
        let mut file: Option<io::BufWriter<File>> = None;
        self.mirror.objects(&objects, |_, blob| -> Result<(), StoreError> {
            let next = at.for_batch();
            if next.segment != at.segment {
                finish(file.take()).map_err(failed())?;
            }
            at = next;
            let out = match &mut file {
                Some(out) => out,
                None => {
                    let new = File::create(segments.path(at.segment)).map_err(failed())?;
                    file.insert(io::BufWriter::with_capacity(1 << 20, new))
                }
            };
            at.offset += io::copy(&mut blob.take(BATCH_BYTES_MAX), out).map_err(failed())?;
            Ok(())
        })?;
        finish(file.take()).map_err(failed())?;
        let (index, tail) = Index::anew(&segments, u64::MAX, None)?;
        if !matches!(tail, Tail::Clean) {
            return Err(self.foreign("a batch is damaged".to_owned()));
        }
        let found = index.commit.map(|extent| segments.frame(extent)).transpose()?;
        if !matches!(found, Some(Frame::Commit(note)) if note == newest) {
            return Err(StoreError::contradiction("the newest batch has another checkpoint".to_owned(), []));
        }
        log.replace(index);
        // What the index points at lies where it will lie from now on.
        for segment in 0..=at.segment {
            fs::rename(segments.path(segment), log.segments().path(segment)).map_err(failed())?;
        }
        sync_folder(&self.folder.join("log")).map_err(failed())?;
        let _ = fs::remove_dir_all(&staged);
        log::publish(&self.folder, newest)?;
        if log.flush().is_err() {
            log.rebuild()?;
        }
        Ok(())
    }

    /// Pushes one batch on top of what the copy is of.
    ///
    /// What is too large for git is in its store before: a receipt never stands for a material that is nowhere.
    pub(super) fn push(
        self: &Arc<Self>,
        batch: &Outgoing<'_>,
        blobs: &Blobs,
        ledger_file: &[u8],
    ) -> Result<(), StoreError> {
        let kept = self.place(batch.materials, blobs)?;
        let head = self.state().head.clone();
        let mut files =
            vec![("checkpoint".to_owned(), batch.note.to_vec()), (path_of(batch.first), batch.bytes.to_vec())];
        if head.is_none() {
            files.push((LEDGER_FILE.to_owned(), ledger_file.to_vec()));
        }
        let message = format!("{}\n", batch.subjects.join("\n"));
        let addition = Addition { message, time: batch.time, files, kept, tree_of: None };
        let commit = self.mirror.commit(head.as_ref(), &addition)?;
        // Whatever happens from here on, the next one to write looks at the remote first, unless all went well.
        self.state().is_current = false;
        match self.mirror.push(head.as_ref(), &commit) {
            Ok(()) => {}
            Err(error @ (RemoteError::Unreachable { .. } | RemoteError::Silent { .. })) => {
                // It may have arrived although nobody said so.
                let Ok(Some(now)) = self.mirror.fetch() else { return Err(error.into()) };
                let theirs = self.mirror.read(&now, &path_of(batch.first))?;
                if theirs.as_deref() != Some(batch.bytes) {
                    return Err(error.into());
                }
                *self.state() = State { is_current: now == commit, head: Some(commit), ..State::default() };
                return Ok(());
            }
            Err(error) => {
                if matches!(error, RemoteError::Moved { .. }) {
                    self.state().refused += 1;
                }
                return Err(error.into());
            }
        }
        *self.state() = State { is_current: true, head: Some(commit), ..State::default() };
        Ok(())
    }

    /// Returns whether the policy in force names a store for what is too large for git.
    pub(super) fn has_store(self: &Arc<Self>) -> Result<bool, StoreError> {
        let Some(objects) = &self.objects else { return Ok(false) };
        Ok(objects.newest(&Self::inline_log(self)?)?.is_some())
    }

    /// Puts what is too large for git into its store; returns what becomes objects of git: name and path.
    pub(super) fn place(
        self: &Arc<Self>,
        materials: &[Digest],
        blobs: &Blobs,
    ) -> Result<Vec<(String, PathBuf)>, StoreError> {
        let mut found = Vec::with_capacity(materials.len());
        for digest in materials {
            let path = blobs.path(digest);
            let bytes = fs::metadata(&path).map_err(StoreError::io("cannot read", &path))?.len();
            found.push((digest, path, bytes));
        }
        let store = match &self.objects {
            Some(objects) if found.iter().any(|(_, _, bytes)| *bytes > Size::INLINE_LEAST.0) => {
                objects.newest(&Self::inline_log(self)?)?.map(|(url, inline_max)| (objects, url, inline_max))
            }
            _ => None,
        };
        let mut kept = Vec::new();
        for (digest, path, bytes) in found {
            match &store {
                Some((objects, url, inline_max)) if bytes > inline_max.0 => objects.keep(url, digest, &path)?,
                _ if bytes > Size::INLINE_MOST.0 => {
                    return Err(StoreError::MaterialTooLarge { digest: *digest, bytes });
                }
                _ => kept.push((material_name(digest), path)),
            }
        }
        Ok(kept)
    }

    /// Remembers what the copy is of, once the batch lies in it.
    pub(super) fn pushed(&self, first: u64, size: u64) -> Result<(), StoreError> {
        let head = self.state().head.clone();
        if first / TIDIED_ENTRIES < size / TIDIED_ENTRIES {
            // Housekeeping that fails is done another time.
            let _ = self.mirror.tidy();
        }
        head.map_or(Ok(()), |head| self.keep_head(&head))
    }

    /// Takes in what was just fetched when the copy is brought up to date, without fetching it again.
    pub(super) fn hand(&self, seen: Seen) {
        self.state().seen = Some(seen);
    }

    /// Believes that the copy is current: it was brought up to date a moment ago. Who appends finds out if it is not.
    pub(super) fn believe(&self) {
        self.state().is_current = true;
    }

    /// Forgets that the copy is current: the next writer looks at the remote first.
    pub(super) fn doubt(&self) {
        let head = self.kept_head();
        let mut state = self.state();
        *state = State { head, refused: state.refused, ..State::default() };
    }

    pub(super) fn kept_head(&self) -> Option<Oid> {
        fs::read_to_string(self.folder.join(HEAD_FILE)).ok().and_then(|text| text.trim().parse().ok())
    }

    /// Fetches materials and hands over those that the remote has.
    pub(super) fn materials(
        &self,
        digests: &[Digest],
        mut each: impl FnMut(&Digest, &mut dyn Read) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Some(head) = self.kept_head() else { return Ok(()) };
        let mut named = Vec::new();
        for part in digests.chunks(LISTED_MAX) {
            let paths: Vec<String> =
                part.iter().map(|digest| format!("{MATERIALS}/{}", material_name(digest))).collect();
            for (path, oid) in self.mirror.listed(&head, &paths)? {
                let digest = path.rsplit('/').next().and_then(|hex| hex.parse::<Digest>().ok());
                named.extend(digest.map(|digest| (digest, oid)));
            }
        }
        if named.is_empty() {
            return Ok(());
        }
        let objects: Vec<Oid> = named.iter().map(|(_, oid)| oid.clone()).collect();
        self.mirror.fetch_objects(&objects)?;
        self.mirror.objects(&objects, |index, bytes| each(&named[index].0, bytes))
    }

    /// Reads the file `ledger.toml` of what was fetched.
    pub(super) fn ledger_file(&self, commit: &Oid) -> Result<Vec<u8>, StoreError> {
        self.mirror.read(commit, LEDGER_FILE)?.ok_or_else(|| self.foreign(format!("it has no {LEDGER_FILE}")))
    }

    pub(super) fn keep_head(&self, commit: &Oid) -> Result<(), StoreError> {
        let path = self.folder.join(HEAD_FILE);
        let fresh = self.folder.join(".git-head.new");
        fs::write(&fresh, format!("{commit}\n"))
            .and_then(|()| fs::rename(&fresh, &path))
            .map_err(StoreError::io("cannot replace", &path))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a remote has.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) commit: Oid,
    pub(super) note: Vec<u8>,
    pub(super) checkpoint: Checkpoint,
}

/// Batches that the index has taken in and the segments have not.
struct Part<'a> {
    log: &'a mut Log,
    pending: Vec<(u32, u64, Vec<u8>)>,
    bytes: usize,
    /// The checkpoint of the last.
    note: Vec<u8>,
}

impl Part<'_> {
    /// Writes them, makes them durable, and publishes the checkpoint of the last.
    fn write(&mut self, folder: &Path) -> Result<(), StoreError> {
        let mut at = 0;
        while at < self.pending.len() {
            let (segment, offset) = (self.pending[at].0, self.pending[at].1);
            let path = self.log.segments().path(segment);
            let start = Position { segment, offset };
            let mut file = self.log.segments().append_to(start).map_err(StoreError::io("cannot open", &path))?;
            while at < self.pending.len() && self.pending[at].0 == segment {
                file.write_all(&self.pending[at].2).map_err(StoreError::io("cannot write", &path))?;
                at += 1;
            }
            file.sync_data().map_err(StoreError::io("cannot sync", &path))?;
        }
        self.pending.clear();
        self.bytes = 0;
        log::publish(folder, &self.note)?;
        if self.log.flush().is_err() {
            self.log.rebuild()?;
        }
        Ok(())
    }
}

/// Makes what was written durable.
fn finish(file: Option<io::BufWriter<File>>) -> io::Result<()> {
    match file {
        Some(file) => file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data(),
        None => Ok(()),
    }
}

/// Returns the path of the batch whose first record has this serial.
fn path_of(serial: u64) -> String {
    let digits = format!("{serial:010}");
    let parts: Vec<&str> = (0..5).map(|index| &digits[2 * index..2 * index + 2]).collect();
    format!("{LOG}/{}", parts.join("/"))
}

fn serial_of(path: &str) -> Option<u64> {
    let digits = path.strip_prefix(LOG)?.strip_prefix('/')?.replace('/', "");
    let serial = digits.parse().ok()?;
    (path_of(serial) == path).then_some(serial)
}

fn material_name(digest: &Digest) -> String {
    let hex = digest.to_string();
    format!("{}/{}/{hex}", &hex[..2], &hex[2..4])
}

const LOG: &str = "log";
const LEDGER_FILE: &str = "ledger.toml";
/// Which commit of the remote the copy is of.
const HEAD_FILE: &str = "git-head";
/// So much is held in memory until it is written.
const PART_BYTES: usize = 32 * 1024 * 1024;
/// A batch of envelopes; what is longer is none.
const BATCH_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// So many names are asked for in one command.
const LISTED_MAX: usize = 500;
/// Nobody waits longer for a turn.
const TURN_MAX: Duration = Duration::from_secs(20);
const TURN_TICK: Duration = Duration::from_millis(3);
/// So often a remote may refuse a push on top of what it has as if it were not the newest.
const REFUSED_MAX: u32 = 3;
/// After so many entries our own objects are packed anew.
const TIDIED_ENTRIES: u64 = 4096;
