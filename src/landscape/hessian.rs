//! Products with the curvature of a network's loss as an operator of `spectral`.

use crate::autodiff::Element;
use crate::nn::Linearization;
use crate::spectral::Operator;

/// The curvature at one point, p x p.
#[derive(Debug)]
pub struct Curved<'a, E>(pub Linearization<'a, E>);

impl<E: Element> Operator for Curved<'_, E> {
    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn epsilon(&self) -> f64 {
        E::EPSILON.to_f64()
    }

    fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
        self.0.products(block, k)
    }
}
