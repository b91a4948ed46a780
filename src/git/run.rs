//! The one place that runs git: by its absolute path, in a clean environment, without hooks, replacements or prompts.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Why git gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No git on the path.
    #[error("git is not installed: no `git` on PATH")]
    NotInstalled,
    /// No repository around the folder.
    #[error("{path} is not in a git repository", path = .0.display())]
    NotARepository(PathBuf),
    /// A bare repository has no work tree.
    #[error("{path} is a bare repository; wanted one with a work tree", path = .0.display())]
    Bare(PathBuf),
    /// The repository has no commit yet.
    #[error("the repository has no commit yet")]
    Unborn,
    /// A revision that git does not know.
    #[error("git knows no commit `{0}`")]
    Unknown(String),
    /// The history is cut before what is needed.
    #[error("the history is shallow and does not reach {0}")]
    Shallow(String),
    /// Git refused.
    #[error("git {what} failed: {text}")]
    Failed {
        /// The subcommand.
        what: String,
        /// What it said.
        text: String,
    },
    /// The operating system refused.
    #[error("git {what} could not run: {source}")]
    Io {
        /// The subcommand.
        what: String,
        /// What it answered.
        source: io::Error,
    },
}

/// Returns a command of git in a folder, ready for its arguments.
///
/// # Errors
/// If git is not installed.
pub(super) fn git(folder: &Path) -> Result<Command, GitError> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| find(&std::env::var_os("PATH")?)).as_ref().ok_or(GitError::NotInstalled)?;
    let mut command = Command::new(program);
    command.env_clear();
    for name in ["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .env("LC_ALL", "C")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false"])
        .current_dir(folder)
        .stdin(Stdio::null());
    Ok(command)
}

/// Runs a command of git and returns what it printed.
///
/// # Errors
/// If it fails; with what it said.
pub(super) fn answer(command: &mut Command, what: &str) -> Result<Vec<u8>, GitError> {
    let output = command.output().map_err(|source| GitError::Io { what: what.to_owned(), source })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = String::from_utf8_lossy(&output.stderr).trim().chars().take(TEXT_CHARS_MAX).collect();
    Err(GitError::Failed { what: what.to_owned(), text })
}

fn find(path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join("git"))
        .find(|path| path.is_file())
}

const TEXT_CHARS_MAX: usize = 500;
