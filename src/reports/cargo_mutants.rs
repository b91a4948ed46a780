//! `mutants.out/outcomes.json` of cargo-mutants -> facts about mutation.
//!
//! ```json
//! {"outcomes":[{"scenario":"Baseline","summary":"Success"},
//!   {"scenario":{"Mutant":{"name":"src/lib.rs:5:7: replace + with - in add","package":"shop","file":"src/lib.rs",
//!     "function":{"function_name":"add"},"span":{"start":{"line":5},"end":{"line":5}},"genre":"BinaryOperator"}},
//!    "summary":"CaughtMutant"}],
//!  "total_mutants":1,"missed":0,"caught":1,"timeout":0,"unviable":0,"end_time":"2026-01-02T03:04:05Z"}
//! ```
//!
//! Spec: what versions 24 to 27 write. The identity of a mutant is package, file, function, genre and its text without the
//! place. An aborted run differs from a whole one by `end_time` alone: null or absent is inconclusive, and so are fewer
//! outcomes than `total_mutants`, a baseline that failed, and none at all: where the tests fail without mutants, they fail with
//! each. Counts above what the outcomes come to say that the file was cut. It names no tests.

use std::io::BufRead;

use super::encoding::Source;
use super::json::{Node, Wrong, parse};
use super::limits::TREE_BYTES_MAX;
use super::mutants::{Found, MutantTally};
use super::{Cause, Detail, Format, MutantState, ReadError, Report};

/// Reads the outcomes of cargo-mutants.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let bytes = Source::open(input, TREE_BYTES_MAX)?.read_all()?;
    let value = parse(&bytes)?;
    let mut walk = Walk { tally: MutantTally::new(detail), baselines: 0, broken: 0, mutants: 0 };
    let doubts = walk.document(&Node::root(&value)).map_err(|wrong| wrong.place_in(&bytes))?;
    Ok(walk.tally.finish(Format::CargoMutants, doubts))
}

struct Walk {
    tally: MutantTally,
    baselines: u64,
    /// Baselines that did not succeed.
    broken: u64,
    mutants: u64,
}

impl Walk {
    fn document(&mut self, root: &Node<'_>) -> Result<Vec<String>, Wrong> {
        let outcomes = root.member("outcomes")?.ok_or_else(|| root.lacks("outcomes", "a list of outcomes"))?;
        for outcome in outcomes.items()? {
            self.outcome(&outcome)?;
        }
        for (key, state) in [
            ("missed", MutantState::Survived),
            ("caught", MutantState::Killed),
            ("timeout", MutantState::Timeout),
            ("unviable", MutantState::Invalid),
        ] {
            let (declared, found) = (count(root, key)?, self.tally.count(state));
            if declared > found {
                return Err(root.refuse(Cause::Recount { what: key, declared, found }));
            }
        }
        let total = count(root, "total_mutants")?;
        let mut doubts = Vec::new();
        if root.member("end_time")?.map(|time| time.text()).transpose()?.is_none() {
            doubts.push("the run has no end time: aborted".to_owned());
        }
        if total > self.mutants {
            doubts.push(format!("{total} mutants were to be tested, and {} have an outcome", self.mutants));
        }
        if self.broken > 0 {
            doubts.push("the tests fail without mutants".to_owned());
        } else if self.baselines == 0 {
            doubts.push("the run has no baseline: whether the tests pass without mutants is not known".to_owned());
        }
        Ok(doubts)
    }

    fn outcome(&mut self, outcome: &Node<'_>) -> Result<(), Wrong> {
        let scenario =
            outcome.member("scenario")?.ok_or_else(|| outcome.lacks("scenario", "`Baseline` or a mutant"))?;
        let summary = outcome.member("summary")?.ok_or_else(|| outcome.lacks("summary", "what came of it"))?.text()?;
        if scenario.value.as_str() == Some("Baseline") {
            self.baselines += 1;
            self.broken += u64::from(summary != "Success");
            return Ok(());
        }
        let mutant = scenario.member("Mutant")?.ok_or_else(|| scenario.lacks("Mutant", "`Baseline` or a mutant"))?;
        self.mutants += 1;
        let text =
            |key| -> Result<&str, Wrong> { mutant.member(key)?.ok_or_else(|| mutant.lacks(key, "a text"))?.text() };
        let (package, file, genre) = (text("package")?, text("file")?, text("genre")?);
        let mut named = String::new();
        if let Some(function) = mutant.member("function")?
            && let Some(name) = function.member("function_name")?
        {
            name.text()?.clone_into(&mut named);
        }
        let span = mutant.member("span")?.ok_or_else(|| mutant.lacks("span", "the place of the mutant"))?;
        let lines = (line(&span, "start")?, line(&span, "end")?);
        if lines.0 > lines.1 {
            return Err(span.wrong("a span that ends after its start"));
        }
        let name = text("name")?;
        // `FILE:LINE:COLUMN: TEXT`.
        let said = name.strip_prefix(file).and_then(|rest| rest.strip_prefix(':'));
        let said = said.and_then(|rest| rest.split_once(": ")).map_or(name, |(_, said)| said);
        let state = match summary {
            "CaughtMutant" => Some(MutantState::Killed),
            "MissedMutant" => Some(MutantState::Survived),
            "Timeout" => Some(MutantState::Timeout),
            "Unviable" => Some(MutantState::Invalid),
            // `Success` is a mutant that was built and not tested.
            _ => None,
        };
        let found = Found { parts: &[package, file, &named, genre, said], file, lines, text: said, state };
        self.tally.add(&found, Vec::new()).map_err(|cause| mutant.refuse(cause))
    }
}

