//! The facts about a range of commits, out of raw objects alone (design, section 7; format, section 7).
//!
//! **Which objects are read.** The walk is a function of head, base and the objects, so a live run and one over exactly the
//! objects that it read ([`Recording`]) agree. It has two steps:
//! 1. From head, parent by parent, while each commit has one parent. If that meets base, the range is complete, and
//!    nothing behind base was read.
//! 2. Else (a merge) head and base are walked together, newest committer first, until every commit that is left to visit is
//!    proven to be an ancestor of base. If some commit of the range does not descend from base, base's ancestors are
//!    walked on while they are not older than the oldest such commit.
//!
//! **What that proves.** A commit leaves the range only by a chain of parents from base to it, so nobody can hide a commit:
//! each parent is read and part of the range, or so proven, or [`GitFactsError::MissingObject`]. An ancestor of base that is
//! not there is no error: the chain to it is the proof. The range is never smaller than `git rev-list base..head`; it can
//! only be larger, and so stricter, where committers' clocks lie about a merged side line, or where ancestors of base that
//! would prove more were left out.
//!
//! Out of scope: whether base is the merge base with the target branch.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use super::objects::{Commit, Mode, Object, ObjectError, TreeEntry, text_of};
use crate::model::{CommitFacts, GitFacts, Oid};

/// Where raw objects come from.
pub trait Objects {
    /// Returns an object's bytes as hashed, `<type> <size>\0<content>`, or `None` if it is not there.
    ///
    /// # Errors
    /// [`ObjectsError`] if that cannot be told.
    fn object(&self, oid: &Oid) -> Result<Option<Vec<u8>>, ObjectsError>;
}

/// Why a source of objects could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("git object {oid} could not be read: {reason}")]
pub struct ObjectsError {
    /// The object that was asked for.
    pub oid: Oid,
    /// What went wrong, as the source says it.
    pub reason: String,
}

/// Why there are no facts about a range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitFactsError {
    /// An object that the facts rest on is not there.
    #[error("git object {oid} is missing: all commits from base to head and the trees in which they differ are needed")]
    MissingObject {
        /// The object.
        oid: Oid,
    },
    /// The source of the objects could not answer.
    #[error(transparent)]
    Unreadable(#[from] ObjectsError),
    /// An object is not what its id says, or is malformed.
    #[error("git object {oid}: {error}")]
    Object {
        /// The object.
        oid: Oid,
        /// What is wrong with it.
        error: ObjectError,
    },
    /// Head does not descend from base.
    #[error("commit {head} does not descend from {base}; wanted a base that is an ancestor")]
    NotDescended {
        /// The judged commit.
        head: Oid,
        /// The base.
        base: Oid,
    },
    /// More commits than are walked.
    #[error("the walk from head to base meets more than {COMMITS_MAX} commits")]
    TooManyCommits,
    /// More, or longer, paths than are compared.
    #[error(
        "the trees of base and head differ in more than {TREES_MAX} folders, {ENTRIES_MAX} entries of them, or \
         {TOUCHED_BYTES_MAX} bytes of paths"
    )]
    TooManyPaths,
}

/// A path in which two trees differ, with what stood there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeChange {
    /// The path from the top, with `/`, in bytes.
    pub path: Vec<u8>,
    /// What the older tree has there.
    pub before: Option<(Mode, Oid)>,
    /// What the newer tree has there.
    pub after: Option<(Mode, Oid)>,
}

/// A source that remembers what was read through it: exactly what a bundle must hold.
pub struct Recording<'a> {
    source: &'a dyn Objects,
    read: RefCell<BTreeMap<Oid, Vec<u8>>>,
}

/// Computes the facts about the commits from base to head.
///
/// If an object is missing, returns [`GitFactsError::MissingObject`]; an ancestor of base may be.
/// If head is neither base nor a descendant of it, returns [`GitFactsError::NotDescended`].
///
/// # Errors
/// See [`GitFactsError`].
pub fn git_facts(objects: &dyn Objects, head: &Oid, base: &Oid) -> Result<GitFacts, GitFactsError> {
    let base_tree = need_commit(objects, base)?.tree;
    let tree = need_commit(objects, head)?.tree;
    let range = range(objects, head, base)?;
    let mut touched = Touched::default();
    touched.compare(objects, &base_tree, &tree)?;
    let differing = touched.listed();
    touched.along(objects, base, &base_tree, &range)?;
    let mut commits = Vec::with_capacity(range.len());
    for (oid, commit) in range {
        let people = commit.people().map_err(|error| GitFactsError::Object { oid: oid.clone(), error })?;
        let plans = commit.plans();
        commits.push(CommitFacts { oid, tree: commit.tree, parents: commit.parents, people, plans });
    }
    let touched = touched.listed();
    let undone = touched.iter().filter(|path| differing.binary_search(path).is_err()).cloned().collect();
    Ok(GitFacts { head: head.clone(), tree, base: base.clone(), commits, touched, undone, changed: None, below: None })
}

