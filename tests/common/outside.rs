//! What else reaches the program from outside, as targets of `tests/fuzz.rs`: git objects, an agent's answers, Rego, specifications,
//! baselines, receipts, words, and bundles whose container is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use evidence_ledger::append::Receipt;
use evidence_ledger::attest::Agent;
use evidence_ledger::crypto::{EcdsaKey, KeyFile, NoteKey, PrivateKey, PublicKey, SecretKey, Sign};
use evidence_ledger::export::{Bundle, audit};
use evidence_ledger::git::{Forge, Mode, Object, Objects, ObjectsError, changed_lines};
use evidence_ledger::model::{ChangeId, ClaimName, CriterionId, Digest, Id, Oid, Shard, Size, Span, StoreUrl, is_tag};
use evidence_ledger::policy::{Baseline, Policy};
use evidence_ledger::prove::{Shown, Trust};
use evidence_ledger::rego::{CHILD, Evaluator};
use evidence_ledger::reports::{Format, SpecForm, media, read_spec};
use evidence_ledger::store::Ledger;
use evidence_ledger::verify::question_digest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::common::{EVIDENCE, POLICY, Rig};
use super::container::{pack, unpack};
use super::{Said, Target, same, target};

/// Git's objects, and what follows from two versions of a file.
pub fn of_git() -> Vec<Target<'static>> {
    vec![target("git-object", git_objects(), git_object), target("changed-lines", pairs(), lines_of_pair)]
}

/// Reads bytes as an object under its right id: as they are, and with the size in the header put right.
fn git_object(bytes: &[u8]) -> Said {
    let Some(zero) = bytes.iter().position(|byte| *byte == 0) else { return checked(bytes, 40) };
    let (head, content) = (&bytes[..zero], &bytes[zero + 1..]);
    let kind = head.split(|byte| *byte == b' ').next().unwrap_or_default();
    let sized = [kind, format!(" {}\0", content.len()).as_bytes(), content].concat();
    let mut took = checked(bytes, 40)?;
    for digits in [40, 64] {
        took |= checked(&sized, digits)?;
    }
    Ok(took)
}

fn checked(raw: &[u8], digits: usize) -> Said {
    let oid = oid_of(raw, digits);
    let Ok(object) = Object::check(&oid, raw) else { return Ok(false) };
    if let Ok(entries) = object.tree() {
        let print = |mode: Mode, name: &[u8], oid: &Oid| {
            [mode.octal().as_bytes(), b" ", name, b"\0", &hex::decode(oid.as_str()).unwrap()].concat()
        };
        let printed: Vec<u8> = entries.iter().flat_map(|entry| print(entry.mode, &entry.name, &entry.oid)).collect();
        return same(printed, object.content());
    }
    if let Ok(commit) = object.commit() {
        let mut head = format!("tree {}\n", commit.tree);
        for parent in &commit.parents {
            head.push_str(&format!("parent {parent}\n"));
        }
        let _ = (commit.people(), commit.plans());
        let is_read = object.content().starts_with(head.as_bytes()) && object.content().ends_with(commit.message());
        return if is_read { Ok(true) } else { Err("its parents or its message are others".to_owned()) };
    }
    // Of a blob and a tag nothing is read.
    Ok(false)
}

fn oid_of(raw: &[u8], digits: usize) -> Oid {
    let hex = if digits == 40 {
        hex::encode(sha1_checked::Sha1::try_digest(raw).hash())
    } else {
        hex::encode(Sha256::digest(raw))
    };
    hex.parse().unwrap()
}

fn raw(kind: &str, content: &[u8]) -> Vec<u8> {
    [format!("{kind} {}\0", content.len()).as_bytes(), content].concat()
}

