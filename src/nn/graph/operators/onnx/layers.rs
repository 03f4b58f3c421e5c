//! Layers: products, convolutions, pooling, norms, softmax and losses.

use super::{ints, sizes, torch, torch_tensor, version};
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::operators::Operator;
use crate::nn::graph::operators::padding::padded_axis;
use crate::nn::graph::operators::products::{affine, product};
use crate::nn::graph::value::{Tensor, Value};
use crate::nn::layout::Role;

pub const OPERATORS: &[Operator] = &[
    ("AveragePool", average_pool),
    ("BatchNormalization", batch_norm),
    ("Conv", convolution),
    ("ConvTranspose", transposed),
    ("Einsum", einsum),
    ("Gemm", gemm),
    ("GlobalAveragePool", |l, c| global(l, c, "mean")),
    ("GlobalMaxPool", |l, c| global(l, c, "amax")),
    ("GroupNormalization", group_norm),
    ("InstanceNormalization", instance_norm),
    ("LRN", response_norm),
    ("LayerNormalization", layer_norm),
    ("LogSoftmax", |l, c| softmax(l, c, "log_softmax")),
    ("MatMul", |l, c| Ok(product(l, &c.tensor("0")?, &c.tensor("1")?)?.into())),
    ("MaxPool", max_pool),
    ("NegativeLogLikelihoodLoss", |l, c| loss(l, c, "nll_loss")),
    ("RMSNormalization", rms_norm),
    ("Softmax", |l, c| softmax(l, c, "softmax")),
    ("SoftmaxCrossEntropyLoss", |l, c| loss(l, c, "cross_entropy_loss")),
];

/// alpha A B + beta C.
fn gemm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (mut a, b, c) = (call.tensor("0")?, call.tensor("1")?, call.maybe("2")?);
    if a.rank() != 2 || b.rank() != 2 {
        return Err(call.refuse("two matrices", format!("{:?} and {:?}", a.shape, b.shape)));
    }
    let (alpha, beta) = (call.float_or("alpha", 1.0)?, call.float_or("beta", 1.0)?);
    if call.flag("transA", false)? {
        a = lower.permute(&a, &[1, 0])?;
    }
    let ab = match call.flag("transB", false)? {
        true if a.shape[1] == b.shape[1] => affine(lower, call, &a, &b, None)?,
        true => {
            return Err(call.refuse("inner axes of one length", format!("{:?} and {:?}", a.shape, b.shape)));
        }
        false => product(lower, &a, &b)?,
    };
    let ab = if alpha == 1.0 { ab } else { lower.scale(&ab, alpha) };
    Ok(match c {
        None => ab.into(),
        Some(c) => {
            if c.rank() >= 1 {
                lower.used(&c, Role::Bias, c.rank() - 1);
            }
            lower.add_scaled(&ab, beta, &c)?.into()
        }
    })
}

fn einsum(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let all = call.tensors("inputs")?.into_iter().map(Value::from).collect();
    let equation = Value::Text(call.text("equation").unwrap_or_default().to_owned());
    torch(lower, call, "einsum", vec![("equation", equation), ("tensors", Value::List(all))])
}

/// Windows as ONNX says them, along each axis.
struct Windows {
    kernel: Vec<usize>,
    stride: Vec<usize>,
    dilation: Vec<usize>,
    /// Entries to add before and after.
    pads: Vec<[i64; 2]>,
}

fn windows(call: &Call, x: &Tensor, kernel: Vec<usize>) -> Result<Windows> {
    let axes = x.rank().saturating_sub(2);
    if axes == 0 || axes > 3 || kernel.len() != axes {
        return Err(call.refuse(
            "samples x channels x 1 to 3 axes, and a kernel for them",
            format!("shape {:?}", x.shape),
        ));
    }
    let list = |name: &str| -> Result<Vec<usize>> {
        match call.get(name) {
            None => Ok(vec![1; axes]),
            Some(_) => {
                let found = call.sizes(name)?;
                if found.len() == axes && found.iter().all(|n| (1..=1 << 20).contains(n)) {
                    Ok(found)
                } else {
                    Err(call.refuse(format!("{axes} small numbers for `{name}`"), format!("{found:?}")))
                }
            }
        }
    };
    let (stride, dilation) = (list("strides")?, list("dilations")?);
    let given = call.ints_or_none("pads")?;
    let pads = match call.text("auto_pad").unwrap_or("NOTSET") {
        "NOTSET" if given.is_empty() => vec![[0, 0]; axes],
        "NOTSET" if given.len() == 2 * axes && given.iter().all(|n| n.unsigned_abs() < 1 << 20) => {
            (0..axes).map(|a| [given[a], given[axes + a]]).collect()
        }
        "NOTSET" => {
            return Err(call.refuse(format!("{} small numbers for `pads`", 2 * axes), format!("{given:?}")));
        }
        "VALID" => vec![[0, 0]; axes],
        // As many outputs as inputs over the stride, rounded up; the odd one behind, or before.
        same @ ("SAME_UPPER" | "SAME_LOWER") => (0..axes)
            .map(|a| {
                let length = x.shape[2 + a];
                let reach = dilation[a].saturating_mul(kernel[a].saturating_sub(1)).min(1 << 20) + 1;
                let outputs = length.div_ceil(stride[a]);
                let all = ((outputs - 1) * stride[a] + reach).saturating_sub(length) as i64;
                let (few, many) = (all / 2, all - all / 2);
                if same == "SAME_UPPER" { [few, many] } else { [many, few] }
            })
            .collect(),
        other => return Err(call.refuse("an auto_pad of NOTSET, VALID, SAME_UPPER or SAME_LOWER", other)),
    };
    Ok(Windows { kernel, stride, dilation, pads })
}

