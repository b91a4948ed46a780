//! LCOV trace files -> facts about coverage.
//!
//! ```text
//! SF:src/lib.rs
//! DA:3,17
//! DA:4,0
//! LF:2
//! LH:1
//! end_of_record
//! ```
//!
//! Spec: geninfo(1) of LCOV 1 and 2. Only `DA` is read: functions, branches, conditions and all totals are out of scope,
//! and may be missing or wrong. A record of a word that is not in the specification is refused.

use std::io::BufRead;

use super::coverage::{CoverageTally, FileIndex, line_number, was_run};
use super::lines::{Line, each_line};
use super::tally::shown;
use super::{Cause, Detail, Format, ReadError, Report};

/// Reads an LCOV trace file.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut tally = CoverageTally::new(detail);
    let mut open = None;
    let end = each_line(input, &mut |line| record(&mut tally, &mut open, line))?;
    if open.is_some() {
        return Err(ReadError::at(end, Cause::Ends { inside: "a record without `end_of_record`".to_owned() }));
    }
    tally.finish(Format::Lcov, Vec::new()).map_err(|cause| ReadError::at(end, cause))
}

fn record(tally: &mut CoverageTally, open: &mut Option<FileIndex>, line: &Line<'_>) -> Result<(), ReadError> {
    let text = line.whole()?.trim_ascii_end();
    let wrong = |wanted| line.refuse(Cause::Record { found: shown(text, 80), wanted });
    if text.is_empty() || text.starts_with('#') {
        return Ok(());
    }
    if text == "end_of_record" {
        return open.take().map(|_| ()).ok_or_else(|| wrong("`SF:` before it"));
    }
    let (word, value) = text.split_once(':').ok_or_else(|| wrong("a record of LCOV, such as `DA:3,17`"))?;
    match (word, *open) {
        ("SF", None) if !value.is_empty() => {
            *open = Some(tally.file(value).map_err(|cause| line.refuse(cause))?);
            Ok(())
        }
        ("SF", None) => Err(wrong("the path of a file")),
        ("SF", Some(_)) => Err(wrong("`end_of_record` before it")),
        ("DA", Some(file)) => {
            let mut parts = value.split(',');
            let (number, count) = (parts.next().unwrap_or_default(), parts.next());
            // A checksum of the line may follow.
            let (Some(count), true) = (count, parts.count() <= 1) else {
                return Err(wrong("`DA:LINE,COUNT`"));
            };
            let add = |tally: &mut CoverageTally| tally.line(file, line_number(number)?, was_run(count)?);
            add(tally).map_err(|cause| line.refuse(cause))
        }
        ("DA", None) => Err(wrong("`SF:` before it")),
        (word, _) if OTHERS.contains(&word) => Ok(()),
        _ => Err(wrong("a record of LCOV, such as `DA:3,17`")),
    }
}

/// Records that say nothing about lines.
const OTHERS: [&str; 17] = [
    "TN", "VER", "FN", "FNDA", "FNF", "FNH", "FNL", "FNA", "BRDA", "BRF", "BRH", "BA", "MCDC", "MCF", "MCH", "LF", "LH",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CoverageFacts, Outcome};
    use crate::reports::{read as read_facts, read_report};

    fn coverage(text: &str) -> (u64, u64, u64) {
        let facts = read_facts(Format::Lcov, &mut text.as_bytes()).unwrap();
        let CoverageFacts { files, lines, covered, .. } = facts.coverage.unwrap();
        (files, lines, covered)
    }

    fn refused(text: &str) -> String {
        read_facts(Format::Lcov, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn lines_are_counted_and_totals_are_not() {
        let text = "TN:\nSF:a.rs\nFN:1,f\nFNDA:1,f\nDA:1,1\nDA:2,0,c2hlY2s=\nBRDA:2,0,0,-\nLF:9\nLH:9\nend_of_record\n";
        assert_eq!(coverage(text), (1, 2, 1));
        assert_eq!(coverage(&format!("# x\n\r\n{}", text.replace('\n', "\r\n"))), (1, 2, 1));
        assert_eq!(coverage(&text.repeat(3)), (1, 2, 1));
        assert_eq!(coverage(&format!("{text}{}", text.replace("a.rs", "b.rs"))), (2, 4, 2));
        assert_eq!(coverage(&format!("{text}{}", text.replace("DA:2,0", "DA:2,7"))), (1, 2, 2));
    }

    #[test]
    fn lines_are_given_with_their_files() {
        let text = "SF:b.rs\nDA:2,0\nDA:1,3\nend_of_record\nSF:a.rs\nend_of_record\n";
        let report = read_report(Format::Lcov, &mut text.as_bytes()).unwrap();
        let [file] = &report.coverage[..] else { panic!("{report:?}") };
        let lines: Vec<_> = file.lines.iter().map(|line| (line.number, line.run)).collect();
        assert_eq!((file.path.as_str(), lines), ("b.rs", vec![(1, true), (2, false)]));
    }

    #[test]
    fn broken_records_refuse_the_file() {
        let file = |record: &str| format!("SF:a.rs\n{record}\nend_of_record\n");
        assert_eq!(coverage(&file("DA:1,1")), (1, 1, 1));
        for record in
            ["DA:1", "DA:1,", "DA:,1", "DA:1,-1", "DA:1,1,x,y", "DA:x,1", "DA 1,1", "SF:b.rs", "XY:1", "DA:1,1e3"]
        {
            assert!(refused(&file(record)).starts_with("line 2, column 1: "), "{record}");
        }
        assert!(refused("DA:1,1\n").ends_with("found `DA:1,1`; wanted `SF:` before it"));
        assert!(refused("end_of_record\n").contains("wanted `SF:`"));
        assert!(refused("SF:\nend_of_record\n").contains("wanted the path"));
        assert!(refused("SF:a.rs\nDA:1,1\n").starts_with("line 3, column 1: the report ends inside a record"));
        assert!(refused("SF:a.rs\nDA:1,1\nend_of_rec").contains("wanted a record of LCOV"));
        let latin = b"SF:\xe4.rs\nend_of_record\n";
        assert!(read_facts(Format::Lcov, &mut &latin[..]).unwrap_err().to_string().ends_with("not UTF-8"));
    }

    #[test]
    fn no_lines_are_no_data() {
        for text in ["", "TN:\n", "SF:a.rs\nLF:100\nLH:100\nend_of_record\n"] {
            let facts = read_facts(Format::Lcov, &mut text.as_bytes()).unwrap();
            assert_eq!(facts.outcome, Outcome::Inconclusive, "{text}");
        }
    }
}
