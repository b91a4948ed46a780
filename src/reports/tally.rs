//! Counting: cases and findings to facts, and the digests of what was counted.
//!
//! The spelling of the digests stands at [`TestFacts::names`] and [`FindingFacts::fingerprints`].

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::limits::{CASES_MAX, NAME_KEPT_BYTES_MAX, PROPERTIES_MAX, SURFACE_BYTES_MAX};
use super::{Case, CaseOutcome, Cause, Detail, Finding, Format, Named, Place, Properties, ReadError, Report};
use crate::model::{Digest, Facts, FindingFacts, NameFacts, Outcome, REASONS_MAX, Severity, TestFacts};

/// The suites around a case: the beginning of its identity, and their names for people.
#[derive(Clone)]
pub(super) struct SuitePath {
    identity: Sha256,
    shown: Arc<str>,
}

/// What a report calls a case, inside its suites.
#[derive(Clone, Copy)]
pub(super) struct CaseName<'a> {
    pub(super) file: &'a str,
    pub(super) class: &'a str,
    pub(super) name: &'a str,
}

/// Counts cases.
pub(super) struct CaseTally {
    detail: Detail,
    entries: Vec<(Digest, CaseOutcome)>,
    cases: Vec<Case>,
    total: u64,
    failed: u64,
    skipped: u64,
    unknown: u64,
    flaky: u64,
    failed_names: BTreeSet<String>,
    unknown_names: BTreeSet<String>,
}

/// Counts findings.
pub(super) struct FindingTally {
    detail: Detail,
    entries: Vec<(Digest, &'static str)>,
    findings: Vec<Finding>,
    tools: Vec<String>,
    facts: FindingFacts,
}

/// Counts the names of a surface.
pub(super) struct NameTally {
    detail: Detail,
    entries: Vec<(Digest, ())>,
    names: Vec<Named>,
    bytes: usize,
}

impl SuitePath {
    pub(super) fn root() -> Self {
        Self { identity: Sha256::new_with_prefix("evidence-case/v1\n"), shown: "".into() }
    }

    pub(super) fn inside(&self, suite: &str) -> Self {
        let mut identity = self.identity.clone();
        netstring(&mut identity, suite);
        let shown = if self.shown.is_empty() { kept(suite) } else { format!("{} > {}", self.shown, kept(suite)) };
        Self { identity, shown: cut_left(&shown, NAME_KEPT_BYTES_MAX).into() }
    }
}

impl CaseTally {
    pub(super) fn new(detail: Detail) -> Self {
        Self {
            detail,
            entries: Vec::new(),
            cases: Vec::new(),
            total: 0,
            failed: 0,
            skipped: 0,
            unknown: 0,
            flaky: 0,
            failed_names: BTreeSet::new(),
            unknown_names: BTreeSet::new(),
        }
    }

    /// Counts a case.
    ///
    /// If there are more than [`CASES_MAX`], returns [`Cause::TooMany`].
    pub(super) fn add(&mut self, suites: &SuitePath, case: CaseName<'_>, outcome: CaseOutcome) -> Result<(), Cause> {
        self.add_with(suites, case, outcome, Properties::default())
    }

    /// Counts a case that has properties, which are in no fact.
    ///
    /// If there are more than [`CASES_MAX`], returns [`Cause::TooMany`].
    pub(super) fn add_with(
        &mut self,
        suites: &SuitePath,
        case: CaseName<'_>,
        outcome: CaseOutcome,
        properties: Properties,
    ) -> Result<(), Cause> {
        if self.entries.len() == CASES_MAX {
            return Err(too_many("test cases"));
        }
        let mut identity = suites.identity.clone();
        for part in [without_folder(case.file), case.class, case.name] {
            netstring(&mut identity, part);
        }
        let identity = Digest(identity.finalize().into());
        self.entries.push((identity, outcome));
        self.total += 1;
        match outcome {
            CaseOutcome::Failed => {
                self.failed += 1;
                sample(&mut self.failed_names, suites, case);
            }
            CaseOutcome::Unknown => {
                self.unknown += 1;
                sample(&mut self.unknown_names, suites, case);
            }
            CaseOutcome::Skipped => self.skipped += 1,
            CaseOutcome::Flaky => self.flaky += 1,
            CaseOutcome::Passed => {}
        }
        if self.detail == Detail::Everything {
            let (file, class, name) = (kept(case.file), kept(case.class), kept(case.name));
            let suite = suites.shown.to_string();
            self.cases.push(Case { identity, suite, file, class, name, outcome, properties });
        }
        Ok(())
    }

    /// Takes a property of a case or suite, where cases are kept.
    ///
    /// It is no fact, so it refuses nothing: those beyond [`PROPERTIES_MAX`] are left out.
    pub(super) fn keep_property(&self, own: &mut Vec<String>, name: &str, value: &str) {
        if self.detail == Detail::Everything && own.len() < PROPERTIES_MAX {
            own.push(kept(&format!("{name}={value}")));
        }
    }

