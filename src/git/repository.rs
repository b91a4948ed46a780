//! A live repository: what is checked out, where its branches stand, and its raw objects.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::facts::{Objects, ObjectsError};
use super::objects::{OBJECT_BYTES_MAX, Object};
use super::run::{GitError, answer, git};
use crate::model::Oid;

/// A repository with a work tree.
pub struct Repository {
    top: PathBuf,
    common: PathBuf,
    shallow: bool,
    branch: Option<String>,
    batch: RefCell<Option<Batch>>,
}

/// What is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The commit.
    pub commit: Oid,
    /// Its tree.
    pub tree: Oid,
}

struct Batch {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    known: HashMap<String, Option<(Oid, Vec<u8>)>>,
}

impl Repository {
    /// Finds the repository around a folder.
    ///
    /// # Errors
    /// If there is none, it has no work tree, or git refuses.
    pub fn discover(folder: &Path) -> Result<Self, GitError> {
        let mut command = git(folder)?;
        command.args([
            "rev-parse",
            "--path-format=absolute",
            "--is-bare-repository",
            "--is-shallow-repository",
            "--git-common-dir",
            "--show-toplevel",
            "--symbolic-full-name",
            "HEAD",
        ]);
        let output = command.output().map_err(|source| GitError::Io { what: "rev-parse".to_owned(), source })?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = text.lines();
        let (Some(bare), Some(shallow), Some(common)) = (lines.next(), lines.next(), lines.next()) else {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(if said.contains("not a git repository") {
                GitError::NotARepository(folder.to_owned())
            } else {
                GitError::Failed { what: "rev-parse".to_owned(), text: said }
            });
        };
        if bare == "true" {
            return Err(GitError::Bare(common.into()));
        }
        let top = lines.next().ok_or_else(|| GitError::Bare(common.into()))?;
        let branch = lines.next().filter(|name| name.starts_with("refs/heads/")).map(ToOwned::to_owned);
        Ok(Self {
            top: top.into(),
            common: common.into(),
            shallow: shallow == "true",
            branch,
            batch: RefCell::new(None),
        })
    }

    /// Returns the top of the work tree.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Returns the folder that all work trees share.
    #[must_use]
    pub fn common(&self) -> &Path {
        &self.common
    }

