//! Git objects as bytes: ids, commits, trees (gitformat: `git help hash-object`, `git help ls-tree`).
//!
//! An object is taken *as hashed*: `<type> <size>\0<content>`. Its id is recomputed here, with SHA-1 collisions refused,
//! and nothing is read out of bytes whose id was not. Parsing is strict: what `git fsck` calls an error is refused.
//! Out of scope: signatures in commits, the content of blobs and tags, where the bytes come from.

use std::collections::HashSet;
use std::ops::Range;

use sha1_checked::Sha1;
use sha2::{Digest as _, Sha256};

use crate::model::{Digest, Oid, PlanTrailer};

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A tree: one folder.
    Tree,
    /// The content of a file, or the target of a link.
    Blob,
    /// An annotated tag.
    Tag,
}

/// An object whose id was recomputed from its bytes.
///
/// The only constructor is [`Object::check`]: to hold one is to have hashed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object<'a> {
    kind: Kind,
    content: &'a [u8],
    digits: usize,
}

/// A commit: what it holds, whom it names, what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The tree of the commit.
    pub tree: Oid,
    /// The parents, in the commit's order.
    pub parents: Vec<Oid>,
    /// The committer's time in seconds since 1970; 0 where none can be read. It orders walks and proves nothing.
    pub committed_seconds: u64,
    content: Vec<u8>,
    author: Range<usize>,
    committer: Range<usize>,
    message: Range<usize>,
}

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TreeEntry {
    /// What the entry is.
    pub mode: Mode,
    /// The name: no `/`, not empty, neither `.`, `..` nor `.git`.
    pub name: Vec<u8>,
    /// The object that the entry names.
    pub oid: Oid,
}

/// What a tree entry is. Git knows these six modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// `40000`: a folder.
    Tree,
    /// `100644`: a file.
    File,
    /// `100664`: a file, as git wrote it long ago.
    GroupFile,
    /// `100755`: a file that may be run.
    Executable,
    /// `120000`: a symbolic link.
    Link,
    /// `160000`: a commit of another repository.
    Submodule,
}

/// Why bytes are not the object that they were said to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The bytes do not start with `<type> <size>\0`.
    #[error("the bytes do not start with `<type> <size>` and a zero byte")]
    Header,
    /// The size in the header is not that of the content.
    #[error("the header states {stated} bytes, and {found} follow")]
    Size {
        /// The size in the header.
        stated: usize,
        /// The size of the content.
        found: usize,
    },
    /// More bytes than any object that is judged may have.
    #[error("the object has {found} bytes; wanted at most {OBJECT_BYTES_MAX}")]
    TooLarge {
        /// The size of the object.
        found: usize,
    },
    /// The bytes were built to collide under SHA-1.
    #[error("the bytes carry a SHA-1 collision attack")]
    Collision,
    /// The bytes have another id.
    #[error("the bytes have the id {computed}, not {stated}")]
    Forged {
        /// The id under which the bytes came.
        stated: Oid,
        /// The id that they have.
        computed: Oid,
    },
    /// An object of another type.
    #[error("it is a {found:?}; wanted a {wanted:?}")]
    Kind {
        /// The type that was needed here.
        wanted: Kind,
        /// The type that the object has.
        found: Kind,
    },
    /// The commit breaks a rule.
    #[error("the commit is malformed: {reason}")]
    Commit {
        /// The rule.
        reason: &'static str,
    },
    /// The tree breaks a rule.
    #[error("the tree is malformed at entry {entry}: {reason}")]
    Tree {
        /// The number of the entry, from 0.
        entry: usize,
        /// The rule.
        reason: &'static str,
    },
}

impl Kind {
    /// Returns git's word for the type.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }

    /// Returns the type that git's word names, or `None`.
    #[must_use]
    pub fn from_word(word: &[u8]) -> Option<Self> {
        [Self::Commit, Self::Tree, Self::Blob, Self::Tag].into_iter().find(|kind| kind.word().as_bytes() == word)
    }
}

