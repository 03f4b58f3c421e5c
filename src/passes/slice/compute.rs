//! Evaluates the points of a slice, view by view, and keeps finished ones in a log.

use super::SliceSettings;
use super::facts::{AxisFacts, Counts, Facts, MarkFacts, TrailFacts, at_points, columns};
use super::place::Here;
use super::result::{Coordinates, Evaluated, SliceResult, View};
use super::shard::{DIRECTIONS, Header, Shard, compared, log_name};
use crate::autodiff::Element;
use crate::base::log::{Log, Pieces};
use crate::base::tensors::{Tensor, TensorFile};
use crate::base::{Error, Precision, Result, Streams, files, interrupt};
use crate::figure::Figure;
use crate::landscape::adaptive::Adaptive;
use crate::landscape::directions::{Draw, Frame, Length, Snapshot};
use crate::landscape::geometry::{cosine, dot, orthogonalise};
use crate::landscape::measures::{Measure, Spot};
use crate::landscape::slice::Point;
use crate::landscape::{Slicer, State};
use crate::nn::layout::Statistic;
use crate::nn::{Network, Objective, Tally, weights};
use crate::passes::statistics::{Policy, Stats};
use crate::passes::training::evaluations;
use crate::passes::{Run, to_json};
use crate::train::samples;
use crate::with_precision;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// What an observer of a slice hears, from any thread.
#[derive(Clone, Copy, Debug)]
pub enum SliceEvent<'a> {
    /// Before the points of a view.
    Begins {
        /// What is sliced.
        title: &'a str,
        /// Number of parameters.
        parameters: usize,
        /// Which view, of how many.
        view: (usize, usize),
        /// Points to compute, and how many were kept from before.
        points: (usize, usize),
        /// Predicted seconds.
        seconds: f64,
        /// Bytes that evaluation holds.
        bytes: usize,
    },
    /// So many more points (a fraction, when only a share of the samples is done).
    Done(f64),
    /// What there is so far, worth showing.
    Picture(&'a Figure),
}

/// Where finished points are kept, and which are wanted.
#[derive(Clone, Copy, Debug)]
struct Keep<'a> {
    /// Directory of the logs.
    directory: &'a Path,
    /// Part of the points.
    shard: Shard,
}

type Observe<'a> = &'a (dyn Fn(SliceEvent) + Sync);

/// Computes a slice of one or several networks. With a directory, finished points are kept in it and not computed again.
pub fn run(
    settings: &SliceSettings,
    runs: &[Run],
    keep: Option<&Path>,
    observe: Observe,
) -> Result<SliceResult> {
    let keep = keep.map(|directory| Keep { directory, shard: Shard::WHOLE });
    let (views, directions) = views(settings, runs, keep, observe)?;
    SliceResult::assemble(&settings.resolved(), views, Some(directions))
}

/// Computes a part of the points of a slice, and leaves them in the logs of a directory.
pub fn part(
    settings: &SliceSettings,
    runs: &[Run],
    shard: Shard,
    directory: &Path,
    observe: Observe,
) -> Result<()> {
    let (_, directions) = views(settings, runs, Some(Keep { directory, shard }), observe)?;
    directions.write(&directory.join(DIRECTIONS))
}

/// Removes the logs that slices left in a directory, finished or not.
pub fn discard(directory: &Path) -> Result<()> {
    let paths = (0..).map(|view| directory.join(log_name(view)));
    let there: Vec<_> = paths.take_while(|path| path.symlink_metadata().is_ok()).collect();
    // The last one first: those that a kill in between leaves are found again.
    there.iter().rev().try_for_each(|path| files::remove(path))
}

