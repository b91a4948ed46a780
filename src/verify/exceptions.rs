//! The rule of exceptions: signed by somebody who may and is not bound to those who implement the change, within what the
//! policy allows, with an end.
//!
//! An exception stands in the chain of its change, or in the chain `exception` where it is wider than one change: about every
//! change, or about those whose ids a pattern of it matches, and to others it is nothing. It helps
//! while it is in force: logged by somebody entitled there and now, not ended, not over. One that helps no more, or never
//! did, is shown with why. A record of the same id in the same chain whose `until` is not after its own time ends it there.
//!
//! Out of scope: what a retired or admitted name is (the rules that know names ask [`Exceptions::retires`] and
//! [`Exceptions::admits`]).

use std::collections::{BTreeMap, BTreeSet};

use super::code::Code;
use super::judge::Bench;
use super::plan::Plans;
use super::question::behind;
use super::verdict::{Excepted, ExceptionShown, ExceptionState, Finding, State};
use crate::model::{ClaimName, Effect, Exception, Fingerprint, Id, Predicate, Rename, Time};
use crate::policy::{Act, Ceiling, Far, Floor, Policy, Reach, concerns, is_number, wildcard_matches};
use crate::prove::{EVERY_CHANGE, Logged};

/// The exceptions of a change under one policy.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    taken: Vec<Taken>,
    /// What must not stand in for a claim, since the policy refuses what it admits.
    refused: Vec<State>,
    /// All of them, with why one does not help.
    pub(super) shown: Vec<ExceptionShown>,
}

/// An exception that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    /// Its record.
    pub(super) serial: u64,
    /// Its id.
    pub(super) id: Id,
    /// What it does.
    pub(super) effect: Effect,
    /// Who signed it: principals, and roots by their fingerprints.
    pub(super) by: Vec<String>,
    /// Why.
    pub(super) reason: String,
    /// When it ends.
    pub(super) until: Time,
    /// The claims that it is about.
    claims: Vec<ClaimName>,
    /// Patterns of the names that it is about.
    pub(super) patterns: Vec<String>,
    /// Names that become others.
    renames: Vec<Rename>,
    /// How far a number may go.
    pub(super) to: Option<u64>,
}

/// An exception on its way through the log.
struct Candidate<'a> {
    record: &'a Logged,
    exception: &'a Exception,
    /// Why it does not help.
    why: Option<String>,
    /// Whether it counts among those in force at once: it did when it was logged, whatever became of its signers.
    counts: bool,
    /// The record that ended it early.
    ended: Option<u64>,
    /// Whether it is about the judged change.
    concerns: bool,
}

