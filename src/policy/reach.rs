//! What is out of reach under a policy: tiers in which nothing can be accepted, and acts that only the roots are left for.

use std::collections::BTreeSet;

use super::remark::{Holders, Oddity, Remark};
use super::{Act, Policy};
use crate::model::{ClaimName, Id, Role, TierName};

impl Policy {
    /// Returns the tiers of which no change can be accepted without an exception, and why, as remarks about this policy say.
    #[must_use]
    pub fn tiers_out_of_reach(&self, remarks: &[Remark]) -> Vec<(TierName, Vec<String>)> {
        let why = |tier: &TierName| -> Vec<String> {
            let demanded: BTreeSet<&ClaimName> =
                self.tiers_upto(tier).unwrap_or_default().iter().flat_map(|tier| &tier.require).collect();
            let closes = |remark: &&Remark| match closed_by(&remark.oddity) {
                Closed::Claim(claim) => demanded.contains(claim),
                Closed::Tier(closed) => closed == tier,
                Closed::All => true,
                Closed::Nothing => false,
            };
            remarks.iter().filter(closes).map(|remark| remark.oddity.to_string()).collect()
        };
        let tiers = self.tiers().iter().map(|tier| (tier.name.clone(), why(&tier.name)));
        tiers.filter(|(_, why)| !why.is_empty()).collect()
    }

    /// Returns why an act of `[may]` is left to the roots, as roles are held; `None` where somebody may do it.
    #[must_use]
    pub fn out_of_reach(&self, act: Act, holders: &Holders) -> Option<String> {
        let Some(entitled) = self.may(act) else { return Some(format!("[may] has no `{act}`")) };
        let of = |role: &Role| holders.get(role).into_iter().flatten();
        let found = entitled.roles.iter().flat_map(of).collect::<BTreeSet<_>>().len();
        let enough = u64::try_from(found).is_ok_and(|found| found >= entitled.threshold);
        let roles: Vec<&str> = entitled.roles.iter().map(Id::as_str).collect();
        let (roles, wanted) = (roles.join(" or "), entitled.threshold);
        (!enough).then(|| format!("`{act}` needs {wanted} with the role {roles}, and {found} hold it"))
    }
}

/// What a remark puts out of reach.
enum Closed<'a> {
    Nothing,
    Claim(&'a ClaimName),
    Tier(&'a TierName),
    All,
}

fn closed_by(oddity: &Oddity) -> Closed<'_> {
    match oddity {
        Oddity::OwnRole { claim, .. }
        | Oddity::NobodyShows { claim, .. }
        | Oddity::TooFewShow { claim, .. }
        | Oddity::TooFewPeers { claim, .. }
        | Oddity::Unmeetable { claim, .. }
        | Oddity::NoReviews { claim, .. } => Closed::Claim(claim),
        Oddity::NothingAtMerge { tier } => Closed::Tier(tier),
        Oddity::UnknownLimitation { .. } | Oddity::OperatorUnbound => Closed::All,
        Oddity::OwnRoleRecorded { .. }
        | Oddity::IdleException { .. }
        | Oddity::Unrequired { .. }
        | Oddity::Unsupported { .. }
        | Oddity::IdleTier { .. }
        | Oddity::IdleRule { .. }
        | Oddity::IdleRequirement { .. }
        | Oddity::IdleLimit { .. }
        | Oddity::WaivableByRoots { .. }
        | Oddity::PicturesUnseen { .. }
        | Oddity::TestsAsAttested { .. }
        | Oddity::TooFewMay { .. } => Closed::Nothing,
    }
}
