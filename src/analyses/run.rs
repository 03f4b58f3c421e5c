//! A trained network with its data, as every analysis takes it: from a run directory or a weight file.

use super::exported::{self, Beside};
use super::{DataGiven, DataSettings, TrainingResult};
use crate::base::pool::on_workers;
use crate::base::registry::Registry;
use crate::base::state_dict::StateDict;
use crate::base::tensors::TensorFile;
use crate::base::text::visible;
use crate::base::{Error, Precision, Result, apart, files, json, notes};
use crate::data::{Dataset, Source};
use crate::landscape::directions::Snapshot;
use crate::nn::losses::{Criterion, Excess, Loss};
use crate::nn::{Network, Spec, Weights, weights};
use crate::train::checkpoint::CHECKPOINT;
use crate::train::{Point, TrainSettings, Trained, chosen};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A trained network with its data.
#[derive(Clone, Debug)]
pub struct Run {
    /// The network.
    pub network: Network,
    /// Its parameters.
    pub theta: Vec<f64>,
    /// Its state: running statistics, singular vectors.
    pub state: Vec<f64>,
    /// Element type it was trained in.
    pub precision: Precision,
    /// What it was trained on.
    pub data: DataSettings,
    /// The data, training samples cut as in training.
    pub dataset: Dataset,
    /// The file that it was read from, if it was.
    pub origin: Option<Origin>,
}

/// A weight file.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The data as they were read: what the run remembers, or the same samples in another place.
    pub data: Source,
    /// Weights along the way to these that were given with them, these last; none where a run's own lie beside them, if at all.
    pub snapshots: Vec<Snapshot>,
}

/// Name of the weight file in a run directory.
pub const WEIGHTS: &str = "weights.safetensors";

/// Snapshots: the weights after step S are the tensors `S/NAME`.
pub const TRAJECTORY: &str = "trajectory.safetensors";

/// The weight file that a path means: itself, or the one of a run directory.
pub fn weight_file(path: &Path) -> Result<PathBuf> {
    let file = if path.is_dir() { path.join(WEIGHTS) } else { path.to_path_buf() };
    if path.is_dir() && !file.exists() {
        let expected = format!("a run directory with {WEIGHTS}, as `losscape train` writes it");
        let found = if path.join(CHECKPOINT).exists() {
            "an unfinished run, which `losscape train --resume` goes on with"
        } else {
            "a directory without"
        };
        return Err(Error::expected(files::named(path), expected, found));
    }
    Ok(file)
}

impl Origin {
    /// What the run is called: its directory, or the file where that is not a run's usual one.
    pub fn name(&self) -> String {
        let stem = |path: &Path| path.file_stem().map(|s| visible(&s.to_string_lossy()).into_owned());
        let directory = self.path.parent().and_then(|p| p.canonicalize().ok()).and_then(|p| stem(&p));
        match (self.path.file_name() == Some(WEIGHTS.as_ref()), directory, stem(&self.path)) {
            (true, Some(directory), _) => directory,
            (_, _, Some(stem)) => stem,
            (_, directory, None) => directory.unwrap_or_default(),
        }
    }
}

/// Refuses `n` training samples of `all` where there are not so many.
pub fn at_most(all: usize, n: usize, at: &str) -> Result<()> {
    if (1..=all).contains(&n) {
        Ok(())
    } else {
        Err(Error::expected(at, format!("1 to {all} training samples"), n))
    }
}

/// Keeps the first `samples` training samples, which are in random order.
pub fn cut(mut dataset: Dataset, samples: Option<usize>, at: &str) -> Result<Dataset> {
    let Some(n) = samples else { return Ok(dataset) };
    at_most(dataset.train.len(), n, at)?;
    dataset.train.truncate(n);
    Ok(dataset)
}

/// The first `samples` training samples and `test` test samples of these data, of which nothing else is copied.
pub fn used<'a>(
    dataset: &'a Dataset,
    samples: Option<usize>,
    test: Option<usize>,
    at: &str,
) -> Result<Cow<'a, Dataset>> {
    samples.map_or(Ok(()), |n| at_most(dataset.train.len(), n, at))?;
    let all = [dataset.train.len(), dataset.test.len()];
    let kept = [samples.unwrap_or(all[0]), test.unwrap_or(all[1]).min(all[1])];
    if kept == all {
        return Ok(Cow::Borrowed(dataset));
    }
    let Dataset { name, shape, outputs, train, test, scaling, units, notes, class_names } = dataset;
    Ok(Cow::Owned(Dataset {
        name: name.clone(),
        shape: shape.clone(),
        outputs: *outputs,
        train: train.first(kept[0]),
        test: test.first(kept[1]),
        scaling: scaling.clone(),
        units: units.clone(),
        notes: notes.clone(),
        class_names: class_names.clone(),
    }))
}

