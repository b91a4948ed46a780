//! What a policy asks of a change, and why, in words: for people, and never decisive.

use std::fmt;

use crate::model::{ClaimName, Criterion, CriterionId, Id, Role, Shard, TierName};

use super::{
    Asserted, AttachmentLimits, Base, BaselineRule, BoundTo, CeilingRule, Claim, CoverageLimits, Differential,
    Exceptions, FindingLimits, FloorRule, Form, MaterialsRule, MeasurementLimits, Moment, MutationLimits, NameLimits,
    PathFloor, Policy, Reach, Surface, TestKind, TestLimits, Trailer, Waivable,
};

/// What a policy asks of a change that is planned for some tier and touches some paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The planned tier.
    pub planned: TierName,
    /// The tier that counts.
    pub effective: TierName,
    /// What raised it.
    pub raised_by: Option<Reason>,
    /// Each required claim once.
    pub claims: Vec<Asked>,
    /// The claims that are recommended and nothing requires.
    pub recommended: Vec<ClaimName>,
    /// What is asked of the change as a whole.
    pub also: Vec<String>,
}

/// A claim that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The claim.
    pub claim: ClaimName,
    /// Everything that requires it; never empty.
    pub why: Vec<Reason>,
    /// When it is due.
    pub at: Moment,
    /// Whether runs or reviews show it.
    pub form: Form,
    /// The role that may show it.
    pub by: Role,
    /// Its limits in words, one a line; never empty.
    pub limits: Vec<String>,
    /// What shows it: program and arguments, one command a variant.
    pub commands: Vec<Vec<String>>,
}

/// Why something is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The tier that counts, or one below it.
    Tier(TierName),
    /// A rule, for a path that the change touches.
    When {
        /// The rule, from 1.
        rule: usize,
        /// Its pattern.
        pattern: String,
        /// The first path that matches.
        path: String,
    },
    /// A criterion of the plan.
    Criterion(CriterionId),
}

impl fmt::Display for Reason {
    /// Writes `tier high`, or `[[when]] rule 2: src/pay.rs matches src/**`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tier(name) => write!(f, "tier {name}"),
            Self::When { rule, pattern, path } => write!(f, "[[when]] rule {rule}: {path} matches {pattern}"),
            Self::Criterion(id) => write!(f, "criterion {id}"),
        }
    }
}

impl Policy {
    /// Returns what this policy asks of a change that is planned for `tier` and touches these paths, and why.
    ///
    /// If the policy has no such tier, returns `None`.
    #[must_use]
    pub fn explain<P: AsRef<[u8]>>(&self, tier: &TierName, touched: &[P]) -> Option<Explained> {
        let required = self.requirements(tier, touched)?;
        let hits: Vec<Option<Reason>> = (0..self.whens.len()).map(|rule| self.hit(rule, touched)).collect();
        let tiers = self.tiers_upto(&required.tier)?;
        let why = |claim: &ClaimName| -> Vec<Reason> {
            let of_tiers = tiers.iter().filter(|tier| tier.require.contains(claim));
            let of_rules = self.whens.iter().zip(&hits).filter(|(rule, _)| rule.require.contains(claim));
            let of_rules = of_rules.filter_map(|(_, hit)| hit.clone());
            of_tiers.map(|tier| Reason::Tier(tier.name.clone())).chain(of_rules).collect()
        };
        let asked = required.claims.iter().filter_map(|it| self.asked(&it.claim, why(&it.claim)));
        let mut also = Vec::new();
        if required.trailer == Trailer::EveryCommit {
            also.push("every commit names the plan: git commit --trailer \"$(evidence plan --trailer)\"".to_owned());
        }
        if required.base == Base::Newest {
            also.push("its base is the branch's newest merge".to_owned());
        }
        if !required.plan.is_empty() {
            let parts: Vec<&str> = required.plan.iter().map(|part| part.as_str()).collect();
            also.push(format!("its plan says: {}", parts.join(", ")));
        }
        if let Some(span) = self.plan_valid_for() {
            also.push(format!("its first plan is not older than {span}"));
        }
        if self.rego().is_some() {
            also.push("the policy's Rego denies nothing: evidence policy show --rego".to_owned());
        }
        if *self.exceptions() != Exceptions::default() {
            let Exceptions { effects, longest: _, at_once, reach } = self.exceptions();
            let kinds: Vec<&str> = effects.iter().map(|effect| effect.as_str()).collect();
            let reach = if *reach == Reach::AnyChange { ", or about every change" } else { "" };
            let (longest, kinds) = (self.exceptions().longest(), kinds.join(", "));
            also.push(format!("exceptions that {kinds}, at most {at_once} at once and {longest} long{reach}"));
        }
        if let Some(MaterialsRule { store, inline_max }) = self.materials() {
            also.push(format!("over a git remote, reports and outputs of more than {inline_max} lie in {store}"));
        }
        also.extend(
            self.refuse_limitations().iter().map(|name| format!("its verdict is without the limitation {name}")),
        );
        Some(Explained {
            planned: tier.clone(),
            effective: required.tier.clone(),
            raised_by: required.raised_by.and_then(|rule| hits.get(rule).cloned().flatten()),
            claims: asked.collect(),
            recommended: required.recommended,
            also,
        })
    }

