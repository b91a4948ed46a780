//! Attacks on the proof bundle: of everything that can be done to the members of an accepted bundle, or to its bytes, nothing
//! is accepted, nothing panics, and nothing that was refused becomes accepted (format, section 7).
//!
//! By default positions are sampled from a printed seed (`EVIDENCE_SEED` repeats one); with `EVIDENCE_HEAVY=1` all are tried.

#[path = "common/container.rs"]
mod container;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Cursor, Write as _};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use container::{Members, pack, unpack};
use evidence_ledger::crypto::{Envelope, sha256};
use evidence_ledger::export::{Audit, Bundle, audit};
use evidence_ledger::merkle::MapText;
use evidence_ledger::model::{Decision, Entry};
use evidence_ledger::prove::Trust;
use evidence_ledger::rego::Evaluator;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use tempfile::TempDir;

// Members, one by one and together.

#[test]
fn the_honest_bundles_are_accepted_and_the_early_one_is_refused() {
    let case = &*CASE;
    assert_eq!(case.audit("bundle.zip", &["--trust", "trust.toml"]), 0);
    assert_eq!(case.audit("since.zip", &["--trust", "trust.toml"]), 0);
    assert_eq!(case.audit("since.zip", &["--trust", "trust.toml", "--since", "older.note"]), 0);
    assert_eq!(case.audit("refused.zip", &["--trust", "trust.toml"]), 1);
    let bench = Bench::new(case);
    assert!(bench.accepts(&pack(&case.members), None), "packed again by the same rules");
    assert!(bench.accepts(&Raw::of(&case.members).print(), None), "packed again without deflate");
    assert!(bench.accepts(&pack(&case.since), Some(&case.older)));
    assert!(!bench.accepts(&pack(&case.refused), None));
}

#[test]
fn the_same_export_writes_the_same_bytes() {
    let case = &*CASE;
    for (name, more) in [("again.zip", &[][..]), ("again-since.zip", &["--since", "../older.note"])] {
        let path = format!("../{name}");
        let words = [&["export", "-o", &path], more].concat();
        case.evidence(&words, 0);
        let first = if more.is_empty() { "bundle.zip" } else { "since.zip" };
        assert!(fs::read(case.path(name)).unwrap() == fs::read(case.path(first)).unwrap(), "{name} differs");
    }
}

#[test]
fn no_member_can_be_dropped() {
    each_bundle(|bench, members, since| {
        for (name, _) in members.iter().filter(|(name, _)| name != "README.txt") {
            let dropped: Members = members.iter().filter(|(other, _)| other != name).cloned().collect();
            let accepted = bench
                .try_audit(&pack(&dropped), since)
                .is_some_and(|audit| audit.decided.verdict().decision == Decision::Accepted);
            assert!(!accepted, "accepted without {name}");
        }
    });
}

#[test]
fn no_byte_of_a_member_can_be_changed() {
    each_bundle(|bench, members, since| {
        for (index, (name, bytes)) in members.iter().enumerate().filter(|(_, (name, _))| name != "README.txt") {
            let mut changed = members.clone();
            for at in bench.sample(bytes.len(), 48) {
                changed[index].1[at] ^= 1 << (at % 8);
                bench.refused(&format!("byte {at} of {name} changed"), &pack(&changed), since);
                changed[index].1[at] = bytes[at];
            }
            for (what, other) in [
                ("empty", Vec::new()),
                ("shorter", bytes[..bytes.len().saturating_sub(1)].to_vec()),
                ("longer", [bytes.as_slice(), b"\n"].concat()),
                ("twice", bytes.repeat(2)),
                ("with CRLF", String::from_utf8_lossy(bytes).replace('\n', "\r\n").into_bytes()),
            ] {
                if other != *bytes {
                    changed[index].1 = other;
                    bench.refused(&format!("{name} {what}"), &pack(&changed), since);
                }
            }
        }
    });
}

#[test]
fn no_line_can_be_dropped_doubled_or_swapped() {
    each_bundle(|bench, members, since| {
        let text = |name: &str| name != "README.txt" && !name.starts_with("git/") && !name.starts_with("materials/");
        for (index, (name, bytes)) in members.iter().enumerate().filter(|(_, (name, _))| text(name)) {
            let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
            let mut others: Vec<(String, Vec<u8>)> = Vec::new();
            for at in 0..lines.len() {
                others.push((format!("line {at} dropped"), [&lines[..at], &lines[at + 1..]].concat().concat()));
                others.push((format!("line {at} doubled"), [&lines[..=at], &lines[at..]].concat().concat()));
                for to in at + 1..lines.len() {
                    let mut swapped = lines.clone();
                    swapped.swap(at, to);
                    others.push((format!("lines {at} and {to} swapped"), swapped.concat()));
                }
            }
            let mut changed = members.clone();
            for (what, other) in others.into_iter().filter(|(_, other)| other != bytes) {
                changed[index].1 = other;
                bench.refused(&format!("{name}: {what}"), &pack(&changed), since);
            }
        }
    });
}

#[test]
fn no_record_can_be_left_out_of_everything() {
    each_bundle(|bench, members, since| {
        for serial in serials(members) {
            for (lists, proof) in [(true, false), (false, false), (true, true)] {
                let mut less = without_record(members, serial, lists);
                if proof {
                    // The multiproof then has to hold the record's leaf hash, wherever that stands in it.
                    let index = less.iter().position(|(name, _)| name == "multiproof").unwrap();
                    let entry = &members.iter().find(|(name, _)| *name == format!("entries/{serial}")).unwrap().1;
                    let line = base64_of(&leaf_hash(entry));
                    let text = String::from_utf8(less[index].1.clone()).unwrap();
                    let lines: Vec<&str> = text.lines().collect();
                    for at in 1..=lines.len() {
                        let longer = [&lines[..at], &[&line], &lines[at..]].concat().join("\n") + "\n";
                        less[index].1 = longer.into_bytes();
                        bench.refused(&format!("record {serial} left out, hash at {at}"), &pack(&less), since);
                    }
                } else {
                    bench.refused(&format!("record {serial} left out (lists: {lists})"), &pack(&less), since);
                }
            }
        }
    });
}

