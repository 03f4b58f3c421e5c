//! Critical sharpness (Kalra et al. 2026, arXiv 2601.16979): 2 / eta_c, eta_c the smallest step along an update u at which the
//! loss is no lower than before,
//!
//! ```text
//! eta_c = min { eta > 0 : L(theta - eta u) >= L(theta) }
//! ```
//!
//! As a measure u is the gradient; of training it is also the optimizer's update. On a quadratic
//! eta_c = 2 g.u / u.Hu, so that along the gradient the measure is g.Hg / g.g, which is at most lambda_max.
//!
//! The mean slope f(eta) = (L(theta - eta u) - L(theta)) / eta begins at -g.u, which the gradient tells, and is linear in eta on a
//! quadratic. Steps grow, by at most sixteenfold, until one is no lower; then the crossing is bracketed by secants of f, each taken
//! beyond its root by a share of the tolerance, or by as much as the last root was off, so that the next one closes the bracket from
//! the other side; where two of them have not halved the bracket it is bisected. A loss that rises and falls again between two trial steps is missed.
//!
//! Cost a column: one gradient and a handful of losses, at most `losses`.

use super::surface::{Scale, Surface};
use super::{Columns, Here, Quantity, Row, Sharp, Spent};
use crate::base::{Error, Result};
use crate::landscape::geometry::dot;
use crate::nn::Network;

crate::kind! {
    /// Twice the inverse of the smallest step along the gradient that does not lower the loss.
    CriticalSharpness = "critical-sharpness",
        "2 / the smallest step down the gradient at which the loss is no lower: a handful of losses (Kalra 2026)";
    /// Relative width to which the step is bracketed.
    tolerance: f64 = 0.01, // far below what it changes by from step to step of training
    /// Most losses, that at the network itself among them.
    losses: usize = 9, // "under ten" (Kalra 2026)
}

impl CriticalSharpness {
    fn refuse(&self) -> Result<()> {
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            return Err(Error::expected("tolerance", "a number between 0 and 1", self.tolerance));
        }
        if (3..=1000).contains(&self.losses) {
            Ok(())
        } else {
            Err(Error::expected("losses", "3 to 1000", self.losses))
        }
    }
}

/// By how much a step may be longer than the last one.
const GROWTH: f64 = 16.0;
/// How far beyond the root of a secant the next step is, as a share of the tolerance: less than half, so that one on either side
/// closes the bracket.
const BEYOND: f64 = 0.4;
/// Units in the last place by which two losses may differ by rounding alone.
const ROUNDING: f64 = 4.0;

/// Where the crossing lies, and how many losses that took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bracket {
    /// The longest step that was seen to lower the loss, before `high`.
    pub low: f64,
    /// The shortest step that was seen not to; infinite, if none was.
    pub high: f64,
    /// Losses computed.
    pub losses: usize,
}

impl Bracket {
    /// How wide it is, as a share of its upper end.
    pub fn width(&self) -> f64 {
        if self.high.is_finite() { (self.high - self.low) / self.high } else { 1.0 }
    }

    /// 2 / eta_c in the middle of the bracket, and at its ends.
    pub fn sharpness(&self) -> [f64; 3] {
        [4.0 / (self.low + self.high), 2.0 / self.high, 2.0 / self.low]
    }
}

