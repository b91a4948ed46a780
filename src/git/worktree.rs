//! Whether the files that lie in the work tree are those of a commit (design, section 7).
//!
//! The user's index is not believed: its stat fields, `assume-unchanged` and `skip-worktree` bits can hide a change. A
//! temporary repository of our own, with the user's objects as alternates and the user's configuration included, gets a
//! fresh index of the commit's tree; `git add --all` then hashes every file. Nothing is written to the user's repository
//! (git tries to renew the times of objects that it finds there), so this works on read-only mounts, and neither `info/exclude` nor `core.excludesFile` hides a new file: only the
//! `.gitignore` files do, which are in the tree for all to see. One that is not, since it names itself, counts as changed.
//!
//! Three processes where nothing changed (`read-tree`, then `add` and `ls-files` side by side), a fourth (`write-tree`) where something
//! did. The cost is that of hashing all tracked files once.
//!
//! Git reads the commit's folders without hashing them, so the ids of the fresh index are hashed here: folders that another
//! content was put under are found by that.
//!
//! What is changed inside a submodule shows as another id of it: that of the tree that lies there. One that has files and no
//! repository shows as those files.
//!
//! Known holes: empty folders never show, nor does what is neither file nor link (a FIFO), nor anything in a folder that is called `.git`;
//! what stands between the dollars of `$Id$` where a committed `.gitattributes` says `ident`; a clean filter that one names and the configuration
//! defines (as Git LFS does) may say anything; with `core.autocrlf` line ends do not show. A sparse checkout counts as
//! changed, since files of the commit are not there, and so does a work tree on a file system without executable bits.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use super::facts::need_tree;
use super::index::{IndexEntry, parse_index, tree_of};
use super::objects::{Mode, text_of};
use super::repository::{Place, Repository};
use super::run::GitError;
use crate::model::Oid;

/// What lies in the work tree, compared with a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkTree {
    /// The tree that a commit of everything would have.
    pub tree: Oid,
    /// The paths that differ from the tree it was compared with, sorted by bytes, spelled as in
    /// [`crate::model::GitFacts::touched`]. Empty where nothing differs.
    pub changed: Vec<String>,
}

/// Computes the tree of everything that lies in the work tree and is not ignored, and how it differs from a given tree.
///
/// It takes some 8 ms, and 5 ms more for each megabyte of files; a caller in a hurry lets another thread do it.
///
/// # Errors
/// See [`GitError`]; [`GitError::Failed`] where a file cannot be read.
pub fn worktree(place: &Place, compared: &Oid) -> Result<WorkTree, GitError> {
    let mut found = None;
    worktree_then(place, compared, |it| found = Some(it));
    found.expect("it is told once")
}

/// Computes what [`worktree`] does and tells it before the temporary repository is removed, which may wait for the disk.
pub fn worktree_then(place: &Place, compared: &Oid, tell: impl FnOnce(Result<WorkTree, GitError>)) {
    match tempfile::Builder::new().prefix("evidence-git-").tempdir() {
        Ok(folder) => tell(compare(place, compared, folder.path())),
        Err(source) => tell(Err(GitError::Temporary { path: std::env::temp_dir(), source })),
    }
}

fn compare(place: &Place, compared: &Oid, dir: &Path) -> Result<WorkTree, GitError> {
    prepare(place, dir)?;
    run(place, dir, &["read-tree", compared.as_str()])?;
    let before = read_index(place, dir)?;
    prove_read(place, compared, &before)?;
    let (added, listed) = std::thread::scope(|scope| {
        let listing = scope.spawn(|| run(place, dir, LIST_NEW));
        (run(place, dir, &["add", "--all", "--", ":/"]), listing.join().expect("it panics nowhere"))
    });
    added?;
    let listed = listed?;
    let mut after = read_index(place, dir)?;
    let overlooked = overlooked(place, &after, &listed);
    if !overlooked.is_empty() {
        add_overlooked(place, dir, &overlooked)?;
        after = read_index(place, dir)?;
    }
    let mut changed = differing(&before, &after);
    for (path, tree) in changed_submodules(place, &after)? {
        let path = OsStr::from_bytes(&path);
        let words = ["update-index", "--cacheinfo", "160000", tree.as_str()];
        let mut words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        words.push(path);
        run(place, dir, &words)?;
        changed.push(text_of(path.as_bytes()));
    }
    changed.sort();
    changed.dedup();
    let tree = if changed.is_empty() { compared.clone() } else { write_tree(place, dir)? };
    Ok(WorkTree { tree, changed })
}

