//! What `go test -bench` prints, as text or in the events of `-json` -> measurements.
//!
//! ```text
//! pkg: example.test/shop
//! BenchmarkSum-2          100          50.19 ns/op    15939.43 MB/s         0 B/op         0 allocs/op
//! PASS
//! ```
//!
//! Spec: the benchmark data format of golang.org/design/14313. The name is the package and the name with the number of processors
//! behind it: with another number it is another measurement. Lines of the same name, as by `-count`, are samples; one alone has
//! no interval. Times, bytes, allocations and `MB/s` are read; of units of the author's own nobody says which way they are
//! better. A benchmark that fails is a failure; a package without `PASS` or `FAIL` was aborted, and a benchmark that
//! began and has no result, or one that cannot be read, shows nothing. What the program itself prints cannot be told from
//! what the test binary does. Outcomes of tests are for the reader of `go test -json`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use super::json::{Node, Wrong, parse};
use super::limits::{CASES_MAX, LINE_BYTES_MAX, PACKAGES_MAX};
use super::lines::{Line, each_line};
use super::measures::{BYTE_RATE, BYTES, COUNT, MeasurementTally, Rounded, Scale, TIME, scaled};
use super::tally::shown;
use super::{Better, Cause, Detail, Format, ReadError, Report};
use crate::model::REASONS_MAX;

/// Reads the output of `go test -bench`.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut walk = Walk {
        tally: MeasurementTally::new(detail),
        plain: Package::default(),
        packages: BTreeMap::new(),
        failures: BTreeSet::new(),
        doubts: BTreeSet::new(),
    };
    let end = each_line(input, &mut |line| walk.line(line))?;
    walk.finish().map_err(|cause| ReadError::at(end, cause))
}

struct Walk {
    tally: MeasurementTally,
    /// The package whose text stands in the lines themselves.
    plain: Package,
    /// Those whose text stands in events.
    packages: BTreeMap<String, Package>,
    failures: BTreeSet<String>,
    doubts: BTreeSet<String>,
}

/// A package whose output is read.
#[derive(Default)]
struct Package {
    name: String,
    /// Whether something of it was seen, and no end.
    open: bool,
    /// The beginning of a line whose rest comes with another event.
    line: String,
    started: BTreeSet<String>,
    ended: BTreeSet<String>,
}

impl Walk {
    fn line(&mut self, line: &Line<'_>) -> Result<(), ReadError> {
        if !line.text.starts_with('{') {
            let mut package = std::mem::take(&mut self.plain);
            let read = self.text(&mut package, line.text).map_err(|cause| line.refuse(cause));
            self.plain = package;
            return read;
        }
        let text = line.whole()?;
        let value = parse(text.as_bytes()).map_err(|error| line.refuse_at(error.place.column, error.cause))?;
        let (name, output) = event(&Node::root(&value)).map_err(|wrong| line.refuse(wrong.cause))?;
        let (Some(name), Some(output)) = (name, output) else { return Ok(()) };
        if self.packages.len() == PACKAGES_MAX && !self.packages.contains_key(&name) {
            let count_max = u64::try_from(PACKAGES_MAX).unwrap_or(u64::MAX);
            return Err(line.refuse(Cause::TooMany { things: "packages", count_max }));
        }
        let mut package = self.packages.remove(&name).unwrap_or_default();
        for piece in output.split_inclusive('\n') {
            package.line.push_str(piece);
            if package.line.len() > LINE_BYTES_MAX {
                self.doubts
                    .insert(format!("`{}` has a line that is too long to be read", shown(&name, NAME_CHARS_MAX)));
                package.line.clear();
            }
            if piece.ends_with('\n') {
                let whole = std::mem::take(&mut package.line);
                self.text(&mut package, whole.trim_end()).map_err(|cause| line.refuse(cause))?;
            }
        }
        self.packages.insert(name, package);
        Ok(())
    }

    fn text(&mut self, package: &mut Package, text: &str) -> Result<(), Cause> {
        let text = text.trim_end();
        if let Some(name) = text.strip_prefix("pkg: ") {
            self.end(package);
            name.clone_into(&mut package.name);
            package.open = true;
        } else if text.starts_with("Benchmark") {
            package.open = true;
            self.benchmark(package, text)?;
        } else if let Some(name) = text.trim_start().strip_prefix("--- FAIL: ") {
            keep(&mut self.failures, format!("failed: {}", shown(name, NAME_CHARS_MAX)));
        } else if let Some(name) = text.trim_start().strip_prefix("--- SKIP: ") {
            package.ended.insert(name.split_whitespace().next().unwrap_or_default().to_owned());
        } else if text.starts_with("panic: ") || text == "FAIL" || text.starts_with("FAIL\t") {
            keep(&mut self.failures, shown(&format!("the run says `{}`", text.replace('\t', " ")), NAME_CHARS_MAX));
            self.end(package);
        } else if text == "PASS" || text.starts_with("ok  \t") {
            package.open = false;
            self.end(package);
        }
        Ok(())
    }

