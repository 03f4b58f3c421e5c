//! Both ends of a spectrum by the Lanczos method: the largest and the smallest eigenvalues, algebraically, of one
//! recurrence ([`krylov`](super::krylov)).
//!
//! Of every pair (lambda, x), with the residual r = ||A x - lambda x|| of a fresh product, it says
//!
//! - *interval*: [lambda - r - c, lambda + r + c] holds an eigenvalue (Weinstein 1934), c = 100 eps max|theta| for rounding;
//! - *converged*: r <= tolerance max|theta|. Never relative to lambda, which may be near 0;
//! - *certified*: also that no eigenvalue was passed over, see below.
//!
//! # The certificate
//!
//! A small residual says that an eigenvalue is near, not that it is the largest. Kuczynski and Wozniakowski (1992,
//! "Estimating the largest eigenvalue by the power and Lanczos algorithms with a random start"): after m steps from a start uniform
//! on the sphere, theta_1 lies more than epsilon of the spread (lambda_max - lambda_min) below lambda_max with a
//! probability of at most 1.648 sqrt(n) e^(-sqrt(epsilon) (2m - 1)). So the first pair of an end is certified
//! if it converged and there were
//!
//! ```text
//! m >= (1 + ln(1.648 sqrt(n) / delta) / sqrt(epsilon)) / 2
//! ```
//!
//! steps, or as many as the space has, or the start's whole Krylov space, which has every distinct eigenvalue.
//!
//! For further pairs of an end that is not enough: of a multiple eigenvalue, one start finds one copy. With
//! [`Settings::certify`], Lanczos therefore runs again in the complement of all pairs found, from a new random start and for as
//! many steps. If it finds nothing beyond the last pair of either end, all are certified, to epsilon of the spread and their
//! own residuals; otherwise what it found takes its place among them, and the complement is searched once more.
//!
//! Cost: products as far as possible; beside them 8 n m operations in step m, and n (m + 1) numbers kept.

use super::krylov::{Krylov, ROUNDING, Ritz, Step};
use super::{Operator, vectors};
use crate::base::random::Rng;
use crate::base::{Error, Result, interrupt};
use serde::{Deserialize, Serialize};

/// How many eigenpairs of each end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The largest eigenvalues.
    pub top: usize,
    /// The smallest eigenvalues.
    pub bottom: usize,
}

/// When to stop, and what to vouch for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Largest residual of a converged pair, as a share of max|theta|.
    pub tolerance: f64,
    /// Most steps of one run. A run keeps as many vectors.
    pub most_steps: usize,
    /// Whether to go on until pairs are certified, rather than only converged.
    pub certify: bool,
    /// Probability, for each end, that a certificate is wrong.
    pub delta: f64,
    /// By how much of the spread a certified value may be off.
    pub epsilon: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // With a gap of a tenth of max|theta|, a value good to r^2 / gap = 1e-5: five digits of a sharpness.
            tolerance: 1e-3,
            // Twice what Kuczynski and Wozniakowski's bound asks of n = 1e5 for epsilon = tolerance, 208: so slowly do
            // residuals shrink at the edge of a dense bulk, such as the smallest eigenvalue of a trained network.
            most_steps: 400,
            certify: true,
            // One in a thousand, and one in a hundred of the spread: 67 steps for n = 1e5. The bound is a loose one.
            delta: 1e-3,
            epsilon: 0.01,
        }
    }
}

impl Settings {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        let within = |name: &str, x: f64| {
            if x > 0.0 && x < 1.0 {
                Ok(())
            } else {
                Err(Error::expected(name, "a number between 0 and 1", x))
            }
        };
        within("tolerance", self.tolerance)?;
        within("delta", self.delta)?;
        within("epsilon", self.epsilon)?;
        match self.most_steps {
            0 => Err(Error::expected("most-steps", "at least 1", 0)),
            _ => Ok(()),
        }
    }

    /// Steps that certify the ends of a spectrum of n eigenvalues: n, or Kuczynski and Wozniakowski's bound.
    pub fn certifying_steps(&self, n: usize) -> usize {
        let ratio = 1.648 * (n as f64).sqrt() / self.delta;
        let steps = (1.0 + ratio.ln() / self.epsilon.sqrt()) / 2.0;
        (steps.ceil() as usize).clamp(1, n.max(1))
    }
}

