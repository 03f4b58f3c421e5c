//! The operators of torch's ATen and of ONNX that are understood, in families of a file each.
//!
//! An operator is a function from a call to a value, made of a few entries of the tape. Its overloads share it, and so does
//! its variant in place, whose name ends in an underscore. To add one: a function, and its line in the family's list.

mod activation;
mod arithmetic;
mod attention;
mod convolution;
mod creation;
mod index;
mod inverse;
mod kinds;
mod losses;
mod normalization;
mod numbers;
mod onnx;
mod padding;
mod patches;
mod pieces;
mod pooling;
mod products;
mod recurrent;
mod reduction;
mod resize;
mod sequence;
mod shape;

use super::call::Call;
use super::lowering::Lowering;
use super::value::Value;
use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;
use crate::base::files::brief;
use crate::base::{Error, Result};

/// An operator's name and what it does.
pub type Operator = (&'static str, fn(&mut Lowering, &Call) -> Result<Value>);

const FAMILIES: &[&[Operator]] = &[
    activation::OPERATORS,
    arithmetic::OPERATORS,
    attention::OPERATORS,
    convolution::OPERATORS,
    creation::OPERATORS,
    index::OPERATORS,
    inverse::OPERATORS,
    kinds::OPERATORS,
    losses::OPERATORS,
    normalization::OPERATORS,
    numbers::OPERATORS,
    padding::OPERATORS,
    patches::OPERATORS,
    pieces::OPERATORS,
    pooling::OPERATORS,
    products::OPERATORS,
    recurrent::OPERATORS,
    reduction::OPERATORS,
    resize::OPERATORS,
    sequence::OPERATORS,
    shape::OPERATORS,
];

/// Graphs within the graph that stand for themselves.
pub const WRAPPERS: &[&str] = &["wrap_with_set_grad_enabled", "wrap_with_autocast"];

/// All families, torch's before ONNX'.
fn families() -> impl Iterator<Item = &'static Operator> {
    FAMILIES.iter().chain(onnx::FAMILIES).copied().flatten()
}

/// The operator of a name.
pub fn find(name: &str) -> Option<fn(&mut Lowering, &Call) -> Result<Value>> {
    families().find(|(known, _)| *known == name).map(|(_, operator)| *operator)
}

/// The names of all operators, sorted.
pub fn known() -> Vec<&'static str> {
    let mut names: Vec<&str> = families().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names
}

/// A target's name, its overload, and whether it changes its first argument in place.
pub fn name(target: &str) -> (&str, &str, bool) {
    if let Some((version, base)) = target.strip_prefix("onnx.").and_then(|rest| rest.split_once('.')) {
        return (base, version, false);
    }
    let Some(full) = target.strip_prefix("torch.ops.aten.") else {
        return (target.strip_prefix("torch.ops.higher_order.").unwrap_or(target), "", false);
    };
    let (base, overload) = full.split_once('.').unwrap_or((full, ""));
    match base.strip_suffix('_') {
        Some(plain) if !base.ends_with("__") => (plain, overload, true),
        _ => (base, overload, false),
    }
}

/// Whether the result of an operator may share the numbers of its first argument.
pub fn is_view(base: &str) -> bool {
    shape::VIEWS.contains(&base)
}

/// An operator that nobody knows here.
pub fn unknown(call: &Call, base: &str) -> Error {
    let known = known();
    let near = known
        .iter()
        .map(|k| (strsim::normalized_damerau_levenshtein(k, base), *k))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = near.map_or(String::new(), |(_, k)| format!(" (nearest: {k})"));
    call.refuse(
        format!("one of the {} operators that `losscape list operator` names", known.len()),
        format!("`{}`{hint}", brief(base)),
    )
}

/// x, with a derivative of zero: what `detach` leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stopped;

impl Scalar for Stopped {
    const PIECEWISE_LINEAR: bool = true;
    const PIECEWISE_CONSTANT: bool = true;

    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x
    }
    #[inline(always)]
    fn slope<E: Element>(&self, _: E) -> E {
        E::ZERO
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, _: E) -> E {
        E::ZERO
    }
}
