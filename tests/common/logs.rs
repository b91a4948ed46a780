//! The vectors of whole logs: what a ledger answers to a verifier, honest, cut, forged, and kept by a liar.

use evidence_ledger::crypto::SecretKey;
use evidence_ledger::merkle::{MapProof, MapProofKind, MapText};
use evidence_ledger::model::{
    Authority, Digest, Event, Phase, Plan, PolicyRecord, Predicate, Review, ReviewVerdict, Revoke, Start, Statement,
    Subject, Time,
};
use evidence_ledger::prove::{Change, Trust};
use serde_json::json;

use crate::formats::{Vector, weak_line};
use crate::memory::{Answers, Draft, Keeper};
use crate::samples::{ORIGIN, about_key, binding, commit_and_tree, digest, grant, id, key, oid, passed};

/// An honest log: two grants, a policy, a plan, a start with its result, a review, a halt, a revocation.
struct Story {
    keeper: Keeper,
    keys: [SecretKey; 4],
    plan: Digest,
    start: Digest,
    /// The serials of plan, start, result, review, halt and revocation.
    serials: [u64; 6],
}

const ROOT: usize = 0;
const ANA: usize = 1;
const CI: usize = 2;
const BOB: usize = 3;

impl Story {
    fn tell(origin: &str) -> Self {
        let mut keeper = Keeper::new(origin, key(9));
        let keys = [key(1), key(2), key(3), key(4)];
        let mut say = |number: u8, subjects, predicate, plan: Option<Digest>, of_change, by: usize| {
            let mut binding = binding(number, plan, of_change);
            origin.clone_into(&mut binding.ledger);
            keeper.append(&Statement { subjects, binding, predicate }, &[&keys[by]])
        };
        for (number, who, name) in [(1, ANA, "ana"), (2, CI, "ci"), (3, BOB, "bob")] {
            let public = keys[who].public();
            let roles: &[&str] = if who == CI { &["ci"] } else { &["planner", "reviewer"] };
            let granted = Predicate::Authority(Authority::Grant(grant(&public, name, roles)));
            say(number, about_key(&public), granted, None, false, ROOT);
        }
        let policy = Predicate::Policy(PolicyRecord { bytes: 6, reason: None });
        say(4, vec![Subject::sha256("policy", digest("policy"))], policy, None, false, ROOT);
        let first = Plan::bare(id("low"), "refs/heads/main");
        let (plan_serial, plan) = say(5, vec![Subject::base(oid('0'))], Predicate::Plan(first), None, true, ANA);
        let begins = Start { claim: id("unit-tests"), variant: None, shard: None, deadline_seconds: 600 };
        let (start_serial, start) = say(6, commit_and_tree(), Predicate::Start(begins), Some(plan), true, CI);
        let result = Predicate::Result(passed(start));
        let (result_serial, _) = say(7, commit_and_tree(), result, Some(plan), true, CI);
        let (review_serial, _) = say(8, commit_and_tree(), looked(ReviewVerdict::Pass), Some(plan), true, BOB);
        let halt = Predicate::Event(Event::Halt { reason: "incident 12".into() });
        let (halt_serial, _) = say(9, vec![Subject::sha256("origin", digest(origin))], halt, None, false, ANA);
        let bob = keys[BOB].public();
        let revoke = Authority::Revoke(Revoke { key: bob.to_string(), reason: "laptop lost".into() });
        let (revoke_serial, _) = say(10, about_key(&bob), Predicate::Authority(revoke), None, false, ROOT);
        let serials = [plan_serial, start_serial, result_serial, review_serial, halt_serial, revoke_serial];
        Self { keeper, keys, plan, start, serials }
    }

    fn answers(&self) -> Answers {
        self.keeper.answer(&change())
    }

    fn trust(&self) -> Trust {
        self.keeper.trusted_by(&[&self.keys[ROOT]])
    }

    /// A further review by ana.
    fn review(&self) -> Statement {
        let binding = binding(20, Some(self.plan), true);
        Statement { subjects: commit_and_tree(), binding, predicate: looked(ReviewVerdict::Fail) }
    }

    fn review_draft(&self) -> Draft {
        self.keeper.draft(&self.review(), &[&self.keys[ANA]])
    }

