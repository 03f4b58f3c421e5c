//! Critical points by damped Newton steps on half the squared gradient norm, with the Hessian written down.
//!
//! At theta with gradient g and Hessian H = V diag(lambda) V', a step minimises the linear model of the gradient with a
//! penalty on its length (Levenberg 1944, Marquardt 1963),
//!
//! ```text
//! d = -(H^2 + mu I)^-1 H g,     mu = alpha ||g||^2     (Yamashita and Fukushima 2001: quadratic convergence wherever
//!                                                      ||g|| bounds the distance to a zero, isolated or not)
//! ```
//!
//! with its geodesic acceleration (Transtrum and Sethna 2012, "Improvements to the Levenberg-Marquardt algorithm for
//! nonlinear least-squares minimization"), which follows the bends of narrow valleys in a third of the steps,
//!
//! ```text
//! a = -1/2 (H^2 + mu I)^-1 H r,     r = 2/h ((g(theta + h d) - g(theta)) / h - H d),     theta' = theta + d + a
//! ```
//!
//! where 2 ||a|| <= 3/4 ||d||, and it lowers ||g||; alpha follows the gain (||g||^2 - ||g'||^2) / (||g||^2 - ||g + H d||^2).
//! Saddles attract as minima do. What does not end at a zero of g is told apart from what does:
//!
//! - **flat**: the gradient is in the kernel of H, ||H g|| <= flat * L ||g|| with L the largest |lambda| met on the way,
//!   is not zero, and comes no nearer to one: a stationary point of ||g||^2 that is no critical point (Frye et al. 2021, "Critical point-finding
//!   methods reveal gradient-flat regions of deep network losses");
//! - **receding**: ||g|| is below the tolerance, but no zero is near. Newton's distance to it is
//!   delta = (sum_i (v_i'g / lambda_i)^2)^(1/2); where it shrinks by the factor rho a step, delta / (1 - rho) are left to
//!   go. At a zero rho goes to 0, or to 1/2 where g has a double zero; on a plateau that falls for ever, as e^-x does,
//!   delta stays as it is.
//!
//! The sign of an eigenvalue counts where it exceeds what it can be wrong by at the zero: rounding, and the distance left
//! times the rate at which H changes (Weyl's inequality). Cost of a step: p products with H and an eigen-decomposition of
//! 9 p^3 operations.

use crate::autodiff::Curvature;
use crate::base::{Error, Result, interrupt};
use crate::landscape::hessian::Curved;
use crate::nn::Objective;
use crate::spectral::tridiagonal::Eigen;
use crate::spectral::vectors::{dot, norm};
use crate::spectral::{Dense, Operator, dense};
use serde::{Deserialize, Serialize};

/// A function of p numbers with two derivatives.
pub trait Surface: Sync {
    /// p.
    fn dimension(&self) -> usize;
    /// Value and gradient.
    fn gradient(&self, theta: &[f64]) -> (f64, Vec<f64>);
    /// The Hessian, p x p, symmetric to the last bit.
    fn hessian(&self, theta: &[f64]) -> Result<Vec<f64>>;
}

/// The mean loss of a network, whose state stands still.
#[derive(Debug)]
pub struct Loss<'a> {
    /// Network and samples.
    pub objective: &'a Objective<f64>,
    /// Its state.
    pub state: &'a [f64],
}

/// Bytes for the values of one point.
const MEMORY: usize = 1 << 28;

impl Surface for Loss<'_> {
    fn dimension(&self) -> usize {
        self.objective.network().layout().size()
    }

    fn gradient(&self, theta: &[f64]) -> (f64, Vec<f64>) {
        let (evaluation, gradient) = self.objective.gradient(theta, self.state);
        (evaluation.loss, gradient)
    }

    fn hessian(&self, theta: &[f64]) -> Result<Vec<f64>> {
        dense(&Curved(self.objective.linearize(theta, self.state, Curvature::Hessian, MEMORY)))
    }
}

/// A surface with all but some coordinates held where they are.
pub struct Held<'a> {
    /// The whole surface.
    pub inner: &'a dyn Surface,
    /// Where the others are.
    pub theta: &'a [f64],
    /// The coordinates that move.
    pub free: std::ops::Range<usize>,
}

impl Held<'_> {
    /// The whole point.
    pub fn point(&self, free: &[f64]) -> Vec<f64> {
        let mut theta = self.theta.to_vec();
        theta[self.free.clone()].copy_from_slice(free);
        theta
    }
}

