//! What an analysis is of, as users name it: nothing, how networks are trained, or trained networks.

use super::arguments::{Parts, run_as_model, with_training};
use super::config::{Sources, with_shorthands};
use super::networks::{self, Networks as Runs};
use super::output::Target;
use super::progress::say;
use super::seeds;
use super::train::{self, Going};
use crate::analyses::analysis::{Asked, Entry, Named, Needs, Networks};
use crate::analyses::{Beside, DataGiven, Run, ensemble};
use crate::base::apart::check_apart;
use crate::base::{Error, Precision, Result, files, memory};
use crate::nn::losses::Loss;
use crate::render::Style;
use crate::train::settings::SHORTHANDS;
use crate::train::{TrainSettings, exported};
use clap::{Arg, ArgAction, Args, Command};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What an analysis is of.
pub enum Subject {
    /// Nothing: its settings say all.
    Nothing,
    /// Networks that it trains, so.
    Training {
        settings: Box<TrainSettings>,
        /// Samples in a mini-batch where nothing is said.
        batch: Option<usize>,
    },
    /// Networks that are there, or those of `runs/default` and so on.
    Runs { runs: Runs, usual: usize, recorded: bool },
    /// Two of them, by a flag each.
    Ends(Ends),
    /// Networks that are there, or trained below the directory of the result.
    Seeds(Seeds),
}

/// Networks that `--from` and `--to` name.
pub struct Ends {
    paths: (Option<PathBuf>, Option<PathBuf>),
    /// Weights of the graph of `--from`, or of both ends.
    weights: Vec<PathBuf>,
    data: DataGiven,
    loss: Option<Loss>,
    to_weights: Option<PathBuf>,
    wanted: Option<TrainSettings>,
}

/// Networks that `--run` names, or how they are trained.
pub struct Seeds {
    from: Vec<PathBuf>,
    /// Weights over the one graph that is given, or over the network that `training` names.
    weights: Vec<PathBuf>,
    given: DataGiven,
    loss: Option<Loss>,
    training: Box<TrainSettings>,
    count: usize,
}

/// How many networks are trained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Count {
    /// Train this many networks, with --seed and the seeds after it
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Take other samples with --data than the networks given with --run were trained on
    #[arg(long)]
    other_data: bool,
}

/// What is asked of networks, and where what has to be trained for it goes.
pub struct Asking<'a> {
    /// The command.
    pub name: &'static str,
    pub asked: &'a dyn Asked,
    pub target: &'a Target,
    /// Whether other processes need the same networks.
    pub shared: bool,
    pub fresh: bool,
    pub style: &'a Style,
    pub quiet: bool,
}

/// What was found.
#[derive(Default)]
pub struct Found {
    runs: Vec<Run>,
    training: Vec<TrainSettings>,
    further: Vec<Run>,
    /// The networks as they were named.
    pub names: Vec<String>,
}

impl Found {
    /// As analyses take it.
    pub fn lent(&self) -> Networks<'_> {
        Networks { runs: &self.runs, training: &self.training, further: &self.further }
    }
}

/// A flag that takes a path.
fn path(name: &'static str, help: String) -> Arg {
    Arg::new(name).long(name).value_name("PATH").help(help).value_parser(clap::value_parser!(PathBuf))
}

/// "two to eight", "three or more".
fn how_many(least: usize, most: usize) -> String {
    const WORDS: [&str; 9] = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight"];
    let word = |n: usize| WORDS.get(n).map_or_else(|| n.to_string(), |word| (*word).to_owned());
    if most > 100 { format!("{} or more", word(least)) } else { format!("{} to {}", word(least), word(most)) }
}

