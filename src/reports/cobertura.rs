//! Cobertura XML, from whichever tool -> facts about coverage.
//!
//! Spec: the document type `coverage-04` of Cobertura. Of each class the lines count, those inside methods too; rates,
//! totals and branches are out of scope. A file that stands in several classes is one file. Two files that have the same name
//! below two sources are one as well: the report does not tell which source a class is below. The sources are kept beside the
//! facts, and are no part of them.

use std::io::BufRead;

use super::coverage::{CoverageTally, FileIndex, line_number, was_run};
use super::detect::foreign_root;
use super::limits::NAME_BYTES_MAX;
use super::tally::shown;
use super::xml::{Doctype, Tag, Token, Xml};
use super::{Cause, Detail, Format, Place, ReadError, Report};

/// Reads a Cobertura report.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut xml = Xml::open(input, Doctype::Skipped)?;
    let mut walk = Walk { open: Vec::new(), source: None, tally: CoverageTally::new(detail) };
    loop {
        match xml.next()? {
            Token::Start(tag) => walk.start(&tag)?,
            Token::End => walk.end(),
            Token::Text(text) => walk.text(&text),
            Token::Between => {}
            Token::Done => {
                let finished = walk.tally.finish(Format::Cobertura, Vec::new());
                return finished.map_err(|cause| ReadError::at(Place::START, cause));
            }
        }
    }
}

struct Walk {
    /// The open elements from the root in, each with the file of the class around it.
    open: Vec<Option<FileIndex>>,
    /// The text so far of the `source` that is open, and how deep that lies.
    source: Option<(usize, String)>,
    tally: CoverageTally,
}

impl Walk {
    fn start(&mut self, tag: &Tag<'_>) -> Result<(), ReadError> {
        let refuse = |cause| ReadError::at(tag.place(), cause);
        let around = self.open.last().copied();
        if tag.name() == "source" && self.source.is_none() {
            self.source = Some((self.open.len(), String::new()));
        }
        let inside = match (around, tag.name()) {
            (None, "coverage") => {
                let [clover] = tag.attributes(["clover"])?;
                if clover.is_some() {
                    return Err(refuse(root("coverage", Some("Clover"))));
                }
                None
            }
            (None, name) => return Err(refuse(root(name, foreign_root(name)))),
            (Some(None), "class") => {
                let [path] = tag.attributes(["filename"])?;
                let path = path.filter(|path| !path.is_empty());
                let path = path.ok_or_else(|| refuse(lacks("class", "a class with `filename`")))?;
                Some(self.tally.file(&path).map_err(refuse)?)
            }
            (Some(Some(file)), "line") => {
                let [number, hits] = tag.attributes(["number", "hits"])?;
                let (Some(number), Some(hits)) = (number, hits) else {
                    return Err(refuse(lacks("line", "a line with `number` and `hits`")));
                };
                let (number, run) =
                    (line_number(number.trim_ascii()).map_err(refuse)?, was_run(hits.trim_ascii()).map_err(refuse)?);
                self.tally.line(file, number, run).map_err(refuse)?;
                Some(file)
            }
            (Some(Some(_)), "class") => return Err(refuse(misplaced("class", "inside another class"))),
            (Some(None), "line") => return Err(refuse(misplaced("line", "outside of a class"))),
            // What other formats with this root have, whose lines would not be seen.
            (Some(_), "project" | "file" | "lineToCover") => {
                let found = shown(tag.name(), 40);
                return Err(refuse(Cause::Record { found, wanted: "Cobertura: packages, classes and lines" }));
            }
            (Some(around), _) => around,
        };
        self.open.push(inside);
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some((_, source)) = self.source.as_mut().filter(|(_, source)| source.len() < NAME_BYTES_MAX) {
            source.push_str(text);
        }
    }

    fn end(&mut self) {
        self.open.pop();
        if let Some((_, source)) = self.source.take_if(|(depth, _)| *depth == self.open.len()) {
            self.tally.root(source.trim());
        }
    }
}

