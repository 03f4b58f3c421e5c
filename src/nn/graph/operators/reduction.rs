//! Sums, means, extremes and norms over axes.

use super::Operator;
use super::activation::log_sum_exp_last;
use super::arithmetic::{compared, quotient, truth};
use crate::autodiff::Shape;
use crate::autodiff::curves::{Abs, Power, Sqrt, Square};
use crate::autodiff::primitives::Compare;
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[
    ("sum", sum),
    ("nansum", sum),
    ("mean", mean),
    ("var", |l, c| spread(l, c, false, false)),
    ("std", |l, c| spread(l, c, true, false)),
    ("var_mean", |l, c| spread(l, c, false, true)),
    ("std_mean", |l, c| spread(l, c, true, true)),
    ("prod", prod),
    ("amax", |l, c| extreme(l, c, true)),
    ("amin", |l, c| extreme(l, c, false)),
    ("max", |l, c| largest(l, c, true)),
    ("min", |l, c| largest(l, c, false)),
    ("argmax", |l, c| arg(l, c, true)),
    ("argmin", |l, c| arg(l, c, false)),
    ("any", any),
    ("all", all),
    ("cumsum", cumsum),
    ("logsumexp", logsumexp),
    ("norm", norm),
    ("linalg_norm", norm),
    ("linalg_vector_norm", norm),
    ("frobenius_norm", norm),
    ("dist", dist),
    ("cdist", cdist),
    ("_cdist_forward", cdist),
    ("trace", trace),
    ("pairwise_distance", pairwise_distance),
    ("cosine_similarity", cosine_similarity),
    ("normalize", normalize),
    ("topk", topk),
    ("sort", sort),
    ("count_nonzero", count_nonzero),
];

fn keep(call: &Call) -> Result<bool> {
    call.flag("keepdim", false)
}

fn sum(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = call.axes("dim", t.rank())?;
    Ok(lower.sum(&t, &axes, keep(call)?)?.into())
}

fn mean(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = call.axes("dim", t.rank())?;
    Ok(lower.mean(&t, &axes, keep(call)?)?.into())
}

/// Variance with n - `correction` (1 by default), or its root; with the mean beside it.
fn spread(lower: &mut Lowering, call: &Call, root: bool, both: bool) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = call.axes("dim", t.rank())?;
    let correction = match call.get("correction") {
        Some(_) => call.float("correction")?,
        None => f64::from(u8::from(call.flag("unbiased", true)?)),
    };
    let count: usize = axes.iter().map(|a| t.shape[*a]).product();
    let center = lower.mean(&t, &axes, true)?;
    let away = lower.subtract(&t, &center)?;
    let squares = lower.map(&away, Square);
    let total = lower.sum(&squares, &axes, keep(call)?)?;
    let variance = lower.scale(&total, 1.0 / (count as f64 - correction).max(0.0));
    let found = if root { lower.map(&variance, Sqrt) } else { variance };
    if both {
        let mean = lower.mean(&t, &axes, keep(call)?)?;
        Ok(Value::List(vec![found.into(), mean.into()]))
    } else {
        Ok(found.into())
    }
}

/// All of some axes as one axis at the end, and the shape with those axes kept or dropped.
fn gathered(lower: &mut Lowering, t: &Tensor, axes: &[usize], keep: bool) -> Result<(Tensor, Vec<usize>)> {
    let rest: Vec<usize> = (0..t.rank()).filter(|a| !axes.contains(a)).collect();
    let order: Vec<usize> = rest.iter().chain(axes).copied().collect();
    let moved = lower.permute(t, &order)?;
    let mut shape: Vec<usize> = rest.iter().map(|a| t.shape[*a]).collect();
    let left: usize = shape.iter().product();
    let flat = lower.reshape(&moved, &[left, t.size() / left])?;
    if keep {
        shape = t.shape.clone();
        axes.iter().for_each(|a| shape[*a] = 1);
    }
    Ok((flat, shape))
}

