//! The vectors of single formats: good bytes of each, and bytes one step away from them that must be refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evidence_ledger::crypto::{
    EcdsaKey, Envelope, NoteKey, PublicKey, Sign, leaf_hash, list_item_hash, pae, sha256, sign_note,
};
use evidence_ledger::merkle::{
    Checkpoint, Frontier, ListProof, MapText, MemoryHashes, NaiveMap, prove_consistency, prove_inclusion, prove_multi,
    tree_root,
};
use evidence_ledger::model::{Digest, Entry, MapEntry, Name, Statement, Time};
use serde_json::{Value, json};

use crate::memory::Keeper;
use crate::samples::{self, ORIGIN, digest, key};

/// A vector: its name and its members.
pub type Vector = (String, Value);

/// Returns all of them.
pub fn all() -> Vec<Vector> {
    [
        entries(),
        map_entries(),
        envelopes(),
        statements(),
        notes(),
        maps(),
        trees(),
        trust_files(),
        bundles(),
        keys(),
        name_keys(),
    ]
    .concat()
}

fn put(list: &mut Vec<Vector>, what: &str, name: &str, expect: &str, about: &str, text: &str, more: Value) {
    let mut value = json!({"expect": expect, "what": what, "about": about, "text": text});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    list.push((format!("{what}-{name}"), value));
}

fn start() -> Statement {
    samples::all().into_iter().find(|(name, _)| name == "start-most").unwrap().1
}

fn entries() -> Vec<Vector> {
    let mut list = Vec::new();
    let keeper = Keeper::new(ORIGIN, key(9));
    let (one, two) = (key(1), key(2));
    let entry = keeper.draft(&start(), &[&one, &two]).entry;
    let good = entry.print();
    let mut add = |name: &str, expect: &str, about: &str, text: &str| {
        put(&mut list, "entry", name, expect, about, text, json!({}));
    };
    add("two-signers", "ok", "an entry with two signed lines and two labels", &good);
    let with = |change: &dyn Fn(&mut Entry)| {
        let mut changed = entry.clone();
        change(&mut changed);
        changed.print()
    };
    add("previous", "ok", "the entry of a chain that goes on", &with(&|entry| entry.previous = Some(digest("x"))));
    add("no-labels", "ok", "an entry without labels", &with(&|entry| entry.labels.clear()));
    let bad = [
        ("leading-zero", "a number with a leading zero", good.replace("time 1", "time 01")),
        ("signed-number", "a number with a sign", good.replace("time 1", "time +1")),
        ("number-2-53", "a number of 2^53", with(&|entry| entry.time = Time(1 << 53))),
        ("crlf", "CR before LF", good.replace('\n', "\r\n")),
        ("cut-tail", "the last LF is missing", good.trim_end().to_owned()),
        ("cut-label", "the last line is cut short", good[..good.len() - 3].to_owned() + "\n\n"),
        ("blank-line", "a blank line at the end", format!("{good}\n")),
        ("two-spaces", "two spaces between fields", good.replace("kind ", "kind  ")),
        ("upper-hex", "a hash in upper case", with(&|entry| entry.labels.clear()).replace("sha256:", "SHA256:")),
        ("labels-swapped", "labels not sorted by bytes", with(&|entry| entry.labels.reverse())),
        ("label-twice", "a label twice", with(&|entry| entry.labels[1] = entry.labels[0].clone())),
        ("signed-swapped", "signed lines not sorted by bytes", with(&|entry| entry.signed.reverse())),
        (
            "signer-twice",
            "two signed lines of one key",
            with(&|entry| {
                entry.signed[1] = entry.signed[0].clone();
                entry.signed[1].signature = Digest([0xff; 32]);
            }),
        ),
        ("unsigned", "no signed line", with(&|entry| entry.signed.clear())),
        (
            "labels-17",
            "seventeen labels",
            with(&|entry| entry.labels = (10..27).map(|i| format!("alias:{i}")).collect()),
        ),
        ("too-long", "more than 4096 bytes", with(&|entry| entry.labels = vec!["a".repeat(4096)])),
        ("unknown-line", "a line that the format does not have", good.replace("label commit", "note x\nlabel commit")),
        ("version-2", "another version", good.replace("entry/v1", "entry/v2")),
    ];
    for (name, about, text) in bad {
        add(name, "spelling", about, &text);
    }
    list
}

