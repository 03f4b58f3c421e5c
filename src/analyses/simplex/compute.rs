//! The training of the connecting points, and the losses at random points of the complex and of the flat simplex. Points that
//! were evaluated are kept in a log.

use super::result::{Facts, Simplex, SimplexResult};
use super::{MINIMA, SimplexSettings};
use crate::analyses::pair::{MEASURES, measures};
use crate::analyses::plane::{self, Plane};
use crate::analyses::progress::{Observe, Progress};
use crate::analyses::run::{self, gibibytes, names, rounded, used};
use crate::analyses::together::Together;
use crate::analyses::{Run, statistics, to_json};
use crate::base::log::{Log, Pieces};
use crate::base::random::{Rng, normal};
use crate::base::{Error, Precision, Result, Streams, files, interrupt, parallel};
use crate::data::{Augment, Dataset};
use crate::landscape::Complex;
use crate::landscape::geometry::unit;
use crate::landscape::path::{Between, Evaluator, Path, Weights};
use crate::landscape::simplex::{blended, distances, gram, log_volume, uniform};
use crate::nn::{Network, Statistics};
use crate::train::blend::{BlendEvent, Blended};
use crate::train::chosen::{self, Blend};
use crate::train::{Keep, loss};
use serde_json::json;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

/// Names of the files that unfinished work is kept in.
const LOG: &str = "simplex.log";
const CHECKPOINT: &str = "connectors-checkpoint.safetensors";

/// Longest time between two checkpoints, as training has it.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// Points that are evaluated before they are written down.
const TOGETHER: usize = 32;

/// How far connecting points start from the centre where there are several, as a share of its distance to the minima: enough
/// for a volume.
const APART: f64 = 0.1;

/// Removes what unfinished work left in a directory.
pub fn discard(directory: &FilePath) -> Result<()> {
    [LOG, CHECKPOINT].iter().try_for_each(|name| files::remove(&directory.join(name)))
}

/// Refuses networks that span nothing: too few or too many, of different shape or data, or one of them twice.
pub fn alike(runs: &[Run]) -> Result<()> {
    if !MINIMA.contains(&runs.len()) {
        let expected = format!("{} to {} networks", MINIMA.start(), MINIMA.end());
        return Err(Error::expected("--run", expected, runs.len()));
    }
    run::alike(runs)?;
    for (i, run) in runs.iter().enumerate() {
        if runs[..i].iter().any(|other| other.theta == run.theta) {
            let name = run.origin.as_ref().map_or_else(String::new, |o| files::named(&o.path));
            let expected = "another network than the others";
            return Err(Error::expected(format!("--run {name}"), expected, "the same weights"));
        }
    }
    Ok(())
}

/// Trains the connecting points of `runs` and measures what they make. With a directory, unfinished work is kept in it and taken
/// up again.
pub fn run(
    settings: &SimplexSettings,
    runs: &[Run],
    directory: Option<&FilePath>,
    observe: Observe,
) -> Result<SimplexResult> {
    settings.check()?;
    alike(runs)?;
    let precision = settings.precision.unwrap_or(runs[0].precision);
    let complex = Complex { minima: runs.len(), connectors: settings.connectors };
    let job = Job { settings, runs, complex, precision, directory, observe };
    job.compute()
}

struct Job<'a> {
    settings: &'a SimplexSettings,
    runs: &'a [Run],
    complex: Complex,
    precision: Precision,
    directory: Option<&'a FilePath>,
    observe: Observe<'a>,
}

