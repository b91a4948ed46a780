//! The rule of criteria: what the plan says that the change must do is shown, criterion by criterion, before it may merge.
//!
//! All that a criterion lists must hold. One that lists nothing is met by any of: tests that carry its id in their name, all
//! of them passing; a file that is attached for it; a person who accepts it. Only results count that a requirement of the
//! policy rests on, and only where it passes. What speaks against a criterion counts whatever speaks for it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::attachments::{self, Attached};
use super::authority::{Known, Who};
use super::code::Code;
use super::judge::{Bench, Found as Judging, Gains};
use super::plan::Plans;
use super::question::Shown;
use super::verdict::{Finding, Limitation, State};
use super::{attempts, planned, reviews};
use crate::model::{ClaimName, Criterion, CriterionId, Phase, Predicate, Review, ReviewVerdict};
use crate::policy::{Act, Form, Policy};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CriterionState {
    /// It is shown.
    Met,
    /// It is not.
    Open,
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
        format!("{kind} {}{serials}", self.name)
    }
}

/// What the counted results of the change show.
struct Found<'a> {
    /// Each case with its name and the result.
    cases: Vec<(String, &'a Case, u64)>,
    attached: Vec<Attached<'a>>,
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
    let found = Found::of(bench, shown);
    let ids: Vec<&CriterionId> = criteria.iter().map(|(_, criterion)| &criterion.id).collect();
    for (plan, criterion) in &criteria {
        let mut rule = Rule {
            bench,
            policy,
            shown,
            found: &found,
            ids: &ids,
            criterion,
            evidence: Vec::new(),
            lacks: Vec::new(),
            dissent: BTreeSet::new(),
            limitations: Vec::new(),
            gains,
        };
        rule.judge();
        let Rule { evidence, lacks, dissent, limitations: admitted, .. } = rule;
        for serial in dissent {
            let found = format!("record {serial} says that it is not met");
            findings.push(Finding::new(Code::DISSENT, format!("criterion {}", criterion.id), found, "no dissent"));
        }
        limitations.extend(admitted);
        let state = if lacks.is_empty() { CriterionState::Met } else { CriterionState::Open };
        if state == CriterionState::Open {
            findings.push(open(bench, policy, criterion, &lacks));
        }
        let Criterion { id, text, critical, .. } = (*criterion).clone();
        let judged = CriterionShown { id, text, state, critical, plan: *plan, evidence, lacks };
        // Of several policies that judge, the one that is not content is shown.
        match all.iter_mut().find(|before| before.id == judged.id) {
            None => all.push(judged),
            Some(before) if before.state == CriterionState::Met => *before = judged,
            Some(_) => {}
        }
    }
}

fn open(bench: &Bench<'_>, policy: &Policy, criterion: &Criterion, lacks: &[String]) -> Finding {
    let wanted = match (criterion.lists_nothing(), criterion.critical) {
        (true, false) => "a passing test that carries its id, a file attached for it, or a person who accepts it",
        (true, true) => "a passing test that carries its id, or a picture attached for it",
        (false, _) => "all that it lists",
    };
    let finding = Finding::new(Code::CRITERION_OPEN, format!("criterion {}", criterion.id), lacks.join("; "), wanted);
    let may = policy.may(Act::Accept).and_then(|may| may.roles.first());
    let by_person = criterion.human || (criterion.lists_nothing() && !criterion.critical);
    match may.filter(|_| by_person) {
        Some(role) => finding.mended_by(
            &["evidence", "review", "--criterion", criterion.id.as_str(), "--verdict", "pass"],
            Some(role.as_str()),
        ),
        None => finding.mended_by(&["evidence", "show", bench.complete.subject().id.as_str()], None),
    }
}

impl<'a> Found<'a> {
    fn of(bench: &Bench<'a>, shown: &[Shown]) -> Self {
        let mut found = Self { cases: Vec::new(), attached: Vec::new() };
        let mut seen = BTreeSet::new();
        for shown in shown.iter().filter(|shown| shown.form == Form::Run) {
            for counted in shown.counted.iter().filter(|counted| seen.insert(counted.result)) {
                let passes = shown.requirement.state == State::Pass;
                found.take(bench, counted.result, passes);
            }
        }
        found
    }

    /// Takes in a result. What does not pass as a whole shows nothing, and what failed in it is seen all the same.
    fn take(&mut self, bench: &Bench<'a>, serial: u64, passes: bool) {
        let Some(record) = bench.complete.record(serial) else { return };
        let Predicate::Result(run) = &record.statement().predicate else { return };
        for read in &run.facts {
            let Some(report) = bench.rechecked.report(serial, &read.material) else { continue };
            let counts = |case: &&Case| passes || !matches!(case.outcome, CaseOutcome::Passed | CaseOutcome::Flaky);
            self.cases.extend(report.cases.iter().filter(counts).map(|case| (case.shown(), case, serial)));
        }
        if passes {
            self.attached.extend(attachments::of(bench, serial));
        }
    }
}