#[test]
fn no_member_can_be_added() {
    let case = &*CASE;
    let blob = b"blob 6\0hello\n".to_vec();
    let find = |name: &str| case.members.iter().find(|(other, _)| other.starts_with(name)).unwrap().1.clone();
    let hash = sha256(b"one more material");
    let unasked = MapText::chain("change:shop/other").key();
    let list = |kind: &str| format!("lists/{unasked}.{kind}");
    let mut added: Vec<Members> = vec![
        vec![("entries/999".to_owned(), find("entries/"))],
        vec![("entries/18446744073709551615".to_owned(), find("entries/"))],
        vec![("entries/18446744073709551616".to_owned(), find("entries/"))],
        vec![("entries/00".to_owned(), find("entries/"))],
        vec![(format!("materials/{hash}"), b"one more material".to_vec())],
        vec![(format!("envelopes/{hash}.json"), find("envelopes/"))],
        vec![(format!("git/{}", case.blob), blob.clone())],
        vec![(format!("git/{hash}"), blob)],
        vec![(list("proof"), find("lists/")), (list("serials"), Vec::new())],
        vec![(list("proof"), find("lists/"))],
        vec![(list("serials"), b"0\n".to_vec())],
        vec![(list("item"), b"evidence-list-proof/v1\nitem 0 1\n".to_vec())],
    ];
    for name in ["other", "", "/", "lists/", "../bundle.json", "entries/../x", "bundle.json/", "Bundle.json", "git"] {
        added.push(vec![(name.to_owned(), Vec::new())]);
    }
    let first_list = case.members.iter().find(|(name, _)| name.ends_with(".proof")).unwrap().0.clone();
    added.push(vec![(first_list.replace(".proof", ".item"), Vec::new())]);
    each_bundle(|bench, members, since| {
        for more in &added {
            let mut with = [members.as_slice(), more].concat();
            with.sort_by_key(|(name, _)| rank(name));
            bench.refused(&format!("{} added", more[0].0), &pack(&with), since);
        }
    });
    // What no check reads may stand there, and only that.
    let bench = Bench::new(case);
    let unread = [("report.html", "<p>"), ("verify-bundle.mjs", "1")].map(|(n, t)| (n.to_owned(), t.into()));
    assert!(bench.accepts(&pack(&[case.members.as_slice(), &unread].concat()), None));
}

#[test]
fn no_two_members_can_swap_contents() {
    each_bundle(|bench, members, since| {
        for left in 1..members.len() {
            for right in left + 1..members.len() {
                let group = |index: usize| rank(&members[index].0).0;
                let (same, kind) = (group(left) == group(right), |index: usize| members[index].0.rsplit('.').next());
                if members[left].1 == members[right].1 || !same && (left * 31 + right) % 11 != 0 {
                    continue;
                }
                let _ = kind;
                let mut swapped = members.clone();
                let (a, b) = (members[left].1.clone(), members[right].1.clone());
                (swapped[left].1, swapped[right].1) = (b, a);
                let what = format!("{} and {} swapped", members[left].0, members[right].0);
                bench.refused(&what, &pack(&swapped), since);
            }
        }
    });
}

// The container.

#[test]
fn the_container_has_one_form() {
    for (bundle, members) in [("accepted", &CASE.members), ("refused", &CASE.refused)] {
        let bench = Bench::new(&CASE);
        for (what, bytes) in broken_containers(members) {
            bench.refused(&format!("{bundle}: {what}"), &bytes, None);
            assert!(bench.run("hostile.zip", &bytes) > 0, "{bundle}: {what}");
        }
    }
}

#[test]
fn too_many_members_are_refused() {
    let bench = Bench::new(&CASE);
    let first = CASE.members.iter().take_while(|(name, _)| !name.starts_with("entries/")).cloned();
    let many: Members = first.chain((0..100_001).map(|n| (format!("entries/{n}"), Vec::new()))).collect();
    let bytes = Raw::of(&many).print();
    bench.refused("100,001 entries", &bytes, None);
    assert_eq!(bench.run("many.zip", &bytes), 2);
    // And those that only the last record claims.
    let mut raw = Raw::of(&CASE.members);
    raw.count = Some(0xffff);
    bench.refused("65,535 claimed", &raw.print(), None);
}

#[test]
fn no_bit_of_the_file_can_be_flipped() {
    for name in ["bundle.zip", "refused.zip"] {
        let bench = Bench::new(&CASE);
        let honest = fs::read(CASE.path(name)).unwrap();
        let readme = readme_of(&honest);
        let contents = unpack(&honest);
        let mut file = honest.clone();
        let (mut tried, mut same) = (0, 0);
        for bit in bench.sample(honest.len() * 8, 3000) {
            let at = bit / 8;
            if readme.contains(&at) {
                continue;
            }
            tried += 1;
            file[at] ^= 1 << (bit % 8);
            if bench.accepts(&file, None) {
                // Deflate has bits that say nothing, such as those behind a member's last code: no content changed.
                assert!(in_data(&honest, at), "{name}: bit {bit} of a header flipped, and accepted");
                assert_eq!(unpack(&file), contents, "{name}: bit {bit} flipped, and accepted");
                same += 1;
            }
            file[at] = honest[at];
        }
        println!("{name}: {tried} bits flipped, {same} of them say nothing");
        for cut in bench.sample(honest.len(), 200) {
            bench.refused(&format!("{name} cut at {cut}"), &honest[..cut], None);
        }
        for at in bench.sample(honest.len(), 100) {
            let longer = [&honest[..at], &[0], &honest[at..]].concat();
            if !readme.contains(&at) {
                bench.refused(&format!("{name} with a byte more at {at}"), &longer, None);
            }
        }
    }
}

