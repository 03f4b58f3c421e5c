//! What the networks come to, alone and together: scalars, arrays, weight files; and the same read back.

use super::EnsembleSettings;
use crate::analyses::pair::{MEASURES, members};
use crate::analyses::plane::{self, Plane};
use crate::analyses::stored::{self, Arrays};
use crate::analyses::together::Together;
use crate::analyses::{Files, Run, Saved, archive, document, to_json};
use crate::base::npz::Npz;
use crate::base::statistics::quantile;
use crate::base::{Precision, Result};
use crate::figure::Figure;
use crate::landscape::path::Weights;
use crate::nn::weights;
use crate::train::{Epoch, TrainSettings, Trained};
use serde_json::{Map, Value, json};
use std::path::Path;

/// A network.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Its name, and that of its file.
    pub name: String,
    pub weights: Weights,
}

/// All that was found.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub trained: Trained,
    /// The start, those collected, their average, those trained apart.
    pub members: Vec<Member>,
    /// What is measured of each.
    pub evaluated: Vec<Vec<f64>>,
    /// How many were collected.
    pub collected: usize,
    pub cyclic: Together,
    /// The start among them, as the first.
    pub independent: Together,
    pub plane: Option<Plane>,
    /// Between all networks.
    pub distances: Vec<f64>,
    /// Where statistics come from, in words.
    pub statistics: String,
}

/// What all members say together, and the epochs that they cost.
fn facts_of(together: &Together, epochs: usize) -> Value {
    let mut all = together.facts();
    all.insert("epochs".to_owned(), epochs.into());
    all.into()
}

