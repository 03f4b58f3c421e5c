//! The 2D slice: loss and accuracy over a plane through a trained network.
//!
//! L(x, y) = L(theta + x d + y e), with d and e drawn and normalised as the settings say (Li et al. 2018).

use super::range::Range;
use super::run::{at_most, title};
use super::statistics::{GroupSize, NO_STATISTICS, Policy, Stats};
use super::training::evaluations;
use super::{Files, Run, Saved, archive, document, to_json};
use crate::autodiff::Element;
use crate::base::npz::Npz;
use crate::base::registry::Registry;
use crate::base::tensors::TensorFile;
use crate::base::{Error, Precision, Result, Streams, files};
use crate::figure::{Axis, Figure, Grid, Mark, Panel, Scale};
use crate::landscape::directions::Draw;
use crate::landscape::geometry::{NonConvexity, cosine, dot, non_convexity, orthogonalise};
use crate::landscape::{Direction, Normalization, Slicer, State};
use crate::nn::losses::Loss;
use crate::nn::{Evaluation, Network, Objective, weights};
use crate::train::samples;
use crate::with_precision;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Settings of a slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SliceSettings {
    /// Points along the first direction, as min:max:n
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true, default_value_t = SliceSettings::default().x)]
    pub x: Range,
    /// Points along the second direction, as min:max:n
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true, default_value_t = SliceSettings::default().y)]
    pub y: Range,
    /// Where the two directions come from
    #[arg(long, value_name = "KIND", default_value_t = SliceSettings::default().directions)]
    pub directions: Direction,
    /// What a step of length 1 means
    #[arg(long, value_name = "KIND", default_value_t = SliceSettings::default().normalize)]
    pub normalize: Normalization,
    /// Let biases move too, each along itself; they stand still otherwise
    #[arg(long, default_value_t = false)]
    pub biases: bool,
    /// Make the second direction orthogonal to the first, after normalisation
    #[arg(long, default_value_t = false)]
    pub orthogonal: bool,
    /// Statistics of batch norm and its kin [default: running, where the network has such]
    #[arg(long, value_name = "KIND")]
    pub stats: Option<Stats>,
    /// Samples in a group that shares statistics, with --stats batch or refresh: a number, or `all` [default: the
    /// training batch]
    #[arg(long, value_name = "N")]
    pub stat_batch: Option<GroupSize>,
    /// Evaluate on the first N training samples only (they are in random order) [default: all]
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Seed of the directions
    #[arg(long, value_name = "N", default_value_t = SliceSettings::default().seed)]
    pub seed: u64,
    /// Element type [default: the one that the network was trained in]
    #[arg(long, value_name = "TYPE")]
    pub precision: Option<Precision>,
    /// Memory for values that are kept instead of computed again, in GiB
    #[arg(long, value_name = "GIB", default_value_t = SliceSettings::default().memory)]
    pub memory: f64,
}

impl Default for SliceSettings {
    fn default() -> Self {
        let side = Range { min: -1.0, max: 1.0, n: 51 }; // Li et al. 2018
        Self {
            x: side,
            y: side,
            directions: Direction::default(),
            normalize: Normalization::default(),
            biases: false,
            orthogonal: false,
            stats: None,
            stat_batch: None,
            samples: None,
            seed: 0,
            precision: None,
            memory: 4.0,
        }
    }
}

impl SliceSettings {
    /// The memory that may be used, in bytes.
    fn bytes(&self) -> Result<usize> {
        match self.memory > 0.0 && self.memory <= 1e6 {
            true => Ok((self.memory * f64::from(1 << 30)) as usize),
            false => Err(Error::expected("--memory", "a number of GiB above 0 and at most 1e6", self.memory)),
        }
    }

    /// The memory that the results of the grid take, in bytes.
    pub fn grid_bytes(&self) -> f64 {
        // Per point: four results and the sums behind them.
        (self.x.n as f64) * (self.y.n as f64) * POINT as f64
    }

    /// Refuses settings that do not fit a network in `precision` with `samples` training samples.
    pub fn check_for(&self, precision: Precision, samples: usize) -> Result<()> {
        let precision = self.precision.unwrap_or(precision);
        for (flag, points) in [("--x", self.x.points()), ("--y", self.y.points())] {
            let same = |w: &[f64]| with_precision!(precision, E => E::from_f64(w[0]) == E::from_f64(w[1]));
            if points.windows(2).any(same) {
                let expected = format!("points that differ in {precision}");
                return Err(Error::expected(
                    flag,
                    expected,
                    format!("{:e} between two", points[1] - points[0]),
                ));
            }
        }
        self.samples.map_or(Ok(()), |n| at_most(samples, n, "--samples"))
    }

