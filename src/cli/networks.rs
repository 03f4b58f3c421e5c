//! The networks that an analysis is of: from `--run`, or the one of `runs/default`, which is trained if it is not there.

use super::config::Sources;
use super::output::Target;
use super::progress::say;
use super::train::{self, Found, Going};
use crate::analyses::{Beside, DataGiven, Run};
use crate::base::apart::check_apart;
use crate::base::{Error, Precision, Result, files};
use crate::nn::losses::Loss;
use crate::render::Style;
use crate::train::checkpoint::CHECKPOINT;
use crate::train::settings::SHORTHANDS;
use crate::train::{Status, TrainSettings, exported};
use clap::{Arg, ArgAction, Args, Command};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Flags that name a network where no run does: keys of `[train]`.
const NAMED: [(&str, &str); 2] = [
    (
        "model",
        "Network that --weights are of, as `losscape train --model` names it [default: that of [train]]",
    ),
    (
        "loss",
        "Loss of that network, of a graph that ends in outputs, or in place of the one that a run was trained with, as `losscape train --loss` names it",
    ),
];

/// Adds `--run`, and what names a network without one: `--weights` with `--model` and `--loss`.
pub fn argument(command: Command) -> Command {
    let run = Arg::new("run")
        .long("run")
        .value_name("PATH")
        .action(ArgAction::Append)
        .value_parser(clap::value_parser!(PathBuf))
        .help("Run directory, weight file or graph of torch.export (.pt2) or ONNX, may be repeated [default: runs/default, trained first if it is not there]");
    of_weights(command.arg(run))
}

/// Adds `--weights`, and what names their network where no graph does: `--model`, `--loss` and `--data`.
pub fn of_weights(command: Command) -> Command {
    let named = |(name, help)| Arg::new(name).long(name).value_name("VALUE").help(help);
    DataGiven::augment_args(command.args(NAMED.map(named)).arg(weights()))
}

/// `--weights`, once or several times.
pub fn weights() -> Arg {
    Arg::new("weights")
        .long("weights")
        .value_name("FILE")
        .action(ArgAction::Append)
        .num_args(1..)
        .value_parser(clap::value_parser!(PathBuf))
        .help("Weights for a graph of torch.export in place of its own, or for the network that --model and --data name: .pt or .pth of torch.save, .safetensors, or another .pt2 of the same network; several, as of a glob, are several networks")
}

/// Adds what goes with one network that is given: `--data`, `--other-data`, `--weights` and `--loss`.
pub fn beside(command: Command) -> Command {
    let [_, (name, _)] = NAMED;
    let loss = Arg::new(name).long(name).value_name("VALUE");
    let loss = loss.help("Loss of a graph that ends in outputs, as `losscape train --loss` names it");
    let one = |weights: Arg| weights.action(ArgAction::Set).num_args(1);
    DataGiven::augment_args(command).arg(one(weights())).arg(loss)
}

/// Takes them.
pub fn take_beside(sources: &mut Sources) -> Result<Beside> {
    let (data, weights) = (sources.take(&[])?, sources.path("weights")?);
    Ok(Beside { data, weights, loss: take_loss(sources)? })
}

/// Takes what names a network, `[train]` with the flags over it, and the loss of a graph. With networks that are `given`
/// nothing else does, and without them the flags are those of the network that `weights` are of.
pub fn take_named(
    sources: &mut Sources,
    given: bool,
    weights: bool,
) -> Result<(Option<TrainSettings>, Option<Loss>)> {
    let loss = if given { take_loss(sources)? } else { None };
    let [(model, _), (named, _)] = NAMED;
    let flags = if given { vec![model] } else { vec![model, named] };
    let wanted: Option<TrainSettings> = sources.table_with("train", SHORTHANDS, &flags)?;
    if let Some(flag) = flags.iter().find(|flag| sources.is_given(flag))
        && (given || !weights)
    {
        let found = if given { "a network that is given" } else { "none (losscape train trains one)" };
        return Err(Error::expected(format!("--{flag}"), "--weights of the network that it names", found));
    }
    Ok((wanted, loss))
}

/// The loss of a graph.
fn take_loss(sources: &mut Sources) -> Result<Option<Loss>> {
    let read = |text: String| text.parse().map_err(|e: Error| Error::request("--loss", e.to_string()));
    sources.word("loss")?.map(read).transpose()
}

/// Refuses an analysis of a network in this precision with so many training samples, before it is trained.
pub type Fits<'a> = &'a dyn Fn(Precision, usize) -> Result<()>;

/// Where the networks are.
#[derive(Debug)]
pub struct Networks {
    from: Vec<PathBuf>,
    /// Weights for the one network that is given, or for the one that `wanted` names.
    weights: Vec<PathBuf>,
    data: DataGiven,
    /// The loss of a graph that ends in outputs.
    loss: Option<Loss>,
    /// The configuration's `[train]` with the flags over it, for the default network or that of the weights.
    wanted: Option<TrainSettings>,
    /// Whether several weights are one network along its way.
    along: bool,
}

