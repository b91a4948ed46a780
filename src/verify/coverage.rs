//! The rule of coverage: how many of all lines the tests run.
//!
//! The reports of all shards of a variant come together: a line that several of them have is one, run if any says so. So
//! showing a report twice, or its easy part once more, adds nothing. Files are told apart by their paths, `\` and `/` alike,
//! `.` and `..` resolved; one path that is the end of another in a second report, or of an absolute one in its own, is the
//! same file, as [`super::mapping`] decides it; of one that may be several files only the lines that were not run count. Where a
//! limit of the claim knows head's tree, what a path means there comes first.
//!
//! Without some of the reports only their counts are known, and not which lines they share: then what is certain counts, as many
//! lines run as the best of them says, and none of the others' missed lines shared.
//!
//! A known hole: without head's tree, two absolute paths of one file under two checkouts are two files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::mapping::{Fit, Spelled, Tree, fits_of};
use crate::model::{CoverageFacts, Digest};
use crate::reports::{CoveredLine, Report};

/// What the reports of a variant say about lines.
#[derive(Default)]
pub(super) struct Coverage {
    /// What the facts say, each digest once: lines, and those of them that were run.
    stated: BTreeMap<Digest, (u64, u64)>,
    /// What the lines come to, once they were counted.
    counted: Option<Lines>,
    /// Whether every report tells which lines are left out.
    told: bool,
}

/// Lines, each once.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) total: u64,
    pub(super) run: u64,
    /// Lines that a tool was told to leave out, and that no report has.
    excluded: u64,
    /// Files that may be several of another report: their run lines help nobody.
    unclear: u64,
}

impl Coverage {
    /// Adds the counts of a report.
    pub(super) fn add(&mut self, facts: &CoverageFacts) {
        let CoverageFacts { lines, covered, digest, files: _ } = facts;
        self.stated.insert(*digest, (*lines, *covered));
    }

    /// Counts the lines of the reports; `files` are those of head's tree, or none where the claim does not ask for them.
    pub(super) fn count(&mut self, reports: &[Arc<Report>], files: &[String]) {
        let known: BTreeSet<&Digest> =
            reports.iter().filter_map(|report| Some(&report.facts.coverage.as_ref()?.digest)).collect();
        if self.stated.keys().all(|digest| known.contains(digest)) {
            self.counted = Some(united(reports, files));
            self.told = reports.iter().all(|report| report.excluded.is_some());
        }
    }

    /// Returns the lines: those that were counted, or what is certain of them.
    pub(super) fn lines(&self) -> Lines {
        self.counted.unwrap_or_else(|| {
            let run = self.stated.values().map(|(_, run)| *run).max().unwrap_or(0);
            let missed = |sum: u64, (lines, run): &(u64, u64)| sum.saturating_add(lines.saturating_sub(*run));
            Lines { total: self.stated.values().fold(run, missed), run, excluded: 0, unclear: 0 }
        })
    }

    /// Returns how many lines the tool was told to leave out; none where a report does not tell.
    pub(super) fn excluded(&self) -> Option<u64> {
        self.counted.filter(|_| self.told).map(|lines| lines.excluded)
    }

    /// Returns the whole percent of lines that were run, rounded down; none if there are no lines.
    pub(super) fn percent(&self) -> Option<u128> {
        let Lines { total, run, .. } = self.lines();
        (u128::from(run) * 100).checked_div(u128::from(total))
    }

    /// Returns the part of all lines that was run, in hundredths of a percent, rounded down.
    pub(super) fn hundredths(&self) -> Option<u64> {
        let Lines { total, run, .. } = self.lines();
        let part = (u128::from(run) * 10_000).checked_div(u128::from(total))?;
        u64::try_from(part).ok()
    }

    /// Returns one line for people.
    pub(super) fn shown(&self) -> String {
        let Lines { total, run, excluded, unclear } = self.lines();
        let excluded = if excluded > 0 { format!(", {excluded} excluded in the tool") } else { String::new() };
        let unclear = match unclear {
            0 => String::new(),
            1 => " (of 1 file only what is not run: its path fits several of another report)".to_owned(),
            more => format!(" (of {more} files only what is not run: their paths fit several of another report)"),
        };
        match self.percent() {
            None => format!("no lines{excluded}"),
            Some(percent) if self.counted.is_none() && self.stated.len() > 1 => {
                format!("at least {percent} % of lines run")
            }
            Some(percent) => format!("{run} of {total} lines run, {percent} %{excluded}{unclear}"),
        }
    }
}

