//! Weight matching (Ainsworth et al. 2022, arXiv 2209.04836, section 3.2 and algorithm 1): coordinate descent on ||A - P(B)||
//! over the groups of hidden units, in random order, until nothing gains. It sees no data.
//!
//! The descent ends in a local minimum, so there are several starts: as the networks stand, as in the paper; front to
//! back, each group by what it shares with those before it, which finds permuted copies; and random ones. The nearest is
//! kept, the first of equal ones.

use super::matcher::{Descent, Matcher};
use super::{Align, Aligned, Pair, within};
use crate::base::{Error, Result, parallel};

crate::kind! {
    /// Weight matching.
    WeightMatching = "weights",
        "min over P of ||A - P(B)||, by coordinate descent over the layers (Ainsworth et al. 2022)";
    /// Starts: as they stand, front to back, then random ones.
    restarts: usize = 3, // one of each sort
    /// Most passes over the groups from each start.
    passes: usize = 100, // as the authors' program
}

impl WeightMatching {
    fn refuse(&self) -> Result<()> {
        within("restarts", self.restarts, 1..=1000)?;
        within("passes", self.passes, 1..=100_000)
    }
}

impl WeightMatching {
    /// The nearest of all starts, and the distance that each led to.
    pub(super) fn nearest(&self, pair: &Pair) -> Result<(Descent, Vec<f64>)> {
        let symmetry = pair.network().symmetry();
        let matcher = Matcher::new(symmetry);
        let (a, b) = (pair.a.theta, pair.b.theta);
        let from = |start: usize| -> Result<Descent> {
            let first = match start {
                0 => symmetry.identity(),
                1 => matcher.front_to_back(a, b)?,
                _ => symmetry.random(pair.streams, start as u64),
            };
            let mut rng = pair.streams.stream("alignment/weights", start as u64);
            matcher.descend(a, b, first, self.passes, &mut rng)
        };
        let descents: Vec<Descent> = parallel::try_map(self.restarts, &from)?;
        let starts: Vec<f64> = descents.iter().map(Descent::distance).collect();
        let best = descents.into_iter().min_by(|x, y| x.distance().total_cmp(&y.distance()));
        best.map(|best| (best, starts)).ok_or_else(|| Error::expected("restarts", "at least 1", 0))
    }
}

impl Align for WeightMatching {
    fn words(&self) -> &'static str {
        "weight matching"
    }

    fn align(&self, pair: &Pair, observe: &dyn Fn(usize, usize)) -> Result<Aligned> {
        observe(0, 1);
        let (best, starts) = self.nearest(pair)?;
        observe(1, 1);
        let status = if best.converged { "no group gains" } else { "passes ran out" };
        let mut aligned = Aligned::new(pair, best.permutation, best.distances.len() - 1, status);
        aligned.facts.gains = best.distances.windows(2).map(|d| d[0] - d[1]).collect();
        aligned.facts.starts = starts;
        Ok(aligned)
    }
}