/// One criterion under judgement.
struct Rule<'a, 'b> {
    bench: &'b Bench<'a>,
    policy: &'a Policy,
    shown: &'b [Shown],
    found: &'b Found<'a>,
    ids: &'b [&'a CriterionId],
    criterion: &'b Criterion,
    evidence: Vec<Shows>,
    lacks: Vec<String>,
    /// The records that say that it is not met.
    dissent: BTreeSet<u64>,
    limitations: Vec<Limitation>,
    gains: &'b mut Gains,
}

/// Whether something is shown by what a machine can compute again, or by somebody's word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rests {
    Recomputed,
    Said,
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
            let enough = if criterion.critical { rests.contains(&Rests::Recomputed) } else { !rests.is_empty() };
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
        }
        if criterion.critical && !rests.contains(&Rests::Recomputed) && self.lacks.len() == against {
            self.lacks.push("it is critical, and no test, claim or picture shows it".to_owned());
        }
    }

    fn shows(&mut self, kind: ShowsKind, name: &str, serials: impl IntoIterator<Item = u64>, count: Option<usize>) {
        let serials: BTreeSet<u64> = serials.into_iter().collect();
        self.evidence.push(Shows { kind, name: name.to_owned(), serials: serials.into_iter().collect(), count });
    }

    /// Tests that match a pattern, by their whole name or their own: some, and all of them pass.
    fn tests(&mut self, pattern: &str) -> Option<Rests> {
        let found = self.found;
        let matching: Vec<&(String, &Case, u64)> = found
            .cases
            .iter()
            .filter(|(shown, case, _)| matches(pattern, shown) || matches(pattern, &case.name))
            .collect();
        if matching.is_empty() {
            self.lacks.push(format!("no counted report has a test that matches {pattern}"));
            return None;
        }
        self.all_pass(pattern, &matching)
    }

    fn all_pass(&mut self, name: &str, matching: &[&(String, &Case, u64)]) -> Option<Rests> {
        let passes = |case: &Case| match case.outcome {
            CaseOutcome::Passed => true,
            // The limits of the policy judge flaky tests; what is critical rests on none.
            CaseOutcome::Flaky => !self.criterion.critical,
            CaseOutcome::Failed | CaseOutcome::Unknown | CaseOutcome::Skipped => false,
        };
        let bad: Vec<&&(String, &Case, u64)> = matching.iter().filter(|(_, case, _)| !passes(case)).collect();
        if let Some((shown, case, serial)) = bad.first().copied() {
            let more = if bad.len() > 1 { format!(" and {} more", bad.len() - 1) } else { String::new() };
            let was = match case.outcome {
                CaseOutcome::Failed => "failed",
                CaseOutcome::Unknown => "ended nobody knows how",
                CaseOutcome::Skipped => "was skipped",
                CaseOutcome::Flaky => "passed only when repeated",
                CaseOutcome::Passed => "passed",
            };
            self.lacks.push(format!(
                "the test {} of record {serial} {was}{more}",
                crate::reports::shown(shown, NAME_CHARS_MAX)
            ));
            return None;
        }
        self.shows(ShowsKind::Tests, name, matching.iter().map(|(_, _, serial)| *serial), Some(matching.len()));
        Some(Rests::Recomputed)
    }

    fn claim(&mut self, name: &ClaimName) -> Option<Rests> {
        let Some(claim) = self.policy.claim(name) else {
            self.lacks.push(format!("the policy has no claim {name}"));
            return None;
        };
        let required = self.shown.iter().find(|shown| shown.requirement.claim == *name);
        let (state, serials) = match required {
            Some(shown) => (shown.requirement.state, shown.requirement.serials.clone()),
            None => {
                // Nothing else requires it: it is judged for the criterion.
                let mut own = Vec::new();
                let ruled = match claim.form {
                    Form::Run => attempts::check(self.bench, name, claim, "the criterion", &mut own),
                    Form::Review => reviews::check(self.bench, name, claim, "the criterion", &mut own),
                };
                let clean = own.is_empty() && claim.unsupported().is_empty();
                let state = if clean || ruled.state != State::Pass { ruled.state } else { State::Invalid };
                self.limitations.extend(ruled.limitations);
                // What it protects is protected from the merge on, as if a tier required it.
                ruled.gains.into_iter().for_each(|gain| self.gains.add(gain, state));
                (state, ruled.serials)
            }
        };
        if !stands(state, self.criterion) {
            let state = serde_json::to_value(state).ok();
            let word = state.as_ref().and_then(serde_json::Value::as_str).unwrap_or("open");
            self.lacks.push(format!("the claim {name} is {word}"));
            return None;
        }
        self.shows(ShowsKind::Claim, name.as_str(), serials, None);
        Some(match claim.form {
            Form::Run => Rests::Recomputed,
            Form::Review => Rests::Said,
        })
    }

    fn picture(&mut self, name: &str) -> Option<Rests> {
        let found = self.found;
        let is = |attached: &&Attached<'_>| attached.name == name && attached.media == Some(Media::Picture);
        let serials: Vec<u64> = found.attached.iter().filter(is).map(|attached| attached.serial).collect();
        if serials.is_empty() {
            self.lacks.push(format!("no counted result has a picture {name} attached"));
            return None;
        }
        self.shows(ShowsKind::Picture, name, serials, None);
        Some(Rests::Recomputed)
    }

    /// What carries the id: tests in their name, attachments by what was said of them.
    fn by_id(&mut self) -> Option<Rests> {
        let found = self.found;
        let id = &self.criterion.id;
        let mut rests = None;
        let carrying: Vec<&(String, &Case, u64)> =
            found.cases.iter().filter(|(shown, _, _)| carries(shown, id, self.ids)).collect();
        if !carrying.is_empty() {
            rests = self.all_pass(id.as_str(), &carrying);
        }
        for attached in found.attached.iter().filter(|attached| attached.criterion == Some(id)) {
            let kind = match attached.media {
                Some(Media::Picture) => ShowsKind::Picture,
                Some(Media::Video | Media::SessionLog | Media::File) => ShowsKind::Attachment,
                None => continue,
            };
            self.shows(kind, attached.name, [attached.serial], None);
            let more = if kind == ShowsKind::Picture { Rests::Recomputed } else { Rests::Said };
            rests = if rests == Some(Rests::Recomputed) { rests } else { Some(more) };
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
        let bench = self.bench;
        let mut newest = BTreeMap::new();
        for record in bench.complete.of_change() {
            let Predicate::Review(review) = &record.statement().predicate else { continue };
            let about = review.criteria.contains(&self.criterion.id)
                && matches!(review.phase, Phase::Plain | Phase::Approve)
                && record.statement().tree() == Some(&bench.complete.subject().tree);
            if about && bench.authority.may_hurt(record) {
                newest.extend(bench.authority.behind(record).into_iter().map(|who| (who, (record, review))));
            }
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
        Some(Rests::Said)
    }
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

/// Returns whether a pattern matches a whole text; `*` matches any run of characters, and nothing else is special.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Returns whether a name carries an id as a whole word: whatever the case, `_` for `-`, and not as a part of another id.
///
/// `test_ac_1` and `logs in (AC-1)` carry `AC-1`; `AC-10`, `AC-1.2` and `X-AC-1` do not.
fn carries(name: &str, id: &CriterionId, all: &[&CriterionId]) -> bool {
    let (folded, wanted) = (fold(name), fold(id.as_str()));
    let longer: Vec<String> = all
        .iter()
        .map(|other| fold(other.as_str()))
        .filter(|other| other.len() > wanted.len() && other.contains(&wanted))
        .collect();
    let name = name.as_bytes();
    folded.match_indices(&wanted).any(|(at, _)| {
        let end = at + wanted.len();
        let before = at.checked_sub(1).and_then(|at| name.get(at));
        let after = (name.get(end), name.get(end + 1));
        let begins =
            before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'.') && byte.is_ascii());
        let ends = match after {
            (None, _) => true,
            (Some(b'-' | b'_' | b'.'), Some(next)) => !next.is_ascii_digit(),
            (Some(byte), _) => byte.is_ascii() && !byte.is_ascii_alphanumeric(),
        };
        let part_of_another = longer.iter().any(|other| {
            folded.match_indices(other.as_str()).any(|(start, _)| start <= at && end <= start + other.len())
        });
        begins && ends && !part_of_another
    })
}

