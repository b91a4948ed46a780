//! Measurements: numbers of tools to integers, samples to confidence intervals -> facts about measurements.
//!
//! What units, ends and middles mean stands at [`Measurement`], the spelling of the digest at [`MeasurementFacts::digest`].
//! Everything here is computed in integers, so that each machine comes to the same facts.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::json::{Node, Wrong};
use super::limits::{CASES_MAX, MEASUREMENTS_MAX, NAME_BYTES_MAX};
use super::tally::{kept, netstring};
use super::{Better, Cause, Detail, Format, Measurement, Report};
use crate::model::{Digest, Facts, MeasurementFacts, Outcome, REASONS_MAX};

/// How a number of a tool becomes an integer: it is multiplied by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale(u64);

impl Scale {
    pub(super) const SECONDS: Self = Self(1_000_000_000_000);
    pub(super) const MILLISECONDS: Self = Self(1_000_000_000);
    pub(super) const MICROSECONDS: Self = Self(1_000_000);
    pub(super) const NANOSECONDS: Self = Self(1_000);
    /// For everything that is no time.
    pub(super) const MILLIONTHS: Self = Self(1_000_000);
    /// For `MB/s` of Go, whose MB are a million bytes.
    pub(super) const MILLIONS: Self = Self(1_000_000_000_000);
}

/// Where a number goes that lies between two integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounded {
    Down,
    /// To the nearest, half up.
    Nearest,
    Up,
}

/// Returns a number that is not negative as integer. None if it is negative, no number, or too large.
pub(super) fn scaled(number: f64, scale: Scale, rounded: Rounded) -> Option<u64> {
    if !number.is_finite() || (number.is_sign_negative() && number != 0.0) {
        return None;
    }
    let bits = number.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let power = (bits >> 52) & 0x7ff;
    // Below the smallest normal number the leading one is missing.
    let (mantissa, power) = if power == 0 { (fraction, 1) } else { (fraction | (1 << 52), power) };
    let product = u128::from(mantissa) * u128::from(scale.0);
    let whole = match u32::try_from(power).ok()?.checked_sub(1_075) {
        Some(left) if product == 0 || left <= product.leading_zeros() => product << left.min(127),
        Some(_) => return None,
        None => shifted(product, 1_075 - u32::try_from(power).ok()?, rounded),
    };
    u64::try_from(whole).ok()
}

fn shifted(product: u128, right: u32, rounded: Rounded) -> u128 {
    let (whole, rest, half) = match right {
        // The product has 93 bits at most.
        128.. => (0, product, u128::MAX),
        right => (product >> right, product & ((1 << right) - 1), 1_u128 << (right - 1)),
    };
    let up = match rounded {
        Rounded::Down => false,
        Rounded::Nearest => rest >= half,
        Rounded::Up => rest > 0,
    };
    whole + u128::from(up)
}

/// Reads a number of a JSON report as integer.
pub(super) fn number(node: &Node<'_>, scale: Scale, rounded: Rounded) -> Result<u64, Wrong> {
    let Value::Number(number) = node.value else { return Err(node.wrong(NUMBER_WANTED)) };
    let found = match number.as_u64() {
        Some(whole) => whole.checked_mul(scale.0),
        None => number.as_f64().and_then(|number| scaled(number, scale, rounded)),
    };
    found.ok_or_else(|| node.wrong(NUMBER_WANTED))
}

/// The confidence interval of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    low: u64,
    middle: u64,
    high: u64,
}

impl Interval {
    /// Returns that of a single value, of whose width nothing is known.
    pub(super) const fn unknown(middle: u64) -> Self {
        Self { low: 0, middle, high: u64::MAX }
    }

    /// Returns the one that a tool gives. None if the ends are not around the middle.
    pub(super) fn told(low: u64, middle: u64, high: u64) -> Option<Self> {
        (low <= middle && middle <= high).then_some(Self { low, middle, high })
    }

    /// Returns that of samples. None if there are none.
    pub(super) fn of(samples: &[u64]) -> Option<Self> {
        let count = u128::try_from(samples.len()).ok()?;
        let sum: u128 = samples.iter().map(|sample| u128::from(*sample)).sum();
        let middle = u64::try_from((sum + count / 2).checked_div(count)?).ok()?;
        if count < 2 {
            return Some(Self::unknown(middle));
        }
        // Squares around a rounded mean are more than those around the mean, never less.
        let square = |sample: &u64| u128::from(sample.abs_diff(middle)).pow(2);
        let squares = samples.iter().map(square).fold(0_u128, u128::saturating_add);
        Some(Self::around(middle, squares, count * (count - 1), count))
    }

