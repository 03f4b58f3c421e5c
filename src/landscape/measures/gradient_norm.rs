//! Norm of the whole gradient of the training loss at every point, not of its part in the plane.

use super::{Computed, Drawn, Measure, Spot};
use crate::base::Result;
use crate::landscape::geometry::dot;

crate::kind! {
    /// Norm of the gradient.
    GradientNorm = "gradient-norm", "norm of the gradient of the training loss in all parameters";
}

impl Measure for GradientNorm {
    fn maps(&self) -> Vec<Drawn> {
        let label = "norm of the gradient";
        vec![Drawn { array: "gradient_norm", figure: "gradient-norm", label, signed: false }]
    }

    fn computed(&self) -> Computed {
        Computed::AtPoints
    }

    fn at(&self, spot: &Spot) -> Result<Vec<f64>> {
        let (_, gradient) = spot.objective.gradient(spot.at);
        Ok(vec![dot(&gradient, &gradient).sqrt()])
    }
}
