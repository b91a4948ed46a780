//! Counting lines: which lines of which files were run -> facts about coverage.
//!
//! Records of the same line of the same file are one line, run if any of them says so: Go writes a block once for each
//! test binary, Cobertura a class once for each of its parts. Files are told apart by the path that the report has,
//! as it stands there; the same file under two paths counts twice. Line 0 is no line, and is left out: some tools hang
//! onto it what has no place. What a tool leaves out by a comment in the code is in no fact; where its report tells of it, it is
//! kept beside them.
//!
//! The spelling of the digest stands at [`CoverageFacts::digest`].

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::limits::{COVERAGE_FILES_MAX, COVERAGE_LINES_MAX, LINE_NUMBER_MAX, SPREAD_LINES_MAX};
use super::tally::{decimal, kept, netstring, shown};
use super::{Cause, CoveredFile, CoveredLine, Detail, Format, Report};
use crate::model::{CoverageFacts, Digest, Facts, Outcome, REASONS_MAX};

/// Counts lines.
pub(super) struct CoverageTally {
    detail: Detail,
    files: Vec<File>,
    by_digest: BTreeMap<Digest, usize>,
    roots: BTreeSet<String>,
    /// Records held, of all files.
    held: usize,
    /// Lines of ranges so far.
    spread: u64,
    /// Whether the format tells which lines are left out.
    tells_excluded: bool,
}

/// A file of the tally that counts it.
#[derive(Clone, Copy)]
pub(super) struct FileIndex(usize);

struct File {
    digest: Digest,
    /// Empty where only facts are wanted.
    path: String,
    /// Empty where it is the path.
    name: String,
    /// Twice the line, and one more if it was run.
    records: Vec<u32>,
    /// When records are merged again: with so many of them.
    merge_at: usize,
    /// Lines that the tool was told to leave out; empty where only facts are wanted.
    excluded: BTreeSet<u32>,
}

impl CoverageTally {
    pub(super) fn new(detail: Detail) -> Self {
        Self {
            detail,
            files: Vec::new(),
            by_digest: BTreeMap::new(),
            roots: BTreeSet::new(),
            held: 0,
            spread: 0,
            tells_excluded: false,
        }
    }

    /// Returns the file of this path.
    ///
    /// If there are more than [`COVERAGE_FILES_MAX`], returns [`Cause::TooMany`].
    pub(super) fn file(&mut self, path: &str) -> Result<FileIndex, Cause> {
        let mut hash = Sha256::new_with_prefix("evidence-file/v1\n");
        netstring(&mut hash, path);
        let digest = Digest(hash.finalize().into());
        if let Some(index) = self.by_digest.get(&digest) {
            return Ok(FileIndex(*index));
        }
        if self.files.len() == COVERAGE_FILES_MAX {
            return Err(too_many("files", COVERAGE_FILES_MAX));
        }
        let path = if self.detail == Detail::Everything { kept(path) } else { String::new() };
        self.files.push(File {
            digest,
            path,
            name: String::new(),
            records: Vec::new(),
            merge_at: MERGE_AT_LEAST,
            excluded: BTreeSet::new(),
        });
        self.by_digest.insert(digest, self.files.len() - 1);
        Ok(FileIndex(self.files.len() - 1))
    }

    /// Says what the path of a file is without what groups it in the report.
    pub(super) fn name(&mut self, file: FileIndex, name: &str) {
        if self.detail == Detail::Everything {
            self.files[file.0].name = kept(name);
        }
    }

    /// Notes a folder that files of the report may lie below. More than a report of honest size has are left out.
    pub(super) fn root(&mut self, root: &str) {
        if self.detail == Detail::Everything && self.roots.len() < ROOTS_MAX {
            self.roots.insert(kept(root));
        }
    }

    /// Says how many records a file will have at least, so that no more memory is taken for them.
    pub(super) fn expect(&mut self, file: FileIndex, count: usize) {
        let records = &mut self.files[file.0].records;
        if records.is_empty() {
            records.reserve_exact(count);
        }
    }

    /// Counts a record of a line.
    ///
    /// If the number is above [`LINE_NUMBER_MAX`], or there are more than [`COVERAGE_LINES_MAX`] lines, returns a cause.
    pub(super) fn line(&mut self, file: FileIndex, number: u64, run: bool) -> Result<(), Cause> {
        let number = checked(number)?;
        if number == 0 {
            return Ok(());
        }
        let file = &mut self.files[file.0];
        file.records.push(2 * number + u32::from(run));
        self.held += 1;
        if file.records.len() >= file.merge_at {
            self.held -= file.merge();
        }
        if self.held >= 2 * COVERAGE_LINES_MAX {
            self.merge_all()?;
        }
        Ok(())
    }

    /// Says that the format tells which lines are left out.
    pub(super) fn tells_excluded(&mut self) {
        self.tells_excluded = true;
    }

