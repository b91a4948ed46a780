//! TAP 13 and 14 -> facts about tests.
//!
//! ```text
//! TAP version 14
//! 1..2
//! # Subtest: add
//!     ok 1 - small
//!     1..1
//! ok 1 - add
//! not ok 2 - sign # todo some day
//! ```
//!
//! Spec: testanything.org, versions 13 and 14; subtests are read in both, since writers of 13 have them. Every test point
//! is a case, that of a subtest too; what is marked as to do did not run, however it came out, and what is marked to skip did not run
//! either, but `not ok` beside it is a failure: who skips says `ok`. A subtest is a suite under the name that stands before it in a
//! comment, or in the test point that opens it with ` {` (Vitest). How long a test point took, which node-tap and Vitest write
//! behind its name (`# time=1.5ms`), is no part of the name. Lines that are no TAP are the tested program's, and are left alone: so a
//! plan that is missing or wrong, and a number out of order, make the report inconclusive. Pragmas are out of scope.
//!
//! Known holes: a program that prints test points and the plan itself cannot be told from its harness. `node --test`
//! counts a file without tests as a test that passed. `bats -T` writes how long a test took into its name, where nothing tells it
//! from the name.

use std::io::BufRead;

use super::lines::{Line, each_line};
use super::tally::{CaseName, CaseTally, SuitePath, shown};
use super::{CaseOutcome, Cause, Detail, Format, ReadError, Report};

/// Reads a TAP document.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut walk = Walk {
        tally: CaseTally::new(detail),
        blocks: vec![Block::new(SuitePath::root())],
        block: None,
        started: false,
        doubts: Doubts::default(),
    };
    let end = each_line(input, &mut |line| walk.line(line))?;
    if walk.block.is_some() {
        return Err(ReadError::at(end, Cause::Ends { inside: "a YAML block without `...`".to_owned() }));
    }
    while let Some(block) = walk.blocks.pop() {
        walk.doubts.end(&block);
    }
    Ok(walk.tally.finish(Format::Tap, walk.doubts.sentences()))
}

struct Walk {
    tally: CaseTally,
    /// The document and the subtests that are open, from the outermost in.
    blocks: Vec<Block>,
    /// The indentation of the YAML block that is open.
    block: Option<usize>,
    /// Whether a line of TAP was seen.
    started: bool,
    doubts: Doubts,
}

/// The document or a subtest.
struct Block {
    suite: SuitePath,
    plan: Option<u64>,
    /// Whether the plan came when some test points had, and not all.
    plan_after: Option<u64>,
    points: u64,
    /// The name of the subtest that comes next.
    announced: Option<String>,
    /// Whether the last line was a test point, which a YAML block may follow.
    after_point: bool,
}

/// Why the document is not whole; each counted, so that the sentences are few.
#[derive(Default)]
struct Doubts {
    bailed_out: Option<String>,
    without_plan: u64,
    other_count: Option<(u64, u64)>,
    two_plans: bool,
    plan_inside: bool,
    out_of_order: Option<(String, u64)>,
}

/// A test point.
#[derive(Debug, PartialEq, Eq)]
struct Point {
    number: Option<String>,
    name: String,
    outcome: CaseOutcome,
    /// The name of the subtest that it opens.
    opens: Option<String>,
}

impl Block {
    fn new(suite: SuitePath) -> Self {
        Self { suite, plan: None, plan_after: None, points: 0, announced: None, after_point: false }
    }
}

