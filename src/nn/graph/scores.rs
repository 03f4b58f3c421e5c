//! What stands before the probabilities that a graph ends in: Keras' and scikit-learn's classifiers end in a softmax or a sigmoid,
//! and a loss of probabilities is that of the scores before them, exactly and without their rounding.

use super::Graph;
use super::operators;
use super::schema::{Argument, NodeText};

/// The scores that probabilities are of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scores {
    /// softmax(z).
    Softmax(String),
    /// s(z).
    Sigmoid(String),
    /// 1 - s(z) and s(z), side by side.
    Pair(String),
}

impl Graph {
    /// The scores of an output, if it is probabilities.
    pub fn scores(&self, output: &str) -> Option<Scores> {
        let mut node = self.producer(output)?;
        // Through what changes nothing, a few times: a file may go in circles.
        for _ in 0..8 {
            if !matches!(operators::name(&node.target).0, "Identity" | "Cast") {
                break;
            }
            node = self.producer(&input(node, 0)?)?;
        }
        match operators::name(&node.target).0 {
            "Softmax" | "softmax" | "_softmax" => Some(Scores::Softmax(input(node, 0)?)),
            "Sigmoid" | "sigmoid" => Some(Scores::Sigmoid(input(node, 0)?)),
            "Concat" => {
                let Some(Argument::AsTensors(parts)) = node.inputs.first().map(|i| &i.arg) else {
                    return None;
                };
                let [rest, yes] = parts.as_slice() else { return None };
                let sub = self.producer(&rest.name).filter(|n| operators::name(&n.target).0 == "Sub")?;
                let one = input(sub, 0).is_some_and(|name| {
                    self.buffers.iter().any(|b| b.name == name && b.numbers.iter().all(|x| *x == 1.0))
                });
                let sigmoid = self.producer(&yes.name)?;
                let fits = one && operators::name(&sigmoid.target).0 == "Sigmoid";
                (fits && input(sub, 1)? == yes.name).then(|| input(sigmoid, 0).map(Scores::Pair))?
            }
            _ => None,
        }
    }

    /// The operation that gives a value.
    fn producer(&self, name: &str) -> Option<&NodeText> {
        let gives = |node: &&NodeText| {
            node.outputs.iter().any(|o| matches!(o, Argument::AsTensor(value) if value.name == name))
        };
        self.text.nodes.iter().find(gives)
    }
}

/// The tensor that an operation takes at a place.
fn input(node: &NodeText, place: usize) -> Option<String> {
    match &node.inputs.get(place)?.arg {
        Argument::AsTensor(value) => Some(value.name.clone()),
        _ => None,
    }
}
