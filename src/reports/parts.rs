//! JSON of which long lists are never all in memory: they are cut out of the text as it comes.
//!
//! A parsed value takes twenty times its text. So [`read_apart`] walks the text once, hands on each element of the lists that
//! are asked for, and keeps the rest with these lists empty, to be parsed as a document of its own. Strictness is that of
//! `model::parse_json` for the rest and for each element: if they are JSON, so is the whole. The depth is counted anew in each
//! element. What is wrong is found in the order of the whole: the form of the rest, what the reader asks of the rest, then
//! the elements.

use std::collections::HashSet;
use std::io::BufRead;

use serde_json::Value;

use super::json::{Node, Wrong, is_key, parse};
use super::limits::{CASES_MAX, TREE_BYTES_MAX};
use super::walk::{Keep, Walk, Walked};
use super::{Cause, Place, ReadError};

/// The lists of a document that are read element by element.
pub(super) struct Lists {
    /// The way to the objects that have them: a key, or `*` for each element of an array.
    pub(super) path: &'static [&'static str],
    /// Their keys.
    pub(super) names: &'static [&'static str],
    /// Whether they are arrays, or objects whose members count as elements.
    pub(super) shape: Shape,
}

/// What holds the elements.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Arrays,
    Objects,
}

/// An element as it was cut out.
#[derive(Clone, Copy)]
pub(super) struct Part<'p> {
    /// The place of its list among the names.
    pub(super) list: usize,
    /// The place of the object that has the list, among all at the end of the path.
    pub(super) owner: usize,
    /// The element alone.
    pub(super) bytes: &'p [u8],
    /// Where it starts in the document.
    pub(super) place: Place,
    at: At<'p>,
}

#[derive(Clone, Copy)]
enum At<'p> {
    Index(usize),
    Key(&'p str),
}

/// A document without the elements that were handed on.
pub(super) struct Apart {
    rest: Vec<u8>,
    /// From which byte of the rest on it stands at which place in the document.
    jumps: Vec<(usize, Place)>,
    value: Value,
    /// Why an element was refused.
    refused: Option<ReadError>,
}

/// Takes each element; it is given with the list that it is of, which says where it stands.
type Visit<'v> = &'v mut dyn FnMut(&Part<'_>, &Node<'_>) -> Result<(), ReadError>;

/// Walks a document to its end, and hands on the elements of some lists of it.
///
/// If a part of the document is larger than [`TREE_BYTES_MAX`], or a list has more than [`CASES_MAX`] elements, returns so.
/// If the rest is no strict JSON, or such a list breaks off, returns the place. An element that `visit` refuses is the last that it gets,
/// and told by [`Apart::check_parts`].
pub(super) fn read_apart(input: &mut dyn BufRead, lists: &Lists, visit: Visit<'_>) -> Result<Apart, ReadError> {
    read_within(TREE_BYTES_MAX, input, lists, visit)
}

fn read_within(
    part_bytes_max: u64,
    input: &mut dyn BufRead,
    lists: &Lists,
    visit: Visit<'_>,
) -> Result<Apart, ReadError> {
    let mut walk = Walk::new(input, part_bytes_max);
    let mut taking = Taking { lists, visit, owners: 0, refused: None, pointer: String::new() };
    let whole = taking.walk(&mut walk, lists.path);
    let Walked { rest, jumps, place, stopped } = walk.end(whole);
    if let Some(stopped) = stopped {
        let is_form = |error: &ReadError| matches!(error.cause, Cause::Json { .. });
        return Err(taking.refused.filter(|refused| is_form(refused) && is_form(&stopped)).unwrap_or(stopped));
    }
    let parsed = parse(&rest).map_err(|error| ReadError { place: place_in(&rest, &jumps, error.place), ..error })?;
    if whole.is_none() {
        return Err(ReadError::at(
            place,
            Cause::Json { reason: "not strict JSON: the document breaks off".to_owned() },
        ));
    }
    Ok(Apart { rest, jumps, value: parsed, refused: taking.refused })
}

