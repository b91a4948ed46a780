//! What a ledger refuses to accept. The verdict does not rely on it: each rule is judged again there.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::crypto::{Envelope, NoteKey, PublicKey, filed_under};
use crate::merkle::MapText;
use crate::model::{
    Authority as AuthorityRecord, CRITERIA_MAX, ChangeId, ClaimName, CriterionId, Digest, Entry, Event, Fingerprint,
    Grant, Id, Name, Outcome, Plan, Predicate, PrincipalId, ReviewVerdict, Run, SignedLine, Statement, TierName, Time,
};
use crate::policy::{Act, BYTES_MAX, Form, Moment, Outside, Policy, nearest};
use crate::prove::{RawRecord, Trust};
use crate::store::Log;
use crate::verify::{Authority, Ended};

use super::AppendError;
use super::merges::check_baseline;

/// A record that is about to be appended.
#[derive(Debug, Clone)]
pub(super) struct Fresh {
    pub(super) place: u64,
    pub(super) leaf: Digest,
    pub(super) entry: Entry,
    pub(super) envelope: Envelope,
    pub(super) statement: Statement,
}

/// What the batch holds already: of other jobs, and of the same.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) batch: &'a [Fresh],
    pub(super) job: &'a [Fresh],
}

impl<'a> Seen<'a> {
    pub(super) fn iter(self) -> impl DoubleEndedIterator<Item = &'a Fresh> {
        self.batch.iter().chain(self.job)
    }
}

