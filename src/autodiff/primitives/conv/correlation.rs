//! The roles `Output` and `Input`: weights moved over a signal.
//!
//! Both are correlations with stride 1 in what is stored: each result at (y, x) is a sum over kernel rows of dot products
//! of contiguous runs. A sample (of one group of channels) is copied into a scratch with zeros around it, channels
//! fastest, so that one row of a kernel meets one run of numbers. The weights are laid out once a call in panels of `L`
//! result channels side by side, in the order of the run.
//!
//! The gradient in the image with stride S falls into S x S phases: image rows y with (y + P) mod S = a see the kernel's
//! rows a, a + S, ... alone, and among them it is a correlation of G with those rows in reverse order. The output is
//! the case of one phase.
//!
//! With gaps between its columns, a row of a kernel meets as many runs as it has columns, each of the channels alone.
//!
//! A kernel of 3 x 3 with stride 1 between many channels is computed by [`winograd`], from the same scratch and panels.
//!
//! Places are taken `PLACES` at a time, so that `PLACES` x `L` sums stay in registers; each is a chain of fused
//! multiply-adds in a fixed order, whatever the machine.

use super::{Conv, Role, winograd};
use crate::autodiff::{Element, elementary::vectorised};
use crate::base::parallel;

/// Places computed together: 5 x 16 sums in f32 fill 10 of AVX2's 16 registers. With 6 the compiler runs out of them and
/// a fifth of the speed is lost.
const PLACES: usize = 5;

/// Where a result is read from and written to, in a sample.
#[derive(Clone, Copy)]
struct Place {
    /// Start of the first run in the scratch.
    from: usize,
    /// Column of the result.
    to: usize,
}

/// Results that see the same part of the kernel.
struct Phase<E, const L: usize> {
    /// Numbers in a run: the part's columns times the group's channels.
    run: usize,
    /// Where the runs start, after the first.
    offsets: Vec<usize>,
    /// For each group and block of L result channels: the weights, run after run.
    panels: Vec<[E; L]>,
    places: Vec<Place>,
    /// The panels for [`winograd`], where it is used.
    filters: Vec<[E; L]>,
}

/// A signal of one group with zeros around it.
struct Scratch {
    /// Channels of a group, and the number of groups.
    channels: usize,
    groups: usize,
    /// The signal's rows and columns.
    size: [usize; 2],
    /// Rows and columns before the signal.
    before: [usize; 2],
    /// Rows and columns altogether.
    padded: [usize; 2],
}

impl Scratch {
    /// Whether a sample is its own scratch.
    fn plain(&self) -> bool {
        self.groups == 1 && self.padded == self.size
    }

    fn len(&self) -> usize {
        self.padded[0] * self.padded[1] * self.channels
    }

    /// Copies one group of a sample into the middle of `scratch`.
    fn fill<E: Copy>(&self, sample: &[E], group: usize, scratch: &mut [E]) {
        let (channels, all) = (self.channels, self.channels * self.groups);
        let rows = scratch.chunks_exact_mut(self.padded[1] * channels).skip(self.before[0]);
        for (row, from) in rows.zip(sample.chunks_exact(self.size[1] * all)) {
            let row = &mut row[self.before[1] * channels..][..self.size[1] * channels];
            if self.groups == 1 {
                row.copy_from_slice(from);
                continue;
            }
            for (to, from) in row.chunks_exact_mut(channels).zip(from.chunks_exact(all)) {
                to.copy_from_slice(&from[group * channels..][..channels]);
            }
        }
    }
}

/// `out (+)=` the role `Output` or `Input` of `conv` for weights and a signal.
pub(super) fn correlate<E: Element, const L: usize>(
    conv: &Conv,
    weights: &[E],
    signal: &[E],
    accumulate: bool,
    out: &mut [E],
) {
    let geometry = &conv.geometry;
    let (scratch, phases) = match conv.role {
        Role::Input => image_phases::<E, L>(conv, weights),
        _ => output_phases::<E, L>(conv, weights),
    };
    let (rows, columns) = match conv.role {
        Role::Input => (geometry.window.channels, geometry.window.positions()),
        _ => (geometry.outputs, geometry.window.outputs()),
    };
    let (read, written) =
        (scratch.size[0] * scratch.size[1] * scratch.channels * scratch.groups, rows * columns);
    let task = conv.samples_a_task(out.len() / written.max(1));
    let size = match conv.role {
        Role::Input => [geometry.window.height, geometry.window.width],
        _ => geometry.window.places(),
    };
    let together = conv.samples_together();
    let run = |(out, signal): (&mut [E], &[E])| {
        samples(&scratch, &phases, together, signal, read, rows, size, accumulate, out);
    };
    if out.len() <= task * written {
        run((out, signal));
    } else {
        parallel::parts_mut(out, task * written, &|i, out| {
            let from = i * task * read;
            run((out, &signal[from..signal.len().min(from + task * read)]));
        });
    }
}

