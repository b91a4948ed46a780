//! The rule of mutants: how many small faults the tests notice, in all and on the lines that the change adds.
//!
//! Mutants are counted by what they are. The reports of all shards of a variant come together, a mutant that several of
//! them have is one, and the worst that any says of it counts: noticed by no test, in code that no test runs, timed
//! out, noticed, none that counts. So showing a report twice, or the easy part of it once more, adds nothing. What timed out was noticed: a tool
//! that is told to wait for nothing lets all of them time out, so how many did is shown.
//!
//! A mutant is on a changed line if one of its lines is. Paths of a report mean files of head's tree by [`super::mapping`]. A
//! changed file that no report mentions refuses where a report has mutants of its language: leaving a file out is no way
//! around the limit. Where no mutant is on a changed line there is nothing to hold against it; where there are some, none
//! counts, and the tool was told to ignore one, that refuses: nothing valid is no score. Lines whose mutants could all not be
//! built or run have none that a test could notice, which is the language's doing; how many is shown. What the tool was told to
//! leave out of its report inside of a file that it mentions cannot be told.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::changed::{few, language};
use super::code::Code;
use super::mapping::{Fit, Tree, fits_of, shown};
use super::verdict::Finding;
use crate::model::{ChangedLines, ClaimName, Digest, Facts, FileLines, LineEnds};
use crate::policy::{Asserted, Claim, MutationLimits, Paths};
use crate::reports::{Mutant, MutantState, Report};

/// The mutants that the reports of a variant show.
#[derive(Default)]
pub(super) struct Mutants {
    /// What the facts of all reports come to, each digest once.
    stated: Option<Score>,
    seen: BTreeSet<Digest>,
    reports: Vec<Arc<Report>>,
    /// Records with a report that is not there.
    unknown: BTreeSet<u64>,
    /// What the mutants come to, once they were counted.
    counted: Option<Score>,
    /// Those on changed lines.
    changed: Option<Told>,
}

/// What mutants come to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Score {
    noticed: u64,
    /// Those of `noticed` that timed out.
    timed_out: u64,
    missed: u64,
    /// Those that do not count: what the tool could not build, and what it was told to ignore.
    left_out: u64,
    /// Those of `left_out` that the tool was told to ignore.
    ignored: u64,
}

/// What the mutants on changed lines come to.
#[derive(Debug, Default)]
struct Told {
    score: Score,
    missed: Vec<String>,
    /// Changed files that no report mentions.
    absent: Vec<String>,
    /// What cannot be told for certain.
    unclear: BTreeSet<String>,
}

/// A mutant with the place of its report, and the worst that is said of it.
type Said<'a> = (usize, &'a Mutant);

impl Mutants {
    /// Returns whether any report is about mutants.
    pub(super) fn any(&self) -> bool {
        self.stated.is_some()
    }

    /// Adds the counts of a report.
    pub(super) fn add(&mut self, facts: &Facts) {
        let Some(mutation) = &facts.mutation else { return };
        let stated = self.stated.get_or_insert_default();
        if self.seen.insert(mutation.digest) {
            stated.add(MutantState::Killed, mutation.killed);
            stated.add(MutantState::Timeout, mutation.timeout);
            stated.add(MutantState::Survived, mutation.survived);
            stated.add(MutantState::Uncovered, mutation.uncovered);
            stated.add(MutantState::Invalid, mutation.invalid);
        }
    }

    /// Adds the mutants of a report, or notes that it is not there.
    pub(super) fn add_report(&mut self, serial: u64, report: Option<&Arc<Report>>) {
        match report {
            Some(report) => self.reports.push(Arc::clone(report)),
            None => {
                self.unknown.insert(serial);
            }
        }
    }

    /// Returns the part of the mutants that count that was noticed, in hundredths of a percent, rounded down.
    pub(super) fn hundredths(&self) -> Option<u64> {
        let Score { noticed, missed, .. } = self.counted?;
        let part = (u128::from(noticed) * 10_000).checked_div(u128::from(noticed) + u128::from(missed))?;
        u64::try_from(part).ok()
    }

    /// Returns how many were noticed by time alone.
    pub(super) fn timed_out(&self) -> Option<u64> {
        self.counted.map(|score| score.timed_out)
    }

