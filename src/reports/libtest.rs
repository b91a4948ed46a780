//! The text that Rust's libtest prints, as `cargo test` leaves it: one run after the other -> facts about tests.
//!
//! Lines are recounted against each run's summary, and a difference is refused: a program under test can print lines of
//! its own, but not without upsetting the count. A run without summary was aborted, and is inconclusive. Cargo names the
//! binary on stderr; where that was kept in the same file it is part of the identity, without the hash in its file name.
//! Out of scope: `--format json`, and `--quiet`, which prints no names.

use std::io::BufRead;

use super::encoding::Source;
use super::limits::{LINE_BYTES_MAX, STREAM_BYTES_MAX};
use super::tally::{CaseName, CaseTally, SuitePath, shown};
use super::{CaseOutcome, Cause, Detail, Format, Place, ReadError, Report};

/// Reads the output of `cargo test`.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut source = Source::open(input, STREAM_BYTES_MAX)?;
    let mut walk = Walk { tally: CaseTally::new(detail), suite: SuitePath::root(), run: None, runs: 0, aborted: 0 };
    let mut line = Vec::new();
    loop {
        let whole = source.read_line(&mut line, LINE_BYTES_MAX)?;
        if line.is_empty() {
            break;
        }
        if let (true, Ok(text)) = (whole, str::from_utf8(&line)) {
            let text = text.strip_suffix('\n').unwrap_or(text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            walk.line(&without_colour(text)).map_err(|cause| ReadError::at(source.marked(), cause))?;
        }
    }
    walk.finish().map_err(|cause| ReadError::at(Place::START, cause))
}

struct Walk {
    tally: CaseTally,
    suite: SuitePath,
    run: Option<Run>,
    runs: u64,
    aborted: u64,
}

/// A run between its announcement and its summary.
#[derive(Default)]
struct Run {
    announced: u64,
    passed: u64,
    failed: u64,
    ignored: u64,
    measured: u64,
    /// A test whose outcome comes on a later line, after what it printed.
    waiting: Option<String>,
    /// Whether the captured output of tests has begun, in which no line is ours.
    in_output: bool,
}

impl Walk {
    fn line(&mut self, line: &str) -> Result<(), Cause> {
        if let Some(summary) = line.strip_prefix("test result: ") {
            return self.summary(summary);
        }
        if let Some(announced) = announced(line) {
            self.abort();
            self.runs += 1;
            self.run = Some(Run { announced, ..Run::default() });
            return Ok(());
        }
        let Some(run) = self.run.as_mut().filter(|run| !run.in_output) else {
            if let Some(binary) = binary(line) {
                self.abort();
                self.suite = SuitePath::root().inside(&binary);
            }
            return Ok(());
        };
        if line == "failures:" || line == "successes:" {
            run.in_output = true;
            return Ok(());
        }
        let test = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "));
        match (test, &run.waiting) {
            (Some((name, rest)), None) => {
                return match Said::of(rest) {
                    Some(said) => self.add(name, said),
                    None => {
                        run.waiting = Some(name.to_owned());
                        Ok(())
                    }
                };
            }
            // While one test runs alone, whatever stands between its name and its outcome is its output.
            (_, Some(_)) => {
                if let Some(said) = Said::of(line)
                    && let Some(name) = run.waiting.take()
                {
                    return self.add(&name, said);
                }
            }
            (None, None) => {}
        }
        if let Some(binary) = binary(line) {
            self.abort();
            self.suite = SuitePath::root().inside(&binary);
        }
        Ok(())
    }

