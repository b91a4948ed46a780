//! The rule of criteria: what the plan says that the change must do is shown, criterion by criterion, before it may merge.
//!
//! All that a criterion lists must hold. One that lists nothing is met by any of: tests that carry its id in their name, all
//! of them passing; a file that is attached for it; a person who accepts it. Only results count that a requirement of the
//! policy rests on, and only where it passes. What speaks against a criterion counts whatever speaks for it.
//!
//! Which tests a pattern or an id means is looked up in [`super::cases`].

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::attachments::{self, Attached};
use super::authority::{Known, Who};
use super::cases::{Cases, CountedCase, TooMany};
use super::code::Code;
use super::judge::{Bench, Found as Judging, Gains};
use super::plan::Plans;
use super::question::Shown;
use super::verdict::{Finding, Limitation, State};
use super::{attempts, planned, reviews};
use crate::model::{CRITERIA_MAX, ClaimName, Criterion, CriterionId, Phase, Predicate, Review, ReviewVerdict};
use crate::policy::{Act, Claim, Form, Policy};
use crate::prove::Logged;
use crate::reports::{Case, CaseOutcome, Media};

/// A criterion, how it stands, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CriterionShown {
    /// Its id.
    pub id: CriterionId,
    /// What it says.
    pub text: String,
    /// How it stands.
    pub state: CriterionState,
    /// Whether no exception may stand in for it, nor a person alone.
    pub critical: bool,
    /// The record of the plan that it is from.
    pub plan: u64,
    /// What shows it.
    pub evidence: Vec<Shows>,
    /// What is not shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
}

/// How a criterion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CriterionState {
    /// It is shown.
    Met,
    /// An exception stands in for a claim of it that does not apply.
    NotApplicable,
    /// An exception stands in for a claim of it.
    Waived,
    /// It is not.
    Open,
}

impl CriterionState {
    /// Returns its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotApplicable => "not-applicable",
            Self::Waived => "waived",
            Self::Open => "open",
        }
    }
}

/// What shows a criterion, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shows {
    /// Of what kind it is.
    pub kind: ShowsKind,
    /// What: a pattern or a test, a claim, the name of an attachment, a principal.
    pub name: String,
    /// The records that it rests on.
    pub serials: Vec<u64>,
    /// How many tests, where they are tests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// What is said of an attachment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// What the exception makes of a claim that does not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excepted: Option<State>,
}

/// The kinds of what shows a criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShowsKind {
    /// Tests that pass.
    Tests,
    /// A claim that passes.
    Claim,
    /// A picture.
    Picture,
    /// Another file.
    Attachment,
    /// A person who accepts it.
    Person,
}

impl Shows {
    /// Returns it in words, `2 tests AC-1 #7` for example.
    #[must_use]
    pub fn told(&self) -> String {
        let kind = match (self.kind, self.count) {
            (ShowsKind::Tests, count) => format!("{} tests", count.unwrap_or_default()),
            (ShowsKind::Claim, _) => "claim".to_owned(),
            (ShowsKind::Picture, _) => "picture".to_owned(),
            (ShowsKind::Attachment, _) => "attachment".to_owned(),
            (ShowsKind::Person, _) => "accepted by".to_owned(),
        };
        let serials: String = self.serials.iter().map(|serial| format!(" #{serial}")).collect();
        let caption = self.caption.as_ref().map_or_else(String::new, |caption| format!(" ({caption})"));
        let excepted = self.excepted.map_or_else(String::new, |state| format!(" {}", state.as_str()));
        format!("{kind} {}{caption}{excepted}{serials}", self.name)
    }
}

/// What the counted results of the change show.
struct Found<'a> {
    attached: Attachments<'a>,
    /// What reviews say about each criterion, on the judged tree, in their order.
    reviews: BTreeMap<&'a CriterionId, Vec<(&'a Logged, &'a Review)>>,
}

