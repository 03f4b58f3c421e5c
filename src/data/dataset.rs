//! A data set ready for training: split into training and test samples, and standardised.
//!
//! The split is a permutation drawn from the stream `data/split` of the *data* seed, so that runs whose training
//! seeds differ still compare; a source with test samples of its own keeps them. Memory: the samples once as f64,
//! and the test samples once more while they are split off (full MNIST: 419 + 60 MiB; CIFAR-10: 1.4 + .2 GiB).

use crate::base::files::{brief, hex};
use crate::base::npz::Npz;
use crate::base::text::visible;
use crate::base::{Error, Result, Streams};
use crate::data::{Preparation, Raw, Samples, Scaling, Source, Standardize, Targets, Units};
use sha2::{Digest, Sha256};

/// Samples, split for training and testing.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The source as text: its kind, and the settings that are not defaults, of paths the last part.
    pub name: String,
    /// Of one sample: `[features]` or `[channels, height, width]`.
    pub shape: Vec<usize>,
    /// Number of classes, labels are below it; or how many values a sample has.
    pub outputs: usize,
    /// What training sees, in random order: the first n of them are a fair sample.
    pub train: Samples,
    /// What it never sees.
    pub test: Samples,
    /// How the inputs were standardised, if they were.
    pub scaling: Option<Scaling>,
    /// How target values were standardised, if they were.
    pub units: Option<Units>,
    /// What looks wrong or had to be assumed, a line each.
    pub notes: Vec<String>,
    /// What the classes are called, in order; empty where they have no names beside their numbers.
    pub class_names: Vec<String>,
}

impl Dataset {
    /// Loads `source`, splits it and prepares it. Everything random follows `data_seed`.
    pub fn load(source: &Source, data_seed: u64, preparation: &Preparation) -> Result<Self> {
        preparation.check()?;
        let streams = Streams::new(data_seed);
        let Raw { shape, outputs, mut samples, split, own_scale, numbers, notes, class_names } =
            source.load(&streams)?;
        let (order, at) = split.order(samples.len(), &streams);
        samples.reorder(&order);
        let mut test = samples.split_off(at);
        let mut train = samples;
        preparation.choose(&mut train, outputs)?;
        if train.is_empty() {
            return Err(Error::expected(source.title(), "training samples", "none"));
        }
        preparation.corrupt(&mut train, outputs, &streams)?;
        let features: usize = shape.iter().product();
        let group = match (preparation.standardize, shape.as_slice()) {
            (Standardize::None, _) => None,
            (Standardize::Auto, _) if own_scale => None,
            (Standardize::Auto | Standardize::Feature, _) => Some(1),
            (Standardize::Channel, [_, rest @ ..]) if shape.len() == 3 => Some(rest.iter().product()),
            (Standardize::Channel, _) => Some(features),
        };
        let mut scaling = group.map(|group| Scaling::of(&train, features, group));
        if let Some(scaling) = &mut scaling {
            scaling.leave(&numbers);
        }
        if let Some(scaling) = &scaling {
            scaling.apply(&mut train);
            scaling.apply(&mut test);
        }
        let units = if preparation.standardize_targets { Some(Units::of(&train, outputs)?) } else { None };
        if let Some(units) = &units {
            units.apply(&mut train);
            units.apply(&mut test);
        }
        let name = visible(&source.title()).into_owned();
        Ok(Self { name, shape, outputs, train, test, scaling, units, notes, class_names })
    }

    /// How many numbers a sample has.
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether samples have classes, rather than values.
    pub fn has_classes(&self) -> bool {
        self.train.labels().is_some()
    }

    /// "10 classes", "1 value a sample".
    pub fn targets(&self) -> String {
        match (self.has_classes(), self.outputs) {
            (true, n) => match self.class_names.as_slice() {
                [] => format!("{n} classes"),
                names => format!("{n} classes ({})", listed(names)),
            },
            (false, 1) => "1 value a sample".to_owned(),
            (false, n) => format!("{n} values a sample"),
        }
    }

    /// An input as it was before standardising.
    pub fn original(&self, input: &[f64]) -> Vec<f64> {
        self.scaling.as_ref().map_or_else(|| input.to_vec(), |scaling| scaling.undo(input))
    }

    /// What pads images that are shifted, for each channel: the standardised value of black (0), where a channel
    /// has one scale; else 0, the mean image.
    pub fn padding(&self) -> Vec<f64> {
        let channels = if self.shape.len() == 3 { self.shape[0] } else { 1 };
        self.scaling.as_ref().map_or_else(|| vec![0.0; channels], |scaling| scaling.black(channels))
    }

    /// The samples as arrays, shape (samples, features or channels, height, width), and their labels (samples) or
    /// values (samples, outputs); `train_weight` and `test_weight` (samples) where samples have weights.
    pub fn to_npz(&self) -> Npz {
        let mut npz = Npz::default();
        for (part, samples) in [("train", &self.train), ("test", &self.test)] {
            let shape = [&[samples.len()], self.shape.as_slice()].concat();
            npz.push(&format!("{part}_x"), &shape, samples.x.clone());
            let name = format!("{part}_y");
            match &samples.y {
                Targets::Classes(labels) => {
                    let labels: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
                    npz.push(&name, &shape[..1], labels);
                }
                Targets::Values(values) => npz.push(&name, &[samples.len(), self.outputs], values.clone()),
            }
            if !samples.weights.is_empty() {
                npz.push(&format!("{part}_weight"), &[samples.len()], samples.weights.clone());
            }
        }
        npz
    }

    /// SHA-256, in hexadecimal, of shape, outputs, targets and the bits of every number: two runs saw the same data
    /// exactly if theirs are equal.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        let mut count = |n: usize| hash.update((n as u64).to_le_bytes());
        // Each list is preceded by its length, so that no two data sets give the same bytes.
        count(self.shape.len());
        self.shape.iter().copied().for_each(&mut count);
        count(self.outputs);
        for samples in [&self.train, &self.test] {
            match &samples.y {
                Targets::Classes(labels) => {
                    hash.update((samples.len() as u64).to_le_bytes());
                    labels.iter().for_each(|label| hash.update(label.to_le_bytes()));
                }
                Targets::Values(values) => {
                    // No list of classes is so long.
                    hash.update(u64::MAX.to_le_bytes());
                    hash.update((samples.len() as u64).to_le_bytes());
                    numbers(&mut hash, values);
                }
            }
            numbers(&mut hash, &samples.x);
            if !samples.weights.is_empty() {
                hash.update((samples.len() as u64).to_le_bytes());
                numbers(&mut hash, &samples.weights);
            }
        }
        hex(&hash.finalize())
    }
}

/// The first few names, cut where they are long.
fn listed(names: &[String]) -> String {
    const MOST: usize = 6;
    let shown: Vec<String> = names.iter().take(MOST).map(|name| brief(name)).collect();
    let dots = if names.len() > MOST { ", ..." } else { "" };
    shown.join(", ") + dots
}

/// The bits of `values`, the same ones for every NaN.
fn numbers(hash: &mut Sha256, values: &[f64]) {
    let bits = |v: &f64| if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() };
    let mut bytes = Vec::with_capacity(8 * 4096);
    for some in values.chunks(4096) {
        bytes.clear();
        some.iter().for_each(|v| bytes.extend(bits(v).to_le_bytes()));
        hash.update(&bytes);
    }
}