    /// Notes a line that the tool was told to leave out: it is in no fact.
    pub(super) fn exclude(&mut self, file: FileIndex, number: u64) {
        if let Some(number) = checked(number).ok().filter(|number| *number > 0 && self.detail == Detail::Everything) {
            self.files[file.0].excluded.insert(number);
        }
    }

    /// Counts a range of lines, both ends included.
    ///
    /// If all ranges together have more than [`SPREAD_LINES_MAX`] lines, returns [`Cause::TooMany`].
    pub(super) fn range(&mut self, file: FileIndex, first: u64, last: u64, run: bool) -> Result<(), Cause> {
        checked(last)?;
        self.spread = self.spread.saturating_add(last.saturating_sub(first)).saturating_add(1);
        if self.spread > SPREAD_LINES_MAX {
            return Err(Cause::TooMany { things: "lines in its ranges", count_max: SPREAD_LINES_MAX });
        }
        (first..=last).try_for_each(|number| self.line(file, number, run))
    }

    /// Makes the facts. `doubts` are the reader's reasons why the report is not whole.
    pub(super) fn finish(mut self, format: Format, mut doubts: Vec<String>) -> Result<Report, Cause> {
        self.merge_all()?;
        let of_file = |file: &mut File| (file.path.clone(), std::mem::take(&mut file.excluded).into_iter().collect());
        let with = self.files.iter_mut().filter(|file| !file.excluded.is_empty());
        let excluded: BTreeMap<String, Vec<u32>> = with.map(of_file).collect();
        let excluded = Some(excluded).filter(|_| self.tells_excluded && self.detail == Detail::Everything);
        let empty: Vec<File> = self.files.extract_if(.., |file| file.records.is_empty()).collect();
        let empty = if self.detail == Detail::Everything { empty } else { Vec::new() };
        let without_lines = empty.into_iter().map(File::named).collect();
        self.files.sort_unstable_by_key(|file| file.digest);
        let mut hash = Sha256::new_with_prefix("evidence-coverage/v1\n");
        let mut digits = [0; 64];
        let mut text = Vec::new();
        let (mut lines, mut covered) = (0_u64, 0_u64);
        for file in &self.files {
            hex::encode_to_slice(file.digest.bytes(), &mut digits).expect("32 bytes are 64 digits");
            // The text that is hashed is ten times the report: its pieces go in together.
            for some in file.records.chunks(RECORDS_TOGETHER) {
                text.clear();
                for record in some {
                    let number = usize::try_from(record / 2).expect("32 bits fit");
                    text.extend_from_slice(&digits);
                    text.push(b' ');
                    text.extend_from_slice(decimal(&mut [0; 20], number));
                    text.extend_from_slice(if record % 2 == 1 { b" 1\n" } else { b" 0\n" });
                    lines += 1;
                    covered += u64::from(record % 2);
                }
                hash.update(&text);
            }
        }
        if lines == 0 {
            doubts.push("the report has no lines: no data, and not all of them".to_owned());
        }
        doubts.truncate(REASONS_MAX);
        let coverage =
            CoverageFacts { files: count(self.files.len()), lines, covered, digest: Digest(hash.finalize().into()) };
        let outcome = if doubts.is_empty() { Outcome::Pass } else { Outcome::Inconclusive };
        let facts = Facts { coverage: Some(coverage), ..Facts::bare(format.reader(), outcome, doubts) };
        let coverage = if self.detail == Detail::Everything {
            self.files.into_iter().map(File::shown).collect()
        } else {
            Vec::new()
        };
        let roots = self.roots.into_iter().collect();
        Ok(Report { coverage, excluded, without_lines, roots, ..Report::of(facts) })
    }

    fn merge_all(&mut self) -> Result<(), Cause> {
        self.held -= self.files.iter_mut().map(File::merge).sum::<usize>();
        if self.held > COVERAGE_LINES_MAX { Err(too_many("lines", COVERAGE_LINES_MAX)) } else { Ok(()) }
    }
}

impl File {
    /// Keeps one record for each line, and returns how many went.
    fn merge(&mut self) -> usize {
        let before = self.records.len();
        // A line that was run comes first, and the first of a line stays.
        self.records.sort_unstable_by_key(|record| record ^ 1);
        self.records.dedup_by_key(|record| *record / 2);
        self.merge_at = MERGE_AT_LEAST.max(2 * self.records.len());
        before - self.records.len()
    }

    fn shown(self) -> CoveredFile {
        let line = |record: &u32| CoveredLine { number: record / 2, run: record % 2 == 1 };
        let name = if self.name.is_empty() { self.path.clone() } else { self.name };
        CoveredFile { digest: self.digest, path: self.path, name, lines: self.records.iter().map(line).collect() }
    }

    fn named(self) -> String {
        if self.name.is_empty() { self.path } else { self.name }
    }
}

/// Reads the number of a line.
pub(super) fn line_number(text: &str) -> Result<u64, Cause> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or_else(|| Cause::Record { found: shown(text, 40), wanted: "the number of a line" })
}

