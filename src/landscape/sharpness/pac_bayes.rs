//! The sigma of PAC-Bayes bounds: the largest noise under which the training accuracy falls by no more than a tenth, on
//! average over draws (Jiang et al. 2020, arXiv 1912.02178, appendix C.2); larger is flatter. Raw noise is N(0, sigma^2),
//! invariant noise N(0, (sigma |w|)^2), their magnitude-aware one without the constant that breaks the invariance.
//!
//! All sigmas see the same draws, so that the mean accuracy is a smooth function of sigma; it is bracketed by doubling and
//! then bisected. The standard error is that of the mean accuracy over its slope in sigma.
//!
//! Cost a column: `draws` losses for each sigma tried, some 15 to 20 of them.

use super::sam::{at_least, positive};
use super::surface::{Scale, Surface};
use super::{Columns, Here, Quantity, Row, Sharp, Spent};
use crate::base::random::normal;
use crate::base::statistics::mean;
use crate::base::{Error, Result, parallel};
use crate::nn::Network;

crate::kind! {
    /// The noise at which accuracy falls.
    PacBayes = "pac-bayes",
        "largest noise that costs no more than a tenth of accuracy, plain and by magnitude (Jiang 2020)";
    /// By how much the accuracy may fall.
    fall: f64 = 0.1, // Jiang 2020, C.2
    /// Draws of the noise.
    draws: usize = 30, // a standard error of the accuracy well below the fall
    /// Relative width to which sigma is bisected.
    tolerance: f64 = 0.01, // below the standard error
}

impl PacBayes {
    fn refuse(&self) -> Result<()> {
        let within = |at: &str, x: f64| {
            if x > 0.0 && x < 1.0 { Ok(()) } else { Err(Error::expected(at, "a number between 0 and 1", x)) }
        };
        within("fall", self.fall)?;
        within("tolerance", self.tolerance)?;
        positive("tolerance", self.tolerance)?;
        at_least("draws", self.draws, 2)
    }
}

/// The first sigma tried: from here small networks are a few doublings away.
const FIRST: f64 = 1.0 / 64.0;
/// Doublings and halvings from there, at most.
const DOUBLINGS: i32 = 40;
/// Half the width, as a factor, over which the slope is measured.
const SLOPE: f64 = 1.1;

impl PacBayes {
    /// Falls of the accuracy at sigma, one a draw.
    fn falls(&self, here: &Here, surface: &Surface, accuracy: f64, sigma: f64) -> Result<Vec<f64>> {
        let fall = |i: usize| {
            let mut rng = here.streams.stream("sharpness/pac_bayes", i as u64);
            let u: Vec<f64> = (0..surface.dimension()).map(|_| sigma * normal(&mut rng)).collect();
            let there = surface.evaluate(&u)?;
            // Where outputs are not finite, no sample is right.
            Ok(accuracy - if there.accuracy.is_nan() { 0.0 } else { there.accuracy })
        };
        parallel::try_map(self.draws, &fall)
    }

    fn column(&self, here: &Here, scale: Scale) -> Result<Quantity> {
        let surface = Surface::new(here, scale);
        let start = surface.evaluate(&vec![0.0; surface.dimension()])?;
        if !start.loss.is_finite() {
            return Ok(Quantity::new(start.loss));
        }
        if start.accuracy.is_nan() {
            return Ok(Quantity::missing("regression has no accuracy that could fall"));
        }
        let falls = |sigma: f64| self.falls(here, &surface, start.accuracy, sigma);
        let bears = |sigma: f64| Ok::<_, Error>(mean(&falls(sigma)?).0 <= self.fall);
        let (mut low, mut high) = (FIRST, FIRST);
        let (least, most) = (FIRST * 0.5f64.powi(DOUBLINGS), FIRST * 2f64.powi(DOUBLINGS));
        if bears(FIRST)? {
            loop {
                high = 2.0 * low;
                if !bears(high)? {
                    break;
                }
                low = high;
                if low >= most {
                    let why = format!("no noise up to {low:.0e} lets the accuracy fall by {}", self.fall);
                    return Ok(Quantity::missing(why));
                }
            }
        } else {
            loop {
                low = 0.5 * high;
                if bears(low)? {
                    break;
                }
                high = low;
                if high <= least {
                    return Ok(Quantity::missing(format!("noise of {high:.0e} is too much already")));
                }
            }
        }
        while high > low * (1.0 + self.tolerance) {
            let middle = (low * high).sqrt();
            if middle <= low || middle >= high {
                break;
            }
            if bears(middle)? { low = middle } else { high = middle }
        }
        let (fall, error) = mean(&falls(low)?);
        // d fall / d ln sigma.
        let slope = (mean(&falls(low * SLOPE)?).0 - mean(&falls(low / SLOPE)?).0) / (2.0 * SLOPE.ln());
        let details = [("fall", fall), ("draws", self.draws as f64)];
        Ok(Quantity::new(low)
            .with_error(low * error / slope.abs(), &format!("{} draws of the noise", self.draws))
            .with(details))
    }
}

impl Sharp for PacBayes {
    fn columns(&self) -> Columns {
        Columns::Both
    }

    fn cost(&self, _network: &Network) -> Spent {
        // A few doublings, the halvings to a share of the tolerance, and three for the error.
        let halvings = (1.0 / self.tolerance).log2().max(0.0);
        Spent { losses: 2.0 * (1.0 + self.draws as f64 * (6.0 + halvings)), ..Spent::default() }
    }

    fn rows(&self, here: &Here) -> Result<Vec<Row>> {
        let (raw, invariant) = (self.column(here, Scale::Raw)?, self.column(here, Scale::Invariant)?);
        Ok(vec![Row::new("pac_bayes_sigma", "PAC-Bayes sigma (large: wide)", Some(raw), Some(invariant))])
    }
}
