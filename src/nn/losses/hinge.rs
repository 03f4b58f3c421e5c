//! Hinge loss, one against the rest: with y = +1 for the label's output and -1 for the others,
//! sum over outputs of max(0, 1 - y f), or of its square. For two classes it is twice the binary hinge of the labels
//! +-1 where the two outputs are f and -f; with `single` they have one output, and it is that hinge.
//!
//! At the kink y f = 1 derivatives are taken as those from beyond it: zero.

use super::Criterion;
use crate::autodiff::primitives::map::Scalar;
use crate::autodiff::{Element, Node, Tape};
use crate::base::Result;
use crate::base::registry::Kind;
use serde::{Deserialize, Serialize};

/// How much each output falls short of a margin of 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hinge {
    /// Square the shortfall, which then has a slope without jumps.
    pub squared: bool, // false: Cortes and Vapnik 1995
    /// Whether two classes have one output, which is positive for the second one.
    pub single: bool,
}

impl Kind for Hinge {
    const NAME: &'static str = "hinge";
    const SUMMARY: &'static str = "sum over outputs of max(0, 1 - y f), y = +1 for the label and -1 for the rest; squared if asked; single=true: one output for two classes";
    const LATER: &'static [&'static str] = &["single"];
}

impl Criterion for Hinge {
    fn target(&self, label: usize, out: &mut [f64]) {
        super::signs(label, out);
    }

    fn outputs(&self, classes: usize) -> Result<usize> {
        if self.single { super::one_output(classes) } else { Ok(classes) }
    }

    fn piecewise_linear(&self) -> bool {
        !self.squared
    }

    fn has_kink(&self) -> bool {
        true
    }

    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node {
        if self.squared {
            super::sum_of_margins(SquaredShortfall, tape, outputs, targets, mask)
        } else {
            super::sum_of_margins(Shortfall, tape, outputs, targets, mask)
        }
    }
}

/// max(0, 1 - m).
#[derive(Debug)]
struct Shortfall;

impl Scalar for Shortfall {
    const PIECEWISE_LINEAR: bool = true;
    const KINKS: &'static [f64] = &[1.0];
    #[inline(always)]
    fn value<E: Element>(&self, m: E) -> E {
        (E::ONE - m).max(E::ZERO)
    }
    #[inline(always)]
    fn slope<E: Element>(&self, m: E) -> E {
        if m < E::ONE { -E::ONE } else { E::ZERO }
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, _m: E) -> E {
        E::ZERO
    }
}

/// max(0, 1 - m)^2.
#[derive(Debug)]
struct SquaredShortfall;

impl Scalar for SquaredShortfall {
    const KINKS: &'static [f64] = &[1.0];
    #[inline(always)]
    fn value<E: Element>(&self, m: E) -> E {
        let short = (E::ONE - m).max(E::ZERO);
        short * short
    }
    #[inline(always)]
    fn slope<E: Element>(&self, m: E) -> E {
        E::from_f64(-2.0) * (E::ONE - m).max(E::ZERO)
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, m: E) -> E {
        if m < E::ONE { E::from_f64(2.0) } else { E::ZERO }
    }
}
