//! The vectors in `testdata/vectors/`: plain files that another language could run, each with what it must come to.
//!
//! ```json
//! {"expect": "ok" or why it is refused, "what": "entry", "about": "for people", "text" or "base64": the bytes, ..}
//! ```
//! The files are made by this test from fixed keys whose seeds say that they are test keys, and written only with
//! `EVIDENCE_REGENERATE=1`. `format-v1.json` is another implementation's and belongs to `tests/golden.rs`.

#[path = "common/convictions.rs"]
mod convictions;
#[path = "common/formats.rs"]
mod formats;
#[path = "common/logs.rs"]
mod logs;
#[path = "common/memory.rs"]
mod memory;
#[path = "common/samples.rs"]
mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evidence_ledger::crypto::{Envelope, EnvelopeError, KeyRing, NoteError, OpenError, PublicKey};
use evidence_ledger::merkle::{
    CheckpointError, Consistency, ListProof, MapProof, MapText, Multiproof, ProofError, SignedCheckpoint,
    check_inclusion,
};
use evidence_ledger::model::{
    Digest, Entry, MapEntry, Name, Numbers, Statement, StatementError, check_schema, parse_json,
};
use evidence_ledger::prove::{Change, Complete, Conviction, ConvictionError, ProveError, Trust, TrustError};
use memory::Answers;
use serde_json::Value;

/// Returns the vectors on disk by their file names, written anew first if that is asked for.
fn files() -> &'static BTreeMap<String, Value> {
    static FILES: OnceLock<BTreeMap<String, Value>> = OnceLock::new();
    FILES.get_or_init(|| {
        if std::env::var_os("EVIDENCE_REGENERATE").is_some_and(|value| value == "1") {
            for (name, value) in generated() {
                let text = serde_json::to_string_pretty(&value).unwrap();
                fs::write(folder().join(format!("{name}.json")), format!("{text}\n")).unwrap();
            }
        }
        let paths = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
        let named = paths.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path));
        named
            .filter(|(name, _)| name != "format-v1")
            .map(|(name, path)| (name, parse_json(&fs::read(path).unwrap(), Numbers::Exact).unwrap()))
            .collect()
    })
}

fn generated() -> BTreeMap<String, Value> {
    let all: Vec<_> = formats::all().into_iter().chain(logs::all()).chain(convictions::all()).collect();
    let count = all.len();
    let named: BTreeMap<String, Value> = all.into_iter().collect();
    assert_eq!(named.len(), count, "two vectors have one name");
    named
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/vectors")
}

