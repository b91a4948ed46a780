//! JUnit XML of any dialect -> facts about tests.
//!
//! There is no standard; this reads what the runners of some twenty languages write. Cases are recounted: of the declared
//! totals only failures and errors are looked at, and a suite that declares more of them than it holds is refused as cut
//! or edited. What stands directly inside a case and is neither an outcome nor known to be none (output, properties, files)
//! makes it unknown: an element is no pass by being new or misspelt. Properties are kept beside the case and are in no fact; times and output are out of scope.
//!
//! A known hole: some runners lie, or can be told to. pytest-rerunfailures writes an attempt that failed and was run
//! again as one more case without a mark, jest-junit a test that is still to be written: neither can be told from a pass.
//! Dry runs (RSpec, mocha, Robot Framework) write passes. Skipped and flaky tests can be left out by settings. This is why exit code, command line and the names of the cases
//! are kept beside the counts.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::BufRead;

use super::detect::foreign_root;
use super::tally::{CaseName, CaseTally, SuitePath, hold_declared, shown, without_folder};
use super::xml::{Doctype, Tag, Token, Xml, count, no_namespace, refuse_namespace};
use super::{CaseOutcome, Cause, Detail, Format, Place, Properties, ReadError, Report};
use crate::model::REASONS_MAX;

/// Reads a JUnit report.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut xml = Xml::open(input, Doctype::Refused)?;
    let mut walk =
        Walk { open: Vec::new(), tally: CaseTally::new(detail), dialect: Dialect::Any, unknown: BTreeSet::new() };
    loop {
        match xml.next()? {
            Token::Start(tag) => walk.start(&tag)?,
            Token::End => walk.end()?,
            Token::Text(_) | Token::Between => {}
            Token::Done => return Ok(walk.tally.finish(Format::Junit, walk.unknown.into_iter().collect())),
        }
    }
}

struct Walk {
    /// The open elements from the root in.
    open: Vec<Node>,
    tally: CaseTally,
    dialect: Dialect,
    /// Elements that may say something about a case, and nobody knows what: as sentences.
    unknown: BTreeSet<String>,
}

/// Who wrote it, where that changes what it says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Any,
    /// What GoogleTest writes with `--gtest_list_tests`: its tests, of which none ran.
    GoogleTestList,
    /// node-tap states skipped tests by properties.
    NodeTap,
}

enum Node {
    /// `testsuites` or `testsuite`.
    Suite(Suite),
    /// `testcase`.
    Case(Case),
    /// `properties` directly inside a suite or case.
    Properties,
    /// Anything else: output, the inside of a failure.
    Other,
}

struct Suite {
    path: SuitePath,
    name: String,
    file: String,
    place: Place,
    /// `failures` and `errors` as the suite declares them, suites inside it included or not.
    declared: u64,
    /// Failure, error, flaky and rerun elements inside it, at any depth.
    found: u64,
    /// Those of the suites around it, its own, and both together as its cases have them that follow.
    around: Properties,
    own: Vec<String>,
    properties: Properties,
}

struct Case {
    place: Place,
    file: Option<String>,
    class: String,
    name: String,
    outcome: CaseOutcome,
    /// Whether its status is `notrun`.
    is_not_run: bool,
    /// Failure, error, flaky and rerun elements.
    found: u64,
    properties: Vec<String>,
}

