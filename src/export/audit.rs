//! The audit: everything in a bundle checked again, and the change judged again, as of when it was merged.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};

use super::bundle::Bundle;
use super::layings::layings;
use super::layout::{ATTESTATIONS, MANIFEST, UNREAD, manifest};
use super::report::Attestation;
use super::write::{is_verdict, named_materials};
use crate::crypto::{Hasher, sha256};
use crate::git::{GitFactsError, changed_lines, first_parent, git_facts, need_commit};
use crate::merkle::{Checkpoint, Consistency, MapText, SignedCheckpoint};
use crate::model::{Digest, Event, Id, Oid, Predicate, Time};
use crate::policy::{Act, Asserted, Moment};
use crate::prove::{
    Change, Complete, EVERY_CHANGE, Logged, Materials as _, ProveError, Source as _, SourceError, Trust, branch_chain,
};
use crate::rego::{Evaluator, RegoError};
use crate::verify::{
    Authority, Clock, Code, Decided, ExceptionState, Finding, Judgement, Policies, PolicyReadError, RecheckError,
    Rechecked, aim, asks_changed_lines, next_baseline, plan_base, read_baseline, read_branch, read_names,
};

/// What an audit came to.
#[derive(Debug, Clone)]
pub struct Audit {
    /// The verdict.
    pub decided: Decided,
    /// The number of records checked.
    pub records: usize,
    /// The number of lists proven complete.
    pub lists: usize,
    /// The number of materials hashed, and of their bytes.
    pub materials: (usize, u64),
    /// Materials that records name and that are not in the bundle.
    pub left_out: Vec<Digest>,
    /// The older size since which the log is shown only to have grown.
    pub grew_since: Option<u64>,
    /// The records that the verdict rests on.
    pub attestations: Vec<Attestation>,
    /// The merge that closed the change: its serial, and whether it names a verdict that accepted it.
    pub merge: Option<(u64, Verified)>,
    /// Records of the change that were logged after the moment that was judged: serial, kind, time.
    pub later: Vec<(u64, String, Time)>,
    /// Exceptions that were in force then, and were over when the bundle was made: serial, id, end.
    pub lapsed: Vec<(u64, Id, Time)>,
}

/// Whether a merge was recorded with a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// It names one.
    Named,
    /// It was recorded without.
    No,
}

