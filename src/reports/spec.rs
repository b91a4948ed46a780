//! A specification -> the criteria that a plan records: TOML, or a checklist in Markdown.
//!
//! ```toml
//! [[criterion]]
//! id = "AC-1"
//! text = "a visitor can log in"
//! tests = ["*login*"]
//! critical = true
//! ```
//! ```markdown
//! - [ ] AC-1: a visitor can log in {tests: *login*; pictures: login; critical}
//! ```
//! It is read once, when a change is planned; from then on the plan's words count and not the file's. What could be a
//! criterion and cannot be read is refused with its line and column. Out of scope: what else stands in a specification.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{Criterion, CriterionId, is_tag};

/// How a specification is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecForm {
    /// Tables `[[criterion]]`.
    Toml,
    /// Items `- [ ] ID: text`.
    Markdown,
}

/// Why a specification cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct SpecError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: SpecProblem,
}

/// What is wrong in a specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecProblem {
    /// It is no TOML, or has other keys.
    #[error("{message}")]
    Toml {
        /// What the reader of TOML says.
        message: String,
    },
    /// An item of a checklist without id.
    #[error("the item `{found}` has no id; wanted `- [ ] ID: text`, such as `- [ ] AC-1: a visitor can log in`")]
    NoId {
        /// The item.
        found: String,
    },
    /// An id that is none.
    #[error("{reason}")]
    Id {
        /// Why.
        reason: String,
    },
    /// Two criteria of one id.
    #[error("the criterion {id} is there already, in line {line}")]
    Twice {
        /// The id.
        id: CriterionId,
        /// Where it is.
        line: usize,
    },
    /// A criterion that says nothing.
    #[error("the criterion {id} has no text")]
    NoText {
        /// Its id.
        id: CriterionId,
    },
    /// Braces that are no list behind the item's text.
    #[error(
        "braces stand in the item `{found}`, and are not its end; wanted one list `{{tests: a, b; human}}` behind the text, and other braces \
         between backquotes"
    )]
    Braces {
        /// The item.
        found: String,
    },
    /// What looks like an item and is none.
    #[error("`{found}` is nearly an item; wanted `- [ ] ID: text`, such as `- [ ] AC-1: a visitor can log in`")]
    NearlyItem {
        /// The line.
        found: String,
    },
    /// A comment or a block of code without end, in which items would be lost.
    #[error("{what} begins here and has no end: nothing behind it would be read")]
    Unclosed {
        /// Which.
        what: &'static str,
    },
    /// Something in braces that is not known.
    #[error("`{found}` is unknown here; wanted tests, claims, pictures with `: a, b`, or human, critical")]
    Unknown {
        /// What.
        found: String,
    },
    /// A list without members, or a word with some.
    #[error("`{found}` {wanted}")]
    Value {
        /// The key.
        found: String,
        /// What it wants.
        wanted: &'static str,
    },
    /// A name that is none.
    #[error("`{found}` cannot be {wanted}")]
    Name {
        /// The name.
        found: String,
        /// What.
        wanted: &'static str,
    },
    /// Something is too long or too often there.
    #[error("there are {found} {what}; wanted at most {max}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        found: usize,
        /// The bound.
        max: usize,
    },
    /// No criterion.
    #[error("there is no criterion; wanted {wanted}")]
    Empty {
        /// How one is written.
        wanted: &'static str,
    },
}

/// Reads the criteria of a specification, in its order.
///
/// # Errors
/// The first thing that could be a criterion and cannot be read; that there is none.
pub fn read_spec(text: &str, form: SpecForm) -> Result<Vec<Criterion>, SpecError> {
    let at = |offset: usize, problem| Err(error(text, offset, problem));
    if text.len() > BYTES_MAX {
        return at(0, SpecProblem::TooMany { what: "bytes", found: text.len(), max: BYTES_MAX });
    }
    let found = match form {
        SpecForm::Toml => toml(text)?,
        SpecForm::Markdown => markdown(text)?,
    };
    let mut lines: BTreeMap<CriterionId, usize> = BTreeMap::new();
    for (offset, criterion) in &found {
        check(text, *offset, criterion)?;
        let line = place(text, *offset).0;
        if let Some(before) = lines.insert(criterion.id.clone(), line) {
            return at(*offset, SpecProblem::Twice { id: criterion.id.clone(), line: before });
        }
    }
    match found.get(CRITERIA_MAX) {
        Some((offset, _)) => {
            at(*offset, SpecProblem::TooMany { what: "criteria", found: found.len(), max: CRITERIA_MAX })
        }
        None if found.is_empty() => {
            let wanted = match form {
                SpecForm::Toml => "a table [[criterion]]",
                SpecForm::Markdown => "an item `- [ ] ID: text`",
            };
            at(0, SpecProblem::Empty { wanted })
        }
        None => Ok(found.into_iter().map(|(_, criterion)| criterion).collect()),
    }
}