/// The views, unless only a part of their points was wanted, and all directions.
fn views(
    settings: &SliceSettings,
    runs: &[Run],
    keep: Option<Keep>,
    observe: Observe,
) -> Result<(Vec<View>, TensorFile)> {
    settings.check(runs.len())?;
    for run in runs {
        settings.check_for(run.precision, run.dataset.train.len())?;
    }
    let (resolved, names) = (settings.resolved(), names(settings, runs));
    let count = runs.len() * settings.repeat;
    let (mut views, mut tensors) = (Vec::new(), Vec::new());
    for view in 0..count {
        let (network, draw) = (view / settings.repeat, view % settings.repeat);
        let run = &runs[network];
        let (label, seed) = (names[network].clone(), settings.seed + draw as u64);
        let job = Job { settings: &resolved, run, label, seed, view: (view, count), keep, observe };
        let precision = settings.precision.unwrap_or(run.precision);
        let (view, own) = with_precision!(precision, E => job.compute::<E>(precision))?;
        views.extend(view);
        tensors.extend(own);
    }
    Ok((views, TensorFile { metadata: BTreeMap::new(), tensors }))
}

/// What each network is called: as asked, or as its directory, with a number where two are called the same.
fn names(settings: &SliceSettings, runs: &[Run]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        let own = run.origin.as_ref().map_or_else(|| run.network.title(), |origin| origin.name());
        let name = settings.labels.get(i).cloned().unwrap_or(own);
        let again = (2..).map(|n| format!("{name} ({n})"));
        let free = [name.clone()].into_iter().chain(again).find(|n| !names.contains(n));
        names.push(free.unwrap_or(name));
    }
    names
}

/// One view.
struct Job<'a> {
    settings: &'a SliceSettings,
    run: &'a Run,
    label: String,
    seed: u64,
    /// Which, of how many.
    view: (usize, usize),
    keep: Option<Keep<'a>>,
    observe: Observe<'a>,
}

/// Longest time between two records of the log, about, in seconds.
const BAND: f64 = 0.5;

