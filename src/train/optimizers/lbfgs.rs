//! L-BFGS for full batches (Liu and Nocedal 1989; Nocedal and Wright 2006, algorithms 7.4, 3.5 and 3.6).
//!
//! With the last m pairs s = theta' - theta, y = g' - g, the direction d = -H g comes from the two-loop recursion,
//! in 4 m p multiplications: from the newest pair to the oldest a = s'q / y's, q <- q - a y; r = (s'y / y'y) q of the
//! newest; from the oldest to the newest r <- r + (a - y'r / y's) s. Then theta' = theta + t d, with t from a line
//! search for the strong Wolfe conditions
//!
//! ```text
//! L(theta + t d) <= L(theta) + armijo t g'd        |g(theta + t d)'d| <= wolfe |g'd|
//! ```
//!
//! by cubic interpolation. The first trial is the rate (1 unless given), divided by max(1, ||g||) where no pair is
//! known yet. One iteration an epoch, with as many evaluations of all samples as its search asks for. All of it is in
//! f64; in single precision the points themselves are rounded.

use super::Update;
use crate::autodiff::Element;
use crate::base::{Error, Result};
use std::collections::VecDeque;

crate::kind! {
    /// Limited-memory BFGS with a strong Wolfe line search.
    Lbfgs = "lbfgs", "limited-memory BFGS on all samples, one line search an epoch (Liu and Nocedal 1989)";
    // Nocedal and Wright 2006: 3 to 20 pairs, 1e-4 and .9 for quasi-Newton directions; 25 evaluations as PyTorch.
    /// Pairs kept.
    history: usize = 10,
    /// Share of the slope's promise by which the loss must fall.
    armijo: f64 = 1e-4,
    /// Share of the slope that may be left.
    wolfe: f64 = 0.9,
    /// Most evaluations in one line search.
    evaluations: usize = 25,
}

impl Lbfgs {
    fn refuse(&self) -> Result<()> {
        if !(1..=1000).contains(&self.history) {
            return Err(Error::expected("history", "1 to 1000", self.history));
        }
        if !(self.armijo > 0.0 && self.armijo < 0.5) {
            return Err(Error::expected("armijo", "a number between 0 and 0.5", self.armijo));
        }
        if !(self.wolfe > self.armijo && self.wolfe < 1.0) {
            return Err(Error::expected("wolfe", "a number between armijo and 1", self.wolfe));
        }
        if (2..=1000).contains(&self.evaluations) {
            Ok(())
        } else {
            Err(Error::expected("evaluations", "2 to 1000", self.evaluations))
        }
    }
}

impl Update for Lbfgs {
    fn states(&self) -> usize {
        0
    }

    fn rate(&self) -> f64 {
        1.0 // the natural length of a quasi-Newton step
    }

    fn full_batch(&self) -> bool {
        true
    }

    fn search(&self) -> Option<&Lbfgs> {
        Some(self)
    }

    /// The step with no history and no search, along the gradient: all that an element by itself knows.
    fn update<E: Element>(
        &self,
        _step: u64,
        rate: f64,
        theta: &mut [E],
        gradient: &[E],
        _states: &mut [&mut [E]],
    ) {
        let rate = E::from_f64(rate);
        theta.iter_mut().zip(gradient).for_each(|(t, g)| *t -= rate * *g);
    }
}

/// Loss and gradient at a point.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Mean loss.
    pub loss: f64,
    /// Its gradient.
    pub gradient: Vec<f64>,
}

/// The pairs (s, y), oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// Steps and changes of the gradient.
    pub pairs: VecDeque<(Vec<f64>, Vec<f64>)>,
}

/// A step that a line search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where it leads.
    pub theta: Vec<f64>,
    /// Loss and gradient there.
    pub value: Value,
    /// Its length, as a multiple of the direction.
    pub length: f64,
}

/// What came of an iteration.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A step.
    Step(Step),
    /// No point along the direction, nor along the gradient, lowers the loss: a minimum, as far as rounding tells.
    Stalled,
    /// `evaluate` gave nothing: somebody asked for a stop.
    Stopped,
}

/// Gives loss and gradient at a point, after rounding it to one that can be represented.
pub type Evaluate<'a> = dyn FnMut(&mut Vec<f64>) -> Option<Value> + 'a;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Memory {
    /// -H g by the two-loop recursion; -g without pairs.
    pub fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for (s, y) in self.pairs.iter().rev() {
            let a = dot(s, &q) / dot(y, s);
            q.iter_mut().zip(y).for_each(|(q, y)| *q -= a * y);
            shares.push(a);
        }
        if let Some((s, y)) = self.pairs.back() {
            let scale = dot(s, y) / dot(y, y);
            q.iter_mut().for_each(|q| *q *= scale);
        }
        for ((s, y), a) in self.pairs.iter().zip(shares.into_iter().rev()) {
            let b = dot(y, &q) / dot(y, s);
            q.iter_mut().zip(s).for_each(|(q, s)| *q += (a - b) * s);
        }
        q
    }

    /// Remembers a pair whose curvature is positive beyond rounding; others would spoil H.
    fn push(&mut self, s: Vec<f64>, y: Vec<f64>, most: usize) {
        let (sy, yy) = (dot(&s, &y), dot(&y, &y));
        if sy > 1e-10 * yy && sy.is_finite() {
            self.pairs.push_back((s, y));
        }
        while self.pairs.len() > most {
            self.pairs.pop_front();
        }
    }
}

/// A point of the line: its distance, loss, slope, place and gradient.
#[derive(Clone, Debug)]
struct Trial {
    t: f64,
    loss: f64,
    slope: f64,
    at: Option<(Vec<f64>, Value)>,
}

