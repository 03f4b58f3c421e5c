//! Which hidden units of a graph may change places: the permutations that leave its loss alone, found on its tape.
//!
//! Every number on the tape is marked: with the *unit* that it belongs to, which moves it, or as *content*, which stays where
//! it is whatever moves; equal contents have equal values. Products with parameters make new units and note where along the
//! parameter's axes they lie; what is added, multiplied or mapped number by number belongs together; a batched product makes
//! units of its heads. Whatever an entry does that none of this describes holds its units where they are. Every entry also notes
//! which units it has seen, so that only units that pass through the same ones change places.
//!
//! The result is tried: with units in another order the loss must be the same.

use super::heads::evaluated;
use crate::autodiff::primitives::{Conv, Primitive, Role};
use crate::autodiff::{Node, Shape, Tape};
use crate::nn::layout::Layout;
use crate::nn::units::{FIXED, Site, Ties, Units};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Marks of numbers: a unit, or content where the highest bit is set.
type Marks = Arc<[u32]>;
const CONTENT: u32 = 1 << 31;
/// The content that is zero.
const ZERO: u32 = CONTENT;
/// Most numbers that are marked.
const MOST: usize = 1 << 27;

fn is_unit(mark: u32) -> bool {
    mark & CONTENT == 0
}

/// The units of a tape recorded for so many samples, up to its loss; none where there would be too many numbers.
pub fn ties(tape: &Tape, loss: Node, samples: usize, layout: &Layout) -> Option<Ties> {
    let mut walk = Walk {
        tape,
        samples,
        layout,
        ties: Ties::default(),
        marks: vec![None; tape.nodes().count()],
        contents: 0,
        values: HashMap::new(),
        tables: BTreeMap::new(),
        own: BTreeMap::new(),
    };
    let needed = walk.needed(loss);
    let all = needed.iter().map(|n| tape.shape(*n).size()).fold(0, usize::saturating_add);
    if all > MOST {
        return None;
    }
    for node in needed {
        let marks = walk.mark(node);
        walk.seen(&marks);
        walk.marks[node.index()] = Some(marks);
    }
    walk.hold(loss);
    Some(walk.finished())
}

struct Walk<'a> {
    tape: &'a Tape,
    samples: usize,
    layout: &'a Layout,
    ties: Ties,
    marks: Vec<Option<Marks>>,
    contents: u32,
    /// Contents of numbers that are known.
    values: HashMap<u64, u32>,
    /// For axes of parameters the unit at each index.
    tables: BTreeMap<(usize, usize), Vec<u32>>,
    /// Marks of parameters that are used number by number.
    own: BTreeMap<usize, Marks>,
}