fn map_entries() -> Vec<Vector> {
    let mut list = Vec::new();
    let entry = MapEntry { time: Time(1_763_690_400), covers: 2, labels: 5, root: digest("root") };
    let good = entry.print();
    let mut add = |name: &str, expect: &str, about: &str, text: &str| {
        put(&mut list, "map-entry", name, expect, about, text, json!({}));
    };
    add("good", "ok", "a map entry", &good);
    add("leading-zero", "spelling", "a number with a leading zero", &good.replace("covers 2", "covers 02"));
    add("base64-unpadded", "spelling", "base64 without padding", &good.replace("=\n", "\n"));
    add("base64-trailing-bits", "spelling", "base64 with bits after its end", &loose_base64(&good));
    add("order", "spelling", "lines in another order", &good.replace("covers 2\nlabels 5\n", "labels 5\ncovers 2\n"));
    add("more", "spelling", "a line more", &format!("{good}size 3\n"));
    list
}

/// Sets a bit that no byte owns before the first `=`.
fn loose_base64(text: &str) -> String {
    let at = text.rfind("=\n").unwrap() - 1;
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let next = alphabet.find(&text[at..=at]).unwrap() + 1;
    format!("{}{}{}", &text[..at], &alphabet[next..=next], &text[at + 1..])
}

fn envelopes() -> Vec<Vector> {
    let mut list = Vec::new();
    let payload = start().print().unwrap();
    let (one, two) = (key(1), key(2));
    let lines = json!({"keys": [one.public().to_string(), two.public().to_string()]});
    let text = |envelope: &Envelope| String::from_utf8(envelope.print()).unwrap();
    let sealed = Envelope::seal(payload.clone(), &[&one]).unwrap();
    let both = Envelope::seal(payload.clone(), &[&one, &two]).unwrap();
    let good = text(&sealed);
    let mut add = |name: &str, expect: &str, about: &str, text: &str| {
        put(&mut list, "envelope", name, expect, about, text, lines.clone());
    };
    add("one-signer", "ok", "an envelope signed by one key", &good);
    add("two-signers", "ok", "an envelope signed by two keys", &text(&both));
    let mut twice = sealed.clone();
    twice.signatures.push(twice.signatures[0].clone());
    add("signer-twice", "signatures", "a second signature by one key", &text(&twice));
    let mut none = sealed.clone();
    none.signatures.clear();
    add("unsigned", "signatures", "no signature", &text(&none));
    let mut swapped = both.clone();
    swapped.signatures.reverse();
    add("signers-swapped", "spelling", "signatures in another order than the signed lines", &text(&swapped));
    let mut changed = sealed.clone();
    changed.payload[0] = b' ';
    add("changed-payload", "signature", "a byte of the payload changed", &text(&changed));
    let mut changed = both.clone();
    changed.signatures[1].sig[0] ^= 1;
    add("one-of-two-forged", "signature", "the second of two signatures does not hold", &text(&changed));
    let other = Envelope::seal(payload.clone(), &[&key(3)]).unwrap();
    add("unknown-signer", "unknown-signer", "a key that nobody granted", &text(&other));
    let mut borrowed = other;
    borrowed.signatures[0].keyid = one.public().fingerprint();
    add("borrowed-keyid", "signature", "the key id of one key over the signature of another", &text(&borrowed));
    add("final-lf", "spelling", "an LF at the end", &format!("{good}\n"));
    add("white-space", "spelling", "white space between members", &good.replacen(':', ": ", 1));
    add("cut-tail", "not-strict-json", "the last byte is missing", &good[..good.len() - 1]);
    add("unknown-field", "schema", "a member more", &good.replacen('{', "{\"extra\":1,", 1));
    add("duplicate-key", "not-strict-json", "a member twice", &good.replacen('{', "{\"payload\":\"\",", 1));
    add("payload-type", "wrong-type", "another payload type", &good.replace("in-toto+json", "json"));
    add("unpadded", "base64", "base64 without padding", &good.replace("==\"}]}", "\"}]}"));
    list.extend(envelopes_of_other_algorithms(&payload));
    list
}

