//! Curves between two minima: what share each of a few weight vectors has in the network at t.
//!
//! w(t) = sum_k c_k(t) w_k, where the first and the last of the control points w_k are the minima, those between them are
//! bends, and the shares c_k sum to 1. Whoever trains a curve, evaluates or measures it needs the shares alone.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Shares`], and a line below.

use crate::base::{Error, Result};
use crate::registry;

/// What a curve is made of.
pub trait Shares {
    /// Control points between the ends.
    fn bends(&self) -> usize;

    /// The share of each control point at t in [0, 1], [`Shares::bends`] + 2 numbers; at 0 exactly 1 of the first, at 1 of
    /// the last.
    fn shares(&self, t: f64) -> Vec<f64>;
}

registry! {
    /// A curve through weight space.
    Curve, "curve", match_curve {
        bezier => Bezier;
        chain => Chain;
        linear => Linear;
    }
}

impl Curve {
    /// Control points between the ends.
    pub fn bends(&self) -> usize {
        match_curve!(self, kind => kind.bends())
    }

    /// The share of each control point at t.
    pub fn coefficients(&self, t: f64) -> Vec<f64> {
        match_curve!(self, kind => kind.shares(t))
    }

    /// Where on the curve each control point starts, so that all lie on the line: evenly spread.
    pub fn start(&self, k: usize) -> f64 {
        k as f64 / (self.bends() + 1) as f64
    }
}

/// Most bends: more are a chain that AutoNEB grows by itself.
const MOST_BENDS: usize = 64;

/// Refuses numbers of bends that make no sense.
fn check_bends(bends: usize) -> Result<()> {
    if (1..=MOST_BENDS).contains(&bends) {
        Ok(())
    } else {
        Err(Error::expected("bends", format!("1 to {MOST_BENDS}"), bends))
    }
}
