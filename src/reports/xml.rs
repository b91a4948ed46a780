//! XML as a stream of tags within limits: no document types, or none that declares anything, no entities beyond the five,
//! one root.
//!
//! Namespaces, text and attributes that nobody asks for are left alone.

use std::borrow::Cow;
use std::io::BufRead;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::encoding::{Source, cause_of};
use super::limits::{DEPTH_MAX, ELEMENTS_MAX, NAME_BYTES_MAX, STREAM_BYTES_MAX, TOKEN_BYTES_MAX};
use super::{Cause, Place, ReadError};

/// A document that is read tag by tag.
pub(super) struct Xml<'a> {
    reader: Reader<Source<'a>>,
    buffer: Vec<u8>,
    doctype: Doctype,
    depth: usize,
    elements: u64,
    cdata: bool,
}

/// What becomes of a document type declaration. One that declares something itself is refused always; nothing is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doctype {
    Refused,
    Skipped,
}

/// What becomes of references and CDATA in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum References {
    LeftOut,
    Resolved,
}

/// What comes next in a document.
pub(super) enum Token<'b> {
    /// A start tag. An empty element has a start and an end.
    Start(Tag<'b>),
    /// An end tag.
    End,
    /// Text as it stands there, references in it and CDATA left out unless they were asked for.
    Text(Cow<'b, str>),
    /// Something that is neither tag nor text.
    Between,
    /// The end of the document, with every element closed.
    Done,
}

/// A start tag.
pub(super) struct Tag<'b> {
    start: BytesStart<'b>,
    place: Place,
}

impl<'a> Xml<'a> {
    pub(super) fn open(input: &'a mut dyn BufRead, doctype: Doctype) -> Result<Self, ReadError> {
        let source = Source::open(input, STREAM_BYTES_MAX)?.limit_tokens(TOKEN_BYTES_MAX);
        let mut reader = Reader::from_reader(source);
        reader.config_mut().expand_empty_elements = true;
        Ok(Self { reader, buffer: Vec::new(), doctype, depth: 0, elements: 0, cdata: false })
    }

    /// Returns whether what came last was a CDATA section that is more than white space.
    pub(super) fn was_cdata(&self) -> bool {
        self.cdata
    }

    /// Returns what comes next.
    pub(super) fn next(&mut self) -> Result<Token<'_>, ReadError> {
        self.step(References::LeftOut)
    }

    /// Returns what comes next; references and CDATA are pieces of text.
    pub(super) fn next_text(&mut self) -> Result<Token<'_>, ReadError> {
        self.step(References::Resolved)
    }

    fn step(&mut self, references: References) -> Result<Token<'_>, ReadError> {
        self.buffer.clear();
        self.cdata = false;
        self.reader.get_mut().mark();
        let event = self.reader.read_event_into(&mut self.buffer);
        let place = self.reader.get_ref().marked();
        let refuse = |cause| Err(ReadError::at(place, cause));
        match event {
            Ok(Event::Start(start)) => {
                if self.depth == 0 && self.elements > 0 {
                    return refuse(Cause::OutsideRoot);
                }
                if self.depth == DEPTH_MAX {
                    return refuse(Cause::TooDeep { depth_max: DEPTH_MAX });
                }
                if self.elements == ELEMENTS_MAX {
                    return refuse(Cause::TooMany { things: "elements", count_max: ELEMENTS_MAX });
                }
                self.depth += 1;
                self.elements += 1;
                match check_references(start.attributes_raw()) {
                    Err(cause) => refuse(cause),
                    Ok(()) => Ok(Token::Start(Tag { start, place })),
                }
            }
            Ok(Event::End(_)) => {
                self.depth -= 1;
                Ok(Token::End)
            }
            Ok(Event::Text(text)) if self.depth == 0 && !text.trim_ascii().is_empty() => refuse(Cause::OutsideRoot),
            Ok(Event::CData(_)) if self.depth == 0 => refuse(Cause::OutsideRoot),
            Ok(Event::GeneralRef(_)) if self.depth == 0 => refuse(Cause::OutsideRoot),
            Ok(Event::GeneralRef(name)) => match (resolved(&name), references) {
                (Err(cause), _) => refuse(cause),
                (Ok(_), References::LeftOut) => Ok(Token::Between),
                (Ok(c), References::Resolved) => Ok(Token::Text(c.to_string().into())),
            },
            Ok(Event::CData(text)) if references == References::Resolved => Ok(Token::Text(text.into_inner())),
            Ok(Event::DocType(text))
                if self.doctype == Doctype::Skipped && self.elements == 0 && !text.contains('[') =>
            {
                Ok(Token::Between)
            }
            Ok(Event::DocType(_)) => refuse(Cause::Doctype),
            Ok(Event::Eof) if self.elements == 0 => refuse(Cause::Ends { inside: "an empty document".to_owned() }),
            Ok(Event::Eof) if self.depth > 0 => refuse(Cause::Ends { inside: format!("{} open elements", self.depth) }),
            Ok(Event::Eof) => Ok(Token::Done),
            Ok(Event::Text(text)) => Ok(Token::Text(text.into_inner())),
            Ok(Event::CData(text)) => {
                self.cdata = !text.trim_ascii().is_empty();
                Ok(Token::Between)
            }
            Ok(Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::Empty(_)) => Ok(Token::Between),
            Err(quick_xml::Error::Io(error)) => refuse(cause_of(&error)),
            Err(quick_xml::Error::Encoding(_)) => refuse(Cause::NotText { encoding: "UTF-8" }),
            Err(error) => refuse(Cause::Xml { reason: error.to_string() }),
        }
    }
}

