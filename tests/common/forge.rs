//! The pen of whoever holds the key of a rig's ledger: records that append would refuse, at times that no clock shows.

use std::fs;
use std::path::Path;

use evidence_ledger::append::Appender;
use evidence_ledger::attest::{About, Signer, first_plan};
use evidence_ledger::crypto::{Envelope, NoteKey, SecretKey, leaf_hash, sha256};
use evidence_ledger::model::{
    Binding, Digest, Entry, Grant, Oid, Outcome, PolicyRecord, Predicate, Run, SignedLine, Start, Statement, Subject,
    Time, Worktree,
};
use evidence_ledger::prove::{RawRecord, Trust, TrustedLedger, placement};
use evidence_ledger::store::Ledger;

use crate::common::{CHANGE, Rig};

/// A ledger, its key, and who believes it.
pub struct Forge {
    pub ledger: Ledger,
    pub trust: Trust,
    pub log_key: SecretKey,
}

impl Forge {
    /// Takes the pen of a rig's own ledger.
    pub fn of(rig: &Rig) -> Self {
        let ledger = Ledger::open(&rig.repo().join(".git/evidence")).unwrap();
        let trust = Trust::parse(&read(&rig.repo().join(".evidence/trust.toml"))).unwrap();
        let name = ledger.origin().replace('/', "_");
        let log_key =
            SecretKey::from_pem(&read(&rig.path(&format!("config/evidence/ledgers/{name}/log.pem")))).unwrap();
        Self { ledger, trust, log_key }
    }

    /// Makes an empty ledger beside the rig's own, `../other`, with the rig's roots.
    pub fn empty(rig: &Rig) -> Self {
        let origin = format!("evidence.local/{}", "0123456789abcdef".repeat(2));
        let log_key = SecretKey::from_seed(b"EVIDENCE TEST KEY, NOT SECRET 99");
        let vkey = NoteKey::new(&origin, log_key.public()).unwrap();
        let ledgers = vec![TrustedLedger { origin: origin.clone(), vkey, from_size: 0, to_size: None }];
        let trust = Trust { ledgers, ..Self::of(rig).trust };
        Self { ledger: Ledger::create(&rig.path("other"), &origin).unwrap(), trust, log_key }
    }

    /// Appends as everybody does, with a clock that stands still.
    pub fn appender(&self, clock: Time) -> Appender {
        let ledger = Ledger::open(self.ledger.folder()).unwrap();
        let log_key = SecretKey::from_pem(&self.log_key.to_pem()).unwrap();
        Appender::new(ledger, log_key, self.trust.clone(), move || clock)
    }

    /// Writes a record by no rule but the form of the log; returns its serial and leaf hash.
    pub fn write(&self, statement: &Statement, keys: &[&SecretKey], time: Time) -> (u64, Digest) {
        let envelope = Envelope::seal(statement.print().unwrap(), keys).unwrap();
        self.write_signed(statement, &envelope, "ed25519", time)
    }

    /// Writes a record whose envelope is signed already, by an algorithm of this name.
    pub fn write_signed(
        &self,
        statement: &Statement,
        envelope: &Envelope,
        algorithm: &str,
        time: Time,
    ) -> (u64, Digest) {
        let mut writer = self.ledger.lock().unwrap();
        let placed = placement(statement).unwrap();
        let signed = envelope.signatures.iter().map(|signature| SignedLine {
            algorithm: algorithm.to_owned(),
            fingerprint: signature.keyid.clone(),
            signature: sha256(&signature.sig),
        });
        let entry = Entry {
            kind: placed.kind,
            time,
            previous: writer.log().chain_head(&placed.chain).unwrap().map(|(_, leaf)| leaf),
            chain: placed.chain,
            statement: envelope.statement_hash(),
            signed: signed.collect(),
            labels: placed.labels,
        };
        let entry = entry.print().into_bytes();
        let leaf = leaf_hash(&entry);
        let record = RawRecord { entry, envelope: envelope.print() };
        let committed = writer.commit(&[record], &[], time, &|checkpoint| checkpoint.sign(&self.log_key)).unwrap();
        (committed.first, leaf)
    }

    /// Writes a record about the rig's change and commit, at the time of the newest one.
    pub fn about(&self, rig: &Rig, who: &str, predicate: Predicate) -> (u64, Digest) {
        let About { plan, .. } = self.planned(rig);
        self.write(&self.statement(rig, plan, predicate), &[&key(rig, who)], self.newest())
    }

