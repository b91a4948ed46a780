//! What is odd about a policy that can be read: what nobody can meet, what has no effect, what nobody may do.
//!
//! Parsing refuses what has no meaning; here is what has one that its author cannot have meant. An *error* is a policy
//! under which something can never be accepted; a *note* is worth a look. Nothing here decides a verdict.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ClaimName, Effect, IMPLEMENTER, Id, PrincipalId, Role, TierName};

use super::place::{Place, Places, Step};
use super::problem::Suggestion;
use super::reader::spelling;
use super::{Act, Base, Claim, Form, Independence, Moment, PlanPart, Policy, Trailer, Waivable, When};

/// Something odd, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Line and column; `None` where what is odd is that something is not there.
    pub place: Option<Place>,
    /// What is odd.
    pub oddity: Oddity,
    /// What was probably meant.
    pub suggestion: Option<Suggestion>,
}

/// How much a remark weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Something can never be accepted.
    Error,
    /// Worth a look.
    Note,
}

/// What is odd about a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Oddity {
    /// Whoever may show the claim is bound by holding the role that allows it.
    #[error("claim {claim} is shown by the role {role} and must be independent of {role}: nobody can show it")]
    OwnRole {
        /// The claim.
        claim: ClaimName,
        /// The role.
        role: Role,
    },
    /// The same, where independence is only recorded.
    #[error(
        "claim {claim} is shown by the role {role} and must be independent of {role}: each verdict admits not-independent"
    )]
    OwnRoleRecorded {
        /// The claim.
        claim: ClaimName,
        /// The role.
        role: Role,
    },
    /// Implementers show the claim of each other's changes, and there are too few of them for that.
    #[error(
        "claim {claim} is shown by implementers, and not by who implements the change: it takes {wanted} more than those, and \
         {found} hold the role"
    )]
    TooFewPeers {
        /// The claim.
        claim: ClaimName,
        /// How many hold the role.
        found: usize,
        /// How many must show it.
        wanted: u64,
    },
    /// A limitation that no verifier of this version reports, so that none can say that it is not there.
    #[error("`refuse_limitations` names `{name}`, which is no limitation: every verdict refuses; there are {known}")]
    UnknownLimitation {
        /// The name.
        name: Id,
        /// Those that there are.
        known: String,
    },
    /// A limitation that every verdict has while there are no witnesses: an anchor binds the log up to its own size only.
    #[error(
        "`refuse_limitations` names operator-unbound: nothing is accepted, since every verdict of this version admits it"
    )]
    OperatorUnbound,
    /// Exceptions of a kind are allowed, and what every verdict with one admits is refused.
    #[error("`refuse_limitations` names {name}: no exception that would {effect} a claim ever helps")]
    IdleException {
        /// The limitation.
        name: Id,
        /// What such an exception would do.
        effect: Effect,
    },
    /// Nothing requires a claim.
    #[error("nothing requires the claim {claim}")]
    Unrequired {
        /// The claim.
        claim: ClaimName,
    },
    /// This version keeps a limit and cannot judge it.
    #[error("{thing} says {what}, which this version cannot judge: what it concerns is refused")]
    Unsupported {
        /// The claim or tier.
        thing: String,
        /// What.
        what: &'static str,
    },
    /// A tier demands what the one before it demands.
    #[error("tier {tier} demands nothing that {before} does not")]
    IdleTier {
        /// The tier.
        tier: TierName,
        /// The one before it.
        before: TierName,
    },
    /// All that a tier demands is due only before the rollout.
    #[error("tier {tier} requires nothing before the rollout: no change of it can be accepted at the merge")]
    NothingAtMerge {
        /// The tier.
        tier: TierName,
    },
    /// Another rule demands as much of the same paths.
    #[error("[[when]] rule {rule} has no effect: rule {other} demands as much of the same paths")]
    IdleRule {
        /// The rule, from 1.
        rule: usize,
        /// The other, from 1.
        other: usize,
    },
    /// A rule requires a claim that its floor requires anyway.
    #[error("[[when]] rule {rule} requires {claim}, which tier {tier} requires anyway")]
    IdleRequirement {
        /// The rule, from 1.
        rule: usize,
        /// The claim.
        claim: ClaimName,
        /// The tier.
        tier: TierName,
    },
    /// A limit that can never be the one that refuses.
    #[error("`{key}` of claim {claim} has no effect: {why}")]
    IdleLimit {
        /// The claim.
        claim: ClaimName,
        /// The key.
        key: &'static str,
        /// Why.
        why: &'static str,
    },
    /// A limit that nothing can meet.
    #[error("`{key}` of claim {claim} can never be met: {why}")]
    Unmeetable {
        /// The claim.
        claim: ClaimName,
        /// The key.
        key: &'static str,
        /// Why.
        why: &'static str,
    },
    /// Pictures are to be seen by reviews of a claim that runs show.
    #[error("the pictures of claim {claim} are reviewed by {by}, which runs show: no picture can be passed")]
    NoReviews {
        /// The claim.
        claim: ClaimName,
        /// The other.
        by: ClaimName,
    },
    /// Pictures are protected, and no review of them counts.
    #[error(
        "claim {claim} keeps the branch's pictures and names no `reviewed_by`: nobody can review one that changes, which is refused \
         until it is retired"
    )]
    PicturesUnseen {
        /// The claim.
        claim: ClaimName,
    },
    /// Whoever attests says which files are tests.
    #[error(
        "claim {claim} wants tests that fail on the base and names no `paths`: whoever attests says which files are tests"
    )]
    TestsAsAttested {
        /// The claim.
        claim: ClaimName,
    },
    /// A claim is said to be waivable, and no role may waive.
    #[error("claim {claim} says waivable = true, and [may] has no `allow`: only the roots may sign an exception")]
    WaivableByRoots {
        /// The claim.
        claim: ClaimName,
    },
    /// Nobody holds the role that may show a claim.
    #[error("nobody may show the claim {claim}: nobody holds the role {role}")]
    NobodyShows {
        /// The claim.
        claim: ClaimName,
        /// The role.
        role: Role,
    },
    /// Fewer principals may show a claim than it needs.
    #[error("claim {claim} needs {wanted} principals, and {found} hold the role {role}")]
    TooFewShow {
        /// The claim.
        claim: ClaimName,
        /// The role.
        role: Role,
        /// How many hold it.
        found: usize,
        /// How many are needed.
        wanted: u64,
    },
    /// Fewer principals hold the roles of an act than its threshold.
    #[error("`{act}` of [may] needs {wanted} of {roles}, and {found} principals hold that: only the roots may")]
    TooFewMay {
        /// The act.
        act: Act,
        /// The roles.
        roles: String,
        /// How many hold one of them.
        found: usize,
        /// How many must sign.
        wanted: u64,
    },
}