/// P-256 and security keys (format, section 13).
fn envelopes_of_other_algorithms(payload: &[u8]) -> Vec<Vector> {
    let mut list = Vec::new();
    let (ed, point, touch) = (key(1), point(), touch_line().parse::<PublicKey>().unwrap());
    let lines = json!({"keys": [ed.public().to_string(), point.public().to_string(), touch.to_string()]});
    let mut add = |name: &str, expect: &str, about: &str, envelope: &Envelope| {
        let text = String::from_utf8(envelope.print()).unwrap();
        put(&mut list, "envelope", name, expect, about, &text, lines.clone());
    };
    let good = Envelope::seal(payload.to_vec(), &[&point]).unwrap();
    let message = pae(&good.payload_type, payload);
    let with = |sig: Vec<u8>| {
        let mut envelope = good.clone();
        envelope.signatures[0].sig = sig;
        envelope
    };
    let signature = p256::ecdsa::Signature::from_der(&good.signatures[0].sig).unwrap();
    let high = p256::ecdsa::Signature::from_scalars(signature.r().to_bytes(), (-*signature.s()).to_bytes()).unwrap();
    add("p256", "ok", "a signature of P-256", &good);
    add("p256-high-s", "signature", "the other s that holds", &with(high.to_der().as_bytes().to_vec()));
    add("p256-raw", "signature", "two numbers in place of DER", &with(signature.to_bytes().to_vec()));
    add(
        "p256-of-ed25519",
        "signature",
        "the key id of P-256 over a signature of Ed25519",
        &with(ed.sign(&message).to_vec()),
    );
    let touched = |flags: u8, application: &str| {
        let state = [flags, 0, 0, 0, 7];
        let asserted = [sha256(application.as_bytes()).bytes(), &state[..], sha256(&message).bytes()].concat();
        let mut envelope = with([&ed.sign(&asserted)[..], &state].concat());
        envelope.signatures[0].keyid = touch.fingerprint();
        envelope
    };
    add("sk", "ok", "a touched security key", &touched(1, "ssh:"));
    add("sk-pin", "ok", "a security key that knew the person too", &touched(5, "ssh:"));
    add("sk-no-touch", "signature", "a security key that nobody touched", &touched(4, "ssh:"));
    add("sk-backed-up", "signature", "a flag of copied keys", &touched(0x19, "ssh:"));
    add("sk-application", "signature", "another application", &touched(1, "ssh:other"));
    let mut plain = touched(1, "ssh:");
    plain.signatures[0].sig = ed.sign(&message).to_vec();
    add("sk-plain", "signature", "a plain signature of a security key's key", &plain);
    let mut mixed = Envelope::seal::<dyn Sign>(payload.to_vec(), &[&ed, &point]).unwrap();
    add("mixed", "ok", "ecdsa-p256 stands before ed25519", &mixed);
    mixed.signatures.reverse();
    add("mixed-swapped", "spelling", "ed25519 before ecdsa-p256", &mixed);
    list
}

/// A test key of P-256, not secret.
fn point() -> EcdsaKey {
    EcdsaKey::from_bytes(b"EVIDENCE TEST KEY, NOT SECRET ec").unwrap()
}

/// The line of a security key whose private half is test key 1.
fn touch_line() -> String {
    sk_line("ssh:")
}

fn sk_line(application: &str) -> String {
    let word = "sk-ssh-ed25519@openssh.com";
    let bytes = key(1).public_bytes();
    wire_line(word, &[word.as_bytes(), &bytes, application.as_bytes()])
}

fn wire_line(word: &str, parts: &[&[u8]]) -> String {
    let wire: Vec<u8> =
        parts.iter().flat_map(|it| [&u32::try_from(it.len()).unwrap().to_be_bytes(), *it].concat()).collect();
    format!("{word} {}", STANDARD.encode(wire))
}

