//! A ledger in memory, whose keeper may lie: an implementation of `Source` with every answer open to change.
//!
//! [`Keeper`] writes entries, honest or not, and signs whatever they come to. [`Answers`] is what it then tells a verifier
//! about one change: a value that can be mutated, printed into a vector, and read back.

use std::collections::{BTreeMap, BTreeSet};

use evidence_ledger::crypto::{Envelope, NoteKey, SecretKey, leaf_hash, list_item_hash, list_value, sha256};
use evidence_ledger::merkle::{
    Checkpoint, Frontier, MapProof, MapText, MemoryHashes, Multiproof, NaiveMap, prove_inclusion, prove_multi,
    tree_root,
};
use evidence_ledger::model::{Digest, Entry, MapEntry, SignedLine, Statement, Time};
use evidence_ledger::prove::{
    Change, ListTail, Listing, Proven, RawRecord, Source, SourceError, Trust, TrustedLedger, lists_of_change, placement,
};
use serde_json::{Value, json};

/// Who keeps a ledger and holds its key.
pub struct Keeper {
    pub origin: String,
    pub key: SecretKey,
    pub time: u64,
    entries: Vec<Vec<u8>>,
    envelopes: BTreeMap<u64, Vec<u8>>,
    lists: BTreeMap<MapText, Vec<u64>>,
    heads: BTreeMap<String, Digest>,
    hashes: MemoryHashes,
}

/// What a ledger answers to a verifier who asks about one change.
#[derive(Clone)]
pub struct Answers {
    pub note: Vec<u8>,
    pub last_entry: Vec<u8>,
    pub lists: BTreeMap<MapText, Listing>,
    pub records: BTreeMap<u64, RawRecord>,
    pub multiproof: Multiproof,
}

/// A record that is about to be written.
pub struct Draft {
    pub entry: Entry,
    pub envelope: Vec<u8>,
}

impl Keeper {
    /// Starts an empty ledger.
    pub fn new(origin: &str, key: SecretKey) -> Self {
        Self {
            origin: origin.to_owned(),
            key,
            time: 1_763_690_400,
            entries: Vec::new(),
            envelopes: BTreeMap::new(),
            lists: BTreeMap::new(),
            heads: BTreeMap::new(),
            hashes: MemoryHashes::default(),
        }
    }

    /// Drafts the honest record of a statement.
    pub fn draft(&self, statement: &Statement, keys: &[&SecretKey]) -> Draft {
        let placed = placement(statement).unwrap();
        self.draft_payload(statement.print().unwrap(), &placed.kind, &placed.chain, placed.labels, keys)
    }

    /// Drafts a record of any payload, at any place.
    pub fn draft_payload(
        &self,
        payload: Vec<u8>,
        kind: &str,
        chain: &str,
        labels: Vec<String>,
        keys: &[&SecretKey],
    ) -> Draft {
        let envelope = Envelope::seal(payload, keys).unwrap();
        let signed = |signature: &evidence_ledger::crypto::EnvelopeSignature| SignedLine {
            algorithm: "ed25519".to_owned(),
            fingerprint: signature.keyid.clone(),
            signature: sha256(&signature.sig),
        };
        let entry = Entry {
            kind: kind.to_owned(),
            time: Time(self.time),
            chain: chain.to_owned(),
            previous: self.heads.get(chain).copied(),
            statement: envelope.statement_hash(),
            signed: envelope.signatures.iter().map(signed).collect(),
            labels,
        };
        Draft { entry, envelope: envelope.print() }
    }

    /// Writes a record and closes the batch; returns its serial and leaf hash.
    pub fn write(&mut self, draft: &Draft) -> (u64, Digest) {
        self.write_bytes(&draft.entry, draft.entry.print().into_bytes(), draft.envelope.clone())
    }

    /// Writes any bytes under the lists that an entry would have.
    pub fn write_bytes(&mut self, entry: &Entry, bytes: Vec<u8>, envelope: Vec<u8>) -> (u64, Digest) {
        let leaf = leaf_hash(&bytes);
        let serial = self.push(bytes);
        self.envelopes.insert(serial, envelope);
        self.heads.insert(entry.chain.clone(), leaf);
        for text in entry.map_texts() {
            self.lists.entry(MapText::new(text)).or_default().push(serial);
        }
        self.time += 60;
        self.close();
        (serial, leaf)
    }

    /// Appends an honest record.
    pub fn append(&mut self, statement: &Statement, keys: &[&SecretKey]) -> (u64, Digest) {
        let draft = self.draft(statement, keys);
        self.write(&draft)
    }

    /// Answers everything that a verifier needs to know about a change.
    pub fn answer(&self, change: &Change) -> Answers {
        self.answer_lists(&lists_of_change(change))
    }

    /// Returns the siblings of an entry, leaf to root.
    pub fn path(&self, serial: u64) -> Vec<Digest> {
        prove_inclusion(serial, self.hashes.size(), &self.hashes).unwrap()
    }

    /// Answers everything that a verifier needs to know about some lists.
    pub fn answer_lists(&self, lists: &[MapText]) -> Answers {
        let map = self.map();
        let mut answers = Answers {
            note: self.note(),
            last_entry: self.entries.last().unwrap().clone(),
            lists: BTreeMap::new(),
            records: BTreeMap::new(),
            multiproof: Multiproof(Vec::new()),
        };
        let mut todo: Vec<MapText> = lists.to_vec();
        while let Some(text) = todo.pop() {
            let serials = self.lists.get(&text).cloned().unwrap_or_default();
            for serial in &serials {
                let entry = self.entries[usize::try_from(*serial).unwrap()].clone();
                for key in signers(&entry) {
                    let chain = MapText::chain(&format!("key:{key}"));
                    if !answers.lists.contains_key(&chain) && chain != text {
                        todo.push(chain);
                    }
                }
                answers.records.insert(*serial, RawRecord { entry, envelope: self.envelopes[serial].clone() });
            }
            let proof = map.prove(&text.key());
            answers.lists.insert(text, Listing { serials, proof });
        }
        answers.multiproof = self.multiproof(answers.records.keys().copied());
        answers
    }

