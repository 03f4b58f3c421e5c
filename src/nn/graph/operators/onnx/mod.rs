//! The operators of ONNX, each by an operator of torch's or a few entries of the tape. Inputs are named by their places, `0`
//! first, settings by their own names; an operator whose meaning changed with the version of ONNX asks which it is.

mod elementwise;
mod layers;
mod moving;
mod recurrent;
mod reduction;
mod resizing;

use super::Operator;
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};
use std::cell::Cell;

pub const FAMILIES: &[&[Operator]] = &[
    elementwise::OPERATORS,
    layers::OPERATORS,
    moving::OPERATORS,
    recurrent::OPERATORS,
    reduction::OPERATORS,
    resizing::OPERATORS,
];

/// The version of ONNX' operators that a call is of.
fn version(call: &Call) -> i64 {
    call.overload.parse().unwrap_or(i64::MAX)
}

/// What torch's operator of a name gives for these arguments.
fn torch<'a>(
    lower: &mut Lowering,
    call: &Call<'a>,
    name: &'static str,
    arguments: Vec<(&'a str, Value)>,
) -> Result<Value> {
    let Some(operator) = super::find(name) else { return Err(super::unknown(call, name)) };
    // Operators that several names share ask which one it is.
    let inner = Call {
        target: name,
        overload: "",
        arguments,
        asked: Cell::new(0),
        module: call.module,
        results: call.results,
    };
    operator(lower, &inner)
}

/// The same with one result.
fn torch_tensor<'a>(
    lower: &mut Lowering,
    call: &Call<'a>,
    name: &'static str,
    arguments: Vec<(&'a str, Value)>,
) -> Result<Tensor> {
    let single = Call { results: 1, asked: Cell::new(0), arguments: Vec::new(), ..*call };
    let value = torch(lower, &single, name, arguments)?;
    value.tensor().ok_or_else(|| call.refuse("a tensor", value.what()))
}

fn ints(numbers: &[i64]) -> Value {
    Value::List(numbers.iter().map(|n| Value::Int(*n)).collect())
}

fn sizes(numbers: &[usize]) -> Value {
    Value::List(numbers.iter().map(|n| Value::Int(*n as i64)).collect())
}

/// Whole numbers along one axis; a list of none stands for an axis without entries.
fn known_ints(numbers: Vec<f64>) -> Value {
    if numbers.is_empty() {
        Value::List(Vec::new())
    } else {
        Tensor::known(&[numbers.len()], Dtype::Int, numbers).into()
    }
}

/// A list of whole numbers that older versions have as a setting and newer ones as an input; none where it is neither.
fn listed(call: &Call, setting: &str, input: &str) -> Result<Option<Vec<i64>>> {
    for name in [setting, input] {
        if call.get(name).is_some() {
            return call.ints(name).map(Some);
        }
    }
    Ok(None)
}

/// The axes by setting or input; none where none are named.
fn axes(call: &Call, input: &str, rank: usize) -> Result<Option<Vec<usize>>> {
    let Some(named) = listed(call, "axes", input)? else { return Ok(None) };
    let mut axes = named.iter().map(|a| call.axis(*a, rank)).collect::<Result<Vec<usize>>>()?;
    axes.sort_unstable();
    if axes.windows(2).any(|pair| pair[0] == pair[1]) {
        Err(call.refuse("unlike axes", format!("{named:?}")))
    } else {
        Ok(Some(axes))
    }
}
