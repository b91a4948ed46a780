#!/bin/sh
# The steps of a pipeline, for any CI system: prepare the checkout, plan, attest, judge, record the merge.
#
#   ci.sh plan [OPTION..]                   plan the change with the tier of its label, else of the form in the request's text,
#                                           or raise it; a lower tier is refused
#   ci.sh attest CLAIM [OPTION..] -- CMD..  run a gate; OPTIONs are those of `evidence attest`
#   ci.sh gate [OPTION..]                   judge; writes evidence.md, evidence.json, evidence.sarif, evidence-junit.xml,
#                                           evidence-codequality.json, and when accepted evidence.zip, for each further
#                                           --change evidence-2.zip and so on, into the folder EVIDENCE_OUT
#   ci.sh merge [OPTION..]                  record the merges of what was pushed, and push the anchor
#   ci.sh flush                             deliver results whose ledger went away; plan, attest and merge begin with it
#   ci.sh comment                           put evidence.md into one comment of the pull request (GitHub, needs `gh`)
#
# Reads the documented variables of GitHub Actions, GitLab CI, Bitbucket Pipelines and Jenkins. Of its own:
#   EVIDENCE_LEDGER   where the ledger is; git:origin unless set
#   EVIDENCE_OUT      where the gate writes its files; evidence-out in the git folder unless set: in the work tree the next attempt
#                     there would find them, and be refused as one on a tree that is nobody's
#   EVIDENCE_TOKEN    the token by which git reaches the forge (GITHUB_SERVER_URL, CI_SERVER_URL), where the checkout keeps none
#   EVIDENCE_REQUEST, EVIDENCE_COMMIT   on GitHub, in a run of the base repository: the number of the request that is meant, whose own
#                     runs get no secrets, and the commit of it that somebody looked at; needs `gh`
#   EVIDENCE_KEY, EVIDENCE_LOG_KEY   private keys, from the CI's secrets: those who attest need both, the gate none
#   EVIDENCE_LABELS   labels of the pull request, separated by commas; one is evidence:TIER (GitLab's own variable is read)
#   EVIDENCE_FORM     the request's text, where the CI system has neither GitHub's event file nor GitLab's variable
#   EVIDENCE_TARGET   the branch that the change is meant for, where the CI system does not say
#   EVIDENCE_TRUST    the trust file, or its text where the CI system has no variables that are files; `merge` needs it
#   EVIDENCE_ANCHOR   the ref that keeps the newest head, refs/evidence/anchor unless set; where it is set, the gate
#                     refuses to judge without it
#   EVIDENCE_SPOOL    where results wait whose ledger went away; kept by you where machines vanish
#   EVIDENCE          the program; `evidence` unless set
set -eu

evidence=${EVIDENCE:-evidence}
EVIDENCE_LEDGER=${EVIDENCE_LEDGER:-git:origin}
export EVIDENCE_LEDGER

case ${EVIDENCE_TRUST:-} in
  *"
"*)
    kept=$(mktemp)
    printf '%s\n' "$EVIDENCE_TRUST" >"$kept"
    EVIDENCE_TRUST=$kept
    export EVIDENCE_TRUST
    ;;
esac

say() { echo "evidence: $*" >&2; }

# Git asks for the token where it needs one, and only for that forge. What the gates run finds it in no file of the checkout.
if [ -n "${EVIDENCE_TOKEN:-}" ]; then
  server=${GITHUB_SERVER_URL:-${CI_SERVER_URL:-}}
  case $server in
    http://?* | https://?*) ;;
    *) say "EVIDENCE_TOKEN is for git:https://.., and neither GITHUB_SERVER_URL nor CI_SERVER_URL says which forge takes it"; exit 2 ;;
  esac
  export EVIDENCE_TOKEN
  number=${GIT_CONFIG_COUNT:-0}
  export "GIT_CONFIG_KEY_$number=credential.$server.helper"
  # shellcheck disable=SC2016 # git's shell puts it in
  export "GIT_CONFIG_VALUE_$number="'!f() { [ "$1" != get ] || [ -z "$EVIDENCE_TOKEN" ] || printf "username=x-access-token\npassword=%s\n" "$EVIDENCE_TOKEN"; }; f'
  export GIT_CONFIG_COUNT=$((number + 1))
