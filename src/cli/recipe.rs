//! `losscape recipe`: a recipe or a settings file that is built in, to be copied and changed.

use super::{Subcommand, output};
use crate::base::Result;
use crate::base::registry::unknown;
use crate::study::builtin;
use clap::{Arg, ArgMatches, Command};

pub const COMMAND: Subcommand = Subcommand {
    name: "recipe",
    about: "Print a recipe or a settings file that is built in, to be copied and changed",
    examples: EXAMPLES,
    command,
    run,
};

const EXAMPLES: &str = "Examples:
  losscape recipe permutations > mine.toml     a recipe; then losscape run mine.toml
  losscape recipe slice > slice.toml           settings; then losscape slice --config slice.toml
  losscape list recipe                         what recipes there are
  losscape list settings                       what settings files there are";

fn command(command: Command) -> Command {
    let name = Arg::new("name").value_name("NAME").required(true);
    command.arg(
        name.help(
            "Name of a recipe (losscape list recipe) or of a command's settings (losscape list settings)",
        ),
    )
}

fn run(matches: &ArgMatches) -> Result<()> {
    let name = matches.get_one::<String>("name").map(String::as_str).unwrap_or_default();
    let all = || builtin::RECIPES.iter().chain(builtin::settings());
    match all().find(|file| file.name == name) {
        Some(file) => output::print(file.text),
        None => Err(unknown("recipe", name, all().map(|file| file.name))),
    }
}