impl Surface for Held<'_> {
    fn dimension(&self) -> usize {
        self.free.len()
    }

    fn gradient(&self, free: &[f64]) -> (f64, Vec<f64>) {
        let (value, gradient) = self.inner.gradient(&self.point(free));
        (value, gradient[self.free.clone()].to_vec())
    }

    fn hessian(&self, free: &[f64]) -> Result<Vec<f64>> {
        let (p, matrix) = (self.inner.dimension(), self.inner.hessian(&self.point(free))?);
        let columns = self.free.clone().flat_map(|j| &matrix[j * p..][self.free.clone()]);
        Ok(columns.copied().collect())
    }
}

/// When a descent ends, and when its end is a critical point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Gradient norm of a critical point, at most.
    pub tolerance: f64,
    /// Most steps.
    pub steps: usize,
    /// ||H g|| / (L ||g||) of a flat gradient, at most.
    pub flat: f64,
    /// Distance to the zero, at most, as a share of max(1, ||theta||).
    pub distance: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tolerance: 1e-10, // f64 has gradients of size 1 to about 1e-15
            steps: 300,
            flat: 1e-5,     // an eigenvalue of this share would still carry the gradient to its zero
            distance: 1e-3, // a double zero at the tolerance is sqrt(1e-10) away
        }
    }
}

/// Why a descent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stopped {
    /// At a critical point.
    Critical,
    /// The gradient is in the kernel of the Hessian, and not zero.
    Flat,
    /// The gradient vanishes, and its zero does not come nearer.
    Receding,
    /// No step lowered the gradient norm, or the last ones hardly did.
    Stalled,
    /// All steps were made.
    MostSteps,
    /// Something is not a finite number.
    NotFinite,
}

impl Stopped {
    /// All of them; results record the position.
    pub const ALL: [Self; 6] =
        [Self::Critical, Self::Flat, Self::Receding, Self::Stalled, Self::MostSteps, Self::NotFinite];

    /// As results name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Flat => "flat",
            Self::Receding => "receding",
            Self::Stalled => "stalled",
            Self::MostSteps => "most-steps",
            Self::NotFinite => "not-finite",
        }
    }
}

/// Where a descent ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The point.
    pub theta: Vec<f64>,
    /// The function there.
    pub value: f64,
    /// ||g|| there.
    pub gradient_norm: f64,
    /// The function and ||g|| at the start.
    pub start: (f64, f64),
    /// All eigenvalues of the Hessian there, ascending; NaN where it is not finite.
    pub eigenvalues: Vec<f64>,
    /// By how much an eigenvalue may be wrong at the zero.
    pub threshold: f64,
    /// How far the zero is.
    pub distance: f64,
    /// ||H g|| / (L ||g||); 0 where g is.
    pub flatness: f64,
    /// Steps made.
    pub steps: usize,
    /// Why it ended.
    pub stopped: Stopped,
}

impl Found {
    /// Number of eigenvalues below -threshold.
    pub fn negative(&self) -> usize {
        self.eigenvalues.iter().filter(|l| **l < -self.threshold).count()
    }

    /// Number of eigenvalues within the threshold.
    pub fn zero(&self) -> usize {
        self.eigenvalues.iter().filter(|l| l.abs() <= self.threshold).count()
    }

    /// Share of negative eigenvalues.
    pub fn index(&self) -> f64 {
        self.negative() as f64 / self.eigenvalues.len() as f64
    }
}

/// Gain below which a step is not made, and limits of good and bad ones (Fan and Yuan 2005).
const GAINS: [f64; 3] = [1e-4, 0.25, 0.75];
/// By how much alpha changes, its least value, and its largest, where a step is shorter than rounding.
const ALPHA: [f64; 3] = [4.0, 1e-8, 1e40];
/// A component of the gradient within the first share of the largest eigenvalue is rounding; eigenvalues below the second
/// then do not tell how far a zero is.
const SMALLEST: [f64; 2] = [1e-15, 1e-10];
/// The zero does not come nearer where Newton's distance to it shrinks by less.
const NEARER: f64 = 0.9;
/// Rounding of a Hessian, as a share of its largest eigenvalue: sums over samples, and p eps.
const ROUNDING: f64 = 1e-12;
/// h, and the largest of 2 ||a|| / ||d|| (Transtrum and Sethna 2012, section 6).
const BEND: [f64; 2] = [0.1, 0.75];
/// Steps below this share of max(1, ||theta||) are straight: second differences would be of rounding.
const SHORT: f64 = 1e-5;
/// Steps at most after the tolerance is reached, each of which halves the gradient norm at least.
const POLISH: usize = 40;
/// Steps over which a descent must have got on, and the share of ||g|| by which.
const PROGRESS: (usize, f64) = (50, 0.01);

/// The matrix at a point, and what of it the next step and the verdict need.
struct Local {
    matrix: Dense,
    eigen: Eigen,
    /// V'g.
    along: Vec<f64>,
    /// Newton's distance to the zero.
    newton: f64,
    flatness: f64,
}

