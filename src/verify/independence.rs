//! The rule of independence: whoever implements does not review, also when both are agents.
//!
//! Two are independent when nobody stands behind both, and no key leased the keys of both.

use std::collections::BTreeSet;

use super::authority::{Authority, Known};
use super::judge::Bench;
use super::plan::Plans;
use crate::model::{Fingerprint, IMPLEMENTER, PrincipalId, Role};

/// Who implemented a change, as far as anybody can know.
pub(super) struct Implementers {
    /// Principals that the plan names, that hold the role in a lease for the change, or that wrote its commits.
    pub(super) principals: BTreeSet<PrincipalId>,
    /// They and those who answer for them.
    behind: BTreeSet<PrincipalId>,
    /// Their keys, and the keys that leased them those.
    lineage: BTreeSet<Fingerprint>,
    /// Addresses of authors that no grant carries.
    pub(super) unknown: BTreeSet<String>,
}

impl Implementers {
    pub(super) fn of(bench: &Bench<'_>, plans: &Plans<'_>) -> Self {
        let change = &bench.complete.subject().id;
        let authority = &bench.authority;
        let mut principals: BTreeSet<PrincipalId> =
            plans.all.iter().flat_map(|(_, plan)| plan.implementers.iter().cloned()).collect();
        let leased = authority.grants().iter().filter(|known| {
            known.grant.changes.contains(change) && known.grant.roles.iter().any(|role| role.as_str() == IMPLEMENTER)
        });
        principals.extend(leased.map(|known| known.grant.principal.clone()));
        let mut unknown = BTreeSet::new();
        for person in bench.git.iter().flat_map(|git| &git.commits).flat_map(|commit| &commit.people) {
            let carries = |known: &&Known| known.grant.emails.iter().any(|email| email.eq_ignore_ascii_case(person));
            let of: Vec<&Known> = authority.grants().iter().filter(carries).collect();
            if of.is_empty() {
                unknown.insert(person.clone());
            }
            principals.extend(of.into_iter().map(|known| known.grant.principal.clone()));
        }
        let behind = principals.iter().flat_map(|principal| authority.behind_principal(principal)).collect();
        let own = authority.grants().iter().filter(|known| principals.contains(&known.grant.principal));
        let lineage = own.flat_map(|known| authority.lineage(&known.key)).collect();
        Self { principals, behind, lineage, unknown }
    }

    /// Returns why whoever holds a key is not independent of the implementers, if they are not: by any grant of the key, or,
    /// for a root that has none, by the keys that it leased.
    pub(super) fn binds_key(&self, authority: &Authority<'_>, key: &Fingerprint) -> Option<String> {
        let bound = authority.granted(key).filter_map(|known| self.binds(authority, known)).next();
        bound.or_else(|| {
            let from = authority.lineage(key).into_iter().find(|from| self.lineage.contains(from))?;
            Some(format!("the key {key} and one of the implementers come from the same key {from}"))
        })
    }

    /// Returns why somebody is not independent of the implementers, if they are not.
    fn binds(&self, authority: &Authority<'_>, known: &Known) -> Option<String> {
        let principal = &known.grant.principal;
        if self.principals.contains(principal) {
            return Some(format!("{principal} implements the change"));
        }
        if self.behind.contains(principal) {
            return Some(format!("{principal} answers for somebody who implements the change"));
        }
        if let Some(owner) = authority.behind_principal(principal).into_iter().find(|who| self.behind.contains(who)) {
            return Some(format!("{owner}, who answers for {principal}, stands behind the implementation too"));
        }
        let from = authority.lineage(&known.key).into_iter().find(|key| self.lineage.contains(key))?;
        Some(format!("the key of {principal} and one of the implementers come from the same key {from}"))
    }
}

/// Returns why somebody is not independent of a role, if they are not.
pub(super) fn binds(bench: &Bench<'_>, implementers: &Implementers, of: &Role, known: &Known) -> Option<String> {
    if of.as_str() == IMPLEMENTER {
        return implementers.binds(&bench.authority, known);
    }
    let principal = &known.grant.principal;
    let holds = bench
        .authority
        .grants()
        .iter()
        .any(|other| other.grant.principal == *principal && other.grant.roles.contains(of));
    holds.then(|| format!("{principal} is a {of} too"))
}