impl Tag<'_> {
    /// Returns the name with its prefix.
    pub(super) fn name(&self) -> &str {
        self.start.name().0
    }

    /// Returns where the tag begins.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Returns the values of some attributes, in the order of `wanted`.
    ///
    /// If one of them occurs twice or is longer than [`NAME_BYTES_MAX`], or any is not well-formed, returns an error.
    pub(super) fn attributes<const N: usize>(
        &self,
        wanted: [&'static str; N],
    ) -> Result<[Option<Cow<'_, str>>; N], ReadError> {
        let refuse = |cause| ReadError::at(self.place, cause);
        let mut values = [const { None }; N];
        for attribute in self.start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| refuse(Cause::Xml { reason: error.to_string() }))?;
            let Some(index) = wanted.iter().position(|name| *name == attribute.key.0) else { continue };
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .map_err(|error| refuse(Cause::Xml { reason: error.to_string() }))?;
            if value.len() > NAME_BYTES_MAX {
                let (attribute, bytes) = (wanted[index], value.len());
                return Err(refuse(Cause::NameTooLong { attribute, bytes, bytes_max: NAME_BYTES_MAX }));
            }
            if values[index].replace(value).is_some() {
                return Err(refuse(Cause::AttributeTwice { attribute: wanted[index] }));
            }
        }
        Ok(values)
    }
}

/// Reads a count; what is absent or empty is 0.
pub(super) fn count(tag: &Tag<'_>, attribute: &'static str, value: Option<&str>) -> Result<u64, ReadError> {
    let value = value.unwrap_or_default().trim_ascii();
    if value.is_empty() {
        return Ok(0);
    }
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let refuse = || ReadError::at(tag.place(), Cause::NotACount { attribute, found: value.chars().take(40).collect() });
    if digits { value.parse().map_err(|_| refuse()) } else { Err(refuse()) }
}

/// Refuses an element that names a namespace.
pub(super) fn refuse_namespace(tag: &Tag<'_>, element: &'static str) -> Result<(), ReadError> {
    let [namespace] = tag.attributes(["xmlns"])?;
    no_namespace(tag, element, namespace)
}

/// Refuses an element with this value of `xmlns`, unless it names none.
pub(super) fn no_namespace(
    tag: &Tag<'_>,
    element: &'static str,
    namespace: Option<Cow<'_, str>>,
) -> Result<(), ReadError> {
    match namespace.as_deref() {
        None | Some("") => Ok(()),
        Some(found) => {
            let found = found.chars().take(80).collect();
            Err(ReadError::at(tag.place(), Cause::Namespace { element, found }))
        }
    }
}

/// Checks every reference in the raw attributes of a tag, those that nobody reads included.
fn check_references(raw: &str) -> Result<(), Cause> {
    let mut rest = raw;
    while let Some((_, after)) = rest.split_once('&') {
        let (name, next) =
            after.split_once(';').ok_or_else(|| Cause::Entity { name: after.chars().take(40).collect() })?;
        check_reference(name)?;
        rest = next;
    }
    Ok(())
}

fn check_reference(name: &str) -> Result<(), Cause> {
    resolved(name).map(|_| ())
}