/// What is attached to them, by name and by criterion.
#[derive(Default)]
struct Attachments<'a> {
    named: BTreeMap<&'a str, Vec<Attached<'a>>>,
    of_criterion: BTreeMap<&'a CriterionId, Vec<Attached<'a>>>,
}

/// What a claim came to that nothing but criteria asks for.
struct ByItself {
    state: State,
    serials: Vec<u64>,
    limitations: Vec<Limitation>,
}

/// Judges the criteria of the plans that count.
pub(super) fn check<'a>(
    bench: &Bench<'a>,
    plans: &Plans<'a>,
    policy: &'a Policy,
    shown: &[Shown],
    judging: &mut Judging<'_>,
    gains: &mut Gains,
) {
    let Judging { verdict, findings, limitations } = judging;
    let all = &mut verdict.criteria;
    let criteria = planned::criteria(plans, &bench.authority);
    if criteria.is_empty() {
        return;
    }
    if criteria.len() > CRITERIA_MAX {
        let thing = format!("change {}", bench.complete.subject().id);
        let found = format!("its plans have {} criteria", criteria.len());
        let finding = Finding::new(Code::CRITERION_OPEN, thing, found, format!("at most {CRITERIA_MAX} in one change"));
        findings.push(finding.mended_by(&["evidence", "show", bench.complete.subject().id.as_str()], None));
        return;
    }
    let ids: Vec<&CriterionId> = criteria.iter().map(|(_, criterion)| &criterion.id).collect();
    let (found, mut cases) = Found::of(bench, shown, &ids);
    let mut by_themselves = BTreeMap::new();
    let mut places: BTreeMap<CriterionId, usize> =
        all.iter().enumerate().map(|(place, known)| (known.id.clone(), place)).collect();
    for (plan, criterion) in &criteria {
        let mut rule = Rule {
            bench,
            policy,
            shown,
            found: &found,
            cases: &mut cases,
            by_themselves: &mut by_themselves,
            criterion,
            evidence: Vec::new(),
            lacks: Vec::new(),
            dissent: BTreeSet::new(),
            limitations: Vec::new(),
            gains,
            mend: None,
        };
        rule.judge();
        if criterion.critical && rule.mend.is_none() && !criterion.human && criterion.lists_nothing() {
            rule.mended_by_run(&["--report", "FILE"]);
        }
        let Rule { evidence, lacks, dissent, limitations: admitted, mend, .. } = rule;
        for serial in dissent {
            let found = format!("record {serial} says that it is not met");
            findings.push(Finding::new(Code::DISSENT, format!("criterion {}", criterion.id), found, "no dissent"));
        }
        limitations.extend(admitted);
        let excepted = |state: State| evidence.iter().any(|shows| shows.excepted == Some(state));
        let state = match lacks.is_empty() {
            false => CriterionState::Open,
            true if excepted(State::Waived) => CriterionState::Waived,
            true if excepted(State::NotApplicable) => CriterionState::NotApplicable,
            true => CriterionState::Met,
        };
        if state == CriterionState::Open {
            findings.push(open(bench, policy, criterion, &lacks, mend));
        }
        let Criterion { id, text, critical, .. } = (*criterion).clone();
        let judged = CriterionShown { id, text, state, critical, plan: *plan, evidence, lacks };
        // Of several policies that judge, the one that is not content is shown.
        match places.get(&judged.id).and_then(|place| all.get_mut(*place)) {
            None => {
                places.insert(judged.id.clone(), all.len());
                all.push(judged);
            }
            Some(before) if before.state < CriterionState::Open && judged.state >= before.state => *before = judged,
            Some(_) => {}
        }
    }
}

