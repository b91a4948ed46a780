//! The only place that prints, reads the environment, or exits; one file a command.

mod allow;
mod anchor;
mod args;
mod attest;
mod audit;
mod baseline;
mod branch;
mod context;
mod convict;
mod demo;
mod draft;
mod explain;
mod export;
mod extent;
mod facts;
mod fail;
mod files;
mod forges;
mod form;
mod help;
mod history;
mod host;
mod impact;
mod init;
mod key;
mod keys;
mod lease;
mod ledger;
mod log;
mod log_keys;
mod merge;
mod next;
mod on_base;
mod plan;
mod policy;
mod progress;
mod pushed;
mod record;
#[cfg(feature = "rego")]
mod rego;
mod remember;
mod restore;
mod review;
mod show;
mod standing;
mod status;
mod succession;
mod table;
mod verify;
mod write;

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use args::{Args, Command};
use context::Context;
use fail::Fail;

/// Runs the program and returns its exit code.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    hide_memory();
    #[cfg(feature = "rego")]
    if let Some(code) = rego::child(&arguments) {
        return code;
    }
    let args = match Args::read(&arguments) {
        Ok(args) => args,
        Err(error) => return usage(&error, &arguments),
    };
    let json = args.json;
    let attests = matches!(&args.command, Command::Attest(attest) if !attest.command.is_empty());
    let failed = |exit| if attests { 125 } else { exit };
    match dispatch(args) {
        Ok(0) if UNTOLD.load(Ordering::Relaxed) => ExitCode::from(failed(2)),
        Ok(code) => ExitCode::from(code),
        Err(fail) => {
            let code = fail.of_command.unwrap_or(failed(fail.exit));
            fail.print(json, code);
            ExitCode::from(code)
        }
    }
}

/// Keeps keys from commands that run as the same user: the environment and the memory of this process can then be read by
/// nobody who may not trace any process, and no core is dumped (prctl(2), `PR_SET_DUMPABLE`; proc(5)).
fn hide_memory() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // A kernel that does not know it protects nothing, and what is protected otherwise goes on.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

fn dispatch(args: Args) -> Result<u8, Fail> {
    let context = Context::new(&args)?;
    match args.command {
        Command::Init(args) => init::run(&context, &args),
        Command::Help(args) => help::run(&args, context.json),
        Command::Key(args) => key::run(&context, &args),
        Command::Policy(args) => policy::run(&context, &args),
        Command::Plan(args) => plan::run(&context, &args),
        Command::Attest(args) => attest::run(&context, args),
        Command::Facts(args) => facts::run(&context, &args),
        Command::Review(args) => review::run(&context, &args),
        Command::Allow(args) => allow::run(&context, &args),
        Command::Baseline(args) => baseline::run(&context, &args),
        Command::Verify(args) => verify::run(&context, &args),
        Command::Status(args) => status::run(&context, &args),
        Command::Show(args) => show::run(&context, &args),
        Command::Log(args) => log::run(&context, &args),
        Command::Record(args) => record::run(&context, &args),
        Command::Ledger(args) => ledger::run(&context, &args),
        Command::Demo(args) => demo::run(&args),
        Command::Export(args) => export::run(&context, &args),
        Command::Audit(args) => audit::run(&context, &args),
    }
}

fn usage(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let asked = matches!(error.kind(), clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion);
    if asked {
        print(&error.render().to_string());
        return ExitCode::SUCCESS;
    }
    let attests = arguments.iter().any(|word| word == "attest") && arguments.iter().any(|word| word == "--");
    let code = if attests { 125 } else { 2 };
    if arguments.iter().take_while(|word| *word != "--").any(|word| word == "--json") {
        Fail::usage(sentence(&error.render().to_string())).print(true, code);
    } else {
        eprint(&error.render().ansi().to_string());
    }
    ExitCode::from(code)
}

/// Returns what is wrong with the words in one line: without how they are used, and with the names that stand below it.
fn sentence(rendered: &str) -> String {
    let lines = rendered.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more "));
    let parts: Vec<&str> = lines.map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut text = String::new();
    for part in parts {
        match (text.is_empty(), text.ends_with(':'), part.starts_with("tip:")) {
            (true, _, _) => text.push_str(part.trim_start_matches("error: ")),
            (_, true, _) => text.push_str(&format!(" {part}")),
            (_, _, true) => text.push_str(&format!("; {part}")),
            _ => text.push_str(&format!(", {part}")),
        }
    }
    text
}

/// Prints the answer.
fn print(text: &str) {
    let mut out = anstream::stdout().lock();
    told(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Notes an answer that nobody got, on a full disk for example. A reader who went away is no error of ours.
fn told(written: std::io::Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
        && !UNTOLD.swap(true, Ordering::Relaxed)
    {
        eprint(&format!("error: the answer cannot be written: {error}\n"));
    }
}

/// Whether the answer, or a part of it, could not be written.
static UNTOLD: AtomicBool = AtomicBool::new(false);

/// Prints what is not the answer.
fn eprint(text: &str) {
    let mut out = anstream::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints a value as the answer.
fn print_json(value: &serde_json::Value) {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    print(&format!("{text}\n"));
}

/// Prints a value that may be long as the answer, piece by piece.
fn print_long_json(value: &impl serde::Serialize) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from);
    told(written.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()));
}
