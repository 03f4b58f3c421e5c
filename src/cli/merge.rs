//! `losscape merge`: joins the parts of a slice that several machines computed.

use super::Subcommand;
use super::arguments::{Common, config_and_out};
use super::config::Sources;
use super::output::Target;
use super::slice::finish;
use crate::base::{Error, Result, files};
use crate::passes::slice;
use crate::render::Style;
use clap::{Arg, ArgMatches, Args, Command};
use serde_json::json;
use std::path::PathBuf;

pub const COMMAND: Subcommand = Subcommand {
    name: "merge",
    about: "Join the parts of a slice (slice --shard) into one result",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/merge";

const EXAMPLES: &str = "Examples:
  losscape slice --run runs/a --shard 0/3 --out out/big      on one machine, or in one job of three
  losscape slice --run runs/a --shard auto --out out/big     in a Slurm array or under mpirun
  losscape merge out/big --out out/whole                     all parts in out/big/shard-*
  losscape merge part-0 part-1 part-2

The files are those of a slice that was computed at once, to the byte. Parts of other settings, data or weights are
refused, and missing points are named.";

fn command(command: Command) -> Command {
    let parts = Arg::new("parts")
        .value_name("DIR")
        .required(true)
        .num_args(1..)
        .value_parser(clap::value_parser!(PathBuf))
        .help("Parts, or directories with parts in them");
    let command = config_and_out(Common::augment_args(command.arg(parts)), DEFAULT_OUT);
    super::help::pictures(command)
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let (parts, out) = (sources.paths("parts")?, sources.path("out")?);
    sources.finish()?;
    style.check()?;
    common.apply()?;
    let result = slice::merge(&parts)?;
    let out = out.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    if let Some(part) = slice::parts(&parts)?.iter().find(|p| same(p, &out)) {
        return Err(Error::expected("--out", "a directory apart from the parts", files::named(part)));
    }
    if let Some(log) = slice::logs(&out).first() {
        let expected = "a directory without unfinished work (losscape slice --fresh discards it)";
        return Err(Error::expected("--out", expected, files::named(log)));
    }
    let target = Target::new(out)?;
    let names: Vec<String> = parts.iter().map(|p| files::named(p)).collect();
    finish(&result, &target, &style, json!({"parts": names}), &common)
}

fn same(a: &std::path::Path, b: &std::path::Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
