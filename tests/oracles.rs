//! Our arithmetic against that of others: Wycheproof's vectors of Ed25519 and P-256, OpenSSL, OpenSSH, `signed_note`, `tlog_tiles`.
//!
//! Tests with a program are skipped, with a message, only where the program is absent.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use evidence_ledger::crypto::{
    Algorithm, EcdsaKey, NoteKey, PublicKey, SecretKey, ecdsa_one_spelling, leaf_hash, open_note, sign_note,
};
use evidence_ledger::merkle::{
    Checkpoint, HashReader, MemoryHashes, SignedCheckpoint, check_inclusion, prove_consistency, prove_inclusion,
    tree_root,
};
use evidence_ledger::model::Digest;
use tlog_tiles::tlog::{Hash, prove_record, prove_tree, tree_hash};

const LEAVES: u64 = 130;
const SIZES: [u64; 10] = [1, 2, 3, 7, 8, 9, 64, 65, 100, LEAVES];

fn entry(place: u64) -> Vec<u8> {
    format!("entry {place}").into_bytes()
}

fn stored() -> MemoryHashes {
    (0..LEAVES).map(|place| leaf_hash(&entry(place))).collect()
}

/// Their reader over our stored hashes.
struct Row(MemoryHashes);

impl tlog_tiles::tlog::HashReader for Row {
    fn read_hashes(&self, indices: &[u64]) -> Result<Vec<Hash>, tlog_tiles::tlog::Error> {
        Ok(indices.iter().map(|index| Hash(self.0.read(*index).unwrap().0)).collect())
    }
}

fn hashes(digests: &[Digest]) -> Vec<Hash> {
    digests.iter().map(|digest| Hash(digest.0)).collect()
}

#[test]
fn roots_and_proofs_are_those_of_tlog() {
    let row = Row(stored());
    for size in SIZES {
        let root = tree_root(size, &row.0).unwrap();
        assert_eq!(root.0, tree_hash(size, &row).unwrap().0);
        for place in 0..size {
            let ours = prove_inclusion(place, size, &row.0).unwrap();
            assert_eq!(hashes(&ours), prove_record(size, place, &row).unwrap(), "{place} of {size}");
            let leaf = leaf_hash(&entry(place));
            assert!(check_inclusion(&leaf, place, size, &ours, &root).is_ok());
            let ours = prove_consistency(place + 1, size, &row.0).unwrap();
            assert_eq!(hashes(&ours.path), prove_tree(size, place + 1, &row).unwrap(), "{} to {size}", place + 1);
        }
    }
}

#[test]
fn proofs_are_those_of_ct_merkle() {
    let stored = stored();
    let flat = |path: &[Digest]| path.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>();
    let mut tree: MemoryBackedTree<sha2::Sha256, Vec<u8>> = MemoryBackedTree::new();
    for size in 1..=70_u64 {
        tree.push(entry(size - 1));
        for place in 0..size {
            let at = usize::try_from(place).unwrap();
            assert_eq!(tree.prove_inclusion(at).as_bytes(), flat(&prove_inclusion(place, size, &stored).unwrap()));
            let ours = prove_consistency(size - place, size, &stored).unwrap();
            assert_eq!(tree.prove_consistency(at).as_bytes(), flat(&ours.path));
        }
    }
}

#[test]
fn notes_are_those_of_signed_note() {
    use signed_note::{Note, StandardVerifier, VerifierList};
    let key = SecretKey::from_seed(&[1; 32]);
    let vkey = NoteKey::new("example.com/log", key.public()).unwrap().to_string();
    for text in ["a\n", "a\n\nb\n", "è\n"] {
        let verify = |note: &[u8]| {
            let known = VerifierList::new(vec![Box::new(StandardVerifier::new(&vkey).unwrap())]);
            let note = Note::from_bytes(note).unwrap();
            note.verify(&known).map(|(verified, _)| verified.len()).ok()
        };
        let note = sign_note(text, "example.com/log", &key);
        assert_eq!(verify(&note), Some(1));
        let changed = String::from_utf8(note).unwrap().replacen(['a', 'è'], "c", 1);
        assert_ne!(verify(changed.as_bytes()), Some(1));
    }
}