impl Job<'_> {
    /// The view, unless only a part of its points was wanted, and its directions.
    fn compute<E: Element>(&self, precision: Precision) -> Result<(Option<View>, Vec<Tensor>)> {
        let (settings, run) = (self.settings, self.run);
        let network = Arc::new(run.network.clone());
        let population = Counts { train: run.dataset.train.len(), test: run.dataset.test.len() };
        let mut dataset = super::super::run::cut(run.dataset.clone(), settings.samples, "--samples")?;
        if let Some(n) = settings.test_samples {
            dataset.test.truncate(n);
        }
        let theta = rounded::<E>(&run.theta, "weights", precision)?;
        let state = rounded::<E>(&run.state, "statistics", precision)?;
        let policy = Policy::new(&network, settings.stats, settings.stat_batch, run.data.batch_size)?;
        let memory = settings.bytes()?;
        let [train, test] = [&dataset.train, &dataset.test].map(|part| samples::<E>(&network, part));
        let objective = |part: &Arc<crate::nn::Samples<E>>, statistics| {
            let objective = Objective::new(network.clone(), part.clone(), statistics);
            let bytes = objective.bytes();
            match bytes <= memory {
                true => Ok(objective),
                false => {
                    let expected = format!("groups that fit in {} GiB (--memory)", settings.memory);
                    let gib = bytes as f64 / f64::from(1 << 30);
                    let found = format!("{}, {gib:.1} GiB", policy.group);
                    Err(Error::expected("--stat-batch", expected, found))
                }
            }
        };
        let mut objectives = vec![objective(&train, policy.evaluation())?];
        if !dataset.test.is_empty() {
            objectives.push(objective(&test, policy.evaluation())?);
        }

        let streams = Streams::new(self.seed);
        let here = Here { run, objective: &objectives[0], theta: &theta, state: &state, streams, memory };
        let frame = self.frame(&here, &network)?;
        let directions = frame.axes.iter().map(|axis| rounded::<E>(&axis.direction, "directions", precision));
        let directions = directions.collect::<Result<Vec<_>>>()?;

        // What the state is at a point; at the center that of singular vectors is what training left.
        let source = match policy.stats {
            Some(Stats::Refresh) => Some(objective(&train, policy.group.statistics())?),
            _ => None,
        };
        let spectral = !network.layout().spectral.is_empty();
        let moves = policy.stats == Some(Stats::Running) && frame.axes.iter().any(|a| !a.state.is_empty());
        let floor = lowest(&frame, &network, &state);
        let follow = |theta: &[E], point: &Point| {
            let mut at: Vec<E> = match moves {
                true => moved(&frame, &state, &floor, point).into_iter().map(E::from_f64).collect(),
                false => state.iter().map(|x| E::from_f64(*x)).collect(),
            };
            network.renew_to_convergence(theta, &mut at);
            source.as_ref().map_or_else(|| at.clone(), |source| source.refresh(theta, &at))
        };
        let follows = spectral || source.is_some() || moves;
        let single = |v: &[f64]| v.iter().map(|x| E::from_f64(*x)).collect::<Vec<E>>();
        let at_center = if follows { follow(&single(&theta), &[0.0; 3]) } else { single(&state) };
        let center: Vec<_> = objectives.iter().map(|o| o.evaluate(&single(&theta), &at_center)).collect();
        let slicers: Vec<Slicer<E>> = objectives
            .iter()
            .map(|o| {
                let state = if follows { State::Follows(&follow) } else { State::Frozen(single(&state)) };
                Slicer::new(o, &theta, state, &directions, memory / 2)
            })
            .collect();

        let tensors = self.tensors(&network, &directions, precision);
        let sides = settings.sides();
        let axes = frame
            .axes
            .iter()
            .zip(&sides)
            .map(|(axis, side)| AxisFacts { label: axis.label.clone(), range: side.over(axis.ends) });
        let pair =
            |i: usize, j: usize| Some(cosine(&directions[i], &directions[j])).filter(|c| c.is_finite());
        let first = if directions.len() > 1 { pair(0, 1) } else { None };
        let norm = |v: &[f64]| serde_json::json!(dot(v, v).sqrt());
        let names = ["x", "y", "z"];
        let norms = [("theta".to_owned(), norm(&theta))]
            .into_iter()
            .chain(names.iter().zip(&directions).map(|(name, d)| ((*name).to_owned(), norm(d))));
        let nothing = crate::nn::Evaluation { loss: f64::NAN, accuracy: f64::NAN };
        let (mut center, mut center_status) = evaluations(&center[0], center.get(1).unwrap_or(&nothing));
        if objectives.len() == 1 {
            center.retain(|key, _| key.starts_with("train"));
            if center.values().all(|v| !v.is_null()) {
                center_status = "computed".to_owned();
            }
        }
        let mut statistics = policy.words(spectral);
        if moves {
            statistics = statistics.replacen("running, frozen", "running, moved with the weights", 1);
        }
        let facts = Facts {
            label: self.label.clone(),
            title: super::super::run::title(&network, &dataset),
            seed: self.seed,
            precision,
            network: network.spec().clone(),
            parameters: theta.len(),
            data: run.data.clone(),
            data_sha256: run.data.sha256.clone(),
            weights_sha256: run.origin.as_ref().map(|o| o.sha256.clone()),
            directions_sha256: super::result::sha256(&tensors, self.prefix()),
            samples: Counts { train: dataset.train.len(), test: dataset.test.len() },
            population,
            norm_statistics: statistics,
            center: to_json(&center)?,
            center_status: to_json(&center_status)?,
            cosine: first,
            cosine_status: match (directions.len(), first) {
                (1, _) => "there is one direction".to_owned(),
                (_, Some(_)) => "computed".to_owned(),
                (_, None) => "a direction is zero".to_owned(),
            },
            cosines: if directions.len() > 2 { vec![pair(0, 1), pair(0, 2), pair(1, 2)] } else { Vec::new() },
            norms: norms.collect(),
            axes: axes.collect(),
            center_label: settings.directions.center().to_owned(),
            marks: frame
                .marks
                .iter()
                .map(|(at, label)| MarkFacts { at: at.clone(), label: label.clone() })
                .collect(),
            trail: self.trail(&frame, &here)?,
            directions: frame.facts.clone(),
        };
        let evaluator =
            Evaluator { job: self, slicers: &slicers, objectives: &objectives, facts: &facts, memory };
        let view = evaluator.run()?;
        Ok((view, tensors))
    }

    /// The directions, normalised as the settings say.
    fn frame<E: Element>(&self, here: &Here<E>, network: &Network) -> Result<Frame> {
        let settings = self.settings;
        let mut frame = settings.directions.draw(here, settings.dimensions())?;
        let length = settings.directions.length();
        let normalize = settings.normalize.clone().unwrap_or_default();
        let none = crate::landscape::Normalization::Nothing(Default::default());
        // What was not drawn at random is whole as it is: biases are part of a gradient.
        let scaled = length == Length::Drawn || normalize != none;
        for axis in frame.axes.iter_mut().filter(|_| scaled) {
            let moves = |role| settings.moves(role);
            normalize.apply(network.layout(), here.theta, moves, &mut axis.direction);
            axis.label = match normalize == none {
                true => format!("{}, as drawn", axis.label),
                false => {
                    format!("{}-normalised {}", crate::base::registry::Registry::name(&normalize), axis.label)
                }
            };
        }
        if settings.orthogonal {
            for k in 1..frame.axes.len() {
                let (before, rest) = frame.axes.split_at_mut(k);
                before.iter().for_each(|b| orthogonalise(&b.direction, &mut rest[0].direction));
            }
        }
        let one = |d: &[f64]| (dot(d, d) - 1.0).abs() < 1e-6;
        for axis in frame.axes.iter_mut().filter(|a| length == Length::Own && one(&a.direction)) {
            axis.label.push_str(", length 1");
        }
        Ok(frame)
    }

    /// The names of a view's directions begin with its number, where there are several.
    fn prefix(&self) -> String {
        SliceResult::prefix(self.view.0, self.view.1)
    }

    fn tensors(&self, network: &Network, directions: &[Vec<f64>], precision: Precision) -> Vec<Tensor> {
        ["x", "y", "z"]
            .iter()
            .zip(directions)
            .flat_map(|(name, d)| {
                weights::tensors(network, d, precision, &format!("{}{name}/", self.prefix()))
            })
            .collect()
    }

    /// The way of training, with the loss at its true points.
    fn trail<E: Element>(&self, frame: &Frame, here: &Here<E>) -> Result<Option<TrailFacts>> {
        let Some(trail) = &frame.trail else { return Ok(None) };
        let mut train_loss = Vec::new();
        for Snapshot { theta, state, .. } in &trail.snapshots {
            if let Some(signal) = interrupt::requested() {
                let kept = "nothing was written".to_owned();
                return Err(Error::Interrupted { at: "slice".to_owned(), kept, signal });
            }
            let [theta, state] =
                [theta, state].map(|v| v.iter().map(|x| E::from_f64(*x)).collect::<Vec<E>>());
            let loss = here.objective.evaluate(&theta, &state).loss;
            train_loss.push(Some(loss).filter(|l| l.is_finite()));
        }
        let coordinates =
            (0..frame.axes.len()).map(|k| trail.coordinates.iter().map(|c| c[k]).collect()).collect();
        Ok(Some(TrailFacts {
            steps: trail.snapshots.iter().map(|s| s.step).collect(),
            coordinates,
            residuals: trail.residuals.clone(),
            train_loss,
        }))
    }
}

