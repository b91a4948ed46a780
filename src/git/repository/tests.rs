//! Repositories as git makes them, and what it says of the same.

use std::os::unix::ffi::OsStrExt as _;

use super::super::facts::Recording;
use super::super::testing::{Fixture, git};
use super::*;

fn range(made: &Fixture, base: &Oid) -> Vec<String> {
    let repository = made.repository();
    let head = repository.head().unwrap().commit;
    let recording = Recording::new(&repository);
    let facts = git_facts(&recording, &head, base).unwrap();
    assert_eq!(git_facts(&recording.into_read(), &head, base).unwrap(), facts, "offline gives the same");
    let mut found: Vec<String> = facts.commits.iter().map(|commit| commit.oid.to_string()).collect();
    let listed = made.git(&["rev-list", &format!("{base}..{head}")]);
    let mut listed: Vec<String> = listed.lines().map(str::to_owned).collect();
    found.sort();
    listed.sort();
    assert_eq!(found, listed);
    facts.touched
}

#[test]
fn line_has_the_range_that_git_lists() {
    let made = Fixture::new();
    let root = made.commit("a", "1");
    made.commit("dir/b", "1");
    made.git(&["mv", "a", "c"]);
    made.commit_all("rename");
    assert_eq!(range(&made, &root), ["a", "c", "dir/b"]);
    assert!(range(&made, &made.oid("HEAD")).is_empty());
}

#[test]
fn merged_target_and_octopus_have_the_range_that_git_lists() {
    let made = Fixture::new();
    made.commit("root", "1");
    let fork = made.commit("fork", "1");
    for branch in ["mine", "one", "two"] {
        made.git(&["checkout", "--quiet", "-b", branch, fork.as_str()]);
        made.commit(branch, "1");
    }
    made.git(&["checkout", "--quiet", "main"]);
    let target = made.commit("theirs", "1");
    made.git(&["checkout", "--quiet", "mine"]);
    made.git(&["merge", "--quiet", "--no-edit", "main"]);
    made.git(&["merge", "--quiet", "--no-edit", "one", "two"]);
    let repository = made.repository();
    assert_eq!(repository.merge_base(&made.oid("HEAD"), &target).unwrap(), Some(target.clone()));
    assert_eq!(range(&made, &target), ["mine", "one", "two"]);
}

#[test]
fn merge_base_is_gits() {
    let made = Fixture::new();
    let fork = made.commit("a", "1");
    made.git(&["checkout", "--quiet", "-b", "work"]);
    let work = made.commit("b", "1");
    made.git(&["checkout", "--quiet", "main"]);
    let main = made.commit("c", "1");
    made.git(&["checkout", "--quiet", "--orphan", "alone"]);
    let alone = made.commit_all("alone");
    made.git(&["checkout", "--quiet", "-B", "joined", "main"]);
    made.git(&["merge", "--quiet", "--no-edit", "work"]);
    let joined = made.commit("d", "1");
    let repository = made.repository();
    for (ours, theirs, wanted) in [
        (&work, &main, Some(&fork)),
        (&main, &work, Some(&fork)),
        (&work, &work, Some(&work)),
        (&fork, &main, Some(&fork)),
        (&joined, &work, Some(&work)),
        (&alone, &main, None),
    ] {
        assert_eq!(repository.merge_base(ours, theirs).unwrap().as_ref(), wanted);
    }
}

#[test]
fn modes_submodules_and_unusual_names_are_touched() {
    let made = Fixture::new();
    made.write("mode", "1");
    let base = made.commit("same", "1");
    made.make_executable("mode");
    made.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{base},sub")]);
    for name in ["a b", "line\nfeed", "\"quoted\"", "ä", "-dash", ":(top)x", "100%"] {
        made.write(name, "1");
    }
    made.write(std::ffi::OsStr::from_bytes(b"raw\xff"), "1");
    made.git(&["add", "--", "."]);
    made.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{base},sub")]);
    made.git(&["commit", "--quiet", "--message", "names"]);
    let wanted = ["\"quoted\"", "-dash", "100%", ":(top)x", "a b", "line\nfeed", "mode", "raw%FF", "sub", "ä"];
    assert_eq!(range(&made, &base), wanted);
}

#[test]
fn sha256_repository_has_facts() {
    let made = Fixture::with(&["init", "--quiet", "--object-format=sha256", "--initial-branch=main", "."]);
    let base = made.commit("a", "1");
    made.commit("b", "1");
    assert_eq!(base.as_str().len(), 64);
    assert_eq!(range(&made, &base), ["b"]);
    assert_eq!(made.repository().place().digits, 64);
}