impl Exceptions {
    /// Returns the exceptions of the judged change, as a policy takes them.
    pub(super) fn of(bench: &Bench<'_>, policy: &Policy) -> Self {
        let mut all: Vec<Candidate<'_>> = Vec::new();
        let is_planned = Plans::of(bench.complete).entitled(&bench.authority).next().is_some();
        for record in of_change(bench) {
            let Predicate::Exception(exception) = &record.statement().predicate else { continue };
            let chain = &record.entry().chain;
            let same = |other: &&mut Candidate<'_>| {
                other.exception.id == exception.id && other.record.entry().chain == *chain && other.ended.is_none()
            };
            let earlier = all.iter_mut().find(same);
            let concerns = concerns(exception, &bench.complete.subject().id);
            let mut candidate = Candidate { record, exception, why: None, counts: false, ended: None, concerns };
            if is_end(record, exception) {
                // Which changes an end names is nothing to it: it ends what has its id.
                candidate.concerns = earlier.as_ref().map_or(concerns, |earlier| earlier.concerns);
                candidate.why = Some(match earlier {
                    None => "it would end an exception, and there is none of this id".to_owned(),
                    Some(earlier) if may_end(bench, record, earlier.record) => {
                        earlier.ended = Some(record.serial());
                        format!("it ends record {}", earlier.record.serial())
                    }
                    Some(earlier) => format!(
                        "it would end record {}, and is signed by {}",
                        earlier.record.serial(),
                        bench.named(record)
                    ),
                });
            } else if let Some(earlier) = all.iter().find(|other| {
                other.exception.id == exception.id && other.record.entry().chain == *chain && !is_end_of(other)
            }) {
                candidate.why = Some(format!("its id is that of record {}", earlier.record.serial()));
            } else {
                let allowed = policy.allows_exception(exception, reach(record), record.time());
                let refused = allowed.err().map(|error| error.to_string()).or_else(|| {
                    let others = all
                        .iter()
                        .filter(|other| other.counts && other.ended.is_none() && record.time() < other.exception.until);
                    let most = policy.exceptions().at_once;
                    let others = u64::try_from(others.count()).unwrap_or(u64::MAX);
                    (others >= most).then(|| format!("{others} others were in force with it; the policy allows {most}"))
                });
                candidate.counts = concerns && refused.is_none() && bench.authority.may_at(Act::Allow, record);
                let by_name = || (!exception.changes.is_empty() && !is_planned).then(|| BY_NAME.to_owned());
                candidate.why = refused.or_else(|| unsupported(bench, record)).or_else(by_name);
            }
            all.push(candidate);
        }
        all.retain(|candidate| candidate.concerns);
        let refuses = |state: &State| {
            let limitation = limitation(*state);
            policy.refuse_limitations().iter().any(|name| Some(name.as_str()) == limitation)
        };
        let refused = [State::Waived, State::NotApplicable].into_iter().filter(refuses).collect();
        Self { refused, ..Self::sorted(bench, &all) }
    }

    fn sorted(bench: &Bench<'_>, all: &[Candidate<'_>]) -> Self {
        let mut found = Self::default();
        for candidate in all {
            let Candidate { record, exception, why, ended, .. } = candidate;
            let by: Vec<String> = behind(bench, record).into_iter().collect();
            let (state, why) = match (why, ended) {
                (Some(why), _) if is_end(record, exception) => (ExceptionState::End, Some(why.clone())),
                (Some(why), _) => (ExceptionState::NotTaken, Some(why.clone())),
                (None, Some(by)) => (ExceptionState::EndedEarly, Some(format!("record {by} ended it"))),
                (None, None) if bench.now >= exception.until => (ExceptionState::Ended, None),
                (None, None) => (ExceptionState::InForce, None),
            };
            if state == ExceptionState::InForce {
                found.taken.push(Taken {
                    serial: record.serial(),
                    id: exception.id.clone(),
                    effect: exception.effect,
                    by: by.clone(),
                    reason: exception.reason.clone(),
                    until: exception.until,
                    claims: exception.claims.clone(),
                    patterns: exception.names.clone(),
                    renames: exception.renames.clone(),
                    to: exception.to,
                });
            }
            let renames = exception.renames.iter().map(|Rename { from, to }| format!("{from} -> {to}"));
            found.shown.push(ExceptionShown {
                serial: record.serial(),
                id: exception.id.clone(),
                effect: exception.effect.as_str(),
                claims: exception.claims.clone(),
                names: exception.names.iter().cloned().chain(renames).collect(),
                to: exception.to,
                any_change: reach(record) == Reach::AnyChange,
                changes: exception.changes.clone(),
                by,
                reason: exception.reason.clone(),
                until: exception.until,
                state,
                why,
            });
        }
        found
    }

    /// Returns the exception by which a claim is not demanded this once.
    pub(super) fn waives(&self, claim: &ClaimName) -> Option<&Taken> {
        self.about(Effect::Waive, claim).next()
    }

    /// Returns the exception by which a claim does not apply.
    pub(super) fn exempts(&self, claim: &ClaimName) -> Option<&Taken> {
        self.about(Effect::Exempt, claim).next()
    }

    /// Returns the exception by which a protected name of a claim may go; one that says how far is about a number.
    pub(super) fn retires(&self, claim: &ClaimName, name: &str) -> Option<&Taken> {
        self.about(Effect::Retire, claim).find(|taken| taken.to.is_none() && taken.names(name))
    }

    /// Returns the exception by which a floor of a claim may fall to a number.
    pub(super) fn lowers(&self, claim: &ClaimName, floor: Floor, number: u64) -> Option<&Taken> {
        let fits = |taken: &&Taken| matches!(taken.far(), Some(Far::Floor(least)) if number >= least);
        self.about(Effect::Retire, claim).filter(fits).find(|taken| taken.writes(floor.as_str()))
    }

    /// Returns the exception by which a ceiling of a claim may rise to a number.
    pub(super) fn raises(&self, claim: &ClaimName, ceiling: Ceiling, number: u64) -> Option<&Taken> {
        let fits = |taken: &&Taken| matches!(taken.far(), Some(Far::Count(most)) if number <= most);
        self.about(Effect::Admit, claim).filter(fits).find(|taken| taken.writes(ceiling.as_str()))
    }

    /// Returns the exceptions by which a measurement of a claim may be worse, each with by how many percent.
    pub(super) fn worsens<'a>(&'a self, claim: &'a ClaimName, name: &'a str) -> impl Iterator<Item = (&'a Taken, u64)> {
        self.about(Effect::Retire, claim).filter(|taken| taken.names(name)).filter_map(|taken| match taken.far() {
            Some(Far::Worse(percent)) => Some((taken, percent)),
            Some(Far::Floor(_) | Far::Count(_)) | None => None,
        })
    }

    /// Returns the names that a protected name of a claim may become, each with the exception that says so.
    pub(super) fn renames<'a>(
        &'a self,
        claim: &'a ClaimName,
        name: &'a str,
    ) -> impl Iterator<Item = (&'a Taken, &'a str)> {
        let all = self.about(Effect::Retire, claim).flat_map(|taken| taken.renames.iter().map(move |it| (taken, it)));
        all.filter(move |(_, rename)| rename.from == name).map(|(taken, rename)| (taken, rename.to.as_str()))
    }

    /// Returns the exception by which a finding of a claim may come in, where so many are there that are called so.
    pub(super) fn admits(&self, claim: &ClaimName, name: &str, count: u64) -> Option<&Taken> {
        let most = |taken: &Taken| taken.to.unwrap_or(ADMITTED);
        self.about(Effect::Admit, claim).find(|taken| count <= most(taken) && taken.names(name))
    }

    fn about(&self, effect: Effect, claim: &ClaimName) -> impl Iterator<Item = &Taken> {
        self.taken.iter().filter(move |taken| taken.effect == effect && taken.claims.contains(claim))
    }

    /// Puts an exception in the place of what a claim lacks, if there is one; else everything stays as it is.
    ///
    /// What was found about the claim goes, but for what says that somebody's record does not hold ([`STAYS`]).
    pub(super) fn stand_in(
        &self,
        claim: &ClaimName,
        state: State,
        found: Vec<Finding>,
    ) -> (State, Option<Excepted>, Vec<Finding>) {
        let all = [(State::Waived, self.waives(claim)), (State::NotApplicable, self.exempts(claim))];
        let all = all.into_iter().filter_map(|(state, taken)| Some((state, taken?)));
        // One that the policy would have refused stands back: so a further exception never makes a verdict worse.
        let stands = all.min_by_key(|(state, taken)| (self.refused.contains(state), taken.serial));
        match stands {
            Some((excepted, taken)) if state != State::Pass || found.iter().any(|one| !STAYS.contains(&one.code)) => {
                let stays = found.into_iter().filter(|finding| STAYS.contains(&finding.code));
                (excepted, Some(Excepted::from(taken)), stays.collect())
            }
            _ => (state, None, found),
        }
    }
}

