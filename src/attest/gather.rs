//! Reports and attachments: found, kept by their hash, read.

use std::cell::Cell;
use std::fs::{self, File, Metadata};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use globset::GlobBuilder;

use super::secrets::Secrets;
use crate::model::{Attachment, CriterionId, Digest, Material, MaterialFacts, Outcome, Problem, Purpose, Size};
use crate::prove::Told;
use crate::reports::limits::STREAM_BYTES_MAX;
use crate::reports::{self, Detected, Format};
use crate::store::{Blobs, StoreError};

/// A report or attachment as it was asked for: a file or a pattern.
#[derive(Debug, Clone)]
pub struct ReportSpec {
    /// The format, where it is not to be found out.
    pub format: Option<Format>,
    /// The file or pattern.
    pub pattern: String,
    /// Whether it is read, or only kept.
    pub purpose: Purpose,
    /// What is said of an attachment.
    pub label: Option<Label>,
}

/// What is said of an attachment: at least one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// What it is called; without it, as its file.
    pub name: Option<String>,
    /// What it shows.
    pub caption: Option<String>,
    /// The criterion that it is for.
    pub criterion: Option<CriterionId>,
}

/// What was gathered.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The files.
    pub materials: Vec<Material>,
    /// What readers took out.
    pub facts: Vec<MaterialFacts>,
    /// What is said of attachments.
    pub attachments: Vec<Attachment>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// What lay under the patterns before the command ran.
pub(super) struct Before {
    began: SystemTime,
    files: Vec<(PathBuf, (u64, i64, i64))>,
}

impl Before {
    /// Looks at what lies under the patterns now.
    pub(super) fn look(folder: &Path, specs: &[ReportSpec]) -> Self {
        let mut files = Vec::new();
        for spec in specs {
            for path in find(folder, &spec.pattern) {
                if let Ok(metadata) = fs::metadata(&path) {
                    files.push((path, changed(&metadata)));
                }
            }
        }
        Self { began: SystemTime::now(), files }
    }

    /// Returns whether a file is older than the command: it lay there unchanged, or its own time says so.
    fn is_stale(&self, path: &Path, metadata: &Metadata) -> bool {
        let unchanged =
            self.files.iter().any(|(before, changed_then)| before == path && *changed_then == changed(metadata));
        let old = metadata.modified().is_ok_and(|modified| modified + CLOCK_GRAIN < self.began);
        unchanged || old
    }
}

/// Keeps and reads the files under the patterns; the watch is told how far it is.
///
/// # Errors
/// If the store cannot keep a file. A file that cannot be found or read is a problem of the result, not an error.
pub fn gather(folder: &Path, specs: &[ReportSpec], blobs: &Blobs, watch: &Watch) -> Result<Gathered, StoreError> {
    let secrets = Secrets::among([], &[]);
    Gathering { folder, blobs, before: None, secrets: &secrets, takes: &|_| true, watch }.gather(specs)
}

/// What is told how far the work on a file is: its name, and how many of how many bytes.
pub type Watch = dyn Fn(&str, u64, u64) + Send + Sync;

/// Where files are gathered, and what of them is kept.
#[derive(Clone, Copy)]
pub(super) struct Gathering<'a> {
    /// The folder that their names are from.
    pub(super) folder: &'a Path,
    /// Where they are kept.
    pub(super) blobs: &'a Blobs,
    /// What lay there before the command, if one ran.
    pub(super) before: Option<&'a Before>,
    /// What comes into no record.
    pub(super) secrets: &'a Secrets,
    /// Whether the ledger takes a file of so many bytes.
    pub(super) takes: &'a (dyn Fn(u64) -> bool + Sync),
    /// What is told how far it is.
    pub(super) watch: &'a Watch,
}

