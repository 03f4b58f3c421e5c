//! Places in the plane whose distances are like given ones: classical scaling (Torgerson 1952). With J the centring matrix
//! and D2 the squared distances, B = -1/2 J D2 J holds the dot products of the things about their mean; its two largest
//! eigenvalues, with their eigenvectors, give the plane that keeps most of it.

use crate::base::Result;
use crate::spectral::symmetric::eigen;

/// Coordinates (x, y) of n things with a symmetric matrix of distances, row by row, and the share of their squared distances
/// from the mean that the plane keeps. Each axis points to where the coordinate that is largest in magnitude is positive.
pub fn classical(distances: &[f64], n: usize) -> Result<(Vec<(f64, f64)>, f64)> {
    let square = |i: usize, j: usize| distances[i * n + j] * distances[i * n + j];
    let row: Vec<f64> = (0..n).map(|i| (0..n).map(|j| square(i, j)).sum::<f64>() / n as f64).collect();
    let all = row.iter().sum::<f64>() / n.max(1) as f64;
    let products: Vec<f64> =
        (0..n * n).map(|ij| -0.5 * (square(ij / n, ij % n) - row[ij / n] - row[ij % n] + all)).collect();
    let found = eigen(&products, n)?;
    // Ascending; where things do not fit into any space, some are negative.
    let total: f64 = found.values.iter().filter(|v| **v > 0.0).sum();
    let axis = |k: usize| -> Vec<f64> {
        let Some(at) = n.checked_sub(k + 1) else { return vec![0.0; n] };
        let length = found.values[at].max(0.0).sqrt();
        let column: Vec<f64> = (0..n).map(|i| length * found.vectors[(i, at)]).collect();
        let largest = column.iter().fold(0.0f64, |m, x| if x.abs() > m.abs() { *x } else { m });
        column.iter().map(|x| if largest < 0.0 { -x } else { *x }).collect()
    };
    let kept: f64 = found.values.iter().rev().take(2).filter(|v| **v > 0.0).sum();
    let share = if total > 0.0 { kept / total } else { 1.0 };
    Ok((axis(0).into_iter().zip(axis(1)).collect(), share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_a_plane_keep_their_distances() {
        let points = [(0.0, 0.0), (3.0, 0.5), (1.0, -2.0), (-4.0, 1.0), (2.0, 2.0f64)];
        let apart = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).hypot(a.1 - b.1);
        let distances: Vec<f64> =
            points.iter().flat_map(|a| points.iter().map(move |b| apart(*a, *b))).collect();
        let (found, share) = classical(&distances, 5).unwrap();
        for (ij, d) in distances.iter().enumerate() {
            assert!((apart(found[ij / 5], found[ij % 5]) - d).abs() < 1e-12 * 10.0);
        }
        assert!((share - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_simplex_keeps_two_of_its_dimensions() {
        // Six things at distance 1: five equal eigenvalues.
        let distances: Vec<f64> = (0..36).map(|ij| if ij / 6 == ij % 6 { 0.0 } else { 1.0 }).collect();
        let (found, share) = classical(&distances, 6).unwrap();
        assert!((share - 0.4).abs() < 1e-12 && found.len() == 6);
    }
}
