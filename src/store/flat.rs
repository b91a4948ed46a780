//! A flat file of equal slots, addressed by arithmetic: hashes of the tree, positions of the entries.
//!
//! Slots never change once they are committed; those not yet written lie in memory behind the file.

use std::cell::RefCell;
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
    window: RefCell<Window<W>>,
}

/// The slots of the file that were read last: whoever reads one mostly reads more beside it.
struct Window<const W: usize> {
    first: u64,
    slots: Vec<[u8; W]>,
}

impl<const W: usize> Flat<W> {
    /// Returns one without a file.
    pub(super) const fn empty() -> Self {
        Self::of(None, 0)
    }

    const fn of(file: Option<File>, written: u64) -> Self {
        let window = RefCell::new(Window { first: 0, slots: Vec::new() });
        Self { file, written, pending: Vec::new(), window }
    }

    /// Opens a file of which the first `slots` count.
    pub(super) fn open(path: &Path, slots: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() / width::<W>() < slots {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Self::of(Some(file), slots))
    }

    /// Returns the number of slots, in the file and behind it.
    pub(super) fn len(&self) -> u64 {
        self.written + u64::try_from(self.pending.len()).expect("memory is smaller than 2^64")
    }

    /// Returns the number of bytes behind the file.
    pub(super) fn unwritten_bytes(&self) -> usize {
        self.pending.as_flattened().len()
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
        let window = &mut *self.window.borrow_mut();
        let within = |window: &Window<W>| {
            let place = usize::try_from(index.checked_sub(window.first)?).ok()?;
            window.slots.get(place).copied()
        };
        if let Some(slot) = within(window) {
            return Ok(slot);
        }
        let file = self.file.as_ref().ok_or(io::ErrorKind::UnexpectedEof)?;
        let count = const { WINDOW_BYTES / W };
        window.first = index - index % u64::try_from(count).expect("a window has few slots");
        let count = usize::try_from(self.written - window.first).unwrap_or(count).min(count);
        window.slots.resize(count, [0; W]);
        let read = file.read_exact_at(window.slots.as_flattened_mut(), window.first * width::<W>());
        if read.is_err() {
            window.slots.clear();
        }
        read.and_then(|()| within(window).ok_or_else(|| io::ErrorKind::UnexpectedEof.into()))
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

/// So much is read where one slot is asked for: hardly dearer than the slot alone.
const WINDOW_BYTES: usize = 2048;
/// So many slots are shown after one reading.
const SCANNED_SLOTS: usize = 512;

fn width<const W: usize>() -> u64 {
    u64::try_from(W).expect("slots are a few bytes wide")
}