impl Windows {
    /// Padding that is the same on both sides of each axis; what is not is put around the input.
    fn apply(
        &mut self,
        lower: &mut Lowering,
        call: &Call,
        x: &Tensor,
        value: f64,
    ) -> Result<(Tensor, Vec<i64>)> {
        let half = |a: usize| self.pads[a][0] * 2 <= self.kernel[a] as i64 || value == 0.0;
        if self.pads.iter().all(|[a, b]| a == b && *a >= 0) && (0..self.pads.len()).all(half) {
            return Ok((x.clone(), self.pads.iter().map(|[a, _]| *a).collect()));
        }
        let mut x = x.clone();
        for (a, pair) in self.pads.iter().enumerate() {
            x = padded_axis(lower, call, &x, 2 + a, *pair, "constant", value)?;
        }
        Ok((x, vec![0; self.pads.len()]))
    }
}

fn convolution(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (x, weight) = (call.tensor("0")?, call.tensor("1")?);
    call.get("kernel_shape");
    let mut windows = windows(call, &x, weight.shape.iter().skip(2).copied().collect())?;
    let (x, padding) = windows.apply(lower, call, &x, 0.0)?;
    let mut arguments: Vec<(&str, Value)> = vec![
        ("input", x.into()),
        ("weight", weight.into()),
        ("stride", sizes(&windows.stride)),
        ("padding", ints(&padding)),
        ("dilation", sizes(&windows.dilation)),
        ("groups", Value::Int(call.int_or("group", 1)?)),
    ];
    if let Some(bias) = call.maybe("2")? {
        arguments.push(("bias", bias.into()));
    }
    torch(lower, call, "convolution", arguments)
}

fn transposed(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (x, weight, bias) = (call.tensor("0")?, call.tensor("1")?, call.maybe("2")?);
    call.get("kernel_shape");
    if call.get("output_shape").is_some() || !matches!(call.text("auto_pad"), None | Some("NOTSET" | "VALID"))
    {
        return Err(call.refuse("a transposed convolution with pads of numbers", "auto_pad or output_shape"));
    }
    let windows = windows(call, &x, weight.shape.iter().skip(2).copied().collect())?;
    let axes = windows.kernel.len();
    let more = match call.get("output_padding") {
        None => vec![0; axes],
        Some(_) => call.sizes("output_padding")?,
    };
    let even = windows.pads.iter().all(|[a, b]| a == b && *a >= 0);
    let padding: Vec<i64> = windows.pads.iter().map(|[a, _]| if even { *a } else { 0 }).collect();
    let mut arguments: Vec<(&str, Value)> = vec![
        ("input", x.into()),
        ("weight", weight.into()),
        ("stride", sizes(&windows.stride)),
        ("padding", ints(&padding)),
        ("output_padding", sizes(&more)),
        ("dilation", sizes(&windows.dilation)),
        ("groups", Value::Int(call.int_or("group", 1)?)),
        ("transposed", Value::Bool(true)),
    ];
    if let Some(bias) = bias {
        arguments.push(("bias", bias.into()));
    }
    let mut y = torch_tensor(lower, call, "convolution", arguments)?;
    if !even {
        for (a, [before, after]) in windows.pads.iter().enumerate() {
            y = padded_axis(lower, call, &y, 2 + a, [-before, -after], "constant", 0.0)?;
        }
    }
    Ok(y.into())
}