fn git_objects() -> Vec<Vec<u8>> {
    let (long, short) = (
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
    );
    let people = "author A <Ana@X.example> 1700000000 +0000\ncommitter B <bo@x.example> 1700000001 +0100\n";
    let plan = format!("Evidence-Plan: shop/7 {}\nCo-authored-by: C <c@x.example>\n", "ab".repeat(32));
    let signed = "gpgsig -----BEGIN SSH SIGNATURE-----\n U1NI\n -----END SSH SIGNATURE-----\n";
    let tag = format!("object {long}\ntype commit\ntag v1\ntagger A <a@x.example> 1 +0000\n\nv1\n");
    let entry = |mode: &str, name: &str, bytes: usize| {
        [mode.as_bytes(), b" ", name.as_bytes(), b"\0", &vec![7; bytes]].concat()
    };
    let tree = |bytes: usize| {
        let names = [("100644", "a"), ("100755", "a.b"), ("40000", "b"), ("120000", "c"), ("160000", "d")];
        names.map(|(mode, name)| entry(mode, name, bytes)).concat()
    };
    vec![
        raw("commit", format!("tree {long}\n{people}\nwork\n").as_bytes()),
        raw(
            "commit",
            format!("tree {long}\nparent {long}\nparent {long}\n{people}{signed}encoding UTF-8\n\nwork\n\n{plan}")
                .as_bytes(),
        ),
        raw("commit", format!("tree {short}\nparent {short}\n{people}\nwork\n\n{plan}").as_bytes()),
        raw("tree", &tree(20)),
        raw("tree", &tree(32)),
        raw("tag", tag.as_bytes()),
        raw("blob", b"x\n"),
    ]
}

/// Two versions of a file behind its name, with zero bytes between.
fn pairs() -> Vec<Vec<u8>> {
    vec![
        b"src/a.rs\0one\ntwo\nthree\n\0one\n2\nthree\nfour\n".to_vec(),
        b"a.c\0\0new\n\nlines\r\n".to_vec(),
        "b\0x\n\n\ny\0x\ny\u{2028}z\n".as_bytes().to_vec(),
    ]
}

/// Objects by their id.
struct Held(BTreeMap<Oid, Vec<u8>>);

impl Held {
    fn put(&mut self, kind: &str, content: &[u8]) -> Oid {
        let raw = raw(kind, content);
        let oid = oid_of(&raw, 40);
        self.0.insert(oid.clone(), raw);
        oid
    }

    /// A commit of one file in its folders.
    fn commit(&mut self, path: &str, content: &[u8], parent: Option<&Oid>) -> Oid {
        let mut oid = self.put("blob", content);
        let mut mode = "100644";
        for name in path.rsplit('/') {
            let id = hex::decode(oid.as_str()).unwrap();
            oid = self.put("tree", &[mode.as_bytes(), b" ", name.as_bytes(), b"\0", &id].concat());
            mode = "40000";
        }
        let parent = parent.map_or_else(String::new, |parent| format!("parent {parent}\n"));
        let people = "author A <a@x.example> 1 +0000\ncommitter A <a@x.example> 1 +0000\n";
        self.put("commit", format!("tree {oid}\n{parent}{people}\nwork\n").as_bytes())
    }
}

impl Objects for Held {
    fn object(&self, oid: &Oid) -> Result<Option<Vec<u8>>, ObjectsError> {
        Ok(self.0.get(oid).cloned())
    }
}

/// A line that the base does not have is changed; runs of changed lines ascend, apart from each other, within the file.
fn lines_of_pair(bytes: &[u8]) -> Said {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let (Some(path), Some(before), Some(after)) = (parts.next(), parts.next(), parts.next()) else { return Ok(false) };
    let Ok(path) = std::str::from_utf8(path) else { return Ok(false) };
    let mut held = Held(BTreeMap::new());
    let base = held.commit(path, before, None);
    let head = held.commit(path, after, Some(&base));
    let Ok(changed) = changed_lines(&held, &head, &base, &[]) else { return Ok(false) };
    let Some(lines) = changed.lines.values().next() else { return Ok(true) };
    let mut last = None;
    for (from, to) in &lines.changed {
        if from > to || *from == 0 || *to > lines.count || last.is_some_and(|last| *from <= last + 1) {
            return Err(format!("runs of changed lines: {:?} of {}", lines.changed, lines.count));
        }
        last = Some(*to);
    }
    let old: BTreeSet<&[u8]> = before.split(|byte| *byte == b'\n').collect();
    for (number, line) in (1_u64..).zip(after.split(|byte| *byte == b'\n')) {
        let is_changed = lines.changed.iter().any(|(from, to)| (*from..=*to).contains(&number));
        let is_new = !old.contains(line) && !line.trim_ascii().is_empty();
        if is_new && !is_changed {
            return Err(format!("line {number} is new, and not among {:?}", lines.changed));
        }
    }
    Ok(true)
}

