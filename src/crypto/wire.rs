//! The wire form of SSH (RFC 4251, section 5): numbers, and bytes behind their length.

/// Puts bytes behind their length.
pub(crate) fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("keys and messages are far below 4 GiB");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Returns several byte strings, each behind its length.
pub(crate) fn strings(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        put(&mut out, part);
    }
    out
}

/// What is left to read of bytes in the wire form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wire<'a>(pub(crate) &'a [u8]);

impl<'a> Wire<'a> {
    /// Takes a number.
    pub(crate) fn number(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    /// Takes bytes behind their length.
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Returns something if nothing is left.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_read_back_and_cut_ones_do_not() {
        let bytes = strings(&[b"one", b""]);
        let mut wire = Wire(&bytes);
        assert_eq!((wire.string(), wire.string(), wire.end()), (Some(&b"one"[..]), Some(&b""[..]), Some(())));
        for length in 0..7 {
            assert_eq!(Wire(&bytes[..length]).string(), None);
        }
        assert_eq!(Wire(&[0xff, 0xff, 0xff, 0xff, 1]).string(), None);
    }
}
