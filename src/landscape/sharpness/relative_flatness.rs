//! Relative flatness of a layer (Petzka et al. 2021, arXiv 2001.00939): with w_s the incoming weights of its neuron s and
//! H_(s,s') the block of the loss's Hessian between those of s and s',
//!
//! ```text
//! kappa = sum over s, s' of <w_s, w_s'> tr H_(s,s')  =  tr (W W' (x) I) H
//! ```
//!
//! small for a flat minimum. Invariant to rescaling of whole layers, not to unlike factors for the neurons before it.
//!
//! With (o, j) for weight j of neuron o, kappa is the sum over o, j of <(W W' e_o) (x) e_j, H e_(o,j)>: exact from one product
//! for each weight. Where those are too many, it is estimated by E v'H v, v = W Z' with random signs Z (d x d), whose second
//! moment is W W' (x) I.
//!
//! Cost: as many products as the layer has weights, or as there are `probes`.

use super::sam::at_least;
use super::surface::stopped;
use super::{Columns, Cost, Here, Quantity, Row, Sharp, Spent};
use crate::autodiff::Curvature;
use crate::base::registry::unknown;
use crate::base::statistics::mean;
use crate::base::{Error, Result};
use crate::landscape::geometry::dot;
use crate::nn::{Layout, Network, Parameter, Products, Role};
use rand::RngExt;

crate::kind! {
    /// Trace of a layer's Hessian, relative to its weights.
    RelativeFlatness = "relative-flatness",
        "relative flatness of a layer: sum of <w_s, w_s'> tr H_ss' over its neurons (Petzka 2021)";
    /// Name of the weight, as in weight files; empty for the last.
    layer: String = String::new(), // Petzka 2021, section 5: the penultimate features, whose weights are the last
    /// Most products for an exact sum.
    exact: usize = 1024, // every last layer of up to 100 features for 10 classes
    /// Random vectors for an estimate.
    probes: usize = 100, // a standard error of about a tenth
}

impl RelativeFlatness {
    fn refuse(&self) -> Result<()> {
        at_least("exact", self.exact, 0)?;
        at_least("probes", self.probes, 2)
    }
}

/// Vectors multiplied at once.
const BLOCK: usize = 16;

/// A layer's weights, and products with the Hessian.
struct Layer<'a> {
    here: &'a Here<'a>,
    weight: &'a Parameter,
    products: Box<dyn Products + 'a>,
    /// W, neuron by neuron.
    rows: Vec<Vec<f64>>,
}

impl Layer<'_> {
    /// v'H u for pairs (v, u) of vectors of the layer's size, in order.
    fn forms(&self, count: usize, pair: impl Fn(usize) -> [Vec<f64>; 2]) -> Result<Vec<f64>> {
        let (p, at) = (self.here.at.theta.len(), self.weight.range());
        let mut forms = Vec::with_capacity(count);
        for first in (0..count).step_by(BLOCK) {
            let pairs: Vec<[Vec<f64>; 2]> = (first..count.min(first + BLOCK)).map(&pair).collect();
            let mut block = vec![0.0; p * pairs.len()];
            for ([_, u], column) in pairs.iter().zip(block.chunks_exact_mut(p)) {
                column[at.clone()].copy_from_slice(u);
            }
            let products = self.products.products(&block, pairs.len());
            stopped()?;
            self.here.spend(Cost::Product, pairs.len() * self.here.objective.samples());
            let columns = products.chunks_exact(p);
            forms.extend(pairs.iter().zip(columns).map(|([v, _], h)| dot(v, &h[at.clone()])));
        }
        Ok(forms)
    }

    /// The sum over all weights.
    fn exact(&self) -> Result<Quantity> {
        let d = self.rows.first().map_or(0, Vec::len);
        let forms = self.forms(self.weight.size(), |i| {
            let (o, j) = (i / d, i % d);
            let [mut v, mut u] = [vec![0.0; self.weight.size()], vec![0.0; self.weight.size()]];
            for (s, row) in self.rows.iter().enumerate() {
                v[s * d + j] = dot(row, &self.rows[o]);
            }
            u[i] = 1.0;
            [v, u]
        })?;
        Ok(Quantity::new(forms.iter().sum()).with([("products", forms.len() as f64)]))
    }

    /// The mean over random vectors.
    fn estimate(&self, probes: usize) -> Result<Quantity> {
        let forms = self.forms(probes, |i| {
            let mut rng = self.here.streams.stream("sharpness/relative_flatness", i as u64);
            let d = self.rows.first().map_or(0, Vec::len);
            let mut v = vec![0.0; self.weight.size()];
            for j in 0..d {
                let signs: Vec<f64> = (0..d).map(|_| if rng.random::<bool>() { 1.0 } else { -1.0 }).collect();
                for (s, row) in self.rows.iter().enumerate() {
                    v[s * d + j] = dot(row, &signs);
                }
            }
            [v.clone(), v]
        })?;
        let (value, error) = mean(&forms);
        Ok(Quantity::new(value)
            .with_error(error, &format!("{probes} probes"))
            .with([("products", probes as f64)]))
    }
}

impl RelativeFlatness {
    /// The layers that it may be asked of, and the one that it is.
    fn layer<'a>(&self, layout: &'a Layout) -> (Vec<&'a Parameter>, Option<&'a Parameter>) {
        let weights: Vec<&Parameter> =
            layout.weights().filter(|p| p.shape.len() > 1 && p.role == Role::Weight && p.axis == 0).collect();
        let named = weights.iter().rev().find(|p| self.layer.is_empty() || p.name == self.layer).copied();
        (weights, named)
    }
}

impl Sharp for RelativeFlatness {
    fn columns(&self) -> Columns {
        Columns::Invariant
    }

    fn cost(&self, network: &Network) -> Spent {
        let size = self.layer(network.layout()).1.map_or(0, Parameter::size);
        let products = if size <= self.exact { size } else { self.probes };
        Spent { products: products as f64, ..Spent::default() }
    }

    fn rows(&self, here: &Here) -> Result<Vec<Row>> {
        let (weights, named) = self.layer(here.objective.network().layout());
        let Some(weight) = named else {
            let names = weights.iter().map(|p| p.name.as_str());
            return Err(match self.layer.as_str() {
                "" => Error::expected("relative-flatness", "a layer of weights", "none in the network"),
                name => unknown("relative-flatness: layer", name, names),
            });
        };
        let theta = |r: std::ops::Range<usize>| here.at.theta[r].to_vec();
        let rows = weight.filters().map(theta).collect();
        let products = here.objective.linearize(here.at, Curvature::Hessian, here.memory);
        let layer = Layer { here, weight, products, rows };
        let kappa = if weight.size() <= self.exact { layer.exact()? } else { layer.estimate(self.probes)? };
        let label = format!("relative flatness of {}", weight.name);
        Ok(vec![Row::new("relative_flatness", &label, None, Some(kappa))])
    }
}
