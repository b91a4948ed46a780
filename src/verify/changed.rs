//! The rule of changed lines: how many of the lines that a change adds are run by the tests, as their reports say.
//!
//! A report's paths mean files of head's tree by [`super::mapping`]. Of the changed lines count those that a report lists:
//! a line that none lists (a comment, a declaration) is none that could be run. Records of a line in several reports are
//! one line, run if any of them says so. A changed file that no report mentions counts with all its lines, none of them run,
//! where a report is about files of its language: leaving a file out is no way around the limit. Other files do not count,
//! and are shown. What cannot be told for certain refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::authority::Policies;
use super::code::Code;
use super::mapping::{Fit, Tree, fits, shown};
use super::plan::Plans;
use super::planned::judged_claims;
use super::verdict::Finding;
use crate::model::{ChangedLines, ClaimName, FileLines, GitFacts, LineEnds};
use crate::policy::Paths;
use crate::prove::{Change, Complete};
use crate::reports::Report;

/// Returns whether a policy of the ledger asks for the lines that this change adds.
///
/// All policies are asked, and not only those that judge: what is read is then the same whatever part of the log is judged.
#[must_use]
pub fn asks_changed_lines(complete: &Complete<Change>, policies: &Policies, git: &GitFacts) -> bool {
    let plans = Plans::of(complete);
    policies.all().any(|policy| {
        let required = plans.required(policy, git);
        judged_claims(&plans, policy, required.as_ref()).iter().any(|(_, claim)| claim.limits_changed_lines())
    })
}

/// What reports say about the changed lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// The changed lines that could be run.
    total: u64,
    /// Those of them that were.
    run: u64,
    /// The files with lines that were not run, the most such lines first.
    missed: Vec<Missed>,
    /// Those that a tool was told to leave out.
    excluded: u64,
    /// Those of files that a report mentions, and that none lists.
    unlisted: u64,
    /// Changed files that do not count.
    ignored: Vec<String>,
    /// What cannot be told for certain.
    unclear: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Missed {
    path: String,
    count: u64,
    lines: Vec<(u64, u64)>,
    mentioned: bool,
}

/// Tells which of the changed lines the reports of a variant run.
pub(super) fn tell(changes: &ChangedLines, reports: &[Arc<Report>], except: Option<&Paths>) -> Told {
    let mut told = Told::default();
    let counts = |path: &&str| !except.is_some_and(|paths| paths.matches(path.as_bytes()));
    let wanted: BTreeMap<&str, &FileLines> =
        changes.lines.iter().map(|(path, lines)| (path.as_str(), lines)).filter(|(path, _)| counts(path)).collect();
    if wanted.is_empty() {
        return told;
    }
    let tree = Tree::of(&changes.files);
    let mut languages = BTreeSet::new();
    let mut found: BTreeMap<&str, BTreeMap<u64, bool>> = BTreeMap::new();
    let mut excluded: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for report in reports {
        let names = report.coverage.iter().map(|file| &file.name).chain(&report.without_lines);
        languages.extend(names.filter_map(|name| language(name)));
        let mut of_file: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (index, (name, fit)) in fits(report, &tree).into_iter().enumerate() {
            let path = match fit {
                Fit::Nothing => continue,
                Fit::Unclear(paths) => {
                    if paths.iter().any(|path| wanted.contains_key(path)) {
                        let name = shown(name);
                        told.unclear.insert(match paths[..] {
                            [path] => format!("`{name}` of a report may be {path} or a file of another place"),
                            _ => format!("`{name}` of a report may be {}", either(paths.iter().copied())),
                        });
                    }
                    continue;
                }
                Fit::File(path) => path,
            };
            let Some(lines) = wanted.get(path) else { continue };
            if tree.has_twice(path) {
                let name = shown(name);
                told.unclear.insert(format!("`{name}` of a report may be either of two files that are spelled {path}"));
            }
            of_file.entry(path).or_default().insert(name);
            let run = found.entry(path).or_default();
            let left_out = report.excluded.as_ref().and_then(|of| of.get(name)).into_iter().flatten();
            excluded.entry(path).or_default().extend(left_out.map(|line| u64::from(*line)).filter(|it| lines.has(*it)));
            let Some(file) = report.coverage.get(index) else { continue };
            for line in &file.lines {
                let number = u64::from(line.number);
                // Some tools number the end of the file too, which stands behind its last LF.
                if lines.ends == LineEnds::Clear && number > lines.count + 1 {
                    let has = format!("{path} has {}", lines.count);
                    told.unclear.insert(format!("`{}` of a report has line {number}, and {has}", shown(name)));
                    break;
                }
                if lines.has(number) {
                    *run.entry(number).or_default() |= line.run;
                }
            }
        }
        for (path, names) in of_file.into_iter().filter(|(_, names)| names.len() > 1) {
            let names: BTreeSet<String> = names.into_iter().map(|name| format!("`{}`", shown(name))).collect();
            if names.len() > 1 {
                told.unclear.insert(format!("{path} may be {} of a report", either(names.iter().map(String::as_str))));
            }
        }
    }
    for (path, lines) in wanted {
        match found.get(path) {
            Some(run) => {
                let excluded = excluded.get(path).into_iter().flatten().filter(|line| !run.contains_key(line)).count();
                let excluded = u64::try_from(excluded).unwrap_or(u64::MAX);
                let listed = u64::try_from(run.len()).unwrap_or(u64::MAX).saturating_add(excluded);
                told.excluded += excluded;
                told.unlisted += lines.changed_count().saturating_sub(listed);
                told.add(path, run);
            }
            None if language(path).is_some_and(|language| languages.contains(&language)) => {
                let (count, lines) = (lines.changed_count(), lines.changed.clone());
                told.total += count;
                told.missed.push(Missed { path: path.to_owned(), count, lines, mentioned: false });
            }
            None => told.ignored.push(path.to_owned()),
        }
    }
    told.missed.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.path.cmp(&b.path)));
    told
}

