//! The judge: holds the records of a change against the policy that was in force when it was planned.

use std::collections::BTreeSet;

use super::authority::{Authority, Policies, Who};
pub(super) use super::bench::Bench;
use super::branch;
use super::code::Code;
use super::criteria::{CriterionShown, CriterionState};
use super::exceptions::{Exceptions, NOT_APPLICABLE, WAIVED, limitation};
use super::independence::Implementers;
use super::names::{UNKNOWN_AUTHOR, missing_names};
use super::not_compared::not_compared;
use super::pipelines::is_pipeline;
use super::plan::{self, Plans};
use super::question::{Answers, Counted, Draft, Shown, Unanswered};
use super::ratchet::{Compared, Gain};
use super::recheck::Rechecked;
use super::verdict::{Decided, Finding, Limitation, OPERATOR_UNBOUND, Requirement, State, TierShown, Verdict};
use super::{attempts, criteria, planned, recommended, reviews, succession, workflow};
use crate::model::{AsOf, Decision, Digest, Event, GitFacts, Name, Oid, Predicate, PrincipalId, Span, Time};
use crate::policy::{Act, Base, Form, Moment, Policy, Requirements};
use crate::prove::{Change, Complete, Logged, Trust};

/// What is judged, and by what.
#[derive(Clone)]
pub struct Judgement<'a> {
    /// Every record that the signed map lists for the change.
    pub complete: &'a Complete<Change>,
    /// What a verifier believes before it reads anything.
    pub trust: &'a Trust,
    /// The texts of the policies.
    pub policies: &'a Policies,
    /// The facts of the reports.
    pub rechecked: &'a Rechecked,
    /// The facts of git's objects.
    pub git: &'a GitFacts,
    /// The time that counts as now.
    pub clock: Clock,
    /// The moment that is judged for.
    pub moment: Moment,
    /// What others found before, such as a base that is not on the target branch.
    pub found_before: Vec<Finding>,
    /// What an acceptance has to admit that the judge cannot see.
    pub admitted: Vec<Limitation>,
}

/// What judging adds to.
pub(super) struct Found<'a> {
    pub(super) verdict: &'a mut Verdict,
    pub(super) findings: &'a mut Vec<Finding>,
    pub(super) limitations: &'a mut BTreeSet<Limitation>,
}

/// What requirements bring to the branch's baseline: those that are met, and all that could be read.
#[derive(Default)]
pub(super) struct Gains {
    met: Vec<Gain>,
    shown: Vec<Gain>,
    pictures: BTreeSet<(Box<str>, Digest)>,
}

impl Gains {
    /// Adds what a claim brings that came to this.
    pub(super) fn add(&mut self, gain: Gain, state: State) {
        if state == State::Pass && !self.met.contains(&gain) {
            self.met.push(gain.clone());
        }
        if !self.shown.contains(&gain) {
            self.shown.push(gain);
        }
    }
}

/// Where the time that counts as now comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// A clock; the time of the checkpoint's map entry where that is later.
    Live(Time),
    /// The moment that an audit judges.
    AsOf(Time),
}

/// What a rule says about a requirement.
pub(super) struct Ruled {
    pub(super) state: State,
    pub(super) serials: Vec<u64>,
    pub(super) principals: BTreeSet<PrincipalId>,
    pub(super) attempts: u64,
    pub(super) numbers: Option<String>,
    pub(super) failed_elsewhere: Vec<u64>,
    /// How late the latest result was, if one waited somewhere.
    pub(super) late: Option<Span>,
    pub(super) asserted: bool,
    pub(super) limitations: Vec<Limitation>,
    pub(super) counted: Vec<Counted>,
    /// What comparing with the baseline came to.
    pub(super) compared: Vec<Compared>,
    /// What it brings to the baseline, if it is met.
    pub(super) gains: Vec<Gain>,
}

impl Default for Ruled {
    fn default() -> Self {
        Self {
            state: State::Pass,
            serials: Vec::new(),
            principals: BTreeSet::new(),
            attempts: 0,
            numbers: None,
            failed_elsewhere: Vec::new(),
            late: None,
            asserted: false,
            limitations: Vec::new(),
            counted: Vec::new(),
            compared: Vec::new(),
            gains: Vec::new(),
        }
    }
}

impl Ruled {
    /// Sets a state unless a more telling one is there.
    pub(super) fn worsen(&mut self, state: State) {
        if weight(state) > weight(self.state) {
            self.state = state;
        }
    }

