//! Secrets that an attempt would carry into the ledger for good: found in words and output, and masked; found in a report, and
//! then the report is not kept.
//!
//! A secret is the value of a variable whose name says so, what an argument gives to a flag or header whose name says so, the
//! password of a URL, and what has the form of a well-known token or of a private key; a value also in base64, hex, and as URLs spell it.
//! What is none of these is not recognized.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::bytes::Regex;

/// The secrets that a process knows.
#[derive(Debug, Clone)]
pub struct Secrets {
    values: Option<AhoCorasick>,
    /// Those that are long enough to be no accident in a file, and where each comes from.
    long: Option<AhoCorasick>,
    from: Vec<String>,
    forms: Regex,
    /// What is given to a header or a host in any text.
    given: Regex,
}

/// Masks a stream line by line.
#[derive(Debug, Default)]
pub(super) struct Masking {
    held: Vec<u8>,
    in_key: bool,
}

impl Secrets {
    /// Gathers the secrets among variables and in the words of a command.
    #[must_use]
    pub fn among(variables: impl IntoIterator<Item = (OsString, OsString)>, words: &[OsString]) -> Self {
        let mut values: BTreeMap<Vec<u8>, String> = BTreeMap::new();
        let mut add = |value: &[u8], from: &str| {
            let mut note = |value: &[u8]| {
                if value.len() >= SECRET_BYTES_MIN {
                    values.entry(value.to_vec()).or_insert_with(|| from.to_owned());
                }
            };
            // A key of many lines shows up line by line.
            value.split(|byte| *byte == b'\n' || *byte == b'\r').for_each(&mut note);
            if value.len() >= SECRET_BYTES_MIN {
                spellings(value).iter().for_each(|spelling| note(spelling));
            }
        };
        for (name, value) in variables {
            let (name, value, from) = (name.as_bytes(), value.as_bytes(), format!("the variable {}", name.display()));
            if is_secret(name) && !is_path(value) {
                add(value, &from);
            }
            in_url(value, &mut |value| add(value, &from));
        }
        let mut before: &[u8] = b"";
        for word in words.iter().map(|word| word.as_bytes()) {
            in_word(before, word, &mut |value| add(value, "an argument"));
            before = word;
        }
        let long: Vec<(&Vec<u8>, &String)> = values.iter().filter(|(value, _)| value.len() >= LONG_BYTES_MIN).collect();
        let (found, from): (Vec<&Vec<u8>>, Vec<&String>) = long.into_iter().unzip();
        Self {
            long: automaton(&found, MatchKind::Standard),
            from: from.into_iter().cloned().collect(),
            values: automaton(&values.keys().collect::<Vec<_>>(), MatchKind::LeftmostLongest),
            forms: Regex::new(FORMS).expect("it is a constant"),
            given: Regex::new(GIVEN).expect("it is a constant"),
        }
    }

    /// Returns a text without its secrets.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        let mut masking = Masking::default();
        let mut out = Vec::new();
        masking.take(self, text.as_bytes(), &mut |bytes| out.extend_from_slice(bytes));
        masking.finish(self, &mut |bytes| out.extend_from_slice(bytes));
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Returns where the secret comes from whose value a file holds, if it holds one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn first_in(&self, file: &mut impl Read) -> io::Result<Option<&str>> {
        let Some(long) = &self.long else { return Ok(None) };
        let found = long.stream_find_iter(file).next().transpose()?;
        Ok(found.and_then(|found| self.from.get(found.pattern().as_usize())).map(String::as_str))
    }

    fn masked(&self, line: &[u8]) -> Vec<u8> {
        let line = match &self.values {
            Some(values) => values.replace_all_bytes(line, &vec![MASK; values.patterns_len()]),
            None => line.to_vec(),
        };
        let line = self.given.replace_all(&line, GIVEN_MASKED).into_owned();
        self.forms.replace_all(&line, MASK).into_owned()
    }
}

