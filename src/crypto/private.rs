//! Private key files as people have them: PKCS#8 and SEC 1 as OpenSSL writes them, and those of ssh-keygen.
//!
//! ```text
//! -----BEGIN PRIVATE KEY-----               PKCS#8 (RFC 5958), Ed25519 or P-256
//! -----BEGIN ENCRYPTED PRIVATE KEY-----     the same under a passphrase (RFC 8018, PBES2)
//! -----BEGIN EC PRIVATE KEY-----            SEC 1 (RFC 5915), P-256
//! -----BEGIN OPENSSH PRIVATE KEY-----       OpenSSH, PROTOCOL.key; with a passphrase or without
//! ```
//! The `EC PARAMETERS` that OpenSSL writes before a SEC 1 key say what the key says too. Line ends do not count, and may be written as `\n`, as some CI systems hand variables over. The passphrases of older
//! `openssl` (`Proc-Type`) are out of scope, and so are RSA, DSA and other curves.

use pkcs8::der::Decode as _;
use pkcs8::pkcs5::pbes2;
use pkcs8::{
    DecodePrivateKey as _, EncryptedPrivateKeyInfoRef, LineEnding, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument,
};
use zeroize::Zeroizing;

use super::ecdsa::EcdsaKey;
use super::key::{PublicKey, SecretKey, Sign, SignError};
use super::openssh::{short_p256, short_p256_of_file};

/// A private key of any algorithm that we sign with.
#[derive(Debug)]
pub enum PrivateKey {
    /// Ed25519.
    Ed25519(SecretKey),
    /// P-256.
    EcdsaP256(EcdsaKey),
}

/// What a private key file holds.
#[derive(Debug)]
pub enum KeyFile {
    /// A key that lies open.
    Open(Box<PrivateKey>),
    /// A key under a passphrase.
    Locked(LockedKey),
}

/// A private key under a passphrase.
pub struct LockedKey(Form);

enum Form {
    Pkcs8(Vec<u8>),
    OpenSsh(Box<ssh_key::PrivateKey>),
}

/// Why a private key file gives no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// No PEM.
    #[error("it holds no private key: wanted -----BEGIN, a key in base64, and -----END of the same name")]
    NoPem,
    /// A PEM of something else.
    #[error("it holds a `{0}`; wanted a PRIVATE KEY, ENCRYPTED PRIVATE KEY, EC PRIVATE KEY or OPENSSH PRIVATE KEY")]
    Label(String),
    /// The bytes are damaged.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// A key of another algorithm.
    #[error("its key is of {0}; wanted Ed25519 or P-256")]
    Algorithm(String),
    /// A handle of a key in a security key.
    #[error("it names a key in a security key, which only an agent can use")]
    SecurityKey,
    /// The passphrase is not the file's.
    #[error("the passphrase is wrong")]
    Passphrase,
    /// The file is encrypted in a way that we do not read.
    #[error("it is encrypted in a way that is not read: {0}")]
    Cipher(String),
}

impl KeyFile {
    /// Parses the text of a private key file.
    ///
    /// # Errors
    /// See [`KeyFileError`].
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let (label, bytes) = unarmored(text)?;
        match label.as_str() {
            "PRIVATE KEY" => of_pkcs8(&bytes).map(Self::open),
            "EC PRIVATE KEY" => of_sec1(&bytes).map(Self::open),
            "ENCRYPTED PRIVATE KEY" => {
                EncryptedPrivateKeyInfoRef::from_der(&bytes).map_err(damaged)?;
                Ok(Self::Locked(LockedKey(Form::Pkcs8(bytes.to_vec()))))
            }
            "OPENSSH PRIVATE KEY" => {
                let key = match ssh_key::PrivateKey::from_bytes(&bytes) {
                    Ok(key) => key,
                    Err(error) => {
                        let short = short_p256_of_file(&bytes).ok_or_else(|| damaged(error))?;
                        return Ok(Self::open(PrivateKey::EcdsaP256(short)));
                    }
                };
                if key.is_encrypted() {
                    // What no passphrase makes usable is said before one is asked for.
                    of_algorithm(&key)?;
                    return Ok(Self::Locked(LockedKey(Form::OpenSsh(Box::new(key)))));
                }
                of_openssh(&key).map(Self::open)
            }
            _ => Err(KeyFileError::Label(label)),
        }
    }

    fn open(key: PrivateKey) -> Self {
        Self::Open(Box::new(key))
    }
}

