//! Elementwise arithmetic, comparisons and choices, with numpy's broadcasting.

use super::Operator;
use crate::autodiff::curves::{
    Abs, Atan, Ceil, Clamp, Cos, Cosh, Erf, Exp, ExpM1, Exponential, Floor, InverseSqrt, Log, Log1p, Power,
    Reciprocal, Round, Sign, Sin, Sinh, Sqrt, Square, Tan, Trunc,
};
use crate::autodiff::primitives::Compare;
use crate::base::Result;
use crate::nn::graph::algebra::{common, constant, promoted};
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};
use crate::nn::layout::Role;

pub const OPERATORS: &[Operator] = &[
    ("add", add),
    ("sub", sub),
    ("subtract", sub),
    ("rsub", rsub),
    ("mul", mul),
    ("multiply", mul),
    ("div", div),
    ("divide", div),
    ("true_divide", div),
    ("floor_divide", floor_divide),
    ("remainder", remainder),
    ("fmod", fmod),
    ("neg", neg),
    ("negative", neg),
    ("abs", |l, c| unary(l, c, Abs)),
    ("sign", |l, c| unary(l, c, Sign)),
    ("sgn", |l, c| unary(l, c, Sign)),
    ("exp", |l, c| unary(l, c, Exp)),
    ("exp2", |l, c| unary(l, c, Exponential { base: 2.0 })),
    ("expm1", |l, c| unary(l, c, ExpM1)),
    ("log", |l, c| unary(l, c, Log)),
    ("log1p", |l, c| unary(l, c, Log1p)),
    ("log2", |l, c| scaled(l, c, Log, 1.0 / std::f64::consts::LN_2)),
    ("log10", |l, c| scaled(l, c, Log, 1.0 / std::f64::consts::LN_10)),
    ("sqrt", |l, c| unary(l, c, Sqrt)),
    ("rsqrt", |l, c| unary(l, c, InverseSqrt { eps: 0.0 })),
    ("reciprocal", |l, c| unary(l, c, Reciprocal)),
    ("square", |l, c| unary(l, c, Square)),
    ("sin", |l, c| unary(l, c, Sin)),
    ("cos", |l, c| unary(l, c, Cos)),
    ("tan", |l, c| unary(l, c, Tan)),
    ("atan", |l, c| unary(l, c, Atan)),
    ("arctan", |l, c| unary(l, c, Atan)),
    ("sinh", |l, c| unary(l, c, Sinh)),
    ("cosh", |l, c| unary(l, c, Cosh)),
    ("erf", |l, c| unary(l, c, Erf)),
    ("erfc", erfc),
    ("floor", |l, c| unary(l, c, Floor)),
    ("ceil", |l, c| unary(l, c, Ceil)),
    ("round", |l, c| unary(l, c, Round)),
    ("trunc", |l, c| unary(l, c, Trunc)),
    ("fix", |l, c| unary(l, c, Trunc)),
    ("pow", pow),
    ("float_power", pow),
    ("clamp", clamp),
    ("clip", clamp),
    ("clamp_min", clamp),
    ("clamp_max", clamp),
    ("maximum", |l, c| extreme(l, c, Compare::GreaterOrEqual)),
    ("minimum", |l, c| extreme(l, c, Compare::LessOrEqual)),
    ("fmax", |l, c| extreme(l, c, Compare::GreaterOrEqual)),
    ("fmin", |l, c| extreme(l, c, Compare::LessOrEqual)),
    ("eq", |l, c| compare(l, c, Compare::Equal)),
    ("ne", |l, c| compare(l, c, Compare::Unequal)),
    ("not_equal", |l, c| compare(l, c, Compare::Unequal)),
    ("lt", |l, c| compare(l, c, Compare::Less)),
    ("less", |l, c| compare(l, c, Compare::Less)),
    ("le", |l, c| compare(l, c, Compare::LessOrEqual)),
    ("less_equal", |l, c| compare(l, c, Compare::LessOrEqual)),
    ("gt", |l, c| compare(l, c, Compare::Greater)),
    ("greater", |l, c| compare(l, c, Compare::Greater)),
    ("ge", |l, c| compare(l, c, Compare::GreaterOrEqual)),
    ("greater_equal", |l, c| compare(l, c, Compare::GreaterOrEqual)),
    ("isnan", isnan),
    ("isinf", isinf),
    ("isfinite", isfinite),
    ("isneginf", isneginf),
    ("logical_not", logical_not),
    ("bitwise_not", logical_not),
    ("logical_and", and),
    ("bitwise_and", and),
    ("__and__", and),
    ("logical_or", or),
    ("bitwise_or", or),
    ("__or__", or),
    ("logical_xor", xor),
    ("bitwise_xor", xor),
    ("__xor__", xor),
    ("where", choose),
    ("masked_fill", masked_fill),
    ("lerp", lerp),
    ("addcmul", addcmul),
    ("addcdiv", addcdiv),
    ("logaddexp", logaddexp),
    ("nan_to_num", nan_to_num),
];