impl Walk {
    fn start(&mut self, tag: &Tag<'_>) -> Result<(), ReadError> {
        let node = match (self.open.last_mut(), Element::of(tag.name())) {
            (None, Some(element @ (Element::Suites | Element::Suite))) => {
                self.dialect = dialect(element, tag)?;
                if self.dialect == Dialect::GoogleTestList {
                    self.unknown.insert("it is a list of tests, and none of them ran".to_owned());
                }
                suite(None, element, tag)?
            }
            (None, _) => return Err(ReadError::at(tag.place(), foreign(tag.name()))),
            (Some(Node::Suite(outer)), Some(Element::Suite)) => suite(Some(outer), Element::Suite, tag)?,
            (Some(Node::Suite(_)), Some(Element::Case)) => case(tag, self.dialect)?,
            (Some(Node::Suite(outer)), Some(element @ (Element::Failure | Element::Error))) => {
                refuse_namespace(tag, element.name())?;
                outer.found += 1;
                let name = CaseName { file: &outer.file, class: "", name: SUITE_LEVEL };
                let added = self.tally.add(&outer.path, name, CaseOutcome::Failed);
                added.map_err(|cause| ReadError::at(tag.place(), cause))?;
                Node::Other
            }
            (Some(Node::Case(case)), Some(element @ (Element::Failure | Element::Error | Element::Rerun))) => {
                refuse_namespace(tag, element.name())?;
                case.say(CaseOutcome::Failed);
                case.found += 1;
                Node::Other
            }
            (Some(Node::Case(case)), Some(Element::Flaky)) => {
                case.say(CaseOutcome::Flaky);
                case.found += 1;
                Node::Other
            }
            (Some(Node::Case(case)), Some(Element::Skipped)) => {
                case.say(if case.is_not_run { not_run(tag)? } else { CaseOutcome::Skipped });
                Node::Other
            }
            (Some(Node::Suite(_) | Node::Case(_)), None) if tag.name() == "properties" => Node::Properties,
            (Some(Node::Properties), None) if tag.name() == "property" => {
                self.property(tag);
                Node::Other
            }
            (Some(Node::Case(case)), None) if !is_neutral(tag.name()) => {
                case.say(CaseOutcome::Unknown);
                self.note_unknown(tag.name(), "testcase");
                Node::Other
            }
            (Some(Node::Suite(_)), None) if Element::of(&tag.name().to_ascii_lowercase()).is_some() => {
                self.note_unknown(tag.name(), "testsuite");
                Node::Other
            }
            (Some(_), None | Some(Element::Skipped | Element::Flaky | Element::Rerun)) => Node::Other,
            (Some(Node::Case(_) | Node::Properties | Node::Other), Some(element))
            | (Some(_), Some(element @ Element::Suites)) => {
                let inside = match self.open.last() {
                    Some(Node::Case(_)) => "directly inside a testcase",
                    Some(Node::Suite(_)) => "directly inside a testsuite",
                    Some(Node::Properties | Node::Other) | None => "inside another element of a suite or case",
                };
                return Err(ReadError::at(tag.place(), Cause::Misplaced { element: element.name(), inside }));
            }
        };
        self.open.push(node);
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReadError> {
        match self.open.pop() {
            None | Some(Node::Properties | Node::Other) => Ok(()),
            Some(Node::Suite(suite)) => {
                hold_declared(&suite.name, suite.place, suite.declared, suite.found)?;
                if let Some(Node::Suite(outer)) = self.open.last_mut() {
                    outer.found += suite.found;
                }
                Ok(())
            }
            Some(Node::Case(case)) => {
                let Some(Node::Suite(outer)) = self.open.last_mut() else { return Ok(()) };
                // Some dialects state a failure by the status alone, and count it.
                outer.found += case.found.max(u64::from(case.outcome == CaseOutcome::Failed));
                let file = case.file.as_deref().unwrap_or(&outer.file);
                let name = CaseName { file, class: &case.class, name: &case.name };
                let properties = Properties::inside(&outer.properties, case.properties);
                let added = self.tally.add_with(&outer.path, name, case.outcome, properties);
                added.map_err(|cause| ReadError::at(case.place, cause))
            }
        }
    }

    fn note_unknown(&mut self, element: &str, inside: &str) {
        if self.unknown.len() < REASONS_MAX {
            let found = format!("`{}` inside of a {inside} says what this reader does not know", shown(element, 40));
            self.unknown.insert(found);
        }
    }

    /// Keeps a property of the suite or case that is open. It is no fact, so a broken one is left out and refuses nothing.
    fn property(&mut self, tag: &Tag<'_>) {
        let Ok([Some(name), value]) = tag.attributes(["name", "value"]) else { return };
        let [.., owner, _] = &mut self.open[..] else { return };
        let (name, value) = (name.as_ref(), value.as_deref().unwrap_or_default());
        match owner {
            Node::Case(case) => {
                if self.dialect == Dialect::NodeTap && matches!(name, "skip" | "todo") && value != "false" {
                    case.say(CaseOutcome::Skipped);
                }
                self.tally.keep_property(&mut case.properties, name, value);
            }
            Node::Suite(suite) => {
                // Ginkgo's.
                if (name, value) == ("DryRun", "true") {
                    self.unknown.insert("it is a dry run: no test ran".to_owned());
                }
                let before = suite.own.len();
                self.tally.keep_property(&mut suite.own, name, value);
                if suite.own.len() > before {
                    suite.properties = Properties::inside(&suite.around, suite.own.clone());
                }
            }
            Node::Properties | Node::Other => {}
        }
    }
}

impl Case {
    /// Takes one more statement about the case: the most severe wins.
    fn say(&mut self, outcome: CaseOutcome) {
        self.outcome = self.outcome.min(outcome);
    }
}

/// The elements that have a meaning.
#[derive(Clone, Copy)]
enum Element {
    Suites,
    Suite,
    Case,
    Error,
    Failure,
    Rerun,
    Flaky,
    Skipped,
}

impl Element {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "testsuites" => Self::Suites,
            "testsuite" => Self::Suite,
            "testcase" => Self::Case,
            "error" => Self::Error,
            "failure" => Self::Failure,
            // Maven Surefire: failed again. It stands beside a failure; alone it is a failure all the same.
            "rerunFailure" | "rerunError" => Self::Rerun,
            "flakyFailure" | "flakyError" => Self::Flaky,
            "skipped" | "disabled" | "ignored" | "notrun" => Self::Skipped,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Suites => "testsuites",
            Self::Suite => "testsuite",
            Self::Case => "testcase",
            Self::Error => "error",
            Self::Failure => "failure",
            Self::Rerun => "rerunFailure",
            Self::Flaky => "flakyFailure",
            Self::Skipped => "skipped",
        }
    }
}

