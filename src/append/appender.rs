//! The appender: many threads submit, one batch at a time becomes durable.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::AppendError;
use super::receipt::Receipt;
use super::rules::{Fresh, Rules, Seen};
use crate::crypto::{Envelope, KeyRing, NoteKey, SecretKey, leaf_hash, open_note};
use crate::git::RemoteError;
use crate::merkle::{Checkpoint, MapText};
use crate::model::{
    Authority as AuthorityRecord, Digest, Entry, Fingerprint, MapEntry, Predicate, SignedLine, Statement, Time,
};
use crate::prove::{Complete, ProveError, RawRecord, Trust, open_head_of, placement};
use crate::store::{Ledger, Log, Memory, StoreError, Writer};
use crate::verify::{Authority, Policies};

/// What is to be appended.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The signed envelope.
    pub envelope: Envelope,
}

/// Whether a clock far ahead of the ledger is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockGuard {
    /// At most 90 days ahead.
    Strict,
    /// The person said so.
    AcceptAhead,
}

/// Appends to a ledger under its log key.
pub struct Appender {
    ledger: Ledger,
    log_keys: Vec<SecretKey>,
    trust: Trust,
    memory: Option<Memory>,
    guard: ClockGuard,
    clock: Box<dyn Fn() -> Time + Send + Sync>,
    queue: Mutex<Queue>,
    done: Condvar,
    rights: Mutex<Option<(RightsKey, Arc<Rights>)>>,
}

#[derive(Default)]
struct Queue {
    jobs: Vec<Job>,
    led: bool,
}

/// Where a job's answer is put.
type Slot = Arc<Mutex<Option<Result<Vec<Receipt>, AppendError>>>>;

struct Job {
    submissions: Vec<Submission>,
    /// The only size of the log at which they are to be appended.
    at: Option<u64>,
    answer: Slot,
    /// How often somebody else was first at the remote.
    lost: u32,
}

/// Who may do what at one size of the log.
pub struct Rights {
    complete: Option<Complete<()>>,
    policies: Policies,
}

type RightsKey = Vec<(String, Option<u64>)>;

impl Rights {
    /// Reads the policies and the keys of some signers, with their granters up to the roots.
    ///
    /// # Errors
    /// If the ledger's records do not hold.
    pub fn read<'a>(
        log: &Log,
        trust: &Trust,
        signers: impl IntoIterator<Item = &'a Fingerprint>,
    ) -> Result<Self, AppendError> {
        if log.size() == 0 {
            return Ok(Self { complete: None, policies: Policies::default() });
        }
        let mut lists = vec![MapText::chain("policy")];
        lists.extend(signers.into_iter().map(|signer| MapText::chain(&format!("key:{signer}"))));
        let complete = Complete::check_chains(log, trust, &lists)?;
        let policies = Policies::read(&complete, log)?;
        Ok(Self { complete: Some(complete), policies })
    }

    /// Returns the history of keys and policies as of a time.
    #[must_use]
    pub fn authority<'a>(&'a self, trust: &Trust, now: Time) -> Authority<'a> {
        match &self.complete {
            Some(complete) => Authority::replay(complete, &self.policies, trust, now),
            None => Authority::of_roots(trust, now),
        }
    }
}

impl Appender {
    /// Makes an appender.
    #[must_use]
    pub fn new(
        ledger: Ledger,
        log_key: SecretKey,
        trust: Trust,
        clock: impl Fn() -> Time + Send + Sync + 'static,
    ) -> Self {
        Self {
            ledger,
            log_keys: vec![log_key],
            trust,
            memory: None,
            guard: ClockGuard::Strict,
            clock: Box::new(clock),
            queue: Mutex::default(),
            done: Condvar::new(),
            rights: Mutex::default(),
        }
    }

    /// Lets another key sign every head too: while the log's key changes, the old one and the new one both sign.
    #[must_use]
    pub fn with_log_key(mut self, log_key: SecretKey) -> Self {
        self.log_keys.push(log_key);
        self
    }

