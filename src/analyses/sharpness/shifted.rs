//! Wide and sharp minima under shifted data: the loss along one random direction through each of several minima, on
//! training samples, on test samples, and on test samples of another distribution ([`Shift`]).
//!
//! The picture behind the claim that wide minima generalise (Hochreiter and Schmidhuber 1997, "Flat minima"; Keskar et
//! al. 2017, figure 1): where the data are not those of training, the loss is another function of the weights, and
//! what that costs at the minimum depends on how fast the loss rises around it. Beside the curves stands what it does
//! cost: the loss at the minimum under each shift, and how far it rose above that on the test samples as they are.
//!
//! The direction is the same draw for all networks with as many parameters, normalised to each ([`Normalization`]);
//! weights move, biases and norms stand still (Li et al. 2018). The shifted samples are the same for all.

use crate::analyses::Run;
use crate::analyses::range::Range;
use crate::analyses::run::{Alike, goes_with};
use crate::analyses::statistics::{GroupSize, Policy, Stats};
use crate::base::npz::Npz;
use crate::base::registry::Registry;
use crate::base::{Error, Precision, Result, Streams, interrupt};
use crate::data::{self, Shift};
use crate::figure::{Axis, Figure, Mark, Panel, Scale, Series, Style};
use crate::landscape::directions::gaussian::gaussian;
use crate::landscape::slice::Point;
use crate::landscape::{Normalization, State};
use crate::nn::{self, At, Evaluation};
use crate::train::loss;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Settings of a look at minima under shifted data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ShiftSettings {
    /// How the test samples are shifted, each by itself; none: noise, blur and labels, as far as the data have such.
    pub shifts: Vec<Shift>,
    /// Points along the direction.
    pub range: Range,
    /// What a step of length 1 means.
    pub normalize: Normalization,
    /// Statistics of batch norm and its kin; running ones, where none are named and the network has such.
    pub stats: Option<Stats>,
    /// Samples in a group that shares statistics; the training batch, where none is named.
    pub stat_batch: Option<GroupSize>,
    /// Seed of the direction and of the shifts.
    pub seed: u64,
    /// Element type; each network's own, where none is named.
    pub precision: Option<Precision>,
    /// Memory for values that are kept instead of computed again, in GiB.
    pub memory: f64,
}

impl Default for ShiftSettings {
    fn default() -> Self {
        Self {
            shifts: Vec::new(),
            // The ends of Li et al. 2018; as many points as their curves have.
            range: Range { min: -1.0, max: 1.0, n: 41 },
            normalize: Normalization::default(),
            stats: None,
            stat_batch: None,
            seed: 0,
            precision: None,
            memory: 4.0,
        }
    }
}

/// A minimum on one set of samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// "training", "test" or the shift, in words.
    pub samples: String,
    /// Mean loss; none where it is not finite.
    pub loss: Option<f64>,
    /// Share of samples whose class is found; none in regression.
    pub accuracy: Option<f64>,
    /// Of shifted samples: the loss above that of the test samples as they are.
    pub rise: Option<f64>,
    /// Of shifted samples: the accuracy below that of the test samples as they are.
    pub drop: Option<f64>,
}

/// One of the minima.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Minimum {
    /// What it is called in figures.
    pub name: String,
    /// Network and data in one line.
    pub title: String,
    /// Number of parameters.
    pub parameters: usize,
    /// Element type that it was evaluated in.
    pub precision: Precision,
    /// Where statistics of norms come from.
    pub norm_statistics: String,
    /// SHA-256 of its weight file, if it was read from one.
    pub weights_sha256: Option<String>,
    /// The minimum itself on each set of samples, in the order of the arrays.
    pub at: Vec<Measured>,
}

/// Minima under shifted data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shifted {
    /// What it was made from, with the shifts that were taken.
    pub settings: ShiftSettings,
    /// SHA-256 of the data set that all share.
    pub data_sha256: String,
    /// Title of the data set.
    pub data: String,
    /// Training and test samples.
    pub samples: (usize, usize),
    /// What the axis of the loss is called.
    pub loss_label: String,
    /// The minima.
    pub minima: Vec<Minimum>,
    /// Mean loss, minimum by minimum, set by set, point by point.
    #[serde(skip)]
    pub loss: Vec<f64>,
    /// Accuracy, in the same order.
    #[serde(skip)]
    pub accuracy: Vec<f64>,
}

