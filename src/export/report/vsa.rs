//! SLSA Verification Summary Attestation v1 (<https://slsa.dev/spec/v1.2/verification_summary>), as an in-toto Statement.
//!
//! `PASSED` is only what an accepting verdict says. The levels are ours: `EVIDENCE_TIER_<TIER>` where the merge was judged,
//! `EVIDENCE_DEPLOY_TIER_<TIER>` besides where the rollout was, and `EVIDENCE_PLAN_TIER_<TIER>` alone where only the plan
//! was; each ends in `_WITH_EXCEPTIONS` where an exception stands in for a requirement, or lets go or come in what the branch protects. Limitations and what is excepted
//! stand in a field of ours. SLSA levels, dependencies and signatures are out of scope.

use serde_json::{Value, json};

use super::Around;
use crate::model::{ClaimName, Decision, STATEMENT_TYPE};
use crate::policy::Moment;
use crate::verify::Verdict;

/// Returns the statement that sums up a verdict.
#[must_use]
pub fn vsa(verdict: &Verdict, around: &Around) -> Value {
    let ledger = format!("evidence://{}", uri(&verdict.origin));
    let (result, levels) = match verdict.decision {
        Decision::Accepted => ("PASSED", levels(verdict)),
        Decision::Refused => ("FAILED", vec!["FAILED".to_owned()]),
    };
    let mut policy = json!({"uri": format!("{ledger}/policy")});
    if let Some(digest) = &verdict.policy {
        policy["digest"] = json!({"sha256": digest});
    }
    let mut predicate = json!({
        "verifier": {"id": format!("{ledger}/verifier"), "version": {"evidence": env!("CARGO_PKG_VERSION")}},
        "timeVerified": around.judged.to_string(),
        "resourceUri": format!("{ledger}/change/{}", uri(verdict.change.as_str())),
        "policy": policy,
        "verificationResult": result,
        "verifiedLevels": levels,
        VERDICT_FIELD: {
            "moment": verdict.moment,
            "asOf": verdict.as_of,
            "now": verdict.now,
            "codes": verdict.findings.iter().map(|finding| finding.code.number).collect::<Vec<_>>(),
            "limitations": verdict.limitations.iter().map(|limitation| limitation.name).collect::<Vec<_>>(),
        },
    });
    let excepted = verdict.requirements.iter().filter(|requirement| requirement.state.is_excepted());
    let (excepted, exceptions): (Vec<&ClaimName>, Vec<Value>) = excepted
        .map(|requirement| {
            let exception = requirement.exception.as_ref();
            (&requirement.claim, json!({"claim": requirement.claim, "exception": exception}))
        })
        .unzip();
    let of_baseline = verdict.requirements.iter().flat_map(|requirement| {
        let allowed =
            requirement.baseline.iter().flat_map(|compared| compared.allowed.iter().map(|it| (compared.what, it)));
        allowed.map(|(what, allowed)| json!({"claim": requirement.claim, "what": what, "allowed": allowed}))
    });
    let allowed: Vec<Value> = of_baseline.collect();
    if !allowed.is_empty() {
        predicate[VERDICT_FIELD]["allowed"] = json!(allowed);
    }
    if !excepted.is_empty() {
        predicate[VERDICT_FIELD]["excepted"] = json!(excepted);
        predicate[VERDICT_FIELD]["exceptions"] = json!(exceptions);
    }
    if !around.attestations.is_empty() {
        let inputs = around.attestations.iter().map(|attestation| {
            json!({
                "uri": format!("{ledger}/record/{}", attestation.serial),
                "digest": {"sha256": attestation.statement},
                "annotations": {"sha256Of": "DSSE PAE"},
            })
        });
        predicate["inputAttestations"] = Value::Array(inputs.collect());
    }
    json!({
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": "commit", "digest": {"gitCommit": verdict.commit}},
            {"name": "tree", "digest": {"gitTree": verdict.tree}},
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    })
}