impl LockedKey {
    /// Returns the public half, where the file says it in clear.
    #[must_use]
    pub fn public(&self) -> Option<PublicKey> {
        match &self.0 {
            Form::Pkcs8(_) => None,
            Form::OpenSsh(key) => PublicKey::from_wire(&key.public_key().to_bytes().ok()?).ok(),
        }
    }

    /// Opens it with a passphrase.
    ///
    /// # Errors
    /// See [`KeyFileError`]. A file that was damaged within its encrypted part cannot be told from a wrong passphrase.
    pub fn unlock(&self, passphrase: &str) -> Result<PrivateKey, KeyFileError> {
        match &self.0 {
            Form::Pkcs8(der) => {
                let locked = EncryptedPrivateKeyInfoRef::from_der(der).map_err(damaged)?;
                let open = locked.decrypt(passphrase).map_err(|error| match error {
                    pkcs8::Error::EncryptedPrivateKey(
                        pkcs8::pkcs5::Error::DecryptFailed | pkcs8::pkcs5::Error::EncryptFailed,
                    ) => KeyFileError::Passphrase,
                    pkcs8::Error::EncryptedPrivateKey(other) => KeyFileError::Cipher(other.to_string()),
                    // The padding of what a wrong passphrase makes of it is right now and then.
                    _ => KeyFileError::Passphrase,
                })?;
                of_pkcs8(open.as_bytes()).map_err(|error| match error {
                    KeyFileError::Damaged(_) => KeyFileError::Passphrase,
                    other => other,
                })
            }
            Form::OpenSsh(key) => {
                let error = match key.decrypt(passphrase) {
                    Ok(open) => return of_openssh(&open),
                    Err(ssh_key::Error::Crypto) => return Err(KeyFileError::Passphrase),
                    Err(error) => error,
                };
                let short = decrypted(key, passphrase).and_then(|section| short_p256(&section));
                let short = short.filter(|short| self.public() == Some(short.public()));
                short.map(PrivateKey::EcdsaP256).ok_or_else(|| damaged(error))
            }
        }
    }
}

impl std::fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LockedKey")
    }
}

impl PrivateKey {
    /// Returns the public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        match self {
            Self::Ed25519(key) => key.public(),
            Self::EcdsaP256(key) => key.public(),
        }
    }

    /// Writes a PKCS#8 PEM.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        match self {
            Self::Ed25519(key) => key.to_pem(),
            Self::EcdsaP256(key) => key.to_pem(),
        }
    }

    /// Writes a PKCS#8 PEM under a passphrase, as OpenSSL reads it. `random` is used once: salt and first block.
    #[must_use]
    pub fn to_locked_pem(&self, passphrase: &str, random: &[[u8; 16]; 2]) -> Zeroizing<String> {
        let [salt, iv] = random;
        let open = SecretDocument::from_pem(&self.to_pem()).expect("we wrote it").1;
        let info = PrivateKeyInfoRef::from_der(open.as_bytes()).expect("we wrote it");
        let cost = pkcs8::pkcs5::scrypt::Params::new(SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P).expect("they are in range");
        let how = pbes2::Parameters::generate_scrypt_aes256cbc(cost, salt, *iv).expect("they are in range");
        let locked = info.encrypt_with_params(how, passphrase).expect("a hundred bytes always encrypt");
        locked.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).expect("a few hundred bytes always encode")
    }
}

impl Sign for PrivateKey {
    fn public(&self) -> PublicKey {
        self.public()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match self {
            Self::Ed25519(key) => Sign::sign(key, message),
            Self::EcdsaP256(key) => Sign::sign(key, message),
        }
    }
}