fn suite(outer: Option<&Suite>, element: Element, tag: &Tag<'_>) -> Result<Node, ReadError> {
    let [name, file, path, failures, errors, timestamp, namespace] =
        tag.attributes(["name", "file", "filepath", "failures", "errors", "timestamp", "xmlns"])?;
    no_namespace(tag, element.name(), namespace)?;
    let declared =
        count(tag, "failures", failures.as_deref())?.saturating_add(count(tag, "errors", errors.as_deref())?);
    let name = name.unwrap_or_default();
    let root = SuitePath::root();
    let around = outer.map_or(&root, |outer| &outer.path);
    let path_of_names = match element {
        // The root's name is that of the run, and no suite.
        Element::Suites => around.clone(),
        _ => around.inside(without_run(&name, timestamp.as_deref().unwrap_or_default())),
    };
    let inherited = || outer.map(|outer| Cow::Borrowed(outer.file.as_str())).unwrap_or_default();
    let file = file.or(path).unwrap_or_else(inherited).into_owned();
    let (name, place) = (name.into_owned(), tag.place());
    let around = outer.map(|outer| outer.properties.clone()).unwrap_or_default();
    let properties = around.clone();
    let path = path_of_names;
    Ok(Node::Suite(Suite { path, name, file, place, declared, found: 0, around, own: Vec::new(), properties }))
}

/// Returns the name of a suite without what is of the run or of the machine, and of no other.
///
/// unittest-xml-reporting appends the second in which the run began (`shop.Cart-20260102030405`), on the day that the suite's own
/// `timestamp` has; PHPUnit from 10 on calls the outermost suite by the path of its configuration.
fn without_run<'a>(name: &'a str, timestamp: &str) -> &'a str {
    if name.ends_with(".xml") || name.ends_with(".xml.dist") {
        return without_folder(name);
    }
    let Some((before, second)) = name.rsplit_once('-') else { return name };
    let is_second = second.len() == 14 && second.bytes().all(|byte| byte.is_ascii_digit());
    let day = timestamp.get(..10).filter(|day| day.matches('-').count() == 2).map(|day| day.replace('-', ""));
    if is_second && day.is_some_and(|day| second.starts_with(&day)) { before } else { name }
}

