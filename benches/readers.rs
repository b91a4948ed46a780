//! Readers of large reports: how fast, and how much memory while they read.
//!
//! `cargo bench --bench readers` writes a report of about 100 MB for each format into a temporary folder and reads each in a process
//! of its own, `-- NAME` only the formats whose name contains that. What is printed: the size, MB (of a million bytes) for each
//! second of processor time in the fastest of three runs, and by how much the most memory of the process grew. Processor time and
//! not that of the clock, so that what else the machine does counts less. The ledger is not measured here.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Command;

use evidence_ledger::reports::{Format, read};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["read", format, path] => read_one(format.parse().expect("a format"), Path::new(path)),
        [] => measure(""),
        [part] => measure(part),
        _ => println!("usage: cargo bench --bench readers [-- NAME]"),
    }
}

/// Makes one report of each format and reads it in a process of its own.
fn measure(part: &str) {
    let place = tempfile::tempdir().expect("a folder for the reports");
    let program = std::env::current_exe().expect("the path of this program");
    println!("{:<14} {:>8} {:>8} {:>14}", "format", "MB", "MB/s", "memory grew by");
    for (format, bytes_wanted, make) in REPORTS {
        if !format.name().contains(part) {
            continue;
        }
        let path = place.path().join(format.name());
        let mut out = BufWriter::new(File::create(&path).expect("a file"));
        make(&mut out, *bytes_wanted);
        out.flush().expect("the disk takes it");
        let ran = Command::new(&program).args(["read", format.name()]).arg(&path).output().expect("it starts");
        print!("{}", String::from_utf8_lossy(&ran.stdout));
        eprint!("{}", String::from_utf8_lossy(&ran.stderr));
        fs::remove_file(&path).expect("the file is there");
    }
}

fn read_one(format: Format, path: &Path) {
    let bytes = fs::metadata(path).expect("a file").len();
    let before = peak_kib();
    let mut fastest = u64::MAX;
    for _ in 0..RUNS {
        let mut input = BufReader::with_capacity(64 << 10, File::open(path).expect("a file"));
        let began = processor_nanoseconds();
        let facts = read(format, &mut input).expect("a report that can be read");
        fastest = fastest.min(processor_nanoseconds() - began);
        assert_eq!(facts.reasons, Vec::<String>::new(), "{format}");
    }
    let megabytes = f64::from(u32::try_from(bytes / 1_000).expect("some hundred megabytes")) / 1_000.0;
    let grew = (peak_kib() - before) / 1024;
    let speed = bytes * 1_000 / fastest.max(1);
    println!("{:<14} {megabytes:>8.1} {speed:>8} {grew:>10} MiB", format.name());
}

/// Returns the processor time of this process so far; it has one thread.
fn processor_nanoseconds() -> u64 {
    let schedule = fs::read_to_string("/proc/self/schedstat").expect("Linux");
    schedule.split(' ').next().and_then(|text| text.parse().ok()).expect("a number")
}

/// Returns the most memory that this process had so far.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line about memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

type Make = fn(&mut dyn Write, u64);

fn junit(out: &mut dyn Write, most: u64) {
    let mut out = Counted { out, bytes: 0 };
    out.put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"all\">\n");
    let mut suite = 0;
    while out.bytes < most {
        suite += 1;
        out.put(&format!("  <testsuite name=\"com.example.shop.orders.Orders{suite}Test\" tests=\"20\" failures=\"0\" errors=\"0\" time=\"1.234\">\n"));
        for case in 0..20 {
            let class = format!("com.example.shop.orders.Orders{suite}Test");
            out.put(&format!("    <testcase name=\"keeps_the_order_of_items_{case}[{}]\" classname=\"{class}\" file=\"src/test/orders_{suite}.java\" time=\"0.0{case}\"/>\n", suite * case));
        }
        out.put("    <system-out>starting &lt;server&gt; on port 8080\nlistening; 20 requests served &amp; none lost\n</system-out>\n  </testsuite>\n");
    }
    out.put("</testsuites>\n");
}

/// The other extreme: few cases, and the logs of the whole run.
fn junit_logs(out: &mut dyn Write, most: u64) {
    let mut out = Counted { out, bytes: 0 };
    out.put("<testsuites>\n");
    let mut suite = 0;
    while out.bytes < most {
        suite += 1;
        out.put(&format!("<testsuite name=\"s{suite}\"><testcase name=\"t\" classname=\"c\"/><system-out><![CDATA["));
        for line in 0..2_000 {
            out.put(&format!("2026-11-21T09:00:00Z INFO shop::orders request {line} took 12 ms, status 200\n"));
        }
        out.put("]]></system-out></testsuite>\n");
    }
    out.put("</testsuites>\n");
}