#[test]
fn what_signed_note_signs_opens() {
    use signed_note::{Note, StandardSigner};
    let seed = [5; 32];
    let key = SecretKey::from_seed(&seed);
    let vkey = NoteKey::new("example.com/log", key.public()).unwrap();
    let id = vkey.to_string().split('+').nth(1).unwrap().to_owned();
    let secret = STANDARD.encode([&[1], &seed[..]].concat());
    let signer = StandardSigner::new(&format!("PRIVATE+KEY+example.com/log+{id}+{secret}")).unwrap();
    let mut note = Note::new(b"a\n\nb\n", &[]).unwrap();
    note.add_sigs(&[&signer]).unwrap();
    let bytes = note.to_bytes();
    assert_eq!(bytes, sign_note("a\n\nb\n", "example.com/log", &key));
    assert_eq!(open_note(&bytes, std::slice::from_ref(&vkey)).unwrap(), "a\n\nb\n");
    let other = NoteKey::new("example.com/log", SecretKey::from_seed(&[6; 32]).public()).unwrap();
    assert!(open_note(&bytes, &[other]).is_err());
}

#[test]
fn checkpoints_are_those_of_tlog_tiles() {
    let key = SecretKey::from_seed(&[1; 32]);
    let ours = Checkpoint { origin: "example.com/shop".to_owned(), size: 7, root: Digest([9; 32]) };
    let theirs = tlog_tiles::Checkpoint::from_bytes(ours.print().as_bytes()).unwrap();
    assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), ("example.com/shop", 7, [9; 32]));
    assert_eq!(theirs.to_bytes(), ours.print().as_bytes());
    let vkeys = [NoteKey::new("example.com/shop", key.public()).unwrap()];
    let opened = SignedCheckpoint::open(&ours.sign(&key), &vkeys, "example.com/shop").unwrap();
    assert_eq!(opened.checkpoint(), &ours);
    for text in ["example.com/shop\n07\n", "example.com/shop\n-1\n", "\n7\n", "example.com/shop\n"] {
        let text = format!("{text}{}\n", STANDARD.encode([9; 32]));
        let ours = SignedCheckpoint::open(&sign_note(&text, "example.com/shop", &key), &vkeys, "example.com/shop");
        assert!(ours.is_err() && tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn signatures_are_judged_as_wycheproof_does() {
    use wycheproof::TestResult;
    use wycheproof::eddsa::{TestName, TestSet};
    let mut counts = [0, 0];
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let key = PublicKey::from_bytes(group.key.pk[..].try_into().unwrap()).unwrap();
        assert_eq!(PublicKey::from_pem(&group.pem).unwrap(), key);
        for test in group.tests {
            let accepted = key.verify(&test.msg, &test.sig).is_ok();
            match test.result {
                TestResult::Valid => assert!(accepted, "{}: {}", test.tc_id, test.comment),
                TestResult::Invalid => assert!(!accepted, "{}: {}", test.tc_id, test.comment),
                TestResult::Acceptable => {}
            }
            counts[usize::from(accepted)] += 1;
        }
    }
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
}

#[test]
fn signatures_of_p256_are_judged_as_wycheproof_does_but_for_their_one_spelling() {
    use wycheproof::TestResult;
    use wycheproof::ecdsa::{TestName, TestSet};
    let (mut counts, mut high) = ([0, 0], 0);
    for group in TestSet::load(TestName::EcdsaSecp256r1Sha256).unwrap().test_groups {
        let key = PublicKey::from_pem(&group.pem).unwrap();
        assert_eq!(key.algorithm(), Algorithm::EcdsaP256);
        for test in group.tests {
            let accepted = key.verify(&test.msg, &test.sig).is_ok();
            let spelled = ecdsa_one_spelling(&test.sig).filter(|_| test.sig[0] == 0x30);
            let holds = spelled.as_ref().is_some_and(|spelled| key.verify(&test.msg, spelled).is_ok());
            let about = format!("{}: {}", test.tc_id, test.comment);
            assert_eq!(accepted, holds && spelled.as_deref() == Some(&test.sig[..]), "{about}");
            match test.result {
                TestResult::Valid => assert!(holds, "{about}"),
                TestResult::Invalid => assert!(!holds, "{about}"),
                TestResult::Acceptable => {}
            }
            counts[usize::from(accepted)] += 1;
            high += usize::from(holds && !accepted);
        }
    }
    assert!(counts.iter().all(|count| *count > 50) && high > 10, "{counts:?} {high}");
}

#[test]
fn openssl_reads_our_p256_keys_and_verifies_our_signatures() {
    let folder = folder("openssl-p256");
    let path = folder.as_path();
    let key = EcdsaKey::from_bytes(&[42; 32]).unwrap();
    fs::write(path.join("key.pem"), key.to_pem().as_str()).unwrap();
    fs::write(path.join("public.pem"), key.public().to_pem().unwrap()).unwrap();
    fs::write(path.join("message"), b"what was signed").unwrap();
    fs::write(path.join("signature"), key.sign(b"what was signed")).unwrap();
    let Some(output) = run("openssl", path, &["pkey", "-in", "key.pem", "-pubout"]) else { return };
    assert_eq!(String::from_utf8(output.stdout).unwrap(), key.public().to_pem().unwrap());
    let verify = ["dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "message"];
    assert!(run("openssl", path, &verify).unwrap().status.success());
    fs::write(path.join("message"), b"what was not signed").unwrap();
    assert!(!run("openssl", path, &verify).unwrap().status.success());

    for round in 0..8 {
        fs::write(path.join("message"), format!("round {round}")).unwrap();
        let sign = ["dgst", "-sha256", "-sign", "key.pem", "-out", "theirs", "message"];
        assert!(run("openssl", path, &sign).unwrap().status.success());
        let theirs = ecdsa_one_spelling(&fs::read(path.join("theirs")).unwrap()).unwrap();
        assert!(key.public().verify(format!("round {round}").as_bytes(), &theirs).is_ok());
        assert!(key.public().verify(b"round", &theirs).is_err());
    }
}

#[test]
fn openssh_prints_the_same_fingerprint_of_p256() {
    let folder = folder("openssh-p256");
    let key = EcdsaKey::from_bytes(&[42; 32]).unwrap().public();
    fs::write(folder.join("key.pub"), format!("{key}\n")).unwrap();
    let Some(output) = run("ssh-keygen", &folder, &["-l", "-f", "key.pub"]) else { return };
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.split(' ').nth(1), Some(key.fingerprint().as_str()));
    fs::write(folder.join("key.pub"), key.to_pem().unwrap()).unwrap();
    let output = run("ssh-keygen", &folder, &["-i", "-m", "PKCS8", "-f", "key.pub"]).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), key.to_string());
}

