//! Git's index file, version 2 (`git help gitformat-index`): which path has which mode and object.
//!
//! ```text
//! "DIRC", version 2, count: 4 bytes each, big endian; then of each entry
//! 24 bytes of times and places, mode: 4, 12 bytes of owner and size, id: 20 or 32, flags: 2, path, 1-8 zero bytes to a
//! multiple of 8; then extensions and a checksum
//! ```
//! The id of the tree that an index stands for is hashed here, folder by folder. Only indexes that we had git write a moment ago are read. Out of scope: versions 3 and 4, extensions, the checksum.

use super::objects::{Mode, TreeEntry, tree_oid};
use super::run::GitError;
use crate::model::Oid;

/// One entry: a file, a link or a submodule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexEntry {
    /// The path from the top, with `/`.
    pub(super) path: Vec<u8>,
    mode: [u8; 4],
    id: Vec<u8>,
}

impl IndexEntry {
    /// Returns whether it is a submodule.
    pub(super) fn is_submodule(&self) -> bool {
        self.mode == SUBMODULE
    }

    /// Returns what it is, or `None` for what git has no mode for.
    pub(super) fn mode(&self) -> Option<Mode> {
        Mode::from_octal(format!("{:o}", u32::from_be_bytes(self.mode)).as_bytes())
    }

    /// Returns the object that it names.
    pub(super) fn oid(&self) -> Oid {
        Oid::try_from(hex::encode(&self.id)).expect("20 or 32 bytes in hex have 40 or 64 digits")
    }
}

/// Parses the entries of an index whose ids have so many hex digits.
///
/// # Errors
/// What was wanted, if that is not there.
pub(super) fn parse_index(bytes: &[u8], digits: usize) -> Result<Vec<IndexEntry>, &'static str> {
    let rest = bytes.strip_prefix(b"DIRC\0\0\0\x02").ok_or("wanted an index of version 2")?;
    let (count, mut rest) = rest.split_first_chunk::<4>().ok_or(CUT)?;
    let count = usize::try_from(u32::from_be_bytes(*count)).map_err(|_| CUT)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let id = FIXED_BYTES..FIXED_BYTES + digits / 2;
        let flags = rest.get(id.end..id.end + 2).ok_or(CUT)?;
        // Assumed unchanged, or extended: neither is in an index that read-tree and add have just made.
        if flags[0] & 0xc0 != 0 {
            return Err("wanted plain entries");
        }
        // Bits 12 and 13 are the stage: only unmerged entries have one.
        if flags[0] & 0x30 != 0 {
            return Err("wanted merged entries");
        }
        let behind = &rest[id.end + 2..];
        let length = behind.iter().position(|b| *b == 0).ok_or(CUT)?;
        let mode = *rest.get(MODE_AT..).and_then(<[u8]>::first_chunk::<4>).ok_or(CUT)?;
        entries.push(IndexEntry { path: behind[..length].to_vec(), mode, id: rest[id.clone()].to_vec() });
        let used = (id.end + 2 + length + 8) / 8 * 8;
        rest = rest.get(used..).ok_or(CUT)?;
    }
    Ok(entries)
}

/// Returns the id of the tree that a commit of these entries has.
///
/// # Errors
/// What no tree has.
pub(super) fn tree_of(entries: &[IndexEntry], digits: usize) -> Result<Oid, GitError> {
    // The folders on the way to the entry at hand, each with what it holds so far.
    let mut open: Vec<(&[u8], Vec<TreeEntry>)> = vec![(b"", Vec::new())];
    let unwritten = |reason| GitError::Output { command: "read-tree".to_owned(), reason };
    let hashed = |within: &[TreeEntry]| tree_oid(within, digits).map_err(|_| unwritten("wanted no SHA-1 collision"));
    let close = |open: &mut Vec<(&[u8], Vec<TreeEntry>)>| -> Result<(), GitError> {
        if let [.., (_, outer), (name, within)] = open.as_mut_slice() {
            outer.push(TreeEntry { mode: Mode::Tree, name: name.to_vec(), oid: hashed(within)? });
        }
        open.pop();
        Ok(())
    };
    for entry in entries {
        let mut names: Vec<&[u8]> = entry.path.split(|byte| *byte == b'/').collect();
        let name = names.pop().unwrap_or_default();
        let shared = open[1..].iter().zip(&names).take_while(|((folder, _), name)| folder == *name).count();
        while open.len() > shared + 1 {
            close(&mut open)?;
        }
        open.extend(names[shared..].iter().map(|name| (*name, Vec::new())));
        let mode = entry.mode().ok_or(unwritten("wanted modes that git knows"))?;
        if let Some((_, within)) = open.last_mut() {
            within.push(TreeEntry { mode, name: name.to_vec(), oid: entry.oid() });
        }
    }
    while open.len() > 1 {
        close(&mut open)?;
    }
    hashed(&open[0].1)
}

const CUT: &str = "the index is cut off";
const FIXED_BYTES: usize = 40;
const MODE_AT: usize = 24;
/// 160000 in octal.
const SUBMODULE: [u8; 4] = [0, 0, 0xe0, 0];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::Fixture;
    use super::*;

    #[test]
    fn entries_are_those_that_git_lists() {
        for format in ["sha1", "sha256"] {
            let made = Fixture::with(&["init", "--quiet", &format!("--object-format={format}"), "."]);
            for length in 1..20 {
                made.write("p".repeat(length), "x");
            }
            made.git(&["-c", "index.version=2", "add", "--all"]);
            let bytes = std::fs::read(made.top().join(".git/index")).unwrap();
            let digits = if format == "sha1" { 40 } else { 64 };
            let print = |entry: IndexEntry| {
                let mode = u32::from_be_bytes(entry.mode);
                format!("{mode:o} {} 0\t{}", hex::encode(entry.id), String::from_utf8(entry.path).unwrap())
            };
            let found: Vec<String> = parse_index(&bytes, digits).unwrap().into_iter().map(print).collect();
            assert_eq!(found.join("\n"), made.git(&["ls-files", "--stage"]));
            for cut in 0..bytes.len() - 60 {
                assert!(parse_index(&bytes[..cut], digits).is_err() || cut > bytes.len() - 200, "{cut}");
            }
        }
    }

    proptest! {
        #[test]
        fn parser_never_panics(count in 0_u8..4, bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let index = [b"DIRC\0\0\0\x02\0\0\0", &[count][..], &bytes].concat();
            let _ = parse_index(&index, 40);
            let _ = parse_index(&index, 64);
        }
    }
}
