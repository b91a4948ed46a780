//! The verdict in files for other tools, tried from outside: what each shows of an acceptance and of a refusal.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Ran, Rig};
use evidence_ledger::crypto::{Envelope, KeyRing, SecretKey};
use evidence_ledger::model::Digest;
use evidence_ledger::reports::{CaseOutcome, Format, Report, read_report};
use evidence_ledger::store::Ledger;
use serde_json::Value;

const FORMATS: [&str; 6] = ["json", "markdown", "sarif", "junit", "codequality", "vsa"];

fn out(rig: &Rig, format: &str) -> PathBuf {
    rig.path(&format!("written.{format}"))
}

/// Verifies and writes every format.
fn written(rig: &Rig, by: &str) -> Ran {
    let words: Vec<String> = FORMATS.iter().map(|format| format!("--write={format}=../written.{format}")).collect();
    let mut all = vec!["verify"];
    all.extend(words.iter().map(String::as_str));
    rig.by(by, &all)
}

fn text(rig: &Rig, format: &str) -> String {
    fs::read_to_string(out(rig, format)).unwrap_or_else(|error| panic!("{format}: {error}"))
}

fn json(rig: &Rig, format: &str) -> Value {
    serde_json::from_str(&text(rig, format)).unwrap()
}

fn report(rig: &Rig, format: Format) -> Report {
    read_report(format, &mut text(rig, format.name()).as_bytes()).unwrap()
}

fn none_left(rig: &Rig) {
    for entry in fs::read_dir(rig.path("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.starts_with("written") && !name.starts_with(".evidence-write"), "{name} was left");
    }
}

/// What a summary attestation says: the result and its levels.
fn summary(statement: &Value) -> (String, String) {
    let predicate = &statement["predicate"];
    (predicate["verificationResult"].to_string(), predicate["verifiedLevels"].to_string())
}

#[test]
fn acceptance_is_clean_in_every_format_and_the_refusal_before_it_in_none() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.pass("build");
    assert_eq!(written(&rig, "owner").code, 1);
    let mut printed = rig.by("stranger", &["verify", "--json"]).json();
    printed["now"] = json(&rig, "json")["now"].clone();
    assert_eq!(json(&rig, "json"), printed);
    assert!(text(&rig, "markdown").starts_with("❌ **refused**"));
    assert!(text(&rig, "markdown").contains("E201 missing-claim"));
    assert_eq!(report(&rig, Format::Sarif).findings.len(), 2);
    let outcomes: Vec<_> =
        report(&rig, Format::Junit).cases.into_iter().map(|case| (case.name, case.outcome)).collect();
    let (passed, failed) = (CaseOutcome::Passed, CaseOutcome::Failed);
    let wanted = [("build".to_owned(), passed), ("unit-tests".to_owned(), failed), ("scan".to_owned(), failed)];
    assert_eq!(outcomes.len(), 3);
    assert!(wanted.iter().all(|case| outcomes.contains(case)), "{outcomes:?}");
    assert_eq!(json(&rig, "codequality").as_array().unwrap().len(), 2);
    assert_eq!(summary(&json(&rig, "vsa")), ("\"FAILED\"".to_owned(), "[\"FAILED\"]".to_owned()));

    rig.medium();
    assert_eq!(written(&rig, "owner").code, 0);
    assert_eq!(json(&rig, "json")["decision"], "accepted");
    assert!(text(&rig, "markdown").starts_with("✅ **accepted**"));
    let sarif = report(&rig, Format::Sarif);
    assert!(sarif.findings.is_empty() && sarif.facts.reasons.is_empty());
    assert!(report(&rig, Format::Junit).cases.iter().all(|case| case.outcome == passed));
    assert_eq!(json(&rig, "codequality"), serde_json::json!([]));
    let vsa = json(&rig, "vsa");
    assert_eq!(summary(&vsa), ("\"PASSED\"".to_owned(), "[\"EVIDENCE_TIER_MEDIUM\"]".to_owned()));
    assert_eq!(vsa["subject"][0]["digest"]["gitCommit"], rig.git(&["rev-parse", "HEAD"]));
    assert_eq!(vsa["subject"][1]["digest"]["gitTree"], rig.git(&["rev-parse", "HEAD^{tree}"]));
    assert!(!vsa["predicate"]["inputAttestations"].as_array().unwrap().is_empty());
}

#[test]
fn summary_is_signed_by_a_named_key_and_bare_without_one() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    assert_eq!(written(&rig, "ci-2").code, 0);
    let key = |name: &str| SecretKey::from_pem(&fs::read_to_string(rig.key_path(name)).unwrap()).unwrap().public();
    let envelope = Envelope::parse(text(&rig, "vsa").as_bytes()).unwrap();
    let ring = |name: &str| {
        let mut ring = KeyRing::default();
        ring.insert(key(name));
        ring
    };
    let payload = envelope.open(&ring("ci-2")).unwrap().value().clone();
    assert_eq!(summary(&serde_json::from_slice(&payload).unwrap()).0, "\"PASSED\"");
    assert!(envelope.open(&ring("ci-1")).is_err());
    assert_eq!(written(&rig, "owner").code, 0);
    assert_eq!(json(&rig, "vsa")["_type"], "https://in-toto.io/Statement/v1");
}

