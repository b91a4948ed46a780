//! What a repository keeps for us beside its branches: files in a ref of our own, and notes on commits.
//!
//! ```text
//! refs/evidence/anchor -> commit -> tree      100644 blob <oid>  <64 hex digits>
//!                           |                 ...
//!                         parent (the state before)
//! ```
//! The ref is a chain of commits, so that it moves forward without force and what it named stays. A tree holds files that are named by
//! a SHA-256 and nothing else: any other commit is refused, so that a branch is never taken for such a ref, nor written to.
//! Nothing here says that a file is true: whoever may push may write one.
//! Out of scope: fetching and pushing, which are the user's.

use super::batch::Answer;
use super::facts::{GitFactsError, Objects as _, need_commit, need_tree};
use super::objects::{Kind, Mode, Object};
use super::repository::{Repository, is_plain_ref, parse_oid};
use super::run::{Ended, GitError};
use crate::model::{Digest, Oid, Time};

/// A state of such a ref: files by the SHA-256 that names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    commit: Oid,
    files: Vec<(Digest, Oid)>,
}

impl Kept {
    /// Returns the commit.
    #[must_use]
    pub const fn commit(&self) -> &Oid {
        &self.commit
    }
}

impl Repository {
    /// Returns what exactly the ref with a full name keeps; `None` if there is no such ref.
    ///
    /// # Errors
    /// [`GitError::NotKept`] if it names anything but a commit of files that are named by a SHA-256; else see [`GitError`].
    pub fn kept(&self, name: &str) -> Result<Option<Kept>, GitError> {
        let unfit = |reason| GitError::NotKept { name: name.to_owned(), reason };
        if !name.starts_with("refs/") || !is_plain_ref(name) {
            return Err(unfit("is no full name of a ref"));
        }
        if self.ask(name)? == Answer::Missing {
            return Ok(None);
        }
        let Some(commit) = self.resolve_ref(name)? else {
            // Something has this name that is no commit, or is a tag of this whole name, which is not meant.
            let ended = self.kept_git(&["show-ref", "--verify", "--hash", "--end-of-options", name], b"", Time(0))?;
            return if ended.code == Some(0) { Err(unfit("is no commit")) } else { Ok(None) };
        };
        let tree = need_commit(self, &commit)?.tree;
        let mut files = Vec::new();
        for entry in need_tree(self, &tree)? {
            let digest = str::from_utf8(&entry.name).ok().and_then(|name| name.parse().ok());
            match (digest, entry.mode) {
                (Some(digest), Mode::File) => files.push((digest, entry.oid)),
                _ => return Err(unfit("has a file in it that is not named by a SHA-256")),
            }
        }
        Ok(Some(Kept { commit, files }))
    }

    /// Returns a file of such a state; `None` if it has none of that name.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn kept_file(&self, kept: &Kept, name: &Digest) -> Result<Option<Vec<u8>>, GitError> {
        let found = kept.files.iter().find(|(digest, _)| digest == name);
        found.map(|(_, oid)| self.blob(oid)).transpose()
    }

    /// Moves a ref on to a commit that keeps one more file, or another one of that name; returns the commit.
    ///
    /// The same state, file, message and time make the same commit, whoever makes it.
    ///
    /// # Errors
    /// [`GitError::Failed`] if the ref is not in that state any more; else see [`GitError`].
    pub fn keep(
        &self,
        name: &str,
        before: Option<&Kept>,
        file: (Digest, &[u8]),
        message: &str,
        time: Time,
    ) -> Result<Oid, GitError> {
        let blob = self.put_blob(file.1)?;
        let others = before.iter().flat_map(|kept| &kept.files).filter(|(digest, _)| *digest != file.0);
        let files = others.map(|(digest, oid)| (digest, oid)).chain([(&file.0, &blob)]);
        let lines: String = files.map(|(digest, oid)| format!("100644 blob {oid}\t{digest}\n")).collect();
        let tree = parse_oid(&self.kept_git(&["mktree"], lines.as_bytes(), time)?.printed()?, "mktree")?;
        let mut arguments = vec!["commit-tree", "--no-gpg-sign", tree.as_str(), "-F", "-"];
        if let Some(before) = before {
            arguments.extend(["-p", before.commit.as_str()]);
        }
        let commit = self.kept_git(&arguments, message.as_bytes(), time)?.printed()?;
        let commit = parse_oid(&commit, "commit-tree")?;
        let none = "0".repeat(commit.as_str().len());
        let old = before.map_or(none.as_str(), |before| before.commit.as_str());
        self.kept_git(&["update-ref", "--end-of-options", name, commit.as_str(), old], b"", time)?.printed()?;
        Ok(commit)
    }

    /// Returns the notes of a ref of notes: each commit that has one, and its text.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn notes(&self, name: &str) -> Result<Vec<(Oid, Vec<u8>)>, GitError> {
        let listed = self.kept_git(&["notes", "--ref", name, "list"], b"", Time(0))?.printed()?;
        let unreadable = || GitError::Output { command: "notes list".to_owned(), reason: "wanted two ids a line" };
        let text = str::from_utf8(&listed).map_err(|_| unreadable())?;
        let mut notes = Vec::new();
        for line in text.lines() {
            let (blob, commit) = line.split_once(' ').ok_or_else(unreadable)?;
            let (blob, commit) = (blob.parse().map_err(|_| unreadable())?, commit.parse().map_err(|_| unreadable())?);
            notes.push((commit, self.blob(&blob)?));
        }
        Ok(notes)
    }

    /// Returns the note of a commit in a ref of notes.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn note(&self, name: &str, commit: &Oid) -> Result<Option<Vec<u8>>, GitError> {
        let ended = self.kept_git(&["notes", "--ref", name, "list", commit.as_str()], b"", Time(0))?;
        match ended.code {
            Some(1) => Ok(None),
            _ => Ok(Some(self.blob(&parse_oid(&ended.printed()?, "notes list")?)?)),
        }
    }

    /// Puts a note on a commit, byte for byte, in place of the one that it has.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn put_note(&self, name: &str, commit: &Oid, text: &[u8], time: Time) -> Result<(), GitError> {
        let blob = self.put_blob(text)?;
        let arguments = ["notes", "--ref", name, "add", "-f", "-C", blob.as_str(), commit.as_str()];
        self.kept_git(&arguments, b"", time)?.printed().map(drop)
    }

    fn put_blob(&self, content: &[u8]) -> Result<Oid, GitError> {
        let ended = self.kept_git(&["hash-object", "-w", "-t", "blob", "--stdin"], content, Time(0))?;
        parse_oid(&ended.printed()?, "hash-object")
    }

    fn blob(&self, oid: &Oid) -> Result<Vec<u8>, GitError> {
        let raw = self.object(oid)?.ok_or_else(|| GitFactsError::MissingObject { oid: oid.clone() })?;
        let object = Object::check(oid, &raw).and_then(|object| object.of(Kind::Blob));
        let object = object.map_err(|error| GitFactsError::Object { oid: oid.clone(), error })?;
        Ok(object.content().to_vec())
    }

    /// Runs git with something to read, as nobody in particular.
    fn kept_git(&self, arguments: &[&str], input: &[u8], time: Time) -> Result<Ended, GitError> {
        let place = self.place();
        let mut command = place.git.command(&place.top);
        command.args(arguments);
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), NOBODY.0).env(format!("GIT_{who}_EMAIL"), NOBODY.1);
            command.env(format!("GIT_{who}_DATE"), format!("{} +0000", time.0));
        }
        place.git.finish_fed(&mut command, input)
    }
}