/// Who holds which role.
pub type Holders = BTreeMap<Role, BTreeSet<PrincipalId>>;

impl Remark {
    /// Returns how much it weighs.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        match self.oddity {
            Oddity::OwnRole { .. }
            | Oddity::UnknownLimitation { .. }
            | Oddity::Unmeetable { .. }
            | Oddity::NoReviews { .. }
            | Oddity::NothingAtMerge { .. } => Weight::Error,
            Oddity::OwnRoleRecorded { .. }
            | Oddity::TooFewPeers { .. }
            | Oddity::OperatorUnbound
            | Oddity::Unrequired { .. }
            | Oddity::Unsupported { .. }
            | Oddity::IdleException { .. }
            | Oddity::IdleTier { .. }
            | Oddity::IdleRule { .. }
            | Oddity::IdleRequirement { .. }
            | Oddity::IdleLimit { .. }
            | Oddity::PicturesUnseen { .. }
            | Oddity::TestsAsAttested { .. }
            | Oddity::WaivableByRoots { .. }
            | Oddity::NobodyShows { .. }
            | Oddity::TooFewShow { .. }
            | Oddity::TooFewMay { .. } => Weight::Note,
        }
    }
}

impl std::fmt::Display for Remark {
    /// Writes `line 3, column 1: nothing requires the claim lint`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        write!(f, "{}", self.oddity)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

impl Policy {
    /// Returns what is odd about this policy, in the order of its text.
    ///
    /// `limitations` are those that a verdict may admit. Where it is known who holds which role, what nobody may do is
    /// among the remarks.
    #[must_use]
    pub fn remarks(&self, text: &str, limitations: &[&str], holders: Option<&Holders>) -> Vec<Remark> {
        let mut remarks = Remarks { places: Places::of(text), found: Vec::new() };
        self.remark_limitations(&mut remarks, limitations);
        for (name, claim) in self.claims() {
            self.remark_claim(&mut remarks, name, claim);
        }
        for claim in self.claims_unused() {
            remarks.note(&[Step::Key("claim"), Step::Key(claim.as_str())], Oddity::Unrequired { claim: claim.clone() });
        }
        self.remark_tiers(&mut remarks);
        self.remark_rules(&mut remarks);
        if let Some(holders) = holders {
            self.remark_holders(&mut remarks, holders);
        }
        remarks.found.sort_by_key(|remark| remark.place.unwrap_or((usize::MAX, 0)));
        remarks.found
    }

