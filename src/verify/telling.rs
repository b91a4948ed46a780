//! How sentences for people count, and name the first of many things.

use std::fmt::Display;

/// Returns the first of so many names, and how many more there are: `a, b and 3 more`.
pub(crate) fn told<'a>(names: impl Iterator<Item = &'a str>, count: usize) -> String {
    let told: Vec<&str> = names.take(TOLD_MAX).collect();
    let more = count.saturating_sub(told.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", told.join(", "))
}

/// Returns so many of something: `1 test`, `2 tests`.
pub(crate) fn counted<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let end = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{end}")
}

/// So many stand in a finding's sentence.
pub(super) const TOLD_MAX: usize = 5;
