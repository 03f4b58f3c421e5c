//! Activations.

use super::Operator;
use crate::autodiff::curves::{
    Clamp, GeluTanh, HardSigmoid, HardSwish, LogSigmoid, ScaledElu, ScaledSoftplus,
};
use crate::autodiff::primitives::Compare;
use crate::autodiff::primitives::map::Curve;
use crate::base::Result;
use crate::nn::activations::{Gelu, LeakyRelu, Mish, Relu, Sigmoid, Silu, Softsign, Tanh};
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};
use crate::nn::layout::Role;

pub const OPERATORS: &[Operator] = &[
    ("relu", |l, c| unary(l, c, Relu)),
    ("relu6", |l, c| unary(l, c, Clamp { low: 0.0, high: 6.0, open: true })),
    ("leaky_relu", leaky_relu),
    ("tanh", |l, c| unary(l, c, Tanh)),
    ("sigmoid", |l, c| unary(l, c, Sigmoid)),
    ("gelu", gelu),
    ("silu", |l, c| unary(l, c, Silu)),
    ("mish", |l, c| unary(l, c, Mish)),
    ("softplus", softplus),
    ("softsign", |l, c| unary(l, c, Softsign)),
    ("elu", elu),
    ("celu", celu),
    ("selu", |l, c| unary(l, c, ScaledElu { alpha: SELU.0, scale: SELU.1, input_scale: 1.0 })),
    ("hardtanh", hardtanh),
    ("hardsigmoid", |l, c| unary(l, c, HardSigmoid)),
    ("hardswish", |l, c| unary(l, c, HardSwish)),
    ("log_sigmoid", |l, c| unary(l, c, LogSigmoid)),
    ("logsigmoid", |l, c| unary(l, c, LogSigmoid)),
    ("tanhshrink", tanhshrink),
    ("softshrink", |l, c| shrink(l, c, true)),
    ("hardshrink", |l, c| shrink(l, c, false)),
    ("threshold", threshold),
    ("prelu", prelu),
    ("rrelu", rrelu),
    ("glu", glu),
    ("softmax", softmax),
    ("_softmax", softmax),
    ("log_softmax", log_softmax),
    ("_log_softmax", log_softmax),
    ("softmin", softmin),
];

/// alpha and scale of SELU, as torch has them.
const SELU: (f64, f64) = (1.673_263_242_354_377_2, 1.050_700_987_355_480_5);

/// The argument, whatever it is called.
/// The argument; the kind of floating numbers that an operator is asked to work in is that of all of them.
fn input(call: &Call) -> Result<Tensor> {
    call.dtype(Dtype::Float)?;
    call.tensor(if call.get("self").is_some() { "self" } else { "input" })
}

fn unary(
    lower: &mut Lowering,
    call: &Call,
    curve: impl Curve + PartialEq + Clone + 'static,
) -> Result<Value> {
    let t = input(call)?;
    Ok(lower.map(&t, curve).into())
}

fn leaky_relu(lower: &mut Lowering, call: &Call) -> Result<Value> {
    unary(lower, call, LeakyRelu { slope: call.float_or("negative_slope", 0.01)? })
}

/// Outside training the slope is the mean of the bounds.
fn rrelu(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let bounds = (call.float_or("lower", 1.0 / 8.0)?, call.float_or("upper", 1.0 / 3.0)?);
    unary(lower, call, LeakyRelu { slope: (bounds.0 + bounds.1) / 2.0 })
}

fn gelu(lower: &mut Lowering, call: &Call) -> Result<Value> {
    match call.text("approximate") {
        None | Some("none") => unary(lower, call, Gelu),
        Some("tanh") => unary(lower, call, GeluTanh),
        Some(_) => Err(call.refuse("an approximation of none or tanh", "another")),
    }
}

fn softplus(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (beta, threshold) = (call.float_or("beta", 1.0)?, call.float_or("threshold", 20.0)?);
    unary(lower, call, ScaledSoftplus { beta, threshold })
}

fn elu(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (alpha, scale) = (call.float_or("alpha", 1.0)?, call.float_or("scale", 1.0)?);
    unary(lower, call, ScaledElu { alpha, scale, input_scale: call.float_or("input_scale", 1.0)? })
}

fn celu(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let alpha = call.float_or("alpha", 1.0)?;
    unary(lower, call, ScaledElu { alpha, scale: 1.0, input_scale: 1.0 / alpha })
}

