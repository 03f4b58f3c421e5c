//! Several runs that differ in their seed alone, summed up: medians, quartiles, and every run's curve.
//!
//! Read from the run directories, so that it makes no difference which of the runs were trained just now.

use super::over_seeds::ascending;
use super::stored::{self, Arrays};
use super::training::{Recorded, batches, extras, unit};
use super::{Files, Saved, archive, document};
use crate::base::npz::Npz;
use crate::base::statistics::quantile;
use crate::base::{Error, Result};
use crate::figure::{Axis, Figure, Panel, Scale, Series, Style};
use crate::train::{Epoch, TrainSettings};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The name of an array, and what it has of each epoch.
type Curve = (&'static str, fn(&Epoch) -> f64);

/// The curves that are kept.
const CURVES: [Curve; 6] = [
    ("train_loss", |e| e.train_loss),
    ("train_accuracy", |e| e.train_accuracy),
    ("test_loss", |e| e.test_loss),
    ("test_accuracy", |e| e.test_accuracy),
    ("lr", |e| e.lr),
    ("gradient_norm", |e| e.gradient_norm),
];

/// What is summed up over the runs' ends.
const ENDS: [&str; 4] = ["train_loss", "train_accuracy", "test_loss", "test_accuracy"];

/// Runs of several seeds, summed up.
#[derive(Clone, Debug)]
pub struct SeedsResult {
    settings: TrainSettings,
    summary: Value,
    arrays: Npz,
}

impl SeedsResult {
    /// Sums up the runs of `seeds`, which lie in `directory/seed-N`.
    pub fn collect(settings: &TrainSettings, directory: &Path, seeds: &[u64]) -> Result<Self> {
        let mut runs = Vec::new();
        for seed in seeds {
            runs.push(Recorded::read(&directory.join(format!("seed-{seed}")))?);
        }
        let longest = runs.iter().map(|r| r.epochs.len()).max().unwrap_or(0);
        let mut arrays = Npz::default();
        arrays.push("seed", &[seeds.len()], seeds.iter().map(|s| *s as i64).collect::<Vec<i64>>());
        arrays.push("epoch", &[longest], (0..longest as i64).collect::<Vec<i64>>());
        for (name, of) in CURVES {
            let row =
                |r: &Recorded| (0..longest).map(|i| r.epochs.get(i).map_or(f64::NAN, of)).collect::<Vec<_>>();
            let values: Vec<f64> = runs.iter().flat_map(row).collect();
            arrays.push(name, &[seeds.len(), longest], values);
        }
        let end = |run: &Recorded, key: &str| run.run["final"][key].as_f64().unwrap_or(f64::NAN);
        let summary: Map<String, Value> = ENDS
            .iter()
            .map(|key| {
                let all = ascending(&runs.iter().map(|r| end(r, key)).collect::<Vec<f64>>());
                let members = json!({
                    "median": quantile(&all, 0.5),
                    "quartiles": [quantile(&all, 0.25), quantile(&all, 0.75)],
                    "min": quantile(&all, 0.0),
                    "max": quantile(&all, 1.0),
                    "runs": all.len(),
                    "status": match all.len() {
                        n if n == runs.len() => "computed".to_owned(),
                        n => format!("over the {n} of {} runs whose value is finite", runs.len()),
                    },
                });
                ((*key).to_owned(), members)
            })
            .collect();
        let list: Vec<Value> = seeds
            .iter()
            .zip(&runs)
            .map(|(seed, r)| {
                let mut members = Map::from_iter([
                    ("seed".to_owned(), (*seed).into()),
                    ("directory".to_owned(), format!("seed-{seed}").into()),
                ]);
                for key in ["status", "reason", "epochs", "steps", "final", "weights_sha256"] {
                    members.insert(key.to_owned(), r.run[key].clone());
                }
                members.into()
            })
            .collect();
        let done = list.iter().filter(|r| r["status"] == "done").count();
        let first = runs.first().map(|r| &r.run).unwrap_or(&Value::Null);
        let settings = settings.resolved();
        let summary = json!({
            "command": "train",
            "version": env!("CARGO_PKG_VERSION"),
            "status": if done == list.len() { "done".to_owned() } else { format!("{done} of {} runs are done", list.len()) },
            "title": first["title"],
            "settings": settings,
            "seed": settings.seed,
            "seeds": seeds,
            "data": first["data"],
            "data_sha256": first["data_sha256"],
            "samples": first["samples"],
            "parameters": first["parameters"],
            "summary": summary,
            "runs": list,
        });
        Ok(Self { settings, summary, arrays })
    }

    /// The runs as `seeds.json` lists them.
    pub fn runs(&self) -> &[Value] {
        self.summary["runs"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The numbers that sum up one of the runs' ends.
    pub fn summary(&self, key: &str) -> &Value {
        &self.summary["summary"][key]
    }

    /// Network and data in one line.
    pub fn title(&self) -> &str {
        self.summary["title"].as_str().unwrap_or_default()
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path) -> Result<Self> {
        let (summary, at): (Value, String) = stored::summary(directory, "seeds")?;
        let settings = summary.get("settings");
        let settings = settings.ok_or_else(|| Error::expected(&at, "`settings` of training runs", "none"))?;
        let settings = stored::settings(Some(settings), &at)?;
        let arrays = Arrays::read(directory, "seeds")?;
        let length = |name: &str| match arrays.npz.get(name).map(|a| a.shape.as_slice()) {
            Some(&[n]) => Ok(n),
            _ => Err(Error::expected(
                format!("{}: {name}", arrays.at),
                "an array of one axis",
                "another or none",
            )),
        };
        let shape = [length("seed")?, length("epoch")?];
        for (name, _) in CURVES {
            arrays.shaped(name, &shape)?;
        }
        Ok(Self { settings, summary, arrays: arrays.npz })
    }

    fn panel(&self, name: &str, label: &str, scale: Scale) -> Panel {
        let x = self.arrays.get("epoch").map(|a| a.to_f64()).unwrap_or_default();
        let values = self.arrays.get(name).map(|a| a.to_f64()).unwrap_or_default();
        let rows: Vec<&[f64]> = values.chunks_exact(x.len().max(1)).collect();
        let faint =
            |row: &&[f64]| Series { x: x.clone(), y: row.to_vec(), style: Style::Faint, ..Series::default() };
        let mut series: Vec<Series> = rows.iter().map(faint).collect();
        let columns: Vec<Vec<f64>> =
            (0..x.len()).map(|i| ascending(&rows.iter().map(|r| r[i]).collect::<Vec<f64>>())).collect();
        let at = |q: f64| columns.iter().map(|c| quantile(c, q)).collect::<Vec<f64>>();
        series.push(Series {
            label: format!("median and quartiles of {} seeds, each seed thin", rows.len()),
            x: x.clone(),
            y: at(0.5),
            band: Some((at(0.25), at(0.75))),
            style: Style::Line,
        });
        Panel {
            x: Axis { label: "epoch".to_owned(), scale: Scale::Linear, range: None },
            y: Axis { label: label.to_owned(), scale, range: None },
            series,
            ..Panel::default()
        }
    }
}

impl Saved for SeedsResult {
    fn files(&self) -> Result<Files> {
        Ok(vec![archive("seeds.npz", &self.arrays)?, ("seeds.json".to_owned(), document(&self.summary))])
    }

    fn json(&self) -> Result<Value> {
        Ok(self.summary.clone())
    }

    fn figures(&self) -> Vec<Figure> {
        let settings = &self.settings;
        let seeds: Vec<u64> = self.runs().iter().filter_map(|r| r["seed"].as_u64()).collect();
        let range = match (seeds.first(), seeds.last()) {
            (Some(a), Some(b)) if a < b => format!("seeds {a} to {b}"),
            (Some(a), _) => format!("seed {a}"),
            _ => "no seeds".to_owned(),
        };
        let unit = unit(settings);
        // Both losses on one sort of axis, so that they compare.
        let values = |name: &str| self.arrays.get(name).map(|a| a.to_f64()).unwrap_or_default();
        let all = [values("train_loss"), values("test_loss")].concat();
        let scale = if all.iter().all(|x| !x.is_finite() || *x > 0.0) { Scale::Log } else { Scale::Linear };
        vec![Figure {
            name: "seeds".to_owned(),
            chart: "lines".to_owned(),
            title: format!("Training of {}, {range}", self.title()),
            subtitle: format!(
                "{}, {} rate {}, {}{}",
                settings.optimizer,
                settings.schedule,
                super::training::brief(settings.rate()),
                batches(settings),
                extras(settings)
            ),
            panels: [
                ("train_loss", format!("training loss: {unit}"), scale),
                ("test_loss", format!("test loss: {unit}"), scale),
                ("train_accuracy", "training accuracy".to_owned(), Scale::Linear),
                ("test_accuracy", "test accuracy".to_owned(), Scale::Linear),
            ]
            .into_iter()
            .map(|(name, label, scale)| self.panel(name, &label, scale))
            .filter(Panel::has_curves)
            .collect(),
        }]
    }
}