    fn remark_limitations(&self, remarks: &mut Remarks<'_>, known: &[&str]) {
        let written = self.json["refuse_limitations"].as_array().cloned().unwrap_or_default();
        for name in &self.refuse_limitations {
            let index = written.iter().position(|item| item == name.as_str()).unwrap_or(0);
            let steps = [Step::Key("refuse_limitations"), Step::Index(index)];
            if !known.contains(&name.as_str()) {
                let suggestion = spelling(name.as_str(), known.iter().copied());
                let oddity = Oddity::UnknownLimitation { name: name.clone(), known: known.join(", ") };
                remarks.note_and(&steps, oddity, suggestion);
            } else if let Some((_, effect)) = EXCEPTED.iter().find(|(known, _)| *known == name.as_str()) {
                // Without a table of its own nobody thought of exceptions.
                if !self.json["exceptions"].is_null() && self.exceptions().effects.contains(effect) {
                    remarks.note(&steps, Oddity::IdleException { name: name.clone(), effect: *effect });
                }
            } else if name.as_str() == OPERATOR_UNBOUND {
                remarks.note(&steps, Oddity::OperatorUnbound);
            }
        }
    }

    fn remark_claim(&self, remarks: &mut Remarks<'_>, name: &ClaimName, claim: &Claim) {
        let at = |key| [Step::Key("claim"), Step::Key(name.as_str()), Step::Key(key)];
        let within = |key, limit| [Step::Key("claim"), Step::Key(name.as_str()), Step::Key(key), Step::Key(limit)];
        let (claim_name, role) = (name.clone(), claim.by.clone());
        // One implementer may well look at what another made: only the role itself binds whoever holds it.
        if claim.independent_of.contains(&claim.by) && claim.by.as_str() != IMPLEMENTER {
            remarks.note(
                &at("independent_of"),
                match self.independence {
                    Independence::Require => Oddity::OwnRole { claim: claim_name, role },
                    Independence::Record => Oddity::OwnRoleRecorded { claim: claim_name, role },
                },
            );
        }
        for what in claim.unsupported() {
            let key = what.split(['.', ' ']).next().unwrap_or(what);
            let key = if key == "findings" { within("findings", "new_max") } else { within(key, "baseline") };
            remarks.note(&key, Oddity::Unsupported { thing: format!("claim {name}"), what });
        }
        let by = claim.attachments.as_ref().and_then(|limits| limits.reviewed_by.as_ref());
        if let Some(by) = by.filter(|by| self.claim(by).is_some_and(|claim| claim.form == Form::Run)) {
            let oddity = Oddity::NoReviews { claim: name.clone(), by: by.clone() };
            remarks.note(&within("attachments", "reviewed_by"), oddity);
        }
        self.remark_tests(remarks, name, claim);
        self.remark_percentages(remarks, name, claim);
        if claim.attachments.as_ref().is_some_and(|limits| limits.baseline.is_some() && limits.reviewed_by.is_none()) {
            remarks.note(&within("attachments", "baseline"), Oddity::PicturesUnseen { claim: name.clone() });
        }
        if claim.differential().is_some_and(|wanted| wanted.paths.is_none()) {
            remarks.note(&within("tests", "differential"), Oddity::TestsAsAttested { claim: name.clone() });
        }
        let idle = |key, why| Oddity::IdleLimit { claim: name.clone(), key, why };
        if claim.tests.as_ref().and_then(|tests| tests.failed_max).is_some_and(|max| max > 0) {
            remarks.note(
                &within("tests", "failed_max"),
                idle("failed_max", "a failed test refuses whatever stands here; 0 says so"),
            );
        }
        if let Some(findings) = &claim.findings
            && let (Some(critical), Some(high)) = (findings.critical_max, findings.high_max)
            && critical > high
        {
            remarks.note(
                &within("findings", "critical_max"),
                idle("critical_max", "critical findings count as high, and `high_max` is lower"),
            );
        }
        let written = self.json["claim"][name.as_str()]["waivable"] == true;
        if written && claim.waivable == Waivable::Yes && self.may(Act::Allow).is_none() {
            remarks.note(&at("waivable"), Oddity::WaivableByRoots { claim: name.clone() });
        }
    }