fi

parents() { git cat-file commit HEAD | sed -n 's/^parent //p;/^$/q'; }

# The commit that the change ends in, never the forge's own trial merge: evidence is about what people wrote. A merge queue's commit is
# no trial: it is what reaches the branch.
head_of_change() {
  here=$(git rev-parse HEAD)
  if [ -n "${EVIDENCE_REQUEST:-}" ]; then
    echo "$EVIDENCE_COMMIT"
  elif [ "${CI_MERGE_REQUEST_EVENT_TYPE:-}" = merge_train ]; then
    echo "$here"
  elif [ -n "${CI_MERGE_REQUEST_SOURCE_BRANCH_SHA:-}" ]; then
    echo "$CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"
  elif [ -n "${BITBUCKET_PR_ID:-}" ] && [ -n "${BITBUCKET_COMMIT:-}" ]; then
    # The target was merged into this one.
    git rev-parse --verify --quiet "$BITBUCKET_COMMIT^{commit}" || echo "$BITBUCKET_COMMIT"
  elif [ -n "${CHANGE_ID:-}" ]; then
    # Jenkins merges the target into the request's commit, which it fetched under the request's name. What people merged is theirs.
    requested=$(git rev-parse --verify --quiet "refs/remotes/origin/${BRANCH_NAME:-}^{commit}") || requested=
    if [ -n "$requested" ] && [ "$(parents | head -n 1)" = "$requested" ]; then echo "$requested"; else echo "$here"; fi
  else
    case "${GITHUB_REF:-} ${GITHUB_SHA:-}" in
      # Only GitHub's own merge is told by its parents: a checkout of the request's commit may be a merge too. A checkout of depth 1
      # lacks the parents, but the commit still names them.
      refs/pull/*/merge\ "$here")
        second=$(parents | sed -n 2p)
        echo "${second:-$here}"
        ;;
      *) echo "$here" ;;
    esac
  fi
}

# The branch that the change is meant for, by its short name.
target_of_change() {
  ref=${GITHUB_REF:-}
  queue=${ref#refs/heads/gh-readonly-queue/}
  if [ -n "${EVIDENCE_TARGET:-}" ]; then
    name=${EVIDENCE_TARGET#refs/heads/}
    name=${name#refs/remotes/}
    echo "${name#origin/}"
  elif [ "$queue" != "$ref" ]; then
    # refs/heads/gh-readonly-queue/<branch>/pr-<number>-<commit>
    echo "${queue%/pr-*}"
  else
    for name in "${GITHUB_BASE_REF:-}" "${CI_MERGE_REQUEST_TARGET_BRANCH_NAME:-}" "${CHANGE_TARGET:-}" \
      "${BITBUCKET_PR_DESTINATION_BRANCH:-}" "${CI_DEFAULT_BRANCH:-}"; do
      [ -z "$name" ] || { echo "$name"; return; }
    done
  fi
}

# A run of the base for a request whose own runs get no secrets. The forge says whose branch it is; the commit is the one that somebody
# looked at, so that nothing that was pushed later slips in.
of_request() {
  [ -n "${EVIDENCE_REQUEST:-}" ] || return 0
  case $EVIDENCE_REQUEST in
    *[!0-9]*) say "EVIDENCE_REQUEST is $EVIDENCE_REQUEST; wanted the number of a request"; exit 2 ;;
  esac
  said=$(mktemp)
  GH_TOKEN=${GH_TOKEN:-${EVIDENCE_TOKEN:-}} gh api "repos/$GITHUB_REPOSITORY/pulls/$EVIDENCE_REQUEST" \
    --jq '.head.sha, .head.ref, .base.ref, ({pull_request: .} | tojson), ([.labels[].name] | join(","))' >"$said" || {
    say "request $EVIDENCE_REQUEST cannot be read"
    exit 2
  }
  if [ "$(sed -n 1p "$said")" != "${EVIDENCE_COMMIT:-}" ]; then
    say "request $EVIDENCE_REQUEST ends in $(sed -n 1p "$said"), and EVIDENCE_COMMIT is ${EVIDENCE_COMMIT:-empty}: look at it, and name that"
    exit 2
  fi
  GITHUB_HEAD_REF=$(sed -n 2p "$said")
  GITHUB_BASE_REF=$(sed -n 3p "$said")
  EVIDENCE_LABELS=$(sed -n 5p "$said")
  GITHUB_EVENT_PATH=$(mktemp)
  sed -n 4p "$said" >"$GITHUB_EVENT_PATH"
  rm -f "$said"
  export GITHUB_HEAD_REF GITHUB_BASE_REF GITHUB_EVENT_PATH EVIDENCE_LABELS
}

prepare() {
  of_request
  head=$(head_of_change)
  target=$(target_of_change)
  if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
    git fetch --quiet --unshallow --no-tags origin
  fi
  git cat-file -e "$head^{commit}" 2>/dev/null || git fetch --quiet --no-tags origin "$head"
  if [ -n "$target" ]; then
    git fetch --quiet --no-tags origin "+refs/heads/$target:refs/remotes/origin/$target"
    # By its full name: a branch that lies about here under the short one is nobody's target.
    EVIDENCE_TARGET=refs/remotes/origin/$target
    export EVIDENCE_TARGET
  fi
  if [ "$(git rev-parse HEAD)" != "$head" ]; then
    git checkout --quiet --detach "$head"
  fi
}

# The anchor as it is called here, and on the remote: what is known here as the remote's branch is a branch there.
anchor=${EVIDENCE_ANCHOR:-refs/evidence/anchor}
case $anchor in
  refs/remotes/origin/*) anchor_there=refs/heads/${anchor#refs/remotes/origin/} ;;
  *) anchor_there=$anchor ;;
esac
notes=refs/notes/evidence

is_there() {
  found=$(git ls-remote origin "$1") || { say "origin cannot be reached"; exit 2; }
  # Git takes what it is asked for as the end of a name.
  printf '%s\n' "$found" | cut -f 2 | grep -qxF "$1"
}

# Fetches the head that others remember: a fresh machine remembers none, and could be shown a ledger that was taken back.
remember() {
  if is_there "$anchor_there"; then
    # Without force: where this machine knows more than origin, that counts.
    git fetch --quiet --no-tags origin "$anchor_there:$anchor" 2>/dev/null || {
      git fetch --quiet --no-tags origin "$anchor_there"
      git merge-base --is-ancestor FETCH_HEAD "$anchor" || {
        say "$anchor here and $anchor_there of origin do not go on from each other: somebody wrote one of them anew"
        exit 3
      }
    }
  elif [ -n "${EVIDENCE_ANCHOR:-}" ] && [ "$step" = gate ]; then
    say "$anchor_there is not on origin: nothing is judged without it"
    exit 2
  fi
}

# Keeps the newest head where others fetch it. Whoever loses the race takes what came first, and adds to it.
keep_anchor() {
  tries=0
  while :; do
    tries=$((tries + 1))
    # What `record merge` says may be for machines.
    "$evidence" ledger anchor >&2 || return
    complaint=$(git push --quiet origin "$anchor:$anchor_there" "$notes" 2>&1) && return 0
    for there in "$anchor_there:$anchor" "$notes:$notes"; do
      git fetch --quiet --no-tags origin "+$there" 2>/dev/null || :
    done
    if [ $tries -ge 5 ]; then
      printf '%s\n' "$complaint" >&2
      say "the merge is recorded; its anchor could not be pushed to origin: the next merge tries again"
      return 2
    fi
    sleep "$tries"
  done
}

# What waits for a ledger that went away comes first: it is older than what this step does.
deliver() {
  waits=${EVIDENCE_SPOOL:-$(git rev-parse --git-common-dir)/evidence-spool}
  for waiting in "$waits"/*.dsse.json; do
    [ -e "$waiting" ] || return 0
    "$evidence" attest --flush >&2 || say "not all that waits in $waits could be delivered"
    return 0
  done
}

# Whether it is a fork's pipeline: yes, no, or unknown where the CI system does not say.
of_fork() {
  if [ -n "${EVIDENCE_REQUEST:-}" ]; then
    echo no
  elif [ -n "${EVIDENCE_FORK:-}" ]; then
    case $EVIDENCE_FORK in true) echo yes ;; *) echo no ;; esac
  elif [ -n "${CHANGE_ID:-}" ]; then
    if [ -n "${CHANGE_FORK:-}" ]; then echo yes; else echo no; fi
  elif [ -n "${CI_MERGE_REQUEST_SOURCE_PROJECT_ID:-}" ]; then
    if [ "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID" = "${CI_MERGE_REQUEST_PROJECT_ID:-}" ]; then echo no; else echo yes; fi
  elif [ -n "${GITHUB_HEAD_REF:-}" ]; then
    echo unknown
  else
    echo no
  fi
}

has_keys() { [ -n "${EVIDENCE_KEY:-}" ] && [ -n "${EVIDENCE_LOG_KEY:-}" ]; }

# Forks' pipelines get no secrets: say so rather than fail somewhere inside.
need_keys() {
  ! has_keys || return 0
  name=EVIDENCE_LOG_KEY
  [ -n "${EVIDENCE_KEY:-}" ] || name=EVIDENCE_KEY
  fork=$(of_fork)
  say "$name is empty, and without keys nothing can be planned or attested."
  [ "$fork" = yes ] || say "where this is the repository's own branch: set the secret, and give it to this job."
  if [ "$fork" != no ]; then
    say "pipelines of forks get no secrets, nor do those of Dependabot: let a pipeline of the base repository attest this commit, after"
    say "somebody there looked at it. integrations/github/forks.yml is one to copy; evidence help remote"
  fi
  exit 125
}

# A file with the request's text.
form_of_request() {
  file=${GITHUB_EVENT_PATH:-}
  if [ -z "$file" ] && [ -n "${EVIDENCE_FORM:-${CI_MERGE_REQUEST_DESCRIPTION:-}}" ]; then
    file=$(mktemp)
    printf '%s\n' "${EVIDENCE_FORM:-${CI_MERGE_REQUEST_DESCRIPTION:-}}" >"$file"
  fi
  [ -z "$file" ] || echo "$file"
}

# Plans. Without keys it can only be found that it is planned so already, by whoever has them.
begin() {
  if has_keys; then
    exec "$evidence" plan "$@"
  fi
  EVIDENCE_KEY=/dev/null EVIDENCE_LOG_KEY=/dev/null "$evidence" plan "$@" || need_keys
}

plan() {
  prepare
  remember
  ! has_keys || deliver
  # Whatever begins like a tier's label is one, in upper or lower case: what it names must be a tier.
  tier=$(printf '%s\n' "${EVIDENCE_LABELS:-${CI_MERGE_REQUEST_LABELS:-}}" | tr ',' '\n' | tr '[:upper:]' '[:lower:]' |
    sed -n 's/^ *evidence: *\(.*\)$/\1/p' | sed 's/ *$//' | sort -u)
  case $(printf '%s\n' "$tier" | grep -c .) in
    0)
      form=$(form_of_request)
      if [ -n "$form" ]; then
        begin --form "$form" --raise "$@"
        return
      fi
      say "no label evidence:TIER and no form: nothing is planned; a first attempt plans the lowest tier if the policy lets it"
      return 0
      ;;
    1) ;;
    *)
      say "more than one label evidence:TIER: $(echo "$tier" | tr '\n' ' ')"
      exit 2
      ;;
  esac
  # A higher label raises the tier. A lower one is refused: whoever planned it higher had a reason.
  begin --tier "$tier" --raise "$@"
}

attest() {
  need_keys
  prepare
  remember
  deliver
  exec "$evidence" attest "$@"
}

flush() {
  need_keys
  prepare
  remember
  exec "$evidence" attest --flush "$@"
}

# Where the gate writes, as a path from the root.
out() {
  folder=${EVIDENCE_OUT:-$(git rev-parse --git-dir)/evidence-out}
  mkdir -p "$folder"
  (cd "$folder" && pwd)
}

# Whatever lies under these names may be the branch's, and lead anywhere.
clear_out() {
  rm -rf -- "$out/evidence.md" "$out/evidence.json" "$out/evidence.sarif" "$out/evidence-junit.xml" \
    "$out/evidence-codequality.json" "$out/evidence.zip.new" "$out/evidence.zip" "$out"/evidence-[0-9]*.zip
}

gate() {
  out=$(out)
  # Also where nothing can be judged: an old verdict is none.
  clear_out
  prepare
  clear_out
  remember
  code=0
  "$evidence" verify --write "markdown=$out/evidence.md" --write "json=$out/evidence.json" --write "sarif=$out/evidence.sarif" \
    --write "junit=$out/evidence-junit.xml" --write "codequality=$out/evidence-codequality.json" "$@" || code=$?
  if [ $code -eq 0 ]; then
    bundles || code=$?
  fi
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$out/evidence.md" ]; then
    cat "$out/evidence.md" >>"$GITHUB_STEP_SUMMARY"
  fi
  exit $code
}

# A bundle for each judged change, whichever option named it: one verdict is an object, several are a list.
bundles() {
  case $(head -n 1 "$out/evidence.json") in '[') indent='    ' ;; *) indent='  ' ;; esac
  number=1
  for change in $(sed -n "s/^$indent\"change\": \"\([^\"]*\)\",\{0,1\}\$/\1/p" "$out/evidence.json"); do
    name=evidence.zip
    [ $number -eq 1 ] || name=evidence-$number.zip
    "$evidence" export "$change" -o "$out/evidence.zip.new" >/dev/null || return
    mv "$out/evidence.zip.new" "$out/$name" || return
    number=$((number + 1))
  done
}

merge() {
  need_keys
  if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
    git fetch --quiet --unshallow --no-tags origin
  fi
  remember
  ! is_there "$notes" || git fetch --quiet --no-tags origin "+$notes:$notes"
  deliver
  code=0
  "$evidence" record merge "$@" || code=$?
  # Nothing is added to a ledger that contradicts itself.
  if [ $code -ne 3 ]; then
    kept=0
    keep_anchor || kept=$?
    [ $code -ge $kept ] || code=$kept
  fi
  exit $code
}

# One comment, found by its mark and edited in place.
comment() {
  number=${GITHUB_REF#refs/pull/}
  number=${number%%/*}
  file=$(out)/evidence.md
  mark='<!-- evidence -->'
  body=$(mktemp)
  echo "$mark" >"$body"
  is_judged=false
  if [ -f "$file" ] && [ ! -L "$file" ]; then
    cat "$file" >>"$body"
    is_judged=true
  else
    # What was said before may not be so any more.
    echo "The gate could not judge: there is no verdict. The run's log says why." >>"$body"
  fi
  # A person's token is known by its name; an app's is not told its own, and writes as a bot. Others may begin a comment with the mark.
  mine='.user.type == "Bot"'
  me=$(gh api user --jq .login 2>/dev/null) || me=
  case $me in '' | *[!A-Za-z0-9_-]*) ;; *) mine=".user.login == \"$me\"" ;; esac
  id=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$number/comments" \
    --jq ".[] | select($mine and (.body | startswith(\"$mark\"))) | .id" | head -n 1)
  if [ -z "$id" ] && ! $is_judged; then
    say "there is no $file: the gate could not judge"
  elif [ -n "$id" ]; then
    gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" -F "body=@$body"
  else
    gh api --silent --method POST "repos/$GITHUB_REPOSITORY/issues/$number/comments" -F "body=@$body"
  fi
  rm -f "$body"
}

[ $# -gt 0 ] || { sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"; exit 2; }
step=$1
shift
case $step in
  plan | attest | flush | gate | merge | comment) "$step" "$@" ;;
  *) say "there is no step $step: plan, attest, flush, gate, merge or comment"; exit 2 ;;
esac