impl Run {
    /// A network that was trained just now.
    pub fn of(result: TrainingResult) -> Result<Self> {
        let (data, dataset) = DataSettings::load(&result.settings)?;
        Ok(Self::trained(result.trained, result.settings.precision, data, dataset))
    }

    /// A network after the first so many steps of its training, or at its end where that comes before.
    pub fn after(steps: u64, settings: &TrainSettings) -> Result<Self> {
        let (data, dataset) = DataSettings::load(settings)?;
        let first = || chosen::first(settings, &dataset, steps, &mut |_| ());
        let trained = on_workers(first)?;
        Ok(Self::trained(trained, settings.precision, data, dataset))
    }

    fn trained(trained: Trained, precision: Precision, data: DataSettings, dataset: Dataset) -> Self {
        let network = Arc::unwrap_or_clone(trained.network);
        let Point { theta, state } = trained.point;
        Self { network, theta, state, precision, data, dataset, origin: None }
    }

    /// Reads a run directory or a weight file, or a graph of torch.export with what is given beside it.
    pub fn open(path: &Path, beside: &Beside) -> Result<Self> {
        if path.is_file() && exported::is_graph(path) {
            return exported::open(path, beside);
        }
        if beside.weights.is_some() {
            let expected = "a graph of torch.export that it is for";
            return Err(Error::expected("--weights", expected, files::named(path)));
        }
        let run = Self::read_with(path, &beside.data)?;
        match &beside.loss {
            None => Ok(run),
            Some(loss) => run.measured_by(loss),
        }
    }

    /// The same network under another loss than it was trained with.
    fn measured_by(self, loss: &Loss) -> Result<Self> {
        let spec = self.network.spec().clone();
        if self.network.graph().is_some() || spec.loss == Loss::from(Excess) {
            return Err(Error::expected(
                "--loss",
                "a network that ends in outputs",
                "one with a loss of its own",
            ));
        }
        if !self.dataset.has_classes() && !loss.values() {
            let found = format!("{} on data with values", loss.name());
            return Err(Error::expected("--loss", "a loss of values", found));
        }
        crate::train::check_values(loss, &self.dataset)?;
        crate::train::exported::check_ignored(loss, &self.data.data)?;
        let outputs = crate::train::outputs(loss, &self.dataset)?;
        if outputs != spec.outputs {
            let expected = format!("a loss of {} outputs, as the network has", spec.outputs);
            return Err(Error::expected("--loss", expected, format!("{loss}, of {outputs}")));
        }
        let network = Network::new(Spec { loss: loss.clone(), ..spec })?;
        crate::train::check_samples(&network, &self.dataset)?;
        Ok(Self { network, ..self })
    }

