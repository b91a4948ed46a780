//! `evidence facts`: what a report means to us, without attesting it.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _};

use serde_json::{Value, json};

use super::args::FactsArgs;
use super::context::Context;
use super::fail::Fail;
use super::{print, print_json};
use crate::model::Outcome;
use crate::reports::{self, Case, CaseOutcome, CoveredFile, Detected, Finding, Format, Report, shown};

pub(super) fn run(context: &Context, args: &FactsArgs) -> Result<u8, Fail> {
    let path = context.cwd.join(&args.file);
    let unreadable = |error: &std::io::Error| Fail::io("the report cannot be read:", &path, error);
    let mut file = File::open(&path).map_err(|error| unreadable(&error))?;
    let format = match &args.format {
        Some(word) => word.parse().map_err(|error| Fail::usage(format!("--format {word}: {error}")))?,
        None => {
            let mut head = Vec::new();
            let bytes_max = u64::try_from(reports::limits::HEAD_BYTES).unwrap_or(u64::MAX);
            file.by_ref().take(bytes_max).read_to_end(&mut head).map_err(|error| unreadable(&error))?;
            file.rewind().map_err(|error| unreadable(&error))?;
            detected(&head).map_err(|fail| Fail { text: format!("{}: {}", path.display(), fail.text), ..fail })?
        }
    };
    let report = reports::read_report(format, &mut BufReader::with_capacity(READ_BYTES, file))
        .map_err(|error| Fail::usage(format!("{}: {error}", path.display())))?;
    if context.json {
        print_json(&value(format, &report));
    } else {
        print(&text(format, &report));
    }
    Ok(0)
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
            "coverage: {} of {} lines run in {} files, {percent}\n",
            found.covered, found.lines, found.files
        ));
        let mut files: Vec<&CoveredFile> = report.coverage.iter().collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        list(&mut text, files.into_iter().map(file_line));
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

fn file_line(file: &CoveredFile) -> String {
    format!("{} of {} lines: {}", run_in(file), file.lines.len(), file.path)
}

fn run_in(file: &CoveredFile) -> usize {
    file.lines.iter().filter(|line| line.run).count()
}

fn value(format: Format, report: &Report) -> Value {
    let cases = report.cases.iter().map(|case| {
        json!({"identity": case.identity, "suite": case.suite, "file": case.file, "class": case.class,
               "name": case.name, "outcome": case.outcome.word()})
    });
    let findings = report.findings.iter().map(|finding| {
        json!({"fingerprint": finding.fingerprint, "tool": finding.tool, "rule": finding.rule,
               "severity": finding.severity, "suppressed": finding.suppressed, "file": finding.file,
               "line": finding.line, "message": finding.message})
    });
    let files = report.coverage.iter().map(|file| {
        let missed: Vec<u32> = file.lines.iter().filter(|line| !line.run).map(|line| line.number).collect();
        json!({"digest": file.digest, "path": file.path, "lines": file.lines.len(), "covered": run_in(file), "missed": missed})
    });
    json!({
        "format": format.name(), "facts": report.facts, "cases": cases.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(), "files": files.collect::<Vec<_>>(),
    })
}

/// People are shown so many lines of a kind.
const LINES_MAX: usize = 40;
/// A line is cut at so many characters.
const LINE_CHARS_MAX: usize = 400;
const READ_BYTES: usize = 64 << 10;
