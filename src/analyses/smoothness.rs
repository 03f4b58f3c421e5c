//! How smooth the loss is along training, for a set of norms and initializers (Santurkar et al. 2018, "How does batch
//! normalization help optimization?").
//!
//! At points theta of a run, with L the mean loss over a fixed batch and g its gradient there, over steps eta along -g:
//!
//! - the range of L(theta - eta g), lowest and highest;
//! - the largest change of the gradient, ||g(theta - eta g) - g||;
//! - the effective beta, the largest ||g(theta - eta g) - g|| / (eta ||g||).
//!
//! The batch is the first training samples, as one group of batch statistics: one function at every point.

mod analysis;
mod result;

pub use result::{Most, Probed, Smoothness, SmoothnessResult, Variant};

use super::pieces::{Division, Ledger, Share, log_name};
use super::progress::{Observe, Progress};
use super::propagate::with_norm;
use super::range::Range;
use super::statistics::{GroupSize, Policy, Stats};
use super::{DataSettings, Outcome, to_json};
use crate::base::npz::Npz;
use crate::base::pool::on_workers;
use crate::base::{Error, Precision, Result, files};
use crate::data::{Dataset, Preparation, Source};
use crate::nn::architectures::{Architecture, Mlp, Unfold};
use crate::nn::inits::Initializer;
use crate::nn::losses::Loss;
use crate::nn::norms::{Batch, Norm};
use crate::nn::{self, At, MeanLoss, Statistics};
use crate::train::optimizers::{Optimizer, Sgd};
use crate::train::{Event, Keep, Point, Snapshots, Status, TrainSettings, chosen, exported, loss, network};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Settings of a study of smoothness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmoothnessSettings {
    /// Data set: a name from `losscape list data`, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = SmoothnessSettings::default().data)]
    pub data: Source,
    /// Seed of the split and of generated data
    #[arg(long, value_name = "N", default_value_t = SmoothnessSettings::default().data_seed)]
    pub data_seed: u64,
    /// Subset, label noise, standardising.
    #[command(flatten)]
    #[serde(flatten)]
    pub preparation: Preparation,
    /// Network: a name from `losscape list model`, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = SmoothnessSettings::default().model)]
    pub model: Architecture,
    /// What training minimises
    #[arg(long, value_name = "KIND", default_value_t = SmoothnessSettings::default().loss)]
    pub loss: Loss,
    /// A norm to try; give the flag once for each [default: none and batch]
    #[arg(long, value_name = "KIND", default_values_t = SmoothnessSettings::default().norm)]
    pub norm: Vec<Norm>,
    /// An initializer to try; give the flag once for each
    #[arg(long, value_name = "KIND", default_values_t = SmoothnessSettings::default().init)]
    pub init: Vec<Initializer>,
    /// Optimizer, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = SmoothnessSettings::default().optimizer)]
    pub optimizer: Optimizer,
    /// Learning rate
    #[arg(long, value_name = "RATE", default_value_t = SmoothnessSettings::default().lr)]
    pub lr: f64,
    /// Samples in a mini-batch [default: 64; all with a full-batch optimizer]
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Steps of training
    #[arg(long, value_name = "N", default_value_t = SmoothnessSettings::default().steps)]
    pub steps: u64,
    /// Steps between two points that are probed
    #[arg(long, value_name = "N", default_value_t = SmoothnessSettings::default().every)]
    pub every: u64,
    /// Steps eta along the gradient, as min:max:n
    #[arg(long, value_name = "RANGE", default_value_t = SmoothnessSettings::default().eta)]
    pub eta: Range,
    /// Training samples in the batch that is probed [default: 512, or all if there are fewer]
    #[arg(long, value_name = "N")]
    pub probe_samples: Option<usize>,
    /// Seed of initialization and sample order
    #[arg(long, value_name = "N", default_value_t = SmoothnessSettings::default().seed)]
    pub seed: u64,
    /// Element type
    #[arg(long, value_name = "TYPE", default_value_t = SmoothnessSettings::default().precision)]
    pub precision: Precision,
}