    /// Adds a sentence to the numbers that are shown.
    pub(super) fn tell(&mut self, said: &str) {
        match &mut self.numbers {
            Some(before) => {
                before.push_str("; ");
                before.push_str(said);
            }
            none => *none = Some(said.to_owned()),
        }
    }
}

/// Judges a change.
///
/// Accepted is only what shows every requirement; all findings are listed. `now` is the later of the argument and the
/// time of the checkpoint's map entry. What a policy says in Rego is run before, by somebody else: an answer can only add
/// findings.
///
/// # Errors
/// If a policy that judges the change has Rego, and its answer to exactly this question is not among the answers.
pub fn judge(judgement: &Judgement<'_>, answers: &Answers) -> Result<Decided, Unanswered> {
    let Judgement { complete, trust, policies, rechecked, git, moment, .. } = *judgement;
    let now = judgement.clock.now(complete);
    let authority = Authority::replay(complete, policies, trust, now);
    let mut bench = Bench::new(complete, authority, rechecked, git, now);
    let mut findings = judgement.found_before.clone();
    let mut limitations: BTreeSet<Limitation> = judgement.admitted.iter().cloned().collect();
    let mut questions = Vec::new();
    let plans = Plans::of(complete);
    let mut verdict = blank(judgement, now);
    verdict.base = plans.base(&bench.authority).cloned();
    verdict.planned = planned::said(&plans, &bench.authority);
    check_ledger(&bench, trust, judgement.clock, &mut findings);
    bench.ground = branch::ground(&bench, trust, &mut findings);
    let mut gains = Gains { pictures: bench.ground.pictures(), ..Gains::default() };
    let in_force = plans.first.and_then(|first| bench.authority.policy_at(first.serial()));
    match (plans.first, in_force) {
        (None, _) => {
            let change = &complete.subject().id;
            let tiers = bench.authority.policy_at(u64::MAX).map(|(_, policy)| policy.tiers()[0].name.to_string());
            let tier = tiers.unwrap_or_else(|| "TIER".to_owned());
            findings.push(
                Finding::new(
                    Code::NO_PLAN,
                    format!("change {change}"),
                    "it has no plan",
                    "a plan before the first attempt",
                )
                .mended_by(&["evidence", "plan", change.as_str(), "--tier", &tier], Some("planner")),
            );
        }
        (Some(first), None) => findings.push(Finding::new(
            Code::NO_POLICY,
            format!("change {}", complete.subject().id),
            format!("no policy was in force when record {} planned it", first.serial()),
            "a policy in force before the plan",
        )),
        (Some(first), Some((&digest, _))) => {
            verdict.policy = Some(digest);
            bench.implementers = Some(Implementers::of(&bench, &plans));
            check_names(&bench, &plans, git, &mut findings);
            for (judging, policy, says) in judging(&bench, &plans, first) {
                let before = (verdict.requirements.len(), findings.len());
                let mut found = Found { verdict: &mut verdict, findings: &mut findings, limitations: &mut limitations };
                let shown = judge_by(&mut bench, &plans, policy, trust, moment, &mut found, &mut gains);
                if let Some(says) = says {
                    tell_other(judging, &says, before, &mut verdict, &mut findings);
                }
                let Some(implementers) = &bench.implementers else { continue };
                let draft = Draft {
                    moment,
                    tier: verdict.tier.clone(),
                    base: verdict.base.clone(),
                    shown,
                    limitations: limitations.iter().map(|limitation| limitation.name).collect(),
                    implementers: &implementers.principals,
                    unknown_authors: &implementers.unknown,
                };
                let Some(question) = draft.question(&bench, &plans, policy) else { continue };
                match answers.findings(&question) {
                    Some(found) => findings.extend(found),
                    None => questions.push(question),
                }
            }
        }
    }
    if questions.is_empty() { Ok(finish(verdict, findings, limitations, gains)) } else { Err(Unanswered { questions }) }
}

/// Returns the commit that a change starts from, as its plans say: that of the newest plan that helps, else of the first.
#[must_use]
pub fn plan_base(complete: &Complete<Change>, policies: &Policies, trust: &Trust, clock: Clock) -> Option<Oid> {
    let now = clock.now(complete);
    let authority = Authority::replay(complete, policies, trust, now);
    Plans::of(complete).base(&authority).cloned()
}