impl Subject {
    /// Adds the flags that name it.
    pub fn flags(entry: &Entry, command: Command) -> Command {
        let (within, usual, named) = match (entry.needs)() {
            Needs::Nothing if command.get_arguments().any(|arg| arg.get_id() == "model") => {
                return run_as_model(command);
            }
            Needs::Nothing => return command,
            Needs::Training(usual) => return with_training(command, &usual),
            Needs::Networks { within, usual, named } => (within, usual, named),
        };
        let many = how_many(*within.start(), *within.end());
        match named {
            Named::Run | Named::Recorded => {
                let default: Vec<String> = (0..usual).map(default_directory).collect();
                let default = default.join(", ");
                networks::argument(command).mut_arg("run", |arg| match *within.start() {
                    1 => arg,
                    _ => arg.help(format!(
                        "Run directory or weight file, {many} [default: {default}, trained first if need be]"
                    )),
                })
            }
            Named::Ends => {
                let command = command
                    .arg(path("from", "Network at t = 0: run directory or weight file [default: runs/default, trained first if need be]".to_owned()))
                    .arg(path("to", "Network at t = 1 [default: runs/default-1, of the next seed]".to_owned()))
                    .arg(path("to-weights", "Weights for the graph of --to in place of its own".to_owned()));
                networks::of_weights(command)
            }
            Named::Seeds => {
                let help = format!(
                    "Run directory, weight file or graph, {many}, or one graph that --weights are for [default: networks are trained]"
                );
                let command =
                    command.arg(path("run", help).action(ArgAction::Append)).arg(networks::weights());
                let command = Count::augment_args(command).mut_arg("count", |arg| {
                    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                    arg.help(format!("{help} [default: {usual}]"))
                });
                let command = TrainSettings::augment_args(command.next_help_heading("Training"));
                with_shorthands(command, SHORTHANDS)
            }
        }
    }

    /// Takes what names it.
    pub fn take(entry: &Entry, sources: &mut Sources) -> Result<Self> {
        let (within, usual, named) = match (entry.needs)() {
            Needs::Nothing => return Ok(Self::Nothing),
            Needs::Training(usual) => {
                let batch = usual.batch_size;
                let settings = sources.take_over(TrainSettings { batch_size: None, ..*usual }, SHORTHANDS)?;
                return Ok(Self::Training { settings: Box::new(settings), batch });
            }
            Needs::Networks { within, usual, named } => (within, usual, named),
        };
        match named {
            Named::Run | Named::Recorded => {
                let runs = Runs::take(sources)?;
                let default = runs.count() == 1 && usual > 1 && runs.are_default();
                if !default && !within.contains(&runs.count()) {
                    let expected = match (*within.start(), *within.end()) {
                        (1, 1) => "one network".to_owned(),
                        (least, most) => format!("{least} to {most} networks"),
                    };
                    return Err(Error::expected("--run", expected, runs.count()));
                }
                Ok(Self::Runs { runs, usual, recorded: named == Named::Recorded })
            }
            Named::Ends => {
                let paths = (sources.path("from")?, sources.path("to")?);
                let (weights, to_weights) = (sources.paths("weights")?, sources.path("to-weights")?);
                let data = sources.take(&[])?;
                let given = paths.0.is_some() || paths.1.is_some();
                let (wanted, loss) = networks::take_named(sources, given, !weights.is_empty())?;
                let ends = Ends { paths, weights, data, loss, to_weights, wanted };
                ends.check().map(|()| Self::Ends(ends))
            }
            Named::Seeds => {
                let (from, weights) = (sources.paths("run")?, sources.paths("weights")?);
                let training: TrainSettings = sources.take(SHORTHANDS)?;
                let Count { count, other_data } = sources.take(&[])?;
                // With networks that are there, --data says where their data lie.
                let TrainSettings { data, .. } = TrainSettings::default();
                let given = (!from.is_empty() && training.data != data).then(|| training.data.clone());
                let given = DataGiven { data: given, other_data };
                given.check(from.len(), "--run")?;
                let usual_settings = TrainSettings::default();
                // Of a graph that ends in outputs there is a loss to say.
                let loss =
                    (!from.is_empty() && training.loss != usual_settings.loss).then(|| training.loss.clone());
                let trains = from.is_empty() && weights.is_empty();
                let named = named_network(&training);
                if !trains && (count.is_some() || training != named)
                    || !from.is_empty() && training.model != usual_settings.model
                {
                    let expected = "no --count and no flags of training but those of the network and its data, since nothing is trained";
                    let flag = if from.is_empty() { "--weights" } else { "--run" };
                    return Err(Error::expected(flag, expected, "some"));
                }
                if let Some(count) = count.filter(|n| !within.contains(n)) {
                    let expected = format!("{} to {}", within.start(), within.end());
                    return Err(Error::expected("--count", expected, count));
                }
                let there = if weights.is_empty() { from.len() } else { weights.len() };
                if !weights.is_empty() && !within.contains(&there) {
                    let expected = format!("{} networks", how_many(*within.start(), *within.end()));
                    return Err(Error::expected("--weights", expected, there));
                }
                let count = if trains { count.unwrap_or(usual) } else { there };
                let training = Box::new(training);
                Ok(Self::Seeds(Seeds { from, weights, given, loss, training, count }))
            }
        }
    }

