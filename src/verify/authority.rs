//! Who may do what, judged at the place in the log (design, section 7).
//!
//! **Needed to help, never to hurt.** A record helps only if its signer was entitled where it was logged and still is. A
//! record that was logged while its signer was granted anything keeps its adverse effect after expiry and revocation.
//! Revoking a key is final. A grant is a record too: it lasts while those who signed it are still entitled to grant, so that
//! what is logged behind the end of a granter counts no more than what is logged behind the end of the signer.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use super::lasting::AsOf;
use crate::crypto::{Hasher, NoteKey, PublicKey, filed_under};
use crate::merkle::Checkpoint;
use crate::model::{
    Authority as AuthorityRecord, ChangeId, Digest, Fingerprint, Grant, Predicate, PrincipalId, Role, Time,
};
use crate::policy::{Act, Applies, BYTES_MAX, MaterialsRule, Policy, PolicyErrors};
use crate::prove::{Complete, Logged, Materials, SourceError, Trust};

/// The policies of a log, read from materials whose hashes were checked.
///
/// The only constructor is [`Policies::read`].
#[derive(Debug, Clone, Default)]
pub struct Policies(BTreeMap<Digest, Policy>);

/// Why policies cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PolicyReadError {
    /// The text of a policy in force is not there.
    #[error("there is no text of the policy {digest} of record {serial}")]
    Missing {
        /// The policy.
        digest: Digest,
        /// Its record.
        serial: u64,
    },
    /// The text is not the one that was signed.
    #[error("the text of the policy of record {serial} does not have the hash {digest}")]
    Contradiction {
        /// The policy.
        digest: Digest,
        /// Its record.
        serial: u64,
    },
    /// It is no policy.
    #[error("the policy of record {serial} cannot be read: {errors}")]
    Policy {
        /// Its record.
        serial: u64,
        /// Why.
        errors: PolicyErrors,
    },
    /// The operating system refuses.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Who stands behind a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A principal of a grant.
    Principal(PrincipalId),
    /// A root of the trust file.
    Root(Fingerprint),
}

/// A grant that held where it was logged.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its record.
    pub serial: u64,
    /// The key's fingerprint.
    pub key: Fingerprint,
    /// What it gives.
    pub grant: Grant,
    pub(super) signers: Vec<Fingerprint>,
    pub(super) time: Time,
}

impl Known {
    /// Returns who signed the grant.
    #[must_use]
    pub fn signers(&self) -> &[Fingerprint] {
        &self.signers
    }

    /// Returns whether this is what is filed under a name: a tie to the principal, and no key that anybody holds.
    #[must_use]
    pub fn is_filing(&self) -> bool {
        filed_under(&self.grant).is_some()
    }
}

/// The grants of a log that held where they were logged, in order.
pub type Grants = Vec<Known>;

/// The history of keys and policies.
pub struct Authority<'a> {
    /// Never empty: the first are those of the trust file.
    roots: Vec<Roots>,
    log_keys: Vec<LogKey>,
    begins: Option<Checkpoint>,
    closed: Option<u64>,
    grants: Grants,
    /// The places in `grants` of what each key was granted.
    held_by: BTreeMap<Fingerprint, Vec<usize>>,
    revoked: BTreeMap<Fingerprint, u64>,
    in_force: Vec<(u64, Digest, &'a Policy)>,
    now: Time,
}

/// Who the roots are from a place of the log on.
#[derive(Debug, Clone)]
pub struct Roots {
    /// The first place at which they are.
    pub from: u64,
    /// Their keys.
    pub keys: BTreeMap<Fingerprint, PublicKey>,
    /// How many of them act together.
    pub threshold: usize,
}

/// A key that signs the log's heads, as the roots recorded it.
#[derive(Debug, Clone)]
pub struct LogKey {
    /// The record.
    pub serial: u64,
    /// The key.
    pub vkey: NoteKey,
    /// The least size whose head it must sign.
    pub from_size: u64,
}

