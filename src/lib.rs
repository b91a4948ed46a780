//! Proof that a change is fit to merge.
//!
//! ```text
//! plan -> start -> result ... -> review -> verify -> merge
//!   each: statement -> envelope -> accept -> entry -> checkpoint -> receipt
//! ```
//! Types carry the proof, each made only by its check:
//! [`crypto::Envelope`] -> [`crypto::Authentic`] -> [`prove::Logged`] -> [`prove::Complete`] -> [`verify::Decided`], and
//! [`verify::Rechecked`] made only by hashing and reading the materials. The product in one line:
//! [`verify::judge`]`(&Complete<Change>, &Rechecked, &GitFacts, now) -> Verdict`: no store, clock or network.
//!
//! The steps of the command line are the steps here: [`attest::Signer`] signs and appends, [`attest::Attempt`] runs a gate,
//! [`append::Appender`] makes records durable, [`store::Log`] reads them, [`verify::judge`] judges.
//! With `--no-default-features` the library is the verifier alone: no store, no command line.
#![cfg_attr(
    not(feature = "store"),
    expect(rustdoc::broken_intra_doc_links, reason = "the map names what this build leaves out")
)]

#[cfg(feature = "store")]
pub mod append;
#[cfg(feature = "store")]
pub mod attest;
#[cfg(feature = "cli")]
pub mod cli;
pub mod crypto;
pub mod export;
pub mod git;
pub mod manual;
pub mod merkle;
pub mod model;
pub mod policy;
pub mod prove;
pub mod rego;
pub mod reports;
#[cfg(feature = "store")]
pub mod store;
#[cfg(feature = "store")]
pub mod trace;
pub mod verify;
