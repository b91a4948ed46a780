//! The rule of ratchets: what the branch protects is still there and not worse; and what the branch protects after the merge.
//!
//! Keep sets (tests, names of a surface, pictures) may not shrink, cap sets (findings) may not grow, floors may not fall, ceilings
//! (counts of what is skipped, flaky, silenced, left out) may not rise, and measurements may not get worse beyond the tolerance. What an exception retires or admits is shown as that, and never as passed.
//! The next baseline is a function of the one before it, the facts that count and the exceptions, and of nothing else: whoever
//! holds them computes it again ([`next_baseline`]).

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::attachments::Pictures;
use super::branch::Ground;
use super::code::Code;
use super::exceptions::Taken;
use super::judge::Bench;
use super::limits::Numbers;
use super::measurements::{Worse, least, measured, worse};
use super::now::Now;
use super::surface::Told;
use super::telling::{counted, told};
use super::verdict::{Decided, Finding};
use crate::model::{ClaimName, Digest, Id};
use crate::policy::{
    Baseline, BaselineRule, Ceiling, Claim, Floor, FloorRule, Kept, Measured, MeasurementLimits, MeasurementRule,
    NameSet, Protected, Surface, percent,
};
use crate::reports::Better;

/// What comparing with the baseline came to, for one kind of thing that a requirement protects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    /// `tests`, `names`, `new-names`, `findings`, `pictures`, `measurements`, or the word of a floor or a ceiling.
    pub what: &'static str,
    /// The variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<Id>,
    /// The merge whose baseline it is; none where there is none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<u64>,
    /// How many the baseline has; of a floor, its hundredths of a percent; of a ceiling, the most that there may be.
    pub of: u64,
    /// How many of them are there and pass; of a floor or a ceiling, what was reached.
    pub held: u64,
    /// How many join.
    pub joined: u64,
    /// How many are lost, new or worse, and allowed by nobody.
    pub against: u64,
    /// Some of those, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// What exceptions allow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Allowed>,
}

/// A name that an exception retires or admits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Allowed {
    /// The name.
    pub name: String,
    /// The name that came in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How far the exception lets a number go: `down to 89.00 %`, `up to 500`, `up to 25 % worse`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The exception's record.
    pub serial: u64,
    /// Its id.
    pub id: Id,
    /// Who signed it.
    pub by: Vec<String>,
    /// Why.
    pub reason: String,
}

/// What a requirement that is met brings to the branch's baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gain {
    claim: ClaimName,
    variant: Option<Id>,
    /// What is there now, of each kind that the policy protects.
    now: Protected,
    /// Identities that may go.
    retired: BTreeSet<Digest>,
    /// Names of pictures that may go.
    gone: BTreeSet<Box<str>>,
    /// Floors that may fall.
    lowered: BTreeSet<Floor>,
    /// Ceilings that may rise.
    raised: BTreeSet<Ceiling>,
    /// Findings and names that may come.
    admitted: BTreeSet<Digest>,
    /// Whether measurements follow what got better.
    tighten: bool,
}

