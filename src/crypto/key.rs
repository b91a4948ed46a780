//! Keys: Ed25519 (RFC 8032), P-256 (FIPS 186-5), Ed25519 in a security key (OpenSSH, PROTOCOL.u2f).
//!
//! Here are their OpenSSH lines, fingerprints and SPKI (RFC 8410, RFC 5480); `private` reads private key files.
//! Weak keys are refused where they enter: under a key of small order anybody can sign anything.
//! Signatures are checked strictly. PKCS#8 is written as version 1, which OpenSSL 3.0 reads, and read as 1 or 2.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::spki::der::pem::{LineEnding, decode_vec, encode_string};
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::hash::{name_hash, sha256};
use super::wire::{Wire, strings};
use super::{ecdsa, sk};
use crate::model::{Digest, Fingerprint, Grant, Name};

/// A signature algorithm. It comes from the granted key, never from the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RFC 8032 Ed25519.
    Ed25519,
    /// ECDSA on P-256 with SHA-256.
    EcdsaP256,
    /// Ed25519 in a security key, which signs at a touch.
    SkEd25519,
}

/// A public key that is fit to verify with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Ed25519(VerifyingKey),
    EcdsaP256(p256::ecdsa::VerifyingKey),
    SkEd25519 { key: VerifyingKey, application: String },
}

/// A private key of Ed25519. It leaves memory zeroed and is never printed.
pub struct SecretKey(SigningKey);

/// Somebody who signs envelopes: a private key in memory, or an agent that holds one.
pub trait Sign: Send + Sync {
    /// Returns the public half.
    fn public(&self) -> PublicKey;

    /// Signs a message; the signature is spelled as envelopes hold it (format, section 13).
    ///
    /// # Errors
    /// If whoever holds the private half does not sign.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why a key does not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key {key} does not sign: {reason}")]
pub struct SignError {
    /// The key.
    pub key: Fingerprint,
    /// What whoever holds it says.
    pub reason: String,
}

/// Why a text is no key, or a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not an OpenSSH public key line of a known algorithm.
    #[error(
        "`{0}` is not a public key: wanted `<algorithm> <base64>`, the algorithm ssh-ed25519, ecdsa-sha2-nistp256 or sk-ssh-ed25519@openssh.com"
    )]
    Line(String),
    /// The bytes are no point of the curve in their one encoding.
    #[error("the key is not a canonical Ed25519 point")]
    Point,
    /// The bytes are no point of P-256, or not in their one encoding.
    #[error("the key is not a point of P-256 in its uncompressed form")]
    Curve,
    /// The key has small order.
    #[error("the key is weak: its order is small, and anybody could sign under it")]
    Weak,
    /// A security key's application is not one of OpenSSH's.
    #[error("the security key's application is `{0}`; wanted `ssh:` and at most 116 printable characters")]
    Application(String),
    /// Not a key in PEM.
    #[error("not an Ed25519 or P-256 key in PEM: {0}")]
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
            Self::EcdsaP256 => "ecdsa-p256",
            Self::SkEd25519 => "sk-ed25519",
        }
    }

    /// Returns the first word of OpenSSH lines.
    const fn of_line(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256",
            Self::SkEd25519 => "sk-ssh-ed25519@openssh.com",
        }
    }
}

