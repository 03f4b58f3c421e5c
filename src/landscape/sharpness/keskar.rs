//! Keskar's epsilon-sharpness (Keskar et al. 2016, arXiv 1609.04836, metric 2.1, in the whole space):
//!
//! ```text
//! 100 (max over |y_i| <= eps (|x_i| + 1) of f(x + y) - f(x)) / (1 + f(x))
//! ```
//!
//! by few steps of projected L-BFGS, as in the paper: what is found is a lower bound of the maximum. The box depends on the
//! scale of the weights, so there is no invariant column (Dinh et al. 2017).
//!
//! In coordinates u = y / (eps (|x| + 1)) the box is [-1, 1]^p. Coordinates at a bound that the gradient pushes outwards are
//! held; in the others the direction is the quasi-Newton one (two-loop recursion; Nocedal and Wright 2006, algorithm 7.4), or
//! the gradient where the loss is not concave along it; the line search follows the projected path (Bertsekas 1982).
//!
//! Where what is found does not lie above random points of the box there are further starts ([`ascent`](super::ascent)).
//!
//! Cost: a gradient a step, two or three losses on its path, and four more.

use super::ascent::{POINTS, Rise, highest};
use super::ball::{Ball, Norm};
use super::sam::{at_least, positive};
use super::surface::{Means, Scale, Surface};
use super::{Columns, Here, Row, Sharp, Spent};
use crate::base::Result;
use crate::landscape::geometry::dot;
use crate::nn::Network;

crate::kind! {
    /// Largest rise of the loss in a small box.
    Keskar = "keskar",
        "epsilon-sharpness: largest rise of the loss in a small box, in percent of 1 + f (Keskar 2016); raw only";
    // Keskar 2016, section 2.2.2: eps 1e-3 (and 5e-4), 10 steps of L-BFGS-B; its code's 10 pairs are SciPy's default.
    /// Size of the box.
    eps: f64 = 1e-3,
    /// Steps of the ascent.
    steps: usize = 10,
    /// Pairs that L-BFGS remembers.
    history: usize = 10,
}

impl Keskar {
    fn refuse(&self) -> Result<()> {
        positive("eps", self.eps)?;
        at_least("steps", self.steps, 1)?;
        at_least("history", self.history, 1)
    }
}

/// A point of the box, its loss, and the gradient there.
struct Point {
    u: Vec<f64>,
    loss: f64,
    gradient: Vec<f64>,
}

/// Share of the slope's promise by which the loss must rise (Nocedal and Wright 2006).
const ARMIJO: f64 = 1e-4;
/// Trials on one path.
const TRIALS: usize = 30;
/// How much a trial that rises is lengthened, and one that does not is shortened.
const FACTOR: f64 = 4.0;

/// u + t d, projected on the box.
fn along(u: &[f64], t: f64, d: &[f64]) -> Vec<f64> {
    u.iter().zip(d).map(|(u, d)| (u + t * d).clamp(-1.0, 1.0)).collect()
}

impl Keskar {
    /// A direction of ascent in the free coordinates, and the length to try first.
    fn direction(&self, point: &Point, pairs: &[(Vec<f64>, Vec<f64>)]) -> Option<(Vec<f64>, f64)> {
        let held = |(u, g): (&f64, &f64)| (*u >= 1.0 && *g > 0.0) || (*u <= -1.0 && *g < 0.0);
        let free: Vec<f64> =
            point.u.iter().zip(&point.gradient).map(|(u, g)| if held((u, g)) { 0.0 } else { *g }).collect();
        let largest = free.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
        if !(largest > 0.0 && largest.is_finite()) {
            return None;
        }
        // Pairs seen from the free coordinates alone; y is minus the change of the gradient, since -f is minimised.
        let within = |v: &[f64]| -> Vec<f64> {
            v.iter().zip(&free).map(|(v, f)| if *f == 0.0 { 0.0 } else { *v }).collect()
        };
        let pairs: Vec<(Vec<f64>, Vec<f64>)> =
            pairs.iter().map(|(s, y)| (within(s), within(y))).filter(|(s, y)| concave(s, y)).collect();
        if let Some((s, y)) = pairs.last() {
            let mut q = free.clone();
            let mut shares = Vec::with_capacity(pairs.len());
            for (s, y) in pairs.iter().rev() {
                let a = dot(s, &q) / dot(y, s);
                q.iter_mut().zip(y).for_each(|(q, y)| *q -= a * y);
                shares.push(a);
            }
            let scale = dot(s, y) / dot(y, y);
            q.iter_mut().for_each(|q| *q *= scale);
            for ((s, y), a) in pairs.iter().zip(shares.into_iter().rev()) {
                let b = dot(y, &q) / dot(y, s);
                q.iter_mut().zip(s).for_each(|(q, s)| *q += (a - b) * s);
            }
            let q = within(&q);
            if dot(&q, &free) > 0.0 && q.iter().all(|q| q.is_finite()) {
                return Some((q, 1.0));
            }
        }
        // Along the gradient: first so far that its largest coordinate would cross the box.
        Some((free, 2.0 / largest))
    }

