//! Training as a pass: settings -> a run directory.

use super::probes::{self, ARRAYS, Probes};
use super::run::{TRAJECTORY, WEIGHTS};
use super::stored;
use super::{DataSettings, Files, Saved, document, to_json};
use crate::base::pool::on_workers;
use crate::base::registry::Registry;
use crate::base::tensors::TensorFile;
use crate::base::{self, Error, Result, files};
use crate::data::{Dataset, Units};
use crate::figure::{Axis, Figure, Mark, Panel, Scale, Series, Style};
use crate::nn::losses::Criterion;
use crate::nn::{Evaluation, Weights, weights};
use crate::train::exported;
use crate::train::settings::Best;
use crate::train::{Batches, Epoch, Event, Keep, Kept, Point, TrainSettings, Trained};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Weights of the epoch with the lowest loss, in a run directory.
pub const BEST: &str = "best.safetensors";
/// The exponential average of the weights.
pub const EMA: &str = "ema.safetensors";
/// The mean of the weights at the ends of epochs.
pub const SWA: &str = "swa.safetensors";

/// A finished run.
#[derive(Clone, Debug)]
pub struct TrainingResult {
    /// What it was made from, resolved.
    pub settings: TrainSettings,
    /// What it was trained on.
    pub data: DataSettings,
    /// How many training and test samples there were.
    pub samples: (usize, usize),
    /// The network and how it came about.
    pub trained: Trained,
    /// What the classes are called, in order; empty where they have no names beside their numbers.
    pub class_names: Vec<String>,
    /// How target values were standardised, if they were.
    pub units: Option<Units>,
    /// What was found along the way, where it was asked for.
    pub probes: Option<Probes>,
}

/// Settings that were found to make sense, with their data.
#[derive(Clone, Debug)]
pub struct Prepared<'a> {
    settings: &'a TrainSettings,
    data: DataSettings,
    dataset: Dataset,
    /// How many parameters the network has.
    pub parameters: usize,
    /// How an epoch's samples are cut.
    pub batches: Batches,
    /// Fewest samples that have batch statistics.
    pub fewest: usize,
}

impl<'a> Prepared<'a> {
    /// Loads the data and lays out the network; whatever can be refused before training is refused here.
    pub fn new(settings: &'a TrainSettings) -> Result<Self> {
        settings.check()?;
        let (data, dataset) = DataSettings::load(settings)?;
        let network = crate::train::network(settings, &dataset)?;
        let layout = network.layout();
        settings.check_for(dataset.train.len(), layout)?;
        exported::check_for(settings, &network, dataset.train.len())?;
        let batches = settings.batches(dataset.train.len(), layout);
        let (parameters, fewest) = (layout.size(), layout.fewest_samples());
        Ok(Self { settings, data, dataset, parameters, batches, fewest })
    }

    /// The least memory that training takes, in bytes: parameters, gradient, the optimizer's state, the best weights,
    /// averages and snapshots, the result in double precision, and probes.
    pub fn bytes(&self) -> u64 {
        let s = self.settings;
        let element = s.precision.bytes() as u64;
        let epoch = self.batches.count() as u64;
        let snapshots = s.snapshots.map_or(0, |when| when.count(epoch, epoch * s.epochs as u64));
        let averages = u64::from(s.ema.is_some()) + u64::from(s.swa.is_some());
        let elements = 3 + s.optimizer.states() as u64 + u64::from(s.sam > 0.0) + snapshots;
        let pairs = s.optimizer.search().map_or(0, |search| 2 * search.history as u64);
        let probes = s.probe.map_or(0, |_| probes::bytes(self.parameters));
        self.parameters as u64 * (element * elements + 8 * (1 + averages + pairs + snapshots)) + probes
    }

    /// SHA-256 of the data set.
    pub fn data_sha256(&self) -> &str {
        &self.data.sha256
    }

    /// How many training samples there are.
    pub fn samples(&self) -> usize {
        self.dataset.train.len()
    }