// Other bundles, notes, ledgers.

#[test]
fn no_other_head_fits() {
    let case = &*CASE;
    let note = |path: &str| fs::read(case.path(path)).unwrap();
    each_bundle(|bench, members, since| {
        let index = members.iter().position(|(name, _)| name == "checkpoint").unwrap();
        for (what, other) in [("older", note("older.note")), ("of another ledger", note("other.note"))] {
            let mut swapped = members.clone();
            swapped[index].1 = other;
            bench.refused(&format!("checkpoint {what}"), &pack(&swapped), since);
        }
        // An older head with its own map entry, and everything else of the newer bundle.
        let mut swapped = members.clone();
        for name in ["checkpoint", "map.entry", "multiproof"] {
            let of = |from: &Members| from.iter().position(|(other, _)| other == name).unwrap();
            let old = case.refused[of(&case.refused)].1.clone();
            let index = of(&swapped);
            if swapped[index].1 != old {
                swapped[index].1 = old;
                bench.refused(&format!("{name} older, and those before it"), &pack(&swapped), since);
            }
        }
    });
    assert_eq!(case.audit("bundle.zip", &["--trust", "other-trust.toml"]), 1);
    assert_eq!(case.audit("other.zip", &["--trust", "other-trust.toml"]), 1, "whole, and not sufficient");
    assert_eq!(case.audit("other.zip", &["--trust", "trust.toml"]), 1);
    // The other ledger's key under this ledger's name, and this ledger's key under the other roots.
    let (ours, theirs) = (case.text("trust.toml"), case.text("other-trust.toml"));
    for (what, text, codes) in [
        ("log key", swap_line(&ours, &theirs, "vkey"), [2, 3]),
        ("roots", swap_line(&ours, &theirs, "keys"), [1, 1]),
        ("size", ours.replacen("[[ledger]]", "min_size = 100000\n\n[[ledger]]", 1), [1, 1]),
    ] {
        fs::write(case.path("mixed.toml"), &text).unwrap();
        assert!(codes.contains(&case.audit("bundle.zip", &["--trust", "mixed.toml"])), "{what}: {text}");
    }
}

#[test]
fn growth_is_shown_only_since_a_true_older_head() {
    let case = &*CASE;
    let older = String::from_utf8(case.older.clone()).unwrap();
    let lines: Vec<&str> = older.split('\n').collect();
    let with = |at: usize, line: &str| {
        let mut lines = lines.clone();
        lines[at] = line;
        lines.join("\n").into_bytes()
    };
    let size: u64 = lines[1].parse().unwrap();
    let bench = Bench::new(case);
    let bundle = pack(&case.since);
    let newest = case.since.iter().find(|(name, _)| name == "checkpoint").unwrap().1.clone();
    for (what, note) in [
        ("a forged root", with(2, &base64_of(&[7; 32]))),
        ("a larger size", with(1, "1000")),
        ("a smaller size", with(1, &(size - 1).to_string())),
        ("size 0", with(1, "0")),
        ("another ledger's", fs::read(case.path("other.note")).unwrap()),
        ("another ledger's name", with(0, "evidence.local/00000000000000000000000000000000")),
        ("the newest", newest),
        ("no signature", older.split("\n\n").next().unwrap().as_bytes().to_vec()),
        ("nothing", Vec::new()),
        ("bytes", vec![0xff; 4096]),
    ] {
        bench.refused(&format!("since: {what}"), &bundle, Some(&note));
        fs::write(case.path("forged.note"), &note).unwrap();
        assert!(case.audit("since.zip", &["--trust", "trust.toml", "--since", "forged.note"]) > 0, "{what}");
    }
    for at in bench.sample(older.len(), 100) {
        let mut note = case.older.clone();
        note[at] ^= 1;
        bench.refused(&format!("since: byte {at} of the note changed"), &bundle, Some(&note));
    }
    assert_eq!(case.audit("bundle.zip", &["--trust", "trust.toml", "--since", "older.note"]), 1, "no proof in it");
    assert_eq!(case.audit("since.zip", &["--trust", "trust.toml", "--since", "absent.note"]), 2);
}

#[test]
fn a_bundle_answers_only_for_its_change_and_commit() {
    let case = &*CASE;
    let trust = ["--trust", "trust.toml"];
    let with = |more: &[&str]| case.audit("bundle.zip", &[&trust, more].concat());
    assert_eq!(with(&["--change", "shop/discount", "--commit", &case.head]), 0);
    for wrong in ["shop/other", "shop/discount2", "discount", ""] {
        assert_eq!(with(&["--change", wrong]), 1, "{wrong}");
    }
    for wrong in [&case.twin, &case.head[..12], "HEAD", ""] {
        assert_eq!(with(&["--commit", wrong]), 1, "{wrong}");
    }
    let bench = Bench::new(case);
    let manifest = String::from_utf8(case.members[1].1.clone()).unwrap();
    let base = case.git(&["rev-parse", "main"]);
    let mut objects = case.members.clone();
    objects.push((format!("git/{}", case.twin), case.raw_commit(&case.twin)));
    objects.sort_by_key(|(name, _)| rank(name));
    for (what, from, to) in [
        ("another change", "shop/discount", "shop/other"),
        ("the base", case.head.as_str(), base.as_str()),
        ("a twin with the same tree", &case.head, &case.twin),
    ] {
        for members in [&case.members, &objects] {
            let mut changed = members.clone();
            changed[1].1 = manifest.replace(from, to).into_bytes();
            bench.refused(&format!("bundle.json names {what}"), &pack(&changed), None);
        }
    }
}