/// What an agent at a socket says: its list of keys, and a signature.
pub fn of_agent(folder: &Path) -> Vec<Target<'static>> {
    let speaker = Speaker::at(&folder.join("agent.sock"));
    let keys = agents_keys();
    let public: Vec<PublicKey> = keys.iter().map(Sign::public).collect();
    let list = list_of(&public);
    let list_seeds = vec![list.clone(), list_of(&[]), framed(&list), vec![1, 0, 0, 0, 1, 5]];
    let signed = |key: &PrivateKey| {
        let word = key.public().to_string().split(' ').next().unwrap().to_owned();
        let signature = match key {
            PrivateKey::Ed25519(_) => key.sign(MESSAGE).unwrap(),
            PrivateKey::EcdsaP256(_) => {
                let raw = key.sign(MESSAGE).unwrap();
                [string(&[&[0], &raw[..32]].concat()), string(&[&[0], &raw[32..]].concat())].concat()
            }
        };
        [&[0, 14][..], &string(&[string(word.as_bytes()), string(&signature)].concat())].concat()
    };
    let first = speaker.clone();
    vec![
        target("agent-keys", list_seeds, move |bytes| {
            first.will_say(&[bytes]);
            let Ok(found) = first.agent.keys() else { return Ok(false) };
            for key in &found {
                let again = PublicKey::from_wire(&key.public().to_wire()).map_err(|error| error.to_string())?;
                if again != key.public() {
                    return Err("a key reads otherwise".to_owned());
                }
            }
            Ok(true)
        }),
        target("agent-signature", keys.iter().map(signed).collect(), move |bytes| {
            speaker.will_say(&[&list]);
            let held = speaker.agent.keys().map_err(|error| error.to_string())?;
            if held.len() != public.len() {
                return Err(format!("{} keys; wanted {}", held.len(), public.len()));
            }
            let mut took = false;
            for key in &held {
                speaker.will_say(&[bytes]);
                if let Ok(signature) = key.sign(MESSAGE) {
                    key.public().verify(MESSAGE, &signature).map_err(|_| "the signature does not hold".to_owned())?;
                    took = true;
                }
            }
            Ok(took)
        }),
    ]
}

/// TEST KEYS, NOT SECRET.
fn agents_keys() -> [PrivateKey; 2] {
    let seed = *b"EVIDENCE TEST KEY, NOT SECRET 01";
    [PrivateKey::Ed25519(SecretKey::from_seed(&seed)), PrivateKey::EcdsaP256(EcdsaKey::from_bytes(&seed).unwrap())]
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// An answer to the question which keys there are; the zero before it asks for a length that is right.
fn list_of(keys: &[PublicKey]) -> Vec<u8> {
    let mut answer = vec![0, 12];
    answer.extend(u32::try_from(keys.len()).unwrap().to_be_bytes());
    for key in keys {
        answer.extend(string(&key.to_wire()));
        answer.extend(string(b"EVIDENCE TEST KEY"));
    }
    answer
}

/// The same with its length, so that this is changed too.
fn framed(answer: &[u8]) -> Vec<u8> {
    [&[1][..], &string(&answer[1..])].concat()
}

/// A socket that says what it is told, whatever it is asked.
#[derive(Clone)]
struct Speaker {
    agent: Agent,
    next: Arc<Mutex<Vec<u8>>>,
}

impl Speaker {
    fn at(socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let speaker = Self { agent: Agent::at(socket), next: Arc::default() };
        let next = Arc::clone(&speaker.next);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut length = [0; 4];
                stream.read_exact(&mut length).unwrap();
                std::io::copy(&mut (&stream).take(u32::from_be_bytes(length).into()), &mut std::io::sink()).unwrap();
                // Who has heard enough hangs up.
                let _ = stream.write_all(&next.lock().unwrap());
            }
        });
        speaker
    }

    /// An even first byte stands for the length of the rest.
    fn will_say(&self, parts: &[&[u8]]) {
        let bytes = parts.concat();
        let said = match bytes.split_first() {
            Some((first, rest)) if first % 2 == 0 => string(rest),
            Some((_, rest)) => rest.to_vec(),
            None => Vec::new(),
        };
        *self.next.lock().unwrap() = said;
    }
}