impl Gathering<'_> {
    pub(super) fn gather(&self, specs: &[ReportSpec]) -> Result<Gathered, StoreError> {
        let mut gathered = Gathered::default();
        for spec in specs {
            let paths = find(self.folder, &spec.pattern);
            if paths.is_empty() {
                let (code, what) = match spec.purpose {
                    Purpose::Report => ("missing-report", "report"),
                    Purpose::Stdout | Purpose::Stderr | Purpose::Attachment => ("missing-attachment", "attachment"),
                };
                gathered.problem(code, format!("no file matches the {what} {}", spec.pattern));
            }
            if let Some(name) = spec.label.as_ref().and_then(|label| label.name.as_ref()).filter(|_| paths.len() > 1) {
                let text = format!("{} files match {}; wanted one that is called {name}", paths.len(), spec.pattern);
                gathered.problem("several-attachments", text);
                continue;
            }
            for path in paths {
                self.keep(&path, spec, &mut gathered)?;
            }
        }
        Ok(gathered)
    }

    fn keep(&self, path: &Path, spec: &ReportSpec, gathered: &mut Gathered) -> Result<(), StoreError> {
        let Self { folder, blobs, before, secrets, takes, watch } = *self;
        let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
        // What is no file, a FIFO that nobody writes to for example, must not be waited for.
        let opened = File::options().read(true).custom_flags(NONBLOCK).open(path);
        let opened = opened.and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, mut file) = match opened {
            Ok((metadata, file)) if metadata.is_file() => (metadata, file),
            Ok(_) => {
                gathered.problem("unreadable-report", format!("{name} is not a file"));
                return Ok(());
            }
            Err(error) => {
                gathered.problem("unreadable-report", format!("{name} cannot be opened: {error}"));
                return Ok(());
            }
        };
        if gathered.materials.len() >= MATERIALS_MAX {
            gathered
                .problem("too-many-files", format!("{name} is left out: a result names at most {MATERIALS_MAX} files"));
            return Ok(());
        }
        let most = if spec.purpose == Purpose::Report { STREAM_BYTES_MAX } else { FILE_BYTES_MAX };
        let too_large = |bytes| format!("{name} has {bytes} bytes or more; wanted at most {most}: it is not kept");
        if metadata.len() > most {
            gathered.problem("too-large", too_large(metadata.len()));
            return Ok(());
        }
        if !takes(metadata.len()) {
            // A record of it would wait for ever, and nothing before it would tell why.
            let text = format!(
                "{name} has {} bytes, and a git remote takes at most {}: it is not kept; the policy may name a store for larger ones, [materials]",
                metadata.len(),
                Size::INLINE_MOST
            );
            gathered.problem("too-large", text);
            return Ok(());
        }
        // Each byte is looked at for secrets, kept, and of a report read.
        let times = if spec.purpose == Purpose::Report { 3 } else { 2 };
        let whole = metadata.len().saturating_mul(times);
        let done = Cell::new(0_u64);
        let told = |bytes: u64| {
            done.set(done.get().saturating_add(bytes));
            watch(&name, done.get().min(whole), whole);
        };
        if let Some(from) = secrets.first_in(&mut Told::new(&mut file, told))? {
            // What comes into the ledger stays there, and goes with every bundle.
            gathered.problem(
                "secret",
                format!("{name} holds the value of {from}, which is secret by its name: it is not kept"),
            );
            return Ok(());
        }
        file.rewind()?;
        done.set(metadata.len());
        let (sha256, bytes) = blobs.put_from(&mut Told::new(file.take(most + 1), told))?;
        if bytes > most {
            gathered.problem("too-large", too_large(bytes));
            return Ok(());
        }
        if bytes == 0 && spec.purpose == Purpose::Attachment {
            gathered.problem("empty-attachment", format!("{name} is empty: it shows nothing"));
        }
        if let Some(label) = &spec.label {
            gathered.label(label, &name, sha256);
            if before.is_some_and(|before| before.is_stale(path, &metadata)) {
                let text = format!(
                    "{name} is older than the command: it was not made or changed by it, as what has a name, a caption or a criterion has \
                     to be; let the command make it, such as -- cp FROM {name}"
                );
                gathered.problem("stale-attachment", text);
            }
        }
        let material = Material { name: name.clone(), purpose: spec.purpose, sha256, bytes, omitted_bytes: None };
        if gathered
            .materials
            .iter()
            .any(|other| other.sha256 == sha256 && other.name == name && other.purpose == spec.purpose)
        {
            return Ok(());
        }
        gathered.materials.push(material);
        if spec.purpose != Purpose::Report {
            return Ok(());
        }
        if before.is_some_and(|before| before.is_stale(path, &metadata)) {
            gathered
                .problem("stale-report", format!("{name} is older than the command: it was not made or changed by it"));
        }
        let mut told = told;
        gathered.read_telling(&name, sha256, spec.format, blobs, &mut told)
    }
}

impl Gathered {
    /// Reads a kept report.
    pub(super) fn read(
        &mut self,
        name: &str,
        sha256: Digest,
        format: Option<Format>,
        blobs: &Blobs,
    ) -> Result<(), StoreError> {
        self.read_telling(name, sha256, format, blobs, &mut |_| {})
    }