    /// The best point of a projected path: as far as the loss goes on rising, or as near as it takes to rise. None
    /// where nothing does.
    fn search(
        surface: &Surface,
        from: &Point,
        (direction, first): (&[f64], f64),
    ) -> Result<Option<(Vec<f64>, f64)>> {
        let (mut t, mut best) = (first, None::<(Vec<f64>, f64)>);
        for _ in 0..TRIALS {
            let u = along(&from.u, t, direction);
            let promise: f64 = u.iter().zip(&from.u).zip(&from.gradient).map(|((a, b), g)| (a - b) * g).sum();
            let loss = surface.loss(&u)?;
            let rises = loss > from.loss + ARMIJO * promise;
            match &best {
                Some((farthest, highest)) if loss <= *highest || u == *farthest => break,
                Some(_) => {}
                None if !rises => {
                    t /= FACTOR;
                    continue;
                }
                // The first trial that rises was shortened: the longer ones did not.
                None if t < first => return Ok(Some((u, loss))),
                None => {}
            }
            best = Some((u, loss));
            t *= FACTOR;
        }
        Ok(best)
    }

    /// The largest loss that the ascent finds from a point of the box.
    fn climb(&self, surface: &Surface, start: Vec<f64>) -> Result<f64> {
        let at = |u: Vec<f64>| {
            let (loss, gradient) = surface.gradient(&u)?;
            Ok::<_, crate::base::Error>(Point { u, loss, gradient })
        };
        let mut point = at(start)?;
        let mut pairs: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
        for _ in 0..self.steps {
            let Some((direction, first)) = self.direction(&point, &pairs) else { break };
            let Some((u, loss)) = Self::search(surface, &point, (&direction, first))? else {
                if pairs.is_empty() {
                    break;
                }
                // Old curvature may mislead: once more along the gradient.
                pairs.clear();
                continue;
            };
            if loss == f64::INFINITY {
                return Ok(loss);
            }
            let next = at(u)?;
            let s: Vec<f64> = next.u.iter().zip(&point.u).map(|(a, b)| a - b).collect();
            let y: Vec<f64> = point.gradient.iter().zip(&next.gradient).map(|(a, b)| a - b).collect();
            if concave(&s, &y) {
                pairs.push((s, y));
            }
            if pairs.len() > self.history {
                pairs.remove(0);
            }
            point = next;
        }
        Ok(point.loss)
    }
}

/// Whether -f has positive curvature along a pair, beyond rounding.
fn concave(s: &[f64], y: &[f64]) -> bool {
    let (sy, yy) = (dot(s, y), dot(y, y));
    sy > 1e-10 * yy && sy.is_finite()
}

impl Sharp for Keskar {
    fn columns(&self) -> Columns {
        Columns::Raw
    }

    fn cost(&self, _network: &Network) -> Spent {
        let (losses, gradients) = ((1 + POINTS + 3 * self.steps) as f64, (1 + self.steps) as f64);
        Spent { losses, gradients, products: 0.0 }
    }

    fn rows(&self, here: &Here) -> Result<Vec<Row>> {
        let box_sizes = here.at.theta.iter().map(|x| self.eps * (x.abs() + 1.0)).collect();
        let surface = Surface::new(here, Scale::Raw).scaled(box_sizes);
        let center = surface.center()?;
        let rise = if center == f64::INFINITY {
            Rise { rise: center, again: false }
        } else {
            let climb = |start| self.climb(&surface, start);
            let first = climb(vec![0.0; surface.dimension()])?;
            let mut rng = here.streams.stream("sharpness/keskar", 0);
            highest(&surface, Ball { norm: Norm::Linf, rho: 1.0 }, (center, first), &mut rng, climb)?
        };
        let rise = Rise { rise: 100.0 * rise.rise / (1.0 + center), ..rise };
        let means = rise.numbers().map(|x| (x, f64::NAN)).to_vec();
        let all = Means { means, batches: 1, size: here.objective.samples() };
        let quantity = Rise::quantity(&all, 0, &[("eps", self.eps)], true);
        Ok(vec![Row::new("keskar", "Keskar, percent", Some(quantity), None)])
    }
}
