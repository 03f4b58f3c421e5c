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
//! A small residual says that an eigenvalue is near, not that it is the largest. That is what a random start is for, which has a
//! part of every eigenvector: the recurrence's own numbers say how far beyond its outermost Ritz value an eigenvalue may lie that
//! has not shown yet, except with probability delta, closer with every step (see `certificate`). The first pair of an end is
//! certified if it converged and this is at most epsilon of the spread, theta_max - theta_min.
//!
//! What holds for every spectrum is Kuczynski and Wozniakowski's (1992, "Estimating the largest eigenvalue by the power and
//! Lanczos algorithms with a random start"): after m steps from a start uniform on the sphere, theta_1 lies more than epsilon of
//! the spread below lambda_max with a probability of at most 1.648 sqrt(n) e^(-sqrt(epsilon) (2m - 1)). So it is also enough
//! to make
//!
//! ```text
//! m >= (1 + ln(1.648 sqrt(n) / delta) / sqrt(epsilon)) / 2
//! ```
//!
//! steps, or as many as the space has, or the start's whole Krylov space, which has every distinct eigenvalue. Both fail only
//! for starts whose part of one eigenvector is too small, of which the more are delta of all, so that either will do.
//!
//! For further pairs of an end that is not enough: of a multiple eigenvalue, one start finds one copy. With
//! [`Settings::certify`], Lanczos therefore runs again in the complement of all pairs found, from a new random start, until
//! it can be told in the same way that nothing lies beyond the last pair of either end. Then all are certified, to epsilon of the
//! spread and their own residuals; otherwise what was found takes its place among them, and the complement is searched once more.
//!
//! Cost: products as far as possible; beside them 8 n m operations in step m, and n (m + 1) numbers kept, or
//! [`Settings::most_vectors`] n.

use super::basis::LONG;
use super::krylov::{Krylov, ROUNDING, Ritz, Step, orthogonalise};
use super::{BLOCK, Operator, symmetric, vectors};
use crate::base::random::Rng;
use crate::base::{Error, Result, interrupt};

pub use super::outcome::{EndSoFar, Ends, Pair, Settings, SoFar, Stopped, Wanted};

/// The ends of the spectrum of `operator`, from a random start. If there are fewer eigenpairs than wanted at an end, it
/// gives all. Fails on settings that make no sense, and when a signal comes.
pub fn ends(operator: &dyn Operator, wanted: Wanted, rng: &mut Rng, settings: &Settings) -> Result<Ends> {
    watched(operator, wanted, rng, settings, &|_| ())
}

/// The same, which tells what is known whenever it has looked.
pub fn watched(
    operator: &dyn Operator,
    wanted: Wanted,
    rng: &mut Rng,
    settings: &Settings,
    watch: &dyn Fn(&SoFar),
) -> Result<Ends> {
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
        let (scale, spread) = (0.0, 0.0);
        return Ok(Ends { top, bottom, steps: 0, products: 0, scale, spread, restarts: 0, stopped });
    }
    let search = Search {
        operator,
        settings,
        watch,
        top,
        bottom,
        scale: 0.0,
        spread: 0.0,
        products: 0,
        restarts: 0,
        bounds: [f64::NAN; 2],
        searched: false,
    };
    search.run(rng)
}

/// A Ritz pair.
struct Found {
    value: f64,
    vector: Vec<f64>,
    /// As the recurrence has it.
    residual: f64,
}

/// The direction of each end: top, bottom.
const SIGNS: [f64; 2] = [1.0, -1.0];

/// What was found before a recurrence, in whose complement it is.
#[derive(Default)]
struct Before {
    /// The last pairs: top, bottom.
    last: [Option<f64>; 2],
    /// How far an eigenvalue of the complement may be from one of the operator: the norm of what couples them, at most that of
    /// all residuals.
    leak: f64,
}

/// How one recurrence ended.
struct Outcome {
    ritz: Ritz,
    stopped: Stopped,
    /// Whether nothing lies beyond what it found, or was found before, by more than epsilon of the spread, but for a
    /// probability delta: top, bottom.
    sure: [bool; 2],
}

