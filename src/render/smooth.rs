//! A finer grid through the same values: monotone cubics (Fritsch and Carlson 1980) along rows, then columns.
//!
//! Between nodes a grid is a guess. Straight lines make corners of every contour; ordinary splines overshoot
//! beside a spike and show islands that are not there. A monotone cubic passes every node, is smooth, and stays
//! between the values of its neighbours: it adds no minimum and no maximum. Cells with a missing corner stay
//! missing.

use super::isolines::Field;

impl Field {
    /// The field with every cell split `times` by `times`.
    pub fn refined(&self, times: usize) -> Field {
        if times < 2 || self.x.len() < 2 || self.y.len() < 2 {
            return self.clone();
        }
        let rows: Vec<f64> =
            self.values.chunks(self.x.len()).flat_map(|row| refine(&self.x, row, times)).collect();
        let (x, y) = (split(&self.x, times), split(&self.y, times));
        let columns: Vec<Vec<f64>> = (0..x.len())
            .map(|i| {
                let column: Vec<f64> = rows.iter().skip(i).step_by(x.len()).copied().collect();
                refine(&self.y, &column, times)
            })
            .collect();
        let values = (0..y.len()).flat_map(|j| columns.iter().map(move |column| column[j])).collect();
        Field { x, y, values }
    }
}

/// Every interval in `times` equal parts; the nodes keep their coordinates exactly.
fn split(nodes: &[f64], times: usize) -> Vec<f64> {
    let parts =
        nodes.windows(2).flat_map(|w| (0..times).map(|k| w[0] + (w[1] - w[0]) * k as f64 / times as f64));
    parts.chain(nodes.last().copied()).collect()
}

/// The cubic at the places of [`split`].
fn refine(nodes: &[f64], values: &[f64], times: usize) -> Vec<f64> {
    let slopes = slopes(nodes, values);
    let mut out = Vec::with_capacity((nodes.len() - 1) * times + 1);
    for i in 0..nodes.len() - 1 {
        let (a, b, length) = (values[i], values[i + 1], nodes[i + 1] - nodes[i]);
        let (at_a, at_b) = (slopes[i] * length, slopes[i + 1] * length);
        out.push(a);
        for k in 1..times {
            let t = k as f64 / times as f64;
            let (s, u) = (t * t * (3.0 - 2.0 * t), 1.0 - t);
            out.push(a + (b - a) * s + t * u * (u * at_a - t * at_b));
        }
    }
    out.extend(values.last());
    out
}

/// Slopes at the nodes: the harmonic mean of those on both sides, 0 where they differ in sign.
fn slopes(nodes: &[f64], values: &[f64]) -> Vec<f64> {
    let secant = |i: usize| (values[i + 1] - values[i]) / (nodes[i + 1] - nodes[i]);
    let n = nodes.len();
    (0..n)
        .map(|i| {
            let left = if i > 0 { secant(i - 1) } else { f64::NAN };
            let right = if i + 1 < n { secant(i) } else { f64::NAN };
            match (left.is_finite(), right.is_finite()) {
                (true, true) if left * right > 0.0 => {
                    let (before, after) = (nodes[i] - nodes[i - 1], nodes[i + 1] - nodes[i]);
                    let (p, q) = (before + 2.0 * after, 2.0 * before + after);
                    (p + q) / (p / left + q / right)
                }
                (true, true) => 0.0,
                (true, false) => left,
                (false, true) => right,
                (false, false) => 0.0,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refining_keeps_nodes_adds_no_extremes_and_smooths() {
        let x = vec![0.0, 1.0, 1.5, 3.0, 4.0];
        let values = vec![0.0, 0.1, 5.0, 5.0, -2.0];
        let fine = refine(&x, &values, 8);
        assert!(values.iter().enumerate().all(|(i, v)| fine[8 * i] == *v));
        for (cell, ends) in fine.chunks(8).zip(values.windows(2)) {
            let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
            assert!(cell.iter().all(|v| *v >= low - 1e-12 && *v <= high + 1e-12), "{ends:?} {cell:?}");
        }
        let field = Field { x: x.clone(), y: vec![0.0, 1.0], values: [values.clone(), values].concat() };
        assert_eq!(field.refined(3).values.len(), 13 * 4);
    }

    #[test]
    fn holes_do_not_spread() {
        let mut values = vec![1.0; 25];
        values[12] = f64::NAN;
        let side: Vec<f64> = (0..5).map(f64::from).collect();
        let fine = Field { x: side.clone(), y: side, values }.refined(4);
        let missing = fine.values.iter().filter(|v| v.is_nan()).count();
        assert_eq!(missing, 7 * 7, "the open square of the four cells around the node");
    }
}