/// Checks that an index holds what the tree has whose id it was read by.
///
/// # Errors
/// The object that is not what its id says.
fn prove_read(place: &Place, tree: &Oid, read: &[IndexEntry]) -> Result<(), GitError> {
    if tree_of(read, place.digits)? == *tree {
        return Ok(());
    }
    // Old git wrote modes and empty folders that no index has: the folders are read one by one, and hashed.
    let repository = Repository::discover(&place.git, &place.top)?;
    let mut files = Vec::new();
    let mut open = vec![(Vec::new(), tree.clone())];
    while let Some((path, oid)) = open.pop() {
        for entry in need_tree(&repository, &oid)? {
            let path = [&path[..], &entry.name].concat();
            match entry.mode {
                Mode::Tree => open.push(([&path[..], b"/"].concat(), entry.oid)),
                mode => files.push((path, mode.as_written(), entry.oid)),
            }
        }
    }
    files.sort();
    let as_read: Option<Vec<_>> =
        read.iter().map(|entry| Some((entry.path.clone(), entry.mode()?, entry.oid()))).collect();
    let reason = "wanted what the tree has";
    if as_read == Some(files) { Ok(()) } else { Err(GitError::Output { command: format!("read-tree {tree}"), reason }) }
}

/// A path that `git add --all` does not look at.
struct Overlooked<'a> {
    path: &'a [u8],
    is_submodule: bool,
}

/// Returns the files that hide others, and themselves, and the submodules that have files and are no repositories.
fn overlooked<'a>(place: &Place, after: &'a [IndexEntry], listed: &'a [u8]) -> Vec<Overlooked<'a>> {
    let known: HashSet<&[u8]> = after.iter().map(|entry| &entry.path[..]).collect();
    let listed = listed.split(|byte| *byte == 0).map(|path| path.strip_suffix(b"/").unwrap_or(path));
    let hiding = listed.filter(|path| !path.is_empty() && !known.contains(path) && !is_of_cache(place, path));
    let submodules = after.iter().filter(|entry| entry.is_submodule()).map(|entry| &entry.path[..]);
    let bare = submodules.filter(|path| {
        let top = place.top.join(OsStr::from_bytes(path));
        !top.join(".git").exists() && holds_files(&top)
    });
    let hiding = hiding.map(|path| Overlooked { path, is_submodule: false });
    hiding.chain(bare.map(|path| Overlooked { path, is_submodule: true })).collect()
}

/// Tells whether a file of excludes is the one that a tool writes into its own cache, so that nobody has to name that anywhere.
fn is_of_cache(place: &Place, path: &[u8]) -> bool {
    let Some(folder) = path.strip_suffix(b"/.gitignore") else { return false };
    let name = folder.rsplit(|byte| *byte == b'/').next().unwrap_or(folder);
    let tag = place.top.join(OsStr::from_bytes(folder)).join("CACHEDIR.TAG");
    // Anybody may have put it there: what is no file must not be waited for, and of a file no more is read than the mark.
    let is_file = || fs::symlink_metadata(&tag).is_ok_and(|found| found.is_file());
    let mut mark = [0; CACHE_TAG.len()];
    CACHES.contains(&name)
        && is_file()
        && fs::File::open(&tag).and_then(|mut file| file.read_exact(&mut mark)).is_ok()
        && mark == *CACHE_TAG
}

