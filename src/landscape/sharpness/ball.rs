//! Balls of perturbations, ||u||_p <= rho with p = 2 or infinity: what ascent within one needs to know.

use crate::base::random::{Rng, normal};
use crate::landscape::geometry::dot;
use rand::RngExt;

/// The norm of a perturbation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Euclidean.
    L2,
    /// Largest magnitude.
    Linf,
}

/// ||u||_p <= rho.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ball {
    /// p.
    pub norm: Norm,
    /// Radius.
    pub rho: f64,
}

impl Ball {
    /// The steepest way up, of norm 1: g / ||g|| or sign(g). Zero, where the gradient is zero or cannot be followed.
    pub fn steepest(&self, gradient: &[f64]) -> Vec<f64> {
        let length = dot(gradient, gradient).sqrt();
        if !(length > 0.0 && length.is_finite()) {
            return vec![0.0; gradient.len()];
        }
        match self.norm {
            Norm::L2 => gradient.iter().map(|g| g / length).collect(),
            Norm::Linf => gradient.iter().map(|g| if *g == 0.0 { 0.0 } else { g.signum() }).collect(),
        }
    }

    /// The nearest point of the ball.
    pub fn project(&self, u: &mut [f64]) {
        match self.norm {
            Norm::L2 => {
                let length = dot(u, u).sqrt();
                if length > self.rho {
                    u.iter_mut().for_each(|u| *u *= self.rho / length);
                }
            }
            Norm::Linf => u.iter_mut().for_each(|u| *u = u.clamp(-self.rho, self.rho)),
        }
    }

    /// A random start: uniform on the sphere, or in the cube; zero in coordinates that move nothing, which would use
    /// up the radius.
    pub fn start(&self, n: usize, moves: impl Fn(usize) -> bool, rng: &mut Rng) -> Vec<f64> {
        // Every coordinate takes its draws, so that those of the others do not depend on which stand still.
        let draw = |rng: &mut Rng| match self.norm {
            Norm::L2 => normal(rng),
            Norm::Linf => (2.0 * rng.random::<f64>() - 1.0) * self.rho,
        };
        let mut u: Vec<f64> = (0..n).map(|i| if moves(i) { draw(rng) } else { 0.0 * draw(rng) }).collect();
        let length = dot(&u, &u).sqrt();
        if self.norm == Norm::L2 && length > 0.0 {
            u.iter_mut().for_each(|u| *u *= self.rho / length);
        }
        u
    }
}
