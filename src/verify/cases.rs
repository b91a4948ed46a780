//! The cases of the results that count, looked up by what a criterion lists: patterns of names, and its own id.
//!
//! A plan may have thousands of criteria and a report a hundred thousand cases, so nothing here holds each of the one against each of
//! the other: a pattern is held against the names that begin as it does, and ids are looked up where a name has words. What is left is
//! counted, and ends at a bound: who lists more shows nothing.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::model::CriterionId;
use crate::policy::wildcard_matches;
use crate::reports::Case;

/// The cases, in the order of their results and reports.
pub(super) struct Cases<'a> {
    all: Vec<CountedCase<'a>>,
    /// Every name, whole and the case's own, sorted, with the place of its case.
    sorted: Vec<(Text, usize)>,
    /// The places of the cases that carry an id, by the id in one case; none if there is too much to look up.
    carried: Option<HashMap<String, Vec<usize>>>,
    /// How many names may still be held against patterns.
    left: usize,
}

/// A case of a result.
pub(super) struct CountedCase<'a> {
    /// Its whole name.
    pub(super) shown: String,
    /// What became of it.
    pub(super) case: &'a Case,
    /// The result.
    pub(super) serial: u64,
}

/// That more would have to be compared than is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// Which of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Whole,
    Own,
}

impl<'a> Cases<'a> {
    /// Takes the cases, and looks up which of them carry one of these ids.
    pub(super) fn of(all: Vec<CountedCase<'a>>, ids: &[&CriterionId]) -> Self {
        let mut sorted: Vec<(Text, usize)> =
            (0..all.len()).flat_map(|at| [(Text::Whole, at), (Text::Own, at)]).collect();
        sorted.sort_unstable_by(|a, b| all[a.1].text(a.0).cmp(all[b.1].text(b.0)).then(a.1.cmp(&b.1)));
        let carried = carried(&all, ids);
        Self { all, sorted, carried, left: COMPARED_MAX }
    }

    /// Returns the cases whose whole or own name a pattern matches; `*` is any run of characters, and nothing else is special.
    pub(super) fn matching(&mut self, pattern: &str) -> Result<Vec<&CountedCase<'a>>, TooMany> {
        let all = &self.all;
        let first = pattern.split('*').next().unwrap_or_default();
        let text = |(which, at): &(Text, usize)| all[*at].text(*which);
        let from = self.sorted.partition_point(|it| text(it) < first);
        let begins = self.sorted[from..].partition_point(|it| text(it).starts_with(first));
        let found = match first.len() == pattern.len() {
            // Nothing is shorter than the beginning of all: those that are it stand first.
            true => self.sorted[from..].partition_point(|it| text(it) == pattern),
            false => begins,
        };
        self.left = self.left.checked_sub(found).ok_or(TooMany)?;
        let fits = |it: &&(Text, usize)| wildcard_matches(pattern, text(it));
        let places: BTreeSet<usize> = self.sorted[from..from + found].iter().filter(fits).map(|it| it.1).collect();
        Ok(places.into_iter().map(|at| &all[at]).collect())
    }

    /// Returns the cases whose name carries an id.
    pub(super) fn carrying(&self, id: &CriterionId) -> Result<Vec<&CountedCase<'a>>, TooMany> {
        let carried = self.carried.as_ref().ok_or(TooMany)?;
        let places = carried.get(&fold(id.as_str()));
        Ok(places.into_iter().flatten().map(|at| &self.all[*at]).collect())
    }
}

impl CountedCase<'_> {
    fn text(&self, which: Text) -> &str {
        match which {
            Text::Whole => &self.shown,
            Text::Own => &self.case.name,
        }
    }
}

fn carried(all: &[CountedCase<'_>], ids: &[&CriterionId]) -> Option<HashMap<String, Vec<usize>>> {
    let folded: HashSet<String> = ids.iter().map(|id| fold(id.as_str())).collect();
    let lengths: BTreeSet<usize> = folded.iter().map(String::len).collect();
    let mut left = LOOKED_UP_MAX;
    let mut found: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, case) in all.iter().enumerate() {
        for id in ids_of(&case.shown, &folded, &lengths, &mut left)? {
            found.entry(id).or_default().push(at);
        }
    }
    Some(found)
}