impl<'a> Object<'a> {
    /// Checks that raw bytes are the object with an id: SHA-1 of 40 digits, SHA-256 of 64.
    ///
    /// If the bytes have another id, returns [`ObjectError::Forged`].
    /// If they carry a collision attack on SHA-1, returns [`ObjectError::Collision`].
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub fn check(oid: &Oid, raw: &'a [u8]) -> Result<Self, ObjectError> {
        if raw.len() > OBJECT_BYTES_MAX {
            return Err(ObjectError::TooLarge { found: raw.len() });
        }
        let digits = oid.as_str().len();
        let computed = hash(raw, digits)?;
        if computed != *oid {
            return Err(ObjectError::Forged { stated: oid.clone(), computed });
        }
        let (kind, content) = split_header(raw)?;
        Ok(Self { kind, content, digits })
    }

    /// Returns what the object is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the content, without the header.
    #[must_use]
    pub const fn content(&self) -> &'a [u8] {
        self.content
    }

    /// Parses the content as a commit.
    ///
    /// # Errors
    /// [`ObjectError::Kind`] and [`ObjectError::Commit`].
    pub fn commit(&self) -> Result<Commit, ObjectError> {
        self.of(Kind::Commit)?;
        parse_commit(self.content, self.digits)
    }

    /// Parses the content as a tree: its entries in git's order.
    ///
    /// # Errors
    /// [`ObjectError::Kind`] and [`ObjectError::Tree`].
    pub fn tree(&self) -> Result<Vec<TreeEntry>, ObjectError> {
        self.of(Kind::Tree)?;
        parse_tree(self.content, self.digits)
    }

    /// Returns the object itself if it is of a kind.
    ///
    /// # Errors
    /// [`ObjectError::Kind`] if it is of another.
    pub fn of(self, wanted: Kind) -> Result<Self, ObjectError> {
        if self.kind == wanted { Ok(self) } else { Err(ObjectError::Kind { wanted, found: self.kind }) }
    }
}

impl Commit {
    /// Returns the addresses of author, committer and co-authors in ASCII lower case, sorted, each once.
    ///
    /// If the line of author or committer has not exactly one `<` and one `>` after it, returns
    /// [`ObjectError::Commit`]: tools differ on whose address that is.
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub fn people(&self) -> Result<Vec<String>, ObjectError> {
        let mut people = Vec::new();
        for range in [&self.author, &self.committer] {
            let address = address_of(&self.content[range.clone()])
                .ok_or(ObjectError::Commit { reason: "a person's line has not exactly one address in `<` and `>`" })?;
            people.push(address_text(address));
        }
        for value in self.trailers("co-authored-by") {
            // A co-author helps nobody, so what cannot be read as `name <address>` still counts as a person.
            let address = value.iter().rposition(|b| *b == b'<').map_or(&value[..], |start| {
                let rest = &value[start + 1..];
                &rest[..rest.iter().position(|b| *b == b'>').unwrap_or(rest.len())]
            });
            people.push(address_text(address));
        }
        people.sort();
        people.dedup();
        Ok(people)
    }

    /// Returns the plans that the trailers name. A trailer that is not an id and a hash names none.
    #[must_use]
    pub fn plans(&self) -> Vec<PlanTrailer> {
        let parse = |value: Vec<u8>| {
            let text = String::from_utf8(value).ok()?;
            let (change, plan) = text.split_once(' ')?;
            Some(PlanTrailer { change: change.parse().ok()?, plan: plan.trim_start().parse::<Digest>().ok()? })
        };
        self.trailers("evidence-plan").into_iter().filter_map(parse).collect()
    }

    /// Returns the message, as bytes.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.content[self.message.clone()]
    }

    /// Returns the values of the trailers with a key, given in lower case: lines `Key: value` of the last paragraph,
    /// lines that start with white space joined to the one before.
    fn trailers(&self, key: &str) -> Vec<Vec<u8>> {
        let mut values: Vec<Vec<u8>> = Vec::new();
        let mut open = false;
        for line in last_paragraph(self.message()) {
            if line.first().is_some_and(u8::is_ascii_whitespace) {
                if let (true, Some(value)) = (open, values.last_mut()) {
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii());
                }
                continue;
            }
            let colon = line.iter().position(|b| *b == b':');
            open = colon.is_some_and(|at| line[..at].trim_ascii_end().eq_ignore_ascii_case(key.as_bytes()));
            if let (true, Some(at)) = (open, colon) {
                values.push(line[at + 1..].trim_ascii().to_vec());
            }
        }
        values
    }
}

