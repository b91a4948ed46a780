//! `evidence policy test`: the newest changes judged again, as if another policy had been in force.
//!
//! Each is judged by the records up to its last result, review or verdict, and at that time, once by the policy that judged it
//! and once by the other: what flips, flips by the policy alone.

use std::collections::BTreeSet;

use crate::export::layings;
use crate::git::{GitError, Repository};
use crate::model::{ChangeId, Decision, Entry, Oid, Time};
use crate::policy::{Moment, Policy};
use crate::prove::{Change, Complete, ProveError, Trust};
use crate::rego::Evaluator;
use crate::store::{Log, Lookup, LookupKey, StoreError};
use crate::verify::{
    Clock, Code, Judgement, Policies, PolicyReadError, RecheckError, Supposed, asks_changed_lines, plan_base,
    read_branch, read_names,
};

/// A change and what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The change.
    pub change: ChangeId,
    /// The commit that was judged; `None` if nothing of the change is about one.
    pub commit: Option<Oid>,
    /// What it came to.
    pub outcome: TriedOutcome,
}

/// What judging a change twice came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriedOutcome {
    /// Both were judged.
    Judged {
        /// By the policy that judged it.
        was: Decision,
        /// By the other.
        would_be: Decision,
        /// Why the other refuses, each code once, most telling first.
        codes: Vec<Code>,
    },
    /// It cannot be judged.
    Unjudged {
        /// Why.
        text: String,
    },
}

