//! The log's lines: entries and map entries (format, section 3).
//!
//! ```text
//! evidence-entry/v1                        evidence-map/v1
//! kind result                              time 1763690400
//! time 1763690400                          covers 2
//! chain change:shop/abc-123                labels 5
//! previous none                            root <base64>
//! statement sha256:<hex>
//! signed ed25519 SHA256:<43> sha256:<hex>
//! label commit:<oid>
//! ```
//! One spelling each: parsing prints again and compares.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Digest, Fingerprint, Time};

/// A record's entry in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// By predicate type, with the sub-kind where there is one.
    pub kind: String,
    /// The ledger's time.
    pub time: Time,
    /// The chain that it continues.
    pub chain: String,
    /// The leaf hash of the chain's last entry.
    pub previous: Option<Digest>,
    /// The hash of what was signed.
    pub statement: Digest,
    /// The signatures, sorted by the bytes of their lines.
    pub signed: Vec<SignedLine>,
    /// The labels, sorted by bytes, unique.
    pub labels: Vec<String>,
}

/// One `signed` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedLine {
    /// The signature algorithm of the granted key.
    pub algorithm: String,
    /// The key.
    pub fingerprint: Fingerprint,
    /// The hash of the raw signature.
    pub signature: Digest,
}

/// The last entry of every batch: the root of the map over everything before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapEntry {
    /// The ledger's time.
    pub time: Time,
    /// Its own place: it speaks about the entries before it.
    pub covers: u64,
    /// The number of keys of the map.
    pub labels: u64,
    /// The map's root.
    pub root: Digest,
}

/// Why bytes are no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} line {line} is `{found}`; wanted {wanted}")]
pub struct RecordError {
    /// `entry` or `map entry`.
    pub what: &'static str,
    /// The line, from 1.
    pub line: usize,
    /// What stands there, cut at 120 characters.
    pub found: String,
    /// What must stand there.
    pub wanted: &'static str,
}

impl SignedLine {
    /// Returns the line, as it stands in an entry, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        format!("signed {} {} sha256:{}", self.algorithm, self.fingerprint, self.signature)
    }
}

impl Entry {
    /// Returns the exact bytes.
    #[must_use]
    pub fn print(&self) -> String {
        let previous = self.previous.map_or_else(|| "none".to_owned(), |hash| hash.to_string());
        let mut text = format!(
            "{ENTRY_HEADER}\nkind {}\ntime {}\nchain {}\nprevious {previous}\nstatement sha256:{}\n",
            self.kind, self.time.0, self.chain, self.statement
        );
        for signed in &self.signed {
            text.push_str(&signed.line());
            text.push('\n');
        }
        for label in &self.labels {
            writeln!(text, "label {label}").expect("writing to a string cannot fail");
        }
        text
    }

    /// Parses the exact bytes of an entry.
    ///
    /// # Errors
    /// If any line is not the one spelling of the format, or the whole has more than [`ENTRY_BYTES_MAX`].
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut lines = Lines::new("entry", bytes)?;
        lines.exact(ENTRY_HEADER)?;
        let kind = lines.after("kind ", "kind <name>")?.to_owned();
        lines.demand(is_word(&kind), "a kind of lower-case letters and dashes")?;
        let time = Time(lines.number("time ", "time <unix seconds>")?);
        let chain = lines.after("chain ", "chain <chain>")?.to_owned();
        lines.demand(is_text(&chain), "a chain without spaces")?;
        let previous = match lines.after("previous ", "previous <leaf hash or none>")? {
            "none" => None,
            hash => Some(lines.digest(hash)?),
        };
        let statement = lines.after("statement sha256:", "statement sha256:<hex>")?;
        let statement = lines.digest(statement)?;
        let mut signed: Vec<SignedLine> = Vec::new();
        while let Some(rest) = lines.optional("signed ") {
            let parts: Vec<&str> = rest.split(' ').collect();
            let [algorithm, fingerprint, signature] = parts[..] else {
                return Err(lines.wrong("signed <alg> <fingerprint> sha256:<hex>"));
            };
            lines.demand(is_word(algorithm), "an algorithm of lower-case letters, digits and dashes")?;
            let fingerprint = fingerprint.parse().map_err(|_| lines.wrong("a key fingerprint"))?;
            let signature = signature.strip_prefix("sha256:").ok_or_else(|| lines.wrong("sha256:<hex>"))?;
            let line = SignedLine { algorithm: algorithm.to_owned(), fingerprint, signature: lines.digest(signature)? };
            let sorted = signed.last().is_none_or(|last| last.line() < line.line());
            let unique = signed.iter().all(|other| other.fingerprint != line.fingerprint);
            lines.demand(sorted && unique, "signed lines sorted by bytes, no fingerprint twice")?;
            signed.push(line);
        }
        lines.demand((1..=SIGNED_MAX).contains(&signed.len()), "1 to 8 signed lines")?;
        let mut labels: Vec<String> = Vec::new();
        while let Some(label) = lines.optional("label ") {
            lines.demand(is_text(label), "a label without spaces")?;
            let sorted = labels.last().is_none_or(|last| last.as_str() < label);
            lines.demand(sorted, "labels sorted by bytes, unique")?;
            labels.push(label.to_owned());
        }
        lines.demand(labels.len() <= LABELS_MAX, "at most 16 labels")?;
        lines.end()?;
        Ok(Self { kind, time, chain, previous, statement, signed, labels })
    }

    /// Returns the map texts that this entry is listed under: its chain, its labels, its signers.
    pub fn map_texts(&self) -> impl Iterator<Item = String> {
        std::iter::once(format!("chain {}", self.chain))
            .chain(self.labels.iter().map(|label| format!("label {label}")))
            .chain(self.signed.iter().map(|signed| format!("signer {}", signed.fingerprint)))
    }
}

