//! The way back: a copy that saw more than its remote has gives it back.
//!
//! What the remote has must be the beginning of what the copy has, both under heads that are believed. Then the copy's newest tree is
//! pushed as one commit on top of the remote's, with the value that the ref is expected to have: nothing is forced, and whoever
//! reads it finds the same batches under the same names.

use std::sync::Arc;

use super::blobs::Blobs;
use super::remote::Remote;
use super::{RemoteAlarm, StoreError};
use crate::crypto::Envelope;
use crate::git::Addition;
use crate::model::{Digest, MapEntry, Oid, Statement, Time};
use crate::store::Log;

/// What a remote was given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// How many entries it had before.
    pub before: u64,
    /// How many it has now.
    pub size: u64,
    /// The commit that gives them back; none if it lacked nothing.
    pub commit: Option<Oid>,
    /// Materials of what was given back that are neither here nor there.
    pub missing: Vec<Digest>,
}

impl Remote {
    /// Gives back what the remote lacks of a copy's log. The caller holds the lock.
    pub(super) fn restore(self: &Arc<Self>, log: &Log, origin: &str, blobs: &Blobs) -> Result<Restored, StoreError> {
        let size = log.size();
        let ours = log.checkpoint()?.ok_or_else(|| StoreError::unreadable("the copy", &"it holds no records"))?;
        if (self.check)(&ours).is_err() {
            return Err(self.alarm(RemoteAlarm::Copy, "is not given back", Some(&ours), None));
        }
        let seen = self.fetch()?;
        let before = seen.as_ref().map_or(0, |seen| seen.checkpoint.size);
        if let Some(seen) = &seen {
            if seen.checkpoint.origin != origin {
                return Err(self.foreign(format!("it is of {}, and the copy of {origin}", seen.checkpoint.origin)));
            }
            if before > size {
                return Ok(Restored { before, size: before, commit: None, missing: Vec::new() });
            }
            if !log.begins_with(&seen.checkpoint)? {
                let text =
                    format!("is no beginning of the {size} entries here: it was forked, and nothing is given back");
                return Err(self.alarm(RemoteAlarm::Forked, &text, Some(&ours), Some(&seen.note)));
            }
            if before == size {
                return Ok(Restored { before, size, commit: None, missing: Vec::new() });
            }
        }
        let (named, time) = lost(log, before)?;
        let missing = self.fetch_each(&named, blobs);
        let here: Vec<Digest> = named.iter().copied().filter(|digest| !missing.contains(digest)).collect();
        let addition = Addition {
            message: format!("restored from {before} to {size} entries\n"),
            time,
            files: Vec::new(),
            kept: self.place(&here, blobs)?,
            tree_of: Some(self.newest_tree(&ours)?),
        };
        let on = seen.map(|seen| seen.commit);
        let commit = self.mirror.commit(on.as_ref(), &addition)?;
        self.mirror.push(on.as_ref(), &commit)?;
        self.keep_head(&commit)?;
        self.doubt();
        Ok(Restored { before, size, commit: Some(commit), missing })
    }

    /// Returns the commit here that holds the copy's newest state.
    fn newest_tree(&self, ours: &[u8]) -> Result<Oid, StoreError> {
        let is_it =
            |commit: &Oid| Ok::<_, StoreError>(self.mirror.read(commit, "checkpoint")?.as_deref() == Some(ours));
        match self.kept_head() {
            Some(commit) if is_it(&commit)? => Ok(commit),
            _ => Err(StoreError::unreadable(
                "the newest commit of the copy",
                &"it was cut off while it was brought up to date; wanted another copy that saw as much",
            )),
        }
    }

    /// Fetches materials that are not here as far as the remote still has them; returns those that are nowhere.
    fn fetch_each(&self, named: &[Digest], blobs: &Blobs) -> Vec<Digest> {
        let is_here = |digest: &Digest| blobs.path(digest).exists();
        if blobs.fetch(named).is_err() {
            // One that is gone there hides the others.
            for digest in named.iter().filter(|digest| !is_here(digest)) {
                let _ = blobs.fetch(std::slice::from_ref(digest));
            }
        }
        named.iter().copied().filter(|digest| !is_here(digest)).collect()
    }
}

/// Returns the materials that the records from a place on name, and the time of the newest entry.
fn lost(log: &Log, from: u64) -> Result<(Vec<Digest>, Time), StoreError> {
    let mut named = Vec::new();
    let mut time = Time(0);
    for place in from..log.size() {
        match log.record(place)? {
            Some(record) => {
                let unreadable = |error: &dyn std::fmt::Display| StoreError::unreadable("a record", error);
                let envelope = Envelope::parse(&record.envelope).map_err(|error| unreadable(&error))?;
                let statement = Statement::parse(&envelope.payload).map_err(|error| unreadable(&error))?;
                named.extend(statement.materials());
            }
            None => {
                let entry = log.map_entry(place)?.unwrap_or_default();
                time = MapEntry::parse(&entry).map_or(time, |entry| entry.time);
            }
        }
    }
    named.sort_unstable();
    named.dedup();
    Ok((named, time))
}
