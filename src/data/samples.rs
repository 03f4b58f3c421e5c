//! Samples: inputs, and what is to be predicted from them.

/// What is to be predicted.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// A class for each sample.
    Classes(Vec<u32>),
    /// Numbers, sample-major, equally many for each sample; NaN where one was not observed.
    Values(Vec<f64>),
}

/// Samples: sample i has the input `x[i * d..(i + 1) * d]`, with d numbers a sample, and its own target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Sample-major inputs.
    pub x: Vec<f64>,
    /// The target of each sample.
    pub y: Targets,
    /// How much each sample counts in a mean loss, beside the others; empty where all count the same.
    pub weights: Vec<f64>,
    count: usize,
}

impl Default for Targets {
    fn default() -> Self {
        Self::Classes(Vec::new())
    }
}

impl Targets {
    /// The classes, if that is what they are.
    pub fn labels(&self) -> Option<&[u32]> {
        match self {
            Self::Classes(labels) => Some(labels),
            Self::Values(_) => None,
        }
    }

    /// The values, if that is what they are; NaN is not observed.
    pub fn values(&self) -> Option<&[f64]> {
        match self {
            Self::Classes(_) => None,
            Self::Values(values) => Some(values),
        }
    }
}

impl Samples {
    /// Inputs and a class for each.
    pub fn of_classes(x: Vec<f64>, labels: Vec<u32>) -> Self {
        Self { x, count: labels.len(), y: Targets::Classes(labels), ..Self::default() }
    }

    /// Inputs of `count` samples and equally many values for each.
    pub fn of_values(x: Vec<f64>, values: Vec<f64>, count: usize) -> Self {
        Self { x, y: Targets::Values(values), count, ..Self::default() }
    }

    /// How many samples.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The classes, if samples have classes.
    pub fn labels(&self) -> Option<&[u32]> {
        self.y.labels()
    }

    /// The values, if samples have values, sample-major; NaN where one was not observed.
    pub fn values(&self) -> Option<&[f64]> {
        self.y.values()
    }

    /// Numbers that an input has; 0 without samples.
    pub fn features(&self) -> usize {
        self.x.len().checked_div(self.count).unwrap_or(0)
    }

    /// The input of sample `i`.
    pub fn input(&self, i: usize) -> &[f64] {
        let features = self.features();
        &self.x[i * features..(i + 1) * features]
    }

    /// The samples at `indices`, in that order, each of `features` numbers.
    pub fn select(&self, indices: &[usize], features: usize) -> Self {
        let y = match &self.y {
            Targets::Classes(labels) => Targets::Classes(rows(labels, 1, indices)),
            Targets::Values(values) => Targets::Values(rows(values, self.outputs(), indices)),
        };
        let weights = if self.weights.is_empty() { Vec::new() } else { rows(&self.weights, 1, indices) };
        Self { x: rows(&self.x, features, indices), y, weights, count: indices.len() }
    }

    /// Keeps the first `n`.
    pub fn truncate(&mut self, n: usize) {
        if n < self.count {
            let (features, outputs) = (self.features(), self.outputs());
            match &mut self.y {
                Targets::Classes(labels) => labels.truncate(n),
                Targets::Values(values) => values.truncate(n * outputs),
            }
            self.weights.truncate(n);
            self.x.truncate(n * features);
            self.count = n;
            // What is dropped is given back.
            self.x.shrink_to_fit();
        }
    }

    /// The first `n`, or all where there are no more.
    pub fn first(&self, n: usize) -> Self {
        let n = n.min(self.count);
        self.select(&(0..n).collect::<Vec<usize>>(), self.features())
    }

    /// The samples from `at` on, which are no longer in these.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let (features, outputs) = (self.features(), self.outputs());
        let y = match &mut self.y {
            Targets::Classes(labels) => Targets::Classes(labels.split_off(at)),
            Targets::Values(values) => Targets::Values(values.split_off(at * outputs)),
        };
        let weights = if self.weights.is_empty() { Vec::new() } else { self.weights.split_off(at) };
        let rest = Self { x: self.x.split_off(at * features), y, weights, count: self.count - at };
        self.count = at;
        rest
    }

    /// Puts the samples in another order, in place: sample i becomes the one that was at `order[i]`.
    pub(super) fn reorder(&mut self, order: &[usize]) {
        let (features, outputs) = (self.features(), self.outputs());
        permute(&mut self.x, features, order);
        if !self.weights.is_empty() {
            permute(&mut self.weights, 1, order);
        }
        match &mut self.y {
            Targets::Classes(labels) => permute(labels, 1, order),
            Targets::Values(values) => permute(values, outputs, order),
        }
    }

    fn outputs(&self) -> usize {
        match &self.y {
            Targets::Classes(_) => 1,
            Targets::Values(values) => values.len().checked_div(self.count).unwrap_or(0),
        }
    }
}

fn rows<T: Copy>(from: &[T], width: usize, indices: &[usize]) -> Vec<T> {
    let mut to = Vec::with_capacity(indices.len() * width);
    indices.iter().for_each(|&i| to.extend_from_slice(&from[i * width..(i + 1) * width]));
    to
}

/// Row i becomes the one that was at `order[i]`, a permutation: every cycle is followed once, so that a large data
/// set needs no room for a copy.
fn permute<T: Copy>(rows: &mut [T], width: usize, order: &[usize]) {
    let mut done = vec![false; order.len()];
    for start in 0..order.len() {
        if done[start] || order[start] == start {
            continue;
        }
        let first = rows[start * width..(start + 1) * width].to_vec();
        let mut to = start;
        loop {
            done[to] = true;
            let from = order[to];
            if from == start {
                rows[to * width..(to + 1) * width].copy_from_slice(&first);
                break;
            }
            rows.copy_within(from * width..(from + 1) * width, to * width);
            to = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Streams;
    use rand::seq::SliceRandom;

    #[test]
    fn a_new_order_in_place_is_a_selection_of_all() {
        for n in [0usize, 1, 2, 7, 60] {
            let mut order: Vec<usize> = (0..n).collect();
            order.shuffle(&mut Streams::new(n as u64).stream("test", 0));
            let x: Vec<f64> = (0..3 * n).map(|v| v as f64).collect();
            let values: Vec<f64> = (0..2 * n).map(|v| -(v as f64)).collect();
            for samples in [
                Samples::of_classes(x.clone(), (0..n as u32).collect()),
                Samples::of_values(x.clone(), values.clone(), n),
            ] {
                let expected = samples.select(&order, 3);
                let mut found = samples;
                found.reorder(&order);
                assert_eq!(found, expected);
                let rest = found.split_off(n / 3);
                assert_eq!((found.len(), rest.len()), (n / 3, n - n / 3));
                assert_eq!(rest, expected.select(&(n / 3..n).collect::<Vec<_>>(), 3));
            }
        }
    }
}
