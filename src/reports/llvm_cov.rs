//! The JSON export of llvm-cov, as cargo-llvm-cov has it too -> facts about coverage.
//!
//! ```json
//! {"type":"llvm.coverage.json.export","version":"2.0.1",
//!  "data":[{"files":[{"filename":"shop.c","segments":[[5,30,1,true,true,false],[5,47,0,false,false,false]]}]}]}
//! ```
//!
//! Spec: `CoverageExporterJson.cpp` and `LineCoverageStats` of LLVM. Segments are made into lines as `llvm-cov show` does
//! it, so that the lines are those of its LCOV export. Functions, branches, conditions and all totals are out of scope;
//! a file without segments, as `--summary-only` writes it, has no lines.

use std::io::BufRead;

use serde_json::Value;

use super::coverage::{CoverageTally, FileIndex};
use super::encoding::Source;
use super::json::{Node, Wrong};
use super::limits::{LINE_NUMBER_MAX, STREAM_BYTES_MAX};
use super::parts::{Lists, Shape, read_apart};
use super::{Detail, Format, Place, ReadError, Report};

/// Reads the JSON export of llvm-cov.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut source = Source::open(input, STREAM_BYTES_MAX)?;
    let mut tally = CoverageTally::new(detail);
    let apart = read_apart(&mut source, &LISTS, &mut |part, list| {
        // Functions count for nothing, and are most of the text.
        part.read(list, |node| if part.list == FILES { file(&mut tally, node) } else { Ok(()) })
    })?;
    check_document(&apart.root()).map_err(|wrong| apart.place(wrong))?;
    apart.check_parts()?;
    tally.finish(Format::LlvmCov, Vec::new()).map_err(|cause| ReadError::at(Place::START, cause))
}

fn check_document(root: &Node<'_>) -> Result<(), Wrong> {
    let kind = root.member("type")?.ok_or_else(|| root.lacks("type", KIND))?;
    if kind.text()? != KIND {
        return Err(kind.wrong(KIND));
    }
    let version = root.member("version")?.ok_or_else(|| root.lacks("version", VERSION_WANTED))?;
    if !version.text()?.starts_with("2.") && !version.text()?.starts_with("3.") {
        return Err(version.wrong(VERSION_WANTED));
    }
    let data = root.member("data")?.ok_or_else(|| root.lacks("data", "a list of exports"))?;
    for export in data.items()? {
        LISTS.check(&export.member("files")?.ok_or_else(|| export.lacks("files", "a list of files"))?)?;
    }
    Ok(())
}

fn file(tally: &mut CoverageTally, file: &Node<'_>) -> Result<(), Wrong> {
    let path = file.member("filename")?.ok_or_else(|| file.lacks("filename", "a path"))?;
    let index = tally.file(path.text()?).map_err(|cause| path.refuse(cause))?;
    let Some(segments) = file.member("segments")? else { return Ok(()) };
    lines(tally, index, &segments)
}

/// A place from which on a count holds, or none.
#[derive(Clone, Copy)]
struct Segment {
    line: u64,
    column: u64,
    count: u64,
    has_count: bool,
    is_entry: bool,
    is_gap: bool,
}

impl Segment {
    fn of(node: &Node<'_>) -> Result<Self, Wrong> {
        let parts = node.value.as_array().filter(|parts| (5..=6).contains(&parts.len()));
        let of = |parts: &Vec<Value>| {
            Some(Self {
                line: parts[0].as_u64().filter(|line| *line <= LINE_NUMBER_MAX)?,
                column: parts[1].as_u64()?,
                count: parts[2].as_u64()?,
                has_count: flag(&parts[3])?,
                is_entry: flag(&parts[4])?,
                // Before LLVM 11 there was none.
                is_gap: parts.get(5).map_or(Some(false), flag)?,
            })
        };
        parts.and_then(of).ok_or_else(|| node.wrong("a segment: line, column, count and three flags"))
    }

    fn starts_region(&self) -> bool {
        !self.is_gap && self.has_count && self.is_entry
    }
}

/// Makes lines of the segments of a file.
fn lines(tally: &mut CoverageTally, file: FileIndex, segments: &Node<'_>) -> Result<(), Wrong> {
    let mut of_line: Vec<Segment> = Vec::new();
    // The last segment before the line.
    let mut wrapped: Option<Segment> = None;
    for node in segments.items()? {
        let segment = Segment::of(&node)?;
        if let Some(last) = of_line.last().copied() {
            if (segment.line, segment.column) < (last.line, last.column) {
                return Err(node.wrong("segments in the order of their places"));
            }
            if segment.line != last.line {
                let mut add = || {
                    line(tally, file, last.line, &of_line, wrapped)?;
                    // No segment stands in the lines between: the last one before them holds.
                    if last.has_count && segment.line > last.line + 1 {
                        tally.range(file, last.line + 1, segment.line - 1, last.count > 0)?;
                    }
                    Ok(())
                };
                add().map_err(|cause| node.refuse(cause))?;
                wrapped = Some(last);
                of_line.clear();
            }
        }
        of_line.push(segment);
    }
    match of_line.last() {
        None => Ok(()),
        Some(last) => line(tally, file, last.line, &of_line, wrapped).map_err(|cause| segments.refuse(cause)),
    }
}