impl Policies {
    /// Reads the text of every policy record and checks its hash.
    ///
    /// # Errors
    /// See [`PolicyReadError`].
    pub fn read<T>(complete: &Complete<T>, materials: &dyn Materials) -> Result<Self, PolicyReadError> {
        let mut policies = BTreeMap::new();
        let texts = complete.records().filter(|record| matches!(record.statement().predicate, Predicate::Policy(_)));
        materials.prepare(&texts.flat_map(|record| record.statement().digests().copied()).collect::<Vec<_>>())?;
        for record in complete.records() {
            let (Predicate::Policy(_), Some(digest)) =
                (&record.statement().predicate, record.statement().digests().next())
            else {
                continue;
            };
            let serial = record.serial();
            let mut reader = materials.material(digest)?.ok_or(PolicyReadError::Missing { digest: *digest, serial })?;
            let mut text = Vec::new();
            let limit = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX);
            (&mut reader)
                .take(limit + 1)
                .read_to_end(&mut text)
                .map_err(|error| SourceError::Unreadable(error.to_string()))?;
            let mut hasher = Hasher::default();
            hasher.update(&text);
            if hasher.finish() != *digest {
                return Err(PolicyReadError::Contradiction { digest: *digest, serial });
            }
            let text = String::from_utf8_lossy(&text);
            let policy = Policy::parse(&text).map_err(|errors| PolicyReadError::Policy { serial, errors })?;
            policies.insert(*digest, policy);
        }
        Ok(Self(policies))
    }

    /// Returns what becomes of every policy, under the hash of what it was.
    pub(super) fn map(&self, become_of: impl Fn(&Policy) -> Policy) -> Self {
        Self(self.0.iter().map(|(digest, policy)| (*digest, become_of(policy))).collect())
    }

    /// Returns every policy, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Policy> {
        self.0.values()
    }

    /// Returns a policy by the hash of its text.
    #[must_use]
    pub fn find(&self, digest: &Digest) -> Option<&Policy> {
        self.0.get(digest)
    }
}

impl<'a> Authority<'a> {
    /// Replays the authority records of a log.
    #[must_use]
    pub fn replay<T>(complete: &'a Complete<T>, policies: &'a Policies, trust: &Trust, now: Time) -> Self {
        let mut authority = Self::of_roots(trust, now);
        for record in complete.records() {
            authority.take(record, policies);
        }
        authority
    }

    /// Returns the history of a log without records: the roots decide.
    #[must_use]
    pub fn of_roots(trust: &Trust, now: Time) -> Self {
        Self {
            roots: vec![Roots {
                from: 0,
                keys: by_fingerprint(trust.roots.iter().cloned()),
                threshold: trust.threshold,
            }],
            log_keys: Vec::new(),
            begins: None,
            closed: None,
            grants: Vec::new(),
            held_by: BTreeMap::new(),
            revoked: BTreeMap::new(),
            in_force: Vec::new(),
            now,
        }
    }

    fn take(&mut self, record: &Logged, policies: &'a Policies) {
        match &record.statement().predicate {
            Predicate::Policy(_) => {
                let digest = record.statement().digests().next();
                if let Some((digest, policy)) = digest.and_then(|digest| Some((digest, policies.find(digest)?)))
                    && self.may_at(Act::Policy, record)
                {
                    self.in_force.push((record.serial(), *digest, policy));
                }
            }
            Predicate::Authority(AuthorityRecord::Grant(grant)) => {
                let Ok(key) = grant.key.parse::<PublicKey>() else { return };
                let key = key.fingerprint();
                let signers: Vec<Fingerprint> = record.signers().cloned().collect();
                let at = AsOf::logged(record);
                let leased = || self.asked(at).leases(grant, &signers, at);
                if !self.revoked.contains_key(&key) && (self.may_at(Act::Grant, record) || leased()) {
                    self.held_by.entry(key.clone()).or_default().push(self.grants.len());
                    self.grants.push(Known {
                        serial: record.serial(),
                        key,
                        grant: grant.clone(),
                        signers,
                        time: record.time(),
                    });
                }
            }
            Predicate::Authority(AuthorityRecord::Revoke(revoke)) => {
                let Ok(key) = revoke.key.parse::<PublicKey>() else { return };
                let key = key.fingerprint();
                if self.may_at(Act::Grant, record) || record.signers().any(|signer| *signer == key) {
                    self.revoked.entry(key).or_insert(record.serial());
                }
            }
            Predicate::Authority(AuthorityRecord::Root { keys, threshold }) => {
                let keys: Result<Vec<PublicKey>, _> = keys.iter().map(|line| line.parse()).collect();
                let (Ok(keys), Ok(threshold)) = (keys, usize::try_from(*threshold)) else { return };
                let keys = by_fingerprint(keys.into_iter());
                if (1..=keys.len()).contains(&threshold) && self.by_roots(record) {
                    self.roots.push(Roots { from: record.serial() + 1, keys, threshold });
                }
            }
            Predicate::Authority(AuthorityRecord::LedgerKey { vkey, from_size }) => {
                let Ok(vkey) = vkey.parse::<NoteKey>() else { return };
                if vkey.name() == record.statement().binding.ledger && self.by_roots(record) {
                    self.log_keys.push(LogKey { serial: record.serial(), vkey, from_size: *from_size });
                }
            }
            Predicate::Authority(AuthorityRecord::Genesis { origin, size, root })
                if record.serial() == 0 && self.by_roots(record) =>
            {
                self.begins = Some(Checkpoint { origin: origin.clone(), size: *size, root: *root });
            }
            Predicate::Authority(AuthorityRecord::Close { .. }) if self.by_roots(record) => {
                self.closed.get_or_insert(record.serial());
            }
            _ => {}
        }
    }

