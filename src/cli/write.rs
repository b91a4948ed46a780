//! `--write FORMAT=FILE`: the verdict in files, each whole or not there.
//!
//! A file of an earlier run is taken away before anything is judged: nobody finds an old acceptance where this run came to
//! no verdict. The files come into place by renaming, once all of them are written.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::context::{Context, now};
use super::fail::Fail;
use super::keys::{Key, lent};
use super::verify::checked_json;
use crate::crypto::Envelope;
use crate::export::{Around, Attestation, Projection};
use crate::verify::Verdict;

/// A file to write, and in which format.
#[derive(Debug, Clone)]
pub(super) struct Target {
    format: Projection,
    path: PathBuf,
}

/// Parses `FORMAT=FILE`.
pub(super) fn parse(text: &str) -> Result<Target, String> {
    let (format, path) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` names no file: wanted FORMAT=FILE, such as json=verdict.json"))?;
    let format = format.parse::<Projection>().map_err(|error| error.to_string())?;
    if path.is_empty() {
        return Err(format!("the file of {format} is empty: wanted FORMAT=FILE, such as {format}=FILE"));
    }
    Ok(Target { format, path: path.into() })
}

/// Checks that a file may take the place of what has its name: only another file, never a device or a link.
pub(super) fn may_be_replaced(path: &Path) -> Result<(), Fail> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => {
            Err(Fail::usage(format!("{} is no file, and is not replaced by one", path.display())))
        }
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Fail::io("cannot write", path, &error)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Who signs a summary attestation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signs {
    /// The keys that are named, if any.
    IfNamed,
    /// The keys that sign the run's record: those named, else one's own.
    Records,
}

/// The files that a run writes.
pub(super) struct Outputs {
    targets: Vec<Target>,
    /// Who signs a summary attestation; nobody where no key is named.
    keys: Vec<Key>,
}

impl Outputs {
    /// Checks that every file can be written, and takes away what an earlier run left under its name.
    ///
    /// A summary attestation is signed where a key is named, and where the run signs a record anyway.
    pub(super) fn prepare(context: &Context, targets: &[Target], signs: Signs) -> Result<Self, Fail> {
        let targets: Vec<Target> = targets
            .iter()
            .map(|target| Target { format: target.format, path: context.cwd.join(&target.path) })
            .collect();
        for (index, target) in targets.iter().enumerate() {
            let path = &target.path;
            if targets[..index].iter().any(|other| other.path == *path) {
                return Err(Fail::usage(format!("two formats are to be written to {}", path.display()))
                    .hint("name a file for each"));
            }
            if !folder(path).is_dir() {
                return Err(Fail::usage(format!("there is no folder {} to write in", folder(path).display())));
            }
            may_be_replaced(path)?;
        }
        let keys = match (targets.iter().any(|target| target.format == Projection::Vsa), signs) {
            (false, _) => Vec::new(),
            (true, Signs::IfNamed) => context.named_keys()?,
            (true, Signs::Records) => context.keys()?,
        };
        for target in &targets {
            match fs::remove_file(&target.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(Fail::io("cannot replace", &target.path, &error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(Self { targets, keys })
    }

    /// Writes the verdicts to every file, each with the records that it rests on.
    pub(super) fn write(&self, verdicts: &[(&Verdict, &[Attestation])]) -> Result<(), Fail> {
        if self.targets.is_empty() {
            return Ok(());
        }
        let mut all = Vec::with_capacity(verdicts.len());
        for (verdict, attestations) in verdicts {
            checked_json(verdict)?;
            all.push((*verdict, Around { judged: now(), attestations: attestations.to_vec() }));
        }
        let mut written = Vec::with_capacity(self.targets.len());
        for target in &self.targets {
            let text = target.format.of_all(&all).ok_or_else(|| {
                Fail::usage(format!("{} is about one change, and {} are judged", target.format, all.len()))
                    .hint("one run for each: evidence verify CHANGE --write vsa=FILE")
            })?;
            let bytes = match target.format {
                Projection::Vsa if !self.keys.is_empty() => self.seal(text)?,
                Projection::Vsa
                | Projection::Json
                | Projection::Markdown
                | Projection::Sarif
                | Projection::Junit
                | Projection::Codequality => text.into_bytes(),
            };
            written.push((beside(&target.path, &bytes)?, &target.path));
        }
        for (file, path) in written {
            file.persist(path).map_err(|error| Fail::io("cannot write", path, &error.error))?;
        }
        Ok(())
    }

    fn seal(&self, statement: String) -> Result<Vec<u8>, Fail> {
        let sealed = Envelope::seal(statement.into_bytes(), &lent(&self.keys));
        let envelope = sealed.map_err(|error| Fail::usage(error.to_string()))?;
        Ok(envelope.print())
    }
}

/// Writes a file beside another, to take its place.
fn beside(path: &Path, bytes: &[u8]) -> Result<NamedTempFile, Fail> {
    let wrong = |error: std::io::Error| Fail::io("cannot write", path, &error);
    let mut file = tempfile::Builder::new().prefix(".evidence-write-").tempfile_in(folder(path)).map_err(wrong)?;
    file.write_all(bytes).map_err(wrong)?;
    // A temporary file is its owner's alone; a report is for others.
    file.as_file().set_permissions(Permissions::from_mode(0o644)).map_err(wrong)?;
    file.as_file().sync_all().map_err(wrong)?;
    Ok(file)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_and_file_are_both_needed() {
        assert_eq!(parse("junit=a=b.xml").unwrap().path, Path::new("a=b.xml"));
        for wrong in ["junit", "junit=", "=x", "pdf=x", "JSON=x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse("pdf=x").unwrap_err().contains("codequality"));
    }
}
