//! Average-case sharpness: E f(w + delta) - f(w) over random delta (Andriushchenko et al. 2023, arXiv 2302.07011).
//!
//! | row | raw | invariant |
//! |---|---|---|
//! | l2 | delta ~ N(0, sigma^2): expected sharpness (Neyshabur et al. 2017) | N(0, (rho \|w\|)^2) |
//! | l_inf | delta uniform in [-rho, rho] | in [-rho \|w\|, rho \|w\|] |
//!
//! To second order that is sigma^2 / 2 tr H, a third of it for the uniform law. Over all samples; the standard error is that of
//! the mean over draws. Cost a column of a row: `draws` losses.

use super::sam::{at_least, positive};
use super::surface::{Scale, Surface, mean};
use super::{Columns, Here, Quantity, Row, Sharp};
use crate::autodiff::Element;
use crate::base::random::{Rng, normal};
use crate::base::{Result, registry::Kind};
use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Mean rise of the loss under noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AverageCase {
    /// Standard deviation of plain Gaussian noise.
    pub l2: f64,
    /// Standard deviation of adaptive Gaussian noise, in |w|.
    pub adaptive_l2: f64,
    /// Half the width of plain uniform noise.
    pub linf: f64,
    /// Half the width of adaptive uniform noise, in |w|.
    pub adaptive_linf: f64,
    /// Draws of the noise.
    pub draws: usize,
}

impl Default for AverageCase {
    fn default() -> Self {
        // Andriushchenko 2023, sweeps of their code: .005 to .04 and .1 to .8 in l2, .01 to .08 and .1 to .8 in l_inf. They
        // make 20 draws of 128 samples each; here every draw is one of all samples.
        Self { l2: 0.01, adaptive_l2: 0.1, linf: 0.02, adaptive_linf: 0.1, draws: 100 }
    }
}

impl Kind for AverageCase {
    const NAME: &'static str = "average-case";
    const SUMMARY: &'static str =
        "mean rise of the loss under Gaussian (expected sharpness) and uniform noise, plain and adaptive";

    fn check(&self) -> Result<()> {
        positive("l2", self.l2)?;
        positive("adaptive-l2", self.adaptive_l2)?;
        positive("linf", self.linf)?;
        positive("adaptive-linf", self.adaptive_linf)?;
        at_least("draws", self.draws, 2)
    }
}

/// One coordinate of the noise, of size 1.
type Draw = fn(&mut Rng) -> f64;

fn uniform(rng: &mut Rng) -> f64 {
    2.0 * rng.random::<f64>() - 1.0
}

impl AverageCase {
    fn column<E: Element>(
        &self,
        here: &Here<E>,
        scale: Scale,
        key: &str,
        draw: Draw,
        size: f64,
    ) -> Result<Quantity> {
        let surface = Surface::new(here, scale);
        let center = surface.center()?;
        let name = format!("sharpness/{key}");
        let rise = |i: usize| {
            let mut rng = here.streams.stream(&name, i as u64);
            let u: Vec<f64> = (0..surface.dimension()).map(|_| size * draw(&mut rng)).collect();
            Ok(surface.loss(&u)? - center)
        };
        // In parallel, collected in order.
        let rises: Vec<f64> = (0..self.draws).into_par_iter().map(rise).collect::<Result<_>>()?;
        let (value, error) = mean(&rises);
        let which = if key.ends_with("l2") { "sigma" } else { "rho" };
        Ok(Quantity::new(value).with_error(error).with([(which, size), ("draws", self.draws as f64)]))
    }
}

impl Sharp for AverageCase {
    fn columns(&self) -> Columns {
        Columns::Both
    }

    fn rows<E: Element>(&self, here: &Here<E>) -> Result<Vec<Row>> {
        let row = |key: &str, label: &str, draw: Draw, [raw, adaptive]: [f64; 2]| {
            let raw = self.column(here, Scale::Raw, key, draw, raw)?;
            let invariant = self.column(here, Scale::Invariant, key, draw, adaptive)?;
            Ok(Row::new(key, label, Some(raw), Some(invariant)))
        };
        Ok(vec![
            row("average_case_l2", "average case, Gaussian", normal, [self.l2, self.adaptive_l2])?,
            row("average_case_linf", "average case, uniform", uniform, [self.linf, self.adaptive_linf])?,
        ])
    }
}
