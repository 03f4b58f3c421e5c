//! The cycles, and what the networks say alone and together. Evaluated networks are kept in a log.

use super::EnsembleSettings;
use super::result::{Ensemble, EnsembleResult, Facts, Member};
use crate::analyses::pair::{MEASURES, measures};
use crate::analyses::plane::{self, Plane};
use crate::analyses::progress::{Observe, Progress};
use crate::analyses::run::{alike, gibibytes};
use crate::analyses::together::Together;
use crate::analyses::{Run, statistics, to_json};
use crate::base::log::{Log, Pieces};
use crate::base::pool::on_workers;
use crate::base::{Error, Result, files, interrupt};
use crate::landscape::path::{Between, Evaluator, Path, Weights};
use crate::landscape::simplex;
use crate::nn::Statistics;
use crate::train::{Event, Keep, Point, Status, TrainSettings, Trained, chosen, loss};
use serde_json::json;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

/// Names of the files that unfinished work is kept in.
const LOG: &str = "ensemble.log";
const CHECKPOINT: &str = "cycles-checkpoint.safetensors";

/// Longest time between two checkpoints, as training has it.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// Removes what an unfinished ensemble left in a directory.
pub fn discard(directory: &FilePath) -> Result<()> {
    [LOG, CHECKPOINT].iter().try_for_each(|name| files::remove(&directory.join(name)))
}

/// Goes on from `start`, which was trained as `base` says, and measures what is collected beside networks that were trained
/// apart. With a directory, unfinished work is kept in it and taken up again.
pub fn run(
    settings: &EnsembleSettings,
    start: &Run,
    base: &TrainSettings,
    independent: &[Run],
    directory: Option<&FilePath>,
    observe: Observe,
) -> Result<EnsembleResult> {
    settings.check()?;
    alike([start].into_iter().chain(independent))?;
    let training = settings.cyclic(base)?;
    let job = Job { settings, start, base, training, independent, directory, observe };
    job.compute()
}

struct Job<'a> {
    settings: &'a EnsembleSettings,
    start: &'a Run,
    base: &'a TrainSettings,
    training: TrainSettings,
    independent: &'a [Run],
    directory: Option<&'a FilePath>,
    observe: Observe<'a>,
}

