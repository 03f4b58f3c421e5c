//! Pooling: maxima and means of windows. Both are separable: a window's is that of its rows' columns.

use super::Operator;
use super::resize::along;
use crate::autodiff::primitives::Window;
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value, strides};

pub const OPERATORS: &[Operator] = &[
    ("max_pool1d", |l, c| max_pool(l, c, 1)),
    ("max_pool2d", |l, c| max_pool(l, c, 2)),
    ("max_pool3d", |l, c| max_pool(l, c, 3)),
    ("max_pool1d_with_indices", |l, c| max_pool(l, c, 1)),
    ("max_pool2d_with_indices", |l, c| max_pool(l, c, 2)),
    ("max_pool3d_with_indices", |l, c| max_pool(l, c, 3)),
    ("avg_pool1d", |l, c| average_pool(l, c, 1)),
    ("avg_pool2d", |l, c| average_pool(l, c, 2)),
    ("avg_pool3d", |l, c| average_pool(l, c, 3)),
    ("adaptive_avg_pool1d", |l, c| adaptive(l, c, 1, false)),
    ("adaptive_avg_pool2d", |l, c| adaptive(l, c, 2, false)),
    ("_adaptive_avg_pool2d", |l, c| adaptive(l, c, 2, false)),
    ("adaptive_avg_pool3d", |l, c| adaptive(l, c, 3, false)),
    ("adaptive_max_pool1d", |l, c| adaptive(l, c, 1, true)),
    ("adaptive_max_pool2d", |l, c| adaptive(l, c, 2, true)),
    ("adaptive_max_pool3d", |l, c| adaptive(l, c, 3, true)),
];

/// A window along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Side {
    length: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
    places: usize,
}

/// The windows along each of the last axes, as torch counts them: a last one that begins in the padding behind is left out.
fn sides(call: &Call, t: &Tensor, axes: usize) -> Result<Vec<Side>> {
    if t.rank() != axes + 2 && t.rank() != axes + 1 {
        return Err(call.refuse(format!("samples x channels x {axes} axes"), format!("shape {:?}", t.shape)));
    }
    let list = |name: &str, default: Option<&Vec<usize>>, one: usize| -> Result<Vec<usize>> {
        let sizes = if call.get(name).is_some() { call.sizes(name)? } else { Vec::new() };
        match (sizes.as_slice(), default) {
            ([], Some(default)) => Ok(default.clone()),
            ([], None) => Ok(vec![one; axes]),
            ([n], _) => Ok(vec![*n; axes]),
            (all, _) if all.len() == axes => Ok(all.to_vec()),
            (all, _) => Err(call.refuse(format!("{axes} numbers for `{name}`"), format!("{all:?}"))),
        }
    };
    let kernel = list("kernel_size", None, 0)?;
    let stride = list("stride", Some(&kernel), 1)?;
    let (padding, dilation) = (list("padding", None, 0)?, list("dilation", None, 1)?);
    let ceil = call.flag("ceil_mode", false)?;
    let first = t.rank() - axes;
    (0..axes)
        .map(|a| {
            let (length, kernel, stride, padding, dilation) =
                (t.shape[first + a], kernel[a], stride[a], padding[a], dilation[a]);
            let reach = kernel.checked_sub(1).and_then(|k| k.checked_mul(dilation)).filter(|r| *r < 1 << 20);
            let room = reach.and_then(|reach| (length + 2 * padding.min(1 << 20)).checked_sub(reach + 1));
            let Some(room) = room.filter(|_| stride > 0 && dilation > 0 && 2 * padding <= kernel) else {
                return Err(call.refuse(
                    format!("a window within {length} positions"),
                    format!("{kernel} with padding {padding}"),
                ));
            };
            let mut places = if ceil { room.div_ceil(stride) } else { room / stride } + 1;
            if ceil && (places - 1) * stride >= length + padding {
                places -= 1;
            }
            Ok(Side { length, kernel, stride, padding, dilation, places })
        })
        .collect()
}

fn max_pool(lower: &mut Lowering, call: &Call, axes: usize) -> Result<Value> {
    let t = call.tensor("self")?;
    let sides = sides(call, &t, axes)?;
    let plain = |s: &Side| {
        s.dilation == 1
            && s.padding < s.kernel
            && s.places == (s.length + 2 * s.padding - s.kernel) / s.stride + 1
    };
    let found = if axes == 2 && t.rank() == 4 && sides.iter().all(plain) {
        let window = Window {
            channels: t.shape[1],
            height: sides[0].length,
            width: sides[1].length,
            kernel: [sides[0].kernel, sides[1].kernel],
            stride: [sides[0].stride, sides[1].stride],
            padding: [sides[0].padding, sides[1].padding],
            after: [sides[0].padding, sides[1].padding],
            dilation: [1, 1],
        };
        window.check(&call.at())?;
        let image = lower.image(&t);
        let node = lower.tape.max_pool(window, image);
        lower.of_image(node, &[t.shape[0], t.shape[1], sides[0].places, sides[1].places], t.dtype)
    } else {
        let mut pooled = t.clone();
        for (a, side) in sides.iter().enumerate() {
            pooled = maxima(lower, call, &pooled, t.rank() - axes + a, *side)?;
        }
        pooled
    };
    Ok(with_places(call, found))
}

/// The maxima, and in the place of their positions, which nothing with derivatives needs, nothing.
fn with_places(call: &Call, found: Tensor) -> Value {
    match call.results {
        2 => Value::List(vec![found.into(), Value::None]),
        _ => found.into(),
    }
}

