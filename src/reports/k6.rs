//! The summary of k6, by `--summary-export` or as `handleSummary` gets it -> measurements.
//!
//! ```json
//! {"root_group":{},"metrics":{"http_req_duration":{"avg":1.5,"p(95)":2.5,"thresholds":{"p(95)<500":false}},"iterations":{"count":9}}}
//! {"root_group":{},"metrics":{"http_req_duration":{"type":"trend","contains":"time","values":{"avg":1.5,"p(95)":2.5},
//!   "thresholds":{"p(95)<500":{"ok":true}}}}}
//! ```
//!
//! Spec: what k6 0.30 to 1.x writes. The two shapes say the opposite by their booleans: `true` alone is a threshold that was
//! crossed, `{"ok":true}` one that holds. A threshold that was crossed is a failure. One over a metric without samples holds
//! for k6 and shows nothing here. Durations (lower is better), the rates of requests and iterations (higher), of failed requests
//! (lower) and of checks (higher) are measurements; a summary has no samples, so they have no interval. Of other metrics
//! nobody says which way they are better. Checks that fail fail nothing unless a threshold says so, as in k6. A
//! run that was interrupted has a summary like any other: the exit code tells.

use std::io::BufRead;

use super::encoding::Source;
use super::json::{Node, Wrong, parse};
use super::limits::TREE_BYTES_MAX;
use super::measures::{COUNT_RATE, Interval, MeasurementTally, RATIO, Rounded, Scale, TIME, number};
use super::tally::shown;
use super::{Better, Detail, Format, ReadError, Report};

/// Reads a summary of k6.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let bytes = Source::open(input, TREE_BYTES_MAX)?.read_all()?;
    let value = parse(&bytes)?;
    let mut walk = Walk { tally: MeasurementTally::new(detail), failures: Vec::new(), doubts: Vec::new() };
    walk.document(&Node::root(&value)).map_err(|wrong| wrong.place_in(&bytes))?;
    walk.failures.sort_unstable();
    Ok(walk.tally.finish(Format::K6, walk.failures, walk.doubts))
}

struct Walk {
    tally: MeasurementTally,
    failures: Vec<String>,
    doubts: Vec<String>,
}

impl Walk {
    fn document(&mut self, root: &Node<'_>) -> Result<(), Wrong> {
        root.member("root_group")?.ok_or_else(|| root.lacks("root_group", "that of k6"))?;
        let metrics = root.member("metrics")?.ok_or_else(|| root.lacks("metrics", "an object of metrics"))?;
        let mut iterations = false;
        for (name, metric) in metrics.members()? {
            let values = match metric.member("values")? {
                Some(values) => values,
                None => metric,
            };
            let sampled = has_samples(&values)?;
            iterations |= name == "iterations" && sampled;
            self.thresholds(name, &metric, sampled)?;
            if sampled {
                self.measure(name, &metric, &values)?;
            }
        }
        if !iterations {
            self.doubts.push("no iteration came to its end".to_owned());
        }
        Ok(())
    }

    fn thresholds(&mut self, name: &str, metric: &Node<'_>, sampled: bool) -> Result<(), Wrong> {
        let Some(thresholds) = metric.member("thresholds")? else { return Ok(()) };
        for (threshold, said) in thresholds.members()? {
            let holds = match said.value.as_bool() {
                Some(crossed) => !crossed,
                None => {
                    let wanted = "true or false, or an object with `ok`";
                    let ok = said.member("ok").map_err(|_| said.wrong(wanted))?;
                    let ok = ok.ok_or_else(|| said.lacks("ok", wanted))?;
                    ok.value.as_bool().ok_or_else(|| ok.wrong("true or false"))?
                }
            };
            let what = shown(&format!("{name}: {threshold}"), NAME_CHARS_MAX);
            if !holds {
                self.failures.push(format!("threshold crossed: {what}"));
            } else if !sampled {
                self.doubts.push(format!("threshold without samples: {what}"));
            }
        }
        Ok(())
    }

    fn measure(&mut self, name: &str, metric: &Node<'_>, values: &Node<'_>) -> Result<(), Wrong> {
        // A metric with tags, `http_req_duration{status:200}`, is of the kind of the one without.
        let base = name.split('{').next().unwrap_or(name);
        let is_time = match metric.member("contains")? {
            Some(contains) => contains.text()? == "time",
            None => TIMES.iter().any(|known| base.starts_with(known)),
        };
        let is_trend = values.member("avg")?.is_some();
        for (key, value) in values.members()? {
            let (what, scale) = match (base, key) {
                (_, "min" | "max" | "count") if is_trend => continue,
                _ if is_trend && is_time && value.value.is_number() => {
                    ((format!("{name} {key}"), TIME, Better::Lower), Scale::MILLISECONDS)
                }
                ("http_reqs" | "iterations", "rate") => {
                    ((name.to_owned(), COUNT_RATE, Better::Higher), Scale::MILLIONTHS)
                }
                ("http_req_failed", "rate" | "value") => ((name.to_owned(), RATIO, Better::Lower), Scale::MILLIONTHS),
                ("checks", "rate" | "value") => ((name.to_owned(), RATIO, Better::Higher), Scale::MILLIONTHS),
                _ => continue,
            };
            let (text, unit, better) = what;
            let middle = number(&value, scale, Rounded::Nearest)?;
            let interval = Interval::unknown(middle);
            if !self.tally.add((&text, unit, better), interval).map_err(|cause| value.refuse(cause))? {
                return Err(value.wrong("one rate of a metric"));
            }
        }
        Ok(())
    }
}

