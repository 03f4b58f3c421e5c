//! The learning-rate range test as a pass: a curve of the loss against the rate, and a rate suggested by a stated
//! rule (Smith 2017, arXiv 1506.01186; the test itself stands in `train::range_test`).
//!
//! The smoothed loss is a mean over neighbouring steps with Gaussian weights, centred, so that it does not lag behind
//! the rate as a running average does. Two rules:
//!
//! - `steepest`: the rate where the smoothed loss falls fastest against the logarithm of the rate, before its minimum
//!   (Howard and Gugger 2020, fastai's "steep");
//! - `tenth`: one tenth of the rate at which the loss has blown up.

mod analysis;

use super::progress::{Observe, Progress};
use super::record::Samples;
use super::stored::Arrays;
use super::training::{batches, extras, unit};
use super::{DataSettings, Numbers, Outcome};
use crate::base::npz::Npz;
use crate::base::pool::on_workers;
use crate::base::{Error, Result, files};
use crate::figure::{Axis, Figure, Mark, Panel, Scale, Series, Style};
use crate::train::Keep;
use crate::train::range_test::{BLOWN_UP, Rates, Swept, WINDOW};
use crate::train::{TrainSettings, chosen, network};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// How a rate is suggested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Where the smoothed loss falls fastest
    #[default]
    Steepest,
    /// A tenth of the rate at which the loss has blown up
    Tenth,
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::Steepest { "steepest" } else { "tenth" })
    }
}

/// Settings of a range test, beside those of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LrRangeSettings {
    /// First rate
    #[arg(long, value_name = "RATE", default_value_t = LrRangeSettings::default().lr_min)]
    pub lr_min: f64,
    /// Last rate, if the loss lasts so long
    #[arg(long, value_name = "RATE", default_value_t = LrRangeSettings::default().lr_max)]
    pub lr_max: f64,
    /// Steps from the first to the last rate; 0 for one epoch
    #[arg(long, value_name = "N", default_value_t = LrRangeSettings::default().steps)]
    pub steps: usize,
    /// Width of the smoothing: standard deviation of its weights, as a share of the steps
    #[arg(long, value_name = "SHARE", default_value_t = LrRangeSettings::default().smoothing)]
    pub smoothing: f64,
    /// Which rate is suggested
    #[arg(long, value_name = "RULE", default_value_t = LrRangeSettings::default().rule)]
    pub rule: Rule,
}

impl Default for LrRangeSettings {
    fn default() -> Self {
        // Rates and steps of fastai's lr_find. Three of a hundred steps smooth out mini-batches, and little else.
        Self { lr_min: 1e-7, lr_max: 10.0, steps: 100, smoothing: 0.03, rule: Rule::Steepest }
    }
}

impl LrRangeSettings {
    /// Refuses numbers that make no sense, and settings of training that the test replaces by its own.
    pub fn check(&self, train: &TrainSettings) -> Result<()> {
        for (flag, rate) in [("--lr-min", self.lr_min), ("--lr-max", self.lr_max)] {
            if !(rate > 0.0 && rate.is_finite()) {
                return Err(Error::expected(flag, "a finite number above 0", rate));
            }
        }
        if self.lr_min >= self.lr_max {
            return Err(Error::expected(
                "--lr-min",
                format!("a rate below --lr-max = {}", self.lr_max),
                self.lr_min,
            ));
        }
        const MOST: usize = 10_000_000;
        if self.steps > MOST || (1..10).contains(&self.steps) {
            return Err(Error::expected("--steps", format!("10 to {MOST}, or 0"), self.steps));
        }
        if !(0.0..=0.5).contains(&self.smoothing) {
            return Err(Error::expected("--smoothing", "0 to 0.5", self.smoothing));
        }
        if train.optimizer.search().is_some() {
            return Err(Error::expected("--optimizer", "one that takes a rate", &train.optimizer));
        }
        let plain = TrainSettings::default();
        let idle = [
            ("--lr", train.lr.is_some()),
            ("--schedule", train.schedule != plain.schedule),
            ("--warmup", train.warmup != plain.warmup),
            ("--epochs", train.epochs != plain.epochs),
        ];
        match idle.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag).or(train.beside()) {
            Some(flag) => {
                Err(Error::expected(flag, "none: the range test sets rates and steps itself", "one"))
            }
            None => Ok(()),
        }
    }
}

/// A finished range test.
pub type LrRangeResult = Outcome<LrRange>;