/// What all runs share.
struct Search<'a> {
    operator: &'a dyn Operator,
    settings: &'a Settings,
    watch: &'a dyn Fn(&SoFar),
    top: usize,
    bottom: usize,
    /// max|theta| over all Ritz values so far, and how far the outermost lie apart.
    scale: f64,
    spread: f64,
    products: usize,
    restarts: usize,
    /// Beyond what no eigenvalue lies, as the first run has it: top, bottom.
    bounds: [f64; 2],
    /// Whether a search has found a pair that was passed over.
    searched: bool,
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
            // What all pairs together leave of the complement is to take no more than half of what a search may miss.
            let spread = self.settings.epsilon * self.spread / ((self.top + self.bottom) as f64).sqrt();
            (0.7 * tolerance).min(0.5 * spread)
        } else {
            // A little less than a fresh product is held to.
            0.9 * tolerance
        };
        target.max(self.rounding())
    }

    /// Most vectors of a run, of which some are locked.
    fn room(&self, locked: usize) -> usize {
        let wanted = Wanted { top: self.top, bottom: self.bottom };
        let most = self.settings.most_vectors.unwrap_or(usize::MAX);
        most.saturating_sub(locked).max(self.settings.fewest_vectors(wanted))
    }

    /// Whether nothing lies beyond the outermost pairs, or beyond what was found before: top, bottom.
    fn is_sure(&self, krylov: &Krylov, ritz: &Ritz, before: &Before) -> [bool; 2] {
        let whole = krylov.order() == krylov.room() || krylov.exhausted();
        if krylov.compressions() == 0 {
            let certain = self.settings.certifying_steps(self.operator.dimension()).min(krylov.room());
            if whole || krylov.steps() >= certain {
                return [true; 2];
            }
        }
        let ends = [ritz.eigen.values.last(), ritz.eigen.values.first()];
        let margin = self.settings.epsilon * self.spread - before.leak;
        let wanted = [self.top, self.bottom];
        [0, 1].map(|side| {
            let (Some(end), sign) = (ends[side], SIGNS[side]) else { return false };
            let from = before.last[side].map_or(*end, |last| sign * (sign * last).max(sign * end));
            wanted[side] == 0 || margin > 0.0 && krylov.shows(from + sign * margin, self.settings.delta)
        })
    }

    /// What a run knows now.
    fn tell(&mut self, krylov: &Krylov, ritz: &Ritz, searching: bool) {
        let values = &ritz.eigen.values;
        let m = values.len();
        let of = |i: usize, sign: f64, wanted: usize| {
            (wanted > 0 && m > 0).then(|| {
                let (value, residual) = (values[i.min(m - 1)], ritz.residuals[i.min(m - 1)]);
                let span = if self.spread > 0.0 { self.spread } else { self.scale };
                EndSoFar { value, residual, bound: krylov.bound(value, sign, span, self.settings.delta) }
            })
        };
        let (top, bottom) = (of(usize::MAX, 1.0, self.top), of(0, -1.0, self.bottom));
        if !searching {
            self.bounds = [top, bottom].map(|end| end.map_or(f64::NAN, |end| end.bound));
        }
        (self.watch)(&SoFar { products: self.products, searching, spread: self.spread, top, bottom });
    }

    /// Steps until `done` says so of sound Ritz values, at which it looks only now and then where that takes longer than a
    /// step: their small eigenproblem grows as m^3. `None` if products are not finite.
    fn steps(
        &mut self,
        krylov: &mut Krylov,
        before: &Before,
        certify: bool,
        rng: &mut Rng,
        done: impl Fn(&Self, &Ritz, usize) -> bool,
    ) -> Result<Option<Outcome>> {
        let n = self.operator.dimension();
        let searching = n > krylov.room();
        let enough = if searching { 1 } else { (self.top + self.bottom).min(n) };
        let room = self.room(n - krylov.room());
        let most = self.settings.most_steps.min(krylov.room());
        let mut next = enough;
        loop {
            let step = krylov.step();
            // A product that a stop has cut short is not one.
            interrupt::check("eigenvalues", "unfinished eigenvalues are not kept")?;
            if step == Step::NotFinite {
                return Ok(None);
            }
            self.products += 1;
            let (m, steps) = (krylov.order(), krylov.steps());
            let exhausted = step == Step::Exhausted;
            let full = m >= room && m < krylov.room();
            if exhausted || full || steps == most || steps >= next {
                let ritz = krylov.ritz()?;
                if let (Some(first), Some(last)) = (ritz.eigen.values.first(), ritz.eigen.values.last()) {
                    self.scale = self.scale.max(first.abs()).max(last.abs());
                    self.spread = self.spread.max(last - first);
                }
                let sure = self.is_sure(krylov, &ritz, before);
                self.tell(krylov, &ritz, searching);
                let stopped = match () {
                    _ if m == krylov.room() => Some(Stopped::WholeSpace),
                    _ if m >= enough && (sure == [true; 2] || !certify) && done(self, &ritz, steps) => {
                        Some(if exhausted { Stopped::InvariantSubspace } else { Stopped::Converged })
                    }
                    _ if steps == most => Some(Stopped::MostSteps),
                    _ => None,
                };
                if let Some(stopped) = stopped {
                    return Ok(Some(Outcome { ritz, stopped, sure }));
                }
                // 25 m^3 operations are a twentieth of a step's 8 n m, or come an eighth of the steps later.
                next = steps + if 64 * m * m <= n { 1 } else { (m / 8).max(1) };
                if full && !exhausted {
                    krylov.compress(&ritz, &self.outermost(m, room));
                    self.restarts += 1;
                }
            }
            if exhausted {
                krylov.restart(rng);
            }
        }
    }

    /// Which of m pairs a compressed basis keeps: half of what there is room for, those wanted and as many more at each end.
    fn outermost(&self, m: usize, room: usize) -> Vec<usize> {
        let more = (room / 2).saturating_sub(self.top + self.bottom) / 2;
        let side = |wanted: usize| if wanted > 0 { wanted + more } else { 0 };
        let (top, bottom) = (side(self.top), side(self.bottom));
        (0..m).filter(|i| *i < bottom || *i + top >= m).collect()
    }

    fn run(mut self, rng: &mut Rng) -> Result<Ends> {
        let n = self.operator.dimension();
        let (top, bottom) = (self.top, self.bottom);
        let mut krylov = Krylov::new(self.operator, vectors::gaussian(n, rng));
        // Products of a small operator are cheap: they go on for one more digit of the residuals, two of the values, as long as
        // the bound that holds for every spectrum would ask for more of them.
        let certain = if n < LONG && self.settings.certify { self.settings.certifying_steps(n) } else { 0 };
        let converged = |this: &Self, ritz: &Ritz, steps: usize| {
            let target = this.target() * if steps < certain { 0.1 } else { 1.0 };
            let m = ritz.residuals.len();
            ritz.residuals[..bottom].iter().chain(&ritz.residuals[m - top..]).all(|r| *r <= target)
        };
        let certify = self.settings.certify;
        let first = self.steps(&mut krylov, &Before::default(), certify, rng, converged)?;
        let (steps, m) = (krylov.steps(), krylov.order());
        let Some(first) = first else { return Ok(Ends::not_finite(steps, self.products)) };
        let at = |i: usize| Found::of(&krylov, &first.ritz, i);
        let mut found = [(0..top).map(|i| at(m - 1 - i)).collect(), (0..bottom).map(at).collect()];
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
        self.finish(found, steps, stopped, first.sure, complete)
    }

    /// Looks for what was passed over, in the complement of `found`, and puts it there. Whether nothing is left; `None` if
    /// products are not finite.
    fn search(&mut self, found: &mut [Vec<Found>; 2], rng: &mut Rng) -> Result<Option<bool>> {
        let locked: Vec<Vec<f64>> = found.iter().flatten().map(|pair| pair.vector.clone()).collect();
        let before = Before {
            last: found.each_ref().map(|f| f.last().map(|pair| pair.value)),
            leak: found.iter().flatten().map(|pair| pair.residual.powi(2)).sum::<f64>().sqrt(),
        };
        let last = before.last;
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
        let done = |this: &Self, ritz: &Ritz, _: usize| {
            let (target, m) = (this.target(), ritz.residuals.len());
            let [above, below] = beyond(ritz);
            let fine = |by: f64, residual: f64| by <= 0.0 || residual <= target;
            fine(above, ritz.residuals[m - 1]) && fine(below, ritz.residuals[0])
        };
        let Some(outcome) = self.steps(&mut krylov, &before, true, rng, done)? else { return Ok(None) };
        let [above, below] = beyond(&outcome.ritz);
        let m = krylov.order();
        let mut complete = outcome.sure == [true; 2] && outcome.stopped != Stopped::MostSteps;
        let margin = self.rounding();
        for (side, (by, i, sign)) in [(above, m - 1, 1.0), (below, 0, -1.0)].into_iter().enumerate() {
            if by <= 0.0 {
                continue;
            }
            let value = outcome.ritz.eigen.values[i];
            self.searched = true;
            found[side].push(Found::of(&krylov, &outcome.ritz, i));
            found[side].sort_by(|a, b| (sign * b.value).total_cmp(&(sign * a.value)));
            found[side].pop();
            // If it is now the last, nothing that is left lies beyond it.
            complete &= found[side].last().is_none_or(|last| sign * (value - last.value) <= margin);
        }
        Ok(Some(complete))
    }

    /// Fresh products of all pairs, and what they say. `sure` of the first pairs, and of all.
    fn finish(
        mut self,
        found: [Vec<Found>; 2],
        steps: usize,
        mut stopped: Stopped,
        first: [bool; 2],
        all: bool,
    ) -> Result<Ends> {
        let margin = self.rounding();
        let mut ends: [Vec<Pair>; 2] = Default::default();
        let count = found[0].len();
        let mut found =
            found.map(|pairs| pairs.into_iter().map(|pair| pair.vector).collect::<Vec<Vec<f64>>>());
        let mut rotated = None;
        if self.searched {
            // Pairs of the complement and those found before are coupled by the residuals of these.
            let mut all = found.concat();
            orthonormalise(&mut all);
            let Some(mut products) = self.fresh(&all)? else {
                return Ok(Ends::not_finite(steps, self.products));
            };
            rotate(&mut all, &mut products)?;
            // Ascending: those of the bottom first.
            let top = all.len() - count;
            rotated = Some([products.split_off(top), products]);
            found = [all.split_off(top), all];
        }
        for (side, mut block) in found.into_iter().enumerate() {
            let products = match &mut rotated {
                Some(products) => std::mem::take(&mut products[side]),
                None => {
                    orthonormalise(&mut block);
                    let Some(products) = self.fresh(&block)? else {
                        return Ok(Ends::not_finite(steps, self.products));
                    };
                    products
                }
            };
            let measure = |(mut vector, product): (Vec<f64>, Vec<f64>)| {
                let value = vectors::dot(&vector, &product);
                let rest: Vec<f64> = product.iter().zip(&vector).map(|(p, x)| p - value * x).collect();
                let residual = vectors::norm(&rest);
                vectors::orient(&mut vector);
                let interval = [value - residual - margin, value + residual + margin];
                let converged = residual <= (self.settings.tolerance * self.scale).max(margin);
                Pair { value, vector, residual, interval, converged, certified: false, bound: None }
            };
            let mut pairs: Vec<Pair> = block.into_iter().zip(products).map(measure).collect();
            pairs.sort_by(|a, b| (SIGNS[side] * b.value).total_cmp(&(SIGNS[side] * a.value)));
            for (i, pair) in pairs.iter_mut().enumerate() {
                // Of a first pair the steps vouch; of others the search, if the pairs that it left out are exact enough.
                let exact = pair.residual <= (self.settings.epsilon * self.spread).max(margin);
                pair.certified = pair.converged && if i == 0 { first[side] } else { all && exact };
            }
            if let Some(pair) = pairs.first_mut() {
                // What a search has found may lie beyond what the first run knew.
                pair.bound =
                    Some(SIGNS[side] * (SIGNS[side] * self.bounds[side]).max(SIGNS[side] * pair.value));
            }
            ends[side] = pairs;
        }
        let [top, bottom] = ends;
        if stopped != Stopped::MostSteps && !top.iter().chain(&bottom).all(|p| p.converged) {
            stopped = Stopped::Inexact;
        }
        let Self { products, scale, spread, restarts, .. } = self;
        Ok(Ends { top, bottom, steps, products, scale, spread, restarts, stopped })
    }

    /// Products with these vectors, a block at a time; none if they are not finite.
    fn fresh(&mut self, all: &[Vec<f64>]) -> Result<Option<Vec<Vec<f64>>>> {
        let mut products = Vec::new();
        for block in all.chunks(BLOCK) {
            let product = self.operator.apply(&block.concat(), block.len());
            assert_eq!(product.len(), block.iter().map(Vec::len).sum::<usize>(), "products of n numbers");
            self.products += block.len();
            interrupt::check("eigenvalues", "unfinished eigenvalues are not kept")?;
            if !product.iter().all(|x| x.is_finite()) {
                return Ok(None);
            }
            products.extend(product.chunks(self.operator.dimension()).map(<[f64]>::to_vec));
        }
        Ok(Some(products))
    }
}

