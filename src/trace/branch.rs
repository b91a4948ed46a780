//! The audit of a branch: each of its commits, and the merge by which it was let in.
//!
//! The commits are those of the first-parent line: what a merge commit brings from its other side is judged with that merge,
//! and what no verdict speaks about there refuses it. Each merge is judged again as of its record; that a verdict was
//! recorded is never an input. A commit is covered by the merges that name it; else by one whose judged commits it is among;
//! else by one of an equal tree.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::merging::{At, Judged, MergeError, Merging, Recorded};
use crate::crypto::sha256;
use crate::git::kept_commit;
use crate::model::{ChangeId, Decision, Digest, Oid, Predicate, Time};
use crate::prove::{Change, Complete, Logged};
use crate::verify::{Code, Finding};

/// What the commits of a branch came to; its JSON is `schemas/branch-audit.schema.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BranchAudit {
    /// `evidence-branch-audit/v1`.
    pub format: &'static str,
    /// The ledger.
    pub origin: String,
    /// Its size.
    pub size: u64,
    /// The branch's full name.
    pub branch: String,
    /// The commit below the range; absent where the range goes back to the branch's first commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Oid>,
    /// The newest commit of the range.
    pub to: Oid,
    /// Whether every commit is accepted.
    pub accepted: bool,
    /// The commits, the newest first.
    pub commits: Vec<CommitAudit>,
}

/// A commit of the branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitAudit {
    /// The commit.
    pub commit: Oid,
    /// Its tree.
    pub tree: Oid,
    /// What it came to.
    pub state: CommitState,
    /// How the merge covers it; absent without evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covered: Option<Cover>,
    /// The serial of the merge that covers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<u64>,
    /// When that was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// The serials of its verdicts, in the order of the changes; none if it is unverified.
    pub verdicts: Vec<u64>,
    /// The changes that it closes.
    pub changes: Vec<ChangeId>,
    /// Why it is refused or not judged, for people.
    pub why: Vec<String>,
}

/// The state of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommitState {
    /// Its merge is recorded, and its changes were fit then.
    Accepted,
    /// Its merge could not be judged.
    Unjudged,
    /// Its merge is recorded as unverified.
    Unverified,
    /// Its merge is recorded, and its changes were not fit, or nobody who may recorded it.
    Refused,
    /// No merge covers it.
    WithoutEvidence,
}

/// How a merge covers a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cover {
    /// It names it.
    Named,
    /// The commit is among those that were judged for it, or is the rewritten twin of one.
    Inside,
    /// It names a commit of the same tree.
    EqualTree,
}

/// What a merge came to.
struct Outcome {
    state: CommitState,
    verdicts: Vec<u64>,
    covers: BTreeSet<Oid>,
    why: Vec<String>,
}

/// Audits the commits of a branch on its first-parent line, from `to` down to `from`, which is left out.
///
/// Without `from` they go down to the commit of the oldest recorded merge that is on the line, which counts as one of them.
///
/// # Errors
/// See [`MergeError`]. What one merge lacks in this clone is none: its commits are unjudged.
pub fn audit_branch(merging: &Merging<'_>, from: Option<&Oid>, to: &Oid) -> Result<BranchAudit, MergeError> {
    let (given, (line, from)) = (from, line(merging, from, to)?);
    let mut outcomes: BTreeMap<u64, Outcome> = BTreeMap::new();
    let above = above(merging, to)?;
    for merge in &merging.branch.merges {
        let is_there = |(commit, tree): &(Oid, Oid)| *commit == merge.reached.commit || *tree == merge.reached.tree;
        if above == Some(merge.serial) || line.iter().any(is_there) {
            outcomes.insert(merge.serial, outcome(merging, merge)?);
        }
    }
    // From below: whoever goes back behind an accepted merge is not covered by the one before it.
    let mut newest = match given {
        Some(from) => newest_below(merging, &mut outcomes, from, &line)?,
        None => None,
    };
    let mut commits: Vec<CommitAudit> = Vec::with_capacity(line.len());
    for (commit, tree) in line.into_iter().rev() {
        newest = newest.max(newest_of(merging, &outcomes, &commit));
        commits.push(one(merging, &outcomes, newest, commit, tree));
    }
    commits.reverse();
    Ok(BranchAudit {
        format: "evidence-branch-audit/v1",
        origin: merging.branch.origin.clone(),
        size: merging.branch.size,
        branch: merging.branch.name.clone(),
        from,
        to: to.clone(),
        accepted: commits.iter().all(|commit| commit.state == CommitState::Accepted),
        commits,
    })
}

/// The commits of a line with their trees, the newest first, and the commit below them.
type Line = (Vec<(Oid, Oid)>, Option<Oid>);

