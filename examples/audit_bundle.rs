//! Audits a bundle through the library, as a program of an auditor's own would: no store, no command line.
//!
//! ```text
//! cargo run --no-default-features --example audit_bundle -- change.zip trust.toml
//! ```

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use evidence_ledger::export::{Bundle, audit};
use evidence_ledger::prove::Trust;
use evidence_ledger::rego::Evaluator;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bundle, trust] = arguments.as_slice() else { return Err("wanted BUNDLE and TRUST".into()) };
    let trust = Trust::parse(&std::fs::read_to_string(trust)?)?;
    // Whoever wants to judge by policies with Rego names the program that runs it; without one they are an error.
    let audited = audit(&Bundle::open(Path::new(bundle))?, &trust, None, &Evaluator::none())?;
    for finding in &audited.decided.verdict().findings {
        println!("refused: {}", finding.sentence());
    }
    println!("{} records checked, accepted: {}", audited.records, audited.decided.accepted());
    Ok(if audited.decided.accepted() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
