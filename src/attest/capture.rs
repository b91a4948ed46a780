//! Recorded output: passed through as it comes, kept whole up to a size, beyond it by its head and tail.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::Arc;

use super::secrets::{Masking, Secrets};
use crate::model::Digest;
use crate::store::{BlobWriter, Blobs, StoreError};

/// An output that is being recorded.
pub(super) struct Recording {
    blob: BlobWriter,
    tail: VecDeque<u8>,
    omitted: u64,
    secrets: Arc<Secrets>,
    masking: Masking,
}

/// An output that is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) sha256: Digest,
    pub(super) bytes: u64,
    pub(super) omitted: u64,
}

impl Recording {
    pub(super) fn begin(blobs: &Blobs, secrets: Arc<Secrets>) -> Result<Self, StoreError> {
        let (tail, masking) = (VecDeque::new(), Masking::default());
        Ok(Self { blob: blobs.writer()?, tail, omitted: 0, secrets, masking })
    }

    /// Copies what comes to `echo`, and keeps it without its secrets; a reader of ours that went away does not end the recording.
    pub(super) fn copy(&mut self, from: &mut impl Read, echo: &mut dyn Write) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let _ = echo.write_all(&buffer[..count]).and_then(|()| echo.flush());
            let mut masked = Vec::with_capacity(count);
            self.masking.take(&self.secrets, &buffer[..count], &mut |bytes| masked.extend_from_slice(bytes));
            self.keep(&masked)?;
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = usize::try_from(HEAD_BYTES.saturating_sub(self.blob.bytes())).unwrap_or(usize::MAX).min(bytes.len());
        let room = if self.tail.is_empty() { room } else { 0 };
        self.blob.write_all(&bytes[..room])?;
        self.tail.extend(&bytes[room..]);
        let excess = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..excess);
        self.omitted += u64::try_from(excess).unwrap_or(u64::MAX);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Kept, StoreError> {
        let mut masked = Vec::new();
        self.masking.finish(&self.secrets, &mut |bytes| masked.extend_from_slice(bytes));
        self.keep(&masked)?;
        let (front, back) = self.tail.as_slices();
        self.blob.write_all(front).and_then(|()| self.blob.write_all(back))?;
        let (sha256, bytes) = self.blob.keep()?;
        Ok(Kept { sha256, bytes, omitted: self.omitted })
    }
}

const BUFFER_BYTES: usize = 64 * 1024;
/// Outputs up to 64 MiB are kept whole, larger ones by their first and last 32 MiB.
const HEAD_BYTES: u64 = 32 * 1024 * 1024;
const TAIL_BYTES: usize = 32 * 1024 * 1024;