/// Checks what both forms have in common.
fn check(text: &str, offset: usize, criterion: &Criterion) -> Result<(), SpecError> {
    let at = |problem| Err(error(text, offset, problem));
    let Criterion { id, text: says, tests, claims, pictures, human: _, critical: _ } = criterion;
    if says.is_empty() {
        return at(SpecProblem::NoText { id: id.clone() });
    }
    let chars = says.chars().count();
    if chars > TEXT_CHARS_MAX {
        return at(SpecProblem::TooMany {
            what: "characters in a criterion's text",
            found: chars,
            max: TEXT_CHARS_MAX,
        });
    }
    let most = tests.len().max(claims.len()).max(pictures.len());
    if most > LIST_MAX {
        return at(SpecProblem::TooMany { what: "members in a list of a criterion", found: most, max: LIST_MAX });
    }
    if let Some(found) = tests.iter().find(|pattern| pattern.is_empty() || pattern.len() > PATTERN_BYTES_MAX) {
        return at(SpecProblem::Name { found: found.clone(), wanted: "a pattern of names of tests" });
    }
    if let Some(found) = pictures.iter().find(|name| !is_tag(name)) {
        return at(SpecProblem::Name { found: found.clone(), wanted: "the name of a picture" });
    }
    let again = [repeated(tests), repeated(pictures), repeated(claims)].into_iter().flatten().next();
    match again {
        Some(found) => at(SpecProblem::Name { found, wanted: "in one list twice" }),
        None => Ok(()),
    }
}

fn repeated<T: PartialEq + ToString>(list: &[T]) -> Option<String> {
    list.iter().enumerate().find(|(index, it)| list[..*index].contains(it)).map(|(_, it)| it.to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    criterion: Vec<toml::Spanned<Criterion>>,
}

fn toml(text: &str) -> Result<Vec<(usize, Criterion)>, SpecError> {
    let read: Result<File, toml::de::Error> = toml::from_str(text);
    match read {
        Ok(file) => match empty_list(text) {
            Some((offset, key)) => {
                let wanted = "wants members; without the key it lists nothing";
                Err(error(text, offset, SpecProblem::Value { found: key.to_owned(), wanted }))
            }
            None => Ok(file.criterion.into_iter().map(|it| (it.span().start, it.into_inner())).collect()),
        },
        Err(wrong) => {
            let offset = wrong.span().map_or(0, |span| span.start);
            Err(error(text, offset, SpecProblem::Toml { message: super::shown(wrong.message(), SHOWN_CHARS_MAX) }))
        }
    }
}

/// Finds a list that is written and empty, which a criterion without the key would be, too.
fn empty_list(text: &str) -> Option<(usize, &'static str)> {
    #[derive(Deserialize)]
    struct Tables {
        #[serde(default)]
        criterion: Vec<toml::Spanned<toml::Table>>,
    }
    let tables: Tables = toml::from_str(text).ok()?;
    tables.criterion.iter().find_map(|table| {
        let is_empty =
            |key: &&str| table.get_ref().get(*key).and_then(toml::Value::as_array).is_some_and(Vec::is_empty);
        Some((table.span().start, ["tests", "claims", "pictures"].into_iter().find(is_empty)?))
    })
}

/// An item of a checklist: where it begins and what stands behind the box, with the lines that go on from it.
struct Item {
    offset: usize,
    text: String,
}

fn markdown(text: &str) -> Result<Vec<(usize, Criterion)>, SpecError> {
    let mut items: Vec<Item> = Vec::new();
    // What items stand in that are not read: its mark, and where it begins.
    let mut within: Option<(Hidden, usize)> = None;
    let mut open = false;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let (start, bare) = (offset, line.trim());
        let indent = line.len() - line.trim_start().len();
        offset += line.len();
        if let Some((hidden, _)) = within {
            if hidden.ends(bare) {
                within = None;
            }
            continue;
        }
        if let Some(hidden) = Hidden::begins(bare) {
            open = false;
            within = (hidden != Hidden::Comment || !bare.contains(COMMENT_END)).then_some((hidden, start + indent));
            continue;
        }
        if let Some(rest) = checkbox(bare) {
            items.push(Item { offset: start + indent, text: rest.to_owned() });
            open = true;
        } else if is_nearly_item(bare) {
            let found = super::shown(bare, SHOWN_CHARS_MAX);
            return Err(error(text, start + indent, SpecProblem::NearlyItem { found }));
        } else if open && indent > 0 && !bare.is_empty() && !is_item(bare) {
            // A line that is indented goes on from the item.
            if let Some(item) = items.last_mut() {
                item.text.push(' ');
                item.text.push_str(bare);
            }
        } else {
            open = false;
        }
    }
    if let Some((hidden, start)) = within {
        return Err(error(text, start, SpecProblem::Unclosed { what: hidden.what() }));
    }
    items.into_iter().map(|item| Ok((item.offset, criterion(text, &item)?))).collect()
}

