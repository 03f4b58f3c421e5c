//! What directions see of a trained network.

use super::super::run::weight_file;
use super::super::weights_beside;
use crate::analyses::Run;
use crate::autodiff::Curvature;
use crate::base::{Error, Result, Streams, files, interrupt};
use crate::landscape::directions::{Place, Snapshot};
use crate::landscape::hessian::Curved;
use crate::nn::{At, MeanLoss, Network, Weights};
use crate::spectral::Operator;
use std::path::Path;

/// What is kept of a slice that is stopped before its first point.
pub const NOTHING: &str = "nothing was computed yet";

/// A network at its trained weights.
pub struct Here<'a> {
    pub run: &'a Run,
    pub objective: &'a dyn MeanLoss,
    pub theta: &'a [f64],
    pub state: &'a [f64],
    pub streams: Streams,
    pub memory: usize,
    /// Runs whose ways lie in the same slice, and what they are called.
    pub companions: &'a [Run],
    pub names: &'a [String],
}

impl Here<'_> {
    fn at(&self) -> At<'_> {
        At { theta: self.theta, state: self.state }
    }
}

impl Place for Here<'_> {
    fn network(&self) -> &Network {
        self.objective.network()
    }

    fn theta(&self) -> &[f64] {
        self.theta
    }

    fn state(&self) -> &[f64] {
        self.state
    }

    fn streams(&self) -> &Streams {
        &self.streams
    }

    fn gradient(&self) -> Result<Vec<f64>> {
        let (_, gradient) = self.objective.gradient(self.at());
        interrupt::check("slice", NOTHING)?;
        Ok(gradient)
    }

    fn hessian(&self) -> Result<Box<dyn Operator + '_>> {
        let products = self.objective.linearize(self.at(), Curvature::Hessian, self.memory);
        Ok(Box::new(Curved(products)))
    }

    fn weights(&self, path: &Path) -> Result<(Vec<f64>, Vec<f64>)> {
        if self.network().graph().is_some() && path.is_file() {
            let (theta, state, _) = weights_beside::read(path, self.network(), self.state.to_vec())?;
            return Ok((theta, state));
        }
        let file = weight_file(path)?;
        let weights = Weights::read(&file)?;
        let (expected, found) = (self.network().spec(), weights.network.spec());
        if expected != found {
            let (expected, found) = crate::base::log::difference(expected, found).unwrap_or_default();
            return Err(Error::expected(files::named(&file), format!("the same network, {expected}"), found));
        }
        // Another set of samples has another landscape.
        let other: Option<crate::analyses::DataSettings> = serde_json::from_str(&weights.data).ok();
        if let Some(other) = other.filter(|d| d.sha256 != self.run.data.sha256) {
            let expected = format!("a network trained on data with SHA-256 {}", self.run.data.sha256);
            return Err(Error::expected(files::named(&file), expected, other.sha256));
        }
        Ok((weights.theta, weights.state))
    }

    fn trajectory(&self) -> Result<Vec<Snapshot>> {
        self.run.trajectory()
    }

    fn companions(&self) -> Result<Vec<(String, Vec<Snapshot>)>> {
        let all = self.names.iter().cloned().zip(self.companions);
        all.map(|(name, run)| Ok((name, run.trajectory()?))).collect()
    }
}
