//! What the networks come to, alone and together: scalars, arrays, weight files; and the same read back.

use super::EnsembleSettings;
use crate::analyses::pair::{MEASURES, Measures};
use crate::analyses::plane::{self, Plane};
use crate::analyses::record::{Subject, weight_file};
use crate::analyses::stored::Arrays;
use crate::analyses::together::{Ensembled, Together};
use crate::analyses::{Numbers, Outcome, Run};
use crate::base::npz::Npz;
use crate::base::statistics::quantile;
use crate::base::{Result, json};
use crate::figure::Figure;
use crate::landscape::path::Weights;
use crate::train::{Epoch, TrainSettings, Trained};
use serde::{Deserialize, Serialize};

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

/// Median, mean, least and most over several networks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Spread {
    /// The median.
    #[serde(deserialize_with = "json::number")]
    pub median: f64,
    /// The mean.
    #[serde(deserialize_with = "json::number")]
    pub mean: f64,
    /// The least.
    #[serde(deserialize_with = "json::number")]
    pub min: f64,
    /// The most.
    #[serde(deserialize_with = "json::number")]
    pub max: f64,
}

/// Several networks, each by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Single {
    /// Training loss.
    pub train_loss: Spread,
    /// Training error.
    pub train_error: Spread,
    /// Test loss.
    pub test_loss: Spread,
    /// Test error.
    pub test_error: Spread,
    /// How many they are.
    pub networks: usize,
    /// Epochs that each has cost.
    pub epochs: usize,
}

impl Single {
    fn of(networks: &[Vec<f64>], epochs: usize) -> Self {
        let of = |m: usize| {
            let mut values: Vec<f64> = networks.iter().map(|v| v[m]).filter(|x| x.is_finite()).collect();
            values.sort_by(f64::total_cmp);
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let of = |q| quantile(&values, q);
            Spread { median: of(0.5), mean, min: of(0.0), max: of(1.0) }
        };
        let [train_loss, train_error, test_loss, test_error] = [0, 1, 2, 3].map(of);
        Self { train_loss, train_error, test_loss, test_error, networks: networks.len(), epochs }
    }

    /// One number of each measure's.
    pub fn each(&self, of: fn(&Spread) -> f64) -> Measures {
        Measures {
            train_loss: of(&self.train_loss),
            train_error: of(&self.train_error),
            test_loss: of(&self.test_loss),
            test_error: of(&self.test_error),
        }
    }
}

/// A network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct One {
    /// What it is called.
    pub name: String,
    /// Epochs that it has cost.
    pub epochs: usize,
    /// Distance of its parameters from the start.
    #[serde(deserialize_with = "json::number")]
    pub distance_from_start: f64,
    /// What is measured of it.
    #[serde(flatten)]
    pub measures: Measures,
}

/// Several networks together, and the epochs that all have cost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Joint {
    /// What they say.
    #[serde(flatten)]
    pub ensemble: Ensembled,
    /// The epochs.
    pub epochs: usize,
}

/// Networks that were trained apart; the start is the first of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Independent {
    /// Together.
    #[serde(flatten)]
    pub joint: Joint,
    /// Each by itself.
    pub single: Single,
    /// The further ones.
    pub networks: Vec<One>,
}

/// The plane through start, average and last network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Off {
    /// How far the collected networks lie from it, at most.
    #[serde(deserialize_with = "json::number")]
    pub off: f64,
    /// What distances are in.
    pub unit: String,
}

/// The numbers of networks along a cyclical rate, as `ensemble.json` has them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ensemble {
    /// Network and data.
    #[serde(flatten)]
    pub subject: Subject,
    /// "done".
    pub status: String,
    /// What was asked for.
    pub settings: EnsembleSettings,
    /// Seed of the sample order along the cycles.
    pub seed: u64,
    weights_sha256: Option<String>,
    /// Where statistics of norms come from.
    pub norm_statistics: String,
    /// How training went on.
    pub training: TrainSettings,
    /// Steps along the cycles.
    pub steps: u64,
    /// The network at the start.
    pub start: One,
    /// Those that were collected, in order.
    pub members: Vec<One>,
    /// The average of their weights.
    pub swa: One,
    /// Those that were collected, each by itself.
    pub single: Single,
    /// The same together.
    pub ensemble: Joint,
    /// Networks that were trained apart.
    pub independent: Independent,
    /// The plane, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plane: Option<Off>,
}

/// A finished ensemble.
pub type EnsembleResult = Outcome<Ensemble>;

impl Ensemble {
    /// What the networks come to.
    pub(super) fn of(
        settings: &EnsembleSettings,
        start: &Run,
        base: &TrainSettings,
        training: &TrainSettings,
        facts: Facts,
    ) -> Result<EnsembleResult> {
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
        // What each has cost since its own beginning.
        let from_start = |cycles: usize| base.epochs + cycles * settings.cycle;
        let along = from_start(collected);
        let one = |i: usize, epochs: usize| One {
            name: networks[i].name.clone(),
            epochs,
            distance_from_start: facts.distances[i],
            measures: Measures::of(&evaluated[i]),
        };
        let apart: Vec<Vec<f64>> =
            [&evaluated[0]].into_iter().chain(&evaluated[collected + 2..]).cloned().collect();
        if let Some(plane) = &facts.plane {
            plane.push("plane", &mut arrays);
        }
        let numbers = Ensemble {
            subject: Subject::of(start),
            status: "done".to_owned(),
            settings: settings.clone(),
            seed: settings.seed,
            weights_sha256: start.origin.as_ref().map(|o| o.sha256.clone()),
            norm_statistics: facts.statistics.clone(),
            training: training.resolved(),
            steps: trained.steps,
            start: one(0, base.epochs),
            members: (1..=collected).map(|i| one(i, from_start(i))).collect(),
            swa: one(collected + 1, along),
            single: Single::of(&evaluated[1..=collected], along),
            ensemble: Joint { ensemble: facts.cyclic.all(), epochs: along },
            independent: Independent {
                joint: Joint { ensemble: facts.independent.all(), epochs: (1 + further) * base.epochs },
                single: Single::of(&apart, base.epochs),
                networks: (collected + 2..n).map(|i| one(i, base.epochs)).collect(),
            },
            plane: facts.plane.as_ref().map(|plane| Off {
                off: plane.off,
                unit: "distance of the start and the last network".to_owned(),
            }),
        };
        // The collected networks and their average.
        let file = |member: &Member| weight_file(start, start.precision, &member.name, &member.weights);
        let weights = networks[1..collected + 2].iter().map(file).collect::<Result<_>>()?;
        Ok(Outcome::new(numbers, arrays, weights))
    }
}

impl Numbers for Ensemble {
    const NAME: &'static str = "ensemble";

    fn check(&self, arrays: &Arrays) -> Result<()> {
        arrays.sized("turn_lr", arrays.size("turn"))?;
        for name in MEASURES {
            arrays.sized(&format!("epoch_{name}"), arrays.size("epoch"))?;
            arrays.sized(&format!("ensemble_{name}"), self.settings.cycles)?;
            arrays.sized(&format!("independent_{name}"), arrays.size("independent_train_loss"))?;
        }
        plane::check(&arrays.npz, "plane", &arrays.at)
    }

    fn figures(result: &EnsembleResult) -> Vec<Figure> {
        super::figures::figures(result)
    }
}
