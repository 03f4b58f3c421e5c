//! Average-case sharpness: E f(w + delta) - f(w) over random delta (Andriushchenko et al. 2023, arXiv 2302.07011).
//!
//! | row | raw | invariant |
//! |---|---|---|
//! | l2 | delta ~ N(0, sigma^2): expected sharpness (Neyshabur et al. 2017) | N(0, (rho \|w\|)^2) |
//! | l_inf | delta uniform in [-rho, rho] | in [-rho \|w\|, rho \|w\|] |
//!
//! To second order that is sigma^2 / 2 tr H, a third of it for the uniform law. Draws come with their mirror images, so that
//! what the gradient adds cancels within a pair; the standard error is that of the mean over pairs. Over all samples.
//! With ReLU, noise that crosses kinks adds a share of the same order, which tr H, that of the smooth pieces, does not know.
//!
//! Cost a column of a row: `draws` losses and one more.

use super::sam::{at_least, positive};
use super::surface::{Scale, Surface};
use super::{Columns, Here, Quantity, Row, Sharp, Spent};
use crate::base::random::{Rng, normal};
use crate::base::statistics::mean;
use crate::base::{Error, Result, parallel};
use crate::nn::Network;
use rand::RngExt;

crate::kind! {
    /// Mean rise of the loss under noise.
    AverageCase = "average-case",
        "mean rise of the loss under Gaussian (expected sharpness) and uniform noise, plain and adaptive";
    // Andriushchenko 2023, sweeps of their code: .005 to .04 and .1 to .8 in l2, .01 to .08 and .1 to .8 in l_inf. They
    // make 20 draws of 128 samples each; here every draw is one of all samples.
    /// Standard deviation of plain Gaussian noise.
    l2: f64 = 0.01,
    /// Standard deviation of adaptive Gaussian noise, in |w|.
    adaptive_l2: f64 = 0.1,
    /// Half the width of plain uniform noise.
    linf: f64 = 0.02,
    /// Half the width of adaptive uniform noise, in |w|.
    adaptive_linf: f64 = 0.1,
    /// Draws of the noise, mirror images among them.
    draws: usize = 100,
}

impl AverageCase {
    fn refuse(&self) -> Result<()> {
        positive("l2", self.l2)?;
        positive("adaptive-l2", self.adaptive_l2)?;
        positive("linf", self.linf)?;
        positive("adaptive-linf", self.adaptive_linf)?;
        at_least("draws", self.draws, 4)?;
        match self.draws % 2 {
            0 => Ok(()),
            _ => Err(Error::expected("draws", "an even number: draws come in pairs", self.draws)),
        }
    }
}

/// A law of the noise.
struct Law {
    key: &'static str,
    label: &'static str,
    /// What the size of the noise is called.
    size: &'static str,
    /// One coordinate, of size 1.
    draw: fn(&mut Rng) -> f64,
}

const GAUSSIAN: Law =
    Law { key: "average_case_l2", label: "average case, Gaussian", size: "sigma", draw: normal };
const UNIFORM: Law =
    Law { key: "average_case_linf", label: "average case, uniform", size: "rho", draw: uniform };

fn uniform(rng: &mut Rng) -> f64 {
    2.0 * rng.random::<f64>() - 1.0
}

impl AverageCase {
    fn column(&self, here: &Here, scale: Scale, law: &Law, size: f64) -> Result<Quantity> {
        let surface = Surface::new(here, scale);
        let center = surface.center()?;
        let name = format!("sharpness/{}", law.key);
        let rise = |i: usize| {
            let mut rng = here.streams.stream(&name, i as u64);
            let mut u: Vec<f64> = (0..surface.dimension()).map(|_| size * (law.draw)(&mut rng)).collect();
            let there = surface.loss(&u)?;
            u.iter_mut().for_each(|u| *u = -*u);
            Ok(0.5 * (there - center) + 0.5 * (surface.loss(&u)? - center))
        };
        // In parallel, collected in order.
        let rises: Vec<f64> = parallel::try_map(self.draws / 2, &rise)?;
        let (value, error) = mean(&rises);
        let quantity = Quantity::new(value);
        let quantity = if rises.iter().all(|rise| *rise == 0.0) && surface.any_moves() {
            // That all agree on nothing is no error of zero: a rise may lie where none of them looked.
            Quantity {
                status: Some("no draw changed the loss, which may rise elsewhere".to_owned()),
                ..quantity
            }
        } else {
            quantity.with_error(error, &format!("{} draws with their mirror images", rises.len()))
        };
        Ok(quantity.with([(law.size, size), ("draws", self.draws as f64)]))
    }
}

impl Sharp for AverageCase {
    fn columns(&self) -> Columns {
        Columns::Both
    }

    fn cost(&self, _network: &Network) -> Spent {
        Spent { losses: 4.0 * (1 + self.draws) as f64, ..Spent::default() }
    }

    fn rows(&self, here: &Here) -> Result<Vec<Row>> {
        let row = |law: &Law, [raw, adaptive]: [f64; 2]| {
            let raw = self.column(here, Scale::Raw, law, raw)?;
            let invariant = self.column(here, Scale::Invariant, law, adaptive)?;
            Ok(Row::new(law.key, law.label, Some(raw), Some(invariant)))
        };
        Ok(vec![
            row(&GAUSSIAN, [self.l2, self.adaptive_l2])?,
            row(&UNIFORM, [self.linf, self.adaptive_linf])?,
        ])
    }
}