/// The paths that a change touches: those in which head differs from base, and those that any of its commits changes.
///
/// The second are what head took back of what was merged into it: its tree has there what base has, and merging it undoes what the
/// branch got since. What the branch had when it was merged in is a commit that descends from base; along the chain from there to
/// head every path in which the two differ is changed at some step. Side lines that do not descend from base count by what
/// they bring, which is in the difference between base and head.
#[derive(Default)]
struct Touched {
    paths: BTreeSet<Vec<u8>>,
    compared: BTreeSet<(Oid, Oid)>,
    spent: Spent,
}

impl Touched {
    fn compare(&mut self, objects: &dyn Objects, before: &Oid, after: &Oid) -> Result<(), GitFactsError> {
        if before != after && self.compared.insert((before.clone(), after.clone())) {
            let changes = changes_within(&mut self.spent, objects, before, after)?;
            self.paths.extend(changes.into_iter().map(|change| change.path));
        }
        Ok(())
    }

    /// Returns the paths as text, sorted, each once.
    fn listed(&self) -> Vec<String> {
        let texts: BTreeSet<String> = self.paths.iter().map(|path| text_of(path)).collect();
        texts.into_iter().collect()
    }

    /// Adds what each step between base and commits of a range that descend from it changes.
    fn along(
        &mut self,
        objects: &dyn Objects,
        base: &Oid,
        base_tree: &Oid,
        range: &[(Oid, Commit)],
    ) -> Result<(), GitFactsError> {
        let mut children: HashMap<&Oid, Vec<(&Oid, &Oid)>> = HashMap::new();
        for (oid, commit) in range {
            for parent in &commit.parents {
                children.entry(parent).or_default().push((oid, &commit.tree));
            }
        }
        let mut known = BTreeSet::from([base]);
        let mut todo = vec![(base, base_tree)];
        while let Some((parent, before)) = todo.pop() {
            for (oid, after) in children.get(parent).into_iter().flatten() {
                self.compare(objects, before, after)?;
                if known.insert(oid) {
                    todo.push((oid, after));
                }
            }
        }
        Ok(())
    }
}

/// Lists the paths in which two trees differ, in git's order of each folder.
///
/// Folders with equal ids are not entered; a change of mode is a change. A folder that only one tree has is listed file by
/// file, or by itself if it is empty, so that trees that differ never have an empty list.
///
/// # Errors
/// [`GitFactsError::MissingObject`] if a folder that differs is not there; else see [`GitFactsError`].
pub fn tree_changes(objects: &dyn Objects, before: &Oid, after: &Oid) -> Result<Vec<TreeChange>, GitFactsError> {
    changes_within(&mut Spent::default(), objects, before, after)
}

/// What comparing trees came to so far.
#[derive(Default)]
struct Spent {
    folders: usize,
    entries: usize,
    bytes: usize,
}

