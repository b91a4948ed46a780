//! `evidence facts`: what a report means to us, without attesting it.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Value, json};

use super::args::FactsArgs;
use super::context::Context;
use super::fail::Fail;
use super::{print, print_long_json};
use crate::model::Outcome;
use crate::reports::{
    self, Case, CaseOutcome, CoveredFile, Detected, Finding, Format, Measurement, Mutant, MutantState, Named, Report,
    shown,
};

pub(super) fn run(context: &Context, args: &FactsArgs) -> Result<u8, Fail> {
    let (named, file) = named(&args.file, args.format.as_deref())?;
    let (path, bytes) = match file {
        "-" => ("standard input".to_owned(), Some(all_of("standard input", std::io::stdin().lock())?)),
        file => (context.cwd.join(file).display().to_string(), None),
    };
    let unreadable = |error: &std::io::Error| Fail::usage(format!("the report cannot be read: {path}: {error}"));
    let mut input: Box<dyn ReadAgain> = match bytes {
        Some(bytes) => Box::new(Cursor::new(bytes)),
        None => {
            let file = File::open(context.cwd.join(file)).map_err(|error| unreadable(&error))?;
            let kind = file.metadata().map_err(|error| unreadable(&error))?.file_type();
            // What a pipe gave is not given again: `evidence facts <(COMMAND)`.
            if kind.is_fifo() { Box::new(Cursor::new(all_of(&path, file)?)) } else { Box::new(file) }
        }
    };
    let format = match named {
        Some(format) => format,
        None => {
            let mut head = Vec::new();
            let bytes_max = u64::try_from(reports::limits::HEAD_BYTES).unwrap_or(u64::MAX);
            input.by_ref().take(bytes_max).read_to_end(&mut head).map_err(|error| unreadable(&error))?;
            input.rewind().map_err(|error| unreadable(&error))?;
            detected(&head).map_err(|fail| Fail { text: format!("{path}: {}", fail.text), ..fail })?
        }
    };
    let report = reports::read_report(format, &mut BufReader::with_capacity(READ_BYTES, input))
        .map_err(|error| Fail::usage(format!("{path}: {error}")))?;
    if context.json {
        print_long_json(&Answer { format, report: &report });
    } else {
        print(&text(format, &report));
    }
    Ok(0)
}

/// What is read from its beginning twice.
trait ReadAgain: Read + Seek {}
impl<T: Read + Seek> ReadAgain for T {}

/// Reads `[FORMAT=]FILE`, as `attest --report` has it; a file may have such a name.
fn named<'a>(text: &'a str, flag: Option<&str>) -> Result<(Option<Format>, &'a str), Fail> {
    let of_flag = |word: &str| word.parse::<Format>().map_err(|error| Fail::usage(format!("--format {word}: {error}")));
    if let Some(word) = flag {
        return Ok((Some(of_flag(word)?), text));
    }
    let prefix = text.split_once('=').filter(|_| !Path::new(text).exists());
    Ok(match prefix.and_then(|(word, rest)| Some((word.parse::<Format>().ok()?, rest))) {
        Some((format, rest)) => (Some(format), rest),
        None => (None, text),
    })
}

fn all_of(name: &str, from: impl Read) -> Result<Vec<u8>, Fail> {
    let mut bytes = Vec::new();
    let read = from.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| Fail::usage(format!("{name} cannot be read: {error}")))?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= INPUT_BYTES_MAX => Ok(bytes),
        _ => Err(Fail::usage(format!("{name} has more than {INPUT_BYTES_MAX} bytes")).hint("evidence facts FILE")),
    }
}

fn detected(head: &[u8]) -> Result<Format, Fail> {
    let names = || Format::ALL.map(Format::name).join(", ");
    match reports::detect(head) {
        Detected::One(format) => Ok(format),
        Detected::Ambiguous(found) => {
            let found = found.join(" or ");
            Err(Fail::usage(format!("it could be {found}")).hint(format!("say which: --format, one of {}", names())))
        }
        Detected::Foreign(title) => Err(Fail::usage(format!("this is {title}, which no reader here reads"))),
        Detected::Unknown if head.trim_ascii().is_empty() => Err(Fail::usage("it is empty")),
        Detected::Unknown => Err(Fail::usage("its format is none that is known")
            .hint(format!("if it is one of {}, say which: --format", names()))),
    }
}