    /// Returns the multiproof of some records and the last entry.
    pub fn multiproof(&self, serials: impl IntoIterator<Item = u64>) -> Multiproof {
        let mut places: BTreeSet<u64> = serials.into_iter().collect();
        places.insert(self.hashes.size() - 1);
        let places: Vec<u64> = places.into_iter().collect();
        prove_multi(&places, self.hashes.size(), &self.hashes).unwrap()
    }

    /// Returns the signed checkpoint.
    pub fn note(&self) -> Vec<u8> {
        self.checkpoint().sign(&self.key)
    }

    /// Returns what the ledger signs.
    pub fn checkpoint(&self) -> Checkpoint {
        let size = self.hashes.size();
        Checkpoint { origin: self.origin.clone(), size, root: tree_root(size, &self.hashes).unwrap() }
    }

    /// Returns the trust file of somebody who believes this ledger and these roots.
    pub fn trusted_by(&self, roots: &[&SecretKey]) -> Trust {
        let vkey = NoteKey::new(&self.origin, self.key.public()).unwrap();
        Trust {
            repository: "shop".parse().unwrap(),
            ledgers: vec![TrustedLedger { origin: self.origin.clone(), vkey, from_size: 0, to_size: None }],
            roots: roots.iter().map(|key| key.public()).collect(),
            threshold: 1,
            min_size: None,
            max_age: None,
        }
    }

    fn map(&self) -> NaiveMap {
        let mut map = NaiveMap::default();
        for (text, serials) in &self.lists {
            let mut items = Frontier::default();
            for serial in serials {
                let entry = &self.entries[usize::try_from(*serial).unwrap()];
                items.push(list_item_hash(*serial, &leaf_hash(entry)));
            }
            map.insert(text.key(), list_value(items.size(), &items.root()));
        }
        map
    }

    fn close(&mut self) {
        let map = self.map();
        let entry = MapEntry {
            time: Time(self.time),
            covers: self.hashes.size(),
            labels: u64::try_from(map.len()).unwrap(),
            root: map.root(),
        };
        self.push(entry.print().into_bytes());
    }

    fn push(&mut self, bytes: Vec<u8>) -> u64 {
        let serial = self.hashes.size();
        self.hashes.push(leaf_hash(&bytes));
        self.entries.push(bytes);
        serial
    }
}

/// Returns the third word of each `signed` line, whatever else the bytes are.
fn signers(entry: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(entry);
    let lines = text.lines().filter_map(|line| line.strip_prefix("signed "));
    lines.filter_map(|line| line.split(' ').nth(1)).map(ToOwned::to_owned).collect()
}

impl Answers {
    /// Returns the answers as members of a vector.
    pub fn to_json(&self) -> Value {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let lists: BTreeMap<String, Value> = self
            .lists
            .iter()
            .map(|(name, list)| (name.to_string(), json!({"serials": list.serials, "proof": list.proof.print()})))
            .collect();
        let records: BTreeMap<String, Value> = self
            .records
            .iter()
            .map(|(serial, record)| {
                (serial.to_string(), json!({"entry": text(&record.entry), "envelope": text(&record.envelope)}))
            })
            .collect();
        json!({
            "note": text(&self.note),
            "lastEntry": text(&self.last_entry),
            "lists": lists,
            "records": records,
            "multiproof": self.multiproof.print(),
        })
    }

    /// Reads the answers out of a vector.
    pub fn of_json(value: &Value) -> Self {
        let bytes = |value: &Value| value.as_str().unwrap().as_bytes().to_vec();
        let members = |name: &str| value[name].as_object().unwrap().iter();
        let listing = |list: &Value| Listing {
            serials: list["serials"].as_array().unwrap().iter().map(|serial| serial.as_u64().unwrap()).collect(),
            proof: MapProof::parse(&bytes(&list["proof"])).unwrap(),
        };
        let record =
            |record: &Value| RawRecord { entry: bytes(&record["entry"]), envelope: bytes(&record["envelope"]) };
        Self {
            note: bytes(&value["note"]),
            last_entry: bytes(&value["lastEntry"]),
            lists: members("lists").map(|(name, list)| (MapText::new(name.clone()), listing(list))).collect(),
            records: members("records").map(|(serial, raw)| (serial.parse().unwrap(), record(raw))).collect(),
            multiproof: Multiproof::parse(&bytes(&value["multiproof"])).unwrap(),
        }
    }
}

impl Source for Answers {
    fn note(&self) -> Result<Vec<u8>, SourceError> {
        Ok(self.note.clone())
    }

    fn last_entry(&self) -> Result<Vec<u8>, SourceError> {
        Ok(self.last_entry.clone())
    }

    fn list(&self, text: &MapText) -> Result<Listing, SourceError> {
        self.lists.get(text).cloned().ok_or_else(|| SourceError::Missing(format!("list `{text}`")))
    }

    fn tail(&self, text: &MapText, _: usize) -> Result<ListTail, SourceError> {
        Err(SourceError::Missing(format!("run of `{text}`")))
    }

    fn record(&self, serial: u64) -> Result<RawRecord, SourceError> {
        self.records.get(&serial).cloned().ok_or_else(|| SourceError::Missing(format!("record {serial}")))
    }

    fn multiproof(&self, _: &[u64]) -> Result<Proven, SourceError> {
        Ok(Proven { proof: self.multiproof.clone(), others: Vec::new() })
    }
}