/// Returns what an acceptance is for: the tier at the judged moment, and at those that it implies.
fn levels(verdict: &Verdict) -> Vec<String> {
    let Some(tier) = &verdict.tier else { return Vec::new() };
    let excepted = verdict.requirements.iter().any(|requirement| {
        requirement.state.is_excepted() || requirement.baseline.iter().any(|compared| !compared.allowed.is_empty())
    });
    // Whoever asks for the level alone must not take what was waived for shown.
    let tier = tier.effective.as_str().to_ascii_uppercase() + if excepted { "_WITH_EXCEPTIONS" } else { "" };
    let moment = verdict.moment;
    if moment == Moment::Merge.as_str() {
        vec![format!("EVIDENCE_TIER_{tier}")]
    } else if moment == Moment::Deploy.as_str() {
        vec![format!("EVIDENCE_TIER_{tier}"), format!("EVIDENCE_DEPLOY_TIER_{tier}")]
    } else {
        vec![format!("EVIDENCE_{}_TIER_{tier}", moment.to_ascii_uppercase())]
    }
}

/// Returns a text as a part of a URI.
fn uri(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~/:".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The type of the predicate.
pub const PREDICATE_TYPE: &str = "https://slsa.dev/verification_summary/v1";
/// Our own field: names of extensions are URIs.
const VERDICT_FIELD: &str = "evidence:verdict/v1";

#[cfg(test)]
mod tests {
    use super::super::tests::{accepted, around, refused, unexplained};
    use super::*;
    use crate::model::Statement;

    #[test]
    fn accepted_passes_with_its_tier_and_refused_fails_without() {
        let passed = vsa(&accepted(), &around());
        assert_eq!(passed["predicate"]["verificationResult"], "PASSED");
        assert_eq!(passed["predicate"]["verifiedLevels"], json!(["EVIDENCE_TIER_HIGH-RISK"]));
        for verdict in [refused(), unexplained()] {
            let failed = vsa(&verdict, &around());
            assert_eq!(failed["predicate"]["verificationResult"], "FAILED");
            assert_eq!(failed["predicate"]["verifiedLevels"], json!(["FAILED"]));
        }
    }

    #[test]
    fn acceptance_of_a_plan_is_never_taken_for_one_of_the_merge() {
        let levels = |moment: Moment| {
            let verdict = Verdict { moment: moment.as_str(), ..accepted() };
            vsa(&verdict, &around())["predicate"]["verifiedLevels"].clone()
        };
        assert_eq!(levels(Moment::Plan), json!(["EVIDENCE_PLAN_TIER_HIGH-RISK"]));
        assert_eq!(levels(Moment::Deploy), json!(["EVIDENCE_TIER_HIGH-RISK", "EVIDENCE_DEPLOY_TIER_HIGH-RISK"]));
    }

    #[test]
    fn statement_names_commit_tree_policy_and_inputs() {
        let found = vsa(&accepted(), &around());
        assert_eq!(found["_type"], "https://in-toto.io/Statement/v1");
        assert_eq!(found["predicateType"], "https://slsa.dev/verification_summary/v1");
        assert_eq!(found["subject"][0]["digest"]["gitCommit"], "4f0c1d9aa0b7cbd5c3a1f3f9e2d8c1b0a9f8e7d6");
        let predicate = &found["predicate"];
        assert_eq!(predicate["resourceUri"], "evidence://log.example/shop/change/shop/abc");
        assert_eq!(predicate["policy"]["digest"]["sha256"], "07".repeat(32));
        assert_eq!(predicate["inputAttestations"][0]["digest"]["sha256"], "09".repeat(32));
        assert_eq!(predicate["timeVerified"], "2023-11-14T22:21:40Z");
        assert_eq!(predicate["evidence:verdict/v1"]["limitations"], json!(["one-person"]));
        let unknown = vsa(&Verdict { policy: None, ..refused() }, &Around { attestations: Vec::new(), ..around() });
        assert!(unknown["predicate"]["policy"].get("digest").is_none());
        assert!(unknown["predicate"].get("inputAttestations").is_none());
    }

    #[test]
    fn summary_is_no_record_of_a_ledger() {
        let text = vsa(&accepted(), &around()).to_string();
        assert!(Statement::parse(text.as_bytes()).is_err());
    }
}
