//! The verdict in the words of other tools: projections of the JSON that is the norm, one format a file.
//!
//! Each is a function of the verdict and writes nothing itself. None says more than the verdict: what refuses has at
//! least one reason in every format, and what is not met passes in none.

mod codequality;
mod junit;
mod markdown;
mod sarif;
mod vsa;

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::model::{Decision, Time};
use crate::prove::Logged;
use crate::verify::{Finding, Requirement, Verdict};

pub use codequality::codequality;
pub use junit::junit;
pub use markdown::markdown;
pub use sarif::sarif;
pub use vsa::{PREDICATE_TYPE as VSA_TYPE, vsa};

/// A format that a verdict is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Projection {
    /// The norm.
    Json,
    /// A page for people, fit for a pull request's comment.
    Markdown,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit XML.
    Junit,
    /// GitLab's Code Quality report.
    Codequality,
    /// SLSA's Verification Summary Attestation.
    Vsa,
}

/// The text is no format that a verdict is written in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not a format that a verdict is written in: wanted json, markdown, sarif, junit, codequality or vsa"
)]
pub struct UnknownProjection {
    /// The text, cut at 40 characters.
    pub found: String,
}

/// A record that a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// Its place in the log.
    pub serial: u64,
    /// The hash of what was signed: SHA-256 of DSSE's pre-authentication encoding.
    pub statement: crate::model::Digest,
}

/// What a projection may say besides the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// When it was judged, by the clock; the verdict's own `now` is the moment that it was judged for.
    pub judged: Time,
    /// All records that it rests on; empty where they are not known.
    pub attestations: Vec<Attestation>,
}

impl Projection {
    /// All formats.
    pub const ALL: [Self; 6] = [Self::Json, Self::Markdown, Self::Sarif, Self::Junit, Self::Codequality, Self::Vsa];

    /// Returns the name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Codequality => "codequality",
            Self::Vsa => "vsa",
        }
    }

    /// Returns the verdict in this format; the summary attestation as an unsigned statement.
    #[must_use]
    pub fn of(self, verdict: &Verdict, around: &Around) -> String {
        match self {
            Self::Json => lines(&verdict.to_json()),
            Self::Markdown => markdown(verdict),
            Self::Sarif => lines(&sarif(verdict)),
            Self::Junit => junit(verdict),
            Self::Codequality => lines(&codequality(verdict)),
            Self::Vsa => lines(&vsa(verdict, around)),
        }
    }
}

impl Projection {
    /// Returns several verdicts in this format, as one text: of one as [`Projection::of`]; `None` where the format is about one.
    #[must_use]
    pub fn of_all(self, verdicts: &[(&Verdict, Around)]) -> Option<String> {
        if let [(verdict, around)] = verdicts {
            return Some(self.of(verdict, around));
        }
        let all = verdicts.iter().map(|(verdict, _)| *verdict);
        Some(match self {
            Self::Json => lines(&all.map(Verdict::to_json).collect::<Vec<_>>().into()),
            Self::Markdown => all.map(markdown).collect::<Vec<_>>().join("\n"),
            Self::Sarif => lines(&sarif::together(all.map(sarif).collect())),
            Self::Junit => junit::together(&all.map(junit).collect::<Vec<_>>()),
            Self::Codequality => {
                let issues = all.map(codequality).filter_map(|issues| issues.as_array().cloned());
                lines(&issues.flatten().collect::<Vec<_>>().into())
            }
            Self::Vsa => return None,
        })
    }
}

impl fmt::Display for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Projection {
    type Err = UnknownProjection;

    fn from_str(text: &str) -> Result<Self, UnknownProjection> {
        let wrong = || UnknownProjection { found: text.chars().take(40).collect() };
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(wrong)
    }
}

impl From<&Logged> for Attestation {
    fn from(record: &Logged) -> Self {
        Self { serial: record.serial(), statement: record.entry().statement }
    }
}

/// Why a verdict refuses, as other tools hear it.
struct Reason<'a> {
    /// `E201`.
    rule: &'a str,
    /// `missing-claim`.
    name: &'a str,
    thing: &'a str,
    found: &'a str,
    wanted: &'a str,
    /// The command that mends it, in one line.
    command: Option<String>,
}

impl<'a> Reason<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            rule: finding.code.number,
            name: finding.name,
            thing: &finding.thing,
            found: &finding.found,
            wanted: &finding.wanted,
            command: finding.mend.as_ref().map(|mend| command_line(&mend.command)),
        }
    }

    /// Returns the sentence, and the command that mends it.
    fn text(&self) -> String {
        let mend = self.command.as_ref().map_or_else(String::new, |command| format!("; mend: {command}"));
        format!("{}: {}; wanted {}{mend}", self.thing, self.found, self.wanted)
    }
}

/// Returns why a verdict refuses: empty for one that accepts, and never for one that does not.
fn reasons(verdict: &Verdict) -> Vec<Reason<'_>> {
    let mut reasons: Vec<Reason<'_>> = verdict.findings.iter().map(Reason::of).collect();
    if reasons.is_empty() && verdict.decision != Decision::Accepted {
        reasons.push(Reason {
            rule: REFUSED,
            name: REFUSED,
            thing: verdict.change.as_str(),
            found: "it is refused without a reason",
            wanted: "an accepting verdict",
            command: None,
        });
    }
    reasons
}

