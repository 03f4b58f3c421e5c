//! Heads of attention, found on the tape of a graph: which numbers of theta belong to which head.
//!
//! Attention is a batched product of queries and keys that a softmax follows, and a batched product of its result with values.
//! The units of a projection are followed through everything that moves numbers without mixing them, up to the product; there
//! the batch says whose head they are. It is the same for fused projections, for rotary positions and for norms of heads.

use crate::autodiff::primitives::Primitive;
use crate::autodiff::{Bindings, Node, Plan, Shape, Tape};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// One attention of a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attention {
    /// Of each head, where its rows of the projections and its columns of the output projection lie in theta, ascending.
    pub heads: Vec<Vec<Range<usize>>>,
    /// Where all projections lie, those too that heads share.
    pub all: Vec<Range<usize>>,
}

/// Longest chain of entries between a projection and its product.
const DEEPEST: usize = 64;

/// Every attention on a tape that is recorded for so many samples, in order.
pub fn attentions(tape: &Tape, samples: usize) -> Vec<Attention> {
    let search = Search { tape, samples };
    let products: Vec<Node> =
        tape.nodes().filter(|n| matches!(tape.record(*n).op, Primitive::BatchedMatMul(_))).collect();
    let mut found = Vec::new();
    for softmax in tape.nodes().filter(|n| matches!(tape.record(*n).op, Primitive::Softmax(_))) {
        let Some(scores) = search.back(softmax, &products) else { continue };
        let values = products.iter().filter(|p| **p > softmax && search.takes(**p, softmax));
        let Some(mixed) = values.copied().next() else { continue };
        let of_values = tape.record(mixed).inputs.iter().copied().filter(|i| !search.reaches(*i, softmax));
        let operands: Vec<(Node, Node)> = tape
            .record(scores)
            .inputs
            .iter()
            .map(|i| (scores, *i))
            .chain(of_values.map(|i| (mixed, i)))
            .collect();
        if let Some(attention) = search.attention(&operands, mixed) {
            found.push(attention);
        }
    }
    found
}

/// The value of an entry whose inputs have these numbers.
pub(super) fn evaluated(tape: &Tape, node: Node, inputs: Vec<Vec<f64>>) -> Vec<f64> {
    let record = tape.record(node);
    let mut own = Tape::new();
    let constants: Vec<Node> = record
        .inputs
        .iter()
        .zip(inputs)
        .map(|(i, numbers)| own.constant(numbers.into(), tape.shape(*i)))
        .collect();
    let result = own.push(record.op.clone(), &constants);
    let plan = Plan::new(Arc::new(own), &[result], &[]);
    let mut workspace = plan.workspace::<f64>();
    let bindings = Bindings { theta: &[], state: &[], inputs: &[] };
    plan.run(&bindings, &mut workspace);
    plan.values(bindings, &workspace).of(result).data.to_vec()
}

/// Positions in theta of the numbers of a parameter, in whatever order they are taken.
pub(super) fn positions(tape: &Tape, node: Node) -> Option<Vec<usize>> {
    Search { tape, samples: 1 }.positions(node)
}

struct Search<'a> {
    tape: &'a Tape,
    samples: usize,
}

