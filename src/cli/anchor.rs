//! `evidence ledger anchor`: the newest head into a git ref and into the note of a commit, where others fetch it.

use serde_json::json;

use super::args::AnchorArgs;
use super::context::Context;
use super::fail::Fail;
use super::remember::{anchor_refs, anchored};
use super::{print, print_json};
use crate::crypto::sha256;
use crate::git::{Kept, Repository};
use crate::merkle::{Checkpoint, SignedCheckpoint};
use crate::model::{MapEntry, Oid, Time};
use crate::prove::{Held, ProveError, Source as _, Trust, open_head_of};
use crate::store::{Ledger, Log, Memory, StoreError};

pub(super) fn run(context: &Context, args: &AnchorArgs) -> Result<u8, Fail> {
    let ledger = context.ledger()?;
    let trust = context.trust(None)?;
    let repository = context.repository()?;
    let commit = context.head(&args.commit)?.commit;
    let name = match &args.reference {
        Some(name) => name.clone(),
        None => anchor_refs()?.pop().unwrap_or_default(),
    };
    let (log, _) = context.read_by(&context.memory_but(&ledger, &trust, Some(&name))?, &ledger)?;
    let Some(note) = log.checkpoint()? else {
        return Err(Fail::usage("the ledger is empty: there is no head to anchor").hint("evidence init makes one"));
    };
    let head = open_head_of(ledger.origin(), &note, &trust)?;
    let time = MapEntry::parse(&log.last_entry()?).map_err(|error| Fail::usage(error.to_string()))?.time;
    let (kept, grown) = anchor(repository, &name, &log, &trust, &head, time)?;
    let noted = note_on(repository, &commit, &log, &trust, &head, time)?;
    show(context, repository, head.checkpoint(), &Done { name: &name, kept, grown, commit, noted })?;
    Ok(0)
}

/// Holds a log against the notes of all commits that have one.
pub(super) fn hold_notes(
    repository: &Repository,
    ledger: &Ledger,
    log: &Log,
    trust: &Trust,
) -> Result<Vec<Held>, Fail> {
    let mut memory = Memory::new(trust.clone());
    for (commit, note) in repository.notes(NOTES)? {
        let by = format!("the note of {}", commit.short());
        // A note may be of the log before this one.
        if Checkpoint::parse_note(&note).is_ok_and(|head| head.origin != ledger.origin()) {
            continue;
        }
        let head = open_head_of(ledger.origin(), &note, trust).map_err(|error| foreign(&commit, &error))?;
        memory = memory.with(by, head);
    }
    Ok(memory.hold(ledger.origin(), log)?)
}

/// Moves the ref on, unless it keeps this head already; somebody else's larger one stays.
fn anchor(
    repository: &Repository,
    name: &str,
    log: &Log,
    trust: &Trust,
    head: &SignedCheckpoint,
    time: Time,
) -> Result<(Oid, bool), Fail> {
    let Checkpoint { origin, size, .. } = head.checkpoint();
    let mut tries = 0;
    loop {
        let before = anchored(repository, name, origin, trust)?;
        let kept = before.as_ref().map(|(kept, _)| kept);
        if let Some((kept, Some(older))) = &before {
            hold(name, older, log, trust)?;
            if older.checkpoint().size >= *size {
                return Ok((kept.commit().clone(), false));
            }
        }
        let message = format!("{origin} has {size} entries\n");
        match repository.keep(name, kept, (sha256(origin.as_bytes()), head.note()), &message, time) {
            // Another one was faster.
            Err(_) if tries < TRIES && repository.kept(name)?.as_ref().map(Kept::commit) != kept.map(Kept::commit) => {
                tries += 1;
            }
            kept => return Ok((kept?, true)),
        }
    }
}

/// Puts the head on a commit, unless as large a one is there; returns whether it did.
fn note_on(
    repository: &Repository,
    commit: &Oid,
    log: &Log,
    trust: &Trust,
    head: &SignedCheckpoint,
    time: Time,
) -> Result<bool, Fail> {
    let Checkpoint { origin, size, .. } = head.checkpoint();
    if let Some(note) = repository.note(NOTES, commit)? {
        let of_before = Checkpoint::parse_note(&note).is_ok_and(|older| older.origin != *origin);
        if !of_before {
            let older = open_head_of(origin, &note, trust).map_err(|error| foreign(commit, &error))?;
            hold(&format!("the note of {}", commit.short()), &older, log, trust)?;
            if older.checkpoint().size >= *size {
                return Ok(false);
            }
        }
    }
    repository.put_note(NOTES, commit, head.note(), time)?;
    Ok(true)
}

fn hold(by: &str, older: &SignedCheckpoint, log: &Log, trust: &Trust) -> Result<(), StoreError> {
    let memory = Memory::new(trust.clone()).with(by.to_owned(), older.clone());
    memory.hold(&older.checkpoint().origin, log).map(drop)
}

fn foreign(commit: &Oid, error: &ProveError) -> Fail {
    Fail::usage(format!("the note of {} in {NOTES} is no head of this ledger: {error}", commit.short()))
        .hint(format!("git notes --ref {NOTES} show {commit}; git notes --ref {NOTES} remove {commit}"))
}

/// Says what is remembered now, and how others get it.
fn show(context: &Context, repository: &Repository, head: &Checkpoint, done: &Done<'_>) -> Result<(), Fail> {
    let Checkpoint { origin, size, root } = head;
    let Done { name, kept, grown, commit, noted } = done;
    let remote = if repository.config("remote.origin.url")?.is_some() { "origin" } else { "REMOTE" };
    let push = ["git", "push", remote, *name, NOTES];
    if context.json {
        print_json(&json!({"origin": origin, "size": size, "root": root, "ref": name, "commit": kept, "grown": grown,
            "note": {"ref": NOTES, "commit": commit, "written": noted}, "next": [push]}));
        return Ok(());
    }
    let state = if *grown { "now remembers" } else { "remembers" };
    print(&format!("{name} {state} {origin} at {size} entries\n"));
    if *noted {
        print(&format!("the note of {} in {NOTES} holds the head\n", commit.short()));
    }
    context.say(&format!("hint: {}", push.join(" ")));
    Ok(())
}

/// What was done.
struct Done<'a> {
    name: &'a str,
    kept: Oid,
    grown: bool,
    commit: Oid,
    noted: bool,
}

/// The notes that hold heads.
const NOTES: &str = "refs/notes/evidence";
/// Whoever loses this many races in a row is told so.
const TRIES: u32 = 20;
