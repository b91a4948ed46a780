//! A temporary work tree of a commit, with some files of another one laid over it.
//!
//! It is one of the user's repository (`git worktree`), so that what runs there finds a repository, detached and without hooks. Its
//! folder and what git notes of it are removed when it is dropped; a process that is killed leaves both, and `git worktree prune`
//! forgets what lies no more. The tree is written as an object, so that it can be told.
//!
//! Out of scope: what submodules hold, and what is ignored: neither is laid out.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::facts::{TreeChange, tree_changes};
use super::objects::{Mode, text_of};
use super::repository::{Place, Repository, parse_oid};
use super::run::GitError;
use crate::model::Oid;

/// A temporary work tree.
#[derive(Debug)]
pub struct Checkout {
    top: PathBuf,
    tree: Oid,
    /// What git notes of it.
    notes: Option<PathBuf>,
    _folder: tempfile::TempDir,
}

impl Repository {
    /// Lists the files in which two commits differ and that `is_laid` takes, spelled as in [`crate::model::GitFacts::touched`].
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn differing(
        &self,
        before: &Oid,
        after: &Oid,
        is_laid: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<TreeChange>, GitError> {
        let changes = tree_changes(self, &self.tree_of(before)?, &self.tree_of(after)?)?;
        Ok(changes.into_iter().filter(|change| is_laid(&text_of(&change.path))).collect())
    }
}

impl Checkout {
    /// Lays out a commit in a folder of its own, with these files as their newer side has them.
    ///
    /// # Errors
    /// See [`GitError`]; [`GitError::Failed`] where git cannot write what a work tree needs.
    pub fn of(place: &Place, commit: &Oid, laid: &[TreeChange]) -> Result<Self, GitError> {
        let temporary = |path: PathBuf| move |source| GitError::Temporary { path, source };
        let folder =
            tempfile::Builder::new().prefix("evidence-base-").tempdir().map_err(temporary(std::env::temp_dir()))?;
        let above = folder.path().canonicalize().map_err(temporary(folder.path().to_owned()))?;
        // Some tools take the folder's name for the project's.
        let top = above.join(place.top.file_name().unwrap_or(OsStr::new("base")));
        let mut add = place.git.command(&place.top);
        add.args(["worktree", "add", "--quiet", "--detach", "--no-checkout"]).arg(&top).arg(commit.as_str());
        place.git.finish(&mut add)?.printed()?;
        let mut checkout = Self { notes: notes(place, &top), top, tree: commit.clone(), _folder: folder };
        let run =
            |words: &[&str]| place.git.finish(place.git.command(&checkout.top).args(OPTIONS).args(words))?.printed();
        run(&["read-tree", commit.as_str()])?;
        if !laid.is_empty() {
            let mut command = place.git.command(&checkout.top);
            command.args(OPTIONS).args(["update-index", "-z", "--index-info"]);
            place.git.finish_fed(&mut command, &index_lines(place, laid))?.printed()?;
        }
        let tree = parse_oid(&run(&["write-tree"])?, "write-tree")?;
        run(&["checkout-index", "--all", "--force", "--index", "--quiet"])?;
        checkout.tree = tree;
        Ok(checkout)
    }

