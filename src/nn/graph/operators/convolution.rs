//! Convolutions of one, two and three axes, and their transposes.
//!
//! All of them are the two-dimensional one of the tape: one axis is an image of height 1, three are a sum over the depth of
//! the kernel. Padding that a window can't have is put around the image first.

use super::Operator;
use crate::autodiff::primitives::{ConvGeometry, Window};
use crate::base::{Error, Result};
use crate::nn::graph::algebra::sized;
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};
use crate::nn::layout::Role;

pub const OPERATORS: &[Operator] = &[
    ("conv1d", |l, c| convolution(l, c, 1)),
    ("conv2d", |l, c| convolution(l, c, 2)),
    ("conv3d", |l, c| convolution(l, c, 3)),
    ("convolution", general),
    ("conv_transpose1d", |l, c| transposed(l, c, 1)),
    ("conv_transpose2d", |l, c| transposed(l, c, 2)),
    ("conv_transpose3d", |l, c| transposed(l, c, 3)),
];

/// Strides, paddings and the rest, along each axis.
#[derive(Clone, Debug)]
struct Steps {
    stride: Vec<usize>,
    before: Vec<usize>,
    after: Vec<usize>,
    dilation: Vec<usize>,
    groups: usize,
}

/// A list for so many axes: one number for all, or one each.
fn list(call: &Call, name: &str, axes: usize, default: usize) -> Result<Vec<usize>> {
    if call.get(name).is_none() {
        return Ok(vec![default; axes]);
    }
    let sizes = call.sizes(name)?;
    let all = match sizes.as_slice() {
        [one] => vec![*one; axes],
        all => all.to_vec(),
    };
    if all.len() == axes && all.iter().all(|n| *n <= 1 << 20) {
        Ok(all)
    } else {
        Err(call.refuse(format!("{axes} small numbers for `{name}`"), format!("{sizes:?}")))
    }
}

fn steps(call: &Call, axes: usize, kernel: &[usize]) -> Result<Steps> {
    let stride = list(call, "stride", axes, 1)?;
    let dilation = list(call, "dilation", axes, 1)?;
    let groups = usize::try_from(call.int_or("groups", 1)?).unwrap_or(0);
    if groups == 0 || stride.contains(&0) || dilation.contains(&0) {
        return Err(call.refuse("strides, dilations and groups of at least 1", "0"));
    }
    let reach = |a: usize| dilation[a] * (kernel[a].max(1) - 1);
    let (before, after) = match call.text("padding") {
        Some("valid") => (vec![0; axes], vec![0; axes]),
        // The odd one goes behind.
        Some("same") => {
            ((0..axes).map(|a| reach(a) / 2).collect(), (0..axes).map(|a| reach(a) - reach(a) / 2).collect())
        }
        Some(other) => return Err(call.refuse("a padding of numbers, `same` or `valid`", other)),
        None => {
            let padding = list(call, "padding", axes, 0)?;
            (padding.clone(), padding)
        }
    };
    Ok(Steps { stride, before, after, dilation, groups })
}

fn general(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let axes = call.tensor("weight")?.rank().saturating_sub(2);
    if call.flag("transposed", false)? {
        transposed(lower, call, axes)
    } else {
        convolution(lower, call, axes)
    }
}

/// Input with samples first, and whether they had to be added.
fn batched(lower: &mut Lowering, call: &Call, axes: usize) -> Result<(Tensor, bool)> {
    let x = call.tensor("input")?;
    match x.rank() {
        rank if rank == axes + 2 => Ok((x, false)),
        rank if rank == axes + 1 => Ok((lower.reshape(&x, &[&[1], x.shape.as_slice()].concat())?, true)),
        _ => Err(call.refuse(format!("samples x channels x {axes} axes"), format!("shape {:?}", x.shape))),
    }
}

fn finished(lower: &mut Lowering, call: &Call, y: Tensor, single: bool) -> Result<Value> {
    let y = match call.maybe("bias")? {
        None => y,
        Some(bias) => {
            lower.used(&bias, Role::Bias, 0);
            let mut shape = vec![1; y.rank()];
            shape[1] = y.shape[1];
            let bias = lower.reshape(&bias, &shape)?;
            lower.add(&y, &bias)?
        }
    };
    Ok(if single {
        let shape = y.shape[1..].to_vec();
        lower.reshape(&y, &shape)?.into()
    } else {
        y.into()
    })
}

