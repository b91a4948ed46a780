//! Signatures of security keys that hold an Ed25519 key (FIDO2; OpenSSH, PROTOCOL.u2f).
//!
//! The authenticator signs SHA-256(application) || flags || u32be counter || SHA-256(message). The signature is spelled
//! as the 64 bytes, the flags and the counter: 69 bytes (format, section 13).

use ed25519_dalek::{Signature, VerifyingKey};

use super::hash::sha256;

/// Returns whether a signature holds: strictly, by a touch, and with no flags but those two.
pub(super) fn holds(key: &VerifyingKey, application: &str, message: &[u8], signature: &[u8]) -> bool {
    let Some((raw, rest)) = signature.split_first_chunk::<64>() else { return false };
    let &[flags, _, _, _, _] = rest else { return false };
    if flags & USER_PRESENT == 0 || flags & !(USER_PRESENT | USER_VERIFIED) != 0 {
        return false;
    }
    let signed = [sha256(application.as_bytes()).bytes().as_slice(), rest, sha256(message).bytes()].concat();
    key.verify_strict(&signed, &Signature::from_bytes(raw)).is_ok()
}

/// Returns whether an application is one that OpenSSH enrols user keys under.
pub(super) fn is_application(text: &str) -> bool {
    text.starts_with("ssh:") && text.len() <= APPLICATION_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The person touched the key.
const USER_PRESENT: u8 = 0x01;
/// The key knew the person, by a PIN or a finger.
const USER_VERIFIED: u8 = 0x04;
/// `ssh:` and a name; a line of a key stays short.
const APPLICATION_BYTES_MAX: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};

    fn sign(application: &str, flags: u8, message: &[u8]) -> Vec<u8> {
        let key = SigningKey::from_bytes(&[3; 32]);
        let rest = [flags, 0, 0, 1, 2];
        let signed = [sha256(application.as_bytes()).bytes().as_slice(), &rest, sha256(message).bytes()].concat();
        [key.sign(&signed).to_bytes().as_slice(), &rest].concat()
    }

    fn opens(application: &str, message: &[u8], signature: &[u8]) -> bool {
        holds(&SigningKey::from_bytes(&[3; 32]).verifying_key(), application, message, signature)
    }

    #[test]
    fn a_touch_is_demanded_and_other_flags_are_refused() {
        for flags in 0..=u8::MAX {
            let held = opens("ssh:", b"message", &sign("ssh:", flags, b"message"));
            assert_eq!(held, [0x01, 0x05].contains(&flags), "{flags:#04x}");
        }
    }

    #[test]
    fn every_byte_and_the_application_count() {
        let signature = sign("ssh:", 1, b"message");
        assert!(!opens("ssh:other", b"message", &signature) && !opens("ssh:", b"messagf", &signature));
        for index in 0..signature.len() {
            let mut changed = signature.clone();
            changed[index] ^= 4;
            assert!(!opens("ssh:", b"message", &changed), "byte {index}");
        }
        assert!(!opens("ssh:", b"message", &signature[..68]));
        assert!(!opens("ssh:", b"message", &[&signature[..], &[0]].concat()));
    }

    #[test]
    fn a_plain_signature_of_the_same_key_does_not_pass_for_one() {
        let plain = SigningKey::from_bytes(&[3; 32]).sign(b"message").to_bytes();
        assert!(!opens("ssh:", b"message", &plain));
        assert!(!opens("ssh:", b"message", &[&plain[..], &[1, 0, 0, 0, 1]].concat()));
    }

    #[test]
    fn applications_are_those_of_openssh() {
        assert!(is_application("ssh:") && is_application("ssh:work"));
        for bad in ["", "web:", "ssh: x", "ssh:\u{e9}", &format!("ssh:{}", "a".repeat(117))] {
            assert!(!is_application(bad), "{bad}");
        }
    }
}
