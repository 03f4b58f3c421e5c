//! Curvature of the slice itself: the eigenvalues of its 2 x 2 Hessian, by central differences of the grid.
//!
//! It says how the picture bends, not how the landscape does: a plane through a saddle of thousands of dimensions can be
//! convex everywhere.

use super::{Computed, Drawn, Finished, Measure};
use crate::landscape::geometry;

crate::kind! {
    /// Eigenvalues of the slice's own Hessian.
    Curvature = "curvature",
        "the slice's own 2 x 2 Hessian: smaller and larger eigenvalue, by differences of the grid";
}

impl Measure for Curvature {
    fn maps(&self) -> Vec<Drawn> {
        let drawn = |array, figure, label| Drawn { array, figure, label, signed: true };
        vec![
            drawn("curvature_min", "curvature-min", "smaller curvature of the slice"),
            drawn("curvature_max", "curvature-max", "larger curvature of the slice"),
        ]
    }

    fn computed(&self) -> Computed {
        Computed::FromPlane
    }

    fn reads(&self) -> &'static [&'static str] {
        &["train_loss"]
    }

    fn over(&self, finished: &Finished) -> Vec<Vec<f64>> {
        geometry::curvature(finished.x, finished.y, &(finished.map)("train_loss")).into()
    }
}
