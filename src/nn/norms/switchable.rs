//! Switchable norm (Luo et al. 2019): a learned softmax mix of the statistics of instance, layer and batch norm, the means
//! with one set of weights, the variances with another:
//!
//! ```text
//! y = (x - sum_k w_k mean_k) / sqrt(sum_k w'_k var_k + eps),   k in {instance, layer, batch}
//! ```
//!
//! Running statistics take the place of the batch's as in batch norm. On a vector the instance is a single number,
//! whose mean is itself and whose variance is 0; it is left out of the mix there.

use super::batch::{check_momentum, follow, running};
use super::{EPS, Standard, check_eps};
use crate::autodiff::curves::{InverseSqrt, Reciprocal};
use crate::autodiff::primitives::map::{Curve, Scalar};
use crate::autodiff::{Element, Node, Shape};
use crate::base::Result;
use crate::nn::layout::Role;
use crate::nn::recorder::{Need, Recorder, Signal};
use std::sync::Arc;

crate::kind! {
    /// Switchable norm.
    Switchable = "switchable", "a learned mix of instance, layer and batch statistics (Luo et al. 2019)";
    // as batch norm's
    /// Added to the variance.
    eps: f64 = EPS,
    /// Share of a new batch in the running statistics.
    momentum: f64 = 0.1,
}

impl Switchable {
    fn refuse(&self) -> Result<()> {
        check_eps(self.eps)?;
        check_momentum(self.momentum)
    }
}

/// e^x, which is its own derivative.
#[derive(Clone, Copy, Debug)]
struct Exp;

impl Scalar for Exp {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.exp()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        x.exp()
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        x.exp()
    }
}

/// The softmax of `count` learned numbers, each 1 x 1: w_k = 1 / sum_j exp(l_j - l_k).
fn mixture(cx: &mut Recorder, name: &str, count: usize) -> Result<Vec<Node>> {
    let need = Need {
        name,
        shape: vec![count],
        role: Role::Mixture,
        fan_in: 1,
        fan_out: 1,
        start: 1.0,
        axes: Vec::new(),
    };
    let index = cx.declare(need)?;
    let offset = cx.layout.parameters[index].offset;
    let logits: Vec<Node> = (0..count).map(|k| cx.tape.parameter(offset + k, Shape::new(1, 1))).collect();
    let (exp, reciprocal): (Arc<dyn Curve>, Arc<dyn Curve>) = (Arc::new(Exp), Arc::new(Reciprocal));
    let weight = |own: &Node| {
        let mut total = None;
        for other in &logits {
            let difference = cx.tape.add_scaled(*other, -1.0, *own);
            let share = cx.tape.map(&exp, 0, difference);
            total = Some(total.map_or(share, |t| cx.tape.add(t, share)));
        }
        total.map_or(*own, |t| cx.tape.map(&reciprocal, 0, t))
    };
    Ok(logits.iter().map(weight).collect())
}

impl Standard for Switchable {
    const COUPLES_SAMPLES: bool = true;

    fn signal(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let (x, channels, positions) = (input.node, input.channels(), input.positions());
        let (count, image) = (cx.samples * positions, positions > 1);
        let kinds = if image { 3 } else { 2 };
        let weights = [mixture(cx, "mean_weight", kinds)?, mixture(cx, "var_weight", kinds)?];
        let running = running(cx, &input.units);
        let batch = if cx.batch_statistics() {
            [cx.tape.block_mean(x, 1, count), cx.tape.variance(x, 1, count)]
        } else {
            running.map(|(_, node)| node)
        };
        if cx.batch_statistics() {
            follow(cx, running, batch, count, self.momentum);
        }
        let layer = [cx.tape.block_mean(x, channels, positions), cx.tape.variance(x, channels, positions)];
        // Channels x samples: the instance's statistics, or zeros that the others are added to.
        let each = Shape::new(channels, cx.samples);
        let mut mixed = [0, 1].map(|k| {
            if image {
                let instance = if k == 0 {
                    cx.tape.block_mean(x, 1, positions)
                } else {
                    cx.tape.variance(x, 1, positions)
                };
                cx.tape.mul(instance, weights[k][0])
            } else {
                cx.tape.fill(0.0, each)
            }
        });
        for k in 0..2 {
            for (statistic, weight) in [layer[k], batch[k]].into_iter().zip(&weights[k][kinds - 2..]) {
                let part = cx.tape.mul(statistic, *weight);
                mixed[k] = cx.tape.add(mixed[k], part);
            }
        }
        let curve: Arc<dyn Curve> = Arc::new(InverseSqrt { eps: self.eps });
        let scale = cx.tape.map(&curve, 0, mixed[1]);
        let [mean, scale] = [mixed[0], scale].map(|n| cx.tape.block_broadcast(n, 1, positions));
        let centred = cx.tape.add_scaled(x, -1.0, mean);
        Ok(input.with(cx.tape.mul(centred, scale)))
    }
}
