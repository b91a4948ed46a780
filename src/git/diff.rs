//! Which lines of a text an older one does not have.
//!
//! The same bytes must give the same lines for ever, so the algorithm is fixed here and not taken from git, whose answer
//! depends on its version and settings, nor from a library:
//! 1. equal lines at the start and at the end are kept;
//! 2. of what is left, the lines that occur once on each side are taken as anchors: the longest sequence of them that
//!    stands in the same order in both (patience), and each gap between two anchors begins at 1 again;
//! 3. a gap without anchors is compared line by line if it is small, so that the most lines are kept; in a large one all
//!    lines are new. So it is where step 2 has gone [`DEPTH_MAX`] deep.
//!
//! Where it errs it errs to the strict side: a line that is kept stands in the older text, in the same order.
//! A line is what stands between two LF; a CR before the LF belongs to it, the LF itself does not. Out of scope: renames.

use std::collections::HashMap;

/// Returns, for each line of the newer text, whether the older one does not have it.
pub(super) fn new_lines(before: &[u8], after: &[u8]) -> Vec<bool> {
    let mut ids = HashMap::new();
    let (olds, news) = (numbered(before, &mut ids), numbered(after, &mut ids));
    let mut counts = vec![(0, 0); ids.len()];
    let mut new = vec![true; news.len()];
    let mut open = vec![Gap { olds: 0..olds.len(), news: 0..news.len(), depth: 0 }];
    while let Some(mut gap) = open.pop() {
        let (old, now) = (&olds[gap.olds.clone()], &news[gap.news.clone()]);
        let start = old.iter().zip(now).take_while(|(old, new)| old == new).count();
        let (old, now) = (&old[start..], &now[start..]);
        let end = old.iter().rev().zip(now.iter().rev()).take_while(|(old, new)| old == new).count();
        new[gap.news.start..gap.news.start + start].fill(false);
        new[gap.news.end - end..gap.news.end].fill(false);
        gap.olds = gap.olds.start + start..gap.olds.end - end;
        gap.news = gap.news.start + start..gap.news.end - end;
        if gap.olds.is_empty() || gap.news.is_empty() || gap.depth == DEPTH_MAX {
            continue;
        }
        let (old, now) = (&olds[gap.olds.clone()], &news[gap.news.clone()]);
        let anchors = anchors(old, now, &mut counts);
        if anchors.is_empty() {
            for kept in kept_of_small(old, now) {
                new[gap.news.start + kept] = false;
            }
            continue;
        }
        let (mut from_old, mut from_new) = (gap.olds.start, gap.news.start);
        for (at_old, at_new) in anchors {
            let (at_old, at_new) = (gap.olds.start + at_old, gap.news.start + at_new);
            new[at_new] = false;
            open.push(Gap { olds: from_old..at_old, news: from_new..at_new, depth: gap.depth + 1 });
            (from_old, from_new) = (at_old + 1, at_new + 1);
        }
        open.push(Gap { olds: from_old..gap.olds.end, news: from_new..gap.news.end, depth: gap.depth + 1 });
    }
    new
}

/// Returns the lines of a text; a last LF ends a line and begins none.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

struct Gap {
    olds: std::ops::Range<usize>,
    news: std::ops::Range<usize>,
    depth: usize,
}

/// Gives equal lines equal numbers.
fn numbered<'a>(text: &'a [u8], ids: &mut HashMap<&'a [u8], usize>) -> Vec<usize> {
    let mut numbers = Vec::new();
    for line in lines(text) {
        let next = ids.len();
        numbers.push(*ids.entry(line).or_insert(next));
    }
    numbers
}

/// Returns the longest sequence of lines that occur once on each side and stand in the same order on both, as places.
fn anchors(olds: &[usize], news: &[usize], counts: &mut [(usize, usize)]) -> Vec<(usize, usize)> {
    for id in olds.iter().chain(news) {
        counts[*id] = (0, 0);
    }
    olds.iter().for_each(|id| counts[*id].0 += 1);
    news.iter().for_each(|id| counts[*id].1 += 1);
    let is_single = |id: &usize| counts[*id] == (1, 1);
    let places: HashMap<usize, usize> =
        olds.iter().enumerate().filter(|(_, id)| is_single(id)).map(|(place, id)| (*id, place)).collect();
    let singles: Vec<(usize, usize)> = news
        .iter()
        .enumerate()
        .filter(|(_, id)| is_single(id))
        .filter_map(|(place, id)| Some((*places.get(id)?, place)))
        .collect();
    // The longest ascending run of the old places: `ends[n]` is the single that ends the best run of n + 1 so far.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(singles.len());
    for (index, (old, _)) in singles.iter().enumerate() {
        let length = ends.partition_point(|end| singles[*end].0 < *old);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        ends.truncate(ends.len().max(length + 1));
        match ends.get_mut(length) {
            Some(end) => *end = index,
            None => ends.push(index),
        }
    }
    let mut chain = Vec::with_capacity(ends.len());
    let mut at = ends.last().copied();
    while let Some(index) = at {
        chain.push(singles[index]);
        at = before[index];
    }
    chain.reverse();
    chain
}

