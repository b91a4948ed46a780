//! What the target branch protects where a change starts: which recorded merge's baseline counts (design, section 5).
//!
//! It is the newest merge with a baseline among the commits of the change itself (what was merged into it since), else on the
//! first-parent line of its base, the base included. The line is read from
//! git's objects, the merges from the branch's chain: from the newest down to the one that is used. Nobody who takes something away
//! gets a lower baseline: without the merge that is used, or the commits that lead to it, there is no verdict that accepts.

use std::collections::{BTreeMap, BTreeSet};

use super::authority::{Authority, Policies};
use super::code::Code;
use super::judge::Bench;
use super::plan::Plans;
use super::planned::judged_claims;
use super::verdict::Finding;
use crate::crypto::Envelope;
use crate::merkle::MapText;
use crate::model::{Below, ChangeId, ClaimName, Digest, Event, GitFacts, Id, Oid, Predicate, Statement};
use crate::policy::{Act, Base, Baseline, Protected};
use crate::prove::{Change, Complete, Logged, ProveError, Run, Source, Trust, branch_chain};

/// Returns whether a policy of the ledger holds this change against the baseline of its branch, or its base against the branch.
///
/// All policies are asked, and not only those that judge: what is read is then the same whatever part of the log is judged.
fn asks_baseline(complete: &Complete<Change>, policies: &Policies, git: &GitFacts) -> bool {
    let plans = Plans::of(complete);
    policies.all().any(|policy| {
        let required = plans.required(policy, git);
        required.as_ref().is_some_and(|required| required.base == Base::Newest)
            || judged_claims(&plans, policy, required.as_ref()).iter().any(|(_, claim)| claim.asks_baseline())
    })
}

/// Reads the merges of the target branch down to the one whose baseline counts, and the commits between it and the base, where a
/// policy asks for it. Of an earlier moment, only what was recorded before that place counts. `first_parent` returns the first parent of a commit; none of a root.
///
/// # Errors
/// See [`ProveError`], and what `first_parent` returns.
pub fn read_branch<E: From<ProveError>>(
    complete: Complete<Change>,
    source: &dyn Source,
    trust: &Trust,
    policies: &Policies,
    git: &mut GitFacts,
    before: Option<u64>,
    first_parent: &mut dyn FnMut(&Oid) -> Result<Option<Oid>, E>,
) -> Result<Complete<Change>, E> {
    let asked = asks_baseline(&complete, policies, git).then(|| aim(&complete, policies, trust, before));
    match asked.flatten() {
        Some(aim) => read_chain(complete, source, trust, aim.branch, git, before, first_parent),
        None => Ok(complete),
    }
}

/// Which branch a change is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aim {
    /// The full name of the branch.
    pub branch: String,
    /// The plan that says so.
    pub serial: u64,
}

/// Returns the branch that a change is meant for; none without a plan. Of an earlier moment, only what was recorded before that
/// place counts.
#[must_use]
pub fn aim(complete: &Complete<Change>, policies: &Policies, trust: &Trust, before: Option<u64>) -> Option<Aim> {
    // Who might plan where a plan was logged is the same at any time.
    let authority = Authority::replay(complete, policies, trust, complete.map().time);
    let mut plans = Plans::of(complete);
    plans.all.retain(|(record, _)| before.is_none_or(|before| record.serial() < before));
    let (record, plan) = plans.aimed(&authority)?;
    Some(Aim { branch: plan.target.clone(), serial: record.serial() })
}

impl Aim {
    /// Returns what is wrong with judging the change for a branch; none if it is the one that it is meant for, by whichever remote
    /// the branch is known here.
    #[must_use]
    pub fn misses(&self, change: &ChangeId, branch: &str) -> Option<Finding> {
        let (aimed, judged) = (self.branch.as_str(), short_name(branch));
        if short_name(aimed) == judged {
            return None;
        }
        let thing = format!("change {change}");
        let found = format!("record {} planned it for {aimed}; it is judged for {branch}", self.serial);
        let plan = ["evidence", "plan", change.as_str(), "--tier", "TIER", "--target", judged, "--reason", "WHY"];
        let finding =
            Finding::new(Code::WRONG_TARGET, thing, found, "a plan for that branch, by somebody who may plan");
        Some(finding.mended_by(&plan, Some("planner")))
    }
}

