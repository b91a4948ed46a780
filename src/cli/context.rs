//! Where things are: repository, ledger, trust, keys and change, from flags, the environment, the CI system, or the place.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::args::{Args, ChangeArgs};
use super::eprint;
use super::fail::Fail;
use super::forges::forge;
use super::keys::{Key, signing_key, signing_key_of};
use super::log_keys::log_keys;
use super::merge::{is_of, statement};
use crate::append::{AppendError, Appender, ClockGuard, Rights};
use crate::attest::Spool;
use crate::crypto::sha256;
use crate::git::{Git, GitEnvironment, GitError, History, Mirror, RemotePlace, Repository, Target};
use crate::merkle::MapText;
use crate::model::{ChangeId, Id, Oid, Time};
use crate::prove::{Trust, open_head};
use crate::rego::Evaluator;
use crate::store::{Ledger, Log, NamedStores, Objects, Remote, StoreError};

/// What every command needs.
pub(super) struct Context {
    pub(super) json: bool,
    pub(super) cwd: PathBuf,
    ledger: Option<LedgerWord>,
    trust: Option<PathBuf>,
    /// The `--target` of the command: one for all that it asks.
    target: Option<String>,
    keys: Vec<PathBuf>,
    opened: OnceCell<Vec<Key>>,
    guard: ClockGuard,
    repository: OnceCell<Repository>,
    /// Whether it was said that nothing is remembered.
    pub(super) told: Cell<bool>,
    /// Whether the copy of a ledger on a remote was brought up to date by this command.
    fetched: Cell<bool>,
}

/// Which ledger is named.
#[derive(Debug, Clone)]
enum LedgerWord {
    /// In a folder.
    Folder(PathBuf),
    /// On a git remote: its name, URL or path.
    Git(String),
}

impl LedgerWord {
    fn read(word: &Path, cwd: &Path) -> Result<Self, Fail> {
        match word.to_str().and_then(|word| word.strip_prefix("git:")) {
            None => Ok(Self::Folder(cwd.join(word))),
            Some("") => Err(Fail::usage("git: names no remote").hint("--ledger git:origin")),
            Some(remote) => Ok(Self::Git(remote.to_owned())),
        }
    }
}

/// What is judged.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// The commit.
    pub(super) commit: Oid,
    /// Its tree.
    pub(super) tree: Oid,
}

impl Context {
    pub(super) fn new(args: &Args) -> Result<Self, Fail> {
        let here = std::env::current_dir()
            .map_err(|error| Fail::usage(format!("the current folder cannot be read: {error}")))?;
        let cwd = args.folder.as_ref().map_or_else(|| here.clone(), |folder| here.join(folder));
        let guard = if args.accept_clock { ClockGuard::AcceptAhead } else { ClockGuard::Strict };
        let absolute = |path: &PathBuf| cwd.join(path);
        Ok(Self {
            json: args.json,
            ledger: match path_of(args.ledger.as_ref(), "EVIDENCE_LEDGER", "--ledger")? {
                None => None,
                Some(word) => Some(LedgerWord::read(&word, &cwd)?),
            },
            trust: path_of(args.trust.as_ref(), "EVIDENCE_TRUST", "--trust")?.as_ref().map(absolute),
            target: args.target.clone(),
            keys: args.key.clone(),
            opened: OnceCell::new(),
            guard,
            repository: OnceCell::new(),
            told: Cell::new(false),
            fetched: Cell::new(false),
            cwd,
        })
    }

    /// Returns the same with nothing remembered, to look again.
    pub(super) fn again(&self) -> Self {
        Self {
            json: self.json,
            cwd: self.cwd.clone(),
            ledger: self.ledger.clone(),
            trust: self.trust.clone(),
            target: self.target.clone(),
            keys: self.keys.clone(),
            opened: OnceCell::new(),
            guard: self.guard,
            repository: OnceCell::new(),
            told: Cell::new(self.told.get()),
            fetched: Cell::new(false),
        }
    }