/// Holds what the reports of a variant show against the baseline.
pub(super) fn check(
    bench: &Bench<'_>,
    name: &ClaimName,
    variant: Option<&Id>,
    claim: &Claim,
    numbers: &Numbers,
    pictures: Pictures,
    findings: &mut Vec<Finding>,
) -> Option<(Vec<Compared>, Gain)> {
    if !claim.asks_baseline() {
        return None;
    }
    let (merge, old) = match bench.ground {
        Ground::First => (None, None),
        Ground::At(serial, baseline) => (Some(serial), baseline.parts.get(&(name.clone(), variant.cloned()))),
        Ground::Unknown => return None,
        Ground::NotAsked => {
            let found = "nobody read what the branch protects";
            findings.push(Finding::new(Code::NO_BASELINE, name.as_str(), found, "the baseline of the branch"));
            return None;
        }
    };
    if let Some(serial) = numbers.unread() {
        let found =
            format!("a report of record {serial} is not there, and its names cannot be held against the baseline");
        findings.push(Finding::new(Code::NO_MATERIAL, name.as_str(), found, "every report that shows names"));
        return None;
    }
    let host = numbers.host();
    let now = Now::of(numbers);
    let measured = measured(numbers, &host);
    let mut comparing = Comparing {
        bench,
        name,
        merge,
        variant,
        findings,
        shown: Vec::new(),
        retired: BTreeSet::new(),
        gone: BTreeSet::new(),
        lowered: BTreeSet::new(),
        raised: BTreeSet::new(),
        admitted: BTreeSet::new(),
    };
    let mut protected = Protected::default();
    if let Some(BaselineRule::Keep) = claim.tests.as_ref().and_then(|limits| limits.baseline) {
        comparing.keep("tests", old.and_then(|old| old.tests.as_ref()), &now.tests, &now.not_passing);
        protected.tests = Some(now.tests);
    }
    if let Some(limits) = &claim.names {
        let old = old.and_then(|old| old.names.as_ref());
        if limits.baseline.is_some() || limits.surface.is_some() {
            comparing.keep("names", old.filter(|_| limits.baseline.is_some()), &now.names, &BTreeSet::new());
        }
        if let (Some(Surface::Tested), Some(old)) = (limits.surface, old) {
            comparing.tested(old, &now.names);
        }
        if let (Some(most), Some(old)) = (limits.new_max, old) {
            comparing.cap("new-names", "name", Some(old), &now.names, most);
        }
        protected.names = Some(now.names);
    }
    if let Some(most) = claim.findings.as_ref().and_then(|limits| limits.new_max) {
        let old = old.and_then(|old| old.findings.as_ref());
        comparing.cap("findings", "finding", old, &now.findings, most);
        if !comparing.looked(old, numbers) {
            // Nobody is told that there are no more where nobody looked.
            comparing.shown.retain(|it| it.what != "findings");
        }
        protected.findings = Some(now.findings);
    }
    if claim.attachments.as_ref().is_some_and(|limits| limits.baseline.is_some()) {
        comparing.pictures(old.and_then(|old| old.pictures.as_ref()), &pictures);
        protected.pictures = Some(pictures.now);
    }
    let floors = [
        (Floor::Coverage, claim.coverage.as_ref().and_then(|limits| limits.baseline), numbers.coverage_floor()),
        (Floor::Mutation, claim.mutation.as_ref().and_then(|limits| limits.baseline), numbers.mutation_floor()),
    ];
    for (floor, rule, number) in floors {
        let (Some(FloorRule::Floor), Some(number)) = (rule, number) else { continue };
        comparing.floor(floor, old.and_then(|old| old.floors.get(&floor).copied()), number);
        protected.floors.insert(floor, number);
    }
    for ceiling in claim.ceilings() {
        let Some(count) = numbers.counted(ceiling) else { continue };
        comparing.ceiling(ceiling, old.and_then(|old| old.ceilings.get(&ceiling).copied()), count);
        protected.ceilings.insert(ceiling, count);
    }
    if let Some(limits) = &claim.measurements {
        comparing.measurements(limits, old.map(|old| &old.measurements), &measured);
        protected.measurements = measured;
    }
    let Comparing { shown, retired, gone, lowered, raised, admitted, .. } = comparing;
    let tighten = claim.measurements.as_ref().is_some_and(|limits| limits.baseline == MeasurementRule::Tighten);
    let gain = Gain {
        claim: name.clone(),
        variant: variant.cloned(),
        now: protected,
        retired,
        gone,
        lowered,
        raised,
        admitted,
        tighten,
    };
    Some((shown, gain))
}

struct Comparing<'a, 'b> {
    bench: &'a Bench<'b>,
    name: &'a ClaimName,
    variant: Option<&'a Id>,
    merge: Option<u64>,
    findings: &'a mut Vec<Finding>,
    shown: Vec<Compared>,
    retired: BTreeSet<Digest>,
    gone: BTreeSet<Box<str>>,
    lowered: BTreeSet<Floor>,
    raised: BTreeSet<Ceiling>,
    admitted: BTreeSet<Digest>,
}

impl Comparing<'_, '_> {
    fn blank(&self, what: &'static str) -> Compared {
        Compared {
            what,
            variant: self.variant.cloned(),
            merge: self.merge,
            of: 0,
            held: 0,
            joined: 0,
            against: 0,
            names: Vec::new(),
            allowed: Vec::new(),
        }
    }

    fn thing(&self) -> String {
        self.variant.map_or_else(|| self.name.to_string(), |variant| format!("{} ({variant})", self.name))
    }