#[test]
fn shallow_history_that_does_not_reach_base_says_how_to_mend_it() {
    let made = Fixture::new();
    let root = made.commit("a", "1");
    let base = made.commit("a", "2");
    made.commit("a", "3");
    let from = format!("file://{}", made.top().display());
    let clone = Fixture::with(&["clone", "--quiet", "--depth=2", &from, "."]);
    assert_eq!(clone.repository().history(), History::Shallow);
    assert_eq!(range(&clone, &base), ["a"]);
    let repository = clone.repository();
    let error = repository.facts(&clone.oid("HEAD"), &root).unwrap_err();
    assert!(matches!(error, GitError::Shallow { .. }), "{error}");
    assert_eq!(error.hint(), Some("git fetch --unshallow"));
    assert_eq!(made.repository().history(), History::Whole);
    assert!(made.repository().facts(&made.oid("HEAD"), &root).is_ok());
}

#[test]
fn commit_that_a_shallow_clone_has_not_says_how_to_mend_it() {
    let made = Fixture::new();
    let base = made.commit("a", "1");
    made.commit("a", "2");
    let from = format!("file://{}", made.top().display());
    let clone = Fixture::with(&["clone", "--quiet", "--depth=1", &from, "."]);
    let (repository, head) = (clone.repository(), clone.oid("HEAD"));
    for (one, other) in [(&base, &head), (&head, &base)] {
        let error = repository.merge_base(one, other).unwrap_err();
        assert!(matches!(error, GitError::Shallow { .. }), "{error}");
    }
    let unknown = Oid::try_from("1".repeat(40)).unwrap();
    let error = made.repository().merge_base(&unknown, &made.oid("HEAD")).unwrap_err();
    assert!(matches!(error, GitError::NotHere { .. }), "{error}");
}

#[test]
fn object_that_a_partial_clone_has_not_says_how_to_mend_it() {
    let made = Fixture::new();
    made.git(&["config", "uploadpack.allowFilter", "true"]);
    let base = made.commit("a", "1");
    made.commit("a", "2");
    let from = format!("file://{}", made.top().display());
    let clone = Fixture::with(&["clone", "--quiet", "--filter=tree:0", "--no-checkout", &from, "."]);
    let error = clone.repository().facts(&clone.oid("HEAD"), &base).unwrap_err();
    assert!(matches!(error, GitError::Partial { .. }), "{error}");
    assert_eq!(error.hint(), Some("git fetch --refetch --no-filter"));
    let error = clone.repository().blob_at(&base, "a").unwrap_err();
    assert!(matches!(error, GitError::Partial { .. }), "{error}");
    clone.git(&["fetch", "--quiet", "--refetch", "--no-filter"]);
    assert_eq!(clone.repository().facts(&clone.oid("HEAD"), &base).unwrap().touched, ["a"]);
}

#[test]
fn head_is_a_branch_detached_or_unborn() {
    let made = Fixture::new();
    let repository = made.repository();
    assert_eq!(repository.top(), made.top());
    assert!(matches!(repository.head(), Err(GitError::UnbornHead)));
    let commit = made.commit("dir/a", "1");
    let tree = made.oid("HEAD^{tree}");
    let head = Head { commit, tree, branch: Some("refs/heads/main".to_owned()) };
    let inner = Repository::discover(&git(), &made.top().join("dir")).unwrap();
    assert_eq!((inner.head().unwrap(), inner.top()), (head.clone(), &*made.top()));
    made.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(made.repository().head().unwrap(), Head { branch: None, ..head });
}

#[test]
fn folders_without_a_work_tree_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let found = Repository::discover(&git(), folder.path());
    assert!(matches!(found, Err(GitError::NotARepository { .. })));
    let made = Fixture::new();
    let found = Repository::discover(&git(), &made.top().join(".git"));
    assert!(matches!(found, Err(GitError::NoWorkTree { .. })));
    let found = Repository::discover(&git(), &folder.path().join("none"));
    assert!(matches!(found, Err(GitError::NotARepository { .. })));
}

#[test]
fn work_trees_share_the_common_dir() {
    let made = Fixture::new();
    made.commit("a", "1");
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    made.git(&["worktree", "add", "--quiet", "-b", "side", other.to_str().unwrap()]);
    let repository = Repository::discover(&git(), &other).unwrap();
    assert_eq!(repository.common_dir(), made.top().join(".git"));
    assert_ne!(repository.place().git_dir, repository.common_dir());
    assert_eq!(repository.head().unwrap().branch.as_deref(), Some("refs/heads/side"));
}

