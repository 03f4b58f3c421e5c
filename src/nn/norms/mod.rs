//! Norms: of a signal (batch, layer, instance, group, switchable) or of the weights that make it (weight, spectral).
//!
//! A signal's norm returns standardised values; scale and shift are the layer's, [`Normalize`](super::layers::Normalize).
//! Four of them are one primitive over other groups of axes: `Standardize`. To add one: a file with a struct that
//! implements [`Kind`](crate::base::registry::Kind) and [`Standard`], and a line below.

use super::recorder::{Need, Recorder, Signal, Standardised};
use crate::autodiff::Node;
use crate::base::{Error, Result};
use crate::registry;

/// What a norm does. A norm of signals has `signal`, one of weights has `weight`.
pub trait Standard {
    /// Whether it is a norm of weights.
    const OF_WEIGHTS: bool = false;

    /// Whether the weight is proportional to the first parameter that it is made from.
    const PROPORTIONAL: bool = true;

    /// What it makes of each channel of a signal.
    const STANDARDISED: Standardised = Standardised::Other;

    /// Whether it uses statistics over several samples, in training at least.
    const COUPLES_SAMPLES: bool = false;

    /// Standardises a signal, a channel a row.
    fn signal(&self, _cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        Ok(input.clone())
    }

    /// The weight that is asked for, inputs x outputs, made from whatever parameters stand behind it.
    fn weight(&self, cx: &mut Recorder, need: Need) -> Result<Node> {
        cx.parameter(need)
    }
}

registry! {
    /// What keeps the scale of signals or weights.
    Norm, "norm", match_norm {
        none => Plain;
        batch => Batch;
        layer => Layer;
        instance => Instance;
        group => Group;
        switchable => Switchable;
        weight => Weight;
        spectral => Spectral;
    }
}

impl Norm {
    /// Whether it is a norm of weights, a setting of `dense` and `conv`.
    pub fn of_weights(&self) -> bool {
        fn is<S: Standard>(_: &S) -> bool {
            S::OF_WEIGHTS
        }
        match_norm!(self, kind => is(kind))
    }

    /// Standardises a signal, a channel a row.
    pub fn signal(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        fn couples<S: Standard>(_: &S) -> bool {
            S::COUPLES_SAMPLES
        }
        let couples = match_norm!(self, kind => couples(kind));
        cx.layout.couples_samples |= couples;
        cx.layout.single_values |= couples && input.positions() < 2;
        match_norm!(self, kind => kind.signal(cx, input))
    }

    /// What it makes of each channel of a signal.
    pub fn standardised(&self) -> Standardised {
        fn of<S: Standard>(_: &S) -> Standardised {
            S::STANDARDISED
        }
        match_norm!(self, kind => of(kind))
    }

    /// The weight that a layer multiplies by, inputs x outputs; and the position among the parameters of the one that it is
    /// proportional to, output by output, if there is one.
    pub fn weight(&self, cx: &mut Recorder, need: Need) -> Result<(Node, Option<usize>)> {
        fn proportional<S: Standard>(_: &S) -> bool {
            S::PROPORTIONAL
        }
        let first = cx.layout.parameters.len();
        let proportional = match_norm!(self, kind => proportional(kind));
        let node = match_norm!(self, kind => kind.weight(cx, need))?;
        Ok((node, proportional.then_some(first)))
    }
}

/// Refuses a norm of signals where one of weights is asked for.
pub fn of_weights(norm: &Norm) -> Result<()> {
    if norm.of_weights() || *norm == Norm::default() {
        Ok(())
    } else {
        let expected = "a norm of weights, or none; those of signals are layers of their own (`normalize`)";
        Err(Error::expected("norm", expected, norm))
    }
}

/// What is added to variances, so that nothing is divided by zero: the default of all of PyTorch's norms.
const EPS: f64 = 1e-5;

/// Refuses an `eps` that makes no sense.
fn check_eps(eps: f64) -> Result<()> {
    if eps > 0.0 && eps <= 1.0 { Ok(()) } else { Err(Error::expected("eps", "above 0 and at most 1", eps)) }
}
