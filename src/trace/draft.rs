//! `evidence policy draft`: a policy out of what a change has shown. Every number is one that was seen.
//!
//! It is a beginning for people, who know what of it they want: nothing of it is in force before somebody signs it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::{ClaimName, Decision, GitFacts, Id, Predicate, Role, TierName};
use crate::policy::{Act, Family, Independence, Policy, PolicyErrors};
use crate::prove::{Change, Complete, ProveError};
use crate::rego::{Evaluator, RegoError};
use crate::store::Log;
use crate::verify::{Code, Finding, Judgement, Observed, Passed, Supposed, Verdict, observe};

/// A policy that was drafted.
#[derive(Debug, Clone)]
pub struct Drafted {
    /// Its text, with comments that say where each number comes from.
    pub text: String,
    /// What it says.
    pub policy: Policy,
    /// What the change came to by the policies that judge it.
    pub was: Decision,
    /// What it would come to by this one.
    pub would_be: Verdict,
}

impl Drafted {
    /// Returns why it would refuse the change, each finding in a sentence.
    #[must_use]
    pub fn objections(&self) -> Vec<String> {
        self.would_be.findings.iter().map(Finding::sentence).collect()
    }

    /// Returns the claims that it demands.
    #[must_use]
    pub fn claims(&self) -> Vec<&ClaimName> {
        self.policy.claims().keys().collect()
    }
}

/// Why no policy can be drafted.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// Nothing of the change passed on the judged tree.
    #[error("the change {0} has shown nothing on this tree: no attempt and no review passed")]
    Nothing(String),
    /// The text that was drafted is no policy.
    #[error("the draft is no policy: {0}")]
    Policy(#[from] PolicyErrors),
    /// The ledger contradicts itself, or lists what is not there.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The Rego of a policy that judges the change.
    #[error(transparent)]
    Rego(#[from] RegoError),
}

/// Drafts a policy for a change that is judged by the first policy.
///
/// What passed is demanded, with what was seen as its limits; independence only where it held. It is judged as if it had
/// been in force.
///
/// # Errors
/// See [`DraftError`].
pub fn draft(
    log: &Log,
    judgement: &Judgement<'_>,
    in_force: &Policy,
    evaluator: &Evaluator,
) -> Result<Drafted, DraftError> {
    let change = &judgement.complete.subject().id;
    let observed: Vec<Observed> = observe(judgement).into_iter().filter(|it| !it.passed.is_empty()).collect();
    if observed.is_empty() {
        return Err(DraftError::Nothing(change.to_string()));
    }
    let was = evaluator.judge(judgement)?.verdict().decision;
    let draft = Draft::of(judgement, in_force, observed);
    let bound = |verdict: &Verdict| -> Vec<String> {
        let of = verdict.findings.iter().filter(|finding| finding.code == Code::NOT_INDEPENDENT);
        of.map(|finding| finding.thing.clone()).collect()
    };
    let mut text = draft.print(&[]);
    let (mut policy, mut would_be) = supposed(log, judgement, &text, evaluator)?;
    let dependent = bound(&would_be);
    if !dependent.is_empty() {
        text = draft.print(&dependent);
        (policy, would_be) = supposed(log, judgement, &text, evaluator)?;
    }
    Ok(Drafted { text, policy, was, would_be })
}

/// Judges the change as if a text had been in force.
fn supposed(
    log: &Log,
    judgement: &Judgement<'_>,
    text: &str,
    evaluator: &Evaluator,
) -> Result<(Policy, Verdict), DraftError> {
    let policy = Policy::parse(text)?;
    let supposed = Supposed::of(judgement.policies, &policy);
    let complete: Complete<Change> =
        supposed.read_names(judgement.complete.clone(), log, judgement.trust, judgement.git)?;
    let verdict = evaluator.suppose(&supposed, &Judgement { complete: &complete, ..judgement.clone() })?;
    Ok((policy, verdict))
}

struct Draft<'a> {
    change: String,
    git: &'a GitFacts,
    in_force: &'a Policy,
    /// The tier that was planned, if the policy in force has it, and whether only the first attempt planned it.
    tier: &'a TierName,
    implied: bool,
    observed: Vec<Observed>,
}

impl<'a> Draft<'a> {
    fn of(judgement: &Judgement<'a>, in_force: &'a Policy, observed: Vec<Observed>) -> Self {
        let plans: Vec<_> = judgement
            .complete
            .of_change()
            .filter_map(|record| match &record.statement().predicate {
                Predicate::Plan(plan) => Some(plan),
                _ => None,
            })
            .collect();
        let lowest = &in_force.tiers()[0].name;
        let tier = plans.iter().filter_map(|plan| Some((in_force.tier_rank(&plan.tier)?, &plan.tier))).max();
        Self {
            change: judgement.complete.subject().id.to_string(),
            git: judgement.git,
            in_force,
            tier: tier.map_or(lowest, |(_, tier)| tier),
            implied: plans.iter().all(|plan| plan.implied),
            observed,
        }
    }

