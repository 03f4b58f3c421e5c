//! Poisson loss, the sum over outputs of exp(f) - y f, for targets that count and outputs that are logarithms of rates: minus
//! the log-likelihood of independent Poisson variables, in nats and up to ln y!. PyTorch's `PoissonNLLLoss` is the mean over
//! outputs.

use super::Criterion;
use crate::autodiff::curves::Exp;
use crate::autodiff::{Node, Tape};
use crate::base::random::Rng;
use rand_distr::{Distribution, Poisson as Counts};
use std::sync::Arc;

crate::kind! {
    /// Minus the log-likelihood of counts.
    Poisson = "poisson",
        "sum over outputs of exp(f) - y f in nats, for counts y and outputs f that are ln of a rate";
}

impl Criterion for Poisson {
    fn target(&self, label: usize, out: &mut [f64]) {
        super::SquaredError.target(label, out);
    }

    fn values(&self) -> bool {
        true
    }

    fn value(&self, value: f64) -> std::result::Result<f64, &'static str> {
        if value >= 0.0 { Ok(value) } else { Err("counts of at least 0") }
    }

    fn unit(&self) -> Option<&'static str> {
        Some("nats")
    }

    /// Counts of rate exp(f); a rate beyond what can be drawn from stands for itself.
    fn draw(&self, outputs: &[f64], rng: &mut Rng, target: &mut [f64]) -> bool {
        for (target, f) in target.iter_mut().zip(outputs) {
            let rate = f.exp();
            *target = Counts::new(rate).map_or(rate, |counts| counts.sample(rng));
        }
        true
    }

    /// Poisson distributions in their natural parameters.
    fn fisher_is_gauss_newton(&self, _masked: bool) -> bool {
        true
    }

    fn predict(&self, outputs: &mut [f64]) {
        outputs.iter_mut().for_each(|f| *f = f.exp());
    }

    fn of_prediction(&self, prediction: &[f64], target: &[f64]) -> f64 {
        prediction
            .iter()
            .zip(target)
            .map(|(rate, y)| if *y > 0.0 { rate - y * rate.ln() } else { *rate })
            .sum()
    }

    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node {
        let rates = tape.map(&(Arc::new(Exp) as _), 0, outputs);
        let products = tape.mul(outputs, targets);
        let mut costs = tape.add_scaled(rates, -1.0, products);
        if let Some(mask) = mask {
            costs = tape.mul(costs, mask);
        }
        tape.sum_rows(costs)
    }
}
