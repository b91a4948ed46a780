//! Counting mutants: what became of each -> facts about mutation.
//!
//! The spelling of the digest stands at [`MutationFacts::digest`]. Which parts make a mutant's identity its reader says: they
//! hold no line numbers, so that a mutant stays the same when lines above it come and go.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::limits::{CASES_MAX, MENTIONS_MAX};
use super::tally::{digest_of_sorted, kept, netstring, shown};
use super::{Cause, Detail, Format, MESSAGE_CHARS_MAX, Mutant, MutantState, Report};
use crate::model::{Digest, Facts, MutationFacts, Outcome, REASONS_MAX};

/// Counts mutants.
pub(super) struct MutantTally {
    detail: Detail,
    entries: Vec<(Digest, MutantState)>,
    mutants: Vec<Mutant>,
    /// The names of files that are mentioned without mutants.
    bare: Vec<String>,
    /// The tests that the report names, and whether one makes a mutant fail.
    tests: BTreeMap<Arc<str>, bool>,
    counts: [u64; 5],
    /// Mutants that were not judged.
    open: u64,
    /// How often tests were mentioned.
    mentions: u64,
}

/// A mutant as a reader finds it.
pub(super) struct Found<'a> {
    /// What makes its identity.
    pub(super) parts: &'a [&'a str],
    pub(super) file: &'a str,
    pub(super) lines: (u64, u64),
    pub(super) text: &'a str,
    /// None: the tool did not judge it.
    pub(super) state: Option<MutantState>,
}

impl MutantTally {
    pub(super) fn new(detail: Detail) -> Self {
        Self {
            detail,
            entries: Vec::new(),
            mutants: Vec::new(),
            bare: Vec::new(),
            tests: BTreeMap::new(),
            counts: [0; 5],
            open: 0,
            mentions: 0,
        }
    }

    /// Notes a test that the report names, and returns its name to be shared where names are kept.
    ///
    /// If tests are named more often than [`MENTIONS_MAX`], returns [`Cause::TooMany`].
    pub(super) fn test(&mut self, name: &str) -> Result<Option<Arc<str>>, Cause> {
        self.mention()?;
        if self.detail == Detail::FactsOnly {
            return Ok(None);
        }
        let name: Arc<str> = kept(name).into();
        if let Some((known, _)) = self.tests.get_key_value(&name) {
            return Ok(Some(Arc::clone(known)));
        }
        self.tests.insert(Arc::clone(&name), false);
        Ok(Some(name))
    }

    /// Counts a mention of a test that was noted before.
    ///
    /// If tests are named more often than [`MENTIONS_MAX`], returns [`Cause::TooMany`].
    pub(super) fn mention(&mut self) -> Result<(), Cause> {
        self.mentions += 1;
        if self.mentions > MENTIONS_MAX {
            return Err(Cause::TooMany { things: "names of tests", count_max: MENTIONS_MAX });
        }
        Ok(())
    }

    /// Notes a file that the report mentions without mutants.
    pub(super) fn bare_file(&mut self, file: &str) {
        if self.detail == Detail::Everything {
            self.bare.push(kept(file));
        }
    }

    /// Counts a mutant; `killers` are names out of [`MutantTally::test`].
    ///
    /// If there are more than [`CASES_MAX`], returns [`Cause::TooMany`].
    pub(super) fn add(&mut self, found: &Found<'_>, killers: Vec<Arc<str>>) -> Result<(), Cause> {
        if self.entries.len() == CASES_MAX {
            return Err(Cause::TooMany { things: "mutants", count_max: u64::try_from(CASES_MAX).unwrap_or(u64::MAX) });
        }
        let Some(state) = found.state else {
            self.open += 1;
            return Ok(());
        };
        let mut identity = Sha256::new_with_prefix("evidence-mutant/v1\n");
        for part in found.parts {
            netstring(&mut identity, part);
        }
        let identity = Digest(identity.finalize().into());
        // Facts know only that it does not count.
        let of_facts = if state == MutantState::Ignored { MutantState::Invalid } else { state };
        self.entries.push((identity, of_facts));
        self.counts[index(state)] += 1;
        if self.detail == Detail::Everything {
            for killer in killers.iter().filter(|_| state == MutantState::Killed) {
                self.tests.insert(Arc::clone(killer), true);
            }
            let (file, text) = (kept(found.file), shown(found.text, MESSAGE_CHARS_MAX));
            self.mutants.push(Mutant { identity, file, lines: found.lines, text, state, killers });
        }
        Ok(())
    }