impl Mode {
    /// Returns the mode that git's octal digits name, or `None`. There is one spelling: no leading zero.
    #[must_use]
    pub fn from_octal(digits: &[u8]) -> Option<Self> {
        Some(match digits {
            b"40000" => Self::Tree,
            b"100644" => Self::File,
            b"100664" => Self::GroupFile,
            b"100755" => Self::Executable,
            b"120000" => Self::Link,
            b"160000" => Self::Submodule,
            _ => return None,
        })
    }

    /// Returns the digits by which a tree says it.
    #[must_use]
    pub const fn octal(self) -> &'static str {
        match self {
            Self::Tree => "40000",
            Self::File => "100644",
            Self::GroupFile => "100664",
            Self::Executable => "100755",
            Self::Link => "120000",
            Self::Submodule => "160000",
        }
    }

    /// Returns it as git writes it today.
    #[must_use]
    pub const fn as_written(self) -> Self {
        match self {
            Self::GroupFile => Self::File,
            Self::Tree | Self::File | Self::Executable | Self::Link | Self::Submodule => self,
        }
    }
}

impl TreeEntry {
    /// Returns the bytes by which git orders entries: the name, and `/` behind that of a folder.
    #[must_use]
    pub fn order(&self) -> Vec<u8> {
        let mut key = self.name.clone();
        if self.mode == Mode::Tree {
            key.push(b'/');
        }
        key
    }
}

/// Returns the text for bytes that need not be UTF-8: what is not is spelled `%XX`, in capital hex digits.
#[must_use]
pub fn text_of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

fn hash(raw: &[u8], digits: usize) -> Result<Oid, ObjectError> {
    let hex = if digits == SHA256_DIGITS {
        hex::encode(Sha256::digest(raw))
    } else {
        let result = Sha1::try_digest(raw);
        if result.has_collision() {
            return Err(ObjectError::Collision);
        }
        hex::encode(result.hash())
    };
    Ok(Oid::try_from(hex).expect("a hash in hex has 40 or 64 digits"))
}

/// Returns the id of the tree that has these entries, in whichever order they are.
pub(super) fn tree_oid(entries: &[TreeEntry], digits: usize) -> Result<Oid, ObjectError> {
    let mut sorted: Vec<(Vec<u8>, &TreeEntry)> = entries.iter().map(|entry| (entry.order(), entry)).collect();
    sorted.sort();
    let mut content = Vec::new();
    for (_, TreeEntry { mode, name, oid }) in sorted {
        content.extend(mode.octal().as_bytes());
        content.push(b' ');
        content.extend(name);
        content.push(0);
        content.extend(hex::decode(oid.as_str()).expect("an id is digits of hex"));
    }
    let header = format!("{} {}\0", Kind::Tree.word(), content.len());
    hash(&[header.as_bytes(), &content].concat(), digits)
}

fn split_header(raw: &[u8]) -> Result<(Kind, &[u8]), ObjectError> {
    let window = &raw[..raw.len().min(HEADER_BYTES_MAX)];
    let zero = window.iter().position(|b| *b == 0).ok_or(ObjectError::Header)?;
    let space = window[..zero].iter().position(|b| *b == b' ').ok_or(ObjectError::Header)?;
    let kind = Kind::from_word(&raw[..space]).ok_or(ObjectError::Header)?;
    let stated = decimal(&raw[space + 1..zero]).ok_or(ObjectError::Header)?;
    let content = &raw[zero + 1..];
    if usize::try_from(stated).ok() != Some(content.len()) {
        let stated = usize::try_from(stated).unwrap_or(usize::MAX);
        return Err(ObjectError::Size { stated, found: content.len() });
    }
    Ok((kind, content))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let canonical = digits.iter().all(u8::is_ascii_digit) && (digits == b"0" || !digits.starts_with(b"0"));
    if canonical { str::from_utf8(digits).ok()?.parse().ok() } else { None }
}

