//! The rule of tests that mean something: what the change adds or changes passes on the head and fails on the base.
//!
//! A result with `--on-base` holds three runs of one command: on the head, on the base as it is, and on the base with the head's tests. A
//! test is *added* if the head shows it more often than the base as it is, or passing where that does not; what it is called is its identity, as everywhere. Each added
//! test must pass on the head and fail on the base with the head's tests. A test that is not there counts as failing only where that can
//! be told from a run that did not happen:
//!
//! - the command ended there with another code than 0 (126 and 127 say that it was not found), it does run on the base as it is, and
//!   the test's file is of the patterns, or, where no report names it, all was well on the base as it is and nothing of the test's
//!   suite and class passes there: it was not built, or not collected;
//! - the command ended with 0, and the test's file is of the patterns: it lay there, and does not make that test.
//!
//! What passes there and neither head nor base know by that name makes all of it void: names that differ from run to run say nothing.
//! Of each file of the patterns that the change leaves changed, one test at least must tell head from base, where reports name files; and
//! where it leaves any such file changed, one at all. A test that is skipped has not failed.
//!
//! The trees of the runs are computed again from git's objects: one that ran on another tells nothing. So does a run on the base as it is
//! in which there are tests and none passes: what is not committed may be missing there, and then every test fails.
//!
//! Where no report names the file of a test, its class may (`tests.test_cart` is `tests/test_cart.py`): by that it only ever refuses.
//! Patterns that the policy does not name must match some file, and each changed file that a test of the head is known to stand in.
//!
//! What cannot be told: a test that asks where it runs, one that alone needs what is not committed, and one beside another that does
//! not build.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::code::Code;
use super::mapping::{Fit, Tree, fits_of};
use super::recheck::Rechecked;
use super::telling::{counted, told};
use super::verdict::Finding;
use crate::model::{BaseRun, ChangedLines, Digest, Ended, GitFacts, OnBase, Purpose, Run};
use crate::policy::{Differential, Paths};
use crate::reports::{Case, CaseOutcome, Report, shown};

/// The runs of the results of a variant, one a shard.
#[derive(Default)]
pub(super) struct Runs {
    of: Vec<OfResult>,
}

/// What one result shows.
struct OfResult {
    serial: u64,
    on_base: Option<Box<OnBase>>,
    head: Shown,
    plain: Shown,
    with_tests: Shown,
}

/// The cases of some reports.
#[derive(Default)]
struct Shown {
    reports: BTreeMap<Digest, Arc<Report>>,
    /// Whether a report is not known whole.
    unread: bool,
}

/// One test, in all its copies.
struct Test<'a> {
    case: &'a Case,
    count: u64,
    passes: bool,
    fails: bool,
}

/// The tests of a run, by identity.
type Tests<'a> = BTreeMap<Digest, Test<'a>>;

/// What a test of the head comes to on the base with the head's tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Fails,
    /// It is not there, and that counts as failing.
    Absent,
    /// It is not there, and that says nothing.
    Unknown,
    /// It passes, or is skipped.
    Holds,
}

impl Runs {
    /// Adds a result.
    pub(super) fn add(&mut self, serial: u64, run: &Run, rechecked: &Rechecked) {
        let shown = |facts: &[crate::model::MaterialFacts]| {
            let mut shown = Shown::default();
            for read in facts {
                match rechecked.report(serial, &read.material) {
                    Some(report) => drop(shown.reports.insert(read.material, Arc::clone(report))),
                    None => shown.unread = true,
                }
            }
            shown
        };
        let of_base = |ran: Option<&BaseRun>| ran.map(|ran| shown(&ran.facts)).unwrap_or_default();
        self.of.push(OfResult {
            serial,
            on_base: run.on_base.clone(),
            head: shown(&run.facts),
            plain: of_base(run.on_base.as_ref().and_then(|it| it.plain.as_ref())),
            with_tests: of_base(run.on_base.as_ref().and_then(|it| it.with_tests.as_ref())),
        });
    }

