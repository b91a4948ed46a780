#!/usr/bin/env bash
# Everything that must hold before a change merges: format, lints, documentation, tests, the verifier alone.
set -euo pipefail
cd "$(dirname "$0")"
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
step() { printf '\n== %s\n' "$*"; "$@"; }
# The second auditor is a Python script; without these two it is skipped, and says so.
if command -v python3 >/dev/null; then
  python3 -c 'import cryptography, jsonschema' 2>/dev/null || python3 -m pip install --quiet cryptography jsonschema || true
fi
step cargo fmt --check
step cargo clippy --locked --all-targets -- -D warnings
step cargo clippy --locked --lib --no-default-features -- -D warnings
RUSTDOCFLAGS="-D warnings" step cargo doc --locked --no-deps
step cargo test --locked
EVIDENCE_FUZZ_SECONDS=5 step cargo test --locked --test fuzz
step cargo build --locked --no-default-features --examples
step cargo run --locked -- demo
