//! The elementary functions in f64.

/// e^x.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// e^x - 1.
#[inline(always)]
pub fn exp_m1(x: f64) -> f64 {
    libm::expm1(x)
}

/// ln x.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// ln(1 + x).
#[inline(always)]
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// ln(1 + e^x).
#[inline(always)]
pub fn softplus(x: f64) -> f64 {
    libm::log1p(libm::exp(-x.abs())) + if x > 0.0 { x } else { 0.0 }
}

/// The error function.
#[inline(always)]
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// The standard normal distribution function.
#[inline(always)]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The standard normal density.
#[inline(always)]
pub fn normal_pdf(x: f64) -> f64 {
    libm::exp(-0.5 * x * x) * 0.398_942_280_401_432_7
}
