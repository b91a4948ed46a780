//! The form in which work is asked for: headings in a request's or an issue's text, as forges render them.
//!
//! ```text
//! ### Tier
//!
//! high
//! ```
//! Whoever wrote the text wrote its tier: a label counts before it, and the policy's rules for paths in any case.

use std::path::Path;

use serde_json::Value;

use super::fail::Fail;

/// What a form says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) tier: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) requested: Option<String>,
}

/// Reads a form out of a text, or out of the event that GitHub lays down for a run.
pub(super) fn read(path: &Path) -> Result<Form, Fail> {
    let text = std::fs::read_to_string(path).map_err(|error| Fail::io("the form cannot be read:", path, &error))?;
    if !text.trim_start().starts_with('{') {
        return Ok(Form::of(&text));
    }
    let event: Value = serde_json::from_str(&text)
        .map_err(|error| Fail::usage(format!("the form {} is no JSON: {error}", path.display())))?;
    let asked = [&event["pull_request"], &event["issue"]].into_iter().find(|asked| asked.is_object());
    // What is about neither asks for nothing.
    let Some(asked) = asked else { return Ok(Form::default()) };
    let said = |name: &str| asked[name].as_str().map(ToOwned::to_owned);
    let form = Form::of(&said("body").unwrap_or_default());
    // An issue asks for the work; a request is the work.
    let of_issue = |name: &str| said(name).filter(|_| event["issue"].is_object());
    Ok(Form {
        origin: form.origin.or_else(|| of_issue("html_url")),
        requested: form.requested.or_else(|| of_issue("created_at")),
        ..form
    })
}

impl Form {
    fn of(text: &str) -> Self {
        let word = |name: &str| {
            let line = under(text, name)?;
            line.split_whitespace().next().map(ToOwned::to_owned)
        };
        Self {
            tier: word("tier").map(|tier| tier.to_lowercase()),
            origin: word("origin"),
            requested: word("requested"),
        }
    }
}

/// Returns the first line under a heading that says something.
fn under(text: &str, name: &str) -> Option<String> {
    let heading = |line: &str| line.trim().strip_prefix("### ").map(|words| words.trim().to_lowercase());
    let mut lines = text.lines().skip_while(|line| heading(line).as_deref() != Some(name)).skip(1);
    let mut in_comment = false;
    let said = lines.by_ref().take_while(|line| heading(line).is_none()).find(|line| {
        let line = line.trim();
        in_comment |= line.starts_with("<!--");
        let is_said = !in_comment && !line.is_empty();
        in_comment &= !line.ends_with("-->");
        is_said
    })?;
    // What GitHub writes where nothing was filled in.
    Some(said.trim().to_owned()).filter(|said| said != "_No response_")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headings_are_read_and_what_was_not_filled_in_is_not_there() {
        let text = "Work.\r\n\r\n### Tier\r\n\r\nHigh (touches payments)\r\n\r\n### Origin\r\n\r\n<!-- the ticket,\r\nif any -->\r\nhttps://t.example/7\r\n\r\n### Requested\r\n\r\n_No response_\r\n";
        let form = Form::of(text);
        assert_eq!((form.tier.as_deref(), form.origin.as_deref()), (Some("high"), Some("https://t.example/7")));
        assert_eq!(form.requested, None);
        assert_eq!(Form::of("### Tier\n\n### Origin\n\nx"), Form { origin: Some("x".to_owned()), ..Form::default() });
        assert_eq!(Form::of("#### Tier\n\nhigh\n\nTier\nhigh"), Form::default());
    }

    proptest! {
        /// Anybody writes a request's text.
        #[test]
        fn any_text_is_a_form(lines in prop::collection::vec("(### )?(tier|Tier|origin|<!--|-->|_No response_|.{0,12})[ \r]{0,2}", 0..12)) {
            let form = Form::of(&lines.join("\n"));
            prop_assert!(form.tier.is_none_or(|tier| !tier.is_empty() && !tier.contains(char::is_whitespace)));
        }
    }
}