/// Product over axes, factor by factor.
fn prod(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = call.axes("dim", t.rank())?;
    let (flat, shape) = gathered(lower, &t, &axes, keep(call)?)?;
    const MOST: usize = 4096;
    if flat.shape[1] > MOST {
        return Err(call.refuse(format!("a product of at most {MOST} factors"), flat.shape[1]));
    }
    // Pairs of halves: as exact as one factor after another, in fewer steps.
    let mut factors = flat;
    while factors.shape[1] > 1 {
        let half = factors.shape[1] / 2;
        let (a, b) = (lower.slice(&factors, 1, 0, half, 1)?, lower.slice(&factors, 1, half, half, 1)?);
        let product = lower.multiply(&a, &b)?;
        factors = match factors.shape[1] % 2 {
            0 => product,
            _ => {
                let last = lower.slice(&factors, 1, 2 * half, 1, 1)?;
                lower.concat(&[product, last], 1)?
            }
        };
    }
    Ok(lower.reshape(&factors, &shape)?.into())
}

/// The largest (smallest) numbers of the last axis of a matrix, and where they are: the first on ties.
fn top(lower: &mut Lowering, flat: &Tensor, most: bool) -> (Tensor, Tensor) {
    let signed = if most { flat.clone() } else { lower.scale(flat, -1.0) };
    let node = lower.rows(&signed);
    let index = lower.tape.arg_max_rows(node);
    let (outer, length) = (flat.shape[0], flat.shape[1]);
    let source = lower.rows(flat);
    let node = lower.tape.take(source, index, outer, length, 1, 1, true, Shape::new(1, outer));
    let found = lower.of(node, &[outer, 1], flat.dtype);
    (found, lower.of(index, &[outer, 1], Dtype::Int))
}

fn extreme(lower: &mut Lowering, call: &Call, most: bool) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = call.axes("dim", t.rank())?;
    let (flat, shape) = gathered(lower, &t, &axes, keep(call)?)?;
    let (found, _) = top(lower, &flat, most);
    Ok(lower.reshape(&found, &shape)?.into())
}

/// `max` and `min`: of two tensors, of all numbers, or along an axis with the places.
fn largest(lower: &mut Lowering, call: &Call, most: bool) -> Result<Value> {
    let t = call.tensor("self")?;
    if let Some(other) = call.maybe("other")? {
        let kind = if most { Compare::GreaterOrEqual } else { Compare::LessOrEqual };
        let mask = compared(lower, &t, &other, kind)?;
        return Ok(lower.select(&mask, &t, &other)?.into());
    }
    let axes = call.axes("dim", t.rank())?;
    let (flat, shape) = gathered(lower, &t, &axes, keep(call)?)?;
    let (found, place) = top(lower, &flat, most);
    let found = lower.reshape(&found, &shape)?;
    match call.get("dim") {
        None => Ok(found.into()),
        Some(_) => {
            let place = lower.reshape(&place, &shape)?;
            Ok(Value::List(vec![found.into(), place.into()]))
        }
    }
}

fn arg(lower: &mut Lowering, call: &Call, most: bool) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = call.axes("dim", t.rank())?;
    let (flat, shape) = gathered(lower, &t, &axes, keep(call)?)?;
    let (_, place) = top(lower, &flat, most);
    Ok(lower.reshape(&place, &shape)?.into())
}

fn any(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = call.axes("dim", t.rank())?;
    let mask = truth(lower, &t)?;
    let count = lower.sum(&mask, &axes, keep(call)?)?;
    Ok(truth(lower, &count)?.into())
}

fn all(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = call.axes("dim", t.rank())?;
    let mask = truth(lower, &t)?;
    let count = lower.sum(&mask, &axes, keep(call)?)?;
    let whole: usize = axes.iter().map(|a| t.shape[*a]).product();
    Ok(compared(lower, &count, &Tensor::number(whole as f64, Dtype::Int), Compare::Equal)?.into())
}

fn count_nonzero(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = call.axes("dim", t.rank())?;
    let mask = truth(lower, &t)?;
    Ok(lower.sum(&mask, &axes, false)?.into())
}