/// As [`tree_changes`], within what is left of the limits.
fn changes_within(
    spent: &mut Spent,
    objects: &dyn Objects,
    before: &Oid,
    after: &Oid,
) -> Result<Vec<TreeChange>, GitFactsError> {
    let mut changes = Vec::new();
    let Spent { folders, entries, bytes } = spent;
    let top = FolderPair { path: Vec::new(), before: Some(before.clone()), after: Some(after.clone()) };
    let mut open = if before == after { Vec::new() } else { vec![top] };
    while let Some(pair) = open.pop() {
        *folders += 1;
        if *folders > TREES_MAX {
            return Err(GitFactsError::TooManyPaths);
        }
        let read = |oid: &Option<Oid>| oid.as_ref().map_or(Ok(Vec::new()), |oid| need_tree(objects, oid));
        let (olds, news) = (read(&pair.before)?, read(&pair.after)?);
        *entries += olds.len() + news.len();
        if *entries > ENTRIES_MAX {
            return Err(GitFactsError::TooManyPaths);
        }
        if olds.is_empty() && news.is_empty() {
            let folder = |oid: Option<Oid>| oid.map(|oid| (Mode::Tree, oid));
            changes.push(TreeChange { path: pair.path, before: folder(pair.before), after: folder(pair.after) });
            continue;
        }
        for (old, new) in paired(olds, news) {
            if old == new {
                continue;
            }
            let name = old.as_ref().or(new.as_ref()).map_or(&[][..], |entry| &entry.name);
            let slash: &[u8] = if pair.path.is_empty() { b"" } else { b"/" };
            let path = [&pair.path, slash, name].concat();
            *bytes += path.len();
            if *bytes > TOUCHED_BYTES_MAX {
                return Err(GitFactsError::TooManyPaths);
            }
            let folder = [&old, &new].into_iter().flatten().any(|entry| entry.mode == Mode::Tree);
            if folder {
                open.push(FolderPair { path, before: old.map(|entry| entry.oid), after: new.map(|entry| entry.oid) });
            } else {
                let seen = |entry: Option<TreeEntry>| entry.map(|entry| (entry.mode, entry.oid));
                changes.push(TreeChange { path, before: seen(old), after: seen(new) });
            }
        }
    }
    Ok(changes)
}

/// Reads, hashes and parses a commit that must be there.
///
/// # Errors
/// See [`GitFactsError`].
pub fn need_commit(objects: &dyn Objects, oid: &Oid) -> Result<Commit, GitFactsError> {
    find_commit(objects, oid)?.ok_or_else(|| GitFactsError::MissingObject { oid: oid.clone() })
}

/// Returns the first parent of a commit that must be there; `None` for a root.
///
/// # Errors
/// See [`GitFactsError`].
pub fn first_parent(objects: &dyn Objects, oid: &Oid) -> Result<Option<Oid>, GitFactsError> {
    Ok(need_commit(objects, oid)?.parents.into_iter().next())
}

impl Objects for BTreeMap<Oid, Vec<u8>> {
    fn object(&self, oid: &Oid) -> Result<Option<Vec<u8>>, ObjectsError> {
        Ok(self.get(oid).cloned())
    }
}

impl<'a> Recording<'a> {
    /// Starts remembering what is read from a source.
    #[must_use]
    pub fn new(source: &'a dyn Objects) -> Self {
        Self { source, read: RefCell::default() }
    }

    /// Returns the raw objects that were read and were there.
    #[must_use]
    pub fn into_read(self) -> BTreeMap<Oid, Vec<u8>> {
        self.read.into_inner()
    }
}

impl Objects for Recording<'_> {
    fn object(&self, oid: &Oid) -> Result<Option<Vec<u8>>, ObjectsError> {
        if let Some(raw) = self.read.borrow().get(oid) {
            return Ok(Some(raw.clone()));
        }
        let found = self.source.object(oid)?;
        if let Some(raw) = &found {
            self.read.borrow_mut().insert(oid.clone(), raw.clone());
        }
        Ok(found)
    }
}

fn find_commit(objects: &dyn Objects, oid: &Oid) -> Result<Option<Commit>, GitFactsError> {
    let parse = |raw: Vec<u8>| Object::check(oid, &raw)?.commit();
    objects.object(oid)?.map(parse).transpose().map_err(|error| GitFactsError::Object { oid: oid.clone(), error })
}

pub(super) fn need_tree(objects: &dyn Objects, oid: &Oid) -> Result<Vec<TreeEntry>, GitFactsError> {
    let raw = objects.object(oid)?.ok_or_else(|| GitFactsError::MissingObject { oid: oid.clone() })?;
    let tree = Object::check(oid, &raw).and_then(|object| object.tree());
    tree.map_err(|error| GitFactsError::Object { oid: oid.clone(), error })
}

/// A folder in both trees, or in one.
struct FolderPair {
    path: Vec<u8>,
    before: Option<Oid>,
    after: Option<Oid>,
}

/// Pairs the entries of two trees, both in git's order, by name. A file and a folder of one name are no pair.
fn paired(olds: Vec<TreeEntry>, news: Vec<TreeEntry>) -> Vec<(Option<TreeEntry>, Option<TreeEntry>)> {
    let mut pairs = Vec::new();
    let (mut olds, mut news) = (olds.into_iter().peekable(), news.into_iter().peekable());
    loop {
        let side = match (olds.peek(), news.peek()) {
            (None, None) => return pairs,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.order().cmp(&new.order()),
        };
        let old = if side.is_le() { olds.next() } else { None };
        let new = if side.is_ge() { news.next() } else { None };
        pairs.push((old, new));
    }
}

