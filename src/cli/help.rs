//! `evidence help`: the manual in the binary, the schemas, completions, man pages.

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory as _};
use serde_json::{Value, json};

use super::args::{Args, HelpArgs};
use super::fail::Fail;
use super::{print, print_json};
use crate::manual;
use crate::model::{SCHEMAS, schema};
use crate::policy::nearest;
use crate::verify::{CODES, Code};

pub(super) fn run(args: &HelpArgs, json: bool) -> Result<u8, Fail> {
    let words: Vec<&str> = args.topic.iter().map(String::as_str).collect();
    if json {
        return answer(&words).map(|value| {
            print_json(&value);
            0
        });
    }
    match words[..] {
        [] => {
            let mut text = Args::command().render_long_help().to_string();
            text.push_str("\nTopics of the manual (evidence help TOPIC):\n");
            for topic in manual::TOPICS {
                text.push_str(&format!("  {:12} {}\n", topic.name, topic.title));
            }
            text.push_str(
                "\nAlso: evidence help schema NAME, evidence help completions SHELL, evidence help man [COMMAND]\n",
            );
            print(&text);
        }
        ["schema"] => print(&SCHEMAS.iter().map(|schema| format!("{}\n", schema.name)).collect::<String>()),
        ["schema", name] => {
            let found =
                schema(name).ok_or_else(|| unknown("schema", name, SCHEMAS.iter().map(|schema| schema.name)))?;
            print(found.text);
        }
        ["completions", shell] => {
            let shell: clap_complete::Shell =
                shell.parse().map_err(|_| unknown("shell", shell, ["bash", "elvish", "fish", "powershell", "zsh"]))?;
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut with_topics(), "evidence", &mut text);
            print(&String::from_utf8_lossy(&text));
        }
        ["man", ref command @ ..] => {
            let mut page = Vec::new();
            let version = format!("evidence {}", env!("CARGO_PKG_VERSION"));
            let man = clap_mangen::Man::new(find(command)?).source(version);
            man.render(&mut page).map_err(|error| Fail::usage(format!("the man page cannot be printed: {error}")))?;
            print(&String::from_utf8_lossy(&page));
        }
        [topic, ref rest @ ..] => {
            if let ([], Some(found)) = (rest, manual::topic(topic)) {
                print(&found.text());
            } else if Args::command().find_subcommand(topic).is_some() {
                print(&find(&words)?.render_long_help().to_string());
            } else {
                return Err(unknown("topic", topic, manual::TOPICS.iter().map(|topic| topic.name)));
            }
        }
    }
    Ok(0)
}

/// Returns the command line with what `help` can be asked for by name, which shells offer.
fn with_topics() -> Command {
    let topics = manual::TOPICS.iter().map(|topic| topic.name);
    let names: Vec<&'static str> = topics.chain(["schema", "completions", "man"]).collect();
    let of_help = |help: Command| help.mut_arg("topic", |topic| topic.value_parser(PossibleValuesParser::new(names)));
    Args::command().mut_subcommand("help", of_help)
}

/// Returns the pages that have a form for machines: the list of all, the codes, a topic, a schema.
fn answer(words: &[&str]) -> Result<Value, Fail> {
    let about = |command: &Command| command.get_about().map(ToString::to_string);
    match *words {
        [] => {
            let args = Args::command();
            let commands: Vec<Value> = args
                .get_subcommands()
                .map(|command| json!({"name": command.get_name(), "about": about(command)}))
                .collect();
            let topics: Vec<Value> =
                manual::TOPICS.iter().map(|topic| json!({"name": topic.name, "title": topic.title})).collect();
            let schemas: Vec<&str> = SCHEMAS.iter().map(|schema| schema.name).collect();
            Ok(json!({"commands": commands, "topics": topics, "schemas": schemas}))
        }
        ["errors"] => {
            let mut codes = CODES.to_vec();
            codes.sort_by_key(|(code, _, _)| code.number);
            let of = |(code, meaning, mend): &(Code, &str, &str)| json!({"code": code.number, "name": code.name, "meaning": meaning, "example": code.example(), "mend": mend});
            Ok(json!({"codes": codes.iter().map(of).collect::<Vec<_>>()}))
        }
        ["schema", name] => {
            let found =
                schema(name).ok_or_else(|| unknown("schema", name, SCHEMAS.iter().map(|schema| schema.name)))?;
            serde_json::from_str(found.text).map_err(|error| Fail::usage(format!("the schema {name}: {error}")))
        }
        [topic] if manual::topic(topic).is_some() => {
            let found = manual::topic(topic);
            Ok(json!({"topic": topic, "title": found.map(|it| it.title), "text": found.map(|it| it.text())}))
        }
        _ => {
            let command = find(words)?;
            let flags: Vec<Value> = command
                .get_arguments()
                .map(|flag| {
                    json!({"name": flag.get_id().as_str(), "long": flag.get_long(), "help": flag.get_help().map(ToString::to_string)})
                })
                .collect();
            let commands: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            Ok(json!({"command": words.join(" "), "about": about(&command), "arguments": flags, "commands": commands}))
        }
    }
}

/// Finds a command by its words; none of them is the program itself.
fn find(words: &[&str]) -> Result<Command, Fail> {
    let mut command = Args::command();
    // Only then a command has its full name, and the flags of those that it is part of.
    command.build();
    for word in words {
        let found = command.find_subcommand(word).cloned();
        command = found.ok_or_else(|| unknown("command", word, command.get_subcommands().map(Command::get_name)))?;
    }
    Ok(command)
}

fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Fail {
    let known: Vec<&str> = known.into_iter().collect();
    let fail = Fail::usage(format!("no {what} has the name `{name}`"));
    match nearest(name, known.iter().copied()) {
        Some(near) => fail.hint(format!("did you mean {near}?")),
        None => fail.hint(format!("one of {}", known.join(", "))),
    }
}
