//! A flat file of equal slots, addressed by arithmetic: hashes of the tree, positions of the entries.
//!
//! Slots never change once they are committed; those not yet written lie in memory behind the file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::arena::reopen;

/// A file of slots of `W` bytes.
pub(super) struct Flat<const W: usize> {
    file: Option<File>,
    written: u64,
    pending: Vec<[u8; W]>,
}

impl<const W: usize> Flat<W> {
    /// Returns one without a file.
    pub(super) const fn empty() -> Self {
        Self { file: None, written: 0, pending: Vec::new() }
    }

    /// Opens a file of which the first `slots` count.
    pub(super) fn open(path: &Path, slots: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() / width::<W>() < slots {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Self { file: Some(file), written: slots, pending: Vec::new() })
    }

    /// Returns the number of slots, in the file and behind it.
    pub(super) fn len(&self) -> u64 {
        self.written + u64::try_from(self.pending.len()).expect("memory is smaller than 2^64")
    }

    /// Appends a slot.
    pub(super) fn push(&mut self, slot: [u8; W]) {
        self.pending.push(slot);
    }

    /// Reads a slot.
    pub(super) fn read(&self, index: u64) -> io::Result<[u8; W]> {
        if let Some(behind) = index.checked_sub(self.written) {
            let slot = usize::try_from(behind).ok().and_then(|behind| self.pending.get(behind));
            return slot.copied().ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
        }
        let file = self.file.as_ref().ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut slot = [0; W];
        file.read_exact_at(&mut slot, index * width::<W>())?;
        Ok(slot)
    }

    /// Shows every slot, in their order.
    pub(super) fn scan(&self, mut show: impl FnMut(u64, &[u8; W])) -> io::Result<()> {
        let mut index = 0;
        let mut block = [[0; W]; SCANNED_SLOTS];
        while index < self.written {
            let count = usize::try_from(self.written - index).unwrap_or(SCANNED_SLOTS).min(SCANNED_SLOTS);
            let file = self.file.as_ref().ok_or(io::ErrorKind::UnexpectedEof)?;
            file.read_exact_at(block[..count].as_flattened_mut(), index * width::<W>())?;
            for slot in &block[..count] {
                show(index, slot);
                index += 1;
            }
        }
        for slot in &self.pending {
            show(index, slot);
            index += 1;
        }
        Ok(())
    }

    /// Writes what lies in memory to the file.
    pub(super) fn flush(&mut self, path: &Path) -> io::Result<()> {
        if self.pending.is_empty() && self.file.is_some() {
            return Ok(());
        }
        let file = reopen(self.file.as_ref(), path)?;
        file.write_all_at(self.pending.as_flattened(), self.written * width::<W>())?;
        self.written = self.len();
        self.pending = Vec::new();
        self.file = Some(file);
        Ok(())
    }
}

/// So many slots are read at once.
const SCANNED_SLOTS: usize = 512;

fn width<const W: usize>() -> u64 {
    u64::try_from(W).expect("slots are a few bytes wide")
}