/// Returns a text byte for byte in one case, `_` as `-`.
fn fold(text: &str) -> String {
    text.chars().map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}

const NAME_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_any_run_and_nothing_else_is_special() {
        for (pattern, text) in [
            ("a", "a"),
            ("*", ""),
            ("*", "a > b"),
            ("a*", "a"),
            ("*login*", "suite > login works"),
            ("a*b*c", "aXbYbZc"),
            ("a**b", "ab"),
            ("[a]?", "[a]?"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("a", "ab"),
            ("a", ""),
            ("a*b", "a"),
            ("ab*ba", "aba"),
            ("*a*a*", "a"),
            ("[a]", "a"),
            ("?", "a"),
            ("", "a"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn id_is_carried_as_a_whole_word_only() {
        let id = |text: &str| text.parse::<CriterionId>().unwrap();
        let (one, other) = (id("AC-1"), id("SUB_AC-1"));
        let alone = [&one];
        for name in
            ["AC-1", "logs in (AC-1)", "test_ac_1", "test_ac_1_logs_in", "m::ac_1::x", "AC-1: x", "AC-1.", "a > AC-1"]
        {
            assert!(carries(name, &one, &alone), "{name}");
        }
        for name in ["AC-10", "AC-1.2", "AC-1-2", "ac_1_2", "XAC-1", "X-AC-1", "AC-1x", "AC 1", "AC-1ä", "äAC-1", "AC"]
        {
            assert!(!carries(name, &one, &alone), "{name}");
        }
        assert!(carries("sub_ac_1", &one, &alone));
        assert!(!carries("sub_ac_1", &one, &[&one, &other]) && carries("sub_ac_1", &other, &[&one, &other]));
        assert!(carries("sub_ac_1 and ac-1", &one, &[&one, &other]));
    }
}
