//! What one push brought to a branch: each merge on its first-parent line is recorded, from below.
//!
//! A change is recorded with the newest commit of the push that is known to merge it, since it ends in one merge: a branch whose commits
//! reach the target one by one ends in its last one. What no change is known for must lie inside of a merge that is recorded.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::context::Context;
use super::fail::Fail;
use super::forges::forge;
use super::merge::{Desk, Ended, Place, already, found, recorded};
use super::print_json;
use crate::model::{ChangeId, Oid};
use crate::trace::{Branch, CommitState, Merging, Reached, audit_branch};

/// Returns the commits that reached the branch with the place, the oldest first: that one alone where nobody says where the push began.
pub(super) fn line(desk: &Desk<'_>, place: &Place) -> Result<Vec<Reached>, Fail> {
    let alone = || vec![place.reached.clone()];
    let context = desk.context;
    let from_ci = forge().pushed_from().filter(|_| place.is_pushed && desk.args.commit.is_none());
    match (&desk.args.since, from_ci) {
        (Some(revision), _) => {
            let since = context.repository()?.resolve_commit(revision)?;
            down_to(context, place, &since)?.ok_or_else(|| {
                let text = format!("{revision} is not below {} on its first-parent line", place.reached.commit.short());
                Fail::usage(text).hint("git log --first-parent shows that line")
            })
        }
        (None, Some(revision)) => {
            let found = match context.repository()?.resolve_commit(&revision) {
                Ok(since) => down_to(context, place, &since)?,
                Err(_) => None,
            };
            if found.is_none() {
                context.say(&format!(
                    "note: the branch did not go on from {revision}: only its newest commit is recorded"
                ));
            }
            Ok(found.unwrap_or_else(alone))
        }
        (None, None) => Ok(alone()),
    }
}

/// Returns the first-parent line down to a commit, which is left out; `None` if it is not on the line.
fn down_to(context: &Context, place: &Place, since: &Oid) -> Result<Option<Vec<Reached>>, Fail> {
    let repository = context.repository()?;
    let mut line = Vec::new();
    let mut next = Some(place.reached.commit.clone());
    while let Some(commit) = next.filter(|commit| commit != since) {
        if line.len() == COMMITS_MAX {
            return Err(Fail::usage(format!("the push brought more than {COMMITS_MAX} commits"))
                .hint("record each merge by itself: evidence record merge --commit REV"));
        }
        let read = repository.commit(&commit)?;
        line.push(Reached { commit, tree: read.tree });
        let Some(parent) = read.parents.into_iter().next() else { return Ok(None) };
        next = Some(parent);
    }
    line.reverse();
    Ok(Some(line).filter(|line| !line.is_empty()))
}

/// Records what a push merged, and says what of it no merge covers.
pub(super) fn record(desk: &Desk<'_>, branch: &str, line: &[Reached]) -> Result<u8, Fail> {
    let context = desk.context;
    let place = |reached: &Reached| Place { branch: branch.to_owned(), reached: reached.clone(), is_pushed: true };
    let mut told: Vec<Value> = Vec::new();
    let mut exit = 0;
    let mut end = |ended: Ended| {
        exit = exit.max(ended.exit);
        told.push(ended.json);
    };
    let changes = assign(desk, branch, line, &mut end)?;
    for (index, changes) in &changes {
        let place = place(&line[*index]);
        match desk.record(&place, Some(changes)) {
            Ok(ended) => end(ended),
            Err(fail) if fail.exit == 3 => return Err(fail),
            // Another merge of the push may still be recorded.
            Err(fail) => end(failed(context, &place, &fail)),
        }
    }
    for reached in uncovered(desk, branch, line)? {
        let place = place(&reached);
        if desk.args.unverified {
            end(desk.record(&place, Some(&BTreeSet::new()))?);
            continue;
        }
        let commit = reached.commit.short();
        end(failed(context, &place, &Fail::usage(format!("no merge that is recorded covers commit {commit}"))));
    }
    if context.json {
        print_json(&json!({"branch": branch, "commits": told}));
    }
    Ok(exit)
}

fn failed(context: &Context, place: &Place, fail: &Fail) -> Ended {
    if !context.json {
        fail.print(false, fail.exit);
    }
    let commit = &place.reached.commit;
    Ended {
        exit: fail.exit,
        json: json!({"recorded": false, "branch": place.branch, "commit": commit, "error": fail.text}),
    }
}

/// Finds the changes that are yet to be recorded, by the place of their commit on the line; says which commits are recorded already.
fn assign(
    desk: &Desk<'_>,
    branch: &str,
    line: &[Reached],
    end: &mut impl FnMut(Ended),
) -> Result<BTreeMap<usize, BTreeSet<ChangeId>>, Fail> {
    let Desk { context, args, trust, signer, .. } = desk;
    let log = signer.appender.ledger().read()?;
    if log.size() == 0 {
        return Err(Fail::usage("the ledger is empty").hint("--ledger names another"));
    }
    let known = Branch::read(&log, trust, branch)?;
    let mut newest: BTreeMap<ChangeId, usize> = BTreeMap::new();
    for (index, reached) in line.iter().enumerate() {
        if let Some(merge) = recorded(&known, reached, &[]) {
            let place = Place { branch: branch.to_owned(), reached: reached.clone(), is_pushed: true };
            end(already(context, args, &place, merge));
            continue;
        }
        let changes = match found(context, &log, &trust.repository, reached)? {
            Ok(changes) => changes,
            Err(fail) => {
                context.say(&format!("note: {}: {}", reached.commit.short(), fail.text));
                continue;
            }
        };
        for change in changes {
            if log.merge_of(&change)?.is_none() {
                newest.insert(change, index);
            }
        }
    }
    let mut by_commit: BTreeMap<usize, BTreeSet<ChangeId>> = BTreeMap::new();
    for (change, index) in newest {
        by_commit.entry(index).or_default().insert(change);
    }
    Ok(by_commit)
}

/// Returns the commits of the line that no merge names and none covers.
fn uncovered(desk: &Desk<'_>, branch: &str, line: &[Reached]) -> Result<Vec<Reached>, Fail> {
    let Desk { context, trust, signer, .. } = desk;
    let (Some(first), Some(last)) = (line.first(), line.last()) else { return Ok(Vec::new()) };
    let log = signer.appender.ledger().read()?;
    let known = Branch::read(&log, trust, branch)?;
    let repository = context.repository()?;
    let below = repository.first_parent(&first.commit)?;
    if line.iter().all(|reached| recorded(&known, reached, &[]).is_some()) {
        return Ok(Vec::new());
    }
    let evaluator = context.evaluator();
    let merging = Merging { log: &log, trust, repository, evaluator: &evaluator, branch: &known, bring: &|_| () };
    let audit = audit_branch(&merging, below.as_ref(), &last.commit)?;
    let is_open = |commit: &Oid| {
        let found = audit.commits.iter().find(|audited| audited.commit == *commit);
        found.is_none_or(|audited| audited.state == CommitState::WithoutEvidence)
    };
    Ok(line.iter().filter(|reached| is_open(&reached.commit)).cloned().collect())
}

/// More commits than these of one push are not walked.
const COMMITS_MAX: usize = 1000;
