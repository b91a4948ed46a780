//! What `go test -json` prints, one JSON object a line -> facts about tests.
//!
//! ```json
//! {"Time":"2026-01-02T03:04:05Z","Action":"fail","Package":"example.test/shop","Test":"TestAdd/small","Elapsed":0.1}
//! ```
//!
//! The suite is the package; a subtest is a case of its own under its full name, and so is its parent. Spec: `go doc
//! test2json`, with the build events of Go 1.24. Lines that are no such events are refused, those of the go command on
//! stderr among them: whoever keeps both streams in one file cannot tell what was cut out of it. An end without beginning
//! is no pass: go test makes one of a line that the tested program printed. If the program prints the beginning too, it
//! cannot be told; the names of the cases show it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use super::json::{Node, Wrong, parse};
use super::lines::{Line, each_line};
use super::tally::{CaseName, CaseTally, SuitePath};
use super::{CaseOutcome, Cause, Detail, Format, ReadError, Report};

/// Reads the output of `go test -json`.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut walk = Walk {
        tally: CaseTally::new(detail),
        packages: BTreeMap::new(),
        builds_failed: BTreeSet::new(),
        builds_blamed: BTreeSet::new(),
    };
    let end = each_line(input, &mut |line| walk.line(line))?;
    walk.finish().map_err(|cause| ReadError::at(end, cause))
}

struct Walk {
    tally: CaseTally,
    packages: BTreeMap<String, Package>,
    /// What did not compile.
    builds_failed: BTreeSet<String>,
    /// What a failed package names as the reason.
    builds_blamed: BTreeSet<String>,
}

/// A package since its last start.
#[derive(Default)]
struct Package {
    /// The tests that ran and have no end.
    open: BTreeSet<String>,
    /// Whether a test of it failed.
    failed: bool,
    /// Whether it ended.
    ended: bool,
}

/// A line.
struct Event {
    action: Action,
    package: Option<String>,
    test: Option<String>,
    import_path: Option<String>,
    failed_build: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Start,
    Run,
    Pass,
    Fail,
    Skip,
    Bench,
    BuildFail,
    /// What changes no outcome.
    Told,
}

impl Walk {
    fn line(&mut self, line: &Line<'_>) -> Result<(), ReadError> {
        let text = line.whole()?;
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        let value = parse(text.as_bytes()).map_err(|error| line.refuse_at(error.place.column, error.cause))?;
        let event = Event::of(&Node::root(&value)).map_err(|wrong| line.refuse(wrong.cause))?;
        self.event(event).map_err(|cause| line.refuse(cause))
    }

    fn event(&mut self, event: Event) -> Result<(), Cause> {
        let Event { action, package, test, import_path, failed_build } = event;
        if action == Action::BuildFail {
            self.builds_failed.insert(import_path.or(package).unwrap_or_default());
            return Ok(());
        }
        if import_path.is_some() {
            return Ok(());
        }
        self.builds_blamed.extend(failed_build);
        let name = package.unwrap_or_default();
        let suite = SuitePath::root().inside(&name);
        let package = self.packages.entry(name).or_default();
        let tally = &mut self.tally;
        let mut add = |test: &str, outcome| tally.add(&suite, CaseName { file: "", class: "", name: test }, outcome);
        match (test, action) {
            (_, Action::Told | Action::BuildFail) => Ok(()),
            (None, Action::Start | Action::Run | Action::Bench) => {
                package.ended = false;
                Ok(())
            }
            (None, Action::Pass | Action::Fail | Action::Skip) => {
                for test in std::mem::take(&mut package.open) {
                    let outcome = match action {
                        Action::Fail => CaseOutcome::Failed,
                        // A benchmark that passes has no end of its own.
                        Action::Pass if test.starts_with("Benchmark") => CaseOutcome::Passed,
                        _ => CaseOutcome::Unknown,
                    };
                    package.failed |= outcome == CaseOutcome::Failed;
                    add(&test, outcome)?;
                }
                if action == Action::Fail && !package.failed {
                    add(PACKAGE_LEVEL, CaseOutcome::Failed)?;
                }
                *package = Package { ended: true, ..Package::default() };
                Ok(())
            }
            (Some(test), Action::Start | Action::Run) => {
                package.ended = false;
                if package.open.contains(&test) {
                    return add(&test, CaseOutcome::Unknown);
                }
                package.open.insert(test);
                Ok(())
            }
            (Some(test), Action::Pass | Action::Bench | Action::Fail | Action::Skip) => {
                package.ended = false;
                let ran = package.open.remove(&test);
                package.failed |= action == Action::Fail;
                let outcome = match action {
                    Action::Fail => CaseOutcome::Failed,
                    // A program can print `--- PASS: X`, and go test makes an end of it.
                    _ if !ran => CaseOutcome::Unknown,
                    Action::Skip => CaseOutcome::Skipped,
                    _ => CaseOutcome::Passed,
                };
                add(&test, outcome)
            }
        }
    }

