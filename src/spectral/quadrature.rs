//! Stochastic Lanczos quadrature: tr f(A) from a few steps of Lanczos (Golub and Welsch 1969; Bai, Fahey and Golub 1996;
//! Ubaru, Chen and Saad 2017).
//!
//! From a unit start q, m steps give a tridiagonal T with eigenpairs (theta_i, s_i). Nodes theta_i with weights (first entry of
//! s_i)^2 are the Gauss rule of the measure that q has over the spectrum of A:
//!
//! ```text
//! q' f(A) q = sum_i w_i f(theta_i)        exact for polynomials of degree up to 2m - 1
//! tr f(A)   = n E q' f(A) q               over random q with independent signs, divided by sqrt(n)
//! ```
//!
//! All steps are reorthogonalised ([`krylov`](super::krylov)), so that no eigenvalue comes twice; a Krylov space that is
//! exhausted before m steps ends the rule there, and makes it exact for every f.
//!
//! The standard error of an estimate is over probes. It does not hold what a rule of too few steps misses of a function
//! that is no polynomial: of ln(lambda + eps) with an eps far below the spread, say. For that there is the Gauss-Radau rule, with one
//! more node, fixed at or just below zero (Golub 1973): of an operator without negative eigenvalues and a function whose
//! derivatives have alternating signs, the integral lies between the two rules (Golub and Meurant 1994). See
//! [`Quadrature::truncation`].
//!
//! Cost: steps x probes products in blocks of [`BLOCK`], beside them 8 n m operations in step m; n (m + 1) numbers are kept for
//! each probe of a block, which from [`LARGE`] dimensions on is one probe.

use super::krylov::{Krylov, ROUNDING, Step};
use super::{BLOCK, Estimate, Operator, tridiagonal, vectors};
use crate::base::{Error, Result, Streams, interrupt};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// From how many dimensions on the bases of several probes are too much to hold at once.
pub const LARGE: usize = 1 << 20;

/// How many rules of how many nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Lanczos steps of a rule, which are its nodes; no more than n are done.
    pub steps: usize,
    /// Random starts, a rule each.
    pub probes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        // Ghorbani, Krishnan and Xiao 2019, section 3: 80 to 90 steps, 10 starts.
        Self { steps: 80, probes: 10 }
    }
}

impl Settings {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        match (self.steps, self.probes) {
            (0, _) => Err(Error::expected("steps", "at least 1", 0)),
            (_, 0) => Err(Error::expected("probes", "at least 1", 0)),
            _ => Ok(()),
        }
    }
}

/// A Gauss rule of one start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Ascending.
    pub nodes: Vec<f64>,
    /// One for each node; their sum is 1.
    pub weights: Vec<f64>,
    /// Lanczos steps, and so products.
    pub steps: usize,
    /// Whether the start's Krylov space was exhausted, so that the rule is exact for every function.
    pub exhausted: bool,
    /// Nodes and weights of the Gauss-Radau rule with a node at zero, less rounding. None if the operator has negative
    /// eigenvalues; the rule itself if it is exhausted.
    pub radau: Option<(Vec<f64>, Vec<f64>)>,
}

/// sum_i w_i f(theta_i).
fn sum(nodes: &[f64], weights: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    nodes.iter().zip(weights).map(|(node, weight)| weight * f(*node)).sum()
}

/// Nodes and weights of a tridiagonal matrix.
fn gauss(eigen: &tridiagonal::Eigen) -> (Vec<f64>, Vec<f64>) {
    let weights = (0..eigen.values.len()).map(|i| eigen.vectors[(0, i)].powi(2)).collect();
    (eigen.values.clone(), weights)
}

