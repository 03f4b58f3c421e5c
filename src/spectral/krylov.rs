//! The Lanczos recurrence (Lanczos 1950): from a start q_1 it builds an orthonormal basis Q_m of the Krylov space of
//! A, in which A is tridiagonal,
//!
//! ```text
//! A q_j = beta_{j-1} q_{j-1} + alpha_j q_j + beta_j q_{j+1}        A Q_m = Q_m T_m + beta_m q_{m+1} e_m'
//! ```
//!
//! An eigenpair (theta, s) of T_m gives the Ritz pair (theta, Q_m s), whose residual is |beta_m| |s_m|.
//!
//! Each A q_j is made orthogonal to *all* vectors before it, twice (classical Gram-Schmidt, enough to working precision:
//! Giraud, Langou, Rozloznik and van den Eshof 2005). Without that, rounding lets converged eigenvalues come back as
//! copies: "ghosts".
//!
//! A step costs one product and 8 n m operations beside it; n (m + 1) numbers are kept, in the type of the products where
//! they are long. Where that is too many, the basis is compressed to some of its Ritz vectors y_i and goes on
//! (thick restarts: Wu and Simon 2000): A y_i = theta_i y_i + h_i q_{m+1}, h_i = beta_m s_{m,i}, and T becomes an arrow of
//! these before the tridiagonal matrix of what follows.

use super::basis::Basis;
use super::certificate::{self, Stretch};
use super::{Operator, symmetric, tridiagonal, vectors};
use crate::base::Result;
use crate::base::random::Rng;

/// What rounding leaves of a zero, in rounding units of what was added: products of n terms, and a margin.
pub(super) const ROUNDING: f64 = 100.0;
/// Most passes of Gram-Schmidt. What is still shrinking after so many was rounding from the start.
const PASSES: usize = 5;

/// What a step found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The basis has a vector more.
    Grown,
    /// The basis spans an invariant subspace: T holds eigenvalues of A, exact to rounding, and has every one that the
    /// start has a part along. [`Krylov::restart`] goes on outside of it.
    Exhausted,
    /// A product has an entry that is NaN or infinite, or numbers overflow.
    NotFinite,
}

/// Basis and tridiagonal matrix, growing by one vector a step.
pub struct Krylov<'a> {
    operator: &'a dyn Operator,
    /// How many vectors stand before q_1 in the basis.
    locked: usize,
    /// The locked vectors, q_1, ..., q_m, and q_{m+1} unless the space is exhausted.
    basis: Basis,
    /// The numbers of T, and those of every T that was compressed before.
    now: Stretch,
    past: Vec<Stretch>,
    /// The largest of |alpha| and beta: a lower bound of ||A||, what "zero" is measured by.
    scale: f64,
    exhausted: bool,
}

impl std::fmt::Debug for Krylov<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Krylov")
            .field("dimension", &self.operator.dimension())
            .field("locked", &self.locked)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// Eigenpairs of T, and what they say about A.
#[derive(Clone, Debug)]
pub struct Ritz {
    /// Values ascending, and their vectors in the basis.
    pub eigen: tridiagonal::Eigen,
    /// ||A x - theta x|| of each Ritz pair, as the recurrence has it.
    pub residuals: Vec<f64>,
}

/// Makes `w` orthogonal to the basis; the coefficients taken out, and what is left of its length: 0 if only rounding.
pub(super) fn orthogonalise(basis: &[Vec<f64>], w: &mut [f64]) -> (Vec<f64>, f64) {
    let combine = |c: &[f64], w: &mut [f64]| vectors::combine(basis, c, w);
    passes(basis.len(), &|w| vectors::project(basis, w), &combine, w)
}

/// The same of a basis that is known by what it does.
fn passes(
    vectors: usize,
    project: &dyn Fn(&[f64]) -> Vec<f64>,
    combine: &dyn Fn(&[f64], &mut [f64]),
    w: &mut [f64],
) -> (Vec<f64>, f64) {
    let mut taken = vec![0.0; vectors];
    let mut before = f64::INFINITY;
    for pass in 0..PASSES {
        let part = project(w);
        let negative: Vec<f64> = part.iter().map(|c| -c).collect();
        combine(&negative, w);
        taken.iter_mut().zip(part).for_each(|(taken, part)| *taken += part);
        let left = vectors::norm(w);
        // What loses more than half of its length to a pass was not orthogonal before it.
        if pass > 0 && (left >= 0.5 * before || left.is_nan()) {
            return (taken, left);
        }
        before = left;
    }
    (taken, 0.0)
}

