//! `mutations.xml` of PIT -> facts about mutation.
//!
//! ```xml
//! <mutations partial="true">
//! <mutation detected='true' status='KILLED' numberOfTestsRun='1'><sourceFile>Prices.java</sourceFile>
//! <mutatedClass>shop.Prices</mutatedClass><mutatedMethod>add</mutatedMethod><methodDescription>(II)I</methodDescription>
//! <lineNumber>5</lineNumber><mutator>..MathMutator</mutator><killingTest>shop.PricesTest.adds</killingTest>
//! <description>Replaced integer addition with subtraction</description></mutation></mutations>
//! ```
//!
//! Spec: what versions 1.5 to 1.20 write. The file is the package's path and the source file's name, as in JaCoCo's reports; the
//! identity of a mutant is file, class, method, its signature, mutator and description. `partial` is no word about the run:
//! PIT writes `true` into every report of a whole one, and says by it that line coverage is measured for what is mutated
//! only. An aborted run leaves the root open, and is refused. Mutants that have no end are inconclusive; what could not be
//! loaded or run does not count. Only with the full matrix of mutants and tests are tests named that notice nothing.

use std::io::BufRead;

use super::coverage::line_number;
use super::detect::foreign_root;
use super::mutants::{Found, MutantTally};
use super::tally::shown;
use super::xml::{Doctype, Tag, Token, Xml};
use super::{Cause, Detail, Format, MutantState, Place, ReadError, Report};

/// Reads a report of PIT.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut xml = Xml::open(input, Doctype::Refused)?;
    let mut walk = Walk { open: Vec::new(), tally: MutantTally::new(detail) };
    loop {
        match xml.next_text()? {
            Token::Start(tag) => walk.start(&tag)?,
            Token::End => walk.end()?,
            Token::Text(text) => walk.text(&text)?,
            Token::Between => {}
            Token::Done => return Ok(walk.tally.finish(Format::Pit, Vec::new())),
        }
    }
}

struct Walk {
    /// The open elements from the root in.
    open: Vec<Element>,
    tally: MutantTally,
}

enum Element {
    Root,
    Mutation(Box<Mutation>),
    Field(Field),
    Other,
}

struct Mutation {
    place: Place,
    status: String,
    fields: [Option<String>; FIELDS.len()],
}

/// The place of a field in [`FIELDS`].
#[derive(Clone, Copy)]
struct Field(usize);

impl Walk {
    fn start(&mut self, tag: &Tag<'_>) -> Result<(), ReadError> {
        let refuse = |cause| ReadError::at(tag.place(), cause);
        let element = match (self.open.last_mut(), tag.name()) {
            (None, "mutations") => Element::Root,
            (None, root) => {
                let (found, foreign) = (root.chars().take(40).collect(), foreign_root(root));
                return Err(refuse(Cause::Root { found, foreign, title: "PIT", wanted: "mutations" }));
            }
            (Some(Element::Root), "mutation") => {
                let [status] = tag.attributes(["status"])?;
                let lacks = || refuse(Cause::Record { found: "mutation".to_owned(), wanted: "a `status`" });
                let status = status.ok_or_else(lacks)?.into_owned();
                Element::Mutation(Box::new(Mutation {
                    place: tag.place(),
                    status,
                    fields: std::array::from_fn(|_| None),
                }))
            }
            (Some(_), "mutation") => {
                return Err(refuse(Cause::Misplaced { element: "mutation", inside: "outside of the root" }));
            }
            (Some(Element::Mutation(mutation)), name) => match FIELDS.iter().position(|field| *field == name) {
                None => Element::Other,
                Some(index) => {
                    if mutation.fields[index].replace(String::new()).is_some() {
                        return Err(refuse(Cause::AttributeTwice { attribute: FIELDS[index] }));
                    }
                    Element::Field(Field(index))
                }
            },
            (Some(_), _) => Element::Other,
        };
        self.open.push(element);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), ReadError> {
        if let [.., Element::Mutation(mutation), Element::Field(Field(index))] = &mut self.open[..] {
            let field = mutation.fields[*index].get_or_insert_default();
            if field.len() + text.len() > super::limits::NAME_BYTES_MAX {
                let (bytes, bytes_max) = (field.len() + text.len(), super::limits::NAME_BYTES_MAX);
                let cause = Cause::NameTooLong { attribute: FIELDS[*index], bytes, bytes_max };
                return Err(ReadError::at(mutation.place, cause));
            }
            field.push_str(text);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReadError> {
        let Some(Element::Mutation(mutation)) = self.open.pop() else { return Ok(()) };
        let place = mutation.place;
        mutation.add(&mut self.tally).map_err(|cause| ReadError::at(place, cause))
    }
}

impl Mutation {
    fn add(&self, tally: &mut MutantTally) -> Result<(), Cause> {
        let text = |name: &'static str| -> Result<&str, Cause> {
            let lacks = || Cause::Record { found: "mutation".to_owned(), wanted: name };
            self.field(name).map(str::trim).filter(|text| !text.is_empty()).ok_or_else(lacks)
        };
        let (class, method) = (text("mutatedClass")?, text("mutatedMethod")?);
        let signature = self.field("methodDescription").unwrap_or_default();
        let (mutator, description) = (text("mutator")?, self.field("description").unwrap_or_default());
        let package = class.rsplit_once('.').map_or("", |(package, _)| package);
        let slash = if package.is_empty() { "" } else { "/" };
        let file = format!("{}{slash}{}", package.replace('.', "/"), text("sourceFile")?);
        let line = line_number(text("lineNumber")?)?;
        let state = match self.status.as_str() {
            "KILLED" => Some(MutantState::Killed),
            "SURVIVED" => Some(MutantState::Survived),
            "NO_COVERAGE" => Some(MutantState::Uncovered),
            "TIMED_OUT" | "MEMORY_ERROR" => Some(MutantState::Timeout),
            "NON_VIABLE" | "RUN_ERROR" => Some(MutantState::Invalid),
            _ => None,
        };
        let mut killers = Vec::new();
        for (field, kills) in [("killingTest", true), ("killingTests", true), ("succeedingTests", false)] {
            // Names of tests may hold the character that stands between them: then they come in pieces.
            let separator = if field == "killingTest" { '\n' } else { '|' };
            let names = self.field(field).unwrap_or_default().split(separator).map(str::trim);
            for name in names.filter(|name| !name.is_empty()) {
                killers.extend(tally.test(name)?.filter(|_| kills));
            }
        }
        let simple = mutator.rsplit('.').next().unwrap_or(mutator);
        let said = format!("{method}: {} ({simple})", shown(description, 200));
        let parts = [&file, class, method, signature, mutator, description];
        tally.add(&Found { parts: &parts, file: &file, lines: (line, line), text: &said, state }, killers)
    }

    fn field(&self, name: &str) -> Option<&str> {
        let index = FIELDS.iter().position(|field| *field == name)?;
        self.fields[index].as_deref()
    }
}

const FIELDS: [&str; 10] = [
    "sourceFile",
    "mutatedClass",
    "mutatedMethod",
    "methodDescription",
    "lineNumber",
    "mutator",
    "killingTest",
    "killingTests",
    "succeedingTests",
    "description",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Facts, Outcome};
    use crate::reports::{read as read_facts, read_report};