    /// How many test samples there are.
    pub fn tests(&self) -> usize {
        self.dataset.test.len()
    }

    /// Trains. With a file and a time, checkpoints are kept there at least so often, and training goes on from
    /// the one that is there.
    pub fn run(
        self,
        keep: Option<(PathBuf, Duration)>,
        observe: &mut (dyn FnMut(Event) + Send),
    ) -> Result<TrainingResult> {
        let Self { settings, data, dataset, .. } = self;
        let samples = (dataset.train.len(), dataset.test.len());
        let keep = keep.map(|(path, every)| Keep { path, every, data_sha256: data.sha256.clone() });
        let keep = keep.as_ref();
        let run = || probes::trained(settings, &dataset, keep, observe);
        let (trained, probes) = on_workers(run)?;
        let (class_names, units) = (dataset.class_names, dataset.units);
        let settings = settings.resolved();
        Ok(TrainingResult { settings, data, samples, class_names, units, trained, probes })
    }
}

/// Trains as `settings` say.
pub fn run(settings: &TrainSettings, observe: &mut (dyn FnMut(Event) + Send)) -> Result<TrainingResult> {
    Prepared::new(settings)?.run(None, observe)
}

/// `train_loss`, `train_accuracy`, and `test_loss`, `test_accuracy` where there are test samples, as JSON members, null where
/// they are not finite, and a status that says so.
pub(super) fn evaluations(train: &Evaluation, test: Option<&Evaluation>) -> (Map<String, Value>, String) {
    let of = |part: &str, e: &Evaluation| {
        [(format!("{part}_loss"), json!(e.loss)), (format!("{part}_accuracy"), json!(e.accuracy))]
    };
    let test = test.into_iter().flat_map(|test| of("test", test));
    let members: Map<String, Value> = of("train", train).into_iter().chain(test).collect();
    let status = status(&members);
    (members, status)
}

/// Why some of the numbers are null.
pub(super) fn status(members: &Map<String, Value>) -> String {
    let missing: Vec<&str> = members.iter().filter(|(_, v)| v.is_null()).map(|(k, _)| k.as_str()).collect();
    if missing.is_empty() { "computed".to_owned() } else { format!("not finite: {}", missing.join(", ")) }
}

impl TrainingResult {
    /// One line that names the network and its data.
    pub fn title(&self) -> String {
        format!("{} on {}", self.trained.network.title(), self.settings.data.title())
    }

    fn data(&self) -> Result<String> {
        serde_json::to_string(&self.data).map_err(|e| Error::machine("data settings", e))
    }

    fn weights(&self, point: &Point<f64>) -> Result<Vec<u8>> {
        let weights = Weights {
            network: (*self.trained.network).clone(),
            precision: self.settings.precision,
            theta: point.theta.clone(),
            state: point.state.clone(),
            data: self.data()?,
        };
        weights.to_bytes()
    }

    /// Every weight file that the run left: name, contents.
    fn weight_files(&self) -> Result<Files> {
        let t = &self.trained;
        let mut all = vec![(WEIGHTS.to_owned(), self.weights(&t.point)?)];
        for (name, kept) in [(BEST, &t.best), (EMA, &t.ema), (SWA, &t.swa)] {
            if let Some(kept) = kept {
                all.push((name.to_owned(), self.weights(&kept.point)?));
            }
        }
        if !t.trajectory.is_empty() {
            let steps: Vec<u64> = t.trajectory.iter().map(|s| s.0).collect();
            let spec = serde_json::to_string(t.network.spec())
                .map_err(|e| Error::machine("network specification", e))?;
            let metadata = BTreeMap::from([
                ("losscape".to_owned(), spec),
                ("losscape.data".to_owned(), self.data()?),
                ("losscape.steps".to_owned(), json!(steps).to_string()),
            ]);
            let (network, precision) = (&t.network, self.settings.precision);
            let of = |(step, point): &(u64, Point<f64>)| {
                let prefix = format!("{step}/");
                let mut all = weights::tensors(network, &point.theta, precision, &prefix);
                all.extend(weights::state_tensors(network, &point.state, precision, &prefix));
                all
            };
            let tensors = t.trajectory.iter().flat_map(of).collect();
            all.push((TRAJECTORY.to_owned(), TensorFile { metadata, tensors }.to_bytes()));
        }
        Ok(all)
    }

