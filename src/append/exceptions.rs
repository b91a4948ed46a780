//! Exceptions: who may sign one, what of it the policy allows, and what ends one. The judge asks all of it again, and who
//! wrote the commits, which nobody knows here.

use std::collections::BTreeSet;

use super::rules::{Before, Refusal, Rules};
use super::{AppendError, Rights};
use crate::crypto::{Envelope, PublicKey, sha256};
use crate::model::{
    Authority as AuthorityRecord, ChangeId, ClaimName, Effect, Exception, Fingerprint, Grant, IMPLEMENTER, Id, Name,
    Predicate, PrincipalId, Statement,
};
use crate::policy::{Act, Policy, Reach, concerns, nearest};
use crate::prove::EVERY_CHANGE;

impl Rules<'_> {
    /// `before` is the chain that the exception continues.
    pub(super) fn check_exception(
        &self,
        envelope: &Envelope,
        statement: &Statement,
        exception: &Exception,
        before: &[Before],
    ) -> Result<(), AppendError> {
        let change = statement.binding.change.as_ref();
        let (policy, reach, about) = match change {
            Some(_) => {
                self.named_plan(statement, before)?;
                (self.policy_of(before)?, Reach::OneChange, statement.binding.plan)
            }
            None => {
                let (_, policy) = self.authority.policy_at(self.place).ok_or(Refusal::NoPolicy)?;
                (policy, Reach::AnyChange, Some(sha256(self.origin.as_bytes())))
            }
        };
        if statement.digests().next() != about.as_ref() {
            return Err(Refusal::ExceptionSubject.into());
        }
        let of_id = before.iter().filter(|record| exception_of(record).is_some_and(|it| it.id == exception.id));
        let of_id: Vec<&Before> = of_id.collect();
        if exception.until <= self.time {
            return self.check_end(envelope, exception, &of_id, change);
        }
        if let Some(taken) = of_id.first() {
            return Err(Refusal::ExceptionId { id: exception.id.clone(), serial: taken.place }.into());
        }
        self.entitled(Act::Allow, envelope, change)?;
        for name in &exception.claims {
            if policy.claim(name).is_none() {
                let known = policy.claims().keys().map(|known| known.as_str());
                let nearest = nearest(name.as_str(), known).map(ToOwned::to_owned);
                return Err(Refusal::UnknownClaim { claim: name.clone(), nearest }.into());
            }
        }
        policy.allows_exception(exception, reach, self.time).map_err(Refusal::Exception)?;
        self.check_others(policy, exception, change, before)?;
        match change {
            Some(change) => self.check_implementer(envelope, change, before),
            None => Ok(()),
        }
    }

    /// Whoever may allow an exception, or signed this one, ends it.
    fn check_end(
        &self,
        envelope: &Envelope,
        exception: &Exception,
        of_id: &[&Before],
        change: Option<&ChangeId>,
    ) -> Result<(), AppendError> {
        let until = |record: &&&Before| exception_of(record).is_some_and(|it| it.until > self.time);
        // Whether an earlier end counts is for the judge to say: nothing keeps one that counts from being written.
        let Some(first) = of_id.iter().find(until) else {
            return Err(Refusal::NoException(exception.id.clone()).into());
        };
        let signed: BTreeSet<&Fingerprint> = first.signed().iter().map(|line| &line.fingerprint).collect();
        if envelope.signatures.iter().any(|signature| signed.contains(&signature.keyid)) {
            return Ok(());
        }
        self.entitled(Act::Allow, envelope, change)
    }

    /// Refuses more exceptions in force at once than the policy allows, those about every change among them. Of several patterns
    /// of changes only the judge knows which of them meet in one.
    fn check_others(
        &self,
        policy: &Policy,
        exception: &Exception,
        change: Option<&ChangeId>,
        before: &[Before],
    ) -> Result<(), AppendError> {
        let found = match change {
            Some(change) => {
                let wider = self.chain(EVERY_CHANGE)?;
                self.in_force(before, &|_| true) + self.in_force(&wider, &|other| concerns(other, change))
            }
            None => {
                let meets = |other: &Exception| {
                    let same = |pattern: &String| exception.changes.contains(pattern);
                    other.changes.is_empty() || exception.changes.is_empty() || other.changes.iter().any(same)
                };
                self.in_force(before, &meets)
            }
        };
        let most = policy.exceptions().at_once;
        if found < most { Ok(()) } else { Err(Refusal::TooManyExceptions { found, most }.into()) }
    }

    /// Returns whether an exception of the change stands in for a claim, as far as is known here.
    pub(super) fn is_excepted(&self, claim: &ClaimName, before: &[Before]) -> Result<bool, AppendError> {
        let ended = ended(before);
        for record in before {
            let (Some(at), Some(it)) = (record.entry_time(), exception_of(record)) else { continue };
            let stands = matches!(it.effect, Effect::Waive | Effect::Exempt) && it.claims.contains(claim);
            if !stands || it.until <= at || it.until <= self.time || ended.contains(&it.id) {
                continue;
            }
            // Who signed it is seldom who signs this start, whose keys alone were read.
            let signers: Vec<Fingerprint> = record.signed().iter().map(|line| line.fingerprint.clone()).collect();
            let rights = Rights::read(self.log, self.trust, &signers)?;
            let change = record.statement().and_then(|statement| statement.binding.change.as_ref());
            if rights.authority(self.trust, self.time).would_allow(Act::Allow, &signers, record.place, at, change) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn in_force(&self, chain: &[Before], counts: &dyn Fn(&Exception) -> bool) -> u64 {
        let ended = ended(chain);
        let all = chain.iter().filter_map(|record| Some((record.entry_time()?, exception_of(record)?)));
        let in_force =
            all.filter(|(at, it)| it.until > *at && it.until > self.time && !ended.contains(&it.id) && counts(it));
        u64::try_from(in_force.count()).unwrap_or(u64::MAX)
    }

    /// Refuses whoever implements the change as its plans and leases say, and those who stand behind one who does.
    fn check_implementer(&self, envelope: &Envelope, change: &ChangeId, before: &[Before]) -> Result<(), AppendError> {
        let mut implementers: BTreeSet<PrincipalId> = BTreeSet::new();
        for record in before {
            if let Some(Predicate::Plan(plan)) = record.predicate("plan") {
                implementers.extend(plan.implementers.iter().cloned());
            }
        }
        let leased = self.filed_under(&Name::Change(change.clone()))?.into_iter();
        let leased = leased.filter(|grant| grant.roles.iter().any(|role| role.as_str() == IMPLEMENTER));
        implementers.extend(leased.map(|grant| grant.principal));
        let behind = self.behind(implementers.clone())?;
        for signature in &envelope.signatures {
            let of_key = self.authority.grants().iter().filter(|known| known.key == signature.keyid);
            let own: BTreeSet<PrincipalId> = of_key.map(|known| known.grant.principal.clone()).collect();
            if let Some(principal) = self.behind(own)?.into_iter().find(|principal| behind.contains(principal)) {
                return Err(Refusal::Implementer { principal, change: change.clone() }.into());
            }
        }
        Ok(())
    }

    /// Returns principals and whoever answers for them, as what is filed under them says.
    fn behind(&self, principals: BTreeSet<PrincipalId>) -> Result<BTreeSet<PrincipalId>, AppendError> {
        let mut todo: Vec<PrincipalId> = principals.iter().cloned().collect();
        let mut found = principals;
        while let Some(principal) = todo.pop() {
            for grant in self.filed_under(&Name::Principal(principal))? {
                todo.extend(grant.owner.filter(|owner| found.insert(owner.clone())));
            }
        }
        Ok(found)
    }

    fn filed_under(&self, name: &Name) -> Result<Vec<Grant>, AppendError> {
        let chain = self.chain(&format!("key:{}", PublicKey::of_name(name).fingerprint()))?;
        let grant = |record: &Before| match record.predicate("authority-grant") {
            Some(Predicate::Authority(AuthorityRecord::Grant(grant))) => Some(grant.clone()),
            _ => None,
        };
        Ok(chain.iter().filter_map(grant).collect())
    }
}

/// Returns the ids that a record ended.
fn ended(chain: &[Before]) -> BTreeSet<&Id> {
    let all = chain.iter().filter_map(|record| Some((record.entry_time()?, exception_of(record)?)));
    all.filter(|(at, it)| it.until <= *at).map(|(_, it)| &it.id).collect()
}

fn exception_of(record: &Before) -> Option<&Exception> {
    let kinds = ["exception-waive", "exception-retire", "exception-admit", "exception-exempt"];
    match kinds.iter().find_map(|kind| record.predicate(kind)) {
        Some(Predicate::Exception(exception)) => Some(exception),
        _ => None,
    }
}
