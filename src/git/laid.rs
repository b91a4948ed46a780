//! The tree of a commit with some files of another one laid over it, told from raw objects alone.
//!
//! It is the tree that a checkout lays out and git writes: files of the newer side take the place of whatever stood there,
//! what is gone there goes, and folders without files are none. Every object that this needs is one that
//! [`tree_changes`] reads: who holds what the two commits differ in needs nothing more.

use std::collections::BTreeMap;

use super::facts::{GitFactsError, Objects, TreeChange, need_commit, need_tree, tree_changes};
use super::objects::{Mode, TreeEntry, text_of, tree_oid};
use crate::model::Oid;

/// Which files are taken from the newer side, and what that choice is called.
pub struct Laying {
    /// The patterns that say it; sorted, each once.
    pub patterns: Vec<String>,
    /// Returns whether a path is taken, spelled as in [`crate::model::GitFacts::touched`].
    pub takes: Box<dyn Fn(&str) -> bool>,
}

/// Computes the tree of the base with these files as the head has them.
///
/// # Errors
/// As [`tree_changes`]; [`GitFactsError::TooManyPaths`] where folders lie deeper than any tool makes them.
pub fn laid_tree(
    objects: &dyn Objects,
    base: &Oid,
    head: &Oid,
    takes: &dyn Fn(&str) -> bool,
) -> Result<Oid, GitFactsError> {
    let (before, after) = (need_commit(objects, base)?.tree, need_commit(objects, head)?.tree);
    let changes = tree_changes(objects, &before, &after)?;
    laid_over(objects, &before, &changes, takes)
}

/// As [`laid_tree`], of what is known to differ.
pub(super) fn laid_over(
    objects: &dyn Objects,
    before: &Oid,
    changes: &[TreeChange],
    takes: &dyn Fn(&str) -> bool,
) -> Result<Oid, GitFactsError> {
    let taken = changes.iter().filter(|change| takes(&text_of(&change.path)));
    let taken: Vec<Taken<'_>> = taken.map(|it| Taken { path: &it.path, after: it.after.as_ref() }).collect();
    if taken.is_empty() {
        return Ok(before.clone());
    }
    let digits = before.as_str().len();
    let tree = folder(objects, Some(before), &taken, digits, 0)?;
    tree.map_or_else(|| write(&[], digits), Ok)
}

/// A path below the folder at hand, and what stands there on the newer side.
#[derive(Clone, Copy)]
struct Taken<'a> {
    path: &'a [u8],
    after: Option<&'a (Mode, Oid)>,
}

impl Taken<'_> {
    /// Returns what is laid there; none where it goes, a folder without files too.
    fn comes(&self) -> Option<&(Mode, Oid)> {
        self.after.filter(|(mode, _)| *mode != Mode::Tree)
    }
}