impl MapEntry {
    /// Returns the exact bytes.
    #[must_use]
    pub fn print(&self) -> String {
        format!(
            "{MAP_HEADER}\ntime {}\ncovers {}\nlabels {}\nroot {}\n",
            self.time.0,
            self.covers,
            self.labels,
            STANDARD.encode(self.root.bytes())
        )
    }

    /// Parses the exact bytes of a map entry.
    ///
    /// # Errors
    /// If any line is not the one spelling of the format.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut lines = Lines::new("map entry", bytes)?;
        lines.exact(MAP_HEADER)?;
        let time = Time(lines.number("time ", "time <unix seconds>")?);
        let covers = lines.number("covers ", "covers <size>")?;
        let labels = lines.number("labels ", "labels <number of keys>")?;
        let root = lines.after("root ", "root <base64>")?;
        let root: Option<[u8; 32]> = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        let root = Digest(root.ok_or_else(|| lines.wrong("root <base64 of 32 bytes>"))?);
        lines.end()?;
        Ok(Self { time, covers, labels, root })
    }
}

/// Returns whether the bytes of a log entry are a map entry's, by their first line.
#[must_use]
pub fn is_map_entry(bytes: &[u8]) -> bool {
    bytes.starts_with(MAP_HEADER.as_bytes()) && bytes.get(MAP_HEADER.len()) == Some(&b'\n')
}

struct Lines<'a> {
    what: &'static str,
    rest: std::iter::Peekable<std::str::Split<'a, char>>,
    line: usize,
    now: &'a str,
}

