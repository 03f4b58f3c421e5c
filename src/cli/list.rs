//! `losscape list`: every kind there is, with one line each.

use super::Subcommand;
use super::arguments::{Entry, REGISTRIES};
use super::output;
use crate::base::Result;
use crate::base::registry::unknown;
use clap::{Arg, ArgMatches, Command};
use serde_json::{Map, Value};

pub const COMMAND: Subcommand = Subcommand {
    name: "list",
    about: "Every activation, optimizer, data set, ... with one line each",
    examples: EXAMPLES,
    command,
    run,
};

const EXAMPLES: &str = "Examples:
  losscape list
  losscape list activation
  losscape list operator                  the operators of exported networks that are understood
  losscape list optimizer --json";

fn command(command: Command) -> Command {
    let names: Vec<&str> = REGISTRIES.iter().map(|r| r.0).collect();
    let help = format!("Only one sort: {}", names.join(", "));
    let json = Arg::new("json").long("json").action(clap::ArgAction::SetTrue);
    let json = json.help("Print the list as JSON on standard output");
    command.arg(Arg::new("sort").value_name("KIND").help(help)).arg(json)
}

fn run(matches: &ArgMatches) -> Result<()> {
    let wanted: Option<&String> = matches.get_one("sort");
    if wanted.is_some_and(|w| w.trim_end_matches('s') == "operator") {
        let names = crate::nn::graph::known_operators();
        return if matches.get_flag("json") {
            output::print_json(&serde_json::json!({ "operator": names }))
        } else {
            output::print(&(names.join("\n") + "\n"))
        };
    }
    // A plural is close enough, and so is the flag's name.
    let chosen: Vec<_> = REGISTRIES
        .iter()
        .filter(|r| wanted.is_none_or(|w| r.0 == w || r.1 == w || r.0 == w.trim_end_matches('s')))
        .collect();
    if let (Some(wanted), true) = (wanted, chosen.is_empty()) {
        return Err(unknown("list", wanted, REGISTRIES.iter().map(|r| r.0)));
    }
    if matches.get_flag("json") {
        let all: Map<String, Value> = chosen
            .iter()
            .map(|(name, _, kinds)| ((*name).to_owned(), serde_json::to_value(kinds()).unwrap_or_default()))
            .collect();
        return output::print_json(&Value::Object(all));
    }
    let sections: Vec<String> =
        chosen.iter().map(|(name, flag, kinds)| section(name, flag, &kinds())).collect();
    output::print(&sections.join("\n"))
}

fn section(name: &str, flag: &str, kinds: &[Entry]) -> String {
    let heading = match flag {
        "" => format!("{name}\n"),
        flag => format!("{name} (--{flag})\n"),
    };
    let width = kinds.iter().map(|k| k.name.len()).max().unwrap_or(0);
    let line = |k: &Entry| {
        let settings: Vec<String> =
            k.settings.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let settings = match settings.as_slice() {
            [] => String::new(),
            some => format!("\n  {:width$}  settings: {}", "", some.join(", ")),
        };
        format!("  {:width$}  {}{settings}\n", k.name, k.summary)
    };
    kinds.iter().fold(heading, |text, k| text + &line(k))
}
