//! Training as a pass: settings -> a run directory.

use super::run::WEIGHTS;
use super::{DataSettings, Files, Saved, document, to_json};
use crate::base::pool::on_workers;
use crate::base::{Error, Result, files};
use crate::data::Dataset;
use crate::figure::{Axis, Figure, Panel, Scale, Series, Style};
use crate::nn::{Evaluation, Weights};
use crate::train::{Epoch, Event, TrainSettings, Trained, train};
use crate::with_precision;
use serde_json::{Map, Value, json};
use std::path::Path;

/// A finished run.
#[derive(Clone, Debug)]
pub struct TrainingResult {
    /// What it was made from.
    pub settings: TrainSettings,
    /// What it was trained on.
    pub data: DataSettings,
    /// How many training and test samples there were.
    pub samples: (usize, usize),
    /// The network and how it came about.
    pub trained: Trained,
}

/// Settings that were found to make sense, with their data.
#[derive(Clone, Debug)]
pub struct Prepared<'a> {
    settings: &'a TrainSettings,
    data: DataSettings,
    dataset: Dataset,
    /// How many parameters the network has.
    pub parameters: usize,
}

impl<'a> Prepared<'a> {
    /// Loads the data and lays out the network; whatever can be refused before training is refused here.
    pub fn new(settings: &'a TrainSettings) -> Result<Self> {
        settings.check()?;
        let (data, dataset) = DataSettings::load(settings)?;
        let parameters = crate::train::network(settings, &dataset)?.layout().size();
        Ok(Self { settings, data, dataset, parameters })
    }

    /// The least memory that training takes, in bytes: parameters, gradient, and the result in double precision.
    pub fn bytes(&self) -> u64 {
        let element = with_precision!(self.settings.precision, E => size_of::<E>());
        self.parameters as u64 * (2 * element as u64 + 8)
    }

    /// How many training samples there are.
    pub fn samples(&self) -> usize {
        self.dataset.train.len()
    }

    /// Trains.
    pub fn run(self, observe: &mut (dyn FnMut(Event) + Send)) -> Result<TrainingResult> {
        let Self { settings, data, dataset, .. } = self;
        let samples = (dataset.train.len(), dataset.test.len());
        let trained =
            with_precision!(settings.precision, E => on_workers(|| train::<E>(settings, &dataset, observe)))?;
        Ok(TrainingResult { settings: settings.clone(), data, samples, trained })
    }
}

/// Trains as `settings` say.
pub fn run(settings: &TrainSettings, observe: &mut (dyn FnMut(Event) + Send)) -> Result<TrainingResult> {
    Prepared::new(settings)?.run(observe)
}

/// `train_loss`, `train_accuracy`, `test_loss`, `test_accuracy` as JSON members, null where they are not finite, and
/// a status that says so.
pub(super) fn evaluations(train: &Evaluation, test: &Evaluation) -> (Map<String, Value>, String) {
    let members: Map<String, Value> = [
        ("train_loss", train.loss),
        ("train_accuracy", train.accuracy),
        ("test_loss", test.loss),
        ("test_accuracy", test.accuracy),
    ]
    .map(|(key, value)| (key.to_owned(), json!(value)))
    .into_iter()
    .collect();
    let missing: Vec<&str> = members.iter().filter(|(_, v)| v.is_null()).map(|(k, _)| k.as_str()).collect();
    let status = match missing.is_empty() {
        true => "computed".to_owned(),
        false => format!("not finite: {}", missing.join(", ")),
    };
    (members, status)
}

impl TrainingResult {
    /// One line that names the network and its data.
    pub fn title(&self) -> String {
        format!("{} on {}", self.trained.network.title(), self.settings.data.title())
    }

    fn weights(&self) -> Result<Vec<u8>> {
        let weights = Weights {
            network: (*self.trained.network).clone(),
            precision: self.settings.precision,
            theta: self.trained.theta.clone(),
            state: self.trained.state.clone(),
            data: serde_json::to_string(&self.data).map_err(|e| Error::machine("data settings", e))?,
        };
        weights.to_bytes()
    }

