//! Norm of the whole gradient of the training loss at every point, not of its part in the plane.

use super::{Computed, Drawn, Measure, Spot};
use crate::base::{Result, registry::Kind};
use crate::landscape::geometry::dot;
use serde::{Deserialize, Serialize};

/// Norm of the gradient.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradientNorm;

impl Kind for GradientNorm {
    const NAME: &'static str = "gradient-norm";
    const SUMMARY: &'static str = "norm of the gradient of the training loss in all parameters";
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
