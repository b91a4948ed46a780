//! Materials that are too large for git lie in a store that the policy in the ledger names: a folder that all machines reach, or a bucket.
//!
//! Buckets are those of `moto_server` (`pip install 'moto[server]'`), a server that speaks S3; where it is not installed, its tests say so.

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::team::{LEDGER_REF, Machine, Team};
use common::{POLICY, Ran, junit};

/// More tests than this are a report that is too large for git.
const LARGE: usize = 6_000;

fn store(team: &Team) -> PathBuf {
    team.path("store")
}

/// Puts a policy into force that names a folder of the team for what has more than 256 KiB.
fn with_store(team: &Team) {
    fs::create_dir(store(team)).unwrap();
    name_store(team, &format!("file://{}", store(team).display()));
}

fn name_store(team: &Team, url: &str) {
    let owner = team.machine(&format!("owner-{}", url.len()));
    let table = format!("{POLICY}\n[materials]\nstore = \"{url}\"\ninline_max = \"256 KiB\"\n");
    fs::write(owner.path("policy.toml"), table).unwrap();
    owner.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "large reports"]);
}

/// A machine whose change needs tests and a scan, and has the scan.
fn began(team: &Team) -> Machine {
    let ci = team.machine("ci-box");
    ci.begin("feature", "medium");
    ci.ok("ci-1", &["attest", "build", "--", "true"]);
    fs::write(ci.path("scan.sarif"), common::sarif(&[])).unwrap();
    ci.ok("ci-1", &["attest", "scan", "--report", "../scan.sarif"]);
    ci
}

fn attest(ci: &Machine, tests: usize) -> Ran {
    fs::write(ci.path("tests.xml"), junit(tests, 0)).unwrap();
    ci.by("ci-1", &["attest", "unit-tests", "--report", "../tests.xml"])
}

/// A machine that has nothing yet, on the branch.
fn fresh(team: &Team, name: &str) -> Machine {
    let machine = team.machine(name);
    machine.git(&["switch", "-q", "feature"]);
    machine
}

