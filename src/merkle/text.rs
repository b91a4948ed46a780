//! The common spelling of proof texts: ASCII, LF after every line, canonical base64 and decimals (format, section 1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::Digest;

/// Why a proof is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The text is not in its one spelling.
    #[error("{what} line {line} cannot be read: wanted {wanted}")]
    Text {
        /// Which proof.
        what: &'static str,
        /// The line, from 1.
        line: usize,
        /// What must stand there.
        wanted: &'static str,
    },
    /// The proof does not lead to the root.
    #[error("{0} does not lead to the signed root")]
    Root(&'static str),
    /// The proof has too few or too many hashes, or speaks about another place.
    #[error("{0} has the wrong shape for this size and place")]
    Shape(&'static str),
}

/// Reads a proof text line by line.
pub(super) struct Lines<'a> {
    what: &'static str,
    rest: std::iter::Peekable<std::str::Split<'a, char>>,
    line: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(what: &'static str, text: &'a [u8], header: &'static str) -> Result<Self, ProofError> {
        let wrong = |wanted| ProofError::Text { what, line: 1, wanted };
        let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii()).ok_or_else(|| wrong("ASCII"))?;
        let body = text.strip_suffix('\n').ok_or_else(|| wrong("LF after the last line"))?;
        let mut lines = Self { what, rest: body.split('\n').peekable(), line: 0 };
        if lines.next() == Some(header) { Ok(lines) } else { Err(wrong(header)) }
    }

    pub(super) fn next(&mut self) -> Option<&'a str> {
        self.line += 1;
        self.rest.next()
    }

    pub(super) fn wrong(&self, wanted: &'static str) -> ProofError {
        ProofError::Text { what: self.what, line: self.line, wanted }
    }

    pub(super) fn number(&self, digits: &str) -> Result<u64, ProofError> {
        let canonical = digits == "0" || !digits.starts_with('0') && !digits.is_empty();
        let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten();
        number.filter(|number| canonical && *number < 1 << 53).ok_or_else(|| self.wrong("a number below 2^53"))
    }

    pub(super) fn hash(&self, base64: &str) -> Result<Digest, ProofError> {
        let bytes: Option<[u8; 32]> = STANDARD.decode(base64).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Digest).ok_or_else(|| self.wrong("base64 of 32 bytes"))
    }

    pub(super) fn hashes(mut self) -> Result<Vec<Digest>, ProofError> {
        let mut hashes = Vec::new();
        while let Some(line) = self.next() {
            hashes.push(self.hash(line)?);
        }
        Ok(hashes)
    }
}

pub(super) fn base64(hash: &Digest) -> String {
    STANDARD.encode(hash.bytes())
}

pub(super) fn print_hashes(header: &str, hashes: &[Digest]) -> String {
    let mut text = format!("{header}\n");
    for hash in hashes {
        text.push_str(&base64(hash));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling_below_2_to_the_53() {
        let lines = Lines::new("the proof", b"header\n", "header").unwrap();
        for number in [0, 7, 10, (1 << 53) - 1] {
            assert_eq!(lines.number(&number.to_string()), Ok(number));
        }
        for other in ["", "00", "07", "+7", "-7", "7 ", "0x7", "9007199254740992", "18446744073709551616"] {
            assert!(lines.number(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn line_that_cannot_be_read_is_named() {
        let hash = base64(&Digest([1; 32]));
        let read = |text: String| Lines::new("the proof", text.as_bytes(), "header").and_then(Lines::hashes);
        assert_eq!(read(format!("header\n{hash}\n{hash}\n")), Ok(vec![Digest([1; 32]); 2]));
        let wrong = |line, wanted| Err(ProofError::Text { what: "the proof", line, wanted });
        assert_eq!(read(format!("header\n{hash}\nAQEB\n")), wrong(3, "base64 of 32 bytes"));
        assert_eq!(read(format!("heading\n{hash}\n")), wrong(1, "header"));
        assert_eq!(read(format!("header\n{hash}")), wrong(1, "LF after the last line"));
        assert_eq!(read("header\n\u{e9}\n".to_owned()), wrong(1, "ASCII"));
    }
}