/// Returns the ids that a name carries as whole words: whatever the case, `_` for `-`, and not as a part of another id. None if the
/// bound is reached.
///
/// `test_ac_1` and `logs in (AC-1)` carry `AC-1`; `AC-10`, `AC-1.2` and `X-AC-1` do not.
fn ids_of(name: &str, ids: &HashSet<String>, lengths: &BTreeSet<usize>, left: &mut usize) -> Option<BTreeSet<String>> {
    let folded = fold(name);
    let mut found = BTreeSet::new();
    for start in (0..name.len()).filter(|at| begins(name.as_bytes(), *at)) {
        for length in lengths.iter().filter(|length| ends(name.as_bytes(), start + **length)) {
            *left = left.checked_sub(1)?;
            let Some(id) = folded.get(start..start + length).and_then(|text| ids.get(text)) else { continue };
            let stands = || folded.match_indices(id.as_str()).any(|(at, _)| at == start);
            if !found.contains(id) && stands() && !is_part_of_another(&folded, start, *length, ids, lengths, left)? {
                found.insert(id.clone());
            }
        }
    }
    Some(found)
}

/// Returns whether a place lies within a longer id.
fn is_part_of_another(
    folded: &str,
    start: usize,
    length: usize,
    ids: &HashSet<String>,
    lengths: &BTreeSet<usize>,
    left: &mut usize,
) -> Option<bool> {
    for longer in lengths.range(length + 1..) {
        for at in (start + length).saturating_sub(*longer)..=start {
            *left = left.checked_sub(1)?;
            let id = folded.get(at..at + longer).and_then(|text| ids.get(text));
            if id.is_some_and(|id| folded.match_indices(id.as_str()).any(|(there, _)| there == at)) {
                return Some(true);
            }
        }
    }
    Some(false)
}

fn begins(name: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| name.get(at));
    before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'.') && byte.is_ascii())
}

fn ends(name: &[u8], end: usize) -> bool {
    match (name.get(end), name.get(end + 1)) {
        (None, _) => end == name.len(),
        (Some(b'-' | b'_' | b'.'), Some(next)) => !next.is_ascii_digit(),
        (Some(byte), _) => byte.is_ascii() && !byte.is_ascii_alphanumeric(),
    }
}

