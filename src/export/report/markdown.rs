//! Markdown for a pull request's comment: one line, a table of requirements, findings, and the rest folded away.
//!
//! Whatever comes from records, reports and names stands in `<code>` with all that Markdown, HTML or a forge could read
//! anything into as entities: no pipe ends a cell, no `@` calls anybody, no line begins with it.

use std::fmt::Write as _;

use super::{headline, reasons};
use crate::model::Decision;
use crate::verify::{CriterionState, Excepted, ExceptionShown, Recommended, Shows, State, Verdict};

/// Returns a verdict as Markdown.
#[must_use]
pub fn markdown(verdict: &Verdict) -> String {
    let (mark, rest) = match verdict.decision {
        Decision::Accepted => ("✅ **accepted**", headline(verdict).replacen("accepted", "", 1)),
        Decision::Refused => ("❌ **refused**", headline(verdict).replacen("refused", "", 1)),
    };
    let mut text = format!("{mark} {}\n", shown(rest.trim_start_matches(": ")));
    requirements(verdict, &mut text);
    compared(verdict, &mut text);
    if let Some(open) = Recommended::not_shown(&verdict.recommended) {
        let _ = write!(text, "\n{}\n", shown(&open));
    }
    criteria(verdict, &mut text);
    findings(verdict, &mut text);
    if !verdict.limitations.is_empty() {
        let count = verdict.limitations.len();
        let _ = write!(text, "\n<details><summary>Limitations ({count})</summary>\n\n");
        let mut left = count;
        for limitation in &verdict.limitations {
            if text.len() > LIMITATIONS_END {
                break;
            }
            left -= 1;
            let _ = writeln!(text, "- {}: {}", shown(limitation.name), shown(&limitation.text));
        }
        more(left, &mut text);
        text.push_str("\n</details>\n");
    }
    exceptions(verdict, &mut text);
    judged(verdict, &mut text);
    text
}

/// Says of each claim how it stands against what the branch protects, to its end: who let what go stands there.
fn compared(verdict: &Verdict, text: &mut String) {
    let Some((word, parts)) = verdict.compared() else { return };
    let _ = write!(text, "\n{word}:\n\n");
    let mut left = parts.len();
    for part in &parts {
        if text.len() > COMPARED_END {
            break;
        }
        left -= 1;
        let _ = writeln!(text, "- {}", shown_up_to(part, COMPARED_CHARS_MAX));
    }
    more(left, text);
}

fn requirements(verdict: &Verdict, text: &mut String) {
    if verdict.requirements.is_empty() {
        return;
    }
    text.push_str("\n| claim | state | records | who | numbers |\n|---|---|---|---|---|\n");
    let mut left = verdict.requirements.len();
    for requirement in &verdict.requirements {
        if text.len() > REQUIREMENTS_END {
            break;
        }
        left -= 1;
        let mark = match requirement.state {
            State::Pass => "✅",
            State::Running => "⏳",
            State::Waived | State::NotApplicable => "⚠️",
            State::Fail | State::Inconclusive | State::Lost | State::Missing | State::Invalid => "❌",
        };
        let serials: Vec<String> = requirement.serials.iter().map(u64::to_string).collect();
        let who: Vec<&str> = requirement.principals.iter().map(|principal| principal.as_str()).collect();
        let excepted = requirement.exception.as_ref().map(Excepted::sentence);
        let notes: Vec<String> = excepted.into_iter().chain(requirement.numbers.clone()).collect();
        let notes = notes.join("; ");
        let _ = writeln!(
            text,
            "| {} | {mark} {} | {} | {} | {} |",
            shown(requirement.claim.as_str()),
            requirement.state.as_str(),
            serials.join(", "),
            shown(&who.join(", ")),
            shown(&notes)
        );
    }
    more(left, text);
}