    /// Holds the log against what is remembered of it before each batch, and remembers the head of each.
    ///
    /// So no head is ever signed on top of a log that was rolled back or forked while a command ran.
    #[must_use]
    pub fn with_memory(mut self, memory: Memory) -> Self {
        self.memory = Some(memory);
        self
    }

    /// Says whether a clock far ahead is believed.
    #[must_use]
    pub fn with_guard(mut self, guard: ClockGuard) -> Self {
        self.guard = guard;
        self
    }

    /// Returns the ledger.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Returns the trust.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Appends records, all or none, and returns their receipts once they are durable.
    ///
    /// Calls from several threads become one batch.
    ///
    /// # Errors
    /// See [`AppendError`]; then none of them is in the ledger.
    pub fn append(&self, submissions: Vec<Submission>) -> Result<Vec<Receipt>, AppendError> {
        self.submit(submissions, None)
    }

    /// Appends records, all or none, if the log has exactly this many entries: what was judged at a size is recorded there or
    /// nowhere. The first of them has this place, the others follow it.
    ///
    /// # Errors
    /// [`AppendError::Moved`] if somebody appended in between; else see [`AppendError`].
    pub fn append_at(&self, size: u64, submissions: Vec<Submission>) -> Result<Vec<Receipt>, AppendError> {
        self.submit(submissions, Some(size))
    }

    fn submit(&self, submissions: Vec<Submission>, at: Option<u64>) -> Result<Vec<Receipt>, AppendError> {
        let answer = Arc::new(Mutex::new(None));
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.jobs.push(Job { submissions, at, answer: Arc::clone(&answer), lost: 0 });
        loop {
            if let Some(answer) = answer.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return answer;
            }
            if queue.led {
                queue = self.done.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            queue.led = true;
            let jobs = std::mem::take(&mut queue.jobs);
            drop(queue);
            let left = self.lead(jobs);
            queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.led = false;
            queue.jobs.splice(0..0, left);
            self.done.notify_all();
        }
    }

    /// Makes one batch of the jobs; returns those that must wait for the next.
    fn lead(&self, mut jobs: Vec<Job>) -> Vec<Job> {
        let began = Instant::now();
        let mut writer = match self.lock() {
            Ok(writer) => writer,
            Err(error) => {
                // Each waits for an answer of its own: the first gets this one, the others ask again.
                let first = jobs.remove(0);
                answer(&first, Err(error.into()));
                return jobs;
            }
        };
        let mut batch = Vec::new();
        let mut accepted: Vec<(Job, Vec<Fresh>)> = Vec::new();
        let mut left = Vec::new();
        let mut closed = false;
        for job in jobs {
            if closed || batch.len() >= BATCH_RECORDS_MAX {
                left.push(job);
                continue;
            }
            let found = writer.log().size() + u64::try_from(batch.len()).expect("a batch is in memory");
            if let Some(expected) = job.at.filter(|expected| *expected != found) {
                answer(&job, Err(AppendError::Moved { expected, found }));
                continue;
            }
            match self.check(&writer, &job.submissions, &batch) {
                Err(error) => answer(&job, Err(error)),
                Ok(fresh) => {
                    // What changes who may do what is judged by what follows only from the next batch on.
                    closed = fresh.iter().any(|record| {
                        matches!(record.statement.predicate, Predicate::Authority(_) | Predicate::Policy(_))
                    });
                    batch.extend(fresh.iter().cloned());
                    accepted.push((job, fresh));
                }
            }
        }
        if accepted.is_empty() {
            return left;
        }
        let size = writer.log().size() + u64::try_from(batch.len()).expect("a batch is in memory") + 1;
        let receipts = self.check_head_keys(writer.log(), size).and_then(|()| self.commit(&mut writer, &batch));
        match receipts {
            Ok(receipts) => {
                let mut receipts = receipts.into_iter();
                for (job, fresh) in accepted {
                    answer(&job, Ok(receipts.by_ref().take(fresh.len()).collect()));
                }
            }
            Err(AppendError::Store(StoreError::Remote(RemoteError::Moved { .. })))
                if accepted.iter().all(|(job, _)| job.lost < RACES_MAX) =>
            {
                // Nothing was appended. What others appended meanwhile is judged by: all of it again, after a while of
                // another length for each who lost.
                drop(writer);
                let lost = accepted.iter().map(|(job, _)| job.lost).max().unwrap_or(0);
                std::thread::sleep(pause(lost, began.elapsed()));
                let again = accepted.into_iter().map(|(job, _)| Job { lost: job.lost + 1, ..job });
                return again.chain(left).collect();
            }
            Err(error) => {
                let text = error.to_string();
                let mut error = Some(error);
                for (job, _) in accepted {
                    let repeated = || StoreError::unreadable("the batch", &text).into();
                    answer(&job, Err(error.take().unwrap_or_else(repeated)));
                }
            }
        }
        left
    }

