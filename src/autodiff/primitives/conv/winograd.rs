//! Winograd's minimal filtering F(2x2, 3x3): convolutions of stride 1 with 4/9 of the multiplications.
//!
//! A tile of 4 x 4 positions of the image holds all that 2 x 2 places see. With B, G and A below, which interpolate
//! polynomials at 0, 1, -1 and infinity, the sum over the kernel becomes a product for each of 16 numbers:
//! Y = A' [(G w G') . (B' x B)] A, summed over channels between the brackets. The trilinear form is the same for all three
//! roles: the gradient in the weights is G' [sum over tiles (B' x B) . (A g A')] G, and the gradient in the image is a
//! correlation with the kernel turned round. Source: S. Winograd, Arithmetic Complexity of Computations, SIAM 1980;
//! A. Lavin, S. Gray, Fast algorithms for convolutional neural networks, arXiv:1509.09308.
//!
//! Transforms cost additions for each channel, products multiplications for each pair of channels: it pays from 32
//! channels on, where whole tiles cover most places. Its rounding is no larger than that of the direct sum, whose chains are
//! nine times as long. Tiles of 4 x 4 places would take a quarter of the multiplications, but their rounding is two to five times as
//! large, which adds up to 2e-5 of the gradient of a ResNet-20 in f32, where 1e-5 is allowed.

use super::{Conv, Role};
use crate::autodiff::Element;
use crate::autodiff::elementary::vectorised;

/// Places along a tile's side.
const STEP: usize = 2;
/// Positions along a tile's side.
const SIDE: usize = 4;
/// Numbers in a transformed tile.
const TILE: usize = SIDE * SIDE;
/// Tiles transformed together, so that they stay in cache.
const TILES: usize = 32;
/// Tiles whose sums stay in registers, as `PLACES` of the direct correlation.
const ROWS: usize = 6;
/// Fewest channels on either side, and what their number must be a multiple of.
const CHANNELS: usize = 32;

/// Whether a convolution is computed so: from its sizes alone, so that the bits follow from them.
pub(super) fn pays(conv: &Conv) -> bool {
    let geometry = &conv.geometry;
    let window = &geometry.window;
    let plain = window.kernel == [3, 3] && window.stride == [1, 1] && window.dilation == [1, 1];
    let channels = [window.channels, geometry.outputs];
    // The results of `Input` are the positions of the image.
    let size = if conv.role == Role::Input { [window.height, window.width] } else { window.places() };
    let tiles = tiles(size);
    plain
        && geometry.groups == 1
        && channels.iter().all(|n| *n >= CHANNELS && n.is_multiple_of(CHANNELS))
        // At most six tenths of the multiplications.
        && 5 * TILE * tiles[0] * tiles[1] <= 3 * 9 * size[0] * size[1]
}

/// Tiles along each axis.
fn tiles(size: [usize; 2]) -> [usize; 2] {
    size.map(|n| n.div_ceil(STEP))
}

/// Rows and columns of a padded image that whole tiles need, from `start` on.
pub(super) fn room(start: [usize; 2], size: [usize; 2]) -> [usize; 2] {
    [0, 1].map(|axis| start[axis] + tiles(size)[axis] * STEP + SIDE - STEP)
}

/// An array written out, so that its numbers need no memory before they are there.
macro_rules! array {
    (2, $i:ident => $value:expr) => {
        [at!($i = 0, $value), at!($i = 1, $value)]
    };
    (3, $i:ident => $value:expr) => {
        [at!($i = 0, $value), at!($i = 1, $value), at!($i = 2, $value)]
    };
    (4, $i:ident => $value:expr) => {
        [at!($i = 0, $value), at!($i = 1, $value), at!($i = 2, $value), at!($i = 3, $value)]
    };
}

macro_rules! at {
    ($i:ident = $n:literal, $value:expr) => {{
        let $i = $n;
        $value
    }};
}

