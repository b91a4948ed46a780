//! Cleanliness (design, section 7): what `write-tree` says of a temporary index with everything added.
//!
//! The index is made from HEAD and not copied: flags and stat data in the user's index cannot hide a change. Objects go
//! to a temporary folder: nothing of the repository is touched.
//!
//! Known hole: what `.git/info/exclude` and `.gitignore` name is not looked at, and may change what a command does.

use super::repository::Repository;
use super::run::{GitError, answer, git};
use crate::model::Oid;

impl Repository {
    /// Returns the tree that the work tree would be committed as.
    ///
    /// # Errors
    /// If git refuses.
    pub fn worktree(&self) -> Result<Oid, GitError> {
        let folder = tempfile::tempdir().map_err(|source| GitError::Io { what: "write-tree".to_owned(), source })?;
        let objects = folder.path().join("objects");
        std::fs::create_dir(&objects).map_err(|source| GitError::Io { what: "write-tree".to_owned(), source })?;
        let command = |arguments: &[&str]| -> Result<Vec<u8>, GitError> {
            let mut command = git(self.top())?;
            command
                .env("GIT_INDEX_FILE", folder.path().join("index"))
                .env("GIT_OBJECT_DIRECTORY", &objects)
                .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.common().join("objects"))
                .args([
                    "-c",
                    "core.excludesFile=/dev/null",
                    "-c",
                    "core.untrackedCache=false",
                    "-c",
                    "core.looseCompression=0",
                ])
                .args(["-c", "advice.addEmbeddedRepo=false", "-c", "core.safecrlf=false"])
                .args(arguments);
            answer(&mut command, arguments[0])
        };
        command(&["read-tree", "HEAD"])?;
        command(&["add", "--all", "--", ":/"])?;
        let tree = command(&["write-tree"])?;
        let text = String::from_utf8_lossy(&tree).trim().to_owned();
        text.parse().map_err(|_| GitError::Failed { what: "write-tree".to_owned(), text })
    }
}
