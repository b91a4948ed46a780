//! The rule of the plan: one that is entitled, older than the first start, high enough, and named by what follows.

use super::authority::Authority;
use super::code::Code;
use super::judge::Bench;
use super::verdict::Finding;
use crate::model::{GitFacts, Oid, Plan, Predicate, TierName};
use crate::policy::{Act, Policy, Requirements, Trailer};
use crate::prove::{Change, Complete, Logged};

/// The plans of a change.
pub(super) struct Plans<'a> {
    /// The first record, if it is a plan.
    pub(super) first: Option<&'a Logged>,
    /// All plans, oldest first.
    pub(super) all: Vec<(&'a Logged, &'a Plan)>,
}

impl<'a> Plans<'a> {
    pub(super) fn of(complete: &'a Complete<Change>) -> Self {
        let all: Vec<_> = complete
            .of_change()
            .filter_map(|record| match &record.statement().predicate {
                Predicate::Plan(plan) => Some((record, plan)),
                _ => None,
            })
            .collect();
        Self { first: all.first().map(|(record, _)| *record), all }
    }

    /// Returns the highest tier that anybody planned: raising needs no authority.
    pub(super) fn tier(&self, policy: &Policy) -> Option<&'a TierName> {
        let known = self.all.iter().map(|(_, plan)| &plan.tier);
        known.max_by_key(|tier| policy.tier_rank(tier).map_or(usize::MAX, |rank| rank))
    }

    /// Returns what a policy requires of the change, by the highest tier that is planned and the paths that it touches.
    pub(super) fn required(&self, policy: &Policy, git: &GitFacts) -> Option<Requirements> {
        let touched: Vec<&str> = git.touched.iter().map(String::as_str).collect();
        policy.requirements(self.tier(policy)?, &touched)
    }

    /// Returns the plans that help: those of somebody who may plan.
    pub(super) fn entitled<'b>(
        &'b self,
        authority: &'b Authority<'a>,
    ) -> impl DoubleEndedIterator<Item = (&'a Logged, &'a Plan)> {
        self.all.iter().copied().filter(|(record, plan)| !plan.implied && authority.may(Act::Plan, record))
    }

    /// Returns the plans that demand: those of somebody who might plan where they were logged, be it no longer.
    pub(super) fn demanding<'b>(
        &'b self,
        authority: &'b Authority<'a>,
    ) -> impl Iterator<Item = (&'a Logged, &'a Plan)> {
        self.all.iter().copied().filter(|(record, plan)| !plan.implied && authority.may_at(Act::Plan, record))
    }

    /// Returns the plan that says which branch the change is meant for: the newest of somebody who might plan where it was
    /// logged, else the first. A first attempt's implied plan is anybody's word.
    pub(super) fn aimed(&self, authority: &Authority<'a>) -> Option<(&'a Logged, &'a Plan)> {
        self.demanding(authority).last().or_else(|| self.all.first().copied())
    }

    /// Returns the commit that the change starts from: that of the newest plan that helps, else of the first.
    pub(super) fn base(&self, authority: &Authority<'a>) -> Option<&'a Oid> {
        let newest = self.entitled(authority).next_back().map(|(record, _)| record);
        newest.or(self.first).and_then(|record| record.statement().commit())
    }
}

/// Judges the plan.
pub(super) fn check(
    bench: &Bench<'_>,
    plans: &Plans<'_>,
    policy: &Policy,
    requirements: Option<&Requirements>,
    findings: &mut Vec<Finding>,
) {
    let change = &bench.complete.subject().id;
    let Some(first) = plans.first else { return };
    let planned = plans.entitled(&bench.authority).next();
    match (planned, policy.unplanned()) {
        (Some(_), _) => {}
        (None, Some(unplanned)) if plans.all.iter().any(|(_, plan)| plan.implied) => {
            let rank = |tier: &TierName| policy.tier_rank(tier);
            if let Some(wanted) = requirements.filter(|wanted| rank(&wanted.tier) > rank(unplanned)) {
                let found = format!("the plan is implied, and serves tier {unplanned}");
                findings.push(
                    Finding::new(
                        Code::TIER_TOO_LOW,
                        format!("change {change}"),
                        found,
                        format!("a plan of tier {}", wanted.tier),
                    )
                    .mended_by(
                        &["evidence", "plan", change.as_str(), "--tier", wanted.tier.as_str(), "--reason", "WHY"],
                        Some("planner"),
                    ),
                );
            }
        }
        (None, _) => findings.push(
            Finding::new(
                Code::PLAN_NOT_ENTITLED,
                format!("change {change}"),
                format!("record {} plans it, signed by {}", first.serial(), bench.named(first)),
                "a plan by somebody who may plan",
            )
            .mended_by(&["evidence", "plan", change.as_str(), "--tier", "TIER", "--reason", "WHY"], Some("planner")),
        ),
    }
    if let Some(span) = policy.plan_valid_for()
        && bench.now > first.time().after(span)
    {
        let found = format!("it was planned {} ago", bench.now.since(first.time()));
        findings.push(Finding::new(
            Code::PLAN_TOO_OLD,
            format!("change {change}"),
            found,
            format!("a plan not older than {span}"),
        ));
    }
    for record in bench.complete.of_change() {
        let names = record.statement().binding.plan.as_ref();
        if record.serial() != first.serial() && names != Some(first.leaf()) {
            let found = names.map_or_else(|| "it names none".to_owned(), |plan| format!("it names {plan}"));
            let finding = Finding::new(
                Code::WRONG_PLAN,
                format!("record {}", record.serial()),
                found,
                format!("the first plan {}", first.leaf()),
            );
            findings.push(finding.mended_by(&["evidence", "show", &record.serial().to_string()], None));
        }
    }
    if requirements.is_some_and(|wanted| wanted.trailer == Trailer::EveryCommit) {
        check_trailers(bench, first, findings);
    }
}

fn check_trailers(bench: &Bench<'_>, first: &Logged, findings: &mut Vec<Finding>) {
    let change = &bench.complete.subject().id;
    for commit in bench.git.iter().flat_map(|git| &git.commits) {
        let carries = commit.plans.iter().any(|named| named.change == *change && named.plan == *first.leaf());
        if !carries {
            findings.push(
                Finding::new(
                    Code::NO_TRAILER,
                    format!("commit {}", commit.oid.short()),
                    "its message does not name the plan",
                    format!("Evidence-Plan: {change} {}", first.leaf()),
                )
                .mended_by(&["evidence", "plan", change.as_str(), "--trailer"], None),
            );
        }
    }
}
