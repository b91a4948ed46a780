//! Names of a bundle's members, and their order.

use crate::model::{ChangeId, Digest, Oid};

pub(super) const README: &str = "README.txt";
pub(super) const MANIFEST: &str = "bundle.json";
pub(super) const CHECKPOINT: &str = "checkpoint";
pub(super) const MAP_ENTRY: &str = "map.entry";
pub(super) const MULTIPROOF: &str = "multiproof";
pub(super) const CONSISTENCY: &str = "consistency";
pub(super) const ATTESTATIONS: &str = "attestations.intoto.jsonl";
pub(super) const LISTS: &str = "lists/";
pub(super) const ENTRIES: &str = "entries/";
pub(super) const ENVELOPES: &str = "envelopes/";
pub(super) const GIT: &str = "git/";
pub(super) const MATERIALS: &str = "materials/";
/// Members that no check reads.
pub(super) const UNREAD: [&str; 3] = [README, "report.html", "verify-bundle.mjs"];

/// Where a member stands: its group, its number where it is an entry, its name.
pub(super) type Rank<'a> = (usize, u64, &'a str);

/// Returns where a member stands; `None` for a name that no bundle has.
pub(super) fn rank(name: &str) -> Option<Rank<'_>> {
    let group =
        GROUPS.iter().position(|group| if group.ends_with('/') { name.starts_with(group) } else { name == *group })?;
    let rest = &name[if GROUPS[group].ends_with('/') { GROUPS[group].len() } else { name.len() }..];
    let hex = |text: &str, digits: &[usize]| {
        digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let fits = match GROUPS[group] {
        LISTS => rest
            .split_once('.')
            .is_some_and(|(key, kind)| hex(key, &[64]) && ["serials", "proof", "item"].contains(&kind)),
        ENTRIES => rest.parse::<u64>().is_ok_and(|number| number.to_string() == rest),
        ENVELOPES => rest.strip_suffix(".json").is_some_and(|hash| hex(hash, &[64])),
        GIT => hex(rest, &[40, 64]),
        MATERIALS => hex(rest, &[64]),
        _ => true,
    };
    let number = if GROUPS[group] == ENTRIES { rest.parse().ok()? } else { 0 };
    fits.then_some((group, number, name))
}

/// Returns the exact text of `bundle.json`.
pub(super) fn manifest(origin: &str, change: &ChangeId, commit: &Oid, verdict: Option<u64>) -> String {
    let verdict = verdict.map_or_else(|| "null".to_owned(), |serial| serial.to_string());
    let text = |text: &str| serde_json::Value::from(text).to_string();
    format!(
        "{{\"format\":\"evidence-bundle/v1\",\"origin\":{},\"change\":{},\"commit\":{},\"verdict\":{verdict}}}\n",
        text(origin),
        text(change.as_str()),
        text(commit.as_str())
    )
}

pub(super) fn serials_name(key: &Digest) -> String {
    format!("{LISTS}{key}.serials")
}

pub(super) fn proof_name(key: &Digest) -> String {
    format!("{LISTS}{key}.proof")
}

pub(super) fn item_name(key: &Digest) -> String {
    format!("{LISTS}{key}.item")
}

pub(super) fn entry_name(serial: u64) -> String {
    format!("{ENTRIES}{serial}")
}

/// Returns the place that the name of an entry says.
pub(super) fn entry_place(name: &str) -> Option<u64> {
    name.strip_prefix(ENTRIES)?.parse().ok()
}

pub(super) fn envelope_name(statement: &Digest) -> String {
    format!("{ENVELOPES}{statement}.json")
}

pub(super) fn git_name(oid: &Oid) -> String {
    format!("{GIT}{oid}")
}

pub(super) fn material_name(digest: &Digest) -> String {
    format!("{MATERIALS}{digest}")
}

const GROUPS: [&str; 14] = [
    README,
    MANIFEST,
    CHECKPOINT,
    MAP_ENTRY,
    LISTS,
    ENTRIES,
    MULTIPROOF,
    CONSISTENCY,
    ENVELOPES,
    ATTESTATIONS,
    GIT,
    MATERIALS,
    UNREAD[1],
    UNREAD[2],
];

/// From here on sizes may not fit 32 bits, also where deflate makes a file longer.
pub(super) const LARGE_BYTES: u64 = 0xfff0_0000;

/// What a person who opens the bundle reads first.
pub(super) const README_TEXT: &str = "\
This is a proof bundle of `evidence`: all records that a ledger's signed map lists for one change, as of one checkpoint, with
the proofs that they are all, the git objects that say what the change is, and the raw reports that the records rest on.

Check it with nothing but this file and a trust file that you have from elsewhere:

    evidence audit BUNDLE.zip --trust trust.toml

or with your own means: every byte but this text, and signatures of keys that your trust file does not name, is reached by a
hash from `checkpoint`, a note of c2sp.org/signed-note.
The format is written down in `evidence help format`. `attestations.intoto.jsonl` holds the same in-toto attestations in
DSSE envelopes, one a line, for tools that read those; what those tools cannot see is that none was left out.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_place() {
        assert!(rank("checkpoint") < rank("map.entry"));
        assert!(rank("entries/9") < rank("entries/10"));
        assert!(rank("entries/10") < rank("multiproof"));
        let key = "0".repeat(64);
        assert!(rank(&format!("lists/{key}.proof")) < rank(&format!("lists/{key}.serials")));
        for bad in
            ["entries/01", "entries/x", "lists/a.proof", "materials/../x", "git/", "other", "entries/", "README.txt2"]
        {
            assert_eq!(rank(bad), None, "{bad}");
        }
    }
}
