//! Activations: functions applied to every unit.
//!
//! To add one: write a file with a struct (its fields are its settings) that implements [`Kind`] and
//! [`Scalar`] (f, f', f'', branch-free), and add a line below. Help, `losscape list`, recipes and the
//! conformance tests find it there.
//!
//! [`Kind`]: crate::base::registry::Kind

use crate::autodiff::primitives::map::{Curve, Scalar};
use crate::registry;
use std::sync::Arc;

registry! {
    /// A function applied to every unit.
    Activation, "activation", match_activation {
        relu => Relu;
        leaky_relu => LeakyRelu;
        tanh => Tanh;
        sigmoid => Sigmoid;
        softplus => Softplus;
        gelu => Gelu;
        silu => Silu;
        mish => Mish;
        elu => Elu;
        selu => Selu;
        celu => Celu;
        softsign => Softsign;
        hard_tanh => HardTanh;
        squared_relu => SquaredRelu;
        quadratic => Quadratic;
        identity => Identity;
    }
}

impl Activation {
    /// The function as the tape takes it.
    pub fn curve(&self) -> Arc<dyn Curve> {
        fn erased<S: Scalar + Clone>(scalar: &S) -> Arc<dyn Curve> {
            Arc::new(scalar.clone())
        }
        match_activation!(self, kind => erased(kind))
    }

    /// Where f' or f'' jumps and finite differences across say nothing.
    pub fn kinks(&self) -> &'static [f64] {
        fn kinks<S: Scalar>(_: &S) -> &'static [f64] {
            S::KINKS
        }
        match_activation!(self, kind => kinks(kind))
    }

    /// Whether there are such places.
    pub fn has_kink(&self) -> bool {
        !self.kinks().is_empty()
    }
}
