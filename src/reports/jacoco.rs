//! JaCoCo XML -> facts about coverage.
//!
//! Spec: the document type `-//JACOCO//DTD Report 1.1//EN`. A file is the package's path and the source file's name,
//! below the names of the groups around them where several modules are in one report; a line was run if at least one of
//! its instructions was. Counters, branches and methods are out of scope. Classes that were compiled without line numbers
//! have no lines, and are not seen.

use std::io::BufRead;

use super::coverage::{CoverageTally, FileIndex, line_number, was_run};
use super::detect::foreign_root;
use super::xml::{Doctype, Tag, Token, Xml};
use super::{Cause, Detail, Format, Place, ReadError, Report};

/// Reads a JaCoCo report.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut xml = Xml::open(input, Doctype::Skipped)?;
    let mut walk = Walk { open: Vec::new(), tally: CoverageTally::new(detail) };
    loop {
        match xml.next()? {
            Token::Start(tag) => walk.start(&tag)?,
            Token::End => {
                walk.open.pop();
            }
            Token::Text(_) | Token::Between => {}
            Token::Done => {
                let finished = walk.tally.finish(Format::Jacoco, Vec::new());
                return finished.map_err(|cause| ReadError::at(Place::START, cause));
            }
        }
    }
}

struct Walk {
    /// The open elements from the root in.
    open: Vec<Node>,
    tally: CoverageTally,
}

enum Node {
    /// `report` or `group`, with the path of the groups so far, each with its slash.
    Group(String),
    /// `package`, with the path of its groups and its own, each with its slash.
    Package(String, String),
    /// `sourcefile`.
    Source(FileIndex),
    /// Anything else: classes, counters, sessions.
    Other,
}

impl Walk {
    fn start(&mut self, tag: &Tag<'_>) -> Result<(), ReadError> {
        let refuse = |cause| ReadError::at(tag.place(), cause);
        let name = || -> Result<String, ReadError> {
            let [name] = tag.attributes(["name"])?;
            let lacks = || refuse(Cause::Record { found: tag.name().to_owned(), wanted: "a `name`" });
            name.map(|name| name.into_owned()).ok_or_else(lacks)
        };
        let misplaced = |element, inside| Err(refuse(Cause::Misplaced { element, inside }));
        let node = match (self.open.last(), tag.name()) {
            (None, "report") => Node::Group(String::new()),
            (None, root) => {
                let (found, foreign) = (root.chars().take(40).collect(), foreign_root(root));
                return Err(refuse(Cause::Root { found, foreign, title: "JaCoCo", wanted: "report" }));
            }
            (Some(Node::Group(around)), "group") => Node::Group(format!("{around}{}/", name()?)),
            (Some(Node::Group(around)), "package") => {
                let name = name()?;
                let slash = if name.is_empty() { "" } else { "/" };
                Node::Package(around.clone(), format!("{name}{slash}"))
            }
            (Some(Node::Package(groups, package)), "sourcefile") => {
                let name = format!("{package}{}", name()?);
                let file = self.tally.file(&format!("{groups}{name}")).map_err(refuse)?;
                self.tally.name(file, &name);
                Node::Source(file)
            }
            (Some(Node::Source(file)), "line") => {
                let [number, run] = tag.attributes(["nr", "ci"])?;
                let (Some(number), Some(run)) = (number, run) else {
                    return Err(refuse(Cause::Record {
                        found: "line".to_owned(),
                        wanted: "a line with `nr` and `ci`",
                    }));
                };
                let (number, run) = (line_number(&number).map_err(refuse)?, was_run(&run).map_err(refuse)?);
                self.tally.line(*file, number, run).map_err(refuse)?;
                Node::Other
            }
            (Some(_), "group") => return misplaced("group", "outside of a report or group"),
            (Some(_), "package") => return misplaced("package", "outside of a report or group"),
            (Some(_), "sourcefile") => return misplaced("sourcefile", "outside of a package"),
            (Some(_), "line") => return misplaced("line", "outside of a source file"),
            (Some(_), _) => Node::Other,
        };
        self.open.push(node);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CoverageFacts, Outcome};
    use crate::reports::{read as read_facts, read_report};

    fn document(inside: &str) -> String {
        format!(
            "<?xml version='1.0'?><!DOCTYPE report PUBLIC '-//JACOCO//DTD Report 1.1//EN' 'report.dtd'>\n<report name='x'>{inside}</report>"
        )
    }

    fn source(lines: &str) -> String {
        format!(
            "<package name='com/x'><class name='com/x/A'><counter/></class><sourcefile name='A.java'>{lines}<counter type='LINE' missed='0' covered='9'/></sourcefile></package>"
        )
    }

    fn refused(text: &str) -> String {
        read_facts(Format::Jacoco, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn lines_with_a_run_instruction_are_covered() {
        let lines = "<line nr='3' mi='3' ci='0' mb='0' cb='0'/><line nr='5' mi='9' ci='1'/>";
        let text = document(&source(lines));
        let facts = read_facts(Format::Jacoco, &mut text.as_bytes()).unwrap();
        let CoverageFacts { files, lines: all, covered, .. } = facts.coverage.unwrap();
        assert_eq!((facts.outcome, files, all, covered), (Outcome::Pass, 1, 2, 1));
        let groups = format!("<group name='a'><group name='b'>{0}</group>{0}</group>{0}", source(lines));
        let report = read_report(Format::Jacoco, &mut document(&groups).as_bytes()).unwrap();
        let mut paths: Vec<_> = report.coverage.iter().map(|file| file.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["a/b/com/x/A.java", "a/com/x/A.java", "com/x/A.java"]);
    }

    #[test]
    fn counters_alone_are_no_data() {
        for inside in ["", "<counter type='LINE' missed='0' covered='9'/>", &source("")] {
            let facts = read_facts(Format::Jacoco, &mut document(inside).as_bytes()).unwrap();
            assert_eq!(facts.outcome, Outcome::Inconclusive, "{inside}");
        }
    }

    #[test]
    fn broken_and_misplaced_elements_refuse_the_file() {
        for line in ["<line nr='1'/>", "<line ci='1'/>", "<line nr='x' ci='1'/>", "<line nr='1' ci='-1'/>"] {
            assert!(refused(&document(&source(line))).starts_with("line 2, "), "{line}");
        }
        assert!(refused(&document("<line nr='1' ci='1'/>")).contains("stands outside of a source file"));
        assert!(refused(&document("<sourcefile name='A'/>")).contains("stands outside of a package"));
        assert!(refused(&document(&source("<package name='b'/>"))).contains("`package` stands"));
        assert!(refused(&document("<package/>")).contains("wanted a `name`"));
        assert!(refused("<coverage/>").contains("this is Cobertura, not JaCoCo; wanted report"));
        assert!(refused("<!DOCTYPE report [<!ELEMENT a (b)>]><report/>").contains("document type"));
    }
}