#[test]
fn revisions_mean_one_commit_or_none() {
    let made = Fixture::new();
    let commit = made.commit("a", "1");
    made.git(&["tag", "--annotate", "--message", "t", "v1"]);
    let repository = made.repository();
    for good in ["HEAD", "main", "v1", commit.short(), commit.as_str(), "HEAD^{/a commit}"] {
        assert_eq!(repository.resolve_commit(good).unwrap(), commit, "{good}");
    }
    for bad in ["", "nope", "HEAD:a", "HEAD^{tree}", "HEAD\nHEAD", "--all", "HEAD missing", &"0".repeat(40)] {
        let found = repository.resolve_commit(bad);
        assert!(matches!(found, Err(GitError::UnknownRevision { .. })), "{bad}: {found:?}");
    }
    assert_eq!(repository.resolve_commit("HEAD").unwrap(), commit, "still in step");
}

#[test]
fn target_is_the_remotes_branch_before_ours() {
    let made = Fixture::new();
    let theirs = made.commit("a", "1");
    assert_eq!(made.repository().target(None).unwrap().unwrap().name, "refs/heads/main");
    let clone = Fixture::with(&["clone", "--quiet", made.top().to_str().unwrap(), "."]);
    let ours = clone.commit("a", "2");
    let target = |given| clone.repository().target(given).unwrap().map(|target| (target.name, target.commit));
    let remote = Some(("refs/remotes/origin/main".to_owned(), theirs));
    let local = Some(("refs/heads/main".to_owned(), ours));
    assert_eq!(target(None), remote);
    assert_eq!(target(Some("origin/main")), remote);
    assert_eq!(target(Some("main")), local);
    assert_eq!(target(Some("refs/heads/main")), local);
    clone.git(&["remote", "set-head", "origin", "--delete"]);
    assert_eq!(target(None), remote);
    for bad in ["nope", "main~0", "main^{commit}", "@{0}", "refs/heads/nope", ""] {
        let found = clone.repository().target(Some(bad));
        assert!(matches!(found, Err(GitError::UnknownRevision { .. })), "{bad}");
    }
    clone.git(&["remote", "remove", "origin"]);
    clone.git(&["branch", "--quiet", "--move", "main", "trunk"]);
    assert_eq!(target(None), None);
}

#[test]
fn tag_that_poses_as_the_target_is_not_taken() {
    let made = Fixture::new();
    let honest = made.commit("a", "1");
    made.git(&["checkout", "--quiet", "-b", "work"]);
    made.commit("a", "2");
    for name in ["refs/heads/main", "refs/remotes/origin/main", "refs/remotes/origin/HEAD"] {
        made.git(&["update-ref", &format!("refs/tags/{name}"), "HEAD"]);
    }
    let target = made.repository().target(None).unwrap().unwrap();
    assert_eq!((&*target.name, target.commit), ("refs/heads/main", honest));
    made.git(&["branch", "--quiet", "--delete", "--force", "main"]);
    assert_eq!(made.repository().target(None).unwrap(), None);
}

#[test]
fn replaced_objects_and_grafts_are_not_believed() {
    let made = Fixture::new();
    let base = made.commit("a", "1");
    let hidden = made.commit("b", "1");
    let head = made.commit("c", "1");
    made.git(&["replace", "--graft", head.as_str(), base.as_str()]);
    made.write(".git/info/grafts", &format!("{head} {base}\n"));
    let facts = made.repository().facts(&head, &base).unwrap();
    assert_eq!(facts.commits.iter().map(|commit| &commit.oid).collect::<Vec<_>>(), [&head, &hidden]);
}

#[test]
fn blobs_and_configuration_are_read() {
    let made = Fixture::new();
    let commit = made.commit(".evidence/trust.toml", "x = 1\n");
    made.git(&["config", "user.email", "ana@x.example"]);
    let repository = made.repository();
    assert_eq!(repository.blob_at(&commit, ".evidence/trust.toml").unwrap().as_deref(), Some(&b"x = 1\n"[..]));
    for absent in ["", ".evidence", ".evidence/", "./.evidence/trust.toml", "none", ".evidence/trust.toml/x"] {
        assert_eq!(repository.blob_at(&commit, absent).unwrap(), None, "{absent}");
    }
    assert_eq!(repository.config("user.email").unwrap().as_deref(), Some("ana@x.example"));
    assert_eq!(repository.config("user.nope").unwrap(), None);
}
