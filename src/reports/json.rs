//! JSON that knows where it stands, so that a refusal can name the place, and long lists that are never all in memory.
//!
//! Members are asked for by what they may be; what is something else is refused with its pointer (RFC 6901), and the
//! pointer is found again in the text for line and column. A parsed value takes twenty times its text; so [`split`] takes
//! the elements of the lists of a log out of it before it is parsed, and each is parsed alone. Strictness is that of
//! `model::parse_json` for the rest and for each element; the depth is counted anew in each element.

use std::ops::Range;

use serde_json::Value;

use super::limits::CASES_MAX;
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

/// Why reading stops: with a place, or with a pointer to look it up by.
pub(super) enum Stop {
    /// With a place.
    Read(ReadError),
    /// With a pointer.
    Wrong(Wrong),
}

impl Stop {
    /// Returns the refusal with its place in the text.
    pub(super) fn place_in(self, bytes: &[u8]) -> ReadError {
        match self {
            Self::Read(error) => error,
            Self::Wrong(wrong) => wrong.place_in(bytes),
        }
    }
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

/// Parses one of the elements that [`split`] took out.
fn parse_element(bytes: &[u8], element: Range<usize>) -> Result<Value, ReadError> {
    parse(&bytes[element.clone()]).map_err(|error| {
        let start = place_at(bytes, element.start);
        let column = if error.place.line == 1 { start.column + error.place.column - 1 } else { error.place.column };
        ReadError::at(Place { line: start.line + error.place.line - 1, column }, error.cause)
    })
}

/// Refuses what [`split`] took out and is no JSON, where nothing else is asked of it.
pub(super) fn check_elements(bytes: &[u8], lists: Vec<Vec<Range<usize>>>) -> Result<(), ReadError> {
    lists.into_iter().flatten().try_for_each(|element| parse_element(bytes, element).map(drop))
}

fn place_at(bytes: &[u8], at: usize) -> Place {
    let mut place = Place::START;
    place.pass(&bytes[..at]);
    place
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

    /// Visits the elements of this list, which [`split`] took out: each is parsed alone.
    ///
    /// If this is no list, or not all of it was taken out, refuses it.
    pub(super) fn each_apart(
        &self,
        bytes: &[u8],
        elements: &[Range<usize>],
        visit: &mut dyn FnMut(&Node<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        if let Some(left) = self.items()?.next() {
            return Err(left.wrong("a list that can be read in parts").into());
        }
        for (index, element) in elements.iter().enumerate() {
            let value = parse_element(bytes, element.clone())?;
            visit(&Node { value: &value, up: Some(self), step: Step::Index(index) })?;
        }
        Ok(())
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
        let mut scan = Scan { bytes, at: 0 };
        for step in self.pointer.split('/').skip(1) {
            if scan.enter(&step.replace("~1", "/").replace("~0", "~")).is_none() {
                break;
            }
        }
        scan.space();
        ReadError::at(place_at(bytes, scan.at), self.cause)
    }
}

/// A document of which the elements of some lists stand apart.
pub(super) struct Split {
    /// The document with blanks in place of these elements, so that places stay.
    pub(super) rest: Vec<u8>,
    /// For each object that may have the list, in the order of the text, where the list's elements stand.
    pub(super) lists: Vec<Vec<Range<usize>>>,
}

/// Takes the elements of a list at a path out of a document that need not be JSON: `["runs", "*", "results"]` is the list `results` of
/// each element of the list `runs`.
///
/// If the rest and every element are JSON, so is the whole. If such a list does not go on as a list, returns the place.
pub(super) fn split(bytes: &[u8], path: &[&str]) -> Result<Split, ReadError> {
    let mut taken = Taken { split: Split { rest: bytes.to_vec(), lists: Vec::new() }, broken: None };
    let mut scan = Scan { bytes, at: 0 };
    // Where the walk itself stops, the rest is no JSON, and its parser says why.
    let _ = taken.walk(&mut scan, path);
    let Taken { mut split, broken } = taken;
    let Some(at) = broken else { return Ok(split) };
    let found = split.lists.pop().unwrap_or_default();
    let list = path.last().copied().unwrap_or_default();
    if found.len() > CASES_MAX {
        let count_max = u64::try_from(CASES_MAX).unwrap_or(u64::MAX);
        return Err(ReadError::at(place_at(bytes, at), Cause::TooMany { things: "results", count_max }));
    }
    for element in found {
        parse_element(bytes, element)?;
    }
    let reason = format!("not strict JSON: the list `{list}` breaks off");
    Err(ReadError::at(place_at(bytes, at), Cause::Json { reason }))
}

/// What was taken out so far, and where a list broke off.
struct Taken {
    split: Split,
    broken: Option<usize>,
}

impl Taken {
    /// Walks the value that starts here along a path, and takes the elements of the lists at its end.
    fn walk<'a>(&mut self, scan: &mut Scan<'a>, path: &[&str]) -> Option<()> {
        match path {
            [] => scan.skip(),
            ["*", path @ ..] => scan.each_or_skip(b'[', &mut |scan, _| self.walk(scan, path)),
            [list] => {
                let mut found = Vec::new();
                let walked = scan.each_or_skip(b'{', &mut |scan, key| {
                    if !is_key(key, list) || scan.peek() != Some(b'[') {
                        return scan.skip();
                    }
                    self.take(scan, &mut found)
                });
                self.split.lists.push(found);
                walked
            }
            [step, path @ ..] => scan.each_or_skip(b'{', &mut |scan, key| match is_key(key, step) {
                true => self.walk(scan, path),
                false => scan.skip(),
            }),
        }
    }

    /// Takes the elements of the list that starts here.
    fn take(&mut self, scan: &mut Scan<'_>, found: &mut Vec<Range<usize>>) -> Option<()> {
        let start = scan.at + 1;
        let list = scan.each(b'[', &mut |scan, _| {
            let from = scan.at;
            scan.skip()?;
            found.push(from..scan.at);
            (found.len() <= CASES_MAX).then_some(())
        });
        if list.is_none() {
            self.broken = Some(scan.at);
            return None;
        }
        for byte in &mut self.split.rest[start..scan.at - 1] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        Some(())
    }
}

fn is_key(raw: &[u8], wanted: &str) -> bool {
    serde_json::from_slice::<String>(raw).is_ok_and(|key| key == wanted)
}

/// Walks text as if it were JSON. Whatever cannot be walked gives `None`.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Visit<'v, 'a> = &'v mut dyn FnMut(&mut Scan<'a>, &'a [u8]) -> Option<()>;

impl<'a> Scan<'a> {
    /// Moves to the start of a member or element of the value that starts here.
    fn enter(&mut self, step: &str) -> Option<()> {
        self.space();
        let open = self.peek()?;
        let mut count = 0_usize;
        let mut found = None;
        let _ = self.each(open, &mut |scan, key| {
            let is_step = if open == b'{' { is_key(key, step) } else { step.parse() == Ok(count) };
            count += 1;
            if is_step {
                found = Some(scan.at);
                return None;
            }
            scan.skip()
        });
        self.at = found?;
        Some(())
    }

