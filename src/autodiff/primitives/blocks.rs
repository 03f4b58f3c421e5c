//! Blocks of a matrix, and sums over them: what means, variances and norms are made of.
//!
//! A matrix is tiled by blocks of `rows` consecutive rows by `cols` consecutive columns. The columns of one group of
//! blocks lie in memory without gaps, so a group is read once from front to back: sums row by row, in f64, in the order
//! of the columns, `T` rows at a time in registers; then the sums of a block's rows are added. A second pass writes
//! with coefficients that are repeated row by row.

use super::share::{collect, part, share};
use crate::autodiff::{Element, Shape, elementary::vectorised};

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
/// `x` are matrices of `height` rows, `rows` of them a block's; `shift` and `totals` have one entry a block, and `scratch`
/// is made as large as it need be.
pub(super) fn sums<E: Element, const I: usize, const S: usize, const T: usize>(
    (height, rows): (usize, usize),
    x: [&[E]; I],
    shift: &[f64],
    scratch: &mut Vec<f64>,
    totals: &mut [[f64; S]],
    terms: impl Fn([f64; I], f64) -> [f64; S] + Copy + Sync,
) {
    scratch.resize(S * height, 0.0);
    let length = x[0].len();
    if part(length, height) >= length {
        vectorised(
            #[inline(always)]
            || row_sums::<E, I, S, T>((height, rows), x, shift, scratch, terms),
        );
    } else {
        let parts = collect(length, height, |range| {
            let mut scratch = vec![0.0; S * height];
            vectorised(
                #[inline(always)]
                || {
                    let x = x.map(|x| &x[range.clone()]);
                    row_sums::<E, I, S, T>((height, rows), x, shift, &mut scratch, terms);
                },
            );
            scratch
        });
        scratch.fill(0.0);
        for part in parts {
            scratch.iter_mut().zip(part).for_each(|(s, p)| *s += p);
        }
    }
    totals.fill([0.0; S]);
    for (s, sums) in scratch.chunks_exact(height.max(1)).enumerate() {
        for (total, sums) in totals.iter_mut().zip(sums.chunks_exact(rows)) {
            total[s] = sums.iter().sum();
        }
    }
}

/// Sums of each row.
#[inline(always)]
fn row_sums<E: Element, const I: usize, const S: usize, const T: usize>(
    (height, rows): (usize, usize),
    x: [&[E]; I],
    shift: &[f64],
    scratch: &mut [f64],
    terms: impl Fn([f64; I], f64) -> [f64; S] + Copy,
) {
    let mut row = 0;
    while row + T <= height {
        let mut shifts = [0.0; T];
        for (t, s) in shifts.iter_mut().enumerate() {
            *s = shift[(row + t) / rows];
        }
        tile::<E, I, S, T>(height, row, x, &shifts, scratch, terms);
        row += T;
    }
    while row < height {
        tile::<E, I, S, 1>(height, row, x, &[shift[row / rows]], scratch, terms);
        row += 1;
    }
}

/// The sums of T rows from `row` on. They are stored side by side, which is what makes vectors of them.
#[inline(always)]
fn tile<E: Element, const I: usize, const S: usize, const T: usize>(
    height: usize,
    row: usize,
    x: [&[E]; I],
    shift: &[f64; T],
    out: &mut [f64],
    terms: impl Fn([f64; I], f64) -> [f64; S] + Copy,
) {
    let mut sums = [[0.0; T]; S];
    let mut at = row;
    while at + T <= x[0].len() {
        let mut entries = [[0.0; T]; I];
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
    for s in 0..S {
        out[s * height + row..][..T].copy_from_slice(&sums[s]);
    }
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
    f: impl Fn([E; I], [E; K]) -> E + Copy + Sync,
) {
    share(
        out,
        pattern[0].len(),
        #[inline(always)]
        |start, out| {
            let x = x.map(|x| if x.is_empty() { x } else { &x[start..][..out.len()] });
            vectorised(
                #[inline(always)]
                || write_part(x, pattern, out, f),
            );
        },
    );
}

#[inline(always)]
fn write_part<E: Element, const I: usize, const K: usize>(
    x: [&[E]; I],
    pattern: &[Vec<E>; K],
    out: &mut [E],
    f: impl Fn([E; I], [E; K]) -> E + Copy,
) {
    let length = pattern[0].len().max(1);
    let mut start = 0;
    for run in out.chunks_mut(length) {
        let size = run.len();
        let mut at = 0;
        for out in run.chunks_mut(CHUNK) {
            let mut entries = [&[][..]; I];
            for i in 0..I {
                if !x[i].is_empty() {
                    entries[i] = &x[i][start + at..][..out.len()];
                }
            }
            let mut coefficients = [&[][..]; K];
            for k in 0..K {
                coefficients[k] = &pattern[k][at..][..out.len()];
            }
            at += out.len();
            match <&mut [E; CHUNK]>::try_from(&mut *out) {
                Ok(out) => piece(entries, coefficients, out, f),
                Err(_) => {
                    for (j, out) in out.iter_mut().enumerate() {
                        let mut one = entries;
                        one.iter_mut().filter(|x| !x.is_empty()).for_each(|x| *x = &x[j..]);
                        let mut of = coefficients;
                        of.iter_mut().for_each(|c| *c = &c[j..]);
                        let mut result = [*out];
                        piece(one, of, &mut result, f);
                        *out = result[0];
                    }
                }
            }
        }
        start += size;
    }
}

/// N numbers at once. Local arrays overlap nothing, which lets the loop be vectors.
#[inline(always)]
fn piece<E: Element, const I: usize, const K: usize, const N: usize>(
    x: [&[E]; I],
    coefficients: [&[E]; K],
    out: &mut [E; N],
    f: impl Fn([E; I], [E; K]) -> E + Copy,
) {
    let own = *out;
    let (mut entries, mut of) = ([&own[..]; I], [&own[..]; K]);
    for i in 0..I {
        if !x[i].is_empty() {
            entries[i] = &x[i][..N];
        }
    }
    for k in 0..K {
        of[k] = &coefficients[k][..N];
    }
    let mut result = own;
    for j in 0..N {
        let (mut v, mut c) = ([E::ZERO; I], [E::ZERO; K]);
        for i in 0..I {
            v[i] = entries[i][j];
        }
        for k in 0..K {
            c[k] = of[k][j];
        }
        result[j] = f(v, c);
    }
    *out = result;
}