    /// Returns whether enough of those who were roots where a record was logged signed it.
    fn by_roots(&self, record: &Logged) -> bool {
        let signers: Vec<Fingerprint> = record.signers().cloned().collect();
        self.asked(AsOf::logged(record)).roots_act(&signers, record.serial())
    }

    /// Everything that was logged, at the time that is judged.
    pub(super) const fn today(&self) -> AsOf {
        AsOf { place: u64::MAX, time: self.now }
    }

    /// Returns whether signers are as many of the roots as act together, at a place of the log that is yet to come.
    #[must_use]
    pub fn are_roots(&self, signers: &[Fingerprint], place: u64) -> bool {
        self.asked(self.today()).roots_act(signers, place)
    }

    /// Returns who the roots were, one after the other.
    #[must_use]
    pub fn roots(&self) -> &[Roots] {
        &self.roots
    }

    /// Returns who the roots are at a place.
    #[must_use]
    pub fn roots_at(&self, place: u64) -> &Roots {
        let found = self.roots.iter().rev().find(|roots| roots.from <= place);
        found.unwrap_or(&self.roots[0])
    }

    /// Returns the keys that the roots gave the log, in the order of their records.
    #[must_use]
    pub fn log_keys(&self) -> &[LogKey] {
        &self.log_keys
    }

    /// Returns the key that must sign the head of a size; none while it is only the trust file that names one.
    #[must_use]
    pub fn log_key_at(&self, size: u64) -> Option<&LogKey> {
        self.log_keys.iter().rev().find(|key| key.serial < size && key.from_size <= size)
    }

    /// Returns the head of the closed log that this one goes on from.
    #[must_use]
    pub const fn begins(&self) -> Option<&Checkpoint> {
        self.begins.as_ref()
    }

    /// Returns the record that closes the log.
    #[must_use]
    pub const fn closed(&self) -> Option<u64> {
        self.closed
    }

    /// Returns whether signers would be entitled to an act at a place of the log that is yet to come.
    #[must_use]
    pub fn would_allow(
        &self,
        act: Act,
        signers: &[Fingerprint],
        place: u64,
        time: Time,
        change: Option<&ChangeId>,
    ) -> bool {
        self.asked(self.today()).allowed(act, signers, AsOf { place, time }, change)
    }

    /// Returns whether a key held a role at a place and still does.
    #[must_use]
    pub fn holds_role(&self, key: &Fingerprint, role: &Role, place: u64, time: Time) -> bool {
        let asked = self.asked(self.today());
        self.granted(key).any(|known| {
            known.serial < place
                && known.grant.roles.contains(role)
                && known.grant.until.is_none_or(|until| time < until)
                && asked.lasts(known)
        })
    }

    /// Returns the policy that was in force at a place, and its hash.
    #[must_use]
    pub fn policy_at(&self, place: u64) -> Option<(&Digest, &'a Policy)> {
        let found = self.in_force.iter().rev().find(|(serial, _, _)| *serial < place);
        found.map(|(_, digest, policy)| (digest, *policy))
    }

