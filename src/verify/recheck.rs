//! [`Rechecked`]: facts read again out of raw reports whose bytes have the signed hash.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use super::authority::Policies;
use super::branch::{candidates, chain_of};
use crate::crypto::{Hasher, sha256};
use crate::model::{ClaimName, Digest, Facts, GitFacts, Material, MaterialFacts, Outcome, Predicate, Purpose, Run};
use crate::policy::{Baseline, BaselineError, Moment, Policy};
use crate::prove::{Change, Complete, Logged, Materials, SourceError, Trust};
use crate::reports::{self, Format, Media, Report};

/// What reading the reports of a change again came to.
///
/// The only constructors read and hash the materials themselves.
#[derive(Debug, Clone, Default)]
pub struct Rechecked {
    by_record: BTreeMap<(u64, Digest), Recheck>,
    /// By hash, signed length, reader and whether all of it is kept: attempts that rest on the same report read it once.
    read: BTreeMap<(Digest, u64, String, bool), Reread>,
    reports: BTreeMap<(u64, Digest), Arc<Report>>,
    baselines: BTreeMap<Digest, Result<Arc<Baseline>, String>>,
    /// The kinds of attachments, and of the files of plans, whose bytes are there.
    media: BTreeMap<(u64, Digest), Media>,
}

/// What is asked of the materials of a change beside the facts that were stated.
struct Asked {
    /// The claims whose reports are kept whole.
    whole: BTreeSet<ClaimName>,
    /// The claims whose attachments are looked at.
    attached: BTreeSet<ClaimName>,
    /// Whether that is asked of all claims: criteria name tests and pictures, and not where they are shown.
    all: bool,
}

/// With the whole report where a policy asks for more than its facts.
type Reread = (Recheck, Option<Arc<Report>>);

/// What reading one report again came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recheck {
    /// These facts.
    Facts(Box<Facts>),
    /// The material is not there.
    Missing,
    /// The reader refuses it, or the reader's number is unknown to this version.
    Unreadable(String),
}

/// Why reports cannot be read again.
#[derive(Debug, thiserror::Error)]
pub enum RecheckError {
    /// The operating system refuses.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Reading broke off.
    #[error("the material {digest} cannot be read: {text}")]
    Read {
        /// The material.
        digest: Digest,
        /// Why.
        text: String,
    },
    /// The bytes are not those that were signed.
    #[error("the material {name} of record {serial} has the hash {found}; signed was {wanted}")]
    Contradiction {
        /// The record.
        serial: u64,
        /// The material's name.
        name: String,
        /// The hash found.
        found: Digest,
        /// The hash signed.
        wanted: Digest,
    },
}

impl Rechecked {
    /// Reads again the files of plans and every report that a passing result of the change rests on, where that result can help: it is about the
    /// judged tree, or shows what a policy asks for before the first attempt, on whatever tree.
    ///
    /// # Errors
    /// See [`RecheckError`].
    pub fn of_tree(
        complete: &Complete<Change>,
        policies: &Policies,
        materials: &dyn Materials,
    ) -> Result<Self, RecheckError> {
        let tree = &complete.subject().tree;
        let mut rechecked = Self::default();
        let helps = |record: &&Logged| {
            let asks_first = |run: &Run| {
                policies.all().any(|policy| policy.claim(&run.claim).is_some_and(|claim| claim.at == Moment::Plan))
            };
            let is_plan = matches!(&record.statement().predicate, Predicate::Plan(_));
            let at_plan = matches!(&record.statement().predicate, Predicate::Result(run) if asks_first(run));
            is_plan || at_plan || record.statement().tree() == Some(tree)
        };
        let asked = Asked::of(complete, policies.all());
        materials.prepare(&asked.materials(complete.of_change().filter(helps)))?;
        for record in complete.of_change().filter(helps) {
            rechecked.add(record, &asked, materials)?;
        }
        Ok(rechecked)
    }

    /// Reads again every report of every result of the change.
    ///
    /// # Errors
    /// See [`RecheckError`].
    pub fn of_change(
        complete: &Complete<Change>,
        policies: &Policies,
        materials: &dyn Materials,
    ) -> Result<Self, RecheckError> {
        Self::of_all(complete, policies.all(), materials)
    }

