//! Merges: who may record one, what it closes, and which verdicts it names. Whether the change is fit is the judge's to say,
//! at the size of the log at which the record is appended.

use super::rules::{Before, Refusal, Rules, check_entitled};
use super::{AppendError, Rights};
use crate::crypto::Envelope;
use crate::model::{ChangeId, Decision, Digest, Entry, Event, Fingerprint, Predicate, Statement, Time};
use crate::policy::Act;
use crate::prove::Trust;
use crate::store::Log;

/// Refuses keys that may not record a merge as the log stands: sooner than the appender would.
///
/// # Errors
/// [`Refusal::NotEntitled`]; else if the ledger's records do not hold.
pub fn may_merge(log: &Log, trust: &Trust, signers: &[Fingerprint], now: Time) -> Result<(), AppendError> {
    let rights = Rights::read(log, trust, signers)?;
    check_entitled(&rights.authority(trust, now), Act::Merge, signers, log.size(), now, None)
}

impl Rules<'_> {
    pub(super) fn check_merge(
        &self,
        envelope: &Envelope,
        statement: &Statement,
        changes: &[ChangeId],
        verdict: Option<&Digest>,
    ) -> Result<(), AppendError> {
        self.entitled(Act::Merge, envelope, None)?;
        for change in changes {
            if let Some(serial) = self.merged(change)? {
                return Err(Refusal::Merged { change: change.clone(), serial }.into());
            }
            if self.chain(&format!("change:{change}"))?.is_empty() {
                return Err(Refusal::NoPlan(change.clone()).into());
            }
        }
        match verdict {
            Some(verdict) => self.check_verdicts(envelope, statement, changes, verdict),
            None => Ok(()),
        }
    }

    /// Returns the serial of the merge that closed a change, be it in the batch at hand.
    pub(super) fn merged(&self, change: &ChangeId) -> Result<Option<u64>, AppendError> {
        let label = format!("change:{change}");
        let beside = self.seen.iter().find(|fresh| is_merge(&fresh.entry) && fresh.entry.labels.contains(&label));
        Ok(self.log.merge_of(change)?.or_else(|| beside.map(|fresh| fresh.place)))
    }

    /// Checks that the verdict accepts the first change, and that those right behind it accept the others.
    fn check_verdicts(
        &self,
        envelope: &Envelope,
        statement: &Statement,
        changes: &[ChangeId],
        verdict: &Digest,
    ) -> Result<(), AppendError> {
        let accepts = |record: &Before| {
            let Some(found) = record.statement() else { return false };
            let signers = record.signed().iter().map(|line| &line.fingerprint);
            matches!(&found.predicate, Predicate::Verdict(verdict) if verdict.decision == Decision::Accepted)
                && found.tree() == statement.tree()
                && signers.eq(envelope.signatures.iter().map(|signature| &signature.keyid))
        };
        let mut wanted = None;
        for change in changes {
            let chain = self.chain(&format!("change:{change}"))?;
            let is_it = |record: &&Before| wanted.map_or(record.leaf == *verdict, |place| record.place == place);
            let found = chain.iter().find(is_it).filter(|record| accepts(record)).map(|record| record.place);
            wanted = Some(found.ok_or(Refusal::Verdict(*verdict))? + 1);
        }
        // A verdict is about changes: a merge of none has none.
        wanted.map(drop).ok_or_else(|| Refusal::Verdict(*verdict).into())
    }
}

/// Checks that a merge goes on from what the branch's newest one left: without a verdict nothing is known that could move it, and
/// what is protected is never dropped. Whether it is what follows from the facts, auditors compute again.
pub(super) fn check_baseline(
    verdict: Option<&Digest>,
    baseline: Option<&Digest>,
    before: &[Before],
) -> Result<(), Refusal> {
    let newest = before.iter().rev().find_map(|record| match &record.statement()?.predicate {
        Predicate::Event(Event::Merge { baseline, .. }) => Some(*baseline),
        _ => None,
    });
    let newest = newest.flatten();
    let fits = match verdict {
        None => baseline == newest.as_ref(),
        Some(_) => baseline.is_some() || newest.is_none(),
    };
    if fits {
        return Ok(());
    }
    let shown = |digest: Option<&Digest>| digest.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
    let wanted = match verdict {
        None => format!("{}, as the newest merge of the branch left it", shown(newest.as_ref())),
        Some(_) => format!("one that follows from {}", shown(newest.as_ref())),
    };
    Err(Refusal::Baseline { found: shown(baseline), wanted })
}

fn is_merge(entry: &Entry) -> bool {
    entry.kind == "event-merge"
}