    fn read_telling(
        &mut self,
        name: &str,
        sha256: Digest,
        format: Option<Format>,
        blobs: &Blobs,
        told: &mut dyn FnMut(u64),
    ) -> Result<(), StoreError> {
        if self.facts.iter().any(|read| read.material == sha256) {
            return Ok(());
        }
        let Some(mut file) = blobs.open(&sha256)? else { return Ok(()) };
        let format = match format {
            Some(format) => format,
            None => match detect(&mut file)? {
                Detected::One(format) => format,
                other => {
                    let text = match other {
                        Detected::Ambiguous(names) => {
                            format!("it could be {}; say which: --report FORMAT=FILE", names.join(" or "))
                        }
                        Detected::Foreign(title) => {
                            format!("this is {title}, which no reader here reads; keep it with --attach")
                        }
                        Detected::One(_) | Detected::Unknown => "no reader knows it; keep it with --attach".to_owned(),
                    };
                    self.problem("unreadable-report", format!("{name}: {text}"));
                    return Ok(());
                }
            },
        };
        match reports::read(format, &mut BufReader::with_capacity(READ_BYTES, Told::new(file, told))) {
            Ok(facts) => self.facts.push(MaterialFacts { material: sha256, facts }),
            Err(error) => self.problem("unreadable-report", format!("{name}: {error}")),
        }
        Ok(())
    }

    /// Notes what is said of an attachment.
    fn label(&mut self, label: &Label, file: &str, material: Digest) {
        let Label { name, caption, criterion } = label.clone();
        let name = name.unwrap_or_else(|| file.to_owned());
        if self.attachments.iter().any(|other| other.name == name && other.material != material) {
            self.problem("same-name", format!("two attachments are called {name}"));
        }
        let attachment = Attachment { material, name, caption, criterion };
        if !self.attachments.contains(&attachment) {
            self.attachments.push(attachment);
        }
    }

    pub(super) fn problem(&mut self, code: &str, text: String) {
        // The last place says that there are more: a result names at most 64 problems.
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { code: code.to_owned(), text: text.chars().take(TEXT_CHARS_MAX).collect() });
        } else if self.problems.len() == PROBLEMS_MAX {
            self.problems.push(Problem {
                code: "more-problems".to_owned(),
                text: "there are more problems than a result names".to_owned(),
            });
        }
    }

    /// Returns what the files come to: the worst of what readers say; a problem is inconclusive.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let read = self.facts.iter().map(|read| read.facts.outcome).fold(Outcome::Pass, Outcome::worst);
        if self.problems.is_empty() { read } else { read.worst(Outcome::Inconclusive) }
    }
}

/// Finds out the format of a kept file by its beginning.
pub(super) fn detect(file: &mut File) -> Result<Detected, StoreError> {
    let mut head = Vec::new();
    Read::by_ref(file).take(HEAD_BYTES).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(reports::detect(&head))
}

/// Lists the files that a name or pattern names, in the order of their names.
fn find(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let plain = folder.join(pattern);
    if plain.exists() || !pattern.contains(['*', '?', '[', '{']) {
        return if plain.exists() { vec![plain] } else { Vec::new() };
    }
    let Ok(glob) = GlobBuilder::new(pattern.trim_start_matches("./")).literal_separator(true).build() else {
        return Vec::new();
    };
    let matcher = glob.compile_matcher();
    // Only what lies below the part before the first pattern character is walked.
    let fixed: PathBuf = Path::new(pattern)
        .components()
        .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']))
        .collect();
    let mut found = Vec::new();
    let mut todo = vec![(folder.join(&fixed), 0)];
    while let Some((here, depth)) = todo.pop() {
        let Ok(entries) = fs::read_dir(&here) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && depth < DEPTH_MAX && entry.file_name() != ".git" {
                todo.push((path, depth + 1));
            } else if kind.is_file()
                && matcher.is_match(path.strip_prefix(folder).unwrap_or(&path))
                && found.len() < FILES_MAX
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn changed(metadata: &Metadata) -> (u64, i64, i64) {
    (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

/// File systems stamp with a clock that may lag some milliseconds behind.
const CLOCK_GRAIN: Duration = Duration::from_millis(20);
const NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
/// As much as object stores are asked for: a longer video says no more.
const FILE_BYTES_MAX: u64 = 4 << 30;
/// Formats show themselves within this much.
const HEAD_BYTES: u64 = 64 * 1024;
const READ_BYTES: usize = 64 * 1024;
/// A pattern that matches more is a mistake; a statement names at most a thousand materials.
const FILES_MAX: usize = 900;
const DEPTH_MAX: usize = 32;
const PROBLEMS_MAX: usize = 63;
/// With the two outputs a statement names at most a thousand materials.
const MATERIALS_MAX: usize = 990;
const TEXT_CHARS_MAX: usize = 1000;