/// A transform along both axes, of n x n numbers at (i, j) to m x m.
macro_rules! both {
    ($n:tt to $m:tt, $transform:path, ($i:ident, $j:ident) => $from:expr) => {{
        let half = array!($n, $j => $transform(array!($n, $i => $from)));
        array!($m, $i => $transform(array!($n, $j => half[$j][$i])))
    }};
}

/// B' x.
#[inline(always)]
fn image<E: Element>(x: [E; SIDE]) -> [E; SIDE] {
    [x[0] - x[2], x[1] + x[2], x[2] - x[1], x[1] - x[3]]
}

/// G w.
#[inline(always)]
fn kernel<E: Element>(w: [E; 3]) -> [E; SIDE] {
    let (half, even) = (E::from_f64(0.5), w[0] + w[2]);
    [w[0], half * (even + w[1]), half * (even - w[1]), w[2]]
}

/// G' u.
#[inline(always)]
fn gradient<E: Element>(u: [E; SIDE]) -> [E; 3] {
    let half = E::from_f64(0.5);
    let (even, odd) = (half * (u[1] + u[2]), half * (u[1] - u[2]));
    [u[0] + even, odd, even + u[3]]
}

/// A' y.
#[inline(always)]
fn results<E: Element>(y: [E; SIDE]) -> [E; STEP] {
    [y[0] + y[1] + y[2], y[1] - y[2] - y[3]]
}

/// A g.
#[inline(always)]
fn cotangents<E: Element>(g: [E; STEP]) -> [E; SIDE] {
    [g[0], g[0] + g[1], g[0] - g[1], E::ZERO - g[1]]
}

/// A transform of L channels side by side: `$from(i, j)` is where they are read, number i m + j of `$to` where they go. One loop
/// over the channels around all of it is what the compiler makes vectors of.
macro_rules! lanes {
    ($n:tt to $m:tt, $transform:path, ($i:ident, $j:ident) => $from:expr, $to:ident) => {
        let from = array!($n, $i => array!($n, $j => $from));
        for l in 0..L {
            let tile = both!($n to $m, $transform, ($i, $j) => from[$i][$j][l]);
            for (to, value) in $to.iter_mut().zip(tile.as_flattened()) {
                to[l] = *value;
            }
        }
    };
}

/// Panels of 3 x 3 x channels, row by row, transformed: for each, 16 x channels.
pub(super) fn filters<E: Element, const L: usize>(panels: &[[E; L]], channels: usize) -> Vec<[E; L]> {
    let mut filters = vec![[E::ZERO; L]; panels.len() / 9 * TILE];
    let all = panels.chunks_exact(9 * channels).zip(filters.chunks_exact_mut(TILE * channels));
    for (panel, filter) in all {
        vectorised(
            #[inline(always)]
            || {
                let mut tile = [[E::ZERO; L]; TILE];
                for c in 0..channels {
                    lanes!(3 to 4, kernel, (i, j) => &panel[(i * 3 + j) * channels + c], tile);
                    for (p, u) in tile.iter().enumerate() {
                        filter[p * channels + c] = *u;
                    }
                }
            },
        );
    }
    filters
}

/// Padded images of some samples, one after the other, and the places in them.
pub(super) struct Images<'a, E> {
    /// Rows of `width` positions of `channels` numbers, from the first that the first place sees.
    pub numbers: &'a [E],
    pub width: usize,
    pub channels: usize,
    /// Rows and columns of places.
    pub size: [usize; 2],
    /// Numbers from one sample to the next.
    pub stride: usize,
    pub samples: usize,
}

/// Samples whose tiles are transformed together.
pub(super) fn together(size: [usize; 2]) -> usize {
    (TILES / (tiles(size)[0] * tiles(size)[1]).max(1)).max(1)
}