/// The numbers of a range test, as `lr-range.json` has them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LrRange {
    /// "done", or why no rate is suggested.
    pub status: String,
    /// Network and data in one line.
    pub title: String,
    /// What was asked for.
    pub settings: LrRangeSettings,
    /// How the network was trained, but for rates and steps.
    pub train: TrainSettings,
    /// Seed of initial weights and sample order.
    pub seed: u64,
    /// The data.
    pub data: DataSettings,
    data_sha256: String,
    /// How many samples there are.
    pub samples: Samples,
    /// How many parameters the network has.
    pub parameters: usize,
    /// Steps that were made, a rate each.
    pub steps: usize,
    /// Steps of an epoch.
    pub steps_per_epoch: usize,
    /// The rate that the rule suggests.
    pub suggested: Suggested,
    /// Where the smoothed loss falls fastest.
    pub steepest: Option<f64>,
    /// A tenth of where the loss has blown up.
    pub tenth: Option<f64>,
    /// Where the loss has blown up.
    pub blown_up_at: Option<f64>,
    /// What that means, or that it never has.
    pub blown_up_status: String,
}

/// A rate to train with.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Suggested {
    /// The rate, if the rule finds one.
    pub rate: Option<f64>,
    /// The rule.
    pub rule: Rule,
}

/// Means over neighbours with Gaussian weights of standard deviation `sd` (in points; 0 for none), centred; non-finite
/// numbers are left out.
pub fn smoothed(y: &[f64], sd: f64) -> Vec<f64> {
    let reach = (4.0 * sd).ceil() as usize;
    let weight = |d: f64| if sd > 0.0 { (-0.5 * (d / sd).powi(2)).exp() } else { 1.0 };
    let at = |i: usize| {
        let near = i.saturating_sub(reach)..(i + reach + 1).min(y.len());
        let parts = near.filter(|j| y[*j].is_finite()).map(|j| (weight(i as f64 - j as f64), y[j]));
        let (sum, all) = parts.fold((0.0, 0.0), |(s, a), (w, y)| (s + w * y, a + w));
        sum / all
    };
    (0..y.len()).map(at).collect()
}

/// Index of the steepest descent before the minimum: least (s[i + 1] - s[i - 1]) / 2; none where nothing falls.
pub fn steepest(smoothed: &[f64]) -> Option<usize> {
    let lowest = (0..smoothed.len()).min_by(|a, b| smoothed[*a].total_cmp(&smoothed[*b]))?;
    let slope = |i: &usize| smoothed[i + 1] - smoothed[i - 1];
    let inner = 1..lowest.min(smoothed.len().saturating_sub(1));
    let best = inner.min_by(|a, b| slope(a).total_cmp(&slope(b)))?;
    (slope(&best) < 0.0).then_some(best)
}

/// The checkpoint in a directory.
const CHECKPOINT: &str = "lr-range-checkpoint.safetensors";
/// Longest time between two checkpoints, as training has it.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// Removes what an unfinished test left in a directory.
pub fn discard(directory: &Path) -> Result<()> {
    files::remove(&directory.join(CHECKPOINT))
}

/// Runs a range test; with a directory, an unfinished one is kept in it and taken up again.
pub fn run(
    settings: &LrRangeSettings,
    train: &TrainSettings,
    directory: Option<&Path>,
    observe: Observe,
) -> Result<LrRangeResult> {
    settings.check(train)?;
    train.check()?;
    let (data, dataset) = DataSettings::load(train)?;
    let n = dataset.train.len();
    let network = network(train, &dataset)?;
    let steps = match settings.steps {
        0 => train.batches(n, network.layout()).count().max(10),
        steps => steps,
    };
    let rates = Rates { low: settings.lr_min, high: settings.lr_max, steps };
    let keep = directory.map(|directory| Keep {
        path: directory.join(CHECKPOINT),
        every: CHECKPOINT_EVERY,
        data_sha256: data.sha256.clone(),
    });
    let (low, high) = (short(settings.lr_min), short(settings.lr_max));
    observe(Progress::Says(format!("trying rates {low} to {high} on {}", train.title())));
    observe(Progress::Begins("range test", "steps", steps));
    let mut told = 0;
    let mut heard = |done| {
        observe(Progress::Done((done - told) as f64));
        told = done;
    };
    let swept: Swept = on_workers(|| chosen::sweep(train, &dataset, rates, keep.as_ref(), &mut heard))?;
    let smooth = smoothed(&swept.losses, settings.smoothing * steps as f64);
    let steep = steepest(&smooth).map(|i| swept.rates[i]);
    let blown = if swept.diverged { swept.rates.last().copied() } else { None };
    let tenth = blown.map(|rate| rate / 10.0);
    let (suggested, why) = match settings.rule {
        Rule::Steepest => (steep, "the smoothed loss falls nowhere"),
        Rule::Tenth => (tenth, "the loss never blew up"),
    };
    let numbers = LrRange {
        status: if suggested.is_some() { "done".to_owned() } else { format!("undecided: {why}") },
        title: format!("{} on {}", network.title(), train.data.title()),
        settings: settings.clone(),
        train: train.resolved(),
        seed: train.seed,
        data_sha256: data.sha256.clone(),
        data,
        samples: Samples { train: n, test: dataset.test.len() },
        parameters: network.layout().size(),
        steps: swept.rates.len(),
        steps_per_epoch: swept.steps_per_epoch,
        suggested: Suggested { rate: suggested, rule: settings.rule },
        steepest: steep,
        tenth,
        blown_up_at: blown,
        blown_up_status: if swept.diverged {
            format!(
                "not finite, or the mean of {WINDOW} losses above {BLOWN_UP} times the lowest and above the first"
            )
        } else {
            "never: the last rate was reached".to_owned()
        },
    };
    let mut arrays = Npz::default();
    let count = [swept.rates.len()];
    arrays.push("rate", &count, swept.rates);
    arrays.push("loss", &count, swept.losses);
    arrays.push("smoothed_loss", &count, smooth);
    Ok(Outcome::new(numbers, arrays, Vec::new()))
}

