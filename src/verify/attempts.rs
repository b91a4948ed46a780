//! The rule of attempts (design, section 7): they belong to claim, variant, shard and tree, in the order of their starts.
//!
//! A shard holds if its newest attempt in this change passed and no other attempt of that claim, variant, shard and
//! tree, under any change, has a non-pass result after that start.

use std::collections::{BTreeMap, BTreeSet};

use super::attachments::{self, Pictures};
use super::code::Code;
use super::judge::{Bench, Ruled};
use super::limits::Numbers;
use super::question::Counted;
use super::ratchet::{self, Compared};
use super::recheck::{Trouble, outcome};
use super::reviews::too_late;
use super::verdict::{Finding, State};
use crate::model::{ClaimName, Digest, Facts, Id, Outcome, Predicate, Purpose, Run, Shard, Span, Start, Time};
use crate::policy::{Asserted, BoundTo, Claim, Moment};
use crate::prove::Logged;

/// A start and what became of it.
#[derive(Debug, Clone)]
pub struct Attempt<'a> {
    /// The start's record.
    pub record: &'a Logged,
    /// The start.
    pub start: &'a Start,
    /// The result's record, if it ended.
    pub result: Option<(&'a Logged, &'a Run)>,
    /// Whether it belongs to the judged change.
    pub ours: bool,
}

/// Where an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptState {
    /// It ended so.
    Ended(Outcome),
    /// It has time left.
    Running,
    /// Its time is over.
    Lost,
}

/// Collects the attempts of a claim: those of the change, and those of others on the judged tree.
pub(super) fn collect<'a>(
    bench: &Bench<'a>,
    claim: Option<&ClaimName>,
    findings: &mut Vec<Finding>,
) -> Vec<Attempt<'a>> {
    let change = &bench.complete.subject().id;
    let mut attempts: BTreeMap<u64, Attempt<'a>> = BTreeMap::new();
    let mut by_leaf: BTreeMap<Digest, u64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut records: Vec<&'a Logged> = bench.complete.of_change().chain(bench.complete.of_tree()).collect();
    records.sort_by_key(|record| record.serial());
    for record in records {
        if !seen.insert(record.serial()) || !bench.authority.may_hurt(record) {
            continue;
        }
        let ours = record.statement().binding.change.as_ref() == Some(change);
        match &record.statement().predicate {
            Predicate::Start(start) if claim.is_none_or(|claim| start.claim == *claim) => {
                by_leaf.insert(*record.leaf(), record.serial());
                attempts.insert(record.serial(), Attempt { record, start, result: None, ours });
            }
            Predicate::Result(run) if claim.is_none_or(|claim| run.claim == *claim) => {
                let attempt = by_leaf.get(&run.start).and_then(|serial| attempts.get_mut(serial));
                match attempt.filter(|attempt| matches(attempt, record, run)) {
                    // A start has one result; of two, the worse one counts.
                    Some(attempt) if attempt.result.is_none_or(|(_, other)| run.outcome < other.outcome) => {
                        attempt.result = Some((record, run));
                    }
                    Some(_) => {}
                    None => findings.push(
                        Finding::new(
                            Code::NOT_MATCHING,
                            format!("record {}", record.serial()),
                            format!("a result of {} that matches no start", run.claim),
                            "the signer, claim, variant, shard, commit and tree of the start that it names",
                        )
                        .mended_by(&["evidence", "show", &record.serial().to_string()], None),
                    ),
                }
            }
            _ => {}
        }
    }
    attempts.into_values().collect()
}

fn matches(attempt: &Attempt<'_>, record: &Logged, run: &Run) -> bool {
    let (theirs, ours) = (attempt.record.statement(), record.statement());
    attempt.start.claim == run.claim
        && attempt.start.variant == run.variant
        && attempt.start.shard == run.shard
        && theirs.commit() == ours.commit()
        && theirs.tree() == ours.tree()
        && theirs.binding.change == ours.binding.change
        && attempt.record.signers().eq(record.signers())
}

