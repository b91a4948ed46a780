//! The published JSON Schemas (2020-12), compiled once, applied on the way in and on the way out.

use std::sync::OnceLock;

use jsonschema::Validator;
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
    "bundle",
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
    let validator = compiled(name).expect("only published schemas are asked for");
    match validator.iter_errors(value).next() {
        None => Ok(()),
        Some(error) => {
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

fn compiled(name: &str) -> Option<&'static Validator> {
    static COMPILED: [OnceLock<Validator>; SCHEMAS.len()] = [const { OnceLock::new() }; SCHEMAS.len()];
    let index = SCHEMAS.iter().position(|schema| schema.name == name)?;
    Some(COMPILED[index].get_or_init(|| {
        let value: Value = serde_json::from_str(SCHEMAS[index].text).expect("the published schemas are JSON");
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            // No pattern of ours looks around or back: the linear engine compiles faster and cannot be stalled.
            .with_pattern_options(jsonschema::PatternOptions::regex())
            .build(&value)
            .expect("the published schemas compile; a test compiles each")
    }))
}

const TEXT_CHARS_MAX: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_compiles_and_says_its_name() {
        for schema in SCHEMAS {
            assert!(compiled(schema.name).is_some());
            let value: Value = serde_json::from_str(schema.text).unwrap();
            assert_eq!(value["$id"], format!("urn:evidence:schema:{}:v1", schema.name));
            assert_eq!(value["$schema"], "https://json-schema.org/draft/2020-12/schema");
        }
    }
}