    /// Visits every member or element of the value that starts here; the visitor has to move past its value.
    fn each(&mut self, open: u8, visit: Visit<'_, 'a>) -> Option<()> {
        self.space();
        let close = if open == b'{' { b'}' } else { b']' };
        if self.take()? != open {
            return None;
        }
        self.space();
        if self.peek()? == close {
            self.at += 1;
            return Some(());
        }
        loop {
            self.space();
            let start = self.at;
            let mut key: &[u8] = &[];
            if open == b'{' {
                self.skip()?;
                key = &self.bytes[start..self.at];
                self.space();
                if self.take()? != b':' {
                    return None;
                }
                self.space();
            }
            visit(self, key)?;
            self.space();
            match self.take()? {
                b',' => {}
                byte => return (byte == close).then_some(()),
            }
        }
    }

    /// As [`Scan::each`], but moves past a value that starts otherwise.
    fn each_or_skip(&mut self, open: u8, visit: Visit<'_, 'a>) -> Option<()> {
        self.space();
        if self.peek() == Some(open) { self.each(open, visit) } else { self.skip() }
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
                    let is_end = |byte: &u8| is_blank(byte) || matches!(byte, b',' | b']' | b'}' | b':');
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
                // A text may break off behind it.
                b'\\' => drop(self.take()?),
                _ => {}
            }
        }
    }

    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(is_blank) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }
}

