//! An append-only file of nodes that never change: what was written at an offset stays there.
//!
//! Readers need no lock: a head names offsets, and everything reachable from it was written before it.
//! What is not yet in the file lies in memory behind it, so that a reader who may not write can go on
//! from a stale file, and a writer writes once a batch.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

/// An offset in an arena; zero is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Offset(pub(super) u64);

/// The file, as far as a head vouches for it, and what follows in memory.
pub(super) struct Arena {
    file: Option<File>,
    written: u64,
    pending: Vec<u8>,
    /// What was read last of the file, and from where: whoever reads a block's head reads the rest of it next.
    window: RefCell<(u64, Vec<u8>)>,
}

impl Arena {
    /// Returns an arena without a file.
    pub(super) fn empty() -> Self {
        Self { file: None, written: 0, pending: MAGIC.to_vec(), window: RefCell::default() }
    }

    /// Opens a file of which the first `written` bytes count.
    pub(super) fn open(path: &Path, written: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() < written || written < START {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Self { file: Some(file), written, pending: Vec::new(), window: RefCell::default() })
    }

    /// Appends bytes and returns where they begin.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Offset {
        let at = self.len();
        self.pending.extend_from_slice(bytes);
        Offset(at)
    }

    /// Returns the number of bytes behind the file.
    pub(super) fn unwritten_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Returns the number of bytes, in the file and behind it.
    pub(super) fn len(&self) -> u64 {
        self.written + u64::try_from(self.pending.len()).expect("memory is smaller than 2^64")
    }

    /// Fills the buffer from an offset on.
    pub(super) fn read(&self, at: Offset, buffer: &mut [u8]) -> io::Result<()> {
        if at.0 < START {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if let Some(start) = at.0.checked_sub(self.written) {
            let start = usize::try_from(start).map_err(|_| io::ErrorKind::UnexpectedEof)?;
            let end = start.checked_add(buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            buffer.copy_from_slice(self.pending.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
            return Ok(());
        }
        let file = self.file.as_ref().ok_or(io::ErrorKind::UnexpectedEof)?;
        let behind = self.written - at.0;
        if buffer.len() > WINDOW_BYTES || usize::try_from(behind).is_ok_and(|behind| behind < buffer.len()) {
            return file.read_exact_at(buffer, at.0);
        }
        let (from, bytes) = &mut *self.window.borrow_mut();
        let start = at.0.checked_sub(*from).and_then(|start| usize::try_from(start).ok());
        let within = start.and_then(|start| bytes.get(start..start.checked_add(buffer.len())?));
        if let Some(within) = within {
            buffer.copy_from_slice(within);
            return Ok(());
        }
        bytes.resize(usize::try_from(behind).unwrap_or(WINDOW_BYTES).min(WINDOW_BYTES), 0);
        *from = at.0;
        let read = file.read_exact_at(bytes, at.0);
        if read.is_err() {
            bytes.clear();
        }
        read?;
        buffer.copy_from_slice(&bytes[..buffer.len()]);
        Ok(())
    }

    /// Writes what lies in memory to the file.
    pub(super) fn flush(&mut self, path: &Path) -> io::Result<()> {
        let file = reopen(self.file.as_ref(), path)?;
        file.write_all_at(&self.pending, self.written)?;
        self.written = self.len();
        self.pending = Vec::new();
        self.file = Some(file);
        Ok(())
    }
}

/// Opens the file of a cache for writing: the very one that was read, or, if none was, a new one.
///
/// If another lies there now, or none, returns an error: what was read does not go on there.
pub(super) fn reopen(known: Option<&File>, path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(known.is_none()).truncate(false).open(path)?;
    if let Some(known) = known {
        let (known, found) = (known.metadata()?, file.metadata()?);
        if (known.dev(), known.ino()) != (found.dev(), found.ino()) {
            return Err(io::ErrorKind::NotFound.into());
        }
    }
    Ok(file)
}

const MAGIC: &[u8; 16] = b"evidence-arena/1";
const START: u64 = 16;
/// So much is read where less is asked for: a list's block with its peaks and some places.
const WINDOW_BYTES: usize = 512;
