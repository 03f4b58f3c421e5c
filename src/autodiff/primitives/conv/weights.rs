//! The role `Weight`: the gradient in the weights, a sum over samples and places.
//!
//! For each row of the kernel it is a product of two tall matrices: places x run (one run of the padded image, columns
//! times channels) and places x outputs. `ROWS` entries of the run by `L` outputs stay in registers while the places
//! go by.
//!
//! Sums over about [`GROUP`] places are chains of fused multiply-adds in the element type, as in a matrix product; those
//! are added in f64, in the order of the samples.

use super::{Conv, winograd};
use crate::autodiff::{Element, elementary::vectorised};
use crate::base::parallel;

/// Entries of a run computed together: 6 x 16 sums in f32 fill 12 of AVX2's 16 registers.
const ROWS: usize = 6;
/// Places that are added in the element type before the sums go to f64.
const GROUP: usize = 1024;
/// Most partial sums; each is as large as the weights.
const PARTS: usize = 64;

/// `out (+)=` the gradient in the weights for images and cotangents of the outputs.
pub(super) fn sum<E: Element, const L: usize>(
    conv: &Conv,
    x: &[E],
    g: &[E],
    accumulate: bool,
    out: &mut [E],
) {
    let geometry = &conv.geometry;
    let window = &geometry.window;
    let read = [window.channels * window.positions(), geometry.outputs * window.outputs()];
    let samples = x.len() / read[0].max(1);
    let task = conv.samples_a_task(samples).max(samples.div_ceil(PARTS)).max(1);
    let tiled = winograd::pays(conv);
    let part = |(x, g): (&[E], &[E])| {
        vectorised(
            #[inline(always)]
            || if tiled { part_by_tiles::<E, L>(conv, x, g) } else { part::<E, L>(conv, x, g) },
        )
    };
    let total = if samples <= task {
        part((x, g))
    } else {
        let parts: Vec<Vec<[f64; L]>> = parallel::map(samples.div_ceil(task), &|i| {
            part((nth(x, task * read[0], i), nth(g, task * read[1], i)))
        });
        let mut parts = parts.into_iter();
        let mut total = parts.next().unwrap_or_default();
        for part in parts {
            total.as_flattened_mut().iter_mut().zip(part.as_flattened()).for_each(|(t, p)| *t += p);
        }
        total
    };
    // From [group][block][i][j][channel][lane] to the weights' order.
    let (channels, outputs, depth) =
        (geometry.group_channels(), geometry.group_outputs(), geometry.weights().rows);
    let [height, width] = window.kernel;
    let (runs, tiled) = (runs(conv), self::tiled(conv));
    for (o, column) in out.chunks_exact_mut(depth).enumerate() {
        let (group, output) = (o / outputs, o % outputs);
        let tile = (group * outputs.div_ceil(L) + output / L) * runs.len() * tiled;
        for i in 0..height {
            for j in 0..width {
                let run =
                    if runs.len() == height { i * tiled + j * channels } else { (i * width + j) * tiled };
                for channel in 0..channels {
                    let value = total[tile + run + channel][output % L];
                    let out = &mut column[geometry.row(channel, [i, j])];
                    *out = if accumulate { *out } else { E::ZERO } + E::from_f64(value);
                }
            }
        }
    }
}

/// Columns of the kernel in a run: all of them, or one where there are gaps between them.
fn columns(conv: &Conv) -> usize {
    let window = &conv.geometry.window;
    if window.dilation[1] == 1 { window.kernel[1] } else { 1 }
}

/// Where the runs start in the padded image of a group, after the first.
fn runs(conv: &Conv) -> Vec<usize> {
    let (window, channels) = (&conv.geometry.window, conv.geometry.group_channels());
    let width = window.padded()[1];
    let start = |i: usize, j: usize| (i * window.dilation[0] * width + j * window.dilation[1]) * channels;
    let columns = (0..window.kernel[1]).step_by(columns(conv));
    (0..window.kernel[0]).flat_map(|i| columns.clone().map(move |j| start(i, j))).collect()
}

/// Length of a run, filled up to whole tiles.
fn tiled(conv: &Conv) -> usize {
    (columns(conv) * conv.geometry.group_channels()).next_multiple_of(ROWS)
}