impl Taken {
    /// Returns whether a pattern of it matches a name. The word of a number with how far it may go is that number's alone.
    fn names(&self, name: &str) -> bool {
        let mut names = self.patterns.iter().filter(|pattern| self.to.is_none() || !is_number(pattern));
        names.any(|pattern| wildcard_matches(pattern, name))
    }

    /// Returns whether it has the word of a number, written out.
    fn writes(&self, word: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern == word)
    }

    /// Returns how far it lets a number go.
    pub(super) fn far(&self) -> Option<Far> {
        Far::of(self.effect, &self.patterns, self.to)
    }
}

impl From<&Taken> for Excepted {
    fn from(taken: &Taken) -> Self {
        Self {
            serial: taken.serial,
            id: taken.id.clone(),
            effect: taken.effect.as_str(),
            by: taken.by.clone(),
            reason: taken.reason.clone(),
            until: taken.until,
        }
    }
}

/// Returns what a verdict admits where an exception stands in for a claim.
pub(super) const fn limitation(state: State) -> Option<&'static str> {
    match state {
        State::Waived => Some(WAIVED),
        State::NotApplicable => Some(NOT_APPLICABLE),
        State::Pass
        | State::Fail
        | State::Inconclusive
        | State::Running
        | State::Lost
        | State::Missing
        | State::Invalid => None,
    }
}

/// Returns the records of the change, and those that are about every change, in the order of the log.
fn of_change<'a>(bench: &Bench<'a>) -> impl Iterator<Item = &'a Logged> {
    let complete = bench.complete;
    let all = complete.of_change().chain(complete.of_list(&crate::merkle::MapText::chain(EVERY_CHANGE)));
    let sorted: BTreeMap<u64, &Logged> = all.map(|record| (record.serial(), record)).collect();
    sorted.into_values()
}

/// Returns whether a record ends an exception: it was over when it was logged.
pub(super) fn is_end(record: &Logged, exception: &Exception) -> bool {
    exception.until <= record.time()
}

