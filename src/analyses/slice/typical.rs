//! Whether random directions are typical of the Hessian, or hide what it has (Boettcher and Wheeler 2022, arXiv 2208.13219).
//!
//! A direction that is drawn from N(0, I) and normalised has the curvature d'Hd, whose mean over draws is tr(D H D): D is diagonal,
//! and for filters of k weights |theta_f| / sqrt(k), as what is normalised is uniform on a sphere. So D is what the
//! normalization makes of a direction of ones. The smallest and the largest eigenvalue of D H D, by Lanczos with a certificate, and how many of them
//! lie below minus a hundredth of the largest, say how much of it the draws show: a mean sees what is many, not what is negative.
//!
//! Cost: a product a direction; once a network some hundred products, or as many as there are parameters where that is cheap.

use super::SliceSettings;
use super::place::NOTHING;
use super::view::View;
use crate::autodiff::Curvature;
use crate::base::statistics::mean;
use crate::base::{Result, Streams, interrupt};
use crate::landscape::geometry::dot;
use crate::landscape::hessian::Curved;
use crate::nn::{At, MeanLoss};
use crate::spectral::operators::Scaled;
use crate::spectral::{self, Known, Operator, Wanted, quadrature};
use serde_json::{Value, json};

/// Largest scaled Hessian that is written out.
const EXACT: usize = 1000;
/// What counts as negative, as a share of the largest eigenvalue.
const BELOW: f64 = 0.01;
/// Random vectors of a trace.
const PROBES: usize = 30;

/// The curvature along each direction, and with `whole` what the Hessian in the same scale has.
pub(super) fn typical(
    settings: &SliceSettings,
    objective: &dyn MeanLoss,
    at: At,
    directions: &[Vec<f64>],
    (streams, memory, whole): (&Streams, usize, bool),
) -> Result<Value> {
    let hessian = Curved(objective.linearize(at, Curvature::Hessian, memory));
    let products = hessian.apply(&directions.concat(), directions.len());
    let along: Vec<f64> =
        directions.iter().zip(products.chunks(at.theta.len())).map(|(d, h)| dot(d, h)).collect();
    interrupt::check("slice", NOTHING)?;
    let mut found = json!({"curvatures": along});
    if !whole {
        return Ok(found);
    }
    let layout = objective.network().layout();
    let mut scale = vec![1.0; at.theta.len()];
    let normalize = settings.normalize.clone().unwrap_or_default();
    normalize.apply(layout, at.theta, |role| settings.moves(role), &mut scale);
    let moved = scale.iter().filter(|s| **s != 0.0).count();
    let scaled = Scaled::new(&hessian, scale.iter().map(|s| s.abs()).collect());
    let known = if at.theta.len() <= EXACT { Known::whole(&scaled)? } else { Known::Products(&scaled) };
    let wanted = Wanted { top: 1, bottom: 1 };
    let ends = known.ends(wanted, &mut streams.stream("slice/typical", 0), &spectral::Settings::default())?;
    let trace = known.trace(PROBES, streams)?;
    let rules = known.quadrature(&quadrature::Settings { steps: 80, probes: 4 }, streams)?;
    interrupt::check("slice", NOTHING)?;
    let end = |pair: Option<&spectral::Pair>| pair.filter(|p| p.converged).map(|p| p.value);
    let [highest, lowest] = [end(ends.top.first()), end(ends.bottom.first())];
    let below = -BELOW * highest.unwrap_or(f64::NAN);
    let count = rules.expectation(|lambda| if lambda < below { 1.0 } else { 0.0 });
    found["dimension"] = json!(moved);
    found["lambda_max"] = json!(highest);
    found["lambda_min"] = json!(lowest);
    found["trace"] = json!({"value": trace.value, "stderr": trace.standard_error, "exact": trace.is_exact()});
    found["negative"] = json!({
        "below": below,
        "count": count.value,
        "stderr": count.standard_error,
        "exact": count.is_exact(),
    });
    Ok(found)
}

/// What is said of the draws of each network.
pub(super) fn summary(views: &[View]) -> Value {
    let mut labels: Vec<&str> = views.iter().map(|v| v.facts.label.as_str()).collect();
    labels.dedup();
    let of = |label: &&str| {
        let own: Vec<&View> = views.iter().filter(|v| v.facts.label == **label).collect();
        let facts: Vec<&Value> = own.iter().filter_map(|v| v.facts.hessian.as_ref()).collect();
        let along: Vec<f64> = facts
            .iter()
            .flat_map(|f| f["curvatures"].as_array().into_iter().flatten())
            .map(|x| x.as_f64().unwrap_or(f64::NAN))
            .collect();
        let mut all = facts.iter().find(|f| f["dimension"].is_u64()).map_or(json!({}), |f| (*f).clone());
        let (value, error) = mean(&along);
        let bent = along.iter().filter(|x| **x < 0.0).count();
        all["label"] = json!(label);
        all["mean_curvature"] = json!({"value": value, "stderr": error});
        all["curvatures"] = json!(along);
        all["negative_directions"] = json!(bent);
        let count = all["negative"]["count"].as_f64().unwrap_or(f64::NAN);
        let planes = own.iter().filter(|v| v.curves_down().is_some_and(|share| share > 0.0)).count();
        let shown = match (own.iter().any(|v| v.curves_down().is_some()), planes) {
            (true, 0) => format!("of {} planes none shows a cell that curves downwards", own.len()),
            (true, n) => format!("of {} planes {n} show cells that curve downwards", own.len()),
            (false, _) => format!("of {} directions {bent} curve downwards", along.len()),
        };
        all["status"] = match (all["negative"]["exact"] == true, count.is_finite()) {
            (_, false) => format!("{shown}; the ends of the Hessian's spectrum did not converge"),
            (exact, true) => format!(
                "{shown}; the Hessian in the same scale has {}{count:.0} of {} eigenvalues below {:.3e}",
                if exact { "" } else { "about " },
                all["dimension"],
                all["negative"]["below"].as_f64().unwrap_or(f64::NAN),
            ),
        }
        .into();
        all
    };
    json!(labels.iter().map(of).collect::<Vec<Value>>())
}