/// The sum over the samples of one task.
#[inline(always)]
fn part<E: Element, const L: usize>(conv: &Conv, x: &[E], g: &[E]) -> Vec<[f64; L]> {
    let geometry = &conv.geometry;
    let window = &geometry.window;
    let (channels, outputs) = (geometry.group_channels(), geometry.group_outputs());
    let (places, blocks, runs, tiled) = (window.outputs(), outputs.div_ceil(L), runs(conv), tiled(conv));
    let padded = window.padded();
    let stride = padded[1] * channels;
    let room = padded[0] * stride;
    let [read, written] = [window.channels * window.positions(), geometry.outputs * places];
    let group_samples = (GROUP / places.max(1)).max(1);
    let together = conv.samples_together().min(group_samples).min(x.len() / read.max(1)).max(1);
    // The last tile of the last run may look beyond it; what it finds there goes into sums that nobody reads.
    let mut images = vec![E::ZERO; together * room + ROWS];
    let mut cotangents = vec![[E::ZERO; L]; blocks * together * places];
    let size = geometry.groups * blocks * runs.len() * tiled;
    let mut sums = vec![[E::ZERO; L]; size];
    let mut total = vec![[0.0f64; L]; size];
    // Where the window begins at each place of each sample.
    let [_, columns] = window.places();
    let start = |place: usize| {
        let (sample, y, x) = (place / places, place % places / columns, place % places % columns);
        sample * room + y * window.stride[0] * stride + x * window.stride[1] * channels
    };
    let starts: Vec<usize> = (0..together * places).map(start).collect();
    for (x, g) in x.chunks(group_samples * read).zip(g.chunks(group_samples * written)) {
        for (x, g) in x.chunks(together * read).zip(g.chunks(together * written)) {
            let count = g.len() / geometry.outputs;
            for group in 0..geometry.groups {
                for (x, image) in x.chunks_exact(read).zip(images.chunks_exact_mut(room)) {
                    let rows = image.chunks_exact_mut(stride).skip(window.padding[0]);
                    for (row, x) in rows.zip(x.chunks_exact(window.width * window.channels)) {
                        let row = row[window.padding[1] * channels..].chunks_exact_mut(channels);
                        for (to, from) in row.zip(x.chunks_exact(window.channels)) {
                            to.copy_from_slice(&from[group * channels..][..channels]);
                        }
                    }
                }
                for (place, g) in g.chunks_exact(geometry.outputs).enumerate() {
                    for (block, g) in g[group * outputs..][..outputs].chunks(L).enumerate() {
                        cotangents[block * count + place][..g.len()].copy_from_slice(g);
                    }
                }
                for block in 0..blocks {
                    let cotangents = &cotangents[block * count..][..count];
                    for (i, run) in runs.iter().enumerate() {
                        let sums = &mut sums[((group * blocks + block) * runs.len() + i) * tiled..][..tiled];
                        for (tile, sums) in sums.chunks_exact_mut(ROWS).enumerate() {
                            let from = run + tile * ROWS;
                            add_products(&images[from..], &starts, cotangents, sums);
                        }
                    }
                }
            }
        }
        for (total, sum) in total.as_flattened_mut().iter_mut().zip(sums.as_flattened_mut()) {
            *total += sum.to_f64();
            *sum = E::ZERO;
        }
    }
    total
}

/// The same by [`winograd`].
#[inline(always)]
fn part_by_tiles<E: Element, const L: usize>(conv: &Conv, x: &[E], g: &[E]) -> Vec<[f64; L]> {
    let window = &conv.geometry.window;
    let (channels, outputs, places) = (window.channels, conv.geometry.outputs, window.outputs());
    let (size, room) = (window.places(), winograd::room([0; 2], window.places()));
    let padded = [0, 1].map(|axis| window.padded()[axis].max(room[axis]));
    let (line, stride) = (padded[1] * channels, padded[0] * padded[1] * channels);
    let [read, written] = [channels * window.positions(), outputs * places];
    let together = winograd::together(size).min(x.len() / read);
    let mut numbers = vec![E::ZERO; together * stride];
    let mut cotangents = vec![[E::ZERO; L]; outputs / L * together * places];
    let mut sums = winograd::Gradient::new(channels, outputs);
    let mut total = vec![[0.0f64; L]; outputs / L * 9 * channels];
    let group = (GROUP / places).max(1);
    for (x, g) in x.chunks(group * read).zip(g.chunks(group * written)) {
        for (x, g) in x.chunks(together * read).zip(g.chunks(together * written)) {
            for (x, image) in x.chunks_exact(read).zip(numbers.chunks_exact_mut(stride)) {
                let rows = image.chunks_exact_mut(line).skip(window.padding[0]);
                for (row, x) in rows.zip(x.chunks_exact(window.width * channels)) {
                    row[window.padding[1] * channels..][..x.len()].copy_from_slice(x);
                }
            }
            let samples = x.len() / read;
            for (place, g) in g.chunks_exact(outputs).enumerate() {
                for (block, g) in g.chunks_exact(L).enumerate() {
                    cotangents[block * samples * places + place].copy_from_slice(g);
                }
            }
            let images =
                winograd::Images { numbers: &numbers, width: padded[1], channels, size, stride, samples };
            sums.add(&images, &cotangents);
        }
        sums.take(&mut total);
    }
    total
}

/// Adds, for [`ROWS`] entries of a run by L outputs, the products over all places.
#[inline(always)]
fn add_products<E: Element, const L: usize>(
    image: &[E],
    places: &[usize],
    cotangents: &[[E; L]],
    sums: &mut [[E; L]],
) {
    let Ok(sums) = <&mut [[E; L]; ROWS]>::try_from(sums) else { return };
    let mut local = *sums;
    for (from, g) in places.iter().zip(cotangents) {
        let entries = &image[*from..][..ROWS];
        for r in 0..ROWS {
            let v = entries[r];
            for l in 0..L {
                local[r][l] = v.mul_add(g[l], local[r][l]);
            }
        }
    }
    *sums = local;
}

/// The i-th part of so many numbers.
fn nth<E>(all: &[E], size: usize, i: usize) -> &[E] {
    &all[i * size..all.len().min((i + 1) * size)]
}
