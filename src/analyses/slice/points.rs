//! The points of a view: which ones, in bands whose results go into the log, and what is shown on the way.

use super::SliceSettings;
use super::facts::{Coordinates, Facts, at_points, columns};
use super::place::NOTHING;
use super::shard::{Header, compared, log_name};
use super::view::{Evaluated, View};
use crate::analyses::progress::{Observe, Progress};
use crate::analyses::{Run, to_json};
use crate::base::log::{Log, Pieces};
use crate::base::shard::Shard;
use crate::base::{Error, Result, Streams, files, interrupt, parallel, shown};
use crate::figure::Figure;
use crate::landscape::Adaptive;
use crate::landscape::adaptive::Filled;
use crate::landscape::measures::{Measure, Spot};
use crate::landscape::slice::{Point, RUN};
use crate::nn::{MeanLoss, Slice, Tally};
use std::path::Path;
use std::time::Instant;

/// Where finished points are kept, and which are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep<'a> {
    /// Directory of the logs.
    pub directory: &'a Path,
    /// Part of the points.
    pub shard: Shard,
}

/// One view.
pub(super) struct Job<'a> {
    pub settings: &'a SliceSettings,
    pub run: &'a Run,
    pub label: String,
    /// Runs whose ways lie in the same slice, and what they are called.
    pub companions: &'a [Run],
    pub beside: &'a [String],
    pub seed: u64,
    /// Which, of how many.
    pub view: (usize, usize),
    pub keep: Option<Keep<'a>>,
    pub observe: Observe<'a>,
}

/// Points of a row in a trial.
const FURTHER: usize = 3;
/// Longest time between two records of the log, about, in seconds.
const BAND: f64 = 0.5;

/// A view whose points are being computed.
pub(super) struct Evaluator<'a> {
    pub job: &'a Job<'a>,
    pub slicers: &'a [Box<dyn Slice + 'a>],
    pub objectives: &'a [Box<dyn MeanLoss>],
    pub facts: &'a Facts,
    pub memory: usize,
}

/// Whether the interpolation of a map is held to the tolerance. Accuracies go in steps, which nothing predicts: held too,
/// they would have most points computed; residuals are noise, and standard errors follow the loss. What they are likely
/// to be off by is reported.
fn is_held(name: &str) -> bool {
    !["accuracy", "stderr", "residual"].iter().any(|end| name.ends_with(end))
}

/// Numbers by map, and which points have any.
struct Known {
    names: Vec<&'static str>,
    values: Vec<Vec<f64>>,
    there: Vec<bool>,
}

impl Known {
    fn held(&self) -> Vec<&[f64]> {
        let held = self.names.iter().zip(&self.values).filter(|(name, _)| is_held(name));
        held.map(|(_, values)| values.as_slice()).collect()
    }
}