/// Why nothing can be tried.
#[derive(Debug, thiserror::Error)]
pub enum TryError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger contradicts itself, or lists what is not there.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// A policy of the ledger.
    #[error(transparent)]
    Policy(#[from] PolicyReadError),
    /// A report.
    #[error(transparent)]
    Recheck(#[from] RecheckError),
    /// The repository.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl Tried {
    /// Returns whether the other policy decides otherwise.
    #[must_use]
    pub fn flips(&self) -> bool {
        matches!(&self.outcome, TriedOutcome::Judged { was, would_be, .. } if was != would_be)
    }
}

/// Judges the changes that were planned last, newest first, at most so many, as if `policy` had been in force.
///
/// # Errors
/// See [`TryError`]. A change whose commits are not there, or that has no result yet, is told as such.
pub fn try_policy(
    log: &Log,
    trust: &Trust,
    repository: &Repository,
    policy: &Policy,
    changes_max: usize,
    evaluator: &Evaluator,
) -> Result<Vec<Tried>, TryError> {
    let changes = newest_changes(log, changes_max)?.into_iter();
    changes.map(|change| one(log, trust, repository, policy, change, evaluator)).collect()
}

/// Returns the changes that were planned last, newest first.
fn newest_changes(log: &Log, changes_max: usize) -> Result<Vec<ChangeId>, TryError> {
    let mut asked = changes_max;
    loop {
        let serials = Lookup::find(log, &LookupKey::Kind("plan".to_owned()), asked)?;
        let mut seen = BTreeSet::new();
        let mut changes = Vec::new();
        for serial in &serials {
            let Some(entry) = entry(log, *serial)? else { continue };
            let change = entry.chain.strip_prefix("change:").and_then(|change| change.parse::<ChangeId>().ok());
            changes.extend(change.filter(|change| seen.insert(change.clone())));
        }
        if changes.len() >= changes_max || serials.len() < asked {
            changes.truncate(changes_max);
            return Ok(changes);
        }
        // A change that is planned again takes several records.
        asked = asked.saturating_mul(4);
    }
}

fn one(
    log: &Log,
    trust: &Trust,
    repository: &Repository,
    policy: &Policy,
    change: ChangeId,
    evaluator: &Evaluator,
) -> Result<Tried, TryError> {
    let unjudged = |change: ChangeId, commit: Option<Oid>, text: String| {
        Ok(Tried { change, commit, outcome: TriedOutcome::Unjudged { text } })
    };
    let Some((last, now)) = last_of(log, &change)? else {
        return unjudged(change, None, "it has no result yet".to_owned());
    };
    let Some((commit, tree)) = about(log, last)? else {
        return unjudged(change, None, format!("record {last} is about no commit"));
    };
    let subject = Change { id: change.clone(), tree };
    let whole = Complete::check(log, trust, subject)?;
    let policies = Policies::read(&whole, log)?;
    let supposed = Supposed::of(&policies, policy);
    let clock = Clock::AsOf(now);
    let complete = whole.clone().before(last + 1);
    let base = plan_base(&complete, &policies, trust, clock).unwrap_or_else(|| commit.clone());
    let mut git = match repository.facts(&commit, &base) {
        Ok(git) => git,
        Err(error) => return unjudged(change, Some(commit), told(&error)),
    };
    let whole = read_names(whole, log, trust, &policies, &git)?;
    let whole = supposed.read_names(whole, log, trust, &git)?;
    let first_parent = &mut |commit: &Oid| repository.first_parent(commit).map_err(TryError::from);
    let whole = read_branch(whole, log, trust, &policies, &mut git, Some(last + 1), first_parent)?;
    let complete = supposed.read_branch(whole, log, trust, &mut git, Some(last + 1), first_parent)?.before(last + 1);
    let mut rechecked = supposed.recheck(&complete, &policies, log)?;
    rechecked.read_baselines(&complete, trust, &git, log)?;
    if asks_changed_lines(&complete, &policies, &git) || supposed.asks_changed_lines(&complete, &git) {
        git.changed = match repository.changed_lines(&commit, &base, &layings(&complete)) {
            Ok(changed) => Some(changed),
            Err(error) => return unjudged(change, Some(commit), told(&error)),
        };
    }
    let judgement = || Judgement {
        complete: &complete,
        trust,
        policies: &policies,
        rechecked: &rechecked,
        git: &git,
        clock,
        moment: Moment::Merge,
        found_before: Vec::new(),
        admitted: Vec::new(),
    };
    let judged = evaluator.judge(&judgement()).and_then(|was| {
        let verdict = evaluator.suppose(&supposed, &judgement())?;
        Ok((was.verdict().decision, verdict))
    });
    let (was, verdict) = match judged {
        Ok(judged) => judged,
        Err(error) => return unjudged(change, Some(commit), error.to_string()),
    };
    let mut codes: Vec<Code> = Vec::new();
    for finding in &verdict.findings {
        if !codes.contains(&finding.code) {
            codes.push(finding.code);
        }
    }
    Ok(Tried { change, commit: Some(commit), outcome: TriedOutcome::Judged { was, would_be: verdict.decision, codes } })
}

/// Returns the last result, review or verdict of a change, and its time.
fn last_of(log: &Log, change: &ChangeId) -> Result<Option<(u64, Time)>, TryError> {
    let (serials, _) = log.newest(&crate::merkle::MapText::chain(&format!("change:{change}")), usize::MAX)?;
    for serial in serials.iter().rev() {
        let shows = |entry: &Entry| matches!(entry.kind.as_str(), "result" | "verdict" | "review-plain");
        if let Some(entry) = entry(log, *serial)?.filter(shows) {
            return Ok(Some((*serial, entry.time)));
        }
    }
    Ok(None)
}

fn entry(log: &Log, serial: u64) -> Result<Option<Entry>, TryError> {
    let Some(record) = log.record(serial)? else { return Ok(None) };
    Ok(Some(Entry::parse(&record.entry).map_err(|error| unreadable(serial, &error))?))
}

/// Returns the commit and the tree that a record is about.
fn about(log: &Log, serial: u64) -> Result<Option<(Oid, Oid)>, TryError> {
    let Some(record) = log.record(serial)? else { return Ok(None) };
    let envelope = crate::crypto::Envelope::parse(&record.envelope).map_err(|error| unreadable(serial, &error))?;
    let statement = crate::model::Statement::parse(&envelope.payload).map_err(|error| unreadable(serial, &error))?;
    Ok(statement.commit().cloned().zip(statement.tree().cloned()))
}

fn unreadable(serial: u64, error: &dyn std::fmt::Display) -> TryError {
    ProveError::Unreadable(format!("record {serial}: {error}")).into()
}

fn told(error: &GitError) -> String {
    match error.hint() {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}
