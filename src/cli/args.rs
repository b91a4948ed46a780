//! The command line.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args as ClapArgs, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use super::allow::AllowArgs;
use super::baseline::BaselineArgs;
use super::files::Attached;

/// Proof that a change is fit to merge.
#[derive(Debug, Parser)]
#[command(name = "evidence", version, styles = STYLES, disable_help_subcommand = true, propagate_version = false)]
#[command(after_help = "Start here:\n  evidence init\n  evidence attest tests -- make test\n  evidence verify")]
pub(super) struct Args {
    /// Answer in JSON, errors too
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Run as if started in this folder
    #[arg(short = 'C', value_name = "FOLDER", global = true)]
    pub(super) folder: Option<PathBuf>,
    /// The ledger: a folder, or git:REMOTE for one under a ref of a git remote [env: EVIDENCE_LEDGER] [default: the folder evidence in the repository's git folder]
    #[arg(long, value_name = "LEDGER", global = true)]
    pub(super) ledger: Option<PathBuf>,
    /// The trust file [env: EVIDENCE_TRUST] [default: the one that init made, else that of the target branch]
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) trust: Option<PathBuf>,
    /// A key to sign with, repeatable: a private key file, or `agent`, a public key or a fingerprint of one that the ssh-agent holds [env: EVIDENCE_KEY] [default: your own]
    #[arg(long, value_name = "KEY", global = true)]
    pub(super) key: Vec<PathBuf>,
    /// Believe a clock that is more than 90 days ahead of the ledger
    #[arg(long, global = true)]
    pub(super) accept_clock: bool,
    #[command(subcommand)]
    pub(super) command: Command,
    /// What the command got as `--target`, whichever command it is.
    #[arg(skip)]
    pub(super) target: Option<String>,
}