impl Evaluator<'_> {
    /// Computes what is wanted and not kept already; the view, unless that is only a part of it.
    pub fn run(&self) -> Result<Option<View>> {
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
        let forecast = self.forecast(&coordinates, missing);
        let (seconds, measured) = forecast.map_err(|e| self.stopped(e, &pieces, range.len()))?;
        let threads = rayon::current_num_threads();
        let bytes = self.slicers.iter().map(|s| s.bytes(threads)).sum::<usize>() + points * super::POINT;
        self.begins((range.len(), kept), seconds, bytes);
        (job.observe)(Progress::Done(kept as f64));
        let mut band = (BAND / seconds.max(1e-9) * missing as f64).clamp(threads as f64, 1e6) as usize;
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
                band = ((BAND * rate) as usize).clamp(threads, 1_000_000);
            }
            if adaptive.is_some() {
                (job.observe)(Progress::Picture(&self.picture(&pieces)?));
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

    /// Says what begins: so many points, of which some were kept, in so many seconds and bytes.
    fn begins(&self, (points, kept): (usize, usize), seconds: f64, bytes: usize) {
        let says = |text: String| (self.job.observe)(Progress::Says(text));
        let Facts { title, parameters, .. } = &self.facts;
        let (view, views) = self.job.view;
        let of = if views > 1 { format!(" ({} of {views})", view + 1) } else { String::new() };
        says(format!("slicing {title} ({parameters} parameters){of}"));
        if kept > 0 {
            says(format!("{kept} of {points} points were computed before and are kept"));
        }
        let sides: Vec<String> = self.job.settings.sides().iter().map(|s| s.n().to_string()).collect();
        let (time, memory) = (shown::about(seconds), shown::bytes(bytes as f64));
        let threads = shown::count(rayon::current_num_threads(), "thread");
        says(format!("{points} of {} points: {time} on {threads}, {memory}", sides.join(" x ")));
        (self.job.observe)(Progress::Forecast(seconds, bytes));
        (self.job.observe)(Progress::Begins("slice", "points", points));
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
        // A cubic may leave the range of what it goes through: a loss or a share stays above 0, a share below 1.
        let within = |(filled, computed): (Filled, &Vec<f64>)| {
            let there =
                || computed.iter().zip(&known.there).filter(|(v, t)| **t && v.is_finite()).map(|(v, _)| *v);
            let (low, high) =
                (there().fold(f64::INFINITY, f64::min), there().fold(f64::NEG_INFINITY, f64::max));
            let floor = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
            let ceiling = if (0.0..=1.0).contains(&high) && low >= 0.0 { 1.0 } else { f64::INFINITY };
            filled.values.into_iter().map(|v| if v.is_nan() { v } else { v.clamp(floor, ceiling) }).collect()
        };
        let values = filled.into_iter().zip(&known.values).map(within).collect();
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
            (self.job.observe)(Progress::Picture(&figure));
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
        // The first point of a row costs more than the others: what all share is computed with it.
        let columns = coordinates.0[0].len();
        let longer = FURTHER.min(columns);
        let rows = (0..points)
            .step_by(row)
            .take(2 * threads)
            .map(|i| i.min(i / columns * columns + columns - longer));
        let runs: Vec<Point> = rows.flat_map(|i| (i..i + longer).map(|i| coordinates.at(i))).collect();
        for slicer in self.slicers {
            let timed = |points: &[Point]| -> Result<f64> {
                let start = Instant::now();
                slicer.tallies(points, &|_| {})?;
                Ok(start.elapsed().as_secs_f64() / trial.len() as f64)
            };
            timed(&trial[..1])?;
            let first = timed(&trial)?;
            let further = match longer {
                1 => first,
                longer => ((timed(&runs)? - first) / (longer - 1) as f64).clamp(0.0, first),
            };
            let run = RUN.min(columns) as f64;
            seconds += (first + (run - 1.0) * further) / run;
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
        let all: usize = self.objectives.iter().map(|o| o.samples()).sum();
        let mut tallies: Vec<Vec<Tally>> = Vec::new();
        for (slicer, objective) in self.slicers.iter().zip(self.objectives) {
            let share = (1.0 - measured) * objective.samples() as f64 / all as f64;
            tallies.push(slicer.tallies(&points, &|done| (self.job.observe)(Progress::Done(done * share)))?);
        }
        let measures = self.measures(&points)?;
        (self.job.observe)(Progress::Done(measured * points.len() as f64));
        let value = |i: usize| {
            let mut row = Vec::new();
            for (tallies, objective) in tallies.iter().zip(self.objectives) {
                let mean = tallies[i].mean(objective.samples());
                row.extend([mean.loss, mean.accuracy]);
            }
            let population = [self.facts.population.train, self.facts.population.test];
            let sampled =
                self.facts.sampled().into_iter().zip(population).zip(tallies.iter().zip(self.objectives));
            for ((_, population), (tallies, objective)) in
                sampled.filter(|((s, _), _)| *s && self.facts.independent)
            {
                row.push(tallies[i].standard_error(objective.samples(), population));
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
            let place = self.slicers[0].at(point);
            let spot = Spot { objective: &*self.objectives[0], at: place.at(), streams: &streams, memory };
            let mut row = Vec::new();
            for measure in &measures {
                interrupt::check("slice", NOTHING)?;
                row.extend(measure.at(&spot)?);
            }
            // A stop cuts evaluations short.
            interrupt::check("slice", NOTHING)?;
            Ok(row)
        };
        parallel::try_map(points.len(), &|i| at(&points[i]))
    }
}
