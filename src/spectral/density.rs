//! The spectral density from quadrature rules: each node as a Gaussian bump of its weight,
//!
//! ```text
//! phi(x) = mean over rules of sum_i w_i N(x; theta_i, sigma^2)        which integrates to 1
//! ```
//!
//! (Lin, Saad and Yang 2016; Papyan 2020, "Traces of class/cross-class structure pervade deep learning spectra"), with the lowest and
//! the highest of the rules at each x as its band.
//!
//! A network's spectrum has its bulk within a thousandth of its outliers: over a linear axis it is a peak at zero. So there is a density of
//! log10 |lambda| too, of positive and negative eigenvalues apart, with what is too small to have a sign as a mass beside it. Lanczos
//! resolves the ends of a spectrum first: far inside, one node stands for many eigenvalues, and for those closer to zero
//! than about the range / steps^2 the density says how many there are, not where.

use super::Estimate;
use super::quadrature::{Quadrature, Rule};
use crate::base::{Error, Result};
use serde::{Deserialize, Serialize};

/// Bumps 2 / (steps - 1) apart, as nodes spread evenly over [-1, 1] are, meet at 1/kappa of their height.
const KAPPA: f64 = 3.0; // Papyan 2020, D.2
/// How many widths lie between the outermost node and the end of the axis: a bump has 6e-7 of its mass beyond.
const MARGIN: f64 = 5.0;
/// Least width over the logarithmic axis, in decades: below it single nodes stand out, which come no closer there.
const DECADES: f64 = 0.1;
/// What is below this share of the largest magnitude has no sign that could be trusted. What rounding leaves is more in f32.
const FLOOR: f64 = 1e-10;

/// How wide a bump is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Kernel {
    /// 2 / ((steps - 1) sqrt(8 ln 3)) of half the range of the nodes.
    #[default]
    Papyan,
    /// This standard deviation.
    Width(f64),
}

/// A density at equally spaced points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Density {
    /// Ascending, five widths beyond the outermost nodes at each end.
    pub x: Vec<f64>,
    /// The mean over rules.
    pub y: Vec<f64>,
    /// The lowest of the rules.
    pub low: Vec<f64>,
    /// The highest of the rules.
    pub high: Vec<f64>,
    /// The standard deviation of a bump. Points further apart than that miss some of the mass.
    pub sigma: f64,
    /// What the density integrates to.
    pub mass: f64,
}

/// Densities over log10 |lambda|, of positive and negative eigenvalues apart, on the same points. Their masses and that near zero add up to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogDensity {
    /// Of eigenvalues above the floor.
    pub positive: Density,
    /// Of eigenvalues below minus the floor.
    pub negative: Density,
    /// The magnitude up to which an eigenvalue counts as near zero: 1e-10 of the largest, or 100 of its rounding units.
    pub floor: f64,
    /// The share of eigenvalues that are near zero.
    pub near_zero: Estimate,
}

/// Papyan's width for nodes over so wide a range.
fn papyan(steps: usize, range: f64) -> f64 {
    let apart = steps.saturating_sub(1).max(1) as f64;
    2.0 / (apart * (8.0 * KAPPA.ln()).sqrt()) * 0.5 * range
}

/// So many points from `low` to `high`.
fn axis(low: f64, high: f64, points: usize) -> Vec<f64> {
    (0..points).map(|i| low + (high - low) * i as f64 / (points - 1) as f64).collect()
}

impl Quadrature {
    /// Bumps at `place` of each node, where it has one.
    fn bumps(&self, x: &[f64], sigma: f64, place: impl Fn(f64) -> Option<f64>) -> Density {
        let mut density = Density {
            x: x.to_vec(),
            y: vec![0.0; x.len()],
            low: vec![f64::INFINITY; x.len()],
            high: vec![0.0; x.len()],
            sigma,
            mass: 0.0,
        };
        let share = 1.0 / self.rules.len() as f64;
        let height = 1.0 / (sigma * (2.0 * std::f64::consts::PI).sqrt());
        for rule in &self.rules {
            let placed = |(node, weight): (&f64, &f64)| Some((place(*node)?, *weight));
            let placed: Vec<(f64, f64)> = rule.nodes.iter().zip(&rule.weights).filter_map(placed).collect();
            density.mass += share * placed.iter().map(|p| p.1).sum::<f64>();
            for (i, x) in x.iter().enumerate() {
                let bump = |(at, weight): &(f64, f64)| weight * (-0.5 * ((x - at) / sigma).powi(2)).exp();
                let y = height * placed.iter().map(bump).sum::<f64>();
                density.y[i] += share * y;
                density.low[i] = density.low[i].min(y);
                density.high[i] = density.high[i].max(y);
            }
        }
        // A mean is between its least and its largest, but for rounding.
        for ((y, low), high) in density.y.iter_mut().zip(&density.low).zip(&density.high) {
            *y = y.max(*low).min(*high);
        }
        density
    }

    /// The spectral density at so many points. Fails on fewer than two, and on a width that is none.
    pub fn density(&self, points: usize, kernel: Kernel) -> Result<Density> {
        if points < 2 {
            return Err(Error::expected("density", "at least 2 points", points));
        }
        let [low, high] = self.range();
        let sigma = match kernel {
            Kernel::Width(sigma) if sigma > 0.0 && sigma.is_finite() => sigma,
            Kernel::Width(sigma) => return Err(Error::expected("density", "a width above 0", sigma)),
            // A spectrum of a single value is drawn a thousandth of it wide.
            Kernel::Papyan if high - low <= self.rounding() => match self.largest() {
                0.0 => 1e-3,
                largest => 1e-3 * largest,
            },
            Kernel::Papyan => papyan(self.steps, high - low),
        };
        let x = axis(low - MARGIN * sigma, high + MARGIN * sigma, points);
        Ok(self.bumps(&x, sigma, Some))
    }