/// What the element type makes of numbers is what is evaluated and saved.
fn rounded<E: Element>(v: &[f64], what: &str, precision: Precision) -> Result<Vec<f64>> {
    let fits = |x: &f64| match E::from_f64(*x).to_f64() {
        y if y.is_finite() => Ok(y),
        _ => Err(Error::expected("--precision", format!("{what} that fit in {precision}"), format!("{x:e}"))),
    };
    v.iter().map(fits).collect()
}

/// The state at a point, where it moves as the weights do; `floor` is what variances do not fall below.
fn moved(frame: &Frame, state: &[f64], floor: &[f64], point: &[f64]) -> Vec<f64> {
    let mut at = state.to_vec();
    for (axis, c) in frame.axes.iter().zip(point) {
        at.iter_mut().zip(&axis.state).for_each(|(s, d)| *s += c * d);
    }
    at.iter_mut().zip(floor).for_each(|(s, low)| *s = s.max(*low));
    at
}

/// The smallest variance among the networks that a slice goes through; no bound for other state.
fn lowest(frame: &Frame, network: &Network, state: &[f64]) -> Vec<f64> {
    let mut floor = vec![f64::NEG_INFINITY; state.len()];
    let none = floor.clone();
    let ends: Vec<Vec<f64>> = frame.marks.iter().map(|(at, _)| moved(frame, state, &none, at)).collect();
    for buffer in network.layout().buffers.iter().filter(|b| b.statistic == Statistic::Variance) {
        for i in buffer.range() {
            floor[i] = ends.iter().map(|e| e[i]).fold(state[i], f64::min);
        }
    }
    floor
}

