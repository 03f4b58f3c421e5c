//! Operators that take a tensor apart and put tensors together.

use super::Operator;
use super::shape::named_axis;
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value, strides};

pub const OPERATORS: &[Operator] = &[
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
    ("meshgrid", meshgrid),
];

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
    if start >= 0 && length >= 1 && start.checked_add(length).is_some_and(|end| end <= t.shape[axis] as i64) {
        Ok(lower.slice(&t, axis, start as usize, length as usize, 1)?.into())
    } else {
        Err(call.refuse(format!("entries of {}", t.shape[axis]), format!("{length} from {start} on")))
    }
}

fn select(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = named_axis(call, &t, "dim")?;
    let length = t.shape[axis] as i64;
    let index = call.int("index")?;
    if (-length..length).contains(&index) {
        Ok(lower.pick(&t, axis, ((index + length) % length) as usize)?.into())
    } else {
        Err(call.refuse(format!("an index below {length}"), index))
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
    if count >= 1 {
        parts(lower, &t, axis, &cuts(all, all.div_ceil(count as usize)))
    } else {
        Err(call.refuse("at least one part", count))
    }
}

fn tensor_split(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = call.axis(call.int_or("dim", 0)?, t.rank())?;
    let all = t.shape.get(axis).copied().unwrap_or(1);
    let sections = call.int("sections")?;
    if (1..=all as i64).contains(&sections) {
        let count = sections as usize;
        let lengths: Vec<usize> = (0..count).map(|i| all / count + usize::from(i < all % count)).collect();
        parts(lower, &t, axis, &lengths)
    } else {
        Err(call.refuse(format!("1 to {all} parts"), sections))
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
