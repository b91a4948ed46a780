//! Robot Framework output.xml -> facts about tests.
//!
//! ```xml
//! <robot generator="Robot 7.5 (Python 3.11.7 on linux)" schemaversion="5">
//!   <suite id="s1" name="Cart">
//!     <test id="s1-t1" name="Adds"><kw name="Log"><status status="PASS"/></kw><status status="PASS"/></test>
//!     <status status="PASS"/>
//!   </suite>
//! ```
//!
//! Spec: the schema of Robot Framework 4 to 7 (schema versions 2 to 5). Of a test counts the status that stands directly inside it.
//! A test that passed when it was run again, and whose results `rebot --merge` put together, is flaky.
//! A suite whose teardown failed is a failed case of its own: its tests keep the status that they had before, and only Robot's own
//! reader turns them. A pass of which no keyword ran (a dry run writes that) did not run. Of the statistics only the failures are
//! looked at. Times, messages and the errors of loading libraries are out of scope: a test whose keyword is missing fails. Tags are
//! kept beside the case as `tag=NAME` and are in no fact.

use std::io::BufRead;

use super::detect::foreign_root;
use super::limits::NAME_BYTES_MAX;
use super::tally::{CaseName, CaseTally, SuitePath, hold_declared, shown};
use super::xml::{Doctype, Tag, Token, Xml, count, refuse_namespace};
use super::{CaseOutcome, Cause, Detail, Format, Place, Properties, ReadError, Report};

/// Reads an output.xml.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut xml = Xml::open(input, Doctype::Refused)?;
    let mut walk = Walk { open: Vec::new(), tally: CaseTally::new(detail), failed: 0, turned: false };
    loop {
        match xml.next()? {
            Token::Start(tag) => walk.start(&tag)?,
            Token::End => walk.end()?,
            Token::Text(text) => walk.text(&text),
            Token::Between => {}
            Token::Done => return Ok(walk.tally.finish(Format::Robot, Vec::new())),
        }
    }
}

struct Walk {
    /// The open elements from the root in.
    open: Vec<Node>,
    tally: CaseTally,
    /// The failed cases so far.
    failed: u64,
    /// Whether the teardown of a suite failed: Robot then counts its tests as failed.
    turned: bool,
}

enum Node {
    Root,
    Suite(Suite),
    Test(Test),
    Keyword(Keyword),
    /// `tags` of Robot 3, or `tag`.
    Tag,
    /// `status` directly inside a test, with its message.
    TestStatus,
    Statistics,
    Total,
    Other,
}

struct Suite {
    path: SuitePath,
    name: String,
    place: Place,
    /// Whether it says that it failed.
    declared: u64,
    found: u64,
}

struct Test {
    place: Place,
    name: String,
    outcome: Option<CaseOutcome>,
    /// Keywords inside it, at any depth, and those of them that ran.
    keywords: u64,
    ran: u64,
    tags: Vec<String>,
    /// What its status says beside.
    message: String,
}

struct Keyword {
    is_teardown: bool,
    has_inner: bool,
}