fn open(
    bench: &Bench<'_>,
    policy: &Policy,
    criterion: &Criterion,
    lacks: &[String],
    mend: Option<(Vec<String>, String)>,
) -> Finding {
    let wanted = match (criterion.lists_nothing(), criterion.critical) {
        (true, false) => "a passing test that carries its id, a file attached for it, or a person who accepts it",
        (true, true) => "a passing test that carries its id, or a picture attached for it that somebody has looked at",
        (false, _) => "all that it lists",
    };
    let finding = Finding::new(Code::CRITERION_OPEN, format!("criterion {}", criterion.id), lacks.join("; "), wanted);
    if let Some((command, role)) = mend {
        return finding.mended_by_words(command, Some(&role));
    }
    let may = policy.may(Act::Accept).and_then(|may| may.roles.first());
    match may {
        Some(role) => finding.mended_by(
            &["evidence", "review", "--criterion", criterion.id.as_str(), "--verdict", "pass"],
            Some(role.as_str()),
        ),
        None => finding.mended_by(&["evidence", "show", bench.complete.subject().id.as_str()], None),
    }
}

impl<'a> Found<'a> {
    fn of(bench: &Bench<'a>, shown: &[Shown], ids: &[&CriterionId]) -> (Self, Cases<'a>) {
        let mut found = Self { attached: Attachments::default(), reviews: reviews_of(bench) };
        let mut cases = Vec::new();
        let mut seen = BTreeSet::new();
        for shown in shown.iter().filter(|shown| shown.form == Form::Run) {
            for counted in shown.counted.iter().filter(|counted| seen.insert(counted.result)) {
                let passes = shown.requirement.state == State::Pass;
                found.take(bench, counted.result, passes, &mut cases);
            }
        }
        (found, Cases::of(cases, ids))
    }

    /// Takes in a result. What does not pass as a whole shows nothing, and what failed in it is seen all the same.
    fn take(&mut self, bench: &Bench<'a>, serial: u64, passes: bool, cases: &mut Vec<CountedCase<'a>>) {
        let Some(record) = bench.complete.record(serial) else { return };
        let Predicate::Result(run) = &record.statement().predicate else { return };
        for read in &run.facts {
            let Some(report) = bench.rechecked.report(serial, &read.material) else { continue };
            let counts = |case: &&Case| passes || !matches!(case.outcome, CaseOutcome::Passed | CaseOutcome::Flaky);
            let of_report = report.cases.iter().filter(counts);
            cases.extend(of_report.map(|case| CountedCase { shown: case.shown(), case, serial }));
        }
        if passes {
            for attached in attachments::of(bench, serial) {
                if let Some(id) = attached.criterion {
                    self.attached.of_criterion.entry(id).or_default().push(attached.clone());
                }
                self.attached.named.entry(attached.name).or_default().push(attached);
            }
        }
    }
}

/// Returns what reviews say about criteria on the judged tree.
fn reviews_of<'a>(bench: &Bench<'a>) -> BTreeMap<&'a CriterionId, Vec<(&'a Logged, &'a Review)>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for record in bench.complete.of_change() {
        let Predicate::Review(review) = &record.statement().predicate else { continue };
        let about = matches!(review.phase, Phase::Plain | Phase::Approve)
            && record.statement().tree() == Some(&bench.complete.subject().tree);
        if about && !review.criteria.is_empty() && bench.authority.may_hurt(record) {
            let ids: BTreeSet<&CriterionId> = review.criteria.iter().collect();
            ids.into_iter().for_each(|id| found.entry(id).or_default().push((record, review)));
        }
    }
    found
}

/// One criterion under judgement.
struct Rule<'a, 'b> {
    bench: &'b Bench<'a>,
    policy: &'a Policy,
    shown: &'b [Shown],
    found: &'b Found<'a>,
    cases: &'b mut Cases<'a>,
    by_themselves: &'b mut BTreeMap<ClaimName, ByItself>,
    criterion: &'b Criterion,
    evidence: Vec<Shows>,
    lacks: Vec<String>,
    /// The records that say that it is not met.
    dissent: BTreeSet<u64>,
    limitations: Vec<Limitation>,
    gains: &'b mut Gains,
    /// What brings the first thing that is not shown, and the role that may.
    mend: Option<(Vec<String>, String)>,
}

