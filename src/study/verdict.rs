//! What a claim expects of the measured numbers, and whether it came out so.
//!
//! An effect is one number: a statistic of a measure over cases and seeds, or the difference or ratio of two. Its interval
//! is a percentile bootstrap over seeds (Efron 1979): the seeds are drawn with replacement, the same ones for both sides,
//! since equal seeds share data order and start. The claim holds where the whole interval lies on its side of the
//! threshold, does not hold where it lies on the other, and is undecided between, or with one seed, which has no spread.

use super::axis::{Axis, Combination, Where, chosen, is_chosen};
use crate::base::registry::unknown;
use crate::base::statistics::quantile;
use crate::base::{Error, Result, Streams};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What sums up the numbers of several cases and seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statistic {
    /// Their mean.
    #[default]
    Mean,
    /// Their median.
    Median,
    /// The least.
    Min,
    /// The largest.
    Max,
    /// Spearman's rank correlation with where the case stands on the axis `against`.
    RankCorrelation,
    /// Slope of the least-squares line over the axis `against`.
    Slope,
    /// The same over logarithms of both: the exponent of a power law.
    LogSlope,
}

impl Statistic {
    /// Whether it goes along an axis.
    fn along(self) -> bool {
        matches!(self, Self::RankCorrelation | Self::Slope | Self::LogSlope)
    }
}

/// One side of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Side {
    /// Name of a measure.
    pub measure: String,
    /// Of which cases; all if empty.
    #[serde(rename = "where")]
    pub condition: Where,
    /// What sums them up.
    pub statistic: Statistic,
    /// The axis that a trend goes along.
    pub against: String,
}

/// How two sides are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Left minus right.
    #[default]
    Difference,
    /// Left over right.
    Ratio,
}

/// What a claim expects, as a recipe writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expectation {
    /// In words.
    pub that: String,
    /// What is compared.
    pub left: Side,
    /// With what; the left side alone is the effect if there is none.
    pub right: Option<Side>,
    /// How.
    pub effect: Effect,
    /// The effect is expected to lie below this,
    pub below: Option<f64>,
    /// or above this.
    pub above: Option<f64>,
}

/// How a claim came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The whole interval lies on the expected side.
    Holds,
    /// It lies on the other.
    DoesNotHold,
    /// The threshold lies in it, or there is none.
    Undecided,
}

impl Verdict {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::Undecided => "undecided",
        }
    }

    /// Of several: holds where all do, not where one does not.
    pub fn all(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().fold(Self::Holds, |all, one| match (all, one) {
            (Self::DoesNotHold, _) | (_, Self::DoesNotHold) => Self::DoesNotHold,
            (Self::Undecided, _) | (_, Self::Undecided) => Self::Undecided,
            _ => Self::Holds,
        })
    }
}

/// A claim's outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What was expected, in words.
    pub that: String,
    /// The effect over all seeds; null in files where it is no number.
    #[serde(deserialize_with = "crate::base::files::null_is_nan")]
    pub effect: f64,
    /// 95 % of the bootstrap's effects.
    pub interval: Option<[f64; 2]>,
    /// `below` or `above`, and the threshold.
    pub expected: (String, f64),
    /// How it came out.
    pub verdict: Verdict,
    /// Why it is undecided, or what else has to be known.
    pub status: String,
}

/// Measured numbers: `values[case][seed]` of one measure.
pub type Table = Vec<Vec<f64>>;

/// Draws of the bootstrap.
const DRAWS: usize = 2000;