impl Local {
    /// At a point with gradient g; `largest`: |lambda| so far. `None` where something is not finite.
    fn new(
        surface: &dyn Surface,
        theta: &[f64],
        gradient: &[f64],
        largest: &mut f64,
    ) -> Result<Option<Self>> {
        let p = theta.len();
        let matrix = surface.hessian(theta)?;
        if !matrix.iter().chain(gradient).all(|x| x.is_finite()) {
            return Ok(None);
        }
        let matrix = Dense::new(p, matrix);
        let eigen = matrix.eigen()?;
        let along: Vec<f64> = (0..p).map(|k| dot(eigen.vectors.col_as_slice(k), gradient)).collect();
        *largest = eigen.values.iter().fold(*largest, |m, l| m.max(l.abs()));
        let [rounding, floor] = SMALLEST.map(|share| share * *largest);
        let reach = |(g, l): (&f64, &f64)| {
            let least = if g.abs() <= rounding { floor } else { 0.0 };
            // Without a gradient nothing is to go, whatever the curvature.
            if *g == 0.0 { 0.0 } else { g / l.abs().max(least) }
        };
        let steps: Vec<f64> = along.iter().zip(&eigen.values).map(reach).collect();
        let carried: Vec<f64> = along.iter().zip(&eigen.values).map(|(g, l)| g * l).collect();
        let all = *largest * norm(gradient);
        let flatness = if all > 0.0 { norm(&carried) / all } else { 0.0 };
        Ok(Some(Self { matrix, eigen, along, newton: norm(&steps), flatness }))
    }

    /// -(H^2 + mu I)^-1 H v, for V'v.
    fn solve(&self, along: &[f64], mu: f64) -> Vec<f64> {
        let mut step = vec![0.0; along.len()];
        for (k, (v, l)) in along.iter().zip(&self.eigen.values).enumerate() {
            let denominator = l * l + mu;
            if denominator > 0.0 {
                let c = -l * v / denominator;
                step.iter_mut().zip(self.eigen.vectors.col_as_slice(k)).for_each(|(s, v)| *s += c * v);
            }
        }
        step
    }

    /// V'v.
    fn along(&self, v: &[f64]) -> Vec<f64> {
        (0..v.len()).map(|k| dot(self.eigen.vectors.col_as_slice(k), v)).collect()
    }

    /// By how much the model says that ||g||^2 falls with damping mu.
    fn predicted(&self, mu: f64) -> f64 {
        let falls = |(g, l): (&f64, &f64)| {
            let left = if l * l + mu > 0.0 { mu / (l * l + mu) } else { 1.0 };
            g * g * (1.0 - left * left)
        };
        self.along.iter().zip(&self.eigen.values).map(falls).sum()
    }

    /// The acceleration that goes with the step d, where it is short enough to be trusted.
    fn bend(
        &self,
        surface: &dyn Surface,
        theta: &[f64],
        gradient: &[f64],
        step: &[f64],
        mu: f64,
    ) -> Option<Vec<f64>> {
        let [h, most] = BEND;
        let there: Vec<f64> = theta.iter().zip(step).map(|(t, d)| t + h * d).collect();
        let (_, ahead) = surface.gradient(&there);
        let linear = self.matrix.apply(step, 1);
        let second = |i: usize| 2.0 / h * ((ahead[i] - gradient[i]) / h - linear[i]);
        let second: Vec<f64> = (0..theta.len()).map(second).collect();
        let bend: Vec<f64> = self.solve(&self.along(&second), mu).into_iter().map(|a| 0.5 * a).collect();
        // Not so where it is not a number.
        (2.0 * norm(&bend) <= most * norm(step)).then_some(bend)
    }
}

