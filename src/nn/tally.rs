//! What a network comes to over samples: losses and correct answers summed, and their means.

use crate::autodiff::elementary::vectorised;
use crate::autodiff::matrix::{LANES, transpose};
use crate::autodiff::{Element, Node, Program};

/// Mean loss and accuracy over samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean loss, in the loss's units (nats for cross-entropy).
    pub loss: f64,
    /// Share of samples whose largest output is the label's; of equal outputs the first counts. NaN if the loss
    /// is, and in regression, where there are no labels.
    pub accuracy: f64,
}

/// Summed loss and number of correct samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tally {
    /// Sum of the losses.
    pub loss: f64,
    /// Sum of their squares.
    pub square: f64,
    /// Number of correct samples, in which parts of one may count; none where there are no classes.
    pub correct: Option<f64>,
}

impl Tally {
    /// Sums up one run of a program, whose values `of` shows.
    pub fn read<'a, E: Element>(program: &Program, of: impl Fn(Node) -> &'a [E], labels: &[u32]) -> Self {
        let tally = Self::of(of(program.losses()), of(program.outputs()), labels);
        let counted = program.correct().and_then(|node| of(node).first().map(|x| x.to_f64()));
        Self { correct: counted.or(tally.correct), ..tally }
    }

    /// Sums up one run: `losses` (1 x n), `outputs` (classes x n).
    pub fn of<E: Element>(losses: &[E], outputs: &[E], labels: &[u32]) -> Self {
        let (mut loss, mut square) = (0.0, 0.0);
        for l in losses.iter().map(|l| l.to_f64()) {
            loss += l;
            square += l * l;
        }
        if labels.is_empty() {
            return Self { loss, square, correct: None };
        }
        let rows = (outputs.len() / labels.len()).max(1);
        if rows == 1 {
            // One output alone is positive for the second of two classes.
            let right = |(z, label): (&E, &u32)| if *label == 0 { *z <= E::ZERO } else { *z > E::ZERO };
            let correct = outputs.iter().zip(labels).filter(|pair| right(*pair)).count();
            return Self { loss, square, correct: Some(correct as f64) };
        }
        let mut tile = vec![[E::ZERO; LANES]; rows];
        let mut correct = 0;
        vectorised(
            #[inline(always)]
            || {
                for (columns, labels) in outputs.chunks(rows * LANES).zip(labels.chunks(LANES)) {
                    transpose(columns, &mut tile);
                    correct += correct_lanes(&tile, labels);
                }
            },
        );
        Self { loss, square, correct: Some(correct as f64) }
    }

    /// What a chunk gives when somebody has asked for a stop: not a number, at once.
    pub(super) fn stopped() -> Self {
        Self { loss: f64::NAN, square: f64::NAN, correct: None }
    }

    /// Tallies added in the order given.
    pub fn sum(tallies: impl IntoIterator<Item = Tally>) -> Self {
        let start = Tally { loss: 0.0, square: 0.0, correct: Some(0.0) };
        let add = |a: Option<f64>, b: Option<f64>| Some(a? + b?);
        tallies.into_iter().fold(start, |a, b| Tally {
            loss: a.loss + b.loss,
            square: a.square + b.square,
            correct: add(a.correct, b.correct),
        })
    }

    /// The means over all samples, of which there are so many.
    pub fn mean(&self, samples: usize) -> Evaluation {
        let n = samples as f64;
        // Without numbers as outputs, or without labels, there is nothing to be right or wrong.
        let correct = self.correct.filter(|_| !self.loss.is_nan()).unwrap_or(f64::NAN);
        Evaluation { loss: self.loss / n, accuracy: correct / n }
    }

    /// Standard error of the mean loss as an estimate for all of `population` samples, from which these were drawn without
    /// replacement: s / sqrt(n) sqrt(1 - n / N), s^2 the variance with n - 1 (Cochran 1977, theorem 2.2).
    pub fn standard_error(&self, samples: usize, population: usize) -> f64 {
        let (n, all) = (samples as f64, population as f64);
        // Rounding may leave a little less than zero, where all losses are the same.
        let variance = ((self.square - self.loss * self.loss / n) / (n - 1.0)).max(0.0);
        // One sample says nothing of the spread.
        if self.square.is_finite() && samples > 1 {
            (variance / n * (1.0 - n / all)).sqrt()
        } else {
            f64::NAN
        }
    }
}

/// How many of the lanes have their label's row on top.
#[inline(always)]
fn correct_lanes<E: Element>(tile: &[[E; LANES]], labels: &[u32]) -> usize {
    let mut own = [E::from_f64(f64::NAN); LANES];
    let mut label = [0u32; LANES];
    for (lane, l) in labels.iter().enumerate() {
        own[lane % LANES] = tile[*l as usize][lane % LANES];
        label[lane % LANES] = *l;
    }
    // Comparisons that NaN fails: a NaN among the outputs is never a correct answer, and lanes without a sample
    // hold one.
    let mut wrong = [0u32; LANES];
    for (row, z) in (0u32..).zip(tile) {
        for l in 0..LANES {
            // Of equal outputs the first counts.
            let below = u32::from(z[l] < own[l]);
            let equal = u32::from(z[l] == own[l]) & u32::from(row >= label[l]);
            wrong[l] |= 1 - (below | equal);
        }
    }
    LANES - wrong.iter().map(|w| *w as usize).sum::<usize>()
}
