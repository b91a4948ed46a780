//! What a change has shown so far, claim by claim, whatever a policy demands of it: for drafting a policy, and no verdict.

use std::collections::{BTreeMap, BTreeSet};

use super::attempts::{self, Attempt};
use super::authority::{Authority, Who};
use super::judge::{Bench, Judgement};
use super::limits::{Numbers, Totals};
use super::recheck::outcome;
use crate::model::{ClaimName, Id, Outcome, Phase, Predicate, ReviewVerdict, Role};
use crate::prove::Logged;

/// What is seen of one claim on the judged tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The claim.
    pub claim: ClaimName,
    /// Whether reviews show it, or runs.
    pub reviewed: bool,
    /// What passed, by variant: none for a claim that has only failed.
    pub passed: BTreeMap<Option<Id>, Passed>,
    /// The roles that a signer of each of these records held there and still does.
    pub roles: BTreeSet<Role>,
    /// Whether a report that it rests on is not there any more.
    pub asserted: bool,
}

/// The newest attempt of a variant that passed, all its shards; or all reviews that say pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passed {
    /// The results or reviews.
    pub serials: Vec<u64>,
    /// What their reports come to together.
    pub totals: Totals,
}

/// Returns what a change shows on the judged tree, by claim.
#[must_use]
pub fn observe(judgement: &Judgement<'_>) -> Vec<Observed> {
    let Judgement { complete, trust, policies, rechecked, git, .. } = *judgement;
    let now = judgement.clock.now(complete);
    let bench = Bench::new(complete, Authority::replay(complete, policies, trust, now), rechecked, git, now);
    let tree = &complete.subject().tree;
    let judged = |record: &Logged| record.statement().tree() == Some(tree);
    let mut found: BTreeMap<ClaimName, Observed> = BTreeMap::new();
    let all = attempts::collect(&bench, None, &mut Vec::new());
    let here: Vec<&Attempt<'_>> = all.iter().filter(|attempt| attempt.ours && judged(attempt.record)).collect();
    let keys: BTreeSet<(&ClaimName, Option<&Id>)> =
        here.iter().map(|attempt| (&attempt.start.claim, attempt.start.variant.as_ref())).collect();
    for (claim, variant) in keys {
        let observed = found.entry(claim.clone()).or_insert_with(|| Observed::new(&bench, claim, false));
        let of: Vec<&Attempt<'_>> = here
            .iter()
            .copied()
            .filter(|attempt| attempt.start.claim == *claim && attempt.start.variant.as_ref() == variant)
            .collect();
        observed.run(&bench, variant, &of);
    }
    for record in complete.of_change().filter(|record| judged(record)) {
        let Predicate::Review(review) = &record.statement().predicate else { continue };
        if review.phase != Phase::Plain || !review.criteria.is_empty() {
            continue;
        }
        let observed = found.entry(review.claim.clone()).or_insert_with(|| Observed::new(&bench, &review.claim, true));
        let by_principal = bench.authority.behind(record).iter().any(|who| matches!(who, Who::Principal(_)));
        if observed.reviewed && review.verdict == Some(ReviewVerdict::Pass) && by_principal {
            observed.passed.entry(None).or_default().serials.push(record.serial());
            observed.signed(&bench, &[record]);
        }
    }
    for observed in found.values_mut().filter(|observed| observed.passed.is_empty()) {
        observed.roles.clear();
    }
    found.into_values().collect()
}

impl Observed {
    fn new(bench: &Bench<'_>, claim: &ClaimName, reviewed: bool) -> Self {
        let roles = bench.authority.grants().iter().flat_map(|known| known.grant.roles.iter().cloned()).collect();
        Self { claim: claim.clone(), reviewed, passed: BTreeMap::new(), roles, asserted: false }
    }

    /// Takes in a variant: its newest attempt says how many shards there are, and of each the newest counts.
    fn run(&mut self, bench: &Bench<'_>, variant: Option<&Id>, attempts: &[&Attempt<'_>]) {
        let Some(newest) = attempts.iter().max_by_key(|attempt| attempt.record.serial()) else { return };
        let shards = newest.shard().count();
        let mut numbers = Numbers::default();
        let mut passed = Passed::default();
        let mut asserted = false;
        for index in 1..=shards {
            let of = attempts.iter().filter(|attempt| attempt.shard().count() == shards);
            let newest = of.filter(|attempt| attempt.shard().index() == index).max_by_key(|it| it.record.serial());
            let Some((start, (record, run))) = newest.and_then(|it| Some((it.record, it.result?))) else { return };
            let counted = outcome(record, run, bench.rechecked);
            if counted.outcome != Outcome::Pass {
                return;
            }
            numbers.add(&counted.facts);
            asserted |= counted.asserted;
            passed.serials.push(record.serial());
            self.signed(bench, &[start, record]);
        }
        passed.totals = numbers.totals();
        self.asserted |= asserted;
        self.passed.insert(variant.cloned(), passed);
    }

    /// Keeps the roles that somebody who signed each of these records holds.
    fn signed(&mut self, bench: &Bench<'_>, records: &[&Logged]) {
        self.roles.retain(|role| records.iter().all(|record| !bench.authority.supporters(record, role).is_empty()));
    }
}
