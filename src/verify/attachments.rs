//! The rule of attachments: how many of which kind are attached, and who has seen each picture.
//!
//! The kind is what the bytes say. A picture is known by its name and its hash: a review that saw another hash saw another
//! picture. A picture that the branch's baseline has as it is needs no review; one that it has otherwise needs one that says which it
//! was before. Where the policy names no claim whose reviews see pictures, nobody can say that, and what changed refuses unless the one
//! before it is retired. That those of the baseline are there is for [`super::ratchet`].

use std::collections::{BTreeMap, BTreeSet};

use super::authority::Who;
use super::code::Code;
use super::judge::{Bench, Ruled};
use super::question::Counted;
use super::telling::told;
use super::verdict::Finding;
use crate::crypto::Hasher;
use crate::model::{ClaimName, CriterionId, Digest, Phase, PictureSeen, Predicate, Purpose, Review, ReviewVerdict};
use crate::policy::{AttachmentKind, AttachmentLimits};
use crate::prove::Logged;
use crate::reports::{Media, shown};

/// An attachment of a result.
#[derive(Debug, Clone)]
pub(super) struct Attached<'a> {
    /// The result.
    pub(super) serial: u64,
    /// What it is called: as was said, else the file's name.
    pub(super) name: &'a str,
    /// The hash of its bytes.
    pub(super) material: Digest,
    /// Its kind; none if its bytes are not there.
    pub(super) media: Option<Media>,
    /// What is said of it.
    pub(super) caption: Option<&'a str>,
    /// The criterion that it is for.
    pub(super) criterion: Option<&'a CriterionId>,
}

impl Attached<'_> {
    /// Returns whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.material == Hasher::default().finish()
    }

    /// Returns its name, with what is said of it.
    fn told(&self) -> String {
        match self.caption {
            Some(caption) => format!("{} ({})", self.name, shown(caption, CAPTION_CHARS_MAX)),
            None => self.name.to_owned(),
        }
    }
}

/// Returns what is attached to a result: only what is among its materials.
pub(super) fn of<'a>(bench: &Bench<'a>, serial: u64) -> Vec<Attached<'a>> {
    let Some(Predicate::Result(run)) = bench.complete.record(serial).map(|record| &record.statement().predicate) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for material in run.materials.iter().filter(|material| material.purpose == Purpose::Attachment) {
        let media = bench.rechecked.media(serial, &material.sha256);
        let blank =
            Attached { serial, name: &material.name, material: material.sha256, media, caption: None, criterion: None };
        let before = all.len();
        let said = run.attachments.iter().filter(|said| said.material == material.sha256);
        all.extend(said.map(|said| Attached {
            name: &said.name,
            caption: said.caption.as_deref(),
            criterion: said.criterion.as_ref(),
            ..blank
        }));
        if all.len() == before {
            all.push(blank);
        }
    }
    all
}

/// What the counted results of a variant show of pictures.
#[derive(Default)]
pub(super) struct Pictures {
    /// Each by its name.
    pub(super) now: BTreeMap<Box<str>, Digest>,
    /// The names of those that changed, which nobody who may has passed as they are.
    pub(super) unseen: BTreeSet<Box<str>>,
}

/// Returns the pictures that are attached to the counted results of a variant, by name; of two under one name neither.
pub(super) fn pictures(bench: &Bench<'_>, counted: &[Counted]) -> BTreeMap<Box<str>, Digest> {
    let mut found: BTreeMap<Box<str>, BTreeSet<Digest>> = BTreeMap::new();
    for attached in counted.iter().flat_map(|counted| of(bench, counted.result)) {
        if attached.media == Some(Media::Picture) {
            found.entry(attached.name.into()).or_default().insert(attached.material);
        }
    }
    let one = |(name, hashes): (Box<str>, BTreeSet<Digest>)| match hashes.len() {
        1 => hashes.into_iter().next().map(|hash| (name, hash)),
        _ => None,
    };
    found.into_iter().filter_map(one).collect()
}

