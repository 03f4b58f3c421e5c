//! Paths between two minima: the network at t, its losses along the way, barriers, lengths.
//!
//! w(t) = sum_k c_k(t) w_k with the shares c_k of a [`Curve`]. The *barrier* of a path is the most by which the loss on it
//! rises above the straight interpolation of its ends (Frankle et al. 2020, arXiv 1912.05671; Entezari et al. 2022):
//! max over t of L(t) - ((1 - t) L(0) + t L(1)).
//!
//! Running statistics of norms belong to one network. Between two they are recomputed at every point by a pass over the
//! training samples (Garipov et al. 2018, arXiv 1802.10026), or move along with the weights; kept as they were, they would
//! give another loss. Singular vectors of spectral norm are renewed with them, or move along. Both ends are treated as what
//! lies between them, so that a barrier is that of one function; with what is recomputed it is not the one that training
//! reported.

use super::alignments::{Align, Aligned, Pair};
use super::curves::{Chain, Linear};
use super::geometry::{difference, dot};
use super::{Alignment, Curve};
use crate::base::{Result, Streams, parallel};
use crate::nn::losses::Criterion;
use crate::nn::{At, Evaluation, MeanLoss, Network, Point, Statistics};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Parameters and state of a network.
pub type Weights = (Vec<f64>, Vec<f64>);

/// Where statistics of norms come from between two networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Between {
    /// Made anew at every point, by a pass over the training samples
    #[default]
    Refresh,
    /// Those of the two ends, moved along with the weights
    Interpolate,
}

/// A way from one network to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// What it is made of.
    pub curve: Curve,
    /// The parameters of the ends, and of the bends between them.
    pub control: Vec<Vec<f64>>,
    /// The state of the ends.
    pub states: [Vec<f64>; 2],
}

impl Path {
    /// The straight line.
    pub fn line((a, at_a): Weights, (b, at_b): Weights) -> Self {
        Self { curve: Curve::Linear(Linear::default()), control: vec![a, b], states: [at_a, at_b] }
    }

    /// Straight pieces through all of `control`.
    pub fn chain(control: Vec<Vec<f64>>, states: [Vec<f64>; 2]) -> Self {
        let curve = match control.len() {
            0..=2 => Curve::Linear(Linear::default()),
            n => Curve::Chain(Chain { bends: n - 2 }),
        };
        Self { curve, control, states }
    }

    /// A curve whose bends still lie on the line.
    pub fn start(curve: &Curve, (a, at_a): Weights, (b, at_b): Weights) -> Self {
        let at = |k: usize| -> Vec<f64> {
            match (k, curve.start(k)) {
                (0, _) => a.clone(),
                (k, _) if k == curve.bends() + 1 => b.clone(),
                (_, t) => a.iter().zip(&b).map(|(a, b)| (1.0 - t) * a + t * b).collect(),
            }
        };
        let control = (0..curve.bends() + 2).map(at).collect();
        Self { curve: curve.clone(), control, states: [at_a, at_b] }
    }

    /// The parameters at t; those of the ends at 0 and 1, to the bit.
    pub fn theta(&self, t: f64) -> Vec<f64> {
        let mut shares = self.curve.coefficients(t).into_iter().zip(&self.control).filter(|(c, _)| *c != 0.0);
        let Some((c, first)) = shares.next() else { return Vec::new() };
        let mut theta: Vec<f64> = first.iter().map(|w| c * w).collect();
        for (c, w) in shares {
            theta.iter_mut().zip(w).for_each(|(x, w)| *x += c * w);
        }
        theta
    }

    /// The state at t, moved along with the weights.
    pub fn state(&self, network: &Network, t: f64) -> Vec<f64> {
        network.mixed([&self.states[0], &self.states[1]], t)
    }

    /// Distances along the path from its start to each of `t`, ascending; each stretch by so many straight pieces.
    pub fn lengths(&self, t: &[f64], pieces: usize) -> Vec<f64> {
        // Relative to the first control point, so that lengths do not come out of cancellation.
        let spokes: Vec<Vec<f64>> = self.control.iter().map(|w| difference(w, &self.control[0])).collect();
        let n = spokes.len();
        let gram: Vec<f64> = parallel::map(n * n, &|ij| dot(&spokes[ij / n], &spokes[ij % n]));
        let distance = |s: f64, t: f64| {
            let d = difference(&self.curve.coefficients(t), &self.curve.coefficients(s));
            let square: f64 = (0..n * n).map(|ij| d[ij / n] * d[ij % n] * gram[ij]).sum();
            square.max(0.0).sqrt()
        };
        let mut all = Vec::with_capacity(t.len());
        let (mut length, mut from) = (0.0, 0.0);
        for t in t {
            let at = |i: usize| from + (t - from) * i as f64 / pieces as f64;
            length += (0..pieces).map(|i| distance(at(i), at(i + 1))).sum::<f64>();
            all.push(length);
            from = *t;
        }
        all
    }
}

/// `n` points from 0 to 1, both among them.
pub fn evenly(n: usize) -> Vec<f64> {
    (0..n).map(|i| i as f64 / (n.max(2) - 1) as f64).collect()
}