/// Tells whether a byte may stand between the tokens of JSON.
fn is_blank(byte: &u8) -> bool {
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
    fn long_lists_are_taken_out_and_places_stay() {
        let text = b"{\"runs\":[ 7, {\"r\": [{\"a\":\"]\"} ,\n 2 ]}, {\"r\":[]}, {\"r\":{}}], \"r\":[1]}";
        let split = split(text, &["runs", "*", "r"]).unwrap();
        let wanted = b"{\"runs\":[ 7, {\"r\": [           \n   ]}, {\"r\":[]}, {\"r\":{}}], \"r\":[1]}";
        assert_eq!(String::from_utf8_lossy(&split.rest), String::from_utf8_lossy(wanted));
        let lists: Vec<Vec<&[u8]>> =
            split.lists.iter().map(|list| list.iter().map(|element| &text[element.clone()]).collect()).collect();
        assert_eq!(lists, [vec![], vec![&b"{\"a\":\"]\"}"[..], b"2"], vec![], vec![]]);
    }

    #[test]
    fn lists_are_taken_out_at_any_path() {
        let taken = |text: &str, path: &[&str]| -> Vec<Vec<String>> {
            let split = split(text.as_bytes(), path).unwrap();
            split.lists.into_iter().map(|list| list.into_iter().map(|at| text[at].to_owned()).collect()).collect()
        };
        let two = "\n {\"tests\":[9], \"results\" : {\"tests\" : [ 1, 2 ], \"x\":{\"tests\":[3]}}}";
        assert_eq!(taken(two, &["results", "tests"]), [["1", "2"]]);
        assert_eq!(taken(two, &["tests"]), [["9"]]);
        assert_eq!(taken("{\"results\":[{\"tests\":[1]}]}", &["results", "tests"]), [Vec::<String>::new()]);
        assert_eq!(taken("[{\"a\":[1]},{\"a\":[2]}]", &["*", "a"]), [["1"], ["2"]]);
        assert_eq!(taken("[1]", &["a", "b"]), Vec::<Vec<String>>::new());
    }

    #[test]
    fn list_that_was_not_taken_out_is_refused() {
        let value = parse(b"{\"a\":[1],\"b\":7}").unwrap();
        let root = Node::root(&value);
        let read = |key: &'static str| {
            let node = root.member(key).unwrap().unwrap();
            node.each_apart(b"", &[], &mut |_| Ok(())).is_err()
        };
        assert!(read("a") && read("b"));
    }

    #[test]
    fn what_is_no_json_stays_none_when_it_is_split() {
        for text in [
            "",
            "{",
            "[",
            "{\"runs\"",
            "{\"runs\":[",
            "{\"runs\":[{\"r\":[1",
            "{\"runs\":[{\"r\":[\"\\",
            "{\"runs\":[{\"r\":[7, {\"a\": \"b\\",
            "{\"runs\":[{\"\\",
            "{\"\\",
            "{\"runs\":[{\"r\":[1 2]}]}",
            "{\"runs\":[{\"r\":[1,]}]}",
            "{\"runs\":[{\"r\":[,]}]}",
            "{\"runs\":[{\"r\":[nul]}]}",
            "{\"runs\":[{\"r\":[1]]}]}",
            "{\"runs\":[{\"r\":[1}}]}",
            "{\"runs\":[{\"r\":[\"]}]}",
            "{\"runs\":[{\"r\" [1]}]}",
            "{\"runs\":[{\"r\":[1]}]}]",
            "{\"runs\":[{\"r\":[1],\"r\":[2]}]}",
            "{\"runs\":[{\"r\":[{\"a\":1,\"a\":1}]}]}",
            "{\"runs\":[{\"r\":[1:2]}]}",
            "{\"runs\":[{\"r\":[1,\u{c}2]}]}",
            "{\"runs\":[{\"r\":[1]}],\"runs\":[{\"r\":[1]}]}",
        ] {
            let bytes = text.as_bytes();
            let read = split(bytes, &["runs", "*", "r"]).and_then(|split| {
                parse(&split.rest)?;
                check_elements(bytes, split.lists)
            });
            assert!(read.is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_split_document_is_json_exactly_if_the_whole_is(
            edits in proptest::collection::vec((0_usize..90, "[\\[\\]{}:,\"\\\\ r1\\n]{0,3}", 0_usize..3), 0..4),
        ) {
            let mut text = r#"{"x":{"runs":[]},"runs":[{"a":1,"r":[{"k":"]}\""},[2,{}],"s"],"b":[]},{"r":[]},[1],{"r":2}]}"#.to_owned();
            for (at, new, removed) in edits {
                let at = at.min(text.len());
                text.replace_range(at..(at + removed).min(text.len()), &new);
            }
            let bytes = text.as_bytes();
            let apart = split(bytes, &["runs", "*", "r"]).and_then(|split| {
                let rest = parse(&split.rest)?;
                let lists: Result<Vec<Vec<Value>>, ReadError> = split
                    .lists
                    .into_iter()
                    .map(|list| list.into_iter().map(|element| parse_element(bytes, element)).collect())
                    .collect();
                Ok((rest, lists?))
            });
            let whole = parse(bytes);
            proptest::prop_assert_eq!(apart.is_ok(), whole.is_ok(), "{}", text);
            if let (Ok((_, lists)), Ok(whole)) = (apart, whole) {
                let runs = whole.get("runs").and_then(Value::as_array).cloned().unwrap_or_default();
                for (run, list) in runs.iter().zip(lists) {
                    let wanted = run.get("r").and_then(Value::as_array).cloned().unwrap_or_default();
                    proptest::prop_assert_eq!(list, wanted, "{}", text);
                }
            }
        }
    }

    #[test]
    fn syntax_errors_have_a_place() {
        let error = parse(b"{\n \"a\": 1,\n \"a\": 2}").unwrap_err();
        assert_eq!(error.place.line, 3);
        assert!(error.to_string().contains("the key \"a\" occurs twice"), "{error}");
    }
}
