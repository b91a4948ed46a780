//! Which trees runs on the base say to have had: the base, and the base with the head's tests, by each choice of tests that a
//! result of the change states (format, section 20). Gate and auditor compute them again, from the objects that they have anyway.

use std::collections::BTreeSet;

use crate::git::Laying;
use crate::model::Predicate;
use crate::policy::Paths;
use crate::prove::{Change, Complete};

/// Returns how the trees are laid out that results on the judged tree state, the base as it is first.
///
/// Patterns that are none choose nothing, and of more choices than are looked at the later ones are left out: what nobody
/// computed refuses.
#[must_use]
pub fn layings(complete: &Complete<Change>) -> Vec<Laying> {
    let mut stated: BTreeSet<&[String]> = BTreeSet::new();
    for record in complete.of_change() {
        let Predicate::Result(run) = &record.statement().predicate else { continue };
        let is_here = record.statement().tree() == Some(&complete.subject().tree);
        if let Some(on_base) = run.on_base.as_ref().filter(|_| is_here && stated.len() < STATED_MAX) {
            stated.insert(&on_base.tests);
        }
    }
    let plain = Laying { patterns: Vec::new(), takes: Box::new(|_| false) };
    let laid = stated.into_iter().filter_map(|patterns| {
        let words: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let paths = Paths::compile(&words).ok()?;
        Some(Laying { patterns: patterns.to_vec(), takes: Box::new(move |path| paths.matches(path.as_bytes())) })
    });
    std::iter::once(plain).chain(laid).collect()
}

/// A policy names one choice for a claim: more come from who tries something.
const STATED_MAX: usize = 32;
