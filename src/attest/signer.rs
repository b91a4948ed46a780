//! Statements of one signer about one change, signed and appended.

use crate::append::{AppendError, Appender, Receipt, Refusal, Submission};
use crate::crypto::{Envelope, NoteKey, PublicKey, Sign, sha256};
use crate::merkle::{Checkpoint, MapText};
use crate::model::{
    Authority, Binding, ChangeId, Digest, Event, Exception, Grant, Name, Oid, Plan, PolicyRecord, Predicate, Review,
    Revoke, Start, Statement, Subject, VerdictRecord,
};
use crate::prove::name_chain;
use crate::store::{Log, StoreError};

/// Somebody who signs: one key, or several for acts that need more than one.
pub struct Signer<'a> {
    /// Where records go.
    pub appender: &'a Appender,
    /// The keys.
    pub keys: Vec<&'a dyn Sign>,
}

/// What a record of a change is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The change.
    pub change: ChangeId,
    /// The leaf hash of its first plan.
    pub plan: Digest,
    /// The commit.
    pub commit: Oid,
    /// Its tree.
    pub tree: Oid,
}

impl Signer<'_> {
    /// Plans a change. `first` is the leaf hash of its first plan, where this is a later one.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn plan(
        &self,
        change: &ChangeId,
        base: &Oid,
        plan: Plan,
        first: Option<Digest>,
    ) -> Result<Receipt, AppendError> {
        self.append(self.plan_statement(change, base, plan, first))
    }

    pub(super) fn plan_statement(&self, change: &ChangeId, base: &Oid, plan: Plan, first: Option<Digest>) -> Statement {
        let (subjects, binding) = (vec![Subject::base(base.clone())], self.binding(Some(change), first));
        Statement { subjects, binding, predicate: Predicate::Plan(plan) }
    }

    /// Appends a start, result, review or verdict.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn about(&self, about: &About, predicate: Predicate) -> Result<Receipt, AppendError> {
        self.submit(self.seal(about, predicate)?)
    }

    /// Appends the same start of several changes: all of them, or none.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn starts(&self, about: &[About], start: &Start) -> Result<Vec<Receipt>, AppendError> {
        let sealed = about.iter().map(|about| self.seal(about, Predicate::Start(start.clone())));
        let submissions: Result<Vec<_>, _> =
            sealed.map(|envelope| envelope.map(|envelope| Submission { envelope })).collect();
        self.appender.append(submissions?)
    }

    /// Signs a start, result, review or verdict.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn seal(&self, about: &About, predicate: Predicate) -> Result<Envelope, AppendError> {
        let subjects = vec![Subject::commit(about.commit.clone()), Subject::Tree(about.tree.clone())];
        let binding = self.binding(Some(&about.change), Some(about.plan));
        Ok(Envelope::seal(Statement { subjects, binding, predicate }.print()?, &self.keys)?)
    }

    /// Appends what was signed.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn submit(&self, envelope: Envelope) -> Result<Receipt, AppendError> {
        let mut receipts = self.appender.append(vec![Submission { envelope }])?;
        receipts.pop().ok_or_else(|| StoreError::unreadable("the receipt", &"there is none").into())
    }

    /// Reviews a change.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn review(&self, about: &About, review: Review) -> Result<Receipt, AppendError> {
        self.about(about, Predicate::Review(review))
    }

    /// Records a verdict.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn verdict(&self, about: &About, verdict: VerdictRecord) -> Result<Receipt, AppendError> {
        self.about(about, Predicate::Verdict(verdict))
    }

    /// Records verdicts, one behind the other, if the log has exactly this size.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn verdicts_at(&self, size: u64, verdicts: Vec<(About, VerdictRecord)>) -> Result<Vec<Receipt>, AppendError> {
        let mut submissions = Vec::with_capacity(verdicts.len());
        for (about, verdict) in verdicts {
            let subjects = vec![Subject::commit(about.commit), Subject::Tree(about.tree)];
            let binding = self.binding(Some(&about.change), Some(about.plan));
            let statement = Statement { subjects, binding, predicate: Predicate::Verdict(verdict) };
            submissions.push(Submission { envelope: Envelope::seal(statement.print()?, &self.keys)? });
        }
        self.appender.append_at(size, submissions)
    }

    /// Records that a commit reached a branch, if the log has exactly this size.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn merge_at(&self, size: u64, commit: &Oid, tree: &Oid, merge: Event) -> Result<Receipt, AppendError> {
        let subjects = vec![Subject::commit(commit.clone()), Subject::Tree(tree.clone())];
        let statement = Statement { subjects, binding: self.binding(None, None), predicate: Predicate::Event(merge) };
        let envelope = Envelope::seal(statement.print()?, &self.keys)?;
        let mut receipts = self.appender.append_at(size, vec![Submission { envelope }])?;
        receipts.pop().ok_or_else(|| StoreError::unreadable("the receipt", &"there is none").into())
    }

    /// Grants roles to a key, and files the grant under its names before, in the same batch.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn grant(&self, grant: Grant) -> Result<Receipt, AppendError> {
        let statements = self.grant_statements(&self.appender.ledger().read()?, grant)?;
        self.append_all(statements, None)
    }

    /// Returns what is to be appended together so that a grant is filed under its names.
    pub(super) fn grant_statements(&self, log: &Log, grant: Grant) -> Result<Vec<Statement>, AppendError> {
        let mut grants = Vec::new();
        for name in grant.names() {
            let filing = grant.filing(&name, PublicKey::of_name(&name).to_string());
            if !is_filed(log, &name, &filing)? {
                grants.push(filing);
            }
        }
        grants.push(grant);
        let mut statements = Vec::with_capacity(grants.len());
        for grant in grants {
            let key: PublicKey = grant.key.parse().map_err(crate::prove::PlacementError::Key)?;
            statements.push(self.of_key(&key, Authority::Grant(grant)));
        }
        Ok(statements)
    }

    /// Signs and appends statements in one batch, at one size of the log where that is named; returns the receipt of the last.
    pub(super) fn append_all(&self, statements: Vec<Statement>, at: Option<u64>) -> Result<Receipt, AppendError> {
        let mut submissions = Vec::with_capacity(statements.len());
        for statement in statements {
            submissions.push(Submission { envelope: Envelope::seal(statement.print()?, &self.keys)? });
        }
        let receipts = match at {
            Some(size) => self.appender.append_at(size, submissions)?,
            None => self.appender.append(submissions)?,
        };
        receipts.into_iter().next_back().ok_or_else(|| StoreError::unreadable("the receipt", &"there is none").into())
    }

    /// Revokes a key.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn revoke(&self, key: &PublicKey, reason: String) -> Result<Receipt, AppendError> {
        self.append(self.of_key(key, Authority::Revoke(Revoke { key: key.to_string(), reason })))
    }

    /// Lets other keys be the roots.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn roots(&self, keys: &[PublicKey], threshold: u32) -> Result<Receipt, AppendError> {
        let subjects = keys.iter().map(|key| Subject::sha256("key", key.spki_sha256())).collect();
        let keys = keys.iter().map(ToString::to_string).collect();
        self.of_log(subjects, Authority::Root { keys, threshold })
    }

    /// Gives the log another key, which signs every head from a size on.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn log_key(&self, vkey: &NoteKey, from_size: u64) -> Result<Receipt, AppendError> {
        let subjects = vec![Subject::sha256("key", vkey.key().spki_sha256())];
        self.of_log(subjects, Authority::LedgerKey { vkey: vkey.to_string(), from_size })
    }

    /// Closes the log.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn close(&self, reason: String) -> Result<Receipt, AppendError> {
        let origin = self.appender.ledger().origin();
        self.of_log(vec![Subject::sha256("origin", sha256(origin.as_bytes()))], Authority::Close { reason })
    }

    /// Begins a log that goes on from a closed one, as one batch: the record that names it, then a policy and grants.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn go_on(&self, closed: &Checkpoint, policy: Option<&str>, grants: Vec<Grant>) -> Result<Receipt, AppendError> {
        let mut statements = vec![self.genesis_statement(closed)];
        if let Some(text) = policy {
            statements.push(self.policy_statement(text, None)?);
        }
        let log = self.appender.ledger().read()?;
        for grant in grants {
            statements.extend(self.grant_statements(&log, grant)?);
        }
        self.append_all(statements, None)
    }

    fn genesis_statement(&self, closed: &Checkpoint) -> Statement {
        let Checkpoint { origin, size, root } = closed.clone();
        let subjects = vec![Subject::sha256("origin", sha256(origin.as_bytes()))];
        let predicate = Predicate::Authority(Authority::Genesis { origin, size, root });
        Statement { subjects, binding: self.binding(None, None), predicate }
    }

    fn of_log(&self, subjects: Vec<Subject>, authority: Authority) -> Result<Receipt, AppendError> {
        let predicate = Predicate::Authority(authority);
        self.append(Statement { subjects, binding: self.binding(None, None), predicate })
    }

    fn of_key(&self, key: &PublicKey, authority: Authority) -> Statement {
        Statement {
            subjects: vec![Subject::sha256("key", key.spki_sha256())],
            binding: self.binding(None, None),
            predicate: Predicate::Authority(authority),
        }
    }

    /// Keeps the text of a policy and puts it into force.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn policy(&self, text: &str, reason: Option<String>) -> Result<Receipt, AppendError> {
        self.append(self.policy_statement(text, reason)?)
    }

    /// Keeps the text of a policy; returns what puts it into force.
    fn policy_statement(&self, text: &str, reason: Option<String>) -> Result<Statement, AppendError> {
        let digest = self.appender.ledger().blobs().put(text.as_bytes())?;
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let predicate = Predicate::Policy(PolicyRecord { bytes, reason });
        Ok(Statement {
            subjects: vec![Subject::sha256("policy", digest)],
            binding: self.binding(None, None),
            predicate,
        })
    }

    /// Halts or resumes the ledger.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn event(&self, event: Event) -> Result<Receipt, AppendError> {
        self.append(self.event_statement(event))
    }

    pub(super) fn event_statement(&self, event: Event) -> Statement {
        let subjects = vec![Subject::sha256("origin", sha256(self.appender.ledger().origin().as_bytes()))];
        Statement { subjects, binding: self.binding(None, None), predicate: Predicate::Event(event) }
    }

    /// Signs an exception: about a change and its first plan, or about every change.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn exception(
        &self,
        about: Option<(&ChangeId, Option<Digest>)>,
        exception: Exception,
    ) -> Result<Receipt, AppendError> {
        let (change, plan) = about.map_or((None, None), |(change, plan)| (Some(change), plan));
        let subject = match (change, plan) {
            (Some(change), None) => return Err(Refusal::NoPlan(change.clone()).into()),
            (_, Some(plan)) => Subject::sha256("plan", plan),
            (None, None) => Subject::sha256("origin", sha256(self.appender.ledger().origin().as_bytes())),
        };
        let (binding, predicate) = (self.binding(change, plan), Predicate::Exception(exception));
        self.append(Statement { subjects: vec![subject], binding, predicate })
    }

    /// Signs and appends a statement.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn append(&self, statement: Statement) -> Result<Receipt, AppendError> {
        self.submit(Envelope::seal(statement.print()?, &self.keys)?)
    }

    fn binding(&self, change: Option<&ChangeId>, plan: Option<Digest>) -> Binding {
        Binding { ledger: self.appender.ledger().origin().to_owned(), nonce: nonce(), change: change.cloned(), plan }
    }
}

/// Returns serial and leaf hash of a change's first plan, if it is planned.
///
/// # Errors
/// If the log cannot be read.
pub fn first_plan(log: &Log, change: &ChangeId) -> Result<Option<(u64, Digest)>, StoreError> {
    let (places, _) = log.newest(&MapText::chain(&format!("change:{change}")), usize::MAX)?;
    places.first().map(|place| Ok((*place, log.leaf(*place)?))).transpose()
}

/// Returns whether exactly this is filed under a name.
fn is_filed(log: &Log, name: &Name, filing: &Grant) -> Result<bool, AppendError> {
    let (places, _) = log.newest(&name_chain(name), usize::MAX)?;
    for place in places {
        let Some(record) = log.record(place)? else { continue };
        let statement = Statement::parse(&Envelope::parse(&record.envelope)?.payload)?;
        if statement.predicate == Predicate::Authority(Authority::Grant(filing.clone())) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn nonce() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    hex::encode(bytes)
}