/// What hides the lines in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hidden {
    Backquotes,
    Tildes,
    Comment,
}

impl Hidden {
    fn begins(line: &str) -> Option<Self> {
        let marks = [("```", Self::Backquotes), ("~~~", Self::Tildes), ("<!--", Self::Comment)];
        marks.into_iter().find(|(mark, _)| line.starts_with(mark)).map(|(_, hidden)| hidden)
    }

    fn ends(self, line: &str) -> bool {
        match self {
            Self::Backquotes => line.starts_with("```"),
            Self::Tildes => line.starts_with("~~~"),
            Self::Comment => line.contains(COMMENT_END),
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Backquotes | Self::Tildes => "a block of code",
            Self::Comment => "a comment",
        }
    }
}

/// Returns what stands behind `- [ ]` or `1. [ ]`, be it ticked or not.
fn checkbox(line: &str) -> Option<&str> {
    let rest = marked(line)?;
    let rest = ["[ ]", "[x]", "[X]"].into_iter().find_map(|mark| rest.strip_prefix(mark))?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim())
}

/// Returns what stands behind the mark of a list.
fn marked(line: &str) -> Option<&str> {
    let numbered = || {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.strip_prefix(['.', ')']).filter(|_| rest.len() < line.len())
    };
    line.strip_prefix(['-', '*', '+']).or_else(numbered).map(str::trim_start)
}

/// Returns whether a line has a box that is written otherwise, has no blank behind it, or is quoted; a link is none.
fn is_nearly_item(line: &str) -> bool {
    let bare = line.trim_start_matches(|c: char| c == '>' || c.is_whitespace());
    let Some(rest) = marked(bare).and_then(|rest| rest.strip_prefix('[')) else { return false };
    let Some((inside, rest)) = rest.split_once(']') else { return false };
    matches!(inside.trim(), "" | "x" | "X" | "-" | "~" | "\u{2713}" | "\u{2714}") && !rest.starts_with(['(', '[', ':'])
}

/// Returns whether a text has a brace that is not between backquotes.
fn has_braces(text: &str) -> bool {
    let pairs = text.matches('`').count() / 2;
    text.split('`').enumerate().any(|(at, part)| (at % 2 == 0 || at / 2 >= pairs) && part.contains(['{', '}']))
}