impl<'a> Krylov<'a> {
    /// Starts at `start`, of any length but 0. If it is not finite, the first step says so.
    pub fn new(operator: &'a dyn Operator, mut start: Vec<f64>) -> Self {
        assert_eq!(start.len(), operator.dimension(), "a start of n numbers");
        let length = vectors::norm(&start);
        vectors::divide(&mut start, length);
        let mut basis = Basis::new(operator);
        basis.push(start);
        let (now, past) = (Stretch::default(), Vec::new());
        Self { operator, locked: 0, basis, now, past, scale: 0.0, exhausted: false }
    }

    /// Starts at a random direction orthogonal to `locked`, orthonormal and fewer than n, and stays there: this is
    /// the recurrence of A restricted to their complement. `scale` is what is known of ||A||.
    pub fn beside(operator: &'a dyn Operator, locked: Vec<Vec<f64>>, scale: f64, rng: &mut Rng) -> Self {
        let count = locked.len();
        let mut basis = Basis::new(operator);
        locked.into_iter().for_each(|vector| basis.push(vector));
        let (now, past) = (Stretch::default(), Vec::new());
        let mut this = Self { operator, locked: count, basis, now, past, scale, exhausted: false };
        this.restart(rng);
        this
    }

    /// The order of A less the number of locked vectors: no basis has more vectors.
    pub fn room(&self) -> usize {
        self.operator.dimension() - self.locked
    }

    /// The number of products spent.
    pub fn steps(&self) -> usize {
        self.past.iter().map(|stretch| stretch.alpha.len()).sum::<usize>() + self.now.alpha.len()
    }

    /// m, which is the number of products where the basis was never compressed.
    pub fn order(&self) -> usize {
        self.now.order()
    }

    /// How often the basis was compressed.
    pub fn compressions(&self) -> usize {
        self.past.len()
    }

    /// Whether some step found the space exhausted, so that T has every distinct eigenvalue of A.
    pub fn exhausted(&self) -> bool {
        self.exhausted
    }

    /// The diagonal of T, after the Ritz values of a compressed basis.
    pub fn alpha(&self) -> &[f64] {
        &self.now.alpha
    }

    /// What stands beside that diagonal, and beta_m as its last.
    pub fn beta(&self) -> &[f64] {
        &self.now.beta
    }

    /// The locked vectors, q_1, ..., q_m, and q_{m+1} if there is one.
    pub fn basis(&self) -> Vec<Vec<f64>> {
        (0..self.basis.len()).filter_map(|i| self.basis.get(i)).collect()
    }

    /// One product, and the next vector of the basis. Once the space is exhausted it needs a restart before.
    pub fn step(&mut self) -> Step {
        match self.next().map(|q| self.operator.apply(&q, 1)) {
            Some(product) => self.accept(product),
            None => Step::Exhausted,
        }
    }

    /// The vector whose product the next step takes; none once the space is exhausted.
    pub fn next(&self) -> Option<Vec<f64>> {
        self.basis.get(self.locked + self.order())
    }

    /// The next step, given the product with [`Krylov::next`]: several recurrences go on together, a block a step.
    pub fn accept(&mut self, mut w: Vec<f64>) -> Step {
        let m = self.order();
        assert!(
            w.len() == self.operator.dimension() && m < self.basis.len() - self.locked,
            "the product asked for"
        );
        if !w.iter().all(|x| x.is_finite()) {
            return Step::NotFinite;
        }
        let (taken, mut beta) = self.orthogonalise(&mut w);
        let alpha = taken[self.locked + m];
        if !(alpha.is_finite() && beta.is_finite()) {
            return Step::NotFinite;
        }
        self.scale = self.scale.max(alpha.abs()).max(beta);
        // The recurrence is in f64 also where products have fewer digits: what those leave is a direction like any.
        let exhausted = m + 1 == self.room() || beta <= ROUNDING * f64::EPSILON * self.scale;
        if exhausted {
            beta = 0.0;
        } else {
            vectors::divide(&mut w, beta);
            self.basis.push(w);
        }
        self.now.alpha.push(alpha);
        self.now.beta.push(beta);
        self.exhausted |= exhausted;
        if exhausted { Step::Exhausted } else { Step::Grown }
    }