/// Holds what is attached to the counted results of a variant against what the claim wants.
///
/// Returns the names of pictures that are not those of the baseline, and that nobody who may has passed as they are.
pub(super) fn check(
    bench: &Bench<'_>,
    name: &ClaimName,
    limits: &AttachmentLimits,
    counted: &[Counted],
    old: Option<&BTreeMap<Box<str>, Digest>>,
    ruled: &mut Ruled,
    findings: &mut Vec<Finding>,
) -> BTreeSet<Box<str>> {
    let AttachmentLimits { min, kinds, baseline: _, reviewed_by } = limits;
    let all: Vec<Attached<'_>> = counted.iter().flat_map(|counted| of(bench, counted.result)).collect();
    for gone in all.iter().filter(|attached| attached.media.is_none()) {
        let found = format!("the attachment {} of record {} is not there", gone.name, gone.serial);
        findings.push(Finding::new(Code::NO_MATERIAL, name.as_str(), found, "every attachment"));
    }
    let counts = |media: Media| kinds.is_empty() || kinds.contains(&AttachmentKind::of(media));
    // The same bytes twice are one attachment.
    let there: BTreeSet<&Digest> = all
        .iter()
        .filter(|attached| attached.media.is_some_and(counts) && !attached.is_empty())
        .map(|attached| &attached.material)
        .collect();
    tell(&all, ruled);
    let found = u64::try_from(there.len()).unwrap_or(u64::MAX);
    if found < min.get() {
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let of = if kinds.is_empty() { String::new() } else { format!(" of kind {}", kinds.join(" or ")) };
        let found = format!("{found} attached{of}");
        findings.push(Finding::new(Code::ATTACHMENT_LIMIT, name.as_str(), found, format!("at least {min}")));
    }
    let pictures: BTreeSet<(&str, Digest)> = all
        .iter()
        .filter(|attached| attached.media == Some(Media::Picture))
        .map(|attached| (attached.name, attached.material))
        .collect();
    let mut changed = BTreeSet::new();
    for (picture, hash) in pictures {
        let before = old.map(|old| old.get(picture));
        if before == Some(Some(&hash)) {
            continue;
        }
        let told = findings.len();
        let picture_shown = Picture { name: picture, hash, before };
        match reviewed_by {
            Some(by) => check_seen(bench, name, by, &picture_shown, ruled, findings),
            None => check_same(bench, name, &picture_shown, findings),
        }
        if before.flatten().is_some() && findings.len() > told {
            changed.insert(picture.into());
        }
    }
    changed
}

/// A picture, and what the baseline has under its name, where it is held against one.
struct Picture<'a> {
    name: &'a str,
    hash: Digest,
    before: Option<Option<&'a Digest>>,
}

/// Refuses a picture that is not the one of the baseline, where no review could say that it may change.
fn check_same(bench: &Bench<'_>, name: &ClaimName, picture: &Picture<'_>, findings: &mut Vec<Finding>) {
    let Some(before) = picture.before.flatten() else { return };
    if bench.exceptions.retires(name, picture.name).is_some() {
        return;
    }
    let found = format!("{}; the claim has no `reviewed_by`, so that no review of it counts", picture.changed(before));
    let thing = format!("{name}: picture {}", picture.name);
    let wanted = "the picture of the baseline, or that it is retired";
    let finding = Finding::new(Code::PICTURE_NOT_REVIEWED, thing, found, wanted);
    findings.push(bench.mended_by_leave(finding, "retire", name, picture.name, None));
}

impl Picture<'_> {
    /// Says from what to what it changed.
    fn changed(&self, before: &Digest) -> String {
        format!("it changed: the baseline has {}, it is {}", short(before), short(&self.hash))
    }
}

