//! The JSON of pytest-benchmark -> measurements.
//!
//! ```json
//! {"machine_info":{},"version":"5.1.0","benchmarks":[{"fullname":"test_a.py::test_sum[10]","name":"test_sum[10]",
//!   "stats":{"mean":3.9e-07,"stddev":1.5e-07,"rounds":8,"data":[3.1e-07,7.6e-07]}}]}
//! ```
//!
//! Spec: what versions 3.4 to 5 write. Times are seconds. The samples count where they were saved, else mean, standard deviation
//! and rounds. A test that fails after it was measured stands among the others without a word: outcomes of tests come
//! from JUnit and the exit code. Groups are for display, and no part of the name.

use std::io::BufRead;

use super::encoding::Source;
use super::json::{Node, Wrong, parse};
use super::limits::TREE_BYTES_MAX;
use super::measures::{Interval, MeasurementTally, Rounded, Scale, TIME, number};
use super::{Better, Detail, Format, ReadError, Report};

/// Reads a report of pytest-benchmark.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let bytes = Source::open(input, TREE_BYTES_MAX)?.read_all()?;
    let value = parse(&bytes)?;
    let mut tally = MeasurementTally::new(detail);
    document(&mut tally, &Node::root(&value)).map_err(|wrong| wrong.place_in(&bytes))?;
    Ok(tally.finish(Format::PytestBenchmark, Vec::new(), Vec::new()))
}

fn document(tally: &mut MeasurementTally, root: &Node<'_>) -> Result<(), Wrong> {
    root.member("machine_info")?.ok_or_else(|| root.lacks("machine_info", "that of pytest-benchmark"))?;
    let list = root.member("benchmarks")?.ok_or_else(|| root.lacks("benchmarks", "a list of benchmarks"))?;
    for benchmark in list.items()? {
        let name = benchmark.member("fullname")?.ok_or_else(|| benchmark.lacks("fullname", "the test"))?;
        let stats = benchmark.member("stats")?.ok_or_else(|| benchmark.lacks("stats", "the statistics"))?;
        let mut samples = Vec::new();
        if let Some(list) = stats.member("data")? {
            for time in list.items()? {
                samples.push(number(&time, Scale::SECONDS, Rounded::Nearest)?);
            }
        }
        let interval = match Interval::of(&samples) {
            Some(interval) => interval,
            None => {
                let value = |key: &'static str, rounded| {
                    let node = stats.member(key)?.ok_or_else(|| stats.lacks(key, "a number"))?;
                    number(&node, Scale::SECONDS, rounded)
                };
                let rounds = stats.member("rounds")?.ok_or_else(|| stats.lacks("rounds", "a count"))?;
                let count = rounds.value.as_u64().filter(|count| *count > 0).ok_or_else(|| rounds.wrong("a count"))?;
                Interval::spread(value("mean", Rounded::Nearest)?, value("stddev", Rounded::Up)?, count)
            }
        };
        if !tally.add((name.text()?, TIME, Better::Lower), interval).map_err(|cause| benchmark.refuse(cause))? {
            return Err(name.wrong("a test that no other benchmark is of"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;
    use crate::reports::{read as read_facts, read_report};

    fn benchmark(name: &str, stats: &str) -> String {
        format!("{{\"fullname\":\"{name}\",\"name\":\"x\",\"stats\":{{{stats}}}}}")
    }

    fn document(benchmarks: &[String]) -> String {
        format!("{{\"machine_info\":{{}},\"benchmarks\":[{}]}}", benchmarks.join(","))
    }

    #[test]
    fn samples_count_before_what_was_computed_out_of_them() {
        let both = "\"mean\":1e-9,\"stddev\":0,\"rounds\":9,\"data\":[1e-9,3e-9]";
        let text = document(&[benchmark("a", both), benchmark("b", "\"mean\":1.005e-9,\"stddev\":6e-12,\"rounds\":4")]);
        let report = read_report(Format::PytestBenchmark, &mut text.as_bytes()).unwrap();
        let ends: Vec<_> = report.measurements.iter().map(|it| (it.low, it.middle, it.high)).collect();
        assert_eq!(ends, [(0, 2_000, 14_707), (993, 1_005, 1_017)]);
        let once = document(&[benchmark("a", "\"mean\":1,\"stddev\":0,\"rounds\":1,\"data\":[1]")]);
        let report = read_report(Format::PytestBenchmark, &mut once.as_bytes()).unwrap();
        assert!(!report.measurements[0].has_interval());
    }

    #[test]
    fn nothing_is_inconclusive_and_broken_reports_are_refused() {
        let facts = read_facts(Format::PytestBenchmark, &mut document(&[]).as_bytes()).unwrap();
        assert_eq!(facts.outcome, Outcome::Inconclusive);
        let refused = |text: &str| read_facts(Format::PytestBenchmark, &mut text.as_bytes()).unwrap_err().to_string();
        let good = benchmark("a", "\"mean\":1,\"stddev\":0,\"rounds\":1");
        assert!(
            refused(&document(&[good.clone(), good.clone()])).contains("wanted a test that no other benchmark is of")
        );
        for (from, to, wanted) in [
            ("\"rounds\":1", "\"rounds\":0", "`/benchmarks/0/stats/rounds` is 0; wanted a count"),
            ("\"mean\":1,", "", "`/benchmarks/0/stats/mean` is absent"),
            ("\"mean\":1,", "\"mean\":-1,", "wanted a number that is not negative"),
            ("\"fullname\"", "\"names\"", "`/benchmarks/0/fullname` is absent"),
        ] {
            let found = refused(&document(&[good.replacen(from, to, 1)]));
            assert!(found.contains(wanted), "{found}");
        }
        assert!(refused("{\"benchmarks\":[]}").contains("`/machine_info` is absent"));
    }
}