impl Told {
    fn add(&mut self, path: &str, lines: &BTreeMap<u64, bool>) {
        let mut missed = Missed { path: path.to_owned(), count: 0, lines: Vec::new(), mentioned: true };
        let mut before = None;
        for (line, run) in lines {
            self.total += 1;
            if *run {
                self.run += 1;
            } else {
                missed.count += 1;
                // Lines that cannot be run lie between those of one run.
                match missed.lines.last_mut().filter(|(_, last)| before == Some(*last)) {
                    Some((_, last)) => *last = *line,
                    None => missed.lines.push((*line, *line)),
                }
            }
            before = Some(*line);
        }
        if missed.count > 0 {
            self.missed.push(missed);
        }
    }

    /// Returns the whole percent of changed lines that were run, rounded down; none if no changed line can be run.
    fn percent(&self) -> Option<u128> {
        (u128::from(self.run) * 100).checked_div(u128::from(self.total))
    }

    /// Returns one line for people.
    pub(super) fn shown(&self) -> String {
        if !self.unclear.is_empty() {
            return "which changed lines are run is not clear".to_owned();
        }
        let mut text = match self.percent() {
            Some(percent) => format!("{} of {} changed lines run, {percent} %", self.run, self.total),
            None => "no changed line that could be run".to_owned(),
        };
        let lines =
            |count: u64| if count == 1 { "1 changed line".to_owned() } else { format!("{count} changed lines") };
        if self.excluded > 0 {
            text.push_str(&format!(", {} excluded in the tool", lines(self.excluded)));
        }
        // Comments and declarations are among them: where anything is listed, they say little.
        if self.unlisted > 0 && self.total == 0 {
            text.push_str(&format!(", {} that no report lists", lines(self.unlisted)));
        }
        if !self.ignored.is_empty() {
            text.push_str(&format!(" (in no report's language: {})", few(&self.ignored, FILES_SHOWN_MAX, ", ")));
        }
        text
    }

