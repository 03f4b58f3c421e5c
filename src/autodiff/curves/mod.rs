//! Functions of one number that norms, losses and imported networks are made of, to be recorded with
//! [`Tape::map`](super::Tape::map).

mod activations;
mod elementary;

use super::Element;
use super::primitives::map::{Curve, Scalar};
pub use activations::{Clamp, GeluTanh, HardSigmoid, HardSwish, LogSigmoid, ScaledElu, ScaledSoftplus};
pub use elementary::{
    Abs, Atan, Ceil, Cos, Cosh, Erf, Exp, ExpM1, Exponential, Floor, Log, Log1p, Power, Round, Sign, Sin,
    Sinh, Sqrt, Square, Tan, Trunc,
};
use std::ops::Range;
use std::sync::Arc;

/// A curve to try, an interval on which its derivatives are defined, and the places within where they jump.
pub type Example = (Arc<dyn Curve>, Range<f64>, Vec<f64>);

/// Every curve here, for the conformance tests.
pub fn examples() -> Vec<Example> {
    fn on<S: Scalar>(curve: S, range: Range<f64>, kinks: &[f64]) -> Example {
        (Arc::new(curve), range, kinks.to_vec())
    }
    let power = |exponent, range| on(Power { exponent }, range, &[]);
    let whole: [f64; 9] = std::array::from_fn(|i| i as f64 - 4.0);
    let halves: [f64; 8] = std::array::from_fn(|i| i as f64 - 3.5);
    vec![
        on(InverseSqrt { eps: 1e-5 }, 0.1..4.0, &[]),
        on(Reciprocal, 0.1..4.0, &[]),
        on(Exp, -5.0..5.0, &[]),
        on(ExpM1, -5.0..5.0, &[]),
        on(Log, 0.1..5.0, &[]),
        on(Log1p, -0.9..5.0, &[]),
        on(Sqrt, 0.1..5.0, &[]),
        on(Square, -5.0..5.0, &[]),
        on(Sin, -50.0..50.0, &[]),
        on(Cos, -50.0..50.0, &[]),
        on(Tan, -1.2..1.2, &[]),
        on(Atan, -5.0..5.0, &[]),
        on(Sinh, -3.0..3.0, &[]),
        on(Cosh, -3.0..3.0, &[]),
        on(Erf, -4.0..4.0, &[]),
        on(Exponential { base: 2.0 }, -5.0..5.0, &[]),
        power(0.0, -2.0..2.0),
        power(0.5, 0.1..2.0),
        power(1.0, -2.0..2.0),
        power(1.5, 0.1..2.0),
        power(2.0, -2.0..2.0),
        power(3.0, -2.0..2.0),
        power(5.0, -2.0..2.0),
        power(-2.0, 0.2..2.0),
        power(2.7, 0.1..2.0),
        on(Abs, -4.0..4.0, &[0.0]),
        on(Sign, -4.0..4.0, &[0.0]),
        on(Floor, -4.0..4.0, &whole),
        on(Ceil, -4.0..4.0, &whole),
        on(Trunc, -4.0..4.0, &whole),
        on(Round, -4.0..4.0, &halves),
        on(Clamp { low: -1.0, high: 2.0, open: false }, -4.0..4.0, &[-1.0, 2.0]),
        on(Clamp { low: 0.0, high: 6.0, open: true }, -4.0..8.0, &[0.0, 6.0]),
        on(HardSigmoid, -5.0..5.0, &[-3.0, 3.0]),
        on(HardSwish, -5.0..5.0, &[-3.0, 3.0]),
        on(ScaledSoftplus { beta: 2.0, threshold: 3.0 }, -5.0..5.0, &[1.5]),
        on(LogSigmoid, -20.0..20.0, &[]),
        on(GeluTanh, -8.0..8.0, &[]),
        on(ScaledElu { alpha: 1.7, scale: 1.05, input_scale: 0.7 }, -5.0..5.0, &[0.0]),
    ]
}

/// 1 / sqrt(x + eps), for x + eps > 0: what a norm multiplies by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InverseSqrt {
    /// Added to x, so that a variance of zero divides nothing by zero.
    pub eps: f64,
}

impl Scalar for InverseSqrt {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        E::ONE / (x + E::from_f64(self.eps)).sqrt()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let x = x + E::from_f64(self.eps);
        E::from_f64(-0.5) / (x * x.sqrt())
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let x = x + E::from_f64(self.eps);
        E::from_f64(0.75) / (x * x * x.sqrt())
    }
}

/// 1 / x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reciprocal;

impl Scalar for Reciprocal {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        E::ONE / x
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        -E::ONE / (x * x)
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        E::from_f64(2.0) / (x * x * x)
    }
}
