//! Functions of each number, and of pairs of them with broadcasting.

use super::{listed, torch, torch_tensor};
use crate::autodiff::curves::{Clamp, ScaledElu};
use crate::autodiff::primitives::Compare;
use crate::base::Result;
use crate::nn::activations::{Relu, Sigmoid};
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::onnx::numbers;
use crate::nn::graph::operators::Operator;
use crate::nn::graph::operators::arithmetic::compared;
use crate::nn::graph::operators::kinds::cast;
use crate::nn::graph::value::{Tensor, Value};
use crate::nn::layout::Role;

pub const OPERATORS: &[Operator] = &[
    ("Abs", |l, c| of_one(l, c, "abs")),
    ("Add", |l, c| of_two(l, c, "add")),
    ("And", |l, c| of_two(l, c, "logical_and")),
    ("Atan", |l, c| of_one(l, c, "atan")),
    ("Cast", cast_to),
    ("CastLike", cast_like),
    ("Ceil", |l, c| of_one(l, c, "ceil")),
    ("Celu", |l, c| scaled(l, c, "celu", &[("alpha", "alpha", 1.0)])),
    ("Clip", clip),
    ("Cos", |l, c| of_one(l, c, "cos")),
    ("Cosh", |l, c| of_one(l, c, "cosh")),
    ("Div", divide),
    ("Dropout", dropout),
    ("Elu", |l, c| scaled(l, c, "elu", &[("alpha", "alpha", 1.0)])),
    ("Equal", |l, c| of_two(l, c, "eq")),
    ("Erf", |l, c| of_one(l, c, "erf")),
    ("Exp", |l, c| of_one(l, c, "exp")),
    ("Floor", |l, c| of_one(l, c, "floor")),
    ("Gelu", gelu),
    ("Greater", |l, c| of_two(l, c, "gt")),
    ("GreaterOrEqual", |l, c| of_two(l, c, "ge")),
    ("HardSigmoid", hard_sigmoid),
    ("HardSwish", |l, c| of_one(l, c, "hardswish")),
    ("Identity", |_, c| Ok(c.need("0")?.clone())),
    ("IsInf", |l, c| of_one(l, c, "isinf")),
    ("IsNaN", |l, c| of_one(l, c, "isnan")),
    ("LeakyRelu", |l, c| scaled(l, c, "leaky_relu", &[("alpha", "negative_slope", 0.01)])),
    ("Less", |l, c| of_two(l, c, "lt")),
    ("LessOrEqual", |l, c| of_two(l, c, "le")),
    ("Log", |l, c| of_one(l, c, "log")),
    ("Max", |l, c| of_many(l, c, "maximum")),
    ("Mean", mean),
    ("Min", |l, c| of_many(l, c, "minimum")),
    ("Mish", |l, c| of_one(l, c, "mish")),
    ("Mod", modulo),
    ("Mul", |l, c| of_two(l, c, "mul")),
    ("Neg", |l, c| of_one(l, c, "neg")),
    ("Not", |l, c| of_one(l, c, "logical_not")),
    ("Or", |l, c| of_two(l, c, "logical_or")),
    ("PRelu", prelu),
    ("Pow", pow),
    ("Reciprocal", |l, c| of_one(l, c, "reciprocal")),
    ("Relu", |l, c| of_one(l, c, "relu")),
    ("Round", |l, c| of_one(l, c, "round")),
    ("Selu", selu),
    ("Shrink", shrink),
    ("Sigmoid", |l, c| of_one(l, c, "sigmoid")),
    ("Sign", |l, c| of_one(l, c, "sign")),
    ("Sin", |l, c| of_one(l, c, "sin")),
    ("Sinh", |l, c| of_one(l, c, "sinh")),
    ("Softplus", |l, c| scaled(l, c, "softplus", &[])),
    ("Softsign", |l, c| of_one(l, c, "softsign")),
    ("Sqrt", |l, c| of_one(l, c, "sqrt")),
    ("Sub", |l, c| of_two(l, c, "sub")),
    ("Sum", |l, c| of_many(l, c, "add")),
    ("Swish", swish),
    ("Tan", |l, c| of_one(l, c, "tan")),
    ("Tanh", |l, c| of_one(l, c, "tanh")),
    ("ThresholdedRelu", thresholded),
    ("Where", choose),
    ("Xor", |l, c| of_two(l, c, "logical_xor")),
    ("ai.onnx.ml.Scaler", scaler),
];