    fn add(&mut self, name: &str, said: Said) -> Result<(), Cause> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let (count, outcome) = match said {
            Said::Ok => (&mut run.passed, CaseOutcome::Passed),
            Said::Failed => (&mut run.failed, CaseOutcome::Failed),
            Said::Ignored => (&mut run.ignored, CaseOutcome::Skipped),
            Said::Measured => (&mut run.measured, CaseOutcome::Passed),
        };
        *count += 1;
        self.tally.add(&self.suite, CaseName { file: "", class: "", name }, outcome)
    }

    /// Checks a run against its summary, and closes it.
    fn summary(&mut self, summary: &str) -> Result<(), Cause> {
        let unreadable = || Cause::Summary { found: shown(summary, 120) };
        let run = self.run.take().ok_or(Cause::SummaryAlone)?;
        let (verdict, counts) = summary.split_once(". ").ok_or_else(unreadable)?;
        let mut said = [None; COUNTS.len()];
        for part in counts.split(';') {
            let Some((number, what)) = part.trim().split_once(' ') else { continue };
            if let Some(index) = COUNTS.iter().position(|name| *name == what) {
                said[index] = Some(number.parse::<u64>().map_err(|_| unreadable())?);
            }
        }
        let found = [run.passed, run.failed, run.ignored, run.measured];
        let total: u64 = found.iter().sum();
        if total == 0 && run.announced > 0 {
            return Err(Cause::Quiet { tests: run.announced });
        }
        for ((what, declared), found) in COUNTS.into_iter().zip(said).zip(found) {
            let declared = declared.ok_or_else(unreadable)?;
            if declared != found {
                return Err(Cause::Recount { what, declared, found });
            }
        }
        if total != run.announced {
            return Err(Cause::Recount { what: "tests", declared: run.announced, found: total });
        }
        match verdict {
            "ok" if run.failed == 0 => Ok(()),
            "FAILED" if run.failed > 0 => Ok(()),
            _ => Err(unreadable()),
        }
    }

    /// Counts the open run, if there is one, as aborted.
    fn abort(&mut self) {
        self.aborted += u64::from(self.run.take().is_some());
    }

    fn finish(mut self) -> Result<Report, Cause> {
        self.abort();
        let mut doubts = Vec::new();
        if self.aborted > 0 {
            let were = if self.aborted == 1 { "has" } else { "have" };
            doubts.push(format!("{} of {} runs {were} no summary: aborted", self.aborted, self.runs));
        }
        if self.runs == 0 {
            doubts.push("the text has no line `running N tests`".to_owned());
        }
        Ok(self.tally.finish(Format::Libtest, doubts))
    }
}

/// Returns the number of tests in a line such as `running 3 tests`.
pub(super) fn announced(line: &str) -> Option<u64> {
    let (number, noun) = line.strip_prefix("running ")?.split_once(' ')?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| is_number)?;
    (noun == if number == 1 { "test" } else { "tests" }).then_some(number)
}

/// What libtest says about a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Ok,
    Failed,
    Ignored,
    Measured,
}

impl Said {
    fn of(text: &str) -> Option<Self> {
        // With --report-time a time follows: `ok <0.012s>`.
        let text = match text.strip_suffix("s>").and_then(|rest| rest.rsplit_once(" <")) {
            Some((word, time)) if time.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => word,
            Some(_) | None => text,
        };
        match text {
            "ok" => Some(Self::Ok),
            "FAILED" | "FAILED (time limit exceeded)" => Some(Self::Failed),
            "ignored" => Some(Self::Ignored),
            _ if text.starts_with("ignored, ") => Some(Self::Ignored),
            _ if text.starts_with("bench: ") && text.contains(" ns/iter (+/- ") => Some(Self::Measured),
            _ => None,
        }
    }
}

/// Returns what cargo's line names: `     Running unittests src/lib.rs (target/debug/deps/shop-0123456789abcdef)` is
/// `shop unittests src/lib.rs`, `   Doc-tests shop` is `shop doc-tests`.
fn binary(line: &str) -> Option<String> {
    if let Some(package) = line.strip_prefix("   Doc-tests ") {
        return Some(format!("{package} doc-tests"));
    }
    let (target, path) = line.strip_prefix("     Running ")?.strip_suffix(')')?.rsplit_once(" (")?;
    let file = path.rsplit(['/', '\\']).next()?;
    let file = file.strip_suffix(".exe").unwrap_or(file);
    let (name, hash) = file.rsplit_once('-')?;
    let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Cargo writes the target with the separator of the machine.
    is_hash.then(|| format!("{name} {}", target.replace('\\', "/")))
}

