//! Blocks of a matrix, and sums over them: what means, variances and norms are made of.
//!
//! A matrix is tiled by blocks of `rows` consecutive rows by `cols` consecutive columns. The columns of one group of
//! blocks lie in memory without gaps, so a group is read once from front to back: sums row by row, in f64, in the order
//! of the columns, `T` rows at a time in registers; then the sums of a block's rows are added. A second pass writes
//! with coefficients that are repeated row by row.

use crate::autodiff::{Element, Shape};

/// Blocks of rows by columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blocks {
    pub rows: usize,
    pub cols: usize,
}

impl Blocks {
    /// One entry for each block of a matrix.
    pub fn of(self, shape: Shape) -> Shape {
        let fits = |n: usize, block: usize| block > 0 && n.is_multiple_of(block);
        assert!(fits(shape.rows, self.rows) && fits(shape.cols, self.cols), "{self:?} do not tile {shape:?}");
        Shape::new(shape.rows / self.rows, shape.cols / self.cols)
    }

    /// The matrix that one entry for each block stands for.
    pub fn spread(self, shape: Shape) -> Shape {
        Shape::new(shape.rows * self.rows, shape.cols * self.cols)
    }

    /// Entries of a block.
    pub fn size(self) -> f64 {
        (self.rows * self.cols) as f64
    }

    /// Rows of the matrix as the passes see it, and rows of a block in it: where a block is all rows high it is one run of
    /// numbers, and any height that divides it will do.
    pub fn layout(self, height: usize) -> (usize, usize) {
        let whole = self.rows == height && (self.rows * self.cols).is_multiple_of(16);
        if whole { (16, 16) } else { (height, self.rows) }
    }
}

/// Sums of `terms(entries, shift)` over each block of one group of columns.
///
/// `x` are matrices of `height` rows, `rows` of them a block's; `shift` and `totals` have one entry a block, `scratch` as
/// many as are needed.
#[inline(always)]
pub(super) fn sums<E: Element, const I: usize, const S: usize, const T: usize>(
    (height, rows): (usize, usize),
    x: [&[E]; I],
    shift: &[f64],
    totals: &mut [[f64; S]],
    terms: impl Fn([f64; I], f64) -> [f64; S] + Copy,
) {
    totals.fill([0.0; S]);
    let mut row = 0;
    while row + T <= height {
        let mut shifts = [0.0; T];
        for (t, s) in shifts.iter_mut().enumerate() {
            *s = shift[(row + t) / rows];
        }
        let sums = tile::<E, I, S, T>(height, row, x, &shifts, terms);
        for t in 0..T {
            for s in 0..S {
                totals[(row + t) / rows][s] += sums[s][t];
            }
        }
        row += T;
    }
    while row < height {
        let sums = tile::<E, I, S, 1>(height, row, x, &[shift[row / rows]], terms);
        for s in 0..S {
            totals[row / rows][s] += sums[s][0];
        }
        row += 1;
    }
}

/// The sums of T rows from `row` on.
#[inline(always)]
fn tile<E: Element, const I: usize, const S: usize, const T: usize>(
    height: usize,
    row: usize,
    x: [&[E]; I],
    shift: &[f64; T],
    terms: impl Fn([f64; I], f64) -> [f64; S] + Copy,
) -> [[f64; T]; S] {
    let mut sums = [[0.0; T]; S];
    let mut at = row;
    let mut entries = [[0.0; T]; I];
    while at + T <= x[0].len() {
        for i in 0..I {
            let x = &x[i][at..at + T];
            for t in 0..T {
                entries[i][t] = x[t].to_f64();
            }
        }
        for t in 0..T {
            let mut v = [0.0; I];
            for i in 0..I {
                v[i] = entries[i][t];
            }
            let terms = terms(v, shift[t]);
            for s in 0..S {
                sums[s][t] += terms[s];
            }
        }
        at += height;
    }
    sums
}

/// Numbers that a pattern of coefficients is at least long, so that short columns fill vector registers too.
const PATTERN: usize = 256;

/// Repeats one set of K coefficients a block over its rows, and those over as many columns as make long runs.
pub(super) fn pattern<E: Element, const K: usize>(
    (height, rows): (usize, usize),
    columns: usize,
    blocks: &[[f64; K]],
    out: &mut [Vec<E>; K],
) {
    let repeats = (PATTERN / height.max(1)).clamp(1, columns.max(1));
    for (k, out) in out.iter_mut().enumerate() {
        out.clear();
        for block in blocks {
            out.extend(std::iter::repeat_n(E::from_f64(block[k]), rows));
        }
        for _ in 1..repeats {
            out.extend_from_within(..height);
        }
    }
}

/// Numbers that [`write`] computes before it stores them.
const CHUNK: usize = 64;

/// Writes `f(entries, coefficients)` over one group of columns, the coefficients repeated. At most one of `x` may be
/// empty: it is in `out` already.
#[inline(always)]
pub(super) fn write<E: Element, const I: usize, const K: usize>(
    x: [&[E]; I],
    pattern: &[Vec<E>; K],
    out: &mut [E],
    f: impl Fn([E; I], [E; K]) -> E + Copy,
) {
    let length = pattern[0].len();
    let mut start = 0;
    while start < out.len() {
        let run = length.min(out.len() - start);
        let mut at = 0;
        while at < run {
            let n = CHUNK.min(run - at);
            let out = &mut out[start + at..][..n];
            // Local arrays overlap nothing, which lets the loop below be vectors.
            let (mut own, mut result) = ([E::ZERO; CHUNK], [E::ZERO; CHUNK]);
            own[..n].copy_from_slice(out);
            let mut entries = [&own[..n]; I];
            for i in 0..I {
                if !x[i].is_empty() {
                    entries[i] = &x[i][start + at..][..n];
                }
            }
            let mut coefficients = [&own[..n]; K];
            for k in 0..K {
                coefficients[k] = &pattern[k][at..][..n];
            }
            for (j, result) in result[..n].iter_mut().enumerate() {
                let (mut v, mut c) = ([E::ZERO; I], [E::ZERO; K]);
                for i in 0..I {
                    v[i] = entries[i][j];
                }
                for k in 0..K {
                    c[k] = coefficients[k][j];
                }
                *result = f(v, c);
            }
            out.copy_from_slice(&result[..n]);
            at += n;
        }
        start += run;
    }
}
