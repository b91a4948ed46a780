//! How far an exception lets a number go: read from the command line, demanded where a number is named, and held against what the
//! change shows, so that nobody signs what helps nothing without a word.

use super::allow::HowArgs;
use super::args::{ChangeArgs, ExplainArgs};
use super::baseline::{branch_name, newest};
use super::context::Context;
use super::fail::Fail;
use super::verify::{decide_proven, plain};
use crate::export::command_line;
use crate::model::{ClaimName, Effect};
use crate::policy::{Baseline, Ceiling, Exceptions, Floor, Measured, NameSet, Protected, is_number, wildcard_matches};
use crate::verify::{Decided, least};

/// What the branch protects and what the change shows, as far as it can be told.
pub(super) struct Shown {
    decided: Option<Decided>,
    baseline: Option<Baseline>,
}

impl Shown {
    /// `of` names the change, if the exception is about one.
    pub(super) fn of(context: &Context, of: Option<&ChangeArgs>) -> Self {
        let decided = of.and_then(|of| decide_proven(context, &ExplainArgs { name: None, of: of.clone() }).ok());
        let branch = branch_name(context, of.and_then(|of| of.target.as_deref())).ok();
        let newest = branch.and_then(|branch| newest(context, &branch).ok().flatten());
        Self { decided: decided.map(|(decided, _)| decided), baseline: newest.map(|(_, _, baseline)| baseline) }
    }

    /// Returns what each variant of a claim shows.
    fn now(&self, claim: &ClaimName) -> impl Iterator<Item = &Protected> {
        let all = self.decided.iter().flat_map(|decided| decided.shown());
        all.filter(move |gain| gain.of().0 == claim).map(|gain| gain.now())
    }

    /// Returns what the branch protects of each variant of a claim.
    fn before(&self, claim: &ClaimName) -> impl Iterator<Item = &Protected> {
        let all = self.baseline.iter().flat_map(|baseline| &baseline.parts);
        all.filter(move |((name, _), _)| name == claim).map(|(_, part)| part)
    }

    /// Returns how far the number of this word is now, as `--to` takes it.
    fn number(&self, claim: &ClaimName, word: &str) -> Option<String> {
        if let Some(floor) = Floor::of(word) {
            let least = self.now(claim).filter_map(|now| now.floors.get(&floor)).min()?;
            return Some(format!("{}.{:02}%", least / 100, least % 100));
        }
        let ceiling = Ceiling::of(word)?;
        self.now(claim).filter_map(|now| now.ceilings.get(&ceiling)).max().map(ToString::to_string)
    }

    /// Returns a measurement that a pattern names and that is worse now, with how many percent would have to be allowed.
    fn slower(&self, claim: &ClaimName, names: &[String]) -> Option<(&Measured, u64)> {
        let decided = self.decided.as_ref()?;
        let of_claim = decided.verdict().requirements.iter().filter(|requirement| requirement.claim == *claim);
        let told = of_claim.flat_map(|requirement| &requirement.baseline).filter(|it| it.what == "measurements");
        let told: Vec<&String> = told.flat_map(|compared| &compared.names).collect();
        let all = self.before(claim).flat_map(|before| &before.measurements);
        let mut all = all.filter(|(_, before)| names.iter().any(|name| wildcard_matches(name, &before.name)));
        all.find_map(|(identity, before)| {
            told.iter().find(|told| told.starts_with(&format!("{} (", before.name)))?;
            let now = self.now(claim).filter_map(|now| now.measurements.get(identity));
            let now = now.filter(|now| now.unit == before.unit && now.host == before.host);
            Some((before, now.filter_map(|now| least(before, now)).max()?))
        })
    }
}

/// Reads how far a number may go.
pub(super) fn read(effect: Effect, names: &[String], to: Option<&str>) -> Result<Option<u64>, Fail> {
    let Some(text) = to else { return Ok(None) };
    let floors = names.iter().filter(|name| Floor::of(name).is_some()).count();
    let wrong = |wanted: &str| {
        let shown: String = plain(text).chars().take(40).collect();
        Fail::usage(format!("--to: `{shown}` is no {wanted}"))
    };
    let whole = |text: &str| text.parse::<u64>().ok().filter(|number| *number <= TO_MAX);
    let percent = text.strip_suffix('%').unwrap_or(text).trim_end();
    match effect {
        Effect::Admit => whole(text).map(Some).ok_or_else(|| wrong("count").hint("such as 3")),
        _ if floors == 0 => {
            whole(percent).map(Some).ok_or_else(|| wrong("whole percentage").hint("such as 25%: by so much worse"))
        }
        _ if floors == names.len() => {
            hundredths(percent).map(Some).ok_or_else(|| wrong("percentage from 0 to 100").hint("such as 87.5%"))
        }
        _ => Err(Fail::usage("--to: coverage and mutation go down to a percentage, all else is worse by one")
            .hint("one exception for each")),
    }
}

/// Reads a percentage with at most two places.
fn hundredths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 {
        return None;
    }
    let part: u64 = format!("{part:0<2}").parse().ok()?;
    let number = whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(part)?;
    (number <= 10_000).then_some(number)
}