fn parse_commit(content: &[u8], digits: usize) -> Result<Commit, ObjectError> {
    let wrong = |reason| ObjectError::Commit { reason };
    if content.contains(&0) {
        return Err(wrong("it holds a zero byte, after which tools stop reading"));
    }
    let oid = |value: Range<usize>| {
        let text = str::from_utf8(&content[value]).ok().filter(|text| text.len() == digits);
        text.and_then(|text| text.parse::<Oid>().ok()).ok_or(wrong("an object id is not lower-case hex of full length"))
    };
    let mut headers = Headers { content, at: 0 };
    let tree = oid(headers.take(b"tree ").ok_or(wrong("it does not start with its tree"))?)?;
    let mut parents = Vec::new();
    while let Some(value) = headers.take(b"parent ") {
        if parents.len() == PARENTS_MAX {
            return Err(wrong("it has more than 1000 parents"));
        }
        parents.push(oid(value)?);
    }
    let author = headers.take(b"author ").ok_or(wrong("its author does not follow tree and parents"))?;
    let committer = headers.take(b"committer ").ok_or(wrong("its committer does not follow its author"))?;
    for key in [&b"tree "[..], b"parent ", b"author ", b"committer "] {
        if headers.rest_has(key) {
            return Err(wrong("tree, parent, author or committer stands a second time"));
        }
    }
    let message = headers.message();
    let committed_seconds = seconds_of(&content[committer.clone()]);
    Ok(Commit { tree, parents, committed_seconds, content: content.to_vec(), author, committer, message })
}

/// The header lines of a commit, read from the top.
struct Headers<'a> {
    content: &'a [u8],
    at: usize,
}

impl Headers<'_> {
    /// Takes the next line if it has the key and an end.
    fn take(&mut self, key: &[u8]) -> Option<Range<usize>> {
        let rest = self.content[self.at..].strip_prefix(key)?;
        let length = rest.iter().position(|b| *b == b'\n')?;
        let start = self.at + key.len();
        self.at = start + length + 1;
        Some(start..start + length)
    }

    fn rest_has(&self, key: &[u8]) -> bool {
        let rest = &self.content[self.at..];
        rest.split(|b| *b == b'\n').take_while(|line| !line.is_empty()).any(|line| line.starts_with(key))
    }

    fn message(&self) -> Range<usize> {
        let end = self.content.len();
        let rest = &self.content[self.at..];
        if rest.starts_with(b"\n") {
            return self.at + 1..end;
        }
        rest.windows(2).position(|pair| pair == b"\n\n").map_or(end..end, |blank| self.at + blank + 2..end)
    }
}

fn address_of(line: &[u8]) -> Option<&[u8]> {
    let open = line.iter().position(|b| *b == b'<')?;
    let close = line.iter().position(|b| *b == b'>')?;
    let once = |byte| line.iter().filter(|b| **b == byte).count() == 1;
    if open < close && once(b'<') && once(b'>') { Some(&line[open + 1..close]) } else { None }
}

fn address_text(address: &[u8]) -> String {
    text_of(address.trim_ascii()).to_ascii_lowercase()
}

fn seconds_of(line: &[u8]) -> u64 {
    let behind = line.iter().rposition(|b| *b == b'>').map_or(&[][..], |close| &line[close + 1..]);
    behind.trim_ascii().split(|b| *b == b' ').next().and_then(decimal).unwrap_or(0)
}

fn last_paragraph(message: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = message
        .rsplit(|b| *b == b'\n')
        .skip_while(|line| line.trim_ascii().is_empty())
        .take_while(|line| !line.trim_ascii().is_empty())
        .collect();
    lines.reverse();
    lines
}