    /// Every file of numbers that the run left: name, contents.
    fn number_files(&self) -> Result<Files> {
        let mut all = self.weight_files()?;
        if let Some(probes) = &self.probes {
            all.push(probes.file()?);
        }
        Ok(all)
    }

    /// The contents of `run.json`, given the files of numbers.
    fn record(&self, numbers: &Files) -> Value {
        let t = &self.trained;
        let sha256 = |name: &str| numbers.iter().find(|f| f.0 == name).map(|f| files::sha256(&f.1));
        let there = self.samples.1 > 0;
        let (mut last, status) = evaluations(&t.train, there.then_some(&t.test));
        if let Some(norm) = t.epochs.last().and_then(|e| e.full_gradient_norm) {
            last.insert("gradient_norm".to_owned(), json!(norm));
        }
        let kept = |name: &str, kept: &Option<Kept>, from: &str, none: &str| match kept {
            Some(kept) => {
                let (mut members, status) = evaluations(&kept.train, there.then_some(&kept.test));
                members.insert(from.to_owned(), kept.from.into());
                members.insert("file".to_owned(), name.into());
                members.insert("sha256".to_owned(), sha256(name).into());
                members.insert("status".to_owned(), status.into());
                members
            }
            None => Map::from_iter([("status".to_owned(), none.into())]),
        };
        let by = match self.settings.best {
            Best::TestLoss if self.samples.1 > 0 => "test_loss",
            _ => "train_loss",
        };
        let mut best = kept(BEST, &t.best, "epoch", "none: no loss was finite");
        best.insert("by".to_owned(), by.into());
        let mut record = json!({
            "command": "train",
            "version": env!("CARGO_PKG_VERSION"),
            "status": t.status,
            "title": self.title(),
            "stop": t.stop,
            "reason": t.reason,
            "settings": self.settings,
            "seed": self.settings.seed,
            "data": self.data,
            "data_sha256": self.data.sha256,
            "samples": {"train": self.samples.0, "test": self.samples.1},
            "parameters": t.point.theta.len(),
            "weights_sha256": sha256(WEIGHTS),
            "epochs": t.epochs.last().map_or(0, |e| e.epoch),
            "steps": t.steps,
            "final": last,
            "final_status": status,
            "best": best,
        });
        if !self.class_names.is_empty() {
            record["class_names"] = json!(self.class_names);
        }
        if let Some(units) = &self.units {
            record["targets"] = json!({"mean": units.mean, "std": units.std});
            if let Some((name, [train, test])) = self.errors() {
                record["targets"]["error"] = json!({"what": name, "train": train, "test": test});
            }
        }
        if self.settings.ema.is_some() {
            record["ema"] = kept(EMA, &t.ema, "steps", "none: not finite").into();
        }
        if let Some(start) = self.settings.swa {
            let none = format!("none: no epoch from {start} on, or not finite");
            record["swa"] = kept(SWA, &t.swa, "epochs", &none).into();
        }
        if !t.trajectory.is_empty() {
            let steps: Vec<u64> = t.trajectory.iter().map(|s| s.0).collect();
            record["trajectory"] = json!({"steps": steps, "file": TRAJECTORY, "sha256": sha256(TRAJECTORY)});
        }
        if let Some(note) = self.settings.batches(self.samples.0, t.network.layout()).note() {
            record["batches"] = note.into();
        }
        if let (Some(probes), Some(probe)) = (&self.probes, self.settings.probe) {
            record["probe"] = probes.summary(&self.settings, probe, sha256(ARRAYS));
        }
        record
    }

