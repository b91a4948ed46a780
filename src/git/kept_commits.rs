//! Commits that no branch leads to any more, kept under refs of their own: `refs/evidence/commits/<id>`, here and on a remote.
//!
//! A squash merge makes a new commit, and the one that was judged goes with its branch. Whoever audits needs that one: its id is the
//! hash of what it says, so that it does not matter who kept it, or what such a ref names.

use super::mirror::Mirror;
use super::remote_error::RemoteError;
use super::repository::Repository;
use super::run::GitError;
use crate::model::Oid;

impl Repository {
    /// Keeps a commit that is here.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn keep_commit(&self, commit: &Oid) -> Result<(), GitError> {
        let place = self.place();
        let mut command = place.git.command(&place.top);
        command.args(["update-ref", "--end-of-options", &kept_commit(commit), commit.as_str()]);
        place.git.finish(&mut command)?.printed().map(drop)
    }
}

impl Mirror {
    /// Returns whether the remote has a branch of this full name.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn has(&self, branch: &str) -> Result<bool, RemoteError> {
        let said = self.talk(&["ls-remote", "--end-of-options", &self.place.remote, branch], &[])?;
        if !said.ok {
            return Err(self.unreachable(&said));
        }
        Ok(said.stdout.lines().any(|line| line.split_once('\t').is_some_and(|(_, name)| name == branch)))
    }

    /// Keeps commits that are here on the remote.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn push_commits(&self, commits: &[Oid]) -> Result<(), RemoteError> {
        let refspecs: Vec<String> = commits.iter().map(|commit| format!("{commit}:{}", kept_commit(commit))).collect();
        let mut arguments = vec![
            "push",
            "--porcelain",
            "--progress",
            "--no-verify",
            "--no-follow-tags",
            "--no-recurse-submodules",
            "--no-signed",
            "--end-of-options",
            &self.place.remote,
        ];
        arguments.extend(refspecs.iter().map(String::as_str));
        let said = self.talk(&arguments, &[])?;
        if said.ok { Ok(()) } else { Err(self.rejected(&said, KEPT_COMMITS)) }
    }

    /// Fetches a commit that is kept on the remote, or that it still has otherwise, and keeps it here.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn fetch_commit(&self, commit: &Oid) -> Result<(), RemoteError> {
        let name = kept_commit(commit);
        let (kept, own) = (format!("{name}:{name}"), format!("{commit}:{name}"));
        let mut last = None;
        for refspec in [&kept, &own] {
            let said = self.talk_fetch(&[], &[refspec], &[])?;
            if said.ok {
                return Ok(());
            }
            last = Some(self.unreachable(&said));
        }
        last.map_or(Ok(()), Err)
    }
}

/// Returns the name under which a commit is kept.
#[must_use]
pub fn kept_commit(commit: &Oid) -> String {
    format!("{KEPT_COMMITS}{commit}")
}

const KEPT_COMMITS: &str = "refs/evidence/commits/";
