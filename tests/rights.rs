//! Who may what at which place of the log, asked of the history of keys and policies itself: each bound from both sides.

#[path = "common/memory.rs"]
#[expect(dead_code, reason = "a part of what a keeper can do is enough here")]
mod memory;
#[path = "common/samples.rs"]
#[expect(dead_code, reason = "statements about keys are enough here")]
mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use evidence_ledger::crypto::{NoteKey, PublicKey, SecretKey};
use evidence_ledger::merkle::MapText;
use evidence_ledger::model::{
    Authority as AuthorityRecord, Digest, Event, Fingerprint, Grant, Name, PolicyRecord, Predicate, Revoke, Statement,
    Subject, Time,
};
use evidence_ledger::policy::{Act, BYTES_MAX};
use evidence_ledger::prove::{Complete, Materials, SourceError, Trust, placement};
use evidence_ledger::verify::{Authority, Policies, PolicyReadError, Who};
use memory::Keeper;
use samples::{ORIGIN, about_key, binding, digest, grant, id, key};

const POLICY: &str = r#"version = 1
tiers = ["low"]

[claim.build]
family = "functionality"
by = "ci"

[tier.low]
require = ["build"]

[may]
plan = ["planner"]
grant = ["admin"]
policy = ["admin"]
allow = ["admin"]
resume = ["admin"]
merge = ["ci"]
"#;

struct Texts(BTreeMap<Digest, String>);

impl Materials for Texts {
    fn material(&self, digest: &Digest) -> Result<Option<Box<dyn BufRead + '_>>, SourceError> {
        Ok(self.0.get(digest).map(|text| Box::new(text.as_bytes()) as Box<dyn BufRead>))
    }
}

/// A ledger, what was written to it, and what is believed of it.
struct Log {
    keeper: Keeper,
    roots: Vec<SecretKey>,
    threshold: usize,
    number: u8,
    /// Every chain that was written to.
    chains: BTreeSet<MapText>,
}

impl Log {
    /// A ledger of the root 1.
    fn new() -> Self {
        Self {
            keeper: Keeper::new(ORIGIN, key(9)),
            roots: vec![key(1)],
            threshold: 1,
            number: 0,
            chains: BTreeSet::new(),
        }
    }

    /// One that has a policy in force, and ana with the key 2 as its admin.
    fn with_admin() -> Self {
        let mut log = Self::new();
        log.policy(POLICY);
        log.grant(grant(&key(2).public(), "ana", &["admin"]), &[1]);
        log
    }

    fn write(&mut self, subjects: Vec<Subject>, predicate: Predicate, by: &[u8]) -> u64 {
        self.number += 1;
        let keys: Vec<SecretKey> = by.iter().map(|number| key(*number)).collect();
        let keys: Vec<&SecretKey> = keys.iter().collect();
        let statement = Statement { subjects, binding: binding(self.number, None, false), predicate };
        self.chains.insert(MapText::chain(&placement(&statement).unwrap().chain));
        self.keeper.append(&statement, &keys).0
    }

    /// Puts a policy into force.
    fn policy(&mut self, text: &str) -> u64 {
        let bytes = u64::try_from(text.len()).unwrap();
        let subjects = vec![Subject::sha256("policy", digest(text))];
        self.write(subjects, Predicate::Policy(PolicyRecord { bytes, reason: None }), &[1])
    }

    fn record(&mut self, subjects: Vec<Subject>, record: AuthorityRecord, by: &[u8]) -> u64 {
        self.write(subjects, Predicate::Authority(record), by)
    }

    fn grant(&mut self, grant: Grant, by: &[u8]) -> u64 {
        let subjects = about_key(&grant.key.parse::<PublicKey>().unwrap());
        self.record(subjects, AuthorityRecord::Grant(grant), by)
    }

    fn revoke(&mut self, number: u8, by: &[u8]) -> u64 {
        let public = key(number).public();
        let revoke = Revoke { key: public.to_string(), reason: "lost".to_owned() };
        self.record(about_key(&public), AuthorityRecord::Revoke(revoke), by)
    }

    /// The time of the next record.
    fn next(&self) -> Time {
        Time(self.keeper.time)
    }