/// Returns the commits from base to head, newest first.
fn range(objects: &dyn Objects, head: &Oid, base: &Oid) -> Result<Vec<(Oid, Commit)>, GitFactsError> {
    let mut range = match line(objects, head, base)? {
        Line::Reached(range) => range,
        Line::Merge(read) => Walk::new(objects, base, read).run(head)?,
    };
    range.sort_by(|(a_oid, a), (b_oid, b)| (b.committed_seconds, b_oid).cmp(&(a.committed_seconds, a_oid)));
    Ok(range)
}

enum Line {
    /// Base was met: the commits before it.
    Reached(Vec<(Oid, Commit)>),
    /// A merge was met: the commits up to and with it.
    Merge(Vec<(Oid, Commit)>),
}

fn line(objects: &dyn Objects, head: &Oid, base: &Oid) -> Result<Line, GitFactsError> {
    let mut read = Vec::new();
    let mut next = head.clone();
    while next != *base {
        if read.len() == COMMITS_MAX {
            return Err(GitFactsError::TooManyCommits);
        }
        let commit = need_commit(objects, &next)?;
        let parents = commit.parents.clone();
        read.push((next, commit));
        next = match &parents[..] {
            [] => return Err(GitFactsError::NotDescended { head: head.clone(), base: base.clone() }),
            [parent] => parent.clone(),
            _ => return Ok(Line::Merge(read)),
        };
    }
    Ok(Line::Reached(read))
}

/// The walk from head and base together.
struct Walk<'a> {
    objects: &'a dyn Objects,
    base: &'a Oid,
    /// Commits that the first step has read.
    read: HashMap<Oid, Commit>,
    nodes: Vec<Node>,
    places: HashMap<Oid, usize>,
    /// Commits to visit, the newest committer's time on top.
    queue: BinaryHeap<(u64, Oid, usize)>,
    /// How many nodes are neither visited nor proven.
    open: usize,
}

struct Node {
    oid: Oid,
    commit: Option<Commit>,
    parents: Vec<usize>,
    visited: bool,
    /// A chain of parents leads from base here.
    proven: bool,
}

impl<'a> Walk<'a> {
    fn new(objects: &'a dyn Objects, base: &'a Oid, read: Vec<(Oid, Commit)>) -> Self {
        let (nodes, places, queue) = (Vec::new(), HashMap::new(), BinaryHeap::new());
        Self { objects, base, read: read.into_iter().collect(), nodes, places, queue, open: 0 }
    }

    fn run(mut self, head: &Oid) -> Result<Vec<(Oid, Commit)>, GitFactsError> {
        let base_place = self.meet(self.base.clone(), true)?;
        let head_place = self.meet(head.clone(), false)?;
        while self.open > 0 && self.visit_newest()? {}
        if let Some(missing) = self.nodes.iter().find(|node| node.commit.is_none() && !node.proven) {
            return Err(GitFactsError::MissingObject { oid: missing.oid.clone() });
        }
        let descends = self.descendants(base_place);
        if self.nodes[head_place].proven || !descends[head_place] {
            return Err(GitFactsError::NotDescended { head: head.clone(), base: self.base.clone() });
        }
        let aside = self.nodes.iter().zip(&descends).filter(|(node, descends)| !node.proven && !**descends);
        if let Some(oldest) = aside.filter_map(|(node, _)| Some(node.commit.as_ref()?.committed_seconds)).min() {
            while self.queue.peek().is_some_and(|(seconds, ..)| *seconds >= oldest) && self.visit_newest()? {}
        }
        let kept = self.nodes.into_iter().filter(|node| !node.proven);
        Ok(kept.filter_map(|node| Some((node.oid, node.commit?))).collect())
    }