fn lcov(out: &mut dyn Write, most: u64) {
    let mut out = Counted { out, bytes: 0 };
    let mut file = 0;
    while out.bytes < most {
        file += 1;
        out.put(&format!("TN:\nSF:/home/ci/shop/src/orders/module_{file}/items.rs\n"));
        for function in 0..20 {
            out.put(&format!(
                "FN:{},_ZN4shop6orders8module{file}7handler{function}17h0123456789abcdefE\n",
                function * 40 + 1
            ));
            out.put(&format!(
                "FNDA:{},_ZN4shop6orders8module{file}7handler{function}17h0123456789abcdefE\n",
                function % 3
            ));
        }
        out.put("FNF:20\nFNH:13\n");
        for line in 1..800 {
            out.put(&format!("DA:{line},{}\n", (line * file) % 7));
            if line % 9 == 0 {
                out.put(&format!("BRDA:{line},0,0,{}\n", line % 2));
            }
        }
        out.put("LF:799\nLH:600\nend_of_record\n");
    }
}

fn cobertura(out: &mut dyn Write, most: u64) {
    let mut out = Counted { out, bytes: 0 };
    out.put("<?xml version=\"1.0\"?>\n<coverage line-rate=\"0.9\" version=\"7.1\"><sources><source>/home/ci/shop</source></sources><packages><package name=\"shop\"><classes>\n");
    let mut file = 0;
    while out.bytes < most {
        file += 1;
        out.put(&format!("<class name=\"m{file}.py\" filename=\"shop/orders/m{file}.py\" complexity=\"0\" line-rate=\"1\" branch-rate=\"0\"><methods/><lines>\n"));
        for line in 1..400 {
            out.put(&format!("\t\t\t\t\t\t<line number=\"{line}\" hits=\"{}\"/>\n", (line * file) % 3));
        }
        out.put("</lines></class>\n");
    }
    out.put("</classes></package></packages></coverage>\n");
}

fn go_test(out: &mut dyn Write, most: u64) {
    let mut out = Counted { out, bytes: 0 };
    let mut package = 0;
    while out.bytes < most {
        package += 1;
        let name = format!("example.test/shop/orders/p{package}");
        let mut event = |action: &str, more: &str| {
            out.put(&format!(
                "{{\"Time\":\"2026-11-21T09:00:00.123456789Z\",\"Action\":\"{action}\",\"Package\":\"{name}\"{more}}}\n"
            ));
        };
        event("start", "");
        for test in 0..50 {
            let of = format!(",\"Test\":\"TestKeepsOrder/case_{test}_of_{package}\"");
            event("run", &of);
            event("output", &format!("{of},\"Output\":\"=== RUN   TestKeepsOrder/case_{test}_of_{package}\\n\""));
            event("output", &format!("{of},\"Output\":\"    orders_test.go:17: 20 items, none lost\\n\""));
            event("pass", &format!("{of},\"Elapsed\":0.01"));
        }
        event("pass", ",\"Elapsed\":0.5");
    }
}

fn tap(out: &mut dyn Write, most: u64) {
    let mut out = Counted { out, bytes: 0 };
    out.put("TAP version 13\n");
    let mut test = 0;
    while out.bytes < most {
        test += 1;
        out.put(&format!("ok {test} - orders > keeps the order of items when {test} of them are moved\n"));
        out.put("  ---\n  duration_ms: 0.123\n  type: 'test'\n  ...\n# a note of the program under test, as long as such notes are\n");
    }
    out.put(&format!("1..{test}\n"));
}

fn go_cover(out: &mut dyn Write, most: u64) {
    let mut out = Counted { out, bytes: 0 };
    out.put("mode: atomic\n");
    let mut file = 0;
    while out.bytes < most {
        file += 1;
        for block in 0..200 {
            let line = block * 3 + 1;
            out.put(&format!(
                "example.test/shop/orders/p{}/file{file}.go:{line}.24,{}.2 2 {}\n",
                file / 10,
                line + 2,
                block % 5
            ));
        }
    }
}