#[test]
fn an_audit_of_a_large_attachment_needs_little_memory() {
    if std::env::var_os("EVIDENCE_HEAVY").is_none() {
        return;
    }
    let case = Case::make(Some(1 << 30));
    let before = Instant::now();
    let path = case.path("bundle.zip");
    let trust = case.path("trust.toml");
    let mut child = Command::new(PROGRAM)
        .args(["audit", path.to_str().unwrap(), "--trust", trust.to_str().unwrap()])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let code = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
        peak = peak.max(line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    let bytes = fs::metadata(&path).unwrap().len();
    println!("1 GiB, packed as {bytes} bytes: {:?}, {peak} KiB at most", before.elapsed());
    assert_eq!(code, Some(0));
    assert!(peak > 0 && peak < 200 * 1024, "{peak} KiB");
}

// The bench.

/// Runs a check on each bundle: accepted, refused, and accepted since an older note.
fn each_bundle(check: impl Fn(&Bench<'_>, &Members, Option<&[u8]>)) {
    let case = &*CASE;
    for (name, members, since) in [
        ("accepted", &case.members, None),
        ("since", &case.since, Some(case.older.as_slice())),
        ("refused", &case.refused, None),
    ] {
        let bench = Bench::new(case);
        let began = Instant::now();
        check(&bench, members, since);
        println!("{name}: {} audits in {:?}, seed {}", bench.audits.get(), began.elapsed(), bench.seed);
    }
}

struct Bench<'a> {
    case: &'a Case,
    folder: TempDir,
    seed: u64,
    state: Cell<u64>,
    audits: Cell<usize>,
}

impl<'a> Bench<'a> {
    fn new(case: &'a Case) -> Self {
        let now =
            || u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() % (1 << 40)).unwrap();
        let seed = std::env::var("EVIDENCE_SEED").ok().map_or_else(now, |seed| seed.parse().unwrap());
        println!("EVIDENCE_SEED={seed}");
        let folder = tempfile::tempdir().unwrap();
        Self { case, folder, seed, state: Cell::new(seed), audits: Cell::new(0) }
    }

    fn random(&self, below: usize) -> usize {
        // SplitMix64.
        let state = self.state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.state.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(below).unwrap()).unwrap()
    }

    /// Returns positions below a length: all if heavy, at most 4096 and some beyond; else so many.
    fn sample(&self, length: usize, count: usize) -> BTreeSet<usize> {
        let whole = if heavy() { length.min(4096) } else { 0 };
        let mut sample: BTreeSet<usize> = (0..whole).collect();
        if length <= count {
            sample.extend(0..length);
        } else {
            sample.extend((0..count).map(|_| self.random(length)));
        }
        sample
    }

    /// Audits; `None` if the bundle is not even judged.
    fn try_audit(&self, bytes: &[u8], since: Option<&[u8]>) -> Option<Audit> {
        let path = self.folder.path().join("bundle.zip");
        fs::write(&path, bytes).unwrap();
        self.audits.set(self.audits.get() + 1);
        let trust = &self.case.trust;
        let audited =
            catch_unwind(AssertUnwindSafe(|| audit(&Bundle::open(&path).ok()?, trust, since, &Evaluator::none()).ok()));
        audited.unwrap_or_else(|_| panic!("an audit panicked; seed {}", self.seed))
    }

    fn accepts(&self, bytes: &[u8], since: Option<&[u8]>) -> bool {
        self.try_audit(bytes, since).is_some_and(|audit| audit.decided.verdict().decision == Decision::Accepted)
    }

    fn refused(&self, what: &str, bytes: &[u8], since: Option<&[u8]>) {
        assert!(!self.accepts(bytes, since), "accepted: {what}; seed {}", self.seed);
        // The program is slow to start, so it answers for some of them.
        if self.audits.get() % 97 == 1 {
            assert!(self.run("some.zip", bytes) > 0 || since.is_some(), "{what}");
        }
    }

    /// Lets the program audit some bytes; returns its exit code.
    fn run(&self, name: &str, bytes: &[u8]) -> i32 {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        self.case.audit(path.to_str().unwrap(), &["--trust", "trust.toml"])
    }
}

fn heavy() -> bool {
    std::env::var_os("EVIDENCE_HEAVY").is_some()
}

// The container, byte by byte.

/// A zip file whose every field can be lied in.
#[derive(Clone)]
struct Raw {
    before: Vec<u8>,
    members: Vec<RawMember>,
    between: Vec<u8>,
    after: Vec<u8>,
    comment: Vec<u8>,
    count: Option<u16>,
    zip64: bool,
}

#[derive(Clone)]
struct RawMember {
    local: RawHeader,
    central: RawHeader,
    gap: Vec<u8>,
    data: Vec<u8>,
    behind: Vec<u8>,
    offset: Option<u32>,
}

#[derive(Clone)]
struct RawHeader {
    made: u16,
    needed: u16,
    flags: u16,
    method: u16,
    time: u16,
    date: u16,
    crc: u32,
    packed: u32,
    bytes: u32,
    name: Vec<u8>,
    extra: Vec<u8>,
    comment: Vec<u8>,
    disk: u16,
    internal: u16,
    external: u32,
}

impl RawHeader {
    fn common(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for short in [self.needed, self.flags, self.method, self.time, self.date] {
            out.extend(short.to_le_bytes());
        }
        for long in [self.crc, self.packed, self.bytes] {
            out.extend(long.to_le_bytes());
        }
        for part in [&self.name, &self.extra] {
            out.extend(u16::try_from(part.len()).unwrap().to_le_bytes());
        }
        out
    }
}

impl Raw {
    fn of(members: &[(String, Vec<u8>)]) -> Self {
        let members = members.iter().map(|(name, bytes)| {
            let length = u32::try_from(bytes.len()).unwrap();
            let header = RawHeader {
                made: 0x030a,
                needed: 10,
                flags: 0,
                method: 0,
                time: 0,
                date: 0x21,
                crc: crc(bytes),
                packed: length,
                bytes: length,
                name: name.clone().into_bytes(),
                extra: Vec::new(),
                comment: Vec::new(),
                disk: 0,
                internal: 0,
                external: 0o100_644 << 16,
            };
            let (local, central) = (header.clone(), header);
            RawMember { local, central, gap: Vec::new(), data: bytes.clone(), behind: Vec::new(), offset: None }
        });
        let nothing = Vec::new;
        let (before, between, after, comment) = (nothing(), nothing(), nothing(), nothing());
        Self { before, members: members.collect(), between, after, comment, count: None, zip64: false }
    }