/// Brackets the smallest step at which `loss`, a function of the step, reaches `start` again, its value at 0, from where it falls
/// by `slope` > 0 a step. `first` is tried first; at most `most` losses are computed.
pub fn bracket(
    (start, slope): (f64, f64),
    first: f64,
    most: usize,
    tolerance: f64,
    mut loss: impl FnMut(f64) -> Result<f64>,
) -> Result<Bracket> {
    let (mut low, mut high) = ((0.0, -slope), (f64::INFINITY, f64::NAN));
    let (mut next, mut widths, mut last) = (first, [f64::INFINITY; 2], f64::NAN);
    for losses in 1..=most {
        let mean_slope = (loss(next)? - start) / next;
        if mean_slope < 0.0 {
            low = (next, mean_slope);
        } else {
            high = (next, mean_slope);
        }
        let found = Bracket { low: low.0, high: high.0, losses };
        if found.width() <= tolerance || losses == most || !next.is_finite() {
            return Ok(found);
        }
        if high.0.is_infinite() {
            // The line through the slope at 0 and the mean slope here.
            let bend = low.1 + slope;
            let root = if bend > 0.0 { low.0 * slope / bend } else { f64::INFINITY };
            next = (root * (1.0 + BEYOND * tolerance)).clamp(2.0 * low.0, GROWTH * low.0);
            continue;
        }
        let width = high.0 - low.0;
        let halved = width <= 0.5 * widths[0];
        // Beside a loss that is not finite it is the lower end, and no guess.
        let root = (low.0 - low.1 * width / (high.1 - low.1)).min(high.0);
        next = if halved && root > low.0 {
            // As far as the last root was off, where there was one: the loss may be no parabola.
            let off = if last.is_finite() { (root - last).abs() } else { 0.0 };
            let beyond = (BEYOND * tolerance * root).max(off.min(0.25 * width));
            if root - low.0 < high.0 - root { root + beyond } else { root - beyond }
        } else if low.0 > 0.0 {
            (low.0 * high.0).sqrt()
        } else {
            high.0 / GROWTH
        };
        last = root;
        if !(next > low.0 && next < high.0) {
            next = 0.5 * (low.0 + high.0);
        }
        widths = [widths[1], width];
    }
    Ok(Bracket { low: low.0, high: high.0, losses: most })
}

/// What a search along an update found, as a number of the table: `epsilon` is the rounding of the loss, `losses` how many there
/// may be with the one at the start.
pub fn critical(
    (start, slope, epsilon): (f64, f64, f64),
    first: f64,
    (losses, tolerance): (usize, f64),
    loss: impl FnMut(f64) -> Result<f64>,
) -> Result<Quantity> {
    if !(start.is_finite() && slope.is_finite()) {
        return Ok(Quantity::missing("the loss or its gradient is not finite"));
    }
    if slope <= 0.0 {
        let why = if slope == 0.0 {
            "the gradient along the update is zero: no step lowers the loss"
        } else {
            "the update leads up: no step lowers the loss"
        };
        return Ok(Quantity::missing(why));
    }
    if !(first > 0.0 && first.is_finite()) {
        return Ok(Quantity::missing("the slope along the update is lost in rounding"));
    }
    let found = bracket((start, slope), first, losses - 1, tolerance, loss)?;
    let counted = [("losses", (found.losses + 1) as f64), ("slope", slope)];
    if found.high.is_infinite() {
        let why = format!(
            "the loss is still lower after a step of {:.3e} ({} losses)",
            found.low,
            found.losses + 1
        );
        return Ok(Quantity::missing(why).with(counted).with([("step_at_least", found.low)]));
    }
    // Where the loss comes back to where it was it rises about as fast as it fell.
    let blurred = ROUNDING * epsilon * start.abs() / (slope * found.high);
    if found.low == 0.0 || blurred >= 0.5 {
        let why = if blurred >= 0.5 {
            "what steps change of the loss is lost in its rounding".to_owned()
        } else {
            format!(
                "no step that lowers the loss was met, down to {:.3e} ({} losses)",
                found.high,
                found.losses + 1
            )
        };
        return Ok(Quantity::missing(why).with(counted).with([("step_at_most", found.high)]));
    }
    let [value, low, high] = found.sharpness();
    let status = if blurred > tolerance {
        Some(format!("to within {:.1} %, by the rounding of the loss", 100.0 * blurred))
    } else if found.width() > tolerance {
        Some(format!("to within {:.1} % after {} losses", 100.0 * found.width(), found.losses + 1))
    } else {
        None
    };
    let details = [("low", low), ("high", high), ("step", 2.0 / value)];
    Ok(Quantity { status, ..Quantity::new(value) }.with(details).with(counted))
}

/// A step from which to begin: that at which a loss with no curvature would reach zero, half of the way to the crossing of a
/// quadratic with its minimum at zero along the step; of a loss that is not above zero, a hundredth of theta's length.
pub fn first_step(start: f64, slope: f64, theta: &[f64], update: &[f64]) -> f64 {
    if start > 0.0 {
        start / slope
    } else {
        let length = dot(theta, theta).sqrt();
        0.01 * if length > 0.0 { length } else { 1.0 } / dot(update, update).sqrt()
    }
}

