//! Checkpoints (`c2sp.org/tlog-checkpoint`): three lines, signed as a note by the log.
//!
//! ```text
//! evidence.local/0123456789abcdef0123456789abcdef
//! 300
//! yjk9Apa+xeC43KuYO9H7fRRh9RLnJny4ljGtJv1m2Eg=
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::crypto::{NoteError, NoteKey, SecretKey, open_note, sign_note_by};
use crate::model::Digest;

/// What a checkpoint says: so many entries, with this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The ledger.
    pub origin: String,
    /// The number of entries.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

/// A checkpoint that the log has signed.
///
/// The only constructor is [`SignedCheckpoint::open`].
///
/// ```compile_fail
/// # use evidence_ledger::merkle::{Checkpoint, SignedCheckpoint};
/// fn forge(checkpoint: Checkpoint) -> SignedCheckpoint { SignedCheckpoint { checkpoint, note: vec![] } }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Vec<u8>,
}

/// Why a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note does not open.
    #[error("the checkpoint is not signed as it must be: {0}")]
    Note(#[from] NoteError),
    /// The text is not three lines of the right form.
    #[error("the checkpoint's text is malformed: {0}")]
    Text(&'static str),
    /// It is another ledger's.
    #[error("the checkpoint is of the ledger {found}; wanted {wanted}")]
    Origin {
        /// Whose it is.
        found: String,
        /// Whose it must be.
        wanted: String,
    },
}

impl Checkpoint {
    /// Prints the three lines.
    #[must_use]
    pub fn print(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.bytes()))
    }

    /// Signs the checkpoint under its origin.
    #[must_use]
    pub fn sign(&self, key: &SecretKey) -> Vec<u8> {
        self.sign_by(std::slice::from_ref(key))
    }

    /// Signs the checkpoint under its origin by each of some keys: two, while a log's key changes.
    #[must_use]
    pub fn sign_by(&self, keys: &[SecretKey]) -> Vec<u8> {
        sign_note_by(&self.print(), &self.origin, keys)
    }

    /// Reads the three lines of a note **without checking who signed it**: for a store that compares, never for a verdict.
    ///
    /// # Errors
    /// If it is not a note of three lines.
    pub fn parse_note(note: &[u8]) -> Result<Self, CheckpointError> {
        let (text, _) = crate::crypto::split_note(note)?;
        Self::parse(text)
    }

    fn parse(text: &str) -> Result<Self, CheckpointError> {
        let wrong = CheckpointError::Text;
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or_else(|| wrong("no LF at its end"))?.split('\n').collect();
        let [origin, size, root] = lines[..] else { return Err(wrong("not exactly three lines")) };
        if origin.is_empty() || origin.contains(char::is_whitespace) || !origin.is_ascii() {
            return Err(wrong("the origin is empty or holds a space"));
        }
        let canonical = size == "0" || !size.starts_with('0') && size.bytes().all(|b| b.is_ascii_digit());
        let size: Option<u64> = size.parse().ok().filter(|size| canonical && *size < 1 << 53);
        let size = size.ok_or_else(|| wrong("the size is not a decimal below 2^53"))?;
        let root: Option<[u8; 32]> = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        let root = Digest(root.ok_or_else(|| wrong("the root is not base64 of 32 bytes"))?);
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

impl SignedCheckpoint {
    /// Checks that a log key signed the note, and that it is this ledger's.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn open(note: &[u8], keys: &[NoteKey], origin: &str) -> Result<Self, CheckpointError> {
        let checkpoint = Checkpoint::parse(open_note(note, keys)?)?;
        if checkpoint.origin != origin {
            return Err(CheckpointError::Origin { found: checkpoint.origin, wanted: origin.to_owned() });
        }
        Ok(Self { checkpoint, note: note.to_vec() })
    }

    /// Returns what it says.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Returns the signed note.
    #[must_use]
    pub fn note(&self) -> &[u8] {
        &self.note
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sign_note;

    #[test]
    fn a_checkpoint_opens_under_its_log_key_only() {
        let key = SecretKey::from_seed(&[1; 32]);
        let vkey = NoteKey::new("log.example/a", key.public()).unwrap();
        let checkpoint = Checkpoint { origin: "log.example/a".to_owned(), size: 3, root: Digest([1; 32]) };
        let note = checkpoint.sign(&key);
        let keys = std::slice::from_ref(&vkey);
        let opened = SignedCheckpoint::open(&note, keys, "log.example/a").unwrap();
        assert_eq!((opened.checkpoint(), opened.note()), (&checkpoint, &note[..]));
        assert!(SignedCheckpoint::open(&note, keys, "log.example/b").is_err());
        assert!(SignedCheckpoint::open(&note, &[], "log.example/a").is_err());
        let four =
            sign_note("log.example/a\n3\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\nmore\n", "log.example/a", &key);
        assert_eq!(
            SignedCheckpoint::open(&four, keys, "log.example/a"),
            Err(CheckpointError::Text("not exactly three lines"))
        );
    }

    #[test]
    fn the_three_lines_have_one_spelling() {
        let root = STANDARD.encode([1; 32]);
        let parse = |origin: &str, size: &str| Checkpoint::parse(&format!("{origin}\n{size}\n{root}\n"));
        for size in [0, 1, 10, (1 << 53) - 1] {
            assert_eq!(parse("log.example/a", &size.to_string()).unwrap().size, size);
        }
        for size in ["", "00", "01", "+1", "-1", " 1", "1a", "9007199254740992", "18446744073709551616"] {
            let wrong = CheckpointError::Text("the size is not a decimal below 2^53");
            assert_eq!(parse("log.example/a", size), Err(wrong), "{size:?}");
        }
        for origin in ["", "log example", "log.example/\t", "log.example/\u{e9}"] {
            let wrong = CheckpointError::Text("the origin is empty or holds a space");
            assert_eq!(parse(origin, "1"), Err(wrong), "{origin:?}");
        }
        assert!(Checkpoint::parse(&format!("log.example/a\n1\n{root}")).is_err());
        assert!(Checkpoint::parse("log.example/a\n1\nAQEB\n").is_err());
    }
}
