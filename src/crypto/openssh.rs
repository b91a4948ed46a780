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

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8; 32] = b"EVIDENCE TEST KEY, NOT SECRET 01";

    /// What a private section says.
    struct Section<'a> {
        checks: [u32; 2],
        algorithm: &'a [u8],
        number: Vec<u8>,
        padding: &'a [u8],
    }

    /// The section of a key with a number of so many bytes.
    fn short(length: usize) -> Section<'static> {
        let number = TEXT[..length].to_vec();
        Section { checks: [7, 7], algorithm: b"ecdsa-sha2-nistp256", number, padding: &[1, 2, 3] }
    }

    fn public(number: &[u8]) -> Vec<u8> {
        let mut whole = [0; 32];
        whole[32 - number.len()..].copy_from_slice(number);
        EcdsaKey::from_bytes(&whole).unwrap().public().to_wire()
    }

    impl Section<'_> {
        fn print(&self) -> Vec<u8> {
            let public = public(&self.number);
            let mut wire = Wire(&public);
            let [_, curve, point] = [(); 3].map(|()| wire.string().unwrap());
            let checks = self.checks.map(u32::to_be_bytes).concat();
            let texts = strings(&[self.algorithm, curve, point, &self.number, b"a comment"]);
            [&checks, &texts, self.padding].concat()
        }
    }

    #[test]
    fn section_of_a_short_number_is_read_and_no_other() {
        for length in [1, 30, 31] {
            let key = short_p256(&short(length).print()).unwrap();
            assert_eq!(key.public().to_wire(), public(&TEXT[..length]), "{length}");
        }
        assert!(short_p256(&Section { padding: &[], ..short(31) }.print()).is_some());
        let of_number = |number: &[u8]| Section { number: number.to_vec(), ..short(31) };
        for (other, what) in [
            (Section { checks: [7, 8], ..short(31) }, "two checks"),
            (Section { algorithm: b"ecdsa-sha2-nistp384", ..short(31) }, "another algorithm"),
            (Section { padding: &[1, 2, 4], ..short(31) }, "other padding"),
            (short(32), "a number that is not short"),
            (of_number(&[&[0], &TEXT[..30]].concat()), "a needless nought"),
            (of_number(&[&[0x80], &TEXT[..30]].concat()), "a negative number"),
        ] {
            assert!(short_p256(&other.print()).is_none(), "{what}");
        }
    }

    #[test]
    fn file_without_a_passphrase_is_read_and_one_that_says_otherwise_is_not() {
        let section = short(31).print();
        let file = |of: [&[u8]; 3], keys: u32, public: &[u8]| {
            let (head, tail) = (strings(&of), strings(&[public, &section]));
            [&b"openssh-key-v1\0"[..], &head, &keys.to_be_bytes(), &tail].concat()
        };
        let own = public(&TEXT[..31]);
        let plain: [&[u8]; 3] = [b"none", b"none", b""];
        assert!(short_p256_of_file(&file(plain, 1, &own)).is_some());
        for (of, keys) in [
            ([&b"aes256-ctr"[..], b"none", b""], 1),
            ([b"none", b"bcrypt", b""], 1),
            ([b"none", b"none", b"x"], 1),
            (plain, 2),
        ] {
            assert!(short_p256_of_file(&file(of, keys, &own)).is_none(), "{of:?} {keys}");
        }
        assert!(short_p256_of_file(&file(plain, 1, &public(&TEXT[..30]))).is_none(), "another public key");
        assert!(short_p256_of_file(&[&file(plain, 1, &own)[..], &[0]].concat()).is_none(), "more behind it");
    }
}