/// The most by which `values` rise above the straight interpolation of the first and the last, at least 0, since both ends
/// are on the path; NaN if one of them is. `t` goes from 0 to 1.
pub fn barrier(t: &[f64], values: &[f64]) -> f64 {
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return f64::NAN };
    let rise = |(t, value): (&f64, &f64)| value - ((1.0 - t) * first + t * last);
    // `max` would pass over NaN.
    let more = |most: f64, rise: f64| if most.is_nan() || rise < most { most } else { rise };
    t.iter().zip(values).map(rise).fold(0.0, more)
}

/// The mean of `values` along the path, by the trapezoidal rule over `lengths` ("int" in Garipov et al. 2018).
pub fn mean_along(lengths: &[f64], values: &[f64]) -> f64 {
    let pairs = lengths.windows(2).zip(values.windows(2));
    let integral: f64 = pairs.map(|(l, v)| (l[1] - l[0]) * (v[0] + v[1]) / 2.0).sum();
    match (lengths.first(), lengths.last()) {
        (Some(first), Some(last)) if last > first => integral / (last - first),
        _ => values.first().copied().unwrap_or(f64::NAN),
    }
}

/// What is met along a path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Where.
    pub t: Vec<f64>,
    /// Mean loss over the training samples.
    pub train_loss: Vec<f64>,
    /// Share of training samples that are not classified correctly.
    pub train_error: Vec<f64>,
    /// Mean loss over the test samples; NaN where there are none.
    pub test_loss: Vec<f64>,
    /// Share of test samples that are not classified correctly.
    pub test_error: Vec<f64>,
}

impl Profile {
    /// From what was found at each place on training and on test samples.
    pub fn of(t: Vec<f64>, all: &[(Evaluation, Evaluation)]) -> Self {
        let each = |f: &dyn Fn(&(Evaluation, Evaluation)) -> f64| all.iter().map(f).collect::<Vec<f64>>();
        Self {
            train_loss: each(&|e| e.0.loss),
            train_error: each(&|e| 1.0 - e.0.accuracy),
            test_loss: each(&|e| e.1.loss),
            test_error: each(&|e| 1.0 - e.1.accuracy),
            t,
        }
    }
}

/// Evaluates networks on the way from one to another.
#[derive(Debug)]
pub struct Evaluator {
    train: Box<dyn MeanLoss>,
    test: Option<Box<dyn MeanLoss>>,
    /// What the state is recomputed from, where it is.
    groups: Option<Box<dyn MeanLoss>>,
}

impl Evaluator {
    /// On these samples, with running statistics; those that are recomputed are those of training samples in groups of `batch`.
    /// Refuses samples that are too few for that.
    pub fn new(
        train: Box<dyn MeanLoss>,
        test: Box<dyn MeanLoss>,
        between: Between,
        batch: usize,
    ) -> Result<Self> {
        let layout = train.network().layout();
        let refreshes = between == Between::Refresh && layout.state_size() > 0;
        if refreshes {
            layout.check_group("refreshed statistics", train.samples())?;
        }
        let groups = refreshes.then(|| train.with_statistics(Statistics::Groups(batch)));
        let test = Some(test).filter(|test| test.samples() > 0);
        Ok(Self { train, test, groups })
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        self.train.network()
    }

    /// The loss over the training samples, with running statistics.
    pub fn train(&self) -> &dyn MeanLoss {
        &*self.train
    }

    /// The loss over the test samples, if there are some.
    pub fn test(&self) -> Option<&dyn MeanLoss> {
        self.test.as_deref()
    }

    /// The loss over the training samples, with statistics of groups where those are recomputed: what signals inside a
    /// network are compared on.
    pub fn inside(&self) -> &dyn MeanLoss {
        self.groups.as_deref().unwrap_or(self.train())
    }

    /// Which units of `b` play the parts of `a`'s, found on the training samples; `observe` hears of pieces of work, done
    /// and in all.
    pub fn align(
        &self,
        alignment: &Alignment,
        [a, b]: [&Weights; 2],
        seed: u64,
        observe: &dyn Fn(usize, usize),
    ) -> Result<Aligned> {
        let [a, b] = [a, b].map(|(theta, state)| At { theta, state });
        let streams = Streams::new(seed);
        let pair = Pair { objective: self.inside(), a, b, streams: &streams };
        alignment.align(&pair, observe)
    }

    /// Parameters in the loss's precision, and the state that belongs to them: `state`, or one recomputed.
    pub fn place(&self, theta: &[f64], state: &[f64]) -> Point {
        let mut point = Point { theta: theta.to_vec(), state: state.to_vec() }.to(self.train.precision());
        if let Some(groups) = &self.groups {
            point.state = groups.refresh(point.at());
        }
        point
    }

    /// Mean loss and accuracy on training and test samples.
    pub fn evaluate(&self, theta: &[f64], state: &[f64]) -> (Evaluation, Evaluation) {
        let place = self.place(theta, state);
        let none = Evaluation { loss: f64::NAN, accuracy: f64::NAN };
        (self.train.evaluate(place.at()), self.test.as_ref().map_or(none, |t| t.evaluate(place.at())))
    }

