//! From tier and touched paths to what a change has to show (design, section 6).

use std::collections::BTreeSet;
use std::fmt;

use crate::model::{ClaimName, TierName};

use super::{Base, PlanPart, Policy, Tier, Trailer};

/// What a change of some tier that touches some paths has to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirements {
    /// The tier that counts: the planned one, or a higher floor.
    pub tier: TierName,
    /// The `[[when]]` rule whose floor raised the tier, counted from 0.
    pub raised_by: Option<usize>,
    /// The required claims, each once: by tier from the lowest, then by rule.
    pub claims: Vec<Required>,
    /// The claims that the tiers recommend and nothing requires.
    pub recommended: Vec<ClaimName>,
    /// Which baseline counts: the strictest of the tiers.
    pub base: Base,
    /// Whether every commit must name the plan: the strictest of the tiers.
    pub trailer: Trailer,
    /// What a plan must say: what any of the tiers demands, each once.
    pub plan: Vec<PlanPart>,
}

/// A required claim and the first that requires it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required {
    /// The claim.
    pub claim: ClaimName,
    /// What requires it.
    pub why: Why,
}

/// What requires a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The tier that counts, or one below it.
    Tier(TierName),
    /// A `[[when]]` rule, counted from 0.
    When(usize),
}

impl Policy {
    /// Returns what a change has to show that is planned for `tier` and touches these paths.
    ///
    /// Paths are bytes as git has them, both sides of a rename. If the policy has no such tier, returns `None`.
    #[must_use]
    pub fn requirements<P: AsRef<[u8]>>(&self, tier: &TierName, touched: &[P]) -> Option<Requirements> {
        let mut rank = self.tier_rank(tier)?;
        let mut raised_by = None;
        let hits: Vec<_> = self
            .whens
            .iter()
            .enumerate()
            .filter(|(_, when)| touched.iter().any(|path| when.paths.matches(path.as_ref())))
            .collect();
        for (index, when) in &hits {
            let floor = when.tier.as_ref().and_then(|floor| self.tier_rank(floor));
            if let Some(floor) = floor.filter(|floor| *floor > rank) {
                rank = floor;
                raised_by = Some(*index);
            }
        }
        let tiers = &self.tiers[..=rank];
        let by_tier = tiers.iter().flat_map(|t| t.require.iter().map(|claim| (claim, Why::Tier(t.name.clone()))));
        let by_rule = hits.iter().flat_map(|(index, when)| when.require.iter().map(|claim| (claim, Why::When(*index))));
        let mut claims: Vec<Required> = Vec::new();
        for (claim, why) in by_tier.chain(by_rule) {
            if !claims.iter().any(|required| required.claim == *claim) {
                claims.push(Required { claim: claim.clone(), why });
            }
        }
        let mut recommended: Vec<ClaimName> = Vec::new();
        for claim in tiers.iter().flat_map(|t| &t.recommend) {
            if !recommended.contains(claim) && !claims.iter().any(|required| required.claim == *claim) {
                recommended.push(claim.clone());
            }
        }
        Some(Requirements {
            tier: self.tiers[rank].name.clone(),
            raised_by,
            claims,
            recommended,
            base: tiers.iter().map(|t| t.base).max().unwrap_or(Base::MergeBase),
            trailer: tiers.iter().map(|t| t.trailer).max().unwrap_or(Trailer::Optional),
            plan: tiers.iter().flat_map(|t| t.plan.iter().copied()).collect::<BTreeSet<_>>().into_iter().collect(),
        })
    }

    /// Returns the rank of a tier, 0 for the lowest; `None` if the policy has no such tier.
    #[must_use]
    pub fn tier_rank(&self, name: &TierName) -> Option<usize> {
        self.tiers.iter().position(|tier| tier.name == *name)
    }

    /// Returns the higher of two tiers; `None` if the policy lacks one of them.
    #[must_use]
    pub fn tier_max<'a>(&self, left: &'a TierName, right: &'a TierName) -> Option<&'a TierName> {
        Some(if self.tier_rank(left)? >= self.tier_rank(right)? { left } else { right })
    }