/// Why a rule refuses a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was made for another ledger.
    #[error("the record was made for the ledger {found}; this one is {wanted}")]
    Ledger {
        /// For which it was made.
        found: String,
        /// This one.
        wanted: String,
    },
    /// The ledger holds this very statement.
    #[error("the ledger holds this statement already, as record {0}")]
    Twice(u64),
    /// A signer has no grant, or none any more.
    #[error("{key} {why}")]
    UnknownSigner {
        /// The signer.
        key: Fingerprint,
        /// Why.
        why: Ended,
    },
    /// The signers may not do this.
    #[error("the signers may not {act} here: wanted {wanted}")]
    NotEntitled {
        /// What they may not do.
        act: &'static str,
        /// Who may.
        wanted: String,
    },
    /// The change has no plan.
    #[error("the change {0} has no plan")]
    NoPlan(ChangeId),
    /// The change has a plan.
    #[error(
        "the change {change} is planned already, in record {serial}; a later plan gives a reason and names the first"
    )]
    Planned {
        /// The change.
        change: ChangeId,
        /// Its first plan.
        serial: u64,
    },
    /// The change is closed.
    #[error("the change {0} is merged, and no closed id is planned again")]
    Closed(ChangeId),
    /// The change is closed, and ends in one merge.
    #[error("the change {change} is merged already, by record {serial}")]
    Merged {
        /// The change.
        change: ChangeId,
        /// Its merge.
        serial: u64,
    },
    /// The verdict that a merge names is not there.
    #[error(
        "the merge names the verdict {0}; wanted that record and those right behind it to accept its changes in their order, on its tree, by its signers"
    )]
    Verdict(Digest),
    /// What a branch protects goes on from merge to merge.
    #[error("the merge leaves the baseline {found}; wanted {wanted}")]
    Baseline {
        /// What it leaves.
        found: String,
        /// What the branch's newest merge makes of it.
        wanted: String,
    },
    /// Tiers are raised only.
    #[error("the change is planned for tier {planned}; {wanted} is lower, and tiers are raised only")]
    Lowered {
        /// The tier planned.
        planned: TierName,
        /// The tier asked for.
        wanted: TierName,
    },
    /// More criteria than are judged.
    #[error("the change's plans would have {found} criteria; at most {CRITERIA_MAX} are judged")]
    TooManyCriteria {
        /// How many there would be.
        found: usize,
    },
    /// The policy has no such tier.
    #[error("the policy has no tier {0}")]
    UnknownTier(TierName),
    /// An implied plan where the policy wants a real one.
    #[error("the policy lets nobody work without a plan at tier {0}")]
    Unplanned(TierName),
    /// The record names another plan than the change's first.
    #[error("the record names another plan than the first of {0}")]
    WrongPlan(ChangeId),
    /// No policy is in force.
    #[error("no policy is in force yet")]
    NoPolicy,
    /// The policy has no such claim.
    #[error("the policy has no claim {claim}{}", nearest.as_ref().map_or(String::new(), |name| format!("; did you mean {name}?")))]
    UnknownClaim {
        /// The claim.
        claim: ClaimName,
        /// The nearest name that it has.
        nearest: Option<String>,
    },
    /// The policy lists other variants.
    #[error("the claim {claim} has no variant {variant}; the policy lists {known}")]
    UnknownVariant {
        /// The claim.
        claim: ClaimName,
        /// The variant, or `none`.
        variant: String,
        /// Those that it has.
        known: String,
    },
    /// The claim is shown the other way.
    #[error("the claim {claim} is shown by a {wanted}")]
    Form {
        /// The claim.
        claim: ClaimName,
        /// How it is shown.
        wanted: &'static str,
    },
    /// What the policy demands before the first attempt is not there.
    #[error("the policy demands {claim} before the first attempt ({why}), and nobody has shown it")]
    PlanMoment {
        /// The claim.
        claim: ClaimName,
        /// How it is shown.
        form: Form,
        /// What demands it.
        why: String,
    },
    /// A result names no start of its own.
    #[error("the result matches no start of the change")]
    NoStart,
    /// A start has one result.
    #[error("the attempt has a result already, in record {0}")]
    Ended(u64),
    /// A revoked key is granted nothing again.
    #[error("the key {0} is revoked, and revoking is final")]
    Revoked(Fingerprint),
    /// A key stands for one principal.
    #[error("the key {key} is {principal}'s")]
    OtherPrincipal {
        /// The key.
        key: Fingerprint,
        /// Whose it is.
        principal: String,
    },
    /// A lease of more than the lessor holds.
    #[error(
        "the lease gives what its signer does not hold: wanted the signer's own roles, named changes, an end no later than the signer's, and the signer's principal as owner"
    )]
    Lease,
    /// Somebody else answers for the principal.
    #[error("{owner} answers for {principal}; a lease is for oneself or for whom one answers for")]
    OtherOwner {
        /// The principal.
        principal: String,
        /// Who answers for it.
        owner: String,
    },
    /// A grant gives nothing.
    #[error("the grant to {0} gives no role")]
    NoRoles(Fingerprint),
    /// A grant is not filed under one of its names: then no verifier could know of it who does not know the key.
    #[error("the grant is not filed under {0} yet")]
    NotFiled(String),
    /// What is filed under a name says more than the tie.
    #[error("what is filed under {0} gives more than the tie to its principal")]
    Filing(String),
    /// More roots must act together than there are, or one of them is no key.
    #[error(
        "the roots would be {keys} keys with a threshold of {threshold}; wanted distinct keys, and a threshold from 1 to their number"
    )]
    Roots {
        /// The number of distinct keys.
        keys: usize,
        /// The threshold.
        threshold: u32,
    },
    /// The new log key is named for another log, or signs from a size that is past.
    #[error("the log key {name} from size {from_size} does not follow here; wanted {origin} from {wanted} or later")]
    LogKey {
        /// Its name.
        name: String,
        /// The size from which it signs.
        from_size: u64,
        /// This ledger.
        origin: String,
        /// The least size.
        wanted: u64,
    },
    /// The log is closed.
    #[error("the log is closed by record {0}")]
    ClosedLog(u64),
    /// Only a log's first record says what it goes on from.
    #[error("only a log's first record says what it goes on from; this would be record {0}")]
    LateGenesis(u64),
    /// The text of a policy is not there or unfit.
    #[error("the policy {0} cannot be put into force: {1}")]
    PolicyText(Digest, String),
    /// The policy does not allow such an exception.
    #[error(transparent)]
    Exception(#[from] Outside),
    /// An exception is about its change, or the ledger, and says so in its subject.
    #[error("an exception's subject is the first plan of its change, or the ledger where it is about every change")]
    ExceptionSubject,
    /// The id is an exception's already.
    #[error("the exception {id} is there already, as record {serial}")]
    ExceptionId {
        /// The id.
        id: Id,
        /// Its record.
        serial: u64,
    },
    /// What is to be ended is not in force.
    #[error("no exception {0} is in force here")]
    NoException(Id),
    /// As many are in force as the policy allows.
    #[error("{found} exceptions are in force here; the policy allows {most} at once")]
    TooManyExceptions {
        /// How many are in force.
        found: u64,
        /// How many may be.
        most: u64,
    },
    /// Whoever implements a change allows nothing for it.
    #[error("{principal} stands behind the implementation of {change}; wanted somebody who does not")]
    Implementer {
        /// Who does.
        principal: PrincipalId,
        /// The change.
        change: ChangeId,
    },
    /// This version does not write such records.
    #[error("records of kind {0} are not written by this version")]
    Kind(String),
}

