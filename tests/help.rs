//! The manual in the binary: every topic, code, schema and command can be read, and what is not there is named.

mod common;

use std::process::Command;

use common::{EVIDENCE, Ran};
use evidence_ledger::manual::TOPICS;
use evidence_ledger::verify::CODES;

/// Runs `evidence help` where there is no repository, no home and no user.
fn help(words: &[&str]) -> Ran {
    let mut command = Command::new(EVIDENCE);
    command.env_clear().arg("help").args(words).current_dir("/");
    Ran::of(command.output().unwrap())
}

fn page(words: &[&str]) -> String {
    let ran = help(words);
    assert_eq!(ran.code, 0, "{words:?} {ran:?}");
    ran.out
}

#[test]
fn every_topic_is_listed_and_printed_and_an_unknown_one_refused_with_the_nearest() {
    let list = page(&[]);
    for topic in TOPICS {
        assert!(list.contains(topic.title), "{}", topic.name);
        assert!(page(&[topic.name]).starts_with("# "), "{}", topic.name);
    }
    for (words, near) in [(&["polcy"][..], "policy"), (&["man", "verfy"], "verify"), (&["key", "gant"], "grant")] {
        let ran = help(words);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(ran.err.contains(&format!("did you mean {near}?")), "{ran:?}");
    }
    assert_eq!(help(&["policy", "keys"]).code, 2);
}

#[test]
fn errors_page_has_every_code_with_its_meaning_and_mend() {
    let text = page(&["errors"]);
    for (code, meaning, mend) in CODES {
        let example = code.example();
        assert!(!example.is_empty(), "{code} has no example");
        let entry = format!("## {code}\n\nMeaning: {meaning}.\nExample: {example}\nMend: {mend}.\n");
        assert!(text.contains(&entry), "{code}");
        let transcript =
            format!("{}/testdata/transcripts/{}-{}.txt", env!("CARGO_MANIFEST_DIR"), code.number, code.name);
        let transcript = std::fs::read_to_string(transcript).unwrap();
        assert!(transcript.contains(&format!("refused: {code}: {example}\n")), "{code}");
    }
    let json = page(&["errors", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["codes"].as_array().unwrap().len(), CODES.len());
    assert!(json["codes"][0]["example"].as_str().unwrap().contains("; wanted "), "{json}");
}

#[test]
fn man_pages_name_their_command_and_its_flags() {
    let text = page(&["man"]);
    assert!(text.contains(".TH evidence 1") && text.contains("evidence\\-verify(1)"), "{text}");
    let text = page(&["man", "verify"]);
    assert!(text.contains(".TH evidence-verify 1") && text.contains("\\-\\-write"), "{text}");
    // Flags of the program are those of its commands too.
    assert!(text.contains("\\-\\-ledger") && text.contains("\\-\\-json"), "{text}");
    assert!(page(&["man", "key", "grant"]).contains(".TH evidence-key-grant 1"));
}

#[test]
fn completions_are_there_for_each_shell_and_for_no_other() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = page(&["completions", shell]);
        for word in ["verify", "audit", "write", "accept-clock"] {
            assert!(text.contains(word), "{shell} {word}");
        }
    }
    // Topics are offered behind `help`, where a shell knows of words behind commands.
    for shell in ["bash", "zsh"] {
        assert!(page(&["completions", shell]).contains("threats"), "{shell}");
    }
    let ran = help(&["completions", "zhs"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("did you mean zsh?"), "{ran:?}");
}
