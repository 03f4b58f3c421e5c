//! Eigenpairs of symmetric matrices by plain operations in a fixed order, whose bytes no processor changes: where
//! [`isa`](crate::base::isa) fixes it, in the place of faer's, which are several times faster.
//!
//! A symmetric matrix becomes a tridiagonal one by n - 2 reflections (Householder 1958), and that a diagonal one by implicit QL steps
//! with Wilkinson's shift, each rotation of which is applied to the vectors, too (Golub and Van Loan 2013, sections 8.3.1 and
//! 8.3.3). About 4/3 n^3 operations for the first, 4/3 n^3 for its vectors and 6 n^3 for the second.

/// Most steps for one eigenvalue; two or three are usual.
const MOST_STEPS: usize = 60;

/// A vector a column.
pub type Columns = Vec<Vec<f64>>;

/// Eigenvalues, ascending, and unit eigenvectors of the matrix with `alpha` on its diagonal and `beta` beside it; none if a value
/// does not converge.
pub fn tridiagonal(alpha: &[f64], beta: &[f64]) -> Option<(Vec<f64>, Columns)> {
    let n = alpha.len();
    let unit = |i: usize| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect();
    rotate(alpha.to_vec(), beta.to_vec(), (0..n).map(unit).collect())
}

/// The same of a symmetric n x n matrix, column-major, of which the lower triangle is read.
pub fn symmetric(matrix: &[f64], n: usize) -> Option<(Vec<f64>, Columns)> {
    // Columns of the lower triangle: of column j the rows from j on.
    let mut a: Columns = (0..n).map(|j| matrix[j * n + j..(j + 1) * n].to_vec()).collect();
    let mut beta = vec![0.0; n.saturating_sub(1)];
    // Reflections I - 2 v v', v of rows j + 1 on.
    let mut reflections: Columns = Vec::with_capacity(n);
    for j in 0..n.saturating_sub(1) {
        let mut v = a[j][1..].to_vec();
        beta[j] = reflection(&mut v);
        // The rest becomes (I - 2 v v') A (I - 2 v v') = A - v w' - w v', w = 2 (A v - (v' A v) v).
        let mut w = vec![0.0; v.len()];
        for (c, column) in a[j + 1..].iter().enumerate() {
            let mut sum = column[0] * v[c];
            for (r, x) in column.iter().enumerate().skip(1) {
                sum += x * v[c + r];
                w[c + r] += x * v[c];
            }
            w[c] += sum;
        }
        let along: f64 = v.iter().zip(&w).map(|(v, w)| v * w).sum();
        w.iter_mut().zip(&v).for_each(|(w, v)| *w = 2.0 * (*w - along * v));
        for (c, column) in a[j + 1..].iter_mut().enumerate() {
            for (r, x) in column.iter_mut().enumerate() {
                *x -= v[c + r] * w[c] + w[c + r] * v[c];
            }
        }
        reflections.push(v);
    }
    let alpha: Vec<f64> = a.iter().map(|column| column[0]).collect();
    // The vectors of the tridiagonal matrix back through all reflections, the last one first.
    let (values, mut vectors) = tridiagonal(&alpha, &beta)?;
    for vector in &mut vectors {
        for (j, v) in reflections.iter().enumerate().rev() {
            let below = &mut vector[j + 1..];
            let along: f64 = v.iter().zip(below.iter()).map(|(v, x)| v * x).sum();
            below.iter_mut().zip(v).for_each(|(x, v)| *x -= 2.0 * along * v);
        }
    }
    Some((values, vectors))
}

/// Turns x into the unit vector of the reflection that leaves only its first entry; that entry.
fn reflection(x: &mut [f64]) -> f64 {
    let largest = x.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let Some(first) = x.first().copied() else { return 0.0 };
    if x[1..].iter().all(|x| *x == 0.0) {
        x.fill(0.0);
        return first;
    }
    x.iter_mut().for_each(|x| *x /= largest);
    let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    // Away from zero, so that nothing cancels.
    let onto = if first > 0.0 { -norm } else { norm };
    x[0] -= onto;
    let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    x.iter_mut().for_each(|x| *x /= length);
    onto * largest
}

/// sqrt(a^2 + b^2) without overflow.
fn hypotenuse(a: f64, b: f64) -> f64 {
    let (large, small) = (a.abs().max(b.abs()), a.abs().min(b.abs()));
    if large == 0.0 {
        return 0.0;
    }
    let ratio = small / large;
    large * (1.0 + ratio * ratio).sqrt()
}