    fn asked(&self, name: &ClaimName, why: Vec<Reason>) -> Option<Asked> {
        let claim = self.claim(name)?;
        Some(Asked {
            claim: name.clone(),
            why,
            at: claim.at,
            form: claim.form,
            by: claim.by.clone(),
            limits: claim.in_words(),
            commands: claim.commands(name),
        })
    }

    /// Adds the claims that criteria of the plan list, and that they do.
    pub fn explain_criteria(&self, explained: &mut Explained, criteria: &[Criterion]) {
        for criterion in criteria {
            for name in &criterion.claims {
                let why = Reason::Criterion(criterion.id.clone());
                match explained.claims.iter_mut().find(|asked| asked.claim == *name) {
                    Some(asked) => asked.why.push(why),
                    None => explained.claims.extend(self.asked(name, vec![why])),
                }
                explained.recommended.retain(|recommended| recommended != name);
            }
        }
    }

    fn hit<P: AsRef<[u8]>>(&self, rule: usize, touched: &[P]) -> Option<Reason> {
        let paths = &self.whens[rule].paths;
        touched.iter().map(AsRef::as_ref).find_map(|path| {
            let pattern = paths.matching(path)?.to_owned();
            Some(Reason::When { rule: rule + 1, pattern, path: String::from_utf8_lossy(path).into_owned() })
        })
    }
}

impl Differential {
    /// Returns its patterns, or `true` where it has none.
    #[must_use]
    pub fn in_words(&self) -> String {
        self.paths.as_ref().map_or_else(|| "true".to_owned(), |paths| paths.patterns().join(", "))
    }
}

impl TestKind {
    /// Returns its patterns in words, such as `names *accepts*; reports *.pos.xml`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Self { names, suites, reports, properties, passed_min: _ } = self;
        let lists = [("names", names), ("suites", suites), ("reports", reports), ("properties", properties)];
        let lists = lists.into_iter().filter(|(_, list)| !list.patterns().is_empty());
        lists.map(|(what, list)| format!("{what} {}", list.patterns().join(", "))).collect::<Vec<_>>().join("; ")
    }
}