/// Returns a text byte for byte in one case, `_` as `-`.
fn fold(text: &str) -> String {
    text.chars().map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// So many names are held against patterns: two hundred that begin with `*` against the names of fifty thousand tests.
const COMPARED_MAX: usize = 20_000_000;
/// So many words are looked up among the ids: a hundred for each of half a million tests.
const LOOKED_UP_MAX: usize = 50_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reports::{Format, read_report};

    fn cases_of(names: &[String]) -> crate::reports::Report {
        let case = |name: &String| format!("<testcase name=\"{name}\"/>");
        let text = format!("<testsuite name=\"s\">{}</testsuite>", names.iter().map(case).collect::<String>());
        read_report(Format::Junit, &mut text.as_bytes()).unwrap()
    }

    fn counted<'a>(report: &'a crate::reports::Report) -> Vec<CountedCase<'a>> {
        report.cases.iter().map(|case| CountedCase { shown: case.shown(), case, serial: 1 }).collect()
    }

    fn carries(name: &str, id: &CriterionId, all: &[&CriterionId]) -> bool {
        let ids: HashSet<String> = all.iter().map(|id| fold(id.as_str())).collect();
        let lengths = ids.iter().map(String::len).collect();
        ids_of(name, &ids, &lengths, &mut LOOKED_UP_MAX.clone()).unwrap().contains(&fold(id.as_str()))
    }

    #[test]
    fn id_is_carried_as_a_whole_word_only() {
        let id = |text: &str| text.parse::<CriterionId>().unwrap();
        let (one, other) = (id("AC-1"), id("SUB_AC-1"));
        let alone = [&one];
        for name in
            ["AC-1", "logs in (AC-1)", "test_ac_1", "test_ac_1_logs_in", "m::ac_1::x", "AC-1: x", "AC-1.", "a > AC-1"]
        {
            assert!(carries(name, &one, &alone), "{name}");
        }
        for name in ["AC-10", "AC-1.2", "AC-1-2", "ac_1_2", "XAC-1", "X-AC-1", "AC-1x", "AC 1", "AC-1ä", "äAC-1", "AC"]
        {
            assert!(!carries(name, &one, &alone), "{name}");
        }
        assert!(carries("sub_ac_1", &one, &alone));
        assert!(!carries("sub_ac_1", &one, &[&one, &other]) && carries("sub_ac_1", &other, &[&one, &other]));
        assert!(carries("sub_ac_1 and ac-1", &one, &[&one, &other]));
    }

    /// The rule as the format says it, one id and one name at a time.
    fn carries_plainly(name: &str, id: &str, all: &[String]) -> bool {
        let (folded, wanted) = (fold(name), fold(id));
        let longer: Vec<String> = all
            .iter()
            .map(|other| fold(other))
            .filter(|other| other.len() > wanted.len() && other.contains(&wanted))
            .collect();
        folded.match_indices(&wanted).any(|(at, _)| {
            let end = at + wanted.len();
            let within = |other: &String| {
                folded.match_indices(other.as_str()).any(|(start, _)| start <= at && end <= start + other.len())
            };
            begins(name.as_bytes(), at) && ends(name.as_bytes(), end) && !longer.iter().any(within)
        })
    }

    proptest! {
        #[test]
        fn ids_are_found_as_by_looking_for_each(
            name in "[aA1_. ä-]{0,24}",
            ids in prop::collection::vec("[aA1]([aA1._-]{0,4}[aA1])?", 1..5),
        ) {
            let parsed: Vec<CriterionId> = ids.iter().map(|id| id.parse().unwrap()).collect();
            let all: Vec<&CriterionId> = parsed.iter().collect();
            for id in &all {
                prop_assert_eq!(carries(&name, id, &all), carries_plainly(&name, id.as_str(), &ids), "{}", id.as_str());
            }
        }

        #[test]
        fn patterns_match_as_if_held_against_each_name(
            names in prop::collection::vec("[ab]{0,4}", 0..12),
            pattern in "[ab*]{0,5}|s > [ab*]{0,4}",
        ) {
            let report = cases_of(&names);
            let mut cases = Cases::of(counted(&report), &[]);
            let plainly: Vec<String> = counted(&report)
                .into_iter()
                .filter(|it| wildcard_matches(&pattern, &it.shown) || wildcard_matches(&pattern, &it.case.name))
                .map(|it| it.shown)
                .collect();
            let found = cases.matching(&pattern).unwrap();
            prop_assert_eq!(found.into_iter().map(|it| it.shown.clone()).collect::<Vec<_>>(), plainly);
        }
    }

    #[test]
    fn thousands_of_criteria_and_a_hundred_thousand_cases_take_no_time() {
        let names: Vec<String> = (0..100_000).map(|at| format!("module_{at} does AC-{}", at % 4_096)).collect();
        let report = cases_of(&names);
        let ids: Vec<CriterionId> = (0..4_096).map(|at| format!("AC-{at}").parse().unwrap()).collect();
        let ids: Vec<&CriterionId> = ids.iter().collect();
        let mut cases = Cases::of(counted(&report), &ids);
        for id in &ids {
            assert!((24..=25).contains(&cases.carrying(id).unwrap().len()));
        }
        for (at, name) in names.iter().enumerate().take(4_096) {
            assert_eq!(cases.matching(&format!("module_{at} *")).unwrap().len(), 1);
            assert_eq!(cases.matching(name).unwrap().len(), 1);
        }
        // Patterns that begin with anything are held against all names, and not without end.
        let most = COMPARED_MAX / 200_000 + 1;
        let told = (0..most).map(|at| cases.matching(&format!("*{at}*")).map(|found| found.len())).collect::<Vec<_>>();
        assert!(told[0].is_ok() && told.last() == Some(&Err(TooMany)), "{told:?}");
    }
}
