//! Matrices as the tape sees them: column-major slices with a shape. Columns are samples.

use super::Element;
use super::portable::{self, Strided};
use crate::base::isa;
use faer::{Accum, MatMut, MatRef, Par, linalg::matmul};

/// Rows by columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Number of rows: features, channels, outputs.
    pub rows: usize,
    /// Number of columns: samples, or samples times positions.
    pub cols: usize,
}

impl Shape {
    /// `rows` by `cols`.
    pub fn new(rows: usize, cols: usize) -> Self {
        Self { rows, cols }
    }

    /// Number of elements.
    pub fn size(self) -> usize {
        self.rows * self.cols
    }
}

/// A matrix that somebody else owns.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, E> {
    /// Column-major values, `shape.size()` of them.
    pub data: &'a [E],
    /// Rows by columns.
    pub shape: Shape,
}

impl<'a, E> View<'a, E> {
    /// Some of the columns.
    pub fn columns(&self, range: std::ops::Range<usize>) -> Self {
        let rows = self.shape.rows;
        let data = &self.data[range.start * rows..range.end * rows];
        Self { data, shape: Shape::new(rows, range.len()) }
    }
}

/// A block of k matrices of one shape; matrix j starts at `j * stride`.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a, E> {
    /// The k matrices.
    pub data: &'a [E],
    /// Distance between the starts of two of them.
    pub stride: usize,
    /// Rows by columns of each.
    pub shape: Shape,
}

impl<'a, E> Block<'a, E> {
    /// Matrix `j` of the block.
    pub fn slab(&self, j: usize) -> View<'a, E> {
        // A block that is worked on in place is empty, and so are its members.
        let data =
            if self.data.is_empty() { self.data } else { &self.data[j * self.stride..][..self.shape.size()] };
        View { data, shape: self.shape }
    }

    /// The block as one matrix, its k members side by side, where they lie without gaps.
    pub fn side_by_side(&self, k: usize) -> Option<View<'a, E>> {
        let shape = Shape::new(self.shape.rows, self.shape.cols * k);
        (k == 1 || self.stride == self.shape.size()).then(|| View { data: &self.data[..shape.size()], shape })
    }
}

fn oriented<'a, E: Element>(view: View<'a, E>, transposed: bool) -> MatRef<'a, E> {
    let m = MatRef::from_column_major_slice(view.data, view.shape.rows, view.shape.cols);
    if transposed { m.transpose() } else { m }
}

/// The same as numbers and distances.
fn strided<'a, E>(view: View<'a, E>, transposed: bool) -> (Strided<'a, E>, [usize; 2]) {
    let View { data, shape: Shape { rows, cols } } = view;
    if transposed {
        (Strided { data, row: rows, column: 1 }, [cols, rows])
    } else {
        (Strided { data, row: 1, column: rows }, [rows, cols])
    }
}

/// `out (+)= op(a) op(b)` with `op` the identity or the transpose; one core, so that the bytes are the
/// same on any number of threads. On any processor they are where [`isa`] fixes the order of sums.
pub fn product<E: Element>(
    out: &mut [E],
    accumulate: bool,
    (a, transpose_a): (View<E>, bool),
    (b, transpose_b): (View<E>, bool),
) {
    if isa::is_fixed() {
        let ((a, [m, k]), (b, [inner, n])) = (strided(a, transpose_a), strided(b, transpose_b));
        assert_eq!(k, inner, "as many rows as columns");
        return portable::product(out, accumulate, a, b, [m, n, k]);
    }
    let (a, b) = (oriented(a, transpose_a), oriented(b, transpose_b));
    let beta = if accumulate { Accum::Add } else { Accum::Replace };
    let out = MatMut::from_column_major_slice_mut(out, a.nrows(), b.ncols());
    matmul::matmul(out, beta, a, b, E::ONE, Par::Seq);
}

/// Columns that [`transpose`] lays side by side: one vector register of f32.
pub const LANES: usize = 16;

/// Lays up to [`LANES`] columns of one length side by side, row by row, so that loops over a row's lanes become
/// vector instructions however short the columns are. Lanes beyond the last column keep what they held.
///
/// Never inlined: compiled for wide vectors it would become scatter instructions, which are slower than stores.
#[inline(never)]
pub fn transpose<E: Copy>(columns: &[E], tile: &mut [[E; LANES]]) {
    for (lane, column) in columns.chunks_exact(tile.len()).enumerate() {
        for (row, x) in tile.iter_mut().zip(column) {
            row[lane % LANES] = *x;
        }
    }
}

/// The inverse of [`transpose`], for as many columns as `columns` holds.
#[inline(never)]
pub fn transpose_back<E: Copy>(tile: &[[E; LANES]], columns: &mut [E]) {
    for (lane, column) in columns.chunks_exact_mut(tile.len()).enumerate() {
        for (x, row) in column.iter_mut().zip(tile) {
            *x = row[lane % LANES];
        }
    }
}
