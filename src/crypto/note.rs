//! Signed notes (`c2sp.org/signed-note`), Ed25519 signatures of type 0x01.
//!
//! ```text
//! <text, ending in LF>
//! <LF>
//! — <key name> <base64 of key id 4 bytes and signature>
//! ```

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::hash::sha256;
use super::key::{Algorithm, KeyError, PublicKey, SecretKey};

/// A verifier key: `<name>+<hex key id>+<base64 of type byte and key>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    key: PublicKey,
    bytes: [u8; 32],
}

/// Why a note or verifier key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a verifier key.
    #[error("`{0}` is not a verifier key: wanted <name>+<8 hex digits>+<base64>")]
    Vkey(String),
    /// The key in a verifier key is unfit.
    #[error("the verifier key of {name} is unfit: {error}")]
    Key {
        /// The key's name.
        name: String,
        /// Why.
        error: KeyError,
    },
    /// Notes are signed with Ed25519.
    #[error("the key of {name} is of {}; notes are signed with ed25519", algorithm.as_str())]
    Algorithm {
        /// The key's name.
        name: String,
        /// Its algorithm.
        algorithm: Algorithm,
    },
    /// Not a note.
    #[error("the signed note is malformed: {0}")]
    Malformed(&'static str),
    /// A known key's signature does not hold.
    #[error("the note's signature by {0} does not hold")]
    Signature(String),
    /// No known key signed it.
    #[error("the note carries no signature of {wanted}")]
    Unsigned {
        /// The names of the keys that were wanted.
        wanted: String,
    },
}

impl NoteKey {
    /// Names a public key.
    ///
    /// # Errors
    /// If the name is empty or holds a space or a plus, or the key is not of Ed25519.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Vkey(name.to_owned()));
        }
        let Some(bytes) = key.ed25519_bytes() else {
            return Err(NoteError::Algorithm { name: name.to_owned(), algorithm: key.algorithm() });
        };
        Ok(Self { name: name.to_owned(), key, bytes })
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the public key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    fn id(&self) -> [u8; 4] {
        key_id(&self.name, &self.bytes)
    }
}

impl FromStr for NoteKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let wrong = || NoteError::Vkey(text.chars().take(200).collect());
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else { return Err(wrong()) };
        let bytes = STANDARD.decode(key).map_err(|_| wrong())?;
        let (&[ED25519], rest) = bytes.split_first_chunk::<1>().ok_or_else(wrong)? else { return Err(wrong()) };
        let rest: &[u8; 32] = rest.try_into().map_err(|_| wrong())?;
        let key = PublicKey::from_bytes(rest).map_err(|error| NoteError::Key { name: name.to_owned(), error })?;
        let vkey = Self::new(name, key).map_err(|_| wrong())?;
        if hex::encode(vkey.id()) == id { Ok(vkey) } else { Err(wrong()) }
    }
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], self.bytes.as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), STANDARD.encode(key))
    }
}

/// Signs a text, which ends in LF, under a name.
#[must_use]
pub fn sign_note(text: &str, name: &str, key: &SecretKey) -> Vec<u8> {
    sign_note_by(text, name, std::slice::from_ref(key))
}

/// Signs a text under one name by each of some keys; a key that comes twice signs once.
#[must_use]
pub fn sign_note_by(text: &str, name: &str, keys: &[SecretKey]) -> Vec<u8> {
    let mut note = format!("{text}\n");
    let mut signed: Vec<PublicKey> = Vec::with_capacity(keys.len());
    for key in keys {
        if signed.contains(&key.public()) {
            continue;
        }
        signed.push(key.public());
        let signature = [key_id(name, &key.public_bytes()).as_slice(), &key.sign(text.as_bytes())].concat();
        note.push_str(&format!("{DASH}{name} {}\n", STANDARD.encode(signature)));
    }
    note.into_bytes()
}

