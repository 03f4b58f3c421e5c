//! Shapes, and operators that move numbers about.

use super::{axes, ints, known_ints, listed, sizes, torch, torch_tensor};
use crate::autodiff::primitives::Compare;
use crate::base::Result;
use crate::nn::graph::algebra::sized;
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::operators::Operator;
use crate::nn::graph::operators::arithmetic::compared;
use crate::nn::graph::operators::index::along;
use crate::nn::graph::operators::padding::padded_axis;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[
    ("Concat", concat),
    ("ConstantOfShape", filled),
    ("DepthToSpace", |l, c| blocks(l, c, true)),
    ("Expand", expand),
    ("EyeLike", eye_like),
    ("Flatten", flatten),
    ("Gather", gather),
    ("GatherElements", gather_elements),
    ("GatherND", gather_nd),
    ("OneHot", one_hot),
    ("Pad", pad),
    ("Range", range),
    ("Reshape", reshape),
    ("ScatterElements", scatter),
    ("ScatterND", scatter_nd),
    ("Shape", shape),
    ("Size", |_, c| Ok(Tensor::number(c.tensor("0")?.size() as f64, Dtype::Int).into())),
    ("Slice", slice),
    ("SpaceToDepth", |l, c| blocks(l, c, false)),
    ("Split", split),
    ("Squeeze", squeeze),
    ("Tile", tile),
    ("Transpose", transpose),
    ("Trilu", trilu),
    ("Unsqueeze", unsqueeze),
];

/// Most numbers that are made from sizes alone.
const MOST: usize = 1 << 26;

/// Whether a value is an axis without entries.
fn is_empty(value: &Value) -> bool {
    matches!(value, Value::List(all) if all.is_empty())
}

fn shape(_: &mut Lowering, call: &Call) -> Result<Value> {
    let lengths: Vec<f64> = match call.need("0")? {
        value if is_empty(value) => vec![0.0],
        _ => call.tensor("0")?.shape.iter().map(|d| *d as f64).collect(),
    };
    let rank = lengths.len() as i64;
    let held = |n: i64| (if n < 0 { n.saturating_add(rank) } else { n }).clamp(0, rank) as usize;
    let (start, end) = (held(call.int_or("start", 0)?), held(call.int_or("end", rank)?));
    Ok(known_ints(lengths.get(start..end).unwrap_or_default().to_vec()))
}

fn reshape(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("0")?;
    let zero = call.flag("allowzero", false)?;
    let lengths = match listed(call, "shape", "1")? {
        Some(lengths) => lengths,
        None => return Err(call.refuse("a shape", "none")),
    };
    let own = |(i, n): (usize, &i64)| match (*n, t.shape.get(i)) {
        (0, Some(d)) if !zero => *d as i64,
        (n, _) => n,
    };
    let lengths: Vec<i64> = lengths.iter().enumerate().map(own).collect();
    torch(lower, call, "reshape", vec![("self", t.into()), ("shape", ints(&lengths))])
}

/// Two axes: those before one, and the rest.
fn flatten(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("0")?;
    let axis = call.int_or("axis", 1)?;
    let rank = t.rank() as i64;
    if !(-rank..=rank).contains(&axis) {
        return Err(call.refuse(format!("an axis up to {rank}"), axis));
    }
    let axis = if axis < 0 { axis + rank } else { axis } as usize;
    let rows: usize = t.shape[..axis].iter().product();
    Ok(lower.reshape(&t, &[rows, t.size() / rows])?.into())
}

fn transpose(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("0")?;
    let order = match call.get("perm") {
        None => (0..t.rank() as i64).rev().collect(),
        Some(_) => call.ints("perm")?,
    };
    torch(lower, call, "permute", vec![("self", t.into()), ("dims", ints(&order))])
}

fn squeeze(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("0")?;
    let named = axes(call, "1", t.rank())?;
    if let Some(axis) = named.iter().flatten().find(|a| t.shape.get(**a).is_some_and(|d| *d != 1)) {
        return Err(call.refuse("axes of length 1", format!("length {}", t.shape[*axis])));
    }
    let dropped = |a: &usize| named.as_ref().map_or(t.shape[*a] == 1, |named| named.contains(a));
    let shape: Vec<usize> = (0..t.rank()).filter(|a| !dropped(a)).map(|a| t.shape[a]).collect();
    let squeezed = lower.reshape(&t, &shape)?;
    Ok(squeezed.into())
}