/// The commits of such a ref are the program's; who signed what they hold is what counts.
const NOBODY: (&str, &str) = ("evidence", "evidence@localhost");

#[cfg(test)]
mod tests {
    use super::super::testing::Fixture;
    use super::*;

    fn digest(byte: u8) -> Digest {
        Digest([byte; 32])
    }

    #[test]
    fn files_are_kept_in_a_chain_that_two_make_alike() {
        let made = Fixture::new();
        made.commit("a", "1");
        let repository = made.repository();
        assert_eq!(repository.kept(REF).unwrap(), None);
        let first = repository.keep(REF, None, (digest(1), b"one\n"), "first", Time(1_700_000_000)).unwrap();
        let before = repository.kept(REF).unwrap().unwrap();
        assert_eq!(before.commit(), &first);
        let second = repository.keep(REF, Some(&before), (digest(2), b"two\n"), "second", Time(1_700_000_001)).unwrap();
        let after = repository.kept(REF).unwrap().unwrap();
        for (file, wanted) in [(1, Some(&b"one\n"[..])), (2, Some(b"two\n")), (3, None)] {
            assert_eq!(repository.kept_file(&after, &digest(file)).unwrap().as_deref(), wanted);
        }
        assert_eq!(made.git(&["rev-list", "--count", REF]), "2");
        // Whoever comes late is refused, and with the same state before them makes the same commit.
        assert!(repository.keep(REF, Some(&before), (digest(3), b"x"), "third", Time(0)).is_err());
        made.git(&["update-ref", REF, first.as_str()]);
        let again = repository.keep(REF, Some(&before), (digest(2), b"two\n"), "second", Time(1_700_000_001)).unwrap();
        assert_eq!(again, second);
    }

    #[test]
    fn what_is_no_such_ref_is_told_from_none() {
        let made = Fixture::new();
        let commit = made.commit("a", "1");
        for (what, names) in [("HEAD^{tree}", "a tree"), ("HEAD:a", "a blob"), ("HEAD", "a commit of other files")] {
            made.git(&["update-ref", REF, &made.git(&["rev-parse", what])]);
            assert!(matches!(made.repository().kept(REF), Err(GitError::NotKept { .. })), "{names}");
        }
        made.git(&["update-ref", "-d", REF]);
        // A tag of the whole name is another ref.
        for what in ["HEAD", "HEAD:a"] {
            made.git(&["update-ref", &format!("refs/tags/{REF}"), &made.git(&["rev-parse", what])]);
            assert_eq!(made.repository().kept(REF).unwrap(), None, "{what}");
        }
        for bad in ["", "evidence/anchor", "refs/x y", "refs/a..b", "refs/a^{}"] {
            assert!(matches!(made.repository().kept(bad), Err(GitError::NotKept { .. })), "{bad}");
        }
        assert_eq!(commit, made.oid("HEAD"));
    }

    #[test]
    fn notes_are_byte_for_byte() {
        let made = Fixture::new();
        let commit = made.commit("a", "1");
        let repository = made.repository();
        let name = "refs/notes/evidence";
        assert_eq!(repository.note(name, &commit).unwrap(), None);
        assert!(repository.notes(name).unwrap().is_empty());
        for text in ["one \n\n\n\u{2014} two\n\n", "three"] {
            repository.put_note(name, &commit, text.as_bytes(), Time(1_700_000_000)).unwrap();
            assert_eq!(repository.note(name, &commit).unwrap().as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(repository.notes(name).unwrap(), [(commit, b"three".to_vec())]);
    }

    const REF: &str = "refs/evidence/anchor";
}
