//! Activations as PyTorch parametrizes them, beside those by name in `nn::activations`.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

/// x held between two numbers (either may be infinite): `clamp`, with slope 1 at both ends, or, `open`, `hardtanh` and
/// `relu6`, with slope 0 there. f'' is taken as zero everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clamp {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Whether the slope at the ends is 0.
    pub open: bool,
}

impl Scalar for Clamp {
    const PIECEWISE_LINEAR: bool = true;
    const KINKS: &'static [f64] = &[0.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.max(E::from_f64(self.low)).min(E::from_f64(self.high))
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let (low, high) = (E::from_f64(self.low), E::from_f64(self.high));
        let inside = (x > low) & (x < high);
        let at_end = !self.open & ((x == low) | (x == high));
        if inside | at_end { E::ONE } else { E::ZERO }
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, _x: E) -> E {
        E::ZERO
    }
}

/// relu6(x + 3) / 6; f'' is taken as zero everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HardSigmoid;

impl Scalar for HardSigmoid {
    const PIECEWISE_LINEAR: bool = true;
    const KINKS: &'static [f64] = &[-3.0, 3.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        let six = E::from_f64(6.0);
        (x + E::from_f64(3.0)).max(E::ZERO).min(six) / six
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        if x.abs() < E::from_f64(3.0) { E::from_f64(1.0 / 6.0) } else { E::ZERO }
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, _x: E) -> E {
        E::ZERO
    }
}

/// x relu6(x + 3) / 6: f' = x/3 + 1/2 and f'' = 1/3 between -3 and 3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HardSwish;

impl Scalar for HardSwish {
    const KINKS: &'static [f64] = &[-3.0, 3.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        let three = E::from_f64(3.0);
        let inside = x * ((x + three) / E::from_f64(6.0));
        let above = if x >= three { x } else { inside };
        if x <= -three { E::ZERO } else { above }
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let three = E::from_f64(3.0);
        let inside = x / three + E::from_f64(0.5);
        let above = if x >= three { E::ONE } else { inside };
        if x <= -three { E::ZERO } else { above }
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        if x.abs() < E::from_f64(3.0) { E::from_f64(1.0 / 3.0) } else { E::ZERO }
    }
}

/// ln(1 + e^(beta x)) / beta, and x itself where beta x is above a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScaledSoftplus {
    /// Sharpness of the bend.
    pub beta: f64,
    /// Where the curve becomes the line.
    pub threshold: f64,
}

impl Scalar for ScaledSoftplus {
    const KINKS: &'static [f64] = &[f64::INFINITY];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        let (beta, y) = (E::from_f64(self.beta), E::from_f64(self.beta) * x);
        let bend = y.softplus() / beta;
        if y > E::from_f64(self.threshold) { x } else { bend }
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let y = E::from_f64(self.beta) * x;
        let bend = y.sigmoid();
        if y > E::from_f64(self.threshold) { E::ONE } else { bend }
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let (beta, y) = (E::from_f64(self.beta), E::from_f64(self.beta) * x);
        let bend = beta * y.sigmoid() * (-y).sigmoid();
        if y > E::from_f64(self.threshold) { E::ZERO } else { bend }
    }
}

/// ln sigmoid(x): f' = s(-x), f'' = -s(x) s(-x).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogSigmoid;

impl Scalar for LogSigmoid {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        -(-x).softplus()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        (-x).sigmoid()
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        -(x.sigmoid() * (-x).sigmoid())
    }
}

/// GELU by a hyperbolic tangent, x s(v) with v = 2 sqrt(2/pi) (x + 0.044715 x^3) and s the logistic sigmoid (Hendrycks and
/// Gimpel 2016): f' = s(v) + x s(v) s(-v) v', f'' = s(v) s(-v) (2 v' + x (v'' + v'^2 (s(-v) - s(v)))).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeluTanh;

/// 2 sqrt(2/pi), and the cube's share.
const GELU: (f64, f64) = (1.595_769_121_605_730_9, 0.044_715);

/// x held where s(-|v|) is not yet 0, and v, v', v'' there.
#[inline(always)]
fn inner<E: Element>(x: E) -> [E; 4] {
    let (k, c) = (E::from_f64(GELU.0), E::from_f64(GELU.1));
    let x = x.max(E::from_f64(-30.0)).min(E::from_f64(30.0));
    let square = c * x * x;
    let v = k * x * (E::ONE + square);
    [x, v, k * (E::ONE + E::from_f64(3.0) * square), E::from_f64(6.0) * k * c * x]
}

impl Scalar for GeluTanh {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        let [_, v, ..] = inner(x);
        x.max(E::from_f64(-30.0)) * v.sigmoid()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let [x, v, rise, _] = inner(x);
        let s = v.sigmoid();
        s + x * s * (-v).sigmoid() * rise
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let [x, v, rise, bend] = inner(x);
        let (s, rest) = (v.sigmoid(), (-v).sigmoid());
        s * rest * (E::from_f64(2.0) * rise + x * (bend + rise * rise * (rest - s)))
    }
}

/// ELU as `aten.elu` has it: `scale` x above 0, `scale` `alpha` (e^(`input_scale` x) - 1) below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScaledElu {
    /// What the negative side saturates at, with the sign turned, before the scale.
    pub alpha: f64,
    /// Factor of the whole.
    pub scale: f64,
    /// Factor of x on the negative side.
    pub input_scale: f64,
}

impl Scalar for ScaledElu {
    const KINKS: &'static [f64] = &[0.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        let below = (x.min(E::ZERO) * E::from_f64(self.input_scale)).exp_m1();
        let scale = E::from_f64(self.scale);
        if x > E::ZERO { scale * x } else { E::from_f64(self.scale * self.alpha) * below }
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let below = (x.min(E::ZERO) * E::from_f64(self.input_scale)).exp();
        let factor = E::from_f64(self.scale * self.alpha * self.input_scale);
        if x > E::ZERO { E::from_f64(self.scale) } else { factor * below }
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let below = (x.min(E::ZERO) * E::from_f64(self.input_scale)).exp();
        let factor = E::from_f64(self.scale * self.alpha * self.input_scale * self.input_scale);
        if x > E::ZERO { E::ZERO } else { factor * below }
    }
}