fn cumsum(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = call.axis(call.int("dim")?, t.rank())?;
    let dtype = if t.dtype == Dtype::Bool { Dtype::Int } else { t.dtype };
    let last = lower.axis_last(&t, axis)?;
    let node = lower.rows(&last);
    let node = lower.tape.cumsum(node);
    let sums = lower.of(node, &last.shape, dtype);
    Ok(lower.last_to(&sums, axis)?.into())
}

fn logsumexp(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = call.axes("dim", t.rank())?;
    let (flat, shape) = gathered(lower, &t, &axes, keep(call)?)?;
    let found = log_sum_exp_last(lower, &flat);
    Ok(lower.reshape(&found, &shape)?.into())
}

/// (sum |x|^p)^(1/p); the largest for p infinite.
fn length(lower: &mut Lowering, t: &Tensor, p: f64, axes: &[usize], keep: bool) -> Result<Tensor> {
    let powers = match p {
        2.0 => lower.map(t, Square),
        1.0 => lower.map(t, Abs),
        _ => {
            let size = lower.map(t, Abs);
            if p.is_infinite() {
                let (flat, shape) = gathered(lower, &size, axes, keep)?;
                let (found, _) = top(lower, &flat, p > 0.0);
                return lower.reshape(&found, &shape);
            }
            lower.map(&size, Power { exponent: p })
        }
    };
    let total = lower.sum(&powers, axes, keep)?;
    Ok(match p {
        2.0 => lower.map(&total, Sqrt),
        1.0 => total,
        _ => lower.map(&total, Power { exponent: 1.0 / p }),
    })
}

fn norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = call.axes("dim", t.rank())?;
    let name = if call.get("ord").is_some() { "ord" } else { "p" };
    let p = match call.get(name) {
        Some(Value::Text(text)) if text == "fro" => 2.0,
        _ => call.float_or(name, 2.0)?,
    };
    if p == 0.0 {
        let mask = truth(lower, &t)?;
        return Ok(lower.sum(&mask, &axes, keep(call)?)?.typed(Dtype::Float).into());
    }
    Ok(length(lower, &t, p, &axes, keep(call)?)?.into())
}

fn dist(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let difference = lower.subtract(&call.tensor("self")?, &call.tensor("other")?)?;
    let axes: Vec<usize> = (0..difference.rank()).collect();
    Ok(length(lower, &difference, call.float_or("p", 2.0)?, &axes, false)?.into())
}

/// Distances between all rows of two matrices.
fn cdist(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b, p) = (call.tensor("x1")?, call.tensor("x2")?, call.float_or("p", 2.0)?);
    call.int_or("compute_mode", 0)?;
    if a.rank() < 2 || b.rank() < 2 || !(p == 1.0 || p == 2.0) {
        return Err(call.refuse("matrices, and a norm of 1 or 2", format!("{p}")));
    }
    let mut shape = a.shape.clone();
    shape.insert(a.rank() - 1, 1);
    let a = lower.reshape(&a, &shape)?;
    let mut shape = b.shape.clone();
    shape.insert(b.rank() - 2, 1);
    let b = lower.reshape(&b, &shape)?;
    let away = lower.subtract(&a, &b)?;
    let each = if p == 1.0 { lower.map(&away, Abs) } else { lower.map(&away, Square) };
    let sum = lower.sum(&each, &[each.rank() - 1], false)?;
    Ok(if p == 1.0 { sum } else { lower.map(&sum, Sqrt) }.into())
}

/// The sum of the diagonal of a matrix.
fn trace(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let [rows, columns] = t.shape[..] else { return Err(call.refuse("a matrix", format!("{:?}", t.shape))) };
    let diagonal = lower.strided(&t, &[rows.min(columns)], &[columns as isize + 1], 0)?;
    Ok(lower.sum(&diagonal, &[0], false)?.into())
}

