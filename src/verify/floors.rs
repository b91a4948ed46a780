//! The rule of paths: how many lines of some files are run by the tests, as their reports say.
//!
//! A report's paths mean files of the judged tree by [`super::mapping`]. Of a group count all lines that some report lists in its
//! files, each once, run if any report says so. A group without any line is no data and refuses, and so does a path of a report that
//! may be a file of the group and may be another. A file that no report mentions has no lines that are known: it is shown. Where a
//! report's paths come from and what it leaves out, only the command line and the configuration in the tree say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::code::Code;
use super::mapping::{Fit, Tree, fits, shown};
use super::verdict::Finding;
use crate::model::ClaimName;
use crate::policy::PathFloor;
use crate::reports::Report;

/// Holds the lines of each group against its floor; returns one line for people for each.
pub(super) fn check(
    name: &ClaimName,
    files: &[String],
    reports: &[Arc<Report>],
    floors: &[PathFloor],
    findings: &mut Vec<Finding>,
) -> Vec<String> {
    let tree = Tree::of(files);
    let mut lines: BTreeMap<&str, BTreeMap<u32, bool>> = BTreeMap::new();
    let mut mentioned: BTreeSet<&str> = BTreeSet::new();
    let mut unclear: Vec<(&str, Arc<[&str]>)> = Vec::new();
    for report in reports {
        for (index, (name, fit)) in fits(report, &tree).into_iter().enumerate() {
            match fit {
                Fit::Nothing => {}
                Fit::Unclear(paths) => unclear.push((name, paths)),
                Fit::File(path) if tree.has_twice(path) => unclear.push((name, Arc::from([path]))),
                Fit::File(path) => {
                    mentioned.insert(path);
                    let Some(file) = report.coverage.get(index) else { continue };
                    let of_file = lines.entry(path).or_default();
                    for line in &file.lines {
                        *of_file.entry(line.number).or_default() |= line.run;
                    }
                }
            }
        }
    }
    floors
        .iter()
        .map(|floor| {
            let PathFloor { paths, min } = floor;
            let called = paths.patterns().join(", ");
            for (written, _) in
                unclear.iter().filter(|(_, of)| of.iter().any(|path| paths.matches(path.as_bytes()))).take(UNCLEAR_MAX)
            {
                let found =
                    format!("`{}` of a report may be a file of {called}, or one of another place", shown(written));
                let wanted = "reports whose paths are those of one file each in the judged tree";
                findings.push(Finding::new(Code::NO_FACTS, name.as_str(), found, wanted));
            }
            let of_group = lines.iter().filter(|(path, _)| paths.matches(path.as_bytes()));
            let (mut total, mut run) = (0_u64, 0_u64);
            for line in of_group.flat_map(|(_, lines)| lines.values()) {
                total += 1;
                run += u64::from(*line);
            }
            let percent = (run * 100).checked_div(total);
            let text = match percent {
                Some(percent) => format!("{run} of {total} lines of {called} run, {percent} %"),
                None => format!("no line of {called} is in a report"),
            };
            if percent.is_none_or(|percent| percent < *min) {
                findings.push(Finding::new(
                    Code::COVERAGE_LIMIT,
                    name.as_str(),
                    text.clone(),
                    format!("at least {min} %"),
                ));
            }
            let missing = files
                .iter()
                .filter(|file| paths.matches(file.as_bytes()) && !mentioned.contains(file.as_str()))
                .count();
            if missing > 0 { format!("{text} ({missing} of its files in no report)") } else { text }
        })
        .collect()
}

