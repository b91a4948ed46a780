//! Typed reading of TOML tables that keeps places and collects errors instead of stopping at the first.
//!
//! What it knows is TOML and positions; what a policy means is in `parse`.

use serde_json::{Map, Value};
use toml::de::{DeInteger, DeTable, DeValue};

use crate::model::{Id, Span};

use super::nearest::nearest;
use super::problem::{ERRORS_MAX, PolicyError, PolicyErrors, PolicyProblem, Suggestion};
use super::shape::{SHAPES, Shape};
use super::word::Word;

/// Reads one text and collects what is wrong with it.
pub(super) struct Reader<'t> {
    text: &'t str,
    errors: Vec<(usize, PolicyProblem, Option<Suggestion>)>,
}

/// A table, and how messages call it.
pub(super) struct Table<'a> {
    /// Such as `claim unit-tests`.
    pub(super) place: String,
    /// Where it starts.
    pub(super) at: usize,
    shape: &'static Shape,
    cells: &'a DeTable<'a>,
}

/// A value, and how messages call it.
pub(super) struct Cell<'a> {
    /// Such as `by of claim unit-tests`.
    pub(super) place: String,
    /// Where it starts.
    pub(super) at: usize,
    value: &'a DeValue<'a>,
}

/// A thing and where it stands.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    /// The thing.
    pub(super) it: T,
    /// The offset in bytes.
    pub(super) at: usize,
}

