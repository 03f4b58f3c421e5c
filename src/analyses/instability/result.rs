//! What branches came to: an array of each barrier, and medians over the seeds.

use super::InstabilitySettings;
use super::compute::{End, width};
use crate::analyses::over_seeds::OverSeeds;
use crate::analyses::pair::{BARRIERS, MEASURES, Pair};
use crate::analyses::record::Samples;
use crate::analyses::seeded::of_run;
use crate::analyses::stored::Arrays;
use crate::analyses::{DataSettings, Numbers, Outcome};
use crate::base::log::Pieces;
use crate::base::npz::{Npz, Values};
use crate::base::{Error, Result, json};
use crate::figure::Figure;
use crate::landscape::path::evenly;
use crate::train::TrainSettings;
use serde::{Deserialize, Serialize};

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
pub type InstabilityResult = Outcome<Instability>;

/// The numbers of an instability analysis, as `instability.json` has them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Instability {
    /// "done", or how many branches diverged.
    pub status: String,
    /// Network and data in one line.
    pub title: String,
    /// What was asked for; the steps are those at which branches parted.
    pub settings: InstabilitySettings,
    /// How the networks were trained.
    pub train: TrainSettings,
    /// The first seed.
    pub seed: u64,
    /// All seeds.
    pub seeds: Vec<u64>,
    /// The data.
    pub data: DataSettings,
    data_sha256: String,
    /// How many samples there are.
    pub samples: Samples,
    /// How many parameters the network has.
    pub parameters: usize,
    /// Steps of a training.
    pub steps: u64,
    /// What is random in a step.
    pub noise: Vec<String>,
    /// Where statistics of norms come from on the lines.
    pub statistics: String,
    /// How many branches have no end, or no run to part from.
    pub diverged: usize,
    /// The step from which on every one is stable, if there is one.
    pub stable_from: Option<u64>,
    /// What came of each step.
    pub branches: Vec<Branch>,
}

/// What came of the branches that parted after one step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Branch {
    /// The step.
    pub step: u64,
    /// Barrier of the training loss.
    pub train_barrier: OverSeeds,
    /// Barrier of the training error.
    pub train_error_barrier: OverSeeds,
    /// Barrier of the test loss.
    pub test_barrier: OverSeeds,
    /// Barrier of the test error.
    pub test_error_barrier: OverSeeds,
    /// Norm of the difference of both ends.
    pub distance: OverSeeds,
    /// Whether the median barrier of the training error is as low as asked; none where a seed has none.
    pub stable: Option<bool>,
    /// Each seed's.
    pub runs: Vec<Ends>,
}

/// The two ends of a branch's line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ends {
    /// The seed.
    pub seed: u64,
    /// How it ended.
    pub status: String,
    /// Training loss at both.
    #[serde(deserialize_with = "json::pair")]
    pub train_loss: [f64; 2],
    /// Training error.
    #[serde(deserialize_with = "json::pair")]
    pub train_error: [f64; 2],
    /// Test loss.
    #[serde(deserialize_with = "json::pair")]
    pub test_loss: [f64; 2],
    /// Test error.
    #[serde(deserialize_with = "json::pair")]
    pub test_error: [f64; 2],
}

/// The name of the array of distances.
pub(super) const DISTANCE: &str = "distance";

impl Instability {
    /// What branches came to, of which nothing but `pieces` is known.
    pub(super) fn of(
        settings: &InstabilitySettings,
        training: &TrainSettings,
        facts: Facts,
        pieces: &Pieces,
    ) -> Result<InstabilityResult> {
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
        let row = |name: &str, k: usize| {
            let all = arrays.get(name).map(|a| a.to_f64()).unwrap_or_default();
            OverSeeds::of(&all[k * seeds..(k + 1) * seeds])
        };
        let ends_of = |k: usize, s: usize| {
            let at = k * seeds + s;
            let ends_of = |i: usize| {
                let values = pairs[at].values()[i];
                [values.first(), values.last()].map(|x| x.copied().unwrap_or(f64::NAN))
            };
            let status = ends[at].words().to_owned();
            let [train_loss, train_error, test_loss, test_error] = [0, 1, 2, 3].map(ends_of);
            Ends { seed: seed_list[s], status, train_loss, train_error, test_loss, test_error }
        };
        let branch = |k: usize| {
            let error = row("train_error_barrier", k);
            Branch {
                step: steps[k],
                stable: error.is_whole().then_some(error.median <= settings.stable),
                train_barrier: row("train_barrier", k),
                train_error_barrier: error,
                test_barrier: row("test_barrier", k),
                test_error_barrier: row("test_error_barrier", k),
                distance: row(DISTANCE, k),
                runs: (0..seeds).map(|s| ends_of(k, s)).collect(),
            }
        };
        let branches: Vec<Branch> = (0..steps.len()).map(branch).collect();
        let lost = ends.iter().filter(|end| **end != End::Computed).count();
        // The first step from which on every one is stable.
        let from = branches.iter().rposition(|b| b.stable != Some(true)).map_or(0, |last| last + 1);
        let numbers = Instability {
            status: match lost {
                0 => "done".to_owned(),
                n => format!("{n} of {} branches diverged", ends.len()),
            },
            title: facts.title,
            settings: settings.clone(),
            train: training.resolved(),
            seed: training.seed,
            seeds: seed_list,
            data_sha256: facts.data.sha256.clone(),
            data: facts.data,
            samples: Samples { train: facts.samples.0, test: facts.samples.1 },
            parameters: facts.parameters,
            steps: facts.total,
            noise: facts.noise.into_iter().map(str::to_owned).collect(),
            statistics: facts.statistics,
            diverged: lost,
            stable_from: steps.get(from).copied(),
            branches,
        };
        Ok(Outcome::new(numbers, arrays, Vec::new()))
    }
}

impl Numbers for Instability {
    const NAME: &'static str = "instability";

    fn check(&self, arrays: &Arrays) -> Result<()> {
        let (steps, seeds) = (self.branches.len(), self.seeds.len());
        let shapes = BARRIERS.iter().map(|name| (*name, vec![steps, seeds])).chain([("branch", vec![steps])]);
        shapes.into_iter().try_for_each(|(name, shape)| arrays.shaped(name, &shape))
    }

    fn figures(result: &InstabilityResult) -> Vec<Figure> {
        super::figures::figures(result)
    }
}