/// Checks that somebody who may has seen a picture as it is, and nobody says that it is not fit.
fn check_seen(
    bench: &Bench<'_>,
    name: &ClaimName,
    by: &ClaimName,
    shown: &Picture<'_>,
    ruled: &mut Ruled,
    findings: &mut Vec<Finding>,
) {
    let Picture { name: picture, hash, before } = shown;
    let thing = format!("{name}: picture {picture}");
    // What was looked at is the picture and, where it changed, the one before it.
    let is_it = |seen: &PictureSeen| seen.new == *hash && before.is_none_or(|before| seen.old.as_ref() == before);
    let Some(reviewing) = bench.policy.and_then(|policy| policy.claim(by)) else {
        let found = format!("the policy has no claim {by}");
        findings.push(Finding::new(Code::PICTURE_NOT_REVIEWED, thing, found, "a claim whose reviews see pictures"));
        return;
    };
    let command = ["evidence", "review", by.as_str(), "--picture", picture, "--verdict", "pass"];
    let mut newest: BTreeMap<Who, (&Logged, &Review)> = BTreeMap::new();
    let mut other = None;
    for record in bench.complete.of_change() {
        let Predicate::Review(review) = &record.statement().predicate else { continue };
        if review.claim != *by || review.phase != Phase::Plain || !bench.authority.may_hurt(record) {
            continue;
        }
        let of_name = |seen: &&PictureSeen| seen.name == *picture;
        if review.pictures.iter().filter(of_name).any(is_it) {
            newest.extend(bench.authority.behind(record).into_iter().map(|who| (who, (record, review))));
        } else if let Some(seen) = review.pictures.iter().find(of_name) {
            other = Some((record.serial(), seen.clone()));
        }
    }
    let passes = |review: &Review| review.verdict == Some(ReviewVerdict::Pass);
    let fails: BTreeSet<u64> =
        newest.values().filter(|(_, review)| !passes(review)).map(|(record, _)| record.serial()).collect();
    for serial in &fails {
        let found = format!("record {serial} says that it is not fit");
        let finding = Finding::new(Code::DISSENT, &thing, found, "no dissent");
        findings.push(finding.mended_by(&command, Some(reviewing.by.as_str())));
    }
    let fresh = |record: &Logged| reviewing.age_max.is_none_or(|age| bench.now <= record.time().after(age));
    let mut passing: Vec<&Logged> =
        newest.values().filter(|(record, review)| passes(review) && fresh(record)).map(|(record, _)| *record).collect();
    passing.sort_by_key(|record| record.serial());
    passing.dedup_by_key(|record| record.serial());
    if passing.is_empty() {
        if fails.is_empty() {
            let found = match other {
                Some((serial, seen)) if seen.new != *hash => {
                    format!(
                        "the newest review of it, in record {serial}, saw {}; it is {}",
                        short(&seen.new),
                        short(hash)
                    )
                }
                Some((serial, seen)) => {
                    let told = |hash: Option<&Digest>| hash.map_or_else(|| "none".to_owned(), short);
                    let (said, is) = (told(seen.old.as_ref()), told(before.flatten()));
                    format!(
                        "the newest review of it, in record {serial}, held it against {said}; the baseline has {is}"
                    )
                }
                None => match before.flatten() {
                    Some(before) => format!("nobody has seen both; {}", shown.changed(before)),
                    None => format!("nobody has seen it; it is {}", short(hash)),
                },
            };
            let wanted = format!("a passing review of {by} that saw this picture");
            let finding = Finding::new(Code::PICTURE_NOT_REVIEWED, &thing, found, wanted);
            findings.push(finding.mended_by(&command, Some(reviewing.by.as_str())));
        }
        return;
    }
    let mut support = Ruled::default();
    let lacking = bench.support_of_any(&thing, reviewing, &passing, &mut support);
    findings.extend(lacking.into_iter().map(|finding| finding.mended_by(&command, Some(reviewing.by.as_str()))));
    ruled.serials.extend(passing.iter().map(|record| record.serial()));
    ruled.limitations.extend(support.limitations);
}

/// Names what is attached, with what is said of it, where anything is.
fn tell(all: &[Attached<'_>], ruled: &mut Ruled) {
    if all.iter().all(|attached| attached.caption.is_none()) {
        return;
    }
    let named: BTreeSet<String> = all.iter().map(Attached::told).collect();
    ruled.tell(&format!("attached {}", told(named.iter().map(String::as_str), named.len())));
}

fn short(hash: &Digest) -> String {
    hash.to_string().chars().take(SHORT_DIGITS).collect()
}

const SHORT_DIGITS: usize = 12;
const CAPTION_CHARS_MAX: usize = 120;