/// Tells whether a metric has a sample: a count of them, or any value that is not 0.
fn has_samples(values: &Node<'_>) -> Result<bool, Wrong> {
    let above = |node: &Node<'_>| node.value.as_f64().is_some_and(|number| number != 0.0);
    if values.member("avg")?.is_none() {
        for keys in [&["passes", "fails"][..], &["count"]] {
            let mut found = false;
            let mut some = false;
            for key in keys {
                if let Some(node) = values.member(key)? {
                    found = true;
                    some |= above(&node);
                }
            }
            if found {
                return Ok(some);
            }
        }
        // A gauge is there if it was ever set.
        return Ok(values.member("value")?.is_some());
    }
    let mut any = false;
    for (_, node) in values.members()? {
        any |= above(&node);
    }
    Ok(any)
}

/// The metrics of k6 itself that are times, as `--summary-export` does not say.
const TIMES: [&str; 8] = [
    "http_req_",
    "iteration_duration",
    "group_duration",
    "ws_connecting",
    "ws_session_duration",
    "ws_ping",
    "grpc_req_duration",
    "browser_http_req_duration",
];
/// A threshold is shown up to so many characters.
const NAME_CHARS_MAX: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;
    use crate::reports::{read as read_facts, read_report};

    fn document(metrics: &str) -> String {
        format!("{{\"root_group\":{{}},\"metrics\":{{{metrics},\"iterations\":{{\"count\":9,\"rate\":1.5}}}}}}")
    }

    fn report(metrics: &str) -> Report {
        read_report(Format::K6, &mut document(metrics).as_bytes()).unwrap()
    }

    const EXPORTED: &str =
        "\"http_req_duration\":{\"avg\":1.5,\"max\":9,\"p(95)\":2.5,\"thresholds\":{\"p(95)<500\":false}}";
    const HANDLED: &str = "\"http_req_duration\":{\"type\":\"trend\",\"contains\":\"time\",\"values\":{\"avg\":1.5,\"max\":9,\"p(95)\":2.5},\"thresholds\":{\"p(95)<500\":{\"ok\":true}}}";

    #[test]
    fn both_shapes_say_the_same() {
        let found = report(EXPORTED);
        assert_eq!(found, report(HANDLED));
        assert_eq!(found.facts.outcome, Outcome::Pass);
        let names: Vec<_> = found.measurements.iter().map(|it| (it.name.as_str(), it.unit, it.middle)).collect();
        let avg = ("http_req_duration avg", "ps", 1_500_000_000);
        let high = ("http_req_duration p(95)", "ps", 2_500_000_000);
        assert_eq!(names, [avg, high, ("iterations", "count/s/1000000", 1_500_000)]);
        assert!(found.measurements.iter().all(|it| !it.has_interval()));
    }

    #[test]
    fn crossed_thresholds_fail_in_either_shape() {
        for metrics in [EXPORTED.replace("false", "true"), HANDLED.replace("\"ok\":true", "\"ok\":false")] {
            let facts = report(&metrics).facts;
            assert_eq!(
                (facts.outcome, facts.reasons[0].as_str()),
                (Outcome::Fail, "threshold crossed: http_req_duration: p(95)<500")
            );
        }
    }

    #[test]
    fn thresholds_without_samples_do_not_hold() {
        for metric in [
            "\"errors\":{\"count\":0,\"rate\":0,\"thresholds\":{\"count<1\":false}}",
            "\"errors\":{\"values\":{\"passes\":0,\"fails\":0,\"rate\":0},\"thresholds\":{\"count<1\":{\"ok\":true}}}",
            "\"errors\":{\"avg\":0,\"min\":0,\"max\":0,\"p(95)\":0,\"thresholds\":{\"count<1\":false}}",
            "\"errors\":{\"values\":{},\"thresholds\":{\"count<1\":{\"ok\":true}}}",
        ] {
            let facts = report(metric).facts;
            assert_eq!(
                (facts.outcome, facts.reasons[0].as_str()),
                (Outcome::Inconclusive, "threshold without samples: errors: count<1")
            );
            let crossed = metric.replace("\"ok\":true", "\"ok\":false").replace(":false}}", ":true}}");
            assert_eq!(report(&crossed.replace("\"ok\":true", "\"ok\":false")).facts.outcome, Outcome::Fail);
        }
        let set = "\"size\":{\"value\":0,\"min\":0,\"max\":0,\"thresholds\":{\"value<1\":false}}";
        assert_eq!(report(set).facts.outcome, Outcome::Pass);
    }

    #[test]
    fn a_run_without_iterations_is_inconclusive() {
        for text in
            ["{\"root_group\":{},\"metrics\":{}}", "{\"root_group\":{},\"metrics\":{\"iterations\":{\"count\":0}}}"]
        {
            let facts = read_facts(Format::K6, &mut text.as_bytes()).unwrap();
            assert_eq!(
                (facts.outcome, facts.reasons[0].as_str()),
                (Outcome::Inconclusive, "no iteration came to its end")
            );
        }
    }

    #[test]
    fn broken_thresholds_are_refused() {
        let refused = |text: &str| read_facts(Format::K6, &mut text.as_bytes()).unwrap_err().to_string();
        for said in ["1", "\"true\"", "{}", "{\"ok\":1}", "[]"] {
            let found = refused(&document(&EXPORTED.replace("false", said)));
            assert!(found.contains("wanted true or false"), "{said}: {found}");
        }
        assert!(refused(&document(&EXPORTED.replace("1.5", "-1.5"))).contains("wanted a number that is not negative"));
        assert!(refused("{\"metrics\":{}}").contains("`/root_group` is absent"));
    }
}
