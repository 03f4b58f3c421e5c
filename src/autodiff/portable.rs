//! Products of matrices whose bytes no processor changes: each entry is one sum, k terms in their order, each rounded once
//! with its product.
//!
//! Both factors are packed into panels of so many rows and columns, filled up with zeros, so that [`ROWS`] x [`COLUMNS`]
//! sums stay in registers. The compiler makes vector instructions of the rows, as wide as the machine has them, which changes no sum.
//!
//! Cost: 2 m n k operations, and both factors are copied once. Without fused multiply-add in the processor it is computed in software,
//! many times slower.

use super::Element;
use super::elementary::vectorised;

/// Rows of a panel: one vector register of f32.
const ROWS: usize = 16;
/// Columns of a panel: as many as leave sixteen registers room for the rest.
const COLUMNS: usize = 6;

/// A matrix as numbers and the distances between neighbours in a column and in a row.
#[derive(Clone, Copy, Debug)]
pub struct Strided<'a, E> {
    /// The numbers.
    pub data: &'a [E],
    /// From a row to the next.
    pub row: usize,
    /// From a column to the next.
    pub column: usize,
}

/// `out (+)= a b` for a of m rows and k columns, b of k rows and n columns; `out` is column-major.
pub fn product<E: Element>(
    out: &mut [E],
    accumulate: bool,
    a: Strided<E>,
    b: Strided<E>,
    [m, n, k]: [usize; 3],
) {
    assert_eq!(out.len(), m * n, "m x n numbers");
    let left: Vec<[E; ROWS]> = packed(a.data, [a.row, a.column], m, k);
    let right: Vec<[E; COLUMNS]> = packed(b.data, [b.column, b.row], n, k);
    vectorised(
        #[inline(always)]
        || {
            for j in (0..n).step_by(COLUMNS) {
                let right = &right[j / COLUMNS * k..][..k];
                for i in (0..m).step_by(ROWS) {
                    let sums = sums(&left[i / ROWS * k..][..k], right);
                    let rows = ROWS.min(m - i);
                    for (c, sums) in sums.iter().enumerate().take(n - j) {
                        let out = &mut out[(j + c) * m + i..][..rows];
                        for (o, sum) in out.iter_mut().zip(sums) {
                            *o = if accumulate { *o + *sum } else { *sum };
                        }
                    }
                }
            }
        },
    );
}

/// `count` rows (or columns) of k numbers in panels of `W`, number by number: those of a panel stand side by side. Distances
/// are those from one to the next, and within.
fn packed<E: Element, const W: usize>(
    data: &[E],
    [across, along]: [usize; 2],
    count: usize,
    k: usize,
) -> Vec<[E; W]> {
    let mut panels = Vec::with_capacity(count.div_ceil(W) * k);
    for first in (0..count).step_by(W) {
        let width = W.min(count - first);
        panels.extend((0..k).map(|p| {
            let mut side_by_side = [E::ZERO; W];
            for (l, x) in side_by_side.iter_mut().enumerate().take(width) {
                *x = data[(first + l) * across + p * along];
            }
            side_by_side
        }));
    }
    panels
}

/// The sums of a panel of rows with a panel of columns.
#[inline(always)]
fn sums<E: Element>(left: &[[E; ROWS]], right: &[[E; COLUMNS]]) -> [[E; ROWS]; COLUMNS] {
    let mut sums = [[E::ZERO; ROWS]; COLUMNS];
    for (left, right) in left.iter().zip(right) {
        for c in 0..COLUMNS {
            for r in 0..ROWS {
                sums[c][r] = left[r].mul_add(right[c], sums[c][r]);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Streams;
    use crate::base::random::normal;

    /// Against sums one by one, at all sizes around those of panels, as it lies and transposed.
    #[test]
    fn every_entry_is_its_sum_in_order() {
        let mut rng = Streams::new(0).stream("products", 0);
        for [m, n, k] in [[1, 1, 1], [3, 5, 0], [16, 6, 7], [17, 7, 33], [5, 13, 100], [40, 1, 9], [0, 4, 3]]
        {
            let mut draw = |count: usize| (0..count).map(|_| normal(&mut rng) as f32).collect::<Vec<f32>>();
            let (a, b, before) = (draw(m * k), draw(k * n), draw(m * n));
            for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
                let a = if ta {
                    Strided { data: &a[..], row: k, column: 1 }
                } else {
                    Strided { data: &a[..], row: 1, column: m }
                };
                let b = if tb {
                    Strided { data: &b[..], row: n, column: 1 }
                } else {
                    Strided { data: &b[..], row: 1, column: k }
                };
                for accumulate in [false, true] {
                    let mut out = before.clone();
                    product(&mut out, accumulate, a, b, [m, n, k]);
                    for (at, found) in out.iter().enumerate() {
                        let (i, j) = (at % m, at / m);
                        let sum = (0..k).fold(0f32, |sum, p| {
                            a.data[i * a.row + p * a.column].mul_add(b.data[p * b.row + j * b.column], sum)
                        });
                        let sum = if accumulate { before[at] + sum } else { sum };
                        assert_eq!(found.to_bits(), sum.to_bits(), "{m} x {n} x {k} at {i}, {j}");
                    }
                }
            }
        }
    }
}