    /// The density over log10 |lambda|, at so many points. Its width is Papyan's for the range of the logarithms, and at least a
    /// tenth of a decade. Fails on fewer than two points.
    pub fn log_density(&self, points: usize) -> Result<LogDensity> {
        if points < 2 {
            return Err(Error::expected("density", "at least 2 points", points));
        }
        let floor = self.floor();
        let (x, sigma) = log_axis(std::slice::from_ref(self), floor, points);
        Ok(self.on_log_axis(&x, sigma, floor))
    }

    /// The magnitude up to which an eigenvalue counts as near zero.
    fn floor(&self) -> f64 {
        (FLOOR * self.largest()).max(self.rounding())
    }

    fn on_log_axis(&self, x: &[f64], sigma: f64, floor: f64) -> LogDensity {
        let near = |rule: &Rule| rule.integral(|theta| if theta.abs() <= floor { 1.0 } else { 0.0 });
        let near_zero = self.over_rules(near);
        let positive = self.bumps(x, sigma, |theta| (theta > floor).then(|| theta.log10()));
        let negative = self.bumps(x, sigma, |theta| (theta < -floor).then(|| (-theta).log10()));
        LogDensity { positive, negative, floor, near_zero }
    }
}

/// Points over log10 |lambda| that hold the bumps of all rules, and the width of a bump.
fn log_axis(all: &[Quadrature], floor: f64, points: usize) -> (Vec<f64>, f64) {
    let nodes = all.iter().flat_map(|q| &q.rules).flat_map(|r| &r.nodes);
    let logs: Vec<f64> = nodes.map(|x| x.abs()).filter(|x| *x > floor).map(f64::log10).collect();
    let low = logs.iter().copied().fold(f64::INFINITY, f64::min);
    let high = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // All of it may be near zero.
    let [low, high] = if logs.is_empty() { [0.0, 0.0] } else { [low, high] };
    let steps = all.iter().map(|q| q.steps).min().unwrap_or(0);
    let sigma = papyan(steps, high - low).max(DECADES);
    (axis(low - MARGIN * sigma, high + MARGIN * sigma, points), sigma)
}

/// Densities over log10 |lambda| of several operators on the same points, with the same kernel and the same floor, the highest of
/// theirs: what distances are between. Fails on fewer than two points.
pub fn log_densities(all: &[Quadrature], points: usize) -> Result<Vec<LogDensity>> {
    if points < 2 {
        return Err(Error::expected("density", "at least 2 points", points));
    }
    let floor = all.iter().map(Quadrature::floor).fold(0.0, f64::max);
    let (x, sigma) = log_axis(all, floor, points);
    Ok(all.iter().map(|q| q.on_log_axis(&x, sigma, floor)).collect())
}

/// The square root of the Jensen-Shannon divergence, in bits, of two densities of [`log_densities`]: 0 where they are the same, 1
/// where they have nothing in common (Endres and Schindelin 2003, "A new metric for probability distributions").
pub fn jensen_shannon(a: &LogDensity, b: &LogDensity) -> f64 {
    let step = a.positive.x.windows(2).next().map_or(1.0, |pair| pair[1] - pair[0]);
    let masses = |d: &LogDensity| -> Vec<f64> {
        let of = d.positive.y.iter().chain(&d.negative.y).map(|y| y * step);
        of.chain([d.near_zero.value]).collect()
    };
    let (p, q) = (masses(a), masses(b));
    let totals = [p.iter().sum::<f64>(), q.iter().sum::<f64>()];
    // What has underflowed has no quotient.
    let part = |x: f64, middle: f64| if x > 1e-300 { 0.5 * x * (x / middle).log2() } else { 0.0 };
    let divergence: f64 = p
        .iter()
        .zip(&q)
        .map(|(p, q)| {
            let (p, q) = (p / totals[0], q / totals[1]);
            let middle = 0.5 * (p + q);
            part(p, middle) + part(q, middle)
        })
        .sum();
    divergence.max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(nodes: &[f64]) -> Quadrature {
        let weights = vec![1.0 / nodes.len() as f64; nodes.len()];
        let (nodes, steps, exhausted) = (nodes.to_vec(), nodes.len(), true);
        let rules = vec![Rule { nodes, weights, steps, exhausted, radau: None }];
        Quadrature {
            dimension: steps,
            steps: 200,
            rules,
            products: steps,
            epsilon: f64::EPSILON,
            exact: true,
        }
    }

    #[test]
    fn distances_of_densities_are_those_of_what_they_hold() -> Result<()> {
        // The same; half in common; nothing in common, by sign alone; half of it near zero.
        let all = [&[1.0, 1e4][..], &[1.0, -1e4], &[-1.0, -1e4], &[0.0, 1e4], &[1e4, 1.0]].map(rules);
        let densities = log_densities(&all, 2001)?;
        let distance = |i: usize, j: usize| jensen_shannon(&densities[i], &densities[j]);
        for ((i, j), squared) in [((0, 4), 0.0), ((0, 1), 0.5), ((0, 2), 1.0), ((0, 3), 0.5), ((2, 3), 1.0)] {
            let found = distance(i, j);
            // A bump has 3e-7 of its mass beyond each end of the axis.
            assert!((found * found - squared).abs() < 1e-6, "{i} {j}: {found}");
            assert!((found - distance(j, i)).abs() < 1e-12);
        }
        Ok(())
    }
}