impl Walk {
    fn start(&mut self, tag: &Tag<'_>) -> Result<(), ReadError> {
        let refuse = |cause| ReadError::at(tag.place(), cause);
        let misplaced = |element, inside| Err(refuse(Cause::Misplaced { element, inside }));
        let in_suite = self.is_in(|node| matches!(node, Node::Suite(_)));
        let in_statistics = self.is_in(|node| matches!(node, Node::Statistics));
        let node = match (self.open.last_mut(), tag.name()) {
            (None, "robot") => {
                refuse_namespace(tag, "robot")?;
                let [version] = tag.attributes(["schemaversion"])?;
                let found = version.as_deref().unwrap_or("none");
                if !matches!(found, "2" | "3" | "4" | "5") {
                    let found = format!("schemaversion {}", shown(found, 40));
                    return Err(refuse(Cause::Record { found, wanted: "2 to 5, which Robot Framework 4 to 7 write" }));
                }
                Node::Root
            }
            (None, root) => {
                let (found, foreign) = (root.chars().take(40).collect(), foreign_root(root));
                return Err(refuse(Cause::Root { found, foreign, title: "Robot Framework", wanted: "robot" }));
            }
            (Some(Node::Root), "suite") => suite(tag, &SuitePath::root())?,
            (Some(Node::Suite(outer)), "suite") => suite(tag, &outer.path)?,
            (Some(Node::Suite(_)), "test") => test(tag)?,
            (Some(Node::Root), "statistics") => Node::Statistics,
            (Some(Node::Statistics), "total") => Node::Total,
            (Some(Node::Total), "stat") => {
                self.statistics(tag)?;
                Node::Other
            }
            (Some(Node::Suite(suite)), "status") => {
                let [status] = tag.attributes(["status"])?;
                suite.declared = u64::from(outcome_of(status.as_deref()) == CaseOutcome::Failed);
                Node::Other
            }
            (Some(Node::Test(test)), "status") => {
                let [status] = tag.attributes(["status"])?;
                let said = outcome_of(status.as_deref());
                test.outcome = Some(test.outcome.map_or(said, |before| before.min(said)));
                Node::TestStatus
            }
            (Some(Node::Test(_)), "tag") => Node::Tag,
            (Some(Node::Keyword(_)), "status") => {
                let [status] = tag.attributes(["status"])?;
                self.keyword_status(tag, status.as_deref())?;
                Node::Other
            }
            (Some(around), "kw") if in_suite => {
                let [kind] = tag.attributes(["type"])?;
                let is_of_suite = matches!(around, Node::Suite(_));
                let is_teardown =
                    is_of_suite && kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("teardown"));
                self.inner_keyword();
                Node::Keyword(Keyword { is_teardown, has_inner: false })
            }
            (Some(_), "suite") if !in_statistics => {
                return misplaced("suite", "inside what is no suite");
            }
            (Some(_), "test") => return misplaced("test", "inside what is no suite"),
            (Some(_), _) => Node::Other,
        };
        self.open.push(node);
        Ok(())
    }

    fn is_in(&self, wanted: impl Fn(&Node) -> bool) -> bool {
        self.open.iter().any(wanted)
    }

    /// Counts a keyword that begins, in the keyword and in the test around it.
    fn inner_keyword(&mut self) {
        let mut nearest = true;
        for node in self.open.iter_mut().rev() {
            match node {
                Node::Keyword(outer) if nearest => {
                    outer.has_inner = true;
                    nearest = false;
                }
                Node::Test(test) => {
                    test.keywords += 1;
                    return;
                }
                _ => {}
            }
        }
    }

    fn keyword_status(&mut self, tag: &Tag<'_>, status: Option<&str>) -> Result<(), ReadError> {
        let Some(Node::Keyword(keyword)) = self.open.last() else { return Ok(()) };
        let (is_teardown, has_inner) = (keyword.is_teardown, keyword.has_inner);
        if is_teardown && outcome_of(status) == CaseOutcome::Failed {
            if let [.., Node::Suite(suite), _] = &mut self.open[..] {
                suite.found += 1;
                self.failed += 1;
                self.turned = true;
                let name = CaseName { file: "", class: "", name: SUITE_LEVEL };
                let added = self.tally.add(&suite.path, name, CaseOutcome::Failed);
                added.map_err(|cause| ReadError::at(tag.place(), cause))?;
            }
        } else if !has_inner && !matches!(status, Some("NOT RUN" | "NOT_RUN")) {
            for node in self.open.iter_mut().rev() {
                if let Node::Test(test) = node {
                    test.ran += 1;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Holds the failures that the statistics count against those that are there.
    fn statistics(&mut self, tag: &Tag<'_>) -> Result<(), ReadError> {
        let [failed] = tag.attributes(["fail"])?;
        let declared = count(tag, "fail", failed.as_deref())?;
        if self.turned { Ok(()) } else { hold_declared("All Tests", tag.place(), declared, self.failed) }
    }

    fn text(&mut self, text: &str) {
        match &mut self.open[..] {
            [.., Node::Test(test), Node::Tag] => self.tally.keep_property(&mut test.tags, "tag", text),
            [.., Node::Test(test), Node::TestStatus] if test.message.len() < NAME_BYTES_MAX => {
                test.message.push_str(text);
            }
            _ => {}
        }
    }

    fn end(&mut self) -> Result<(), ReadError> {
        match self.open.pop() {
            Some(Node::Suite(suite)) => {
                hold_declared(&suite.name, suite.place, suite.declared, suite.found)?;
                if let Some(Node::Suite(outer)) = self.open.last_mut() {
                    outer.found += suite.found;
                }
                Ok(())
            }
            Some(Node::Test(test)) => {
                let Some(Node::Suite(outer)) = self.open.last_mut() else { return Ok(()) };
                let outcome = match test.outcome.unwrap_or(CaseOutcome::Unknown) {
                    CaseOutcome::Passed if test.keywords > 0 && test.ran == 0 => CaseOutcome::Skipped,
                    CaseOutcome::Passed if failed_before(&test.message) => CaseOutcome::Flaky,
                    other => other,
                };
                let failed = u64::from(outcome == CaseOutcome::Failed);
                outer.found += failed;
                self.failed += failed;
                let properties = Properties::inside(&Properties::default(), test.tags);
                let name = CaseName { file: "", class: "", name: &test.name };
                let added = self.tally.add_with(&outer.path, name, outcome, properties);
                added.map_err(|cause| ReadError::at(test.place, cause))
            }
            None
            | Some(Node::Root | Node::Keyword(_) | Node::Tag | Node::TestStatus)
            | Some(Node::Statistics | Node::Total | Node::Other) => Ok(()),
        }
    }
}

fn suite(tag: &Tag<'_>, around: &SuitePath) -> Result<Node, ReadError> {
    let [name] = tag.attributes(["name"])?;
    let name = name.unwrap_or_default().into_owned();
    Ok(Node::Suite(Suite { path: around.inside(&name), name, place: tag.place(), declared: 0, found: 0 }))
}

fn test(tag: &Tag<'_>) -> Result<Node, ReadError> {
    let [name] = tag.attributes(["name"])?;
    let name = name.unwrap_or_default().into_owned();
    Ok(Node::Test(Test {
        place: tag.place(),
        name,
        outcome: None,
        keywords: 0,
        ran: 0,
        tags: Vec::new(),
        message: String::new(),
    }))
}

/// Tells whether a test failed in the run that `rebot --merge` put this one over, by the message that it writes.
fn failed_before(message: &str) -> bool {
    let Some((_, old)) = message.split_once("re-executed and results merged") else { return false };
    // The mark is of class `fail`, and older messages of merges of merges follow.
    old.split_once("Old status:").is_some_and(|(_, old)| old.contains("FAIL"))
}

/// Returns what a status says. If it is not one of Robot's, returns [`CaseOutcome::Unknown`]: new words must not pass.
fn outcome_of(status: Option<&str>) -> CaseOutcome {
    match status {
        Some("PASS") => CaseOutcome::Passed,
        Some("FAIL") => CaseOutcome::Failed,
        Some("SKIP" | "NOT RUN" | "NOT_RUN") => CaseOutcome::Skipped,
        Some(_) | None => CaseOutcome::Unknown,
    }
}

/// The name of the case that stands for the teardown of a suite.
const SUITE_LEVEL: &str = "(suite)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Outcome, TestFacts};
    use crate::reports::{read as read_facts, read_report};

    fn document(inside: &str, rest: &str) -> String {
        format!("<robot schemaversion='5'><suite name='s'>{inside}</suite>{rest}</robot>")
    }

    fn test(status: &str) -> String {
        format!("<test name='a'><kw name='k'><status status='PASS'/></kw><status status='{status}'/></test>")
    }

    fn facts(inside: &str) -> (Outcome, TestFacts) {
        let facts = read_facts(Format::Robot, &mut document(inside, "").as_bytes()).unwrap();
        (facts.outcome, facts.tests.unwrap())
    }

    fn refused(text: &str) -> Cause {
        read_facts(Format::Robot, &mut text.as_bytes()).unwrap_err().cause
    }

    #[test]
    fn what_failed_before_it_was_merged_is_flaky() {
        let of = |status: &str, old: &str| {
            let message = format!(
                "*HTML* &lt;span&gt;Test has been re-executed and results merged.&lt;/span&gt;&lt;hr&gt;New status: {status}&lt;hr&gt;Old status:&lt;/span&gt; &lt;span class=\"{}\"&gt;{old}&lt;/span&gt;",
                old.to_lowercase()
            );
            facts(&format!("<test name='a'><kw name='k'><status status='PASS'/></kw><status status='{status}'>{message}</status></test>")).1
        };
        assert_eq!((of("PASS", "FAIL").passed, of("PASS", "FAIL").flaky), (1, 1));
        assert_eq!((of("PASS", "PASS").passed, of("PASS", "PASS").flaky), (1, 0));
        assert_eq!((of("FAIL", "FAIL").failed, of("FAIL", "FAIL").flaky), (1, 0));
        assert_eq!(facts(&test("PASS")).1.flaky, 0);
    }

    #[test]
    fn the_status_of_the_test_counts_and_not_that_of_its_keywords() {
        assert_eq!(facts(&test("PASS")).0, Outcome::Pass);
        assert_eq!(facts(&test("FAIL")).0, Outcome::Fail);
        assert_eq!(facts(&(test("PASS") + &test("SKIP"))).1.skipped, 1);
        for word in ["", "pass", "NOT SET"] {
            assert_eq!(facts(&(test("PASS") + &test(word))).0, Outcome::Inconclusive, "{word}");
        }
        let expected = "<test name='a'><kw><kw><status status='FAIL'/></kw><status status='PASS'/></kw><status status='PASS'/></test>";
        assert_eq!(facts(expected).0, Outcome::Pass);
        assert_eq!(facts("<test name='a'><kw><status status='PASS'/></kw></test>").1.unknown, 1);
        assert_eq!(facts("<test name='a'><status status='PASS'/><status status='FAIL'/></test>").0, Outcome::Fail);
        assert_eq!(facts("").0, Outcome::Inconclusive);
    }

    #[test]
    fn a_dry_run_ran_nothing() {
        let dry = "<test name='a'><kw><kw><status status='NOT RUN'/></kw><status status='PASS'/></kw><status status='PASS'/></test>";
        let (outcome, tests) = facts(dry);
        assert_eq!((outcome, tests.skipped), (Outcome::Inconclusive, 1));
    }

    #[test]
    fn a_failed_teardown_of_a_suite_is_a_case() {
        let teardown = "<kw name='Close' type='TEARDOWN'><status status='FAIL'/></kw><status status='FAIL'/>";
        let (outcome, tests) = facts(&(test("PASS") + teardown));
        assert_eq!((outcome, tests.total, tests.failed), (Outcome::Fail, 2, 1));
        // Robot counts both tests as failed then.
        let statistics =
            "<statistics><total><stat pass='0' fail='2'>All Tests</stat></total><suite><stat/></suite></statistics>";
        let text = document(&(test("PASS") + &test("PASS") + teardown), statistics);
        assert_eq!(read_facts(Format::Robot, &mut text.as_bytes()).unwrap().outcome, Outcome::Fail);
    }

    #[test]
    fn declared_failures_that_are_missing_are_refused() {
        let failed = document(&(test("PASS") + "<status status='FAIL'/>"), "");
        assert!(matches!(refused(&failed), Cause::FailuresMissing { declared: 1, found: 0, .. }));
        let counted =
            document(&test("PASS"), "<statistics><total><stat fail='1'>All Tests</stat></total></statistics>");
        assert!(matches!(refused(&counted), Cause::FailuresMissing { declared: 1, found: 0, .. }));
    }

    #[test]
    fn other_documents_and_versions_are_refused() {
        assert!(refused("<robot generator='Robot 3.2'/>").to_string().contains("found `schemaversion none`"));
        assert!(refused("<robot schemaversion='6'/>").to_string().contains("schemaversion 6"));
        assert!(matches!(refused("<testsuite/>"), Cause::Root { title: "Robot Framework", .. }));
        assert!(matches!(refused(&document("<kw><test/></kw>", "")), Cause::Misplaced { .. }));
    }

    #[test]
    fn tags_are_kept() {
        let text = document("<test name='a'><tag>positive</tag><status status='PASS'/></test>", "");
        let report = read_report(Format::Robot, &mut text.as_bytes()).unwrap();
        assert_eq!(report.cases[0].properties.iter().collect::<Vec<_>>(), ["tag=positive"]);
    }
}