    fn remark_tests(&self, remarks: &mut Remarks<'_>, name: &ClaimName, claim: &Claim) {
        let Some(tests) = &claim.tests else { return };
        let within = |limit| [Step::Key("claim"), Step::Key(name.as_str()), Step::Key("tests"), Step::Key(limit)];
        let unmeetable = |key, why| Oddity::Unmeetable { claim: name.clone(), key, why };
        for (key, kind) in [("positive", &tests.positive), ("negative", &tests.negative)] {
            let Some(kind) = kind else { continue };
            // A property is `name=value`: without `=` only a wildcard reaches it.
            let idle = kind.properties.patterns().iter().any(|pattern| !pattern.contains(['=', '*']));
            let others = [&kind.names, &kind.suites, &kind.reports].into_iter().any(|it| !it.patterns().is_empty())
                || kind.properties.patterns().iter().any(|pattern| pattern.contains(['=', '*']));
            let why = "a pattern of `properties` without `=` matches nothing: a property is name=value";
            if idle && !others {
                remarks.note(&within(key), unmeetable(key, why));
            } else if idle {
                remarks.note(&within(key), Oddity::IdleLimit { claim: name.clone(), key, why });
            }
        }
        if let (Some(positive), Some(negative)) = (&tests.positive, &tests.negative) {
            let pairs = [
                (&positive.names, &negative.names),
                (&positive.suites, &negative.suites),
                (&positive.reports, &negative.reports),
                (&positive.properties, &negative.properties),
            ];
            let all = |patterns: &super::Wildcards| patterns.patterns().iter().any(|pattern| pattern == "*");
            if pairs.into_iter().any(|(one, other)| all(one) && all(other)) {
                let why = "every test is of the positive kind too, and a test of both kinds refuses";
                remarks.note(&within("negative"), unmeetable("negative", why));
            }
        }
        let everything = |paths: &super::Paths| paths.patterns().iter().any(|pattern| pattern == "**");
        if tests.differential.as_ref().and_then(|it| it.paths.as_ref()).is_some_and(everything) {
            let why = "all of the head is laid over the base, and then no test fails there";
            remarks.note(&within("differential"), unmeetable("differential", why));
        }
        if self.json["claim"][name.as_str()]["tests"]["differential"] == false {
            let why = "false says what leaving it out says";
            let key = "differential";
            remarks.note(&within(key), Oddity::IdleLimit { claim: name.clone(), key, why });
        }
    }

