//! Operators that move numbers about: shapes, views, concatenation.

use super::Operator;
use crate::base::Result;
use crate::nn::graph::algebra::common;
use crate::nn::graph::call::Call;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[
    ("view", reshape),
    ("reshape", reshape),
    ("_unsafe_view", reshape),
    ("view_as", view_as),
    ("reshape_as", view_as),
    ("flatten", flatten),
    ("unflatten", unflatten),
    ("squeeze", squeeze),
    ("unsqueeze", unsqueeze),
    ("permute", permute),
    ("transpose", transpose),
    ("swapaxes", transpose),
    ("swapdims", transpose),
    ("t", turned),
    ("numpy_T", turned),
    ("mT", matrix_turned),
    ("movedim", movedim),
    ("moveaxis", movedim),
    ("expand", expand),
    ("expand_as", expand_as),
    ("broadcast_to", expand),
    ("broadcast_tensors", broadcast_tensors),
];

/// Operators whose results share the numbers of their first argument, so that a change of one in place changes both.
pub const VIEWS: &[&str] = &[
    "view",
    "reshape",
    "_unsafe_view",
    "view_as",
    "reshape_as",
    "flatten",
    "unflatten",
    "squeeze",
    "unsqueeze",
    "permute",
    "transpose",
    "swapaxes",
    "swapdims",
    "t",
    "numpy_T",
    "mT",
    "movedim",
    "moveaxis",
    "expand",
    "expand_as",
    "slice",
    "narrow",
    "select",
    "split",
    "split_with_sizes",
    "tensor_split",
    "chunk",
    "unbind",
    "unfold",
    "diagonal",
    "contiguous",
    "alias",
    "detach",
    "to",
];

pub fn input(call: &Call) -> Result<Tensor> {
    call.tensor(if call.get("self").is_some() { "self" } else { "input" })
}

/// A shape in which one length may be -1: what is left.
fn whole(call: &Call, sizes: &[i64], all: usize) -> Result<Vec<usize>> {
    let known =
        sizes.iter().filter(|n| **n != -1).try_fold(1usize, |p, n| p.checked_mul(usize::try_from(*n).ok()?));
    let open = sizes.iter().filter(|n| **n == -1).count();
    let rest = known.filter(|k| open <= 1 && *k > 0 && all.is_multiple_of(*k)).map(|k| all / k);
    let Some(rest) = rest.filter(|rest| open == 1 || *rest == 1) else {
        return Err(call.refuse(format!("a shape of {all} numbers"), format!("{sizes:?}")));
    };
    Ok(sizes.iter().map(|n| if *n == -1 { rest } else { *n as usize }).collect())
}

fn reshape(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    if call.overload == "dtype" {
        return Err(call.refuse("the same type", "bits read as another"));
    }
    let sizes = call.ints(if call.get("size").is_some() { "size" } else { "shape" })?;
    let shape = whole(call, &sizes, t.size())?;
    Ok(lower.reshape(&t, &shape)?.into())
}

fn view_as(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, other) = (call.tensor("self")?, call.tensor("other")?);
    Ok(lower.reshape(&t, &other.shape)?.into())
}

fn flatten(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let (start, end) = (
        call.axis(call.int_or("start_dim", 0)?, t.rank())?,
        call.axis(call.int_or("end_dim", -1)?, t.rank())?,
    );
    if start > end {
        return Err(call.refuse("axes in order", format!("{start} to {end}")));
    }
    if t.rank() == 0 {
        return Ok(lower.reshape(&t, &[1])?.into());
    }
    let mut shape = t.shape[..start].to_vec();
    shape.push(t.shape[start..=end].iter().product());
    shape.extend(&t.shape[end + 1..]);
    Ok(lower.reshape(&t, &shape)?.into())
}

fn unflatten(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = named_axis(call, &t, "dim")?;
    let parts = whole(call, &call.ints("sizes")?, t.shape[axis])?;
    let shape = [&t.shape[..axis], &parts, &t.shape[axis + 1..]].concat();
    Ok(lower.reshape(&t, &shape)?.into())
}

/// An axis of a tensor by the name of the argument.
pub fn named_axis(call: &Call, t: &Tensor, name: &str) -> Result<usize> {
    let axis = call.axis(call.int(name)?, t.rank())?;
    if axis < t.rank() { Ok(axis) } else { Err(call.refuse("a tensor with axes", "a single number")) }
}

