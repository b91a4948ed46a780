//! The type system language of GraphQL -> [`Schema`].
//!
//! A parser of our own: the grammar is small, values and uses of directives are skipped, and every step is bounded by the text. Text
//! that no definition begins with is refused, so a document of queries is no schema.

use std::collections::BTreeSet;

use super::graphql::{Field, Schema, Type, Value};
use super::limits::DEPTH_MAX;
use super::tally::shown;
use super::{Cause, Place, ReadError};

/// Reads a document of definitions and extensions.
pub(super) fn schema(bytes: &[u8]) -> Result<Schema, ReadError> {
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| ReadError::at(Place::START, Cause::NotText { encoding: "UTF-8" }))?;
    let mut parser = Parser {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
        here: Place::START,
        next: None,
        defined: BTreeSet::new(),
    };
    let mut found = Schema::default();
    while parser.peek()?.kind != Kind::End {
        parser.definition(&mut found)?;
    }
    // Without a definition of the schema, operations begin at the types of these names.
    if found.roots.is_empty() {
        for (operation, name) in [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")] {
            if found.types.contains_key(name) {
                found.roots.insert(operation, name.to_owned());
            }
        }
    }
    Ok(found)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    Punctuator,
    /// A text, one over several lines among them.
    Text,
    Number,
    End,
}

#[derive(Clone, Copy)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
    place: Place,
}

struct Parser<'a> {
    rest: &'a str,
    here: Place,
    next: Option<Token<'a>>,
    /// The types that are defined, and not only extended.
    defined: BTreeSet<&'a str>,
}

impl<'a> Parser<'a> {
    fn definition(&mut self, found: &mut Schema) -> Result<(), ReadError> {
        let described = self.peek()?.kind == Kind::Text;
        if described {
            self.take()?;
        }
        let extends = !described && self.peek()?.text == "extend";
        if extends {
            self.take()?;
        }
        let word = self.take()?;
        let kind = match word.text {
            _ if word.kind != Kind::Name => return Err(refuse(&word, DEFINITION)),
            "schema" => return self.roots(found),
            "directive" if !extends => return self.directive(found),
            "type" => "type",
            "interface" => "interface",
            "union" => "union",
            "enum" => "enum",
            "input" => "input",
            "scalar" => "scalar",
            _ => return Err(refuse(&word, DEFINITION)),
        };
        let name = self.name()?;
        if !extends && !self.defined.insert(name.text) {
            return Err(refuse(&name, "each type once"));
        }
        let mut of = found.types.remove(name.text).unwrap_or(Type { kind, ..Type::default() });
        if of.kind != kind {
            return Err(refuse(&name, "an extension of the kind of its type"));
        }
        self.body(&mut of)?;
        found.types.insert(name.text.to_owned(), of);
        Ok(())
    }

