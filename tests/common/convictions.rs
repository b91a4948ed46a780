//! Convictions of keepers who lie, and what only looks like one.

use evidence_ledger::append::Receipt;
use evidence_ledger::merkle::MapText;
use evidence_ledger::model::{Authority, Entry, Event, Predicate, Statement, Subject};
use evidence_ledger::prove::{Complete, Conviction, Shown, Trust};
use serde_json::{Value, json};

use crate::formats::Vector;
use crate::memory::Keeper;
use crate::samples::{ORIGIN, about_key, binding, digest, grant, key};

/// A keeper with a grant to ana and a halt by her, which the map may lack.
pub struct Case {
    pub keeper: Keeper,
    /// The halt's place, and its entry.
    pub halt: (u64, Entry),
}

/// Whether the keeper's map has the halt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Map {
    True,
    Lies,
}

impl Case {
    /// Lets ana halt for a reason.
    pub fn tell(map: Map, reason: &str) -> Self {
        let mut keeper = Keeper::new(ORIGIN, key(9));
        let ana = key(2);
        let given = Predicate::Authority(Authority::Grant(grant(&ana.public(), "ana", &["reviewer"])));
        let subjects = about_key(&ana.public());
        keeper.append(&Statement { subjects, binding: binding(1, None, false), predicate: given }, &[&key(1)]);
        let halt = Predicate::Event(Event::Halt { reason: reason.to_owned() });
        let subjects = vec![Subject::sha256("origin", digest(ORIGIN))];
        let draft = keeper.draft(&Statement { subjects, binding: binding(2, None, false), predicate: halt }, &[&ana]);
        let listed = match map {
            Map::True => draft.entry.clone(),
            Map::Lies => Entry { chain: "elsewhere".to_owned(), ..draft.entry.clone() },
        };
        let bytes = draft.entry.print().into_bytes();
        let (serial, _) = keeper.write_bytes(&listed, bytes, draft.envelope);
        Self { keeper, halt: (serial, draft.entry) }
    }

    pub fn trust(&self) -> Trust {
        self.keeper.trusted_by(&[&key(1)])
    }

    /// What ana was given when she halted.
    pub fn receipt(&self) -> Receipt {
        let (serial, entry) = self.halt.clone();
        let leaf = evidence_ledger::crypto::leaf_hash(entry.print().as_bytes());
        Receipt { serial, leaf, entry, path: self.keeper.path(serial), note: self.keeper.note() }
    }

    /// What somebody else is shown, who asks about halts.
    pub fn shown(&self) -> Shown {
        let halts = [MapText::chain("halt")];
        let source = self.keeper.answer_lists(&halts);
        let complete = Complete::check_chains(&source, &self.trust(), &halts).unwrap();
        Shown::of_complete(&complete, &source).unwrap()
    }

    pub fn shown_receipt(&self) -> Shown {
        let receipt = self.receipt();
        Shown::of_receipt(&receipt.print(), &receipt.entry.print(), &self.trust()).unwrap()
    }
}

/// Returns the vectors.
pub fn all() -> Vec<Vector> {
    let mut list = Vec::new();
    let mut put = |name: &str, expect: &str, about: &str, trust: &Trust, value: &Value| {
        let text = serde_json::to_string_pretty(value).unwrap();
        let vector =
            json!({"expect": expect, "what": "conviction", "about": about, "trust": trust.print(), "text": text});
        list.push((format!("conviction-{name}"), vector));
    };
    let liar = Case::tell(Map::Lies, "incident 12");
    let other = Case::tell(Map::Lies, "incident 13");
    let honest = Case::tell(Map::True, "incident 12");
    let trust = liar.trust();
    let value =
        |a: &Shown, b: &Shown| -> Value { serde_json::from_str(&Conviction::find(a, b).unwrap().print()).unwrap() };
    let of_list = value(&liar.shown_receipt(), &liar.shown());
    let of_heads = value(&liar.shown(), &other.shown());
    put("list", "ok", "a list that lacks an entry which the same log gave a receipt for", &trust, &of_list);
    put("heads", "ok", "two heads of one size", &trust, &of_heads);
    let leaf = |case: &Case| {
        let of = case.receipt();
        json!({"path": path(&of), "leaf": of.leaf, "note": String::from_utf8(of.note).unwrap()})
    };
    let of_place = json!({"format": "evidence-conviction/v1", "origin": ORIGIN, "kind": "place", "place": liar.halt.0,
        "leaves": [leaf(&liar), leaf(&other)]});
    put("place", "ok", "two entries at one place", &trust, &of_place);

    let mut changed = of_place.clone();
    changed["leaves"][1] = changed["leaves"][0].clone();
    put("place-same", "nothing", "one entry at one place", &trust, &changed);
    let mut changed = of_heads.clone();
    changed["notes"][1] = changed["notes"][0].clone();
    put("heads-same", "nothing", "one head twice", &trust, &changed);
    let mut changed = of_list.clone();
    let receipt = liar.receipt();
    changed["list"]["items"] = json!([[receipt.serial, receipt.leaf]]);
    put("list-other-items", "proof", "items that are not those of the signed map", &trust, &changed);
    let mut changed = of_list.clone();
    changed["list"]["text"] = json!("chain exception");
    put("list-of-others", "proof", "a list to which the entry does not belong", &trust, &changed);
    let mut changed = of_list.clone();
    changed["record"]["place"] = json!(receipt.serial - 1);
    put("list-other-place", "proof", "an entry that does not stand where it is said to", &trust, &changed);
    let mut changed = of_list.clone();
    let note = honest.keeper.checkpoint().sign(&key(8));
    changed["record"]["note"] = json!(String::from_utf8(note).unwrap());
    put("forged-head", "head", "a head that the log's key did not sign", &trust, &changed);
    let mut changed = of_list.clone();
    changed["verdict"] = json!("guilty");
    put("more", "form", "a member that nobody knows", &trust, &changed);
    let stranger = Trust { ledgers: Keeper::new("evidence.local/other", key(9)).trusted_by(&[]).ledgers, ..trust };
    put("foreign", "head", "a log that the trust file does not name", &stranger, &of_list);
    list
}

/// Returns the path of a receipt in base64, as convictions spell it too.
fn path(receipt: &Receipt) -> Vec<String> {
    let text = receipt.print();
    text.lines().skip(2).take_while(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
}
