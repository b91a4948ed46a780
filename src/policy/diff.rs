//! What one policy demands otherwise than another, difference by difference, and whether that is weaker.
//!
//! A policy is spread into *terms*: one value of one key of one thing, or one member of a list. What stands only on one
//! side, or differs, is a difference, and [`RULES`] says for each key which way is weaker. What is effective is compared,
//! not what is written: a tier has what the tiers before it have, and rules are taken apart by pattern.
//! Whatever no rule can order is weaker: it needs a person who has seen it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::model::{ClaimName, Digest, Id, Span, TierName};

use super::word::{Word as _, words};
use super::{
    Act, AttachmentLimits, Base, Claim, CoverageLimits, Entitled, Exceptions, FindingLimits, MaterialsRule,
    MeasurementLimits, MutationLimits, NameLimits, PathFloor, PlanPart, Policy, Reach, TestKind, TestLimits, Tier,
    Trailer, Waivable, When,
};

/// One difference between two policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs: `claim unit-tests`, `tier low`, `[[when]] src/**`, `may plan`, `policy`.
    pub thing: String,
    /// In what: `tests.passed_min`; empty where the whole thing is on one side only.
    pub key: &'static str,
    /// What it was; `None`: not there.
    pub old: Option<String>,
    /// What it becomes; `None`: no longer there.
    pub new: Option<String>,
    /// Whether less has to be shown, or more may act.
    pub direction: Direction,
}

words! {
    /// What a difference does to the gate.
    Direction {
        /// It demands less, lets more act, or cannot be ordered.
        Weaker = "weaker",
        /// It demands more, or lets fewer act.
        Stronger = "stronger",
        /// It changes no verdict.
        Other = "other",
    }
}

impl Policy {
    /// Returns what `new` demands otherwise than this policy, in the order of a policy's tables.
    ///
    /// Of a policy against itself that is nothing; the other way round, what was weaker is stronger, unless it cannot be
    /// ordered at all.
    #[must_use]
    pub fn differences(&self, new: &Self) -> Vec<Difference> {
        let common = Common::of(self, new);
        let (before, after) = (Terms::of(self, &common), Terms::of(new, &common));
        let keys: BTreeSet<&Key> = before.0.keys().chain(after.0.keys()).collect();
        let mut found: Vec<(&Key, Difference)> = Vec::new();
        for key in keys {
            let (old, new_term) = (before.0.get(key), after.0.get(key));
            if old == new_term || !is_comparable(key, &before, &after) {
                continue;
            }
            let direction = match direction(key.name, old, new_term) {
                // What a rule no longer requires, or now does, where it is required anyway.
                Direction::Weaker | Direction::Stronger
                    if is_of_a_rule(key) && key.name == "require" && demanded_by_both(self, new, key) =>
                {
                    Direction::Other
                }
                direction => direction,
            };
            let shown = |term: &Term| format!("{} {}", key.member, term.shown).trim_ascii().to_owned();
            let difference = Difference {
                thing: key.thing.clone(),
                key: key.name,
                old: old.map(shown),
                new: new_term.map(shown),
                direction,
            };
            found.push((key, difference));
        }
        let told = |key: &Key, difference: &Difference| {
            found.iter().any(|(other, same)| {
                let alike = (other.name, &other.member) == (key.name, &key.member)
                    && (&same.old, &same.new, same.direction)
                        == (&difference.old, &difference.new, difference.direction);
                alike && common.is_below(&other.thing, &key.thing)
            })
        };
        let mut differences: Vec<Difference> = Vec::new();
        for (key, difference) in &found {
            // A tier has what those before it have: that is told once.
            if !told(key, difference) {
                differences.push(difference.clone());
            }
        }
        differences
    }
}