    /// Returns whether the history is cut.
    #[must_use]
    pub const fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// Returns the full name of the branch that is checked out; `None` where HEAD is detached.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.branch.as_deref()
    }

    /// Returns what a revision names: a commit and its tree.
    ///
    /// # Errors
    /// If git does not know it.
    pub fn head(&self, revision: &str) -> Result<Head, GitError> {
        let unknown = || if revision == "HEAD" { GitError::Unborn } else { GitError::Unknown(revision.to_owned()) };
        let commit = self.find(&format!("{revision}^{{commit}}"))?.ok_or_else(unknown)?.0;
        let tree = self.find(&format!("{commit}^{{tree}}"))?.ok_or_else(unknown)?.0;
        Ok(Head { commit, tree })
    }

    /// Returns the commit that a revision names; `None` if git does not know it.
    ///
    /// # Errors
    /// If git refuses.
    pub fn commit(&self, revision: &str) -> Result<Option<Oid>, GitError> {
        Ok(self.find(&format!("{revision}^{{commit}}"))?.map(|(oid, _)| oid))
    }

    /// Returns the branch that a change is meant for, full name and commit: the one named, else the remote's default branch,
    /// else `main`, else `master`.
    ///
    /// A name is looked for as it is, as a remote branch of `origin`, and as a local branch. If there is none, returns `None`.
    ///
    /// # Errors
    /// If git refuses, or knows no branch of the name that is given.
    pub fn target(&self, named: Option<&str>) -> Result<Option<(String, Oid)>, GitError> {
        if let Some(name) = named {
            let short = name
                .strip_prefix("refs/heads/")
                .or_else(|| name.strip_prefix("refs/remotes/origin/"))
                .or_else(|| name.strip_prefix("origin/"))
                .unwrap_or(name);
            let found = self.branch_named(short)?;
            return found.map(Some).ok_or_else(|| GitError::Unknown(name.to_owned()));
        }
        if let Ok(text) = std::fs::read_to_string(self.common.join("refs/remotes/origin/HEAD"))
            && let Some(short) = text.trim().strip_prefix("ref: refs/remotes/origin/")
            && let Some(found) = self.branch_named(short)?
        {
            return Ok(Some(found));
        }
        for short in ["main", "master"] {
            if let Some(found) = self.branch_named(short)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn branch_named(&self, short: &str) -> Result<Option<(String, Oid)>, GitError> {
        let full = format!("refs/heads/{short}");
        for place in [format!("refs/remotes/origin/{short}"), full.clone()] {
            if let Some(oid) = self.commit(&place)? {
                return Ok(Some((full, oid)));
            }
        }
        Ok(None)
    }

    /// Returns the newest commit that two have in common; `None` if there is none.
    ///
    /// # Errors
    /// If git refuses.
    pub fn merge_base(&self, one: &Oid, other: &Oid) -> Result<Option<Oid>, GitError> {
        if one == other {
            return Ok(Some(one.clone()));
        }
        let mut command = git(&self.top)?;
        command.args(["merge-base", one.as_str(), other.as_str()]);
        let output = command.output().map_err(|source| GitError::Io { what: "merge-base".to_owned(), source })?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.trim().parse().ok())
    }

    /// Returns the first parent of a commit; `None` for a first commit.
    ///
    /// # Errors
    /// If git refuses.
    pub fn parent(&self, commit: &Oid) -> Result<Option<Oid>, GitError> {
        self.commit(&format!("{commit}^1"))
    }

    /// Returns the bytes of a file in a commit; `None` if it has none.
    ///
    /// # Errors
    /// If git refuses.
    pub fn blob_at(&self, commit: &Oid, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let Some((oid, raw)) = self.find(&format!("{commit}:{path}"))? else { return Ok(None) };
        Ok(Object::check(&oid, &raw).ok().map(|object| object.content().to_vec()))
    }

    /// Returns a setting of git.
    ///
    /// # Errors
    /// If git refuses.
    pub fn setting(&self, key: &str) -> Result<Option<String>, GitError> {
        let mut command = git(&self.top)?;
        command.args(["config", "--get", key]);
        match answer(&mut command, "config") {
            Ok(value) => Ok(Some(String::from_utf8_lossy(&value).trim().to_owned()).filter(|value| !value.is_empty())),
            Err(GitError::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn find(&self, name: &str) -> Result<Option<(Oid, Vec<u8>)>, GitError> {
        let failed = |text: &str| GitError::Failed { what: "cat-file".to_owned(), text: text.to_owned() };
        if name.contains(['\n', '\0']) || name.starts_with('-') {
            return Ok(None);
        }
        let mut batch = self.batch.borrow_mut();
        if batch.is_none() {
            *batch = Some(Batch::start(&self.top)?);
        }
        let batch = batch.as_mut().ok_or_else(|| failed("it did not start"))?;
        if let Some(known) = batch.known.get(name) {
            return Ok(known.clone());
        }
        let found = batch.ask(name).map_err(|error| failed(&error.to_string()))?;
        if batch.known.len() >= KNOWN_MAX {
            batch.known.clear();
        }
        batch.known.insert(name.to_owned(), found.clone());
        Ok(found)
    }
}

impl Objects for Repository {
    fn object(&self, oid: &Oid) -> Result<Option<Vec<u8>>, ObjectsError> {
        let found =
            self.find(oid.as_str()).map_err(|error| ObjectsError { oid: oid.clone(), reason: error.to_string() })?;
        Ok(found.map(|(_, raw)| raw))
    }
}

impl Batch {
    fn start(folder: &Path) -> Result<Self, GitError> {
        let failed = |source| GitError::Io { what: "cat-file".to_owned(), source };
        let mut child = git(folder)?
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
        };
        Ok(Self { child, input, output: BufReader::new(output), known: HashMap::new() })
    }

    /// Asks for an object: `<oid> <type> <size>` LF content LF, or `<name> missing`.
    fn ask(&mut self, name: &str) -> std::io::Result<Option<(Oid, Vec<u8>)>> {
        self.input.write_all(format!("{name}\n").as_bytes())?;
        self.input.flush()?;
        let mut line = Vec::new();
        self.output.read_until(b'\n', &mut line)?;
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if line.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let words: Vec<&str> = line.rsplitn(3, ' ').collect();
        let [size, kind, oid] = words[..] else { return Ok(None) };
        let (Ok(size), Ok(oid)) = (size.parse::<usize>(), oid.parse::<Oid>()) else { return Ok(None) };
        if size > OBJECT_BYTES_MAX {
            return Err(std::io::Error::other(format!(
                "object {oid} has {size} bytes; at most {OBJECT_BYTES_MAX} are read"
            )));
        }
        let mut raw = format!("{kind} {size}\0").into_bytes();
        let header = raw.len();
        raw.resize(header + size, 0);
        self.output.read_exact(&mut raw[header..])?;
        let mut end = [0];
        self.output.read_exact(&mut end)?;
        Ok(Some((oid, raw)))
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // It ends by itself when its input closes; nobody waits for what is no longer wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// So many answers are kept: the objects of a change of ordinary size.
const KNOWN_MAX: usize = 4096;
