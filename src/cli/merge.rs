//! `losscape merge`: joins the parts of long work that several processes computed.

use super::Subcommand;
use super::arguments::{Common, config_and_out};
use super::config::Sources;
use super::parts::{Joined, RECORD, Record};
use super::{analysis, run, seeds};
use crate::analyses::{self, ANALYSES};
use crate::base::apart::check_apart;
use crate::base::log::difference;
use crate::base::{Error, Result, files, isa};
use crate::render::Style;
use clap::{Arg, ArgMatches, Args, Command};
use serde_json::json;
use std::path::{Path, PathBuf};

pub const COMMAND: Subcommand = Subcommand {
    name: "merge",
    about: "Join the parts of long work (--shard) into one result",
    examples: EXAMPLES,
    command,
    run: merge,
};

const DEFAULT_OUT: &str = "DIR, where one is given, else out/merge";

const EXAMPLES: &str = "Examples:
  losscape slice --run runs/a --shard 0/3 --out out/big      on one machine, or in one job of three
  losscape slice --run runs/a --shard auto --out out/big     in an array of Slurm, or under mpirun
  losscape slice --run runs/a --shard auto/8 --out out/big   task 2 of 8 once more: sbatch --array=2
  losscape merge out/big                                     all parts in out/big/shard-*; the result beside them
  losscape run mine.toml --shard auto --out out/mine         the same with a recipe
  losscape merge out/mine
  losscape merge part-0 part-1 part-2 --out out/whole

Parts are written side by side, DIR/shard-I-of-N each, at the same time, and no part waits for another. auto knows the arrays
of Slurm, PBS, SGE, LSF, AWS Batch, HyperQueue and Kubernetes, and the ranks of srun, Open MPI, MPICH, Intel MPI and torchrun;
ranks within the tasks of an array count as parts, too. A scheduler that does not say how many tasks there are takes auto/N,
and so does a lost task that is submitted once more; auto/1-8 says that the tasks of the array are 1 to 8.

The files are those of work that was done at once, to the byte. Parts of other settings, data or weights are refused, and
what is missing is named. The parts stay where they are.";

/// Joins parts of a command.
type Join = fn(Joined) -> Result<()>;

/// The commands that are no analyses, whose work can be cut into parts.
const JOINS: &[(&str, Join)] = &[("run", run::join), ("width", run::join_width), ("train", seeds::join)];

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

fn merge(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let (given, out) = (sources.paths("parts")?, sources.path("out")?);
    sources.finish()?;
    style.check()?;
    common.apply()?;
    let parts = given.iter().map(|path| parts_in(path)).collect::<Result<Vec<_>>>()?.concat();
    let out = out.unwrap_or_else(|| match given.as_slice() {
        [one] if !is_part(one) => one.clone(),
        _ => PathBuf::from("out/merge"),
    });
    parts.iter().try_for_each(|part| check_apart(part, &out))?;
    let Record { command, request, arithmetic, .. } = record(&parts)?;
    // What is still computed of the whole is so as the parts are.
    if arithmetic == isa::ANY {
        isa::fix();
    }
    let joined = Joined { request, parts, out, common, style };
    let analyses = || ANALYSES.iter().filter(|entry| entry.parts);
    if let Some(entry) = analyses().find(|entry| entry.name == command) {
        return analysis::join(entry, joined);
    }
    let Some((_, join)) = JOINS.iter().find(|(name, _)| *name == command) else {
        let names: Vec<&str> = analyses().map(|entry| entry.name).chain(JOINS.iter().map(|j| j.0)).collect();
        let expected = format!("parts of {}", names.join(", "));
        return Err(Error::expected("merge", expected, files::brief(&command)));
    };
    join(joined)
}

/// What all parts are of.
fn record(parts: &[PathBuf]) -> Result<Record> {
    let mut first: Option<(Record, &PathBuf)> = None;
    for part in parts {
        // Those of slices say in their logs what they are.
        let own = Record::read(part)?.unwrap_or_else(|| Record::new("slice", json!({})));
        let (expected, at) = first.get_or_insert_with(|| (own.clone(), part));
        expected.check_arithmetic(&own, &part.join(RECORD), &format!("that in {}", files::named(at)))?;
        if let Some((expected, found)) = difference(expected, &own) {
            let expected = format!("a part of the work in {}, {expected}", files::named(at));
            let found = format!("one of other work, {found}");
            return Err(Error::expected(files::named(&part.join(RECORD)), expected, found));
        }
    }
    let none = || Error::expected("merge", "a part", "none");
    first.map(|(record, _)| record).ok_or_else(none)
}

fn is_part(path: &Path) -> bool {
    path.join(RECORD).exists() || analyses::slice::is_part(path)
}

/// The directories of parts that `path` means: itself, or those in it.
fn parts_in(path: &Path) -> Result<Vec<PathBuf>> {
    if is_part(path) {
        return Ok(vec![path.to_path_buf()]);
    }
    let listed = std::fs::read_dir(path).map_err(|e| {
        let found =
            if e.kind() == std::io::ErrorKind::NotFound { "nothing there".to_owned() } else { e.to_string() };
        Error::expected(files::named(path), "a directory with parts", found)
    })?;
    let mut found: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).filter(|p| is_part(p)).collect();
    found.sort();
    if found.is_empty() {
        let expected = "parts of a slice, a recipe or other work (--shard), in directories shard-I-of-N";
        return Err(Error::expected(files::named(path), expected, "none"));
    }
    Ok(found)
}