    /// Reads a run directory or a weight file, and its data; refuses data that have changed since.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_with(path, &DataGiven::default())
    }

    /// The same with data that are given anew.
    pub fn read_with(path: &Path, given: &DataGiven) -> Result<Self> {
        if path.is_file() && exported::is_exported(path) {
            let expected = "a run directory or weight file (slice, sharpness, connect, simplex and ensemble take graphs)";
            return Err(Error::expected(files::named(path), expected, "a graph of torch.export"));
        }
        let file = weight_file(path)?;
        let weights = Weights::read(&file)?;
        let sha256 = files::sha256(&files::read_regular(&file, files::LARGEST)?);
        let at = format!("{}: metadata `losscape.data`", files::named(&file));
        if weights.data.is_empty() {
            return Err(Error::expected(at, "the data that the network was trained on", "none"));
        }
        let data: DataSettings = json::parse(&at, &weights.data)?;
        let (data, dataset, source) = match &given.data {
            Some(source) => {
                let (data, dataset) = data.given(source, given.other_data, &file)?;
                (data, dataset, source.clone())
            }
            None => {
                let (dataset, source) = data.find(&file, &at)?;
                (data, dataset, source)
            }
        };
        dataset.notes.iter().for_each(|note| notes::say(note));
        let (features, spec) = (dataset.features(), weights.network.spec());
        if features != weights.network.features()
            || crate::train::outputs(&spec.loss, &dataset).ok() != Some(spec.outputs)
        {
            let expected = format!("{} features and {} classes", weights.network.features(), spec.outputs);
            let found = format!("{} with {features} and {}", dataset.name, dataset.outputs);
            return Err(Error::expected(at, expected, found));
        }
        crate::train::check_values(&spec.loss, &dataset)?;
        crate::train::check_samples(&weights.network, &dataset)?;
        let dataset = cut(dataset, data.samples, &at)?;
        let Weights { network, precision, theta, state, .. } = weights;
        let origin = Some(Origin { path: file, sha256, data: source, snapshots: Vec::new() });
        Ok(Self { network, theta, state, precision, data, dataset, origin })
    }

    /// The network and the data that the settings name, with the weights of a file that says nothing of either: of
    /// `torch.save`, or safetensors.
    pub fn with_weights(settings: &TrainSettings, path: &Path) -> Result<Self> {
        let settings = &crate::train::exported::settle(settings.clone())?;
        settings.check()?;
        let path = &files::at_home(path);
        apart::input(path)?;
        let (data, dataset) = DataSettings::load(settings)?;
        dataset.notes.iter().for_each(|note| notes::say(note));
        let network = crate::train::network(settings, &dataset)?;
        let at = files::named(path);
        let (theta, state, sha256) = match network.stored() {
            Some([_, state]) => super::weights_beside::read(path, &network, state)?,
            None => {
                let (dict, sha256) = StateDict::read_with_hash(path)?;
                let (theta, state) = weights::from_state_dict(&at, &dict, &network)?;
                (theta, state, sha256)
            }
        };
        let origin =
            Some(Origin { path: path.to_path_buf(), sha256, data: data.data.clone(), snapshots: Vec::new() });
        Ok(Self { network, theta, state, precision: settings.precision, data, dataset, origin })
    }

    /// The last of several networks, with all of them as its trajectory: in the order of the numbers at the ends of their files'
    /// names, which are its steps, where each has one of its own; else as they were given.
    pub fn along(mut runs: Vec<Self>) -> Result<Self> {
        let number = |run: &Self| {
            let path = &run.origin.as_ref()?.path;
            let stem = path.file_stem()?.to_string_lossy().into_owned();
            let digits = stem.len() - stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            stem[stem.len() - digits..].parse::<u64>().ok()
        };
        let mut steps: Vec<u64> = (0..runs.len() as u64).collect();
        if let Some(mut numbers) = runs.iter().map(number).collect::<Option<Vec<u64>>>() {
            numbers.sort_unstable();
            if numbers.windows(2).all(|pair| pair[0] < pair[1]) {
                runs.sort_by_key(number);
                steps = numbers;
            }
        }
        let of =
            |(step, run): (u64, &Self)| Snapshot { step, theta: run.theta.clone(), state: run.state.clone() };
        let snapshots = steps.into_iter().zip(&runs).map(of).collect();
        match runs.pop() {
            Some(mut last) => {
                last.origin = last.origin.map(|origin| Origin { snapshots, ..origin });
                Ok(last)
            }
            None => Err(Error::expected("--weights", "checkpoints of a trajectory", "none")),
        }
    }

    /// The snapshots that training left beside the weights, or those that were given.
    pub fn trajectory(&self) -> Result<Vec<Snapshot>> {
        if let Some(origin) = self.origin.as_ref().filter(|origin| !origin.snapshots.is_empty()) {
            return Ok(origin.snapshots.clone());
        }
        let beside = self.origin.as_ref().map(|o| o.path.with_file_name(TRAJECTORY));
        let path =
            beside.ok_or_else(|| Error::expected("--run", "a run directory", "weights without a file"))?;
        if !path.exists() {
            let expected = "snapshots of training (losscape train --snapshots)";
            return Err(Error::expected(files::named(&path), expected, "nothing there"));
        }
        let at = files::named(&path);
        let (steps, file) = TensorFile::read_after(&path, |outline| {
            let value = |key: &str| outline.metadata.get(key).map(String::as_str).unwrap_or_default();
            let of = |key: &str| format!("{at}: metadata `{key}`");
            let spec: Spec = json::parse(&of("losscape"), value("losscape"))?;
            if spec != *self.network.spec() {
                return Err(Error::expected(&at, "snapshots of the same network", "others"));
            }
            json::parse::<Vec<u64>>(&of("losscape.steps"), value("losscape.steps"))
        })?;
        let at_step = |step: u64| {
            let prefix = format!("{step}/");
            let theta = weights::theta(&at, &file, &self.network, &prefix)?;
            Ok(Snapshot { step, theta, state: weights::state(&at, &file, &self.network, &prefix)? })
        };
        steps.into_iter().map(at_step).collect()
    }

    /// Where it was read from; nothing where it was not.
    pub fn named(&self) -> String {
        self.origin.as_ref().map_or_else(String::new, |origin| files::named(&origin.path))
    }

    /// One line that names the network and its data.
    pub fn title(&self) -> String {
        title(&self.network, &self.dataset)
    }
}

