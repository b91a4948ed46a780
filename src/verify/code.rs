//! The codes of findings. They are for ever: never renumbered, never reused. The manual has a paragraph for each.

use serde::{Serialize, Serializer};

/// A stable code and its name, `E201 missing-claim`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    /// The number, `E201`.
    pub number: &'static str,
    /// The name, `missing-claim`.
    pub name: &'static str,
}

macro_rules! codes {
    ($($constant:ident = $number:literal $name:literal, $meaning:literal, $mend:literal;)*) => {
        impl Code {
            $(#[doc = concat!($number, " ", $name, ": ", $meaning, ".")]
            pub const $constant: Self = Self { number: $number, name: $name };)*
        }
        /// Every code with its meaning and how to mend it, for `evidence help errors`.
        pub const CODES: &[(Code, &str, &str)] = &[$((Code::$constant, $meaning, $mend)),*];
        /// What the program says where each is found: the transcripts that a test holds. That of a new code begins empty.
        const TRANSCRIPTS: &[(Code, &str)] = &[$((
            Code::$constant,
            include_str!(concat!("../../testdata/transcripts/", $number, "-", $name, ".txt")),
        )),*];
    };
}

codes! {
    NO_PLAN = "E101" "no-plan", "the change has no plan", "plan it: evidence plan --tier TIER";
    PLAN_NOT_ENTITLED = "E102" "plan-not-entitled", "no plan of the change is signed by somebody who may plan", "let one who may plan sign it: evidence plan";
    PLAN_TOO_OLD = "E103" "plan-too-old", "the plan is older than the policy lets plans be", "plan again under a new id";
    TIER_TOO_LOW = "E104" "tier-too-low", "nobody planned the change, and an implied plan serves no tier as high as this", "let one who may plan raise it: evidence plan --tier TIER --reason WHY";
    NO_TRAILER = "E105" "no-trailer", "a commit of the change does not name its plan", "reword it with the line that evidence plan --trailer prints";
    WRONG_PLAN = "E106" "wrong-plan", "a record of the change names another first plan", "find out who made it: evidence show CHANGE";
    UNKNOWN_TIER = "E107" "unknown-tier", "the plan names a tier that the policy does not have", "plan again with a tier of the policy";
    BASE_NOT_ON_TARGET = "E108" "base-not-on-target", "the commit that the plan starts from is not on the target branch", "plan again from a commit of the branch: evidence plan --base REV --reason WHY";
    WRONG_TARGET = "E110" "wrong-target", "the change is planned for another branch than the one that it is judged for", "let one who may plan say for which: evidence plan --target BRANCH --reason WHY; or judge it for its own: evidence verify --target BRANCH";
    BASE_NOT_BEFORE_HEAD = "E109" "base-not-before-head", "the judged commit does not descend from the plan's base", "plan again: evidence plan --base REV --reason WHY";
    MISSING_CLAIM = "E201" "missing-claim", "a required claim has no evidence", "run its gate: evidence attest CLAIM -- CMD";
    FAILED = "E202" "failed", "the newest attempt failed", "mend the cause and run the gate again";
    INCONCLUSIVE = "E203" "inconclusive", "the newest attempt shows nothing: it did not run to its end, or left nothing that can be read", "look at it with evidence show SERIAL and run the gate again";
    RUNNING = "E204" "running", "the newest attempt has started and not ended", "wait for it";
    LOST = "E205" "lost", "the newest attempt started and never ended", "run the gate again";
    NOT_ENTITLED = "E206" "not-entitled", "the evidence is signed by somebody whom the policy does not entitle, or no longer", "let one who is entitled run the gate";
    NOT_INDEPENDENT = "E207" "not-independent", "the evidence is by somebody who is not independent of the change", "let somebody else do it";
    TOO_OLD = "E208" "too-old", "the evidence is older than the policy lets it be", "run the gate again";
    DIRTY = "E209" "dirty", "the work tree was not the commit's tree before or after the command", "commit or ignore what the command makes, and run the gate again";
    OTHER_COMMIT = "E210" "other-commit", "there is evidence, but about another commit", "run the gate on this one";
    TOO_MANY_ATTEMPTS = "E211" "too-many-attempts", "the gate was tried more often on this tree than the policy allows", "change the tree: what must be retried until it passes is not shown";
    TEST_LIMIT = "E212" "test-limit", "the tests are not as the policy demands", "mend the tests and run the gate again";
    FINDING_LIMIT = "E213" "finding-limit", "there are more findings than the policy allows", "mend them and run the gate again";
    NO_FACTS = "E214" "no-facts", "the policy sets limits and no report shows the numbers", "hand the report over: evidence attest CLAIM --report FILE -- CMD";
    FACTS_DIFFER = "E215" "facts-differ", "the facts in the signed result are not those in its report", "find out who signed it: evidence show SERIAL";
    NO_MATERIAL = "E216" "no-material", "a report that a result rests on is not there, so its facts cannot be recomputed", "restore the material, or run the gate again";
    LATER_FAILURE = "E217" "later-failure", "after the passing attempt began another one on the same tree came to something else", "mend the cause and run the gate again";
    DISSENT = "E218" "dissent", "a reviewer says that the change is not fit", "mend it, and let the same reviewer look again";
    TOO_FEW = "E219" "too-few", "fewer distinct principals than the policy demands stand behind the claim", "let another one do it";
    UNSUPPORTED = "E220" "unsupported", "the policy demands what this version cannot judge", "use a version that can, or a policy without it";
    MISSING_SHARD = "E221" "missing-shard", "not all shards of the newest attempt are there", "run the missing ones: evidence attest CLAIM --shard I/N -- CMD";
    TOO_LATE = "E222" "too-late", "what the policy demands before the first attempt came after it", "plan the change again under a new id";
    NOT_MATCHING = "E223" "not-matching", "a result does not match the start that it names", "find out who signed it: evidence show SERIAL";
    COVERAGE_LIMIT = "E224" "coverage-limit", "the tests run fewer of the lines than the policy demands", "test the lines that no test runs, and run the gate again";
    REGO_DENIED = "E225" "rego-denied", "the Rego of the policy denies it", "read what it says, and mend that: evidence policy show --rego";
    TEST_KIND_LIMIT = "E255" "test-kind-limit", "the tests of a kind that the policy demands are too few, or do not all pass", "add such tests or mend them, and run the gate again";
    REGO_ERROR = "E226" "rego-error", "the Rego of the policy came to no answer: it has no set deny, or broke off with an error", "mend the policy: evidence policy check, evidence policy apply";
    NOTHING_SHOWN = "E230" "nothing-shown", "exceptions stand in for every requirement, and an empty set never passes", "show at least one of them: evidence attest CLAIM -- CMD";
    CRITERION_OPEN = "E240" "criterion-open", "a criterion of the plan is not shown to be met", "show what it lists: tests, claims, pictures; or let a person accept it: evidence review --criterion ID";
    OUTSIDE_PLAN = "E241" "outside-plan", "the change touches a path that its plan does not name", "take it out of the change, or widen the plan: evidence plan --paths GLOB --reason WHY";
    PLAN_INCOMPLETE = "E242" "plan-incomplete", "the plan does not say what the tier demands of plans", "plan again and say it: evidence plan --reason WHY";
    ATTACHMENT_LIMIT = "E243" "attachment-limit", "fewer files of the kinds that count are attached than the policy demands", "attach them: evidence attest CLAIM --attach NAME=FILE -- CMD";
    PICTURE_NOT_REVIEWED = "E244" "picture-not-reviewed", "nobody who may has seen and passed a picture as it is attached", "look at it: evidence review CLAIM --picture NAME --verdict pass";
    MUTATION_LIMIT = "E250" "mutation-limit", "the tests notice fewer of the mutants than the policy demands", "test what no test notices, and run the gate again: evidence facts FILE lists it";
    MUTANTS_MISSING = "E251" "mutants-missing", "a changed file has no mutants in any report, though others of its language have", "let the tool mutate it, or except it in the policy: changed_score_except";
    LOST_NAME = "E260" "lost-name", "a test or a name that the branch protects is not there, or does not pass", "bring it back; or let somebody entitled retire it: evidence allow retire CLAIM --name NAME --reason WHY";
    NEW_NAME = "E262" "new-name", "a finding or a name came in that the branch does not have", "take it out; or let somebody entitled admit it: evidence allow admit CLAIM --name NAME --reason WHY";
    NO_BASELINE = "E263" "no-baseline", "what the branch protects where the change starts cannot be told", "plan again from a commit with a recorded merge below it: evidence plan --base REV --reason WHY";
    BELOW_FLOOR = "E264" "below-floor", "a number fell below the highest that was merged", "raise it again, and run the gate again; or let somebody entitled lower it: evidence allow retire CLAIM --name NAME --to PERCENT --reason WHY";
    SLOWER = "E265" "worse-measurement", "a measurement is worse than the baseline's, beyond the tolerance, or cannot be told not to be", "mend it, measure longer on a like host, and run the gate again; or let somebody entitled allow it: evidence allow retire CLAIM --name NAME --to PERCENT --reason WHY";
    BASE_NOT_NEWEST = "E266" "base-not-newest", "the change does not start from the branch's newest merge, which its tier demands", "rebase it, and plan again: evidence plan --base REV --reason WHY";
    WRONG_BASELINE = "E267" "wrong-baseline", "the baseline that a merge left is not what follows from the one before it, the facts and the exceptions", "find out who recorded the merge: evidence show SERIAL";
    UNTESTED_NAME = "E268" "untested-name", "a name joins the surface that no passing test names and no met criterion", "test it, or let a criterion of the plan name it";
    ABOVE_CEILING = "E269" "above-ceiling", "a count grew beyond the least that was merged", "bring it down again; or let somebody entitled admit it: evidence allow admit CLAIM --name NAME --to COUNT --reason WHY";
    NOT_DIFFERENTIAL = "E270" "test-not-differential", "tests that the change adds or changes do not fail on the base", "evidence show RECORD tells what ran on the base; let the tests show what the change does: they pass on the head and fail on the base";
    NO_BASE_RUN = "E271" "no-base-run", "the policy demands a run on the base, and there is none that tells anything", "run the gate on the base too: evidence attest CLAIM --on-base -- CMD";
    HALTED = "E301" "halted", "the ledger is halted", "when the cause is gone: evidence record resume --reason WHY";
    LIMITATION = "E302" "limitation", "the policy refuses a limitation that this verdict would have", "remove its cause";
    NO_POLICY = "E303" "no-policy", "no policy was in force when the change was planned", "put one into force and plan anew: evidence policy apply";
    MISSING_RECORD = "E304" "missing-record", "a record, list or proof that the signed map lists is not there", "ask for the whole bundle or ledger";
    UNKNOWN_SIGNER = "E305" "unknown-signer", "a record is signed by a key that is no root and has no grant", "find out how it came in: evidence show SERIAL";
    CHECKPOINT_TOO_OLD = "E306" "checkpoint-too-old", "the ledger's newest checkpoint is older than the trust file allows", "fetch the newest state of the ledger";
    FOREIGN_LEDGER = "E307" "foreign-ledger", "the ledger is not one that the trust file names", "check --ledger and --trust";
    TOO_SMALL = "E308" "too-small", "the ledger has fewer entries than the trust file demands", "find out whether it was rolled back";
    NOTHING_REQUIRED = "E309" "nothing-required", "the policy requires nothing of this change, and an empty set never passes", "let the tier require a claim";
    UNREACHED = "E311" "unreached-member", "a bundle has a member that no hash from its checkpoint leads to", "ask for the bundle as it was exported";
    RETIRED_LOG_KEY = "E312" "retired-log-key", "the roots gave the log another key, and the head is not signed by it", "find out who holds the old key; ask the operator for a head that the new one signs";
    CLOSED_LEDGER = "E313" "closed-ledger", "the roots closed the log, or it goes on from one that did not end there", "use the ledger that goes on from it: evidence ledger trust";
    GIT_MISSING = "E310" "missing-object", "a git object that the verdict needs is not there", "ask for the whole bundle";
}

impl Code {
    /// Returns a real finding of this code: its thing, what was found and what was wanted, as `verify` prints it.
    #[must_use]
    pub fn example(self) -> &'static str {
        let transcript = TRANSCRIPTS.iter().find(|(code, _)| *code == self).map_or("", |(_, text)| text);
        let mut said = transcript.lines().filter_map(|line| {
            let rest = line.strip_prefix("refused: ")?.strip_prefix(self.number)?.trim_start();
            rest.strip_prefix(self.name)?.strip_prefix(": ")
        });
        said.next().unwrap_or_default()
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.number, self.name)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.number)
    }
}