    /// Returns a tier and those before it, lowest first: what it demands is what they all demand.
    ///
    /// If the policy has no such tier, returns `None`.
    #[must_use]
    pub fn tiers_upto(&self, name: &TierName) -> Option<&[Tier]> {
        self.tier_rank(name).map(|rank| &self.tiers[..=rank])
    }
}

impl Requirements {
    /// Returns the keys of the tiers that this version reads and keeps, and cannot judge yet.
    ///
    /// Empty is the only answer under which the change may be judged; the limits of each claim come on top
    /// ([`Claim::unsupported`](super::Claim::unsupported)).
    #[must_use]
    pub fn unsupported(&self) -> Vec<&'static str> {
        match self.base {
            Base::MergeBase | Base::Newest => Vec::new(),
        }
    }
}

impl fmt::Display for Why {
    /// Writes `tier high`, or `[[when]] rule 2`, counted from 1 as people do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tier(name) => write!(f, "tier {name}"),
            Self::When(index) => write!(f, "[[when]] rule {}", index + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Id;

    const POLICY: &str = r#"
version = 1
[claim]
unit     = { family = "functionality", by = "ci" }
scan     = { family = "security", by = "ci" }
review   = { family = "process", by = "reviewer", form = "review" }
payments = { family = "functionality", by = "ci" }
[tier]
low    = { require = ["unit"], recommend = ["scan"] }
medium = { require = ["scan", "unit"], base = "newest" }
high   = { require = ["review"], trailer = true }
[[when]]
paths   = ["pay/**"]
tier    = "medium"
require = ["payments", "scan"]
[[when]]
paths = ["pay/keys/**"]
tier  = "high"
"#;

    fn id(text: &str) -> Id {
        text.parse().unwrap()
    }

    fn required(tier: &str, touched: &[&str]) -> Requirements {
        Policy::parse(POLICY).unwrap().requirements(&id(tier), touched).unwrap()
    }

    fn reasons(requirements: &Requirements) -> Vec<String> {
        requirements.claims.iter().map(|r| format!("{}: {}", r.claim, r.why)).collect()
    }

    #[test]
    fn each_tier_demands_what_those_before_it_demand() {
        let high = required("high", &["src/a.rs"]);
        assert_eq!(reasons(&high), ["unit: tier low", "scan: tier medium", "review: tier high"]);
        assert_eq!((high.base, high.trailer, high.raised_by), (Base::Newest, Trailer::EveryCommit, None));
        assert!(high.unsupported().is_empty());
    }

    #[test]
    fn lower_tier_demands_no_more_than_it_says() {
        let low = required("low", &["src/a.rs", "payments/a.rs"]);
        assert_eq!(reasons(&low), ["unit: tier low"]);
        assert_eq!(low.recommended, [id("scan")]);
        assert_eq!((low.base, low.trailer), (Base::MergeBase, Trailer::Optional));
        assert!(low.unsupported().is_empty());
    }

    #[test]
    fn touched_path_raises_the_tier_and_adds_claims() {
        let raised = required("low", &["README.md", "pay/a.rs"]);
        assert_eq!((raised.tier.as_str(), raised.raised_by), ("medium", Some(0)));
        assert_eq!(reasons(&raised), ["unit: tier low", "scan: tier medium", "payments: [[when]] rule 1"]);
        assert!(raised.recommended.is_empty());
        assert_eq!(required("low", &["pay/keys/k"]).raised_by, Some(1));
    }

    #[test]
    fn floor_never_lowers_a_tier() {
        let high = required("high", &["pay/a.rs"]);
        assert_eq!((high.tier.as_str(), high.raised_by), ("high", None));
    }

    #[test]
    fn unknown_tier_has_no_requirements() {
        let policy = Policy::parse(POLICY).unwrap();
        assert!(policy.requirements::<&str>(&id("higher"), &[]).is_none());
        assert!(policy.tiers_upto(&id("higher")).is_none());
        assert!(policy.tier_max(&id("low"), &id("higher")).is_none());
        assert_eq!(policy.tier_max(&id("low"), &id("medium")), Some(&id("medium")));
        assert_eq!(policy.tier_max(&id("high"), &id("medium")), Some(&id("high")));
    }
}