impl Expectation {
    /// Refuses what names no measure, axis or point.
    pub fn check(&self, at: &str, axes: &[Axis], measures: &[&str]) -> Result<()> {
        if self.that.is_empty() {
            return Err(Error::expected(at, "what is expected, in words, as `that`", "none"));
        }
        match (self.below, self.above) {
            (Some(x), None) | (None, Some(x)) if x.is_finite() => {}
            _ => return Err(Error::expected(at, "a threshold, as `below` or `above`", "none or both")),
        }
        for side in [Some(&self.left), self.right.as_ref()].into_iter().flatten() {
            if !measures.contains(&side.measure.as_str()) {
                return Err(unknown(&format!("{at}: measure"), &side.measure, measures.iter().copied()));
            }
            super::axis::check(at, axes, &side.condition)?;
            let numeric = || axes.iter().filter(|a| a.is_numeric()).map(|a| a.name.as_str());
            match (side.statistic.along(), side.against.is_empty()) {
                (true, _) if !numeric().any(|name| name == side.against) => {
                    return Err(unknown(&format!("{at}: against"), &side.against, numeric()));
                }
                (false, false) => {
                    let expected = "none without a rank-correlation, slope or log-slope";
                    return Err(Error::expected(format!("{at}: against"), expected, &side.against));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether there are cases on all sides: a smaller scale may have left them out.
    pub fn is_open(&self, axes: &[Axis], cases: &[Combination]) -> bool {
        let some = |side: &Side| {
            let chosen = chosen(axes, &side.condition);
            cases.iter().any(|case| is_chosen(&chosen, case))
        };
        some(&self.left) && self.right.as_ref().is_none_or(some)
    }

    /// Judges it: `table` gives the numbers of a measure.
    pub fn judge<'t>(
        &self,
        index: usize,
        axes: &[Axis],
        cases: &[Combination],
        table: &dyn Fn(&str) -> &'t Table,
    ) -> Outcome {
        let side = |side: &Side| -> Sample<'t> {
            let chosen = chosen(axes, &side.condition);
            let axis = axes.iter().position(|a| a.name == side.against);
            let position = |case: &Combination| axis.map_or(f64::NAN, |a| axes[a].places[case[a]].at);
            let rows = cases.iter().zip(table(&side.measure)).filter(|(case, _)| is_chosen(&chosen, case));
            let rows = rows.map(|(case, row)| (position(case), row.as_slice())).collect();
            Sample { rows, statistic: side.statistic }
        };
        let (left, right) = (side(&self.left), self.right.as_ref().map(side));
        let effect = |seeds: &[usize]| {
            let left = left.value(seeds);
            match (&right, self.effect) {
                (None, _) => left,
                (Some(right), Effect::Difference) => left - right.value(seeds),
                (Some(right), Effect::Ratio) => left / right.value(seeds),
            }
        };
        let count =
            left.rows.first().or(right.as_ref().and_then(|r| r.rows.first())).map_or(0, |row| row.1.len());
        let all: Vec<usize> = (0..count).collect();
        let value = effect(&all);
        let lost = left.lost() + right.as_ref().map_or(0, Sample::lost);
        let mut status = match lost {
            0 => String::new(),
            n => format!("{n} numbers are not finite and left out"),
        };
        let interval = (count > 1 && value.is_finite()).then(|| {
            let mut rng = Streams::new(0).stream("study/bootstrap", index as u64);
            let mut effects: Vec<f64> = (0..DRAWS)
                .map(|_| effect(&(0..count).map(|_| rng.random_range(0..count)).collect::<Vec<_>>()))
                .filter(|x| x.is_finite())
                .collect();
            effects.sort_by(f64::total_cmp);
            [quantile(&effects, 0.025), quantile(&effects, 0.975)]
        });
        let expected = match (self.below, self.above) {
            (Some(x), _) => ("below".to_owned(), x),
            (_, x) => ("above".to_owned(), x.unwrap_or(f64::NAN)),
        };
        // In the expected direction: how far beyond the threshold.
        let beyond = |x: f64| if self.below.is_some() { expected.1 - x } else { x - expected.1 };
        let verdict = match interval {
            Some(ends) if ends.iter().all(|x| beyond(*x) > 0.0) => Verdict::Holds,
            Some(ends) if ends.iter().all(|x| beyond(*x) <= 0.0) => Verdict::DoesNotHold,
            Some(_) => Verdict::Undecided,
            None => {
                let why =
                    if value.is_finite() { "one seed has no spread" } else { "the effect is no number" };
                status = [status, why.to_owned()]
                    .into_iter()
                    .filter(|s| !s.is_empty())
                    .collect::<Vec<_>>()
                    .join("; ");
                Verdict::Undecided
            }
        };
        Outcome { that: self.that.clone(), effect: value, interval, expected, verdict, status }
    }

    /// The comparison as a formula in words.
    pub fn words(&self) -> String {
        let side = |side: &Side| {
            let statistic = to_word(&side.statistic);
            let along =
                if side.against.is_empty() { String::new() } else { format!(" with {}", side.against) };
            let cases: Vec<String> = side.condition.iter().map(|(k, v)| format!("{k} = {v}")).collect();
            let of = if cases.is_empty() { String::new() } else { format!(" at {}", cases.join(", ")) };
            format!("{statistic} of {}{along}{of}", side.measure)
        };
        let left = side(&self.left);
        match (&self.right, self.effect) {
            (None, _) => left,
            (Some(right), Effect::Difference) => format!("{left} - {}", side(right)),
            (Some(right), Effect::Ratio) => format!("{left} / {}", side(right)),
        }
    }
}

/// As recipes write it.
fn to_word(of: &impl Serialize) -> String {
    let value = serde_json::to_value(of).unwrap_or_default();
    value.as_str().unwrap_or_default().replace('-', " ")
}

/// What one side sums up: for each case where it stands and its numbers, a seed each.
struct Sample<'t> {
    rows: Vec<(f64, &'t [f64])>,
    statistic: Statistic,
}

impl Sample<'_> {
    /// Numbers that are none.
    fn lost(&self) -> usize {
        self.rows.iter().flat_map(|row| row.1).filter(|x| !x.is_finite()).count()
    }

    /// The statistic over these seeds.
    fn value(&self, seeds: &[usize]) -> f64 {
        let all = self.rows.iter().flat_map(|(x, row)| seeds.iter().map(|s| (*x, row[*s])));
        let all: Vec<(f64, f64)> = all.filter(|(_, y)| y.is_finite()).collect();
        if all.is_empty() {
            return f64::NAN;
        }
        let mut y: Vec<f64> = all.iter().map(|p| p.1).collect();
        match self.statistic {
            Statistic::Mean => crate::base::statistics::mean(&y).0,
            Statistic::Median => {
                y.sort_by(f64::total_cmp);
                quantile(&y, 0.5)
            }
            Statistic::Min => y.iter().copied().fold(f64::INFINITY, f64::min),
            Statistic::Max => y.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Statistic::RankCorrelation => {
                let x: Vec<f64> = all.iter().map(|p| p.0).collect();
                let (x, y) = (ranks(&x), ranks(&y));
                let (cov, var_x, var_y) = moments(&x, &y);
                cov / (var_x * var_y).sqrt()
            }
            Statistic::Slope | Statistic::LogSlope => {
                let of = |x: f64| if self.statistic == Statistic::Slope { x } else { x.ln() };
                let all: Vec<(f64, f64)> = all.iter().map(|p| (of(p.0), of(p.1))).collect();
                let finite = all.iter().filter(|p| p.0.is_finite() && p.1.is_finite());
                let (x, y): (Vec<f64>, Vec<f64>) = finite.copied().unzip();
                let (cov, var, _) = moments(&x, &y);
                cov / var
            }
        }
    }
}

/// Sums of products and squares around the means.
fn moments(x: &[f64], y: &[f64]) -> (f64, f64, f64) {
    let n = x.len() as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let (mx, my) = (mean(x), mean(y));
    let sum = |of: &dyn Fn(f64, f64) -> f64| x.iter().zip(y).map(|(a, b)| of(a - mx, b - my)).sum::<f64>();
    (sum(&|a, b| a * b), sum(&|a, _| a * a), sum(&|_, b| b * b))
}

/// Ranks from 1, ties shared.
fn ranks(x: &[f64]) -> Vec<f64> {
    let below = |v: f64| x.iter().filter(|o| **o < v).count() as f64;
    let same = |v: f64| x.iter().filter(|o| **o == v).count() as f64;
    x.iter().map(|v| below(*v) + 0.5 * (same(*v) + 1.0)).collect()
}

/// An outcome as a result records it.
pub fn record(outcome: &Outcome, expectation: &Expectation) -> Value {
    let number = |x: f64| if x.is_finite() { json!(x) } else { Value::Null };
    json!({
        "that": outcome.that,
        "compared": expectation.words(),
        "effect": number(outcome.effect),
        "interval": outcome.interval.map(|ends| ends.map(number)),
        "expected": { outcome.expected.0.clone(): outcome.expected.1 },
        "verdict": outcome.verdict,
        "status": if outcome.status.is_empty() { "computed" } else { &outcome.status },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::axis::{Place, combinations};

    fn axes() -> Vec<Axis> {
        let place = |x: f64| Place { name: x.to_string(), at: x, changes: Vec::new() };
        let places = [1.0, 10.0, 100.0].map(place).to_vec();
        vec![Axis { name: "width".to_owned(), label: String::new(), places, scale: Default::default() }]
    }

    fn judged(text: &str, table: &Table) -> Result<Outcome> {
        let expectation: Expectation = toml::from_str(text).map_err(|e| Error::value("t", e.message()))?;
        let axes = axes();
        expectation.check("t", &axes, &["y"])?;
        Ok(expectation.judge(0, &axes, &combinations(&axes), &|_| table))
    }

    #[test]
    fn effects_are_those_found_by_hand() -> Result<()> {
        // y = 2 x^-1/2, with a little spread that the seeds share between the widths.
        let row = |x: f64| [0.98, 1.0, 1.02].map(|s| 2.0 * s / x.sqrt()).to_vec();
        let table: Table = [1.0, 10.0, 100.0].map(row).to_vec();
        let found = judged(
            "that = 'a'\nabove = 5\neffect = 'ratio'\nleft = {measure = 'y', where = {width = 1}}\n\
             right = {measure = 'y', where = {width = 100}}",
            &table,
        )?;
        // Shared by both sides, the spread is gone.
        assert!((found.effect - 10.0).abs() < 1e-12, "{found:?}");
        let ends = found.interval.unwrap_or_default();
        assert!(ends.iter().all(|x| (x - 10.0).abs() < 1e-9), "{ends:?}");
        assert_eq!(found.verdict, Verdict::Holds);
        let found = judged(
            "that = 'a'\nbelow = -0.4\nleft = {measure = 'y', statistic = 'log-slope', against = 'width'}",
            &table,
        )?;
        assert!((found.effect + 0.5).abs() < 1e-12 && found.verdict == Verdict::Holds, "{found:?}");
        let found = judged(
            "that = 'a'\nabove = 0\nleft = {measure = 'y', statistic = 'rank-correlation', against = 'width'}",
            &table,
        )?;
        assert!(found.effect < -0.9 && found.verdict == Verdict::DoesNotHold, "{found:?}");
        let found = judged("that = 'a'\nbelow = 2\nleft = {measure = 'y', where = {width = 1}}", &table)?;
        assert_eq!((found.effect, found.verdict), (2.0, Verdict::Undecided));
        Ok(())
    }

    #[test]
    fn one_seed_and_no_number_decide_nothing() -> Result<()> {
        let text = "that = 'a'\nbelow = 100\nleft = {measure = 'y'}";
        let one = judged(text, &vec![vec![1.0]; 3])?;
        assert_eq!((one.effect, one.verdict), (1.0, Verdict::Undecided));
        assert!(one.status.contains("one seed"), "{one:?}");
        let none = judged(text, &vec![vec![f64::NAN; 4]; 3])?;
        assert_eq!(none.verdict, Verdict::Undecided);
        let some = judged(text, &vec![vec![1.0, f64::NAN, 1.0]; 3])?;
        assert_eq!((some.effect, some.verdict), (1.0, Verdict::Holds));
        assert!(some.status.contains("3 numbers"), "{some:?}");
        Ok(())
    }

    #[test]
    fn what_is_not_there_is_answered_with_the_near_miss() {
        let message = |text: &str| judged(text, &Vec::new()).err().map(|e| e.to_string()).unwrap_or_default();
        let found = message("that = 'a'\nbelow = 1\nleft = {measure = 'y', where = {widht = 1}}");
        assert!(found.contains("did you mean `width`"), "{found}");
        let found = message("that = 'a'\nbelow = 1\nleft = {measure = 'yy'}");
        assert!(found.contains("measure: expected one of y"), "{found}");
        assert!(message("that = 'a'\nleft = {measure = 'y'}").contains("threshold"));
    }

    #[test]
    fn ties_share_their_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        use Verdict::*;
        assert_eq!(Verdict::all([Holds, Undecided, DoesNotHold]), DoesNotHold);
        assert_eq!((Verdict::all([Holds, Undecided]), Verdict::all([Holds])), (Undecided, Holds));
    }
}
