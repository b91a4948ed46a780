//! The JSON export of hyperfine -> measurements.
//!
//! ```json
//! {"results":[{"command":"make","mean":0.5,"stddev":0.1,"times":[0.4,0.6],"exit_codes":[0,0],"parameters":{"n":"1"}}]}
//! ```
//!
//! Spec: what versions 1.12 to 1.20 write. Times are seconds; the samples count, not what hyperfine computes out of them. A
//! command that ended otherwise than with 0 did not do what is measured: inconclusive, and so is one without exit codes.
//! A run that was aborted between two commands looks like a whole one with fewer; the exit code and the names tell.
//! User and system time, and memory, are out of scope.

use std::io::BufRead;

use super::encoding::Source;
use super::json::{Node, Wrong, parse};
use super::limits::TREE_BYTES_MAX;
use super::measures::{Interval, MeasurementTally, Rounded, Scale, TIME, number};
use super::tally::shown;
use super::{Better, Detail, Format, ReadError, Report};

/// Reads the export of hyperfine.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let bytes = Source::open(input, TREE_BYTES_MAX)?.read_all()?;
    let value = parse(&bytes)?;
    let mut tally = MeasurementTally::new(detail);
    let doubts = document(&mut tally, &Node::root(&value)).map_err(|wrong| wrong.place_in(&bytes))?;
    Ok(tally.finish(Format::Hyperfine, Vec::new(), doubts))
}

fn document(tally: &mut MeasurementTally, root: &Node<'_>) -> Result<Vec<String>, Wrong> {
    let results = root.member("results")?.ok_or_else(|| root.lacks("results", "a list of results"))?;
    let mut doubts = Vec::new();
    for result in results.items()? {
        let command = result.member("command")?.ok_or_else(|| result.lacks("command", "the command"))?;
        let mut name = command.text()?.to_owned();
        if let Some(parameters) = result.member("parameters")? {
            let members = parameters.members()?.map(|(key, value)| Ok(format!("{key}={}", value.text()?)));
            let members = members.collect::<Result<Vec<_>, Wrong>>()?;
            if !members.is_empty() {
                name = format!("{name} [{}]", members.join(" "));
            }
        }
        let times = result.member("times")?.ok_or_else(|| result.lacks("times", "the times of the runs"))?;
        let mut samples = Vec::new();
        for time in times.items()? {
            samples.push(number(&time, Scale::SECONDS, Rounded::Nearest)?);
        }
        let interval = Interval::of(&samples).ok_or_else(|| times.wrong("the time of a run at least"))?;
        if !tally.add((&name, TIME, Better::Lower), interval).map_err(|cause| result.refuse(cause))? {
            return Err(command.wrong("a name that no other result has, as by --command-name"));
        }
        let codes = result.member("exit_codes")?.map(|codes| Ok(codes.value.as_array().map(Vec::as_slice)));
        let codes = codes.transpose()?.flatten().unwrap_or_default();
        if codes.len() != samples.len() {
            doubts.push(format!("not every run of `{}` has an exit code", shown(&name, NAME_CHARS_MAX)));
        } else if let Some(code) = codes.iter().find(|code| code.as_i64() != Some(0)) {
            let code = if code.is_null() {
                "by a signal".to_owned()
            } else {
                format!("with {}", shown(&code.to_string(), 20))
            };
            doubts.push(format!("`{}` ended {code}", shown(&name, NAME_CHARS_MAX)));
        }
    }
    Ok(doubts)
}

/// A command is shown up to so many characters.
const NAME_CHARS_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;
    use crate::reports::{read as read_facts, read_report};

    fn result(command: &str, times: &str, codes: &str) -> String {
        format!("{{\"command\":\"{command}\",\"mean\":9,\"times\":{times},\"exit_codes\":{codes}}}")
    }

    fn read_results(results: &[String]) -> Report {
        let text = format!("{{\"results\":[{}]}}", results.join(","));
        read_report(Format::Hyperfine, &mut text.as_bytes()).unwrap()
    }

    #[test]
    fn samples_make_the_interval_and_parameters_the_name() {
        let more = result("b", "[0.5]", "[0]").replace("\"mean\"", "\"parameters\":{\"n\":\"1\",\"m\":\"x\"},\"mean\"");
        let report = read_results(&[result("a", "[0.000000001,0.000000003]", "[0,0]"), more]);
        assert_eq!(report.facts.outcome, Outcome::Pass);
        let [a, b] = &report.measurements[..] else { panic!() };
        assert_eq!((a.name.as_str(), a.low, a.middle, a.high), ("a", 0, 2_000, 14_707));
        assert_eq!((b.name.as_str(), b.middle, b.has_interval()), ("b [m=x n=1]", 500_000_000_000, false));
    }

    #[test]
    fn a_command_that_failed_spoils_what_was_measured() {
        for (codes, reason) in [
            ("[0,1]", "`a` ended with 1"),
            ("[0,null]", "`a` ended by a signal"),
            ("[0]", "not every run of `a` has an exit code"),
            ("null", "not every run of `a` has an exit code"),
        ] {
            let facts = read_results(&[result("a", "[1,2]", codes)]).facts;
            assert_eq!((facts.outcome, facts.reasons[0].as_str()), (Outcome::Inconclusive, reason));
            assert_eq!(facts.measurements.unwrap().count, 1);
        }
        let none = read_results(&[]).facts;
        assert_eq!((none.outcome, none.reasons[0].as_str()), (Outcome::Inconclusive, "the report has no measurements"));
    }

    #[test]
    fn broken_results_are_refused() {
        let refused = |results: &[String]| {
            let text = format!("{{\"results\":[{}]}}", results.join(","));
            read_facts(Format::Hyperfine, &mut text.as_bytes()).unwrap_err().to_string()
        };
        let found = refused(&[result("a", "[1]", "[0]"), result("a", "[1]", "[0]")]);
        assert!(found.contains("`/results/1/command` is \"a\"; wanted a name that no other result has"), "{found}");
        assert!(refused(&[result("a", "[]", "[]")]).contains("wanted the time of a run at least"));
        for time in ["-1", "1e30", "\"1\"", "null"] {
            let found = refused(&[result("a", &format!("[{time}]"), "[0]")]);
            assert!(found.contains("wanted a number that is not negative and not too large"), "{found}");
        }
    }
}
