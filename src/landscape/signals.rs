//! What a network's layers put out over samples, chunk by chunk: for those who compare or correct the units of networks.

use crate::autodiff::View;
use crate::nn::{At, MeanLoss};
use std::sync::Mutex;

/// What `see` makes of each chunk of samples, in order: it is shown, for each of `points`, the outputs of the layers at these
/// positions among the network's traces, a channel a row; norms have running statistics.
pub fn each<R: Send>(
    loss: &dyn MeanLoss,
    traces: &[usize],
    points: &[At],
    see: impl Fn(&[Vec<View<f64>>]) -> R + Sync,
) -> Vec<R> {
    let seen = Mutex::new(Vec::new());
    loss.signals(traces, points, &|chunk, views| {
        let made = see(views);
        seen.lock().unwrap_or_else(|e| e.into_inner()).push((chunk, made));
    });
    let mut seen = seen.into_inner().unwrap_or_else(|e| e.into_inner());
    seen.sort_by_key(|(chunk, _)| *chunk);
    seen.into_iter().map(|(_, made)| made).collect()
}

/// Mean and standard deviation of each channel of each layer, over samples and positions.
pub fn moments(loss: &dyn MeanLoss, traces: &[usize], point: At) -> Vec<Vec<(f64, f64)>> {
    // Sums around the first chunk's means lose no digits where means are far from zero.
    let sums = |around: Option<&Vec<Vec<f64>>>| {
        let parts = each(loss, traces, &[point], |views| {
            let of = |(t, view): (usize, &View<f64>)| {
                let mut sums = vec![[0.0; 3]; view.shape.rows];
                for column in view.data.chunks_exact(view.shape.rows) {
                    for (c, (sum, x)) in sums.iter_mut().zip(column).enumerate() {
                        let x = x - around.map_or(0.0, |a| a[t][c]);
                        *sum = [sum[0] + 1.0, sum[1] + x, sum[2] + x * x];
                    }
                }
                sums
            };
            views[0].iter().enumerate().map(of).collect::<Vec<_>>()
        });
        let mut parts = parts.into_iter();
        let mut total = parts.next().unwrap_or_default();
        for part in parts {
            for (total, part) in total.iter_mut().flatten().zip(part.iter().flatten()) {
                (0..3).for_each(|k| total[k] += part[k]);
            }
        }
        total
    };
    let first = sums(None);
    let means: Vec<Vec<f64>> =
        first.iter().map(|layer| layer.iter().map(|[n, x, _]| x / n).collect()).collect();
    let second = sums(Some(&means));
    let of = |(means, sums): (&Vec<f64>, &Vec<[f64; 3]>)| {
        let channel = |(mean, [n, x, square]): (&f64, &[f64; 3])| {
            let shift = x / n;
            (mean + shift, (square / n - shift * shift).max(0.0).sqrt())
        };
        means.iter().zip(sums).map(channel).collect()
    };
    means.iter().zip(&second).map(of).collect()
}
