//! What several seeds have in common: medians and quartiles, as numbers and as curves.

use crate::base::json;
use crate::base::statistics::quantile;
use crate::figure::{Series, Style};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The finite ones of `values`, ascending.
pub(super) fn ascending(values: &[f64]) -> Vec<f64> {
    let mut finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
    finite.sort_by(f64::total_cmp);
    finite
}

/// What several seeds have in common. What is not finite is left out of median and quartiles, and told of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverSeeds {
    /// The median; NaN where no value is finite.
    #[serde(deserialize_with = "json::number")]
    pub median: f64,
    /// The lower and the upper quartile.
    #[serde(deserialize_with = "json::pair")]
    pub quartiles: [f64; 2],
    /// Every seed's value.
    #[serde(deserialize_with = "json::numbers")]
    pub seeds: Vec<f64>,
    /// "computed", or over how many seeds.
    pub status: String,
}

impl OverSeeds {
    /// Of a value for each seed.
    pub(super) fn of(values: &[f64]) -> Self {
        let finite = ascending(values);
        Self {
            median: quantile(&finite, 0.5),
            quartiles: [quantile(&finite, 0.25), quantile(&finite, 0.75)],
            seeds: values.to_vec(),
            status: match finite.len() {
                n if n == values.len() => "computed".to_owned(),
                n => format!("over the {n} of {} seeds whose value is finite", values.len()),
            },
        }
    }

    /// Whether every seed has a value.
    pub fn is_whole(&self) -> bool {
        self.seeds.iter().all(|x| x.is_finite())
    }
}

/// As a member of a result.
pub(super) fn summed(values: &[f64]) -> Value {
    json!(OverSeeds::of(values))
}

/// The median of each row of `values` over its seeds, with quartiles, and a dot for every number; a row for each of `x`.
pub(super) fn median(label: &str, x: &[f64], values: &[f64]) -> Vec<Series> {
    let each = values.len() / x.len().max(1);
    let rows: Vec<Vec<f64>> = values.chunks(each.max(1)).map(ascending).collect();
    if rows.iter().all(Vec::is_empty) {
        return Vec::new();
    }
    let at = |q: f64| rows.iter().map(|row| quantile(row, q)).collect::<Vec<f64>>();
    let dots = || x.iter().zip(&rows).flat_map(|(x, row)| row.iter().map(move |y| (*x, *y)));
    let line = Series {
        label: label.to_owned(),
        x: x.to_vec(),
        y: at(0.5),
        band: Some((at(0.25), at(0.75))),
        style: Style::Line,
    };
    let dots = Series {
        label: label.to_owned(),
        x: dots().map(|d| d.0).collect(),
        y: dots().map(|d| d.1).collect(),
        band: None,
        style: Style::Dots,
    };
    vec![line, dots]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_left_out() {
        assert_eq!(ascending(&[2.0, f64::NAN, 1.0, f64::INFINITY]), [1.0, 2.0]);
        let all = summed(&[3.0, f64::NAN, 1.0]);
        assert_eq!((&all["median"], &all["seeds"]), (&json!(2.0), &json!([3.0, null, 1.0])));
        assert_eq!(all["status"], "over the 2 of 3 seeds whose value is finite");
    }
}
