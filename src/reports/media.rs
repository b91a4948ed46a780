//! Of what kind an attachment is, by its bytes and not by its name.
//!
//! PNG, JPEG, WebP and GIF are pictures where their header has a width and a height, MP4 and WebM videos; two or more lines that are
//! JSON objects each and say something are what an agent keeps of its session (`{"type":"user",..}` in JSON Lines). Whether a
//! picture can be drawn, or what a log says, is out of scope.

use std::io::{self, BufRead, Read as _};

/// The kind of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Media {
    /// A PNG, JPEG, WebP or GIF.
    Picture,
    /// An MP4 or WebM.
    Video,
    /// Lines of JSON objects.
    SessionLog,
    /// Anything else.
    File,
}

/// Reads of what kind a file is; of a log all lines are read.
///
/// # Errors
/// If it cannot be read.
pub fn media(input: &mut dyn BufRead) -> io::Result<Media> {
    let mut head = Vec::new();
    (&mut *input).take(HEAD_BYTES).read_to_end(&mut head)?;
    if head.starts_with(b"\xff\xd8\xff") {
        let picture = is_jpeg(&mut head.as_slice().chain(input))?;
        return Ok(if picture { Media::Picture } else { Media::File });
    }
    if let Some(known) = by_signature(&head) {
        return Ok(known);
    }
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        return Ok(Media::File);
    }
    let mut rest = head.as_slice().chain(input);
    Ok(if is_json_lines(&mut rest)? { Media::SessionLog } else { Media::File })
}

fn by_signature(head: &[u8]) -> Option<Media> {
    let at = |from: usize, bytes: &[u8]| head.get(from..).is_some_and(|rest| rest.starts_with(bytes));
    let some =
        |from: usize, count: usize| head.get(from..from + count).is_some_and(|size| size.iter().any(|byte| *byte != 0));
    let png = at(0, b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR") && some(16, 4) && some(20, 4);
    let gif = (at(0, b"GIF87a") || at(0, b"GIF89a")) && some(6, 2) && some(8, 2);
    if png || gif || (at(0, b"RIFF") && at(8, b"WEBP") && is_webp(head)) {
        return Some(Media::Picture);
    }
    // The brand tells a film from a picture in the same container.
    let film = at(4, b"ftyp") && MP4_BRANDS.iter().any(|brand| at(8, *brand));
    let webm = at(0, b"\x1a\x45\xdf\xa3") && head.windows(4).any(|part| part == b"webm");
    (film || webm).then_some(Media::Video)
}

/// Returns whether the first chunk of a WebP has a width and a height: lossy, lossless (both less one) or extended (both less one).
fn is_webp(head: &[u8]) -> bool {
    let at = |from: usize, bytes: &[u8]| head.get(from..).is_some_and(|rest| rest.starts_with(bytes));
    // Fourteen bits each; those above scale.
    let side = |from: usize| head.get(from..from + 2).is_some_and(|side| side[0] != 0 || side[1] & 0x3f != 0);
    let lossy = at(12, b"VP8 ") && at(23, b"\x9d\x01\x2a") && side(26) && side(28);
    let lossless = at(12, b"VP8L") && at(20, b"\x2f") && head.len() >= 25;
    lossy || lossless || (at(12, b"VP8X") && head.len() >= 30)
}

/// Returns whether a JPEG has a frame with a width and a height before its first scan.
fn is_jpeg(input: &mut dyn BufRead) -> io::Result<bool> {
    let whole = |read: io::Result<()>| match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    };
    let mut two = [0; 2];
    if !whole(input.read_exact(&mut two))? {
        return Ok(false);
    }
    for _ in 0..SEGMENTS_MAX {
        let mut marker = [0; 2];
        if !whole(input.read_exact(&mut marker))? || marker[0] != 0xff {
            return Ok(false);
        }
        // Any marker may have more of its first byte before it.
        while marker[1] == 0xff {
            if !whole(input.read_exact(&mut marker[1..]))? {
                return Ok(false);
            }
        }
        if !whole(input.read_exact(&mut two))? {
            return Ok(false);
        }
        let Some(length) = u64::from(u16::from_be_bytes(two)).checked_sub(2) else { return Ok(false) };
        match marker[1] {
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let mut frame = [0; 5];
                return Ok(whole(input.read_exact(&mut frame))? && frame[1..3] != [0, 0] && frame[3..5] != [0, 0]);
            }
            // A scan, the end, or what has no length.
            0x00 | 0x01 | 0xd0..=0xda => return Ok(false),
            _ => {
                if io::copy(&mut (&mut *input).take(length), &mut io::sink())? < length {
                    return Ok(false);
                }
            }
        }
    }
    Ok(false)
}