/// Training samples in the batch that is probed, where nothing is said.
const PROBED: usize = 512;

impl Default for SmoothnessSettings {
    fn default() -> Self {
        Self {
            data: Source::default(),
            data_seed: 0,
            preparation: Preparation::default(),
            // Deep enough that its landscape is rough without norm.
            model: Mlp { hidden: vec![64; 12], ..Mlp::default() }.into(),
            loss: Loss::default(),
            norm: vec![Norm::default(), Batch::default().into()],
            init: vec![Initializer::default()],
            optimizer: Sgd { momentum: 0.0, ..Sgd::default() }.into(), // steps along the gradient itself
            lr: 0.03, // a rate that the network without norm still bears
            batch_size: None,
            steps: 300,
            every: 12,
            eta: Range { min: 0.03, max: 0.3, n: 10 }, // the rates of training, to ten times as much
            probe_samples: None,
            seed: 0,
            precision: Precision::default(),
        }
    }
}

impl SmoothnessSettings {
    /// The same settings with all that the file of an exported network and its data say.
    pub(super) fn settled(&self) -> Result<Self> {
        let settled = exported::settle_with(self.train(), &Self::default().loss)?;
        let TrainSettings { data, preparation, model, loss, .. } = settled;
        // The norms of a graph are what they are.
        let usual = Self::default();
        let fixed = model.exported().is_some() && self.norm == usual.norm;
        let norm = if fixed { vec![Norm::default()] } else { self.norm.clone() };
        Ok(Self { data, preparation, model, loss, norm, ..self.clone() })
    }

    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        self.train().check()?;
        if self.norm.is_empty() || self.init.is_empty() {
            return Err(Error::expected("--norm, --init", "at least one of each", "none"));
        }
        if !(1..=10_000_000).contains(&self.steps) {
            return Err(Error::expected("--steps", "1 to 10000000", self.steps));
        }
        if !(1..=self.steps).contains(&self.every) || self.steps / self.every > 5000 {
            let expected = format!("{} to {}", (self.steps / 5000).max(1), self.steps);
            return Err(Error::expected("--every", expected, self.every));
        }
        if self.eta.min > 0.0 { Ok(()) } else { Err(Error::expected("--eta", "steps above 0", self.eta)) }
    }

    fn train(&self) -> TrainSettings {
        TrainSettings {
            data: self.data.clone(),
            data_seed: self.data_seed,
            preparation: self.preparation.clone(),
            model: self.model.clone(),
            loss: self.loss.clone(),
            optimizer: self.optimizer.clone(),
            lr: Some(self.lr),
            batch_size: self.batch_size,
            snapshots: Some(Snapshots::Steps(self.every)),
            seed: self.seed,
            precision: self.precision,
            ..TrainSettings::default()
        }
    }

    /// What is tried: a label, a norm, an initializer and the settings of its training.
    fn variants(&self) -> Result<Vec<(String, TrainSettings)>> {
        let mut all = Vec::new();
        for norm in &self.norm {
            // A network without a norm to choose can still be studied as it is.
            let own = *norm == Norm::default() && self.norm.len() == 1;
            let model = if own { self.model.clone() } else { with_norm(&self.model, norm)? };
            for init in &self.init {
                // An exported network starts from its own weights where nobody asks for others.
                let stored = model.exported().is_some() && self.init == Self::default().init;
                let label = match (self.norm.len(), self.init.len()) {
                    _ if stored => "weights as exported".to_owned(),
                    (_, 1) => format!("norm {norm}"),
                    (1, _) => init.to_string(),
                    _ => format!("norm {norm}, {init}"),
                };
                let settings = TrainSettings {
                    model: model.clone(),
                    init: (!stored).then(|| init.clone()),
                    ..self.train()
                };
                all.push((label, settings));
            }
        }
        Ok(all)
    }
}