    /// Refuses log keys whose heads nobody would believe, before anything is signed, written or pushed. Each append does so again,
    /// for the head that it is about to sign.
    ///
    /// # Errors
    /// [`AppendError::LogKey`] if they are other keys than the log's; else if its newest head is not to be believed.
    pub fn check_log_keys(&self, log: &Log) -> Result<(), AppendError> {
        let size = log.size() + 2;
        if self.trust.log_keys(self.ledger.origin(), size).is_empty() {
            // A closed log has no such head: the rules say so.
            return Ok(());
        }
        self.check_head_keys(log, size)
    }

    /// Checks that the head of a size would have a signature of a key that the trust file believes there, and that signed the
    /// newest head too, unless it begins to sign only behind that.
    fn check_head_keys(&self, log: &Log, size: u64) -> Result<(), AppendError> {
        let origin = self.ledger.origin();
        let mut wanted = self.trust.log_keys(origin, size);
        if wanted.is_empty() {
            return Err(ProveError::Foreign { origin: origin.to_owned(), size }.into());
        }
        if let Some(note) = log.checkpoint()? {
            let newest = open_head_of(origin, &note, &self.trust)?;
            let before = self.trust.log_keys(origin, newest.checkpoint().size);
            wanted.retain(|vkey| !before.contains(vkey) || open_note(&note, std::slice::from_ref(vkey)).is_ok());
        }
        if self.log_keys.iter().any(|key| wanted.iter().any(|vkey| key.public() == *vkey.key())) {
            return Ok(());
        }
        Err(self.other_log_key(&wanted))
    }

    fn other_log_key(&self, wanted: &[NoteKey]) -> AppendError {
        let own = self.log_keys.iter().filter_map(|key| NoteKey::new(self.ledger.origin(), key.public()).ok());
        let listed = |keys: Vec<String>| keys.join(" and ");
        let found = listed(own.map(|vkey| vkey.to_string()).collect());
        AppendError::LogKey { found, wanted: listed(wanted.iter().map(ToString::to_string).collect()) }
    }