    /// Holds the head's tests against the base; returns one line for people.
    pub(super) fn check(
        &self,
        thing: &str,
        wanted: &Differential,
        git: Option<&GitFacts>,
        findings: &mut Vec<Finding>,
    ) -> Option<String> {
        let mut inconclusive = |found: String, wanted: &str| {
            findings.push(Finding::new(Code::NO_BASE_RUN, thing, found, wanted));
        };
        let Some((git, changed)) = git.and_then(|git| Some((git, git.changed.as_ref()?))) else {
            inconclusive("nobody read which files the change touches".to_owned(), "the files of the head");
            return None;
        };
        let paths = match self.paths(wanted) {
            Ok(paths) => paths,
            Err(found) => {
                inconclusive(found, "a run on the base with the tests that the policy names: attest --on-base");
                return None;
            }
        };
        let is_test = |path: &str| paths.matches(path.as_bytes());
        // What the change took back shows nothing of it.
        let touched: Vec<&str> = git.differing().filter(|path| is_test(path)).collect();
        let head = tests(self.of.iter().map(|of| &of.head));
        let tree = Tree::of(&changed.files);
        let files = files(&head, &tree);
        let places = Places::of(&head, &files);
        let mut troubles: Vec<String> =
            self.of.iter().filter_map(|of| of.trouble(git, changed, !touched.is_empty()).err()).collect();
        if wanted.paths.is_none() {
            let beside = git.differing().filter(|path| !is_test(path) && has(&changed.files, path));
            let has_test = |path: &&str| !places.tests_in(path).is_empty();
            troubles.extend(self.left_out(
                &paths,
                touched.is_empty(),
                changed,
                &beside.filter(has_test).collect::<Vec<_>>(),
            ));
        }
        if !troubles.is_empty() || self.of.is_empty() {
            for found in troubles {
                inconclusive(found, "a run of the command on the change's base, and one with the head's tests");
            }
            return None;
        }
        let plain = tests(self.of.iter().map(|of| &of.plain));
        let there = tests(self.of.iter().map(OfResult::with_tests));
        let strange = there
            .iter()
            .find(|(identity, test)| test.passes && !head.contains_key(identity) && !plain.contains_key(identity));
        if let Some((_, test)) = strange {
            let found = format!("{} passes on the base, and neither head nor base have it by that name", called(test));
            inconclusive(found, "tests that are called the same in each run");
            return None;
        }
        let all_well_before = self.of.iter().all(|of| of.plain_code() == Some(0));
        let healthy = all_well_before || plain.values().any(|test| test.passes);
        let ended_well = self.of.iter().all(|of| of.code() == Some(0));
        let alive: BTreeSet<_> = there.values().filter(|test| test.passes).map(|test| group(test.case)).collect();
        let comes_to = |identity: &Digest, test: &Test<'_>| match there.get(identity) {
            Some(other) if other.fails => There::Fails,
            Some(other) if other.count >= test.count => There::Holds,
            _ => {
                let of_tests = files.get(identity).map(|path| is_test(path));
                let counts = match (of_tests, ended_well) {
                    (Some(of_tests), true) => of_tests,
                    (Some(of_tests), false) => of_tests && healthy,
                    (None, true) => false,
                    // Nothing but the head's tests made it fail.
                    (None, false) => all_well_before && !touched.is_empty() && !alive.contains(&group(test.case)),
                };
                if counts { There::Absent } else { There::Unknown }
            }
        };
        let all: Vec<(&Digest, &Test<'_>, There)> =
            head.iter().map(|(identity, test)| (identity, test, comes_to(identity, test))).collect();
        let tells = |(_, test, there): &&(&Digest, &Test<'_>, There)| {
            test.passes && matches!(there, There::Fails | There::Absent)
        };
        let is_added = |identity: &Digest, test: &Test<'_>| {
            // What fails there may fail for want of its file.
            let new = |before: &Test<'_>| before.count < test.count || (test.passes && !before.passes);
            plain.get(identity).is_none_or(new)
        };
        let added: Vec<_> = all.iter().filter(|(identity, test, _)| is_added(identity, test)).collect();
        // The same run again comes to the same: what ran there is to be looked at, and the test to be changed.
        let newest = self.of.iter().map(|of| of.serial).max().map(|serial| serial.to_string());
        let mut refuse = |found: String, wanted: &str| {
            let finding = Finding::new(Code::NOT_DIFFERENTIAL, thing, found, wanted);
            findings.push(match &newest {
                Some(serial) => finding.mended_by(&["evidence", "show", serial], None),
                None => finding,
            });
        };
        let of_added = |there: There| -> Vec<&Test<'_>> {
            added.iter().filter(|it| it.1.passes && it.2 == there).map(|it| it.1).collect()
        };
        let idle: Vec<&Test<'_>> = added.iter().filter(|it| !it.1.passes).map(|it| it.1).collect();
        let of = |tests: &[&Test<'_>], one: &str, more: &str| {
            let number = match tests.len() {
                all if all == added.len() => counted(all, "added test"),
                some => format!("{some} of {}", counted(added.len(), "added test")),
            };
            let does = if tests.len() == 1 { one } else { more };
            format!("{number} {does}: {}", few(tests))
        };
        if !idle.is_empty() {
            let found = of(&idle, "does not pass on the head", "do not pass on the head");
            refuse(found, "each added test passes on the head");
        }
        let holds = of_added(There::Holds);
        if !holds.is_empty() {
            let found = of(&holds, "does not fail on the base", "do not fail on the base");
            refuse(found, "each added test fails on the base: else it shows nothing that the change does");
        }
        let unknown = of_added(There::Unknown);
        if !unknown.is_empty() {
            let why = match (ended_well, healthy) {
                (false, false) => "the command does not run on the base as it is",
                (false, true) => "what runs beside it is there",
                (true, _) => "the command ended with 0",
            };
            let found = of(&unknown, "is not in the run on the base", "are not in the run on the base");
            let wanted = format!("tests in files of {}, which fail there; {why}", paths.patterns().join(", "));
            refuse(found, &wanted);
        }
        let left: Vec<&str> = touched.iter().copied().filter(|path| has(&changed.files, path)).collect();
        let mut untold = Vec::new();
        for path in &left {
            let in_file = places.tests_in(path);
            let in_file: Vec<_> =
                in_file.into_iter().map(|(identity, test)| (identity, test, comes_to(identity, test))).collect();
            if in_file.is_empty() {
                untold.push(*path);
            }
            if !in_file.is_empty() && !in_file.iter().any(|it| tells(&it)) {
                let found =
                    format!("{path} is changed, and on the base none of its {} fails", counted(in_file.len(), "test"));
                refuse(found, "one at least that fails on the base");
            }
        }
        if !left.is_empty() && !all.iter().any(|it| tells(&it)) {
            let found =
                format!("{} changed, and no test fails on the base: {}", files_of_tests(left.len()), some(&left));
            refuse(found, "a test that passes on the head and fails on the base");
        }
        let is_mended = |it: &&&(&Digest, &Test<'_>, There)| {
            plain.get(it.0).is_some_and(|before| before.count >= it.1.count) && it.1.passes
        };
        let mended: Vec<_> = added.iter().filter(is_mended).collect();
        let new = |there: There| {
            let all = added.iter().filter(|it| it.1.passes && it.2 == there);
            all.filter(|it| !is_mended(it)).count()
        };
        let mut said = sentence(added.len() - mended.len(), new(There::Fails), new(There::Absent), left.len());
        if !mended.is_empty() {
            said.push_str(&format!(", {} of the base that did not pass there", counted(mended.len(), "test")));
        }
        if !untold.is_empty() {
            said.push_str(&format!(", no report tells which tests stand in {}", some(&untold)));
        }
        if wanted.paths.is_none() {
            said.push_str(&format!("; files of tests as attested: {}", paths.patterns().join(", ")));
        }
        Some(said)
    }

    /// Returns why patterns that the attester named leave out files of tests, if they do.
    fn left_out(&self, paths: &Paths, touches_none: bool, changed: &ChangedLines, beside: &[&str]) -> Option<String> {
        let serial = self.of.first()?.serial;
        let patterns = paths.patterns().join(", ");
        if touches_none && !changed.files.iter().any(|path| paths.matches(path.as_bytes())) {
            return Some(format!("record {serial} names {patterns} as the files of tests, and no file is one"));
        }
        (!beside.is_empty()).then(|| {
            let files = some(beside);
            format!("record {serial} names {patterns} as the files of tests, and tests stand in {files}, which the change touches")
        })
    }

    /// Returns the patterns that count, which all results have to state.
    fn paths(&self, wanted: &Differential) -> Result<Paths, String> {
        let mut patterns: Option<Vec<String>> = wanted.paths.as_ref().map(|paths| sorted(paths.patterns()));
        for of in &self.of {
            let Some(on_base) = &of.on_base else {
                return Err(format!("record {} has no run on the base", of.serial));
            };
            let stated = sorted(&on_base.tests);
            match &patterns {
                Some(patterns) if *patterns != stated => {
                    let (stated, wanted) = (stated.join(", "), patterns.join(", "));
                    return Err(format!("record {} took {stated} from the head, and not {wanted}", of.serial));
                }
                _ => patterns = Some(stated),
            }
        }
        let patterns = patterns.unwrap_or_default();
        let words: Vec<&str> = patterns.iter().map(String::as_str).collect();
        Paths::compile(&words).map_err(|(_, problem)| problem.to_string())
    }
}