/// Measures at the points of a run, in the order of the arrays.
const MEASURES: [&str; 5] = ["loss", "loss_min", "loss_max", "gradient_change", "beta"];

/// The command.
const NAME: &str = "smoothness";
/// Longest time between two checkpoints, as training has it.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// The checkpoint of a variant's training.
fn checkpoint(directory: &Path, variant: usize) -> PathBuf {
    directory.join(format!("smoothness-{variant}-checkpoint.safetensors"))
}

/// Removes what an unfinished study left in a directory.
pub fn discard(directory: &Path) -> Result<()> {
    files::remove(&directory.join(log_name(NAME)))?;
    let mut trained =
        (0..).map(|v| checkpoint(directory, v)).take_while(|path| path.symlink_metadata().is_ok());
    trained.try_for_each(|path| files::remove(&path))
}

/// Trains every variant and probes its points; with a directory, training and finished probes are kept in it and taken up
/// again.
pub fn run(
    settings: &SmoothnessSettings,
    directory: Option<&Path>,
    observe: Observe,
) -> Result<SmoothnessResult> {
    settings.check()?;
    let settings = &settings.settled()?;
    let (data, dataset) = DataSettings::load(&settings.train())?;
    let all = dataset.train.len();
    let probed = settings.probe_samples.unwrap_or(PROBED.min(all));
    super::run::at_most(all, probed, "--probe-samples")?;
    let batch_size = settings.batch_size.or(settings.train().resolved().batch_size);
    let settings = SmoothnessSettings { probe_samples: Some(probed), batch_size, ..settings.clone() };
    on_workers(|| compute(&settings, probed, data, dataset, directory, observe))
}

