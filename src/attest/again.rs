//! Acts that are given again after whoever gave them was not told: what is there is not recorded twice.
//!
//! An act is there if a record by exactly the same keys says the same, and that is in effect. It is looked for at the size of the log at
//! which the act would be recorded, so that a push of a program that was killed cannot slip in between.
//! Out of scope: results, which wait in the [`super::Spool`] and are known by their very statement.

use std::collections::BTreeSet;

use super::signer::Signer;
use crate::append::{AppendError, Receipt, Rights};
use crate::crypto::{Envelope, PublicKey};
use crate::merkle::MapText;
use crate::model::{ChangeId, Digest, Entry, Event, Fingerprint, Grant, Oid, Plan, Predicate, Statement, Time};
use crate::prove::{PlacementError, ProveError};
use crate::store::Log;

/// What became of an act.
#[derive(Debug)]
pub enum Done {
    /// It is recorded now.
    Now(Receipt),
    /// It was there already, and is in effect.
    Before(Receipt),
}

impl Done {
    /// Returns the receipt of the record.
    #[must_use]
    pub const fn receipt(&self) -> &Receipt {
        match self {
            Self::Now(receipt) | Self::Before(receipt) => receipt,
        }
    }

    /// Returns whether it was there already.
    #[must_use]
    pub const fn is_before(&self) -> bool {
        matches!(self, Self::Before(_))
    }
}

impl Signer<'_> {
    /// Halts or resumes the ledger, unless the newest records of that kind by these keys say so already.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn event_once(&self, event: &Event) -> Result<Done, AppendError> {
        self.once(|log| self.same_event(log, event), |_| Ok(vec![self.event_statement(event.clone())]))
    }

    /// Grants roles to a key, unless these keys granted just that, for about as long, and it holds.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn grant_once(&self, grant: &Grant, now: Time) -> Result<Done, AppendError> {
        self.once(|log| self.same_grant(log, grant, now), |log| self.grant_statements(log, grant.clone()))
    }

    /// Plans a change, unless these keys planned just that. `first` is as [`Signer::plan`] has it.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn plan_once(
        &self,
        change: &ChangeId,
        base: &Oid,
        plan: &Plan,
        first: Option<Digest>,
    ) -> Result<Done, AppendError> {
        let wanted = self.plan_statement(change, base, plan.clone(), first);
        self.once(
            |log| self.same_plan(log, change, &wanted),
            |_| Ok(vec![self.plan_statement(change, base, plan.clone(), first)]),
        )
    }

    /// Looks for an act, and appends it at the size at which it was not there.
    fn once(
        &self,
        before: impl Fn(&Log) -> Result<Option<u64>, AppendError>,
        make: impl Fn(&Log) -> Result<Vec<Statement>, AppendError>,
    ) -> Result<Done, AppendError> {
        for _ in 0..TRIES {
            let log = self.appender.ledger().read()?;
            if let Some(place) = before(&log)? {
                return Ok(Done::Before(Receipt::of(&log, place)?));
            }
            match self.append_all(make(&log)?, Some(log.size())) {
                Err(AppendError::Moved { .. }) => {}
                appended => return appended.map(Done::Now),
            }
        }
        // Where others append all the time, twice is better than not at all.
        self.append_all(make(&self.appender.ledger().read()?)?, None).map(Done::Now)
    }

    fn same_event(&self, log: &Log, event: &Event) -> Result<Option<u64>, AppendError> {
        for place in log.newest(&MapText::chain("halt"), usize::MAX)?.0.into_iter().rev() {
            let Some((statement, is_ours)) = self.read(log, place)? else { continue };
            match &statement.predicate {
                Predicate::Event(other) if other == event && is_ours => return Ok(Some(place)),
                // A halt of somebody else's ends no halt.
                Predicate::Event(Event::Halt { .. }) if matches!(event, Event::Halt { .. }) => {}
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    fn same_grant(&self, log: &Log, grant: &Grant, now: Time) -> Result<Option<u64>, AppendError> {
        let key = grant.key.parse::<PublicKey>().map_err(PlacementError::Key)?.fingerprint();
        let (places, _) = log.newest(&MapText::chain(&format!("key:{key}")), usize::MAX)?;
        if places.is_empty() {
            return Ok(None);
        }
        let signers = self.signers();
        let rights = Rights::read(log, self.appender.trust(), signers.iter().chain([&key]))?;
        let authority = rights.authority(self.appender.trust(), now);
        for place in places.into_iter().rev() {
            let known = authority.grants().iter().find(|known| known.serial == place);
            let Some(known) = known.filter(|known| authority.holds_now(known)) else { continue };
            let same = Grant { until: grant.until, ..known.grant.clone() } == *grant
                && lasts_as_long(known.grant.until, grant.until);
            if same && self.read(log, place)?.is_some_and(|(_, is_ours)| is_ours) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Finds the plan among those of a change: the first one stays the first, of later ones the newest counts.
    fn same_plan(&self, log: &Log, change: &ChangeId, wanted: &Statement) -> Result<Option<u64>, AppendError> {
        if log.merge_of(change)?.is_some() {
            return Ok(None);
        }
        // As whoever reads it would: printing has one order for what has several.
        let wanted = Statement::parse(&wanted.print()?)?;
        let (places, _) = log.newest(&MapText::chain(&format!("change:{change}")), usize::MAX)?;
        let mut plans = Vec::new();
        for place in places {
            match self.read(log, place)? {
                Some((statement, is_ours)) if matches!(statement.predicate, Predicate::Plan(_)) => {
                    plans.push((place, statement, is_ours));
                }
                _ => {}
            }
        }
        let is_first = wanted.binding.plan.is_none();
        let found = if is_first { plans.first() } else { plans.last() };
        let found = found.filter(|(_, statement, is_ours)| {
            *is_ours
                && statement.subjects == wanted.subjects
                && statement.predicate == wanted.predicate
                && statement.binding.plan == wanted.binding.plan
        });
        Ok(found.map(|(place, ..)| *place))
    }

    /// Reads a record, and whether exactly these keys signed it.
    fn read(&self, log: &Log, place: u64) -> Result<Option<(Statement, bool)>, AppendError> {
        let Some(record) = log.record(place)? else { return Ok(None) };
        let entry = Entry::parse(&record.entry).map_err(ProveError::from)?;
        let signers: BTreeSet<Fingerprint> = entry.signed.into_iter().map(|line| line.fingerprint).collect();
        let statement = Statement::parse(&Envelope::parse(&record.envelope)?.payload)?;
        Ok(Some((statement, signers == self.signers())))
    }

    fn signers(&self) -> BTreeSet<Fingerprint> {
        self.keys.iter().map(|key| key.public().fingerprint()).collect()
    }
}

/// Returns whether a grant lasts about as long as one that is asked for: a span that is given again ends a little later.
fn lasts_as_long(known: Option<Time>, wanted: Option<Time>) -> bool {
    match (known, wanted) {
        (None, None) => true,
        (Some(known), Some(wanted)) => known.0.abs_diff(wanted.0) <= AGAIN_SECONDS_MAX,
        _ => false,
    }
}

/// So often others may be faster.
const TRIES: u32 = 16;
/// Whoever repeats a command repeats it by then; later it is meant to last longer.
const AGAIN_SECONDS_MAX: u64 = 600;