/// Maxima of windows along one axis.
fn maxima(lower: &mut Lowering, call: &Call, t: &Tensor, axis: usize, side: Side) -> Result<Tensor> {
    if (side.kernel, side.stride, side.padding) == (1, 1, 0) {
        return Ok(t.clone());
    }
    let end = (side.places - 1) * side.stride + (side.kernel - 1) * side.dilation + 1;
    let after = end as i64 - (side.length + side.padding) as i64;
    let padded = super::padding::padded_axis(
        lower,
        call,
        t,
        axis,
        [side.padding as i64, after.max(0)],
        "constant",
        f64::NEG_INFINITY,
    )?;
    let (mut shape, mut steps) = (padded.shape.clone(), strides(&padded.shape));
    shape[axis] = side.places;
    shape.push(side.kernel);
    steps.push(steps[axis] * side.dilation as isize);
    steps[axis] *= side.stride as isize;
    let windows = lower.strided(&padded, &shape, &steps, 0)?;
    Ok(max_last(lower, &windows))
}

/// The maxima along the last axis, which is dropped.
fn max_last(lower: &mut Lowering, windows: &Tensor) -> Tensor {
    let node = lower.rows(windows);
    let node = lower.tape.max_rows(node);
    let shape = &windows.shape[..windows.rank() - 1];
    lower.of(node, shape, windows.dtype)
}

fn average_pool(lower: &mut Lowering, call: &Call, axes: usize) -> Result<Value> {
    let t = call.tensor("self")?;
    let sides = sides(call, &t, axes)?;
    let counts_padding = call.flag("count_include_pad", true)?;
    let divisor = call.get("divisor_override").map(|_| call.float("divisor_override")).transpose()?;
    let whole = |s: &Side| s.padding == 0 && s.places == (s.length - s.kernel) / s.stride + 1;
    if axes == 2 && t.rank() == 4 && divisor.is_none() && sides.iter().all(whole) {
        let window = Window {
            channels: t.shape[1],
            height: sides[0].length,
            width: sides[1].length,
            kernel: [sides[0].kernel, sides[1].kernel],
            stride: [sides[0].stride, sides[1].stride],
            padding: [0, 0],
            after: [0, 0],
            dilation: [1, 1],
        };
        window.check(&call.at())?;
        let image = lower.image(&t);
        let node = lower.tape.average_pool(window, image);
        let shape = [t.shape[0], t.shape[1], sides[0].places, sides[1].places];
        return Ok(lower.of_image(node, &shape, t.dtype).into());
    }
    let mut pooled = t.clone();
    for (a, side) in sides.iter().enumerate() {
        let mut weights = vec![0.0; side.places * side.length];
        for (place, row) in weights.chunks_exact_mut(side.length).enumerate() {
            let start = (place * side.stride) as i64 - side.padding as i64;
            let end = (start + side.kernel as i64).min((side.length + side.padding) as i64);
            let inside = start.max(0) as usize..end.clamp(0, side.length as i64) as usize;
            let count = if counts_padding { end - start } else { inside.len() as i64 };
            let weight = if divisor.is_some() { 1.0 } else { 1.0 / count as f64 };
            row[inside].fill(weight);
        }
        pooled = along(lower, &pooled, t.rank() - axes + a, side.places, weights)?;
    }
    Ok(match divisor {
        None => pooled.into(),
        Some(divisor) => lower.scale(&pooled, 1.0 / divisor).into(),
    })
}

fn adaptive(lower: &mut Lowering, call: &Call, axes: usize, most: bool) -> Result<Value> {
    let t = call.tensor("self")?;
    let sizes = call.sizes("output_size")?;
    if sizes.len() != axes || sizes.contains(&0) || (t.rank() != axes + 2 && t.rank() != axes + 1) {
        return Err(call.refuse(format!("{axes} sizes of at least 1"), format!("{sizes:?}")));
    }
    let first = t.rank() - axes;
    if sizes.iter().zip(&t.shape[first..]).any(|(n, d)| n.saturating_mul(*d) > 1 << 24) {
        return Err(call.refuse("smaller sizes", format!("{sizes:?}")));
    }
    if !most && sizes.iter().all(|n| *n == 1) {
        let mean: Vec<usize> = (first..t.rank()).collect();
        return Ok(lower.mean(&t, &mean, true)?.into());
    }
    let mut pooled = t.clone();
    for (a, places) in sizes.iter().enumerate() {
        let axis = first + a;
        let length = t.shape[axis];
        let window = |i: usize| i * length / places..((i + 1) * length).div_ceil(*places);
        if most {
            let widest = (0..*places).map(|i| window(i).len()).max().unwrap_or(1);
            // Windows of one length: the last entry of a shorter one counts again.
            let all: Vec<usize> = (0..*places)
                .flat_map(|i| (0..widest).map(move |k| (window(i).start + k).min(window(i).end - 1)))
                .collect();
            let picked = super::index::picked(lower, call, &pooled, axis, &all)?;
            let mut shape = picked.shape.clone();
            shape[axis] = *places;
            shape.insert(axis + 1, widest);
            let apart = lower.reshape(&picked, &shape)?;
            let last = lower.axis_last(&apart, axis + 1)?;
            pooled = max_last(lower, &last);
        } else {
            let mut weights = vec![0.0; places * length];
            for (i, row) in weights.chunks_exact_mut(length).enumerate() {
                let weight = 1.0 / window(i).len() as f64;
                row[window(i)].fill(weight);
            }
            pooled = along(lower, &pooled, axis, *places, weights)?;
        }
    }
    Ok(if most { with_places(call, pooled) } else { pooled.into() })
}
