//! Tensors that are known from their sizes.

use super::Operator;
use crate::base::{Error, Result};
use crate::nn::graph::algebra::sized;
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[
    ("zeros", |_, c| filled(c, 0.0)),
    ("ones", |_, c| filled(c, 1.0)),
    ("new_zeros", |_, c| filled(c, 0.0)),
    ("new_ones", |_, c| filled(c, 1.0)),
    ("empty", |_, c| filled(c, 0.0)),
    ("new_empty", |_, c| filled(c, 0.0)),
    ("full", |_, c| filled(c, c.float("fill_value")?)),
    ("new_full", |_, c| filled(c, c.float("fill_value")?)),
    ("zeros_like", |_, c| like(c, 0.0)),
    ("ones_like", |_, c| like(c, 1.0)),
    ("empty_like", |_, c| like(c, 0.0)),
    ("full_like", |_, c| like(c, c.float("fill_value")?)),
    ("scalar_tensor", |_, c| Ok(Tensor::number(c.float("s")?, c.dtype(Dtype::Float)?).into())),
    ("arange", arange),
    ("linspace", linspace),
    ("eye", eye),
    ("tril", |l, c| triangle(l, c, true)),
    ("triu", |l, c| triangle(l, c, false)),
    ("tril_indices", |_, c| indices(c, true)),
    ("triu_indices", |_, c| indices(c, false)),
    ("fill", fill),
    ("zero", fill),
    ("copy", copy),
    ("one_hot", one_hot),
];

/// Most numbers that are made from sizes alone.
const MOST: usize = 1 << 26;

fn within(call: &Call, shape: &[usize]) -> Result<usize> {
    let size = sized(shape)?;
    if size <= MOST {
        Ok(size)
    } else {
        Err(call.refuse(format!("at most {MOST} fixed numbers"), format!("shape {shape:?}")))
    }
}

fn filled(call: &Call, value: f64) -> Result<Value> {
    let shape = call.sizes("size")?;
    let own = call.maybe("self")?.map_or(Dtype::Float, |t| t.dtype);
    let size = within(call, &shape)?;
    Ok(Tensor::known(&shape, call.dtype(own)?, vec![value; size]).into())
}

fn like(call: &Call, value: f64) -> Result<Value> {
    let t = call.tensor("self")?;
    let size = within(call, &t.shape)?;
    Ok(Tensor::known(&t.shape, call.dtype(t.dtype)?, vec![value; size]).into())
}

fn arange(_: &mut Lowering, call: &Call) -> Result<Value> {
    let (start, step) = (call.float_or("start", 0.0)?, call.float_or("step", 1.0)?);
    let end = call.float("end")?;
    let count = ((end - start) / step).ceil();
    if !(1.0..=MOST as f64).contains(&count) {
        return Err(call.refuse(format!("1 to {MOST} numbers"), count));
    }
    let whole = ["start", "end", "step"].iter().all(|name| !matches!(call.get(name), Some(Value::Float(_))));
    let dtype = call.dtype(if whole { Dtype::Int } else { Dtype::Float })?;
    let numbers: Vec<f64> = (0..count as usize).map(|i| start + step * i as f64).collect();
    Ok(Tensor::known(&[numbers.len()], dtype, numbers).into())
}

fn linspace(_: &mut Lowering, call: &Call) -> Result<Value> {
    let (start, end) = (call.float("start")?, call.float("end")?);
    let steps = call.sizes("steps")?;
    let count = within(call, &steps)?;
    let step = (end - start) / (count.max(2) - 1) as f64;
    // As torch has it: from both ends towards the middle.
    let at =
        |i: usize| if i < count / 2 { start + step * i as f64 } else { end - step * (count - 1 - i) as f64 };
    let numbers: Vec<f64> = (0..count).map(|i| if count == 1 { start } else { at(i) }).collect();
    Ok(Tensor::known(&[count], call.dtype(Dtype::Float)?, numbers).into())
}

fn eye(_: &mut Lowering, call: &Call) -> Result<Value> {
    let n = call.int("n")?;
    let m = call.int_or("m", n)?;
    let [n, m] = [n, m].map(|d| usize::try_from(d).unwrap_or(0));
    let size = within(call, &[n, m])?;
    let numbers: Vec<f64> = (0..size).map(|i| f64::from(u8::from(i / m == i % m))).collect();
    Ok(Tensor::known(&[n, m], call.dtype(Dtype::Float)?, numbers).into())
}

/// Whether entry (row, column) lies in the lower (upper) triangle of a diagonal.
fn inside(row: usize, column: usize, diagonal: i64, lower: bool) -> bool {
    let way = column as i64 - row as i64;
    if lower { way <= diagonal } else { way >= diagonal }
}

fn triangle(lower: &mut Lowering, call: &Call, below: bool) -> Result<Value> {
    let (t, diagonal) = (call.tensor("self")?, call.int_or("diagonal", 0)?);
    if t.rank() < 2 {
        return Err(call.refuse("a matrix", format!("shape {:?}", t.shape)));
    }
    let shape = &t.shape[t.rank() - 2..];
    let size = within(call, shape)?;
    let kept: Vec<f64> =
        (0..size).map(|i| f64::from(u8::from(inside(i / shape[1], i % shape[1], diagonal, below)))).collect();
    let mask = Tensor::known(shape, Dtype::Bool, kept);
    let zero = Tensor::number(0.0, t.dtype);
    Ok(lower.select(&mask, &t, &zero)?.into())
}

fn indices(call: &Call, below: bool) -> Result<Value> {
    let (rows, columns) = (call.int("row")?, call.int("col")?);
    let [rows, columns] = [rows, columns].map(|d| usize::try_from(d).unwrap_or(0));
    within(call, &[rows, columns])?;
    let offset = call.int_or("offset", 0)?;
    let all = (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c)));
    let (first, second): (Vec<f64>, Vec<f64>) =
        all.filter(|(r, c)| inside(*r, *c, offset, below)).map(|(r, c)| (r as f64, c as f64)).unzip();
    let count = first.len();
    sized(&[2, count])?;
    Ok(Tensor::known(&[2, count], Dtype::Int, [first, second].concat()).into())
}

fn fill(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let value = call.maybe("value")?.unwrap_or_else(|| Tensor::number(0.0, t.dtype));
    Ok(lower.expand(&value, &t.shape)?.typed(t.dtype).into())
}

fn copy(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, source) = (call.tensor("self")?, call.tensor("src")?);
    Ok(lower.expand(&source, &t.shape)?.typed(t.dtype).into())
}

fn one_hot(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let classes = match call.int_or("num_classes", -1)? {
        n if n >= 1 => n as usize,
        n => return Err(call.refuse("a number of classes", n)),
    };
    let numbers: Vec<f64> = (0..within(call, &[classes])?).map(|i| i as f64).collect();
    let classes = Tensor::known(&[classes], Dtype::Int, numbers);
    let mut shape = t.shape.clone();
    shape.push(1);
    let column = lower.reshape(&t, &shape)?;
    let mask =
        super::arithmetic::compared(lower, &column, &classes, crate::autodiff::primitives::Compare::Equal)
            .map_err(|e| Error::request(call.at(), e.to_string()))?;
    Ok(mask.typed(Dtype::Int).into())
}