fn root(found: &str, foreign: Option<&'static str>) -> Cause {
    let found = found.chars().take(40).collect();
    Cause::Root { found, foreign: foreign.filter(|name| *name != "Cobertura"), title: "Cobertura", wanted: "coverage" }
}

fn lacks(element: &str, wanted: &'static str) -> Cause {
    Cause::Record { found: element.to_owned(), wanted }
}

fn misplaced(element: &'static str, inside: &'static str) -> Cause {
    Cause::Misplaced { element, inside }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CoverageFacts, Outcome};
    use crate::reports::read as read_facts;

    fn document(classes: &str) -> String {
        format!(
            "<?xml version='1.0'?>\n<!DOCTYPE coverage SYSTEM 'http://example.test/coverage-04.dtd'>\n<coverage line-rate='1'><packages><package name='p'><classes>{classes}</classes></package></packages></coverage>"
        )
    }

    fn coverage(text: &str) -> (u64, u64, u64) {
        let facts = read_facts(Format::Cobertura, &mut text.as_bytes()).unwrap();
        let CoverageFacts { files, lines, covered, .. } = facts.coverage.unwrap();
        (files, lines, covered)
    }

    fn refused(text: &str) -> String {
        read_facts(Format::Cobertura, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn classes_of_a_file_are_merged() {
        let class = |lines: &str| format!("<class name='c' filename='a.py'>{lines}</class>");
        let one = class(
            "<methods><method name='m'><lines><line number='2' hits='1'/></lines></method></methods><lines><line number='1' hits='0'/><line number='2' hits='1'/></lines>",
        );
        assert_eq!(coverage(&document(&one)), (1, 2, 1));
        let two = class(
            "<lines><line number='1' hits='3' branch='true'><conditions><condition number='0'/></conditions></line></lines>",
        );
        assert_eq!(coverage(&document(&format!("{one}{two}"))), (1, 2, 2));
        assert_eq!(coverage(&document(&format!("{one}{}", two.replace("a.py", "b.py")))), (2, 3, 2));
    }

    #[test]
    fn no_lines_are_no_data_whatever_the_rate() {
        let text = document("<class filename='a.py' line-rate='1.0'><lines/></class>");
        assert_eq!(read_facts(Format::Cobertura, &mut text.as_bytes()).unwrap().outcome, Outcome::Inconclusive);
        let text = document("<class filename='a.py'><lines><line number='1' hits='1'/></lines></class>");
        assert_eq!(read_facts(Format::Cobertura, &mut text.as_bytes()).unwrap().outcome, Outcome::Pass);
    }

    #[test]
    fn broken_lines_refuse_the_file() {
        let class = |lines: &str| document(&format!("<class filename='a.py'><lines>{lines}</lines></class>"));
        for line in [
            "<line number='1'/>",
            "<line hits='1'/>",
            "<line number='1' hits='-1'/>",
            "<line number='x' hits='1'/>",
            "<line number='1' hits='NaN'/>",
            "<line number='1' hits='1' hits='0'/>",
            "<class filename='b.py'/>",
            "<lineToCover/>",
        ] {
            assert!(refused(&class(line)).starts_with("line 3, "), "{line}");
        }
        assert!(refused(&document("<line number='1' hits='1'/>")).contains("stands outside of a class"));
        assert!(refused(&document("<class name='c'/>")).contains("wanted a class with `filename`"));
    }

    #[test]
    fn foreign_documents_are_refused_by_name() {
        let clover = "<coverage generated='1' clover='4'><project/></coverage>";
        assert!(refused(clover).contains("this is Clover, not Cobertura; wanted coverage"));
        assert!(refused("<coverage version='1'><file path='a'/></coverage>").contains("wanted Cobertura"));
        assert!(refused("<report name='x'/>").contains("this is JaCoCo, not Cobertura"));
        assert!(refused("<x:coverage xmlns:x='y'/>").contains("the root element is `x:coverage`; wanted coverage"));
        let subset = "<!DOCTYPE coverage [<!ENTITY e 'x'>]><coverage/>";
        assert!(refused(subset).contains("document type declaration"));
    }
}
