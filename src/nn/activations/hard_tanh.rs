//! Hard tanh: x held between -1 and 1. As for ReLU, f'' is taken as zero everywhere, and f' as 0 at both kinks.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

crate::kind! {
    /// x held between -1 and 1 (Collobert 2004).
    HardTanh = "hard-tanh", "x held between -1 and 1 (Collobert 2004)";
}

impl Scalar for HardTanh {
    const PIECEWISE_LINEAR: bool = true;
    const KINKS: &'static [f64] = &[-1.0, 1.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.max(-E::ONE).min(E::ONE)
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        if x.abs() < E::ONE { E::ONE } else { E::ZERO }
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, _x: E) -> E {
        E::ZERO
    }
}