/// Returns the policies that judge the change, with what they are where they are not that of its first plan: those that are in force
/// there, and those of the first plan by somebody who may plan. What anybody could plant chooses no policy.
fn judging<'a>(bench: &Bench<'a>, plans: &Plans<'a>, first: &Logged) -> Vec<(Digest, &'a Policy, Option<String>)> {
    let mut judging: Vec<(Digest, &Policy, Option<String>)> = Vec::new();
    let entitled = plans.entitled(&bench.authority).next().map(|(record, _)| record.serial());
    for planned in std::iter::once(first.serial()).chain(entitled) {
        for (at, (digest, policy)) in bench.authority.judging(planned).into_iter().enumerate() {
            if judging.iter().any(|(known, _, _)| known == digest) {
                continue;
            }
            let says = match (at, planned == first.serial()) {
                (0, true) => None,
                (0, false) => {
                    Some(format!("the policy in force at record {planned}, the first plan by somebody who may plan"))
                }
                _ => Some("the newest policy (applies = \"open\")".to_owned()),
            };
            judging.push((*digest, policy, says));
        }
    }
    judging
}

/// Says of what another policy added that it is the one that speaks: the change was first planned under another.
fn tell_other(
    other: Digest,
    says: &str,
    (requirements, found): (usize, usize),
    verdict: &mut Verdict,
    findings: &mut Vec<Finding>,
) {
    for requirement in &mut verdict.requirements[requirements..] {
        requirement.policy = Some(other);
    }
    for finding in findings.split_off(found) {
        // What both find is told once, and without a word of policies.
        if !findings.contains(&finding) {
            let wanted = format!("{}, says {says}", finding.wanted);
            findings.push(Finding { wanted, ..finding });
        }
    }
}

/// Judges by one policy, and returns what it requires and how that stands.
fn judge_by<'a>(
    bench: &mut Bench<'a>,
    plans: &Plans<'a>,
    policy: &'a Policy,
    trust: &Trust,
    moment: Moment,
    found: &mut Found<'_>,
    gains: &mut Gains,
) -> Vec<Shown> {
    let mut shown = Vec::new();
    bench.policy = Some(policy);
    bench.independence = policy.independence();
    bench.exceptions = Exceptions::of(bench, policy);
    let Found { verdict, findings, limitations } = found;
    let touched: Vec<&str> = bench.git.iter().flat_map(|git| git.touched.iter().map(String::as_str)).collect();
    let planned = plans.tier(policy);
    let requirements = planned.and_then(|tier| policy.requirements(tier, &touched));
    if let (Some(tier), None) = (planned, &requirements) {
        findings.push(Finding::new(
            Code::UNKNOWN_TIER,
            format!("tier {tier}"),
            "the policy has no such tier",
            "a tier of the policy",
        ));
    }
    verdict.show_exceptions(&bench.exceptions.shown);
    plan::check(bench, plans, policy, requirements.as_ref(), findings);
    planned::check(bench, plans, requirements.as_ref(), findings);
    if let (Some(planned), Some(wanted)) = (planned, &requirements) {
        verdict.tier = Some(TierShown { planned: planned.clone(), effective: wanted.tier.clone() });
        if wanted.base == Base::Newest {
            branch::check_newest(bench, trust, wanted.tier.as_str(), findings);
        }
        let mut found = Found { verdict, findings, limitations };
        shown = check_requirements(bench, policy, wanted, moment, &mut found, gains);
        for one in recommended::of(bench, policy, wanted, moment) {
            if !verdict.recommended.contains(&one) {
                verdict.recommended.push(one);
            }
        }
        if moment >= Moment::Merge {
            let mut found = Found { verdict, findings, limitations };
            criteria::check(bench, plans, policy, &shown, &mut found, gains);
        }
    }
    limits(bench, plans, verdict, limitations);
    for name in policy.refuse_limitations().iter().filter(|name| !LIMITATIONS.contains(&name.as_str())) {
        let found = format!("the policy refuses the limitation {name}, which this version does not know");
        findings.push(Finding::new(
            Code::UNSUPPORTED,
            name.as_str(),
            found,
            format!("one of {}", LIMITATIONS.join(", ")),
        ));
    }
    for limitation in limitations
        .iter()
        .filter(|limitation| policy.refuse_limitations().iter().any(|name| name.as_str() == limitation.name))
    {
        findings.push(Finding::new(
            Code::LIMITATION,
            limitation.name,
            limitation.text.clone(),
            "a verdict without this limitation",
        ));
    }
    shown
}

