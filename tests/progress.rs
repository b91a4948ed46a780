//! What long work tells while it goes on. When a terminal shows it, and how it goes away again, is `src/cli/progress.rs`.

mod common;

use std::cell::Cell;
use std::fs;
use std::rc::Rc;
use std::sync::Mutex;

use common::{Rig, junit};
use evidence_ledger::attest::{ReportSpec, gather};
use evidence_ledger::export::{Bundle, audit};
use evidence_ledger::model::Purpose;
use evidence_ledger::prove::Trust;
use evidence_ledger::rego::Evaluator;
use evidence_ledger::store::Ledger;

fn rig() -> Rig {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    rig
}

#[test]
fn rebuild_tells_each_size_it_comes_to() {
    let rig = rig();
    let mut told = Vec::new();
    let size = Ledger::open(&rig.repo().join(".git/evidence")).unwrap().rebuild(&mut |size| told.push(size)).unwrap();
    assert_eq!(told.last(), Some(&size));
    assert!(told.len() > 3 && told.windows(2).all(|two| two[0] < two[1]), "{told:?}");
}

#[test]
fn audit_tells_what_it_reads() {
    let rig = rig();
    fs::write(rig.path("tests.xml"), junit(400, 0)).unwrap();
    rig.ok("ci-1", &["attest", "build", "--report", "../tests.xml"]);
    rig.ok("ci-1", &["export", "-o", "../whole.zip"]);
    let trust = Trust::parse(&fs::read_to_string(rig.repo().join(".evidence/trust.toml")).unwrap()).unwrap();
    let told = Rc::new(Cell::new(0));
    let watched = Rc::clone(&told);
    let bundle = Bundle::open(&rig.path("whole.zip")).unwrap().watched(move |bytes| watched.set(watched.get() + bytes));
    let audited = audit(&bundle, &trust, None, &Evaluator::none()).unwrap();
    // The report is hashed, and read again.
    let report = u64::try_from(junit(400, 0).len()).unwrap();
    assert!(audited.materials.1 >= report && told.get() >= audited.materials.1 + report, "{}", told.get());
}

#[test]
fn reports_are_told_as_they_are_kept_and_read() {
    let rig = rig();
    let text = junit(9_000, 0);
    fs::write(rig.path("tests.xml"), &text).unwrap();
    let ledger = Ledger::open(&rig.repo().join(".git/evidence")).unwrap();
    let told = Mutex::new(Vec::new());
    let told = &*Box::leak(Box::new(told));
    let watch = |name: &str, done: u64, whole: u64| told.lock().unwrap().push((name.to_owned(), done, whole));
    let spec = ReportSpec { format: None, pattern: "tests.xml".to_owned(), purpose: Purpose::Report, label: None };
    let folder = rig.path("tests.xml").parent().unwrap().to_owned();
    let gathered = gather(&folder, &[spec], &ledger.blobs(), &watch).unwrap();
    assert_eq!((gathered.facts.len(), gathered.problems.len()), (1, 0));
    let told = told.lock().unwrap();
    // Looked at for secrets, kept, read.
    let whole = 3 * u64::try_from(text.len()).unwrap();
    assert!(told.len() > 10 && told.iter().all(|(name, _, of)| name == "tests.xml" && *of == whole), "{told:?}");
    assert!(told.windows(2).all(|two| two[0].1 <= two[1].1) && told.last().unwrap().1 == whole, "{told:?}");
}