fn statements() -> Vec<Vector> {
    let mut list = Vec::new();
    let none = || json!({});
    for (name, sample) in samples::all() {
        let text = String::from_utf8(sample.print().unwrap()).unwrap();
        put(&mut list, "statement", &name, "ok", &format!("a record of kind {}", sample.kind()), &text, none());
    }
    let good = String::from_utf8(start().print().unwrap()).unwrap();
    let tree = format!(",{{\"name\":\"tree\",\"digest\":{{\"gitTree\":\"{}\"}}}}", "2".repeat(40));
    let subjects = format!("{{\"name\":\"commit\",\"digest\":{{\"gitCommit\":\"{}\"}}}}{tree}", "1".repeat(40));
    let bad = [
        ("duplicate-key", "not-strict-json", "a key twice", good.replace("\"claim\":", "\"claim\":\"a\",\"claim\":")),
        (
            "escaped-duplicate-key",
            "not-strict-json",
            "a key twice, once escaped",
            good.replace("\"claim\":", "\"\\u0063laim\":\"a\",\"claim\":"),
        ),
        ("float", "not-strict-json", "an integer spelled as a float", good.replace("31622400", "31622400.0")),
        ("exponent", "not-strict-json", "an integer with an exponent", good.replace("31622400", "3e7")),
        ("integer-2-53", "not-strict-json", "an integer of 2^53", good.replace("31622400", "9007199254740992")),
        ("lone-surrogate", "not-strict-json", "half a character", good.replace("\"linux\"", "\"\\ud800\"")),
        ("cut-tail", "not-strict-json", "the last byte is missing", good[..good.len() - 1].to_owned()),
        ("trailing", "not-strict-json", "a second value", format!("{good}{{}}")),
        ("type-for-_type", "wrong-type", "`type` for `_type`", good.replace("\"_type\"", "\"type\"")),
        ("predicate-version", "wrong-type", "a version that does not exist", good.replace("start/v1", "start/v2")),
        ("predicate-name", "wrong-type", "a tenth name", good.replace("evidence:start", "evidence:begin")),
        ("other-predicate", "schema", "the predicate of another name", good.replace("start/v1", "plan/v1")),
        ("unknown-field", "schema", "a member more", good.replace("\"claim\":", "\"extra\":1,\"claim\":")),
        ("missing-field", "schema", "the claim is missing", good.replace("\"claim\":\"unit-tests\",", "")),
        ("number-as-text", "schema", "a number spelled as a text", good.replace("31622400", "\"31622400\"")),
        ("shard-beyond", "schema", "shard 9 of 8", good.replace("\"index\":3", "\"index\":9")),
        ("id-dot-lock", "schema", "an id that ends in .lock", good.replace("\"linux\"", "\"linux.lock\"")),
        ("unbound", "schema", "no change", good.replace("\"change\":\"shop/abc-123\",", "")),
        ("no-subject", "schema", "no subject", good.replace(&subjects, "")),
        ("no-tree", "subjects", "no tree", good.replace(&tree, "")),
        (
            "two-digests",
            "schema",
            "a subject of two digests",
            good.replace("{\"gitCommit\":", &format!("{{\"gitTree\":\"{}\",\"gitCommit\":", "2".repeat(40))),
        ),
    ];
    for (name, expect, about, text) in bad {
        assert_ne!(text, good, "{name}");
        put(&mut list, "statement", name, expect, about, &text, none());
    }
    let bom = STANDARD.encode([b"\xef\xbb\xbf", good.as_bytes()].concat());
    let value = json!({"expect": "not-strict-json", "what": "statement", "about": "a byte order mark", "base64": bom});
    list.push(("statement-byte-order-mark".into(), value));
    let mut latin = good.clone().into_bytes();
    latin[good.find("linux").unwrap()] = 0xe9;
    let latin = STANDARD.encode(latin);
    let value =
        json!({"expect": "not-strict-json", "what": "statement", "about": "a byte that is not UTF-8", "base64": latin});
    list.push(("statement-latin-1".into(), value));
    list
}