    /// Refuses settings that make no sense, before anything is loaded or trained.
    pub fn check(&self) -> Result<()> {
        if self.samples == Some(0) {
            return Err(Error::expected("--samples", "at least 1", 0));
        }
        let bytes = self.grid_bytes();
        if bytes > self.bytes()? as f64 {
            let gib = bytes / f64::from(1 << 30);
            let points = self.x.n as f64 * self.y.n as f64;
            return Err(Error::expected(
                "--x, --y",
                format!("a grid whose results fit in {} GiB (--memory)", self.memory),
                format!("{} x {} = {points:.0} points, {gib:.1} GiB", self.x.n, self.y.n),
            ));
        }
        Ok(())
    }
}

/// Bytes that a point of the grid takes.
const POINT: usize = 128;

/// What an observer of a slice hears, from any thread.
#[derive(Clone, Copy, Debug)]
pub enum SliceEvent {
    /// Before the grid: points, predicted seconds, bytes that evaluation holds.
    Predicted(usize, f64, usize),
    /// So many more points (a fraction, when only a share of the samples is done).
    Done(f64),
}

/// A finished slice.
#[derive(Clone, Debug)]
pub struct SliceResult {
    settings: SliceSettings,
    summary: Map<String, Value>,
    arrays: Npz,
    directions: Option<TensorFile>,
}

/// The arrays of a slice, in the order of the file.
const MAPS: [&str; 4] = ["train_loss", "train_accuracy", "test_loss", "test_accuracy"];

/// Draws and normalises the two directions of a slice.
pub fn directions(settings: &SliceSettings, network: &Network, theta: &[f64]) -> Result<[Vec<f64>; 2]> {
    let streams = Streams::new(settings.seed);
    let draw = |index| {
        let mut d = settings.directions.draw(network, theta, &streams, index)?;
        settings.normalize.apply(network.layout(), theta, settings.biases, &mut d);
        Ok(d)
    };
    let (x, mut y) = (draw(0)?, draw(1)?);
    if settings.orthogonal {
        orthogonalise(&x, &mut y);
    }
    Ok([x, y])
}

/// Computes a slice.
pub fn run(
    settings: &SliceSettings,
    run: &Run,
    observe: &(dyn Fn(SliceEvent) + Sync),
) -> Result<SliceResult> {
    settings.check()?;
    settings.check_for(run.precision, run.dataset.train.len())?;
    let precision = settings.precision.unwrap_or(run.precision);
    with_precision!(precision, E => compute::<E>(settings, precision, run, observe))
}