pub(super) struct Rules<'a> {
    pub(super) log: &'a Log,
    pub(super) seen: Seen<'a>,
    pub(super) authority: &'a Authority<'a>,
    pub(super) trust: &'a Trust,
    pub(super) place: u64,
    pub(super) time: Time,
    pub(super) origin: &'a str,
}

/// A record of a chain, as far as a rule needs it.
pub(super) struct Before {
    pub(super) place: u64,
    pub(super) leaf: Digest,
    bytes: Vec<u8>,
    envelope: Vec<u8>,
    parsed: OnceCell<Option<Entry>>,
    read: OnceCell<Option<Statement>>,
}

impl Before {
    /// Returns the entry, read when it is first asked for.
    fn entry(&self) -> Option<&Entry> {
        self.parsed.get_or_init(|| Entry::parse(&self.bytes).ok()).as_ref()
    }

    /// Returns the time of the entry.
    pub(super) fn entry_time(&self) -> Option<Time> {
        self.entry().map(|entry| entry.time)
    }

    pub(super) fn signed(&self) -> &[SignedLine] {
        self.entry().map_or(&[], |entry| &entry.signed)
    }

    /// Returns whether the entry names a statement.
    fn states(&self, hash: &Digest) -> bool {
        // The hash is one of few lines: most entries are told apart without being parsed.
        let text = hash.to_string();
        let there = self.bytes.windows(text.len()).any(|part| part == text.as_bytes());
        there && self.entry().is_some_and(|entry| entry.statement == *hash)
    }

    /// Returns the statement, read when it is first asked for: a chain may be long and the rule about few of its records.
    pub(super) fn statement(&self) -> Option<&Statement> {
        let read = || Statement::parse(&Envelope::parse(&self.envelope).ok()?.payload).ok();
        self.read.get_or_init(read).as_ref()
    }

    /// Returns the predicate, if the record is of the kind.
    pub(super) fn predicate(&self, kind: &str) -> Option<&Predicate> {
        let rest = self.bytes.strip_prefix(KIND).and_then(|rest| rest.strip_prefix(kind.as_bytes()));
        let is = rest.is_some_and(|rest| rest.first() == Some(&b'\n'));
        is.then(|| self.statement()).flatten().map(|statement| &statement.predicate)
    }

    /// Returns whether it says that a claim is met.
    pub(super) fn shows(&self, claim: &ClaimName) -> bool {
        let shown = self.predicate("result").or_else(|| self.predicate("review-plain"));
        match shown {
            Some(Predicate::Review(review)) => {
                review.claim == *claim && review.criteria.is_empty() && review.verdict == Some(ReviewVerdict::Pass)
            }
            Some(Predicate::Result(run)) => run.claim == *claim && run.outcome == Outcome::Pass,
            _ => false,
        }
    }
}