/// What the samples are before any shift.
const PLAIN: [&str; 2] = ["training", "test"];

/// Evaluates the minima `runs`, called `names`, along a random direction on training, test and shifted test samples.
/// `observe` hears, from any thread, how many sets of samples are done, of how many.
pub fn shifted(
    runs: &[Run],
    names: &[String],
    settings: &ShiftSettings,
    observe: &(dyn Fn(usize, usize) + Sync),
) -> Result<Shifted> {
    let first = comparable(runs, names)?;
    if !(settings.memory > 0.0 && settings.memory <= 1e6) {
        return Err(Error::expected("--memory", "a number of GiB above 0 and at most 1e6", settings.memory));
    }
    let dataset = &first.dataset;
    if dataset.test.is_empty() {
        return Err(Error::expected("--shifts", "data with test samples, to be shifted", "none"));
    }
    let mut settings = settings.clone();
    if settings.shifts.is_empty() {
        settings.shifts = Shift::usual(dataset);
    }
    let streams = Streams::new(settings.seed);
    let mut sets = vec![dataset.train.clone(), dataset.test.clone()];
    for shift in &settings.shifts {
        let shifted = shift.apply(&dataset.test, dataset, &streams);
        sets.push(shifted.map_err(|e| Error::request("--shifts", e.to_string()))?);
    }
    let words = PLAIN.iter().map(|w| (*w).to_owned()).chain(settings.shifts.iter().map(Shift::words));
    let words: Vec<String> = words.collect();
    let all = runs.len() * sets.len();
    let (mut minima, mut loss, mut accuracy) = (Vec::new(), Vec::new(), Vec::new());
    for (r, (run, name)) in runs.iter().zip(names).enumerate() {
        let precision = settings.precision.unwrap_or(run.precision);
        let done = |set: usize| observe(r * sets.len() + set, all);
        let evaluated = evaluate(run, precision, &settings, &sets, &streams, &done);
        let Evaluated { curves, at, norm_statistics } = evaluated.map_err(|e| match e {
            Error::Request { at, what } if runs.len() > 1 => Error::request(format!("{name}: {at}"), what),
            other => other,
        })?;
        loss.extend(curves.iter().map(|e| e.loss));
        accuracy.extend(curves.iter().map(|e| e.accuracy));
        minima.push(Minimum {
            name: name.clone(),
            title: run.title(),
            parameters: run.theta.len(),
            precision,
            norm_statistics,
            weights_sha256: run.origin.as_ref().map(|o| o.sha256.clone()),
            at: measured(&words, &at),
        });
    }
    Ok(Shifted {
        settings,
        data_sha256: first.data.sha256.clone(),
        data: dataset.name.clone(),
        samples: (dataset.train.len(), dataset.test.len()),
        loss_label: first.network.spec().loss.axis("loss"),
        minima,
        loss,
        accuracy,
    })
}

/// Refuses networks that cannot be compared: of other data, of another part of them, of another loss.
fn comparable<'a>(runs: &'a [Run], names: &[String]) -> Result<&'a Run> {
    let Some(first) = runs.first() else { return Err(Error::expected("--run", "at least one", "none")) };
    if names.len() != runs.len() {
        return Err(Error::expected("--labels", format!("{}, one a --run", runs.len()), names.len()));
    }
    for (run, name) in runs.iter().zip(names) {
        goes_with(first, &names[0], run, &format!("--run: {name}"), Alike::Loss)?;
    }
    Ok(first)
}

/// What one network gives.
struct Evaluated {
    /// Set by set, point by point.
    curves: Vec<Evaluation>,
    /// At the minimum, set by set.
    at: Vec<Evaluation>,
    norm_statistics: String,
}

