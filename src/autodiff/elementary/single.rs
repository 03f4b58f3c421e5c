//! The elementary functions in f32.

use super::double;

/// e^x.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    double::exp(f64::from(x)) as f32
}

/// e^x - 1.
#[inline(always)]
pub fn exp_m1(x: f32) -> f32 {
    double::exp_m1(f64::from(x)) as f32
}

/// ln x.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    double::ln(f64::from(x)) as f32
}

/// ln(1 + x).
#[inline(always)]
pub fn ln_1p(x: f32) -> f32 {
    double::ln_1p(f64::from(x)) as f32
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    double::tanh(f64::from(x)) as f32
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    double::sigmoid(f64::from(x)) as f32
}

/// ln(1 + e^x).
#[inline(always)]
pub fn softplus(x: f32) -> f32 {
    double::softplus(f64::from(x)) as f32
}

/// The error function.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    double::erf(f64::from(x)) as f32
}

/// The standard normal distribution function.
#[inline(always)]
pub fn normal_cdf(x: f32) -> f32 {
    double::normal_cdf(f64::from(x)) as f32
}

/// The standard normal density.
#[inline(always)]
pub fn normal_pdf(x: f32) -> f32 {
    double::normal_pdf(f64::from(x)) as f32
}
