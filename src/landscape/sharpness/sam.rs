//! SAM's sharpness and m-sharpness (Foret et al. 2020, arXiv 2010.01412): the mean over batches of m samples of
//!
//! ```text
//! max over ||e|| <= rho of f(w + e) - f(w),      e = rho g / ||g||  in one step
//! ```
//!
//! and its adaptive form (ASAM, Kwon et al. 2021, arXiv 2102.11600), max over ||e / |w||| <= rho, whose step is
//! e = rho w^2 g / ||w g||. More steps are projected gradient ascent with steps of length rho, so that the first is SAM's
//! own; the largest rise met is kept: a lower bound of the maximum. Where the gradient is zero, or random points of the ball lie
//! higher, there are further starts ([`ascent`](super::ascent)), whose first points take the place of SAM's step.
//!
//! Cost a column: `steps` gradients and five losses.

use super::ascent::{POINTS, Rise, highest};
use super::ball::{Ball, Norm};
use super::surface::{Scale, Surface, over_batches};
use super::{Columns, Here, Row, Sharp, Spent};
use crate::base::{Error, Result};
use crate::nn::Network;

crate::kind! {
    /// m-sharpness by one step of ascent and by several.
    Sam = "sam",
        "m-sharpness: rise of the loss after SAM's one step and after several (Foret 2020; Kwon 2021)";
    /// Radius of the plain ball.
    rho: f64 = 0.05, // Foret 2020, 3.1
    /// Radius of the adaptive ball.
    adaptive_rho: f64 = 0.5, // Kwon 2021, 5.1: ten times SAM's
    /// Samples in a batch; 0 for all at once.
    m: usize = 128, // Foret 2020, section 4: the batch of one accelerator
    /// Steps of the longer ascent; with 1 there is none.
    steps: usize = 20, // as the worst case, Andriushchenko 2023
}

impl Sam {
    fn refuse(&self) -> Result<()> {
        positive("rho", self.rho)?;
        positive("adaptive-rho", self.adaptive_rho)?;
        at_least("steps", self.steps, 1)
    }
}

/// Refuses what is no positive number.
pub(super) fn positive(at: &str, x: f64) -> Result<()> {
    if x > 0.0 && x.is_finite() { Ok(()) } else { Err(Error::expected(at, "a number above 0", x)) }
}

/// Refuses counts below `least` or beyond a million.
pub(super) fn at_least(at: &str, n: usize, least: usize) -> Result<()> {
    const MOST: usize = 1_000_000;
    if (least..=MOST).contains(&n) {
        Ok(())
    } else {
        Err(Error::expected(at, format!("{least} to {MOST}"), n))
    }
}

/// The loss after the first step up from a point of the ball, and the highest of so many steps, whose
/// gradient is `gradient`.
fn ascend(
    surface: &Surface,
    ball: Ball,
    mut u: Vec<f64>,
    mut gradient: Vec<f64>,
    steps: usize,
) -> Result<[f64; 2]> {
    let mut losses = Vec::with_capacity(steps);
    for step in 1..=steps {
        u.iter_mut().zip(ball.steepest(&gradient)).for_each(|(u, d)| *u += ball.rho * d);
        ball.project(&mut u);
        let loss = if step == steps {
            surface.loss(&u)?
        } else {
            let loss;
            (loss, gradient) = surface.gradient(&u)?;
            loss
        };
        losses.push(loss);
    }
    Ok([losses[0], losses.iter().copied().fold(f64::NEG_INFINITY, f64::max)])
}

impl Sam {
    /// The rise after one step, and after several.
    fn rises(&self, here: &Here, surface: &Surface, rho: f64, batch: u64) -> Result<[Rise; 2]> {
        let ball = Ball { norm: Norm::L2, rho };
        let zero = vec![0.0; surface.dimension()];
        let (center, gradient) = surface.gradient(&zero)?;
        if center == f64::INFINITY {
            return Ok([Rise { rise: center, again: false }; 2]);
        }
        let [one, many] = ascend(surface, ball, zero, gradient, self.steps)?;
        // Both look at the same points.
        let starts = || here.streams.stream("sharpness/sam", batch);
        let point = |u: Vec<f64>| surface.loss(&u);
        let climb = |u: Vec<f64>| {
            let (loss, gradient) = surface.gradient(&u)?;
            Ok(ascend(surface, ball, u, gradient, self.steps)?[1].max(loss))
        };
        let one_step = highest(surface, ball, (center, one), &mut starts(), point)?;
        if self.steps == 1 {
            return Ok([one_step; 2]);
        }
        let many = many.max(center + one_step.rise);
        let most = highest(surface, ball, (center, many), &mut starts(), climb)?;
        Ok([one_step, Rise { rise: most.rise.max(one_step.rise), ..most }])
    }
}

impl Sharp for Sam {
    fn columns(&self) -> Columns {
        Columns::Both
    }

    fn cost(&self, _network: &Network) -> Spent {
        let points = if self.steps > 1 { 2 * POINTS } else { POINTS };
        Spent { losses: 2.0 * (1 + points) as f64, gradients: 2.0 * self.steps as f64, products: 0.0 }
    }

    fn rows(&self, here: &Here) -> Result<Vec<Row>> {
        let mut columns = Vec::new();
        for (scale, rho) in Scale::BOTH.into_iter().zip([self.rho, self.adaptive_rho]) {
            let moves = Surface::new(here, scale).any_moves();
            let found = over_batches(here, self.m, |objective, batch| {
                let rises = self.rises(here, &Surface::over(here, objective, scale), rho, batch)?;
                Ok(rises.map(Rise::numbers).concat())
            })?;
            columns.push([0, 3].map(|at| Rise::quantity(&found, at, &[("rho", rho)], moves)));
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