/// Reads how often something was run: whether it was at all. Counters are as large as they like.
pub(super) fn was_run(text: &str) -> Result<bool, Cause> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Cause::Record { found: shown(text, 40), wanted: "how often it was run, in digits" });
    }
    Ok(text.bytes().any(|byte| byte != b'0'))
}

fn checked(number: u64) -> Result<u32, Cause> {
    u32::try_from(number).ok().filter(|_| number <= LINE_NUMBER_MAX).ok_or_else(|| Cause::Record {
        found: format!("line {number}"),
        wanted: "a line of a source file, which has at most two million",
    })
}

fn too_many(things: &'static str, count_max: usize) -> Cause {
    Cause::TooMany { things, count_max: count(count_max) }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// So many records are hashed at once: some ten kilobytes of text.
const RECORDS_TOGETHER: usize = 128;

/// A report names a handful of folders.
const ROOTS_MAX: usize = 1_000;

/// Records of a file are merged when there are as many again as after the last time, and at least so many.
const MERGE_AT_LEAST: usize = 1 << 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(records: &[(&str, u64, bool)]) -> Facts {
        let mut tally = CoverageTally::new(Detail::FactsOnly);
        for (path, number, run) in records {
            let file = tally.file(path).unwrap();
            tally.line(file, *number, *run).unwrap();
        }
        tally.finish(Format::Lcov, Vec::new()).unwrap().facts
    }

    #[test]
    fn the_digest_is_spelled_as_documented() {
        let file = |path: &str| Digest(Sha256::digest(format!("evidence-file/v1\n{}:{path},", path.len())).into());
        let mut files = [(file("a.rs"), "9 1\n10 0\n"), (file("b.rs"), "9 0\n10 1\n")];
        files.sort();
        let lines: String =
            files.iter().flat_map(|(file, lines)| lines.lines().map(move |line| format!("{file} {line}\n"))).collect();
        let wanted = Digest(Sha256::digest(format!("evidence-coverage/v1\n{lines}")).into());
        let found = facts(&[("a.rs", 10, false), ("b.rs", 9, false), ("a.rs", 9, true), ("b.rs", 10, true)]);
        assert_eq!(found.coverage, Some(CoverageFacts { files: 2, lines: 4, covered: 2, digest: wanted }));
        assert_ne!(found, facts(&[("a.rs", 10, true), ("b.rs", 9, false), ("a.rs", 9, true), ("b.rs", 10, true)]));
    }

    #[test]
    fn records_of_a_line_merge_and_one_run_is_enough() {
        let once = facts(&[("a", 1, true), ("a", 2, false)]);
        assert_eq!(once, facts(&[("a", 2, false), ("a", 1, false), ("a", 1, true), ("a", 1, false), ("a", 2, false)]));
        assert_eq!(once.coverage.unwrap().covered, 1);
        let many: Vec<_> = (0..3 * u64::try_from(MERGE_AT_LEAST).unwrap()).map(|n| ("a", 1 + n % 7, n == 3)).collect();
        let coverage = facts(&many).coverage.unwrap();
        assert_eq!((coverage.lines, coverage.covered), (7, 1));
    }

    #[test]
    fn nothing_is_no_data_and_line_zero_is_none() {
        for records in [&[][..], &[("a", 0, true)]] {
            let facts = facts(records);
            assert_eq!((facts.outcome, facts.coverage.unwrap().files), (Outcome::Inconclusive, 0));
            assert_eq!(facts.reasons, ["the report has no lines: no data, and not all of them"]);
        }
        assert_eq!(facts(&[("a", 1, false)]).outcome, Outcome::Pass);
    }

    #[test]
    fn ranges_are_bounded() {
        let mut tally = CoverageTally::new(Detail::FactsOnly);
        let file = tally.file("a").unwrap();
        tally.range(file, 3, 5, true).unwrap();
        assert!(matches!(tally.line(file, LINE_NUMBER_MAX + 1, true), Err(Cause::Record { .. })));
        assert!(matches!(tally.range(file, 1, LINE_NUMBER_MAX + 1, true), Err(Cause::Record { .. })));
        tally.spread = SPREAD_LINES_MAX - 2;
        assert!(matches!(tally.range(file, 3, 5, true), Err(Cause::TooMany { .. })));
        assert_eq!(tally.finish(Format::Lcov, Vec::new()).unwrap().facts.coverage.unwrap().lines, 3);
    }

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(
            (line_number("12"), was_run("000"), was_run("99999999999999999999999")),
            (Ok(12), Ok(false), Ok(true))
        );
        for text in ["", "-1", "+1", "1.0", "1e3", " 1", "-", "x"] {
            assert!(line_number(text).is_err() && was_run(text).is_err(), "{text}");
        }
        assert!(line_number("99999999999999999999999").is_err());
    }
}
