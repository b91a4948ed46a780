//! What plans say beside the tier: where the work was asked for, which paths it is to touch, how it is taken back.
//!
//! Only plans of those who may plan count. Later ones widen the paths, with their reason beside them, and add criteria; of
//! the rest the newest that says it counts. Nothing that a plan said is unsaid by a later one that leaves it out, and what it
//! demands stands when its signer may no longer plan: criteria, and that there are paths to stay within.

use std::collections::BTreeSet;

use serde::Serialize;

use super::authority::Authority;
use super::code::Code;
use super::judge::Bench;
use super::plan::Plans;
use super::telling::{TOLD_MAX, told};
use super::verdict::Finding;
use crate::model::{ClaimName, Criterion, Digest, Material, Time};
use crate::policy::{Claim, Paths, PlanPart, Policy, Requirements};

/// What the plans that count say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Planned {
    /// Where the work was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// When it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<Time>,
    /// Which paths it is to touch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PlannedPaths>,
    /// How it is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<PlannedFile>,
    /// Files that belong to it, and specifications.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<PlannedFile>,
}

/// The paths that one plan names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedPaths {
    /// The plan's record.
    pub serial: u64,
    /// The patterns.
    pub patterns: Vec<String>,
    /// Why they were added; the first plan gives no reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A file that a plan names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedFile {
    /// The plan's record.
    pub serial: u64,
    /// The file's name.
    pub name: String,
    /// The hash of its bytes.
    pub sha256: Digest,
}

/// Returns what the plans that count say; none if they say nothing more.
pub(super) fn said(plans: &Plans<'_>, authority: &Authority<'_>) -> Option<Planned> {
    let mut planned = Planned::default();
    for (record, plan) in plans.entitled(authority) {
        let serial = record.serial();
        let file = |material: &Material| PlannedFile { serial, name: material.name.clone(), sha256: material.sha256 };
        planned.origin = plan.origin.clone().or(planned.origin);
        planned.requested = plan.requested.or(planned.requested);
        planned.rollback = plan.rollback.as_ref().map(file).or(planned.rollback);
        planned.attachments.extend(plan.attachments.iter().chain(&plan.specs).map(file));
        if !plan.paths.is_empty() {
            let (patterns, reason) = (plan.paths.clone(), plan.reason.clone());
            planned.paths.push(PlannedPaths { serial, patterns, reason });
        }
    }
    (planned != Planned::default()).then_some(planned)
}

/// Returns the criteria of the plans that demand and the record of each, in their order: of two of one id the first stands.
pub(super) fn criteria<'a>(plans: &Plans<'a>, authority: &Authority<'a>) -> Vec<(u64, &'a Criterion)> {
    let mut all: Vec<(u64, &Criterion)> = Vec::new();
    let mut known = BTreeSet::new();
    for (record, plan) in plans.demanding(authority) {
        for criterion in &plan.criteria {
            if known.insert(&criterion.id) {
                all.push((record.serial(), criterion));
            }
        }
    }
    all
}

/// Returns the claims that a policy may judge the change by: those that its tier and paths require, and those that a criterion of any
/// plan names. What is read for them is the same whoever may plan.
pub(super) fn judged_claims<'a>(
    plans: &Plans<'a>,
    policy: &'a Policy,
    required: Option<&Requirements>,
) -> Vec<(&'a ClaimName, &'a Claim)> {
    let required = required.into_iter().flat_map(|required| &required.claims).map(|it| &it.claim);
    let listed = plans.all.iter().flat_map(|(_, plan)| &plan.criteria).flat_map(|criterion| &criterion.claims);
    let names: BTreeSet<&ClaimName> = required.chain(listed).collect();
    policy.claims().iter().filter(|(name, _)| names.contains(name)).collect()
}

