//! How signals and gradients pass through a network at its start, layer by layer, for a set of initializers and norms:
//! the pass that the survey opens with (LeCun et al. 1998; Glorot and Bengio 2010; He et al. 2015).
//!
//! For the layers with weights, in order, at z_l, what the layer puts out before its activation:
//!
//! - `forward` and `deviation`: mean of z_l^2 over units and samples, and the standard deviation of z_l;
//! - `backward`: mean of (dL/dz_l)^2 over units and samples, L the loss of the sample;
//! - `dead`: share of units that the activation behind makes the same number for every sample (ReLU: never active);
//! - `gradient_norm`: of the mean loss in the layer's weights;
//! - `jacobian_*`: singular values of dz_l/dx at single samples: the largest, the median and the smallest, their
//!   geometric means over the samples. Exact, from tangents of every input.
//!
//! Slopes are least squares of log2 of the second moments against the layer, over all layers but the first and the last,
//! whose widths are the data's. With ReLU and Var W = c / fan_in the forward one is log2(c / 2).
//! Norms use the statistics of the samples at hand, all of them one group; the Jacobian takes them as constants.

use super::{DataSettings, Files, Saved, document};
use crate::autodiff::{Bindings, Element, Node, Plan, Program, Shape, TangentPlan, Tape};
use crate::base::npz::Npz;
use crate::base::pool::on_workers;
use crate::base::registry::Registry;
use crate::base::{Error, Precision, Result, Streams, files, interrupt};
use crate::data::{Dataset, Preparation, Source};
use crate::figure::{Axis, Figure, Panel, Scale, Series, Style};
use crate::nn::architectures::Architecture;
use crate::nn::inits::Initializer;
use crate::nn::losses::Loss;
use crate::nn::norms::Norm;
use crate::nn::recorder::Recorder;
use crate::nn::{Mode, Network, Objective, Samples, Statistics};
use crate::train::{TrainSettings, network, samples};
use crate::with_precision;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Settings of a propagation study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PropagateSettings {
    /// Data set: a name from `losscape list data`, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = PropagateSettings::default().data)]
    pub data: Source,
    /// Seed of the split and of generated data
    #[arg(long, value_name = "N", default_value_t = PropagateSettings::default().data_seed)]
    pub data_seed: u64,
    /// Subset, label noise, standardising.
    #[command(flatten)]
    #[serde(flatten)]
    pub preparation: Preparation,
    /// Training samples that are sent through
    #[arg(long, value_name = "N", default_value_t = PropagateSettings::default().samples)]
    pub samples: usize,
    /// Network: a name from `losscape list model`, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = PropagateSettings::default().model)]
    pub model: Architecture,
    /// The loss whose gradients are sent back
    #[arg(long, value_name = "KIND", default_value_t = PropagateSettings::default().loss)]
    pub loss: Loss,
    /// An initializer to try; give the flag once for each
    #[arg(long, value_name = "KIND", default_values_t = PropagateSettings::default().init)]
    pub init: Vec<Initializer>,
    /// A norm to try; give the flag once for each [default: the network's own]
    #[arg(long, value_name = "KIND")]
    pub norm: Vec<Norm>,
    /// Draws of each initializer
    #[arg(long, value_name = "N", default_value_t = PropagateSettings::default().seeds)]
    pub seeds: usize,
    /// Samples at which the input-output Jacobian is taken; 0 for none
    #[arg(long, value_name = "N", default_value_t = PropagateSettings::default().jacobian_samples)]
    pub jacobian_samples: usize,
    /// Seed of the first draw
    #[arg(long, value_name = "N", default_value_t = PropagateSettings::default().seed)]
    pub seed: u64,
    /// Element type
    #[arg(long, value_name = "TYPE", default_value_t = PropagateSettings::default().precision)]
    pub precision: Precision,
    /// Memory that the signals of all layers may take, in GiB
    #[arg(long, value_name = "GIB", default_value_t = PropagateSettings::default().memory)]
    pub memory: f64,
}