/// Counts the lines of all reports, each line of each file once.
fn united(reports: &[Arc<Report>], files: &[String]) -> Lines {
    let mut of_file: BTreeMap<String, Vec<&InReport<'_>>> = BTreeMap::new();
    let mut all = Lines::default();
    let parts = parts(reports);
    for (file, lines) in named(&parts, files) {
        match file {
            Some(file) => of_file.entry(file).or_default().push(lines),
            None => {
                all.excluded = all.excluded.saturating_add(count(lines.excluded.len()));
                let missed = count(lines.lines.iter().filter(|line| !line.run).count());
                all.total = all.total.saturating_add(missed);
                all.unclear += 1;
            }
        }
    }
    for parts in of_file.values() {
        let mut lines: BTreeMap<u32, bool> = BTreeMap::new();
        for line in parts.iter().flat_map(|file| file.lines) {
            *lines.entry(line.number).or_default() |= line.run;
        }
        let excluded: BTreeSet<u32> = parts.iter().flat_map(|file| file.excluded).copied().collect();
        let excluded = count(excluded.iter().filter(|number| !lines.contains_key(*number)).count());
        all.excluded = all.excluded.saturating_add(excluded);
        all.total = all.total.saturating_add(count(lines.len()));
        all.run = all.run.saturating_add(count(lines.values().filter(|run| **run).count()));
    }
    all
}

/// Returns the parts of all reports, those with the most files first: the others' paths are held against theirs.
fn parts(reports: &[Arc<Report>]) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = reports.iter().flat_map(|report| Part::of(report)).collect();
    parts.sort_by_key(|part| (std::cmp::Reverse(part.files.len()), part.digest));
    parts
}

/// Returns each file of each report under one name for each file; none where it may be several of another report.
fn named<'p>(parts: &'p [Part<'_>], files: &[String]) -> Vec<(Option<String>, &'p InReport<'p>)> {
    let tree = Tree::of(files);
    let mut known: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for Part { report, files, .. } in parts {
        let names: Vec<&str> = files.iter().map(|file| file.name).collect();
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let in_tree = fits_of(&names, &report.roots, &tree);
        let before = Tree::of(&known);
        let in_others = fits_of(&paths, &[], &before);
        let mut fresh = Vec::new();
        for ((lines, (_, in_tree)), (_, in_others)) in files.iter().zip(in_tree).zip(in_others) {
            let own = Spelled::of(&lines.path).text;
            let file = match (in_tree, in_others) {
                (Fit::File(file), _) if !tree.has_twice(file) => Some(file.to_owned()),
                (_, Fit::File(file)) => Some(file.to_owned()),
                (_, Fit::Unclear(of)) => Some(own).filter(|own| of.contains(&own.as_str())),
                (_, Fit::Nothing) => Some(own),
            };
            fresh.extend(file.clone());
            all.push((file, lines));
        }
        known.extend(fresh);
        known.sort_unstable();
        known.dedup();
    }
    all
}

/// The files of a report whose paths begin alike, all absolute or none.
struct Part<'r> {
    report: &'r Report,
    digest: Option<Digest>,
    files: Vec<InReport<'r>>,
}

/// What a report says about a file.
struct InReport<'r> {
    /// Where it lies, as far as the report alone tells.
    path: String,
    name: &'r str,
    lines: &'r [CoveredLine],
    excluded: &'r [u32],
}

