//! `evidence ledger close --next`: the ledger that goes on from a closed one, in its folder's place or under another ref of its git remote.
//!
//! Its first batch names the closed one and holds the policy in force and the grants that hold: others see all of it or nothing.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::context::{Context, log_key_path, now, repository_folder};
use super::fail::Fail;
use super::key::all_rights;
use super::keys::{Key, lent, log_keys_in, new_log_key};
use super::succession::{HEADER, followed, remember, replace};
use super::{init, print};
use crate::append::Appender;
use crate::attest::Signer;
use crate::crypto::{NoteKey, SecretKey, sha256};
use crate::merkle::Checkpoint;
use crate::model::Grant;
use crate::prove::{Trust, TrustedLedger};
use crate::store::{Ledger, make_folder};
use crate::verify::Authority;

/// Where it is to be.
pub(super) enum Place {
    /// In the place of the closed one, which goes beside it.
    Folder,
    /// Under another ref of the remote: what finds it there.
    Remote(Box<Context>),
}

/// The ledger that goes on.
pub(super) struct Next {
    origin: String,
    /// Where the closed one lies from now on; on a remote it stays.
    closed: Option<PathBuf>,
    /// What names the new one, and where its log key lies: on a remote.
    ledger: Option<(String, PathBuf)>,
    trust: Trust,
}

impl Next {
    pub(super) fn to_json(&self) -> Value {
        let ledger = self.ledger.as_ref();
        json!({"origin": self.origin, "closed": self.closed, "ledger": ledger.map(|(word, _)| word),
            "logKey": ledger.map(|(_, key)| key), "trust": format!("{HEADER}{}", self.trust.print())})
    }

    pub(super) fn show(&self, context: &Context) -> Result<(), Fail> {
        print(&format!("{} goes on from it\n", self.origin));
        if let Some(kept) = &self.closed {
            context.say(&format!("the closed one lies in {}", kept.display()));
        }
        if let Some((word, key)) = &self.ledger {
            context.say(&format!(
                "it lives at {word}, which this clone uses from now on (git config evidence.ledger)\nhint: everywhere else EVIDENCE_LEDGER={word}; the CI needs {} as EVIDENCE_LOG_KEY",
                key.display()
            ));
        }
        if context.remembered_trust()?.is_some() {
            context.say("hint: evidence ledger trust -o .evidence/trust.toml, and commit it");
        }
        Ok(())
    }
}

/// Finds where the next ledger is to be, before anything is closed: on a remote its ref must be free, unless this is what an
/// interrupted attempt of ours put there.
pub(super) fn place(context: &Context, closed: &Appender, reference: Option<&str>) -> Result<Place, Fail> {
    let Some(next) = context.next_on_remote(reference)? else {
        return match reference {
            Some(_) => Err(Fail::usage("--ref is for a ledger on a git remote, and this one lies in a folder")),
            None => Ok(Place::Folder),
        };
    };
    let planned = planned(context, closed.ledger().origin())?;
    let trust = planned.as_ref().unwrap_or_else(|| closed.trust());
    if let Some(found) = next.ledger_made(trust)?.filter(|found| found.read().is_ok_and(|log| log.size() > 0))
        && planned.as_ref().map(origin_of).transpose()? != Some(found.origin())
    {
        let word = next.ledger_word().unwrap_or_default();
        return Err(Fail::usage(format!("{word} is taken: {} is there", found.origin())).hint(
            "EVIDENCE_LEDGER names that one, if it goes on from this; else --ref names another: refs/evidence/NAME",
        ));
    }
    Ok(Place::Remote(Box::new(next)))
}

/// Makes the ledger that goes on.
pub(super) fn go_on(
    context: &Context,
    closed: &Appender,
    place: &Place,
    roots: &[Key],
    head: &Checkpoint,
) -> Result<Next, Fail> {
    let before = followed(context)?;
    let log = closed.ledger().read()?;
    let rights = all_rights(&log, &before)?;
    let authority = rights.authority(&before, now());
    let beginning = Beginning::of(closed, &authority)?;
    let kept = beside(closed.ledger().folder(), &format!("-{}", &sha256(head.origin.as_bytes()).to_string()[..8]));
    let keep_trust = || if authority.roots().len() > 1 { keep(context, &before, &kept) } else { Ok(()) };
    match place {
        Place::Folder => {
            let next = beside(closed.ledger().folder(), ".next");
            remove(&next)?;
            let (trust, log_key) = fresh_trust(&before, &authority)?;
            let origin = origin_of(&trust)?.to_owned();
            beginning.write(Ledger::create(&next, &origin)?, log_key, &trust, roots, head)?;
            keep_trust()?;
            remember(context, &trust)?;
            Ledger::succeed(closed.ledger().folder(), &next, &kept)?;
            Ok(Next { origin, closed: Some(kept), ledger: None, trust })
        }
        Place::Remote(next) => {
            let (trust, log_key) = match planned(context, &head.origin)? {
                Some(trust) => {
                    let key = own_log_key(origin_of(&trust)?)?;
                    (trust, key)
                }
                None => {
                    let (trust, key) = fresh_trust(&before, &authority)?;
                    // Whoever is interrupted from here on goes on with the same ledger.
                    keep_plan(&plan_path(context)?, &trust)?;
                    (trust, key)
                }
            };
            let origin = origin_of(&trust)?.to_owned();
            let ledger = match next.ledger_made(&trust)? {
                Some(ledger) if ledger.origin() == origin => ledger,
                _ => {
                    // A copy of nothing, that another attempt left.
                    remove(&next.ledger_folder()?)?;
                    next.new_ledger(&origin, &trust)?
                }
            };
            if ledger.read()?.size() == 0 {
                beginning.write(ledger, log_key, &trust, roots, head)?;
            }
            keep_trust()?;
            remember(context, &trust)?;
            next.remember_ledger()?;
            remove_file(&plan_path(context)?)?;
            let word = next.ledger_word().unwrap_or_default();
            let path = log_key_path(&origin)?;
            Ok(Next { origin, closed: None, ledger: Some((word, path)), trust })
        }
    }
}

