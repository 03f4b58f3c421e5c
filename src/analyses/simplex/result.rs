//! What a complex and a flat simplex come to: scalars, arrays, weight files; and the same read back.

use super::SimplexSettings;
use crate::analyses::pair::{MEASURES, Measures};
use crate::analyses::plane::{self, Plane};
use crate::analyses::record::{Samples, Subject, weight_file};
use crate::analyses::stored::Arrays;
use crate::analyses::together::{Ensembled, Together};
use crate::analyses::{Numbers, Outcome, Run};
use crate::base::log::Pieces;
use crate::base::npz::Npz;
use crate::base::{Error, Precision, Result, json};
use crate::figure::Figure;
use crate::landscape::Complex;
use crate::landscape::path::Weights;
use crate::train::Status;
use crate::train::blend::{BlendEpoch, Blended};
use serde::{Deserialize, Serialize};

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

/// Mean and most of each measure over several places; NaN where a value is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(from = "Flat", into = "Flat")]
pub struct Over {
    /// The means.
    pub mean: Measures,
    /// The largest.
    pub max: Measures,
}

/// The same as `simplex.json` has them.
#[derive(Serialize, Deserialize)]
struct Flat {
    mean_train_loss: Option<f64>,
    mean_train_error: Option<f64>,
    mean_test_loss: Option<f64>,
    mean_test_error: Option<f64>,
    max_train_loss: Option<f64>,
    max_train_error: Option<f64>,
    max_test_loss: Option<f64>,
    max_test_error: Option<f64>,
}

impl From<Flat> for Over {
    fn from(f: Flat) -> Self {
        let of = |values: [Option<f64>; 4]| Measures::of(&values.map(|x| x.unwrap_or(f64::NAN)));
        Self {
            mean: of([f.mean_train_loss, f.mean_train_error, f.mean_test_loss, f.mean_test_error]),
            max: of([f.max_train_loss, f.max_train_error, f.max_test_loss, f.max_test_error]),
        }
    }
}

impl From<Over> for Flat {
    fn from(Over { mean, max }: Over) -> Self {
        Self {
            mean_train_loss: Some(mean.train_loss),
            mean_train_error: Some(mean.train_error),
            mean_test_loss: Some(mean.test_loss),
            mean_test_error: Some(mean.test_error),
            max_train_loss: Some(max.train_loss),
            max_train_error: Some(max.train_error),
            max_test_loss: Some(max.test_loss),
            max_test_error: Some(max.test_error),
        }
    }
}

impl Over {
    fn of(values: &[&[f64]]) -> Self {
        let each = |of: fn(&[f64]) -> f64| {
            let column = |m: usize| of(&values.iter().map(|v| v[m]).collect::<Vec<f64>>());
            Measures::of(&[0, 1, 2, 3].map(column))
        };
        fn more(a: f64, b: f64) -> f64 {
            if a.is_nan() || b < a { a } else { b }
        }
        Self {
            mean: each(|column| column.iter().sum::<f64>() / column.len() as f64),
            max: each(|column| column.iter().copied().reduce(more).unwrap_or(f64::NAN)),
        }
    }
}

/// Random points of simplexes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Spanned {
    /// Losses and errors at them.
    #[serde(flatten)]
    pub over: Over,
    /// Natural logarithm of the volume.
    #[serde(deserialize_with = "json::number")]
    pub log_volume: f64,
    /// The volume.
    #[serde(deserialize_with = "json::number")]
    pub volume: f64,
    /// "computed", or why there is none.
    pub volume_status: String,
    /// Dimensions of the simplexes.
    pub dimension: usize,
    /// How many points.
    pub points: usize,
    /// The minimum that is a corner, of a simplex of the complex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<String>,
    /// Those that the complex is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub simplexes: Vec<Spanned>,
}

impl Spanned {
    fn of(values: &[&[f64]], log_volumes: &[f64], dimension: usize) -> Self {
        let largest = log_volumes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares = log_volumes.iter().map(|log| libm::exp(log - largest)).sum::<f64>();
        let status =
            if largest.is_finite() { "computed" } else { "no volume: the points lie in fewer dimensions" };
        Self {
            over: Over::of(values),
            log_volume: largest + libm::log(shares),
            volume: libm::exp(largest) * shares,
            volume_status: status.to_owned(),
            dimension,
            points: values.len(),
            minimum: None,
            simplexes: Vec::new(),
        }
    }
}

/// A minimum, or a connecting point.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Vertex {
    /// What it is called.
    pub name: String,
    /// What is measured of it.
    #[serde(flatten)]
    pub measures: Measures,
}

/// How the training of the connecting points went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Blending {
    /// Its steps.
    pub steps: u64,
    /// How it ended.
    pub status: Status,
    /// Why.
    pub reason: String,
}