impl<E: Element> Images<'_, E> {
    /// The sample of a tile, and its first place.
    #[inline(always)]
    fn corner(&self, tile: usize) -> (usize, [usize; 2]) {
        let [rows, columns] = tiles(self.size);
        let place = tile % (rows * columns);
        (tile / (rows * columns), [place / columns * STEP, place % columns * STEP])
    }

    /// Tiles of all samples.
    fn tiles(&self) -> usize {
        let [rows, columns] = tiles(self.size);
        self.samples * rows * columns
    }

    /// Transforms tiles `first..first + count`: number p of tile t and channel c to (p TILES + t) channels + c.
    #[inline(always)]
    fn transform<const L: usize>(&self, first: usize, count: usize, out: &mut [E]) {
        let (channels, step) = (self.channels, TILES * self.channels);
        let mut transformed = [[E::ZERO; L]; TILE];
        for t in 0..count {
            let (sample, [y, x]) = self.corner(first + t);
            let tile = &self.numbers[sample * self.stride + (y * self.width + x) * channels..];
            for c in (0..channels).step_by(L) {
                lanes!(4 to 4, image, (i, j) => &tile[(i * self.width + j) * channels + c..][..L], transformed);
                for (p, v) in transformed.iter().enumerate() {
                    out[p * step + t * channels + c..][..L].copy_from_slice(v);
                }
            }
        }
    }
}

/// Scratch of [`correlate`] for one task.
pub(super) struct Scratch<E, const L: usize> {
    transformed: Vec<E>,
    sums: Vec<[E; L]>,
}

impl<E: Element, const L: usize> Scratch<E, L> {
    pub fn new(channels: usize) -> Self {
        Self { transformed: vec![E::ZERO; TILE * TILES * channels], sums: vec![[E::ZERO; L]; TILE * TILES] }
    }
}

/// `out (+)=` the correlations of all samples; `out` has `results` numbers a place.
pub(super) fn correlate<E: Element, const L: usize>(
    images: &Images<E>,
    filters: &[[E; L]],
    results: usize,
    accumulate: bool,
    scratch: &mut Scratch<E, L>,
    out: &mut [E],
) {
    let Scratch { transformed, sums } = scratch;
    let (channels, [rows, columns], all) = (images.channels, images.size, images.tiles());
    for first in (0..all).step_by(TILES) {
        let count = TILES.min(all - first);
        vectorised(
            #[inline(always)]
            || images.transform::<L>(first, count, transformed),
        );
        for (block, filters) in filters.chunks_exact(TILE * channels).enumerate() {
            vectorised(
                #[inline(always)]
                || products(transformed, filters, channels, count, sums),
            );
            vectorised(
                #[inline(always)]
                || {
                    let mut tile = [[E::ZERO; L]; STEP * STEP];
                    for t in 0..count {
                        let (sample, [y, x]) = images.corner(first + t);
                        lanes!(4 to 2, self::results, (i, j) => &sums[(i * SIDE + j) * TILES + t], tile);
                        for i in 0..STEP.min(rows - y) {
                            for j in 0..STEP.min(columns - x) {
                                let place = (sample * rows + y + i) * columns + x + j;
                                let out = &mut out[place * results + block * L..][..L];
                                super::correlation::store(&tile[i * STEP + j], accumulate, out);
                            }
                        }
                    }
                },
            );
        }
    }
}

/// For each of the 16 numbers, tiles x channels times channels x L.
#[inline(always)]
fn products<E: Element, const L: usize>(
    images: &[E],
    filters: &[[E; L]],
    channels: usize,
    count: usize,
    sums: &mut [[E; L]],
) {
    for p in 0..TILE {
        let images = &images[p * TILES * channels..][..TILES * channels];
        let (filter, sums) = (&filters[p * channels..][..channels], &mut sums[p * TILES..][..TILES]);
        for first in (0..count).step_by(ROWS) {
            let mut rows = [&images[..0]; ROWS];
            for r in 0..ROWS {
                // A last, shorter group computes its last tile several times over.
                rows[r] = &images[(first + r).min(count - 1) * channels..][..filter.len()];
            }
            let mut local = [[E::ZERO; L]; ROWS];
            for c in 0..filter.len() {
                for r in 0..ROWS {
                    let v = rows[r][c];
                    for l in 0..L {
                        local[r][l] = v.mul_add(filter[c][l], local[r][l]);
                    }
                }
            }
            let left = ROWS.min(count - first);
            sums[first..first + left].copy_from_slice(&local[..left]);
        }
    }
}