    /// Returns how many do not count.
    pub(super) fn left_out(&self) -> Option<u64> {
        self.counted.map(|score| score.left_out)
    }

    /// Returns one line for people.
    pub(super) fn shown(&self) -> Option<String> {
        let score = self.counted.or(self.stated)?;
        let changed = self.changed.as_ref().map(|told| match (told.unclear.is_empty(), told.score.percent()) {
            (false, _) => "; which mutants are on changed lines is not clear".to_owned(),
            (true, None) if told.score.left_out == 0 => "; no mutant on a changed line".to_owned(),
            (true, _) => format!("; on changed lines {}", told.score.shown()),
        });
        Some(format!("{}{}", score.shown(), changed.unwrap_or_default()))
    }

    /// Holds the mutants against the limits of a claim.
    pub(super) fn check(
        &mut self,
        name: &ClaimName,
        claim: &Claim,
        limits: &MutationLimits,
        changes: Option<&ChangedLines>,
        findings: &mut Vec<Finding>,
    ) {
        let MutationLimits { score_min, changed_score_min, changed_score_except, survived_max, .. } = limits;
        let said = merged(&self.reports);
        let whole = self.unknown.is_empty();
        let score = if whole { score(&said) } else { self.stated.unwrap_or_default() };
        let missed = || few(&missed(&said), MUTANTS_SHOWN_MAX, "; ");
        if score.percent().is_none() {
            let found = "no report shows a mutant that counts";
            findings.push(Finding::new(Code::NO_FACTS, name.as_str(), found, "a report with mutants"));
        }
        check_score(name, &score, *score_min, "", &missed, findings);
        if let Some(most) = survived_max.filter(|most| score.missed > *most) {
            let found = format!("{} mutants that no test notices: {}", score.missed, missed());
            findings.push(Finding::new(Code::MUTATION_LIMIT, name.as_str(), found, format!("at most {most}")));
        }
        let told = changed_score_min.filter(|_| whole).zip(changes).map(|(least, changes)| {
            let told = tell(changes, &self.reports, &said, changed_score_except.as_ref());
            told.check(name, least, findings);
            told
        });
        if changed_score_min.is_some() && told.is_none() {
            // Where a report is not there and that is no finding yet, it is one by itself.
            if let Some(serial) = self.unknown.first().filter(|_| claim.asserted == Asserted::Allow) {
                let found = format!(
                    "a report of record {serial} is not there, and which of its mutants are on changed lines is not known"
                );
                findings.push(Finding::new(Code::NO_MATERIAL, name.as_str(), found, "every report that shows mutants"));
            } else if whole {
                let found = "nobody looked which lines the change adds";
                findings.push(Finding::new(Code::NO_FACTS, name.as_str(), found, "the blobs of base and head"));
            }
        }
        self.counted = Some(score);
        self.changed = told;
    }
}

impl Score {
    fn add(&mut self, state: MutantState, count: u64) {
        match state {
            MutantState::Invalid => self.left_out = self.left_out.saturating_add(count),
            MutantState::Ignored => {
                self.left_out = self.left_out.saturating_add(count);
                self.ignored = self.ignored.saturating_add(count);
            }
            MutantState::Killed => self.noticed = self.noticed.saturating_add(count),
            MutantState::Timeout => {
                self.noticed = self.noticed.saturating_add(count);
                self.timed_out = self.timed_out.saturating_add(count);
            }
            MutantState::Survived | MutantState::Uncovered => self.missed = self.missed.saturating_add(count),
        }
    }

    /// Returns the whole percent of mutants that were noticed, rounded down; none if no mutant counts.
    fn percent(&self) -> Option<u128> {
        (u128::from(self.noticed) * 100).checked_div(u128::from(self.noticed) + u128::from(self.missed))
    }

    fn shown(&self) -> String {
        let total = u128::from(self.noticed) + u128::from(self.missed);
        let Some(percent) = self.percent() else { return format!("no mutants that count{}", self.shown_left_out()) };
        let timed_out = match self.timed_out {
            0 => String::new(),
            count => format!(", {count} of them by time alone"),
        };
        let left_out = self.shown_left_out();
        format!("{} of {total} mutants noticed, {percent} %{timed_out}{left_out}", self.noticed)
    }

