//! `evidence help`: the manual in the binary, the schemas, completions, man pages.

use clap::{Command, CommandFactory as _};

use super::args::{Args, HelpArgs};
use super::fail::Fail;
use super::print;
use crate::manual;
use crate::model::{SCHEMAS, schema};
use crate::policy::nearest;

pub(super) fn run(args: &HelpArgs) -> Result<u8, Fail> {
    let words: Vec<&str> = args.topic.iter().map(String::as_str).collect();
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
            clap_complete::generate(shell, &mut Args::command(), "evidence", &mut text);
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