    /// The error over training and test samples in the units of targets that were standardised, of one output, where the loss
    /// says one.
    pub fn errors(&self) -> Option<(&'static str, [f64; 2])> {
        let [std] = self.units.as_ref()?.std[..] else { return None };
        let of = |loss: f64| self.settings.loss.error(loss, std);
        let (name, train) = of(self.trained.train.loss)?;
        Some((name, [train, of(self.trained.test.loss)?.1]))
    }

    /// Names of the files of numbers that the run left.
    pub fn names(&self) -> Vec<&'static str> {
        let absent = self.absent();
        [WEIGHTS, BEST, EMA, SWA, TRAJECTORY, ARRAYS]
            .into_iter()
            .filter(|name| !absent.contains(name))
            .collect()
    }

    /// Names of files that other runs leave and this one does not: of an older run in the same directory they would
    /// pass for this one's.
    pub fn absent(&self) -> Vec<&'static str> {
        let t = &self.trained;
        [
            (BEST, t.best.is_some()),
            (EMA, t.ema.is_some()),
            (SWA, t.swa.is_some()),
            (TRAJECTORY, !t.trajectory.is_empty()),
            (ARRAYS, self.probes.is_some()),
        ]
        .into_iter()
        .filter(|(_, there)| !there)
        .map(|(name, _)| name)
        .collect()
    }
}

impl Saved for TrainingResult {
    fn files(&self) -> Result<Files> {
        let mut all = self.number_files()?;
        let record = document(&self.record(&all));
        let mut lines = String::new();
        for epoch in &self.trained.epochs {
            lines.push_str(&to_json(epoch)?.to_string());
            lines.push('\n');
        }
        all.push(("metrics.jsonl".to_owned(), lines.into_bytes()));
        all.push(("run.json".to_owned(), record));
        Ok(all)
    }

    fn json(&self) -> Result<Value> {
        Ok(self.record(&self.number_files()?))
    }

    fn figures(&self) -> Vec<Figure> {
        let (title, epochs) = (self.title(), &self.trained.epochs);
        let mut all = vec![curve(&title, &self.settings, epochs)];
        all.extend(self.probes.iter().map(|probes| probes::figure(&title, &self.settings, epochs, probes)));
        all
    }
}

/// A rate in a title; with a power of ten where its digits would fill lines.
pub(super) fn brief(rate: f64) -> String {
    if rate == 0.0 || (1e-7..1e9).contains(&rate.abs()) { rate.to_string() } else { format!("{rate:e}") }
}

/// The training curve: loss, accuracy, rate and norm of the gradient by epoch.
fn curve(network: &str, settings: &TrainSettings, epochs: &[Epoch]) -> Figure {
    let TrainSettings { optimizer, schedule, seed, .. } = settings;
    let series = |label: &str, style: Style, of: fn(&Epoch) -> f64| Series {
        label: label.to_owned(),
        x: epochs.iter().map(|e| e.epoch as f64).collect(),
        y: epochs.iter().map(of).collect(),
        band: None,
        style,
    };
    let axis = |label: &str, scale: Scale| Axis { label: label.to_owned(), scale, range: None };
    let panel = |y: Axis, series: Vec<Series>| Panel {
        x: axis("epoch", Scale::Linear),
        y,
        series,
        ..Panel::default()
    };
    let mut loss = panel(
        axis(&format!("mean loss: {}", unit(settings)), Scale::Auto),
        vec![series("train", Style::Line, |e| e.train_loss), series("test", Style::Dashed, |e| e.test_loss)],
    );
    // Without test samples there is one curve.
    loss.series.retain(|s| s.label == "train" || s.y.iter().any(|y| !y.is_nan()));
    // A loss that is no number has no place on the axis: the last one that is bears the mark.
    if let Some(lost) = epochs.iter().position(|e| !e.train_loss.is_finite())
        && let Some(before) = epochs[..lost].last()
    {
        let label = format!("no finite loss at epoch {}", epochs[lost].epoch);
        loss.marks.push(Mark { x: before.epoch as f64, y: before.train_loss, label });
    }
    let accuracy = panel(
        axis("accuracy", Scale::Linear),
        vec![
            series("train", Style::Line, |e| e.train_accuracy),
            series("test", Style::Dashed, |e| e.test_accuracy),
        ],
    );
    let rate = if settings.optimizer.search().is_some() { "length of the step" } else { "learning rate" };
    let mut rate = panel(axis(rate, Scale::Linear), vec![series("", Style::Line, |e| e.lr)]);
    // From zero on, so that a constant rate is a line in the open and a fall to zero reaches the floor.
    let highest = epochs.iter().map(|e| e.lr).fold(0.0, f64::max);
    if highest > 0.0 && highest.is_finite() {
        rate.y.range = Some((0.0, 1.08 * highest));
    }
    let norm =
        panel(axis("norm of the gradient", Scale::Auto), vec![series("", Style::Line, |e| e.gradient_norm)]);
    Figure {
        name: "training".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Training of {network}"),
        subtitle: format!(
            "{optimizer}, {schedule} rate {}, {}, seed {seed}{}",
            brief(settings.rate()),
            batches(settings),
            extras(settings)
        ),
        panels: [Some(loss), Some(accuracy).filter(Panel::has_curves), Some(rate), Some(norm)]
            .into_iter()
            .flatten()
            .collect(),
    }
}