/// A verdict says so many things that cannot be told: one is enough to refuse.
const UNCLEAR_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::reports::{Format, read_report};

    fn told(floors: &str, files: &[&str], reports: &[&str]) -> (Vec<String>, Vec<String>) {
        let text = format!(
            "version = 1\n[claim.a]\nfamily = \"functionality\"\nby = \"ci\"\ncoverage = {{ paths = [{floors}] }}\n[tier.low]\nrequire = [\"a\"]\n"
        );
        let policy = Policy::parse(&text).unwrap_or_else(|errors| panic!("{errors}"));
        let name: ClaimName = "a".parse().unwrap();
        let floors = policy.claim(&name).unwrap().coverage.clone().unwrap().paths;
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        let read = |text: &&str| Arc::new(read_report(Format::Lcov, &mut text.as_bytes()).unwrap());
        let reports: Vec<_> = reports.iter().map(read).collect();
        let mut findings = Vec::new();
        let lines = check(&name, &files, &reports, &floors, &mut findings);
        (lines, findings.iter().map(Finding::sentence).collect())
    }

    const CRYPTO: &str = "{ paths = [\"src/crypto/**\"], min = 75 }";

    #[test]
    fn lines_of_a_group_are_held_against_its_floor() {
        let files = ["src/a.rs", "src/crypto/b.rs", "src/crypto/c.rs"];
        let report = "SF:/w/src/crypto/b.rs\nDA:1,1\nDA:2,1\nDA:3,0\nDA:4,0\nend_of_record\nSF:/w/src/a.rs\nDA:1,0\nend_of_record\n";
        let (lines, findings) = told(CRYPTO, &files, &[report]);
        assert_eq!(lines, ["2 of 4 lines of src/crypto/** run, 50 % (1 of its files in no report)"]);
        assert_eq!(findings, ["E224 coverage-limit: a: 2 of 4 lines of src/crypto/** run, 50 %; wanted at least 75 %"]);
        let more = "SF:src/crypto/b.rs\nDA:3,7\nend_of_record\nSF:src/a.rs\nDA:1,0\nend_of_record\n";
        let (lines, findings) = told(CRYPTO, &files, &[report, more]);
        assert_eq!(
            (lines[0].as_str(), findings.len()),
            ("3 of 4 lines of src/crypto/** run, 75 % (1 of its files in no report)", 0)
        );
    }

    #[test]
    fn files_of_the_group_in_no_report_are_counted() {
        let files = ["src/crypto/b.rs", "src/crypto/c.rs", "src/crypto/d.rs"];
        let (lines, _) = told(CRYPTO, &files, &["SF:src/crypto/b.rs\nDA:1,1\nend_of_record\n"]);
        assert_eq!(lines, ["1 of 1 lines of src/crypto/** run, 100 % (2 of its files in no report)"]);
    }

    #[test]
    fn file_whose_spelling_another_has_is_refused() {
        // Two names in git that are not UTF-8 and a plain one may come to one spelling.
        let files = ["src/crypto/%FF.rs", "src/crypto/%FF.rs"];
        let (lines, findings) = told(CRYPTO, &files, &["SF:src/crypto/%FF.rs\nDA:1,1\nend_of_record\n"]);
        assert!(
            findings[0].starts_with("E214 no-facts: a: `src/crypto/%FF.rs` of a report may be a file of"),
            "{findings:?}"
        );
        assert!(lines[0].starts_with("no line of src/crypto/** is in a report"), "{lines:?}");
    }

    #[test]
    fn a_group_without_any_line_is_refused() {
        let (_, findings) = told(CRYPTO, &["src/a.rs", "src/crypto/b.rs"], &["SF:src/a.rs\nDA:1,1\nend_of_record\n"]);
        assert_eq!(findings, ["E224 coverage-limit: a: no line of src/crypto/** is in a report; wanted at least 75 %"]);
        assert_eq!(told(CRYPTO, &[], &[]).1.len(), 1);
    }

    #[test]
    fn a_path_that_may_be_of_the_group_is_refused() {
        let files = ["src/crypto/lib.rs", "vendor/src/crypto/lib.rs"];
        let (_, findings) = told(CRYPTO, &files, &["SF:crypto/lib.rs\nDA:1,1\nend_of_record\n"]);
        assert!(
            findings[0].starts_with("E214 no-facts: a: `crypto/lib.rs` of a report may be a file of src/crypto/**"),
            "{findings:?}"
        );
    }
}
