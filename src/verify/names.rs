//! Which names must be looked up before somebody's independence can be judged (format, section 10).
//!
//! A key that signed nothing for a change does not show up in its lists, and yet its grant may say that a reviewer wrote
//! the code, or answers for the agent that did. So every grant is filed under its names, and what is filed under the
//! names of a change is read with the same proof of completeness as its records.

use std::collections::BTreeSet;

use super::authority::{Authority, Policies};
use super::plan::Plans;
use super::planned::judged_claims;
use crate::merkle::MapText;
use crate::model::{Fingerprint, GitFacts, IMPLEMENTER, Name, Predicate, PrincipalId};
use crate::policy::Policy;
use crate::prove::{Change, Complete, EVERY_CHANGE, Logged, ProveError, Source, Trust, name_chain};

/// Reads what is filed under the names that a verdict on a change needs, until no new name turns up.
///
/// # Errors
/// See [`ProveError`].
pub fn read_names(
    mut complete: Complete<Change>,
    source: &dyn Source,
    trust: &Trust,
    policies: &Policies,
    git: &GitFacts,
) -> Result<Complete<Change>, ProveError> {
    loop {
        let authority = Authority::replay(&complete, policies, trust, complete.map().time);
        let missing = missing_names(&complete, &authority, &Plans::of(&complete), git);
        if missing.is_empty() {
            return Ok(complete);
        }
        complete = complete.with_names(source, trust, &missing)?;
    }
}

/// Reads also what is known about the authors where no rule asks for them, so that people see who is known.
///
/// # Errors
/// See [`ProveError`].
pub fn read_authors(
    mut complete: Complete<Change>,
    source: &dyn Source,
    trust: &Trust,
    git: &GitFacts,
) -> Result<Complete<Change>, ProveError> {
    for name in people(git).map(Name::address).collect::<BTreeSet<_>>() {
        if !complete.has_name(&name) && is_there(source, &name)? {
            complete = complete.with_names(source, trust, [&name])?;
        }
    }
    Ok(complete)
}

/// Returns whether something is filed under a name. What is not there needs no proof where no rule asks for it.
fn is_there(source: &dyn Source, name: &Name) -> Result<bool, ProveError> {
    Ok(!source.list(&name_chain(name))?.serials.is_empty())
}

/// Returns the names that a verdict needs and that were not looked up.
pub(super) fn missing_names(
    complete: &Complete<Change>,
    authority: &Authority<'_>,
    plans: &Plans<'_>,
    git: &GitFacts,
) -> BTreeSet<Name> {
    if !authors_matter(complete, authority, plans, git) {
        return BTreeSet::new();
    }
    let mut names: BTreeSet<Name> = people(git).map(Name::address).collect();
    names.insert(Name::Change(complete.subject().id.clone()));
    let signers: BTreeSet<&Fingerprint> =
        complete.of_change().chain(complete.of_tree()).chain(exceptions(complete)).flat_map(Logged::signers).collect();
    let filed: BTreeSet<Fingerprint> =
        names.iter().map(|name| crate::crypto::PublicKey::of_name(name).fingerprint()).collect();
    let mut principals: BTreeSet<&PrincipalId> = plans.all.iter().flat_map(|(_, plan)| &plan.implementers).collect();
    let told = signers.into_iter().chain(&filed).flat_map(|key| authority.granted(key));
    principals.extend(told.map(|known| &known.grant.principal));
    let behind = principals.into_iter().flat_map(|principal| authority.behind_principal(principal));
    names.extend(behind.map(Name::Principal));
    names.into_iter().filter(|name| !complete.has_name(name)).collect()
}

/// Returns the addresses of those who wrote the commits; somebody without one is nobody's.
fn people(git: &GitFacts) -> impl Iterator<Item = &str> {
    let all = git.commits.iter().flat_map(|commit| &commit.people);
    all.map(String::as_str).filter(|address| !address.is_empty())
}

/// Returns the exceptions of the change and those that are wider: nobody who implements a change may sign one for it.
fn exceptions(complete: &Complete<Change>) -> impl Iterator<Item = &Logged> {
    let wider = complete.of_list(&MapText::chain(EVERY_CHANGE));
    complete.of_change().chain(wider).filter(|it| matches!(it.statement().predicate, Predicate::Exception(_)))
}

/// Returns whether a policy that judges the change asks who implemented it, or an exception does.
fn authors_matter(complete: &Complete<Change>, authority: &Authority<'_>, plans: &Plans<'_>, git: &GitFacts) -> bool {
    let Some(first) = plans.first else { return false };
    if exceptions(complete).next().is_some() {
        return true;
    }
    let asks = |policy: &Policy| {
        let required = plans.required(policy, git);
        let claims = judged_claims(plans, policy, required.as_ref());
        claims.iter().any(|(_, claim)| claim.independent_of.iter().any(|role| role.as_str() == IMPLEMENTER))
            || policy.refuse_limitations().iter().any(|name| name.as_str() == UNKNOWN_AUTHOR)
            // Its Rego sees who implemented the change.
            || policy.rego().is_some()
    };
    authority.judging(first.serial()).into_iter().any(|(_, policy)| asks(policy))
}

/// The limitation that an author's address is nobody's.
pub(super) const UNKNOWN_AUTHOR: &str = "unknown-author";
