//! The rule of independence: whoever implements does not review, also when both are agents.

use std::collections::BTreeSet;

use super::authority::Known;
use super::judge::Bench;
use super::plan::Plans;
use crate::model::{PrincipalId, Role};

/// Who implemented a change, as far as anybody can know.
pub(super) struct Implementers {
    /// Principals that the plan names, that hold the role in a lease for the change, or that wrote its commits.
    pub(super) principals: BTreeSet<PrincipalId>,
    /// Those who answer for them.
    owners: BTreeSet<PrincipalId>,
    /// Addresses of authors that no grant carries.
    pub(super) unknown: BTreeSet<String>,
}

impl Implementers {
    pub(super) fn of(bench: &Bench<'_>, plans: &Plans<'_>) -> Self {
        let change = &bench.complete.subject().id;
        let mut principals: BTreeSet<PrincipalId> =
            plans.all.iter().flat_map(|(_, plan)| plan.implementers.iter().cloned()).collect();
        let grants = bench.authority.grants();
        principals.extend(
            grants
                .iter()
                .filter(|known| {
                    known.grant.changes.contains(change)
                        && known.grant.roles.iter().any(|role| role.as_str() == IMPLEMENTER)
                })
                .map(|known| known.grant.principal.clone()),
        );
        let mut unknown = BTreeSet::new();
        for person in bench.git.iter().flat_map(|git| &git.commits).flat_map(|commit| &commit.people) {
            let before = principals.len();
            let of =
                grants.iter().filter(|known| known.grant.emails.iter().any(|email| email.eq_ignore_ascii_case(person)));
            let of: Vec<&Known> = of.collect();
            principals.extend(of.iter().map(|known| known.grant.principal.clone()));
            if of.is_empty() && principals.len() == before {
                unknown.insert(person.clone());
            }
        }
        let owners = grants
            .iter()
            .filter(|known| principals.contains(&known.grant.principal))
            .filter_map(|known| known.grant.owner.clone());
        Self { owners: owners.collect(), principals, unknown }
    }

    /// Returns why somebody is not independent of the implementers, if they are not.
    pub(super) fn binds(&self, known: &Known) -> Option<String> {
        let principal = &known.grant.principal;
        if self.principals.contains(principal) {
            return Some(format!("{principal} implements the change"));
        }
        if self.owners.contains(principal) {
            return Some(format!("{principal} answers for somebody who implements the change"));
        }
        let owner = known.grant.owner.as_ref()?;
        (self.owners.contains(owner) || self.principals.contains(owner))
            .then(|| format!("{owner}, who answers for {principal}, stands behind the implementation too"))
    }
}

/// Returns why somebody is not independent of a role, if they are not.
pub(super) fn binds(bench: &Bench<'_>, implementers: &Implementers, of: &Role, known: &Known) -> Option<String> {
    if of.as_str() == IMPLEMENTER {
        return implementers.binds(known);
    }
    let principal = &known.grant.principal;
    let holds = bench
        .authority
        .grants()
        .iter()
        .any(|other| other.grant.principal == *principal && other.grant.roles.contains(of));
    holds.then(|| format!("{principal} is a {of} too"))
}

/// The role of those who implement.
const IMPLEMENTER: &str = "implementer";