/// The panels of one phase: the weight of each result channel for every tap of the run, zero beyond the channels. `taps` says
/// where those of the first channel of the first group lie, `steps` how far it is to the next group and the next channel.
fn panels<E: Element, const L: usize>(
    groups: usize,
    results: usize,
    taps: &[usize],
    steps: [usize; 2],
    weights: &[E],
) -> Vec<[E; L]> {
    let (blocks, length) = (results.div_ceil(L), taps.len());
    let mut panels = vec![[E::ZERO; L]; groups * blocks * length];
    if length == 0 {
        return panels;
    }
    for (i, panel) in panels.chunks_exact_mut(length).enumerate() {
        let (group, first) = (i / blocks, i % blocks * L);
        let start = group * steps[0] + first * steps[1];
        for (tap, lanes) in taps.iter().zip(panel) {
            let own = weights[start + tap..].iter().step_by(steps[1]);
            lanes.iter_mut().take(results - first).zip(own).for_each(|(lane, w)| *lane = *w);
        }
    }
    panels
}

/// The outputs: one phase, the whole kernel.
fn output_phases<E: Element, const L: usize>(conv: &Conv, weights: &[E]) -> (Scratch, Vec<Phase<E, L>>) {
    let geometry = &conv.geometry;
    let (window, depth) = (&geometry.window, geometry.weights().rows);
    let (channels, outputs) = (geometry.group_channels(), geometry.group_outputs());
    let mut padded = window.padded();
    if winograd::pays(conv) {
        padded = wider(padded, winograd::room([0; 2], window.places()));
    }
    let scratch = Scratch {
        channels,
        groups: geometry.groups,
        size: [window.height, window.width],
        before: window.padding,
        padded,
    };
    let run = window.kernel[1] * channels;
    let tap = |t: usize| geometry.row(t % channels, [t / run, t % run / channels]);
    let taps: Vec<usize> = (0..window.kernel[0] * run).map(tap).collect();
    let panels = panels(geometry.groups, outputs, &taps, [outputs * depth, depth], weights);
    // Runs of a kernel row, and of each of its columns where there are gaps between them.
    let (run, gaps) = if window.dilation[1] == 1 { (run, 1) } else { (channels, window.kernel[1]) };
    let offset =
        |i: usize, j: usize| (i * window.dilation[0] * padded[1] + j * window.dilation[1]) * channels;
    let offsets = (0..window.kernel[0]).flat_map(|i| (0..gaps).map(move |j| offset(i, j))).collect();
    let [rows, columns] = window.places();
    let place = |to: usize| {
        let (y, x) = (to / columns, to % columns);
        let from = (y * window.stride[0] * padded[1] + x * window.stride[1]) * channels;
        Place { from, to }
    };
    let filters = filters(conv, &panels, channels);
    (scratch, vec![Phase { run, offsets, panels, places: (0..rows * columns).map(place).collect(), filters }])
}

/// The larger of each.
fn wider(a: [usize; 2], b: [usize; 2]) -> [usize; 2] {
    [a[0].max(b[0]), a[1].max(b[1])]
}

/// The panels as [`winograd`] needs them, where it is used.
fn filters<E: Element, const L: usize>(conv: &Conv, panels: &[[E; L]], channels: usize) -> Vec<[E; L]> {
    if winograd::pays(conv) { winograd::filters(panels, channels) } else { Vec::new() }
}

