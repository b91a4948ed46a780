//! Of what kind an attachment is, by its bytes and not by its name.
//!
//! PNG, JPEG, WebP and GIF are pictures, MP4 and WebM videos; two or more lines that are JSON objects each are what an agent
//! keeps of its session (`{"type":"user",..}` in JSON Lines). Whether a picture can be drawn, or what a log says, is out of
//! scope.

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
    let picture = at(0, b"\x89PNG\r\n\x1a\n")
        || at(0, b"\xff\xd8\xff")
        || at(0, b"GIF87a")
        || at(0, b"GIF89a")
        || (at(0, b"RIFF") && at(8, b"WEBP"));
    if picture {
        return Some(Media::Picture);
    }
    // The brand tells a film from a picture in the same container.
    let film = at(4, b"ftyp") && MP4_BRANDS.iter().any(|brand| at(8, *brand));
    let webm = at(0, b"\x1a\x45\xdf\xa3") && head.windows(4).any(|part| part == b"webm");
    (film || webm).then_some(Media::Video)
}

/// Returns whether there are at least two lines, each a JSON object; empty ones aside.
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
        lines += 1;
    }
}

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
        let pictures: [&[u8]; 5] =
            [b"\x89PNG\r\n\x1a\nrest", b"\xff\xd8\xff\xe0", b"GIF87a", b"GIF89a..", b"RIFF\x10\0\0\0WEBPVP8 "];
        assert!(pictures.iter().all(|bytes| of(bytes) == Media::Picture));
        let videos: [&[u8]; 3] =
            [b"\0\0\0\x20ftypisom", b"\0\0\0\x20ftypmp42..", b"\x1a\x45\xdf\xa3\x93\x42\x82\x84webm"];
        assert!(videos.iter().all(|bytes| of(bytes) == Media::Video));
        assert_eq!(of(b"{\"a\":1}\n{\"b\":{\"c\":[]}}\n\n"), Media::SessionLog);
        assert_eq!(of(format!("{{\"a\":\"{}\"}}\r\n{{}}", "x".repeat(500)).as_bytes()), Media::SessionLog);
    }

    #[test]
    fn what_only_looks_alike_is_a_file() {
        let files: [&[u8]; 12] = [
            b"",
            b"\x89PNG",
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
