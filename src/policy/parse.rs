//! TOML text to [`Policy`]: the only way to one (design, section 6; `policy.schema.json`).
//!
//! Every mistake is told with its line, its column and the nearest right name, several at once. What has no meaning is
//! refused rather than ignored: an unknown key, a rule without effect, a pattern that matches nothing, independence of
//! a role that nobody has. The author of a policy believes that what it says holds.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use serde_json::Value;
use toml::de::DeTable;

use crate::model::{ClaimName, IMPLEMENTER, Id, Role, Size, TierName, check_schema};

use super::nesting::{NESTING_MAX, too_deep};
use super::problem::{PolicyErrors, PolicyProblem};
use super::reader::{At, Cell, Reader, Table, json, one_of, shown, spelling};
use super::shape::{
    ATTACHMENTS, CLAIM, COVERAGE, DIFFERENTIAL, ENTITLED, EXCEPTIONS, FINDINGS, MATERIALS, MAY, MEASUREMENTS, MUTATION,
    NAMES, PATH_FLOOR, SURFACE, Shape, TEST_KIND, TESTS, TIER, TOP, WHEN,
};
use super::tier::PATTERN_BYTES_MAX;
use super::who::THRESHOLD_MAX;
use super::word::Word;
use super::{
    Act, Applies, Asserted, AttachmentLimits, Base, BoundTo, Claim, CoverageLimits, Differential, Entitled, Exceptions,
    Family, FindingLimits, Form, Independence, MaterialsRule, MeasurementLimits, MeasurementRule, Moment,
    MutationLimits, NameLimits, PathFloor, Paths, Policy, Reach, Rego, TestKind, TestLimits, Tier, Trailer, Waivable,
    When, Wildcards,
};

impl Policy {
    /// Parses a policy.
    ///
    /// # Errors
    /// All mistakes that can be told apart, in the order of the file. If the text is not TOML, only those of TOML.
    pub fn parse(text: &str) -> Result<Self, PolicyErrors> {
        let mut reader = Reader::new(text);
        let Some(cells) = toml(&mut reader, text) else { return reader.finish(None) };
        let policy = policy(&mut reader, &cells);
        reader.finish(policy)
    }
}

/// Returns the tables of a text that is TOML.
fn toml<'t>(reader: &mut Reader<'t>, text: &'t str) -> Option<DeTable<'t>> {
    if text.len() > BYTES_MAX {
        reader.wrong(0, PolicyProblem::TooLarge { bytes: text.len(), bytes_max: BYTES_MAX });
        return None;
    }
    if text.starts_with('\u{feff}') {
        reader.wrong(0, PolicyProblem::ByteOrderMark);
        return None;
    }
    if let Some(at) = too_deep(text) {
        reader.wrong(at, PolicyProblem::TooDeep { depth_max: NESTING_MAX });
        return None;
    }
    let (cells, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        reader.wrong(at, PolicyProblem::Syntax { message: shown(error.message()) });
    }
    errors.is_empty().then(|| cells.into_inner())
}

/// What is known of the names of a policy before anything refers to them.
struct Names {
    /// Claims with a definition, be it right or wrong.
    claims: BTreeSet<ClaimName>,
    /// The tiers, lowest first; never empty.
    tiers: Vec<TierName>,
    /// Where the tiers are listed.
    tiers_at: usize,
}

/// Roles that somebody can have, and roles that others are to be independent of.
#[derive(Default)]
struct Roles {
    given: BTreeSet<Role>,
    independent_of: Vec<(String, At<Role>)>,
}