/// A plane that is drawn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unit {
    /// What distances are in.
    pub unit: String,
}

/// The numbers of a complex, as `simplex.json` has them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Simplex {
    /// Network and data.
    #[serde(flatten)]
    pub subject: Subject,
    /// "done", or that a loss is not finite.
    pub status: String,
    /// What was asked for.
    pub settings: SimplexSettings,
    /// Seed of the random points and of the training.
    pub seed: u64,
    weights_sha256: Vec<Option<String>>,
    /// Where statistics of norms come from.
    pub norm_statistics: String,
    /// The minima.
    pub minima: Vec<Vertex>,
    /// The connecting points.
    pub connectors: Vec<Vertex>,
    /// The minima, in numbers.
    pub vertices: Over,
    /// The flat simplex of the minima.
    pub flat: Spanned,
    /// The complex.
    pub complex: Spanned,
    /// How the connecting points were trained.
    pub training: Blending,
    /// What the minima say together.
    pub ensemble_minima: Ensembled,
    /// What points of the complex say together.
    pub ensemble_complex: Ensembled,
    /// The plane of three minima, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triangle: Option<Unit>,
    /// The plane of two minima and a connecting point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<Unit>,
}

/// A finished complex.
pub type SimplexResult = Outcome<Simplex>;

impl Simplex {
    /// What the complex comes to.
    pub(super) fn of(
        settings: &SimplexSettings,
        runs: &[Run],
        complex: Complex,
        precision: Precision,
        facts: Facts,
    ) -> Result<SimplexResult> {
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
        let vertex = |k: usize| Vertex {
            name: facts.names.get(k).cloned().unwrap_or_else(|| format!("connector-{}", k + 1 - m)),
            measures: Measures::of(corners[k]),
        };
        let each = inner.chunks(points).zip(&facts.log_volumes).zip(&facts.names);
        let each = each.map(|((values, log), name)| Spanned {
            minimum: Some(name.clone()),
            ..Spanned::of(values, &[*log], complex.connectors)
        });
        for (name, together) in ENSEMBLES.iter().zip(&facts.ensembles) {
            together.push(name, &mut arrays);
        }
        let mut plane = |i: usize| {
            let plane = facts.planes[i].as_ref()?;
            plane.push(PLANES[i], &mut arrays);
            Some(Unit { unit: "distance of the first two minima".to_owned() })
        };
        let finite = all.iter().all(|v| v[0].is_finite());
        let status = if finite { "done" } else { "the training loss is not finite everywhere" };
        let [train, test] = facts.samples;
        let mut subject = Subject::of(first);
        (subject.precision, subject.samples) = (precision, Samples { train, test });
        let numbers = Simplex {
            subject,
            status: status.to_owned(),
            settings: settings.clone(),
            seed: settings.seed,
            weights_sha256: runs.iter().map(|r| r.origin.as_ref().map(|o| o.sha256.clone())).collect(),
            norm_statistics: facts.statistics.clone(),
            minima: (0..m).map(vertex).collect(),
            connectors: (m..n).map(vertex).collect(),
            vertices: Over::of(&corners[..m]),
            flat: Spanned::of(flat, &[facts.flat_log_volume], m - 1),
            complex: Spanned {
                simplexes: each.collect(),
                ..Spanned::of(inner, &facts.log_volumes, complex.connectors)
            },
            training: Blending {
                steps: facts.blended.steps,
                status: facts.blended.status,
                reason: facts.blended.reason.clone(),
            },
            ensemble_minima: facts.ensembles[0].all(),
            ensemble_complex: facts.ensembles[1].all(),
            triangle: plane(0),
            connector: plane(1),
        };
        let files = facts
            .connectors
            .iter()
            .enumerate()
            .map(|(k, weights)| weight_file(first, precision, &format!("connector-{}", k + 1), weights));
        let files = files.collect::<Result<_>>()?;
        Ok(Outcome::new(numbers, arrays, files))
    }
}

impl Numbers for Simplex {
    const NAME: &'static str = "simplex";

    fn check(&self, arrays: &Arrays) -> Result<()> {
        for name in MEASURES {
            arrays.sized(&format!("flat_{name}"), self.settings.points)?;
            arrays.sized(&format!("complex_{name}"), arrays.size("complex_train_loss"))?;
            for ensemble in ENSEMBLES {
                arrays
                    .sized(&format!("{ensemble}_{name}"), arrays.size(&format!("{ensemble}_train_loss")))?;
            }
        }
        arrays.sized("epoch_loss", arrays.size("epoch"))?;
        PLANES.iter().try_for_each(|name| plane::check(&arrays.npz, name, &arrays.at))
    }

    fn figures(result: &SimplexResult) -> Vec<Figure> {
        super::figures::figures(result)
    }
}
