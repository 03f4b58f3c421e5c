//! Numbers copied, repeated and added up along strides: `out[to + sum_k i_k to_k] += x[from + sum_k i_k from_k]` over all
//! index tuples i, on a result of zeros.
//!
//! One form covers what moves numbers about in tensors of any rank: permutations and transposes, slices and selections,
//! flips, repetition (`from_k` = 0), sums over axes (`to_k` = 0), padding, windows, and the adjoint of each, which is the
//! form itself with both sides exchanged. It is linear, so tangent and value are the same loop.
//!
//! Where no two index tuples write the same number the result is cut into parts that are computed at once; sums
//! accumulate in f64.

use super::share::share;
use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View, elementary::vectorised};

/// One index of the form: how often it counts, and how far a step moves in the input and in the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Number of values of the index.
    pub length: usize,
    /// Numbers from one value to the next in the input.
    pub from: isize,
    /// Numbers from one value to the next in the result.
    pub to: isize,
}

/// Numbers moved along strides. Made by [`Strided::new`].
#[derive(Clone, Debug, PartialEq)]
pub struct Strided {
    /// Axes along which the result moves, the slowest in the result first.
    kept: Vec<Axis>,
    /// Axes that are added up, the slowest in the input first.
    summed: Vec<Axis>,
    /// The kept axes in the order in which they are walked, and the place of the first kept axis among them.
    order: (Vec<Axis>, usize),
    from: isize,
    to: isize,
    /// First and last number of the input that is read; none where nothing is.
    read: Option<(isize, isize)>,
    /// Whether two index tuples that differ in kept axes may write the same number.
    overlaps: bool,
    /// Whether every number of the result is written.
    covers: bool,
    shape: Shape,
}

/// Rows and columns of a transposed plane moved together, so that what is read and what is written both stay in cache.
const TILE: usize = 16;
/// Sums computed side by side.
const LANES: usize = 64;
/// Chains in which a run of numbers is added, so that they overlap.
const CHAINS: usize = 8;

/// Axes of length 1 left out and neighbours joined that step as one.
fn merged(axes: &[Axis]) -> Vec<Axis> {
    let mut merged: Vec<Axis> = Vec::new();
    for axis in axes {
        match merged.last_mut() {
            Some(outer)
                if outer.from == axis.from * axis.length as isize
                    && outer.to == axis.to * axis.length as isize =>
            {
                *outer = Axis { length: outer.length * axis.length, ..*axis };
            }
            _ => merged.push(*axis),
        }
    }
    merged
}

impl Strided {
    /// The form with the given axes, offsets in the input and in the result, and shape of the result. Panics where it
    /// would write outside the result.
    pub fn new(axes: &[Axis], from: isize, to: isize, shape: Shape) -> Self {
        let empty = axes.iter().any(|a| a.length == 0);
        let mut axes: Vec<Axis> = axes.iter().copied().filter(|a| a.length != 1 && !empty).collect();
        let (mut from, mut to) = (from, to);
        for axis in &mut axes {
            if axis.to < 0 || (axis.to == 0 && axis.from < 0) {
                from += axis.from * (axis.length as isize - 1);
                to += axis.to * (axis.length as isize - 1);
                (axis.from, axis.to) = (-axis.from, -axis.to);
            }
        }
        axes.sort_by_key(|a| (-a.to, -a.from));
        let (kept, summed): (Vec<Axis>, Vec<Axis>) = axes.iter().partition(|a| a.to != 0);
        let (kept, summed) = (merged(&kept), merged(&summed));
        // Beyond what the faster axes reach, a slower one meets nothing that they have written.
        let (mut reach, mut overlaps) = (1, false);
        for axis in kept.iter().rev() {
            overlaps |= axis.to < reach;
            reach += axis.to * (axis.length as isize - 1);
        }
        let count: usize = if empty { 0 } else { kept.iter().map(|a| a.length).product() };
        let size = shape.size() as isize;
        assert!(empty || (to >= 0 && to + reach <= size), "{axes:?} from {to} write outside {shape:?}");
        let read = (!empty).then(|| {
            let far = |a: &Axis| a.from * (a.length as isize - 1);
            let all = || kept.iter().chain(&summed).map(far);
            (from + all().map(|f| f.min(0)).sum::<isize>(), from + all().map(|f| f.max(0)).sum::<isize>())
        });
        let covers = !overlaps && count == shape.size();
        // The axis that is fastest in the input comes next to the one that is fastest in the result.
        let mut order = kept.clone();
        let mut first = 0;
        if let Some(last) = order.len().checked_sub(1).filter(|last| order[*last].from.abs() != 1)
            && let Some(fast) = order[..last].iter().position(|a| a.from.abs() == 1)
        {
            let axis = order.remove(fast);
            order.insert(last - 1, axis);
            first = if fast == 0 { last - 1 } else { 0 };
        }
        Self { kept, summed, order: (order, first), from, to, read, overlaps, covers, shape }
    }