impl Walk {
    fn line(&mut self, line: &Line<'_>) -> Result<(), ReadError> {
        let text = line.text.trim_ascii_end();
        let rest = text.trim_start_matches(' ');
        let indentation = text.len() - rest.len();
        if let Some(around) = self.block {
            if rest.is_empty() || indentation >= around {
                if rest == "..." && indentation == around {
                    self.block = None;
                }
                return Ok(());
            }
            self.block = None;
        }
        if rest == "---" && self.opens_yaml(indentation) {
            self.block = Some(indentation);
            return Ok(());
        }
        let depth = indentation / INDENTATION;
        let said = Said::of(rest);
        if !indentation.is_multiple_of(INDENTATION) || matches!(said, Said::Nothing) {
            return Ok(());
        }
        if depth > DEPTH_MAX {
            return Err(line.refuse(Cause::TooDeep { depth_max: DEPTH_MAX }));
        }
        // A line that says something must be read whole.
        line.whole()?;
        if let Said::Version(version) = said {
            return self.version(line, depth, version);
        }
        self.started = true;
        if let Said::BailOut(why) = said {
            self.doubts.bailed_out.get_or_insert_with(|| shown(why, 80));
            return Ok(());
        }
        self.enter(depth, &said);
        let Some(block) = self.blocks.last_mut() else { return Ok(()) };
        block.after_point = false;
        match said {
            Said::Subtest(name) => block.announced = Some(name.to_owned()),
            Said::Plan(count) => {
                self.doubts.two_plans |= block.plan.replace(count).is_some();
                block.plan_after = Some(block.points);
            }
            Said::Point(mut point) => {
                block.points += 1;
                block.announced = point.opens.take();
                block.after_point = true;
                if let Some(number) = point.number.filter(|number| *number != block.points.to_string()) {
                    self.doubts.out_of_order.get_or_insert((shown(&number, 20), block.points));
                }
                let case = CaseName { file: "", class: "", name: &point.name };
                self.tally.add(&block.suite, case, point.outcome).map_err(|cause| line.refuse(cause))?;
            }
            Said::Version(_) | Said::BailOut(_) | Said::Nothing => {}
        }
        Ok(())
    }

    /// Opens and closes subtests until a line of this depth is in the last block.
    fn enter(&mut self, depth: usize, said: &Said<'_>) {
        while self.blocks.len() > depth + 1 {
            if let Some(block) = self.blocks.pop() {
                self.doubts.end(&block);
            }
        }
        while self.blocks.len() <= depth {
            let Some(outer) = self.blocks.last_mut() else { return };
            let name = outer.announced.take();
            // Older writers name a subtest in its own first line.
            let name = match (name, said) {
                (Some(name), _) => name,
                (None, Said::Subtest(name)) if self.blocks.len() == depth => (*name).to_owned(),
                (None, _) => String::new(),
            };
            let outer = self.blocks.last().map_or_else(SuitePath::root, |outer| outer.suite.inside(&name));
            self.blocks.push(Block::new(outer));
        }
    }

    /// Tells whether a line `---` here opens a YAML block: after a test point, two further in.
    fn opens_yaml(&self, indentation: usize) -> bool {
        let depth = self.blocks.len() - 1;
        indentation == depth * INDENTATION + 2 && self.blocks.last().is_some_and(|block| block.after_point)
    }

    fn version(&mut self, line: &Line<'_>, depth: usize, version: &str) -> Result<(), ReadError> {
        let wrong = |wanted| Err(line.refuse(Cause::Record { found: shown(line.text, 80), wanted }));
        match version {
            // A subtest may repeat it.
            "13" | "14" if depth > 0 => Ok(()),
            "13" | "14" if self.started => wrong("one document in a report"),
            "13" | "14" => {
                self.started = true;
                Ok(())
            }
            _ => wrong("version 13 or 14"),
        }
    }
}

impl Doubts {
    /// Holds a block that ended against its plan.
    fn end(&mut self, block: &Block) {
        match block.plan {
            None => self.without_plan += 1,
            Some(plan) if plan != block.points => {
                self.other_count.get_or_insert((plan, block.points));
            }
            Some(_) => self.plan_inside |= block.plan_after.is_some_and(|after| after != 0 && after != block.points),
        }
    }

    fn sentences(self) -> Vec<String> {
        let mut all = Vec::new();
        if let Some(why) = self.bailed_out {
            let why = if why.is_empty() { why } else { format!(": {why}") };
            all.push(format!("the run bailed out{why}"));
        }
        match self.without_plan {
            0 => {}
            1 => all.push("the document or a subtest has no plan `1..N`: aborted".to_owned()),
            count => all.push(format!("the document or {count} subtests have no plan `1..N`: aborted")),
        }
        if let Some((plan, points)) = self.other_count {
            all.push(format!("the plan says {plan}; found {points}"));
        }
        if self.two_plans {
            all.push("there are two plans".to_owned());
        }
        if self.plan_inside {
            all.push("a plan stands between test points; wanted before or after all of them".to_owned());
        }
        if let Some((found, wanted)) = self.out_of_order {
            all.push(format!("a test point has the number {found}; wanted {wanted}"));
        }
        all
    }
}