fn resolved(name: &str) -> Result<char, Cause> {
    let known = match name.strip_prefix('#') {
        None => match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => None,
        },
        Some(number) => {
            let code = match number.strip_prefix('x') {
                Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok(),
                None if number.bytes().all(|b| b.is_ascii_digit()) => number.parse().ok(),
                Some(_) | None => None,
            };
            code.filter(|code| *code != 0).and_then(char::from_u32)
        }
    };
    known.ok_or_else(|| Cause::Entity { name: name.chars().take(40).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(mut text: &[u8]) -> Result<u64, Cause> {
        walk_with(Doctype::Refused, &mut text)
    }

    fn walk_with(doctype: Doctype, text: &mut &[u8]) -> Result<u64, Cause> {
        let mut xml = Xml::open(text, doctype).map_err(|error| error.cause)?;
        loop {
            if let Token::Done = xml.next().map_err(|error| error.cause)? {
                return Ok(xml.elements);
            }
        }
    }

    #[test]
    fn whole_documents_are_walked() {
        assert_eq!(
            walk(b"<?xml version='1.0'?>\n<!-- c --><a x='&lt;&#10;'><b/>t&amp;&#x41;<![CDATA[&x;]]></a>\n"),
            Ok(2)
        );
        assert_eq!(walk(b"\xef\xbb\xbf<a/>"), Ok(1));
    }

    #[test]
    fn broken_documents_are_refused() {
        let xml = |text: &str| walk(text.as_bytes()).unwrap_err();
        assert!(matches!(xml("<a><b></a></b>"), Cause::Xml { .. }));
        assert!(matches!(xml("</a>"), Cause::Xml { .. }));
        assert!(matches!(xml("<a"), Cause::Xml { .. }));
        assert_eq!(xml("<a><b>"), Cause::Ends { inside: "2 open elements".into() });
        assert_eq!(xml(" "), Cause::Ends { inside: "an empty document".into() });
        assert_eq!(xml("<a/><b/>"), Cause::OutsideRoot);
        assert_eq!(xml("<a/>x"), Cause::OutsideRoot);
        assert_eq!(xml("x<a/>"), Cause::OutsideRoot);
        assert_eq!(xml("<a/>&lt;"), Cause::OutsideRoot);
        assert_eq!(walk(b"<a>\xff</a>"), Err(Cause::NotText { encoding: "UTF-8" }));
    }

    #[test]
    fn entities_and_document_types_are_refused() {
        let xml = |text: &str| walk(text.as_bytes()).unwrap_err();
        assert_eq!(xml("<!DOCTYPE a><a/>"), Cause::Doctype);
        assert_eq!(xml("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"), Cause::Doctype);
        assert_eq!(xml("<a>&e;</a>"), Cause::Entity { name: "e".into() });
        assert_eq!(xml("<a b='&e;'/>"), Cause::Entity { name: "e".into() });
        assert_eq!(xml("<a b='&#0;'/>"), Cause::Entity { name: "#0".into() });
        assert_eq!(xml("<a>&#xd800;</a>"), Cause::Entity { name: "#xd800".into() });
        assert_eq!(xml("<a>&#+1;</a>"), Cause::Entity { name: "#+1".into() });
    }

    #[test]
    fn a_document_type_is_skipped_only_if_it_declares_nothing() {
        let skip = |text: &str| walk_with(Doctype::Skipped, &mut text.as_bytes());
        assert_eq!(skip("<?xml version='1.0'?><!DOCTYPE a PUBLIC '-//X//EN' \"x.dtd\"><a/>"), Ok(1));
        assert_eq!(skip("<!DOCTYPE a [<!ENTITY e 'x'>]><a/>"), Err(Cause::Doctype));
        assert_eq!(skip("<!DOCTYPE a SYSTEM 'x' []><a/>"), Err(Cause::Doctype));
        assert_eq!(skip("<a/><!DOCTYPE a>"), Err(Cause::Doctype));
        assert_eq!(skip("<!DOCTYPE a><a>&e;</a>"), Err(Cause::Entity { name: "e".into() }));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert_eq!(walk(nested(DEPTH_MAX).as_bytes()), Ok(64));
        assert_eq!(walk(nested(DEPTH_MAX + 1).as_bytes()), Err(Cause::TooDeep { depth_max: DEPTH_MAX }));
    }

    #[test]
    fn one_text_cannot_fill_the_memory() {
        let endless = std::io::repeat(b'x');
        let mut input = std::io::BufReader::new(std::io::Read::chain(&b"<a>"[..], endless));
        let mut xml = Xml::open(&mut input, Doctype::Refused).unwrap();
        assert!(matches!(xml.next(), Ok(Token::Start(_))));
        let refused = xml.next().map(|_| ()).unwrap_err().cause;
        assert_eq!(refused, Cause::TokenTooLarge { bytes_max: TOKEN_BYTES_MAX });
    }
}