fn of_one(lower: &mut Lowering, call: &Call, name: &'static str) -> Result<Value> {
    let t = call.tensor("0")?;
    torch(lower, call, name, vec![("self", t.into())])
}

fn of_two(lower: &mut Lowering, call: &Call, name: &'static str) -> Result<Value> {
    let (a, b) = (call.tensor("0")?, call.tensor("1")?);
    if name == "add" && b.rank() == 1 {
        lower.used(&b, Role::Bias, 0);
    } else if name == "add" && a.rank() == 1 {
        lower.used(&a, Role::Bias, 0);
    }
    torch(lower, call, name, vec![("self", a.into()), ("other", b.into())])
}

/// Two at a time, from the first on.
fn of_many(lower: &mut Lowering, call: &Call, name: &'static str) -> Result<Value> {
    let all = call.tensors("inputs")?;
    let mut all = all.into_iter();
    let Some(mut so_far) = all.next() else { return Err(call.refuse("tensors", "none")) };
    for t in all {
        so_far = torch_tensor(lower, call, name, vec![("self", so_far.into()), ("other", t.into())])?;
    }
    Ok(so_far.into())
}

fn mean(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let count = call.tensors("inputs")?.len();
    let sum = of_many(lower, call, "add")?;
    Ok(match sum.tensor() {
        Some(sum) => lower.scale(&sum, 1.0 / count as f64).into(),
        None => sum,
    })
}

/// A function with settings, by ONNX' names, torch's and ONNX' defaults.
fn scaled(
    lower: &mut Lowering,
    call: &Call,
    name: &'static str,
    settings: &[(&str, &'static str, f64)],
) -> Result<Value> {
    let mut arguments = vec![("self", call.tensor("0")?.into())];
    for (own, torchs, default) in settings {
        arguments.push((torchs, Value::Float(call.float_or(own, *default)?)));
    }
    torch(lower, call, name, arguments)
}

fn selu(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let alpha = call.float_or("alpha", 1.673_263_192_176_818_8)?;
    let scale = call.float_or("gamma", 1.050_701_022_148_132_3)?;
    let t = call.tensor("0")?;
    Ok(lower.map(&t, ScaledElu { alpha, scale, input_scale: 1.0 }).into())
}

fn gelu(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let approximate = Value::Text(call.text("approximate").unwrap_or("none").to_owned());
    torch(lower, call, "gelu", vec![("self", call.tensor("0")?.into()), ("approximate", approximate)])
}

/// max(0, min(1, a x + b)).
fn hard_sigmoid(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = lower.scale(&call.tensor("0")?, call.float_or("alpha", 0.2)?);
    let t = lower.shift(&t, call.float_or("beta", 0.5)?);
    Ok(lower.map(&t, Clamp { low: 0.0, high: 1.0, open: true }).into())
}

/// x sigmoid(a x).
fn swish(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("0")?;
    let gate = lower.scale(&t, call.float_or("alpha", 1.0)?);
    let gate = lower.map(&gate, Sigmoid);
    Ok(lower.multiply(&t, &gate)?.into())
}

/// max(x, 0) + a min(x, 0), with slopes that broadcast.
fn prelu(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, slope) = (call.tensor("0")?, call.tensor("1")?);
    lower.used(&slope, Role::NormScale, 0);
    let below = lower.map(&t, Clamp { low: f64::NEG_INFINITY, high: 0.0, open: true });
    let above = lower.map(&t, Relu);
    let part = lower.multiply(&below, &slope)?;
    Ok(lower.add(&above, &part)?.into())
}

/// x where it is above a threshold, else 0.
fn thresholded(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, alpha) = (call.tensor("0")?, call.float_or("alpha", 1.0)?);
    let mask = compared(lower, &t, &Tensor::number(alpha, Dtype::Float), Compare::Greater)?;
    Ok(lower.select(&mask, &t, &Tensor::number(0.0, Dtype::Float))?.into())
}

