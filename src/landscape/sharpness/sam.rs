//! SAM's sharpness and m-sharpness (Foret et al. 2020, arXiv 2010.01412): the mean over batches of m samples of
//!
//! ```text
//! max over ||e|| <= rho of f(w + e) - f(w),      e = rho g / ||g||  in one step
//! ```
//!
//! and its adaptive form (ASAM, Kwon et al. 2021, arXiv 2102.11600), max over ||e / |w||| <= rho, whose step is
//! e = rho w^2 g / ||w g||. More steps are projected gradient ascent with steps of length rho, so that the first is SAM's
//! own; the largest rise met is kept: a lower bound of the maximum.
//!
//! Cost a column: `steps` gradients and a loss.

use super::ball::{Ball, Norm};
use super::surface::{Scale, Surface, over_batches};
use super::{Columns, Here, Quantity, Row, Sharp};
use crate::autodiff::Element;
use crate::base::{Error, Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// m-sharpness by one step of ascent and by several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sam {
    /// Radius of the plain ball.
    pub rho: f64,
    /// Radius of the adaptive ball.
    pub adaptive_rho: f64,
    /// Samples in a batch; 0 for all at once.
    pub m: usize,
    /// Steps of the longer ascent; with 1 there is none.
    pub steps: usize,
}

impl Default for Sam {
    fn default() -> Self {
        Self {
            rho: 0.05,         // Foret 2020, 3.1
            adaptive_rho: 0.5, // Kwon 2021, 5.1: ten times SAM's
            m: 128,            // Foret 2020, section 4: the batch of one accelerator
            steps: 20,         // as the worst case, Andriushchenko 2023
        }
    }
}

impl Kind for Sam {
    const NAME: &'static str = "sam";
    const SUMMARY: &'static str =
        "m-sharpness: rise of the loss after SAM's one step and after several (Foret 2020; Kwon 2021)";

    fn check(&self) -> Result<()> {
        positive("rho", self.rho)?;
        positive("adaptive-rho", self.adaptive_rho)?;
        at_least("steps", self.steps, 1)
    }
}

/// Refuses what is no positive number.
pub(super) fn positive(at: &str, x: f64) -> Result<()> {
    match x > 0.0 && x.is_finite() {
        true => Ok(()),
        false => Err(Error::expected(at, "a number above 0", x)),
    }
}

/// Refuses counts below `least` or beyond a million.
pub(super) fn at_least(at: &str, n: usize, least: usize) -> Result<()> {
    const MOST: usize = 1_000_000;
    match (least..=MOST).contains(&n) {
        true => Ok(()),
        false => Err(Error::expected(at, format!("{least} to {MOST}"), n)),
    }
}

/// The rise after the first step, and the largest.
fn ascend<E: Element>(surface: &Surface<E>, rho: f64, steps: usize) -> Result<[f64; 2]> {
    let ball = Ball { norm: Norm::L2, rho };
    let mut u = vec![0.0; surface.dimension()];
    let (start, mut gradient) = surface.gradient(&u)?;
    let mut rises = Vec::with_capacity(steps);
    for step in 1..=steps {
        u.iter_mut().zip(ball.steepest(&gradient)).for_each(|(u, d)| *u += rho * d);
        ball.project(&mut u);
        let loss = match step == steps {
            true => surface.loss(&u)?,
            false => {
                let loss;
                (loss, gradient) = surface.gradient(&u)?;
                loss
            }
        };
        rises.push(loss - start);
    }
    Ok([rises[0], rises.iter().copied().fold(f64::NEG_INFINITY, f64::max)])
}

impl Sharp for Sam {
    fn columns(&self) -> Columns {
        Columns::Both
    }

    fn rows<E: Element>(&self, here: &Here<E>) -> Result<Vec<Row>> {
        let mut columns = Vec::new();
        for (scale, rho) in Scale::BOTH.into_iter().zip([self.rho, self.adaptive_rho]) {
            let found = over_batches(here, self.m, |objective, _| {
                Ok(ascend(&Surface::over(here, objective, scale), rho, self.steps)?.to_vec())
            })?;
            let facts = [("rho", rho), ("m", found.size as f64), ("batches", found.batches as f64)];
            let quantity = |(rise, error): &(f64, f64)| Quantity::new(*rise).with_error(*error).with(facts);
            columns.push(found.means.iter().map(quantity).collect::<Vec<_>>());
        }
        let row = |key: &str, label: &str, i: usize| {
            Row::new(key, label, Some(columns[0][i].clone()), Some(columns[1][i].clone()))
        };
        let mut rows = vec![row("sam", "SAM, one step", 0)];
        if self.steps > 1 {
            rows.push(row("sam_ascent", &format!("SAM, {} steps", self.steps), 1));
        }
        Ok(rows)
    }
}
