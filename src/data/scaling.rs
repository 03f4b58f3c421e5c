//! Standardising: `z = (x - mean) / std`, with mean and population standard deviation of the training samples, by
//! feature or by channel.
//!
//! What is constant in training has no scale: it becomes 0 everywhere.

use super::{Samples, Targets};
use crate::base::{Error, Result};

/// Mean and standard deviation of each group of features; no deviation where it is constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    mean: Vec<f64>,
    std: Vec<Option<f64>>,
    /// Neighbouring features that share them: 1, or the pixels of a channel.
    group: usize,
}

impl Scaling {
    /// Of `samples` with `features` numbers each, `group` neighbouring ones of which share one scale.
    pub(super) fn of(samples: &Samples, features: usize, group: usize) -> Self {
        let n = (samples.len() * group) as f64;
        let rows = || samples.x.chunks_exact(features);
        let groups = features / group;
        let mut mean = vec![0.0; groups];
        rows().for_each(|row| row.iter().enumerate().for_each(|(f, x)| mean[f / group] += x));
        mean.iter_mut().for_each(|m| *m /= n);
        let mut square = vec![0.0; groups];
        let mut varies = vec![false; groups];
        for row in rows() {
            for (f, x) in row.iter().enumerate() {
                let g = f / group;
                square[g] += (x - mean[g]).powi(2);
                // Compared with the first sample, not with the mean: the mean of equal numbers may differ from
                // them by rounding, and dividing by that would turn rounding into a feature.
                varies[g] |= *x != samples.x[g * group];
            }
        }
        let std = square.iter().zip(varies).map(|(s, varies)| varies.then(|| (s / n).sqrt())).collect();
        Self { mean, std, group }
    }

    /// Leaves features as they are, where each has a scale of its own.
    pub(super) fn leave(&mut self, features: &[bool]) {
        if features.len() == self.mean.len() {
            for i in (0..features.len()).filter(|i| features[*i]) {
                (self.mean[i], self.std[i]) = (0.0, Some(1.0));
            }
        }
    }

    /// Standardises samples in place.
    pub(super) fn apply(&self, samples: &mut Samples) {
        let features = self.mean.len() * self.group;
        for row in samples.x.chunks_exact_mut(features) {
            for (f, x) in row.iter_mut().enumerate() {
                let g = f / self.group;
                *x = self.std[g].map_or(0.0, |std| (*x - self.mean[g]) / std);
            }
        }
    }

    /// One sample as it was before; what is constant in training comes back as that constant.
    pub fn undo(&self, sample: &[f64]) -> Vec<f64> {
        let original = |(f, z): (usize, &f64)| {
            let g = f / self.group;
            self.mean[g] + self.std[g].map_or(0.0, |std| z * std)
        };
        sample.iter().enumerate().map(original).collect()
    }

    /// Whether a feature is constant in training, and so has no scale.
    pub(super) fn is_constant(&self, feature: usize) -> bool {
        self.std[feature / self.group].is_none()
    }

    /// What 0 has become in each group.
    fn zeros(&self) -> impl Iterator<Item = f64> {
        self.mean.iter().zip(&self.std).map(|(mean, std)| std.map_or(0.0, |std| -mean / std))
    }

    /// What 0 has become in each of `channels`, where every channel has one scale; 0, the mean image, where every
    /// pixel has its own.
    pub(super) fn black(&self, channels: usize) -> Vec<f64> {
        if self.mean.len() == channels { self.zeros().collect() } else { vec![0.0; channels] }
    }
}

/// Mean and standard deviation of target values, of each output's own; a constant one keeps its deviation.
#[derive(Clone, Debug, PartialEq)]
pub struct Units {
    /// Means over the training samples.
    pub mean: Vec<f64>,
    /// Standard deviations over the training samples; 1 where all are equal.
    pub std: Vec<f64>,
}

impl Units {
    /// Of the values of training samples; those that were not observed have no say.
    pub(super) fn of(train: &Samples, outputs: usize) -> Result<Self> {
        let Some(values) = train.values() else {
            return Err(Error::expected("--standardize-targets", "data with values", "data with classes"));
        };
        let (mut mean, mut std) = (Vec::new(), Vec::new());
        for output in 0..outputs {
            let all = || values.iter().skip(output).step_by(outputs).copied().filter(|y| !y.is_nan());
            let first = all().next().unwrap_or(0.0);
            let count = all().count().max(1) as f64;
            let center = all().sum::<f64>() / count;
            let spread = (all().map(|y| (y - center).powi(2)).sum::<f64>() / count).sqrt();
            // Compared with the first, as rounding makes a deviation of equal numbers.
            let varies = all().any(|y| y != first);
            mean.push(if varies { center } else { first });
            std.push(if varies { spread } else { 1.0 });
        }
        Ok(Self { mean, std })
    }

    /// Standardises values in place.
    pub(super) fn apply(&self, samples: &mut Samples) {
        let Targets::Values(values) = &mut samples.y else { return };
        for row in values.chunks_exact_mut(self.mean.len()) {
            row.iter_mut().zip(&self.mean).zip(&self.std).for_each(|((y, mean), std)| *y = (*y - mean) / std);
        }
    }
}
