//! Checkstyle XML -> facts about findings. ESLint and many other linters write it too.
//!
//! ```xml
//! <checkstyle version="10.20">
//!   <file name="src/Cart.java">
//!     <error line="3" column="5" severity="warning" message="Missing a Javadoc." source="MissingJavadoc"/>
//! ```
//!
//! Severity: error high, warning medium, info low; `ignore` counts as a low one that the tool calls suppressed; any other word, or
//! none, is unknown. A file that the tool could not look at makes the report inconclusive, and so does a report without any file:
//! whoever writes one only for files with findings cannot be told from who looked at none.
//!
//! Fingerprint, as netstrings after the tool (`checkstyle`), an empty category and the rule (`source`): `place`, the file, the
//! message. Lines are left out: a line added above is no new finding, and one more of the same kind is counted.

use std::io::BufRead;

use sha2::{Digest as _, Sha256};

use super::detect::foreign_root;
use super::tally::{FindingTally, netstring, shown};
use super::xml::{Doctype, Tag, Token, Xml, refuse_namespace};
use super::{Cause, Detail, Finding, Format, MESSAGE_CHARS_MAX, ReadError, Report};
use crate::model::{Digest, Severity};

/// Reads a Checkstyle report.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut xml = Xml::open(input, Doctype::Refused)?;
    let mut walk = Walk { open: Vec::new(), tally: FindingTally::new(detail), files: 0, exceptions: 0 };
    loop {
        match xml.next()? {
            Token::Start(tag) => walk.start(&tag)?,
            Token::End => drop(walk.open.pop()),
            Token::Text(_) | Token::Between => {}
            Token::Done => return Ok(walk.finish()),
        }
    }
}

struct Walk {
    /// The open elements from the root in.
    open: Vec<Node>,
    tally: FindingTally,
    files: u64,
    exceptions: u64,
}

enum Node {
    Root,
    File(String),
    Other,
}

impl Walk {
    fn start(&mut self, tag: &Tag<'_>) -> Result<(), ReadError> {
        let refuse = |cause| ReadError::at(tag.place(), cause);
        let node = match (self.open.last(), tag.name()) {
            (None, "checkstyle") => {
                refuse_namespace(tag, "checkstyle")?;
                Node::Root
            }
            (None, root) => {
                let (found, foreign) = (root.chars().take(40).collect(), foreign_root(root));
                return Err(refuse(Cause::Root { found, foreign, title: "Checkstyle", wanted: "checkstyle" }));
            }
            (Some(Node::Root), "file") => {
                self.files += 1;
                let [name] = tag.attributes(["name"])?;
                Node::File(name.unwrap_or_default().into_owned())
            }
            (Some(Node::File(file)), "error") => {
                finding(&mut self.tally, tag, file)?;
                Node::Other
            }
            (Some(Node::Root | Node::File(_)), "exception") => {
                self.exceptions += 1;
                Node::Other
            }
            (Some(_), "error") => {
                return Err(refuse(Cause::Misplaced { element: "error", inside: "inside what is no file" }));
            }
            (Some(_), "file") => {
                return Err(refuse(Cause::Misplaced { element: "file", inside: "inside another element" }));
            }
            (Some(_), _) => Node::Other,
        };
        self.open.push(node);
        Ok(())
    }

    fn finish(mut self) -> Report {
        self.tally.ran("checkstyle");
        let mut doubts = Vec::new();
        if self.exceptions > 0 {
            doubts.push(format!("the tool could not look at everything: {} exceptions", self.exceptions));
        }
        if self.files == 0 {
            doubts.push("the report names no file, so nothing shows that one was looked at".to_owned());
        }
        self.tally.finish(Format::Checkstyle, doubts)
    }
}

