//! Reading and writing where an index points.

use super::Operator;
use crate::autodiff::primitives::Compare;
use crate::base::Result;
use crate::nn::graph::algebra::{common, matrix};
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[
    ("embedding", embedding),
    ("embedding_bag", embedding_bag),
    ("index_select", index_select),
    ("gather", gather),
    ("take_along_dim", gather),
    ("index", index),
    ("_unsafe_index", index),
    ("scatter", scatter),
    ("scatter_add", scatter_add),
    ("index_add", index_add),
    ("index_copy", index_copy),
    ("index_fill", index_fill),
    ("select_scatter", select_scatter),
    ("slice_scatter", slice_scatter),
    ("index_put", index_put),
    ("masked_select", masked_select),
];

/// Entries of an axis by number.
pub fn picked(
    lower: &mut Lowering,
    call: &Call,
    t: &Tensor,
    axis: usize,
    places: &[usize],
) -> Result<Tensor> {
    let numbers: Vec<f64> = places.iter().map(|i| *i as f64).collect();
    let index = Tensor::known(&[places.len()], Dtype::Int, numbers);
    along(lower, call, t, axis, &index)
}

/// Entries of an axis by an index of any shape, which takes the axis' place.
pub fn along(lower: &mut Lowering, call: &Call, t: &Tensor, axis: usize, index: &Tensor) -> Result<Tensor> {
    let shape = [&t.shape[..axis], &index.shape, &t.shape[axis + 1..]].concat();
    crate::nn::graph::algebra::sized(&shape)?;
    let (outer, inner) = (t.shape[..axis].iter().product(), t.shape[axis + 1..].iter().product());
    let (length, count) = (t.shape[axis], index.size());
    // An index from the end counts as one from the start.
    let index = wrapped(index, length);
    lower.points(call, &index, length, None)?;
    let (source, index) = (lower.rows(t), lower.rows(&index));
    let node = lower.tape.take(source, index, outer, length, inner, count, false, matrix(&shape));
    Ok(lower.of(node, &shape, t.dtype))
}

/// Known negative numbers of an index made positive.
fn wrapped(index: &Tensor, length: usize) -> Tensor {
    let Some(numbers) = index.numbers().filter(|n| n.iter().any(|x| *x < 0.0)) else { return index.clone() };
    let wrapped: Vec<f64> = numbers.iter().map(|x| if *x < 0.0 { x + length as f64 } else { *x }).collect();
    Tensor::known(&index.shape, index.dtype, wrapped)
}

fn whole(call: &Call, name: &str) -> Result<Tensor> {
    let index = call.tensor(name)?;
    match index.dtype {
        Dtype::Int => Ok(index),
        _ => Err(call.refuse(format!("whole numbers for `{name}`"), "others")),
    }
}

fn embedding(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (weight, index) = (call.tensor("weight")?, whole(call, "indices")?);
    if weight.rank() != 2 {
        return Err(call.refuse("a row for each token", format!("shape {:?}", weight.shape)));
    }
    lower.looked_up(&weight);
    let rows = along(lower, call, &weight, 0, &index)?;
    let padding = call.int_or("padding_idx", -1)?;
    if padding < 0 {
        return Ok(rows.into());
    }
    // The row of the padding token is read but gets no gradient, as in torch.
    let mut shape = index.shape.clone();
    shape.push(1);
    let index = lower.reshape(&index, &shape)?;
    let padding = Tensor::number(padding as f64, Dtype::Int);
    let mask = super::arithmetic::compared(lower, &index, &padding, Compare::Equal)?;
    let still = lower.map(&rows, super::Stopped);
    Ok(lower.select(&mask, &still, &rows)?.into())
}

/// Sums or means of rows of equally long bags.
fn embedding_bag(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (weight, index) = (call.tensor("weight")?, whole(call, "indices")?);
    if weight.rank() != 2 || index.rank() != 2 {
        return Err(
            call.refuse("bags of one length as rows of `indices`", format!("shape {:?}", index.shape))
        );
    }
    lower.looked_up(&weight);
    let rows = along(lower, call, &weight, 0, &index)?;
    let found = match call.int_or("mode", 0)? {
        0 => lower.sum(&rows, &[1], false)?,
        1 => lower.mean(&rows, &[1], false)?,
        other => return Err(call.refuse("a mode of sum or mean", other)),
    };
    Ok(Value::List(vec![found.into()]))
}

fn index_select(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, index) = (call.tensor("self")?, whole(call, "index")?);
    let axis = super::shape::named_axis(call, &t, "dim")?;
    let flat = lower.reshape(&index, &[index.size()])?;
    Ok(along(lower, call, &t, axis, &flat)?.into())
}