/// The gradient in the image: one phase for each remainder by the stride.
fn image_phases<E: Element, const L: usize>(conv: &Conv, weights: &[E]) -> (Scratch, Vec<Phase<E, L>>) {
    let geometry = &conv.geometry;
    let (window, depth) = (&geometry.window, geometry.weights().rows);
    let (channels, outputs) = (geometry.group_channels(), geometry.group_outputs());
    let (stride, padding, size) = (window.stride, window.padding, window.places());
    // Image row y meets kernel row i at place q - e with q = (y + P - a) / S, e = (i D - a) / S.
    let dilation = window.dilation;
    let before = [0, 1].map(|axis| (window.kernel[axis] - 1) * dilation[axis] / stride[axis]);
    let sides = [window.height, window.width];
    let mut padded = [0, 1].map(|axis| {
        let last = (sides[axis] - 1 + padding[axis]) / stride[axis];
        before[axis] + size[axis].max(last + 1)
    });
    if winograd::pays(conv) {
        padded = wider(padded, winograd::room(padding, sides));
    }
    let scratch = Scratch { channels: outputs, groups: geometry.groups, size, before, padded };
    let mut phases = Vec::new();
    for a in (0..stride[0]).flat_map(|a| (0..stride[1]).map(move |b| [a, b])) {
        // The kernel rows that these image rows meet, a, a + S, ... without gaps, in reverse order; and how many places
        // each comes after the first of them.
        let taps = [0, 1].map(|axis| {
            let meets = |i: &usize| i * dilation[axis] % stride[axis] == a[axis];
            (0..window.kernel[axis]).rev().filter(meets).collect::<Vec<usize>>()
        });
        let late = |axis: usize, i: usize| i * dilation[axis] / stride[axis];
        let farthest = [0, 1].map(|axis| taps[axis].first().map_or(0, |i| late(axis, *i)));
        let run = taps[1].len() * outputs;
        let tap = |t: usize| {
            let at = [taps[0][t / run], taps[1][t % run / outputs]];
            t % outputs * depth + geometry.row(0, at)
        };
        let all: Vec<usize> = (0..taps[0].len() * run).map(tap).collect();
        let steps = [outputs * depth, geometry.row(1, [0, 0])];
        let panels = panels(geometry.groups, channels, &all, steps, weights);
        let (run, columns) =
            if dilation[1] == 1 { (run, &taps[1][..taps[1].len().min(1)]) } else { (outputs, &taps[1][..]) };
        let offset = |i: usize, j: usize| {
            ((farthest[0] - late(0, i)) * padded[1] + farthest[1] - late(1, j)) * outputs
        };
        let offsets = taps[0].iter().flat_map(|i| columns.iter().map(move |j| offset(*i, *j))).collect();
        let along =
            |axis: usize| (0..sides[axis]).filter(move |y| (y + padding[axis]) % stride[axis] == a[axis]);
        let start = |axis: usize, y: usize| {
            (y + padding[axis] - a[axis]) / stride[axis] + before[axis] - farthest[axis]
        };
        let mut places = Vec::new();
        for y in along(0) {
            let row = if taps[0].is_empty() { 0 } else { start(0, y) * padded[1] };
            for x in along(1) {
                let column = if taps[1].is_empty() { 0 } else { start(1, x) };
                places.push(Place { from: (row + column) * outputs, to: y * window.width + x });
            }
        }
        let filters = filters(conv, &panels, outputs);
        phases.push(Phase { run, offsets, panels, places, filters });
    }
    (scratch, phases)
}