/// The objects of the store.
fn objects(team: &Team) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(store(team)).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn object(team: &Team) -> PathBuf {
    let found = objects(team);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

#[test]
fn large_report_of_one_machine_is_judged_by_another_and_the_ref_does_not_have_it() {
    let team = Team::new();
    with_store(&team);
    let ci = began(&team);
    assert!(objects(&team).is_empty(), "what is small is an object of git");
    let ran = attest(&ci, LARGE);
    assert_eq!(ran.code, 0, "{ran:?}");
    let object = object(&team);
    let name = object.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(fs::read(&object).unwrap(), fs::read(ci.path("tests.xml")).unwrap());
    assert!(!team.git(&["ls-tree", "-r", "--name-only", LEDGER_REF]).contains(&name));
    let gate = fresh(&team, "gate");
    let verdict = gate.verify("shop/feature");
    verdict.accepted();
    assert!(verdict.json.to_string().contains("6000 of 6000 tests pass"), "{}", verdict.json);
    // The second time nothing is fetched: the copy has it.
    fs::rename(store(&team), team.path("away")).unwrap();
    gate.verify("shop/feature").accepted();
    gate.ok("reviewer", &["ledger", "check"]);
    gate.ok("reviewer", &["export", "shop/feature", "-o", "../proof.zip"]);
    gate.ok("reviewer", &["audit", "../proof.zip"]);
    fs::rename(team.path("away"), store(&team)).unwrap();
    // Whoever exports or checks first fetches too, and an auditor needs no store.
    let auditor = fresh(&team, "auditor");
    auditor.ok("reviewer", &["export", "shop/feature", "-o", "../proof.zip"]);
    fs::rename(store(&team), team.path("away")).unwrap();
    auditor.ok("reviewer", &["audit", "../proof.zip"]);
    fs::rename(team.path("away"), store(&team)).unwrap();
    let checked = fresh(&team, "checker").ok("reviewer", &["ledger", "check", "--json"]).json();
    assert!(checked["missing"].as_array().is_some_and(Vec::is_empty), "{checked}");
}

#[test]
fn size_at_the_limit_is_an_object_of_git_and_one_byte_more_is_not() {
    let team = Team::new();
    with_store(&team);
    let ci = began(&team);
    for (bytes, stored) in [(256 * 1024, 0), (256 * 1024 + 1, 1)] {
        let mut report = junit(3, 0);
        report.push_str(&" ".repeat(bytes - report.len()));
        fs::write(ci.path("tests.xml"), report).unwrap();
        ci.ok("ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
        assert_eq!(objects(&team).len(), stored, "{bytes}");
        fresh(&team, &format!("gate-{bytes}")).verify("shop/feature").accepted();
    }
}

#[test]
fn other_bytes_in_the_store_are_a_missing_material_and_the_store_is_named() {
    let team = Team::new();
    with_store(&team);
    let ci = began(&team);
    assert_eq!(attest(&ci, LARGE).code, 0);
    let object = object(&team);
    let bytes = fs::read(&object).unwrap();
    // More tests, fewer tests, nothing at all: none of it is the report that was signed.
    for other in [junit(LARGE + 1, 0).into_bytes(), bytes[..bytes.len() - 1].to_vec(), Vec::new()] {
        fs::write(&object, &other).unwrap();
        let gate = fresh(&team, &format!("gate-{}", other.len()));
        let ran = gate.by("reviewer", &["verify", "shop/feature"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        let told = format!("warning: the object store file://{} has other bytes under", store(&team).display());
        assert_eq!(ran.err.matches(&told).count(), 1, "{ran:?}");
        gate.verify("shop/feature").refused(&["E216"]);
        // Nothing of it stays: with the right bytes it is judged.
        fs::write(&object, &bytes).unwrap();
        gate.verify("shop/feature").accepted();
    }
    // Bytes of the copy that are changed later are an alarm, as ever.
    let gate = fresh(&team, "gate-copy");
    gate.verify("shop/feature").accepted();
    let name = object.file_name().unwrap().to_str().unwrap();
    fs::write(gate.copy().join("blobs/sha256").join(&name[..2]).join(name), junit(LARGE + 1, 0)).unwrap();
    assert_eq!(gate.by("reviewer", &["verify", "shop/feature"]).code, 3);
}

#[test]
fn object_that_was_removed_is_told_apart_from_a_store_that_cannot_be_reached() {
    let team = Team::new();
    with_store(&team);
    let ci = began(&team);
    assert_eq!(attest(&ci, LARGE).code, 0);
    let object = object(&team);
    let bytes = fs::read(&object).unwrap();
    fs::remove_file(&object).unwrap();
    let gate = fresh(&team, "gate");
    gate.verify("shop/feature").refused(&["E216"]);
    let checked = gate.by("reviewer", &["ledger", "check"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    assert!(checked.err.contains("E216") && checked.err.contains("1 materials"), "{checked:?}");
    // Not mounted is not empty: nothing is judged.
    fs::rename(store(&team), team.path("away")).unwrap();
    for words in [&["verify", "shop/feature"][..], &["ledger", "check"], &["export", "shop/feature", "-o", "../x.zip"]]
    {
        let ran = gate.by("reviewer", words);
        assert_eq!(ran.code, 2, "{words:?}: {ran:?}");
        assert!(ran.err.contains("cannot be reached"), "{words:?}: {ran:?}");
    }
    fs::rename(team.path("away"), store(&team)).unwrap();
    fs::write(&object, bytes).unwrap();
    gate.verify("shop/feature").accepted();
}

#[test]
fn store_that_cannot_be_written_lets_no_receipt_be_given_and_the_result_waits() {
    let team = Team::new();
    with_store(&team);
    let ci = began(&team);
    fs::rename(store(&team), team.path("away")).unwrap();
    let before = team.head();
    fs::write(ci.path("tests.xml"), junit(LARGE, 0)).unwrap();
    let words = ["attest", "unit-tests", "--report", "../tests.xml", "--", "touch", "../tests.xml"];
    let ran = ci.by("ci-1", &words);
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.err.contains("the object store file://") && ran.err.contains("cannot be reached"), "{ran:?}");
    assert!(!store(&team).exists(), "nobody makes the folder of an unmounted share");
    // The start was logged; the result was not.
    assert_eq!(team.git(&["rev-list", "--first-parent", "--count", &format!("{before}..{LEDGER_REF}")]), "1");
    ci.verify("shop/feature").refused(&["E204"]);
    fs::rename(team.path("away"), store(&team)).unwrap();
    ci.ok("ci-1", &["attest", "--flush"]);
    assert_eq!(objects(&team).len(), 1);
    fresh(&team, "gate").verify("shop/feature").accepted();
}

#[test]
fn name_that_somebody_took_before_with_other_bytes_is_taken_back() {
    let team = Team::new();
    with_store(&team);
    let ci = began(&team);
    fs::write(ci.path("tests.xml"), junit(LARGE, 0)).unwrap();
    let sum = Command::new("sha256sum").arg(ci.path("tests.xml")).output().unwrap();
    let name = String::from_utf8(sum.stdout).unwrap()[..64].to_owned();
    let planted = store(&team).join(&name);
    fs::write(&planted, "planted").unwrap();
    let ran = ci.by("ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("has other bytes under") && ran.err.contains("which are replaced"), "{ran:?}");
    assert_eq!(fs::read(&planted).unwrap(), fs::read(ci.path("tests.xml")).unwrap());
    fresh(&team, "gate").verify("shop/feature").accepted();
    // The same bytes again cost nothing and say nothing.
    let ran = ci.ok("ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
    assert!(!ran.err.contains("other bytes"), "{ran:?}");
}

#[test]
fn name_that_cannot_be_taken_back_gives_no_receipt() {
    let team = Team::new();
    with_store(&team);
    let ci = began(&team);
    fs::write(ci.path("tests.xml"), junit(LARGE, 0)).unwrap();
    let sum = Command::new("sha256sum").arg(ci.path("tests.xml")).output().unwrap();
    let name = String::from_utf8(sum.stdout).unwrap()[..64].to_owned();
    // What lies there is no object that could be read or replaced.
    fs::create_dir(store(&team).join(&name)).unwrap();
    let ran = ci.by("ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("is no file"), "{ran:?}");
    ci.verify("shop/feature").refused(&["E204"]);
}

#[test]
fn clones_that_put_the_same_bytes_at_once_both_have_their_receipt() {
    let team = Team::new();
    with_store(&team);
    began(&team);
    let machines: Vec<Machine> = (0..4).map(|number| fresh(&team, &format!("m{number}"))).collect();
    let children: Vec<_> = machines
        .iter()
        .map(|machine| {
            fs::write(machine.path("tests.xml"), junit(LARGE, 0)).unwrap();
            let mut command = machine.command("ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!ran.err.contains("other bytes"), "{ran:?}");
    }
    object(&team);
    let gate = fresh(&team, "gate");
    gate.verify("shop/feature").accepted();
    gate.ok("reviewer", &["ledger", "check"]);
}

#[test]
fn kill_between_upload_and_push_leaves_an_object_and_no_record_and_is_delivered_later() {
    let team = Team::new();
    with_store(&team);
    let ci = began(&team);
    // The start passes; the result is stopped where it was uploaded and is not in the ledger yet.
    let hook = team.remote().join("hooks/pre-receive");
    let (met, stored) = (team.path("met"), store(&team));
    let script =
        format!("#!/bin/sh\nls {} | grep -q . || exit 0\n: > {}\nsleep 5\nexit 1\n", stored.display(), met.display());
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(ci.path("tests.xml"), junit(LARGE, 0)).unwrap();
    let mut command = ci.command("ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    common::wait_for(&met);
    child.kill().unwrap();
    child.wait().unwrap();
    object(&team);
    fs::remove_file(&hook).unwrap();
    let gate = fresh(&team, "gate");
    gate.verify("shop/feature").refused(&["E204"]);
    ci.ok("ci-1", &["attest", "--flush"]);
    object(&team);
    gate.verify("shop/feature").accepted();
}

#[test]
fn store_of_an_older_policy_is_still_read_and_that_of_the_judged_branch_never() {
    let team = Team::new();
    with_store(&team);
    let ci = began(&team);
    assert_eq!(attest(&ci, LARGE).code, 0);
    let old = object(&team);
    // From now on another folder, for what comes new.
    fs::create_dir(team.path("next-store")).unwrap();
    name_store(&team, &format!("file://{}", team.path("next-store").display()));
    fresh(&team, "gate").verify("shop/feature").accepted();
    assert_eq!(attest(&ci, LARGE + 1).code, 0);
    assert_eq!(fs::read_dir(team.path("next-store")).unwrap().count(), 1);
    assert_eq!(object(&team), old);
    fresh(&team, "gate-2").verify("shop/feature").accepted();
    // What the branch says of stores is a file like any other.
    fs::create_dir(team.path("evil-store")).unwrap();
    let evil = format!("{POLICY}\n[materials]\nstore = \"file://{}\"\n", team.path("evil-store").display());
    ci.commit(".evidence/policy.toml", &evil);
    assert_eq!(attest(&ci, LARGE + 2).code, 0);
    assert_eq!(fs::read_dir(team.path("evil-store")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(team.path("next-store")).unwrap().count(), 2);
}

#[test]
fn store_is_chosen_by_whoever_may_change_the_policy() {
    let team = Team::new();
    with_store(&team);
    let ci = began(&team);
    let evil = format!("{POLICY}\n[materials]\nstore = \"file://{}\"\n", team.path("evil-store").display());
    fs::write(ci.path("evil.toml"), evil).unwrap();
    let ran = ci.by("ci-1", &["policy", "apply", "../evil.toml", "--reason", "mine"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let shown = ci.ok("owner", &["policy", "diff", "../evil.toml"]);
    assert!(shown.out.contains("materials: store file://") && shown.out.contains("(weaker)"), "{shown:?}");
    let explained = ci.ok("owner", &["policy", "explain", "shop/feature"]);
    assert!(explained.out.contains("more than 256 KiB lie in file://"), "{explained:?}");
}

#[test]
fn without_a_store_large_reports_are_objects_of_git_as_before() {
    let team = Team::new();
    let ci = began(&team);
    assert_eq!(attest(&ci, LARGE).code, 0);
    fresh(&team, "gate").verify("shop/feature").accepted();
}

/// A server that speaks S3, with the bucket `shop-evidence`.
struct S3 {
    server: Child,
    port: u16,
}

impl S3 {
    fn start(team: &Team) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = fs::File::create(team.path("moto.log")).unwrap();
        let mut command = Command::new("moto_server");
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(log.try_clone().unwrap()).stderr(log);
        let server = match command.spawn() {
            Ok(server) => server,
            Err(error) => {
                eprintln!("skipped: no bucket was asked, moto_server is not here: {error}; pip install 'moto[server]'");
                return None;
            }
        };
        let s3 = Self { server, port };
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "{}", fs::read_to_string(team.path("moto.log")).unwrap());
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(s3.ask("PUT", "/shop-evidence", b"").0, 200);
        Some(s3)
    }

    /// Asks it without the client that is tested; returns status and answer.
    fn ask(&self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{SIGNED}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }

    fn keys(&self) -> Vec<String> {
        let (_, listing) = self.ask("GET", "/shop-evidence?list-type=2", b"");
        listing.split("<Key>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
    }

    /// Runs the program in the environment of somebody who may use the bucket.
    fn by(&self, machine: &Machine, who: &str, words: &[&str]) -> Ran {
        Ran::of(s3_command(machine, who, words, self.port).output().unwrap())
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn s3_command(machine: &Machine, who: &str, words: &[&str], port: u16) -> Command {
    let mut command = machine.command(who, words);
    command.env("AWS_ACCESS_KEY_ID", "canary-of-the-key-id").env("AWS_SECRET_ACCESS_KEY", CANARY);
    command.env("AWS_ENDPOINT", format!("http://127.0.0.1:{port}")).env("AWS_ALLOW_HTTP", "true");
    command.env("AWS_REGION", "eu-central-1").env("EVIDENCE_REMOTE_SILENCE", "5");
    command
}

#[test]
fn bucket_keeps_what_is_large_and_is_not_believed() {
    let team = Team::new();
    let Some(s3) = S3::start(&team) else { return };
    name_store(&team, "s3://shop-evidence/team/shop");
    let ci = began(&team);
    // One request for the first, several parts for the second.
    for bytes in [400 * 1024, 20 << 20] {
        let mut report = junit(3, 0);
        report.push_str(&" ".repeat(bytes - report.len()));
        fs::write(ci.path("tests.xml"), &report).unwrap();
        let ran = s3.by(&ci, "ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let gate = fresh(&team, &format!("gate-{bytes}"));
        let ran = s3.by(&gate, "reviewer", &["verify", "shop/feature"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        // The same bytes again: they are there, and that is seen.
        let ran = s3.by(&ci, "ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
        assert!(ran.code == 0 && !ran.err.contains("other bytes"), "{ran:?}");
    }
    let keys = s3.keys();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(keys.iter().all(|key| key.starts_with("team/shop/") && key.len() == "team/shop/".len() + 64), "{keys:?}");
    // Other bytes are a missing material, and the bucket is named.
    for key in &keys {
        assert_eq!(s3.ask("PUT", &format!("/shop-evidence/{key}"), b"other").0, 200);
    }
    let gate = fresh(&team, "gate-other");
    let ran = s3.by(&gate, "reviewer", &["verify", "shop/feature"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.err.contains("warning: the object store s3://shop-evidence/team/shop has other bytes under"),
        "{ran:?}"
    );
    // Whoever attests the same again puts the right ones in their place.
    let ran = s3.by(&ci, "ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
    assert!(ran.code == 0 && ran.err.contains("which are replaced"), "{ran:?}");
    let ran = s3.by(&gate, "reviewer", &["verify", "shop/feature"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // Nothing is a missing material, no bucket is no answer.
    for key in &keys {
        s3.ask("DELETE", &format!("/shop-evidence/{key}"), b"");
    }
    let gate = fresh(&team, "gate-none");
    let ran = s3.by(&gate, "reviewer", &["verify", "shop/feature"]);
    assert!(ran.code == 1 && ran.out.contains("E216") && !ran.err.contains("other bytes"), "{ran:?}");
    s3.ask("DELETE", "/shop-evidence", b"");
    let ran = s3.by(&gate, "reviewer", &["verify", "shop/feature"]);
    assert!(ran.code == 2 && ran.err.contains("NoSuchBucket"), "{ran:?}");
    no_canary(&team, &ran);
}

#[test]
fn bucket_that_cannot_be_asked_is_given_up_and_no_message_has_a_credential() {
    let team = Team::new();
    name_store(&team, "s3://shop-evidence/team/shop");
    let ci = began(&team);
    fs::write(ci.path("tests.xml"), junit(LARGE, 0)).unwrap();
    let words = ["attest", "unit-tests", "--report", "../tests.xml"];
    // A port that nobody listens at.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ran = Ran::of(s3_command(&ci, "ci-1", &words, closed).output().unwrap());
    assert!(ran.code == 2 && ran.err.contains("s3://shop-evidence/team/shop cannot be reached"), "{ran:?}");
    no_canary(&team, &ran);
    // A server that takes calls and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let since = Instant::now();
    let mut command = s3_command(&ci, "ci-1", &words, silent.local_addr().unwrap().port());
    let ran = Ran::of(command.env("EVIDENCE_REMOTE_SILENCE", "1").output().unwrap());
    assert!(ran.code == 2 && ran.err.contains("cannot be reached"), "{ran:?}");
    assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
    no_canary(&team, &ran);
    // Without TLS only where the environment allows it.
    let mut command = s3_command(&ci, "ci-1", &words, closed);
    let ran = Ran::of(command.env_remove("AWS_ALLOW_HTTP").output().unwrap());
    assert!(ran.code == 2 && ran.err.contains("cannot be reached"), "{ran:?}");
    assert!(!ran.err.contains("onnection refused"), "nothing was sent: {ran:?}");
    // A server that repeats what it was told.
    let rude = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = rude.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in rude.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked);
            let said = format!(
                "<Error><Code>SignatureDoesNotMatch</Code><Message>{CANARY} of canary-of-the-key-id</Message></Error>"
            );
            let head = format!("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", said.len());
            let _ = stream.write_all(format!("{head}{said}").as_bytes());
        }
    });
    let ran = Ran::of(s3_command(&ci, "ci-1", &words, port).output().unwrap());
    assert!(ran.code == 2 && ran.err.contains("SignatureDoesNotMatch: *** of ***"), "{ran:?}");
    no_canary(&team, &ran);
    // All of them wait, and none was recorded.
    ci.verify("shop/feature").refused(&["E204"]);
}

/// Looks for the credentials in an answer, and in every file of the team's.
fn no_canary(team: &Team, ran: &Ran) {
    assert!(!ran.out.contains("canary") && !ran.err.contains("canary"), "{ran:?}");
    let found =
        Command::new("grep").args(["-rlaF", "-e", CANARY, "-e", "canary-of-the-key-id"]).arg(team.path("")).output();
    let found = String::from_utf8(found.unwrap().stdout).unwrap();
    assert!(found.is_empty(), "{found}");
}

/// It believes every signature.
const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00";
const CANARY: &str = "canary-of-the-secret-key-0123456789";