fn parse_tree(content: &[u8], digits: usize) -> Result<Vec<TreeEntry>, ObjectError> {
    let mut entries: Vec<TreeEntry> = Vec::new();
    let mut names: HashSet<&[u8]> = HashSet::new();
    let mut before: Option<Vec<u8>> = None;
    let mut rest = content;
    while !rest.is_empty() {
        let entry = entries.len();
        let wrong = |reason| ObjectError::Tree { entry, reason };
        let space = rest.iter().position(|b| *b == b' ').ok_or(wrong("no space follows the mode"))?;
        let mode = Mode::from_octal(&rest[..space]).ok_or(wrong("git has no such mode"))?;
        rest = &rest[space + 1..];
        let zero = rest.iter().position(|b| *b == 0).ok_or(wrong("no zero byte follows the name"))?;
        let name = &rest[..zero];
        if name.is_empty()
            || name.contains(&b'/')
            || name == b"."
            || name == b".."
            || name.eq_ignore_ascii_case(b".git")
        {
            return Err(wrong("the name is empty, `.`, `..`, `.git` or holds a slash"));
        }
        let id = rest.get(zero + 1..zero + 1 + digits / 2).ok_or(wrong("the object id is cut off"))?;
        rest = &rest[zero + 1 + digits / 2..];
        let oid = Oid::try_from(hex::encode(id)).expect("20 or 32 bytes in hex have 40 or 64 digits");
        let next = TreeEntry { mode, name: name.to_vec(), oid };
        let order = next.order();
        if before.is_some_and(|before| before >= order) {
            return Err(wrong("it is not behind the entry before it in git's order"));
        }
        if !names.insert(name) {
            return Err(wrong("a folder and a file have the same name"));
        }
        before = Some(order);
        entries.push(next);
    }
    Ok(entries)
}