/// The gradient in the weights, summed over tiles in the element type; taken out into sums over 3 x 3 x channels in the
/// order of the panels.
pub(super) struct Gradient<E, const L: usize> {
    transformed: Vec<E>,
    cotangents: Vec<[E; L]>,
    /// For each block of L outputs and each of the 16 numbers, a row a channel.
    sums: Vec<[E; L]>,
    channels: usize,
    blocks: usize,
}

/// Channels whose sums stay in registers; divides [`CHANNELS`].
const DEPTH: usize = 4;

impl<E: Element, const L: usize> Gradient<E, L> {
    pub fn new(channels: usize, outputs: usize) -> Self {
        let blocks = outputs.div_ceil(L);
        Self {
            transformed: vec![E::ZERO; TILE * TILES * channels],
            cotangents: vec![[E::ZERO; L]; TILE * TILES],
            sums: vec![[E::ZERO; L]; blocks * TILE * channels],
            channels,
            blocks,
        }
    }

    /// Adds all samples, whose cotangents lie place by place, sample by sample, block by block.
    #[inline(always)]
    pub fn add(&mut self, images: &Images<E>, cotangents: &[[E; L]]) {
        let ([rows, columns], all) = (images.size, images.tiles());
        let places = images.samples * rows * columns;
        let (zero, mut tile) = ([E::ZERO; L], [[E::ZERO; L]; TILE]);
        for first in (0..all).step_by(TILES) {
            let count = TILES.min(all - first);
            images.transform::<L>(first, count, &mut self.transformed);
            for block in 0..self.blocks {
                let cotangents = &cotangents[block * places..][..places];
                for t in 0..count {
                    let (sample, [y, x]) = images.corner(first + t);
                    let at = |i: usize, j: usize| (sample * rows + y + i) * columns + x + j;
                    lanes!(2 to 4, self::cotangents, (i, j) => {
                        if y + i < rows && x + j < columns { &cotangents[at(i, j)] } else { &zero }
                    }, tile);
                    for (p, m) in tile.iter().enumerate() {
                        self.cotangents[p * TILES + t] = *m;
                    }
                }
                self.add_products(block, count);
            }
        }
    }

    /// For each of the 16 numbers, channels x tiles times tiles x L.
    #[inline(always)]
    fn add_products(&mut self, block: usize, count: usize) {
        let channels = self.channels;
        for p in 0..TILE {
            let images = &self.transformed[p * TILES * channels..][..count * channels];
            let cotangents = &self.cotangents[p * TILES..][..count];
            let sums = &mut self.sums[(block * TILE + p) * channels..][..channels];
            for (d, sums) in sums.chunks_exact_mut(DEPTH).enumerate() {
                let mut local = [[E::ZERO; L]; DEPTH];
                local.copy_from_slice(sums);
                for (row, g) in images.chunks_exact(channels).zip(cotangents) {
                    let entries = &row[d * DEPTH..][..DEPTH];
                    for r in 0..DEPTH {
                        let v = entries[r];
                        for l in 0..L {
                            local[r][l] = v.mul_add(g[l], local[r][l]);
                        }
                    }
                }
                sums.copy_from_slice(&local);
            }
        }
    }

    /// Adds the sums to `total`, and begins anew.
    #[inline(always)]
    pub fn take(&mut self, total: &mut [[f64; L]]) {
        let channels = self.channels;
        let mut kernel = [[E::ZERO; L]; 9];
        let blocks = self.sums.chunks_exact_mut(TILE * channels).zip(total.chunks_exact_mut(9 * channels));
        for (sums, total) in blocks {
            for c in 0..channels {
                lanes!(4 to 3, gradient, (i, j) => &sums[(i * SIDE + j) * channels + c], kernel);
                for (k, w) in kernel.iter().enumerate() {
                    for (t, w) in total[k * channels + c].iter_mut().zip(w) {
                        *t += w.to_f64();
                    }
                }
            }
            sums.fill([E::ZERO; L]);
        }
    }
}
