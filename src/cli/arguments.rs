//! Flags that several commands share, what help says of kinds, and clap's errors as our one line.

use super::config::with_shorthands;
use super::output;
use crate::analyses::{self, ANALYSES};
use crate::base::isa::{self, Level};
use crate::base::pool::MOST_THREADS;
use crate::base::registry::Registry;
use crate::base::{Error, Result, notes};
use crate::data::{Shift, Source};
use crate::landscape::{Alignment, Curve, Direction, Map, Normalization, Sampler, Sharpness};
use crate::nn::activations::Activation;
use crate::nn::architectures::Architecture;
use crate::nn::inits::Initializer;
use crate::nn::layers::Layer;
use crate::nn::losses::Loss;
use crate::nn::norms::Norm;
use crate::render::Chart;
use crate::study::builtin;
use crate::train::settings::SHORTHANDS;
use crate::train::{Optimizer, Schedule, TrainSettings};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Args, Command};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Flags of every command that computes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Common {
    /// Threads to compute on; results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", help_heading = "General")]
    pub threads: Option<usize>,
    /// Compute the bytes that all processors from this level of x86-64 on compute: products and eigenvalues of matrices by slower
    /// algorithms in an order of their own, the same for every level [default: the fastest, whose last bits differ between
    /// types of processors]
    #[arg(long, value_name = "LEVEL", value_enum, help_heading = "General")]
    pub isa: Option<Level>,
    /// Say nothing but errors (and the result, with --json)
    #[arg(long, help_heading = "General")]
    pub quiet: bool,
    /// Print the result as JSON on standard output, and nothing else there
    #[arg(long, help_heading = "General")]
    pub json: bool,
}

impl Common {
    /// Sets up the threads and the order of sums, and prints what is worth saying beside the result.
    pub fn apply(&self) -> Result<()> {
        self.isa.map_or(Ok(()), isa::fix_for)?;
        if !self.quiet {
            notes::listen(|note| output::complain(&format!("warning: {note}")));
        }
        let threads = match self.threads {
            Some(n) if n == 0 || n > MOST_THREADS => {
                return Err(Error::expected("--threads", format!("1 to {MOST_THREADS}"), n));
            }
            Some(n) => n,
            None => default_threads(std::env::var("RAYON_NUM_THREADS").ok().as_deref()),
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|e| Error::machine("--threads", format!("cannot start {threads}: {e}")))
    }
}

/// How many threads there are where nobody says: as many as cores, or as rayon's variable says, within what a flag may say.
fn default_threads(variable: Option<&str>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    // Rayon takes nothing, 0 and what is no number for no answer.
    let asked = variable.and_then(|text| text.parse().ok()).filter(|n| *n > 0);
    asked.unwrap_or_else(cores).min(MOST_THREADS)
}

/// Flags of long work that can be cut into parts and taken up again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Parts {
    /// Compute part I of N (from 0) only, in DIR/shard-I-of-N; losscape merge joins the parts. auto takes I and N from the
    /// array or the ranks of a scheduler, auto/N takes I alone
    #[arg(long, value_name = "I/N", help_heading = "General")]
    pub shard: Option<String>,
    /// Cut the work into N blocks and compute one after the other that no other worker has, until all are done: any number of
    /// processes with the same command, on any number of machines, that share DIR; losscape merge joins the blocks
    #[arg(long, value_name = "N", help_heading = "General", conflicts_with_all = ["shard", "fresh"])]
    pub claim: Option<usize>,
    /// Discard what unfinished work left in the directory, instead of going on with it
    #[arg(long, help_heading = "General")]
    pub fresh: bool,
}

/// Whether to begin anew.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fresh {
    /// Discard what unfinished work left in the directory, instead of going on with it
    #[arg(long, help_heading = "General")]
    pub fresh: bool,
}

