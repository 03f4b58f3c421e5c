//! Windows of images as columns, and columns added up into images: torch's `Unfold` and `Fold`.

use super::Operator;
use crate::base::Result;
use crate::nn::graph::algebra::{matrix, sized};
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[("im2col", columns), ("col2im", image)];

/// Where windows of a padded image of channels x height x width lie: the lengths and strides of channels x kernel x places.
struct Windows {
    lengths: Vec<usize>,
    strides: Vec<isize>,
    padding: [usize; 2],
    padded: [usize; 2],
}

fn pair(call: &Call, name: &str) -> Result<[usize; 2]> {
    match call.sizes(name)?[..] {
        [a, b] if a <= 1 << 20 && b <= 1 << 20 => Ok([a, b]),
        [a] if a <= 1 << 20 => Ok([a, a]),
        ref other => Err(call.refuse(format!("two small numbers for `{name}`"), format!("{other:?}"))),
    }
}

fn windows(call: &Call, samples: usize, channels: usize, size: [usize; 2]) -> Result<Windows> {
    let [kernel, dilation, padding, stride] =
        ["kernel_size", "dilation", "padding", "stride"].map(|n| pair(call, n));
    let (kernel, dilation, padding, stride) = (kernel?, dilation?, padding?, stride?);
    let padded = [0, 1].map(|a| size[a] + 2 * padding[a]);
    let mut places = [0; 2];
    for a in 0..2 {
        let reach = dilation[a].saturating_mul(kernel[a].max(1) - 1) + 1;
        if kernel[a] == 0 || stride[a] == 0 || dilation[a] == 0 || reach > padded[a] {
            return Err(call.refuse(format!("windows within {padded:?}"), format!("{kernel:?}")));
        }
        places[a] = (padded[a] - reach) / stride[a] + 1;
    }
    let [height, width] = padded.map(|n| n as isize);
    let plane = height * width;
    let at = |a: usize, by: usize| if a == 0 { by as isize * width } else { by as isize };
    Ok(Windows {
        lengths: vec![samples, channels, kernel[0], kernel[1], places[0], places[1]],
        strides: vec![
            channels as isize * plane,
            plane,
            at(0, dilation[0]),
            at(1, dilation[1]),
            at(0, stride[0]),
            at(1, stride[1]),
        ],
        padding,
        padded,
    })
}

/// Samples before, and whether they had to be added.
fn batched(lower: &mut Lowering, call: &Call, rank: usize) -> Result<(Tensor, bool)> {
    let t = call.tensor("self")?;
    match t.rank() {
        n if n == rank => Ok((t, false)),
        n if n + 1 == rank => Ok((lower.reshape(&t, &[&[1], t.shape.as_slice()].concat())?, true)),
        n => Err(call.refuse(format!("{rank} axes"), n)),
    }
}

fn unbatched(lower: &mut Lowering, t: Tensor, single: bool) -> Result<Value> {
    Ok(if single { lower.reshape(&t, &t.shape[1..])? } else { t }.into())
}

fn columns(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (mut t, single) = batched(lower, call, 4)?;
    let (samples, channels) = (t.shape[0], t.shape[1]);
    let windows = windows(call, samples, channels, [t.shape[2], t.shape[3]])?;
    for a in 0..2 {
        let by = windows.padding[a] as i64;
        t = super::padding::padded_axis(lower, call, &t, 2 + a, [by, by], "constant", 0.0)?;
    }
    let read = lower.strided(&t, &windows.lengths, &windows.strides, 0)?;
    let shape = [samples, windows.lengths[1..4].iter().product(), windows.lengths[4..].iter().product()];
    let read = lower.reshape(&read, &shape)?;
    unbatched(lower, read, single)
}

fn image(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, single) = batched(lower, call, 3)?;
    let (size, kernel) = (pair(call, "output_size")?, pair(call, "kernel_size")?);
    let (samples, area) = (t.shape[0], kernel[0] * kernel[1]);
    if area == 0 || t.shape[1] % area != 0 {
        return Err(call.refuse(format!("columns of {area} numbers a channel"), t.shape[1]));
    }
    let windows = windows(call, samples, t.shape[1] / area, size)?;
    if windows.lengths[4] * windows.lengths[5] != t.shape[2] {
        return Err(call.refuse(format!("{} windows", windows.lengths[4] * windows.lengths[5]), t.shape[2]));
    }
    let shape = [samples, t.shape[1] / area, windows.padded[0], windows.padded[1]];
    sized(&shape)?;
    let node = lower.rows(&t);
    let node = lower.tape.sum_strided(node, &windows.lengths, &windows.strides, 0, matrix(&shape));
    let mut sum = lower.of(node, &shape, Dtype::Float);
    for a in 0..2 {
        let by = -(windows.padding[a] as i64);
        sum = super::padding::padded_axis(lower, call, &sum, 2 + a, [by, by], "constant", 0.0)?;
    }
    unbatched(lower, sum, single)
}
