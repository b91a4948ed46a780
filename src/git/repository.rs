//! A repository on this machine: where it lies, what its names mean, its raw objects.
//!
//! Two processes serve a whole command: one `git rev-parse` at the start, and one `git cat-file --batch` that resolves
//! names and reads objects until the end. Both are started at once. [`Repository::merge_base`] needs a third only where
//! neither commit is behind the other on a plain line.
//! Out of scope: bare repositories, remotes, writing anything ([`super::kept`] writes refs of our own).

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::batch::{Answer, Batch};
use super::changed::changed_lines;
use super::facts::{GitFactsError, Objects, ObjectsError, first_parent, git_facts, need_commit, need_tree};
use super::laid::Laying;
use super::objects::{Commit, Kind, Mode, Object};
use super::run::{Git, GitError};
use crate::model::{ChangedLines, GitFacts, Oid};

/// A repository with a work tree.
#[derive(Debug)]
pub struct Repository {
    place: Place,
    history: History,
    branch: Option<String>,
    batch: RefCell<Batch>,
    cache: RefCell<Cache>,
}

/// Where a repository lies: all that [`super::worktree`] needs, and free to go to another thread.
#[derive(Clone, Debug)]
pub struct Place {
    pub(super) git: Git,
    pub(super) top: PathBuf,
    pub(super) git_dir: PathBuf,
    pub(super) common_dir: PathBuf,
    /// How many hex digits the repository's ids have.
    pub(super) digits: usize,
}

/// How much of the history is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// All of it.
    Whole,
    /// It was cut off by a shallow clone.
    Shallow,
}

/// What is checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The commit.
    pub commit: Oid,
    /// Its tree.
    pub tree: Oid,
    /// The full name of the branch, such as `refs/heads/main`; `None` if HEAD is detached.
    pub branch: Option<String>,
}

/// A ref and the commit that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The full name, such as `refs/remotes/origin/main`.
    pub name: String,
    /// The commit.
    pub commit: Oid,
}