/// What `gather` and its adjoints agree on: the tensor cut to the index' lengths off the axis, which is last.
fn gather(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let index = whole(call, if call.get("index").is_some() { "index" } else { "indices" })?;
    let axis = super::shape::named_axis(call, &t, "dim")?;
    let fits = t.rank() == index.rank() && (0..t.rank()).all(|a| a == axis || index.shape[a] <= t.shape[a]);
    if !fits {
        return Err(call.refuse(format!("an index within shape {:?}", t.shape), format!("{:?}", index.shape)));
    }
    let mut cut = t.clone();
    for a in (0..t.rank()).filter(|a| *a != axis) {
        cut = lower.slice(&cut, a, 0, index.shape[a], 1)?;
    }
    let index = wrapped(&index, t.shape[axis]);
    lower.points(call, &index, t.shape[axis], None)?;
    let (outer, inner): (usize, usize) =
        (cut.shape[..axis].iter().product(), cut.shape[axis + 1..].iter().product());
    let (source, places) = (lower.rows(&cut), lower.rows(&index));
    let count = index.shape[axis];
    let node =
        lower.tape.take(source, places, outer, t.shape[axis], inner, count, true, matrix(&index.shape));
    Ok(lower.of(node, &index.shape, t.dtype).into())
}

/// The numbers of `source` added up in zeros of the shape of `t`, where an index along an axis points; `each` as in `take`.
fn put(
    lower: &mut Lowering,
    t: &Tensor,
    axis: usize,
    index: &Tensor,
    source: &Tensor,
    each: bool,
) -> Result<Tensor> {
    let index = wrapped(index, t.shape[axis]);
    let (outer, inner): (usize, usize) =
        (t.shape[..axis].iter().product(), t.shape[axis + 1..].iter().product());
    let count = source.shape[axis];
    let (g, places) = (lower.rows(source), lower.rows(&index));
    let node = lower.tape.put(g, places, outer, t.shape[axis], inner, count, each, matrix(&t.shape));
    Ok(lower.of(node, &t.shape, t.dtype))
}

/// The source and the index of a scatter, grown to the lengths of the tensor off the axis by entries that point nowhere.
fn scattered(lower: &mut Lowering, call: &Call) -> Result<(Tensor, usize, Tensor, Tensor)> {
    let (t, index) = (call.tensor("self")?, whole(call, "index")?);
    let axis = super::shape::named_axis(call, &t, "dim")?;
    let source = call.tensor(if call.get("src").is_some() { "src" } else { "value" })?;
    let source = if source.rank() == 0 { lower.expand(&source, &index.shape)? } else { source };
    let fits = |s: &Tensor| {
        s.rank() == t.rank()
            && (0..t.rank()).all(|a| index.shape[a] <= s.shape[a] || (a == axis && s.rank() == t.rank()))
    };
    if index.rank() != t.rank()
        || !fits(&source)
        || (0..t.rank()).any(|a| a != axis && index.shape[a] > t.shape[a])
    {
        return Err(call.refuse(format!("an index within shape {:?}", t.shape), format!("{:?}", index.shape)));
    }
    let mut cut = source;
    for a in 0..t.rank() {
        if cut.shape[a] < index.shape[a] {
            return Err(call.refuse("a source as long as the index", format!("{:?}", cut.shape)));
        }
        cut = lower.slice(&cut, a, 0, index.shape[a], 1)?;
    }
    let (mut source, mut index) = (cut, index);
    for a in (0..t.rank()).filter(|a| *a != axis) {
        let more = (t.shape[a] - index.shape[a]) as i64;
        source = super::padding::padded_axis(lower, call, &source, a, [0, more], "constant", 0.0)?;
        index =
            super::padding::padded_axis(lower, call, &index, a, [0, more], "constant", t.shape[axis] as f64)?;
    }
    Ok((t, axis, index, source))
}

fn scatter_add(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, axis, index, source) = scattered(lower, call)?;
    let sums = put(lower, &t, axis, &index, &source, true)?;
    Ok(lower.add(&t, &sums)?.typed(t.dtype).into())
}

/// Numbers in the place of others. Two for one place would leave either in torch: they are refused where they are known.
fn replaced(
    lower: &mut Lowering,
    t: &Tensor,
    axis: usize,
    index: &Tensor,
    source: &Tensor,
    each: bool,
) -> Result<Tensor> {
    let ones = Tensor::known(&source.shape, Dtype::Float, vec![1.0; source.size()]);
    let hits = put(lower, &t.clone().typed(Dtype::Float), axis, index, &ones, each)?;
    let sums = put(lower, t, axis, index, source, each)?;
    lower.select(&hits, &sums, t)
}