fn squeeze(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = match call.get("dim") {
        None => (0..t.rank()).collect(),
        Some(_) => call.axes("dim", t.rank())?,
    };
    let shape: Vec<usize> =
        (0..t.rank()).filter(|a| t.shape[*a] != 1 || !axes.contains(a)).map(|a| t.shape[a]).collect();
    Ok(lower.reshape(&t, &shape)?.into())
}

fn unsqueeze(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = call.axis(call.int("dim")?, t.rank() + 1)?;
    let mut shape = t.shape.clone();
    shape.insert(axis, 1);
    Ok(lower.reshape(&t, &shape)?.into())
}

/// All axes in an order; refuses one that leaves some out.
fn order(call: &Call, axes: &[i64], rank: usize) -> Result<Vec<usize>> {
    let order = axes.iter().map(|a| call.axis(*a, rank)).collect::<Result<Vec<usize>>>()?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.iter().copied().eq(0..rank) {
        Ok(order)
    } else {
        Err(call.refuse(format!("all {rank} axes"), format!("{axes:?}")))
    }
}

fn permute(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let order = order(call, &call.ints("dims")?, t.rank())?;
    Ok(lower.permute(&t, &order)?.into())
}

fn swapped(lower: &mut Lowering, t: &Tensor, a: usize, b: usize) -> Result<Tensor> {
    let mut order: Vec<usize> = (0..t.rank()).collect();
    if a < t.rank() && b < t.rank() {
        order.swap(a, b);
    }
    lower.permute(t, &order)
}

fn transpose(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let name =
        |i: usize| if call.get("dim0").is_some() { ["dim0", "dim1"][i] } else { ["axis0", "axis1"][i] };
    let (a, b) = (call.axis(call.int(name(0))?, t.rank())?, call.axis(call.int(name(1))?, t.rank())?);
    Ok(swapped(lower, &t, a, b)?.into())
}

fn turned(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let order: Vec<usize> = (0..t.rank()).rev().collect();
    Ok(lower.permute(&t, &order)?.into())
}

fn matrix_turned(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    match t.rank() {
        0 | 1 => Err(call.refuse("a matrix", format!("shape {:?}", t.shape))),
        rank => Ok(swapped(lower, &t, rank - 2, rank - 1)?.into()),
    }
}

fn movedim(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = |name| -> Result<Vec<usize>> {
        call.ints(name)?.into_iter().map(|a| call.axis(a, t.rank())).collect()
    };
    let (source, destination) = (axes("source")?, axes("destination")?);
    let mut places: Vec<Option<usize>> = vec![None; t.rank()];
    if source.len() != destination.len() {
        return Err(call.refuse("as many places as axes", destination.len()));
    }
    source.iter().zip(&destination).for_each(|(from, to)| places[*to] = Some(*from));
    let mut rest = (0..t.rank()).filter(|a| !source.contains(a));
    let found: Vec<i64> =
        places.into_iter().filter_map(|p| p.or_else(|| rest.next())).map(|a| a as i64).collect();
    let order = order(call, &found, t.rank())?;
    Ok(lower.permute(&t, &order)?.into())
}

fn expand(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let sizes = call.ints("size")?;
    let Some(new) = sizes.len().checked_sub(t.rank()) else {
        return Err(call.refuse(format!("at least {} lengths", t.rank()), sizes.len()));
    };
    let mut shape = Vec::new();
    for (axis, n) in sizes.iter().enumerate() {
        shape.push(match (*n, axis.checked_sub(new)) {
            (-1, Some(old)) => t.shape[old],
            (n, _) if n >= 1 => n as usize,
            (n, _) => return Err(call.refuse("lengths of at least 1", n)),
        });
    }
    Ok(lower.expand(&t, &shape)?.into())
}

fn expand_as(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, other) = (call.tensor("self")?, call.tensor("other")?);
    Ok(lower.expand(&t, &other.shape)?.into())
}

fn broadcast_tensors(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let all = call.tensors("tensors")?;
    let shape = all.iter().try_fold(Vec::new(), |shape, t| common(&shape, &t.shape))?;
    let expanded = all.iter().map(|t| lower.expand(t, &shape).map(Value::from)).collect::<Result<_>>()?;
    Ok(Value::List(expanded))
}