/// What the new log begins with, but for the record that names the closed one.
struct Beginning {
    policy: Option<String>,
    grants: Vec<Grant>,
}

impl Beginning {
    fn of(closed: &Appender, authority: &Authority<'_>) -> Result<Self, Fail> {
        let mut policy = None;
        if let Some((digest, _)) = authority.policy_at(u64::MAX) {
            let opened = closed.ledger().blobs().open(digest)?;
            let mut file = opened.ok_or_else(|| Fail::usage(format!("the policy {digest} in force is not there")))?;
            let mut text = String::new();
            file.read_to_string(&mut text).map_err(|error| Fail::usage(format!("the policy {digest}: {error}")))?;
            policy = Some(text);
        }
        let holds = authority.grants().iter().filter(|known| !known.is_filing() && authority.holds_now(known));
        Ok(Self { policy, grants: holds.map(|known| known.grant.clone()).collect() })
    }

    fn write(
        &self,
        ledger: Ledger,
        log_key: SecretKey,
        trust: &Trust,
        roots: &[Key],
        head: &Checkpoint,
    ) -> Result<(), Fail> {
        let appender = Appender::new(ledger, log_key, trust.clone(), now);
        let signer = Signer { appender: &appender, keys: lent(roots) };
        signer.go_on(head, self.policy.as_deref(), self.grants.clone())?;
        Ok(())
    }
}

/// Makes an origin and a log key, and returns the trust file that names them after what was trusted before.
fn fresh_trust(before: &Trust, authority: &Authority<'_>) -> Result<(Trust, SecretKey), Fail> {
    let newest = authority.roots_at(u64::MAX);
    let origin = init::fresh_origin()?;
    let log_key = new_log_key(&log_key_path(&origin)?)?;
    let vkey = NoteKey::new(&origin, log_key.public()).map_err(|error| Fail::usage(error.to_string()))?;
    let roots = newest.keys.values().cloned().collect();
    let mut trust = Trust { roots, threshold: newest.threshold, ..before.clone() };
    trust.ledgers.push(TrustedLedger { origin, vkey, from_size: 0, to_size: None });
    Ok((trust, log_key))
}

/// Reads the trust file of an attempt that did not come to its end: it goes on from this origin, and the log key is here.
fn planned(context: &Context, closed: &str) -> Result<Option<Trust>, Fail> {
    let path = plan_path(context)?;
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| Fail::io("cannot read", &path, &error))?,
    };
    let trust = Trust::parse(&text)?;
    let goes_on = trust.ledgers.iter().rev().nth(1).is_some_and(|ledger| ledger.origin == closed);
    Ok(if goes_on && log_key_path(origin_of(&trust)?)?.exists() { Some(trust) } else { None })
}

fn plan_path(context: &Context) -> Result<PathBuf, Fail> {
    Ok(repository_folder(context.repository()?)?.join("trust.next.toml"))
}

fn keep_plan(path: &Path, trust: &Trust) -> Result<(), Fail> {
    let folder = path.parent().unwrap_or(path);
    make_folder(folder).map_err(|error| Fail::io("cannot create", folder, &error))?;
    replace(path, &format!("{HEADER}{}", trust.print()))
}

/// Returns the origin of the ledger that goes on: the last.
fn origin_of(trust: &Trust) -> Result<&str, Fail> {
    let last = trust.ledgers.last().ok_or_else(|| Fail::usage("the trust file names no ledger"))?;
    Ok(&last.origin)
}

fn own_log_key(origin: &str) -> Result<SecretKey, Fail> {
    let path = log_key_path(origin)?;
    let first = log_keys_in(&path)?.into_iter().next();
    first.ok_or_else(|| Fail::usage(format!("{} holds no key", path.display())))
}

/// Keeps the trust file of a closed log whose roots changed: the new one names the roots of the new log's beginning.
fn keep(context: &Context, trust: &Trust, closed: &Path) -> Result<(), Fail> {
    let name = closed.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let Some(remembered) = context.remembered_trust()? else { return Ok(()) };
    let path = remembered.with_file_name(format!("trust-of-{name}.toml"));
    replace(&path, &format!("{HEADER}{}", trust.print()))?;
    context.say(&format!("hint: bundles of the closed log are audited by --trust {}", path.display()));
    Ok(())
}

fn beside(folder: &Path, suffix: &str) -> PathBuf {
    let name = folder.file_name().map_or_else(|| "evidence".into(), |name| name.to_string_lossy());
    folder.with_file_name(format!("{name}{suffix}"))
}

/// Removes what an interrupted attempt left: it is in no trust file, and nobody has ever believed it.
fn remove(folder: &Path) -> Result<(), Fail> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Fail::io("cannot remove", folder, &error)),
        _ => Ok(()),
    }
}

fn remove_file(path: &Path) -> Result<(), Fail> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Fail::io("cannot remove", path, &error)),
        _ => Ok(()),
    }
}
