//! Eigenvectors of the Hessian of the training loss, of length 1: where the loss curves most, or least, or one of each.
//!
//! By Lanczos with full reorthogonalisation; an eigenpair that did not converge is an error, never a direction.

use super::{Axis, Draw, Frame, Length, Place};
use crate::base::{Error, Result};
use crate::spectral::lanczos::{self, Pair, Settings, Wanted};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

/// Which eigenvectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// Those of the largest eigenvalues.
    Largest,
    /// Those of the smallest, the most negative.
    Smallest,
    /// The largest, the smallest, then the second largest.
    #[default]
    Both,
}

crate::kind! {
    /// Eigenvectors of the Hessian.
    Eigenvectors = "eigenvectors",
        "of the Hessian of the training loss, length 1: which=largest, smallest or both (one of each)";
    // A small residual turns an eigenvector little where the gap is small: as the spectra's default.
    /// Which end of the spectrum.
    which: Which = Which::default(),
    /// Residual at which an eigenpair has converged, as a share of the largest |eigenvalue|.
    tolerance: f64 = 1e-3,
    /// Most Lanczos steps.
    steps: usize = 500,
}

impl Eigenvectors {
    fn refuse(&self) -> Result<()> {
        match (self.tolerance > 0.0 && self.tolerance < 1.0, self.steps) {
            (false, _) => Err(Error::expected("tolerance", "a number between 0 and 1", self.tolerance)),
            (_, 0 | 1) => Err(Error::expected("steps", "at least 2", self.steps)),
            _ => Ok(()),
        }
    }
}

impl Draw for Eigenvectors {
    fn draw(&self, place: &dyn Place, count: usize) -> Result<Frame> {
        let (top, bottom) = match self.which {
            Which::Largest => (count, 0),
            Which::Smallest => (0, count),
            Which::Both => (count.div_ceil(2), count / 2),
        };
        let hessian = place.hessian()?;
        let p = place.theta().len();
        if count > p {
            return Err(Error::expected(
                "--directions eigenvectors",
                format!("at least {count} parameters"),
                p,
            ));
        }
        let mut rng = place.streams().stream("slice/lanczos", 0);
        let settings = Settings { tolerance: self.tolerance, most_steps: self.steps, ..Settings::default() };
        let found = lanczos::ends(hessian.as_ref(), Wanted { top, bottom }, &mut rng, &settings)?;
        // The largest, the smallest, the second largest.
        let mut pairs: Vec<&Pair> = found.top.iter().collect();
        for (i, pair) in found.bottom.iter().enumerate() {
            pairs.insert((2 * i + 1).min(pairs.len()), pair);
        }
        let fault = |what: String| {
            let what = format!(
                "{what} after {} products ({}): raise steps or tolerance",
                found.products, found.stopped
            );
            Err(Error::unmet("--directions eigenvectors", what))
        };
        if pairs.len() < count {
            return fault(format!("expected {count} eigenvectors, found {}", pairs.len()));
        }
        if let Some(bad) = pairs.iter().find(|p| !p.converged) {
            let wanted =
                format!("expected residuals of at most {:e} of the largest eigenvalue", self.tolerance);
            return fault(format!("{wanted}, found {:.1e} at {:.3e}", bad.residual, bad.value));
        }
        let axis = |p: &&Pair| Axis {
            direction: p.vector.clone(),
            label: format!("eigenvector of λ = {}", significant(p.value)),
            ends: (-1.0, 1.0),
            ..Axis::default()
        };
        let mut facts = Map::new();
        facts.insert("eigenvalues".to_owned(), json!(pairs.iter().map(|p| p.value).collect::<Vec<_>>()));
        facts.insert(
            "eigenvalue_residuals".to_owned(),
            json!(pairs.iter().map(|p| p.residual).collect::<Vec<_>>()),
        );
        facts.insert("eigenvalues_certified".to_owned(), json!(pairs.iter().all(|p| p.certified)));
        facts.insert("products".to_owned(), json!(found.products));
        Ok(Frame { axes: pairs.iter().map(axis).collect(), facts, ..Frame::default() })
    }

    fn length(&self) -> Length {
        Length::Own
    }

    fn adjective(&self) -> &'static str {
        "eigenvector"
    }
}

/// Three significant digits, without a power of ten where that can be read.
fn significant(x: f64) -> String {
    let power = x.abs().log10().floor();
    match power {
        p if (-3.0..5.0).contains(&p) => format!("{x:.*}", (2.0 - p).max(0.0) as usize),
        _ => format!("{x:.2e}"),
    }
}
