//! NUnit 3 XML -> facts about tests.
//!
//! ```xml
//! <test-run testcasecount="1" result="Passed" total="1" passed="1" failed="0">
//!   <test-suite type="TestFixture" name="Cart" result="Passed" failed="0">
//!     <test-case name="Adds" fullname="Shop.Cart.Adds" classname="Shop.Cart" result="Passed"/>
//! ```
//!
//! Spec: "Test Result XML Format" of the NUnit documentation, version 3. A suite that failed by itself (in its setup, its teardown, or
//! because it is no test at all) is a case of its own; one that failed by its children is none. Inconclusive cases, whose
//! assumption did not hold, and those with warnings showed nothing: they are counted with the skipped ones, as NUnit's own adapter
//! does. Of the declared totals only the failures are looked at, and of more than are there the report is cut or edited.
//! Durations, output and attachments are out of scope; properties are kept beside the case and are in no fact.

use std::io::BufRead;

use super::detect::foreign_root;
use super::tally::{CaseName, CaseTally, SuitePath, hold_declared};
use super::xml::{Doctype, Tag, Token, Xml, count, refuse_namespace};
use super::{CaseOutcome, Cause, Detail, Format, Place, Properties, ReadError, Report};

/// Reads an NUnit 3 report.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut xml = Xml::open(input, Doctype::Refused)?;
    let mut walk = Walk { open: Vec::new(), tally: CaseTally::new(detail) };
    loop {
        let mut is_text = false;
        match xml.next()? {
            Token::Start(tag) => walk.start(&tag)?,
            Token::End => walk.end()?,
            Token::Text(text) => is_text = !text.trim_ascii().is_empty(),
            Token::Between => {}
            Token::Done => return Ok(walk.tally.finish(Format::Nunit, Vec::new())),
        }
        if is_text || xml.was_cdata() {
            walk.text();
        }
    }
}

struct Walk {
    /// The open elements from the root in.
    open: Vec<Node>,
    tally: CaseTally,
}

enum Node {
    /// `test-run` or `test-suite`.
    Suite(Suite),
    Case(Case),
    /// `failure` of a case, and its `message`.
    Failure,
    Message,
    /// `assertions` of a case.
    Assertions,
    /// `properties` of a case.
    Properties,
    Other,
}

struct Suite {
    path: SuitePath,
    name: String,
    place: Place,
    /// How many failed cases the suite says it has; at least one, if it says that it failed by its children.
    declared: u64,
    /// How many there are.
    found: u64,
}

struct Case {
    place: Place,
    class: String,
    name: String,
    outcome: CaseOutcome,
    properties: Vec<String>,
}

impl Walk {
    fn start(&mut self, tag: &Tag<'_>) -> Result<(), ReadError> {
        let refuse = |cause| ReadError::at(tag.place(), cause);
        let misplaced = |element, inside| Err(refuse(Cause::Misplaced { element, inside }));
        let node = match (self.open.last_mut(), tag.name()) {
            (None, "test-run") => self.suite(tag, SuitePath::root())?,
            (None, root) => {
                let (found, foreign) = (root.chars().take(40).collect(), foreign_root(root));
                return Err(refuse(Cause::Root { found, foreign, title: "NUnit 3", wanted: "test-run" }));
            }
            (Some(Node::Suite(outer)), "test-suite") => {
                let [name] = tag.attributes(["name"])?;
                let path = outer.path.inside(&name.unwrap_or_default());
                self.suite(tag, path)?
            }
            (Some(Node::Suite(_)), "test-case") => case(tag)?,
            (Some(Node::Case(_)), "failure") => Node::Failure,
            (Some(Node::Failure), "message") => Node::Message,
            (Some(Node::Case(_)), "assertions") => Node::Assertions,
            (Some(Node::Case(_)), "properties") => Node::Properties,
            (Some(Node::Assertions), "assertion") => {
                let [result] = tag.attributes(["result"])?;
                let said = outcome_of(result.as_deref().unwrap_or_default());
                if let [.., Node::Case(case), Node::Assertions] = &mut self.open[..] {
                    case.say(said);
                }
                Node::Other
            }
            (Some(Node::Properties), "property") => {
                let [name, value] = tag.attributes(["name", "value"]).unwrap_or_default();
                if let ([.., Node::Case(case), Node::Properties], Some(name)) = (&mut self.open[..], name) {
                    self.tally.keep_property(&mut case.properties, &name, value.as_deref().unwrap_or_default());
                }
                Node::Other
            }
            (Some(_), "test-run") => return misplaced("test-run", "inside another element"),
            (Some(_), "test-suite") => return misplaced("test-suite", "inside what is no suite"),
            (Some(_), "test-case") => return misplaced("test-case", "inside what is no suite"),
            (Some(_), _) => Node::Other,
        };
        self.open.push(node);
        Ok(())
    }

