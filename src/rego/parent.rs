//! The parent's side: starts the child, and gives up on it in time.

use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::CHILD;
use super::child::{MEMORY_BYTES_MAX, PROCESSOR_SECONDS_MAX};
use super::evaluator::RegoError;
use super::wire::{REPLY_BYTES_MAX, Reply, Request};

/// Asks a child of its own, which is dead when this returns.
pub(super) fn reply(program: &Path, request: &Request<'_>) -> Result<Reply, RegoError> {
    let (bytes, status) = run(program, &request.print())?;
    if !status.success() {
        return Err(RegoError::Stopped {
            how: status.to_string(),
            seconds: PROCESSOR_SECONDS_MAX,
            megabytes: MEMORY_BYTES_MAX >> 20,
        });
    }
    Reply::parse(&bytes).ok_or(RegoError::NoAnswer)
}

/// Runs the program with an empty environment and two pipes, and returns what it wrote and how it ended.
///
/// What this program opens is closed on the way; what its caller left open without saying so is not, and nothing in the
/// child could name it.
fn run(program: &Path, request: &[u8]) -> Result<(Vec<u8>, ExitStatus), RegoError> {
    let started = Instant::now();
    let failed = |error| RegoError::Start { program: program.display().to_string(), error };
    let mut command = Command::new(program);
    command.arg(CHILD).env_clear().current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(failed)?;
    let (Some(mut to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
        kill(&mut child);
        return Err(RegoError::NoAnswer);
    };
    std::thread::scope(|scope| {
        // A child that reads nothing must not hold us; that it did not read shows in its reply.
        scope.spawn(move || to.write_all(request).and_then(|()| to.flush()));
        let (sender, receiver) = mpsc::channel();
        scope.spawn(move || {
            let mut bytes = Vec::new();
            let limit = u64::try_from(REPLY_BYTES_MAX).unwrap_or(u64::MAX);
            let read = from.take(limit + 1).read_to_end(&mut bytes);
            // Nobody waits any more where the time is over.
            let _ = sender.send(read.map(|_| bytes));
        });
        let read = receiver.recv_timeout(TIME_MAX.saturating_sub(started.elapsed()));
        let status = if read.is_ok() { wait(&mut child, started) } else { None };
        // Before the threads are joined: its end of the pipes is what they wait for.
        kill(&mut child);
        match (read, status) {
            (Ok(Ok(bytes)), Some(status)) => Ok((bytes, status)),
            (Ok(Err(error)), _) => Err(failed(error)),
            (Ok(Ok(_)), None) | (Err(_), _) => Err(RegoError::TimedOut { seconds: TIME_MAX.as_secs() }),
        }
    })
}

/// Waits for the end of a child that has closed its output.
fn wait(child: &mut Child, started: Instant) -> Option<ExitStatus> {
    while started.elapsed() < TIME_MAX {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}

fn kill(child: &mut Child) {
    // It has ended, or ends now; either way it is reaped.
    let _ = child.kill();
    let _ = child.wait();
}

/// More than the processor time that the child may take: this stops a child that does not get to run.
const TIME_MAX: Duration = Duration::from_secs(30);