    /// Makes the facts. `doubts` are the reader's reasons why the report is not whole.
    pub(super) fn finish(mut self, format: Format, doubts: Vec<String>) -> Report {
        let passed = self.total - self.failed - self.skipped - self.unknown;
        let mut outcome = if doubts.is_empty() { Outcome::Pass } else { Outcome::Inconclusive };
        let mut reasons = doubts;
        if self.failed > 0 {
            outcome = outcome.worst(Outcome::Fail);
            reasons.push(format!("{} of {} failed", self.failed, tests(self.total)));
        }
        if self.unknown > 0 {
            outcome = outcome.worst(Outcome::Inconclusive);
            reasons.push(format!(
                "{} of {} with a status that this reader does not know",
                self.unknown,
                tests(self.total)
            ));
        }
        if self.total == 0 {
            outcome = outcome.worst(Outcome::Inconclusive);
            reasons.push("the report has no tests".to_owned());
        } else if self.total == self.skipped {
            outcome = outcome.worst(Outcome::Inconclusive);
            reasons.push(format!("none of {} ran", tests(self.total)));
        }
        reasons.extend(self.failed_names.into_iter().map(|name| format!("failed: {name}")));
        reasons.extend(self.unknown_names.into_iter().map(|name| format!("unknown: {name}")));
        reasons.truncate(REASONS_MAX);
        self.entries.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.word().cmp(b.1.word())));
        let names = digest_of_sorted("evidence-cases/v1\n", &self.entries, |outcome| outcome.word());
        let tests = TestFacts {
            total: self.total,
            passed,
            failed: self.failed,
            skipped: self.skipped,
            unknown: self.unknown,
            flaky: self.flaky,
            names,
        };
        let facts = Facts { tests: Some(tests), ..Facts::bare(format.reader(), outcome, reasons) };
        Report { cases: self.cases, ..Report::of(facts) }
    }
}

impl FindingTally {
    pub(super) fn new(detail: Detail) -> Self {
        let facts = FindingFacts {
            critical: 0,
            high: 0,
            medium: 0,
            low: 0,
            unknown: 0,
            unresolved: 0,
            suppressed: 0,
            fingerprints: Digest([0; 32]),
        };
        Self { detail, entries: Vec::new(), findings: Vec::new(), tools: Vec::new(), facts }
    }

    /// Counts a finding, and keeps it where findings are kept.
    ///
    /// If there are more than [`CASES_MAX`], returns [`Cause::TooMany`].
    pub(super) fn add(
        &mut self,
        fingerprint: Digest,
        severity: Option<Severity>,
        suppressed: bool,
        finding: impl FnOnce() -> Finding,
    ) -> Result<(), Cause> {
        if self.entries.len() == CASES_MAX {
            return Err(too_many("results"));
        }
        let (count, word) = match severity {
            Some(Severity::Critical) => (&mut self.facts.critical, "critical"),
            Some(Severity::High) => (&mut self.facts.high, "high"),
            Some(Severity::Medium) => (&mut self.facts.medium, "medium"),
            Some(Severity::Low) => (&mut self.facts.low, "low"),
            Some(Severity::Unknown) => (&mut self.facts.unknown, "unknown"),
            None => (&mut self.facts.unresolved, "unresolved"),
        };
        *count += 1;
        self.facts.suppressed += u64::from(suppressed);
        self.entries.push((fingerprint, word));
        if self.detail == Detail::Everything {
            self.findings.push(finding());
        }
        Ok(())
    }

    /// Notes a tool that the report is of.
    pub(super) fn ran(&mut self, tool: &str) {
        let tool = shown(tool, 200);
        if self.detail == Detail::Everything && !self.tools.contains(&tool) {
            self.tools.push(tool);
        }
    }

    /// Makes the facts. `doubts` are the reader's reasons why the scan is not whole.
    pub(super) fn finish(mut self, format: Format, mut doubts: Vec<String>) -> Report {
        self.entries.sort_unstable();
        self.facts.fingerprints = digest_of_sorted("evidence-findings/v1\n", &self.entries, |word| word);
        let outcome = if doubts.is_empty() { Outcome::Pass } else { Outcome::Inconclusive };
        doubts.truncate(REASONS_MAX);
        let facts = Facts { findings: Some(self.facts), ..Facts::bare(format.reader(), outcome, doubts) };
        Report { findings: self.findings, tools: self.tools, ..Report::of(facts) }
    }
}

impl NameTally {
    pub(super) fn new(detail: Detail) -> Self {
        Self { detail, entries: Vec::new(), names: Vec::new(), bytes: 0 }
    }