fn check_requirements(
    bench: &Bench<'_>,
    policy: &Policy,
    wanted: &Requirements,
    moment: Moment,
    found: &mut Found<'_>,
    gains: &mut Gains,
) -> Vec<Shown> {
    let Found { verdict, findings, limitations } = found;
    let mut all = Vec::new();
    for what in wanted.unsupported() {
        findings.push(Finding::new(
            Code::UNSUPPORTED,
            format!("tier {}", wanted.tier),
            format!("the policy says {what}"),
            "what this version can judge",
        ));
    }
    let mut judged = 0;
    for required in &wanted.claims {
        let Some(claim) = policy.claim(&required.claim) else { continue };
        if claim.at > moment {
            continue;
        }
        judged += 1;
        let mut found = Vec::new();
        for what in claim.unsupported() {
            found.push(Finding::new(
                Code::UNSUPPORTED,
                required.claim.as_str(),
                format!("the policy says {what}"),
                "what this version can judge",
            ));
        }
        let why = required.why.to_string();
        let ruled = match claim.form {
            Form::Run => attempts::check(bench, &required.claim, claim, &why, &mut found),
            Form::Review => reviews::check(bench, &required.claim, claim, &why, &mut found),
        };
        let (state, exception, found) = bench.exceptions.stand_in(&required.claim, ruled.state, found);
        ruled.gains.into_iter().for_each(|gain| gains.add(gain, state));
        findings.extend(found);
        if let (Some(exception), Some(name)) = (&exception, limitation(state)) {
            limitations.insert(Limitation { name, text: format!("{}: {}", required.claim, exception.sentence()) });
        }
        // Beside an exception too: else whoever makes the claim fail, so that the exception stands in, would take away what is refused.
        limitations.extend(ruled.limitations);
        if ruled.asserted {
            let text = format!("facts of {} are asserted: their reports are not there", required.claim);
            limitations.insert(Limitation { name: "asserted", text });
        }
        let mut serials = ruled.serials;
        serials.sort_unstable();
        serials.dedup();
        let not_compared = not_compared(bench, &required.claim, claim, &ruled.compared);
        let shown = Requirement {
            claim: required.claim.clone(),
            why,
            family: claim.family.as_str(),
            state,
            serials,
            principals: ruled.principals.into_iter().collect(),
            attempts: ruled.attempts,
            numbers: ruled.numbers,
            failed_elsewhere: ruled.failed_elsewhere,
            delivered_late_seconds: ruled.late.map(|Span(seconds)| seconds),
            exception,
            baseline: ruled.compared,
            not_compared,
            policy: None,
        };
        if !verdict.requirements.contains(&shown) {
            verdict.requirements.push(shown.clone());
        }
        all.push(Shown { requirement: shown, form: claim.form, asserted: ruled.asserted, counted: ruled.counted });
    }
    let excepted = |shown: &Shown| shown.requirement.state.is_excepted();
    if moment != Moment::Plan && !all.is_empty() && all.iter().all(excepted) {
        let claims: Vec<&str> = all.iter().map(|shown| shown.requirement.claim.as_str()).collect();
        let found = format!("an exception stands in for each claim that it requires: {}", claims.join(", "));
        let finding = Finding::new(
            Code::NOTHING_SHOWN,
            format!("tier {}", wanted.tier),
            found,
            "at least one of them to be shown",
        );
        let first = claims.first().and_then(|name| policy.claims().iter().find(|(known, _)| known.as_str() == *name));
        findings.push(match first {
            Some((name, claim)) if claim.form == Form::Run => {
                finding.mended_by_words(claim.run_command(name, claim.variants.first(), None), Some(claim.by.as_str()))
            }
            Some((name, claim)) => {
                let review = ["evidence", "review", name.as_str(), "--verdict", "pass", "--notes", "FILE"];
                finding.mended_by(&review, Some(claim.by.as_str()))
            }
            None => finding,
        });
    }
    if judged == 0 && moment != Moment::Plan {
        findings.push(Finding::new(
            Code::NOTHING_REQUIRED,
            format!("tier {}", wanted.tier),
            "the policy requires nothing",
            "at least one claim",
        ));
    }
    all
}

