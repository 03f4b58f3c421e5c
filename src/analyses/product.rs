//! The curvature of a network's mean loss at its weights, as an operator that other programs multiply with, and what stands with
//! it: the loss, the gradient and the weights.
//!
//! Without weight decay, as in [`super::sharpness`], whose matrices these are.

use super::run::{Run, gibibytes, rounded, used};
use super::sharpness::Matrix;
use super::statistics::{GroupSize, Policy, Stats};
use crate::autodiff::Curvature;
use crate::base::{Error, Precision, Result};
use crate::landscape::hessian::Curved;
use crate::nn::{At, Network};
use crate::spectral::Operator;
use crate::train::loss;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which matrix, over which samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProductSettings {
    /// Which matrix; the true Fisher matrix where it is the Gauss-Newton matrix
    #[arg(long, value_name = "MATRIX", value_enum, default_value_t = ProductSettings::default().operator)]
    pub operator: Matrix,
    /// The first N training samples only (they are in random order) [default: all]
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Statistics of batch norm and its kin: running or batch [default: running, where the network has such]
    #[arg(long, value_name = "KIND")]
    pub stats: Option<Stats>,
    /// Samples in a group that shares statistics, with --stats batch: a number, or `all` [default: the training batch]
    #[arg(long, value_name = "N")]
    pub stat_batch: Option<GroupSize>,
    /// Element type of products [default: the one that the network was trained in]
    #[arg(long, value_name = "TYPE")]
    pub precision: Option<Precision>,
    /// Memory for values that are kept instead of computed again, in GiB
    #[arg(long, value_name = "GIB", default_value_t = ProductSettings::default().memory)]
    pub memory: f64,
}

impl Default for ProductSettings {
    fn default() -> Self {
        let operator = Matrix::default();
        Self { operator, samples: None, stats: None, stat_batch: None, precision: None, memory: 4.0 }
    }
}

/// Where the matrix is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The weights, as they are rounded for the products.
    pub theta: Vec<f64>,
    /// The mean loss there.
    pub loss: f64,
    /// Its gradient.
    pub gradient: Vec<f64>,
}

impl ProductSettings {
    /// Refuses what makes no sense of any network.
    pub fn check(&self) -> Result<()> {
        if self.stats == Some(Stats::Refresh) {
            let expected = "running or batch: at one point there is nothing to recompute";
            return Err(Error::expected("--stats", expected, "refresh"));
        }
        gibibytes(self.memory).map(|_| ())
    }

    /// Shows `work` the matrix of a network, p x p.
    pub fn with<R>(&self, run: &Run, work: impl FnOnce(&dyn Operator, &Point) -> Result<R>) -> Result<R> {
        self.check()?;
        let network = Arc::new(run.network.clone());
        let precision = self.precision.unwrap_or(run.precision);
        let dataset = used(&run.dataset, self.samples, None, "--samples")?;
        let policy = Policy::new(&network, self.stats, self.stat_batch, run.data.batch_size)?;
        policy.check_samples(&network, "training", dataset.train.len())?;
        let theta = rounded(&run.theta, "weights", precision)?;
        let state = rounded(&run.state, "statistics", precision)?;
        let objective = loss(&network, &dataset.train, precision, policy.evaluation());
        let curvature = self.curvature(&network, objective.masked())?;
        let at = At { theta: &theta, state: &state };
        let (evaluation, gradient) = objective.gradient(at);
        let products = Curved(objective.linearize(at, curvature, gibibytes(self.memory)?));
        let point = Point { theta: theta.clone(), loss: evaluation.loss, gradient };
        work(&products, &point)
    }

    /// What is multiplied with, where the network's loss has such a matrix.
    fn curvature(&self, network: &Network, masked: bool) -> Result<Curvature> {
        let at = "--operator";
        let canonical = network.fisher_is_gauss_newton(masked);
        let is_fisher = matches!(self.operator, Matrix::Fisher | Matrix::EmpiricalFisher);
        if is_fisher && self.stats == Some(Stats::Batch) {
            let expected = "running statistics, with which each sample has a gradient of its own";
            return Err(Error::expected(at, expected, "--stats batch"));
        }
        match (self.operator, canonical) {
            (Matrix::Hessian, _) => Ok(Curvature::Hessian),
            (Matrix::GaussNewton, Ok(_)) | (Matrix::Fisher, Ok(true)) => Ok(Curvature::GaussNewton),
            (Matrix::GaussNewton | Matrix::Fisher, Err(why)) => {
                Err(Error::expected(at, "a loss of torch's over the outputs of a network", why))
            }
            (Matrix::Fisher, Ok(false)) => {
                let expected = "a loss that is minus a log-likelihood in natural parameters";
                Err(Error::expected(at, expected, "another, whose true Fisher matrix has to be sampled"))
            }
            (Matrix::EmpiricalFisher, _) if !network.tells_samples_apart() => {
                Err(Error::expected(at, "a loss of each sample", "a graph that shows none"))
            }
            (Matrix::EmpiricalFisher, _) => Ok(Curvature::Fisher),
        }
    }
}
