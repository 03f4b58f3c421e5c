//! Sums, means, extremes and norms over axes.

use super::{axes, sizes, torch};
use crate::autodiff::curves::{Abs, Log, Square};
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::operators::Operator;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[
    ("ArgMax", |l, c| place(l, c, "argmax")),
    ("ArgMin", |l, c| place(l, c, "argmin")),
    ("CumSum", cumsum),
    ("LpNormalization", normalized),
    ("ReduceL1", |l, c| reduce(l, c, "sum", Some(|l, t| l.map(t, Abs)))),
    ("ReduceL2", |l, c| reduce(l, c, "linalg_vector_norm", None)),
    ("ReduceLogSum", log_sum),
    ("ReduceLogSumExp", |l, c| reduce(l, c, "logsumexp", None)),
    ("ReduceMax", |l, c| reduce(l, c, "amax", None)),
    ("ReduceMean", |l, c| reduce(l, c, "mean", None)),
    ("ReduceMin", |l, c| reduce(l, c, "amin", None)),
    ("ReduceProd", |l, c| reduce(l, c, "prod", None)),
    ("ReduceSum", |l, c| reduce(l, c, "sum", None)),
    ("ReduceSumSquare", |l, c| reduce(l, c, "sum", Some(|l, t| l.map(t, Square)))),
    ("TopK", topk),
];

/// A function of each number before the reduction.
type Before = fn(&mut Lowering, &Tensor) -> Tensor;

fn reduce(lower: &mut Lowering, call: &Call, name: &'static str, before: Option<Before>) -> Result<Value> {
    let t = call.tensor("0")?;
    let keep = call.flag("keepdims", true)?;
    let none = call.flag("noop_with_empty_axes", false)?;
    let named = axes(call, "1", t.rank())?.filter(|axes| !axes.is_empty());
    let dtype = t.dtype;
    let t = before.map_or(t.clone(), |f| f(lower, &t).typed(dtype));
    if t.rank() == 0 || (named.is_none() && none) {
        return match name {
            "sum" | "mean" | "amax" | "amin" | "prod" => Ok(t.into()),
            _ => Err(call.refuse("axes", "none")),
        };
    }
    let over = named.unwrap_or_else(|| (0..t.rank()).collect());
    torch(lower, call, name, vec![("self", t.into()), ("dim", sizes(&over)), ("keepdim", Value::Bool(keep))])
}

fn log_sum(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let sum = reduce(lower, call, "sum", None)?;
    Ok(match sum.tensor() {
        Some(sum) => lower.map(&sum, Log).into(),
        None => sum,
    })
}

fn place(lower: &mut Lowering, call: &Call, name: &'static str) -> Result<Value> {
    if call.flag("select_last_index", false)? {
        return Err(call.refuse("the first of equal numbers", "the last"));
    }
    let arguments = vec![
        ("self", call.tensor("0")?.into()),
        ("dim", Value::Int(call.int_or("axis", 0)?)),
        ("keepdim", Value::Bool(call.flag("keepdims", true)?)),
    ];
    torch(lower, call, name, arguments)
}

fn cumsum(lower: &mut Lowering, call: &Call) -> Result<Value> {
    if call.flag("exclusive", false)? || call.flag("reverse", false)? {
        return Err(call.refuse("sums up to each entry", "exclusive or reverse ones"));
    }
    let arguments = vec![("self", call.tensor("0")?.into()), ("dim", Value::Int(call.int("1")?))];
    torch(lower, call, "cumsum", arguments)
}

/// x / |x|.
fn normalized(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let arguments = vec![
        ("self", call.tensor("0")?.into()),
        ("dim", Value::Int(call.int_or("axis", -1)?)),
        ("p", Value::Float(call.float_or("p", 2.0)?)),
    ];
    torch(lower, call, "normalize", arguments)
}

fn topk(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, axis) = (call.tensor("0")?, call.int_or("axis", -1)?);
    call.get("sorted");
    let arguments = vec![
        ("self", t.into()),
        (
            "k",
            Value::Int(match call.get("1") {
                Some(_) => call.int("1")?,
                None => call.int("k")?,
            }),
        ),
        ("dim", Value::Int(axis)),
        ("largest", Value::Bool(call.flag("largest", true)?)),
    ];
    match (torch(lower, call, "topk", arguments)?, call.results) {
        (Value::List(mut all), 1) if !all.is_empty() => Ok(all.remove(0)),
        (found, _) => Ok(found),
    }
}
