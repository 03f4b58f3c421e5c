//! Angles between directions, and the shape of a slice.

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
    if x.len() >= 3 && y.len() >= 3 {
        let (hx, hy) = (x[1] - x[0], y[1] - y[0]);
        for j in 1..y.len() - 1 {
            for i in 1..x.len() - 1 {
                let at = |dj: usize, di: usize| values[(j + dj - 1) * x.len() + i + di - 1];
                let cell: [f64; 9] = std::array::from_fn(|c| at(c / 3, c % 3));
                if cell.iter().any(|v| !v.is_finite()) {
                    continue;
                }
                let (a, b) = ((at(1, 2) - 2.0 * at(1, 1) + at(1, 0)) / (hx * hx), {
                    (at(2, 2) - at(2, 0) - at(0, 2) + at(0, 0)) / (4.0 * hx * hy)
                });
                let c = (at(2, 1) - 2.0 * at(1, 1) + at(0, 1)) / (hy * hy);
                let (mean, radius) = ((a + c) / 2.0, (((a - c) / 2.0).powi(2) + b * b).sqrt());
                let (low, largest) = (mean - radius, mean.abs() + radius);
                let h = hx.abs().min(hy.abs());
                let noise = 16.0 * epsilon * at(1, 1).abs().max(1.0) / (h * h);
                match (largest <= noise, low < 0.0 && -low > 0.1 * largest) {
                    (true, _) => undecided += 1,
                    (false, true) => bent += 1,
                    (false, false) => convex += 1,
                }
            }
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