#[test]
fn summary_of_a_recorded_verdict_is_signed_by_the_key_that_records_it() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    let write = ["verify", "--write", "vsa=../written.vsa"];
    let own = SecretKey::from_pem(&fs::read_to_string(rig.key_path("owner")).unwrap()).unwrap().public();
    let ring: KeyRing = [own].into_iter().collect();
    rig.ok("owner", &write);
    assert!(Envelope::parse(text(&rig, "vsa").as_bytes()).is_err(), "nobody is named, and nothing is recorded");
    rig.ok("owner", &[&write[..], &["--record"]].concat());
    let envelope = Envelope::parse(text(&rig, "vsa").as_bytes()).unwrap();
    assert!(envelope.open(&ring).is_ok());
}

#[test]
fn recorded_verdict_names_its_summary_which_passes_only_what_was_accepted() {
    let rig = Rig::new();
    rig.plan("low");
    // The newest verdict: where its summary lies, and what it says.
    let newest = || {
        let ledger = Ledger::open(&rig.repo().join(".git/evidence")).unwrap();
        let serial = (ledger.read().unwrap().size() - 2).to_string();
        let shown = rig.ok("stranger", &["show", &serial, "--json"]).json();
        let digest: Digest = shown["statementBody"]["predicate"]["vsa"].as_str().unwrap().parse().unwrap();
        let path = ledger.blobs().path(&digest);
        let envelope = Envelope::parse(&fs::read(&path).unwrap()).unwrap();
        let key = SecretKey::from_pem(&fs::read_to_string(rig.key_path("ci-2")).unwrap()).unwrap().public();
        let payload = envelope.open(&[key].into_iter().collect::<KeyRing>()).unwrap().value().clone();
        (path, summary(&serde_json::from_slice(&payload).unwrap()).0)
    };
    for (code, said) in [(1, "\"FAILED\""), (0, "\"PASSED\"")] {
        if code == 0 {
            rig.pass("build");
        }
        assert_eq!(rig.by("ci-2", &["verify", "--record"]).code, code);
        assert_eq!(newest().1, said);
    }
    rig.ok("stranger", &["export", "-o", "../recorded.zip"]);
    let audit = ["audit", "../recorded.zip", "--trust", ".evidence/trust.toml"];
    rig.ok("stranger", &audit);
    fs::remove_file(newest().0).unwrap();
    rig.ok("stranger", &["export", "-o", "../without.zip"]);
    let ran = rig.by("stranger", &["audit", "../without.zip", "--trust", ".evidence/trust.toml"]);
    assert!(ran.code == 1 && ran.out.contains("E216"), "{ran:?}");
}

#[test]
fn unknown_format_is_refused_before_anything_is_judged() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    for words in [&["--write", "pdf=../written.pdf"][..], &["--write", "json"], &["--write", "json="]] {
        let ran = rig.by("stranger", &[&["verify", "--write", "json=../written.json"], words].concat());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        none_left(&rig);
    }
    let ran = rig.by("stranger", &["verify", "--write", "pdf=../written.pdf"]);
    assert!(FORMATS.iter().all(|format| ran.err.contains(format)), "{ran:?}");
    let ran = rig.by("stranger", &["verify", "--json", "--write", "pdf=../written.pdf"]);
    assert!(ran.json()["error"]["text"].as_str().unwrap().contains("pdf"), "{ran:?}");
    rig.ok("stranger", &["verify", "--write", "json=../written.json"]);
}

#[test]
fn file_that_cannot_be_written_stops_the_run_and_leaves_nothing() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    fs::create_dir(rig.path("folder")).unwrap();
    for file in ["../nowhere/x", "../folder", "/dev/null", "../written.json"] {
        let ran =
            rig.by("stranger", &["verify", "--write", "json=../written.json", "--write", &format!("markdown={file}")]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{file} {ran:?}");
        none_left(&rig);
    }
}

#[test]
fn acceptance_of_an_earlier_run_does_not_outlive_a_run_without_a_verdict() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    assert_eq!(written(&rig, "owner").code, 0);
    let words = ["verify", "--commit", "nowhere", "--write", "json=../written.json"];
    assert_eq!(rig.by("stranger", &words).code, 2);
    assert!(!out(&rig, "json").exists() && out(&rig, "junit").exists());
    rig.ok("stranger", &["verify", "--write", "json=../written.json"]);
    assert!(out(&rig, "json").exists());
}