fn unsqueeze(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("0")?;
    let count = listed(call, "axes", "1")?.map_or(0, |all| all.len());
    let Some(axes) = axes(call, "1", t.rank() + count)? else { return Err(call.refuse("axes", "none")) };
    let mut shape = t.shape.clone();
    axes.iter().for_each(|a| shape.insert(*a, 1));
    Ok(lower.reshape(&t, &shape)?.into())
}

fn expand(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("0")?;
    let lengths = call.sizes("1")?;
    let shape = crate::nn::graph::algebra::common(&t.shape, &lengths)?;
    Ok(lower.expand(&t, &shape)?.into())
}

fn tile(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("0")?;
    let times = call.sizes("1")?;
    if times.len() != t.rank() || times.contains(&0) {
        return Err(call.refuse(format!("{} repeats of at least 1", t.rank()), format!("{times:?}")));
    }
    torch(lower, call, "tile", vec![("self", t.into()), ("dims", sizes(&times))])
}

fn concat(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let Value::List(all) = call.need("inputs")? else { return Err(call.refuse("tensors", "none")) };
    let kept: Vec<Value> = all.iter().filter(|v| !is_empty(v)).cloned().collect();
    if kept.is_empty() {
        return Ok(Value::List(Vec::new()));
    }
    torch(
        lower,
        call,
        "cat",
        vec![("tensors", Value::List(kept)), ("dim", Value::Int(call.int_or("axis", 1)?))],
    )
}

fn split(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("0")?;
    let axis = call.axis(call.int_or("axis", 0)?, t.rank())?;
    let Some(length) = t.shape.get(axis).copied() else {
        return Err(call.refuse("a tensor with axes", "a single number"));
    };
    call.get("num_outputs");
    let parts = match listed(call, "split", "1")? {
        Some(parts) => parts,
        None => {
            let each = length.div_ceil(call.results);
            (0..call.results).map(|i| each.min(length.saturating_sub(i * each)) as i64).collect()
        }
    };
    let arguments = vec![("self", t.into()), ("split_sizes", ints(&parts)), ("dim", Value::Int(axis as i64))];
    match (torch(lower, call, "split", arguments)?, call.results) {
        (Value::List(mut all), 1) if all.len() == 1 => Ok(all.remove(0)),
        (found, _) => Ok(found),
    }
}

/// Entries from start to end by steps, along axes; settings before version 10.
fn slice(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let value = call.need("0")?.clone();
    let (Some(starts), Some(ends)) = (listed(call, "starts", "1")?, listed(call, "ends", "2")?) else {
        return Err(call.refuse("starts and ends", "none"));
    };
    let (named, by) = (listed(call, "axes", "3")?, listed(call, "steps", "4")?);
    if is_empty(&value) {
        return Ok(value);
    }
    let mut t = call.tensor("0")?;
    let named = named.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let by = by.unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || named.len() != starts.len() || by.len() != starts.len() {
        return Err(call.refuse("a start, an end, an axis and a step each", "lists of unlike lengths"));
    }
    for (i, axis) in named.iter().enumerate() {
        let axis = call.axis(*axis, t.rank())?;
        let Some(length) = t.shape.get(axis).map(|n| *n as i64) else {
            return Err(call.refuse("a tensor with axes", "a single number"));
        };
        let step = by[i];
        let from_end = |n: i64| if n < 0 { n.saturating_add(length) } else { n };
        let (start, end) = (from_end(starts[i]), from_end(ends[i]));
        let (start, end) = match step {
            1.. => (start.clamp(0, length), end.clamp(0, length)),
            ..0 => (start.clamp(0, length - 1), end.clamp(-1, length - 1)),
            0 => return Err(call.refuse("steps that are not 0", 0)),
        };
        let count = if step > 0 {
            (end - start + step - 1).div_euclid(step)
        } else {
            (start - end - step - 1).div_euclid(-step)
        };
        if count < 1 {
            return if t.rank() == 1 && t.numbers().is_some() {
                Ok(Value::List(Vec::new()))
            } else {
                Err(call.refuse("a slice of at least one entry", format!("{start}..{end} by {step}")))
            };
        }
        let Ok(step) = isize::try_from(step) else { return Err(call.refuse("a smaller step", step)) };
        let step = if count == 1 { 1 } else { step };
        t = lower.slice(&t, axis, start as usize, count as usize, step)?;
    }
    Ok(t.into())
}