fn dialect(element: Element, tag: &Tag<'_>) -> Result<Dialect, ReadError> {
    let [name, failures] = tag.attributes(["name", "failures"])?;
    Ok(match (element, name.as_deref(), failures) {
        (Element::Suites, Some("AllTests"), None) => Dialect::GoogleTestList,
        (Element::Suites, Some("TAP Tests"), _) => Dialect::NodeTap,
        _ => Dialect::Any,
    })
}

/// Returns what `skipped` says about a case with the status `notrun`.
///
/// CTest writes both for a test that asked to be skipped, `SKIP_RETURN_CODE=77`, and for one that it could not start, as when its
/// program was not built: that one it counts among those that failed.
fn not_run(tag: &Tag<'_>) -> Result<CaseOutcome, ReadError> {
    let [message] = tag.attributes(["message"])?;
    let why = message.as_deref().unwrap_or_default();
    Ok(if why.is_empty() || why.starts_with("SKIP_") { CaseOutcome::Skipped } else { CaseOutcome::Failed })
}

fn case(tag: &Tag<'_>, dialect: Dialect) -> Result<Node, ReadError> {
    let [name, class, class_short, file, status, result, namespace] =
        tag.attributes(["name", "classname", "class", "file", "status", "result", "xmlns"])?;
    no_namespace(tag, "testcase", namespace)?;
    let mut case = Case {
        place: tag.place(),
        file: file.map(Cow::into_owned),
        class: class.or(class_short).unwrap_or_default().into_owned(),
        name: name.unwrap_or_default().into_owned(),
        outcome: CaseOutcome::Passed,
        is_not_run: status.as_deref() == Some("notrun"),
        found: 0,
        properties: Vec::new(),
    };
    if dialect == Dialect::GoogleTestList {
        case.say(CaseOutcome::Unknown);
    }
    for status in [status, result].into_iter().flatten() {
        case.say(outcome_of_status(&status));
    }
    Ok(Node::Case(case))
}

/// Returns what an attribute `status` or `result` says, in whatever case.
///
/// If the word is not in the table, returns [`CaseOutcome::Unknown`]: new words must not pass.
fn outcome_of_status(status: &str) -> CaseOutcome {
    let is_one_of = |words: &[&str]| words.iter().any(|word| status.eq_ignore_ascii_case(word));
    if is_one_of(&PASSED) {
        CaseOutcome::Passed
    } else if is_one_of(&SKIPPED) {
        CaseOutcome::Skipped
    } else if is_one_of(&FAILED) {
        CaseOutcome::Failed
    } else {
        CaseOutcome::Unknown
    }
}

/// Returns whether an element of a case says nothing about its outcome. Any other may: no element is a pass by being unknown.
fn is_neutral(name: &str) -> bool {
    name.contains(':') || NEUTRAL.contains(&name)
}

fn foreign(root: &str) -> Cause {
    let found = root.chars().take(40).collect();
    Cause::Root { found, foreign: foreign_root(root), title: "JUnit", wanted: "testsuites or testsuite" }
}

/// The name of the case that stands for an error of a whole suite.
const SUITE_LEVEL: &str = "(suite)";