impl Lists {
    /// Refuses what is in the place of a list and is none, or still has elements.
    pub(super) fn check(&self, list: &Node<'_>) -> Result<(), Wrong> {
        let left = match self.shape {
            Shape::Arrays => list.items()?.next(),
            Shape::Objects => list.members()?.next().map(|(_, left)| left),
        };
        left.map_or(Ok(()), |left| Err(left.wrong("a list that can be read in parts")))
    }
}

impl Apart {
    /// Returns the rest.
    pub(super) fn root(&self) -> Node<'_> {
        Node::root(&self.value)
    }

    /// Returns why an element was refused, if one was.
    pub(super) fn check_parts(&self) -> Result<(), ReadError> {
        self.refused.clone().map_or(Ok(()), Err)
    }

    /// Finds the place of what is wrong in the rest.
    pub(super) fn place(&self, wrong: Wrong) -> ReadError {
        let error = wrong.place_in(&self.rest);
        ReadError { place: place_in(&self.rest, &self.jumps, error.place), ..error }
    }
}

impl<'p> Part<'p> {
    /// Returns an element that was kept.
    pub(super) fn kept(index: usize, bytes: &'p [u8], place: Place) -> Self {
        Self { list: 0, owner: 0, bytes, place, at: At::Index(index) }
    }

    /// Parses this element and hands it on as one of `list`.
    pub(super) fn read(
        &self,
        list: &Node<'_>,
        visit: impl FnOnce(&Node<'_>) -> Result<(), Wrong>,
    ) -> Result<(), ReadError> {
        let value = parse(self.bytes).map_err(|error| self.moved(error))?;
        let node = match self.at {
            At::Index(index) => list.element(index, &value),
            At::Key(key) => list.entry(key, &value),
        };
        visit(&node).map_err(|wrong| {
            let inner = wrong.pointer.strip_prefix(&node.pointer()).unwrap_or_default().to_owned();
            self.moved(Wrong { pointer: inner, cause: wrong.cause }.place_in(self.bytes))
        })
    }

    /// Moves a place in this element to that in the document.
    fn moved(&self, error: ReadError) -> ReadError {
        ReadError { place: error.place.behind(self.place), ..error }
    }
}

/// Returns where a place in the rest is in the document.
fn place_in(rest: &[u8], jumps: &[(usize, Place)], place: Place) -> Place {
    let line = usize::try_from(place.line - 1).unwrap_or(usize::MAX);
    let start = rest.split_inclusive(|byte| *byte == b'\n').take(line).map(<[u8]>::len).sum::<usize>();
    let offset = start.saturating_add(usize::try_from(place.column - 1).unwrap_or(usize::MAX)).min(rest.len());
    let (from, mut place) = jumps[jumps.partition_point(|(from, _)| *from <= offset) - 1];
    place.pass(&rest[from..offset]);
    place
}

/// The way to the lists, and what became of their elements.
struct Taking<'t, 'v> {
    lists: &'t Lists,
    visit: Visit<'v>,
    owners: usize,
    refused: Option<ReadError>,
    /// Of the value that the walk stands at.
    pointer: String,
}

impl Taking<'_, '_> {
    /// Walks the value that starts here along a path, and takes the elements of the lists at its end.
    fn walk(&mut self, walk: &mut Walk<'_>, path: &[&str]) -> Option<()> {
        match path {
            [] => {
                let lists = self.lists;
                let walked = walk.each_or_skip(b'{', &mut |walk, member| {
                    let list = lists.names.iter().position(|name| is_key(member.key(walk), name));
                    match list.filter(|_| walk.peek() == Some(lists.shape.open())) {
                        Some(list) => self.inside(lists.names[list], |taking| taking.take(walk, list)),
                        None => walk.skip(),
                    }
                });
                self.owners += 1;
                walked
            }
            ["*", path @ ..] => {
                let mut index = 0_usize;
                walk.each_or_skip(b'[', &mut |walk, _| {
                    index += 1;
                    self.inside(&(index - 1).to_string(), |taking| taking.walk(walk, path))
                })
            }
            [step, path @ ..] => walk.each_or_skip(b'{', &mut |walk, member| match is_key(member.key(walk), step) {
                true => self.inside(step, |taking| taking.walk(walk, path)),
                false => walk.skip(),
            }),
        }
    }