impl Attempt<'_> {
    /// Returns which part of how many.
    #[must_use]
    pub fn shard(&self) -> Shard {
        self.start.shard.unwrap_or(Shard::WHOLE)
    }

    /// Returns where it stands at a time, by what its result states.
    #[must_use]
    pub fn state(&self, now: Time) -> AttemptState {
        match self.result {
            Some((_, run)) => AttemptState::Ended(run.outcome),
            None if now <= self.record.time().after(Span(self.start.deadline_seconds)) => AttemptState::Running,
            None => AttemptState::Lost,
        }
    }

    /// Returns how long its result was under way to the ledger, if that is more than it takes: it waited somewhere.
    fn late(&self) -> Option<Span> {
        let (record, run) = self.result?;
        let ran = run.command.as_ref()?.duration_ms / 1000;
        let late = record.time().since(self.record.time().after(Span(ran)));
        (late.0 > LATE_SECONDS).then_some(late)
    }

    /// Returns when a result of it came about: when it was logged, or, if it waited somewhere, when its command ended as it says.
    fn ended(&self, result: &Logged) -> Time {
        let waited = self.late().map_or(0, |Span(seconds)| seconds);
        Time(result.time().0.saturating_sub(waited))
    }

    /// Returns whether it passed after the first attempt and was due before it.
    fn passed_late(&self, bench: &Bench<'_>, claim: &Claim) -> bool {
        let passed = self.result.filter(|(_, run)| run.outcome == Outcome::Pass);
        claim.at == Moment::Plan && passed.is_some_and(|(record, _)| bench.started_before(record.serial(), claim))
    }

    fn passed_in_time(&self, bench: &Bench<'_>, claim: &Claim) -> bool {
        stands_as_pass(self) && !self.passed_late(bench, claim)
    }

    fn serials(&self) -> impl Iterator<Item = u64> {
        std::iter::once(self.record.serial()).chain(self.result.map(|(record, _)| record.serial()))
    }
}

/// Judges a claim that runs show.
pub(super) fn check(
    bench: &Bench<'_>,
    name: &ClaimName,
    claim: &Claim,
    why: &str,
    findings: &mut Vec<Finding>,
) -> Ruled {
    let attempts = collect(bench, Some(name), findings);
    let judged = |attempt: &&Attempt<'_>| bench.is_about(attempt.record, claim);
    let mut ruled = Ruled::default();
    let here: Vec<&Attempt<'_>> = attempts.iter().filter(judged).collect();
    let mine: Vec<&Attempt<'_>> = here.iter().copied().filter(|attempt| attempt.ours).collect();
    // Who passes once more, and too late, takes nothing back.
    let again = |attempt: &Attempt<'_>| {
        let same = |other: &&&Attempt<'_>| other.ours && other.start.variant == attempt.start.variant;
        attempt.passed_late(bench, claim) && here.iter().filter(same).any(|other| other.passed_in_time(bench, claim))
    };
    let elsewhere = attempts.iter().filter(|attempt| attempt.ours && !judged(attempt));
    let failed = elsewhere.filter(|attempt| {
        matches!(
            attempt.state(bench.now),
            AttemptState::Ended(Outcome::Fail | Outcome::Inconclusive) | AttemptState::Lost
        )
    });
    ruled.failed_elsewhere = failed.map(|attempt| attempt.record.serial()).collect();
    ruled.attempts = u64::try_from(mine.len()).unwrap_or(u64::MAX);
    let variants: BTreeSet<Option<Id>> = if claim.variants.is_empty() {
        // What was shown under a name before is shown under it again: a new name is no way around what is protected.
        let protected = bench.ground.variants(name).filter(|_| claim.asks_baseline());
        mine.iter().map(|attempt| attempt.start.variant.clone()).chain(protected).collect()
    } else {
        claim.variants.iter().cloned().map(Some).collect()
    };
    if mine.is_empty() {
        missing(bench, name, claim, why, &attempts, &mut ruled, findings);
        return ruled;
    }
    let count = findings.len();
    for variant in &variants {
        let shown = variant.as_ref().map_or_else(|| name.to_string(), |variant| format!("{name} ({variant})"));
        let of_variant: Vec<&Attempt<'_>> =
            here.iter().copied().filter(|attempt| attempt.start.variant == *variant && !again(attempt)).collect();
        check_variant(bench, name, variant.as_ref(), &shown, claim, why, &of_variant, &mut ruled, findings);
    }
    for (variant, counts) in tries(&mine) {
        let Some(most) = claim.attempts_max else { break };
        let shown = variant.map_or_else(String::new, |variant| format!("variant {variant}, "));
        // To cut the same tests into other parts is to try again.
        let rounds: u64 = counts.values().map(|shards| shards.values().copied().max().unwrap_or(0)).sum();
        let found = match counts.iter().next().filter(|_| counts.len() == 1) {
            Some((_, shards)) => {
                let worst = shards.iter().max_by_key(|(_, tried)| **tried);
                worst.map_or_else(String::new, |(shard, tried)| {
                    format!("{tried} attempts of {shown}shard {shard} on this tree")
                })
            }
            None => {
                let cuts: Vec<String> = counts.keys().map(ToString::to_string).collect();
                format!("{rounds} rounds of {shown}shard counts {} on this tree", cuts.join(", "))
            }
        };
        if rounds > most.get() {
            findings.push(Finding::new(Code::TOO_MANY_ATTEMPTS, name.as_str(), found, format!("at most {most}")));
        }
    }
    ruled.late = mine.iter().filter_map(|attempt| attempt.late()).max();
    if let Some(late) = ruled.late {
        ruled.tell(&format!("delivered {late} late"));
    }
    if findings.len() > count && ruled.state == State::Pass {
        ruled.state = State::Invalid;
    }
    ruled
}