impl<'t> Reader<'t> {
    /// Starts on a text.
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, errors: Vec::new() }
    }

    /// Notes an error.
    pub(super) fn wrong(&mut self, at: usize, problem: PolicyProblem) {
        self.wrong_and(at, problem, || None);
    }

    /// Notes an error with a suggestion, which is looked for only while there is room.
    pub(super) fn wrong_and(
        &mut self,
        at: usize,
        problem: PolicyProblem,
        suggestion: impl FnOnce() -> Option<Suggestion>,
    ) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push((at, problem, suggestion()));
        }
    }

    /// Returns whether nothing is wrong so far.
    pub(super) const fn clean(&self) -> bool {
        self.errors.is_empty()
    }

    /// Returns the value, or all errors in the order of the file.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, PolicyErrors> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(self.into_errors()),
        }
    }

    fn into_errors(mut self) -> PolicyErrors {
        self.errors.sort_by_key(|(at, _, _)| *at);
        let text = self.text;
        let place = |(at, problem, suggestion)| {
            let (line, column) = position(text, at);
            PolicyError { line, column, problem, suggestion }
        };
        PolicyErrors(self.errors.into_iter().map(place).collect())
    }

    /// Takes the whole file as a table; its errors are the caller's to have noted.
    pub(super) fn top<'a>(&mut self, cells: &'a DeTable<'a>, shape: &'static Shape) -> Table<'a> {
        self.checked(Table { place: "the policy".to_owned(), at: 0, shape, cells })
    }

    /// Takes a value as a table of that shape, and notes every key that the shape has not.
    pub(super) fn table<'a>(&mut self, cell: &Cell<'a>, shape: &'static Shape) -> Option<Table<'a>> {
        let Some(cells) = cell.value.as_table() else {
            self.wrong_type(cell, "a table");
            return None;
        };
        Some(self.checked(Table { place: cell.place.clone(), at: cell.at, shape, cells }))
    }

    fn checked<'a>(&mut self, table: Table<'a>) -> Table<'a> {
        if table.shape.keys.is_empty() {
            return table;
        }
        for key in table.cells.keys() {
            let name: &str = key.get_ref();
            if table.shape.keys.contains(&name) {
                continue;
            }
            let problem = PolicyProblem::UnknownKey { key: shown(name), place: table.place.clone() };
            self.wrong_and(key.span().start, problem, || {
                let elsewhere = || SHAPES.iter().find(|shape| shape.keys.contains(&name));
                nearest(name, table.shape.keys.iter().copied())
                    .map(|key| Suggestion::Spelling(key.to_owned()))
                    .or_else(|| elsewhere().map(|shape| Suggestion::Place(shape.place)))
            });
        }
        table
    }

    /// Notes that a value has another type.
    pub(super) fn wrong_type(&mut self, cell: &Cell<'_>, wanted: &'static str) {
        let found = match cell.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.wrong(cell.at, PolicyProblem::WrongType { place: cell.place.clone(), found, wanted });
    }

    /// Notes that a table lacks a key.
    pub(super) fn missing(&mut self, table: &Table<'_>, key: &'static str, wanted: String) {
        self.wrong(table.at, PolicyProblem::MissingKey { place: table.place.clone(), key, wanted });
    }

    /// Takes a value as text.
    pub(super) fn text<'a>(&mut self, cell: &Cell<'a>) -> Option<&'a str> {
        let text = cell.value.as_str();
        if text.is_none() {
            self.wrong_type(cell, "a string");
        }
        text
    }

    /// Returns where an offset of a text stands whose cell holds it as it was written; of another the start of the cell.
    pub(super) fn within(&self, cell: &Cell<'_>, text: &str, at: usize) -> usize {
        let found = self.text.get(cell.at..).and_then(|rest| rest.find(text));
        found.map_or(cell.at, |start| cell.at + start + at)
    }

    /// Takes a value as true or false.
    pub(super) fn flag(&mut self, cell: &Cell<'_>) -> Option<bool> {
        let flag = cell.value.as_bool();
        if flag.is_none() {
            self.wrong_type(cell, "true or false");
        }
        flag
    }

    /// Takes a value as an integer within bounds.
    pub(super) fn count(&mut self, cell: &Cell<'_>, min: u64, max: u64) -> Option<u64> {
        let Some(integer) = cell.value.as_integer() else {
            self.wrong_type(cell, "an integer");
            return None;
        };
        let count = number(integer).and_then(|n| u64::try_from(n).ok()).filter(|n| (min..=max).contains(n));
        if count.is_none() {
            let found = shown(&integer.to_string());
            self.wrong(cell.at, PolicyProblem::OutOfRange { place: cell.place.clone(), found, min, max });
        }
        count
    }

    /// Takes a value as a length of time, at least a second, without leading zeros.
    pub(super) fn span(&mut self, cell: &Cell<'_>) -> Option<Span> {
        let text = self.text(cell)?;
        let span = text.parse().ok().filter(|_| !text.starts_with('0'));
        if span.is_none() {
            self.wrong(cell.at, PolicyProblem::Span { place: cell.place.clone(), found: shown(text) });
        }
        span
    }

    /// Takes a value as a list of distinct words that is not empty.
    pub(super) fn words<W: Word>(&mut self, cell: &Cell<'_>) -> Vec<W> {
        let texts = self.texts(cell, W::ALL.len());
        texts.into_iter().filter_map(|text| self.word_of(text.it, text.at, &cell.place)).collect()
    }

    /// Takes a value as one of the words of a list.
    pub(super) fn word<W: Word>(&mut self, cell: &Cell<'_>) -> Option<W> {
        let found = self.text(cell)?;
        self.word_of(found, cell.at, &cell.place)
    }

    fn word_of<W: Word>(&mut self, found: &str, at: usize, place: &str) -> Option<W> {
        let word = W::ALL.iter().copied().find(|word| word.to_string() == found);
        if word.is_none() {
            let words: Vec<String> = W::ALL.iter().map(ToString::to_string).collect();
            let place = place.to_owned();
            let problem = PolicyProblem::UnknownWord { place, found: shown(found), wanted: one_of(&words) };
            self.wrong_and(at, problem, || spelling(found, words.iter().map(String::as_str)));
        }
        word
    }

    /// Takes a value as an id.
    pub(super) fn id(&mut self, cell: &Cell<'_>) -> Option<Id> {
        let text = self.text(cell)?;
        self.id_of(text, cell.at, &cell.place)
    }

    /// Takes a text as an id.
    pub(super) fn id_of(&mut self, text: &str, at: usize, place: &str) -> Option<Id> {
        match text.parse::<Id>() {
            Ok(id) => Some(id),
            Err(error) => {
                let problem = PolicyProblem::Id { place: place.to_owned(), found: shown(text), reason: error.reason };
                self.wrong_and(at, problem, || Id::slug(text).map(|id| Suggestion::Spelling(id.to_string())));
                None
            }
        }
    }

    /// Takes a value as a list of distinct texts that is not empty.
    pub(super) fn texts<'a>(&mut self, cell: &Cell<'a>, max: usize) -> Vec<At<&'a str>> {
        let mut texts: Vec<At<&str>> = Vec::new();
        for item in self.items(cell, max) {
            let Some(text) = self.text(&item) else { continue };
            if texts.iter().any(|known| known.it == text) {
                self.wrong(item.at, PolicyProblem::Duplicate { place: cell.place.clone(), name: shown(text) });
            } else {
                texts.push(At { it: text, at: item.at });
            }
        }
        texts
    }

    /// Takes a value as a list of distinct ids that is not empty.
    pub(super) fn ids(&mut self, cell: &Cell<'_>, max: usize) -> Vec<At<Id>> {
        let texts = self.texts(cell, max);
        texts.into_iter().filter_map(|t| Some(At { it: self.id_of(t.it, t.at, &cell.place)?, at: t.at })).collect()
    }

    /// Takes a value as a list that is not empty.
    pub(super) fn items<'a>(&mut self, cell: &Cell<'a>, max: usize) -> Vec<Cell<'a>> {
        let Some(items) = cell.value.as_array() else {
            self.wrong_type(cell, "a list");
            return Vec::new();
        };
        let place = || cell.place.clone();
        if items.is_empty() {
            self.wrong(cell.at, PolicyProblem::Empty { place: place(), wanted: "at least one member, or no such key" });
        }
        if items.len() > max {
            self.wrong(cell.at, PolicyProblem::TooMany { place: place(), found: items.len(), max });
            return Vec::new();
        }
        items.iter().map(|item| Cell { place: place(), at: item.span().start, value: item.get_ref() }).collect()
    }

    /// Returns the members of a table of names, each with its name as an id.
    pub(super) fn named<'a>(&mut self, table: &Table<'a>, what: &str, max: usize) -> Vec<(At<Id>, Cell<'a>)> {
        if table.cells.len() > max {
            let place = table.place.clone();
            self.wrong(table.at, PolicyProblem::TooMany { place, found: table.cells.len(), max });
            return Vec::new();
        }
        let mut members = Vec::new();
        for (key, value) in table.cells.iter() {
            let at = key.span().start;
            if let Some(id) = self.id_of(key.get_ref(), at, &table.place) {
                let cell = Cell { place: format!("{what} {id}"), at, value: value.get_ref() };
                members.push((At { it: id, at }, cell));
            }
        }
        members
    }
}