impl Found {
    /// The pair `i` of a recurrence.
    fn of(krylov: &Krylov, ritz: &Ritz, i: usize) -> Self {
        Self { value: ritz.eigen.values[i], vector: krylov.vector(ritz, i), residual: ritz.residuals[i] }
    }
}

/// Orthonormal vectors x and their products A x become the Ritz vectors of the space that they span, values ascending, and the
/// products of these (Rayleigh and Ritz).
fn rotate(all: &mut Vec<Vec<f64>>, products: &mut Vec<Vec<f64>>) -> Result<()> {
    let k = all.len();
    let part = |i: usize, j: usize| vectors::dot(&all[i], &products[j]);
    let matrix: Vec<f64> = (0..k * k).map(|ij| 0.5 * (part(ij % k, ij / k) + part(ij / k, ij % k))).collect();
    let eigen = symmetric::eigen(&matrix, k)?;
    for vectors in [all, products] {
        let combined = |j: usize| {
            let column: Vec<f64> = (0..k).map(|i| eigen.vectors[(i, j)]).collect();
            let mut sum = vec![0.0; vectors[0].len()];
            vectors::combine(vectors, &column, &mut sum);
            sum
        };
        *vectors = (0..k).map(combined).collect();
    }
    Ok(())
}

/// Vectors of a basis in f32 are orthogonal to its digits; these are to all.
fn orthonormalise(all: &mut [Vec<f64>]) {
    for i in 1..all.len() {
        let (before, rest) = all.split_at_mut(i);
        let (_, length) = orthogonalise(before, &mut rest[0]);
        if length > 0.0 {
            vectors::divide(&mut rest[0], length);
        }
    }
}