    fn of_merge(&self) -> String {
        self.merge.map_or_else(|| "the baseline".to_owned(), |serial| format!("the baseline that record {serial} left"))
    }

    /// A keep set: what it has must be there, as often as it was, and pass.
    fn keep(&mut self, what: &'static str, old: Option<&NameSet>, now: &NameSet, not_passing: &BTreeSet<Digest>) {
        let mut compared = self.blank(what);
        let none = NameSet::default();
        let known = old.unwrap_or(&none);
        compared.of = known.total();
        let (mut first, mut joined) = (None, None);
        for (before, after) in known.beside(now) {
            let count = after.map_or(0, |kept| kept.count);
            let Some(before) = before else {
                compared.joined = compared.joined.saturating_add(count);
                continue;
            };
            compared.held = compared.held.saturating_add(count.min(before.count));
            compared.joined = compared.joined.saturating_add(count.saturating_sub(before.count));
            if count >= before.count {
                continue;
            }
            let retired = self.bench.exceptions.retires(self.name, &before.name);
            let retired = retired.map(|taken| Allowed::new(&before.name, None, taken));
            if let Some(allowed) = retired.or_else(|| self.renamed(before, known, now, &mut joined)) {
                self.retired.insert(before.identity);
                compared.allowed.push(allowed);
                continue;
            }
            compared.against += 1;
            first.get_or_insert_with(|| before.name.to_string());
            if compared.names.len() < NAMES_SHOWN_MAX {
                let how = match count {
                    _ if not_passing.contains(&before.identity) => "does not pass".to_owned(),
                    0 => "is gone".to_owned(),
                    left => format!("{left} of {} are left", before.count),
                };
                compared.names.push(format!("{} ({how})", before.name));
            }
        }
        if let Some(first) = first {
            let found = format!(
                "{} of {} {what} of {} are not kept: {}",
                compared.against,
                compared.of,
                self.of_merge(),
                list(&compared)
            );
            let wanted = format!("all of them{}, or retired", if what == "tests" { " there and passing" } else { "" });
            let finding = Finding::new(Code::LOST_NAME, self.thing(), found, wanted);
            self.findings.push(self.bench.mended_by_leave(finding, "retire", self.name, &first, None));
        }
        if old.is_none() {
            compared.joined = now.total();
        }
        self.shown.push(compared);
    }

