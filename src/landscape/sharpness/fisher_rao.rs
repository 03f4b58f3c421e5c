//! The Fisher-Rao norm theta' F theta (Liang et al. 2019, arXiv 1711.01530), with the Fisher matrix of the data: the mean over
//! samples of (theta' g_i)^2, g_i the gradient of the sample's loss.
//!
//! Rescaling a layer multiplies its g by what it divides its weights by: theta' g_i, and the norm, stay. In a network
//! without biases that is homogeneous of degree 1 in each of its L layers, theta' g_i = L f' dl/df.
//!
//! Cost: one product.

use super::surface::stopped;
use super::{Columns, Cost, Here, Quantity, Row, Sharp, Spent};
use crate::autodiff::Curvature;
use crate::base::Result;
use crate::landscape::geometry::dot;
use crate::nn::Network;

crate::kind! {
    /// theta' F theta.
    FisherRao = "fisher-rao",
        "Fisher-Rao norm: theta' F theta with the Fisher matrix of the data (Liang 2019)";
}

impl Sharp for FisherRao {
    fn columns(&self) -> Columns {
        Columns::Invariant
    }

    fn cost(&self, _network: &Network) -> Spent {
        Spent { products: 1.0, ..Spent::default() }
    }

    fn rows(&self, here: &Here) -> Result<Vec<Row>> {
        let theta: Vec<f64> = here.at.theta.to_vec();
        let fisher = here.objective.linearize(here.at, Curvature::Fisher, here.memory);
        let product = fisher.products(&theta, 1);
        stopped()?;
        here.spend(Cost::Product, here.objective.samples());
        let norm = Quantity::new(dot(&theta, &product));
        Ok(vec![Row::new("fisher_rao", "Fisher-Rao norm", None, Some(norm))])
    }
}
