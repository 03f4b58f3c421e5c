//! Ascent that must not be content with nothing: further starts where the gradient says little.
//!
//! Where every sample is right by a margin, or sits in a minimum of its own, the gradient is zero, and ascent along it stays where it
//! is, though a rise may lie a little further out. So what one ascent found is compared with random points of the
//! ball. Where it does not lie above all of them, ascent begins anew: from the best of them, and from where samples turn over
//! first. With f the outputs, y the label and j the best of the others, that is down the gradient of the loss
//! with j for a target: of the sample of least margin f_y - f_j, of the eight such, and of all; in regression, of targets that lie
//! 1 above and 1 below. What is found is therefore never below the mean over the random points. It is a lower bound
//! of the maximum; where nothing rises it is not a number.

use super::Quantity;
use super::ball::Ball;
use super::surface::{Means, Surface, stopped};
use crate::base::Result;
use crate::base::random::Rng;

/// Random points of the ball that an ascent is compared with.
pub const POINTS: usize = 4;
/// Further random points where one ascent was not enough: a rise may lie in few directions.
const MORE: usize = 16;
/// So many samples of least margin are turned over together.
const FEW: usize = 8;

/// A rise of the loss, and how it was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rise {
    /// Above the centre, beyond rounding; 0 where none was found.
    pub rise: f64,
    /// Whether one ascent was not enough.
    pub again: bool,
}

impl Rise {
    /// As numbers to take means of: the rise, whether there is one, whether it took more than one ascent.
    pub fn numbers(self) -> [f64; 3] {
        [self.rise, f64::from(u8::from(self.rise != 0.0)), f64::from(u8::from(self.again))]
    }

    /// The means of such numbers over batches, from the one at `at` on, as a number of the table.
    pub fn quantity(means: &Means, at: usize, facts: &[(&str, f64)], moves: bool) -> Quantity {
        let [(rise, error), (found, _), (again, _)] = [0, 1, 2].map(|i| means.means[at + i]);
        let count = |share: f64| (share * means.batches as f64).round();
        let facts =
            facts.iter().copied().chain([("m", means.size as f64), ("batches", means.batches as f64)]);
        let quantity = match found {
            // Without a parameter that moves it is zero indeed.
            0.0 if !moves => Quantity::new(0.0),
            0.0 => {
                Quantity::missing("no rise was found from any start: as far as was looked, the loss is flat")
            }
            _ => {
                let over = format!("{} random batches of {}", means.batches, means.size);
                let quantity = Quantity::new(rise).with_error(error, &over);
                let none = means.batches as f64 - count(found);
                let why = format!("in {none} of {} batches no rise was found", means.batches);
                if none > 0.0 && rise.is_finite() {
                    Quantity { status: Some(why), ..quantity }
                } else {
                    quantity
                }
            }
        };
        let quantity = quantity.with(facts);
        if again > 0.0 { quantity.with([("ascended_again", count(again))]) } else { quantity }
    }
}

/// The largest loss above `center` within `ball`: `first` as one ascent found it, or what `climb` reaches from other starts.
pub fn highest(
    surface: &Surface,
    ball: Ball,
    (center, first): (f64, f64),
    rng: &mut Rng,
    climb: impl Fn(Vec<f64>) -> Result<f64>,
) -> Result<Rise> {
    let none = Rise { rise: 0.0, again: false };
    let n = surface.dimension();
    if !surface.any_moves() {
        return Ok(none);
    }
    if first == f64::INFINITY {
        return Ok(Rise { rise: first, ..none });
    }
    let mut point = || {
        let u = ball.start(n, |i| surface.moves(i), rng);
        Ok((surface.loss(&u)?, u))
    };
    let mut points = (0..POINTS).map(|_| point()).collect::<Result<Vec<(f64, Vec<f64>)>>>()?;
    let random = points.iter().map(|p| p.0).fold(f64::NEG_INFINITY, f64::max);
    let rounding = 4.0 * surface.epsilon() * center.abs();
    let mut best = first.max(random);
    let again = first <= random || first <= center + rounding;
    if again {
        for _ in 0..MORE {
            points.push(point()?);
        }
        let starts = points.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).map(|p| p.1).into_iter();
        let turned = surface.turning()?;
        let turned = turned.iter().map(|d| ball.steepest(d).iter().map(|d| ball.rho * d).collect());
        for start in starts.chain(turned.collect::<Vec<Vec<f64>>>()) {
            best = best.max(climb(start)?);
        }
    }
    let rise = if best > center + rounding { best - center } else { 0.0 };
    Ok(Rise { rise, again })
}

impl Surface<'_> {
    /// Whether any u moves something.
    pub fn any_moves(&self) -> bool {
        (0..self.dimension()).any(|i| self.moves(i))
    }

    /// Directions in u in which samples turn over: those of least margin first.
    fn turning(&self) -> Result<Vec<Vec<f64>>> {
        let zero = vec![0.0; self.dimension()];
        let (_, own) = self.gradient(&zero)?;
        let mut directions = Vec::new();
        for targets in self.turned() {
            stopped()?;
            let (_, other) = self.with_targets(&targets, |surface| surface.gradient(&zero))?;
            directions.push(own.iter().zip(&other).map(|(own, other)| own - other).collect());
        }
        Ok(directions)
    }

    /// Targets of all samples (outputs x samples) with some of them turned over.
    fn turned(&self) -> Vec<Vec<f64>> {
        // What an exported graph takes for a target only the graph knows.
        if self.is_exported() {
            return Vec::new();
        }
        let (outputs, targets, labels) = self.answers();
        let rows = self.outputs();
        if labels.is_empty() {
            return [1.0, -1.0].map(|by| targets.iter().map(|t| t + by).collect()).to_vec();
        }
        if rows < 2 {
            return Vec::new();
        }
        let runner_up = |(f, label): (&[f64], &u32)| {
            let label = *label as usize;
            let others = (0..rows).filter(|j| *j != label);
            let best = others.max_by(|a, b| f[*a].total_cmp(&f[*b])).unwrap_or(label);
            (f[label] - f[best], best)
        };
        let found: Vec<(f64, usize)> = outputs.chunks(rows).zip(&labels).map(runner_up).collect();
        let mut order: Vec<usize> = (0..found.len()).collect();
        order.sort_by(|a, b| found[*a].0.total_cmp(&found[*b].0));
        let with = |count: usize| {
            let mut all = targets.clone();
            for i in &order[..count.min(order.len())] {
                self.target(found[*i].1, &mut all[i * rows..][..rows]);
            }
            all
        };
        [1, FEW, order.len()].map(with).to_vec()
    }
}
