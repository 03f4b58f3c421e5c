//! Alignments: which of a network's hidden units plays the part of which of another's.
//!
//! Two trained networks A and B, however alike, have their hidden units in different order. A permutation P of B's units
//! leaves its function alone ([`Symmetry`](crate::nn::Symmetry)), and with the right one the straight line from A to P(B)
//! may have no barrier (Entezari et al. 2021, arXiv 2110.06296; Ainsworth et al. 2022, "Git Re-Basin", arXiv 2209.04836).
//! The kinds differ in what they compare:
//!
//! - `weights`: P minimises ||A - P(B)||, by coordinate descent;
//! - `activations`: P pairs units that say the same of the training samples;
//! - `straight-through`: P minimises the loss of (A + P(B)) / 2.
//!
//! Each group's step is a linear assignment ([`assign`](crate::base::assignment::assign)): O(width^3).
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Align`], and a line below.

mod matcher;

use super::geometry::{difference, dot};
use crate::base::{Error, Result, Streams};
use crate::nn::{At, MeanLoss, Network, Permutation, Point, Statistics};
use crate::registry;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Two networks of one kind, with the samples that they were trained on.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// Their mean training loss. Where norms couple samples its statistics should be those of groups: between two
    /// networks no running ones are right.
    pub objective: &'a dyn MeanLoss,
    /// The one that stays.
    pub a: At<'a>,
    /// The one whose units move.
    pub b: At<'a>,
    /// Random streams of the seed.
    pub streams: &'a Streams,
}

impl<'a> Pair<'a> {
    /// The network that both are.
    pub fn network(&self) -> &'a Arc<Network> {
        self.objective.network()
    }

    /// The network halfway between A and B permuted; with singular vectors of its own where statistics are.
    fn midpoint(&self, permutation: &Permutation) -> Point {
        let (theta, state) = permutation.apply(self.b.theta, self.b.state);
        let theta = self.a.theta.iter().zip(&theta).map(|(a, b)| 0.5 * (a + b)).collect();
        let state = self.network().mixed([self.a.state, &state], 0.5);
        let mut point = Point { theta, state }.to(self.objective.precision());
        if self.objective.statistics() != Statistics::Running {
            point.state = self.objective.renew(point.at());
        }
        point
    }
}

/// How an alignment went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// ||A - B||.
    pub distance_before: f64,
    /// ||A - P(B)||.
    pub distance: f64,
    /// Hidden units that may move.
    pub units: usize,
    /// Hidden units that moved.
    pub moved: usize,
    /// Passes over the groups that led to the result.
    pub passes: usize,
    /// By how much each of them shortened the distance; none where the distance is not what is minimised.
    pub gains: Vec<f64>,
    /// The distance reached from each start, where there were several.
    pub starts: Vec<f64>,
    /// Training loss halfway before and after, where it is what is minimised.
    pub losses: Option<[f64; 2]>,
    /// Why it ended.
    pub status: String,
}

/// A permutation of B's units, and what it makes of B.
#[derive(Clone, Debug)]
pub struct Aligned {
    /// The permutation.
    pub permutation: Permutation,
    /// B's parameters, permuted.
    pub theta: Vec<f64>,
    /// B's state, permuted.
    pub state: Vec<f64>,
    /// How it went.
    pub facts: Facts,
}

impl Aligned {
    /// What `permutation` makes of B, after so many passes.
    fn new(pair: &Pair, permutation: Permutation, passes: usize, status: &str) -> Self {
        let (theta, state) = permutation.apply(pair.b.theta, pair.b.state);
        let facts = Facts {
            distance_before: distance(pair.a.theta, pair.b.theta),
            distance: distance(pair.a.theta, &theta),
            units: permutation.maps().iter().map(Vec::len).sum(),
            moved: permutation.moved(),
            passes,
            gains: Vec::new(),
            starts: Vec::new(),
            losses: None,
            status: status.to_owned(),
        };
        Self { permutation, theta, state, facts }
    }
}

/// ||a - b||.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let d = difference(a, b);
    dot(&d, &d).sqrt()
}

/// What an alignment does.
pub trait Align {
    /// A permutation of B's units. `observe` hears of pieces of work, done and in all. Fails on numbers that are not
    /// finite and on a signal.
    fn align(&self, pair: &Pair, observe: &dyn Fn(usize, usize)) -> Result<Aligned>;

    /// What the literature calls it, as in "after weight matching".
    fn words(&self) -> &'static str;
}

registry! {
    /// Which hidden unit of a network plays the part of which of another's.
    Alignment, "alignment", match_alignment {
        weights => WeightMatching;
        activations => ActivationMatching;
        straight_through => StraightThrough;
    }
}

impl Align for Alignment {
    fn align(&self, pair: &Pair, observe: &dyn Fn(usize, usize)) -> Result<Aligned> {
        let finite = |v: &[f64]| v.iter().all(|x| x.is_finite());
        let size = pair.network().layout().size();
        for (name, network) in [("A", pair.a), ("B", pair.b)] {
            if network.theta.len() != size || !finite(network.theta) || !finite(network.state) {
                let found = format!("{} parameters of network {name}", network.theta.len());
                return Err(Error::unmet(
                    "alignment",
                    format!("expected {size} finite numbers, found {found}"),
                ));
            }
        }
        match_alignment!(self, kind => kind.align(pair, observe))
    }

    fn words(&self) -> &'static str {
        match_alignment!(self, kind => kind.words())
    }
}

/// Refuses counts outside of what makes sense.
fn within(at: &str, n: usize, range: std::ops::RangeInclusive<usize>) -> Result<()> {
    if range.contains(&n) {
        Ok(())
    } else {
        Err(Error::expected(at, format!("{} to {}", range.start(), range.end()), n))
    }
}