    /// Returns the same with another ref of the same remote as the ledger: the one named, else the next one by number. None if the
    /// ledger lies in a folder.
    pub(super) fn next_on_remote(&self, reference: Option<&str>) -> Result<Option<Self>, Fail> {
        let Some(LedgerWord::Git(name)) = self.named_ledger()? else { return Ok(None) };
        let (remote, at) = at_of_remote(&name)?;
        let next = match reference {
            Some(reference) => reference.to_owned(),
            None => match at.rsplit_once('-').and_then(|(stem, number)| Some((stem, number.parse::<u32>().ok()?))) {
                Some((stem, number)) => format!("{stem}-{}", number.saturating_add(1)),
                None => format!("{at}-2"),
            },
        };
        let name = format!("{remote}#{next}");
        if at_of_remote(&name)?.1 == at {
            return Err(Fail::usage(format!("{at} has the closed ledger; wanted another ref")));
        }
        Ok(Some(Self { ledger: Some(LedgerWord::Git(name)), ..self.again() }))
    }

    /// Returns how the ledger is named that lives on a remote, as `--ledger` takes it.
    pub(super) fn ledger_word(&self) -> Option<String> {
        match &self.ledger {
            Some(LedgerWord::Git(name)) => Some(format!("git:{name}")),
            _ => None,
        }
    }

    /// Returns the repository around the current folder.
    pub(super) fn repository(&self) -> Result<&Repository, Fail> {
        Ok(self.try_repository()?)
    }

    /// Returns the repository around the current folder, and why there is none.
    pub(super) fn try_repository(&self) -> Result<&Repository, GitError> {
        if let Some(repository) = self.repository.get() {
            return Ok(repository);
        }
        let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let environment = GitEnvironment { path: of("PATH"), home: of("HOME"), config_home: of("XDG_CONFIG_HOME") };
        let found = Repository::discover(&Git::find(environment)?, &self.cwd)?;
        Ok(self.repository.get_or_init(|| found))
    }

    /// Returns what runs the Rego of policies: this program, as its own child.
    pub(super) fn evaluator(&self) -> Evaluator {
        #[cfg(feature = "rego")]
        if let Ok(program) = std::env::current_exe() {
            return Evaluator::of_program(program);
        }
        Evaluator::none()
    }

    /// Returns the ledger's folder: the one named, else the one in the repository's git folder.
    pub(super) fn ledger_folder(&self) -> Result<PathBuf, Fail> {
        match self.named_ledger()? {
            Some(LedgerWord::Folder(folder)) => Ok(folder),
            // A copy, one for all work trees, and another for each remote.
            Some(LedgerWord::Git(remote)) => {
                let name = sha256(remote.as_bytes()).to_string();
                Ok(self.repository()?.common_dir().join("evidence-remotes").join(&name[..16]))
            }
            None => Ok(self.repository()?.common_dir().join("evidence")),
        }
    }

    /// Returns the ledger that is named: by flag or variable, else, where the repository's git folder has none, by the git setting `evidence.ledger`.
    fn named_ledger(&self) -> Result<Option<LedgerWord>, Fail> {
        if self.ledger.is_some() {
            return Ok(self.ledger.clone());
        }
        let repository = self.repository()?;
        if repository.common_dir().join("evidence/ledger.toml").exists() {
            return Ok(None);
        }
        let set = repository.config(LEDGER_SETTING)?;
        set.map(|word| LedgerWord::read(Path::new(&word), repository.top())).transpose()
    }

    /// Lets later commands here find a ledger on a remote without being told.
    pub(super) fn remember_ledger(&self) -> Result<(), Fail> {
        match &self.ledger {
            Some(LedgerWord::Git(name)) => Ok(self.repository()?.set_config(LEDGER_SETTING, &format!("git:{name}"))?),
            _ => Ok(()),
        }
    }

    /// Opens the ledger; one on a remote is fetched before, once in a command, or said to be behind.
    pub(super) fn ledger(&self) -> Result<Ledger, Fail> {
        let folder = self.ledger_folder()?;
        let Some(LedgerWord::Git(name)) = &self.named_ledger()? else { return Ok(Ledger::open(&folder)?) };
        let remote = self.remote(name, &folder, self.trust(None)?)?;
        if self.fetched.get() {
            return Ok(Ledger::open_current(&folder, remote)?);
        }
        let ledger = Ledger::open_remote(&folder, remote)?;
        self.fetched.set(ledger.behind().is_none());
        if let Some(why) = ledger.behind() {
            let size = ledger.read()?.size();
            self.say(&format!("warning: {why}\nwarning: the copy of {size} entries is read, which may be behind"));
        }
        Ok(ledger)
    }

