//! The rule of attachments: how many of which kind are attached, and who has seen each picture.
//!
//! The kind is what the bytes say. A picture is known by its name and its hash: a review that saw another hash saw another
//! picture. Out of scope: the pictures of a baseline; without one, each picture is new.

use std::collections::{BTreeMap, BTreeSet};

use super::authority::Who;
use super::code::Code;
use super::judge::{Bench, Ruled};
use super::question::Counted;
use super::verdict::Finding;
use crate::model::{ClaimName, CriterionId, Digest, Phase, PictureSeen, Predicate, Purpose, Review, ReviewVerdict};
use crate::policy::{AttachmentKind, AttachmentLimits};
use crate::prove::Logged;
use crate::reports::Media;

/// An attachment of a result.
pub(super) struct Attached<'a> {
    /// The result.
    pub(super) serial: u64,
    /// What it is called: as was said, else the file's name.
    pub(super) name: &'a str,
    /// The hash of its bytes.
    pub(super) material: Digest,
    /// Its kind; none if its bytes are not there.
    pub(super) media: Option<Media>,
    /// The criterion that it is for.
    pub(super) criterion: Option<&'a CriterionId>,
}

/// Returns what is attached to a result: only what is among its materials.
pub(super) fn of<'a>(bench: &Bench<'a>, serial: u64) -> Vec<Attached<'a>> {
    let Some(Predicate::Result(run)) = bench.complete.record(serial).map(|record| &record.statement().predicate) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for material in run.materials.iter().filter(|material| material.purpose == Purpose::Attachment) {
        let media = bench.rechecked.media(serial, &material.sha256);
        let blank = Attached { serial, name: &material.name, material: material.sha256, media, criterion: None };
        let before = all.len();
        let said = run.attachments.iter().filter(|said| said.material == material.sha256);
        all.extend(said.map(|said| Attached { name: &said.name, criterion: said.criterion.as_ref(), ..blank }));
        if all.len() == before {
            all.push(blank);
        }
    }
    all
}

/// Holds what is attached to the counted results of a variant against what the claim wants.
pub(super) fn check(
    bench: &Bench<'_>,
    name: &ClaimName,
    limits: &AttachmentLimits,
    counted: &[Counted],
    ruled: &mut Ruled,
    findings: &mut Vec<Finding>,
) {
    let AttachmentLimits { min, kinds, baseline: _, reviewed_by } = limits;
    let all: Vec<Attached<'_>> = counted.iter().flat_map(|counted| of(bench, counted.result)).collect();
    for gone in all.iter().filter(|attached| attached.media.is_none()) {
        let found = format!("the attachment {} of record {} is not there", gone.name, gone.serial);
        findings.push(Finding::new(Code::NO_MATERIAL, name.as_str(), found, "every attachment"));
    }
    let counts = |media: Media| kinds.is_empty() || kinds.contains(&AttachmentKind::of(media));
    // The same bytes twice are one attachment.
    let there: BTreeSet<&Digest> =
        all.iter().filter(|attached| attached.media.is_some_and(counts)).map(|attached| &attached.material).collect();
    let found = u64::try_from(there.len()).unwrap_or(u64::MAX);
    if found < min.get() {
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let of = if kinds.is_empty() { String::new() } else { format!(" of kind {}", kinds.join(" or ")) };
        let found = format!("{found} attached{of}");
        findings.push(Finding::new(Code::ATTACHMENT_LIMIT, name.as_str(), found, format!("at least {min}")));
    }
    let Some(by) = reviewed_by else { return };
    let pictures: BTreeSet<(&str, Digest)> = all
        .iter()
        .filter(|attached| attached.media == Some(Media::Picture))
        .map(|attached| (attached.name, attached.material))
        .collect();
    for (picture, hash) in pictures {
        check_seen(bench, name, by, picture, &hash, ruled, findings);
    }
}

/// Checks that somebody who may has seen a picture as it is, and nobody says that it is not fit.
fn check_seen(
    bench: &Bench<'_>,
    name: &ClaimName,
    by: &ClaimName,
    picture: &str,
    hash: &Digest,
    ruled: &mut Ruled,
    findings: &mut Vec<Finding>,
) {
    let thing = format!("{name}: picture {picture}");
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
        let of_name = |seen: &&PictureSeen| seen.name == picture;
        if review.pictures.iter().filter(of_name).any(|seen| seen.new == *hash) {
            newest.extend(bench.authority.behind(record).into_iter().map(|who| (who, (record, review))));
        } else if let Some(seen) = review.pictures.iter().find(of_name) {
            other = Some((record.serial(), seen.new));
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
                Some((serial, seen)) => {
                    format!("the newest review of it, in record {serial}, saw {}; it is {}", short(&seen), short(hash))
                }
                None => format!("nobody has seen it; it is {}", short(hash)),
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

fn short(hash: &Digest) -> String {
    hash.to_string().chars().take(SHORT_DIGITS).collect()
}

const SHORT_DIGITS: usize = 12;