fn is_end_of(candidate: &Candidate<'_>) -> bool {
    is_end(candidate.record, candidate.exception)
}

/// An end hurts nobody but who relies on the exception: whoever might allow it where the end was logged, or signed the exception,
/// may end it, whoever they are to the change and whatever became of them.
fn may_end(bench: &Bench<'_>, end: &Logged, exception: &Logged) -> bool {
    let signed: BTreeSet<&Fingerprint> = exception.signers().collect();
    bench.authority.may_at(Act::Allow, end)
        || (bench.authority.may_hurt(end) && end.signers().any(|signer| signed.contains(signer)))
}

/// Returns how far an exception reaches.
fn reach(record: &Logged) -> Reach {
    if record.statement().binding.change.is_none() { Reach::AnyChange } else { Reach::OneChange }
}

/// Returns why the signers of an exception do not help it: not entitled, there or now, or bound to those who implement the change.
fn unsupported(bench: &Bench<'_>, record: &Logged) -> Option<String> {
    let by = bench.named(record);
    if !bench.authority.may_at(Act::Allow, record) {
        return Some(format!("it is signed by {by}, who might not allow it"));
    }
    if !bench.authority.may(Act::Allow, record) {
        return Some(format!("it is signed by {by}, who may allow nothing any more"));
    }
    let Some(implementers) = bench.implementers() else {
        return Some("nobody can say who implements the change".to_owned());
    };
    let bound: BTreeMap<&Fingerprint, String> = record
        .signers()
        .filter_map(|signer| Some((signer, implementers.binds_key(&bench.authority, signer)?)))
        .collect();
    let free: Vec<Fingerprint> = record.signers().filter(|signer| !bound.contains_key(signer)).cloned().collect();
    if !bound.is_empty() && !bench.authority.may_by(Act::Allow, record, &free) {
        let reasons: Vec<String> = bound.into_values().collect();
        return Some(reasons.join("; "));
    }
    None
}