/// Modules and inputs, each through a process of its own as in earnest; within the bounds of a policy that holds the module.
pub fn of_rego() -> Vec<Target<'static>> {
    let modules = || -> Vec<Vec<u8>> {
        let rules = [
            "deny contains \"x\" if input.tier.effective == \"high\"",
            "deny contains {\"msg\": sprintf(\"%d\", [count(input.paths)]), \"thing\": \"size\"} if count(input.paths) > 0",
            "import rego.v1\n\nf(x) := x + 1\n\ndeny contains msg if {\n    some path in input.paths\n    startswith(path, \"src/\")\n    msg := concat(\" \", [\"no\", path])\n}",
            "deny contains \"y\" if every path in input.paths { regex.match(\"^a.*b$\", path) }\ndeny contains \"z\" if not input.change",
        ];
        rules.map(|rules| format!("package evidence\n\n{rules}\n").into_bytes()).to_vec()
    };
    let known = json!({"change": "shop/7", "tier": {"effective": "high", "planned": "low"}, "paths": ["src/a", "b"]});
    let inputs = vec![known.to_string().into_bytes(), b"{\"paths\": [1e308, null, {}]}".to_vec(), b"[".to_vec()];
    let fixed = inputs[0].clone();
    let module = String::from_utf8(modules().remove(2)).unwrap();
    vec![
        target("rego-module", modules(), move |bytes| {
            let Some(module) = bounded(bytes) else { return Ok(false) };
            let took = child(&module, None)?;
            child(&module, Some(&fixed))?;
            Ok(took)
        }),
        target("rego-input", inputs, move |bytes| child(&module, Some(bytes))),
    ]
}

/// Returns a module that a policy may hold.
fn bounded(bytes: &[u8]) -> Option<String> {
    let module = std::str::from_utf8(bytes).ok()?;
    let text = toml::Value::String(module.to_owned()).to_string();
    let policy = Policy::parse(&POLICY.replace("[claim.build]", &format!("rego = {text}\n[claim.build]"))).ok()?;
    policy.rego().map(|rego| rego.text().to_owned())
}

/// Asks a child what is wrong with a module, or what it says to an input: it answers what it was asked, the same again, or is
/// stopped by its limits.
fn child(module: &str, input: Option<&[u8]>) -> Said {
    let word = if input.is_some() { "evaluate" } else { "check" };
    let given = input.unwrap_or_default();
    let head = format!("evidence-rego/v1 {word} {} {}\n", module.len(), given.len());
    let request = [head.as_bytes(), module.as_bytes(), given].concat();
    let first = answer(&request)?;
    let Some(line) = &first else { return Ok(false) };
    let reply: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let asked = question_digest(module.as_bytes(), given).to_string();
    if reply["reply"] != "too-much" && reply["question"] != asked.as_str() {
        return Err(format!("it answers another question: {reply}"));
    }
    if reply["reply"] == "denied" && answer(&request)? != first {
        return Err("it says another thing when it is asked again".to_owned());
    }
    Ok(reply["reply"] == "denied" || (reply["reply"] == "checked" && reply["mistake"].is_null()))
}

/// Returns the one line of a child that ended well, none of one that its limits ended.
fn answer(request: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut command = Command::new(EVIDENCE);
    command.arg(CHILD).env_clear().current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    // One that ends early reads not all.
    let _ = running.stdin.take().unwrap().write_all(request);
    let output = running.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) if output.stdout.ends_with(b"\n") => Ok(Some(output.stdout)),
        // A signal: of the limit on time, or because there is no more memory or stack.
        None => Ok(None),
        code => Err(format!("the child ended with {code:?} and said {said}")),
    }
}