fn notes() -> Vec<Vector> {
    let mut list = Vec::new();
    let log = key(9);
    let vkey = NoteKey::new(ORIGIN, log.public()).unwrap().to_string();
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: 7, root: digest("root") };
    let text = |note: Vec<u8>| String::from_utf8(note).unwrap();
    let good = text(checkpoint.sign(&log));
    let mut add = |name: &str, expect: &str, about: &str, note: &str| {
        put(&mut list, "note", name, expect, about, note, json!({"vkey": vkey, "origin": ORIGIN}));
    };
    add("good", "ok", "a signed checkpoint", &good);
    let line = good.lines().last().unwrap().replace(ORIGIN, "witness.example");
    add("cosigned", "ok", "a signature of somebody unknown is ignored", &format!("{good}{line}\n"));
    add("changed-size", "signature", "the size changed after signing", &good.replace("\n7\n", "\n8\n"));
    add("other-key", "unsigned", "the signature of another key under the same name", &text(checkpoint.sign(&key(8))));
    let other = Checkpoint { origin: "other.example/log".into(), ..checkpoint.clone() };
    add("other-origin", "unsigned", "the checkpoint of a foreign log", &text(other.sign(&log)));
    let foreign = text(sign_note(&other.print(), ORIGIN, &log));
    add("foreign-text", "foreign", "this log's signature over another log's name", &foreign);
    let four = text(sign_note(&format!("{}more\n", checkpoint.print()), ORIGIN, &log));
    add("four-lines", "malformed", "a fourth line", &four);
    let zero = text(sign_note(&checkpoint.print().replace("\n7\n", "\n07\n"), ORIGIN, &log));
    add("leading-zero", "malformed", "a size with a leading zero", &zero);
    add("cut-tail", "malformed", "the last LF is missing", good.trim_end());
    add("crlf", "malformed", "CR before LF", &good.replace('\n', "\r\n"));
    let fork = Checkpoint { root: digest("fork"), ..checkpoint };
    let value = json!({"expect": "contradiction", "what": "two-heads", "about": "two signed heads of one size with different roots",
        "vkey": vkey, "origin": ORIGIN, "notes": [good, text(fork.sign(&log))]});
    list.push(("two-heads-of-one-size".into(), value));
    let value = json!({"expect": "ok", "what": "two-heads", "about": "the same head twice",
        "vkey": vkey, "origin": ORIGIN, "notes": [good, good]});
    list.push(("two-heads-the-same".into(), value));
    list
}

fn maps() -> Vec<Vector> {
    let mut list = Vec::new();
    let names = ["chain policy", "chain halt", "chain change:shop/abc-123", "label alias:pr-12", "chain exception"];
    let map: NaiveMap = names.iter().fold(NaiveMap::default(), |mut map, name| {
        map.insert(MapText::new((*name).to_owned()).key(), digest(name));
        map
    });
    let key_of = |name: &str| MapText::new(name.to_owned()).key();
    let proof = |name: &str| map.prove(&key_of(name)).print();
    let mut add =
        |name: &str, expect: &str, about: &str, text: &str, asked: &str, value: Option<Digest>, root: Digest| {
            let more = json!({"asked": asked, "value": value, "root": STANDARD.encode(root.0)});
            put(&mut list, "map-proof", name, expect, about, text, more);
        };
    let (policy, absent) = (digest("chain policy"), "chain branch:shop:refs/heads/main");
    add("present", "ok", "a list that is there", &proof("chain policy"), "chain policy", Some(policy), map.root());
    add("absent", "ok", "a list that is not there", &proof(absent), absent, None, map.root());
    let empty = NaiveMap::default();
    add("absent-empty", "ok", "nothing is in the empty map", &empty.prove(&policy).print(), absent, None, empty.root());
    add(
        "of-another-list",
        "wrong-root",
        "the proof of another list",
        &proof("chain halt"),
        "chain policy",
        Some(policy),
        map.root(),
    );
    add(
        "other-value",
        "wrong-root",
        "another value",
        &proof("chain policy"),
        "chain policy",
        Some(digest("x")),
        map.root(),
    );
    add(
        "absence-as-presence",
        "wrong-shape",
        "an absence where a presence is wanted",
        &proof(absent),
        absent,
        Some(policy),
        map.root(),
    );
    add(
        "presence-as-absence",
        "wrong-shape",
        "a presence where an absence is wanted",
        &proof("chain policy"),
        "chain policy",
        None,
        map.root(),
    );
    let halt =
        proof("chain halt").replace("present", &format!("absent {} {}", key_of("chain halt"), digest("chain halt")));
    add(
        "false-absence",
        "wrong-shape",
        "a list that is there said to be absent by a neighbour",
        &halt,
        "chain policy",
        None,
        map.root(),
    );
    let itself = proof("chain policy").replace("present", &format!("absent {} {policy}", key_of("chain policy")));
    add(
        "false-absence-by-itself",
        "wrong-shape",
        "a list that is there said to be absent by itself",
        &itself,
        "chain policy",
        None,
        map.root(),
    );
    add(
        "false-empty",
        "wrong-root",
        "the map said to be empty",
        &empty.prove(&policy).print(),
        "chain policy",
        None,
        map.root(),
    );
    let lines: Vec<String> = proof("chain policy").lines().map(|line| format!("{line}\n")).collect();
    add(
        "cut-path",
        "wrong-root",
        "the last sibling is missing",
        &lines[..lines.len() - 1].concat(),
        "chain policy",
        Some(policy),
        map.root(),
    );
    let mut swapped = lines.clone();
    let last = swapped.len() - 1;
    swapped.swap(last, last - 1);
    add("bits-rise", "spelling", "bits that do not fall", &swapped.concat(), "chain policy", Some(policy), map.root());
    add(
        "cut-tail",
        "spelling",
        "the last LF is missing",
        proof("chain policy").trim_end(),
        "chain policy",
        Some(policy),
        map.root(),
    );
    list
}

