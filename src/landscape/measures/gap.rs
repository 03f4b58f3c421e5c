//! Generalization gap: test loss minus training loss at every point.

use super::{Computed, Drawn, Finished, Measure};

crate::kind! {
    /// Test loss minus training loss.
    Gap = "gap", "generalization gap: test loss minus training loss";
}

impl Measure for Gap {
    fn maps(&self) -> Vec<Drawn> {
        let label = "test loss minus training loss";
        vec![Drawn { array: "gap", figure: "gap", label, signed: true }]
    }

    fn computed(&self) -> Computed {
        Computed::FromMaps
    }

    fn reads(&self) -> &'static [&'static str] {
        &["train_loss", "test_loss"]
    }

    fn over(&self, finished: &Finished) -> Vec<Vec<f64>> {
        let (train, test) = ((finished.map)("train_loss"), (finished.map)("test_loss"));
        vec![test.iter().zip(&train).map(|(test, train)| test - train).collect()]
    }
}