#[test]
fn openssl_reads_our_keys_and_verifies_our_signatures() {
    let folder = folder("openssl-ours");
    let path = folder.as_path();
    let key = SecretKey::from_seed(&[42; 32]);
    fs::write(path.join("key.pem"), key.to_pem().as_str()).unwrap();
    fs::write(path.join("public.pem"), key.public().to_pem().unwrap()).unwrap();
    fs::write(path.join("message"), b"what was signed").unwrap();
    fs::write(path.join("signature"), key.sign(b"what was signed")).unwrap();

    let Some(output) = run("openssl", path, &["pkey", "-in", "key.pem", "-pubout"]) else { return };
    assert_eq!(String::from_utf8(output.stdout).unwrap(), key.public().to_pem().unwrap());
    let verify =
        ["pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-in", "message", "-sigfile", "signature"];
    assert!(run("openssl", path, &verify).unwrap().status.success());
    fs::write(path.join("message"), b"what was not signed").unwrap();
    assert!(!run("openssl", path, &verify).unwrap().status.success());
}

#[test]
fn we_read_the_keys_of_openssl_and_no_others() {
    let folder = folder("openssl-theirs");
    let path = folder.as_path();
    let Some(_) = run("openssl", path, &["genpkey", "-algorithm", "ed25519", "-out", "key.pem"]) else { return };
    let key = SecretKey::from_pem(&fs::read_to_string(path.join("key.pem")).unwrap()).unwrap();
    let public = run("openssl", path, &["pkey", "-in", "key.pem", "-pubout"]).unwrap().stdout;
    assert_eq!(PublicKey::from_pem(&String::from_utf8(public).unwrap()).unwrap(), key.public());

    for other in [&["-algorithm", "x25519"][..], &["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:1024"]] {
        let arguments = [&["genpkey", "-out", "other.pem"], other].concat();
        assert!(run("openssl", path, &arguments).unwrap().status.success());
        assert!(SecretKey::from_pem(&fs::read_to_string(path.join("other.pem")).unwrap()).is_err());
    }
    let encrypt = ["pkcs8", "-topk8", "-in", "key.pem", "-out", "locked.pem", "-passout", "pass:x"];
    assert!(run("openssl", path, &encrypt).unwrap().status.success());
    assert!(SecretKey::from_pem(&fs::read_to_string(path.join("locked.pem")).unwrap()).is_err());
}

#[test]
fn openssh_prints_the_same_fingerprint() {
    let folder = folder("openssh");
    let key = SecretKey::from_seed(&[42; 32]);
    fs::write(folder.join("key.pub"), format!("{}\n", key.public())).unwrap();
    let Some(output) = run("ssh-keygen", &folder, &["-l", "-f", "key.pub"]) else { return };
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.split(' ').nth(1), Some(key.public().fingerprint().as_str()));
    let other = SecretKey::from_seed(&[43; 32]);
    assert_ne!(printed.split(' ').nth(1), Some(other.public().fingerprint().as_str()));
}

/// Runs a program in a folder; none if it is not installed.
fn run(program: &str, folder: &Path, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).current_dir(folder).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("skipped: {program} is not here: {error}");
            None
        }
    }
}

/// Returns a folder of the test's own.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&path).unwrap();
    path
}