/// Demands how far a number may go, where one is named: without it an exception helps no number.
pub(super) fn demand(
    effect: Effect,
    claim: &ClaimName,
    names: &[String],
    to: Option<u64>,
    shown: &Shown,
    how: &HowArgs,
    wants_until: &dyn Fn() -> bool,
) -> Result<(), Fail> {
    if to.is_some() {
        return Ok(());
    }
    let number = |name: &String| match effect {
        Effect::Retire => Floor::of(name).is_some(),
        Effect::Admit => Ceiling::of(name).is_some(),
        Effect::Waive | Effect::Exempt => false,
    };
    let (name, now, example) = if let Some(word) = names.iter().find(|name| number(name)) {
        let now = shown.number(claim, word);
        let example =
            now.clone().unwrap_or_else(|| if effect == Effect::Retire { "PERCENT" } else { "COUNT" }.to_owned());
        (word.clone(), now.map(|now| format!(": it is {now} now")), example)
    } else if effect == Effect::Retire
        && let Some((measured, percent)) = shown.slower(claim, names)
    {
        let now = format!(": for certain no more than {percent} % worse now");
        (measured.name.to_string(), Some(now), format!("{percent}%"))
    } else {
        return Ok(());
    };
    let mut words = vec!["evidence", "allow", effect.as_str(), claim.as_str(), "--name", &name];
    words.extend(["--to", &example, "--reason", &how.reason]);
    let until = how.until.as_deref().or_else(|| wants_until().then_some(Exceptions::UNTIL_SHOWN));
    words.extend(until.into_iter().flat_map(|until| ["--until", until]));
    words.extend(how.changes.iter().flat_map(|pattern| ["--changes", pattern]));
    words.extend(how.of.change.iter().flat_map(|change| ["--change", change]));
    if how.any_change {
        words.push("--any-change");
    }
    let words: Vec<String> = words.into_iter().map(ToOwned::to_owned).collect();
    let text = format!("{} is a number; --to says how far it may go{}", plain(&name), now.unwrap_or_default());
    Err(Fail::usage(text).hint(command_line(&words)))
}

/// Says where an exception helps nothing, as far as that can be told now.
pub(super) fn idle(effect: Effect, claim: &ClaimName, names: &[String], to: Option<u64>, shown: &Shown) -> Vec<String> {
    let matches = |name: &str| names.iter().any(|pattern| wildcard_matches(pattern, name));
    match effect {
        Effect::Retire if shown.baseline.is_some() && !names.iter().any(|name| is_number(name)) => {
            let there = shown.before(claim).any(|part| {
                sets(part).any(|set| set.names().iter().any(|kept| matches(&kept.name)))
                    || part.pictures.iter().flatten().any(|(name, _)| matches(name))
                    || part.measurements.values().any(|measured| matches(&measured.name))
            });
            let warning = format!("warning: the branch protects no name of {claim} that is called so");
            if there { Vec::new() } else { vec![warning] }
        }
        Effect::Admit if !names.iter().any(|name| is_number(name)) => {
            let mut parts = shown.now(claim).peekable();
            if parts.peek().is_none() {
                return Vec::new();
            }
            let most = to.unwrap_or(1);
            let mut copies: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
            for part in parts {
                let mut of_part: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
                let sets = part.findings.iter().chain(&part.names);
                for kept in sets.flat_map(NameSet::names).filter(|kept| matches(&kept.name)) {
                    *of_part.entry(&kept.name).or_default() += kept.count;
                }
                for (name, count) in of_part {
                    let known = copies.entry(name).or_default();
                    *known = count.max(*known);
                }
            }
            if copies.is_empty() {
                return vec![format!("warning: the change shows no finding of {claim} that is called so")];
            }
            let more = copies.into_iter().filter(|(_, count)| *count > most).max_by_key(|(_, count)| *count);
            more.map(|(name, count)| {
                format!(
                    "warning: there are {count} of {}, and {most} may be: --to {count} lets all of them",
                    plain(name)
                )
            })
            .into_iter()
            .collect()
        }
        Effect::Retire | Effect::Admit | Effect::Waive | Effect::Exempt => Vec::new(),
    }
}

fn sets(part: &Protected) -> impl Iterator<Item = &NameSet> {
    part.tests.iter().chain(&part.names)
}

/// The largest number of a record (format, section 1).
const TO_MAX: u64 = (1 << 53) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_is_read_in_the_unit_of_what_is_named() {
        let read = |effect, name: &str, to| read(effect, &[name.to_owned()], Some(to)).ok().flatten();
        let floor = |to| read(Effect::Retire, "coverage", to);
        assert_eq!(
            [floor("89"), floor("89%"), floor("89.5 %"), floor("0.07")].map(Option::unwrap_or_default),
            [8900, 8900, 8950, 7]
        );
        for wrong in ["", "%", "101", "89.123", "89.", ".5", "-1", "1e1", "eighty"] {
            assert_eq!(floor(wrong), None, "{wrong}");
        }
        assert_eq!(read(Effect::Retire, "sleep 1", "25%"), Some(25));
        assert_eq!(read(Effect::Retire, "sleep 1", "2.5%"), None);
        assert_eq!(read(Effect::Admit, "skipped", "500"), Some(500));
        assert_eq!(read(Effect::Admit, "skipped", "5%"), None);
        assert_eq!(read(Effect::Admit, "skipped", "9007199254740992"), None);
    }
}