/// Judges what the plans say: all that the tier demands, and no path touched beside those that they name.
pub(super) fn check(
    bench: &Bench<'_>,
    plans: &Plans<'_>,
    requirements: Option<&Requirements>,
    findings: &mut Vec<Finding>,
) {
    let change = &bench.complete.subject().id;
    let tier = requirements.map_or("TIER", |wanted| wanted.tier.as_str());
    let again = ["evidence", "plan", change.as_str(), "--tier", tier, "--reason", "WHY"];
    let said = said(plans, &bench.authority).unwrap_or_default();
    let lacks = |part: &&PlanPart| match part {
        PlanPart::Origin => said.origin.is_none(),
        PlanPart::Requested => said.requested.is_none(),
        PlanPart::Paths => said.paths.is_empty(),
        PlanPart::Rollback => said.rollback.is_none(),
        PlanPart::Attachments => !plans.entitled(&bench.authority).any(|(_, plan)| !plan.attachments.is_empty()),
        PlanPart::Criteria => !plans.entitled(&bench.authority).any(|(_, plan)| !plan.criteria.is_empty()),
    };
    let lacking: Vec<PlanPart> = requirements.iter().flat_map(|wanted| &wanted.plan).filter(lacks).copied().collect();
    if !lacking.is_empty() {
        let parts: Vec<&str> = lacking.iter().map(|part| part.as_str()).collect();
        let flags = lacking.iter().flat_map(|part| flag(*part));
        let found = format!("its plan does not say: {}", parts.join(", "));
        let command: Vec<&str> = again.iter().copied().chain(flags).collect();
        findings.push(
            Finding::new(
                Code::PLAN_INCOMPLETE,
                format!("change {change}"),
                found,
                format!("a plan that says what tier {tier} demands, by somebody who may plan"),
            )
            .mended_by(&command, Some("planner")),
        );
    }
    for (record, plan) in plans.entitled(&bench.authority) {
        for gone in plan.materials().filter(|it| bench.rechecked.media(record.serial(), &it.sha256).is_none()) {
            let found = format!("{} of record {} is not there", gone.name, record.serial());
            findings.push(Finding::new(
                Code::NO_MATERIAL,
                format!("change {change}"),
                found,
                "every file that its plan names",
            ));
        }
    }
    if plans.demanding(&bench.authority).all(|(_, plan)| plan.paths.is_empty()) {
        return;
    }
    // A pattern that is none names nothing.
    let compiled: Vec<Paths> = said
        .paths
        .iter()
        .flat_map(|paths| &paths.patterns)
        .filter_map(|pattern| Paths::compile(&[pattern.as_str()]).ok())
        .collect();
    let planned = |path: &&String| compiled.iter().any(|paths| paths.matches(path.as_bytes()));
    let outside: Vec<&str> =
        bench.git.iter().flat_map(|git| &git.touched).filter(|path| !planned(path)).map(String::as_str).collect();
    if outside.is_empty() {
        return;
    }
    let patterns: Vec<&str> =
        said.paths.iter().flat_map(|paths| paths.patterns.iter().map(String::as_str)).take(TOLD_MAX).collect();
    let command: Vec<&str> = again.iter().copied().chain(["--paths", "GLOB"]).collect();
    findings.push(
        Finding::new(
            Code::OUTSIDE_PLAN,
            format!("change {change}"),
            format!("it touches {}", told(outside.iter().copied(), outside.len())),
            format!("only paths that its plan names: {}", patterns.join(", ")),
        )
        .mended_by(&command, Some("planner")),
    );
}

/// Returns the flag that says a part.
const fn flag(part: PlanPart) -> [&'static str; 2] {
    match part {
        PlanPart::Origin => ["--origin", "URL"],
        PlanPart::Requested => ["--requested", "TIME"],
        PlanPart::Paths => ["--paths", "GLOB"],
        PlanPart::Rollback => ["--rollback", "FILE"],
        PlanPart::Attachments => ["--attach", "FILE"],
        PlanPart::Criteria => ["--spec", "FILE"],
    }
}