    /// Counts a name.
    ///
    /// If there are more than [`CASES_MAX`], or more than [`SURFACE_BYTES_MAX`] bytes of them, returns [`Cause::TooMany`].
    pub(super) fn add(&mut self, name: &str) -> Result<(), Cause> {
        if self.entries.len() == CASES_MAX {
            return Err(too_many("names"));
        }
        self.bytes += name.len();
        if self.bytes > SURFACE_BYTES_MAX {
            let count_max = u64::try_from(SURFACE_BYTES_MAX).unwrap_or(u64::MAX);
            return Err(Cause::TooMany { things: "bytes of names", count_max });
        }
        let mut hash = Sha256::new_with_prefix("evidence-name/v1\n");
        netstring(&mut hash, name);
        let identity = Digest(hash.finalize().into());
        self.entries.push((identity, ()));
        if self.detail == Detail::Everything {
            self.names.push(Named { identity, name: kept(name) });
        }
        Ok(())
    }

    /// Makes the facts. Who names nothing shows nothing.
    pub(super) fn finish(mut self, format: Format) -> Report {
        self.entries.sort_unstable();
        let digest = digest_of_sorted("evidence-names/v1\n", &self.entries, |()| "");
        let count = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        let (outcome, reasons) = match count {
            0 => (Outcome::Inconclusive, vec!["the report names nothing".to_owned()]),
            _ => (Outcome::Pass, Vec::new()),
        };
        let facts =
            Facts { names: Some(NameFacts { count, digest }), ..Facts::bare(format.reader(), outcome, reasons) };
        Report { names: self.names, ..Report::of(facts) }
    }
}

/// Refuses a suite that counts more failures than there are in it.
pub(super) fn hold_declared(suite: &str, place: Place, declared: u64, found: u64) -> Result<(), ReadError> {
    if declared <= found {
        return Ok(());
    }
    Err(ReadError::at(place, Cause::FailuresMissing { suite: shown(suite, NAME_CHARS_MAX), declared, found }))
}

/// Feeds `<bytes in decimal>:<text>,`, which no two sequences of texts share.
pub(super) fn netstring(hash: &mut Sha256, text: &str) {
    let mut digits = [0; 20];
    hash.update(decimal(&mut digits, text.len()));
    hash.update(b":");
    hash.update(text.as_bytes());
    hash.update(b",");
}

/// Spells a number in decimal.
pub(super) fn decimal(digits: &mut [u8; 20], number: usize) -> &[u8] {
    let mut at = digits.len();
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).expect("a remainder of ten is below ten");
        rest /= 10;
        at -= 1;
        if rest == 0 {
            break;
        }
    }
    &digits[at..]
}

/// Returns a text for a sentence: what moves the cursor or hides replaced, at most `chars_max` characters.
#[must_use]
pub fn shown(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == chars_max {
            out.push('…');
            break;
        }
        out.push(if c.is_control() || is_invisible(c) { char::REPLACEMENT_CHARACTER } else { c });
    }
    out
}

/// Returns `1 test` or `2 tests`.
pub(super) fn tests(count: u64) -> String {
    format!("{count} test{}", if count == 1 { "" } else { "s" })
}

fn too_many(things: &'static str) -> Cause {
    Cause::TooMany { things, count_max: u64::try_from(CASES_MAX).unwrap_or(u64::MAX) }
}

pub(super) fn digest_of_sorted<T: Copy + PartialEq>(
    tag: &str,
    entries: &[(Digest, T)],
    word: fn(T) -> &'static str,
) -> Digest {
    let mut hash = Sha256::new_with_prefix(tag);
    let mut digits = [0; 64];
    let mut text = Vec::new();
    for same in entries.chunk_by(|a, b| a == b) {
        hex::encode_to_slice(same[0].0.bytes(), &mut digits).expect("32 bytes are 64 digits");
        text.clear();
        text.extend_from_slice(&digits);
        text.push(b' ');
        let word = word(same[0].1);
        if !word.is_empty() {
            text.extend_from_slice(word.as_bytes());
            text.push(b' ');
        }
        text.extend_from_slice(decimal(&mut [0; 20], same.len()));
        text.push(b'\n');
        hash.update(&text);
    }
    Digest(hash.finalize().into())
}

/// Keeps the least few names by bytes, so that the order of the report does not matter.
fn sample(names: &mut BTreeSet<String>, suites: &SuitePath, case: CaseName<'_>) {
    let mut full = String::new();
    for part in [&*suites.shown, case.class, case.name].into_iter().filter(|part| !part.is_empty()) {
        let separator = if full.is_empty() { "" } else { " > " };
        write!(full, "{separator}{}", shown(part, NAME_CHARS_MAX)).expect("writing to a String does not fail");
    }
    names.insert(full);
    if names.len() > NAMES_MAX {
        names.pop_last();
    }
}