/// Specifications, baselines, words and attachments.
pub fn of_settings() -> Vec<Target<'static>> {
    let toml = "[[criterion]]\nid = \"AC-1\"\ntext = \"a user logs in\"\ntests = [\"login*\"]\nclaims = [\"unit-tests\"]\npictures = [\"login\"]\ncritical = true\n\n[[criterion]]\nid = \"AC-2\"\ntext = \"it looks well\"\nhuman = true\n";
    let list = "# Story\n\n- [ ] AC-1: a user logs in and\n  out {tests: login*, out; claims: unit-tests; critical}\n1. [x] **AC-2**: it `{looks}` well {human}\n<!-- - [ ] no -->\n```\n- [ ] AC-3: no\n```\n* [X] AC-4: a picture {pictures: login}\n";
    let hash = "ab".repeat(32);
    let baseline = format!(
        "evidence-baseline/v1\nbranch shop:refs/heads/main\nprevious {hash}\nceiling unit-tests - skipped 3\nfloor unit-tests - coverage 8125\nmeasurement bench linux {hash} ps lower 9 10 11 linux%20x86 parse %C3%BC\npicture looks - {hash} 1 login\npictures looks - 1\ntest unit-tests - {hash} 54 s > b\ntests unit-tests - 1\n"
    );
    vec![
        target("spec-toml", vec![toml.into()], |bytes| spec(bytes, SpecForm::Toml)),
        target("spec-markdown", vec![list.into()], |bytes| spec(bytes, SpecForm::Markdown)),
        target("baseline", vec![baseline.into_bytes()], |bytes| {
            Baseline::parse(bytes).map_or(Ok(false), |baseline| same(baseline.print(), bytes))
        }),
        target("words", words(), word),
        target("media", pictures(), |bytes| {
            let kind = media(&mut &*bytes).map_err(|error| error.to_string())?;
            // In pieces it is the same.
            let (front, back) = bytes.split_at(bytes.len() / 2);
            let again = media(&mut front.chain(back)).map_err(|error| error.to_string())?;
            if kind == again { Ok(true) } else { Err(format!("{kind:?} at once and {again:?} in pieces")) }
        }),
        target("key-file", key_files(), |bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else { return Ok(false) };
            Ok(KeyFile::parse(text).is_ok())
        }),
    ]
}

/// What a CI system puts into the environment and into its event's file: the variables as lines, a blank line, the event.
pub fn of_forges() -> Target<'static> {
    let pull = json!({"number": 7, "pull_request": {"number": 7, "head": {"repo": {"full_name": "eve/shop"}}, "base": {"repo": {"full_name": "ana/shop"}}}});
    let push = json!({"before": "1".repeat(40), "ref": "refs/heads/main"});
    let github = "GITHUB_ACTIONS=true\nGITHUB_REPOSITORY=ana/shop\nGITHUB_EVENT_PATH=/event.json\n";
    let head = "0".repeat(39) + "1";
    let seeds = [
        format!("{github}GITHUB_EVENT_NAME=pull_request\nGITHUB_REF=refs/pull/7/merge\nGITHUB_SHA={head}\nGITHUB_BASE_REF=main\nGITHUB_HEAD_REF=feature/x\n\n{pull}"),
        format!("{github}GITHUB_EVENT_NAME=push\nGITHUB_REF=refs/heads/main\n\n{push}"),
        format!("{github}GITHUB_EVENT_NAME=merge_group\nGITHUB_REF=refs/heads/gh-readonly-queue/main/pr-12-{head}\n\n{{}}"),
        "GITLAB_CI=true\nCI_PIPELINE_SOURCE=merge_request_event\nCI_MERGE_REQUEST_EVENT_TYPE=merge_train\nCI_MERGE_REQUEST_IID=4\nCI_MERGE_REQUEST_SOURCE_PROJECT_ID=1\nCI_MERGE_REQUEST_PROJECT_ID=2\nCI_MERGE_REQUEST_SOURCE_BRANCH_NAME=x\nCI_MERGE_REQUEST_TARGET_BRANCH_NAME=main\n\n".to_owned(),
        format!("GITLAB_CI=true\nCI_COMMIT_BRANCH=main\nCI_COMMIT_BEFORE_SHA={}\n\n", "0".repeat(40)),
        "BITBUCKET_BUILD_NUMBER=3\nBITBUCKET_BRANCH=x\nBITBUCKET_PR_ID=9\nBITBUCKET_COMMIT=HEAD\nBITBUCKET_PR_DESTINATION_BRANCH=main\n\n".to_owned(),
        "JENKINS_URL=https://ci.example\nBRANCH_NAME=PR-5\nCHANGE_ID=5\nCHANGE_FORK=eve\nCHANGE_BRANCH=x\nCHANGE_TARGET=main\nGIT_PREVIOUS_COMMIT=abc\n\n".to_owned(),
    ];
    target("forge", seeds.map(String::into_bytes).to_vec(), forge)
}

