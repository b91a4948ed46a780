//! How long a grant lasts: as long as its key, and as long as those on whom it rests may still grant (design, section 7).

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use super::authority::{Authority, Known};
use crate::crypto::filed_under;
use crate::model::{ChangeId, Fingerprint, Grant, IMPLEMENTER, Role, Time};
use crate::policy::Act;
use crate::prove::Logged;

/// A place of the log and its time: where something was signed, or as of when it must last.
#[derive(Debug, Clone, Copy)]
pub(super) struct AsOf {
    pub(super) place: u64,
    pub(super) time: Time,
}

impl AsOf {
    /// Where a record was logged.
    pub(super) fn logged(record: &Logged) -> Self {
        Self { place: record.serial(), time: record.time() }
    }

    /// Where a grant was logged.
    const fn granted(known: &Known) -> Self {
        Self { place: known.serial, time: known.time }
    }
}

/// Questions about grants as of one place, and what was found for each grant on the way.
///
/// Many grants rest on the same few: without the answers kept, a chain of parallel leases would be walked once for every way
/// through it, and whoever holds anything can lease it on.
pub(super) struct Asked<'q, 'a> {
    authority: &'q Authority<'a>,
    pub(super) when: AsOf,
    found: RefCell<HashMap<(u64, u32), bool>>,
}

impl<'a> Authority<'a> {
    /// Returns the questions about grants as of a place.
    pub(super) fn asked(&self, when: AsOf) -> Asked<'_, 'a> {
        Asked { authority: self, when, found: RefCell::default() }
    }
}

impl Asked<'_, '_> {
    /// Returns whether a grant that held where it was logged lasts: neither its key nor any of those on whom it rests was
    /// revoked before, and none of their grants had ended by itself.
    pub(super) fn lasts(&self, known: &Known) -> bool {
        self.lasts_within(known, DEPTH_MAX)
    }

    /// Returns whether signers were entitled to an act at a place, for a change, and still are.
    pub(super) fn allowed(&self, act: Act, signers: &[Fingerprint], at: AsOf, change: Option<&ChangeId>) -> bool {
        self.allowed_within(act, signers, at, change, DEPTH_MAX)
    }

    /// Returns whether a grant is a lease by one of its signers of what that signer holds itself, for no longer and for no
    /// other changes. To implement is a duty and no right: whoever holds anything may lease it.
    pub(super) fn leases(&self, grant: &Grant, signers: &[Fingerprint], at: AsOf) -> bool {
        self.leases_within(grant, signers, at, DEPTH_MAX)
    }

    /// Returns whether as many of the signers as act together were roots at a place, and still are.
    pub(super) fn roots_act(&self, signers: &[Fingerprint], place: u64) -> bool {
        let held = signers.iter().filter(|signer| self.root_holds(signer, place)).count();
        held >= self.authority.roots_at(place).threshold
    }

    /// A revoked root is a root no longer, from the record that revokes it on. One that gave way to others keeps what it did: that is no revocation.
    pub(super) fn root_holds(&self, key: &Fingerprint, place: u64) -> bool {
        let is_out = self.authority.revoked(key).is_some_and(|serial| serial <= self.when.place);
        self.authority.roots_at(place).keys.contains_key(key) && !is_out
    }

    /// [`Asked::lasts`], with a chain of granters no longer than this below it.
    pub(super) fn lasts_within(&self, known: &Known, depth: u32) -> bool {
        let Some(below) = depth.checked_sub(1) else { return false };
        let is_out = self.authority.revoked(&known.key).is_some_and(|serial| serial < self.when.place);
        if is_out || known.grant.until.is_some_and(|until| until <= self.when.time) {
            return false;
        }
        let asked = (known.serial, depth);
        if let Some(found) = self.found.borrow().get(&asked) {
            return *found;
        }
        let at = AsOf::granted(known);
        let found = self.allowed_within(Act::Grant, &known.signers, at, None, below)
            || self.leases_within(&known.grant, &known.signers, at, below);
        self.found.borrow_mut().insert(asked, found);
        found
    }

    fn allowed_within(
        &self,
        act: Act,
        signers: &[Fingerprint],
        at: AsOf,
        change: Option<&ChangeId>,
        depth: u32,
    ) -> bool {
        if self.roots_act(signers, at.place) {
            return true;
        }
        let policy = self.authority.policy_at(at.place);
        let Some(entitled) = policy.and_then(|(_, policy)| policy.may(act)) else { return false };
        let mut principals = BTreeSet::new();
        for signer in signers {
            for known in self.authority.grants_of(signer, at.place, at.time, change) {
                if entitled.includes(&known.grant.roles) && self.lasts_within(known, depth) {
                    principals.insert(&known.grant.principal);
                }
            }
        }
        u64::try_from(principals.len()).is_ok_and(|count| count >= entitled.threshold)
    }

    fn leases_within(&self, grant: &Grant, signers: &[Fingerprint], at: AsOf, depth: u32) -> bool {
        let Some(lessor) = grant.leased_by.as_ref().filter(|lessor| signers.contains(lessor)) else { return false };
        let owns = |known: &&Known| grant.owner.as_ref() == Some(&known.grant.principal);
        let held: Vec<&Known> = self
            .authority
            .grants_at(lessor, at.place, at.time)
            .filter(|known| owns(known) && self.lasts_within(known, depth))
            .collect();
        if held.is_empty() {
            return false;
        }
        if filed_under(grant).is_some() {
            return true;
        }
        let Some(until) = grant.until else { return false };
        let covers = |known: &&&Known, role: &Role, change: &ChangeId| {
            (role.as_str() == IMPLEMENTER || known.grant.roles.contains(role))
                && (known.grant.changes.is_empty() || known.grant.changes.contains(change))
                && known.grant.until.is_none_or(|end| until <= end)
        };
        !grant.changes.is_empty()
            && grant
                .changes
                .iter()
                .all(|change| grant.roles.iter().all(|role| held.iter().any(|known| covers(&known, role, change))))
    }
}

/// Longer chains of granters than this help nobody: who grants to whom could then not be followed by a person either.
pub(super) const DEPTH_MAX: u32 = 16;