fn compute<E: Element>(
    settings: &SliceSettings,
    precision: Precision,
    run: &Run,
    observe: &(dyn Fn(SliceEvent) + Sync),
) -> Result<SliceResult> {
    let network = Arc::new(run.network.clone());
    let dataset = super::run::cut(run.dataset.clone(), settings.samples, "--samples")?;
    // What the element type makes of theta and directions is what is evaluated and saved.
    let rounded = |v: &[f64], what: &str| {
        let fits = |x: &f64| match E::from_f64(*x).to_f64() {
            y if y.is_finite() => Ok(y),
            _ => Err(Error::expected(
                "--precision",
                format!("{what} that fit in {precision}"),
                format!("{x:e}"),
            )),
        };
        v.iter().map(fits).collect::<Result<Vec<f64>>>()
    };
    let theta = rounded(&run.theta, "weights")?;
    let [x, y] = directions(settings, &network, &theta)?;
    let (x, y) = (rounded(&x, "directions")?, rounded(&y, "directions")?);
    let policy = Policy::new(&network, settings.stats, settings.stat_batch, run.data.batch_size)?;
    let memory = settings.bytes()?;
    let parts = [&dataset.train, &dataset.test].map(|part| samples::<E>(&network, part));
    let objective = |part: &Arc<crate::nn::Samples<E>>, statistics| {
        let objective = Objective::new(network.clone(), part.clone(), statistics);
        let bytes = objective.bytes();
        match bytes <= memory {
            true => Ok(objective),
            false => {
                let expected = format!("groups that fit in {} GiB (--memory)", settings.memory);
                let gib = bytes as f64 / f64::from(1 << 30);
                Err(Error::expected("--stat-batch", expected, format!("{}, {gib:.1} GiB", policy.group)))
            }
        }
    };
    let objectives = [objective(&parts[0], policy.evaluation())?, objective(&parts[1], policy.evaluation())?];
    let single: Vec<E> = theta.iter().map(|t| E::from_f64(*t)).collect();
    let state: Vec<E> = rounded(&run.state, "statistics")?.into_iter().map(E::from_f64).collect();
    // What the state is at a point; at the center that of singular vectors is what training left.
    let source = match policy.stats {
        Some(Stats::Refresh) => Some(objective(&parts[0], policy.group.statistics())?),
        _ => None,
    };
    let spectral = !network.layout().spectral.is_empty();
    let follow = |theta: &[E]| {
        let mut at = state.clone();
        network.renew_to_convergence(theta, &mut at);
        source.as_ref().map_or_else(|| at.clone(), |source| source.refresh(theta, &at))
    };
    let follows = spectral || source.is_some();
    let at_center = if follows { follow(&single) } else { state.clone() };
    let center = objectives.each_ref().map(|o| o.evaluate(&single, &at_center));
    let slicers = objectives.each_ref().map(|o| {
        let state = if follows { State::Follows(&follow) } else { State::Frozen(state.clone()) };
        Slicer::new(o, &theta, state, [&x, &y], memory / 2)
    });
    let (xs, ys) = (settings.x.points(), settings.y.points());
    let points: Vec<(f64, f64)> = ys.iter().flat_map(|y| xs.iter().map(|x| (*x, *y))).collect();

    // A few points, each in a row of its own as the work is shared out, tell how long the grid will take.
    let threads = rayon::current_num_threads();
    let trial: Vec<(f64, f64)> = ys.iter().take(2 * threads).map(|y| (xs[0], *y)).collect();
    let mut seconds = 0.0;
    for slicer in &slicers {
        slicer.evaluate(&trial[..1], &|_| {})?;
        let start = Instant::now();
        slicer.evaluate(&trial, &|_| {})?;
        seconds += start.elapsed().as_secs_f64() * points.len() as f64 / trial.len() as f64;
    }
    let bytes = slicers.iter().map(|s| s.bytes(threads)).sum::<usize>() + points.len() * POINT;
    observe(SliceEvent::Predicted(points.len(), seconds, bytes));

    let share = |o: &Objective<E>| {
        o.samples() as f64 / objectives.iter().map(Objective::samples).sum::<usize>().max(1) as f64
    };
    let mut maps: Vec<Vec<Evaluation>> = Vec::new();
    for (slicer, objective) in slicers.iter().zip(&objectives) {
        let share = share(objective);
        maps.push(slicer.evaluate(&points, &|done| observe(SliceEvent::Done(done * share)))?);
    }
    let of = |part: usize, f: fn(&Evaluation) -> f64| maps[part].iter().map(f).collect::<Vec<f64>>();
    let values = [of(0, |e| e.loss), of(0, |e| e.accuracy), of(1, |e| e.loss), of(1, |e| e.accuracy)];

    let mut arrays = Npz::default();
    arrays.push("x", &[xs.len()], xs.clone());
    arrays.push("y", &[ys.len()], ys.clone());
    for (name, values) in MAPS.iter().zip(&values) {
        arrays.push(name, &[ys.len(), xs.len()], values.clone());
    }
    let epsilon = E::EPSILON.to_f64();
    let curvature = non_convexity(&xs, &ys, &values[0], epsilon);
    let statistics = policy.words(spectral);
    let summary = Facts {
        settings,
        precision,
        run,
        network: &network,
        theta: &theta,
        x: &x,
        y: &y,
        center,
        statistics,
    };
    let summary = summary.json(&dataset, &points, &values, curvature)?;
    let tensors = [("x/", &x), ("y/", &y)]
        .into_iter()
        .flat_map(|(prefix, d)| weights::tensors(&network, d, precision, prefix))
        .collect();
    let directions = TensorFile { metadata: BTreeMap::new(), tensors };
    Ok(SliceResult { settings: settings.clone(), summary, arrays, directions: Some(directions) })
}