impl Networks {
    /// Takes `--run` and `[train]`.
    pub fn take(sources: &mut Sources) -> Result<Self> {
        let (from, weights) = (sources.paths("run")?, sources.paths("weights")?);
        let data: DataGiven = sources.take(&[])?;
        data.check(from.len().max(weights.len()), "--run")?;
        if !weights.is_empty() && from.len() > 1 {
            return Err(Error::expected("--weights", "one --run that they are for", from.len()));
        }
        let (wanted, loss) = take_named(sources, !from.is_empty(), !weights.is_empty())?;
        if !from.is_empty() && wanted.is_some() {
            let expected = "no [train] in the configuration, whose network would not be used";
            return Err(Error::expected("--run", expected, "one"));
        }
        if data.other_data && from.is_empty() {
            return Err(Error::expected("--other-data", "a --run that remembers its data", "none"));
        }
        Ok(Self { from, weights, data, loss, wanted, along: false })
    }

    /// Takes several --weights as checkpoints of one network, where that is asked for.
    pub fn along(self, along: bool) -> Self {
        let along = along && self.weights.len() > 1;
        Self { along, ..self }
    }

    /// How many.
    pub fn count(&self) -> usize {
        if self.along {
            return 1;
        }
        self.from.len().max(self.weights.len()).max(1)
    }

    fn paths(&self) -> Vec<PathBuf> {
        match (self.from.is_empty(), self.weights.is_empty()) {
            (true, true) => vec![PathBuf::from(train::DEFAULT_OUT)],
            (_, false) => self.weights.clone(),
            (false, true) => self.from.clone(),
        }
    }

    /// Their paths as they were given.
    pub fn names(&self) -> Vec<String> {
        self.paths().iter().map(|path| files::named(path)).collect()
    }

    /// Refuses to write a result over one of them.
    pub fn apart(&self, out: &Path) -> Result<()> {
        let given = self.from.iter().chain(&self.weights);
        self.paths().iter().chain(given).try_for_each(|path| check_apart(path, out))
    }

    /// Whether they are those of `runs/default` and the seeds after it.
    pub fn are_default(&self) -> bool {
        self.from.is_empty() && self.weights.is_empty()
    }