/// x + bias below -lambda, x - bias above lambda, 0 between.
fn shrink(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, lambda, bias) = (call.tensor("0")?, call.float_or("lambd", 0.5)?, call.float_or("bias", 0.0)?);
    let number = |x: f64| Tensor::number(x, Dtype::Float);
    let above = compared(lower, &t, &number(lambda), Compare::Greater)?;
    let below = compared(lower, &t, &number(-lambda), Compare::Less)?;
    let (less, more) = (lower.shift(&t, -bias), lower.shift(&t, bias));
    let part = lower.select(&below, &more, &number(0.0))?;
    Ok(lower.select(&above, &less, &part)?.into())
}

/// Held between two bounds, which older versions have as settings.
fn clip(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let mut arguments = vec![("self", call.tensor("0")?.into())];
    for (torchs, place) in [("min", "1"), ("max", "2")] {
        let given = [torchs, place].into_iter().find(|name| call.get(name).is_some());
        if let Some(name) = given {
            arguments.push((torchs, call.tensor(name)?.into()));
        }
    }
    torch(lower, call, "clamp", arguments)
}

/// Whole numbers are divided towards 0.
fn divide(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = (call.tensor("0")?, call.tensor("1")?);
    let whole = a.dtype != Dtype::Float && b.dtype != Dtype::Float;
    let mut arguments = vec![("self", a.into()), ("other", b.into())];
    if whole {
        arguments.push(("rounding_mode", Value::Text("trunc".to_owned())));
    }
    torch(lower, call, "div", arguments)
}

/// The rest has the sign of the divisor, or that of the dividend.
fn modulo(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let name = if call.flag("fmod", false)? { "fmod" } else { "remainder" };
    of_two(lower, call, name)
}

fn pow(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = (call.tensor("0")?, call.tensor("1")?);
    let dtype = a.dtype;
    let power = torch_tensor(lower, call, "pow", vec![("self", a.into()), ("exponent", b.into())])?;
    Ok(cast(lower, &power, dtype)?.into())
}

fn choose(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (mask, a, b) = (call.tensor("0")?, call.tensor("1")?, call.tensor("2")?);
    Ok(lower.select(&mask, &a, &b)?.into())
}

fn cast_to(lower: &mut Lowering, call: &Call) -> Result<Value> {
    call.get("saturate");
    call.get("round_mode");
    let t = call.tensor("0")?;
    let kind = u64::try_from(call.int("to")?).unwrap_or(0);
    let stored = numbers::known(&call.at(), kind)?;
    Ok(cast(lower, &t, stored.dtype())?.into())
}

fn cast_like(lower: &mut Lowering, call: &Call) -> Result<Value> {
    call.get("saturate");
    call.get("round_mode");
    let (t, other) = (call.tensor("0")?, call.tensor("1")?);
    Ok(cast(lower, &t, other.dtype)?.into())
}

/// Off wherever a landscape is looked at.
fn dropout(_: &mut Lowering, call: &Call) -> Result<Value> {
    for name in ["ratio", "seed", "1", "2"] {
        call.get(name);
    }
    let t = call.tensor("0")?;
    Ok(match call.results {
        1 => t.into(),
        n => Value::List(std::iter::once(t.into()).chain(std::iter::repeat_n(Value::None, n - 1)).collect()),
    })
}

/// (x - offset) scale, of each feature.
fn scaler(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("0")?;
    let numbers = |name: &str| -> Result<Option<Tensor>> {
        let Some(value) = call.get(name) else { return Ok(None) };
        let Value::List(all) = value else { return Err(call.refuse("numbers", value.what())) };
        let all: Vec<f64> =
            all.iter().filter_map(|v| if let Value::Float(x) = v { Some(*x) } else { None }).collect();
        Ok((!all.is_empty()).then(|| Tensor::known(&[all.len()], Dtype::Float, all)))
    };
    let mut x = cast(lower, &t, Dtype::Float)?;
    if let Some(offset) = numbers("offset")? {
        x = lower.subtract(&x, &offset)?;
    }
    if let Some(scale) = numbers("scale")? {
        x = lower.multiply(&x, &scale)?;
    }
    listed(call, "axes", "axes")?;
    Ok(x.into())
}
