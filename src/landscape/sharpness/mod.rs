//! Sharpness measures beyond eigenvalues: how much the loss rises around a network, one file a kind.
//!
//! What they share is a change of coordinates. A perturbation is theta + s * u, element by element, with s = 1 for a *raw*
//! measure and s = |theta| for an *invariant* one (Kwon et al. 2021; Andriushchenko et al. 2023). Multiplying one layer of
//! a ReLU network, biases too, by a > 0 and dividing the next weights by it leaves the function alone, and with s = |theta|
//! also the loss at every u; raw sharpness it can make as large as one likes (Dinh et al. 2017). So both columns stand side
//! by side, and a raw one alone says nothing of flatness.
//!
//! Where s is zero, u moves nothing: zero weights stay.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Sharp`], and a line below.

pub mod ascent;
pub mod ball;
pub mod surface;

use crate::base::{Result, Streams, files::null_is_nan};
use crate::nn::{At, MeanLoss, Network};
use crate::registry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A trained network with the samples that its sharpness is of, and what has been spent on it.
#[derive(Debug)]
pub struct Here<'a> {
    /// The mean loss over the samples.
    pub objective: &'a dyn MeanLoss,
    /// Where the network is.
    pub at: At<'a>,
    /// Random streams of the seed.
    pub streams: &'a Streams,
    /// Memory for values that are kept, in bytes.
    pub memory: usize,
    /// Samples whose loss, gradient or product with the curvature was computed.
    spent: [AtomicU64; 3],
}

/// What measures cost, in passes over all samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Evaluations of the loss.
    pub losses: f64,
    /// Gradients.
    pub gradients: f64,
    /// Products of the curvature with a vector.
    pub products: f64,
}

/// Something that samples are spent on.
#[derive(Clone, Copy, Debug)]
enum Cost {
    Loss,
    Gradient,
    Product,
}

impl<'a> Here<'a> {
    /// A network at a place, with nothing spent yet.
    pub fn new(objective: &'a dyn MeanLoss, at: At<'a>, streams: &'a Streams, memory: usize) -> Self {
        let spent = [0; 3].map(AtomicU64::new);
        Self { objective, at, streams, memory, spent }
    }

    /// What has been spent so far.
    pub fn spent(&self) -> Spent {
        self.passes(self.counts())
    }

    /// Samples whose loss, gradient or product with the curvature was computed so far.
    pub fn counts(&self) -> [f64; 3] {
        [0, 1, 2].map(|i| self.spent[i].load(Relaxed) as f64)
    }

    /// So many samples in passes over all.
    pub fn passes(&self, counts: [f64; 3]) -> Spent {
        let all = self.objective.samples().max(1) as f64;
        let [losses, gradients, products] = counts.map(|count| count / all);
        Spent { losses, gradients, products }
    }

    fn spend(&self, cost: Cost, samples: usize) {
        self.spent[cost as usize].fetch_add(samples as u64, Relaxed);
    }
}

/// A number of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    /// The number; NaN if it could not be had.
    #[serde(deserialize_with = "null_is_nan")]
    pub value: f64,
    /// Its standard error, where it is an estimate.
    pub standard_error: Option<f64>,
    /// What the standard error is over: so many batches, draws, probes.
    pub error_over: Option<String>,
    /// Numbers that belong to it: radius, quantiles, counts. One that could not be had is none.
    pub details: BTreeMap<String, Option<f64>>,
    /// Why it could not be had, or what else must be known of it.
    pub status: Option<String>,
}

impl Quantity {
    /// A number, with a status if it is none.
    pub fn new(value: f64) -> Self {
        let status = (!value.is_finite()).then(|| "the loss is not finite somewhere around".to_owned());
        let value = if value.is_finite() { value } else { f64::NAN };
        Self { value, standard_error: None, error_over: None, details: BTreeMap::new(), status }
    }

    /// A number that could not be had.
    pub fn missing(why: impl Into<String>) -> Self {
        Self { status: Some(why.into()), ..Self::new(f64::NAN) }
    }

    /// With a standard error, where it is a number, `over` what it says.
    pub fn with_error(self, standard_error: f64, over: &str) -> Self {
        if standard_error.is_finite() {
            let (standard_error, error_over) = (Some(standard_error), Some(over.to_owned()));
            Self { standard_error, error_over, ..self }
        } else {
            self
        }
    }

    /// With numbers that belong to it.
    pub fn with<S: Into<String>>(mut self, details: impl IntoIterator<Item = (S, f64)>) -> Self {
        let details = details.into_iter().map(|(name, x)| (name.into(), x.is_finite().then_some(x)));
        self.details.extend(details);
        self
    }
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name for scripts, in snake case.
    pub key: String,
    /// Its name for people.
    pub label: String,
    /// The measure with plain perturbations, if it has this column.
    pub raw: Option<Quantity>,
    /// The measure that rescaling leaves alone, if it has this column.
    pub invariant: Option<Quantity>,
}

impl Row {
    fn new(key: &str, label: &str, raw: Option<Quantity>, invariant: Option<Quantity>) -> Self {
        Self { key: key.to_owned(), label: label.to_owned(), raw, invariant }
    }
}

/// Which columns a measure has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Rescaling changes it at will: no ground for calling a minimum flat.
    Raw,
    /// Only one that rescaling leaves alone.
    Invariant,
    /// Both, side by side.
    Both,
}

/// What a sharpness measure is.
pub trait Sharp {
    /// Its columns, known before anything is computed.
    fn columns(&self) -> Columns;
    /// What it costs, about, in passes over the samples.
    fn cost(&self, network: &Network) -> Spent;
    /// Its rows at a network. Fails on a request that does not fit the network and on a signal; numbers that
    /// cannot be had are missing in a row that says why.
    fn rows(&self, here: &Here) -> Result<Vec<Row>>;
}

registry! {
    /// A sharpness measure beyond eigenvalues.
    Sharpness, "sharpness", match_sharpness {
        sam => Sam;
        worst_case => WorstCase;
        average_case => AverageCase;
        pac_bayes => PacBayes;
        basin_radius => BasinRadius;
        fisher_rao => FisherRao;
        relative_flatness => RelativeFlatness;
        keskar => Keskar;
        critical_sharpness => CriticalSharpness;
    }
}

impl Sharp for Sharpness {
    fn columns(&self) -> Columns {
        match_sharpness!(self, kind => kind.columns())
    }

    fn cost(&self, network: &Network) -> Spent {
        match_sharpness!(self, kind => kind.cost(network))
    }

    fn rows(&self, here: &Here) -> Result<Vec<Row>> {
        match_sharpness!(self, kind => kind.rows(here))
    }
}