impl Repository {
    /// Finds the repository that a folder lies in.
    ///
    /// If it lies in none, returns [`GitError::NotARepository`]; if there is no work tree, [`GitError::NoWorkTree`]; if `core.worktree`
    /// says that it lies elsewhere, [`GitError::OtherWorkTree`].
    /// A repository without commits is found; only [`Repository::head`] fails there.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn discover(git: &Git, dir: &Path) -> Result<Self, GitError> {
        if !dir.is_dir() {
            return Err(GitError::NotARepository { dir: dir.to_owned() });
        }
        let batch = Batch::start(git, dir)?;
        let ended = git.finish(git.command(dir).args(REV_PARSE))?;
        let command = REV_PARSE.join(" ");
        // Where HEAD has no commit yet, all lines are printed, and then the error about HEAD.
        let unborn = ended.code != Some(0) && ended.stderr.contains("ambiguous argument 'HEAD'");
        if ended.code != Some(0) && !unborn {
            let dir = dir.to_owned();
            return Err(match &ended.stderr {
                said if said.contains("not a git repository") => GitError::NotARepository { dir },
                said if said.contains("must be run in a work tree") => GitError::NoWorkTree { dir },
                _ => ended.failed(),
            });
        }
        let unreadable = |reason| GitError::Output { command: command.clone(), reason };
        let text = ended.stdout.strip_suffix(b"\n").unwrap_or(&ended.stdout);
        let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
        let [top, git_dir, common_dir, shallow, format, head] = lines[..] else {
            return Err(unreadable("wanted six lines; a folder's name may hold a line feed"));
        };
        let path = |line: &[u8]| PathBuf::from(OsString::from_vec(line.to_vec()));
        let (history, digits) = match (shallow, format) {
            (b"false", b"sha1") => (History::Whole, 40),
            (b"false", b"sha256") => (History::Whole, 64),
            (b"true", b"sha1") => (History::Shallow, 40),
            (b"true", b"sha256") => (History::Shallow, 64),
            _ => return Err(unreadable("wanted true or false, and sha1 or sha256")),
        };
        let branch = if unborn || head == b"HEAD" { None } else { Some(ref_text(head).ok_or(unreadable(NO_UTF8))?) };
        let (top, git_dir, common_dir) = (path(top), path(git_dir), path(common_dir));
        if !dir.canonicalize().is_ok_and(|dir| top.canonicalize().is_ok_and(|top| dir.starts_with(top))) {
            return Err(GitError::OtherWorkTree { dir: dir.to_owned(), top });
        }
        let place = Place { git: git.clone(), top, git_dir, common_dir, digits };
        Ok(Self { place, history, branch, batch: RefCell::new(batch), cache: RefCell::default() })
    }

    /// Returns the git that is run.
    #[must_use]
    pub const fn git(&self) -> &Git {
        &self.place.git
    }

    /// Returns the hash of its objects, `sha1` or `sha256`.
    #[must_use]
    pub const fn object_format(&self) -> &'static str {
        if self.place.digits == 64 { "sha256" } else { "sha1" }
    }

    /// Returns the top folder of the work tree, absolute.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.place.top
    }

    /// Returns the folder that all work trees of the repository share, absolute: `.git` in a plain clone.
    #[must_use]
    pub fn common_dir(&self) -> &Path {
        &self.place.common_dir
    }

    /// Returns where the repository lies.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Tells how much of the history is there.
    #[must_use]
    pub const fn history(&self) -> History {
        self.history
    }

    /// Returns what is checked out: the branch as it was at [`Repository::discover`], the commit as it is now.
    ///
    /// # Errors
    /// [`GitError::UnbornHead`] if there is no commit yet; else see [`GitError`].
    pub fn head(&self) -> Result<Head, GitError> {
        let commit = self.resolve("HEAD")?.ok_or(GitError::UnbornHead)?;
        let tree = self.tree_of(&commit)?;
        Ok(Head { commit, tree, branch: self.branch.clone() })
    }

    /// Returns the commit that a revision names, through tags: a ref, an id, or what `git help revisions` allows.
    ///
    /// # Errors
    /// [`GitError::UnknownRevision`] and [`GitError::AmbiguousRevision`]; else see [`GitError`].
    pub fn resolve_commit(&self, revision: &str) -> Result<Oid, GitError> {
        self.resolve(revision)?
            .ok_or_else(|| GitError::UnknownRevision { revision: revision.to_owned(), top: self.place.top.clone() })
    }

    /// Returns a commit, hashed again.
    ///
    /// # Errors
    /// [`GitError::Shallow`] if it lies behind the cut of a shallow clone; else see [`GitError`].
    pub fn commit(&self, commit: &Oid) -> Result<Commit, GitError> {
        need_commit(self, commit).map_err(|error| self.told(error))
    }

    /// Returns whether a commit is another one or among its ancestors.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn is_ancestor(&self, older: &Oid, newer: &Oid) -> Result<bool, GitError> {
        Ok(self.merge_base(older, newer)?.as_ref() == Some(older))
    }

    /// Returns the tree of a commit.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn tree_of(&self, commit: &Oid) -> Result<Oid, GitError> {
        Ok(self.commit(commit)?.tree)
    }

    /// Finds the target branch.
    ///
    /// What is given means what it means to git: a full ref name, or a branch here, or of a remote (`origin/main`), or of
    /// the remote `origin`, in this order. If nothing is given, the remote counts first, since others merge to that:
    /// where `origin/HEAD` points, then `main`, then `master`, each of `origin` before the one here; if there is none of
    /// these, returns `None`.
    ///
    /// # Errors
    /// [`GitError::UnknownRevision`] if what is given names no commit; else see [`GitError`].
    pub fn target(&self, given: Option<&str>) -> Result<Option<Target>, GitError> {
        let names: Vec<String> = match given {
            Some(full) if full.starts_with("refs/") => vec![full.to_owned()],
            Some(name) => {
                ["refs/heads/", "refs/remotes/", "refs/remotes/origin/"].map(|at| format!("{at}{name}")).into()
            }
            None => DEFAULT_TARGETS.map(str::to_owned).into(),
        };
        for name in names {
            if let Some(commit) = self.resolve_ref(&name)? {
                let name = if name == ORIGIN_HEAD { self.origin_head()? } else { name };
                return Ok(Some(Target { name, commit }));
            }
        }
        match given {
            None => Ok(None),
            Some(name) => Err(GitError::UnknownRevision { revision: name.to_owned(), top: self.place.top.clone() }),
        }
    }

    /// Returns the full names of the first branches, here and of remotes, as many as are asked for.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn branches(&self, most: u32) -> Result<Vec<String>, GitError> {
        let count = format!("--count={most}");
        let arguments = ["for-each-ref", &count, "--format=%(refname)", "refs/heads", "refs/remotes"];
        let ended = self.place.git.finish(self.place.git.command(&self.place.top).args(arguments))?;
        let printed = ended.printed()?;
        Ok(String::from_utf8_lossy(&printed).lines().map(ToOwned::to_owned).collect())
    }

    /// Returns the best common ancestor of two commits, or `None` if they have none.
    ///
    /// # Errors
    /// [`GitError::Shallow`] if there is none in what a shallow clone has; else see [`GitError`].
    pub fn merge_base(&self, ours: &Oid, theirs: &Oid) -> Result<Option<Oid>, GitError> {
        if let Some(meeting) = self.meeting_of_lines(ours, theirs)? {
            return Ok(Some(meeting));
        }
        let arguments = ["merge-base", "--end-of-options", ours.as_str(), theirs.as_str()];
        let ended = self.place.git.finish(self.place.git.command(&self.place.top).args(arguments))?;
        match ended.code {
            Some(0) => Ok(Some(parse_oid(&ended.stdout, "merge-base")?)),
            Some(1) if self.history == History::Shallow => Err(GitError::Shallow {
                wanted: format!("a common ancestor of {} and {}", ours.short(), theirs.short()),
            }),
            Some(1) => Ok(None),
            _ => Err(self.absent(&[ours, theirs])?.unwrap_or_else(|| ended.failed())),
        }
    }

    /// Returns which of these commits is not here, and how to get it, if one is not.
    fn absent(&self, commits: &[&Oid]) -> Result<Option<GitError>, GitError> {
        for commit in commits {
            if self.object(commit)?.is_none() {
                return Ok(Some(match self.history {
                    History::Shallow => GitError::Shallow { wanted: format!("commit {}", commit.short()) },
                    History::Whole if self.is_partial() => GitError::Partial { oid: (*commit).clone() },
                    History::Whole => GitError::NotHere { commit: (*commit).clone() },
                }));
            }
        }
        Ok(None)
    }

    /// Computes the facts about the commits from base to head, each object hashed again.
    ///
    /// # Errors
    /// [`GitError::Shallow`] if an object lies behind the cut of a shallow clone, else [`GitError::Facts`].
    pub fn facts(&self, head: &Oid, base: &Oid) -> Result<GitFacts, GitError> {
        git_facts(self, head, base).map_err(|error| self.told(error))
    }

    /// Returns the first parent of a commit, hashed again; `None` for a root.
    ///
    /// # Errors
    /// As [`Repository::facts`].
    pub fn first_parent(&self, commit: &Oid) -> Result<Option<Oid>, GitError> {
        first_parent(self, commit).map_err(|error| self.told(error))
    }

    /// Computes the lines that head has and base has not, and trees of base with files of head, each object hashed again.
    ///
    /// # Errors
    /// As [`Repository::facts`].
    pub fn changed_lines(&self, head: &Oid, base: &Oid, laid: &[Laying]) -> Result<ChangedLines, GitError> {
        changed_lines(self, head, base, laid).map_err(|error| self.told(error))
    }

    /// Returns the content of the file or link at a path of a commit, or `None` if there is none. The path is from the
    /// top, with `/`.
    ///
    /// The folders are read and hashed one by one, so that what is absent and what is missing are told apart.
    ///
    /// # Errors
    /// [`GitFactsError::MissingObject`] if a folder or the file itself is not there; else see [`GitError`].
    pub fn blob_at(&self, commit: &Oid, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let mut at = (Mode::Tree, self.tree_of(commit)?);
        for name in path.split('/') {
            let entries = if at.0 == Mode::Tree { need_tree(self, &at.1) } else { return Ok(None) };
            let found = entries.map_err(|error| self.told(error))?.into_iter().find(|e| e.name == name.as_bytes());
            let Some(entry) = found else { return Ok(None) };
            at = (entry.mode, entry.oid);
        }
        let (mode, oid) = at;
        match mode {
            Mode::Tree | Mode::Submodule => Ok(None),
            Mode::File | Mode::GroupFile | Mode::Executable | Mode::Link => {
                let missing = || self.told(GitFactsError::MissingObject { oid: oid.clone() });
                let raw = self.object(&oid).map_err(|error| self.told(error.into()))?.ok_or_else(missing)?;
                let object = Object::check(&oid, &raw).and_then(|object| object.of(Kind::Blob));
                let object = object.map_err(|error| GitFactsError::Object { oid: oid.clone(), error })?;
                Ok(Some(object.content().to_vec()))
            }
        }
    }

    /// Returns the value of a configuration key, or `None` if it is not set. This costs a process.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn config(&self, key: &str) -> Result<Option<String>, GitError> {
        let arguments = ["config", "--null", "--get", "--end-of-options", key];
        let ended = self.place.git.finish(self.place.git.command(&self.place.top).args(arguments))?;
        match ended.code {
            Some(0) => {
                let value = ended.stdout.strip_suffix(b"\0").unwrap_or(&ended.stdout).to_vec();
                let unreadable = |_| GitError::Output { command: format!("config {key}"), reason: NO_UTF8 };
                Ok(Some(String::from_utf8(value).map_err(unreadable)?))
            }
            Some(1) => Ok(None),
            _ => Err(ended.failed()),
        }
    }

    /// Sets a configuration key of this repository.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn set_config(&self, key: &str, value: &str) -> Result<(), GitError> {
        let arguments = ["config", "--local", key, value];
        self.place.git.finish(self.place.git.command(&self.place.top).args(arguments))?.printed().map(drop)
    }

    fn resolve(&self, revision: &str) -> Result<Option<Oid>, GitError> {
        if revision.is_empty() || revision.contains('\n') {
            return Ok(None);
        }
        match self.ask(&format!("{revision}^{{commit}}"))? {
            Answer::Found { oid, kind: Kind::Commit, raw } => {
                self.cache.borrow_mut().keep(&oid, &raw);
                Ok(Some(oid))
            }
            Answer::Found { .. } | Answer::Missing => Ok(None),
            Answer::Ambiguous => Err(GitError::AmbiguousRevision { revision: revision.to_owned() }),
        }
    }

    /// Returns the commit of exactly the ref with a full name.
    ///
    /// Git, asked for `refs/heads/main` where there is none, also takes a tag of that whole name, which anybody may push.
    /// So where one of the other readings of the name exists, a process that takes names as they are has to tell.
    pub(super) fn resolve_ref(&self, name: &str) -> Result<Option<Oid>, GitError> {
        if !is_plain_ref(name) {
            return Ok(None);
        }
        let Some(commit) = self.resolve(name)? else { return Ok(None) };
        for (before, behind) in OTHER_READINGS {
            if self.resolve(&format!("{before}{name}{behind}"))?.is_some() {
                let arguments = ["show-ref", "--verify", "--hash", "--end-of-options", name];
                let ended = self.place.git.finish(self.place.git.command(&self.place.top).args(arguments))?;
                if ended.code != Some(0) {
                    return Ok(None);
                }
                return self.resolve(parse_oid(&ended.stdout, "show-ref")?.as_str());
            }
        }
        Ok(Some(commit))
    }

    pub(super) fn ask(&self, request: &str) -> Result<Answer, GitError> {
        self.batch.borrow_mut().ask(request)
    }

    /// Follows two histories while each commit has one parent. The newer commit steps first, which costs the least; where
    /// two plain lines meet, no other common ancestor can be better.
    fn meeting_of_lines(&self, ours: &Oid, theirs: &Oid) -> Result<Option<Oid>, GitError> {
        let read = |oid: &Oid| need_commit(self, oid);
        let mut ends = [ours.clone(), theirs.clone()];
        let mut seen = [vec![ours.clone()], vec![theirs.clone()]];
        for _ in 0..LINE_COMMITS_MAX {
            if let Some(side) = [0, 1].into_iter().find(|side| seen[1 - side].contains(&ends[*side])) {
                return Ok(Some(ends[side].clone()));
            }
            let commits = [read(&ends[0]), read(&ends[1])];
            // What cannot be read is git's to tell.
            let [Ok(our), Ok(their)] = &commits else { return Ok(None) };
            let newer_first = if our.committed_seconds >= their.committed_seconds { [0, 1] } else { [1, 0] };
            let commits = [our, their];
            let step = newer_first.into_iter().find_map(|side| match &commits[side].parents[..] {
                [parent] => Some((side, parent.clone())),
                _ => None,
            });
            let Some((side, parent)) = step else { return Ok(None) };
            seen[side].push(parent.clone());
            ends[side] = parent;
        }
        Ok(None)
    }

    /// Returns the branch that `origin/HEAD` stands for, or its own name if it stands for none.
    fn origin_head(&self) -> Result<String, GitError> {
        let file = std::fs::read(self.place.common_dir.join(ORIGIN_HEAD)).ok();
        let target = file.as_deref().and_then(|text| text.strip_prefix(b"ref: ")).map(<[u8]>::trim_ascii);
        if let Some(name) = target.and_then(ref_text) {
            return Ok(name);
        }
        // Not in a file of its own: another kind of ref storage, or an id.
        let arguments = ["symbolic-ref", "--quiet", "--end-of-options", ORIGIN_HEAD];
        let ended = self.place.git.finish(self.place.git.command(&self.place.top).args(arguments))?;
        let name = if ended.code == Some(0) { ref_text(ended.stdout.trim_ascii()) } else { None };
        Ok(name.unwrap_or_else(|| ORIGIN_HEAD.to_owned()))
    }

    /// Tells whether a remote has objects that the clone was made without (`git clone --filter`).
    fn is_partial(&self) -> bool {
        let arguments = ["config", "--get-regexp", "^remote\\..*\\.promisor$"];
        let ended = self.place.git.finish(self.place.git.command(&self.place.top).args(arguments));
        ended.is_ok_and(|ended| ended.code == Some(0))
    }

    /// Says of a missing object in a shallow or partial clone what mends it.
    fn told(&self, error: GitFactsError) -> GitError {
        match error {
            GitFactsError::MissingObject { oid } if self.history == History::Shallow => {
                GitError::Shallow { wanted: format!("git object {oid}") }
            }
            // Older gits cannot be kept from asking the remote; where they may not, they end.
            GitFactsError::MissingObject { oid } | GitFactsError::Unreadable(ObjectsError { oid, .. })
                if self.is_partial() =>
            {
                GitError::Partial { oid }
            }
            other => GitError::Facts(other),
        }
    }
}

