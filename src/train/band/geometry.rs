//! The geometry of a band of pivots: tangents, what of a gradient is across them, even distances, where a pivot is missing.

use crate::base::parallel;

/// a . b, added in order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// |a - b|.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// a + share (b - a); a and b themselves at 0 and 1.
pub fn between(a: &[f64], b: &[f64], share: f64) -> Vec<f64> {
    match share {
        0.0 => a.to_vec(),
        1.0 => b.to_vec(),
        _ => a.iter().zip(b).map(|(a, b)| a + share * (b - a)).collect(),
    }
}

/// The unit tangent at a pivot, towards the neighbour of higher loss (upwind: Henkelman and Jonsson 2000): with the central
/// difference, bands develop kinks where the loss along them is steep. Zero where pivots coincide.
pub fn tangent(chain: [&[f64]; 3], losses: [f64; 3]) -> Vec<f64> {
    let [before, here, after] = chain;
    let (from, to) = if losses[2] > losses[0] { (here, after) } else { (before, here) };
    let length = distance(from, to);
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    from.iter().zip(to).map(|(f, t)| (t - f) * scale).collect()
}

/// What of `gradient` is across a unit tangent: g - (g . tau) tau.
pub fn across(gradient: &mut [f64], tangent: &[f64]) {
    let along = dot(gradient, tangent);
    gradient.iter_mut().zip(tangent).for_each(|(g, t)| *g -= along * t);
}

/// Places along a chain of straight pieces: the distance of each pivot from the first.
pub fn places(chain: &[Vec<f64>]) -> Vec<f64> {
    let pieces: Vec<f64> =
        parallel::map(chain.len().saturating_sub(1), &|i| distance(&chain[i], &chain[i + 1]));
    let mut place = 0.0;
    let add = |piece: f64| {
        place += piece;
        place
    };
    [0.0].into_iter().chain(pieces.into_iter().map(add)).collect()
}

/// The same chain with its pivots at equal distances along it; the ends keep their bits.
pub fn redistribute(chain: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let places = places(chain);
    let (Some(length), last) = (places.last().copied(), chain.len().saturating_sub(1)) else {
        return Vec::new();
    };
    if !(length > 0.0 && length.is_finite()) {
        return chain.to_vec();
    }
    let pivot = |i: usize| {
        if i == 0 || i == last {
            return chain[i].clone();
        }
        let at = length * i as f64 / last as f64;
        let piece = places.partition_point(|p| *p <= at).clamp(1, last);
        let (from, to) = (places[piece - 1], places[piece]);
        let share = if to > from { (at - from) / (to - from) } else { 0.0 };
        between(&chain[piece - 1], &chain[piece], share)
    };
    parallel::map(last + 1, &pivot)
}

/// Where pivots are missing: for each piece of the chain the share of it at which the loss rises most above the straight
/// line between its pivots' losses, if it does so by more than `share` of the chain's range of losses. `pieces` holds the
/// losses at evenly spaced places of each piece, both pivots included.
pub fn missing(pieces: &[Vec<f64>], share: f64) -> Vec<Option<f64>> {
    let all = || pieces.iter().flatten().copied();
    let range = all().fold(f64::NEG_INFINITY, f64::max) - all().fold(f64::INFINITY, f64::min);
    let worst = |losses: &Vec<f64>| {
        let (first, last) = (losses.first()?, losses.last()?);
        let n = (losses.len() - 1).max(1) as f64;
        let rises = losses.iter().enumerate().map(|(i, loss)| {
            let s = i as f64 / n;
            (s, loss - ((1.0 - s) * first + s * last))
        });
        let (place, rise) = rises.fold((0.0, 0.0), |best, next| if next.1 > best.1 { next } else { best });
        (rise > share * range).then_some(place)
    };
    pieces.iter().map(worst).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tangents_point_to_the_neighbour_of_higher_loss() {
        let chain: [&[f64]; 3] = [&[0.0, 0.0], &[3.0, 0.0], &[3.0, 4.0]];
        assert_eq!(tangent(chain, [1.0, 5.0, 2.0]), [0.0, 1.0]);
        assert_eq!(tangent(chain, [2.0, 0.0, 1.0]), [1.0, 0.0]);
        let mut gradient = [7.0, -2.0];
        across(&mut gradient, &[0.6, 0.8]);
        // g . tau = 2.6
        assert!((gradient[0] - 5.44).abs() < 1e-15 && (gradient[1] + 4.08).abs() < 1e-15);
        let coinciding: [&[f64]; 3] = [&[1.0], &[1.0], &[1.0]];
        assert_eq!(tangent(coinciding, [0.0, 0.0, 1.0]), [0.0]);
    }

    #[test]
    fn pivots_come_to_equal_distances_on_the_same_chain() {
        let ends = [vec![1.0 / 3.0, 0.0], vec![1.0 / 3.0 + 6.0, 6.0]];
        // Six to the right, six up.
        let corner = vec![1.0 / 3.0 + 6.0, 0.0];
        let near = vec![1.0 / 3.0 + 0.5, 0.0];
        let chain = [ends[0].clone(), near, corner.clone(), ends[1].clone()];
        let even = redistribute(&chain);
        assert_eq!([&even[0], &even[3]], [&ends[0], &ends[1]]);
        // A third of 12 is before the corner, two thirds behind it.
        for (found, expected) in even[1..3].iter().zip([[1.0 / 3.0 + 4.0, 0.0], [1.0 / 3.0 + 6.0, 2.0]]) {
            assert!(distance(found, &expected) < 1e-14, "{found:?}");
        }
        let still = vec![vec![2.0]; 4];
        assert_eq!(redistribute(&still), still);
        assert!(redistribute(&[]).is_empty());
    }

    #[test]
    fn a_pivot_is_missing_where_the_loss_rises_above_the_line() {
        // Range 10; rises of 1.5 at the middle, of 0.9, of 0 (below the line).
        let pieces = [vec![0.0, 2.5, 2.0], vec![2.0, 3.4, 3.0], vec![3.0, 3.0, 10.0]];
        assert_eq!(missing(&pieces, 0.1), [Some(0.5), None, None]);
        assert_eq!(missing(&pieces, 0.05), [Some(0.5), Some(0.5), None]);
        assert_eq!(missing(&[vec![1.0, 1.0, 1.0]], 0.1), [None]);
    }
}
