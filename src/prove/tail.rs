//! The newest part of a list that is too long to be read whole: a branch's merges from the one that is used to the newest
//! (format, section 4).
//!
//! The newest record is proven to be the list's last item; the others follow by `previous`, the hash of the entry before in the
//! chain. What came before the run is not here, and nothing of it is said but how much it is.

use std::collections::BTreeMap;

use super::complete::{Complete, Logged, ProveError, extend_with};
use super::source::{ListTail, Source};
use super::trust::Trust;
use crate::crypto::{list_item_hash, list_value};
use crate::merkle::{ListProof, MapText};
use crate::model::{Digest, MapEntry, Statement};

/// The newest records of a chain, without a gap, and their proof.
#[derive(Debug, Clone)]
pub struct Run {
    /// Their serials, ascending; the last is the chain's newest. Empty: the chain is.
    pub serials: Vec<u64>,
    /// The printed map proof.
    pub proof: String,
    /// The printed proof of the newest; none where the chain is empty.
    pub item: Option<String>,
    /// How many records the chain has.
    pub count: u64,
}

/// Which records of a chain are wanted: those from the newest down to the first that reaches far enough.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) chain: &'a MapText,
    pub(super) reaches: &'a dyn Fn(u64, &Statement) -> bool,
}

impl<T> Complete<T> {
    /// Reads and checks the newest records of a chain, at the same checkpoint: from the newest down to the first, counted from
    /// there, of which `reaches` is true; all of them if it is true of none.
    ///
    /// # Errors
    /// See [`ProveError`].
    pub fn with_run(
        self,
        source: &dyn Source,
        trust: &Trust,
        chain: &MapText,
        reaches: &dyn Fn(u64, &Statement) -> bool,
    ) -> Result<Self, ProveError> {
        extend_with(source, trust, self, &[], Some(Wanted { chain, reaches }))
    }

    /// Returns the newest records of a chain that are here, if its run is.
    #[must_use]
    pub fn run(&self, chain: &MapText) -> Option<&Run> {
        self.runs().get(chain)
    }

    /// Returns the records of a run that are here, ascending; none if it is not.
    pub fn of_run<'a>(&'a self, chain: &MapText) -> impl DoubleEndedIterator<Item = &'a Logged> + use<'a, T> {
        let serials = self.run(chain).map_or(&[][..], |run| &run.serials);
        serials.iter().filter_map(|serial| self.record(*serial))
    }
}

/// Holds the newest of a list against the map.
pub(super) fn check_newest(
    text: &MapText,
    tail: &ListTail,
    leaf_of: impl Fn(u64) -> Option<Digest>,
    map: &MapEntry,
) -> Result<u64, String> {
    let told =
        |error: &dyn std::fmt::Display| format!("the newest of `{text}` is not the one in the signed map: {error}");
    match (tail.serials.last(), &tail.item) {
        (None, None) => tail.proof.check_absent(&text.key(), &map.root).map(|()| 0).map_err(|error| told(&error)),
        (Some(newest), Some(item)) => {
            let leaf = leaf_of(*newest).ok_or_else(|| told(&"it is not there"))?;
            let root = item.root_of_newest(&list_item_hash(*newest, &leaf)).map_err(|error| told(&error))?;
            let value = list_value(item.count, &root);
            tail.proof.check_present(&text.key(), &value, &map.root).map_err(|error| told(&error))?;
            Ok(item.count)
        }
        _ => Err(told(&"there is a newest without proof, or a proof without it")),
    }
}

/// Checks that the records of runs follow each other without a gap.
pub(super) fn check_runs(records: &BTreeMap<u64, Logged>, runs: &BTreeMap<MapText, Run>) -> Result<(), String> {
    for (chain, run) in runs {
        let mut before: Option<Digest> = None;
        for (index, serial) in run.serials.iter().enumerate() {
            let Some(record) = records.get(serial) else {
                return Err(format!("record {serial} of `{chain}` is not there"));
            };
            if MapText::chain(&record.entry().chain) != *chain {
                return Err(format!("record {serial} is listed under `{chain}` and does not say so"));
            }
            let whole = u64::try_from(run.serials.len()).is_ok_and(|length| length == run.count);
            let follows = if index == 0 && !whole {
                record.entry().previous.is_some()
            } else {
                record.entry().previous == before
            };
            if !follows {
                return Err(format!("record {serial} does not follow the one before it in `{chain}`"));
            }
            before = Some(*record.leaf());
        }
        let first = run.serials.first().copied().unwrap_or(u64::MAX);
        let beside = records.range(first..).find(|(serial, record)| {
            MapText::chain(&record.entry().chain) == *chain && run.serials.binary_search(serial).is_err()
        });
        if let Some((serial, _)) = beside {
            return Err(format!("record {serial} is missing from the run of `{chain}`"));
        }
    }
    Ok(())
}

impl Run {
    pub(super) fn new(tail: ListTail, count: u64) -> Self {
        Self { serials: tail.serials, proof: tail.proof.print(), item: tail.item.as_ref().map(ListProof::print), count }
    }
}
