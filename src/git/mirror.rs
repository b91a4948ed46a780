//! A bare repository of ours that mirrors one ref of somebody's remote: what is fetched, what is pushed, and what went wrong.
//!
//! Only the newest commit of the ref travels (depth 1), into objects of our own, so that neither the user's repository nor
//! its remotes change. The remote is reached as the user's git would reach it: its settings (`http.*`, `credential.*`,
//! `url.*`, `core.sshCommand`, `remote.<name>.*`) are read where the user stands and handed over in the environment, where
//! no other process sees them. A push names the value that it expects the ref to have (`--force-with-lease=<ref>:<old>`)
//! and a commit on top of exactly that: it never replaces what others pushed.
//!
//! Needs git 2.31 (`GIT_CONFIG_COUNT`) and, for single objects, protocol version 2 (`gitprotocol-v2`, `want <oid>`).
//! Out of scope: prompts. Nobody is asked for anything; a remote that wants to ask is one that refuses.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::remote_error::{RemoteError, clipped, shown};
use super::run::{Git, GitError};
use crate::model::{Oid, Time};

/// Where the remote is and how it is reached.
#[derive(Debug, Clone)]
pub struct RemotePlace {
    /// The name of a remote of the user's repository, or a URL or path.
    pub remote: String,
    /// The folder that the user stands in: settings are read there, and a relative path starts there.
    pub from: PathBuf,
    /// Where our bare repository lies.
    pub folder: PathBuf,
    /// The hash of the remote's objects, `sha1` or `sha256`.
    pub object_format: &'static str,
    /// The ref.
    pub name: String,
    /// The whole environment of the user; what belongs to another repository is left out of it.
    pub environment: Vec<(OsString, OsString)>,
    /// So long a remote may be silent.
    pub silence: Duration,
}

/// One ref of a remote.
#[derive(Debug)]
pub struct Mirror {
    git: Git,
    pub(super) place: RemotePlace,
    settings: Vec<(String, String)>,
    /// Whether the user says with which ssh.
    own_ssh: bool,
    /// Whether it is the user's own repository, which has their settings by itself.
    is_users: bool,
}

/// What a commit adds to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// These files, and all else is as it was.
    Files(Vec<(String, Oid)>),
    /// Files of the other are gone or changed.
    Rewritten,
    /// The objects of the other are not here.
    Unknown,
}

/// What becomes a commit on top of the ref.
#[derive(Debug)]
pub struct Addition {
    /// The subject and body of the commit, for people.
    pub message: String,
    /// The commit's time.
    pub time: Time,
    /// Files by path.
    pub files: Vec<(String, Vec<u8>)>,
    /// Files that are kept beside: they travel only to those who ask for them. Name below `materials/`, where it lies.
    pub kept: Vec<(String, PathBuf)>,
    /// A commit whose whole tree it takes over before it adds anything.
    pub tree_of: Option<Oid>,
}

impl Mirror {
    /// Opens the mirror, and makes its repository where there is none.
    ///
    /// # Errors
    /// If git cannot be run or the folder not be made.
    pub fn open(git: Git, place: RemotePlace) -> Result<Self, RemoteError> {
        let mut mirror = Self { git, place, settings: Vec::new(), own_ssh: false, is_users: false };
        mirror.read_settings()?;
        if !mirror.place.folder.join("HEAD").exists() {
            mirror.make()?;
        }
        Ok(mirror)
    }

    /// Opens the user's own repository in its place: what it keeps for us travels by its own settings.
    ///
    /// # Errors
    /// If git cannot be run.
    pub fn of_user(git: Git, place: RemotePlace) -> Result<Self, RemoteError> {
        let mut mirror = Self { git, place, settings: Vec::new(), own_ssh: false, is_users: true };
        mirror.read_settings()?;
        Ok(mirror)
    }