/// Returns the text of a note that at least one of the keys signed.
///
/// Signatures of other keys are ignored; one of a known key that does not hold refuses the note.
///
/// # Errors
/// See [`NoteError`].
pub fn open_note<'a>(note: &'a [u8], keys: &[NoteKey]) -> Result<&'a str, NoteError> {
    let (text, signatures) = split_note(note)?;
    let mut verified = false;
    for (name, id, signature) in signatures {
        let Some(key) = keys.iter().find(|key| key.name == name && key.id() == id) else { continue };
        key.key.verify(text.as_bytes(), &signature).map_err(|_| NoteError::Signature(name.to_owned()))?;
        verified = true;
    }
    if verified {
        return Ok(text);
    }
    let names: Vec<&str> = keys.iter().map(NoteKey::name).collect();
    Err(NoteError::Unsigned { wanted: names.join(" or ") })
}

type SignatureLine<'a> = (&'a str, [u8; 4], Vec<u8>);

/// Takes a note apart without checking who signed it.
pub(crate) fn split_note(note: &[u8]) -> Result<(&str, Vec<SignatureLine<'_>>), NoteError> {
    let malformed = NoteError::Malformed;
    if note.len() > NOTE_BYTES_MAX {
        return Err(malformed("it has more than 1 MiB"));
    }
    let note = std::str::from_utf8(note).map_err(|_| malformed("it is not UTF-8"))?;
    if note.chars().any(|c| c.is_control() && c != '\n') {
        return Err(malformed("it holds a control character"));
    }
    let split = note.rfind("\n\n").ok_or_else(|| malformed("no blank line stands before the signatures"))?;
    let (text, lines) = (&note[..=split], &note[split + 2..]);
    let lines = lines.strip_suffix('\n').ok_or_else(|| malformed("no LF stands after the last signature"))?;
    let mut signatures = Vec::new();
    for line in lines.split('\n') {
        let rest =
            line.strip_prefix(DASH).ok_or_else(|| malformed("a signature line does not begin with an em dash"))?;
        let (name, signature) =
            rest.split_once(' ').ok_or_else(|| malformed("a signature line lacks its signature"))?;
        let bytes = STANDARD.decode(signature).map_err(|_| malformed("a signature is not base64"))?;
        let (id, signature) =
            bytes.split_first_chunk::<4>().ok_or_else(|| malformed("a signature lacks its key id"))?;
        if !is_name(name) || signature.is_empty() {
            return Err(malformed("a signature line has no name or no signature"));
        }
        signatures.push((name, *id, signature.to_vec()));
        if signatures[..signatures.len() - 1]
            .iter()
            .any(|(other, other_id, _): &SignatureLine<'_>| *other == name && other_id == id)
        {
            return Err(malformed("two signatures of one key"));
        }
        if signatures.len() > SIGNATURES_MAX {
            return Err(malformed("it has more than 16 signatures"));
        }
    }
    Ok((text, signatures))
}

fn key_id(name: &str, key: &[u8; 32]) -> [u8; 4] {
    let digest = sha256(&[name.as_bytes(), b"\n", &[ED25519], key.as_slice()].concat());
    let [a, b, c, d, ..] = *digest.bytes();
    [a, b, c, d]
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('+') && !name.contains(char::is_whitespace)
}

/// Larger notes are refused (format, section 3).
pub const NOTE_BYTES_MAX: usize = 1024 * 1024;
const SIGNATURES_MAX: usize = 16;
const DASH: &str = "\u{2014} ";
const ED25519: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> (Vec<u8>, NoteKey) {
        let key = SecretKey::from_seed(&[1; 32]);
        (sign_note("log.example\n1\nroot\n", "log.example", &key), NoteKey::new("log.example", key.public()).unwrap())
    }

    #[test]
    fn the_example_of_the_specification_opens() {
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse::<NoteKey>().unwrap();
        let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
            — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        assert!(open_note(note.as_bytes(), std::slice::from_ref(&vkey)).is_ok());
        assert!(open_note(note.replace("problem is", "problem iz").as_bytes(), &[vkey]).is_err());
    }

    #[test]
    fn a_verifier_key_has_one_spelling() {
        let (_, key) = signed();
        assert_eq!(key.to_string().parse::<NoteKey>().unwrap(), key);
        assert!(key.to_string().replace("log.", "lag.").parse::<NoteKey>().is_err());
    }

    #[test]
    fn a_changed_byte_never_opens() {
        let (note, key) = signed();
        assert!(open_note(&note, std::slice::from_ref(&key)).is_ok());
        for index in 0..note.len() {
            let mut changed = note.clone();
            changed[index] ^= 1;
            assert!(open_note(&changed, std::slice::from_ref(&key)).is_err(), "byte {index}");
        }
    }

    #[test]
    fn an_unknown_key_does_not_open() {
        let (note, _) = signed();
        let other = NoteKey::new("log.example", SecretKey::from_seed(&[9; 32]).public()).unwrap();
        assert!(matches!(open_note(&note, &[other]), Err(NoteError::Unsigned { .. })));
    }

    #[test]
    fn a_name_has_neither_plus_nor_blank() {
        let key = SecretKey::from_seed(&[1; 32]).public();
        assert!(NoteKey::new("log.example/a-b_c", key.clone()).is_ok());
        for name in ["", "a+b", "a b", "a\tb", "a\u{a0}b", "+", " "] {
            assert!(NoteKey::new(name, key.clone()).is_err(), "{name:?}");
        }
    }

    #[test]
    fn sixteen_signatures_open_and_no_more() {
        let (note, key) = signed();
        let with = |others: u8| {
            let lines = (0..others).map(|number| {
                let signature = STANDARD.encode([&[number; 4][..], &[7; 64]].concat());
                format!("{DASH}witness-{number} {signature}\n")
            });
            [String::from_utf8(note.clone()).unwrap(), lines.collect()].concat()
        };
        assert!(open_note(with(15).as_bytes(), std::slice::from_ref(&key)).is_ok());
        assert!(matches!(open_note(with(16).as_bytes(), &[key]), Err(NoteError::Malformed(_))));
    }

    #[test]
    fn a_note_of_one_mebibyte_opens_and_no_larger_one() {
        let key = SecretKey::from_seed(&[1; 32]);
        let vkey = [NoteKey::new("log.example", key.public()).unwrap()];
        let with = |length: usize| sign_note(&format!("{}\n", "a".repeat(length)), "log.example", &key);
        let most = NOTE_BYTES_MAX - (with(1).len() - 1);
        assert_eq!(with(most).len(), 1_048_576);
        assert!(open_note(&with(most), &vkey).is_ok());
        assert_eq!(open_note(&with(most + 1), &vkey), Err(NoteError::Malformed("it has more than 1 MiB")));
    }

    #[test]
    fn signature_lines_have_a_name_a_signature_and_each_key_once() {
        let (note, key) = signed();
        let with = |lines: &[(&str, [u8; 4], &[u8])]| {
            let line = |(name, id, signature): &(&str, [u8; 4], &[u8])| {
                format!("{DASH}{name} {}\n", STANDARD.encode([&id[..], signature].concat()))
            };
            let note = [String::from_utf8(note.clone()).unwrap(), lines.iter().map(line).collect()].concat();
            open_note(note.as_bytes(), std::slice::from_ref(&key)).map(str::to_owned)
        };
        let witness = ("witness", [1; 4], &[7; 64][..]);
        assert!(with(&[witness, ("witness", [2; 4], &[7; 64]), ("other", [1; 4], &[7; 64])]).is_ok());
        assert_eq!(with(&[witness, witness]), Err(NoteError::Malformed("two signatures of one key")));
        for wrong in [("witness", [1; 4], &[][..]), ("a+b", [1; 4], &[7; 64]), ("", [1; 4], &[7; 64])] {
            let why = NoteError::Malformed("a signature line has no name or no signature");
            assert_eq!(with(&[wrong]), Err(why), "{wrong:?}");
        }
    }
}