    /// Takes text that is more than white space.
    ///
    /// A pass with the message of a failure is none. pytest-nunit writes an empty one beside every pass, and the reason why
    /// a case was skipped into one.
    fn text(&mut self) {
        if let [.., Node::Case(case), Node::Failure, Node::Message] = &mut self.open[..]
            && case.outcome == CaseOutcome::Passed
        {
            case.say(CaseOutcome::Failed);
        }
    }

    fn suite(&mut self, tag: &Tag<'_>, path: SuitePath) -> Result<Node, ReadError> {
        refuse_namespace(tag, "test-suite")?;
        let is_root = self.open.is_empty();
        let [name, failed, result, site] = tag.attributes(["name", "failed", "result", "site"])?;
        let declared = count(tag, "failed", failed.as_deref())?;
        let says_failed = result.as_deref().is_some_and(|result| outcome_of(result) == CaseOutcome::Failed);
        let by_children = is_root || site.as_deref() == Some("Child");
        let mut suite =
            Suite { path, name: name.unwrap_or_default().into_owned(), place: tag.place(), declared, found: 0 };
        if says_failed && by_children {
            suite.declared = suite.declared.max(1);
        } else if says_failed {
            let name = CaseName { file: "", class: "", name: SUITE_LEVEL };
            let added = self.tally.add(&suite.path, name, CaseOutcome::Failed);
            added.map_err(|cause| ReadError::at(tag.place(), cause))?;
            suite.found += 1;
        }
        Ok(Node::Suite(suite))
    }

    fn end(&mut self) -> Result<(), ReadError> {
        match self.open.pop() {
            None | Some(Node::Failure | Node::Message | Node::Assertions | Node::Properties | Node::Other) => Ok(()),
            Some(Node::Suite(suite)) => {
                hold_declared(&suite.name, suite.place, suite.declared, suite.found)?;
                if let Some(Node::Suite(outer)) = self.open.last_mut() {
                    outer.found += suite.found;
                }
                Ok(())
            }
            Some(Node::Case(case)) => {
                let Some(Node::Suite(outer)) = self.open.last_mut() else { return Ok(()) };
                outer.found += u64::from(case.outcome == CaseOutcome::Failed);
                let name = CaseName { file: "", class: &case.class, name: &case.name };
                let properties = Properties::inside(&Properties::default(), case.properties);
                let added = self.tally.add_with(&outer.path, name, case.outcome, properties);
                added.map_err(|cause| ReadError::at(case.place, cause))
            }
        }
    }
}

impl Case {
    /// Takes one more statement about the case: the most severe wins.
    fn say(&mut self, outcome: CaseOutcome) {
        self.outcome = self.outcome.min(outcome);
    }
}

fn case(tag: &Tag<'_>) -> Result<Node, ReadError> {
    refuse_namespace(tag, "test-case")?;
    let [name, class, result] = tag.attributes(["name", "classname", "result"])?;
    Ok(Node::Case(Case {
        place: tag.place(),
        class: class.unwrap_or_default().into_owned(),
        name: name.unwrap_or_default().into_owned(),
        outcome: outcome_of(result.as_deref().unwrap_or_default()),
        properties: Vec::new(),
    }))
}

/// Returns what a result says. If the word is not one of NUnit's, returns [`CaseOutcome::Unknown`]: new words must not pass.
fn outcome_of(result: &str) -> CaseOutcome {
    match result {
        "Passed" => CaseOutcome::Passed,
        // `Error` is that of an assertion.
        "Failed" | "Error" => CaseOutcome::Failed,
        "Skipped" | "Inconclusive" | "Warning" => CaseOutcome::Skipped,
        _ => CaseOutcome::Unknown,
    }
}