fn scatter(lower: &mut Lowering, call: &Call) -> Result<Value> {
    match call.text("reduce") {
        None => {}
        Some("add") => return scatter_add(lower, call),
        Some(other) => return Err(call.refuse("a scatter that replaces or adds", other)),
    }
    let (t, axis, index, source) = scattered(lower, call)?;
    Ok(replaced(lower, &t, axis, &index, &source, true)?.typed(t.dtype).into())
}

fn indexed(call: &Call) -> Result<(Tensor, usize, Tensor, Tensor)> {
    let (t, index) = (call.tensor("self")?, whole(call, "index")?);
    let axis = super::shape::named_axis(call, &t, "dim")?;
    let source = call.tensor("source")?;
    let fits = source.rank() == t.rank()
        && (0..t.rank()).all(|a| source.shape[a] == if a == axis { index.size() } else { t.shape[a] });
    if fits {
        Ok((t, axis, index, source))
    } else {
        Err(call.refuse(format!("a source for shape {:?}", t.shape), format!("{:?}", source.shape)))
    }
}

fn index_add(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, axis, index, source) = indexed(call)?;
    let sums = put(lower, &t, axis, &index, &source, false)?;
    Ok(lower.add_scaled(&t, call.float_or("alpha", 1.0)?, &sums)?.typed(t.dtype).into())
}

fn index_copy(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, axis, index, source) = indexed(call)?;
    Ok(replaced(lower, &t, axis, &index, &source, false)?.typed(t.dtype).into())
}

fn index_fill(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, index, value) = (call.tensor("self")?, whole(call, "index")?, call.tensor("value")?);
    let axis = super::shape::named_axis(call, &t, "dim")?;
    let mut shape = t.shape.clone();
    shape[axis] = index.size();
    let ones = Tensor::known(&shape, Dtype::Float, vec![1.0; shape.iter().product()]);
    let hits = put(lower, &t.clone().typed(Dtype::Float), axis, &index, &ones, false)?;
    Ok(lower.select(&hits, &value, &t)?.typed(t.dtype).into())
}

fn select_scatter(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, source) = (call.tensor("self")?, call.tensor("src")?);
    let axis = super::shape::named_axis(call, &t, "dim")?;
    let length = t.shape[axis] as i64;
    let index = call.int("index")?;
    if !(-length..length).contains(&index) {
        return Err(call.refuse(format!("an index below {length}"), index));
    }
    let start = ((index + length) % length) as usize;
    let mut one = t.shape.clone();
    one[axis] = 1;
    let source = lower.reshape(&source, &one)?;
    Ok(spliced(lower, &t, axis, start, &source)?.into())
}

fn slice_scatter(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, source) = (call.tensor("self")?, call.tensor("src")?);
    let axis = call.axis(call.int_or("dim", 0)?, t.rank())?;
    let Some(length) = t.shape.get(axis).map(|n| *n as i64) else {
        return Err(call.refuse("a tensor with axes", "a single number"));
    };
    let held = |n: i64| if n < 0 { n.saturating_add(length).max(0) } else { n.min(length) };
    let (start, end) = (held(call.int_or("start", 0)?), held(call.int_or("end", i64::MAX)?));
    let fits = source.rank() == t.rank()
        && (0..t.rank()).all(|a| a == axis || source.shape[a] == t.shape[a])
        && end - start == source.shape[axis] as i64;
    if call.int_or("step", 1)? != 1 || !fits {
        return Err(call.refuse("a source for neighbouring entries", format!("{:?}", source.shape)));
    }
    Ok(spliced(lower, &t, axis, start as usize, &source)?.into())
}

/// A tensor with neighbouring entries of an axis replaced.
fn spliced(lower: &mut Lowering, t: &Tensor, axis: usize, start: usize, source: &Tensor) -> Result<Tensor> {
    let end = start + source.shape[axis];
    let mut parts = Vec::new();
    if start > 0 {
        parts.push(lower.slice(t, axis, 0, start, 1)?);
    }
    parts.push(source.clone().typed(t.dtype));
    if end < t.shape[axis] {
        parts.push(lower.slice(t, axis, end, t.shape[axis] - end, 1)?);
    }
    lower.concat(&parts, axis)
}

