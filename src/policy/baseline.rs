//! [`Baseline`]: what a branch protects, as text (format, section 17): names that may not go, findings that may not come, and
//! numbers that may not get worse. It moves one way, by each merge, and by what somebody entitled signed.
//!
//! ```text
//! evidence-baseline/v1
//! branch shop:refs/heads/main
//! previous none
//! finding security-scan - <fingerprint, 64 hex digits> 1 semgrep rule-1 src/a.py:3
//! ceiling unit-tests - skipped 3
//! floor unit-tests - coverage 8125
//! test unit-tests linux <identity, 64 hex digits> 1 suite > class > name
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::{ClaimName, Digest, Id};
use crate::reports::Better;

/// What a branch protects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Baseline {
    /// The repository's id and the full name of the branch, joined by `:`.
    pub branch: String,
    /// The hash of the baseline before it; none in the first.
    pub previous: Option<Digest>,
    /// What each claim protects, by claim and variant.
    pub parts: BTreeMap<(ClaimName, Option<Id>), Protected>,
}

/// What one claim protects in one variant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Protected {
    /// Tests that must be there and pass.
    pub tests: Option<NameSet>,
    /// Names of a surface that must be there.
    pub names: Option<NameSet>,
    /// Findings that are known: others may not come.
    pub findings: Option<NameSet>,
    /// Pictures: the hash of each by its name.
    pub pictures: Option<BTreeMap<Box<str>, Digest>>,
    /// Numbers that may not fall, in hundredths of a percent, by what they are of.
    pub floors: BTreeMap<Floor, u64>,
    /// Counts that may not grow, by what they are of.
    pub ceilings: BTreeMap<Ceiling, u64>,
    /// Measurements that may not get worse.
    pub measurements: BTreeMap<Digest, Measured>,
}

/// A set of names with multiplicity, by identity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameSet(Vec<Kept>);

/// A name that is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// What makes it the same in the next report.
    pub identity: Digest,
    /// How often it is there.
    pub count: u64,
    /// The name for people.
    pub name: Box<str>,
}

/// What a floor is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Floor {
    /// Lines run by tests, of all lines.
    Coverage,
    /// Mutants found, of those that count.
    Mutation,
}

/// What a ceiling is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ceiling {
    /// Tests that were skipped.
    Skipped,
    /// Tests that passed only when repeated.
    Flaky,
    /// Findings silenced inside the tool's output.
    Suppressed,
    /// Mutants noticed by time alone.
    TimedOut,
    /// Mutants that do not count: not built, or ignored.
    LeftOut,
    /// Lines that the tool of coverage was told to leave out.
    Excluded,
}

/// A measurement that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The unit with its scale.
    pub unit: Box<str>,
    /// Which way is better.
    pub better: Better,
    /// The confidence interval, and its middle: low, middle, high.
    pub interval: [u64; 3],
    /// The kind of host that it was measured on, as the attester states it.
    pub host: Box<str>,
    /// Its name for people.
    pub name: Box<str>,
}

/// Why a text is no baseline: the number of the line, from 1, and what was wanted there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the baseline: wanted {wanted}")]
pub struct BaselineError {
    /// The line.
    pub line: usize,
    /// What was wanted.
    pub wanted: &'static str,
}

impl NameSet {
    /// Makes a set of names in any order; the counts of equal identities add up, and the first name of each is kept.
    #[must_use]
    pub fn new(mut names: Vec<Kept>) -> Self {
        names.sort_unstable();
        names.dedup_by(|next, kept| {
            let same = next.identity == kept.identity;
            if same {
                kept.count = kept.count.saturating_add(next.count);
            }
            same
        });
        names.retain(|name| name.count > 0);
        Self(names)
    }

    /// Returns the names, by identity.
    #[must_use]
    pub fn names(&self) -> &[Kept] {
        &self.0
    }

    /// Returns how often an identity is there.
    #[must_use]
    pub fn count(&self, identity: &Digest) -> u64 {
        self.get(identity).map_or(0, |kept| kept.count)
    }

    /// Returns a name by its identity.
    #[must_use]
    pub fn get(&self, identity: &Digest) -> Option<&Kept> {
        self.0.binary_search_by(|kept| kept.identity.cmp(identity)).ok().map(|at| &self.0[at])
    }