/// All samples of one task.
#[expect(clippy::too_many_arguments, reason = "what a task reads, and where it writes")]
fn samples<E: Element, const L: usize>(
    scratch: &Scratch,
    phases: &[Phase<E, L>],
    together: usize,
    signal: &[E],
    read: usize,
    rows: usize,
    size: [usize; 2],
    accumulate: bool,
    out: &mut [E],
) {
    if let [Phase { filters, places, .. }] = phases
        && !filters.is_empty()
    {
        return by_tiles(scratch, filters, places[0].from, signal, read, rows, size, accumulate, out);
    }
    let columns = size[0] * size[1];
    // Places of several samples side by side: of each phase those of all samples.
    let together = together.min(out.len() / (rows * columns).max(1)).max(1);
    let stride = if scratch.plain() { read } else { scratch.len() };
    let all: Vec<Vec<Place>> =
        phases.iter().map(|phase| repeated(&phase.places, together, stride, columns)).collect();
    let mut padded = vec![E::ZERO; if scratch.plain() { 0 } else { together * stride }];
    let results = rows / scratch.groups;
    for (out, some) in out.chunks_mut(together * rows * columns).zip(signal.chunks(together * read)) {
        let samples = some.len() / read;
        for group in 0..scratch.groups {
            let x = if scratch.plain() {
                some
            } else {
                for (sample, padded) in some.chunks_exact(read).zip(padded.chunks_exact_mut(stride)) {
                    scratch.fill(sample, group, padded);
                }
                &padded[..]
            };
            for (phase, places) in phases.iter().zip(&all) {
                let blocks = results.div_ceil(L);
                let length = phase.panels.len() / (blocks * scratch.groups);
                let places = &places[..samples * phase.places.len()];
                for block in 0..blocks {
                    let panel = &phase.panels[(group * blocks + block) * length..][..length];
                    let first = group * results + block * L;
                    let lanes = (results - block * L).min(L);
                    // A function of its own, so that its sums get registers.
                    vectorised(
                        #[inline(always)]
                        || {
                            for places in places.chunks(PLACES) {
                                // A last, shorter group computes its last place several times over.
                                let mut from = [0; PLACES];
                                for (r, from) in from.iter_mut().enumerate() {
                                    *from = places[r.min(places.len() - 1)].from;
                                }
                                let sums = dots(x, from, &phase.offsets, panel, phase.run);
                                for (place, sums) in places.iter().zip(&sums) {
                                    let out = &mut out[place.to * rows + first..][..lanes];
                                    store(sums, accumulate, out);
                                }
                            }
                        },
                    );
                }
            }
        }
    }
}

/// The places of so many samples, one after the other: `stride` numbers are read and `columns` written for each.
fn repeated(places: &[Place], samples: usize, stride: usize, columns: usize) -> Vec<Place> {
    let of = |i: usize| {
        places.iter().map(move |place| Place { from: place.from + i * stride, to: place.to + i * columns })
    };
    (0..samples).flat_map(of).collect()
}

/// The same by [`winograd`].
#[expect(clippy::too_many_arguments, reason = "what a task reads, and where it writes")]
fn by_tiles<E: Element, const L: usize>(
    scratch: &Scratch,
    filters: &[[E; L]],
    first: usize,
    signal: &[E],
    read: usize,
    rows: usize,
    size: [usize; 2],
    accumulate: bool,
    out: &mut [E],
) {
    let (together, stride) = (winograd::together(size), scratch.len());
    let mut padded = vec![E::ZERO; together * stride];
    let mut tiles = winograd::Scratch::new(scratch.channels);
    let groups = out.chunks_mut(together * rows * size[0] * size[1]).zip(signal.chunks(together * read));
    for (out, signals) in groups {
        for (sample, padded) in signals.chunks_exact(read).zip(padded.chunks_exact_mut(stride)) {
            scratch.fill(sample, 0, padded);
        }
        let (numbers, samples) = (&padded[first..], signals.len() / read);
        let (width, channels) = (scratch.padded[1], scratch.channels);
        let images = winograd::Images { numbers, width, channels, size, stride, samples };
        winograd::correlate(&images, filters, rows, accumulate, &mut tiles, out);
    }
}

#[inline(always)]
pub(super) fn store<E: Element, const L: usize>(sums: &[E; L], accumulate: bool, out: &mut [E]) {
    match (accumulate, <&mut [E; L]>::try_from(&mut *out)) {
        (false, Ok(out)) => *out = *sums,
        (false, Err(_)) => out.iter_mut().zip(sums).for_each(|(o, s)| *o = *s),
        (true, _) => out.iter_mut().zip(sums).for_each(|(o, s)| *o += *s),
    }
}

/// For each place, the sums over all runs of x times L weights.
#[inline(always)]
fn dots<E: Element, const L: usize>(
    x: &[E],
    from: [usize; PLACES],
    offsets: &[usize],
    panel: &[[E; L]],
    run: usize,
) -> [[E; L]; PLACES] {
    let mut sums = [[E::ZERO; L]; PLACES];
    for (offset, weights) in offsets.iter().zip(panel.chunks_exact(run.max(1))) {
        let mut runs = [&x[..0]; PLACES];
        for r in 0..PLACES {
            runs[r] = &x[from[r] + offset..][..weights.len()];
        }
        for t in 0..weights.len() {
            for r in 0..PLACES {
                let v = runs[r][t];
                for l in 0..L {
                    sums[r][l] = v.mul_add(weights[t][l], sums[r][l]);
                }
            }
        }
    }
    sums
}