/// Returns a branch's name without where it is known: here, of a remote, or as a hook keeps what the remote has.
fn short_name(name: &str) -> &str {
    let of_remote = || name.strip_prefix("refs/remotes/")?.split_once('/').map(|(_, short)| short);
    let of_hook = || name.strip_prefix("refs/evidence/pushed/");
    name.strip_prefix("refs/heads/").or_else(of_remote).or_else(of_hook).unwrap_or(name)
}

/// As [`read_branch`], of a chain that is wanted in any case.
///
/// # Errors
/// As [`read_branch`].
fn read_chain<E: From<ProveError>>(
    complete: Complete<Change>,
    source: &dyn Source,
    trust: &Trust,
    branch: String,
    git: &mut GitFacts,
    before: Option<u64>,
    first_parent: &mut dyn FnMut(&Oid) -> Result<Option<Oid>, E>,
) -> Result<Complete<Change>, E> {
    let counts = |serial: u64| before.is_none_or(|before| serial < before);
    let change = complete.subject().id.clone();
    let chain = &chain_of(trust, &branch);
    let mut above = Above::of(git);
    let mut below = Below { branch, ..Below::default() };
    // Whoever judges from a bundle goes the same way, and needs each commit that is read on it.
    let mut read = BTreeSet::new();
    let first_parent = &mut |commit: &Oid| {
        read.insert(commit.clone());
        first_parent(commit)
    };
    // So many merges are read, and so many of those that count are asked: the answer does not depend on what was recorded later.
    let (mut most, mut asked) = (1_usize, 1_usize);
    loop {
        let tail = source.tail(chain, most).map_err(ProveError::from)?;
        let count = tail.item.as_ref().map_or(0, |item| item.count);
        let everything = u64::try_from(tail.serials.len()).is_ok_and(|length| length >= count);
        if !everything && tail.serials.len() < most {
            let first = tail.serials.first().copied().unwrap_or(0);
            return Err(ProveError::Missing(format!("record of `{chain}` before record {first}")).into());
        }
        let counting: Vec<u64> = tail.serials.iter().rev().copied().filter(|serial| counts(*serial)).collect();
        if !everything && counting.len() < asked {
            most = most.saturating_mul(4);
            continue;
        }
        let last = everything && counting.len() <= asked;
        let oldest = counting.iter().copied().take(asked).next_back();
        let mut commits = BTreeSet::new();
        let mut ahead = None;
        for serial in counting.into_iter().take(asked) {
            let Some((commit, is_own)) = merged_commit(source, serial, &change)? else { continue };
            if ahead.is_none() && !is_own && above.has(&commit, &git.base, first_parent)? {
                ahead = Some(commit.clone());
            }
            commits.insert(commit);
        }
        let depth = if last { LINE_MAX } else { asked.saturating_mul(STEPS).min(LINE_MAX) };
        if let Some(ahead) = ahead {
            below = Below { commits: vec![ahead], whole: false, ..below };
        } else if !commits.is_empty() {
            walk(&mut below, &git.base, &commits, depth, first_parent)?;
        }
        let used = below.commits.last().filter(|commit| commits.contains(*commit)).cloned();
        if used.is_some() || last {
            below.beside = read.into_iter().collect();
            git.below = Some(below);
            let reaches = |serial: u64, _: &Statement| !last && Some(serial) == oldest;
            return Ok(complete.with_run(source, trust, chain, &reaches)?);
        }
        asked = asked.saturating_mul(4);
        most = most.max(asked);
    }
}

/// The commits of a change as far as they tell which merges are in it: git's facts may hold an ancestor of the base too, where
/// committers' clocks lie.
struct Above {
    inside: BTreeSet<Oid>,
    /// Those to which a chain of parents leads down to the base: no ancestor of it is among them.
    descending: BTreeSet<Oid>,
    /// The first-parent line of the base, as far as anybody asked.
    line: Vec<Oid>,
    ended: bool,
}

impl Above {
    fn of(git: &GitFacts) -> Self {
        let mut children: BTreeMap<&Oid, Vec<&Oid>> = BTreeMap::new();
        for commit in &git.commits {
            for parent in &commit.parents {
                children.entry(parent).or_default().push(&commit.oid);
            }
        }
        let mut descending = BTreeSet::new();
        let mut todo = vec![&git.base];
        while let Some(oid) = todo.pop() {
            let more = children.get(oid).into_iter().flatten().copied();
            todo.extend(more.filter(|child| descending.insert((*child).clone())));
        }
        let inside = git.commits.iter().map(|commit| commit.oid.clone()).collect();
        Self { inside, descending, line: Vec::new(), ended: false }
    }

