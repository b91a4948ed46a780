//! Go cover profiles -> facts about coverage.
//!
//! ```text
//! mode: set
//! example.test/shop/calc.go:5.24,7.2 1 1
//! ```
//!
//! Spec: `golang.org/x/tools/cover`. A block's lines count from its first to its last; a line of several blocks was run
//! if one of them was, as `go test` repeats the blocks of a package for each test binary. Go's own percentage counts
//! statements, and differs. Blocks without statements count nothing. Several profiles of one mode may follow one another.

use std::io::BufRead;

use super::coverage::{CoverageTally, line_number, was_run};
use super::lines::{Line, each_line};
use super::tally::shown;
use super::{Cause, Detail, Format, ReadError, Report};

/// Reads a Go cover profile.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut tally = CoverageTally::new(detail);
    let mut mode = None;
    let end = each_line(input, &mut |line| block(&mut tally, &mut mode, line))?;
    if mode.is_none() {
        return Err(ReadError::at(end, Cause::Ends { inside: "an empty profile".to_owned() }));
    }
    tally.finish(Format::GoCover, Vec::new()).map_err(|cause| ReadError::at(end, cause))
}

fn block(tally: &mut CoverageTally, mode: &mut Option<String>, line: &Line<'_>) -> Result<(), ReadError> {
    let text = line.whole()?;
    let wrong = |wanted| line.refuse(Cause::Record { found: shown(text, 80), wanted });
    if let Some(found) = text.strip_prefix("mode: ") {
        return match mode.as_deref() {
            None if MODES.contains(&found) => {
                *mode = Some(found.to_owned());
                Ok(())
            }
            None => Err(wrong("`mode: set`, `mode: count` or `mode: atomic`")),
            Some(before) if before == found => Ok(()),
            Some(_) => Err(wrong("the mode of the first line")),
        };
    }
    if mode.is_none() {
        return Err(wrong("`mode: set`, `mode: count` or `mode: atomic`"));
    }
    let block = Block::of(text).ok_or_else(|| wrong(BLOCK_WANTED))?;
    let mut add = || {
        let (first, last) = (line_number(block.first)?, line_number(block.last)?);
        let run = was_run(block.count)?;
        if first > last {
            return Err(Cause::Record { found: shown(text, 80), wanted: "a block that ends after its start" });
        }
        if !was_run(block.statements)? {
            return Ok(());
        }
        let file = tally.file(block.path)?;
        tally.range(file, first, last, run)
    };
    add().map_err(|cause| line.refuse(cause))
}

/// `PATH:LINE.COLUMN,LINE.COLUMN STATEMENTS COUNT`.
struct Block<'a> {
    path: &'a str,
    first: &'a str,
    last: &'a str,
    statements: &'a str,
    count: &'a str,
}

impl<'a> Block<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (rest, count) = text.rsplit_once(' ')?;
        let (rest, statements) = rest.rsplit_once(' ')?;
        let (path, range) = rest.rsplit_once(':')?;
        let (start, end) = range.split_once(',')?;
        let ((first, start_column), (last, end_column)) = (start.split_once('.')?, end.split_once('.')?);
        let columns = line_number(start_column).is_ok() && line_number(end_column).is_ok();
        (columns && !path.is_empty()).then_some(Self { path, first, last, statements, count })
    }
}

const MODES: [&str; 3] = ["set", "count", "atomic"];
const BLOCK_WANTED: &str = "a block, such as `example.test/shop/calc.go:5.24,7.2 1 1`";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;
    use crate::reports::{read as read_facts, read_report};

    fn lines(text: &str) -> Vec<(String, u32, bool)> {
        let report = read_report(Format::GoCover, &mut text.as_bytes()).unwrap();
        let each = |file: &crate::reports::CoveredFile| {
            file.lines.iter().map(|line| (file.path.clone(), line.number, line.run)).collect::<Vec<_>>()
        };
        report.coverage.iter().flat_map(each).collect()
    }

    fn refused(text: &str) -> String {
        read_facts(Format::GoCover, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn blocks_are_lines_and_one_run_is_enough() {
        let line = |number, run| ("p/a b:c.go".to_owned(), number, run);
        let text = "mode: set\np/a b:c.go:1.2,3.4 1 1\np/a b:c.go:3.4,4.1 2 0\n";
        assert_eq!(lines(text), [line(1, true), line(2, true), line(3, true), line(4, false)]);
        let again = format!("{text}mode: set\np/a b:c.go:3.4,4.1 2 5\np/a b:c.go:9.1,9.2 0 1\n");
        assert_eq!(lines(&again), [line(1, true), line(2, true), line(3, true), line(4, true)]);
    }

    #[test]
    fn broken_blocks_refuse_the_file() {
        for line in [
            "p/a.go:1.2,3.4 1",
            "p/a.go:1.2 1 1",
            "p/a.go:3.2,1.4 1 1",
            "p/a.go:1.2,3.4 1 -1",
            "p/a.go:1.2,3.4 x 1",
            "p/a.go:1.x,3.4 1 1",
            "p/a.go:1,3 1 1",
            ":1.2,3.4 1 1",
            "p/a.go:1.2,99999999.4 1 1",
            "mode: count",
            "",
        ] {
            assert!(refused(&format!("mode: set\n{line}\n")).starts_with("line 2, column 1: found `"), "{line}");
        }
        assert!(refused("p/a.go:1.2,3.4 1 1\n").contains("wanted `mode: set`"));
        assert!(refused("mode: guess\n").contains("wanted `mode: set`"));
        assert!(refused("").contains("ends inside an empty profile"));
    }

    #[test]
    fn no_blocks_are_no_data() {
        let facts = read_facts(Format::GoCover, &mut "mode: set\n".as_bytes()).unwrap();
        assert_eq!(facts.outcome, Outcome::Inconclusive);
        let facts = read_facts(Format::GoCover, &mut "mode: set\na.go:1.1,1.2 1 0\n".as_bytes()).unwrap();
        assert_eq!(facts.outcome, Outcome::Pass);
    }
}
