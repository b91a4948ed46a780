//! Files that people hand over beside reports: kept with a plan or a review, and called something with a result.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Seek as _;
use std::path::Path;

use clap::error::{Error, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::context::Context;
use super::fail::Fail;
use crate::append::Appender;
use crate::attest::{Label, ReportSpec, Secrets};
use crate::model::{Material, Purpose, is_tag};

/// `--attach [NAME=]FILE`, each with the `--caption` and `--criterion` behind it.
#[derive(Debug, Clone, Default)]
pub(super) struct Attached(Vec<Given>);

#[derive(Debug, Clone, Default)]
struct Given {
    file: String,
    caption: Option<String>,
    criterion: Option<String>,
}

impl Attached {
    /// Returns what is to be gathered.
    pub(super) fn specs(&self) -> Result<Vec<ReportSpec>, Fail> {
        self.0.iter().map(Given::spec).collect()
    }
}

impl Given {
    fn spec(&self) -> Result<ReportSpec, Fail> {
        let (name, pattern) = match self.file.split_once('=') {
            // `./a=b.png` is a file of that name.
            Some((name, file)) if is_tag(name) => (Some(name.to_owned()), file),
            _ => (None, self.file.as_str()),
        };
        if pattern.is_empty() {
            return Err(Fail::usage("--attach is empty; wanted a file"));
        }
        let criterion = self
            .criterion
            .as_deref()
            .map(|id| id.parse().map_err(|error| Fail::usage(format!("--criterion: {error}"))))
            .transpose()?;
        if self.caption.as_ref().is_some_and(|text| text.is_empty() || text.chars().count() > CAPTION_CHARS_MAX) {
            return Err(Fail::usage(format!("--caption: wanted 1 to {CAPTION_CHARS_MAX} characters")));
        }
        let label = Label { name, caption: self.caption.clone(), criterion };
        let label = (label != Label::default()).then_some(label);
        Ok(ReportSpec { format: None, pattern: pattern.to_owned(), purpose: Purpose::Attachment, label })
    }
}

impl Args for Attached {
    fn augment_args(command: Command) -> Command {
        let text = |id: &'static str, flag: &'static str, value: &'static str, help: &'static str| {
            Arg::new(id).long(flag).value_name(value).action(ArgAction::Append).help(help)
        };
        command
            .arg(text(
                ATTACH,
                "attach",
                "[NAME=]FILE",
                "A file to keep with the result, repeatable, and what it is called: a screenshot, a session's log",
            ))
            .arg(text(CAPTION, "caption", "TEXT", "What the attachment before it shows").requires(ATTACH))
            .arg(
                text(CRITERION, "criterion", "ID", "The criterion of the plan that the attachment before it is for")
                    .requires(ATTACH),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Attached {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let of = |id: &'static str| -> Vec<(usize, String)> {
            let indices = matches.indices_of(id).into_iter().flatten();
            indices.zip(matches.get_many::<String>(id).into_iter().flatten().cloned()).collect()
        };
        let mut given: Vec<(usize, Given)> =
            of(ATTACH).into_iter().map(|(at, file)| (at, Given { file, ..Given::default() })).collect();
        for (id, flag) in [(CAPTION, "--caption"), (CRITERION, "--criterion")] {
            for (at, text) in of(id) {
                let wrong = |why: &str| Error::raw(ErrorKind::ValueValidation, format!("{flag} {text}: {why}\n"));
                let owner = given.iter_mut().rev().find(|(before, _)| *before < at);
                let (_, owner) = owner.ok_or_else(|| wrong("no --attach stands before it"))?;
                let slot = if id == CAPTION { &mut owner.caption } else { &mut owner.criterion };
                if slot.is_some() {
                    return Err(wrong("the attachment before it has one already"));
                }
                *slot = Some(text);
            }
        }
        Ok(Self(given.into_iter().map(|(_, given)| given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Keeps a file in the ledger, unless it holds a secret: what comes in stays there.
pub(super) fn keep(context: &Context, appender: &Appender, path: &Path) -> Result<Material, Fail> {
    let place = context.cwd.join(path);
    let io = |error: &std::io::Error| Fail::io("the file cannot be read:", &place, error);
    let mut file = File::open(&place).map_err(|error| io(&error))?;
    if !file.metadata().map_err(|error| io(&error))?.is_file() {
        return Err(Fail::usage(format!("{} is not a file", path.display())));
    }
    let secrets = Secrets::among(std::env::vars_os(), &[]);
    if let Some(from) = secrets.first_in(&mut file).map_err(|error| io(&error))? {
        let text = format!("{} holds the value of {from}, which is secret by its name: it is not kept", path.display());
        return Err(Fail::usage(text));
    }
    file.rewind().map_err(|error| io(&error))?;
    let (sha256, bytes) = appender.ledger().blobs().put_from(&mut file)?;
    let name = path.file_name().unwrap_or(OsStr::new("file")).to_string_lossy().into_owned();
    Ok(Material { name, purpose: Purpose::Attachment, sha256, bytes, omitted_bytes: None })
}

const ATTACH: &str = "attachments";
const CAPTION: &str = "captions";
const CRITERION: &str = "for-criteria";
const CAPTION_CHARS_MAX: usize = 4000;