#[test]
fn every_vector_comes_to_what_it_expects() {
    let mut wrong = Vec::new();
    for (name, vector) in files() {
        let found = match run(vector) {
            Ok(()) => "ok",
            Err(slug) => slug,
        };
        if vector["expect"] != found {
            wrong.push(format!("{name}: expects {}, found {found}", vector["expect"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_files_are_those_that_are_made_from_the_test_keys() {
    let made = generated();
    let names = |all: &BTreeMap<String, Value>| all.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(files()), names(&made), "make them anew: EVIDENCE_REGENERATE=1");
    for (name, value) in &made {
        assert_eq!(&files()[name], value, "{name}: make it anew: EVIDENCE_REGENERATE=1");
    }
}

#[test]
fn every_format_has_good_and_bad_vectors() {
    let mut counts: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for vector in files().values() {
        let ok = usize::from(vector["expect"] == "ok");
        counts.entry(vector["what"].as_str().unwrap()).or_default()[ok] += 1;
    }
    assert_eq!(counts.len(), 16, "{counts:?}");
    assert!(counts.values().all(|[bad, good]| *bad > 0 && *good > 0), "{counts:?}");
}

type Ran = Result<(), &'static str>;

fn run(vector: &Value) -> Ran {
    let bytes = match (vector.get("text"), vector.get("base64")) {
        (Some(text), None) => text.as_str().unwrap().as_bytes().to_vec(),
        (None, Some(base64)) => STANDARD.decode(base64.as_str().unwrap()).unwrap(),
        _ => Vec::new(),
    };
    match text(&vector["what"]) {
        "entry" => same(Entry::parse(&bytes).map_err(|_| "spelling")?.print().as_bytes(), &bytes),
        "map-entry" => same(MapEntry::parse(&bytes).map_err(|_| "spelling")?.print().as_bytes(), &bytes),
        "envelope" => run_envelope(vector, &bytes),
        "statement" => Statement::parse(&bytes).map(drop).map_err(|error| of_statement(&error)),
        "note" => open(vector, &bytes).map(drop),
        "two-heads" => {
            let mut heads = vector["notes"].as_array().unwrap().iter().map(|note| open(vector, text(note).as_bytes()));
            let (one, two) = (heads.next().unwrap()?, heads.next().unwrap()?);
            let (one, two) = (one.checkpoint(), two.checkpoint());
            assert_eq!(one.size, two.size);
            // A tree of one size is consistent with itself only.
            let nothing = Consistency { from: one.size, path: Vec::new() };
            nothing.check(&one.root, two.size, &two.root).map_err(|_| "contradiction")
        }
        "map-proof" => run_map_proof(vector, &bytes),
        "multiproof" => {
            let proof = Multiproof::parse(&bytes).map_err(|error| of_proof(&error))?;
            let leaf = |pair: &Value| (pair[0].as_u64().unwrap(), hex(&pair[1]));
            let leaves: Vec<(u64, Digest)> = vector["leaves"].as_array().unwrap().iter().map(leaf).collect();
            let size = vector["size"].as_u64().unwrap();
            proof.check(&leaves, size, &base64(&vector["root"])).map_err(|error| of_proof(&error))
        }
        "list-proof" => {
            let ListProof { position, count, path } = ListProof::parse(&bytes).map_err(|error| of_proof(&error))?;
            let (item, root) = (hex(&vector["item"]), base64(&vector["root"]));
            // The newest is asked for, and that is the last.
            if position + 1 != count {
                return Err("wrong-shape");
            }
            check_inclusion(&item, position, count, &path, &root).map_err(|error| of_proof(&error))
        }
        "consistency" => {
            let proof = Consistency::parse(&bytes).map_err(|error| of_proof(&error))?;
            let (old, new) = (base64(&vector["old"]), base64(&vector["new"]));
            proof.check(&old, vector["size"].as_u64().unwrap(), &new).map_err(|error| of_proof(&error))
        }
        "trust" => {
            let trust = Trust::parse(std::str::from_utf8(&bytes).unwrap()).map_err(|error| of_trust(&error))?;
            assert_eq!(Trust::parse(&trust.print()), Ok(trust));
            Ok(())
        }
        "bundle" => run_bundle(&bytes),
        "conviction" => run_conviction(vector, &bytes),
        "public-key" => {
            let line = std::str::from_utf8(&bytes).unwrap();
            line.parse::<PublicKey>().map(drop).map_err(|_| "unfit-key")
        }
        "name-key" => {
            let name = std::str::from_utf8(&bytes).unwrap();
            let (kind, rest) = name.split_once(':').unwrap();
            let name = match kind {
                "address" => Name::Address(rest.to_owned()),
                "principal" => Name::Principal(rest.parse().unwrap()),
                "change" => Name::Change(rest.parse().unwrap()),
                other => panic!("no name is of the kind {other}"),
            };
            let same = PublicKey::of_name(&name).to_string() == text(&vector["key"]);
            if same { Ok(()) } else { Err("other-key") }
        }
        "log" => {
            let trust = Trust::parse(text(&vector["trust"])).unwrap();
            let change =
                Change { id: text(&vector["change"]).parse().unwrap(), tree: text(&vector["tree"]).parse().unwrap() };
            let complete =
                Complete::check(&Answers::of_json(vector), &trust, change).map_err(|error| of_log(&error))?;
            assert_eq!(complete.records().count(), vector["records"].as_object().unwrap().len());
            Ok(())
        }
        other => panic!("nothing checks {other}"),
    }
}

fn run_envelope(vector: &Value, bytes: &[u8]) -> Ran {
    let envelope = Envelope::parse(bytes).map_err(|error| match error {
        EnvelopeError::Json(_) => "not-strict-json",
        EnvelopeError::Member(_) => "schema",
        EnvelopeError::Base64(_) => "base64",
        EnvelopeError::PayloadType(_) => "wrong-type",
        EnvelopeError::Signatures(_) => "signatures",
        EnvelopeError::TooLarge(_) => "too-large",
        EnvelopeError::Spelling | EnvelopeError::Sign(_) => "spelling",
    })?;
    let lines = vector["keys"].as_array().unwrap().iter();
    let ring: KeyRing = lines.map(|line| text(line).parse::<PublicKey>().unwrap()).collect();
    envelope.open(&ring).map(drop).map_err(|error| match error {
        OpenError::UnknownKey(_) => "unknown-signer",
        OpenError::Signature(_) => "signature",
        OpenError::Order => "spelling",
    })?;
    check_schema("envelope", &parse_json(bytes, Numbers::Exact).unwrap()).unwrap();
    Ok(())
}

fn run_map_proof(vector: &Value, bytes: &[u8]) -> Ran {
    let proof = MapProof::parse(bytes).map_err(|error| of_proof(&error))?;
    let (asked, root) = (MapText::new(text(&vector["asked"]).to_owned()).key(), base64(&vector["root"]));
    let checked = match &vector["value"] {
        Value::Null => proof.check_absent(&asked, &root),
        value => proof.check_present(&asked, &hex(value), &root),
    };
    checked.map_err(|error| of_proof(&error))?;
    same(proof.print().as_bytes(), bytes)
}

fn run_conviction(vector: &Value, bytes: &[u8]) -> Ran {
    let trust = Trust::parse(text(&vector["trust"])).unwrap();
    let checked = Conviction::parse(bytes).and_then(|conviction| conviction.check(&trust));
    checked.map(drop).map_err(|error| match error {
        ConvictionError::Form(_) => "form",
        ConvictionError::Head(_) => "head",
        ConvictionError::Proof(_) => "proof",
        ConvictionError::Entry(_) => "entry",
        ConvictionError::Nothing(_) => "nothing",
    })
}

/// Strict JSON, the schema, then the one spelling.
fn run_bundle(bytes: &[u8]) -> Ran {
    let value = parse_json(bytes, Numbers::Exact).map_err(|_| "not-strict-json")?;
    check_schema("bundle", &value).map_err(|_| "schema")?;
    let members = ["format", "origin", "change", "commit", "verdict"].map(|name| format!("\"{name}\":{}", value[name]));
    if format!("{{{}}}\n", members.join(",")).as_bytes() == bytes { Ok(()) } else { Err("spelling") }
}

fn open(vector: &Value, note: &[u8]) -> Result<SignedCheckpoint, &'static str> {
    let vkey = text(&vector["vkey"]).parse().unwrap();
    SignedCheckpoint::open(note, &[vkey], text(&vector["origin"])).map_err(|error| match error {
        CheckpointError::Note(NoteError::Signature(_)) => "signature",
        CheckpointError::Note(NoteError::Unsigned { .. }) => "unsigned",
        CheckpointError::Note(_) | CheckpointError::Text(_) => "malformed",
        CheckpointError::Origin { .. } => "foreign",
    })
}

fn same(printed: &[u8], bytes: &[u8]) -> Ran {
    if printed == bytes { Ok(()) } else { Err("spelling") }
}

const fn of_statement(error: &StatementError) -> &'static str {
    match error {
        StatementError::Json(_) => "not-strict-json",
        StatementError::Type { .. } => "wrong-type",
        StatementError::Schema { .. } | StatementError::Member { .. } | StatementError::Binding { .. } => "schema",
        StatementError::Subjects { .. } => "subjects",
    }
}

const fn of_proof(error: &ProofError) -> &'static str {
    match error {
        ProofError::Text { .. } => "spelling",
        ProofError::Root(_) => "wrong-root",
        ProofError::Shape(_) => "wrong-shape",
    }
}

const fn of_trust(error: &TrustError) -> &'static str {
    match error {
        TrustError::Form(_) => "spelling",
        TrustError::Schema { .. } => "schema",
        TrustError::Root(_) | TrustError::Vkey(_) => "unfit-key",
        TrustError::Name { .. } => "wrong-name",
        TrustError::Threshold { .. } => "threshold",
        TrustError::Unsupported(_) => "unsupported",
    }
}

const fn of_log(error: &ProveError) -> &'static str {
    match error {
        ProveError::Missing(_) => "missing",
        ProveError::Unreadable(_) | ProveError::UnsignedHead { .. } => "unreadable",
        ProveError::Foreign { .. } => "foreign",
        ProveError::TooSmall { .. } => "too-small",
        ProveError::UnknownSigner { .. } => "unknown-signer",
        ProveError::Unsupported { .. } => "unsupported",
        ProveError::Contradiction { .. } => "contradiction",
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn hex(value: &Value) -> Digest {
    text(value).parse().unwrap()
}

fn base64(value: &Value) -> Digest {
    Digest(STANDARD.decode(text(value)).unwrap().try_into().unwrap())
}