    fn shown_left_out(&self) -> String {
        match (self.left_out, self.ignored) {
            (0, _) => String::new(),
            (count, 0) => format!(", {count} left out"),
            (count, ignored) => format!(", {count} left out ({ignored} ignored in the tool)"),
        }
    }
}

fn check_score(
    name: &ClaimName,
    score: &Score,
    least: Option<u64>,
    place: &str,
    missed: &dyn Fn() -> String,
    findings: &mut Vec<Finding>,
) {
    let below = |least: &u64| score.percent().is_some_and(|percent| percent < u128::from(*least));
    if let Some(least) = least.filter(below) {
        let found = format!("{place}{}; not noticed: {}", score.shown(), missed());
        findings.push(Finding::new(Code::MUTATION_LIMIT, name.as_str(), found, format!("at least {least} %")));
    }
}

/// Brings the mutants of all reports together: the n-th of several equal ones in one report is the n-th in another.
fn merged(reports: &[Arc<Report>]) -> Vec<Said<'_>> {
    let mut all: BTreeMap<(Digest, (u64, u64)), Vec<Said<'_>>> = BTreeMap::new();
    for (index, report) in reports.iter().enumerate() {
        let mut here: BTreeMap<(Digest, (u64, u64)), Vec<Said<'_>>> = BTreeMap::new();
        for mutant in &report.mutants {
            here.entry((mutant.identity, mutant.lines)).or_default().push((index, mutant));
        }
        for (key, mut said) in here {
            said.sort_by_key(|(_, mutant)| rank(mutant.state));
            let known = all.entry(key).or_default();
            for (at, said) in said.into_iter().enumerate() {
                match known.get_mut(at) {
                    Some(known) if rank(said.1.state) < rank(known.1.state) => *known = said,
                    Some(_) => {}
                    None => known.push(said),
                }
            }
        }
    }
    all.into_values().flatten().collect()
}

/// Returns how bad a state is: the least is the worst.
fn rank(state: MutantState) -> u8 {
    match state {
        MutantState::Survived => 0,
        MutantState::Uncovered => 1,
        MutantState::Timeout => 2,
        MutantState::Killed => 3,
        MutantState::Ignored => 4,
        MutantState::Invalid => 5,
    }
}

