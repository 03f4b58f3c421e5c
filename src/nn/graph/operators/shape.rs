//! Operators that move numbers about: shapes, views, concatenation.

use super::Operator;
use crate::base::Result;
use crate::nn::graph::algebra::common;
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value, strides};

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
    ("slice", slice),
    ("narrow", narrow),
    ("select", select),
    ("split", split),
    ("split_with_sizes", split),
    ("tensor_split", tensor_split),
    ("chunk", chunk),
    ("unbind", unbind),
    ("unfold", unfold),
    ("diagonal", diagonal),
    ("cat", cat),
    ("concat", cat),
    ("concatenate", cat),
    ("stack", stack),
    ("hstack", |l, c| joined(l, c, 1)),
    ("vstack", |l, c| joined(l, c, 0)),
    ("repeat", repeat),
    ("tile", repeat),
    ("repeat_interleave", repeat_interleave),
    ("flip", flip),
    ("roll", roll),
    ("pad", pad),
    ("constant_pad_nd", pad),
    ("diff", diff),
    ("pixel_shuffle", pixel_shuffle),
    ("pixel_unshuffle", pixel_unshuffle),
    ("channel_shuffle", channel_shuffle),
    ("meshgrid", meshgrid),
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

fn input(call: &Call) -> Result<Tensor> {
    call.tensor(if call.get("self").is_some() { "self" } else { "input" })
}

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
    match axis < t.rank() {
        true => Ok(axis),
        false => Err(call.refuse("a tensor with axes", "a single number")),
    }
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
    match sorted.iter().copied().eq(0..rank) {
        true => Ok(order),
        false => Err(call.refuse(format!("all {rank} axes"), format!("{axes:?}"))),
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

fn slice(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = call.axis(call.int_or("dim", 0)?, t.rank())?;
    let Some(length) = t.shape.get(axis).map(|n| *n as i64) else {
        return Err(call.refuse("a tensor with axes", "a single number"));
    };
    let held = |n: i64| if n < 0 { (n.saturating_add(length)).max(0) } else { n.min(length) };
    let (start, end) = (held(call.int_or("start", 0)?), held(call.int_or("end", i64::MAX)?));
    let step = call.int_or("step", 1)?;
    if step < 1 || end <= start {
        return Err(call.refuse("a slice of at least one entry", format!("{start}..{end} by {step}")));
    }
    let count = (end - start - 1) / step + 1;
    Ok(lower.slice(&t, axis, start as usize, count as usize, step as isize)?.into())
}

fn narrow(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = named_axis(call, &t, "dim")?;
    let (start, length) = (call.int("start")?, call.int("length")?);
    let start = if start < 0 { start + t.shape[axis] as i64 } else { start };
    match start >= 0
        && length >= 1
        && start.checked_add(length).is_some_and(|end| end <= t.shape[axis] as i64)
    {
        true => Ok(lower.slice(&t, axis, start as usize, length as usize, 1)?.into()),
        false => {
            Err(call.refuse(format!("entries of {}", t.shape[axis]), format!("{length} from {start} on")))
        }
    }
}

fn select(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = named_axis(call, &t, "dim")?;
    let length = t.shape[axis] as i64;
    let index = call.int("index")?;
    match (-length..length).contains(&index) {
        true => Ok(lower.pick(&t, axis, ((index + length) % length) as usize)?.into()),
        false => Err(call.refuse(format!("an index below {length}"), index)),
    }
}

/// Parts of given lengths along an axis.
fn parts(lower: &mut Lowering, t: &Tensor, axis: usize, lengths: &[usize]) -> Result<Value> {
    let mut start = 0;
    let mut all = Vec::new();
    for length in lengths {
        all.push(lower.slice(t, axis, start, *length, 1)?.into());
        start += length;
    }
    Ok(Value::List(all))
}

/// Lengths of parts of at most `most`.
fn cuts(all: usize, most: usize) -> Vec<usize> {
    (0..all).step_by(most.max(1)).map(|start| most.min(all - start)).collect()
}

fn split(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = call.axis(call.int_or("dim", 0)?, t.rank())?;
    let all = t.shape.get(axis).copied().unwrap_or(1);
    let name = ["split_size", "split_sizes", "sections"]
        .into_iter()
        .find(|n| call.get(n).is_some())
        .unwrap_or("split_size");
    let lengths = match call.need(name)? {
        Value::List(_) => call.sizes(name)?,
        _ => match call.int(name)? {
            n if n >= 1 => cuts(all, n as usize),
            n => return Err(call.refuse("parts of at least one entry", n)),
        },
    };
    if lengths.contains(&0) || lengths.iter().try_fold(0usize, |s, n| s.checked_add(*n)) != Some(all) {
        return Err(call.refuse(format!("parts of {all} entries, none empty"), format!("{lengths:?}")));
    }
    parts(lower, &t, axis, &lengths)
}

fn chunk(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = call.axis(call.int_or("dim", 0)?, t.rank())?;
    let (all, count) = (t.shape.get(axis).copied().unwrap_or(1), call.int("chunks")?);
    match count >= 1 {
        true => parts(lower, &t, axis, &cuts(all, all.div_ceil(count as usize))),
        false => Err(call.refuse("at least one part", count)),
    }
}

fn tensor_split(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = call.axis(call.int_or("dim", 0)?, t.rank())?;
    let all = t.shape.get(axis).copied().unwrap_or(1);
    let sections = call.int("sections")?;
    match (1..=all as i64).contains(&sections) {
        true => {
            let count = sections as usize;
            let lengths: Vec<usize> =
                (0..count).map(|i| all / count + usize::from(i < all % count)).collect();
            parts(lower, &t, axis, &lengths)
        }
        false => Err(call.refuse(format!("1 to {all} parts"), sections)),
    }
}

fn unbind(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = call.axis(call.int_or("dim", 0)?, t.rank())?;
    let count = t.shape.get(axis).copied().unwrap_or(0);
    Ok(Value::List((0..count).map(|i| lower.pick(&t, axis, i).map(Value::from)).collect::<Result<_>>()?))
}

/// Windows along an axis, as a new last one.
fn unfold(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = named_axis(call, &t, "dimension")?;
    let (size, step) = (call.int("size")?, call.int("step")?);
    if size < 1 || step < 1 || size > t.shape[axis] as i64 {
        return Err(
            call.refuse(format!("windows within {} entries", t.shape[axis]), format!("{size} by {step}"))
        );
    }
    let mut shape = t.shape.clone();
    let mut steps = strides(&t.shape);
    shape[axis] = (t.shape[axis] - size as usize) / step as usize + 1;
    shape.push(size as usize);
    steps.push(steps[axis]);
    steps[axis] *= step as isize;
    Ok(lower.strided(&t, &shape, &steps, 0)?.into())
}

fn diagonal(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let (a, b) =
        (call.axis(call.int_or("dim1", 0)?, t.rank())?, call.axis(call.int_or("dim2", 1)?, t.rank())?);
    let offset = call.int_or("offset", 0)?;
    if a == b || t.rank() < 2 {
        return Err(call.refuse("two axes", format!("{a} and {b}")));
    }
    let (down, right) = (offset.saturating_neg().max(0) as usize, offset.max(0) as usize);
    let count = t.shape[a].saturating_sub(down).min(t.shape[b].saturating_sub(right));
    let own = strides(&t.shape);
    let kept = || (0..t.rank()).filter(|axis| *axis != a && *axis != b);
    let shape: Vec<usize> = kept().map(|axis| t.shape[axis]).chain([count]).collect();
    let steps: Vec<isize> = kept().map(|axis| own[axis]).chain([own[a] + own[b]]).collect();
    let start = down * own[a] as usize + right * own[b] as usize;
    Ok(lower.strided(&t, &shape, &steps, start)?.into())
}

fn cat(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let all = call.tensors("tensors")?;
    let rank = all.first().map_or(1, Tensor::rank);
    if rank == 0 {
        return Err(call.refuse("tensors with axes", "single numbers"));
    }
    let axis = call.axis(call.int_or("dim", 0)?, rank)?;
    Ok(lower.concat(&all, axis)?.into())
}

fn stack(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let all = call.tensors("tensors")?;
    let rank = all.first().map_or(0, Tensor::rank);
    let axis = call.axis(call.int_or("dim", 0)?, rank + 1)?;
    let mut parts = Vec::new();
    for t in &all {
        let mut shape = t.shape.clone();
        shape.insert(axis.min(t.rank()), 1);
        parts.push(lower.reshape(t, &shape)?);
    }
    Ok(lower.concat(&parts, axis)?.into())
}

fn joined(lower: &mut Lowering, call: &Call, axis: usize) -> Result<Value> {
    let all = call.tensors("tensors")?;
    let least = axis.max(1);
    if all.iter().any(|t| t.rank() < least) || (axis == 0 && all.iter().any(|t| t.rank() < 2)) {
        return Err(call.refuse("matrices", "tensors of fewer axes"));
    }
    let axis = if all.iter().all(|t| t.rank() == 1) { 0 } else { axis };
    Ok(lower.concat(&all, axis)?.into())
}

fn repeat(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let mut times = call.sizes(if call.get("repeats").is_some() { "repeats" } else { "dims" })?;
    while times.len() < t.rank() {
        times.insert(0, 1);
    }
    let new = times.len() - t.rank();
    let own = strides(&t.shape);
    let (mut shape, mut steps, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for (axis, n) in times.iter().enumerate() {
        let (d, s) = axis.checked_sub(new).map_or((1, 0), |a| (t.shape[a], own[a]));
        shape.extend([*n, d]);
        steps.extend([0, s]);
        whole.push(n.checked_mul(d).unwrap_or(0));
    }
    let repeated = lower.strided(&t, &shape, &steps, 0)?;
    Ok(lower.reshape(&repeated, &whole)?.into())
}

fn repeat_interleave(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let times = call.int("repeats")?;
    let (t, axis) = match call.get("dim") {
        None => (lower.reshape(&t, &[t.size()])?, 0),
        Some(_) => (t.clone(), named_axis(call, &t, "dim")?),
    };
    let Some(times) = usize::try_from(times).ok().filter(|n| *n >= 1) else {
        return Err(call.refuse("at least once", times));
    };
    let (mut shape, mut steps) = (t.shape.clone(), strides(&t.shape));
    shape.insert(axis + 1, times);
    steps.insert(axis + 1, 0);
    let repeated = lower.strided(&t, &shape, &steps, 0)?;
    let mut whole = t.shape.clone();
    whole[axis] *= times;
    Ok(lower.reshape(&repeated, &whole)?.into())
}

fn flip(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = call.axes("dims", t.rank())?;
    let (own, mut steps) = (strides(&t.shape), strides(&t.shape));
    let mut start = 0;
    for axis in axes {
        start += (t.shape[axis] - 1) * own[axis] as usize;
        steps[axis] = -own[axis];
    }
    Ok(lower.strided(&t, &t.shape, &steps, start)?.into())
}

fn roll(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let shifts = call.ints("shifts")?;
    let named = call.ints_or_none("dims")?;
    let (mut rolled, axes) = match named.is_empty() {
        true => (lower.reshape(&t, &[t.size()])?, vec![0]),
        false => (t.clone(), named.iter().map(|a| call.axis(*a, t.rank())).collect::<Result<Vec<_>>>()?),
    };
    if shifts.len() != axes.len() {
        return Err(call.refuse("a shift for each axis", shifts.len()));
    }
    for (shift, axis) in shifts.into_iter().zip(axes) {
        let length = rolled.shape[axis];
        let shift = shift.rem_euclid(length as i64) as usize;
        if shift > 0 {
            let end = lower.slice(&rolled, axis, length - shift, shift, 1)?;
            let start = lower.slice(&rolled, axis, 0, length - shift, 1)?;
            rolled = lower.concat(&[end, start], axis)?;
        }
    }
    Ok(lower.reshape(&rolled, &t.shape)?.into())
}

fn pad(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let pads = call.ints("pad")?;
    if pads.len() % 2 != 0 || pads.len() / 2 > t.rank() {
        return Err(call.refuse("two numbers for each of the last axes", format!("{pads:?}")));
    }
    let mode = call.text("mode").unwrap_or("constant").to_owned();
    let value = call.float_or("value", 0.0)?;
    let mut padded = t.clone();
    for (i, pair) in pads.chunks_exact(2).enumerate() {
        let axis = t.rank() - 1 - i;
        padded = padded_axis(lower, call, &padded, axis, [pair[0], pair[1]], &mode, value)?;
    }
    Ok(padded.into())
}

/// A tensor with entries put before and after along an axis; negative numbers of them are taken away.
pub fn padded_axis(
    lower: &mut Lowering,
    call: &Call,
    t: &Tensor,
    axis: usize,
    [before, after]: [i64; 2],
    mode: &str,
    value: f64,
) -> Result<Tensor> {
    let length = t.shape[axis] as i64;
    let fits = |n: i64| n.unsigned_abs() <= u64::from(u32::MAX);
    if (before, after) == (0, 0) {
        return Ok(t.clone());
    }
    if !fits(before) || !fits(after) || length + before.min(0) + after.min(0) < 1 {
        return Err(call.refuse(format!("padding of an axis of {length}"), format!("{before} and {after}")));
    }
    let start = (-before).max(0);
    let kept = lower.slice(t, axis, start as usize, (length + before.min(0) + after.min(0)) as usize, 1)?;
    let (before, after) = (before.max(0) as usize, after.max(0) as usize);
    let n = kept.shape[axis];
    let inner = |i: i64| -> Option<usize> {
        // The entry that stands at a place before the first or after the last one.
        let n = n as i64;
        let at = match mode {
            "reflect" => {
                if i < 0 {
                    -i
                } else {
                    2 * (n - 1) - i
                }
            }
            "replicate" => i.clamp(0, n - 1),
            _ => i.rem_euclid(n),
        };
        usize::try_from(at).ok().filter(|at| *at < n as usize)
    };
    if mode != "constant" {
        if !["reflect", "replicate", "circular"].contains(&mode) {
            return Err(call.refuse("padding of constant, reflect, replicate or circular", mode));
        }
        let places: Option<Vec<usize>> = (-(before as i64)..(n + after) as i64)
            .map(|i| if (0..n as i64).contains(&i) { Some(i as usize) } else { inner(i) })
            .collect();
        let Some(places) = places else {
            return Err(call.refuse(format!("padding below {n}"), format!("{before} and {after}")));
        };
        return super::index::picked(lower, call, &kept, axis, &places);
    }
    let mut parts = Vec::new();
    for (count, place) in [(before, 0), (after, 1)] {
        if count > 0 {
            let mut shape = kept.shape.clone();
            shape[axis] = count;
            let filled = Tensor::number(value, kept.dtype);
            parts.push((place, lower.expand(&filled, &shape)?));
        }
    }
    let mut all = vec![kept];
    for (place, part) in parts {
        all.insert(if place == 0 { 0 } else { all.len() }, part);
    }
    lower.concat(&all, axis)
}

fn diff(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = call.axis(call.int_or("dim", -1)?, t.rank())?;
    let mut all = Vec::new();
    all.extend(call.maybe("prepend")?);
    all.push(t);
    all.extend(call.maybe("append")?);
    let mut t = lower.concat(&all, axis)?;
    let times = call.int_or("n", 1)?;
    for _ in 0..times.clamp(0, t.shape[axis] as i64) {
        let n = t.shape[axis];
        if n < 2 {
            return Err(call.refuse("at least two entries", n));
        }
        let (later, earlier) = (lower.slice(&t, axis, 1, n - 1, 1)?, lower.slice(&t, axis, 0, n - 1, 1)?);
        t = lower.subtract(&later, &earlier)?;
    }
    Ok(t.into())
}

/// Channels, and the sizes of images with samples before them.
fn image(call: &Call, t: &Tensor) -> Result<(Vec<usize>, [usize; 3])> {
    match t.rank() {
        0..=2 => Err(call.refuse("an image", format!("shape {:?}", t.shape))),
        rank => Ok((t.shape[..rank - 3].to_vec(), [t.shape[rank - 3], t.shape[rank - 2], t.shape[rank - 1]])),
    }
}

fn pixel_shuffle(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let (lead, [c, h, w]) = image(call, &t)?;
    let r = usize::try_from(call.int("upscale_factor")?).unwrap_or(0);
    if r == 0 || r > 1 << 16 || c % (r * r) != 0 {
        return Err(call.refuse("channels in groups of the factor squared", c));
    }
    let n: usize = lead.iter().product();
    let split = lower.reshape(&t, &[n, c / (r * r), r, r, h, w])?;
    let moved = lower.permute(&split, &[0, 1, 4, 2, 5, 3])?;
    let shape = [lead, vec![c / (r * r), h * r, w * r]].concat();
    Ok(lower.reshape(&moved, &shape)?.into())
}

fn pixel_unshuffle(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let (lead, [c, h, w]) = image(call, &t)?;
    let r = usize::try_from(call.int("downscale_factor")?).unwrap_or(0);
    if r == 0 || r > 1 << 16 || h % r != 0 || w % r != 0 {
        return Err(call.refuse("sides that are multiples of the factor", format!("{h} x {w}")));
    }
    let n: usize = lead.iter().product();
    let split = lower.reshape(&t, &[n, c, h / r, r, w / r, r])?;
    let moved = lower.permute(&split, &[0, 1, 3, 5, 2, 4])?;
    let shape = [lead, vec![c * r * r, h / r, w / r]].concat();
    Ok(lower.reshape(&moved, &shape)?.into())
}

fn channel_shuffle(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let groups = usize::try_from(call.int("groups")?).unwrap_or(0);
    if t.rank() < 2 || groups == 0 || t.shape[1] % groups != 0 {
        return Err(call.refuse("channels in whole groups", format!("shape {:?}", t.shape)));
    }
    let (n, c, rest) = (t.shape[0], t.shape[1], t.shape[2..].iter().product());
    let split = lower.reshape(&t, &[n, groups, c / groups, rest])?;
    let moved = lower.permute(&split, &[0, 2, 1, 3])?;
    Ok(lower.reshape(&moved, &t.shape)?.into())
}

fn meshgrid(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let all = call.tensors("tensors")?;
    let mut lengths: Vec<usize> = all.iter().map(Tensor::size).collect();
    let swap = call.text("indexing") == Some("xy") && all.len() >= 2;
    if swap {
        lengths.swap(0, 1);
    }
    let mut grids = Vec::new();
    for (i, t) in all.iter().enumerate() {
        let axis = if swap && i < 2 { 1 - i } else { i };
        let mut shape = vec![1; all.len()];
        shape[axis] = t.size();
        let line = lower.reshape(t, &shape)?;
        grids.push(lower.expand(&line, &lengths)?.into());
    }
    Ok(Value::List(grids))
}