fn convolution(lower: &mut Lowering, call: &Call, axes: usize) -> Result<Value> {
    let (x, single) = batched(lower, call, axes)?;
    let weight = call.tensor("weight")?;
    if weight.rank() != axes + 2 || !(1..=3).contains(&axes) {
        return Err(call.refuse(format!("weights of {} axes", axes + 2), format!("shape {:?}", weight.shape)));
    }
    lower.used(&weight, Role::Weight, 0);
    let steps = steps(call, axes, &weight.shape[2..])?;
    if x.shape[1] != weight.shape[1].saturating_mul(steps.groups) {
        let expected = format!("{} channels", weight.shape[1].saturating_mul(steps.groups));
        return Err(call.refuse(expected, x.shape[1]));
    }
    let y = match axes {
        1 => {
            let flat = |t: &Tensor| [&t.shape[..2], &[1], &t.shape[2..]].concat();
            let (shape_x, shape_w) = (flat(&x), flat(&weight));
            let (x, weight) = (lower.reshape(&x, &shape_x)?, lower.reshape(&weight, &shape_w)?);
            let with = |list: &[usize], one: usize| [&[one], list].concat();
            let steps = Steps {
                stride: with(&steps.stride, 1),
                before: with(&steps.before, 0),
                after: with(&steps.after, 0),
                dilation: with(&steps.dilation, 1),
                groups: steps.groups,
            };
            let y = planar(lower, call, &x, &weight, &steps)?;
            let shape = [y.shape[0], y.shape[1], y.shape[3]];
            lower.reshape(&y, &shape)?
        }
        2 => planar(lower, call, &x, &weight, &steps)?,
        _ => deep(lower, call, &x, &weight, &steps)?,
    };
    finished(lower, call, y, single)
}

/// Zeros put around the last axes where a window can't add them itself: as many as it is long.
fn surrounded(
    lower: &mut Lowering,
    call: &Call,
    x: &Tensor,
    extent: [usize; 2],
    steps: &mut Steps,
) -> Result<Tensor> {
    let mut x = x.clone();
    for (a, extent) in extent.into_iter().enumerate() {
        let (before, after) = (steps.before[a], steps.after[a]);
        if before >= extent || after >= extent {
            let axis = x.rank() - 2 + a;
            let zeros = [before as i64, after as i64];
            x = super::padding::padded_axis(lower, call, &x, axis, zeros, "constant", 0.0)?;
            (steps.before[a], steps.after[a]) = (0, 0);
        }
    }
    Ok(x)
}

/// Positions that a kernel covers along both axes.
fn extents(call: &Call, kernel: [usize; 2], dilation: &[usize]) -> Result<[usize; 2]> {
    let of = |a: usize| (kernel[a] - 1).checked_mul(dilation[a]).filter(|n| *n < 1 << 24).map(|n| n + 1);
    match (of(0), of(1)) {
        (Some(a), Some(b)) => Ok([a, b]),
        _ => Err(call.refuse("a smaller dilation", format!("{dilation:?}"))),
    }
}

/// samples x channels x height x width.
fn planar(lower: &mut Lowering, call: &Call, x: &Tensor, weight: &Tensor, steps: &Steps) -> Result<Tensor> {
    let kernel = [weight.shape[2], weight.shape[3]];
    let extent = extents(call, kernel, &steps.dilation)?;
    let mut steps = steps.clone();
    let x = surrounded(lower, call, x, extent, &mut steps)?;
    let window = Window {
        channels: x.shape[1],
        height: x.shape[2],
        width: x.shape[3],
        kernel,
        stride: [steps.stride[0], steps.stride[1]],
        padding: [steps.before[0], steps.before[1]],
        after: [steps.after[0], steps.after[1]],
        dilation: [steps.dilation[0], steps.dilation[1]],
    };
    let geometry = ConvGeometry { window, outputs: weight.shape[0], groups: steps.groups };
    geometry.check(&call.at())?;
    let [rows, columns] = window.places();
    let shape = [x.shape[0], weight.shape[0], rows, columns];
    sized(&shape)?;
    let (w, image) = (lower.rows(weight), lower.image(&x));
    let w = lower.tape.reshape(w, geometry.weights());
    let node = lower.tape.conv(geometry, w, image);
    Ok(lower.of_image(node, &shape, Dtype::Float))
}

