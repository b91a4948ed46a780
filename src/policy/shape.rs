//! The tables of a policy and the keys that each may hold; a test holds them to the published schema.

/// A kind of table: where its keys stand, and which there are.
#[derive(Debug)]
pub(super) struct Shape {
    /// Where such a key stands, for people, with its preposition.
    pub(super) place: &'static str,
    /// The keys that it may hold; empty: names that the author chooses.
    pub(super) keys: &'static [&'static str],
}

/// The whole file.
pub(super) const TOP: Shape = Shape {
    place: "at the top of the file, before the first table",
    keys: &[
        "version",
        "tiers",
        "applies",
        "independence",
        "unplanned",
        "plan_valid_for",
        "refuse_limitations",
        "pipelines",
        "rego",
        "claim",
        "tier",
        "when",
        "may",
        "exceptions",
        "materials",
    ],
};

/// Claims or tiers by name.
pub(super) const NAMES: Shape = Shape { place: "in a table of names", keys: &[] };

/// One claim.
pub(super) const CLAIM: Shape = Shape {
    place: "in [claim.NAME]",
    keys: &[
        "family",
        "by",
        "form",
        "at",
        "bound_to",
        "tests",
        "coverage",
        "findings",
        "names",
        "measurements",
        "mutation",
        "attachments",
        "variants",
        "attempts_max",
        "age_max",
        "independent_of",
        "principals_min",
        "waivable",
        "asserted",
    ],
};

/// Limits on tests.
pub(super) const TESTS: Shape = Shape {
    place: "in `tests` of a claim",
    keys: &[
        "passed_min",
        "failed_max",
        "skipped_max",
        "flaky_max",
        "skipped",
        "flaky",
        "baseline",
        "differential",
        "positive",
        "negative",
    ],
};

/// Tests that must mean something, in the long form.
pub(super) const DIFFERENTIAL: Shape = Shape { place: "in `differential` of `tests`", keys: &["paths"] };

/// A kind of tests.
pub(super) const TEST_KIND: Shape = Shape {
    place: "in `positive` or `negative` of `tests`",
    keys: &["names", "suites", "reports", "properties", "passed_min"],
};

/// A floor for some files.
pub(super) const PATH_FLOOR: Shape = Shape { place: "in `paths` of `coverage`", keys: &["paths", "min"] };

/// Limits on coverage.
pub(super) const COVERAGE: Shape = Shape {
    place: "in `coverage` of a claim",
    keys: &["total_min", "changed_lines_min", "changed_lines_except", "baseline", "paths", "excluded"],
};

/// Limits on findings.
pub(super) const FINDINGS: Shape = Shape {
    place: "in `findings` of a claim",
    keys: &["critical_max", "high_max", "medium_max", "low_max", "new_max", "suppressed_max", "suppressed"],
};

/// Limits on the names of a surface.
pub(super) const SURFACE: Shape = Shape { place: "in `names` of a claim", keys: &["baseline", "new_max", "surface"] };

/// Limits on measurements.
pub(super) const MEASUREMENTS: Shape =
    Shape { place: "in `measurements` of a claim", keys: &["tolerance", "baseline"] };

/// Limits on mutants.
pub(super) const MUTATION: Shape = Shape {
    place: "in `mutation` of a claim",
    keys: &[
        "score_min",
        "changed_score_min",
        "changed_score_except",
        "survived_max",
        "baseline",
        "timed_out",
        "left_out",
    ],
};

/// Limits on attachments.
pub(super) const ATTACHMENTS: Shape =
    Shape { place: "in `attachments` of a claim", keys: &["min", "kinds", "baseline", "reviewed_by"] };

/// One tier.
pub(super) const TIER: Shape =
    Shape { place: "in [tier.NAME]", keys: &["require", "recommend", "base", "trailer", "plan"] };

/// One rule.
pub(super) const WHEN: Shape = Shape { place: "in [[when]]", keys: &["paths", "tier", "require"] };

/// Who may do what.
pub(super) const MAY: Shape =
    Shape { place: "in [may]", keys: &["plan", "grant", "policy", "allow", "resume", "merge", "accept"] };

/// Which exceptions there may be.
pub(super) const EXCEPTIONS: Shape =
    Shape { place: "in [exceptions]", keys: &["effects", "longest", "at_once", "any_change"] };

/// Where large materials go.
pub(super) const MATERIALS: Shape = Shape { place: "in [materials]", keys: &["store", "inline_max"] };

/// Who may do one act, in the long form.
pub(super) const ENTITLED: Shape = Shape { place: "in an act of [may]", keys: &["roles", "threshold"] };

/// All tables with keys of their own.
pub(super) const SHAPES: [&Shape; 18] = [
    &TOP,
    &CLAIM,
    &TESTS,
    &DIFFERENTIAL,
    &TEST_KIND,
    &COVERAGE,
    &PATH_FLOOR,
    &FINDINGS,
    &SURFACE,
    &MEASUREMENTS,
    &MUTATION,
    &ATTACHMENTS,
    &TIER,
    &WHEN,
    &MAY,
    &ENTITLED,
    &EXCEPTIONS,
    &MATERIALS,
];
