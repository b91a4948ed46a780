//! What a verdict would be if another policy had been in force. A supposition, and never a verdict that counts.
//!
//! Only what is demanded is supposed. Who might do what stays as it was: the records were made under those rules, and a
//! role that the other policy calls otherwise would refuse everything and tell nothing.

use super::authority::Policies;
use super::branch::read_branch;
use super::changed::asks_changed_lines;
use super::judge::{Judgement, judge};
use super::names::read_names;
use super::question::{Answers, Unanswered};
use super::recheck::{RecheckError, Rechecked};
use super::verdict::{Decided, Verdict};
use crate::model::{GitFacts, Oid};
use crate::policy::Policy;
use crate::prove::{Change, Complete, Materials, ProveError, Source, Trust};

/// The policies of a log as if each had demanded what another policy demands.
#[derive(Debug, Clone)]
pub struct Supposed(Policies);

impl Supposed {
    /// Supposes that a policy had been in force in place of each of a log's.
    #[must_use]
    pub fn of(policies: &Policies, policy: &Policy) -> Self {
        Self(policies.map(|was| policy.clone().with_may_of(was)))
    }

    /// Reads what is filed under the names that the supposed verdict needs.
    ///
    /// # Errors
    /// See [`ProveError`].
    pub fn read_names(
        &self,
        complete: Complete<Change>,
        source: &dyn Source,
        trust: &Trust,
        git: &GitFacts,
    ) -> Result<Complete<Change>, ProveError> {
        read_names(complete, source, trust, &self.0, git)
    }

    /// Reads the merges of the branch that the supposed verdict needs, as [`read_branch`] does.
    ///
    /// # Errors
    /// As [`read_branch`].
    pub fn read_branch<E: From<ProveError>>(
        &self,
        complete: Complete<Change>,
        source: &dyn Source,
        trust: &Trust,
        git: &mut GitFacts,
        before: Option<u64>,
        first_parent: &mut dyn FnMut(&Oid) -> Result<Option<Oid>, E>,
    ) -> Result<Complete<Change>, E> {
        if git.below.is_some() {
            return Ok(complete);
        }
        read_branch(complete, source, trust, &self.0, git, before, first_parent)
    }

    /// Reads again every report of every result of the change, for both the policies and what is supposed.
    ///
    /// # Errors
    /// See [`RecheckError`].
    pub fn recheck(
        &self,
        complete: &Complete<Change>,
        policies: &Policies,
        materials: &dyn Materials,
    ) -> Result<Rechecked, RecheckError> {
        Rechecked::of_all(complete, policies.all().chain(self.0.all()), materials)
    }

    /// Returns whether what is supposed asks for the lines that the change adds.
    #[must_use]
    pub fn asks_changed_lines(&self, complete: &Complete<Change>, git: &GitFacts) -> bool {
        asks_changed_lines(complete, &self.0, git)
    }

    /// Judges as [`judge`] does, by what is supposed in place of the judgement's policies.
    ///
    /// It returns no [`super::Decided`]: nothing that stands for a verdict can be made of it.
    ///
    /// # Errors
    /// As [`judge`].
    pub fn judge(&self, judgement: Judgement<'_>, answers: &Answers) -> Result<Verdict, Unanswered> {
        judge(&Judgement { policies: &self.0, ..judgement }, answers).map(Decided::into_verdict)
    }
}