fn both(call: &Call) -> Result<(Tensor, Tensor)> {
    Ok((call.tensor("self")?, call.tensor("other")?))
}

fn unary(
    lower: &mut Lowering,
    call: &Call,
    curve: impl crate::autodiff::primitives::map::Curve + PartialEq + Clone + 'static,
) -> Result<Value> {
    let t = call.tensor(if call.get("self").is_some() { "self" } else { "input" })?;
    let keeps = matches!(call.target, _ if ["abs", "sign", "sgn", "floor", "ceil", "round", "trunc", "square"].contains(&super::name(call.target).0));
    if call.int_or("decimals", 0)? != 0 {
        return Err(call.refuse("rounding to whole numbers", "decimals"));
    }
    let dtype = if keeps { t.dtype } else { Dtype::Float };
    Ok(lower.map(&t, curve).typed(dtype).into())
}

fn scaled(
    lower: &mut Lowering,
    call: &Call,
    curve: impl crate::autodiff::primitives::map::Curve + PartialEq + Clone + 'static,
    c: f64,
) -> Result<Value> {
    let t = lower.map(&call.tensor("self")?, curve);
    Ok(lower.scale(&t, c).into())
}

fn erfc(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = lower.map(&call.tensor("self")?, Erf);
    let t = lower.scale(&t, -1.0);
    Ok(lower.shift(&t, 1.0).into())
}

fn add(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = both(call)?;
    sum(lower, &a, call.float_or("alpha", 1.0)?, &b)
}

fn sum(lower: &mut Lowering, a: &Tensor, c: f64, b: &Tensor) -> Result<Value> {
    let dtype = promoted(a.dtype, b.dtype);
    if let Some(x) = constant(b).filter(|_| b.size() == 1 && b.rank() <= a.rank()) {
        return Ok(lower.shift(a, c * x).typed(dtype).into());
    }
    Ok(lower.add_scaled(a, c, b)?.typed(dtype).into())
}

fn sub(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = both(call)?;
    sum(lower, &a, -call.float_or("alpha", 1.0)?, &b)
}

fn rsub(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = both(call)?;
    let scaled = lower.scale(&a, -call.float_or("alpha", 1.0)?);
    sum(lower, &scaled, 1.0, &b)
}

fn mul(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = both(call)?;
    // A vector of parameters that multiplies something is a scale.
    for (own, other) in [(&a, &b), (&b, &a)] {
        if own.rank() == 1 && other.origin.is_none() {
            lower.used(own, Role::NormScale, 0);
        }
    }
    Ok(lower.multiply(&a, &b)?.into())
}

/// `a / b`.
pub fn quotient(lower: &mut Lowering, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match constant(b).filter(|_| b.size() == 1 && b.rank() <= a.rank()) {
        Some(c) => Ok(lower.scale(a, 1.0 / c).typed(Dtype::Float)),
        None => {
            let inverse = lower.map(b, Reciprocal);
            lower.multiply(a, &inverse)
        }
    }
}

fn div(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = both(call)?;
    match call.text("rounding_mode") {
        None => Ok(quotient(lower, &a, &b)?.into()),
        Some("floor") => divided(lower, &a, &b, true),
        Some("trunc") => divided(lower, &a, &b, false),
        Some(_) => Err(call.refuse("a rounding mode of floor or trunc", "another")),
    }
}