    /// Returns the exception by which a name became another one that is there as often, and passes.
    ///
    /// Only what joined under that name counts, and each of it once: `joined` is how much of each name no other one became yet,
    /// made for the first that asks.
    fn renamed<'s>(
        &self,
        before: &Kept,
        known: &NameSet,
        now: &'s NameSet,
        joined: &mut Option<BTreeMap<&'s str, u64>>,
    ) -> Option<Allowed> {
        let mut renames = self.bench.exceptions.renames(self.name, &before.name);
        renames.find_map(|(exception, to)| {
            let joined = joined.get_or_insert_with(|| {
                let mut joined = now.copies();
                for (name, count) in known.copies() {
                    if let Some(joined) = joined.get_mut(name) {
                        *joined = joined.saturating_sub(count);
                    }
                }
                joined
            });
            let left = joined.get_mut(to).filter(|left| **left >= before.count)?;
            *left -= before.count;
            Some(Allowed::new(&before.name, Some(to.to_owned()), exception))
        })
    }

    /// Pictures that were merged must be there under their names. What of them changed and nobody has seen is a finding already, and is
    /// counted here.
    fn pictures(&mut self, old: Option<&BTreeMap<Box<str>, Digest>>, pictures: &Pictures) {
        let Pictures { now, unseen } = pictures;
        let mut compared = self.blank("pictures");
        let none = BTreeMap::new();
        let known = old.unwrap_or(&none);
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        compared.of = count(known.len());
        compared.joined = count(now.keys().filter(|name| !known.contains_key(*name)).count());
        let mut gone = Vec::new();
        for (name, before) in known {
            let is = now.get(name);
            if is.is_some() && unseen.contains(name) {
                compared.against += 1;
                compared.names.push(format!("{name} (is another one)"));
            } else if is == Some(before) {
                compared.held += 1;
            } else if let Some(taken) = self.bench.exceptions.retires(self.name, name) {
                self.gone.insert(name.clone());
                compared.allowed.push(Allowed::new(name, None, taken));
            } else if is.is_some() {
                compared.held += 1;
            } else {
                compared.against += 1;
                compared.names.push(format!("{name} (is gone)"));
                gone.push(&**name);
            }
        }
        if let Some(first) = gone.first() {
            let found = format!(
                "{} of {} pictures of {} are gone: {}",
                gone.len(),
                compared.of,
                self.of_merge(),
                told(gone.iter().copied(), gone.len())
            );
            let finding = Finding::new(Code::LOST_NAME, self.thing(), found, "all of them, or retired");
            self.findings.push(self.bench.mended_by_leave(finding, "retire", self.name, first, None));
        }
        self.shown.push(compared);
    }

    /// A tool that found something that is known must have looked again: that it finds nothing must not be that it did not run.
    fn looked(&mut self, old: Option<&NameSet>, numbers: &Numbers) -> bool {
        let ran: BTreeSet<&str> = numbers.reports().flat_map(|report| &report.tools).map(String::as_str).collect();
        let is_of = |name: &str, tool: &str| {
            tool.is_empty() || name.strip_prefix(tool).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        let known = old.into_iter().flat_map(NameSet::names);
        let gone = known.filter(|kept| !ran.iter().any(|tool| is_of(&kept.name, tool)));
        let gone: Vec<&Kept> =
            gone.filter(|kept| self.bench.exceptions.retires(self.name, &kept.name).is_none()).collect();
        let Some(first) = gone.first() else { return true };
        let found = format!(
            "{} of {} {} of a tool of which no report shows that it looked: {}",
            counted(gone.len(), "finding"),
            self.of_merge(),
            if gone.len() == 1 { "is" } else { "are" },
            first.name
        );
        let wanted = "a report of each tool that has findings there, or its findings retired";
        self.findings.push(Finding::new(Code::NO_FACTS, self.thing(), found, wanted));
        false
    }

    /// A cap set: nothing may come but so much, or what somebody admits.
    fn cap(&mut self, shown: &'static str, what: &str, old: Option<&NameSet>, now: &NameSet, most: u64) {
        let mut compared = self.blank(shown);
        // Where nothing was merged yet, what is there begins the baseline.
        if let Some(known) = old {
            compared.of = known.total();
            let copies = LazyCell::new(|| now.copies());
            let mut first = None;
            for (before, after) in known.beside(now) {
                let had = before.map_or(0, |kept| kept.count);
                let Some(after) = after else { continue };
                compared.held = compared.held.saturating_add(after.count.min(had));
                let more = after.count.saturating_sub(had);
                if more == 0 {
                    continue;
                }
                let all = copies.get(&*after.name).copied().unwrap_or(after.count);
                if let Some(taken) = self.bench.exceptions.admits(self.name, &after.name, all) {
                    self.admitted.insert(after.identity);
                    compared.allowed.push(Allowed::new(&after.name, None, taken));
                    continue;
                }
                compared.against = compared.against.saturating_add(more);
                first.get_or_insert_with(|| (after.name.to_string(), (all > 1).then(|| all.to_string())));
                if compared.names.len() < NAMES_SHOWN_MAX {
                    compared.names.push(after.name.to_string());
                }
            }
            if let Some((first, all)) = first.filter(|_| compared.against > most) {
                let found = format!(
                    "{} {} not in {}: {}",
                    counted(compared.against, what),
                    if compared.against == 1 { "is" } else { "are" },
                    self.of_merge(),
                    list(&compared)
                );
                let finding = Finding::new(Code::NEW_NAME, self.thing(), found, format!("at most {most}, or admitted"));
                self.findings.push(self.bench.mended_by_leave(finding, "admit", self.name, &first, all.as_deref()));
            }
        } else {
            compared.joined = now.total();
        }
        self.shown.push(compared);
    }

    /// What joins a surface must be named by a test that passes.
    fn tested(&mut self, old: &NameSet, now: &NameSet) {
        let joined = old.beside(now).filter_map(|(before, after)| after.filter(|_| before.is_none()));
        let tests = Told::new(self.bench.told_tests());
        // More names at once are not looked for: looking takes names times tests.
        let untested: Vec<&Kept> = joined
            .enumerate()
            .filter(|(at, kept)| *at >= JOINED_MAX || !tests.tells(&kept.name))
            .map(|it| it.1)
            .collect();
        if untested.is_empty() {
            return;
        }
        let names = told(untested.iter().map(|kept| &*kept.name), untested.len());
        let found = format!(
            "{} {} untested: {names}",
            counted(untested.len(), "name"),
            if untested.len() == 1 { "joins" } else { "join" }
        );
        let wanted = "a test of this change that passes and has the name as whole words in its own, or a criterion of its plan that has it";
        let finding = Finding::new(Code::UNTESTED_NAME, self.thing(), found, wanted);
        // The surface is as it is: what lacks is a test, in a claim that shows some.
        self.findings.push(match self.bench.shows_tests() {
            Some((name, claim)) => finding.mended_by(
                &["evidence", "attest", name.as_str(), "--report", "FILE", "--", "CMD"],
                Some(claim.by.as_str()),
            ),
            None => finding,
        });
    }

    fn floor(&mut self, floor: Floor, old: Option<u64>, now: u64) {
        let what = floor.as_str();
        let mut compared = self.blank(what);
        (compared.of, compared.held) = (old.unwrap_or(0), now);
        let lowered = old.filter(|old| now < *old).and_then(|_| self.bench.exceptions.lowers(self.name, floor, now));
        if let Some(taken) = lowered {
            self.lowered.insert(floor);
            compared.allowed.push(Allowed::new(what, None, taken));
        } else if let Some(old) = old.filter(|old| now < *old) {
            compared.against = 1;
            let found = format!("{what} is {}", percent(now));
            let wanted = format!("at least {}, as in {}, or retired", percent(old), self.of_merge());
            let finding = Finding::new(Code::BELOW_FLOOR, self.thing(), found, wanted);
            let to = percent(now).replace(' ', "");
            self.findings.push(self.bench.mended_by_leave(finding, "retire", self.name, what, Some(&to)));
        }
        self.shown.push(compared);
    }

    /// A count that may not grow, but where somebody admits it.
    fn ceiling(&mut self, ceiling: Ceiling, old: Option<u64>, now: u64) {
        let what = ceiling.as_str();
        let mut compared = self.blank(what);
        compared.held = now;
        match old {
            // What is counted first begins the baseline.
            None => compared.merge = None,
            Some(most) => {
                compared.of = most;
                let raised = self.bench.exceptions.raises(self.name, ceiling, now);
                if let Some(taken) = raised.filter(|_| now > most) {
                    self.raised.insert(ceiling);
                    compared.allowed.push(Allowed::new(what, None, taken));
                } else if now > most {
                    compared.against = now - most;
                    let found = ceiling.counted(now);
                    let wanted = format!("at most {most}, as in {}, or admitted", self.of_merge());
                    let finding = Finding::new(Code::ABOVE_CEILING, self.thing(), found, wanted);
                    let to = now.to_string();
                    self.findings.push(self.bench.mended_by_leave(finding, "admit", self.name, what, Some(&to)));
                }
            }
        }
        self.shown.push(compared);
    }

    /// Measurements must be there, on a like host, and not worse beyond the tolerance for certain.
    fn measurements(
        &mut self,
        limits: &MeasurementLimits,
        old: Option<&BTreeMap<Digest, Measured>>,
        now: &BTreeMap<Digest, Measured>,
    ) {
        let mut compared = self.blank("measurements");
        let none = BTreeMap::new();
        let known = old.unwrap_or(&none);
        compared.of = u64::try_from(known.len()).unwrap_or(u64::MAX);
        compared.joined = u64::try_from(now.keys().filter(|key| !known.contains_key(*key)).count()).unwrap_or(u64::MAX);
        let (mut first, mut any) = (None, false);
        for (identity, before) in known {
            let (told, kind) = match now.get(identity) {
                None => ("is gone".to_owned(), Worse::Gone),
                Some(after) => match worse(before, after, limits.tolerance) {
                    Some(told) => told,
                    None => {
                        compared.held += 1;
                        continue;
                    }
                },
            };
            let after = now.get(identity).filter(|_| !matches!(kind, Worse::Gone | Worse::Unlike));
            let taken = match after {
                // What cannot be held against it is gone: another begins.
                None => self.bench.exceptions.retires(self.name, &before.name),
                Some(after) => {
                    let mut all = self.bench.exceptions.worsens(self.name, &before.name);
                    all.find(|(_, percent)| worse(before, after, *percent).is_none()).map(|(taken, _)| taken)
                }
            };
            if let Some(taken) = taken {
                self.retired.insert(*identity);
                compared.allowed.push(Allowed::new(&before.name, None, taken));
                continue;
            }
            compared.against += 1;
            any = true;
            let to = match kind {
                Worse::Gone => Some(None),
                Worse::Surely => after.and_then(|after| least(before, after)).map(|least| Some(format!("{least}%"))),
                // Measuring again tells more than any exception.
                Worse::Unlike | Worse::Perhaps => None,
            };
            first = first.or_else(|| to.map(|to| (before.name.to_string(), to)));
            if compared.names.len() < NAMES_SHOWN_MAX {
                compared.names.push(format!("{} ({told})", before.name));
            }
        }
        if any {
            let found = format!(
                "{} of {} measurements of {}: {}",
                compared.against,
                compared.of,
                self.of_merge(),
                list(&compared)
            );
            let wanted =
                format!("all of them on a like host, and for certain not {} % worse, or retired", limits.tolerance);
            let finding = Finding::new(Code::SLOWER, self.thing(), found, wanted);
            self.findings.push(match first {
                Some((first, to)) => self.bench.mended_by_leave(finding, "retire", self.name, &first, to.as_deref()),
                None => finding,
            });
        }
        self.shown.push(compared);
    }
}