/// Descends ||g||^2 / 2 from `theta`. An error only where somebody asks for a stop.
pub fn descend(surface: &dyn Surface, theta: &[f64], settings: &Settings) -> Result<Found> {
    let mut theta = theta.to_vec();
    let (mut value, mut gradient) = surface.gradient(&theta);
    let start = (value, norm(&gradient));
    let (mut largest, mut alpha) = (0.0, 1.0);
    // Newton's distances and gradient norms so far; the rate at which H changes; the best bound of the distance left.
    let (mut newtons, mut norms): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let (mut rate, mut left) = (0.0, f64::INFINITY);
    let mut before: Option<(Dense, f64)> = None;
    let mut polished = 0;
    let end = loop {
        interrupt::check("critical", "the point was not finished")?;
        let local =
            if value.is_finite() { Local::new(surface, &theta, &gradient, &mut largest)? } else { None };
        let Some(local) = local else { break (None, Stopped::NotFinite) };
        let size = norm(&gradient);
        if let Some((matrix, length)) = &before
            && *length > 1e-8 * norm(&theta).max(1.0)
        {
            let change: Vec<f64> =
                local.matrix.matrix().iter().zip(matrix.matrix()).map(|(a, b)| a - b).collect();
            rate = norm(&change) / length;
        }
        let shrink = newtons.last().map_or(0.0, |last| if *last > 0.0 { local.newton / last } else { 0.0 });
        let bound = if shrink < 1.0 { local.newton / (1.0 - shrink) } else { f64::INFINITY };
        newtons.push(local.newton);
        norms.push(size);
        let reached = size <= settings.tolerance;
        let rounding = size <= SMALLEST[0] * largest;
        if reached {
            // Below rounding nothing is said of how it goes on.
            if polished == 0 || !rounding {
                left = bound.min(left);
            }
            polished += 1;
        }
        let halved = norms.len() < 2 || size <= 0.5 * norms[norms.len() - 2];
        let over = reached && (rounding || polished > POLISH || (polished > 1 && !halved));
        let near = left <= settings.distance * norm(&theta).max(1.0);
        let verdict = if near { Stopped::Critical } else { Stopped::Receding };
        let steps = norms.len() - 1;
        if over {
            break (Some(local), verdict);
        }
        if !reached && local.flatness <= settings.flat && shrink > NEARER {
            break (Some(local), Stopped::Flat);
        }
        if !reached && steps >= settings.steps {
            break (Some(local), Stopped::MostSteps);
        }
        let (over, share) = PROGRESS;
        if !reached && steps >= over && size > (1.0 - share) * norms[steps - over] {
            break (Some(local), Stopped::Stalled);
        }
        let made = loop {
            let mu = alpha * size * size;
            let mut step = local.solve(&local.along, mu);
            let moves = |step: &[f64]| theta.iter().zip(step).any(|(t, d)| t + d != *t);
            if !moves(&step) || alpha > ALPHA[2] {
                break None;
            }
            if norm(&step) > SHORT * norm(&theta).max(1.0) {
                match local.bend(surface, &theta, &gradient, &step, mu) {
                    Some(bend) => step.iter_mut().zip(&bend).for_each(|(d, a)| *d += a),
                    None => {
                        alpha *= ALPHA[0];
                        continue;
                    }
                }
            }
            let there: Vec<f64> = theta.iter().zip(&step).map(|(t, d)| t + d).collect();
            let (new, at) = surface.gradient(&there);
            interrupt::check("critical", "the point was not finished")?;
            let gain = (size * size - dot(&at, &at)) / local.predicted(mu);
            // Not so where it is not a number.
            if gain > GAINS[0] && new.is_finite() {
                alpha = match gain {
                    gain if gain < GAINS[1] => alpha * ALPHA[0],
                    gain if gain > GAINS[2] => (alpha / ALPHA[0]).max(ALPHA[1]),
                    _ => alpha,
                };
                break Some((there, norm(&step), new, at));
            }
            alpha *= ALPHA[0];
        };
        match made {
            None if reached => break (Some(local), verdict),
            None => break (Some(local), Stopped::Stalled),
            Some((there, length, new, at)) => {
                before = Some((local.matrix, length));
                (theta, value, gradient) = (there, new, at);
            }
        }
    };
    let steps = norms.len().saturating_sub(1);
    let gradient_norm = norm(&gradient);
    let (local, stopped) = end;
    let nan = || vec![f64::NAN; theta.len()];
    let (eigenvalues, flatness) = local.map_or_else(|| (nan(), f64::NAN), |l| (l.eigen.values, l.flatness));
    // What has no zero near it has the eigenvalues of where it is.
    let moved = if stopped == Stopped::Critical { rate * left } else { 0.0 };
    let threshold = (ROUNDING * largest).max(moved);
    let distance = if left.is_finite() { left } else { newtons.last().copied().unwrap_or(f64::NAN) };
    Ok(Found {
        theta,
        value,
        gradient_norm,
        start,
        eigenvalues,
        threshold,
        distance,
        flatness,
        steps,
        stopped,
    })
}

impl Settings {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        let positive = |flag: &str, x: f64, most: f64| {
            if x > 0.0 && x <= most {
                Ok(())
            } else {
                Err(Error::expected(flag, format!("a number above 0 and at most {most}"), x))
            }
        };
        positive("--tolerance", self.tolerance, 1.0)?;
        positive("--flat", self.flat, 1.0)?;
        positive("--distance", self.distance, 1.0)?;
        if (1..=1_000_000).contains(&self.steps) {
            Ok(())
        } else {
            Err(Error::expected("--steps", "1 to 1000000", self.steps))
        }
    }
}
