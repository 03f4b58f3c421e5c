//! What a complex and a flat simplex come to: scalars, arrays, weight files; and the same read back.

use super::SimplexSettings;
use crate::analyses::pair::{MEASURES, members};
use crate::analyses::plane::{self, Plane};
use crate::analyses::stored::{self, Arrays};
use crate::analyses::together::Together;
use crate::analyses::{Files, Run, Saved, archive, document, to_json};
use crate::base::log::Pieces;
use crate::base::npz::Npz;
use crate::base::{Error, Precision, Result};
use crate::figure::Figure;
use crate::landscape::Complex;
use crate::landscape::path::Weights;
use crate::nn::weights;
use crate::train::blend::{BlendEpoch, Blended};
use serde_json::{Map, Value, json};
use std::path::Path;

/// All that was found.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// What the minima are called.
    pub names: Vec<String>,
    pub blended: Blended,
    /// The connecting points as networks.
    pub connectors: Vec<Weights>,
    /// Of each simplex of the complex.
    pub log_volumes: Vec<f64>,
    pub flat_log_volume: f64,
    /// Between all points.
    pub distances: Vec<f64>,
    /// Shares of what was evaluated: the points, random ones of the flat simplex, random ones of each simplex of the complex.
    pub drawn: Vec<Vec<f64>>,
    /// What was measured of them.
    pub pieces: Pieces,
    /// Of the minima, of points of the complex.
    pub ensembles: [Together; 2],
    /// Through three minima, and through two with a connecting point.
    pub planes: [Option<Plane>; 2],
    /// Where statistics come from, in words.
    pub statistics: String,
    /// Training and test samples.
    pub samples: [usize; 2],
}

/// The names of the planes' arrays.
pub(super) const PLANES: [&str; 2] = ["triangle", "connector"];
/// The names of the ensembles' arrays.
pub(super) const ENSEMBLES: [&str; 2] = ["ensemble_minima", "ensemble_complex"];

/// A finished complex.
#[derive(Clone, Debug)]
pub struct SimplexResult {
    pub(super) settings: SimplexSettings,
    pub(super) summary: Value,
    arrays: Npz,
    weights: Files,
}

/// Mean and most of each measure; NaN where a value is.
fn over(values: &[&[f64]]) -> Map<String, Value> {
    let mut all = Map::new();
    for (m, name) in MEASURES.iter().enumerate() {
        let column: Vec<f64> = values.iter().map(|v| v[m]).collect();
        let mean = column.iter().sum::<f64>() / column.len() as f64;
        let more = |a: f64, b: f64| if a.is_nan() || b < a { a } else { b };
        let most = column.iter().copied().reduce(more).unwrap_or(f64::NAN);
        all.insert(format!("mean_{name}"), json!(mean));
        all.insert(format!("max_{name}"), json!(most));
    }
    all
}

