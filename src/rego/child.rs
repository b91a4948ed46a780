//! The child's side: takes its limits, reads one request, writes one reply.

use std::io::{self, Read, Write};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::engine;
use super::wire::{Reply, Request};
use crate::verify::question_digest;

/// Takes the limits of a child, answers the request on `input` and writes the reply to `output`.
///
/// After the limits, nothing can be opened, written to a disk or started, and what takes too long or too much ends the
/// process.
///
/// # Errors
/// If a limit cannot be taken, or nothing that can be read is asked: then nothing is answered.
pub fn serve(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    confine()?;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "no request");
    let reply = match Request::parse(&bytes).ok_or_else(wrong)? {
        Request::Check { rego } => {
            Reply::Checked { question: question_digest(rego.as_bytes(), b""), mistake: engine::check(rego).err() }
        }
        Request::Evaluate { rego, input } => {
            let question = question_digest(rego.as_bytes(), input);
            match engine::evaluate(rego, input) {
                Ok(said) => Reply::Said { question, said },
                Err(text) => Reply::TooMuch(text),
            }
        }
    };
    output.write_all(&reply.print())?;
    output.flush()
}

/// Takes the limits, for ever: the hard ones too.
fn confine() -> io::Result<()> {
    for (resource, limit) in [
        (Resource::Core, 0),
        (Resource::As, MEMORY_BYTES_MAX),
        (Resource::Cpu, PROCESSOR_SECONDS_MAX),
        (Resource::Fsize, 0),
        // Beyond the three that are open.
        (Resource::Nofile, 3),
        (Resource::Nproc, 0),
    ] {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}

/// What a module and its input may take, the program itself included.
pub const MEMORY_BYTES_MAX: u64 = 512 << 20;
/// A module that is meant well takes milliseconds.
pub const PROCESSOR_SECONDS_MAX: u64 = 5;
