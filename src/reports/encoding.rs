//! The bytes of a report as UTF-8, with the place of the reader in them.
//!
//! Knows UTF-8 with and without byte order mark, UTF-16 by its mark or its first characters, and the ISO-8859-1 and
//! ISO-8859-15 that an XML declaration names. Other encodings are refused by name. A document that declares UTF-16 and
//! starts with one-byte characters is read as UTF-8: it cannot be UTF-16, and .NET writes such files.
//!
//! UTF-8 is handed through as it is; whoever makes text of it checks it.

use std::io::{self, BufRead, Read};

use super::{Cause, Place, ReadError};

/// A report as a stream of UTF-8 that counts lines, and bytes against a limit.
pub(super) struct Source<'a> {
    raw: Raw<'a>,
    encoding: Encoding,
    text: String,
    text_at: usize,
    half: Option<u8>,
    high: Option<u16>,
    here: Place,
    mark: Place,
    token_bytes: u64,
    token_bytes_max: u64,
}

/// The bytes as they come: first those that were read to tell the encoding, then the rest.
struct Raw<'a> {
    inner: &'a mut dyn BufRead,
    head: Vec<u8>,
    head_at: usize,
    bytes: u64,
    bytes_max: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Latin1,
    Latin9,
    Utf16 { big_endian: bool },
}

impl<'a> Source<'a> {
    /// Opens a report and tells its encoding.
    ///
    /// If an XML declaration names an encoding that this reader does not know, returns [`Cause::Encoding`].
    pub(super) fn open(inner: &'a mut dyn BufRead, bytes_max: u64) -> Result<Self, ReadError> {
        let head = read_head(inner).map_err(|error| ReadError::at(Place::START, cause_of(&error)))?;
        let (encoding, mark_bytes) = encoding_of(&head).map_err(|cause| ReadError::at(Place::START, cause))?;
        let bytes = u64::try_from(mark_bytes).unwrap_or(u64::MAX);
        Ok(Self {
            raw: Raw { inner, head, head_at: mark_bytes, bytes, bytes_max },
            encoding,
            text: String::new(),
            text_at: 0,
            half: None,
            high: None,
            here: Place::START,
            mark: Place::START,
            token_bytes: 0,
            token_bytes_max: u64::MAX,
        })
    }

    /// Limits what may be read between two calls of [`Source::mark`].
    pub(super) fn limit_tokens(mut self, bytes_max: u64) -> Self {
        self.token_bytes_max = bytes_max;
        self
    }

    /// Remembers this place as the start of what is read next.
    pub(super) fn mark(&mut self) {
        self.mark = self.here;
        self.token_bytes = 0;
    }

    /// Returns the place of the last mark.
    pub(super) fn marked(&self) -> Place {
        self.mark
    }

    /// Reads the whole report.
    pub(super) fn read_all(mut self) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        match self.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(ReadError::at(self.here, cause_of(&error))),
        }
    }

    /// Reads up to and with the next LF into `line`, which stays empty at the end of the report.
    ///
    /// Of a line longer than `bytes_max`, at most that many bytes are kept, and `false` is returned.
    pub(super) fn read_line(&mut self, line: &mut Vec<u8>, bytes_max: usize) -> Result<bool, ReadError> {
        self.mark();
        line.clear();
        let mut whole = true;
        loop {
            let place = self.here;
            let chunk = match self.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(|error| ReadError::at(place, cause_of(&error)))?,
            };
            let end = chunk.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let used = end.unwrap_or(chunk.len());
            let room = bytes_max - line.len();
            line.extend_from_slice(&chunk[..used.min(room)]);
            whole &= used <= room;
            self.consume_of_line(used, end.is_some());
            if end.is_some() || used == 0 {
                return Ok(whole);
            }
        }
    }

    /// Moves past a line or a part of one, whose bytes need not be looked at again to tell the place.
    fn consume_of_line(&mut self, count: usize, ends: bool) {
        if ends {
            self.here = Place { line: self.here.line + 1, column: 1 };
        } else {
            self.here.column += u64::try_from(count).unwrap_or(u64::MAX);
        }
        self.token_bytes += u64::try_from(count).unwrap_or(u64::MAX);
        self.drop_read(count);
    }

    fn advance(&mut self, count: usize) {
        let bytes = if self.encoding == Encoding::Utf8 {
            self.raw.peek().unwrap_or_default()
        } else {
            &self.text.as_bytes()[self.text_at..]
        };
        let count = count.min(bytes.len());
        self.here.pass(&bytes[..count]);
        self.token_bytes += u64::try_from(count).unwrap_or(u64::MAX);
        self.drop_read(count);
    }

    fn drop_read(&mut self, count: usize) {
        if self.encoding == Encoding::Utf8 {
            self.raw.consume(count);
        } else {
            self.text_at += count;
        }
    }

    fn decode_more(&mut self) -> io::Result<()> {
        self.text.clear();
        self.text_at = 0;
        while self.text.is_empty() {
            let chunk = self.raw.peek()?;
            let chunk = &chunk[..chunk.len().min(CHUNK_BYTES)];
            let used = chunk.len();
            if used == 0 {
                let whole = self.half.is_none() && self.high.is_none();
                return if whole { Ok(()) } else { Err(io::Error::other(Cause::NotText { encoding: "UTF-16" })) };
            }
            match self.encoding {
                Encoding::Utf8 | Encoding::Latin1 => self.text.extend(chunk.iter().map(|byte| char::from(*byte))),
                Encoding::Latin9 => self.text.extend(chunk.iter().map(|byte| latin9(*byte))),
                Encoding::Utf16 { big_endian } => {
                    let mut units = Vec::with_capacity(used / 2 + 2);
                    units.extend(self.high.take());
                    for byte in chunk {
                        match self.half.take() {
                            None => self.half = Some(*byte),
                            Some(first) if big_endian => units.push(u16::from_be_bytes([first, *byte])),
                            Some(first) => units.push(u16::from_le_bytes([first, *byte])),
                        }
                    }
                    self.high = units.pop_if(|unit| (0xd800..0xdc00).contains(unit));
                    for character in char::decode_utf16(units) {
                        let wrong = |_| io::Error::other(Cause::NotText { encoding: "UTF-16" });
                        self.text.push(character.map_err(wrong)?);
                    }
                }
            }
            self.raw.consume(used);
        }
        Ok(())
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.token_bytes > self.token_bytes_max {
            return Err(io::Error::other(Cause::TokenTooLarge { bytes_max: self.token_bytes_max }));
        }
        if self.encoding == Encoding::Utf8 {
            return self.raw.peek();
        }
        if self.text_at == self.text.len() {
            self.decode_more()?;
        }
        Ok(&self.text.as_bytes()[self.text_at..])
    }

    fn consume(&mut self, count: usize) {
        self.advance(count);
    }
}

