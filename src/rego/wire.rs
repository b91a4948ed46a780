//! What passes between the program and its child: one request on stdin, one line of JSON on stdout.
//!
//! ```text
//! evidence-rego/v1 evaluate <bytes of the module> <bytes of the input>\n<module><input>
//! ```
//! It names what it was asked by hash, so that an answer cannot be taken for that to another question.

use serde::{Deserialize, Serialize};

use super::evaluator::Mistake;
use crate::model::Digest;
use crate::policy::REGO_BYTES_MAX;
use crate::verify::{Denial, Said};

/// What the child is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// What is wrong with a module.
    Check {
        /// The module.
        rego: &'a str,
    },
    /// What a module says to an input.
    Evaluate {
        /// The module.
        rego: &'a str,
        /// The input.
        input: &'a [u8],
    },
}

/// What the child says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// To [`Request::Check`].
    Checked {
        /// The hash of what was asked.
        question: Digest,
        /// The first thing that is wrong.
        mistake: Option<Mistake>,
    },
    /// To [`Request::Evaluate`].
    Said {
        /// The hash of what was asked.
        question: Digest,
        /// What it came to.
        said: Said,
    },
    /// More than anybody reads.
    TooMuch(String),
}

impl<'a> Request<'a> {
    pub(super) fn print(&self) -> Vec<u8> {
        let (word, rego, input): (_, _, &[u8]) = match self {
            Self::Check { rego } => ("check", rego, b""),
            Self::Evaluate { rego, input } => ("evaluate", rego, input),
        };
        let head = format!("{HEAD} {word} {} {}\n", rego.len(), input.len());
        [head.as_bytes(), rego.as_bytes(), input].concat()
    }

    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (head, body) = (std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]);
        let [word, module, input] = head.strip_prefix(HEAD)?.strip_prefix(' ')?.split(' ').collect::<Vec<_>>()[..]
        else {
            return None;
        };
        let (module, input) = (module.parse::<usize>().ok()?, input.parse::<usize>().ok()?);
        if module > REGO_BYTES_MAX || body.len() != module.checked_add(input)? {
            return None;
        }
        let (rego, input) = body.split_at(module);
        let rego = std::str::from_utf8(rego).ok()?;
        match word {
            "check" if input.is_empty() => Some(Self::Check { rego }),
            "evaluate" => Some(Self::Evaluate { rego, input }),
            _ => None,
        }
    }
}

/// The JSON of a reply.
#[derive(Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case", deny_unknown_fields)]
enum Line {
    Checked { engine: String, question: Digest, mistake: Option<Place> },
    Denied { engine: String, question: Digest, denials: Vec<Denied> },
    Nothing { engine: String, question: Digest, text: String },
    TooMuch { engine: String, text: String },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    place: Option<(usize, usize)>,
    text: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Denied {
    thing: Option<String>,
    found: String,
    wanted: Option<String>,
}

impl Reply {
    pub(super) fn print(self) -> Vec<u8> {
        let engine = ENGINE.to_owned();
        let line = match self {
            Self::Checked { question, mistake } => {
                let mistake = mistake.map(|Mistake { place, text }| Place { place, text });
                Line::Checked { engine, question, mistake }
            }
            Self::Said { question, said: Said::Denied(denials) } => {
                let denied = |Denial { thing, found, wanted }| Denied { thing, found, wanted };
                Line::Denied { engine, question, denials: denials.into_iter().map(denied).collect() }
            }
            Self::Said { question, said: Said::Nothing(text) } => Line::Nothing { engine, question, text },
            Self::TooMuch(text) => Line::TooMuch { engine, text },
        };
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > REPLY_BYTES_MAX {
            return None;
        }
        let (engine, reply) = match serde_json::from_slice(bytes.strip_suffix(b"\n")?).ok()? {
            Line::Checked { engine, question, mistake } => {
                let mistake = mistake.map(|Place { place, text }| Mistake { place, text });
                (engine, Self::Checked { question, mistake })
            }
            Line::Denied { engine, question, denials } => {
                let denial = |Denied { thing, found, wanted }| Denial { thing, found, wanted };
                (engine, Self::Said { question, said: Said::Denied(denials.into_iter().map(denial).collect()) })
            }
            Line::Nothing { engine, question, text } => (engine, Self::Said { question, said: Said::Nothing(text) }),
            Line::TooMuch { engine, text } => (engine, Self::TooMuch(text)),
        };
        (engine == ENGINE).then_some(reply)
    }
}

/// The interpreter, which a verdict depends on: another one is another number.
const ENGINE: &str = "regorus/0.10.1";
const HEAD: &str = "evidence-rego/v1";
/// What the child may write: denials within their own bounds stay far below.
pub(super) const REPLY_BYTES_MAX: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_replies_read_back_the_same() {
        for request in [
            Request::Check { rego: "package evidence\n" },
            Request::Evaluate { rego: "package evidence", input: b"{\"a\":\"\\n\"}" },
        ] {
            let bytes = request.print();
            assert_eq!(Request::parse(&bytes), Some(request));
            assert_eq!(Request::parse(&bytes[..bytes.len() - 1]), None);
            assert_eq!(Request::parse(&[&bytes[..], b"x"].concat()), None);
        }
        let question = Digest([7; 32]);
        let denial = Denial { thing: None, found: "x".into(), wanted: Some("y".into()) };
        for reply in [
            Reply::Checked { question, mistake: Some(Mistake { place: Some((1, 2)), text: "x".into() }) },
            Reply::Said { question, said: Said::Denied(vec![denial]) },
            Reply::Said { question, said: Said::Nothing("x".into()) },
            Reply::TooMuch("x".into()),
        ] {
            let bytes = reply.clone().print();
            assert_eq!(Reply::parse(&bytes), Some(reply));
            assert_eq!(Reply::parse(&bytes[..bytes.len() - 1]), None);
            let other = String::from_utf8(bytes).unwrap().replace(ENGINE, "regorus/0.10.2");
            assert_eq!(Reply::parse(other.as_bytes()), None);
        }
    }
}