/// The name of the case that stands for a suite that failed by itself.
const SUITE_LEVEL: &str = "(suite)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Outcome, TestFacts};
    use crate::reports::{read as read_facts, read_report};

    fn facts(inside: &str) -> (Outcome, TestFacts) {
        let text = format!("<test-run><test-suite name='s'>{inside}</test-suite></test-run>");
        let facts = read_facts(Format::Nunit, &mut text.as_bytes()).unwrap();
        (facts.outcome, facts.tests.unwrap())
    }

    fn refused(text: &str) -> Cause {
        read_facts(Format::Nunit, &mut text.as_bytes()).unwrap_err().cause
    }

    fn case(attributes: &str, children: &str) -> CaseOutcome {
        let text = format!(
            "<test-run><test-suite><test-case name='a' {attributes}>{children}</test-case></test-suite></test-run>"
        );
        read_report(Format::Nunit, &mut text.as_bytes()).unwrap().cases[0].outcome
    }

    #[test]
    fn the_most_severe_statement_about_a_case_wins() {
        assert_eq!(case("result='Passed'", ""), CaseOutcome::Passed);
        assert_eq!(case("result='Failed' label='Error'", ""), CaseOutcome::Failed);
        let failure =
            |message: &str| format!("<failure><message>{message}</message><stack-trace>at</stack-trace></failure>");
        assert_eq!(case("result='Passed'", &failure("no")), CaseOutcome::Failed);
        assert_eq!(case("result='Passed'", &failure("<![CDATA[no]]>")), CaseOutcome::Failed);
        assert_eq!(case("result='Passed'", &failure(" <![CDATA[ ]]>\n")), CaseOutcome::Passed);
        assert_eq!(case("result='Skipped'", &failure("Skipped: later")), CaseOutcome::Skipped);
        assert_eq!(
            case("result='Passed'", "<assertions><assertion result='Error'/></assertions>"),
            CaseOutcome::Failed
        );
        assert_eq!(
            case("result='Passed'", "<assertions><assertion result='Passed'/></assertions>"),
            CaseOutcome::Passed
        );
        for word in ["Skipped", "Inconclusive", "Warning"] {
            assert_eq!(case(&format!("result='{word}'"), ""), CaseOutcome::Skipped);
        }
        for word in ["", "passed", "Success", "Cancelled"] {
            assert_eq!(case(&format!("result='{word}'"), ""), CaseOutcome::Unknown, "{word}");
        }
        assert_eq!(case("", ""), CaseOutcome::Unknown);
    }

    #[test]
    fn a_suite_that_failed_by_itself_is_a_case() {
        let passed = "<test-case name='a' result='Passed'/>";
        let (outcome, tests) = facts(&format!("<test-suite result='Failed' site='TearDown'>{passed}</test-suite>"));
        assert_eq!((outcome, tests.total, tests.failed), (Outcome::Fail, 2, 1));
        assert_eq!(facts(&format!("<test-suite result='Failed' label='Invalid'/>{passed}")).0, Outcome::Fail);
        let (_, tests) =
            facts("<test-suite result='Failed' site='Child'><test-case name='a' result='Failed'/></test-suite>");
        assert_eq!((tests.total, tests.failed), (1, 1));
    }

    #[test]
    fn declared_failures_that_are_missing_are_refused() {
        let passed = "<test-suite name='s'><test-case name='a' result='Passed'/></test-suite>";
        for text in [
            format!("<test-run failed='1'>{passed}</test-run>"),
            format!("<test-run result='Failed'>{passed}</test-run>"),
            format!("<test-run><test-suite name='s' result='Failed' site='Child'>{passed}</test-suite></test-run>"),
        ] {
            assert!(matches!(refused(&text), Cause::FailuresMissing { declared: 1, found: 0, .. }), "{text}");
        }
        assert!(matches!(refused("<test-run failed='x'/>"), Cause::NotACount { .. }));
    }

    #[test]
    fn absence_is_inconclusive_and_other_documents_are_refused() {
        assert_eq!(facts("").0, Outcome::Inconclusive);
        assert_eq!(facts("<test-case name='a' result='Inconclusive'/>").0, Outcome::Inconclusive);
        assert_eq!(facts("<test-case name='a' result='Passed'/>").0, Outcome::Pass);
        assert!(matches!(refused("<test-results/>"), Cause::Root { foreign: Some("NUnit 2"), .. }));
        assert!(matches!(refused("<test-run xmlns='urn:x'/>"), Cause::Namespace { .. }));
        let hidden = "<test-run><x><test-case result='Passed'/></x></test-run>";
        assert!(matches!(refused(hidden), Cause::Misplaced { element: "test-case", .. }));
    }

    #[test]
    fn properties_are_kept() {
        let text = "<test-run><test-case name='a' result='Passed'><properties><property name='Category' value='positive'/></properties></test-case></test-run>";
        let report = read_report(Format::Nunit, &mut text.as_bytes()).unwrap();
        assert_eq!(report.cases[0].properties.iter().collect::<Vec<_>>(), ["Category=positive"]);
    }
}