    /// Returns where the policies in force ever put large materials, the newest first.
    pub fn materials(&self) -> impl Iterator<Item = &'a MaterialsRule> {
        self.in_force.iter().rev().filter_map(|(_, _, policy)| policy.materials())
    }

    /// Returns the policies that judge a change which was planned at a place: the one in force there, and the newest too
    /// where either says so (design, section 6). None if none was in force.
    #[must_use]
    pub fn judging(&self, planned: u64) -> Vec<(&Digest, &'a Policy)> {
        let Some((digest, policy)) = self.policy_at(planned) else { return Vec::new() };
        let open = |newest: &Policy| policy.applies() == Applies::Open || newest.applies() == Applies::Open;
        let newest = self.policy_at(u64::MAX).filter(|(other, newest)| *other != digest && open(newest));
        std::iter::once((digest, policy)).chain(newest).collect()
    }

    /// Returns whether a record's signers were entitled to an act where it was logged, and still are.
    #[must_use]
    pub fn may(&self, act: Act, record: &Logged) -> bool {
        self.allows(act, record, self.today())
    }

    /// Returns whether a record's signers were entitled to an act where it was logged.
    #[must_use]
    pub fn may_at(&self, act: Act, record: &Logged) -> bool {
        self.allows(act, record, AsOf::logged(record))
    }

    /// Returns whether some of a record's signers alone were entitled to an act where it was logged, and still are.
    #[must_use]
    pub fn may_by(&self, act: Act, record: &Logged, signers: &[Fingerprint]) -> bool {
        let change = record.statement().binding.change.as_ref();
        let signers: Vec<Fingerprint> = record.signers().filter(|signer| signers.contains(signer)).cloned().collect();
        self.asked(self.today()).allowed(act, &signers, AsOf::logged(record), change)
    }

    fn allows(&self, act: Act, record: &Logged, when: AsOf) -> bool {
        let change = record.statement().binding.change.as_ref();
        let signers: Vec<Fingerprint> = record.signers().cloned().collect();
        self.asked(when).allowed(act, &signers, AsOf::logged(record), change)
    }

    /// Returns whether signers would be entitled to lease these rights at a place of the log that is yet to come.
    #[must_use]
    pub fn would_lease(&self, grant: &Grant, signers: &[Fingerprint], place: u64, time: Time) -> bool {
        self.asked(self.today()).leases(grant, signers, AsOf { place, time })
    }

    /// Returns what a key was ever granted.
    pub(super) fn granted(&self, key: &Fingerprint) -> impl DoubleEndedIterator<Item = &Known> {
        self.held_by.get(key).into_iter().flatten().map(|at| &self.grants[*at])
    }

    /// Returns the grants that a key held at a place, for a change.
    pub(super) fn grants_of<'b>(
        &'b self,
        key: &'b Fingerprint,
        place: u64,
        time: Time,
        change: Option<&'b ChangeId>,
    ) -> impl Iterator<Item = &'b Known> {
        self.grants_at(key, place, time).filter(move |known| {
            known.grant.changes.is_empty() || change.is_some_and(|change| known.grant.changes.contains(change))
        })
    }

    /// Returns the grants that a key held at a place, for whatever change.
    pub(super) fn grants_at<'b>(
        &'b self,
        key: &'b Fingerprint,
        place: u64,
        time: Time,
    ) -> impl Iterator<Item = &'b Known> {
        let revoked = self.revoked.get(key).is_some_and(|serial| *serial < place);
        self.granted(key)
            .filter(move |known| !revoked && known.serial < place && known.grant.until.is_none_or(|until| time < until))
    }

    /// Returns whether any of a record's signers was a root or granted anything where it was logged: then it may hurt.
    #[must_use]
    pub fn may_hurt(&self, record: &Logged) -> bool {
        let change = record.statement().binding.change.as_ref();
        record.signers().any(|signer| self.is_known(signer, record.serial(), record.time(), change))
    }

    /// Returns whether a key was a root or granted anything at a place, so that append takes its records.
    ///
    /// What belongs to no change, such as a halt, is taken from a key that was granted for some changes only.
    #[must_use]
    pub fn is_known(&self, key: &Fingerprint, place: u64, time: Time, change: Option<&ChangeId>) -> bool {
        let when = AsOf { place, time };
        let asked = self.asked(when);
        let lasts = |known: &Known| asked.lasts(known);
        let granted = match change {
            Some(_) => self.grants_of(key, place, time, change).any(lasts),
            None => self.grants_at(key, place, time).any(lasts),
        };
        granted || asked.root_holds(key, place)
    }

    /// Returns the principals among a record's signers that held a role where it was logged and still do.
    #[must_use]
    pub fn supporters<'b>(&'b self, record: &'b Logged, role: &Role) -> Vec<&'b Known> {
        let change = record.statement().binding.change.as_ref();
        let asked = self.asked(self.today());
        let mut found: Vec<&Known> = Vec::new();
        for line in &record.entry().signed {
            for known in self.grants_of(&line.fingerprint, record.serial(), record.time(), change) {
                let counted = found.iter().any(|other| other.grant.principal == known.grant.principal);
                if known.grant.roles.contains(role) && !counted && asked.lasts(known) {
                    found.push(known);
                }
            }
        }
        found
    }

    /// Returns who stands behind a record, as the grants at its place say.
    ///
    /// As in [`Authority::is_known`], a grant for some changes tells also who signed what belongs to none.
    #[must_use]
    pub fn behind(&self, record: &Logged) -> BTreeSet<Who> {
        let change = record.statement().binding.change.as_ref();
        let mut who = BTreeSet::new();
        for signer in record.signers() {
            let grants = self.grants_at(signer, record.serial(), record.time()).filter(|known| {
                change.is_none_or(|change| known.grant.changes.is_empty() || known.grant.changes.contains(change))
            });
            let principals = grants.map(|known| known.grant.principal.clone());
            let before = who.len();
            who.extend(principals.map(Who::Principal));
            if who.len() == before && self.roots_at(record.serial()).keys.contains_key(signer) {
                who.insert(Who::Root(signer.clone()));
            }
        }
        who
    }

    /// Returns every grant that held where it was logged.
    #[must_use]
    pub fn grants(&self) -> &[Known] {
        &self.grants
    }

    /// Returns a principal and whoever answers for it, and for them, as any grant says.
    #[must_use]
    pub fn behind_principal(&self, principal: &PrincipalId) -> BTreeSet<PrincipalId> {
        let mut found = BTreeSet::from([principal.clone()]);
        let mut todo = vec![principal.clone()];
        while let Some(principal) = todo.pop() {
            let of = self.grants.iter().filter(|known| known.grant.principal == principal);
            todo.extend(of.filter_map(|known| known.grant.owner.clone()).filter(|owner| found.insert(owner.clone())));
        }
        found
    }

    /// Returns a key and the keys that it was leased by, back to the first.
    #[must_use]
    pub fn lineage(&self, key: &Fingerprint) -> BTreeSet<Fingerprint> {
        let mut found = BTreeSet::from([key.clone()]);
        let mut todo = vec![key.clone()];
        while let Some(key) = todo.pop() {
            let of = self.granted(&key);
            todo.extend(of.filter_map(|known| known.grant.leased_by.clone()).filter(|from| found.insert(from.clone())));
        }
        found
    }

    /// Returns where a key was revoked.
    #[must_use]
    pub fn revoked(&self, key: &Fingerprint) -> Option<u64> {
        self.revoked.get(key).copied()
    }

    /// Returns the principals who hold each role now: for a change, or at all.
    #[must_use]
    pub fn holders(&self, change: Option<&ChangeId>) -> BTreeMap<Role, BTreeSet<PrincipalId>> {
        let mut holders: BTreeMap<Role, BTreeSet<PrincipalId>> = BTreeMap::new();
        let of_change = |known: &&Known| {
            known.grant.changes.is_empty() || change.is_none_or(|change| known.grant.changes.contains(change))
        };
        let asked = self.asked(self.today());
        for known in self.grants.iter().filter(of_change).filter(|known| !known.is_filing() && asked.lasts(known)) {
            for role in &known.grant.roles {
                holders.entry(role.clone()).or_default().insert(known.grant.principal.clone());
            }
        }
        holders
    }

    /// Returns whether a grant still holds now.
    #[must_use]
    pub fn holds_now(&self, known: &Known) -> bool {
        self.asked(self.today()).lasts(known)
    }
}

fn by_fingerprint(keys: impl Iterator<Item = PublicKey>) -> BTreeMap<Fingerprint, PublicKey> {
    keys.map(|key| (key.fingerprint(), key)).collect()
}
