//! A slice, view by view: data and network made ready, directions drawn, and what is known before the first point.

use super::SliceSettings;
use super::draws::{FEWEST, Repeat, over};
use super::facts::{AxisFacts, Counts, Facts, MarkFacts, OtherTrail, TrailFacts, at_points};
use super::place::{Here, NOTHING};
use super::points::{Evaluator, Job, Keep};
use super::result::SliceResult;
use super::shard::DIRECTIONS;
use super::typical::typical;
use super::view::View;
use crate::analyses::Run;
use crate::analyses::progress::Observe;
use crate::analyses::run::{gibibytes, names, rounded, used};
use crate::analyses::statistics::{Policy, Stats};
use crate::analyses::training::{evaluations, status};
use crate::base::shard::Shard;
use crate::base::tensors::{Tensor, TensorFile};
use crate::base::{Error, Precision, Result, Streams, files, interrupt};
use crate::data::Samples;
use crate::landscape::State;
use crate::landscape::directions::{Draw, Frame, Length, Snapshot, Trail};
use crate::landscape::geometry::{cosine, dot, orthogonalise};
use crate::landscape::measures::{Measure, Spot};
use crate::landscape::slice::Point;
use crate::nn::layout::Statistic;
use crate::nn::{At, Network, Slice, weights};
use crate::train::loss;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    logs(directory).iter().try_for_each(|path| files::remove(path))
}

/// The logs in a directory.
pub fn logs(directory: &Path) -> Vec<PathBuf> {
    let ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let number = name.strip_prefix("slice-").and_then(|n| n.strip_suffix(".log"));
        number.is_some_and(|n| n.parse::<usize>().is_ok())
    };
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(ours).collect()
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
        let [first, loss] = [&runs[0], run].map(|r| &r.network.spec().loss);
        if loss != first {
            return Err(Error::expected("--run", format!("networks of one loss, {first}"), loss));
        }
    }
    let (resolved, names) = (settings.resolved(), names(&settings.labels, runs));
    let alike =
        |run: &Run| run.network.spec() == runs[0].network.spec() && run.data.sha256 == runs[0].data.sha256;
    let gathered = settings.directions.gathers() && runs.iter().all(alike);
    let (runs, companions) = runs.split_at(if gathered { 1 } else { runs.len() });
    let draws = settings.draws();
    let count = runs.len() * draws;
    let (mut views, mut tensors, mut first) = (Vec::<View>::new(), Vec::new(), 0);
    for (network, draw) in (0..runs.len()).flat_map(|n| (0..draws).map(move |draw| (n, draw))) {
        if draw == 0 {
            first = views.len();
        }
        if let Repeat::Until(share) = settings.repeat
            && draw >= FEWEST
            && over(&views[first..].iter().collect::<Vec<&View>>(), settings.seed)
                .is_some_and(|band| band.share() <= share)
        {
            continue;
        }
        let view = match settings.repeat {
            Repeat::Times(_) => network * draws + draw,
            // How many the networks before this one took is known only now.
            Repeat::Until(_) => views.len(),
        };
        let run = &runs[network];
        let (label, seed) = (names[network].clone(), settings.seed + draw as u64);
        let beside = &names[names.len() - companions.len()..];
        let job = Job {
            settings: &resolved,
            run,
            label,
            companions,
            beside,
            seed,
            view: (view, count),
            keep,
            observe,
        };
        let precision = settings.precision.unwrap_or(run.precision);
        let (view, own) = job.compute(precision)?;
        views.extend(view);
        tensors.extend(own);
    }
    Ok((views, TensorFile { metadata: BTreeMap::new(), tensors }))
}