    /// Returns whether a merge of the branch is in the change, and not below its base. What descends from the base is; of the rest
    /// what is on the base's own line is not.
    fn has<E>(
        &mut self,
        commit: &Oid,
        base: &Oid,
        first_parent: &mut dyn FnMut(&Oid) -> Result<Option<Oid>, E>,
    ) -> Result<bool, E> {
        if self.descending.contains(commit) || !self.inside.contains(commit) {
            return Ok(self.descending.contains(commit));
        }
        while !self.ended && self.line.len() < LINE_MAX && !self.line.contains(commit) {
            let next = match self.line.last() {
                None => Some(base.clone()),
                Some(last) => first_parent(last)?,
            };
            match next {
                Some(next) => self.line.push(next),
                None => self.ended = true,
            }
        }
        Ok(!self.line.contains(commit))
    }
}

/// Returns whether a record is the merge of the change itself, be it with others.
fn closes(statement: &Statement, change: &ChangeId) -> bool {
    matches!(&statement.predicate, Predicate::Event(Event::Merge { changes, .. }) if changes.contains(change))
}

/// Goes down the first-parent line to the first of some commits, at most so deep.
fn walk<E>(
    below: &mut Below,
    base: &Oid,
    commits: &BTreeSet<Oid>,
    depth: usize,
    first_parent: &mut dyn FnMut(&Oid) -> Result<Option<Oid>, E>,
) -> Result<(), E> {
    if let Some(at) = below.commits.iter().position(|commit| commits.contains(commit)) {
        below.commits.truncate(at + 1);
        below.whole = false;
        return Ok(());
    }
    while !below.whole && below.commits.len() < depth {
        let next = match below.commits.last() {
            None => Some(base.clone()),
            Some(last) => first_parent(last)?,
        };
        let Some(next) = next else {
            below.whole = true;
            break;
        };
        let found = commits.contains(&next);
        below.commits.push(next);
        if found {
            break;
        }
    }
    Ok(())
}

/// Returns the commit of a record that is a merge with a baseline; it is not believed yet.
/// With whether it closes the change itself.
fn merged_commit(source: &dyn Source, serial: u64, change: &ChangeId) -> Result<Option<(Oid, bool)>, ProveError> {
    let unreadable = |error: &dyn std::fmt::Display| ProveError::Unreadable(format!("record {serial}: {error}"));
    let raw = source.record(serial)?;
    let envelope = Envelope::parse(&raw.envelope).map_err(|error| unreadable(&error))?;
    let statement = Statement::parse(&envelope.payload).map_err(|error| unreadable(&error))?;
    Ok(baselined(&statement).map(|(commit, _)| (commit.clone(), closes(&statement, change))))
}

/// Returns the commit and the baseline of a merge that has one.
pub(super) fn baselined(statement: &Statement) -> Option<(&Oid, &Digest)> {
    match &statement.predicate {
        Predicate::Event(Event::Merge { baseline: Some(baseline), .. }) => {
            statement.commit().map(|commit| (commit, baseline))
        }
        _ => None,
    }
}

/// Returns the chain of what reached a branch.
pub(super) fn chain_of(trust: &Trust, branch: &str) -> MapText {
    MapText::chain(&branch_chain(&trust.repository, branch))
}

/// Returns the merges whose baseline may be the one that counts: of the run that is here, those on the line.
pub(super) fn candidates<'a>(
    complete: &'a Complete<Change>,
    chain: &MapText,
    below: &Below,
) -> impl DoubleEndedIterator<Item = (&'a Logged, &'a Digest)> {
    complete.of_run(chain).filter_map(|record| {
        let (commit, baseline) = baselined(record.statement())?;
        if closes(record.statement(), &complete.subject().id) {
            return None;
        }
        below.commits.contains(commit).then_some((record, baseline))
    })
}

