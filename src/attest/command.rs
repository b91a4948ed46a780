//! Running a command under an attempt: its output passed through and kept, its end recorded, whatever it is.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::capture::{Kept, Recording};
use super::secrets::Secrets;
use crate::model::Ended;
use crate::store::{Blobs, StoreError};

/// What is to run.
#[derive(Clone)]
pub struct CommandSpec {
    /// Program and arguments.
    pub argv: Vec<OsString>,
    /// The variables that it must not see.
    pub hidden: Vec<OsString>,
    /// How long it may run.
    pub timeout: Option<Duration>,
    /// What is masked in its words and its output.
    pub secrets: Arc<Secrets>,
    /// Whether its output is kept.
    pub keep_output: bool,
    /// Whether it reads from a terminal; then it stays in our process group.
    pub on_terminal: bool,
    /// Where it runs; none is where we are.
    pub folder: Option<PathBuf>,
}

/// Where the command's output goes while it runs.
pub struct Echo {
    /// Its standard output.
    pub stdout: Box<dyn Write + Send>,
    /// Its standard error.
    pub stderr: Box<dyn Write + Send>,
}

/// Signals that ask us to end.
pub type Interrupts = Receiver<i32>;

/// How it went.
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// Why it could not be started.
    pub not_started: Option<std::io::Error>,
    /// How long it ran.
    pub duration: Duration,
    pub(super) stdout: Option<Kept>,
    pub(super) stderr: Option<Kept>,
}

enum Event {
    Exited(std::io::Result<ExitStatus>),
    Output(usize, Result<Option<Kept>, StoreError>),
}

/// Runs a command to its end.
pub(super) fn run(spec: &CommandSpec, blobs: &Blobs, echo: Echo, interrupts: &Interrupts) -> Result<Ran, StoreError> {
    let began = Instant::now();
    let mut child = match spawn(spec) {
        Ok(child) => child,
        Err(error) => {
            return Ok(Ran {
                ended: Ended::NotStarted,
                not_started: Some(error),
                duration: began.elapsed(),
                stdout: None,
                stderr: None,
            });
        }
    };
    let (sender, events) = channel();
    let pid = Pid::from_child(&child);
    let pipes = (child.stdout.take(), child.stderr.take());
    if let (Some(stdout), Some(stderr)) = pipes {
        record(0, stdout, echo.stdout, spec, blobs, &sender)?;
        record(1, stderr, echo.stderr, spec, blobs, &sender)?;
    }
    let waiter = sender;
    thread::spawn(move || {
        let status = child.wait();
        let _ = waiter.send(Event::Exited(status));
    });
    let mut watch = Watch { pid, group: !spec.on_terminal, interrupted: false, timed_out: false, kill_at: None };
    let mut kept: [Option<Kept>; 2] = [None, None];
    let mut open = 2;
    let mut status = None;
    let mut linger = None;
    while status.is_none() || open > 0 {
        watch.look(
            interrupts,
            spec.timeout.filter(|_| status.is_none()).is_some_and(|timeout| began.elapsed() >= timeout),
        );
        if linger.is_some_and(|until| Instant::now() >= until) {
            // What the command left running in the background still holds its output: it no longer belongs to the attempt.
            break;
        }
        match events.recv_timeout(TICK) {
            Ok(Event::Exited(ended)) => {
                status = Some(ended);
                linger = Some(Instant::now() + LINGER);
            }
            Ok(Event::Output(index, output)) => {
                kept[index] = output?;
                open -= 1;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let ended = match (watch.timed_out, watch.interrupted, status) {
        (true, _, _) => Ended::TimedOut,
        (_, true, _) => Ended::Interrupted,
        (_, _, Some(Ok(status))) => ended(status),
        (_, _, _) => Ended::NotStarted,
    };
    let [stdout, stderr] = kept;
    Ok(Ran { ended, not_started: None, duration: began.elapsed(), stdout, stderr })
}

fn spawn(spec: &CommandSpec) -> std::io::Result<Child> {
    let (program, arguments) = spec.argv.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in &spec.hidden {
        command.env_remove(name);
    }
    if let Some(folder) = &spec.folder {
        command.current_dir(folder).env("PWD", folder).env_remove("OLDPWD");
    }
    if !spec.on_terminal {
        command.process_group(0);
    }
    command.spawn()
}

fn record(
    index: usize,
    mut from: impl std::io::Read + Send + 'static,
    mut echo: Box<dyn Write + Send>,
    spec: &CommandSpec,
    blobs: &Blobs,
    events: &Sender<Event>,
) -> Result<(), StoreError> {
    let recording = if spec.keep_output { Some(Recording::begin(blobs, Arc::clone(&spec.secrets))?) } else { None };
    let events = events.clone();
    thread::spawn(move || {
        let output = match recording {
            Some(mut recording) => match recording.copy(&mut from, &mut echo) {
                Ok(()) => recording.finish().map(Some),
                Err(error) => Err(error.into()),
            },
            None => {
                let _ = std::io::copy(&mut from, &mut echo);
                Ok(None)
            }
        };
        let _ = events.send(Event::Output(index, output));
    });
    Ok(())
}

struct Watch {
    pid: Pid,
    group: bool,
    interrupted: bool,
    timed_out: bool,
    kill_at: Option<Instant>,
}

impl Watch {
    fn look(&mut self, interrupts: &Interrupts, time_is_over: bool) {
        if interrupts.try_recv().is_ok() {
            // The second Ctrl-C does not wait.
            self.signal(if self.interrupted { Signal::KILL } else { Signal::INT });
            self.interrupted = true;
            self.kill_at.get_or_insert(Instant::now() + GRACE);
        }
        if time_is_over && !self.timed_out {
            self.timed_out = true;
            self.signal(Signal::TERM);
            self.kill_at = Some(Instant::now() + GRACE);
        }
        if self.kill_at.is_some_and(|at| Instant::now() >= at) {
            self.signal(Signal::KILL);
            self.kill_at = None;
        }
    }

    fn signal(&self, signal: Signal) {
        // It may have ended meanwhile; then there is nobody to tell.
        let _ = if self.group { kill_process_group(self.pid, signal) } else { kill_process(self.pid, signal) };
    }
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exited { code: u8::try_from(code & 0xff).unwrap_or(u8::MAX) },
        (None, Some(signal)) => Ended::Signalled { signal: u8::try_from(signal & 0x7f).unwrap_or(u8::MAX) },
        (None, None) => Ended::NotStarted,
    }
}

/// How often signals and time are looked at.
const TICK: Duration = Duration::from_millis(20);
/// How long a command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How long output may come after the command ended.
const LINGER: Duration = Duration::from_secs(2);