    fn inside(&mut self, step: &str, go: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(step);
        let went = go(self);
        self.pointer.truncate(length);
        went
    }

    /// Takes the elements of the list that starts here: in the rest it has none.
    fn take(&mut self, walk: &mut Walk<'_>, list: usize) -> Option<()> {
        walk.step();
        walk.keep(Keep::Nothing);
        let taken = self.take_elements(walk, list);
        if taken.is_none() && !walk.is_stopped() {
            let reason = format!("not strict JSON: the list `{}` breaks off", self.lists.names[list]);
            return walk.stop(Cause::Json { reason });
        }
        taken
    }

    /// Takes elements up to the end of their list.
    fn take_elements(&mut self, walk: &mut Walk<'_>, list: usize) -> Option<()> {
        let close = self.lists.shape.close();
        let mut keys = HashSet::new();
        let mut index = 0_usize;
        walk.space();
        while index > 0 || walk.peek()? != close {
            if index == CASES_MAX {
                let count_max = u64::try_from(CASES_MAX).unwrap_or(u64::MAX);
                return walk.stop(Cause::TooMany { things: "results", count_max });
            }
            let key = match self.lists.shape {
                Shape::Arrays => None,
                Shape::Objects => Some(walk.new_key(&mut keys)?),
            };
            let place = walk.here();
            walk.cut()?;
            if self.refused.is_none() {
                let at = key.as_deref().map_or(At::Index(index), At::Key);
                let part = Part { list, owner: self.owners, bytes: walk.part(), place, at };
                self.refused = (self.visit)(&part, &Node::at(&self.pointer)).err();
            }
            index += 1;
            walk.space();
            match walk.peek()? {
                b',' => walk.step(),
                byte if byte == close => break,
                _ => {
                    walk.step();
                    return None;
                }
            }
            walk.space();
        }
        walk.keep(Keep::Rest);
        walk.step();
        Some(())
    }
}

impl Shape {
    fn open(self) -> u8 {
        match self {
            Self::Arrays => b'[',
            Self::Objects => b'{',
        }
    }