impl<'a> Lines<'a> {
    fn new(what: &'static str, bytes: &'a [u8]) -> Result<Self, RecordError> {
        let wrong = |wanted| RecordError { what, line: 1, found: format!("{} bytes", bytes.len()), wanted };
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(wrong("at most 4096 bytes"));
        }
        let text = std::str::from_utf8(bytes)
            .ok()
            .filter(|text| text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)));
        let text = text.ok_or_else(|| wrong("printable ASCII and LF"))?;
        let body = text.strip_suffix('\n').ok_or_else(|| wrong("LF after the last line"))?;
        Ok(Self { what, rest: body.split('\n').peekable(), line: 0, now: "" })
    }

    fn wrong(&self, wanted: &'static str) -> RecordError {
        RecordError { what: self.what, line: self.line, found: self.now.chars().take(120).collect(), wanted }
    }

    fn demand(&self, holds: bool, wanted: &'static str) -> Result<(), RecordError> {
        if holds { Ok(()) } else { Err(self.wrong(wanted)) }
    }

    fn next(&mut self, wanted: &'static str) -> Result<&'a str, RecordError> {
        self.line += 1;
        self.now = "";
        self.now = self.rest.next().ok_or_else(|| self.wrong(wanted))?;
        Ok(self.now)
    }

    fn exact(&mut self, wanted: &'static str) -> Result<(), RecordError> {
        let found = self.next(wanted)?;
        self.demand(found == wanted, wanted)
    }

    fn after(&mut self, prefix: &str, wanted: &'static str) -> Result<&'a str, RecordError> {
        let line = self.next(wanted)?;
        line.strip_prefix(prefix).filter(|rest| !rest.is_empty()).ok_or_else(|| self.wrong(wanted))
    }

    fn number(&mut self, prefix: &str, wanted: &'static str) -> Result<u64, RecordError> {
        let digits = self.after(prefix, wanted)?;
        let canonical = digits == "0" || !digits.starts_with('0');
        let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten();
        number.filter(|n| canonical && *n < NUMBER_LIMIT).ok_or_else(|| self.wrong(wanted))
    }

    fn optional(&mut self, prefix: &str) -> Option<&'a str> {
        let rest = self.rest.peek()?.strip_prefix(prefix)?;
        self.line += 1;
        self.now = self.rest.next()?;
        Some(rest)
    }

    fn digest(&self, hex: &str) -> Result<Digest, RecordError> {
        hex.parse().map_err(|_| self.wrong("64 lower-case hex digits"))
    }

    fn end(&mut self) -> Result<(), RecordError> {
        match self.rest.next() {
            None => Ok(()),
            Some(line) => {
                self.line += 1;
                self.now = line;
                Err(self.wrong("nothing more"))
            }
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_text(text: &str) -> bool {
    !text.is_empty() && !text.contains(' ')
}

/// Entry and map entry are at most this long (format, section 3).
pub const ENTRY_BYTES_MAX: usize = 4096;
/// More labels on a record are refused (format, section 3).
pub const LABELS_MAX: usize = 16;
/// More signatures on a record are refused (format, section 3).
pub const SIGNED_MAX: usize = 8;
const ENTRY_HEADER: &str = "evidence-entry/v1";
const MAP_HEADER: &str = "evidence-map/v1";
const NUMBER_LIMIT: u64 = 1 << 53;

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "evidence-entry/v1\nkind result\ntime 1763690400\nchain change:shop/abc-123\nprevious none\n\
        statement sha256:913c7347ffc51dbb12d921041d57471625cb345ddfa841b296c49db120055ea8\n\
        signed ed25519 SHA256:zbv/nU7iZdO0fB0DalMI70dP6/yFD8sctXvvW4+OokY sha256:06e29cf942b65f80e851708a017472cedd8603da824f1a4f00645ecad92691cb\n\
        label commit:1111111111111111111111111111111111111111\nlabel tree:2222222222222222222222222222222222222222\n";

    #[test]
    fn an_entry_reads_and_prints() {
        let entry = Entry::parse(ENTRY.as_bytes()).unwrap();
        assert_eq!(entry.print(), ENTRY);
        assert_eq!(entry.map_texts().count(), 4);
    }

    #[test]
    fn any_other_spelling_of_an_entry_is_refused() {
        for index in 0..ENTRY.len() {
            let cut = [&ENTRY[..index], &ENTRY[index + 1..]].concat();
            if let Ok(entry) = Entry::parse(cut.as_bytes()) {
                assert_eq!(entry.print(), cut);
            }
        }
        let twice = ENTRY.replace("label tree:2222222222222222222222222222222222222222\n", "label a b\n");
        for bad in [
            ENTRY.replace("time 1763690400", "time 01763690400"),
            ENTRY.replace("time 1763690400", "time +1"),
            ENTRY.replace('\n', "\r\n"),
            ENTRY.trim_end().to_owned(),
            format!("{ENTRY}\n"),
            format!("{ENTRY}label aaa\n"),
            twice,
        ] {
            assert!(Entry::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_map_entry_reads_and_prints() {
        let text = "evidence-map/v1\ntime 1\ncovers 2\nlabels 3\nroot 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
        let entry = MapEntry::parse(text.as_bytes()).unwrap();
        assert_eq!(entry.print(), text);
        assert!(is_map_entry(text.as_bytes()));
        assert!(MapEntry::parse(text.replace("covers 2", "covers 02").as_bytes()).is_err());
        assert!(MapEntry::parse(text.replace("FU=", "FV=").as_bytes()).is_err());
    }
}
