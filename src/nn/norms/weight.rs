//! Weight norm (Salimans and Kingma 2016): W = g v / ||v||, one g and one direction v for each output, so that length and
//! direction of a filter are learned apart. It starts at g = ||v||: the initializer's weights are the network's.

use super::Standard;
use crate::autodiff::curves::InverseSqrt;
use crate::autodiff::primitives::map::Curve;
use crate::autodiff::{Node, Shape};
use crate::base::Result;
use crate::nn::layout::Role;
use crate::nn::recorder::{Need, Recorder};
use std::sync::Arc;

crate::kind! {
    /// Weight norm.
    Weight = "weight", "W = g v / ||v|| for each output (Salimans and Kingma 2016)";
}

/// Name of the lengths; they start at those of the directions.
pub(in crate::nn) const LENGTH: &str = "weight_g";

impl Standard for Weight {
    const OF_WEIGHTS: bool = true;

    fn weight(&self, cx: &mut Recorder, need: Need) -> Result<Node> {
        let outputs = need.shape[0];
        let mut shape = vec![1; need.shape.len()];
        shape[0] = outputs;
        let axes = need.axes.iter().take(1).cloned().collect();
        let length = Need { name: LENGTH, shape, role: Role::NormScale, axes, ..need };
        let index = cx.declare(length)?;
        let length = cx.tape.parameter(cx.layout.parameters[index].offset, Shape::new(1, outputs));
        let direction = cx.parameter(Need { name: "weight_v", ..need })?;
        let squares = cx.tape.mul(direction, direction);
        let squares = cx.tape.sum_rows(squares);
        let curve: Arc<dyn Curve> = Arc::new(InverseSqrt { eps: 0.0 });
        let inverse = cx.tape.map(&curve, 0, squares);
        let scale = cx.tape.mul(length, inverse);
        Ok(cx.tape.mul(direction, scale))
    }
}
