//! `losscape man`: the manual, in troff.

use super::{Subcommand, output};
use crate::base::registry::unknown;
use crate::base::{Error, Result};
use clap::{Arg, ArgMatches, Command};

pub const COMMAND: Subcommand =
    Subcommand { name: "man", about: "Print a manual page", examples: EXAMPLES, command, run };

const EXAMPLES: &str = "Examples:
  losscape man | man -l -
  losscape man slice > losscape-slice.1";

fn command(command: Command) -> Command {
    let page = Arg::new("page").value_name("COMMAND").help("The page of one command [default: of losscape]");
    command.arg(page)
}

fn run(matches: &ArgMatches) -> Result<()> {
    let top = super::command();
    let page = match matches.get_one::<String>("page") {
        None => top,
        Some(name) => match top.find_subcommand(name) {
            Some(command) => {
                let command = command.clone().display_name(format!("losscape-{name}"));
                command
                    .bin_name(format!("losscape {name}"))
                    .version(env!("CARGO_PKG_VERSION"))
                    .disable_version_flag(true)
            }
            None => return Err(unknown("man", name, super::subcommands().map(super::Which::name))),
        },
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text).map_err(|e| Error::machine("manual page", e))?;
    output::print_raw(&String::from_utf8_lossy(&text))
}