/// The rule of a recurrence.
fn rule(krylov: &Krylov, epsilon: f64) -> Result<Rule> {
    let (steps, exhausted) = (krylov.steps(), krylov.exhausted());
    let eigen = krylov.ritz()?.eigen;
    let (nodes, weights) = gauss(&eigen);
    let norm = nodes.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let fixed = -ROUNDING * epsilon * norm;
    let radau = match () {
        _ if nodes.iter().any(|x| *x <= fixed && norm > 0.0) => None,
        _ if exhausted => Some((nodes.clone(), weights.clone())),
        () => {
            // T with a row more, whose last entry makes `fixed` an eigenvalue: fixed + beta^2 (T - fixed I)^-1 at its corner.
            let beyond = krylov.beta()[steps - 1];
            let corner = |i: usize| eigen.vectors[(steps - 1, i)].powi(2) / (nodes[i] - fixed);
            let last = fixed + beyond * beyond * (0..steps).map(corner).sum::<f64>();
            let alpha = [krylov.alpha(), &[last]].concat();
            if last.is_finite() { Some(gauss(&tridiagonal::eigen(&alpha, krylov.beta())?)) } else { None }
        }
    };
    Ok(Rule { nodes, weights, steps, exhausted, radau })
}

impl Rule {
    /// sum_i w_i f(theta_i), which is q' f(A) q.
    pub fn integral(&self, f: impl Fn(f64) -> f64) -> f64 {
        sum(&self.nodes, &self.weights, f)
    }

    /// q' A^k q: exact up to k = 2 `steps` - 1.
    pub fn moment(&self, k: usize) -> f64 {
        let power = |x: f64| i32::try_from(k).map_or_else(|_| x.powf(k as f64), |k| x.powi(k));
        self.integral(power)
    }
}

/// Rules of several starts, and what they say of the operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quadrature {
    /// n.
    pub dimension: usize,
    /// How many steps a rule was to have.
    pub steps: usize,
    /// The rules.
    pub rules: Vec<Rule>,
    /// All products with single vectors.
    pub products: usize,
    /// The rounding unit of the products.
    pub epsilon: f64,
    /// Whether the one rule has all eigenvalues: nothing is sampled, and no step is missing.
    pub exact: bool,
}

/// Rules for `operator`, a block of starts at a time, all of a block in lockstep. Fails on settings that make no sense, when a
/// signal comes, and on products that are not finite. Start i is a stream `spectral/quadrature` of its own.
pub fn quadrature(operator: &dyn Operator, settings: &Settings, streams: &Streams) -> Result<Quadrature> {
    settings.check()?;
    let n = operator.dimension();
    if n == 0 {
        return Err(Error::expected("quadrature", "an operator of at least one dimension", 0));
    }
    let mut rules = Vec::with_capacity(settings.probes);
    let at_once = if n < LARGE { BLOCK } else { 1 };
    for first in (0..settings.probes).step_by(at_once) {
        let of_block = first..settings.probes.min(first + at_once);
        rules.extend(of_starts(operator, settings.steps, of_block, streams)?);
    }
    Ok(Quadrature::sampled(operator, settings.steps, rules))
}

/// The rules of some starts, by their numbers, all in lockstep.
pub fn of_starts(
    operator: &dyn Operator,
    steps: usize,
    starts: Range<usize>,
    streams: &Streams,
) -> Result<Vec<Rule>> {
    let n = operator.dimension();
    let start = |i| vectors::rademacher(n, &mut streams.stream("spectral/quadrature", i as u64));
    let mut block: Vec<Krylov> = starts.map(|i| Krylov::new(operator, start(i))).collect();
    for _ in 0..steps {
        interrupt::check("quadrature", "unfinished rules are not kept")?;
        let mut going: Vec<&mut Krylov> = block.iter_mut().filter(|k| !k.exhausted()).collect();
        if going.is_empty() {
            break;
        }
        let starts: Vec<f64> = going.iter().filter_map(|k| k.next()).flatten().collect();
        let products = operator.apply(&starts, going.len());
        assert_eq!(products.len(), starts.len(), "products of n numbers");
        // A product that a stop has cut short is not one.
        interrupt::check("quadrature", "unfinished rules are not kept")?;
        for (krylov, product) in going.iter_mut().zip(products.chunks(n)) {
            if krylov.accept(product.to_vec()) == Step::NotFinite {
                return Err(Error::unmet("quadrature", "expected finite products, found NaN or infinity"));
            }
        }
    }
    let epsilon = rounding_unit(operator);
    block.iter().map(|krylov| rule(krylov, epsilon)).collect()
}

/// That of the products, and no finer than the one of the recurrence.
fn rounding_unit(operator: &dyn Operator) -> f64 {
    operator.epsilon().max(f64::EPSILON)
}