/// `--config` and `--out`.
pub fn config_and_out(command: Command, default_out: &str) -> Command {
    let path = |name: &'static str, value: &'static str, help: String| {
        Arg::new(name)
            .long(name)
            .value_name(value)
            .help(help)
            .help_heading("General")
            .value_parser(clap::value_parser!(PathBuf))
    };
    let config =
        "TOML file with the same keys as the flags, which override it, or the name of one that is built in"
            .to_owned();
    command.arg(path("config", "FILE", config)).arg(path(
        "out",
        "DIR",
        format!("Directory for the result [default: {default_out}]"),
    ))
}

/// Adds the flags of training to a command whose defaults are other ones than those of `losscape train`: help shows these.
pub fn with_training(command: Command, defaults: &TrainSettings) -> Command {
    let command = TrainSettings::augment_args(command.next_help_heading("Training"));
    let command = run_as_model(with_shorthands(command, SHORTHANDS));
    let others = shown(defaults).into_iter().zip(shown(&TrainSettings::default()));
    others.filter(|(own, plain)| own != plain).fold(command, |command, ((id, default), _)| {
        command.mut_arg(id, |arg| {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let words = help.split(" [default:").next().unwrap_or_default();
            arg.help(format!("{words} [default: {default}]")).hide_default_value(true)
        })
    })
}

/// Lets `--run model.pt2` mean `--model model.pt2`, as the commands that look at networks have it.
pub fn run_as_model(command: Command) -> Command {
    command.mut_arg("model", |arg| arg.alias("run"))
}

/// Settings of training in which commands have other defaults: each flag's id, and its value.
fn shown(settings: &TrainSettings) -> [(&'static str, String); 6] {
    let TrainSettings { model, init, optimizer, lr, batch_size, epochs, .. } = settings;
    let init = init.as_ref().map(ToString::to_string);
    [
        ("model", model.to_string()),
        ("init", init.unwrap_or_default()),
        ("optimizer", optimizer.to_string()),
        ("lr", lr.map(|x| x.to_string()).unwrap_or_default()),
        ("batch_size", batch_size.map(|n| n.to_string()).unwrap_or_default()),
        ("epochs", epochs.to_string()),
    ]
}

/// One kind, as `losscape list` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its one line.
    pub summary: &'static str,
    /// Its settings and their defaults.
    pub settings: toml::Table,
}

fn entries<R: Registry>() -> Vec<Entry> {
    let entry = |kind: R| Entry { name: kind.name(), summary: kind.summary(), settings: kind.settings() };
    R::all().into_iter().map(entry).collect()
}

/// The analyses that recipes can name; their settings are the flags of the command of the same name.
fn analyses() -> Vec<Entry> {
    let entry = |a: &analyses::analysis::Entry| Entry {
        name: a.name,
        summary: a.summary,
        settings: toml::Table::new(),
    };
    ANALYSES.iter().map(entry).collect()
}

/// The recipes that are built in.
fn recipes() -> Vec<Entry> {
    shelf(builtin::RECIPES)
}

/// The settings files that are built in, each of the command of the same name.
fn settings() -> Vec<Entry> {
    shelf(builtin::settings())
}

fn shelf(files: &[builtin::File]) -> Vec<Entry> {
    let entry = |f: &builtin::File| Entry { name: f.name, summary: f.title(), settings: toml::Table::new() };
    files.iter().map(entry).collect()
}

/// A registry as the command line shows it: its word in `losscape list`, the flag that chooses from it, its kinds.
pub type Shown = (&'static str, &'static str, fn() -> Vec<Entry>);

/// Every registry.
pub const REGISTRIES: &[Shown] = &[
    ("data", "data", entries::<Source>),
    ("model", "model", entries::<Architecture>),
    ("layer", "", entries::<Layer>),
    ("norm", "norm", entries::<Norm>),
    ("activation", "activation", entries::<Activation>),
    ("initializer", "init", entries::<Initializer>),
    ("loss", "loss", entries::<Loss>),
    ("optimizer", "optimizer", entries::<Optimizer>),
    ("schedule", "schedule", entries::<Schedule>),
    ("direction", "directions", entries::<Direction>),
    ("normalization", "normalize", entries::<Normalization>),
    ("curve", "curve", entries::<Curve>),
    ("alignment", "align", entries::<Alignment>),
    ("map", "maps", entries::<Map>),
    ("sharpness", "measures", entries::<Sharpness>),
    ("sampler", "sampler", entries::<Sampler>),
    ("shift", "shifts", entries::<Shift>),
    ("chart", "", entries::<Chart>),
    ("analysis", "", analyses),
    ("recipe", "", recipes),
    ("settings", "", settings),
];