impl<'r> Part<'r> {
    fn of(report: &'r Report) -> Vec<Self> {
        let path = |path: &str| match &report.roots[..] {
            [root] if !Spelled::of(path).absolute => format!("{root}/{path}"),
            _ => path.to_owned(),
        };
        let with = report.coverage.iter().map(|file| InReport {
            path: path(&file.path),
            name: &file.name,
            lines: &file.lines,
            excluded: report.excluded.as_ref().and_then(|of| of.get(&file.path)).map_or(&[], Vec::as_slice),
        });
        let known: BTreeSet<&str> = report.coverage.iter().map(|file| file.path.as_str()).collect();
        let bare = report.excluded.iter().flatten().filter(|(name, _)| !known.contains(name.as_str()));
        let bare = bare.map(|(name, excluded)| InReport { path: path(name), name, lines: &[], excluded });
        let (absolute, relative): (Vec<_>, Vec<_>) =
            with.chain(bare).partition(|file| Spelled::of(&file.path).absolute);
        let digest = report.facts.coverage.as_ref().map(|facts| facts.digest);
        let part = |files| Self { report, digest, files };
        [absolute, relative].into_iter().filter(|files| !files.is_empty()).map(part).collect()
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::{Format, read_report};

    /// Makes an LCOV report of files: `+` is a line that was run, `-` one that was not.
    fn lcov(files: &[(&str, &str)]) -> Arc<Report> {
        let line = |(index, run): (usize, char)| match run {
            '+' => format!("DA:{},1\n", index + 1),
            '-' => format!("DA:{},0\n", index + 1),
            _ => String::new(),
        };
        let file = |(path, lines): &(&str, &str)| {
            format!("SF:{path}\n{}end_of_record\n", lines.chars().enumerate().map(line).collect::<String>())
        };
        let text: String = files.iter().map(file).collect();
        Arc::new(read_report(Format::Lcov, &mut text.as_bytes()).unwrap())
    }

    fn cobertura(source: &str, name: &str) -> Arc<Report> {
        let text = format!(
            "<coverage><sources><source>{source}</source></sources><packages><class filename='{name}'><lines><line number='1' hits='1'/></lines></class></packages></coverage>"
        );
        Arc::new(read_report(Format::Cobertura, &mut text.as_bytes()).unwrap())
    }

    fn coverage(reports: &[Arc<Report>], files: &[&str]) -> Coverage {
        let mut coverage = Coverage::default();
        reports.iter().for_each(|report| coverage.add(report.facts.coverage.as_ref().unwrap()));
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        coverage.count(reports, &files);
        coverage
    }

    fn shown(reports: &[Arc<Report>]) -> String {
        coverage(reports, &[]).shown()
    }

    #[test]
    fn the_easy_part_shown_again_adds_nothing() {
        let full = lcov(&[("src/a.py", "+++++-----"), ("src/b.py", "++++++++++")]);
        let wanted = "15 of 20 lines run, 75 %";
        assert_eq!(shown(std::slice::from_ref(&full)), wanted);
        for easy in ["src/b.py", "./src/x/../b.py", "src\\b.py", "/w/shop/src/b.py", "b.py"] {
            for lines in ["++++++++++", "+++++++++"] {
                assert_eq!(shown(&[Arc::clone(&full), lcov(&[(easy, lines)])]), wanted, "{easy}");
                assert_eq!(shown(&[lcov(&[(easy, lines)]), Arc::clone(&full)]), wanted, "{easy}");
            }
        }
        // In one report, too, if only one of the paths is absolute.
        let one = [("src/a.py", "+++++-----"), ("src/b.py", "++++++++++"), ("/w/shop/src/b.py", "++++++++++")];
        assert_eq!(shown(&[lcov(&one)]), wanted);
        assert_eq!(shown(&[lcov(&[("C:\\a\\b.py", "+-"), ("C:/a/b.py", "+-")])]), "1 of 2 lines run, 50 %");
    }

    #[test]
    fn parts_of_the_tests_come_together() {
        let (one, two) = (lcov(&[("a.py", "++--"), ("b.py", "--")]), lcov(&[("a.py", "--+-"), ("b.py", "+-")]));
        assert_eq!(shown(&[one, two]), "4 of 6 lines run, 66 %");
    }

    #[test]
    fn files_of_one_name_in_two_places_are_two() {
        let both = lcov(&[("a/lib.rs", "--"), ("b/lib.rs", "--"), ("b/c.rs", "-")]);
        assert_eq!(shown(&[Arc::clone(&both), lcov(&[("b/lib.rs", "++")])]), "2 of 5 lines run, 40 %");
        // Which one it is cannot be told: it helps nobody.
        let unclear = "0 of 6 lines run, 0 % (of 1 file only what is not run: its path fits several of another report)";
        assert_eq!(shown(&[both, lcov(&[("lib.rs", "++-")])]), unclear);
        assert_eq!(shown(&[cobertura("/w/a", "x.py"), cobertura("/w/b", "x.py")]), "2 of 2 lines run, 100 %");
        assert_eq!(shown(&[cobertura("/w/a", "x.py"), lcov(&[("a/x.py", "--")])]), "1 of 2 lines run, 50 %");
    }

    #[test]
    fn two_checkouts_are_one_where_the_tree_is_known() {
        let reports = [lcov(&[("/w/1/src/a.py", "+-"), ("/w/1/src/b.py", "--")]), lcov(&[("/w/2/src/a.py", "+-")])];
        assert_eq!(coverage(&reports, &["src/a.py", "src/b.py"]).shown(), "1 of 4 lines run, 25 %");
        assert_eq!(coverage(&reports, &[]).lines().total, 6);
    }

    #[test]
    fn without_a_report_only_what_is_certain_counts() {
        let reports = [lcov(&[("a", "++++++----")]), lcov(&[("b", "++++++++++")])];
        let with = coverage(&reports, &[]);
        assert_eq!((with.percent(), with.hundredths()), (Some(80), Some(8_000)));
        let mut without = Coverage::default();
        reports.iter().for_each(|report| without.add(report.facts.coverage.as_ref().unwrap()));
        without.count(&reports[..1], &[]);
        assert_eq!((without.percent(), without.shown()), (Some(71), "at least 71 % of lines run".to_owned()));
        // Of one report the facts say all.
        let mut one = Coverage::default();
        one.add(reports[0].facts.coverage.as_ref().unwrap());
        assert_eq!(one.shown(), "6 of 10 lines run, 60 %");
        assert_eq!((Coverage::default().percent(), Coverage::default().shown()), (None, "no lines".to_owned()));
    }
}
