//! What `ssh-key` does not read of the files of `ssh-keygen`: a P-256 key whose number fits into fewer than 32 bytes, which
//! one key of 512 does (OpenSSH, PROTOCOL.key; RFC 4251, section 5, `mpint`).

use zeroize::Zeroizing;

use super::ecdsa::EcdsaKey;
use super::wire::{Wire, strings};

/// Returns the key of a file without a passphrase, if it is such a key.
pub(super) fn short_p256_of_file(file: &[u8]) -> Option<EcdsaKey> {
    let mut wire = Wire(file.strip_prefix(b"openssh-key-v1\0")?);
    let (cipher, kdf, options) = (wire.string()?, wire.string()?, wire.string()?);
    let (keys, public, private) = (wire.number()?, wire.string()?, wire.string()?);
    wire.end()?;
    let is_open = cipher == b"none" && kdf == b"none" && options.is_empty() && keys == 1;
    let key = short_p256(private).filter(|_| is_open)?;
    (key.public().to_wire() == public).then_some(key)
}

/// Returns the key of a file's private section, if it is such a key.
pub(super) fn short_p256(section: &[u8]) -> Option<EcdsaKey> {
    const ALGORITHM: &[u8] = b"ecdsa-sha2-nistp256";
    let mut wire = Wire(section);
    let checks = [wire.number()?, wire.number()?];
    let (algorithm, curve, point, number) = (wire.string()?, wire.string()?, wire.string()?, wire.string()?);
    let _comment = wire.string()?;
    let is_padded = wire.0.iter().zip(1_u8..).all(|(byte, place)| *byte == place);
    let is_short = number.len() < 32 && number.first().is_some_and(|first| (1..0x80).contains(first));
    if checks[0] != checks[1] || algorithm != ALGORITHM || !is_padded || !is_short {
        return None;
    }
    let mut whole = Zeroizing::new([0; 32]);
    whole[32 - number.len()..].copy_from_slice(number);
    let key = EcdsaKey::from_bytes(&whole)?;
    (key.public().to_wire() == strings(&[ALGORITHM, curve, point])).then_some(key)
}
