//! The JSON of Google Benchmark -> measurements.
//!
//! ```json
//! {"context":{"date":"2026-01-02T03:04:05+00:00"},"benchmarks":[{"name":"BM_Sum/8","run_name":"BM_Sum/8","run_type":"iteration",
//!   "repetitions":1,"repetition_index":0,"iterations":100,"real_time":13.4,"cpu_time":10.6,"time_unit":"ns"}]}
//! ```
//!
//! Spec: its user guide, versions 1.5 to 1.9. Repetitions of a name are samples; where only aggregates are reported, mean and
//! standard deviation make the interval. A benchmark that says that it was skipped or in error is inconclusive, and so
//! is one with fewer repetitions than it was to have. Counters of the author's own are out of scope: which way they are better
//! nobody says.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::encoding::Source;
use super::json::{Node, Wrong, parse};
use super::limits::TREE_BYTES_MAX;
use super::measures::{BYTE_RATE, COUNT_RATE, Interval, MeasurementTally, Rounded, Scale, TIME, number};
use super::tally::shown;
use super::{Better, Detail, Format, ReadError, Report};

/// Reads a report of Google Benchmark.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let bytes = Source::open(input, TREE_BYTES_MAX)?.read_all()?;
    let value = parse(&bytes)?;
    let mut walk = Walk {
        tally: MeasurementTally::new(detail),
        aggregates: BTreeMap::new(),
        repetitions: BTreeMap::new(),
        doubts: Vec::new(),
    };
    walk.document(&Node::root(&value)).map_err(|wrong| wrong.place_in(&bytes))?;
    Ok(walk.tally.finish(Format::GoogleBenchmark, Vec::new(), walk.doubts))
}

struct Walk {
    tally: MeasurementTally,
    /// By name and unit.
    aggregates: BTreeMap<(String, &'static str), Aggregate>,
    /// How many repetitions a name is to have and has.
    repetitions: BTreeMap<String, (u64, u64)>,
    doubts: Vec<String>,
}

struct Aggregate {
    better: Better,
    mean: Option<u64>,
    deviation: Option<u64>,
    count: u64,
}

/// A number of a benchmark: its key, what it adds to the name, and what it is.
type Part = (&'static str, &'static str, &'static str, Better, Scale);

impl Walk {
    fn document(&mut self, root: &Node<'_>) -> Result<(), Wrong> {
        root.member("context")?.ok_or_else(|| root.lacks("context", "that of Google Benchmark"))?;
        let list = root.member("benchmarks")?.ok_or_else(|| root.lacks("benchmarks", "a list of benchmarks"))?;
        for benchmark in list.items()? {
            self.benchmark(&benchmark)?;
        }
        for (name, (wanted, found)) in &self.repetitions {
            if found < wanted {
                self.doubts.push(format!("`{}` ran {found} of {wanted} times", shown(name, NAME_CHARS_MAX)));
            }
        }
        for ((name, unit), aggregate) in std::mem::take(&mut self.aggregates) {
            if self.tally.has(&name, unit) {
                continue;
            }
            let Some(mean) = aggregate.mean else { continue };
            let interval = match aggregate.deviation {
                Some(deviation) => Interval::spread(mean, deviation, aggregate.count),
                None => Interval::unknown(mean),
            };
            self.tally.add((&name, unit, aggregate.better), interval).map_err(|cause| list.refuse(cause))?;
        }
        Ok(())
    }

    fn benchmark(&mut self, benchmark: &Node<'_>) -> Result<(), Wrong> {
        let text = |key: &'static str| benchmark.member(key)?.map(|node| node.text()).transpose();
        let name = match text("run_name")? {
            Some(name) => name,
            None => text("name")?.ok_or_else(|| benchmark.lacks("name", "the benchmark"))?,
        };
        let is_error = benchmark.member("error_occurred")?.is_some_and(|flag| flag.value.as_bool() != Some(false));
        let skipped = benchmark.member("skipped")?.is_some_and(|flag| flag.value.as_bool() != Some(false));
        if is_error || skipped {
            let said = text("error_message")?.or(text("skip_message")?).unwrap_or("skipped");
            self.doubts.push(format!("`{}`: {}", shown(name, NAME_CHARS_MAX), shown(said, NAME_CHARS_MAX)));
            return Ok(());
        }
        let aggregate = match text("run_type")? {
            None | Some("iteration") => None,
            Some("aggregate") => match text("aggregate_name")? {
                Some(word @ ("mean" | "stddev")) => Some(word),
                // Others are other numbers: percentages, and whatever the author computes.
                _ => return Ok(()),
            },
            Some(_) => return Err(benchmark.wrong("a run of type `iteration` or `aggregate`")),
        };
        let count = |key: &'static str| -> Result<u64, Wrong> {
            let Some(node) = benchmark.member(key)? else { return Ok(1) };
            node.value.as_u64().ok_or_else(|| node.wrong("a count"))
        };
        let repetitions = count("repetitions")?;
        if aggregate.is_none() {
            let known = self.repetitions.entry(name.to_owned()).or_default();
            *known = (known.0.max(repetitions), known.1 + 1);
        }
        let unit = benchmark.member("time_unit")?.ok_or_else(|| benchmark.lacks("time_unit", UNITS))?;
        let scale = match unit.text()? {
            "ns" => Scale::NANOSECONDS,
            "us" => Scale::MICROSECONDS,
            "ms" => Scale::MILLISECONDS,
            "s" => Scale::SECONDS,
            _ => return Err(unit.wrong(UNITS)),
        };
        let parts: [Part; 4] = [
            ("real_time", " real_time", TIME, Better::Lower, scale),
            ("cpu_time", " cpu_time", TIME, Better::Lower, scale),
            ("bytes_per_second", "", BYTE_RATE, Better::Higher, Scale::MILLIONTHS),
            ("items_per_second", "", COUNT_RATE, Better::Higher, Scale::MILLIONTHS),
        ];
        if benchmark.member("real_time")?.is_none() {
            return Err(benchmark.lacks("real_time", "a time"));
        }
        for (key, suffix, unit, better, scale) in parts {
            let Some(node) = benchmark.member(key)? else { continue };
            let rounded = if aggregate == Some("stddev") { Rounded::Up } else { Rounded::Nearest };
            let value = number(&node, scale, rounded)?;
            let name = format!("{name}{suffix}");
            match aggregate {
                None => self.tally.sample((&name, unit, better), value).map_err(|cause| node.refuse(cause))?,
                Some(word) => {
                    let new = || Aggregate { better, mean: None, deviation: None, count: repetitions };
                    let known = self.aggregates.entry((name, unit)).or_insert_with(new);
                    known.count = known.count.min(repetitions);
                    let place = if word == "mean" { &mut known.mean } else { &mut known.deviation };
                    if place.replace(value).is_some() {
                        return Err(benchmark.wrong("each aggregate of a benchmark once"));
                    }
                }
            }
        }
        Ok(())
    }
}

const UNITS: &str = "ns, us, ms or s";
/// A benchmark is shown up to so many characters.
const NAME_CHARS_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;
    use crate::reports::{read as read_facts, read_report};