impl fmt::Display for Difference {
    /// Writes `claim unit-tests: tests.passed_min 200 -> 150 (weaker)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.thing)?;
        let key = if self.key.is_empty() { String::new() } else { format!("{} ", self.key) };
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => write!(f, "{key}{old} -> {new}")?,
            (None, Some(new)) => write!(f, "{}", added(&key, new, "added"))?,
            (Some(old), None) => write!(f, "{}", added(&key, old, "removed"))?,
            (None, None) => write!(f, "{key}")?,
        }
        write!(f, " ({})", self.direction)
    }
}

fn added(key: &str, value: &str, what: &str) -> String {
    let value = if value.is_empty() { String::new() } else { format!("{value} ") };
    format!("{key}{value}{what}")
}

/// Which way a key is weaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// A lower number is weaker, none is weakest.
    Floor,
    /// A higher number is weaker, none is weakest.
    Ceiling,
    /// Without it is weaker.
    Demand,
    /// With it is weaker; where both have it, a higher number is.
    Right,
    /// A lower number is weaker; where only one has it, another difference tells it.
    Quorum,
    /// The words, weakest first; a word that is not there cannot be ordered.
    Words(&'static [&'static str]),
    /// No verdict depends on it.
    Label,
}

/// The one table: which way each key is weaker. A key that is not here, such as `by` or `form`, cannot be ordered.
const RULES: &[(&str, Rule)] = &[
    ("applies", Rule::Words(&["plan", "open"])),
    ("independence", Rule::Words(&["record", "require"])),
    ("unplanned", Rule::Right),
    ("plan_valid_for", Rule::Ceiling),
    ("refuse_limitations", Rule::Demand),
    ("pipelines", Rule::Demand),
    // What another text would refuse, nobody can tell.
    ("rego", Rule::Demand),
    ("tiers above", Rule::Demand),
    ("tiers below", Rule::Right),
    ("require", Rule::Demand),
    ("recommend", Rule::Label),
    ("base", Rule::Words(&["merge-base", "newest"])),
    ("trailer", Rule::Words(&["false", "true"])),
    ("plan", Rule::Demand),
    ("", Rule::Label),
    ("family", Rule::Label),
    // At the plan another commit is shown than at the merge: that is neither more nor less.
    ("at", Rule::Words(&["deploy", "merge"])),
    ("bound_to", Rule::Words(&["tree", "commit"])),
    ("tests.passed_min", Rule::Floor),
    ("tests.failed_max", Rule::Ceiling),
    ("tests.skipped_max", Rule::Ceiling),
    ("tests.flaky_max", Rule::Ceiling),
    ("tests.skipped", Rule::Demand),
    ("tests.flaky", Rule::Demand),
    ("tests.baseline", Rule::Demand),
    ("tests.differential", Rule::Demand), // Other patterns find other tests: that is neither more nor less.
    ("tests.positive", Rule::Demand),
    ("tests.positive.passed_min", Rule::Floor),
    ("tests.negative", Rule::Demand),
    ("tests.negative.passed_min", Rule::Floor),
    ("coverage.paths", Rule::Floor),
    ("coverage.total_min", Rule::Floor),
    ("coverage.changed_lines_min", Rule::Floor),
    ("coverage.changed_lines_except", Rule::Right),
    ("findings.critical_max", Rule::Ceiling),
    ("findings.high_max", Rule::Ceiling),
    ("findings.medium_max", Rule::Ceiling),
    ("findings.low_max", Rule::Ceiling),
    ("findings.new_max", Rule::Ceiling),
    ("findings.suppressed_max", Rule::Ceiling),
    ("findings.suppressed", Rule::Demand),
    ("coverage.baseline", Rule::Demand),
    ("coverage.excluded", Rule::Demand),
    ("names.baseline", Rule::Demand),
    ("names.new_max", Rule::Ceiling),
    ("names.surface", Rule::Demand),
    ("measurements.tolerance", Rule::Ceiling),
    ("measurements.baseline", Rule::Words(&["keep", "tighten"])),
    ("mutation.score_min", Rule::Floor),
    ("mutation.changed_score_min", Rule::Floor),
    ("mutation.changed_score_except", Rule::Right),
    ("mutation.survived_max", Rule::Ceiling),
    ("mutation.baseline", Rule::Demand),
    ("mutation.timed_out", Rule::Demand),
    ("mutation.left_out", Rule::Demand),
    ("attachments.min", Rule::Floor),
    // Of fewer kinds the same number is harder to have.
    ("attachments.kinds", Rule::Right),
    ("attachments.baseline", Rule::Demand),
    ("attachments.reviewed_by", Rule::Demand),
    ("variants", Rule::Demand),
    ("attempts_max", Rule::Ceiling),
    ("age_max", Rule::Ceiling),
    ("independent_of", Rule::Demand),
    ("principals_min", Rule::Floor),
    ("waivable", Rule::Words(&["true", "false"])),
    ("asserted", Rule::Words(&["allow", "refuse"])),
    ("tier", Rule::Floor),
    ("roles", Rule::Right),
    ("threshold", Rule::Quorum),
    ("effects", Rule::Right),
    ("longest", Rule::Ceiling),
    ("at_once", Rule::Ceiling),
    ("any_change", Rule::Words(&["true", "false"])),
    // `store` cannot be ordered: where reports and outputs go is for a person to see.
    ("inline_max", Rule::Label),
];

