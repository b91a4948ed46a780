//! Ed25519 keys (RFC 8032): OpenSSH lines, fingerprints, SPKI DER, PKCS#8 PEM (RFC 8410).
//!
//! Weak keys are refused where they enter: under a key of small order anybody can sign anything.
//! Signatures are checked strictly. PKCS#8 is written as version 1, which OpenSSL 3.0 reads, and read as 1 or 2.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, KeypairBytes,
};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::hash::{name_hash, sha256};
use crate::model::{Digest, Fingerprint, Grant, Name};

/// A signature algorithm. It comes from the granted key, never from the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RFC 8032 Ed25519.
    Ed25519,
}

/// A public key that is fit to verify with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// A private key. It leaves memory zeroed and is never printed.
pub struct SecretKey(SigningKey);

/// Why a text is no key, or a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not an OpenSSH public key line of a known algorithm.
    #[error("`{0}` is not a public key: wanted `ssh-ed25519 <base64>`")]
    Line(String),
    /// The bytes are no point of the curve in their one encoding.
    #[error("the key is not a canonical Ed25519 point")]
    Point,
    /// The key has small order.
    #[error("the key is weak: its order is small, and anybody could sign under it")]
    Weak,
    /// Not an Ed25519 PKCS#8 PEM.
    #[error("not an Ed25519 private key in PKCS#8 PEM: {0}")]
    Pem(String),
    /// The signature does not hold.
    #[error("the signature of {0} does not hold")]
    Signature(Fingerprint),
}

impl Algorithm {
    /// Returns the word in `signed` lines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
        }
    }
}

impl PublicKey {
    /// Takes 32 bytes for a key.
    ///
    /// # Errors
    /// If they are not the canonical encoding of a point, or the point has small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Point)?;
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        // A point that is encoded with y >= p decodes, and encodes again to other bytes.
        let canonical = key.to_edwards().compress().to_bytes() == *bytes;
        if canonical { Ok(Self(key)) } else { Err(KeyError::Point) }
    }

    /// Returns the key that stands for a name: a point that its hash gives, so that nobody holds the private half.
    ///
    /// Of SHA-256("evidence-name/v1\n" || u32be i || name) for i = 0, 1, .. it is the first that is a canonical point of
    /// no small order; every second is.
    #[must_use]
    pub fn of_name(name: &Name) -> Self {
        let text = name.to_string();
        let point = |i: u32| Self::from_bytes(name_hash(i, &text).bytes()).ok();
        (0..).find_map(point).expect("every second hash is a point")
    }

    /// Parses an OpenSSH line as people have it, with or without a comment.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn parse_with_comment(line: &str) -> Result<Self, KeyError> {
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next()) {
            (Some(kind), Some(blob)) => format!("{kind} {blob}").parse(),
            _ => Err(KeyError::Line(line.chars().take(120).collect())),
        }
    }

    /// Returns the algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        Algorithm::Ed25519
    }

    /// Returns the 32 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Returns the OpenSSH fingerprint: SHA-256 over the wire form.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::from(sha256(&self.wire()))
    }

    /// Returns the SHA-256 of the SPKI DER, the subject of authority records.
    #[must_use]
    pub fn spki_sha256(&self) -> Digest {
        sha256(&[SPKI_PREFIX.as_slice(), &self.0.to_bytes()].concat())
    }

    /// Reads an SPKI PEM, as OpenSSL writes it.
    ///
    /// # Errors
    /// If it is none, not of Ed25519, or of a weak key.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_public_key_pem(pem.trim()).map_err(|error| KeyError::Pem(error.to_string()))?;
        Self::from_bytes(&key.to_bytes())
    }

    /// Returns the public key as SPKI PEM, as OpenSSL reads it.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).expect("32 bytes always encode")
    }

    /// Checks a signature strictly (RFC 8032 section 5.1.7, no small order, canonical S).
    ///
    /// # Errors
    /// If it does not hold.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        let wrong = || KeyError::Signature(self.fingerprint());
        let signature = Signature::from_slice(signature).map_err(|_| wrong())?;
        self.0.verify_strict(message, &signature).map_err(|_| wrong())
    }

    fn wire(&self) -> Vec<u8> {
        [WIRE_PREFIX, &self.0.to_bytes()].concat()
    }
}

