//! Writing a bundle: reproducible, materials streamed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::layout::{
    ATTESTATIONS, CHECKPOINT, CONSISTENCY, LARGE_BYTES, MANIFEST, MAP_ENTRY, MULTIPROOF, README, README_TEXT,
    entry_name, envelope_name, git_name, item_name, manifest, material_name, proof_name, serials_name,
};
use crate::git::{GitFactsError, Objects, Recording, changed_lines, first_parent, git_facts};
use crate::merkle::Consistency;
use crate::model::{Below, Digest, Oid, Predicate};
use crate::prove::{Change, Complete, Logged, Materials, Source, SourceError, Trust};
use crate::verify::baselines_of;

/// What a bundle is made of.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// Where records and proofs come from.
    pub source: &'a dyn Source,
    /// Where materials come from.
    pub materials: &'a dyn Materials,
    /// The records of the change.
    pub complete: &'a Complete<Change>,
    /// Where git objects come from.
    pub objects: &'a dyn Objects,
    /// The judged commit.
    pub head: &'a Oid,
    /// The commit that the change starts from.
    pub base: &'a Oid,
    /// Whether its policies ask for the lines that the change adds, so that the bundle holds what they are computed from.
    pub lines: Lines,
    /// The line of the branch below the base, where a policy holds the change against the branch's baseline.
    pub below: Option<&'a Below>,
    /// What is believed before anything is read.
    pub trust: &'a Trust,
    /// The proof that the log only grew since an older checkpoint.
    pub since: Option<&'a Consistency>,
}

/// Whether a bundle holds what the changed lines are computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// It does: head's folders, and the blobs of the touched files.
    Held,
    /// No policy asks for them.
    LeftOut,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The number of records.
    pub records: usize,
    /// The materials that are in it.
    pub materials: usize,
    /// Those that records name and that were not there.
    pub left_out: Vec<Digest>,
}

