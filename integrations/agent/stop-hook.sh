#!/bin/sh
# A coding agent's stop hook: while the change is refused for what the agent itself can mend, it is sent back to work with the reasons.
#
# For agents whose hooks read JSON from standard input and answer {"decision": "block", "reason": ".."} (Claude Code's `Stop`), or nothing to
# let them stop. `evidence help agents` is the page that an agent can be pointed to. Needs jq.
#
#   EVIDENCE_AGENT_ROLES   roles that the agent holds, separated by spaces; `ci implementer` unless set
set -u
input=$(cat)
# It was sent back once already: who cannot mend it must be able to stop.
[ "$(printf '%s' "$input" | jq -r '.stop_hook_active // false' 2>/dev/null)" = true ] && exit 0
verdict=$(${EVIDENCE:-evidence} verify --json 2>/dev/null)
case $? in
  0) exit 0 ;;
  1) ;;
  3)
    jq -n '{decision: "block", reason: "The ledger contradicts itself. Do nothing more, and tell a person: evidence ledger check"}'
    exit 0
    ;;
  *)
    # Nothing could be judged: that is not the agent's work to hide.
    printf '%s' "$verdict" | jq -r '"evidence: " + (.error.text // "could not judge")' >&2
    exit 0
    ;;
esac
printf '%s' "$verdict" | jq --arg roles "${EVIDENCE_AGENT_ROLES:-ci implementer}" '
  ($roles | split(" ")) as $mine
  | [.findings[] | select(.mend == null or .mend.role == null or (.mend.role as $role | $mine | index($role)))] as $todo
  | if ($todo | length) == 0 then empty else
      {decision: "block", reason: ("evidence verify refuses:\n" + ([$todo[]
        | "- \(.code) \(.name): \(.thing): \(.found); wanted \(.wanted)"
          + (if .mend then "\n  run: " + (.mend.command | map(@sh) | join(" ")) else "" end)] | join("\n"))
        + "\nevidence help agents explains how.")}
    end'