/// Takes the colours out of a line.
fn without_colour(line: &str) -> std::borrow::Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return line.into();
    }
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        out.push_str(before);
        rest = if let Some(codes) = after.strip_prefix('[') {
            codes.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').strip_prefix('m').unwrap_or(after)
        } else {
            after.strip_prefix("(B").unwrap_or(after)
        };
    }
    out.push_str(rest);
    out.into()
}

const COUNTS: [&str; 4] = ["passed", "failed", "ignored", "measured"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Facts, Outcome};
    use crate::reports::{read as read_facts, read_report};

    fn facts(text: &str) -> Facts {
        read_facts(Format::Libtest, &mut text.as_bytes()).unwrap()
    }

    fn refused(text: &str) -> Cause {
        read_facts(Format::Libtest, &mut text.as_bytes()).unwrap_err().cause
    }

    fn run(lines: &[&str], summary: &str) -> String {
        let s = if lines.len() == 1 { "" } else { "s" };
        format!(
            "\nrunning {} test{s}\n{}\n\ntest result: {summary}; 0 filtered out; finished in 0.00s\n\n",
            lines.len(),
            lines.join("\n")
        )
    }

    #[test]
    fn runs_are_added_up() {
        let text = [
            run(&["test a ... ok", "test b ... ignored"], "ok. 1 passed; 0 failed; 1 ignored; 0 measured"),
            run(&[], "ok. 0 passed; 0 failed; 0 ignored; 0 measured"),
            run(
                &["test a - should panic ... ok", "test c ... ignored, too slow ... ok"],
                "ok. 1 passed; 0 failed; 1 ignored; 0 measured",
            ),
            run(&["test d ... bench:       1,234 ns/iter (+/- 5)"], "ok. 0 passed; 0 failed; 0 ignored; 1 measured"),
            run(
                &["test src/lib.rs - x (line 3) - compile fail ... ok <0.120s>"],
                "ok. 1 passed; 0 failed; 0 ignored; 0 measured",
            ),
        ]
        .concat();
        let facts = facts(&text);
        let tests = facts.tests.unwrap();
        assert_eq!((facts.outcome, tests.total, tests.passed, tests.skipped), (Outcome::Pass, 6, 4, 2));
    }

    #[test]
    fn a_failure_fails() {
        let text = run(&["test a ... ok", "test b ... FAILED"], "FAILED. 1 passed; 1 failed; 0 ignored; 0 measured");
        let facts = facts(&text);
        assert_eq!(facts.outcome, Outcome::Fail);
        assert_eq!(facts.reasons, ["1 of 2 tests failed", "failed: b"]);
    }

    #[test]
    fn a_summary_that_contradicts_its_lines_is_refused() {
        let recount = |lines: &[&str], summary: &str| matches!(refused(&run(lines, summary)), Cause::Recount { .. });
        assert!(recount(&["test a ... FAILED"], "ok. 1 passed; 0 failed; 0 ignored; 0 measured"));
        assert!(recount(&["test a ... ok", "x"], "ok. 1 passed; 0 failed; 0 ignored; 0 measured"));
        assert!(recount(&["test a ... ok"], "ok. 2 passed; 0 failed; 0 ignored; 0 measured"));
        assert!(recount(&["test a ... ok\ntest b ... ok"], "ok. 1 passed; 0 failed; 0 ignored; 0 measured"));
        assert!(recount(&["test a ... ok", "test b ... ok"], "ok. 1 passed; 0 failed; 0 ignored; 0 measured"));
        let summary = |text: &str| matches!(refused(&run(&["test a ... ok"], text)), Cause::Summary { .. });
        assert!(summary("FAILED. 1 passed; 0 failed; 0 ignored; 0 measured"));
        assert!(summary("ok. 1 passed; 0 failed; 0 measured"));
        assert!(summary("ok. x passed; 0 failed; 0 ignored; 0 measured"));
        assert!(summary("ok"));
        assert_eq!(refused("test result: ok. 1 passed; 0 failed\n"), Cause::SummaryAlone);
    }

    #[test]
    fn quiet_output_is_refused_by_name() {
        let text =
            "\nrunning 3 tests\n...\ntest result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(refused(text), Cause::Quiet { tests: 3 });
    }

    #[test]
    fn an_aborted_run_is_inconclusive() {
        let whole = run(&["test a ... ok"], "ok. 1 passed; 0 failed; 0 ignored; 0 measured");
        for text in
            ["running 2 tests\ntest b ... ok\n".to_owned() + &whole, whole.clone() + "running 2 tests\ntest b ... ok\n"]
        {
            let facts = facts(&text);
            assert_eq!((facts.outcome, facts.tests.unwrap().total), (Outcome::Inconclusive, 2));
            assert_eq!(facts.reasons, ["1 of 2 runs has no summary: aborted"]);
        }
        assert_eq!(facts("running 1 test\ntest b ... FAILED\n").outcome, Outcome::Fail);
    }

    #[test]
    fn nothing_is_inconclusive() {
        for text in [
            "",
            "error: could not compile `x`\n",
            "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 4 filtered out\n",
        ] {
            assert_eq!(facts(text).outcome, Outcome::Inconclusive, "{text}");
        }
        let ignored = run(&["test a ... ignored"], "ok. 0 passed; 0 failed; 1 ignored; 0 measured");
        assert_eq!(facts(&ignored).outcome, Outcome::Inconclusive);
    }

    #[test]
    fn output_of_the_tests_makes_no_tests() {
        let text = run(
            &["test a ... hello\ntest x ... ok\nok", "noise\ntest b ... \nthread 'b' panicked\nFAILED"],
            "FAILED. 1 passed; 1 failed; 0 ignored; 0 measured",
        );
        assert_eq!(facts(&text).tests.unwrap().total, 2);
        let captured = run(&["test a ... FAILED"], "FAILED. 0 passed; 1 failed; 0 ignored; 0 measured").replace(
            "\n\ntest result",
            "\n\nfailures:\n\n---- a stdout ----\ntest x ... ok\nok\n\nfailures:\n    a\n\ntest result",
        );
        assert_eq!(facts(&captured).tests.unwrap().total, 1);
        let long =
            run(&[&format!("{}\ntest a ... ok", "x".repeat(100_000))], "ok. 1 passed; 0 failed; 0 ignored; 0 measured");
        assert_eq!(facts(&long).outcome, Outcome::Pass);
    }

    #[test]
    fn a_test_cannot_print_its_own_success() {
        let forged = "\nrunning 1 test\ntest a ... ok\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured\nFAILED\n\ntest result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured\n";
        assert_eq!(refused(forged), Cause::SummaryAlone);
        let early = run(&["test a ... x\nok\nFAILED"], "FAILED. 0 passed; 1 failed; 0 ignored; 0 measured");
        assert!(matches!(refused(&early), Cause::Recount { .. }));
    }

    #[test]
    fn binaries_are_named_without_their_hash() {
        let text = |hash: &str, colour: &str| {
            format!("{colour}     Running unittests src/lib.rs (target/debug/deps/shop-{hash})\n")
                + &run(&["test a ... ok"], "ok. 1 passed; 0 failed; 0 ignored; 0 measured")
        };
        let read = |text: &str| read_report(Format::Libtest, &mut text.as_bytes()).unwrap();
        let one = read(&text("0123456789abcdef", ""));
        assert_eq!(one.cases[0].suite, "shop unittests src/lib.rs");
        assert_eq!(one, read(&text("fedcba9876543210", "\u{1b}[1m\u{1b}[32m")));
        assert_ne!(one.facts, read(&run(&["test a ... ok"], "ok. 1 passed; 0 failed; 0 ignored; 0 measured")).facts);
        assert_eq!(binary("   Doc-tests shop").as_deref(), Some("shop doc-tests"));
        assert_eq!(
            binary(r"     Running tests\a.rs (target\debug\deps\a-0123456789abcdef.exe)").as_deref(),
            Some("a tests/a.rs")
        );
    }
}