    /// Returns that of samples of which mean, standard deviation and number are known.
    pub(super) fn spread(middle: u64, deviation: u64, count: u64) -> Self {
        if count < 2 {
            return Self::unknown(middle);
        }
        let count = u128::from(count);
        Self::around(middle, u128::from(deviation).pow(2), count, count)
    }

    /// Returns the interval around a mean, half as wide as t times the root of squares by parts.
    fn around(middle: u64, squares: u128, parts: u128, count: u128) -> Self {
        let t = u128::from(t_thousandths(count - 1));
        let width = match squares.checked_mul(t * t).zip(parts.checked_mul(1_000_000)) {
            Some((squares, parts)) => root_up(squares.div_ceil(parts)),
            None => root_up(squares.div_ceil(parts)).saturating_mul(t).div_ceil(1_000),
        };
        let width = u64::try_from(width).unwrap_or(u64::MAX);
        Self { low: middle.saturating_sub(width), middle, high: middle.saturating_add(width) }
    }
}

/// Returns the square root, rounded up.
fn root_up(square: u128) -> u128 {
    let root = square.isqrt();
    if root * root == square { root } else { root + 1 }
}

/// Returns the two-sided 95 % quantile of Student's t in thousandths, rounded up; between those of the table the larger.
fn t_thousandths(degrees: u128) -> u64 {
    T_TABLE.iter().rev().find(|(least, _)| degrees >= *least).map_or(T_TABLE[0].1, |(_, t)| *t)
}

/// Collects measurements.
pub(super) struct MeasurementTally {
    detail: Detail,
    measured: BTreeMap<(String, &'static str), Measured>,
    samples: usize,
}

struct Measured {
    better: Better,
    samples: Vec<u64>,
    interval: Option<Interval>,
}

/// What is measured: a name, a unit, and which way is better.
pub(super) type What<'a> = (&'a str, &'static str, Better);

impl MeasurementTally {
    pub(super) fn new(detail: Detail) -> Self {
        Self { detail, measured: BTreeMap::new(), samples: 0 }
    }

    /// Adds a sample to those of the same name and unit.
    ///
    /// If there are more than [`CASES_MAX`], or the name is too long, returns a cause.
    pub(super) fn sample(&mut self, what: What<'_>, value: u64) -> Result<(), Cause> {
        self.held()?;
        self.samples += 1;
        self.of(what)?.samples.push(value);
        Ok(())
    }

    /// Adds a measurement whose interval is known. Returns whether there was none of its name and unit before.
    ///
    /// If there are more than [`CASES_MAX`], or the name is too long, returns a cause.
    pub(super) fn add(&mut self, what: What<'_>, interval: Interval) -> Result<bool, Cause> {
        self.held()?;
        let measured = self.of(what)?;
        Ok(measured.samples.is_empty() && measured.interval.replace(interval).is_none())
    }

    /// Returns whether something of this name and unit was measured.
    pub(super) fn has(&self, name: &str, unit: &'static str) -> bool {
        self.measured.contains_key(&(name.to_owned(), unit))
    }

    fn held(&self) -> Result<(), Cause> {
        let (things, most) = match (self.measured.len() < MEASUREMENTS_MAX, self.samples < CASES_MAX) {
            (true, true) => return Ok(()),
            (false, _) => ("measurements", MEASUREMENTS_MAX),
            (true, false) => ("samples", CASES_MAX),
        };
        Err(Cause::TooMany { things, count_max: u64::try_from(most).unwrap_or(u64::MAX) })
    }

    fn of(&mut self, (name, unit, better): What<'_>) -> Result<&mut Measured, Cause> {
        if name.len() > NAME_BYTES_MAX {
            return Err(Cause::NameTooLong { attribute: "name", bytes: name.len(), bytes_max: NAME_BYTES_MAX });
        }
        let new = || Measured { better, samples: Vec::new(), interval: None };
        Ok(self.measured.entry((name.to_owned(), unit)).or_insert_with(new))
    }