/// Counts the attempts of each variant, by how many shards there were to be, and by shard.
fn tries<'a>(mine: &[&'a Attempt<'_>]) -> BTreeMap<Option<&'a Id>, BTreeMap<u32, BTreeMap<Shard, u64>>> {
    let mut tries: BTreeMap<_, BTreeMap<_, BTreeMap<_, u64>>> = BTreeMap::new();
    for attempt in mine {
        let shard = attempt.shard();
        let of_variant = tries.entry(attempt.start.variant.as_ref()).or_default();
        *of_variant.entry(shard.count()).or_default().entry(shard).or_default() += 1;
    }
    tries
}

fn missing(
    bench: &Bench<'_>,
    name: &ClaimName,
    claim: &Claim,
    why: &str,
    attempts: &[Attempt<'_>],
    ruled: &mut Ruled,
    findings: &mut Vec<Finding>,
) {
    let other = attempts.iter().rev().find(|attempt| attempt.ours);
    let commit = bench.git.map_or_else(|| "the judged tree".to_owned(), |git| format!("commit {}", git.head.short()));
    let command = claim.run_command(name, claim.variants.first(), None);
    ruled.state = State::Missing;
    let finding = match other {
        None => Finding::new(
            Code::MISSING_CLAIM,
            name.as_str(),
            format!("{why} requires it and {commit} has none"),
            "a passing attempt",
        ),
        Some(attempt) => {
            ruled.state = State::Invalid;
            ruled.serials.extend(attempt.serials());
            let about = attempt.record.statement().commit().map_or("another tree", |oid| oid.short());
            let found = format!("record {} is about commit {about}", attempt.record.serial());
            Finding::new(Code::OTHER_COMMIT, name.as_str(), found, format!("a passing attempt on {commit}"))
        }
    };
    findings.push(finding.mended_by_words(command, Some(claim.by.as_str())));
}

#[expect(clippy::too_many_arguments, reason = "a rule sees the bench, the claim and what it fills in")]
fn check_variant(
    bench: &Bench<'_>,
    name: &ClaimName,
    variant: Option<&Id>,
    shown: &str,
    claim: &Claim,
    why: &str,
    attempts: &[&Attempt<'_>],
    ruled: &mut Ruled,
    findings: &mut Vec<Finding>,
) {
    let advise = |finding: Finding, shard: Option<Shard>| {
        if finding.mend.is_some() {
            return finding;
        }
        finding.mended_by_words(claim.run_command(name, variant, shard), Some(claim.by.as_str()))
    };
    // A pass by somebody who is not entitled neither helps nor hurts.
    let counts =
        |attempt: &&&Attempt<'_>| attempt.ours && (!stands_as_pass(attempt) || entitled(bench, attempt, claim));
    let Some(newest) = attempts.iter().filter(counts).max_by_key(|attempt| attempt.record.serial()) else {
        ruled.worsen(State::Missing);
        match attempts.iter().rev().find(|attempt| attempt.ours) {
            None => findings.push(advise(
                Finding::new(
                    Code::MISSING_CLAIM,
                    shown,
                    format!("{why} requires it and there is none"),
                    "a passing attempt",
                ),
                None,
            )),
            Some(attempt) => {
                ruled.worsen(State::Invalid);
                ruled.serials.extend(attempt.serials());
                let found = format!("record {} is signed by {}", attempt.record.serial(), bench.named(attempt.record));
                findings.push(advise(
                    Finding::new(Code::NOT_ENTITLED, shown, found, format!("a signer with the role {}", claim.by)),
                    None,
                ));
            }
        }
        return;
    };
    let shards = newest.shard().count();
    let mut numbers = Numbers::default();
    let mut asserted = false;
    let before = ruled.counted.len();
    for index in 1..=shards {
        let Ok(shard) = Shard::new(index, shards) else { continue };
        let of_shard: Vec<&Attempt<'_>> = attempts.iter().copied().filter(|attempt| attempt.shard() == shard).collect();
        let part = if shards == 1 { shown.to_owned() } else { format!("{shown} shard {shard}") };
        let newest = of_shard.iter().filter(|attempt| counts(attempt)).max_by_key(|attempt| attempt.record.serial());
        let Some(newest) = newest else {
            ruled.worsen(State::Missing);
            findings.push(advise(
                Finding::new(Code::MISSING_SHARD, part, "there is no attempt", "a passing attempt of each shard"),
                Some(shard),
            ));
            continue;
        };
        for finding in check_attempt(bench, &part, claim, newest, &of_shard, &mut numbers, &mut asserted, ruled) {
            findings.push(advise(finding, Some(shard)));
        }
    }
    if ruled.state == State::Pass || ruled.state == State::Invalid {
        let changes = bench.git.and_then(|git| git.changed.as_ref());
        let mut limits = Vec::new();
        numbers.check(name, claim, changes, &mut limits);
        let counted = ruled.counted.split_off(before);
        let pictures = claim.attachments.as_ref().map_or_else(Pictures::default, |wanted| {
            let none = BTreeMap::new();
            let old = wanted.baseline.map(|_| bench.ground.part(name, variant));
            let old = old.map(|part| part.and_then(|part| part.pictures.as_ref()).unwrap_or(&none));
            let unseen = attachments::check(bench, name, wanted, &counted, old, ruled, &mut limits);
            Pictures { now: attachments::pictures(bench, &counted), unseen }
        });
        let compared = ratchet::check(bench, name, variant, claim, &numbers, pictures, &mut limits);
        if let Some((compared, gain)) = compared {
            let sentences = compared.iter().map(Compared::sentence).collect::<Vec<_>>().join("; ");
            if !sentences.is_empty() {
                ruled.tell(&sentences);
            }
            ruled.compared.extend(compared);
            ruled.gains.push(gain);
        }
        if let Some(wanted) = claim.differential()
            && let Some(said) = numbers.on_base.check(shown, wanted, bench.git, &mut limits)
        {
            ruled.tell(&said);
        }
        ruled.counted.extend(counted);
        findings.extend(limits.into_iter().map(|finding| advise(finding, None)));
    }
    if asserted && claim.asserted == Asserted::Allow {
        ruled.asserted = true;
    }
    if let Some(more) = numbers.shown() {
        ruled.tell(&more);
    }
}

fn stands_as_pass(attempt: &Attempt<'_>) -> bool {
    attempt.result.is_some_and(|(_, run)| run.outcome == Outcome::Pass)
}

fn entitled(bench: &Bench<'_>, attempt: &Attempt<'_>, claim: &Claim) -> bool {
    let result = attempt.result.is_none_or(|(record, _)| !bench.authority.supporters(record, &claim.by).is_empty());
    result && !bench.authority.supporters(attempt.record, &claim.by).is_empty()
}

/// Judges the newest attempt of a shard.
#[expect(clippy::too_many_arguments, reason = "a rule sees the bench, the claim and what it fills in")]
fn check_attempt(
    bench: &Bench<'_>,
    part: &str,
    claim: &Claim,
    newest: &Attempt<'_>,
    others: &[&Attempt<'_>],
    numbers: &mut Numbers,
    asserted: &mut bool,
    ruled: &mut Ruled,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    ruled.serials.extend(newest.serials());
    let start = newest.record.serial();
    let mut refuse = |state: State, finding: Finding| {
        ruled.worsen(state);
        findings.push(finding);
    };
    let Some((record, run)) = newest.result else {
        let deadline = newest.record.time().after(Span(newest.start.deadline_seconds));
        if newest.state(bench.now) == AttemptState::Running {
            let found = format!("record {start} has started, with time until {deadline}");
            let show = ["evidence", "show", &start.to_string()];
            refuse(State::Running, Finding::new(Code::RUNNING, part, found, "its result").mended_by(&show, None));
        } else {
            let found = format!("record {start} started and had no result by {deadline}");
            refuse(State::Lost, Finding::new(Code::LOST, part, found, "a passing attempt"));
        }
        return findings;
    };
    let counted = outcome(record, run, bench.rechecked);
    let shown = counted.facts.iter().map(|(_, facts)| facts.clone()).collect();
    let serial = record.serial();
    match counted.outcome {
        Outcome::Pass => {}
        Outcome::Fail => refuse(
            State::Fail,
            Finding::new(Code::FAILED, part, format!("record {serial} says fail{}", because(run)), "a passing attempt"),
        ),
        Outcome::Inconclusive => refuse(
            State::Inconclusive,
            Finding::new(
                Code::INCONCLUSIVE,
                part,
                format!("record {serial} is inconclusive{}", because(run)),
                "a passing attempt",
            ),
        ),
    }
    for trouble in &counted.trouble {
        let found = match trouble {
            Trouble::Differ { stated, found } => {
                format!("record {serial} states {}; its report says {}", facts(stated), facts(found))
            }
            Trouble::Unreadable(text) => format!("a report of record {serial} cannot be read again: {text}"),
        };
        refuse(State::Invalid, Finding::new(Code::FACTS_DIFFER, part, found, "facts that its report shows"));
    }
    if counted.asserted {
        *asserted = true;
        if claim.asserted == Asserted::Refuse {
            let found = format!("a report of record {serial} is not there");
            refuse(
                State::Invalid,
                Finding::new(Code::NO_MATERIAL, part, found, "every report that the result rests on"),
            );
        }
    }
    numbers.add(&counted.facts);
    numbers.add_reports(serial, run, bench.rechecked);
    let tree = newest.record.statement().tree();
    if Some(&run.worktree.before) != tree || Some(&run.worktree.after) != tree {
        let when = if Some(&run.worktree.before) == tree { "after" } else { "before" };
        let found = format!("the work tree of record {serial} was not the commit's tree {when} the command");
        refuse(State::Invalid, Finding::new(Code::DIRTY, part, found, "a clean work tree before and after"));
    }
    let ended = newest.ended(record);
    if let Some(age) = claim.age_max.filter(|age| bench.now > ended.after(*age)) {
        let found = format!("record {serial} is {} old", bench.now.since(ended));
        refuse(State::Invalid, Finding::new(Code::TOO_OLD, part, found, format!("a result not older than {age}")));
    }
    ruled.counted.push(Counted { start, result: serial, outcome: counted.outcome, facts: shown });
    let later = others.iter().filter(|other| other.record.serial() != start);
    for other in later {
        if let Some((result, run)) =
            other.result.filter(|(result, run)| result.serial() > start && run.outcome != Outcome::Pass)
        {
            ruled.serials.push(result.serial());
            let under = if other.ours {
                String::new()
            } else {
                format!(
                    " under {}",
                    result.statement().binding.change.as_ref().map_or("another change", |id| id.as_str())
                )
            };
            let found = format!("record {}{under} says {} after record {start} began", result.serial(), run.outcome);
            ruled.worsen(State::Fail);
            findings.push(Finding::new(
                Code::LATER_FAILURE,
                part,
                found,
                "no other result than pass on this tree since the newest attempt began",
            ));
        }
    }
    if claim.at == Moment::Plan && bench.started_before(record.serial(), claim) {
        ruled.worsen(State::Invalid);
        findings.push(too_late(part, record));
    }
    findings.extend(bench.support(part, claim, &[newest.record, record], ruled));
    findings
}

/// Says why a run came to what it says: its own problem, or the reason of a report that came to the same.
fn because(run: &Run) -> String {
    let problem = run.problems.first().map(|problem| problem.text.clone());
    let same = run.facts.iter().filter(|read| read.facts.outcome == run.outcome);
    let mut reasons = same.chain(&run.facts).flat_map(|read| read.facts.reasons.first());
    problem.or_else(|| reasons.next().cloned()).map_or_else(String::new, |text| format!(": {text}"))
}

fn facts(facts: &Facts) -> String {
    let mut numbers = Numbers::default();
    numbers.add(&[(Purpose::Report, facts.clone())]);
    let shown = numbers.shown().unwrap_or_else(|| "nothing".to_owned());
    format!("{} by {} ({shown})", facts.outcome, facts.reader)
}

impl Bench<'_> {
    /// Returns whether a record is about what is judged: the tree, or exactly the commit.
    pub(super) fn is_about(&self, record: &Logged, claim: &Claim) -> bool {
        if claim.at == Moment::Plan {
            return true;
        }
        let statement = record.statement();
        match (claim.bound_to, self.git) {
            (BoundTo::Commit, Some(git)) => statement.commit() == Some(&git.head),
            (BoundTo::Commit, None) => false,
            (BoundTo::Tree, _) => statement.tree() == Some(&self.complete.subject().tree),
        }
    }
}

/// Reading reports takes less.
const LATE_SECONDS: u64 = 120;