    /// Waits for the other writers, and holds the log against what is remembered.
    fn lock(&self) -> Result<Writer<'_>, StoreError> {
        let mut writer = self.ledger.lock()?;
        let Some(memory) = &self.memory else { return Ok(writer) };
        let mut looks = 0;
        loop {
            match memory.hold(self.ledger.origin(), writer.log()) {
                Ok(_) => return Ok(writer),
                // Another copy on this machine may have told of more since this one looked at the remote, and again since then: what is
                // remembered is there, so each look shows more.
                Err(error @ StoreError::Contradiction { .. }) if self.ledger.remote().is_some() => {
                    let size = writer.log().size();
                    drop(writer);
                    self.ledger.look_again()?;
                    writer = self.ledger.lock()?;
                    looks += 1;
                    if writer.log().size() == size || looks == LOOKS_MAX {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Checks a job against the log and what the batch already holds, and makes its entries.
    fn check(
        &self,
        writer: &Writer<'_>,
        submissions: &[Submission],
        batch: &[Fresh],
    ) -> Result<Vec<Fresh>, AppendError> {
        let log = writer.log();
        let last = last_time(log)?;
        let clock = (self.clock)();
        let ahead =
            self.guard == ClockGuard::Strict && last.0 != 0 && clock.0 > last.0.saturating_add(AHEAD_SECONDS_MAX);
        if clock.0.saturating_add(BEHIND_SECONDS_MAX) < last.0 || ahead {
            return Err(AppendError::Clock { clock, last });
        }
        let time = clock.max(last);
        let mut fresh: Vec<Fresh> = Vec::new();
        for submission in submissions {
            let seen = Seen { batch, job: &fresh };
            let place = log.size() + u64::try_from(batch.len() + fresh.len()).expect("a batch is in memory");
            let one = self.check_one(log, submission, seen, place, time)?;
            fresh.push(one);
        }
        Ok(fresh)
    }

    fn check_one(
        &self,
        log: &Log,
        submission: &Submission,
        seen: Seen<'_>,
        place: u64,
        time: Time,
    ) -> Result<Fresh, AppendError> {
        let envelope = Envelope::parse(&submission.envelope.print())?;
        let statement = Statement::parse(&envelope.payload)?;
        let placed = placement(&statement)?;
        let rights = self.rights(log, &envelope, &statement)?;
        let authority = rights.authority(&self.trust, time);
        let ring = self.ring(&authority);
        let envelope = envelope.sorted(&ring);
        envelope.open(&ring)?;
        let signed = envelope.signed_lines(&ring).unwrap_or_default();
        let origin = self.ledger.origin();
        let rules = Rules { log, seen, authority: &authority, trust: &self.trust, place, time, origin };
        rules.check(&envelope, &statement, &placed.chain)?;
        self.check_log_key(&authority, &statement)?;
        let previous = match seen.iter().rfind(|fresh| fresh.entry.chain == placed.chain) {
            Some(fresh) => Some(leaf_hash(fresh.entry.print().as_bytes())),
            None => log.chain_head(&placed.chain)?.map(|(_, leaf)| leaf),
        };
        let signed: Vec<SignedLine> = signed;
        let entry = Entry {
            kind: placed.kind,
            time,
            chain: placed.chain,
            previous,
            statement: envelope.statement_hash(),
            signed,
            labels: placed.labels,
        };
        // The entry must be one that every reader reads.
        Entry::parse(entry.print().as_bytes()).map_err(ProveError::from)?;
        Ok(Fresh { leaf: leaf_hash(entry.print().as_bytes()), entry, envelope, statement, place })
    }

    /// Refuses to sign a head without the key that the roots gave the log, or are about to give it.
    fn check_log_key(&self, authority: &Authority<'_>, statement: &Statement) -> Result<(), AppendError> {
        let given = match &statement.predicate {
            Predicate::Authority(AuthorityRecord::LedgerKey { vkey, .. }) => vkey.parse().ok(),
            _ => authority.log_keys().last().map(|key| key.vkey.clone()),
        };
        match given.filter(|vkey: &NoteKey| self.log_keys.iter().all(|key| key.public() != *vkey.key())) {
            Some(vkey) => Err(self.other_log_key(&[vkey])),
            None => Ok(()),
        }
    }

    fn ring(&self, authority: &Authority<'_>) -> KeyRing {
        let granted = authority.grants().iter().filter_map(|known| known.grant.key.parse().ok());
        let roots = authority.roots().iter().flat_map(|roots| roots.keys.values().cloned());
        roots.chain(granted).collect()
    }

    /// Reads who may do what, unless nothing of it changed since the last time.
    fn rights(&self, log: &Log, envelope: &Envelope, statement: &Statement) -> Result<Arc<Rights>, AppendError> {
        let mut keys: BTreeSet<Fingerprint> =
            envelope.signatures.iter().map(|signature| signature.keyid.clone()).collect();
        if let Predicate::Authority(AuthorityRecord::Grant(grant)) = &statement.predicate
            && let Ok(key) = grant.key.parse::<crate::crypto::PublicKey>()
        {
            keys.insert(key.fingerprint());
        }
        let mut known = self.rights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((key, rights)) = known.as_ref()
            && keys.iter().all(|wanted| key.iter().any(|(chain, _)| *chain == format!("key:{wanted}")))
            && *key == heads(log, key.iter().map(|(chain, _)| chain.clone()))?
        {
            return Ok(Arc::clone(rights));
        }
        let rights = Arc::new(Rights::read(log, &self.trust, &keys)?);
        let mut chains: BTreeSet<String> = keys.iter().map(|key| format!("key:{key}")).collect();
        chains.insert("policy".to_owned());
        if let Some(complete) = &rights.complete {
            chains.extend(complete.records().flat_map(|record| record.signers().map(|signer| format!("key:{signer}"))));
        }
        *known = Some((heads(log, chains.into_iter())?, Arc::clone(&rights)));
        Ok(rights)
    }

    fn commit(&self, writer: &mut Writer<'_>, batch: &[Fresh]) -> Result<Vec<Receipt>, AppendError> {
        let records: Vec<RawRecord> = batch
            .iter()
            .map(|fresh| RawRecord { entry: fresh.entry.print().into_bytes(), envelope: fresh.envelope.print() })
            .collect();
        let time = batch.last().map_or(Time(0), |fresh| fresh.entry.time);
        let materials: Vec<Digest> = batch.iter().flat_map(|fresh| fresh.statement.materials()).collect();
        let committed =
            writer.commit(&records, &materials, time, &|checkpoint: &Checkpoint| checkpoint.sign_by(&self.log_keys))?;
        if let Some(memory) = &self.memory {
            // The batch stands, remembered or not; whoever opens the ledger next is told of a memory that cannot be written.
            let _ = memory.keep(&committed.note);
        }
        let mut receipts = Vec::with_capacity(batch.len());
        for fresh in batch {
            let path = writer.log().inclusion(fresh.place)?;
            let (entry, note) = (fresh.entry.clone(), committed.note.clone());
            let receipt = Receipt { serial: fresh.place, leaf: fresh.leaf, entry, path, note };
            receipt.check(&fresh.envelope, &fresh.statement, &self.trust, self.ledger.origin())?;
            receipts.push(receipt);
        }
        Ok(receipts)
    }
}

fn answer(job: &Job, answer: Result<Vec<Receipt>, AppendError>) {
    *job.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
}

/// Returns how long to wait after a race was lost so often: up to a time that grows with it and with how long the try took, by lot. The
/// more there are who try at once, the longer each try takes, and the more of them are in vain unless they spread.
fn pause(lost: u32, took: Duration) -> Duration {
    let mut lot = [0; 2];
    let _ = getrandom::fill(&mut lot);
    let most = took.saturating_mul(lost).clamp(PAUSE, PAUSE_MAX);
    most.mul_f64(f64::from(u16::from_le_bytes(lot)) / f64::from(u16::MAX))
}

fn heads(log: &Log, chains: impl Iterator<Item = String>) -> Result<RightsKey, AppendError> {
    let mut heads = Vec::new();
    for chain in chains {
        let head = log.chain_head(&chain)?.map(|(place, _)| place);
        heads.push((chain, head));
    }
    Ok(heads)
}

fn last_time(log: &Log) -> Result<Time, AppendError> {
    let Some(place) = log.size().checked_sub(1) else { return Ok(Time(0)) };
    let bytes =
        log.map_entry(place)?.ok_or_else(|| ProveError::Missing("map entry at the end of the log".to_owned()))?;
    Ok(MapEntry::parse(&bytes).map_err(ProveError::from)?.time)
}

/// Nobody is faster so often.
const LOOKS_MAX: u32 = 16;
/// Whoever lost so many races is told so.
const RACES_MAX: u32 = 200;
const PAUSE: Duration = Duration::from_millis(40);
const PAUSE_MAX: Duration = Duration::from_secs(4);
/// A clock this far behind the last entry is wrong (design, section 4).
const BEHIND_SECONDS_MAX: u64 = 600;
/// A clock this far ahead of the last entry wants a person's word (design, section 4).
const AHEAD_SECONDS_MAX: u64 = 90 * 86_400;
/// A batch of this many records keeps the one write below some megabytes.
const BATCH_RECORDS_MAX: usize = 4096;