fn direction(name: &str, old: Option<&Term>, new: Option<&Term>) -> Direction {
    let Some((_, rule)) = RULES.iter().find(|(known, _)| *known == name) else { return Direction::Weaker };
    let more = |old: Option<usize>, new: Option<usize>| match (old, new) {
        (Some(old), Some(new)) if new > old => Some(true),
        (Some(old), Some(new)) if new < old => Some(false),
        _ => None,
    };
    let higher = match (old.and_then(|term| term.number), new.and_then(|term| term.number)) {
        (Some(old), Some(new)) if old != new => Some(new > old),
        _ => None,
    };
    let stronger = match (rule, old.is_some(), new.is_some()) {
        (Rule::Label, ..) => return Direction::Other,
        (Rule::Floor | Rule::Ceiling | Rule::Demand, false, true) | (Rule::Right, true, false) => Some(true),
        (Rule::Floor | Rule::Quorum, true, true) => higher,
        (Rule::Ceiling | Rule::Right, true, true) => higher.map(|higher| !higher),
        (Rule::Words(words), true, true) => {
            let place = |term: Option<&Term>| term.and_then(|term| words.iter().position(|word| *word == term.shown));
            more(place(old), place(new))
        }
        _ => Some(false),
    };
    if stronger == Some(true) { Direction::Stronger } else { Direction::Weaker }
}

/// Returns whether a term can be compared at all: what is within a thing that one policy has not is told with the thing.
fn is_comparable(key: &Key, before: &Terms, after: &Terms) -> bool {
    let there = |terms: &Terms, name: &'static str| {
        terms.0.keys().any(|other| (other.section, &other.thing, other.name) == (key.section, &key.thing, name))
    };
    match key.section {
        CLAIMS if key.name == "attachments.kinds" => {
            there(before, "attachments.min") && there(after, "attachments.min")
        }
        CLAIMS if !key.name.is_empty() => there(before, "") && there(after, ""),
        MAY if key.name == "threshold" => there(before, "roles") && there(after, "roles"),
        _ => true,
    }
}

fn is_of_a_rule(key: &Key) -> bool {
    key.section == RULES_OF_PATHS
}

