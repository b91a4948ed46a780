//! Text that is walked as if it were JSON, while it comes.
//!
//! The walk is more lenient than JSON, and what it passes is kept to be parsed: as the rest of a document, as a part of it, or not at
//! all. It says nothing of what the text means; see [`parts`](super::parts).

use std::collections::HashSet;
use std::io::{self, BufRead};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::encoding::cause_of;
use super::json::{is_blank, is_key, parse};
use super::{Cause, Place, ReadError};
use crate::model::Digest;

/// Walks text as if it were JSON, while it comes. Whatever cannot be walked gives `None`.
pub(super) struct Walk<'a> {
    input: &'a mut dyn BufRead,
    part_bytes_max: u64,
    /// What came last.
    window: Vec<u8>,
    /// The next byte of the window.
    at: usize,
    /// From here on the window has to be kept, as `keep` says.
    from: usize,
    keep: Keep,
    rest: Vec<u8>,
    jumps: Vec<(usize, Place)>,
    part: Vec<u8>,
    /// The place of a byte of the window, up to which lines are counted.
    place: Place,
    counted: usize,
    /// Why nothing more is read.
    stopped: Option<ReadError>,
}

/// What a walk leaves.
pub(super) struct Walked {
    /// What was kept as the rest.
    pub(super) rest: Vec<u8>,
    /// From which byte of the rest on it stands at which place in the document.
    pub(super) jumps: Vec<(usize, Place)>,
    /// Where the walk ended.
    pub(super) place: Place,
    /// Why it stopped.
    pub(super) stopped: Option<ReadError>,
}

/// Where the text goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Rest,
    Part,
    Nothing,
}

/// A member or an element of what is walked: where its key stands in the rest.
pub(super) struct Member(usize, usize);

impl Member {
    pub(super) fn key<'w>(&self, walk: &'w Walk<'_>) -> &'w [u8] {
        &walk.rest[self.0..self.1]
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(input: &'a mut dyn BufRead, part_bytes_max: u64) -> Self {
        Self {
            input,
            part_bytes_max,
            window: Vec::new(),
            at: 0,
            from: 0,
            keep: Keep::Rest,
            rest: Vec::new(),
            jumps: vec![(0, Place::START)],
            part: Vec::new(),
            place: Place::START,
            counted: 0,
            stopped: None,
        }
    }

    /// Moves past the next byte, which is there.
    pub(super) fn step(&mut self) {
        self.at += 1;
    }

    /// Returns the part.
    pub(super) fn part(&self) -> &[u8] {
        &self.part
    }

    /// Tells whether nothing more is read.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Ends the walk behind the value that is the document, or where it could not go on. What stands there is kept in the
    /// rest, for its parser to say what is wrong.
    pub(super) fn end(mut self, walked: Option<()>) -> Walked {
        self.space();
        if walked.is_none() || self.peek().is_some() {
            self.at = self.window.len();
        }
        self.settle();
        let place = self.here();
        Walked { rest: self.rest, jumps: self.jumps, place, stopped: self.stopped }
    }

    /// Moves past the value that starts here, which is then the part.
    pub(super) fn cut(&mut self) -> Option<()> {
        self.keep(Keep::Part);
        self.part.clear();
        self.skip()?;
        self.keep(Keep::Nothing);
        self.stopped.is_none().then_some(())
    }

    /// Moves past a key and its colon, and returns the key.
    ///
    /// If it is no string, or one of `keys`, stops.
    pub(super) fn new_key(&mut self, keys: &mut HashSet<Digest>) -> Option<String> {
        let place = self.here();
        self.cut()?;
        let key = match parse(&self.part) {
            Ok(Value::String(key)) => key,
            Ok(_) => return self.stop_at(place, "not strict JSON: key must be a string".to_owned()),
            Err(error) => {
                self.stopped = Some(ReadError { place: error.place.behind(place), ..error });
                return None;
            }
        };
        if !keys.insert(Digest(Sha256::digest(&key).into())) {
            return self.stop_at(place, format!("not strict JSON: the key {key:?} occurs twice"));
        }
        self.space();
        if self.take()? != b':' {
            return None;
        }
        self.space();
        Some(key)
    }

    /// Moves to the start of a member or element of the value that starts here. If it has none of that name or number, the walk is over.
    pub(super) fn enter(&mut self, step: &str) -> Option<()> {
        self.space();
        let open = self.peek().filter(|open| matches!(open, b'{' | b'['))?;
        let (mut count, mut is_found) = (0_usize, false);
        let _ = self.each_or_skip(open, &mut |walk, member| {
            is_found = if open == b'{' { is_key(member.key(walk), step) } else { step.parse() == Ok(count) };
            count += 1;
            if is_found { None } else { walk.skip() }
        });
        is_found.then_some(())
    }

    /// Visits every member or element of the value that starts here; the visitor has to move past its value. Moves past a value that
    /// starts otherwise.
    pub(super) fn each_or_skip(
        &mut self,
        open: u8,
        visit: &mut dyn FnMut(&mut Self, Member) -> Option<()>,
    ) -> Option<()> {
        self.space();
        if self.peek() != Some(open) {
            return self.skip();
        }
        self.at += 1;
        let close = if open == b'{' { b'}' } else { b']' };
        self.space();
        if self.peek()? == close {
            self.at += 1;
            return Some(());
        }
        loop {
            self.space();
            self.settle();
            let start = self.rest.len();
            let mut end = start;
            if open == b'{' {
                self.skip()?;
                self.settle();
                end = self.rest.len();
                self.space();
                if self.take()? != b':' {
                    return None;
                }
                self.space();
            }
            visit(self, Member(start, end))?;
            self.space();
            match self.take()? {
                b',' => {}
                byte => return (byte == close).then_some(()),
            }
        }
    }

    /// Moves past the value that starts here.
    pub(super) fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            self.space();
            match self.peek()? {
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
                    self.at += 1;
                    self.pass(|byte| !is_blank(&byte) && !matches!(byte, b',' | b']' | b'}' | b':'));
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
            self.pass(|byte| byte != b'"' && byte != b'\\');
            match self.take()? {
                b'"' => return Some(()),
                // A text may break off behind it.
                _ => drop(self.take()?),
            }
        }
    }