    /// A record of the review's place with another payload, rightly signed.
    fn payload_draft(&self, change: impl Fn(String) -> String) -> Draft {
        let review = self.review_draft().entry;
        let good = String::from_utf8(self.review().print().unwrap()).unwrap();
        let bad = change(good.clone());
        assert_ne!(good, bad);
        self.keeper.draft_payload(bad.into_bytes(), &review.kind, &review.chain, review.labels, &[&self.keys[ANA]])
    }

    fn chain_of(&self, who: usize) -> MapText {
        MapText::chain(&format!("key:{}", self.keys[who].public().fingerprint()))
    }
}

fn looked(verdict: ReviewVerdict) -> Predicate {
    let claim = id("peer-review");
    Predicate::Review(Review::bare(claim, Phase::Plain, Some(verdict)))
}

/// Returns the change that all these logs are asked about.
pub fn change() -> Change {
    Change { id: id("shop/abc-123"), tree: oid('2') }
}

/// Returns all of them.
pub fn all() -> Vec<Vector> {
    let mut list = Vec::new();
    let story = Story::tell(ORIGIN);
    let mut add = |name: &str, expect: &str, about: &str, answers: &Answers, trust: &Trust| {
        let mut value = answers.to_json();
        let asked = change();
        let head = json!({"expect": expect, "what": "log", "about": about, "trust": trust.print(),
            "change": asked.id, "tree": asked.tree});
        value.as_object_mut().unwrap().extend(head.as_object().unwrap().clone());
        list.push((format!("log-{name}"), value));
    };
    add(
        "honest",
        "ok",
        "a plan, a start with its result, a review, a halt, a revocation",
        &story.answers(),
        &story.trust(),
    );

    for (name, expect, about, change) in withheld() {
        let mut answers = story.answers();
        change(&story, &mut answers);
        add(name, expect, about, &answers, &story.trust());
    }
    for (name, expect, about, lie) in lies() {
        let mut liar = Story::tell(ORIGIN);
        let draft = lie(&liar);
        liar.keeper.write(&draft);
        add(name, expect, about, &liar.answers(), &liar.trust());
    }

    let believed = story.trust();
    let foreign = Story::tell("evidence.local/ffffffffffffffffffffffffffffffff");
    add("foreign", "foreign", "a ledger that the trust file does not name", &foreign.answers(), &believed);
    let grown = Trust { min_size: Some(21), ..story.trust() };
    add("rolled-back", "too-small", "an old state of a ledger that is known to be larger", &story.answers(), &grown);
    let stranger = Trust { roots: vec![key(7).public()], ..story.trust() };
    add("other-roots", "unknown-signer", "grants by a key that is no root", &story.answers(), &stranger);
    let mut usurped = story.trust();
    usurped.ledgers = Keeper::new(ORIGIN, key(8)).trusted_by(&[]).ledgers;
    add("other-log-key", "unreadable", "a checkpoint that another key signed", &story.answers(), &usurped);

    for (name, expect, about, is_late) in [
        ("granted-before", "ok", "a record by a key that the record before it grants", false),
        ("granted-later", "unknown-signer", "a record by a key that is granted only behind it", true),
    ] {
        let mut story = Story::tell(ORIGIN);
        let public = key(7).public();
        let granted = Predicate::Authority(Authority::Grant(grant(&public, "late", &["reviewer"])));
        let binding = binding(21, None, false);
        let granted = Statement { subjects: about_key(&public), binding, predicate: granted };
        let review = story.review();
        if is_late {
            story.keeper.append(&review, &[&key(7)]);
        }
        story.keeper.append(&granted, &[&story.keys[ROOT]]);
        if !is_late {
            story.keeper.append(&review, &[&key(7)]);
        }
        add(name, expect, about, &story.answers(), &story.trust());
    }

    let mut liar = Story::tell(ORIGIN);
    let draft = liar.review_draft();
    let twice = draft.entry.print().lines().fold(String::new(), |text, line| {
        let again = if line.starts_with("signed ") { format!("{line}\n") } else { String::new() };
        format!("{text}{line}\n{again}")
    });
    liar.keeper.write_bytes(&draft.entry, twice.into_bytes(), draft.envelope);
    add("signed-line-twice", "unreadable", "an entry with two signed lines of one key", &liar.answers(), &liar.trust());
    let mut liar = Story::tell(ORIGIN);
    let draft = liar.review_draft();
    let unlisted = evidence_ledger::model::Entry { labels: Vec::new(), ..draft.entry.clone() };
    liar.keeper.write_bytes(&unlisted, draft.entry.print().into_bytes(), draft.envelope);
    let about = "a signed map that leaves a record out of its label's list";
    add("map-leaves-out", "contradiction", about, &liar.answers(), &liar.trust());
    let mut liar = Story::tell(ORIGIN);
    let draft = liar.review_draft();
    let listed = evidence_ledger::model::Entry { labels: vec!["change:shop/abc-123".into()], ..draft.entry.clone() };
    liar.keeper.write_bytes(&listed, draft.entry.print().into_bytes(), draft.envelope);
    let about = "a signed map that lists a record under a label that it does not have";
    add("map-puts-in", "contradiction", about, &liar.answers(), &liar.trust());
    let mut liar = Story::tell(ORIGIN);
    let first = story.answers().records[&story.serials[3]].clone();
    let entry = evidence_ledger::model::Entry::parse(&first.entry).unwrap();
    let again = evidence_ledger::model::Entry {
        time: Time(liar.keeper.time),
        previous: liar.keeper.draft(&liar.review(), &[&liar.keys[ANA]]).entry.previous,
        ..entry
    };
    liar.keeper.write(&Draft { entry: again, envelope: first.envelope });
    add("replayed-envelope", "contradiction", "an envelope that is in the log already", &liar.answers(), &liar.trust());
    list
}