/// Folds away what stands in for nothing, and why.
fn exceptions(verdict: &Verdict, text: &mut String) {
    let idle: Vec<String> = verdict.exceptions.iter().filter_map(ExceptionShown::idle).collect();
    if idle.is_empty() {
        return;
    }
    let _ = write!(text, "\n<details><summary>Exceptions that do not help ({})</summary>\n\n", idle.len());
    let mut left = idle.len();
    for one in &idle {
        if text.len() > LIMITATIONS_END {
            break;
        }
        left -= 1;
        let _ = writeln!(text, "- {}", shown(one));
    }
    more(left, text);
    text.push_str("\n</details>\n");
}

fn criteria(verdict: &Verdict, text: &mut String) {
    if verdict.criteria.is_empty() {
        return;
    }
    text.push_str("\n| criterion | state | says | shown by | lacks |\n|---|---|---|---|---|\n");
    let mut left = verdict.criteria.len();
    for criterion in &verdict.criteria {
        if text.len() > CRITERIA_END {
            break;
        }
        left -= 1;
        let mark = match criterion.state {
            CriterionState::Met => "✅",
            CriterionState::NotApplicable | CriterionState::Waived => "⚠️",
            CriterionState::Open => "❌",
        };
        let critical = if criterion.critical { " (critical)" } else { "" };
        let shows: Vec<String> = criterion.evidence.iter().map(Shows::told).collect();
        let _ = writeln!(
            text,
            "| {} | {mark} {}{critical} | {} | {} | {} |",
            shown(criterion.id.as_str()),
            criterion.state.as_str(),
            shown(&criterion.text),
            shown(&shows.join("; ")),
            shown(&criterion.lacks.join("; "))
        );
    }
    more(left, text);
}

fn findings(verdict: &Verdict, text: &mut String) {
    let reasons = reasons(verdict);
    if reasons.is_empty() {
        return;
    }
    text.push_str("\n**Why**\n\n");
    let mut left = reasons.len();
    for reason in &reasons {
        if text.len() > FINDINGS_END {
            break;
        }
        left -= 1;
        let _ = writeln!(text, "- **{} {}**: {}", reason.rule, reason.name, shown(reason.thing));
        let _ = writeln!(text, "  - found: {}\n  - wanted: {}", shown(reason.found), shown(reason.wanted));
        if let Some(command) = &reason.command {
            let _ = writeln!(text, "  - command: {}", shown(command));
        }
    }
    more(left, text);
}

fn judged(verdict: &Verdict, text: &mut String) {
    text.push_str("\n<details><summary>What was judged</summary>\n\n");
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "- {name}: {}", shown(value));
    };
    line("change", verdict.change.as_str());
    line("commit", verdict.commit.as_str());
    line("tree", verdict.tree.as_str());
    if let Some(base) = &verdict.base {
        line("base", base.as_str());
    }
    if let Some(planned) = &verdict.planned {
        if let Some(origin) = &planned.origin {
            line("asked for in", origin);
        }
        for paths in &planned.paths {
            line("planned paths", &format!("{} (record {})", paths.patterns.join(", "), paths.serial));
        }
        if let Some(rollback) = &planned.rollback {
            line("rollback", &format!("{} sha256:{}", rollback.name, rollback.sha256));
        }
    }
    line("moment", verdict.moment);
    if let Some(tier) = &verdict.tier {
        line("tier", &format!("{}, planned {}", tier.effective, tier.planned));
    }
    line("ledger", &verdict.origin);
    if let Some(as_of) = &verdict.as_of {
        line("as of", &format!("{} entries, root {}", as_of.size, as_of.root));
    }
    line("time", &verdict.now.to_string());
    if let Some(policy) = &verdict.policy {
        line("policy", &format!("sha256:{policy}"));
    }
    text.push_str("\n</details>\n");
}

fn more(left: usize, text: &mut String) {
    if left > 0 {
        let _ = writeln!(text, "\n{left} more: the JSON verdict has them all.");
    }
}

/// Returns a text of others in one line in which nothing is read as anything else; cut where it is long.
fn shown(text: &str) -> String {
    shown_up_to(text, CHARS_MAX)
}