/// A sum of plane convolutions over the depth of the kernel.
fn deep(lower: &mut Lowering, call: &Call, x: &Tensor, weight: &Tensor, steps: &Steps) -> Result<Tensor> {
    let (before, after) = (steps.before[0] as i64, steps.after[0] as i64);
    let x = super::padding::padded_axis(lower, call, x, 2, [before, after], "constant", 0.0)?;
    let (depth, kernel, stride, dilation) = (x.shape[2], weight.shape[2], steps.stride[0], steps.dilation[0]);
    let reach = dilation.saturating_mul(kernel - 1);
    if kernel > 64 || depth <= reach {
        return Err(call.refuse(format!("a kernel within a depth of {depth}"), kernel));
    }
    let places = (depth - reach - 1) / stride + 1;
    let plane = Steps {
        stride: steps.stride[1..].to_vec(),
        before: steps.before[1..].to_vec(),
        after: steps.after[1..].to_vec(),
        dilation: steps.dilation[1..].to_vec(),
        groups: steps.groups,
    };
    let mut sum: Option<Tensor> = None;
    for k in 0..kernel {
        let part = lower.slice(&x, 2, k * dilation, places, stride as isize)?;
        let part = lower.permute(&part, &[0, 2, 1, 3, 4])?;
        let shape = [part.shape[0] * places, part.shape[2], part.shape[3], part.shape[4]];
        let part = lower.reshape(&part, &shape)?;
        let w = lower.pick(weight, 2, k)?;
        let y = planar(lower, call, &part, &w, &plane)?;
        sum = Some(match sum {
            None => y,
            Some(sum) => lower.add(&sum, &y)?,
        });
    }
    let Some(sum) = sum else { return Err(call.refuse("a kernel", "none")) };
    let shape = [x.shape[0], places, sum.shape[1], sum.shape[2], sum.shape[3]];
    let apart = lower.reshape(&sum, &shape)?;
    lower.permute(&apart, &[0, 2, 1, 3, 4])
}

/// The transpose: weights are inputs x outputs/groups x kernel, which is how a convolution from the outputs to the inputs
/// has them.
fn transposed(lower: &mut Lowering, call: &Call, axes: usize) -> Result<Value> {
    if !matches!(axes, 1..=3) {
        return Err(call.refuse("a transposed convolution of one to three axes", axes));
    }
    let (x, single) = batched(lower, call, axes)?;
    let weight = call.tensor("weight")?;
    if weight.rank() != axes + 2 || weight.shape[0] != x.shape[1] {
        return Err(
            call.refuse(format!("weights of {} inputs", x.shape[1]), format!("shape {:?}", weight.shape))
        );
    }
    lower.used(&weight, Role::Weight, 1);
    let mut steps = steps(call, axes, &weight.shape[2..])?;
    let mut more = list(call, "output_padding", axes, 0)?;
    let y = match axes {
        1 => {
            let flat = |t: &Tensor| [&t.shape[..2], &[1], &t.shape[2..]].concat();
            let (shape_x, shape_w) = (flat(&x), flat(&weight));
            let (x, weight) = (lower.reshape(&x, &shape_x)?, lower.reshape(&weight, &shape_w)?);
            for (list, one) in
                [(&mut steps.stride, 1), (&mut steps.before, 0), (&mut steps.dilation, 1), (&mut more, 0)]
            {
                list.insert(0, one);
            }
            let y = planar_transposed(lower, call, &x, &weight, &steps, &more)?;
            let shape = [y.shape[0], y.shape[1], y.shape[3]];
            lower.reshape(&y, &shape)?
        }
        2 => planar_transposed(lower, call, &x, &weight, &steps, &more)?,
        _ => deep_transposed(lower, call, &x, &weight, &steps, &more)?,
    };
    finished(lower, call, y, single)
}

