//! xUnit.net v2 and v3 XML -> facts about tests.
//!
//! ```xml
//! <assemblies>
//!   <assembly name="/ci/shop/Shop.Tests.dll" total="1" passed="1" failed="0" skipped="0" errors="0">
//!     <errors/>
//!     <collection name="Test collection for Shop.CartTests" total="1" failed="0">
//!       <test name="Shop.CartTests.Adds(n: 1)" type="Shop.CartTests" method="Adds" result="Pass"/>
//! ```
//!
//! Spec: "xUnit.net XML Format v2". An error of an assembly (a cleanup that threw, say) is a case of its own. An assembly is known
//! by the name of its file, since its path is that of a machine. Of the declared totals only failures and errors are looked at.
//! The format of xUnit.net v1 has no collections and is refused; durations and output are out of scope, traits are kept beside the
//! case and are in no fact.

use std::io::BufRead;

use super::detect::foreign_root;
use super::tally::{CaseName, CaseTally, SuitePath, hold_declared, without_folder};
use super::xml::{Doctype, Tag, Token, Xml, count, refuse_namespace};
use super::{CaseOutcome, Cause, Detail, Format, Place, Properties, ReadError, Report};

/// Reads an xUnit.net report.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut xml = Xml::open(input, Doctype::Refused)?;
    let mut walk = Walk { open: Vec::new(), tally: CaseTally::new(detail) };
    loop {
        match xml.next()? {
            Token::Start(tag) => walk.start(&tag)?,
            Token::End => walk.end()?,
            Token::Text(_) | Token::Between => {}
            Token::Done => return Ok(walk.tally.finish(Format::Xunit, Vec::new())),
        }
    }
}

struct Walk {
    /// The open elements from the root in.
    open: Vec<Node>,
    tally: CaseTally,
}

enum Node {
    Assemblies,
    /// `assembly` or `collection`.
    Suite(Suite),
    /// `errors` of an assembly.
    Errors,
    Test(Test),
    Traits,
    Other,
}

struct Suite {
    path: SuitePath,
    name: String,
    place: Place,
    kind: Kind,
    /// `failed` and `errors` as it declares them.
    declared: u64,
    found: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Assembly,
    Collection,
}

struct Test {
    place: Place,
    class: String,
    name: String,
    outcome: CaseOutcome,
    traits: Vec<String>,
}

