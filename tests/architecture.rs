//! The rules of the house that a machine can check: arrows between folders, who prints, file length, names, codes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use evidence_ledger::manual;
use evidence_ledger::model::{PredicateName, SCHEMAS, predicate_schema, schema};
use evidence_ledger::verify::CODES;

/// Which folders a folder may use (design, section 10); what those may use is allowed too.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("crypto", &["model"]),
    ("reports", &["model"]),
    ("git", &["model"]),
    ("merkle", &["crypto"]),
    ("policy", &["reports"]),
    ("prove", &["merkle"]),
    ("verify", &["policy", "reports", "prove"]),
    ("rego", &["verify"]),
    // A ledger on a git remote is brought and taken by git/, the one place that runs it.
    ("store", &["prove", "git"]),
    ("append", &["store", "verify"]),
    ("attest", &["reports", "git", "append"]),
    ("export", &["attest", "rego"]),
    ("trace", &["export", "attest"]),
    ("manual", &["verify"]),
    ("cli", &["trace", "export", "attest", "manual"]),
];

/// What only `cli/` does, and the places that the design excepts.
const ONLY_CLI: &[(&str, &[&str])] = &[
    ("println!", &[]),
    ("eprintln!", &[]),
    ("print!(", &[]),
    ("stdout()", &[]),
    ("stderr()", &[]),
    // Git runs by its absolute path, in an environment that hands over four named variables.
    ("env::var", &["src/git/run.rs"]),
    ("env::args", &["src/main.rs"]),
    ("process::exit", &[]),
    ("process::abort", &[]),
];

/// What a function of its arguments has no use for.
const IMPURE: &[&str] =
    &["std::fs", "std::net", "std::env", "std::process", "SystemTime", "Instant::now", "File::open", "thread::sleep"];

struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Returns the folder below `src`; none for the files that lie in it.
    fn folder(&self) -> Option<&str> {
        self.path.strip_prefix("src/")?.split_once('/').map(|(folder, _)| folder)
    }

    /// Returns the lines of code before the tests, with their numbers and without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let before_tests = self.text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = before_tests.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut todo = vec![root.join("src")];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push(Source { path: name, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 50, "only {} files found", found.len());
    found
}

/// Returns the folders that a text uses as `crate::X` or in `use crate::{X, Y}`.
fn used(code: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let mut folders = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0_usize;
            let mut word = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => word.clear(),
                    ':' | ' ' | '\n' if depth == 0 => {}
                    c if depth == 0 && is_name(c) => word.push(c),
                    _ => {}
                }
                if known(&word) {
                    folders.insert(word.clone());
                }
            }
        } else {
            let word: String = rest.chars().take_while(|c| is_name(*c)).collect();
            folders.insert(word);
        }
    }
    folders.retain(|word| known(word));
    folders
}

fn known(folder: &str) -> bool {
    ARROWS.iter().any(|(name, _)| *name == folder)
}

/// Returns everything that each folder may use, itself included.
fn allowed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (folder, direct) in ARROWS {
        let mut reach: BTreeSet<&str> = direct.iter().flat_map(|next| all[next].iter().copied()).collect();
        reach.insert(folder);
        all.insert(folder, reach);
    }
    all
}