    fn remark_percentages(&self, remarks: &mut Remarks<'_>, name: &ClaimName, claim: &Claim) {
        let mut note = |table, key, why| {
            let steps = [Step::Key("claim"), Step::Key(name.as_str()), Step::Key(table), Step::Key(key)];
            remarks.note(&steps, Oddity::IdleLimit { claim: name.clone(), key, why });
        };
        let (coverage, mutation) = (claim.coverage.as_ref(), claim.mutation.as_ref());
        for (table, key, least) in [
            ("coverage", "total_min", coverage.and_then(|it| it.total_min)),
            ("coverage", "changed_lines_min", coverage.and_then(|it| it.changed_lines_min)),
            ("mutation", "score_min", mutation.and_then(|it| it.score_min)),
            ("mutation", "changed_score_min", mutation.and_then(|it| it.changed_score_min)),
        ] {
            if least == Some(0) {
                note(table, key, "no part is below 0 percent");
            }
        }
        for (table, key, paths) in [
            ("coverage", "changed_lines_except", coverage.and_then(|it| it.changed_lines_except.as_ref())),
            ("mutation", "changed_score_except", mutation.and_then(|it| it.changed_score_except.as_ref())),
        ] {
            if paths.is_some_and(|paths| paths.patterns().iter().any(|pattern| pattern == "**")) {
                note(table, key, "it excepts every file, and the limit that it is from holds nothing");
            }
        }
    }

    fn remark_tiers(&self, remarks: &mut Remarks<'_>) {
        let mut before: BTreeSet<&ClaimName> = BTreeSet::new();
        let (mut base, mut trailer) = (Base::MergeBase, Trailer::Optional);
        let mut shown: BTreeSet<&ClaimName> = BTreeSet::new();
        let mut parts: BTreeSet<PlanPart> = BTreeSet::new();
        for (index, tier) in self.tiers.iter().enumerate() {
            let more = tier.require.iter().any(|claim| !before.contains(claim))
                || tier.recommend.iter().any(|claim| !before.contains(claim) && !shown.contains(claim))
                || tier.plan.iter().any(|part| !parts.contains(part))
                || tier.base > base
                || tier.trailer > trailer;
            let steps = [Step::Key("tier"), Step::Key(tier.name.as_str())];
            // A tier without a table of its own is a step of the usual three that nobody has filled yet.
            let written = !self.json["tier"][tier.name.as_str()].is_null();
            if let Some(lower) = index.checked_sub(1).map(|lower| &self.tiers[lower]).filter(|_| written && !more) {
                remarks.note(&steps, Oddity::IdleTier { tier: tier.name.clone(), before: lower.name.clone() });
            }
            before.extend(&tier.require);
            shown.extend(&tier.recommend);
            parts.extend(&tier.plan);
            (base, trailer) = (base.max(tier.base), trailer.max(tier.trailer));
            if tier.base == Base::Newest {
                let steps = [steps[0], steps[1], Step::Key("base")];
                let thing = format!("tier {}", tier.name);
                remarks.note(&steps, Oddity::Unsupported { thing, what: "base = \"newest\"" });
            }
            let late = |claim: &&&ClaimName| self.claim(claim).is_some_and(|claim| claim.at == Moment::Deploy);
            if written && before.iter().filter(late).count() == before.len() {
                remarks.note(&steps, Oddity::NothingAtMerge { tier: tier.name.clone() });
            }
        }
    }

    fn remark_rules(&self, remarks: &mut Remarks<'_>) {
        for (index, rule) in self.whens.iter().enumerate() {
            let floor = rule.tier.as_ref().or(self.tiers.first().map(|tier| &tier.name));
            let of_floor = floor.and_then(|floor| self.tiers_upto(floor)).unwrap_or_default();
            for (place, claim) in rule.require.iter().enumerate() {
                if let Some(tier) = of_floor.iter().find(|tier| tier.require.contains(claim)) {
                    let steps = [Step::Key("when"), Step::Index(index), Step::Key("require"), Step::Index(place)];
                    let (claim, tier) = (claim.clone(), tier.name.clone());
                    remarks.note(&steps, Oddity::IdleRequirement { rule: index + 1, claim, tier });
                }
            }
            // Of two that demand the same the later one is told.
            let as_much = |(other, more): &(usize, &When)| {
                *other != index && self.covers(more, rule) && (*other < index || !self.covers(rule, more))
            };
            if let Some((other, _)) = self.whens.iter().enumerate().find(as_much) {
                let steps = [Step::Key("when"), Step::Index(index)];
                remarks.note(&steps, Oddity::IdleRule { rule: index + 1, other: other + 1 });
            }
        }
    }