impl Job<'_> {
    /// The view, unless only a part of its points was wanted, and its directions.
    fn compute(&self, precision: Precision) -> Result<(Option<View>, Vec<Tensor>)> {
        let (settings, run) = (self.settings, self.run);
        let network = Arc::new(run.network.clone());
        let population = Counts { train: run.dataset.train.len(), test: run.dataset.test.len() };
        let dataset = used(&run.dataset, settings.samples, settings.test_samples, "--samples")?;
        if let Some(n) = settings.test_samples.filter(|n| *n > population.test) {
            let expected = format!("0 to {} test samples", population.test);
            return Err(Error::expected("--test-samples", expected, n));
        }
        let theta = rounded(&run.theta, "weights", precision)?;
        let state = rounded(&run.state, "statistics", precision)?;
        let policy = Policy::new(&network, settings.stats, settings.stat_batch, run.data.batch_size);
        let policy = policy.map_err(|e| match e {
            Error::Request { at, what } if self.view.1 > 1 => {
                Error::request(format!("{}: {at}", self.label), what)
            }
            other => other,
        })?;
        let memory = gibibytes(settings.memory)?;
        let objective = |part: &Samples, statistics| {
            let objective = loss(&network, part, precision, statistics);
            let bytes = objective.bytes();
            if bytes <= memory {
                Ok(objective)
            } else {
                let expected = format!("groups that fit in {} GiB (--memory)", settings.memory);
                let mib = bytes as f64 / f64::from(1 << 20);
                let found = format!("{}, {mib:.1} MiB", policy.group);
                Err(Error::expected("--stat-batch", expected, found))
            }
        };
        policy.check_samples(&network, "training", dataset.train.len())?;
        policy.check_samples(&network, "test", dataset.test.len())?;
        let mut objectives = vec![objective(&dataset.train, policy.evaluation())?];
        if !dataset.test.is_empty() {
            objectives.push(objective(&dataset.test, policy.evaluation())?);
        }

        let streams = Streams::new(self.seed);
        let (companions, names) = (self.companions, self.beside);
        let here = Here {
            run,
            objective: &*objectives[0],
            theta: &theta,
            state: &state,
            streams,
            memory,
            companions,
            names,
        };
        let frame = self.frame(&here, &network)?;
        let directions = frame.axes.iter().map(|axis| rounded(&axis.direction, "directions", precision));
        let directions = directions.collect::<Result<Vec<_>>>()?;

        // What the state is at a point where it is not what training left; at the center it is that, unless it is refreshed.
        let source = match policy.stats {
            // As after training: from all of its samples.
            Some(Stats::Refresh) => {
                let all = &run.dataset.train;
                network.layout().check_group("--stats refresh: training", all.len())?;
                Some(objective(all, policy.group.statistics())?)
            }
            _ => None,
        };
        let moves = policy.stats == Some(Stats::Running) && frame.axes.iter().any(|a| !a.state.is_empty());
        let floor = lowest(&frame, &network, &state);
        let follow = |theta: &[f64], point: &Point| {
            let mut at = state.clone();
            if moves && *point != [0.0; 3] {
                at = moved(&frame, &state, &floor, point);
                network.settle_singular(&mut at);
            }
            source.as_ref().map_or_else(|| at.clone(), |source| source.refresh(At { theta, state: &at }))
        };
        let follows = source.is_some() || moves;
        let at_center = if follows { follow(&theta, &[0.0; 3]) } else { state.clone() };
        let at_center = At { theta: &theta, state: &at_center };
        let center: Vec<_> = objectives.iter().map(|o| o.evaluate(at_center)).collect();
        let slicers: Vec<Box<dyn Slice>> = objectives
            .iter()
            .map(|o| {
                let state = if follows { State::Follows(&follow) } else { State::Frozen(state.clone()) };
                o.slice(&theta, state, &directions, memory / 4)
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
        let (mut center, _) = evaluations(&center[0], center.get(1));
        let spot =
            Spot { objective: &*objectives[0], at: at_center, streams: &here.streams, memory: memory / 2 };
        for measure in at_points(settings) {
            let names = measure.maps().into_iter().map(|drawn| drawn.array.to_owned());
            center.extend(names.zip(measure.at(&spot)?.into_iter().map(Value::from)));
        }
        for (name, x) in objectives[0].metrics(at_center) {
            center.entry(name).or_insert_with(|| Value::from(x));
        }
        let mut center_status = status(&center);
        for (name, why) in at_points(settings).filter_map(Measure::undefined) {
            if center.get(name).is_some_and(Value::is_null) {
                center_status += &format!(" ({name} is none where {why})");
            }
        }
        let other = |(label, trail): &(String, Trail)| {
            Ok(OtherTrail { label: label.clone(), trail: gone(&frame, trail, &here)? })
        };
        let statistics = policy.words(moves);
        let whole = self.seed == settings.seed;
        let asked = (&here.streams, memory / 2, whole);
        let hessian = if settings.typical {
            (self.observe)(crate::analyses::progress::Progress::Doing(
                "the Hessian in the scale of the directions",
            ));
            Some(typical(settings, &*objectives[0], at_center, &directions, asked)?)
        } else {
            None
        };
        let facts = Facts {
            label: self.label.clone(),
            title: crate::analyses::run::title(&network, &dataset),
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
            independent: policy.stats != Some(Stats::Batch),
            center: Value::Object(center),
            center_status,
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
            trail: frame.trail.as_ref().map(|trail| gone(&frame, trail, &here)).transpose()?,
            others: frame.others.iter().map(other).collect::<Result<_>>()?,
            directions: frame.facts.clone(),
            hessian,
        };
        // What a stop has cut short must not head a log.
        interrupt::check("slice", NOTHING)?;
        let evaluator =
            Evaluator { job: self, slicers: &slicers, objectives: &objectives, facts: &facts, memory };
        let view = evaluator.run()?;
        Ok((view, tensors))
    }

    /// The directions, normalised as the settings say.
    fn frame(&self, here: &Here, network: &Network) -> Result<Frame> {
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
            axis.label = if normalize == none {
                format!("{}, as drawn", axis.label)
            } else {
                format!("{}-normalised {}", crate::base::registry::Registry::name(&normalize), axis.label)
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
}

/// A training trajectory, with the loss at its true points.
fn gone(frame: &Frame, trail: &Trail, here: &Here) -> Result<TrailFacts> {
    let mut train_loss = Vec::new();
    for Snapshot { theta, state, .. } in &trail.snapshots {
        interrupt::check("slice", NOTHING)?;
        let loss = here.objective.evaluate(At { theta, state }).loss;
        train_loss.push(Some(loss).filter(|l| l.is_finite()));
    }
    let coordinates =
        (0..frame.axes.len()).map(|k| trail.coordinates.iter().map(|c| c[k]).collect()).collect();
    Ok(TrailFacts {
        steps: trail.snapshots.iter().map(|s| s.step).collect(),
        coordinates,
        residuals: trail.residuals.clone(),
        train_loss,
    })
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
