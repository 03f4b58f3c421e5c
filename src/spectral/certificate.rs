//! How far an end of the spectrum may lie beyond what a Lanczos recurrence from a random start has found.
//!
//! Let lambda be an eigenvalue with the unit eigenvector x, and c_j = x' q_j its part along the vector q_j of the
//! recurrence's basis. From A q_j = beta_{j-1} q_{j-1} + alpha_j q_j + beta_j q_{j+1},
//!
//! ```text
//! beta_j c_{j+1} = (lambda - alpha_j) c_j - beta_{j-1} c_{j-1}        c_j = p_{j-1}(lambda) c_1
//! ```
//!
//! with the Lanczos polynomials p_j, and the basis is orthonormal, so that sum_j c_j^2 <= 1: an eigenvalue of which the start has
//! the part c_1 lies where
//!
//! ```text
//! p_0(lambda)^2 + ... + p_m(lambda)^2 <= 1 / c_1^2.
//! ```
//!
//! Beyond the outermost Ritz value the sum grows without limit, and no polynomial of its degree says more than all of these
//! together (their sum is the inverse of the Christoffel function). Of a start that is uniform on the sphere of R^n,
//! |c_1| >= delta sqrt(pi / (2 n)) except with probability delta, so that the lambda at which the sum reaches
//! 2 n / (pi delta^2) bounds the spectrum. Such bounds are van Dorsselaer, Hochstenbach and van der Vorst's (2000, "Computing
//! probabilistic bounds for extreme eigenvalues of symmetric matrices with the Lanczos method"), who take p_m alone. Where
//! few eigenvalues lie outside of a bulk, as those of networks do, it certifies them in a third to a half of the
//! steps that Kuczynski and Wozniakowski's bound asks of every spectrum; and it is a number at every step.
//!
//! A recurrence that was compressed to k Ritz pairs (theta_i, y_i) has A y_i = theta_i y_i + h_i q and goes on from q: the
//! part of x along y_i is h_i c / (lambda - theta_i), c that along q. So the parts go on through any number of compressions.
//!
//! That products are rounded is left out, as it is in other such bounds: rounding that is blind to x adds to its parts as
//! often as it takes from them.

/// What lies between two compressions of a basis, or before the first: the numbers that its recurrence consists of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Stretch {
    /// The Ritz values that were kept from before, and their couplings h with the vector that follows them.
    pub arrow: Vec<[f64; 2]>,
    /// The diagonal after these.
    pub alpha: Vec<f64>,
    /// What stands beside it, and as the last the coupling with the vector that follows.
    pub beta: Vec<f64>,
}

impl Stretch {
    /// How many vectors it has.
    pub fn order(&self) -> usize {
        self.arrow.len() + self.alpha.len()
    }

    /// The sum of c_j^2 over the basis with the vector that follows, and c of that vector, where c of the first vector after
    /// the arrow is `start`. Infinite where a coupling is zero: nothing is known of what follows.
    fn parts(&self, lambda: f64, start: f64) -> Option<(f64, f64)> {
        let (mut sum, mut pull) = (start * start, 0.0);
        for [theta, h] in &self.arrow {
            let part = h * start / (lambda - theta);
            sum += part * part;
            pull += h * part;
        }
        let mut part = start;
        for (alpha, beta) in self.alpha.iter().zip(&self.beta) {
            if *beta == 0.0 {
                return None;
            }
            let next = ((lambda - alpha) * part - pull) / beta;
            sum += next * next;
            (pull, part) = (beta * part, next);
        }
        Some((sum, part))
    }
}

/// Whether an eigenvalue `lambda` outside of all Ritz values would have shown in the recurrence of these stretches, given that the
/// start has a part of it whose square is at least 1 / `limit`.
pub(super) fn shows(stretches: &[&Stretch], lambda: f64, limit: f64) -> bool {
    let mut start = 1.0;
    for stretch in stretches {
        match stretch.parts(lambda, start) {
            // The sums of a long recurrence would overflow: one that is over the limit says enough.
            Some((sum, _)) if sum > limit || sum.is_nan() => return true,
            Some((_, part)) => start = part,
            None => return false,
        }
    }
    false
}

/// 1 / c_1^2, below which a uniform start of R^n has c_1^2 only with probability `delta`.
pub(super) fn limit(n: usize, delta: f64) -> f64 {
    2.0 * n as f64 / (std::f64::consts::PI * delta * delta)
}

/// From `end`, the outermost Ritz value, in the direction of `sign`: up to where an eigenvalue may lie. `spread` is how far the
/// Ritz values lie apart, or another number of their size.
pub(super) fn bound(stretches: &[&Stretch], end: f64, sign: f64, spread: f64, limit: f64) -> f64 {
    let at = |by: f64| end + sign * by;
    let mut outer = spread;
    while !shows(stretches, at(outer), limit) {
        outer *= 2.0;
        if !outer.is_normal() {
            return sign * f64::INFINITY;
        }
    }
    let mut inner = 0.0;
    // To a millionth of where it lies.
    while outer - inner > 1e-6 * outer {
        let middle = 0.5 * (inner + outer);
        if middle <= inner || middle >= outer || at(middle) == end {
            break;
        }
        if shows(stretches, at(middle), limit) { outer = middle } else { inner = middle }
    }
    at(outer)
}