fn policy(reader: &mut Reader<'_>, cells: &DeTable<'_>) -> Option<Policy> {
    let top = reader.top(cells, &TOP);
    version(reader, &top);
    let members = claim_members(reader, &top);
    let names = names(reader, &top, &members);
    let mut roles = Roles::default();
    let may = top.cell("may").map(|cell| may(reader, &cell.called("[may]"), &mut roles)).unwrap_or_default();
    let mut claims = BTreeMap::new();
    for (name, cell) in members {
        if let Some(claim) = claim(reader, &cell, &mut roles, &names) {
            claims.insert(name.it, claim);
        }
    }
    independence_is_of_known_roles(reader, &roles);
    let tiers = tiers(reader, &top, &names);
    let whens = whens(reader, &top, &names, &tiers[0]);
    let limitations = top.cell("refuse_limitations").map(|cell| reader.ids(&cell, NAMES_MAX)).unwrap_or_default();
    let exceptions = top.cell("exceptions").and_then(|cell| exceptions(reader, &cell.called("[exceptions]")));
    let materials = top.cell("materials").and_then(|cell| materials(reader, &cell.called("[materials]")));
    let rego = top.cell("rego").and_then(|cell| rego(reader, &cell));
    let mut policy = Policy {
        tiers,
        claims,
        whens,
        may,
        exceptions: exceptions.unwrap_or_default(),
        materials,
        applies: word_or(reader, &top, "applies", Applies::Plan),
        independence: word_or(reader, &top, "independence", Independence::Require),
        unplanned: top.cell("unplanned").and_then(|cell| tier_named(reader, &cell, &names)),
        plan_valid_for: top.cell("plan_valid_for").and_then(|cell| reader.span(&cell)),
        refuse_limitations: limitations.into_iter().map(|name| name.it).collect(),
        pipelines: top.cell("pipelines").and_then(|cell| patterns(reader, &cell)),
        rego,
        json: Value::Null,
    };
    if !reader.clean() {
        return None;
    }
    policy.json = json(cells);
    if let Err((place, message)) = check_schema("policy", &policy.json) {
        reader.wrong(0, PolicyProblem::Schema { place, message });
    }
    Some(policy)
}

fn rego(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Option<Rego> {
    let text = reader.text(cell)?;
    match Rego::check(text) {
        Ok(rego) => Some(rego),
        Err((at, problem)) => {
            let at = reader.within(cell, text, at);
            reader.wrong(at, problem);
            None
        }
    }
}

fn version(reader: &mut Reader<'_>, top: &Table<'_>) {
    let Some(cell) = top.cell("version") else {
        return reader.missing(top, "version", "version = 1".to_owned());
    };
    if let Some(found) = reader.count(&cell, 0, COUNT_MAX).filter(|found| *found != 1) {
        reader.wrong(cell.at, PolicyProblem::Version { found: found.to_string() });
    }
}

fn claim_members<'a>(reader: &mut Reader<'_>, top: &Table<'a>) -> Vec<(At<ClaimName>, Cell<'a>)> {
    let Some(cell) = top.cell("claim") else {
        reader.missing(top, "claim", "at least one [claim.NAME]".to_owned());
        return Vec::new();
    };
    let Some(table) = reader.table(&cell.called("[claim]"), &NAMES) else { return Vec::new() };
    if table.is_empty() {
        let place = table.place.clone();
        reader.wrong(table.at, PolicyProblem::Empty { place, wanted: "at least one [claim.NAME]" });
    }
    reader.named(&table, "claim", CLAIMS_MAX)
}

