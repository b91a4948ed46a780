//! The published JSON Schemas (2020-12), compiled once, applied on the way in and on the way out.

use jsonschema::ValidationError;
use serde_json::Value;

use super::StatementError;
use super::predicate::PredicateName;

/// A published schema: its name in `evidence help schema NAME`, and its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The name.
    pub name: &'static str,
    /// The JSON text.
    pub text: &'static str,
}

macro_rules! schemas {
    ($($name:literal),* $(,)?) => {
        /// All published schemas.
        pub const SCHEMAS: &[Schema] = &[$(Schema {
            name: $name,
            text: include_str!(concat!("../../schemas/", $name, ".schema.json")),
        }),*];
    };
}

schemas!(
    "envelope",
    "statement",
    "plan",
    "start",
    "result",
    "review",
    "exception",
    "authority",
    "event",
    "verdict",
    "policy",
    "policy-record",
    "trust",
    "verdict-report",
    "status",
    "bundle",
    "conviction",
    "rego-input",
    "branch-audit",
);

/// Returns the schema of that name.
#[must_use]
pub fn schema(name: &str) -> Option<Schema> {
    SCHEMAS.iter().copied().find(|schema| schema.name == name)
}

/// Checks a value against the schema of that name.
///
/// # Errors
/// The JSON pointer of the first place that breaks it, and what is wrong there.
pub fn check(name: &str, value: &Value) -> Result<(), (String, String)> {
    let index = SCHEMAS.iter().position(|schema| schema.name == name).expect("only published schemas are asked for");
    let (is_valid, validate) = BUILT_IN[index];
    if is_valid(value) {
        return Ok(());
    }
    match validate(value) {
        Ok(()) => Err(("/".to_owned(), "the value breaks the schema".to_owned())),
        Err(error) => {
            let path = error.instance_path().to_string();
            let text: String = error.to_string().chars().take(TEXT_CHARS_MAX).collect();
            Err((if path.is_empty() { "/".to_owned() } else { path }, text))
        }
    }
}

/// Checks a statement and its predicate.
pub(super) fn check_statement(name: PredicateName, value: &Value) -> Result<(), StatementError> {
    let broken = |(path, text)| StatementError::Schema { predicate_type: name.predicate_type(), path, text };
    check("statement", value).map_err(broken)?;
    let predicate = value.get("predicate").unwrap_or(&Value::Null);
    check(predicate_schema(name), predicate).map_err(|(path, text)| broken((format!("/predicate{path}"), text)))
}

/// Returns the name of a predicate's schema. `policy` is the policy file itself, its record has its own.
#[must_use]
pub const fn predicate_schema(name: PredicateName) -> &'static str {
    match name {
        PredicateName::Policy => "policy-record",
        other => other.as_str(),
    }
}

/// The schemas, compiled with the program: compiling them anew would be half of what a short command costs.
mod built_in {
    #[jsonschema::validator(
        path = "schemas/envelope.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Envelope;

    #[jsonschema::validator(
        path = "schemas/statement.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Statement;

    #[jsonschema::validator(
        path = "schemas/plan.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Plan;

    #[jsonschema::validator(
        path = "schemas/start.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Start;

    #[jsonschema::validator(
        path = "schemas/result.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Result;

    #[jsonschema::validator(
        path = "schemas/review.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Review;

    #[jsonschema::validator(
        path = "schemas/exception.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Exception;

    #[jsonschema::validator(
        path = "schemas/authority.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Authority;

    #[jsonschema::validator(
        path = "schemas/event.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Event;

    #[jsonschema::validator(
        path = "schemas/verdict.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Verdict;

    #[jsonschema::validator(
        path = "schemas/policy.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Policy;

    #[jsonschema::validator(
        path = "schemas/policy-record.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct PolicyRecord;

    #[jsonschema::validator(
        path = "schemas/trust.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Trust;

    #[jsonschema::validator(
        path = "schemas/verdict-report.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct VerdictReport;

    #[jsonschema::validator(
        path = "schemas/status.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Status;

    #[jsonschema::validator(
        path = "schemas/bundle.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Bundle;

    #[jsonschema::validator(
        path = "schemas/conviction.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct Conviction;

    #[jsonschema::validator(
        path = "schemas/rego-input.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct RegoInput;

    #[jsonschema::validator(
        path = "schemas/branch-audit.schema.json",
        draft = Draft202012,
        pattern_options = { engine = regex },
        methods = { is_valid = true, validate = true, iter_errors = false }
    )]
    pub(super) struct BranchAudit;
}

/// Whether a value keeps a schema, and the first reason why not.
type BuiltIn = (fn(&Value) -> bool, for<'a> fn(&'a Value) -> Result<(), ValidationError<'a>>);

/// In the order of [`SCHEMAS`].
const BUILT_IN: [BuiltIn; SCHEMAS.len()] = [
    (built_in::Envelope::is_valid, built_in::Envelope::validate),
    (built_in::Statement::is_valid, built_in::Statement::validate),
    (built_in::Plan::is_valid, built_in::Plan::validate),
    (built_in::Start::is_valid, built_in::Start::validate),
    (built_in::Result::is_valid, built_in::Result::validate),
    (built_in::Review::is_valid, built_in::Review::validate),
    (built_in::Exception::is_valid, built_in::Exception::validate),
    (built_in::Authority::is_valid, built_in::Authority::validate),
    (built_in::Event::is_valid, built_in::Event::validate),
    (built_in::Verdict::is_valid, built_in::Verdict::validate),
    (built_in::Policy::is_valid, built_in::Policy::validate),
    (built_in::PolicyRecord::is_valid, built_in::PolicyRecord::validate),
    (built_in::Trust::is_valid, built_in::Trust::validate),
    (built_in::VerdictReport::is_valid, built_in::VerdictReport::validate),
    (built_in::Status::is_valid, built_in::Status::validate),
    (built_in::Bundle::is_valid, built_in::Bundle::validate),
    (built_in::Conviction::is_valid, built_in::Conviction::validate),
    (built_in::RegoInput::is_valid, built_in::RegoInput::validate),
    (built_in::BranchAudit::is_valid, built_in::BranchAudit::validate),
];

const TEXT_CHARS_MAX: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_compiles_and_says_its_name() {
        for schema in SCHEMAS {
            let index = SCHEMAS.iter().position(|other| other.name == schema.name).unwrap();
            let value: Value = serde_json::from_str(schema.text).unwrap();
            let compiled = jsonschema::draft202012::new(&value).unwrap();
            assert!(!compiled.is_valid(&Value::Null) && !BUILT_IN[index].0(&Value::Null));
            assert_eq!(value["$id"], format!("urn:evidence:schema:{}:v1", schema.name));
            assert_eq!(value["$schema"], "https://json-schema.org/draft/2020-12/schema");
        }
    }
}