    /// Reads again every report of every result of the change, for all that these policies ask.
    pub(super) fn of_all<'a>(
        complete: &Complete<Change>,
        policies: impl Iterator<Item = &'a Policy>,
        materials: &dyn Materials,
    ) -> Result<Self, RecheckError> {
        let asked = Asked::of(complete, policies);
        let mut rechecked = Self::default();
        materials.prepare(&asked.materials(complete.of_change()))?;
        for record in complete.of_change() {
            rechecked.add(record, &asked, materials)?;
        }
        Ok(rechecked)
    }

    fn add(&mut self, record: &Logged, asked: &Asked, materials: &dyn Materials) -> Result<(), RecheckError> {
        let run = match &record.statement().predicate {
            Predicate::Result(run) => run,
            Predicate::Plan(plan) => {
                for material in plan.materials() {
                    let found = look(record.serial(), material, materials)?;
                    self.media.extend(found.map(|media| ((record.serial(), material.sha256), media)));
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        if asked.looks_at_attachments(&run.claim) {
            for material in run.materials.iter().filter(|material| material.purpose == Purpose::Attachment) {
                let found = look(record.serial(), material, materials)?;
                self.media.extend(found.map(|media| ((record.serial(), material.sha256), media)));
            }
        }
        let whole = asked.all || asked.whole.contains(&run.claim);
        let parts = std::iter::once((&run.facts, &run.materials));
        for (facts, materials_of) in parts.chain(run.base_runs().map(|run| (&run.facts, &run.materials))) {
            self.add_facts(record.serial(), facts, materials_of, whole, materials)?;
        }
        Ok(())
    }

    /// Reads again what facts were read from, out of the raw files that were named beside them.
    fn add_facts(
        &mut self,
        serial: u64,
        facts: &[MaterialFacts],
        of: &[Material],
        whole: bool,
        materials: &dyn Materials,
    ) -> Result<(), RecheckError> {
        for read in facts {
            let key = (serial, read.material);
            if self.by_record.contains_key(&key) {
                continue;
            }
            let material = of.iter().find(|material| material.sha256 == read.material);
            let (recheck, report) = match material {
                None => (Recheck::Missing, None),
                Some(material) => {
                    let reading = (material.sha256, material.bytes, read.facts.reader.clone(), whole);
                    match self.read.get(&reading) {
                        Some(known) => known.clone(),
                        None => {
                            let fresh = recheck(serial, material, &read.facts.reader, whole, materials)?;
                            self.read.insert(reading, fresh.clone());
                            fresh
                        }
                    }
                }
            };
            self.by_record.insert(key, recheck);
            self.reports.extend(report.map(|report| (key, report)));
        }
        Ok(())
    }

    /// Reads the baselines that may be held against the change: those of merges at or below its base.
    ///
    /// # Errors
    /// See [`RecheckError`].
    pub fn read_baselines(
        &mut self,
        complete: &Complete<Change>,
        trust: &Trust,
        git: &GitFacts,
        materials: &dyn Materials,
    ) -> Result<(), RecheckError> {
        let Some(below) = &git.below else { return Ok(()) };
        let chain = chain_of(trust, &below.branch);
        let wanted: Vec<(u64, Digest)> =
            candidates(complete, &chain, below).map(|(record, digest)| (record.serial(), *digest)).collect();
        materials.prepare(&wanted.iter().map(|(_, digest)| *digest).collect::<Vec<_>>())?;
        for (serial, digest) in wanted {
            if let Some(read) = read_baseline(serial, &digest, materials)? {
                self.baselines.insert(digest, read.map(Arc::new).map_err(|error| error.to_string()));
            }
        }
        Ok(())
    }

    /// Returns a baseline that was read; none if it is not there.
    pub(super) fn baseline(&self, digest: &Digest) -> Option<Result<&Baseline, &str>> {
        self.baselines.get(digest).map(|read| read.as_ref().map(Arc::as_ref).map_err(String::as_str))
    }

    /// Returns what reading a record's material again came to.
    #[must_use]
    pub fn find(&self, serial: u64, material: &Digest) -> Option<&Recheck> {
        self.by_record.get(&(serial, *material))
    }

    /// Returns of what kind an attachment is; none if its bytes are not there, or if nobody asks.
    pub(super) fn media(&self, serial: u64, material: &Digest) -> Option<Media> {
        self.media.get(&(serial, *material)).copied()
    }

    /// Returns all that a record's material shows; none if it could not be read, or if no policy asks for more than facts.
    pub(super) fn report(&self, serial: u64, material: &Digest) -> Option<&Arc<Report>> {
        self.reports.get(&(serial, *material))
    }
}

impl Asked {
    fn of<'a>(complete: &Complete<Change>, policies: impl Iterator<Item = &'a Policy>) -> Self {
        let (mut whole, mut attached) = (BTreeSet::new(), BTreeSet::new());
        // Which tests name what joins a surface is asked of all claims.
        let mut surface = false;
        for (name, claim) in policies.flat_map(|policy| policy.claims()) {
            if claim.asks_more_than_facts() {
                whole.insert(name.clone());
            }
            surface |= claim.names.as_ref().is_some_and(|names| names.surface.is_some());
            if claim.attachments.is_some() {
                attached.insert(name.clone());
            }
        }
        // Whoever planned them: who may plan is for the judge to say.
        let has_criteria = |record: &Logged| match &record.statement().predicate {
            Predicate::Plan(plan) => !plan.criteria.is_empty(),
            _ => false,
        };
        Self { whole, attached, all: surface || complete.of_change().any(has_criteria) }
    }

    fn looks_at_attachments(&self, claim: &ClaimName) -> bool {
        self.all || self.attached.contains(claim)
    }

    /// Returns the materials of these records that are read: those with facts, and attachments that somebody asks for.
    fn materials<'a>(&self, records: impl Iterator<Item = &'a Logged>) -> Vec<Digest> {
        let mut digests = BTreeSet::new();
        for record in records {
            let run = match &record.statement().predicate {
                Predicate::Result(run) => run,
                Predicate::Plan(plan) => {
                    digests.extend(plan.materials().map(|material| material.sha256));
                    continue;
                }
                _ => continue,
            };
            digests.extend(run.facts.iter().map(|read| read.material));
            digests.extend(run.base_runs().flat_map(|run| &run.facts).map(|read| read.material));
            let attached = run.materials.iter().filter(|material| material.purpose == Purpose::Attachment);
            let asked = self.looks_at_attachments(&run.claim);
            digests.extend(attached.filter(|_| asked).map(|material| material.sha256));
        }
        digests.into_iter().collect()
    }
}

