//! DSSE v1 envelopes, in the one spelling that ledgers and bundles hold (format, section 2).
//!
//! ```json
//! {"payload":"<base64>","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"SHA256:..","sig":"<base64>"}]}
//! ```

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};

use super::hash::{pae, sha256, statement_hash};
use super::key::{PublicKey, Sign, SignError};
use crate::model::{Digest, Fingerprint, JsonError, Numbers, SIGNED_MAX, SignedLine, parse_json};

/// An envelope whose form is checked and whose signatures are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What the payload is; whole-string compared.
    pub payload_type: String,
    /// The bytes that are signed over.
    pub payload: Vec<u8>,
    /// The signatures.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// The fingerprint of the key; a hint, never trusted.
    pub keyid: Fingerprint,
    /// The signature, as its algorithm spells it (format, section 13).
    pub sig: Vec<u8>,
}

/// Public keys by their fingerprints.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(BTreeMap<Fingerprint, PublicKey>);

/// A value that known keys have signed.
///
/// The only constructor is [`Envelope::open`]: to hold one is to have checked it.
///
/// ```compile_fail
/// let forged = evidence_ledger::crypto::Authentic { value: b"pass".to_vec(), signers: vec![] };
/// ```
#[derive(Debug, Clone)]
pub struct Authentic<T> {
    value: T,
    signers: Vec<Fingerprint>,
}

