//! JSON that knows where it stands, so that a refusal can name the place.
//!
//! Members are asked for by what they may be; what is something else is refused with its pointer (RFC 6901), and the
//! pointer is found again in the text for line and column. Strictness is that of `model::parse_json`.

use std::io::BufReader;

use serde_json::Value;

use super::walk::Walk;
use super::{Cause, Place, ReadError};
use crate::model::{JsonError, Numbers, parse_json};

/// A value inside a document.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    up: Option<&'a Node<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    /// A pointer from the root.
    Below(&'a str),
    Key(&'a str),
    Index(usize),
}

/// A refusal that has a pointer and not yet a place.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) pointer: String,
    pub(super) cause: Cause,
}

/// Why reading stops: with a place, or with a pointer to look it up by.
pub(super) enum Stop {
    /// With a place.
    Read(ReadError),
    /// With a pointer.
    Wrong(Wrong),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<Wrong> for Stop {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

/// Parses a whole document.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, ReadError> {
    parse_json(bytes, Numbers::Any).map_err(|error| {
        let JsonError::Syntax(reason) = &error else {
            return ReadError::at(Place::START, Cause::Json { reason: error.to_string() });
        };
        // serde_json writes the place at the end of its sentence.
        let (sentence, place) = match reason.rsplit_once(" at line ") {
            Some((sentence, numbers)) => (sentence, place_of(numbers)),
            None => (reason.as_str(), None),
        };
        let reason = format!("not strict JSON: {sentence}");
        ReadError::at(place.unwrap_or(Place::START), Cause::Json { reason })
    })
}

fn place_of(numbers: &str) -> Option<Place> {
    let (line, column) = numbers.split_once(" column ")?;
    let column: u64 = column.parse().ok()?;
    Some(Place { line: line.parse().ok()?, column: column.max(1) })
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { value, up: None, step: Step::Root }
    }

    /// Returns the list at a pointer, of which nothing but its elements is known.
    pub(super) fn at(pointer: &'a str) -> Self {
        Self { value: &Value::Null, up: None, step: Step::Below(pointer) }
    }

    /// Returns an element of this list that is not in it any more.
    pub(super) fn element(&'a self, index: usize, value: &'a Value) -> Self {
        Self { value, up: Some(self), step: Step::Index(index) }
    }

    /// Returns a member of this object that is not in it any more.
    pub(super) fn entry(&'a self, key: &'a str, value: &'a Value) -> Self {
        Self { value, up: Some(self), step: Step::Key(key) }
    }

    /// Returns a member that is there and not null.
    ///
    /// If this is no object, refuses it.
    pub(super) fn member(&'a self, key: &'a str) -> Result<Option<Self>, Wrong> {
        let object = self.value.as_object().ok_or_else(|| self.wrong("an object"))?;
        let value = object.get(key).filter(|value| !value.is_null());
        Ok(value.map(|value| Self { value, up: Some(self), step: Step::Key(key) }))
    }

    /// Returns the elements of an array.
    pub(super) fn items(&'a self) -> Result<impl Iterator<Item = Self> + 'a, Wrong> {
        let array = self.value.as_array().ok_or_else(|| self.wrong("an array"))?;
        Ok(array.iter().enumerate().map(|(index, value)| Self { value, up: Some(self), step: Step::Index(index) }))
    }

    /// Returns the members of an object that are not null, with their keys.
    pub(super) fn members(&'a self) -> Result<impl Iterator<Item = (&'a str, Self)> + 'a, Wrong> {
        let object = self.value.as_object().ok_or_else(|| self.wrong("an object"))?;
        let there = object.iter().filter(|(_, value)| !value.is_null());
        Ok(there.map(|(key, value)| (key.as_str(), Self { value, up: Some(self), step: Step::Key(key) })))
    }