    /// Holds what is told against the least percentage.
    ///
    /// Where no changed line can be run there is nothing to hold against it: a change of documents passes.
    pub(super) fn check(&self, name: &ClaimName, least: u64, findings: &mut Vec<Finding>) {
        for unclear in self.unclear.iter().take(UNCLEAR_MAX) {
            findings.push(Finding::new(
                Code::NO_FACTS,
                name.as_str(),
                unclear.clone(),
                "reports whose paths and lines are those of one file each in the judged tree",
            ));
        }
        // What is unclear is no number.
        if self.unclear.is_empty() && self.percent().is_some_and(|percent| percent < u128::from(least)) {
            let (run, total, percent) = (self.run, self.total, self.percent().unwrap_or(0));
            let files: Vec<String> = self.missed.iter().map(Missed::shown).collect();
            let files = few(&files, FILES_SHOWN_MAX, "; ");
            findings.push(Finding::new(
                Code::COVERAGE_LIMIT,
                name.as_str(),
                format!("{run} of {total} changed lines run, {percent} %; not run: {files}"),
                format!("at least {least} %"),
            ));
        }
    }
}

impl Missed {
    fn shown(&self) -> String {
        let lines: Vec<String> = self
            .lines
            .iter()
            .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
            .collect();
        let place = if self.mentioned { "" } else { " (in no report)" };
        format!("{}{place} {}", self.path, few(&lines, RANGES_SHOWN_MAX, ", "))
    }
}

/// Returns what a thing may be, the first few of it.
fn either<'a>(all: impl Iterator<Item = &'a str>) -> String {
    few(&all.map(ToOwned::to_owned).collect::<Vec<_>>(), FILES_SHOWN_MAX, " or ")
}

/// Returns the first few texts, and how many more there are.
pub(super) fn few(texts: &[String], most: usize, between: &str) -> String {
    match texts.len().checked_sub(most) {
        None | Some(0) => texts.join(between),
        Some(more) => format!("{}{between}and {more} more", texts[..most].join(between)),
    }
}

/// Returns the language of a file by its name: extensions that stand for one language are one. None if there is no telling,
/// or if by the rules of its language nothing of the file is run in production: Go's tests, TypeScript's declarations.
pub(super) fn language(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_ascii_lowercase();
    let is_none = ["_test.go", ".d.ts", ".d.mts", ".d.cts"].iter().any(|end| name.ends_with(end));
    let (_, extension) = name.rsplit_once('.').filter(|_| !is_none)?;
    let family = LANGUAGES.iter().find(|extensions| extensions.contains(&extension)).map(|extensions| extensions[0]);
    Some(family.unwrap_or(extension).to_owned())
}