    /// Opens the copy of a ledger on a remote as it is, without a look at the remote.
    pub(super) fn ledger_copy(&self) -> Result<Ledger, Fail> {
        let (name, folder) = self.copied()?;
        Ok(Ledger::open_copy(&folder, self.remote(&name, &folder, self.trust(None)?)?)?)
    }

    /// Sets the copy of a ledger on a remote aside; returns where it was and where it is.
    pub(super) fn set_copy_aside(&self) -> Result<(PathBuf, PathBuf), Fail> {
        let (_, folder) = self.copied()?;
        let kept = Ledger::set_aside(&folder)?;
        Ok((folder, kept))
    }

    /// Returns the remote of the ledger, and where its copy lies.
    fn copied(&self) -> Result<(String, PathBuf), Fail> {
        let folder = self.ledger_folder()?;
        let Some(LedgerWord::Git(name)) = self.named_ledger()? else {
            let text = format!("{} is the ledger itself, and no copy of one on a git remote", folder.display());
            return Err(Fail::usage(text).hint("--ledger git:REMOTE names one"));
        };
        if !folder.join("ledger.toml").exists() {
            return Err(Fail::usage(format!("there is no copy of git:{name} here: no {}", folder.display()))
                .hint("the first command that reads the ledger makes it"));
        }
        Ok((name, folder))
    }

    /// Returns where results wait whose ledger went away.
    pub(super) fn spool(&self) -> Result<Spool, Fail> {
        let named = std::env::var_os("EVIDENCE_SPOOL").filter(|value| !value.is_empty()).map(PathBuf::from);
        Ok(Spool::new(match named {
            Some(folder) => self.cwd.join(folder),
            None => self.repository()?.common_dir().join("evidence-spool"),
        }))
    }