/// What the summary is made from.
struct Facts<'a> {
    settings: &'a SliceSettings,
    precision: Precision,
    run: &'a Run,
    network: &'a Network,
    theta: &'a [f64],
    x: &'a [f64],
    y: &'a [f64],
    center: [Evaluation; 2],
    statistics: String,
}

impl Facts<'_> {
    fn json(
        &self,
        dataset: &crate::data::Dataset,
        points: &[(f64, f64)],
        values: &[Vec<f64>; 4],
        curvature: NonConvexity,
    ) -> Result<Map<String, Value>> {
        let norm = |v: &[f64]| dot(v, v).sqrt();
        let finite = |i: usize| points.iter().zip(&values[i]).filter(|(_, v)| v.is_finite());
        let extremes = |i: usize| {
            let lowest = finite(i).min_by(|a, b| a.1.total_cmp(b.1));
            let highest = finite(i).max_by(|a, b| a.1.total_cmp(b.1));
            let at =
                |p: Option<(&(f64, f64), &f64)>| p.map(|((x, y), v)| json!({"x": x, "y": y, "value": v}));
            json!({"min": at(lowest), "max": at(highest)})
        };
        let cosine = cosine(self.x, self.y);
        let (xs, ys) = (self.settings.x, self.settings.y);
        let why = match curvature.fraction {
            Some(_) => "computed",
            None if xs.n < 3 || ys.n < 3 => "a side has fewer than 3 points",
            None => "no cell is finite and curved beyond rounding",
        };
        let (center, center_status) = evaluations(&self.center[0], &self.center[1]);
        let [non_finite, test_non_finite] = [0, 2].map(|i| points.len() - finite(i).count());
        let value = json!({
            "command": "slice",
            "version": env!("CARGO_PKG_VERSION"),
            "status": if non_finite + test_non_finite == 0 { "done" } else { "done, with non-finite points" },
            "title": title(self.network, dataset),
            "settings": self.settings,
            "seed": self.settings.seed,
            "precision": self.precision,
            "network": self.network.spec(),
            "parameters": self.theta.len(),
            "data": self.run.data,
            "data_sha256": self.run.data.sha256,
            "samples": {"train": dataset.train.len(), "test": dataset.test.len()},
            "norm_statistics": self.statistics,
            "center": center,
            "center_status": center_status,
            "cosine": cosine,
            "cosine_status": if cosine.is_finite() { "computed" } else { "a direction is zero" },
            "norms": {"theta": norm(self.theta), "x": norm(self.x), "y": norm(self.y)},
            "train_loss": extremes(0),
            "test_loss": extremes(2),
            "non_finite": non_finite,
            "test_non_finite": test_non_finite,
            "non_convexity": curvature.fraction,
            "non_convexity_status": why,
            "non_convexity_undecided": curvature.undecided,
        });
        match value {
            Value::Object(map) => Ok(map),
            _ => Ok(Map::new()),
        }
    }
}

impl SliceResult {
    /// Records the SHA-256 of the weight file that the network came from.
    pub fn of_weights(mut self, sha256: String) -> Self {
        self.summary.insert("weights_sha256".to_owned(), sha256.into());
        self
    }

