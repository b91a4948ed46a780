//! Hashes as values: SHA-256 digests, git object ids, SSH key fingerprints.
//!
//! Computing them is `crypto`'s and `git`'s work; here is only their one spelling.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

/// A SHA-256 digest, spelled as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// The id of a git object: 40 (SHA-1) or 64 (SHA-256) lower-case hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Oid(String);

/// The fingerprint of a public key as OpenSSH prints it: `SHA256:` and 43 characters of unpadded base64.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

/// Why a text is no digest, object id or fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Not 64 lower-case hex digits.
    #[error("`{0}` is not a SHA-256 digest: wanted 64 lower-case hex digits")]
    Digest(String),
    /// Neither 40 nor 64 lower-case hex digits.
    #[error("`{0}` is not a git object id: wanted 40 or 64 lower-case hex digits")]
    Oid(String),
    /// Not `SHA256:` and 43 base64 characters.
    #[error("`{0}` is not a key fingerprint: wanted SHA256: and 43 base64 characters")]
    Fingerprint(String),
}

impl Digest {
    /// Returns the 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let wrong = || DigestError::Digest(text.chars().take(80).collect());
        if text.len() != 64 {
            return Err(wrong());
        }
        // A baseline has a hundred thousand of them: one pass, and what is no digit is seen at the end.
        let mut bytes = [0; 32];
        let mut seen = 0;
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let (high, low) = (digit(pair[0]), digit(pair[1]));
            seen |= high | low;
            *byte = high << 4 | low & 0x0f;
        }
        if seen > 0x0f { Err(wrong()) } else { Ok(Self(bytes)) }
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Oid {
    /// Returns the hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first twelve digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl Fingerprint {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Digest> for Fingerprint {
    /// Spells the SHA-256 of a key's SSH wire form as its fingerprint.
    fn from(digest: Digest) -> Self {
        Self(format!("SHA256:{}", STANDARD_NO_PAD.encode(digest.0)))
    }
}

impl TryFrom<String> for Oid {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        if is_lower_hex(&text, 40) || is_lower_hex(&text, 64) {
            Ok(Self(text))
        } else {
            Err(DigestError::Oid(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        let canonical = text
            .strip_prefix("SHA256:")
            .filter(|rest| rest.len() == 43)
            .and_then(|rest| STANDARD_NO_PAD.decode(rest).ok())
            .is_some_and(|bytes| bytes.len() == 32);
        if canonical { Ok(Self(text)) } else { Err(DigestError::Fingerprint(text.chars().take(80).collect())) }
    }
}

macro_rules! text_type {
    ($($name:ident),*) => {$(
        impl FromStr for $name {
            type Err = DigestError;
            fn from_str(text: &str) -> Result<Self, DigestError> {
                Self::try_from(text.to_owned())
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
text_type!(Oid, Fingerprint);

/// Returns what a byte is worth as a hexadecimal digit in lower case; 0xff if it is none.
const fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => 0xff,
    }
}

fn is_lower_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_of_a_digest() {
        let text = "0f".repeat(32);
        assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
        assert!(text.to_uppercase().parse::<Digest>().is_err());
        assert!(text[1..].parse::<Digest>().is_err());
        for byte in 0..=0x7f_u8 {
            let text = |at: usize| format!("{}{}{}", "0".repeat(at), char::from(byte), "f".repeat(63 - at));
            let known = hex::decode(text(0)).is_ok() && !byte.is_ascii_uppercase();
            assert!([0, 1, 62, 63].iter().all(|at| text(*at).parse::<Digest>().is_ok() == known), "{byte:#x}");
        }
    }

    #[test]
    fn one_spelling_of_a_fingerprint() {
        let fingerprint = Fingerprint::from(Digest([7; 32]));
        assert_eq!(fingerprint.as_str().parse::<Fingerprint>().unwrap(), fingerprint);
        assert!(format!("{fingerprint}=").parse::<Fingerprint>().is_err());
        assert!("MD5:00".parse::<Fingerprint>().is_err());
    }
}