/// Takes a PEM's label and bytes, however its lines end.
fn unarmored(text: &str) -> Result<(String, Zeroizing<Vec<u8>>), KeyFileError> {
    let text = text
        .trim_start()
        .strip_prefix(PARAMETERS)
        .and_then(|rest| rest.split_once(PARAMETERS_END))
        .map_or(text, |(_, key)| key);
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(KeyFileError::NoPem)?;
    let (label, rest) = rest.split_once("-----").ok_or(KeyFileError::NoPem)?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----")).ok_or(KeyFileError::NoPem)?;
    if body.contains(':') {
        return Err(KeyFileError::Cipher("an old form with header lines".to_owned()));
    }
    // Base64 has no backslash: these two letters stand for a line end.
    let body = Zeroizing::new(body.replace("\\r", "").replace("\\n", ""));
    let body: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(body.as_bytes()).map_err(damaged)?;
    Ok((label.chars().take(60).collect(), Zeroizing::new(bytes)))
}

const PARAMETERS: &str = "-----BEGIN EC PARAMETERS-----";
const PARAMETERS_END: &str = "-----END EC PARAMETERS-----";

fn of_pkcs8(der: &[u8]) -> Result<PrivateKey, KeyFileError> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(damaged)?;
    match info.algorithm.oid {
        ED25519 => {
            let key = ed25519_dalek::SigningKey::from_pkcs8_der(der).map_err(damaged)?;
            Ok(PrivateKey::Ed25519(SecretKey::from_seed(&Zeroizing::new(key.to_bytes()))))
        }
        EC => {
            let curve = info.algorithm.parameters_oid().map_err(damaged)?;
            if curve != P256 {
                return Err(KeyFileError::Algorithm(format!("the curve {curve}")));
            }
            let key = p256::SecretKey::from_pkcs8_der(der).map_err(damaged)?;
            Ok(PrivateKey::EcdsaP256(key.into()))
        }
        RSA => Err(KeyFileError::Algorithm("RSA".to_owned())),
        other => Err(KeyFileError::Algorithm(other.to_string())),
    }
}

fn of_sec1(der: &[u8]) -> Result<PrivateKey, KeyFileError> {
    let key = p256::SecretKey::from_sec1_der(der);
    key.map(|key| PrivateKey::EcdsaP256(key.into())).map_err(|error| damaged(format!("no key of P-256: {error}")))
}

fn of_openssh(key: &ssh_key::PrivateKey) -> Result<PrivateKey, KeyFileError> {
    use ssh_key::private::{EcdsaKeypair, KeypairData};
    of_algorithm(key)?;
    let found = match key.key_data() {
        KeypairData::Ed25519(pair) => {
            PrivateKey::Ed25519(SecretKey::from_seed(&Zeroizing::new(pair.private.to_bytes())))
        }
        KeypairData::Ecdsa(EcdsaKeypair::NistP256 { private, .. }) => {
            let key = private.as_slice().try_into().ok().and_then(EcdsaKey::from_bytes);
            PrivateKey::EcdsaP256(key.ok_or_else(|| damaged("its number is out of range"))?)
        }
        _ => return Err(KeyFileError::Algorithm(key.algorithm().to_string())),
    };
    let public = key.public_key().to_bytes().map_err(damaged)?;
    if found.public().to_wire() == public { Ok(found) } else { Err(damaged("its two halves are of different keys")) }
}

/// Decrypts what `ssh-keygen` encrypted; none where the cipher has a tag of its own.
fn decrypted(key: &ssh_key::PrivateKey, passphrase: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (cipher, encrypted) = (key.cipher(), key.key_data().encrypted()?);
    let (secret, iv) = key.kdf().derive_key_and_iv(cipher, passphrase).ok()?;
    let mut section = Zeroizing::new(encrypted.to_vec());
    cipher.decrypt(&secret, &iv, &mut section, None).ok()?;
    Some(section)
}

fn of_algorithm(key: &ssh_key::PrivateKey) -> Result<(), KeyFileError> {
    use ssh_key::{Algorithm, EcdsaCurve};
    match key.algorithm() {
        Algorithm::Ed25519 | Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 } => Ok(()),
        Algorithm::SkEd25519 => Err(KeyFileError::SecurityKey),
        other => Err(KeyFileError::Algorithm(other.to_string())),
    }
}

fn damaged(error: impl std::fmt::Display) -> KeyFileError {
    KeyFileError::Damaged(error.to_string())
}

