//! YAML as far as descriptions of interfaces use it -> the same values that JSON gives.
//!
//! Stricter than YAML 1.2 where it weighs: one document, keys are texts that occur once, no tags but `!!str`, no merge keys. Plain
//! `true`, `false` and `null` are what JSON calls so; every other scalar is a text, numbers too, so that `3.10` is not `3.1`. An alias
//! stands for a copy of what it names, within a limit on all copies together; one inside of what it names is refused. What values take of
//! memory is counted before it is taken.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

use super::limits::{DEPTH_MAX, YAML_COPIES_BYTES_MAX, YAML_VALUES_BYTES_MAX};
use super::tally::shown;
use super::{Cause, Place, ReadError};

/// Parses a document.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, ReadError> {
    Builder::run(bytes, Vec::new()).map(|(value, _)| value)
}

/// Finds where the value of an RFC 6901 pointer begins, or the innermost one around it that the text has.
pub(super) fn place_of(bytes: &[u8], pointer: &str) -> Place {
    let step = |step: &str| step.replace("~1", "/").replace("~0", "~");
    let steps = pointer.split('/').skip(1).map(step).collect();
    Builder::run(bytes, steps).map_or(Place::START, |(_, place)| place)
}

/// Values while they are put together.
struct Builder {
    /// The keys and indices that lead to what is looked for.
    wanted: Vec<String>,
    found: Place,
    open: Vec<Open>,
    anchors: HashMap<usize, Built>,
    /// What all values take, and the copies among them.
    bytes: usize,
    copies_bytes: usize,
}

/// A list or map that is not closed.
struct Open {
    kind: OpenKind,
    anchor: usize,
    depth: usize,
    /// How many of the wanted steps lead here; none if it is beside the way.
    along: Option<usize>,
    /// What had been weighed before it began.
    bytes_before: usize,
}

