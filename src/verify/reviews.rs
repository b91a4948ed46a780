//! The rule of reviews: of each principal the newest review of the judged tree counts; one fail among them refuses.

use std::collections::BTreeMap;

use super::authority::Who;
use super::code::Code;
use super::judge::{Bench, Ruled};
use super::verdict::{Finding, State};
use crate::model::{ClaimName, Phase, Predicate, Review, ReviewVerdict};
use crate::policy::{Claim, Moment};
use crate::prove::Logged;

/// Judges a claim that reviews show.
pub(super) fn check(
    bench: &Bench<'_>,
    name: &ClaimName,
    claim: &Claim,
    why: &str,
    findings: &mut Vec<Finding>,
) -> Ruled {
    let mut ruled = Ruled::default();
    let change = &bench.complete.subject().id;
    let command = ["evidence", "review", name.as_str(), "--verdict", "pass", "--notes", "FILE"];
    let mut newest: BTreeMap<Who, (&Logged, &Review)> = BTreeMap::new();
    let mut elsewhere = None;
    let late = |record: &Logged| claim.at == Moment::Plan && bench.started_before(record.serial(), claim);
    let passes = |review: &Review| review.verdict == Some(ReviewVerdict::Pass);
    let helps = |record: &Logged| record.statement().binding.change.as_ref() == Some(change) && !late(record);
    let records: BTreeMap<u64, &Logged> =
        bench.complete.of_change().chain(bench.complete.of_tree()).map(|record| (record.serial(), record)).collect();
    for record in records.into_values() {
        let Predicate::Review(review) = &record.statement().predicate else { continue };
        let whole = review.phase == Phase::Plain && review.criteria.is_empty();
        if review.claim != *name || !whole || !bench.authority.may_hurt(record) {
            continue;
        }
        if !bench.is_about(record, claim) {
            elsewhere = Some(record);
            continue;
        }
        for who in bench.authority.behind(record) {
            let stands = newest.get(&who).is_some_and(|(earlier, said)| passes(said) && helps(earlier));
            // Who says yes once more, too late or for another change, takes nothing back.
            if !(stands && passes(review) && !helps(record)) {
                newest.insert(who, (record, review));
            }
        }
    }
    ruled.attempts = u64::try_from(newest.len()).unwrap_or(u64::MAX);
    let dissent = newest.iter().filter(|(_, (_, review))| !passes(review));
    for (who, (record, _)) in dissent {
        ruled.serials.push(record.serial());
        ruled.worsen(State::Fail);
        let who = match who {
            Who::Principal(id) => id.to_string(),
            Who::Root(key) => format!("the root {key}"),
        };
        let found = format!("{who} says fail in record {}", record.serial());
        findings.push(
            Finding::new(Code::DISSENT, name.as_str(), found, "no dissent")
                .mended_by(&command, Some(claim.by.as_str())),
        );
    }
    let mut passing: Vec<&Logged> = newest
        .values()
        .filter(|(record, review)| passes(review) && record.statement().binding.change.as_ref() == Some(change))
        .map(|(record, _)| *record)
        .collect();
    passing.sort_by_key(|record| record.serial());
    passing.dedup_by_key(|record| record.serial());
    if passing.is_empty() {
        ruled.worsen(State::Missing);
        let finding = match elsewhere {
            Some(record) => {
                ruled.worsen(State::Invalid);
                let about = record.statement().commit().map_or("another tree", |oid| oid.short());
                Finding::new(
                    Code::OTHER_COMMIT,
                    name.as_str(),
                    format!("record {} is about commit {about}", record.serial()),
                    "a review of this tree",
                )
            }
            None => Finding::new(
                Code::MISSING_CLAIM,
                name.as_str(),
                format!("{why} requires it and there is none"),
                "a passing review",
            ),
        };
        findings.push(finding.mended_by(&command, Some(claim.by.as_str())));
        return ruled;
    }
    let old = |record: &&Logged| claim.age_max.is_some_and(|age| bench.now > record.time().after(age));
    let fresh: Vec<&Logged> = passing.iter().copied().filter(|record| !late(record) && !old(record)).collect();
    if fresh.is_empty() {
        ruled.worsen(State::Invalid);
        for record in &passing {
            ruled.serials.push(record.serial());
            let finding = match claim.age_max {
                Some(age) if old(record) => {
                    let found = format!("record {} is {} old", record.serial(), bench.now.since(record.time()));
                    Finding::new(Code::TOO_OLD, name.as_str(), found, format!("a review not older than {age}"))
                        .mended_by(&command, Some(claim.by.as_str()))
                }
                _ => too_late(name.as_str(), record),
            };
            findings.push(finding);
        }
        return ruled;
    }
    ruled.serials.extend(fresh.iter().map(|record| record.serial()));
    let lacking = bench.support_of_any(name.as_str(), claim, &fresh, &mut ruled);
    findings.extend(lacking.into_iter().map(|finding| finding.mended_by(&command, Some(claim.by.as_str()))));
    ruled
}

/// Returns that a record came after the first attempt, which no further record of this change mends.
pub(super) fn too_late(thing: &str, record: &Logged) -> Finding {
    let found = format!("record {} came after the first attempt", record.serial());
    Finding::new(Code::TOO_LATE, thing, found, "it before the first attempt")
        .mended_by(&["evidence", "plan", "NEW-ID", "--tier", "TIER"], Some("planner"))
}
