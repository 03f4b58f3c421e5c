//! The principal components of training: rows theta_t - theta_T of the snapshots, centred; the slice is anchored at the
//! last one, theta_T, and the training trajectory is projected on it (Li et al. 2018, section 7). Of several runs the components
//! are those of all snapshots together, each counting once, and the slice is anchored at the end of the first run.
//!
//! Axes have length 1. A contour is not the loss of the true path: each snapshot's distance to the slice is reported.

use super::{Axis, Draw, Frame, Length, Place, Snapshot, Trail};
use crate::base::{Error, Result};
use crate::landscape::geometry::{difference, dot, principal, projection};
use serde_json::{Map, json};

/// How far weights may be from the last snapshot, relative to their length: what rounding to f32 does.
const ROUNDING: f64 = 1e-6;

crate::kind! {
    /// Principal components of training.
    Trajectory = "trajectory",
        "principal components of the run's snapshots (train --snapshots), with the training trajectory";
}

impl Draw for Trajectory {
    fn draw(&self, place: &dyn Place, count: usize) -> Result<Frame> {
        let snapshots = place.trajectory()?;
        if snapshots.len() <= count {
            let expected = format!("at least {} snapshots", count + 1);
            return Err(Error::expected("--directions trajectory", expected, snapshots.len()));
        }
        // Weights of another epoch, or of another run, are not where this way ends.
        let last = snapshots.last().map_or(f64::INFINITY, |s| {
            let off = difference(&s.theta, place.theta());
            (dot(&off, &off) / dot(&s.theta, &s.theta)).sqrt()
        });
        if last > ROUNDING {
            let expected = "snapshots that end at the weights of the run (weights.safetensors)";
            return Err(Error::expected("--directions trajectory", expected, "others"));
        }
        let companions = place.companions()?;
        let from = |s: &Snapshot| difference(&s.theta, place.theta());
        let ways = || std::iter::once(&snapshots).chain(companions.iter().map(|(_, snapshots)| snapshots));
        let rows: Vec<Vec<f64>> = ways().flatten().map(from).collect();
        let (components, shares) = principal(&rows, count)?;
        let components: Vec<Vec<f64>> = components
            .into_iter()
            .map(|c| {
                // A component has no sign of its own: training starts on the positive side.
                let sign = if dot(&rows[0], &c) < 0.0 { -1.0 } else { 1.0 };
                c.into_iter().map(|x| sign * x).collect()
            })
            .collect();
        let projected: Vec<(Vec<f64>, f64)> = rows.iter().map(|row| projection(&components, row)).collect();
        let (mut coordinates, mut residuals): (Vec<Vec<f64>>, Vec<f64>) = projected.into_iter().unzip();
        let extent = |k: usize| {
            let of = || coordinates.iter().map(|c| c[k]);
            (of().fold(0.0, f64::min), of().fold(0.0, f64::max))
        };
        let widest = (0..count).map(|k| extent(k).1 - extent(k).0).fold(0.0, f64::max);
        let axis = |(k, direction): (usize, Vec<f64>)| {
            let (low, high) = extent(k);
            // A fifth of the widest extent around the path, and no axis below half the widest.
            let margin = 0.2 * widest + (0.25 * widest - 0.5 * (high - low)).max(0.0);
            Axis {
                direction,
                label: format!("principal component {} ({:.1} %)", k + 1, 100.0 * shares[k]),
                ends: (low - margin, high + margin),
                ..Axis::default()
            }
        };
        let mut facts = Map::new();
        facts.insert("explained_variance".to_owned(), json!(shares));
        facts.insert("largest_residual".to_owned(), json!(residuals.iter().copied().fold(0.0, f64::max)));
        let axes = components.into_iter().enumerate().map(axis).collect();
        let mut trail = |snapshots: Vec<Snapshot>| {
            let rest = (coordinates.split_off(snapshots.len()), residuals.split_off(snapshots.len()));
            let coordinates = std::mem::replace(&mut coordinates, rest.0);
            Trail { snapshots, coordinates, residuals: std::mem::replace(&mut residuals, rest.1) }
        };
        let own = trail(snapshots);
        let others: Vec<(String, Trail)> =
            companions.into_iter().map(|(name, snapshots)| (name, trail(snapshots))).collect();
        let end = |(name, trail): &(String, Trail)| {
            Some((trail.coordinates.last()?.clone(), format!("end of {name}")))
        };
        let marks = others.iter().filter_map(end).collect();
        Ok(Frame { axes, trail: Some(own), others, marks, facts })
    }

    fn gathers(&self) -> bool {
        true
    }

    fn length(&self) -> Length {
        Length::Fixed
    }

    fn adjective(&self) -> &'static str {
        "principal-component"
    }
}
