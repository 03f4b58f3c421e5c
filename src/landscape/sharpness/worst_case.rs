//! Worst-case sharpness in l2 and l_inf, plain and adaptive (Andriushchenko et al. 2023, arXiv 2302.07011): the mean over
//! batches of m samples of
//!
//! ```text
//! max over ||delta||_p <= rho of f(w + delta) - f(w)             raw
//! max over ||delta / |w|||_p <= rho of f(w + delta) - f(w)       invariant
//! ```
//!
//! by APGD (Croce and Hein 2020, arXiv 2003.01690, algorithm 1): projected steepest ascent with momentum, whose step begins
//! at 2 rho and is halved at checkpoints where the loss has risen in too few steps, or where neither step nor best loss has
//! changed since the last; it then goes on from the best point. The best loss is a lower bound of the maximum. Where it does not
//! lie above random points of the ball there are further starts ([`ascent`](super::ascent)).
//!
//! Cost a column of a row: `steps` + 1 gradients and five losses.

use super::ascent::{POINTS, Rise, highest};
use super::ball::{Ball, Norm};
use super::sam::{at_least, positive};
use super::surface::{Scale, Surface, over_batches};
use super::{Columns, Here, Row, Sharp, Spent};
use crate::base::Result;
use crate::nn::Network;

crate::kind! {
    /// Worst rise of the loss within a ball.
    WorstCase = "worst-case",
        "worst rise of the loss in l2 and l_inf balls, plain and adaptive, by APGD (Andriushchenko 2023)";
    // Andriushchenko 2023, the radii of the middle for small networks in their code's sweeps: .25 to 2 and .5 to 4 in
    // l2, .0005 to .004 and .0005 to .008 in l_inf; m = 128; 20 steps.
    /// Radius of the plain l2 ball.
    l2: f64 = 0.25,
    /// Radius of the adaptive l2 ball.
    adaptive_l2: f64 = 0.5,
    /// Radius of the plain l_inf ball.
    linf: f64 = 0.002,
    /// Radius of the adaptive l_inf ball.
    adaptive_linf: f64 = 0.002,
    /// Samples in a batch; 0 for all at once.
    m: usize = 128,
    /// Steps of ascent.
    steps: usize = 20,
}

impl WorstCase {
    fn refuse(&self) -> Result<()> {
        positive("l2", self.l2)?;
        positive("adaptive-l2", self.adaptive_l2)?;
        positive("linf", self.linf)?;
        positive("adaptive-linf", self.adaptive_linf)?;
        at_least("steps", self.steps, 1)
    }
}

/// Share of the step to the new point; the rest goes on as the last did (Croce and Hein 2020, 3.1).
const ALPHA: f64 = 0.75;
/// Share of steps since the last checkpoint that must have risen (Croce and Hein 2020, condition 1).
const RISEN: f64 = 0.75;

/// After how many steps the step is looked at: ceil(p_j N), p_0 = 0, p_1 = .22,
/// p_(j+1) = p_j + max(p_j - p_(j-1) - .03, .06) (Croce and Hein 2020, 3.2).
fn checkpoints(steps: usize) -> Vec<usize> {
    let (mut before, mut p) = (0.0, 0.22);
    let mut all = Vec::new();
    while p <= 1.0 {
        // Rounding of p is no step more.
        all.push((p * steps as f64 - 1e-9).ceil() as usize);
        (before, p) = (p, p + f64::max(p - before - 0.03, 0.06));
    }
    all.dedup();
    all
}

/// The largest loss that APGD meets in a ball around theta, from a point of it.
fn apgd(surface: &Surface, ball: Ball, steps: usize, start: Vec<f64>) -> Result<f64> {
    let checkpoints = checkpoints(steps);
    let (mut eta, mut u) = (2.0 * ball.rho, start);
    let (mut loss, mut gradient) = surface.gradient(&u)?;
    let (mut best, mut last) = ((loss, u.clone(), gradient.clone()), u.clone());
    let (mut risen, mut checked, mut then) = (0, 0, (eta, loss));
    for step in 1..=steps {
        let mut z: Vec<f64> = u.iter().zip(ball.steepest(&gradient)).map(|(u, d)| u + eta * d).collect();
        ball.project(&mut z);
        let mut next = z;
        if step > 1 {
            for (i, z) in next.iter_mut().enumerate() {
                *z = u[i] + ALPHA * (*z - u[i]) + (1.0 - ALPHA) * (u[i] - last[i]);
            }
            ball.project(&mut next);
        }
        last = std::mem::replace(&mut u, next);
        let before = loss;
        (loss, gradient) = surface.gradient(&u)?;
        if loss == f64::INFINITY {
            return Ok(loss);
        }
        risen += usize::from(loss > before);
        if loss > best.0 {
            best = (loss, u.clone(), gradient.clone());
        }
        if checkpoints.contains(&step) {
            let few = (risen as f64) < RISEN * (step - checked) as f64;
            let still = then == (eta, best.0);
            then = (eta, best.0);
            if few || still {
                eta /= 2.0;
                (loss, u, gradient) = best.clone();
                last.clone_from(&u);
            }
            (risen, checked) = (0, step);
        }
    }
    Ok(best.0)
}

impl Sharp for WorstCase {
    fn columns(&self) -> Columns {
        Columns::Both
    }

    fn cost(&self, _network: &Network) -> Spent {
        Spent { losses: 4.0 * (1 + POINTS) as f64, gradients: 4.0 * (1 + self.steps) as f64, products: 0.0 }
    }

    fn rows(&self, here: &Here) -> Result<Vec<Row>> {
        let row = |norm: Norm, key: &str, label: &str, radii: [f64; 2]| {
            let mut columns = Vec::new();
            for (scale, rho) in Scale::BOTH.into_iter().zip(radii) {
                let (ball, moves) = (Ball { norm, rho }, Surface::new(here, scale).any_moves());
                let found = over_batches(here, self.m, |objective, batch| {
                    let surface = Surface::over(here, objective, scale);
                    let center = surface.center()?;
                    if center == f64::INFINITY {
                        return Ok(Rise { rise: center, again: false }.numbers().to_vec());
                    }
                    let mut rng = here.streams.stream(&format!("sharpness/{key}"), batch);
                    let start = ball.start(surface.dimension(), |i| surface.moves(i), &mut rng);
                    let climb = |start| apgd(&surface, ball, self.steps, start);
                    let first = climb(start)?;
                    Ok(highest(&surface, ball, (center, first), &mut rng, climb)?.numbers().to_vec())
                })?;
                columns.push(Rise::quantity(&found, 0, &[("rho", rho)], moves));
            }
            let invariant = columns.pop();
            Ok(Row::new(key, label, columns.pop(), invariant))
        };
        Ok(vec![
            row(Norm::L2, "worst_case_l2", "worst case, l\u{2082}", [self.l2, self.adaptive_l2])?,
            row(Norm::Linf, "worst_case_linf", "worst case, l\u{221e}", [self.linf, self.adaptive_linf])?,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::checkpoints;

    #[test]
    fn checkpoints_are_those_of_the_paper() {
        // p = 0, .22, .41, .57, .70, .80, .87, .93, .99.
        assert_eq!(checkpoints(100), [22, 41, 57, 70, 80, 87, 93, 99]);
        assert_eq!(checkpoints(1), [1]);
    }
}