    /// Reads what follows the name of a type.
    fn body(&mut self, of: &mut Type) -> Result<(), ReadError> {
        if matches!(of.kind, "type" | "interface") && self.takes("implements")? {
            self.takes("&")?;
            // Of old, interfaces stood there without a sign between.
            while self.peek()?.kind == Kind::Name {
                of.interfaces.insert(self.take()?.text.to_owned());
                self.takes("&")?;
            }
        }
        self.directives()?;
        match of.kind {
            "type" | "interface" => self.list("{", "}", &mut |parser| {
                let name = parser.name()?.text.to_owned();
                let mut arguments = Vec::new();
                parser.list("(", ")", &mut |parser| parser.value(&mut arguments))?;
                parser.want(":")?;
                let kind = parser.kind()?;
                parser.directives()?;
                of.fields.push(Field { name, kind, arguments });
                Ok(())
            }),
            "input" => {
                let inputs = &mut of.inputs;
                self.list("{", "}", &mut |parser| parser.value(inputs))
            }
            "enum" => self.list("{", "}", &mut |parser| {
                of.members.insert(parser.name()?.text.to_owned());
                parser.directives()
            }),
            "union" if self.takes("=")? => {
                self.takes("|")?;
                of.members.insert(self.name()?.text.to_owned());
                while self.takes("|")? {
                    of.members.insert(self.name()?.text.to_owned());
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Reads `{ query: Query }` behind `schema`.
    fn roots(&mut self, found: &mut Schema) -> Result<(), ReadError> {
        self.directives()?;
        self.list("{", "}", &mut |parser| {
            let word = parser.name()?;
            let known = ["query", "mutation", "subscription"].into_iter().find(|known| *known == word.text);
            let operation = known.ok_or_else(|| refuse(&word, "query, mutation or subscription"))?;
            parser.want(":")?;
            found.roots.insert(operation, parser.name()?.text.to_owned());
            Ok(())
        })
    }

    /// Reads `@name(arguments) repeatable on A | B` behind `directive`.
    fn directive(&mut self, found: &mut Schema) -> Result<(), ReadError> {
        self.want("@")?;
        let name = self.name()?;
        let mut arguments = Vec::new();
        self.list("(", ")", &mut |parser| parser.value(&mut arguments))?;
        self.takes("repeatable")?;
        self.want("on")?;
        self.takes("|")?;
        self.name()?;
        while self.takes("|")? {
            self.name()?;
        }
        match found.directives.insert(name.text.to_owned(), arguments) {
            None => Ok(()),
            Some(_) => Err(refuse(&name, "each directive once")),
        }
    }

    /// Reads an argument or a field of an input.
    fn value(&mut self, values: &mut Vec<Value>) -> Result<(), ReadError> {
        let name = self.name()?.text.to_owned();
        self.want(":")?;
        let kind = self.kind()?;
        let has_default = self.takes("=")?;
        if has_default {
            let first = self.take()?;
            match first.text {
                "[" | "{" if first.kind == Kind::Punctuator => self.skip_to_close(&first)?,
                _ if matches!(first.kind, Kind::Punctuator | Kind::End) => return Err(refuse(&first, "a value")),
                _ => {}
            }
        }
        self.directives()?;
        values.push(Value { name, kind, has_default });
        Ok(())
    }

    /// Reads a type.
    fn kind(&mut self) -> Result<String, ReadError> {
        let mut depth = 0_usize;
        let start = self.peek()?.place;
        while self.takes("[")? {
            depth += 1;
            if depth > DEPTH_MAX {
                return Err(ReadError::at(start, Cause::TooDeep { depth_max: DEPTH_MAX }));
            }
        }
        let mut text = "[".repeat(depth);
        text.push_str(self.name()?.text);
        loop {
            if self.takes("!")? {
                text.push('!');
            }
            if depth == 0 {
                return Ok(text);
            }
            self.want("]")?;
            text.push(']');
            depth -= 1;
        }
    }

    /// Reads a list between brackets, if one begins here; before each of its elements a description is skipped.
    fn list(
        &mut self,
        open: &str,
        close: &'static str,
        element: &mut dyn FnMut(&mut Self) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if !self.takes(open)? {
            return Ok(());
        }
        while !self.takes(close)? {
            if self.peek()?.kind == Kind::Text {
                self.take()?;
            }
            element(self)?;
        }
        Ok(())
    }

    /// Skips uses of directives.
    fn directives(&mut self) -> Result<(), ReadError> {
        while self.takes("@")? {
            self.name()?;
            let next = self.peek()?;
            if next.text == "(" && next.kind == Kind::Punctuator {
                let open = self.take()?;
                self.skip_to_close(&open)?;
            }
        }
        Ok(())
    }

    /// Skips to the bracket that closes the one that was taken.
    fn skip_to_close(&mut self, open: &Token<'a>) -> Result<(), ReadError> {
        let mut closes = vec![closing(open.text)];
        while let Some(wanted) = closes.last() {
            let token = self.take()?;
            match token.text {
                _ if token.kind == Kind::End => {
                    return Err(ReadError::at(token.place, Cause::Ends { inside: "brackets".to_owned() }));
                }
                _ if token.kind != Kind::Punctuator => {}
                "(" | "[" | "{" if closes.len() > DEPTH_MAX => {
                    return Err(ReadError::at(token.place, Cause::TooDeep { depth_max: DEPTH_MAX }));
                }
                "(" | "[" | "{" => closes.push(closing(token.text)),
                ")" | "]" | "}" if token.text != *wanted => return Err(refuse(&token, wanted)),
                ")" | "]" | "}" => drop(closes.pop()),
                _ => {}
            }
        }
        Ok(())
    }

    fn name(&mut self) -> Result<Token<'a>, ReadError> {
        let token = self.take()?;
        if token.kind == Kind::Name { Ok(token) } else { Err(refuse(&token, "a name")) }
    }

    fn want(&mut self, text: &'static str) -> Result<(), ReadError> {
        let token = self.take()?;
        let is_it = token.text == text && matches!(token.kind, Kind::Punctuator | Kind::Name);
        if is_it { Ok(()) } else { Err(refuse(&token, text)) }
    }

    /// Takes the next token if it is this one.
    fn takes(&mut self, text: &str) -> Result<bool, ReadError> {
        let token = self.peek()?;
        let is_it = token.text == text && matches!(token.kind, Kind::Punctuator | Kind::Name);
        if is_it {
            self.take()?;
        }
        Ok(is_it)
    }

    fn peek(&mut self) -> Result<Token<'a>, ReadError> {
        let token = match self.next {
            Some(token) => token,
            None => self.read()?,
        };
        self.next = Some(token);
        Ok(token)
    }

    fn take(&mut self) -> Result<Token<'a>, ReadError> {
        let token = self.peek()?;
        self.next = None;
        Ok(token)
    }

    /// Reads the next token; white space, commas and comments are skipped.
    fn read(&mut self) -> Result<Token<'a>, ReadError> {
        loop {
            let blank = self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\n', '\r', ',', '\u{feff}']).len();
            self.advance(blank);
            if !self.rest.starts_with('#') {
                break;
            }
            let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
            self.advance(end);
        }
        let place = self.here;
        let Some(first) = self.rest.chars().next() else { return Ok(Token { kind: Kind::End, text: "", place }) };
        let (kind, bytes) = match first {
            'a'..='z' | 'A'..='Z' | '_' => (Kind::Name, self.span(|c| c.is_ascii_alphanumeric() || c == '_')),
            '0'..='9' | '-' => (Kind::Number, self.span(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.'))),
            '"' => (Kind::Text, self.text_bytes()?),
            '!' | '$' | '&' | '(' | ')' | ':' | '=' | '@' | '[' | ']' | '{' | '|' | '}' => (Kind::Punctuator, 1),
            '.' if self.rest.starts_with("...") => (Kind::Punctuator, 3),
            other => {
                let found = shown(&other.to_string(), 1);
                return Err(ReadError::at(place, Cause::Record { found, wanted: "a token of GraphQL" }));
            }
        };
        let text = self.advance(bytes);
        Ok(Token { kind, text, place })
    }

    fn span(&self, is_part: impl Fn(char) -> bool) -> usize {
        self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len())
    }

    /// Returns the length of the text that begins here, its quotes included.
    fn text_bytes(&self) -> Result<usize, ReadError> {
        let ends = || ReadError::at(self.here, Cause::Ends { inside: "a text".to_owned() });
        if let Some(block) = self.rest.strip_prefix("\"\"\"") {
            let mut from = 0;
            loop {
                let at = block[from..].find("\"\"\"").map(|at| from + at).ok_or_else(ends)?;
                // A block says its own quotes with one backslash before all three.
                if !block[..at].ends_with('\\') {
                    return Ok(at + 6);
                }
                from = at + 3;
            }
        }
        let mut escaped = false;
        for (at, byte) in self.rest.bytes().enumerate().skip(1) {
            match byte {
                b'\n' | b'\r' => return Err(ends()),
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => return Ok(at + 1),
                _ => {}
            }
        }
        Err(ends())
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let (passed, rest) = self.rest.split_at(bytes);
        self.here.pass(passed.as_bytes());
        self.rest = rest;
        passed
    }
}

fn closing(open: &str) -> &'static str {
    match open {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

fn refuse(token: &Token<'_>, wanted: &'static str) -> ReadError {
    if token.kind == Kind::End {
        return ReadError::at(token.place, Cause::Ends { inside: "a definition".to_owned() });
    }
    ReadError::at(token.place, Cause::Record { found: shown(token.text, 60), wanted })
}

const DEFINITION: &str = "a definition of a schema: schema, type, interface, union, enum, input, scalar or directive";