fn ctrf(out: &mut dyn Write, most: u64) {
    let mut out = Counted { out, bytes: 0 };
    out.put(
        "{\"reportFormat\":\"CTRF\",\"specVersion\":\"0.0.0\",\"results\":{\"tool\":{\"name\":\"jest\"},\"tests\":[\n",
    );
    let mut test = 0;
    while out.bytes < most {
        test += 1;
        let comma = if test > 1 { ",\n" } else { "" };
        out.put(&format!("{comma}{{\"name\":\"keeps the order of items when {test} of them are moved\",\"status\":\"passed\",\"duration\":3,\"suite\":[\"orders\",\"items {}\"],\"filePath\":\"src/orders/items{}.test.ts\",\"retries\":0,\"flaky\":false,\"tags\":[\"unit\"]}}", test / 20, test / 20));
    }
    out.put(&format!("\n],\"summary\":{{\"tests\":{test},\"passed\":{test},\"failed\":0}}}}}}\n"));
}

fn llvm_cov(out: &mut dyn Write, most: u64) {
    let mut out = Counted { out, bytes: 0 };
    out.put("{\"data\":[{\"files\":[");
    let mut file = 0;
    while out.bytes < most / 2 {
        file += 1;
        let comma = if file > 1 { "," } else { "" };
        out.put(&format!(
            "{comma}{{\"filename\":\"/home/ci/shop/src/orders/m{file}.rs\",\"branches\":[],\"segments\":["
        ));
        for line in 1..300 {
            let comma = if line > 1 { "," } else { "" };
            out.put(&format!("{comma}[{line},5,{},true,true,false]", (line * file) % 7));
        }
        out.put("]}");
    }
    out.put("],\"functions\":[");
    let mut function = 0;
    while out.bytes < most {
        function += 1;
        let comma = if function > 1 { "," } else { "" };
        out.put(&format!("{comma}{{\"name\":\"_ZN4shop6orders7handler{function}17h0123456789abcdefE\",\"count\":3,\"filenames\":[\"/home/ci/shop/src/orders/m1.rs\"],\"regions\":[[1,5,9,6,3,0,0,0],[2,9,3,10,0,0,0,0]],\"branches\":[]}}"));
    }
    out.put("],\"totals\":{}}],\"type\":\"llvm.coverage.json.export\",\"version\":\"2.0.1\"}\n");
}

fn coverage_py(out: &mut dyn Write, most: u64) {
    let mut out = Counted { out, bytes: 0 };
    out.put(
        "{\"meta\":{\"format\":3,\"version\":\"7.10.7\",\"branch_coverage\":false,\"show_contexts\":false},\"files\":{",
    );
    let mut file = 0;
    while out.bytes < most {
        file += 1;
        let lines =
            |of: u64| (1..400).filter(|line| (line * file) % 3 == of).map(|line| line.to_string()).collect::<Vec<_>>();
        let (executed, missing) = (lines(1).join(", "), lines(2).join(", "));
        let comma = if file > 1 { ", " } else { "" };
        let counted = format!(
            "\"executed_lines\": [{executed}], \"summary\": {{\"covered_lines\": 133, \"num_statements\": 266, \"percent_covered\": 50.0}}, \"missing_lines\": [{missing}], \"excluded_lines\": []"
        );
        out.put(&format!("{comma}\"src/shop/orders/m{file}.py\": {{{counted}, \"functions\": {{\"\": {{{counted}}}}}, \"classes\": {{\"\": {{{counted}}}}}}}"));
    }
    out.put("}, \"totals\": {\"percent_covered\": 50.0}}\n");
}

struct Counted<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
}

impl Counted<'_> {
    fn put(&mut self, text: &str) {
        self.out.write_all(text.as_bytes()).expect("the disk takes it");
        self.bytes += u64::try_from(text.len()).expect("some bytes");
    }
}

const RUNS: u32 = 3;
const MB: u64 = 1_000_000;
const REPORTS: &[(Format, u64, Make)] = &[
    (Format::Junit, 100 * MB, junit),
    (Format::Junit, 100 * MB, junit_logs),
    (Format::Lcov, 100 * MB, lcov),
    (Format::Cobertura, 100 * MB, cobertura),
    (Format::GoTest, 100 * MB, go_test),
    (Format::Tap, 100 * MB, tap),
    (Format::GoCover, 100 * MB, go_cover),
    (Format::Ctrf, 100 * MB, ctrf),
    (Format::LlvmCov, 100 * MB, llvm_cov),
    (Format::CoveragePy, 100 * MB, coverage_py),
];
