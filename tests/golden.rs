//! The golden values of the format, made by an independent implementation: ours must come to the same bytes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evidence_ledger::crypto::{NoteKey, SecretKey, leaf_hash, list_item_hash, list_value, sha256, statement_hash};
use evidence_ledger::merkle::{
    Checkpoint, Frontier, MapProof, MapText, MemoryHashes, Multiproof, NaiveMap, SignedCheckpoint, prove_multi,
    tree_root,
};
use evidence_ledger::model::{Digest, Entry};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../testdata/vectors/format-v1.json")).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn hash(value: &Value) -> Digest {
    let bytes = STANDARD.decode(text(value)).unwrap();
    Digest(bytes.try_into().unwrap())
}

fn leaf(place: u64) -> Digest {
    leaf_hash(format!("entry {place}").as_bytes())
}

fn places(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|place| place.as_u64().unwrap()).collect()
}

#[test]
fn keys_have_the_same_fingerprints() {
    for key in vectors()["keys"].as_object().unwrap().values() {
        let seed: [u8; 32] = hex::decode(text(&key["seed_hex"])).unwrap().try_into().unwrap();
        assert_eq!(SecretKey::from_seed(&seed).public().fingerprint().as_str(), text(&key["fingerprint"]));
    }
}

#[test]
fn the_entry_has_the_same_bytes_and_leaf_hash() {
    let vectors = vectors();
    let entry = &vectors["entry"];
    let payload = text(&entry["payload"]).as_bytes();
    let parsed = Entry::parse(text(&entry["entry"]).as_bytes()).unwrap();
    assert_eq!(parsed.print(), text(&entry["entry"]));
    assert_eq!(parsed.statement, statement_hash("application/vnd.in-toto+json", payload));
    let signature =
        SecretKey::from_seed(&[3; 32]).sign(&evidence_ledger::crypto::pae("application/vnd.in-toto+json", payload));
    assert_eq!(STANDARD.encode(signature), text(&entry["signature"]));
    assert_eq!(parsed.signed[0].signature, sha256(&signature));
    assert_eq!(leaf_hash(parsed.print().as_bytes()).to_string(), text(&entry["leaf_hash"]));
}

#[test]
fn the_map_has_the_same_root_and_proofs() {
    let vectors = vectors();
    let map = &vectors["map"];
    let mut ours = NaiveMap::default();
    assert_eq!(ours.root(), hash(&map["empty_root"]));
    let mut values: BTreeMap<String, Digest> = BTreeMap::new();
    for (name, listed) in map["lists"].as_object().unwrap() {
        let places = places(listed);
        let list: Frontier = places.iter().map(|place| list_item_hash(*place, &leaf(*place))).collect();
        let value = list_value(list.size(), &list.root());
        values.insert(name.clone(), value);
        ours.insert(MapText::new(name.clone()).key(), value);
    }
    let root = hash(&map["root"]);
    assert_eq!(ours.root(), root);
    for proof in map["present"].as_array().unwrap() {
        let key = MapText::new(text(&proof["text"]).to_owned()).key();
        assert_eq!(key.to_string(), text(&proof["K"]));
        assert_eq!(values[text(&proof["text"])].to_string(), text(&proof["V"]));
        assert_eq!(ours.prove(&key).print(), text(&proof["proof"]));
        let parsed = MapProof::parse(text(&proof["proof"]).as_bytes()).unwrap();
        assert!(parsed.check_present(&key, &values[text(&proof["text"])], &root).is_ok());
        assert!(parsed.check_absent(&key, &root).is_err());
    }
    for proof in map["absent"].as_array().unwrap() {
        let key = MapText::new(text(&proof["text"]).to_owned()).key();
        assert_eq!(ours.prove(&key).print(), text(&proof["proof"]));
        assert!(MapProof::parse(text(&proof["proof"]).as_bytes()).unwrap().check_absent(&key, &root).is_ok());
    }
    let one = &map["one_key"];
    let list: Frontier = places(&one["places"]).iter().map(|place| list_item_hash(*place, &leaf(*place))).collect();
    let mut map = NaiveMap::default();
    map.insert(MapText::new(text(&one["text"]).to_owned()).key(), list_value(list.size(), &list.root()));
    assert_eq!(map.root(), hash(&one["root"]));
}

#[test]
fn the_multiproofs_have_the_same_bytes() {
    for vector in vectors()["multiproof"].as_array().unwrap() {
        let size = vector["size"].as_u64().unwrap();
        let wanted = places(&vector["wanted"]);
        let hashes: MemoryHashes = (0..size).map(leaf).collect();
        let root = hash(&vector["root"]);
        assert_eq!(tree_root(size, &hashes).unwrap(), root);
        assert_eq!(prove_multi(&wanted, size, &hashes).unwrap().print(), text(&vector["proof"]));
        let leaves: Vec<(u64, Digest)> = wanted.iter().map(|place| (*place, leaf(*place))).collect();
        let proof = Multiproof::parse(text(&vector["proof"]).as_bytes()).unwrap();
        assert!(proof.check(&leaves, size, &root).is_ok());
        assert!(proof.check(&leaves, size + 1, &root).is_err());
    }
}

#[test]
fn the_checkpoint_has_the_same_bytes() {
    let vectors = vectors();
    let vector = &vectors["checkpoint"];
    let vkey: NoteKey = text(&vector["vkey"]).parse().unwrap();
    assert_eq!(vkey.to_string(), text(&vector["vkey"]));
    let note = text(&vector["note"]).as_bytes();
    let opened = SignedCheckpoint::open(note, std::slice::from_ref(&vkey), vkey.name()).unwrap();
    let again = Checkpoint { origin: vkey.name().to_owned(), size: 300, root: opened.checkpoint().root };
    assert_eq!(again.sign(&SecretKey::from_seed(&[1; 32])), note);
}
