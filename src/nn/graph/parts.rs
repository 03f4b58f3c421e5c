//! What the tape of a graph shows of its loss: the loss of each sample, and the outputs that it compares.
//!
//! torch.export writes the mean loss of a batch. Where it ends in a mean over numbers of which each sample has as many, in the
//! order of the samples, the sum stops short of the samples: each has a loss of its own, whose mean is that of the graph.
//! Whoever uses them compares them with losses of single samples first, because a graph may put its numbers in another order.

use crate::autodiff::primitives::{BlockMean, Primitive, map::Map};
use crate::autodiff::{Node, Shape, Tape};
use std::collections::HashSet;

/// The outputs of a network that its loss compares with targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Where they are on the tape.
    pub node: Node,
    /// Whether the loss is minus the log-likelihood of an exponential family in its natural parameters.
    pub natural: bool,
}

/// The loss of each sample, 1 x samples, from their mean.
pub fn apart(tape: &mut Tape, mean: Node, samples: usize) -> Option<Node> {
    if tape.shape(mean).size() != 1 {
        return None;
    }
    let mut reached: Vec<bool> = Vec::new();
    for node in tape.nodes() {
        let record = tape.record(node);
        let own = matches!(record.op, Primitive::Input(_));
        reached.push(own || record.inputs.iter().any(|i| reached[i.index()]));
    }
    each(tape, &reached, mean, samples).map(|part| whole(tape, part, samples))
}

/// One number for all samples, or one for each.
fn whole(tape: &mut Tape, part: Node, samples: usize) -> Node {
    tape.broadcast(part, Shape::new(1, samples))
}

/// Numbers of the samples (1 x samples) whose mean is the number `node`, or that number itself where no sample is in it.
fn each(tape: &mut Tape, reached: &[bool], node: Node, samples: usize) -> Option<Node> {
    if !reached[node.index()] {
        return Some(tape.reshape(node, Shape::new(1, 1)));
    }
    let record = tape.record(node).clone();
    let single = record.inputs.iter().all(|i| tape.shape(*i).size() == 1);
    match record.op {
        Primitive::Reshape(_) => each(tape, reached, record.inputs[0], samples),
        Primitive::SumRows(_) | Primitive::SumCols(_) if !single => {
            let all = summed(tape, record.inputs[0]);
            let sums = sums(tape, all, samples)?;
            Some(tape.scale(samples as f64, sums))
        }
        Primitive::BlockMean(BlockMean { .. }) if !single => {
            let size = tape.shape(record.inputs[0]).size();
            let sums = sums(tape, record.inputs[0], samples)?;
            Some(tape.scale(samples as f64 / size as f64, sums))
        }
        // Number by number: where a factor is the same for every sample, as a count is, this is exact.
        Primitive::Scale(_)
        | Primitive::Add(_)
        | Primitive::Mul(_)
        | Primitive::Map(Map { .. })
        | Primitive::Compare(_)
        | Primitive::Keep(_)
            if single =>
        {
            let parts: Option<Vec<Node>> =
                record.inputs.iter().map(|i| each(tape, reached, *i, samples)).collect();
            let parts: Vec<Node> = parts?.into_iter().map(|part| whole(tape, part, samples)).collect();
            Some(tape.push(record.op, &parts))
        }
        _ => None,
    }
}

/// What a sum is a sum of, through sums of sums.
fn summed(tape: &Tape, node: Node) -> Node {
    let record = tape.record(node);
    match record.op {
        Primitive::SumRows(_) | Primitive::SumCols(_) | Primitive::Reshape(_) => {
            summed(tape, record.inputs[0])
        }
        _ => node,
    }
}

/// Sums of as many numbers for each sample, 1 x samples.
fn sums(tape: &mut Tape, all: Node, samples: usize) -> Option<Node> {
    let size = tape.shape(all).size();
    if !size.is_multiple_of(samples) || size == 0 {
        return None;
    }
    let columns = tape.reshape(all, Shape::new(size / samples, samples));
    Some(if size == samples { columns } else { tape.sum_rows(columns) })
}

/// The scores that probabilities or their logarithms were made of, where that is what a node holds.
pub fn scores(tape: &Tape, node: Node) -> Node {
    let mut at = node;
    loop {
        let record = tape.record(at);
        let source = |i: usize| tape.root(record.inputs[i]);
        match &record.op {
            Primitive::Reshape(_) | Primitive::Permute(_) | Primitive::Strided(_) => at = record.inputs[0],
            // z - ln sum exp z
            Primitive::Add(add) if add.0 == -1.0 => {
                let sum = tape.record(spread(tape, record.inputs[1]));
                let same = matches!(sum.op, Primitive::LogSumExp(_)) && tape.root(sum.inputs[0]) == source(0);
                return if same { source(0) } else { node };
            }
            Primitive::Map(map) if map.order == 0 && format!("{:?}", map.curve) == "Sigmoid" => {
                return source(0);
            }
            _ => return node,
        }
    }
}

/// What a node repeats.
fn spread(tape: &Tape, node: Node) -> Node {
    let record = tape.record(node);
    match record.op {
        Primitive::Reshape(_) | Primitive::Strided(_) | Primitive::Broadcast(_) => {
            spread(tape, record.inputs[0])
        }
        _ => node,
    }
}

/// The outputs that a loss compares, of those that its operators did; in words why there are none.
pub fn compared(tape: &Tape, loss: Node, all: &[Compared]) -> Result<Compared, &'static str> {
    let mut within: HashSet<Node> = HashSet::new();
    let mut open = vec![loss];
    while let Some(node) = open.pop() {
        if within.insert(node) {
            open.extend(&tape.record(node).inputs);
        }
    }
    let moving = |c: &&Compared| within.contains(&c.node) && tape.record(c.node).moving;
    let mut own: Vec<Compared> = all.iter().filter(moving).copied().collect();
    own.dedup_by_key(|c| c.node);
    let [only] = own[..] else {
        return Err(if own.is_empty() {
            "a graph whose loss is none of torch's that compare outputs with targets"
        } else {
            "a graph that adds up several losses"
        });
    };
    // All that the loss has of the parameters must come through the outputs.
    let (mut seen, mut open) = (HashSet::from([only.node]), vec![loss]);
    while let Some(node) = open.pop() {
        let record = tape.record(node);
        if matches!(record.op, Primitive::Parameter(_)) {
            return Err("a graph whose loss depends on parameters beside its outputs");
        }
        if record.moving && seen.insert(node) {
            open.extend(&record.inputs);
        }
    }
    Ok(only)
}
