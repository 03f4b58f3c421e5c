//! Two ends, the line between them, and a curve that is trained to stay low.

use super::ConnectSettings;
use super::result::{ConnectResult, Found, Way};
use crate::analyses::plane::Plane;
use crate::analyses::progress::{Observe, Progress};
use crate::analyses::run::{Alike, gibibytes, goes_with, rounded, used};
use crate::analyses::{Run, plane, statistics};
use crate::base::random::Rng;
use crate::base::{Error, Precision, Result, files, interrupt};
use crate::data::{self, Dataset};
use crate::landscape::Alignment;
use crate::landscape::alignments::Aligned;
use crate::landscape::path::{Between, Evaluator, Path, Profile, Weights, evenly};
use crate::landscape::repair::{Mended, repair};
use crate::nn::{At, Evaluation, Network, Point, Statistics};
use crate::train::band::{Band, BandEvent, BandSettings, Potential, network_loss, relax};
use crate::train::batch::Vary;
use crate::train::blend::{BlendEvent, Blended};
use crate::train::chosen::{self, Blend};
use crate::train::{Keep, loss};
use rand::RngExt;
use std::cell::Cell;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

/// Names of the files that an unfinished curve and an unfinished band are kept in.
const CHECKPOINT: &str = "curve-checkpoint.safetensors";
const BAND_CHECKPOINT: &str = "band-checkpoint.safetensors";

/// Longest time between two checkpoints, as training has it.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// Forgets an unfinished curve in `directory`.
pub fn discard(directory: &FilePath) -> Result<()> {
    [CHECKPOINT, BAND_CHECKPOINT].iter().try_for_each(|name| files::remove(&directory.join(name)))
}

/// Connects two networks. The training of the curve is kept in `directory` as it goes on, where one is given.
pub fn run(
    settings: &ConnectSettings,
    ends: [&Run; 2],
    directory: Option<&FilePath>,
    observe: Observe,
) -> Result<ConnectResult> {
    settings.check()?;
    alike(ends)?;
    let precision = settings.precision.unwrap_or(ends[0].precision);
    let job = Job { settings, band: &settings.band, ends, precision, directory, observe };
    job.compute()
}

/// Refuses networks between which there is no path: of another shape, of other data; or one network twice.
pub fn alike([a, b]: [&Run; 2]) -> Result<()> {
    goes_with(a, "--from", b, "--to", Alike::Network)?;
    if a.theta == b.theta {
        Err(Error::expected("--to", "another network than --from", "the same weights"))
    } else {
        Ok(())
    }
}

struct Job<'a> {
    settings: &'a ConnectSettings,
    band: &'a BandSettings,
    ends: [&'a Run; 2],
    precision: Precision,
    directory: Option<&'a FilePath>,
    observe: Observe<'a>,
}