impl Objects for Repository {
    fn object(&self, oid: &Oid) -> Result<Option<Vec<u8>>, ObjectsError> {
        if let Some(raw) = self.cache.borrow().kept.get(oid) {
            return Ok(Some(raw.clone()));
        }
        let unreadable = |error: GitError| ObjectsError { oid: oid.clone(), reason: error.to_string() };
        match self.ask(oid.as_str()).map_err(unreadable)? {
            Answer::Found { raw, .. } => {
                self.cache.borrow_mut().keep(oid, &raw);
                Ok(Some(raw))
            }
            Answer::Missing | Answer::Ambiguous => Ok(None),
        }
    }
}

/// Raw objects that were read and may be read again within the same command.
#[derive(Debug, Default)]
struct Cache {
    kept: HashMap<Oid, Vec<u8>>,
    bytes: usize,
}

impl Cache {
    fn keep(&mut self, oid: &Oid, raw: &[u8]) {
        if self.bytes + raw.len() <= CACHE_BYTES_MAX && !self.kept.contains_key(oid) {
            self.bytes += raw.len();
            self.kept.insert(oid.clone(), raw.to_vec());
        }
    }
}

/// Checks the rules of `git check-ref-format` that keep a name from being an expression.
pub(super) fn is_plain_ref(name: &str) -> bool {
    let special = |c: char| c.is_ascii_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    !name.contains(special) && !name.contains("..") && !name.contains("@{") && !name.ends_with('/')
}