#[test]
fn audit_writes_what_it_judged_and_what_it_refuses_unjudged() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    rig.ok("stranger", &["export", "-o", "../bundle.zip"]);
    let trust = fs::read_dir(rig.path("config/evidence/repositories")).unwrap().next().unwrap().unwrap().path();
    let trust = trust.join("trust.toml");
    let audit = |trust: &str| {
        rig.by(
            "owner",
            &[
                "audit",
                "../bundle.zip",
                "--trust",
                trust,
                "--write",
                "json=../written.json",
                "--write",
                "vsa=../written.vsa",
            ],
        )
    };
    assert_eq!(audit(trust.to_str().unwrap()).code, 0);
    assert_eq!(json(&rig, "json")["decision"], "accepted");
    assert!(!json(&rig, "vsa")["predicate"]["inputAttestations"].as_array().unwrap().is_empty());

    let grown = format!("min_size = 1000\n{}", fs::read_to_string(&trust).unwrap());
    fs::write(rig.path("grown.toml"), grown).unwrap();
    let ran = audit(rig.path("grown.toml").to_str().unwrap());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(json(&rig, "json")["decision"], "refused");
    assert_eq!(json(&rig, "json")["findings"][0]["code"], "E308");
    assert_eq!(summary(&json(&rig, "vsa")).0, "\"FAILED\"");
}

#[test]
fn verdict_is_coloured_where_it_is_wanted_and_says_the_same_without() {
    let rig = Rig::new();
    rig.plan("low");
    for colour in ["\u{1b}[31m", "\u{1b}[32m"] {
        let with = |variables: &[&str]| {
            let mut command = rig.command("stranger", &["verify"]);
            command.envs(variables.iter().map(|name| (*name, "1")));
            Ran::of(command.output().unwrap()).out
        };
        // The second line has the time.
        let lines = |text: &str| {
            let text = ["31", "32", "33", "1", "0"]
                .iter()
                .fold(text.to_owned(), |text, n| text.replace(&format!("\u{1b}[{n}m"), ""));
            text.lines()
                .enumerate()
                .filter(|(number, _)| *number != 1)
                .map(|(_, line)| line.to_owned())
                .collect::<Vec<_>>()
        };
        let forced = with(&["CLICOLOR_FORCE"]);
        assert!(forced.contains(colour), "{forced:?}");
        for none in [with(&[]), with(&["NO_COLOR"]), with(&["NO_COLOR", "CLICOLOR_FORCE"])] {
            assert!(!none.contains('\u{1b}') && none.contains("shop/feature at"), "{none:?}");
            assert_eq!(lines(&none), lines(&forced));
        }
        rig.pass("build");
    }
}

#[test]
fn refusal_before_anything_is_judged_is_written_too() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    let digest = rig.ok("stranger", &["policy", "show", "--json"]).json()["sha256"].as_str().unwrap().to_owned();
    let text = fs::read(rig.path("policy.toml")).unwrap();
    let mut found = Vec::new();
    let mut todo = vec![rig.repo().join(".git/evidence")];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if fs::read(&path).unwrap() == text {
                found.push(path);
            }
        }
    }
    assert_eq!(found.len(), 1, "{digest} {found:?}");
    fs::remove_file(&found[0]).unwrap();
    let ran = written(&rig, "owner");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(json(&rig, "json")["findings"][0]["code"], "E216");
    assert_eq!(report(&rig, Format::Sarif).findings.len(), 1);
    assert!(report(&rig, Format::Junit).cases.iter().all(|case| case.outcome == CaseOutcome::Failed));
    assert_eq!(summary(&json(&rig, "vsa")).0, "\"FAILED\"");
    fs::write(&found[0], text).unwrap();
    assert_eq!(written(&rig, "owner").code, 0);
}

/// A device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn answer_that_nobody_got_is_no_acceptance() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    rig.verify().accepted();
    for words in [&["verify"][..], &["verify", "--json"], &["log", "--json"], &["policy", "show"]] {
        let mut command = rig.command("gate", words);
        let ran = Ran::of(command.stdout(fs::File::create("/dev/full").unwrap()).output().unwrap());
        assert!(ran.code == 2 && ran.err.contains("error: the answer cannot be written"), "{words:?}: {ran:?}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = Ran::of(rig.command("gate", words).stdout(writer).output().unwrap());
        assert!(ran.code == 0 && ran.err.is_empty(), "who went away: {words:?}: {ran:?}");
    }
}

#[test]
fn nothing_that_is_no_file_is_replaced_by_one() {
    let rig = Rig::new();
    rig.plan("low");
    let told = rig.ok("ci-1", &["attest", "build", "--attach", "src/lib.rs", "--", "true"]).err;
    let kept = rig.ok("gate", &["show", told.split(['#', ' ']).nth(1).unwrap(), "--json"]).json();
    let hash = kept["statementBody"]["predicate"]["materials"][0]["sha256"].as_str().map(str::to_owned);
    let link = rig.path("link");
    std::os::unix::fs::symlink(rig.path("elsewhere"), &link).unwrap();
    let hash = hash.unwrap_or_else(|| panic!("{kept:#}"));
    for words in [&["export"][..], &["show", &hash], &["ledger", "trust"]] {
        let ran = rig.by("gate", &[words, &["-o", "../link"]].concat());
        assert!(ran.code == 2 && ran.err.contains("is no file, and is not replaced by one"), "{words:?}: {ran:?}");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && !rig.path("elsewhere").exists(), "{words:?}");
        rig.ok("gate", &[words, &["-o", "../file"]].concat());
        rig.ok("gate", &[words, &["-o", "../file"]].concat());
    }
}
