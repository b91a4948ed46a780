//! The Rego of policies, run: the only place between a question of the judge and its answer.
//!
//! A module may only add refusals: whatever it says, nothing that the rest of the policy refuses is accepted by it. It runs
//! in a child process of the program `evidence`, which takes its limits before it reads anything: a module is written by
//! whoever may change the policy, and reaches an auditor in a file from a stranger. A limit that is hit is no verdict.
//!
//! ```text
//! judge -> Question -> child: bounds, parse, allowed functions, evaluate -> Answer -> judge
//! ```
//! A build without the feature `rego` reads policies with Rego and cannot judge by them. Out of scope: what is asked, and
//! what an answer does to a verdict (`verify`).

#[cfg(feature = "rego")]
mod child;
#[cfg(feature = "rego")]
mod engine;
mod evaluator;
#[cfg(feature = "rego")]
mod parent;
#[cfg(feature = "rego")]
mod wire;

#[cfg(feature = "rego")]
pub use child::{MEMORY_BYTES_MAX, PROCESSOR_SECONDS_MAX, serve};
pub use evaluator::{Evaluator, Mistake, RegoError};

/// The first argument by which the program knows that it is the child.
pub const CHILD: &str = "rego-child";