/// One index into several neighbouring axes, as if they were one: their indices broadcast, and where they begin.
fn flattened(lower: &mut Lowering, call: &Call, t: &Tensor, name: &str) -> Result<(usize, usize, Tensor)> {
    let indices = call.optional_tensors(name)?;
    let first = indices.iter().position(Option::is_some);
    let (Some(first), true) = (first, indices.len() <= t.rank()) else {
        return Err(call.refuse(format!("indices for some of {} axes", t.rank()), indices.len()));
    };
    let given: Vec<&Tensor> = indices[first..].iter().flatten().collect();
    if given.len() != indices[first..].iter().rposition(Option::is_some).map_or(0, |last| last + 1) {
        return Err(call.refuse("indices of neighbouring axes", "others between them"));
    }
    if given.iter().any(|i| i.dtype == Dtype::Float) {
        return Err(call.refuse("whole numbers as indices", "others"));
    }
    let shape = given.iter().try_fold(Vec::new(), |shape, i| common(&shape, &i.shape))?;
    let mut flat: Option<Tensor> = None;
    for (i, index) in given.iter().enumerate() {
        let length = t.shape[first + i];
        let index = wrapped(index, length);
        flat = Some(match flat {
            None => index,
            Some(before) => {
                let scaled = lower.scale(&before, length as f64);
                lower.add(&scaled, &index)?
            }
        });
    }
    let flat = flat.ok_or_else(|| call.refuse("an index", "none"))?;
    let flat = lower.expand(&flat, &shape)?;
    Ok((first, given.len(), flat))
}

/// The tensor with neighbouring axes as one.
fn merged(lower: &mut Lowering, t: &Tensor, first: usize, count: usize) -> Result<Tensor> {
    let one: usize = t.shape[first..first + count].iter().product();
    let shape = [&t.shape[..first], &[one], &t.shape[first + count..]].concat();
    lower.reshape(t, &shape)
}

/// A known mask as the places where it holds.
fn masked(call: &Call, t: &Tensor, mask: &Tensor) -> Result<Vec<usize>> {
    match mask.numbers() {
        Some(kept) if t.shape.starts_with(&mask.shape) => {
            Ok((0..kept.len()).filter(|i| kept[*i] != 0.0).collect())
        }
        Some(_) => Err(call.refuse(format!("a mask over shape {:?}", t.shape), format!("{:?}", mask.shape))),
        None => Err(call.refuse(
            "a mask that does not depend on data (torch.where keeps all samples and gives the others a loss of 0)",
            "one that does",
        )),
    }
}

fn index(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let indices = call.optional_tensors("indices")?;
    if let [Some(mask)] = indices.as_slice()
        && mask.dtype == Dtype::Bool
    {
        let places = masked(call, &t, mask)?;
        let merged = merged(lower, &t, 0, mask.rank())?;
        return Ok(picked(lower, call, &merged, 0, &places)?.into());
    }
    if indices.iter().flatten().any(|i| i.dtype == Dtype::Bool) {
        return Err(
            call.refuse("whole numbers as indices, or one mask over the first axes", "a mask among others")
        );
    }
    let (first, count, flat) = flattened(lower, call, &t, "indices")?;
    let merged = merged(lower, &t, first, count)?;
    Ok(along(lower, call, &merged, first, &flat)?.into())
}

fn masked_select(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, mask) = (call.tensor("self")?, call.tensor("mask")?);
    let shape = common(&t.shape, &mask.shape)?;
    let (t, mask) = (lower.expand(&t, &shape)?, lower.expand(&mask, &shape)?);
    let places = masked(call, &t, &mask)?;
    let flat = lower.reshape(&t, &[t.size()])?;
    Ok(picked(lower, call, &flat, 0, &places)?.into())
}

fn index_put(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, values) = (call.tensor("self")?, call.tensor("values")?);
    let indices = call.optional_tensors("indices")?;
    if let [Some(mask)] = indices.as_slice()
        && mask.dtype == Dtype::Bool
        && values.size() == 1
    {
        let mut shape = mask.shape.clone();
        shape.resize(t.rank().max(mask.rank()), 1);
        let mask = lower.reshape(mask, &shape)?;
        return Ok(lower.select(&mask, &values, &t)?.typed(t.dtype).into());
    }
    let (first, count, flat) = flattened(lower, call, &t, "indices")?;
    let one = merged(lower, &t, first, count)?;
    let shape = [&one.shape[..first], &flat.shape, &one.shape[first + 1..]].concat();
    let values = lower.expand(&values, &shape)?;
    let lined = [&one.shape[..first], &[flat.size()], &one.shape[first + 1..]].concat();
    let values = lower.reshape(&values, &lined)?;
    let places = lower.reshape(&flat, &[flat.size()])?;
    let found = if call.flag("accumulate", false)? {
        let sums = put(lower, &one, first, &places, &values, false)?;
        lower.add(&one, &sums)?
    } else {
        replaced(lower, &one, first, &places, &values, false)?
    };
    Ok(lower.reshape(&found, &t.shape)?.typed(t.dtype).into())
}