    fn print(&self) -> Vec<u8> {
        let mut out = self.before.clone();
        let mut directory = Vec::new();
        for member in &self.members {
            out.extend(&member.gap);
            let offset = member.offset.unwrap_or_else(|| u32::try_from(out.len()).unwrap());
            out.extend(b"PK\x03\x04");
            out.extend(member.local.common());
            out.extend([&member.local.name[..], &member.local.extra, &member.data, &member.behind].concat());
            let central = &member.central;
            directory.extend(b"PK\x01\x02");
            directory.extend(central.made.to_le_bytes());
            directory.extend(central.common());
            directory.extend(u16::try_from(central.comment.len()).unwrap().to_le_bytes());
            directory.extend(central.disk.to_le_bytes());
            directory.extend(central.internal.to_le_bytes());
            directory.extend(central.external.to_le_bytes());
            directory.extend(offset.to_le_bytes());
            directory.extend([&central.name[..], &central.extra, &central.comment].concat());
        }
        out.extend(&self.between);
        let (at, length) = (u32::try_from(out.len()).unwrap(), u32::try_from(directory.len()).unwrap());
        out.extend(directory);
        let zip64 = self.zip64 || self.members.len() > 0xffff;
        let number = u64::try_from(self.members.len()).unwrap();
        if zip64 {
            let end = u64::try_from(out.len()).unwrap();
            out.extend(b"PK\x06\x06");
            out.extend(44_u64.to_le_bytes());
            out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for long in [number, number, u64::from(length), u64::from(at)] {
                out.extend(long.to_le_bytes());
            }
            out.extend(b"PK\x06\x07\0\0\0\0");
            out.extend(end.to_le_bytes());
            out.extend([1, 0, 0, 0]);
        }
        out.extend(b"PK\x05\x06\0\0\0\0");
        let count = self.count.unwrap_or_else(|| u16::try_from(number).unwrap_or(0xffff));
        out.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
        out.extend([length.to_le_bytes(), at.to_le_bytes()].concat());
        out.extend(u16::try_from(self.comment.len()).unwrap().to_le_bytes());
        out.extend([&self.comment[..], &self.after].concat());
        out
    }
}