impl Read for Source<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let chunk = self.fill_buf()?;
        let count = chunk.len().min(out.len());
        out[..count].copy_from_slice(&chunk[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl Raw<'_> {
    fn peek(&mut self) -> io::Result<&[u8]> {
        let too_large = self.bytes > self.bytes_max;
        let bytes = if self.head_at < self.head.len() { &self.head[self.head_at..] } else { self.inner.fill_buf()? };
        if too_large { Err(io::Error::other(Cause::TooLarge { bytes_max: self.bytes_max })) } else { Ok(bytes) }
    }

    fn consume(&mut self, count: usize) {
        self.bytes += u64::try_from(count).unwrap_or(u64::MAX);
        if self.head_at < self.head.len() {
            self.head_at += count;
        } else {
            self.inner.consume(count);
        }
    }
}

impl Place {
    /// Returns where this place of some text is in a text that has it at `start`.
    pub(super) fn behind(self, start: Self) -> Self {
        let column = if self.line == 1 { start.column + self.column - 1 } else { self.column };
        Self { line: start.line + self.line - 1, column }
    }

    /// Moves past some bytes.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        let length = |slice: &[u8]| u64::try_from(slice.len()).unwrap_or(u64::MAX);
        match bytes.iter().rposition(|byte| *byte == b'\n') {
            None => self.column += length(bytes),
            Some(last) => {
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
                self.line += u64::try_from(lines).unwrap_or(u64::MAX);
                self.column = length(&bytes[last..]);
            }
        }
    }
}

/// Returns why reading stopped: our own cause if one is inside, else that of the file system.
pub(super) fn cause_of(error: &io::Error) -> Cause {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Cause>()) {
        Some(cause) => cause.clone(),
        None => Cause::Io { kind: error.kind() },
    }
}

/// Returns the first bytes of a report as text, for a look at its format.
pub(super) fn head_text(head: &[u8]) -> String {
    let Ok((encoding, mark_bytes)) = encoding_of(head) else { return String::from_utf8_lossy(head).into_owned() };
    let rest = &head[mark_bytes..];
    let Encoding::Utf16 { big_endian } = encoding else { return String::from_utf8_lossy(rest).into_owned() };
    let unit = |pair: &[u8]| {
        let pair = [pair[0], pair[1]];
        if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    };
    let units = rest.chunks_exact(2).map(unit);
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn read_head(inner: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while head.len() < DECLARATION_BYTES_MAX {
        let chunk = match inner.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let count = chunk.len().min(DECLARATION_BYTES_MAX - head.len());
        if count == 0 {
            break;
        }
        head.extend_from_slice(&chunk[..count]);
        inner.consume(count);
    }
    Ok(head)
}

/// Returns the encoding and the length of its byte order mark.
fn encoding_of(head: &[u8]) -> Result<(Encoding, usize), Cause> {
    match head {
        [0xef, 0xbb, 0xbf, ..] => return Ok((Encoding::Utf8, 3)),
        [0xff, 0xfe, ..] => return Ok((Encoding::Utf16 { big_endian: false }, 2)),
        [0xfe, 0xff, ..] => return Ok((Encoding::Utf16 { big_endian: true }, 2)),
        [b'<', 0, b'?', 0, ..] => return Ok((Encoding::Utf16 { big_endian: false }, 0)),
        [0, b'<', 0, b'?', ..] => return Ok((Encoding::Utf16 { big_endian: true }, 0)),
        _ => {}
    }
    let Some(name) = declared(head) else { return Ok((Encoding::Utf8, 0)) };
    match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" | "utf-16" | "utf-16le" | "utf-16be" => Ok((Encoding::Utf8, 0)),
        "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" => Ok((Encoding::Latin1, 0)),
        "iso-8859-15" | "iso8859-15" | "iso_8859-15" | "latin9" | "latin-9" => Ok((Encoding::Latin9, 0)),
        _ => Err(Cause::Encoding { found: name.chars().take(40).collect() }),
    }
}

