//! Proof that a change is fit to merge.
#![doc = ""]

#[cfg(feature = "store")]
pub mod append;
pub mod crypto;
pub mod git;
pub mod merkle;
pub mod model;
pub mod policy;
pub mod prove;
pub mod reports;
#[cfg(feature = "store")]
pub mod store;
pub mod verify;