fn line(merging: &Merging<'_>, from: Option<&Oid>, to: &Oid) -> Result<Line, MergeError> {
    let mut named: BTreeSet<&Oid> = merging.branch.merges.iter().map(|merge| &merge.reached.commit).collect();
    let mut line = Vec::new();
    let mut below = Some(to.clone());
    // Where the line and what lies below it end, if nobody says.
    let mut oldest = None;
    while let Some(oid) = below.clone().filter(|oid| Some(oid) != from) {
        let commit = merging.repository.commit(&oid)?;
        below = commit.parents.into_iter().next();
        let is_named = named.remove(&oid);
        line.push((oid, commit.tree));
        if is_named {
            oldest = Some((line.len(), below.clone()));
        }
        if from.is_none() && named.is_empty() {
            break;
        }
    }
    match (from, oldest) {
        (Some(from), _) if below.is_none() || line.is_empty() => {
            let (from, to) = (from.clone(), to.clone());
            Err(MergeError::Range { from, to, branch: merging.branch.name.clone() })
        }
        (Some(_), _) => Ok((line, below)),
        (None, Some((length, below))) => {
            line.truncate(length);
            Ok((line, below))
        }
        (None, None) => Err(MergeError::NoMerge(merging.branch.name.clone())),
    }
}

/// Returns the oldest merge that came above a commit which no merge names: the commit may be inside of it.
fn above(merging: &Merging<'_>, to: &Oid) -> Result<Option<u64>, MergeError> {
    let mut found = None;
    for merge in merging.branch.merges.iter().rev() {
        let commit = &merge.reached.commit;
        if commit == to {
            return Ok(None);
        }
        if !merging.is_here(commit)? {
            continue;
        }
        if !merging.repository.is_ancestor(to, commit)? {
            break;
        }
        found = Some(merge.serial);
    }
    Ok(found)
}

/// Returns the newest accepted merge that names a commit.
fn newest_of(merging: &Merging<'_>, outcomes: &BTreeMap<u64, Outcome>, commit: &Oid) -> Option<u64> {
    let accepted = |merge: &&Recorded| {
        merge.reached.commit == *commit
            && outcomes.get(&merge.serial).is_some_and(|outcome| outcome.state == CommitState::Accepted)
    };
    merging.branch.merges.iter().filter(accepted).map(|merge| merge.serial).max()
}

/// Returns the newest accepted merge at or below a commit, where some commit of the line above it may go back behind it.
fn newest_below(
    merging: &Merging<'_>,
    outcomes: &mut BTreeMap<u64, Outcome>,
    from: &Oid,
    line: &[(Oid, Oid)],
) -> Result<Option<u64>, MergeError> {
    let merges = &merging.branch.merges;
    let named = |commit: &Oid| merges.iter().any(|merge| merge.reached.commit == *commit);
    if !line.iter().any(|(commit, tree)| !named(commit) && merges.iter().any(|merge| merge.reached.tree == *tree)) {
        return Ok(None);
    }
    for merge in merges.iter().rev() {
        let commit = &merge.reached.commit;
        if !merging.is_here(commit)? || !merging.repository.is_ancestor(commit, from)? {
            continue;
        }
        let outcome = match outcomes.remove(&merge.serial) {
            Some(known) => known,
            None => outcome(merging, merge)?,
        };
        let accepted = outcome.state == CommitState::Accepted;
        outcomes.insert(merge.serial, outcome);
        if accepted {
            return Ok(Some(merge.serial));
        }
    }
    Ok(None)
}

/// Tells what a commit came to: by the worst of the merges that name it, else by one that it is inside of, else by one of an
/// equal tree, unless it lies above a newer accepted merge of another tree, whose work it would throw away.
fn one(
    merging: &Merging<'_>,
    outcomes: &BTreeMap<u64, Outcome>,
    newest: Option<u64>,
    commit: Oid,
    tree: Oid,
) -> CommitAudit {
    let mut covering: Option<(Cover, &Recorded, &Outcome)> = None;
    let behind = merging.branch.merges.iter().find(|merge| Some(merge.serial) == newest && merge.reached.tree != tree);
    let goes_back = |merge: &Recorded| behind.is_some_and(|newer| merge.serial < newer.serial);
    for merge in &merging.branch.merges {
        let Some(outcome) = outcomes.get(&merge.serial) else { continue };
        let how = match &merge.reached {
            reached if reached.commit == commit => Cover::Named,
            _ if outcome.covers.contains(&commit) => Cover::Inside,
            reached if reached.tree == tree && merge.entitled && !goes_back(merge) => Cover::EqualTree,
            _ => continue,
        };
        let better = match &covering {
            None => true,
            Some((other, ..)) if *other != how => how < *other,
            // Authority is needed to help, never to hurt; of others' merges the best may be taken.
            Some((.., known)) if how == Cover::Named => outcome.state > known.state,
            Some((.., known)) => outcome.state < known.state,
        };
        if better {
            covering = Some((how, merge, outcome));
        }
    }
    match covering {
        None => CommitAudit {
            commit,
            tree,
            state: CommitState::WithoutEvidence,
            covered: None,
            merge: None,
            time: None,
            verdicts: Vec::new(),
            changes: Vec::new(),
            why: Vec::new(),
        },
        Some((how, merge, outcome)) => CommitAudit {
            commit,
            tree,
            state: outcome.state,
            covered: Some(how),
            merge: Some(merge.serial),
            time: Some(merge.time),
            verdicts: outcome.verdicts.clone(),
            changes: merge.changes.clone(),
            why: outcome.why.clone(),
        },
    }
}