/// What a line says.
enum Said<'a> {
    Version(&'a str),
    Plan(u64),
    Point(Point),
    BailOut(&'a str),
    Subtest(&'a str),
    Nothing,
}

impl<'a> Said<'a> {
    fn of(text: &'a str) -> Self {
        if let Some(version) = text.strip_prefix("TAP version ") {
            return Self::Version(version.trim_ascii());
        }
        if let Some(count) = text.strip_prefix("1..") {
            let count = count.split_once([' ', '#']).map_or(count, |(count, _)| count);
            let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
            return count.parse().ok().filter(|_| digits).map_or(Self::Nothing, Self::Plan);
        }
        if let Some(name) = text.strip_prefix("# Subtest: ") {
            return Self::Subtest(name);
        }
        if text.get(..BAIL_OUT.len()).is_some_and(|start| start.eq_ignore_ascii_case(BAIL_OUT)) {
            return Self::BailOut(text[BAIL_OUT.len()..].trim_ascii());
        }
        point(text).map_or(Self::Nothing, Self::Point)
    }
}

/// Reads `[not ]ok [NUMBER] [- ][NAME] [# DIRECTIVE]`.
fn point(text: &str) -> Option<Point> {
    let (fine, rest) = match text.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, text.strip_prefix("ok")?),
    };
    if !rest.is_empty() && !rest.starts_with([' ', '\t', '#']) {
        return None;
    }
    let rest = rest.trim_ascii_start();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    // `ok 2nd try` has no number.
    let number_ends = rest[digits..].is_empty() || rest[digits..].starts_with([' ', '\t', '#']);
    let (number, rest) =
        if digits > 0 && number_ends { (Some(rest[..digits].to_owned()), &rest[digits..]) } else { (None, rest) };
    let (rest, opens) = match rest.strip_suffix(" {") {
        Some(before) => (before, true),
        None => (rest, false),
    };
    let (name, directive) = without_directive(rest);
    let outcome = match (fine, directive) {
        (_, Some(Directive::Todo)) | (true, Some(Directive::Skip)) => CaseOutcome::Skipped,
        (true, None) => CaseOutcome::Passed,
        (false, Some(Directive::Skip) | None) => CaseOutcome::Failed,
    };
    let without_dash = |text: &str| -> String {
        let text = text.trim_ascii();
        text.strip_prefix("- ").unwrap_or(if text == "-" { "" } else { text }).to_owned()
    };
    let (name, is_timed) = without_time(name);
    let subtest = opens.then(|| without_dash(name));
    let mut name = without_dash(name);
    // Nothing stands between the name and the brace: so it may be the name's.
    if opens && !is_timed && directive.is_none() {
        name.push_str(" {");
    }
    Some(Point { number, name, outcome, opens: subtest })
}

/// Splits off how long it took: `# time=1.5ms` at the end.
fn without_time(text: &str) -> (&str, bool) {
    let split = || {
        let (before, time) = text.trim_ascii_end().rsplit_once("# time=")?;
        let number = time.strip_suffix("ms").or_else(|| time.strip_suffix('s')).or_else(|| time.strip_suffix('m'))?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        (is_number && before.ends_with([' ', '\t'])).then_some(before)
    };
    split().map_or((text, false), |before| (before, true))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    Skip,
    Todo,
}

/// Splits the directive off: it follows the first `#` that has a blank before it, no backslash, and its word behind it.
fn without_directive(text: &str) -> (&str, Option<Directive>) {
    for (at, _) in text.match_indices('#') {
        if at > 0 && !text[..at].ends_with([' ', '\t']) {
            continue;
        }
        let word = text[at + 1..].trim_ascii_start();
        let word = word.split([' ', '\t', ':']).next().unwrap_or(word);
        if word.eq_ignore_ascii_case("todo") {
            return (&text[..at], Some(Directive::Todo));
        }
        if word.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("skip")) {
            return (&text[..at], Some(Directive::Skip));
        }
    }
    (text, None)
}