impl Default for PropagateSettings {
    fn default() -> Self {
        let parse = |text: &str| text.parse::<Initializer>().unwrap_or_default();
        let hidden = vec![128; 30]; // deep enough for factors of 2 a layer to show
        Self {
            data: Source::default(),
            data_seed: 0,
            preparation: Preparation::default(),
            samples: 512,
            model: crate::nn::architectures::Mlp { hidden, ..Default::default() }.into(),
            loss: Loss::default(),
            // Too small by a factor of 2, right, too large by one, and two that are not drawn element by element.
            init: ["lecun-normal", "glorot-normal", "he-normal", "geometric:c=4", "orthogonal", "lsuv"]
                .map(parse)
                .to_vec(),
            norm: Vec::new(),
            seeds: 3,
            jacobian_samples: 2,
            seed: 0,
            precision: Precision::default(),
            memory: 4.0,
        }
    }
}

impl PropagateSettings {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        let within = |flag: &str, value: usize, range: std::ops::RangeInclusive<usize>| {
            let expected = format!("{} to {}", range.start(), range.end());
            if range.contains(&value) { Ok(()) } else { Err(Error::expected(flag, expected, value)) }
        };
        self.preparation.check()?;
        within("--samples", self.samples, 2..=10_000_000)?;
        within("--seeds", self.seeds, 1..=10_000)?;
        within("--jacobian-samples", self.jacobian_samples, 0..=1000)?;
        if self.init.is_empty() {
            return Err(Error::expected("--init", "at least one", "none"));
        }
        match self.memory > 0.0 && self.memory <= 1e6 {
            true => Ok(()),
            false => Err(Error::expected("--memory", "a number of GiB above 0 and at most 1e6", self.memory)),
        }
    }

    /// The settings of training that the same network and data have.
    fn train(&self) -> TrainSettings {
        TrainSettings {
            data: self.data.clone(),
            data_seed: self.data_seed,
            preparation: self.preparation.clone(),
            model: self.model.clone(),
            loss: self.loss.clone(),
            seed: self.seed,
            precision: self.precision,
            ..TrainSettings::default()
        }
    }

    /// What is tried: a label, an initializer, a model.
    fn variants(&self) -> Result<Vec<(String, Initializer, Architecture)>> {
        let mut all = Vec::new();
        let norms: Vec<Option<&Norm>> = match self.norm.as_slice() {
            [] => vec![None],
            some => some.iter().map(Some).collect(),
        };
        for norm in &norms {
            let model = norm.map_or(Ok(self.model.clone()), |norm| with_norm(&self.model, norm))?;
            for init in &self.init {
                let label = match norm {
                    Some(norm) if norms.len() > 1 => format!("{init}, {norm}"),
                    _ => init.to_string(),
                };
                all.push((label, init.clone(), model.clone()));
            }
        }
        Ok(all)
    }
}

/// The same network with another norm.
pub fn with_norm(model: &Architecture, norm: &Norm) -> Result<Architecture> {
    let mut settings = model.settings();
    if !settings.contains_key("norm") {
        let found = format!("{}, which has no setting `norm`", model.name());
        return Err(Error::expected("--norm", "a network whose norm can be chosen", found));
    }
    settings.insert("norm".to_owned(), norm.to_value());
    Architecture::from_settings(model.name(), settings)
}

/// Measures by layer, in the order of the arrays.
const MEASURES: [&str; 8] = [
    "forward",
    "backward",
    "deviation",
    "dead",
    "gradient_norm",
    "jacobian_max",
    "jacobian_median",
    "jacobian_min",
];

/// Most inputs for which the whole Jacobian is made.
const MOST_INPUTS: usize = 1024;

/// A finished study.
#[derive(Clone, Debug)]
pub struct PropagateResult {
    summary: Value,
    arrays: Npz,
}

