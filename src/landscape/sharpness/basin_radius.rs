//! Basin radius: how far along random rays until the loss has risen by a tenth; quantiles over the rays, the median first.
//!
//! Raw rays are Gaussian directions of length 1, and distances are those of parameter space. Invariant rays are normalised
//! as slices are (Li et al. 2018), and a distance of 1 changes each filter by its own norm. Filter by filter that is
//! invariant to rescaling of whole layers; `normalize=weight` also to unlike factors for the neurons of one.
//!
//! A ray is walked outwards in growing steps to the first that has risen by enough, and the crossing within that step is
//! bisected. Rays that have not crossed within reach count as longer than any that have.
//!
//! Cost a column: some 20 to 30 losses a ray.

use super::sam::{at_least, positive};
use super::surface::{Scale, Surface};
use super::{Columns, Here, Quantity, Row, Sharp, Spent};
use crate::base::random::normal;
use crate::base::statistics::quantile;
use crate::base::{Error, Result, parallel};
use crate::landscape::geometry::{dot, unit};
use crate::landscape::normalizations::{Filter, Normalization, Nothing};
use crate::nn::Network;

crate::kind! {
    /// Quantiles of the distance at which the loss has risen.
    BasinRadius = "basin-radius",
        "distance at which the loss has risen by .1 along random rays, plain and filter-normalised: quantiles";
    /// By how much the loss rises, in its own units.
    rise: f64 = 0.1, // nats: the loss of a sample whose probability falls by a tenth
    /// Number of rays.
    rays: usize = 50, // five beyond each of the outer quantiles
    /// How far they are followed, in norms of theta (raw) or of each filter (invariant).
    reach: f64 = 10.0, // ten times the weights: nothing of them is left
    /// Relative width to which a crossing is bisected.
    tolerance: f64 = 1e-3, // far below the spread of the rays
    /// What a distance of 1 is for invariant rays.
    normalize: Normalization = Filter.into(), // Li et al. 2018
}

impl BasinRadius {
    fn refuse(&self) -> Result<()> {
        positive("rise", self.rise)?;
        positive("reach", self.reach)?;
        at_least("rays", self.rays, 1)?;
        if self.normalize == Nothing.into() {
            return Err(Error::expected("normalize", "filter, layer or weight", &self.normalize));
        }
        if self.tolerance > 0.0 && self.tolerance < 1.0 {
            Ok(())
        } else {
            Err(Error::expected("tolerance", "a number between 0 and 1", self.tolerance))
        }
    }
}

/// Quantiles that are reported; the median is the value.
const QUANTILES: [(&str, f64); 5] = [("q10", 0.1), ("q25", 0.25), ("q50", 0.5), ("q75", 0.75), ("q90", 0.9)];
/// The first step, as a share of the reach.
const FIRST: f64 = 1e-4;
/// By how much each step leads further out than the last: a loss that rises and falls again within a step is missed.
const GROWTH: f64 = 1.5;

impl BasinRadius {
    /// Where the loss first reaches `level` along theta + t d, 0 < t <= reach; infinite if nowhere.
    fn crossing(&self, surface: &Surface, d: &[f64], level: f64, reach: f64) -> Result<f64> {
        let risen = |t: f64| {
            let u: Vec<f64> = d.iter().map(|d| t * d).collect();
            Ok::<_, Error>(surface.loss(&u)? >= level)
        };
        let (mut low, mut high) = (0.0, FIRST * reach);
        while !risen(high)? {
            if high >= reach {
                return Ok(f64::INFINITY);
            }
            (low, high) = (high, (GROWTH * high).min(reach));
        }
        while high - low > self.tolerance * high {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if risen(middle)? { high = middle } else { low = middle }
        }
        Ok(0.5 * (low + high))
    }

    fn column(&self, here: &Here, scale: Scale) -> Result<Quantity> {
        // The same surface for both: a ray has its scale in itself.
        let surface = Surface::new(here, Scale::Raw);
        let center = surface.center()?;
        if !center.is_finite() {
            return Ok(Quantity::new(center));
        }
        let theta: Vec<f64> = here.at.theta.to_vec();
        let layout = here.objective.network().layout();
        let unit_of_reach = match (scale, dot(&theta, &theta).sqrt()) {
            (Scale::Raw, norm) if norm > 0.0 => norm,
            _ => 1.0,
        };
        let ray = |i: usize| {
            let mut rng = here.streams.stream("sharpness/basin_radius", i as u64);
            let mut d: Vec<f64> = theta.iter().map(|_| normal(&mut rng)).collect();
            match scale {
                Scale::Raw => d = unit(d),
                Scale::Invariant => self.normalize.apply(layout, &theta, |_| false, &mut d),
            }
            self.crossing(&surface, &d, center + self.rise, unit_of_reach * self.reach)
        };
        let mut radii: Vec<f64> = parallel::try_map(self.rays, &ray)?;
        radii.sort_by(f64::total_cmp);
        let beyond = radii.iter().filter(|r| r.is_infinite()).count();
        let details = QUANTILES.map(|(name, q)| (name, quantile(&radii, q)));
        let median = quantile(&radii, 0.5);
        let reach = unit_of_reach * self.reach;
        let why =
            format!("{beyond} of {} rays stay below the rise within a distance of {reach:.3}", self.rays);
        let quantity = if median.is_finite() {
            Quantity { status: (beyond > 0).then_some(why), ..Quantity::new(median) }
        } else {
            Quantity::missing(why)
        };
        let counts =
            [("rays", self.rays as f64), ("beyond", beyond as f64), ("rise", self.rise), ("reach", reach)];
        Ok(quantity.with(details).with(counts))
    }
}

impl Sharp for BasinRadius {
    fn columns(&self) -> Columns {
        Columns::Both
    }

    fn cost(&self, _network: &Network) -> Spent {
        // Most rays cross within a tenth of the reach or so; then a step of the growth is bisected.
        let steps = (0.1 / FIRST).ln() / GROWTH.ln();
        let halvings = ((1.0 - 1.0 / GROWTH) / self.tolerance).log2().max(0.0);
        Spent { losses: 2.0 * (1.0 + self.rays as f64 * (steps + halvings)), ..Spent::default() }
    }

    fn rows(&self, here: &Here) -> Result<Vec<Row>> {
        let (raw, invariant) = (self.column(here, Scale::Raw)?, self.column(here, Scale::Invariant)?);
        Ok(vec![Row::new("basin_radius", "basin radius (large: wide)", Some(raw), Some(invariant))])
    }
}