impl Walk {
    fn start(&mut self, tag: &Tag<'_>) -> Result<(), ReadError> {
        let refuse = |cause| ReadError::at(tag.place(), cause);
        let misplaced = |element, inside| Err(refuse(Cause::Misplaced { element, inside }));
        let node = match (self.open.last_mut(), tag.name()) {
            (None, "assemblies") => {
                refuse_namespace(tag, "assemblies")?;
                Node::Assemblies
            }
            (None | Some(Node::Assemblies), "assembly") => suite(tag, &SuitePath::root(), Kind::Assembly)?,
            (None, root) => {
                let (found, foreign) = (root.chars().take(40).collect(), foreign_root(root));
                let wanted = "assemblies or assembly";
                return Err(refuse(Cause::Root { found, foreign, title: "xUnit.net", wanted }));
            }
            (Some(Node::Suite(outer)), "collection") if outer.kind == Kind::Assembly => {
                suite(tag, &outer.path, Kind::Collection)?
            }
            (Some(Node::Suite(outer)), "errors") if outer.kind == Kind::Assembly => Node::Errors,
            (Some(Node::Errors), "error") => {
                if let [.., Node::Suite(outer), Node::Errors] = &mut self.open[..] {
                    outer.found += 1;
                    let name = CaseName { file: "", class: "", name: SUITE_LEVEL };
                    self.tally.add(&outer.path, name, CaseOutcome::Failed).map_err(refuse)?;
                }
                Node::Other
            }
            (Some(Node::Suite(outer)), "test") if outer.kind == Kind::Collection => test(tag)?,
            (Some(Node::Test(test)), "failure") => {
                test.outcome = CaseOutcome::Failed;
                Node::Other
            }
            (Some(Node::Test(_)), "traits") => Node::Traits,
            (Some(Node::Traits), "trait") => {
                let [name, value] = tag.attributes(["name", "value"]).unwrap_or_default();
                if let ([.., Node::Test(test), Node::Traits], Some(name)) = (&mut self.open[..], name) {
                    self.tally.keep_property(&mut test.traits, &name, value.as_deref().unwrap_or_default());
                }
                Node::Other
            }
            (Some(Node::Suite(_)), "class") => {
                return misplaced("class", "directly inside an assembly, as in the format of xUnit.net v1");
            }
            (Some(_), "assembly") => return misplaced("assembly", "inside what is no list of assemblies"),
            (Some(_), "collection") => return misplaced("collection", "inside what is no assembly"),
            (Some(_), "test") => return misplaced("test", "inside what is no collection"),
            (Some(_), _) => Node::Other,
        };
        self.open.push(node);
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReadError> {
        match self.open.pop() {
            None | Some(Node::Assemblies | Node::Errors | Node::Traits | Node::Other) => Ok(()),
            Some(Node::Suite(suite)) => {
                hold_declared(&suite.name, suite.place, suite.declared, suite.found)?;
                if let Some(Node::Suite(outer)) = self.open.last_mut() {
                    outer.found += suite.found;
                }
                Ok(())
            }
            Some(Node::Test(test)) => {
                let Some(Node::Suite(outer)) = self.open.last_mut() else { return Ok(()) };
                outer.found += u64::from(test.outcome == CaseOutcome::Failed);
                let name = CaseName { file: "", class: &test.class, name: &test.name };
                let properties = Properties::inside(&Properties::default(), test.traits);
                let added = self.tally.add_with(&outer.path, name, test.outcome, properties);
                added.map_err(|cause| ReadError::at(test.place, cause))
            }
        }
    }
}

fn suite(tag: &Tag<'_>, around: &SuitePath, kind: Kind) -> Result<Node, ReadError> {
    refuse_namespace(tag, "assembly")?;
    let [name, failed, errors] = tag.attributes(["name", "failed", "errors"])?;
    let declared = count(tag, "failed", failed.as_deref())?.saturating_add(count(tag, "errors", errors.as_deref())?);
    let name = name.unwrap_or_default();
    let name = match kind {
        Kind::Assembly => without_folder(&name),
        Kind::Collection => &name,
    };
    let (path, name) = (around.inside(name), name.to_owned());
    Ok(Node::Suite(Suite { path, name, place: tag.place(), kind, declared, found: 0 }))
}

fn test(tag: &Tag<'_>) -> Result<Node, ReadError> {
    refuse_namespace(tag, "test")?;
    let [name, class, result] = tag.attributes(["name", "type", "result"])?;
    let outcome = match result.as_deref() {
        Some("Pass") => CaseOutcome::Passed,
        Some("Fail") => CaseOutcome::Failed,
        Some("Skip" | "NotRun") => CaseOutcome::Skipped,
        // New words must not pass.
        Some(_) | None => CaseOutcome::Unknown,
    };
    let (class, name) = (class.unwrap_or_default().into_owned(), name.unwrap_or_default().into_owned());
    Ok(Node::Test(Test { place: tag.place(), class, name, outcome, traits: Vec::new() }))
}

/// The name of the case that stands for an error of a whole assembly.
const SUITE_LEVEL: &str = "(suite)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Outcome, TestFacts};
    use crate::reports::{read as read_facts, read_report};

    fn document(attributes: &str, inside: &str) -> String {
        format!("<assemblies><assembly name='/ci/Shop.dll' {attributes}>{inside}</assembly></assemblies>")
    }

