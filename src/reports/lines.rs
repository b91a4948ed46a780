//! A report of lines: each with its place, and with what is wrong with it as text.

use std::borrow::Cow;
use std::io::BufRead;

use super::encoding::Source;
use super::limits::{LINE_BYTES_MAX, STREAM_BYTES_MAX};
use super::{Cause, Place, ReadError};

/// A line without its end.
pub(super) struct Line<'a> {
    /// The text; of a long line the beginning, and what is no UTF-8 replaced.
    pub(super) text: &'a str,
    place: Place,
    flaw: Option<Flaw>,
}

#[derive(Clone, Copy)]
enum Flaw {
    Long,
    NotText,
}

impl<'a> Line<'a> {
    /// Returns the text of a line that has to be read for certain.
    ///
    /// If it is longer than [`LINE_BYTES_MAX`] or no UTF-8, refuses it.
    pub(super) fn whole(&self) -> Result<&'a str, ReadError> {
        match self.flaw {
            None => Ok(self.text),
            Some(Flaw::Long) => Err(self.refuse(Cause::LineTooLong { bytes_max: LINE_BYTES_MAX })),
            Some(Flaw::NotText) => Err(self.refuse(Cause::NotText { encoding: "UTF-8" })),
        }
    }

    /// Returns the refusal of this line.
    pub(super) fn refuse(&self, cause: Cause) -> ReadError {
        ReadError::at(self.place, cause)
    }

    /// Returns the refusal of a place in this line.
    pub(super) fn refuse_at(&self, column: u64, cause: Cause) -> ReadError {
        ReadError::at(Place { line: self.place.line, column }, cause)
    }
}

/// Visits every line of a report; returns the place after the last.
pub(super) fn each_line(
    input: &mut dyn BufRead,
    visit: &mut dyn FnMut(&Line<'_>) -> Result<(), ReadError>,
) -> Result<Place, ReadError> {
    let mut source = Source::open(input, STREAM_BYTES_MAX)?;
    let mut bytes = Vec::new();
    loop {
        let whole = source.read_line(&mut bytes, LINE_BYTES_MAX)?;
        let place = source.marked();
        if bytes.is_empty() {
            return Ok(place);
        }
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let text = String::from_utf8_lossy(text.strip_suffix(b"\r").unwrap_or(text));
        let flaw = match &text {
            _ if !whole => Some(Flaw::Long),
            Cow::Owned(_) => Some(Flaw::NotText),
            Cow::Borrowed(_) => None,
        };
        visit(&Line { text: &text, place, flaw })?;
    }
}
