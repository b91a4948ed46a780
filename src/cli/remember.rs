//! What is remembered of the ledger outside of it, and every opening of the ledger held against that.
//!
//! `seen/` in the user's config folder keeps the largest head that this user saw of each ledger; a git ref keeps one that others
//! fetch ([`super::anchor`] writes it). Whoever judges, signs or answers opens the ledger here. `log` and `show` do not: they look at
//! what is there, also after an alarm, and believe nothing.

use std::collections::BTreeSet;

use super::context::{Context, config_folder};
use super::fail::{FOLLOW, Fail};
use crate::crypto::sha256;
use crate::git::{GitError, Kept, Repository};
use crate::merkle::SignedCheckpoint;
use crate::prove::{Held, ProveError, Trust, open_head_of};
use crate::store::{Ledger, Log, Memory, StoreError};

impl Context {
    /// Opens the ledger and reads it.
    pub(super) fn log(&self, trust: &Trust) -> Result<Log, Fail> {
        Ok(self.read(&self.ledger()?, trust)?.0)
    }

    /// Reads a ledger, holds it against what is remembered, and remembers it.
    pub(super) fn read(&self, ledger: &Ledger, trust: &Trust) -> Result<(Log, Vec<Held>), Fail> {
        self.read_by(&self.memory(ledger, trust)?, ledger)
    }

    /// Reads a ledger as [`Context::read`] does, by a memory that is at hand.
    pub(super) fn read_by(&self, memory: &Memory, ledger: &Ledger) -> Result<(Log, Vec<Held>), Fail> {
        let mut log = ledger.read()?;
        let mut looks = 0;
        let held = loop {
            match memory.hold(ledger.origin(), &log) {
                // Another copy on this machine may have told of more since this one looked at the remote, and again since then: what is
                // remembered is there, so each look shows more.
                Err(error @ StoreError::Contradiction { .. })
                    if ledger.remote().is_some() && ledger.behind().is_none() =>
                {
                    let size = log.size();
                    ledger.look_again()?;
                    log = ledger.read()?;
                    looks += 1;
                    if log.size() == size || looks == LOOKS_MAX {
                        return Err(error.into());
                    }
                }
                // A copy that is known to be behind may lack what others saw.
                Err(StoreError::Contradiction { text, .. }) if let Some(why) = ledger.behind() => {
                    return Err(Fail::usage(format!("{why}; and the copy cannot be relied on: {text}")));
                }
                held => break held?,
            }
        };
        if let Some(note) = log.checkpoint()? {
            match memory.keep(&note) {
                Err(error @ StoreError::Io { .. }) if !self.told.replace(true) => {
                    self.say(&format!("note: this head is not remembered here: {error}"));
                }
                Err(StoreError::Io { .. }) | Ok(()) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok((log, held))
    }

    /// Returns what is remembered of a ledger.
    pub(super) fn memory(&self, ledger: &Ledger, trust: &Trust) -> Result<Memory, Fail> {
        self.memory_but(ledger, trust, None)
    }

    /// Returns what is remembered of a ledger; one ref, which is about to be written, need not remember it yet.
    pub(super) fn memory_but(&self, ledger: &Ledger, trust: &Trust, written: Option<&str>) -> Result<Memory, Fail> {
        let mut memory = Memory::new(trust.clone());
        // Who has no home has no memory.
        if let Ok(folder) = config_folder() {
            memory = memory.in_folder(folder.join(SEEN));
        }
        // What the ledger's folder says of its origin is not what decides which heads count.
        let origins: BTreeSet<&str> = trust.ledgers.iter().map(|ledger| ledger.origin.as_str()).collect();
        for name in anchor_refs()? {
            let Some(repository) = self.repository_if_any()? else { continue };
            let mut is_held = name == ANCHOR || written == Some(name.as_str());
            for origin in &origins {
                if let Some((_, Some(head))) = anchored(repository, &name, origin, trust)? {
                    is_held |= *origin == ledger.origin();
                    memory = memory.with(name.clone(), head);
                }
            }
            if !is_held {
                let text = format!("EVIDENCE_ANCHOR names {name}, which has no head of {}", ledger.origin());
                return Err(Fail::usage(text).hint(format!(
                    "git fetch origin {name}:{name}; evidence ledger anchor makes it where there is none yet"
                )));
            }
        }
        Ok(memory)
    }

    /// Returns the repository around the current folder, where there is one.
    pub(super) fn repository_if_any(&self) -> Result<Option<&Repository>, Fail> {
        match self.try_repository() {
            Ok(repository) => Ok(Some(repository)),
            Err(GitError::NoGit | GitError::NotARepository { .. } | GitError::NoWorkTree { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads what a ref keeps of a ledger: its state, and the head that a key of the trust file signed.
pub(super) fn anchored(
    repository: &Repository,
    name: &str,
    origin: &str,
    trust: &Trust,
) -> Result<Option<(Kept, Option<SignedCheckpoint>)>, Fail> {
    let unfit = |text: String| Fail::usage(text).hint(taken_away(name));
    let kept = repository.kept(name).map_err(|error| match error {
        error @ (GitError::NotKept { .. } | GitError::Facts(_)) => unfit(error.to_string()),
        error => error.into(),
    })?;
    let Some(kept) = kept else { return Ok(None) };
    let Some(note) = repository.kept_file(&kept, &sha256(origin.as_bytes()))? else { return Ok(Some((kept, None))) };
    let head = open_head_of(origin, &note, trust).map_err(|error| {
        let text = format!("what {name} remembers cannot be believed: {error}");
        match error {
            ProveError::UnsignedHead { .. } | ProveError::Foreign { .. } => {
                Fail::usage(text).hint(format!("{}; {FOLLOW}", taken_away(name)))
            }
            _ => unfit(text),
        }
    })?;
    Ok(Some((kept, Some(head))))
}

fn taken_away(name: &str) -> String {
    format!("git log {name} shows who wrote it; git update-ref -d {name} takes it away")
}

/// Returns the refs that are asked: the usual one, and the one that is named.
pub(super) fn anchor_refs() -> Result<Vec<String>, Fail> {
    let mut names = vec![ANCHOR.to_owned()];
    match std::env::var("EVIDENCE_ANCHOR") {
        Ok(name) if name.is_empty() => {
            return Err(
                Fail::usage("EVIDENCE_ANCHOR is empty; wanted the full name of a ref").hint("unset it or fill it in")
            );
        }
        Ok(name) if name != ANCHOR => names.push(name),
        Ok(_) | Err(std::env::VarError::NotPresent) => {}
        Err(std::env::VarError::NotUnicode(_)) => return Err(Fail::usage("EVIDENCE_ANCHOR is not UTF-8")),
    }
    Ok(names)
}

/// The ref that keeps the newest head.
pub(super) const ANCHOR: &str = "refs/evidence/anchor";
/// Nobody is faster so often.
const LOOKS_MAX: u32 = 16;
/// Where in the config folder the largest heads lie.
const SEEN: &str = "seen";