/// Why no bundle was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The ledger could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The git objects could not be read.
    #[error(transparent)]
    Git(#[from] GitFactsError),
    /// The file could not be written.
    #[error("the bundle cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The archive could not be written.
    #[error("the bundle cannot be written: {0}")]
    Zip(#[from] zip::result::ZipError),
}

/// Writes the bundle of a change. The same arguments write the same bytes.
///
/// # Errors
/// See [`WriteError`].
pub fn write_bundle<W: Write + Seek>(out: W, parts: &Parts<'_>) -> Result<Exported, WriteError> {
    let Parts { source, materials, complete, objects, head, base, lines, below, trust, since } = *parts;
    let recording = Recording::new(objects);
    git_facts(&recording, head, base)?;
    if lines == Lines::Held {
        changed_lines(&recording, head, base, &[])?;
    }
    for commit in below.iter().flat_map(|below| &below.beside) {
        first_parent(&recording, commit)?;
    }
    let change = &complete.subject().id;
    let verdict = complete.of_change().rev().find(|record| is_verdict(record, head)).map(Logged::serial);
    let mut zip = Archive(ZipWriter::new(out));
    zip.put(README, README_TEXT.as_bytes())?;
    let checkpoint = complete.checkpoint();
    zip.put(MANIFEST, manifest(&checkpoint.checkpoint().origin, change, head, verdict).as_bytes())?;
    zip.put(CHECKPOINT, checkpoint.note())?;
    zip.put(MAP_ENTRY, complete.map().print().as_bytes())?;
    let mut lists: BTreeMap<Digest, (Option<&String>, &String, &Vec<u64>)> =
        complete.lists().iter().map(|(text, list)| (text.key(), (None, &list.proof, &list.serials))).collect();
    // A chain that is here whole says what its run does.
    for (text, run) in complete.runs() {
        lists.insert(text.key(), (run.item.as_ref(), &run.proof, &run.serials));
    }
    for (key, (item, proof, serials)) in &lists {
        if let Some(item) = item {
            zip.put(&item_name(key), item.as_bytes())?;
        }
        zip.put(&proof_name(key), proof.as_bytes())?;
        let serials: String = serials.iter().map(|serial| format!("{serial}\n")).collect();
        zip.put(&serials_name(key), serials.as_bytes())?;
    }
    let mut places = Vec::new();
    for record in complete.records() {
        places.push(record.serial());
        zip.put(&entry_name(record.serial()), record.entry().print().as_bytes())?;
    }
    places.push(complete.map().covers);
    zip.put(MULTIPROOF, source.multiproof(&places)?.proof.print().as_bytes())?;
    if let Some(since) = since {
        zip.put(CONSISTENCY, since.print().as_bytes())?;
    }
    let by_hash: BTreeMap<&Digest, u64> =
        complete.records().map(|record| (&record.entry().statement, record.serial())).collect();
    for (statement, serial) in by_hash {
        zip.put(&envelope_name(statement), &source.record(serial)?.envelope)?;
    }
    zip.begin(ATTESTATIONS, 0)?;
    for record in complete.records() {
        zip.0.write_all(&source.record(record.serial())?.envelope)?;
        zip.0.write_all(b"\n")?;
    }
    for (oid, raw) in recording.into_read() {
        zip.put(&git_name(&oid), &raw)?;
    }
    let mut exported = Exported { records: complete.records().count(), materials: 0, left_out: Vec::new() };
    for (digest, bytes) in named_materials(complete, trust, below) {
        let Some(mut material) = materials.material(&digest)? else {
            exported.left_out.push(digest);
            continue;
        };
        zip.begin(&material_name(&digest), bytes.unwrap_or(0))?;
        io::copy(&mut material, &mut zip.0)?;
        exported.materials += 1;
    }
    zip.0.finish()?.flush()?;
    Ok(exported)
}

/// Returns the materials that the records name, with their length where it is signed.
pub(super) fn named_materials(
    complete: &Complete<Change>,
    trust: &Trust,
    below: Option<&Below>,
) -> BTreeMap<Digest, Option<u64>> {
    let mut named: BTreeMap<Digest, Option<u64>> =
        baselines_of(complete, trust, below).into_iter().map(|digest| (digest, None)).collect();
    let ours: BTreeSet<u64> = complete.of_change().map(Logged::serial).collect();
    for record in complete.records() {
        let statement = record.statement();
        match &statement.predicate {
            Predicate::Policy(policy) => {
                named.extend(statement.digests().map(|digest| (*digest, Some(policy.bytes))));
            }
            Predicate::Result(run) if ours.contains(&record.serial()) => {
                named.extend(run.all_materials().map(|material| (material.sha256, Some(material.bytes))));
            }
            Predicate::Plan(plan) if ours.contains(&record.serial()) => {
                named.extend(plan.materials().map(|material| (material.sha256, Some(material.bytes))));
            }
            Predicate::Review(review) if ours.contains(&record.serial()) => {
                named.extend(review.notes.iter().map(|material| (material.sha256, Some(material.bytes))));
            }
            Predicate::Verdict(verdict) if ours.contains(&record.serial()) => {
                for material in verdict.materials() {
                    named.entry(*material).or_insert(None);
                }
            }
            _ => {}
        }
    }
    named
}

pub(super) fn is_verdict(record: &Logged, head: &Oid) -> bool {
    matches!(record.statement().predicate, Predicate::Verdict(_)) && record.statement().commit() == Some(head)
}

struct Archive<W: Write + Seek>(ZipWriter<W>);

impl<W: Write + Seek> Archive<W> {
    fn begin(&mut self, name: &str, bytes: u64) -> Result<(), WriteError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default())
            .large_file(bytes >= LARGE_BYTES)
            .unix_permissions(0o644);
        Ok(self.0.start_file(name, options)?)
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        self.begin(name, 0)?;
        Ok(self.0.write_all(bytes)?)
    }
}
