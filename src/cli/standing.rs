//! The pages of `evidence status` for people: the board, and one change with what it lacks.

use anstyle::{AnsiColor, Style};

use super::status::Look;
use super::verify::{criteria_text, plain, requirements_text};
use crate::export::command_line;
use crate::model::Span;
use crate::policy::Moment;
use crate::trace::{Progress, Standing, Step};
use crate::verify::Recommended;

/// Returns the board: a line for each change.
pub(super) fn board_page(look: &Look) -> String {
    let mut text = String::new();
    if !look.changes.is_empty() {
        let mut rows = vec![HEADERS.map(ToOwned::to_owned)];
        rows.extend(look.changes.iter().map(row));
        let mut widths = [0; COLUMNS];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for (index, row) in rows.iter().enumerate() {
            let style = index.checked_sub(1).and_then(|at| look.changes.get(at)).map_or(BOLD, |it| style(it.state));
            text.push_str(&line(row, &widths, index == 0, style));
        }
        text.push('\n');
    }
    text.push_str(&summary(look));
    text
}

/// Returns how one change stands, and what to do about it.
pub(super) fn change_page(look: &Look, standing: &Standing) -> String {
    let style = style(standing.state);
    let mut text = format!("{style}{}{style:#}: {}", standing.state.as_str(), standing.change);
    if let Some(commit) = &standing.commit {
        text.push_str(&format!(" at {}", commit.short()));
    }
    let tier = tier(standing);
    if tier != NONE {
        text.push_str(&format!(", tier {tier}"));
    }
    if standing.total > 0 {
        text.push_str(&format!(", {} of {} shown", standing.done, standing.total));
    }
    match standing.age {
        Some(age) => text.push_str(&format!(", planned {} ago\n", span(Span(age)))),
        None => text.push_str(", not planned\n"),
    }
    let moment = match look.moment {
        Moment::Merge => String::new(),
        Moment::Plan | Moment::Deploy => format!(", for {}", look.moment.as_str()),
    };
    text.push_str(&format!("as of {} size {}, {}{moment}\n", look.origin, look.size, look.now));
    text.push_str(&requirements_text(&standing.requirements));
    text.push_str(&criteria_text(&standing.criteria));
    for step in &standing.missing {
        text.push_str(&step_text(step));
    }
    if let Some(open) = Recommended::not_shown(&standing.recommended) {
        text.push_str(&format!("\n{}\n", plain(&open)));
    }
    let words: Vec<&str> = PLACEHOLDERS
        .iter()
        .filter(|(word, _)| standing.missing.iter().flat_map(|step| &step.placeholders).any(|used| used == word))
        .map(|(_, meaning)| *meaning)
        .collect();
    if !words.is_empty() {
        text.push_str(&format!("\nfill in: {}\n", words.join("; ")));
    }
    if !standing.limitations.is_empty() && standing.state == Progress::Ready {
        text.push('\n');
        for limitation in &standing.limitations {
            text.push_str(&format!("limitation {}: {}\n", limitation.name, plain(&limitation.text)));
        }
    }
    match (&look.principal, standing.merge) {
        (_, Some(merge)) => text.push_str(&format!("\nmerged: record #{merge} closed it, and nobody is awaited\n")),
        (_, None) if !standing.may_merge.is_empty() => {
            text.push_str(&format!("\nonce its commit is on the branch: evidence record merge {}\n", standing.change));
            for awaited in &standing.may_merge {
                let who: Vec<&str> = awaited.who.iter().map(|principal| principal.as_str()).collect();
                let who = if who.is_empty() { "nobody yet".to_owned() } else { who.join(", ") };
                text.push_str(&format!("  who may: {who} (role {})\n", awaited.role));
            }
        }
        (Some(principal), None) if standing.missing.is_empty() => {
            text.push_str(&format!("\nnothing here awaits {principal}\n"));
        }
        _ => {}
    }
    text
}

fn step_text(step: &Step) -> String {
    let about = format!("{}: {}; wanted {}", step.thing, step.found, step.wanted);
    let mut text = format!("\n{CODE}{} {}{CODE:#}: {}\n", step.code.number, step.name, plain(&about));
    match &step.command {
        // A line that can be pasted has nothing else in it.
        Some(command) => text.push_str(&format!("  {}\n", plain(&command_line(command)))),
        None => text.push_str(&format!("  how: {}\n", step.how)),
    }
    let who: Vec<&str> = step.who.iter().map(|principal| principal.as_str()).collect();
    match (&step.role, who.is_empty()) {
        (Some(role), false) => text.push_str(&format!("  who may: {} (role {role})\n", who.join(", "))),
        (Some(role), true) => text.push_str(&format!("  who may: nobody yet (role {role})\n")),
        (None, _) => {}
    }
    text
}