impl OfResult {
    /// Returns why nothing can be told by its runs.
    fn trouble(&self, git: &GitFacts, changed: &ChangedLines, touches_tests: bool) -> Result<(), String> {
        let serial = self.serial;
        let Some(on_base) = &self.on_base else { return Err(format!("record {serial} has no run on the base")) };
        if on_base.commit != git.base {
            let (ran, base) = (on_base.commit.short(), git.base.short());
            return Err(format!("record {serial} ran on {ran}, and the change starts from {base}"));
        }
        if let Some(problem) = on_base.problems.first() {
            return Err(format!("record {serial}: {}", problem.text));
        }
        let Some(plain) = &on_base.plain else {
            return Err(format!("record {serial} did not run on the base as it is"));
        };
        self.laid_out(changed, &[], plain, "as it is")?;
        if let Some(ran) = &on_base.with_tests {
            self.laid_out(changed, &on_base.tests, ran, "with the head's tests")?;
        }
        if self.head.unread || self.plain.unread || self.with_tests.unread {
            return Err(format!("a report of record {serial} is not there"));
        }
        let said = |how: &str, why: String| format!("record {serial}, on the base {how}: {why}");
        conclusive(plain, true).map_err(|why| said("as it is", why))?;
        let shown = tests(std::iter::once(&self.plain));
        if !shown.is_empty() && !shown.values().any(|test| test.passes) {
            let none = match shown.len() {
                1 => "the one test does not pass".to_owned(),
                all => format!("none of {all} tests passes"),
            };
            return Err(said(
                "as it is",
                format!("{none}: what they need may not be committed, and then any test fails there"),
            ));
        }
        match &on_base.with_tests {
            None if touches_tests => Err(format!("record {serial} did not run on the base with the head's tests")),
            Some(ran) if touches_tests && ran.tree == plain.tree => {
                Err(format!("record {serial} took no file of the head, and the change touches some of the patterns"))
            }
            Some(ran) => conclusive(ran, self.with_tests.any()).map_err(|why| said("with the head's tests", why)),
            None => Ok(()),
        }
    }

