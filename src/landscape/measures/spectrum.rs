//! The ends of the Hessian's spectrum at every point: lambda_min and lambda_max, the algebraic ones, and
//! |lambda_min / lambda_max| (Li et al. 2018, section 6, whose appendix maps it), by two-ended Lanczos.
//!
//! The ratio tells networks apart at the minimiser and barely off it; the slice's own non-convexity does it everywhere.

use super::{Computed, Drawn, Measure, Spot};
use crate::autodiff::Curvature;
use crate::base::{Error, Result};
use crate::landscape::hessian::Curved;
use crate::spectral::lanczos::{self, Settings, Wanted};

crate::kind! {
    /// Both ends of the spectrum.
    Spectrum = "spectrum",
        "smallest and largest eigenvalue of the Hessian at every point, and |ratio| (Li et al. 2018), by Lanczos";
    // As for single spectra: where one end is thirty times the other, a hundredth would leave the other a third off.
    /// Residual at which an eigenvalue has converged, as a share of the largest |eigenvalue|.
    tolerance: f64 = 1e-3,
    /// Most Lanczos steps at a point.
    steps: usize = 400,
    /// Make as many steps as certify that no eigenvalue lies beyond, by more than a hundredth of the spread, but for one
    /// point in a thousand (Kuczynski and Wozniakowski 1992).
    certify: bool = true,
}

impl Spectrum {
    fn refuse(&self) -> Result<()> {
        match (self.tolerance > 0.0 && self.tolerance < 1.0, self.steps) {
            (false, _) => Err(Error::expected("tolerance", "a number between 0 and 1", self.tolerance)),
            (_, 0 | 1) => Err(Error::expected("steps", "at least 2", self.steps)),
            _ => Ok(()),
        }
    }
}

impl Measure for Spectrum {
    fn maps(&self) -> Vec<Drawn> {
        let drawn = |array, figure, label, signed| Drawn { array, figure, label, signed };
        vec![
            drawn("lambda_min", "lambda-min", "smallest eigenvalue of the Hessian", true),
            drawn("lambda_max", "lambda-max", "largest eigenvalue of the Hessian", false),
            drawn("lambda_ratio", "lambda-ratio", "|smallest / largest eigenvalue|", false),
            drawn("lambda_residual", "", "larger residual of the two, over the larger |eigenvalue|", false),
        ]
    }

    fn computed(&self) -> Computed {
        Computed::AtPoints
    }

    fn undefined(&self) -> Option<(&'static str, &'static str)> {
        Some(("lambda_ratio", "the largest eigenvalue is 0"))
    }

    fn at(&self, spot: &Spot) -> Result<Vec<f64>> {
        let products = spot.objective.linearize(spot.at, Curvature::Hessian, spot.memory);
        // The same start everywhere: a point's value is its own.
        let mut rng = spot.streams.stream("slice/lanczos", 1);
        let settings = Settings {
            tolerance: self.tolerance,
            most_steps: self.steps,
            certify: self.certify,
            ..Settings::default()
        };
        let found = lanczos::ends(&Curved(products), Wanted { top: 1, bottom: 1 }, &mut rng, &settings)?;
        let (Some(top), Some(bottom)) = (found.top.first(), found.bottom.first()) else {
            return Ok(vec![f64::NAN; 4]);
        };
        let scale = top.value.abs().max(bottom.value.abs());
        let residual = top.residual.max(bottom.residual);
        // Of a Hessian that is 0 everything is exact.
        let residual = if scale == 0.0 { residual } else { residual / scale };
        // What did not converge is no eigenvalue, nor is what was not certified though asked for.
        if !(found.converged() && (found.certified() || !self.certify)) {
            return Ok(vec![f64::NAN, f64::NAN, f64::NAN, residual]);
        }
        Ok(vec![bottom.value, top.value, (bottom.value / top.value).abs(), residual])
    }
}