    /// Returns how many there are, with multiplicity.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, kept| sum.saturating_add(kept.count))
    }

    /// Returns how many there are of each name for people, whatever their identities.
    #[must_use]
    pub fn copies(&self) -> BTreeMap<&str, u64> {
        let mut copies: BTreeMap<&str, u64> = BTreeMap::new();
        for kept in &self.0 {
            let count = copies.entry(&kept.name).or_default();
            *count = count.saturating_add(kept.count);
        }
        copies
    }

    /// Walks two sets side by side: each identity that either has, with its name here and there.
    pub fn beside<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (Option<&'a Kept>, Option<&'a Kept>)> {
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        std::iter::from_fn(move || match (ours.peek(), theirs.peek()) {
            (None, None) => None,
            (Some(_), None) => Some((ours.next(), None)),
            (None, Some(_)) => Some((None, theirs.next())),
            (Some(one), Some(other)) => match one.identity.cmp(&other.identity) {
                std::cmp::Ordering::Less => Some((ours.next(), None)),
                std::cmp::Ordering::Greater => Some((None, theirs.next())),
                std::cmp::Ordering::Equal => Some((ours.next(), theirs.next())),
            },
        })
    }
}

/// The unit of floors.
pub const HUNDREDTHS: &str = "0.01 %";

/// Returns a number of hundredths of a percent as percent.
#[must_use]
pub fn percent(hundredths: u64) -> String {
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// A name that is there more or less often than before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moved {
    /// `finding`, `measurement`, `name`, `picture` or `test`; of a number, `ceiling` or `floor`.
    pub what: &'static str,
    /// The name.
    pub name: String,
    /// How often it was there; of a floor or a ceiling, the number.
    pub before: u64,
    /// How often it is there.
    pub after: u64,
    /// What the numbers are in, of a measurement or a floor.
    pub unit: Option<String>,
}

impl Protected {
    /// Returns what is otherwise in what came after, of the kinds that it has.
    #[must_use]
    pub fn moved(&self, after: &Self) -> Vec<Moved> {
        let mut all = Vec::new();
        let none = NameSet::default();
        let kinds = [
            ("finding", &self.findings, &after.findings),
            ("name", &self.names, &after.names),
            ("test", &self.tests, &after.tests),
        ];
        for (what, old, new) in kinds {
            let Some(new) = new else { continue };
            for (old, new) in old.as_ref().unwrap_or(&none).beside(new) {
                let (before, after) = (old.map_or(0, |kept| kept.count), new.map_or(0, |kept| kept.count));
                let Some(any) = old.or(new).filter(|_| before != after) else { continue };
                all.push(Moved { what, name: any.name.to_string(), before, after, unit: None });
            }
        }
        let no_pictures = BTreeMap::new();
        if let Some(new) = &after.pictures {
            let old = self.pictures.as_ref().unwrap_or(&no_pictures);
            let names: std::collections::BTreeSet<&Box<str>> = old.keys().chain(new.keys()).collect();
            for name in names.into_iter().filter(|name| old.get(*name) != new.get(*name)) {
                let there = |pictures: &BTreeMap<Box<str>, Digest>| u64::from(pictures.contains_key(name));
                all.push(Moved {
                    what: "picture",
                    name: name.to_string(),
                    before: there(old),
                    after: there(new),
                    unit: None,
                });
            }
        }
        for (floor, number) in &after.floors {
            let before = self.floors.get(floor).copied().unwrap_or(0);
            if before != *number {
                all.push(Moved {
                    what: "floor",
                    name: floor.as_str().to_owned(),
                    before,
                    after: *number,
                    unit: Some(HUNDREDTHS.to_owned()),
                });
            }
        }
        for (ceiling, number) in &after.ceilings {
            let before = self.ceilings.get(ceiling).copied().unwrap_or(0);
            if before != *number {
                all.push(Moved {
                    what: "ceiling",
                    name: ceiling.as_str().to_owned(),
                    before,
                    after: *number,
                    unit: None,
                });
            }
        }
        let keys: std::collections::BTreeSet<&Digest> =
            self.measurements.keys().chain(after.measurements.keys()).collect();
        for key in keys {
            let (old, new) = (self.measurements.get(key), after.measurements.get(key));
            let middle = |measured: Option<&Measured>| measured.map_or(0, |measured| measured.interval[1]);
            let Some(any) = new.or(old).filter(|_| old != new) else { continue };
            let (before, after) = (middle(old), middle(new));
            all.push(Moved {
                what: "measurement",
                name: any.name.to_string(),
                before,
                after,
                unit: Some(any.unit.to_string()),
            });
        }
        all.sort();
        all
    }