/// Why bytes are no envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not strict JSON.
    #[error("the envelope is unreadable: {0}")]
    Json(#[from] JsonError),
    /// A member is missing, unknown or of the wrong kind.
    #[error("the envelope is unreadable: {0}")]
    Member(String),
    /// A payload or signature is not base64.
    #[error("the envelope's {0} is not base64")]
    Base64(&'static str),
    /// The payload is not an in-toto statement.
    #[error("the envelope's payloadType is `{0}`; wanted `application/vnd.in-toto+json`")]
    PayloadType(String),
    /// No signature, more than eight, or two of one key.
    #[error("the envelope has {0}; wanted 1 to 8 signatures of different keys")]
    Signatures(String),
    /// More bytes than anything that we read needs.
    #[error("the envelope has {0} bytes; at most {ENVELOPE_BYTES_MAX} are read")]
    TooLarge(usize),
    /// The bytes are an envelope, but not in its one spelling.
    #[error("the envelope is not in its one spelling")]
    Spelling,
    /// A key does not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// Why an envelope does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No key of the ring has the fingerprint.
    #[error("the envelope is signed by {0}, which is no root and has no grant")]
    UnknownKey(Fingerprint),
    /// A signature does not hold.
    #[error("the signature of {0} does not hold")]
    Signature(Fingerprint),
    /// The signatures are not in the order of the entry's `signed` lines, which the keys' algorithms decide.
    #[error("the envelope's signatures are not in the order of its signed lines")]
    Order,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnvelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<RawSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignature {
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Signs an in-toto statement with each key.
    ///
    /// # Errors
    /// If there is no key, there are more than eight, one of them twice, or one that does not sign.
    pub fn seal<K: Sign + ?Sized>(payload: Vec<u8>, keys: &[&K]) -> Result<Self, EnvelopeError> {
        let message = pae(PAYLOAD_TYPE, &payload);
        let ring: KeyRing = keys.iter().map(|key| key.public()).collect();
        let mut envelope = Self { payload_type: PAYLOAD_TYPE.to_owned(), payload, signatures: Vec::new() };
        if keys.len() <= SIGNED_MAX && ring.0.len() == keys.len() {
            for key in keys {
                let keyid = key.public().fingerprint();
                envelope.signatures.push(EnvelopeSignature { keyid, sig: key.sign(&message)? });
            }
        } else {
            // Nobody is asked to sign what is refused anyway.
            let text = format!("{} keys, {} of them different", keys.len(), ring.0.len());
            return Err(EnvelopeError::Signatures(text));
        }
        Ok(envelope.counted()?.sorted(&ring))
    }

    /// Parses the one spelling that ledgers and bundles hold; the order of the signatures is checked by [`Envelope::open`],
    /// since the keys' algorithms decide it.
    ///
    /// # Errors
    /// See [`EnvelopeError`]; any other spelling is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope = Self::parse_foreign(bytes)?;
        if envelope.print() == bytes { Ok(envelope) } else { Err(EnvelopeError::Spelling) }
    }

    /// Parses an envelope as other tools write it: any JSON spelling, standard or URL-safe base64; `keyid` must be ours.
    ///
    /// # Errors
    /// See [`EnvelopeError`].
    pub fn parse_foreign(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(EnvelopeError::TooLarge(bytes.len()));
        }
        let member = |error: &dyn std::fmt::Display| EnvelopeError::Member(error.to_string());
        let raw: RawEnvelope = serde_json::from_value(parse_json(bytes, Numbers::Exact)?).map_err(|e| member(&e))?;
        if raw.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeError::PayloadType(raw.payload_type.chars().take(120).collect()));
        }
        let mut signatures = Vec::with_capacity(raw.signatures.len().min(SIGNED_MAX));
        for signature in raw.signatures.iter().take(SIGNED_MAX + 1) {
            let keyid = signature.keyid.parse().map_err(|e| member(&e))?;
            signatures.push(EnvelopeSignature { keyid, sig: decode(&signature.sig, "signature")? });
        }
        let payload = decode(&raw.payload, "payload")?;
        Self { payload_type: raw.payload_type, payload, signatures }.counted()
    }

    /// Prints the one spelling.
    #[must_use]
    pub fn print(&self) -> Vec<u8> {
        let raw = RawEnvelope {
            payload: STANDARD.encode(&self.payload),
            payload_type: self.payload_type.clone(),
            signatures: self
                .signatures
                .iter()
                .map(|signature| RawSignature {
                    keyid: signature.keyid.to_string(),
                    sig: STANDARD.encode(&signature.sig),
                })
                .collect(),
        };
        serde_json::to_vec(&raw).expect("strings always print")
    }

    /// Returns the hash of what is signed.
    #[must_use]
    pub fn statement_hash(&self) -> Digest {
        statement_hash(&self.payload_type, &self.payload)
    }

    /// Returns the `signed` lines of its entry, whose algorithms come from the keys.
    ///
    /// If a key is not in the ring, returns `None`.
    #[must_use]
    pub fn signed_lines(&self, ring: &KeyRing) -> Option<Vec<SignedLine>> {
        let line = |signature: &EnvelopeSignature| {
            Some(SignedLine {
                algorithm: ring.find(&signature.keyid)?.algorithm().as_str().to_owned(),
                fingerprint: signature.keyid.clone(),
                signature: sha256(&signature.sig),
            })
        };
        self.signatures.iter().map(line).collect()
    }

    /// Checks every signature and their order, and returns the payload that they cover.
    ///
    /// If no key of the ring has a signature's fingerprint, returns [`OpenError::UnknownKey`].
    /// If any signature does not hold, returns [`OpenError::Signature`].
    /// If they are not in the order of the `signed` lines, returns [`OpenError::Order`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(&self, ring: &KeyRing) -> Result<Authentic<Vec<u8>>, OpenError> {
        let message = pae(&self.payload_type, &self.payload);
        for signature in &self.signatures {
            let key = ring.find(&signature.keyid).ok_or_else(|| OpenError::UnknownKey(signature.keyid.clone()))?;
            key.verify(&message, &signature.sig).map_err(|_| OpenError::Signature(signature.keyid.clone()))?;
        }
        let lines = self.signed_lines(ring).unwrap_or_default();
        if !lines.is_sorted_by(|one, next| one.line() < next.line()) {
            return Err(OpenError::Order);
        }
        let signers = self.signatures.iter().map(|signature| signature.keyid.clone()).collect();
        Ok(Authentic { value: self.payload.clone(), signers })
    }

    /// Puts the signatures into the order of the entry's `signed` lines.
    #[must_use]
    pub fn sorted(mut self, ring: &KeyRing) -> Self {
        let word = |keyid: &Fingerprint| ring.find(keyid).map(|key| key.algorithm().as_str());
        self.signatures.sort_by_cached_key(|it| (word(&it.keyid), it.keyid.clone(), sha256(&it.sig).to_string()));
        self
    }

    /// Refuses no signature, too many, and two of one key.
    fn counted(self) -> Result<Self, EnvelopeError> {
        let wrong = |text: String| Err(EnvelopeError::Signatures(text));
        if !(1..=SIGNED_MAX).contains(&self.signatures.len()) {
            return wrong(format!("{} signatures", self.signatures.len()));
        }
        let keys: BTreeSet<&Fingerprint> = self.signatures.iter().map(|signature| &signature.keyid).collect();
        if keys.len() != self.signatures.len() {
            return wrong("two signatures of one key".to_owned());
        }
        Ok(self)
    }
}

