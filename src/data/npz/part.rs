//! The samples of one pair of arrays.

use super::NpzFile;
use crate::base::{Error, Result};
use crate::data::{Targets, doubts, fits_in_memory};
use std::collections::BTreeSet;

/// Inputs and targets of some samples.
pub(super) struct Part {
    pub shape: Vec<usize>,
    pub count: usize,
    pub x: Vec<f64>,
    pub y: Targets,
    pub outputs: usize,
    /// How much each sample counts; empty where all count the same.
    pub weights: Vec<f64>,
}

impl Part {
    /// Leaves out samples, by their numbers in ascending order.
    pub fn leave_out(&mut self, left_out: &[usize]) {
        let features: usize = self.shape.iter().product();
        let kept: Vec<usize> = (0..self.count).filter(|i| left_out.binary_search(i).is_err()).collect();
        self.x = kept.iter().flat_map(|i| &self.x[i * features..(i + 1) * features]).copied().collect();
        if let Targets::Classes(labels) = &mut self.y {
            *labels = kept.iter().map(|i| labels[*i]).collect();
        }
        if !self.weights.is_empty() {
            self.weights = kept.iter().map(|i| self.weights[*i]).collect();
        }
        self.count = kept.len();
    }

    /// Puts the samples of another part behind these.
    pub fn append(&mut self, mut other: Self, file: &str) -> Result<()> {
        if other.shape != self.shape {
            let expected = format!("samples of shape {:?}, as for training", self.shape);
            return Err(Error::expected(
                format!("{file}: test inputs"),
                expected,
                format!("{:?}", other.shape),
            ));
        }
        fits_in_memory(file, self.count + other.count, self.shape.iter().product())?;
        let mismatch = |expected: &str, found: &str| {
            let expected = format!("{expected}, as for training");
            Err(Error::expected(format!("{file}: test targets"), expected, found))
        };
        match (&mut self.y, &mut other.y) {
            (Targets::Classes(labels), Targets::Classes(more)) => {
                labels.append(more);
                self.outputs = self.outputs.max(other.outputs);
            }
            (Targets::Values(values), Targets::Values(more)) if self.outputs == other.outputs => {
                values.append(more);
            }
            (Targets::Classes(_), _) => return mismatch("classes (whole numbers)", "values"),
            (Targets::Values(_), Targets::Classes(_)) => {
                return mismatch("values", "classes (whole numbers)");
            }
            (Targets::Values(_), Targets::Values(_)) => {
                let found = format!("{} a sample", other.outputs);
                return mismatch(&format!("{} values a sample", self.outputs), &found);
            }
        }
        // Weights of some are weights of all.
        if self.weights.len() + other.weights.len() > 0 {
            self.weights.resize(self.count, 1.0);
            other.weights.resize(other.count, 1.0);
            self.weights.append(&mut other.weights);
        }
        self.x.append(&mut other.x);
        self.count += other.count;
        Ok(())
    }

    /// What looks wrong with all of it.
    pub fn doubts(&self, settings: &NpzFile) -> Vec<String> {
        let mut all = Vec::new();
        if let ([features], false) = (&self.shape[..], settings.tokens) {
            let features = *features;
            let rows = (0..features).filter(|f| doubts::numbers_the_rows(&self.x, features, *f, self.count));
            // Features in the order of the file, where some were left out already.
            let kept: Vec<usize> =
                (0..features + settings.drop.len()).filter(|f| !settings.drop.contains(f)).collect();
            all.extend(rows.take(1).map(|f| {
                let f = kept.get(f).copied().unwrap_or(f);
                format!("feature {f} numbers the samples; drop=[{f}] leaves it out")
            }));
        }
        if let Targets::Classes(labels) = &self.y {
            let distinct = labels.iter().collect::<BTreeSet<_>>().len();
            if doubts::many(distinct, labels.len()) {
                all.push(doubts::as_classes(distinct, labels.len()))
            } else {
                all.extend(doubts::empty_classes(labels, self.outputs, "first"))
            }
        }
        all
    }
}
