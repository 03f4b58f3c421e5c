//! Angles between directions, what lies nearest to a slice, and the shape of one.

use crate::base::{Error, Result, isa, parallel};
use crate::spectral::symmetric;

/// Dot product in f64.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Cosine of the angle between two directions; NaN if one is zero.
pub fn cosine(a: &[f64], b: &[f64]) -> f64 {
    dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())
}

/// Removes from `b` its part along `a` (Gram-Schmidt).
pub fn orthogonalise(a: &[f64], b: &mut [f64]) {
    let share = dot(a, b) / dot(a, a);
    if share.is_finite() {
        b.iter_mut().zip(a).for_each(|(b, a)| *b -= share * a);
    }
}

/// The same direction at length 1; zero stays zero.
pub fn unit(mut a: Vec<f64>) -> Vec<f64> {
    let norm = dot(&a, &a).sqrt();
    if norm > 0.0 {
        a.iter_mut().for_each(|x| *x /= norm);
    }
    a
}

/// a - b.
pub fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    combined(a, -1.0, b)
}

/// a + s b.
pub fn combined(a: &[f64], s: f64, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + s * b).collect()
}

/// Coordinates of the point of the span of `axes` that is nearest to `v`, by the normal equations, since axes are
/// neither of length 1 nor orthogonal in general; and the distance to it.
pub fn projection(axes: &[Vec<f64>], v: &[f64]) -> (Vec<f64>, f64) {
    let n = axes.len();
    // Gram matrix and right-hand side, one row an axis.
    let mut rows: Vec<Vec<f64>> =
        axes.iter().map(|a| axes.iter().map(|b| dot(a, b)).chain([dot(a, v)]).collect()).collect();
    // The matrix is positive definite: elimination needs no pivots.
    for k in 0..n {
        let pivot = rows[k].clone();
        for row in rows.iter_mut().skip(k + 1) {
            let share = row[k] / pivot[k];
            row.iter_mut().zip(&pivot).for_each(|(r, p)| *r -= share * p);
        }
    }
    let mut x = vec![0.0; n];
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| rows[k][j] * x[j]).sum();
        x[k] = (rows[k][n] - known) / rows[k][k];
    }
    let rest = axes.iter().zip(&x).fold(v.to_vec(), |rest, (axis, x)| combined(&rest, -x, axis));
    (x, dot(&rest, &rest).sqrt())
}

/// The first `count` principal components of `rows`, centred, each of length 1, and their shares of the variance. By the
/// Gram matrix: rows are few and long.
pub fn principal(rows: &[Vec<f64>], count: usize) -> Result<(Vec<Vec<f64>>, Vec<f64>)> {
    let n = rows.len();
    let width = rows.first().map_or(0, Vec::len);
    let mean: Vec<f64> = (0..width).map(|i| rows.iter().map(|r| r[i]).sum::<f64>() / n as f64).collect();
    let centred: Vec<Vec<f64>> = rows.iter().map(|r| difference(r, &mean)).collect();
    let gram: Vec<f64> = parallel::map(n * n, &|ij| dot(&centred[ij / n], &centred[ij % n]));
    let flat = || {
        Error::unmet(
            "principal components",
            format!("expected {count} directions in which training moved, found fewer"),
        )
    };
    let total: f64 = (0..n).map(|i| gram[i * n + i]).sum();
    if !total.is_finite() || total == 0.0 {
        return Err(flat());
    }
    let (values, vectors) = if isa::is_fixed() {
        let eigen = symmetric::eigen(&gram, n).map_err(|_| flat())?;
        (eigen.values, eigen.vectors)
    } else {
        let matrix = faer::MatRef::from_column_major_slice(&gram, n, n);
        let eigen = matrix.self_adjoint_eigen(faer::Side::Lower).map_err(|_| flat())?;
        (eigen.S().column_vector().iter().copied().collect(), eigen.U().to_owned())
    };
    let mut components = Vec::new();
    let mut shares = Vec::new();
    for k in (0..n).rev().take(count) {
        let sum = (0..n).fold(vec![0.0; width], |sum, i| combined(&sum, vectors[(i, k)], &centred[i]));
        // Beyond rounding, what is left must be a direction.
        if values[k] <= 1e-14 * total {
            return Err(flat());
        }
        shares.push(values[k] / total);
        components.push(unit(sum));
    }
    Ok((components, shares))
}