/// Counts a line that has segments, as LLVM's `LineCoverageStats` does.
fn line(
    tally: &mut CoverageTally,
    file: FileIndex,
    number: u64,
    segments: &[Segment],
    wrapped: Option<Segment>,
) -> Result<(), super::Cause> {
    let starts = segments.iter().any(Segment::starts_region);
    let skipped = segments.first().is_some_and(|first| !first.has_count && first.is_entry);
    let mapped = !skipped && (starts || wrapped.is_some_and(|wrapped| wrapped.has_count));
    // In newer versions of LLVM a line is mapped too if a region with a count begins after a skipped one.
    let mapped = mapped || segments.iter().any(|segment| segment.has_count && segment.is_entry);
    if !mapped {
        return Ok(());
    }
    let run = wrapped.is_some_and(|wrapped| wrapped.has_count && wrapped.count > 0)
        || segments.iter().any(|segment| segment.starts_region() && segment.count > 0);
    tally.line(file, number, run)
}

fn flag(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| value.as_u64().map(|number| number != 0))
}

const LISTS: Lists = Lists { path: &["data", "*"], names: &["files", "functions"], shape: Shape::Arrays };
const FILES: usize = 0;
const KIND: &str = "llvm.coverage.json.export";
const VERSION_WANTED: &str = "version 2 or 3 of the export";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;
    use crate::reports::{read as read_facts, read_report};

    fn document(segments: &str) -> String {
        format!(
            "{{\"data\":[{{\"files\":[{{\"filename\":\"a.c\",\"segments\":{segments}}}]}}],\"type\":\"{KIND}\",\"version\":\"2.0.1\"}}"
        )
    }

    fn lines(segments: &str) -> Vec<(u32, bool)> {
        let report = read_report(Format::LlvmCov, &mut document(segments).as_bytes()).unwrap();
        report.coverage.iter().flat_map(|file| file.lines.iter().map(|line| (line.number, line.run))).collect()
    }

    fn refused(text: &str) -> String {
        read_facts(Format::LlvmCov, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn segments_are_lines() {
        let one = "[[1,1,2,true,true,false],[2,3,0,true,true,false],[3,2,2,true,false,false],[5,2,0,false,false,false],[9,1,0,true,true,false],[9,9,0,false,false,false]]";
        // Line 2 goes on from line 1, line 3 from the region that was not run.
        assert_eq!(lines(one), [(1, true), (2, true), (3, false), (4, true), (5, true), (9, false)]);
        assert_eq!(lines("[[1,1,0,true,true],[1,9,0,false,false]]"), [(1, false)]);
        assert_eq!(lines("[[1,1,1,1,1],[1,9,0,0,0]]"), [(1, true)]);
    }

    #[test]
    fn gaps_and_skipped_regions_are_no_lines_of_their_own() {
        assert_eq!(lines("[[1,1,7,true,true,true],[1,9,0,false,false,false]]"), [(1, false)]);
        assert_eq!(lines("[[1,1,0,false,true,false],[3,1,0,false,false,false]]"), []);
        assert_eq!(lines("[[1,1,0,false,true,false],[1,5,3,true,true,false],[1,9,0,false,false,false]]"), [(1, true)]);
    }

    #[test]
    fn summaries_alone_are_no_data() {
        let text = document("[]").replace("\"segments\":[]", "\"summary\":{\"lines\":{\"percent\":100}}");
        assert_eq!(read_facts(Format::LlvmCov, &mut text.as_bytes()).unwrap().outcome, Outcome::Inconclusive);
        let text = document("[[1,1,0,true,true,false],[1,9,0,false,false,false]]");
        assert_eq!(read_facts(Format::LlvmCov, &mut text.as_bytes()).unwrap().outcome, Outcome::Pass);
    }

    #[test]
    fn broken_segments_and_other_documents_are_refused() {
        for segments in [
            "7",
            "[7]",
            "[[1,1,1,true]]",
            "[[1,1,1,true,true,false,1]]",
            "[[-1,1,1,true,true]]",
            "[[1,1,1.5,true,true]]",
            "[[1,1,1,\"x\",true]]",
            "[[99999999999,1,1,true,true]]",
            "[[2,1,1,true,true],[1,1,0,false,false]]",
        ] {
            assert!(refused(&document(segments)).contains("`/data/0/files/0/segments"), "{segments}");
        }
        assert!(refused(&document("[]").replace("2.0.1", "4.0")).contains("wanted version 2 or 3"));
        assert!(refused(&document("[]").replace("llvm.", "x.")).contains("`/type` is"));
        assert!(refused("{}").contains("`/type` is absent"));
    }
}