    /// Returns whether one rule demands all that another does, of all its paths.
    fn covers(&self, more: &When, rule: &When) -> bool {
        let rank = |rule: &When| rule.tier.as_ref().and_then(|tier| self.tier_rank(tier));
        rule.paths.patterns().iter().all(|pattern| more.paths.patterns().contains(pattern))
            && rule.require.iter().all(|claim| more.require.contains(claim))
            && rank(rule) <= rank(more)
    }

    fn remark_holders(&self, remarks: &mut Remarks<'_>, holders: &Holders) {
        let of = |role: &Role| holders.get(role).into_iter().flatten();
        for (name, claim) in self.claims() {
            let found = of(&claim.by).count();
            let wanted = claim.principals_min.get();
            let steps = |key| [Step::Key("claim"), Step::Key(name.as_str()), Step::Key(key)];
            let peers = claim.by.as_str() == IMPLEMENTER && claim.independent_of.contains(&claim.by);
            let (claim, role) = (name.clone(), claim.by.clone());
            if peers && u64::try_from(found).is_ok_and(|found| found > 0 && found <= wanted) {
                remarks.note(&steps("independent_of"), Oddity::TooFewPeers { claim, found, wanted });
            } else if found == 0 {
                remarks.note(&steps("by"), Oddity::NobodyShows { claim, role });
            } else if u64::try_from(found).is_ok_and(|found| found < wanted) {
                remarks.note(&steps("principals_min"), Oddity::TooFewShow { claim, role, found, wanted });
            }
        }
        for (act, entitled) in &self.may {
            let found = entitled.roles.iter().flat_map(of).collect::<BTreeSet<_>>().len();
            if u64::try_from(found).is_ok_and(|found| found < entitled.threshold) {
                let roles: Vec<&str> = entitled.roles.iter().map(Id::as_str).collect();
                let (roles, wanted) = (roles.join(", "), entitled.threshold);
                let steps = [Step::Key("may"), Step::Key(act.as_str())];
                remarks.note(&steps, Oddity::TooFewMay { act: *act, roles, found, wanted });
            }
        }
    }
}

struct Remarks<'t> {
    places: Places<'t>,
    found: Vec<Remark>,
}