fn trees() -> Vec<Vector> {
    let mut list = Vec::new();
    let leaf = |place: u64| leaf_hash(format!("entry {place}").as_bytes());
    let hashes: MemoryHashes = (0..11).map(leaf).collect();
    let root = |size: u64| STANDARD.encode(tree_root(size, &hashes).unwrap().0);
    let multi = |places: &[u64]| prove_multi(places, 11, &hashes).unwrap().print();
    let of = |leaves: &[(u64, u64)]| {
        let leaves: Vec<Value> = leaves.iter().map(|(place, of)| json!([place, leaf(*of)])).collect();
        json!({"leaves": leaves, "size": 11, "root": root(11)})
    };
    let good = multi(&[2, 3, 10]);
    let mut add = |name: &str, expect: &str, about: &str, text: &str, more: Value| {
        put(&mut list, "multiproof", name, expect, about, text, more);
    };
    add("three-of-eleven", "ok", "three leaves", &good, of(&[(2, 2), (3, 3), (10, 10)]));
    add(
        "of-another-record",
        "wrong-root",
        "another record in the place of one",
        &good,
        of(&[(2, 2), (3, 4), (10, 10)]),
    );
    add("reordered", "wrong-root", "two records in each other's place", &good, of(&[(2, 3), (3, 2), (10, 10)]));
    add("descending", "wrong-shape", "places that do not ascend", &good, of(&[(3, 3), (2, 2), (10, 10)]));
    add("hole", "wrong-shape", "a record left out", &good, of(&[(2, 2), (10, 10)]));
    add(
        "of-other-places",
        "wrong-root",
        "the proof of other places",
        &multi(&[4, 5, 10]),
        of(&[(2, 2), (3, 3), (10, 10)]),
    );
    let lines: Vec<String> = good.lines().map(|line| format!("{line}\n")).collect();
    add(
        "too-few",
        "wrong-shape",
        "a hash is missing",
        &lines[..lines.len() - 1].concat(),
        of(&[(2, 2), (3, 3), (10, 10)]),
    );
    add("too-many", "wrong-shape", "a hash too many", &format!("{good}{}", lines[1]), of(&[(2, 2), (3, 3), (10, 10)]));
    add("beyond", "wrong-shape", "a place beyond the size", &good, of(&[(2, 2), (3, 3), (11, 10)]));
    add("cut-tail", "spelling", "the last LF is missing", good.trim_end(), of(&[(2, 2), (3, 3), (10, 10)]));

    let items: Vec<Digest> = (0..5).map(|place| list_item_hash(2 * place, &leaf(2 * place))).collect();
    let stored: MemoryHashes = items.iter().copied().collect();
    let list_root = STANDARD.encode(items.iter().copied().collect::<Frontier>().root().0);
    let path = prove_inclusion(4, 5, &stored).unwrap();
    let newest = ListProof { position: 4, count: 5, path };
    let of = |item: usize| json!({"item": items[item], "root": list_root});
    put(&mut list, "list-proof", "newest", "ok", "the newest of five", &newest.print(), of(4));
    put(&mut list, "list-proof", "of-another-record", "wrong-root", "another item", &newest.print(), of(3));
    let moved = ListProof { position: 3, ..newest.clone() };
    put(&mut list, "list-proof", "other-position", "wrong-shape", "another position", &moved.print(), of(4));
    let cut = ListProof { path: Vec::new(), ..newest.clone() };
    put(&mut list, "list-proof", "cut-path", "wrong-shape", "no siblings", &cut.print(), of(4));
    let text = newest.print().replace("item 4", "item 04");
    put(&mut list, "list-proof", "leading-zero", "spelling", "a number with a leading zero", &text, of(4));

    let proof = prove_consistency(6, 11, &hashes).unwrap().print();
    let of = |old: String, new: String| json!({"old": old, "size": 11, "new": new});
    put(&mut list, "consistency", "grown", "ok", "from 6 to 11", &proof, of(root(6), root(11)));
    let fork = "a head that the newer tree does not continue";
    put(&mut list, "consistency", "fork", "wrong-root", fork, &proof, of(root(7), root(11)));
    let rewritten = "a newer tree that was rewritten";
    put(&mut list, "consistency", "rewritten", "wrong-root", rewritten, &proof, of(root(6), root(10)));
    let shrunk = proof.replace("from 6", "from 12");
    put(&mut list, "consistency", "shrunk", "wrong-shape", "a tree that lost entries", &shrunk, of(root(6), root(11)));
    let lines: Vec<String> = proof.lines().map(|line| format!("{line}\n")).collect();
    let cut = lines[..lines.len() - 1].concat();
    put(&mut list, "consistency", "cut", "wrong-shape", "a hash is missing", &cut, of(root(6), root(11)));
    list
}