impl Job<'_> {
    fn compute(&self) -> Result<ConnectResult> {
        let (settings, first) = (self.settings, self.ends[0]);
        let network = Arc::new(first.network.clone());
        let dataset = used(&first.dataset, settings.samples, None, "--samples")?;
        // Refused before anything is computed.
        Vary::<f64>::new(settings.augment, &dataset)?;
        if settings.curve.bends() > 0 {
            // Before the ways that come first take their time.
            settings.training.check_for(dataset.train.len(), network.layout())?;
        }
        let [train, test] = [&dataset.train, &dataset.test]
            .map(|part| loss(&network, part, self.precision, Statistics::Running));
        // PyTorch's examples evaluate in hundreds where nothing is known of the training.
        let batch = first.data.batch_size.unwrap_or(128);
        let evaluator = Evaluator::new(train, test, settings.between, batch)?;
        let end = |run: &Run| -> Result<Weights> {
            let round = |v: &[f64]| rounded(v, "weights", self.precision);
            Ok((round(&run.theta)?, round(&run.state)?))
        };
        let (a, b) = (end(self.ends[0])?, end(self.ends[1])?);
        let mut found = Found::default();
        found
            .ways
            .push(("linear", self.follow(&evaluator, "straight line", Path::line(a.clone(), b.clone()))?));
        let b = match &settings.align {
            None => b,
            Some(alignment) => {
                let aligned = self.align(&evaluator, alignment, [&a, &b])?;
                let permuted = (aligned.theta, aligned.state);
                let line = Path::line(a.clone(), permuted.clone());
                found.ways.push(("aligned", self.follow(&evaluator, "straight line, aligned", line)?));
                found.aligned = Some((aligned.facts, permuted.clone()));
                permuted
            }
        };
        if settings.repair {
            let (way, layers) = self.repaired(&evaluator, [&a, &b])?;
            found.ways.push(("repaired", way));
            found.repaired = layers;
        }
        if settings.curve.bends() > 0 {
            let start = Path::start(&settings.curve, a.clone(), b.clone());
            let (path, trained) = self.train(&network, &dataset, start)?;
            found.ways.push(("curve", self.follow(&evaluator, "curve", path)?));
            found.blended = Some(trained);
        }
        if settings.neb {
            let (path, relaxed) = self.relax(&network, &dataset.train, [&a, &b])?;
            found.ways.push(("band", self.follow(&evaluator, "band", path)?));
            found.band = Some(relaxed);
        }
        let way = |key: &str| found.ways.iter().find(|(k, _)| *k == key).map(|(_, way)| way);
        let plane = match (way("curve"), settings.plane) {
            (Some(way), n) if n > 0 => self.plane(&evaluator, way, &way.path.theta(0.5), n)?,
            _ => None,
        };
        // A, B and what an alignment made of B.
        let permuted = match (&found.aligned, settings.plane, way("linear")) {
            (Some((_, (theta, _))), n, Some(way)) if n > 0 => self.plane(&evaluator, way, theta, n)?,
            _ => None,
        };
        let middle = way("curve").map(|way| {
            let place = evaluator.place(&way.path.theta(0.5), &way.path.state(&network, 0.5));
            (place.theta, place.state)
        });
        interrupt::check("connect", &self.kept())?;
        (found.plane, found.permuted, found.middle) = (plane, permuted, middle);
        found.statistics = statistics::between(&network, settings.between, batch);
        found.samples = [dataset.train.len(), dataset.test.len()];
        ConnectResult::new(settings, self.band, self.ends, self.precision, found)
    }

    /// What a stop leaves.
    fn kept(&self) -> String {
        match self.directory {
            Some(_) => "the training of the curve is kept; the same command goes on".to_owned(),
            None => "nothing was written".to_owned(),
        }
    }

    /// Evaluates a path.
    fn follow(&self, evaluator: &Evaluator, what: &'static str, path: Path) -> Result<Way> {
        (self.observe)(Progress::Begins(what, "points", self.settings.points));
        let profile: Profile =
            evaluator.profile(&path, self.settings.points, &|| (self.observe)(Progress::Done(1.0)));
        let lengths = path.lengths(&profile.t, PIECES);
        let members: Vec<Weights> =
            profile.t.iter().map(|t| (path.theta(*t), path.state(evaluator.network(), *t))).collect();
        let [ensemble, ends] = self.together(evaluator, &members);
        interrupt::check("connect", &self.kept())?;
        Ok(Way { path, profile, lengths, ensemble, ends })
    }

    /// Trains the bends of a path that still is a line.
    fn train(&self, network: &Arc<Network>, dataset: &Dataset, start: Path) -> Result<(Path, Blended)> {
        let Path { curve, control, states } = start;
        let last = control.len() - 1;
        let free: Vec<bool> = (0..=last).map(|k| k > 0 && k < last).collect();
        let draw = |rng: &mut Rng| curve.coefficients(rng.random::<f64>());
        let blend = Blend {
            network,
            dataset,
            augment: self.settings.augment,
            control: &control,
            free: &free,
            draw: &draw,
            pull: None,
            name: &format!("curve {curve}"),
            seed: self.settings.seed,
        };
        let keep = self.keep(CHECKPOINT);
        let tell = |event: BlendEvent| match event {
            BlendEvent::Resumed(done, all, _) => {
                let kept = format!("going on with the unfinished curve: {done} of {all} steps are kept");
                (self.observe)(Progress::Note(kept));
                (self.observe)(Progress::Done(done as f64));
            }
            BlendEvent::Step(..) => (self.observe)(Progress::Done(1.0)),
            BlendEvent::Epoch(_) => {}
        };
        let training = &self.settings.training;
        let batches = training.batches(dataset.train.len(), network.layout());
        (self.observe)(Progress::Begins("curve", "steps", training.epochs * batches.count()));
        let blended = chosen::train_blend(training, &blend, self.precision, keep.as_ref(), &mut { tell })?;
        Ok((Path { curve, control: blended.control.clone(), states }, blended))
    }

    /// Finds which units of B play the parts of A's.
    fn align(&self, evaluator: &Evaluator, alignment: &Alignment, ends: [&Weights; 2]) -> Result<Aligned> {
        let told = Cell::new(None);
        evaluator.align(alignment, ends, self.settings.seed, &|done, all| {
            let before = told.get().unwrap_or_else(|| {
                (self.observe)(Progress::Begins("alignment", "steps", all));
                0
            });
            (self.observe)(Progress::Done(done.saturating_sub(before) as f64));
            told.set(Some(done));
        })
    }

    /// The straight line with preactivations that are mended at every place, and what was mended of which layer.
    fn repaired(&self, evaluator: &Evaluator, [a, b]: [&Weights; 2]) -> Result<(Way, Vec<(String, Mended)>)> {
        let t = evenly(self.settings.points);
        (self.observe)(Progress::Begins("straight line, repaired", "points", t.len()));
        let [from, to] = [a, b].map(|(theta, state)| At { theta, state });
        let mut all = Vec::new();
        let mut members: Vec<Weights> = Vec::new();
        let mut layers = Vec::new();
        for t in &t {
            let mended = repair(evaluator.inside(), from, to, *t)?;
            let Point { theta, state } = mended.point;
            all.push(evaluator.evaluate(&theta, &state));
            members.push((theta, state));
            layers = mended.layers;
            (self.observe)(Progress::Done(1.0));
        }
        interrupt::check("connect", &self.kept())?;
        let path = Path::line(a.clone(), b.clone());
        let lengths = path.lengths(&t, PIECES);
        let [ensemble, ends] = self.together(evaluator, &members);
        Ok((Way { path, profile: Profile::of(t, &all), lengths, ensemble, ends }, layers))
    }

    /// What all `members` say together of the test samples, and what the first and the last do.
    fn together(&self, evaluator: &Evaluator, members: &[Weights]) -> [Option<Evaluation>; 2] {
        let ends: Vec<Weights> = [members.first(), members.last()].into_iter().flatten().cloned().collect();
        [evaluator.ensemble(members), evaluator.ensemble(&ends)]
    }

    /// Relaxes a band between the ends.
    fn relax(
        &self,
        network: &Arc<Network>,
        train: &data::Samples,
        [a, b]: [&Weights; 2],
    ) -> Result<(Path, Band)> {
        let potential = network_loss(network, train, self.precision, self.band, self.settings.seed)?;
        (self.observe)(Progress::Begins("band", "cycles", self.band.cycles));
        let keep = self.keep(BAND_CHECKPOINT);
        let tell = |event: BandEvent| match event {
            BandEvent::Resumed(cycles) => {
                let kept = format!("going on with the unfinished band: {} cycles are kept", cycles.len());
                (self.observe)(Progress::Note(kept));
                (self.observe)(Progress::Done(cycles.len() as f64));
            }
            BandEvent::Step(..) => {}
            BandEvent::Cycle(_) => (self.observe)(Progress::Done(1.0)),
        };
        let moving = potential.moving([&a.1, &b.1]);
        let heights: &dyn Potential = match self.settings.between {
            Between::Refresh => &*potential,
            Between::Interpolate => &*moving,
        };
        let band = relax(self.band, heights, [&a.0, &b.0], keep.as_ref(), &mut { tell })?;
        let path = Path::chain(band.chain.clone(), [a.1.clone(), b.1.clone()]);
        Ok((path, band))
    }

    /// Where unfinished training is kept.
    fn keep(&self, name: &str) -> Option<Keep> {
        self.directory.map(|directory| Keep {
            path: directory.join(name),
            every: CHECKPOINT_EVERY,
            data_sha256: self.ends[0].data.sha256.clone(),
        })
    }

    /// The loss over the plane through the ends of a path and a third point.
    fn plane(&self, evaluator: &Evaluator, way: &Way, third: &[f64], n: usize) -> Result<Option<Plane>> {
        let sets = 1 + usize::from(evaluator.test().is_some());
        (self.observe)(Progress::Begins("plane", "points", sets * n * n));
        let memory = gibibytes(self.settings.memory)?;
        let ends = [&way.path.control[0], &way.path.control[way.path.control.len() - 1]];
        let plane = plane::over(evaluator, ends, third, &way.path, n, memory, &|share| {
            (self.observe)(Progress::Done(share));
        })?;
        interrupt::check("connect", &self.kept())?;
        Ok(plane)
    }
}

/// Straight pieces by which a stretch between two places is measured.
const PIECES: usize = 16;