fn finding(tally: &mut FindingTally, tag: &Tag<'_>, file: &str) -> Result<(), ReadError> {
    let [line, severity, message, source] = tag.attributes(["line", "severity", "message", "source"])?;
    let (message, rule) = (message.unwrap_or_default(), source.unwrap_or_default());
    let (severity, suppressed) = match severity.as_deref() {
        Some("error") => (Severity::High, false),
        Some("warning") => (Severity::Medium, false),
        Some("info") => (Severity::Low, false),
        Some("ignore") => (Severity::Low, true),
        Some(_) | None => (Severity::Unknown, false),
    };
    let mut hash = Sha256::new_with_prefix("evidence-finding/v1\n");
    for text in ["checkstyle", "", &rule, "place", file, &message] {
        netstring(&mut hash, text);
    }
    let fingerprint = Digest(hash.finalize().into());
    let added = tally.add(fingerprint, Some(severity), suppressed, || Finding {
        fingerprint,
        tool: "checkstyle".to_owned(),
        rule: shown(&rule, 200),
        severity: Some(severity),
        suppressed,
        file: shown(file, MESSAGE_CHARS_MAX),
        line: line.as_deref().and_then(|line| line.parse().ok()),
        message: shown(&message, MESSAGE_CHARS_MAX),
    });
    added.map_err(|cause| ReadError::at(tag.place(), cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FindingFacts, Outcome};
    use crate::reports::{read as read_facts, read_report};

    fn facts(inside: &str) -> (Outcome, FindingFacts) {
        let text = format!("<checkstyle version='1'>{inside}</checkstyle>");
        let facts = read_facts(Format::Checkstyle, &mut text.as_bytes()).unwrap();
        (facts.outcome, facts.findings.unwrap())
    }

    fn error(attributes: &str) -> String {
        format!("<file name='a'><error line='1' {attributes}/></file>")
    }

    fn refused(text: &str) -> Cause {
        read_facts(Format::Checkstyle, &mut text.as_bytes()).unwrap_err().cause
    }

    #[test]
    fn severities_are_those_of_the_tool() {
        let of = |word: &str| facts(&error(&format!("severity='{word}'"))).1;
        assert_eq!((of("error").high, of("warning").medium, of("info").low), (1, 1, 1));
        assert_eq!((of("ignore").low, of("ignore").suppressed), (1, 1));
        for word in ["", "Error", "fatal"] {
            assert_eq!(of(word).unknown, 1, "{word}");
        }
        assert_eq!(facts(&error("")).1.unknown, 1);
    }

    #[test]
    fn findings_do_not_fail_and_no_file_is_no_scan() {
        assert_eq!(facts(&error("severity='error'")).0, Outcome::Pass);
        assert_eq!(facts("<file name='a'/>").0, Outcome::Pass);
        assert_eq!(facts("").0, Outcome::Inconclusive);
        assert_eq!(facts("<file name='a'><exception>x</exception></file>").0, Outcome::Inconclusive);
    }

    #[test]
    fn findings_cannot_hide_and_other_documents_are_refused() {
        let text = |inside: &str| format!("<checkstyle>{inside}</checkstyle>");
        assert!(matches!(refused(&text("<x><error/></x>")), Cause::Misplaced { .. }));
        assert!(matches!(refused(&text("<x><file/></x>")), Cause::Misplaced { .. }));
        assert!(matches!(refused(&text("<error/>")), Cause::Misplaced { .. }));
        assert!(matches!(refused("<pmd/>"), Cause::Root { foreign: Some("PMD"), .. }));
        assert!(matches!(refused("<checkstyle xmlns='u'/>"), Cause::Namespace { .. }));
    }

    #[test]
    fn lines_are_no_part_of_a_fingerprint() {
        let of = |text: &str| facts(text).1.fingerprints;
        let base = of(&error("message='m' source='s' severity='info'"));
        assert_eq!(
            base,
            of("<file name='a'><error line='77' column='3' severity='info' source='s' message='m'/></file>")
        );
        for other in ["message='n' source='s' severity='info'", "message='m' source='t' severity='info'"] {
            assert_ne!(base, of(&error(other)));
        }
        let text = "<checkstyle><file name='src/a'><error line='7' severity='info' message='m'/></file></checkstyle>";
        let report = read_report(Format::Checkstyle, &mut text.as_bytes()).unwrap();
        assert_eq!((report.findings[0].file.as_str(), report.findings[0].line), ("src/a", Some(7)));
    }
}
