//! How sentences for people name the first of many things.

/// Returns the first of so many names, and how many more there are: `a, b and 3 more`.
pub(crate) fn told<'a>(names: impl Iterator<Item = &'a str>, count: usize) -> String {
    let told: Vec<&str> = names.take(TOLD_MAX).collect();
    let more = count.saturating_sub(told.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", told.join(", "))
}

/// So many stand in a finding's sentence.
pub(super) const TOLD_MAX: usize = 5;
