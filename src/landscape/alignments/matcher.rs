//! Coordinate descent on ||A - P(B)||^2 = ||A||^2 + ||B||^2 - 2 <A, P(B)>: with all groups but one held, the product is a sum
//! over that group's units,
//!
//! ```text
//! <A, P(B)> = const + sum over i of C(i, p(i)),      C(i, j) = sum over axes of <A's slice at i, B's slice at j>,
//! ```
//!
//! over the incoming weights, biases, norms and outgoing weights of each unit; and the best p is a linear assignment. Where
//! both axes of one weight belong to the group (a layer that reads and adds to the same stream) the product is quadratic
//! in P; the step is then that of its linear part, and is taken only if the distance falls.

use crate::autodiff::matrix::product;
use crate::autodiff::{Shape, View};
use crate::base::random::Rng;
use crate::base::{Result, assignment::assign, interrupt};
use crate::nn::{Permutation, Symmetry};
use rand::seq::SliceRandom;
use std::sync::Arc;

/// An axis of the parameters along which a group's units lie.
struct Along {
    /// Position among the symmetry's axes.
    axis: usize,
    /// For each unit the elements that go with it.
    elements: Vec<Vec<usize>>,
    /// Groups on the other axes of the same tensor.
    others: Vec<usize>,
}

/// The groups of a network, ready to be compared.
pub struct Matcher {
    symmetry: Arc<Symmetry>,
    /// For each group, the axes with its units.
    along: Vec<Vec<Along>>,
}

/// Where a descent ended.
pub struct Descent {
    /// The permutation of B.
    pub permutation: Permutation,
    /// ||A - P(B)|| before the first pass and after each.
    pub distances: Vec<f64>,
    /// Whether a pass gained nothing; else passes ran out.
    pub converged: bool,
}

impl Descent {
    /// ||A - P(B)|| at the end.
    pub fn distance(&self) -> f64 {
        self.distances.last().copied().unwrap_or(f64::NAN)
    }
}

/// Share of the squared distance that a step must gain: below it lies the rounding of the sum.
const LEAST_GAIN: f64 = 1e-12;

impl Matcher {
    /// The groups of `symmetry`.
    pub fn new(symmetry: &Arc<Symmetry>) -> Self {
        let groups_of = |axis: usize| -> Vec<usize> {
            let places = symmetry.axes()[axis].places.iter().flatten();
            let mut groups: Vec<usize> = places.map(|p| p.group as usize).collect();
            groups.sort_unstable();
            groups.dedup();
            groups
        };
        let mut along: Vec<Vec<Along>> = symmetry.groups().iter().map(|_| Vec::new()).collect();
        for (i, axis) in symmetry.axes().iter().enumerate().filter(|(_, a)| !a.state) {
            let same = |(j, other): &(usize, &crate::nn::symmetry::Axis)| {
                *j != i && !other.state && other.tensor == axis.tensor
            };
            let others: Vec<usize> =
                symmetry.axes().iter().enumerate().filter(same).flat_map(|(j, _)| groups_of(j)).collect();
            for group in groups_of(i) {
                if let Some(elements) = axis.elements(group, symmetry.groups()[group]) {
                    along[group].push(Along { axis: i, elements, others: others.clone() });
                }
            }
        }
        Self { symmetry: symmetry.clone(), along }
    }

    /// The slices of each unit of a group along an axis, one column a unit.
    fn slices(&self, along: &Along, theta: &[f64]) -> (Vec<f64>, Shape) {
        let axis = &self.symmetry.axes()[along.axis];
        let block = axis.places.len() * axis.inner;
        let tensor = &theta[axis.offset..][..axis.outer * block];
        let mut slices = Vec::with_capacity(tensor.len());
        for elements in &along.elements {
            for part in tensor.chunks_exact(block) {
                for e in elements {
                    slices.extend_from_slice(&part[e * axis.inner..][..axis.inner]);
                }
            }
        }
        let units = along.elements.len();
        let shape = Shape::new(slices.len() / units.max(1), units);
        (slices, shape)
    }

    /// The best change of places within a group: for each place of A's the unit of B's, by the axes that `counts`.
    fn step(&self, group: usize, a: &[f64], b: &[f64], counts: impl Fn(&Along) -> bool) -> Result<Vec<u32>> {
        let n = self.symmetry.groups()[group];
        let mut cost = vec![0.0; n * n];
        for along in self.along[group].iter().filter(|along| counts(along)) {
            let ([a, b], shape) = {
                let ((a, shape), (b, _)) = (self.slices(along, a), self.slices(along, b));
                ([a, b], shape)
            };
            let [a, b] = [&a, &b].map(|data| View { data, shape });
            product(&mut cost, true, (b, true), (a, false));
        }
        cost.iter_mut().for_each(|c| *c = -*c);
        Ok(assign(&cost, n)?.columns)
    }

    /// A start: groups in the order in which signals pass them, each by what it shares with those before it alone, so that
    /// a permuted copy is found at once.
    pub fn front_to_back(&self, a: &[f64], b: &[f64]) -> Result<Permutation> {
        let mut permutation = self.symmetry.identity();
        let mut b = b.to_vec();
        for group in 0..self.along.len() {
            let map = self.step(group, a, &b, |along| along.others.iter().all(|other| *other < group))?;
            b = self.symmetry.identity().then_within(group, &map).apply(&b, &self.no_state()).0;
            permutation = permutation.then_within(group, &map);
        }
        Ok(permutation)
    }

    /// A state to permute along where there is none to keep.
    fn no_state(&self) -> Vec<f64> {
        let ends = self.symmetry.axes().iter().filter(|a| a.state).map(|a| a.offset + a.places.len());
        vec![0.0; ends.max().unwrap_or(0)]
    }

    /// From a permutation of B on, pass after pass over all groups in random order, until nothing gains.
    pub fn descend(
        &self,
        a: &[f64],
        b: &[f64],
        start: Permutation,
        most_passes: usize,
        rng: &mut Rng,
    ) -> Result<Descent> {
        let state = self.no_state();
        let mut permutation = start;
        let mut b = permutation.apply(b, &state).0;
        let square = |b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let mut now = square(&b);
        let mut distances = vec![now.sqrt()];
        let mut order: Vec<usize> = (0..self.along.len()).collect();
        // A group needs another look once something beside it has moved.
        let mut open = vec![true; order.len()];
        while open.contains(&true) && distances.len() <= most_passes {
            order.shuffle(rng);
            for group in order.iter().copied() {
                if !std::mem::take(&mut open[group]) {
                    continue;
                }
                interrupt::check("alignment", "nothing is kept of it")?;
                let map = self.step(group, a, &b, |_| true)?;
                let moved = self.symmetry.identity().then_within(group, &map).apply(&b, &state).0;
                let then = square(&moved);
                if then < now * (1.0 - LEAST_GAIN) {
                    (b, now) = (moved, then);
                    permutation = permutation.then_within(group, &map);
                    for other in self.along[group].iter().flat_map(|along| &along.others) {
                        open[*other] = true;
                    }
                }
            }
            distances.push(now.sqrt());
        }
        Ok(Descent { permutation, distances, converged: !open.contains(&true) })
    }
}