    /// Checks that a run had the tree that follows from the two commits, and no other one.
    fn laid_out(&self, changed: &ChangedLines, tests: &[String], ran: &BaseRun, how: &str) -> Result<(), String> {
        let serial = self.serial;
        match changed.laid.get(tests) {
            Some(tree) if *tree == ran.tree => Ok(()),
            Some(tree) => Err(format!("record {serial} ran on the tree {}, and {how} the base has {tree}", ran.tree)),
            None => {
                Err(format!("nobody computed which tree the base has {how}, on which record {serial} says to have run"))
            }
        }
    }

    /// Returns what the base shows with the head's tests: where the change touches none of them, what it shows as it is.
    fn with_tests(&self) -> &Shown {
        let ran = self.on_base.as_ref().is_some_and(|on_base| on_base.with_tests.is_some());
        if ran { &self.with_tests } else { &self.plain }
    }

    fn code(&self) -> Option<u8> {
        let on_base = self.on_base.as_ref()?;
        code(on_base.with_tests.as_ref().or(on_base.plain.as_ref())?)
    }

    fn plain_code(&self) -> Option<u8> {
        code(self.on_base.as_ref()?.plain.as_ref()?)
    }
}

impl Shown {
    fn any(&self) -> bool {
        self.reports.values().any(|report| !report.cases.is_empty())
    }
}