fn check_ledger(bench: &Bench<'_>, trust: &Trust, clock: Clock, findings: &mut Vec<Finding>) {
    if let Some(age) = trust.max_age.filter(|age| bench.now > bench.complete.map().time.after(*age)) {
        let found = format!("the newest checkpoint is {} old", bench.now.since(bench.complete.map().time));
        findings.push(Finding::new(Code::CHECKPOINT_TOO_OLD, "the ledger", found, format!("one not older than {age}")));
    }
    succession::check(bench.complete.checkpoint(), trust, &bench.authority, clock, findings);
    let mut halted = None;
    for record in bench.complete.records() {
        match &record.statement().predicate {
            Predicate::Event(Event::Halt { reason }) if bench.authority.may_hurt(record) => {
                halted = Some((record, reason))
            }
            Predicate::Event(Event::Resume { .. }) if bench.authority.may(Act::Resume, record) => halted = None,
            _ => {}
        }
    }
    if let Some((record, reason)) = halted {
        let found = format!("record {} by {} halts it: {reason}", record.serial(), bench.named(record));
        findings.push(
            Finding::new(Code::HALTED, "the ledger", found, "a resume by somebody who may")
                .mended_by(&["evidence", "record", "resume", "--reason", "WHY"], None),
        );
    }
}

/// Refuses to judge independence where not everything was read that is filed under the names of the change.
fn check_names(bench: &Bench<'_>, plans: &Plans<'_>, git: &GitFacts, findings: &mut Vec<Finding>) {
    for name in missing_names(bench.complete, &bench.authority, plans, git) {
        let found = format!("nothing was read of what is filed under {name}");
        findings.push(Finding::new(Code::MISSING_RECORD, "the ledger", found, "every grant that is filed under it"));
    }
}

/// Adds what an acceptance would have to admit.
fn limits(bench: &Bench<'_>, plans: &Plans<'_>, verdict: &Verdict, limitations: &mut BTreeSet<Limitation>) {
    limitations.insert(Limitation {
        name: OPERATOR_UNBOUND,
        text: "whoever holds the log key and may write the ledger, in its folder or on its remote, could have rewritten what nobody else remembers of it"
            .to_owned(),
    });
    let edited: Vec<&str> = bench
        .git
        .iter()
        .flat_map(|git| git.touched.iter().map(String::as_str))
        .filter(|path| is_pipeline(path, bench.policy))
        .collect();
    if let Some(first) = edited.first() {
        let more = if edited.len() > 1 { format!(" and {} more", edited.len() - 1) } else { String::new() };
        limitations.insert(Limitation {
            name: PIPELINE_EDITED,
            text: format!(
                "the change touches {first}{more}: where its own pipeline attested it, that is what it says it is"
            ),
        });
    }
    if let Some((serial, name)) = workflow::foreign(bench, plans) {
        limitations.insert(Limitation {
            name: PIPELINE_EDITED,
            text: format!(
                "record {serial} was attested by a workflow of {name}, which is neither the target branch nor the change's own request or branch"
            ),
        });
    }
    if let Some(merge) = bench.complete.records().find(|record| is_unverified(bench, record)) {
        let text = format!("record {} merged it without a verdict that accepts it", merge.serial());
        limitations.insert(Limitation { name: UNVERIFIED_MERGE, text });
    }
    let Some(implementers) = &bench.implementers else { return };
    if !implementers.unknown.is_empty() {
        let people: Vec<&str> = implementers.unknown.iter().map(String::as_str).collect();
        limitations.insert(Limitation {
            name: UNKNOWN_AUTHOR,
            text: match implementers.unknown.iter().all(|person| bench.complete.has_name(&Name::address(person))) {
                true => format!("no grant carries the address of {}", people.join(", ")),
                false => format!("nobody who is known here carries the address of {}", people.join(", ")),
            },
        });
    }
    let mut all: BTreeSet<Who> = implementers.principals.iter().cloned().map(Who::Principal).collect();
    all.extend(plans.all.iter().flat_map(|(record, _)| bench.authority.behind(record)));
    all.extend(
        verdict.requirements.iter().flat_map(|requirement| requirement.principals.iter().cloned().map(Who::Principal)),
    );
    if let (1, Some(Who::Principal(only))) = (all.len(), all.first()) {
        let attested = verdict.requirements.iter().any(|requirement| !requirement.principals.is_empty());
        let did = if attested { "planned, implemented and attested it" } else { "planned and implemented it" };
        limitations.insert(Limitation { name: "one-person", text: format!("{only} holds all roles: {did}") });
    }
}

