//! A JSON value that knows where it stands, so that a refusal can name the place.
//!
//! Members are asked for by what they may be; what is something else is refused with its pointer (RFC 6901), and the
//! pointer is found again in the text for line and column.

use serde_json::Value;

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
    Key(&'a str),
    Index(usize),
}

/// A refusal that has a pointer and not yet a place.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) pointer: String,
    pub(super) cause: Cause,
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
    Some(Place { line: line.parse().ok()?, column: column.parse().ok()? })
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { value, up: None, step: Step::Root }
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
        Wrong { cause: Cause::Value { pointer: pointer.clone(), found, wanted }, pointer }
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
            Step::Key(key) => {
                out.push('/');
                out.push_str(key);
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
        let mut scan = Scan { bytes, at: 0 };
        for step in self.pointer.split('/').skip(1) {
            if scan.enter(step).is_none() {
                break;
            }
        }
        scan.space();
        let mut place = Place::START;
        place.pass(&bytes[..scan.at]);
        ReadError::at(place, self.cause)
    }
}

/// Walks text that is known to be JSON.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    /// Moves to the start of a member or element of the value that starts here.
    fn enter(&mut self, step: &str) -> Option<()> {
        self.space();
        let open = self.take()?;
        let index: Option<usize> = step.parse().ok();
        for element in 0_usize.. {
            self.space();
            if open == b'{' {
                let start = self.at;
                self.skip()?;
                let key = &self.bytes[start..self.at];
                self.space();
                self.take()?;
                if serde_json::from_slice::<String>(key).ok()? == step {
                    return Some(());
                }
            } else if index == Some(element) {
                return Some(());
            }
            self.skip()?;
            self.space();
            if self.take()? != b',' {
                break;
            }
        }
        None
    }

    /// Moves past the value that starts here.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            self.space();
            match self.bytes.get(self.at)? {
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                b'"' => self.skip_string()?,
                _ => {
                    let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}' | b':');
                    let length = self.bytes[self.at..].iter().position(is_end);
                    self.at = length.map_or(self.bytes.len(), |length| self.at + length.max(1));
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.take()? {
                b'"' => return Some(()),
                b'\\' => self.at += 1,
                _ => {}
            }
        }
    }

    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn take(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }
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
