#!/usr/bin/env bash
# Makes a release: a static binary where its target installs, its SHA-256, and a signed statement about both, made with `evidence` itself.
#
#   ./release.sh [OUT]          OUT is `dist` unless named
#   EVIDENCE_BINARY=FILE        releases FILE as it is, under a name that says so: nothing is built, and nothing is said of how it was
#
# The statement is the result of the claim `release`: in-toto in DSSE, about this commit, with the binary and its checksum as materials. EVIDENCE_LEDGER,
# EVIDENCE_KEY and EVIDENCE_LOG_KEY say where and by whom, as for any gate; `evidence init` makes a ledger where there is none. Whoever has the bundle checks it offline:
#   evidence audit NAME.evidence.zip --trust trust.toml && sha256sum -c NAME.sha256
# It is judged like any other: where the gates of this commit are in no ledger, or in another one, the audit lists them as missing (1).
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-dist}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
built=${EVIDENCE_BINARY:-}
if [ -n "$built" ]; then
  target=$(uname -m)-prebuilt
  said=$("$built" --version)
  if [ "$said" != "evidence $version" ]; then
    echo "release: $built says it is \`$said\`; wanted \`evidence $version\`" >&2
    exit 1
  fi
else
  target=$(uname -m)-unknown-linux-musl
  if ! rustup target add "$target" >/dev/null 2>&1; then
    target=$(rustc -vV | sed -n 's/^host: //p')
    echo "release: the musl target does not install here: the binary for $target needs the system's libc" >&2
  elif ! command -v musl-gcc >/dev/null && [ -z "${CC_x86_64_unknown_linux_musl:-}" ]; then
    target=$(rustc -vV | sed -n 's/^host: //p')
    echo "release: there is no musl-gcc (Debian: musl-tools), which ring's C needs: the binary for $target needs the system's libc" >&2
  fi
  cargo build --locked --release --target "$target"
  built=target/$target/release/evidence
fi
name=evidence-$version-$target
mkdir -p "$out"
out=$(cd "$out" && pwd)
cp "$built" "$out/$name"
(cd "$out" && sha256sum "$name" >"$name.sha256")
evidence=${EVIDENCE:-$out/$name}
"$evidence" attest release --attach "$out/$name" --attach "$out/$name.sha256" -- sh -c "cd '$out' && sha256sum -c '$name.sha256'" || {
  code=$?
  echo "release: $out has the binary and its SHA-256, and no signed statement about them" >&2
  echo "hint: where there is no ledger yet, \`$evidence init\`, commit .evidence, and ./release.sh again: what is built stays" >&2
  exit "$code"
}
"$evidence" export -o "$out/$name.evidence.zip"
ls -l "$out"