impl PublicKey {
    /// Takes 32 bytes for an Ed25519 key.
    ///
    /// # Errors
    /// If they are not the canonical encoding of a point, or the point has small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        strong_point(bytes).map(|key| Self(Kind::Ed25519(key)))
    }

    pub(super) const fn of_p256(key: p256::ecdsa::VerifyingKey) -> Self {
        Self(Kind::EcdsaP256(key))
    }

    /// Reads the wire form of OpenSSH, of which there is one for each key.
    ///
    /// # Errors
    /// If it is none of a known algorithm, or of an unfit key.
    pub fn from_wire(bytes: &[u8]) -> Result<Self, KeyError> {
        let wrong = || KeyError::Line(STANDARD.encode(bytes).chars().take(120).collect());
        let mut wire = Wire(bytes);
        let word = wire.string().ok_or_else(wrong)?;
        let algorithms = [Algorithm::Ed25519, Algorithm::EcdsaP256, Algorithm::SkEd25519];
        let algorithm = algorithms.into_iter().find(|known| known.of_line().as_bytes() == word).ok_or_else(wrong)?;
        let first = wire.string().ok_or_else(wrong)?;
        let key = match algorithm {
            Algorithm::Ed25519 => Kind::Ed25519(strong_point(first.try_into().map_err(|_| wrong())?)?),
            Algorithm::EcdsaP256 => {
                let point = wire.string().filter(|_| first == CURVE).ok_or_else(wrong)?;
                Kind::EcdsaP256(ecdsa::point(point)?)
            }
            Algorithm::SkEd25519 => {
                let key = strong_point(first.try_into().map_err(|_| wrong())?)?;
                let application = wire.string().ok_or_else(wrong)?;
                let text = String::from_utf8_lossy(application).into_owned();
                if !sk::is_application(&text) {
                    return Err(KeyError::Application(text.chars().take(120).collect()));
                }
                Kind::SkEd25519 { key, application: text }
            }
        };
        wire.end().ok_or_else(wrong)?;
        Ok(Self(key))
    }

    /// Returns the wire form of OpenSSH.
    #[must_use]
    pub fn to_wire(&self) -> Vec<u8> {
        let word = self.algorithm().of_line().as_bytes();
        match &self.0 {
            Kind::Ed25519(key) => strings(&[word, key.as_bytes()]),
            Kind::EcdsaP256(key) => strings(&[word, CURVE, &ecdsa::point_bytes(key)]),
            Kind::SkEd25519 { key, application } => strings(&[word, key.as_bytes(), application.as_bytes()]),
        }
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
        match self.0 {
            Kind::Ed25519(_) => Algorithm::Ed25519,
            Kind::EcdsaP256(_) => Algorithm::EcdsaP256,
            Kind::SkEd25519 { .. } => Algorithm::SkEd25519,
        }
    }

    /// Returns the 32 bytes of an Ed25519 key; none of others.
    #[must_use]
    pub fn ed25519_bytes(&self) -> Option<[u8; 32]> {
        match &self.0 {
            Kind::Ed25519(key) => Some(key.to_bytes()),
            Kind::EcdsaP256(_) | Kind::SkEd25519 { .. } => None,
        }
    }

    /// Returns the OpenSSH fingerprint: SHA-256 over the wire form.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::from(sha256(&self.to_wire()))
    }

    /// Returns the SHA-256 of the SPKI DER, the subject of authority records; of a security key, which has no SPKI, that
    /// of its wire form.
    #[must_use]
    pub fn spki_sha256(&self) -> Digest {
        sha256(&self.spki().unwrap_or_else(|| self.to_wire()))
    }

    /// Reads an SPKI PEM, as OpenSSL writes it.
    ///
    /// # Errors
    /// If it is none, not of Ed25519 or P-256, or of an unfit key.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (label, der) = decode_vec(pem.trim().as_bytes()).map_err(|error| KeyError::Pem(error.to_string()))?;
        if label != PEM_LABEL {
            return Err(KeyError::Pem(format!("it holds a {label}; wanted a {PEM_LABEL}")));
        }
        if let Some(bytes) = der.strip_prefix(SPKI_ED25519).and_then(|rest| rest.try_into().ok()) {
            return Self::from_bytes(bytes);
        }
        match der.strip_prefix(SPKI_P256) {
            Some(bytes) => Ok(Self::of_p256(ecdsa::point(bytes)?)),
            None => Err(KeyError::Pem("it is of another algorithm, or not in its usual form".to_owned())),
        }
    }

    /// Returns the public key as SPKI PEM, as OpenSSL reads it; none of a security key.
    #[must_use]
    pub fn to_pem(&self) -> Option<String> {
        let spki = self.spki()?;
        Some(encode_string(PEM_LABEL, LineEnding::LF, &spki).expect("a hundred bytes always encode"))
    }

    /// Checks a signature strictly: Ed25519 by RFC 8032, section 5.1.7, with no small order and canonical S; each in its
    /// one spelling (format, section 13).
    ///
    /// # Errors
    /// If it does not hold.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        let holds = match &self.0 {
            Kind::Ed25519(key) => {
                Signature::from_slice(signature).is_ok_and(|it| key.verify_strict(message, &it).is_ok())
            }
            Kind::EcdsaP256(key) => ecdsa::holds(key, message, signature),
            Kind::SkEd25519 { key, application } => sk::holds(key, application, message, signature),
        };
        if holds { Ok(()) } else { Err(KeyError::Signature(self.fingerprint())) }
    }

    fn spki(&self) -> Option<Vec<u8>> {
        match &self.0 {
            Kind::Ed25519(key) => Some([SPKI_ED25519, key.as_bytes()].concat()),
            Kind::EcdsaP256(key) => Some([SPKI_P256, &ecdsa::point_bytes(key)].concat()),
            Kind::SkEd25519 { .. } => None,
        }
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
        let (word, blob) = line.split_once(' ').ok_or_else(wrong)?;
        let key = Self::from_wire(&STANDARD.decode(blob).map_err(|_| wrong())?).map_err(|error| match error {
            KeyError::Line(_) => wrong(),
            other => other,
        })?;
        if key.algorithm().of_line() == word { Ok(key) } else { Err(wrong()) }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm().of_line(), STANDARD.encode(self.to_wire()))
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
        PublicKey(Kind::Ed25519(self.0.verifying_key()))
    }

    /// Returns the 32 bytes of the public half.
    #[must_use]
    pub fn public_bytes(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
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

impl Sign for SecretKey {
    fn public(&self) -> PublicKey {
        self.public()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.sign(message).to_vec())
    }
}