/// Checks that a run came to its end, and that what it shows is its own. One that shows no test must
/// have failed to.
fn conclusive(ran: &BaseRun, shows: bool) -> Result<(), String> {
    let Some(code) = code(ran) else {
        return Err(match ran.command.ended {
            Ended::TimedOut => "the command was stopped, its time was over".to_owned(),
            Ended::Interrupted => "the command was interrupted".to_owned(),
            Ended::Signalled { signal } => format!("signal {signal} ended the command"),
            Ended::NotStarted | Ended::Exited { .. } => "the command did not start".to_owned(),
        });
    };
    let other = ran.problems.iter().find(|problem| problem.code != MISSING_REPORT);
    if let Some(problem) = other {
        return Err(problem.text.clone());
    }
    let is_read = |digest: &Digest| ran.facts.iter().any(|read| read.material == *digest);
    let unread = ran.materials.iter().find(|it| it.purpose == Purpose::Report && !is_read(&it.sha256));
    if let Some(material) = unread {
        return Err(format!("nobody read the report {}", material.name));
    }
    if NOT_FOUND.contains(&code) && !shows {
        return Err(format!("the command ended with {code}: something that it needs was not found"));
    }
    if code == 0 && !shows {
        return Err("the command ended with 0 and shows no test".to_owned());
    }
    Ok(())
}

const fn code(ran: &BaseRun) -> Option<u8> {
    match ran.command.ended {
        Ended::Exited { code } => Some(code),
        Ended::Signalled { .. } | Ended::TimedOut | Ended::Interrupted | Ended::NotStarted => None,
    }
}

fn tests<'a>(shown: impl Iterator<Item = &'a Shown>) -> Tests<'a> {
    let mut reports: BTreeMap<&Digest, &Arc<Report>> = BTreeMap::new();
    for one in shown {
        reports.extend(&one.reports);
    }
    let mut tests: Tests<'a> = BTreeMap::new();
    for case in reports.into_values().flat_map(|report| &report.cases) {
        let test = tests.entry(case.identity).or_insert(Test { case, count: 0, passes: true, fails: false });
        test.count += 1;
        match case.outcome {
            CaseOutcome::Passed | CaseOutcome::Flaky => {}
            CaseOutcome::Failed => (test.passes, test.fails) = (false, true),
            CaseOutcome::Unknown | CaseOutcome::Skipped => test.passes = false,
        }
    }
    tests
}