fn gather(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, index) = (call.tensor("0")?, call.tensor("1")?);
    let axis = call.axis(call.int_or("axis", 0)?, t.rank())?;
    if t.rank() == 0 || index.dtype == Dtype::Float {
        return Err(call.refuse("an axis, and whole numbers for it", format!("shape {:?}", t.shape)));
    }
    if axis == 0 && t.rank() == 2 && index.numbers().is_none() {
        lower.looked_up(&t);
    }
    Ok(along(lower, call, &t, axis, &index)?.into())
}

fn gather_elements(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let axis = Value::Int(call.int_or("axis", 0)?);
    let arguments =
        vec![("self", call.tensor("0")?.into()), ("dim", axis), ("index", call.tensor("1")?.into())];
    torch(lower, call, "gather", arguments)
}

/// Each index along the last axis as an index of its own.
fn apart(lower: &mut Lowering, call: &Call, index: &Tensor, rank: usize) -> Result<Value> {
    let last = index.rank().checked_sub(1).filter(|last| (1..=rank).contains(&index.shape[*last]));
    let Some(last) = last else {
        return Err(
            call.refuse(format!("indices of 1 to {rank} numbers"), format!("shape {:?}", index.shape))
        );
    };
    let all = (0..index.shape[last]).map(|i| lower.pick(index, last, i).map(Value::from));
    Ok(Value::List(all.collect::<Result<_>>()?))
}

fn gather_nd(lower: &mut Lowering, call: &Call) -> Result<Value> {
    if call.int_or("batch_dims", 0)? != 0 {
        return Err(call.refuse("batch_dims of 0", "another"));
    }
    let (t, index) = (call.tensor("0")?, call.tensor("1")?);
    let indices = apart(lower, call, &index, t.rank())?;
    torch(lower, call, "index", vec![("self", t.into()), ("indices", indices)])
}

fn scatter(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let name = match call.text("reduction").unwrap_or("none") {
        "none" => "scatter",
        "add" => "scatter_add",
        other => return Err(call.refuse("a reduction of none or add", other)),
    };
    let arguments = vec![
        ("self", call.tensor("0")?.into()),
        ("dim", Value::Int(call.int_or("axis", 0)?)),
        ("index", call.tensor("1")?.into()),
        ("src", call.tensor("2")?.into()),
    ];
    torch(lower, call, name, arguments)
}

fn scatter_nd(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let adds = match call.text("reduction").unwrap_or("none") {
        "none" => false,
        "add" => true,
        other => return Err(call.refuse("a reduction of none or add", other)),
    };
    let (t, index, values) = (call.tensor("0")?, call.tensor("1")?, call.tensor("2")?);
    let indices = apart(lower, call, &index, t.rank())?;
    let arguments = vec![
        ("self", t.into()),
        ("indices", indices),
        ("values", values.into()),
        ("accumulate", Value::Bool(adds)),
    ];
    torch(lower, call, "index_put", arguments)
}

/// `off` with `on` where an index points, along a new axis.
fn one_hot(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (index, values) = (call.tensor("0")?, call.tensor("2")?);
    let depth = usize::try_from(call.int("1")?).ok().filter(|n| (1..=MOST).contains(n));
    let Some(depth) = depth else { return Err(call.refuse("a depth of at least 1", "another")) };
    if values.size() != 2 {
        return Err(call.refuse("values off and on", values.size()));
    }
    let axis = call.axis(call.int_or("axis", -1)?, index.rank() + 1)?;
    let mut shape = index.shape.clone();
    shape.insert(axis, 1);
    let index = lower.reshape(&index, &shape)?;
    shape.fill(1);
    shape[axis] = depth;
    let places = Tensor::known(&shape, Dtype::Int, (0..depth).map(|i| i as f64).collect::<Vec<f64>>());
    let below = compared(lower, &index, &Tensor::number(0.0, Dtype::Int), Compare::Less)?;
    let raised = lower.shift(&index, depth as f64);
    let index = lower.select(&below, &raised, &index)?;
    let hit = compared(lower, &index, &places, Compare::Equal)?;
    let flat = lower.reshape(&values, &[2])?;
    let (off, on) = (lower.pick(&flat, 0, 0)?, lower.pick(&flat, 0, 1)?);
    Ok(lower.select(&hit, &on, &off)?.typed(values.dtype).into())
}