    /// Returns whether nothing is protected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { tests, names, findings, pictures, floors, ceilings, measurements } = self;
        tests.is_none()
            && names.is_none()
            && findings.is_none()
            && pictures.is_none()
            && floors.is_empty()
            && ceilings.is_empty()
            && measurements.is_empty()
    }
}

impl Baseline {
    /// Prints the text; the same baseline has the same bytes.
    #[must_use]
    pub fn print(&self) -> String {
        let mut lines = Vec::new();
        for ((claim, variant), part) in &self.parts {
            let variant = variant.as_ref().map_or(NONE, Id::as_str);
            let at = format!("{claim} {variant}");
            let sets = [("finding", &part.findings), ("name", &part.names), ("test", &part.tests)];
            for (word, set) in sets {
                let Some(set) = set else { continue };
                // A set is there also while it is empty: no finding is known.
                lines.push(format!("{word}s {at} {}", set.0.len()));
                for Kept { identity, count, name } in &set.0 {
                    lines.push(format!("{word} {at} {identity} {count} {}", escaped(name)));
                }
            }
            if let Some(pictures) = &part.pictures {
                lines.push(format!("pictures {at} {}", pictures.len()));
                for (name, hash) in pictures {
                    lines.push(format!("picture {at} {hash} 1 {}", escaped(name)));
                }
            }
            for (floor, number) in &part.floors {
                lines.push(format!("floor {at} {} {number}", floor.as_str()));
            }
            for (ceiling, number) in &part.ceilings {
                lines.push(format!("ceiling {at} {} {number}", ceiling.as_str()));
            }
            for (identity, Measured { unit, better, interval: [low, middle, high], host, name }) in &part.measurements {
                let better = if *better == Better::Higher { "higher" } else { "lower" };
                let (unit, host, name) = (word(unit), word(host), escaped(name));
                lines.push(format!("measurement {at} {identity} {unit} {better} {low} {middle} {high} {host} {name}"));
            }
        }
        lines.sort_unstable();
        let previous = self.previous.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
        let mut text = format!("{HEADER}\nbranch {}\nprevious {previous}\n", self.branch);
        text.reserve(lines.iter().map(|line| line.len() + 1).sum());
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// Parses the text.
    ///
    /// # Errors
    /// If it is not in its one spelling.
    pub fn parse(text: &[u8]) -> Result<Self, BaselineError> {
        let whole = |wanted| BaselineError { line: 1, wanted };
        let text = str::from_utf8(text).ok().filter(|text| text.is_ascii()).ok_or_else(|| whole("ASCII"))?;
        let text = text.strip_suffix('\n').ok_or_else(|| whole("LF after the last line"))?;
        let mut lines = text.split('\n').enumerate();
        let mut head = |prefix: &str, wanted: &'static str| {
            let (index, line) = lines.next().unwrap_or((0, ""));
            line.strip_prefix(prefix).ok_or(BaselineError { line: index + 1, wanted })
        };
        if !head(HEADER, HEADER)?.is_empty() {
            return Err(whole(HEADER));
        }
        let branch = head("branch ", "branch <repository>:<ref>")?.to_owned();
        let previous = match head("previous ", "previous <sha256> or previous none")? {
            "none" => None,
            digest => {
                let wrong = BaselineError { line: 3, wanted: "previous <sha256> or previous none" };
                Some(digest.parse().map_err(|_| wrong)?)
            }
        };
        let mut parts: BTreeMap<(ClaimName, Option<Id>), Protected> = BTreeMap::new();
        let mut sets: BTreeMap<(&str, &str, &str), (usize, Vec<Kept>)> = BTreeMap::new();
        // The set of the line before: lines of one set follow each other.
        let (mut open, mut names) = (("", "", ""), Vec::new());
        let mut before = "";
        for (index, line) in lines {
            let wrong = |wanted| BaselineError { line: index + 1, wanted };
            if line <= before {
                return Err(wrong("lines sorted by bytes, each once"));
            }
            before = line;
            let mut words = line.splitn(4, ' ');
            let (Some(what), Some(claim), Some(variant), Some(rest)) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                return Err(wrong("<what> <claim> <variant> .."));
            };
            match what {
                "findings" | "names" | "pictures" | "tests" => {
                    let count = number(rest).and_then(|count| usize::try_from(count).ok());
                    let count = count.ok_or_else(|| wrong("the number of names"))?;
                    sets.entry((&what[..what.len() - 1], claim, variant)).or_default().0 = count;
                }
                "finding" | "name" | "picture" | "test" => {
                    let kept = kept(rest).ok_or_else(|| wrong("<identity> <count> <name>"))?;
                    if open != (what, claim, variant) {
                        close(&mut sets, open, &mut names);
                        open = (what, claim, variant);
                    }
                    names.push(kept);
                }
                "floor" => {
                    let (floor, at) = rest.split_once(' ').ok_or_else(|| wrong("<floor> <number>"))?;
                    let floor = Floor::of(floor);
                    let (floor, at) = floor.zip(number(at)).ok_or_else(|| wrong("<floor> <number>"))?;
                    let part = part(&mut parts, claim, variant).ok_or_else(|| wrong("ids"))?;
                    if part.floors.insert(floor, at).is_some() {
                        return Err(wrong("each floor once"));
                    }
                }
                "ceiling" => {
                    let (ceiling, at) = rest.split_once(' ').ok_or_else(|| wrong("<ceiling> <number>"))?;
                    let ceiling = Ceiling::of(ceiling);
                    let (ceiling, at) = ceiling.zip(number(at)).ok_or_else(|| wrong("<ceiling> <number>"))?;
                    let part = part(&mut parts, claim, variant).ok_or_else(|| wrong("ids"))?;
                    if part.ceilings.insert(ceiling, at).is_some() {
                        return Err(wrong("each ceiling once"));
                    }
                }
                "measurement" => {
                    let (identity, measured) = measured(rest).ok_or_else(|| wrong("a measurement"))?;
                    let part = part(&mut parts, claim, variant).ok_or_else(|| wrong("ids"))?;
                    if part.measurements.insert(identity, measured).is_some() {
                        return Err(wrong("each measurement once"));
                    }
                }
                _ => return Err(wrong("ceiling, finding, floor, measurement, name, picture or test")),
            }
        }
        close(&mut sets, open, &mut names);
        for ((what, claim, variant), (count, names)) in sets {
            let wrong = |wanted| BaselineError { line: 1, wanted };
            let is_pictures = what == "picture";
            if names.len() != count || !is_pictures && names.windows(2).any(|pair| pair[0].identity >= pair[1].identity)
            {
                return Err(wrong("as many different names as are said to be there"));
            }
            let part = part(&mut parts, claim, variant).ok_or_else(|| wrong("ids"))?;
            if is_pictures {
                let one = names.iter().all(|kept| kept.count == 1);
                let pictures: BTreeMap<Box<str>, Digest> =
                    names.into_iter().map(|kept| (kept.name, kept.identity)).collect();
                if !one || pictures.len() != count {
                    return Err(wrong("each picture once"));
                }
                part.pictures = Some(pictures);
                continue;
            }
            let set = match what {
                "finding" => &mut part.findings,
                "name" => &mut part.names,
                _ => &mut part.tests,
            };
            *set = Some(NameSet(names));
        }
        Ok(Self { branch, previous, parts })
    }
}