impl Quadrature {
    /// Of the rules of several starts, each of which was to have so many steps.
    pub fn sampled(operator: &dyn Operator, steps: usize, rules: Vec<Rule>) -> Self {
        let products = rules.iter().map(|r| r.steps).sum();
        let (dimension, epsilon) = (operator.dimension(), rounding_unit(operator));
        Self { dimension, steps, rules, products, epsilon, exact: false }
    }

    /// tr f(A).
    pub fn expectation(&self, f: impl Fn(f64) -> f64) -> Estimate {
        self.over_rules(|rule| self.dimension as f64 * rule.integral(&f))
    }

    /// The mean over rules of one number each.
    pub(super) fn over_rules(&self, of: impl Fn(&Rule) -> f64) -> Estimate {
        let sample: Vec<f64> = self.rules.iter().map(of).collect();
        match (self.exact, sample.as_slice()) {
            (true, [value]) => Estimate::exact(*value, self.products),
            _ => Estimate::of(&sample, self.products),
        }
    }

    /// By how much the rules' tr f(A) may be too large for want of steps: the mean difference of each Gauss rule from its Gauss-Radau
    /// rule, times n. For functions whose even derivatives are negative and odd ones positive, such as ln(lambda + eps)
    /// and lambda / (lambda + eps). None if an operator is not known to be without negative eigenvalues.
    pub fn truncation(&self, f: impl Fn(f64) -> f64) -> Option<f64> {
        let mut total = 0.0;
        for rule in &self.rules {
            let (nodes, weights) = rule.radau.as_ref()?;
            total += rule.integral(&f) - sum(nodes, weights, &f);
        }
        Some((self.dimension as f64 * total / self.rules.len() as f64).max(0.0))
    }

    /// tr f(A) for a function as [`Quadrature::truncation`] wants it: its interval reaches further down by as much.
    fn monotone(&self, f: impl Fn(f64) -> f64) -> Estimate {
        let mut estimate = self.expectation(&f);
        // Without a bound of what is missing there is no interval that could be vouched for.
        let truncation = self.truncation(&f).filter(|t| t.is_finite());
        estimate.interval = estimate.interval.zip(truncation).map(|([low, high], by)| [low - by, high]);
        estimate
    }

    /// ln det(A + eps I) of an operator without negative eigenvalues, such as a generalized Gauss-Newton matrix, eps > 0. Nodes that
    /// rounding has left below zero count as zero. The interval holds what the rules may miss too; there is none
    /// if the operator has negative eigenvalues.
    pub fn log_determinant(&self, eps: f64) -> Estimate {
        self.monotone(|theta| (theta.max(0.0) + eps).ln())
    }

    /// The effective dimension: the sum of lambda / (lambda + eps) over positive eigenvalues, eps > 0. How many directions are steeper
    /// than eps (MacKay 1992). The interval is as that of [`Quadrature::log_determinant`].
    pub fn effective_dimension(&self, eps: f64) -> Estimate {
        self.monotone(|theta| if theta > 0.0 { theta / (theta + eps) } else { 0.0 })
    }

    /// The share of eigenvalues that are negative beyond rounding. A share is no polynomial: it comes in steps of a node's
    /// weight.
    pub fn negative_mass(&self) -> Estimate {
        let below = -self.rounding();
        self.over_rules(|rule| rule.integral(|theta| if theta < below { 1.0 } else { 0.0 }))
    }

    /// Smallest and largest node of all rules: within the spectrum, and at its ends nearly.
    pub fn range(&self) -> [f64; 2] {
        let nodes = || self.rules.iter().flat_map(|r| &r.nodes);
        [nodes().copied().fold(f64::INFINITY, f64::min), nodes().copied().fold(f64::NEG_INFINITY, f64::max)]
    }

    /// The largest magnitude of a node.
    pub fn largest(&self) -> f64 {
        self.range().iter().fold(0.0, |m: f64, x| m.max(x.abs()))
    }

    /// What is nothing but rounding, beside the largest.
    pub(super) fn rounding(&self) -> f64 {
        ROUNDING * self.epsilon * self.largest()
    }
}