impl Rules<'_> {
    pub(super) fn check(&self, envelope: &Envelope, statement: &Statement, chain: &str) -> Result<(), AppendError> {
        if statement.binding.ledger != self.origin {
            let found = statement.binding.ledger.clone();
            return Err(Refusal::Ledger { found, wanted: self.origin.to_owned() }.into());
        }
        if let Some(last) = self.closed() {
            return Err(Refusal::ClosedLog(last).into());
        }
        let change = statement.binding.change.as_ref();
        for signature in &envelope.signatures {
            if !self.authority.is_known(&signature.keyid, self.place, self.time, change) {
                let key = signature.keyid.clone();
                let why = self.authority.ended(&key, self.place, self.time);
                return Err(Refusal::UnknownSigner { key, why }.into());
            }
        }
        let before = self.chain(chain)?;
        let hash = envelope.statement_hash();
        if let Some(twice) = before.iter().find(|record| record.states(&hash)) {
            return Err(Refusal::Twice(twice.place).into());
        }
        match &statement.predicate {
            Predicate::Plan(plan) => self.check_plan(envelope, statement, plan, before),
            Predicate::Start(start) => {
                self.named_plan(statement, &before)?;
                let policy = self.policy_of(&before)?;
                self.check_claim(policy, &start.claim, Form::Run)?;
                let claim = policy.claim(&start.claim);
                let fits = |variants: &Vec<_>| {
                    variants.is_empty() || start.variant.as_ref().is_some_and(|variant| variants.contains(variant))
                };
                if let Some(claim) = claim.filter(|claim| !fits(&claim.variants)) {
                    let known: Vec<&str> = claim.variants.iter().map(|variant| variant.as_str()).collect();
                    let variant = start.variant.as_ref().map_or("none", |variant| variant.as_str()).to_owned();
                    return Err(Refusal::UnknownVariant {
                        claim: start.claim.clone(),
                        variant,
                        known: known.join(", "),
                    }
                    .into());
                }
                if claim.is_none_or(|claim| claim.at != Moment::Plan) {
                    self.check_plan_moment::<&str>(policy, &before, &[])?;
                }
                Ok(())
            }
            Predicate::Result(run) => {
                self.named_plan(statement, &before)?;
                self.check_result(envelope, statement, run, before)
            }
            Predicate::Review(review) => {
                self.named_plan(statement, &before)?;
                if !review.criteria.is_empty() {
                    // It is about criteria of the plan, and about no claim of the policy.
                    return Ok(());
                }
                self.check_claim(self.policy_of(&before)?, &review.claim, Form::Review)
            }
            Predicate::Verdict(_) => self.named_plan(statement, &before).map(drop),
            Predicate::Authority(AuthorityRecord::Grant(grant)) => {
                let signers: Vec<Fingerprint> = envelope.signatures.iter().map(|it| it.keyid.clone()).collect();
                let entitled = self.entitled(Act::Grant, envelope, None);
                if grant.leased_by.is_some() && entitled.is_err() {
                    if !self.authority.would_lease(grant, &signers, self.place, self.time) {
                        return Err(Refusal::Lease.into());
                    }
                    self.check_lease(grant)?;
                } else {
                    entitled?;
                }
                let key: PublicKey = grant.key.parse().map_err(crate::prove::PlacementError::Key)?;
                self.check_grant(&key, grant)
            }
            Predicate::Authority(AuthorityRecord::Revoke(revoke)) => {
                let key: PublicKey = revoke.key.parse().map_err(crate::prove::PlacementError::Key)?;
                let own = envelope.signatures.iter().any(|signature| signature.keyid == key.fingerprint());
                if own { Ok(()) } else { self.entitled(Act::Grant, envelope, None) }
            }
            Predicate::Policy(_) => {
                self.entitled(Act::Policy, envelope, None)?;
                self.check_policy_text(statement)
            }
            Predicate::Event(Event::Halt { .. }) => Ok(()),
            Predicate::Event(Event::Resume { .. }) => self.entitled(Act::Resume, envelope, None),
            Predicate::Event(Event::Merge { changes, verdict, baseline, .. }) => {
                check_baseline(verdict.as_ref(), baseline.as_ref(), &before)?;
                self.check_merge(envelope, statement, changes, verdict.as_ref())
            }
            Predicate::Authority(
                authority @ (AuthorityRecord::Root { .. }
                | AuthorityRecord::LedgerKey { .. }
                | AuthorityRecord::Close { .. }
                | AuthorityRecord::Genesis { .. }),
            ) => self.check_succession(envelope, authority),
            Predicate::Exception(exception) => self.check_exception(envelope, statement, exception, &before),
            Predicate::Authority(AuthorityRecord::Format { .. }) | Predicate::Event(_) => {
                Err(Refusal::Kind(statement.kind()).into())
            }
        }
    }

    pub(super) fn entitled(&self, act: Act, envelope: &Envelope, change: Option<&ChangeId>) -> Result<(), AppendError> {
        let signers: Vec<Fingerprint> = envelope.signatures.iter().map(|signature| signature.keyid.clone()).collect();
        check_entitled(self.authority, act, &signers, self.place, self.time, change)
    }

    /// What closes the log closes it for what is appended beside it, too.
    fn closed(&self) -> Option<u64> {
        let closes =
            |fresh: &&Fresh| matches!(fresh.statement.predicate, Predicate::Authority(AuthorityRecord::Close { .. }));
        self.authority.closed().or_else(|| self.seen.iter().find(closes).map(|fresh| fresh.place))
    }

    /// What is said of the log itself is said by the roots alone, whatever the policy gives to roles.
    fn check_succession(&self, envelope: &Envelope, authority: &AuthorityRecord) -> Result<(), AppendError> {
        let signers: Vec<Fingerprint> = envelope.signatures.iter().map(|signature| signature.keyid.clone()).collect();
        if !self.authority.are_roots(&signers, self.place) {
            let threshold = self.authority.roots_at(self.place).threshold;
            let wanted = format!("{threshold} of the roots");
            let act = match authority {
                AuthorityRecord::Root { .. } => "change the roots",
                AuthorityRecord::LedgerKey { .. } => "change the log's key",
                AuthorityRecord::Close { .. } => "close the log",
                _ => "begin the log",
            };
            return Err(Refusal::NotEntitled { act, wanted }.into());
        }
        match authority {
            AuthorityRecord::Root { keys, threshold } => {
                let distinct: BTreeSet<&String> = keys.iter().collect();
                let fits = usize::try_from(*threshold).is_ok_and(|count| (1..=distinct.len()).contains(&count));
                if !fits {
                    return Err(Refusal::Roots { keys: distinct.len(), threshold: *threshold }.into());
                }
                let revoked = keys.iter().filter_map(|line| line.parse::<PublicKey>().ok()).find_map(|key| {
                    let key = key.fingerprint();
                    self.authority.revoked(&key).map(|_| key)
                });
                revoked.map_or(Ok(()), |key| Err(Refusal::Revoked(key).into()))
            }
            AuthorityRecord::LedgerKey { vkey, from_size } => {
                let name = vkey.parse::<NoteKey>().map_err(crate::prove::PlacementError::Vkey)?.name().to_owned();
                // The head of its own batch is the first that holds this record.
                let wanted = self.place + 2;
                if name == self.origin && *from_size >= wanted {
                    return Ok(());
                }
                let origin = self.origin.to_owned();
                Err(Refusal::LogKey { name, from_size: *from_size, origin, wanted }.into())
            }
            AuthorityRecord::Genesis { .. } if self.place != 0 => Err(Refusal::LateGenesis(self.place).into()),
            _ => Ok(()),
        }
    }

    fn check_plan(
        &self,
        envelope: &Envelope,
        statement: &Statement,
        plan: &Plan,
        before: Vec<Before>,
    ) -> Result<(), AppendError> {
        let Some(change) = &statement.binding.change else { return Err(Refusal::NoStart.into()) };
        let (_, policy) = self.authority.policy_at(self.place).ok_or(Refusal::NoPolicy)?;
        policy.tier_rank(&plan.tier).ok_or_else(|| Refusal::UnknownTier(plan.tier.clone()))?;
        if self.merged(change)?.is_some() {
            return Err(Refusal::Closed(change.clone()).into());
        }
        if let Some(first) = before.first() {
            if plan.reason.is_none() {
                return Err(Refusal::Planned { change: change.clone(), serial: first.place }.into());
            }
            self.named_plan(statement, &before)?;
            let (_, policy) = self.authority.policy_at(first.place).ok_or(Refusal::NoPolicy)?;
            for record in &before {
                let Some(Predicate::Plan(earlier)) = record.predicate("plan") else { continue };
                if policy.tier_rank(&plan.tier) < policy.tier_rank(&earlier.tier) {
                    return Err(Refusal::Lowered { planned: earlier.tier.clone(), wanted: plan.tier.clone() }.into());
                }
            }
            check_criteria(plan, &before)?;
        } else if plan.reason.is_some() {
            return Err(Refusal::NoPlan(change.clone()).into());
        }
        if !plan.implied {
            return self.entitled(Act::Plan, envelope, Some(change));
        }
        match policy.unplanned() {
            Some(tier) if *tier == plan.tier => Ok(()),
            _ => Err(Refusal::Unplanned(plan.tier.clone()).into()),
        }
    }

    /// Checks that a record names the change's first plan.
    pub(super) fn named_plan<'b>(
        &self,
        statement: &'b Statement,
        before: &[Before],
    ) -> Result<&'b ChangeId, AppendError> {
        let change = statement.binding.change.as_ref().ok_or(Refusal::NoStart)?;
        let first = before.first().ok_or_else(|| Refusal::NoPlan(change.clone()))?;
        if statement.binding.plan == Some(first.leaf) {
            Ok(change)
        } else {
            Err(Refusal::WrongPlan(change.clone()).into())
        }
    }

    /// Returns the policy that judges the change: the one in force at its first plan.
    pub(super) fn policy_of(&self, before: &[Before]) -> Result<&Policy, AppendError> {
        let first = before.first().map_or(self.place, |first| first.place);
        Ok(self.authority.policy_at(first).ok_or(Refusal::NoPolicy)?.1)
    }

    fn check_claim(&self, policy: &Policy, name: &ClaimName, form: Form) -> Result<(), AppendError> {
        let Some(claim) = policy.claim(name) else {
            let nearest =
                nearest(name.as_str(), policy.claims().keys().map(|known| known.as_str())).map(ToOwned::to_owned);
            return Err(Refusal::UnknownClaim { claim: name.clone(), nearest }.into());
        };
        if claim.form == form {
            return Ok(());
        }
        let wanted = match claim.form {
            Form::Run => "run: evidence attest",
            Form::Review => "review: evidence review",
        };
        Err(Refusal::Form { claim: name.clone(), wanted }.into())
    }

    fn check_result(
        &self,
        envelope: &Envelope,
        statement: &Statement,
        run: &Run,
        before: Vec<Before>,
    ) -> Result<(), AppendError> {
        let mut found = None;
        // Nothing before the start is about it.
        for record in before.iter().skip_while(|record| record.leaf != run.start) {
            let predicate = record.predicate("result").or_else(|| record.predicate("start"));
            match predicate {
                Some(Predicate::Start(start)) if record.leaf == run.start => {
                    let theirs = record.statement();
                    let signers = record.signed().iter().map(|line| &line.fingerprint);
                    found = Some(
                        (&start.claim, &start.variant, &start.shard) == (&run.claim, &run.variant, &run.shard)
                            && theirs.and_then(Statement::commit) == statement.commit()
                            && theirs.and_then(Statement::tree) == statement.tree()
                            && signers.eq(envelope.signatures.iter().map(|signature| &signature.keyid)),
                    );
                }
                Some(Predicate::Result(other)) if other.start == run.start => {
                    return Err(Refusal::Ended(record.place).into());
                }
                _ => {}
            }
        }
        if found == Some(true) { Ok(()) } else { Err(Refusal::NoStart.into()) }
    }

    fn check_grant(&self, key: &PublicKey, grant: &Grant) -> Result<(), AppendError> {
        if let Some(name) = filed_under(grant) {
            // Nobody holds the private half of a name's key: what is filed there ties, and gives nothing.
            let same = grant.filing(&name, grant.key.clone()) == *grant;
            return if same { Ok(()) } else { Err(Refusal::Filing(name.to_string()).into()) };
        }
        if grant.roles.is_empty() {
            return Err(Refusal::NoRoles(key.fingerprint()).into());
        }
        for name in grant.names() {
            let key = PublicKey::of_name(&name);
            let filing = grant.filing(&name, key.to_string());
            let filed = self.chain(&format!("key:{}", key.fingerprint()))?.into_iter().any(|record| {
                let predicate = record.predicate("authority-grant");
                predicate.is_some_and(|it| *it == Predicate::Authority(AuthorityRecord::Grant(filing.clone())))
            });
            if !filed {
                return Err(Refusal::NotFiled(name.to_string()).into());
            }
        }
        let (key, principal) = (&key.fingerprint(), grant.principal.as_str());
        if self.authority.revoked(key).is_some() {
            return Err(Refusal::Revoked(key.clone()).into());
        }
        let other = self
            .authority
            .grants()
            .iter()
            .find(|known| known.key == *key && known.grant.principal.as_str() != principal);
        match other {
            None => Ok(()),
            Some(known) => {
                Err(Refusal::OtherPrincipal { key: key.clone(), principal: known.grant.principal.to_string() }.into())
            }
        }
    }

    /// Nobody leases a key to somebody for whom others answer: that would tie strangers to each other.
    fn check_lease(&self, grant: &Grant) -> Result<(), AppendError> {
        let name = Name::Principal(grant.principal.clone());
        let chain = format!("key:{}", PublicKey::of_name(&name).fingerprint());
        for record in self.chain(&chain)? {
            if let Some(Predicate::Authority(AuthorityRecord::Grant(other))) = record.predicate("authority-grant")
                && other.owner != grant.owner
                && Some(&other.principal) != grant.owner.as_ref()
            {
                let principal = grant.principal.to_string();
                let owner = other.owner.as_ref().map_or_else(|| principal.clone(), |owner| owner.to_string());
                return Err(Refusal::OtherOwner { principal, owner }.into());
            }
        }
        Ok(())
    }

    fn check_policy_text(&self, statement: &Statement) -> Result<(), AppendError> {
        let Some(digest) = statement.digests().next() else { return Ok(()) };
        let unfit = |text: String| Refusal::PolicyText(*digest, text);
        let file = self.log.blobs().open(digest)?.ok_or_else(|| unfit("its text is not in the ledger".to_owned()))?;
        let mut text = Vec::new();
        let limit = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX);
        std::io::Read::read_to_end(&mut std::io::Read::take(file, limit + 1), &mut text)
            .map_err(|error| unfit(error.to_string()))?;
        if crate::crypto::sha256(&text) != *digest {
            return Err(unfit("its text has another hash".to_owned()).into());
        }
        let text = String::from_utf8(text).map_err(|_| unfit("its text is not UTF-8".to_owned()))?;
        Policy::parse(&text).map(drop).map_err(|errors| unfit(errors.to_string()).into())
    }

    /// Reads a chain, oldest first.
    pub(super) fn chain(&self, chain: &str) -> Result<Vec<Before>, AppendError> {
        let (places, _) = self.log.newest(&MapText::chain(chain), usize::MAX)?;
        let mut records = Vec::with_capacity(places.len());
        for place in places {
            let Some(raw) = self.log.record(place)? else { continue };
            let RawRecord { entry: bytes, envelope } = raw;
            let (parsed, read) = (OnceCell::new(), OnceCell::new());
            records.push(Before { place, leaf: self.log.leaf(place)?, bytes, envelope, parsed, read });
        }
        for fresh in self.seen.iter().filter(|fresh| fresh.entry.chain == chain) {
            records.push(Before {
                place: fresh.place,
                leaf: fresh.leaf,
                bytes: fresh.entry.print().into_bytes(),
                envelope: Vec::new(),
                parsed: OnceCell::from(Some(fresh.entry.clone())),
                read: OnceCell::from(Some(fresh.statement.clone())),
            });
        }
        Ok(records)
    }
}

