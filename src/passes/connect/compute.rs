//! Two ends, the line between them, and a curve that is trained to stay low.

use super::plane::Plane;
use super::result::{ConnectResult, Way};
use super::{ConnectSettings, plane};
use crate::autodiff::Element;
use crate::base::random::Rng;
use crate::base::{Error, Precision, Result, files, interrupt};
use crate::landscape::path::{Evaluator, Path, Profile, Weights};
use crate::nn::{Evaluation, Network, Samples};
use crate::passes::Run;
use crate::passes::run::{cut, gibibytes, rounded};
use crate::train::blend::{Blend, BlendEvent, Blended, train_blend};
use crate::train::{Keep, samples};
use crate::with_precision;
use rand::RngExt;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

/// What an observer hears, from any thread.
#[derive(Clone, Debug)]
pub enum ConnectEvent {
    /// Something to know.
    Note(String),
    /// A stage begins: what is done, what is counted, how much of it.
    Stage(&'static str, &'static str, usize),
    /// So much more of it is done.
    Done(f64),
}

/// Whoever hears of it.
pub type Observe<'a> = &'a (dyn Fn(ConnectEvent) + Sync);

/// Name of the file that an unfinished curve is kept in.
const CHECKPOINT: &str = "curve-checkpoint.safetensors";

/// Longest time between two checkpoints, as training has it.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// Forgets an unfinished curve in `directory`.
pub fn discard(directory: &FilePath) -> Result<()> {
    files::remove(&directory.join(CHECKPOINT))
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
    let job = Job { settings, ends, precision, directory, observe };
    with_precision!(precision, E => job.compute::<E>())
}

/// Refuses networks between which there is no path: of another shape, of other data; or one network twice.
pub fn alike([a, b]: [&Run; 2]) -> Result<()> {
    if a.network.spec() != b.network.spec() {
        let expected =
            format!("the network of --from, {} with {}", a.network.spec().model, a.network.spec().loss);
        let found = format!("{} with {}", b.network.spec().model, b.network.spec().loss);
        return Err(Error::expected("--to", expected, found));
    }
    if a.data.sha256 != b.data.sha256 {
        let expected = format!("the data of --from, SHA-256 {}", a.data.sha256);
        return Err(Error::expected("--to", expected, &b.data.sha256));
    }
    let [own, other] = [a, b].map(|r| r.dataset.train.len());
    if own != other {
        return Err(Error::expected("--to", format!("{own} training samples, as --from"), other));
    }
    match a.theta == b.theta {
        true => Err(Error::expected("--to", "another network than --from", "the same weights")),
        false => Ok(()),
    }
}

struct Job<'a> {
    settings: &'a ConnectSettings,
    ends: [&'a Run; 2],
    precision: Precision,
    directory: Option<&'a FilePath>,
    observe: Observe<'a>,
}

