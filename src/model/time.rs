//! Time as the ledger has it: whole seconds since 1970, and spans such as `24h`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub u64);

/// A length of time in whole seconds, spelled in policies and flags as `90s`, `15m`, `24h` or `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

/// Why a text is no span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time: wanted a number and one of s, m, h, d, such as 24h")]
pub struct SpanError(pub String);

impl Time {
    /// Returns this time plus a span, at most the largest time there is.
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// Returns how long before this time `earlier` was; zero if it was not before.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Time {
    /// Writes RFC 3339 in UTC, `2026-11-21T03:08:28Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match i64::try_from(self.0).ok().and_then(|s| chrono::DateTime::from_timestamp(s, 0)) {
            Some(time) => write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%SZ")),
            None => write!(f, "{} s", self.0),
        }
    }
}

impl fmt::Display for Span {
    /// Writes the largest unit that leaves no rest: `24h`, `90m`, `61s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, seconds) in UNITS {
            if self.0 >= 2 * seconds && self.0.is_multiple_of(seconds) || self.0 == seconds {
                return write!(f, "{}{unit}", self.0 / seconds);
            }
        }
        write!(f, "{}s", self.0)
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let wrong = || SpanError(text.chars().take(40).collect());
        let unit = text.chars().last().ok_or_else(wrong)?;
        let (_, seconds) = UNITS.into_iter().find(|(u, _)| *u == unit).ok_or_else(wrong)?;
        let digits = &text[..text.len() - 1];
        if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let count: u64 = digits.parse().map_err(|_| wrong())?;
        Ok(Self(count * seconds))
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_print() {
        assert_eq!("24h".parse::<Span>().unwrap(), Span(86_400));
        assert_eq!(Span(5_400).to_string(), "90m");
        assert!("".parse::<Span>().is_err());
        assert!("h".parse::<Span>().is_err());
        assert!("-1h".parse::<Span>().is_err());
        assert!("1é".parse::<Span>().is_err());
    }

    #[test]
    fn times_print_in_utc() {
        assert_eq!(Time(0).to_string(), "1970-01-01T00:00:00Z");
    }
}