/// Curves through one minimum on all sets of samples, the first of which are for training.
fn evaluate(
    run: &Run,
    precision: Precision,
    settings: &ShiftSettings,
    sets: &[data::Samples],
    streams: &Streams,
    done: &dyn Fn(usize),
) -> Result<Evaluated> {
    let network = Arc::new(run.network.clone());
    let layout = network.layout();
    let policy = Policy::new(&network, settings.stats, settings.stat_batch, run.data.batch_size)?;
    let memory = (settings.memory * f64::from(1 << 30)) as usize;
    // What the element type makes of the weights is what is evaluated, and what a direction is measured by.
    let nn::Point { theta, state } =
        nn::Point { theta: run.theta.clone(), state: run.state.clone() }.to(precision);
    policy.check_samples(&network, "training", sets[0].len())?;
    policy.check_samples(&network, "test", sets[1].len())?;
    let mut direction = gaussian(streams, 0, theta.len());
    settings.normalize.apply(layout, &theta, |_| false, &mut direction);

    // Statistics of norms at a point, where they are not those that training left.
    let source = (policy.stats == Some(Stats::Refresh))
        .then(|| loss(&network, &sets[0], precision, policy.group.statistics()));
    let follow = |theta: &[f64], _: &Point| {
        source.as_ref().map_or_else(|| state.clone(), |source| source.refresh(At { theta, state: &state }))
    };
    let follows = source.is_some();
    let center = if follows { follow(&theta, &[0.0; 3]) } else { state.clone() };

    let points: Vec<Point> = settings.range.points().into_iter().map(|x| [x, 0.0, 0.0]).collect();
    let (mut curves, mut at) = (Vec::new(), Vec::new());
    for (i, set) in sets.iter().enumerate() {
        let objective = loss(&network, set, precision, policy.evaluation());
        if objective.bytes() > memory {
            let expected = format!("groups that fit in {} GiB (--memory)", settings.memory);
            return Err(Error::expected("--stat-batch", expected, policy.group));
        }
        let state = if follows { State::Follows(&follow) } else { State::Frozen(state.clone()) };
        let directions = std::slice::from_ref(&direction);
        curves.extend(objective.slice(&theta, state, directions, memory / 4).evaluate(&points, &|_| {})?);
        at.push(objective.evaluate(At { theta: &theta, state: &center }));
        // What a stop has cut short is no result.
        interrupt::check("shifted data", "nothing was written")?;
        done(i + 1);
    }
    Ok(Evaluated { curves, at, norm_statistics: policy.words(false) })
}

/// The minimum on each set of samples, and what the shifts did to it.
fn measured(words: &[String], at: &[Evaluation]) -> Vec<Measured> {
    let finite = |x: f64| Some(x).filter(|x| x.is_finite());
    let test = at[PLAIN.len() - 1];
    let of = |(i, (words, e)): (usize, (&String, &Evaluation))| {
        let shifted = i >= PLAIN.len();
        Measured {
            samples: words.clone(),
            loss: finite(e.loss),
            accuracy: finite(e.accuracy),
            rise: finite(e.loss - test.loss).filter(|_| shifted),
            drop: finite(test.accuracy - e.accuracy).filter(|_| shifted),
        }
    };
    words.iter().zip(at).enumerate().map(of).collect()
}

impl Shifted {
    /// Sets of samples: training, test, and a shift each.
    pub fn sets(&self) -> usize {
        PLAIN.len() + self.settings.shifts.len()
    }

    /// The curves as arrays of shape (minima, sets, points), and the coordinates of the points.
    pub fn arrays(&self, to: &mut Npz) {
        let n = self.settings.range.n;
        let shape = [self.minima.len(), self.sets(), n];
        to.push("shift_x", &[n], self.settings.range.points());
        to.push("shift_loss", &shape, self.loss.clone());
        to.push("shift_accuracy", &shape, self.accuracy.clone());
    }

    /// The same with the curves from the arrays of a saved result; `at` is what these are called in errors.
    pub fn with_arrays(mut self, arrays: &Npz, at: &str) -> Result<Self> {
        let shape = [self.minima.len(), self.sets(), self.settings.range.n];
        let read = |name: &str| match arrays.get(name) {
            Some(array) if array.shape == shape => Ok(array.to_f64()),
            _ => {
                let expected = format!("an array of shape {shape:?}");
                Err(Error::expected(format!("{at}: {name}"), expected, "another or none"))
            }
        };
        self.loss = read("shift_loss")?;
        self.accuracy = read("shift_accuracy")?;
        Ok(self)
    }

