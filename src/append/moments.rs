//! What the policy demands before the first attempt. The judge looks closer.

use super::rules::{Before, Refusal, Rules, Seen};
use super::{AppendError, Rights};
use crate::model::{ChangeId, ClaimName, Predicate, TierName, Time};
use crate::policy::{Moment, Policy, Why};
use crate::prove::Trust;
use crate::store::Ledger;

/// Refuses an attempt of a change while something is to be shown before the first one because of the paths that it touches.
///
/// A ledger sees no paths: this is for whoever is about to attest and has the repository. They are asked for only where the
/// policy has something to show before the first attempt, and rules about paths.
///
/// # Errors
/// [`Refusal::PlanMoment`]; else if the ledger's records do not hold, or the paths cannot be told.
pub fn may_start<P: AsRef<[u8]>, E: From<AppendError>>(
    ledger: &Ledger,
    trust: &Trust,
    (change, claim): (&ChangeId, &ClaimName),
    now: Time,
    touched: impl FnOnce() -> Result<Vec<P>, E>,
) -> Result<(), E> {
    let log = &ledger.read().map_err(AppendError::from)?;
    let rights = Rights::read(log, trust, [])?;
    let authority = rights.authority(trust, now);
    let seen = Seen { batch: &[], job: &[] };
    let rules =
        Rules { log, seen, authority: &authority, trust, place: log.size(), time: now, origin: ledger.origin() };
    let before = rules.chain(&format!("change:{change}"))?;
    let policy = rules.policy_of(&before)?;
    let is_first = |claim: &ClaimName| policy.claim(claim).is_some_and(|claim| claim.at == Moment::Plan);
    if policy.whens().is_empty() || is_first(claim) || !policy.claims().keys().any(is_first) {
        return Ok(());
    }
    let began = before.iter().any(|record| match record.predicate("start") {
        Some(Predicate::Start(start)) => !is_first(&start.claim),
        _ => false,
    });
    // What began is too late, and waits for nothing any more.
    if began { Ok(()) } else { Ok(rules.check_plan_moment(policy, &before, &touched()?)?) }
}

impl Rules<'_> {
    /// Holds back a start before what the policy demands at the plan was shown.
    pub(super) fn check_plan_moment<P: AsRef<[u8]>>(
        &self,
        policy: &Policy,
        before: &[Before],
        touched: &[P],
    ) -> Result<(), AppendError> {
        let tiers: Vec<TierName> = before
            .iter()
            .filter_map(|record| match record.predicate("plan") {
                Some(Predicate::Plan(plan)) => Some(plan.tier.clone()),
                _ => None,
            })
            .collect();
        let Some(tier) = tiers.iter().max_by_key(|tier| policy.tier_rank(tier)) else { return Ok(()) };
        let Some(wanted) = policy.requirements(tier, touched) else { return Ok(()) };
        let (raised_by, counts) = (wanted.raised_by, wanted.tier);
        let due = wanted.claims.into_iter().filter_map(|required| {
            let claim = policy.claim(&required.claim).filter(|claim| claim.at == Moment::Plan)?;
            Some((required, claim))
        });
        for (required, claim) in due {
            let name = required.claim;
            if self.is_excepted(&name, before)? {
                continue;
            }
            let shows: Vec<&Before> = before.iter().filter(|record| record.shows(&name)).collect();
            // Who showed it is seldom who signs this start, whose keys alone were read.
            let signers = shows.iter().flat_map(|record| record.signed()).map(|line| &line.fingerprint);
            let rights = Rights::read(self.log, self.trust, signers)?;
            let authority = rights.authority(self.trust, self.time);
            let helps = |record: &&Before| {
                let mut signed = record.signed().iter();
                let time = record.entry_time().unwrap_or(self.time);
                signed.any(|line| authority.holds_role(&line.fingerprint, &claim.by, record.place, time))
            };
            if !shows.iter().any(helps) {
                let raised = raised_by.map_or_else(String::new, |rule| {
                    format!("; touched paths raise it from {tier}: [[when]] rule {}", rule + 1)
                });
                let why = match required.why {
                    Why::Tier(_) => format!("tier {counts}{raised}"),
                    rule @ Why::When(_) => format!("touched paths: {rule}"),
                };
                return Err(Refusal::PlanMoment { claim: name, form: claim.form, why }.into());
            }
        }
        Ok(())
    }
}
