//! Operations of a graph as its file has them: where they stand, what they name, which of them matter.

use super::operators;
use super::schema::{Argument, GraphText, Named, NodeText, Optional, Size, Symbolic};
use super::value::Value;
use crate::base::files::brief;
use crate::base::{Error, Result};
use std::collections::HashSet;

/// Refuses results of another shape or kind of numbers than the graph says: then something was not understood.
pub fn check(
    text: &GraphText,
    node: &NodeText,
    results: &[Value],
    (batch, samples): (&str, usize),
) -> Result<()> {
    for (name, value) in names(node).into_iter().zip(results) {
        let (Some(name), Value::Tensor(t)) = (name, value) else { continue };
        let Some(meta) = text.tensor_values.get(name) else {
            // ONNX says the shapes of results alone.
            if node.target.starts_with("onnx.") {
                continue;
            }
            return Err(Error::expected(at(node), format!("a shape for `{}`", brief(name)), "none"));
        };
        let same = |(size, d): (&Size, &usize)| match size {
            Size::AsInt(n) => *n == *d as i64,
            Size::AsExpr(expression) => expression.symbol() != Some(batch) || *d == samples,
        };
        let kind = super::dtype::Stored::of(&at(node), meta.dtype)?.dtype();
        if meta.sizes.len() != t.shape.len() || !meta.sizes.iter().zip(&t.shape).all(same) || kind != t.dtype
        {
            let sizes: Vec<String> = meta
                .sizes
                .iter()
                .map(|size| match size {
                    Size::AsInt(n) => n.to_string(),
                    Size::AsExpr(expression) => brief(expression.symbol().unwrap_or("?")),
                })
                .collect();
            let expected =
                format!("a result of shape [{}] and {kind:?} numbers, as the graph says", sizes.join(", "));
            return Err(Error::expected(at(node), expected, format!("{:?} and {:?}", t.shape, t.dtype)));
        }
    }
    Ok(())
}

/// Where an operation stands, for errors.
pub fn at(node: &NodeText) -> String {
    shown(&node.target)
}

/// An operator's name as errors show it: `aten.conv2d.default`, `Conv`.
pub fn shown(target: &str) -> String {
    if target.starts_with("onnx.") {
        brief(operators::name(target).0)
    } else {
        brief(target.strip_prefix("torch.ops.").unwrap_or(target))
    }
}

/// The module that an operation stands in: the last of the stack's paths.
pub fn module(node: &NodeText) -> String {
    let last = node.metadata.nn_module_stack.rsplit(';').next().unwrap_or_default();
    last.split(',').nth(1).unwrap_or_default().to_owned()
}

/// The name of the value that an argument is.
pub fn named(input: Option<&Named>) -> Option<&str> {
    match input.map(|input| &input.arg) {
        Some(Argument::AsTensor(name)) => Some(&name.name),
        _ => None,
    }
}

/// Names of an operation's results, in order; none for one that has no name.
pub fn names(node: &NodeText) -> Vec<Option<&str>> {
    let mut names = Vec::new();
    for output in &node.outputs {
        match output {
            Argument::AsTensor(name) => names.push(Some(name.name.as_str())),
            Argument::AsTensors(all) => names.extend(all.iter().map(|name| Some(name.name.as_str()))),
            Argument::AsSymInt(Symbolic::AsName(name)) => names.push(Some(name.as_str())),
            Argument::AsSymFloat(Symbolic::AsName(name)) => names.push(Some(name.as_str())),
            Argument::AsSymBool(Symbolic::AsName(name)) => names.push(Some(name.as_str())),
            Argument::AsOptionalTensor(Optional::AsTensor(name)) => names.push(Some(name.name.as_str())),
            Argument::AsOptionalTensors(all) => names.extend(all.iter().map(|t| match t {
                Optional::AsTensor(name) => Some(name.name.as_str()),
                Optional::AsNone(_) => None,
            })),
            _ => names.push(None),
        }
    }
    names
}

/// Whether an operation gives a list, however long.
pub fn is_list(node: &NodeText) -> bool {
    node.outputs.iter().any(|o| matches!(o, Argument::AsTensors(_) | Argument::AsOptionalTensors(_)))
}

/// Which operations matter for the wanted values: what they are computed from, and what changes values in place.
pub fn live(text: &GraphText, wanted: &[&str]) -> Vec<bool> {
    let mut needed: HashSet<&str> = wanted.iter().copied().collect();
    let mut live = vec![false; text.nodes.len()];
    for (index, node) in text.nodes.iter().enumerate().rev() {
        let changes = operators::name(&node.target).2;
        live[index] = changes || names(node).iter().flatten().any(|name| needed.contains(name));
        if live[index] {
            node.inputs.iter().for_each(|input| {
                mentioned(&input.arg, &mut |name| {
                    needed.insert(name);
                })
            });
        }
    }
    live
}

/// Shows every name in an argument.
fn mentioned<'a>(argument: &'a Argument, see: &mut impl FnMut(&'a str)) {
    match argument {
        Argument::AsTensor(name) | Argument::AsOptionalTensor(Optional::AsTensor(name)) => see(&name.name),
        Argument::AsTensors(names) => names.iter().for_each(|name| see(&name.name)),
        Argument::AsNestedTensors(all) => all.iter().flatten().for_each(|name| see(&name.name)),
        Argument::AsOptionalTensors(all) => all.iter().for_each(|t| {
            if let Optional::AsTensor(name) = t {
                see(&name.name);
            }
        }),
        Argument::AsSymInt(Symbolic::AsName(name))
        | Argument::AsSymFloat(Symbolic::AsName(name))
        | Argument::AsSymBool(Symbolic::AsName(name)) => see(name),
        Argument::AsSymInts(all) => all.iter().for_each(|n| {
            if let Symbolic::AsName(name) = n {
                see(name);
            }
        }),
        Argument::AsSymFloats(all) => all.iter().for_each(|n| {
            if let Symbolic::AsName(name) = n {
                see(name);
            }
        }),
        Argument::AsSymBools(all) => all.iter().for_each(|n| {
            if let Symbolic::AsName(name) = n {
                see(name);
            }
        }),
        _ => {}
    }
}