    /// Takes several weights as checkpoints of one network, where that is asked for.
    pub fn along(self, along: bool) -> Self {
        match self {
            Self::Runs { runs, usual, recorded } => Self::Runs { runs: runs.along(along), usual, recorded },
            other => other,
        }
    }

    /// Nothing, where a saved result is read; networks beside it are refused.
    pub fn unless(self, saved: Option<&str>) -> Result<Self> {
        match (saved, self) {
            (None, subject) => Ok(subject),
            (Some(_), Self::Runs { runs, .. }) => runs.refuse_beside_result().map(|()| Self::Nothing),
            (Some(_), _) => Ok(Self::Nothing),
        }
    }

    /// How many networks.
    pub fn count(&self) -> usize {
        match self {
            Self::Nothing | Self::Training { .. } => 0,
            Self::Runs { runs, usual, .. } => {
                if runs.are_default() {
                    *usual
                } else {
                    runs.count()
                }
            }
            Self::Ends(_) => 2,
            Self::Seeds(seeds) => seeds.count,
        }
    }

    /// How networks are trained, as far as the analysis does it.
    pub fn training(&self) -> TrainSettings {
        match self {
            Self::Training { settings, .. } => TrainSettings::clone(settings),
            _ => TrainSettings::default(),
        }
    }

    /// Refuses what makes no sense by itself, or with a part of the work.
    pub fn check(&self, parts: &Parts) -> Result<()> {
        let Self::Seeds(seeds) = self else { return Ok(()) };
        seeds.training.check()?;
        match parts.asked().filter(|_| seeds.trains()) {
            None => Ok(()),
            Some((flag, part)) => {
                let expected =
                    "--run: networks that are there, of which each part measures some of the pairs";
                Err(Error::expected(flag, expected, part))
            }
        }
    }

    /// Refuses to write a result over one of the networks.
    pub fn apart(&self, out: &Path) -> Result<()> {
        match self {
            Self::Nothing | Self::Training { .. } => Ok(()),
            Self::Runs { runs, .. } => runs.apart(out),
            Self::Ends(ends) => {
                let [from, to] = [&ends.paths.0, &ends.paths.1].map(Option::iter);
                from.chain(to).chain(&ends.weights).try_for_each(|path| check_apart(path, out))
            }
            Self::Seeds(seeds) => {
                seeds.from.iter().chain(&seeds.weights).try_for_each(|path| check_apart(path, out))
            }
        }
    }

    /// The same with what it leaves open filled in; refuses what can be refused before any directory is made.
    pub fn prepared(self, entry: &Entry, asked: &dyn Asked) -> Result<Self> {
        match self {
            Self::Training { settings, batch } => {
                let mut settings = Box::new(exported::settle(*settings)?);
                if let (Some(usual), None, false) =
                    (batch, settings.batch_size, settings.optimizer.full_batch())
                {
                    let prepared = train::prepare(&settings)?;
                    settings.batch_size = Some((entry.batch)(usual, prepared.samples(), prepared.fewest));
                }
                let prepared = train::prepare(&settings)?;
                if let Some((bytes, what)) = asked.memory(0, Some(&prepared)) {
                    memory::fits(bytes, &what)?;
                }
                drop(prepared);
                Ok(Self::Training { settings, batch })
            }
            Self::Seeds(mut seeds) => {
                if seeds.trains() {
                    seeds.training = Box::new(exported::settle(*seeds.training)?);
                    let all = seeds::from(seeds.training.seed, seeds.count)?;
                    seeds::check(&seeds.training, all.len())?;
                }
                Ok(Self::Seeds(seeds))
            }
            other => Ok(other),
        }
    }