impl Args {
    /// Reads the words of a command line.
    pub(super) fn read(words: &[OsString]) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(words)?;
        let mut args = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut Self::command()))?;
        let mut found = Some(&matches);
        while let Some(matches) = found {
            if let Ok(Some(target)) = matches.try_get_one::<String>("target") {
                args.target = Some(target.clone());
            }
            found = matches.subcommand().map(|(_, matches)| matches);
        }
        Ok(args)
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a ledger, keys, trust file and starter policy for this repository
    #[command(after_help = "Examples:\n  evidence init\n  evidence init --policy tiers")]
    Init(InitArgs),
    /// Show the whole way, with a real repository, refusals, acceptances and four attacks
    #[command(after_help = "Example:\n  evidence demo --keep")]
    Demo(DemoArgs),
    /// Make keys and say who may do what
    #[command(
        after_help = "Example:\n  evidence key grant ana.pub --principal ana --role reviewer --email ana@example.org"
    )]
    Key(KeyArgs),
    /// Check a policy, compare it, put it into force, show what it asks for
    #[command(after_help = "Example:\n  evidence policy apply .evidence/policy.toml")]
    Policy(PolicyArgs),
    /// Plan a change: its tier, who implements it, and what it starts from
    #[command(after_help = "Example:\n  evidence plan --tier medium --implementer agent-7")]
    Plan(PlanArgs),
    /// Run a gate and record what it came to
    #[command(after_help = "Example:\n  evidence attest unit-tests --report 'target/junit/*.xml' -- cargo nextest run")]
    Attest(AttestArgs),
    /// Say what a report means here: its format, outcome, counts and failed cases, without recording it
    #[command(after_help = "Example:\n  evidence facts target/junit.xml")]
    Facts(FactsArgs),
    /// Record a review of the commit's tree
    #[command(after_help = "Example:\n  evidence review peer-review --verdict pass --notes notes.md")]
    Review(ReviewArgs),
    /// Sign, list and end exceptions: claims waived or not applicable, names retired, findings admitted, each with a reason and an end
    #[command(after_help = "Example:\n  evidence allow waive security-scan --reason 'ticket 12' --until 2d")]
    Allow(AllowArgs),
    /// Show what a branch protects, what a change adds to it and takes away, and when a name joined
    #[command(after_help = "Example:\n  evidence baseline diff")]
    Baseline(BaselineArgs),
    /// Judge a change: accepted (0), refused (1), could not judge (2), the ledger contradicts itself (3)
    #[command(after_help = "Example:\n  evidence verify --json")]
    Verify(VerifyArgs),
    /// Show which changes are open and who is awaited; of one change, what is missing, who may do it and by which command
    ///
    /// A change is judged as `verify` judges it, at the newest commit by which it is known here: HEAD where that makes the
    /// change, else the branch of its name, here or at a remote, or the commit that its records are about. It is no gate:
    /// what can be shown ends with 0.
    #[command(after_help = "Example:\n  evidence status --for agent-7 --json")]
    Status(StatusArgs),
    /// Show a record, or everything about a change or commit
    #[command(after_help = "Examples:\n  evidence show shop/abc-123\n  evidence show 4f0c1d9aa0b7 -o login.png")]
    Show(ShowArgs),
    /// List records, newest first
    #[command(after_help = "Example:\n  evidence log --change shop/abc-123 --kind result")]
    Log(LogArgs),
    /// Write a change's proof bundle for an auditor
    #[command(after_help = "Example:\n  evidence export shop/abc-123 -o abc-123.zip")]
    Export(ExportArgs),
    /// Check a proof bundle, with nothing but it and a trust file; or every commit of a branch, by the ledger
    #[command(
        after_help = "Example:\n  evidence audit abc-123.zip --trust trust.toml\n  evidence audit --branch main --range v1..v2"
    )]
    Audit(AuditArgs),
    /// Record what happened: a merge, a halt, a resume
    #[command(after_help = "Example:\n  evidence record merge --branch main")]
    Record(RecordArgs),
    /// Check the ledger itself
    #[command(after_help = "Example:\n  evidence ledger check")]
    Ledger(LedgerArgs),
    /// The manual, the schemas, completions
    #[command(after_help = "Example:\n  evidence help errors")]
    Help(HelpArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct InitArgs {
    /// The repository's id in change ids [default: from the remote or the folder's name]
    #[arg(long, value_name = "ID")]
    pub(super) repository: Option<String>,
    /// The ledger's origin, a host and path of yours [default: evidence.local/<random>]
    #[arg(long, value_name = "ORIGIN")]
    pub(super) origin: Option<String>,
    /// The name under which you act [default: from git's user.name]
    #[arg(long, value_name = "NAME")]
    pub(super) principal: Option<String>,
    /// The first root: a key that signs, as --key names one [default: a new one in your config folder]
    #[arg(long, value_name = "KEY")]
    pub(super) root: Option<PathBuf>,
    /// A policy to begin with: a file, or `tiers` for low, medium and high as a team of people and agents needs them [default: a commented starter policy]
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct DemoArgs {
    /// Keep the folder, to look around and paste the commands
    #[arg(long)]
    pub(super) keep: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct HelpArgs {
    /// A topic, `schema NAME`, `completions SHELL`, `man [COMMAND]`, or a command
    pub(super) topic: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    pub(super) act: KeyAct,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyAct {
    /// Make a key; its private half goes into your config folder, its public half is printed
    #[command(after_help = "Example:\n  evidence key new ci")]
    New {
        /// The key's name; `default` is the one that signs when none is named
        #[arg(default_value = "default")]
        name: String,
        /// Write the private key here instead
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// The signature algorithm; ecdsa-p256 is for signatures that cosign and others of P-256 verify too
        #[arg(long, value_name = "NAME", default_value = "ed25519")]
        algorithm: AlgorithmWord,
        /// Ask for a passphrase to keep it under; where EVIDENCE_PASSPHRASE is set, that one is taken
        #[arg(long)]
        passphrase: bool,
    },
    /// Show a key's public half as OpenSSH line, PEM, fingerprint and verifier key
    #[command(after_help = "Example:\n  evidence key show --key ci.pem")]
    Show {
        /// A private or public key file, an OpenSSH line, or `agent` [default: your own key]
        which: Option<String>,
        /// The name of a verifier key, to print one
        #[arg(long, value_name = "NAME")]
        vkey: Option<String>,
    },
    /// Give a key roles
    #[command(after_help = "Example:\n  evidence key grant ci.pub --principal ci-linux --role ci")]
    Grant {
        /// The public key: a file, an OpenSSH line, or `agent` or a fingerprint of one that the ssh-agent holds
        which: String,
        /// The person, agent or job behind it
        #[arg(long, value_name = "NAME")]
        principal: String,
        /// Who answers for the principal
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
        /// A role, repeatable
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<String>,
        /// An address under which the principal commits, repeatable
        #[arg(long = "email", value_name = "ADDRESS")]
        emails: Vec<String>,
        /// Narrow the grant to a change, repeatable
        #[arg(long = "for-change", value_name = "CHANGE")]
        changes: Vec<String>,
        /// When the grant ends: a length of time such as 30d
        #[arg(long, value_name = "SPAN")]
        until: Option<String>,
    },
    /// Make a key and lease roles to it that you hold, or may grant, for named changes and a while
    #[command(
        after_help = "Example:\n  evidence key lease --for agent-7 --role implementer --change shop/abc-123 --until 2h"
    )]
    Lease(LeaseArgs),
    /// Show what a key signed, and what rests on keys that it granted or leased: what a theft of it touches
    #[command(after_help = "Example:\n  evidence key impact SHA256:...")]
    Impact {
        /// The public key: a file, an OpenSSH line or a fingerprint
        which: String,
    },
    /// Take a key out, for ever
    #[command(after_help = "Example:\n  evidence key revoke ci.pub --reason 'runner was compromised'")]
    Revoke {
        /// The public key: a file, an OpenSSH line or a fingerprint
        which: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Let other keys be the roots, signed by as many of today's as act together
    #[command(after_help = "Example:\n  evidence key root ana.pub ben.pub cem.pub --threshold 2 --key root.pem")]
    Root {
        /// The public keys: files, or OpenSSH lines
        #[arg(value_name = "KEY", required = true)]
        keys: Vec<String>,
        /// How many of them act together
        #[arg(long, value_name = "NUMBER")]
        threshold: u32,
    },
    /// List who may do what
    #[command(after_help = "Example:\n  evidence key list --json")]
    List,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum AlgorithmWord {
    /// RFC 8032
    Ed25519,
    /// FIPS 186-5 on P-256, with SHA-256
    EcdsaP256,
}

#[derive(Debug, ClapArgs)]
pub(super) struct PolicyArgs {
    #[command(subcommand)]
    pub(super) act: PolicyAct,
}

#[derive(Debug, clap::Args)]
pub(super) struct LeaseArgs {
    /// The person, agent or job who gets the key; you answer for it
    #[arg(long = "for", value_name = "NAME")]
    pub(super) principal: String,
    /// A role that you hold, or any if you may grant, repeatable; `implementer` is free
    #[arg(long = "role", value_name = "ROLE", required = true)]
    pub(super) roles: Vec<String>,
    /// The change, repeatable
    #[arg(long = "change", value_name = "CHANGE", required = true)]
    pub(super) changes: Vec<String>,
    /// When the lease ends: a length of time such as 2h
    #[arg(long, value_name = "SPAN")]
    pub(super) until: String,
    /// An address under which it commits, repeatable
    #[arg(long = "email", value_name = "ADDRESS")]
    pub(super) emails: Vec<String>,
    /// Where to keep the private key
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum PolicyAct {
    /// Check a policy file: mistakes, what nobody can meet, what has no effect, and by the ledger what nobody may do
    #[command(after_help = "Example:\n  evidence policy check --strict .evidence/policy.toml")]
    Check {
        /// The file [default: .evidence/policy.toml]
        file: Option<PathBuf>,
        /// End with 1 where there is a note, too
        #[arg(long)]
        strict: bool,
    },
    /// Show what a policy demands otherwise than another, and which of it is weaker
    #[command(after_help = "Example:\n  evidence policy diff .evidence/policy.toml")]
    Diff {
        /// The old one [default: the policy in force] and the new one [default: .evidence/policy.toml]
        #[arg(value_names = ["OLD", "NEW"], num_args = 0..=2)]
        files: Vec<PathBuf>,
    },
    /// Sign a policy and put it into force, after showing what it demands otherwise
    #[command(after_help = "Example:\n  evidence policy apply .evidence/policy.toml --reason 'two reviewers'")]
    Apply {
        /// The file [default: .evidence/policy.toml]
        file: Option<PathBuf>,
        /// Why it changes
        #[arg(long)]
        reason: Option<String>,
        /// Put it into force even if then only the roots may ever change the policy again
        #[arg(long)]
        lock_out: bool,
    },
    /// Say what the policy asks of a change, why, and who may show it
    #[command(after_help = "Example:\n  evidence policy explain shop/abc-123")]
    Explain(ExplainArgs),
    /// Write a policy out of what a change has shown, with what was seen as its limits, to standard output
    #[command(after_help = "Example:\n  evidence policy draft shop/abc-123 > policy.toml")]
    Draft(ExplainArgs),
    /// Judge the newest changes again as if a policy had been in force, and say whose verdict flips
    ///
    /// Only what is demanded is supposed; who may do what stays as it was. Nothing is recorded.
    #[command(after_help = "Example:\n  evidence policy test .evidence/policy.toml --changes 20")]
    Test {
        /// The file
        file: PathBuf,
        /// At most so many changes, those planned last
        #[arg(long, value_name = "COUNT", default_value = "50")]
        changes: NonZeroUsize,
    },
    /// Print the policy in force
    #[command(after_help = "Example:\n  evidence policy show --rego | opa check -")]
    Show {
        /// Only its Rego, for tools that know Rego
        #[arg(long)]
        rego: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct ExplainArgs {
    /// The change [default: from EVIDENCE_CHANGE, the commits' trailer, or the branch]
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) of: ChangeArgs,
}

#[derive(Debug, ClapArgs)]
pub(super) struct PlanArgs {
    /// The change [default: from EVIDENCE_CHANGE, the commits' trailer, or the branch]
    pub(super) change: Option<String>,
    /// The same, as a flag
    #[arg(long = "change", value_name = "CHANGE", conflicts_with = "change")]
    pub(super) change_flag: Option<String>,
    /// The risk tier
    #[arg(long, value_name = "TIER", required_unless_present_any = ["trailer", "form"])]
    pub(super) tier: Option<String>,
    /// A text whose headings `### Tier`, `### Origin` and `### Requested` say what no option says: a request's or an issue's, or GitHub's event file with it
    #[arg(long, value_name = "FILE")]
    pub(super) form: Option<PathBuf>,
    /// The commit that the change starts from [default: where it leaves the target branch]
    #[arg(long, value_name = "REV")]
    pub(super) base: Option<String>,
    /// Who implements it, repeatable
    #[arg(long = "implementer", value_name = "NAME")]
    pub(super) implementers: Vec<String>,
    /// Another id of the change, repeatable; the number of the request is one where the CI system says it
    #[arg(long = "alias", value_name = "ID")]
    pub(super) aliases: Vec<String>,
    /// Why a planned change is planned again: its tier is raised, or its base moves
    #[arg(long, value_name = "WHY")]
    pub(super) reason: Option<String>,
    /// Plan it, or raise its tier where it is planned lower; where it has that tier, nothing is recorded but the request's number where it lacks that. With
    /// a form whose tier is not filled in, nothing is planned
    #[arg(long)]
    pub(super) raise: bool,
    /// The branch that the change is meant for
    #[arg(long, value_name = "BRANCH")]
    pub(super) target: Option<String>,
    /// Where the work was asked for: the address of a ticket
    #[arg(long, value_name = "URL")]
    pub(super) origin: Option<String>,
    /// When it was asked for, such as 2026-11-21T09:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(super) requested: Option<String>,
    /// Paths that it is to touch, repeatable: any other one is refused
    #[arg(long = "paths", value_name = "GLOB", num_args = 1..)]
    pub(super) paths: Vec<String>,
    /// A file that says how it is taken back
    #[arg(long, value_name = "FILE")]
    pub(super) rollback: Option<PathBuf>,
    /// A file that belongs to the plan, repeatable
    #[arg(long = "attach", value_name = "FILE", num_args = 1..)]
    pub(super) attachments: Vec<PathBuf>,
    /// A specification with criteria, TOML or a Markdown checklist, repeatable
    #[arg(long = "spec", value_name = "FILE", num_args = 1..)]
    pub(super) specs: Vec<PathBuf>,
    /// Print the commit trailer that names the plan
    #[arg(long)]
    pub(super) trailer: bool,
}

#[derive(Debug, Clone, ClapArgs)]
pub(super) struct ChangeArgs {
    /// The change [default: from EVIDENCE_CHANGE, the commits' trailer, or the branch]
    #[arg(long, value_name = "CHANGE")]
    pub(super) change: Option<String>,
    /// The commit
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub(super) commit: String,
    /// The branch that the change is meant for
    #[arg(long, value_name = "BRANCH")]
    pub(super) target: Option<String>,
}

/// As [`ChangeArgs`], for commands that take several changes at once: what a merge queue's commit merges.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct ChangesArgs {
    /// The change, repeatable where one commit merges several [default: from EVIDENCE_CHANGE, the commits' trailer, or the branch]
    #[arg(long = "change", value_name = "CHANGE")]
    pub(super) changes: Vec<String>,
    /// The commit
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub(super) commit: String,
    /// The branch that the change is meant for
    #[arg(long, value_name = "BRANCH")]
    pub(super) target: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct AttestArgs {
    /// The claim, as the policy names it
    #[arg(required_unless_present = "flush")]
    pub(super) claim: Option<String>,
    /// Deliver the results that wait because their ledger went away, in order
    #[arg(long, conflicts_with_all = ["claim", "reports", "attachments", "variant", "shard", "timeout", "no_log", "receipt", "on_base", "tests", "command"])]
    pub(super) flush: bool,
    #[command(flatten)]
    pub(super) of: ChangesArgs,
    /// A report that shows the outcome, repeatable: a file or a pattern
    #[arg(long = "report", value_name = "[FORMAT=]FILE")]
    pub(super) reports: Vec<String>,
    #[command(flatten)]
    pub(super) attached: Attached,
    /// Which variant this run is, `linux` for example
    #[arg(long, value_name = "NAME")]
    pub(super) variant: Option<String>,
    /// Which part of how many this run is
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<String>,
    /// Stop the command after this long, such as 30m
    #[arg(long, value_name = "SPAN")]
    pub(super) timeout: Option<String>,
    /// Do not keep the command's output
    #[arg(long)]
    pub(super) no_log: bool,
    /// Write the receipt, a proof that the result is in the ledger, to a file
    #[arg(long, value_name = "FILE")]
    pub(super) receipt: Option<PathBuf>,
    /// Run the command on the base of the change, too, as it is and with the head's tests
    #[arg(long, requires = "command")]
    pub(super) on_base: bool,
    /// Where the tests lie that are taken from the head, repeatable [default: as the policy says]
    #[arg(long, value_name = "GLOB", requires = "on_base")]
    pub(super) tests: Vec<String>,
    /// The command to run
    #[arg(last = true, value_name = "CMD")]
    pub(super) command: Vec<OsString>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct FactsArgs {
    /// The report: [FORMAT=]FILE, or - for standard input
    #[arg(value_name = "[FORMAT=]FILE")]
    pub(super) file: String,
    /// Its format [default: found out by its content]
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ReviewWord {
    /// Fit
    Pass,
    /// Not fit
    Fail,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ReviewArgs {
    /// The claim, as the policy names it
    #[arg(required_unless_present = "criteria")]
    pub(super) claim: Option<String>,
    #[command(flatten)]
    pub(super) of: ChangeArgs,
    /// What you found
    #[arg(long)]
    pub(super) verdict: ReviewWord,
    /// A criterion of the plan that you found so, repeatable: then it is about no claim
    #[arg(long = "criterion", value_name = "ID", conflicts_with_all = ["claim", "pictures"])]
    pub(super) criteria: Vec<String>,
    /// A picture that you looked at, by its name, repeatable; with the file that you saw, it must be the one attached
    #[arg(long = "picture", value_name = "NAME[=FILE]")]
    pub(super) pictures: Vec<String>,
    /// Your notes
    #[arg(long, value_name = "FILE")]
    pub(super) notes: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum MomentWord {
    /// Before the first attempt
    Plan,
    /// Before the merge
    Merge,
    /// Before the rollout
    Deploy,
}

#[derive(Debug, ClapArgs)]
pub(super) struct VerifyArgs {
    /// The change [default: from EVIDENCE_CHANGE, the commits' trailer, or the branch]
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) of: ChangesArgs,
    /// The moment to judge for
    #[arg(long, value_name = "MOMENT", default_value = "merge")]
    pub(super) at: MomentWord,
    /// Judge the commit as what is to reach the target: as the changes that it merges, found as `record merge` finds them
    #[arg(long)]
    pub(super) pushed: bool,
    /// Show what was judged and how: records, keys, policy, git facts
    #[arg(long)]
    pub(super) explain: bool,
    /// Append the verdict to the ledger
    #[arg(long)]
    pub(super) record: bool,
    /// Write the verdict to a file too, repeatable: json, markdown, sarif, junit, codequality or vsa (signed if a key is named, or with --record)
    #[arg(long = "write", value_name = "FORMAT=FILE", value_parser = super::write::parse)]
    pub(super) write: Vec<super::write::Target>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct StatusArgs {
    /// The change, or another id of it [default: all open ones, those planned last first]
    #[arg(value_name = "CHANGE")]
    pub(super) name: Option<String>,
    /// The same, as a flag
    #[arg(long, value_name = "CHANGE", conflicts_with = "name")]
    pub(super) change: Option<String>,
    /// Only what this person, agent or job may do
    #[arg(long = "for", value_name = "PRINCIPAL")]
    pub(super) principal: Option<String>,
    /// At most so many changes
    #[arg(short = 'n', long, value_name = "COUNT")]
    pub(super) limit: Option<NonZeroUsize>,
    /// The commit of the change [default: the newest that is known here]
    #[arg(long, value_name = "REV")]
    pub(super) commit: Option<String>,
    /// The branch that changes are meant for [default: from EVIDENCE_TARGET or the CI system, else as planned]
    #[arg(long, value_name = "BRANCH")]
    pub(super) target: Option<String>,
    /// The moment to judge for
    #[arg(long, value_name = "MOMENT", default_value = "merge")]
    pub(super) at: MomentWord,
    /// Show it anew every two seconds, until Ctrl-C
    #[arg(long)]
    pub(super) watch: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ShowArgs {
    /// A serial, a hash or its beginning, a commit, a change, or a file that was kept, by its hash
    pub(super) what: String,
    /// Where to write a file that was kept: a picture, a report, an output [default: standard output, where that is no terminal]
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct LogArgs {
    /// Only records of this change
    #[arg(long, value_name = "CHANGE")]
    pub(super) change: Option<String>,
    /// Only records about this commit
    #[arg(long, value_name = "REV")]
    pub(super) commit: Option<String>,
    /// Only records about this tree
    #[arg(long, value_name = "OID")]
    pub(super) tree: Option<String>,
    /// Only records signed by this key: a fingerprint, a public key file or an OpenSSH line
    #[arg(long, value_name = "KEY")]
    pub(super) signer: Option<String>,
    /// Only records of this kind, `result` for example
    #[arg(long, value_name = "KIND")]
    pub(super) kind: Option<String>,
    /// Only records of this chain, `policy` for example
    #[arg(long, value_name = "CHAIN")]
    pub(super) chain: Option<String>,
    /// At most so many, the newest
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50)]
    pub(super) limit: usize,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ExportArgs {
    /// The change [default: from EVIDENCE_CHANGE, the commits' trailer, or the branch]
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) of: ChangeArgs,
    /// The bundle
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// An older checkpoint: the bundle then shows that the log only grew since
    #[arg(long, value_name = "NOTE")]
    pub(super) since: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct AuditArgs {
    /// The bundle
    #[arg(required_unless_present = "branch")]
    pub(super) file: Option<PathBuf>,
    /// Audit the commits of this branch instead, by the ledger and the repository here
    #[arg(long, value_name = "BRANCH", conflicts_with_all = ["file", "since", "change", "commit", "write"])]
    pub(super) branch: Option<String>,
    /// Which of them, along first parents; without the second, up to the branch [default: from the first recorded merge on]
    #[arg(long, value_name = "A..B", requires = "branch")]
    pub(super) range: Option<String>,
    /// An older checkpoint: check that the log only grew since
    #[arg(long, value_name = "NOTE")]
    pub(super) since: Option<PathBuf>,
    /// The change that the bundle must be about
    #[arg(long, value_name = "CHANGE")]
    pub(super) change: Option<String>,
    /// The commit that the bundle must be about
    #[arg(long, value_name = "OID")]
    pub(super) commit: Option<String>,
    /// Write the verdict to a file too, repeatable: json, markdown, sarif, junit, codequality or vsa (signed if a key is named)
    #[arg(long = "write", value_name = "FORMAT=FILE", value_parser = super::write::parse)]
    pub(super) write: Vec<super::write::Target>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct RecordArgs {
    #[command(subcommand)]
    pub(super) what: RecordWhat,
}

#[derive(Debug, Subcommand)]
pub(super) enum RecordWhat {
    /// Judge changes again, and record that they reached their branch: that closes them
    ///
    /// Run it in the merge queue or after a push to the branch. The merged commit must have the tree that was judged.
    #[command(after_help = "Example:\n  evidence record merge shop/abc-123 --branch main")]
    Merge(MergeArgs),
    /// Refuse every change from now on; anybody with a grant may
    #[command(after_help = "Example:\n  evidence record halt --reason 'incident 12'")]
    Halt {
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// End a halt
    #[command(after_help = "Example:\n  evidence record resume --reason 'rolled back'")]
    Resume {
        /// Why
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct MergeArgs {
    /// The changes that the commit merges [default: from EVIDENCE_CHANGE, the commits' trailers, or what the ledger has about it]
    #[arg(value_name = "CHANGE")]
    pub(super) names: Vec<String>,
    /// The same, as a flag, repeatable
    #[arg(long = "change", value_name = "CHANGE")]
    pub(super) changes: Vec<String>,
    /// The branch [default: from EVIDENCE_TARGET or the CI system, else the one that is checked out if it is the target, else the target]
    #[arg(long, value_name = "BRANCH")]
    pub(super) branch: Option<String>,
    /// The merged commit [default: HEAD if the branch is checked out or the CI system names it, else the branch's newest]
    #[arg(long, value_name = "REV")]
    pub(super) commit: Option<String>,
    /// Record what reached the branch above this commit, too, merge by merge [default: where the push began, as the CI system says]
    #[arg(long, value_name = "REV", conflicts_with_all = ["names", "changes"])]
    pub(super) since: Option<String>,
    /// Record it also where no verdict accepts it: without one, which shows for ever
    #[arg(long)]
    pub(super) unverified: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct LedgerArgs {
    #[command(subcommand)]
    pub(super) act: LedgerAct,
}

#[derive(Debug, Subcommand)]
pub(super) enum LedgerAct {
    /// Derive everything again from the segments; check every signature, link, root and material
    #[command(after_help = "Example:\n  evidence ledger check --json")]
    Check,
    /// Throw the cache away and make it anew from the segments
    #[command(after_help = "Example:\n  evidence ledger rebuild")]
    Rebuild,
    /// Give back to the git remote what it had and this copy still has: it goes on from what is there, and never forces
    #[command(after_help = "Example, after `alarm: .. was taken back`:\n  evidence ledger restore --json")]
    Restore,
    /// Set the copy of a ledger on a git remote aside, when it took a head that nobody believes; the next command fetches it anew
    #[command(after_help = "Example:\n  evidence ledger forget --json")]
    Forget,
    /// Keep the newest head in a git ref and in the note of a commit: whoever fetches them notices a log that was rolled back or forked
    #[command(
        after_help = "Example, after a merge:\n  evidence ledger anchor && git push origin refs/evidence/anchor refs/notes/evidence"
    )]
    Anchor(AnchorArgs),
    /// Print the trust file, followed forward by what the roots recorded in the ledger
    #[command(after_help = "Example:\n  evidence ledger trust -o .evidence/trust.toml")]
    Trust {
        /// Write it here
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Give the log another key; both sign until the old one is retired
    #[command(after_help = "Example:\n  evidence ledger rotate --key root.pem")]
    Rotate(RotateArgs),
    /// Show from two things that a log gave out that it lies: checkpoints, receipts, bundles
    #[command(
        after_help = "Example:\n  evidence ledger convict mine.zip theirs.zip -o conviction.json --trust trust.toml"
    )]
    Convict(ConvictArgs),
    /// Close the log, and go on in another
    #[command(after_help = "Example:\n  evidence ledger close --reason 'the log key was stolen' --next --key root.pem")]
    Close(CloseArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct AnchorArgs {
    /// The ref [env: EVIDENCE_ANCHOR] [default: refs/evidence/anchor]
    #[arg(long = "ref", value_name = "REF")]
    pub(super) reference: Option<String>,
    /// The commit whose note holds the head too: a merge
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub(super) commit: String,
}

#[derive(Debug, ClapArgs)]
pub(super) struct RotateArgs {
    /// Let the key before stop signing: when every trust file has the new one
    #[arg(long, conflicts_with = "output")]
    pub(super) retire: bool,
    /// Where to keep the new private key
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ConvictArgs {
    /// A checkpoint, a bundle, or what `attest --json` or `show SERIAL --json` printed
    pub(super) a: PathBuf,
    /// Another one
    pub(super) b: PathBuf,
    /// Where to write the proof, for `evidence audit`
    #[arg(short, long, value_name = "FILE", default_value = "conviction.json")]
    pub(super) output: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CloseArgs {
    /// Why
    #[arg(long)]
    pub(super) reason: Option<String>,
    /// Go on in a new ledger, with the policy in force and the grants that hold; the closed one is kept beside it
    #[arg(long)]
    pub(super) next: bool,
    /// On a git remote: the ref of the new one [default: that of the closed one with -2, -3]
    #[arg(long = "ref", value_name = "REF", requires = "next")]
    pub(super) reference: Option<String>,
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());