type Withheld = (&'static str, &'static str, &'static str, fn(&Story, &mut Answers));

/// A truthful ledger, and somebody between it and the verifier.
fn withheld() -> Vec<Withheld> {
    vec![
        ("record-missing", "missing", "a listed record is not there", |story, answers| {
            answers.records.remove(&story.serials[2]);
        }),
        ("list-missing", "missing", "a list is not there", |_, answers| {
            answers.lists.remove(&MapText::chain("halt"));
        }),
        ("key-chain-missing", "missing", "the chain of a signer's key is not there", |story, answers| {
            answers.lists.remove(&story.chain_of(CI));
        }),
        ("cut-tail", "contradiction", "the newest record of the change is left out of its lists", |story, answers| {
            answers.lists.values_mut().for_each(|list| list.serials.retain(|serial| *serial != story.serials[3]));
        }),
        ("hole", "contradiction", "a start is left out of its lists", |story, answers| {
            answers.lists.values_mut().for_each(|list| list.serials.retain(|serial| *serial != story.serials[1]));
        }),
        ("dropped-revocation", "contradiction", "a revocation is left out of its key's chain", |story, answers| {
            answers.lists.get_mut(&story.chain_of(BOB)).unwrap().serials.pop();
        }),
        ("reordered-serials", "contradiction", "serials that do not ascend", |_, answers| {
            answers.lists.get_mut(&MapText::chain("change:shop/abc-123")).unwrap().serials.swap(1, 2);
        }),
        ("reordered-records", "contradiction", "two records in each other's place", |story, answers| {
            let [_, start, result, ..] = story.serials;
            let (one, two) = (answers.records[&start].clone(), answers.records[&result].clone());
            answers.records.insert(start, two);
            answers.records.insert(result, one);
        }),
        ("another-record", "contradiction", "another record of the log in the place of one", |story, answers| {
            let other = answers.records[&story.serials[3]].clone();
            answers.records.insert(story.serials[2], other);
        }),
        ("envelope-of-another", "contradiction", "the envelope of another record", |story, answers| {
            let other = answers.records[&story.serials[3]].envelope.clone();
            answers.records.get_mut(&story.serials[2]).unwrap().envelope = other;
        }),
        ("false-absence", "contradiction", "a halt said to be absent by a neighbour", |story, answers| {
            let neighbour = answers.lists[&MapText::chain("policy")].clone();
            let halt = answers.lists.get_mut(&MapText::chain("halt")).unwrap();
            let key = MapText::chain("policy").key();
            halt.serials.clear();
            halt.proof = MapProof { kind: MapProofKind::Absent { key, value: story.plan }, path: neighbour.proof.path };
        }),
        (
            "absence-of-another",
            "contradiction",
            "a halt said to be absent by the true absence of another",
            |_, answers| {
                let absent = answers.lists[&MapText::chain("exception")].clone();
                assert!(absent.serials.is_empty());
                answers.lists.insert(MapText::chain("halt"), absent);
            },
        ),
        ("list-proof-of-another", "contradiction", "the proof of another list", |_, answers| {
            let other = answers.lists[&MapText::chain("halt")].proof.clone();
            answers.lists.get_mut(&MapText::chain("policy")).unwrap().proof = other;
        }),
        ("multiproof-of-others", "contradiction", "the multiproof of other records", |story, answers| {
            answers.multiproof = story.keeper.multiproof([0, 2]);
        }),
        ("old-map", "contradiction", "a map entry that is not the log's last", |_, answers| {
            let covers = String::from_utf8(answers.last_entry.clone()).unwrap();
            answers.last_entry = covers.replace("covers 19", "covers 17").into_bytes();
        }),
        ("forged-map", "contradiction", "a map entry with another time", |_, answers| {
            let text = String::from_utf8(answers.last_entry.clone()).unwrap();
            answers.last_entry = text.replace("time 176369", "time 176370").into_bytes();
        }),
        ("forged-checkpoint", "contradiction", "a checkpoint whose size was changed", |_, answers| {
            let text = String::from_utf8(answers.note.clone()).unwrap();
            answers.note = text.replace("\n20\n", "\n22\n").into_bytes();
        }),
        ("spaced-envelope", "contradiction", "an envelope not in its one spelling", |story, answers| {
            answers.records.get_mut(&story.serials[2]).unwrap().envelope.push(b'\n');
        }),
        ("crlf-entry", "unreadable", "an entry with CR before LF", |story, answers| {
            let record = answers.records.get_mut(&story.serials[2]).unwrap();
            record.entry = String::from_utf8(record.entry.clone()).unwrap().replace('\n', "\r\n").into_bytes();
        }),
    ]
}

type Lie = (&'static str, &'static str, &'static str, fn(&Story) -> Draft);

/// A ledger that signs a record which it should not have taken: every proof about it holds.
fn lies() -> Vec<Lie> {
    vec![
        ("one-more", "ok", "a further record, honest", Story::review_draft),
        ("inner-duplicate-key", "unreadable", "a valid signature over a key twice", |story| {
            story.payload_draft(|text| text.replace("\"phase\":", "\"phase\":\"plain\",\"phase\":"))
        }),
        ("inner-type", "unreadable", "a valid signature over `type` for `_type`", |story| {
            story.payload_draft(|text| text.replace("\"_type\"", "\"type\""))
        }),
        ("inner-unknown-field", "unreadable", "a valid signature over a member more", |story| {
            story.payload_draft(|text| text.replace("\"phase\":", "\"extra\":1,\"phase\":"))
        }),
        ("inner-float", "unreadable", "a valid signature over a number that is no integer", |story| {
            story.payload_draft(|text| text.replace("\"plain\"", "1.0"))
        }),
        ("inner-version", "unreadable", "a valid signature over a version that does not exist", |story| {
            story.payload_draft(|text| text.replace("review/v1", "review/v2"))
        }),
        ("wrong-ledger", "contradiction", "a statement made for another ledger", |story| {
            story.payload_draft(|text| text.replace(ORIGIN, "evidence.local/ffffffffffffffffffffffffffffffff"))
        }),
        ("wrong-kind", "contradiction", "a kind that is not the statement's", |story| {
            let mut draft = story.review_draft();
            draft.entry.kind = "review-approve".into();
            draft
        }),
        ("wrong-label", "contradiction", "a label that is not the statement's", |story| {
            let mut draft = story.review_draft();
            draft.entry.labels[0] = format!("commit:{}", "7".repeat(40));
            draft
        }),
        ("missing-label", "contradiction", "a label left out", |story| {
            let mut draft = story.review_draft();
            draft.entry.labels.remove(0);
            draft
        }),
        ("wrong-chain", "contradiction", "a statement about another change in this chain", |story| {
            story.payload_draft(|text| text.replace("shop/abc-123", "shop/other"))
        }),
        ("wrong-previous", "contradiction", "a record that follows another one than the last", |story| {
            let mut draft = story.review_draft();
            draft.entry.previous = Some(story.start);
            draft
        }),
        ("no-previous", "contradiction", "a record that begins the chain anew", |story| {
            let mut draft = story.review_draft();
            draft.entry.previous = None;
            draft
        }),
        ("back-in-time", "contradiction", "a time before that of the last entry", |story| {
            let mut draft = story.review_draft();
            draft.entry.time = Time(1_763_690_000);
            draft
        }),
        ("forged-signature", "contradiction", "a signature that does not hold, and its hash", |story| {
            let mut draft = story.review_draft();
            let mut envelope = evidence_ledger::crypto::Envelope::parse(&draft.envelope).unwrap();
            envelope.signatures[0].sig[0] ^= 1;
            draft.entry.signed[0].signature = evidence_ledger::crypto::sha256(&envelope.signatures[0].sig);
            draft.envelope = envelope.print();
            draft
        }),
        ("other-signature-hash", "contradiction", "the hash of a signature that is not the envelope's", |story| {
            let mut draft = story.review_draft();
            draft.entry.signed[0].signature = digest("x");
            draft
        }),
        ("other-algorithm", "contradiction", "an algorithm that is not the key's", |story| {
            let mut draft = story.review_draft();
            draft.entry.signed[0].algorithm = "none".into();
            draft
        }),
        ("second-signature", "unreadable", "a second signature by one key in the envelope", |story| {
            let mut draft = story.review_draft();
            let mut envelope = evidence_ledger::crypto::Envelope::parse(&draft.envelope).unwrap();
            envelope.signatures.push(envelope.signatures[0].clone());
            draft.envelope = envelope.print();
            draft
        }),
        ("unknown-signer", "unknown-signer", "a key that nobody granted", |story| {
            story.keeper.draft(&story.review(), &[&key(7)])
        }),
        ("weak-key", "unreadable", "a grant of a key of small order", |story| {
            let ana = story.keys[ANA].public();
            let granted = Authority::Grant(grant(&ana, "eve", &["reviewer"]));
            let binding = binding(21, None, false);
            let statement = Statement { subjects: about_key(&ana), binding, predicate: Predicate::Authority(granted) };
            let text = String::from_utf8(statement.print().unwrap()).unwrap();
            let weak = text.replace(&ana.to_string(), &weak_line());
            assert_ne!(weak, text);
            let chain = story.chain_of(ANA).to_string();
            let chain = chain.trim_start_matches("chain ").to_owned();
            let root = [&story.keys[ROOT]];
            story.keeper.draft_payload(weak.into_bytes(), "authority-grant", &chain, Vec::new(), &root)
        }),
        ("new-roots", "ok", "a change of the roots, which verifiers follow", |story| {
            of_log(story, new_roots(story), ANA)
        }),
        ("new-roots-of-other-keys", "contradiction", "a change of the roots whose subject is another key", |story| {
            let statement = said_of_log(new_roots(story), about_key(&story.keys[ROOT].public()));
            let payload = statement.print().unwrap();
            let root = [&story.keys[ROOT]];
            story.keeper.draft_payload(payload, "authority-root", "policy", Vec::new(), &root)
        }),
        ("new-format", "unsupported", "a format that version 1 cannot follow", |story| {
            of_log(story, Authority::Format { version: 2 }, ROOT)
        }),
    ]
}

fn new_roots(story: &Story) -> Authority {
    Authority::Root { keys: vec![story.keys[ANA].public().to_string()], threshold: 1 }
}

/// Drafts what the root says of the log itself; it is about somebody's key.
fn of_log(story: &Story, authority: Authority, about: usize) -> Draft {
    let statement = said_of_log(authority, about_key(&story.keys[about].public()));
    story.keeper.draft(&statement, &[&story.keys[ROOT]])
}

fn said_of_log(authority: Authority, subjects: Vec<Subject>) -> Statement {
    Statement { subjects, binding: binding(22, None, false), predicate: Predicate::Authority(authority) }
}