fn ref_text(bytes: &[u8]) -> Option<String> {
    str::from_utf8(bytes).ok().filter(|text| text.starts_with("refs/")).map(str::to_owned)
}

pub(super) fn parse_oid(printed: &[u8], command: &str) -> Result<Oid, GitError> {
    let text = str::from_utf8(printed.trim_ascii()).ok();
    text.and_then(|text| text.parse().ok())
        .ok_or(GitError::Output { command: command.to_owned(), reason: "wanted one object id" })
}

const REV_PARSE: [&str; 9] = [
    "rev-parse",
    "--path-format=absolute",
    "--show-toplevel",
    "--git-dir",
    "--git-common-dir",
    "--is-shallow-repository",
    "--show-object-format",
    "--symbolic-full-name",
    "HEAD",
];
/// `git help revisions`, the rules for a ref name after the first, which takes it as it is.
const OTHER_READINGS: [(&str, &str); 5] =
    [("refs/", ""), ("refs/tags/", ""), ("refs/heads/", ""), ("refs/remotes/", ""), ("refs/remotes/", "/HEAD")];
const NO_UTF8: &str = "wanted UTF-8";
const ORIGIN_HEAD: &str = "refs/remotes/origin/HEAD";
const DEFAULT_TARGETS: [&str; 5] =
    [ORIGIN_HEAD, "refs/remotes/origin/main", "refs/heads/main", "refs/remotes/origin/master", "refs/heads/master"];
/// So many steps of one process cost less than a second process.
const LINE_COMMITS_MAX: usize = 64;
/// 4 MiB: the commits and top folders that one command reads twice.
const CACHE_BYTES_MAX: usize = 4 << 20;

#[cfg(test)]
mod tests;
