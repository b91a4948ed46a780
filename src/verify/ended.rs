//! Why a key has no right at a place of the log, for whoever is refused: never granted, granted for other changes, revoked,
//! ended by itself, or ended with those on whom its grant rests. The rule itself is `authority`'s.

use std::fmt::{self, Display, Formatter};

use super::authority::{Authority, Known};
use super::lasting::{AsOf, Asked, DEPTH_MAX};
use crate::model::{ChangeId, Fingerprint, Time};

/// Why a key has no right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It is no root, and nobody granted it anything.
    Never,
    /// What it holds is for these changes only.
    Elsewhere(Vec<ChangeId>),
    /// It was revoked by this record.
    Revoked(u64),
    /// Its grant ended by itself.
    Expired(Time),
    /// Somebody on whom its grant rests was revoked.
    WithRevoked {
        /// The record that revokes.
        serial: u64,
        /// Who was revoked.
        whom: String,
    },
    /// The grant of somebody on whom its grant rests ended by itself.
    WithExpired {
        /// When.
        until: Time,
        /// Whose grant.
        whom: String,
    },
    /// Its grant rests on nobody who may still grant.
    Unsupported,
}

impl Display for Ended {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("is no root and has no grant here"),
            Self::Elsewhere(changes) => {
                let changes: Vec<&str> = changes.iter().map(|change| change.as_str()).collect();
                write!(f, "has no grant here for this change: its grant is for {}", changes.join(", "))
            }
            Self::Revoked(serial) => write!(f, "has no grant here any more: record {serial} revoked it"),
            Self::Expired(until) => write!(f, "has no grant here any more: its grant ended at {until}"),
            Self::WithRevoked { serial, whom } => {
                write!(
                    f,
                    "has no grant here any more: its grant ended with record {serial}, by which {whom} was revoked"
                )
            }
            Self::WithExpired { until, whom } => {
                write!(f, "has no grant here any more: its grant ended with that of {whom}, at {until}")
            }
            Self::Unsupported => {
                f.write_str("has no grant here any more: its grant rests on nobody who may still grant")
            }
        }
    }
}

impl Authority<'_> {
    /// Returns why a key is not known at a place ([`Authority::is_known`]), the most telling reason first.
    #[must_use]
    pub fn ended(&self, key: &Fingerprint, place: u64, time: Time) -> Ended {
        if let Some(serial) = self.revoked(key).filter(|serial| *serial < place) {
            return Ended::Revoked(serial);
        }
        let given: Vec<&Known> = self.granted(key).filter(|known| known.serial < place && !known.is_filing()).collect();
        let asked = self.asked(AsOf { place, time });
        let mut elsewhere: Vec<ChangeId> = Vec::new();
        for change in given.iter().filter(|known| asked.lasts(known)).flat_map(|known| &known.grant.changes) {
            if !elsewhere.contains(change) {
                elsewhere.push(change.clone());
            }
        }
        if !elsewhere.is_empty() {
            return Ended::Elsewhere(elsewhere);
        }
        given.last().map_or(Ended::Never, |known| self.ended_grant(known, place, time))
    }

    /// Returns why a grant that does not last as of a place does not.
    #[must_use]
    pub fn ended_grant(&self, known: &Known, place: u64, time: Time) -> Ended {
        if let Some(serial) = self.revoked(&known.key).filter(|serial| *serial < place) {
            return Ended::Revoked(serial);
        }
        match known.grant.until.filter(|until| *until <= time) {
            Some(until) => Ended::Expired(until),
            None => {
                let asked = self.asked(AsOf { place, time });
                self.break_below(known, &asked, DEPTH_MAX).unwrap_or(Ended::Unsupported)
            }
        }
    }

    /// Returns what ended below a grant that does not last.
    fn break_below(&self, known: &Known, asked: &Asked<'_, '_>, depth: u32) -> Option<Ended> {
        let depth = depth.checked_sub(1)?;
        known.signers.iter().find_map(|signer| {
            let held: Vec<&Known> = self.granted(signer).filter(|below| below.serial < known.serial).collect();
            let whom =
                held.last().map_or_else(|| format!("the root {signer}"), |below| below.grant.principal.to_string());
            if let Some(serial) = self.revoked(signer).filter(|serial| *serial < asked.when.place) {
                return Some(Ended::WithRevoked { serial, whom });
            }
            let below = held.into_iter().rfind(|below| !asked.lasts_within(below, depth))?;
            match below.grant.until.filter(|until| *until <= asked.when.time) {
                Some(until) => Some(Ended::WithExpired { until, whom }),
                None => self.break_below(below, asked, depth),
            }
        })
    }
}
