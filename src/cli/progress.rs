//! [`Progress`]: how far long work is, on a terminal and nowhere else.
//!
//! One line on standard error that is written over, not before a moment has passed, and taken away at the end. With `--json`, and
//! where standard error is no terminal, there is none.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use super::context::Context;
use super::eprint;

/// A line that says how far work is.
pub(super) struct Progress {
    live: bool,
    began: Instant,
    line: Line,
}

/// What stands in the line, and since when.
#[derive(Default)]
struct Line {
    shown: Option<Duration>,
    width: usize,
}

impl Progress {
    /// Begins work that may be long.
    pub(super) fn begin(context: &Context) -> Self {
        Self { live: std::io::stderr().is_terminal() && !context.json, began: Instant::now(), line: Line::default() }
    }

    /// Says how far the work is, if it is time to.
    pub(super) fn show(&mut self, text: impl FnOnce() -> String) {
        if self.live
            && let Some(line) = self.line.next(self.began.elapsed(), text)
        {
            eprint(&line);
        }
    }

    /// Takes the line away: something else is about to be said.
    pub(super) fn clear(&mut self) {
        if let Some(blank) = self.line.clear() {
            eprint(&blank);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Line {
    /// Returns what to write after so long; `None` while nothing is due.
    fn next(&mut self, now: Duration, text: impl FnOnce() -> String) -> Option<String> {
        if now < FIRST || self.shown.is_some_and(|shown| now < shown + STEP) {
            return None;
        }
        let text = text();
        // Spaces and no escape sequence: they are there on every terminal.
        let line = format!("\r{text:<width$}", width = self.width);
        (self.shown, self.width) = (Some(now), text.chars().count());
        Some(line)
    }

    /// Returns what to write so that the line is blank; `None` if it is.
    fn clear(&mut self) -> Option<String> {
        let width = std::mem::take(&mut self.width);
        (width > 0).then(|| format!("\r{:width$}\r", ""))
    }
}

/// Returns bytes as people read them: in whole megabytes.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}

/// Before this nobody wonders.
const FIRST: Duration = Duration::from_millis(500);
/// A line that changes more often cannot be read.
const STEP: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    fn next(line: &mut Line, milliseconds: u64, text: &str) -> Option<String> {
        line.next(Duration::from_millis(milliseconds), || text.to_owned())
    }

    #[test]
    fn short_work_says_nothing() {
        let mut line = Line::default();
        assert_eq!((next(&mut line, 0, "a"), next(&mut line, 499, "b"), line.clear()), (None, None, None));
    }

    #[test]
    fn long_work_says_how_far_it_is_in_one_line_that_goes_away() {
        let mut line = Line::default();
        assert_eq!(next(&mut line, 500, "9,999 done").as_deref(), Some("\r9,999 done"));
        assert_eq!(next(&mut line, 599, "10 done"), None);
        assert_eq!(next(&mut line, 600, "10 done").as_deref(), Some("\r10 done   "));
        assert_eq!(line.clear().as_deref(), Some("\r       \r"));
        assert_eq!(line.clear(), None);
        assert_eq!(next(&mut line, 700, "more").as_deref(), Some("\rmore"));
    }
}