    /// One minimum's curve on one set of samples.
    pub fn curve<'a>(&self, values: &'a [f64], minimum: usize, set: usize) -> &'a [f64] {
        let n = self.settings.range.n;
        let start = (minimum * self.sets() + set) * n;
        values.get(start..start + n).unwrap_or_default()
    }

    /// The losses, side by side: training and test, and one panel a shift.
    pub fn figure(&self) -> Figure {
        let value = |m: &Measured| m.loss;
        self.panels("shift", "Loss around the minimum", &self.loss_label, &self.loss, value)
    }

    /// The errors in the same way; none in regression.
    pub fn error_figure(&self) -> Option<Figure> {
        let errors: Vec<f64> = self.accuracy.iter().map(|a| 1.0 - a).collect();
        let value = |m: &Measured| m.accuracy.map(|a| 1.0 - a);
        let title = "Error around the minimum";
        let known = errors.iter().any(|e| e.is_finite());
        known.then(|| self.panels("shift-error", title, "error", &errors, value))
    }

    /// All there is to draw.
    pub fn figures(&self) -> Vec<Figure> {
        [Some(self.figure()), self.error_figure()].into_iter().flatten().collect()
    }

    fn panels(
        &self,
        name: &str,
        what: &str,
        label: &str,
        values: &[f64],
        at: impl Fn(&Measured) -> Option<f64>,
    ) -> Figure {
        let range = shared(values);
        let x = self.settings.range.points();
        let sets = std::iter::once((1, "training (solid) and test (dashed)".to_owned())).chain(
            self.settings
                .shifts
                .iter()
                .enumerate()
                .map(|(i, s)| (i + 2, format!("test under {} (dashed)", s.words()))),
        );
        let panel = |(set, title): (usize, String)| {
            let mut panel = Panel {
                title,
                x: Axis { label: self.direction(), scale: Scale::Linear, range: None },
                y: Axis { label: label.to_owned(), scale: Scale::Auto, range },
                ..Panel::default()
            };
            for (m, minimum) in self.minima.iter().enumerate() {
                for (set, style) in [(0, Style::Line), (set, Style::Dashed)] {
                    // A dashed curve has the colour of the solid one before it.
                    let label = if set == 0 { minimum.name.clone() } else { String::new() };
                    let y = self.curve(values, m, set).to_vec();
                    panel.series.push(Series { label, x: x.clone(), y, style, ..Series::default() });
                    let there = minimum.at.get(set).and_then(&at);
                    let within = self.settings.range.min <= 0.0 && self.settings.range.max >= 0.0;
                    let mark = |y| Mark { x: 0.0, y, label: "trained weights".to_owned() };
                    panel.marks.extend(there.filter(|_| within).map(mark));
                }
            }
            panel
        };
        let of = if self.minima.len() > 1 { "minima" } else { "minimum" };
        Figure {
            name: name.to_owned(),
            chart: "lines".to_owned(),
            title: format!("{} on {} and under shifted data", what.replace("minimum", of), self.data),
            subtitle: self.subtitle(),
            panels: sets.map(panel).collect(),
        }
    }

    fn direction(&self) -> String {
        match self.settings.normalize.name() {
            "none" => "random direction, as drawn".to_owned(),
            name => format!("{name}-normalised random direction"),
        }
    }

    fn subtitle(&self) -> String {
        let mut words = vec![
            format!("seed {}", self.settings.seed),
            format!("{} training and {} test samples", self.samples.0, self.samples.1),
        ];
        if let [one] = self.minima.as_slice() {
            words.insert(0, one.title.clone());
        }
        words.join("; ")
    }
}

/// The range that all panels share.
fn shared(values: &[f64]) -> Option<(f64, f64)> {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    (low < high).then(|| {
        if low > 0.0 && high / low > 50.0 {
            // A logarithmic axis, with room around the curves.
            (low / 1.25, high * 1.25)
        } else {
            (low - 0.04 * (high - low), high + 0.04 * (high - low))
        }
    })
}
