//! `losscape list`: every kind there is, with one line each.

use super::Subcommand;
use super::arguments::{Entry, REGISTRIES};
use super::output;
use crate::base::Result;
use crate::base::registry::unknown;
use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value, json};
use std::any::TypeId;
use std::path::PathBuf;

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
  losscape list flags --json              every command with its flags, as the Python package is made from
  losscape list optimizer --json";

fn command(command: Command) -> Command {
    let names: Vec<&str> = REGISTRIES.iter().map(|r| r.0).collect();
    let help = format!("Only one sort: {}, operator, flags", names.join(", "));
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
    if wanted.is_some_and(|w| w.trim_end_matches('s') == "flag") {
        return if matches.get_flag("json") {
            output::print_json(&json!({ "flags": commands() }))
        } else {
            output::print(&usages())
        };
    }
    // A plural is close enough, and so is the flag's name.
    let chosen: Vec<_> = REGISTRIES
        .iter()
        .filter(|r| wanted.is_none_or(|w| r.0 == w || r.1 == w || r.0 == w.trim_end_matches('s')))
        .collect();
    if let (Some(wanted), true) = (wanted, chosen.is_empty()) {
        let names = REGISTRIES.iter().map(|r| r.0).chain(["operator", "flags"]);
        return Err(unknown("list", wanted, names));
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

/// Every command with its flags, as other programs read it: the same definitions that help and completions are made from.
fn commands() -> Map<String, Value> {
    let command = |which: super::Which| {
        let command = which.whole();
        let text = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string);
        let arguments: Vec<Value> = command.get_arguments().map(argument).collect();
        let (about, notes) = (text(command.get_about()), text(command.get_after_help()));
        (which.name().to_owned(), json!({"about": about, "notes": notes, "arguments": arguments}))
    };
    super::subcommands().map(command).collect()
}

/// One flag, or an argument without one. Of `takes`, a `switch` takes no value, an `optional` one may, a `list` takes several in
/// one, separated by commas, and what is `repeated` is given once for each.
fn argument(arg: &Arg) -> Value {
    let counts = arg.get_num_args();
    let takes = match (arg.get_action(), arg.get_value_delimiter()) {
        (action, _) if !action.takes_values() => "switch",
        (_, Some(_)) => "list",
        (ArgAction::Append, _) => "repeated",
        _ if counts.is_some_and(|counts| counts.max_values() > 1) => "repeated",
        _ if counts.is_some_and(|counts| counts.min_values() == 0) => "optional",
        _ => "one",
    };
    let choices: Vec<Value> = arg
        .get_possible_values()
        .iter()
        .filter(|value| takes != "switch" && !value.is_hide_set())
        .map(|value| json!({"name": value.get_name(), "help": value.get_help().map(ToString::to_string)}))
        .collect();
    let defaults = arg.get_default_values().iter().map(|value| value.to_string_lossy());
    // A long help begins with the short one.
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string);
    json!({
        "name": arg.get_id().as_str(),
        "flag": arg.get_long(),
        "also": arg.get_all_aliases().unwrap_or_default(),
        "value": arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string),
        "type": value_type(arg.get_value_parser()),
        "takes": takes,
        "default": defaults.collect::<Vec<_>>().join(","),
        "choices": choices,
        "required": arg.is_required_set(),
        "hidden": arg.is_hide_set(),
        "heading": arg.get_help_heading(),
        "help": help,
    })
}

/// What a value is. Kinds with settings are texts.
fn value_type(parser: &ValueParser) -> &'static str {
    let is = |types: &[TypeId]| types.iter().any(|own| parser.type_id() == *own);
    let whole = [
        TypeId::of::<usize>(),
        TypeId::of::<u64>(),
        TypeId::of::<u32>(),
        TypeId::of::<i64>(),
        TypeId::of::<u16>(),
    ];
    let types: [(&str, &[TypeId]); 4] = [
        ("integer", &whole),
        ("number", &[TypeId::of::<f64>(), TypeId::of::<f32>()]),
        ("boolean", &[TypeId::of::<bool>()]),
        ("path", &[TypeId::of::<PathBuf>()]),
    ];
    types.iter().find(|(_, own)| is(own)).map_or("text", |(name, _)| name)
}

/// A line a command, with the names of its flags.
fn usages() -> String {
    let usage = |which: super::Which| {
        let command = which.whole();
        let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
        let word = |arg: &Arg| match (arg.get_long(), arg.get_value_names().and_then(|names| names.first())) {
            (Some(flag), _) => format!(" --{flag}"),
            (None, name) => {
                format!(" {}", name.map_or_else(|| arg.get_id().to_string(), ToString::to_string))
            }
        };
        format!("{}{}\n", which.name(), shown.map(word).collect::<String>())
    };
    super::subcommands().map(usage).collect()
}