/// "batches of 64", or "batches of 64 among 4 workers".
pub(super) fn batches(settings: &TrainSettings) -> String {
    let batches = match settings.resolved().batch_size {
        Some(size) => format!("batches of {size}"),
        None => "full batches".to_owned(),
    };
    match settings.workers {
        Some(workers) => format!("{batches} among {workers} workers"),
        None => batches,
    }
}

/// What the loss is measured in, for axes.
pub(super) fn unit(settings: &TrainSettings) -> &'static str {
    if settings.loss.name() == "cross-entropy" { "cross-entropy (nats)" } else { settings.loss.name() }
}

/// What is done beside plain steps: ", SAM 0.05, clipped at norm 1".
pub(super) fn extras(settings: &TrainSettings) -> String {
    let sam = (settings.sam > 0.0).then(|| format!(", SAM {}", settings.sam));
    let norm = settings.clip.map(|c| format!(", clipped at norm {c}"));
    let value = settings.clip_value.map(|c| format!(", clipped at value {c}"));
    [sam, value, norm].into_iter().flatten().collect()
}

/// The figures of a run directory, from what it recorded.
pub fn load_figures(directory: &Path) -> Result<Vec<Figure>> {
    let Recorded { run, settings, epochs } = Recorded::read(directory)?;
    let network = run.get("title").and_then(Value::as_str).unwrap_or_default();
    let mut all = vec![curve(network, &settings, &epochs)];
    if let Some(record) = run.get("probe") {
        all.push(probes::figure(network, &settings, &epochs, &Probes::load(directory, record)?));
    }
    Ok(all)
}

/// What a run directory says of its run.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The contents of `run.json`.
    pub run: Value,
    /// The settings in it.
    pub settings: TrainSettings,
    /// The lines of `metrics.jsonl`.
    pub epochs: Vec<Epoch>,
}

impl Recorded {
    /// Reads the two files.
    pub fn read(directory: &Path) -> Result<Self> {
        let (run, at): (Value, String) = stored::summary(directory, "run")?;
        let bad = |e: serde_json::Error| Error::value(&at, &e.to_string());
        let settings = run.get("settings").cloned();
        let settings =
            settings.ok_or_else(|| Error::expected(&at, "`settings` of a training run", "none"))?;
        let settings: TrainSettings = serde_json::from_value(settings).map_err(bad)?;
        let metrics = directory.join("metrics.jsonl");
        let at = files::named(&metrics);
        let text = files::read_text(&metrics, files::LARGEST_JSON)?;
        let mut epochs = Vec::new();
        for (i, line) in text.lines().enumerate() {
            epochs.push(base::json::parse(&format!("{at}: line {}", i + 1), line)?);
        }
        Ok(Self { run, settings, epochs })
    }
}
