//! Norms of signals and of weights.

use super::Operator;
use crate::autodiff::Shape;
use crate::autodiff::curves::{InverseSqrt, Power, Sqrt, Square};
use crate::autodiff::primitives::Primitive;
use crate::base::Result;
use crate::nn::graph::algebra::image_sizes;
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Data, Tensor, Value};
use crate::nn::layout::Role;
use crate::nn::recorder::{Follow, Mode};

pub const OPERATORS: &[Operator] = &[
    ("batch_norm", batch_norm),
    ("layer_norm", layer_norm),
    ("native_layer_norm", layer_norm),
    ("group_norm", group_norm),
    ("instance_norm", instance_norm),
    ("rms_norm", rms_norm),
    ("local_response_norm", local_response_norm),
    ("_weight_norm", weight_norm),
    ("_weight_norm_interface", weight_norm),
];

/// The argument, whatever it is called.
fn input(call: &Call) -> Result<Tensor> {
    call.tensor(if call.get("input").is_some() { "input" } else { "self" })
}

/// Scale and shift as parameters of a norm, reshaped to broadcast.
fn affine(lower: &mut Lowering, call: &Call, x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let mut x = x.clone();
    for (name, role) in [("weight", Role::NormScale), ("bias", Role::NormShift)] {
        let Some(parameter) = call.maybe(name)? else { continue };
        lower.used(&parameter, role, 0);
        let parameter = lower.reshape(&parameter, shape)?;
        x = match role {
            Role::NormScale => lower.multiply(&x, &parameter)?,
            _ => lower.add(&x, &parameter)?,
        };
    }
    Ok(x)
}

/// The shape of a number for each channel.
fn channels(x: &Tensor) -> Vec<usize> {
    let mut shape = vec![1; x.rank()];
    shape[1] = x.shape[1];
    shape
}

/// Over samples and positions, or with running statistics, as the mode says: not as the graph was exported.
fn batch_norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let x = input(call)?;
    if x.rank() < 2 {
        return Err(call.refuse("samples x channels", format!("shape {:?}", x.shape)));
    }
    let (mean, variance) = (call.maybe("running_mean")?, call.maybe("running_var")?);
    let eps = call.float_or("eps", 1e-5)?;
    let shape = channels(&x);
    if [&mean, &variance].into_iter().flatten().any(|t| t.size() != x.shape[1]) {
        return Err(call.refuse(format!("statistics of {} channels", x.shape[1]), "others"));
    }
    lower.couples = true;
    lower.single_values |= x.shape[2..].iter().product::<usize>() < 2;
    let running = lower.mode == Mode::Running;
    let normed = match (running, &mean, &variance) {
        (true, Some(mean), Some(variance)) => {
            let (mean, variance) = (lower.reshape(mean, &shape)?, lower.reshape(variance, &shape)?);
            let scale = lower.map(&variance, InverseSqrt { eps });
            let away = lower.subtract(&x, &mean)?;
            lower.multiply(&away, &scale)?
        }
        _ => {
            let node = lower.image(&x);
            let cols = lower.tape.shape(node).cols;
            follow(lower, call, node, mean.as_ref(), variance.as_ref())?;
            let node = lower.tape.standardize(node, 1, cols, eps);
            lower.of_image(node, &x.shape, Dtype::Float)
        }
    };
    let y = affine(lower, call, &normed, &shape)?;
    Ok(match call.results {
        1 => y.into(),
        n => Value::List(std::iter::once(y.into()).chain(std::iter::repeat_n(Value::None, n - 1)).collect()),
    })
}

/// Says that running statistics follow those of the samples at hand.
fn follow(
    lower: &mut Lowering,
    call: &Call,
    node: crate::autodiff::Node,
    mean: Option<&Tensor>,
    variance: Option<&Tensor>,
) -> Result<()> {
    let cols = lower.tape.shape(node).cols;
    let momentum = call.float_or("momentum", 0.1)?;
    let state = |lower: &Lowering, t: Option<&Tensor>| match t.map(|t| &t.data) {
        Some(Data::Rows(node)) => match lower.tape.record(lower.tape.root(*node)).op {
            Primitive::State(offset) => lower.states.iter().position(|start| *start == offset),
            _ => None,
        },
        _ => None,
    };
    let found = [state(lower, mean), state(lower, variance)];
    let unbiased = cols as f64 / (cols.max(2) - 1) as f64;
    for (buffer, second) in found.into_iter().zip([false, true]) {
        let Some(buffer) = buffer else { continue };
        let (node, factor) = if second {
            (lower.tape.variance(node, 1, cols), unbiased)
        } else {
            (lower.tape.block_mean(node, 1, cols), 1.0)
        };
        lower.follows.push(Follow { buffer, node, momentum, factor });
    }
    Ok(())
}

/// Mean 0 and variance 1 of each run of `rows` neighbouring numbers.
fn standardized(lower: &mut Lowering, x: &Tensor, rows: usize, eps: f64) -> Tensor {
    let node = lower.rows(x);
    let node = lower.tape.reshape(node, Shape::new(rows, x.size() / rows));
    let node = lower.tape.standardize(node, rows, 1, eps);
    lower.of(node, &x.shape, Dtype::Float)
}

