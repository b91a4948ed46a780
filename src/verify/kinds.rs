//! The rule of kinds of tests: those that show that the right thing is done, and those that show that the wrong thing is not.
//!
//! A case is of a kind if any of the kind's patterns matches: its name, one of its suites (the suite path, the file or the class), the
//! name of the report that it stands in, or a property `name=value`. Each kind has a floor of its own, at least one, and every case
//! of it has to pass; a skipped one has not. A case of both kinds counts for neither and refuses: the patterns must tell them apart.
//!
//! Cases are counted by identity, once in whatever many reports. One reader spells the same test otherwise than another, so the
//! floor is held against the reader that shows most, and not against the sum: a test in the output and in a report is one test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::changed::few;
use super::code::Code;
use super::verdict::Finding;
use crate::model::{ClaimName, Digest};
use crate::policy::{TestKind, TestLimits};
use crate::reports::{Case, CaseOutcome, Report, shown};

/// A report with cases, and the name under which it was given.
pub(super) struct Given {
    pub(super) name: String,
    pub(super) report: Arc<Report>,
}

/// What reports show of the kinds of tests that a claim demands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    positive: Option<Shown>,
    negative: Option<Shown>,
    both: BTreeSet<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Shown {
    /// By reader, the cases that passed, with their names for people.
    passed: BTreeMap<String, BTreeMap<Digest, String>>,
    /// The cases that did not, for people.
    others: BTreeSet<String>,
}

impl Kinds {
    /// Tells what reports show. None if the claim demands no kind.
    pub(super) fn tell(limits: &TestLimits, given: &[Given]) -> Option<Self> {
        let (positive, negative) = (limits.positive.as_ref(), limits.negative.as_ref());
        if positive.is_none() && negative.is_none() {
            return None;
        }
        let mut told = Self {
            positive: positive.map(|_| Shown::default()),
            negative: negative.map(|_| Shown::default()),
            ..Self::default()
        };
        for Given { name, report } in given {
            for case in &report.cases {
                let is = |kind: Option<&TestKind>| kind.is_some_and(|kind| is_of(kind, name, case));
                match (is(positive), is(negative)) {
                    (true, true) => drop(told.both.insert(called(case))),
                    (true, false) => told.positive.get_or_insert_default().add(report, case),
                    (false, true) => told.negative.get_or_insert_default().add(report, case),
                    (false, false) => {}
                }
            }
        }
        Some(told)
    }

    /// Returns one line for people.
    pub(super) fn shown(&self) -> String {
        let part = |shown: &Option<Shown>, what: &str| shown.as_ref().map(|it| format!("{} {what}", it.count()));
        let parts: Vec<String> =
            [part(&self.positive, "positive"), part(&self.negative, "negative")].into_iter().flatten().collect();
        format!("{} pass", parts.join(", "))
    }

    /// Holds what is told against the limits.
    pub(super) fn check(&self, name: &ClaimName, limits: &TestLimits, findings: &mut Vec<Finding>) {
        if let Some(first) = self.both.first() {
            let found = format!("of both kinds at once: {}, such as {first}", tests(self.both.len()));
            findings.push(Finding::new(Code::TEST_KIND_LIMIT, name.as_str(), found, "patterns that tell them apart"));
        }
        for (shown, kind, what) in
            [(&self.positive, &limits.positive, "positive"), (&self.negative, &limits.negative, "negative")]
        {
            let (Some(shown), Some(kind)) = (shown, kind) else { continue };
            let (count, least) = (shown.count(), kind.passed_min);
            if count < least {
                let found =
                    if count == 1 { format!("1 {what} test passes") } else { format!("{count} {what} tests pass") };
                let found = found + &shown.names();
                findings.push(Finding::new(Code::TEST_KIND_LIMIT, name.as_str(), found, format!("at least {least}")));
            }
            if let Some(first) = shown.others.first() {
                let found = format!("{} of the {what} kind did not pass: {first}", tests(shown.others.len()));
                findings.push(Finding::new(Code::TEST_KIND_LIMIT, name.as_str(), found, "each of them passes"));
            }
        }
    }
}

impl Shown {
    fn add(&mut self, report: &Report, case: &Case) {
        match case.outcome {
            CaseOutcome::Passed | CaseOutcome::Flaky => {
                self.passed.entry(report.facts.reader.clone()).or_default().insert(case.identity, called(case));
            }
            CaseOutcome::Failed | CaseOutcome::Unknown | CaseOutcome::Skipped => {
                self.others.insert(format!("{} ({})", called(case), case.outcome.word()));
            }
        }
    }

    fn count(&self) -> u64 {
        let most = self.passed.values().map(BTreeMap::len).max().unwrap_or(0);
        u64::try_from(most).unwrap_or(u64::MAX)
    }

    /// Returns the names of the cases that were counted, the first few of them, behind a colon.
    fn names(&self) -> String {
        let most = self.passed.values().max_by_key(|cases| cases.len());
        let names: BTreeSet<&String> = most.into_iter().flat_map(BTreeMap::values).collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        if names.is_empty() { String::new() } else { format!(": {}", few(&names, NAMES_SHOWN_MAX, ", ")) }
    }
}

