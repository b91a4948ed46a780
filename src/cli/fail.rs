//! What went wrong, as an exit code, a sentence and the next command.

use serde_json::json;

use super::{eprint, log_keys, print_json};
use crate::append::{AppendError, Refusal};
use crate::attest::AttemptError;
use crate::crypto::EnvelopeError;
use crate::git::{GitError, GitFactsError};
use crate::policy::Form;
use crate::prove::{ProveError, SourceError, TrustError};
use crate::rego::RegoError;
use crate::store::{RemoteAlarm, StoreError};
use crate::trace::{DraftError, MergeError, TryError};
use crate::verify::{Code, Ended, PolicyReadError, RecheckError};

/// A failure of a command.
#[derive(Debug)]
pub(super) struct Fail {
    /// 1 refused, 2 could not judge, 3 an alarm.
    pub(super) exit: u8,
    /// The code of the finding, where it is a refusal.
    pub(super) code: Option<Code>,
    /// The sentence.
    pub(super) text: String,
    /// What to do.
    pub(super) hint: Option<String>,
    /// The signed heads that show a contradiction.
    pub(super) heads: Vec<String>,
    /// The exit code of a command that failed by itself, which stays.
    pub(super) of_command: Option<u8>,
}

impl Fail {
    pub(super) fn usage(text: impl Into<String>) -> Self {
        Self { exit: 2, code: None, text: text.into(), hint: None, heads: Vec::new(), of_command: None }
    }

    pub(super) fn refused(code: Code, text: impl Into<String>) -> Self {
        Self { exit: 1, code: Some(code), ..Self::usage(text) }
    }

    pub(super) fn alarm(text: impl Into<String>, heads: Vec<String>) -> Self {
        Self { exit: 3, heads, ..Self::usage(text) }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert(hint.into());
        self
    }

    pub(super) fn io(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::usage(format!("{what} {}: {error}", path.display()))
    }

    pub(super) fn print(&self, json: bool, exit: u8) {
        if json {
            let code = self.code.map(|code| code.number);
            let name = self.code.map(|code| code.name);
            print_json(
                &json!({"error": {"exit": exit, "code": code, "name": name, "text": self.text, "hint": self.hint, "heads": self.heads}}),
            );
            return;
        }
        let word = match self.exit {
            1 => "refused",
            3 => "alarm",
            _ => "error",
        };
        let code = self.code.map_or_else(String::new, |code| format!("{code}: "));
        let mut text = format!("{word}: {code}{}\n", self.text);
        if let Some(hint) = &self.hint {
            text.push_str(&format!("hint: {hint}\n"));
        }
        for head in &self.heads {
            text.push_str(&format!("signed head:\n{head}"));
        }
        eprint(&text);
    }
}

impl From<StoreError> for Fail {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::Contradiction { heads, .. } => Self::alarm(text, heads)
                .hint("keep the folder as it is, and compare with who else has the log; evidence help remote"),
            StoreError::RemoteAlarm { alarm, folder, heads, .. } => Self::alarm(text, heads).hint(match alarm {
                RemoteAlarm::TakenBack => {
                    "evidence ledger restore gives back what is here, if nobody may take it away; evidence help remote"
                        .to_owned()
                }
                RemoteAlarm::Forked => {
                    format!("keep the copy in {} as it is: it is the proof; evidence help remote", folder.display())
                }
                RemoteAlarm::Copy => {
                    format!("evidence ledger forget sets the copy in {} aside; evidence help remote", folder.display())
                }
            }),
            StoreError::Remembered { error, .. } => Self::usage(text).hint(match *error {
                ProveError::UnsignedHead { .. } | ProveError::Foreign { .. } => FOLLOW,
                _ => "if you know how that came, move the file away: this machine then remembers anew",
            }),
            StoreError::NoLedger(_) => Self::usage(text).hint("evidence init makes one here; --ledger names another"),
            StoreError::Exists(_) => Self::usage(text).hint("it is kept as it is"),
            StoreError::Format { .. } => Self::usage(text).hint("use a newer version of evidence"),
            StoreError::NoRemoteLedger { .. } => {
                Self::usage(text).hint("evidence init --ledger git:REMOTE makes one there")
            }
            StoreError::Foreign { .. } => Self::usage(text).hint(
                "check --ledger and --trust; whoever may push to the ref may have changed it: evidence help remote",
            ),
            StoreError::Remote(error) => match error.hint() {
                Some(hint) => Self::usage(text).hint(hint),
                None => Self::usage(text),
            },
            StoreError::MaterialTooLarge { .. } => {
                Self::usage(text).hint("[materials] in the policy names one: evidence help policy")
            }
            StoreError::Objects(error) => Self::usage(text).hint(error.hint()),
            StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::InvalidData => {
                Self::alarm(text, Vec::new())
            }
            StoreError::Io { .. } | StoreError::Cache(_) | StoreError::Unreadable { .. } => Self::usage(text),
        }
    }
}