impl SimplexResult {
    pub(super) fn new(
        settings: &SimplexSettings,
        runs: &[Run],
        complex: Complex,
        precision: Precision,
        facts: Facts,
    ) -> Result<Self> {
        let (first, n, m, points) = (&runs[0], complex.points(), complex.minima, settings.points);
        let missing = || Error::unmet("simplex", "not all points are there");
        let all: Vec<&[f64]> = (0..facts.drawn.len() as u64)
            .map(|i| facts.pieces.get(&i).map(Vec::as_slice).ok_or_else(missing))
            .collect::<Result<_>>()?;
        let (corners, rest) = all.split_at(n);
        let (flat, inner) = rest.split_at(points);
        let mut arrays = Npz::default();
        for (k, name) in MEASURES.iter().enumerate() {
            let of = |values: &[&[f64]]| values.iter().map(|v| v[k]).collect::<Vec<f64>>();
            arrays.push(&format!("vertex_{name}"), &[n], of(corners));
            arrays.push(&format!("flat_{name}"), &[points], of(flat));
            arrays.push(&format!("complex_{name}"), &[m, points], of(inner));
        }
        arrays.push("flat_shares", &[points, n], facts.drawn[n..n + points].concat());
        arrays.push("complex_shares", &[m, points, n], facts.drawn[n + points..].concat());
        arrays.push("distance", &[n, n], facts.distances.clone());
        let epochs = &facts.blended.epochs;
        let mut column = |name: &str, of: fn(&BlendEpoch) -> f64| {
            arrays.push(name, &[epochs.len()], epochs.iter().map(of).collect::<Vec<f64>>());
        };
        column("epoch", |e| e.epoch as f64);
        column("epoch_loss", |e| e.loss);
        column("epoch_lr", |e| e.lr);
        let network = |k: usize| {
            let mut all = members(corners[k]);
            let own = facts.names.get(k).cloned().unwrap_or_else(|| format!("connector-{}", k + 1 - m));
            all.insert("name".to_owned(), own.into());
            Value::Object(all)
        };
        let spanned = |values: &[&[f64]], log_volumes: &[f64], dimension: usize| {
            let mut all = over(values);
            let largest = log_volumes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let shares = log_volumes.iter().map(|log| libm::exp(log - largest)).sum::<f64>();
            let status = if largest.is_finite() {
                "computed"
            } else {
                "no volume: the points lie in fewer dimensions"
            };
            all.insert("log_volume".to_owned(), json!(largest + libm::log(shares)));
            all.insert("volume".to_owned(), json!(libm::exp(largest) * shares));
            all.insert("volume_status".to_owned(), status.into());
            all.insert("dimension".to_owned(), dimension.into());
            all.insert("points".to_owned(), values.len().into());
            all
        };
        let mut whole = spanned(inner, &facts.log_volumes, complex.connectors);
        let each = inner.chunks(points).zip(&facts.log_volumes).enumerate().map(|(i, (values, log))| {
            let mut all = spanned(values, &[*log], complex.connectors);
            all.insert("minimum".to_owned(), facts.names[i].as_str().into());
            Value::Object(all)
        });
        whole.insert("simplexes".to_owned(), each.collect());
        let finite = all.iter().all(|v| v[0].is_finite());
        let status = if finite { "done" } else { "the training loss is not finite everywhere" };
        let mut summary = json!({
            "command": "simplex",
            "version": env!("CARGO_PKG_VERSION"),
            "status": status,
            "title": first.title(),
            "loss": first.network.spec().loss,
            "settings": settings,
            "seed": settings.seed,
            "precision": precision,
            "network": first.network.spec(),
            "parameters": first.theta.len(),
            "data": first.data,
            "data_sha256": first.data.sha256,
            "weights_sha256": runs.iter().map(|r| r.origin.as_ref().map(|o| o.sha256.clone())).collect::<Vec<_>>(),
            "samples": {"train": facts.samples[0], "test": facts.samples[1]},
            "norm_statistics": facts.statistics,
            "minima": (0..m).map(network).collect::<Vec<Value>>(),
            "connectors": (m..n).map(network).collect::<Vec<Value>>(),
            "vertices": over(&corners[..m]),
            "flat": spanned(flat, &[facts.flat_log_volume], m - 1),
            "complex": whole,
            "training": {
                "steps": facts.blended.steps,
                "status": facts.blended.status,
                "reason": facts.blended.reason,
            },
        });
        for (name, together) in ENSEMBLES.iter().zip(&facts.ensembles) {
            together.push(name, &mut arrays);
            summary[*name] = together.facts().into();
        }
        for (name, plane) in PLANES.iter().zip(&facts.planes) {
            if let Some(plane) = plane {
                plane.push(name, &mut arrays);
                summary[*name] = json!({"unit": "distance of the first two minima"});
            }
        }
        let weights = weight_files(first, precision, &facts.connectors)?;
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
        let (mut summary, at): (Value, String) = stored::summary(directory, "simplex")?;
        let settings: SimplexSettings = stored::settings(summary.get("settings"), &at)?;
        summary["settings"] = to_json(&settings)?;
        let arrays = Arrays::read(directory, "simplex")?;
        for name in MEASURES {
            arrays.sized(&format!("flat_{name}"), settings.points)?;
            arrays.sized(&format!("complex_{name}"), arrays.size("complex_train_loss"))?;
            for ensemble in ENSEMBLES {
                arrays
                    .sized(&format!("{ensemble}_{name}"), arrays.size(&format!("{ensemble}_train_loss")))?;
            }
        }
        arrays.sized("epoch_loss", arrays.size("epoch"))?;
        for name in PLANES {
            plane::check(&arrays.npz, name, &arrays.at)?;
        }
        Ok(Self { settings, summary, arrays: arrays.npz, weights: Files::new() })
    }
}

/// The connecting points, each a run like any other.
fn weight_files(run: &Run, precision: Precision, connectors: &[Weights]) -> Result<Files> {
    let data = to_json(&run.data)?.to_string();
    let file = |(k, (theta, state)): (usize, &Weights)| {
        let weights = weights::Weights {
            network: run.network.clone(),
            precision,
            theta: theta.clone(),
            state: state.clone(),
            data: data.clone(),
        };
        Ok((format!("connector-{}.safetensors", k + 1), weights.to_bytes()?))
    };
    connectors.iter().enumerate().map(file).collect()
}

impl Saved for SimplexResult {
    fn files(&self) -> Result<Files> {
        let mut all = self.weights.clone();
        all.push(archive("simplex.npz", &self.arrays)?);
        all.push(("simplex.json".to_owned(), document(&self.summary)));
        Ok(all)
    }

    fn json(&self) -> Result<Value> {
        Ok(self.summary.clone())
    }

    fn figures(&self) -> Vec<Figure> {
        super::figures::figures(self)
    }
}
