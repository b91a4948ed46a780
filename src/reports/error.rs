//! Why a report is not read, and where in it.

use std::fmt;
use std::io;

/// A place in a report: both count from 1, the column in bytes of UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The byte in that line.
    pub column: u64,
}

/// A report is refused: the place where the cause begins, and the cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {cause}")]
pub struct ReadError {
    /// Where.
    pub place: Place,
    /// Why.
    pub cause: Cause,
}

/// Why a report is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The file could not be read.
    #[error("the file cannot be read: {kind}")]
    Io {
        /// What the operating system said.
        kind: io::ErrorKind,
    },
    /// Too many bytes.
    #[error("the report has more than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// One element of a document, or what is left of it without the elements of its lists, is too large.
    #[error("one part of the report has more than {bytes_max} bytes")]
    PartTooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// One tag or text is too long.
    #[error("one tag or text has more than {bytes_max} bytes")]
    TokenTooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// Nested too deep.
    #[error("elements are nested deeper than {depth_max}")]
    TooDeep {
        /// The limit.
        depth_max: usize,
    },
    /// Too many of something.
    #[error("the report has more than {count_max} {things}")]
    TooMany {
        /// Elements, cases or results.
        things: &'static str,
        /// The limit.
        count_max: u64,
    },
    /// A name is too long.
    #[error("attribute `{attribute}` has {bytes} bytes; wanted at most {bytes_max}")]
    NameTooLong {
        /// The attribute.
        attribute: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A line is too long.
    #[error("the line has more than {bytes_max} bytes")]
    LineTooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// An encoding without decoder.
    #[error("the encoding is `{found}`; wanted UTF-8, UTF-16, ISO-8859-1 or ISO-8859-15")]
    Encoding {
        /// The name in the declaration.
        found: String,
    },
    /// The bytes are not what the encoding allows.
    #[error("these bytes are not {encoding}")]
    NotText {
        /// The encoding.
        encoding: &'static str,
    },
    /// Not well-formed.
    #[error("not well-formed XML: {reason}")]
    Xml {
        /// What the parser says.
        reason: String,
    },
    /// Not JSON, or a key occurs twice.
    #[error("{reason}")]
    Json {
        /// What the parser says.
        reason: String,
    },
    /// Not YAML, or of what YAML allows something that has no one meaning.
    #[error("{reason}")]
    Yaml {
        /// What the parser says.
        reason: String,
    },
    /// A document type declaration.
    #[error("a document type declaration stands in the report; wanted none")]
    Doctype,
    /// An entity beyond the five.
    #[error("the entity `{name}` stands in the report; wanted lt, gt, amp, quot, apos or a character reference")]
    Entity {
        /// Its name, cut at 40 characters.
        name: String,
    },
    /// The document ends too early.
    #[error("the report ends inside {inside}")]
    Ends {
        /// What is open.
        inside: String,
    },
    /// Something follows the root element.
    #[error("something stands outside the root element; wanted nothing")]
    OutsideRoot,
    /// An attribute occurs twice.
    #[error("the attribute `{attribute}` occurs twice")]
    AttributeTwice {
        /// Its name.
        attribute: &'static str,
    },
    /// Another kind of document.
    #[error("the root element is `{found}`{}; wanted {wanted}", foreign.map(|name| format!(": this is {name}, not {title}")).unwrap_or_default())]
    Root {
        /// The element, cut at 40 characters.
        found: String,
        /// The format that has this root, if it is known.
        foreign: Option<&'static str>,
        /// The format that was to be read.
        title: &'static str,
        /// The root of that format.
        wanted: &'static str,
    },
    /// An element of another namespace.
    #[error("`{element}` is of the namespace `{found}`; wanted none")]
    Namespace {
        /// The element.
        element: &'static str,
        /// The namespace, cut at 80 characters.
        found: String,
    },
    /// An element where it has no meaning.
    #[error("`{element}` stands {inside}, where it has no meaning")]
    Misplaced {
        /// The element.
        element: &'static str,
        /// Where it stands.
        inside: &'static str,
    },
    /// A count that is no number.
    #[error("attribute `{attribute}` is `{found}`; wanted a number")]
    NotACount {
        /// The attribute.
        attribute: &'static str,
        /// Its value, cut at 40 characters.
        found: String,
    },
    /// A suite declares failures that are not there: it was cut or edited.
    #[error("{} declares {}; found {found}", of_suite(suite), failures(*declared))]
    FailuresMissing {
        /// The suite's name, cut; empty if it has none, or is the whole report.
        suite: String,
        /// Declared.
        declared: u64,
        /// Found.
        found: u64,
    },
    /// A record is not what the format allows.
    #[error("found `{found}`; wanted {wanted}")]
    Record {
        /// The record, cut.
        found: String,
        /// What the format allows.
        wanted: &'static str,
    },
    /// A value that weighs is not what the format allows.
    #[error("`{pointer}` is {found}; wanted {wanted}")]
    Value {
        /// The place as a JSON pointer.
        pointer: String,
        /// The value, cut, or `absent`.
        found: String,
        /// What the format allows.
        wanted: &'static str,
    },
    /// Parts of the report lie in other files, and nothing is fetched.
    #[error("`{pointer}` names {what} in other files; wanted them inside the report")]
    External {
        /// The place as a JSON pointer.
        pointer: String,
        /// What lies elsewhere.
        what: &'static str,
    },
    /// A summary contradicts the lines above it.
    #[error("the summary says {declared} {what}; found {found}")]
    Recount {
        /// Which of its counts.
        what: &'static str,
        /// What it says.
        declared: u64,
        /// What stands above it.
        found: u64,
    },
    /// A summary that cannot be read.
    #[error("the summary is `{found}`; wanted `test result: ok. 1 passed; 0 failed; ..`")]
    Summary {
        /// The line, cut.
        found: String,
    },
    /// A summary without a run that it could be of.
    #[error("a summary without a line `running N tests` before it")]
    SummaryAlone,
    /// The run printed no names.
    #[error("the run printed no names for its {tests} tests; wanted one line each, as without --quiet")]
    Quiet {
        /// How many tests it announced.
        tests: u64,
    },
}

impl ReadError {
    pub(super) fn at(place: Place, cause: Cause) -> Self {
        Self { place, cause }
    }
}

fn of_suite(name: &str) -> String {
    if name.is_empty() { "the report".to_owned() } else { format!("the suite `{name}`") }
}

fn failures(declared: u64) -> String {
    if declared == 1 { "1 failure or error".to_owned() } else { format!("{declared} failures and errors") }
}

impl Place {
    /// The first byte.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}