impl CriticalSharpness {
    fn column(&self, here: &Here, scale: Scale) -> Result<Quantity> {
        let surface = Surface::new(here, scale);
        let (_, gradient) = surface.gradient(&vec![0.0; surface.dimension()])?;
        let (start, slope) = (surface.center()?, dot(&gradient, &gradient));
        let first = first_step(start, slope, here.at.theta, &gradient);
        critical((start, slope, surface.epsilon()), first, (self.losses, self.tolerance), |step| {
            surface.loss(&gradient.iter().map(|g| -step * g).collect::<Vec<f64>>())
        })
    }
}

impl Sharp for CriticalSharpness {
    fn columns(&self) -> Columns {
        Columns::Both
    }

    fn cost(&self, _network: &Network) -> Spent {
        // What a parabola takes, whose crossing is seen at once.
        Spent { losses: 2.0 * self.losses.min(5) as f64, gradients: 2.0, products: 0.0 }
    }

    fn rows(&self, here: &Here) -> Result<Vec<Row>> {
        let [raw, invariant] = Scale::BOTH.map(|scale| self.column(here, scale));
        Ok(vec![Row::new("critical_sharpness", "critical sharpness", Some(raw?), Some(invariant?))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A loss in one variable, from 0 with a slope of -1: the bracket of its crossing.
    fn of(first: f64, most: usize, loss: impl Fn(f64) -> f64) -> Bracket {
        bracket((0.0, 1.0), first, most, 0.01, |t| Ok(loss(t))).expect("a bracket")
    }

    #[test]
    fn a_quadratic_takes_a_handful_of_losses_from_any_first_step() {
        let crossing = 3.7;
        for first in [1e-3, 0.1, 1.0, 3.0, 3.7, 4.0, 100.0, 1e6] {
            let found = of(first, 8, |t| t * t / crossing - t);
            assert!(found.low < crossing && crossing <= found.high, "{first}: {found:?}");
            assert!(found.width() <= 0.01 && found.losses <= 7, "{first}: {found:?}");
        }
        // Where the parabola is seen at once, three.
        assert_eq!(of(0.5, 8, |t| t * t / crossing - t).losses, 3);
    }

    #[test]
    fn other_losses_are_bracketed_too() {
        type Loss = fn(f64) -> f64;
        let losses: [(&str, Loss, f64); 5] = [
            ("cubic", |t| t.powi(3) - t, 1.0),
            ("a wall", |t| if t < 2.0 { -t } else { f64::INFINITY }, 2.0),
            ("linear far out", |t| (1.0 + t * t).sqrt() - 1.0 - t + 0.05 * t * t, f64::NAN),
            ("steep", |t| t.powi(9) - t, 1.0),
            ("slow", |t| t * (t.ln_1p() - 1.0), std::f64::consts::E - 1.0),
        ];
        for (name, loss, crossing) in losses {
            for first in [0.01, 1.5, 40.0] {
                let found = of(first, 30, loss);
                assert!(found.width() <= 0.01, "{name} from {first}: {found:?}");
                assert!(loss(found.low) < 0.0 && loss(found.high) >= 0.0, "{name}: {found:?}");
                if crossing.is_finite() {
                    assert!(
                        found.low < crossing && crossing <= found.high * (1.0 + 1e-12),
                        "{name}: {found:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_has_no_crossing_says_why() {
        let of = |start, slope, loss: fn(f64) -> f64| {
            critical((start, slope, 1e-16), 1.0, (9, 0.01), |t| Ok(loss(t))).expect("a quantity")
        };
        for (found, says) in [
            (of(0.0, 1.0, |t| -t), "still lower after a step of"),
            (of(0.0, 0.0, |t| t), "is zero"),
            (of(0.0, -1.0, |t| t), "leads up"),
            (of(f64::INFINITY, 1.0, |t| t), "not finite"),
            (of(0.0, f64::NAN, |t| t), "not finite"),
            (of(0.0, 1.0, |_| f64::INFINITY), "no step that lowers the loss was met"),
            (of(1e20, 1.0, |t| 1e20 - t), "rounding"),
        ] {
            assert!(found.value.is_nan(), "{found:?}");
            assert!(found.status.as_ref().is_some_and(|s| s.contains(says)), "{found:?} does not say {says}");
        }
        // A bracket that is cut off says how wide it is.
        let found = critical((0.0, 1.0, 1e-16), 1e-4, (6, 1e-9), |t| Ok(t.powi(9) - t)).expect("a quantity");
        assert!(found.value.is_nan() || found.status.is_some_and(|s| s.contains("losses")));
    }
}