    /// Shape of the result.
    pub fn to_shape(&self) -> Shape {
        self.shape
    }

    /// Whether the result is the input, number for number, of `size` numbers.
    pub fn is_identity(&self, size: usize) -> bool {
        let whole = match self.kept[..] {
            [] => size == 1,
            [axis] => axis.from == 1 && axis.to == 1 && axis.length == size,
            _ => false,
        };
        whole && self.covers && self.summed.is_empty() && self.from == 0
    }

    /// How many numbers of the input are added up to each of the result, where that is the same for all.
    pub fn terms(&self) -> Option<usize> {
        self.covers.then(|| self.summed.iter().map(|a| a.length).product())
    }

    /// The length of a column, where the form adds up all columns of a matrix of `size` numbers.
    pub fn sums_columns(&self, size: usize) -> Option<usize> {
        let (&[kept], &[summed]) = (&self.kept[..], &self.summed[..]) else { return None };
        let rows = kept.length;
        let all = rows * summed.length == size && summed.from == rows as isize;
        (all && self.covers && kept.from == 1 && self.from == 0).then_some(rows)
    }

    /// The form with input and result exchanged, for inputs of `shape`.
    pub fn adjoint(&self, shape: Shape) -> Self {
        if self.read.is_none() {
            return Self::new(&[Axis { length: 0, from: 1, to: 1 }], 0, 0, shape);
        }
        let turn = |a: &Axis| Axis { length: a.length, from: a.to, to: a.from };
        let axes: Vec<Axis> = self.kept.iter().chain(&self.summed).map(turn).collect();
        Self::new(&axes, self.to, self.from, shape)
    }

    fn apply<E: Element>(&self, x: &[E], out: &mut [E]) {
        if self.read.is_none() {
            return out.fill(E::ZERO);
        }
        if !self.covers {
            out.fill(E::ZERO);
            return self.part(x, out, self.from, self.to, None);
        }
        let unit = self.kept.first().map_or(1, |a| a.to as usize);
        let step = self.kept.first().map_or(0, |a| a.from);
        share(out, unit, |start, part| {
            let from = self.from + (start / unit) as isize * step;
            self.part(x, part, from, 0, Some(part.len() / unit));
        });
    }

    /// The part of the result in which the slowest axis takes `count` values, all of them by default.
    fn part<E: Element>(&self, x: &[E], out: &mut [E], from: isize, to: isize, count: Option<usize>) {
        let (order, first) = &self.order;
        let restricted;
        let axes = match count {
            Some(count) if order.get(*first).is_some_and(|a| a.length != count) => {
                let mut axes = order.clone();
                axes[*first].length = count;
                restricted = axes;
                &restricted[..]
            }
            _ => &order[..],
        };
        if self.summed.is_empty() {
            return Copy { x, adds: self.overlaps }.walk(axes, from, to, out);
        }
        Sum { x, summed: &self.summed, adds: self.overlaps }.walk(axes, from, to, out);
    }
}

/// Copies without sums.
struct Copy<'a, E> {
    x: &'a [E],
    /// Whether numbers are added to what is there.
    adds: bool,
}