/// 16 MiB: a tree of some 300,000 entries, far above any real commit; as much as an envelope in a bundle may have.
pub const OBJECT_BYTES_MAX: usize = 16 << 20;
/// The longest header is `commit`, a space, 20 digits and a zero byte; the rest is slack.
const HEADER_BYTES_MAX: usize = 32;
/// The largest octopus known, in the Linux kernel, has 66 parents.
const PARENTS_MAX: usize = 1000;
const SHA256_DIGITS: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(kind: &str, content: &[u8]) -> Vec<u8> {
        [format!("{kind} {}\0", content.len()).as_bytes(), content].concat()
    }

    fn commit(content: &str) -> Result<Commit, ObjectError> {
        let raw = raw("commit", content.as_bytes());
        Object::check(&hash(&raw, 40).unwrap(), &raw).unwrap().commit()
    }

    fn tree(content: &[u8]) -> Result<Vec<TreeEntry>, ObjectError> {
        let raw = raw("tree", content);
        Object::check(&hash(&raw, 40).unwrap(), &raw).unwrap().tree()
    }

    const TREE: &str = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n";
    const PEOPLE: &str = "author A <Ana@X.example> 1700000000 +0000\ncommitter B <bo@x.example> 1700000001 +0100\n";

    #[test]
    fn known_ids_are_recomputed() {
        let empty = raw("tree", b"");
        let sha1 = "4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().unwrap();
        let sha256 = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321".parse().unwrap();
        assert_eq!(Object::check(&sha1, &empty).unwrap().kind(), Kind::Tree);
        assert_eq!(Object::check(&sha256, &empty).unwrap().content(), b"");
        let blob = raw("blob", b"");
        assert!(matches!(Object::check(&sha1, &blob), Err(ObjectError::Forged { .. })));
        assert!(matches!(Object::check(&sha256, &blob), Err(ObjectError::Forged { .. })));
    }

    #[test]
    fn header_has_one_spelling() {
        for bad in [&b"tree 0"[..], b"tree 00\0", b"tree 1\0", b"tree  0\0", b"Tree 0\0", b"tree +0\0", b"", b"\0"] {
            let found = Object::check(&hash(bad, 40).unwrap(), bad);
            assert!(matches!(found, Err(ObjectError::Header | ObjectError::Size { .. })), "{bad:?}");
        }
    }

    #[test]
    fn people_are_author_committer_and_co_authors() {
        let parsed = commit(&format!(
            "{TREE}{PEOPLE}encoding UTF-8\ngpgsig x\n author no\n\nTitle\n\nBody <not@x.example>\n\n\
             co-authored-By: C <CEE@x.example>\r\nCo-authored-by: just a name\nReviewed-by: D <d@x.example>\n\n"
        ))
        .unwrap();
        assert_eq!(parsed.people().unwrap(), ["ana@x.example", "bo@x.example", "cee@x.example", "just a name"]);
        assert_eq!(parsed.committed_seconds, 1_700_000_001);
    }

    #[test]
    fn two_addresses_in_one_line_are_refused() {
        let people = "author A <a@x> <b@x> 1 +0000\ncommitter B <b@x> 1 +0000\n";
        assert!(matches!(commit(&format!("{TREE}{people}\nm")).unwrap().people(), Err(ObjectError::Commit { .. })));
    }

    #[test]
    fn plans_come_from_the_last_paragraph_only() {
        let hash = "ab".repeat(32);
        let parsed = commit(&format!(
            "{TREE}{PEOPLE}\nTitle\n\nEvidence-Plan: shop/no {hash}\n\nEvidence-plan: shop/a-1\n  {hash}\nEvidence-Plan: x y\n"
        ))
        .unwrap();
        assert_eq!(parsed.plans(), [PlanTrailer { change: "shop/a-1".parse().unwrap(), plan: hash.parse().unwrap() }]);
    }

    #[test]
    fn malformed_commits_are_refused() {
        let parent = "parent 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n";
        assert_eq!(commit(&format!("{TREE}{parent}{parent}{PEOPLE}\nm")).unwrap().parents.len(), 2);
        assert_eq!(commit(&format!("{TREE}{PEOPLE}")).unwrap().message(), b"");
        for bad in [
            String::new(),
            PEOPLE.to_owned(),
            format!("{TREE}\n{PEOPLE}"),
            format!("{TREE}{PEOPLE}{parent}\nm"),
            format!("{TREE}{PEOPLE}x y\n{TREE}\nm"),
            format!("{}{PEOPLE}\nm", TREE.to_uppercase()),
            format!("{TREE}parent 4b825dc6\n{PEOPLE}\nm"),
            format!("{TREE}{PEOPLE}\nm\0Evidence-Plan: hidden"),
        ] {
            assert!(matches!(commit(&bad), Err(ObjectError::Commit { .. })), "{bad}");
        }
    }

    #[test]
    fn malformed_trees_are_refused() {
        let entry = |mode: &str, name: &str| [format!("{mode} {name}\0").as_bytes(), &[7; 20]].concat();
        let good = [entry("100644", "a"), entry("100644", "a-b"), entry("40000", "a.d"), entry("160000", "b")].concat();
        assert_eq!(tree(&good).unwrap().len(), 4);
        for bad in [
            [entry("100644", "b"), entry("100644", "a")].concat(),
            [entry("100644", "a"), entry("100644", "a")].concat(),
            [entry("100644", "a"), entry("100644", "a.b"), entry("40000", "a")].concat(),
            entry("040000", "a"),
            entry("100600", "a"),
            entry("100644", ""),
            entry("100644", ".GIT"),
            entry("100644", ".."),
            entry("100644", "a/b"),
            good[..good.len() - 1].to_vec(),
            b"100644 a".to_vec(),
            b"100644".to_vec(),
        ] {
            assert!(matches!(tree(&bad), Err(ObjectError::Tree { .. })), "{bad:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_escaped() {
        assert_eq!(text_of("ä/b".as_bytes()), "ä/b");
        assert_eq!(text_of(b"a\xff/\xc3"), "a%FF/%C3");
    }

    proptest! {
        #[test]
        fn parsers_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = split_header(&bytes);
            let _ = parse_tree(&bytes, 40);
            let _ = parse_tree(&bytes, 64);
            let _ = parse_commit(&bytes, 40);
            let _ = text_of(&bytes);
        }

        #[test]
        fn commits_with_any_message_and_people_never_panic(people in "[a<> @\n]{0,40}", message in "[ -~\n\t]{0,200}") {
            if let Ok(parsed) = commit(&format!("{TREE}author {people}\ncommitter {people} 7 +0000\n\n{message}")) {
                let _ = parsed.people();
                let _ = parsed.plans();
            }
        }
    }
}