fn none(broken: &[String]) {
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn each_folder_uses_only_what_it_may() {
    let allowed = allowed();
    let mut broken = Vec::new();
    for source in sources() {
        let Some(folder) = source.folder() else { continue };
        let Some(may) = allowed.get(folder) else {
            broken.push(format!("{}: the folder {folder} has no place among the arrows", source.path));
            continue;
        };
        let code: String = source.code().map(|(_, line)| format!("{line}\n")).collect();
        for other in used(&code).iter().filter(|other| !may.contains(other.as_str())) {
            broken.push(format!("{}: {folder} may not use {other}", source.path));
        }
    }
    none(&broken);
}

#[test]
fn uses_are_found_however_they_are_written() {
    let wanted = |folders: &[&str]| folders.iter().map(|folder| (*folder).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(used("use crate::store::Log;"), wanted(&["store"]));
    assert_eq!(used("fn f() -> crate::git::Head"), wanted(&["git"]));
    assert_eq!(
        used("use crate::{\n    crypto::{Envelope, git},\n    merkle::Tree,\n};"),
        wanted(&["crypto", "merkle"])
    );
    assert_eq!(used("use std::fs; use super::store;"), wanted(&[]));
    assert!(!allowed()["verify"].contains("store") && !allowed()["model"].contains("crypto"));
    assert!(allowed()["cli"].contains("model") && allowed()["append"].contains("policy"));
}

#[test]
fn the_verdict_is_a_function_of_its_arguments() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| matches!(source.folder(), Some("verify" | "merkle" | "model"))) {
        for (line, text) in source.code() {
            for word in IMPURE.iter().filter(|word| text.contains(*word)) {
                broken.push(format!("{}:{line}: {word}", source.path));
            }
        }
    }
    none(&broken);
}

#[test]
fn only_the_command_line_prints_reads_the_environment_and_exits() {
    let mut broken = Vec::new();
    // The repositories of git's own tests find git as a person would.
    let others = |source: &&Source| source.folder() != Some("cli") && source.path != "src/git/testing.rs";
    for source in sources().iter().filter(others) {
        for (line, text) in source.code() {
            for (word, except) in ONLY_CLI {
                if text.contains(word) && !except.contains(&source.path.as_str()) {
                    broken.push(format!("{}:{line}: {word}", source.path));
                }
            }
        }
    }
    none(&broken);
}

#[test]
fn only_git_and_attest_run_programs() {
    let mut broken = Vec::new();
    for source in sources() {
        // The demonstration is child processes of this program, shown; the Rego of policies runs in one.
        if matches!(source.folder(), Some("git" | "attest"))
            || matches!(source.path.as_str(), "src/cli/demo.rs" | "src/rego/parent.rs")
        {
            continue;
        }
        for (line, text) in source.code().filter(|(_, text)| text.contains("Command::new(")) {
            // `clap` has a type of the same name.
            if source.text.contains("std::process") && text.contains("Command::new(") {
                broken.push(format!("{}:{line}: it runs a program", source.path));
            }
        }
    }
    none(&broken);
}

#[test]
fn only_what_runs_rego_answers_for_it() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.folder() != Some("rego")) {
        for (line, _) in source.code().filter(|(_, text)| text.contains(".answered(")) {
            broken.push(format!("{}:{line}: it makes an answer", source.path));
        }
    }
    none(&broken);
}

#[test]
fn files_are_short_named_by_what_they_hold_and_say_what_they_are_for() {
    let mut broken = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > LINES_MAX {
            broken.push(format!("{}: {lines} lines; at most {LINES_MAX}", source.path));
        }
        if !source.text.starts_with("//! ") {
            broken.push(format!("{}: it does not open with //!", source.path));
        }
        let mut parts = source.path.trim_end_matches(".rs").split('/');
        if parts.any(|part| matches!(part.trim_end_matches('s'), "util" | "common" | "helper" | "misc")) {
            broken.push(format!("{}: the name says nothing", source.path));
        }
        if source.text.lines().any(|line| line.len() > 3 * WIDTH_MAX) && !source.path.ends_with("code.rs") {
            broken.push(format!("{}: a line is longer than {} bytes", source.path, 3 * WIDTH_MAX));
        }
    }
    none(&broken);
}

#[test]
fn nothing_is_silenced_left_for_later_or_unsafe() {
    let words =
        ["#[allow(", "#![allow(", "TODO", "FIXME", "todo!(", "unimplemented!(", "unsafe {", "unsafe fn", "dbg!("];
    let mut broken = Vec::new();
    for source in sources() {
        for (index, line) in source.text.lines().enumerate() {
            // A doc test that must not compile may leave out what it cannot reach.
            let doc = line.trim_start().starts_with("///");
            for word in words.iter().filter(|word| line.contains(**word) && !(doc && **word == "todo!(")) {
                broken.push(format!("{}:{}: {word}", source.path, index + 1));
            }
        }
    }
    none(&broken);
}

