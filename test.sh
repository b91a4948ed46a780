#!/usr/bin/env bash
# Everything that must hold before a change merges: format, lints, documentation, tests, the verifier alone.
#
# In a clean work tree each gate runs under `evidence attest`, with a ledger and keys that are thrown away, and at the end `evidence verify` judges
# the project by its own policy (`.evidence/policy.toml`). In a work tree with changes the gates run by themselves: nothing could be accepted.
set -euo pipefail
cd "$(dirname "$0")"
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
# The second auditor is a Python script; without these two it is skipped, and says so.
if command -v python3 >/dev/null; then
  python3 -c 'import cryptography, jsonschema' 2>/dev/null || python3 -m pip install --quiet cryptography jsonschema || true
fi
# A server that speaks S3; without it the tests of buckets are skipped, and say so.
if command -v python3 >/dev/null && ! command -v moto_server >/dev/null; then
  python3 -m pip install --quiet 'moto[s3,server]' || true
fi

own=
if [ -z "$(git status --porcelain 2>/dev/null || echo no)" ]; then
  cargo build --locked
  own=$(mktemp -d)
  trap 'rm -rf "$own"' EXIT
  cp target/debug/evidence "$own/evidence"
  # Made in a clone, so that nothing of it lies in this work tree.
  git clone --quiet --no-local . "$own/clone"
  XDG_CONFIG_HOME=$own/config "$own/evidence" -C "$own/clone" --ledger "$own/ledger" init --repository evidence >/dev/null
  cp "$own/clone/.evidence/trust.toml" "$own/trust.toml"
fi

# The program on the throwaway ledger.
by_ourselves() {
  XDG_CONFIG_HOME=$own/config EVIDENCE_LEDGER=$own/ledger EVIDENCE_TRUST=$own/trust.toml EVIDENCE_CHANGE=evidence/this \
    "$own/evidence" "$@"
}

gate() {
  local claim=$1
  shift
  printf '\n== %s: %s\n' "$claim" "$*"
  if [ -n "$own" ]; then
    by_ourselves attest "$claim" -- env -u XDG_CONFIG_HOME "$@"
  else
    "$@"
  fi
}

gate format cargo fmt --check
gate lints bash -c 'cargo clippy --locked --all-targets -- -D warnings && cargo clippy --locked --lib --no-default-features -- -D warnings'
gate documents env RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
gate tests cargo test --locked --no-fail-fast
gate fuzz env EVIDENCE_FUZZ_SECONDS=5 cargo test --locked --test fuzz
gate examples bash -c 'cargo build --locked --no-default-features --examples && cargo run --locked -- demo'
if [ -n "$own" ]; then
  printf '\n== evidence verify\n'
  by_ourselves verify
fi
