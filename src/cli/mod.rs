//! The command line: the only code that prints, draws progress or exits.
//!
//! Every analysis is a subcommand by its line in `analyses/mod.rs`, which `analysis` runs. To add another one: a file with a
//! constant of type `Subcommand`, its `mod`, and its line in `COMMANDS`.

mod analysis;
mod arguments;
mod claims;
mod completions;
mod config;
mod data;
mod help;
mod inspect;
mod list;
mod man;
mod merge;
mod networks;
mod output;
mod page;
mod parts;
mod plot;
mod product;
mod progress;
mod recipe;
mod run;
mod seeds;
mod signals;
mod subject;
mod submit;
mod table;
mod train;
mod width;

use crate::analyses::ANALYSES;
use crate::analyses::analysis::Entry;
use crate::base::{Error, Result};
use clap::{ArgMatches, Command};
use std::ffi::OsString;
use std::process::ExitCode;

/// A subcommand: its flags and help, and what it does.
struct Subcommand {
    name: &'static str,
    about: &'static str,
    /// Examples, and what is written.
    examples: &'static str,
    command: fn(Command) -> Command,
    run: fn(&ArgMatches) -> Result<()>,
}

/// Those that are no analyses; training comes before these, all others after them.
const COMMANDS: &[Subcommand] = &[
    train::COMMAND,
    merge::COMMAND,
    submit::COMMAND,
    run::COMMAND,
    recipe::COMMAND,
    width::COMMAND,
    plot::COMMAND,
    inspect::COMMAND,
    product::COMMAND,
    data::COMMAND,
    list::COMMAND,
    completions::COMMAND,
    man::COMMAND,
];

const EXAMPLES: &str = "Examples:
  losscape slice                               train a small network on digits, draw the landscape around it
  losscape train --hidden 64,64 --out runs/a   train a network of your own
  losscape slice --run runs/a --x=-2:2:101     and draw its landscape
  losscape sharpness --run runs/a              how sharp the minimum is, with certified eigenvalues
  losscape plot out/slice --cmap magma --log   draw a result again in another style
  losscape list activation                     what there is to choose from

Exit codes: 0 done, 1 the machine failed, 2 the request or a file is wrong, 3 computed but what was asked did
not hold (training diverged, a target was missed), 130 and 143 ended by a signal.";

/// A subcommand, of whichever sort.
#[derive(Clone, Copy)]
enum Which {
    Analysis(&'static Entry),
    Other(&'static Subcommand),
}

/// Every subcommand, in the order of help.
fn subcommands() -> impl Iterator<Item = Which> {
    let (first, rest) = COMMANDS.split_at(1);
    let analyses = ANALYSES.iter().filter(|entry| entry.command).map(Which::Analysis);
    first.iter().map(Which::Other).chain(analyses).chain(rest.iter().map(Which::Other))
}

/// The whole command with all its subcommands.
fn command() -> Command {
    let top = Command::new("losscape")
        .version(env!("CARGO_PKG_VERSION"))
        .about("See and measure the loss landscape of a neural network")
        .after_help(help::laid_out(EXAMPLES))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .max_term_width(110);
    subcommands().fold(top, |top, s| top.subcommand(s.whole()))
}

impl Which {
    fn name(self) -> &'static str {
        match self {
            Self::Analysis(entry) => entry.name,
            Self::Other(command) => command.name,
        }
    }

    fn whole(self) -> Command {
        let command = Command::new(self.name());
        let (command, about, examples) = match self {
            Self::Analysis(entry) => (analysis::command(entry, command), entry.about, entry.examples),
            Self::Other(other) => ((other.command)(command), other.about, other.examples),
        };
        // Last, because a struct of flags brings its own description along.
        let command = command.about(about).long_about(None::<&str>);
        let command = command.after_help(help::laid_out(examples));
        // `--lr -1` is a wrong rate, not a flag called -1.
        command.mut_args(|arg| {
            let takes = arg.get_action().takes_values();
            if takes { arg.allow_negative_numbers(true) } else { arg }
        })
    }

    fn run(self, matches: &ArgMatches) -> Result<()> {
        signals::install(self.name())?;
        match self {
            Self::Analysis(entry) => analysis::run(entry, matches),
            Self::Other(command) => (command.run)(matches),
        }
    }
}

/// Parses, runs, prints the error, and returns the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let given = arguments::joined(arguments);
    let result = match command().try_get_matches_from(&given) {
        Ok(matches) => dispatch(&matches),
        Err(e) if !e.use_stderr() => output::print(&e.render().to_string()),
        Err(e) if e.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            for line in e.render().to_string().lines() {
                output::complain(line);
            }
            return ExitCode::from(2);
        }
        Err(e) => Err(arguments::stray(&e, &given).unwrap_or_else(|| arguments::error(&e))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            output::complain(&format!("error: {e}"));
            ExitCode::from(e.exit_code())
        }
    }
}

fn dispatch(matches: &ArgMatches) -> Result<()> {
    let (name, matches) = matches.subcommand().ok_or_else(|| Error::expected("command", "one", "none"))?;
    let Some(command) = subcommands().find(|c| c.name() == name) else {
        return Err(Error::expected("command", "a known one", name));
    };
    command.run(matches)
}

#[cfg(test)]
mod tests {
    #[test]
    fn flags_are_consistent() {
        super::command().debug_assert();
    }
}
