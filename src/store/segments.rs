//! The segments: `log/00000000.seg` .., the truth of a ledger (format, section 5).

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::durable::sync_folder;
use super::frame::{FRAME_BYTES_MAX, Frame, Next};
use crate::prove::RawRecord;

/// A place in the segments where a frame begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) segment: u32,
    pub(super) offset: u64,
}

/// Where a frame lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) at: Position,
    pub(super) bytes: u32,
}

/// One committed batch.
pub(super) struct Batch {
    /// Each record and its extent.
    pub(super) records: Vec<(RawRecord, Extent)>,
    /// The map entry and its extent.
    pub(super) map: (Vec<u8>, Extent),
    /// The signed checkpoint and its extent.
    pub(super) commit: (Vec<u8>, Extent),
    /// Where the next batch begins.
    pub(super) next: Position,
}

/// What a scan found after the last committed batch.
pub(super) enum Tail {
    /// Nothing.
    Clean,
    /// Bytes without a whole commit frame, from this position on.
    Torn(Position),
}

/// A segment and its open file.
type Open = (u32, Arc<File>);

/// Committed batches, read in order.
pub(super) struct Batches {
    segments: Segments,
    at: Position,
    reader: Option<BufReader<File>>,
    torn: bool,
}

/// The folder of the segments.
#[derive(Debug, Clone)]
pub(super) struct Segments {
    folder: PathBuf,
    /// The segment that was read last: whoever reads one record mostly reads more of the same segment.
    open: Arc<Mutex<Option<Open>>>,
}

impl Segments {
    pub(super) fn new(ledger: &Path) -> Self {
        Self { folder: ledger.join("log"), open: Arc::default() }
    }

    /// Closes the file that is kept open.
    pub(super) fn close(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn path(&self, segment: u32) -> PathBuf {
        self.folder.join(format!("{segment:08}.seg"))
    }

    /// Reads every committed batch from a position on, in order; says what follows the last.
    pub(super) fn scan<E: From<io::Error>>(
        &self,
        from: Position,
        mut each: impl FnMut(Batch) -> Result<(), E>,
    ) -> Result<Tail, E> {
        let mut batches = self.batches(from);
        while let Some(batch) = batches.next()? {
            each(batch)?;
        }
        Ok(batches.tail())
    }

    /// Returns the committed batches from a position on.
    pub(super) fn batches(&self, from: Position) -> Batches {
        Batches { segments: self.clone(), at: from, reader: None, torn: false }
    }

    /// Reads one frame.
    pub(super) fn frame(&self, extent: Extent) -> io::Result<Frame> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &*open {
            Some((segment, file)) if *segment == extent.at.segment => Arc::clone(file),
            _ => {
                let file = Arc::new(File::open(self.path(extent.at.segment))?);
                *open = Some((extent.at.segment, Arc::clone(&file)));
                file
            }
        };
        drop(open);
        self.frame_in(&file, extent)
    }

    /// Reads one frame of an open segment.
    pub(super) fn frame_in(&self, file: &File, extent: Extent) -> io::Result<Frame> {
        let damaged = || {
            let path = self.path(extent.at.segment);
            let text = format!("{} holds no whole frame at byte {}", path.display(), extent.at.offset);
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        if extent.bytes > FRAME_BYTES_MAX {
            return Err(damaged());
        }
        let mut bytes = vec![0; usize::try_from(extent.bytes).map_err(|_| damaged())?];
        file.read_exact_at(&mut bytes, extent.at.offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged(),
            _ => error,
        })?;
        Frame::parse(&bytes).ok_or_else(damaged)
    }