/// Says what the table leaves out, and what to do where there is none.
fn summary(look: &Look) -> String {
    let (shown, open) = (look.changes.len(), look.open.unwrap_or_default());
    let changes = |count: usize| if count == 1 { "1 open change".to_owned() } else { format!("{count} open changes") };
    if open == 0 {
        return "no change is open\nhint: evidence plan --tier TIER begins one; evidence log --kind plan lists the past\n"
            .to_owned();
    }
    let mut text = match (&look.principal, shown) {
        (Some(principal), 0) => format!("nothing awaits {principal} in {}\n", changes(open)),
        (Some(principal), _) => format!("{shown} of {} await {principal}", changes(open)),
        (None, _) if look.cut => format!("{shown} of {}, those planned last", changes(open)),
        (None, _) => changes(open),
    };
    if look.cut && look.principal.is_some() {
        text.push_str(", and perhaps more");
    }
    if shown > 0 {
        text.push_str(&format!("; evidence status {} says more of one\n", look.changes[0].change));
    }
    text
}

fn row(standing: &Standing) -> [String; COLUMNS] {
    let names = standing.names();
    let mut missing: Vec<String> = names.iter().take(NAMES_MAX).map(|name| (*name).to_owned()).collect();
    if names.len() > NAMES_MAX {
        missing.push(format!("+{}", names.len() - NAMES_MAX));
    }
    let awaited = standing.awaited.iter().chain(&standing.may_merge).map(|awaited| {
        let who: Vec<&str> = awaited.who.iter().map(|principal| principal.as_str()).collect();
        format!("{}: {}", awaited.role, if who.is_empty() { "nobody yet".to_owned() } else { who.join(", ") })
    });
    let awaited: Vec<String> = awaited.collect();
    // Why it cannot be judged is long: in the last column it widens no other row.
    let (missing, awaited) = match &standing.unjudged {
        Some(unjudged) => (String::new(), plain(&unjudged.text)),
        None => (missing.join(", "), awaited.join("; ")),
    };
    let done = match standing.state {
        Progress::Unjudged => NONE.to_owned(),
        _ => format!("{}/{}", standing.done, standing.total),
    };
    let age = standing.age.map_or_else(|| NONE.to_owned(), |age| span(Span(age)));
    let or_none = |text: String| if text.is_empty() { NONE.to_owned() } else { text };
    let state = standing.state.as_str().to_owned();
    let change = standing.change.to_string();
    [change, tier(standing), done, state, age, or_none(missing), or_none(awaited)]
}

fn line(row: &[String; COLUMNS], widths: &[usize; COLUMNS], is_header: bool, style: Style) -> String {
    let mut text = String::new();
    for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
        let padded = if index + 1 == COLUMNS { cell.clone() } else { format!("{cell:width$}  ") };
        if is_header || index == STATE {
            text.push_str(&format!("{style}{padded}{style:#}"));
        } else {
            text.push_str(&padded);
        }
    }
    format!("{text}\n")
}

fn tier(standing: &Standing) -> String {
    let Some(tier) = &standing.tier else { return NONE.to_owned() };
    match &tier.effective {
        Some(effective) if *effective != tier.planned => format!("{effective} (planned: {})", tier.planned),
        _ => tier.planned.to_string(),
    }
}

/// Returns a length of time by its largest unit.
fn span(Span(seconds): Span) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

const fn style(state: Progress) -> Style {
    match state {
        Progress::Ready | Progress::Merged => AnsiColor::Green.on_default().bold(),
        Progress::Running => AnsiColor::Cyan.on_default().bold(),
        Progress::Waiting => AnsiColor::Yellow.on_default().bold(),
        Progress::Refused => AnsiColor::Red.on_default().bold(),
        Progress::Unjudged => AnsiColor::Magenta.on_default().bold(),
    }
}

const COLUMNS: usize = 7;
const HEADERS: [&str; COLUMNS] = ["CHANGE", "TIER", "DONE", "STATE", "AGE", "MISSING", "AWAITED"];
const STATE: usize = 3;
const NONE: &str = "-";
/// A line names so many missing things; `status CHANGE` names all.
const NAMES_MAX: usize = 4;
const BOLD: Style = Style::new().bold();
const CODE: Style = Style::new().bold();
/// What the words in commands stand for.
const PLACEHOLDERS: [(&str, &str); 10] = [
    ("CMD", "CMD, the command that does it"),
    ("FILE", "FILE, a report or notes"),
    ("WHY", "WHY, a reason"),
    ("TIER", "TIER, a tier of the policy"),
    ("BRANCH", "BRANCH, the branch that the change is meant for"),
    ("NEW-ID", "NEW-ID, an id that no change has"),
    ("URL", "URL, the address of the ticket"),
    ("TIME", "TIME, when it was asked for, such as 2026-11-21T09:00:00Z"),
    ("GLOB", "GLOB, a pattern of paths such as src/**"),
    ("NAME=FILE", "NAME=FILE, an attachment and what it is called"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_by_their_largest_unit() {
        let told: Vec<String> = [0, 59, 60, 3_599, 3_600, 172_799, 172_800].map(|s| span(Span(s))).into();
        assert_eq!(told, ["0s", "59s", "1m", "59m", "1h", "47h", "2d"]);
    }

    #[test]
    fn every_placeholder_is_explained() {
        assert_eq!(PLACEHOLDERS.map(|(word, _)| word), crate::trace::PLACEHOLDERS);
    }
}