/// The last axes that a norm is over; refuses others.
fn normalized(call: &Call, x: &Tensor) -> Result<Vec<usize>> {
    let shape = call.sizes("normalized_shape")?;
    if !shape.is_empty() && x.shape.ends_with(&shape) {
        Ok(shape)
    } else {
        Err(call.refuse(format!("the last lengths of {:?}", x.shape), format!("{shape:?}")))
    }
}

fn layer_norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let x = input(call)?;
    let shape = normalized(call, &x)?;
    let normed = standardized(lower, &x, shape.iter().product(), call.float_or("eps", 1e-5)?);
    let y = affine(lower, call, &normed, &shape)?;
    Ok(match call.results {
        1 => y.into(),
        n => Value::List(std::iter::once(y.into()).chain(std::iter::repeat_n(Value::None, n - 1)).collect()),
    })
}

fn rms_norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let x = input(call)?;
    let shape = normalized(call, &x)?;
    // torch's default is the smallest step from 1 in the inputs' type.
    let eps = call.float_or("eps", f64::from(f32::EPSILON))?;
    let squares = lower.map(&x, Square);
    let axes: Vec<usize> = (x.rank() - shape.len()..x.rank()).collect();
    let mean = lower.mean(&squares, &axes, true)?;
    let scale = lower.map(&mean, InverseSqrt { eps });
    let normed = lower.multiply(&x, &scale)?;
    Ok(affine(lower, call, &normed, &shape)?.into())
}

fn group_norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let x = input(call)?;
    let groups = usize::try_from(call.int("num_groups")?).unwrap_or(0);
    if x.rank() < 2 || groups == 0 || x.shape[1] % groups != 0 {
        return Err(
            call.refuse("groups that divide the channels", format!("{groups} of shape {:?}", x.shape))
        );
    }
    let (channels_of, positions, _) = image_sizes(&x.shape);
    let normed = standardized(lower, &x, channels_of / groups * positions, call.float_or("eps", 1e-5)?);
    let shape = channels(&x);
    Ok(affine(lower, call, &normed, &shape)?.into())
}

fn instance_norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let x = input(call)?;
    if x.rank() < 3 {
        return Err(call.refuse("samples x channels x positions", format!("shape {:?}", x.shape)));
    }
    let (eps, shape) = (call.float_or("eps", 1e-5)?, channels(&x));
    let normed = match (
        call.flag("use_input_stats", true)?,
        call.maybe("running_mean")?,
        call.maybe("running_var")?,
    ) {
        (false, Some(mean), Some(variance)) => {
            let (mean, variance) = (lower.reshape(&mean, &shape)?, lower.reshape(&variance, &shape)?);
            let scale = lower.map(&variance, InverseSqrt { eps });
            let away = lower.subtract(&x, &mean)?;
            lower.multiply(&away, &scale)?
        }
        _ => standardized(lower, &x, x.shape[2..].iter().product(), eps),
    };
    Ok(affine(lower, call, &normed, &shape)?.into())
}

/// x / (k + alpha / n sum of squares over n neighbouring channels)^beta.
fn local_response_norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let x = input(call)?;
    let size = usize::try_from(call.int("size")?).unwrap_or(0);
    if x.rank() < 3 || !(1..=1 << 10).contains(&size) {
        return Err(call.refuse("an image and a number of neighbours", format!("shape {:?}", x.shape)));
    }
    let squares = lower.map(&x, Square);
    let (before, after) = (size / 2, (size - 1) / 2);
    let padded = super::padding::padded_axis(
        lower,
        call,
        &squares,
        1,
        [before as i64, after as i64],
        "constant",
        0.0,
    )?;
    let mut sum: Option<Tensor> = None;
    for i in 0..size {
        let part = lower.slice(&padded, 1, i, x.shape[1], 1)?;
        sum = Some(match sum {
            None => part,
            Some(sum) => lower.add(&sum, &part)?,
        });
    }
    let Some(sum) = sum else { return Ok(x.into()) };
    let scaled = lower.scale(&sum, call.float_or("alpha", 1e-4)? / size as f64);
    let raised = lower.shift(&scaled, call.float_or("k", 1.0)?);
    let factor = lower.map(&raised, Power { exponent: -call.float_or("beta", 0.75)? });
    Ok(lower.multiply(&x, &factor)?.into())
}

/// g v / |v|, the length over all axes but one.
fn weight_norm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (v, g) = (call.tensor("v")?, call.tensor("g")?);
    let axis = call.axis(call.int_or("dim", 0)?, v.rank())?;
    lower.used(&v, Role::Weight, axis);
    lower.used(&g, Role::NormScale, 0);
    let axes: Vec<usize> = (0..v.rank()).filter(|a| *a != axis).collect();
    let squares = lower.map(&v, Square);
    let sum = lower.sum(&squares, &axes, true)?;
    let inverse = lower.map(&sum, InverseSqrt { eps: 0.0 });
    let factor = lower.multiply(&g, &inverse)?;
    let weight = lower.multiply(&v, &factor)?;
    Ok(match call.results {
        2 => {
            let norm = lower.map(&sum, Sqrt);
            Value::List(vec![weight.into(), norm.into()])
        }
        _ => weight.into(),
    })
}