    /// Prints the policy, without independence for what is named.
    fn print(&self, dependent: &[String]) -> String {
        let mut text = format!(
            "# Drafted by `evidence policy draft` from what {} has shown at commit {}.\n\
             # Each number is what was seen there: make of it what you want to demand. Nothing of it is in force until\n\
             # somebody signs it: evidence policy check, evidence policy test, evidence policy apply.\n",
            self.change,
            self.git.head.short()
        );
        let left = self.left_out();
        if !left.is_empty() {
            let _ =
                writeln!(text, "# The policy in force says more, which a draft does not repeat: {}.", left.join(", "));
        }
        let tiers: Vec<&str> = self.in_force.tiers().iter().map(|tier| tier.name.as_str()).collect();
        let _ = writeln!(text, "\nversion = 1\ntiers = {}", list(&tiers));
        if self.in_force.independence() == Independence::Record {
            text.push_str("independence = \"record\"   # as in the policy in force\n");
        }
        if self.implied {
            let _ =
                writeln!(text, "unplanned = \"{}\"   # nobody planned this change but its first attempt", self.tier);
        }
        for observed in &self.observed {
            text.push('\n');
            text.push_str(&self.claim(observed, dependent));
        }
        let (mut first, mut own): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        for observed in &self.observed {
            if observed.reviewed { own.push(observed.claim.as_str()) } else { first.push(observed.claim.as_str()) }
        }
        // The lowest tier must demand something.
        let lowest = &self.in_force.tiers()[0].name;
        if first.is_empty() || lowest == self.tier {
            first.append(&mut own);
        }
        let _ = writeln!(text, "\n[tier.{}]\nrequire = {}", key(lowest), list(&first));
        if !own.is_empty() {
            let _ =
                writeln!(text, "\n[tier.{}]   # as this change was planned\nrequire = {}", key(self.tier), list(&own));
        }
        text.push_str(&self.may());
        text
    }