/// Why a pattern does not reach a change: whoever makes a change may call it anything.
const BY_NAME: &str = "it is about changes by their names, and nobody who may plan planned this one";
/// What no exception takes away: that somebody's record says what its report does not, or belongs to no start.
const STAYS: &[Code] = &[Code::FACTS_DIFFER, Code::NOT_MATCHING];
/// So many findings of one name an exception admits that does not say how many.
const ADMITTED: u64 = 1;
/// The limitation that an exception stands in for a requirement.
pub(super) const WAIVED: &str = "waived";
/// The limitation that an exception says that a requirement does not apply.
pub(super) const NOT_APPLICABLE: &str = "not-applicable";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exception_that_the_policy_would_refuse_stands_back() {
        let claim: ClaimName = "build".parse().unwrap();
        let taken = |serial, effect| Taken {
            serial,
            id: "w".parse().unwrap(),
            effect,
            by: Vec::new(),
            reason: String::new(),
            until: Time(9),
            claims: vec![claim.clone()],
            patterns: Vec::new(),
            renames: Vec::new(),
            to: None,
        };
        let stands = |taken: Vec<Taken>, refused: Vec<State>| {
            let exceptions = Exceptions { taken, refused, shown: Vec::new() };
            exceptions.stand_in(&claim, State::Missing, Vec::new()).0
        };
        let both = || vec![taken(1, Effect::Waive), taken(2, Effect::Exempt)];
        assert_eq!(stands(both(), Vec::new()), State::Waived);
        assert_eq!(stands(both(), vec![State::Waived]), State::NotApplicable);
        assert_eq!(stands(both(), vec![State::NotApplicable]), State::Waived);
        assert_eq!(stands(vec![taken(1, Effect::Waive)], vec![State::Waived]), State::Waived);
    }

    #[test]
    fn names_go_and_come_by_their_patterns_and_claims() {
        let claim: ClaimName = "tests".parse().unwrap();
        let taken = |effect| Taken {
            serial: 1,
            id: "n".parse().unwrap(),
            effect,
            by: Vec::new(),
            reason: String::new(),
            until: Time(9),
            claims: vec![claim.clone()],
            patterns: vec!["old > *".to_owned(), "gone".to_owned()],
            renames: Vec::new(),
            to: None,
        };
        let of = |effect| Exceptions { taken: vec![taken(effect)], ..Exceptions::default() };
        let (retire, admit) = (of(Effect::Retire), of(Effect::Admit));
        for name in ["old > a", "gone"] {
            assert!(retire.retires(&claim, name).is_some() && retire.admits(&claim, name, 1).is_none());
            assert!(admit.admits(&claim, name, 1).is_some() && admit.retires(&claim, name).is_none());
        }
        assert!(retire.retires(&claim, "new > a").is_none());
        assert!(retire.retires(&"others".parse().unwrap(), "gone").is_none());
        assert!(retire.waives(&claim).is_none() && retire.exempts(&claim).is_none());
    }

    #[test]
    fn number_goes_as_far_as_is_signed_and_by_its_word_alone() {
        let claim: ClaimName = "tests".parse().unwrap();
        let of = |effect, names: &[&str], to| {
            let taken = Taken {
                serial: 1,
                id: "n".parse().unwrap(),
                effect,
                by: Vec::new(),
                reason: String::new(),
                until: Time(9),
                claims: vec![claim.clone()],
                patterns: names.iter().map(|name| (*name).to_owned()).collect(),
                renames: Vec::new(),
                to,
            };
            Exceptions { taken: vec![taken], ..Exceptions::default() }
        };
        let lowers = |names: &[&str], to, number| {
            of(Effect::Retire, names, to).lowers(&claim, Floor::Coverage, number).is_some()
        };
        assert!(lowers(&["coverage"], Some(8_900), 8_900) && lowers(&["coverage", "mutation"], Some(8_900), 9_000));
        assert!(!lowers(&["coverage"], Some(8_900), 8_899) && !lowers(&["coverage"], None, 8_999));
        assert!(!lowers(&["*"], Some(0), 8_999) && !lowers(&["coverage", "parse"], Some(0), 8_999));
        let raises = |names: &[&str], to, number| {
            of(Effect::Admit, names, to).raises(&claim, Ceiling::Skipped, number).is_some()
        };
        assert!(raises(&["skipped"], Some(5), 5) && !raises(&["skipped"], Some(5), 6));
        assert!(!raises(&["skipped"], None, 1) && !raises(&["*"], Some(5), 1) && !raises(&["flaky"], Some(5), 1));
        // What says how far is about numbers: no name goes by it, and the word of a number is no measurement and no finding.
        assert!(of(Effect::Retire, &["*"], Some(5)).retires(&claim, "a").is_none());
        let worsens = |names: &[&str], to, name| of(Effect::Retire, names, to).worsens(&claim, name).next().is_some();
        assert!(worsens(&["par*"], Some(5), "parse") && !worsens(&["par*"], None, "parse"));
        assert!(!worsens(&["coverage"], Some(5), "coverage") && !worsens(&["coverage", "parse"], Some(5), "parse"));
        let admits =
            |names: &[&str], to, count| of(Effect::Admit, names, to).admits(&claim, "skipped", count).is_some();
        assert!(admits(&["skipped"], None, 1) && admits(&["skip*"], Some(3), 3));
        assert!(!admits(&["skip*"], None, 2) && !admits(&["skip*"], Some(3), 4) && !admits(&["skipped"], Some(3), 1));
    }

    #[test]
    fn what_says_that_a_record_does_not_hold_is_not_waived() {
        let claim: ClaimName = "build".parse().unwrap();
        let taken = Taken {
            serial: 7,
            id: "w".parse().unwrap(),
            effect: Effect::Waive,
            by: vec!["ana".to_owned()],
            reason: "r".to_owned(),
            until: Time(9),
            claims: vec![claim.clone()],
            renames: Vec::new(),
            patterns: Vec::new(),
            to: None,
        };
        let exceptions = Exceptions { taken: vec![taken], ..Exceptions::default() };
        let finding = |code| Finding::new(code, "build", "x", "y");
        let found = vec![finding(Code::FAILED), finding(Code::FACTS_DIFFER), finding(Code::NOT_MATCHING)];
        let (state, excepted, left) = exceptions.stand_in(&claim, State::Fail, found.clone());
        assert_eq!((state, excepted.map(|it| it.serial)), (State::Waived, Some(7)));
        assert_eq!(left, found[1..]);
        let (state, excepted, left) = exceptions.stand_in(&"other".parse().unwrap(), State::Fail, found.clone());
        assert_eq!((state, excepted, left), (State::Fail, None, found.clone()));
        // What is shown needs no exception.
        assert_eq!(exceptions.stand_in(&claim, State::Pass, Vec::new()), (State::Pass, None, Vec::new()));
        let lies = found[1..].to_vec();
        assert_eq!(exceptions.stand_in(&claim, State::Pass, lies.clone()), (State::Pass, None, lies));
    }
}