    fn read(&self) -> (Complete<()>, Trust) {
        let believed = self.keeper.trusted_by(&self.roots.iter().collect::<Vec<_>>());
        let trust = Trust { threshold: self.threshold, ..believed };
        let chains: Vec<MapText> = self.chains.iter().cloned().collect();
        (Complete::check_chains(&self.keeper.answer_lists(&chains), &trust, &chains).unwrap(), trust)
    }

    /// Replays the log at a time and asks.
    fn ask<T>(&self, now: Time, asked: impl FnOnce(&Authority<'_>, &Complete<()>) -> T) -> T {
        let (complete, trust) = self.read();
        let policies =
            Policies::read(&complete, &Texts([POLICY, &open()].map(|text| (digest(text), text.to_owned())).into()))
                .unwrap();
        asked(&Authority::replay(&complete, &policies, &trust, now), &complete)
    }
}

/// The policy with the newest one beside it.
fn open() -> String {
    POLICY.replace("version = 1\n", "version = 1\napplies = \"open\"\n")
}

fn print(number: u8) -> Fingerprint {
    key(number).public().fingerprint()
}

#[test]
fn a_role_is_held_from_the_place_after_its_grant_to_the_second_before_its_end() {
    let mut log = Log::with_admin();
    let end = log.next().after(evidence_ledger::model::Span(100));
    let given = log.grant(Grant { until: Some(end), ..grant(&key(3).public(), "bob", &["ci"]) }, &[2]);
    let before = Time(end.0 - 1);
    log.ask(before, |authority, _| {
        let holds = |place: u64, time: Time| authority.holds_role(&print(3), &id("ci"), place, time);
        assert!(holds(given + 1, before) && !holds(given, before) && !holds(given + 1, end));
        let known = |place: u64, time: Time| authority.is_known(&print(3), place, time, None);
        assert!(known(given + 1, before) && !known(given, before) && !known(given + 1, end));
        assert!(authority.grants().iter().all(|known| authority.holds_now(known)));
    });
    log.ask(end, |authority, _| {
        assert!(!authority.holds_role(&print(3), &id("ci"), given + 1, before));
        let bob = authority.grants().iter().find(|known| known.serial == given).unwrap();
        assert!(!authority.holds_now(bob));
    });
}

#[test]
fn roots_are_others_from_the_place_after_their_record() {
    let mut log = Log::with_admin();
    let public = key(4).public();
    let root = |threshold| AuthorityRecord::Root { keys: vec![public.to_string()], threshold };
    let by_admin = log.record(about_key(&public), root(1), &[2]);
    let by_root = log.record(about_key(&public), root(1), &[1]);
    log.ask(log.next(), |authority, _| {
        let is_root = |number: u8, place: u64| authority.roots_at(place).keys.contains_key(&print(number));
        assert!(is_root(1, by_admin + 1) && !is_root(4, by_admin + 1));
        assert!(is_root(1, by_root) && !is_root(4, by_root));
        assert!(!is_root(1, by_root + 1) && is_root(4, by_root + 1));
        assert_eq!(authority.roots().len(), 2);
    });
}

#[test]
fn a_revoked_root_counts_up_to_its_revocation_and_not_at_it() {
    let mut log = Log::with_admin();
    log.roots.push(key(4));
    let revoked = log.revoke(4, &[1]);
    log.ask(log.next(), |authority, _| {
        let known = |place: u64| authority.is_known(&print(4), place, log.next(), None);
        assert_eq!([revoked - 1, revoked, revoked + 1].map(known), [true, false, false]);
        assert!(authority.is_known(&print(1), revoked + 1, log.next(), None));
        assert!(!authority.are_roots(&[print(4)], revoked - 1) && authority.are_roots(&[print(1)], revoked - 1));
    });
}

#[test]
fn a_key_revokes_itself_and_no_other() {
    let mut log = Log::with_admin();
    for (number, name) in [(3, "bob"), (4, "cem")] {
        log.grant(grant(&key(number).public(), name, &["ci"]), &[2]);
    }
    log.revoke(4, &[3]);
    log.ask(log.next(), |authority, _| assert_eq!(authority.revoked(&print(4)), None));
    let itself = log.revoke(3, &[3]);
    let by_admin = log.revoke(4, &[2]);
    log.revoke(4, &[1]);
    log.ask(log.next(), |authority, _| {
        assert_eq!((authority.revoked(&print(3)), authority.revoked(&print(4))), (Some(itself), Some(by_admin)));
        let known = |place: u64| authority.is_known(&print(3), place, log.next(), None);
        assert!(known(itself) && !known(itself + 1));
    });
}

#[test]
fn a_log_begins_at_its_first_record_and_ends_by_its_roots() {
    let origin = "evidence.local/ffffffffffffffffffffffffffffffff".to_owned();
    let genesis = || AuthorityRecord::Genesis { origin: origin.clone(), size: 7, root: digest("head") };
    let subjects = || vec![Subject::sha256("origin", digest(ORIGIN))];
    let of_old = || vec![Subject::sha256("origin", digest(&origin))];
    let close = || AuthorityRecord::Close { reason: "it is full".to_owned() };
    let mut log = Log::new();
    assert_eq!(log.record(of_old(), genesis(), &[1]), 0);
    let closed = log.record(subjects(), close(), &[1]);
    log.ask(log.next(), |authority, _| {
        assert_eq!(authority.begins().map(|head| (head.origin.clone(), head.size)), Some((origin.clone(), 7)));
        assert_eq!(authority.closed(), Some(closed));
    });
    let mut later = Log::with_admin();
    later.record(of_old(), genesis(), &[1]);
    later.record(subjects(), close(), &[2]);
    later.ask(later.next(), |authority, _| assert!(authority.begins().is_none() && authority.closed().is_none()));
    let mut alone = Log { roots: vec![key(1), key(4)], threshold: 2, ..Log::new() };
    alone.record(of_old(), genesis(), &[1]);
    alone.record(subjects(), close(), &[4]);
    alone.ask(alone.next(), |authority, _| assert!(authority.begins().is_none() && authority.closed().is_none()));
    let mut together = Log { roots: vec![key(1), key(4)], threshold: 2, ..Log::new() };
    together.record(of_old(), genesis(), &[1, 4]);
    together.ask(together.next(), |authority, _| assert!(authority.begins().is_some()));
}

#[test]
fn a_log_key_signs_after_its_record_and_from_its_size() {
    let mut log = Log::with_admin();
    let vkey = NoteKey::new(ORIGIN, key(5).public()).unwrap();
    let size = log.keeper.checkpoint().size;
    let subjects = || about_key(&key(5).public());
    let record = |from_size: u64| AuthorityRecord::LedgerKey { vkey: vkey.to_string(), from_size };
    let soon = log.record(subjects(), record(size), &[1]);
    log.record(subjects(), record(0), &[2]);
    let late = log.record(subjects(), record(size + 100), &[1]);
    log.ask(log.next(), |authority, _| {
        let at = |size: u64| authority.log_key_at(size).map(|key| key.serial);
        assert_eq!([soon, soon + 1, late + 1].map(at), [None, Some(soon), Some(soon)]);
        assert_eq!([size + 99, size + 100].map(at), [Some(soon), Some(late)]);
        assert_eq!(authority.log_keys().len(), 2);
    });
}

#[test]
fn two_keys_of_one_person_are_one_supporter() {
    let mut log = Log::with_admin();
    for (number, name) in [(3, "bob"), (4, "bob"), (5, "cem")] {
        log.grant(grant(&key(number).public(), name, &["ci"]), &[2]);
    }
    let halt = || Predicate::Event(Event::Halt { reason: "incident".to_owned() });
    let subjects = || vec![Subject::sha256("origin", digest(ORIGIN))];
    let alone = log.write(subjects(), halt(), &[3, 4]);
    let both = log.write(subjects(), halt(), &[3, 5]);
    log.ask(log.next(), |authority, complete| {
        let count = |serial: u64, role: &str| {
            let record = complete.records().find(|record| record.serial() == serial).unwrap();
            authority.supporters(record, &id(role)).len()
        };
        assert_eq!((count(alone, "ci"), count(both, "ci"), count(both, "admin")), (1, 2, 0));
    });
}

#[test]
fn holders_hold_now_and_are_not_only_filed() {
    let mut log = Log::with_admin();
    for (number, name) in [(3, "bob"), (4, "cem")] {
        log.grant(grant(&key(number).public(), name, &["ci"]), &[2]);
    }
    let filing = grant(&PublicKey::of_name(&Name::Principal(id("dan"))), "dan", &["ci"]);
    let filed = log.grant(filing, &[2]);
    log.revoke(4, &[2]);
    log.ask(log.next(), |authority, _| {
        let filings: Vec<u64> =
            authority.grants().iter().filter(|known| known.is_filing()).map(|known| known.serial).collect();
        assert_eq!(filings, [filed]);
        let holders = authority.holders(None);
        assert_eq!(holders[&id("ci")].iter().map(ToString::to_string).collect::<Vec<_>>(), ["bob"]);
        assert_eq!(holders[&id("admin")].iter().map(ToString::to_string).collect::<Vec<_>>(), ["ana"]);
        assert_eq!(holders.len(), 2);
    });
}

#[test]
fn a_lease_ends_no_later_than_what_is_leased() {
    let mut log = Log::with_admin();
    let end = log.next().after(evidence_ledger::model::Span(1000));
    log.grant(Grant { until: Some(end), ..grant(&key(3).public(), "bob", &["ci"]) }, &[2]);
    log.ask(log.next(), |authority, _| {
        let lease = |until: u64| {
            let lease = Grant {
                owner: Some(id("bob")),
                changes: vec![id("shop/abc-123")],
                until: Some(Time(until)),
                leased_by: Some(print(3)),
                ..grant(&key(4).public(), "bot", &["ci"])
            };
            authority.would_lease(&lease, &[print(3)], 1000, log.next())
        };
        assert!(lease(end.0 - 1) && lease(end.0) && !lease(end.0 + 1));
    });
}

#[test]
fn leases_of_leases_are_followed_to_a_depth() {
    let mut log = Log::with_admin();
    let end = log.next().after(evidence_ledger::model::Span(100_000));
    log.grant(grant(&key(30).public(), "p30", &["ci"]), &[2]);
    let mut serials = Vec::new();
    for number in 31..51_u8 {
        let lease = Grant {
            owner: Some(id(&format!("p{}", number - 1))),
            changes: vec![id("shop/abc-123")],
            until: Some(end),
            leased_by: Some(print(number - 1)),
            ..grant(&key(number).public(), &format!("p{number}"), &["ci"])
        };
        serials.push(log.grant(lease, &[number - 1]));
    }
    log.ask(log.next(), |authority, _| {
        let held: Vec<bool> = serials
            .iter()
            .map(|serial| {
                let known = authority.grants().iter().find(|known| known.serial == *serial);
                known.is_some_and(|known| authority.holds_now(known))
            })
            .collect();
        let depth = held.iter().take_while(|held| **held).count();
        assert_eq!((depth, held.iter().filter(|held| **held).count()), (14, 14));
    });
    assert!(log.ask(log.next(), |authority, _| authority.would_allow(Act::Grant, &[print(2)], 1000, log.next(), None)));
}

#[test]
fn leases_side_by_side_are_each_judged_once() {
    let mut log = Log::with_admin();
    let end = log.next().after(evidence_ledger::model::Span(100_000));
    log.grant(grant(&key(30).public(), "p30", &["ci"]), &[2]);
    for number in 31..43_u8 {
        for _ in 0..8 {
            let lease = Grant {
                owner: Some(id(&format!("p{}", number - 1))),
                changes: vec![id("shop/abc-123")],
                until: Some(end),
                leased_by: Some(print(number - 1)),
                ..grant(&key(number).public(), &format!("p{number}"), &["ci"])
            };
            log.grant(lease, &[number - 1]);
        }
    }
    let known = |log: &Log| {
        let change = id("shop/abc-123");
        log.ask(log.next(), |authority, _| authority.is_known(&print(42), 1000, log.next(), Some(&change)))
    };
    assert!(known(&log));
    log.revoke(30, &[2]);
    assert!(!known(&log));
    log.ask(log.next(), |authority, _| {
        let ended = authority.ended(&print(42), u64::MAX, log.next());
        assert!(ended.to_string().contains("by which p30 was revoked"), "{ended}");
    });
}

#[test]
fn a_policy_judges_from_the_place_after_it_and_an_open_one_beside_it() {
    let mut log = Log::new();
    let first = log.policy(POLICY);
    let again = log.policy(POLICY);
    let judging = |log: &Log, place: u64| {
        log.ask(log.next(), |authority, _| {
            let found = authority.judging(place).into_iter().map(|(digest, _)| *digest).collect::<Vec<_>>();
            assert_eq!(authority.policy_at(place).map(|(digest, _)| *digest), found.first().copied());
            found
        })
    };
    let (plain, opened) = (digest(POLICY), digest(&open()));
    assert_eq!([first, first + 1, again + 1].map(|place| judging(&log, place)), [vec![], vec![plain], vec![plain]]);
    let second = log.policy(&open());
    assert_eq!([first + 1, second].map(|place| judging(&log, place)), [vec![plain, opened], vec![plain, opened]]);
    assert_eq!(judging(&log, second + 1), [opened]);
    let third = log.policy(POLICY);
    assert_eq!(judging(&log, second + 1), [opened, plain]);
    assert_eq!([first + 1, third + 1].map(|place| judging(&log, place)), [vec![plain], vec![plain]]);
}

#[test]
fn a_grant_counts_by_whom_may_grant_and_to_a_key_that_is_not_out() {
    let mut log = Log::with_admin();
    let known = |log: &Log, serial: u64| {
        log.ask(log.next(), |authority, _| authority.grants().iter().any(|known| known.serial == serial))
    };
    let by_admin = log.grant(grant(&key(3).public(), "bob", &["ci"]), &[2]);
    let by_bob = log.grant(grant(&key(4).public(), "cem", &["ci"]), &[3]);
    log.revoke(5, &[2]);
    let to_revoked = log.grant(grant(&key(5).public(), "dan", &["ci"]), &[2]);
    assert!(known(&log, by_admin) && !known(&log, by_bob) && !known(&log, to_revoked));
    log.ask(log.next(), |authority, _| {
        let may = |number: u8| authority.would_allow(Act::Grant, &[print(number)], 1000, log.next(), None);
        assert!(may(1) && may(2) && !may(3) && !may(4));
    });
}

#[test]
fn behind_a_record_are_people_and_roots_without_a_grant() {
    let halt = || Predicate::Event(Event::Halt { reason: "incident".to_owned() });
    let subjects = || vec![Subject::sha256("origin", digest(ORIGIN))];
    let mut log = Log::with_admin();
    log.roots.push(key(4));
    log.grant(grant(&key(4).public(), "cem", &["ci"]), &[1]);
    let by = [&[1][..], &[2], &[4], &[1, 2]].map(|keys| log.write(subjects(), halt(), keys));
    log.ask(log.next(), |authority, complete| {
        let behind = by.map(|serial| {
            let record = complete.records().find(|record| record.serial() == serial).unwrap();
            authority.behind(record).into_iter().collect::<Vec<_>>()
        });
        let (root, ana, cem) = (Who::Root(print(1)), Who::Principal(id("ana")), Who::Principal(id("cem")));
        assert_eq!(behind, [vec![root.clone()], vec![ana.clone()], vec![cem], vec![ana, root]]);
    });
}

#[test]
fn owners_and_lessors_are_followed_to_the_first() {
    let mut log = Log::with_admin();
    let end = Some(log.next().after(evidence_ledger::model::Span(1000)));
    log.grant(Grant { owner: Some(id("eve")), ..grant(&key(3).public(), "bob", &["ci"]) }, &[2]);
    let changes = vec![id("shop/abc-123")];
    for (number, name, owner) in [(4, "bot", "bob"), (5, "tool", "bot")] {
        let (owner, leased_by) = (Some(id(owner)), Some(print(number - 1)));
        let lease = grant(&key(number).public(), name, &["ci"]);
        log.grant(Grant { owner, leased_by, until: end, changes: changes.clone(), ..lease }, &[number - 1]);
    }
    log.ask(log.next(), |authority, _| {
        let behind =
            |name: &str| authority.behind_principal(&id(name)).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(behind("tool"), ["bob", "bot", "eve", "tool"]);
        assert_eq!((behind("bob"), behind("ana")), (vec!["bob".to_owned(), "eve".to_owned()], vec!["ana".to_owned()]));
        assert_eq!(authority.lineage(&print(5)), [print(3), print(4), print(5)].into());
        assert_eq!(authority.lineage(&print(2)), [print(2)].into());
    });
}

#[test]
fn a_policy_is_read_whole_up_to_its_longest() {
    let read = |length: usize| {
        let text = format!("{POLICY}#{}", "x".repeat(length - POLICY.len() - 1));
        let mut log = Log::new();
        log.policy(&text);
        Policies::read(&log.read().0, &Texts([(digest(&text), text)].into()))
    };
    assert!(read(BYTES_MAX).is_ok());
    assert!(matches!(read(BYTES_MAX + 1), Err(PolicyReadError::Policy { .. })));
}