impl From<SourceError> for Fail {
    fn from(error: SourceError) -> Self {
        let text = error.to_string();
        match error {
            SourceError::Missing(_) => Self::refused(Code::MISSING_RECORD, text),
            SourceError::Unreadable(_) => Self::usage(text),
            SourceError::Contradiction { heads, .. } => Self::alarm(text, heads),
        }
    }
}

impl From<ProveError> for Fail {
    fn from(error: ProveError) -> Self {
        let text = error.to_string();
        match error {
            ProveError::Missing(_) => Self::refused(Code::MISSING_RECORD, text),
            ProveError::Unreadable(_) | ProveError::Unsupported { .. } => Self::usage(text),
            ProveError::Foreign { .. } => Self::refused(Code::FOREIGN_LEDGER, text).hint("check --ledger and --trust"),
            ProveError::UnsignedHead { .. } => Self::usage(text).hint(FOLLOW),
            ProveError::TooSmall { .. } => Self::refused(Code::TOO_SMALL, text),
            ProveError::UnknownSigner { .. } => Self::refused(Code::UNKNOWN_SIGNER, text),
            ProveError::Contradiction { heads, .. } => Self::alarm(text, heads),
        }
    }
}

impl From<PolicyReadError> for Fail {
    fn from(error: PolicyReadError) -> Self {
        let text = error.to_string();
        match error {
            PolicyReadError::Missing { .. } => Self::refused(Code::NO_MATERIAL, text),
            PolicyReadError::Contradiction { .. } => Self::alarm(text, Vec::new()),
            PolicyReadError::Policy { .. } => Self::usage(text),
            PolicyReadError::Source(error) => error.into(),
        }
    }
}

impl From<RegoError> for Fail {
    fn from(error: RegoError) -> Self {
        let fail = Self::usage(error.to_string());
        match error {
            RegoError::NoEvaluator => fail.hint("use a build of evidence with the feature rego"),
            RegoError::TimedOut { .. } | RegoError::Stopped { .. } | RegoError::TooMuch(_) => {
                fail.hint("evidence policy show --rego prints it; nothing is judged until it ends by itself")
            }
            RegoError::Start { .. } | RegoError::NoAnswer => fail.hint("install evidence again, and judge again"),
        }
    }
}

impl From<RecheckError> for Fail {
    fn from(error: RecheckError) -> Self {
        let text = error.to_string();
        match error {
            RecheckError::Source(error) => error.into(),
            RecheckError::Read { .. } => Self::usage(text),
            RecheckError::Contradiction { .. } => Self::alarm(text, Vec::new()),
        }
    }
}

impl From<TryError> for Fail {
    fn from(error: TryError) -> Self {
        match error {
            TryError::Store(error) => error.into(),
            TryError::Prove(error) => error.into(),
            TryError::Policy(error) => error.into(),
            TryError::Recheck(error) => error.into(),
            TryError::Git(error) => error.into(),
        }
    }
}

impl From<MergeError> for Fail {
    fn from(error: MergeError) -> Self {
        let text = error.to_string();
        match error {
            MergeError::Store(error) => error.into(),
            MergeError::Prove(error) => error.into(),
            MergeError::Policy(error) => error.into(),
            MergeError::Recheck(error) => error.into(),
            MergeError::Git(error) => error.into(),
            MergeError::Rego(error) => error.into(),
            MergeError::NotHere { head, .. } => Self::usage(text).hint(format!("git fetch origin {head}")),
            MergeError::Range { .. } => Self::usage(text).hint("--range A..B, with A an older commit of the branch"),
            MergeError::NoMerge(_) => Self::usage(text).hint("--range A..B names the commits"),
        }
    }
}

impl From<DraftError> for Fail {
    fn from(error: DraftError) -> Self {
        let text = error.to_string();
        match error {
            DraftError::Nothing(_) => Self::usage(text).hint("evidence attest CLAIM -- CMD, or evidence review CLAIM"),
            DraftError::Policy(_) => Self::usage(text),
            DraftError::Prove(error) => error.into(),
            DraftError::Rego(error) => error.into(),
        }
    }
}

impl From<GitError> for Fail {
    fn from(error: GitError) -> Self {
        let hint = error.hint();
        let fail = Self::usage(error.to_string());
        match hint {
            Some(hint) => fail.hint(hint),
            None => fail,
        }
    }
}

