//! Inverse functions, written with those that the tape has.

use super::Operator;
use crate::autodiff::curves::{Abs, Atan, Clamp, InverseSqrt, Log, Log1p, Sign, Sqrt, Square};
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[
    ("asin", |l, c| Ok(arc_sine(l, &c.tensor("self")?)?.into())),
    ("arcsin", |l, c| Ok(arc_sine(l, &c.tensor("self")?)?.into())),
    ("acos", arc_cosine),
    ("arccos", arc_cosine),
    ("asinh", area_sine),
    ("arcsinh", area_sine),
    ("acosh", area_cosine),
    ("arccosh", area_cosine),
    ("atanh", area_tangent),
    ("arctanh", area_tangent),
    ("logit", logit),
];

/// atan(x / sqrt((1 - x)(1 + x))).
fn arc_sine(lower: &mut Lowering, x: &Tensor) -> Result<Tensor> {
    let negative = lower.scale(x, -1.0);
    let (less, more) = (lower.shift(&negative, 1.0), lower.shift(x, 1.0));
    let square = lower.multiply(&less, &more)?;
    let inverse = lower.map(&square, InverseSqrt { eps: 0.0 });
    let slope = lower.multiply(x, &inverse)?;
    Ok(lower.map(&slope, Atan))
}

/// pi/2 - asin x.
fn arc_cosine(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let sine = arc_sine(lower, &call.tensor("self")?)?;
    let negative = lower.scale(&sine, -1.0);
    Ok(lower.shift(&negative, std::f64::consts::FRAC_PI_2).into())
}

/// sgn(x) ln(1 + |x| + x^2 / (1 + sqrt(1 + x^2))).
fn area_sine(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let x = call.tensor("self")?;
    let (size, sign, square) = (lower.map(&x, Abs), lower.map(&x, Sign), lower.map(&x, Square));
    let more = lower.shift(&square, 1.0);
    let root = lower.map(&more, Sqrt);
    let below = lower.shift(&root, 1.0);
    let part = super::arithmetic::quotient(lower, &square, &below)?;
    let sum = lower.add(&size, &part)?;
    let log = lower.map(&sum, Log1p);
    Ok(lower.multiply(&log, &sign)?.into())
}

/// ln(x + sqrt((x - 1)(x + 1))).
fn area_cosine(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let x = call.tensor("self")?;
    let (less, more) = (lower.shift(&x, -1.0), lower.shift(&x, 1.0));
    let square = lower.multiply(&less, &more)?;
    let root = lower.map(&square, Sqrt);
    let sum = lower.add(&x, &root)?;
    Ok(lower.map(&sum, Log).into())
}

/// (ln(1 + x) - ln(1 - x)) / 2.
fn area_tangent(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let x = call.tensor("self")?;
    let negative = lower.scale(&x, -1.0);
    let (above, below) = (lower.map(&x, Log1p), lower.map(&negative, Log1p));
    let gap = lower.subtract(&above, &below)?;
    Ok(lower.scale(&gap, 0.5).into())
}

/// ln x - ln(1 - x), x held within eps of both ends where one is given.
fn logit(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let mut x = call.tensor("self")?;
    if call.get("eps").is_some() {
        let eps = call.float("eps")?;
        x = lower.map(&x, Clamp { low: eps, high: 1.0 - eps, open: false });
    }
    let negative = lower.scale(&x, -1.0);
    let (above, below) = (lower.map(&x, Log), lower.map(&negative, Log1p));
    Ok(lower.subtract(&above, &below)?.into())
}
