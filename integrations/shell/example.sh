#!/bin/sh
# A whole pipeline in plain shell, for any CI system or none: `example.sh request` for a branch, `example.sh merged` on the main branch after a push.
#
# `evidence` and `ci.sh` (as `evidence-ci`) are where programs are found. The keys are given to the steps that need them, and to no other; the
# gate needs none. Variables of your own:
#   BRANCH, TARGET                the branch that makes the change, and the one that it is meant for
#   URL                           the repository, where the ledger is too; that of `origin` as it is when this begins unless set
#   TIER                          what the change is planned for; empty: nothing is planned
#   PLANNER_KEY, CI_KEY, LOG_KEY  private keys: files, or their text
#   TRUST                         the trust file from elsewhere than the branch, for `merged`
#   BEFORE                        the commit that the main branch had before the push, for `merged`; empty: only its newest commit is recorded
#   GATE_AS                       what runs the gate as another user, such as `sudo -u gate --`; empty: as this one
#
# The branch's code may leave a changed .git/config behind, and processes that go on. So the gate has a clean checkout, a home and a config folder of its own,
# and the ledger by its URL. That keeps out what was left in the workspace; what goes on as the same user is kept out by GATE_AS alone.
set -eu

export EVIDENCE_TARGET="${TARGET:-main}"
URL=${URL:-$(git remote get-url origin)}
export EVIDENCE_LEDGER="${EVIDENCE_LEDGER:-git:$URL}"

with() {
  key=$1
  shift
  EVIDENCE_KEY=$key EVIDENCE_LOG_KEY=$LOG_KEY "$@"
}

# Before any code of the branch runs, which may move all that this looks at.
out=$(git rev-parse --absolute-git-dir)/evidence-out
commit=$(git rev-parse HEAD)

# Judges in a place of its own, and brings the files into the git folder of this one. What it is given are its arguments, and no more.
judge() {
  rm -rf "$out"
  mkdir -p "$out"
  code=0
  # shellcheck disable=SC2016,SC2086 # the other shell puts them in; several words are several words
  ${GATE_AS:-} env -i PATH="$PATH" URL="$URL" COMMIT="$commit" CI_COMMIT_BRANCH="$BRANCH" EVIDENCE_TARGET="$EVIDENCE_TARGET" EVIDENCE_LEDGER="$EVIDENCE_LEDGER" \
    ${EVIDENCE_ANCHOR:+"EVIDENCE_ANCHOR=$EVIDENCE_ANCHOR"} \
    sh -euc '
      clean=$(mktemp -d)
      trap "rm -rf \"$clean\"" EXIT
      mkdir "$clean/home"
      export HOME="$clean/home" XDG_CONFIG_HOME="$clean/config" EVIDENCE_OUT="$clean/out"
      git clone --quiet --no-checkout "$URL" "$clean/repo"
      cd "$clean/repo"
      git checkout --quiet --detach "$COMMIT"
      code=0
      evidence-ci gate >&2 || code=$?
      [ ! -d "$clean/out" ] || tar -C "$clean/out" -cf - .
      exit $code
    ' >"$out.tar" || code=$?
  [ ! -s "$out.tar" ] || tar -C "$out" -xf "$out.tar"
  rm -f "$out.tar"
  return $code
}

case ${1:-} in
  request)
    export CI_COMMIT_BRANCH="$BRANCH" EVIDENCE_LABELS="${TIER:+evidence:$TIER}"
    with "$PLANNER_KEY" evidence-ci plan
    # A gate that fails is recorded, and judged by `gate` with all the others.
    with "$CI_KEY" evidence-ci attest build -- make build || :
    with "$CI_KEY" evidence-ci attest unit-tests --report target/junit.xml -- make test || :
    judge
    ;;
  merged)
    export CI_COMMIT_BRANCH="$EVIDENCE_TARGET" EVIDENCE_TRUST="$TRUST"
    with "$CI_KEY" evidence-ci merge ${BEFORE:+--since "$BEFORE"}
    ;;
  *)
    echo "example.sh request, or example.sh merged" >&2
    exit 2
    ;;
esac
