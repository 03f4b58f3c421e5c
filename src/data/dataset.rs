//! A data set ready for training: split into training and test samples, and standardised.
//!
//! The split is a permutation drawn from the stream `data/split` of the *data* seed, so that runs whose
//! training seeds differ still compare. Standardising is by feature (for images, by pixel and channel):
//! `z = (x - mean) / std`, with mean and population standard deviation of the training samples, used for the
//! test samples too. A feature that is constant in training has no scale: it becomes 0 everywhere.

use crate::base::files::hex;
use crate::base::npz::Npz;
use crate::base::registry::Registry;
use crate::base::{Result, Streams};
use crate::data::{Raw, Source};
use rand::seq::SliceRandom;
use sha2::{Digest, Sha256};

/// Labelled samples, split for training and testing.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The source as text: its kind, and the settings that are not defaults.
    pub name: String,
    /// Of one sample: `[features]` or `[channels, height, width]`.
    pub shape: Vec<usize>,
    /// Number of classes; labels are below it.
    pub classes: usize,
    /// What training sees, in random order: the first n of them are a fair sample.
    pub train: Samples,
    /// What it never sees.
    pub test: Samples,
}

/// Labelled samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Sample-major: sample i is `x[i * d..(i + 1) * d]`, with d numbers a sample.
    pub x: Vec<f64>,
    /// Class of each sample.
    pub y: Vec<u32>,
}

impl Dataset {
    /// Loads `source`, splits it and, if asked, standardises it. Everything random follows `data_seed`.
    pub fn load(source: &Source, data_seed: u64, standardize: bool) -> Result<Self> {
        let streams = Streams::new(data_seed);
        let Raw { shape, classes, samples, held_out } = source.load(&streams)?;
        let features = shape.iter().product();
        let mut order: Vec<usize> = (0..samples.len()).collect();
        order.shuffle(&mut streams.stream("data/split", 0));
        let (test, train) = order.split_at(held_out.min(order.len()));
        let mut train = samples.select(train, features);
        let mut test = samples.select(test, features);
        if standardize {
            let scaling = Scaling::of(&train, features);
            scaling.apply(&mut train);
            scaling.apply(&mut test);
        }
        Ok(Self { name: source.text(), shape, classes, train, test })
    }

    /// How many numbers a sample has.
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// The samples as arrays, shape (samples, features or channels, height, width), and their labels.
    pub fn to_npz(&self) -> Npz {
        let mut npz = Npz::default();
        for (part, samples) in [("train", &self.train), ("test", &self.test)] {
            let shape = [&[samples.len()], self.shape.as_slice()].concat();
            npz.push(&format!("{part}_x"), &shape, samples.x.clone());
            let labels: Vec<i64> = samples.y.iter().map(|&label| i64::from(label)).collect();
            npz.push(&format!("{part}_y"), &shape[..1], labels);
        }
        npz
    }

    /// SHA-256, in hexadecimal, of shape, classes, labels and the bits of every number: two runs saw the same data
    /// exactly if theirs are equal.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        let mut count = |n: usize| hash.update((n as u64).to_le_bytes());
        // Each list is preceded by its length, so that no two data sets give the same bytes.
        count(self.shape.len());
        self.shape.iter().copied().for_each(&mut count);
        count(self.classes);
        for samples in [&self.train, &self.test] {
            hash.update((samples.len() as u64).to_le_bytes());
            samples.y.iter().for_each(|label| hash.update(label.to_le_bytes()));
            samples.x.iter().for_each(|value| hash.update(value.to_bits().to_le_bytes()));
        }
        hex(&hash.finalize())
    }
}

impl Samples {
    /// How many samples.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.y.is_empty()
    }

    /// The samples at `indices`, in that order, each of `features` numbers.
    pub fn select(&self, indices: &[usize], features: usize) -> Self {
        let mut x = Vec::with_capacity(indices.len() * features);
        indices.iter().for_each(|&i| x.extend_from_slice(&self.x[i * features..(i + 1) * features]));
        Self { x, y: indices.iter().map(|&i| self.y[i]).collect() }
    }
}

/// Mean and standard deviation of each feature; no deviation where it is constant.
struct Scaling {
    mean: Vec<f64>,
    std: Vec<Option<f64>>,
}

impl Scaling {
    fn of(samples: &Samples, features: usize) -> Self {
        let n = samples.len() as f64;
        let rows = || samples.x.chunks_exact(features);
        let mut mean = vec![0.0; features];
        rows().for_each(|row| mean.iter_mut().zip(row).for_each(|(m, x)| *m += x));
        mean.iter_mut().for_each(|m| *m /= n);
        let mut square = vec![0.0; features];
        let mut varies = vec![false; features];
        for row in rows() {
            for (f, x) in row.iter().enumerate() {
                square[f] += (x - mean[f]).powi(2);
                // Compared with the first sample, not with the mean: the mean of equal numbers may differ from
                // them by rounding, and dividing by that would turn rounding into a feature.
                varies[f] |= *x != samples.x[f];
            }
        }
        let std = square.iter().zip(varies).map(|(s, varies)| varies.then(|| (s / n).sqrt())).collect();
        Self { mean, std }
    }

    fn apply(&self, samples: &mut Samples) {
        for row in samples.x.chunks_exact_mut(self.mean.len()) {
            for ((x, mean), std) in row.iter_mut().zip(&self.mean).zip(&self.std) {
                *x = std.map_or(0.0, |std| (*x - mean) / std);
            }
        }
    }
}