/// Returns whether there are at least two lines that say something, and each is a JSON object; empty ones aside.
fn is_json_lines(input: &mut dyn BufRead) -> io::Result<bool> {
    let mut lines = 0_u64;
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = (&mut *input).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if count == 0 {
            return Ok(lines >= 2);
        }
        let bare = line.trim_ascii();
        if bare.is_empty() {
            continue;
        }
        let whole = line.ends_with(b"\n") || u64::try_from(count).is_ok_and(|count| count < LINE_BYTES_MAX);
        if !whole || !bare.starts_with(b"{") || serde_json::from_slice::<serde::de::IgnoredAny>(bare).is_err() {
            return Ok(false);
        }
        // `{}` is an object that says nothing.
        lines += u64::from(!bare[1..].trim_ascii_start().starts_with(b"}"));
    }
}

/// A JPEG has some twenty segments before its first scan; large profiles and pictures of its own take more.
const SEGMENTS_MAX: usize = 4096;
/// Signatures and the names in them stand within this much.
const HEAD_BYTES: u64 = 64;
/// A longer line is no line of a log: memory stays bounded.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;
const MP4_BRANDS: [&[u8; 4]; 9] = [b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V "];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Media {
        media(&mut &*bytes).unwrap()
    }

    #[test]
    fn bytes_tell_the_kind() {
        let pictures: [&[u8]; 8] = [
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\x01\0rest",
            b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc2\0\x11\x08\0\x10\0\x20rest",
            b"\xff\xd8\xff\xc0\0\x11\x08\x01\0\x01\0",
            b"GIF87a\x01\0\0\x01",
            b"GIF89a\x01\0\x01\0..",
            b"RIFF\x10\0\0\0WEBPVP8 \x10\0\0\0\x30\x01\0\x9d\x01\x2a\x01\0\x02\0",
            b"RIFF\x10\0\0\0WEBPVP8L\x10\0\0\0\x2f\0\0\0\0",
            b"RIFF\x10\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0",
        ];
        assert!(pictures.iter().all(|bytes| of(bytes) == Media::Picture));
        let videos: [&[u8]; 3] =
            [b"\0\0\0\x20ftypisom", b"\0\0\0\x20ftypmp42..", b"\x1a\x45\xdf\xa3\x93\x42\x82\x84webm"];
        assert!(videos.iter().all(|bytes| of(bytes) == Media::Video));
        assert_eq!(of(b"{\"a\":1}\n{\"b\":{\"c\":[]}}\n\n"), Media::SessionLog);
        assert_eq!(
            of(format!("{{\"a\":\"{}\"}}\r\n{{}}\n{{ \"b\":1}}", "x".repeat(500)).as_bytes()),
            Media::SessionLog
        );
    }

    #[test]
    fn what_only_looks_alike_is_a_file() {
        let files: [&[u8]; 25] = [
            b"",
            b"\x89PNG",
            b"\x89PNG\r\n\x1a\n",
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\0\0\0\x01\0",
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0",
            b"\xff\xd8\xff",
            b"\xff\xd8\xff\xe0\0\x04ab\xff\xda\0\x04",
            b"\xff\xd8\xff\xe0\0\x40ab",
            b"\xff\xd8\xff\xc0\0\x11\x08\0\0\x01\0",
            b"GIF89a",
            b"GIF89a\0\0\x01\0",
            b"RIFF\x10\0\0\0WEBPVP8 ",
            b"RIFF\x10\0\0\0WEBPVP8 \x10\0\0\0\x30\x01\0\x9d\x01\x2a\0\0\x02\0",
            b"{}\n{}\n",
            b"{\"a\":1}\n{ }\n",
            b"png",
            b"RIFF\x10\0\0\0WAVEfmt ",
            b"\0\0\0\x20ftypavif",
            b"\x1a\x45\xdf\xa3\x93matroska",
            b"{\"a\":1}\n",
            b"{\n\"a\": 1\n}\n",
            b"{\"a\":1}\n[2]\n",
            b"{\"a\":1}\n{\"b\":\n",
            b"[1]\n[2]\n",
            b"text {}\n{}\n",
        ];
        for bytes in files {
            assert_eq!(of(bytes), Media::File, "{bytes:?}");
        }
    }
}