/// Tells whether anything but folders lies below a folder. What cannot be read could.
fn holds_files(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(entries) => entries.into_iter().any(|entry| match entry.and_then(|it| Ok((it.file_type()?, it.path()))) {
            Ok((kind, path)) => !kind.is_dir() || holds_files(&path),
            Err(_) => true,
        }),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

fn add_overlooked(place: &Place, dir: &Path, paths: &[Overlooked<'_>]) -> Result<(), GitError> {
    for Overlooked { path, is_submodule } in paths {
        if *is_submodule {
            let words = [b"update-index", &b"--force-remove"[..], b"--", path].map(OsStr::from_bytes);
            run(place, dir, &words)?;
        }
        let literal = [b":(top,literal)", *path].concat();
        let words = [b"add", &b"--all"[..], b"--force", b"--", &literal].map(OsStr::from_bytes);
        run(place, dir, &words)?;
    }
    Ok(())
}

/// Returns the submodules in whose work trees something is changed, with the tree that lies there.
fn changed_submodules(place: &Place, entries: &[IndexEntry]) -> Result<Vec<(Vec<u8>, Oid)>, GitError> {
    let mut found = Vec::new();
    for entry in entries.iter().filter(|entry| entry.is_submodule()) {
        let top = place.top.join(OsStr::from_bytes(&entry.path));
        // One that nobody has fetched is an empty folder.
        if !top.join(".git").exists() {
            continue;
        }
        let inner = Repository::discover(&place.git, &top)?;
        if inner.top() != top {
            let reason = "wanted the submodule's folder as the top of its work tree";
            return Err(GitError::Output { command: "rev-parse --show-toplevel".to_owned(), reason });
        }
        let lies = worktree(inner.place(), &inner.head()?.tree)?;
        if !lies.changed.is_empty() {
            found.push((entry.path.clone(), lies.tree));
        }
    }
    Ok(found)
}

/// Writes the temporary repository: what git needs to take the folder for one.
fn prepare(place: &Place, dir: &Path) -> Result<(), GitError> {
    let write = |name: &str, content: &[u8]| {
        let path = dir.join(name);
        fs::write(&path, content).map_err(|source| GitError::Temporary { path, source })
    };
    for name in ["refs", "objects", "objects/info", "info"] {
        let path = dir.join(name);
        fs::create_dir(&path).map_err(|source| GitError::Temporary { path, source })?;
    }
    let (format, version) = if place.digits == SHA1_DIGITS { ("sha1", "0") } else { ("sha256", "1") };
    let mut config = format!("[core]\n\trepositoryFormatVersion = {version}\n").into_bytes();
    if place.digits != SHA1_DIGITS {
        config.extend_from_slice(format!("[extensions]\n\tobjectFormat = {format}\n").as_bytes());
    }
    for file in [place.common_dir.join("config"), place.git_dir.join("config.worktree")] {
        config.extend_from_slice(b"[include]\n\tpath = ");
        config.extend(quoted(&file));
        config.push(b'\n');
    }
    write("config", &config)?;
    write("HEAD", b"ref: refs/heads/none\n")?;
    let mut objects = quoted(&place.common_dir.join("objects"));
    objects.push(b'\n');
    write("objects/info/alternates", &objects)
}

/// Quotes a path as both the configuration and the list of alternates read it.
fn quoted(path: &Path) -> Vec<u8> {
    let mut text = vec![b'"'];
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'"' | b'\\' => text.extend([b'\\', *byte]),
            b'\n' => text.extend(b"\\n"),
            _ => text.push(*byte),
        }
    }
    text.push(b'"');
    text
}

fn run<S: AsRef<OsStr>>(place: &Place, dir: &Path, arguments: &[S]) -> Result<Vec<u8>, GitError> {
    let mut command: Command = place.git.command(&place.top);
    command
        .env("GIT_DIR", dir)
        .env("GIT_WORK_TREE", &place.top)
        .env("GIT_ATTR_NOSYSTEM", "1")
        .args(OPTIONS)
        .args(arguments);
    place.git.finish(&mut command)?.printed()
}

fn read_index(place: &Place, dir: &Path) -> Result<Vec<IndexEntry>, GitError> {
    let path = dir.join("index");
    let unreadable = |reason| GitError::Output { command: "add --all".to_owned(), reason };
    match fs::read(&path) {
        Ok(bytes) => parse_index(&bytes, place.digits).map_err(unreadable),
        Err(source) => Err(GitError::Temporary { path, source }),
    }
}