/// A recorded merge, judged again.
pub enum Again {
    /// It was.
    Judged {
        /// The verdicts that were recorded with it.
        verdicts: Vec<u64>,
        /// What each of its changes comes to.
        judged: Vec<Judged>,
    },
    /// It cannot be, or there is nothing that could.
    Not {
        /// What that makes of its commits.
        state: CommitState,
        /// Why.
        why: String,
    },
}

/// Judges a recorded merge again, as of its record.
///
/// # Errors
/// See [`MergeError`].
pub fn judged_again(merging: &Merging<'_>, merge: &Recorded) -> Result<Again, MergeError> {
    let end = |state, why: String| Ok(Again::Not { state, why });
    if !merge.entitled {
        return end(CommitState::Refused, "nobody who may merge recorded it".to_owned());
    }
    let Some(leaf) = &merge.verdict else {
        return end(CommitState::Unverified, "it was recorded without a verdict".to_owned());
    };
    match merging.repository.commit(&merge.reached.commit) {
        Ok(commit) if commit.tree == merge.reached.tree => {}
        Ok(commit) => {
            let text = format!("the record names the tree {}; the commit has {}", merge.reached.tree, commit.tree);
            return end(CommitState::Refused, text);
        }
        Err(error) => return end(CommitState::Unjudged, error.to_string()),
    }
    let mut verdicts: Vec<u64> = Vec::new();
    let mut judged = Vec::new();
    for change in &merge.changes {
        let subject = Change { id: change.clone(), tree: merge.reached.tree.clone() };
        let complete = Complete::check(merging.log, merging.trust, subject)?.before(merge.serial);
        let is_it = |record: &&Logged| match verdicts.last() {
            None => record.leaf() == leaf,
            Some(last) => record.serial() == last + 1,
        };
        let found = complete.of_change().find(is_it).filter(|record| accepts(record, merge));
        let Some((record, head)) = found.and_then(|record| Some((record, record.statement().commit()?))) else {
            return end(CommitState::Refused, format!("no verdict is recorded that accepts {change} on its tree"));
        };
        if !merging.is_here(head)? {
            (merging.bring)(head);
        }
        if !merging.is_here(head)? {
            let error = MergeError::NotHere { head: head.clone(), change: change.clone() };
            return end(CommitState::Unjudged, format!("{error}: git fetch origin {}", kept_commit(head)));
        }
        verdicts.push(record.serial());
        judged.push((change.clone(), head.clone()));
    }
    let at = At::Recorded { serial: merge.serial, time: merge.time };
    let judged = match merging.judge(&merge.reached, &judged, at) {
        Ok(judged) if judged.is_empty() => return end(CommitState::Refused, "it names no change".to_owned()),
        Ok(judged) => judged,
        Err(MergeError::Git(error)) => return end(CommitState::Unjudged, error.to_string()),
        Err(error) => return Err(error),
    };
    Ok(Again::Judged { verdicts, judged })
}

fn outcome(merging: &Merging<'_>, merge: &Recorded) -> Result<Outcome, MergeError> {
    let (verdicts, judged) = match judged_again(merging, merge)? {
        Again::Judged { verdicts, judged } => (verdicts, judged),
        Again::Not { state, why } => {
            let covers = BTreeSet::from([merge.reached.commit.clone()]);
            return Ok(Outcome { state, verdicts: Vec::new(), covers, why: vec![why] });
        }
    };
    let at = At::Recorded { serial: merge.serial, time: merge.time };
    let mut why = Vec::new();
    let mut accepted = judged.iter().all(Judged::accepted);
    let wanted = merging.baseline_after(&judged, at)?.map(|text| sha256(text.as_bytes()));
    if accepted && wanted != merge.baseline {
        accepted = false;
        let shown = |digest: Option<Digest>| digest.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
        let found = format!("it is {}", shown(merge.baseline));
        let thing = format!("the baseline that record {} left", merge.serial);
        why.push(Finding::new(Code::WRONG_BASELINE, thing, found, shown(wanted)).sentence());
    }
    let told = |judged: &Judged| {
        let change = judged.verdict().change.clone();
        let findings = judged.verdict().findings.clone();
        findings.into_iter().map(move |finding: Finding| format!("{change}: {}", finding.sentence()))
    };
    Ok(Outcome {
        state: if accepted { CommitState::Accepted } else { CommitState::Refused },
        verdicts,
        why: why.into_iter().chain(judged.iter().flat_map(told)).collect(),
        covers: judged.into_iter().flat_map(|judged| judged.covers).collect(),
    })
}

fn accepts(record: &Logged, merge: &Recorded) -> bool {
    matches!(&record.statement().predicate, Predicate::Verdict(verdict) if verdict.decision == Decision::Accepted)
        && record.statement().tree() == Some(&merge.reached.tree)
}
