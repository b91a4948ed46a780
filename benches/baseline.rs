//! A baseline of many tests: how long it takes to hold a report against it, and how much memory.
//!
//! `cargo bench --bench baseline` makes a baseline of 100,000 tests and a JUnit report of as many, one in a thousand of them another,
//! and does what a verdict does with them, each step in a process of its own: the baseline is parsed, the report is read, the two are
//! compared. What is printed: milliseconds of processor time in the fastest of five runs, and by how much the most memory of the
//! process grew. `-- NUMBER` takes another number of tests.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use evidence_ledger::model::Digest;
use evidence_ledger::policy::{Baseline, Kept, NameSet, Protected};
use evidence_ledger::reports::{CaseOutcome, Format, Report, read_report};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["step", step, folder] => one(step, Path::new(folder)),
        [] => all("100000"),
        [count] => all(count),
        _ => println!("usage: cargo bench --bench baseline [-- NUMBER]"),
    }
}

fn all(count: &str) {
    let program = std::env::current_exe().expect("the path of this program");
    let place = tempfile::tempdir().expect("a folder for the files");
    let number: u32 = count.parse().expect("a number");
    let (old, now) = (junit(number, 0), junit(number, number / 1000));
    fs::write(place.path().join("now.xml"), now).expect("the disk takes it");
    fs::write(place.path().join("baseline"), baseline(&report(&mut old.as_bytes())).print())
        .expect("the disk takes it");
    println!("{count} tests{:<15} {:>8} {:>14}", "", "ms", "memory grew by");
    for step in ["parse", "read", "compare"] {
        let ran = Command::new(&program).args(["step", step]).arg(place.path()).output().expect("it starts");
        print!("{}", String::from_utf8_lossy(&ran.stdout));
        eprint!("{}", String::from_utf8_lossy(&ran.stderr));
    }
}

fn one(step: &str, folder: &Path) {
    let text = || fs::read(folder.join("baseline")).expect("the baseline");
    let read = || report(&mut BufReader::new(File::open(folder.join("now.xml")).expect("the report")));
    match step {
        "parse" => {
            let text = text();
            measure("parse the baseline", || Baseline::parse(&text).expect("a baseline").parts.len());
        }
        "read" => measure("read the report", || read().cases.len()),
        _ => {
            let (before, shown) = (Baseline::parse(&text()).expect("a baseline"), read());
            let known = before.parts.values().next().and_then(|part| part.tests.as_ref()).expect("tests");
            measure("compare", || {
                let now = passing(&shown);
                let lost = |(before, after): &(Option<&Kept>, Option<&Kept>)| {
                    before.is_some_and(|kept| after.is_none_or(|after| after.count < kept.count))
                };
                let lost = known.beside(&now).filter(lost).count();
                assert_eq!(lost, known.names().len() / 1000);
                lost
            });
        }
    }
}

fn measure(step: &str, run: impl Fn() -> usize) {
    // What was needed to prepare does not count.
    fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let before = peak_kib();
    let mut fastest = u64::MAX;
    for _ in 0..RUNS {
        let began = processor_nanoseconds();
        std::hint::black_box(run());
        fastest = fastest.min(processor_nanoseconds() - began);
    }
    let (whole, tenths) = (fastest / 1_000_000, fastest / 100_000 % 10);
    println!("{step:<20} {:>12} {:>10} MiB", format!("{whole}.{tenths}"), (peak_kib() - before) / 1024);
}

/// Makes a report of so many tests, of which the first have other names.
fn junit(count: u32, others: u32) -> String {
    let case = |number: u32| {
        let word = if number < others { "other" } else { "test" };
        let class = number / 20;
        format!(
            "<testcase classname=\"com.example.shop.orders.Orders{class}Test\" name=\"{word}_keeps_the_order_of_items_{number}\"/>\n"
        )
    };
    let cases: String = (0..count).map(case).collect();
    format!("<testsuite name=\"shop\" tests=\"{count}\">\n{cases}</testsuite>\n")
}

fn report(input: &mut dyn BufRead) -> Report {
    read_report(Format::Junit, input).expect("a report")
}

/// Makes the set of the tests that pass, as a verdict does.
fn passing(report: &Report) -> NameSet {
    let passed = report.cases.iter().filter(|case| case.outcome == CaseOutcome::Passed);
    let kept = passed.map(|case| Kept { identity: case.identity, count: 1, name: case.shown().into() });
    NameSet::new(kept.collect())
}

fn baseline(report: &Report) -> Baseline {
    let part = Protected { tests: Some(passing(report)), ..Protected::default() };
    let parts = [(("unit-tests".parse().expect("a name"), None), part)].into();
    Baseline { branch: "shop:refs/heads/main".to_owned(), previous: Some(Digest([7; 32])), parts }
}

/// Returns the processor time of this process so far; it has one thread.
fn processor_nanoseconds() -> u64 {
    let schedule = fs::read_to_string("/proc/self/schedstat").expect("Linux");
    schedule.split(' ').next().and_then(|text| text.parse().ok()).expect("a number")
}

/// Returns the most memory that this process had since that was last cleared.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line about memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

const RUNS: u32 = 5;