impl Floor {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Coverage, Self::Mutation];

    /// Returns the word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coverage => "coverage",
            Self::Mutation => "mutation",
        }
    }

    /// Returns the floor of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|floor| floor.as_str() == word)
    }
}

/// Puts the names that were read for a set to it.
fn close<'a>(
    sets: &mut BTreeMap<(&'a str, &'a str, &'a str), (usize, Vec<Kept>)>,
    set: (&'a str, &'a str, &'a str),
    names: &mut Vec<Kept>,
) {
    if !names.is_empty() {
        let (_, known) = sets.entry(set).or_default();
        debug_assert!(known.is_empty(), "lines of one set follow each other");
        *known = std::mem::take(names);
    }
}

impl Ceiling {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Skipped, Self::Flaky, Self::Suppressed, Self::TimedOut, Self::LeftOut, Self::Excluded];

    /// Returns the word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Flaky => "flaky",
            Self::Suppressed => "suppressed",
            Self::TimedOut => "timed-out",
            Self::LeftOut => "left-out",
            Self::Excluded => "excluded",
        }
    }

    /// Returns the ceiling of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ceiling| ceiling.as_str() == word)
    }

    /// Returns how many are counted, as people say it: `1 skipped test`.
    #[must_use]
    pub fn counted(self, count: u64) -> String {
        let (before, noun, after) = match self {
            Self::Skipped => ("skipped ", "test", ""),
            Self::Flaky => ("flaky ", "test", ""),
            Self::Suppressed => ("suppressed ", "finding", ""),
            Self::TimedOut => ("", "mutant", " noticed by time alone"),
            Self::LeftOut => ("", "mutant", " left out"),
            Self::Excluded => ("", "line", " excluded in the tool"),
        };
        format!("{count} {before}{noun}{}{after}", if count == 1 { "" } else { "s" })
    }
}

