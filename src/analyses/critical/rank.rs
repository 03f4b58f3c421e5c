//! Spearman's rank correlation with an interval.

use crate::base::Streams;
use rand::RngExt;
use serde::Serialize;

/// A rank correlation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Correlation {
    /// Spearman's rho: Pearson's correlation of the ranks, equal values sharing the mean of theirs.
    pub value: Option<f64>,
    /// Percentile bootstrap (Efron 1979), 95 %: resampled points, 2000 times.
    pub interval: Option<[f64; 2]>,
    /// Points.
    pub points: usize,
    /// Why a number is missing, or "computed".
    pub status: String,
}

/// Resamples of the bootstrap: a tail of 50 on each side.
const RESAMPLES: usize = 2000;
/// Points below which resamples say nothing.
const FEWEST: usize = 8;

/// Ranks from 1, equal values with the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for same in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = below as f64 + (same.len() + 1) as f64 / 2.0;
        same.iter().for_each(|i| ranks[*i] = rank);
        below += same.len();
    }
    ranks
}

/// Spearman's rho; none where there are fewer than two points, or all are equal in one of the two.
fn rho(x: &[f64], y: &[f64]) -> Option<f64> {
    let mean = (x.len() + 1) as f64 / 2.0;
    let (a, b) = (ranks(x), ranks(y));
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let squares = sum(&a, &a) * sum(&b, &b);
    (squares > 0.0).then(|| sum(&a, &b) / squares.sqrt())
}

/// The rank correlation of x and y, which are finite.
pub fn spearman(x: &[f64], y: &[f64], streams: &Streams) -> Correlation {
    let (n, value) = (x.len(), rho(x, y));
    let mut rng = streams.stream("critical/bootstrap", 0);
    let mut all = Vec::new();
    if value.is_some() && n >= FEWEST {
        for _ in 0..RESAMPLES {
            let drawn: Vec<usize> = (0..n).map(|_| rng.random_range(0..n)).collect();
            let of = |v: &[f64]| drawn.iter().map(|i| v[*i]).collect::<Vec<f64>>();
            all.extend(rho(&of(x), &of(y)));
        }
        all.sort_by(f64::total_cmp);
    }
    // Resamples without a correlation of their own (all points equal) are no part of it.
    let interval = (all.len() > RESAMPLES / 2)
        .then(|| [0.025, 0.975].map(|q| crate::base::statistics::quantile(&all, q)));
    let status = match (value, interval) {
        (None, _) => "losses or indices do not differ".to_owned(),
        (_, None) => format!("no interval from fewer than {FEWEST} points that differ"),
        _ => "computed".to_owned(),
    };
    Correlation { value, interval, points: n, status }
}