impl Job<'_> {
    fn compute(&self) -> Result<EnsembleResult> {
        let start = self.start;
        let network = Arc::new(start.network.clone());
        let over = |part| loss(&network, part, start.precision, Statistics::Running);
        let batch = self.training.group(start.dataset.train.len());
        // Networks that were trained are evaluated with what training left them; between them the state is recomputed.
        let evaluator =
            |between| Evaluator::new(over(&start.dataset.train), over(&start.dataset.test), between, batch);
        let (trained_as, evaluator) = (evaluator(Between::Interpolate)?, evaluator(Between::Refresh)?);
        let (mut log, kept) = self.log()?;
        let trained = self.cycles()?;
        let own = |run: &Run| (run.theta.clone(), run.state.clone());
        let collected = self.collected(&trained);
        let mean = average(&collected);
        let mut members = vec![Member { name: "start".to_owned(), weights: own(start) }];
        let named = |(i, point): (usize, &Point<f64>)| Member {
            name: format!("member-{}", i + 1),
            weights: (point.theta.clone(), point.state.clone()),
        };
        members.extend(collected.iter().enumerate().map(named));
        members.push(Member { name: "swa".to_owned(), weights: placed(&evaluator, &mean) });
        let further =
            |(i, run): (usize, &Run)| Member { name: format!("independent-{}", i + 1), weights: own(run) };
        members.extend(self.independent.iter().enumerate().map(further));

        (self.observe)(Progress::Begins("networks", "networks", members.len()));
        let mut evaluated = Vec::with_capacity(members.len());
        for (i, Member { weights: (theta, state), .. }) in members.iter().enumerate() {
            let values = match kept.get(&(i as u64)) {
                Some(values) => values.clone(),
                None => {
                    let values = measures(&trained_as.evaluate(theta, state)).to_vec();
                    interrupt::check("ensemble", &self.kept())?;
                    if let Some(log) = &mut log {
                        log.append([(i as u64, values.as_slice())])?;
                    }
                    values
                }
            };
            evaluated.push(values);
            (self.observe)(Progress::Done(1.0));
        }
        let weights = |of: &[&Member]| of.iter().map(|m| m.weights.clone()).collect::<Vec<Weights>>();
        let cyclic: Vec<&Member> = members[1..=collected.len()].iter().collect();
        let apart: Vec<&Member> = [&members[0]].into_iter().chain(&members[collected.len() + 2..]).collect();
        (self.observe)(Progress::Begins("ensembles", "members", cyclic.len() + apart.len()));
        let together = |of: &[&Member]| -> Result<Together> {
            let together = Together::of(&trained_as, &weights(of));
            interrupt::check("ensemble", &self.kept())?;
            (self.observe)(Progress::Done(of.len() as f64));
            Ok(together)
        };
        let (cyclic, independent) = (together(&cyclic)?, together(&apart)?);
        let plane = self.plane(&evaluator, &members[..=collected.len()], &mean.theta)?;
        let thetas: Vec<&[f64]> = members.iter().map(|m| m.weights.0.as_slice()).collect();
        let distances = simplex::distances(&simplex::gram(&thetas), thetas.len());
        let facts = Facts {
            trained,
            members,
            evaluated,
            collected: collected.len(),
            cyclic,
            independent,
            plane,
            distances,
            statistics: statistics::apart(&network, batch),
        };
        Ensemble::of(self.settings, start, self.base, &self.training, facts)
    }

    /// What a stop leaves.
    fn kept(&self) -> String {
        match self.directory {
            Some(_) => "what is finished is kept; the same command goes on".to_owned(),
            None => "nothing was written".to_owned(),
        }
    }

    /// Evaluated networks, and what all unfinished work belongs to.
    fn log(&self) -> Result<(Option<Log>, Pieces)> {
        let Some(directory) = self.directory else { return Ok((None, Pieces::new())) };
        let sha256 = |run: &Run| run.origin.as_ref().map(|o| o.sha256.clone());
        let header = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "settings": to_json(self.settings)?,
            "training": to_json(&self.training.resolved())?,
            "data_sha256": self.start.data.sha256,
            "weights_sha256": sha256(self.start),
            "independent_weights_sha256": self.independent.iter().map(sha256).collect::<Vec<_>>(),
        });
        let (log, kept) = Log::open(&directory.join(LOG), &header, MEASURES.len())?;
        Ok((Some(log), kept))
    }

    /// Trains along the cycles.
    fn cycles(&self) -> Result<Trained> {
        let (dataset, training) = (&self.start.dataset, &self.training);
        let batches = training.batches(dataset.train.len(), self.start.network.layout());
        let total = batches.count() * training.epochs;
        (self.observe)(Progress::Begins("cycles", "steps", total));
        let keep = self.directory.map(|directory| Keep {
            path: directory.join(CHECKPOINT),
            every: CHECKPOINT_EVERY,
            data_sha256: self.start.data.sha256.clone(),
        });
        let point = Point { theta: self.start.theta.clone(), state: self.start.state.clone() };
        let tell = |event: Event| match event {
            Event::Resumed(done, all, _) => {
                let kept = format!("going on with unfinished cycles: {done} of {all} steps are kept");
                (self.observe)(Progress::Note(kept));
                (self.observe)(Progress::Done(done as f64));
            }
            Event::Step(..) => (self.observe)(Progress::Done(1.0)),
            Event::Epoch(_) | Event::Probe(_) | Event::Probing(..) => {}
        };
        let trained =
            on_workers(|| chosen::train_from(training, dataset, &point, keep.as_ref(), &mut { tell }))?;
        match trained.status {
            // Without all of its members an ensemble is another one than was asked for.
            Status::Diverged => Err(Error::unmet("ensemble: the cycles diverged", &trained.reason)),
            _ => Ok(trained),
        }
    }

    /// The networks at the ends of the cycles.
    fn collected(&self, trained: &Trained) -> Vec<Point<f64>> {
        let steps = trained.steps / self.settings.cycles as u64;
        let ends = trained.trajectory.iter().filter(|(step, _)| *step > 0 && step % steps.max(1) == 0);
        ends.map(|(_, point)| point.clone()).collect()
    }

    /// The plane through the start, the last network and the average, with the way along all networks on it.
    fn plane(&self, evaluator: &Evaluator, way: &[Member], average: &[f64]) -> Result<Option<Plane>> {
        let (Some(first), Some(last), 2..) = (way.first(), way.last(), self.settings.plane) else {
            return Ok(None);
        };
        let (n, state) = (self.settings.plane, &first.weights.1);
        let sets = 1 + usize::from(evaluator.test().is_some());
        (self.observe)(Progress::Begins("plane", "points", sets * n * n));
        let control = way.iter().map(|m| m.weights.0.clone()).collect();
        let path = Path::chain(control, [state.clone(), state.clone()]);
        let ends = [&first.weights.0, &last.weights.0];
        let memory = gibibytes(self.settings.memory)?;
        let plane = plane::over(evaluator, ends, average, &path, n, memory, &|share| {
            (self.observe)(Progress::Done(share));
        })?;
        interrupt::check("ensemble", &self.kept())?;
        Ok(plane)
    }
}

/// The mean of weights and states.
fn average(points: &[Point<f64>]) -> Point<f64> {
    let Some(first) = points.first() else { return Point { theta: Vec::new(), state: Vec::new() } };
    let mut sum = Point::zero(first);
    points.iter().for_each(|point| sum.add(point));
    sum.scaled(1.0 / points.len() as f64)
}

/// A network in the element type, with statistics of its own: a mean of statistics is not the statistics of the mean.
fn placed(evaluator: &Evaluator, point: &Point<f64>) -> Weights {
    let place = evaluator.place(&point.theta, &point.state);
    (place.theta, place.state)
}