fn part<'a>(
    parts: &'a mut BTreeMap<(ClaimName, Option<Id>), Protected>,
    claim: &str,
    variant: &str,
) -> Option<&'a mut Protected> {
    let variant = if variant == NONE { None } else { Some(variant.parse().ok()?) };
    Some(parts.entry((claim.parse().ok()?, variant)).or_default())
}

fn kept(text: &str) -> Option<Kept> {
    let (identity, rest) = text.split_once(' ')?;
    let (count, name) = rest.split_once(' ')?;
    let count = number(count).filter(|count| *count > 0)?;
    Some(Kept { identity: identity.parse().ok()?, count, name: unescaped(name)?.into_boxed_str() })
}

fn measured(text: &str) -> Option<(Digest, Measured)> {
    let words: Vec<&str> = text.splitn(8, ' ').collect();
    let [identity, unit, better, low, middle, high, host, name] = words[..] else { return None };
    let better = match better {
        "higher" => Better::Higher,
        "lower" => Better::Lower,
        _ => return None,
    };
    let interval = [number(low)?, number(middle)?, number(high)?];
    let (unit, host, name) = (unword(unit)?, unword(host)?, unescaped(name)?);
    let measured = Measured { unit: unit.into(), better, interval, host: host.into(), name: name.into() };
    (interval[0] <= interval[1] && interval[1] <= interval[2]).then_some((identity.parse().ok()?, measured))
}

fn number(text: &str) -> Option<u64> {
    let one_spelling = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| one_spelling)
}

/// Writes bytes outside of printable ASCII, and `%`, as `%XX`.
fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'%' | 0..=0x1f | 0x7f.. => write!(text, "%{byte:02X}").expect("a string takes all"),
            _ => text.push(char::from(byte)),
        }
    }
    text
}

/// As [`escaped`], without spaces and never empty.
fn word(text: &str) -> String {
    if text.is_empty() { NONE.to_owned() } else { escaped(text).replace(' ', "%20") }
}

fn unescaped(text: &str) -> Option<String> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let (digits, after) = after.split_at_checked(2)?;
        let digits = str::from_utf8(digits).ok().filter(|digits| !digits.contains('+'))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    let name = String::from_utf8(bytes).ok()?;
    // One spelling: what needs no escape has none.
    (escaped(&name) == text).then_some(name)
}

fn unword(text: &str) -> Option<String> {
    if text == NONE {
        return Some(String::new());
    }
    let spaced = text.replace("%20", " ");
    unescaped(&spaced).filter(|name| word(name) == text)
}