fn pairwise_distance(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let difference = lower.subtract(&call.tensor("x1")?, &call.tensor("x2")?)?;
    let away = lower.shift(&difference, call.float_or("eps", 1e-6)?);
    let last = away.rank().saturating_sub(1);
    Ok(length(lower, &away, call.float_or("p", 2.0)?, &[last], keep(call)?)?.into())
}

/// a . b / max(|a| |b|, eps), each length held above the root of eps as torch does.
fn cosine_similarity(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = (call.tensor("x1")?, call.tensor("x2")?);
    let shape = crate::nn::graph::algebra::common(&a.shape, &b.shape)?;
    let axis = call.axis(call.int_or("dim", 1)?, shape.len())?;
    let eps = call.float_or("eps", 1e-8)?;
    let (a, b) = (lower.expand(&a, &shape)?, lower.expand(&b, &shape)?);
    let mut units = Vec::new();
    for t in [&a, &b] {
        let norm = length(lower, t, 2.0, &[axis], true)?;
        let held =
            lower.map(&norm, crate::autodiff::curves::Clamp { low: eps, high: f64::INFINITY, open: false });
        units.push(quotient(lower, t, &held)?);
    }
    let product = lower.multiply(&units[0], &units[1])?;
    Ok(lower.sum(&product, &[axis], false)?.into())
}

fn normalize(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axes = call.axes("dim", t.rank())?;
    let norm = length(lower, &t, call.float_or("p", 2.0)?, &axes, true)?;
    let held = crate::autodiff::curves::Clamp {
        low: call.float_or("eps", 1e-12)?,
        high: f64::INFINITY,
        open: false,
    };
    let norm = lower.map(&norm, held);
    Ok(quotient(lower, &t, &norm)?.into())
}

/// The k largest, one after another: each is masked out before the next is looked for.
fn ranked(lower: &mut Lowering, call: &Call, k: usize, most: bool, axis: usize, t: &Tensor) -> Result<Value> {
    const MOST: usize = 256;
    if k == 0 || k > MOST || t.shape.get(axis).is_none_or(|n| k > *n) {
        return Err(call.refuse(format!("1 to {MOST} entries of the axis"), k));
    }
    let last = lower.axis_last(t, axis)?;
    let length = t.shape[axis];
    let flat = lower.reshape(&last, &[t.size() / length, length])?;
    let mut rest = if most { flat.clone() } else { lower.scale(&flat, -1.0) };
    let places = Tensor::known(&[1, length], Dtype::Int, (0..length).map(|i| i as f64).collect::<Vec<f64>>());
    let (mut found, mut at) = (Vec::new(), Vec::new());
    for _ in 0..k {
        let node = lower.rows(&rest);
        let index = lower.tape.arg_max_rows(node);
        let source = lower.rows(&flat);
        let outer = flat.shape[0];
        let node = lower.tape.take(source, index, outer, length, 1, 1, true, Shape::new(1, outer));
        found.push(lower.of(node, &[outer, 1], t.dtype));
        let index = lower.of(index, &[outer, 1], Dtype::Int);
        let taken = compared(lower, &places, &index, Compare::Equal)?;
        rest = lower.select(&taken, &Tensor::number(f64::NEG_INFINITY, Dtype::Float), &rest)?;
        at.push(index);
    }
    let mut shape = last.shape.clone();
    if let Some(n) = shape.last_mut() {
        *n = k;
    }
    let mut results = Vec::new();
    for all in [found, at] {
        let joined = lower.concat(&all, 1)?;
        let whole = lower.reshape(&joined, &shape)?;
        results.push(lower.last_to(&whole, axis)?.into());
    }
    Ok(Value::List(results))
}

fn topk(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = call.axis(call.int_or("dim", -1)?, t.rank())?;
    let k = usize::try_from(call.int("k")?).unwrap_or(0);
    ranked(lower, call, k, call.flag("largest", true)?, axis, &t)
}

fn sort(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let axis = call.axis(call.int_or("dim", -1)?, t.rank())?;
    let k = t.shape.get(axis).copied().unwrap_or(1);
    ranked(lower, call, k, call.flag("descending", false)?, axis, &t)
}