impl Search<'_> {
    /// The input that an entry passes on number by number, or by moving them.
    fn passed(&self, node: Node) -> Option<Node> {
        let record = self.tape.record(node);
        let size = record.shape.size();
        match record.op {
            Primitive::Reshape(_) | Primitive::Permute(_) | Primitive::Strided(_) => Some(record.inputs[0]),
            Primitive::Softmax(_)
            | Primitive::Scale(_)
            | Primitive::Add(_)
            | Primitive::Mul(_)
            | Primitive::Keep(_)
            | Primitive::Map(_) => {
                let own = |i: &&Node| self.tape.record(**i).moving && self.tape.shape(**i).size() == size;
                record.inputs.iter().find(own).copied()
            }
            _ => None,
        }
    }

    /// The first of some entries on the way back from a node.
    fn back(&self, from: Node, to: &[Node]) -> Option<Node> {
        let mut at = from;
        for _ in 0..DEEPEST {
            at = self.passed(at)?;
            if to.contains(&at) {
                return Some(at);
            }
        }
        None
    }

    fn reaches(&self, from: Node, to: Node) -> bool {
        from == to || self.back(from, &[to]).is_some()
    }

    fn takes(&self, product: Node, node: Node) -> bool {
        self.tape.record(product).inputs.iter().any(|i| self.reaches(*i, node))
    }

    /// The numbers of a node when those of `source` are `numbers` and all entries between only move them.
    fn moved(&self, node: Node, source: Node, numbers: &[f64]) -> Option<Vec<f64>> {
        if node == source {
            return Some(numbers.to_vec());
        }
        let record = self.tape.record(node);
        let moves =
            matches!(record.op, Primitive::Reshape(_) | Primitive::Permute(_) | Primitive::Strided(_));
        let input = self.passed(node)?;
        let before = self.moved(input, source, numbers)?;
        if !moves {
            return Some(before);
        }
        Some(evaluated(self.tape, node, vec![before]))
    }

    /// The leaf or product from which a node's numbers come.
    fn origin(&self, node: Node) -> Node {
        let mut at = node;
        for _ in 0..DEEPEST {
            match self.passed(at) {
                Some(input) => at = input,
                None => break,
            }
        }
        at
    }

    /// Positions in theta of the numbers of a parameter, in whatever order they are taken.
    fn positions(&self, node: Node) -> Option<Vec<usize>> {
        let leaf = self.origin(node);
        let Primitive::Parameter(offset) = self.tape.record(leaf).op else { return None };
        let own: Vec<f64> = (0..self.tape.shape(leaf).size()).map(|i| (offset + i) as f64).collect();
        Some(self.moved(node, leaf, &own)?.into_iter().map(|x| x as usize).collect())
    }

    /// The two operands of a product of matrices of which one is a parameter: its numbers in theta for each row or column of
    /// the product, and the other operand.
    fn projection(&self, product: Node) -> Option<Projection> {
        let record = self.tape.record(product);
        let Primitive::MatMul(rule) = record.op else { return None };
        for (which, transposed) in [(0, rule.transpose_a), (1, rule.transpose_b)] {
            let Some(positions) = self.positions(record.inputs[which]) else { continue };
            let Shape { rows, cols } = self.tape.shape(record.inputs[which]);
            // Units are the rows of the first operand, the columns of the second.
            let by_rows = (which == 0) != transposed;
            let units = if by_rows { rows } else { cols };
            let unit = |i: usize| if by_rows { i % rows } else { i / rows };
            let mut of_unit = vec![Vec::new(); units];
            let mut of_input = vec![Vec::new(); positions.len() / units.max(1)];
            for (i, position) in positions.iter().enumerate() {
                of_unit[unit(i)].push(*position);
                let input = if by_rows { i / rows } else { i % rows };
                of_input[input].push(*position);
            }
            return Some(Projection {
                of_unit,
                of_input,
                first: which == 0,
                data: (
                    record.inputs[1 - which],
                    if which == 0 { rule.transpose_b } else { rule.transpose_a },
                ),
            });
        }
        None
    }

    /// The bias of a projection, where one is added to it: positions in theta by unit.
    fn bias(&self, product: Node, units: usize) -> Option<Vec<usize>> {
        let added = |n: Node| {
            let record = self.tape.record(n);
            let sum = matches!(record.op, Primitive::Add(_)) && record.inputs.len() == 2;
            let other = *record.inputs.get(1)?;
            let fits =
                sum && self.origin(record.inputs[0]) == product && self.tape.shape(other).size() == units;
            fits.then(|| self.positions(other)).flatten()
        };
        self.tape.nodes().filter(|n| *n > product).find_map(added)
    }

    fn attention(&self, operands: &[(Node, Node)], mixed: Node) -> Option<Attention> {
        let batch = |product: Node| match &self.tape.record(product).op {
            Primitive::BatchedMatMul(rule) => rule.batch,
            _ => 0,
        };
        let heads = batch(mixed) / self.samples;
        if heads < 2 {
            return None;
        }
        let mut of_head: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); heads];
        let mut all: BTreeSet<usize> = BTreeSet::new();
        for (product, operand) in operands {
            let source = self.origin(*operand);
            let Some(projection) = self.projection(source) else { continue };
            let Shape { rows, cols } = self.tape.shape(source);
            let unit = |i: usize| if projection.first { i % rows } else { i / rows };
            let labels: Vec<f64> = (0..rows * cols).map(|i| unit(i) as f64).collect();
            let Some(labels) = self.moved(*operand, source, &labels) else { continue };
            let each = labels.len() / batch(*product).max(1);
            let mut owners: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
            for (i, label) in labels.iter().enumerate() {
                owners.entry(*label as usize).or_default().insert((i / each.max(1)) % heads);
            }
            let bias = self.bias(source, projection.of_unit.len());
            for (unit, owners) in owners {
                let bias = bias.iter().filter_map(|b| b.get(unit));
                let own: Vec<usize> = projection.of_unit[unit].iter().chain(bias).copied().collect();
                all.extend(&own);
                // Keys and values that heads share are no single head's.
                if let (1, Some(head)) = (owners.len(), owners.first()) {
                    of_head[*head].extend(&own);
                }
            }
        }
        self.output(mixed, batch(mixed), heads, &mut of_head, &mut all);
        let heads = of_head.iter().map(ranges).collect();
        (!all.is_empty()).then(|| Attention { heads, all: ranges(&all) })
    }

    /// The columns of the output projection that take each head's numbers.
    fn output(
        &self,
        mixed: Node,
        batch: usize,
        heads: usize,
        of_head: &mut [BTreeSet<usize>],
        all: &mut BTreeSet<usize>,
    ) {
        let size = self.tape.shape(mixed).size();
        let labels: Vec<f64> = (0..size).map(|i| ((i / (size / batch)) % heads) as f64).collect();
        let of = |n: Node| {
            let projection = self.projection(n)?;
            let (data, transposed) = projection.data;
            (self.origin(data) == mixed).then_some(())?;
            let labels = self.moved(data, mixed, &labels)?;
            let rows = self.tape.shape(data).rows;
            // The inputs are the rows of the data where the parameter stands first.
            let by_rows = projection.first != transposed;
            let mut owners = vec![BTreeSet::new(); projection.of_input.len()];
            for (i, label) in labels.iter().enumerate() {
                let input = if by_rows { i % rows } else { i / rows };
                owners.get_mut(input)?.insert(*label as usize);
            }
            Some((projection, owners))
        };
        let Some((projection, owners)) = self.tape.nodes().filter(|n| *n > mixed).find_map(of) else {
            return;
        };
        for (own, owners) in projection.of_input.iter().zip(owners) {
            all.extend(own);
            if let (1, Some(head)) = (owners.len(), owners.first()) {
                of_head[*head].extend(own);
            }
        }
    }
}

/// A product with a parameter.
struct Projection {
    /// Positions in theta of each unit's weights.
    of_unit: Vec<Vec<usize>>,
    /// Positions in theta of the weights that each input is multiplied by.
    of_input: Vec<Vec<usize>>,
    /// Whether the parameter stands first.
    first: bool,
    /// The other operand, and whether it is transposed.
    data: (Node, bool),
}

/// Ascending positions as ranges.
fn ranges(positions: &BTreeSet<usize>) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for p in positions {
        match ranges.last_mut() {
            Some(last) if last.end == *p => last.end += 1,
            _ => ranges.push(*p..p + 1),
        }
    }
    ranges
}
