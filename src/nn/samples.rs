//! Samples as a network takes them: data and targets in its element type, one column a sample.

use super::Network;
use crate::autodiff::Element;
use std::ops::Range;

/// What stands beside the targets of samples: one more input of their program, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beside {
    /// Nothing: every target was observed, and all samples count the same.
    #[default]
    Nothing,
    /// Which targets were observed, outputs x samples.
    Mask,
    /// The same and, as a last row, the weight of each sample.
    Weights,
}

impl Beside {
    /// Numbers a sample, of which a network has so many outputs.
    pub fn rows(self, outputs: usize) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Mask => outputs,
            Self::Weights => outputs + 1,
        }
    }
}

/// Whether some targets are not observed.
impl From<bool> for Beside {
    fn from(masked: bool) -> Self {
        if masked { Self::Mask } else { Self::Nothing }
    }
}

/// Data, targets and labels of n samples.
#[derive(Clone, Debug)]
pub struct Samples<E> {
    data: Vec<E>,
    targets: Vec<E>,
    beside: Beside,
    /// 1 where a target is observed, 0 elsewhere, and weights; empty if there is nothing beside the targets.
    observed: Vec<E>,
    labels: Vec<u32>,
    count: usize,
    features: usize,
    outputs: usize,
}

impl<E: Element> Samples<E> {
    /// Rounds `data` (features x samples) to the element type and lays out the targets of `labels`.
    pub fn new(network: &Network, data: &[f64], labels: &[u32]) -> Self {
        Self { labels: labels.to_vec(), ..Self::regression(network, data, &network.targets(labels)) }
    }

    /// Rounds `data` (features x samples) and `targets` (outputs x samples) to the element type; a target that is NaN
    /// is not observed.
    pub fn regression(network: &Network, data: &[f64], targets: &[f64]) -> Self {
        let (features, outputs) = (network.features(), network.spec().outputs);
        let count = data.len() / features;
        assert_eq!((data.len(), targets.len()), (count * features, count * outputs), "{count} samples");
        let rounded = |v: &[f64], f: fn(f64) -> f64| v.iter().map(|x| E::from_f64(f(*x))).collect();
        let observed: fn(f64) -> f64 = |t| if t.is_nan() { 0.0 } else { 1.0 };
        let all = !targets.iter().any(|t| t.is_nan());
        Self {
            data: rounded(data, |x| x),
            targets: rounded(targets, |t| if t.is_nan() { 0.0 } else { t }),
            beside: Beside::from(!all),
            observed: if all { Vec::new() } else { rounded(targets, observed) },
            labels: Vec::new(),
            count,
            features,
            outputs,
        }
    }

    /// The same samples, of which sample i counts `weights[i]` times over the mean of the weights: their mean loss is
    /// sum_i w_i l_i / sum_i w_i. No weights are equal ones.
    pub fn weighted(mut self, weights: &[f64]) -> Self {
        if weights.is_empty() {
            return self;
        }
        assert_eq!(weights.len(), self.count, "a weight for each sample");
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let rows = self.beside.rows(self.outputs);
        let mut all = Vec::with_capacity(self.count * (self.outputs + 1));
        for (i, weight) in weights.iter().enumerate() {
            match rows {
                0 => all.extend(std::iter::repeat_n(E::ONE, self.outputs)),
                _ => all.extend_from_slice(&self.observed[i * rows..][..rows]),
            }
            all.push(E::from_f64(weight / mean));
        }
        (self.beside, self.observed) = (Beside::Weights, all);
        self
    }

    /// What stands beside the targets.
    pub fn beside(&self) -> Beside {
        self.beside
    }

    /// The weight of a sample, over the mean of all that were weighed.
    pub fn weight(&self, i: usize) -> f64 {
        match self.beside {
            Beside::Weights => self.observed[(i + 1) * (self.outputs + 1) - 1].to_f64(),
            _ => 1.0,
        }
    }

    /// Whether some targets are not observed.
    pub fn masked(&self) -> bool {
        let rows = self.beside.rows(self.outputs).max(1);
        self.observed.chunks_exact(rows).any(|row| row.iter().take(self.outputs).any(|x| *x == E::ZERO))
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Data, targets and what stands beside them, of a run of samples: the inputs of the network's program (the last is empty,
    /// and no input, where nothing stands there).
    pub fn inputs(&self, range: &Range<usize>) -> [&[E]; 3] {
        let cut = |rows: usize| range.start * rows..range.end * rows;
        let beside = &self.observed[cut(self.beside.rows(self.outputs))];
        [&self.data[cut(self.features)], &self.targets[cut(self.outputs)], beside]
    }

    /// Labels of a run of samples; none in regression.
    pub fn labels(&self, range: &Range<usize>) -> &[u32] {
        self.labels.get(range.clone()).unwrap_or_default()
    }

    /// The samples at `indices`, in that order.
    pub fn subset(&self, indices: &[u32]) -> Self {
        let take = |all: &[E], rows: usize| -> Vec<E> {
            let of = |i: &u32| &all[*i as usize * rows..][..rows];
            if all.is_empty() { Vec::new() } else { indices.iter().flat_map(of).copied().collect() }
        };
        let label = |i: &u32| self.labels.get(*i as usize).copied();
        Self {
            data: take(&self.data, self.features),
            targets: take(&self.targets, self.outputs),
            observed: take(&self.observed, self.beside.rows(self.outputs)),
            labels: indices.iter().filter_map(label).collect(),
            count: indices.len(),
            ..*self
        }
    }

    /// All samples so many `times` over, with other targets (outputs x samples x times), and no labels.
    pub fn repeated(&self, times: usize, targets: &[f64]) -> Self {
        assert_eq!(targets.len(), self.targets.len() * times, "a target for every output");
        Self {
            data: self.data.repeat(times),
            targets: targets.iter().map(|t| E::from_f64(*t)).collect(),
            observed: self.observed.repeat(times),
            labels: Vec::new(),
            count: self.count * times,
            ..*self
        }
    }

    /// Copies the samples at `indices` into a batch, column by column; what stands beside targets into `observed`.
    pub fn gather(&self, indices: &[u32], data: &mut [E], targets: &mut [E], observed: &mut [E]) {
        let batch: [(&mut [E], &[E], usize); 3] = [
            (data, &self.data, self.features),
            (targets, &self.targets, self.outputs),
            (observed, &self.observed, self.beside.rows(self.outputs)),
        ];
        for (batch, all, rows) in batch {
            for (i, column) in indices.iter().zip(batch.chunks_exact_mut(rows.max(1))) {
                column.copy_from_slice(&all[*i as usize * rows..][..rows]);
            }
        }
    }
}
