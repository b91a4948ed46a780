//! GitLab's Code Quality report: a list of issues, each at a line of a file.
//!
//! ```json
//! [{"description": "..", "check_name": "E201 missing-claim", "fingerprint": "<hex>", "severity": "blocker",
//!   "location": {"path": ".evidence/policy.toml", "lines": {"begin": 1}}}]
//! ```

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{POLICY_FILE, Reason, reasons};
use crate::crypto::sha256;
use crate::model::Digest;
use crate::verify::Verdict;

/// Returns a verdict's findings as issues; none for one that accepts.
#[must_use]
pub fn codequality(verdict: &Verdict) -> Value {
    let reasons = reasons(verdict);
    let issues = reasons.iter().zip(fingerprints(verdict, &reasons)).map(|(reason, fingerprint)| {
        json!({
            "description": format!("{} {}: {}", reason.rule, reason.name, reason.text()),
            "check_name": format!("{} {}", reason.rule, reason.name),
            "fingerprint": fingerprint.to_string(),
            "severity": "blocker",
            "location": {"path": POLICY_FILE, "lines": {"begin": 1}},
        })
    });
    Value::Array(issues.collect())
}

/// Returns what makes each finding the same one in the next verdict on the change: its code, what it is about, and which
/// of those it is. No two are alike.
pub(super) fn fingerprints(verdict: &Verdict, reasons: &[Reason<'_>]) -> Vec<Digest> {
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut of = |reason: &Reason<'_>, key| {
        let count = seen.entry(key).or_insert(0);
        *count += 1;
        sha256(json!([verdict.change, verdict.moment, reason.rule, reason.thing, *count]).to_string().as_bytes())
    };
    reasons.iter().map(|reason| of(reason, (reason.rule, reason.thing))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepted, refused, unexplained};
    use super::*;

    #[test]
    fn findings_are_issues_and_an_acceptance_has_none() {
        assert_eq!(codequality(&accepted()), json!([]));
        let issues = codequality(&refused());
        assert_eq!(issues.as_array().unwrap().len(), 2);
        assert_eq!(issues[0]["check_name"], "E301 halted");
        assert_eq!(issues[1]["location"], json!({"path": ".evidence/policy.toml", "lines": {"begin": 1}}));
        assert!(issues[1]["description"].as_str().unwrap().contains("; mend: evidence attest scan"));
        assert_eq!(codequality(&unexplained()).as_array().unwrap().len(), 1);
    }

    #[test]
    fn fingerprints_last_from_verdict_to_verdict_and_are_all_different() {
        let mut verdict = refused();
        verdict.findings.push(verdict.findings[0].clone());
        let before = codequality(&verdict);
        verdict.findings[0].found = "it is halted by record 4".to_owned();
        let after = codequality(&verdict);
        assert_eq!(before[0]["fingerprint"], after[0]["fingerprint"]);
        assert_ne!(after[0]["fingerprint"], after[2]["fingerprint"]);
        assert_ne!(after[0]["fingerprint"], after[1]["fingerprint"]);
    }
}