impl<E: Element> Copy<'_, E> {
    fn walk(&self, axes: &[Axis], from: isize, to: isize, out: &mut [E]) {
        match axes {
            [] => self.set(&mut out[to as usize], self.x[from as usize]),
            [line] => self.line(*line, from, to, out),
            [outer, inner] if outer.from.abs() == 1 && inner.from.abs() != 1 && inner.from != 0 => {
                self.plane(*outer, *inner, from, to, out);
            }
            [axis, rest @ ..] => {
                for i in 0..axis.length as isize {
                    self.walk(rest, from + i * axis.from, to + i * axis.to, out);
                }
            }
        }
    }

    #[inline(always)]
    fn set(&self, out: &mut E, x: E) {
        *out = if self.adds { *out + x } else { x };
    }

    #[inline(always)]
    fn line(&self, axis: Axis, from: isize, to: isize, out: &mut [E]) {
        let (length, start) = (axis.length, from as usize);
        if axis.to != 1 {
            let out = out[to as usize..].iter_mut().step_by(axis.to as usize).take(length);
            match axis.from {
                f if f > 0 => {
                    let x = self.x[start..].iter().step_by(f as usize);
                    out.zip(x).for_each(|(o, x)| self.set(o, *x));
                }
                f => {
                    for (i, o) in out.enumerate() {
                        self.set(o, self.x[(from + i as isize * f) as usize]);
                    }
                }
            }
            return;
        }
        let out = &mut out[to as usize..][..length];
        match axis.from {
            1 if !self.adds => out.copy_from_slice(&self.x[start..][..length]),
            0 if !self.adds => out.fill(self.x[start]),
            f if f > 0 => {
                let x = self.x[start..].iter().step_by(f as usize);
                out.iter_mut().zip(x).for_each(|(o, x)| self.set(o, *x));
            }
            f => {
                for (i, o) in out.iter_mut().enumerate() {
                    self.set(o, self.x[(from + i as isize * f) as usize]);
                }
            }
        }
    }

    /// A plane whose outer axis is fast in the input and whose inner axis is fast in the result, tile by tile.
    fn plane(&self, outer: Axis, inner: Axis, from: isize, to: isize, out: &mut [E]) {
        for i in (0..outer.length).step_by(TILE) {
            for j in (0..inner.length).step_by(TILE) {
                let axis = Axis { length: TILE.min(inner.length - j), ..inner };
                let (from, to) = (from + j as isize * inner.from, to + j as isize * inner.to);
                for i in i as isize..outer.length.min(i + TILE) as isize {
                    self.line(axis, from + i * outer.from, to + i * outer.to, out);
                }
            }
        }
    }
}

/// Copies of sums.
struct Sum<'a, E> {
    x: &'a [E],
    summed: &'a [Axis],
    /// Whether numbers are added to what is there.
    adds: bool,
}

impl<E: Element> Sum<'_, E> {
    fn walk(&self, axes: &[Axis], from: isize, to: isize, out: &mut [E]) {
        match axes {
            [] => {
                let total = E::from_f64(self.total(self.summed, from));
                let out = &mut out[to as usize];
                *out = if self.adds { *out + total } else { total };
            }
            // The kept axis that is fast in the input: many sums side by side.
            [axis] if axis.from == 1 && self.summed.iter().all(|s| s.from != 1) => {
                self.lanes(*axis, from, to, out);
            }
            [axis, last] if axis.from == 1 && self.summed.iter().all(|s| s.from != 1) => {
                for i in 0..last.length as isize {
                    self.lanes(*axis, from + i * last.from, to + i * last.to, out);
                }
            }
            [axis, rest @ ..] => {
                for i in 0..axis.length as isize {
                    self.walk(rest, from + i * axis.from, to + i * axis.to, out);
                }
            }
        }
    }

    /// One sum.
    fn total(&self, summed: &[Axis], from: isize) -> f64 {
        match summed {
            [] => self.x[from as usize].to_f64(),
            [axis] if axis.from == 1 => run(&self.x[from as usize..][..axis.length]),
            [axis, rest @ ..] => {
                (0..axis.length as isize).map(|i| self.total(rest, from + i * axis.from)).sum()
            }
        }
    }

    fn lanes(&self, axis: Axis, from: isize, to: isize, out: &mut [E]) {
        for first in (0..axis.length).step_by(LANES) {
            let mut totals = [0.0; LANES];
            let totals = &mut totals[..LANES.min(axis.length - first)];
            self.add(self.summed, from + first as isize, totals);
            let start = (to + first as isize * axis.to) as usize;
            for (o, t) in out[start..].iter_mut().step_by(axis.to as usize).zip(totals) {
                let total = E::from_f64(*t);
                *o = if self.adds { *o + total } else { total };
            }
        }
    }

    /// Adds a number to each of several sums that lie side by side in the input, for all that is summed.
    fn add(&self, summed: &[Axis], from: isize, totals: &mut [f64]) {
        match summed {
            [] => {}
            [axis] => vectorised(
                #[inline(always)]
                || {
                    for i in 0..axis.length as isize {
                        let x = &self.x[(from + i * axis.from) as usize..][..totals.len()];
                        totals.iter_mut().zip(x).for_each(|(t, x)| *t += x.to_f64());
                    }
                },
            ),
            [axis, rest @ ..] => {
                (0..axis.length as isize).for_each(|i| self.add(rest, from + i * axis.from, totals));
            }
        }
    }
}