/// Returns which file of the head each test stands in, as far as reports say.
fn files<'a>(head: &Tests<'_>, tree: &Tree<'a>) -> BTreeMap<Digest, &'a str> {
    let named: Vec<(&Digest, &str)> = head
        .iter()
        .filter(|(_, test)| !test.case.file.is_empty())
        .map(|(identity, test)| (identity, test.case.file.as_str()))
        .collect();
    let names: Vec<&str> = named.iter().map(|(_, name)| *name).collect();
    let fits = fits_of(&names, &[], tree);
    let of_file = named.iter().zip(fits).filter_map(|((identity, _), (_, fit))| match fit {
        Fit::File(path) => Some((**identity, path)),
        Fit::Nothing | Fit::Unclear(_) => None,
    });
    of_file.collect()
}

/// Which tests of the head stand in which file, as far as reports say.
struct Places<'a> {
    by_file: BTreeMap<&'a str, Vec<(&'a Digest, &'a Test<'a>)>>,
    /// Tests whose file no report names, by what their class says of it.
    by_class: BTreeMap<String, Vec<(&'a Digest, &'a Test<'a>)>>,
}

impl<'a> Places<'a> {
    fn of(head: &'a Tests<'a>, files: &BTreeMap<Digest, &'a str>) -> Self {
        let mut places = Self { by_file: BTreeMap::new(), by_class: BTreeMap::new() };
        for (identity, test) in head {
            match files.get(identity) {
                Some(file) => places.by_file.entry(file).or_default().push((identity, test)),
                None => {
                    for path in paths_of_class(&test.case.class) {
                        places.by_class.entry(path).or_default().push((identity, test));
                    }
                }
            }
        }
        places
    }

    /// Returns the tests in a file. By a class: whose path the file's ends with, its ending left out.
    fn tests_in(&self, path: &str) -> Vec<(&'a Digest, &'a Test<'a>)> {
        let mut found = self.by_file.get(path).cloned().unwrap_or_default();
        let name = path.rfind('/').map_or(0, |slash| slash + 1);
        let end = path[name..].rfind('.').filter(|dot| *dot > 0).map_or(path.len(), |dot| name + dot);
        for start in std::iter::once(0).chain(path.match_indices('/').map(|(slash, _)| slash + 1)) {
            found.extend(self.by_class.get(&path[start..end]).into_iter().flatten());
        }
        found
    }
}

/// Returns the paths without ending that a class may mean: `tests/test_cart/TestPays` and `tests/test_cart` for
/// `tests.test_cart.TestPays`. Only what is written as types are may be left away.
fn paths_of_class(class: &str) -> Vec<String> {
    let mut parts: Vec<&str> = class.split(CLASS_ENDS).filter(|part| !part.is_empty()).collect();
    let mut paths = Vec::new();
    while !parts.is_empty() && parts.len() <= CLASS_PARTS_MAX {
        paths.push(parts.join("/"));
        if !parts.pop().is_some_and(|last| last.starts_with(char::is_uppercase)) {
            break;
        }
    }
    paths
}

fn group(case: &Case) -> (&str, &str, &str) {
    (&case.suite, &case.file, &case.class)
}

fn has(files: &[String], path: &str) -> bool {
    files.binary_search_by(|file| file.as_str().cmp(path)).is_ok()
}

fn sorted(patterns: &[String]) -> Vec<String> {
    let set: BTreeSet<&String> = patterns.iter().collect();
    set.into_iter().cloned().collect()
}

fn called(test: &Test<'_>) -> String {
    shown(&test.case.shown(), NAME_CHARS_MAX)
}