fn trust_files() -> Vec<Vector> {
    let mut list = Vec::new();
    let good = Keeper::new(ORIGIN, key(9)).trusted_by(&[&key(1)]).print();
    let weak = weak_line();
    let line = key(1).public().to_string();
    let bad = [
        ("unknown-field", "spelling", "a field more", format!("{good}extra = 1\n")),
        ("version-2", "schema", "another version", good.replace("version = 1", "version = 2")),
        (
            "threshold",
            "threshold",
            "more roots must act than there are",
            good.replace("threshold = 1", "threshold = 2"),
        ),
        ("threshold-zero", "schema", "nobody needs to act", good.replace("threshold = 1", "threshold = 0")),
        ("weak-root", "unfit-key", "a root key of small order", good.replace(&line, &weak)),
        (
            "commented-root",
            "schema",
            "a root key with a comment",
            good.replace(&line, &format!("{line} ana@example.org")),
        ),
        (
            "other-name",
            "wrong-name",
            "a log key of another name",
            good.replace(&format!("origin = \"{ORIGIN}"), "origin = \"other"),
        ),
        (
            "changed-vkey",
            "unfit-key",
            "a log key whose key id is another's",
            good.replace(&format!("{ORIGIN}+"), &format!("{ORIGIN}+0000")),
        ),
        ("witnesses", "unsupported", "a quorum, which version 1 cannot check", format!("quorum = 1\n{good}")),
        ("not-toml", "spelling", "no TOML", "repository shop\n".to_owned()),
    ];
    put(&mut list, "trust", "good", "ok", "a trust file", &good, json!({}));
    let most = good.replacen("repository", "min_size = 7\nmax_age = \"24h\"\nrepository", 1);
    put(&mut list, "trust", "most", "ok", "a trust file with a least size and a greatest age", &most, json!({}));
    for (name, expect, about, text) in bad {
        assert_ne!(text, good, "{name}");
        put(&mut list, "trust", name, expect, about, &text, json!({}));
    }
    list
}

fn bundles() -> Vec<Vector> {
    let mut list = Vec::new();
    let good = format!(
        "{{\"format\":\"evidence-bundle/v1\",\"origin\":\"{ORIGIN}\",\"change\":\"shop/abc-123\",\"commit\":\"{}\",\"verdict\":null}}\n",
        "1".repeat(40)
    );
    let mut add = |name: &str, expect: &str, about: &str, text: &str| {
        put(&mut list, "bundle", name, expect, about, text, json!({}));
    };
    add("good", "ok", "a manifest without a verdict", &good);
    add("verdict", "ok", "a manifest with a verdict", &good.replace("null", "12"));
    add("cut-tail", "spelling", "the last LF is missing", good.trim_end());
    add("white-space", "spelling", "white space", &good.replacen(':', ": ", 1));
    add("no-verdict", "schema", "no verdict", &good.replace(",\"verdict\":null", ""));
    add("unknown-field", "schema", "a member more", &good.replace("null", "null,\"extra\":1"));
    add("duplicate-key", "not-strict-json", "a member twice", &good.replace("null", "null,\"verdict\":1"));
    add("version-2", "schema", "another version", &good.replace("bundle/v1", "bundle/v2"));
    list
}