/// Zeros, or another number, of a shape that is an input.
fn filled(_: &mut Lowering, call: &Call) -> Result<Value> {
    let shape = call.sizes("0")?;
    let value = call.maybe("value")?;
    let (x, dtype) = match &value {
        None => (0.0, Dtype::Float),
        Some(t) => (t.numbers().map_or(0.0, |n| n[0]), t.dtype),
    };
    if shape == [0] {
        return Ok(Value::List(Vec::new()));
    }
    match sized(&shape)? {
        size if size <= MOST => Ok(Tensor::known(&shape, dtype, vec![x; size]).into()),
        size => Err(call.refuse(format!("at most {MOST} fixed numbers"), size)),
    }
}

fn range(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (start, end, step) = (call.tensor("0")?, call.float("1")?, call.float("2")?);
    let dtype = start.dtype;
    let arguments = vec![
        ("start", Value::Float(call.float("0")?)),
        ("end", Value::Float(end)),
        ("step", Value::Float(step)),
    ];
    Ok(torch_tensor(lower, call, "arange", arguments)?.typed(dtype).into())
}

fn trilu(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let name = if call.flag("upper", true)? { "triu" } else { "tril" };
    let diagonal = Value::Int(call.int_or("1", 0)?);
    torch(lower, call, name, vec![("self", call.tensor("0")?.into()), ("diagonal", diagonal)])
}

fn eye_like(_: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("0")?;
    let (&[rows, columns], k) = (t.shape.as_slice(), call.int_or("k", 0)?) else {
        return Err(call.refuse("a matrix", format!("shape {:?}", t.shape)));
    };
    let dtype = match call.get("dtype") {
        None => t.dtype,
        Some(_) => {
            let kind = u64::try_from(call.int("dtype")?).unwrap_or(0);
            crate::nn::graph::onnx::numbers::known(&call.at(), kind)?.dtype()
        }
    };
    let one = |i: usize| f64::from(u8::from((i / columns) as i64 + k == (i % columns) as i64));
    Ok(Tensor::known(&t.shape, dtype, (0..rows * columns).map(one).collect::<Vec<f64>>()).into())
}

fn pad(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("0")?;
    let mode = match call.text("mode").unwrap_or("constant") {
        "edge" => "replicate",
        "wrap" => "circular",
        other => other,
    };
    let value = match ["value", "2"].into_iter().find(|name| call.get(name).is_some()) {
        Some(name) => call.float(name)?,
        None => 0.0,
    };
    let Some(pads) = listed(call, "pads", "1")? else { return Err(call.refuse("pads", "none")) };
    let axes = match call.get("3") {
        None => (0..t.rank()).collect(),
        Some(_) => call.ints("3")?.iter().map(|a| call.axis(*a, t.rank())).collect::<Result<Vec<usize>>>()?,
    };
    if pads.len() != 2 * axes.len() || axes.iter().any(|a| *a >= t.rank()) {
        return Err(call.refuse(format!("{} pads", 2 * axes.len()), pads.len()));
    }
    let mut padded = t;
    for (i, axis) in axes.iter().enumerate() {
        padded = padded_axis(lower, call, &padded, *axis, [pads[i], pads[axes.len() + i]], mode, value)?;
    }
    Ok(padded.into())
}

/// Blocks of pixels to channels and back.
fn blocks(lower: &mut Lowering, call: &Call, to_space: bool) -> Result<Value> {
    let t = call.tensor("0")?;
    let size = usize::try_from(call.int("blocksize")?).unwrap_or(0);
    let &[n, c, h, w] = t.shape.as_slice() else {
        return Err(call.refuse("samples x channels x height x width", format!("shape {:?}", t.shape)));
    };
    let fits = size > 0 && size <= 1 << 10;
    let (parts, order, shape) = if to_space {
        if !fits || c % (size * size) != 0 {
            return Err(call.refuse("channels in groups of the block's size", c));
        }
        let c = c / (size * size);
        let shape = [n, c, h * size, w * size];
        match call.text("mode").unwrap_or("DCR") {
            "DCR" => ([n, size, size, c, h, w], [0, 3, 4, 1, 5, 2], shape),
            "CRD" => ([n, c, size, size, h, w], [0, 1, 4, 2, 5, 3], shape),
            other => return Err(call.refuse("a mode of DCR or CRD", other)),
        }
    } else {
        if !fits || h % size != 0 || w % size != 0 {
            return Err(call.refuse("sides that are multiples of the block's", format!("{h} x {w}")));
        }
        let (h, w) = (h / size, w / size);
        ([n, c, h, size, w, size], [0, 3, 5, 1, 2, 4], [n, c * size * size, h, w])
    };
    let split = lower.reshape(&t, &parts)?;
    let moved = lower.permute(&split, &order)?;
    Ok(lower.reshape(&moved, &shape)?.into())
}