    fn close(self) -> u8 {
        match self {
            Self::Arrays => b']',
            Self::Objects => b'}',
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufReader};

    use super::*;

    const RUNS: Lists = Lists { path: &["runs", "*"], names: &["r"], shape: Shape::Arrays };
    const FILES: Lists = Lists { path: &[], names: &["files"], shape: Shape::Objects };

    /// An element as text, with its pointer and what it was cut from.
    #[derive(Debug, PartialEq)]
    struct Taken {
        pointer: String,
        text: String,
        owner: usize,
        place: (u64, u64),
    }

    fn taken(text: &str, lists: &Lists, chunk: usize) -> Result<(Apart, Vec<Taken>), ReadError> {
        let mut found = Vec::new();
        let mut input = BufReader::with_capacity(chunk, text.as_bytes());
        let apart = read_apart(&mut input, lists, &mut |part, list| {
            let text = String::from_utf8_lossy(part.bytes).into_owned();
            let place = (part.place.line, part.place.column);
            part.read(list, |node| {
                found.push(Taken { pointer: node.pointer(), text, owner: part.owner, place });
                Ok(())
            })
        })?;
        apart.check_parts()?;
        Ok((apart, found))
    }

    fn texts(text: &str, lists: &Lists) -> Vec<String> {
        taken(text, lists, 5).unwrap().1.into_iter().map(|taken| taken.text).collect()
    }

    fn of(pointer: &str, text: &str, owner: usize, place: (u64, u64)) -> Taken {
        Taken { pointer: pointer.to_owned(), text: text.to_owned(), owner, place }
    }

    #[test]
    fn long_lists_are_taken_out_and_places_stay() {
        let text = "{\"runs\":[ 7, {\"r\": [{\"a\":\"]\"} ,\n 2 ]}, {\"r\":[]},\n {\"r\":{}}, {\"r\":[ 3 ], \"x\":\n 1}], \"r\":[1]}";
        for chunk in [1, 3, 64, 4_096] {
            let (apart, found) = taken(text, &RUNS, chunk).unwrap();
            let rest = "{\"runs\":[ 7, {\"r\": []}, {\"r\":[]},\n {\"r\":{}}, {\"r\":[], \"x\":\n 1}], \"r\":[1]}";
            assert_eq!(String::from_utf8_lossy(&apart.rest), rest);
            let wanted = [
                of("/runs/1/r/0", "{\"a\":\"]\"}", 1, (1, 21)),
                of("/runs/1/r/1", "2", 1, (2, 2)),
                of("/runs/4/r/0", "3", 4, (3, 19)),
            ];
            assert_eq!(found, wanted);
            let place = |pointer: &str| {
                let place = apart.place(Wrong { pointer: pointer.to_owned(), cause: Cause::Doctype }).place;
                (place.line, place.column)
            };
            let found = ["/runs/2", "/runs/3", "/runs/4/x", "/r"].map(place);
            assert_eq!(found, [(2, 8), (3, 2), (4, 2), (4, 11)], "{chunk}");
        }
    }

    #[test]
    fn members_of_an_object_are_elements_too() {
        let text = "{\"files\":{\"a/b\" : [1],\n\"\\u0063\": {\"files\":{\"d\":1}}}, \"files2\":{\"e\":2}}";
        let (apart, found) = taken(text, &FILES, 4).unwrap();
        let wanted = [of("/files/a~1b", "[1]", 0, (1, 19)), of("/files/c", "{\"files\":{\"d\":1}}", 0, (2, 11))];
        assert_eq!(found, wanted);
        assert_eq!(String::from_utf8_lossy(&apart.rest), "{\"files\":{}, \"files2\":{\"e\":2}}");
        assert!(texts("{\"files\":[1]}", &FILES).is_empty() && texts("{\"files\":{ }}", &FILES).is_empty());
    }

    #[test]
    fn lists_are_taken_out_at_any_path() {
        let lists = |path, name: &'static [&'static str]| Lists { path, names: name, shape: Shape::Arrays };
        let two = "\n {\"tests\":[9], \"results\" : {\"tests\" : [ 1, 2 ], \"x\":{\"tests\":[3]}}}";
        assert_eq!(texts(two, &lists(&["results"], &["tests"])), ["1", "2"]);
        assert_eq!(texts(two, &lists(&[], &["tests"])), ["9"]);
        assert_eq!(texts(two, &lists(&["results", "x"], &["a", "tests"])), ["3"]);
        assert!(texts("{\"results\":[{\"tests\":[1]}]}", &lists(&["results"], &["tests"])).is_empty());
        assert_eq!(texts("[{\"a\":[1]},{\"b\":[3],\"a\":[2]}]", &lists(&["*"], &["a", "b"])), ["1", "3", "2"]);
        assert!(texts("[1]", &lists(&["a"], &["b"])).is_empty() && texts("7", &lists(&[], &["b"])).is_empty());
    }