fn text(format: Format, report: &Report) -> String {
    let facts = &report.facts;
    let mut text = format!("{format}, read by {}: {}\n", facts.reader, facts.outcome);
    if let Some(tests) = &facts.tests {
        text.push_str(&format!(
            "tests: {} of {} pass, {} failed, {} skipped, {} unknown, {} flaky\n",
            tests.passed, tests.total, tests.failed, tests.skipped, tests.unknown, tests.flaky
        ));
        let of_note = |case: &&Case| !matches!(case.outcome, CaseOutcome::Passed | CaseOutcome::Skipped);
        list(&mut text, report.cases.iter().filter(of_note).map(case_line));
    }
    if let Some(found) = &facts.findings {
        text.push_str(&format!(
            "findings: {} critical, {} high, {} medium, {} low, {} unknown, {} unresolved, {} suppressed in the tool\n",
            found.critical, found.high, found.medium, found.low, found.unknown, found.unresolved, found.suppressed
        ));
        list(&mut text, report.findings.iter().map(finding_line));
    }
    if let Some(found) = &facts.coverage {
        let percent = (u128::from(found.covered) * 100).checked_div(u128::from(found.lines));
        let percent = percent.map_or_else(|| "no data".to_owned(), |percent| format!("{percent} %"));
        text.push_str(&format!(
            "coverage: {} of {} lines run in {} files, {percent}{}\n",
            found.covered,
            found.lines,
            found.files,
            excluded_in(report)
        ));
        let mut files: Vec<&CoveredFile> = report.coverage.iter().collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        list(&mut text, files.into_iter().map(file_line));
    }
    if let Some(found) = &facts.mutation {
        let noticed = u128::from(found.killed) + u128::from(found.timeout);
        let score = (noticed * 100).checked_div(noticed + u128::from(found.survived) + u128::from(found.uncovered));
        let score = score.map_or_else(|| "no score".to_owned(), |score| format!("{score} %"));
        text.push_str(&format!(
            "mutants: {} killed, {} timed out, {} survived, {} in code that no test runs, {} that do not count, {score}\n",
            found.killed, found.timeout, found.survived, found.uncovered, found.invalid
        ));
        let missed = |mutant: &&Mutant| matches!(mutant.state, MutantState::Survived | MutantState::Uncovered);
        list(&mut text, report.mutants.iter().filter(missed).map(mutant_line));
        if !report.idle_tests.is_empty() {
            // PIT names tests that notice nothing only with its matrix, which names all that do.
            let one = format != Format::Pit && report.mutants.iter().all(|mutant| mutant.killers.len() < 2);
            let first = if one {
                " (of each mutant the first that does is named, and others may have come second)"
            } else {
                ""
            };
            text.push_str(&format!("tests that no mutant makes fail: {}{first}\n", report.idle_tests.len()));
            list(&mut text, report.idle_tests.iter().cloned());
        }
    }
    if let Some(found) = &facts.measurements {
        text.push_str(&format!("measurements: {}\n", found.count));
        list(&mut text, report.measurements.iter().map(measurement_line));
    }
    if let Some(found) = &facts.names {
        text.push_str(&format!("names: {}\n", found.count));
        list(&mut text, report.names.iter().map(|named| named.name.clone()));
    }
    // Which cases failed stands above.
    for reason in
        facts.reasons.iter().filter(|reason| !reason.starts_with("failed: ") && !reason.starts_with("unknown: "))
    {
        text.push_str(&format!("why {}: {}\n", facts.outcome, shown(reason, LINE_CHARS_MAX)));
    }
    if facts.outcome == Outcome::Pass && facts.tests.is_none() {
        text.push_str("the limits of the policy decide what the numbers are worth\n");
    }
    text
}