    /// Makes a commit known, or notes that it is proven.
    fn meet(&mut self, oid: Oid, proven: bool) -> Result<usize, GitFactsError> {
        if let Some(&place) = self.places.get(&oid) {
            if proven {
                self.prove(place);
            }
            return Ok(place);
        }
        let place = self.nodes.len();
        if place == COMMITS_MAX {
            return Err(GitFactsError::TooManyCommits);
        }
        let commit = match self.read.remove(&oid) {
            Some(commit) => Some(commit),
            None => find_commit(self.objects, &oid)?,
        };
        if let Some(commit) = &commit {
            self.queue.push((commit.committed_seconds, oid.clone(), place));
        }
        self.open += usize::from(!proven);
        self.places.insert(oid.clone(), place);
        self.nodes.push(Node { oid, commit, parents: Vec::new(), visited: false, proven });
        Ok(place)
    }

    /// Visits the newest commit of the queue. If the queue is empty, returns false.
    fn visit_newest(&mut self) -> Result<bool, GitFactsError> {
        let Some((_, _, place)) = self.queue.pop() else { return Ok(false) };
        let node = &mut self.nodes[place];
        node.visited = true;
        let proven = node.proven;
        let parents = node.commit.as_ref().map_or_else(Vec::new, |commit| commit.parents.clone());
        self.open -= usize::from(!proven);
        for parent in parents {
            let parent = self.meet(parent, proven)?;
            self.nodes[place].parents.push(parent);
        }
        Ok(true)
    }

    /// Notes that a commit, and all that were visited through it, are ancestors of base.
    fn prove(&mut self, place: usize) {
        let mut found = vec![place];
        while let Some(place) = found.pop() {
            let node = &mut self.nodes[place];
            if !node.proven {
                node.proven = true;
                self.open -= usize::from(!node.visited);
                found.extend(&node.parents);
            }
        }
    }

    /// Tells of each node whether a chain of visited parents leads from it to a place.
    fn descendants(&self, place: usize) -> Vec<bool> {
        let mut children = vec![Vec::new(); self.nodes.len()];
        for (child, node) in self.nodes.iter().enumerate() {
            for parent in &node.parents {
                children[*parent].push(child);
            }
        }
        let mut descends = vec![false; self.nodes.len()];
        let mut found = vec![place];
        while let Some(place) = found.pop() {
            for child in &children[place] {
                if !descends[*child] {
                    descends[*child] = true;
                    found.push(*child);
                }
            }
        }
        descends
    }
}