    /// Returns its top folder.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Returns the tree that was laid out.
    #[must_use]
    pub const fn tree(&self) -> &Oid {
        &self.tree
    }
}

impl Drop for Checkout {
    /// Removes what git notes of it; its folder goes by itself.
    fn drop(&mut self) {
        if let Some(notes) = &self.notes {
            let _ = fs::remove_dir_all(notes);
        }
    }
}

/// Finds what git notes of a work tree: a folder of the repository's own, or it is left alone.
fn notes(place: &Place, top: &Path) -> Option<PathBuf> {
    let text = fs::read(top.join(".git")).ok()?;
    let line = text.strip_prefix(b"gitdir: ")?.trim_ascii_end();
    let notes = PathBuf::from(OsString::from_vec(line.to_vec())).canonicalize().ok()?;
    let all = place.common_dir.join("worktrees").canonicalize().ok()?;
    (notes.parent() == Some(&all)).then_some(notes)
}

/// What `update-index --index-info` reads: mode, id and path; the mode 0 takes a path away.
fn index_lines(place: &Place, laid: &[TreeChange]) -> Vec<u8> {
    let mut lines = Vec::new();
    // What goes makes room for what comes: a folder for a file of its name.
    for goes in [true, false] {
        for TreeChange { path, before: _, after } in laid {
            let line = match after {
                None | Some((Mode::Tree, _)) if goes => format!("0 {}\t", "0".repeat(place.digits)),
                Some((mode, oid)) if !goes && *mode != Mode::Tree => format!("{} {oid}\t", mode.as_written().octal()),
                _ => continue,
            };
            lines.extend(line.into_bytes());
            lines.extend(path);
            lines.push(0);
        }
    }
    lines
}

/// A sparse checkout would leave files out.
const OPTIONS: &[&str] =
    &["-c", "core.sparseCheckout=false", "-c", "core.splitIndex=false", "-c", "index.sparse=false"];

#[cfg(test)]
mod tests {
    use super::super::testing::Fixture;
    use super::*;

    #[test]
    fn files_of_the_head_lie_over_the_base_and_nothing_is_left() {
        let made = Fixture::new();
        made.write("tests/a", "1");
        made.write("tests/gone", "1");
        made.write("tests/was-file", "1");
        made.write("tests/was-folder/x", "1");
        let base = made.commit("src/lib", "1");
        fs::remove_file(made.top().join("tests/gone")).unwrap();
        fs::remove_file(made.top().join("tests/was-file")).unwrap();
        fs::remove_dir_all(made.top().join("tests/was-folder")).unwrap();
        made.write("tests/was-file/x", "2");
        made.write("tests/was-folder", "2");
        made.write("tests/a", "2");
        made.write("tests/run", "2");
        made.make_executable("tests/run");
        let head = made.commit("src/lib", "2");
        made.write("src/lib", "dirty");
        let repository = made.repository();
        let laid = repository.differing(&base, &head, &|path| path.starts_with("tests/")).unwrap();
        let noted = || made.git(&["worktree", "list"]).lines().count();
        let at = {
            let plain = Checkout::of(repository.place(), &base, &[]).unwrap();
            assert_eq!(*plain.tree(), repository.tree_of(&base).unwrap());
            let over = Checkout::of(repository.place(), &base, &laid).unwrap();
            let read = |path: &str| fs::read_to_string(over.top().join(path)).ok();
            assert_eq!(read("src/lib").as_deref(), Some("1"));
            for path in ["tests/a", "tests/run", "tests/was-file/x", "tests/was-folder"] {
                assert_eq!(read(path).as_deref(), Some("2"), "{path}");
            }
            assert_eq!(read("tests/gone"), None);
            assert_eq!(fs::read_to_string(plain.top().join("tests/gone")).unwrap(), "1");
            assert_eq!(noted(), 3);
            let git = super::super::testing::git();
            let said = git.finish(git.command(over.top()).args(["status", "--porcelain"])).unwrap().printed().unwrap();
            assert!(!String::from_utf8(said).unwrap().contains("src/"));
            [plain.top().to_owned(), over.top().to_owned()]
        };
        assert_eq!(noted(), 1);
        assert!(!at[0].exists() && !at[1].exists());
        assert!(!made.top().join(".git/worktrees").read_dir().is_ok_and(|mut all| all.next().is_some()));
    }

    #[test]
    fn commit_that_is_not_there_is_told_and_leaves_nothing() {
        let made = Fixture::new();
        made.commit("a", "1");
        let nobody = "1".repeat(40).parse().unwrap();
        assert!(matches!(Checkout::of(made.repository().place(), &nobody, &[]), Err(GitError::Failed { .. })));
        assert_eq!(made.git(&["worktree", "list"]).lines().count(), 1);
    }
}
