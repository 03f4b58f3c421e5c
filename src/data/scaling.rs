//! Standardising: `z = (x - mean) / std`, with mean and population standard deviation of the training samples, by
//! feature or by channel.
//!
//! What is constant in training has no scale: it becomes 0 everywhere.

use super::Samples;

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
        match self.mean.len() == channels {
            true => self.zeros().collect(),
            false => vec![0.0; channels],
        }
    }
}