/// Returns the baselines that a verdict on the change may need, and that the baseline of its own merge follows from: those of merges
/// at or below its base, that of its own merge, and the newest before that.
#[must_use]
pub fn baselines_of(complete: &Complete<Change>, trust: &Trust, below: Option<&Below>) -> BTreeSet<Digest> {
    let Some(below) = below else { return BTreeSet::new() };
    let chain = chain_of(trust, &below.branch);
    let mut digests: BTreeSet<Digest> = candidates(complete, &chain, below).map(|(_, digest)| *digest).collect();
    let mut before = None;
    for record in complete.of_run(&chain) {
        let Predicate::Event(Event::Merge { changes, baseline, .. }) = &record.statement().predicate else { continue };
        if changes.contains(&complete.subject().id) {
            digests.extend(baseline.iter().chain(before));
        }
        before = baseline.as_ref().or(before);
    }
    digests
}

/// What the change is held against.
#[derive(Clone, Copy)]
pub(super) enum Ground<'a> {
    /// Nobody asks.
    NotAsked,
    /// Nothing is protected yet: no merge with a baseline is below the base.
    First,
    /// The baseline that the merge of a record left.
    At(u64, &'a Baseline),
    /// It cannot be told, which is a finding already.
    Unknown,
}

impl<'a> Ground<'a> {
    /// Returns what is protected of a claim and variant.
    pub(super) fn part(&self, claim: &ClaimName, variant: Option<&Id>) -> Option<&'a Protected> {
        match self {
            Self::At(_, baseline) => baseline.parts.get(&(claim.clone(), variant.cloned())),
            Self::NotAsked | Self::First | Self::Unknown => None,
        }
    }

    /// Returns the variants in which something of a claim is protected.
    pub(super) fn variants(&self, claim: &ClaimName) -> impl Iterator<Item = Option<Id>> {
        let parts = match self {
            Self::At(_, baseline) => Some(&baseline.parts),
            Self::NotAsked | Self::First | Self::Unknown => None,
        };
        let all = parts.into_iter().flatten().filter(move |((known, _), _)| known == claim);
        all.map(|((_, variant), _)| variant.clone())
    }

    /// Returns the hashes of the pictures that are protected under a name, of whichever claim.
    pub(super) fn pictures(&self) -> BTreeSet<(Box<str>, Digest)> {
        match self {
            Self::At(_, baseline) => {
                let all = baseline.parts.values().filter_map(|part| part.pictures.as_ref());
                all.flatten().map(|(name, hash)| (name.clone(), *hash)).collect()
            }
            Self::NotAsked | Self::First | Self::Unknown => BTreeSet::new(),
        }
    }
}

/// Finds the baseline that counts.
pub(super) fn ground<'a>(bench: &Bench<'a>, trust: &Trust, findings: &mut Vec<Finding>) -> Ground<'a> {
    let Some((below, git)) = bench.git.and_then(|git| Some((git.below.as_ref()?, git))) else {
        return Ground::NotAsked;
    };
    let chain = chain_of(trust, &below.branch);
    let mut refuse = |found: String| {
        let plan = ["evidence", "plan", "--base", "REV", "--reason", "WHY"];
        let wanted = "a base with a recorded merge at or below it, and the baseline of that merge";
        let thing = format!("commit {}", git.base.short());
        findings.push(Finding::new(Code::NO_BASELINE, thing, found, wanted).mended_by(&plan, Some("planner")));
        Ground::Unknown
    };
    let Some(run) = bench.complete.run(&chain) else {
        return refuse("nobody read which merges the branch has".to_owned());
    };
    let entitled = |record: &Logged| bench.authority.may_at(Act::Merge, record);
    let used = candidates(bench.complete, &chain, below).rev().find(|(record, _)| entitled(record));
    match used {
        Some((record, digest)) => match bench.rechecked.baseline(digest) {
            Some(Ok(baseline)) if chain == MapText::chain(&format!("branch:{}", baseline.branch)) => {
                Ground::At(record.serial(), baseline)
            }
            Some(Ok(baseline)) => {
                refuse(format!("the baseline that record {} left is of {}", record.serial(), baseline.branch))
            }
            Some(Err(text)) => {
                refuse(format!("the baseline that record {} left cannot be read: {text}", record.serial()))
            }
            None => refuse(format!("the baseline that record {} left is not there", record.serial())),
        },
        None if run.count == 0 => Ground::First,
        // All merges are here, and none left anything.
        None if is_whole(run)
            && bench.complete.of_run(&chain).all(|record| baselined(record.statement()).is_none()) =>
        {
            Ground::First
        }
        // Everything was looked at: every merge, and every commit below the base.
        None if below.whole && is_whole(run) => Ground::First,
        None => refuse("which merge is below it cannot be told".to_owned()),
    }
}