    /// Returns the key of a member; nothing for what has none.
    pub(super) fn key(&self) -> &'a str {
        if let Step::Key(key) = self.step { key } else { "" }
    }

    /// Returns a string.
    pub(super) fn text(&self) -> Result<&'a str, Wrong> {
        self.value.as_str().ok_or_else(|| self.wrong("a string"))
    }

    /// Refuses this value.
    pub(super) fn wrong(&self, wanted: &'static str) -> Wrong {
        let found = match self.value {
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "an array".to_owned(),
            other => super::tally::shown(&other.to_string(), 60),
        };
        let pointer = self.pointer();
        let named = if pointer.is_empty() { "the document".to_owned() } else { pointer.clone() };
        Wrong { pointer, cause: Cause::Value { pointer: named, found, wanted } }
    }

    /// Refuses this value for another cause.
    pub(super) fn refuse(&self, cause: Cause) -> Wrong {
        Wrong { pointer: self.pointer(), cause }
    }

    /// Refuses the absence of a member.
    pub(super) fn lacks(&self, key: &str, wanted: &'static str) -> Wrong {
        let found = if self.value.get(key).is_some_and(Value::is_null) { "null" } else { "absent" }.to_owned();
        let pointer = format!("{}/{key}", self.pointer());
        Wrong { pointer: self.pointer(), cause: Cause::Value { pointer, found, wanted } }
    }

    /// Returns the RFC 6901 pointer to this value.
    pub(super) fn pointer(&self) -> String {
        let mut out = self.up.map(Node::pointer).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Below(pointer) => out.push_str(pointer),
            Step::Key(key) => {
                out.push('/');
                out.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Step::Index(index) => {
                out.push('/');
                out.push_str(&index.to_string());
            }
        }
        out
    }
}

impl Wrong {
    /// Finds the place in the text, which is known to be JSON.
    pub(super) fn place_in(self, bytes: &[u8]) -> ReadError {
        let mut input = BufReader::new(bytes);
        let mut walk = Walk::new(&mut input, u64::MAX);
        walk.space();
        let mut place = walk.here();
        for step in self.pointer.split('/').skip(1) {
            match walk.enter(&step.replace("~1", "/").replace("~0", "~")) {
                Some(()) => place = walk.here(),
                None => break,
            }
        }
        ReadError::at(place, self.cause)
    }
}

/// Tells whether the text of a key is that of `wanted`.
pub(super) fn is_key(raw: &[u8], wanted: &str) -> bool {
    serde_json::from_slice::<String>(raw).is_ok_and(|key| key == wanted)
}

/// Tells whether a byte may stand between the tokens of JSON.
pub(super) fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_found_in_the_text() {
        let text = "{\n \"x\": [1, {\"}\": \"\\\"]\"}, true],\n \"runs\": [ {},\n  {\"\\u006bind\" : 7}]}";
        let wrong = |pointer: &str| Wrong { pointer: pointer.into(), cause: Cause::Doctype }.place_in(text.as_bytes());
        assert_eq!(wrong("").place, Place::START);
        assert_eq!(wrong("/x/1").place, Place { line: 2, column: 11 });
        assert_eq!(wrong("/runs/0").place, Place { line: 3, column: 12 });
        assert_eq!(wrong("/runs/1/kind").place, Place { line: 4, column: 18 });
    }

    #[test]
    fn keys_with_slashes_are_found_again() {
        let text = br#"{"a/b~1": {"c": [7]}}"#;
        let value = parse(text).unwrap();
        let root = Node::root(&value);
        let (key, inner) = root.members().unwrap().next().unwrap();
        let list = inner.member("c").unwrap().unwrap();
        let wrong = list.items().unwrap().next().unwrap().wrong("a string");
        assert_eq!((key, wrong.pointer.as_str()), ("a/b~1", "/a~1b~01/c/0"));
        assert_eq!(wrong.place_in(text).place, Place { line: 1, column: 18 });
    }

    #[test]
    fn values_of_another_kind_are_refused_with_their_pointer() {
        let value = parse(br#"{"runs":[{"kind":7}]}"#).unwrap();
        let root = Node::root(&value);
        let runs = root.member("runs").unwrap().unwrap();
        let run = runs.items().unwrap().next().unwrap();
        let kind = run.member("kind").unwrap().unwrap();
        assert_eq!(kind.text().unwrap_err().cause.to_string(), "`/runs/0/kind` is 7; wanted a string");
        assert_eq!(run.lacks("x", "a list").cause.to_string(), "`/runs/0/x` is absent; wanted a list");
        assert!(run.items().is_err() && runs.member("x").is_err());
    }

    #[test]
    fn syntax_errors_have_a_place() {
        let error = parse(b"{\n \"a\": 1,\n \"a\": 2}").unwrap_err();
        assert_eq!(error.place.line, 3);
        assert!(error.to_string().contains("the key \"a\" occurs twice"), "{error}");
    }
}