/// A subtest stands so much further in.
const INDENTATION: usize = 4;
/// Subtests inside each other.
const DEPTH_MAX: usize = super::limits::DEPTH_MAX;
const BAIL_OUT: &str = "Bail out!";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Facts, Outcome};
    use crate::reports::{read as read_facts, read_report};

    fn facts(text: &str) -> Facts {
        read_facts(Format::Tap, &mut text.as_bytes()).unwrap()
    }

    fn counts(text: &str) -> (Outcome, u64, u64, u64) {
        let facts = facts(text);
        let tests = facts.tests.unwrap();
        (facts.outcome, tests.passed, tests.failed, tests.skipped)
    }

    fn cases(text: &str) -> Vec<(String, String)> {
        let report = read_report(Format::Tap, &mut text.as_bytes()).unwrap();
        report.cases.into_iter().map(|case| (case.suite, case.name)).collect()
    }

    fn pair(suite: &str, name: &str) -> (String, String) {
        (suite.to_owned(), name.to_owned())
    }

    #[test]
    fn a_plan_stands_before_or_after() {
        for text in [
            "TAP version 13\n1..2\nok 1 - a\nok 2 - b\n",
            "TAP version 14\nok 1 - a\nok 2 - b\n1..2\n",
            "1..2\r\nok\r\nok\r\n",
            "noise\n1..2 # x\nok a\n  noise\nok b\n# pass 2\n",
        ] {
            assert_eq!(counts(text), (Outcome::Pass, 2, 0, 0), "{text}");
        }
        assert_eq!(counts("1..1\nnot ok 1 - a\n"), (Outcome::Fail, 0, 1, 0));
    }

    #[test]
    fn a_plan_that_is_missing_or_wrong_is_inconclusive() {
        for (text, why) in [
            ("ok 1\n", "the document or a subtest has no plan `1..N`: aborted"),
            ("1..2\nok 1\n", "the plan says 2; found 1"),
            ("1..1\nok 1\nok 2\n", "the plan says 1; found 2"),
            ("1..1\n1..1\nok 1\n", "there are two plans"),
            ("ok 1\n1..2\nok 2\n", "a plan stands between test points; wanted before or after all of them"),
            ("1..2\nok 2\nok 1\n", "a test point has the number 2; wanted 1"),
            ("1..2\nok 1\nok 1\n", "a test point has the number 1; wanted 2"),
            ("1..1\n    ok 1\nok 1\n", "the document or a subtest has no plan `1..N`: aborted"),
            ("1..1\n    1..2\n    ok 1\nok 1\n", "the plan says 2; found 1"),
            ("1..2\nok 1\nBail out!\n", "the run bailed out"),
            ("1..1\nok 1\n    bail out! disk full\n", "the run bailed out: disk full"),
        ] {
            let facts = facts(text);
            assert_eq!((facts.outcome, facts.reasons[0].as_str()), (Outcome::Inconclusive, why), "{text}");
        }
        assert_eq!(counts("1..2\nnot ok 1\nBail out!\n").0, Outcome::Fail);
    }

    #[test]
    fn times_are_no_part_of_a_name() {
        let text = "1..5\nok 1 - a # time=0.88ms\nok 2 b # time=2s\nok 3 - c # time=3ms # SKIP\nok 4 - d # time=soon\nok 5 - e#time=3ms\n";
        let names: Vec<_> = cases(text).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["a", "b", "c", "d # time=soon", "e#time=3ms"]);
        assert_eq!(facts(text).tests, facts(&text.replace("0.88ms", "1.2s")).tests);
    }

    #[test]
    fn a_brace_opens_a_subtest() {
        let text = "TAP version 13\n1..3\nok 1 - a.js # time=9ms {\n    1..2\n    ok 1 - in # time=1ms {\n        1..1\n        ok 1 - deep\n    }\n    ok 2 - b # SKIP {\n        1..1\n        ok 1 - c # SKIP\n    }\n}\nok 2 - last {\n    1..1\n    ok 1 - d\n}\nok 3 - e {\n";
        let wanted = [
            pair("", "a.js"),
            pair("a.js", "in"),
            pair("a.js > in", "deep"),
            pair("a.js", "b"),
            pair("a.js > b", "c"),
            pair("", "last {"),
            pair("last", "d"),
            pair("", "e {"),
        ];
        assert_eq!(cases(text), wanted);
        assert_eq!(counts(text), (Outcome::Pass, 6, 0, 2));
        assert_eq!(
            counts(&text.replace("        1..1\n        ok 1 - deep\n", "        1..2\n        ok 1 - deep\n")).0,
            Outcome::Inconclusive
        );
    }

    #[test]
    fn directives_are_no_failures_and_no_passes() {
        let text = "1..6\nnot ok 1 - a # todo later\nok 2 - b # Todo\nok 3 # SKIP no\nok 4 # skipped: no\nok 5 - c # todoS\nok\n";
        assert_eq!(counts(text), (Outcome::Pass, 2, 0, 4));
        assert_eq!(counts("1..1\nnot ok 1 - a \\# todo\n").0, Outcome::Fail);
        assert_eq!(counts("1..1\nnot ok 1 - a#todo\n").0, Outcome::Fail);
        assert_eq!(counts("1..1\nnot ok 1 # SKIP\n").0, Outcome::Fail);
        assert_eq!(counts("1..1\nok 1 # SKIP\n").0, Outcome::Inconclusive);
        assert_eq!(counts("1..0 # SKIP nothing here\n").0, Outcome::Inconclusive);
        assert_eq!(counts("1..2\nok 1 - a # SKIP see #12 # x\nok\n"), (Outcome::Pass, 1, 0, 1));
        assert_eq!(cases("1..1\nok 1 - a # b\n"), [pair("", "a # b")]);
    }

    #[test]
    fn subtests_are_suites() {
        let node = "# Subtest: s\n    # Subtest: a\n    ok 1 - a\n    # Subtest: t\n        ok 1 - x\n        1..1\n    ok 2 - t\n    1..2\nok 1 - s\n# Subtest: u\nok 2 - u\n1..2\n";
        let wanted = [pair("s", "a"), pair("s > t", "x"), pair("s", "t"), pair("", "s"), pair("", "u")];
        assert_eq!(cases(node), wanted);
        assert_eq!(counts(node), (Outcome::Pass, 5, 0, 0));
        let old = "    # Subtest: s\n    1..1\n    not ok 1 - a\nok 1 - s\n1..1\n";
        assert_eq!(cases(old), [pair("s", "a"), pair("", "s")]);
        assert_eq!(counts(old).0, Outcome::Fail);
        assert_eq!(cases("    ok 1 - a\n    1..1\nok 1\n1..1\n"), [pair("", "a"), pair("", "")]);
        let deep = format!("{}ok 1\n", " ".repeat(INDENTATION * (DEPTH_MAX + 1)));
        assert!(matches!(read_facts(Format::Tap, &mut deep.as_bytes()).unwrap_err().cause, Cause::TooDeep { .. }));
    }

    #[test]
    fn yaml_blocks_are_skipped_where_they_may_stand() {
        let text = "1..2\nnot ok 1 # todo\n  ---\n  message: |\n    not ok 2 - x\n    1..7\n\n  ok 2\n  ...\nok 2\n";
        assert_eq!(counts(text), (Outcome::Pass, 1, 0, 1));
        assert_eq!(counts("  ---\n1..1\nnot ok 1\n  ...\n").0, Outcome::Fail);
        assert_eq!(counts("1..2\nok 1\n  ---\nnot ok 2\n  ...\n"), (Outcome::Fail, 1, 1, 0));
        let open = read_facts(Format::Tap, &mut "1..1\nok 1\n  ---\n  a: b\n".as_bytes()).unwrap_err();
        assert_eq!(open.to_string(), "line 5, column 1: the report ends inside a YAML block without `...`");
    }

    #[test]
    fn words_that_only_begin_like_test_points_are_none() {
        for text in ["okay", "not okay", "ok: x", "OK 1", "not  ok", "1..x", "1..", "2..3", " ok 1", "  1..4"] {
            assert_eq!(counts(&format!("{text}\n1..1\nok 1\n")), (Outcome::Pass, 1, 0, 0), "{text}");
        }
        assert_eq!(cases("1..1\nok 2nd try\n"), [pair("", "2nd try")]);
    }

    #[test]
    fn other_versions_second_documents_and_broken_points_are_refused() {
        let refused = |text: &str| read_facts(Format::Tap, &mut text.as_bytes()).unwrap_err().to_string();
        assert!(refused("TAP version 15\n1..0\n").contains("wanted version 13 or 14"));
        assert!(refused("TAP version 12\n").contains("wanted version 13 or 14"));
        let whole = "TAP version 13\n1..1\nok 1\n";
        assert!(refused(&whole.repeat(2)).starts_with("line 4, column 1: found `TAP version 13`; wanted one document"));
        assert_eq!(counts(whole).0, Outcome::Pass);
        assert!(refused(&format!("1..1\nok 1 - {}\n", "x".repeat(70_000))).contains("more than 65536 bytes"));
        assert_eq!(counts(&format!("1..1\n{}\nok 1\n", "x".repeat(70_000))).0, Outcome::Pass);
        assert!(read_facts(Format::Tap, &mut &b"1..1\nnot ok 1 - \xff\n"[..]).is_err());
        assert!(read_facts(Format::Tap, &mut &b"1..1\n\xff\nok 1\n"[..]).is_ok());
    }

    #[test]
    fn nothing_is_inconclusive() {
        for text in ["", "hello\n", "TAP version 14\n", "1..0\n"] {
            assert_eq!(facts(text).outcome, Outcome::Inconclusive, "{text}");
        }
    }
}