impl Numbers for LrRange {
    const NAME: &'static str = "lr-range";

    fn check(&self, arrays: &Arrays) -> Result<()> {
        let steps = arrays.size("rate");
        ["rate", "loss", "smoothed_loss"].iter().try_for_each(|name| arrays.shaped(name, &[steps]))
    }

    fn figures(result: &LrRangeResult) -> Vec<Figure> {
        let array = |name: &str| result.array(name);
        let (x, raw, smooth) = (array("rate"), array("loss"), array("smoothed_loss"));
        let height = |rate: f64| {
            let near = (0..x.len()).min_by(|a, b| (x[*a] - rate).abs().total_cmp(&(x[*b] - rate).abs()));
            near.map_or(f64::NAN, |i| smooth[i])
        };
        let mut marks = Vec::new();
        let LrRange { train, title, suggested, blown_up_at, .. } = &result.numbers;
        let rule = match suggested.rule {
            Rule::Tenth => "a tenth of where the loss blows up",
            Rule::Steepest => "steepest descent",
        };
        if let Some(rate) = suggested.rate {
            let label = format!("suggested: {} ({rule})", short(rate));
            marks.push(Mark { x: rate, y: height(rate), label });
        }
        if let Some(rate) = *blown_up_at {
            marks.push(Mark { x: rate, y: height(rate), label: format!("blown up: {}", short(rate)) });
        }
        let series = |label: &str, y: Vec<f64>, style: Style| Series {
            label: label.to_owned(),
            x: x.clone(),
            y,
            band: None,
            style,
        };
        let finite = |y: Vec<f64>| y.into_iter().map(|v| if v.is_finite() { v } else { f64::NAN }).collect();
        vec![Figure {
            name: "lr-range".to_owned(),
            chart: "lines".to_owned(),
            title: format!("Learning-rate range test of {title}"),
            subtitle: format!(
                "{}, {}, seed {}{}; one step a rate",
                train.optimizer,
                batches(train),
                train.seed,
                extras(train)
            ),
            panels: vec![Panel {
                x: Axis { label: "learning rate".to_owned(), scale: Scale::Log, range: None },
                y: Axis {
                    label: format!("mini-batch loss: {}", unit(train)),
                    scale: Scale::Auto,
                    range: None,
                },
                series: vec![
                    series("smoothed", finite(smooth.clone()), Style::Line),
                    series("each mini-batch", finite(raw), Style::Faint),
                ],
                marks,
                ..Panel::default()
            }],
        }]
    }
}

/// A rate to two digits.
pub fn short(rate: f64) -> String {
    match rate {
        r if (0.001..1000.0).contains(&r) => {
            let digits = (1 - r.log10().floor() as i32).max(0) as usize;
            format!("{r:.digits$}")
        }
        r => format!("{r:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_lines_and_does_not_lag() {
        let line: Vec<f64> = (0..50).map(f64::from).collect();
        let smooth = smoothed(&line, 3.0);
        // Away from the ends the weights are symmetric.
        assert!((12..38).all(|i| (smooth[i] - line[i]).abs() < 1e-12));
        assert_eq!(smoothed(&line, 0.0), line);
        let bump: Vec<f64> = (0..41).map(|i| if i == 20 { 1.0 } else { 0.0 }).collect();
        let smooth = smoothed(&bump, 2.0);
        let top = (0..41).max_by(|a, b| smooth[*a].total_cmp(&smooth[*b]));
        assert_eq!(top, Some(20));
        assert!(smoothed(&[1.0, f64::NAN, 3.0], 1.0).iter().all(|y| y.is_finite()));
    }

    #[test]
    fn the_steepest_descent_is_where_a_logistic_has_its_middle() {
        // 1 / (1 + exp((i - 30) / 4)) falls fastest at 30; behind the minimum the loss climbs steeply.
        let mut loss: Vec<f64> = (0..60).map(|i| 1.0 / (1.0 + ((f64::from(i) - 30.0) / 4.0).exp())).collect();
        loss.extend([0.5, 2.0, 0.1, 4.0]);
        assert_eq!(steepest(&loss), Some(30));
        assert_eq!(steepest(&[1.0, 2.0, 3.0, 4.0]), None);
        assert_eq!(steepest(&[]), None);
    }
}