/// Returns whether both policies require a claim of the paths of a pattern, be it by another way.
fn demanded_by_both(old: &Policy, new: &Policy, key: &Key) -> bool {
    let demands = |policy: &Policy| {
        let pattern = key.thing.strip_prefix(WHEN_PREFIX).unwrap_or_default();
        let rules: Vec<&When> = rules_of(policy, pattern).collect();
        let rank = rules.iter().filter_map(|rule| policy.tier_rank(rule.tier.as_ref()?)).max().unwrap_or(0);
        let of_tiers = policy.tiers().iter().take(rank + 1).flat_map(|tier| &tier.require);
        of_tiers.chain(rules.iter().flat_map(|rule| &rule.require)).any(|claim| claim.as_str() == key.member)
    };
    demands(old) && demands(new)
}

fn rules_of<'a>(policy: &'a Policy, pattern: &'a str) -> impl Iterator<Item = &'a When> {
    policy.whens().iter().filter(move |rule| rule.paths.patterns().iter().any(|known| known == pattern))
}

/// The tiers that both policies have.
struct Common {
    /// In the order of the old policy.
    tiers: Vec<TierName>,
    /// Whether the new policy has them in the same order.
    ordered: bool,
    /// Their places in the new policy's order.
    places: BTreeMap<String, (usize, usize)>,
}

impl Common {
    fn of(old: &Policy, new: &Policy) -> Self {
        let names = |policy: &Policy, other: &Policy| -> Vec<TierName> {
            let common = policy.tiers().iter().filter(|tier| other.tier_rank(&tier.name).is_some());
            common.map(|tier| tier.name.clone()).collect()
        };
        let (tiers, reordered) = (names(old, new), names(new, old));
        let places = tiers.iter().enumerate().filter_map(|(place, name)| {
            let other = reordered.iter().position(|other| other == name)?;
            Some((format!("tier {name}"), (place, other)))
        });
        Self { ordered: tiers == reordered, places: places.collect(), tiers }
    }

    /// Returns whether a tier is below another in both policies.
    fn is_below(&self, lower: &str, upper: &str) -> bool {
        match (self.places.get(lower), self.places.get(upper)) {
            (Some(lower), Some(upper)) => lower.0 < upper.0 && lower.1 < upper.1,
            _ => false,
        }
    }

    /// Returns a number for a tier that grows with what it demands in both policies, if there is one.
    fn rank(&self, name: &TierName) -> Option<u64> {
        let place = self.tiers.iter().position(|tier| tier == name).filter(|_| self.ordered)?;
        u64::try_from(place).ok()
    }
}

/// One value of one key, or one member of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    section: u8,
    /// Where the thing stands among those of its section, if that is not the order of their names.
    place: usize,
    thing: String,
    name: &'static str,
    /// Empty for what is no list.
    member: String,
}

/// A value, for people and for comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    shown: String,
    number: Option<u64>,
}

/// What a policy says, term by term.
struct Terms(BTreeMap<Key, Term>);

/// Where terms of one thing go.
struct Of<'a> {
    terms: &'a mut Terms,
    section: u8,
    place: usize,
    thing: String,
}