/// Reads of what kind an attachment is, and checks that it is the one that was signed; none if it is not there.
fn look(serial: u64, material: &Material, materials: &dyn Materials) -> Result<Option<Media>, RecheckError> {
    let Some(input) = materials.material(&material.sha256)? else { return Ok(None) };
    let mut input = Hashing { input, hasher: Hasher::default(), bytes: 0, limit: material.bytes };
    let broken = |error: io::Error| RecheckError::Read { digest: material.sha256, text: error.to_string() };
    let media = reports::media(&mut input).map_err(broken)?;
    drain(&mut input).map_err(broken)?;
    same(serial, material, input)?;
    Ok(Some(media))
}

/// Checks that the bytes that were read have the signed hash and length.
fn same(serial: u64, material: &Material, input: Hashing<'_>) -> Result<(), RecheckError> {
    let (found, bytes) = (input.hasher.finish(), input.bytes);
    if found == material.sha256 && bytes == material.bytes {
        return Ok(());
    }
    Err(RecheckError::Contradiction { serial, name: material.name.clone(), found, wanted: material.sha256 })
}

fn recheck(
    serial: u64,
    material: &Material,
    reader: &str,
    whole: bool,
    materials: &dyn Materials,
) -> Result<Reread, RecheckError> {
    let Some(input) = materials.material(&material.sha256)? else { return Ok((Recheck::Missing, None)) };
    let mut input = Hashing { input, hasher: Hasher::default(), bytes: 0, limit: material.bytes };
    let read = Format::of_reader(reader).map(|format| match whole {
        true => reports::read_report(format, &mut input).map(|report| (report.facts.clone(), Some(Arc::new(report)))),
        false => reports::read(format, &mut input).map(|facts| (facts, None)),
    });
    let broken = |error: io::Error| RecheckError::Read { digest: material.sha256, text: error.to_string() };
    drain(&mut input).map_err(broken)?;
    same(serial, material, input)?;
    Ok(match read {
        None => (Recheck::Unreadable(format!("no reader {reader} is known")), None),
        Some(Err(error)) => (Recheck::Unreadable(error.to_string()), None),
        Some(Ok((facts, report))) => (Recheck::Facts(Box::new(facts)), report),
    })
}

