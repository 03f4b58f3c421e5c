//! Samples as a network takes them: data and targets in its element type, one column a sample.

use super::Network;
use crate::autodiff::Element;
use std::ops::Range;

/// Data, targets and labels of n samples.
#[derive(Clone, Debug)]
pub struct Samples<E> {
    data: Vec<E>,
    targets: Vec<E>,
    /// 1 where a target is observed, 0 elsewhere; empty if all are.
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
            observed: if all { Vec::new() } else { rounded(targets, observed) },
            labels: Vec::new(),
            count,
            features,
            outputs,
        }
    }

    /// Whether some targets are not observed.
    pub fn masked(&self) -> bool {
        !self.observed.is_empty()
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Data, targets and, where some are not observed, their mask, of a run of samples: the inputs of the network's
    /// program (the mask is empty, and no input, where there is none).
    pub fn inputs(&self, range: &Range<usize>) -> [&[E]; 3] {
        let cut = |rows: usize| range.start * rows..range.end * rows;
        let observed = if self.masked() { &self.observed[cut(self.outputs)] } else { &[] };
        [&self.data[cut(self.features)], &self.targets[cut(self.outputs)], observed]
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
            observed: take(&self.observed, self.outputs),
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

    /// Copies the samples at `indices` into a batch, column by column; the mask into `observed` if that is not empty.
    pub fn gather(&self, indices: &[u32], data: &mut [E], targets: &mut [E], observed: &mut [E]) {
        let batch: [(&mut [E], &[E], usize); 3] = [
            (data, &self.data, self.features),
            (targets, &self.targets, self.outputs),
            (observed, &self.observed, self.outputs),
        ];
        for (batch, all, rows) in batch {
            for (i, column) in indices.iter().zip(batch.chunks_exact_mut(rows)) {
                column.copy_from_slice(&all[*i as usize * rows..][..rows]);
            }
        }
    }
}
