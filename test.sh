#!/usr/bin/env bash
# Everything that must hold before a change merges: format, lints, documentation, tests, the verifier alone.
set -euo pipefail
cd "$(dirname "$0")"
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
step() { printf '\n== %s\n' "$*"; "$@"; }
step cargo fmt --check
step cargo clippy --locked --all-targets -- -D warnings
step cargo clippy --locked --lib --no-default-features -- -D warnings
RUSTDOCFLAGS="-D warnings" step cargo doc --locked --no-deps
step cargo test --locked
step cargo build --locked --no-default-features --examples
step cargo run --locked -- demo