    /// Goes on at a random direction orthogonal to the whole basis, after it was exhausted; T falls into blocks.
    /// Further copies of multiple eigenvalues come only from here. Does nothing where no direction is left.
    pub fn restart(&mut self, rng: &mut Rng) {
        let n = self.operator.dimension();
        while self.basis.len() < n && self.basis.len() == self.locked + self.order() {
            let mut start = vectors::gaussian(n, rng);
            let (_, length) = self.orthogonalise(&mut start);
            if length > 0.0 {
                vectors::divide(&mut start, length);
                self.basis.push(start);
            }
        }
    }

    fn orthogonalise(&self, w: &mut [f64]) -> (Vec<f64>, f64) {
        let combine = |c: &[f64], w: &mut [f64]| self.basis.combine(0, c, w);
        passes(self.basis.len(), &|w| self.basis.project(w), &combine, w)
    }

    /// The eigenpairs of T and their residuals.
    pub fn ritz(&self) -> Result<Ritz> {
        let (m, k) = (self.order(), self.now.arrow.len());
        let Stretch { arrow, alpha, beta } = &self.now;
        let eigen = if k == 0 {
            tridiagonal::eigen(alpha, beta)?
        } else {
            let mut t = vec![0.0; m * m];
            for (i, [theta, h]) in arrow.iter().enumerate() {
                t[i + i * m] = *theta;
                if k < m {
                    t[k + i * m] = *h;
                }
            }
            for i in k..m {
                t[i + i * m] = alpha[i - k];
                if i + 1 < m {
                    t[i + 1 + i * m] = beta[i - k];
                }
            }
            symmetric::eigen(&t, m)?
        };
        let beyond = beta.last().copied().unwrap_or(0.0);
        let residuals = (0..m).map(|i| (beyond * eigen.vectors[(m - 1, i)]).abs()).collect();
        Ok(Ritz { eigen, residuals })
    }

    /// The unit vector of the Ritz pair `i`.
    pub fn vector(&self, ritz: &Ritz, i: usize) -> Vec<f64> {
        let mut x = vec![0.0; self.operator.dimension()];
        self.basis.combine(self.locked, &ritz.column(i), &mut x);
        let length = vectors::norm(&x);
        vectors::divide(&mut x, length);
        x
    }

    /// Keeps the Ritz vectors of these pairs in the place of q_1, ..., q_m, and goes on from q_{m+1}, which must be there.
    pub fn compress(&mut self, ritz: &Ritz, kept: &[usize]) {
        let m = self.order();
        assert!(self.basis.len() > self.locked + m && kept.len() < m, "a vector to go on from");
        let beyond = self.now.beta.last().copied().unwrap_or(0.0);
        let arrow = kept.iter().map(|i| [ritz.eigen.values[*i], beyond * ritz.eigen.vectors[(m - 1, *i)]]);
        let next = Stretch { arrow: arrow.collect(), ..Stretch::default() };
        let columns: Vec<Vec<f64>> = kept.iter().map(|i| ritz.column(*i)).collect();
        self.basis.replace(self.locked, &columns);
        self.past.push(std::mem::replace(&mut self.now, next));
    }

    fn stretches(&self) -> Vec<&Stretch> {
        self.past.iter().chain([&self.now]).collect()
    }

    /// Whether an eigenvalue `lambda`, outside of all Ritz values, would have shown by now except with probability `delta`,
    /// given that the start was random ([`certificate`]).
    pub(super) fn shows(&self, lambda: f64, delta: f64) -> bool {
        certificate::shows(&self.stretches(), lambda, certificate::limit(self.room(), delta))
    }

    /// How far beyond `end`, the outermost Ritz value in the direction of `sign`, an eigenvalue may lie, except with
    /// probability `delta`, given that the start was random.
    pub(super) fn bound(&self, end: f64, sign: f64, spread: f64, delta: f64) -> f64 {
        if self.exhausted && self.past.is_empty() || self.order() == self.room() {
            return end;
        }
        certificate::bound(&self.stretches(), end, sign, spread, certificate::limit(self.room(), delta))
    }
}

impl Ritz {
    /// The vector of a pair, in the basis.
    fn column(&self, i: usize) -> Vec<f64> {
        (0..self.eigen.values.len()).map(|j| self.eigen.vectors[(j, i)]).collect()
    }
}