impl Terms {
    fn of(policy: &Policy, common: &Common) -> Self {
        // Without `..`: a new key of a policy must be put among the terms.
        let Policy {
            tiers,
            claims,
            whens,
            may,
            exceptions,
            materials,
            applies,
            independence,
            unplanned,
            plan_valid_for,
            refuse_limitations,
            pipelines,
            rego,
            json: _,
        } = policy;
        let mut terms = Self(BTreeMap::new());
        let mut top = terms.thing(TOP, "policy".to_owned());
        top.word("applies", applies.as_str());
        top.word("independence", independence.as_str());
        if let Some(tier) = unplanned {
            top.put("unplanned", String::new(), tier.to_string(), common.rank(tier));
        }
        top.span("plan_valid_for", *plan_valid_for);
        top.members("refuse_limitations", refuse_limitations);
        for pattern in pipelines.iter().flat_map(|paths| paths.patterns()) {
            top.put("pipelines", pattern.clone(), String::new(), None);
        }
        if let Some(rego) = rego {
            // The whole digest: two texts that only begin alike must not look the same.
            top.put("rego", String::new(), format!("sha256:{}", Digest(Sha256::digest(rego.text()).into())), None);
        }
        top.tiers(tiers, common);
        terms.tiers(tiers, common);
        for (name, claim) in claims {
            terms.thing(CLAIMS, format!("claim {name}")).claim(claim);
        }
        terms.rules(policy, whens, common);
        for (act, Entitled { roles, threshold }) in may {
            let mut of = terms.thing(MAY, format!("may {act}"));
            of.place = Act::ALL.iter().position(|known| known == act).unwrap_or_default();
            of.members("roles", roles);
            of.number("threshold", Some(*threshold));
        }
        let Exceptions { effects, longest: _, at_once, reach } = exceptions;
        let mut of = terms.thing(EXCEPTIONS, "exceptions".to_owned());
        for effect in effects {
            of.put("effects", effect.to_string(), String::new(), None);
        }
        of.span("longest", Some(exceptions.longest()));
        of.number("at_once", Some(*at_once));
        of.word("any_change", if *reach == Reach::AnyChange { "true" } else { "false" });
        if let Some(MaterialsRule { store, inline_max }) = materials {
            let mut of = terms.thing(MATERIALS, "materials".to_owned());
            of.word("store", &store.to_string());
            of.word("inline_max", &inline_max.to_string());
        }
        terms
    }

    fn thing(&mut self, section: u8, thing: String) -> Of<'_> {
        Of { terms: self, section, place: 0, thing }
    }

    /// Adds what each tier that both have demands, with what those before it demand.
    fn tiers(&mut self, tiers: &[Tier], common: &Common) {
        let mut require: BTreeSet<ClaimName> = BTreeSet::new();
        let mut recommend: BTreeSet<ClaimName> = BTreeSet::new();
        let (mut strictest_base, mut strictest_trailer) = (Base::MergeBase, Trailer::Optional);
        let mut parts: BTreeSet<PlanPart> = BTreeSet::new();
        for Tier { name, require: more, recommend: wishes, base, trailer, plan } in tiers {
            parts.extend(plan);
            require.extend(more.iter().cloned());
            recommend.extend(wishes.iter().cloned());
            (strictest_base, strictest_trailer) = (strictest_base.max(*base), strictest_trailer.max(*trailer));
            let Some(place) = common.tiers.iter().position(|tier| tier == name) else { continue };
            let mut of = self.thing(TIERS, format!("tier {name}"));
            of.place = place;
            of.members("require", &require);
            of.members("recommend", &recommend);
            of.word("base", strictest_base.as_str());
            of.word("trailer", if strictest_trailer == Trailer::EveryCommit { "true" } else { "false" });
            for part in &parts {
                of.put("plan", part.to_string(), String::new(), None);
            }
        }
    }

    /// Adds what rules demand, by pattern: a rule of several is a rule of each.
    fn rules(&mut self, policy: &Policy, whens: &[When], common: &Common) {
        let patterns: BTreeSet<&String> = whens.iter().flat_map(|rule| rule.paths.patterns()).collect();
        for pattern in patterns {
            let rules: Vec<&When> = rules_of(policy, pattern).collect();
            let mut of = self.thing(RULES_OF_PATHS, format!("{WHEN_PREFIX}{pattern}"));
            let floors = rules.iter().filter_map(|rule| rule.tier.as_ref());
            let floor = floors.max_by_key(|tier| policy.tier_rank(tier));
            // The lowest tier is no floor.
            if let Some(floor) = floor.filter(|floor| policy.tier_rank(floor) > Some(0)) {
                of.put("tier", String::new(), floor.to_string(), common.rank(floor));
            }
            of.members("require", rules.iter().flat_map(|rule| &rule.require));
        }
    }
}

