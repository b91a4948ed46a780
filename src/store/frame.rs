//! Frames of a segment (format, section 5).
//!
//! ```text
//! u32le length | u32le CRC-32C | type byte | body          length and CRC are over type byte and body
//! type 1  a record: u32le entry length, entry, envelope
//! type 2  the map entry
//! type 3  the commit: the signed checkpoint
//! ```
//! A batch is records, one map entry, one commit. Nothing counts before its commit frame is whole.

use std::io::{self, Read};

/// What a frame holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// An entry and its envelope.
    Record { entry: Vec<u8>, envelope: Vec<u8> },
    /// A map entry.
    Map(Vec<u8>),
    /// A signed checkpoint.
    Commit(Vec<u8>),
}

/// What stands at a place where a frame may begin.
pub(super) enum Next {
    /// A whole frame and its length on disk.
    Frame(Frame, u64),
    /// The end of the file.
    End,
    /// Bytes that are no whole frame: a torn tail, or damage.
    Torn,
}

impl Frame {
    /// Appends the frame's bytes.
    pub(super) fn print(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; HEADER_BYTES]);
        match self {
            Self::Record { entry, envelope } => {
                out.push(RECORD);
                out.extend_from_slice(&length(entry.len()).to_le_bytes());
                out.extend_from_slice(entry);
                out.extend_from_slice(envelope);
            }
            Self::Map(entry) => {
                out.push(MAP);
                out.extend_from_slice(entry);
            }
            Self::Commit(note) => {
                out.push(COMMIT);
                out.extend_from_slice(note);
            }
        }
        let body = &out[start + HEADER_BYTES..];
        let header = [length(body.len()).to_le_bytes(), crc32c::crc32c(body).to_le_bytes()].concat();
        out[start..start + HEADER_BYTES].copy_from_slice(&header);
    }

    /// Reads the frame that begins here.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Next> {
        let mut header = [0; HEADER_BYTES];
        match read_up_to(from, &mut header)? {
            0 => return Ok(Next::End),
            HEADER_BYTES => {}
            _ => return Ok(Next::Torn),
        }
        let (body_bytes, crc) = parse_header(&header);
        if !(1..=BODY_BYTES_MAX).contains(&body_bytes) {
            return Ok(Next::Torn);
        }
        let mut body = Vec::with_capacity(size(body_bytes).min(TAKEN_BYTES));
        from.take(u64::from(body_bytes)).read_to_end(&mut body)?;
        if body.len() != size(body_bytes) || crc32c::crc32c(&body) != crc {
            return Ok(Next::Torn);
        }
        let length = u64::from(body_bytes) + HEADER_BYTES as u64;
        Ok(Self::parse_body(body).map_or(Next::Torn, |frame| Next::Frame(frame, length)))
    }

    /// Parses the bytes of one whole frame.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        match Self::read(&mut &*bytes) {
            Ok(Next::Frame(frame, length)) if u64::try_from(bytes.len()) == Ok(length) => Some(frame),
            _ => None,
        }
    }

    fn parse_body(mut body: Vec<u8>) -> Option<Self> {
        let kind = *body.first()?;
        match kind {
            RECORD => {
                let entry_bytes = size(u32::from_le_bytes(body.get(1..5)?.try_into().ok()?));
                let end = entry_bytes.checked_add(5)?;
                let entry = body.get(5..end)?.to_vec();
                Some(Self::Record { entry, envelope: body.split_off(end) })
            }
            MAP => Some(Self::Map(body.split_off(1))),
            COMMIT => Some(Self::Commit(body.split_off(1))),
            _ => None,
        }
    }
}

fn parse_header(header: &[u8; HEADER_BYTES]) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = *header;
    (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
}

fn read_up_to(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("entries and envelopes are bounded far below 4 GiB before they come here")
}

fn size(bytes: u32) -> usize {
    usize::try_from(bytes).expect("a 32-bit length fits the address space of every supported machine")
}

const HEADER_BYTES: usize = 8;
const RECORD: u8 = 1;
const MAP: u8 = 2;
const COMMIT: u8 = 3;
/// An envelope of 16 MiB in base64 and an entry of 4 KiB fit; a damaged length does not make us take more.
const BODY_BYTES_MAX: u32 = 24 * 1024 * 1024;
/// So much memory is taken on a length's word.
const TAKEN_BYTES: usize = 64 * 1024;
/// No frame is longer.
pub(super) const FRAME_BYTES_MAX: u32 = BODY_BYTES_MAX + 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn printed() -> Vec<u8> {
        let mut bytes = Vec::new();
        Frame::Record { entry: b"entry\n".to_vec(), envelope: b"{}".to_vec() }.print(&mut bytes);
        bytes
    }

    #[test]
    fn a_frame_reads_back() {
        let bytes = printed();
        let Some(Frame::Record { entry, envelope }) = Frame::parse(&bytes) else { panic!("no record") };
        assert_eq!((entry.as_slice(), envelope.as_slice()), (b"entry\n".as_slice(), b"{}".as_slice()));
    }

    #[test]
    fn a_changed_byte_or_a_cut_makes_no_frame() {
        let bytes = printed();
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            assert!(Frame::parse(&changed).is_none(), "byte {index}");
            assert!(Frame::parse(&bytes[..index]).is_none(), "cut at {index}");
        }
    }

    proptest! {
        /// What a remote holds has checksums that are right, whatever else it is.
        #[test]
        fn any_body_under_its_checksum_is_no_frame_or_prints_the_same(
            kind in 0_u8..5,
            states in any::<u32>(),
            rest in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            for entry_bytes in [states, states % 64] {
                let body = [&[kind][..], &entry_bytes.to_le_bytes(), &rest].concat();
                let header = [length(body.len()).to_le_bytes(), crc32c::crc32c(&body).to_le_bytes()].concat();
                let bytes = [header, body].concat();
                if let Some(frame) = Frame::parse(&bytes) {
                    let mut printed = Vec::new();
                    frame.print(&mut printed);
                    prop_assert_eq!(printed, bytes);
                }
            }
        }
    }
}