    /// The losses at `points` places, evenly spread over t; `observe` hears of each, from any thread.
    pub fn profile(&self, path: &Path, points: usize, observe: &(dyn Fn() + Sync)) -> Profile {
        let t = evenly(points);
        let at = |t: &f64| {
            let found = self.evaluate(&path.theta(*t), &path.state(self.network(), *t));
            observe();
            found
        };
        let all: Vec<(Evaluation, Evaluation)> = parallel::map(t.len(), &|i| at(&t[i]));
        Profile::of(t, &all)
    }

    /// What the networks of `members` say together of the test samples; none without test samples or where the loss has no
    /// such thing.
    pub fn ensemble(&self, members: &[Weights]) -> Option<Evaluation> {
        let test = self.test()?;
        Ensemble::of(test).grown(self, members).pop()?
    }

    /// What the first k networks of `members` say together of training and of test samples, for each k from 1 on; none where
    /// [`ensemble`](Self::ensemble) has none.
    pub fn ensembles(&self, members: &[Weights]) -> [Vec<Option<Evaluation>>; 2] {
        let none = || vec![None; members.len()];
        let test = self.test().map_or_else(none, |test| Ensemble::of(test).grown(self, members));
        [Ensemble::of(&*self.train).grown(self, members), test]
    }
}

/// Networks that predict together: the mean of what each predicts.
struct Ensemble<'a> {
    objective: &'a dyn MeanLoss,
    sum: Vec<f64>,
    count: usize,
}

impl<'a> Ensemble<'a> {
    /// One without members.
    fn of(objective: &'a dyn MeanLoss) -> Self {
        Self { objective, sum: Vec::new(), count: 0 }
    }

    /// What it says after each further member.
    fn grown(mut self, evaluator: &Evaluator, members: &[Weights]) -> Vec<Option<Evaluation>> {
        members.iter().map(|member| self.with(evaluator, member)).collect()
    }

    /// One member more, and what all of them say.
    fn with(&mut self, evaluator: &Evaluator, (theta, state): &Weights) -> Option<Evaluation> {
        let (loss, rows) = (&evaluator.network().spec().loss, evaluator.network().spec().outputs);
        let mut outputs = self.objective.outputs(evaluator.place(theta, state).at());
        outputs.chunks_mut(rows).for_each(|column| loss.predict(column));
        self.sum.resize(outputs.len(), 0.0);
        self.sum.iter_mut().zip(&outputs).for_each(|(s, x)| *s += x);
        self.count += 1;
        let mean: Vec<f64> = self.sum.iter().map(|s| s / self.count as f64).collect();
        self.objective.judge(&mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::registry::Registry;

    #[test]
    fn shares_sum_to_one_and_are_exact_at_the_ends() {
        for text in ["bezier", "bezier:bends=4", "chain", "chain:bends=5", "linear"] {
            let curve = Curve::parse(text).unwrap();
            for i in 0..=40 {
                let shares = curve.coefficients(i as f64 / 40.0);
                assert_eq!(shares.len(), curve.bends() + 2);
                assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-15 * shares.len() as f64);
            }
            let (start, end) = (curve.coefficients(0.0), curve.coefficients(1.0));
            assert!(start[0] == 1.0 && start[1..].iter().all(|c| *c == 0.0), "{text}: {start:?}");
            assert!(
                end.ends_with(&[1.0]) && end[..end.len() - 1].iter().all(|c| *c == 0.0),
                "{text}: {end:?}"
            );
        }
    }

    #[test]
    fn barriers_are_rises_above_the_interpolation_of_the_ends() {
        let t = [0.0, 0.25, 0.5, 1.0];
        // Above the line from 1 to 3: .5 at t = .25, 0 at .5.
        assert!((barrier(&t, &[1.0, 2.0, 2.0, 3.0]) - 0.5).abs() < 1e-15);
        assert_eq!(barrier(&t, &[1.0, 0.0, 0.0, 1.0]), 0.0);
        assert!(barrier(&t, &[1.0, f64::NAN, 5.0, 1.0]).is_nan());
        assert_eq!(barrier(&t, &[1.0, f64::INFINITY, 0.0, 1.0]), f64::INFINITY);
    }

    #[test]
    fn a_chain_is_as_long_as_its_pieces() {
        let control = vec![vec![0.0, 0.0], vec![3.0, 4.0], vec![3.0, 16.0]];
        let path = Path::chain(control, [Vec::new(), Vec::new()]);
        let lengths = path.lengths(&evenly(5), 1);
        for (found, expected) in lengths.iter().zip([0.0, 2.5, 5.0, 11.0, 17.0]) {
            assert!((found - expected).abs() < 1e-12, "{lengths:?}");
        }
        // Values 0 on the first piece, rising to 12 on the second: 72 over 17.
        let mean = mean_along(&lengths, &[0.0, 0.0, 0.0, 6.0, 12.0]);
        assert!((mean - 72.0 / 17.0).abs() < 1e-12);
    }
}