enum OpenKind {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

/// What an anchor names.
struct Built {
    value: Value,
    bytes: usize,
    depth: usize,
}

impl Builder {
    fn run(bytes: &[u8], wanted: Vec<String>) -> Result<(Value, Place), ReadError> {
        let text = std::str::from_utf8(bytes);
        let text = text.map_err(|_| ReadError::at(Place::START, Cause::NotText { encoding: "UTF-8" }))?;
        let mut builder =
            Self { wanted, found: Place::START, open: Vec::new(), anchors: HashMap::new(), bytes: 0, copies_bytes: 0 };
        let mut root = None;
        let mut documents = 0_u32;
        let mut parser = Parser::new_from_str(text);
        while let Some(next) = parser.next_event() {
            let (event, span) =
                next.map_err(|error| refuse(error.marker(), format!("not YAML: {}", shown(error.info(), 120))))?;
            let at = span.start;
            let done = match event {
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => None,
                Event::StreamEnd => break,
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(refuse(&at, "a second YAML document; wanted one".to_owned()));
                    }
                    None
                }
                Event::Alias(anchor) => Some(builder.alias(anchor, &at)?),
                Event::Scalar(text, style, anchor, tag) => {
                    builder.scalar(text.into_owned(), style, anchor, tag.as_deref(), &at)?
                }
                Event::SequenceStart(anchor, tag) => {
                    builder.enter(OpenKind::List(Vec::new()), anchor, tag.as_deref(), &at)?;
                    None
                }
                Event::MappingStart(anchor, tag) => {
                    builder.enter(OpenKind::Map(Map::new(), None), anchor, tag.as_deref(), &at)?;
                    None
                }
                Event::SequenceEnd | Event::MappingEnd => builder.leave(&at)?,
            };
            if let Some(built) = done {
                builder.put(built, &mut root, &at)?;
            }
        }
        let lacks = || ReadError::at(Place::START, Cause::Ends { inside: "an empty document".to_owned() });
        Ok((root.ok_or_else(lacks)?, builder.found))
    }

    /// Takes note of a value that begins: of its place, if it is around what is looked for. Returns how many of the wanted steps lead to it.
    fn begin(&mut self, at: &Marker) -> Option<usize> {
        if self.wanted.is_empty() {
            return None;
        }
        let along = match self.open.last() {
            None => 0,
            Some(open) => {
                let along = open.along?;
                let step = self.wanted.get(along)?;
                let is_step = match &open.kind {
                    OpenKind::List(list) => step.parse() == Ok(list.len()),
                    OpenKind::Map(_, key) => key.as_ref() == Some(step),
                };
                if !is_step {
                    return None;
                }
                along + 1
            }
        };
        self.found = place(at);
        Some(along)
    }

    fn weigh(&mut self, bytes: usize, at: &Marker) -> Result<(), ReadError> {
        self.bytes = self.bytes.saturating_add(bytes);
        below(self.bytes, YAML_VALUES_BYTES_MAX, "bytes of values", at)
    }

    /// Weighs a copy, before it is made.
    fn weigh_copy(&mut self, bytes: usize, at: &Marker) -> Result<(), ReadError> {
        self.copies_bytes = self.copies_bytes.saturating_add(bytes);
        below(self.copies_bytes, YAML_COPIES_BYTES_MAX, "bytes of values that aliases copy", at)?;
        self.weigh(bytes, at)
    }

    fn enter(&mut self, kind: OpenKind, anchor: usize, tag: Option<&Tag>, at: &Marker) -> Result<(), ReadError> {
        no_tag(tag, at)?;
        self.needs_value(at)?;
        let along = self.begin(at);
        let bytes_before = self.bytes;
        self.weigh(VALUE_BYTES + LIST_BYTES, at)?;
        if self.open.len() == DEPTH_MAX {
            return Err(ReadError::at(place(at), Cause::TooDeep { depth_max: DEPTH_MAX }));
        }
        self.open.push(Open { kind, anchor, depth: 1, along, bytes_before });
        Ok(())
    }

    fn leave(&mut self, at: &Marker) -> Result<Option<Built>, ReadError> {
        let Some(open) = self.open.pop() else { return Ok(None) };
        let value = match open.kind {
            OpenKind::List(list) => Value::Array(list),
            OpenKind::Map(map, _) => Value::Object(map),
        };
        let built = Built { value, bytes: self.bytes - open.bytes_before, depth: open.depth };
        self.keep(open.anchor, &built, at)?;
        Ok(Some(built))
    }

    fn keep(&mut self, anchor: usize, built: &Built, at: &Marker) -> Result<(), ReadError> {
        if anchor > 0 {
            let Built { value, bytes, depth } = built;
            self.weigh_copy(*bytes, at)?;
            self.anchors.insert(anchor, Built { value: value.clone(), bytes: *bytes, depth: *depth });
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, at: &Marker) -> Result<Built, ReadError> {
        self.needs_value(at)?;
        self.begin(at);
        let Some(known) = self.anchors.get(&anchor) else {
            return Err(refuse(at, "an alias inside of what it names; wanted a whole value".to_owned()));
        };
        let (bytes, depth) = (known.bytes, known.depth);
        self.weigh_copy(bytes, at)?;
        if self.open.len() + depth > DEPTH_MAX {
            return Err(ReadError::at(place(at), Cause::TooDeep { depth_max: DEPTH_MAX }));
        }
        let value = self.anchors.get(&anchor).map(|known| known.value.clone()).unwrap_or_default();
        Ok(Built { value, bytes, depth })
    }

    /// Takes a scalar: as a key where one is due, else as a value.
    fn scalar(
        &mut self,
        text: String,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: &Marker,
    ) -> Result<Option<Built>, ReadError> {
        let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
        if !is_text {
            no_tag(tag, at)?;
        }
        let bytes = VALUE_BYTES + text.len();
        self.weigh(bytes, at)?;
        if let Some(Open { kind: OpenKind::Map(map, None), .. }) = self.open.last() {
            let first = if map.is_empty() { MAP_BYTES } else { 0 };
            self.weigh(KEY_BYTES + first, at)?;
        }
        let plain = style == ScalarStyle::Plain && !is_text;
        if let Some(Open { kind: OpenKind::Map(map, key @ None), .. }) = self.open.last_mut() {
            if plain && text == "<<" {
                return Err(refuse(at, "a merge key; wanted its members written out".to_owned()));
            }
            if map.contains_key(&text) {
                return Err(refuse(at, format!("the key \"{}\" occurs twice", shown(&text, 60))));
            }
            *key = Some(text);
            return Ok(None);
        }
        self.begin(at);
        let value = match text.as_str() {
            "true" | "True" | "TRUE" if plain => Value::Bool(true),
            "false" | "False" | "FALSE" if plain => Value::Bool(false),
            "" | "~" | "null" | "Null" | "NULL" if plain => Value::Null,
            _ => Value::String(text),
        };
        let built = Built { value, bytes, depth: 0 };
        self.keep(anchor, &built, at)?;
        Ok(Some(built))
    }

    /// Refuses what is no text where a key is due.
    fn needs_value(&self, at: &Marker) -> Result<(), ReadError> {
        match self.open.last() {
            Some(Open { kind: OpenKind::Map(_, None), .. }) => {
                Err(refuse(at, "a key that is no text; wanted a text".to_owned()))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn put(&mut self, built: Built, root: &mut Option<Value>, at: &Marker) -> Result<(), ReadError> {
        let Some(open) = self.open.last_mut() else {
            *root = Some(built.value);
            return Ok(());
        };
        open.depth = open.depth.max(built.depth + 1);
        match &mut open.kind {
            OpenKind::List(list) => list.push(built.value),
            OpenKind::Map(map, key) => match key.take() {
                Some(key) => drop(map.insert(key, built.value)),
                None => return Err(refuse(at, "a key that is no text; wanted a text".to_owned())),
            },
        }
        Ok(())
    }
}

fn no_tag(tag: Option<&Tag>, at: &Marker) -> Result<(), ReadError> {
    match tag {
        None => Ok(()),
        Some(tag) => {
            Err(refuse(at, format!("the tag `{}{}`; wanted none", shown(&tag.handle, 40), shown(&tag.suffix, 40))))
        }
    }
}

fn below(bytes: usize, bytes_max: usize, things: &'static str, at: &Marker) -> Result<(), ReadError> {
    if bytes <= bytes_max {
        return Ok(());
    }
    let count_max = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    Err(ReadError::at(place(at), Cause::TooMany { things, count_max }))
}

fn refuse(at: &Marker, reason: String) -> ReadError {
    ReadError::at(place(at), Cause::Yaml { reason })
}

fn place(at: &Marker) -> Place {
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Place { line: number(at.line()), column: number(at.col()) + 1 }
}

/// What a value takes beside its text: its place in a list or map, of which a third may be free, and what the allocator adds.
const VALUE_BYTES: usize = 64;
/// What a list takes that has a few elements.
const LIST_BYTES: usize = 96;
/// What a key takes beside its text.
const KEY_BYTES: usize = 48;
/// What a map takes that has one member: it has room for eleven.
const MAP_BYTES: usize = 480;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        parse(text.as_bytes()).unwrap()
    }

    fn refused(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn documents_are_values_and_numbers_are_texts() {
        let text = "%YAML 1.2\n---\na: 3.10\nb: [true, no, ~, 'true', \"x\"]\n200:\n  c: |\n    two\n    lines\nd: !!str true\ne:\n";
        let wanted = json!({"a": "3.10", "b": [true, "no", null, "true", "x"], "200": {"c": "two\nlines\n"}, "d": "true", "e": null});
        assert_eq!(read(text), wanted);
        assert_eq!(read("\u{feff}{\"a\": [1, {}]}"), json!({"a": ["1", {}]}));
    }

    #[test]
    fn aliases_are_copies() {
        assert_eq!(
            read("a: &x {k: [v]}\nb: *x\nc: [*x]\n"),
            json!({"a": {"k": ["v"]}, "b": {"k": ["v"]}, "c": [{"k": ["v"]}]})
        );
        assert!(refused("a: &x [*x]\n").contains("line 1, column 8: "));
        assert!(refused("a: *y\n").starts_with("line 1"));
    }

    #[test]
    fn an_alias_bomb_is_refused_before_it_is_spelled_out() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let before = format!("*a{}", n - 1);
            text.push_str(&format!("a{n}: &a{n} [{}]\n", [before.as_str(); 10].join(", ")));
        }
        assert!(refused(&text).contains("more than 33554432 bytes of values that aliases copy"));
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), ["*a"; 100].join(", "));
        assert!(refused(&long).contains("bytes of values"));
        let mut deep = "a0: &a0 [x]\n".to_owned();
        for n in 1..80 {
            deep.push_str(&format!("a{n}: &a{n} [*a{}]\n", n - 1));
        }
        assert!(refused(&deep).contains("deeper than 64"));
        // A map takes much more than its text has bytes.
        let maps = format!("a: &a [{}]\nb: [{}]\n", ["{k: }"; 100].join(", "), ["*a"; 500].join(", "));
        assert!(refused(&maps).contains("bytes of values that aliases copy"));
        let few = format!("a: &a [{}]\nb: [{}]\n", ["{k: }"; 100].join(", "), ["*a"; 400].join(", "));
        assert_eq!(read(&few)["b"].as_array().unwrap().len(), 400);
    }

    #[test]
    fn what_has_no_one_meaning_is_refused_with_its_place() {
        assert_eq!(refused("a: 1\na: 2\n"), "line 2, column 1: the key \"a\" occurs twice");
        assert_eq!(refused("a: 1\n---\nb: 2\n"), "line 2, column 1: a second YAML document; wanted one");
        assert!(refused("a: &x {}\n<<: *x\n").contains("line 2, column 1: a merge key"));
        assert!(refused("a: !!binary aGk=\n").contains("tag"));
        assert!(refused("[a]: b\n").contains("a key that is no text"));
        assert!(refused("? {a: b}\n: c\n").contains("a key that is no text"));
        assert!(refused("a: [b\n").contains("not YAML"));
        assert!(refused("").contains("an empty document"));
        assert!(refused(&format!("{}{}", "[".repeat(100), "]".repeat(100))).contains("deeper than 64"));
        assert!(refused(&"[".repeat(100_000)).contains("line 1"));
        assert!(refused(&"- ".repeat(100_000)).contains("line 1"));
        assert!(parse(b"a: \xff").unwrap_err().to_string().contains("not UTF-8"));
    }

    #[test]
    fn pointers_are_found_in_the_text() {
        let text = "paths:\n  /a/b:\n    get:\n      list: [x, {k: v}]\n";
        let place = |pointer: &str| place_of(text.as_bytes(), pointer).to_string();
        assert_eq!(place("/paths/~1a~1b/get/list/1/k"), "line 4, column 21");
        assert_eq!(place("/paths/~1a~1b/nothing"), "line 3, column 5");
        assert_eq!(place(""), "line 1, column 1");
    }
}