/// A view whose points are being computed.
struct Evaluator<'a, E> {
    job: &'a Job<'a>,
    slicers: &'a [Slicer<'a, E>],
    objectives: &'a [Objective<E>],
    facts: &'a Facts,
    memory: usize,
}

/// The maps whose interpolation is held to the tolerance. Accuracies go in steps, which nothing predicts: held too, they
/// would have most points computed. What they are likely to be off by is reported.
const HELD: [&str; 2] = ["train_loss", "test_loss"];

/// Numbers by map, and which points have any.
struct Known {
    names: Vec<&'static str>,
    values: Vec<Vec<f64>>,
    there: Vec<bool>,
}

impl Known {
    fn held(&self) -> Vec<&[f64]> {
        let held = self.names.iter().zip(&self.values).filter(|(name, _)| HELD.contains(name));
        held.map(|(_, values)| values.as_slice()).collect()
    }
}

impl<E: Element> Evaluator<'_, E> {
    fn run(&self) -> Result<Option<View>> {
        let (job, settings) = (self.job, self.job.settings);
        let coordinates = self.facts.coordinates();
        let points = self.facts.points();
        let width = columns(settings, self.facts).len();
        let (mut log, mut pieces) = match job.keep {
            None => (None, Pieces::new()),
            Some(keep) => {
                let header = Header {
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    settings: compared(settings)?,
                    views: job.view.1,
                    view: job.view.0,
                    facts: self.facts.clone(),
                };
                let path = keep.directory.join(log_name(job.view.0));
                let (log, pieces) = Log::open(&path, &to_json(&header)?, width)?;
                (Some(log), pieces)
            }
        };
        let kept = pieces.len();
        let shard = job.keep.map_or(Shard::WHOLE, |keep| keep.shard);
        let range = shard.range(points);
        let adaptive = self.adaptive()?;
        let missing = range.clone().filter(|i| !pieces.contains_key(&(*i as u64))).count();
        let (seconds, measured) = self.forecast(&coordinates, missing)?;
        let threads = rayon::current_num_threads();
        let bytes = self.slicers.iter().map(|s| s.bytes(threads)).sum::<usize>() + points * super::POINT;
        (job.observe)(SliceEvent::Begins {
            title: &self.facts.title,
            parameters: self.facts.parameters,
            view: job.view,
            points: (range.len(), kept),
            seconds,
            bytes,
        });
        (job.observe)(SliceEvent::Done(kept as f64));
        let mut band = (BAND / seconds.max(1e-9) * missing as f64).clamp(1.0, 1e6) as usize;
        loop {
            let wanted = match &adaptive {
                None => range.clone().collect(),
                Some(adaptive) => {
                    let known = self.known(&pieces);
                    adaptive.next(&known.there, &known.held())
                }
            };
            let wanted: Vec<usize> =
                wanted.into_iter().filter(|i| !pieces.contains_key(&(*i as u64))).collect();
            if wanted.is_empty() {
                break;
            }
            let mut left = wanted.as_slice();
            while !left.is_empty() {
                let (now, later) = left.split_at(band.min(left.len()));
                left = later;
                let start = Instant::now();
                let values = self.values(&coordinates, now, measured);
                let values = values.map_err(|e| self.stopped(e, &pieces, range.len()))?;
                if let Some(log) = &mut log {
                    log.append(now.iter().map(|i| *i as u64).zip(values.iter().map(Vec::as_slice)))?;
                }
                pieces.extend(now.iter().map(|i| *i as u64).zip(values));
                // The forecast may have been wrong.
                let rate = now.len() as f64 / start.elapsed().as_secs_f64().max(1e-9);
                band = ((BAND * rate) as usize).clamp(1, 1_000_000);
            }
            if adaptive.is_some() {
                (job.observe)(SliceEvent::Picture(&self.picture(&pieces)?));
            }
        }
        if shard != Shard::WHOLE {
            return Ok(None);
        }
        Ok(Some(match &adaptive {
            None => View::full(settings, self.facts.clone(), pieces),
            Some(adaptive) => self.filled(adaptive, &self.known(&pieces)),
        }))
    }

    /// The plan of points, where not all are computed.
    fn adaptive(&self) -> Result<Option<Adaptive>> {
        let axes = self.facts.coordinates().0;
        let plan = |tolerance| Adaptive::new(&axes[0], &axes[1], tolerance);
        self.job.settings.adaptive.map(plan).transpose()
    }

    /// The view with what was not computed interpolated.
    fn filled(&self, adaptive: &Adaptive, known: &Known) -> View {
        let filled: Vec<_> = known.values.iter().map(|v| adaptive.fill(&known.there, v)).collect();
        let errors =
            known.names.iter().map(|n| (*n).to_owned()).zip(filled.iter().map(|f| f.error)).collect();
        let evaluated = Evaluated { there: known.there.clone(), errors };
        let values = filled.into_iter().map(|f| f.values).collect();
        View::new(self.job.settings, self.facts.clone(), values, Some(evaluated))
    }

    /// The values by map, and which points have any.
    fn known(&self, pieces: &Pieces) -> Known {
        let (names, points) = (columns(self.job.settings, self.facts), self.facts.points());
        let values = vec![vec![f64::NAN; points]; names.len()];
        let mut known = Known { names, values, there: vec![false; points] };
        for (i, values) in pieces {
            known.there[*i as usize] = true;
            known.values.iter_mut().zip(values).for_each(|(map, v)| map[*i as usize] = *v);
        }
        known
    }

    /// The main figure with the points that there are.
    fn picture(&self, pieces: &Pieces) -> Result<Figure> {
        let (settings, known) = (self.job.settings, self.known(pieces));
        let view = match self.adaptive()? {
            Some(adaptive) => self.filled(&adaptive, &known),
            None => View::new(settings, self.facts.clone(), known.values, None),
        };
        Ok(super::figures::unfinished(settings, &view, pieces.len()))
    }

    /// An interruption says what was kept, and shows it.
    fn stopped(&self, error: Error, pieces: &Pieces, wanted: usize) -> Error {
        let Error::Interrupted { at, signal, .. } = error else { return error };
        let Some(keep) = self.job.keep else {
            let kept = "nothing was kept".to_owned();
            return Error::Interrupted { at, kept, signal };
        };
        if let (false, true, Ok(figure)) =
            (pieces.is_empty(), keep.shard == Shard::WHOLE, self.picture(pieces))
        {
            (self.job.observe)(SliceEvent::Picture(&figure));
        }
        let view = match self.job.view {
            (_, 1) => String::new(),
            (view, count) => format!(" of view {} of {count}", view + 1),
        };
        let kept = format!(
            "{} of {wanted} points{view} are kept in {}; the same command goes on",
            pieces.len(),
            files::named(keep.directory)
        );
        Error::Interrupted { at, kept, signal }
    }

    /// Seconds for so many points, by a trial, and the share of them that measures take.
    fn forecast(&self, coordinates: &Coordinates, missing: usize) -> Result<(f64, f64)> {
        if missing == 0 {
            return Ok((0.0, 0.0));
        }
        let threads = rayon::current_num_threads();
        let points = self.facts.points();
        // Points in rows of their own, as the work is shared out.
        let row = coordinates.0[0].len().min(points / (2 * threads).min(points)).max(1);
        let trial: Vec<Point> =
            (0..points).step_by(row).take(2 * threads).map(|i| coordinates.at(i)).collect();
        let mut seconds = 0.0;
        for slicer in self.slicers {
            slicer.tallies(&trial[..1], &|_| {})?;
            let start = Instant::now();
            slicer.tallies(&trial, &|_| {})?;
            seconds += start.elapsed().as_secs_f64() / trial.len() as f64;
        }
        let start = Instant::now();
        let some = &trial[..threads.min(trial.len())];
        let measures = at_points(self.job.settings).count();
        if measures > 0 {
            self.measures(some)?;
        }
        let measured = if measures > 0 { start.elapsed().as_secs_f64() / some.len() as f64 } else { 0.0 };
        let all = seconds + measured;
        Ok((all * missing as f64, measured / all.max(f64::MIN_POSITIVE)))
    }

    /// One number a column at each point; `measured` is the share of the time that measures take.
    fn values(&self, coordinates: &Coordinates, indices: &[usize], measured: f64) -> Result<Vec<Vec<f64>>> {
        let points: Vec<Point> = indices.iter().map(|i| coordinates.at(*i)).collect();
        let all: usize = self.objectives.iter().map(Objective::samples).sum();
        let mut tallies: Vec<Vec<Tally>> = Vec::new();
        for (slicer, objective) in self.slicers.iter().zip(self.objectives) {
            let share = (1.0 - measured) * objective.samples() as f64 / all as f64;
            tallies
                .push(slicer.tallies(&points, &|done| (self.job.observe)(SliceEvent::Done(done * share)))?);
        }
        let measures = self.measures(&points)?;
        (self.job.observe)(SliceEvent::Done(measured * points.len() as f64));
        let value = |i: usize| {
            let mut row = Vec::new();
            for (tallies, objective) in tallies.iter().zip(self.objectives) {
                let mean = tallies[i].mean(objective.samples());
                row.extend([mean.loss, mean.accuracy]);
            }
            if self.facts.is_sampled() {
                let (n, population) = (self.objectives[0].samples(), self.facts.population.train);
                row.push(tallies[0][i].standard_error(n, population));
            }
            row.extend(&measures[i]);
            row
        };
        Ok((0..indices.len()).map(value).collect())
    }

    /// What measures say at each point.
    fn measures(&self, points: &[Point]) -> Result<Vec<Vec<f64>>> {
        let measures: Vec<_> = at_points(self.job.settings).collect();
        if measures.is_empty() {
            return Ok(vec![Vec::new(); points.len()]);
        }
        let streams = Streams::new(self.job.seed);
        let memory = self.memory / 2 / rayon::current_num_threads();
        let at = |point: &Point| {
            let (theta, state) = self.slicers[0].at(point);
            let spot = Spot {
                objective: &self.objectives[0],
                theta: &theta,
                state: &state,
                streams: &streams,
                memory,
            };
            let mut row = Vec::new();
            for measure in &measures {
                if let Some(signal) = interrupt::requested() {
                    return Err(Error::Interrupted { at: "slice".to_owned(), kept: String::new(), signal });
                }
                row.extend(measure.at(&spot)?);
            }
            // A stop cuts evaluations short.
            match interrupt::requested() {
                Some(signal) => {
                    Err(Error::Interrupted { at: "slice".to_owned(), kept: String::new(), signal })
                }
                None => Ok(row),
            }
        };
        points.par_iter().map(at).collect()
    }
}