impl Allowed {
    fn new(name: &str, to: Option<String>, taken: &Taken) -> Self {
        let Taken { serial, id, by, reason, .. } = taken;
        let (name, by, reason) = (name.to_owned(), by.clone(), reason.clone());
        let limit = taken.far().map(|far| far.to_string());
        Self { name, to, limit, serial: *serial, id: id.clone(), by, reason }
    }
}

impl Compared {
    /// Returns one line for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { what, of, held, joined, against, allowed, .. } = self;
        let first = self.merge.is_none();
        let begin = |count: u64| if count == 1 { "begins" } else { "begin" };
        let all = |count: u64| counted(count, noun(what).strip_suffix('s').unwrap_or(what));
        let ceiling = Ceiling::ALL.into_iter().find(|ceiling| ceiling.as_str() == *what);
        let counted = ceiling.map(|ceiling| match first {
            true => format!("{} {} the baseline", ceiling.counted(*held), begin(*held)),
            false => format!("{} (ceiling {of})", ceiling.counted(*held)),
        });
        let mut text = counted.unwrap_or_else(|| match *what {
            "findings" | "new-names" if first => format!("{} {} the baseline", all(*joined), begin(*joined)),
            "findings" | "new-names" => format!("{} beyond the {of} of the baseline", all(*against)),
            "coverage" | "mutation" if *of == 0 => format!("{what} {} begins the baseline", percent(*held)),
            "coverage" | "mutation" => format!("{what} {} (baseline {})", percent(*held), percent(*of)),
            _ if first || *of == 0 => format!("{} {} the baseline", all(*joined), begin(*joined)),
            _ => format!("{held} of {of} baseline {}", noun(what)) + if *what == "tests" { " pass" } else { "" },
        });
        if *what == "pictures" && *against > 0 {
            text.push_str(&format!(": {}", list(self)));
        }
        if !first && *of > 0 && *joined > 0 {
            text.push_str(&format!(", {joined} joined"));
        }
        if let Some(one) = allowed.first() {
            let word =
                if matches!(*what, "findings" | "new-names") || ceiling.is_some() { "admitted" } else { "retired" };
            let limit = one.limit.as_ref().map_or_else(String::new, |limit| format!(" {limit}"));
            let by = format!("by {}: {:?}", one.by.join(" and "), one.reason);
            let same = allowed.iter().filter(|other| other.id == one.id && other.serial == one.serial).count();
            text.push_str(&match allowed.len() - same {
                0 => format!(", {same} {word}{limit} {by}"),
                others => format!(", {} {word}, {same} of them{limit} {by}, {others} otherwise", allowed.len()),
            });
        }
        text
    }
}