/// Why the search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stopped {
    /// All pairs converged, and with [`Settings::certify`] are certified.
    Converged,
    /// As [`Stopped::Converged`], since the start's Krylov space was exhausted: all pairs are exact to rounding.
    InvariantSubspace,
    /// There were as many steps as dimensions.
    WholeSpace,
    /// [`Settings::most_steps`] came first.
    MostSteps,
    /// The recurrence had converged, but fresh products say otherwise: they are not those of a symmetric operator, or
    /// have too few digits.
    Inexact,
    /// A product has an entry that is NaN or infinite. There are no pairs.
    NotFinite,
    /// Nothing was searched for: all pairs are those of the dense matrix ([`exact`](super::exact)).
    Exact,
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Converged => "converged",
            Self::InvariantSubspace => "invariant subspace",
            Self::WholeSpace => "whole space",
            Self::MostSteps => "most steps",
            Self::Inexact => "inexact products",
            Self::NotFinite => "not finite",
            Self::Exact => "exact",
        })
    }
}

/// An approximate eigenpair.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// x' A x, by a fresh product.
    pub value: f64,
    /// x, of length 1; its entry of largest magnitude, the first of several, is positive.
    pub vector: Vec<f64>,
    /// ||A x - value x||, by a fresh product.
    pub residual: f64,
    /// From where to where an eigenvalue certainly lies.
    pub interval: [f64; 2],
    /// Whether the residual is within the tolerance.
    pub converged: bool,
    /// Whether, but for a probability delta, this is the eigenvalue of its rank, to epsilon of the spread.
    pub certified: bool,
}

/// What was found of the ends of a spectrum.
#[derive(Clone, Debug, PartialEq)]
pub struct Ends {
    /// The largest eigenvalues, descending.
    pub top: Vec<Pair>,
    /// The smallest eigenvalues, ascending.
    pub bottom: Vec<Pair>,
    /// Steps of the first run.
    pub steps: usize,
    /// All products with single vectors, those of further runs and of residuals too.
    pub products: usize,
    /// max|theta| over all Ritz values, what residuals are measured by; NaN if products are not finite.
    pub scale: f64,
    /// Why the search ended.
    pub stopped: Stopped,
}

impl Ends {
    /// Whether every pair converged.
    pub fn converged(&self) -> bool {
        self.stopped != Stopped::NotFinite && self.top.iter().chain(&self.bottom).all(|p| p.converged)
    }

    /// Whether every pair is certified.
    pub fn certified(&self) -> bool {
        self.stopped != Stopped::NotFinite && self.top.iter().chain(&self.bottom).all(|p| p.certified)
    }

    fn not_finite(steps: usize, products: usize) -> Self {
        let (top, bottom) = (Vec::new(), Vec::new());
        Self { top, bottom, steps, products, scale: f64::NAN, stopped: Stopped::NotFinite }
    }
}

/// The ends of the spectrum of `operator`, from a random start. If there are fewer eigenpairs than wanted at an end, it
/// gives all. Fails on settings that make no sense, and when a signal comes.
pub fn ends(operator: &dyn Operator, wanted: Wanted, rng: &mut Rng, settings: &Settings) -> Result<Ends> {
    settings.check()?;
    let n = operator.dimension();
    if n == 0 {
        return Err(Error::expected("eigenvalues", "an operator of at least one dimension", 0));
    }
    let (top, bottom) = (wanted.top.min(n), wanted.bottom.min(n));
    let enough = (top + bottom).min(n);
    if settings.most_steps < enough {
        let expected = format!("at least {enough}, for as many eigenpairs");
        return Err(Error::expected("most-steps", expected, settings.most_steps));
    }
    if enough == 0 {
        let (top, bottom, stopped) = (Vec::new(), Vec::new(), Stopped::Converged);
        return Ok(Ends { top, bottom, steps: 0, products: 0, scale: 0.0, stopped });
    }
    Search { operator, settings, top, bottom, scale: 0.0, spread: 0.0, products: 0 }.run(rng)
}

/// A Ritz pair.
type Found = (f64, Vec<f64>);

/// How one recurrence ended.
struct Outcome {
    ritz: Ritz,
    stopped: Stopped,
    /// Whether its extreme Ritz values are within epsilon of its extreme eigenvalues, but for a probability delta.
    sure: bool,
}

/// What all runs share.
struct Search<'a> {
    operator: &'a dyn Operator,
    settings: &'a Settings,
    top: usize,
    bottom: usize,
    /// max|theta| over all Ritz values so far, and how far the outermost lie apart.
    scale: f64,
    spread: f64,
    products: usize,
}