    /// Finds the networks, or trains them.
    pub fn read(&self, asking: &Asking) -> Result<Found> {
        let Asking { asked, style, quiet, .. } = *asking;
        let fits = |precision: Precision, samples: usize| asked.suits(precision, samples);
        let mut found = match self {
            Self::Runs { runs, usual, recorded } => {
                let read = runs.read_or(*usual, asking.shared, style, quiet, &fits)?;
                let names =
                    if runs.are_default() { read.iter().map(Run::named).collect() } else { runs.names() };
                let training = if *recorded { vec![record(&read, &names)?] } else { Vec::new() };
                Found { runs: read, training, names, ..Found::default() }
            }
            Self::Ends(Ends { paths: (None, None), weights, wanted, .. }) if weights.is_empty() => {
                let runs = networks::default_seeds(2, wanted.clone(), false, style, quiet, &fits)?;
                Found { names: runs.iter().map(Run::named).collect(), runs, ..Found::default() }
            }
            Self::Seeds(seeds) if seeds.trains() => {
                let all = seeds::from(seeds.training.seed, seeds.count)?;
                let runs = asking.trained(&seeds.training, &all)?;
                Found { names: runs.iter().map(Run::named).collect(), runs, ..Found::default() }
            }
            _ => self.given()?,
        };
        for run in &found.runs {
            fits(run.precision, run.dataset.train.len())?;
        }
        asked.admits(&found.runs, &found.training)?;
        if let Self::Seeds(seeds) = self {
            for path in &seeds.from {
                if let Some(reason) = train::unfinished(path) {
                    say(quiet, &format!("note: {} did not end well: {reason}", files::named(path)));
                }
            }
        }
        if let (count @ 1.., Some(base)) = (asked.further(), found.training.first()) {
            // After the largest seed comes 0 again.
            let seed = |i: usize| (base.seed % (1 << 63)).wrapping_add(i as u64) % (1 << 63);
            let seeds: Vec<u64> = (1..=count).map(seed).collect();
            let base = ensemble::apart(base);
            seeds::check(&base, count)?;
            found.further = asking.trained(&base, &seeds)?;
        }
        Ok(found)
    }

    /// What is given, with nothing trained.
    pub fn given(&self) -> Result<Found> {
        let found = |runs: Vec<Run>, names: Vec<String>| Found { runs, names, ..Found::default() };
        match self {
            Self::Training { settings, .. } => {
                Ok(Found { training: vec![TrainSettings::clone(settings)], ..Found::default() })
            }
            Self::Ends(Ends { paths: (Some(from), Some(to)), weights, data, loss, to_weights, .. }) => {
                let beside = |weights: Option<&PathBuf>| Beside {
                    data: data.clone(),
                    weights: weights.cloned(),
                    loss: loss.clone(),
                };
                let own = Run::open(from, &beside(weights.first()))?;
                let runs = vec![own, Run::open(to, &beside(to_weights.as_ref()))?];
                Ok(found(runs, vec![files::named(from), files::named(to)]))
            }
            Self::Ends(Ends { paths: (from, None), weights, data, loss, wanted, .. }) => {
                let (from, training) = (Vec::from_iter(from.clone()), wanted.clone().unwrap_or_default());
                let runs = networks::open(&from, weights, data, loss.as_ref(), &training)?;
                Ok(found(runs, weights.iter().map(|path| files::named(path)).collect()))
            }
            Self::Seeds(Seeds { from, weights, given, loss, training, .. }) => {
                let runs = networks::open(from, weights, given, loss.as_ref(), training)?;
                let names = if weights.is_empty() { from } else { weights };
                Ok(found(runs, names.iter().map(|path| files::named(path)).collect()))
            }
            Self::Runs { runs, .. } => Ok(found(runs.given()?, runs.names())),
            _ => Ok(Found::default()),
        }
    }

    /// What parts remember of it.
    pub fn recalled(&self) -> Value {
        match self {
            Self::Training { settings, .. } => json!(settings),
            Self::Runs { runs, .. } => runs.recalled(),
            Self::Seeds(Seeds { from, weights, given, loss, training, .. }) => {
                json!([from, weights, given, loss, training])
            }
            _ => Value::Null,
        }
    }