impl<'a> Table<'a> {
    /// Returns the value of a key of this table's shape.
    pub(super) fn cell(&self, key: &'static str) -> Option<Cell<'a>> {
        debug_assert!(self.shape.keys.contains(&key), "`{key}` is missing in the shape {}", self.shape.place);
        let (name, value) = self.cells.get_key_value(key)?;
        let place = format!("`{key}` of {}", self.place);
        // A header has no value of its own to point at.
        let at = if value.get_ref().is_table() { name.span().start } else { value.span().start };
        Some(Cell { place, at, value: value.get_ref() })
    }

    /// Returns whether nothing stands in it.
    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }
}

impl Cell<'_> {
    /// Returns the same value under another name.
    pub(super) fn called(self, place: &str) -> Self {
        Self { place: place.to_owned(), ..self }
    }

    /// Returns whether the value is a table.
    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }
}

/// Returns the suggestion of the nearest candidate.
pub(super) fn spelling<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<Suggestion> {
    nearest(name, candidates).map(|text| Suggestion::Spelling(text.to_owned()))
}

/// Returns what was found as a message may show it: cut, and without control characters.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push_str("...");
    }
    shown
}

/// Returns `a, b or c`.
pub(super) fn one_of<S: AsRef<str>>(words: &[S]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// Returns the JSON form of a table.
///
/// It recurses, so it is for tables that have been read: those nest four deep. A number beyond what JSON holds becomes
/// null, which the schema refuses; reading has refused it before.
pub(super) fn json(table: &DeTable<'_>) -> Value {
    let members = table.iter().map(|(key, value)| (key.get_ref().to_string(), json_of(value.get_ref())));
    Value::Object(members.collect::<Map<String, Value>>())
}

fn json_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(integer) => number(integer).map_or(Value::Null, Value::from),
        DeValue::Float(float) => float.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| json_of(item.get_ref())).collect()),
        DeValue::Table(table) => json(table),
    }
}

fn number(integer: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// Returns line and column of an offset, both from 1, the column in characters.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

const SHOWN_CHARS_MAX: usize = 80;