    fn mutation(status: &str, more: &str) -> String {
        format!(
            "<mutation detected='true' status='{status}'><sourceFile>Prices.java</sourceFile><mutatedClass>shop.Prices$1</mutatedClass><mutatedMethod>&lt;init&gt;</mutatedMethod>\
             <methodDescription>()V</methodDescription><lineNumber>5</lineNumber><mutator>org.pitest.MathMutator</mutator><indexes><index>5</index></indexes>{more}<description>d &amp; e</description></mutation>"
        )
    }

    fn document(inside: &str) -> String {
        format!("<?xml version=\"1.0\"?>\n<mutations partial=\"true\">{inside}</mutations>")
    }

    fn facts(text: &str) -> Facts {
        read_facts(Format::Pit, &mut text.as_bytes()).unwrap()
    }

    fn refused(text: &str) -> String {
        read_facts(Format::Pit, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn states_are_told_apart() {
        let words = ["KILLED", "SURVIVED", "NO_COVERAGE", "TIMED_OUT", "MEMORY_ERROR", "NON_VIABLE", "RUN_ERROR"];
        let all: String = words.iter().map(|word| mutation(word, "<killingTest/>")).collect();
        let found = facts(&document(&all));
        let mutation = found.mutation.unwrap();
        assert_eq!((mutation.killed, mutation.survived, mutation.uncovered), (1, 1, 1));
        assert_eq!((mutation.timeout, mutation.invalid, found.outcome), (2, 2, Outcome::Pass));
    }

    #[test]
    fn what_has_no_end_is_inconclusive_or_refused() {
        for word in ["STARTED", "NOT_STARTED", "killed", "EQUIVALENT"] {
            let found = facts(&document(&(mutation("KILLED", "") + &mutation(word, ""))));
            assert_eq!((found.outcome, found.reasons[0].as_str()), (Outcome::Inconclusive, "1 mutant was not judged"));
        }
        let cut = document(&mutation("KILLED", "")).replace("</mutations>", "");
        assert_eq!(refused(&cut), "line 2, column 381: the report ends inside 1 open elements");
        assert_eq!(facts(&document("")).outcome, Outcome::Inconclusive);
    }

    #[test]
    fn the_matrix_names_tests_that_notice_nothing() {
        let one = mutation("KILLED", "<killingTests>a|b</killingTests><succeedingTests>c|b</succeedingTests>");
        let report = read_report(Format::Pit, &mut document(&one).as_bytes()).unwrap();
        let mutant = &report.mutants[0];
        assert_eq!((mutant.file.as_str(), mutant.lines), ("shop/Prices.java", (5, 5)));
        assert_eq!(mutant.text, "<init>: d & e (MathMutator)");
        assert_eq!(mutant.killers.iter().map(|name| &**name).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(report.idle_tests, ["c"]);
        let one = mutation("KILLED", "<killingTest>shop.T.[a|b]</killingTest>");
        let report = read_report(Format::Pit, &mut document(&one).as_bytes()).unwrap();
        assert_eq!((&*report.mutants[0].killers[0], report.idle_tests.len()), ("shop.T.[a|b]", 0));
    }

    #[test]
    fn broken_and_foreign_documents_are_refused() {
        let good = document(&mutation("KILLED", ""));
        for (from, to, wanted) in [
            ("<lineNumber>5", "<lineNumber>x", "wanted the number of a line"),
            ("<lineNumber>5</lineNumber>", "", "wanted lineNumber"),
            (" status='KILLED'", "", "wanted a `status`"),
            ("<sourceFile>", "<sourceFile/><sourceFile>", "`sourceFile` occurs twice"),
            ("<mutations partial=\"true\">", "<mutations><x>", "Mismatch"),
            ("<mutations", "<!DOCTYPE mutations><mutations", "document type"),
        ] {
            let found = refused(&good.replacen(from, to, 1));
            assert!(found.contains(wanted) || wanted == "Mismatch", "{found}");
        }
        assert!(refused("<report/>").contains("this is JaCoCo, not PIT; wanted mutations"));
        let nested = good.replace("<indexes>", "<indexes><mutation status='KILLED'/>");
        assert!(refused(&nested).contains("`mutation` stands outside of the root"));
    }
}