    /// Returns how many mutants came to a state.
    pub(super) fn count(&self, state: MutantState) -> u64 {
        self.counts[index(state)]
    }

    /// Makes the facts. `doubts` are the reader's reasons why the report is not whole.
    pub(super) fn finish(mut self, format: Format, mut doubts: Vec<String>) -> Report {
        self.entries.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.word().cmp(b.1.word())));
        let digest = digest_of_sorted("evidence-mutants/v1\n", &self.entries, MutantState::word);
        if self.open > 0 {
            let were = if self.open == 1 { "1 mutant was".to_owned() } else { format!("{} mutants were", self.open) };
            doubts.push(format!("{were} not judged"));
        }
        let mutation = MutationFacts {
            killed: self.count(MutantState::Killed),
            timeout: self.count(MutantState::Timeout),
            survived: self.count(MutantState::Survived),
            uncovered: self.count(MutantState::Uncovered),
            invalid: self.count(MutantState::Invalid),
            digest,
        };
        if mutation.killed + mutation.timeout + mutation.survived + mutation.uncovered == 0 {
            doubts.push("the report has no mutants that count: no score".to_owned());
        }
        doubts.truncate(REASONS_MAX);
        let outcome = if doubts.is_empty() { Outcome::Pass } else { Outcome::Inconclusive };
        let facts = Facts { mutation: Some(mutation), ..Facts::bare(format.reader(), outcome, doubts) };
        let idle = self.tests.into_iter().filter(|(_, kills)| !kills).map(|(name, _)| name.to_string()).collect();
        Report { mutants: self.mutants, without_lines: self.bare, idle_tests: idle, ..Report::of(facts) }
    }
}

fn index(state: MutantState) -> usize {
    match state {
        MutantState::Ignored | MutantState::Invalid => 0,
        MutantState::Killed => 1,
        MutantState::Survived => 2,
        MutantState::Timeout => 3,
        MutantState::Uncovered => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(mutants: &[(&str, MutantState)]) -> Facts {
        let mut tally = MutantTally::new(Detail::FactsOnly);
        for (name, state) in mutants {
            let found = Found { parts: &["a.rs", name], file: "a.rs", lines: (1, 1), text: name, state: Some(*state) };
            tally.add(&found, Vec::new()).unwrap();
        }
        tally.finish(Format::Stryker, Vec::new()).facts
    }

    #[test]
    fn the_digest_is_spelled_as_documented() {
        let identity = |text: &str| Digest(Sha256::digest(format!("evidence-mutant/v1\n{text}")).into()).to_string();
        let mut lines = [
            format!("{} killed 2\n", identity("4:a.rs,1:x,")),
            format!("{} survived 1\n", identity("4:a.rs,1:x,")),
            format!("{} timeout 1\n", identity("4:a.rs,1:y,")),
        ];
        lines.sort();
        let wanted = Digest(Sha256::digest(format!("evidence-mutants/v1\n{}", lines.concat())).into());
        let (x, y) = (|state| ("x", state), ("y", MutantState::Timeout));
        let found = facts(&[x(MutantState::Killed), y, x(MutantState::Survived), x(MutantState::Killed)]);
        let mutation = found.mutation.clone().unwrap();
        assert_eq!((mutation.killed, mutation.survived, mutation.timeout), (2, 1, 1));
        assert_eq!((mutation.digest, found.outcome), (wanted, Outcome::Pass));
        assert_eq!(found, facts(&[x(MutantState::Survived), x(MutantState::Killed), x(MutantState::Killed), y]));
        assert_ne!(found, facts(&[x(MutantState::Survived), x(MutantState::Survived), x(MutantState::Killed), y]));
    }

    #[test]
    fn nothing_valid_is_no_score() {
        for mutants in [&[][..], &[("x", MutantState::Invalid)]] {
            let facts = facts(mutants);
            assert_eq!(facts.outcome, Outcome::Inconclusive);
            assert_eq!(facts.reasons, ["the report has no mutants that count: no score"]);
        }
        assert_eq!(facts(&[("x", MutantState::Uncovered)]).outcome, Outcome::Pass);
        let both = |state| facts(&[("x", state), ("x", MutantState::Invalid), ("y", MutantState::Killed)]);
        assert_eq!(both(MutantState::Ignored), both(MutantState::Invalid));
    }
}