impl Job<'_> {
    fn compute(&self) -> Result<SimplexResult> {
        let (settings, first, complex) = (self.settings, &self.runs[0], self.complex);
        let network = Arc::new(first.network.clone());
        let dataset = used(&first.dataset, settings.samples, None, "--samples")?;
        let [train, test] = [&dataset.train, &dataset.test]
            .map(|part| loss(&network, part, self.precision, Statistics::Running));
        // PyTorch's examples evaluate in hundreds where nothing is known of the training.
        let batch = first.data.batch_size.unwrap_or(128);
        let evaluator = Evaluator::new(train, test, Between::Refresh, batch)?;
        let round = |v: &[f64]| rounded(v, "weights", self.precision);
        let minima: Vec<Weights> = self
            .runs
            .iter()
            .map(|run| Ok((round(&run.theta)?, round(&run.state)?)))
            .collect::<Result<_>>()?;
        let (mut log, mut pieces) = self.log()?;
        let trained = self.train(&network, &dataset, &minima)?;
        let points: Vec<&[f64]> = trained.control.iter().map(Vec::as_slice).collect();
        // Statistics are recomputed everywhere: of the state only the shape is used.
        let state = &minima[0].1;
        let at = |shares: &[f64]| (blended(shares, &points), state.clone());
        let drawn = self.drawn();
        self.evaluate(&evaluator, &at, &drawn, &mut log, &mut pieces)?;

        // From all simplexes in turn.
        let of_complex = drawn.len() - settings.points - complex.points();
        let order = (0..of_complex)
            .map(|i| complex.points() + settings.points * (1 + i % complex.minima) + i / complex.minima);
        let members: Vec<Weights> = order.take(settings.members).map(|i| at(&drawn[i])).collect();
        (self.observe)(Progress::Begins("ensembles", "members", minima.len() + members.len()));
        let ensembles = [&minima, &members].map(|members| {
            let said = Together::of(&evaluator, members);
            (self.observe)(Progress::Done(members.len() as f64));
            said
        });
        interrupt::check("simplex", &self.kept())?;

        // Through three minima with the flat triangle, and through two with the first connecting point.
        let flat = match complex.minima {
            0..=2 => None,
            _ => self.plane(&evaluator, &trained.control, 2, &[0, 1, 2, 0], state)?,
        };
        let connector = complex.minima;
        let bent = self.plane(&evaluator, &trained.control, connector, &[0, connector, 1], state)?;
        let connectors = trained.control[complex.minima..].iter().map(|theta| {
            let place = evaluator.place(theta, state);
            (place.theta, place.state)
        });
        let inner = gram(&points);
        let n = complex.points();
        let facts = Facts {
            names: names(&settings.labels, self.runs),
            connectors: connectors.collect(),
            log_volumes: complex.log_volumes(&inner),
            flat_log_volume: log_volume(&inner, n, &(0..complex.minima).collect::<Vec<usize>>()),
            distances: distances(&inner, n),
            drawn,
            pieces,
            ensembles,
            planes: [flat, bent],
            statistics: statistics::between(&network, Between::Refresh, batch),
            samples: [dataset.train.len(), dataset.test.len()],
            blended: trained,
        };
        Simplex::of(settings, self.runs, complex, self.precision, facts)
    }

    /// What a stop leaves.
    fn kept(&self) -> String {
        match self.directory {
            Some(_) => "what is finished is kept; the same command goes on".to_owned(),
            None => "nothing was written".to_owned(),
        }
    }

    /// Evaluated points, and what all unfinished work belongs to.
    fn log(&self) -> Result<(Option<Log>, Pieces)> {
        let Some(directory) = self.directory else { return Ok((None, Pieces::new())) };
        let sha256 = |run: &Run| run.origin.as_ref().map(|o| o.sha256.clone());
        let resolved =
            SimplexSettings { training: self.settings.training.resolved(), ..self.settings.clone() };
        let header = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "settings": to_json(&resolved)?,
            "precision": self.precision,
            "data_sha256": self.runs[0].data.sha256,
            "weights_sha256": self.runs.iter().map(sha256).collect::<Vec<_>>(),
        });
        let (log, kept) = Log::open(&directory.join(LOG), &header, MEASURES.len())?;
        Ok((Some(log), kept))
    }

    /// Where the connecting points start.
    fn start(&self, minima: &[Weights]) -> Vec<Vec<f64>> {
        let thetas: Vec<&[f64]> = minima.iter().map(|m| m.0.as_slice()).collect();
        let m = thetas.len() as f64;
        let centre = blended(&vec![1.0 / m; thetas.len()], &thetas);
        let square = |w: &&[f64]| w.iter().zip(&centre).map(|(w, c)| (w - c).powi(2)).sum::<f64>();
        let reach = APART * (thetas.iter().map(square).sum::<f64>() / m).sqrt();
        let streams = Streams::new(self.settings.seed);
        let one = |k: usize| match self.settings.connectors {
            1 => centre.clone(),
            _ => {
                let mut rng = streams.stream("simplex/start", k as u64);
                let step = unit((0..centre.len()).map(|_| normal(&mut rng)).collect());
                centre.iter().zip(step).map(|(c, s)| c + reach * s).collect()
            }
        };
        (0..self.settings.connectors).map(one).collect()
    }

    /// Trains the connecting points.
    fn train(&self, network: &Arc<Network>, dataset: &Dataset, minima: &[Weights]) -> Result<Blended> {
        let (settings, complex) = (self.settings, self.complex);
        let mut control: Vec<Vec<f64>> = minima.iter().map(|m| m.0.clone()).collect();
        control.extend(self.start(minima));
        let free: Vec<bool> = (0..complex.points()).map(|k| k >= complex.minima).collect();
        let draw = |rng: &mut Rng| complex.anywhere(rng);
        let lambda = settings.volume;
        let pull = |gram: &[f64]| complex.growth(gram).into_iter().map(|g| -lambda * g).collect::<Vec<f64>>();
        let blend = Blend {
            network,
            dataset,
            augment: Augment::default(),
            control: &control,
            free: &free,
            draw: &draw,
            pull: (lambda > 0.0).then_some(&pull),
            name: &format!("simplexes of {} minima, volume {lambda}", complex.minima),
            seed: settings.seed,
        };
        let keep = self.directory.map(|directory| Keep {
            path: directory.join(CHECKPOINT),
            every: CHECKPOINT_EVERY,
            data_sha256: self.runs[0].data.sha256.clone(),
        });
        let tell = |event: BlendEvent| match event {
            BlendEvent::Resumed(done, all, _) => {
                let kept = format!("going on with unfinished simplexes: {done} of {all} steps are kept");
                (self.observe)(Progress::Note(kept));
                (self.observe)(Progress::Done(done as f64));
            }
            BlendEvent::Step(..) => (self.observe)(Progress::Done(1.0)),
            BlendEvent::Epoch(_) => {}
        };
        let training = &settings.training;
        let batches = training.batches(dataset.train.len(), network.layout());
        (self.observe)(Progress::Begins("simplexes", "steps", training.epochs * batches.count()));
        chosen::train_blend(training, &blend, self.precision, keep.as_ref(), &mut { tell })
    }

    /// The shares of all that is evaluated: the points of the complex themselves, random ones of the flat simplex, random ones of
    /// each simplex of the complex.
    fn drawn(&self) -> Vec<Vec<f64>> {
        let (complex, points) = (self.complex, self.settings.points);
        let n = complex.points();
        let streams = Streams::new(self.settings.seed);
        let corner = |k: usize| (0..n).map(|j| if j == k { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
        let flat = |i: usize| {
            let mut shares = uniform(complex.minima, &mut streams.stream("simplex/flat", i as u64));
            shares.resize(n, 0.0);
            shares
        };
        let inside = |i: usize| complex.within(i / points, &mut streams.stream("simplex/points", i as u64));
        let inner = (0..complex.minima * points).map(inside);
        (0..n).map(corner).chain((0..points).map(flat)).chain(inner).collect()
    }

    /// Evaluates what is not among `pieces` yet.
    fn evaluate(
        &self,
        evaluator: &Evaluator,
        at: &(dyn Fn(&[f64]) -> Weights + Sync),
        drawn: &[Vec<f64>],
        log: &mut Option<Log>,
        pieces: &mut Pieces,
    ) -> Result<()> {
        (self.observe)(Progress::Begins("random points", "points", drawn.len()));
        (self.observe)(Progress::Done(pieces.len() as f64));
        let left: Vec<u64> = (0..drawn.len() as u64).filter(|i| !pieces.contains_key(i)).collect();
        for some in left.chunks(TOGETHER) {
            let one = |i: &u64| {
                let (theta, state) = at(&drawn[*i as usize]);
                let values = measures(&evaluator.evaluate(&theta, &state)).to_vec();
                (self.observe)(Progress::Done(1.0));
                (*i, values)
            };
            let found: Vec<(u64, Vec<f64>)> = parallel::map(some.len(), &|i| one(&some[i]));
            // What a signal cut short is no result.
            interrupt::check("simplex", &self.kept())?;
            if let Some(log) = log {
                log.append(found.iter().map(|(i, values)| (*i, values.as_slice())))?;
            }
            pieces.extend(found);
        }
        Ok(())
    }

    /// The loss over the plane through the first two minima and a third point, with the way through some points on it.
    fn plane(
        &self,
        evaluator: &Evaluator,
        points: &[Vec<f64>],
        third: usize,
        way: &[usize],
        state: &[f64],
    ) -> Result<Option<Plane>> {
        let n = self.settings.plane;
        if n == 0 {
            return Ok(None);
        }
        let sets = 1 + usize::from(evaluator.test().is_some());
        (self.observe)(Progress::Begins("plane", "points", sets * n * n));
        let way = way.iter().map(|k| points[*k].clone()).collect();
        let path = Path::chain(way, [state.to_vec(), state.to_vec()]);
        let memory = gibibytes(self.settings.memory)?;
        let ends = [&points[0], &points[1]];
        let plane = plane::over(evaluator, ends, &points[third], &path, n, memory, &|share| {
            (self.observe)(Progress::Done(share));
        })?;
        interrupt::check("simplex", &self.kept())?;
        Ok(plane)
    }
}