fn keys() -> Vec<Vector> {
    let mut list = Vec::new();
    let good = key(1).public().to_string();
    let mut add = |name: &str, expect: &str, about: &str, text: &str| {
        put(&mut list, "public-key", name, expect, about, text, json!({}));
    };
    add("good", "ok", "an OpenSSH line", &good);
    add("comment", "unfit-key", "a comment", &format!("{good} ana@example.org"));
    add("weak", "unfit-key", "a point of small order: anybody can sign under it", &weak_line());
    let mut beyond = [0xff_u8; 32];
    (beyond[0], beyond[31]) = (0xf0, 0x7f);
    add("not-canonical", "unfit-key", "a point spelled with y above the prime", &line_of(&beyond));
    add("rsa", "unfit-key", "another algorithm", &good.replace("ssh-ed25519", "ssh-rsa"));
    let word = "ecdsa-sha2-nistp256";
    let of = |curve: &str, point: &[u8]| wire_line(word, &[word.as_bytes(), curve.as_bytes(), point]);
    let wire = point().public().to_wire();
    let at = &wire[wire.len() - 65..];
    add("p256", "ok", "a key of P-256", &of("nistp256", at));
    add("p256-curve", "unfit-key", "another curve's name", &of("nistp384", at));
    let mut off = at.to_vec();
    off[64] ^= 1;
    add("p256-off-curve", "unfit-key", "no point of the curve", &of("nistp256", &off));
    add(
        "p256-compressed",
        "unfit-key",
        "a compressed point",
        &of("nistp256", &[&[2 + (at[64] & 1)], &at[1..33]].concat()),
    );
    add("p256-infinity", "unfit-key", "the point at infinity", &of("nistp256", &[0]));
    add("sk", "ok", "a security key", &sk_line("ssh:"));
    add("sk-named", "ok", "a security key under a named application", &sk_line("ssh:work"));
    add("sk-web", "unfit-key", "a security key of a web site", &sk_line("https://example.org"));
    add(
        "sk-as-plain",
        "unfit-key",
        "another algorithm's word",
        &sk_line("ssh:").replace("sk-ssh-ed25519@openssh.com", "ssh-ed25519"),
    );
    let weak = STANDARD.decode(weak_line().split_once(' ').unwrap().1).unwrap();
    let word = "sk-ssh-ed25519@openssh.com";
    add(
        "sk-weak",
        "unfit-key",
        "a point of small order",
        &wire_line(word, &[word.as_bytes(), &weak[weak.len() - 32..], b"ssh:"]),
    );
    list
}

/// Returns the vectors of keys that stand for names.
pub fn name_keys() -> Vec<(String, Value)> {
    let mut list = Vec::new();
    for (name, of) in [
        ("address", Name::address("Ana@Example.org")),
        ("principal", Name::Principal("agent-7".parse().unwrap())),
        ("change", Name::Change("shop/abc-123".parse().unwrap())),
    ] {
        let key = PublicKey::of_name(&of);
        let more = json!({"key": key.to_string(), "fingerprint": key.fingerprint()});
        put(&mut list, "name-key", name, "ok", "the key that stands for a name", &of.to_string(), more);
    }
    let more = json!({"key": PublicKey::of_name(&Name::address("ana@example.org")).to_string()});
    put(
        &mut list,
        "name-key",
        "upper-case",
        "other-key",
        "an address that is not in lower case",
        "address:Ana@example.org",
        more,
    );
    list
}

/// Returns the OpenSSH line of the curve's neutral point, under which anybody can sign.
pub fn weak_line() -> String {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    line_of(&bytes)
}

fn line_of(bytes: &[u8; 32]) -> String {
    let wire = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20".as_slice(), bytes].concat();
    format!("ssh-ed25519 {}", STANDARD.encode(wire))
}
