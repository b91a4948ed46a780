//! The JSON report of coverage.py -> facts about coverage.
//!
//! ```json
//! {"meta":{"version":"7.10.7"},"files":{"shop.py":{"executed_lines":[1],"missing_lines":[4],"excluded_lines":[]}}}
//! ```
//!
//! Spec: `coverage json` of versions 5 to 7. Of each file the executed and the missing lines count; summaries, functions,
//! classes, branches and contexts are out of scope, and the lines that a comment or a
//! setting excludes are kept beside the facts.
//!
//! A known hole: executed lines that are no statements, the documentation strings of modules and classes, are listed among
//! the others and cannot be told from them, so that they count. The LCOV and XML of the same tool leave them out.

use std::collections::BTreeSet;
use std::io::BufRead;

use super::coverage::CoverageTally;
use super::encoding::Source;
use super::json::{Node, Wrong};
use super::limits::STREAM_BYTES_MAX;
use super::parts::{Lists, Shape, read_apart};
use super::{Detail, Format, Place, ReadError, Report};

/// Reads the JSON report of coverage.py.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut source = Source::open(input, STREAM_BYTES_MAX)?;
    let mut tally = CoverageTally::new(detail);
    tally.tells_excluded();
    let apart = read_apart(&mut source, &FILES, &mut |part, list| part.read(list, |node| file(&mut tally, node)))?;
    check_document(&apart.root()).map_err(|wrong| apart.place(wrong))?;
    apart.check_parts()?;
    tally.finish(Format::CoveragePy, Vec::new()).map_err(|cause| ReadError::at(Place::START, cause))
}

fn check_document(root: &Node<'_>) -> Result<(), Wrong> {
    let meta = root.member("meta")?.ok_or_else(|| root.lacks("meta", "that of coverage.py"))?;
    let version = meta.member("version")?.ok_or_else(|| meta.lacks("version", VERSION_WANTED))?;
    if !version.text()?.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(version.wrong(VERSION_WANTED));
    }
    FILES.check(&root.member("files")?.ok_or_else(|| root.lacks("files", "an object of files"))?)
}

fn file(tally: &mut CoverageTally, file: &Node<'_>) -> Result<(), Wrong> {
    if file.value.is_null() {
        return Ok(());
    }
    let index = tally.file(file.key()).map_err(|cause| file.refuse(cause))?;
    let number = |line: &Node<'_>| line.value.as_u64().ok_or_else(|| line.wrong("the number of a line"));
    let mut excluded = BTreeSet::new();
    if let Some(lines) = file.member("excluded_lines")? {
        for line in lines.items()? {
            excluded.insert(number(&line)?);
            tally.exclude(index, number(&line)?);
        }
    }
    let count = |key| file.value[key].as_array().map_or(0, Vec::len);
    tally.expect(index, count("executed_lines") + count("missing_lines"));
    for (key, run) in [("executed_lines", true), ("missing_lines", false)] {
        let lines = file.member(key)?.ok_or_else(|| file.lacks(key, "a list of lines"))?;
        for line in lines.items()? {
            let number = number(&line)?;
            // Excluded lines that were run are listed as executed too; those that were not are no statements.
            if !(run && excluded.contains(&number)) {
                tally.line(index, number, run).map_err(|cause| line.refuse(cause))?;
            }
        }
    }
    Ok(())
}

const FILES: Lists = Lists { path: &[], names: &["files"], shape: Shape::Objects };
const VERSION_WANTED: &str = "a version of coverage.py";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CoverageFacts, Outcome};
    use crate::reports::read as read_facts;

    fn document(files: &str) -> String {
        format!(
            "{{\"meta\":{{\"format\":3,\"version\":\"7.10.7\"}},\n\"files\":{{{files}}},\"totals\":{{\"percent_covered\":100.0}}}}"
        )
    }

    fn refused(text: &str) -> String {
        read_facts(Format::CoveragePy, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn executed_and_missing_lines_are_counted() {
        let text = document(r#""a.py":{"executed_lines":[0,1,3,9],"missing_lines":[2,3],"excluded_lines":[9,10]}"#);
        let facts = read_facts(Format::CoveragePy, &mut text.as_bytes()).unwrap();
        let CoverageFacts { files, lines, covered, .. } = facts.coverage.clone().unwrap();
        assert_eq!((facts.outcome, files, lines, covered), (Outcome::Pass, 1, 3, 2));
        let report = crate::reports::read_report(Format::CoveragePy, &mut text.as_bytes()).unwrap();
        assert_eq!((report.excluded.unwrap()["a.py"].as_slice(), report.facts), (&[9, 10][..], facts));
    }

    #[test]
    fn no_lines_are_no_data_whatever_the_totals() {
        for files in ["", r#""a.py":{"executed_lines":[0],"missing_lines":[]}"#] {
            let facts = read_facts(Format::CoveragePy, &mut document(files).as_bytes()).unwrap();
            assert_eq!(facts.outcome, Outcome::Inconclusive, "{files}");
        }
    }

    #[test]
    fn broken_documents_are_refused_with_their_pointer() {
        let lines = |lines: &str| document(&format!("\"a.py\":{{\"executed_lines\":{lines},\"missing_lines\":[]}}"));
        assert_eq!(
            refused(&lines("[1,-2]")),
            "line 2, column 38: `/files/a.py/executed_lines/1` is -2; wanted the number of a line"
        );
        assert!(refused(&lines("[1.5]")).contains("is 1.5; wanted"));
        assert!(refused(&lines("7")).contains("is 7; wanted an array"));
        assert!(refused(&lines("[99999999]")).contains("wanted a line of a source file"));
        assert!(
            refused(&document("\"a.py\":{\"executed_lines\":[1]}")).contains("`/files/a.py/missing_lines` is absent")
        );
        assert!(refused(&document("\"a.py\":{},\"a.py\":{}")).contains("occurs twice"));
        assert!(refused("{\"files\":{}}").contains("`/meta` is absent"));
        assert!(refused("{\"meta\":{\"version\":\"x\"}}").contains("wanted a version of coverage.py"));
        assert!(refused("").contains("not strict JSON"));
    }
}