impl Claim {
    /// Returns the limits of this claim in words, one a line; never empty.
    #[must_use]
    pub fn in_words(&self) -> Vec<String> {
        let mut words = vec![match (self.form, self.principals_min.get()) {
            (Form::Run, _) => "the newest attempt passes".to_owned(),
            (Form::Review, 1) => "somebody says that it is fit, and nobody that it is not".to_owned(),
            (Form::Review, least) => format!("{least} say that it is fit, and nobody that it is not"),
        }];
        // Without `..`: a new limit must be put into words.
        let Self {
            family: _,
            by: _,
            form: _,
            at,
            bound_to,
            tests,
            coverage,
            findings,
            names: surface,
            measurements,
            mutation,
            attachments,
            variants,
            attempts_max,
            age_max,
            independent_of,
            principals_min: _,
            waivable,
            asserted,
        } = self;
        let least = |limit: Option<u64>, what: &str| limit.map(|limit| format!("at least {limit} {what}"));
        let most = |limit: Option<u64>, what: &str| {
            limit.map(|limit| if limit == 0 { format!("no {what}") } else { format!("at most {limit} {what}") })
        };
        let no_more = |rule: Option<CeilingRule>, what: &str| {
            rule.map(|CeilingRule::Ceiling| format!("no more {what} than were merged"))
        };
        if let Some(TestLimits {
            passed_min,
            failed_max,
            skipped_max,
            flaky_max,
            skipped,
            flaky,
            baseline,
            differential,
            positive,
            negative,
        }) = tests
        {
            words.extend(least(*passed_min, "tests that pass"));
            words.extend(most(*failed_max, "tests that fail"));
            words.extend(most(*skipped_max, "skipped tests"));
            words.extend(most(*flaky_max, "flaky tests"));
            words.extend(no_more(*skipped, "skipped tests"));
            words.extend(no_more(*flaky, "flaky tests"));
            for (kind, what) in [(positive, "positive"), (negative, "negative")] {
                let Some(kind) = kind else { continue };
                let least = kind.passed_min;
                words.push(format!("at least {least} {what} tests, and each of them passes: {}", kind.in_words()));
            }
            words.extend(
                baseline
                    .map(|BaselineRule::Keep| "each test that passed in the baseline is there and passes".to_owned()),
            );
            if let Some(Differential { paths }) = differential {
                let from = match paths {
                    Some(paths) => format!(" of {}", paths.patterns().join(", ")),
                    None => String::new(),
                };
                words.push(format!("tests that the change adds, and files{from} that it changes, fail on the base"));
            }
        }
        if let Some(CoverageLimits { total_min, changed_lines_min, changed_lines_except, baseline, paths, excluded }) =
            coverage
        {
            for PathFloor { paths, min } in paths {
                words.push(format!("at least {min} percent of the lines of {} covered", paths.patterns().join(", ")));
            }
            words.extend(least(*total_min, "percent of all lines covered"));
            words.extend(least(*changed_lines_min, "percent of the changed lines covered"));
            if let Some(paths) = changed_lines_except {
                words.push(format!("those of {} left out", paths.patterns().join(", ")));
            }
            words.extend(
                baseline.map(|FloorRule::Floor| "no smaller part of all lines covered than was merged".to_owned()),
            );
            words.extend(no_more(*excluded, "lines excluded in the tool"));
        }
        if let Some(FindingLimits {
            critical_max,
            high_max,
            medium_max,
            low_max,
            new_max,
            suppressed_max,
            suppressed,
        }) = findings
        {
            words.extend(most(*critical_max, "critical findings"));
            words.extend(most(*high_max, "findings that are high, critical or of unknown severity"));
            words.extend(most(*medium_max, "medium findings"));
            words.extend(most(*low_max, "low findings"));
            words.extend(most(*new_max, "findings that the baseline has not"));
            words.extend(most(*suppressed_max, "findings silenced in the tool"));
            words.extend(no_more(*suppressed, "findings silenced in the tool"));
        }
        if let Some(NameLimits { baseline, new_max, surface }) = surface {
            words.extend(baseline.map(|BaselineRule::Keep| "each name of the baseline is there".to_owned()));
            words.extend(most(*new_max, "names that the baseline has not"));
            words.extend(
                surface.map(|Surface::Tested| "each name that joins is named by a test that passes".to_owned()),
            );
        }
        if let Some(MeasurementLimits { tolerance, baseline: _ }) = measurements {
            words.push(format!("each measurement of the baseline is there and not {tolerance} percent worse"));
        }
        if let Some(MutationLimits {
            score_min,
            changed_score_min,
            changed_score_except,
            survived_max,
            baseline,
            timed_out,
            left_out,
        }) = mutation
        {
            words.extend(least(*score_min, "percent of the mutants noticed"));
            words.extend(least(*changed_score_min, "percent of the mutants on changed lines noticed"));
            if let Some(paths) = changed_score_except {
                words.push(format!("lines of {} left out", paths.patterns().join(", ")));
            }
            words.extend(most(*survived_max, "mutants that no test notices"));
            words.extend(
                baseline.map(|FloorRule::Floor| "no smaller part of the mutants noticed than was merged".to_owned()),
            );
            words.extend(no_more(*timed_out, "mutants noticed by time alone"));
            words.extend(no_more(*left_out, "mutants left out"));
        }
        if let Some(AttachmentLimits { min, kinds, baseline, reviewed_by }) = attachments {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
            let of = if kinds.is_empty() { String::new() } else { format!(" of kind {}", kinds.join(" or ")) };
            words.push(format!("at least {min} attached{of}"));
            let as_it_was = if reviewed_by.is_none() { ", as it was" } else { "" };
            words
                .extend(baseline.map(|BaselineRule::Keep| format!("each picture of the baseline is there{as_it_was}")));
            if let Some(claim) = reviewed_by {
                words.push(format!("each picture that is new seen and passed by a review of {claim}"));
            }
        }
        if !variants.is_empty() {
            words.push(format!("in each variant: {}", names(variants)));
        }
        words.extend(attempts_max.map(|max| format!("at most {max} attempts on one tree")));
        words.extend(age_max.map(|max| format!("not older than {max}")));
        words.push(match (at, bound_to) {
            (Moment::Plan, _) => "shown before the first attempt of anything else".to_owned(),
            (_, BoundTo::Commit) => "about exactly this commit".to_owned(),
            (_, BoundTo::Tree) => "about this commit, or one with the same tree".to_owned(),
        });
        if !independent_of.is_empty() {
            words.push(format!("by somebody independent of {}", names(independent_of)));
        }
        if *waivable == Waivable::No {
            words.push("no exception stands in for it".to_owned());
        }
        if *asserted == Asserted::Allow {
            words.push("reports that are not there any more count as stated".to_owned());
        }
        words
    }

