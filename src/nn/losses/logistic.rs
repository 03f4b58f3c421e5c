//! Logistic loss, one against the rest: with y = +1 for the label's output and -1 for the others, sum over outputs
//! of ln(1 + exp(-y f)), in nats: minus the log-likelihood of C independent yes-or-no answers, each with
//! probability s(f) of a yes. Target values are answers, 0 or -1 for no and 1 for yes: one for a single logit, several for
//! samples of several labels. With `single` two classes have one output, a logit that is positive for class 1. (PyTorch's `BCEWithLogitsLoss` and `MultiLabelSoftMarginLoss` are the mean over outputs instead.)

use super::Criterion;
use crate::autodiff::primitives::map::Scalar;
use crate::autodiff::{Element, Node, Tape};
use crate::base::Result;
use crate::base::random::Rng;
use rand::RngExt;

crate::kind! {
    /// Binary cross-entropy of every output, in nats.
    Logistic = "logistic",
        "sum over outputs of ln(1 + exp(-y f)) in nats, y = +1 for the label and -1 for the rest; single=true: one output for two classes, as PyTorch's BCEWithLogitsLoss", later &["single"];
    /// Whether two classes have one output, the logit of the second one.
    single: bool,
}

impl Criterion for Logistic {
    fn target(&self, label: usize, out: &mut [f64]) {
        super::signs(label, out);
    }

    fn outputs(&self, classes: usize) -> Result<usize> {
        if self.single { super::one_output(classes) } else { Ok(classes) }
    }

    fn values(&self) -> bool {
        true
    }

    /// Answers 0 and 1, or -1 and +1.
    fn value(&self, value: f64) -> std::result::Result<f64, &'static str> {
        match value {
            1.0 => Ok(1.0),
            0.0 | -1.0 => Ok(-1.0),
            _ => Err("answers 0 and 1, or -1 and 1"),
        }
    }

    fn unit(&self) -> Option<&'static str> {
        Some("nats")
    }

    /// +1 with probability s(f), -1 otherwise, output by output.
    fn draw(&self, outputs: &[f64], rng: &mut Rng, target: &mut [f64]) -> bool {
        for (target, f) in target.iter_mut().zip(outputs) {
            *target = if rng.random::<f64>() < f.sigmoid() { 1.0 } else { -1.0 };
        }
        true
    }

    /// Bernoulli distributions in their logits.
    fn fisher_is_gauss_newton(&self, _masked: bool) -> bool {
        true
    }

    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node {
        super::sum_of_margins(Surprise, tape, outputs, targets, mask)
    }
}

/// ln(1 + exp(-m)), with f' = -s(-m) and f'' = s(m) s(-m).
#[derive(Debug)]
struct Surprise;

impl Scalar for Surprise {
    #[inline(always)]
    fn value<E: Element>(&self, m: E) -> E {
        (-m).softplus()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, m: E) -> E {
        -(-m).sigmoid()
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, m: E) -> E {
        m.sigmoid() * (-m).sigmoid()
    }
}