impl KeyRing {
    /// Adds a key.
    pub fn insert(&mut self, key: PublicKey) {
        self.0.insert(key.fingerprint(), key);
    }

    /// Returns the key of a fingerprint.
    #[must_use]
    pub fn find(&self, fingerprint: &Fingerprint) -> Option<&PublicKey> {
        self.0.get(fingerprint)
    }
}

impl FromIterator<PublicKey> for KeyRing {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key.fingerprint(), key)).collect())
    }
}

impl<T> Authentic<T> {
    /// Returns what was signed.
    pub const fn value(&self) -> &T {
        &self.value
    }

    /// Returns the keys that signed it, each once.
    #[must_use]
    pub fn signers(&self) -> &[Fingerprint] {
        &self.signers
    }

    /// Reads what was signed as something more exact.
    ///
    /// # Errors
    /// What `read` returns.
    pub fn try_map<U, E>(self, read: impl FnOnce(T) -> Result<U, E>) -> Result<Authentic<U>, E> {
        Ok(Authentic { value: read(self.value)?, signers: self.signers })
    }
}

fn decode(text: &str, what: &'static str) -> Result<Vec<u8>, EnvelopeError> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).map_err(|_| EnvelopeError::Base64(what))
}

/// The payload type of in-toto statements.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// No envelope is larger (format, section 7).
pub const ENVELOPE_BYTES_MAX: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::{EcdsaKey, SecretKey};
    use super::*;

    fn keys() -> [SecretKey; 2] {
        [SecretKey::from_seed(&[2; 32]), SecretKey::from_seed(&[3; 32])]
    }

    #[test]
    fn an_envelope_reads_prints_and_opens() {
        let [one, two] = keys();
        let envelope = Envelope::seal(b"{}".to_vec(), &[&two, &one]).unwrap();
        let printed = envelope.print();
        assert_eq!(Envelope::parse(&printed).unwrap(), envelope);
        let ring: KeyRing = [one.public(), two.public()].into_iter().collect();
        assert_eq!(envelope.open(&ring).unwrap().signers().len(), 2);
    }

    #[test]
    fn every_signature_must_hold() {
        let [one, two] = keys();
        let ring: KeyRing = [one.public(), two.public()].into_iter().collect();
        let mut envelope = Envelope::seal(b"{}".to_vec(), &[&one, &two]).unwrap();
        envelope.signatures[1].sig[0] ^= 1;
        assert!(matches!(envelope.open(&ring), Err(OpenError::Signature(_))));
        let envelope = Envelope::seal(b"{}".to_vec(), &[&one, &two]).unwrap();
        let mut ring: KeyRing = [one.public()].into_iter().collect();
        assert!(matches!(envelope.open(&ring), Err(OpenError::UnknownKey(_))));
        ring.insert(two.public());
        assert!(envelope.open(&ring).is_ok());
    }

    #[test]
    fn signatures_stand_in_the_order_of_their_signed_lines() {
        let [one, two] = keys();
        let point = EcdsaKey::from_bytes(&[4; 32]).unwrap();
        let ring: KeyRing = [one.public(), two.public(), point.public()].into_iter().collect();
        let sealed = Envelope::seal::<dyn Sign>(b"{}".to_vec(), &[&two, &point, &one]).unwrap();
        let words: Vec<String> = sealed.signed_lines(&ring).unwrap().into_iter().map(|line| line.algorithm).collect();
        assert_eq!(words, ["ecdsa-p256", "ed25519", "ed25519"]);
        assert!(sealed.open(&ring).is_ok());
        for (a, b) in [(0, 1), (1, 2), (0, 2)] {
            let mut swapped = sealed.clone();
            swapped.signatures.swap(a, b);
            assert!(matches!(swapped.open(&ring), Err(OpenError::Order)));
            assert_eq!(swapped.sorted(&ring), sealed);
        }
    }

    #[test]
    fn a_key_that_does_not_sign_makes_no_envelope() {
        struct Lost;
        impl Sign for Lost {
            fn public(&self) -> PublicKey {
                keys()[0].public()
            }
            fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
                Err(SignError { key: self.public().fingerprint(), reason: "it was pulled out".to_owned() })
            }
        }
        let error = Envelope::seal(b"{}".to_vec(), &[&Lost]).unwrap_err();
        assert!(error.to_string().ends_with("does not sign: it was pulled out"));
    }

    #[test]
    fn other_spellings_and_doubles_are_refused() {
        let [one, _] = keys();
        assert!(Envelope::seal(b"{}".to_vec(), &[&one, &one]).is_err());
        assert!(Envelope::seal::<SecretKey>(b"{}".to_vec(), &[]).is_err());
        let printed = String::from_utf8(Envelope::seal(b"{}".to_vec(), &[&one]).unwrap().print()).unwrap();
        let spaced = printed.replacen(':', ": ", 1);
        assert_eq!(Envelope::parse(spaced.as_bytes()), Err(EnvelopeError::Spelling));
        assert!(Envelope::parse_foreign(spaced.as_bytes()).is_ok());
        assert!(Envelope::parse(format!("{printed}\n").as_bytes()).is_err());
        assert!(Envelope::parse(printed.replace("in-toto", "in-toto2").as_bytes()).is_err());
        assert!(Envelope::parse(printed.replace("\"sig\"", "\"x\":1,\"sig\"").as_bytes()).is_err());
    }

    #[test]
    fn eight_signatures_are_read_and_no_more() {
        let keys: Vec<SecretKey> = (1..=9).map(|seed| SecretKey::from_seed(&[seed; 32])).collect();
        let eight: Vec<&SecretKey> = keys.iter().take(SIGNED_MAX).collect();
        let mut envelope = Envelope::seal(b"{}".to_vec(), &eight).unwrap();
        let read = Envelope::parse_foreign(&envelope.print()).unwrap();
        assert_eq!(read.signatures.len(), 8);
        let ninth = Envelope::seal(b"{}".to_vec(), &[&keys[8]]).unwrap().signatures.remove(0);
        envelope.signatures.push(ninth);
        assert!(matches!(Envelope::parse_foreign(&envelope.print()), Err(EnvelopeError::Signatures(_))));
    }

    #[test]
    fn one_signature_twice_does_not_open() {
        let [one, _] = keys();
        let ring: KeyRing = [one.public()].into_iter().collect();
        let mut envelope = Envelope::seal(b"{}".to_vec(), &[&one]).unwrap();
        assert!(envelope.open(&ring).is_ok());
        envelope.signatures.push(envelope.signatures[0].clone());
        assert!(matches!(envelope.open(&ring), Err(OpenError::Order)));
    }

    #[test]
    fn what_is_too_large_is_not_even_read() {
        let junk = |length: usize| Envelope::parse_foreign(&vec![b'x'; length]);
        assert!(matches!(junk(ENVELOPE_BYTES_MAX), Err(EnvelopeError::Json(_))));
        assert_eq!(junk(ENVELOPE_BYTES_MAX + 1), Err(EnvelopeError::TooLarge(16 * 1024 * 1024 + 1)));
    }

    #[test]
    fn nobody_is_asked_to_sign_what_is_refused_anyway() {
        struct Counted(SecretKey, AtomicU32);
        impl Sign for Counted {
            fn public(&self) -> PublicKey {
                self.0.public()
            }
            fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
                self.1.fetch_add(1, Ordering::Relaxed);
                Sign::sign(&self.0, message)
            }
        }
        let keys: Vec<Counted> =
            (1..=9).map(|seed| Counted(SecretKey::from_seed(&[seed; 32]), AtomicU32::new(0))).collect();
        let all: Vec<&Counted> = keys.iter().collect();
        assert!(Envelope::seal(b"{}".to_vec(), &all).is_err());
        assert!(Envelope::seal(b"{}".to_vec(), &[&keys[0], &keys[0]]).is_err());
        assert!(keys.iter().all(|key| key.1.load(Ordering::Relaxed) == 0));
        assert!(Envelope::seal(b"{}".to_vec(), &all[..8]).is_ok());
        assert!(keys[..8].iter().all(|key| key.1.load(Ordering::Relaxed) == 1));
    }
}