    /// Returns what shows this claim, one command a variant.
    fn commands(&self, name: &ClaimName) -> Vec<Vec<String>> {
        if self.form == Form::Review {
            return vec![words(&["evidence", "review", name.as_str(), "--verdict", "pass"])];
        }
        match self.variants.is_empty() {
            true => vec![self.run_command(name, None, None)],
            false => self.variants.iter().map(|variant| self.run_command(name, Some(variant), None)).collect(),
        }
    }

    /// Returns the command of an attempt, with `FILE` and `CMD` to fill in: with a report where the policy limits its numbers.
    pub(crate) fn run_command(&self, name: &ClaimName, variant: Option<&Id>, shard: Option<Shard>) -> Vec<String> {
        let needs_report = self.tests.is_some()
            || self.coverage.is_some()
            || self.findings.is_some()
            || self.names.is_some()
            || self.measurements.is_some()
            || self.mutation.is_some();
        let mut command = words(&["evidence", "attest", name.as_str()]);
        command.extend(variant.iter().flat_map(|name| words(&["--variant", name.as_str()])));
        if let Some(shard) = shard.filter(|shard| *shard != Shard::WHOLE) {
            command.extend(words(&["--shard", &shard.to_string()]));
        }
        command.extend(needs_report.then(|| words(&["--report", "FILE"])).into_iter().flatten());
        command.extend(self.attachments.iter().flat_map(|_| words(&["--attach", "NAME=FILE"])));
        command.extend(self.differential().iter().flat_map(|wanted| match wanted.paths {
            Some(_) => words(&["--on-base"]),
            None => words(&["--on-base", "--tests", "GLOB"]),
        }));
        command.extend(words(&["--", "CMD"]));
        command
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn names(ids: &[Id]) -> String {
    ids.iter().map(Id::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
version = 1
plan_valid_for = "30d"
[claim]
unit = { family = "functionality", by = "ci", tests = { passed_min = 2, failed_max = 0 }, variants = ["x", "y"] }
review = { family = "process", by = "reviewer", form = "review", independent_of = ["implementer"], principals_min = 2 }
[tier]
low = { require = ["unit"], recommend = ["review"] }
high = { require = ["review"], trailer = true }
[[when]]
paths = ["doc/**", "pay/**"]
tier = "high"
require = ["review"]
"#;

    fn explained(touched: &[&str]) -> Explained {
        Policy::parse(TEXT).unwrap().explain(&"low".parse().unwrap(), touched).unwrap()
    }

    #[test]
    fn touched_path_is_told_as_the_reason() {
        let explained = explained(&["src/a.rs", "pay/a.rs", "pay/b.rs"]);
        let rule = "[[when]] rule 1: pay/a.rs matches pay/**";
        assert_eq!((explained.effective.as_str(), explained.raised_by.unwrap().to_string().as_str()), ("high", rule));
        let why: Vec<String> = explained.claims[1].why.iter().map(ToString::to_string).collect();
        assert_eq!(why, ["tier high", rule]);
        assert_eq!(explained.also.len(), 2);
    }

    #[test]
    fn path_that_matches_nothing_is_no_reason() {
        let explained = explained(&["src/a.rs", "payments/a.rs"]);
        assert_eq!((explained.effective.as_str(), explained.raised_by), ("low", None));
        assert_eq!(explained.claims.len(), 1);
        assert_eq!(explained.recommended, ["review".parse().unwrap()]);
        assert_eq!(explained.also, ["its first plan is not older than 30d"]);
    }

    #[test]
    fn limits_and_commands_are_words() {
        let high = explained(&["pay/a.rs"]);
        assert_eq!(
            high.claims[0].limits,
            [
                "the newest attempt passes",
                "at least 2 tests that pass",
                "no tests that fail",
                "in each variant: x, y",
                "about this commit, or one with the same tree"
            ]
        );
        let commands: Vec<String> = high.claims[0].commands.iter().map(|words| words.join(" ")).collect();
        assert_eq!(commands[1], "evidence attest unit --variant y --report FILE -- CMD");
        assert_eq!(high.claims[1].limits[0], "2 say that it is fit, and nobody that it is not");
        assert_eq!(high.claims[1].commands[0].join(" "), "evidence review review --verdict pass");
    }
}
