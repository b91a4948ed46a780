//! Runs the git command: one absolute path, a clean environment, no hooks, no network, no replaced objects.
//!
//! Every call goes through [`Git::command`], so what a user, a CI job or a hostile repository sets in `GIT_*` variables,
//! hooks, replacement refs, grafts or a commit graph does not reach an answer. The configuration of user and repository is
//! read, since filters, line ends and `safe.directory` belong to a work tree; it is not the judged branch's.
//! Out of scope: Windows, whose git needs more of the environment.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::facts::{GitFactsError, ObjectsError};
use crate::model::Oid;

/// What git needs of the environment. The caller reads it; nothing here does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitEnvironment {
    /// `PATH`: where git is looked for, and git's own `PATH`.
    pub path: Option<OsString>,
    /// `HOME`: where the user's git configuration lies.
    pub home: Option<OsString>,
    /// `XDG_CONFIG_HOME`: where else it may lie.
    pub config_home: Option<OsString>,
}

/// The git command, found once.
#[derive(Clone, Debug)]
pub struct Git {
    program: PathBuf,
    environment: GitEnvironment,
}

/// Why git gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No git at all.
    #[error("git is not in PATH; wanted an absolute folder of it that holds an executable `git`")]
    NoGit,
    /// The system could not start git.
    #[error("{} could not be started: {source}", program.display())]
    Start {
        /// The git command.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder is in no repository.
    #[error("{} is not in a git repository", dir.display())]
    NotARepository {
        /// The folder.
        dir: PathBuf,
    },
    /// A bare repository, or the inside of `.git`.
    #[error("{} has no work tree; wanted a folder of checked out files", dir.display())]
    NoWorkTree {
        /// The folder.
        dir: PathBuf,
    },
    /// The repository's work tree lies elsewhere.
    #[error("{} is not in its repository's work tree {}; wanted a folder below that", dir.display(), top.display())]
    OtherWorkTree {
        /// The folder.
        dir: PathBuf,
        /// What `core.worktree` says.
        top: PathBuf,
    },
    /// The history was cut off, and what was asked lies behind the cut.
    #[error("the history is shallow and does not reach {wanted}")]
    Shallow {
        /// What lies behind the cut.
        wanted: String,
    },
    /// The clone was made without some objects, and one is needed.
    #[error("the clone is partial and does not have git object {oid}")]
    Partial {
        /// The object.
        oid: Oid,
    },
    /// HEAD names a branch without commits.
    #[error("HEAD has no commit yet")]
    UnbornHead,
    /// No commit has that name.
    #[error("no commit is named `{revision}` in {}", top.display())]
    UnknownRevision {
        /// The name.
        revision: String,
        /// The work tree.
        top: PathBuf,
    },
    /// A commit is not in this repository.
    #[error("commit {} is not here", commit.short())]
    NotHere {
        /// The commit.
        commit: Oid,
    },
    /// A ref of our own names what it never does.
    #[error("the ref {name} {reason}; wanted a commit of files that are named by a SHA-256")]
    NotKept {
        /// The ref.
        name: String,
        /// What was found.
        reason: &'static str,
    },
    /// More than one object has that abbreviated name.
    #[error("`{revision}` names more than one object; wanted more digits or a full ref name")]
    AmbiguousRevision {
        /// The name.
        revision: String,
    },
    /// Git ended with an error.
    #[error("git {command} ended with {status}: {message}")]
    Failed {
        /// The arguments.
        command: String,
        /// How it ended.
        status: String,
        /// What it said.
        message: String,
    },
    /// Git printed what it does not print.
    #[error("git {command} printed what cannot be read: {reason}")]
    Output {
        /// The arguments.
        command: String,
        /// What was wrong with it.
        reason: &'static str,
    },
    /// An object is larger than any that is read.
    #[error("git object {oid} has {bytes} bytes; wanted at most {max}")]
    TooLarge {
        /// The object.
        oid: Oid,
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The folder for a check of the work tree could not be written.
    #[error("{} could not be written: {source}", path.display())]
    Temporary {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The object database could not be read.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// The objects do not give the facts.
    #[error(transparent)]
    Facts(#[from] GitFactsError),
}

impl Git {
    /// Finds git on the `PATH` of an environment. Folders that are not absolute are passed over.
    ///
    /// # Errors
    /// [`GitError::NoGit`] if none holds an executable `git`.
    pub fn find(environment: GitEnvironment) -> Result<Self, GitError> {
        let path = environment.path.clone().unwrap_or_default();
        let program = std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join("git"))
            .find(|file| file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0))
            .ok_or(GitError::NoGit)?;
        Ok(Self { program, environment })
    }

    /// Returns git's absolute path.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Starts a command line in a folder: standard streams are pipes, but input is empty.
    pub(super) fn command(&self, dir: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().current_dir(dir).args(OPTIONS).envs(VARIABLES.iter().copied());
        let kept = [
            ("PATH", &self.environment.path),
            ("HOME", &self.environment.home),
            ("XDG_CONFIG_HOME", &self.environment.config_home),
        ];
        for (name, value) in kept {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a prepared command to its end.
    ///
    /// # Errors
    /// [`GitError::Start`] only: how it ended is for the caller to judge.
    pub(super) fn finish(&self, command: &mut Command) -> Result<Ended, GitError> {
        let output = command.output().map_err(|source| GitError::Start { program: self.program.clone(), source })?;
        Ok(Ended::of(command, output))
    }

    /// Runs a prepared command to its end and lets it read something.
    ///
    /// # Errors
    /// [`GitError::Start`] only: how it ended is for the caller to judge.
    pub(super) fn finish_fed(&self, command: &mut Command, input: &[u8]) -> Result<Ended, GitError> {
        let failed = |source| GitError::Start { program: self.program.clone(), source };
        let mut child = command.stdin(Stdio::piped()).spawn().map_err(failed)?;
        let mut pipe = child.stdin.take().expect("the command was built with a piped stdin");
        let output = std::thread::scope(|scope| {
            scope.spawn(move || {
                // A command that ends early says why itself.
                let _ = pipe.write_all(input);
            });
            child.wait_with_output()
        });
        Ok(Ended::of(command, output.map_err(failed)?))
    }
}

/// How a run of git ended.
pub(super) struct Ended {
    command: String,
    pub(super) code: Option<i32>,
    status: String,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

impl Ended {
    fn of(command: &Command, output: Output) -> Self {
        let mut words =
            command.get_args().skip(OPTIONS.len()).map(|word| word.to_string_lossy().into_owned()).peekable();
        // What we set is the same each time, and long.
        while words.next_if(|word| word == "-c").is_some() {
            words.next();
        }
        let arguments: Vec<String> = words.collect();
        let status = output.status;
        Self {
            command: arguments.join(" "),
            code: status.code(),
            status: status.to_string(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }
    }

    /// Returns what git printed.
    ///
    /// # Errors
    /// [`GitError::Failed`] if it did not end with 0.
    pub(super) fn printed(self) -> Result<Vec<u8>, GitError> {
        if self.code == Some(0) { Ok(self.stdout) } else { Err(self.failed()) }
    }

    /// Makes the error that says so.
    pub(super) fn failed(self) -> GitError {
        let mut message: String = self.stderr.chars().take(MESSAGE_CHARS_MAX).collect();
        if message.is_empty() {
            message.push_str("it said nothing");
        }
        GitError::Failed { command: self.command, status: self.status, message }
    }
}

impl GitError {
    /// Returns the command that mends it, where one does.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Shallow { .. } => Some("git fetch --unshallow"),
            Self::Partial { .. } => Some("git fetch --refetch --no-filter"),
            Self::NotARepository { .. } => Some("git init"),
            Self::OtherWorkTree { .. } => Some("git config --unset core.worktree"),
            Self::UnbornHead => Some("git commit"),
            Self::NotHere { .. } | Self::Facts(GitFactsError::MissingObject { .. }) => Some("git fetch"),
            Self::NoGit
            | Self::Start { .. }
            | Self::NoWorkTree { .. }
            | Self::UnknownRevision { .. }
            | Self::NotKept { .. }
            | Self::AmbiguousRevision { .. }
            | Self::Failed { .. }
            | Self::Output { .. }
            | Self::TooLarge { .. }
            | Self::Temporary { .. }
            | Self::Objects(_)
            | Self::Facts(_) => None,
        }
    }
}

/// The commit graph is a file that repeats what commits say, and is not hashed by them.
const OPTIONS: &[&str] = &[
    "--no-pager",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.commitGraph=false",
    "-c",
    "protocol.allow=never",
];
/// Messages are matched, so the locale is fixed; no prompt, no fetch of missing objects, no rewritten history.
const VARIABLES: &[(&str, &str)] = &[
    ("LC_ALL", "C"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_GRAFT_FILE", "/dev/null"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
];
/// A screen of text.
const MESSAGE_CHARS_MAX: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_is_found_in_absolute_folders_only() {
        let environment = |path: &str| GitEnvironment { path: Some(path.into()), ..GitEnvironment::default() };
        let path = std::env::var("PATH").expect("tests run with a PATH");
        assert!(Git::find(environment(&path)).unwrap().program().is_absolute());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("git"), "not executable").unwrap();
        for bad in ["", ".", "bin:.", folder.path().to_str().unwrap()] {
            assert!(matches!(Git::find(environment(bad)), Err(GitError::NoGit)), "{bad}");
        }
        assert!(matches!(Git::find(GitEnvironment::default()), Err(GitError::NoGit)));
    }

    #[test]
    fn failure_carries_what_git_said() {
        let git = crate::git::testing::git();
        let folder = tempfile::tempdir().unwrap();
        let error = git.finish(git.command(folder.path()).arg("no-such-command")).unwrap().printed().unwrap_err();
        assert!(error.to_string().contains("git no-such-command ended with exit status: 1"), "{error}");
        assert!(error.to_string().contains("is not a git command"), "{error}");
    }
}