/// Adds the names of the kinds to the help of every flag that chooses one.
pub fn name_kinds(command: Command) -> Command {
    command.mut_args(|arg| {
        let Some((_, _, kinds)) = REGISTRIES.iter().find(|r| r.1 == arg.get_id().as_str()) else {
            return arg;
        };
        let names: Vec<&str> = kinds().iter().map(|e| e.name).collect();
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        arg.help(format!("{help} [one of: {}]", names.join(", ")))
    })
}

/// Arguments as clap takes them: a negative number behind a flag is its value, in whatever way it is written (clap knows
/// `-0.5`, but not `-.5` and `-1e-3`).
pub fn joined(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut all: Vec<OsString> = Vec::new();
    for next in arguments {
        let negative = |text: &str| {
            let rest = text.strip_prefix('-').map(|t| t.strip_prefix('.').unwrap_or(t));
            rest.is_some_and(|t| t.starts_with(|c: char| c.is_ascii_digit()))
        };
        let flag = |text: &str| text.len() > 2 && text.starts_with("--") && !text.contains('=');
        match (all.last_mut(), next.to_str()) {
            (Some(last), Some(text)) if negative(text) && last.to_str().is_some_and(flag) => {
                last.push("=");
                last.push(text);
            }
            _ => all.push(next),
        }
    }
    all
}

/// What is said of a word that belongs to no flag: of several values behind a flag that takes one, as `--hidden 64 64`, how a list
/// is written; of a path where a command looks at networks, as `slice runs/a`, its flag.
pub fn stray(e: &clap::Error, arguments: &[OsString]) -> Option<Error> {
    let stray = match (e.kind(), e.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(stray))) if !stray.starts_with('-') => stray,
        _ => return None,
    };
    let texts: Vec<&str> = arguments.iter().filter_map(|a| a.to_str()).collect();
    let is_flag = |text: &str| text.starts_with("--");
    let command = super::command();
    let command = command.find_subcommand(texts.get(1)?)?;
    let listed = (0..texts.len()).filter(|i| is_flag(texts[*i])).find_map(|i| {
        let (flag, first) = texts[i].split_once('=').map_or((texts[i], None), |(flag, v)| (flag, Some(v)));
        let behind = texts[i + 1..].iter().copied().take_while(|text| !is_flag(text));
        let values: Vec<&str> = first.into_iter().chain(behind).collect();
        if values.len() < 2 || !values[1..].contains(&stray.as_str()) {
            return None;
        }
        let known = command.get_arguments().find(|arg| arg.get_long() == flag.strip_prefix("--"))?;
        let list = match known.get_action() {
            ArgAction::Append => values.iter().map(|v| format!("{flag} {v}")).collect::<Vec<_>>().join(" "),
            action if action.takes_values() => format!("{flag} {}", values.join(",")),
            _ => return None,
        };
        Some(Error::expected(flag, format!("one value (several: {list})"), values.join(" ")))
    });
    let takes_networks = || command.get_arguments().any(|arg| arg.get_long() == Some("run"));
    listed.or_else(|| {
        let hint = format!("a path (did you mean `--run {stray}`?)");
        let found = (Path::new(stray).exists() && takes_networks()).then_some(hint)?;
        Some(Error::expected(stray, "a flag of this command (see --help)", found))
    })
}