const HEADER: &str = "evidence-baseline/v1";
/// Stands for no variant, no unit and no host: ids never begin so.
const NONE: &str = "-";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(byte: u8, count: u64, name: &str) -> Kept {
        Kept { identity: Digest([byte; 32]), count, name: name.into() }
    }

    fn baseline() -> Baseline {
        let tests = NameSet::new(vec![kept(2, 1, "s > b"), kept(1, 54, "s > ü %\n"), kept(2, 1, "s > b")]);
        let measured = Measured {
            unit: "ps".into(),
            better: Better::Lower,
            interval: [9, 10, 11],
            host: "linux x86".into(),
            name: "parse".into(),
        };
        let part = Protected {
            tests: Some(tests),
            findings: Some(NameSet::default()),
            pictures: Some([("login".into(), Digest([4; 32])), ("logout".into(), Digest([4; 32]))].into()),
            floors: [(Floor::Coverage, 8125)].into(),
            ceilings: [(Ceiling::Skipped, 3), (Ceiling::LeftOut, 0)].into(),
            measurements: [(Digest([7; 32]), measured)].into(),
            ..Protected::default()
        };
        let claim: ClaimName = "unit-tests".parse().unwrap();
        let parts = [((claim.clone(), None), part.clone()), ((claim, Some("linux".parse().unwrap())), part)].into();
        Baseline { branch: "shop:refs/heads/main".to_owned(), previous: Some(Digest([3; 32])), parts }
    }

    #[test]
    fn text_and_value_are_the_same() {
        let text = baseline().print();
        assert_eq!(Baseline::parse(text.as_bytes()).unwrap(), baseline());
        assert!(text.contains("test unit-tests - 0101010101010101010101010101010101010101010101010101010101010101 54 s > %C3%BC %25%0A\n"), "{text}");
        assert!(text.contains("test unit-tests linux 02") && text.contains(" 2 s > b\n"), "{text}");
        assert!(text.contains("findings unit-tests - 0\n"), "{text}");
        let first = Baseline { previous: None, parts: BTreeMap::new(), ..baseline() };
        assert_eq!(first.print(), "evidence-baseline/v1\nbranch shop:refs/heads/main\nprevious none\n");
        assert_eq!(Baseline::parse(first.print().as_bytes()).unwrap(), first);
    }

    #[test]
    fn any_other_spelling_is_refused() {
        let text = baseline().print();
        for (from, to) in [
            ("evidence-baseline/v1", "evidence-baseline/v2"),
            (" 54 ", " 054 "),
            (" 54 ", " 0 "),
            ("%C3", "%c3"),
            ("s > b", "s > %62"),
            ("s > b", "s >\tb"),
            ("s > b", "s > \x1b[1mb"),
            ("tests unit-tests - 2", "tests unit-tests - 1"),
            ("floor unit-tests - coverage", "floor unit-tests - speed"),
            ("ceiling unit-tests - skipped 3", "ceiling unit-tests - skipped 03"),
            ("ceiling unit-tests - skipped", "ceiling unit-tests - coverage"),
            ("ceiling unit-tests - skipped 3\n", "ceiling unit-tests - skipped 3\nceiling unit-tests - skipped 4\n"),
            (
                "floor unit-tests - coverage 8125\n",
                "floor unit-tests - coverage 8125\nfloor unit-tests - coverage 8126\n",
            ),
            (" lower 9 10 11 ", " lower 12 10 11 "),
            ("linux%20x86", "linux%20x86%2"),
            ("previous 03", "previous x3"),
            ("\nfloor", "\n\nfloor"),
        ] {
            assert!(text.contains(from), "{from}");
            let other = text.replacen(from, to, 1);
            assert!(Baseline::parse(other.as_bytes()).is_err(), "{from} -> {to}");
        }
        assert!(Baseline::parse(text.trim_end().as_bytes()).is_err());
    }

    #[test]
    fn sets_are_walked_side_by_side() {
        let one = NameSet::new(vec![kept(1, 1, "a"), kept(3, 1, "c")]);
        let other = NameSet::new(vec![kept(2, 1, "b"), kept(3, 2, "c")]);
        let shown: Vec<(u64, u64)> = one
            .beside(&other)
            .map(|(one, other)| (one.map_or(0, |kept| kept.count), other.map_or(0, |kept| kept.count)))
            .collect();
        assert_eq!(shown, [(1, 0), (0, 1), (1, 2)]);
        assert_eq!((other.total(), other.count(&Digest([3; 32]))), (3, 2));
    }

    proptest! {
        #[test]
        fn names_of_any_bytes_come_back(name in ".*", host in ".*") {
            let mut baseline = baseline();
            let part = baseline.parts.values_mut().next().unwrap();
            part.names = Some(NameSet::new(vec![kept(9, 1, &name)]));
            part.measurements.values_mut().next().unwrap().host = host.into();
            let host = &baseline.parts.values().next().unwrap().measurements.values().next().unwrap().host;
            // A host that is called like none is none.
            prop_assume!(&**host != "-");
            prop_assert_eq!(Baseline::parse(baseline.print().as_bytes()).unwrap(), baseline);
        }

        #[test]
        fn no_text_breaks_the_parser(text in "(evidence-baseline/v1\nbranch a:b\nprevious none\n)?(test a - [0-9a-f]{0,64} [0-9]{0,2} .{0,9}\n|.{0,20}\n)*") {
            if let Ok(baseline) = Baseline::parse(text.as_bytes()) {
                prop_assert_eq!(baseline.print(), text);
            }
        }
    }
}
