//! What the roots recorded of the log itself: the key that signs it, and that it is closed (format, section 11).

use super::authority::Authority;
use super::code::Code;
use super::judge::Clock;
use super::verdict::Finding;
use crate::crypto::open_note;
use crate::merkle::SignedCheckpoint;
use crate::prove::{Trust, TrustedLedger};

/// Holds a head against what the roots recorded of its log.
///
/// The head is one that a key of the trust file signed. Where the roots gave the log another key, that one must have signed
/// it too; where they closed the log, nothing may stand behind the record that does; and where the log goes on from another,
/// that one ended there.
pub(super) fn check(
    checkpoint: &SignedCheckpoint,
    trust: &Trust,
    authority: &Authority<'_>,
    clock: Clock,
    findings: &mut Vec<Finding>,
) {
    let size = checkpoint.checkpoint().size;
    if let Some(key) = authority.log_key_at(size)
        && open_note(checkpoint.note(), std::slice::from_ref(&key.vkey)).is_err()
    {
        let found = format!("its head of size {size} is not signed by the key that record {} gave the log", key.serial);
        findings.push(Finding::new(Code::RETIRED_LOG_KEY, "the ledger", found, "a signature of that key"));
    }
    if let Some(last) = authority.closed().filter(|last| size != last + 2) {
        let found = format!("it has {size} entries, and record {last} closes it");
        findings.push(Finding::new(Code::CLOSED_LEDGER, "the ledger", found, format!("{} entries", last + 2)));
    }
    if let (Clock::Live(_), Some(last)) = (clock, authority.closed()) {
        // Who merges now is to look at what the next log says; what was merged before is audited as of then.
        let found = format!("record {last} closes it: evidence goes into the one that goes on from it");
        findings.push(
            Finding::new(Code::CLOSED_LEDGER, "the ledger", found, "a ledger that is open")
                .mended_by(&["evidence", "ledger", "trust"], None),
        );
    }
    let Some(genesis) = authority.begins() else { return };
    for ledger in trust.ledgers.iter().filter(|ledger| ledger.origin == genesis.origin) {
        if let Some(to) = ledger.to_size.filter(|to| *to > genesis.size) {
            let found = format!("it goes on from {} at {} entries", genesis.origin, genesis.size);
            let wanted = format!("the {to} entries that the trust file says it has");
            findings.push(Finding::new(Code::CLOSED_LEDGER, "the ledger", found, wanted));
        }
    }
}

/// Returns a trust file followed forward: with the keys that the roots gave the log since, and its last size if it is closed.
///
/// The roots stay those of the log's beginning: who follows them is in the log.
#[must_use]
pub fn follow(trust: &Trust, origin: &str, authority: &Authority<'_>) -> Trust {
    let mut trust = trust.clone();
    for key in authority.log_keys() {
        if trust.ledgers.iter().any(|ledger| ledger.vkey == key.vkey) {
            continue;
        }
        if let Some(before) = trust.ledgers.iter_mut().rfind(|ledger| ledger.origin == origin) {
            before.to_size.get_or_insert(key.from_size.saturating_sub(1));
        }
        trust.ledgers.push(TrustedLedger {
            origin: origin.to_owned(),
            vkey: key.vkey.clone(),
            from_size: key.from_size,
            to_size: None,
        });
    }
    if let Some(last) = authority.closed()
        && let Some(ledger) = trust.ledgers.iter_mut().rfind(|ledger| ledger.origin == origin)
    {
        ledger.to_size = Some(last + 2);
    }
    trust
}