fn line(span: &Node<'_>, key: &'static str) -> Result<u64, Wrong> {
    let end = span.member(key)?.ok_or_else(|| span.lacks(key, "a line"))?;
    let line = end.member("line")?.ok_or_else(|| end.lacks("line", "a line"))?;
    line.value.as_u64().filter(|line| *line > 0).ok_or_else(|| line.wrong("the number of a line"))
}

fn count(root: &Node<'_>, key: &'static str) -> Result<u64, Wrong> {
    let count = root.member(key)?.ok_or_else(|| root.lacks(key, "a count"))?;
    count.value.as_u64().ok_or_else(|| count.wrong("a count"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Facts, Outcome};
    use crate::reports::{read as read_facts, read_report};

    fn mutant(place: &str, text: &str, summary: &str) -> String {
        format!(
            "{{\"scenario\":{{\"Mutant\":{{\"name\":\"src/a.rs:{place}:7: {text}\",\"package\":\"p\",\"file\":\"src/a.rs\",\"function\":{{\"function_name\":\"f\"}},\"span\":{{\"start\":{{\"line\":{place}}},\"end\":{{\"line\":9}}}},\"genre\":\"G\"}}}},\"summary\":\"{summary}\"}}"
        )
    }

    const BASELINE: &str = "{\"scenario\":\"Baseline\",\"summary\":\"Success\"}";

    fn document(outcomes: &[&str], total: u64, missed: u64, end: &str) -> String {
        format!(
            "{{\"outcomes\":[{}],\n\"total_mutants\":{total},\"missed\":{missed},\"caught\":1,\"timeout\":0,\"unviable\":0,\"end_time\":{end}}}",
            outcomes.join(",")
        )
    }

    fn facts(text: &str) -> Facts {
        read_facts(Format::CargoMutants, &mut text.as_bytes()).unwrap()
    }

    fn refused(text: &str) -> String {
        read_facts(Format::CargoMutants, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn mutants_are_counted_and_keep_their_identity_when_lines_move() {
        let [caught, missed] = [mutant("5", "x", "CaughtMutant"), mutant("6", "y", "MissedMutant")];
        let text = document(&[BASELINE, &caught, &missed], 2, 1, "\"2026\"");
        let found = facts(&text);
        let mutation = found.mutation.clone().unwrap();
        assert_eq!((found.outcome, mutation.killed, mutation.survived), (Outcome::Pass, 1, 1));
        let moved =
            document(&[BASELINE, &mutant("6", "y", "MissedMutant"), &mutant("8", "x", "CaughtMutant")], 2, 1, "\"\"");
        assert_eq!(facts(&moved), found);
        let report = read_report(Format::CargoMutants, &mut text.as_bytes()).unwrap();
        let first = &report.mutants[0];
        assert_eq!((first.file.as_str(), first.lines, first.text.as_str()), ("src/a.rs", (5, 9), "x"));
    }

    #[test]
    fn what_did_not_end_or_began_with_failing_tests_is_inconclusive() {
        let caught = mutant("5", "x", "CaughtMutant");
        let failed = BASELINE.replace("Success", "Failure");
        let built = mutant("5", "y", "Success");
        let whole = [BASELINE, &caught];
        assert_eq!(facts(&document(&whole, 1, 0, "\"2026\"")).outcome, Outcome::Pass);
        for (text, reason) in [
            (document(&whole, 1, 0, "null"), "the run has no end time: aborted"),
            (document(&whole, 1, 0, "\"\"").replace(",\"end_time\":\"\"", ""), "the run has no end time: aborted"),
            (document(&whole, 3, 0, "\"\""), "3 mutants were to be tested, and 1 have an outcome"),
            (document(&[&failed, &caught], 1, 0, "\"\""), "the tests fail without mutants"),
            (
                document(&[&caught], 1, 0, "\"\""),
                "the run has no baseline: whether the tests pass without mutants is not known",
            ),
            (document(&[BASELINE, &caught, &built], 2, 0, "\"\""), "1 mutant was not judged"),
        ] {
            let facts = facts(&text);
            assert_eq!((facts.outcome, &facts.reasons[..]), (Outcome::Inconclusive, &[reason.to_owned()][..]));
        }
    }

    #[test]
    fn a_file_that_was_cut_is_refused() {
        let caught = mutant("5", "x", "CaughtMutant");
        let cut = document(&[BASELINE, &caught], 2, 1, "\"\"");
        assert_eq!(refused(&cut), "line 1, column 1: the summary says 1 missed; found 0");
        let broken = document(&[BASELINE, &caught.replace("\"line\":5", "\"line\":0")], 1, 0, "\"\"");
        assert!(refused(&broken).contains("`/outcomes/1/scenario/Mutant/span/start/line` is 0; wanted the number"));
        let turned = document(&[BASELINE, &caught.replace("\"line\":9", "\"line\":4")], 1, 0, "\"\"");
        assert!(refused(&turned).contains("wanted a span that ends after its start"));
        assert!(refused("{}").contains("`/outcomes` is absent"));
        assert!(refused("{\"outcomes\":[{}]}").contains("wanted `Baseline` or a mutant"));
    }
}
