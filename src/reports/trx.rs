//! Visual Studio test results (TRX) -> facts about tests.
//!
//! ```xml
//! <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
//!   <Results><UnitTestResult testId="1" testName="Adds" outcome="Passed"/></Results>
//!   <TestDefinitions><UnitTest id="1" storage="/ci/shop.tests.dll"><TestMethod className="Shop.Cart" name="Adds"/></UnitTest></TestDefinitions>
//!   <ResultSummary outcome="Completed"><Counters total="1" passed="1" failed="0"/></ResultSummary>
//! </TestRun>
//! ```
//!
//! Spec: vstst.xsd of Visual Studio, namespace of 2010. A result without an outcome is an error, as the schema has it. Inconclusive
//! results and warnings showed nothing, and count with the skipped. A data-driven test stands there once as a whole and once for each
//! row: the whole is counted only where it is no pass. A case is known by the assembly (of an absolute path the file name), class and
//! name of its definition: ids are new in every run. The summary is looked at for failures that are not there, and for a run that did
//! not come to its end. Durations, output and attachments are out of scope.

use std::collections::HashMap;
use std::io::BufRead;

use super::detect::foreign_root;
use super::limits::CASES_MAX;
use super::tally::{CaseName, CaseTally, SuitePath, hold_declared, shown, without_folder};
use super::xml::{Doctype, Tag, Token, Xml, count};
use super::{CaseOutcome, Cause, Detail, Format, Place, ReadError, Report};

/// Reads a TRX report.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut xml = Xml::open(input, Doctype::Refused)?;
    let mut walk = Walk::default();
    loop {
        match xml.next()? {
            Token::Start(tag) => walk.start(&tag)?,
            Token::End => walk.end(),
            Token::Text(_) | Token::Between => {}
            Token::Done => return walk.finish(detail),
        }
    }
}

#[derive(Default)]
struct Walk {
    /// The open elements from the root in.
    open: Vec<Node>,
    results: Vec<TestResult>,
    /// Storage and class, by the id of the test.
    definitions: HashMap<String, (String, String)>,
    summary: Option<Summary>,
    doubts: Vec<String>,
}

enum Node {
    Run,
    Results,
    /// A result, by its place in the list.
    Result(usize),
    InnerResults,
    Definitions,
    Definition(String),
    Summary,
    RunInfos,
    Other,
}

struct TestResult {
    place: Place,
    test: String,
    name: String,
    outcome: CaseOutcome,
    has_inner: bool,
}

struct Summary {
    place: Place,
    /// Failures of all kinds as it counts them; at least one where it says that the run failed.
    declared: u64,
}

impl Walk {
    fn start(&mut self, tag: &Tag<'_>) -> Result<(), ReadError> {
        let refuse = |cause| ReadError::at(tag.place(), cause);
        let node = match (self.open.last(), tag.name()) {
            (None, "TestRun") => {
                let [namespace] = tag.attributes(["xmlns"])?;
                let found = namespace.as_deref().unwrap_or_default();
                if found != NAMESPACE {
                    let found = format!("TestRun of the namespace {}", shown(found, 80));
                    return Err(refuse(Cause::Record { found, wanted: "the namespace of TeamTest/2010" }));
                }
                Node::Run
            }
            (None, root) => {
                let (found, foreign) = (root.chars().take(40).collect(), foreign_root(root));
                return Err(refuse(Cause::Root { found, foreign, title: "TRX", wanted: "TestRun" }));
            }
            (Some(Node::Run), "Results") => Node::Results,
            (Some(Node::Run), "TestDefinitions") => Node::Definitions,
            (Some(Node::Run), "ResultSummary") => self.summary(tag)?,
            (Some(Node::Results | Node::InnerResults), kind) if kind.ends_with("Result") => self.result(tag)?,
            (Some(Node::Result(_)), "InnerResults") => Node::InnerResults,
            (Some(Node::Definitions), _) => {
                let [id, storage] = tag.attributes(["id", "storage"])?;
                let id = id.unwrap_or_default().into_owned();
                let storage = storage.as_deref().map(without_folder).unwrap_or_default().to_owned();
                self.definitions.insert(id.clone(), (storage, String::new()));
                Node::Definition(id)
            }
            (Some(Node::Definition(id)), "TestMethod") => {
                let [class] = tag.attributes(["className"])?;
                if let (Some(class), Some(definition)) = (class, self.definitions.get_mut(id)) {
                    definition.1 = class.into_owned();
                }
                Node::Other
            }
            (Some(Node::Summary), "Counters") => {
                let [failed, error, timeout, aborted] = tag.attributes(["failed", "error", "timeout", "aborted"])?;
                let mut declared = 0_u64;
                for (name, value) in [("failed", failed), ("error", error), ("timeout", timeout), ("aborted", aborted)]
                {
                    declared = declared.saturating_add(count(tag, name, value.as_deref())?);
                }
                if let Some(summary) = &mut self.summary {
                    summary.declared = summary.declared.max(declared);
                }
                Node::Other
            }
            (Some(Node::Summary), "RunInfos") => Node::RunInfos,
            (Some(Node::RunInfos), "RunInfo") => {
                let [outcome] = tag.attributes(["outcome"])?;
                if !matches!(outcome.as_deref(), Some("Warning" | "Passed" | "Completed")) {
                    self.doubt("the run notes an error".to_owned());
                }
                Node::Other
            }
            (Some(_), "UnitTestResult" | "TestResultAggregation") => {
                let element = "UnitTestResult";
                return Err(refuse(Cause::Misplaced { element, inside: "inside what is no list of results" }));
            }
            (Some(_), _) => Node::Other,
        };
        self.open.push(node);
        Ok(())
    }