    fn finish(mut self) -> Result<Report, Cause> {
        let mut endless = 0_usize;
        for (name, package) in &self.packages {
            let suite = SuitePath::root().inside(name);
            endless += usize::from(!package.ended);
            for test in &package.open {
                self.tally.add(&suite, CaseName { file: "", class: "", name: test }, CaseOutcome::Unknown)?;
            }
        }
        for import_path in self.builds_failed.difference(&self.builds_blamed) {
            let suite = SuitePath::root().inside(import_path);
            self.tally.add(&suite, CaseName { file: "", class: "", name: BUILD_LEVEL }, CaseOutcome::Failed)?;
        }
        let mut doubts = Vec::new();
        if endless > 0 {
            let were = if endless == 1 { "has" } else { "have" };
            doubts.push(format!("{endless} of {} packages {were} no end: aborted", self.packages.len()));
        }
        Ok(self.tally.finish(Format::GoTest, doubts))
    }
}

impl Event {
    fn of(root: &Node<'_>) -> Result<Self, Wrong> {
        let text = |key| -> Result<Option<String>, Wrong> {
            root.member(key)?.map(|node| node.text().map(str::to_owned)).transpose()
        };
        let action = root.member("Action")?.ok_or_else(|| root.lacks("Action", ACTION_WANTED))?;
        let action = match action.text()? {
            "start" => Action::Start,
            "run" => Action::Run,
            "pass" => Action::Pass,
            "fail" => Action::Fail,
            "skip" => Action::Skip,
            "bench" => Action::Bench,
            "build-fail" => Action::BuildFail,
            "pause" | "cont" | "output" | "build-output" | "attr" | "artifacts" => Action::Told,
            _ => return Err(action.wrong(ACTION_WANTED)),
        };
        Ok(Self {
            action,
            package: text("Package")?,
            test: text("Test")?,
            import_path: text("ImportPath")?,
            failed_build: text("FailedBuild")?,
        })
    }
}

