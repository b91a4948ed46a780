//! Repositories for tests: made by the git command in a temporary folder, with fixed people and times.

use std::cell::Cell;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::repository::Repository;
use super::run::{Git, GitEnvironment};
use crate::model::Oid;

/// Finds git as a test's environment has it, without a user's configuration.
pub(super) fn git() -> Git {
    Git::find(GitEnvironment { path: std::env::var_os("PATH"), ..GitEnvironment::default() }).unwrap()
}

/// A repository in a temporary folder.
pub(super) struct Fixture {
    folder: tempfile::TempDir,
    seconds: Cell<u64>,
}

impl Fixture {
    pub(super) fn new() -> Self {
        Self::with(&["init", "--quiet", "--initial-branch=main", "."])
    }

    /// Makes the repository by a git command.
    pub(super) fn with(arguments: &[&str]) -> Self {
        let made = Self { folder: tempfile::tempdir().unwrap(), seconds: Cell::new(1_700_000_000) };
        made.git(arguments);
        made
    }

    pub(super) fn top(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(super) fn repository(&self) -> Repository {
        Repository::discover(&git(), self.folder.path()).unwrap()
    }

    /// Runs git and returns what it printed, trimmed. Each call is a second later than the one before.
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        self.seconds.set(self.seconds.get() + 1);
        let date = format!("{} +0000", self.seconds.get());
        let mut command = Command::new("git");
        command.current_dir(self.folder.path()).args(["-c", "protocol.file.allow=always"]).args(arguments);
        for (name, value) in [("NAME", "Ana"), ("EMAIL", "ana@x.example"), ("DATE", &date)] {
            command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(super) fn write(&self, path: impl AsRef<Path>, content: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(super) fn make_executable(&self, path: &str) {
        std::fs::set_permissions(self.folder.path().join(path), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Writes a file, commits everything and returns the commit.
    pub(super) fn commit(&self, path: &str, content: &str) -> Oid {
        self.write(path, content);
        self.commit_all("a commit")
    }

    pub(super) fn commit_all(&self, message: &str) -> Oid {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.oid("HEAD")
    }

    pub(super) fn oid(&self, revision: &str) -> Oid {
        self.git(&["rev-parse", revision]).parse().unwrap()
    }
}