    fn end(&mut self) {
        self.open.pop();
    }

    fn result(&mut self, tag: &Tag<'_>) -> Result<Node, ReadError> {
        let [test, name, outcome] = tag.attributes(["testId", "testName", "outcome"])?;
        if self.results.len() == CASES_MAX {
            let count_max = u64::try_from(CASES_MAX).unwrap_or(u64::MAX);
            return Err(ReadError::at(tag.place(), Cause::TooMany { things: "test cases", count_max }));
        }
        if let [.., Node::Result(outer), Node::InnerResults] = self.open[..] {
            self.results[outer].has_inner = true;
        }
        self.results.push(TestResult {
            place: tag.place(),
            test: test.unwrap_or_default().into_owned(),
            name: name.unwrap_or_default().into_owned(),
            outcome: outcome_of(outcome.as_deref().unwrap_or("Error")),
            has_inner: false,
        });
        Ok(Node::Result(self.results.len() - 1))
    }

    fn summary(&mut self, tag: &Tag<'_>) -> Result<Node, ReadError> {
        let [outcome] = tag.attributes(["outcome"])?;
        let outcome = outcome.as_deref().unwrap_or_default();
        if self.summary.is_some() {
            let found = "a second ResultSummary".to_owned();
            return Err(ReadError::at(tag.place(), Cause::Record { found, wanted: "one" }));
        }
        let declared = u64::from(outcome == "Failed");
        if !matches!(outcome, "Completed" | "Passed" | "Warning" | "Failed") {
            self.doubt(format!("the summary says that the run is `{}`", shown(outcome, 40)));
        }
        self.summary = Some(Summary { place: tag.place(), declared });
        Ok(Node::Summary)
    }

    fn doubt(&mut self, sentence: String) {
        if !self.doubts.contains(&sentence) && self.doubts.len() < crate::model::REASONS_MAX {
            self.doubts.push(sentence);
        }
    }

    fn finish(mut self, detail: Detail) -> Result<Report, ReadError> {
        let mut tally = CaseTally::new(detail);
        let mut found = 0;
        for result in &self.results {
            if result.has_inner && result.outcome == CaseOutcome::Passed {
                continue;
            }
            found += u64::from(result.outcome == CaseOutcome::Failed);
            let (storage, class) =
                self.definitions.get(&result.test).map_or(("", ""), |(storage, class)| (storage, class));
            let name = CaseName { file: "", class, name: &result.name };
            let added = tally.add(&SuitePath::root().inside(storage), name, result.outcome);
            added.map_err(|cause| ReadError::at(result.place, cause))?;
        }
        match &self.summary {
            None => self.doubt("the report has no summary: the run did not come to its end".to_owned()),
            Some(Summary { place, declared }) => hold_declared("ResultSummary", *place, *declared, found)?,
        }
        Ok(tally.finish(Format::Trx, self.doubts))
    }
}

/// Returns what an outcome says. If the word is not in the schema, returns [`CaseOutcome::Unknown`]: new words must not pass.
fn outcome_of(outcome: &str) -> CaseOutcome {
    match outcome {
        "Passed" => CaseOutcome::Passed,
        "Failed" | "Error" | "Timeout" | "Aborted" | "NotRunnable" | "Disconnected" | "PassedButRunAborted" => {
            CaseOutcome::Failed
        }
        "NotExecuted" | "Inconclusive" | "Warning" | "Blocked" | "Pending" => CaseOutcome::Skipped,
        _ => CaseOutcome::Unknown,
    }
}