fn few(tests: &[&Test<'_>]) -> String {
    let names: Vec<String> = tests.iter().map(|test| called(test)).collect();
    some(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn some(names: &[&str]) -> String {
    told(names.iter().copied(), names.len())
}

fn files_of_tests(count: usize) -> String {
    if count == 1 { "1 file of tests".to_owned() } else { format!("{count} files of tests") }
}

fn sentence(added: usize, fails: usize, absent: usize, changed: usize) -> String {
    let added = match (added, fails, absent) {
        (0, _, _) if changed == 0 => return "no tests added or changed".to_owned(),
        (0, _, _) => "no tests added".to_owned(),
        (1, 1, _) => "1 added test, it fails on the base".to_owned(),
        (1, _, 1) => "1 added test, it does not run on the base".to_owned(),
        (all, fails, 0) if all == fails => format!("{all} added tests, all fail on the base"),
        (all, fails, absent) => {
            format!("{}: {fails} fail on the base, {absent} not run there", counted(all, "added test"))
        }
    };
    if changed == 0 { added } else { format!("{added}; {} changed", files_of_tests(changed)) }
}

/// A class of more parts is none.
const CLASS_PARTS_MAX: usize = 64;
/// What stands between the parts of a class's name, nested ones too.
const CLASS_ENDS: [char; 5] = ['.', '/', '\\', ':', '$'];
/// What a result says where a pattern matches no report.
const MISSING_REPORT: &str = "missing-report";
/// What env(1) and shells end with where a command cannot be found or started.
const NOT_FOUND: [u8; 2] = [126, 127];
const NAME_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_means_its_path_and_what_its_types_stand_in() {
        let paths = ["tests/test_cart/TestPays", "tests/test_cart"];
        assert_eq!(paths_of_class("tests.test_cart.TestPays"), paths);
        assert_eq!(paths_of_class("tests.test_cart"), ["tests/test_cart"]);
        assert_eq!(paths_of_class("shop.Cart$Inner"), ["shop/Cart/Inner", "shop/Cart", "shop"]);
    }

    #[test]
    fn class_is_in_the_file_whose_path_ends_with_it() {
        let text = "<testsuites><testsuite name='s'><testcase classname='tests.test_cart.TestPays' name='a'/>\
            <testcase classname='test_cart' name='b'/><testcase classname='cart' name='c'/></testsuite></testsuites>";
        let report = crate::reports::read_report(crate::reports::Format::Junit, &mut text.as_bytes()).unwrap();
        let digest = crate::crypto::sha256(text.as_bytes());
        let shown = Shown { reports: BTreeMap::from([(digest, Arc::new(report))]), unread: false };
        let head = tests(std::iter::once(&shown));
        let places = Places::of(&head, &BTreeMap::new());
        let names = |path: &str| {
            let mut names: Vec<String> = places.tests_in(path).iter().map(|(_, test)| called(test)).collect();
            names.sort();
            names.into_iter().map(|name| name.rsplit(" > ").next().unwrap().to_owned()).collect::<String>()
        };
        for (path, wanted) in [
            ("tests/test_cart.py", "ba"),
            ("shop/tests/test_cart.py", "ba"),
            ("test_cart.py", "b"),
            ("other/test_cart.py", "b"),
            ("tests/cart", "c"),
            ("tests/.cart", ""),
            ("tests/test_carts.py", ""),
            ("a.b/cart", "c"),
        ] {
            assert_eq!(names(path), wanted, "{path}");
        }
    }

    #[test]
    fn sentence_counts_what_fails_and_what_does_not_run_there() {
        for (counts, wanted) in [
            ((0, 0, 0, 0), "no tests added or changed"),
            ((0, 0, 0, 1), "no tests added; 1 file of tests changed"),
            ((1, 1, 0, 0), "1 added test, it fails on the base"),
            ((1, 0, 1, 2), "1 added test, it does not run on the base; 2 files of tests changed"),
            ((2, 2, 0, 0), "2 added tests, all fail on the base"),
            ((3, 2, 1, 0), "3 added tests: 2 fail on the base, 1 not run there"),
            ((3, 2, 0, 0), "3 added tests: 2 fail on the base, 0 not run there"),
        ] {
            let (added, fails, absent, changed) = counts;
            assert_eq!(sentence(added, fails, absent, changed), wanted);
        }
    }
}