/// The name of the case that stands for a package that failed without a failed test.
const PACKAGE_LEVEL: &str = "(package)";
/// The name of the case that stands for a package that did not compile and was never started.
const BUILD_LEVEL: &str = "(build)";
const ACTION_WANTED: &str = "an action of go test";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Outcome, TestFacts};
    use crate::reports::{read as read_facts, read_report};

    fn lines(events: &[&str]) -> String {
        let line = |event: &&str| {
            let mut words = event.split(' ');
            let (action, package) = (words.next().unwrap(), words.next().unwrap());
            match words.next() {
                Some(test) => format!("{{\"Action\":\"{action}\",\"Package\":\"{package}\",\"Test\":\"{test}\"}}\n"),
                None => format!("{{\"Action\":\"{action}\",\"Package\":\"{package}\"}}\n"),
            }
        };
        events.iter().map(line).collect()
    }

    fn facts(text: &str) -> (Outcome, TestFacts) {
        let facts = read_facts(Format::GoTest, &mut text.as_bytes()).unwrap();
        (facts.outcome, facts.tests.unwrap())
    }

    fn cases(events: &[&str]) -> Vec<(String, CaseOutcome)> {
        let report = read_report(Format::GoTest, &mut lines(events).as_bytes()).unwrap();
        report.cases.into_iter().map(|case| (format!("{} {}", case.suite, case.name), case.outcome)).collect()
    }

    fn refused(text: &str) -> String {
        read_facts(Format::GoTest, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn packages_are_suites_and_subtests_are_cases() {
        let found =
            cases(&["start p", "run p T", "run p T/a", "pass p T/a", "pass p T", "run p S", "skip p S", "pass p"]);
        let passed = |name: &str| (name.to_owned(), CaseOutcome::Passed);
        assert_eq!(found, [passed("p T/a"), passed("p T"), ("p S".to_owned(), CaseOutcome::Skipped)]);
        let both = ["run p T", "run q T", "pass q T", "fail p T", "fail p", "pass q"];
        assert_eq!(facts(&lines(&both)).0, Outcome::Fail);
        assert_eq!(facts(&lines(&both).replace("fail", "pass")).0, Outcome::Pass);
    }

    #[test]
    fn a_package_that_fails_by_itself_is_one_failed_case() {
        let (outcome, tests) = facts(&lines(&["start p", "run p T", "pass p T", "fail p"]));
        assert_eq!((outcome, tests.failed, tests.total), (Outcome::Fail, 1, 2));
        let (_, tests) = facts(&lines(&["start p", "run p T", "fail p T", "fail p"]));
        assert_eq!((tests.failed, tests.total), (1, 1));
        let (outcome, tests) = facts(&lines(&["start p", "run p T", "pass p T", "pass p"]));
        assert_eq!((outcome, tests.failed, tests.total), (Outcome::Pass, 0, 1));
    }

    #[test]
    fn a_build_that_fails_is_counted_once() {
        let output = "{\"ImportPath\":\"p [p.test]\",\"Action\":\"build-output\",\"Output\":\"x\"}\n";
        let build = "{\"ImportPath\":\"p [p.test]\",\"Action\":\"build-fail\"}\n";
        let package = "{\"Action\":\"fail\",\"Package\":\"p\",\"FailedBuild\":\"p [p.test]\"}\n";
        assert_eq!(facts(&format!("{output}{build}{package}")).1.failed, 1);
        assert_eq!(facts(&format!("{package}{build}")).1.failed, 1);
        assert_eq!(facts(build), facts(&format!("{output}{build}")));
        assert_eq!(facts(build).0, Outcome::Fail);
        assert_eq!(facts(output).0, Outcome::Inconclusive);
    }

    #[test]
    fn a_test_without_end_never_passes() {
        let unknown = |events: &[&str]| {
            let (outcome, tests) = facts(&lines(events));
            (outcome, tests.unknown, tests.failed)
        };
        assert_eq!(unknown(&["start p", "run p T", "pass p"]), (Outcome::Inconclusive, 1, 0));
        assert_eq!(unknown(&["start p", "run p T", "skip p"]), (Outcome::Inconclusive, 1, 0));
        assert_eq!(unknown(&["start p", "run p T", "fail p"]), (Outcome::Fail, 0, 1));
        assert_eq!(unknown(&["start p", "run p T"]), (Outcome::Inconclusive, 1, 0));
        assert_eq!(unknown(&["run p T", "run p T", "pass p T", "pass p"]), (Outcome::Inconclusive, 1, 0));
        assert_eq!(unknown(&["run p T", "pass p T", "run p T", "pass p T", "pass p"]), (Outcome::Pass, 0, 0));
    }

    #[test]
    fn an_end_without_beginning_never_passes() {
        for end in ["pass p T", "skip p T", "bench p T"] {
            assert_eq!(facts(&lines(&["start p", "run p S", "pass p S", end, "pass p"])).0, Outcome::Inconclusive);
        }
        assert_eq!(facts(&lines(&["start p", "run p S", "pass p S", "fail p T", "pass p"])).0, Outcome::Fail);
    }

    #[test]
    fn an_aborted_package_is_inconclusive() {
        let text = lines(&["start p", "run p T", "pass p T", "start q"]);
        let facts = read_facts(Format::GoTest, &mut text.as_bytes()).unwrap();
        assert_eq!(facts.outcome, Outcome::Inconclusive);
        assert_eq!(facts.reasons, ["2 of 2 packages have no end: aborted"]);
        let whole = text + &lines(&["skip q", "pass p"]);
        assert_eq!(read_facts(Format::GoTest, &mut whole.as_bytes()).unwrap().outcome, Outcome::Pass);
    }

    #[test]
    fn benchmarks_end_with_their_package() {
        assert_eq!(facts(&lines(&["start p", "run p BenchmarkX", "pass p"])).0, Outcome::Pass);
        assert_eq!(facts(&lines(&["start p", "run p BenchmarkX", "bench p BenchmarkX", "pass p"])).1.total, 1);
        assert_eq!(facts(&lines(&["start p", "run p BenchmarkX", "fail p"])).0, Outcome::Fail);
    }

    #[test]
    fn nothing_is_inconclusive() {
        for text in ["", "\n", &lines(&["start p", "output p", "skip p"]), &lines(&["start p", "pass p"])] {
            assert_eq!(facts(text).0, Outcome::Inconclusive, "{text}");
        }
        assert_eq!(facts(&lines(&["start p", "run p T", "skip p T", "pass p"])).0, Outcome::Inconclusive);
    }

    #[test]
    fn foreign_lines_are_refused_with_their_line() {
        let good = lines(&["start p"]);
        let wanted = "line 2, column 1: `/Action` is absent; wanted an action of go test";
        assert_eq!(refused(&format!("{good}{{\"level\":\"info\"}}\n")), wanted);
        assert!(refused(&format!("{good}{{\"Action\":\"explode\"}}\n")).contains("`/Action` is \"explode\""));
        for line in ["ok  \tp\t0.1s", "[]", "7", "{\"Action\":\"pass\"", "{\"Action\":\"pass\",\"Action\":\"fail\"}"] {
            assert!(refused(&format!("{good}{line}\n{good}")).starts_with("line 2, "), "{line}");
        }
        for line in ["{\"Action\":7}", "{\"Action\":\"run\",\"Test\":[]}", "{\"Action\":\"run\",\"Package\":7}"] {
            assert!(refused(line).contains("wanted a"), "{line}");
        }
        let long = format!("{{\"Action\":\"output\",\"Output\":\"{}\"}}\n", "x".repeat(70_000));
        assert_eq!(refused(&long), "line 1, column 1: the line has more than 65536 bytes");
        assert_eq!(facts(&format!("{good}\r\n{}", lines(&["pass p"]))).0, Outcome::Inconclusive);
    }
}