/// Whether something is shown by what a machine can compute again, or by somebody's word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rests {
    Recomputed,
    /// A picture that no review had to see: that it is one is computed, and what is on it nobody says.
    Pictured,
    /// A person who may accepts it.
    Accepted,
    Said,
}

/// Returns whether what is critical may rest on this: on no word alone, and on no picture that nobody has looked at.
fn holds(rests: &[Rests]) -> bool {
    rests.contains(&Rests::Recomputed) || (rests.contains(&Rests::Pictured) && rests.contains(&Rests::Accepted))
}

impl Rule<'_, '_> {
    fn judge(&mut self) {
        let criterion = self.criterion;
        let mut rests = Vec::new();
        for pattern in &criterion.tests {
            rests.extend(self.tests(pattern));
        }
        for claim in &criterion.claims {
            rests.extend(self.claim(claim));
        }
        for picture in &criterion.pictures {
            rests.extend(self.picture(picture));
        }
        let against = self.lacks.len();
        let dissent = self.dissent();
        if criterion.lists_nothing() {
            let mut lacks = std::mem::take(&mut self.lacks);
            rests.extend(self.by_id());
            rests.extend(self.accepted());
            let enough = if criterion.critical { holds(&rests) } else { !rests.is_empty() };
            if !enough {
                // One of them is enough: only where none is, it matters what each of them lacks.
                lacks.append(&mut self.lacks);
            }
            self.lacks = lacks;
            if !enough && rests.is_empty() && self.lacks.len() == against {
                self.lacks.push("nothing shows it".to_owned());
            }
        } else {
            if criterion.human && dissent {
                rests.extend(self.person());
            }
            if criterion.critical && !rests.contains(&Rests::Recomputed) {
                // It may list a person alone: then its id leads to what can be computed again.
                rests.extend(self.by_id());
            }
            let seen = criterion.human || !dissent || !rests.contains(&Rests::Pictured);
            if criterion.critical && !seen && !holds(&rests) {
                rests.extend(self.accepted());
            }
        }
        if criterion.critical && !holds(&rests) && self.lacks.len() == against {
            let lack = match rests.contains(&Rests::Pictured) {
                true => {
                    "it is critical, and nobody has looked at its picture: no person accepts it, and the claim has no reviewed_by"
                }
                false => "it is critical, and no test, claim or picture shows it",
            };
            self.lacks.push(lack.to_owned());
        }
    }

    fn shows(&mut self, kind: ShowsKind, name: &str, serials: impl IntoIterator<Item = u64>, count: Option<usize>) {
        let serials: BTreeSet<u64> = serials.into_iter().collect();
        let (name, serials) = (name.to_owned(), serials.into_iter().collect());
        self.evidence.push(Shows { kind, name, serials, count, caption: None, excepted: None });
    }