fn forge(bytes: &[u8]) -> Said {
    let at = bytes.windows(2).position(|two| two == b"\n\n").unwrap_or(bytes.len());
    let (lines, event) = bytes.split_at(at);
    let event = event.get(2..).unwrap_or_default().to_vec();
    let text = String::from_utf8_lossy(lines).into_owned();
    let variables: BTreeMap<String, String> =
        text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect();
    let forge = Forge::new(move |name| variables.get(name).cloned(), move |_| Some(event.clone()));
    let context = forge.context();
    let wrong = |what: &str| Err(format!("{what} is none: {context:?}"));
    if context.values().any(|value| value.chars().count() > 500) {
        return wrong("what is recorded of the run");
    }
    if forge
        .queued_request()
        .is_some_and(|number| number.is_empty() || number.bytes().any(|byte| !byte.is_ascii_digit()))
    {
        return wrong("the request of a queue");
    }
    if forge.pushed_from().is_some_and(|from| from.is_empty() || from.bytes().all(|byte| byte == b'0')) {
        return wrong("where a push began");
    }
    let request = forge.request();
    let (number, is_of_fork) = request.as_ref().map_or(("", false), |request| (&request.number, request.is_of_fork));
    let source = forge.source_branch();
    if is_of_fork && source.as_ref().is_some_and(|name| !name.starts_with(&format!("request-{number}/"))) {
        return wrong("the name of a fork's branch");
    }
    if [&source, &forge.target(), &forge.merged_branch()].into_iter().flatten().any(String::is_empty) {
        // What stands before a request's number in the name of a queue may be nothing.
        return if forge.in_queue() { Ok(false) } else { wrong("a branch") };
    }
    let oids = ["1", "2", "3"].map(|digit| format!("{}{digit}", "0".repeat(39)).parse::<Oid>().unwrap());
    let tried = forge.tried(&oids[0], &oids[1..], |_| Some(oids[1].clone()));
    if tried.is_some_and(|tried| tried == oids[0]) {
        return wrong("the commit that was tried");
    }
    Ok(!context.is_empty())
}

/// What is nested by names and not by brackets: a parser that goes down by one call for each, or drops them so, ends the process.
pub fn deep_keys() {
    let dotted = format!("{}a", "a.".repeat(30_000));
    for text in [format!("{dotted} = 1\n"), format!("[{dotted}]\n"), format!("[[criterion]]\n{dotted} = 1\n")] {
        assert!(Policy::parse(&text).is_err() && Trust::parse(&text).is_err());
        assert!(read_spec(&text, SpecForm::Toml).is_err());
    }
}

fn spec(bytes: &[u8], form: SpecForm) -> Said {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(false) };
    let found = match read_spec(text, form) {
        Ok(found) => found,
        Err(error) => return if error.to_string().is_empty() { Err("no reason".to_owned()) } else { Ok(false) },
    };
    let ids: BTreeSet<&CriterionId> = found.iter().map(|criterion| &criterion.id).collect();
    let is_whole =
        found.iter().all(|criterion| !criterion.text.is_empty() && criterion.pictures.iter().all(|tag| is_tag(tag)));
    if ids.len() == found.len() && !found.is_empty() && is_whole { Ok(true) } else { Err(format!("{found:?}")) }
}

fn words() -> Vec<Vec<u8>> {
    let note = NoteKey::new("log.example/shop", agents_keys()[0].public()).unwrap();
    let mut all: Vec<Vec<u8>> = [
        "unit-tests",
        "shop/abc-123",
        "2/4",
        "2h",
        "30d",
        "64MB",
        "s3://bucket/evidence",
        "file:///var/evidence",
        "AC-1.2",
        "junit",
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    ]
    .map(|word| word.as_bytes().to_vec())
    .to_vec();
    all.push("ab".repeat(32).into_bytes());
    all.push(note.to_string().into_bytes());
    all
}