    /// Returns what the policy in force has that nothing observed tells.
    fn left_out(&self) -> Vec<&'static str> {
        let of = |is_there: bool, what| is_there.then_some(what);
        let claims = self.in_force.claims().keys().any(|name| self.observed.iter().all(|it| it.claim != *name));
        [
            of(claims, "claims that this change has not shown"),
            of(!self.in_force.whens().is_empty(), "rules for paths"),
            of(self.in_force.rego().is_some(), "Rego"),
            of(self.in_force.plan_valid_for().is_some(), "plan_valid_for"),
            of(!self.in_force.refuse_limitations().is_empty(), "refuse_limitations"),
            of(self.in_force.pipelines().is_some(), "pipelines"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn claim(&self, observed: &Observed, dependent: &[String]) -> String {
        let Observed { claim, reviewed, passed, roles, asserted } = observed;
        let was = self.in_force.claim(claim);
        let seen: Vec<String> = passed.iter().map(|(variant, passed)| seen(variant.as_ref(), passed)).collect();
        let what = if *reviewed { "Reviewed" } else { "Passed" };
        let mut text = format!("# {what}: {}.\n[claim.{}]\n", seen.join("; "), key(claim));
        let all: Vec<&Passed> = passed.values().collect();
        let shows = |is_there: &dyn Fn(&Passed) -> bool| all.iter().any(|passed| is_there(passed));
        let (family, why) = match was.map(|was| was.family) {
            _ if *reviewed => (Family::Process, "it is reviewed"),
            _ if shows(&|it| it.totals.findings.is_some()) => (Family::Security, "its reports show findings"),
            _ if shows(&|it| it.totals.tests.is_some()) => (Family::Functionality, "its reports show tests"),
            _ if shows(&|it| it.totals.coverage.is_some()) => (Family::NonRegression, "its reports show coverage"),
            Some(family) => (family, "as in the policy in force: no report tells"),
            None => (Family::Functionality, "a guess: no report tells"),
        };
        let _ = writeln!(text, "family = \"{family}\"   # {why}");
        let (role, why) = role(roles, was.map(|was| &was.by));
        let _ = writeln!(text, "by = \"{role}\"   # {why}");
        if *reviewed {
            text.push_str("form = \"review\"\n");
            match dependent.contains(&claim.to_string()) {
                false => text.push_str("independent_of = [\"implementer\"]\n"),
                true => text.push_str("# No independence: whoever reviewed it stands behind the implementation too.\n"),
            }
        } else if family == Family::Process {
            text.push_str("form = \"run\"\n");
        }
        text.push_str(&limits(passed));
        if *asserted {
            text.push_str("asserted = \"allow\"   # a report that it rests on is not there any more\n");
        }
        text
    }

    /// Prints who may do what, as in the policy in force.
    fn may(&self) -> String {
        let acts = [Act::Plan, Act::Grant, Act::Policy, Act::Allow, Act::Resume, Act::Merge];
        let lines: String = acts
            .iter()
            .filter_map(|act| {
                let entitled = self.in_force.may(*act)?;
                let roles: Vec<&str> = entitled.roles.iter().map(Id::as_str).collect();
                Some(match entitled.threshold {
                    1 => format!("{act} = {}\n", list(&roles)),
                    threshold => format!("{act} = {{ roles = {}, threshold = {threshold} }}\n", list(&roles)),
                })
            })
            .collect();
        if lines.is_empty() { lines } else { format!("\n[may]   # as in the policy in force\n{lines}") }
    }
}

/// Returns the role that is to show a claim, and why it.
fn role(held: &std::collections::BTreeSet<Role>, was: Option<&Role>) -> (String, &'static str) {
    match (was, held.first()) {
        (Some(was), _) if held.contains(was) => (was.to_string(), "as in the policy in force; who signed holds it"),
        (_, Some(first)) => (first.to_string(), "who signed holds it"),
        (Some(was), None) => (was.to_string(), "as in the policy in force; nobody who signed holds it"),
        (None, None) => ("ci".to_owned(), "a guess: who signed holds no role"),
    }
}

/// Prints the limits of a claim: what all variants have shown, so that each of them keeps to it.
fn limits(passed: &BTreeMap<Option<Id>, Passed>) -> String {
    let mut text = String::new();
    let named: Vec<&str> = passed.keys().flatten().map(Id::as_str).collect();
    if !named.is_empty() && named.len() == passed.len() {
        let _ = writeln!(text, "variants = {}", list(&named));
    }
    let all: Vec<&Passed> = passed.values().collect();
    // A limit on what one variant does not show would refuse that variant.
    fn each<T: Copy>(all: &[&Passed], of: impl Fn(&Passed) -> Option<T>) -> Vec<(T, Vec<u64>)> {
        let found: Vec<(T, Vec<u64>)> = all.iter().filter_map(|it| Some((of(it)?, it.serials.clone()))).collect();
        if found.len() == all.len() { found } else { Vec::new() }
    }
    let from = |serials: Vec<&Vec<u64>>| {
        let serials: Vec<String> = serials.into_iter().flatten().map(|serial| format!("#{serial}")).collect();
        serials.join(", ")
    };
    let tests = each(&all, |it| it.totals.tests);
    if let Some(least) = tests.iter().map(|(tests, _)| tests[0]).min() {
        let most = |at: usize| tests.iter().map(|(tests, _)| tests[at]).max().unwrap_or(0);
        let of = from(tests.iter().map(|(_, serials)| serials).collect());
        let _ = writeln!(
            text,
            "tests = {{ passed_min = {least}, failed_max = 0, skipped_max = {}, flaky_max = {} }}   # from {of}",
            most(2),
            most(3)
        );
    }
    let findings = each(&all, |it| it.totals.findings);
    if !findings.is_empty() {
        let most = |at: usize| findings.iter().map(|(findings, _)| findings[at]).max().unwrap_or(0);
        let of = from(findings.iter().map(|(_, serials)| serials).collect());
        let keys = ["critical_max", "high_max", "medium_max", "low_max", "suppressed_max"];
        let limits: Vec<String> = keys.iter().enumerate().map(|(at, key)| format!("{key} = {}", most(at))).collect();
        let _ = writeln!(text, "findings = {{ {} }}   # from {of}", limits.join(", "));
    }
    let coverage = each(&all, |it| it.totals.coverage);
    if let Some(least) = coverage.iter().map(|(percent, _)| *percent).min() {
        let of = from(coverage.iter().map(|(_, serials)| serials).collect());
        let _ = writeln!(text, "coverage = {{ total_min = {least} }}   # from {of}");
    }
    text
}

fn seen(variant: Option<&Id>, passed: &Passed) -> String {
    let serials: Vec<String> = passed.serials.iter().map(|serial| format!("#{serial}")).collect();
    let variant = variant.map_or_else(String::new, |variant| format!("{variant} "));
    format!("{variant}{}", serials.join(", "))
}

/// Prints a name as a key of TOML.
fn key(name: &Id) -> String {
    let is_bare = name.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_bare { name.to_string() } else { format!("\"{name}\"") }
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", quoted.join(", "))
}