fn noun(what: &str) -> &str {
    if what == "new-names" { "names" } else { what }
}

/// Returns the baseline that a merge of these verdicts leaves on a branch, whose newest is `newest` with its hash.
#[must_use]
pub fn next_baseline(branch: &str, newest: Option<(Digest, &Baseline)>, merged: &[&Decided]) -> Baseline {
    let mut parts = newest.map_or_else(BTreeMap::new, |(_, baseline)| baseline.parts.clone());
    for gain in merged.iter().flat_map(|decided| decided.gains()) {
        let key = (gain.claim.clone(), gain.variant.clone());
        let part = gain.applied(parts.get(&key));
        match part.is_empty() {
            true => parts.remove(&key),
            false => parts.insert(key, part),
        };
    }
    match newest {
        // A merge that moves nothing leaves the very baseline that was there.
        Some((_, before)) if before.parts == parts && before.branch == branch => before.clone(),
        _ => Baseline { branch: branch.to_owned(), previous: newest.map(|(digest, _)| digest), parts },
    }
}

impl Gain {
    /// Returns what is protected after this, where that was protected before.
    fn applied(&self, old: Option<&Protected>) -> Protected {
        let mut next = old.cloned().unwrap_or_default();
        let Self { now, retired, gone, lowered, raised, admitted, tighten, .. } = self;
        let grown = |old: Option<&NameSet>, now: &NameSet| {
            let none = NameSet::default();
            let kept = old.unwrap_or(&none).beside(now).filter_map(|(before, after)| {
                let (had, has) = (before.map_or(0, |kept| kept.count), after.map_or(0, |kept| kept.count));
                let any = before.or(after)?;
                let count = if retired.contains(&any.identity) { has } else { had.max(has) };
                Some(Kept { count, ..any.clone() })
            });
            NameSet::new(kept.collect())
        };
        if let Some(now) = &now.tests {
            next.tests = Some(grown(next.tests.as_ref(), now));
        }
        if let Some(now) = &now.names {
            next.names = Some(grown(next.names.as_ref(), now));
        }
        if let Some(now) = &now.pictures {
            let mut pictures = next.pictures.take().unwrap_or_default();
            pictures.retain(|name, _| !gone.contains(name));
            pictures.extend(now.iter().map(|(name, hash)| (name.clone(), *hash)));
            next.pictures = Some(pictures);
        }
        if let Some(now) = &now.findings {
            next.findings = Some(match &next.findings {
                None => now.clone(),
                Some(old) => {
                    let kept = old.beside(now).filter_map(|(before, after)| {
                        let (had, has) = (before.map_or(0, |kept| kept.count), after.map_or(0, |kept| kept.count));
                        let any = before.or(after)?;
                        let count = if admitted.contains(&any.identity) { has } else { had.min(has) };
                        Some(Kept { count, ..any.clone() })
                    });
                    NameSet::new(kept.collect())
                }
            });
        }
        for (floor, number) in &now.floors {
            let fallen = lowered.contains(floor);
            next.floors
                .entry(*floor)
                .and_modify(|old| *old = if fallen { *number } else { (*old).max(*number) })
                .or_insert(*number);
        }
        for (ceiling, number) in &now.ceilings {
            let risen = raised.contains(ceiling);
            next.ceilings
                .entry(*ceiling)
                .and_modify(|old| *old = if risen { *number } else { (*old).min(*number) })
                .or_insert(*number);
        }
        next.measurements.retain(|identity, _| !retired.contains(identity));
        for (identity, measured) in &now.measurements {
            let known = next.measurements.entry(*identity).or_insert_with(|| measured.clone());
            let better = match known.better {
                Better::Lower => measured.interval[2] < known.interval[0],
                Better::Higher => measured.interval[0] > known.interval[2],
            };
            if *tighten && better {
                known.clone_from(measured);
            }
        }
        next
    }

    /// Returns the claim and the variant.
    #[must_use]
    pub const fn of(&self) -> (&ClaimName, Option<&Id>) {
        (&self.claim, self.variant.as_ref())
    }

    /// Returns what is there now.
    #[must_use]
    pub const fn now(&self) -> &Protected {
        &self.now
    }
}

fn list(compared: &Compared) -> String {
    told(compared.names.iter().map(String::as_str), usize::try_from(compared.against).unwrap_or(usize::MAX))
}

/// So many names stand in the JSON of a verdict.
const NAMES_SHOWN_MAX: usize = 100;
/// More names that join at once count as untested.
const JOINED_MAX: usize = 2_000;

#[cfg(test)]
mod tests;