fn pool_name(axes: usize, most: bool) -> &'static str {
    match (axes, most) {
        (1, true) => "max_pool1d",
        (2, true) => "max_pool2d",
        (_, true) => "max_pool3d",
        (1, false) => "avg_pool1d",
        (2, false) => "avg_pool2d",
        (_, false) => "avg_pool3d",
    }
}

fn max_pool(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let x = call.tensor("0")?;
    call.get("storage_order");
    if call.results > 1 {
        return Err(call.refuse("the maxima alone", "their places as well"));
    }
    let mut windows = windows(call, &x, call.sizes("kernel_shape")?)?;
    let (x, padding) = windows.apply(lower, call, &x, f64::NEG_INFINITY)?;
    let arguments = vec![
        ("self", x.into()),
        ("kernel_size", sizes(&windows.kernel)),
        ("stride", sizes(&windows.stride)),
        ("padding", ints(&padding)),
        ("dilation", sizes(&windows.dilation)),
        ("ceil_mode", Value::Bool(call.flag("ceil_mode", false)?)),
    ];
    torch(lower, call, pool_name(windows.kernel.len(), true), arguments)
}

fn average_pool(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let x = call.tensor("0")?;
    let windows = windows(call, &x, call.sizes("kernel_shape")?)?;
    let axes = windows.kernel.len();
    let (ceil, padded) = (call.flag("ceil_mode", false)?, call.flag("count_include_pad", false)?);
    if windows.dilation.iter().any(|d| *d != 1) {
        return Err(call.refuse("windows of neighbours", "dilations"));
    }
    let even =
        windows.pads.iter().zip(&windows.kernel).all(|([a, b], k)| a == b && *a >= 0 && 2 * *a <= *k as i64);
    if even || ceil {
        if !even {
            return Err(call.refuse("the same padding on both sides with ceil_mode", "another"));
        }
        let padding: Vec<i64> = windows.pads.iter().map(|[a, _]| *a).collect();
        let arguments = vec![
            ("self", x.into()),
            ("kernel_size", sizes(&windows.kernel)),
            ("stride", sizes(&windows.stride)),
            ("padding", ints(&padding)),
            ("ceil_mode", Value::Bool(ceil)),
            ("count_include_pad", Value::Bool(padded)),
        ];
        return torch(lower, call, pool_name(axes, false), arguments);
    }
    // Sums over the padded input, divided by how many entries of the input each window holds.
    let mut around = x.clone();
    for (a, pair) in windows.pads.iter().enumerate() {
        around = padded_axis(lower, call, &around, 2 + a, *pair, "constant", 0.0)?;
    }
    let arguments = vec![
        ("self", around.clone().into()),
        ("kernel_size", sizes(&windows.kernel)),
        ("stride", sizes(&windows.stride)),
    ];
    let mut y = torch_tensor(lower, call, pool_name(axes, false), arguments)?;
    if !padded {
        for (a, [before, _]) in windows.pads.iter().enumerate() {
            let (kernel, stride, length) =
                (windows.kernel[a] as i64, windows.stride[a] as i64, x.shape[2 + a] as i64);
            let inside = |o: usize| {
                let start = o as i64 * stride - before;
                let held = (start + kernel).min(length) - start.max(0);
                kernel as f64 / held.max(1) as f64
            };
            let factors: Vec<f64> = (0..y.shape[2 + a]).map(inside).collect();
            let mut shape = vec![1; y.rank()];
            shape[2 + a] = factors.len();
            y = lower.multiply(&y, &Tensor::known(&shape, Dtype::Float, factors))?;
        }
    }
    Ok(y.into())
}

fn global(lower: &mut Lowering, call: &Call, name: &'static str) -> Result<Value> {
    let x = call.tensor("0")?;
    if x.rank() < 3 {
        return Err(call.refuse("samples x channels x positions", format!("shape {:?}", x.shape)));
    }
    let all: Vec<usize> = (2..x.rank()).collect();
    torch(lower, call, name, vec![("self", x.into()), ("dim", sizes(&all)), ("keepdim", Value::Bool(true))])
}

fn batch_norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    call.get("training_mode");
    call.get("spatial");
    let mut arguments = Vec::new();
    for (name, place) in
        [("input", "0"), ("weight", "1"), ("bias", "2"), ("running_mean", "3"), ("running_var", "4")]
    {
        arguments.push((name, call.tensor(place)?.into()));
    }
    arguments.push(("eps", Value::Float(call.float_or("epsilon", 1e-5)?)));
    arguments.push(("momentum", Value::Float(1.0 - call.float_or("momentum", 0.9)?)));
    torch(lower, call, "batch_norm", arguments)
}