/// One line: where it starts, where it leads, and what is asked of a point on it.
struct Line<'a, 'e> {
    theta: &'a [f64],
    direction: &'a [f64],
    start: Trial,
    slack: f64,
    rules: &'a Lbfgs,
    evaluate: &'a mut Evaluate<'e>,
    left: usize,
}

enum Search {
    Found(Box<Trial>),
    Nothing,
    Stopped,
}

impl Line<'_, '_> {
    fn trial(&mut self, t: f64) -> Option<Trial> {
        self.left -= 1;
        let mut point: Vec<f64> = self.theta.iter().zip(self.direction).map(|(x, d)| x + t * d).collect();
        let value = (self.evaluate)(&mut point)?;
        let finite = value.loss.is_finite();
        let loss = if finite { value.loss } else { f64::INFINITY };
        let slope = if finite { dot(&value.gradient, self.direction) } else { f64::NAN };
        Some(Trial { t, loss, slope, at: Some((point, value)) })
    }

    /// Whether the loss is too high for the distance.
    fn high(&self, trial: &Trial) -> bool {
        trial.loss > self.start.loss + self.rules.armijo * trial.t * self.start.slope + self.slack
    }

    fn flat(&self, trial: &Trial) -> bool {
        trial.slope.abs() <= -self.rules.wolfe * self.start.slope
    }

    /// Algorithm 3.5: steps out until a point is good or a good one is bracketed.
    fn search(&mut self, first: f64) -> Search {
        let (mut before, mut t) = (self.start.clone(), first);
        while self.left > 0 {
            let Some(trial) = self.trial(t) else { return Search::Stopped };
            let outer = before.t > 0.0;
            if self.high(&trial) || !trial.slope.is_finite() || (outer && trial.loss >= before.loss) {
                return self.zoom(before, trial);
            }
            if self.flat(&trial) {
                return Search::Found(Box::new(trial));
            }
            if trial.slope >= 0.0 {
                return self.zoom(trial, before);
            }
            let (low, high) = (trial.t + 0.01 * (trial.t - before.t), 10.0 * trial.t);
            t = minimiser(&before, &trial).unwrap_or(high).clamp(low, high);
            before = trial;
        }
        best(before)
    }

    /// Algorithm 3.6: `low` is the lower end, and the slope there points to `high`.
    fn zoom(&mut self, mut low: Trial, mut high: Trial) -> Search {
        while self.left > 0 {
            // A tenth away from the ends, so that the bracket shrinks.
            let (a, b) = (low.t.min(high.t), low.t.max(high.t));
            let margin = 0.1 * (b - a);
            if b - a <= f64::EPSILON * b {
                break;
            }
            let t = minimiser(&low, &high).unwrap_or(0.5 * (a + b)).clamp(a + margin, b - margin);
            let Some(trial) = self.trial(t) else { return Search::Stopped };
            if self.high(&trial) || !trial.slope.is_finite() || trial.loss >= low.loss {
                high = trial;
            } else {
                if self.flat(&trial) {
                    return Search::Found(Box::new(trial));
                }
                if trial.slope * (high.t - low.t) >= 0.0 {
                    high = low;
                }
                low = trial;
            }
        }
        best(low)
    }
}

/// The best point that a search without budget left: it lowers the loss as far as Armijo asks.
fn best(low: Trial) -> Search {
    if low.t > 0.0 { Search::Found(Box::new(low)) } else { Search::Nothing }
}

/// Where the cubic through two points with their slopes is least, if it is least anywhere (Nocedal and Wright, 3.59).
fn minimiser(a: &Trial, b: &Trial) -> Option<f64> {
    let (a, b) = if a.t <= b.t { (a, b) } else { (b, a) };
    let d1 = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.t - b.t);
    let square = d1 * d1 - a.slope * b.slope;
    let d2 = square.sqrt();
    let t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2));
    (square >= 0.0 && t.is_finite()).then_some(t)
}

impl Lbfgs {
    /// One iteration from `theta`, where the loss is `here`. `rate` is the first trial; differences of the loss up to
    /// `slack` are rounding.
    pub fn iterate(
        &self,
        rate: f64,
        memory: &mut Memory,
        (theta, here): (&[f64], &Value),
        slack: f64,
        evaluate: &mut Evaluate,
    ) -> Outcome {
        loop {
            let mut direction = memory.direction(&here.gradient);
            let mut slope = dot(&direction, &here.gradient);
            if !(slope < 0.0 && slope.is_finite()) {
                memory.pairs.clear();
                direction = memory.direction(&here.gradient);
                slope = dot(&direction, &here.gradient);
            }
            if slope >= 0.0 {
                return Outcome::Stalled;
            }
            let norm = dot(&here.gradient, &here.gradient).sqrt();
            let first = if memory.pairs.is_empty() { rate / norm.max(1.0) } else { rate };
            let start = Trial { t: 0.0, loss: here.loss, slope, at: None };
            let direction = direction.as_slice();
            let left = self.evaluations;
            let mut line = Line { theta, direction, start, slack, rules: self, evaluate, left };
            match line.search(first) {
                Search::Found(trial) => {
                    let Trial { t, at: Some((to, value)), .. } = *trial else { return Outcome::Stalled };
                    let minus = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect();
                    memory.push(minus(&to, theta), minus(&value.gradient, &here.gradient), self.history);
                    return Outcome::Step(Step { theta: to, value, length: t });
                }
                Search::Stopped => return Outcome::Stopped,
                Search::Nothing if memory.pairs.is_empty() => return Outcome::Stalled,
                // Old curvature may mislead: once more along the gradient.
                Search::Nothing => memory.pairs.clear(),
            }
        }
    }
}