impl Masking {
    /// Takes bytes, and gives on what is complete.
    pub(super) fn take(&mut self, secrets: &Secrets, bytes: &[u8], give: &mut dyn FnMut(&[u8])) {
        self.held.extend_from_slice(bytes);
        let Some(end) = self.held.iter().rposition(|byte| *byte == b'\n') else {
            if self.held.len() > LINE_BYTES_MAX {
                // What is masked is masked for good; only the end may still become a secret.
                let line = std::mem::take(&mut self.held);
                let masked = self.line(secrets, &line);
                let kept = masked.len().saturating_sub(TAIL_BYTES);
                give(&masked[..kept]);
                self.held.extend_from_slice(&masked[kept..]);
            }
            return;
        };
        let rest = self.held.split_off(end + 1);
        let lines = std::mem::replace(&mut self.held, rest);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let masked = self.line(secrets, line);
            give(&masked);
        }
    }

    /// Gives on what is left.
    pub(super) fn finish(&mut self, secrets: &Secrets, give: &mut dyn FnMut(&[u8])) {
        let rest = std::mem::take(&mut self.held);
        let masked = self.line(secrets, &rest);
        give(&masked);
    }

    fn line(&mut self, secrets: &Secrets, line: &[u8]) -> Vec<u8> {
        let holds = |what: &[u8]| line.windows(what.len()).any(|part| part == what);
        let private = holds(b"PRIVATE KEY-----");
        if private && holds(b"-----BEGIN ") {
            self.in_key = !holds(b"-----END ");
            return secrets.masked(line);
        }
        if private && holds(b"-----END ") {
            self.in_key = false;
        } else if self.in_key && !line.is_empty() {
            return if line.ends_with(b"\n") { b"***\n".to_vec() } else { b"***".to_vec() };
        }
        secrets.masked(line)
    }
}

/// Finds the secrets in a word: what is given to a name, a header or a host.
fn in_word(before: &[u8], word: &[u8], add: &mut impl FnMut(&[u8])) {
    let flag = before.strip_prefix(b"-");
    if flag.is_some_and(|flag| !flag.contains(&b'=') && is_secret(flag)) && !word.starts_with(b"-") && !is_path(word) {
        add(word);
    }
    // `--password=x`, `API_TOKEN=x`, also inside of a script.
    for part in word.split(|byte| byte.is_ascii_whitespace() || b";&|'\"()".contains(byte)) {
        if let Some(at) = part.iter().position(|byte| *byte == b'=')
            && is_secret(&part[..at])
            && !is_path(&part[at + 1..])
            && !part[at + 1..].starts_with(b"$")
        {
            add(&part[at + 1..]);
        }
        in_url(part, add);
    }
    // `curl -u user:password`
    if USER_FLAGS.contains(&before)
        && let Some(colon) = word.iter().position(|byte| *byte == b':')
    {
        add(&word[colon + 1..]);
    }
    // `Authorization: Bearer x`, `X-Api-Key: x`
    if let Some(colon) = find(word, b": ")
        && is_secret(&word[..colon])
    {
        let given = word[colon + 2..].trim_ascii();
        // The name of a scheme is none.
        let scheme =
            given.iter().position(|byte| *byte == b' ').filter(|at| given[..*at].iter().all(u8::is_ascii_alphabetic));
        given[scheme.unwrap_or(0)..].split(|byte| byte.is_ascii_whitespace()).for_each(add);
    }
}

/// Finds the password of a URL: `https://user:password@host`.
fn in_url(text: &[u8], add: &mut impl FnMut(&[u8])) {
    if let Some(scheme) = find(text, b"://") {
        let rest = &text[scheme + 3..];
        let host = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        if let Some(at) = rest[..host].iter().rposition(|byte| *byte == b'@')
            && let Some(colon) = rest[..at].iter().position(|byte| *byte == b':')
        {
            add(&rest[colon + 1..at]);
        }
    }
}