    /// The contents of `run.json`, given the weight file's.
    fn record(&self, weights: &[u8]) -> Value {
        let t = &self.trained;
        let (last, status) = evaluations(&t.train, &t.test);
        json!({
            "command": "train",
            "version": env!("CARGO_PKG_VERSION"),
            "status": t.status,
            "title": self.title(),
            "reason": t.reason,
            "settings": self.settings,
            "seed": self.settings.seed,
            "data": self.data,
            "data_sha256": self.data.sha256,
            "samples": {"train": self.samples.0, "test": self.samples.1},
            "parameters": t.theta.len(),
            "weights_sha256": files::sha256(weights),
            "epochs": t.epochs.last().map_or(0, |e| e.epoch),
            "steps": t.steps,
            "final": last,
            "final_status": status,
        })
    }
}

impl Saved for TrainingResult {
    fn files(&self) -> Result<Files> {
        let weights = self.weights()?;
        let record = document(&self.record(&weights));
        let mut lines = String::new();
        for epoch in &self.trained.epochs {
            lines.push_str(&to_json(epoch)?.to_string());
            lines.push('\n');
        }
        Ok(vec![
            (WEIGHTS.to_owned(), weights),
            ("metrics.jsonl".to_owned(), lines.into_bytes()),
            ("run.json".to_owned(), record),
        ])
    }

    fn json(&self) -> Result<Value> {
        Ok(self.record(&self.weights()?))
    }

    fn figures(&self) -> Vec<Figure> {
        vec![curve(&self.title(), &self.settings, &self.trained.epochs)]
    }
}

/// The training curve: loss and accuracy by epoch, on training and test samples.
fn curve(network: &str, settings: &TrainSettings, epochs: &[Epoch]) -> Figure {
    let TrainSettings { optimizer, schedule, lr, batch_size, seed, .. } = settings;
    let x: Vec<f64> = epochs.iter().map(|e| e.epoch as f64).collect();
    let series = |label: &str, style: Style, of: fn(&Epoch) -> f64| Series {
        label: label.to_owned(),
        x: x.clone(),
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
    Figure {
        name: "training".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Training of {network}"),
        subtitle: format!("{optimizer}, {schedule} rate {lr}, batches of {batch_size}, seed {seed}"),
        panels: vec![
            panel(
                axis(&format!("mean loss: {}", settings.loss.label()), Scale::Auto),
                vec![
                    series("train", Style::Line, |e| e.train_loss),
                    series("test", Style::Dashed, |e| e.test_loss),
                ],
            ),
            panel(
                axis("accuracy", Scale::Linear),
                vec![
                    series("train", Style::Line, |e| e.train_accuracy),
                    series("test", Style::Dashed, |e| e.test_accuracy),
                ],
            ),
        ],
    }
}

/// The figures of a run directory, from what it recorded.
pub fn load_figures(directory: &Path) -> Result<Vec<Figure>> {
    let path = directory.join("run.json");
    let at = files::named(&path);
    let text = files::read_text(&path, files::LARGEST_JSON)?;
    let bad = |e: serde_json::Error| Error::value(&at, &e.to_string());
    let run: Value = serde_json::from_str(&text).map_err(bad)?;
    let settings = run.get("settings").cloned();
    let settings = settings.ok_or_else(|| Error::expected(&at, "`settings` of a training run", "none"))?;
    let settings: TrainSettings = serde_json::from_value(settings).map_err(bad)?;
    let metrics = directory.join("metrics.jsonl");
    let at = files::named(&metrics);
    let text = files::read_text(&metrics, files::LARGEST_JSON)?;
    let mut epochs = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let bad = |e: serde_json::Error| Error::value(format!("{at}: line {}", i + 1), &e.to_string());
        epochs.push(serde_json::from_str(line).map_err(bad)?);
    }
    let network = run.get("title").and_then(Value::as_str).unwrap_or_default();
    Ok(vec![curve(network, &settings, &epochs)])
}
