//! The bench: what every rule sees of a judgement, and the questions that several rules ask of it.

use std::collections::BTreeSet;

use super::authority::{Authority, Known, Who};
use super::branch::Ground;
use super::code::Code;
use super::exceptions::Exceptions;
use super::independence::{self, Implementers};
use super::judge::Ruled;
use super::plan::Plans;
use super::recheck::Rechecked;
use super::verdict::{Finding, Limitation, State};
use crate::model::{ClaimName, GitFacts, IMPLEMENTER, Outcome, Predicate, PrincipalId, Role, Time};
use crate::policy::{Act, Claim, Exceptions as Rules, Independence, Moment, Policy};
use crate::prove::{Change, Complete, Logged};
use crate::reports::CaseOutcome;

/// What the rules see.
pub(super) struct Bench<'a> {
    pub(super) complete: &'a Complete<Change>,
    pub(super) authority: Authority<'a>,
    pub(super) rechecked: &'a Rechecked,
    pub(super) git: Option<&'a GitFacts>,
    pub(super) now: Time,
    /// The exceptions, as the policy at hand takes them.
    pub(super) exceptions: Exceptions,
    /// What the branch protects where the change starts.
    pub(super) ground: Ground<'a>,
    /// The policy at hand.
    pub(super) policy: Option<&'a Policy>,
    pub(super) implementers: Option<Implementers>,
    pub(super) independence: Independence,
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        complete: &'a Complete<Change>,
        authority: Authority<'a>,
        rechecked: &'a Rechecked,
        git: &'a GitFacts,
        now: Time,
    ) -> Self {
        let independence = Independence::Require;
        Self {
            complete,
            authority,
            rechecked,
            git: Some(git),
            now,
            exceptions: Exceptions::default(),
            ground: Ground::NotAsked,
            policy: None,
            implementers: None,
            independence,
        }
    }

    /// Returns who implements the change, once it is known.
    pub(super) const fn implementers(&self) -> Option<&Implementers> {
        self.implementers.as_ref()
    }

    /// Returns a role that may allow exceptions, if the policy at hand gives that to any.
    fn may_allow(&self) -> Option<&str> {
        let entitled = self.policy.and_then(|policy| policy.may(Act::Allow));
        entitled.and_then(|entitled| entitled.roles.first()).map(Role::as_str)
    }

    /// Adds to a finding the command that lets a name go or come, as it can be run, and who may: with an end where the policy at hand does
    /// not say how long an exception may last. What no terminal shows of the name is any run of characters.
    pub(super) fn mended_by_leave(
        &self,
        finding: Finding,
        effect: &str,
        claim: &ClaimName,
        name: &str,
        to: Option<&str>,
    ) -> Finding {
        let pattern: String = name.chars().map(|letter| if letter.is_control() { '*' } else { letter }).collect();
        let mut words = vec!["evidence", "allow", effect, claim.as_str(), "--name", &pattern];
        words.extend(to.into_iter().flat_map(|to| ["--to", to]));
        words.extend(["--reason", "WHY"]);
        if self.policy.is_none_or(|policy| policy.exceptions().longest.is_none()) {
            words.extend(["--until", Rules::UNTIL_SHOWN]);
        }
        finding.mended_by(&words, self.may_allow())
    }

    /// Returns the first claim of the policy at hand that shows tests.
    pub(super) fn shows_tests(&self) -> Option<(&ClaimName, &Claim)> {
        self.policy?.claims().iter().find(|(_, claim)| claim.tests.is_some())
    }

    /// Returns the names of the tests that pass, one a line: of results on the judged tree that count for their claims; and the texts
    /// of the criteria of plans that count: an open criterion refuses by itself.
    pub(super) fn told_tests(&self) -> String {
        let plans = Plans::of(self.complete);
        let criteria = plans.entitled(&self.authority).flat_map(|(_, plan)| &plan.criteria);
        let mut told: String = criteria.map(|criterion| format!("{}\n", criterion.text)).collect();
        let results = self
            .complete
            .of_change()
            .filter(|record| record.statement().tree() == Some(&self.complete.subject().tree) && self.helps(record));
        let runs = results.filter_map(|record| match &record.statement().predicate {
            Predicate::Result(run) => Some((record.serial(), run)),
            _ => None,
        });
        let reports = runs.flat_map(|(serial, run)| {
            run.facts.iter().filter_map(move |read| self.rechecked.report(serial, &read.material))
        });
        for case in reports.flat_map(|report| &report.cases) {
            if matches!(case.outcome, CaseOutcome::Passed | CaseOutcome::Flaky) {
                told.push_str(&case.shown());
                told.push('\n');
            }
        }
        told
    }

    /// Returns whether a passing result is by somebody entitled to show its claim.
    fn helps(&self, record: &Logged) -> bool {
        let Predicate::Result(run) = &record.statement().predicate else { return false };
        let claim = self.policy.and_then(|policy| policy.claim(&run.claim));
        run.outcome == Outcome::Pass
            && claim.is_some_and(|claim| !self.authority.supporters(record, &claim.by).is_empty())
    }

    /// Returns who signed a record, for people.
    pub(super) fn named(&self, record: &Logged) -> String {
        let who = self.authority.behind(record);
        let names: Vec<String> = who
            .iter()
            .map(|who| match who {
                Who::Principal(id) => id.to_string(),
                Who::Root(key) => format!("the root {key}"),
            })
            .collect();
        if names.is_empty() { "a key without grant".to_owned() } else { names.join(" and ") }
    }

    /// Returns whether an attempt for anything but what the plan demands first began before a record.
    pub(super) fn started_before(&self, serial: u64, claim: &Claim) -> bool {
        debug_assert_eq!(claim.at, Moment::Plan);
        let policy = self.complete.of_change().next().and_then(|first| self.authority.policy_at(first.serial()));
        self.complete.of_change().take_while(|record| record.serial() < serial).any(|record| {
            match &record.statement().predicate {
                Predicate::Start(start) => {
                    let at = policy.and_then(|(_, policy)| policy.claim(&start.claim)).map(|claim| claim.at);
                    at != Some(Moment::Plan)
                }
                _ => false,
            }
        })
    }

    /// Returns why somebody is not independent of the implementers: a limitation where the policy only records it, else an error.
    pub(super) fn bound_to_implement(&self, known: &Known) -> Result<Option<String>, String> {
        let of: Role = IMPLEMENTER.parse().expect("it is an id");
        let reason =
            self.implementers.as_ref().and_then(|implementers| independence::binds(self, implementers, &of, known));
        match (reason, self.independence) {
            (Some(reason), Independence::Require) => Err(reason),
            (reason, _) => Ok(reason),
        }
    }

    /// Checks that enough distinct, entitled and independent principals stand behind all of these records together.
    pub(super) fn support(&self, thing: &str, claim: &Claim, records: &[&Logged], ruled: &mut Ruled) -> Vec<Finding> {
        let mut supporters: Option<Vec<&Known>> = None;
        for record in records {
            let of = self.authority.supporters(record, &claim.by);
            supporters = Some(match supporters {
                None => of,
                Some(before) => before
                    .into_iter()
                    .filter(|known| of.iter().any(|other| other.grant.principal == known.grant.principal))
                    .collect(),
            });
        }
        self.enough(thing, claim, records, &supporters.unwrap_or_default(), ruled)
    }

    /// Checks that enough distinct, entitled and independent principals stand behind any of these records.
    pub(super) fn support_of_any(
        &self,
        thing: &str,
        claim: &Claim,
        records: &[&Logged],
        ruled: &mut Ruled,
    ) -> Vec<Finding> {
        let supporters: Vec<&Known> =
            records.iter().flat_map(|record| self.authority.supporters(record, &claim.by)).collect();
        self.enough(thing, claim, records, &supporters, ruled)
    }

    fn enough(
        &self,
        thing: &str,
        claim: &Claim,
        records: &[&Logged],
        supporters: &[&Known],
        ruled: &mut Ruled,
    ) -> Vec<Finding> {
        let mut bound = Vec::new();
        let mut independent: Vec<&Known> = Vec::new();
        for &known in supporters {
            let reason = self.implementers.as_ref().and_then(|implementers| {
                claim.independent_of.iter().find_map(|of| independence::binds(self, implementers, of, known))
            });
            match (reason, self.independence) {
                (None, _) => {
                    independent.push(known);
                }
                (Some(reason), Independence::Record) => {
                    ruled.limitations.push(Limitation { name: "not-independent", text: format!("{thing}: {reason}") });
                    independent.push(known);
                }
                (Some(reason), Independence::Require) => bound.push(reason),
            }
        }
        let wanted = claim.principals_min.get();
        // Whoever leases keys out does not become several.
        let stands = |known: &&Known| match (&known.grant.leased_by, &known.grant.owner) {
            (Some(_), Some(owner)) => owner.clone(),
            _ => known.grant.principal.clone(),
        };
        let distinct: BTreeSet<PrincipalId> = independent.iter().map(stands).collect();
        let found = u64::try_from(distinct.len()).unwrap_or(u64::MAX);
        ruled.principals.extend(independent.into_iter().map(|known| known.grant.principal.clone()));
        if found >= wanted {
            return Vec::new();
        }
        ruled.worsen(State::Invalid);
        let serials: Vec<String> = records.iter().map(|record| record.serial().to_string()).collect();
        let on = format!("record {}", serials.join(" and "));
        let finding = if supporters.is_empty() {
            let signers: Vec<String> = records.iter().map(|record| self.named(record)).collect();
            let found = format!("{on} is signed by {}", signers.first().map_or("nobody", String::as_str));
            Finding::new(Code::NOT_ENTITLED, thing, found, format!("a signer with the role {}", claim.by))
        } else if found == 0 {
            let wanted = claim.independent_of.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" and ");
            Finding::new(
                Code::NOT_INDEPENDENT,
                thing,
                format!("{on}: {}", bound.join("; ")),
                format!("somebody independent of {wanted}"),
            )
        } else {
            Finding::new(
                Code::TOO_FEW,
                thing,
                format!("{found} stand behind it"),
                format!("{wanted} distinct principals"),
            )
        };
        vec![finding]
    }
}
