//! What the weights of a graph put out, for those who look inside of networks that another program wrote.

use crate::autodiff::primitives::Primitive;
use crate::autodiff::{Node, Tape};
use crate::nn::layout::Layout;
use crate::nn::recorder::{Signal, Trace};
use crate::nn::units::FIXED;

/// The products of weights with what the data reach, called by the weights, and last the outputs that the loss compares with
/// targets, where there are such: values of `samples` samples. None of them is known as an activation, or as what a weight of the
/// layout multiplies by.
pub(super) fn traces(tape: &Tape, layout: &Layout, compared: Option<Node>, samples: usize) -> Vec<Trace> {
    // Of each value the parameter that it is in another order, and whether data reach it.
    let (mut owner, mut reached): (Vec<Option<usize>>, Vec<bool>) = Default::default();
    let mut found: Vec<(String, Node)> = Vec::new();
    for node in tape.nodes() {
        let record = tape.record(node);
        let own = |i: &Node| owner[i.index()];
        let from_data = |i: &Node| reached[i.index()];
        let product =
            matches!(record.op, Primitive::MatMul(_) | Primitive::BatchedMatMul(_) | Primitive::Conv(_));
        let weight = record.inputs.iter().find_map(own).filter(|_| product);
        if let Some(weight) = weight.filter(|_| record.inputs.iter().any(from_data) && Some(node) != compared)
        {
            let name = layout.at(weight).map_or("", |p| p.name.as_str());
            found.push((name.strip_suffix(".weight").unwrap_or(name).to_owned(), node));
        }
        owner.push(match (&record.op, record.inputs.as_slice()) {
            (Primitive::Parameter(offset), _) => Some(*offset),
            (Primitive::Reshape(_) | Primitive::Permute(_) | Primitive::Strided(_), [one]) => own(one),
            _ => None,
        });
        reached.push(matches!(record.op, Primitive::Input(_)) || record.inputs.iter().any(from_data));
    }
    found.extend(compared.map(|node| ("outputs".to_owned(), node)));
    let mut traces: Vec<Trace> = Vec::new();
    let uses: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
    for (k, (name, node)) in found.into_iter().enumerate() {
        // A weight that is used several times.
        let before = uses[..k].iter().filter(|other| **other == name).count();
        let name = if before > 0 { format!("{name} ({})", before + 1) } else { name };
        let size = tape.shape(node).size() / samples.max(1);
        let (shape, units) = (vec![size], std::iter::repeat_n(FIXED, size).collect());
        let signal = Signal { node, shape, image: false, units };
        traces.push(Trace { name, signal, weight: None, activation: false, input: node, affine: None });
    }
    traces
}