/// Median, mean, least and most of each measure over several networks, which cost so many epochs each.
fn alone(networks: &[Vec<f64>], epochs: usize) -> Value {
    let of = |m: usize| {
        let mut values: Vec<f64> = networks.iter().map(|v| v[m]).filter(|x| x.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let of = |q| quantile(&values, q);
        json!({"median": of(0.5), "mean": mean, "min": of(0.0), "max": of(1.0)})
    };
    let each = MEASURES.iter().enumerate().map(|(m, name)| ((*name).to_owned(), of(m)));
    let mut all: Map<String, Value> = each.collect();
    all.insert("networks".to_owned(), networks.len().into());
    all.insert("epochs".to_owned(), epochs.into());
    all.into()
}

/// A finished ensemble.
#[derive(Clone, Debug)]
pub struct EnsembleResult {
    pub(super) settings: EnsembleSettings,
    summary: Value,
    arrays: Npz,
    weights: Files,
}

impl EnsembleResult {
    pub(super) fn new(
        settings: &EnsembleSettings,
        start: &Run,
        base: &TrainSettings,
        training: &TrainSettings,
        facts: Facts,
    ) -> Result<Self> {
        let Facts { trained, members: networks, evaluated, collected, .. } = &facts;
        let (collected, further) = (*collected, networks.len() - collected - 2);
        let mut arrays = Npz::default();
        // The rate at its turning points: between them it is straight.
        let turns: Vec<f64> = (0..=2 * settings.cycles).map(|i| (i * settings.cycle) as f64 / 2.0).collect();
        let rate = |t: &f64| training.rate() * training.schedule.factor(*t, training.epochs as f64, 0.0);
        arrays.push("turn_lr", &[turns.len()], turns.iter().map(rate).collect::<Vec<f64>>());
        arrays.push("turn", &[turns.len()], turns);
        let epochs = &trained.epochs;
        let mut column = |name: &str, of: fn(&Epoch) -> f64| {
            arrays.push(name, &[epochs.len()], epochs.iter().map(of).collect::<Vec<f64>>());
        };
        column("epoch", |e| e.epoch as f64);
        column("epoch_lr", |e| e.lr);
        column("epoch_train_loss", |e| e.train_loss);
        column("epoch_train_error", |e| 1.0 - e.train_accuracy);
        column("epoch_test_loss", |e| e.test_loss);
        column("epoch_test_error", |e| 1.0 - e.test_accuracy);
        for (m, name) in MEASURES.iter().enumerate() {
            arrays.push(name, &[networks.len()], evaluated.iter().map(|v| v[m]).collect::<Vec<f64>>());
        }
        facts.cyclic.push("ensemble", &mut arrays);
        facts.independent.push("independent", &mut arrays);
        let n = networks.len();
        arrays.push("distance", &[n, n], facts.distances.clone());
        let mut summary = json!({
            "command": "ensemble",
            "version": env!("CARGO_PKG_VERSION"),
            "status": "done",
            "title": start.title(),
            "loss": start.network.spec().loss,
            "settings": settings,
            "seed": settings.seed,
            "precision": start.precision,
            "network": start.network.spec(),
            "parameters": start.theta.len(),
            "data": start.data,
            "data_sha256": start.data.sha256,
            "weights_sha256": start.origin.as_ref().map(|o| o.sha256.clone()),
            "samples": {"train": start.dataset.train.len(), "test": start.dataset.test.len()},
            "norm_statistics": facts.statistics,
            "training": training.resolved(),
            "steps": trained.steps,
        });
        // What each has cost since its own beginning.
        let from_start = |cycles: usize| base.epochs + cycles * settings.cycle;
        let of = |i: usize, epochs: usize| {
            let mut all = members(&evaluated[i]);
            all.insert("name".to_owned(), networks[i].name.as_str().into());
            all.insert("epochs".to_owned(), epochs.into());
            all.insert("distance_from_start".to_owned(), json!(facts.distances[i]));
            Value::Object(all)
        };
        summary["start"] = of(0, base.epochs);
        summary["members"] = (1..=collected).map(|i| of(i, from_start(i))).collect();
        summary["swa"] = of(collected + 1, from_start(collected));
        summary["single"] = alone(&evaluated[1..=collected], from_start(collected));
        summary["ensemble"] = facts_of(&facts.cyclic, from_start(collected));
        let apart: Vec<Vec<f64>> =
            [&evaluated[0]].into_iter().chain(&evaluated[collected + 2..]).cloned().collect();
        summary["independent"] = facts_of(&facts.independent, (1 + further) * base.epochs);
        summary["independent"]["single"] = alone(&apart, base.epochs);
        summary["independent"]["networks"] = (collected + 2..n).map(|i| of(i, base.epochs)).collect();
        if let Some(plane) = &facts.plane {
            plane.push("plane", &mut arrays);
            summary["plane"] =
                json!({"off": plane.off, "unit": "distance of the start and the last network"});
        }
        let weights = weight_files(start, &networks[1..collected + 2])?;
        Ok(Self { settings: settings.clone(), summary, arrays, weights })
    }

    /// Network and data in one line.
    pub fn title(&self) -> &str {
        self.summary["title"].as_str().unwrap_or_default()
    }

    /// What was found, as recorded.
    pub fn summary(&self) -> &Value {
        &self.summary
    }

    /// An array by its name; empty if it is not there.
    pub fn array(&self, name: &str) -> Vec<f64> {
        self.arrays.get(name).map(|a| a.to_f64()).unwrap_or_default()
    }

    /// Names of the weight files.
    pub fn weight_files(&self) -> impl Iterator<Item = &str> {
        self.weights.iter().map(|(name, _)| name.as_str())
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path) -> Result<Self> {
        let (mut summary, at): (Value, String) = stored::summary(directory, "ensemble")?;
        let settings: EnsembleSettings = stored::settings(summary.get("settings"), &at)?;
        summary["settings"] = to_json(&settings)?;
        let arrays = Arrays::read(directory, "ensemble")?;
        arrays.sized("turn_lr", arrays.size("turn"))?;
        for name in MEASURES {
            arrays.sized(&format!("epoch_{name}"), arrays.size("epoch"))?;
            arrays.sized(&format!("ensemble_{name}"), settings.cycles)?;
            arrays.sized(&format!("independent_{name}"), arrays.size("independent_train_loss"))?;
        }
        plane::check(&arrays.npz, "plane", &arrays.at)?;
        Ok(Self { settings, summary, arrays: arrays.npz, weights: Files::new() })
    }
}

/// The collected networks and their average, each a run like any other.
fn weight_files(run: &Run, networks: &[Member]) -> Result<Files> {
    let precision: Precision = run.precision;
    let data = to_json(&run.data)?.to_string();
    let file = |Member { name, weights: (theta, state) }: &Member| {
        let weights = weights::Weights {
            network: run.network.clone(),
            precision,
            theta: theta.clone(),
            state: state.clone(),
            data: data.clone(),
        };
        Ok((format!("{name}.safetensors"), weights.to_bytes()?))
    };
    networks.iter().map(file).collect()
}

impl Saved for EnsembleResult {
    fn files(&self) -> Result<Files> {
        let mut all = self.weights.clone();
        all.push(archive("ensemble.npz", &self.arrays)?);
        all.push(("ensemble.json".to_owned(), document(&self.summary)));
        Ok(all)
    }

    fn json(&self) -> Result<Value> {
        Ok(self.summary.clone())
    }

    fn figures(&self) -> Vec<Figure> {
        super::figures::figures(self)
    }
}
