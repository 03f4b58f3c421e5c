//! How signals and gradients pass through a network at its start, layer by layer, for a set of initializers and norms:
//! the pass that the survey opens with (LeCun et al. 1998; Glorot and Bengio 2010; He et al. 2015).
//!
//! What is measured, of layers with weights in their order, stands in [`crate::nn::propagation`].
//!
//! Slopes are least squares of log2 of the second moments against the layer, over all layers but the first and the last,
//! whose widths are the data's. With ReLU and Var W = c / fan_in the forward one is log2(c / 2).
//!
//! The range of standard deviations of preactivations is over all layers and draws, at the samples that are sent through. LSUV
//! makes the deviation 1 at the first training samples, as many as its `batch`: with no more `samples` than that those are
//! the same ones, with more the others are counted, too.

mod analysis;
mod result;

pub use result::{Extremes, PropagateResult, Propagation, Variant};

use super::pieces::{Division, Ledger, Share, log_name};
use super::progress::{Observe, Progress};
use super::run::cut;
use super::{DataSettings, Outcome, to_json};
use crate::base::npz::Npz;
use crate::base::pool::on_workers;
use crate::base::registry::Registry;
use crate::base::shard::Shard;
use crate::base::{Error, Precision, Result, files};
use crate::data::{Dataset, Preparation, Source};
use crate::nn::Statistics;
use crate::nn::architectures::{Architecture, Unfold};
use crate::nn::inits::Initializer;
use crate::nn::losses::Loss;
use crate::nn::norms::Norm;
use crate::nn::propagation::{DEVIATION, MEASURES, MOST_INPUTS};
use crate::train::{TrainSettings, loss, network};
use serde::{Deserialize, Serialize};
use serde_json::json;
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
    /// Training samples that are sent through [default: 512, or all if there are fewer]
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
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

/// Training samples that are sent through where nothing is said.
pub const SAMPLES: usize = 512;