const NAMESPACE: &str = "http://microsoft.com/schemas/VisualStudio/TeamTest/2010";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Outcome, TestFacts};
    use crate::reports::{read as read_facts, read_report};

    fn document(results: &str, summary: &str) -> String {
        format!(
            "<TestRun xmlns='{NAMESPACE}'><Results>{results}</Results><TestDefinitions><UnitTest id='1' storage='c:\\ci\\shop.dll'>\
             <TestMethod className='Shop.Cart' name='Adds'/></UnitTest></TestDefinitions>{summary}</TestRun>"
        )
    }

    fn result(outcome: &str) -> String {
        format!("<UnitTestResult testId='1' testName='Adds' outcome='{outcome}'/>")
    }

    fn facts(results: &str) -> (Outcome, TestFacts) {
        let facts = read_facts(Format::Trx, &mut document(results, COMPLETED).as_bytes()).unwrap();
        (facts.outcome, facts.tests.unwrap())
    }

    fn refused(text: &str) -> Cause {
        read_facts(Format::Trx, &mut text.as_bytes()).unwrap_err().cause
    }

    const COMPLETED: &str = "<ResultSummary outcome='Completed'/>";

    #[test]
    fn outcomes_are_those_of_the_schema() {
        assert_eq!(facts(&result("Passed")).0, Outcome::Pass);
        for word in ["Failed", "Error", "Timeout", "Aborted", "NotRunnable", "Disconnected", "PassedButRunAborted"] {
            assert_eq!(facts(&(result("Passed") + &result(word))).0, Outcome::Fail, "{word}");
        }
        for word in ["NotExecuted", "Inconclusive", "Warning", "Blocked", "Pending"] {
            assert_eq!(facts(&result(word)).1.skipped, 1, "{word}");
        }
        for word in ["InProgress", "Completed", "passed", ""] {
            assert_eq!(facts(&(result("Passed") + &result(word))).0, Outcome::Inconclusive, "{word}");
        }
        assert_eq!(facts("<UnitTestResult testId='1' testName='Adds'/>").0, Outcome::Fail);
        assert_eq!(facts("").0, Outcome::Inconclusive);
    }

    #[test]
    fn rows_of_a_test_count_and_the_whole_only_if_it_is_no_pass() {
        let whole = |outcome: &str, rows: &str| {
            format!(
                "<UnitTestResult testId='1' testName='Adds' outcome='{outcome}'><InnerResults>{rows}</InnerResults></UnitTestResult>"
            )
        };
        let rows = result("Passed") + &result("Passed");
        assert_eq!(facts(&whole("Passed", &rows)).1.total, 2);
        let (outcome, tests) = facts(&whole("Failed", &rows));
        assert_eq!((outcome, tests.total, tests.failed), (Outcome::Fail, 3, 1));
        assert_eq!(facts(&whole("Passed", &(rows + &result("Failed")))).0, Outcome::Fail);
    }

    #[test]
    fn a_run_that_did_not_end_is_inconclusive() {
        let outcome = |summary: &str| {
            let text = document(&result("Passed"), summary);
            read_facts(Format::Trx, &mut text.as_bytes()).unwrap().outcome
        };
        assert_eq!(outcome(COMPLETED), Outcome::Pass);
        assert_eq!(outcome(""), Outcome::Inconclusive);
        for word in ["Aborted", "Error", "InProgress", ""] {
            assert_eq!(outcome(&format!("<ResultSummary outcome='{word}'/>")), Outcome::Inconclusive, "{word}");
        }
        let noted =
            "<ResultSummary outcome='Completed'><RunInfos><RunInfo outcome='Error'/></RunInfos></ResultSummary>";
        assert_eq!(outcome(noted), Outcome::Inconclusive);
    }

    #[test]
    fn declared_failures_that_are_missing_are_refused() {
        let text = |summary: &str| document(&result("Passed"), summary);
        assert!(matches!(refused(&text("<ResultSummary outcome='Failed'/>")), Cause::FailuresMissing { .. }));
        let counters = "<ResultSummary outcome='Completed'><Counters failed='0' timeout='1'/></ResultSummary>";
        assert!(matches!(refused(&text(counters)), Cause::FailuresMissing { declared: 1, found: 0, .. }));
        assert!(matches!(refused(&text(&COMPLETED.repeat(2))), Cause::Record { .. }));
    }

    #[test]
    fn other_documents_are_refused() {
        assert!(refused("<TestRun/>").to_string().contains("TeamTest/2010"));
        assert!(
            refused("<TestRun xmlns='http://microsoft.com/schemas/VisualStudio/TeamTest/2006'/>")
                .to_string()
                .contains("2006")
        );
        assert!(matches!(refused("<test-run/>"), Cause::Root { foreign: Some("NUnit 3"), .. }));
        let hidden = format!("<TestRun xmlns='{NAMESPACE}'><X><UnitTestResult outcome='Passed'/></X></TestRun>");
        assert!(matches!(refused(&hidden), Cause::Misplaced { .. }));
    }

    #[test]
    fn ids_and_folders_are_no_part_of_a_name() {
        let text = document(&result("Passed"), COMPLETED);
        let of = |text: &str| read_report(Format::Trx, &mut text.as_bytes()).unwrap().cases.remove(0);
        assert_eq!((of(&text).suite, of(&text).class), ("shop.dll".to_owned(), "Shop.Cart".to_owned()));
        let other = text.replace("'1'", "'7'").replace("c:\\ci\\", "/home/x/");
        assert_eq!(of(&text).identity, of(&other).identity);
        assert_ne!(of(&text).identity, of(&text.replace("Shop.Cart", "Shop.Till")).identity);
    }
}
