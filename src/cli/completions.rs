//! `losscape completions`: a script for the shell.

use super::{Subcommand, output};
use crate::base::Result;
use clap::{Arg, ArgMatches, Command};
use clap_complete::Shell;

pub const COMMAND: Subcommand = Subcommand {
    name: "completions",
    about: "Print a completion script for a shell",
    examples: EXAMPLES,
    command,
    run,
};

const EXAMPLES: &str = "Examples:
  losscape completions bash > losscape.bash    then `source losscape.bash`, here or in ~/.bashrc
  losscape completions zsh > ~/.zfunc/_losscape";

fn command(command: Command) -> Command {
    let shell = Arg::new("shell").value_name("SHELL").required(true).help("Which shell");
    let shell = shell.value_parser(clap::value_parser!(Shell));
    command.arg(shell)
}

fn run(matches: &ArgMatches) -> Result<()> {
    let Some(shell) = matches.get_one::<Shell>("shell") else { return Ok(()) };
    let mut script = Vec::new();
    clap_complete::generate(*shell, &mut super::command(), "losscape", &mut script);
    output::print_raw(&String::from_utf8_lossy(&script))
}
