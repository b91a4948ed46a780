#!/bin/sh
# A whole pipeline in plain shell, for any CI system or none: `example.sh request` for a branch, `example.sh merged` on the main branch after a push.
#
# `evidence` and `ci.sh` (as `evidence-ci`) are where programs are found. The keys are given to the steps that need them, and to no other; the
# gate needs none. Variables of your own:
#   BRANCH, TARGET                the branch that makes the change, and the one that it is meant for
#   TIER                          what the change is planned for; empty: nothing is planned
#   PLANNER_KEY, CI_KEY, LOG_KEY  private keys: files, or their text
#   TRUST                         the trust file from elsewhere than the branch, for `merged`
#   BEFORE                        the commit that the main branch had before the push, for `merged`; empty: only its newest commit is recorded
set -eu

export EVIDENCE_TARGET="${TARGET:-main}"

with() {
  key=$1
  shift
  EVIDENCE_KEY=$key EVIDENCE_LOG_KEY=$LOG_KEY "$@"
}

case ${1:-} in
  request)
    export CI_COMMIT_BRANCH="$BRANCH" EVIDENCE_LABELS="${TIER:+evidence:$TIER}"
    with "$PLANNER_KEY" evidence-ci plan
    # A gate that fails is recorded, and judged by `gate` with all the others.
    with "$CI_KEY" evidence-ci attest build -- make build || :
    with "$CI_KEY" evidence-ci attest unit-tests --report target/junit.xml -- make test || :
    evidence-ci gate
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