/// Returns whether a record says that the change was merged and names no verdict.
fn is_unverified(bench: &Bench<'_>, record: &Logged) -> bool {
    match &record.statement().predicate {
        Predicate::Event(Event::Merge { changes, verdict: None, .. }) => {
            changes.contains(&bench.complete.subject().id) && bench.authority.may_hurt(record)
        }
        _ => false,
    }
}

impl Clock {
    pub(super) fn now(self, complete: &Complete<Change>) -> Time {
        match self {
            Self::Live(time) => time.max(complete.map().time),
            Self::AsOf(time) => time,
        }
    }
}

fn blank(judgement: &Judgement<'_>, now: Time) -> Verdict {
    let complete = judgement.complete;
    let checkpoint = complete.checkpoint().checkpoint();
    Verdict {
        format: "evidence-verdict/v1",
        decision: Decision::Refused,
        change: complete.subject().id.clone(),
        commit: judgement.git.head.clone(),
        tree: complete.subject().tree.clone(),
        base: None::<Oid>,
        moment: judgement.moment.as_str(),
        tier: None,
        origin: checkpoint.origin.clone(),
        as_of: Some(AsOf { size: checkpoint.size, root: checkpoint.root, time: complete.map().time }),
        now,
        policy: None,
        planned: None,
        requirements: Vec::new(),
        recommended: Vec::new(),
        criteria: Vec::new(),
        findings: Vec::new(),
        limitations: Vec::new(),
        exceptions: Vec::new(),
    }
}

fn finish(mut verdict: Verdict, findings: Vec<Finding>, limitations: BTreeSet<Limitation>, gains: Gains) -> Decided {
    for finding in findings {
        if !verdict.findings.contains(&finding) {
            verdict.findings.push(finding);
        }
    }
    verdict.findings.sort_by_key(|finding| rank(finding.code));
    verdict.limitations = limitations.into_iter().collect();
    let open = |criterion: &CriterionShown| criterion.state == CriterionState::Open;
    // An empty set never passes: only what names a policy, shows something, and refuses nothing is accepted. What an exception
    // stands in for is met and shows nothing.
    let passed = |requirement: &Requirement| requirement.state == State::Pass;
    let excepted = |requirement: &Requirement| requirement.state.is_excepted();
    let all = &verdict.requirements;
    let met = all.iter().any(passed)
        && all.iter().all(|one| passed(one) || excepted(one))
        && !verdict.criteria.iter().any(open);
    let plan_only = verdict.moment == Moment::Plan.as_str() && all.iter().all(excepted);
    if verdict.policy.is_some() && verdict.findings.is_empty() && (met || plan_only) {
        verdict.decision = Decision::Accepted;
    }
    Decided { verdict, gains: gains.met, shown: gains.shown, pictures: gains.pictures }
}

/// Ledger first, then plan, then claims: what makes the rest meaningless stands above it.
fn rank(code: Code) -> u8 {
    match code.number.as_bytes() {
        [b'E', b'3', ..] => 0,
        [b'E', b'1', ..] => 1,
        _ if code == Code::LATER_FAILURE || code == Code::FAILED || code == Code::DISSENT => 2,
        _ => 3,
    }
}

const fn weight(state: State) -> u8 {
    match state {
        // Only what is done with a rule's answer makes these.
        State::Pass | State::Waived | State::NotApplicable => 0,
        State::Missing => 1,
        State::Invalid => 2,
        State::Running => 3,
        State::Lost => 4,
        State::Inconclusive => 5,
        State::Fail => 6,
    }
}

/// Every limitation that a verdict may admit, by name.
pub const LIMITATIONS: [&str; 10] = [
    "asserted",
    NOT_APPLICABLE,
    "not-independent",
    "one-person",
    OPERATOR_UNBOUND,
    PIPELINE_EDITED,
    REMOTE_UNSEEN,
    UNKNOWN_AUTHOR,
    UNVERIFIED_MERGE,
    WAIVED,
];
/// The change touches what tells a CI system what to run.
const PIPELINE_EDITED: &str = "pipeline-edited";
/// The ledger's remote could not be asked: the copy that was read may be behind.
pub const REMOTE_UNSEEN: &str = "remote-unseen";
/// The limitation that the change was merged past the gate.
const UNVERIFIED_MERGE: &str = "unverified-merge";

#[cfg(test)]
mod tests;