/// samples x channels x height x width.
fn planar_transposed(
    lower: &mut Lowering,
    call: &Call,
    x: &Tensor,
    weight: &Tensor,
    steps: &Steps,
    more: &[usize],
) -> Result<Tensor> {
    let kernel = [weight.shape[2], weight.shape[3]];
    let extent = extents(call, kernel, &steps.dilation)?;
    // Without padding first, and what padding takes away cut off afterwards, where a window can't have it.
    let wide = |a: usize| steps.before[a] >= extent[a];
    let inner = [0, 1].map(|a| if wide(a) { 0 } else { steps.before[a] });
    let side = |a: usize| -> Option<usize> {
        let grown = (x.shape[2 + a] - 1)
            .checked_mul(steps.stride[a])?
            .checked_add(extent[a])?
            .checked_add(more[a])?;
        grown.checked_sub(2 * inner[a])
    };
    let (Some(height), Some(width)) = (side(0), side(1)) else {
        return Err(call.refuse("padding within the result", format!("{:?}", steps.before)));
    };
    let channels = weight.shape[1].saturating_mul(steps.groups);
    let window = Window {
        channels,
        height,
        width,
        kernel,
        stride: [steps.stride[0], steps.stride[1]],
        padding: inner,
        after: inner,
        dilation: [steps.dilation[0], steps.dilation[1]],
    };
    let geometry = ConvGeometry { window, outputs: x.shape[1], groups: steps.groups };
    let at = |e: Error| Error::request(call.at(), e.to_string());
    geometry.check("window").map_err(at)?;
    if window.places() != [x.shape[2], x.shape[3]] {
        return Err(call.refuse("an output padding below the stride", format!("{more:?}")));
    }
    let shape = [x.shape[0], channels, height, width];
    sized(&shape)?;
    let (w, signal) = (lower.rows(weight), lower.image(x));
    let w = lower.tape.reshape(w, geometry.weights());
    let node = lower.tape.conv_transpose(geometry, w, signal);
    let mut y = lower.of_image(node, &shape, Dtype::Float);
    for a in (0..2).filter(|a| wide(*a)) {
        let cut = -(steps.before[a] as i64);
        y = super::padding::padded_axis(lower, call, &y, 2 + a, [cut, cut], "constant", 0.0)?;
    }
    Ok(y)
}

/// A sum of transposed plane convolutions over the depth of the kernel, each moved to where it belongs.
fn deep_transposed(
    lower: &mut Lowering,
    call: &Call,
    x: &Tensor,
    weight: &Tensor,
    steps: &Steps,
    more: &[usize],
) -> Result<Tensor> {
    let (samples, channels, depth) = (x.shape[0], x.shape[1], x.shape[2]);
    let (kernel, stride, dilation) = (weight.shape[2], steps.stride[0], steps.dilation[0]);
    let spread = (depth - 1).saturating_mul(stride) + 1;
    let reach = dilation.saturating_mul(kernel - 1);
    let length = (spread.saturating_add(reach).saturating_add(more[0])).checked_sub(2 * steps.before[0]);
    let Some(length) = length.filter(|n| *n > 0 && kernel <= 64 && more[0] < stride.max(dilation)) else {
        return Err(call.refuse("a padding within the result, and a kernel of at most 64", kernel));
    };
    let plane = Steps {
        stride: steps.stride[1..].to_vec(),
        before: steps.before[1..].to_vec(),
        after: steps.after[1..].to_vec(),
        dilation: steps.dilation[1..].to_vec(),
        groups: steps.groups,
    };
    let planes = lower.permute(x, &[0, 2, 1, 3, 4])?;
    let planes = lower.reshape(&planes, &[samples * depth, channels, x.shape[3], x.shape[4]])?;
    let mut sum: Option<Tensor> = None;
    for k in 0..kernel {
        let w = lower.pick(weight, 2, k)?;
        let y = planar_transposed(lower, call, &planes, &w, &plane, &more[1..])?;
        let [channels, height, width] = [y.shape[1], y.shape[2], y.shape[3]];
        // Zeros between planes, and before and after them.
        let y = lower.reshape(&y, &[samples, depth, 1, channels * height * width])?;
        let y = super::padding::padded_axis(lower, call, &y, 2, [0, stride as i64 - 1], "constant", 0.0)?;
        let y = lower.reshape(&y, &[samples, depth * stride, channels, height, width])?;
        let before = (k * dilation) as i64 - steps.before[0] as i64;
        let after = length as i64 - before - (depth * stride) as i64;
        let y = super::padding::padded_axis(lower, call, &y, 1, [before, after], "constant", 0.0)?;
        sum = Some(match sum {
            None => y,
            Some(sum) => lower.add(&sum, &y)?,
        });
    }
    let Some(sum) = sum else { return Err(call.refuse("a kernel", "none")) };
    lower.permute(&sum, &[0, 2, 1, 3, 4])
}
