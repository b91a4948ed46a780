//! The manual: rustdoc and `evidence help TOPIC` from one text.

use std::fmt::Write as _;

use crate::verify::CODES;

#[doc = include_str!("format.md")]
pub mod format {}
#[doc = include_str!("decisions.md")]
pub mod decisions {}
#[doc = include_str!("start.md")]
pub mod start {}
#[doc = include_str!("threats.md")]
pub mod threats {}

/// A topic of the manual.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    /// Its name.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    text: Option<&'static str>,
}

/// All topics.
pub const TOPICS: &[Topic] = &[
    Topic { name: "start", title: "From nothing to a first verdict", text: Some(include_str!("start.md")) },
    Topic {
        name: "format",
        title: "The bytes, for who writes another verifier",
        text: Some(include_str!("format.md")),
    },
    Topic {
        name: "threats",
        title: "Who attacks, what stops it, what does not",
        text: Some(include_str!("threats.md")),
    },
    Topic { name: "errors", title: "Every code: meaning and mend", text: None },
    Topic { name: "decisions", title: "What was decided to last, and why", text: Some(include_str!("decisions.md")) },
];

/// Returns the topic of that name.
#[must_use]
pub fn topic(name: &str) -> Option<Topic> {
    TOPICS.iter().copied().find(|topic| topic.name == name)
}

impl Topic {
    /// Returns the page.
    #[must_use]
    pub fn text(&self) -> String {
        self.text.map_or_else(errors, ToOwned::to_owned)
    }
}

fn errors() -> String {
    let mut text = String::from(
        "# Errors\n\nExit codes: 0 accepted or done; 1 refused: proven and not sufficient; 2 could not judge; 3 an alarm: what parses\n\
         contradicts a signed head, hash, link or derived line.\n\n",
    );
    for (code, meaning, mend) in CODES {
        let _ = writeln!(text, "## {code}\n\nMeaning: {meaning}.\nMend: {mend}.\n");
    }
    text
}