    /// Opens the ledger that an own trust file names, where its remote or its folder has it. It may hold nothing yet.
    pub(super) fn ledger_made(&self, trust: &Trust) -> Result<Option<Ledger>, Fail> {
        let folder = self.ledger_folder()?;
        let Some(LedgerWord::Git(name)) = &self.named_ledger()? else { return Ok(None) };
        match Ledger::open_remote(&folder, self.remote(name, &folder, trust.clone())?) {
            Ok(ledger) => Ok(Some(ledger)),
            Err(StoreError::NoRemoteLedger { .. }) => Ok(None),
            Err(error @ StoreError::Foreign { .. }) => {
                Err(Fail::usage(format!("git:{name} is taken: {error}"))
                    .hint("--ref names another: refs/evidence/NAME"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes an empty ledger in its folder or on its remote.
    pub(super) fn new_ledger(&self, origin: &str, trust: &Trust) -> Result<Ledger, Fail> {
        let folder = self.ledger_folder()?;
        let Some(LedgerWord::Git(name)) = &self.named_ledger()? else { return Ok(Ledger::create(&folder, origin)?) };
        Ok(Ledger::create_remote(&folder, origin, self.remote(name, &folder, trust.clone())?)?)
    }

    fn remote(&self, name: &str, folder: &Path, trust: Trust) -> Result<Remote, Fail> {
        let place = self.remote_place(name, folder.join("mirror.git"))?;
        let objects = self.objects(&trust, place.silence);
        let mirror = Mirror::open(self.repository()?.git().clone(), place).map_err(StoreError::from)?;
        let check = move |note: &[u8]| open_head(note, &trust).map(drop).map_err(|error| error.to_string());
        let remote = Remote::new(mirror, folder, Box::new(check)).with_objects(objects);
        Ok(match turns_folder() {
            Some(turns) => remote.with_queue(turns),
            None => remote,
        })
    }

    /// Returns where a remote is, how it is reached, and the bare repository through which it is.
    fn remote_place(&self, name: &str, folder: PathBuf) -> Result<RemotePlace, Fail> {
        let silence = match std::env::var("EVIDENCE_REMOTE_SILENCE") {
            Err(_) => SILENCE,
            Ok(text) => match text.parse() {
                Ok(seconds) if seconds > 0 => Duration::from_secs(seconds),
                _ => return Err(Fail::usage(format!("EVIDENCE_REMOTE_SILENCE is {text}; wanted a number of seconds"))),
            },
        };
        let repository = self.repository()?;
        let (name, at) = at_of_remote(name)?;
        Ok(RemotePlace {
            remote: name.to_owned(),
            from: repository.top().to_owned(),
            folder,
            object_format: repository.object_format(),
            name: at.to_owned(),
            environment: std::env::vars_os().collect(),
            silence,
        })
    }

    /// Returns the way from this repository to the remote of a branch: that of the ledger if it has the branch, else `origin`. None if the
    /// ledger lies in a folder: then nothing is fetched or pushed unasked.
    pub(super) fn remote_of(&self, branch: &str) -> Result<Option<Mirror>, Fail> {
        let Some(LedgerWord::Git(name)) = self.named_ledger()? else { return Ok(None) };
        for name in [name.as_str(), "origin"] {
            let place = self.remote_place(name, self.repository()?.common_dir().to_owned())?;
            let mirror = Mirror::of_user(self.repository()?.git().clone(), place).map_err(StoreError::from)?;
            if mirror.has(branch).map_err(StoreError::from)? {
                return Ok(Some(mirror));
            }
        }
        Ok(None)
    }

    /// Returns the object stores that the policies of the ledger name, reached as the environment says.
    fn objects(&self, trust: &Trust, silence: Duration) -> Objects {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| CLOUDS.iter().any(|cloud| name.starts_with(cloud)));
        let trust = trust.clone();
        // What a store did is told beside every answer, also one for machines: it is on standard error.
        let tell = |text: &str| eprint(&format!("{text}\n"));
        Objects::new(Box::new(move |log| named_stores(log, &trust)), environment.collect(), silence, Box::new(tell))
    }

    /// Reads the trust file: the one named, else the one that `init` made for this repository, else that of the target branch.
    pub(super) fn trust(&self, target: Option<&str>) -> Result<Trust, Fail> {
        if let Some(path) = &self.trust {
            let text =
                fs::read_to_string(path).map_err(|error| Fail::io("the trust file cannot be read:", path, &error))?;
            self.refuse_judged(path, &text, target)?;
            return Ok(Trust::parse(&text)?);
        }
        let repository = self.repository()?;
        let path = repository_folder(repository)?.join("trust.toml");
        match fs::read_to_string(&path) {
            Ok(text) => return Ok(Trust::parse(&text)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Fail::io("the trust file cannot be read:", &path, &error)),
        }
        let text = self.trusted_blob(target)?.ok_or_else(|| {
            Fail::usage("there is no trust file: none is named, none lies in your config folder, and the target branch has none")
                .hint("evidence init makes one; --trust names one")
        })?;
        Ok(Trust::parse(&String::from_utf8_lossy(&text))?)
    }

    /// Reads a trust file that no commit can bring: the one named, else the one that `init` made for this repository. Where a
    /// commit has reached its branch, the branch is no witness for it any more.
    pub(super) fn trust_outside(&self) -> Result<Trust, Fail> {
        let inside = |path: &Path| {
            let repository = self.repository()?;
            Ok::<_, Fail>(lies_in(path, repository.top()) && !lies_in(path, repository.common_dir()))
        };
        let path = match &self.trust {
            Some(path) if inside(path)? => {
                let text = format!("the trust file {} lies in the work tree, which the merge made", path.display());
                return Err(Fail::usage(text).hint("name one from elsewhere: --trust FILE, or EVIDENCE_TRUST"));
            }
            Some(path) => path.clone(),
            None => self.remembered_trust()?.ok_or_else(|| {
                Fail::usage("no trust file is named, and none lies in your config folder: that of the branch does not count for its own merge")
                    .hint("--trust FILE, or EVIDENCE_TRUST, from outside of the work tree")
            })?,
        };
        let text =
            fs::read_to_string(&path).map_err(|error| Fail::io("the trust file cannot be read:", &path, &error))?;
        Ok(Trust::parse(&text)?)
    }

    /// Returns where `init` keeps the trust file of this repository, if that is the one in use.
    pub(super) fn remembered_trust(&self) -> Result<Option<PathBuf>, Fail> {
        if self.trust.is_some() {
            return Ok(None);
        }
        let path = repository_folder(self.repository()?)?.join("trust.toml");
        Ok(path.exists().then_some(path))
    }

    /// Reads the trust file of an auditor, who takes any that is given.
    pub(super) fn trust_of_auditor(&self) -> Result<Trust, Fail> {
        let Some(path) = &self.trust else {
            return self
                .trust(None)
                .map_err(|_| Fail::usage("there is no trust file to audit by").hint("--trust FILE"));
        };
        let text =
            fs::read_to_string(path).map_err(|error| Fail::io("the trust file cannot be read:", path, &error))?;
        Ok(Trust::parse(&text)?)
    }

    /// Returns the trust file as it is where the judged commit leaves the target branch.
    fn trusted_blob(&self, target: Option<&str>) -> Result<Option<Vec<u8>>, Fail> {
        let repository = self.repository()?;
        let head = self.written()?;
        let Some(target) = self.known_target(target)? else { return Ok(None) };
        let Some(base) = repository.merge_base(&head, &target.commit)? else { return Ok(None) };
        Ok(repository.blob_at(&base, TRUST_IN_REPOSITORY)?)
    }

    /// Refuses a trust file out of the judged tree, unless the target branch has the same.
    fn refuse_judged(&self, path: &Path, text: &str, target: Option<&str>) -> Result<(), Fail> {
        let Ok(repository) = self.repository() else { return Ok(()) };
        if !lies_in(path, repository.top()) || lies_in(path, repository.common_dir()) {
            return Ok(());
        }
        if self.trusted_blob(target)?.is_some_and(|blob| blob == text.as_bytes()) {
            return Ok(());
        }
        Err(Fail::usage(format!(
            "the trust file {} lies in the judged tree, and the target branch does not have the same",
            path.display()
        ))
        .hint("name one from elsewhere, or none: then that of the target branch counts"))
    }

    /// Returns the branch that the change is meant for: one that is known as such, else the only branch that there is.
    pub(super) fn target(&self, named: Option<&str>) -> Result<Option<Target>, Fail> {
        let found = self.known_target(named)?;
        if found.is_some() {
            return Ok(found);
        }
        let repository = self.repository()?;
        let head = repository.head()?;
        let only = repository.branches(2)?.len() == 1;
        Ok(head.branch.filter(|_| only).map(|name| Target { name, commit: head.commit }))
    }

    /// Returns the branch that is known to be the target: never just the one that is checked out, which is the judged one.
    fn known_target(&self, named: Option<&str>) -> Result<Option<Target>, Fail> {
        let named = match named.or(self.target.as_deref()) {
            Some("") => return Err(Fail::usage("--target is empty; wanted a branch")),
            Some(name) => Some(name.to_owned()),
            None => forge().target(),
        };
        let repository = self.repository()?;
        repository
            .target(named.as_deref())
            .map_err(|error| Fail::from(error).hint("git fetch origin BRANCH, or name another with --target"))
    }

    /// Returns the keys that are named: by flags, else by `EVIDENCE_KEY`, else none.
    pub(super) fn named_keys(&self) -> Result<Vec<Key>, Fail> {
        if let Some(keys) = self.opened.get() {
            return Ok(keys.clone());
        }
        let keys = match self.keys.as_slice() {
            [] => signing_key_of("EVIDENCE_KEY", &self.cwd)?.into_iter().collect(),
            named => named.iter().map(|word| signing_key(word, &self.cwd)).collect::<Result<Vec<_>, _>>()?,
        };
        // Nobody is asked for a passphrase twice.
        Ok(self.opened.get_or_init(|| keys).clone())
    }

    /// Returns the keys that sign: those named, else your own.
    pub(super) fn keys(&self) -> Result<Vec<Key>, Fail> {
        let named = self.named_keys()?;
        if !named.is_empty() {
            return Ok(named);
        }
        let path = config_folder()?.join("keys/default.pem");
        if !path.exists() {
            return Err(Fail::usage(format!("you have no key: there is no {}", path.display()))
                .hint("evidence key new, or --key FILE"));
        }
        let keys = vec![signing_key(&path, &self.cwd)?];
        let _ = self.opened.set(keys.clone());
        Ok(keys)
    }

    /// Returns the keys of the roots: those named, else the one that `init` made for this repository.
    pub(super) fn root_keys(&self) -> Result<Vec<Key>, Fail> {
        let named = self.named_keys()?;
        if !named.is_empty() {
            return Ok(named);
        }
        let path = repository_folder(self.repository()?)?.join("root.pem");
        if !path.exists() {
            return Err(Fail::usage(format!("no root key is named, and there is no {}", path.display()))
                .hint("--key FILE, repeatable: as many of the roots as act together"));
        }
        Ok(vec![signing_key(&path, &self.cwd)?])
    }

    /// Returns who appends: the ledger, its log key and the trust file.
    pub(super) fn appender(&self, trust: Trust) -> Result<Appender, Fail> {
        let ledger = self.ledger()?;
        let memory = self.memory(&ledger, &trust)?;
        let (log, _) = self.read_by(&memory, &ledger)?;
        let mut keys = log_keys(ledger.origin(), &self.cwd)?.into_iter();
        let first = keys.next().ok_or_else(|| Fail::usage("there is no log key"))?;
        let appender = Appender::new(ledger, first, trust, now).with_guard(self.guard).with_memory(memory);
        let appender = keys.fold(appender, Appender::with_log_key);
        appender.check_log_keys(&log)?;
        Ok(appender)
    }

    /// Finds the change: named, `EVIDENCE_CHANGE`, what a merge queue's commit brings, the trailer back to the merge base, the source branch.
    pub(super) fn change(
        &self,
        named: Option<&str>,
        head: &Head,
        target: Option<&Target>,
        trust: &Trust,
        log: Option<&Log>,
    ) -> Result<ChangeId, Fail> {
        let parse = |text: &str, from: &str| -> Result<ChangeId, Fail> {
            text.parse().map_err(|error| {
                Fail::usage(format!("{from}: {error}")).hint("an id is lower case, such as shop/abc-123")
            })
        };
        if let Some(text) = named {
            return parse(text, "the change");
        }
        match std::env::var("EVIDENCE_CHANGE") {
            Ok(text) => return parse(&text, "EVIDENCE_CHANGE"),
            Err(std::env::VarError::NotUnicode(_)) => return Err(Fail::usage("EVIDENCE_CHANGE is not UTF-8")),
            Err(std::env::VarError::NotPresent) => {}
        }
        if forge().in_queue() {
            return self.queued(head, trust, log);
        }
        let repository = self.repository()?;
        if let Some(target) = target.filter(|target| target.commit != head.commit)
            && let Some(base) = repository.merge_base(&head.commit, &target.commit)?
        {
            let facts = match repository.facts(&head.commit, &base) {
                // Nothing is read from there any more.
                Err(error @ GitError::Partial { .. }) => return Err(error.into()),
                found => found.ok(),
            };
            if let Some(plan) = facts.iter().flat_map(|facts| &facts.commits).flat_map(|commit| &commit.plans).next() {
                return Ok(plan.change.clone());
            }
        }
        let branch = forge().source_branch().or_else(|| {
            repository
                .head()
                .ok()
                .and_then(|head| head.branch)
                .map(|name| name.trim_start_matches("refs/heads/").to_owned())
        });
        let Some(branch) = branch else {
            return Err(Fail::usage("HEAD is detached, and no change is named").hint("--change ID, or EVIDENCE_CHANGE"));
        };
        let id = Id::slug(&format!("{}/{branch}", trust.repository));
        let id = id.ok_or_else(|| Fail::usage(format!("the branch {branch} makes no id")).hint("--change ID"))?;
        let closed = |id: &ChangeId| -> Result<bool, Fail> {
            let Some(log) = log else { return Ok(false) };
            Ok(log.merge_of(id)?.is_some())
        };
        let mut found = id.clone();
        let mut number = 2;
        while closed(&found)? {
            found = parse(&format!("{id}-{number}"), "the change")?;
            number += 1;
        }
        Ok(found)
    }

    /// Finds the one change that a merge queue's commit brings on top of its first parent: by trailer, by what is recorded about the
    /// other parents, by the number of the request that the queue's branch names, or by what is recorded about the commit itself. A squash
    /// has neither parents nor, often, a trailer. The queue's branch has a name that nobody planned, and makes no change of its own.
    fn queued(&self, head: &Head, trust: &Trust, log: Option<&Log>) -> Result<ChangeId, Fail> {
        let repository = self.repository()?;
        let parents = repository.commit(&head.commit)?.parents;
        let mut found = BTreeSet::new();
        if let Some(first) = parents.first() {
            let commits = repository.facts(&head.commit, first)?.commits;
            found.extend(commits.into_iter().flat_map(|commit| commit.plans).map(|plan| plan.change));
        }
        if let Some(log) = log.filter(|_| found.is_empty()) {
            let about_parents = parents.iter().skip(1).map(|parent| format!("commit:{parent}")).collect();
            let number = forge().queued_request().map(|number| format!("alias:{number}")).into_iter().collect();
            for labels in [about_parents, number, vec![format!("commit:{}", head.commit)]] {
                found = of_labels(log, &trust.repository, labels)?;
                if !found.is_empty() {
                    break;
                }
            }
        }
        let ids: Vec<&str> = found.iter().map(|change| change.as_str()).collect();
        let commit = head.commit.short();
        match (found.first(), found.len()) {
            (Some(change), 1) => Ok(change.clone()),
            (None, _) => Err(Fail::usage(format!("no change is known that the merge queue's commit {commit} brings"))
                .hint("plan it in its request's run, so that it has its number: evidence plan --alias NUMBER; or --change ID")),
            _ => Err(Fail::usage(format!(
                "the merge queue's commit {commit} brings several changes: {}",
                ids.join(", ")
            ))
            .hint("each is judged by itself: --change ID, or EVIDENCE_CHANGE")),
        }
    }

    /// Finds the changes as [`Context::change`] does: those that are named, each once, else the one that is found.
    pub(super) fn changes(
        &self,
        named: &[String],
        head: &Head,
        target: Option<&Target>,
        trust: &Trust,
        log: &Log,
    ) -> Result<Vec<ChangeId>, Fail> {
        let mut found = Vec::new();
        let words = named.iter().map(|name| Some(name.as_str()));
        for name in words.chain(named.is_empty().then_some(None)) {
            let change = self.change(name, head, target, trust, Some(log))?;
            if !found.contains(&change) {
                found.push(change);
            }
        }
        Ok(found)
    }

    /// Returns commit and tree of what is judged, and the target branch.
    pub(super) fn judged(&self, of: &ChangeArgs) -> Result<(Head, Option<Target>), Fail> {
        self.judged_at(&of.commit, of.target.as_deref())
    }

    /// Returns commit and tree of a revision, and the target branch.
    pub(super) fn judged_at(&self, revision: &str, target: Option<&str>) -> Result<(Head, Option<Target>), Fail> {
        if revision.is_empty() {
            return Err(Fail::usage("--commit is empty; wanted a revision such as HEAD"));
        }
        Ok((self.head(revision)?, self.target(target)?))
    }

    /// Returns commit and tree of a revision; of HEAD, where that is the forge's trial merge, those that people wrote.
    pub(super) fn head(&self, revision: &str) -> Result<Head, Fail> {
        let repository = self.repository()?;
        let commit = if revision == "HEAD" { self.written()? } else { repository.resolve_commit(revision)? };
        let tree = repository.tree_of(&commit)?;
        Ok(Head { commit, tree })
    }

    fn written(&self) -> Result<Oid, Fail> {
        let repository = self.repository()?;
        let head = repository.head()?.commit;
        let parents = repository.commit(&head)?.parents;
        Ok(forge().tried(&head, &parents, |name| repository.resolve_commit(name).ok()).unwrap_or(head))
    }

    /// Returns whether the history is cut.
    pub(super) fn is_shallow(&self) -> Result<bool, Fail> {
        Ok(self.repository()?.history() == History::Shallow)
    }

    /// Says something to people, unless the answer is for machines.
    pub(super) fn say(&self, text: &str) {
        if !self.json {
            eprint(&format!("{text}\n"));
        }
    }
}

/// Returns the remote and the ref that are named after `git:`.
fn at_of_remote(name: &str) -> Result<(&str, &str), Fail> {
    match name.rsplit_once('#') {
        Some((remote, at)) if at.starts_with("refs/") && !remote.is_empty() => Ok((remote, at)),
        Some(_) => Err(Fail::usage(format!("git:{name} names no ref; wanted git:REMOTE or git:REMOTE#refs/.."))),
        None => Ok((name, LEDGER_REF)),
    }
}

/// Returns the changes of a repository that have records under any of these labels: the open ones, or if there are none the others.
fn of_labels(log: &Log, repository: &Id, labels: Vec<String>) -> Result<BTreeSet<ChangeId>, Fail> {
    let mut found = BTreeSet::new();
    for label in labels {
        for serial in log.newest(&MapText::label(&label), usize::MAX)?.0 {
            let change = statement(log, serial)?.and_then(|statement| statement.binding.change);
            found.extend(change.filter(|change| is_of(change, repository)));
        }
    }
    let mut open = BTreeSet::new();
    for change in &found {
        if log.merge_of(change)?.is_none() {
            open.insert(change.clone());
        }
    }
    Ok(if open.is_empty() { found } else { open })
}

/// Returns whether a path lies in a folder; where that cannot be told, it does.
fn lies_in(path: &Path, folder: &Path) -> bool {
    let (Ok(path), Ok(folder)) = (path.canonicalize(), folder.canonicalize()) else { return true };
    path.starts_with(folder)
}

/// Reads which object stores the policies name that are or were in force.
fn named_stores(log: &Log, trust: &Trust) -> Result<NamedStores, StoreError> {
    let rights = Rights::read(log, trust, []).map_err(|error| match error {
        AppendError::Store(error) => error,
        error => StoreError::Unreadable { what: "where materials lie".to_owned(), text: error.to_string() },
    })?;
    let authority = rights.authority(trust, now());
    let newest = authority.policy_at(u64::MAX).and_then(|(_, policy)| policy.materials());
    let mut all = Vec::new();
    for rule in authority.materials() {
        if !all.contains(&rule.store) {
            all.push(rule.store.clone());
        }
    }
    Ok(NamedStores { newest: newest.map(|rule| (rule.store.clone(), rule.inline_max)), all })
}

/// Returns the time of the machine's clock.
pub(super) fn now() -> Time {
    Time(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// Returns the folder in which this user's clones on this machine take turns: one for all homes, in the folder for temporary files; where
/// that is not this user's alone, one in the config folder.
fn turns_folder() -> Option<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let folder = std::env::temp_dir().join(format!("evidence-turns-{user}"));
    // It may be there already.
    let _ = fs::DirBuilder::new().mode(0o700).create(&folder);
    let is_own = |found: &fs::Metadata| found.is_dir() && found.uid() == user && found.mode() & OTHERS_WRITE == 0;
    match fs::symlink_metadata(&folder) {
        Ok(found) if is_own(&found) => Some(folder),
        _ => config_folder().ok().map(|config| config.join("turns")),
    }
}

const OTHERS_WRITE: u32 = 0o022;

/// Returns the user's config folder.
pub(super) fn config_folder() -> Result<PathBuf, Fail> {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = of("XDG_CONFIG_HOME").or_else(|| of("HOME").map(|home| home.join(".config")));
    base.map(|base| base.join("evidence")).ok_or_else(|| {
        Fail::usage("neither XDG_CONFIG_HOME nor HOME is set").hint("set one, or name --key and --trust")
    })
}

/// Returns where the user's memory of a repository lies: one for all its work trees.
pub(super) fn repository_folder(repository: &Repository) -> Result<PathBuf, Fail> {
    let common = repository.common_dir().canonicalize().unwrap_or_else(|_| repository.common_dir().to_owned());
    let name = repository.top().file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let name = Id::slug(&name.replace('/', "-")).map_or_else(|| "repository".to_owned(), String::from);
    let hash = sha256(common.to_string_lossy().as_bytes()).to_string();
    Ok(config_folder()?.join("repositories").join(format!("{name}-{}", &hash[..12])))
}

/// Returns where the log key of a ledger lies.
pub(super) fn log_key_path(origin: &str) -> Result<PathBuf, Fail> {
    Ok(config_folder()?.join("ledgers").join(origin.replace('/', "_")).join("log.pem"))
}

fn path_of(flag: Option<&PathBuf>, variable: &str, name: &str) -> Result<Option<PathBuf>, Fail> {
    let (path, from) = match flag {
        Some(path) => (Some(path.clone()), name),
        None => (std::env::var_os(variable).map(PathBuf::from), variable),
    };
    if path.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
        return Err(
            Fail::usage(format!("{from} is empty; wanted a path")).hint(format!("unset it or fill it in: {from}"))
        );
    }
    Ok(path)
}

/// The git setting of a clone that names its ledger.
const LEDGER_SETTING: &str = "evidence.ledger";
/// The ref of a remote under which a ledger lives.
const LEDGER_REF: &str = "refs/evidence/ledger";
/// So long a remote may say nothing, unless somebody says otherwise.
const SILENCE: Duration = Duration::from_secs(30);
/// What variables begin with that say how clouds are reached.
const CLOUDS: [&str; 3] = ["AWS_", "GOOGLE_", "AZURE_"];
/// Where a repository keeps its trust file.
pub(super) const TRUST_IN_REPOSITORY: &str = ".evidence/trust.toml";
/// Where a repository keeps its policy.
pub(super) const POLICY_IN_REPOSITORY: &str = ".evidence/policy.toml";