    /// Refuses networks beside a saved result, in which nothing of them would be used.
    pub fn refuse_beside_result(&self) -> Result<()> {
        let given = [
            ("--run", !self.from.is_empty()),
            ("--weights", !self.weights.is_empty()),
            ("--data", self.data != DataGiven::default()),
            ("[train]", self.wanted.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => {
                Err(Error::expected(flag, "none beside RESULT, which is read as it is", "one"))
            }
            None => Ok(()),
        }
    }

    /// What parts remember of them: where they are.
    pub fn recalled(&self) -> Value {
        let from = if self.are_default() { self.paths() } else { self.from.clone() };
        json!([from, self.weights, self.data, self.loss, self.wanted, self.along])
    }

    /// What parts remembered.
    pub fn recall(value: Value) -> serde_json::Result<Self> {
        type All = (Vec<PathBuf>, Vec<PathBuf>, DataGiven, Option<Loss>, Option<TrainSettings>, bool);
        let (from, weights, data, loss, wanted, along): All = serde_json::from_value(value)?;
        Ok(Self { from, weights, data, loss, wanted, along })
    }

    /// Reads those that are given.
    pub fn given(&self) -> Result<Vec<Run>> {
        let wanted = self.wanted.clone().unwrap_or_default();
        let runs = open(&self.from, &self.weights, &self.data, self.loss.as_ref(), &wanted)?;
        Ok(if self.along { vec![Run::along(runs)?] } else { runs })
    }

    /// Reads them, or trains so many seeds of the default one; `shared` with other processes that start together, the first of
    /// which trains while the others wait.
    pub fn read_or(
        &self,
        count: usize,
        shared: bool,
        style: &Style,
        quiet: bool,
        fits: Fits,
    ) -> Result<Vec<Run>> {
        let runs = if self.are_default() {
            default_seeds(count, self.wanted.clone(), shared, style, quiet, fits)?
        } else {
            self.given()?
        };
        for path in self.paths() {
            if let Some(reason) = train::unfinished(&path) {
                say(quiet, &format!("note: {} did not end well: {reason}", files::named(&path)));
            }
        }
        Ok(runs)
    }
}

/// Networks that are given: runs, weight files and graphs; or weights, over the graph that is given, or over the network that
/// `training` names. `loss` completes a graph that ends in outputs.
pub fn open(
    from: &[PathBuf],
    weights: &[PathBuf],
    data: &DataGiven,
    loss: Option<&Loss>,
    training: &TrainSettings,
) -> Result<Vec<Run>> {
    let beside = |weights: Option<&PathBuf>| Beside {
        data: data.clone(),
        weights: weights.cloned(),
        loss: loss.cloned(),
    };
    match (from, weights) {
        ([], weights) => {
            let source = data.data.clone().unwrap_or_else(|| training.data.clone());
            let training = TrainSettings { data: source, ..training.clone() };
            weights.iter().map(|path| Run::with_weights(&training, path)).collect()
        }
        (from, []) => from.iter().map(|path| Run::open(path, &beside(None))).collect(),
        ([graph], weights) => weights.iter().map(|path| Run::open(graph, &beside(Some(path)))).collect(),
        (from, _) => Err(Error::expected("--weights", "one network that they are for", from.len())),
    }
}

/// The networks of `runs/default`, `runs/default-1` and so on, which differ in their seed alone; those that are not there
/// are trained. Where several processes need them at the same time (`shared`), one of them trains, the others wait.
pub fn default_seeds(
    count: usize,
    wanted: Option<TrainSettings>,
    shared: bool,
    style: &Style,
    quiet: bool,
    fits: Fits,
) -> Result<Vec<Run>> {
    let mut runs = vec![default_run(train::DEFAULT_OUT, wanted, shared, style, quiet, fits)?];
    let first = match train::found(Path::new(train::DEFAULT_OUT))? {
        Found::Done(settings) | Found::Unfinished(settings, _) => settings,
        Found::Nothing => TrainSettings::default(),
    };
    for i in 1..count {
        let wanted = TrainSettings { seed: first.seed.wrapping_add(i as u64), ..first.clone() };
        runs.push(default_run(
            &format!("{}-{i}", train::DEFAULT_OUT),
            Some(wanted),
            shared,
            style,
            quiet,
            fits,
        )?);
    }
    Ok(runs)
}

/// The network of a default directory: the one that is there, or a new one. What is not understood is never replaced.
fn default_run(
    directory: &str,
    wanted: Option<TrainSettings>,
    shared: bool,
    style: &Style,
    quiet: bool,
    fits: Fits,
) -> Result<Run> {
    // Who has the lock of a network that all of them need finds out whether it is there.
    let wait = || {
        Target::waiting(PathBuf::from(directory), &|holder| {
            say(quiet, &format!("waiting for {holder}, which trains the network in {directory}"));
        })
    };
    let locked = if shared { Some(wait()?) } else { None };
    let there = train::found(Path::new(directory)).map_err(|e| match e {
        Error::Request { at, what } => Error::request(at, format!("{what} ({ELSEWHERE})")),
        other => other,
    })?;
    if let (Found::Done(settings) | Found::Unfinished(settings, _), Some(wanted)) = (&there, &wanted)
        && settings.resolved() != wanted.resolved()
    {
        let found = format!("{} with other settings, seed {}", settings.title(), settings.seed);
        let expected =
            format!("the network of the configuration's [train], or of the next seed ({ELSEWHERE})");
        return Err(Error::expected(directory, expected, found));
    }
    if let Found::Done(settings) = &there {
        drop(locked);
        let run = Run::read(Path::new(directory))?;
        say(
            quiet,
            &format!("using the network in {directory}: {}, seed {}", settings.title(), settings.seed),
        );
        return Ok(run);
    }
    let begun = Path::new(directory).join(CHECKPOINT).exists();
    let wanted = match (wanted, &there) {
        (None, Found::Unfinished(settings, _)) if begun => settings.clone(),
        (wanted, _) => wanted.unwrap_or_default(),
    };
    let wanted = exported::settle(wanted)?;
    let prepared = train::prepare(&wanted)?;
    fits(wanted.precision, prepared.samples())?;
    let target = locked.map_or_else(|| Target::new(PathBuf::from(directory)), Ok)?;
    if let Found::Unfinished(_, reason) = &there {
        say(quiet, &format!("{directory} did not end well: {reason}"));
    }
    if begun {
        say(quiet, &format!("no network given: finishing the run in {directory}"))
    } else {
        say(quiet, &format!("no network given: training the default network into {directory}"))
    }
    let (result, _) = train::train(&wanted, prepared, &target, style, quiet, &Going::default())?;
    match result.trained.status {
        Status::TargetMissed => say(quiet, &format!("note: {}", result.trained.reason)),
        _ => train::verdict(&result)?,
    }
    // It is written, and may be read.
    drop(target);
    Run::read(Path::new(directory))
}

/// How a network was trained, by the record beside its weights; none where there is no record, or one of another network.
pub fn recorded(run: &Run) -> Result<Option<TrainSettings>> {
    let directory = run.origin.as_ref().and_then(|origin| origin.path.parent());
    let Some(directory) = directory.filter(|directory| directory.join(train::RECORD).is_file()) else {
        return Ok(None);
    };
    let (Found::Done(settings) | Found::Unfinished(settings, _)) = train::found(directory)? else {
        return Ok(None);
    };
    let spec = run.network.spec();
    let own = settings.model == spec.model && settings.loss == spec.loss && settings.data == run.data.data;
    Ok(own.then_some(settings))
}

/// How to go on beside a run in `runs/default` that is in the way.
const ELSEWHERE: &str =
    "or --run, --from and --to to choose networks, or a working directory without that run";
