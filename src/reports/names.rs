//! Lists of names, one a line -> facts about a surface: any list, and the public items that `cargo public-api` prints.
//!
//! ```text
//! # the commands of the program
//! shop order new
//! shop order list
//! ```
//!
//! Of any list (`names`) blank lines and lines that begin with `#` are skipped, and white space around a name is not part of
//! it. Nothing in such a list tells that it is one, so it has to be given by name: `--report names=FILE`.
//!
//! Of `cargo public-api` (`public-api`) every line is an item, spelled as it stands there: its signature is part of its name, so
//! an item whose signature changes is lost and another one is new. Differences that the same tool prints are no listing. Which
//! items are hidden by its options (`--omit`, `-sss`) cannot be told from the listing: the command line says it.

use std::io::BufRead;

use super::lines::{Line, each_line};
use super::tally::{NameTally, shown};
use super::{Cause, Detail, Detected, Format, ReadError, Report, detect};

/// Reads any list.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut is_first = true;
    let mut tally = NameTally::new(detail);
    each_line(input, &mut |line| {
        let name = line.whole()?.trim();
        if name.is_empty() || name.starts_with('#') {
            return Ok(());
        }
        let is_foreign = std::mem::take(&mut is_first) && is_foreign(name);
        if is_foreign || name.chars().any(char::is_control) {
            let wanted = "a list of names, one a line, and no markup, JSON or output of a program";
            return Err(line.refuse(Cause::Record { found: shown(name, 80), wanted }));
        }
        add(&mut tally, line, name)
    })?;
    Ok(tally.finish(Format::Names))
}

/// Reads what `cargo public-api` prints.
pub(super) fn read_public_api(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut tally = NameTally::new(detail);
    each_line(input, &mut |line| {
        let name = line.whole()?;
        if name.is_empty() {
            return Ok(());
        }
        if !is_item(name) {
            let wanted = "an item as cargo public-api lists it, such as `pub fn shop::order()`";
            return Err(line.refuse(Cause::Record { found: shown(name, 80), wanted }));
        }
        add(&mut tally, line, name)
    })?;
    Ok(tally.finish(Format::PublicApi))
}

/// Tells whether the first name of a list begins another kind of document.
fn is_foreign(name: &str) -> bool {
    let name = name.trim_start_matches('\u{feff}');
    let is_markup = name.strip_prefix('<').is_some_and(|rest| {
        let behind = rest.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || "-_:.".contains(letter));
        let is_element = behind.is_empty() || behind.starts_with(['>', '/']) || behind.contains(['"', '\'']);
        rest.starts_with(['?', '!']) || is_element && !name.contains("::")
    });
    let is_json = name.starts_with('{') || name == "[" || name.starts_with("[{") || name.starts_with("[\"");
    // Items that `cargo public-api` lists are names, too.
    let is_other = !matches!(detect(name.as_bytes()), Detected::Unknown | Detected::One(Format::PublicApi));
    is_markup || is_json || is_other
}

/// Tells whether the first lines of a text could be a listing of items; the last of them may be cut.
pub(super) fn is_listing(head: &str) -> bool {
    let mut lines = head.lines().filter(|line| !line.is_empty());
    lines.next().is_some_and(is_item) && {
        let rest: Vec<&str> = lines.collect();
        let whole = rest.split_last().map_or(&[][..], |(_, whole)| whole);
        whole.iter().all(|line| is_item(line))
    }
}

/// Tells whether a line is an item: attributes, then `pub` or `impl`.
fn is_item(line: &str) -> bool {
    let mut rest = line;
    while let Some(attribute) = rest.strip_prefix("#[") {
        let Some(end) = end_of_attribute(attribute) else { return false };
        rest = attribute[end..].trim_start_matches(' ');
    }
    let rest = rest.strip_prefix("unsafe ").unwrap_or(rest);
    let starts = ["pub ", "impl ", "impl<"].iter().any(|word| rest.starts_with(word));
    starts && !line.chars().any(char::is_control)
}

