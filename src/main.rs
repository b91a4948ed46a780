//! Hands arguments to [`evidence_ledger::cli::run`].

use std::process::ExitCode;

fn main() -> ExitCode {
    evidence_ledger::cli::run(std::env::args_os())
}
