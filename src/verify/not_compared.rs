//! What a branch protects and nothing was held against: a claim that is missing, failed or waived, or a report that is not there.

use super::judge::Bench;
use super::ratchet::Compared;
use crate::model::ClaimName;
use crate::policy::{Claim, Floor};

/// Returns what the branch protects of a claim, as far as the policy asks for it, and was held against nothing.
pub(super) fn not_compared(bench: &Bench<'_>, name: &ClaimName, claim: &Claim, compared: &[Compared]) -> Vec<String> {
    let mut left = Vec::new();
    for variant in bench.ground.variants(name) {
        let Some(part) = bench.ground.part(name, variant.as_ref()) else { continue };
        let attachments = claim.attachments.as_ref();
        let sets = [
            ("tests", part.tests.is_some() && claim.tests.as_ref().is_some_and(|limits| limits.baseline.is_some())),
            ("names", part.names.is_some() && claim.names.as_ref().is_some_and(|limits| limits.baseline.is_some())),
            ("findings", part.findings.is_some() && claim.findings.as_ref().is_some_and(|it| it.new_max.is_some())),
            ("pictures", part.pictures.is_some() && attachments.is_some_and(|limits| limits.baseline.is_some())),
            ("measurements", !part.measurements.is_empty() && claim.measurements.is_some()),
        ];
        let floor = |floor: Floor| match floor {
            Floor::Coverage => claim.coverage.as_ref().is_some_and(|limits| limits.baseline.is_some()),
            Floor::Mutation => claim.mutation.as_ref().is_some_and(|limits| limits.baseline.is_some()),
        };
        let floors = part.floors.keys().map(|known| (known.as_str(), floor(*known)));
        let ceilings = claim.ceilings().map(|ceiling| (ceiling.as_str(), part.ceilings.contains_key(&ceiling)));
        for (what, _) in sets.into_iter().chain(floors).chain(ceilings).filter(|(_, is_asked)| *is_asked) {
            if !compared.iter().any(|it| it.what == what && it.variant == variant) {
                let of = variant.as_ref().map_or_else(String::new, |variant| format!(" ({variant})"));
                left.push(format!("{what}{of}"));
            }
        }
    }
    left
}