impl Job<'_> {
    fn compute<E: Element>(&self) -> Result<ConnectResult> {
        let (settings, first) = (self.settings, self.ends[0]);
        let network = Arc::new(first.network.clone());
        let dataset = cut(first.dataset.clone(), settings.samples, "--samples")?;
        let [train, test] = [&dataset.train, &dataset.test].map(|part| samples::<E>(&network, part));
        // PyTorch's examples evaluate in hundreds where nothing is known of the training.
        let batch = first.data.batch_size.unwrap_or(128);
        let evaluator = Evaluator::new(network.clone(), train.clone(), test, settings.between, batch);
        let end = |run: &Run| -> Result<Weights> {
            let round = |v: &[f64]| rounded::<E>(v, "weights", self.precision);
            Ok((round(&run.theta)?, round(&run.state)?))
        };
        let (a, b) = (end(self.ends[0])?, end(self.ends[1])?);
        let line = Path::line(a.clone(), b.clone());
        let linear = self.follow(&evaluator, "straight line", line)?;
        let mut ways = vec![linear];
        let mut blended = None;
        if settings.curve.bends() > 0 {
            let start = Path::start(&settings.curve, a.clone(), b.clone());
            let (path, trained) = self.train::<E>(&network, &train, start)?;
            ways.push(self.follow(&evaluator, "curve", path)?);
            blended = Some(trained);
        }
        let plane = match (ways.last(), settings.plane) {
            (Some(way), n) if n > 0 && settings.curve.bends() > 0 => self.plane(&evaluator, way, n)?,
            _ => None,
        };
        let middle = ways.last().map(|way| {
            let (theta, state) = evaluator.place(&way.path.theta(0.5), &way.path.state(0.5));
            let wide = |v: Vec<E>| v.into_iter().map(E::to_f64).collect::<Vec<f64>>();
            (wide(theta), wide(state))
        });
        interrupt::check("connect", &self.kept())?;
        ConnectResult::new(
            settings,
            self.ends,
            self.precision,
            [dataset.train.len(), dataset.test.len()],
            statistics(&network, settings, batch),
            ways,
            blended,
            plane,
            middle,
        )
    }

    /// What a stop leaves.
    fn kept(&self) -> String {
        match self.directory {
            Some(_) => "the training of the curve is kept; the same command goes on".to_owned(),
            None => "nothing was written".to_owned(),
        }
    }

    /// Evaluates a path.
    fn follow<E: Element>(&self, evaluator: &Evaluator<E>, what: &'static str, path: Path) -> Result<Way> {
        (self.observe)(ConnectEvent::Stage(what, "points", self.settings.points));
        let profile: Profile =
            evaluator.profile(&path, self.settings.points, &|| (self.observe)(ConnectEvent::Done(1.0)));
        let lengths = path.lengths(&profile.t, PIECES);
        let members: Vec<Weights> = profile.t.iter().map(|t| (path.theta(*t), path.state(*t))).collect();
        let ensemble = evaluator.ensemble(&members);
        let ends: Option<Evaluation> =
            evaluator.ensemble(&[members[0].clone(), members[members.len() - 1].clone()]);
        interrupt::check("connect", &self.kept())?;
        Ok(Way { path, profile, lengths, ensemble, ends })
    }

    /// Trains the bends of a path that still is a line.
    fn train<E: Element>(
        &self,
        network: &Arc<Network>,
        train: &Samples<E>,
        start: Path,
    ) -> Result<(Path, Blended)> {
        let Path { curve, control, states } = start;
        let last = control.len() - 1;
        let free: Vec<bool> = (0..=last).map(|k| k > 0 && k < last).collect();
        let draw = |rng: &mut Rng| curve.coefficients(rng.random::<f64>());
        let blend = Blend {
            network,
            train,
            control: &control,
            free: &free,
            draw: &draw,
            name: &format!("curve {curve}"),
            seed: self.settings.seed,
            vary: None,
        };
        let keep = self.directory.map(|directory| Keep {
            path: directory.join(CHECKPOINT),
            every: CHECKPOINT_EVERY,
            data_sha256: self.ends[0].data.sha256.clone(),
        });
        let tell = |event: BlendEvent| match event {
            BlendEvent::Resumed(done, all, _) => {
                let kept = format!("going on with the unfinished curve: {done} of {all} steps are kept");
                (self.observe)(ConnectEvent::Note(kept));
                (self.observe)(ConnectEvent::Done(done as f64));
            }
            BlendEvent::Step(..) => (self.observe)(ConnectEvent::Done(1.0)),
            BlendEvent::Epoch(_) => {}
        };
        let training = &self.settings.training;
        let steps = training.epochs * train.len().div_ceil(training.batch(train.len()));
        (self.observe)(ConnectEvent::Stage("curve", "steps", steps));
        let blended = train_blend(training, &blend, keep.as_ref(), &mut { tell })?;
        Ok((Path { curve, control: blended.control.clone(), states }, blended))
    }

    /// The loss over the plane of a curve.
    fn plane<E: Element>(&self, evaluator: &Evaluator<E>, way: &Way, n: usize) -> Result<Option<Plane>> {
        let sets = 1 + usize::from(evaluator.test().is_some());
        (self.observe)(ConnectEvent::Stage("plane", "points", sets * n * n));
        let memory = gibibytes(self.settings.memory)?;
        let middle = way.path.theta(0.5);
        let ends = [&way.path.control[0], &way.path.control[way.path.control.len() - 1]];
        plane::over(evaluator, ends, &middle, &way.path, n, memory, &|share| {
            (self.observe)(ConnectEvent::Done(share));
        })
    }
}

/// Straight pieces by which a stretch between two places is measured.
const PIECES: usize = 16;

/// Where statistics of norms come from, in words.
fn statistics(network: &Network, settings: &ConnectSettings, batch: usize) -> String {
    use crate::landscape::path::Between;
    match (network.layout().couples_samples, settings.between) {
        (false, _) => crate::passes::statistics::NO_STATISTICS.to_owned(),
        (true, Between::Refresh) => format!("refreshed at every point, in groups of {batch}"),
        (true, Between::Interpolate) => "running, moved with the weights".to_owned(),
    }
}
