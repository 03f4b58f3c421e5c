//! What directions see of a trained network.

use super::super::run::weight_file;
use crate::autodiff::{Curvature, Element};
use crate::base::{Error, Result, Streams, files, interrupt};
use crate::landscape::directions::{Place, Snapshot};
use crate::landscape::hessian::Curved;
use crate::nn::{Network, Objective, Weights};
use crate::passes::Run;
use crate::spectral::Operator;
use std::path::Path;

/// What is kept of a slice that is stopped before its first point.
pub const NOTHING: &str = "nothing was computed yet";

/// A network at its trained weights.
pub struct Here<'a, E> {
    pub run: &'a Run,
    pub objective: &'a Objective<E>,
    pub theta: &'a [f64],
    pub state: &'a [f64],
    pub streams: Streams,
    pub memory: usize,
}

impl<E: Element> Here<'_, E> {
    fn rounded(&self) -> [Vec<E>; 2] {
        [self.theta, self.state].map(|v| v.iter().map(|x| E::from_f64(*x)).collect())
    }
}

impl<E: Element> Place for Here<'_, E> {
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
        let [theta, state] = self.rounded();
        let (_, gradient) = self.objective.gradient(&theta, &state);
        interrupt::check("slice", NOTHING)?;
        Ok(gradient)
    }

    fn hessian(&self) -> Result<Box<dyn Operator + '_>> {
        let [theta, state] = self.rounded();
        let products = self.objective.linearize(&theta, &state, Curvature::Hessian, self.memory);
        Ok(Box::new(Curved(products)))
    }

    fn weights(&self, path: &Path) -> Result<(Vec<f64>, Vec<f64>)> {
        let file = weight_file(path)?;
        let weights = Weights::read(&file)?;
        let (expected, found) = (self.network().spec(), weights.network.spec());
        if expected != found {
            let (expected, found) = crate::base::log::difference(expected, found).unwrap_or_default();
            return Err(Error::expected(files::named(&file), format!("the same network, {expected}"), found));
        }
        // Another set of samples has another landscape.
        let other: Option<crate::passes::DataSettings> = serde_json::from_str(&weights.data).ok();
        if let Some(other) = other.filter(|d| d.sha256 != self.run.data.sha256) {
            let expected = format!("a network trained on data with SHA-256 {}", self.run.data.sha256);
            return Err(Error::expected(files::named(&file), expected, other.sha256));
        }
        Ok((weights.theta, weights.state))
    }

    fn trajectory(&self) -> Result<Vec<Snapshot>> {
        self.run.trajectory()
    }
}
