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