/// Tells whether a finding is about a requirement: its thing is the claim, or begins with it (`scan (linux) shard 1/2`).
#[must_use]
pub fn is_about(thing: &str, requirement: &Requirement) -> bool {
    thing.strip_prefix(requirement.claim.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Returns the one line: `refused: shop/abc at 4f0c1d9, tier high, for merge`.
fn headline(verdict: &Verdict) -> String {
    let decision = match verdict.decision {
        Decision::Accepted => "accepted",
        Decision::Refused => "refused",
    };
    let tier = verdict.tier.as_ref().map_or_else(String::new, |tier| format!(", tier {}", tier.effective));
    format!("{decision}: {} at {}{tier}, for {}", verdict.change, verdict.commit.short(), verdict.moment)
}

/// Returns a command as a shell would take it.
#[must_use]
pub fn command_line(command: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    let word = |word: &String| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    command.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn lines(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a value always prints");
    text.push('\n');
    text
}

/// The rule of a refusal that gives no reason: none of ours, so that it is never taken for an acceptance.
const REFUSED: &str = "refused";
/// Where tools point that want a file: what is judged is no line of a file, and the policy says what was wanted.
const POLICY_FILE: &str = ".evidence/policy.toml";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AsOf, Digest};
    use crate::verify::{Code, Limitation, State, TierShown};

    /// A verdict that refuses: one claim passes, one failed with a name that hurts, and the ledger is halted.
    pub(super) fn refused() -> Verdict {
        let mut verdict = accepted();
        verdict.decision = Decision::Refused;
        verdict.requirements.push(Requirement {
            claim: "scan".parse().unwrap(),
            state: State::Fail,
            serials: vec![7, 9],
            numbers: Some("2 findings | <b>`high`</b>".to_owned()),
            ..verdict.requirements[0].clone()
        });
        verdict.limitations.clear();
        verdict.findings = vec![
            Finding::new(Code::HALTED, "the ledger", "it is halted by record 3", "a resume by somebody who may"),
            Finding::new(Code::FAILED, "scan (linux) shard 1/2", HOSTILE, "a passing attempt")
                .mended_by(&["evidence", "attest", "scan", "--", "CMD; it's"], Some("ci")),
        ];
        verdict
    }

    /// Its twin.
    pub(super) fn accepted() -> Verdict {
        let digest = Digest([7; 32]);
        let oid = "4f0c1d9aa0b7cbd5c3a1f3f9e2d8c1b0a9f8e7d6".parse().unwrap();
        let requirement = Requirement {
            claim: "unit-tests".parse().unwrap(),
            why: "tier medium".to_owned(),
            family: "functionality",
            state: State::Pass,
            serials: vec![5],
            principals: vec!["ci-1".parse().unwrap()],
            attempts: 1,
            numbers: Some("12 passed".to_owned()),
            failed_elsewhere: Vec::new(),
            delivered_late_seconds: None,
            baseline: Vec::new(),
            not_compared: Vec::new(),
            policy: None,
            exception: None,
        };
        let finding = Finding::new(Code::NO_PLAN, "x", "y", "z");
        let unproven = Verdict::unproven(
            "shop/abc".parse().unwrap(),
            oid,
            "1111111111111111111111111111111111111111".parse().unwrap(),
            "log.example/shop".to_owned(),
            Time(1_700_000_000),
            finding,
        );
        Verdict {
            decision: Decision::Accepted,
            tier: Some(TierShown { planned: "medium".parse().unwrap(), effective: "high-risk".parse().unwrap() }),
            as_of: Some(AsOf { size: 12, root: digest, time: Time(1_700_000_000) }),
            policy: Some(digest),
            requirements: vec![requirement],
            findings: Vec::new(),
            limitations: vec![Limitation { name: "one-person", text: format!("only one {HOSTILE}") }],
            ..unproven
        }
    }

    /// A refusal that nothing explains.
    pub(super) fn unexplained() -> Verdict {
        Verdict { decision: Decision::Refused, ..accepted() }
    }

    pub(super) fn around() -> Around {
        let statement = Digest([9; 32]);
        Around { judged: Time(1_700_000_500), attestations: vec![Attestation { serial: 5, statement }] }
    }

    /// What a report may hold.
    pub(super) const HOSTILE: &str =
        "a|b `c` <img src=x onerror=alert(1)> @everyone #12 &amp; ]]> \"q\"\n/close\n| pass |\u{1b}[31m\u{202e}";

    #[test]
    fn formats_have_one_name_and_others_are_refused_with_the_known_ones() {
        for format in Projection::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        let error = "pdf".parse::<Projection>().unwrap_err().to_string();
        for format in Projection::ALL {
            assert!(error.contains(format.name()), "{error}");
        }
    }

    #[test]
    fn refusal_has_a_reason_even_if_nothing_explains_it_and_an_acceptance_none() {
        assert!(reasons(&accepted()).is_empty());
        assert_eq!(reasons(&refused()).len(), 2);
        assert_eq!(reasons(&unexplained())[0].rule, REFUSED);
    }

    #[test]
    fn commands_are_quoted_as_a_shell_wants_them() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(command_line(&words(&["evidence", "plan", "shop/abc"])), "evidence plan shop/abc");
        assert_eq!(command_line(&words(&["a b", "it's", "", "$(x)"])), r"'a b' 'it'\''s' '' '$(x)'");
    }

    #[test]
    fn findings_belong_to_the_claim_that_they_begin_with() {
        let requirement = &accepted().requirements[0];
        assert!(is_about("unit-tests", requirement) && is_about("unit-tests (linux) shard 1/2", requirement));
        assert!(!is_about("unit-tests-2", requirement) && !is_about("the ledger", requirement));
    }

    #[test]
    fn words_of_states_are_those_of_the_json() {
        for state in
            [State::Pass, State::Fail, State::Inconclusive, State::Running, State::Lost, State::Missing, State::Invalid]
        {
            assert_eq!(serde_json::json!(state), state.as_str());
        }
    }
}