/// Eigenvalues, smaller first, of the 2 x 2 Hessian of values on a grid, by central differences; NaN on the border and
/// beside values that are not finite. Spacing is taken from the grid, row j at `y[j]`.
pub fn curvature(x: &[f64], y: &[f64], values: &[f64]) -> [Vec<f64>; 2] {
    let mut found = [vec![f64::NAN; values.len()], vec![f64::NAN; values.len()]];
    if x.len() < 3 || y.len() < 3 {
        return found;
    }
    let (hx, hy) = (x[1] - x[0], y[1] - y[0]);
    for j in 1..y.len() - 1 {
        for i in 1..x.len() - 1 {
            let at = |dj: usize, di: usize| values[(j + dj - 1) * x.len() + i + di - 1];
            if (0..9).any(|c| !at(c / 3, c % 3).is_finite()) {
                continue;
            }
            let a = (at(1, 2) - 2.0 * at(1, 1) + at(1, 0)) / (hx * hx);
            let b = (at(2, 2) - at(2, 0) - at(0, 2) + at(0, 0)) / (4.0 * hx * hy);
            let c = (at(2, 1) - 2.0 * at(1, 1) + at(0, 1)) / (hy * hy);
            let (mean, radius) = ((a + c) / 2.0, (((a - c) / 2.0).powi(2) + b * b).sqrt());
            found[0][j * x.len() + i] = mean - radius;
            found[1][j * x.len() + i] = mean + radius;
        }
    }
    found
}

/// How much of a slice curves downwards, by its own 2 x 2 Hessian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonConvexity {
    /// Share of decided cells with lambda_min < 0 and |lambda_min| > 0.1 max |lambda|; none where no cell is
    /// decided, or a side has fewer than 3 points.
    pub fraction: Option<f64>,
    /// Cells whose curvature is below what rounding of the loss allows to see.
    pub undecided: usize,
}

/// Non-convexity of values on a grid, row j at `y[j]`; `epsilon` is the rounding unit of the loss. Spacing is
/// taken from the grid; cells next to a non-finite value are left out.
pub fn non_convexity(x: &[f64], y: &[f64], values: &[f64], epsilon: f64) -> NonConvexity {
    let (mut convex, mut bent, mut undecided) = (0usize, 0usize, 0usize);
    let [low, high] = curvature(x, y, values);
    let step = |v: &[f64]| if v.len() < 2 { f64::NAN } else { v[1] - v[0] };
    let h = step(x).abs().min(step(y).abs());
    for ((low, high), value) in low.iter().zip(&high).zip(values).filter(|((low, _), _)| low.is_finite()) {
        let largest = low.abs().max(high.abs());
        let noise = 16.0 * epsilon * value.abs().max(1.0) / (h * h);
        match (largest <= noise, *low < 0.0 && -low > 0.1 * largest) {
            (true, _) => undecided += 1,
            (false, true) => bent += 1,
            (false, false) => convex += 1,
        }
    }
    let decided = bent + convex;
    NonConvexity { fraction: (decided > 0).then(|| bent as f64 / decided as f64), undecided }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(f: impl Fn(f64, f64) -> f64) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let (x, y): (Vec<f64>, Vec<f64>) = (
            (0..9).map(|i| f64::from(i) / 4.0 - 1.0).collect(),
            (0..7).map(|i| f64::from(i) / 3.0 - 1.0).collect(),
        );
        let values = y.iter().flat_map(|y| x.iter().map(|x| f(*x, *y)).collect::<Vec<_>>()).collect();
        (x, y, values)
    }

    #[test]
    fn a_bowl_is_convex_and_a_saddle_is_not() {
        let (x, y, bowl) = grid(|x, y| x * x + 3.0 * y * y + x * y);
        assert_eq!(non_convexity(&x, &y, &bowl, f64::EPSILON).fraction, Some(0.0));
        let (x, y, saddle) = grid(|x, y| x * x - y * y);
        assert_eq!(non_convexity(&x, &y, &saddle, f64::EPSILON).fraction, Some(1.0));
        // lambda_min = -0.05 lambda_max: within the tenth that counts as flat.
        let (x, y, trough) = grid(|x, y| x * x - 0.05 * y * y);
        assert_eq!(non_convexity(&x, &y, &trough, f64::EPSILON).fraction, Some(0.0));
    }

    #[test]
    fn a_plane_is_undecided_and_a_line_has_no_cells() {
        let (x, y, plane) = grid(|x, y| 2.0 * x - y + 0.3);
        let found = non_convexity(&x, &y, &plane, f64::EPSILON);
        assert_eq!((found.fraction, found.undecided), (None, 35));
        assert_eq!(non_convexity(&x[..2], &y, &plane[..14], f64::EPSILON).fraction, None);
    }

    #[test]
    fn cells_beside_a_hole_are_left_out() {
        let (x, y, mut bowl) = grid(|x, y| x * x + y * y);
        bowl[3 * 9 + 4] = f64::NAN;
        let found = non_convexity(&x, &y, &bowl, f64::EPSILON);
        assert_eq!(found, NonConvexity { fraction: Some(0.0), undecided: 0 });
    }
}