    #[test]
    fn what_is_wrong_in_an_element_has_its_place() {
        let wrong = |text: &str, lists: &Lists| {
            let mut input = BufReader::with_capacity(3, text.as_bytes());
            let apart = read_apart(&mut input, lists, &mut |part, list| {
                part.read(list, |node| match node.member("k")? {
                    Some(k) => Err(k.wrong("x")),
                    None => Ok(()),
                })
            });
            apart.and_then(|apart| apart.check_parts()).unwrap_err().to_string()
        };
        let twice = "{\"runs\":[{\"r\":[{},\n  {\"a\":[],\n \"k\": 7}, {\"k\":8}]}]}";
        assert_eq!(wrong(twice, &RUNS), "line 3, column 7: `/runs/0/r/1/k` is 7; wanted x");
        let member = "{\"files\":{\"a\":{},\n \"b/c\": {\"k\":7}}}";
        assert_eq!(wrong(member, &FILES), "line 2, column 14: `/files/b~1c/k` is 7; wanted x");
        assert_eq!(
            wrong("{\"runs\":[{\"r\":[{},\n  {\"a\" 1}]}]}", &RUNS),
            "line 2, column 8: not strict JSON: expected `:`"
        );
    }

    /// The form of the rest comes first, and then what its reader asks of it.
    #[test]
    fn the_rest_is_wrong_before_its_elements() {
        let refusing = |text: &str| {
            let mut input = text.as_bytes();
            let apart = read_apart(&mut input, &RUNS, &mut |part, list| part.read(list, |node| Err(node.wrong("x"))));
            apart.map(|apart| apart.check_parts().unwrap_err().to_string()).map_err(|error| error.to_string())
        };
        assert_eq!(refusing("{\"runs\":[{\"r\":[1]}]}").unwrap(), "line 1, column 16: `/runs/0/r/0` is 1; wanted x");
        assert!(
            refusing("{\"runs\":[{\"r\":[1]}] \n}}")
                .unwrap_err()
                .contains("line 2, column 2: not strict JSON: trailing")
        );
        assert!(refusing("{\"runs\":[{\"r\":[1,2").unwrap_err().contains("the list `r` breaks off"));
    }