/// Returns what stands behind the bracket that closes an attribute.
fn end_of_attribute(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (1_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' if !quoted => depth += 1,
            b']' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

fn add(tally: &mut NameTally, line: &Line<'_>, name: &str) -> Result<(), ReadError> {
    tally.add(name).map_err(|cause| line.refuse(cause))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::model::{Digest, Facts, Outcome};
    use crate::reports::{read as read_facts, read_report};

    #[test]
    fn what_begins_as_something_else_is_no_list_of_names() {
        for text in [
            "<html>error: unknown command</html>\n",
            "<!DOCTYPE html>\n<p>x</p>\n",
            "<testsuite name=\"a\">\n</testsuite>\n",
            "{\n  \"runs\": []\n}\n",
            "[{\"a\": 1}]\n",
            "SF:shop.c\nDA:1,1\n",
            "TAP version 14\n1..1\n",
            "a\0b\n",
            "login\nlog\u{1b}[1mout\n",
        ] {
            let refused = read_facts(Format::Names, &mut text.as_bytes()).unwrap_err().to_string();
            assert!(refused.contains("wanted a list of names"), "{text}: {refused}");
        }
        // Empty is no other kind of document, and items and types are names.
        assert_eq!(facts(Format::Names, "# none\n\n").outcome, Outcome::Inconclusive);
        for text in ["<T as shop::Cart>::new\n", "pub fn shop::order()\n", "<T>::of\n", "[a]\n", "{id}/orders\n"] {
            let read = read_facts(Format::Names, &mut text.as_bytes());
            assert_eq!(read.is_ok(), !text.starts_with('{'), "{text}");
        }
    }

    fn facts(format: Format, text: &str) -> Facts {
        read_facts(format, &mut text.as_bytes()).unwrap()
    }

    fn refused(text: &str) -> String {
        read_facts(Format::PublicApi, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_digest_is_spelled_as_documented() {
        let identity = |text: &str| Digest(Sha256::digest(format!("evidence-name/v1\n{text}")).into());
        let mut lines = [format!("{} 2\n", identity("1:b,")), format!("{} 1\n", identity("3:a c,"))];
        lines.sort();
        let wanted = Digest(Sha256::digest(format!("evidence-names/v1\n{}", lines.concat())).into());
        let found = facts(Format::Names, "b\r\n\n  a c\t\n# no name\nb").names.unwrap();
        assert_eq!((found.count, found.digest), (3, wanted));
        assert_eq!(facts(Format::Names, "a c\nb\nb\n").names.unwrap().digest, wanted);
        assert_ne!(facts(Format::Names, "a c\nb\n").names.unwrap().digest, wanted);
        let report = read_report(Format::Names, &mut &b"b\n"[..]).unwrap();
        assert_eq!((report.names[0].name.as_str(), report.names[0].identity), ("b", identity("1:b,")));
    }

    #[test]
    fn an_empty_surface_is_inconclusive() {
        for text in ["", "\n\n", "# only\n  # comments\n"] {
            let facts = facts(Format::Names, text);
            assert_eq!(facts.outcome, Outcome::Inconclusive, "{text}");
            assert_eq!(facts.reasons, ["the report names nothing"]);
        }
        assert_eq!(facts(Format::PublicApi, "").outcome, Outcome::Inconclusive);
        assert_eq!(facts(Format::Names, "a").outcome, Outcome::Pass);
    }

    #[test]
    fn items_are_kept_as_they_stand() {
        let text = "pub mod shop\n#[non_exhaustive] pub enum shop::State\nimpl<T> core::clone::Clone for shop::Cart<T>\n\
                    #[doc = \"a ] [\\\" b\"] #[must_use] pub fn shop::order(id: u64) -> bool\nunsafe impl core::marker::Send for shop::X\n";
        let report = read_report(Format::PublicApi, &mut text.as_bytes()).unwrap();
        assert_eq!(report.names.len(), 5);
        assert_eq!(report.names[1].name, "#[non_exhaustive] pub enum shop::State");
        assert!(is_listing(text) && is_listing(&text[..60]));
        let changed = text.replace("u64", "u32");
        assert_ne!(facts(Format::PublicApi, text).names, facts(Format::PublicApi, &changed).names);
    }

    #[test]
    fn what_is_no_listing_is_refused_with_its_line() {
        let wanted = "line 2, column 1: found `+pub fn shop::new()`; wanted an item as cargo public-api lists it";
        assert!(refused("pub mod shop\n+pub fn shop::new()\n").starts_with(wanted));
        assert!(refused("Removed items from the public API\n").contains("found `Removed items"));
        assert!(refused("pub mod shop\n\u{1b}[1mpub fn shop::a()\u{1b}[0m\n").starts_with("line 2"));
        assert!(refused("#[doc = \"pub mod\n").starts_with("line 1"));
        let long = format!("pub fn {}", "x".repeat(70_000));
        assert!(refused(&long).contains("more than 65536 bytes"));
        assert!(!is_listing("") && !is_listing("public\n") && !is_listing("pub mod a\nx\npub mod b\n"));
    }
}
