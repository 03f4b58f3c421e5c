//! Spectral norm (Miyato et al. 2018): W / sigma(W), the largest singular value of W as outputs x (everything else).
//!
//! sigma = u^T W v with singular vectors u and v that are state, not parameters: each training step renews them by
//! one step of power iteration (v <- W^T u / |W^T u|, u <- W v / |W v|), and derivatives take them as constants. Whatever
//! looks at a trained network takes them as training left them, and reports the loss that training did; where statistics of
//! norms are refreshed, or between two networks, they are renewed until they stand still.

use super::Standard;
use crate::autodiff::Node;
use crate::autodiff::curves::Reciprocal;
use crate::autodiff::primitives::map::Curve;
use crate::base::Result;
use crate::nn::layout::Statistic;
use crate::nn::recorder::{Need, Recorder};
use crate::nn::units::repeated;
use std::sync::Arc;

crate::kind! {
    /// Spectral norm.
    Spectral = "spectral", "W / sigma(W), its largest singular value (Miyato et al. 2018)";
}

impl Standard for Spectral {
    const OF_WEIGHTS: bool = true;
    const PROPORTIONAL: bool = false;

    fn weight(&self, cx: &mut Recorder, need: Need) -> Result<Node> {
        let area = need.shape.iter().skip(2).product();
        let (outputs, inputs) = (need.axes[0].clone(), repeated(&need.axes[1], area));
        let index = cx.layout.parameters.len();
        let weight = cx.parameter(Need { name: "weight_orig", ..need })?;
        let (left, u) = cx.buffer("weight_u", &outputs, Statistic::Left);
        let (_, v) = cx.buffer("weight_v", &inputs, Statistic::Right);
        cx.spectral(index, left);
        // The weight is inputs x outputs here, so sigma = v . (W u).
        let image = cx.tape.matmul((weight, false), (u, false));
        let sigma = cx.tape.matmul((v, true), (image, false));
        let curve: Arc<dyn Curve> = Arc::new(Reciprocal);
        let inverse = cx.tape.map(&curve, 0, sigma);
        Ok(cx.tape.mul(weight, inverse))
    }
}