    /// Ends a package. If it has no end of its own, it was aborted.
    fn end(&mut self, package: &mut Package) {
        let name = shown(&package.name, NAME_CHARS_MAX);
        let without = package.started.iter().find(|name| {
            let inner = format!("{name}/");
            let has_inner = package.started.range(inner.clone()..).next().is_some_and(|next| next.starts_with(&inner));
            !package.ended.contains(*name) && !has_inner
        });
        if let Some(without) = without {
            keep(&mut self.doubts, format!("`{}` of `{name}` has no result", shown(without, NAME_CHARS_MAX)));
        }
        if package.open && self.failures.is_empty() {
            keep(&mut self.doubts, format!("the benchmarks of `{name}` have no end: aborted"));
        }
        let name = std::mem::take(&mut package.name);
        *package = Package { name, ..Package::default() };
    }

    fn benchmark(&mut self, package: &mut Package, text: &str) -> Result<(), Cause> {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        if package.started.len() + package.ended.len() >= CASES_MAX {
            let count_max = u64::try_from(CASES_MAX).unwrap_or(u64::MAX);
            return Err(Cause::TooMany { things: "benchmarks", count_max });
        }
        let Some(count) = words.next() else {
            package.started.insert(name.to_owned());
            return Ok(());
        };
        let words: Vec<&str> = words.collect();
        let is_result =
            count.bytes().all(|byte| byte.is_ascii_digit()) && !words.is_empty() && words.len().is_multiple_of(2);
        let cannot = |doubts: &mut BTreeSet<String>| {
            keep(doubts, format!("`{}` cannot be read", shown(text, NAME_CHARS_MAX)));
        };
        if !is_result {
            cannot(&mut self.doubts);
            return Ok(());
        }
        package.ended.insert(name.to_owned());
        if let Some((bare, processors)) = name.rsplit_once('-')
            && processors.bytes().all(|byte| byte.is_ascii_digit())
        {
            package.ended.insert(bare.to_owned());
        }
        let full = if package.name.is_empty() { name.to_owned() } else { format!("{} {name}", package.name) };
        for pair in words.chunks_exact(2) {
            let (unit, better, scale) = match pair[1] {
                "ns/op" => (TIME, Better::Lower, Scale::NANOSECONDS),
                "MB/s" => (BYTE_RATE, Better::Higher, Scale::MILLIONS),
                "B/op" => (BYTES, Better::Lower, Scale::MILLIONTHS),
                "allocs/op" => (COUNT, Better::Lower, Scale::MILLIONTHS),
                _ => continue,
            };
            let digits = pair[0].bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let number = pair[0].parse().ok().filter(|_| digits);
            match number.and_then(|number| scaled(number, scale, Rounded::Nearest)) {
                Some(value) => self.tally.sample((&full, unit, better), value)?,
                None => cannot(&mut self.doubts),
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Report, Cause> {
        let mut packages: Vec<Package> = std::mem::take(&mut self.packages).into_values().collect();
        packages.push(std::mem::take(&mut self.plain));
        for mut package in packages {
            if !package.line.is_empty() {
                let rest = std::mem::take(&mut package.line);
                self.text(&mut package, &rest)?;
            }
            self.end(&mut package);
        }
        let (failures, doubts) = (self.failures.into_iter().collect(), self.doubts.into_iter().collect());
        Ok(self.tally.finish(Format::GoBench, failures, doubts))
    }
}

/// Keeps the least few reasons by bytes, so that a flood of them takes no memory.
fn keep(reasons: &mut BTreeSet<String>, reason: String) {
    reasons.insert(reason);
    if reasons.len() > REASONS_MAX {
        reasons.pop_last();
    }
}

/// Reads package and output of an event of test2json.
fn event(root: &Node<'_>) -> Result<(Option<String>, Option<String>), Wrong> {
    let text = |key: &'static str| root.member(key)?.map(|node| node.text().map(str::to_owned)).transpose();
    let action = text("Action")?.ok_or_else(|| root.lacks("Action", "an event of go test -json"))?;
    Ok((text("Package")?, text("Output")?.filter(|_| action == "output")))
}

/// Names and lines are shown up to so many characters.
const NAME_CHARS_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;
    use crate::reports::{Measurement, read as read_facts, read_report};

    fn report(text: &str) -> Report {
        read_report(Format::GoBench, &mut text.as_bytes()).unwrap()
    }

    const ONE: &str = "BenchmarkA-2 \t 100\t 2.500 ns/op\t 1.25 MB/s\t 3.000 prices/op\t 16 B/op\t 1 allocs/op\n";

    #[test]
    fn lines_of_a_name_are_samples_and_one_has_no_interval() {
        let text = format!("goos: linux\npkg: x/y\n{ONE}{}PASS\nok  \tx/y\t0.1s\n", ONE.replace("2.500", "2.502"));
        let found = report(&text);
        assert_eq!((found.facts.outcome, found.facts.measurements.unwrap().count), (Outcome::Pass, 4));
        let ends = |it: &Measurement| (it.unit, it.better, it.low, it.middle, it.high);
        let found: Vec<_> = found.measurements.iter().map(ends).collect();
        assert_eq!(found[0], ("B/1000000", Better::Lower, 16_000_000, 16_000_000, 16_000_000));
        assert_eq!(found[1], ("B/s/1000000", Better::Higher, 1_250_000_000_000, 1_250_000_000_000, 1_250_000_000_000));
        assert_eq!(found[2], ("count/1000000", Better::Lower, 1_000_000, 1_000_000, 1_000_000));
        assert_eq!(found[3], ("ps", Better::Lower, 2_488, 2_501, 2_514));
        let once = report(&format!("pkg: x/y\n{ONE}PASS\n"));
        assert_eq!(once.measurements[3].name, "x/y BenchmarkA-2");
        assert!(once.measurements.iter().all(|it| !it.has_interval()));
    }

    #[test]
    fn events_are_put_together_to_lines() {
        let output = |text: &str, package: &str| {
            format!("{{\"Action\":\"output\",\"Package\":\"{package}\",\"Output\":\"{text}\"}}\n")
        };
        let text = [
            output("pkg: x\\n", "x"),
            output("pkg: y\\n", "y"),
            output("BenchmarkA-2 \\t", "x"),
            output("BenchmarkB-2 \\t 1\\t 7 ns/op\\n", "y"),
            output("100\\t 2.5 ns/op\\n", "x"),
            output("PASS\\n", "y"),
            output("PASS\\n", "x"),
            "{\"Action\":\"pass\",\"Package\":\"x\"}\n".to_owned(),
        ];
        let plain = report("pkg: x\nBenchmarkA-2 100 2.5 ns/op\nPASS\npkg: y\nBenchmarkB-2 1 7 ns/op\nPASS\n");
        assert_eq!(report(&text.concat()), plain);
        assert_eq!(report(&text[..6].concat()).facts.reasons, ["the benchmarks of `x` have no end: aborted"]);
    }

    #[test]
    fn failures_fail() {
        for (text, reason) in [
            (format!("pkg: x\n{ONE}--- FAIL: BenchmarkB\nFAIL\n"), "failed: BenchmarkB"),
            (format!("pkg: x\n{ONE}panic: oh\n"), "the run says `panic: oh`"),
            ("FAIL\tx [build failed]\n".to_owned(), "the run says `FAIL x [build failed]`"),
        ] {
            let facts = report(&text).facts;
            assert_eq!((facts.outcome, facts.reasons[0].as_str()), (Outcome::Fail, reason));
        }
    }

    #[test]
    fn what_has_no_end_or_no_result_is_inconclusive() {
        for (text, reason) in [
            (format!("pkg: x\n{ONE}"), "the benchmarks of `x` have no end: aborted"),
            (format!("pkg: x\n{ONE}pkg: y\n{ONE}PASS\n"), "the benchmarks of `x` have no end: aborted"),
            (format!("pkg: x\n{ONE}BenchmarkB\nPASS\n"), "`BenchmarkB` of `x` has no result"),
            (format!("pkg: x\n{ONE}BenchmarkB-2 \tsome log\nPASS\n"), "`BenchmarkB-2 \u{fffd}some log` cannot be read"),
            (format!("pkg: x\n{}PASS\n", ONE.replace("2.500", "-2.500")), "cannot be read"),
            ("PASS\nok  \tx\t0.1s\n".to_owned(), "the report has no measurements"),
            (String::new(), "the report has no measurements"),
        ] {
            let facts = report(&text).facts;
            assert_eq!(facts.outcome, Outcome::Inconclusive, "{text}");
            assert!(facts.reasons[0].ends_with(reason), "{:?}", facts.reasons);
        }
    }

    #[test]
    fn a_benchmark_with_inner_ones_and_a_skipped_one_need_no_result() {
        let text = format!(
            "pkg: x\nBenchmarkA\n{ONE}BenchmarkB\nBenchmarkB/in\nBenchmarkB/in-2 1 1 ns/op\nBenchmarkC\n--- SKIP: BenchmarkC\nPASS\n"
        );
        assert_eq!(report(&text).facts.outcome, Outcome::Pass);
    }

    #[test]
    fn broken_events_are_refused() {
        let refused = |text: &str| read_facts(Format::GoBench, &mut text.as_bytes()).unwrap_err().to_string();
        assert!(refused("PASS\n{\"Action\":").starts_with("line 2, column 10"));
        assert!(refused("{\"x\":1}").contains("`/Action` is absent; wanted an event of go test -json"));
    }
}