/// Extensions of one language, or of languages that one tool reports together.
const LANGUAGES: [&[&str]; 5] = [
    &["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"],
    &["py", "pyw", "pyx"],
    &["java", "kt", "scala", "groovy"],
    &["c", "cc", "cpp", "cxx", "c++", "m", "mm"],
    &["h", "hh", "hpp", "hxx", "inl", "ipp", "tpp"],
];
/// A finding names so many files,
const FILES_SHOWN_MAX: usize = 5;
/// and so many runs of lines of each.
const RANGES_SHOWN_MAX: usize = 8;
/// A verdict says so many things that cannot be told: one is enough to refuse.
const UNCLEAR_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::reports::{Format, read_report};

    /// Makes a change of files, each new with so many lines, or with these ranges of changed ones.
    fn changes(files: &[(&str, u64)]) -> ChangedLines {
        let lines = |count: u64| FileLines { count, changed: vec![(1, count)], ends: LineEnds::Clear };
        let mut paths: Vec<String> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        paths.sort();
        ChangedLines {
            files: paths,
            lines: files.iter().map(|(path, n)| ((*path).to_owned(), lines(*n))).collect(),
            ..ChangedLines::default()
        }
    }

    fn report(text: &str) -> Arc<Report> {
        let report = read_report(Format::Lcov, &mut text.as_bytes()).unwrap();
        Arc::new(report)
    }

    /// Makes a report of one file: `+` is a line that was run, `-` one that was not, anything else none.
    fn lcov(path: &str, lines: &str) -> String {
        let line = |(index, run): (usize, char)| match run {
            '+' => format!("DA:{},1\n", index + 1),
            '-' => format!("DA:{},0\n", index + 1),
            _ => String::new(),
        };
        format!("SF:{path}\n{}end_of_record\n", lines.chars().enumerate().map(line).collect::<String>())
    }

    fn sentences(told: &Told, least: u64) -> Vec<String> {
        let mut findings = Vec::new();
        told.check(&"a".parse().unwrap(), least, &mut findings);
        findings.iter().map(Finding::sentence).collect()
    }

    #[test]
    fn lines_of_all_reports_are_one_and_one_run_is_enough() {
        let changes = changes(&[("a.py", 6)]);
        let one = report(&lcov("a.py", "+-.-+"));
        let told = tell(&changes, &[Arc::clone(&one)], None);
        assert_eq!((told.run, told.total, told.percent()), (2, 4, Some(50)));
        assert_eq!(told.shown(), "2 of 4 changed lines run, 50 %");
        assert_eq!(sentences(&told, 50), [""; 0]);
        let low = "E224 coverage-limit: a: 2 of 4 changed lines run, 50 %; not run: a.py 2-4; wanted at least 51 %";
        assert_eq!(sentences(&told, 51), [low]);
        let told = tell(&changes, &[one, report(&lcov("/w/a.py", "-+"))], None);
        assert_eq!((told.run, told.total), (3, 4));
    }

    #[test]
    fn percent_is_rounded_down() {
        let told = tell(&changes(&[("a.py", 1_000)]), &[report(&lcov("a.py", &format!("-{}", "+".repeat(999))))], None);
        assert_eq!((told.percent(), sentences(&told, 99).len(), sentences(&told, 100).len()), (Some(99), 0, 1));
    }

    #[test]
    fn a_source_file_that_no_report_mentions_is_not_run() {
        let changes = changes(&[("a.py", 2), ("hidden.PYW", 3), ("LICENSE", 9), ("go.mod", 4), ("x_test.go", 4)]);
        let told = tell(&changes, &[report(&lcov("a.py", "++"))], None);
        assert_eq!((told.run, told.total), (2, 5));
        assert_eq!(told.ignored, ["LICENSE", "go.mod", "x_test.go"]);
        assert!(sentences(&told, 90)[0].contains("40 %; not run: hidden.PYW (in no report) 1-3; wanted"));
        // Mentioned without lines it has none that could be run.
        let told = tell(&changes, &[report(&(lcov("a.py", "++") + &lcov("hidden.PYW", "")))], None);
        assert_eq!((told.run, told.total), (2, 2));
    }

    #[test]
    fn lines_that_no_report_lists_are_shown_where_nothing_else_is() {
        let told = tell(&changes(&[("a.py", 4)]), &[report(&(lcov("a.py", "") + &lcov("b.py", "+")))], None);
        assert_eq!(told.shown(), "no changed line that could be run, 4 changed lines that no report lists");
        let told = tell(&changes(&[("a.py", 4)]), &[report(&lcov("a.py", "+"))], None);
        assert_eq!(told.shown(), "1 of 1 changed lines run, 100 %");
    }

    #[test]
    fn no_changed_line_to_run_is_no_data_and_holds() {
        let told = tell(&changes(&[("a.md", 2)]), &[report(&lcov("a.py", "-"))], None);
        assert_eq!((told.percent(), sentences(&told, 100).len()), (None, 0));
        assert_eq!(told.shown(), "no changed line that could be run (in no report's language: a.md)");
        assert_eq!(tell(&changes(&[]), &[report(&lcov("a.py", "-"))], None), Told::default());
    }

    #[test]
    fn excepted_paths_do_not_count() {
        let text = "version = 1\n[claim.a]\nfamily = \"functionality\"\nby = \"ci\"\ncoverage = { changed_lines_min = 90, changed_lines_except = [\"tests/**\"] }\n[tier.low]\nrequire = [\"a\"]\n";
        let policy = Policy::parse(text).unwrap();
        let coverage = policy.claim(&"a".parse().unwrap()).unwrap().coverage.as_ref().unwrap();
        let (changes, reports) = (changes(&[("a.py", 2), ("tests/b.py", 3)]), [report(&lcov("a.py", "++"))]);
        assert_eq!(tell(&changes, &reports, None).total, 5);
        assert_eq!(tell(&changes, &reports, coverage.changed_lines_except.as_ref()).total, 2);
    }

    #[test]
    fn a_report_about_another_text_is_unclear() {
        let changes = changes(&[("a.py", 3)]);
        assert_eq!(sentences(&tell(&changes, &[report(&lcov("a.py", "++++"))], None), 90), [""; 0]);
        let told = tell(&changes, &[report(&lcov("a.py", "+++.+"))], None);
        assert!(
            sentences(&told, 0)[0]
                .starts_with("E214 no-facts: a: `a.py` of a report has line 5, and a.py has 3; wanted")
        );
    }

    #[test]
    fn file_that_a_report_names_twice_alike_is_one() {
        let twice = format!("{}{}", lcov("a.py", "++-"), lcov("a.py", "--+"));
        let told = tell(&changes(&[("a.py", 3)]), &[report(&twice)], None);
        assert_eq!((told.unclear.len(), told.percent()), (0, Some(100)));
    }

    #[test]
    fn disputed_line_ends_make_every_line_a_changed_one() {
        let mut changes = changes(&[("a.py", 1)]);
        let reports = [report(&lcov("a.py", "+---"))];
        changes.lines.get_mut("a.py").unwrap().ends = LineEnds::Disputed;
        assert_eq!(tell(&changes, &reports, None).percent(), Some(25));
    }

    #[test]
    fn two_names_of_one_file_and_two_files_of_one_name_are_unclear() {
        let found = |files: &[(&str, u64)], text: &str| sentences(&tell(&changes(files), &[report(text)], None), 0);
        let two_names = lcov("/w/src/a.py", "+") + &lcov("src/a.py", "-");
        assert!(
            found(&[("src/a.py", 1)], &two_names)[0]
                .contains("src/a.py may be `/w/src/a.py` or `src/a.py` of a report")
        );
        let two_files = &[("x/a.py", 1), ("y/a.py", 1)];
        assert!(found(two_files, &lcov("a.py", "+"))[0].contains("`a.py` of a report may be x/a.py or y/a.py"));
        assert_eq!(found(two_files, &(lcov("x/a.py", "+") + &lcov("y/a.py", "+"))), [""; 0]);
        let mut twice = changes(&[("a.py", 1)]);
        twice.files.push("a.py".to_owned());
        assert_eq!(sentences(&tell(&twice, &[report(&lcov("a.py", "+"))], None), 0).len(), 1);
    }

    #[test]
    fn what_is_shown_is_bounded() {
        let files: Vec<(String, u64)> = (0..40).map(|n| (format!("f{n:02}.py"), 60)).collect();
        let files: Vec<(&str, u64)> = files.iter().map(|(path, n)| (path.as_str(), *n)).collect();
        let text: String = files.iter().map(|(path, _)| lcov(path, &"-+".repeat(30))).collect();
        let told = tell(&changes(&files), &[report(&text)], None);
        let [low] = &sentences(&told, 100)[..] else { panic!() };
        assert!(low.ends_with("and 22 more; and 35 more; wanted at least 100 %") && low.len() < 500, "{low}");
    }

    #[test]
    fn a_file_that_may_lie_elsewhere_is_unclear() {
        let changes = changes(&[("src/a.py", 3)]);
        let both = [lcov("/w/one/src/a.py", "+++"), lcov("/w/two/src/a.py", "+++")].concat();
        let told = tell(&changes, &[report(&both)], None);
        let of = |root: &str| format!("`/w/{root}/src/a.py` of a report may be src/a.py or a file of another place");
        assert_eq!(told.unclear.into_iter().collect::<Vec<_>>(), [of("one"), of("two")]);
        assert!(tell(&changes, &[report(&lcov("/w/one/src/a.py", "+++"))], None).unclear.is_empty());
    }
}