/// Returns the name that a grant files its principal under; none if it is given to a key of somebody's own.
#[must_use]
pub fn filed_under(grant: &Grant) -> Option<Name> {
    let is_given_to = |name: &Name| PublicKey::of_name(name).to_string() == grant.key;
    grant.names_it_may_be_filed_under().into_iter().find(is_given_to)
}

impl FromStr for PublicKey {
    type Err = KeyError;

    /// Parses an OpenSSH line without comment, in its one spelling.
    fn from_str(line: &str) -> Result<Self, KeyError> {
        let wrong = || KeyError::Line(line.chars().take(120).collect());
        let blob = line.strip_prefix("ssh-ed25519 ").ok_or_else(wrong)?;
        let blob = STANDARD.decode(blob).map_err(|_| wrong())?;
        let bytes: &[u8; 32] =
            blob.strip_prefix(WIRE_PREFIX).and_then(|rest| rest.try_into().ok()).ok_or_else(wrong)?;
        Self::from_bytes(bytes)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ssh-ed25519 {}", STANDARD.encode(self.wire()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl SecretKey {
    /// Makes a key of 32 bytes that nobody else knows.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads a PKCS#8 PEM, version 1 or 2.
    ///
    /// # Errors
    /// If it is none, or not of Ed25519.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_pem(pem.trim()).map(Self).map_err(|error| KeyError::Pem(error.to_string()))
    }

    /// Writes a PKCS#8 version 1 PEM.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        let pair = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = pair.to_pkcs8_pem(LineEnding::LF).expect("32 bytes always encode");
        Zeroizing::new(pem.to_string())
    }

    /// Returns the public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public().fingerprint())
    }
}

/// RFC 8709 section 4: string "ssh-ed25519", string of 32 bytes.
const WIRE_PREFIX: &[u8] = b"\0\0\0\x0bssh-ed25519\0\0\0\x20";
/// RFC 8410 section 4: SEQUENCE { SEQUENCE { id-Ed25519 }, BIT STRING of 32 bytes }.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SecretKey {
        SecretKey::from_seed(&[3; 32])
    }

    #[test]
    fn the_fingerprint_is_that_of_openssh() {
        assert_eq!(key().public().fingerprint().as_str(), "SHA256:zbv/nU7iZdO0fB0DalMI70dP6/yFD8sctXvvW4+OokY");
    }

    #[test]
    fn a_public_key_has_one_line() {
        let line = key().public().to_string();
        assert_eq!(line.parse::<PublicKey>().unwrap(), key().public());
        assert!(format!("{line} comment").parse::<PublicKey>().is_err());
        assert_eq!(PublicKey::parse_with_comment(&format!("{line} me@host\n")).unwrap(), key().public());
        assert!(PublicKey::parse_with_comment("ssh-rsa AAAA").is_err());
    }

    #[test]
    fn weak_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(&identity), Err(KeyError::Weak));
        assert_eq!(PublicKey::from_bytes(&[0; 32]), Err(KeyError::Weak));
    }

    #[test]
    fn keys_that_are_no_canonical_point_are_refused() {
        let mut beyond = [0xff; 32];
        beyond[0] = 0xed + 3;
        beyond[31] = 0x7f;
        assert!(PublicKey::from_bytes(&beyond).is_err());
    }

    #[test]
    fn pem_reads_back_and_shows_no_secret() {
        let pem = key().to_pem();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw"));
        assert_eq!(SecretKey::from_pem(&pem).unwrap().public(), key().public());
        assert!(SecretKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----").is_err());
        assert!(!format!("{:?}", key()).contains("0303"));
    }

    #[test]
    fn a_changed_bit_voids_a_signature() {
        let signature = key().sign(b"message");
        assert!(key().public().verify(b"message", &signature).is_ok());
        assert!(key().public().verify(b"messagf", &signature).is_err());
        for index in 0..64 {
            let mut changed = signature;
            changed[index] ^= 1;
            assert!(key().public().verify(b"message", &changed).is_err());
        }
        assert!(key().public().verify(b"message", &signature[..63]).is_err());
    }
}