    /// Makes our repository beside its place and puts it there whole: others may be making it too.
    fn make(&self) -> Result<(), RemoteError> {
        let folder = &self.place.folder;
        let failed = |source| GitError::Temporary { path: folder.clone(), source };
        let above = folder.parent().unwrap_or(folder);
        std::fs::create_dir_all(above).map_err(failed)?;
        let new = tempfile::Builder::new().prefix(".mirror-").tempdir_in(above).map_err(failed)?;
        let format = format!("--object-format={}", self.place.object_format);
        let init: [&OsStr; 6] = [
            "init".as_ref(),
            "--quiet".as_ref(),
            "--bare".as_ref(),
            "--template=".as_ref(),
            format.as_ref(),
            new.path().as_os_str(),
        ];
        self.git.finish(self.git.command(above).args(init))?.printed()?;
        match std::fs::rename(new.path(), folder) {
            Err(error) if !folder.join("HEAD").exists() => Err(failed(error).into()),
            _ => Ok(()),
        }
    }

    /// Returns the remote's name, or its URL without what may be a password.
    #[must_use]
    pub fn remote(&self) -> String {
        shown(&self.place.remote)
    }

    /// Returns its URL as far as the settings here say it.
    #[must_use]
    pub fn url(&self) -> &str {
        let key = format!("remote.{}.url", self.place.remote);
        self.settings.iter().find(|(name, _)| *name == key).map_or(&self.place.remote, |(_, url)| url)
    }