/// A header field told wrongly, and its name.
type Lie = (&'static str, fn(&mut RawHeader));

/// Returns a member's header fields told wrongly, in one place or in both.
fn lies() -> Vec<Lie> {
    vec![
        ("made elsewhere", |h| h.made = 0x000a),
        ("made by another version", |h| h.made ^= 1),
        ("needs another version", |h| h.needed ^= 1),
        ("is encrypted", |h| h.flags |= 1),
        ("has a data descriptor", |h| h.flags |= 8),
        ("is patched data", |h| h.flags |= 0x20),
        ("is strongly encrypted", |h| h.flags |= 0x40),
        ("is masked", |h| h.flags |= 0x2000),
        ("is deflated", |h| h.method = 8),
        ("is deflated by another way", |h| h.method = 9),
        ("is packed by an unknown way", |h| h.method = 99),
        ("has another time", |h| h.time = 1),
        ("has another date", |h| h.date = 0x22),
        ("has another checksum", |h| h.crc ^= 1),
        ("has no checksum", |h| h.crc = 0),
        ("is packed shorter", |h| h.packed -= 1),
        ("is packed longer", |h| h.packed += 1),
        ("is shorter", |h| h.bytes -= 1),
        ("is longer", |h| h.bytes += 1),
        ("has no size", |h| (h.bytes, h.packed) = (0, 0)),
        ("has a size of Zip64", |h| (h.bytes, h.packed) = (u32::MAX, u32::MAX)),
        ("has another name", |h| h.name[0] ^= 0x20),
        ("has a name with a backslash", |h| h.name[0] = b'\\'),
        ("has a name that is no UTF-8", |h| h.name[0] = 0xff),
        ("has a longer name", |h| h.name.push(0)),
        ("has an extra field", |h| h.extra = b"ux\x01\0\0".to_vec()),
        ("has an empty extra field of Zip64", |h| h.extra = vec![1, 0, 0, 0]),
        ("has an extra field of Zip64", |h| h.extra = [&[1, 0, 16, 0][..], &[0; 16]].concat()),
        ("has half an extra field", |h| h.extra = vec![1, 0]),
        ("has another name in an extra field", |h| h.extra = b"up\x06\0\x01\0\0\0\0x".to_vec()),
    ]
}

/// Returns lies that only the directory can tell.
fn lies_of_the_directory() -> Vec<Lie> {
    vec![
        ("has a comment", |h| h.comment = b"x".to_vec()),
        ("is on another disk", |h| h.disk = 1),
        ("is text", |h| h.internal = 1),
        ("is a link", |h| h.external = 0o120_777 << 16),
        ("is a folder", |h| h.external = 0o040_755 << 16),
        ("is a device", |h| h.external = 0o020_644 << 16),
        ("may run", |h| h.external = 0o100_755 << 16),
        ("runs as its owner", |h| h.external = 0o104_644 << 16),
        ("is a folder of DOS", |h| h.external |= 0x10),
        ("is hidden", |h| h.external |= 2),
        ("has no mode", |h| h.external = 0),
    ]
}

fn broken_containers(members: &Members) -> Vec<(String, Vec<u8>)> {
    let honest = Raw::of(members);
    let index = |wanted: &str| members.iter().position(|(name, _)| name.starts_with(wanted)).unwrap();
    let mut broken: Vec<(String, Raw)> = Vec::new();
    let mut add = |what: &str, change: &dyn Fn(&mut Raw)| {
        let mut raw = honest.clone();
        change(&mut raw);
        broken.push((what.to_owned(), raw));
    };
    for at in [index("README.txt"), index("bundle.json"), index("entries/"), index("materials/")] {
        let name = &members[at].0;
        for (what, lie) in lies() {
            // Only the directory says where a member was made.
            if !what.starts_with("made") {
                add(&format!("local header: {name} {what}"), &|raw| lie(&mut raw.members[at].local));
            }
            add(&format!("directory: {name} {what}"), &|raw| lie(&mut raw.members[at].central));
            // What both say of a member that no check reads is seen in its headers or not at all.
            let unread = ["checksum", "shorter", "longer", "size", "deflated"].iter().any(|word| what.contains(word));
            if at != 0 || !unread {
                add(&format!("both: {name} {what}"), &|raw| {
                    lie(&mut raw.members[at].local);
                    lie(&mut raw.members[at].central);
                });
            }
        }
        for (what, lie) in lies_of_the_directory() {
            add(&format!("directory: {name} {what}"), &|raw| lie(&mut raw.members[at].central));
        }
        add(&format!("a byte before {name}"), &|raw| raw.members[at].gap = vec![0]);
        add(&format!("a byte behind {name}"), &|raw| raw.members[at].behind = vec![0]);
        add(&format!("a hidden member before {name}"), &|raw| {
            raw.members[at].gap = Raw::of(&[("report.html".to_owned(), b"x".to_vec())]).print()[..42].to_vec();
        });
        add(&format!("{name} twice"), &|raw| raw.members.insert(at, raw.members[at].clone()));
        add(&format!("{name} listed twice"), &|raw| {
            let mut twin = raw.members[at].clone();
            twin.offset = Some(0);
            raw.members.insert(at + 1, twin);
        });
        add(&format!("{name} begins elsewhere"), &|raw| raw.members[at].offset = Some(1));
        add(&format!("{name} out of order"), &|raw| raw.members.swap(at, at + 1));
        if at == 0 {
            continue;
        }
        // Deflated: honest, with garbage behind, cut, without its end; and bombs in both directions.
        let packed = deflated(&members[at].1);
        let deflate = |raw: &mut Raw, data: &[u8], bytes: usize| {
            let member = &mut raw.members[at];
            member.data = data.to_vec();
            for header in [&mut member.local, &mut member.central] {
                header.method = 8;
                header.needed = 20;
                header.made = 0x0314;
                header.packed = u32::try_from(data.len()).unwrap();
                header.bytes = u32::try_from(bytes).unwrap();
            }
        };
        let bytes = members[at].1.len();
        add(&format!("{name} deflated, with a byte behind"), &|raw| deflate(raw, &[&packed[..], &[0]].concat(), bytes));
        add(&format!("{name} deflated twice"), &|raw| deflate(raw, &packed.repeat(2), bytes));
        add(&format!("{name} deflated and cut"), &|raw| deflate(raw, &packed[..packed.len() - 1], bytes));
        add(&format!("{name} deflated, and empty"), &|raw| deflate(raw, &[], bytes));
        let bomb = deflated(&vec![0; 64 << 20]);
        add(&format!("{name} is a bomb"), &|raw| deflate(raw, &bomb, bytes));
        add(&format!("{name} is a bomb that says so"), &|raw| deflate(raw, &bomb, 64 << 20));
        add(&format!("{name} claims 4 GiB"), &|raw| deflate(raw, &packed, 0xffff_fffe));
        add(&format!("{name} with a true extra field of Zip64"), &|raw| {
            let member = &mut raw.members[at];
            let length = u64::from(member.local.bytes).to_le_bytes();
            member.local.extra = [&[1, 0, 16, 0][..], &length, &length].concat();
        });
    }
    add("in reverse", &|raw| raw.members.reverse());
    add("a byte before", &|raw| raw.before = vec![0]);
    add("a script before", &|raw| raw.before = b"#!/bin/sh\n".to_vec());
    add("a byte before the directory", &|raw| raw.between = vec![0]);
    add("a byte behind", &|raw| raw.after = vec![0]);
    add("a comment", &|raw| raw.comment = b"x".to_vec());
    add("another directory in the comment", &|raw| raw.comment = Raw::of(&[]).print());
    add("another bundle behind", &|raw| raw.after = pack(members));
    add("another bundle before", &|raw| raw.before = pack(members));
    add("one member fewer", &|raw| raw.count = Some(u16::try_from(raw.members.len() - 1).unwrap()));
    add("one member more", &|raw| raw.count = Some(u16::try_from(raw.members.len() + 1).unwrap()));
    add("no members", &|raw| raw.members.clear());
    add("no count", &|raw| raw.count = Some(0));
    let mut broken: Vec<(String, Vec<u8>)> = broken.into_iter().map(|(what, raw)| (what, raw.print())).collect();
    // Every byte of the last records, with and without Zip64.
    for zip64 in [false, true] {
        let mut raw = honest.clone();
        raw.zip64 = zip64;
        let file = raw.print();
        for back in 1..=if zip64 { 98 } else { 22 } {
            let mut file = file.clone();
            let at = file.len() - back;
            file[at] ^= 1;
            broken.push((format!("byte {back} from the end (Zip64: {zip64})"), file));
        }
    }
    broken.push(("nothing".to_owned(), Vec::new()));
    broken
}

/// Returns where the README's bytes stand in a bundle: its data alone.
fn readme_of(file: &[u8]) -> Range<usize> {
    data_of(file).into_iter().next().unwrap()
}

fn in_data(file: &[u8], at: usize) -> bool {
    data_of(file).iter().any(|range| range.contains(&at))
}

fn data_of(file: &[u8]) -> Vec<Range<usize>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    let mut ranges = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).unwrap();
        let from = usize::try_from(member.data_start().unwrap()).unwrap();
        ranges.push(from..from + usize::try_from(member.compressed_size()).unwrap());
    }
    ranges
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Returns where a member stands among the others, as the format orders them.
fn rank(name: &str) -> (usize, u64, String) {
    const GROUPS: [&str; 14] = [
        "README.txt",
        "bundle.json",
        "checkpoint",
        "map.entry",
        "lists/",
        "entries/",
        "multiproof",
        "consistency",
        "envelopes/",
        "attestations.intoto.jsonl",
        "git/",
        "materials/",
        "report.html",
        "verify-bundle.mjs",
    ];
    let group = GROUPS.iter().position(|group| name.starts_with(group)).unwrap_or(GROUPS.len());
    let number = name.strip_prefix("entries/").and_then(|number| number.parse().ok()).unwrap_or(0);
    (group, number, name.to_owned())
}