/// What runners put beside the outcome: output, files, properties, steps, numbers.
const NEUTRAL: [&str; 24] = [
    "system-out",
    "system-err",
    "properties",
    "property",
    "output",
    "stdout",
    "stderr",
    "log",
    "logs",
    "attachments",
    "attachment",
    "artifacts",
    "description",
    "documentation",
    "metadata",
    "tags",
    "tag",
    "labels",
    "links",
    "parameters",
    "steps",
    "Measurement",
    "NamedMeasurement",
    "benchmarks",
];
/// gtest, CTest, doctest, Bazel: run, completed. behave, Ginkgo and others: passed.
const PASSED: [&str; 8] = ["run", "completed", "passed", "pass", "ok", "success", "successful", "succeeded"];
/// gtest: notrun, suppressed. CTest: notrun, disabled. behave: untested. Ginkgo: pending. Qt: xfail.
const SKIPPED: [&str; 11] = [
    "skipped",
    "skip",
    "disabled",
    "notrun",
    "not_run",
    "not run",
    "suppressed",
    "ignored",
    "pending",
    "untested",
    "xfail",
];
/// CTest: fail. behave: undefined. Ginkgo: panicked, interrupted, aborted, timedout. Qt: xpass.
const FAILED: [&str; 13] = [
    "failed",
    "fail",
    "failure",
    "error",
    "errored",
    "broken",
    "undefined",
    "panicked",
    "interrupted",
    "aborted",
    "timedout",
    "timeout",
    "xpass",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Outcome, TestFacts};
    use crate::reports::{read as read_facts, read_report};

    fn facts(text: &str) -> (Outcome, TestFacts) {
        let facts = read_facts(Format::Junit, &mut text.as_bytes()).unwrap();
        (facts.outcome, facts.tests.unwrap())
    }

    fn refused(text: &str) -> Cause {
        read_facts(Format::Junit, &mut text.as_bytes()).unwrap_err().cause
    }

    /// Returns the outcome of one case with these attributes and children.
    fn case(attributes: &str, children: &str) -> CaseOutcome {
        let text = format!("<testsuite><testcase name='a'{attributes}>{children}</testcase></testsuite>");
        read_report(Format::Junit, &mut text.as_bytes()).unwrap().cases[0].outcome
    }

    #[test]
    fn the_most_severe_statement_about_a_case_wins() {
        assert_eq!(case("", ""), CaseOutcome::Passed);
        assert_eq!(case("", "<system-out>failure</system-out>"), CaseOutcome::Passed);
        assert_eq!(case("", "<skipped/><failure/>"), CaseOutcome::Failed);
        assert_eq!(case(" status='run'", "<error/>"), CaseOutcome::Failed);
        assert_eq!(case(" status='passed'", "<skipped/>"), CaseOutcome::Skipped);
        assert_eq!(case(" status='failed'", "<skipped/>"), CaseOutcome::Failed);
        assert_eq!(case(" status='notrun' result='completed'", ""), CaseOutcome::Skipped);
        assert_eq!(case(" status='run' result='suppressed'", ""), CaseOutcome::Skipped);
        assert_eq!(case("", "<disabled/>"), CaseOutcome::Skipped);
    }

    #[test]
    fn what_ctest_could_not_start_has_failed() {
        let of = |status: &str, message: &str| {
            case(&format!(" status='{status}'"), &format!("<skipped message='{message}'/>"))
        };
        assert_eq!(of("notrun", "Unable to find executable"), CaseOutcome::Failed);
        assert_eq!(of("notrun", "Fixture dependency failed"), CaseOutcome::Failed);
        assert_eq!(of("notrun", "SKIP_RETURN_CODE=77"), CaseOutcome::Skipped);
        assert_eq!(of("notrun", "SKIP_REGULAR_EXPRESSION_MATCHED"), CaseOutcome::Skipped);
        assert_eq!(of("notrun", ""), CaseOutcome::Skipped);
        assert_eq!(of("disabled", "Disabled"), CaseOutcome::Skipped);
        assert_eq!(of("run", "Unable to find executable"), CaseOutcome::Skipped);
    }

    #[test]
    fn a_list_of_tests_is_no_run() {
        let cases = "<testsuite name='A' tests='1'><testcase name='a' file='a.cc' line='3'/></testsuite>";
        let (outcome, tests) = facts(&format!("<testsuites tests='1' name='AllTests'>{cases}</testsuites>"));
        assert_eq!((outcome, tests.passed, tests.unknown), (Outcome::Inconclusive, 0, 1));
        let ran = facts(&format!("<testsuites tests='1' failures='0' name='AllTests'>{cases}</testsuites>"));
        assert_eq!((ran.0, ran.1.passed), (Outcome::Pass, 1));
    }

    #[test]
    fn the_name_of_a_suite_is_the_same_in_the_next_run() {
        let names = |name: &str, timestamp: &str| {
            let text = format!("<testsuite name='{name}' timestamp='{timestamp}'><testcase name='a'/></testsuite>");
            facts(&text).1.names
        };
        let wanted = names("shop.Cart", "");
        assert_eq!(names("shop.Cart-20260102030405", "2026-01-02T03:04:06"), wanted);
        assert_eq!(names("shop.Cart-20260102030405", "2026-01-02T03:04:06.5Z"), wanted);
        for (name, timestamp) in [
            ("shop.Cart-20260102030405", "2026-01-03T03:04:06"),
            ("shop.Cart-20260102030405", ""),
            ("shop.Cart-2026010203040", "2026-01-02T03:04:06"),
            ("shop.Cart-20260102030405x", "2026-01-02T03:04:06"),
        ] {
            assert_ne!(names(name, timestamp), wanted, "{name}");
        }
        assert_eq!(names("/home/ana/shop/phpunit.xml", ""), names("/builds/7/phpunit.xml", ""));
        assert_eq!(names("/home/ana/shop/phpunit.xml.dist", ""), names("phpunit.xml.dist", ""));
        assert_ne!(names("/api/v1/users", ""), names("/api/v2/users", ""));
    }

    #[test]
    fn a_dry_run_of_ginkgo_is_inconclusive() {
        let of = |value: &str| {
            let properties = format!("<properties><property name='DryRun' value='{value}'/></properties>");
            facts(&format!("<testsuite>{properties}<testcase name='a' status='passed'/></testsuite>")).0
        };
        assert_eq!((of("true"), of("false")), (Outcome::Inconclusive, Outcome::Pass));
    }

    #[test]
    fn node_tap_skips_by_properties() {
        let of = |root: &str, name: &str, value: &str| {
            let case = format!(
                "<testcase name='a'><properties><property name='{name}' value='{value}'/></properties></testcase>"
            );
            let text = format!("<testsuites name='{root}'><testsuite>{case}</testsuite></testsuites>");
            read_report(Format::Junit, &mut text.as_bytes()).unwrap().cases[0].outcome
        };
        assert_eq!(of("TAP Tests", "skip", "why"), CaseOutcome::Skipped);
        assert_eq!(of("TAP Tests", "todo", "true"), CaseOutcome::Skipped);
        assert_eq!(of("TAP Tests", "todo", "false"), CaseOutcome::Passed);
        assert_eq!(of("TAP Tests", "ok", "true"), CaseOutcome::Passed);
        assert_eq!(of("jest tests", "skip", "why"), CaseOutcome::Passed);
    }

    #[test]
    fn an_unknown_status_is_not_a_pass() {
        assert_eq!(case(" status='Passed'", ""), CaseOutcome::Passed);
        assert_eq!(case(" status='passed!'", ""), CaseOutcome::Unknown);
        assert_eq!(case(" status=''", ""), CaseOutcome::Unknown);
        assert_eq!(case(" status='passed' result='odd'", "<skipped/>"), CaseOutcome::Unknown);
        let (outcome, tests) = facts("<testsuite><testcase status='odd'/><testcase/></testsuite>");
        assert_eq!((outcome, tests.passed, tests.unknown), (Outcome::Inconclusive, 1, 1));
    }

    #[test]
    fn flaky_passes_with_a_flag_and_a_failure_beside_it_fails() {
        assert_eq!(case("", "<flakyFailure/>"), CaseOutcome::Flaky);
        assert_eq!(case("", "<flakyError/><failure/>"), CaseOutcome::Failed);
        assert_eq!(case("", "<failure/><rerunFailure/><rerunFailure/>"), CaseOutcome::Failed);
        assert_eq!(case("", "<rerunError/>"), CaseOutcome::Failed);
        let (outcome, tests) = facts("<testsuite><testcase><flakyFailure/></testcase></testsuite>");
        assert_eq!((outcome, tests.passed, tests.flaky), (Outcome::Pass, 1, 1));
        let (_, tests) = facts("<testsuite><testcase><failure/><rerunFailure/><rerunFailure/></testcase></testsuite>");
        assert_eq!((tests.total, tests.failed), (1, 1));
    }

    #[test]
    fn declared_failures_that_are_missing_are_refused() {
        let suite = |declared: &str, inside: &str| {
            format!(
                "<testsuites><testsuite name='s' {declared}><testcase name='a'>{inside}</testcase></testsuite></testsuites>"
            )
        };
        assert_eq!(facts(&suite("failures='1'", "<failure/>")).0, Outcome::Fail);
        assert_eq!(facts(&suite("failures='1'", "<flakyFailure/>")).0, Outcome::Pass);
        assert_eq!(facts(&suite("failures='0' errors='' tests='99'", "")).0, Outcome::Pass);
        let missing = |declared, found| Cause::FailuresMissing { suite: "s".into(), declared, found };
        assert_eq!(refused(&suite("failures='1'", "")), missing(1, 0));
        assert_eq!(refused(&suite("failures='1' errors='2'", "<failure/>")), missing(3, 1));
        assert_eq!(
            refused(&suite("failures='-1'", "")),
            Cause::NotACount { attribute: "failures", found: "-1".into() }
        );
        assert!(matches!(refused("<testsuites errors='1'><testsuite/></testsuites>"), Cause::FailuresMissing { .. }));
    }

    #[test]
    fn totals_may_count_inner_suites_or_not() {
        let inner = "<testsuite failures='1'><testcase status='fail'/></testsuite>";
        assert_eq!(facts(&format!("<testsuite failures='1'>{inner}</testsuite>")).0, Outcome::Fail);
        assert_eq!(facts(&format!("<testsuite failures='0'>{inner}</testsuite>")).0, Outcome::Fail);
        assert!(matches!(
            refused(&format!("<testsuite failures='2'>{inner}</testsuite>")),
            Cause::FailuresMissing { .. }
        ));
    }

    #[test]
    fn absence_is_inconclusive() {
        assert_eq!(facts("<testsuites/>").0, Outcome::Inconclusive);
        assert_eq!(facts("<testsuite tests='3'/>").0, Outcome::Inconclusive);
        assert_eq!(facts("<testsuite><testcase><skipped/></testcase></testsuite>").0, Outcome::Inconclusive);
        assert_eq!(facts("<testsuite><testcase><skipped/></testcase><testcase/></testsuite>").0, Outcome::Pass);
    }

    #[test]
    fn an_error_of_a_suite_is_a_case() {
        let (outcome, tests) = facts("<testsuite errors='1'><error/><testcase/></testsuite>");
        assert_eq!((outcome, tests.total, tests.failed), (Outcome::Fail, 2, 1));
    }

    #[test]
    fn other_documents_are_refused_by_name() {
        let root = |text: &str| match refused(text) {
            Cause::Root { found, foreign, .. } => (found, foreign),
            other => panic!("{other}"),
        };
        assert_eq!(root("<test-run/>"), ("test-run".into(), Some("NUnit 3")));
        assert_eq!(root("<testcase/>"), ("testcase".into(), None));
        assert_eq!(root("<x:testsuite xmlns:x='u'/>"), ("x:testsuite".into(), None));
        assert!(matches!(refused("<testsuite xmlns='urn:x'/>"), Cause::Namespace { .. }));
        assert!(matches!(refused("<testsuite><testcase xmlns='urn:x'/></testsuite>"), Cause::Namespace { .. }));
        assert_eq!(facts("<testsuite xmlns:xsi='u' xmlns=''><testcase/></testsuite>").0, Outcome::Pass);
    }

    #[test]
    fn cases_and_failures_cannot_hide_in_other_elements() {
        let misplaced = |inside: &str| matches!(refused(inside), Cause::Misplaced { .. });
        assert!(misplaced("<testsuite><x><testcase/></x><testcase/></testsuite>"));
        assert!(misplaced("<testsuite><testcase><x><failure/></x></testcase></testsuite>"));
        assert!(misplaced("<testsuite><testcase><testcase/></testcase></testsuite>"));
        assert!(misplaced("<testsuite><testsuites/></testsuite>"));
        let (_, tests) =
            facts("<testsuite><x><y/></x><properties/><testcase><output><y/></output></testcase></testsuite>");
        assert_eq!((tests.total, tests.passed), (1, 1));
    }

    #[test]
    fn element_that_nobody_knows_is_no_pass() {
        for neutral in
            ["<system-out>x</system-out>", "<properties/>", "<attachments><x/></attachments>", "<a:x xmlns:a='b'/>"]
        {
            assert_eq!(case("", neutral), CaseOutcome::Passed, "{neutral}");
        }
        for (inside, outcome) in [
            ("<broken/>", CaseOutcome::Unknown),
            ("<Failure/>", CaseOutcome::Unknown),
            ("<timeout/><skipped/>", CaseOutcome::Unknown),
            ("<broken/><failure/>", CaseOutcome::Failed),
        ] {
            assert_eq!(case("", inside), outcome, "{inside}");
        }
        let text = "<testsuite><Error/><testcase name='a'/><testcase name='b'><broken/></testcase></testsuite>";
        let found = read_facts(Format::Junit, &mut text.as_bytes()).unwrap();
        assert_eq!(found.outcome, Outcome::Inconclusive);
        let reasons = found.reasons.join("; ");
        assert!(reasons.contains("`Error` inside of a testsuite says what this reader does not know"), "{reasons}");
        assert!(reasons.contains("`broken` inside of a testcase says what this reader does not know"), "{reasons}");
    }

    #[test]
    fn identity_is_suites_file_class_and_name_with_multiplicity() {
        let one = |text: &str| facts(text).1.names;
        let base = one("<testsuite name='s'><testcase file='f' classname='c' name='n'/></testsuite>");
        assert_eq!(
            base,
            one(
                "<testsuites name='run 7'><testsuite name='s' file='f'><testcase time='1,5' name='n' class='c'/></testsuite></testsuites>"
            )
        );
        for other in [
            "<testsuite name='s'><testcase file='f' classname='c' name='n'/><testcase file='f' classname='c' name='n'/></testsuite>",
            "<testsuite name='s'><testcase file='f' classname='c' name='n '/></testsuite>",
            "<testsuite name='s'><testcase file='f' classname='c' name='N'/></testsuite>",
            "<testsuite name='s'><testcase file='f' name='n'/></testsuite>",
            "<testsuite name='s'><testcase classname='c' name='n'/></testsuite>",
            "<testsuite name='s'><testsuite name=''><testcase file='f' classname='c' name='n'/></testsuite></testsuite>",
            "<testsuite name='s'><testcase file='f' classname='c' name='n'><skipped/></testcase></testsuite>",
        ] {
            assert_ne!(base, one(other), "{other}");
        }
    }

    #[test]
    fn properties_of_cases_and_suites_are_kept_and_change_no_fact() {
        let text = |inside: &str| {
            format!(
                "<testsuite name='s'>{inside}<testcase name='a'>{inside}</testcase><testcase name='b'/></testsuite>"
            )
        };
        let some = "<properties><property name='kind' value='positive'/><property name='x'/><property name='twice' name='a'/>\
                    <other name='no'/></properties><tags><property name='deep' value='no'/></tags>";
        let report = read_report(Format::Junit, &mut text(some).as_bytes()).unwrap();
        let kept = |at: usize| report.cases[at].properties.iter().collect::<Vec<_>>();
        assert_eq!(kept(0), ["kind=positive", "x=", "kind=positive", "x="]);
        assert_eq!(kept(1), ["kind=positive", "x="]);
        assert_eq!(report.facts, read_facts(Format::Junit, &mut text("").as_bytes()).unwrap());
        let many: String = (0..10_000).map(|n| format!("<property name='n{n}' value='v'/>")).collect();
        let text = format!("<testsuite><testcase name='a'><properties>{many}</properties></testcase></testsuite>");
        let report = read_report(Format::Junit, &mut text.as_bytes()).unwrap();
        assert_eq!(report.cases[0].properties.iter().count(), 256);
    }

    #[test]
    fn a_huge_name_is_refused_and_a_long_one_hashed() {
        let text = |length: usize| format!("<testsuite><testcase name='{}'/></testsuite>", "n".repeat(length));
        assert!(matches!(refused(&text((64 << 10) + 1)), Cause::NameTooLong { attribute: "name", .. }));
        let report = read_report(Format::Junit, &mut text(2_000).as_bytes()).unwrap();
        assert!(report.cases[0].name.starts_with("sha256:"));
        assert_ne!(report.facts, read_facts(Format::Junit, &mut text(2_001).as_bytes()).unwrap());
    }

    #[test]
    fn refusals_name_line_and_column() {
        let text = "<testsuite>\n  <testcase name='a'\n name='b'/></testsuite>";
        let error = read_facts(Format::Junit, &mut text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "line 2, column 3: the attribute `name` occurs twice");
    }
}