/// The sum of a run of numbers.
fn run<E: Element>(x: &[E]) -> f64 {
    if x.len() < 4 * CHAINS {
        return x.iter().map(|x| x.to_f64()).sum();
    }
    vectorised(
        #[inline(always)]
        || {
            let (whole, rest) = x.as_chunks::<CHAINS>();
            let mut chains = [0.0; CHAINS];
            for x in whole {
                for (c, x) in chains.iter_mut().zip(x) {
                    *c += x.to_f64();
                }
            }
            chains.iter().sum::<f64>() + rest.iter().map(|x| x.to_f64()).sum::<f64>()
        },
    )
}

impl Rule for Strided {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        let size = inputs[0].size() as isize;
        let inside = self.read.is_none_or(|(low, high)| low >= 0 && high < size);
        assert!(inside, "{self:?} reads outside {:?}", inputs[0]);
        self.shape
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        self.apply(inputs[0].data, out);
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(da) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size().max(1)).enumerate() {
            self.apply(da.slab(j).data, out);
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, _which: usize) -> Node {
        let shape = tape.shape(inputs[0]);
        tape.moved(g, self.adjoint(shape))
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let example = |axes: &[(usize, isize, isize)], from, to, input: usize, output: usize| {
            let axes: Vec<Axis> = axes
                .iter()
                .map(|(length, from, to)| Axis { length: *length, from: *from, to: *to })
                .collect();
            (Self::new(&axes, from, to, Shape::new(output, 1)), vec![Shape::new(input, 1)])
        };
        vec![
            // A transpose, larger than a tile, and the axes 2 x 3 x 4 in reverse.
            example(&[(18, 1, 33), (33, 18, 1)], 0, 0, 594, 594),
            example(&[(4, 1, 6), (3, 4, 2), (2, 12, 1)], 0, 0, 24, 24),
            // A slice with steps, reversed; one that repeats; padding.
            example(&[(3, -8, 2), (2, 3, 1)], 17, 0, 21, 6),
            example(&[(4, 0, 6), (3, 2, 2), (2, 0, 1)], 1, 0, 6, 24),
            example(&[(2, 3, 5), (3, 1, 1)], 0, 6, 6, 20),
            // Sums over the first, the last, both and a middle axis, and of overlapping windows.
            example(&[(5, 4, 0), (4, 1, 1)], 0, 0, 20, 4),
            example(&[(3, 40, 1), (40, 1, 0)], 0, 0, 120, 3),
            example(&[(2, 12, 0), (3, 4, 1), (4, 1, 0)], 0, 0, 24, 3),
            example(&[(2, 70, 65), (5, 140, 0), (2, 350, 0), (65, 1, 1)], 2, 0, 1050, 130),
            example(&[(2, 12, 3), (4, 1, 0), (3, 4, 1)], 0, 0, 24, 7),
            example(&[(4, 1, 2), (3, 4, 1)], 0, 0, 12, 9),
            example(&[(4, 2, 1), (3, 1, 0)], 0, 0, 9, 4),
            example(&[], 2, 0, 3, 1),
        ]
    }
}