/// "64-32-10 mlp on digits".
pub fn title(network: &Network, dataset: &Dataset) -> String {
    format!("{} on {}", network.title(), dataset.name)
}

/// The numbers as the element type has them; refuses those that it cannot hold.
pub(super) fn rounded(v: &[f64], what: &str, precision: Precision) -> Result<Vec<f64>> {
    let fits = |x: &f64| match precision.round(*x) {
        y if y.is_finite() => Ok(y),
        _ => Err(Error::expected("--precision", format!("{what} that fit in {precision}"), format!("{x:e}"))),
    };
    v.iter().map(fits).collect()
}

/// What networks that are compared have in common, beside their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alike {
    /// Everything but the weights: there is a way from one to the other.
    Network,
    /// The loss: its values compare.
    Loss,
}

/// Refuses a network that does not go with `first`, which is called `name`: of another kind, trained on other data or on
/// another part of them. `at` says where the other one comes from.
pub fn goes_with(first: &Run, name: &str, other: &Run, at: &str, alike: Alike) -> Result<()> {
    let refuse = |expected: String, found: String| Err(Error::expected(at, expected, found));
    let [own, others] = [first, other].map(|run| run.network.spec());
    match alike {
        Alike::Network if !first.network.is_like(&other.network) => {
            let [mut a, mut b] = [first, other].map(|run| run.network.title());
            // A title leaves out what most networks share.
            if a == b {
                [a, b] = [own, others].map(|spec| format!("{} with {}", spec.model, spec.loss));
            }
            return refuse(format!("a {a} like that of {name}"), b);
        }
        Alike::Loss if own.loss != others.loss => {
            return refuse(
                format!("a network of the loss {} as {name} has", own.loss),
                others.loss.to_string(),
            );
        }
        _ => {}
    }
    if first.data.sha256 != other.data.sha256 {
        let expected = format!("data with SHA-256 {} as {name} has", first.data.sha256);
        return refuse(expected, other.data.sha256.clone());
    }
    let [n, found] = [first, other].map(|run| run.dataset.train.len());
    if n == found { Ok(()) } else { refuse(format!("{n} training samples as {name} has"), found.to_string()) }
}

/// Refuses networks that do not all go with the first.
pub(super) fn alike<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Result<()> {
    let name = Run::named;
    let mut runs = runs.into_iter();
    let Some(first) = runs.next() else { return Ok(()) };
    runs.try_for_each(|run| {
        goes_with(first, &name(first), run, &format!("--run {}", name(run)), Alike::Network)
    })
}

/// What each network is called: as asked, or as its directory, with a number where two are called the same.
pub(super) fn names(labels: &[String], runs: &[Run]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        // Alone, a network needs no name, and a path would make its result another one elsewhere.
        let origin = run.origin.as_ref().filter(|_| runs.len() > 1);
        let own = origin.map_or_else(|| run.network.title(), |origin| origin.name());
        let name = labels.get(i).cloned().unwrap_or(own);
        let again = (2..).map(|n| format!("{name} ({n})"));
        let free = [name.clone()].into_iter().chain(again).find(|n| !names.contains(n));
        names.push(free.unwrap_or(name));
    }
    names
}

/// `--memory` in bytes.
pub fn gibibytes(memory: f64) -> Result<usize> {
    if memory > 0.0 && memory <= 1e6 {
        Ok((memory * f64::from(1 << 30)) as usize)
    } else {
        Err(Error::expected("--memory", "a number of GiB above 0 and at most 1e6", memory))
    }
}