/// As many commits as a bundle may have members; each costs one read.
pub const COMMITS_MAX: usize = 100_000;
/// As many pairs of folders as make a bundle's members, twice; a tree that names itself many times is stopped by it.
pub const TREES_MAX: usize = 200_000;
/// Some hundred megabytes of folders, which hash in seconds; large folders named many times are stopped by it.
pub const ENTRIES_MAX: usize = 10_000_000;
/// 64 MiB of paths: about a million of 64 bytes.
pub const TOUCHED_BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha1_checked::Sha1;

    use super::*;

    /// Objects in memory, made as git makes them.
    #[derive(Default)]
    struct Made(BTreeMap<Oid, Vec<u8>>);

    impl Made {
        fn put(&mut self, kind: &str, content: &[u8]) -> Oid {
            let raw = [format!("{kind} {}\0", content.len()).as_bytes(), content].concat();
            let oid = Oid::try_from(hex::encode(Sha1::try_digest(&raw).hash())).unwrap();
            self.0.insert(oid.clone(), raw);
            oid
        }

        /// Makes a tree of `(mode, name, oid)`, given in git's order.
        fn tree(&mut self, entries: &[(&str, &str, &Oid)]) -> Oid {
            let entry = |(mode, name, oid): &(&str, &str, &Oid)| {
                [format!("{mode} {name}\0").as_bytes(), &hex::decode(oid.as_str()).unwrap()].concat()
            };
            let content: Vec<u8> = entries.iter().flat_map(entry).collect();
            self.put("tree", &content)
        }

        fn commit_of(&mut self, tree: &Oid, parents: &[&Oid], seconds: usize) -> Oid {
            let parents: String = parents.iter().map(|oid| format!("parent {oid}\n")).collect();
            let who = format!("A <a@x.example> {seconds} +0000");
            self.put("commit", format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\nm\n").as_bytes())
        }

        fn commit(&mut self, parents: &[&Oid], seconds: usize) -> Oid {
            let tree = self.tree(&[]);
            self.commit_of(&tree, parents, seconds)
        }
    }

    fn oids(facts: &GitFacts) -> Vec<&Oid> {
        facts.commits.iter().map(|commit| &commit.oid).collect()
    }

    fn fact_oids(objects: &dyn Objects, head: &Oid, base: &Oid) -> Result<Vec<Oid>, GitFactsError> {
        git_facts(objects, head, base).map(|facts| oids(&facts).into_iter().cloned().collect())
    }

    fn missing(oid: &Oid) -> GitFactsError {
        GitFactsError::MissingObject { oid: oid.clone() }
    }

    #[test]
    fn a_line_reads_nothing_behind_base() {
        let mut made = Made::default();
        let root = made.commit(&[], 1);
        let base = made.commit(&[&root], 2);
        let one = made.commit(&[&base], 3);
        let head = made.commit(&[&one], 4);
        let recording = Recording::new(&made.0);
        assert_eq!(oids(&git_facts(&recording, &head, &base).unwrap()), [&head, &one]);
        let read = recording.into_read();
        assert_eq!(read.keys().collect::<BTreeSet<_>>(), BTreeSet::from([&head, &one, &base]));
        assert_eq!(fact_oids(&read, &head, &base).unwrap(), [head.clone(), one]);
        assert_eq!(fact_oids(&made.0, &head, &head).unwrap(), []);
        assert_eq!(fact_oids(&made.0, &head, &root).unwrap().len(), 3);
    }

    #[test]
    fn hidden_commit_is_refused() {
        let mut made = Made::default();
        let base = made.commit(&[], 1);
        let hidden = made.commit(&[&base], 2);
        let other = made.commit(&[&base], 3);
        let line = made.commit(&[&hidden], 4);
        let merge = made.commit(&[&other, &hidden], 5);
        assert!(fact_oids(&made.0, &line, &base).is_ok() && fact_oids(&made.0, &merge, &base).is_ok());
        made.0.remove(&hidden);
        assert_eq!(fact_oids(&made.0, &line, &base), Err(missing(&hidden)));
        assert_eq!(fact_oids(&made.0, &merge, &base), Err(missing(&hidden)));
    }

    #[test]
    fn forged_object_is_refused() {
        let mut made = Made::default();
        let base = made.commit(&[], 1);
        let honest = made.commit(&[&base], 2);
        let head = made.commit(&[&honest], 3);
        let forged = String::from_utf8(made.0[&honest].clone()).unwrap().replace("a@x", "b@x");
        made.0.insert(honest.clone(), forged.into_bytes());
        let found = fact_oids(&made.0, &head, &base);
        assert!(
            matches!(found, Err(GitFactsError::Object { ref oid, error: ObjectError::Forged { .. } }) if *oid == honest)
        );
    }

    #[test]
    fn merged_target_leaves_the_range() {
        let mut made = Made::default();
        let root = made.commit(&[], 1);
        let fork = made.commit(&[&root], 2);
        let mine = made.commit(&[&fork], 3);
        let theirs = made.commit(&[&fork], 4);
        let base = made.commit(&[&theirs], 5);
        let head = made.commit(&[&mine, &base], 6);
        let recording = Recording::new(&made.0);
        assert_eq!(fact_oids(&recording, &head, &base).unwrap(), [head.clone(), mine.clone()]);
        assert!(!recording.into_read().contains_key(&root), "the walk ends where the two lines meet");
        // The fork need not be there: the chain base, theirs proves it.
        made.0.remove(&fork);
        assert_eq!(fact_oids(&made.0, &head, &base).unwrap(), [head.clone(), mine]);
        made.0.remove(&theirs);
        assert_eq!(fact_oids(&made.0, &head, &base), Err(missing(&fork)));
    }

    #[test]
    fn base_that_is_no_ancestor_is_refused() {
        let mut made = Made::default();
        let root = made.commit(&[], 1);
        let base = made.commit(&[&root], 2);
        let aside = made.commit(&[&root], 3);
        let merge = made.commit(&[&aside, &root], 4);
        for head in [&root, &aside, &merge] {
            let wanted = GitFactsError::NotDescended { head: head.clone(), base: base.clone() };
            assert_eq!(fact_oids(&made.0, head, &base), Err(wanted));
        }
    }

    #[test]
    fn touched_paths_count_modes_submodules_and_both_sides() {
        let mut made = Made::default();
        let (blob, other) = (made.put("blob", b"1"), made.put("blob", b"2"));
        let same = made.tree(&[("100644", "deep", &blob)]);
        let inner = made.tree(&[("100644", "x", &blob)]);
        let before = made.tree(&[
            ("100644", "gone", &blob),
            ("100644", "kind", &blob),
            ("100644", "mode", &blob),
            ("40000", "same", &same),
            ("160000", "sub", &blob),
        ]);
        let after = made.tree(&[
            ("40000", "kind", &inner),
            ("100755", "mode", &blob),
            ("40000", "same", &same),
            ("160000", "sub", &other),
        ]);
        let base = made.commit_of(&before, &[], 1);
        let head = made.commit_of(&after, &[&base], 2);
        made.0.remove(&same);
        let touched = git_facts(&made.0, &head, &base).unwrap().touched;
        assert_eq!(touched, ["gone", "kind", "kind/x", "mode", "sub"]);
        made.0.remove(&inner);
        assert_eq!(fact_oids(&made.0, &head, &base), Err(missing(&inner)));
    }

    #[test]
    fn empty_folder_is_a_touched_path() {
        let mut made = Made::default();
        let empty = made.tree(&[]);
        let holder = made.tree(&[("40000", "hollow", &empty)]);
        let base = made.commit_of(&empty, &[], 1);
        let head = made.commit_of(&holder, &[&base], 2);
        assert_eq!(git_facts(&made.0, &head, &base).unwrap().touched, ["hollow"]);
    }

    #[test]
    fn tree_bomb_is_stopped() {
        let mut made = Made::default();
        let mut tree = made.put("blob", b"");
        let empty = made.tree(&[]);
        for level in 0..40 {
            let mode = if level == 0 { "100644" } else { "40000" };
            tree = made.tree(&[(mode, "a", &tree), (mode, "b", &tree)]);
        }
        assert_eq!(tree_changes(&made.0, &empty, &tree), Err(GitFactsError::TooManyPaths));
    }

    fn ancestors(parents: &[Vec<usize>], from: usize) -> BTreeSet<usize> {
        let (mut found, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(next) = open.pop() {
            if found.insert(next) {
                open.extend(&parents[next]);
            }
        }
        found
    }

    proptest! {
        /// Any history: the range is exact with honest clocks, never smaller with lying ones or with objects withheld,
        /// and the objects that were read give it again.
        #[test]
        fn range_is_that_of_the_graph(
            picks in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 2..14),
            clocks in prop::collection::vec(0_usize..20, 14),
            honest in any::<bool>(),
            pick in any::<prop::sample::Index>(),
            withheld in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        ) {
            let mut made = Made::default();
            let (mut parents, mut all): (Vec<Vec<usize>>, Vec<Oid>) = Default::default();
            for (number, picks) in picks.iter().enumerate() {
                let mine: BTreeSet<usize> =
                    if number == 0 { BTreeSet::new() } else { picks.iter().map(|pick| pick.index(number)).collect() };
                let mine: Vec<usize> = mine.into_iter().collect();
                // The number keeps commits with equal clocks apart.
                let seconds = if honest { 100 + number } else { 100 * clocks[number] + number };
                let oids: Vec<&Oid> = mine.iter().map(|parent| &all[*parent]).collect();
                let oid = made.commit(&oids, seconds);
                parents.push(mine);
                all.push(oid);
            }
            let head = all.len() - 1;
            let behind_head: Vec<usize> = ancestors(&parents, head).into_iter().collect();
            let base = *pick.get(&behind_head);
            let behind_base = ancestors(&parents, base);
            let exact: BTreeSet<&Oid> =
                behind_head.iter().filter(|place| !behind_base.contains(place)).map(|place| &all[*place]).collect();

            let recording = Recording::new(&made.0);
            let facts = git_facts(&recording, &all[head], &all[base]).unwrap();
            let found: BTreeSet<&Oid> = oids(&facts).into_iter().collect();
            prop_assert!(found.is_superset(&exact));
            prop_assert!(!honest || found == exact, "{parents:?} {base}");
            prop_assert_eq!(&git_facts(&recording.into_read(), &all[head], &all[base]).unwrap(), &facts);

            for pick in &withheld {
                made.0.remove(pick.get(&all));
            }
            match git_facts(&made.0, &all[head], &all[base]) {
                Ok(less) => prop_assert!(oids(&less).into_iter().collect::<BTreeSet<_>>().is_superset(&exact)),
                Err(error) => {
                    let missing = matches!(error, GitFactsError::MissingObject { .. });
                    prop_assert!(missing, "{error}");
                },
            }
        }
    }
}