fn is_whole(run: &Run) -> bool {
    u64::try_from(run.serials.len()).is_ok_and(|length| length == run.count)
}

/// Refuses a base that is not the branch's newest merge, where the tier demands that.
pub(super) fn check_newest(bench: &Bench<'_>, trust: &Trust, tier: &str, findings: &mut Vec<Finding>) {
    let Some(git) = bench.git else { return };
    let Some(below) = &git.below else {
        let found = "nobody read which merges the branch has";
        findings.push(Finding::new(Code::BASE_NOT_NEWEST, format!("tier {tier}"), found, "the branch's newest merge"));
        return;
    };
    let chain = chain_of(trust, &below.branch);
    let mut records = bench.complete.of_run(&chain).rev();
    let newest = records.find(|record| bench.authority.may_at(Act::Merge, record));
    let Some(commit) = newest.and_then(|record| record.statement().commit()) else { return };
    if *commit != git.base {
        let found = format!("the change starts from it, and the branch's newest merge is {}", commit.short());
        let thing = format!("commit {}", git.base.short());
        let plan = ["evidence", "plan", "--base", commit.as_str(), "--reason", "WHY"];
        let wanted = format!("the newest merge as base: tier {tier} says base = \"newest\"");
        findings.push(Finding::new(Code::BASE_NOT_NEWEST, thing, found, wanted).mended_by(&plan, Some("planner")));
    }
}

/// How far down the line of the base a merge is looked for.
const LINE_MAX: usize = 5_000;
/// How many commits may lie between two merges on average before more merges are read.
const STEPS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CommitFacts;

    fn oid(number: u32) -> Oid {
        format!("{number:040x}").parse().unwrap()
    }

    /// Facts with these commits, each a number and its parents; the base is commit 100, and its line goes down by one.
    fn above(commits: &[(u32, &[u32])]) -> Above {
        let commit = |(number, parents): &(u32, &[u32])| CommitFacts {
            oid: oid(*number),
            tree: oid(0),
            parents: parents.iter().copied().map(oid).collect(),
            people: Vec::new(),
            plans: Vec::new(),
        };
        Above::of(&GitFacts {
            head: oid(102),
            tree: oid(0),
            base: oid(100),
            commits: commits.iter().map(commit).collect(),
            touched: Vec::new(),
            undone: Vec::new(),
            changed: None,
            below: None,
        })
    }

    /// Asks, and counts the steps down the line, whose root is a commit.
    fn has(above: &mut Above, commit: u32, root: u32) -> (bool, usize) {
        let mut steps = 0;
        let mut first_parent = |at: &Oid| {
            steps += 1;
            let number = u32::from_str_radix(at.as_str(), 16).unwrap();
            Ok::<_, ()>((number > root).then(|| oid(number - 1)))
        };
        (above.has(&oid(commit), &oid(100), &mut first_parent).unwrap(), steps)
    }

    #[test]
    fn what_is_on_the_line_of_the_base_is_below_it_though_the_facts_name_it() {
        let mut above = above(&[(102, &[101, 200]), (101, &[100]), (200, &[90]), (97, &[96])]);
        assert_eq!(has(&mut above, 102, 90), (true, 0));
        assert_eq!(has(&mut above, 300, 90), (false, 0));
        // No further down than to it, and no step twice.
        assert_eq!(has(&mut above, 97, 90), (false, 3));
        assert_eq!(has(&mut above, 200, 90), (true, 8));
        assert_eq!(has(&mut above, 200, 90), (true, 0));
        assert_eq!(has(&mut above, 97, 90), (false, 0));
    }

    #[test]
    fn line_is_followed_so_far_and_no_further() {
        let mut above = above(&[(9_999_999, &[5])]);
        let mut steps = 0_usize;
        let mut endless = |_: &Oid| {
            steps += 1;
            Ok::<_, ()>(Some(oid(u32::try_from(steps).unwrap() + 1_000)))
        };
        assert!(above.has(&oid(9_999_999), &oid(100), &mut endless).unwrap());
        assert_eq!((above.line.len(), steps), (LINE_MAX, LINE_MAX - 1));
    }
}