    fn tests(inside: &str) -> String {
        document("", &format!("<collection name='c'>{inside}</collection>"))
    }

    fn facts(text: &str) -> (Outcome, TestFacts) {
        let facts = read_facts(Format::Xunit, &mut text.as_bytes()).unwrap();
        (facts.outcome, facts.tests.unwrap())
    }

    fn refused(text: &str) -> Cause {
        read_facts(Format::Xunit, &mut text.as_bytes()).unwrap_err().cause
    }

    #[test]
    fn results_are_outcomes_and_a_failure_wins() {
        let (outcome, found) =
            facts(&tests("<test name='a' result='Pass'/><test result='Skip'/><test result='NotRun'/>"));
        assert_eq!((outcome, found.passed, found.skipped), (Outcome::Pass, 1, 2));
        assert_eq!(facts(&tests("<test result='Fail'/>")).0, Outcome::Fail);
        assert_eq!(facts(&tests("<test result='Pass'><failure/></test>")).0, Outcome::Fail);
        for result in ["", "pass", "Passed", "Explicit"] {
            let text = tests(&format!("<test result='{result}'/><test result='Pass'/>"));
            assert_eq!(facts(&text).0, Outcome::Inconclusive, "{result}");
        }
        assert_eq!(facts(&tests("<test/>")).1.unknown, 1);
    }

    #[test]
    fn an_error_of_an_assembly_is_a_case() {
        let text = document(
            "errors='1'",
            "<errors><error type='assembly-cleanup'/></errors><collection><test result='Pass'/></collection>",
        );
        let (outcome, found) = facts(&text);
        assert_eq!((outcome, found.total, found.failed), (Outcome::Fail, 2, 1));
    }

    #[test]
    fn declared_failures_that_are_missing_are_refused() {
        let inside = "<collection name='c' failed='0'><test result='Pass'/></collection>";
        assert_eq!(facts(&document("failed='0' errors='0'", inside)).0, Outcome::Pass);
        for attributes in ["failed='1'", "errors='1'"] {
            assert!(matches!(refused(&document(attributes, inside)), Cause::FailuresMissing { .. }), "{attributes}");
        }
        let inside = inside.replace("'0'", "'2'");
        assert!(matches!(refused(&document("", &inside)), Cause::FailuresMissing { .. }));
    }

    #[test]
    fn absence_is_inconclusive_and_other_documents_are_refused() {
        assert_eq!(facts("<assemblies/>").0, Outcome::Inconclusive);
        assert_eq!(facts(&tests("")).0, Outcome::Inconclusive);
        assert!(matches!(refused("<testsuites/>"), Cause::Root { title: "xUnit.net", .. }));
        let v1 = "<assembly name='a'><class name='c'><test name='t' result='Pass'/></class></assembly>";
        assert!(refused(v1).to_string().contains("xUnit.net v1"));
        assert!(matches!(refused("<assemblies><x><test result='Pass'/></x></assemblies>"), Cause::Misplaced { .. }));
        assert!(matches!(refused("<assembly xmlns='urn:x'/>"), Cause::Namespace { .. }));
    }

    #[test]
    fn the_folder_of_an_assembly_is_no_part_of_its_name_and_traits_are_kept() {
        let text = tests(
            "<test name='n' type='t' result='Pass'><traits><trait name='kind' value='negative'/></traits></test>",
        );
        let of = |text: &str| read_report(Format::Xunit, &mut text.as_bytes()).unwrap().cases.remove(0);
        assert_eq!((of(&text).suite, of(&text).class), ("Shop.dll > c".to_owned(), "t".to_owned()));
        assert_eq!(of(&text).properties.iter().collect::<Vec<_>>(), ["kind=negative"]);
        assert_eq!(of(&text).identity, of(&text.replace("/ci/", "C:\\w\\")).identity);
        assert_ne!(of(&text).identity, of(&text.replace("Shop.dll", "Cart.dll")).identity);
    }
}