#[test]
fn every_predicate_has_its_schema_and_every_schema_file_is_published() {
    for name in PredicateName::ALL {
        let found = schema(predicate_schema(name)).unwrap_or_else(|| panic!("{} has no schema", name.as_str()));
        assert!(found.text.contains(&format!("\"title\": \"{}", name.predicate_type())), "{}", found.name);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().trim_end_matches(".schema.json").to_owned())
        .collect();
    let published: BTreeSet<String> = SCHEMAS.iter().map(|schema| schema.name.to_owned()).collect();
    assert_eq!(files, published);
}

#[test]
fn every_code_is_unique_and_in_the_manual() {
    let manual = manual::topic("errors").unwrap().text();
    let mut numbers = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (code, meaning, mend) in CODES {
        assert!(numbers.insert(code.number), "{code} is there twice");
        assert!(names.insert(code.name), "{code} has a name that is there twice");
        let digits = code.number.strip_prefix('E').unwrap();
        assert!(digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()), "{code}");
        assert!(code.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{code}");
        let example = code.example();
        let paragraph = format!("## {code}\n\nMeaning: {meaning}.\nExample: {example}\nMend: {mend}.\n");
        assert!(manual.contains(&paragraph), "{code} is not in the manual");
        assert!(!meaning.ends_with('.') && !mend.is_empty(), "{code}");
    }
}

#[test]
fn every_code_has_its_transcript_and_a_test_that_provokes_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = fs::read_to_string(root.join("tests/codes.rs")).unwrap();
    let parts: Vec<String> = tests
        .lines()
        .filter_map(|line| line.strip_prefix("#[path = \"")?.strip_suffix("\"]"))
        .map(str::to_owned)
        .collect();
    for part in parts {
        tests.push_str(&fs::read_to_string(root.join("tests").join(part)).unwrap());
    }
    let mut wanted = BTreeSet::new();
    let mut broken = Vec::new();
    for (code, ..) in CODES {
        let name = format!("{}-{}.txt", code.number, code.name);
        let text = fs::read_to_string(root.join("testdata/transcripts").join(&name)).unwrap_or_default();
        let opening = format!("refused: {code}: ");
        if !text.lines().any(|line| line.starts_with(&opening)) {
            broken.push(format!("{name} has no line of {code}"));
        }
        for line in text.lines().filter(|line| !line.starts_with(&opening) && !line.starts_with("hint: ")) {
            broken.push(format!("{name}: {line}"));
        }
        if !tests.contains(&format!("\"{}\"", code.number)) {
            broken.push(format!("tests/codes.rs does not provoke {code}"));
        }
        wanted.insert(name);
    }
    none(&broken);
    let files: BTreeSet<String> = fs::read_dir(root.join("testdata/transcripts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(files, wanted);
}

const LINES_MAX: usize = 800;
const WIDTH_MAX: usize = 120;

#[test]
fn every_test_that_the_threats_name_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("src/manual/threats.md")).unwrap();
    let code = all_text(&root.join("tests")) + &all_text(&root.join("src"));
    let named: Vec<&str> = page.split('`').filter(|word| word.matches('_').count() > 1).collect();
    let named: Vec<&str> =
        named.into_iter().filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')).collect();
    assert!(named.len() > 60, "{named:?}");
    for name in named {
        assert!(code.contains(&format!("fn {name}(")), "{name} is no test");
    }
    for row in page.lines().filter(|line| line.starts_with("| ")).skip(2) {
        let tests = row.split(" | ").nth(2).unwrap();
        assert!(tests.contains('_') || tests.contains("tests/"), "no test tries: {row}");
    }
}

fn all_text(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &all_text(&path);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text += &fs::read_to_string(&path).unwrap();
        }
    }
    text
}