fn is_of(kind: &TestKind, report: &str, case: &Case) -> bool {
    let TestKind { names, suites, reports, properties, passed_min: _ } = kind;
    names.matches(&case.name)
        || [&case.suite, &case.file, &case.class].into_iter().any(|suite| !suite.is_empty() && suites.matches(suite))
        || reports.matches(report)
        || (!properties.patterns().is_empty() && case.properties.iter().any(|property| properties.matches(property)))
}

fn called(case: &Case) -> String {
    let parts = [&case.suite, &case.file, &case.class, &case.name];
    let parts: Vec<&str> = parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    shown(&parts.join(" > "), NAME_CHARS_MAX)
}

fn tests(count: usize) -> String {
    format!("{count} test{}", if count == 1 { "" } else { "s" })
}

/// A finding names so many tests that count,
const NAMES_SHOWN_MAX: usize = 3;
/// each by so many characters.
const NAME_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::reports::{Format, read_report};

    const BOTH: &str = "positive = { names = [\"*accepts*\"], properties = [\"kind=positive\"], passed_min = 2 }, \
                        negative = { suites = [\"*refusals*\"], reports = [\"*.neg.xml\"] }";

    fn limits(text: &str) -> TestLimits {
        let text = format!(
            "version = 1\n[claim.a]\nfamily = \"functionality\"\nby = \"ci\"\ntests = {{ {text} }}\n[tier.low]\nrequire = [\"a\"]\n"
        );
        Policy::parse(&text).unwrap().claim(&"a".parse().unwrap()).unwrap().tests.clone().unwrap()
    }

    fn given(name: &str, format: Format, text: &str) -> Given {
        Given { name: name.to_owned(), report: Arc::new(read_report(format, &mut text.as_bytes()).unwrap()) }
    }

    fn junit(name: &str, cases: &str) -> Given {
        given(name, Format::Junit, &format!("<testsuite name='s'>{cases}</testsuite>"))
    }

    /// Returns the line for people and the sentences of the findings.
    fn told(text: &str, given: &[Given]) -> (String, Vec<String>) {
        let limits = limits(text);
        let told = Kinds::tell(&limits, given).unwrap();
        let mut findings = Vec::new();
        told.check(&"a".parse().unwrap(), &limits, &mut findings);
        (told.shown(), findings.iter().map(Finding::sentence).collect())
    }

    const GOOD: &str = "<testcase name='accepts a'/><testcase name='b'><properties><property name='kind' value='positive'/></properties></testcase>\
                        <testcase name='c' classname='cart.refusals.x'/><testcase name='other'><skipped/></testcase>";

    #[test]
    fn each_kind_has_its_floor() {
        let (line, findings) = told(BOTH, &[junit("unit.xml", GOOD)]);
        assert_eq!((line.as_str(), findings), ("2 positive, 1 negative pass", vec![]));
        let (_, findings) = told(BOTH, &[junit("unit.xml", &GOOD.replace("accepts a", "x").replace("refusals", "x"))]);
        assert_eq!(
            findings,
            [
                "E255 test-kind-limit: a: 1 positive test passes: s > b; wanted at least 2",
                "E255 test-kind-limit: a: 0 negative tests pass; wanted at least 1"
            ]
        );
        let (line, findings) = told(BOTH, &[junit("unit.xml", GOOD), junit("x.neg.xml", "<testcase name='d'/>")]);
        assert_eq!((line.as_str(), findings.len()), ("2 positive, 2 negative pass", 0));
    }

    #[test]
    fn every_case_of_a_kind_has_to_pass_and_a_skipped_one_has_not() {
        for (inside, word) in [("<skipped/>", "skipped"), ("<failure/>", "failed")] {
            let more = format!("{GOOD}<testcase name='it accepts'>{inside}</testcase>");
            let (_, findings) = told(BOTH, &[junit("unit.xml", &more)]);
            let wanted = format!(
                "E255 test-kind-limit: a: 1 test of the positive kind did not pass: s > it accepts ({word}); wanted each of them passes"
            );
            assert_eq!(findings, [wanted]);
        }
    }

    #[test]
    fn the_same_test_in_output_and_report_is_one() {
        let tap = given("stdout", Format::Tap, "1..1\nok 1 - accepts a\n");
        let one = "positive = { names = [\"*accepts*\"], passed_min = 2 }";
        let report = || junit("unit.xml", "<testcase name='accepts a'/>");
        let (line, findings) = told(one, &[report(), tap, report()]);
        assert_eq!((line.as_str(), findings.len()), ("1 positive pass", 1));
    }

    #[test]
    fn a_case_of_both_kinds_counts_for_neither() {
        let (line, findings) =
            told(BOTH, &[junit("unit.xml", &format!("{GOOD}<testcase name='accepts' classname='refusals'/>"))]);
        assert_eq!(line, "2 positive, 1 negative pass");
        assert!(findings[0].contains("of both kinds at once: 1 test, such as s > refusals > accepts"), "{findings:?}");
    }

    #[test]
    fn limits_without_kinds_tell_nothing() {
        assert_eq!(Kinds::tell(&limits("failed_max = 0"), &[]), None);
    }
}