    pub(super) fn space(&mut self) {
        self.pass(|byte| is_blank(&byte));
    }

    /// Moves past all bytes of a kind.
    fn pass(&mut self, is_of_it: impl Fn(u8) -> bool) {
        loop {
            let left = &self.window[self.at..];
            match left.iter().position(|byte| !is_of_it(*byte)) {
                Some(count) => return self.at += count,
                None => self.at = self.window.len(),
            }
            if !self.fill() {
                return;
            }
        }
    }

    pub(super) fn peek(&mut self) -> Option<u8> {
        if self.at == self.window.len() && !self.fill() {
            return None;
        }
        self.window.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Lets more text come; there is none at the end, and after a stop.
    fn fill(&mut self) -> bool {
        self.settle();
        let place = self.here();
        if self.stopped.is_some() {
            return false;
        }
        let chunk = loop {
            match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.stopped = Some(ReadError::at(place, cause_of(&error)));
                    return false;
                }
                Ok(chunk) => break chunk,
            }
        };
        let count = chunk.len();
        self.window.clear();
        self.window.extend_from_slice(chunk);
        self.input.consume(count);
        (self.at, self.from, self.counted) = (0, 0, 0);
        count > 0
    }

    /// From here on the text goes elsewhere.
    pub(super) fn keep(&mut self, keep: Keep) {
        self.settle();
        if keep == Keep::Rest {
            let here = self.here();
            self.jumps.push((self.rest.len(), here));
        }
        self.keep = keep;
    }

    /// Puts what was passed where it goes.
    fn settle(&mut self) {
        let passed = &self.window[self.from..self.at];
        let length = match self.keep {
            Keep::Rest => {
                self.rest.extend_from_slice(passed);
                self.rest.len()
            }
            Keep::Part => {
                self.part.extend_from_slice(passed);
                self.part.len()
            }
            Keep::Nothing => 0,
        };
        self.from = self.at;
        if u64::try_from(length).unwrap_or(u64::MAX) > self.part_bytes_max {
            self.stop::<()>(Cause::PartTooLarge { bytes_max: self.part_bytes_max });
        }
    }

    /// Returns the place of the next byte.
    pub(super) fn here(&mut self) -> Place {
        self.place.pass(&self.window[self.counted..self.at]);
        self.counted = self.at;
        self.place
    }

    /// Stops here: nothing more is read.
    pub(super) fn stop<T>(&mut self, cause: Cause) -> Option<T> {
        let place = self.here();
        self.stopped.get_or_insert_with(|| ReadError::at(place, cause));
        None
    }

    fn stop_at<T>(&mut self, place: Place, reason: String) -> Option<T> {
        self.stopped.get_or_insert_with(|| ReadError::at(place, Cause::Json { reason }));
        None
    }
}