// Records.

fn serials(members: &Members) -> Vec<u64> {
    members.iter().filter_map(|(name, _)| name.strip_prefix("entries/")?.parse().ok()).collect()
}

/// Leaves a record out of entries, envelopes and attestations, and out of the lists if wanted.
fn without_record(members: &Members, serial: u64, lists: bool) -> Members {
    let entry_name = format!("entries/{serial}");
    let entry = &members.iter().find(|(name, _)| *name == entry_name).unwrap().1;
    let statement = Entry::parse(entry).unwrap().statement;
    let envelope_name = format!("envelopes/{statement}.json");
    let line = format!("{serial}\n").into_bytes();
    let kept = members.iter().filter(|(name, _)| *name != entry_name && *name != envelope_name);
    kept.map(|(name, bytes)| {
        let lines = bytes.split_inclusive(|b| *b == b'\n');
        let bytes = if name.ends_with(".serials") && lists {
            lines.filter(|found| *found != line).collect::<Vec<_>>().concat()
        } else if name.ends_with(".jsonl") {
            let is =
                |line: &[u8]| Envelope::parse(line.strip_suffix(b"\n").unwrap()).unwrap().statement_hash() == statement;
            lines.filter(|found| !is(found)).collect::<Vec<_>>().concat()
        } else {
            bytes.clone()
        };
        (name.clone(), bytes)
    })
    .collect()
}