/// Why a bundle is not accepted, before anything is judged.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Something is missing, unreadable or contradicts itself.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// A policy.
    #[error(transparent)]
    Policy(#[from] PolicyReadError),
    /// A report.
    #[error(transparent)]
    Recheck(#[from] RecheckError),
    /// The git objects.
    #[error(transparent)]
    Git(#[from] GitFactsError),
    /// A policy's Rego could not be run to its end.
    #[error(transparent)]
    Rego(#[from] RegoError),
    /// A member that nothing leads to.
    #[error("nothing leads to the member {0}: it is reached by no hash from the checkpoint")]
    Unreached(String),
    /// A derived member is not what follows from the rest.
    #[error("{0} is not what follows from the rest of the bundle")]
    Derived(&'static str),
    /// A material is not what its name says.
    #[error("the material {name} has the hash {found}")]
    Material {
        /// The name.
        name: Digest,
        /// The hash.
        found: Digest,
    },
}

/// Checks a bundle under a trust file and judges its change; the evaluator runs what its policies say in Rego.
///
/// With an older checkpoint, checks also that the log only grew since.
///
/// # Errors
/// See [`AuditError`]; a bundle that is whole and not sufficient is no error, but a refusing verdict.
pub fn audit(bundle: &Bundle, trust: &Trust, since: Option<&[u8]>, evaluator: &Evaluator) -> Result<Audit, AuditError> {
    let named = bundle.manifest();
    let commit = need_commit(bundle, &named.commit)?;
    let subject = Change { id: named.change.clone(), tree: commit.tree };
    let whole = Complete::check(bundle, trust, subject)?;
    let policies = Policies::read(&whole, bundle)?;
    let merge = merge_of(&whole, &policies, trust);
    let judged = |whole: &Complete<Change>| match merge {
        Some((serial, _)) => whole.clone().before(serial),
        None => whole.clone(),
    };
    let complete = judged(&whole);
    let now = merge
        .map(|(_, time)| time)
        .or_else(|| of_verdict(&complete, &policies, trust, &named.commit))
        .unwrap_or(complete.map().time);
    let base = plan_base(&complete, &policies, trust, Clock::AsOf(now)).unwrap_or_else(|| named.commit.clone());
    let mut git = git_facts(bundle, &named.commit, &base)?;
    let whole = read_names(whole, bundle, trust, &policies, &git)?;
    if asks_changed_lines(&whole, &policies, &git) {
        git.changed = Some(changed_lines(bundle, &named.commit, &base, &layings(&whole))?);
    }
    let parent = &mut |commit: &Oid| first_parent(bundle, commit).map_err(AuditError::from);
    let whole = read_branch(whole, bundle, trust, &policies, &mut git, merge.map(|(serial, _)| serial), parent)?;
    let complete = judged(&whole);
    check_derived(bundle, &whole)?;
    let materials = hash_all(bundle, named_materials(&whole, trust, git.below.as_ref()))?;
    check_consistency_form(bundle, &whole)?;
    let grew_since = since.map(|note| check_growth(bundle, trust, &whole, note)).transpose()?;
    let mut rechecked = Rechecked::of_change(&complete, &policies, bundle)?;
    rechecked.read_baselines(&complete, trust, &git, bundle)?;
    let judgement = Judgement {
        complete: &complete,
        trust,
        policies: &policies,
        rechecked: &rechecked,
        git: &git,
        clock: Clock::AsOf(now),
        moment: Moment::Merge,
        found_before: left_out(&complete, &policies, trust, &materials.left_out),
        admitted: Vec::new(),
    };
    // What is no bundle needs no module to be run.
    check_reached(bundle)?;
    let decided = evaluator.judge(&judgement)?;
    let decided = match merge {
        Some((serial, _)) => {
            let decided = moved(bundle, trust, &whole, &policies, serial, decided)?;
            merged_as_judged(&whole, &policies, trust, serial, decided)
        }
        None => decided,
    };
    let wider = whole.of_list(&MapText::chain(EVERY_CHANGE));
    let later = whole
        .of_change()
        .chain(wider.filter(|record| record.statement().binding.change.is_none()))
        .filter(|record| record.time() > now || merge.is_some_and(|(serial, _)| record.serial() > serial));
    let shown = decided.verdict().exceptions.iter().filter(|shown| shown.state == ExceptionState::InForce);
    let lapsed = shown.filter(|shown| shown.until <= whole.map().time);
    let lapsed: Vec<_> = lapsed.map(|shown| (shown.serial, shown.id.clone(), shown.until)).collect();
    Ok(Audit {
        decided,
        records: whole.records().count(),
        lists: whole.lists().len(),
        materials: (materials.hashed, materials.bytes),
        left_out: materials.left_out,
        grew_since,
        attestations: complete.records().map(Attestation::from).collect(),
        merge: merge.map(|(serial, _)| (serial, verified(&whole, serial))),
        lapsed,
        later: later.map(|record| (record.serial(), record.entry().kind.clone(), record.time())).collect(),
    })
}

/// Refuses a bundle about another tree than the one that was merged with a verdict, or merged to another branch than the change is
/// meant for: what was judged there is not what is shown here.
fn merged_as_judged(
    whole: &Complete<Change>,
    policies: &Policies,
    trust: &Trust,
    serial: u64,
    decided: Decided,
) -> Decided {
    let Some(record) = whole.record(serial) else { return decided };
    let Predicate::Event(Event::Merge { verdict: Some(_), branch, .. }) = &record.statement().predicate else {
        return decided;
    };
    let aim = aim(whole, policies, trust, Some(serial));
    let decided = match aim.and_then(|aim| aim.misses(&whole.subject().id, branch)) {
        Some(finding) => decided.refused_for(finding),
        None => decided,
    };
    match record.statement().tree() {
        Some(tree) if *tree != whole.subject().tree => {
            let found = format!("record {serial} merged the tree {tree}; the bundle is about {}", whole.subject().tree);
            decided.refused_for(Finding::new(Code::OTHER_COMMIT, "the merge", found, "the tree of the merged commit"))
        }
        _ => decided,
    }
}

/// Computes again which baseline the merge of the change left, and refuses another. A merge of several changes rests on the
/// others' verdicts too, which are in their bundles: that is computed by an audit of the branch.
fn moved(
    bundle: &Bundle,
    trust: &Trust,
    whole: &Complete<Change>,
    policies: &Policies,
    serial: u64,
    decided: Decided,
) -> Result<Decided, AuditError> {
    let Some(record) = whole.record(serial) else { return Ok(decided) };
    let Predicate::Event(Event::Merge { changes, verdict: Some(_), baseline, branch, repository }) =
        &record.statement().predicate
    else {
        return Ok(decided);
    };
    let chain = MapText::chain(&branch_chain(repository, branch));
    if changes.len() != 1 || whole.run(&chain).is_none() || !decided.accepted() {
        return Ok(decided);
    }
    let authority = Authority::replay(whole, policies, trust, whole.map().time);
    let earlier = whole.of_run(&chain).rev().filter(|other| other.serial() < serial);
    let mut earlier = earlier.filter(|other| authority.may_at(Act::Merge, other));
    let newest = earlier.find_map(|other| match &other.statement().predicate {
        Predicate::Event(Event::Merge { baseline: Some(baseline), .. }) => Some((other.serial(), *baseline)),
        _ => None,
    });
    let before = match newest {
        None => None,
        Some((serial, digest)) => match read_baseline(serial, &digest, bundle)? {
            Some(Ok(baseline)) => Some((digest, baseline)),
            _ => {
                let found = format!("the baseline that record {serial} left is not there, or cannot be read");
                let wanted = "the baseline from which the one of the merge follows";
                return Ok(decided.refused_for(Finding::new(Code::NO_BASELINE, "the merge", found, wanted)));
            }
        },
    };
    let known = before.as_ref().map(|(digest, baseline)| (*digest, baseline));
    let next = next_baseline(&format!("{repository}:{branch}"), known, &[&decided]);
    let wanted = (!next.parts.is_empty() || before.is_some()).then(|| sha256(next.print().as_bytes()));
    if wanted == *baseline {
        return Ok(decided);
    }
    let shown = |digest: Option<Digest>| digest.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
    let thing = format!("the baseline that record {serial} left");
    let finding = Finding::new(Code::WRONG_BASELINE, thing, format!("it is {}", shown(*baseline)), shown(wanted));
    Ok(decided.refused_for(finding))
}

/// Refuses what the change's records rest on and the bundle lacks, be it of a failed attempt: whoever takes it out hides
/// something. A policy may allow it for a claim.
fn left_out(complete: &Complete<Change>, policies: &Policies, trust: &Trust, missing: &[Digest]) -> Vec<Finding> {
    let authority = Authority::replay(complete, policies, trust, complete.map().time);
    let policy = complete.of_change().next().and_then(|first| authority.policy_at(first.serial()));
    let allows = |claim| {
        policy.and_then(|(_, policy)| policy.claim(claim)).is_some_and(|claim| claim.asserted == Asserted::Allow)
    };
    let mut findings = Vec::new();
    for record in complete.of_change() {
        let named: Vec<&Digest> = match &record.statement().predicate {
            Predicate::Result(run) if !allows(&run.claim) => {
                run.all_materials().map(|material| &material.sha256).collect()
            }
            Predicate::Review(review) if !allows(&review.claim) => {
                review.notes.iter().map(|notes| &notes.sha256).collect()
            }
            Predicate::Plan(plan) => plan.materials().map(|material| &material.sha256).collect(),
            Predicate::Verdict(verdict) => verdict.materials().collect(),
            _ => Vec::new(),
        };
        for digest in named.into_iter().filter(|digest| missing.contains(digest)) {
            let thing = format!("record {}", record.serial());
            findings.push(Finding::new(
                Code::NO_MATERIAL,
                thing,
                format!("its material {digest} is not in the bundle"),
                "every material that it names",
            ));
        }
    }
    findings
}

/// Returns the moment that an audit of these records judges: the change's merge, else the newest verdict on the commit by
/// somebody who may merge, else the checkpoint.
#[must_use]
pub fn audited_moment(complete: &Complete<Change>, policies: &Policies, trust: &Trust, commit: &Oid) -> Time {
    let merge = merge_of(complete, policies, trust).map(|(_, time)| time);
    merge.or_else(|| of_verdict(complete, policies, trust, commit)).unwrap_or(complete.map().time)
}

/// Returns the place before which records count for an audit of these: that of the change's merge, if there is one.
#[must_use]
pub fn audited_place(complete: &Complete<Change>, policies: &Policies, trust: &Trust) -> Option<u64> {
    merge_of(complete, policies, trust).map(|(serial, _)| serial)
}

/// Returns place and time of the change's merge: the newest by somebody who may merge. Anybody else's ends nothing, so that
/// it cannot hide what came after it.
fn merge_of(complete: &Complete<Change>, policies: &Policies, trust: &Trust) -> Option<(u64, Time)> {
    let authority = Authority::replay(complete, policies, trust, complete.map().time);
    let closes = |record: &&Logged| match &record.statement().predicate {
        Predicate::Event(Event::Merge { changes, .. }) => {
            changes.contains(&complete.subject().id) && authority.may_at(Act::Merge, record)
        }
        _ => false,
    };
    complete.records().rev().find(closes).map(|record| (record.serial(), record.time()))
}

fn verified(complete: &Complete<Change>, serial: u64) -> Verified {
    match complete.record(serial).map(|record| &record.statement().predicate) {
        Some(Predicate::Event(Event::Merge { verdict: Some(_), .. })) => Verified::Named,
        _ => Verified::No,
    }
}

/// Returns the time of the newest verdict on the commit by somebody who may merge.
fn of_verdict(complete: &Complete<Change>, policies: &Policies, trust: &Trust, commit: &Oid) -> Option<Time> {
    let authority = Authority::replay(complete, policies, trust, complete.map().time);
    let counts = |record: &&Logged| is_verdict(record, commit) && authority.may_at(Act::Merge, record);
    complete.of_change().rev().find(counts).map(Logged::time)
}

/// Builds `bundle.json` and the attestations again and compares them byte for byte.
fn check_derived(bundle: &Bundle, complete: &Complete<Change>) -> Result<(), AuditError> {
    let named = bundle.manifest();
    let verdict = complete.of_change().rev().find(|record| is_verdict(record, &named.commit)).map(Logged::serial);
    let wanted = manifest(&complete.checkpoint().checkpoint().origin, &named.change, &named.commit, verdict);
    let same =
        bundle.need(MANIFEST, u64::try_from(wanted.len()).unwrap_or(0)).is_ok_and(|found| found == wanted.as_bytes());
    if !same || named.verdict != verdict || named.origin != complete.checkpoint().checkpoint().origin {
        return Err(AuditError::Derived(MANIFEST));
    }
    let derived = || AuditError::Derived(ATTESTATIONS);
    let unreadable = |error: std::io::Error| ProveError::Unreadable(format!("{ATTESTATIONS}: {error}"));
    let mut lines =
        bundle.member(ATTESTATIONS).ok_or_else(|| ProveError::Missing(format!("{ATTESTATIONS} in the bundle")))?;
    for record in complete.records() {
        let wanted = bundle.record(record.serial()).map_err(ProveError::from)?.envelope;
        let mut line = vec![0; wanted.len() + 1];
        match lines.read_exact(&mut line) {
            Ok(()) if line.strip_suffix(b"\n") == Some(wanted.as_slice()) => {}
            Ok(()) => return Err(derived()),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(derived()),
            Err(error) => return Err(unreadable(error).into()),
        }
    }
    if lines.fill_buf().map_err(unreadable)?.is_empty() { Ok(()) } else { Err(derived()) }
}

struct Hashed {
    hashed: usize,
    bytes: u64,
    left_out: Vec<Digest>,
}

fn hash_all(bundle: &Bundle, named: BTreeMap<Digest, Option<u64>>) -> Result<Hashed, AuditError> {
    let mut hashed = Hashed { hashed: 0, bytes: 0, left_out: Vec::new() };
    for (digest, signed) in named {
        let Some(mut material) = bundle.material(&digest).map_err(ProveError::from)? else {
            hashed.left_out.push(digest);
            continue;
        };
        let mut hasher = Hasher::default();
        let mut bytes = 0;
        loop {
            let buffer = material
                .fill_buf()
                .map_err(|error| ProveError::Unreadable(format!("the material {digest}: {error}")))?;
            let count = buffer.len();
            if count == 0 {
                break;
            }
            hasher.update(buffer);
            bytes += u64::try_from(count).unwrap_or(0);
            material.consume(count);
        }
        let found = hasher.finish();
        if found != digest || signed.is_some_and(|signed| signed != bytes) {
            return Err(AuditError::Material { name: digest, found });
        }
        hashed.hashed += 1;
        hashed.bytes += bytes;
    }
    Ok(hashed)
}

/// Reads the consistency proof, if there is one: without the older note it shows nothing, and yet is no place for other bytes.
fn check_consistency_form(bundle: &Bundle, complete: &Complete<Change>) -> Result<(), AuditError> {
    let Some(text) = bundle.consistency().map_err(ProveError::from)? else { return Ok(()) };
    let proof = Consistency::parse(&text).map_err(ProveError::from)?;
    let newer = complete.checkpoint().checkpoint();
    proof.check_newer(newer.size, &newer.root).map_err(|error| ProveError::Contradiction {
        text: error.to_string(),
        heads: vec![String::from_utf8_lossy(complete.checkpoint().note()).into_owned()],
    })?;
    Ok(())
}

fn check_growth(bundle: &Bundle, trust: &Trust, complete: &Complete<Change>, note: &[u8]) -> Result<u64, AuditError> {
    let older = Checkpoint::parse_note(note).map_err(ProveError::from)?;
    let newer = complete.checkpoint().checkpoint();
    let older = SignedCheckpoint::open(note, &trust.log_keys(&newer.origin, older.size), &newer.origin)
        .map_err(ProveError::from)?;
    let older = older.checkpoint();
    let text = bundle.consistency().map_err(ProveError::from)?;
    let text = text.ok_or_else(|| {
        ProveError::Missing("consistency proof in the bundle: it was not exported with --since".to_owned())
    })?;
    let proof = Consistency::parse(&text).map_err(ProveError::from)?;
    let heads = || {
        vec![
            String::from_utf8_lossy(note).into_owned(),
            String::from_utf8_lossy(complete.checkpoint().note()).into_owned(),
        ]
    };
    if proof.from != older.size {
        return Err(ProveError::Missing(format!(
            "consistency proof from size {}: the bundle has one from {}",
            older.size, proof.from
        ))
        .into());
    }
    proof.check(&older.root, newer.size, &newer.root).map_err(|error| ProveError::Contradiction {
        text: format!("the log did not only grow: {error}"),
        heads: heads(),
    })?;
    Ok(older.size)
}

/// Refuses members that nothing led to.
fn check_reached(bundle: &Bundle) -> Result<(), AuditError> {
    match bundle.unread().into_iter().find(|name| !UNREAD.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(AuditError::Unreached(name)),
    }
}

impl From<SourceError> for AuditError {
    fn from(error: SourceError) -> Self {
        Self::Prove(error.into())
    }
}
