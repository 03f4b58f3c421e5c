//! Samples as a network takes them: data and targets in its element type, one column a sample.

use super::Network;
use crate::autodiff::Element;
use std::ops::Range;

/// Data, targets and labels of n samples.
#[derive(Clone, Debug)]
pub struct Samples<E> {
    data: Vec<E>,
    targets: Vec<E>,
    labels: Vec<u32>,
    features: usize,
    outputs: usize,
}

impl<E: Element> Samples<E> {
    /// Rounds `data` (features x samples) to the element type and lays out the targets of `labels`.
    pub fn new(network: &Network, data: &[f64], labels: &[u32]) -> Self {
        assert_eq!(data.len(), labels.len() * network.features(), "data of {} samples", labels.len());
        let rounded = |v: &[f64]| v.iter().map(|x| E::from_f64(*x)).collect();
        Self {
            data: rounded(data),
            targets: rounded(&network.targets(labels)),
            labels: labels.to_vec(),
            features: network.features(),
            outputs: network.spec().outputs,
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Data and targets of a run of samples: the inputs of the network's program.
    pub fn inputs(&self, range: &Range<usize>) -> [&[E]; 2] {
        let cut = |rows: usize| range.start * rows..range.end * rows;
        [&self.data[cut(self.features)], &self.targets[cut(self.outputs)]]
    }

    /// Labels of a run of samples.
    pub fn labels(&self, range: &Range<usize>) -> &[u32] {
        &self.labels[range.clone()]
    }

    /// Copies the samples at `indices` into a batch: data and targets, column by column.
    pub fn gather(&self, indices: &[u32], data: &mut [E], targets: &mut [E]) {
        let columns = data.chunks_exact_mut(self.features).zip(targets.chunks_exact_mut(self.outputs));
        for (i, (x, t)) in indices.iter().zip(columns) {
            let one = *i as usize..*i as usize + 1;
            let [data, targets] = self.inputs(&one);
            x.copy_from_slice(data);
            t.copy_from_slice(targets);
        }
    }
}
