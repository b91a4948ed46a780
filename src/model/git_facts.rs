//! What git's objects say about a change, as plain values (design, section 7).
//!
//! The judge takes these and nothing else from git. They are made by `git::git_facts` alone, out of raw objects whose
//! ids were recomputed. Out of scope: reading objects, and who stands behind an e-mail address.

use std::collections::BTreeMap;

use super::{ChangeId, Digest, Oid};

/// The facts about the commits from a base to a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitFacts {
    /// The judged commit.
    pub head: Oid,
    /// The tree of the judged commit.
    pub tree: Oid,
    /// The commit that the range starts after, an ancestor of `head` or `head` itself.
    pub base: Oid,
    /// The commits that `head` has and `base` has not, newest first by committer date, then by id, descending.
    pub commits: Vec<CommitFacts>,
    /// The paths that differ between the trees of `base` and `head`, and those that any commit after `base` changes, each once,
    /// sorted by bytes.
    ///
    /// A path is from the top of the repository, with `/`. Bytes that are not UTF-8 are spelled `%XX`.
    pub touched: Vec<String>,
    /// Those of them in which `head` has what `base` has, sorted likewise.
    pub undone: Vec<String>,
    /// The lines that the change adds or changes; none where nobody looked, because no policy asks.
    pub changed: Option<ChangedLines>,
    /// The commits at or below the base, on the line of the branch; none where nobody looked, because no policy asks.
    pub below: Option<Below>,
}

impl GitFacts {
    /// The paths that differ between the trees of `base` and `head`, sorted by bytes: what is touched and not undone.
    pub fn differing(&self) -> impl Iterator<Item = &str> {
        self.touched.iter().filter(|path| self.undone.binary_search(path).is_err()).map(String::as_str)
    }
}

/// The first-parent line of a commit, from itself down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Below {
    /// The commits, from the base down.
    pub commits: Vec<Oid>,
    /// Whether the last one is a root.
    pub whole: bool,
    /// The full name of the branch.
    pub branch: String,
    /// Commits whose first parent was read to find out.
    pub beside: Vec<Oid>,
}

/// The lines of head that base does not have, and the files that a report may be about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedLines {
    /// Every file of head's tree, links and submodules left out, sorted by bytes and spelled as in [`GitFacts::touched`].
    pub files: Vec<String>,
    /// The touched files of head that have changed lines, by path.
    pub lines: BTreeMap<String, FileLines>,
    /// The trees of base with some files as head has them, by the patterns of the files; of none, it is the tree of base.
    pub laid: BTreeMap<Vec<String>, Oid>,
}

/// The changed lines of a file. The first line is 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLines {
    /// The number of lines that the file has.
    pub count: u64,
    /// The first and last line of each run of changed lines, ascending. Lines of white space alone are left out.
    pub changed: Vec<(u64, u64)>,
    /// Whether tools agree where its lines end.
    pub ends: LineEnds,
}

/// Whether tools agree where the lines of a file end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnds {
    /// LF ends every line, with or without CR before it.
    Clear,
    /// The file holds characters that end a line for some tools and not for others. Whatever line a report numbers in it may
    /// be a changed one.
    Disputed,
}

/// The facts about one commit of the range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitFacts {
    /// The commit.
    pub oid: Oid,
    /// Its tree.
    pub tree: Oid,
    /// Its parents, in its own order.
    pub parents: Vec<Oid>,
    /// The e-mail addresses of author, committer and co-authors in ASCII lower case, sorted, each once.
    ///
    /// A person without an address is the empty text, which is an address of nobody.
    pub people: Vec<String>,
    /// The plans that its trailers name, in their order.
    pub plans: Vec<PlanTrailer>,
}

/// A trailer `Evidence-Plan: <change id> <leaf hash of the first plan>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanTrailer {
    /// The change that the commit says it belongs to.
    pub change: ChangeId,
    /// The leaf hash of that change's first plan.
    pub plan: Digest,
}

impl FileLines {
    /// Returns whether a line counts as changed.
    #[must_use]
    pub fn has(&self, line: u64) -> bool {
        let run = self.changed.partition_point(|(_, last)| *last < line);
        self.ends == LineEnds::Disputed || self.changed.get(run).is_some_and(|(first, _)| *first <= line)
    }

    /// Returns the number of changed lines.
    #[must_use]
    pub fn changed_count(&self) -> u64 {
        self.changed.iter().map(|(first, last)| last - first + 1).sum()
    }
}