impl From<GitFactsError> for Fail {
    fn from(error: GitFactsError) -> Self {
        let text = error.to_string();
        match error {
            GitFactsError::MissingObject { .. } => Self::usage(text).hint("git fetch --unshallow"),
            _ => Self::usage(text),
        }
    }
}

impl From<TrustError> for Fail {
    fn from(error: TrustError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<AppendError> for Fail {
    fn from(error: AppendError) -> Self {
        let text = error.to_string();
        match error {
            AppendError::Store(error) => error.into(),
            AppendError::Prove(error) => error.into(),
            AppendError::Policy(error) => error.into(),
            AppendError::Refused(refusal) => {
                let fail = Self { exit: 1, ..Self::usage(text) };
                match refusal {
                    Refusal::NoPolicy => fail.hint("evidence policy apply FILE"),
                    Refusal::NoPlan(change) | Refusal::WrongPlan(change) => {
                        fail.hint(format!("evidence plan {change} --tier TIER"))
                    }
                    Refusal::Unplanned(tier) => fail.hint(format!("evidence plan --tier {tier}")),
                    Refusal::UnknownSigner { why, .. } => fail.hint(match why {
                        Ended::Revoked(_) => "a revoked key is granted nothing again: evidence key new NAME, and let it be granted",
                        Ended::Elsewhere(_) => "evidence key grant KEY --principal NAME --role ROLE --for-change CHANGE, by somebody who may grant",
                        Ended::Never
                        | Ended::Expired(_)
                        | Ended::WithRevoked { .. }
                        | Ended::WithExpired { .. }
                        | Ended::Unsupported => GRANT,
                    }),
                    Refusal::Planned { .. } => {
                        fail.hint("to raise its tier or move its base: evidence plan --tier TIER --reason WHY")
                    }
                    Refusal::Exception(_) => {
                        fail.hint("evidence policy show: [exceptions], and `waivable` of the claim")
                    }
                    Refusal::TooManyExceptions { .. } | Refusal::ExceptionId { .. } => {
                        fail.hint("evidence allow list; evidence allow end ID --reason WHY")
                    }
                    Refusal::NoException(_) => fail.hint("evidence allow list"),
                    Refusal::Implementer { .. } => fail.hint("let somebody else who may allow it sign it"),
                    Refusal::PlanMoment { claim, form, .. } => fail.hint(match form {
                        Form::Run => format!("first: evidence attest {claim} -- CMD"),
                        Form::Review => format!("first: evidence review {claim} --verdict pass, by whom evidence policy explain names"),
                    }),
                    Refusal::UnknownClaim { .. } => fail.hint("evidence policy show lists the claims"),
                    _ => fail,
                }
            }
            AppendError::Open(_) => Self { exit: 1, ..Self::usage(text) }.hint(GRANT),
            AppendError::LogKey { found, wanted } => {
                let (name, mend) = if log_keys::are_named() {
                    let mend = "put the log's own key there; EVIDENCE_KEY and EVIDENCE_LOG_KEY may be swapped";
                    (log_keys::VARIABLE, mend)
                } else {
                    ("the log key in your config folder", "EVIDENCE_LOG_KEY names the log's own key")
                };
                Self::usage(format!("{name} is not the key of this ledger's log: it is {found}, wanted {wanted}"))
                    .hint(format!("{mend}; {FOLLOW}"))
            }
            AppendError::Clock { clock, last } if clock > last => {
                Self::usage(text).hint("if the clock is right: --accept-clock")
            }
            AppendError::Clock { .. } => Self::usage(text).hint("set the clock"),
            AppendError::Moved { .. } => Self::usage(text).hint("somebody appended in between: run it again"),
            AppendError::Envelope(EnvelopeError::Sign(_)) => {
                Self::usage(text).hint("nothing was recorded; ssh-add -l shows what the agent holds")
            }
            AppendError::Envelope(_) | AppendError::Statement(_) | AppendError::Placement(_) => Self::usage(text),
            AppendError::Receipt(_) => Self::alarm(text, Vec::new()),
        }
    }
}

impl From<AttemptError> for Fail {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::Append(error) => error.into(),
            AttemptError::Store(error) => error.into(),
            AttemptError::Git(error) => error.into(),
        }
    }
}

const GRANT: &str = "evidence key grant KEY --principal NAME --role ROLE, by somebody who may grant";

/// What mends a head that only a newer key signs.
pub(super) const FOLLOW: &str =
    "if the roots gave the log another key, a trust file that was followed names it: evidence ledger trust";