/// Implicit QL steps until nothing is left beside the diagonal.
fn rotate(mut d: Vec<f64>, mut e: Vec<f64>, mut z: Columns) -> Option<(Vec<f64>, Columns)> {
    let n = d.len();
    e.resize(n, 0.0);
    for low in 0..n {
        for step in 0.. {
            // The first entry beside the diagonal that is nothing but rounding.
            let nothing = |i: &usize| e[*i].abs() <= f64::EPSILON * (d[*i].abs() + d[*i + 1].abs());
            let high = (low..n - 1).find(nothing).unwrap_or(n - 1);
            if high == low {
                break;
            }
            if step == MOST_STEPS {
                return None;
            }
            let g = (d[low + 1] - d[low]) / (2.0 * e[low]);
            let r = hypotenuse(g, 1.0);
            let shift = d[low] - e[low] / (g + r.copysign(g));
            let (mut g, mut sine, mut cosine, mut p) = (d[high] - shift, 1.0, 1.0, 0.0);
            let mut split = false;
            for i in (low..high).rev() {
                let (f, b) = (sine * e[i], cosine * e[i]);
                let r = hypotenuse(f, g);
                e[i + 1] = r;
                if r == 0.0 {
                    // The matrix has fallen apart in between.
                    d[i + 1] -= p;
                    e[high] = 0.0;
                    split = true;
                    break;
                }
                (sine, cosine) = (f / r, g / r);
                g = d[i + 1] - p;
                let r = (d[i] - g) * sine + 2.0 * cosine * b;
                p = sine * r;
                d[i + 1] = g + p;
                g = cosine * r - b;
                let (before, after) = z.split_at_mut(i + 1);
                for (x, y) in before[i].iter_mut().zip(&mut after[0]) {
                    (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
                }
            }
            if !split {
                d[low] -= p;
                e[low] = g;
                e[high] = 0.0;
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| d[*i].total_cmp(&d[*j]));
    let vectors = order.iter().map(|i| std::mem::take(&mut z[*i])).collect();
    Some((order.iter().map(|i| d[*i]).collect(), vectors))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectral::symmetric::eigen;

    /// Largest of |A z - lambda z| and of |Z'Z - I|.
    fn errors(matrix: &[f64], n: usize, values: &[f64], vectors: &Columns) -> [f64; 2] {
        let at = |i: usize, j: usize| matrix[i.min(j) * n + i.max(j)];
        let mut worst = [0f64; 2];
        for (i, z) in vectors.iter().enumerate() {
            for r in 0..n {
                let image: f64 = (0..n).map(|c| at(r, c) * z[c]).sum();
                worst[0] = worst[0].max((image - values[i] * z[r]).abs());
            }
            for (j, y) in vectors.iter().enumerate() {
                let overlap: f64 = z.iter().zip(y).map(|(z, y)| z * y).sum();
                worst[1] = worst[1].max((overlap - f64::from(u8::from(i == j))).abs());
            }
        }
        worst
    }

    #[test]
    fn pairs_are_eigenpairs_and_those_of_faer() {
        for n in [1, 2, 3, 7, 60] {
            let entry = |i: usize, j: usize| ((i * 31 + j * 17 + i * j) as f64).sin();
            let mixed: Vec<f64> = (0..n * n).map(|k| entry(k % n, k / n)).collect();
            // Low rank, graded, diagonal, zero.
            let low: Vec<f64> = (0..n * n).map(|k| ((k % n + 1) * (k / n + 1)) as f64).collect();
            let graded: Vec<f64> = (0..n * n).map(|k| 10f64.powi(-((k % n + k / n) as i32 % 30))).collect();
            let diagonal: Vec<f64> =
                (0..n * n).map(|k| if k % n == k / n { (k % 3) as f64 } else { 0.0 }).collect();
            for matrix in [mixed, low, graded, diagonal, vec![0.0; n * n]] {
                let (values, vectors) = symmetric(&matrix, n).unwrap();
                assert!(values.is_sorted());
                let largest = values.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
                // A backward stable method errs by a few n eps of the norm.
                let [residual, overlap] = errors(&matrix, n, &values, &vectors);
                assert!(residual <= 1e-14 * n as f64 * largest, "{n}: {residual}");
                assert!(overlap <= 1e-14 * n as f64, "{n}: {overlap}");
                for (own, other) in values.iter().zip(&eigen(&matrix, n).unwrap().values) {
                    assert!((own - other).abs() <= 1e-14 * n as f64 * largest, "{n}: {own}, {other}");
                }
            }
        }
    }

    #[test]
    fn a_chain_of_springs_has_cosines_for_eigenvalues() {
        let n = 120;
        let (values, _) = tridiagonal(&vec![2.0; n], &vec![-1.0; n - 1]).unwrap();
        for (k, value) in values.iter().enumerate() {
            let exact = 2.0 - 2.0 * (std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64).cos();
            assert!((value - exact).abs() < 1e-13, "{k}: {value}, {exact}");
        }
    }
}