/// Returns the folder with what is laid below it; none if nothing is left.
fn folder(
    objects: &dyn Objects,
    before: Option<&Oid>,
    taken: &[Taken<'_>],
    digits: usize,
    depth: usize,
) -> Result<Option<Oid>, GitFactsError> {
    if depth > DEPTH_MAX {
        return Err(GitFactsError::TooManyPaths);
    }
    let empty = write(&[], digits)?;
    let there = before.map_or(Ok(Vec::new()), |oid| need_tree(objects, oid))?;
    let there = there.into_iter().filter(|entry| entry.mode != Mode::Tree || entry.oid != empty);
    let mut entries: BTreeMap<Vec<u8>, (Mode, Oid)> =
        there.map(|entry| (entry.name, (entry.mode.as_written(), entry.oid))).collect();
    let is_folder = |entry: Option<&(Mode, Oid)>| entry.is_some_and(|(mode, _)| *mode == Mode::Tree);
    let mut below: BTreeMap<&[u8], Vec<Taken<'_>>> = BTreeMap::new();
    let mut here = Vec::new();
    for one in taken {
        match one.path.iter().position(|byte| *byte == b'/') {
            Some(at) => below.entry(&one.path[..at]).or_default().push(Taken { path: &one.path[at + 1..], ..*one }),
            None => here.push(*one),
        }
    }
    // What goes makes room for what comes: a folder for a file of its name.
    for one in here.iter().filter(|one| one.comes().is_none()) {
        if !is_folder(entries.get(one.path)) {
            entries.remove(one.path);
        }
    }
    for (name, taken) in below {
        let known = entries.get(name).filter(|entry| is_folder(Some(*entry))).map(|(_, oid)| oid.clone());
        if known.is_none() && taken.iter().all(|one| one.comes().is_none()) {
            // A file of that name stands where the folder would lose something.
            continue;
        }
        match folder(objects, known.as_ref(), &taken, digits, depth + 1)? {
            Some(oid) => drop(entries.insert(name.to_vec(), (Mode::Tree, oid))),
            None => drop(entries.remove(name)),
        }
    }
    for one in here {
        if let Some((mode, oid)) = one.comes() {
            entries.insert(one.path.to_vec(), (mode.as_written(), oid.clone()));
        }
    }
    if entries.is_empty() {
        return Ok(None);
    }
    let entries: Vec<TreeEntry> =
        entries.into_iter().map(|(name, (mode, oid))| TreeEntry { mode, name, oid }).collect();
    write(&entries, digits).map(Some)
}

fn write(entries: &[TreeEntry], digits: usize) -> Result<Oid, GitFactsError> {
    let unnamed = || Oid::try_from("0".repeat(digits)).expect("an id of a tree has as many digits");
    tree_oid(entries, digits).map_err(|error| GitFactsError::Object { oid: unnamed(), error })
}

/// Paths of the file system end before that.
const DEPTH_MAX: usize = 2048;

#[cfg(all(test, feature = "store"))]
mod tests {
    use std::fs;

    use super::super::facts::Recording;
    use super::super::testing::Fixture;
    use super::super::{Checkout, git_facts};
    use super::*;

    /// Two commits that differ in every way in which a path can.
    fn differing() -> (Fixture, Oid, Oid) {
        let made = Fixture::new();
        for path in [
            "tests/a",
            "tests/gone",
            "tests/was-file",
            "tests/was-folder/x",
            "tests/deep/er/one",
            "tests/deep/two",
            "src/gone/only",
            "src/lib",
            "a.b",
            "a/c",
        ] {
            made.write(path, "1");
        }
        let base = made.commit("top", "1");
        for path in ["tests/gone", "tests/was-file", "tests/deep/er/one"] {
            fs::remove_file(made.top().join(path)).unwrap();
        }
        for path in ["tests/was-folder", "src/gone", "tests/deep/er", "a"] {
            fs::remove_dir_all(made.top().join(path)).unwrap();
        }
        for path in ["tests/was-file/x", "tests/was-folder", "tests/a", "tests/run", "src/lib", "new/er/file", "a"] {
            made.write(path, "2");
        }
        made.make_executable("tests/run");
        let head = made.commit("top", "2");
        (made, base, head)
    }

    #[test]
    fn tree_is_the_one_that_git_writes_whatever_is_taken() {
        let (made, base, head) = differing();
        let repository = made.repository();
        let every: &[&dyn Fn(&str) -> bool] = &[
            &|_| false,
            &|_| true,
            &|path| path.starts_with("tests/"),
            &|path| path.starts_with("tests/was-f"),
            &|path| path == "tests/was-folder",
            &|path| path == "tests/was-folder/x",
            &|path| path == "tests/was-file/x",
            &|path| path == "tests/was-file",
            &|path| path.starts_with("tests/deep/"),
            &|path| path.starts_with("src/"),
            &|path| path.starts_with("new/"),
            &|path| path == "a",
            &|path| path == "a/c",
            &|path| path == "tests/gone" || path == "top",
        ];
        for (number, takes) in every.iter().enumerate() {
            let laid = repository.differing(&base, &head, takes).unwrap();
            let checkout = Checkout::of(repository.place(), &base, &laid).unwrap();
            assert_eq!(laid_tree(&repository, &base, &head, takes).unwrap(), *checkout.tree(), "{number}");
        }
        assert_eq!(laid_tree(&repository, &base, &head, &|_| true).unwrap(), repository.tree_of(&head).unwrap());
    }

    #[test]
    fn what_the_facts_of_a_change_need_is_enough() {
        let (made, base, head) = differing();
        let repository = made.repository();
        let recording = Recording::new(&repository);
        git_facts(&recording, &head, &base).unwrap();
        let read = recording.into_read();
        for takes in [|_: &str| true, |path: &str| path.starts_with("tests/")] {
            assert_eq!(
                laid_tree(&read, &base, &head, &takes),
                Ok(laid_tree(&repository, &base, &head, &takes).unwrap())
            );
        }
    }
}