/// Refuses signers who would not be entitled to an act at a place that is yet to come.
pub(super) fn check_entitled(
    authority: &Authority<'_>,
    act: Act,
    signers: &[Fingerprint],
    place: u64,
    time: Time,
    change: Option<&ChangeId>,
) -> Result<(), AppendError> {
    if authority.would_allow(act, signers, place, time, change) {
        return Ok(());
    }
    let policy = authority.policy_at(place).and_then(|(_, policy)| policy.may(act));
    let wanted = policy.map_or_else(
        || "the roots of the trust file".to_owned(),
        |entitled| {
            let roles: Vec<&str> = entitled.roles.iter().map(|role| role.as_str()).collect();
            format!("{} with the role {}", entitled.threshold, roles.join(" or "))
        },
    );
    Err(Refusal::NotEntitled { act: act.verb(), wanted }.into())
}

/// How an entry begins, up to its kind (format, section 3).
const KIND: &[u8] = b"evidence-entry/v1\nkind ";

/// Refuses more criteria in all plans of a change than are judged, each id once.
fn check_criteria(plan: &Plan, before: &[Before]) -> Result<(), AppendError> {
    let earlier = before.iter().filter_map(|record| match record.predicate("plan") {
        Some(Predicate::Plan(earlier)) => Some(earlier),
        _ => None,
    });
    let ids: BTreeSet<&CriterionId> = earlier.chain([plan]).flat_map(|plan| &plan.criteria).map(|it| &it.id).collect();
    match ids.len() {
        0..=CRITERIA_MAX => Ok(()),
        found => Err(Refusal::TooManyCriteria { found }.into()),
    }
}