fn shown_up_to(text: &str, chars_max: usize) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut out = String::from("<code>");
    for c in text.chars().take(chars_max) {
        match c {
            ' ' | '-' | '/' | ',' | '(' | ')' => out.push(c),
            c if c.is_ascii_alphanumeric() => out.push(c),
            c if c.is_whitespace() => out.push(' '),
            // Invisible characters turn a text around or hide a part of it.
            c if c.is_control() || is_invisible(c) => out.push('\u{fffd}'),
            c if c.is_ascii() => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    if text.chars().nth(chars_max).is_some() {
        out.push('…');
    }
    out.push_str("</code>");
    out
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Each part ends after so many bytes of the text, and says how many are left: a forge's comment holds 65 536 characters.
const REQUIREMENTS_END: usize = 15_000;
const COMPARED_END: usize = 19_000;
const CRITERIA_END: usize = 27_000;
const FINDINGS_END: usize = 40_000;
const LIMITATIONS_END: usize = 46_000;
/// A text of others is shown up to so many characters.
const CHARS_MAX: usize = 240;
/// A reason of an exception stands at the end of these.
const COMPARED_CHARS_MAX: usize = 1_200;

#[cfg(test)]
mod tests {
    use super::super::tests::{HOSTILE, accepted, refused, unexplained};
    use super::*;

    #[test]
    fn first_line_is_the_verdict() {
        let first = |verdict: &Verdict| markdown(verdict).lines().next().unwrap().to_owned();
        assert_eq!(
            first(&accepted()),
            "✅ **accepted** <code>shop/abc at 4f0c1d9aa0b7, tier high-risk, for merge</code>"
        );
        assert!(first(&refused()).starts_with("❌ **refused** <code>shop/abc at"));
        assert!(!markdown(&accepted()).contains("**Why**") && !markdown(&accepted()).contains('❌'));
        assert!(markdown(&unexplained()).contains("**Why**"));
    }

    #[test]
    fn requirements_findings_and_commands_are_there() {
        let text = markdown(&refused());
        assert!(
            text.contains("| <code>unit-tests</code> | ✅ pass | 5 | <code>ci-1</code> | <code>12 passed</code> |")
        );
        assert!(text.contains("| <code>scan</code> | ❌ fail | 7, 9 |"), "{text}");
        assert!(text.contains("- **E301 halted**: <code>the ledger</code>"));
        assert!(
            text.contains(
                "  - command: <code>evidence attest scan -- &#39;CMD&#59; it&#39;&#92;&#39;&#39;s&#39;</code>"
            )
        );
        assert!(markdown(&accepted()).contains("<details><summary>Limitations (1)</summary>"));
    }

    #[test]
    fn hostile_text_ends_no_cell_calls_nobody_and_begins_no_line() {
        for verdict in [refused(), accepted()] {
            let text = markdown(&verdict);
            for word in ["<img", "@everyone", "`", " #12", "\u{1b}", "\u{202e}", "<b>", "&amp;"] {
                assert!(!text.contains(word), "{word}: {text}");
            }
            assert!(!text.lines().any(|line| line.starts_with('/')), "{text}");
            for row in text.lines().filter(|line| line.starts_with('|')) {
                assert_eq!(row.matches('|').count(), 6, "{row}");
            }
        }
        assert_eq!(shown("a|@`_*<&"), "<code>a&#124;&#64;&#96;&#95;&#42;&#60;&#38;</code>");
    }

    #[test]
    fn comment_fits_however_many_findings_there_are() {
        let mut verdict = refused();
        for number in 0..500 {
            let mut finding = verdict.findings[1].clone();
            finding.thing = format!("{number} {}", HOSTILE.repeat(40));
            finding.found = HOSTILE.repeat(40);
            verdict.findings.push(finding);
            let numbers = Some(HOSTILE.repeat(40));
            verdict.requirements.push(crate::verify::Requirement { numbers, ..verdict.requirements[1].clone() });
            verdict.limitations.push(crate::verify::Limitation { name: "one-person", text: HOSTILE.repeat(40) });
        }
        let text = markdown(&verdict);
        assert!(text.len() < 65_536, "{}", text.len());
        assert_eq!(text.matches(" more: the JSON verdict has them all.").count(), 3);
    }
}
