//! The Metropolis-adjusted Langevin algorithm: see [`chain`](super::chain).

use super::chain::{Chain, Potential};
use super::{Plan, Sample};
use crate::base::random::Rng;
use crate::base::{Error, Result};

crate::kind! {
    /// Langevin proposals with a Metropolis step, adapted while burning in.
    Mala = "mala",
        "Langevin proposals with a Metropolis step, whose size is adapted while burning in (Roberts and Tweedie 1996)";
    /// Chains.
    chains: usize = 4, // Vehtari et al. 2021: at least four
    /// Steps of each chain that adapt its step size and count for nothing.
    burn_in: usize = 500,
    /// Steps of each chain that count.
    draws: usize = 1500,
    /// Strength of the pull towards w*: its prior has the variance 1 / gamma.
    gamma: f64 = 100.0, // Lau 2023: a tenth a weight
    /// Level of the interval.
    level: f64 = 0.95,
    /// Largest split R-hat of chains that agree.
    rhat: f64 = 1.05, // Gelman et al. 2013 ask for 1.1, Vehtari et al. 2021 for 1.01
    /// Fewest effective draws of all chains together.
    ess: f64 = 100.0,
}

impl Mala {
    fn refuse(&self) -> Result<()> {
        let count = |name: &str, n: usize, least: usize, most: usize| match n {
            n if (least..=most).contains(&n) => Ok(()),
            n => Err(Error::expected(name, format!("{least} to {most}"), n)),
        };
        count("chains", self.chains, 2, 1000)?;
        count("burn-in", self.burn_in, 2, 10_000_000)?;
        // Halves of which something can be told.
        count("draws", self.draws, 8, 10_000_000)?;
        if !(self.gamma >= 0.0 && self.gamma.is_finite()) {
            return Err(Error::expected("gamma", "a finite number of at least 0", self.gamma));
        }
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(Error::expected("level", "a number between 0 and 1", self.level));
        }
        if !(self.rhat > 1.0 && self.rhat.is_finite()) {
            return Err(Error::expected("rhat", "a number above 1", self.rhat));
        }
        if !(self.ess >= 0.0 && self.ess.is_finite()) {
            return Err(Error::expected("ess", "a finite number of at least 0", self.ess));
        }
        Ok(())
    }
}

impl Sample for Mala {
    fn plan(&self) -> Plan {
        let Self { chains, burn_in, draws, gamma, level, rhat, ess } = *self;
        Plan { chains, burn_in, draws, gamma, level, rhat, ess }
    }

    fn advance(
        &self,
        chain: &mut Chain,
        count: usize,
        potential: Potential,
        rng: &mut Rng,
        done: &(dyn Fn() + Sync),
    ) -> Result<[Vec<f64>; 2]> {
        chain.advance(count, self.burn_in as u64, potential, rng, done)
    }
}