fn write_tree(place: &Place, dir: &Path) -> Result<Oid, GitError> {
    let printed = run(place, dir, &["write-tree"])?;
    let text = str::from_utf8(printed.trim_ascii()).ok();
    let unreadable = || GitError::Output { command: "write-tree".to_owned(), reason: "wanted one object id" };
    text.and_then(|text| text.parse().ok()).ok_or_else(unreadable)
}

/// Lists the paths of entries that only one of two indexes has.
fn differing(before: &[IndexEntry], after: &[IndexEntry]) -> Vec<String> {
    let (mut olds, mut news) = (before.iter().peekable(), after.iter().peekable());
    let mut paths = Vec::new();
    loop {
        let (old, new) = match (olds.peek(), news.peek()) {
            (None, None) => break,
            (Some(old), Some(new)) => (old.path <= new.path, new.path <= old.path),
            (old, new) => (old.is_some(), new.is_some()),
        };
        let old = if old { olds.next() } else { None };
        let new = if new { news.next() } else { None };
        if old != new {
            paths.extend(old.or(new).map(|entry| text_of(&entry.path)));
        }
    }
    paths.sort();
    paths
}

/// Whatever could make git look at less, write another index, or refuse for taste.
const OPTIONS: &[&str] = &[
    "-c",
    "core.excludesFile=/dev/null",
    // Only attributes that lie in the tree, for all to see, name filters and line ends.
    "-c",
    "core.attributesFile=/dev/null",
    "-c",
    "attr.tree=",
    "-c",
    "core.fileMode=true",
    "-c",
    "core.symlinks=true",
    // A file beside one of the same letters is another one.
    "-c",
    "core.ignoreCase=false",
    "-c",
    "core.bare=false",
    "-c",
    "core.ignoreStat=false",
    "-c",
    "core.safecrlf=false",
    "-c",
    "core.sparseCheckout=false",
    "-c",
    "core.splitIndex=false",
    "-c",
    "core.untrackedCache=false",
    "-c",
    "index.sparse=false",
    "-c",
    "index.version=2",
    "-c",
    "index.skipHash=false",
    "-c",
    "add.ignoreErrors=false",
    "-c",
    "advice.addEmbeddedRepo=false",
    // Objects of a check are thrown away, so they are neither compressed well nor synced.
    "-c",
    "core.compression=0",
    "-c",
    "core.fsync=none",
];
/// What is new in the work tree; a file of excludes is no file that others may exclude.
const LIST_NEW: &[&str] =
    &["ls-files", "--others", "--exclude-per-directory=.gitignore", "--exclude=!.gitignore", "-z", "--", ":/"];