/// Returns how programs spell a value that they print: in base64, hex, and within a URL.
fn spellings(value: &[u8]) -> [Vec<u8>; 6] {
    let percent = |byte: &u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        plain if plain.is_ascii_alphanumeric() => char::from(*plain).to_string(),
        other => format!("%{other:02X}"),
    };
    let in_url: String = value.iter().map(percent).collect();
    let in_path = in_url.replace("%2F", "/");
    // Whatever comes behind the value, a line end say, changes the last letters alone.
    let whole = &value[..value.len() / 3 * 3];
    [
        STANDARD_NO_PAD.encode(whole).into_bytes(),
        URL_SAFE_NO_PAD.encode(whole).into_bytes(),
        hex::encode(value).into_bytes(),
        hex::encode_upper(value).into_bytes(),
        in_url.into_bytes(),
        in_path.into_bytes(),
    ]
}

/// Returns whether a name says that its value is secret.
fn is_secret(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_uppercase().replace('-', "_");
    let ends = ["_KEY", "_PAT", "_PWD", "_PASS", "APIKEY", "_AUTH", "COOKIE"].iter().any(|end| name.ends_with(end));
    ends || name == "KEY" || SAYS_SO.iter().any(|word| name.contains(word))
}

/// Names of files are no secrets.
fn is_path(value: &[u8]) -> bool {
    [&b"/"[..], b"./", b"../", b"~"].iter().any(|start| value.starts_with(start))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|part| part == what)
}

fn automaton(values: &[&Vec<u8>], kind: MatchKind) -> Option<AhoCorasick> {
    if values.is_empty() {
        return None;
    }
    // Values that make no automaton would be beyond any memory.
    AhoCorasick::builder().match_kind(kind).build(values).ok()
}

/// Parts of names that say so.
const SAYS_SO: [&str; 13] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "API_KEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "AUTHORIZATION",
    "WEBHOOK",
    "CONNECTION_STRING",
    "CANARY",
];
/// Tokens of forges, clouds and chats that their makers gave a form, and JSON Web Tokens (RFC 7519).
const FORMS: &str = r"(?-u)gh[oprsu]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}|(?:AKIA|ASIA)[0-9A-Z]{16}|xox[abeoprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{35}|sk-[A-Za-z0-9_-]{20,}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{16,}|AGE-SECRET-KEY-1[0-9A-Z]{20,}|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+";
/// What follows the name of such a header, and the password of a URL.
const GIVEN: &str =
    r"(?i-u)(authorization: *(?:basic|bearer|digest|token) +)[^\s,;'\x22]+|(://[^\s/:@]{0,256}:)[^\s/@]+(@)";
