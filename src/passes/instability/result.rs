//! What branches came to: an array of each barrier, and medians over the seeds.

use super::InstabilitySettings;
use super::compute::{End, width};
use crate::base::log::Pieces;
use crate::base::npz::{Npz, Values};
use crate::base::{Error, Result};
use crate::figure::Figure;
use crate::landscape::path::evenly;
use crate::passes::over_seeds::summed;
use crate::passes::pair::{BARRIERS, MEASURES, Pair};
use crate::passes::seeded::of_run;
use crate::passes::stored::{self, Arrays};
use crate::passes::{DataSettings, Files, Saved, archive, document};
use crate::train::TrainSettings;
use serde_json::{Map, Value, json};
use std::path::Path;

/// What is known before training.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub title: String,
    pub parameters: usize,
    pub samples: (usize, usize),
    pub total: u64,
    pub noise: Vec<&'static str>,
    pub statistics: String,
    pub data: DataSettings,
}

/// A finished instability analysis.
#[derive(Clone, Debug)]
pub struct InstabilityResult {
    summary: Value,
    arrays: Npz,
}

/// The name of the array of distances.
const DISTANCE: &str = "distance";

impl InstabilityResult {
    pub(super) fn new(
        settings: &InstabilitySettings,
        training: &TrainSettings,
        facts: Facts,
        pieces: &Pieces,
    ) -> Result<Self> {
        let (steps, seeds, points) = (&settings.branch, settings.seeds, settings.points);
        let record = |step: usize, seed: usize| pieces.get(&((seed * steps.len() + step) as u64));
        let mut ends = Vec::new();
        let mut pairs = Vec::new();
        for (step, seed) in (0..steps.len()).flat_map(|k| (0..seeds).map(move |s| (k, s))) {
            let Some(numbers) = record(step, seed).filter(|r| r.len() == width(points)) else {
                return Err(Error::unmet("instability", "not all branches are there"));
            };
            let end = End::ALL.get(numbers[0] as usize).copied().unwrap_or(End::RunDiverged);
            ends.push(end);
            pairs.push(Pair::read(&numbers[1..]));
        }
        let seed_list: Vec<u64> = (0..seeds).map(|s| of_run(training, s).seed).collect();
        let whole = |v: &[u64]| Values::I64(v.iter().map(|x| *x as i64).collect());
        let mut arrays = Npz::default();
        arrays.push("branch", &[steps.len()], whole(steps));
        arrays.push("seed", &[seeds], whole(&seed_list));
        arrays.push("t", &[points], evenly(points));
        let barriers: Vec<[f64; 4]> = pairs.iter().map(Pair::barriers).collect();
        for (i, name) in BARRIERS.iter().enumerate() {
            arrays.push(name, &[steps.len(), seeds], barriers.iter().map(|b| b[i]).collect::<Vec<f64>>());
        }
        arrays.push(DISTANCE, &[steps.len(), seeds], pairs.iter().map(|p| p.distance).collect::<Vec<f64>>());
        for (i, name) in MEASURES.iter().enumerate() {
            let values: Vec<f64> = pairs.iter().flat_map(|p| p.values()[i].to_vec()).collect();
            arrays.push(name, &[steps.len(), seeds, points], values);
        }
        let row = |name: &str, k: usize| -> Vec<f64> {
            let all = arrays.get(name).map(|a| a.to_f64()).unwrap_or_default();
            all[k * seeds..(k + 1) * seeds].to_vec()
        };
        let error = |k: usize| {
            let of = summed(&row("train_error_barrier", k));
            of["median"].as_f64().filter(|_| of["status"] == "computed")
        };
        let stable: Vec<Option<bool>> =
            (0..steps.len()).map(|k| error(k).map(|e| e <= settings.stable)).collect();
        let branches: Vec<Value> = (0..steps.len())
            .map(|k| {
                let mut members = Map::from_iter([("step".to_owned(), json!(steps[k]))]);
                for name in BARRIERS.iter().chain(&[DISTANCE]) {
                    members.insert((*name).to_owned(), summed(&row(name, k)));
                }
                members.insert("stable".to_owned(), json!(stable[k]));
                let run = |s: usize| {
                    let at = k * seeds + s;
                    let mut run = Map::from_iter([
                        ("seed".to_owned(), json!(seed_list[s])),
                        ("status".to_owned(), ends[at].words().into()),
                    ]);
                    for (name, values) in MEASURES.iter().zip(pairs[at].values()) {
                        run.insert((*name).to_owned(), json!([values.first(), values.last()]));
                    }
                    Value::from(run)
                };
                members.insert("runs".to_owned(), (0..seeds).map(run).collect());
                members.into()
            })
            .collect();
        let lost = ends.iter().filter(|end| **end != End::Computed).count();
        // The first step from which on every one is stable.
        let from = stable.iter().rposition(|s| *s != Some(true)).map_or(0, |last| last + 1);
        let summary = json!({
            "command": "instability",
            "version": env!("CARGO_PKG_VERSION"),
            "status": match lost {
                0 => "done".to_owned(),
                n => format!("{n} of {} branches diverged", ends.len()),
            },
            "title": facts.title,
            "settings": settings,
            "train": training.resolved(),
            "seed": training.seed,
            "seeds": seed_list,
            "data": facts.data,
            "data_sha256": facts.data.sha256,
            "samples": {"train": facts.samples.0, "test": facts.samples.1},
            "parameters": facts.parameters,
            "steps": facts.total,
            "noise": facts.noise,
            "statistics": facts.statistics,
            "diverged": lost,
            "stable_from": steps.get(from),
            "branches": branches,
        });
        Ok(Self { summary, arrays })
    }

    /// Network and data in one line.
    pub fn title(&self) -> &str {
        self.summary["title"].as_str().unwrap_or_default()
    }

    /// The scalars, as recorded.
    pub fn summary(&self) -> &Value {
        &self.summary
    }

    /// An array by name.
    pub fn array(&self, name: &str) -> Vec<f64> {
        self.arrays.get(name).map(|a| a.to_f64()).unwrap_or_default()
    }

    /// What did not hold: training diverged.
    pub fn unmet(&self) -> Option<Error> {
        let (lost, all) = (self.summary["diverged"].as_u64(), self.array(DISTANCE).len());
        let lost = lost.filter(|n| *n > 0);
        lost.map(|n| Error::unmet("instability: diverged", format!("{n} of {all} branches, or their runs")))
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path) -> Result<Self> {
        let (summary, at): (Value, String) = stored::summary(directory, "instability")?;
        let count = |key: &str| summary[key].as_array().map(Vec::len);
        let (Some(steps), Some(seeds)) = (count("branches"), count("seeds")) else {
            return Err(Error::expected(&at, "`branches` and `seeds` of an instability analysis", "none"));
        };
        let arrays = Arrays::read(directory, "instability")?;
        let shapes = BARRIERS.iter().map(|name| (*name, vec![steps, seeds])).chain([("branch", vec![steps])]);
        for (name, shape) in shapes {
            arrays.shaped(name, &shape)?;
        }
        Ok(Self { summary, arrays: arrays.npz })
    }
}

impl Saved for InstabilityResult {
    fn files(&self) -> Result<Files> {
        Ok(vec![
            archive("instability.npz", &self.arrays)?,
            ("instability.json".to_owned(), document(&self.summary)),
        ])
    }

    fn json(&self) -> Result<Value> {
        Ok(self.summary.clone())
    }

    fn figures(&self) -> Vec<Figure> {
        super::figures::figures(self)
    }
}