fn names(reader: &mut Reader<'_>, top: &Table<'_>, members: &[(At<ClaimName>, Cell<'_>)]) -> Names {
    let cell = top.cell("tiers");
    let mut tiers = cell.as_ref().map(|cell| reader.ids(cell, TIERS_MAX)).unwrap_or_default();
    if tiers.is_empty() {
        let default = |name: &&str| At { it: name.parse().expect("the default tiers are ids"), at: 0 };
        tiers = TIERS_DEFAULT.iter().map(default).collect();
    }
    Names {
        claims: members.iter().map(|(name, _)| name.it.clone()).collect(),
        tiers: tiers.into_iter().map(|tier| tier.it).collect(),
        tiers_at: cell.map_or(0, |cell| cell.at),
    }
}

fn claim(reader: &mut Reader<'_>, cell: &Cell<'_>, roles: &mut Roles, names: &Names) -> Option<Claim> {
    let table = reader.table(cell, &CLAIM)?;
    let family = match table.cell("family") {
        Some(cell) => reader.word::<Family>(&cell),
        None => {
            let wanted: Vec<_> = Family::ALL.iter().map(|family| family.as_str()).collect();
            reader.missing(&table, "family", one_of(&wanted));
            None
        }
    };
    let by = match table.cell("by") {
        Some(cell) => reader.id(&cell),
        None => {
            reader.missing(&table, "by", "the role that shows it, such as by = \"ci\"".to_owned());
            None
        }
    };
    let form = word_or(reader, &table, "form", usual_form(family, &table));
    keys_suit_the_form(reader, &table, form);
    let ids =
        |reader: &mut Reader<'_>, key| table.cell(key).map(|cell| reader.ids(&cell, NAMES_MAX)).unwrap_or_default();
    let independent_of = ids(reader, "independent_of");
    let place = format!("`independent_of` of {}", table.place);
    roles.given.extend(by.clone());
    roles.independent_of.extend(independent_of.iter().map(|role| (place.clone(), role.clone())));
    let waivable = table.cell("waivable").and_then(|cell| reader.flag(&cell)).unwrap_or(true);
    // `family` and `by` come last: without them there is no claim, and the mistakes of the rest are told all the same.
    Some(Claim {
        form,
        at: word_or(reader, &table, "at", Moment::Merge),
        bound_to: word_or(reader, &table, "bound_to", BoundTo::Tree),
        tests: table.cell("tests").and_then(|cell| test_limits(reader, &cell)),
        coverage: table.cell("coverage").and_then(|cell| coverage_limits(reader, &cell)),
        findings: table.cell("findings").and_then(|cell| finding_limits(reader, &cell)),
        names: table.cell("names").and_then(|cell| name_limits(reader, &cell)),
        measurements: table.cell("measurements").and_then(|cell| measurement_limits(reader, &cell)),
        mutation: table.cell("mutation").and_then(|cell| mutation_limits(reader, &cell)),
        attachments: table.cell("attachments").and_then(|cell| attachment_limits(reader, &cell, names)),
        variants: ids(reader, "variants").into_iter().map(|name| name.it).collect(),
        attempts_max: positive(reader, &table, "attempts_max", COUNT_MAX),
        age_max: table.cell("age_max").and_then(|cell| reader.span(&cell)),
        independent_of: independent_of.into_iter().map(|role| role.it).collect(),
        principals_min: positive(reader, &table, "principals_min", PRINCIPALS_MAX).unwrap_or(NonZeroU64::MIN),
        waivable: if waivable { Waivable::Yes } else { Waivable::No },
        asserted: word_or(reader, &table, "asserted", Asserted::Refuse),
        family: family?,
        by: by?,
    })
}

/// Returns how a claim is shown that does not say it: a claim about process by reviews, unless it has what only runs have.
fn usual_form(family: Option<Family>, table: &Table<'_>) -> Form {
    let of_runs = RUN_KEYS.iter().any(|key| table.cell(key).is_some());
    if family == Some(Family::Process) && !of_runs { Form::Review } else { Form::Run }
}

fn keys_suit_the_form(reader: &mut Reader<'_>, table: &Table<'_>, form: Form) {
    let others: &[&'static str] = match form {
        Form::Run => &["principals_min"],
        Form::Review => &RUN_KEYS,
    };
    for cell in others.iter().filter_map(|key| table.cell(key)) {
        reader.wrong(cell.at, PolicyProblem::OtherForm { place: cell.place, form });
    }
}

fn independence_is_of_known_roles(reader: &mut Reader<'_>, roles: &Roles) {
    for (place, role) in &roles.independent_of {
        if role.it.as_str() == IMPLEMENTER || roles.given.contains(&role.it) {
            continue;
        }
        let problem = PolicyProblem::UndefinedRole { place: place.clone(), role: role.it.clone() };
        let known = || [IMPLEMENTER].into_iter().chain(roles.given.iter().map(Id::as_str));
        reader.wrong_and(role.at, problem, || spelling(role.it.as_str(), known()));
    }
}

fn test_limits(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Option<TestLimits> {
    let table = limits(reader, cell, &TESTS)?;
    Some(TestLimits {
        passed_min: count(reader, &table, "passed_min", COUNT_MAX),
        failed_max: count(reader, &table, "failed_max", COUNT_MAX),
        skipped_max: count(reader, &table, "skipped_max", COUNT_MAX),
        flaky_max: count(reader, &table, "flaky_max", COUNT_MAX),
        skipped: table.cell("skipped").and_then(|cell| reader.word(&cell)),
        flaky: table.cell("flaky").and_then(|cell| reader.word(&cell)),
        baseline: table.cell("baseline").and_then(|cell| reader.word(&cell)),
        differential: table.cell("differential").and_then(|cell| differential(reader, &cell)),
        positive: table.cell("positive").and_then(|cell| test_kind(reader, &cell)),
        negative: table.cell("negative").and_then(|cell| test_kind(reader, &cell)),
    })
}

/// Reads `true`, or a table of paths; `false` says what leaving it out says.
fn differential(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Option<Differential> {
    if !cell.is_table() {
        return reader.flag(cell)?.then_some(Differential { paths: None });
    }
    let table = reader.table(cell, &DIFFERENTIAL)?;
    let Some(paths) = table.cell("paths") else {
        reader.missing(&table, "paths", "the files of tests, such as paths = [\"tests/**\"]".to_owned());
        return None;
    };
    Some(Differential { paths: Some(patterns(reader, &paths)?) })
}

fn test_kind(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Option<TestKind> {
    let table = reader.table(cell, &TEST_KIND)?;
    if TEST_KIND.keys.iter().all(|key| *key == "passed_min" || table.cell(key).is_none()) {
        let wanted = "at least one of names, suites, reports and properties";
        reader.wrong(cell.at, PolicyProblem::Empty { place: table.place, wanted });
        return None;
    }
    let mut patterns = |key| table.cell(key).map(|cell| wildcards(reader, &cell)).unwrap_or_default();
    Some(TestKind {
        names: patterns("names"),
        suites: patterns("suites"),
        reports: patterns("reports"),
        properties: patterns("properties"),
        passed_min: table.cell("passed_min").and_then(|cell| reader.count(&cell, 1, COUNT_MAX)).unwrap_or(1),
    })
}

fn wildcards(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Wildcards {
    let texts = reader.texts(cell, NAMES_MAX);
    for text in &texts {
        let reason = match text.it.len() {
            0 => "it is empty",
            1..=PATTERN_BYTES_MAX => continue,
            _ => "it has more than 512 bytes",
        };
        reader.wrong(text.at, PolicyProblem::Pattern { pattern: shown(text.it), reason: reason.to_owned() });
    }
    Wildcards::of(texts.into_iter().map(|text| text.it.to_owned()).collect())
}

fn coverage_limits(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Option<CoverageLimits> {
    let table = limits(reader, cell, &COVERAGE)?;
    Some(CoverageLimits {
        total_min: count(reader, &table, "total_min", PERCENT_MAX),
        changed_lines_min: count(reader, &table, "changed_lines_min", PERCENT_MAX),
        changed_lines_except: table.cell("changed_lines_except").and_then(|cell| {
            if table.cell("changed_lines_min").is_none() {
                reader.missing(&table, "changed_lines_min", "a limit that the exceptions are from".to_owned());
            }
            patterns(reader, &cell)
        }),
        paths: table.cell("paths").map(|cell| path_floors(reader, &cell)).unwrap_or_default(),
        baseline: table.cell("baseline").and_then(|cell| reader.word(&cell)),
        excluded: table.cell("excluded").and_then(|cell| reader.word(&cell)),
    })
}

fn name_limits(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Option<NameLimits> {
    let table = limits(reader, cell, &SURFACE)?;
    Some(NameLimits {
        baseline: table.cell("baseline").and_then(|cell| reader.word(&cell)),
        new_max: count(reader, &table, "new_max", COUNT_MAX),
        surface: table.cell("surface").and_then(|cell| reader.word(&cell)),
    })
}

fn measurement_limits(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Option<MeasurementLimits> {
    let table = limits(reader, cell, &MEASUREMENTS)?;
    let baseline = word_or(reader, &table, "baseline", MeasurementRule::Keep);
    let Some(tolerance) = table.cell("tolerance") else {
        reader.missing(&table, "tolerance", "how many percent worse they may be, such as tolerance = 10".to_owned());
        return None;
    };
    Some(MeasurementLimits { tolerance: reader.count(&tolerance, 0, TOLERANCE_MAX)?, baseline })
}

fn path_floors(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Vec<PathFloor> {
    let mut floors = Vec::new();
    for item in reader.items(cell, NAMES_MAX) {
        let Some(table) = reader.table(&item, &PATH_FLOOR) else { continue };
        let paths = table.cell("paths").and_then(|cell| patterns(reader, &cell));
        let min = table.cell("min").and_then(|cell| reader.count(&cell, 1, PERCENT_MAX));
        for (key, wanted) in
            [("paths", "patterns such as paths = [\"src/crypto/**\"]"), ("min", "a percentage such as min = 95")]
        {
            if table.cell(key).is_none() {
                reader.missing(&table, key, wanted.to_owned());
            }
        }
        floors.extend(paths.zip(min).map(|(paths, min)| PathFloor { paths, min }));
    }
    floors
}

fn finding_limits(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Option<FindingLimits> {
    let table = limits(reader, cell, &FINDINGS)?;
    Some(FindingLimits {
        critical_max: count(reader, &table, "critical_max", COUNT_MAX),
        high_max: count(reader, &table, "high_max", COUNT_MAX),
        medium_max: count(reader, &table, "medium_max", COUNT_MAX),
        low_max: count(reader, &table, "low_max", COUNT_MAX),
        new_max: count(reader, &table, "new_max", COUNT_MAX),
        suppressed_max: count(reader, &table, "suppressed_max", COUNT_MAX),
        suppressed: table.cell("suppressed").and_then(|cell| reader.word(&cell)),
    })
}

fn mutation_limits(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Option<MutationLimits> {
    let table = limits(reader, cell, &MUTATION)?;
    Some(MutationLimits {
        score_min: count(reader, &table, "score_min", PERCENT_MAX),
        changed_score_min: count(reader, &table, "changed_score_min", PERCENT_MAX),
        changed_score_except: table.cell("changed_score_except").and_then(|cell| {
            if table.cell("changed_score_min").is_none() {
                reader.missing(&table, "changed_score_min", "a limit that the exceptions are from".to_owned());
            }
            patterns(reader, &cell)
        }),
        survived_max: count(reader, &table, "survived_max", COUNT_MAX),
        timed_out: table.cell("timed_out").and_then(|cell| reader.word(&cell)),
        left_out: table.cell("left_out").and_then(|cell| reader.word(&cell)),
        baseline: table.cell("baseline").and_then(|cell| reader.word(&cell)),
    })
}

fn attachment_limits(reader: &mut Reader<'_>, cell: &Cell<'_>, names: &Names) -> Option<AttachmentLimits> {
    let table = limits(reader, cell, &ATTACHMENTS)?;
    let claim = table.cell("reviewed_by").and_then(|cell| claim_named(reader, &cell, names));
    Some(AttachmentLimits {
        min: positive(reader, &table, "min", COUNT_MAX).unwrap_or(NonZeroU64::MIN),
        kinds: table.cell("kinds").map(|cell| word_list(reader, &cell)).unwrap_or_default(),
        baseline: table.cell("baseline").and_then(|cell| reader.word(&cell)),
        reviewed_by: claim,
    })
}

fn limits<'a>(reader: &mut Reader<'_>, cell: &Cell<'a>, shape: &'static Shape) -> Option<Table<'a>> {
    let table = reader.table(cell, shape)?;
    if table.is_empty() {
        reader.wrong(cell.at, PolicyProblem::Empty { place: table.place, wanted: "at least one limit" });
        return None;
    }
    Some(table)
}

/// Reads the tiers in the order of the list; as many as there are names, so never none.
fn tiers(reader: &mut Reader<'_>, top: &Table<'_>, names: &Names) -> Vec<Tier> {
    let members = top.cell("tier").and_then(|cell| reader.table(&cell.called("[tier]"), &NAMES));
    let members = members.map(|table| reader.named(&table, "tier", TIERS_MAX)).unwrap_or_default();
    for (name, _) in members.iter().filter(|(name, _)| !names.tiers.contains(&name.it)) {
        undefined_tier(reader, "[tier]", &name.it, name.at, names);
    }
    let mut tiers = Vec::new();
    for name in &names.tiers {
        let member = members.iter().find(|(member, _)| member.it == *name);
        let table = member.and_then(|(_, cell)| reader.table(cell, &TIER));
        let lowest_at = member.map_or(names.tiers_at, |(member, _)| member.at);
        let claims = |reader: &mut Reader<'_>, key| {
            table.as_ref().and_then(|table| table.cell(key)).map(|cell| claims_named(reader, &cell, names))
        };
        let require = claims(reader, "require");
        if require.is_none() && tiers.is_empty() {
            reader.wrong(lowest_at, PolicyProblem::EmptyTier { tier: name.to_string() });
        }
        let trailer = table.as_ref().and_then(|table| table.cell("trailer")).and_then(|cell| reader.flag(&cell));
        tiers.push(Tier {
            name: name.clone(),
            require: require.unwrap_or_default(),
            recommend: claims(reader, "recommend").unwrap_or_default(),
            base: table.as_ref().map_or(Base::MergeBase, |table| word_or(reader, table, "base", Base::MergeBase)),
            trailer: if trailer == Some(true) { Trailer::EveryCommit } else { Trailer::Optional },
            plan: table
                .as_ref()
                .and_then(|table| table.cell("plan"))
                .map(|cell| word_list(reader, &cell))
                .unwrap_or_default(),
        });
    }
    tiers
}

fn whens(reader: &mut Reader<'_>, top: &Table<'_>, names: &Names, lowest: &Tier) -> Vec<When> {
    let rules = top.cell("when").map(|cell| reader.items(&cell, WHENS_MAX)).unwrap_or_default();
    let mut whens = Vec::new();
    for (index, cell) in rules.into_iter().enumerate() {
        whens.extend(when(reader, &cell.called(&format!("[[when]] rule {}", index + 1)), names, lowest));
    }
    whens
}

fn when(reader: &mut Reader<'_>, cell: &Cell<'_>, names: &Names, lowest: &Tier) -> Option<When> {
    let table = reader.table(cell, &WHEN)?;
    let (floor, require) = (table.cell("tier"), table.cell("require"));
    let tier = floor.as_ref().and_then(|cell| tier_named(reader, cell, names));
    let claims = require.as_ref().map(|cell| claims_named(reader, cell, names));
    // Only what was understood can be without effect; what was not has its own error.
    let floor_idle = floor.is_none() || tier.as_ref().is_some_and(|tier| *tier == lowest.name);
    let claims_idle = match &claims {
        None => true,
        Some(claims) => !claims.is_empty() && claims.iter().all(|claim| lowest.require.contains(claim)),
    };
    if floor_idle && claims_idle {
        let (place, lowest) = (table.place.clone(), lowest.name.to_string());
        reader.wrong(cell.at, PolicyProblem::NoEffect { place, lowest });
    }
    let Some(paths) = table.cell("paths") else {
        reader.missing(&table, "paths", "patterns such as paths = [\"src/**\"]".to_owned());
        return None;
    };
    let paths = patterns(reader, &paths)?;
    Some(When { paths, tier, require: claims.unwrap_or_default() })
}

fn patterns(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Option<Paths> {
    let patterns = reader.texts(cell, NAMES_MAX);
    match Paths::compile(&patterns.iter().map(|pattern| pattern.it).collect::<Vec<_>>()) {
        Ok(paths) => Some(paths),
        Err((index, problem)) => {
            reader.wrong(patterns[index].at, problem);
            None
        }
    }
}

fn may(reader: &mut Reader<'_>, cell: &Cell<'_>, roles: &mut Roles) -> BTreeMap<Act, Entitled> {
    let Some(table) = reader.table(cell, &MAY) else { return BTreeMap::new() };
    let mut may = BTreeMap::new();
    for act in Act::ALL {
        let Some(cell) = table.cell(act.as_str()) else { continue };
        if let Some(entitled) = entitled(reader, &cell) {
            roles.given.extend(entitled.roles.iter().cloned());
            may.insert(*act, entitled);
        }
    }
    may
}

fn exceptions(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Option<Exceptions> {
    let table = reader.table(cell, &EXCEPTIONS)?;
    let default = Exceptions::default();
    let effects = table.cell("effects").map(|cell| reader.words(&cell));
    let any_change = table.cell("any_change").and_then(|cell| reader.flag(&cell)).unwrap_or(false);
    Some(Exceptions {
        effects: effects.map_or(default.effects, |effects| effects.into_iter().collect()),
        longest: table.cell("longest").and_then(|cell| reader.span(&cell)),
        at_once: count(reader, &table, "at_once", COUNT_MAX).unwrap_or(default.at_once),
        reach: if any_change { Reach::AnyChange } else { Reach::OneChange },
    })
}

fn materials(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Option<MaterialsRule> {
    let table = reader.table(cell, &MATERIALS)?;
    let inline_max = table.cell("inline_max").map(|cell| size(reader, &cell, Size::INLINE_LEAST, Size::INLINE_MOST));
    let Some(cell) = table.cell("store") else {
        reader.missing(&table, "store", "its URL, such as store = \"s3://BUCKET/PREFIX\"".to_owned());
        return None;
    };
    let store = match reader.text(&cell)?.parse() {
        Ok(store) => store,
        Err(reason) => {
            reader.wrong(cell.at, PolicyProblem::Store { place: cell.place, reason });
            return None;
        }
    };
    Some(MaterialsRule { store, inline_max: inline_max.unwrap_or(Some(MaterialsRule::INLINE_MAX))? })
}

/// Takes a value as a number of bytes within bounds.
fn size(reader: &mut Reader<'_>, cell: &Cell<'_>, least: Size, most: Size) -> Option<Size> {
    let text = reader.text(cell)?;
    let reason = match text.parse::<Size>() {
        Ok(size) if (least..=most).contains(&size) => return Some(size),
        Ok(_) => format!("wanted {least} to {most}"),
        Err(error) => error.to_string(),
    };
    reader.wrong(cell.at, PolicyProblem::Size { place: cell.place.clone(), found: shown(text), reason });
    None
}

fn entitled(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Option<Entitled> {
    let short = |reader: &mut Reader<'_>, cell: &Cell<'_>| -> Vec<Role> {
        reader.ids(cell, NAMES_MAX).into_iter().map(|role| role.it).collect()
    };
    if !cell.is_table() {
        return Some(Entitled { roles: short(reader, cell), threshold: 1 });
    }
    let table = reader.table(cell, &ENTITLED)?;
    let threshold = table.cell("threshold").and_then(|cell| reader.count(&cell, 1, THRESHOLD_MAX)).unwrap_or(1);
    let Some(roles) = table.cell("roles") else {
        reader.missing(&table, "roles", "roles such as roles = [\"admin\"]".to_owned());
        return None;
    };
    Some(Entitled { roles: short(reader, &roles), threshold })
}

fn claims_named(reader: &mut Reader<'_>, cell: &Cell<'_>, names: &Names) -> Vec<ClaimName> {
    let claims = reader.ids(cell, NAMES_MAX);
    // Where no claim could be read at all, that has been told, and each mention would only repeat it.
    let known = |claim: &ClaimName| names.claims.is_empty() || names.claims.contains(claim);
    for claim in claims.iter().filter(|claim| !known(&claim.it)) {
        let problem = PolicyProblem::UndefinedClaim { place: cell.place.clone(), claim: claim.it.to_string() };
        reader.wrong_and(claim.at, problem, || spelling(claim.it.as_str(), names.claims.iter().map(Id::as_str)));
    }
    claims.into_iter().map(|claim| claim.it).collect()
}

fn claim_named(reader: &mut Reader<'_>, cell: &Cell<'_>, names: &Names) -> Option<ClaimName> {
    let claim = reader.id(cell)?;
    if !names.claims.contains(&claim) {
        let problem = PolicyProblem::UndefinedClaim { place: cell.place.clone(), claim: claim.to_string() };
        reader.wrong_and(cell.at, problem, || spelling(claim.as_str(), names.claims.iter().map(Id::as_str)));
        return None;
    }
    Some(claim)
}

/// Takes a value as a list of distinct words that is not empty.
fn word_list<W: Word + PartialEq>(reader: &mut Reader<'_>, cell: &Cell<'_>) -> Vec<W> {
    let mut words = Vec::new();
    for item in reader.items(cell, NAMES_MAX) {
        let Some(word) = reader.word::<W>(&item) else { continue };
        if words.contains(&word) {
            reader.wrong(item.at, PolicyProblem::Duplicate { place: cell.place.clone(), name: word.to_string() });
        } else {
            words.push(word);
        }
    }
    words
}

fn tier_named(reader: &mut Reader<'_>, cell: &Cell<'_>, names: &Names) -> Option<TierName> {
    let name = reader.id(cell)?;
    if !names.tiers.contains(&name) {
        undefined_tier(reader, &cell.place, &name, cell.at, names);
        return None;
    }
    Some(name)
}

fn undefined_tier(reader: &mut Reader<'_>, place: &str, name: &TierName, at: usize, names: &Names) {
    let tiers: Vec<_> = names.tiers.iter().map(Id::as_str).collect();
    let problem =
        PolicyProblem::UndefinedTier { place: place.to_owned(), tier: name.to_string(), tiers: tiers.join(", ") };
    reader.wrong_and(at, problem, || spelling(name.as_str(), tiers));
}

fn word_or<W: Word>(reader: &mut Reader<'_>, table: &Table<'_>, key: &'static str, default: W) -> W {
    table.cell(key).and_then(|cell| reader.word(&cell)).unwrap_or(default)
}

fn count(reader: &mut Reader<'_>, table: &Table<'_>, key: &'static str, max: u64) -> Option<u64> {
    table.cell(key).and_then(|cell| reader.count(&cell, 0, max))
}

fn positive(reader: &mut Reader<'_>, table: &Table<'_>, key: &'static str, max: u64) -> Option<NonZeroU64> {
    table.cell(key).and_then(|cell| reader.count(&cell, 1, max)).and_then(NonZeroU64::new)
}

/// Longer texts are refused before they are read: a policy is for people.
pub const BYTES_MAX: usize = 256 * 1024;
/// More claims than this could not be overseen.
pub const CLAIMS_MAX: usize = 256;
/// More tiers than this could not be told apart.
pub const TIERS_MAX: usize = 16;
/// More `[[when]]` rules than this would make a verdict slow.
pub const WHENS_MAX: usize = 256;
/// More members than this in one list of names or patterns could not be overseen.
pub const NAMES_MAX: usize = 256;
/// More reviewers than this are never found.
pub const PRINCIPALS_MAX: u64 = 64;
/// What only claims have that runs show.
const RUN_KEYS: [&str; 9] =
    ["tests", "coverage", "findings", "names", "measurements", "mutation", "attachments", "variants", "attempts_max"];
/// The greatest count in our own formats (format, section 1).
pub const COUNT_MAX: u64 = (1 << 53) - 1;

const PERCENT_MAX: u64 = 100;
/// Ten times worse is no tolerance any more.
const TOLERANCE_MAX: u64 = 1_000;
const TIERS_DEFAULT: [&str; 3] = ["low", "medium", "high"];

#[cfg(test)]
mod tests;