impl Of<'_> {
    fn put(&mut self, name: &'static str, member: String, shown: String, number: Option<u64>) {
        let key = Key { section: self.section, place: self.place, thing: self.thing.clone(), name, member };
        self.terms.0.insert(key, Term { shown, number });
    }

    fn word(&mut self, name: &'static str, word: &str) {
        self.put(name, String::new(), word.to_owned(), None);
    }

    fn number(&mut self, name: &'static str, number: Option<u64>) {
        if let Some(number) = number {
            self.put(name, String::new(), number.to_string(), Some(number));
        }
    }

    fn span(&mut self, name: &'static str, span: Option<Span>) {
        if let Some(span) = span {
            self.put(name, String::new(), span.to_string(), Some(span.0));
        }
    }

    fn members<'a>(&mut self, name: &'static str, members: impl IntoIterator<Item = &'a Id>) {
        for member in members {
            self.put(name, member.to_string(), String::new(), None);
        }
    }

    /// Adds the tiers that the other policy has not, by where they stand, and the order of those that both have.
    fn tiers(&mut self, tiers: &[Tier], common: &Common) {
        let is_common = |tier: &Tier| common.tiers.contains(&tier.name);
        let (first, last) = (tiers.iter().position(is_common), tiers.iter().rposition(is_common));
        for (place, tier) in tiers.iter().enumerate().filter(|(_, tier)| !is_common(tier)) {
            let name = match (first, last) {
                (Some(first), _) if place < first => "tiers below",
                (_, Some(last)) if place > last => "tiers above",
                _ => "tiers between",
            };
            self.put(name, tier.name.to_string(), String::new(), None);
        }
        if !common.ordered {
            let names: Vec<&str> = tiers.iter().map(|tier| tier.name.as_str()).collect();
            self.word("tiers", &names.join(" < "));
        }
    }

    fn test_kind(&mut self, name: &'static str, floor: &'static str, kind: Option<&TestKind>) {
        kind.iter().for_each(|kind| self.word(name, &kind.in_words()));
        self.number(floor, kind.map(|kind| kind.passed_min));
    }

    fn tests(&mut self, of: &TestLimits) {
        let TestLimits {
            passed_min,
            failed_max,
            skipped_max,
            flaky_max,
            skipped,
            flaky,
            baseline,
            differential,
            positive,
            negative,
        } = of;
        self.number("tests.passed_min", *passed_min);
        self.number("tests.failed_max", *failed_max);
        self.number("tests.skipped_max", *skipped_max);
        self.number("tests.flaky_max", *flaky_max);
        skipped.iter().for_each(|rule| self.word("tests.skipped", rule.as_str()));
        flaky.iter().for_each(|rule| self.word("tests.flaky", rule.as_str()));
        self.test_kind("tests.positive", "tests.positive.passed_min", positive.as_ref());
        self.test_kind("tests.negative", "tests.negative.passed_min", negative.as_ref());
        baseline.iter().for_each(|rule| self.word("tests.baseline", rule.as_str()));
        differential.iter().for_each(|it| self.word("tests.differential", &it.in_words()));
    }

    fn claim(&mut self, claim: &Claim) {
        let Claim {
            family,
            by,
            form,
            at,
            bound_to,
            tests,
            coverage,
            findings,
            names,
            measurements,
            mutation,
            attachments,
            variants,
            attempts_max,
            age_max,
            independent_of,
            principals_min,
            waivable,
            asserted,
        } = claim;
        self.word("", "");
        self.word("family", family.as_str());
        self.word("by", by.as_str());
        self.word("form", form.as_str());
        self.word("at", at.as_str());
        self.word("bound_to", bound_to.as_str());
        tests.iter().for_each(|limits| self.tests(limits));
        if let Some(CoverageLimits { total_min, changed_lines_min, changed_lines_except, baseline, paths, excluded }) =
            coverage
        {
            for PathFloor { paths, min } in paths {
                self.put("coverage.paths", paths.patterns().join(", "), format!("{min} %"), Some(*min));
            }
            self.number("coverage.total_min", *total_min);
            self.number("coverage.changed_lines_min", *changed_lines_min);
            for pattern in changed_lines_except.iter().flat_map(super::Paths::patterns) {
                self.put("coverage.changed_lines_except", pattern.clone(), String::new(), None);
            }
            if let Some(baseline) = baseline {
                self.word("coverage.baseline", baseline.as_str());
            }
            excluded.iter().for_each(|rule| self.word("coverage.excluded", rule.as_str()));
        }
        if let Some(FindingLimits {
            critical_max,
            high_max,
            medium_max,
            low_max,
            new_max,
            suppressed_max,
            suppressed,
        }) = findings
        {
            self.number("findings.critical_max", *critical_max);
            self.number("findings.high_max", *high_max);
            self.number("findings.medium_max", *medium_max);
            self.number("findings.low_max", *low_max);
            self.number("findings.new_max", *new_max);
            self.number("findings.suppressed_max", *suppressed_max);
            suppressed.iter().for_each(|rule| self.word("findings.suppressed", rule.as_str()));
        }
        if let Some(NameLimits { baseline, new_max, surface }) = names {
            if let Some(baseline) = baseline {
                self.word("names.baseline", baseline.as_str());
            }
            self.number("names.new_max", *new_max);
            if let Some(surface) = surface {
                self.word("names.surface", surface.as_str());
            }
        }
        if let Some(MeasurementLimits { tolerance, baseline }) = measurements {
            self.number("measurements.tolerance", Some(*tolerance));
            self.word("measurements.baseline", baseline.as_str());
        }
        if let Some(MutationLimits {
            score_min,
            changed_score_min,
            changed_score_except,
            survived_max,
            baseline,
            timed_out,
            left_out,
        }) = mutation
        {
            self.number("mutation.score_min", *score_min);
            self.number("mutation.changed_score_min", *changed_score_min);
            for pattern in changed_score_except.iter().flat_map(super::Paths::patterns) {
                self.put("mutation.changed_score_except", pattern.clone(), String::new(), None);
            }
            self.number("mutation.survived_max", *survived_max);
            if let Some(baseline) = baseline {
                self.word("mutation.baseline", baseline.as_str());
            }
            timed_out.iter().for_each(|rule| self.word("mutation.timed_out", rule.as_str()));
            left_out.iter().for_each(|rule| self.word("mutation.left_out", rule.as_str()));
        }
        if let Some(AttachmentLimits { min, kinds, baseline, reviewed_by }) = attachments {
            self.number("attachments.min", Some(min.get()));
            let all = super::word::Word::ALL;
            for kind in if kinds.is_empty() { all } else { kinds } {
                self.put("attachments.kinds", super::AttachmentKind::to_string(kind), String::new(), None);
            }
            if let Some(baseline) = baseline {
                self.word("attachments.baseline", baseline.as_str());
            }
            if let Some(claim) = reviewed_by {
                self.word("attachments.reviewed_by", claim.as_str());
            }
        }
        if variants.is_empty() {
            self.put("variants", UNNAMED.to_owned(), String::new(), None);
        }
        self.members("variants", variants);
        self.number("attempts_max", attempts_max.map(Into::into));
        self.span("age_max", *age_max);
        self.members("independent_of", independent_of);
        self.number("principals_min", Some(principals_min.get()));
        self.word("waivable", if *waivable == Waivable::Yes { "true" } else { "false" });
        self.word("asserted", asserted.as_str());
    }
}

const TOP: u8 = 0;
const TIERS: u8 = 1;
const CLAIMS: u8 = 2;
const RULES_OF_PATHS: u8 = 3;
const MAY: u8 = 4;
const EXCEPTIONS: u8 = 5;
const MATERIALS: u8 = 6;
const WHEN_PREFIX: &str = "[[when]] ";
/// How the variant of a claim without variants is called.
const UNNAMED: &str = "(unnamed)";

#[cfg(test)]
mod tests;