/// Returns the places of the newer lines that the longest common sequence keeps; none where it would cost too much.
fn kept_of_small(olds: &[usize], news: &[usize]) -> Vec<usize> {
    let width = news.len() + 1;
    if olds.len().saturating_mul(news.len()) > CELLS_MAX {
        return Vec::new();
    }
    // `longest[o * width + n]`: what the lines from `o` and from `n` on have in common.
    let mut longest = vec![0_u32; (olds.len() + 1) * width];
    for old in (0..olds.len()).rev() {
        for new in (0..news.len()).rev() {
            longest[old * width + new] = if olds[old] == news[new] {
                longest[(old + 1) * width + new + 1] + 1
            } else {
                longest[(old + 1) * width + new].max(longest[old * width + new + 1])
            };
        }
    }
    let (mut old, mut new, mut kept) = (0, 0, Vec::new());
    while old < olds.len() && new < news.len() {
        if olds[old] == news[new] {
            kept.push(new);
            (old, new) = (old + 1, new + 1);
        } else if longest[(old + 1) * width + new] >= longest[old * width + new + 1] {
            old += 1;
        } else {
            new += 1;
        }
    }
    kept
}

/// How often gaps are cut between anchors inside one another. Source code needs three or four; a text that was made to need
/// more costs no more than this.
const DEPTH_MAX: usize = 64;

/// A gap without anchors is compared in full up to 256 lines against 256: a quarter of a megabyte, and for a whole file of
/// such gaps some hundred steps a line.
const CELLS_MAX: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn new_of(before: &str, after: &str) -> Vec<usize> {
        let new = new_lines(before.as_bytes(), after.as_bytes());
        new.iter().enumerate().filter(|(_, new)| **new).map(|(index, _)| index + 1).collect()
    }

    #[test]
    fn added_and_changed_lines_are_new_and_removed_ones_are_none() {
        assert_eq!(new_of("a\nb\nc\n", "a\nb\nc\n"), [0; 0]);
        assert_eq!(new_of("a\nb\nc\n", "a\nx\nc\n"), [2]);
        assert_eq!(new_of("a\nb\nc\n", "a\nb\nx\ny\nc\n"), [3, 4]);
        assert_eq!(new_of("a\nb\nc\n", "a\nc\n"), [0; 0]);
        assert_eq!(new_of("", "a\nb\n"), [1, 2]);
        assert_eq!(new_of("a\n", ""), [0; 0]);
        assert_eq!(new_of("{\n}\n{\n}\n", "{\n}\n{\nx\n}\n"), [4]);
    }

    #[test]
    fn a_moved_line_is_new_in_one_of_its_places() {
        assert_eq!(new_of("a\nb\nc\nd\n", "b\nc\nd\na\n"), [4]);
        assert_eq!(new_of("f\n}\ng\n}\n", "f\n}\nh\n}\ng\n}\n"), [3, 4]);
    }

    #[test]
    fn line_ends_count_but_the_last() {
        assert_eq!(new_of("a\nb", "a\nb\n"), [0; 0]);
        assert_eq!(new_of("a\nb\n", "a\nb\nc"), [3]);
        assert_eq!(new_of("a\nb\n", "a\r\nb\r\n"), [1, 2]);
        assert_eq!(new_of("a\r\nb\r\n", "a\r\nx\r\nb\r\n"), [2]);
    }

    #[test]
    fn repeated_lines_in_large_gaps_are_all_new_and_take_no_time() {
        let (few, many) = ("x\ny\n".repeat(100), "y\nx\n".repeat(100));
        assert!(new_of(&few, &many).len() <= 2);
        let (few, many) = ("x\ny\n".repeat(500_000), "y\ny\nx\n".repeat(500_000));
        assert!(new_of(&few, &many).len() > 1_000);
        let shuffled = |step: usize| -> String { (0..60_000).map(|n| format!("{}\n", n * step % 60_013)).collect() };
        assert!(new_of(&shuffled(7), &shuffled(31)).len() > 10_000);
    }

    /// Returns how many lines the longest common sequence leaves new.
    fn least(before: &[u8], after: &[u8]) -> usize {
        let mut ids = HashMap::new();
        let (olds, news) = (numbered(before, &mut ids), numbered(after, &mut ids));
        news.len() - kept_of_small(&olds, &news).len()
    }

    proptest! {
        /// What is kept stands in the older text in the same order, and never is less new than the longest common sequence says.
        #[test]
        fn what_is_kept_is_a_common_sequence(
            before in prop::collection::vec(0_u8..12, 0..40),
            after in prop::collection::vec(0_u8..12, 0..40),
        ) {
            let text = |lines: &[u8]| -> String { lines.iter().map(|line| format!("{line}\n")).collect() };
            let (before_text, after_text) = (text(&before), text(&after));
            let new = new_lines(before_text.as_bytes(), after_text.as_bytes());
            prop_assert_eq!(new.len(), after.len());
            let mut rest = before.iter();
            for (line, _) in after.iter().zip(&new).filter(|(_, new)| !**new) {
                prop_assert!(rest.any(|old| old == line));
            }
            let count = new.iter().filter(|new| **new).count();
            prop_assert!(count >= least(before_text.as_bytes(), after_text.as_bytes()));
        }
    }
}
