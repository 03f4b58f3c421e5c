//! What is asked of the ends of a spectrum, and what is known of them: at the end of a search, and while it goes on.

use crate::base::{Error, Result};
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
    /// Most steps of one run.
    pub most_steps: usize,
    /// Most vectors that a run keeps, but at least [`Settings::fewest_vectors`]: where it needs more steps, it goes on from its
    /// outermost Ritz vectors. None: as many as steps.
    pub most_vectors: Option<usize>,
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
            most_vectors: None,
            certify: true,
            // One in a thousand, and one in a hundred of the spread: 67 steps for n = 1e5, if few eigenvalues lie apart fewer.
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

    /// With how few vectors a run goes on that is to find so many pairs: those, as many that lead to them, and some steps.
    pub fn fewest_vectors(&self, wanted: Wanted) -> usize {
        2 * (wanted.top + wanted.bottom) + 10
    }

    /// Steps that certify the ends of any spectrum of n eigenvalues: n, or Kuczynski and Wozniakowski's bound.
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
    /// Of the first pair of an end: beyond this no eigenvalue lies, except with probability delta.
    pub bound: Option<f64>,
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
    /// How far the outermost Ritz values lie apart.
    pub spread: f64,
    /// How often a basis was compressed to its outermost Ritz vectors.
    pub restarts: usize,
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

    pub(super) fn not_finite(steps: usize, products: usize) -> Self {
        let (top, bottom, stopped) = (Vec::new(), Vec::new(), Stopped::NotFinite);
        Self { top, bottom, steps, products, scale: f64::NAN, spread: f64::NAN, restarts: 0, stopped }
    }
}

/// What is known of an end of the spectrum while a run goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndSoFar {
    /// The outermost Ritz value: an eigenvalue of this rank lies no nearer to the middle.
    pub value: f64,
    /// Its residual, as the recurrence has it.
    pub residual: f64,
    /// Beyond this no eigenvalue lies, except with probability delta.
    pub bound: f64,
}

/// What is known while a run goes on, which every product makes closer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoFar {
    /// Products spent.
    pub products: usize,
    /// Whether pairs are found already, and what is searched for is one that was passed over.
    pub searching: bool,
    /// How far the outermost Ritz values lie apart.
    pub spread: f64,
    /// The largest eigenvalue, if it is wanted: while searching, that of the complement.
    pub top: Option<EndSoFar>,
    /// The smallest eigenvalue, if it is wanted.
    pub bottom: Option<EndSoFar>,
}