fn hardtanh(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (low, high) = (call.float_or("min_val", -1.0)?, call.float_or("max_val", 1.0)?);
    unary(lower, call, Clamp { low, high, open: true })
}

fn tanhshrink(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = input(call)?;
    let squashed = lower.map(&t, Tanh);
    Ok(lower.subtract(&t, &squashed)?.into())
}

/// x less its part within the bounds, or x where it is beyond them.
fn shrink(lower: &mut Lowering, call: &Call, soft: bool) -> Result<Value> {
    let (t, lambda) = (input(call)?, call.float_or("lambd", 0.5)?);
    if soft {
        let inner = lower.map(&t, Clamp { low: -lambda, high: lambda, open: false });
        return Ok(lower.subtract(&t, &inner)?.into());
    }
    let size = lower.map(&t, crate::autodiff::curves::Abs);
    let bound = Tensor::number(lambda, Dtype::Float);
    let mask = super::arithmetic::compared(lower, &size, &bound, Compare::Greater)?;
    Ok(lower.select(&mask, &t, &Tensor::number(0.0, Dtype::Float))?.into())
}

fn threshold(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, bound, value) = (input(call)?, call.tensor("threshold")?, call.tensor("value")?);
    let mask = super::arithmetic::compared(lower, &t, &bound, Compare::Greater)?;
    Ok(lower.select(&mask, &t, &value)?.into())
}

/// max(x, 0) + a min(x, 0), a number a or one for each channel: x + (a - 1) min(x, 0).
fn prelu(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, weight) = (input(call)?, call.tensor("weight")?);
    lower.used(&weight, Role::NormScale, 0);
    let mut shape = vec![1; t.rank()];
    match (weight.size(), t.shape.get(1)) {
        (1, _) => {}
        (n, Some(channels)) if n == *channels => shape[1] = n,
        (n, _) => return Err(call.refuse("a slope for each channel", n)),
    }
    let weight = lower.reshape(&weight, &shape)?;
    let below = lower.map(&t, Clamp { low: f64::NEG_INFINITY, high: 0.0, open: true });
    let above = lower.map(&t, Relu);
    let part = lower.multiply(&below, &weight)?;
    Ok(lower.add(&above, &part)?.into())
}

fn glu(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = input(call)?;
    let axis = call.axis(call.int_or("dim", -1)?, t.rank())?;
    let half = t.shape[axis] / 2;
    if half * 2 != t.shape[axis] || half == 0 {
        return Err(call.refuse("an even length", t.shape[axis]));
    }
    let (a, b) = (lower.slice(&t, axis, 0, half, 1)?, lower.slice(&t, axis, half, half, 1)?);
    let gate = lower.map(&b, Sigmoid);
    Ok(lower.multiply(&a, &gate)?.into())
}

/// Softmax along the last axis.
pub fn softmax_last(lower: &mut Lowering, t: &Tensor) -> Tensor {
    let node = lower.rows(t);
    let node = lower.tape.softmax(node);
    lower.of(node, &t.shape, Dtype::Float)
}

fn softmax(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = input(call)?;
    let axis = call.axis(call.int("dim")?, t.rank())?;
    let last = lower.axis_last(&t, axis)?;
    let p = softmax_last(lower, &last);
    Ok(lower.last_to(&p, axis)?.into())
}

fn softmin(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = input(call)?;
    let axis = call.axis(call.int("dim")?, t.rank())?;
    let negative = lower.scale(&t, -1.0);
    let last = lower.axis_last(&negative, axis)?;
    let p = softmax_last(lower, &last);
    Ok(lower.last_to(&p, axis)?.into())
}

/// ln sum exp along the last axis, which is dropped to length 1.
pub fn log_sum_exp_last(lower: &mut Lowering, t: &Tensor) -> Tensor {
    let node = lower.rows(t);
    let node = lower.tape.log_sum_exp(node);
    let mut shape = t.shape.clone();
    if let Some(last) = shape.last_mut() {
        *last = 1;
    }
    lower.of(node, &shape, Dtype::Float)
}

fn log_softmax(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = input(call)?;
    let axis = call.axis(call.int("dim")?, t.rank())?;
    let last = lower.axis_last(&t, axis)?;
    let sum = log_sum_exp_last(lower, &last);
    let p = lower.subtract(&last, &sum)?;
    Ok(lower.last_to(&p, axis)?.into())
}
