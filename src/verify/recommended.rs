//! What a policy recommends and nothing requires: how it stands is shown and decides nothing.

use serde::Serialize;

use super::judge::Bench;
use super::verdict::State;
use super::{attempts, reviews};
use crate::model::ClaimName;
use crate::policy::{Form, Moment, Policy, Requirements};

/// A recommended claim and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recommended {
    /// The claim.
    pub claim: ClaimName,
    /// Its state, as if it were required; no exception stands in for it.
    pub state: State,
}

impl Recommended {
    /// Returns what is recommended and not shown, as a sentence; none if all of it is.
    #[must_use]
    pub fn not_shown(all: &[Self]) -> Option<String> {
        let open = all.iter().filter(|one| one.state != State::Pass);
        let names: Vec<String> = open.map(|one| format!("{} ({})", one.claim, one.state.as_str())).collect();
        (!names.is_empty()).then(|| format!("recommended, not shown: {}", names.join(", ")))
    }
}

/// Judges what is recommended by the rules for what is required, and throws away what they found.
pub(super) fn of(bench: &Bench<'_>, policy: &Policy, wanted: &Requirements, moment: Moment) -> Vec<Recommended> {
    let claims = wanted.recommended.iter().filter_map(|name| Some((name, policy.claim(name)?)));
    let due = claims.filter(|(_, claim)| claim.at <= moment);
    due.map(|(name, claim)| {
        let mut found = Vec::new();
        let ruled = match claim.form {
            Form::Run => attempts::check(bench, name, claim, "recommended", &mut found),
            Form::Review => reviews::check(bench, name, claim, "recommended", &mut found),
        };
        Recommended { claim: name.clone(), state: ruled.state }
    })
    .collect()
}
