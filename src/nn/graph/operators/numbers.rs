//! Sizes and other numbers that a graph computes with, and checks of them: all known, because sizes are.

use super::Operator;
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::Value;

pub const OPERATORS: &[Operator] = &[
    ("sym_size", sym_size),
    ("sym_numel", |_, c| Ok(Value::Int(c.tensor("self")?.size() as i64))),
    ("sym_constrain_range", nothing),
    ("sym_constrain_range_for_size", nothing),
    ("_assert_async", nothing),
    ("_assert_scalar", nothing),
    ("_assert_tensor_metadata", nothing),
    ("item", item),
    ("_local_scalar_dense", item),
    ("_operator.add", |_, c| two(c, |a, b| a.checked_add(b), |a, b| a + b)),
    ("_operator.sub", |_, c| two(c, |a, b| a.checked_sub(b), |a, b| a - b)),
    ("_operator.mul", |_, c| two(c, |a, b| a.checked_mul(b), |a, b| a * b)),
    ("_operator.floordiv", |_, c| two(c, floor_div, |a, b| (a / b).floor())),
    ("_operator.mod", |_, c| {
        two(c, |a, b| Some(a - floor_div(a, b)?.checked_mul(b)?), |a, b| a - (a / b).floor() * b)
    }),
    ("_operator.truediv", |_, c| two(c, |_, _| None, |a, b| a / b)),
    ("_operator.pow", |_, c| two(c, |a, b| a.checked_pow(u32::try_from(b).ok()?), f64::powf)),
    ("_operator.neg", |_, c| one(c, i64::checked_neg, |a| -a)),
    ("_operator.eq", |_, c| relation(c, |a, b| a == b)),
    ("_operator.ne", |_, c| relation(c, |a, b| a != b)),
    ("_operator.lt", |_, c| relation(c, |a, b| a < b)),
    ("_operator.le", |_, c| relation(c, |a, b| a <= b)),
    ("_operator.gt", |_, c| relation(c, |a, b| a > b)),
    ("_operator.ge", |_, c| relation(c, |a, b| a >= b)),
    ("_operator.and_", |_, c| relation(c, |a, b| a != 0.0 && b != 0.0)),
    ("_operator.or_", |_, c| relation(c, |a, b| a != 0.0 || b != 0.0)),
    ("_operator.getitem", getitem),
    ("torch.sym_max", |_, c| two(c, |a, b| Some(a.max(b)), f64::max)),
    ("torch.sym_min", |_, c| two(c, |a, b| Some(a.min(b)), f64::min)),
    ("torch.sym_not", |_, c| one(c, |a| Some(i64::from(a == 0)), |a| f64::from(u8::from(a == 0.0)))),
    ("torch.sym_float", |_, c| Ok(Value::Float(number(c, 0)?))),
    ("torch.sym_int", |_, c| Ok(Value::Int(number(c, 0)?.trunc() as i64))),
    ("torch.sym_sqrt", |_, c| Ok(Value::Float(number(c, 0)?.sqrt()))),
    ("torch._sym_sqrt", |_, c| Ok(Value::Float(number(c, 0)?.sqrt()))),
    ("math.trunc", |_, c| Ok(Value::Int(number(c, 0)?.trunc() as i64))),
    ("math.floor", |_, c| Ok(Value::Int(number(c, 0)?.floor() as i64))),
    ("math.ceil", |_, c| Ok(Value::Int(number(c, 0)?.ceil() as i64))),
    ("builtins.round", |_, c| Ok(Value::Int(number(c, 0)?.round_ties_even() as i64))),
];

fn sym_size(_: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = call.axis(call.int("dim")?, t.rank())?;
    match t.shape.get(axis) {
        Some(n) => Ok(Value::Int(*n as i64)),
        None => Err(call.refuse("a tensor with axes", "a single number")),
    }
}

/// What the exporter checked when it ran: nothing comes of it.
fn nothing(_: &mut Lowering, call: &Call) -> Result<Value> {
    call.asked.set(u64::MAX);
    Ok(Value::None)
}

fn item(_: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let Some(x) = t.numbers().filter(|n| n.len() == 1).map(|n| n[0]) else {
        return Err(call
            .refuse("one number that does not depend on data", format!("a tensor of shape {:?}", t.shape)));
    };
    use crate::nn::graph::dtype::Dtype;
    Ok(match t.dtype {
        Dtype::Int => Value::Int(x as i64),
        Dtype::Bool => Value::Bool(x != 0.0),
        Dtype::Float => Value::Float(x),
    })
}

fn at<'c>(call: &'c Call, index: usize) -> Result<&'c Value> {
    call.at_index(index).ok_or_else(|| call.refuse(format!("{} arguments", index + 1), call.arguments.len()))
}

fn number(call: &Call, index: usize) -> Result<f64> {
    match at(call, index)? {
        Value::Int(n) => Ok(*n as f64),
        Value::Float(x) => Ok(*x),
        Value::Bool(b) => Ok(f64::from(u8::from(*b))),
        other => Err(call.refuse("a number", other.what())),
    }
}

fn one(call: &Call, int: impl Fn(i64) -> Option<i64>, float: impl Fn(f64) -> f64) -> Result<Value> {
    match at(call, 0)? {
        Value::Int(n) => int(*n).map(Value::Int).ok_or_else(|| call.refuse("numbers below 2^63", n)),
        _ => Ok(Value::Float(float(number(call, 0)?))),
    }
}

/// Of two whole numbers by `int`, or by `float` where that gives none or one of them is no whole number.
fn two(call: &Call, int: impl Fn(i64, i64) -> Option<i64>, float: impl Fn(f64, f64) -> f64) -> Result<Value> {
    if let (Value::Int(a), Value::Int(b)) = (at(call, 0)?, at(call, 1)?)
        && let Some(n) = int(*a, *b)
    {
        return Ok(Value::Int(n));
    }
    Ok(Value::Float(float(number(call, 0)?, number(call, 1)?)))
}

fn floor_div(a: i64, b: i64) -> Option<i64> {
    let q = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q })
}

fn relation(call: &Call, holds: impl Fn(f64, f64) -> bool) -> Result<Value> {
    Ok(Value::Bool(holds(number(call, 0)?, number(call, 1)?)))
}

fn getitem(_: &mut Lowering, call: &Call) -> Result<Value> {
    let index = number(call, 1)?;
    match at(call, 0)? {
        Value::List(values) if index >= 0.0 && (index as usize) < values.len() => {
            Ok(values[index as usize].clone())
        }
        other => Err(call.refuse("a list with that entry", other.what())),
    }
}
