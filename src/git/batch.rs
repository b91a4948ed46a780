//! One long-lived `git cat-file --batch`: a name in, an object out (`git help cat-file`).
//!
//! ```text
//! > HEAD^{commit}
//! < 31d9a9692c9b44ad1fb4914a7e423ebc221a0d02 commit 116
//! < (116 bytes and a line feed)
//! > nothing
//! < nothing missing
//! ```
//! Out of scope: whether the bytes have the id; whoever reads them out of the answer hashes them.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::objects::{Kind, OBJECT_BYTES_MAX};
use super::run::{Git, GitError};
use crate::model::Oid;

/// The running process.
#[derive(Debug)]
pub(super) struct Batch {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// An answer was not read to its end, so nothing after it can be trusted.
    broken: bool,
}

/// What git has under a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// An object, as hashed.
    Found { oid: Oid, kind: Kind, raw: Vec<u8> },
    /// Nothing.
    Missing,
    /// More than one object.
    Ambiguous,
}

impl Batch {
    /// Starts the process in a folder. If that is in no repository, the first question fails.
    ///
    /// # Errors
    /// [`GitError::Start`].
    pub(super) fn start(git: &Git, dir: &Path) -> Result<Self, GitError> {
        let started = git
            .command(dir)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            // Nobody would empty the pipe; what matters is in the answers.
            .stderr(Stdio::null())
            .spawn();
        let mut child = started.map_err(|source| GitError::Start { program: git.program().to_owned(), source })?;
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("the command was built with a piped stdout"));
        Ok(Self { child, requests, answers, broken: false })
    }

    /// Asks for what one name means; a name with a line feed is two.
    ///
    /// # Errors
    /// [`GitError::TooLarge`] if the object exceeds [`OBJECT_BYTES_MAX`], [`GitError::Output`] if the process has ended
    /// or answers what cannot be read.
    pub(super) fn ask(&mut self, request: &str) -> Result<Answer, GitError> {
        let unreadable = |reason| GitError::Output { command: COMMAND.to_owned(), reason };
        if request.contains('\n') || self.broken {
            return Err(unreadable("one name a line; an earlier answer was cut off, or the name holds a line feed"));
        }
        self.broken = true;
        let answer = self.exchange(request).map_err(|_| unreadable("it ended before its answer did"))?;
        self.broken = matches!(answer, Exchanged::Unreadable);
        match answer {
            Exchanged::Answer(answer) => Ok(answer),
            Exchanged::TooLarge { oid, bytes } => Err(GitError::TooLarge { oid, bytes, max: OBJECT_BYTES_MAX }),
            Exchanged::Unreadable => Err(unreadable("wanted `<id> <type> <size>`, `missing` or `ambiguous`")),
        }
    }

    fn exchange(&mut self, request: &str) -> io::Result<Exchanged> {
        let pipe = self.requests.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        pipe.write_all(format!("{request}\n").as_bytes())?;
        let mut line = Vec::new();
        (&mut self.answers).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        let Some(line) = line.strip_suffix(b"\n") else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        // The name is repeated as it was asked, so it is compared and not searched.
        match line.strip_prefix(request.as_bytes()) {
            Some(b" missing") => return Ok(Exchanged::Answer(Answer::Missing)),
            Some(b" ambiguous") => return Ok(Exchanged::Answer(Answer::Ambiguous)),
            Some(_) | None => {}
        }
        // Newer gits say so of an entry that names another repository's commit.
        if line.ends_with(b" submodule") {
            return Ok(Exchanged::Answer(Answer::Missing));
        }
        let Some((oid, kind, size)) = parse_found(line) else { return Ok(Exchanged::Unreadable) };
        if size > OBJECT_BYTES_MAX {
            let rest = u64::try_from(size).map_err(io::Error::other)?.saturating_add(1);
            io::copy(&mut (&mut self.answers).take(rest), &mut io::sink())?;
            return Ok(Exchanged::TooLarge { oid, bytes: size });
        }
        let mut raw = format!("{} {size}\0", kind.word()).into_bytes();
        let start = raw.len();
        raw.resize(start + size, 0);
        self.answers.read_exact(&mut raw[start..])?;
        let mut end = [0];
        self.answers.read_exact(&mut end)?;
        Ok(if end == *b"\n" { Exchanged::Answer(Answer::Found { oid, kind, raw }) } else { Exchanged::Unreadable })
    }
}

impl Drop for Batch {
    /// Ends the process and waits for it, so that none stays behind.
    fn drop(&mut self) {
        drop(self.requests.take());
        // An answer that nobody read may fill the pipe; it is of no use to anyone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

enum Exchanged {
    Answer(Answer),
    TooLarge { oid: Oid, bytes: usize },
    Unreadable,
}

fn parse_found(line: &[u8]) -> Option<(Oid, Kind, usize)> {
    let mut words = str::from_utf8(line).ok()?.split(' ');
    let found = (words.next()?.parse().ok()?, Kind::from_word(words.next()?.as_bytes())?, words.next()?.parse().ok()?);
    words.next().is_none().then_some(found)
}

const COMMAND: &str = "cat-file --batch";
/// A path may have 4096 bytes, and a name a path; the rest is slack.
const LINE_BYTES_MAX: u64 = 16 << 10;
