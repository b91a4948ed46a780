//! ECDSA on P-256 with SHA-256 (FIPS 186-5), for envelopes that others verify too.
//!
//! A signature is spelled as DER (RFC 3279, section 2.2.3), with the lower of the two `s` that hold: of each signature
//! there is one spelling, since an entry names it by its hash (format, section 13).

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{DerSignature, Signature, SigningKey, VerifyingKey};
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use zeroize::Zeroizing;

use super::key::{KeyError, PublicKey, Sign, SignError};

/// A private key of P-256. It leaves memory zeroed and is never printed.
pub struct EcdsaKey(SigningKey);

impl EcdsaKey {
    /// Takes 32 bytes that nobody else knows for a key; none if they are not a number from 1 to the group's order.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        SigningKey::from_slice(bytes).ok().map(Self)
    }

    /// Writes a PKCS#8 version 1 PEM.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        p256::SecretKey::from(&self.0).to_pkcs8_pem(LineEnding::LF).expect("a key always encodes")
    }

    /// Returns the public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::of_p256(*self.0.verifying_key())
    }

    /// Signs a message; the signature is in its one spelling.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(message);
        signature.normalize_s().to_der().as_bytes().to_vec()
    }
}

impl From<p256::SecretKey> for EcdsaKey {
    fn from(key: p256::SecretKey) -> Self {
        Self(key.into())
    }
}

impl Sign for EcdsaKey {
    fn public(&self) -> PublicKey {
        self.public()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.sign(message))
    }
}

impl std::fmt::Debug for EcdsaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EcdsaKey(of {})", self.public().fingerprint())
    }
}

/// Reads a point in its uncompressed form: on the curve, and not the one at infinity.
pub(super) fn point(bytes: &[u8]) -> Result<VerifyingKey, KeyError> {
    if bytes.len() != POINT_BYTES || bytes.first() != Some(&UNCOMPRESSED) {
        return Err(KeyError::Curve);
    }
    VerifyingKey::from_sec1_bytes(bytes).map_err(|_| KeyError::Curve)
}

/// Returns the uncompressed form of a point.
pub(super) fn point_bytes(key: &VerifyingKey) -> Vec<u8> {
    key.to_sec1_point(false).as_bytes().to_vec()
}

/// Returns whether a signature holds and is in its one spelling.
pub(super) fn holds(key: &VerifyingKey, message: &[u8], der: &[u8]) -> bool {
    let Ok(signature) = Signature::from_der(der) else { return false };
    one_spelling(&signature) == der && key.verify(message, &signature).is_ok()
}

/// Returns the one spelling of a signature that is given as DER or as two numbers of 32 bytes; none if it is neither.
#[must_use]
pub fn ecdsa_one_spelling(signature: &[u8]) -> Option<Vec<u8>> {
    let parsed = match signature.len() {
        RAW_BYTES => Signature::from_slice(signature).or_else(|_| Signature::from_der(signature)),
        _ => Signature::from_der(signature),
    };
    parsed.ok().map(|signature| one_spelling(&signature))
}

fn one_spelling(signature: &Signature) -> Vec<u8> {
    DerSignature::from(signature.normalize_s()).as_bytes().to_vec()
}

/// SEC 1, section 2.3.3: 04, x, y.
const POINT_BYTES: usize = 65;
const UNCOMPRESSED: u8 = 4;
const RAW_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> EcdsaKey {
        EcdsaKey::from_bytes(&[3; 32]).unwrap()
    }

    #[test]
    fn a_signature_has_one_spelling() {
        let signature = key().sign(b"message");
        assert!(key().public().verify(b"message", &signature).is_ok());
        assert_eq!(format!("{:?}", key()), format!("EcdsaKey(of {})", key().public().fingerprint()));
        let parsed = Signature::from_der(&signature).unwrap();
        let high = Signature::from_scalars(parsed.r().to_bytes(), (-*parsed.s()).to_bytes()).unwrap();
        assert!(p256::ecdsa::signature::Verifier::verify(key().0.verifying_key(), b"message", &high).is_ok());
        assert!(key().public().verify(b"message", high.to_der().as_bytes()).is_err());
        assert!(key().public().verify(b"message", &parsed.to_bytes()).is_err());
        for other in [high.to_der().as_bytes(), parsed.to_bytes().as_slice(), high.to_bytes().as_slice()] {
            assert_eq!(ecdsa_one_spelling(other).unwrap(), signature);
        }
        assert!(key().public().verify(b"message", &[&signature[..], &[0]].concat()).is_err());
    }

    #[test]
    fn a_changed_bit_voids_a_signature() {
        let signature = key().sign(b"message");
        assert!(key().public().verify(b"messagf", &signature).is_err());
        for index in 0..signature.len() {
            let mut changed = signature.clone();
            changed[index] ^= 1;
            assert!(key().public().verify(b"message", &changed).is_err(), "byte {index}");
        }
    }

    #[test]
    fn what_is_no_point_is_refused() {
        let good = point_bytes(key().0.verifying_key());
        assert!(point(&good).is_ok());
        let mut off = good.clone();
        off[64] ^= 1;
        let compressed = key().0.verifying_key().to_sec1_point(true).as_bytes().to_vec();
        let hybrid = [&[6 + (good[64] & 1)], &good[1..]].concat();
        for bad in [
            &off[..],
            &compressed,
            &hybrid,
            &[0],
            &[&[4_u8][..], &[0; 64]].concat(),
            &[&[4_u8][..], &[0xff; 64]].concat(),
        ] {
            assert_eq!(point(bad), Err(KeyError::Curve));
        }
        assert!(EcdsaKey::from_bytes(&[0; 32]).is_none() && EcdsaKey::from_bytes(&[0xff; 32]).is_none());
    }
}