impl Search<'_> {
    /// c of the intervals.
    fn rounding(&self) -> f64 {
        ROUNDING * self.operator.epsilon().max(f64::EPSILON) * self.scale
    }

    /// Whether pairs after the first of an end are to be certified.
    fn several(&self) -> bool {
        self.settings.certify && self.top.max(self.bottom) > 1
    }

    /// The residual at which a run may stop.
    fn target(&self) -> f64 {
        let tolerance = self.settings.tolerance * self.scale;
        let target = if self.several() {
            // A pair of the complement also has a residual along those found before, at most that of all together.

            let spread = self.settings.epsilon * self.spread;
            tolerance.min(spread) / (2.0 * ((self.top + self.bottom) as f64).sqrt())
        } else {
            // A little less than a fresh product is held to.
            0.9 * tolerance
        };
        target.max(self.rounding())
    }

    /// Steps until `done` says so of sound Ritz values, at which it looks only now and then: their small eigenproblem
    /// grows as m^3. `None` if products are not finite.
    fn steps(
        &mut self,
        krylov: &mut Krylov,
        enough: usize,
        certify: bool,
        rng: &mut Rng,
        done: impl Fn(&Self, &Ritz) -> bool,
    ) -> Result<Option<Outcome>> {
        let room = krylov.room();
        let certain = self.settings.certifying_steps(self.operator.dimension()).min(room);
        let least = if certify { certain } else { 1 };
        let most = self.settings.most_steps.min(room);
        let mut next = enough;
        loop {
            let step = krylov.step();
            // A product that a stop has cut short is not one.
            interrupt::check("eigenvalues", "unfinished eigenvalues are not kept")?;
            if step == Step::NotFinite {
                return Ok(None);
            }
            self.products += 1;
            let m = krylov.steps();
            let exhausted = step == Step::Exhausted;
            if exhausted || m == most || m >= next.max(least) {
                let ritz = krylov.ritz()?;
                if let (Some(first), Some(last)) = (ritz.eigen.values.first(), ritz.eigen.values.last()) {
                    self.scale = self.scale.max(first.abs()).max(last.abs());
                    self.spread = self.spread.max(last - first);
                }
                let sure = m >= certain || krylov.exhausted();
                let stopped = match () {
                    _ if m == room => Some(Stopped::WholeSpace),
                    _ if m >= enough && (sure || !certify) && done(self, &ritz) => {
                        Some(if exhausted { Stopped::InvariantSubspace } else { Stopped::Converged })
                    }
                    _ if m == most => Some(Stopped::MostSteps),
                    _ => None,
                };
                if let Some(stopped) = stopped {
                    return Ok(Some(Outcome { ritz, stopped, sure }));
                }
                next = m + (m / 8).max(1);
            }
            if exhausted {
                krylov.restart(rng);
            }
        }
    }

    fn run(mut self, rng: &mut Rng) -> Result<Ends> {
        let n = self.operator.dimension();
        let (top, bottom) = (self.top, self.bottom);
        let mut krylov = Krylov::new(self.operator, vectors::gaussian(n, rng));
        let converged = |this: &Self, ritz: &Ritz| {
            let (target, m) = (this.target(), ritz.residuals.len());
            ritz.residuals[..bottom].iter().chain(&ritz.residuals[m - top..]).all(|r| *r <= target)
        };
        let certify = self.settings.certify;
        let first = self.steps(&mut krylov, (top + bottom).min(n), certify, rng, converged)?;
        let steps = krylov.steps();
        let Some(first) = first else { return Ok(Ends::not_finite(steps, self.products)) };
        let at = |i: usize| (first.ritz.eigen.values[i], krylov.vector(&first.ritz, i));
        let mut found = [(0..top).map(|i| at(steps - 1 - i)).collect(), (0..bottom).map(at).collect()];
        drop(krylov);
        let whole = first.stopped == Stopped::WholeSpace;
        let mut stopped = first.stopped;
        let mut complete = whole;
        if self.several() && !whole && stopped != Stopped::MostSteps {
            // A search that finds something raises a value to its eigenvalue: there are no more of these than pairs.
            complete = false;
            for _ in 0..=top + bottom {
                match self.search(&mut found, rng)? {
                    None => return Ok(Ends::not_finite(steps, self.products)),
                    Some(true) => complete = true,
                    Some(false) => continue,
                }
                break;
            }
            if !complete {
                stopped = Stopped::MostSteps;
            }
        }
        self.finish(found, steps, stopped, [first.sure, complete])
    }

    /// Looks for what was passed over, in the complement of `found`, and puts it there. Whether nothing is left; `None` if
    /// products are not finite.
    fn search(&mut self, found: &mut [Vec<Found>; 2], rng: &mut Rng) -> Result<Option<bool>> {
        let locked: Vec<Vec<f64>> = found.iter().flatten().map(|(_, x)| x.clone()).collect();
        let last = found.each_ref().map(|f| f.last().map(|(value, _)| *value));
        // How far the outermost pair of the complement lies beyond the last found: [top, bottom].
        let beyond = |ritz: &Ritz| {
            let values = &ritz.eigen.values;
            let by = |value: Option<&f64>, last: Option<f64>, sign: f64| match (value, last) {
                (Some(value), Some(last)) => sign * (value - last),
                _ => f64::NEG_INFINITY,
            };
            [by(values.last(), last[0], 1.0), by(values.first(), last[1], -1.0)]
        };
        let mut krylov = Krylov::beside(self.operator, locked, self.scale, rng);
        // A value that is not beyond need not converge: where the end of the complement lies is sure.
        let done = |this: &Self, ritz: &Ritz| {
            let (target, m) = (this.target(), ritz.residuals.len());
            let [above, below] = beyond(ritz);
            let fine = |by: f64, residual: f64| by <= 0.0 || residual <= target;
            fine(above, ritz.residuals[m - 1]) && fine(below, ritz.residuals[0])
        };
        let Some(outcome) = self.steps(&mut krylov, 1, true, rng, done)? else { return Ok(None) };
        let [above, below] = beyond(&outcome.ritz);
        let m = krylov.steps();
        let mut complete = outcome.sure && outcome.stopped != Stopped::MostSteps;
        let margin = self.rounding();
        for (side, (by, i, sign)) in [(above, m - 1, 1.0), (below, 0, -1.0)].into_iter().enumerate() {
            if by <= 0.0 {
                continue;
            }
            let value = outcome.ritz.eigen.values[i];
            found[side].push((value, krylov.vector(&outcome.ritz, i)));
            found[side].sort_by(|a, b| (sign * b.0).total_cmp(&(sign * a.0)));
            found[side].pop();
            // If it is now the last, nothing that is left lies beyond it.
            complete &= found[side].last().is_none_or(|(last, _)| sign * (value - last) <= margin);
        }
        Ok(Some(complete))
    }

    /// Fresh products of all pairs, and what they say. `sure` of the first pairs, and of all.
    fn finish(
        mut self,
        found: [Vec<Found>; 2],
        steps: usize,
        mut stopped: Stopped,
        [first, all]: [bool; 2],
    ) -> Result<Ends> {
        let n = self.operator.dimension();
        let mut block = Vec::with_capacity(n * (self.top + self.bottom));
        let mut found = found.map(|f| f.into_iter().map(|(_, x)| x).collect::<Vec<Vec<f64>>>());
        for x in found.iter_mut().flatten() {
            vectors::orient(x);
            block.extend_from_slice(x);
        }
        let count = found.iter().map(Vec::len).sum::<usize>();
        let products = match count {
            0 => Vec::new(),
            _ => self.operator.apply(&block, count),
        };
        assert_eq!(products.len(), block.len(), "products of n numbers");
        self.products += count;
        interrupt::check("eigenvalues", "unfinished eigenvalues are not kept")?;
        if !products.iter().all(|x| x.is_finite()) {
            return Ok(Ends::not_finite(steps, self.products));
        }
        let mut products = products.chunks(n);
        let [mut top, mut bottom] = found.map(|vectors| -> Vec<(f64, f64, Vec<f64>)> {
            let measure = |(x, product): (Vec<f64>, &[f64])| {
                let value = vectors::dot(&x, product);
                let rest: Vec<f64> = product.iter().zip(&x).map(|(p, x)| p - value * x).collect();
                (value, vectors::norm(&rest), x)
            };
            vectors.into_iter().zip(products.by_ref()).map(measure).collect()
        });
        top.sort_by(|a, b| b.0.total_cmp(&a.0));
        bottom.sort_by(|a, b| a.0.total_cmp(&b.0));
        let margin = self.rounding();
        let pair = |(i, (value, residual, vector)): (usize, (f64, f64, Vec<f64>))| {
            let converged = residual <= (self.settings.tolerance * self.scale).max(margin);
            // Of a first pair the steps vouch; of others the search, if the pairs that it left out are exact enough.
            let exact = residual <= (self.settings.epsilon * self.spread).max(margin);
            let certified = converged && if i == 0 { first } else { all && exact };
            let interval = [value - residual - margin, value + residual + margin];
            Pair { value, vector, residual, interval, converged, certified }
        };
        let top: Vec<Pair> = top.into_iter().enumerate().map(pair).collect();
        let bottom: Vec<Pair> = bottom.into_iter().enumerate().map(pair).collect();
        if stopped != Stopped::MostSteps && !top.iter().chain(&bottom).all(|p| p.converged) {
            stopped = Stopped::Inexact;
        }
        Ok(Ends { top, bottom, steps, products: self.products, scale: self.scale, stopped })
    }
}