impl Remarks<'_> {
    fn note(&mut self, steps: &[Step<'_>], oddity: Oddity) {
        self.note_and(steps, oddity, None);
    }

    fn note_and(&mut self, steps: &[Step<'_>], oddity: Oddity, suggestion: Option<Suggestion>) {
        self.found.push(Remark { place: self.places.find(steps), oddity, suggestion });
    }
}

const OPERATOR_UNBOUND: &str = "operator-unbound";
/// What a verdict admits where an exception stands in for a claim.
const EXCEPTED: [(&str, Effect); 2] = [("waived", Effect::Waive), ("not-applicable", Effect::Exempt)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{STARTER, TIERS_EXAMPLE};

    const KNOWN: [&str; 4] = ["asserted", "one-person", "operator-unbound", "waived"];

    fn remarks(text: &str, holders: Option<&Holders>) -> Vec<String> {
        let policy = Policy::parse(text).unwrap_or_else(|errors| panic!("{errors}"));
        let remarks = policy.remarks(text, &KNOWN, holders);
        let word = |remark: &Remark| match remark.weight() {
            Weight::Error => "error",
            Weight::Note => "note",
        };
        remarks.iter().map(|remark| format!("{}: {remark}", word(remark))).collect()
    }

    /// A policy with one claim and lines of its own.
    fn with(claim: &str, rest: &str) -> String {
        format!(
            "version = 1\n{rest}\n[claim.a]\nfamily = \"security\"\nby = \"ci\"\n{claim}\n[tier.low]\nrequire = [\"a\"]\n"
        )
    }

    fn holders(of: &[(&str, &[&str])]) -> Holders {
        let ids = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        of.iter().map(|(role, names)| (role.parse().unwrap(), ids(names))).collect()
    }

    #[test]
    fn usual_policies_are_not_odd() {
        for text in [STARTER, TIERS_EXAMPLE, &with("", "")] {
            assert!(remarks(text, None).is_empty(), "{:?}", remarks(text, None));
        }
    }

    #[test]
    fn independence_of_the_own_role_is_an_error() {
        let own = with("independent_of = [\"ci\"]", "");
        assert_eq!(
            remarks(&own, None),
            [
                "error: line 6, column 18: claim a is shown by the role ci and must be independent of ci: nobody can show it"
            ]
        );
        let recorded = own.replace("version = 1\n", "version = 1\nindependence = \"record\"\n");
        assert!(remarks(&recorded, None)[0].starts_with("note: line 7, "));
    }

    #[test]
    fn independence_of_another_role_and_of_other_implementers_is_not_odd() {
        let other = with("independent_of = [\"boss\"]", "may.plan = [\"boss\"]");
        assert!(remarks(&other, None).is_empty());
        let peers = with("independent_of = [\"implementer\"]", "").replace("\"ci\"", "\"implementer\"");
        assert!(remarks(&peers, None).is_empty());
    }

    #[test]
    fn limitation_that_nobody_reports_is_an_error_with_the_nearest_name() {
        let found = remarks(&with("", "refuse_limitations = [\"asserted\", \"one-persn\"]"), None);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("error: line 2, column 35: "), "{}", found[0]);
        assert!(found[0].ends_with("; did you mean `one-person`?"), "{}", found[0]);
        let unbound = remarks(&with("", "refuse_limitations = [\"operator-unbound\"]"), None);
        assert!(unbound[0].starts_with("note: line 2, column 23: "), "{}", unbound[0]);
        assert!(remarks(&with("", "refuse_limitations = [\"asserted\"]"), None).is_empty());
    }

    #[test]
    fn exceptions_that_never_help_are_noted() {
        let text = with("", "refuse_limitations = [\"waived\"]") + "[exceptions]\nlongest = \"2d\"\n";
        assert_eq!(
            remarks(&text, None),
            [
                "note: line 2, column 23: `refuse_limitations` names waived: no exception that would waive a claim ever helps"
            ]
        );
        assert!(remarks(&(text + "effects = [\"retire\"]\n"), None).is_empty());
        assert!(remarks(&with("", "refuse_limitations = [\"waived\"]"), None).is_empty());
    }

    #[test]
    fn limits_that_never_refuse_are_noted() {
        let found =
            remarks(&with("tests = { failed_max = 1 }\nfindings = { critical_max = 1, high_max = 0 }", ""), None);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("note: line 6, column 24: `failed_max` of claim a has no effect"), "{}", found[0]);
        assert!(
            found[1].starts_with("note: line 7, column 29: `critical_max` of claim a has no effect"),
            "{}",
            found[1]
        );
        let fine = "tests = { failed_max = 0 }\nfindings = { critical_max = 0, high_max = 0 }";
        assert!(remarks(&with(fine, ""), None).is_empty());
    }

    #[test]
    fn limits_that_nothing_can_meet_are_errors_and_their_twins_are_not_odd() {
        for (claim, place) in [
            (
                "tests = { positive = { properties = [\"kind\"] } }",
                "`positive` of claim a can never be met: a pattern of",
            ),
            ("tests = { positive = { names = [\"*\"] }, negative = { names = [\"*\"] } }", "`negative` of claim a can"),
            ("tests = { differential = { paths = [\"**\"] } }", "`differential` of claim a can never be met: all of"),
        ] {
            let found = remarks(&with(claim, ""), None);
            assert!(
                found.len() == 1 && found[0].starts_with("error: line 6, column ") && found[0].contains(place),
                "{found:?}"
            );
        }
        for (claim, key) in [
            ("tests = { positive = { properties = [\"kind\", \"kind=good\"] } }", "positive"),
            ("tests = { failed_max = 0, differential = false }", "differential"),
            ("coverage = { changed_lines_min = 90, changed_lines_except = [\"**\"] }", "changed_lines_except"),
            ("mutation = { changed_score_min = 90, changed_score_except = [\"**\"] }", "changed_score_except"),
            ("coverage = { total_min = 0 }", "total_min"),
            ("mutation = { score_min = 0 }", "score_min"),
        ] {
            let found = remarks(&with(claim, ""), None);
            let wanted = format!("`{key}` of claim a has no effect: ");
            assert!(found.len() == 1 && found[0].starts_with("note: ") && found[0].contains(&wanted), "{found:?}");
        }
        for fine in [
            "tests = { positive = { properties = [\"kind=good\"] }, negative = { properties = [\"kind=bad\"] } }",
            "tests = { positive = { properties = [\"kind*\"] } }",
            "tests = { differential = { paths = [\"tests/**\"] } }",
            "coverage = { total_min = 1, changed_lines_min = 90, changed_lines_except = [\"tests/**\"] }",
        ] {
            assert!(remarks(&with(fine, ""), None).is_empty(), "{fine}: {:?}", remarks(&with(fine, ""), None));
        }
    }

    #[test]
    fn pictures_that_nobody_can_review_are_noted() {
        let found = remarks(&with("attachments = { baseline = \"keep\" }", ""), None);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("note: line 6, column 28: claim a keeps the branch's pictures and names no"),
            "{found:?}"
        );
        let looks = "attachments = { baseline = \"keep\", reviewed_by = \"b\" }\n[claim.b]\nfamily = \"process\"\nby = \"eve\"\nform = \"review\"";
        assert_eq!(remarks(&with(looks, ""), None), Vec::<String>::new());
    }

    #[test]
    fn files_of_tests_that_the_attester_names_are_noted() {
        let found = remarks(&with("tests = { differential = true }", ""), None);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("note: line 6, column 26: claim a wants tests that fail on the base"),
            "{found:?}"
        );
        let named = with("tests = { differential = { paths = [\"tests/**\"] } }", "");
        assert_eq!(remarks(&named, None), Vec::<String>::new());
    }

    #[test]
    fn waivable_by_the_roots_only_is_noted_where_it_is_written() {
        assert!(remarks(&with("waivable = true", ""), None)[0].starts_with("note: line 6, column 12: "));
        assert!(remarks(&with("waivable = true", "may.allow = [\"boss\"]"), None).is_empty());
        assert!(remarks(&with("", ""), None).is_empty());
    }

    #[test]
    fn tier_that_adds_nothing_is_noted() {
        let idle = with("", "") + "[tier.medium]\nrequire = [\"a\"]\n[tier.high]\ntrailer = true\n";
        let found = remarks(&idle, None);
        assert_eq!(found, ["note: line 9, column 7: tier medium demands nothing that low does not"]);
    }

    #[test]
    fn tier_with_nothing_before_the_rollout_is_an_error() {
        let found = remarks(&with("at = \"deploy\"", ""), None);
        assert!(
            found[0].starts_with("error: line 7, column 7: tier low requires nothing before the rollout"),
            "{found:?}"
        );
    }

    #[test]
    fn rules_that_add_nothing_are_noted() {
        let rules = "[claim.b]\nfamily = \"security\"\nby = \"ci\"\n[tier.medium]\nrequire = [\"b\"]\n";
        let wide = "[[when]]\npaths = [\"x/**\", \"y/**\"]\ntier = \"medium\"\n";
        let narrow = "[[when]]\npaths = [\"x/**\"]\ntier = \"medium\"\nrequire = [\"b\"]\n";
        let found = remarks(&(with("", "") + rules + wide + narrow), None);
        assert_eq!(found, ["note: line 20, column 12: [[when]] rule 2 requires b, which tier medium requires anyway"]);
        let found = remarks(&(with("", "") + rules + wide + wide), None);
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("[[when]] rule 2 has no effect: rule 1 demands as much of the same paths"));
    }

    #[test]
    fn what_nobody_may_do_is_noted_where_the_holders_are_known() {
        let text = with("", "[may]\nplan = { roles = [\"boss\", \"ci\"], threshold = 2 }");
        assert!(remarks(&text, Some(&holders(&[("ci", &["c"]), ("boss", &["b"])]))).is_empty());
        let found = remarks(&text, Some(&holders(&[("boss", &["b"])])));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("note: line 3, column 1: `plan` of [may] needs 2 of boss, ci, and 1 principals"));
        assert_eq!(found[1], "note: line 6, column 6: nobody may show the claim a: nobody holds the role ci");
    }
}