/// Returns the encoding that an XML declaration names.
fn declared(head: &[u8]) -> Option<String> {
    let rest = head.strip_prefix(b"<?xml")?;
    let end = rest.windows(2).position(|pair| pair == b"?>")?;
    let declaration = String::from_utf8_lossy(&rest[..end]).into_owned();
    let (_, after) = declaration.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split_once(quote).map(|(name, _)| name.to_owned())
}

fn latin9(byte: u8) -> char {
    match byte {
        0xa4 => '€',
        0xa6 => 'Š',
        0xa8 => 'š',
        0xb4 => 'Ž',
        0xb8 => 'ž',
        0xbc => 'Œ',
        0xbd => 'œ',
        0xbe => 'Ÿ',
        _ => char::from(byte),
    }
}

/// An XML declaration is the first thing in a document and has about 60 bytes.
const DECLARATION_BYTES_MAX: usize = 1 << 10;
/// So much is decoded at a time.
const CHUNK_BYTES: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(mut bytes: &[u8]) -> Result<String, Cause> {
        let source = Source::open(&mut bytes, 1 << 20).map_err(|error| error.cause)?;
        source.read_all().map(|bytes| String::from_utf8(bytes).unwrap()).map_err(|error| error.cause)
    }

    #[test]
    fn declared_encodings_are_decoded() {
        let latin = |name: &str| [format!("<?xml version='1.0' encoding='{name}'?>").as_bytes(), b"\xe9\xa4"].concat();
        assert!(decoded(&latin("ISO-8859-1")).unwrap().ends_with("é¤"));
        assert!(decoded(&latin("iso-8859-15")).unwrap().ends_with("é€"));
        assert_eq!(decoded(&latin("EBCDIC-CP-US")), Err(Cause::Encoding { found: "EBCDIC-CP-US".into() }));
        assert_eq!(decoded(b"\xef\xbb\xbf<a/>").unwrap(), "<a/>");
        assert_eq!(decoded(b"<?xml version='1.0' encoding='utf-16'?><a/>").unwrap().len(), 43);
    }

    #[test]
    fn utf_16_is_decoded_across_chunks() {
        let text = "<?xml?><a b='𝄞'/>".repeat(3_000);
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decoded(&little).unwrap(), text);
        assert_eq!(decoded(&[b"\xff\xfe", little.as_slice()].concat()).unwrap(), text);
        assert_eq!(decoded(&[b"\xfe\xff", big.as_slice()].concat()).unwrap(), text);
        let mut narrow = io::BufReader::with_capacity(7, big.as_slice());
        assert_eq!(Source::open(&mut narrow, 1 << 20).unwrap().read_all().unwrap(), text.as_bytes());
    }

    #[test]
    fn half_a_utf_16_character_is_refused() {
        for bytes in [b"\xff\xfea\0b".as_slice(), b"\xff\xfe\x34\xd8", b"\xff\xfe\x1e\xdd"] {
            assert_eq!(decoded(bytes), Err(Cause::NotText { encoding: "UTF-16" }));
        }
    }

    #[test]
    fn the_byte_limit_holds_to_the_byte() {
        let read = |bytes: &[u8]| {
            let mut input = io::BufReader::with_capacity(64, bytes);
            Source::open(&mut input, 4_096).unwrap().read_all()
        };
        assert!(read(&[b'a'; 4_096]).is_ok());
        assert_eq!(read(&[b'a'; 4_097]).unwrap_err().cause, Cause::TooLarge { bytes_max: 4_096 });
    }

    #[test]
    fn places_count_lines_and_columns() {
        let mut place = Place::START;
        place.pass(b"ab");
        assert_eq!(place, Place { line: 1, column: 3 });
        place.pass(b"c\n\nde");
        assert_eq!(place, Place { line: 3, column: 3 });
    }

    #[test]
    fn long_lines_are_cut_and_said_to_be() {
        let mut input: &[u8] = b"0123456789\nab";
        let mut source = Source::open(&mut input, 100).unwrap();
        let mut line = Vec::new();
        assert!(!source.read_line(&mut line, 4).unwrap());
        assert_eq!(line, b"0123");
        assert!(source.read_line(&mut line, 4).unwrap());
        assert_eq!(line, b"ab");
        assert!(source.read_line(&mut line, 4).unwrap());
        assert_eq!(line, b"");
    }
}
