//! The networks that an analysis is of: from `--run`, or the one of `runs/default`, which is trained if it is not there.

use super::config::Sources;
use super::output::Target;
use super::progress::say;
use super::train::{self, Found, Going};
use crate::base::{Error, Precision, Result, files};
use crate::passes::Run;
use crate::render::Style;
use crate::train::checkpoint::CHECKPOINT;
use crate::train::settings::SHORTHANDS;
use crate::train::{Status, TrainSettings};
use clap::{Arg, ArgAction, Command};
use std::path::{Path, PathBuf};

/// Adds `--run`.
pub fn argument(command: Command) -> Command {
    let run = Arg::new("run")
        .long("run")
        .value_name("PATH")
        .action(ArgAction::Append)
        .value_parser(clap::value_parser!(PathBuf))
        .help("Run directory or weight file, may be repeated [default: runs/default, trained first if it is not there]");
    command.arg(run)
}

/// Refuses an analysis of a network in this precision with so many training samples, before it is trained.
pub type Fits<'a> = &'a dyn Fn(Precision, usize) -> Result<()>;

/// Where the networks are.
#[derive(Debug)]
pub struct Networks {
    from: Vec<PathBuf>,
    /// The configuration's `[train]`, for the default network.
    wanted: Option<TrainSettings>,
}

impl Networks {
    /// Takes `--run` and `[train]`.
    pub fn take(sources: &mut Sources) -> Result<Self> {
        let from = sources.paths("run")?;
        let wanted: Option<TrainSettings> = match sources.section("train")? {
            Some(mut section) => {
                let wanted = section.take(SHORTHANDS)?;
                section.finish()?;
                Some(wanted)
            }
            None => None,
        };
        if !from.is_empty() && wanted.is_some() {
            let expected = "no [train] in the configuration, whose network would not be used";
            return Err(Error::expected("--run", expected, "one"));
        }
        Ok(Self { from, wanted })
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.from.len().max(1)
    }

    fn paths(&self) -> Vec<PathBuf> {
        if self.from.is_empty() { vec![PathBuf::from(train::DEFAULT_OUT)] } else { self.from.clone() }
    }

    /// Their paths as they were given.
    pub fn names(&self) -> Vec<String> {
        self.paths().iter().map(|path| files::named(path)).collect()
    }

    /// Refuses to write a result over one of them.
    pub fn apart(&self, out: &Path) -> Result<()> {
        self.paths().iter().try_for_each(|path| apart(path, out))
    }

    /// Reads them, or trains the default one.
    pub fn read(&self, style: &Style, quiet: bool, fits: Fits) -> Result<Vec<Run>> {
        let runs = match self.from.is_empty() {
            false => self.from.iter().map(|path| Run::read(path)).collect::<Result<Vec<Run>>>()?,
            true => vec![default_run(self.wanted.clone(), style, quiet, fits)?],
        };
        for path in self.paths() {
            if let Some(reason) = train::unfinished(&path) {
                say(quiet, &format!("note: {} did not end well: {reason}", files::named(&path)));
            }
        }
        Ok(runs)
    }
}

/// The network of `runs/default`: the one that is there, or a new one. What is not understood is never replaced.
fn default_run(wanted: Option<TrainSettings>, style: &Style, quiet: bool, fits: Fits) -> Result<Run> {
    let directory = PathBuf::from(train::DEFAULT_OUT);
    let there = train::found(&directory).map_err(|e| match e {
        Error::Request { at, what } => Error::request(at, format!("{what} ({ELSEWHERE})")),
        other => other,
    })?;
    if let (Found::Done(settings) | Found::Unfinished(settings, _), Some(wanted)) = (&there, &wanted)
        && settings.resolved() != wanted.resolved()
    {
        let found = format!("{} on {} with other settings", settings.model, settings.data);
        let expected = format!("the network of the configuration's [train] ({ELSEWHERE})");
        return Err(Error::expected(train::DEFAULT_OUT, expected, found));
    }
    if let Found::Done(TrainSettings { model, data, .. }) = &there {
        let run = Run::read(&directory)?;
        say(quiet, &format!("using the network in {}: {model} on {data}", train::DEFAULT_OUT));
        return Ok(run);
    }
    let begun = directory.join(CHECKPOINT).exists();
    let wanted = match (wanted, &there) {
        (None, Found::Unfinished(settings, _)) if begun => settings.clone(),
        (wanted, _) => wanted.unwrap_or_default(),
    };
    let prepared = train::prepare(&wanted)?;
    fits(wanted.precision, prepared.samples())?;
    let target = Target::new(directory.clone())?;
    if let Found::Unfinished(_, reason) = &there {
        say(quiet, &format!("{} did not end well: {reason}", train::DEFAULT_OUT));
    }
    match begun {
        true => say(quiet, &format!("no --run given: finishing the run in {}", train::DEFAULT_OUT)),
        false => {
            say(quiet, &format!("no --run given: training the default network into {}", train::DEFAULT_OUT))
        }
    }
    let result = train::train(&wanted, prepared, &target, style, quiet, &Going::default())?;
    match result.trained.status {
        Status::TargetMissed => say(quiet, &format!("note: {}", result.trained.reason)),
        _ => train::verdict(&result)?,
    }
    Run::read(&directory)
}

/// How to go on beside a run in `runs/default` that is in the way.
const ELSEWHERE: &str = "or --run to choose a network, or a working directory without that run";

/// Refuses to write a result over the run that it is made from.
pub fn apart(run: &Path, out: &Path) -> Result<()> {
    let directory = match run.parent() {
        Some(parent) if run.is_file() && parent == Path::new("") => Some(Path::new(".")),
        parent if run.is_file() => parent,
        _ => Some(run),
    };
    let same = |a: &Path| match (a.canonicalize(), out.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => matches!((std::path::absolute(a), std::path::absolute(out)), (Ok(a), Ok(b)) if a == b),
    };
    match directory.is_some_and(same) {
        true => Err(Error::expected("--out", "a directory apart from what is read", files::named(out))),
        false => Ok(()),
    }
}
