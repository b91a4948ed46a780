//! Measurements that a branch protects: what reports show of them, and how one is worse than it was.

use std::collections::BTreeMap;

use super::limits::Numbers;
use crate::model::Digest;
use crate::policy::Measured;
use crate::reports::Better;

/// Returns what reports measured, each under its identity.
pub(super) fn measured(numbers: &Numbers, host: &str) -> BTreeMap<Digest, Measured> {
    let all = numbers.reports().flat_map(|report| &report.measurements);
    let mut measured: BTreeMap<Digest, Measured> = BTreeMap::new();
    for one in all {
        let fresh = Measured {
            unit: one.unit.into(),
            better: one.better,
            interval: [one.low, one.middle, one.high],
            host: host.into(),
            name: one.name.as_str().into(),
        };
        // Of two under one name the whole range counts, and the worse middle, in whatever order they come.
        measured
            .entry(one.identity)
            .and_modify(|known| {
                let ([low, middle, high], [fresh_low, fresh_middle, fresh_high]) = (known.interval, fresh.interval);
                if known.better != fresh.better {
                    known.better = Better::Lower;
                }
                let middle = match known.better {
                    Better::Lower => middle.max(fresh_middle),
                    Better::Higher => middle.min(fresh_middle),
                };
                known.interval = [low.min(fresh_low), middle, high.max(fresh_high)];
            })
            .or_insert(fresh);
    }
    measured
}

/// Says how a measurement is worse, or why that cannot be told; `None` if it is for certain not worse beyond the tolerance.
///
/// With lower as better: the whole interval now must lie below the tolerance above the whole interval then.
pub(super) fn worse(before: &Measured, after: &Measured, tolerance: u64) -> Option<(String, Worse)> {
    if (&before.unit, before.better) != (&after.unit, after.better) {
        return Some((format!("is in {}, and was in {}", after.unit, before.unit), Worse::Unlike));
    }
    if before.host != after.host {
        let told = format!("was measured on `{}`, and before on `{}`", after.host, before.host);
        return Some((told, Worse::Unlike));
    }
    let scaled = |number: u64, percent: u64| u128::from(number) * u128::from(percent);
    let ([old_low, old_middle, old_high], [low, middle, high]) = (before.interval, after.interval);
    let change = || match old_middle {
        0 => format!("{middle}, and was 0"),
        old => {
            let percent = (i128::from(middle) - i128::from(old)) * 100 / i128::from(old);
            format!("{percent:+} %")
        }
    };
    // Bounds of the ratio of now to then: surely fine, surely worse, or neither.
    let (fine, bad) = match before.better {
        Better::Lower => {
            let limit = 100 + tolerance;
            (scaled(high, 100) <= scaled(old_low, limit), scaled(low, 100) > scaled(old_high, limit))
        }
        Better::Higher => {
            let limit = 100 + tolerance;
            (scaled(low, limit) >= scaled(old_high, 100), scaled(high, limit) < scaled(old_low, 100))
        }
    };
    match (fine, bad) {
        (true, _) => None,
        (false, true) => Some((format!("is {} worse", change()), Worse::Surely)),
        (false, false) => Some((format!("cannot be told: {}, the intervals are too wide", change()), Worse::Perhaps)),
    }
}

/// Returns the least tolerance in percent under which a measurement that can be compared is not worse, if there is one.
#[must_use]
pub fn least(before: &Measured, after: &Measured) -> Option<u64> {
    let ([old_low, _, old_high], [low, _, high]) = (before.interval, after.interval);
    let (more, less) = match before.better {
        Better::Lower => (high, old_low),
        Better::Higher => (old_high, low),
    };
    let ratio = (less > 0).then(|| (u128::from(more) * 100).div_ceil(u128::from(less)))?;
    u64::try_from(ratio.saturating_sub(100)).ok()
}

/// In which way a measurement is not as good as before.
#[derive(Clone, Copy)]
pub(super) enum Worse {
    /// It is not there.
    Gone,
    /// It is in another unit, or of another kind of host.
    Unlike,
    /// It is worse for certain.
    Surely,
    /// It may be.
    Perhaps,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how it is worse by at most 10 %, or `"no"`.
    fn told(better: Better, before: [u64; 3], after: [u64; 3]) -> &'static str {
        let of = |interval| Measured { unit: "x".into(), better, interval, host: "linux".into(), name: "parse".into() };
        match worse(&of(before), &of(after), 10) {
            None => "no",
            Some((_, Worse::Surely)) => "surely",
            Some((_, Worse::Perhaps)) => "perhaps",
            Some(_) => "unlike",
        }
    }

    #[test]
    fn whole_intervals_are_held_against_each_other() {
        let before = [100, 105, 110];
        for (after, wanted) in [
            ([100, 105, 110], "no"),
            ([110, 110, 110], "no"),
            ([110, 110, 111], "perhaps"),
            ([121, 130, 140], "perhaps"),
            ([122, 130, 140], "surely"),
        ] {
            assert_eq!(told(Better::Lower, before, after), wanted, "{after:?}");
        }
        let before = [110, 115, 121];
        for (after, wanted) in [
            ([110, 115, 121], "no"),
            ([110, 110, 110], "no"),
            ([109, 110, 110], "perhaps"),
            ([90, 95, 100], "perhaps"),
            ([90, 95, 99], "surely"),
        ] {
            assert_eq!(told(Better::Higher, before, after), wanted, "{after:?}");
        }
    }
}