    /// Returns a statement about the rig's change and commit that names a plan.
    pub fn statement(&self, rig: &Rig, plan: Digest, predicate: Predicate) -> Statement {
        let subjects = vec![Subject::commit(oid(rig, "HEAD")), Subject::Tree(oid(rig, "HEAD^{tree}"))];
        Statement { subjects, binding: self.binding(true, Some(plan)), predicate }
    }

    /// Returns what the rig's change and commit are, as its signers say it.
    pub fn planned(&self, rig: &Rig) -> About {
        let change = CHANGE.parse().unwrap();
        let (_, plan) = first_plan(&self.ledger.read().unwrap(), &change).unwrap().unwrap();
        About { change, plan, commit: oid(rig, "HEAD"), tree: oid(rig, "HEAD^{tree}") }
    }

    /// Puts a policy into force, by the root.
    pub fn policy(&self, rig: &Rig, text: &str, time: Time) {
        let digest = self.ledger.blobs().put(text.as_bytes()).unwrap();
        let bytes = u64::try_from(text.len()).unwrap();
        let predicate = Predicate::Policy(PolicyRecord { bytes, reason: None });
        let subjects = vec![Subject::sha256("policy", digest)];
        self.write(&Statement { subjects, binding: self.binding(false, None), predicate }, &[&key(rig, "root")], time);
    }

    /// Appends something that concerns nobody, at a time: then that is now.
    pub fn wait_until(&self, rig: &Rig, time: Time) {
        let (root, appender) = (key(rig, "root"), self.appender(time));
        let signer = Signer { appender: &appender, keys: vec![&root] };
        signer.grant(grant(&SecretKey::from_seed(&sha256(&time.0.to_be_bytes()).0), "passer-by", "nobody")).unwrap();
    }

    /// Returns the time of the newest record.
    pub fn newest(&self) -> Time {
        let log = self.ledger.read().unwrap();
        log.size().checked_sub(2).map_or(Time(0), |serial| self.time(serial))
    }

    /// Returns the time of a record.
    pub fn time(&self, serial: u64) -> Time {
        let record = self.ledger.read().unwrap().record(serial).unwrap().unwrap();
        Entry::parse(&record.entry).unwrap().time
    }

    /// Binds to the ledger, and to the rig's change.
    pub fn binding(&self, of_change: bool, plan: Option<Digest>) -> Binding {
        let size = self.ledger.read().unwrap().size();
        let change = of_change.then(|| CHANGE.parse().unwrap());
        Binding { ledger: self.ledger.origin().to_owned(), nonce: format!("{size:032x}"), change, plan }
    }
}

/// Returns somebody's private key; the root's lies with the owner's memory of the repository.
pub fn key(rig: &Rig, who: &str) -> SecretKey {
    if who == "root" {
        let mut remembered = fs::read_dir(rig.path("config/evidence/repositories")).unwrap();
        return SecretKey::from_pem(&read(&remembered.next().unwrap().unwrap().path().join("root.pem"))).unwrap();
    }
    SecretKey::from_pem(&read(&rig.key_path(who))).unwrap()
}

/// Returns the id of a git object.
pub fn oid(rig: &Rig, revision: &str) -> Oid {
    rig.git(&["rev-parse", revision]).parse().unwrap()
}

/// Returns a grant of one role.
pub fn grant(key: &SecretKey, principal: &str, role: &str) -> Grant {
    Grant {
        key: key.public().to_string(),
        principal: principal.parse().unwrap(),
        owner: None,
        roles: vec![role.parse().unwrap()],
        emails: Vec::new(),
        changes: Vec::new(),
        until: None,
        leased_by: None,
    }
}

/// Returns the start of an attempt that has ten minutes.
pub fn start(claim: &str) -> Predicate {
    Predicate::Start(Start { claim: claim.parse().unwrap(), variant: None, shard: None, deadline_seconds: 600 })
}

/// Returns the passing result of a start, on the rig's clean tree.
pub fn passed(rig: &Rig, claim: &str, start: Digest) -> Run {
    let tree = oid(rig, "HEAD^{tree}");
    Run {
        start,
        claim: claim.parse().unwrap(),
        variant: None,
        shard: None,
        outcome: Outcome::Pass,
        problems: Vec::new(),
        command: None,
        worktree: Worktree { before: tree.clone(), after: tree },
        context: [].into(),
        materials: Vec::new(),
        facts: Vec::new(),
        attachments: Vec::new(),
        on_base: None,
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
