//! Operators that leave the numbers alone: copies, dropout, other types and no derivative.

use super::Operator;
use super::shape::input;
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[
    ("dropout", same),
    ("native_dropout", same),
    ("alpha_dropout", same),
    ("feature_dropout", same),
    ("feature_alpha_dropout", same),
    ("contiguous", same),
    ("clone", same),
    ("alias", same),
    ("lift_fresh_copy", same),
    ("lift_fresh", same),
    ("positive", same),
    ("requires_grad_", same),
    ("detach", detach),
    ("detach_copy", detach),
    ("to", to),
    ("type_as", type_as),
    ("_to_copy", to),
    ("float", |_, c| typed(c, Dtype::Float)),
    ("double", |_, c| typed(c, Dtype::Float)),
    ("half", |_, c| typed(c, Dtype::Float)),
];

/// Dropout is off wherever a landscape is looked at; what is only about memory changes nothing.
fn same(_: &mut Lowering, call: &Call) -> Result<Value> {
    call.get("p");
    Ok(input(call)?.into())
}

fn detach(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = input(call)?;
    Ok(lower.stopped(t.into()))
}

fn typed(call: &Call, dtype: Dtype) -> Result<Value> {
    Ok(input(call)?.typed(dtype).into())
}

/// Another type: to whole numbers the fraction is dropped, to truth values 0 is false.
pub fn cast(lower: &mut Lowering, t: &Tensor, dtype: Dtype) -> Result<Tensor> {
    match (t.dtype, dtype) {
        (from, to) if from == to => Ok(t.clone()),
        (_, Dtype::Bool) => super::arithmetic::truth(lower, t),
        (Dtype::Float, Dtype::Int) => Ok(lower.map(t, crate::autodiff::curves::Trunc).typed(Dtype::Int)),
        _ => Ok(t.clone().typed(dtype)),
    }
}

fn to(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let dtype = match call.overload {
        "other" => call.tensor("other")?.dtype,
        _ => call.dtype(t.dtype)?,
    };
    Ok(cast(lower, &t, dtype)?.into())
}

fn type_as(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, other) = (call.tensor("self")?, call.tensor("other")?);
    Ok(cast(lower, &t, other.dtype)?.into())
}
