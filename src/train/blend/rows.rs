//! Control points and the optimizer's state, block by block.
//!
//! A block of elements i .. i + l is a run of rows of l numbers: one for each control point, then the states of each
//! free one. A step passes once over them.

use crate::autodiff::{Element, elementary::vectorised};
use crate::base::parallel;
use crate::train::optimizers::BLOCK;

/// All rows.
pub struct Rows<'a, E> {
    cells: Vec<E>,
    pub free: &'a [bool],
    pub states: usize,
    pub p: usize,
}

impl<'a, E: Element> Rows<'a, E> {
    pub fn new(control: &[Vec<f64>], free: &'a [bool], states: usize) -> Self {
        let p = control[0].len();
        let rows = free.len() + states * free.iter().filter(|f| **f).count();
        let mut this = Self { cells: vec![E::ZERO; rows * p], free, states, p };
        for (k, w) in control.iter().enumerate() {
            let w: Vec<E> = w.iter().map(|x| E::from_f64(*x)).collect();
            this.put(k, &w);
        }
        this
    }

    /// Rows in a block.
    fn rows(&self) -> usize {
        self.free.len() + self.states * self.free.iter().filter(|f| **f).count()
    }

    /// Writes row `r`.
    pub fn put(&mut self, r: usize, row: &[E]) {
        let rows = self.rows();
        for (cells, part) in self.cells.chunks_mut(rows * BLOCK).zip(row.chunks(BLOCK)) {
            cells[r * part.len()..][..part.len()].copy_from_slice(part);
        }
    }

    /// Reads row `r`.
    pub fn get(&self, r: usize) -> Vec<E> {
        let rows = self.rows();
        let block = |cells: &[E]| {
            let len = cells.len() / rows;
            cells[r * len..][..len].to_vec()
        };
        self.cells.chunks(rows * BLOCK).flat_map(block).collect()
    }

    /// The free control points, then the states of each.
    pub fn moving(&self) -> Vec<usize> {
        let free = self.free.iter().enumerate().filter(|(_, free)| **free).map(|(k, _)| k);
        free.chain(self.free.len()..self.rows()).collect()
    }

    /// Runs `work` on the cells and the blend of each block, in parallel where there are many.
    pub fn each(&mut self, blend: &mut [E], work: impl Fn(usize, &mut [E], &mut [E]) + Sync) {
        let rows = self.rows();
        match self.p.div_ceil(BLOCK) {
            0..=4 => {
                let blocks = self.cells.chunks_mut(rows * BLOCK).zip(blend.chunks_mut(BLOCK));
                blocks.enumerate().for_each(|(i, (cells, blend))| work(i * BLOCK, cells, blend));
            }
            _ => {
                let blocks = self.cells.chunks_mut(rows * BLOCK).zip(blend.chunks_mut(BLOCK));
                let mut blocks: Vec<_> = blocks.collect();
                parallel::parts_mut(&mut blocks, 4, &|four, blocks| {
                    for (i, (cells, blend)) in blocks.iter_mut().enumerate() {
                        work((4 * four + i) * BLOCK, cells, blend);
                    }
                });
            }
        }
    }

    /// Inner products of the control points as seen from the first, n x n.
    pub fn gram(&self) -> Vec<f64> {
        let (n, rows) = (self.free.len(), self.rows());
        let block = |cells: &[E]| -> Vec<f64> {
            let len = cells.len() / rows;
            let row = |k: usize| cells[k * len..][..len].iter().map(|x| x.to_f64());
            let spokes: Vec<Vec<f64>> =
                (0..n).map(|k| row(k).zip(row(0)).map(|(w, first)| w - first).collect()).collect();
            let product = |i: usize, j: usize| spokes[i].iter().zip(&spokes[j]).map(|(a, b)| a * b).sum();
            (0..n * n).map(|ij| product(ij / n, ij % n)).collect()
        };
        // Blocks in their order, whatever computed them.
        let parts: Vec<Vec<f64>> = {
            let blocks: Vec<&[E]> = self.cells.chunks(rows * BLOCK).collect();
            parallel::map(blocks.len(), &|i| block(blocks[i]))
        };
        let mut gram = vec![0.0; n * n];
        for part in parts {
            gram.iter_mut().zip(part).for_each(|(g, x)| *g += x);
        }
        gram
    }

    /// Writes the blend with these shares.
    pub fn blend(&mut self, shares: &[E], blend: &mut [E]) {
        self.each(blend, |_, cells, blend| mix(shares, cells, blend));
    }
}

/// One block of the blend: the rows of the control points, each times its share, added in order.
#[inline(always)]
pub fn mix<E: Element>(shares: &[E], cells: &[E], blend: &mut [E]) {
    vectorised(
        #[inline(always)]
        || {
            blend.fill(E::ZERO);
            for (share, row) in shares.iter().zip(cells.chunks_exact(blend.len())) {
                blend.iter_mut().zip(row).for_each(|(b, w)| *b += *share * *w);
            }
        },
    );
}

/// One block of the pulls at the free control points, a row each: `shares` are n x n.
pub fn pulls<E: Element>(shares: &[E], control: &[E], free: &[bool], len: usize) -> Vec<E> {
    let n = free.len();
    let moving = (0..n).filter(|k| free[*k]);
    let mut all = vec![E::ZERO; len * free.iter().filter(|f| **f).count()];
    for (k, pull) in moving.zip(all.chunks_exact_mut(len)) {
        mix(&shares[k * n..][..n], control, pull);
    }
    all
}