/// Reads and hashes the baseline that a record left; `None` if it is not there.
///
/// # Errors
/// See [`RecheckError`].
pub fn read_baseline(
    serial: u64,
    digest: &Digest,
    materials: &dyn Materials,
) -> Result<Option<Result<Baseline, BaselineError>>, RecheckError> {
    let Some(input) = materials.material(digest)? else { return Ok(None) };
    let mut bytes = Vec::new();
    let broken = |error: io::Error| RecheckError::Read { digest: *digest, text: error.to_string() };
    input
        .take(u64::try_from(BASELINE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(broken)?;
    let found = sha256(&bytes);
    if found != *digest {
        let name = "baseline".to_owned();
        return Err(RecheckError::Contradiction { serial, name, found, wanted: *digest });
    }
    Ok(Some(Baseline::parse(&bytes)))
}

/// A baseline of a million names is shorter; a longer one is not recorded.
pub const BASELINE_BYTES_MAX: usize = 256 << 20;

/// Returns the outcome that counts: the worst of what was stated and what the reports say when read again.
pub(super) fn outcome(record: &Logged, run: &Run, rechecked: &Rechecked) -> Counted {
    let mut counted = Counted { outcome: run.outcome, facts: Vec::new(), trouble: Vec::new(), asserted: false };
    for material in run.materials.iter().filter(|material| material.purpose == Purpose::Report) {
        if !run.facts.iter().any(|read| read.material == material.sha256) {
            counted.outcome = counted.outcome.worst(Outcome::Inconclusive);
        }
    }
    for read in &run.facts {
        counted.outcome = counted.outcome.worst(read.facts.outcome);
        let material = run.materials.iter().find(|material| material.sha256 == read.material);
        let purpose = material.map_or(Purpose::Report, |material| material.purpose);
        match rechecked.find(record.serial(), &read.material) {
            Some(Recheck::Facts(facts)) => {
                counted.outcome = counted.outcome.worst(facts.outcome);
                if **facts != read.facts {
                    counted
                        .trouble
                        .push(Trouble::Differ { stated: Box::new(read.facts.clone()), found: facts.clone() });
                }
                counted.facts.push((purpose, (**facts).clone()));
            }
            Some(Recheck::Unreadable(text)) => counted.trouble.push(Trouble::Unreadable(text.clone())),
            Some(Recheck::Missing) | None => {
                counted.asserted = true;
                counted.facts.push((purpose, read.facts.clone()));
            }
        }
    }
    // What the runs on the base show is no fact of the head; but what is stated of it has to be so.
    for read in run.base_runs().flat_map(|run| &run.facts) {
        match rechecked.find(record.serial(), &read.material) {
            Some(Recheck::Facts(facts)) if **facts == read.facts => {}
            Some(Recheck::Facts(facts)) => {
                let (stated, found) = (Box::new(read.facts.clone()), facts.clone());
                counted.trouble.push(Trouble::Differ { stated, found });
            }
            Some(Recheck::Unreadable(text)) => counted.trouble.push(Trouble::Unreadable(text.clone())),
            Some(Recheck::Missing) | None => counted.asserted = true,
        }
    }
    counted
}

/// What a result counts as.
pub(super) struct Counted {
    pub(super) outcome: Outcome,
    /// With what the material is to the run.
    pub(super) facts: Vec<(Purpose, Facts)>,
    pub(super) trouble: Vec<Trouble>,
    /// Whether a report is not there, so that its facts are only asserted.
    pub(super) asserted: bool,
}

pub(super) enum Trouble {
    Differ { stated: Box<Facts>, found: Box<Facts> },
    Unreadable(String),
}

/// Hashes what passes through, and stops at the length that was signed: a longer file cannot take our time.
struct Hashing<'a> {
    input: Box<dyn BufRead + 'a>,
    hasher: Hasher,
    bytes: u64,
    limit: u64,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Hashing<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.bytes > self.limit {
            return Ok(&[]);
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if let Ok(buffer) = self.input.fill_buf() {
            self.hasher.update(&buffer[..count]);
            self.bytes = self.bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        }
        self.input.consume(count);
    }
}

fn drain(input: &mut Hashing<'_>) -> io::Result<()> {
    loop {
        let count = input.fill_buf()?.len();
        if count == 0 {
            return Ok(());
        }
        input.consume(count);
    }
}