/// Sends signals through; `observe` hears how many draws are done and how many there are.
pub fn run(
    settings: &PropagateSettings,
    observe: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<PropagateResult> {
    settings.check()?;
    let (data, dataset) = DataSettings::load(&settings.train())?;
    super::run::at_most(dataset.train.len(), settings.samples, "--samples")?;
    on_workers(|| with_precision!(settings.precision, E => compute::<E>(settings, data, dataset, observe)))
}

fn compute<E: Element>(
    settings: &PropagateSettings,
    data: DataSettings,
    mut dataset: Dataset,
    observe: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<PropagateResult> {
    dataset.train.truncate(settings.samples);
    let variants = settings.variants()?;
    let total = variants.len() * settings.seeds;
    let mut measures: Vec<Vec<f64>> = vec![Vec::new(); MEASURES.len()];
    let (mut names, mut title): (Vec<String>, String) = (Vec::new(), String::new());
    for (v, (_, init, model)) in variants.iter().enumerate() {
        let train = TrainSettings { model: model.clone(), ..settings.train() };
        let network = Arc::new(network(&train, &dataset)?);
        let mut pass = Pass::<E>::new(network.clone(), samples(&network, &dataset.train), settings)?;
        names = pass.layers.iter().map(|l| l.name.clone()).collect();
        title = super::run::title(&network, &dataset);
        for seed in 0..settings.seeds {
            let layers =
                pass.measure(init, settings.seed.wrapping_add(seed as u64), settings.jacobian_samples);
            for (all, new) in measures.iter_mut().zip(layers) {
                all.extend(new);
            }
            observe(v * settings.seeds + seed + 1, total);
            if let Some(signal) = interrupt::requested() {
                let kept = "nothing was written".to_owned();
                return Err(Error::Interrupted { at: "propagate".to_owned(), kept, signal });
            }
        }
    }
    let depth = names.len();
    let jacobian = match (settings.jacobian_samples, dataset.features()) {
        (0, _) => "not asked for".to_owned(),
        (_, n) if n > MOST_INPUTS => format!("not computed: {n} inputs, more than {MOST_INPUTS}"),
        (n, _) => format!("geometric means over {n} samples"),
    };
    let summaries: Vec<Value> = variants
        .iter()
        .enumerate()
        .map(|(v, (label, init, model))| {
            let slopes = |measure: usize| -> Vec<f64> {
                let rows = measures[measure].chunks_exact(depth).skip(v * settings.seeds);
                rows.take(settings.seeds).map(slope).collect()
            };
            let (forward, backward) = (slopes(0), slopes(1));
            json!({
                "label": label,
                "init": init,
                "model": model,
                "forward_slope": median(&forward),
                "forward_slopes": forward,
                "backward_slope": median(&backward),
                "backward_slopes": backward,
            })
        })
        .collect();
    let finite = measures[..2].iter().flatten().all(|x| x.is_finite());
    let summary = json!({
        "command": "propagate",
        "version": env!("CARGO_PKG_VERSION"),
        "status": if finite { "done" } else { "done, with moments that are not finite" },
        "title": title,
        "settings": settings,
        "seed": settings.seed,
        "data": data,
        "data_sha256": data.sha256,
        "samples": dataset.train.len(),
        "layers": names,
        "slope_layers": if depth >= 4 { json!([2, depth - 1]) } else { Value::Null },
        "jacobian_status": jacobian,
        "variants": summaries,
    });
    let mut arrays = Npz::default();
    arrays.push("layer", &[depth], (1..=depth).map(|l| l as f64).collect::<Vec<f64>>());
    for (name, values) in MEASURES.iter().zip(measures) {
        arrays.push(name, &[variants.len(), settings.seeds, depth], values);
    }
    Ok(PropagateResult { summary, arrays })
}

/// Slope of log2 against the layer by least squares, without the first and the last layer; NaN where fewer than two are
/// left or one is not positive and finite.
fn slope(values: &[f64]) -> f64 {
    let inner = values.get(1..values.len().saturating_sub(1)).unwrap_or_default();
    let n = inner.len() as f64;
    let mean = |of: &dyn Fn(usize) -> f64| (0..inner.len()).map(of).sum::<f64>() / n;
    let y = |i: usize| if inner[i] > 0.0 && inner[i].is_finite() { inner[i].log2() } else { f64::NAN };
    let (mx, my) = (mean(&|i| i as f64), mean(&y));
    let covariance = mean(&|i| (i as f64 - mx) * (y(i) - my));
    covariance / mean(&|i| (i as f64 - mx).powi(2))
}

/// The middle one; NaN if any is.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    match values.iter().any(|v| v.is_nan()) || n == 0 {
        true => f64::NAN,
        false => (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0,
    }
}

/// A layer with weights.
struct LayerNodes {
    name: String,
    /// Its output, the activation behind it, and the gradient in its output.
    output: Node,
    active: Option<Node>,
    cotangent: Option<Node>,
    weight: usize,
}

/// A network recorded with everything that is measured.
struct Pass<E> {
    network: Arc<Network>,
    samples: Arc<Samples<E>>,
    objective: Objective<E>,
    program: Program,
    plan: Plan,
    layers: Vec<LayerNodes>,
}

impl<E: Element> Pass<E> {
    fn new(network: Arc<Network>, samples: Arc<Samples<E>>, settings: &PropagateSettings) -> Result<Self> {
        let n = samples.len();
        let recording = network.record(n, Mode::Batch, samples.masked());
        let mut layers: Vec<LayerNodes> = Vec::new();
        for trace in &recording.traces {
            let signal = &trace.signal;
            if let Some(weight) = trace.weight {
                layers.push(LayerNodes {
                    name: trace.name.clone(),
                    output: signal.node,
                    active: None,
                    cotangent: recording.program.cotangent(signal.node),
                    weight,
                });
            } else if let (true, Some(layer)) = (trace.activation, layers.last_mut()) {
                layer.active.get_or_insert(signal.node);
            }
        }
        let nodes = layers.iter().flat_map(|l| [Some(l.output), l.active, l.cotangent]).flatten();
        let plan = recording.program.gradient_plan_with(&nodes.collect::<Vec<_>>());
        let (bytes, most) = (plan.bytes::<E>() as f64, settings.memory * f64::from(1 << 30));
        if bytes > most {
            let gib = bytes / f64::from(1 << 30);
            let expected = format!("samples whose signals fit in {} GiB (--memory)", settings.memory);
            return Err(Error::expected("--samples", expected, format!("{n}, {gib:.1} GiB")));
        }
        let objective = Objective::new(network.clone(), samples.clone(), Statistics::Groups(usize::MAX));
        Ok(Self { network, samples, objective, program: recording.program, plan, layers })
    }

    /// One draw: each measure by layer.
    fn measure(&mut self, init: &Initializer, seed: u64, jacobian_samples: usize) -> [Vec<f64>; 8] {
        let drawn = self.network.init(init, &Streams::new(seed));
        let mut theta: Vec<E> = drawn.into_iter().map(E::from_f64).collect();
        let inputs = self.samples.inputs(&(0..self.samples.len()));
        self.network.adapt(init, inputs[0], &mut theta);
        let state = self.network.start(&theta);
        let bindings = Bindings { theta: &theta, state: &state, inputs: &inputs };
        let mut workspace = self.plan.workspace();
        self.plan.run(&bindings, &mut workspace);
        let values = self.plan.values(bindings, &workspace);
        let mut gradient = vec![E::ZERO; theta.len()];
        self.program.read_gradient(&values, &mut gradient);
        let n = self.samples.len() as f64;
        let mut all: [Vec<f64>; 8] = Default::default();
        for layer in &self.layers {
            let z = values.of(layer.output).data;
            let (mean, square) = moments(z);
            all[0].push(square);
            all[1].push(layer.cotangent.map_or(f64::NAN, |g| moments(values.of(g).data).1));
            all[2].push((square - mean * mean).max(0.0).sqrt());
            let dead = |node| dead_share(values.of(node).data, n as usize);
            all[3].push(layer.active.map_or(f64::NAN, dead));
            let range = self.network.layout().parameters[layer.weight].range();
            all[4].push(gradient[range].iter().map(|g| g.to_f64().powi(2)).sum::<f64>().sqrt() / n);
        }
        let jacobian = self.jacobian(&theta, &state, jacobian_samples);
        all[5..].iter_mut().zip(jacobian).for_each(|(all, values)| *all = values);
        all
    }

    /// Largest, median and smallest singular value of the Jacobian by layer.
    fn jacobian(&self, theta: &[E], state: &[E], count: usize) -> [Vec<f64>; 3] {
        let (features, p) = (self.network.features(), theta.len());
        let unknown = || std::array::from_fn(|_| vec![f64::NAN; self.layers.len()]);
        if count == 0 || features > MOST_INPUTS {
            return unknown();
        }
        // With statistics frozen at those of the samples, where there are any.
        let state = self.objective.refresh(theta, state);
        let mut tape = Tape::new();
        let data = tape.parameter(p, Shape::new(features, 1));
        let mut recorder = Recorder::new(&mut tape, 1, Mode::Running);
        if self.network.forward(&mut recorder, data).is_err() {
            return unknown();
        }
        let nodes: Vec<_> =
            recorder.traces.iter().filter(|t| t.weight.is_some()).map(|t| t.signal.node).collect();
        let (tangents, reads) = TangentPlan::new(&tape, &nodes, |n| n == data, None);
        let primal = Plan::new(tangents.tape().clone(), &reads, &[]);
        let (mut values, mut logs) = (primal.workspace(), vec![[0.0; 3]; nodes.len()]);
        let count = count.min(self.samples.len());
        // Tangents of so many inputs at once: most of a direction is zeros in theta's place.
        const BLOCK: usize = 16;
        let mut pushed = tangents.workspace(BLOCK);
        for sample in 0..count {
            let [x, ..] = self.samples.inputs(&(sample..sample + 1));
            let point = [theta, x].concat();
            let bindings = Bindings { theta: &point, state: &state, inputs: &[] };
            primal.run(&bindings, &mut values);
            let kept = primal.values(bindings, &values);
            let mut columns: Vec<Vec<f64>> = vec![Vec::new(); nodes.len()];
            for first in (0..features).step_by(BLOCK) {
                let mut directions = vec![E::ZERO; BLOCK * point.len()];
                for (j, input) in (first..features.min(first + BLOCK)).enumerate() {
                    directions[j * point.len() + p + input] = E::ONE;
                }
                tangents.run(&kept, &directions, BLOCK, &mut pushed);
                for (node, columns) in nodes.iter().zip(&mut columns) {
                    let block = tangents.tangent(*node, &directions, point.len(), &pushed);
                    for j in 0..BLOCK.min(features - first) {
                        match block {
                            Some(block) => columns.extend(block.slab(j).data.iter().map(|x| x.to_f64())),
                            None => columns.extend(vec![0.0; tape.shape(*node).size()]),
                        }
                    }
                }
            }
            for (columns, logs) in columns.iter().zip(&mut logs) {
                let extremes = singular_values(columns, features);
                logs.iter_mut().zip(extremes).for_each(|(l, s)| *l += s.ln() / count as f64);
            }
        }
        std::array::from_fn(|k| logs.iter().map(|l| l[k].exp()).collect())
    }
}

/// Mean and mean square.
fn moments<E: Element>(x: &[E]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().map(|x| x.to_f64()).sum::<f64>() / n;
    (mean, x.iter().map(|x| x.to_f64().powi(2)).sum::<f64>() / n)
}

/// Share of units (a channel at a position) that are the same number for every sample.
fn dead_share<E: Element>(x: &[E], samples: usize) -> f64 {
    let size = x.len() / samples.max(1);
    // A sample's numbers lie together, whether it is a vector or an image.
    let first = &x[..size];
    let mut same = vec![true; size];
    for sample in x.chunks_exact(size) {
        same.iter_mut().zip(sample.iter().zip(first)).for_each(|(s, (x, f))| *s &= x == f);
    }
    same.iter().filter(|s| **s).count() as f64 / size as f64
}

/// Largest, median and smallest of the singular values of a matrix of `columns` columns; NaN if it is not finite.
fn singular_values(entries: &[f64], columns: usize) -> [f64; 3] {
    let rows = entries.len() / columns;
    // One number that is none makes the decomposition take seconds and fail.
    if !entries.iter().all(|x| x.is_finite()) {
        return [f64::NAN; 3];
    }
    let matrix = faer::MatRef::from_column_major_slice(entries, rows, columns);
    match matrix.singular_values() {
        Ok(mut s) if !s.is_empty() => {
            s.sort_by(|a, b| b.total_cmp(a));
            [s[0], s[s.len() / 2], s[s.len() - 1].max(0.0)]
        }
        _ => [f64::NAN; 3],
    }
}

impl PropagateResult {
    /// Network and data in one line.
    pub fn title(&self) -> &str {
        self.summary["title"].as_str().unwrap_or_default()
    }

    /// For each variant its label and its slopes, forward and backward.
    pub fn slopes(&self) -> Vec<(String, Option<f64>, Option<f64>)> {
        let variants = self.summary["variants"].as_array().map_or(&[][..], Vec::as_slice);
        let of = |v: &Value| {
            let label = v["label"].as_str().unwrap_or_default().to_owned();
            (label, v["forward_slope"].as_f64(), v["backward_slope"].as_f64())
        };
        variants.iter().map(of).collect()
    }

    /// A measure, by its array's name: shape (variants, seeds, layers).
    pub fn measure(&self, name: &str) -> Option<Vec<f64>> {
        self.arrays.get(name).map(|a| a.to_f64())
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path) -> Result<Self> {
        let path = directory.join("propagate.json");
        let at = files::named(&path);
        let text = files::read_text(&path, files::LARGEST_JSON)?;
        let summary: Value = serde_json::from_str(&text).map_err(|e| Error::value(&at, &e.to_string()))?;
        let Some(variants) = summary["variants"].as_array().map(Vec::len) else {
            return Err(Error::expected(&at, "`variants` of a propagation", "none"));
        };
        let path = directory.join("propagate.npz");
        let at = files::named(&path);
        let arrays = Npz::read(&path)?;
        let layers = arrays.get("layer").map_or(0, |a| a.values.len());
        for name in MEASURES {
            let found = arrays.get(name).map(|a| a.shape.clone()).unwrap_or_default();
            if !matches!(found.as_slice(), [v, seeds, l] if (*v, *l) == (variants, layers) && *seeds > 0) {
                let expected = format!("shape [{variants}, seeds, {layers}]");
                return Err(Error::expected(format!("{at}: {name}"), expected, format!("{found:?}")));
            }
        }
        Ok(Self { summary, arrays })
    }

    /// One panel: a line a variant, the median over its draws, with a band from the least to the most.
    fn panel(&self, name: &str, label: &str, scale: Scale) -> Panel {
        let layers = self.measure("layer").unwrap_or_default();
        let (values, labels) = (self.measure(name).unwrap_or_default(), self.slopes());
        let seeds = (values.len() / (layers.len() * labels.len()).max(1)).max(1);
        let series = |(v, (label, ..)): (usize, (String, Option<f64>, Option<f64>))| {
            let rows = &values[v * seeds * layers.len()..(v + 1) * seeds * layers.len()];
            let at = |of: &dyn Fn(&[f64]) -> f64| -> Vec<f64> {
                (0..layers.len())
                    .map(|l| {
                        let draws: Vec<f64> = (0..seeds).map(|s| rows[s * layers.len() + l]).collect();
                        let value = of(&draws);
                        // A logarithmic axis has no place for zero.
                        if scale == Scale::Log && value <= 0.0 { f64::NAN } else { value }
                    })
                    .collect()
            };
            let extreme = |of: fn(f64, f64) -> f64| {
                at(&move |d: &[f64]| d.iter().copied().reduce(of).unwrap_or(f64::NAN))
            };
            Series {
                label,
                x: layers.clone(),
                y: at(&median),
                band: (seeds > 1).then(|| (extreme(f64::min), extreme(f64::max))),
                style: Style::Line,
            }
        };
        let axis = |label: &str, scale| Axis { label: label.to_owned(), scale, range: None };
        Panel {
            x: axis("layer", Scale::Linear),
            y: axis(label, scale),
            series: labels.into_iter().enumerate().map(series).collect(),
            ..Panel::default()
        }
    }
}

impl Saved for PropagateResult {
    fn files(&self) -> Result<Files> {
        let mut npz = std::io::Cursor::new(Vec::new());
        self.arrays.write_to(&mut npz).map_err(|e| Error::machine("propagate.npz", e))?;
        Ok(vec![
            ("propagate.npz".to_owned(), npz.into_inner()),
            ("propagate.json".to_owned(), document(&self.summary)),
        ])
    }

    fn json(&self) -> Result<Value> {
        Ok(self.summary.clone())
    }

    fn figures(&self) -> Vec<Figure> {
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let settings = &self.summary["settings"];
        let subtitle = format!(
            "at the start, {} samples; median of {} draws, least to most",
            number(&self.summary["samples"]),
            number(&settings["seeds"])
        );
        let figure = |name: &str, title: &str, panels: Vec<Panel>| Figure {
            name: name.to_owned(),
            chart: "lines".to_owned(),
            title: format!("{title} of {}", self.title()),
            subtitle: subtitle.clone(),
            panels,
        };
        let mut figures = vec![figure(
            "propagate",
            "Signals and gradients",
            vec![
                self.panel("forward", "second moment of preactivations", Scale::Log),
                self.panel("backward", "second moment of their gradients", Scale::Log),
                self.panel("gradient_norm", "gradient norm of the weights", Scale::Log),
                self.panel("dead", "share of dead units", Scale::Linear),
            ],
        )];
        if self.measure("jacobian_max").is_some_and(|m| m.iter().any(|x| x.is_finite())) {
            figures.push(figure(
                "jacobian",
                "Input-output Jacobian",
                vec![
                    self.panel("jacobian_max", "largest singular value", Scale::Log),
                    self.panel("jacobian_median", "median singular value", Scale::Log),
                ],
            ));
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_powers_of_two() {
        let powers: Vec<f64> = (0..9).map(|l| 3.0 * 2f64.powf(-0.75 * f64::from(l))).collect();
        assert!((slope(&powers) + 0.75).abs() < 1e-12);
        // What the first and the last do does not count.
        let mut other = powers.clone();
        (other[0], other[8]) = (1e9, 0.0);
        assert!((slope(&other) + 0.75).abs() < 1e-12);
        other[3] = 0.0;
        assert!(slope(&other).is_nan() && slope(&powers[..3]).is_nan());
    }

    #[test]
    fn dead_units_say_the_same_for_every_sample() {
        assert_eq!(dead_share(&[0.0, 1.0, 0.0, 2.0, 0.0, 3.0f64], 3), 0.5);
    }

    #[test]
    fn singular_values_of_a_diagonal_are_its_entries() {
        let [most, middle, least] = singular_values(&[3.0, 0.0, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0, 1.0], 3);
        for (found, expected) in [(most, 3.0), (middle, 2.0), (least, 1.0)] {
            assert!((found - expected).abs() < 1e-14);
        }
        assert!(singular_values(&[f64::NAN], 1)[0].is_nan());
    }
}