fn compute(
    settings: &SmoothnessSettings,
    few: usize,
    data: DataSettings,
    dataset: Dataset,
    directory: Option<&Path>,
    observe: Observe,
) -> Result<SmoothnessResult> {
    let variants = settings.variants()?;
    let steps: Vec<u64> = (0..=settings.steps / settings.every).map(|i| i * settings.every).collect();
    let total = variants.len() * steps.len();
    observe(Progress::Begins(NAME, "probes", total));
    let share = directory.map(Share::all);
    let ledger = Ledger::open(Division {
        command: NAME,
        units: ["probe", "probes"],
        all: total,
        width: MEASURES.len(),
        header: json!({
            "version": env!("CARGO_PKG_VERSION"),
            "settings": to_json(settings)?,
            "data_sha256": data.sha256,
        }),
        share: share.as_ref(),
    })?;
    let mut measures: Vec<Vec<f64>> = vec![Vec::new(); MEASURES.len()];
    let (mut tried, mut title) = (Vec::new(), String::new());
    let mut probed = dataset.clone();
    probed.train.truncate(few);
    for (v, (label, run)) in variants.iter().enumerate() {
        let n = dataset.train.len();
        let layout = network(run, &dataset)?.layout().clone();
        layout.check_group("training", n)?;
        layout.check_group("--probe-samples", probed.train.len())?;
        let stats = if layout.couples_samples { Stats::Batch } else { Stats::Running };
        let statistics = Policy::of(&layout, stats, GroupSize::All).words(false);
        let epoch = run.batches(n, &layout).count() as u64;
        let run = TrainSettings { epochs: settings.steps.div_ceil(epoch) as usize, ..run.clone() };
        let keep = directory.map(|directory| Keep {
            path: checkpoint(directory, v),
            every: CHECKPOINT_EVERY,
            data_sha256: data.sha256.clone(),
        });
        let trained = chosen::train(&run, &dataset, keep.as_ref(), &mut |_: Event| {})
            .map_err(|e| ledger.stopped(e))?;
        let network = trained.network.clone();
        let objective = loss(&network, &probed.train, settings.precision, Statistics::Groups(usize::MAX));
        let mut rows: Vec<Vec<f64>> = vec![Vec::new(); MEASURES.len()];
        for (p, step) in steps.iter().enumerate() {
            let piece = v * steps.len() + p;
            let values = match ledger.get(piece) {
                Some(values) => values,
                None => {
                    let point = trained.trajectory.iter().find(|(s, _)| s == step).map(|(_, point)| point);
                    let values = point
                        .map_or([f64::NAN; 5], |point| probe(&*objective, point, &settings.eta.points()));
                    ledger.finish(piece, values.to_vec()).map_err(|e| ledger.stopped(e))?;
                    values.to_vec()
                }
            };
            rows.iter_mut().zip(values).for_each(|(row, value)| row.push(value));
            observe(Progress::Done(1.0));
        }
        let range: Vec<f64> = rows[1].iter().zip(&rows[2]).map(|(low, high)| high - low).collect();
        // Training goes on to the end of its epoch; what comes after the last probe plays no part here.
        let last = steps.last().copied().unwrap_or_default();
        let whole = trained.trajectory.iter().any(|(step, _)| *step == last);
        let lost = range.iter().filter(|x| !x.is_finite()).count();
        let status = if whole { Status::Done } else { trained.status };
        tried.push(Variant {
            label: label.clone(),
            model: run.model,
            init: run.init,
            norm_statistics: statistics,
            status,
            reason: if whole { format!("{last} steps were made") } else { trained.reason.clone() },
            probes_status: if lost == 0 { "computed".to_owned() } else { format!("{lost} not finite") },
            loss_range: Most::of(&range),
            gradient_change: Most::of(&rows[3]),
            beta: Most::of(&rows[4]),
        });
        measures.iter_mut().zip(rows).for_each(|(all, row)| all.extend(row));
        title = super::run::title(&network, &dataset);
    }
    let numbers = Smoothness {
        status: "done".to_owned(),
        title,
        settings: settings.clone(),
        seed: settings.seed,
        data_sha256: data.sha256.clone(),
        data,
        samples: Probed { train: dataset.train.len(), probe: probed.train.len() },
        variants: tried,
    };
    let mut arrays = Npz::default();
    arrays.push("step", &[steps.len()], steps.iter().map(|s| *s as f64).collect::<Vec<f64>>());
    arrays.push("eta", &[settings.eta.n], settings.eta.points());
    for (name, values) in MEASURES.iter().zip(measures) {
        arrays.push(name, &[variants.len(), steps.len()], values);
    }
    Ok(Outcome::new(numbers, arrays, Vec::new()))
}

/// The measures at one point: loss, its lowest and highest along -g, change of the gradient, effective beta.
pub fn probe(objective: &dyn MeanLoss, point: &Point<f64>, etas: &[f64]) -> [f64; 5] {
    let Point { theta, state } = point.clone();
    let point = nn::Point { theta, state }.to(objective.precision());
    let (here, g) = objective.gradient(point.at());
    let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
    let mut result = [here.loss, f64::INFINITY, f64::NEG_INFINITY, 0.0, 0.0];
    for eta in etas {
        let there: Vec<f64> = point.theta.iter().zip(&g).map(|(t, g)| t - eta * g).collect();
        let (evaluation, gradient) = objective.gradient(At { theta: &there, state: &point.state });
        let change = gradient.iter().zip(&g).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        // A NaN anywhere is the result: max and min alone would pass over it.
        let worst = |a: f64, b: f64, of: fn(f64, f64) -> f64| {
            if b.is_nan() || a.is_nan() { f64::NAN } else { of(a, b) }
        };
        result[1] = worst(result[1], evaluation.loss, f64::min);
        result[2] = worst(result[2], evaluation.loss, f64::max);
        result[3] = worst(result[3], change, f64::max);
        // Without a slope there is no step, and no curvature to be met on it.
        let beta = if norm > 0.0 { change / (eta * norm) } else { 0.0 };
        result[4] = worst(result[4], beta, f64::max);
    }
    result
}
