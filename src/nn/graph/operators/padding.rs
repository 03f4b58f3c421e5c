//! Operators that move entries along axes, put others around them, or trade them between axes.

use super::Operator;
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value, strides};

pub const OPERATORS: &[Operator] = &[
    ("flip", flip),
    ("roll", roll),
    ("pad", pad),
    ("constant_pad_nd", pad),
    ("diff", diff),
    ("pixel_shuffle", pixel_shuffle),
    ("pixel_unshuffle", pixel_unshuffle),
    ("channel_shuffle", channel_shuffle),
];

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
    let (mut rolled, axes) = if named.is_empty() {
        (lower.reshape(&t, &[t.size()])?, vec![0])
    } else {
        (t.clone(), named.iter().map(|a| call.axis(*a, t.rank())).collect::<Result<Vec<_>>>()?)
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
