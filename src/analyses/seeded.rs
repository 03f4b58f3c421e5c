//! Networks that a pass trains itself: of the same settings, with one seed after the other, each to its last step.

use crate::base::{Error, Result};
use crate::train::TrainSettings;

/// Most seeds.
pub(super) const MOST: usize = 1000;

/// Settings of the run of number `run`.
pub(super) fn of_run(training: &TrainSettings, run: usize) -> TrainSettings {
    TrainSettings { seed: training.seed.wrapping_add(run as u64), ..training.clone() }
}

/// Refuses numbers that make no sense, and settings of training that have no part in where its last step ends.
pub(super) fn check(training: &TrainSettings, seeds: usize) -> Result<()> {
    if !(1..=MOST).contains(&seeds) {
        return Err(Error::expected("--seeds", format!("1 to {MOST}"), seeds));
    }
    if training.seed > i64::MAX as u64 - MOST as u64 {
        let expected = format!("at most {}", i64::MAX as u64 - MOST as u64);
        return Err(Error::expected("--seed", expected, training.seed));
    }
    if training.epochs == 0 {
        return Err(Error::expected("--epochs", "at least 1", 0));
    }
    if let Some(flag) = training.beside() {
        return Err(Error::expected(
            flag,
            "none: networks are trained to the last step, and compared there",
            "one",
        ));
    }
    training.check()
}
