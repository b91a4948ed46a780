//! The messages of `cargo criterion --message-format=json`, one a line -> measurements.
//!
//! ```json
//! {"reason":"benchmark-complete","id":"sums/10","unit":"ns","typical":{"estimate":3.1,"lower_bound":3.0,"upper_bound":3.2,"unit":"ns"}}
//! {"reason":"group-complete","group_name":"sums","benchmarks":["sums/10"]}
//! ```
//!
//! Spec: the external tools of cargo-criterion 1. What the tool calls typical counts, with its own confidence interval. A
//! group ends with a message that names its benchmarks: without it the run was aborted. The `estimates.json` that criterion leaves in a
//! folder for each benchmark does not say whose estimates they are, and is not read. Throughput is the same number
//! turned round, and change is against whatever the machine has kept: both are out of scope.

use std::collections::BTreeSet;
use std::io::BufRead;

use super::json::{Node, Wrong, parse};
use super::lines::each_line;
use super::measures::{Interval, MeasurementTally, Rounded, Scale, TIME, number};
use super::tally::shown;
use super::{Better, Detail, Format, ReadError, Report};

/// Reads messages of cargo criterion.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut tally = MeasurementTally::new(detail);
    let mut open = BTreeSet::new();
    each_line(input, &mut |line| {
        let text = line.whole()?;
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        let value = parse(text.as_bytes()).map_err(|error| line.refuse_at(error.place.column, error.cause))?;
        message(&mut tally, &mut open, &Node::root(&value)).map_err(|wrong| {
            let error = wrong.place_in(text.as_bytes());
            line.refuse_at(error.place.column, error.cause)
        })
    })?;
    let mut doubts = Vec::new();
    if let Some(first) = open.first() {
        let count = open.len();
        doubts.push(format!("the group of `{}` has no end, {count} benchmarks in all: aborted", shown(first, 80)));
    }
    Ok(tally.finish(Format::Criterion, Vec::new(), doubts))
}

fn message(tally: &mut MeasurementTally, open: &mut BTreeSet<String>, root: &Node<'_>) -> Result<(), Wrong> {
    let reason = root.member("reason")?.ok_or_else(|| root.lacks("reason", "a message of cargo criterion"))?;
    match reason.text()? {
        "benchmark-complete" => {
            let id = root.member("id")?.ok_or_else(|| root.lacks("id", "the benchmark"))?;
            let typical = root.member("typical")?.ok_or_else(|| root.lacks("typical", "an estimate"))?;
            let unit = typical.member("unit")?.ok_or_else(|| typical.lacks("unit", UNITS))?;
            let scale = match unit.text()? {
                "ns" => Scale::NANOSECONDS,
                "us" | "µs" | "μs" => Scale::MICROSECONDS,
                "ms" => Scale::MILLISECONDS,
                "s" => Scale::SECONDS,
                _ => return Err(unit.wrong(UNITS)),
            };
            let value = |key, rounded| {
                let node = typical.member(key)?.ok_or_else(|| typical.lacks(key, "a number"))?;
                number(&node, scale, rounded)
            };
            let low = value("lower_bound", Rounded::Down)?;
            let high = value("upper_bound", Rounded::Up)?;
            let interval = Interval::told(low, value("estimate", Rounded::Nearest)?, high)
                .ok_or_else(|| typical.wrong("an estimate between its bounds"))?;
            let name = id.text()?;
            if !tally.add((name, TIME, Better::Lower), interval).map_err(|cause| root.refuse(cause))? {
                return Err(id.wrong("a benchmark that no other message is about"));
            }
            open.insert(name.to_owned());
        }
        "group-complete" => {
            let ids = root.member("benchmarks")?.ok_or_else(|| root.lacks("benchmarks", "those of the group"))?;
            for id in ids.items()? {
                // Benchmarks that were filtered out are named too, if an earlier run has left their results behind.
                open.remove(id.text()?);
            }
        }
        // More kinds may be added, says the specification.
        _ => {}
    }
    Ok(())
}

const UNITS: &str = "ns, us, ms or s: other measurements have no reader";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;
    use crate::reports::{read as read_facts, read_report};

    fn benchmark(id: &str, low: &str, middle: &str, high: &str) -> String {
        format!(
            "{{\"reason\":\"benchmark-complete\",\"id\":\"{id}\",\"unit\":\"ns\",\"typical\":{{\"estimate\":{middle},\"lower_bound\":{low},\"upper_bound\":{high},\"unit\":\"ns\"}}}}\n"
        )
    }

    fn group(ids: &str) -> String {
        format!("{{\"reason\":\"group-complete\",\"group_name\":\"g\",\"benchmarks\":[{ids}]}}\n")
    }

    fn refused(text: &str) -> String {
        read_facts(Format::Criterion, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_interval_is_the_tools() {
        let text = benchmark("g/1", "1.0004", "1.25", "1.5006") + &group("\"g/1\"");
        let report = read_report(Format::Criterion, &mut text.as_bytes()).unwrap();
        let [one] = &report.measurements[..] else { panic!() };
        assert_eq!((one.low, one.middle, one.high), (1_000, 1_250, 1_501));
        assert_eq!((one.name.as_str(), report.facts.outcome), ("g/1", Outcome::Pass));
    }

    #[test]
    fn a_group_without_end_is_aborted_and_nothing_is_nothing() {
        let facts = read_facts(Format::Criterion, &mut benchmark("g/1", "1", "1", "1").as_bytes()).unwrap();
        assert_eq!((facts.outcome, facts.reasons.len()), (Outcome::Inconclusive, 1));
        for text in ["", "{\"reason\":\"more\"}\n", &group(""), &group("\"x\"")] {
            let facts = read_facts(Format::Criterion, &mut text.as_bytes()).unwrap();
            assert_eq!(facts.reasons, ["the report has no measurements"], "{text}");
        }
    }

    #[test]
    fn broken_messages_are_refused() {
        let good = benchmark("g/1", "1", "2", "3") + &group("\"g/1\"");
        assert!(
            refused(&(good.clone() + &good)).starts_with("line 3, column 37: `/id` is \"g/1\"; wanted a benchmark")
        );
        assert!(refused(&good.replace("\"unit\":\"ns\"}", "\"unit\":\"cycles\"}")).contains("wanted ns, us, ms or s"));
        assert!(refused(&good.replace("\"estimate\":2", "\"estimate\":9")).contains("between its bounds"));
        assert!(refused("{\"mean\":{}}").contains("`/reason` is absent"));
        assert!(refused(&good[..40]).starts_with("line 1, column 40"));
    }
}