/// A rounded quotient. That of whole numbers is exact: half a unit more in the dividend reaches no further whole number,
/// where a product with an inverse may fall short of one.
fn divided(lower: &mut Lowering, a: &Tensor, b: &Tensor, floor: bool) -> Result<Value> {
    let dtype = promoted(a.dtype, b.dtype);
    if dtype == Dtype::Float {
        let q = quotient(lower, a, b)?;
        return Ok(if floor { lower.map(&q, Floor) } else { lower.map(&q, Trunc) }.into());
    }
    let sign = lower.map(if floor { b } else { a }, Sign);
    let half = lower.scale(&sign, 0.5);
    let raised = lower.add(a, &half)?.typed(Dtype::Float);
    let q = quotient(lower, &raised, b)?;
    Ok(if floor { lower.map(&q, Floor) } else { lower.map(&q, Trunc) }.typed(dtype).into())
}

fn floor_divide(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = both(call)?;
    divided(lower, &a, &b, true)
}

fn rest(lower: &mut Lowering, call: &Call, floor: bool) -> Result<Value> {
    let (a, b) = both(call)?;
    let Value::Tensor(q) = divided(lower, &a, &b, floor)? else { return Ok(Value::None) };
    let part = lower.multiply(&q, &b)?;
    let dtype = promoted(a.dtype, b.dtype);
    Ok(lower.subtract(&a, &part)?.typed(dtype).into())
}

fn remainder(lower: &mut Lowering, call: &Call) -> Result<Value> {
    rest(lower, call, true)
}

fn fmod(lower: &mut Lowering, call: &Call) -> Result<Value> {
    rest(lower, call, false)
}

fn neg(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    Ok(lower.scale(&t, -1.0).into())
}

fn pow(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = (call.tensor("self")?, call.tensor("exponent")?);
    let dtype = promoted(a.dtype, b.dtype);
    if let Some(exponent) = constant(&b).filter(|_| b.size() == 1 && b.rank() <= a.rank()) {
        let t = match exponent {
            2.0 => lower.map(&a, Square),
            0.5 => lower.map(&a, Sqrt),
            -1.0 => lower.map(&a, Reciprocal),
            _ => lower.map(&a, Power { exponent }),
        };
        return Ok(t.typed(dtype).into());
    }
    if let Some(base) = constant(&a).filter(|x| a.size() == 1 && a.rank() <= b.rank() && *x > 0.0) {
        return Ok(lower.map(&b, Exponential { base }).typed(dtype).into());
    }
    // x^y = exp(y ln x), for positive x.
    let log = lower.map(&a, Log);
    let product = lower.multiply(&log, &b)?;
    Ok(lower.map(&product, Exp).typed(dtype).into())
}

fn clamp(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let bound =
        |name: &str, none: f64| call.maybe(name).map(|b| (b.as_ref().map_or(Some(none), constant), b));
    let ((low, least), (high, most)) = (bound("min", f64::NEG_INFINITY)?, bound("max", f64::INFINITY)?);
    if let (Some(low), Some(high)) = (low, high) {
        return Ok(lower.map(&t, Clamp { low, high, open: false }).typed(t.dtype).into());
    }
    let mut t = t;
    if let Some(least) = least {
        t = larger(lower, &t, &least, Compare::GreaterOrEqual)?;
    }
    if let Some(most) = most {
        t = larger(lower, &t, &most, Compare::LessOrEqual)?;
    }
    Ok(t.into())
}

/// `a` where it is in a relation with `b`, else `b`.
fn larger(lower: &mut Lowering, a: &Tensor, b: &Tensor, kind: Compare) -> Result<Tensor> {
    let mask = compared(lower, a, b, kind)?;
    lower.select(&mask, a, b)
}

fn extreme(lower: &mut Lowering, call: &Call, kind: Compare) -> Result<Value> {
    let (a, b) = both(call)?;
    Ok(larger(lower, &a, &b, kind)?.into())
}

/// Truth values of a relation.
pub fn compared(lower: &mut Lowering, a: &Tensor, b: &Tensor, kind: Compare) -> Result<Tensor> {
    let shape = common(&a.shape, &b.shape)?;
    let a = lower.expand(a, &shape)?;
    Ok(lower.pairwise(&a, b, |lower, a, b| lower.tape.compare(kind, a, b))?.typed(Dtype::Bool))
}

fn compare(lower: &mut Lowering, call: &Call, kind: Compare) -> Result<Value> {
    let (a, b) = both(call)?;
    Ok(compared(lower, &a, &b, kind)?.into())
}

fn isnan(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    Ok(compared(lower, &t, &t, Compare::Unequal)?.into())
}

fn isinf(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = lower.map(&call.tensor("self")?, Abs);
    Ok(compared(lower, &t, &Tensor::number(f64::INFINITY, Dtype::Float), Compare::Equal)?.into())
}

