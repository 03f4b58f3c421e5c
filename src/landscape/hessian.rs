//! Products with the curvature of a network's loss as an operator of `spectral`.

use crate::nn::Products;
use crate::spectral::Operator;

/// The curvature at one point, p x p.
#[derive(Debug)]
pub struct Curved<P>(pub P);

impl<P: Products> Operator for Curved<P> {
    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn epsilon(&self) -> f64 {
        self.0.precision().epsilon()
    }

    fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
        self.0.products(block, k)
    }
}
