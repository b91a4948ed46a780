//! The program as its own child that runs the Rego of policies. No command: nothing of it is for people.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::rego::{CHILD, serve};

/// Answers on stdout what is asked on stdin, if that is what the program was started for.
pub(super) fn child(arguments: &[OsString]) -> Option<ExitCode> {
    let [_, word] = arguments else { return None };
    if word.as_os_str() != CHILD {
        return None;
    }
    // Whoever asked sees the exit code, and takes no answer for what it is.
    Some(match serve(std::io::stdin().lock(), std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
    })
}