    #[test]
    fn elements_are_handed_on_as_they_come() {
        let text = format!("{{\"runs\":[{{\"r\":[{}1]}}]}}", "{\"a\":\"some text\"},\n".repeat(100));
        let end = text.as_ptr().wrapping_add(text.len());
        let mut slice = text.as_bytes();
        let left = std::cell::Cell::new(0);
        struct Chunks<'a>(&'a mut &'a [u8], &'a std::cell::Cell<usize>);
        impl io::Read for Chunks<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let count = self.0.read(&mut out[..7])?;
                self.1.set(self.0.len());
                Ok(count)
            }
        }
        assert_eq!(slice.as_ptr_range().end, end);
        let mut input = BufReader::with_capacity(64, Chunks(&mut slice, &left));
        let mut lefts = Vec::new();
        read_apart(&mut input, &RUNS, &mut |_, _| {
            lefts.push(left.get());
            Ok(())
        })
        .unwrap();
        assert!(lefts.len() == 101 && lefts[0] > 1_800 && lefts.windows(2).all(|two| two[0] >= two[1]), "{lefts:?}");
    }

    #[test]
    fn parts_and_the_rest_are_bounded() {
        let read = |text: &str| {
            let mut input = BufReader::with_capacity(9, text.as_bytes());
            read_within(64, &mut input, &RUNS, &mut |_, _| Ok(())).map(drop).map_err(|error| error.cause)
        };
        let element =
            |length: usize| format!("{{\"runs\":[{{\"r\":[{}\"{}\"]}}]}}", "1,".repeat(90), "x".repeat(length));
        assert_eq!(read(&element(62)), Ok(()));
        assert_eq!(read(&element(63)), Err(Cause::PartTooLarge { bytes_max: 64 }));
        let rest = |length: usize| {
            format!("{{\"runs\":[{{\"r\":[{}1]}}], \"x\":\"{}\"}}", "1,".repeat(90), "x".repeat(length))
        };
        assert_eq!(read(&rest(37)), Ok(()));
        assert_eq!(read(&rest(38)), Err(Cause::PartTooLarge { bytes_max: 64 }));
    }

    #[test]
    fn what_is_no_json_stays_none_when_it_is_read_in_parts() {
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
            "{\"runs\":[{\"r\":[1]}]} {}",
            "{\"runs\":[{\"r\":[1],\"r\":[2]}]}",
            "{\"runs\":[{\"r\":[{\"a\":1,\"a\":1}]}]}",
            "{\"runs\":[{\"r\":[1:2]}]}",
            "{\"runs\":[{\"r\":[1,\u{c}2]}]}",
            "{\"runs\":[{\"r\":[1]}],\"runs\":[{\"r\":[1]}]}",
            "{\"files\":{\"a\":1,\"a\":1}}",
            "{\"files\":{\"a\":1,\"\\u0061\":1}}",
            "{\"files\":{1:1}}",
            "{\"files\":{{}:1}}",
            "{\"files\":{\"a\"}}",
            "{\"files\":{\"a\":}}",
            "{\"files\":{\"a\":1,}}",
            "{\"files\":{\"a\":1]}",
            "{\"files\":{\"\\ud800\":1}}",
            "{\"files\":{\"a\":1},\"files\":{}}",
        ] {
            for chunk in [1, 4_096] {
                for lists in [&RUNS, &FILES] {
                    assert!(taken(text, lists, chunk).is_err(), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let (arrays, objects) = (parse(b"[{},[],[1],7,null,{\"a\":1}]").unwrap(), Node::at(""));
        let found = |lists: &Lists| {
            let root = objects.entry("x", &arrays);
            root.items().unwrap().map(|node| lists.check(&node).is_ok()).collect::<Vec<_>>()
        };
        assert_eq!(found(&RUNS), [false, true, false, false, false, false]);
        assert_eq!(found(&FILES), [true, false, false, false, false, false]);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_wherever_they_stand() {
        for text in [&b"{\"x\":\"\xff\"}"[..], b"{\"files\":{\"\xff\":1}}", b"{\"files\":{\"a\":\"\xff\"}}"] {
            let mut input = text;
            let read = read_apart(&mut input, &FILES, &mut |part, list| part.read(list, |_| Ok(())));
            assert!(read.and_then(|apart| apart.check_parts()).is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn a_document_in_parts_is_json_exactly_if_the_whole_is(
            edits in proptest::collection::vec((0_usize..120, "[\\[\\]{}:,\"\\\\ r1\\n]{0,3}", 0_usize..3), 0..4),
            chunk in 1_usize..40,
        ) {
            let mut text = r#"{"x":{"runs":[]},"runs":[{"a":1,"r":[{"k":"]}\""},[2,{}],"s"],"b":[]},{"r":[]},[1],{"r":2}],"files":{"a":1, "b":{}}}"#.to_owned();
            for (at, new, removed) in edits {
                let at = at.min(text.len());
                text.replace_range(at..(at + removed).min(text.len()), &new);
            }
            let whole = parse(text.as_bytes());
            for (lists, pointers) in [(&RUNS, "/runs"), (&FILES, "/files")] {
                let apart = taken(&text, lists, chunk);
                proptest::prop_assert_eq!(apart.is_ok(), whole.is_ok(), "{}", text);
                let (Ok((apart, found)), Ok(whole)) = (apart, &whole) else { continue };
                let mut again = apart.value;
                for Taken { pointer, text, .. } in found {
                    proptest::prop_assert!(pointer.starts_with(pointers));
                    let (list, step) = pointer.rsplit_once('/').unwrap();
                    let value = parse(text.as_bytes()).unwrap();
                    match again.pointer_mut(list).unwrap() {
                        Value::Array(items) => items.push(value),
                        Value::Object(members) => drop(members.insert(step.replace("~1", "/").replace("~0", "~"), value)),
                        other => panic!("{other}"),
                    }
                }
                proptest::prop_assert_eq!(&again, whole, "{}", text);
            }
        }
    }
}