fn is_item(line: &str) -> bool {
    line.strip_prefix(['-', '*', '+']).is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

fn criterion(text: &str, item: &Item) -> Result<Criterion, SpecError> {
    let at = |problem| error(text, item.offset, problem);
    let (says, listed) = match item.text.strip_suffix('}').and_then(|rest| rest.rsplit_once('{')) {
        Some((says, listed)) => (says.trim(), Some(listed)),
        None => (item.text.as_str(), None),
    };
    if has_braces(says) {
        return Err(at(SpecProblem::Braces { found: super::shown(&item.text, SHOWN_CHARS_MAX) }));
    }
    // Emphasis around the id is no part of it.
    let plain = says.trim_start_matches(['*', '_', '`']);
    let end = plain.find(|c: char| c == ':' || c.is_whitespace()).unwrap_or(plain.len());
    let (id, rest) = plain.split_at(end);
    let id = id.trim_end_matches(['*', '_', '`']);
    let Some(rest) = rest.strip_prefix(':') else {
        return Err(at(SpecProblem::NoId { found: super::shown(&item.text, SHOWN_CHARS_MAX) }));
    };
    let id: CriterionId = id
        .parse()
        .map_err(|reason: crate::model::CriterionIdError| at(SpecProblem::Id { reason: reason.to_string() }))?;
    let rest = rest.trim_start_matches(['*', '_', '`']).trim();
    let mut criterion = Criterion {
        id,
        text: rest.to_owned(),
        tests: Vec::new(),
        claims: Vec::new(),
        pictures: Vec::new(),
        human: false,
        critical: false,
    };
    for part in listed.iter().flat_map(|listed| listed.split(';')) {
        list(part.trim(), &mut criterion).map_err(at)?;
    }
    Ok(criterion)
}

/// Reads one part of what stands in braces.
fn list(part: &str, criterion: &mut Criterion) -> Result<(), SpecProblem> {
    let (key, members) = match part.split_once(':') {
        Some((key, members)) => (key.trim(), Some(members)),
        None => (part, None),
    };
    let value = |wanted| SpecProblem::Value { found: key.to_owned(), wanted };
    match (key, members) {
        ("human", None) => criterion.human = true,
        ("critical", None) => criterion.critical = true,
        ("human" | "critical", Some(_)) => return Err(value("stands alone, without a colon")),
        ("tests" | "claims" | "pictures", _) => {
            let members: Vec<&str> = members.unwrap_or_default().split(',').map(str::trim).collect();
            if members.contains(&"") {
                return Err(value("wants `: a, b`"));
            }
            match key {
                "tests" => criterion.tests.extend(members.into_iter().map(ToOwned::to_owned)),
                "pictures" => criterion.pictures.extend(members.into_iter().map(ToOwned::to_owned)),
                _ => {
                    for member in members {
                        let wrong = |_| SpecProblem::Name { found: member.to_owned(), wanted: "the name of a claim" };
                        criterion.claims.push(member.parse().map_err(wrong)?);
                    }
                }
            }
        }
        _ => return Err(SpecProblem::Unknown { found: super::shown(key, SHOWN_CHARS_MAX) }),
    }
    Ok(())
}

fn error(text: &str, offset: usize, problem: SpecProblem) -> SpecError {
    let (line, column) = place(text, offset);
    SpecError { line, column, problem }
}

fn place(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

/// A longer specification is no list of criteria.
const BYTES_MAX: usize = 1024 * 1024;
/// More could not be overseen, and a plan names no more.
const CRITERIA_MAX: usize = 256;
const LIST_MAX: usize = 64;
const TEXT_CHARS_MAX: usize = 4000;
const PATTERN_BYTES_MAX: usize = 512;
const SHOWN_CHARS_MAX: usize = 60;
const COMMENT_END: &str = "-->";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Criterion> {
        read_spec(text, SpecForm::Markdown).unwrap()
    }

    fn wrong(text: &str, form: SpecForm) -> String {
        read_spec(text, form).unwrap_err().to_string()
    }

    #[test]
    fn both_forms_say_the_same() {
        let toml = "[[criterion]]\nid = \"AC-1\"\ntext = \"a visitor logs in\"\ntests = [\"*login*\", \"b\"]\n\
            claims = [\"unit-tests\"]\npictures = [\"login\"]\nhuman = true\ncritical = true\n\
            [[criterion]]\nid = \"AC-2\"\ntext = \"the rest\"\n";
        let markdown = "# Login\n\nSome words.\n\n- [ ] AC-1: a visitor\n  logs in {tests: *login*, b; claims: unit-tests; \
            pictures: login; human; critical}\n* [x] **AC-2**: the rest\n- no box\n";
        let found = read(markdown);
        assert_eq!(found, read_spec(toml, SpecForm::Toml).unwrap());
        assert_eq!(
            (found[0].text.as_str(), found[0].tests.len(), found[1].lists_nothing()),
            ("a visitor logs in", 2, true)
        );
    }

    #[test]
    fn code_is_no_checklist() {
        assert_eq!(
            read("- [ ] A-1: one\n```\n- [ ] without id\n```\n~~~\n- [ ] no\n```\n~~~\n- [ ] A-2: two").len(),
            2
        );
    }

    #[test]
    fn numbered_items_count_and_comments_do_not() {
        let text = "1. [ ] A-1: one\n2) [x] A-2: two\n<!-- - [ ] A-3: no -->\n<!--\n- [ ] A-4: no\n--> - [ ] A-5: no\n- [ ] A-6: six\n\
            - [x](link) and [ ] text\n- [a] reference\n2026. A year";
        let ids: Vec<String> = read(text).iter().map(|criterion| criterion.id.to_string()).collect();
        assert_eq!(ids, ["A-1", "A-2", "A-6"]);
        assert!(
            wrong("- [ ] A-1: one\n<!--\n- [ ] A-2: two", SpecForm::Markdown)
                .starts_with("line 2, column 1: a comment begins")
        );
        assert!(
            wrong("- [ ] A-1: one\n```\n- [ ] A-2: two", SpecForm::Markdown).contains("a block of code begins here")
        );
    }

    #[test]
    fn what_is_nearly_an_item_is_not_passed_over() {
        for line in ["- [] A-2: x", "- [ ]A-2: x", "> - [ ] A-2: x", "- [  ] A-2: x", "- [-] A-2: x", "3. [x]A-2"] {
            let text = format!("- [ ] A-1: one\n{line}\n");
            assert!(wrong(&text, SpecForm::Markdown).contains("is nearly an item"), "{line}");
        }
    }

    #[test]
    fn braces_that_are_no_list_at_the_end_are_refused() {
        for end in [
            "{tests: *login*; critical} [^1]",
            "{tests: *login*",
            "tests: a}",
            "{human} {critical}",
            "{critical} <!-- x -->",
        ] {
            let text = format!("- [ ] A-1: a {end}\n");
            assert!(wrong(&text, SpecForm::Markdown).contains("braces stand in the item"), "{end}");
        }
        let found = read("- [ ] A-1: answers `{\"ok\": true}` {critical}\n- [ ] A-2: and `{}`\n");
        assert_eq!((found[0].critical, found[1].text.as_str()), (true, "and `{}`"));
    }

    #[test]
    fn empty_list_is_no_list_and_refused() {
        let of = |key: &str| format!("[[criterion]]\nid = \"A-1\"\ntext = \"x\"\n{key} = []\n");
        for key in ["tests", "claims", "pictures"] {
            assert!(wrong(&of(key), SpecForm::Toml).contains(&format!("`{key}` wants members")), "{key}");
        }
        assert!(read_spec(&of("tests").replace("[]\n", "[\"a\"]\n"), SpecForm::Toml).is_ok());
    }

    #[test]
    fn item_without_id_is_refused_with_its_place() {
        assert_eq!(
            wrong("- [ ] AC-1: one\n  - [ ] log in\n", SpecForm::Markdown),
            "line 2, column 3: the item `log in` has no id; wanted `- [ ] ID: text`, such as `- [ ] AC-1: a visitor can log in`"
        );
        assert!(wrong("- [ ] note that: x", SpecForm::Markdown).contains("has no id"));
        assert!(wrong("- [ ] A/1: x", SpecForm::Markdown).contains("`A/1` is not the id"));
    }

    #[test]
    fn what_is_unknown_empty_or_twice_is_refused() {
        for (text, part) in [
            ("- [ ] A-1: x {test: y}", "`test` is unknown here"),
            ("- [ ] A-1: x {tests}", "`tests` wants"),
            ("- [ ] A-1: x {tests: a,}", "`tests` wants"),
            ("- [ ] A-1: x {human: yes}", "`human` stands alone"),
            ("- [ ] A-1: x {}", "`` is unknown here"),
            ("- [ ] A-1: x {claims: No}", "`No` cannot be the name of a claim"),
            ("- [ ] A-1: x {pictures: a b}", "`a b` cannot be the name of a picture"),
            ("- [ ] A-1: x {tests: a, a}", "`a` cannot be in one list twice"),
            ("- [ ] A-1:", "the criterion A-1 has no text"),
            ("- [ ] A-1: x\n- [ ] A-1: y", "line 2, column 1: the criterion A-1 is there already, in line 1"),
            ("no list", "there is no criterion"),
        ] {
            assert!(wrong(text, SpecForm::Markdown).contains(part), "{text}: {}", wrong(text, SpecForm::Markdown));
        }
        for text in
            ["", "[[criterion]]\nid = \"A-1\"\n", "[[criterion]]\nid = \"A-1\"\ntext = \"x\"\ntest = [\"y\"]", "x ="]
        {
            wrong(text, SpecForm::Toml);
        }
        assert!(wrong("a = 1\n", SpecForm::Toml).starts_with("line 1, column 1: unknown field"));
    }

    #[test]
    fn sizes_are_bounded() {
        let items = |count: usize| (0..count).map(|n| format!("- [ ] A-{n}: x\n")).collect::<String>();
        assert_eq!(read(&items(CRITERIA_MAX)).len(), CRITERIA_MAX);
        assert!(wrong(&items(CRITERIA_MAX + 1), SpecForm::Markdown).contains("there are 257 criteria"));
        assert!(wrong(&" ".repeat(BYTES_MAX + 1), SpecForm::Markdown).contains("bytes"));
        assert!(wrong(&format!("- [ ] A-1: {}", "x".repeat(4001)), SpecForm::Markdown).contains("characters"));
    }
}