impl Default for PropagateSettings {
    fn default() -> Self {
        let parse = |text: &str| text.parse::<Initializer>().unwrap_or_default();
        let hidden = vec![128; 30]; // deep enough for factors of 2 a layer to show
        Self {
            data: Source::default(),
            data_seed: 0,
            preparation: Preparation::default(),
            samples: None,
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
        within("--samples", self.samples.unwrap_or(SAMPLES), 2..=10_000_000)?;
        within("--seeds", self.seeds, 1..=10_000)?;
        within("--jacobian-samples", self.jacobian_samples, 0..=1000)?;
        if self.model.exported().is_some() {
            let expected = "a network of layers, between which signals are measured";
            return Err(Error::expected("--model", expected, "an exported graph"));
        }
        if self.init.is_empty() {
            return Err(Error::expected("--init", "at least one", "none"));
        }
        if self.memory > 0.0 && self.memory <= 1e6 {
            Ok(())
        } else {
            Err(Error::expected("--memory", "a number of GiB above 0 and at most 1e6", self.memory))
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
    if !settings.contains_key("norm") && *norm == Norm::default() {
        return Ok(model.clone());
    }
    if !settings.contains_key("norm") {
        let found = format!("{}, which has no setting `norm`", model.name());
        return Err(Error::expected("--norm", "a network whose norm can be chosen", found));
    }
    settings.insert("norm".to_owned(), norm.to_value());
    Architecture::from_settings(model.name(), settings)
}

/// The command.
const NAME: &str = "propagate";

/// Removes what an unfinished study left in a directory.
pub fn discard(directory: &Path) -> Result<()> {
    files::remove(&directory.join(log_name(NAME)))
}

/// Sends signals through. Finished draws are kept where `share` says, and not made again; there is no result where a part of
/// them is all that is wanted.
pub fn run(
    settings: &PropagateSettings,
    share: Option<&Share>,
    observe: Observe,
) -> Result<Option<PropagateResult>> {
    settings.check()?;
    let (data, dataset) = DataSettings::load(&settings.train())?;
    let all = dataset.train.len();
    let few = settings.samples.unwrap_or(SAMPLES.min(all));
    super::run::at_most(all, few, "--samples")?;
    if few < 2 {
        return Err(Error::expected("training samples", "at least 2, which units can tell apart", few));
    }
    if settings.jacobian_samples > few {
        let expected = format!("at most the {few} samples that are sent through");
        return Err(Error::expected("--jacobian-samples", expected, settings.jacobian_samples));
    }
    let dataset = cut(dataset, Some(few), "--samples")?;
    let settings = PropagateSettings { samples: Some(few), ..settings.clone() };
    on_workers(|| compute(&settings, data, dataset, share, observe))
}

fn compute(
    settings: &PropagateSettings,
    data: DataSettings,
    dataset: Dataset,
    share: Option<&Share>,
    observe: Observe,
) -> Result<Option<PropagateResult>> {
    let variants = settings.variants()?;
    let total = variants.len() * settings.seeds;
    observe(Progress::Begins(NAME, "draws", total));
    let mut ledger: Option<Ledger> = None;
    let mut left: Vec<usize> = Vec::new();
    let (mut names, mut title): (Vec<String>, String) = (Vec::new(), String::new());
    for (v, (_, init, model)) in variants.iter().enumerate() {
        let train = TrainSettings { model: model.clone(), ..settings.train() };
        let network = Arc::new(network(&train, &dataset)?);
        let over = loss(&network, &dataset.train, settings.precision, Statistics::Groups(usize::MAX));
        let pass = over.propagation();
        let most = settings.memory * f64::from(1 << 30);
        if pass.bytes() as f64 > most {
            let gib = pass.bytes() as f64 / f64::from(1 << 30);
            let expected = format!("samples whose signals fit in {} GiB (--memory)", settings.memory);
            let found = format!("{}, {gib:.1} GiB", dataset.train.len());
            return Err(Error::expected("--samples", expected, found));
        }
        names = pass.names();
        title = super::run::title(&network, &dataset);
        // How many layers there are is known now.
        if ledger.is_none() {
            let opened = Ledger::open(Division {
                command: NAME,
                units: ["draw", "draws"],
                all: total,
                width: MEASURES.len() * names.len(),
                header: json!({
                    "version": env!("CARGO_PKG_VERSION"),
                    "settings": to_json(settings)?,
                    "data_sha256": data.sha256,
                }),
                share,
            })?;
            left = opened.left(Shard::deals);
            ledger = Some(opened);
        }
        let Some(ledger) = &ledger else { continue };
        for seed in 0..settings.seeds {
            let piece = v * settings.seeds + seed;
            if left.contains(&piece) {
                let seed = settings.seed.wrapping_add(seed as u64);
                let layers = pass.measure(init, seed, settings.jacobian_samples);
                ledger.finish(piece, layers.concat()).map_err(|e| ledger.stopped(e))?;
            }
            observe(Progress::Done(1.0));
        }
    }
    let depth = names.len();
    let mut measures: Vec<Vec<f64>> = vec![Vec::new(); MEASURES.len()];
    let all = match ledger.map(Ledger::done) {
        Some(None) => return Ok(None),
        done => done.flatten().unwrap_or_default(),
    };
    for numbers in all.values() {
        measures.iter_mut().zip(numbers.chunks(depth)).for_each(|(all, new)| all.extend(new));
    }
    let jacobian = match (settings.jacobian_samples, dataset.features()) {
        (0, _) => "not asked for".to_owned(),
        (_, n) if n > MOST_INPUTS => format!("not computed: {n} inputs, more than {MOST_INPUTS}"),
        (n, _) => format!("geometric means over {n} samples"),
    };
    let tried = variants.iter().enumerate().map(|(v, (label, init, model))| {
        let slopes = |measure: usize| -> Vec<f64> {
            let rows = measures[measure].chunks_exact(depth).skip(v * settings.seeds);
            rows.take(settings.seeds).map(slope).collect()
        };
        let (forward, backward) = (slopes(0), slopes(1));
        let draws = v * settings.seeds * depth..(v + 1) * settings.seeds * depth;
        Variant {
            label: label.clone(),
            init: init.clone(),
            model: model.clone(),
            forward_slope: median(&forward),
            forward_slopes: forward,
            backward_slope: median(&backward),
            backward_slopes: backward,
            deviation: Extremes::of(&measures[DEVIATION][draws]),
        }
    });
    let finite = measures[..2].iter().flatten().all(|x| x.is_finite());
    let numbers = Propagation {
        status: if finite { "done" } else { "done, with moments that are not finite" }.to_owned(),
        title,
        settings: settings.clone(),
        seed: settings.seed,
        data_sha256: data.sha256.clone(),
        data,
        samples: dataset.train.len(),
        layers: names,
        slope_layers: (depth >= 4).then(|| [2, depth - 1]),
        jacobian_status: jacobian,
        variants: tried.collect(),
    };
    let mut arrays = Npz::default();
    arrays.push("layer", &[depth], (1..=depth).map(|l| l as f64).collect::<Vec<f64>>());
    for (name, values) in MEASURES.iter().zip(measures) {
        arrays.push(name, &[variants.len(), settings.seeds, depth], values);
    }
    Ok(Some(Outcome::new(numbers, arrays, Vec::new())))
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
    if values.iter().any(|v| v.is_nan()) || n == 0 {
        f64::NAN
    } else {
        (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0
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
}