fn leaf_hash(entry: &[u8]) -> [u8; 32] {
    sha256(&[&[0], entry].concat()).0
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn swap_line(to: &str, from: &str, word: &str) -> String {
    let is = |line: &&str| line.starts_with(&format!("{word} ="));
    let theirs = from.lines().find(is).unwrap();
    let name = theirs.split('+').next().unwrap().trim_start_matches("vkey = \"");
    let ours = to.lines().find(|line| line.starts_with("origin")).unwrap().split('"').nth(1).unwrap();
    let _ = (name, ours);
    to.lines().map(|line| if is(&line) { theirs } else { line }).collect::<Vec<_>>().join("\n") + "\n"
}

// The case: a real change of a real repository.

/// A folder with a repository, its bundles and trust files.
struct Case {
    folder: TempDir,
    trust: Trust,
    members: Members,
    since: Members,
    refused: Members,
    older: Vec<u8>,
    head: String,
    /// A commit with the tree of the judged one and another author.
    twin: String,
    blob: String,
    /// Materials that no verdict rests on.
    spared: BTreeSet<String>,
}

static CASE: LazyLock<Case> = LazyLock::new(|| Case::make(None));

impl Case {
    fn make(attachment: Option<u64>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trust = "version = 1\nrepository = \"shop\"\n\n[[ledger]]\norigin = \"a.b/c\"\nvkey = \"\"\n";
        let mut case = Self {
            folder,
            trust: Trust::parse(trust).unwrap_or_else(|_| Trust {
                repository: "shop".parse().unwrap(),
                ledgers: Vec::new(),
                roots: Vec::new(),
                threshold: 1,
                min_size: None,
                max_age: None,
            }),
            members: Vec::new(),
            since: Vec::new(),
            refused: Vec::new(),
            older: Vec::new(),
            head: String::new(),
            twin: String::new(),
            blob: String::new(),
            spared: BTreeSet::new(),
        };
        case.play(attachment);
        case
    }

    fn play(&mut self, attachment: Option<u64>) {
        self.begin("shop");
        for (name, role) in [("planner", "planner"), ("ci", "ci"), ("reviewer", "reviewer")] {
            self.evidence(&["key", "new", name], 0);
            let key = self.key(name);
            self.evidence(&["key", "grant", &key, "--principal", name, "--role", role], 0);
        }
        fs::copy(self.path("shop/.git/evidence/checkpoint"), self.path("older.note")).unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "-q", "-m", "evidence"]);
        self.git(&["checkout", "-q", "-b", "discount"]);
        let (planner, ci, reviewer) = (self.key("planner"), self.key("ci"), self.key("reviewer"));
        self.evidence(&["--key", &planner, "plan", "--tier", "low", "--implementer", "agent-7"], 0);
        fs::create_dir(self.path("shop/src")).unwrap();
        fs::write(self.path("shop/src/price.txt"), "nine\n").unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "-q", "-m", "a discount"]);
        let attest = |report: &str, word: &str, code: i32| {
            fs::write(self.path("made.xml"), report).unwrap();
            let end = format!("cat ../made.xml > ../junit.xml; echo {word}; exit {code}");
            let mut words = vec!["--key", &ci, "attest", "unit-tests", "--report", "../junit.xml"];
            if attachment.is_some() && code == 0 {
                words.extend(["--attach", "../zeros"]);
            }
            words.extend(["--", "sh", "-c", &end]);
            self.evidence(&words, code);
        };
        if let Some(bytes) = attachment {
            File::create(self.path("zeros")).unwrap().set_len(bytes).unwrap();
        }
        attest(FAILED, "broken", 1);
        self.evidence(&["export", "-o", "../refused.zip"], 0);
        attest(PASSED, "mended", 0);
        fs::write(self.path("notes.md"), "Read line by line; nothing found.\n").unwrap();
        self.evidence(&["--key", &reviewer, "review", "peer-review", "--verdict", "pass", "--notes", "../notes.md"], 0);
        self.evidence(&["--key", &ci, "verify", "--record"], 0);
        self.evidence(&["export", "-o", "../bundle.zip"], 0);
        self.evidence(&["export", "-o", "../since.zip", "--since", "../older.note"], 0);
        fs::copy(self.path("shop/.evidence/trust.toml"), self.path("trust.toml")).unwrap();
        self.trust = Trust::parse(&self.text("trust.toml")).unwrap();
        if attachment.is_some() {
            return;
        }
        self.head = self.git(&["rev-parse", "HEAD"]);
        self.blob = self.git(&["rev-parse", "HEAD:src/price.txt"]);
        let tree = self.git(&["rev-parse", "HEAD^{tree}"]);
        self.twin = self.git(&["-c", "user.name=eve", "commit-tree", "-p", "main", "-m", "a twin", &tree]);
        for (name, to) in [("bundle.zip", 0), ("since.zip", 1), ("refused.zip", 2)] {
            let members = unpack(&fs::read(self.path(name)).unwrap());
            *[&mut self.members, &mut self.since, &mut self.refused][to] = members;
        }
        self.older = fs::read(self.path("older.note")).unwrap();
        self.spared = self.materials_that_may_be_absent();
        // Another ledger, of another repository.
        self.begin("other");
        self.evidence_in("other", &["export", "-o", "../other.zip"], 2);
        self.evidence_in("other", &["plan", "--tier", "low"], 0);
        self.evidence_in("other", &["export", "-o", "../other.zip"], 0);
        fs::copy(self.path("other/.git/evidence/checkpoint"), self.path("other.note")).unwrap();
        fs::copy(self.path("other/.evidence/trust.toml"), self.path("other-trust.toml")).unwrap();
    }

    fn begin(&self, repository: &str) {
        fs::create_dir(self.path(repository)).unwrap();
        fs::write(self.path("policy.toml"), POLICY).unwrap();
        fs::write(self.path(repository).join("README"), "A shop.\n").unwrap();
        let git = |words: &[&str]| self.git_in(repository, words);
        git(&["init", "-q", "-b", "main", "."]);
        git(&["config", "user.name", "agent-7"]);
        git(&["config", "user.email", "agent-7@example.org"]);
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "a shop"]);
        let words = ["init", "--repository", repository, "--principal", "olga", "--policy", "../policy.toml"];
        self.evidence_in(repository, &words, 0);
    }

    /// Finds the materials that neither a policy nor a passing report is: logs, reports of failures, notes, verdicts.
    fn materials_that_may_be_absent(&self) -> BTreeSet<String> {
        let needed = [POLICY, PASSED].map(|text| format!("materials/{}", sha256(text.as_bytes())));
        let names: BTreeMap<&str, ()> = self.members.iter().map(|(name, _)| (name.as_str(), ())).collect();
        assert!(needed.iter().all(|name| names.contains_key(name.as_str())));
        let spared =
            names.keys().filter(|name| name.starts_with("materials/") && !needed.contains(&(**name).to_owned()));
        spared.map(|name| (*name).to_owned()).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn key(&self, name: &str) -> String {
        self.path("config/evidence/keys").join(format!("{name}.pem")).to_str().unwrap().to_owned()
    }

    fn evidence(&self, words: &[&str], wanted: i32) {
        self.evidence_in("shop", words, wanted);
    }

    fn evidence_in(&self, folder: &str, words: &[&str], wanted: i32) {
        let output = self.start(Path::new(PROGRAM), &self.path(folder), words);
        assert_eq!(output.status.code(), Some(wanted), "evidence {words:?}: {output:?}");
    }

    /// Lets the program audit; returns its exit code, which is 0 to 3.
    fn audit(&self, bundle: &str, more: &[&str]) -> i32 {
        let output = self.start(Path::new(PROGRAM), self.folder.path(), &[&["audit", bundle], more].concat());
        let code = output.status.code().expect("no signal");
        assert!((0..=3).contains(&code), "{bundle} {more:?}: {output:?}");
        code
    }

    fn git(&self, words: &[&str]) -> String {
        self.git_in("shop", words)
    }

    fn git_in(&self, folder: &str, words: &[&str]) -> String {
        let output = self.start(Path::new("git"), &self.path(folder), words);
        assert!(output.status.success(), "git {words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn raw_commit(&self, oid: &str) -> Vec<u8> {
        let content = self.start(Path::new("git"), &self.path("shop"), &["cat-file", "commit", oid]).stdout;
        [format!("commit {}\0", content.len()).as_bytes(), &content].concat()
    }

    fn start(&self, program: &Path, folder: &Path, words: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(words).current_dir(folder);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["EVIDENCE_", "GITHUB_", "CI_", "GIT_"].iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command.env("XDG_CONFIG_HOME", self.path("config")).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("HOME", self.folder.path()).output().unwrap()
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_evidence");

const POLICY: &str = r#"version = 1
tiers = ["low"]

[claim.unit-tests]
family = "functionality"
by     = "ci"
tests  = { passed_min = 1, failed_max = 0 }

[claim.peer-review]
family         = "process"
by             = "reviewer"
form           = "review"
independent_of = ["implementer"]
waivable       = false

[tier.low]
require = ["unit-tests", "peer-review"]

[may]
plan   = ["planner"]
grant  = ["admin"]
policy = ["admin"]
allow  = ["admin"]
resume = ["admin"]
merge  = ["ci"]
"#;

const FAILED: &str = r#"<testsuite name="shop" tests="2" failures="1">
  <testcase classname="shop" name="nothing_costs_nothing"/>
  <testcase classname="shop" name="a_tenth_is_taken_off"><failure message="900 is not 950"/></testcase>
</testsuite>
"#;

const PASSED: &str = r#"<testsuite name="shop" tests="2" failures="0">
  <testcase classname="shop" name="nothing_costs_nothing"/>
  <testcase classname="shop" name="a_tenth_is_taken_off"/>
</testsuite>
"#;