    /// What parts remembered.
    pub fn recall(entry: &Entry, value: Value) -> serde_json::Result<Self> {
        Ok(match (entry.needs)() {
            Needs::Training(_) => Self::Training { settings: serde_json::from_value(value)?, batch: None },
            Needs::Networks { named: Named::Seeds, .. } => {
                type All = (Vec<PathBuf>, Vec<PathBuf>, DataGiven, Option<Loss>, Box<TrainSettings>);
                let (from, weights, given, loss, training): All = serde_json::from_value(value)?;
                let count = from.len().max(weights.len());
                Self::Seeds(Seeds { from, weights, given, loss, training, count })
            }
            Needs::Networks { named: Named::Run | Named::Recorded, usual, .. } => {
                let runs = Runs::recall(value)?;
                Self::Runs { runs, usual, recorded: false }
            }
            _ => Self::Nothing,
        })
    }
}

impl Seeds {
    /// Whether nothing is there and networks are trained.
    fn trains(&self) -> bool {
        self.from.is_empty() && self.weights.is_empty()
    }
}

/// The settings of training that name a network and its data, and those alone.
fn named_network(settings: &TrainSettings) -> TrainSettings {
    let TrainSettings { data, data_seed, preparation, samples, model, loss, precision, .. } =
        settings.clone();
    let plain = TrainSettings::default();
    TrainSettings { data, data_seed, preparation, samples, model, loss, precision, ..plain }
}

impl Ends {
    /// Refuses one end without the other, and what goes with networks that are given where none is.
    fn check(&self) -> Result<()> {
        let (from, to) = (&self.paths.0, &self.paths.1);
        self.data.check(self.weights.len().max(usize::from(from.is_some())), "--from and --to")?;
        if (from.is_some() || to.is_some()) && self.wanted.is_some() {
            let expected = "no [train] in the configuration, whose networks would not be used";
            return Err(Error::expected("--from", expected, "one"));
        }
        match (from, to) {
            // Two sets of weights of one network.
            (_, None) if self.weights.len() == 2 && self.to_weights.is_none() => Ok(()),
            (from, to) if self.weights.len() > usize::from(from.is_some() && to.is_some()) => {
                let expected = "two, of one network, or one for the graph of --from, beside --to";
                Err(Error::expected("--weights", expected, self.weights.len()))
            }
            (None, None) if self.to_weights.is_some() => {
                Err(Error::expected("--from", "a graph of torch.export, beside --to", "none"))
            }
            (Some(_), None) => Err(Error::expected("--to", "the other network, beside --from", "none")),
            (None, Some(_)) => Err(Error::expected("--from", "the other network, beside --to", "none")),
            _ => Ok(()),
        }
    }
}

impl Asking<'_> {
    /// Networks of these seeds, trained below the directory of the result where they are not there; those that did not end
    /// well are an error.
    fn trained(&self, settings: &TrainSettings, seeds: &[u64]) -> Result<Vec<Run>> {
        let directory = self.target.directory();
        let going = Going { fresh: self.fresh, ..Going::default() };
        seeds::train_all(settings, seeds, directory, &going, self.quiet, self.style)?;
        let one = |seed: &u64| {
            let path = seeds::of_seed(directory, *seed);
            match train::unfinished(&path) {
                Some(reason) => Err(Error::unmet(format!("{}: {}", self.name, files::named(&path)), reason)),
                None => Run::read(&path),
            }
        };
        seeds.iter().map(one).collect()
    }
}

/// How the network was trained, with its data where they are now.
fn record(runs: &[Run], names: &[String]) -> Result<TrainSettings> {
    let [run] = runs else { return Err(Error::expected("--run", "one network", runs.len())) };
    let base = networks::recorded(run)?.ok_or_else(|| {
        let expected = "a network with the record of its training, run.json, beside it";
        Error::expected(format!("--run {}", names.join(", ")), expected, "none, or of another one")
    })?;
    Ok(match &run.origin {
        Some(origin) => TrainSettings { data: origin.data.clone(), ..base },
        None => base,
    })
}

/// Where the network is that is trained where none is given, and those of the seeds after it.
fn default_directory(i: usize) -> String {
    match i {
        0 => train::DEFAULT_OUT.to_owned(),
        i => format!("{}-{i}", train::DEFAULT_OUT),
    }
}