    fn attached(&mut self, kind: ShowsKind, attached: &[&Attached<'_>]) {
        let Some(first) = attached.first() else { return };
        self.shows(kind, first.name, attached.iter().map(|one| one.serial), None);
        if let Some(shows) = self.evidence.last_mut() {
            shows.caption = attached.iter().find_map(|one| one.caption).map(str::to_owned);
        }
    }

    /// Returns what a picture is worth: more where its claim passes only with a review that saw it.
    fn pictured(&self, attached: &Attached<'_>) -> Rests {
        let record = self.bench.complete.record(attached.serial);
        let claim = record.and_then(|record| match &record.statement().predicate {
            Predicate::Result(run) => self.policy.claim(&run.claim),
            _ => None,
        });
        let limits = claim.and_then(|claim| claim.attachments.as_ref());
        match limits.is_some_and(|limits| limits.reviewed_by.is_some()) {
            true => Rests::Recomputed,
            false => Rests::Pictured,
        }
    }

    /// Tests that match a pattern, by their whole name or their own: some, and all of them pass.
    fn tests(&mut self, pattern: &str) -> Option<Rests> {
        let told = match self.cases.matching(pattern) {
            Err(TooMany) => Err(format!(
                "there is too much to hold the pattern {pattern} against: let it begin with what the names begin with"
            )),
            Ok(matching) if matching.is_empty() => Err(format!("no counted report has a test that matches {pattern}")),
            Ok(matching) => all_pass(self.criterion, &matching),
        };
        self.take(pattern, told)
    }

    /// Keeps what brings a report or a picture: a run of the first claim that is required and shows such.
    fn mended_by_run(&mut self, more: &[&str]) {
        let policy = self.policy;
        let required = self.shown.iter().filter(|shown| shown.form == Form::Run);
        let claims: Vec<(&ClaimName, &Claim)> = required
            .filter_map(|shown| Some((&shown.requirement.claim, policy.claim(&shown.requirement.claim)?)))
            .collect();
        let shows = |claim: &Claim| match more.first() {
            Some(&"--attach") => claim.attachments.is_some(),
            _ => claim.tests.is_some(),
        };
        let best = claims.iter().find(|(_, claim)| shows(claim)).or_else(|| claims.first());
        let Some((name, claim)) = best else { return };
        let mut command = claim.run_command(name, claim.variants.first(), None);
        let place = match command.iter().position(|word| more.first() == Some(&word.as_str())) {
            // It is asked for anyway, by whichever name.
            Some(at) => {
                command.drain(at..(at + 2).min(command.len()));
                at
            }
            None => command.iter().position(|word| word == "--").unwrap_or(command.len()),
        };
        command.splice(place..place, more.iter().map(|word| (*word).to_owned()));
        self.mend.get_or_insert((command, claim.by.to_string()));
    }

    /// Keeps what shows a claim.
    fn mended_by_claim(&mut self, name: &ClaimName, claim: &Claim) {
        let command = match claim.form {
            Form::Run => claim.run_command(name, claim.variants.first(), None),
            Form::Review => ["evidence", "review", name.as_str(), "--verdict", "pass"].map(str::to_owned).to_vec(),
        };
        self.mend.get_or_insert((command, claim.by.to_string()));
    }

    fn take(&mut self, name: &str, told: Result<(BTreeSet<u64>, usize), String>) -> Option<Rests> {
        match told {
            Ok((serials, count)) => {
                self.shows(ShowsKind::Tests, name, serials, Some(count));
                Some(Rests::Recomputed)
            }
            Err(lack) => {
                self.lacks.push(lack);
                self.mended_by_run(&["--report", "FILE"]);
                None
            }
        }
    }

    fn claim(&mut self, name: &ClaimName) -> Option<Rests> {
        let Some(claim) = self.policy.claim(name) else {
            self.lacks.push(format!("the policy has no claim {name}"));
            return None;
        };
        let required = self.shown.iter().find(|shown| shown.requirement.claim == *name);
        let (state, serials) = match required {
            Some(shown) => (shown.requirement.state, shown.requirement.serials.clone()),
            None => self.by_itself(name, claim),
        };
        if !stands(state, self.criterion) {
            let state = serde_json::to_value(state).ok();
            let word = state.as_ref().and_then(serde_json::Value::as_str).unwrap_or("open");
            self.lacks.push(format!("the claim {name} is {word}"));
            self.mended_by_claim(name, claim);
            return None;
        }
        self.shows(ShowsKind::Claim, name.as_str(), serials, None);
        if let Some(shows) = self.evidence.last_mut() {
            shows.excepted = Some(state).filter(|state| state.is_excepted());
        }
        Some(match claim.form {
            Form::Run => Rests::Recomputed,
            Form::Review => Rests::Said,
        })
    }

    /// Judges a claim that nothing else requires, once for all criteria.
    fn by_itself(&mut self, name: &ClaimName, claim: &Claim) -> (State, Vec<u64>) {
        if !self.by_themselves.contains_key(name) {
            let mut own = Vec::new();
            let ruled = match claim.form {
                Form::Run => attempts::check(self.bench, name, claim, "the criterion", &mut own),
                Form::Review => reviews::check(self.bench, name, claim, "the criterion", &mut own),
            };
            let clean = own.is_empty() && claim.unsupported().is_empty();
            let state = if clean || ruled.state != State::Pass { ruled.state } else { State::Invalid };
            // What it protects is protected from the merge on, as if a tier required it.
            ruled.gains.into_iter().for_each(|gain| self.gains.add(gain, state));
            let judged = ByItself { state, serials: ruled.serials, limitations: ruled.limitations };
            self.by_themselves.insert(name.clone(), judged);
        }
        let Some(judged) = self.by_themselves.get(name) else { return (State::Missing, Vec::new()) };
        self.limitations.extend(judged.limitations.iter().cloned());
        (judged.state, judged.serials.clone())
    }

    fn picture(&mut self, name: &str) -> Option<Rests> {
        let found = self.found;
        let named = found.attached.named.get(name).into_iter().flatten();
        let pictures: Vec<&Attached<'_>> = named.filter(|attached| attached.media == Some(Media::Picture)).collect();
        let Some(worst) =
            pictures.iter().map(|picture| self.pictured(picture)).max_by_key(|rests| *rests != Rests::Recomputed)
        else {
            self.lacks.push(format!("no counted result has a picture {name} attached"));
            self.mended_by_run(&["--attach", &format!("{name}=FILE")]);
            return None;
        };
        self.attached(ShowsKind::Picture, &pictures);
        Some(worst)
    }

    /// What carries the id: tests in their name, attachments by what was said of them.
    fn by_id(&mut self) -> Vec<Rests> {
        let found = self.found;
        let id = &self.criterion.id;
        let told = match self.cases.carrying(id) {
            Err(TooMany) => Some(Err("there is too much to look its id up in".to_owned())),
            Ok(carrying) if carrying.is_empty() => None,
            Ok(carrying) => Some(all_pass(self.criterion, &carrying)),
        };
        let mut rests: Vec<Rests> = told.and_then(|told| self.take(id.as_str(), told)).into_iter().collect();
        for attached in found.attached.of_criterion.get(id).into_iter().flatten() {
            let kind = match attached.media {
                Some(Media::Picture) => ShowsKind::Picture,
                Some(Media::Video | Media::SessionLog | Media::File) => ShowsKind::Attachment,
                None => continue,
            };
            if attached.is_empty() {
                continue;
            }
            self.attached(kind, &[attached]);
            rests.push(if kind == ShowsKind::Picture { self.pictured(attached) } else { Rests::Said });
        }
        rests
    }

    /// A person who may must accept it.
    fn person(&mut self) -> Option<Rests> {
        let before = self.lacks.len();
        let accepted = self.accepted();
        if accepted.is_none() && self.lacks.len() == before {
            self.lacks.push(match self.policy.may(Act::Accept) {
                Some(_) => "nobody who may has accepted it".to_owned(),
                None => "a person must accept it, and the policy lets nobody ([may] accept)".to_owned(),
            });
        }
        accepted
    }

    /// Returns whether nobody says that the criterion is not met on the judged tree. No right is needed to say that.
    fn dissent(&mut self) -> bool {
        let newest = self.newest();
        let fails: BTreeSet<u64> =
            newest.values().filter(|(_, review)| !passes(review)).map(|(record, _)| record.serial()).collect();
        self.lacks.extend(fails.iter().map(|serial| format!("record {serial} says that it is not met")));
        self.dissent = fails;
        self.dissent.is_empty()
    }

    /// Of each principal the newest review of the criterion on the judged tree.
    fn newest(&self) -> BTreeMap<Who, (&'_ Logged, &'_ Review)> {
        let mut newest = BTreeMap::new();
        for (record, review) in self.found.reviews.get(&self.criterion.id).into_iter().flatten() {
            let behind = self.bench.authority.behind(record).into_iter();
            newest.extend(behind.map(|who| (who, (*record, *review))));
        }
        newest
    }

    /// Returns whether enough people accept it who may: no agent, no lease, nobody who implements the change.
    fn accepted(&mut self) -> Option<Rests> {
        let may = self.policy.may(Act::Accept)?;
        let mut people: BTreeMap<String, u64> = BTreeMap::new();
        let mut bound = Vec::new();
        let mut admitted = Vec::new();
        let newest = self.newest();
        let serials: BTreeMap<u64, &Logged> = newest
            .values()
            .filter(|(_, review)| passes(review))
            .map(|(record, _)| (record.serial(), *record))
            .collect();
        for (serial, record) in serials {
            let known: Vec<&Known> =
                may.roles.iter().flat_map(|role| self.bench.authority.supporters(record, role)).collect();
            if known.is_empty() {
                bound.push(format!("record {serial} is signed by {}, who may not accept it", self.bench.named(record)));
            }
            for known in known {
                let principal = &known.grant.principal;
                if known.grant.owner.is_some() || known.grant.leased_by.is_some() {
                    bound.push(format!("{principal} is no person: somebody else answers for it, or lent it the key"));
                    continue;
                }
                match self.bench.bound_to_implement(known) {
                    Ok(None) => {}
                    Ok(Some(reason)) => admitted.push(Limitation {
                        name: "not-independent",
                        text: format!("criterion {}: {reason}", self.criterion.id),
                    }),
                    Err(reason) => {
                        bound.push(reason);
                        continue;
                    }
                }
                people.entry(principal.to_string()).or_insert(serial);
            }
        }
        bound.sort();
        bound.dedup();
        let enough = u64::try_from(people.len()).is_ok_and(|count| count >= may.threshold && count > 0);
        if !enough {
            if !people.is_empty() {
                bound.push(format!("{} accepted it, of {} that are wanted", people.len(), may.threshold));
            }
            self.lacks.extend(bound);
            return None;
        }
        self.limitations.extend(admitted);
        for (person, serial) in people {
            self.shows(ShowsKind::Person, &person, [serial], None);
        }
        Some(Rests::Accepted)
    }
}

/// Returns the results of these tests and how many they are, if all of them pass; else which does not.
fn all_pass(criterion: &Criterion, matching: &[&CountedCase<'_>]) -> Result<(BTreeSet<u64>, usize), String> {
    let passes = |case: &Case| match case.outcome {
        CaseOutcome::Passed => true,
        // The limits of the policy judge flaky tests; what is critical rests on none.
        CaseOutcome::Flaky => !criterion.critical,
        CaseOutcome::Failed | CaseOutcome::Unknown | CaseOutcome::Skipped => false,
    };
    let mut bad = matching.iter().filter(|it| !passes(it.case));
    let Some(first) = bad.next() else {
        return Ok((matching.iter().map(|it| it.serial).collect(), matching.len()));
    };
    let more = bad.count();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let was = match first.case.outcome {
        CaseOutcome::Failed => "failed",
        CaseOutcome::Unknown => "ended nobody knows how",
        CaseOutcome::Skipped => "was skipped",
        CaseOutcome::Flaky => "passed only when repeated",
        CaseOutcome::Passed => "passed",
    };
    let name = crate::reports::shown(&first.shown, NAME_CHARS_MAX);
    Err(format!("the test {name} of record {} {was}{more}", first.serial))
}

fn passes(review: &Review) -> bool {
    review.verdict == Some(ReviewVerdict::Pass)
}

/// Returns whether a state of a claim is enough for a criterion. A state that an exception makes is enough for none that is
/// critical.
const fn stands(state: State, criterion: &Criterion) -> bool {
    match state {
        State::Pass => true,
        State::Waived | State::NotApplicable => !criterion.critical,
        State::Fail | State::Inconclusive | State::Running | State::Lost | State::Missing | State::Invalid => false,
    }
}

const NAME_CHARS_MAX: usize = 200;