/// RFC 8410, section 3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// RFC 5480, section 2.1.1.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// 16 MiB: the most that OpenSSL 3 opens without being told to; five passes make up for it (OWASP, password storage).
const SCRYPT_LOG_N: u8 = 14;
const SCRYPT_R: u32 = 8;
const SCRYPT_P: u32 = 5;

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn keys() -> [PrivateKey; 2] {
        [
            PrivateKey::Ed25519(SecretKey::from_seed(&[7; 32])),
            PrivateKey::EcdsaP256(EcdsaKey::from_bytes(&[7; 32]).unwrap()),
        ]
    }

    fn open(text: &str) -> Result<PrivateKey, KeyFileError> {
        match KeyFile::parse(text)? {
            KeyFile::Open(key) => Ok(*key),
            KeyFile::Locked(_) => Err(KeyFileError::Passphrase),
        }
    }

    #[test]
    fn what_is_written_reads_back_however_its_lines_end() {
        for key in keys() {
            let pem = key.to_pem();
            for text in [
                pem.to_string(),
                pem.replace('\n', "\\n"),
                pem.replace('\n', "\r\n"),
                pem.trim().replace('\n', " "),
                format!("\n{}", *pem),
            ] {
                assert_eq!(open(&text).unwrap().public(), key.public(), "{text}");
            }
            assert!(matches!(open(&pem.replace("END PRIVATE", "END PUBLIC")), Err(KeyFileError::NoPem)));
            assert!(matches!(open(&pem.replace("PRIVATE", "PUBLIC")), Err(KeyFileError::Label(_))));
            assert!(matches!(open(&pem.replace("\nM", "\nN")), Err(KeyFileError::Damaged(_))));
        }
    }

    #[test]
    fn a_wrong_passphrase_is_told_from_a_damaged_file() {
        for key in keys() {
            let pem = key.to_locked_pem("open sesame", &[[1; 16], [2; 16]]);
            let Ok(KeyFile::Locked(locked)) = KeyFile::parse(&pem) else { panic!("{}", *pem) };
            assert_eq!(locked.unlock("open sesame").unwrap().public(), key.public());
            assert_eq!(locked.unlock("open").unwrap_err(), KeyFileError::Passphrase);
            assert_eq!(format!("{locked:?}"), "LockedKey");
            let cut = pem.replace("\nM", "\nN");
            assert!(matches!(KeyFile::parse(&cut), Err(KeyFileError::Damaged(_))));
        }
    }

    #[test]
    fn a_cipher_that_is_not_ours_is_named_and_no_wrong_passphrase() {
        // RFC 8018, appendix A.3: PBES1 with MD5 and DES.
        let cipher = [0x30, 0x1b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x03];
        let salt_and_rounds = [0x30, 0x0e, 0x04, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0x02, 0x02, 0x03, 0xe8];
        let der = [&[0x30, 0x2f], &cipher[..], &salt_and_rounds, &[0x04, 0x10], &[9; 16]].concat();
        let label = "ENCRYPTED PRIVATE KEY";
        let pem = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der));
        let Ok(KeyFile::Locked(locked)) = KeyFile::parse(&pem) else { panic!("{pem}") };
        assert!(matches!(locked.unlock("open sesame"), Err(KeyFileError::Cipher(_))));
    }

    #[test]
    fn keys_of_openssh_sign_and_security_keys_are_told_apart() {
        use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData, SkEd25519};
        let text = |data: KeypairData| ssh_key::PrivateKey::new(data, "").unwrap().to_openssh(LineEnding::LF).unwrap();
        let secret = SecretKey::from_seed(&[7; 32]);
        let public = ssh_key::public::Ed25519PublicKey(secret.public_bytes());
        let pair = |private: [u8; 32]| Ed25519Keypair { public, private: Ed25519PrivateKey::from_bytes(&private) };
        let key = open(&text(KeypairData::Ed25519(pair([7; 32])))).unwrap();
        assert_eq!(key.public(), secret.public());
        assert!(key.public().verify(b"message", &key.sign(b"message").unwrap()).is_ok());
        let other = open(&text(KeypairData::Ed25519(pair([8; 32]))));
        assert!(matches!(other, Err(KeyFileError::Damaged(_))));
        let token = SkEd25519::new(ssh_key::public::SkEd25519::new(public, "ssh:"), 1, [9; 64]).unwrap();
        assert_eq!(open(&text(KeypairData::SkEd25519(token))).unwrap_err(), KeyFileError::SecurityKey);
    }
}