/// Scale and shift of a norm.
fn shifts<'a>(call: &Call) -> Result<Vec<(&'a str, Value)>> {
    let mut arguments = vec![("input", call.tensor("0")?.into())];
    for (name, place) in [("weight", "1"), ("bias", "2")] {
        if let Some(t) = call.maybe(place)? {
            arguments.push((name, t.into()));
        }
    }
    arguments.push(("eps", Value::Float(call.float_or("epsilon", 1e-5)?)));
    Ok(arguments)
}

/// The last lengths of the input, from an axis on.
fn last(call: &Call) -> Result<Vec<usize>> {
    let x = call.tensor("0")?;
    let axis = call.axis(call.int_or("axis", -1)?, x.rank())?;
    Ok(x.shape[axis.min(x.rank())..].to_vec())
}

fn layer_norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    call.get("stash_type");
    let mut arguments = shifts(call)?;
    arguments.push(("normalized_shape", sizes(&last(call)?)));
    torch(lower, call, "layer_norm", arguments)
}

fn rms_norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    call.get("stash_type");
    let mut arguments = shifts(call)?;
    arguments.push(("normalized_shape", sizes(&last(call)?)));
    torch(lower, call, "rms_norm", arguments)
}

/// Before version 21 scale and shift are of groups, from then on of channels.
fn group_norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    call.get("stash_type");
    let groups = call.int("num_groups")?;
    let mut arguments = shifts(call)?;
    let x = call.tensor("0")?;
    let channels = x.shape.get(1).copied().unwrap_or(0);
    if version(call) < 21
        && usize::try_from(groups).is_ok_and(|g| g != channels && g > 0 && channels % g == 0)
    {
        for (name, value) in &mut arguments {
            if let (true, Some(t)) = (matches!(*name, "weight" | "bias"), value.tensor()) {
                let times = Value::Int(channels as i64 / groups);
                let all = vec![("self", t.into()), ("repeats", times)];
                *value = torch_tensor(lower, call, "repeat_interleave", all)?.into();
            }
        }
    }
    arguments.push(("num_groups", Value::Int(groups)));
    torch(lower, call, "group_norm", arguments)
}

fn instance_norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let arguments = shifts(call)?;
    torch(lower, call, "instance_norm", arguments)
}

fn response_norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let size = call.int("size")?;
    if size % 2 == 0 {
        return Err(call.refuse("an odd number of neighbours", size));
    }
    let arguments = vec![
        ("input", call.tensor("0")?.into()),
        ("size", Value::Int(size)),
        ("alpha", Value::Float(call.float_or("alpha", 1e-4)?)),
        ("beta", Value::Float(call.float_or("beta", 0.75)?)),
        ("k", Value::Float(call.float_or("bias", 1.0)?)),
    ];
    torch(lower, call, "local_response_norm", arguments)
}

/// Before version 13 over all axes from one on, from then on along one axis.
fn softmax(lower: &mut Lowering, call: &Call, name: &'static str) -> Result<Value> {
    let x = call.tensor("0")?;
    let old = version(call) < 13;
    let axis = call.axis(call.int_or("axis", if old { 1 } else { -1 })?, x.rank())?;
    if !old || axis + 1 >= x.rank() {
        return torch(lower, call, name, vec![("self", x.into()), ("dim", Value::Int(axis as i64))]);
    }
    let rows: usize = x.shape[..axis].iter().product();
    let flat = lower.reshape(&x, &[rows, x.size() / rows])?;
    let y = torch_tensor(lower, call, name, vec![("self", flat.into()), ("dim", Value::Int(1))])?;
    Ok(lower.reshape(&y, &x.shape)?.into())
}

/// Losses of classes with torch's reductions.
fn loss(lower: &mut Lowering, call: &Call, name: &'static str) -> Result<Value> {
    let reduction = match call.text("reduction").unwrap_or("mean") {
        "none" => 0,
        "mean" => 1,
        "sum" => 2,
        other => return Err(call.refuse("a reduction of none, mean or sum", other)),
    };
    let mut arguments = vec![
        ("self", call.tensor("0")?.into()),
        ("target", call.tensor("1")?.into()),
        ("reduction", Value::Int(reduction)),
        ("ignore_index", Value::Int(call.int_or("ignore_index", -100)?)),
    ];
    if let Some(weights) = call.maybe("2")? {
        arguments.push(("weight", weights.into()));
    }
    let value = torch_tensor(lower, call, name, arguments)?;
    Ok(match call.results {
        1 => value.into(),
        _ => {
            let x = call.tensor("0")?;
            let log =
                torch_tensor(lower, call, "log_softmax", vec![("self", x.into()), ("dim", Value::Int(1))])?;
            Value::List(vec![value.into(), log.into()])
        }
    })
}