    /// One scalar of the summary, by its path.
    pub fn scalar(&self, path: &[&str]) -> Option<f64> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.summary.get(*first)?, |v, key| v.get(key))?.as_f64()
    }

    /// Where the training loss is least on the grid, and how much it is there.
    pub fn minimum(&self) -> Option<(f64, f64, f64)> {
        let at = |key| self.scalar(&["train_loss", "min", key]);
        Some((at("x")?, at("y")?, at("value")?))
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path) -> Result<Self> {
        let path = directory.join("slice.json");
        let at = files::named(&path);
        let text = files::read_text(&path, files::LARGEST_JSON)?;
        let bad = |e: serde_json::Error| Error::value(&at, &e.to_string());
        let summary: Map<String, Value> = serde_json::from_str(&text).map_err(bad)?;
        let settings = summary.get("settings").cloned();
        let settings = settings.ok_or_else(|| Error::expected(&at, "`settings` of a slice", "none"))?;
        let settings: SliceSettings = serde_json::from_value(settings).map_err(bad)?;
        let path = directory.join("slice.npz");
        let arrays = Npz::read(&path)?;
        let at = files::named(&path);
        let shape = |name: &str| match arrays.get(name) {
            Some(array) => Ok(array.shape.clone()),
            None => Err(Error::expected(format!("{at}: {name}"), "an array", "none")),
        };
        let (x, y) = (shape("x")?, shape("y")?);
        for name in ["x", "y"] {
            let values = arrays.get(name).map_or(Vec::new(), |a| a.to_f64());
            let ascends = values.iter().all(|v| v.is_finite()) && values.windows(2).all(|w| w[0] < w[1]);
            if values.len() < 2 || !ascends {
                let expected = "at least 2 finite numbers, each above the one before";
                return Err(Error::expected(format!("{at}: {name}"), expected, "others"));
            }
        }
        for name in MAPS {
            let (expected, found) = ([y.as_slice(), x.as_slice()].concat(), shape(name)?);
            if found != expected || found.len() != 2 {
                let expected = format!("shape {expected:?}, y by x");
                return Err(Error::expected(format!("{at}: {name}"), expected, format!("{found:?}")));
            }
        }
        Ok(Self { settings, summary, arrays, directions: None })
    }

    fn array(&self, name: &str) -> Vec<f64> {
        self.arrays.get(name).map_or(Vec::new(), |a| a.to_f64())
    }

    fn figure(&self, name: &str, chart: &str, map: &str, label: &str, scale: Scale) -> Figure {
        let text = |key: &str| self.summary.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let part = map.split('_').next().unwrap_or_default();
        let samples = self.summary.get("samples").and_then(|s| s.get(part)).and_then(Value::as_u64);
        let axis = |label: String, scale| Axis { label, scale, range: None };
        let side = |name: &str| format!("{name}: {}-normalised direction", self.settings.normalize.name());
        let mut marks = vec![Mark { x: 0.0, y: 0.0, label: "trained weights".to_owned() }];
        let within = |r: Range, v: f64| (r.min..=r.max).contains(&v);
        marks.retain(|m| within(self.settings.x, m.x) && within(self.settings.y, m.y));
        let part = if part == "train" { "training" } else { part };
        let seed = self.settings.seed;
        let statistics = match text("norm_statistics").as_str() {
            "" | NO_STATISTICS => String::new(),
            other => format!("; statistics {other}"),
        };
        Figure {
            name: name.to_owned(),
            chart: chart.to_owned(),
            title: format!("{}: {}", text("title"), label.split(" (").next().unwrap_or_default()),
            subtitle: format!(
                "{} plane, seed {seed}; {} {part} samples{statistics}",
                match self.settings.directions.name() {
                    "gaussian" => "random",
                    other => other,
                },
                samples.unwrap_or_default()
            ),
            panels: vec![Panel {
                x: axis(side("x"), Scale::Linear),
                y: axis(side("y"), Scale::Linear),
                z: axis(label.to_owned(), scale),
                grids: vec![Grid { x: self.array("x"), y: self.array("y"), values: self.array(map) }],
                marks,
                ..Panel::default()
            }],
        }
    }
}

impl Saved for SliceResult {
    fn files(&self) -> Result<Files> {
        let mut files = vec![archive("slice.npz", &self.arrays)?];
        if let Some(directions) = &self.directions {
            files.push(("directions.safetensors".to_owned(), directions.to_bytes()));
        }
        files.push(("slice.json".to_owned(), document(&self.json()?)));
        Ok(files)
    }

    fn json(&self) -> Result<Value> {
        to_json(&self.summary)
    }

    fn figures(&self) -> Vec<Figure> {
        let loss = self.summary.get("network").and_then(|n| n.get("loss"));
        let loss: Option<Loss> = loss.and_then(|l| serde_json::from_value(l.clone()).ok());
        let axis = |what: &str| loss.as_ref().map_or(what.to_owned(), |l| l.axis(what));
        let (train, test) = (axis("training loss"), axis("test loss"));
        let mut figures = vec![
            self.figure("contour", "contour", "train_loss", &train, Scale::Auto),
            self.figure("surface", "surface", "train_loss", &train, Scale::Auto),
            self.figure("contour-test", "contour", "test_loss", &test, Scale::Auto),
        ];
        // In regression nothing is right or wrong.
        let some = |map: &str| self.array(map).iter().any(|v| v.is_finite());
        if some("train_accuracy") || !some("train_loss") {
            let accuracy = ("train_accuracy", "training accuracy");
            figures.push(self.figure("accuracy", "contour", accuracy.0, accuracy.1, Scale::Linear));
        }
        figures
    }
}