/// Returns a name, or its hash if it is longer than [`NAME_KEPT_BYTES_MAX`].
pub(super) fn kept(name: &str) -> String {
    if name.len() <= NAME_KEPT_BYTES_MAX {
        return name.to_owned();
    }
    format!("sha256:{}", Digest(Sha256::digest(name).into()))
}

/// Returns a path, or of an absolute one its last component: the rest is that of a machine.
pub(super) fn without_folder(path: &str) -> &str {
    let drive = path.as_bytes().get(1) == Some(&b':');
    let absolute = drive || path.starts_with(['/', '\\']);
    if absolute { path.rsplit(['/', '\\']).next().unwrap_or(path) } else { path }
}

fn cut_left(text: &str, bytes_max: usize) -> &str {
    let mut from = text.len().saturating_sub(bytes_max);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// Marks that turn or hide the text around them on a screen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// So many failed tests are named.
const NAMES_MAX: usize = 5;
/// Each part of a name is shown up to so many characters.
const NAME_CHARS_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(cases: &[(&[&str], &str, CaseOutcome)]) -> Digest {
        let mut tally = CaseTally::new(Detail::FactsOnly);
        for (suites, name, outcome) in cases {
            let path = suites.iter().fold(SuitePath::root(), |path, suite| path.inside(suite));
            tally.add(&path, CaseName { file: "", class: "", name }, *outcome).unwrap();
        }
        tally.finish(Format::Junit, Vec::new()).facts.tests.unwrap().names
    }

    #[test]
    fn the_names_digest_is_spelled_as_documented() {
        let identity = |text: &str| Digest(Sha256::digest(format!("evidence-case/v1\n{text}")).into()).to_string();
        let mut lines = [
            format!("{} passed 2\n", identity("1:s,0:,0:,1:b,")),
            format!("{} failed 1\n", identity("1:s,0:,0:,1:b,")),
        ];
        lines.sort();
        let wanted = Digest(Sha256::digest(format!("evidence-cases/v1\n{}", lines.concat())).into());
        let (passed, failed) = ((&["s"][..], "b", CaseOutcome::Passed), (&["s"][..], "b", CaseOutcome::Failed));
        assert_eq!(digest(&[passed, failed, passed]), wanted);
        assert_eq!(digest(&[failed, passed, passed]), wanted);
        assert_ne!(digest(&[failed, passed]), wanted);
    }

    #[test]
    fn a_suite_is_not_a_part_of_the_name() {
        let one = digest(&[(&["a", "b"], "c", CaseOutcome::Passed)]);
        assert_ne!(one, digest(&[(&["a"], "b", CaseOutcome::Passed)]));
        assert_ne!(one, digest(&[(&["a,1:b"], "c", CaseOutcome::Passed)]));
    }

    #[test]
    fn folders_of_a_machine_are_no_part_of_an_identity() {
        let of = |file: &str| {
            let mut tally = CaseTally::new(Detail::Everything);
            tally.add(&SuitePath::root(), CaseName { file, class: "", name: "a" }, CaseOutcome::Passed).unwrap();
            let case = tally.finish(Format::Junit, Vec::new()).cases.remove(0);
            assert_eq!(case.file, file);
            case.identity
        };
        assert_eq!(of("/home/ana/shop/a.test.js"), of("/builds/7/a.test.js"));
        assert_eq!(of("/home/ana/shop/a.test.js"), of(r"C:\shop\a.test.js"));
        assert_ne!(of("/home/ana/shop/a.test.js"), of("/home/ana/shop/b.test.js"));
        assert_ne!(of("src/a.test.js"), of("lib/a.test.js"));
    }

    #[test]
    fn netstrings_count_bytes() {
        for text in ["", "ä", &"x".repeat(12_345)] {
            let mut hash = Sha256::new();
            netstring(&mut hash, text);
            assert_eq!(hash.finalize(), Sha256::digest(format!("{}:{text},", text.len())));
        }
    }

    #[test]
    fn what_people_read_cannot_move_the_cursor() {
        assert_eq!(shown("a\u{1b}[2Jb\n\u{202e}c", 80), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c");
        assert_eq!(shown("abcd", 3), "abc…");
    }

    #[test]
    fn reasons_do_not_depend_on_the_order() {
        let facts = |order: &[u32]| {
            let mut tally = CaseTally::new(Detail::FactsOnly);
            for number in order {
                let name = number.to_string();
                tally
                    .add(&SuitePath::root(), CaseName { file: "", class: "", name: &name }, CaseOutcome::Failed)
                    .unwrap();
            }
            tally.finish(Format::Junit, Vec::new()).facts
        };
        assert_eq!(facts(&[1, 2, 3, 4, 5, 6, 7]), facts(&[7, 5, 3, 1, 2, 4, 6]));
    }
}
