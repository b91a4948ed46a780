//! The manual: rustdoc and `evidence help TOPIC` from one text.

use std::fmt::Write as _;

use crate::verify::CODES;

#[doc = include_str!("format.md")]
pub mod format {}
#[doc = include_str!("decisions.md")]
pub mod decisions {}
#[doc = include_str!("start.md")]
pub mod start {}
#[doc = include_str!("policy.md")]
pub mod policy {}
#[doc = include_str!("keys.md")]
pub mod keys {}
#[doc = include_str!("remote.md")]
pub mod remote {}
#[doc = include_str!("agents.md")]
pub mod agents {}
#[doc = include_str!("threats.md")]
pub mod threats {}
#[doc = include_str!("numbers.md")]
pub mod numbers {}

/// A topic of the manual.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    /// Its name.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    text: Option<&'static str>,
}

/// All topics.
pub const TOPICS: &[Topic] = &[
    Topic { name: "start", title: "From nothing to a first verdict", text: Some(include_str!("start.md")) },
    Topic { name: "policy", title: "Every key of the policy, with examples", text: Some(include_str!("policy.md")) },
    Topic { name: "keys", title: "Keys, grants, roots, revoking, theft", text: Some(include_str!("keys.md")) },
    Topic {
        name: "remote",
        title: "A ledger on a git remote, for machines that come and go",
        text: Some(include_str!("remote.md")),
    },
    Topic {
        name: "agents",
        title: "For coding agents: the loop, and what to know",
        text: Some(include_str!("agents.md")),
    },
    Topic {
        name: "format",
        title: "The bytes, for who writes another verifier",
        text: Some(include_str!("format.md")),
    },
    Topic {
        name: "threats",
        title: "Who attacks, what stops it, what does not",
        text: Some(include_str!("threats.md")),
    },
    Topic { name: "errors", title: "Every code: meaning, example and mend", text: None },
    Topic { name: "numbers", title: "What things cost, measured", text: Some(include_str!("numbers.md")) },
    Topic { name: "decisions", title: "What was decided to last, and why", text: Some(include_str!("decisions.md")) },
];

/// Returns the topic of that name.
#[must_use]
pub fn topic(name: &str) -> Option<Topic> {
    TOPICS.iter().copied().find(|topic| topic.name == name)
}

impl Topic {
    /// Returns the page.
    #[must_use]
    pub fn text(&self) -> String {
        self.text.map_or_else(errors, ToOwned::to_owned)
    }
}

fn errors() -> String {
    let mut text = String::from(
        "# Errors\n\nExit codes: 0 accepted or done; 1 refused: proven and not sufficient; 2 could not judge; 3 an alarm: what parses\n\
         contradicts a signed head, hash, link or derived line.\n\n",
    );
    let mut codes = CODES.to_vec();
    codes.sort_by_key(|(code, _, _)| code.number);
    for (code, meaning, mend) in codes {
        let _ = writeln!(text, "## {code}\n\nMeaning: {meaning}.\nExample: {}\nMend: {mend}.\n", code.example());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::model::schema;
    use crate::policy::Policy;

    /// Returns the examples of a page in one language.
    fn blocks(page: &str, language: &str) -> String {
        let mut parts = page.split("```");
        parts.next();
        parts.step_by(2).filter_map(|part| part.strip_prefix(language)).collect()
    }

    /// Gathers the names of all properties of a schema but those that an author chooses.
    fn properties(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    match member {
                        // A property may itself be called so.
                        Value::Object(named) if key == "properties" => {
                            found.extend(named.keys().cloned());
                            named.values().for_each(|member| properties(member, found));
                        }
                        _ => properties(member, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| properties(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn topics_have_one_name_and_a_page_each() {
        let names: BTreeSet<&str> = TOPICS.iter().map(|topic| topic.name).collect();
        assert_eq!(names.len(), TOPICS.len());
        for found in TOPICS {
            assert!(topic(found.name).unwrap().text().starts_with("# "), "{}", found.name);
        }
        assert!(topic("nothing").is_none());
    }

    #[test]
    fn examples_of_the_policy_page_make_one_policy() {
        let text = blocks(&topic("policy").unwrap().text(), "toml");
        assert!(text.contains("[[when]]") && text.contains("[may]"));
        Policy::parse(&text).unwrap_or_else(|errors| panic!("{errors}"));
        assert!(Policy::parse(&text.replace("high_max", "hihg_max")).is_err());
    }

    #[test]
    fn policy_page_has_every_key_of_the_schema() {
        let page = topic("policy").unwrap().text();
        let mut keys = BTreeSet::new();
        properties(&serde_json::from_str(schema("policy").unwrap().text).unwrap(), &mut keys);
        assert!(keys.len() > 40, "{keys:?}");
        // Tables stand in their examples, the other keys in a row of their own.
        let tables = ["claim", "tier", "when", "may", "exceptions", "materials"];
        for key in keys {
            let row = format!("| `{key}`");
            let limit = format!(".{key}` |");
            let shown = page.contains(&row) || page.contains(&limit) || page.contains(&format!(", `{key}`"));
            assert!(shown || tables.contains(&key.as_str()), "{key} is not in the manual");
        }
    }

    #[test]
    fn errors_are_listed_by_number() {
        let page = topic("errors").unwrap().text();
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## E")).collect();
        assert_eq!(headings.len(), CODES.len());
        assert!(headings.is_sorted());
    }
}