    /// Returns the ref's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.place.name
    }

    /// Fetches the newest commit of the ref and what it adds; `None` if the remote has no such ref.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn fetch(&self) -> Result<Option<Oid>, RemoteError> {
        let refspec = format!("+{}:{FETCHED}", self.place.name);
        let said = self.talk_fetch(&["--depth=1", "--no-prune"], &[&refspec], &[])?;
        if said.ok {
            return Ok(Some(self.head()?));
        }
        if said.stderr.contains("couldn't find remote ref") {
            return if self.is_git()? { Ok(None) } else { Err(self.no_repository()) };
        }
        Err(self.unreachable(&said))
    }

    /// Returns whether what answers over HTTP is git: a page for people is read as a repository without refs.
    fn is_git(&self) -> Result<bool, RemoteError> {
        let arguments = ["ls-remote", "--end-of-options", &self.place.remote];
        let said = self.talk_with(&arguments, &[], &[("GIT_TRACE_PACKET", "1")])?;
        Ok(!said.ok || !said.stdout.is_empty() || said.stderr.contains(" packet: "))
    }

    fn no_repository(&self) -> RemoteError {
        let message = "no git repository answers there: it has no refs, and speaks no protocol of git's".to_owned();
        RemoteError::Refused { remote: self.remote(), message }
    }

    /// Fetches single objects that the remote has, whether or not a ref of it leads there at depth 1.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn fetch_objects(&self, objects: &[Oid]) -> Result<(), RemoteError> {
        let list: String = objects.iter().map(|oid| format!("{oid}\n")).collect();
        let said = self.talk_fetch(&["--stdin"], &[], list.as_bytes())?;
        if said.ok { Ok(()) } else { Err(self.unreachable(&said)) }
    }

    /// Returns the commit that was fetched or pushed last.
    fn head(&self) -> Result<Oid, RemoteError> {
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", FETCHED];
        let printed = self.local(&arguments)?.printed()?;
        self.oid(&printed, "rev-parse")
    }

    /// Returns the bytes of a file of a commit.
    ///
    /// # Errors
    /// If git cannot be run.
    pub fn read(&self, commit: &Oid, path: &str) -> Result<Option<Vec<u8>>, RemoteError> {
        let name = format!("{commit}:{path}");
        let ended = self.local(&["cat-file", "blob", &name])?;
        Ok(if ended.code == Some(0) { Some(ended.stdout) } else { None })
    }

    /// Returns which files a commit has below a folder that another does not: path and object.
    ///
    /// # Errors
    /// If git cannot be run.
    pub fn added(&self, old: &Oid, new: &Oid, below: &str) -> Result<Added, RemoteError> {
        let (old, new) = (old.to_string(), new.to_string());
        let arguments = [
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--no-renames",
            "--no-abbrev",
            "--end-of-options",
            &old,
            &new,
            "--",
            below,
        ];
        let ended = self.local(&arguments)?;
        if ended.code != Some(0) {
            return Ok(Added::Unknown);
        }
        let mut fields = ended.stdout.split(|byte| *byte == 0).filter(|field| !field.is_empty());
        let mut found = Vec::new();
        while let (Some(what), Some(path)) = (fields.next(), fields.next()) {
            let words: Vec<&[u8]> = what.split(|byte| *byte == b' ').collect();
            let [_, _, _, oid, b"A"] = words[..] else { return Ok(Added::Rewritten) };
            found.push((String::from_utf8_lossy(path).into_owned(), self.oid(oid, "diff-tree")?));
        }
        Ok(Added::Files(found))
    }

    /// Returns all files of a commit at or below a path, or the one entry there: path and object.
    ///
    /// # Errors
    /// If git cannot be run.
    pub fn listed(&self, commit: &Oid, below: &[String]) -> Result<Vec<(String, Oid)>, RemoteError> {
        let commit = commit.to_string();
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", &commit, "--"];
        arguments.extend(below.iter().map(String::as_str));
        let printed = self.local(&arguments)?.printed()?;
        let mut found = Vec::new();
        for line in printed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let unreadable = || GitError::Output { command: "ls-tree".to_owned(), reason: "wanted id and path" };
            let tab = line.iter().position(|byte| *byte == b'\t').ok_or_else(unreadable)?;
            let (what, path) = (&line[..tab], &line[tab + 1..]);
            let oid = what.rsplit(|byte| *byte == b' ').next().ok_or_else(unreadable)?;
            found.push((String::from_utf8_lossy(path).into_owned(), self.oid(oid, "ls-tree")?));
        }
        Ok(found)
    }

    /// Calls `each` with the bytes of these objects, in order, as they are read.
    ///
    /// # Errors
    /// If one is not here, or what `each` returns.
    pub fn objects<E: From<RemoteError>>(
        &self,
        objects: &[Oid],
        mut each: impl FnMut(usize, &mut dyn Read) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut command = self.own();
        command.args(["cat-file", "--batch", "--buffer"]).stdin(Stdio::piped()).stderr(Stdio::null());
        let start = |source| RemoteError::from(GitError::Start { program: self.git.program().to_owned(), source });
        let mut child = command.spawn().map_err(start)?;
        let mut requests = child.stdin.take().expect("the command was built with a piped stdin");
        let mut answers =
            BufReader::with_capacity(1 << 16, child.stdout.take().expect("the command was built with a piped stdout"));
        let list: String = objects.iter().map(|oid| format!("{oid}\n")).collect();
        let outcome = std::thread::scope(|scope| {
            scope.spawn(move || {
                // Whoever reads the answers finds out if it has ended.
                let _ = requests.write_all(list.as_bytes());
            });
            let outcome = (|| {
                for index in 0..objects.len() {
                    let bytes = next_blob(&mut answers).map_err(|reason| {
                        RemoteError::from(GitError::Output { command: "cat-file".to_owned(), reason })
                    })?;
                    let mut rest = (&mut answers).take(bytes);
                    each(index, &mut rest)?;
                    std::io::copy(&mut rest, &mut std::io::sink()).map_err(start)?;
                    let mut end = [0];
                    answers.read_exact(&mut end).map_err(start)?;
                }
                Ok(())
            })();
            // What is left is of no use to anyone; the writer of requests ends with it.
            let _ = child.kill();
            outcome
        });
        let _ = child.wait();
        outcome
    }

    /// Makes a commit on top of another, here: it counts once it is pushed.
    ///
    /// # Errors
    /// If git cannot be run or refuses.
    pub fn commit(&self, on: Option<&Oid>, addition: &Addition) -> Result<Oid, RemoteError> {
        let kept = self.keep(&addition.kept)?;
        let mut stream = b"feature done\n".to_vec();
        let header = |stream: &mut Vec<u8>, name: &str, mark: u8, message: &str| {
            let when = addition.time.0;
            stream.extend_from_slice(
                format!("commit {name}\nmark :{mark}\ncommitter {COMMITTER} {when} +0000\n").as_bytes(),
            );
            stream.extend_from_slice(format!("data {}\n{message}\n", message.len()).as_bytes());
        };
        if !kept.is_empty() {
            header(&mut stream, KEPT, 1, "materials\n");
            for (name, oid) in &kept {
                stream.extend_from_slice(format!("M 100644 {oid} {}\n", name.replace('/', "-")).as_bytes());
            }
            // Nothing goes on from it: what an addition keeps hangs at that addition alone.
            stream.extend_from_slice(format!("\nreset {KEPT}\n\n").as_bytes());
        }
        header(&mut stream, FETCHED, 2, &addition.message);
        match on {
            Some(on) => stream.extend_from_slice(format!("from {on}\n").as_bytes()),
            // Whatever an earlier life of this folder fetched is no parent of a first commit.
            None => drop(self.local(&["update-ref", "-d", FETCHED])?.printed()?),
        }
        if !kept.is_empty() {
            stream.extend_from_slice(b"merge :1\n");
        }
        if let Some(commit) = &addition.tree_of {
            let name = format!("{commit}^{{tree}}");
            let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &name];
            let tree = self.oid(&self.local(&arguments)?.printed()?, "rev-parse")?;
            stream.extend_from_slice(format!("M 040000 {tree} \"\"\n").as_bytes());
        }
        for (path, bytes) in &addition.files {
            stream.extend_from_slice(format!("M 100644 inline {path}\ndata {}\n", bytes.len()).as_bytes());
            stream.extend_from_slice(bytes);
            stream.push(b'\n');
        }
        for (name, oid) in &kept {
            // An entry of this mode names an object without leading to it: the file travels only to those who ask.
            stream.extend_from_slice(format!("M 160000 {oid} {MATERIALS}/{name}\n").as_bytes());
        }
        stream.extend_from_slice(b"\nget-mark :2\ndone\n");
        let printed = self.fed(&["fast-import", "--quiet", "--force", "--done"], &stream)?.printed()?;
        self.oid(&printed, "fast-import")
    }

    /// Pushes a commit to where the ref has exactly the old value.
    ///
    /// # Errors
    /// [`RemoteError::Moved`] if it has another; then nothing was pushed. With [`RemoteError::Unreachable`] and
    /// [`RemoteError::Silent`] it is not known.
    pub fn push(&self, old: Option<&Oid>, new: &Oid) -> Result<(), RemoteError> {
        let name = &self.place.name;
        let lease = format!("--force-with-lease={name}:{}", old.map_or_else(String::new, ToString::to_string));
        let refspec = format!("{new}:{name}");
        let arguments = [
            "push",
            "--porcelain",
            "--progress",
            "--no-verify",
            "--no-follow-tags",
            "--no-recurse-submodules",
            "--no-signed",
            &lease,
            "--end-of-options",
            &self.place.remote,
            &refspec,
        ];
        let said = self.talk(&arguments, &[])?;
        if said.ok {
            return Ok(());
        }
        Err(self.rejected(&said, name))
    }

    /// Returns why a push to a ref was not taken, by what was said.
    pub(super) fn rejected(&self, said: &Said, name: &str) -> RemoteError {
        let rejected = said.stdout.lines().find_map(|line| line.strip_prefix("!\t")).map(str::to_owned);
        let Some(rejected) = rejected else { return self.unreachable(said) };
        let summary = rejected.split_once('\t').map_or(rejected.as_str(), |(_, summary)| summary);
        let is_moved = summary.starts_with("[rejected]") || RACES.iter().any(|race| summary.contains(race));
        let name = name.to_owned();
        if is_moved && !summary.contains("shallow update not allowed") {
            return RemoteError::Moved { name };
        }
        let of_remote = said.stderr.split(['\n', '\r']).filter_map(|line| line.strip_prefix("remote:"));
        // Git fills lines up with blanks, so that they cover what stood there.
        let of_remote: Vec<&str> = of_remote.map(str::trim).filter(|line| !line.is_empty()).collect();
        let words = if of_remote.is_empty() { String::new() } else { format!(" ({})", of_remote.join("; ")) };
        let message = clipped(&format!("{summary}{words}"));
        RemoteError::Rejected { remote: self.remote(), name, message }
    }

    /// Throws away what nothing leads to any more.
    ///
    /// # Errors
    /// If git cannot be run or refuses.
    pub fn tidy(&self) -> Result<(), RemoteError> {
        self.local(&["gc", "--quiet", "--prune=1.day.ago"])?.printed()?;
        Ok(())
    }

    /// Stores files as objects; returns their names with the objects' ids.
    fn keep(&self, files: &[(String, PathBuf)]) -> Result<Vec<(String, Oid)>, RemoteError> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let mut list = Vec::new();
        for (_, path) in files {
            list.extend_from_slice(path.as_os_str().as_bytes());
            list.push(b'\n');
        }
        let printed = self.fed(&["hash-object", "-w", "--no-filters", "--stdin-paths"], &list)?.printed()?;
        let ids: Vec<&[u8]> = printed.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        if ids.len() != files.len() {
            return Err(GitError::Output { command: "hash-object".to_owned(), reason: "wanted one id a file" }.into());
        }
        files.iter().zip(ids).map(|((name, _), id)| Ok((name.clone(), self.oid(id, "hash-object")?))).collect()
    }

    fn oid(&self, bytes: &[u8], command: &str) -> Result<Oid, RemoteError> {
        let text = str::from_utf8(bytes).unwrap_or_default().trim();
        text.parse().map_err(|_| GitError::Output { command: command.to_owned(), reason: "wanted an id" }.into())
    }

    /// Reads what the user's git knows about reaching remotes.
    fn read_settings(&mut self) -> Result<(), RemoteError> {
        let mut command = Command::new(self.git.program());
        command.env_clear().envs(self.place.environment.iter().filter(|(name, _)| is_handed_on(name, true)).cloned());
        command.current_dir(&self.place.from).args(["config", "--list", "--null", "--show-scope", "--includes"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ended = self.git.finish(&mut command)?;
        // Outside of a repository there is only what every git reads by itself.
        let printed = ended.printed().unwrap_or_default();
        let text = String::from_utf8_lossy(&printed);
        let mut words = text.split('\0');
        let mut found = Vec::new();
        while let (Some(scope), Some(setting)) = (words.next(), words.next()) {
            let (key, value) = setting.split_once('\n').unwrap_or((setting, "true"));
            self.own_ssh |= key.eq_ignore_ascii_case("core.sshCommand");
            // An address that is said twice is pushed to twice.
            let is_wanted = scope == "command" || !self.is_users && matches!(scope, "local" | "worktree");
            if is_wanted && reaches(key) {
                found.push((key.to_owned(), value.to_owned()));
            }
        }
        // One place for both directions: a mirror that lags would look like a log that was taken back.
        let of = |end: &str| format!("remote.{}.{end}", self.place.remote);
        let (push, fetch) = (of("pushurl"), of("url"));
        let named = |name: &str| found.iter().find(|(key, _)| key == name).map(|(_, url)| url.clone());
        if let Some(url) = named(&push).or_else(|| named(&fetch)) {
            found.retain(|(key, _)| *key != push && *key != fetch);
            found.push((fetch, url));
        }
        self.settings = found;
        Ok(())
    }

    /// Begins a command on our own repository, which a hardened git uses only where it is named.
    fn own(&self) -> Command {
        let mut command = self.git.command(&self.place.folder);
        command.arg("--git-dir").arg(&self.place.folder);
        command
    }

    /// Runs git on our own objects.
    fn local(&self, arguments: &[&str]) -> Result<super::run::Ended, GitError> {
        self.git.finish(self.own().args(arguments))
    }

    /// Runs git on our own objects with something to read.
    fn fed(&self, arguments: &[&str], input: &[u8]) -> Result<super::run::Ended, GitError> {
        let mut command = self.own();
        command.args(arguments);
        self.git.finish_fed(&mut command, input)
    }

    /// Runs git to talk to the remote, for as long as it gives signs of life.
    pub(super) fn talk(&self, arguments: &[&str], input: &[u8]) -> Result<Said, RemoteError> {
        self.talk_with(arguments, input, &[])
    }

    /// Fetches these refspecs, and nothing that the user's settings would fetch or do beside.
    pub(super) fn talk_fetch(&self, options: &[&str], refspecs: &[&str], input: &[u8]) -> Result<Said, RemoteError> {
        let whose = ["--end-of-options", &self.place.remote];
        self.talk(&[FETCH, options, &whose, refspecs].concat(), input)
    }

    fn talk_with(&self, arguments: &[&str], input: &[u8], variables: &[(&str, &str)]) -> Result<Said, RemoteError> {
        let mut command = Command::new(self.git.program());
        command.env_clear().envs(self.place.environment.iter().filter(|(name, _)| is_handed_on(name, false)).cloned());
        command.envs(VARIABLES.iter().chain(variables).copied());
        let has = |name: &str| self.place.environment.iter().any(|(known, _)| known == name);
        if !has("GIT_SSH") && !has("GIT_SSH_COMMAND") && !self.own_ssh {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        command.env("GIT_CONFIG_COUNT", self.settings.len().to_string());
        for (index, (key, value)) in self.settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{index}"), key).env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        command.current_dir(&self.place.from).args(OPTIONS).arg("--git-dir").arg(&self.place.folder).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let start = |source| GitError::Start { program: self.git.program().to_owned(), source };
        let mut child = command.spawn().map_err(start)?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let mut stdin = child.stdin.take().expect("the command was built with a piped stdin");
        let input = input.to_vec();
        std::thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        let (sender, heard) = channel();
        let out = child.stdout.take().expect("the command was built with a piped stdout");
        let err = child.stderr.take().expect("the command was built with a piped stderr");
        let streams: [Box<dyn Read + Send>; 2] = [Box::new(out), Box::new(err)];
        for (index, mut stream) in streams.into_iter().enumerate() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count) = stream.read(&mut buffer) {
                    if count == 0 || sender.send((index, buffer[..count].to_vec())).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut texts = [Vec::new(), Vec::new()];
        let (mut status, mut last) = (None, Instant::now());
        loop {
            match heard.recv_timeout(TICK) {
                Ok((index, bytes)) => {
                    last = Instant::now();
                    texts[index].extend_from_slice(&bytes);
                    // Progress is long and of no use later.
                    if texts[index].len() > SAID_BYTES_MAX {
                        let cut = texts[index].len() - SAID_BYTES_MAX / 2;
                        texts[index].drain(..cut);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
                // What git left running (an ssh that stays connected) may hold its output open: it has nothing to say for git.
                Err(RecvTimeoutError::Timeout) if status.is_some() => break,
                Err(RecvTimeoutError::Timeout) => {
                    status = child.try_wait().map_err(start)?;
                    if status.is_none() && last.elapsed() >= self.place.silence {
                        if let Some(group) = group {
                            let _ = kill_process_group(group, Signal::KILL);
                        }
                        let _ = child.kill();
                        let _ = child.wait();
                        let seconds = self.place.silence.as_secs();
                        return Err(RemoteError::Silent { remote: self.remote(), seconds });
                    }
                }
            }
        }
        let status = match status {
            Some(status) => status,
            None => child.wait().map_err(start)?,
        };
        let [stdout, stderr] = texts.map(|text| String::from_utf8_lossy(&text).into_owned());
        Ok(Said { ok: status.success(), stdout, stderr })
    }

    pub(super) fn unreachable(&self, said: &Said) -> RemoteError {
        RemoteError::of_words(self.remote(), &said.stderr)
    }
}

/// What git said about a remote.
pub(super) struct Said {
    pub(super) ok: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Reads the line before the next blob and returns its size.
fn next_blob(answers: &mut impl std::io::BufRead) -> Result<u64, &'static str> {
    let mut line = String::new();
    answers.take(LINE_BYTES_MAX).read_line(&mut line).map_err(|_| "it ended before its answer did")?;
    let mut words = line.trim_end().split(' ');
    match (words.next(), words.next(), words.next().and_then(|size| size.parse().ok())) {
        (Some(_), Some("blob"), Some(size)) => Ok(size),
        _ => Err("wanted a blob that is here"),
    }
}

/// Returns whether a setting says how a remote is reached.
fn reaches(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    let of_remote = lower.starts_with("remote.")
        && [".url", ".pushurl", ".proxy", ".proxyauthmethod", ".uploadpack", ".receivepack"]
            .iter()
            .any(|end| lower.ends_with(end));
    of_remote
        || ["http.", "credential.", "url.", "ssh."].iter().any(|start| lower.starts_with(start))
        || ["core.sshcommand", "core.askpass", "core.gitproxy"].contains(&lower.as_str())
}

/// Returns whether a variable of the user goes to git: none that names another repository, and nothing of ours.
fn is_handed_on(name: &OsStr, with_settings: bool) -> bool {
    let name = name.to_string_lossy();
    let is_setting =
        name == "GIT_CONFIG_COUNT" || name.starts_with("GIT_CONFIG_KEY_") || name.starts_with("GIT_CONFIG_VALUE_");
    if is_setting || name == "GIT_CONFIG_PARAMETERS" {
        return with_settings;
    }
    !name.starts_with("EVIDENCE_") && !OF_A_REPOSITORY.contains(&name.as_ref())
}

/// Where the newest commit is kept that was fetched or made.
const FETCHED: &str = "refs/evidence/fetched";
const KEPT: &str = "refs/evidence/kept";
/// The folder of names of what is kept beside.
pub const MATERIALS: &str = "materials";
const COMMITTER: &str = "evidence <evidence@localhost>";
/// What servers say when two pushes meet after both were let in.
const RACES: &[&str] = &[
    "failed to update ref",
    "cannot lock ref",
    "failed to lock",
    "incorrect old value provided",
    "reference already exists",
    "fetch first",
    "stale info",
    "non-fast-forward",
];
const OPTIONS: &[&str] = &[
    "--no-pager",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.commitGraph=false",
    "-c",
    "gc.auto=0",
    "-c",
    "protocol.version=2",
];
/// How everything is fetched.
const FETCH: &[&str] = &[
    "fetch",
    "--progress",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
    "--refmap=",
];
/// Messages are matched, so the locale is fixed; nobody is asked.
const VARIABLES: &[(&str, &str)] =
    &[("LC_ALL", "C"), ("GIT_NO_REPLACE_OBJECTS", "1"), ("GIT_TERMINAL_PROMPT", "0"), ("GIT_FLUSH", "1")];
/// `git rev-parse --local-env-vars`, and what changes how git talks to us.
const OF_A_REPOSITORY: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_NAMESPACE",
    "GIT_CONFIG",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_PROTOCOL",
    "LANGUAGE",
];
/// How often it is looked whether git has ended.
const TICK: Duration = Duration::from_millis(100);
const LINE_BYTES_MAX: u64 = 1024;
const SAID_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_a_remote_is_handed_over_and_nothing_else() {
        for key in ["http.https://x.example/.extraheader", "credential.helper", "core.sshCommand", "remote.a.b.url"] {
            assert!(reaches(key), "{key}");
        }
        for key in ["core.hooksPath", "remote.origin.fetch", "alias.fetch", "core.worktree", "protocol.allow"] {
            assert!(!reaches(key), "{key}");
        }
        for (name, handed) in
            [("SSH_AUTH_SOCK", true), ("GIT_SSH_COMMAND", true), ("EVIDENCE_LOG_KEY", false), ("GIT_DIR", false)]
        {
            assert_eq!(is_handed_on(OsStr::new(name), false), handed, "{name}");
        }
        // Settings of the environment are read where the user stands, and handed over with those.
        assert!(
            is_handed_on(OsStr::new("GIT_CONFIG_COUNT"), true) && !is_handed_on(OsStr::new("GIT_CONFIG_COUNT"), false)
        );
    }

    #[test]
    fn an_answer_that_is_no_blob_is_no_size() {
        assert_eq!(next_blob(&mut &b"4f0c blob 12\nrest"[..]), Ok(12));
        for bad in ["4f0c missing\n", "4f0c tree 12\n", "", "blob\n"] {
            assert!(next_blob(&mut bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