/// clap's error as `WHERE: expected X, found Y`.
pub fn error(e: &clap::Error) -> Error {
    let text = |kind: ContextKind| match e.get(kind) {
        Some(ContextValue::String(s)) => Some(s.clone()),
        Some(ContextValue::Strings(all)) => Some(all.join(", ")),
        Some(other) => Some(other.to_string()),
        None => None,
    };
    let flag = |s: String| s.split([' ', '=']).next().unwrap_or_default().trim_end_matches('[').to_owned();
    let arg = text(ContextKind::InvalidArg).map_or_else(|| "command line".to_owned(), flag);
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let hint = |s: Option<String>| s.map_or(String::new(), |s| format!(" (did you mean `{s}`?)"));
    match e.kind() {
        ErrorKind::UnknownArgument => {
            let near = hint(text(ContextKind::SuggestedArg).map(flag));
            Error::expected(arg, "a flag of this command (see --help)", format!("an unknown one{near}"))
        }
        ErrorKind::InvalidSubcommand => {
            let found = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            crate::base::registry::unknown("command", &found, super::subcommands().map(super::Which::name))
        }
        ErrorKind::InvalidValue | ErrorKind::MissingRequiredArgument if value.is_empty() => {
            Error::expected(arg, "a value", "none")
        }
        ErrorKind::ArgumentConflict if text(ContextKind::PriorArg).map(flag).as_ref() == Some(&arg) => {
            Error::expected(arg, "one value", "the flag more than once")
        }
        ErrorKind::TooManyValues => Error::expected(arg, "no value", format!("`{value}`")),
        ErrorKind::InvalidValue => {
            let known = text(ContextKind::ValidValue).unwrap_or_default();
            crate::base::registry::unknown(&arg, &value, known.split(", "))
        }
        ErrorKind::ValueValidation => {
            let source = std::error::Error::source(e).map(ToString::to_string).unwrap_or_default();
            if arg == "--model" && Path::new(&value).exists() {
                // It may have been given as --run.
                let expected = "a graph of torch.export (.pt2) or ONNX (.onnx), or a network by its name";
                return Error::expected("--run, --model", expected, format!("`{value}`, which is neither"));
            }
            if source.contains("expected ") {
                return Error::request(&arg, source);
            }
            let expected = if source.contains("float") { "a number" } else { "a whole number of at least 0" };
            match value.parse::<f64>() {
                // Beyond what 64 bits hold.
                Ok(x) if x > i64::MAX as f64 => Error::expected(arg, format!("at most {}", i64::MAX), value),
                _ => Error::expected(arg, expected, format!("`{value}`")),
            }
        }
        _ => {
            let text = e.to_string();
            let line = text.lines().next().unwrap_or_default();
            Error::request("command line", line.trim_start_matches("error: "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyses::{instability, ticket};
    use clap::FromArgMatches;

    /// What help shows as defaults, given as flags to `train`, are the settings that the commands have.
    #[test]
    fn the_defaults_that_help_shows_are_all_that_differ()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        for defaults in [ticket::training(), instability::training()] {
            let values = shown(&defaults);
            let given = values.iter().filter(|(_, value)| !value.is_empty());
            let flags = given.map(|(id, value)| format!("--{}={value}", id.replace('_', "-")));
            let plain = TrainSettings::augment_args(Command::new("train"));
            let matches = plain.try_get_matches_from([String::from("train")].into_iter().chain(flags))?;
            assert_eq!(TrainSettings::from_arg_matches(&matches)?, defaults);
            let mut help = with_training(Command::new("other"), &defaults);
            let help = help.render_help().to_string();
            for (id, value) in
                values.iter().zip(shown(&TrainSettings::default())).filter(|(a, b)| *a != b).map(|v| v.0)
            {
                let flag = format!("--{} ", id.replace('_', "-"));
                let own = help
                    .split(&flag)
                    .nth(1)
                    .and_then(|rest| rest.split("\n      --").next())
                    .unwrap_or_default();
                let words = own.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(words.ends_with(&format!("[default: {value}]")), "{id}: {words}");
                assert_eq!(words.matches("[default").count(), 1, "{id}: {words}");
            }
        }
        Ok(())
    }
}