impl Walk<'_> {
    /// What the loss is computed from, in order; weights of products are looked at with these.
    fn needed(&self, loss: Node) -> Vec<Node> {
        let (mut found, mut open) = (BTreeSet::new(), vec![loss]);
        while let Some(node) = open.pop() {
            if !found.insert(node) {
                continue;
            }
            let record = self.tape.record(node);
            match self.weights(node) {
                Some((which, _)) => open.push(record.inputs[1 - which]),
                None => open.extend(&record.inputs),
            }
        }
        found.into_iter().collect()
    }

    /// Which operand of a product is a parameter, and where its numbers lie in theta.
    fn weights(&self, node: Node) -> Option<(usize, Vec<usize>)> {
        let record = self.tape.record(node);
        let operands = match record.op {
            Primitive::MatMul(_) => 0..2,
            Primitive::Conv(Conv { role: Role::Output | Role::Input, .. }) => 0..1,
            _ => return None,
        };
        operands.into_iter().find_map(|i| Some((i, super::heads::positions(self.tape, record.inputs[i])?)))
    }

    fn content(&mut self) -> u32 {
        self.contents += 1;
        CONTENT | self.contents
    }

    fn contents(&mut self, count: usize) -> Marks {
        (0..count).map(|_| self.content()).collect()
    }

    fn of(&self, node: Node) -> Marks {
        self.marks[node.index()].clone().unwrap_or_default()
    }

    fn same(&self, a: u32, b: u32) -> bool {
        a == b || is_unit(a) && is_unit(b) && self.ties.root(a) == self.ties.root(b)
    }

    fn unite(&mut self, a: u32, b: u32) {
        self.ties.unite(&Arc::from([a]), &Arc::from([b]));
    }

    fn hold_all(&mut self, marks: &[u32]) {
        for mark in marks.iter().filter(|m| is_unit(**m)) {
            if self.ties.root(*mark) != FIXED {
                self.unite(*mark, FIXED);
            }
        }
    }

    fn hold(&mut self, node: Node) {
        let marks = self.of(node);
        self.hold_all(&marks);
    }

    /// Notes which units an entry has.
    fn seen(&mut self, marks: &[u32]) {
        let units: BTreeSet<u32> = marks.iter().copied().filter(|m| is_unit(*m) && *m != FIXED).collect();
        if !units.is_empty() {
            let units: Units = units.into_iter().collect();
            let all = units.len();
            self.ties.within_runs(&units, all);
        }
    }

    /// The mark of each row, where all columns have the same; others are held, and content.
    fn by_rows(&mut self, node: Node) -> Vec<u32> {
        let (marks, Shape { rows, cols }) = (self.of(node), self.tape.shape(node));
        (0..rows)
            .map(|r| {
                let column: Vec<u32> = (0..cols).map(|c| marks[c * rows + r]).collect();
                if column.iter().all(|m| self.same(*m, column[0])) {
                    column[0]
                } else {
                    self.hold_all(&column);
                    self.content()
                }
            })
            .collect()
    }

    /// Whether all numbers of each column are of one unit.
    fn one_a_column(&self, node: Node) -> bool {
        let (marks, rows) = (self.of(node), self.tape.shape(node).rows);
        marks.chunks(rows.max(1)).all(|c| is_unit(c[0]) && c.iter().all(|m| self.same(*m, c[0])))
    }

    fn mark(&mut self, node: Node) -> Marks {
        let record = self.tape.record(node).clone();
        let size = record.shape.size();
        let Shape { rows, cols } = record.shape;
        match &record.op {
            Primitive::Parameter(offset) => self.parameter(*offset, size),
            Primitive::State(offset) => {
                let found = self.layout.buffers.iter().position(|b| b.offset == *offset && b.size == size);
                match found {
                    Some(buffer) => {
                        let units = self.ties.fresh(size);
                        self.ties.sites.push((Site::Buffer(buffer), units.clone()));
                        units
                    }
                    None => self.contents(size),
                }
            }
            Primitive::Fill(x) => vec![self.value(*x); size].into(),
            Primitive::Constant(numbers) => numbers.0.iter().map(|x| self.value(*x)).collect(),
            Primitive::Input(_) => self.contents(size),
            Primitive::Scale(_) | Primitive::Map(_) => {
                let mut renewed = HashMap::new();
                let marks = self.of(record.inputs[0]);
                let new = |m: &u32| {
                    if is_unit(*m) { *m } else { *renewed.entry(*m).or_insert_with(|| self.content()) }
                };
                marks.iter().map(new).collect()
            }
            Primitive::Add(_) | Primitive::Mul(_) | Primitive::Keep(_) | Primitive::Compare(_) => {
                self.pairwise(record.inputs[0], record.inputs[1])
            }
            Primitive::Reshape(_)
            | Primitive::Permute(_)
            | Primitive::Strided(_)
            | Primitive::PadRows(_)
            | Primitive::Concat(_) => self.moved(node),
            Primitive::Broadcast(_) => {
                let (marks, from) = (self.of(record.inputs[0]), self.tape.shape(record.inputs[0]));
                let at = |i: usize| (i % rows % from.rows) + (i / rows % from.cols) * from.rows;
                (0..size).map(|i| marks[at(i)]).collect()
            }
            Primitive::BlockBroadcast(rule) => {
                let (marks, from) = (self.of(record.inputs[0]), self.tape.shape(record.inputs[0]));
                let at = |i: usize| i % rows / rule.rows + i / rows / rule.cols * from.rows;
                (0..size).map(|i| marks[at(i)]).collect()
            }
            Primitive::SumCols(_) => self.by_rows(record.inputs[0]).into(),
            Primitive::AveragePool(_) | Primitive::ArgMax(_) | Primitive::Pick(_) => {
                let image = record.inputs[record.inputs.len() - 1];
                let of_rows = self.by_rows(image);
                if of_rows.len() == rows {
                    (0..size).map(|i| of_rows[i % rows]).collect()
                } else {
                    self.unknown(node)
                }
            }
            Primitive::SumRows(_) | Primitive::LogSumExp(_) | Primitive::ArgMaxRows(_) => {
                self.over_rows(record.inputs[0], cols)
            }
            Primitive::BlockMean(rule) => self.blocks(node, rule.rows, rule.cols),
            Primitive::Variance(rule) => self.blocks(node, rule.rows, rule.cols),
            Primitive::Softmax(_) => self.whole_columns(record.inputs[0]),
            Primitive::Standardize(rule) if !rule.adjoint => {
                let of_rows = self.by_rows(record.inputs[0]);
                if rule.rows > 1 && rule.rows < rows && of_rows.iter().all(|m| is_unit(*m)) {
                    self.ties.within_runs(&of_rows.into(), rule.rows);
                } else if rule.rows > 1 && rule.rows < rows {
                    self.hold_all(&of_rows);
                }
                self.of(record.inputs[0])
            }
            Primitive::Take(rule) if !rule.adjoint => self.taken(node, rule.axis, rule.inner, rule.count),
            Primitive::MatMul(_) => self.product(node),
            Primitive::Conv(_) => self.convolution(node),
            Primitive::BatchedMatMul(rule) => self.batched(node, rule.batch),
            _ => self.unknown(node),
        }
    }

    fn value(&mut self, x: f64) -> u32 {
        if x == 0.0 {
            return ZERO;
        }
        if let Some(known) = self.values.get(&x.to_bits()) {
            return *known;
        }
        let new = self.content();
        self.values.insert(x.to_bits(), new);
        new
    }

    fn parameter(&mut self, offset: usize, size: usize) -> Marks {
        let found = self.layout.parameters.iter().position(|p| p.offset == offset && p.size() == size);
        match found {
            // A single number multiplies whatever moves.
            Some(index) if size > 1 => match self.own.get(&index) {
                Some(marks) => marks.clone(),
                None => {
                    let marks = self.ties.fresh(size);
                    self.own.insert(index, marks.clone());
                    marks
                }
            },
            _ => self.contents(size),
        }
    }

    /// Holds all that an entry takes.
    fn unknown(&mut self, node: Node) -> Marks {
        for input in self.tape.record(node).inputs.clone() {
            self.hold(input);
        }
        self.contents(self.tape.shape(node).size())
    }

    /// Numbers that are only moved, with zeros between them.
    fn moved(&mut self, node: Node) -> Marks {
        let record = self.tape.record(node);
        let inputs: Vec<Marks> = record.inputs.iter().map(|i| self.of(*i)).collect();
        let numbers = |of: &dyn Fn(u32) -> f64| {
            let all = inputs.iter().map(|marks| marks.iter().map(|m| of(*m)).collect()).collect();
            evaluated(self.tape, node, all)
        };
        let (ones, marks) = (numbers(&|_| 1.0), numbers(&f64::from));
        if ones.iter().any(|n| *n != 0.0 && *n != 1.0) {
            return self.unknown(node);
        }
        marks.iter().zip(&ones).map(|(m, one)| if *one == 1.0 { *m as u32 } else { ZERO }).collect()
    }

    /// Two operands number by number, the second broadcast.
    fn pairwise(&mut self, a: Node, b: Node) -> Marks {
        let (first, second) = (self.of(a), self.of(b));
        let (Shape { rows, .. }, from) = (self.tape.shape(a), self.tape.shape(b));
        let at = |i: usize| (i % rows % from.rows) + (i / rows % from.cols) * from.rows;
        let mut pairs: HashMap<(u32, u32), u32> = HashMap::new();
        let mut result = Vec::with_capacity(first.len());
        for (i, own) in first.iter().enumerate() {
            let other = second[at(i)];
            result.push(match (is_unit(*own), is_unit(other)) {
                (true, true) => {
                    if !self.same(*own, other) {
                        self.unite(*own, other);
                    }
                    *own
                }
                (true, false) => *own,
                (false, true) => other,
                (false, false) => match pairs.get(&(*own, other)) {
                    Some(known) => *known,
                    None => {
                        let new = self.content();
                        pairs.insert((*own, other), new);
                        new
                    }
                },
            });
        }
        // What stays must look the same to every unit that meets it.
        let mut met: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (i, own) in first.iter().enumerate() {
            let other = second[at(i)];
            match (is_unit(*own), is_unit(other)) {
                (true, false) => met.entry(self.ties.root(*own)).or_default().push(other),
                (false, true) => met.entry(self.ties.root(other)).or_default().push(*own),
                _ => {}
            }
        }
        let alike = met.values().next().is_none_or(|one| met.values().all(|other| other == one));
        if !alike {
            let units: Vec<u32> = met.into_keys().collect();
            self.hold_all(&units);
        }
        result.into()
    }

    /// A function of whole columns that sees no order: one number for each.
    fn over_rows(&mut self, input: Node, cols: usize) -> Marks {
        if self.one_a_column(input) {
            let (marks, rows) = (self.of(input), self.tape.shape(input).rows);
            return (0..cols).map(|c| marks[c * rows]).collect();
        }
        self.by_rows(input);
        self.contents(cols)
    }

    /// A function of whole columns that gives them back in their order.
    fn whole_columns(&mut self, input: Node) -> Marks {
        if !self.one_a_column(input) {
            self.by_rows(input);
        }
        self.of(input)
    }

    /// One number for each block of entries.
    fn blocks(&mut self, node: Node, rows: usize, cols: usize) -> Marks {
        let input = self.tape.record(node).inputs[0];
        let (shape, from) = (self.tape.shape(node), self.tape.shape(input));
        if rows > 1 && rows < from.rows {
            return self.unknown(node);
        }
        let marks = self.of(input);
        let mut result = Vec::with_capacity(shape.size());
        for c in 0..shape.cols {
            for r in 0..shape.rows {
                let block: Vec<u32> = (0..cols)
                    .flat_map(|k| (0..rows).map(move |j| (c * cols + k) * from.rows + r * rows + j))
                    .map(|i| marks[i])
                    .collect();
                result.push(if block.iter().all(|m| self.same(*m, block[0])) {
                    block[0]
                } else {
                    if rows == 1 {
                        self.hold_all(&block);
                    }
                    self.content()
                });
            }
        }
        if rows > 1 && !self.one_a_column(input) {
            self.by_rows(input);
        }
        result.into()
    }

    /// Entries looked up in a tensor outer x axis x inner: what they are must not depend on where.
    fn taken(&mut self, node: Node, axis: usize, inner: usize, count: usize) -> Marks {
        let inputs = self.tape.record(node).inputs.clone();
        self.hold(inputs[1]);
        let marks = self.of(inputs[0]);
        let table = matches!(self.tape.record(self.tape.root(inputs[0])).op, Primitive::Parameter(_));
        let size = self.tape.shape(node).size();
        if inner == 0 || count == 0 || axis == 0 || !size.is_multiple_of(inner * count) {
            return self.unknown(node);
        }
        let mut of_inner = Vec::new();
        for first in 0..marks.len() / (axis * inner) {
            for i in 0..inner {
                let all: Vec<u32> = (0..axis).map(|a| marks[(first * axis + a) * inner + i]).collect();
                if table {
                    all.iter().filter(|m| is_unit(**m)).for_each(|m| self.unite(*m, all[0]));
                } else if !all.iter().all(|m| self.same(*m, all[0])) {
                    self.hold_all(&all);
                }
                let one = is_unit(all[0]) && all.iter().all(|m| self.same(*m, all[0]));
                of_inner.push(one.then_some(all[0]));
            }
        }
        (0..size)
            .map(|i| {
                let mark = of_inner.get(i / (count * inner) * inner + i % inner).copied().flatten();
                mark.unwrap_or_else(|| self.content())
            })
            .collect()
    }

    /// Notes units along an axis of a parameter.
    fn along(&mut self, parameter: usize, axis: usize, index: usize, unit: u32) {
        let length = self.layout.parameters[parameter].shape[axis];
        let unit = if is_unit(unit) { unit } else { FIXED };
        let table = self.tables.entry((parameter, axis)).or_insert_with(|| vec![u32::MAX; length]);
        match table[index] {
            u32::MAX => table[index] = unit,
            known => self.unite(known, unit),
        }
    }

    /// A product with a parameter: its units are new.
    fn product(&mut self, node: Node) -> Marks {
        let Some((which, positions)) = self.weights(node) else { return self.unknown(node) };
        let record = self.tape.record(node).clone();
        let Primitive::MatMul(rule) = record.op else { return self.unknown(node) };
        let transposed = [rule.transpose_a, rule.transpose_b];
        let data = record.inputs[1 - which];
        let shape = self.tape.shape(record.inputs[which]);
        // Weights as unit x summed, from where they lie.
        let by_rows = (which == 0) != transposed[which];
        let (units, summed) = if by_rows { (shape.rows, shape.cols) } else { (shape.cols, shape.rows) };
        let position =
            |u: usize, k: usize| positions[if by_rows { u + k * shape.rows } else { k + u * shape.rows }];
        // The data as summed x others.
        let rows_summed = (which == 0) != transposed[1 - which];
        let inner = if rows_summed { self.by_rows(data) } else { self.by_columns(data) };
        let first = position(0, 0);
        let Some(parameter) = self.layout.parameters.iter().position(|p| p.range().contains(&first)) else {
            return self.unknown(node);
        };
        let p = self.layout.parameters[parameter].clone();
        if inner.len() != summed || positions.iter().any(|at| !p.range().contains(at)) {
            self.hold_all(&inner);
            return self.contents(record.shape.size());
        }
        let outer = self.ties.fresh(units);
        let index = |at: usize, axis: usize| {
            let behind: usize = p.shape[axis + 1..].iter().product();
            (at - p.offset) / behind % p.shape[axis]
        };
        let (mut of_units, mut of_summed) = (Vec::new(), Vec::new());
        for axis in (0..p.shape.len()).filter(|a| p.shape[*a] > 1) {
            let with_unit = (1..units).any(|u| index(position(u, 0), axis) != index(first, axis));
            let with_sum = (1..summed).any(|k| index(position(0, k), axis) != index(first, axis));
            match (with_unit, with_sum) {
                (true, false) => of_units.push(axis),
                (false, true) => of_summed.push(axis),
                (true, true) => {
                    self.hold_all(&inner);
                    self.hold_all(&outer);
                }
                _ => {}
            }
        }
        for (axes, marks, unit) in [(of_units, outer.to_vec(), true), (of_summed, inner, false)] {
            match axes[..] {
                [axis] => {
                    for (i, mark) in marks.iter().enumerate() {
                        let at = if unit { position(i, 0) } else { position(0, i) };
                        self.along(parameter, axis, index(at, axis), *mark);
                    }
                }
                [] if marks.len() == 1 => {}
                _ => self.hold_all(&marks),
            }
        }
        let rows = record.shape.rows;
        (0..record.shape.size()).map(|i| outer[if which == 0 { i % rows } else { i / rows }]).collect()
    }

    /// The mark of each column, where all rows have the same; others are held, and content.
    fn by_columns(&mut self, node: Node) -> Vec<u32> {
        let (marks, rows) = (self.of(node), self.tape.shape(node).rows);
        marks
            .chunks(rows.max(1))
            .map(|column| {
                if column.iter().all(|m| self.same(*m, column[0])) {
                    column[0]
                } else {
                    self.hold_all(column);
                    self.content()
                }
            })
            .collect()
    }

    /// A convolution: channels are units, which of a depthwise one stay those that they were.
    fn convolution(&mut self, node: Node) -> Marks {
        let record = self.tape.record(node).clone();
        let Primitive::Conv(conv) = &record.op else { return self.unknown(node) };
        let (role, geometry) = (conv.role, conv.geometry);
        let Some((_, positions)) = self.weights(node) else { return self.unknown(node) };
        let inner = self.by_rows(record.inputs[1]);
        let outputs = record.shape.rows;
        let plain = positions.windows(2).all(|pair| pair[1] == pair[0] + 1);
        let found = self.layout.parameters.iter().position(|p| {
            Some(&p.offset) == positions.first() && p.size() == positions.len() && p.shape.len() > 2
        });
        let Some(parameter) = found.filter(|_| plain) else {
            self.hold_all(&inner);
            return self.contents(record.shape.size());
        };
        let [own, others] = if role == Role::Output { [0, 1] } else { [1, 0] };
        let shape = &self.layout.parameters[parameter].shape;
        let depthwise = geometry.groups == inner.len() && outputs == inner.len() && shape[1] == 1;
        let outer: Vec<u32> = match geometry.groups {
            1 if shape[own] == outputs && shape[others] == inner.len() => {
                for (i, mark) in inner.iter().enumerate() {
                    self.along(parameter, others, i, *mark);
                }
                let outer = self.ties.fresh(outputs);
                for (i, mark) in outer.iter().enumerate() {
                    self.along(parameter, own, i, *mark);
                }
                outer.to_vec()
            }
            _ if depthwise && inner.iter().all(|m| is_unit(*m)) => {
                for (i, mark) in inner.iter().enumerate() {
                    self.along(parameter, 0, i, *mark);
                }
                inner
            }
            _ => {
                self.hold_all(&inner);
                for axis in 0..2 {
                    (0..self.layout.parameters[parameter].shape[axis])
                        .for_each(|i| self.along(parameter, axis, i, FIXED));
                }
                vec![FIXED; outputs]
            }
        };
        (0..record.shape.size()).map(|i| outer[i % outputs]).collect()
    }

    /// Products side by side: those of one sample are heads, which are units.
    fn batched(&mut self, node: Node, batch: usize) -> Marks {
        let inputs = self.tape.record(node).inputs.clone();
        let heads = batch / self.samples.max(1);
        let all: Vec<Marks> = inputs.iter().map(|i| self.of(*i)).collect();
        let units = all.iter().all(|marks| marks.iter().all(|m| is_unit(*m)));
        if heads < 2 || heads * self.samples != batch || !units {
            return self.unknown(node);
        }
        let own = self.ties.fresh(heads);
        let owner = |i: usize, size: usize| own[i / (size / batch) % heads];
        for marks in &all {
            for (i, mark) in marks.iter().enumerate() {
                let head = owner(i, marks.len());
                if !self.same(*mark, head) {
                    self.unite(*mark, head);
                }
            }
        }
        let size = self.tape.shape(node).size();
        (0..size).map(|i| owner(i, size)).collect()
    }

    /// Where all units lie in parameters.
    fn finished(mut self) -> Ties {
        for (parameter, marks) in std::mem::take(&mut self.own) {
            let shape = self.layout.parameters[parameter].shape.clone();
            let index = |i: usize, axis: usize| {
                let behind: usize = shape[axis + 1..].iter().product();
                i / behind % shape[axis]
            };
            // The one axis along which alone the units differ.
            let alone = |this: &Self, axis: usize| {
                let mut first = vec![None; shape[axis]];
                marks.iter().enumerate().all(|(i, m)| {
                    let known: &mut Option<u32> = &mut first[index(i, axis)];
                    this.same(*known.get_or_insert(*m), *m)
                })
            };
            match (0..shape.len()).filter(|a| shape[*a] > 1).find(|axis| alone(&self, *axis)) {
                Some(axis) => {
                    (0..marks.len()).for_each(|i| self.along(parameter, axis, index(i, axis), marks[i]));
                }
                None => self.hold_all(&marks),
            }
        }
        for ((parameter, axis), table) in std::mem::take(&mut self.tables) {
            let units: Units = table.iter().map(|u| if *u == u32::MAX { FIXED } else { *u }).collect();
            self.ties.sites.push((Site::Axis(parameter, axis), units));
        }
        self.ties
    }
}