const GIVEN_MASKED: &[u8] = b"$1$2***$3";
const MASK: &[u8] = b"***";
/// Flags that are followed by a user and a password.
const USER_FLAGS: [&[u8]; 2] = [b"-u", b"--user"];
/// Shorter values stand in any text by accident.
const SECRET_BYTES_MIN: usize = 6;
/// A report with a shorter one is kept: to leave a report out for an accident would be worse.
const LONG_BYTES_MIN: usize = 10;
/// A line of more than this is masked in pieces.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// No secret that is looked for is longer.
const TAIL_BYTES: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(variables: &[(&str, &str)], words: &[&str]) -> Secrets {
        let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Secrets::among(variables, &words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn values_of_secret_variables_are_masked_and_others_are_not() {
        let secrets = secrets(&[("API_TOKEN", "abcdef123"), ("CI_JOB", "abcdef456"), ("MY_KEY", "/etc/my.pem")], &[]);
        assert_eq!(secrets.mask("a abcdef123 b abcdef456 /etc/my.pem"), "a *** b abcdef456 /etc/my.pem");
    }

    #[test]
    fn words_that_give_a_secret_are_masked() {
        let words = [
            "curl",
            "--password",
            "hunter22",
            "--api-key=tok-12345",
            "Authorization: Bearer zyx987",
            "https://ann:letmein1@host/a",
            "sh -c 'DB_PASSWORD=qwertz99 run --token $TOKEN'",
            "--verbose",
            "--key",
            "./a.pem",
        ];
        let secrets = secrets(&[], &words);
        let masked: Vec<String> = words.iter().map(|word| secrets.mask(word)).collect();
        assert_eq!(
            masked,
            [
                "curl",
                "--password",
                "***",
                "--api-key=***",
                "Authorization: Bearer ***",
                "https://ann:***@host/a",
                "sh -c 'DB_PASSWORD=*** run --token $TOKEN'",
                "--verbose",
                "--key",
                "./a.pem"
            ]
        );
    }

    #[test]
    fn secret_is_masked_however_it_is_spelled() {
        let secrets = secrets(&[("A_SECRET", "pass w/ord$9")], &["curl", "-u", "ann:letmein1"]);
        for spelled in [
            "pass w/ord$9",
            "pass%20w%2Ford%249",
            "pass%20w/ord%249",
            "7061737320772f6f72642439",
            "cGFzcyB3L29yZCQ5",
            "letmein1",
        ] {
            assert_eq!(secrets.mask(&format!("a {spelled} b")), "a *** b", "{spelled}");
        }
        assert_eq!(secrets.mask("cGFzcyB3L29yZCQ5Cg=="), "***Cg==", "with a line end");
    }

    #[test]
    fn passwords_of_urls_and_headers_are_masked_in_any_text() {
        let secrets = secrets(&[("DATABASE", "postgres://ann:letmein1@db/shop"), ("MY_COOKIE", "abcdef123")], &[]);
        for (text, masked) in [
            (
                "see http://ben:pw@host:80/a and http://host:8080/a",
                "see http://ben:***@host:80/a and http://host:8080/a",
            ),
            ("> authorization: bearer abc.def\n", "> authorization: bearer ***\n"),
            ("authorization: required here", "authorization: required here"),
            ("it is letmein1, abcdef123", "it is ***, ***"),
        ] {
            assert_eq!(secrets.mask(text), masked);
        }
    }

    #[test]
    fn tokens_and_private_keys_are_masked_wherever_they_come_from() {
        let secrets = secrets(&[], &[]);
        let token = format!("ghp_{}", "a1".repeat(18));
        assert_eq!(secrets.mask(&format!("x {token} y\n")), "x *** y\n");
        let key = "a\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\nAAAA\n-----END OPENSSH PRIVATE KEY-----\nb\n";
        assert!(!secrets.mask(key).contains("b3Blbn") && secrets.mask(key).ends_with("-----\nb\n"));
        assert_eq!(secrets.mask("plain text\r\nof two lines"), "plain text\r\nof two lines");
    }

    #[test]
    fn secret_that_comes_in_pieces_is_masked() {
        let secrets = secrets(&[("A_SECRET", "0123456789abcdef")], &[]);
        for long in [0, 10, LINE_BYTES_MAX, 3 * LINE_BYTES_MAX] {
            let text = format!("{}0123456789abcdef end", "x".repeat(long));
            for piece in [1, 7, 4096] {
                let (mut masking, mut out) = (Masking::default(), Vec::new());
                if long > 10 && piece < 4096 {
                    continue;
                }
                for part in text.as_bytes().chunks(piece) {
                    masking.take(&secrets, part, &mut |bytes| out.extend_from_slice(bytes));
                }
                masking.finish(&secrets, &mut |bytes| out.extend_from_slice(bytes));
                assert_eq!(String::from_utf8(out).unwrap(), format!("{}*** end", "x".repeat(long)));
            }
        }
    }

    #[test]
    fn file_with_a_secret_is_found() {
        let secrets = secrets(&[("A_SECRET", "0123456789abcdef")], &[]);
        let found = secrets.first_in(&mut &b"<out>0123456789abcdef</out>"[..]).unwrap();
        assert_eq!(found, Some("the variable A_SECRET"));
        assert_eq!(secrets.first_in(&mut &b"<out>0123456789abcde</out>"[..]).unwrap(), None);
    }
}
