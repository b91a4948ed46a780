//! The published schemas and the types, held together from both sides: what the types print the schemas accept, and
//! what either refuses is refused.

#[path = "common/samples.rs"]
mod samples;

use std::collections::BTreeSet;

use evidence_ledger::model::{
    AsOf, Decision, PredicateName, Statement, StatementError, Time, check_schema, predicate_schema, schema,
};
use evidence_ledger::verify::{
    Code, CriterionShown, CriterionState, Excepted, ExceptionShown, ExceptionState, Finding, Limitation, Planned,
    PlannedFile, PlannedPaths, Recommended, Requirement, Shows, ShowsKind, State, TierShown, Verdict,
};
use samples::{digest, id, oid};
use serde_json::{Map, Value, json};

fn printed() -> Vec<(String, Value)> {
    let all = samples::all();
    all.into_iter().map(|(name, sample)| (name, serde_json::from_slice(&sample.print().unwrap()).unwrap())).collect()
}

fn parse(value: &Value) -> Result<Statement, StatementError> {
    Statement::parse(&serde_json::to_vec(value).unwrap())
}

/// Returns the JSON pointers of all objects in a value.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.push(at.to_owned());
            members.iter().for_each(|(name, member)| objects(member, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| objects(item, &format!("{at}/{index}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn with<R>(value: &Value, at: &str, change: impl FnOnce(&mut Map<String, Value>) -> R) -> Value {
    let mut changed = value.clone();
    change(changed.pointer_mut(at).unwrap().as_object_mut().unwrap());
    changed
}

#[test]
fn every_statement_prints_and_reads_back_the_same() {
    let mut kinds = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (name, sample) in samples::all() {
        let payload = sample.print().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(Statement::parse(&payload).unwrap(), sample, "{name}");
        kinds.insert(sample.kind());
        names.insert(sample.predicate.name());
    }
    assert_eq!(names.len(), PredicateName::ALL.len());
    // 4 review phases, 4 exceptions, 7 authority acts, 7 events, and plan, start, result, policy, verdict.
    assert_eq!(kinds.len(), 27, "{kinds:?}");
}

#[test]
fn an_unknown_field_is_refused_at_every_level() {
    for (name, value) in printed() {
        let mut places = Vec::new();
        objects(&value, "", &mut places);
        assert!(places.len() >= 5, "{name}");
        for at in places {
            // The members of the context are free, within bounds.
            let field = if at.ends_with("/context") { "not-a-word" } else { "unknown" };
            let more = with(&value, &at, |members| members.insert(field.to_owned(), json!("x")));
            assert!(parse(&more).is_err(), "{name} {at}");
        }
    }
}

#[test]
fn a_required_field_that_is_missing_is_refused() {
    for (name, value) in printed() {
        let mut places = Vec::new();
        objects(&value, "", &mut places);
        for at in places {
            for field in value.pointer(&at).unwrap().as_object().unwrap().keys() {
                let less = with(&value, &at, |members| members.remove(field));
                if OPTIONAL.contains(&field.as_str()) || at.ends_with("/context") {
                    let Ok(read) = parse(&less) else { continue };
                    assert_ne!(read, parse(&value).unwrap(), "{name} {at}/{field}");
                } else {
                    assert!(parse(&less).is_err(), "{name} {at}/{field} is required");
                }
            }
        }
    }
}

#[test]
fn every_optional_field_is_absent_from_some_statement_and_present_in_another() {
    let schemas: BTreeSet<&str> = PredicateName::ALL.into_iter().map(predicate_schema).collect();
    let mut declared = BTreeSet::new();
    for name in schemas {
        let value: Value = serde_json::from_str(schema(name).unwrap().text).unwrap();
        let mut places = Vec::new();
        objects(&value, "", &mut places);
        for place in places {
            let object = &value.pointer(&place).unwrap();
            if let (Some(Value::Object(properties)), Some(Value::Array(required))) =
                (object.get("properties"), object.get("required"))
            {
                let optional = properties.keys().filter(|field| !required.contains(&json!(field)));
                declared.extend(optional.filter(|_| object.get("additionalProperties").is_some()).cloned());
            }
        }
    }
    let listed: BTreeSet<String> = OPTIONAL.iter().map(|field| (*field).to_owned()).collect();
    assert_eq!(declared, listed);
    let all: Vec<String> = printed().into_iter().map(|(_, value)| value.to_string()).collect();
    for field in OPTIONAL {
        assert!(all.iter().any(|text| text.contains(&format!("\"{field}\":"))), "{field} is in no sample");
        assert!(all.iter().any(|text| !text.contains(&format!("\"{field}\":"))), "{field} is in every sample");
    }
}

#[test]
fn another_name_version_or_type_is_refused() {
    for (name, value) in printed() {
        let kind = value["predicateType"].as_str().unwrap();
        let others = PredicateName::ALL.map(PredicateName::predicate_type);
        let wrong = [kind.replace("/v1", "/v2"), kind.replace("/v1", ""), kind.replace("evidence:", "evidences:")];
        for other in others.into_iter().chain(wrong).filter(|other| other != kind) {
            let changed = with(&value, "", |members| members.insert("predicateType".into(), json!(other)));
            assert!(parse(&changed).is_err(), "{name} as {other}");
        }
        let renamed = with(&value, "", |members| {
            let kind = members.remove("_type").unwrap();
            members.insert("type".into(), kind)
        });
        assert!(matches!(parse(&renamed), Err(StatementError::Type { .. })), "{name}");
        let version =
            with(&value, "", |members| members.insert("_type".into(), json!("https://in-toto.io/Statement/v2")));
        assert!(matches!(parse(&version), Err(StatementError::Type { .. })), "{name}");
    }
}

#[test]
fn another_spelling_of_the_json_is_refused() {
    for (name, value) in printed() {
        let text = value.to_string();
        let nonce = format!("\"nonce\":{}", value["predicate"]["evidence"]["nonce"]);
        let doubled = text.replace(&nonce, &format!("{nonce},\"\\u006eonce\":\"{}\"", "0".repeat(32)));
        assert_ne!(doubled, text);
        for bad in [doubled, format!("{text} x"), format!("\u{feff}{text}"), text[..text.len() - 1].to_owned()] {
            assert!(matches!(Statement::parse(bad.as_bytes()), Err(StatementError::Json(_))), "{name}");
        }
    }
}

#[test]
fn numbers_are_integers_below_2_to_the_53() {
    let mut seen = 0;
    for (name, value) in printed() {
        let mut places = Vec::new();
        objects(&value, "", &mut places);
        for at in places {
            let object = value.pointer(&at).unwrap().as_object().unwrap();
            for field in object.iter().filter(|(_, member)| member.is_number()).map(|(field, _)| field) {
                seen += 1;
                for bad in
                    [json!(1.5), json!(1.0), json!(9_007_199_254_740_992_u64), json!(-1), json!("1"), json!(null)]
                {
                    let changed = with(&value, &at, |members| members.insert(field.clone(), bad.clone()));
                    assert!(parse(&changed).is_err(), "{name} {at}/{field} {bad}");
                }
            }
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn subjects_are_those_of_the_kind_and_have_one_digest() {
    for (name, value) in printed() {
        let subjects = value["subject"].as_array().unwrap();
        let put = |subjects: Vec<Value>| with(&value, "", |members| members.insert("subject".into(), json!(subjects)));
        assert!(parse(&put(Vec::new())).is_err(), "{name} without subjects");
        let mut two = subjects.clone();
        two[0]["digest"]["sha256"] = json!(digest("x"));
        two[0]["digest"]["gitCommit"] = json!(oid('1'));
        assert!(parse(&put(two)).is_err(), "{name} with a subject of two digests");
        let mut none = subjects.clone();
        none[0]["digest"] = json!({});
        assert!(parse(&put(none)).is_err(), "{name} with a subject of no digest");
        let tree = json!({"name": "tree", "digest": {"gitTree": oid('4')}});
        assert!(parse(&put([subjects.as_slice(), &[tree]].concat())).is_err(), "{name} with a second tree");
        let mut wrong = subjects.clone();
        wrong[0]["digest"] = json!({"md5": "0"});
        assert!(parse(&put(wrong)).is_err(), "{name} with a foreign digest");
        if subjects.len() == 1 && !name.starts_with("event-incident") && name != "authority-root" {
            let twice = [subjects.as_slice(), subjects].concat();
            assert!(parse(&put(twice)).is_err(), "{name} with its subject twice");
        }
    }
}

#[test]
fn a_record_is_bound_to_a_change_exactly_where_it_belongs_to_one() {
    for (name, value) in printed() {
        let evidence = "/predicate/evidence";
        let bound = value["predicate"]["evidence"].get("change").is_some();
        if bound {
            for field in ["change", "plan"] {
                let less = with(&value, evidence, |members| members.remove(field));
                let had = value.pointer(evidence).unwrap().get(field).is_some();
                assert!(parse(&less).is_err() || !had, "{name} without {field}");
            }
        }
        let more = with(&value, evidence, |members| {
            members.insert("change".into(), json!("shop/other"));
            members.insert("plan".into(), json!(digest("other")));
        });
        let may =
            bound && !matches!(name.as_str(), "plan-first" | "plan-implied" | "plan-told") || name == "exception-wide";
        assert_eq!(parse(&more).is_ok(), may, "{name}");
    }
}

#[test]
fn the_schemas_refuse_what_the_types_refuse() {
    let value = printed().into_iter().find(|(name, _)| name == "authority-grant-most").unwrap().1;
    let predicate = &value["predicate"];
    assert!(check_schema("authority", predicate).is_ok());
    let fingerprint = predicate["leasedBy"].as_str().unwrap();
    let line = predicate["key"].as_str().unwrap();
    let bad = [
        ("leasedBy", json!(format!("{fingerprint}="))),
        ("leasedBy", json!(format!("{}B", &fingerprint[..49]))),
        ("key", json!(format!("{line} comment"))),
        ("key", json!(line.replace("AAAAI", "AAAAJ"))),
        ("principal", json!("a.lock")),
        ("principal", json!("a./b")),
        ("principal", json!("a/b/c/d/e/f/g/h/i")),
        ("principal", json!("Ana")),
        ("roles", json!(["ci", "ci"])),
    ];
    for (field, bad) in bad {
        let changed = with(predicate, "", |members| members.insert(field.to_owned(), bad.clone()));
        assert!(check_schema("authority", &changed).is_err(), "{field} {bad}");
    }
}

fn accepted() -> Verdict {
    let requirement = Requirement {
        claim: id("unit-tests"),
        why: "tier medium".into(),
        family: "functionality",
        state: State::Pass,
        serials: vec![8, 10],
        principals: vec![id("ci")],
        attempts: 1,
        numbers: Some("2 of 2 tests pass".into()),
        failed_elsewhere: vec![4],
        delivered_late_seconds: Some(300),
        exception: None,
        baseline: Vec::new(),
        not_compared: vec!["coverage".into()],
        policy: Some(digest("policy")),
    };
    let bare = Requirement {
        policy: None,
        numbers: None,
        failed_elsewhere: Vec::new(),
        delivered_late_seconds: None,
        not_compared: Vec::new(),
        claim: id("lint"),
        ..requirement.clone()
    };
    let finding = Finding::new(Code::NO_PLAN, "the ledger", "nothing", "a plan");
    Verdict {
        decision: Decision::Accepted,
        base: Some(oid('0')),
        tier: Some(TierShown { planned: id("low"), effective: id("medium") }),
        as_of: Some(AsOf { size: 12, root: digest("root"), time: Time(1) }),
        policy: Some(digest("policy")),
        planned: Some(planned()),
        requirements: vec![requirement, bare],
        recommended: vec![Recommended { claim: id("mutation"), state: State::Missing }],
        criteria: vec![criterion()],
        findings: Vec::new(),
        limitations: vec![Limitation { name: "one-person", text: "ana holds all roles".into() }],
        ..Verdict::unproven(id("shop/a"), oid('1'), oid('2'), samples::ORIGIN.into(), Time(2), finding)
    }
}

/// One with an exception of each kind of end, one of which stands in for a requirement.
fn excepted() -> Verdict {
    let mut verdict = accepted();
    let (by, reason) = (vec!["ana".to_owned()], "why".to_owned());
    for (state, effect) in [(State::Waived, "waive"), (State::NotApplicable, "exempt")] {
        let (by, reason) = (by.clone(), reason.clone());
        let exception = Excepted { serial: 7, id: id("w-1"), effect, by, reason, until: Time(9) };
        let requirement = Requirement { state, exception: Some(exception), ..verdict.requirements[1].clone() };
        verdict.requirements.push(requirement);
    }
    use ExceptionState::{End, Ended, EndedEarly, InForce, NotTaken};
    for (state, why) in
        [(InForce, None), (Ended, None), (EndedEarly, Some("x")), (End, Some("x")), (NotTaken, Some("x"))]
    {
        verdict.exceptions.push(ExceptionShown {
            serial: 7,
            id: id("w-1"),
            effect: "retire",
            claims: vec![id("unit-tests")],
            names: vec!["a > *".to_owned()],
            to: (state == Ended).then_some(25),
            any_change: state == NotTaken,
            changes: if state == NotTaken { vec!["shop/dep-*".to_owned()] } else { Vec::new() },
            by: by.clone(),
            reason: reason.clone(),
            until: Time(9),
            state,
            why: why.map(str::to_owned),
        });
    }
    verdict
}

fn planned() -> Planned {
    let file = PlannedFile { serial: 3, name: "rollback.md".into(), sha256: digest("rollback") };
    let first = PlannedPaths { serial: 3, patterns: vec!["src/**".into()], reason: None };
    let wider = PlannedPaths { serial: 4, patterns: vec!["doc/**".into()], reason: Some("it wants words".into()) };
    Planned {
        origin: Some("https://tickets.example.org/12".into()),
        requested: Some(Time(1)),
        paths: vec![first, wider],
        rollback: Some(file.clone()),
        attachments: vec![file],
    }
}

fn criterion() -> CriterionShown {
    let shows = |kind, count| Shows { kind, name: "x".into(), serials: vec![8], count, caption: None, excepted: None };
    let evidence = vec![
        shows(ShowsKind::Tests, Some(2)),
        shows(ShowsKind::Claim, None),
        shows(ShowsKind::Picture, None),
        shows(ShowsKind::Attachment, None),
        shows(ShowsKind::Person, None),
    ];
    CriterionShown {
        id: "AC-1".parse().unwrap(),
        text: "a visitor logs in".into(),
        state: CriterionState::Met,
        critical: true,
        plan: 3,
        evidence,
        lacks: Vec::new(),
    }
}

fn refused() -> Verdict {
    let mended = Finding::new(Code::MISSING_CLAIM, "unit-tests", "nothing", "a result")
        .mended_by(&["evidence", "attest", "unit-tests", "--", "CMD"], Some("ci"));
    let mut verdict = Verdict { decision: Decision::Refused, findings: vec![mended], ..accepted() };
    let open = CriterionShown { state: CriterionState::Open, lacks: vec!["nothing shows it".into()], ..criterion() };
    verdict.criteria.push(open);
    verdict.findings[0].mend.as_mut().unwrap().who.push(id("ci"));
    verdict.findings.push(Finding::new(Code::HALTED, "the ledger", "a halt", "a resume").mended_by(&["x"], None));
    for state in [State::Fail, State::Inconclusive, State::Running, State::Lost, State::Missing, State::Invalid] {
        let requirement = Requirement { state, ..verdict.requirements[1].clone() };
        verdict.requirements.push(requirement);
    }
    verdict
}

/// Returns whether a verdict says something only where a plan did.
fn is_told(at: &str, field: &str) -> bool {
    match field {
        "planned" | "criteria" => at.is_empty(),
        "reason" => at.starts_with("/planned/paths"),
        "lacks" | "count" => at.starts_with("/criteria"),
        _ => at == "/planned",
    }
}

#[test]
fn verdicts_keep_to_their_schema() {
    let finding = Finding::new(Code::NO_PLAN, "the ledger", "it is empty", "a plan");
    let least = Verdict::unproven(id("shop/a"), oid('1'), oid('2'), samples::ORIGIN.into(), Time(2), finding);
    for verdict in [accepted(), excepted(), refused(), least] {
        check_schema("verdict-report", &verdict.to_json()).unwrap();
    }
}

#[test]
fn a_verdict_that_says_more_or_less_breaks_its_schema() {
    for verdict in [accepted(), excepted(), refused()] {
        let value = verdict.to_json();
        let mut places = Vec::new();
        objects(&value, "", &mut places);
        for at in places {
            let more = with(&value, &at, |members| members.insert("unknown".into(), json!(1)));
            assert!(check_schema("verdict-report", &more).is_err(), "{at}");
            for field in value.pointer(&at).unwrap().as_object().unwrap().keys() {
                let less = with(&value, &at, |members| members.remove(field));
                let optional =
                    ["numbers", "failedElsewhere", "notCompared", "deliveredLateSeconds", "mend", "role", "exceptions"]
                        .contains(&field.as_str())
                        || at.starts_with("/exceptions/")
                            && ["changes", "names", "to", "why"].contains(&field.as_str())
                        || at.is_empty() && field == "recommended"
                        || at.starts_with("/requirements/") && field == "policy"
                        || is_told(&at, field)
                        || verdict.decision == Decision::Refused
                            && ["base", "tier", "asOf", "policy"].contains(&field.as_str());
                assert_eq!(check_schema("verdict-report", &less).is_ok(), optional, "{at}/{field}");
            }
        }
    }
}

#[test]
fn an_acceptance_with_a_finding_and_a_refusal_without_one_break_their_schema() {
    let torn = [
        Verdict { findings: refused().findings, ..accepted() },
        Verdict { findings: Vec::new(), ..refused() },
        Verdict { requirements: refused().requirements, ..accepted() },
        // Nothing is shown.
        Verdict { requirements: excepted().requirements[2..].to_vec(), ..accepted() },
    ];
    for verdict in torn {
        assert!(check_schema("verdict-report", &verdict.to_json()).is_err());
    }
}

/// The members that may be absent, of all nine predicates.
const OPTIONAL: &[&str] = &[
    "aliases",
    "attachments",
    "baseline",
    "caption",
    "change",
    "changes",
    "claims",
    "codes",
    "command",
    "commitment",
    "context",
    "coverage",
    "criteria",
    "criterion",
    "critical",
    "emails",
    "facts",
    "findings",
    "human",
    "leasedBy",
    "limitations",
    "materials",
    "measurements",
    "mutation",
    "names",
    "notes",
    "old",
    "omittedBytes",
    "onBase",
    "origin",
    "owner",
    "paths",
    "pictures",
    "plain",
    "plan",
    "problems",
    "reason",
    "renames",
    "requested",
    "rollback",
    "shard",
    "specs",
    "tests",
    "tier",
    "to",
    "until",
    "variant",
    "verdict",
    "vsa",
    "withTests",
];
