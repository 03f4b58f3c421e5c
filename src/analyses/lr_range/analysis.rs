//! `lr-range` as an analysis: what it is of, what it costs, and what it reports.

use super::{LrRange, LrRangeResult, LrRangeSettings, discard, run, short};
use crate::analyses::analysis::{Analysis, Needs, Networks, Record, Work};
use crate::base::{Error, Result};
use crate::train::TrainSettings;
use crate::train::settings::BATCH;
use std::path::Path;

impl Analysis for LrRangeSettings {
    const NAME: &'static str = "lr-range";
    const ABOUT: &'static str =
        "Learning-rate range test: loss against a growing rate, and a rate to train with";
    const SUMMARY: &'static str =
        "the range of rates at which each network trains, and one that is suggested";
    const EXAMPLES: &'static str = "Examples:
  losscape lr-range                                        the default network on handwritten digits
  losscape lr-range --hidden 64,64 --momentum 0 --lr-max 100 --out out/plain-sgd
  losscape lr-range --steps 500 --rule tenth               more steps; a tenth of where the loss blows up

Takes the flags of `losscape train`, except those that the test sets itself (rate, schedule, epochs). The rate grows
by a constant ratio from --lr-min to --lr-max, one step a rate, and the test ends where the loss has blown up.

Writes lr-range.json (the suggested rate and both rules), lr-range.npz (rate, loss, smoothed_loss), lr-range.png and
.svg. A rule that finds no rate is exit code 3.";
    const SETTINGS: &'static str = include_str!("../../../analyses/settings/lr-range.toml");
    const QUICK: &'static [(&'static str, &'static str)] = &[("steps", "10")];
    type Record = LrRangeResult;

    fn needs() -> Needs {
        Needs::Training(Box::default())
    }

    fn validate(&self, _: usize, training: &TrainSettings) -> Result<()> {
        self.check(training)
    }

    fn forwards(&self, _: usize, (train, _): (f64, f64)) -> f64 {
        3.0 * if self.steps == 0 { train } else { (self.steps * BATCH) as f64 }
    }

    fn looks_at_end(&self) -> bool {
        false
    }

    fn run(&self, of: Networks, work: &Work) -> Result<Option<LrRangeResult>> {
        // The test sets rates and steps itself.
        let plain = TrainSettings::default();
        let training = TrainSettings {
            lr: None,
            schedule: plain.schedule,
            warmup: plain.warmup,
            epochs: plain.epochs,
            target_loss: None,
            target_gradient: None,
            best: plain.best,
            ema: None,
            swa: None,
            snapshots: None,
            probe: None,
            probe_samples: None,
            ..of.first_training()?.clone()
        };
        run(self, &training, work.directory(), work.observe).map(Some)
    }

    fn discard(directory: &Path) -> Result<()> {
        discard(directory)
    }

    fn load(directory: &Path) -> Result<LrRangeResult> {
        LrRangeResult::load(directory)
    }
}

impl Record for LrRangeResult {
    fn report(&self) -> String {
        summary(self)
    }

    fn unmet(&self) -> Option<Error> {
        self.numbers.suggested.rate.is_none().then(|| Error::unmet("lr-range", &self.numbers.status))
    }
}

fn summary(result: &LrRangeResult) -> String {
    let LrRange { title, suggested, steepest, blown_up_at, tenth, .. } = &result.numbers;
    let rate = |x: &Option<f64>| x.map_or("none".to_owned(), short);
    format!(
        "{title}
  suggested      {}
  steepest       {}
  blown up at    {}, a tenth of it {}
",
        rate(&suggested.rate),
        rate(steepest),
        rate(blown_up_at),
        rate(tenth),
    )
}