    /// Makes what a segment holds durable, so that what was read of it cannot be lost to a power cut.
    pub(super) fn sync(&self, segment: u32) -> io::Result<()> {
        match File::open(self.path(segment)) {
            Ok(file) => file.sync_data(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Opens a segment for appending; creates it, and makes its name durable, before the first batch comes into it.
    pub(super) fn append_to(&self, at: Position) -> io::Result<File> {
        let path = self.path(at.segment);
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        // Whoever made it may have been killed before its name was durable: an empty segment is as good as none.
        if at.offset == 0 {
            sync_folder(&self.folder)?;
        }
        Ok(file)
    }

    /// Moves what follows a position to `log/torn-*` and cuts it off; returns where it lies now.
    pub(super) fn cut(&self, from: Position) -> io::Result<PathBuf> {
        let kept = (0..u32::MAX)
            .map(|number| self.folder.join(format!("torn-{:08}-{}-{number}", from.segment, from.offset)))
            .find(|path| !path.exists())
            .expect("fewer than four thousand million torn tails lie at one place");
        let path = self.path(from.segment);
        let mut source = File::open(&path)?;
        source.seek(SeekFrom::Start(from.offset))?;
        let mut torn = OpenOptions::new().write(true).create_new(true).open(&kept)?;
        io::copy(&mut source, &mut torn)?;
        torn.sync_all()?;
        sync_folder(&self.folder)?;
        // Point of no return: the tail lies in its own file now, and only then leaves the segment.
        let segment = OpenOptions::new().write(true).open(&path)?;
        segment.set_len(from.offset)?;
        segment.sync_all()?;
        Ok(kept)
    }

    /// Returns whether a segment after this one exists.
    pub(super) fn has_after(&self, segment: u32) -> io::Result<bool> {
        match fs::metadata(self.path(segment + 1)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn open(&self, at: Position) -> io::Result<Option<BufReader<File>>> {
        match File::open(self.path(at.segment)) {
            Ok(mut file) => {
                file.seek(SeekFrom::Start(at.offset))?;
                Ok(Some(BufReader::with_capacity(READ_BYTES, file)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Batch {
    /// Reads the frames of exactly one batch, which will lie at a position.
    pub(super) fn parse(mut bytes: &[u8], at: Position) -> Option<Self> {
        match read_batch(&mut bytes, at) {
            Ok(Found::Batch(batch)) if bytes.is_empty() => Some(*batch),
            _ => None,
        }
    }
}

impl Position {
    /// Returns where the next batch begins: in a new segment once this one is long enough.
    pub(super) const fn for_batch(self) -> Self {
        if self.offset >= SEGMENT_BYTES { Self { segment: self.segment + 1, offset: 0 } } else { self }
    }
}

impl Batches {
    /// Reads the next batch; none after the last.
    pub(super) fn next(&mut self) -> io::Result<Option<Batch>> {
        while !self.torn {
            if self.reader.is_none() {
                self.reader = self.segments.open(self.at)?;
            }
            let Some(reader) = &mut self.reader else { break };
            match read_batch(reader, self.at)? {
                Found::Batch(batch) => {
                    self.at = batch.next;
                    return Ok(Some(*batch));
                }
                Found::End => {
                    let next = Position { segment: self.at.segment + 1, offset: 0 };
                    if !self.segments.path(next.segment).exists() {
                        break;
                    }
                    (self.at, self.reader) = (next, None);
                }
                Found::Torn => self.torn = true,
            }
        }
        Ok(None)
    }

    /// Returns what follows the last batch, once it was read.
    pub(super) const fn tail(&self) -> Tail {
        if self.torn { Tail::Torn(self.at) } else { Tail::Clean }
    }
}

enum Found {
    Batch(Box<Batch>),
    End,
    Torn,
}

fn read_batch(reader: &mut impl Read, from: Position) -> io::Result<Found> {
    let mut at = from;
    let mut records = Vec::new();
    let mut map = None;
    loop {
        let (frame, length) = match Frame::read(reader)? {
            Next::Frame(frame, length) => (frame, length),
            Next::End if at == from => return Ok(Found::End),
            Next::End | Next::Torn => return Ok(Found::Torn),
        };
        let Ok(bytes) = u32::try_from(length) else { return Ok(Found::Torn) };
        let extent = Extent { at, bytes };
        at.offset += length;
        match (frame, map.take()) {
            (Frame::Record { entry, envelope }, None) => records.push((RawRecord { entry, envelope }, extent)),
            (Frame::Map(entry), None) if !records.is_empty() => map = Some((entry, extent)),
            (Frame::Commit(note), Some(map)) => {
                return Ok(Found::Batch(Box::new(Batch { records, map, commit: (note, extent), next: at })));
            }
            _ => return Ok(Found::Torn),
        }
    }
}

/// A new segment begins with the first batch after this many bytes.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
const READ_BYTES: usize = 256 * 1024;
