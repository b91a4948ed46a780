//! The changes that are open: planned, and closed by no merge.
//!
//! They come from the store's look-ups, which prove nothing: for lists that people read, and no input of a verdict.

use crate::crypto::Envelope;
use crate::merkle::MapText;
use crate::model::{ChangeId, Entry, Oid, Plan, Predicate, Statement, Time};
use crate::store::{Log, Lookup, LookupKey, StoreError};

/// The first plan of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The change.
    pub change: ChangeId,
    /// The plan's record.
    pub serial: u64,
    /// When it was planned.
    pub time: Time,
    /// The plan.
    pub plan: Plan,
}

/// Returns the places of the first plans of all open changes, newest first.
///
/// Costs what is new in the log since it was asked last, and a look at each open change.
///
/// # Errors
/// If the log cannot be read.
pub fn open_changes(log: &Log) -> Result<Vec<u64>, StoreError> {
    Lookup::find(log, &LookupKey::Open, usize::MAX)
}

/// Returns the first plan of a change; `None` if nobody planned it.
///
/// # Errors
/// If the log cannot be read.
pub fn planned(log: &Log, change: &ChangeId) -> Result<Option<Planned>, StoreError> {
    let (places, _) = log.newest(&MapText::chain(&format!("change:{change}")), usize::MAX)?;
    match places.first() {
        Some(place) => planned_at(log, *place),
        None => Ok(None),
    }
}

/// Returns the plan at a place of the log; `None` if something else stands there.
///
/// # Errors
/// If the log cannot be read.
pub fn planned_at(log: &Log, serial: u64) -> Result<Option<Planned>, StoreError> {
    let Some((entry, statement)) = read(log, serial)? else { return Ok(None) };
    Ok(match (statement.predicate, statement.binding.change) {
        (Predicate::Plan(plan), Some(change)) => Some(Planned { change, serial, time: entry.time, plan }),
        _ => None,
    })
}

/// Returns all plans of a change with their places, oldest first, whoever signed them.
///
/// # Errors
/// If the log cannot be read.
pub fn plans(log: &Log, change: &ChangeId) -> Result<Vec<(u64, Plan)>, StoreError> {
    let mut found = Vec::new();
    for (serial, statement) in records(log, change)? {
        if let Predicate::Plan(plan) = statement.predicate {
            found.push((serial, plan));
        }
    }
    Ok(found)
}

/// Returns the records of a change with their places, oldest first.
///
/// # Errors
/// If the log cannot be read.
pub fn records(log: &Log, change: &ChangeId) -> Result<Vec<(u64, Statement)>, StoreError> {
    let (places, _) = log.newest(&MapText::chain(&format!("change:{change}")), usize::MAX)?;
    let mut found = Vec::new();
    for place in places {
        found.extend(read(log, place)?.map(|(_, statement)| (place, statement)));
    }
    Ok(found)
}

/// Returns the commit that a change was last shown something about; where nothing was yet, the one that it starts from.
///
/// # Errors
/// If the log cannot be read.
pub fn newest_commit(log: &Log, change: &ChangeId) -> Result<Option<Oid>, StoreError> {
    let chain = MapText::chain(&format!("change:{change}"));
    let mut asked = FIRST_LOOK;
    loop {
        let (places, count) = log.newest(&chain, asked)?;
        let mut base = None;
        for place in places.iter().rev() {
            let Some(record) = log.record(*place)? else { continue };
            let entry = parse_entry(*place, &record.entry)?;
            let commit = entry.labels.iter().find_map(|label| label.strip_prefix("commit:")?.parse().ok());
            if commit.is_some() {
                return Ok(commit);
            }
            if base.is_none() && entry.kind == "plan" {
                base = read(log, *place)?.and_then(|(_, statement)| statement.commit().cloned());
            }
        }
        if u64::try_from(places.len()).is_ok_and(|seen| seen >= count) {
            return Ok(base);
        }
        asked = usize::MAX;
    }
}

/// Returns the change that has another id, such as a pull request's number: the one planned last under it.
///
/// # Errors
/// If the log cannot be read.
pub fn aliased(log: &Log, alias: &ChangeId) -> Result<Option<ChangeId>, StoreError> {
    let (places, _) = log.newest(&MapText::label(&format!("alias:{alias}")), 1)?;
    let Some(place) = places.last() else { return Ok(None) };
    Ok(read(log, *place)?.and_then(|(_, statement)| statement.binding.change))
}

fn read(log: &Log, serial: u64) -> Result<Option<(Entry, Statement)>, StoreError> {
    let Some(record) = log.record(serial)? else { return Ok(None) };
    let unreadable = |error: &dyn std::fmt::Display| wrong(serial, error);
    let envelope = Envelope::parse(&record.envelope).map_err(|error| unreadable(&error))?;
    let statement = Statement::parse(&envelope.payload).map_err(|error| unreadable(&error))?;
    Ok(Some((parse_entry(serial, &record.entry)?, statement)))
}

fn parse_entry(serial: u64, entry: &[u8]) -> Result<Entry, StoreError> {
    Entry::parse(entry).map_err(|error| wrong(serial, &error))
}

fn wrong(serial: u64, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unreadable { what: format!("record {serial}"), text: error.to_string() }
}

/// The newest records of a change nearly always tell.
const FIRST_LOOK: usize = 16;