    /// Makes the facts. `failures` are the reasons why what was measured failed, `doubts` why the report is not whole.
    pub(super) fn finish(self, format: Format, failures: Vec<String>, mut doubts: Vec<String>) -> Report {
        let mut lines = Vec::new();
        let mut measurements = Vec::new();
        for ((name, unit), measured) in self.measured {
            let Some(Interval { low, middle, high }) = measured.interval.or_else(|| Interval::of(&measured.samples))
            else {
                continue;
            };
            let mut identity = Sha256::new_with_prefix("evidence-measurement/v1\n");
            netstring(&mut identity, &name);
            netstring(&mut identity, unit);
            let identity = Digest(identity.finalize().into());
            let better = measured.better;
            lines.push(format!("{identity} {unit} {} {low} {middle} {high}\n", better.word()));
            if self.detail == Detail::Everything {
                measurements.push(Measurement { identity, name: kept(&name), unit, better, low, middle, high });
            }
        }
        lines.sort_unstable();
        let mut hash = Sha256::new_with_prefix("evidence-measurements/v1\n");
        lines.iter().for_each(|line| hash.update(line));
        if lines.is_empty() && failures.is_empty() {
            doubts.push("the report has no measurements".to_owned());
        }
        let outcome = if failures.is_empty() { Outcome::Pass } else { Outcome::Fail };
        let outcome = if doubts.is_empty() { outcome } else { outcome.worst(Outcome::Inconclusive) };
        let mut reasons = [failures, doubts].concat();
        reasons.truncate(REASONS_MAX);
        let facts = MeasurementFacts {
            count: u64::try_from(lines.len()).unwrap_or(u64::MAX),
            digest: Digest(hash.finalize().into()),
        };
        let facts = Facts { measurements: Some(facts), ..Facts::bare(format.reader(), outcome, reasons) };
        Report { measurements, ..Report::of(facts) }
    }
}

/// The unit of times.
pub(super) const TIME: &str = "ps";
/// Bytes.
pub(super) const BYTES: &str = "B/1000000";
/// Bytes in a second.
pub(super) const BYTE_RATE: &str = "B/s/1000000";
/// Things of any kind.
pub(super) const COUNT: &str = "count/1000000";
/// Things of any kind in a second.
pub(super) const COUNT_RATE: &str = "count/s/1000000";
/// Parts of a whole.
pub(super) const RATIO: &str = "ratio/1000000";

const NUMBER_WANTED: &str = "a number that is not negative and not too large";

/// From so many degrees of freedom on, this quantile.
const T_TABLE: [(u128, u64); 34] = [
    (1, 12_707),
    (2, 4_303),
    (3, 3_183),
    (4, 2_777),
    (5, 2_571),
    (6, 2_447),
    (7, 2_365),
    (8, 2_307),
    (9, 2_263),
    (10, 2_229),
    (11, 2_201),
    (12, 2_179),
    (13, 2_161),
    (14, 2_145),
    (15, 2_132),
    (16, 2_120),
    (17, 2_110),
    (18, 2_101),
    (19, 2_094),
    (20, 2_086),
    (21, 2_080),
    (22, 2_074),
    (23, 2_069),
    (24, 2_064),
    (25, 2_060),
    (26, 2_056),
    (27, 2_052),
    (28, 2_049),
    (29, 2_046),
    (30, 2_043),
    (40, 2_022),
    (60, 2_001),
    (120, 1_980),
    (1_000, 1_963),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_integers_exactly() {
        let near = |number, scale| scaled(number, scale, Rounded::Nearest);
        assert_eq!(near(0.0041372828, Scale::SECONDS), Some(4_137_282_800));
        assert_eq!(near(2.5, Scale::NANOSECONDS), Some(2_500));
        assert_eq!(near(0.0000005, Scale::MILLIONTHS), Some(0), "the nearest binary fraction lies below one half");
        assert_eq!(near(-0.0, Scale::SECONDS), Some(0));
        assert_eq!(near(f64::from_bits(1), Scale::SECONDS), Some(0));
        assert_eq!(scaled(f64::from_bits(1), Scale::SECONDS, Rounded::Up), Some(1));
        assert_eq!(scaled(1.25e-12, Scale::SECONDS, Rounded::Down), Some(1));
        assert_eq!(scaled(1.25e-12, Scale::SECONDS, Rounded::Up), Some(2));
        assert_eq!(near(1.5, Scale(1)), Some(2));
        assert_eq!(near(9_007_199_254_740_993.0, Scale(1)), Some(9_007_199_254_740_992));
        assert_eq!(near(1.8e19, Scale(1)), Some(18_000_000_000_000_000_000));
        for wrong in [f64::NAN, f64::INFINITY, -1.0, -1e-300, 1.9e19, f64::MAX] {
            assert_eq!(near(wrong, Scale(1)), None, "{wrong}");
        }
        assert_eq!(near(1.9e7, Scale::SECONDS), None);
    }

    #[test]
    fn samples_have_the_interval_of_student() {
        // mean 20, s = 10, n = 3: 20 +- 4.3027 * 10 / sqrt(3) = 20 +- 24.84
        assert_eq!(Interval::of(&[10, 20, 30]), Some(Interval { low: 0, middle: 20, high: 45 }));
        // mean 1005, s = 5.7735, n = 4: 1005 +- 3.1824 * 5.7735 / 2 = 1005 +- 9.19
        assert_eq!(
            Interval::of(&[1_000, 1_010, 1_000, 1_010]),
            Some(Interval { low: 995, middle: 1_005, high: 1_015 })
        );
        assert_eq!(Interval::spread(1_005, 6, 4), Interval { low: 995, middle: 1_005, high: 1_015 });
        assert_eq!(Interval::of(&[7, 7]), Some(Interval { low: 7, middle: 7, high: 7 }));
        assert_eq!(Interval::of(&[]), None);
    }

    #[test]
    fn one_sample_has_no_width() {
        assert_eq!(Interval::of(&[7]), Some(Interval { low: 0, middle: 7, high: u64::MAX }));
        assert_eq!(Interval::spread(7, 0, 1), Interval::unknown(7));
        assert_eq!(Interval::spread(7, 0, 0), Interval::unknown(7));
    }

    #[test]
    fn huge_samples_have_a_wide_interval_and_do_not_overflow() {
        let found = Interval::of(&[0, u64::MAX, u64::MAX, 0]).unwrap();
        assert_eq!((found.low, found.high), (0, u64::MAX));
        let found = Interval::of(&[u64::MAX; 5]).unwrap();
        assert_eq!((found.low, found.middle, found.high), (u64::MAX, u64::MAX, u64::MAX));
        assert_eq!(Interval::spread(u64::MAX, u64::MAX, 2), Interval { low: 0, middle: u64::MAX, high: u64::MAX });
    }

    #[test]
    fn an_interval_is_around_its_middle() {
        assert!(Interval::told(1, 1, 1).is_some());
        assert!(Interval::told(2, 1, 3).is_none() && Interval::told(1, 4, 3).is_none());
    }

    #[test]
    fn the_digest_is_spelled_as_documented() {
        let mut tally = MeasurementTally::new(Detail::Everything);
        tally.sample(("b", TIME, Better::Lower), 7).unwrap();
        assert!(tally.add(("a", BYTE_RATE, Better::Higher), Interval::told(1, 2, 3).unwrap()).unwrap());
        assert!(!tally.add(("a", BYTE_RATE, Better::Higher), Interval::told(1, 2, 3).unwrap()).unwrap());
        assert!(!tally.add(("b", TIME, Better::Lower), Interval::unknown(1)).unwrap() && tally.has("b", TIME));
        let mut tally = MeasurementTally::new(Detail::Everything);
        tally.sample(("b", TIME, Better::Lower), 7).unwrap();
        tally.add(("a", BYTE_RATE, Better::Higher), Interval::told(1, 2, 3).unwrap()).unwrap();
        let report = tally.finish(Format::Hyperfine, Vec::new(), Vec::new());
        let identity =
            |text: &str| Digest(Sha256::digest(format!("evidence-measurement/v1\n{text}")).into()).to_string();
        let mut lines = [
            format!("{} ps lower 0 7 18446744073709551615\n", identity("1:b,2:ps,")),
            format!("{} B/s/1000000 higher 1 2 3\n", identity("1:a,11:B/s/1000000,")),
        ];
        lines.sort();
        let wanted = Digest(Sha256::digest(format!("evidence-measurements/v1\n{}", lines.concat())).into());
        assert_eq!(report.facts.measurements, Some(MeasurementFacts { count: 2, digest: wanted }));
        assert_eq!(report.measurements.iter().map(|it| it.has_interval()).collect::<Vec<_>>(), [true, false]);
    }
}