/// Whatever a word is taken for, it is printed as what reads back the same.
fn word(bytes: &[u8]) -> Said {
    fn again<T: FromStr + ToString + PartialEq>(text: &str) -> Said {
        let Ok(read) = text.parse::<T>() else { return Ok(false) };
        let printed = read.to_string();
        match printed.parse::<T>() {
            Ok(read_again) if read_again == read => Ok(true),
            _ => Err(format!("{} is printed as `{printed}`", std::any::type_name::<T>())),
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(false) };
    let parsers = [
        again::<Id>,
        again::<ChangeId>,
        again::<ClaimName>,
        again::<CriterionId>,
        again::<Shard>,
        again::<Span>,
        again::<Size>,
        again::<StoreUrl>,
        again::<Digest>,
        again::<Oid>,
        again::<NoteKey>,
        again::<Format>,
    ];
    parsers.into_iter().try_fold(false, |took, parser| Ok(took | parser(text)?))
}

fn pictures() -> Vec<Vec<u8>> {
    vec![
        super::common::png("x"),
        b"GIF89a\x01\0\x01\0".to_vec(),
        b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0".to_vec(),
        b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x01\0\0\x01\0\0".to_vec(),
        b"\0\0\0\x18ftypisom\0\0\0\0".to_vec(),
        b"\x1a\x45\xdf\xa3\x84webm".to_vec(),
        b"{\"type\":\"user\"}\n{\"type\":\"assistant\"}\n".to_vec(),
    ]
}

fn key_files() -> Vec<Vec<u8>> {
    let locked = agents_keys().map(|key| key.to_locked_pem("open", &[[1; 16], [2; 16]]).as_bytes().to_vec());
    agents_keys().iter().map(|key| key.to_pem().as_bytes().to_vec()).chain(locked).collect()
}

/// A receipt and its entry, with a zero byte between: whatever is believed of them, the entry is the one that was logged.
pub fn receipt(rig: &Rig) -> Target<'static> {
    let log = Ledger::open(&rig.repo().join(".git/evidence")).unwrap().read().unwrap();
    let trust = trust_of(rig);
    let receipt = Receipt::of(&log, log.size() - 2).unwrap();
    let entry = receipt.entry.print();
    let seed = [receipt.print().as_bytes(), b"\0", entry.as_bytes()].concat();
    target("receipt", vec![seed], move |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return Ok(false) };
        let Some((proof, shown)) = text.split_once('\0') else { return Ok(false) };
        match Shown::of_receipt(proof, shown, &trust) {
            Ok(_) if shown == entry => Ok(true),
            Ok(_) => Err("it shows an entry that was never logged".to_owned()),
            Err(_) => Ok(false),
        }
    })
}

fn trust_of(rig: &Rig) -> Trust {
    Trust::parse(&fs::read_to_string(rig.repo().join(".evidence/trust.toml")).unwrap()).unwrap()
}

/// A bundle whose container is whole, and of whose members one is another: it is no bundle, or its verdict is the same.
///
/// An input is the number of a member, in two bytes, and what that holds now; nothing where it is left out.
pub fn members(rig: &Rig, bundle: &Path) -> Target<'static> {
    let whole = unpack(&fs::read(bundle).unwrap());
    let trust = trust_of(rig);
    let changed = rig.path("member.zip");
    let judged = move |members: &[(String, Vec<u8>)]| {
        fs::write(&changed, pack(members)).unwrap();
        let bundle = Bundle::open(&changed).ok()?;
        let audit = audit(&bundle, &trust, None, &Evaluator::none()).ok()?;
        Some(audit.decided.verdict().to_json())
    };
    let verdict = judged(&whole).unwrap();
    assert_eq!(verdict["decision"], "accepted");
    let numbered = whole.iter().enumerate();
    let seeds =
        numbered.map(|(at, (_, bytes))| [&u16::try_from(at).unwrap().to_be_bytes(), &bytes[..]].concat()).collect();
    target("bundle-member", seeds, move |bytes| {
        let Some((at, content)) = bytes.split_first_chunk::<2>() else { return Ok(false) };
        let at = usize::from(u16::from_be_bytes(*at)) % whole.len();
        let mut members = whole.clone();
        let is_same = members[at].1 == content;
        match content {
            [] => drop(members.remove(at)),
            _ => members[at].1 = content.to_vec(),
        }
        match judged(&members) {
            None => Ok(false),
            Some(now) if is_same && now != verdict => Err(format!("nothing changed, and it says {now}")),
            Some(now) if now == verdict || now["decision"] != "accepted" => Ok(true),
            Some(now) => Err(format!("{} is another, and it is accepted: {now}", whole[at].0)),
        }
    })
}

const MESSAGE: &[u8] = b"DSSEv1 message";