    fn run(name: &str, real: &str, repetitions: u64, more: &str) -> String {
        format!(
            "{{\"name\":\"{name}\",\"run_name\":\"{name}\",\"run_type\":\"iteration\",\"repetitions\":{repetitions},\"real_time\":{real},\"time_unit\":\"ns\"{more}}}"
        )
    }

    fn aggregate(name: &str, word: &str, real: &str) -> String {
        run(name, real, 4, &format!(",\"aggregate_name\":\"{word}\"")).replace("iteration", "aggregate")
    }

    fn document(runs: &[String]) -> String {
        format!("{{\"context\":{{}},\"benchmarks\":[{}]}}", runs.join(","))
    }

    fn read_runs(runs: &[String]) -> Report {
        read_report(Format::GoogleBenchmark, &mut document(runs).as_bytes()).unwrap()
    }

    #[test]
    fn repetitions_are_samples_and_aggregates_stand_in_for_them() {
        let rate = ",\"bytes_per_second\":2.0";
        let samples = [run("a", "10", 2, rate), run("a", "20", 2, rate), aggregate("a", "mean", "99")];
        let report = read_runs(&samples);
        let [rate, time] = &report.measurements[..] else { panic!("{:?}", report.measurements) };
        assert_eq!((rate.name.as_str(), rate.better, rate.low, rate.high), ("a", Better::Higher, 2_000_000, 2_000_000));
        assert_eq!((time.name.as_str(), time.middle, time.high), ("a real_time", 15_000, 78_535));
        let report =
            read_runs(&[aggregate("a", "mean", "1.005"), aggregate("a", "stddev", "0.006"), aggregate("a", "cv", "9")]);
        let [time] = &report.measurements[..] else { panic!() };
        assert_eq!((time.low, time.middle, time.high), (993, 1_005, 1_017));
        let report = read_runs(&[aggregate("a", "mean", "1.005")]);
        assert!(!report.measurements[0].has_interval());
    }

    #[test]
    fn errors_and_missing_repetitions_are_inconclusive() {
        for (broken, reason) in [
            (run("b", "0", 1, ",\"error_occurred\":true,\"error_message\":\"too dear\""), "`b`: too dear"),
            (run("b", "0", 1, ",\"skipped\":\"SKIPPED_WITH_ERROR\",\"skip_message\":\"why\""), "`b`: why"),
            (run("b", "0", 3, ""), "`b` ran 1 of 3 times"),
        ] {
            let facts = read_runs(&[run("a", "1", 1, ""), broken]).facts;
            assert_eq!((facts.outcome, facts.reasons[0].as_str()), (Outcome::Inconclusive, reason));
        }
        assert_eq!(read_runs(&[]).facts.reasons, ["the report has no measurements"]);
    }

    #[test]
    fn broken_reports_are_refused() {
        let refused = |text: &str| read_facts(Format::GoogleBenchmark, &mut text.as_bytes()).unwrap_err().to_string();
        let good = document(&[run("a", "1", 1, "")]);
        for (from, to, wanted) in [
            ("\"ns\"", "\"cycles\"", "wanted ns, us, ms or s"),
            ("\"real_time\":1", "\"real_time\":-1", "wanted a number that is not negative"),
            ("\"real_time\":1,", "", "`/benchmarks/0/real_time` is absent"),
            ("iteration", "guess", "of type `iteration` or `aggregate`"),
            ("\"context\":{},", "", "`/context` is absent"),
            ("]}", "]", "not strict JSON"),
        ] {
            let found = refused(&good.replacen(from, to, 1));
            assert!(found.contains(wanted), "{found}");
        }
    }
}