/// Folders in which tools keep what they may throw away, and which no tool takes code from.
const CACHES: &[&[u8]] = &[b".mypy_cache", b".pytest_cache", b".ruff_cache"];
/// What they mark them with (Cache Directory Tagging Specification).
const CACHE_TAG: &[u8; 43] = b"Signature: 8a477f597d28d172789f06886806bc55";
const SHA1_DIGITS: usize = 40;

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, git};
    use super::*;

    fn changed(made: &Fixture) -> Vec<String> {
        let repository = made.repository();
        let head = repository.head().unwrap();
        let found = worktree(repository.place(), &head.tree).unwrap();
        assert_eq!(found.tree == head.tree, found.changed.is_empty());
        found.changed
    }

    fn made() -> Fixture {
        let made = Fixture::new();
        made.write(".gitignore", "ignored\n*.o\n");
        made.write("tracked.o", "1");
        made.write("dir/a", "1");
        made.git(&["add", "--force", "tracked.o"]);
        made.commit("b", "1");
        made
    }

    #[test]
    fn clean_tree_is_heads_and_leaves_no_trace() {
        let made = made();
        made.write("ignored", "x");
        made.write("x.o", "x");
        let listing = |made: &Fixture| {
            let files = Command::new("find").arg(made.top().join(".git")).args(["-printf", "%p %s\n"]).output();
            String::from_utf8(files.unwrap().stdout).unwrap()
        };
        let before = listing(&made);
        assert!(changed(&made).is_empty());
        made.write("b", "2");
        assert_eq!(changed(&made), ["b"]);
        assert!(listing(&made) == before, "the user's repository has another file");
    }

    #[test]
    fn every_kind_of_change_is_found() {
        let made = made();
        made.write("new", "x");
        made.write("dir/a", "2");
        made.write("tracked.o", "2");
        made.make_executable("b");
        fs::remove_file(made.top().join(".gitignore")).unwrap();
        std::os::unix::fs::symlink("b", made.top().join("link")).unwrap();
        assert_eq!(changed(&made), [".gitignore", "b", "dir/a", "link", "new", "tracked.o"]);
    }

    #[test]
    fn tree_is_that_of_a_commit_of_everything() {
        let made = made();
        made.write("new", "x");
        fs::remove_file(made.top().join("b")).unwrap();
        let repository = made.repository();
        let found = worktree(repository.place(), &repository.head().unwrap().tree).unwrap();
        made.commit_all("everything");
        assert_eq!(found.tree, made.oid("HEAD^{tree}"));
        assert_eq!(found.changed, ["b", "new"]);
    }

    #[test]
    fn bits_in_the_users_index_hide_nothing() {
        for bit in ["--assume-unchanged", "--skip-worktree"] {
            let made = made();
            made.git(&["update-index", bit, "b"]);
            made.write("b", "2");
            assert_eq!(made.git(&["status", "--porcelain"]), "", "git itself is taken in");
            assert_eq!(changed(&made), ["b"]);
            made.write("b", "1");
            assert!(changed(&made).is_empty());
        }
    }

    #[test]
    fn staged_change_that_the_work_tree_has_not_is_no_change() {
        let made = made();
        made.write("b", "2");
        made.git(&["add", "b"]);
        assert_eq!(changed(&made), ["b"]);
        made.write("b", "1");
        assert!(changed(&made).is_empty());
    }

    #[test]
    fn excludes_outside_the_tree_hide_nothing() {
        let made = made();
        made.write(".git/info/exclude", "hidden\n");
        let list = made.top().join(".git/list");
        fs::write(&list, "hidden\n").unwrap();
        made.git(&["config", "core.excludesFile", list.to_str().unwrap()]);
        assert!(changed(&made).is_empty());
        made.write("hidden", "x");
        assert_eq!(made.git(&["status", "--porcelain"]), "", "git itself is taken in");
        assert_eq!(changed(&made), ["hidden"]);
    }

    #[test]
    fn file_of_excludes_that_names_itself_hides_nothing() {
        let made = made();
        made.write("dir/.gitignore", "*\n");
        made.write("dir/odd [*] :name/.gitignore", ".gitignore\nplanted\n");
        made.write("dir/odd [*] :name/planted", "x");
        assert_eq!(made.git(&["status", "--porcelain"]), "", "git itself is taken in");
        assert_eq!(changed(&made), ["dir/.gitignore"], "that one hides the other");
        made.write("dir/.gitignore", ".gitignore\n");
        assert_eq!(changed(&made), ["dir/.gitignore", "dir/odd [*] :name/.gitignore"]);
        // What a committed file ignores is not looked into.
        fs::rename(made.top().join("dir/odd [*] :name"), made.top().join("ignored")).unwrap();
        fs::remove_file(made.top().join("dir/.gitignore")).unwrap();
        assert!(changed(&made).is_empty());
    }

    #[test]
    fn caches_that_tools_mark_hide_themselves_and_nothing_else_does() {
        let made = made();
        let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# a cache\n";
        for folder in [".pytest_cache", "dir/.ruff_cache", ".mypy_cache"] {
            made.write(format!("{folder}/.gitignore"), "*\n");
            made.write(format!("{folder}/CACHEDIR.TAG"), tag);
            made.write(format!("{folder}/v/cache"), "x");
        }
        assert!(changed(&made).is_empty());
        // A folder by another name is none, whatever lies in it, nor is one without the mark.
        made.write("plugin/.gitignore", "*\n");
        made.write("plugin/CACHEDIR.TAG", tag);
        made.write("dir/.mypy_cache/.gitignore", "*\n");
        made.write("x.pytest_cache/.gitignore", "*\n");
        made.write("x.pytest_cache/CACHEDIR.TAG", tag);
        let mut wanted = vec!["dir/.mypy_cache/.gitignore", "plugin/.gitignore", "x.pytest_cache/.gitignore"];
        assert_eq!(changed(&made), wanted);
        // Nor where something else poses as the mark, which is not waited for.
        for (folder, poses) in
            [("e/.ruff_cache", "mkfifo CACHEDIR.TAG"), ("f/.ruff_cache", "ln -s ../../.pytest_cache/CACHEDIR.TAG .")]
        {
            made.write(format!("{folder}/.gitignore"), "*\n");
            let posed = Command::new("sh").args(["-c", poses]).current_dir(made.top().join(folder)).status().unwrap();
            assert!(posed.success());
        }
        made.write("g/.ruff_cache/.gitignore", "*\n");
        made.write("g/.ruff_cache/CACHEDIR.TAG", &tag[..20]);
        wanted.splice(1..1, ["e/.ruff_cache/.gitignore", "f/.ruff_cache/.gitignore", "g/.ruff_cache/.gitignore"]);
        assert_eq!(changed(&made), wanted);
    }

    #[test]
    fn file_that_differs_in_its_letters_alone_is_another() {
        let made = made();
        made.git(&["config", "core.ignoreCase", "true"]);
        made.write("dir/A", "x");
        assert_eq!(made.git(&["status", "--porcelain"]), "", "git itself is taken in");
        assert_eq!(changed(&made), ["dir/A"]);
    }

    #[test]
    fn work_tree_that_lies_elsewhere_is_not_looked_at_instead() {
        let made = made();
        let clean = Fixture::with(&["clone", "--quiet", made.top().to_str().unwrap(), "."]);
        made.git(&["config", "core.worktree", clean.top().to_str().unwrap()]);
        let found = Repository::discover(&git(), &made.top());
        assert!(matches!(found, Err(GitError::OtherWorkTree { .. })), "{found:?}");
        made.git(&["config", "core.worktree", made.top().to_str().unwrap()]);
        assert!(changed(&made).is_empty());
    }

    #[test]
    fn folder_that_was_put_under_the_id_of_another_is_found() {
        let made = made();
        made.write("dir/deep/a", "1");
        let before = made.commit_all("deep");
        let honest = made.oid("HEAD:dir/deep");
        made.write("dir/deep/a", "2");
        made.commit_all("forged");
        let forged = made.oid("HEAD:dir/deep");
        made.git(&["reset", "--quiet", "--soft", before.as_str()]);
        assert_eq!(changed(&made), ["dir/deep/a"]);
        let object = |oid: &Oid| made.top().join(".git/objects").join(&oid.as_str()[..2]).join(&oid.as_str()[2..]);
        fs::remove_file(object(&honest)).unwrap();
        fs::copy(object(&forged), object(&honest)).unwrap();
        let repository = made.repository();
        let found = worktree(repository.place(), &repository.head().unwrap().tree);
        assert!(matches!(found, Err(GitError::Facts(_))), "{found:?}");
    }

    #[test]
    fn trees_as_old_git_wrote_them_are_clean() {
        let made = made();
        let blob = made.oid("HEAD:b");
        let empty = made.git(&["hash-object", "-t", "tree", "-w", "/dev/null"]);
        let folder =
            [&b"100664 f\0"[..], &hex::decode(blob.as_str()).unwrap(), b"40000 g\0", &hex::decode(empty).unwrap()]
                .concat();
        fs::write(made.top().join(".git/raw"), folder).unwrap();
        let tree = made.git(&["hash-object", "-t", "tree", "-w", "--literally", ".git/raw"]);
        let commit = made.git(&["commit-tree", &tree, "-m", "old"]);
        made.git(&["reset", "--quiet", "--hard", &commit]);
        assert!(changed(&made).is_empty());
        made.write("f", "2");
        assert_eq!(changed(&made), ["f"]);
    }

    #[test]
    fn hooks_and_monitors_of_the_repository_do_not_run() {
        let made = made();
        let mark = made.top().join(".git/mark");
        made.write(".git/hooks/post-index-change", &format!("#!/bin/sh\ntouch '{}'\n", mark.display()));
        made.make_executable(".git/hooks/post-index-change");
        made.git(&["config", "core.fsmonitor", ".git/hooks/post-index-change"]);
        made.write("b", "2");
        assert_eq!(changed(&made), ["b"]);
        assert!(!mark.exists());
    }

    #[test]
    fn line_ends_of_the_configuration_are_kept() {
        let made = Fixture::new();
        made.git(&["config", "core.autocrlf", "true"]);
        made.commit("text", "a\r\nb\r\n");
        assert_eq!(made.git(&["cat-file", "-s", "HEAD:text"]), "4");
        assert!(changed(&made).is_empty());
        made.write("text", "a\r\nc\r\n");
        assert_eq!(changed(&made), ["text"]);
    }

    #[test]
    fn submodules_count_by_their_commit_and_by_what_lies_in_them() {
        let made = made();
        let inner = Fixture::new();
        inner.commit("i", "1");
        made.git(&["submodule", "--quiet", "add", inner.top().to_str().unwrap(), "sub"]);
        made.commit_all("submodule");
        assert!(changed(&made).is_empty());
        made.write("sub/i", "2");
        assert_eq!(changed(&made), ["sub"]);
        made.write("sub/i", "1");
        made.write("sub/new", "1");
        assert_eq!(changed(&made), ["sub"]);
        fs::remove_file(made.top().join("sub/new")).unwrap();
        assert!(changed(&made).is_empty());
        let sub = made.top().join("sub");
        let sub = sub.to_str().unwrap();
        made.git(&["-C", sub, "commit", "--quiet", "--allow-empty", "--message", "moved"]);
        assert_eq!(changed(&made), ["sub"]);
    }

    #[test]
    fn submodule_hides_nothing_by_what_its_repository_is() {
        let made = made();
        let inner = Fixture::new();
        inner.commit("i", "1");
        made.git(&["submodule", "--quiet", "add", inner.top().to_str().unwrap(), "sub"]);
        made.commit_all("submodule");
        let link = made.top().join("sub/.git");
        let linked = fs::read(&link).unwrap();
        fs::remove_file(&link).unwrap();
        assert_eq!(changed(&made), ["sub", "sub/i"], "it is no repository, and has a file");
        std::os::unix::fs::symlink("/nowhere", &link).unwrap();
        assert_eq!(changed(&made), ["sub", "sub/i"]);
        fs::remove_file(&link).unwrap();
        fs::write(&link, linked).unwrap();
        assert!(changed(&made).is_empty());
        made.git(&["-C", "sub", "config", "core.worktree", inner.top().to_str().unwrap()]);
        made.write("sub/i", "2");
        let repository = made.repository();
        let found = worktree(repository.place(), &repository.head().unwrap().tree);
        assert!(matches!(found, Err(GitError::OtherWorkTree { .. })), "{found:?}");
        made.git(&["submodule", "--quiet", "deinit", "--force", "sub"]);
        assert!(changed(&made).is_empty(), "nobody has fetched it");
    }

    #[test]
    fn sha256_repository_and_linked_work_tree_are_compared() {
        let made = Fixture::with(&["init", "--quiet", "--object-format=sha256", "."]);
        made.commit("a", "1");
        assert!(changed(&made).is_empty());
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("odd \"name\" \\ #;");
        made.git(&["worktree", "add", "--quiet", "-b", "side", other.to_str().unwrap()]);
        let repository = Repository::discover(&git(), &other).unwrap();
        let tree = repository.head().unwrap().tree;
        assert!(worktree(repository.place(), &tree).unwrap().changed.is_empty());
        fs::write(other.join("b"), "x").unwrap();
        assert_eq!(worktree(repository.place(), &tree).unwrap().changed, ["b"]);
        assert!(changed(&made).is_empty());
    }

    #[test]
    fn repository_at_an_unusual_place_is_compared() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("odd \"name\" \\ #;:ä");
        fs::create_dir(&odd).unwrap();
        let made = Fixture::with(&["init", "--quiet", odd.to_str().unwrap()]);
        made.git(&["-C", odd.to_str().unwrap(), "commit", "--quiet", "--allow-empty", "--message", "m"]);
        fs::write(odd.join("b"), "x").unwrap();
        let repository = Repository::discover(&git(), &odd).unwrap();
        let tree = repository.head().unwrap().tree;
        assert_eq!(worktree(repository.place(), &tree).unwrap().changed, ["b"]);
    }
}