fn score(said: &[Said<'_>]) -> Score {
    let mut score = Score::default();
    said.iter().for_each(|(_, mutant)| score.add(mutant.state, 1));
    score
}

/// Returns the mutants that no test notices, by place.
fn missed(said: &[Said<'_>]) -> Vec<String> {
    let is_missed = |mutant: &&Mutant| matches!(mutant.state, MutantState::Survived | MutantState::Uncovered);
    let mut found: Vec<&Mutant> = said.iter().map(|(_, mutant)| *mutant).filter(is_missed).collect();
    found.sort_by(|a, b| (&a.file, a.lines, &a.text).cmp(&(&b.file, b.lines, &b.text)));
    let shown = |mutant: &Mutant| {
        let (file, text) = (crate::reports::shown(&mutant.file, 80), crate::reports::shown(&mutant.text, 60));
        format!("{file}:{} {text}", mutant.lines.0)
    };
    found.into_iter().map(shown).collect()
}

/// Tells what becomes of the mutants on changed lines.
fn tell(changes: &ChangedLines, reports: &[Arc<Report>], said: &[Said<'_>], except: Option<&Paths>) -> Told {
    let mut told = Told::default();
    let counts = |path: &&str| !except.is_some_and(|paths| paths.matches(path.as_bytes()));
    let wanted: BTreeMap<&str, &FileLines> =
        changes.lines.iter().map(|(path, lines)| (path.as_str(), lines)).filter(|(path, _)| counts(path)).collect();
    let tree = Tree::of(&changes.files);
    let mut languages = BTreeSet::new();
    let mut mentioned = BTreeSet::new();
    let mut files: HashMap<(usize, &str), &str> = HashMap::new();
    for (index, report) in reports.iter().enumerate() {
        let with: BTreeSet<&str> = report.mutants.iter().map(|mutant| mutant.file.as_str()).collect();
        languages.extend(with.iter().filter_map(|name| language(name)));
        let names: BTreeSet<&str> = with.into_iter().chain(report.without_lines.iter().map(String::as_str)).collect();
        let names: Vec<&str> = names.into_iter().collect();
        for (name, fit) in fits_of(&names, &report.roots, &tree) {
            match fit {
                Fit::Nothing => {}
                Fit::Unclear(paths) if paths.iter().any(|path| wanted.contains_key(path)) => {
                    let files =
                        few(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>(), FILES_SHOWN_MAX, " or ");
                    told.unclear.insert(format!("`{}` of a report may be {files}", shown(name)));
                }
                Fit::Unclear(_) => {}
                Fit::File(path) if wanted.contains_key(path) => {
                    if tree.has_twice(path) {
                        let name = shown(name);
                        let found = format!("`{name}` of a report may be either of two files that are spelled {path}");
                        told.unclear.insert(found);
                    }
                    mentioned.insert(path);
                    files.insert((index, name), path);
                }
                Fit::File(_) => {}
            }
        }
    }
    let mut touching = Vec::new();
    for (index, mutant) in said {
        let Some(path) = files.get(&(*index, mutant.file.as_str())) else { continue };
        let Some(lines) = wanted.get(path) else { continue };
        if lines.ends == LineEnds::Clear && mutant.lines.1 > lines.count + 1 {
            let found = format!("a mutant of a report is on line {}, and {path} has {}", mutant.lines.1, lines.count);
            told.unclear.insert(found);
        }
        if touches(lines, mutant.lines) {
            touching.push((*index, *mutant));
        }
    }
    told.score = score(&touching);
    told.missed = missed(&touching);
    let is_absent =
        |path: &&str| !mentioned.contains(path) && language(path).is_some_and(|language| languages.contains(&language));
    told.absent = wanted.keys().copied().filter(is_absent).map(str::to_owned).collect();
    told
}

/// Tells whether a run of lines has a changed one in it.
fn touches(lines: &FileLines, (first, last): (u64, u64)) -> bool {
    let next = lines.changed.partition_point(|(_, end)| *end < first);
    lines.ends == LineEnds::Disputed || lines.changed.get(next).is_some_and(|(start, _)| *start <= last)
}

impl Told {
    fn check(&self, name: &ClaimName, least: u64, findings: &mut Vec<Finding>) {
        for unclear in self.unclear.iter().take(UNCLEAR_MAX) {
            let wanted = "reports whose paths and lines are those of one file each in the judged tree";
            findings.push(Finding::new(Code::NO_FACTS, name.as_str(), unclear.clone(), wanted));
        }
        if !self.unclear.is_empty() {
            // What is unclear is no number.
            return;
        }
        if !self.absent.is_empty() {
            let files = few(&self.absent, FILES_SHOWN_MAX, ", ");
            let found = format!("no report has mutants of changed files: {files}");
            let wanted = "every changed file of its language in a report, or an exception for it";
            findings.push(Finding::new(Code::MUTANTS_MISSING, name.as_str(), found, wanted));
        }
        if self.score.percent().is_none() && self.score.ignored > 0 {
            let found = format!("on changed lines {}", self.score.shown());
            let wanted = format!("at least {least} % of some that count, or an exception for the file in the policy");
            findings.push(Finding::new(Code::MUTATION_LIMIT, name.as_str(), found, wanted));
        }
        let missed = || few(&self.missed, MUTANTS_SHOWN_MAX, "; ");
        check_score(name, &self.score, Some(least), "on changed lines ", &missed, findings);
    }
}

/// A finding names so many mutants,
const MUTANTS_SHOWN_MAX: usize = 5;
/// and so many files.
const FILES_SHOWN_MAX: usize = 5;
/// A verdict says so many things that cannot be told: one is enough to refuse.
const UNCLEAR_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::reports::{Format, read_report};

    /// Makes a Stryker report of mutants: file, line, replacement, status.
    fn report(mutants: &[(&str, u64, &str, &str)]) -> Arc<Report> {
        let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (file, line, replacement, status) in mutants {
            let of_file = files.entry(file).or_default();
            if *line > 0 {
                of_file.push(format!("{{\"mutatorName\":\"M\",\"replacement\":\"{replacement}\",\"status\":\"{status}\",\"location\":{{\"start\":{{\"line\":{line}}},\"end\":{{\"line\":{line}}}}}}}"));
            }
        }
        let files: Vec<String> =
            files.iter().map(|(file, mutants)| format!("\"{file}\":{{\"mutants\":[{}]}}", mutants.join(","))).collect();
        let text = format!("{{\"schemaVersion\":\"2\",\"files\":{{{}}}}}", files.join(","));
        Arc::new(read_report(Format::Stryker, &mut text.as_bytes()).unwrap())
    }

    /// Makes a change: each file has ten lines, of which these are changed.
    fn changes(files: &[(&str, &[(u64, u64)])]) -> ChangedLines {
        let mut paths: Vec<String> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        paths.sort();
        let lines = |changed: &[(u64, u64)]| FileLines { count: 10, changed: changed.to_vec(), ends: LineEnds::Clear };
        let touched = files.iter().filter(|(_, changed)| !changed.is_empty());
        ChangedLines {
            files: paths,
            lines: touched.map(|(path, it)| ((*path).to_owned(), lines(it))).collect(),
            ..ChangedLines::default()
        }
    }

    fn sentences(limits: &str, reports: &[Arc<Report>], changes: Option<&ChangedLines>) -> (Vec<String>, String) {
        let text = format!(
            "version = 1\n[claim.a]\nfamily = \"functionality\"\nby = \"ci\"\nmutation = {{ {limits} }}\n[tier.low]\nrequire = [\"a\"]\n"
        );
        let policy = Policy::parse(&text).unwrap();
        let name = "a".parse().unwrap();
        let claim = policy.claim(&name).unwrap();
        let mut mutants = Mutants::default();
        for report in reports {
            mutants.add(&report.facts);
            mutants.add_report(7, Some(report));
        }
        let mut findings = Vec::new();
        mutants.check(&name, claim, claim.mutation.as_ref().unwrap(), changes, &mut findings);
        (findings.iter().map(Finding::sentence).collect(), mutants.shown().unwrap_or_default())
    }

    fn codes(limits: &str, reports: &[Arc<Report>], changes: Option<&ChangedLines>) -> Vec<String> {
        let code = |sentence: &String| sentence.split(' ').next().unwrap().to_owned();
        sentences(limits, reports, changes).0.iter().map(code).collect()
    }

    #[test]
    fn names_that_may_be_of_several_files_refuse_only_where_one_is_changed() {
        let two = report(&[("lib/a.js", 1, "x", "Killed"), ("src/b.js", 1, "x", "Killed")]);
        let same = [("one/lib/a.js", &[][..]), ("two/lib/a.js", &[]), ("src/b.js", &[(1, 1)])];
        assert_eq!(codes("changed_score_min = 100", std::slice::from_ref(&two), Some(&changes(&same))), [""; 0]);
        let changed = [("one/lib/a.js", &[(1, 1)][..]), ("two/lib/a.js", &[]), ("src/b.js", &[(1, 1)])];
        assert_eq!(codes("changed_score_min = 100", &[two], Some(&changes(&changed)))[0], "E214");
    }

    #[test]
    fn files_that_are_spelled_alike_refuse_only_where_one_is_changed() {
        let said = report(&[("%FF.js", 1, "x", "Killed"), ("b.js", 1, "x", "Killed")]);
        let same = changes(&[("%FF.js", &[]), ("%FF.js", &[]), ("b.js", &[(1, 1)])]);
        assert_eq!(codes("changed_score_min = 100", std::slice::from_ref(&said), Some(&same)), [""; 0]);
        let changed = changes(&[("%FF.js", &[(1, 1)]), ("%FF.js", &[(1, 1)]), ("b.js", &[(1, 1)])]);
        assert_eq!(codes("changed_score_min = 100", &[said], Some(&changed))[0], "E214");
    }

    #[test]
    fn mutant_that_reports_tell_otherwise_is_told_alike_in_either_order() {
        let of = |state: &str| report(&[("a.js", 1, "x", state), ("a.js", 2, "x", "Killed")]);
        let told = |one: &str, other: &str| sentences("score_min = 100", &[of(one), of(other)], None);
        for (one, other) in
            [("Killed", "Survived"), ("Timeout", "Survived"), ("Killed", "Timeout"), ("NoCoverage", "Survived")]
        {
            assert_eq!(told(one, other), told(other, one), "{one} {other}");
        }
        assert_eq!(told("Survived", "Killed").0.len(), 1);
    }

    #[test]
    fn mutant_behind_the_last_line_is_of_another_text() {
        // What is one line behind may be the end of the last one.
        for (line, found) in [(10, false), (11, false), (12, true)] {
            let said = [report(&[("a.js", 1, "x", "Killed"), ("a.js", line, "x", "Killed")])];
            let changes = changes(&[("a.js", &[(1, 1)])]);
            assert_eq!(
                codes("changed_score_min = 100", &said, Some(&changes)),
                vec!["E214"; usize::from(found)],
                "{line}"
            );
        }
    }

    #[test]
    fn scores_are_rounded_down_and_held_against_their_limit() {
        let one = [report(&[("a.js", 1, "x", "Killed"), ("a.js", 2, "x", "Timeout"), ("a.js", 3, "y", "Survived")])];
        let (found, shown) = sentences("score_min = 67", &one, None);
        let wanted = "E250 mutation-limit: a: 2 of 3 mutants noticed, 66 %, 1 of them by time alone; not noticed: a.js:3 M: y; wanted at least 67 %";
        assert_eq!(
            (found, shown.as_str()),
            (vec![wanted.to_owned()], "2 of 3 mutants noticed, 66 %, 1 of them by time alone")
        );
        assert_eq!(codes("score_min = 66", &one, None), [""; 0]);
        assert_eq!(codes("survived_max = 0", &one, None), ["E250"]);
        assert_eq!(codes("survived_max = 1", &one, None), [""; 0]);
        let uncovered = [report(&[("a.js", 1, "x", "NoCoverage"), ("a.js", 2, "x", "Killed")])];
        assert_eq!(codes("survived_max = 0", &uncovered, None), ["E250"]);
        assert_eq!(codes("score_min = 0", &[report(&[("a.js", 1, "x", "Ignored")])], None), ["E214"]);
    }

    #[test]
    fn the_easy_part_shown_again_adds_nothing() {
        let hard = ("a.js", 2, "y", "Survived");
        let easy: Vec<_> = (3..9).map(|line| ("a.js", line, "x", "Killed")).collect();
        let all = report(&[&[hard][..], &easy].concat());
        assert_eq!(sentences("score_min = 0", &[Arc::clone(&all)], None).1, "6 of 7 mutants noticed, 85 %");
        for again in [Arc::clone(&all), report(&easy), report(&[("a.js", 2, "y", "Killed")])] {
            let both = [Arc::clone(&all), again];
            assert_eq!(sentences("score_min = 0", &both, None).1, "6 of 7 mutants noticed, 85 %");
        }
        // Equal mutants of one report are several.
        let twice = report(&[("a.js", 1, "x", "Killed"), ("a.js", 1, "x", "Survived")]);
        assert_eq!(sentences("score_min = 0", &[Arc::clone(&twice), twice], None).1, "1 of 2 mutants noticed, 50 %");
    }

    #[test]
    fn shards_come_together() {
        let (one, two) = (report(&[("a.js", 1, "x", "Killed")]), report(&[("b.js", 1, "x", "Survived")]));
        assert_eq!(codes("score_min = 51", &[Arc::clone(&one), Arc::clone(&two)], None), ["E250"]);
        assert_eq!(codes("score_min = 50", &[one, two], None), [""; 0]);
    }

    #[test]
    fn only_mutants_on_changed_lines_count_for_the_change() {
        let reports = [report(&[("/w/src/a.js", 3, "x", "Survived"), ("/w/src/a.js", 7, "x", "Killed")])];
        let told = |lines: &[(u64, u64)]| {
            let changes = changes(&[("src/a.js", lines), ("src/b.js", &[])]);
            sentences("changed_score_min = 100", &reports, Some(&changes))
        };
        assert_eq!(told(&[(6, 7), (9, 9)]).0, [""; 0]);
        assert!(told(&[(1, 3)]).0[0].starts_with("E250 mutation-limit: a: on changed lines 0 of 1 mutants noticed, 0 %; not noticed: /w/src/a.js:3 M: x; wanted"));
        assert_eq!(told(&[(2, 7)]).0.len(), 1);
        let (found, shown) = told(&[(4, 6)]);
        assert_eq!((found.len(), shown.ends_with("; no mutant on a changed line")), (0, true));
        assert_eq!(codes("changed_score_min = 1", &reports, None), ["E214"]);
    }

    #[test]
    fn ignoring_every_mutant_on_changed_lines_is_no_way_around() {
        let told = |states: &[&str]| {
            let of_change =
                states.iter().enumerate().map(|(at, state)| ("a.js", 6 + u64::try_from(at).unwrap(), "x", *state));
            let all: Vec<_> = [("a.js", 1, "x", "Killed")].into_iter().chain(of_change).collect();
            sentences("changed_score_min = 80", &[report(&all)], Some(&changes(&[("a.js", &[(6, 8)])])))
        };
        let wanted = "E250 mutation-limit: a: on changed lines no mutants that count, 2 left out (2 ignored in the tool); wanted at least 80 % of some that count, or an exception for the file in the policy";
        assert_eq!(told(&["Ignored", "Ignored"]).0, [wanted]);
        assert_eq!(told(&["Ignored", "CompileError"]).0.len(), 1);
        // What cannot be built or run has nothing that a test could notice, and one that counts is a score.
        let (found, shown) = told(&["CompileError", "RuntimeError"]);
        assert_eq!((found.len(), shown.ends_with("; on changed lines no mutants that count, 2 left out")), (0, true));
        let (found, shown) = told(&["Ignored", "Killed"]);
        assert_eq!(found, [""; 0]);
        assert!(shown.ends_with("on changed lines 1 of 1 mutants noticed, 100 %, 1 left out (1 ignored in the tool)"));
        assert_eq!(told(&["Ignored", "Survived"]).0.len(), 1);
    }

    #[test]
    fn a_changed_file_that_no_report_mentions_is_refused() {
        let reports = [report(&[("src/a.js", 3, "x", "Killed"), ("src/bare.js", 0, "", "")])];
        let with = |path| changes(&[("src/a.js", &[(1, 9)]), (path, &[(1, 2)])]);
        let found = sentences("changed_score_min = 1", &reports, Some(&with("src/new.ts"))).0;
        assert!(
            found[0].starts_with("E251 mutants-missing: a: no report has mutants of changed files: src/new.ts; wanted")
        );
        for fine in ["src/bare.js", "README.md", "src/types.d.ts"] {
            assert_eq!(codes("changed_score_min = 1", &reports, Some(&with(fine))), [""; 0], "{fine}");
        }
        let except = "changed_score_min = 1, changed_score_except = [\"src/new.*\"]";
        assert_eq!(codes(except, &reports, Some(&with("src/new.ts"))), [""; 0]);
    }

    #[test]
    fn a_report_about_another_text_or_two_files_is_unclear() {
        let late = [report(&[("a.js", 12, "x", "Killed")])];
        assert_eq!(codes("changed_score_min = 1", &late, Some(&changes(&[("a.js", &[(1, 1)])]))), ["E214"]);
        let either = [report(&[("a.js", 1, "x", "Killed")])];
        let two = changes(&[("x/a.js", &[(1, 1)]), ("y/a.js", &[(1, 1)])]);
        assert!(
            sentences("changed_score_min = 1", &either, Some(&two)).0[0]
                .contains("`a.js` of a report may be x/a.js or y/a.js")
        );
        let mut disputed = changes(&[("a.js", &[(9, 9)])]);
        disputed.lines.get_mut("a.js").unwrap().ends = LineEnds::Disputed;
        let survived = [report(&[("a.js", 1, "x", "Survived")])];
        assert_eq!(codes("changed_score_min = 1", &survived, Some(&disputed)), ["E250"]);
    }

    #[test]
    fn what_is_not_there_is_stated_in_all_and_not_known_of_changed_lines() {
        let text = "version = 1\n[claim.a]\nfamily = \"functionality\"\nby = \"ci\"\nasserted = \"allow\"\nmutation = { score_min = 50, changed_score_min = 1 }\n[tier.low]\nrequire = [\"a\"]\n";
        let policy = Policy::parse(text).unwrap();
        let name = "a".parse().unwrap();
        let claim = policy.claim(&name).unwrap();
        let mut mutants = Mutants::default();
        mutants.add(&report(&[("a.js", 1, "x", "Survived")]).facts);
        mutants.add_report(7, None);
        let mut findings = Vec::new();
        let changes = changes(&[("a.js", &[(1, 1)])]);
        mutants.check(&name, claim, claim.mutation.as_ref().unwrap(), Some(&changes), &mut findings);
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code.number).collect();
        assert_eq!(codes, ["E250", "E216"]);
    }
}