fn isneginf(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    Ok(compared(lower, &t, &Tensor::number(f64::NEG_INFINITY, Dtype::Float), Compare::Equal)?.into())
}

fn isfinite(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = lower.map(&call.tensor("self")?, Abs);
    Ok(compared(lower, &t, &Tensor::number(f64::INFINITY, Dtype::Float), Compare::Less)?.into())
}

/// 1 where a number is not 0.
pub fn truth(lower: &mut Lowering, t: &Tensor) -> Result<Tensor> {
    match t.dtype {
        Dtype::Bool => Ok(t.clone()),
        _ => compared(lower, t, &Tensor::number(0.0, Dtype::Float), Compare::Unequal),
    }
}

fn logical_not(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    if super::name(call.target).0 == "bitwise_not" && t.dtype != Dtype::Bool {
        let t = lower.scale(&t, -1.0);
        return Ok(lower.shift(&t, -1.0).into());
    }
    Ok(compared(lower, &t, &Tensor::number(0.0, Dtype::Float), Compare::Equal)?.into())
}

/// Both operands as truth values; refuses the bits of whole numbers.
fn truths(lower: &mut Lowering, call: &Call) -> Result<(Tensor, Tensor)> {
    let (a, b) = both(call)?;
    let logical = super::name(call.target).0.starts_with("logical");
    if !logical && (a.dtype != Dtype::Bool || b.dtype != Dtype::Bool) {
        return Err(call.refuse("truth values", "bits of whole numbers"));
    }
    Ok((truth(lower, &a)?, truth(lower, &b)?))
}

fn and(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = truths(lower, call)?;
    Ok(lower.multiply(&a, &b)?.typed(Dtype::Bool).into())
}

fn or(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = truths(lower, call)?;
    let sum = lower.add(&a, &b)?.typed(Dtype::Int);
    Ok(truth(lower, &sum)?.into())
}

fn xor(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = truths(lower, call)?;
    Ok(compared(lower, &a, &b, Compare::Unequal)?.into())
}

fn choose(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (mask, a, b) = (call.tensor("condition")?, call.tensor("self")?, call.tensor("other")?);
    Ok(lower.select(&mask, &a, &b)?.into())
}

fn masked_fill(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, mask, value) = (call.tensor("self")?, call.tensor("mask")?, call.tensor("value")?);
    let dtype = t.dtype;
    Ok(lower.select(&mask, &value, &t)?.typed(dtype).into())
}

fn lerp(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b, weight) = (call.tensor("self")?, call.tensor("end")?, call.tensor("weight")?);
    let way = lower.subtract(&b, &a)?;
    let part = lower.multiply(&way, &weight)?;
    Ok(lower.add(&a, &part)?.into())
}

fn addcmul(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, a, b) = (call.tensor("self")?, call.tensor("tensor1")?, call.tensor("tensor2")?);
    let product = lower.multiply(&a, &b)?;
    sum(lower, &t, call.float_or("value", 1.0)?, &product)
}

fn addcdiv(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, a, b) = (call.tensor("self")?, call.tensor("tensor1")?, call.tensor("tensor2")?);
    let part = quotient(lower, &a, &b)?;
    sum(lower, &t, call.float_or("value", 1.0)?, &part)
}

/// ln(e^a + e^b) = a + softplus(b - a).
fn logaddexp(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = both(call)?;
    let difference = lower.subtract(&b, &a)?;
    let rest = lower.map(&difference, crate::nn::activations::Softplus);
    Ok(lower.add(&a, &rest)?.into())
}

fn nan_to_num(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("self")?;
    let (nan, high) = (call.float_or("nan", 0.0)?, call.float_or("posinf", f64::from(f32::MAX))?);
    let low = call.float_or("neginf", f64::from(f32::MIN))?;
    let number = |x: f64| Tensor::number(x, Dtype::Float);
    let mut t = t;
    for (limit, replacement) in [(f64::INFINITY, high), (f64::NEG_INFINITY, low)] {
        let mask = compared(lower, &t, &number(limit), Compare::Equal)?;
        t = lower.select(&mask, &number(replacement), &t)?;
    }
    let mask = compared(lower, &t, &t, Compare::Unequal)?;
    Ok(lower.select(&mask, &number(nan), &t)?.into())
}