/// Writes the first lines, and how many more there are.
fn list(text: &mut String, lines: impl Iterator<Item = String>) {
    let mut more = 0_usize;
    for (index, line) in lines.enumerate() {
        if index < LINES_MAX {
            text.push_str(&format!("  {}\n", shown(&line, LINE_CHARS_MAX)));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        text.push_str(&format!("  and {more} more: --json lists all\n"));
    }
}

fn case_line(case: &Case) -> String {
    let names = [&case.suite, &case.file, &case.class, &case.name];
    let names: Vec<&str> = names.into_iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    format!("{}: {}", case.outcome.word(), names.join(" > "))
}

fn finding_line(finding: &Finding) -> String {
    let severity = finding.severity.map_or_else(|| "unresolved".to_owned(), |severity| severity.to_string());
    let line = finding.line.map_or_else(String::new, |line| format!(":{line}"));
    let suppressed = if finding.suppressed { " (suppressed)" } else { "" };
    format!("{severity}{suppressed}: {} {}{line}: {}", finding.rule, finding.file, finding.message)
}

fn mutant_line(mutant: &Mutant) -> String {
    format!("{}: {}:{} {}", mutant.state.word(), mutant.file, mutant.lines.0, mutant.text)
}

fn measurement_line(measured: &Measurement) -> String {
    let Measurement { name, unit, better, low, middle, high, .. } = measured;
    let interval = if measured.has_interval() {
        format!("{} to {}", amount(*low, unit), amount(*high, unit))
    } else {
        "of one value, no interval".to_owned()
    };
    format!("{}, {interval}, {} is better: {name}", amount(*middle, unit), better.word())
}

/// Returns an integer of a unit for people, cut after three digits behind the point.
fn amount(value: u64, unit: &str) -> String {
    let (scale, unit): (u64, &str) = match unit.strip_suffix("/1000000") {
        Some(unit) => (1_000_000, unit),
        None => match value {
            0..1_000 => (1, unit),
            1_000..1_000_000 => (1_000, "ns"),
            1_000_000..1_000_000_000 => (1_000_000, "us"),
            1_000_000_000..1_000_000_000_000 => (1_000_000_000, "ms"),
            _ => (1_000_000_000_000, "s"),
        },
    };
    let thousandths = u128::from(value) * 1_000 / u128::from(scale);
    let (whole, rest) = (thousandths / 1_000, thousandths % 1_000);
    let rest = format!("{rest:03}");
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { format!("{whole} {unit}") } else { format!("{whole}.{rest} {unit}") }
}

fn file_line(file: &CoveredFile) -> String {
    format!("{} of {} lines: {}", run_in(file), file.lines.len(), file.path)
}

/// Says how many lines the tool was told to leave out, where the report tells.
fn excluded_in(report: &Report) -> String {
    match report.excluded.iter().flatten().map(|(_, lines)| lines.len()).sum::<usize>() {
        0 => String::new(),
        count => format!(", {count} excluded in the tool"),
    }
}

fn run_in(file: &CoveredFile) -> usize {
    file.lines.iter().filter(|line| line.run).count()
}

/// What a report means, as JSON; each part is written as it is looked at, and held by nobody.
struct Answer<'a> {
    format: Format,
    report: &'a Report,
}

/// A list whose items are made as they are written.
struct Each<'a, T>(&'a [T], fn(&T) -> Value);

impl<T> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { format, report } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("cases", &Each(&report.cases, case_value))?;
        if let Some(excluded) = &report.excluded {
            map.serialize_entry("excludedLines", excluded)?;
        }
        map.serialize_entry("facts", &report.facts)?;
        map.serialize_entry("files", &Each(&report.coverage, file_value))?;
        map.serialize_entry("findings", &Each(&report.findings, finding_value))?;
        map.serialize_entry("format", format.name())?;
        if report.facts.mutation.is_some() {
            map.serialize_entry("idleTests", &report.idle_tests)?;
        }
        if report.facts.measurements.is_some() {
            map.serialize_entry("measurements", &Each(&report.measurements, measurement_value))?;
        }
        if report.facts.mutation.is_some() {
            map.serialize_entry("mutants", &Each(&report.mutants, mutant_value))?;
        }
        map.serialize_entry("names", &Each(&report.names, name_value))?;
        map.end()
    }
}

fn case_value(case: &Case) -> Value {
    json!({"identity": case.identity, "suite": case.suite, "file": case.file, "class": case.class,
           "name": case.name, "outcome": case.outcome.word(), "properties": case.properties.iter().collect::<Vec<_>>()})
}

fn finding_value(finding: &Finding) -> Value {
    json!({"fingerprint": finding.fingerprint, "tool": finding.tool, "rule": finding.rule,
           "severity": finding.severity, "suppressed": finding.suppressed, "file": finding.file,
           "line": finding.line, "message": finding.message})
}

fn file_value(file: &CoveredFile) -> Value {
    let missed: Vec<u32> = file.lines.iter().filter(|line| !line.run).map(|line| line.number).collect();
    json!({"digest": file.digest, "path": file.path, "lines": file.lines.len(), "covered": run_in(file), "missed": missed})
}

fn name_value(named: &Named) -> Value {
    json!({"identity": named.identity, "name": named.name})
}

fn mutant_value(mutant: &Mutant) -> Value {
    let killers: Vec<&str> = mutant.killers.iter().map(|name| &**name).collect();
    json!({"identity": mutant.identity, "file": mutant.file, "line": mutant.lines.0, "lastLine": mutant.lines.1,
           "text": mutant.text, "state": mutant.state.word(), "killers": killers})
}

fn measurement_value(measured: &Measurement) -> Value {
    let Measurement { identity, name, unit, better, low, middle, high, .. } = measured;
    json!({"identity": identity, "name": name, "unit": unit, "better": better.word(),
           "low": low, "middle": middle, "high": high, "hasInterval": measured.has_interval()})
}

/// People are shown so many lines of a kind.
const LINES_MAX: usize = 40;
/// A line is cut at so many characters.
const LINE_CHARS_MAX: usize = 400;
const READ_BYTES: usize = 64 << 10;
/// It is held in memory.
const INPUT_BYTES_MAX: u64 = 256 << 20;