/// Returns the point of 32 bytes that are its canonical encoding, if its order is not small.
fn strong_point(bytes: &[u8; 32]) -> Result<VerifyingKey, KeyError> {
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Point)?;
    if key.is_weak() {
        return Err(KeyError::Weak);
    }
    // A point that is encoded with y >= p decodes, and encodes again to other bytes.
    let canonical = key.to_edwards().compress().to_bytes() == *bytes;
    if canonical { Ok(key) } else { Err(KeyError::Point) }
}

/// RFC 5656, section 3.1: the curve's name in the wire form.
const CURVE: &[u8] = b"nistp256";
const PEM_LABEL: &str = "PUBLIC KEY";
/// RFC 8410, section 4: SEQUENCE { SEQUENCE { id-Ed25519 }, BIT STRING of 32 bytes }.
const SPKI_ED25519: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// RFC 5480, section 2: SEQUENCE { SEQUENCE { id-ecPublicKey, secp256r1 }, BIT STRING of 65 bytes }.
const SPKI_P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

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
    fn lines_of_other_algorithms_and_mixed_ones_are_told_apart() {
        let point = super::super::EcdsaKey::from_bytes(&[3; 32]).unwrap().public();
        let sk = |application: &str| {
            let wire = strings(&[
                b"sk-ssh-ed25519@openssh.com",
                &key().public().ed25519_bytes().unwrap(),
                application.as_bytes(),
            ]);
            format!("sk-ssh-ed25519@openssh.com {}", STANDARD.encode(wire))
        };
        let lines = [key().public().to_string(), point.to_string(), sk("ssh:"), sk("ssh:work")];
        for (index, line) in lines.iter().enumerate() {
            let key: PublicKey = line.parse().unwrap();
            assert_eq!(key.to_string(), *line);
            assert!(lines[..index].iter().all(|other| other.parse::<PublicKey>().unwrap() != key));
            let (word, blob) = line.split_once(' ').unwrap();
            let bytes = STANDARD.decode(blob).unwrap();
            for cut in 0..bytes.len() {
                assert!(PublicKey::from_wire(&bytes[..cut]).is_err());
            }
            assert!(PublicKey::from_wire(&[&bytes[..], &[0]].concat()).is_err());
            for other in &lines {
                let mixed = format!("{word} {}", other.split_once(' ').unwrap().1);
                assert_eq!(mixed.parse::<PublicKey>().is_ok(), other.starts_with(&format!("{word} ")));
            }
        }
        assert!(matches!(sk("web:").parse::<PublicKey>(), Err(KeyError::Application(_))));
        assert!(lines[2].parse::<PublicKey>().unwrap().to_pem().is_none());
        let pem = point.to_pem().unwrap();
        assert_eq!(PublicKey::from_pem(&pem).unwrap(), point);
        assert!(PublicKey::from_pem(&pem.replace("PUBLIC", "PRIVATE")).is_err());
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
        let fingerprint = key().public().fingerprint();
        assert_eq!(format!("{:?}", key()), format!("SecretKey(of {fingerprint})"));
        assert_eq!(format!("{:?}", key().public()), format!("PublicKey({})", key().public()));
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

    #[test]
    fn a_grant_is_filed_under_the_one_name_whose_key_it_is_given_to() {
        let grant = |key: PublicKey| Grant {
            key: key.to_string(),
            principal: "ana".parse().unwrap(),
            owner: None,
            roles: Vec::new(),
            emails: vec!["ana@example.org".to_owned(), "a@example.org".to_owned()],
            changes: Vec::new(),
            until: None,
            leased_by: None,
        };
        for name in [Name::address("a@example.org"), Name::Principal("ana".parse().unwrap())] {
            assert_eq!(filed_under(&grant(PublicKey::of_name(&name))), Some(name));
        }
        assert_eq!(filed_under(&grant(PublicKey::of_name(&Name::address("b@example.org")))), None);
        assert_eq!(filed_under(&grant(key().public())), None);
    }
}
