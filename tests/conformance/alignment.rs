//! Alignments and REPAIR: permuted copies are found again on every architecture, nothing gets worse on the way, and what was
//! repaired has the statistics that were asked for.

use crate::conformance::check::{difference, gaussian, norm};
use crate::conformance::symmetry::{Point, models, point};
use losscape::autodiff::{Bindings, Plan};
use losscape::base::Streams;
use losscape::landscape::alignments::{Align, Aligned, Alignment, Pair};
use losscape::landscape::repair::{Mended, repair};
use losscape::nn::architectures::Architecture;
use losscape::nn::{At, Mode, Objective, Permutation, Samples, Statistics};
use std::sync::Arc;

const SAMPLES: usize = 24;

/// A network with samples to train on.
struct Case {
    point: Point,
    samples: Arc<Samples<f64>>,
    objective: Objective<f64>,
}

impl Case {
    fn new(model: &Architecture) -> Option<Self> {
        let point = point(model)?;
        let network = Arc::new(point.network.clone());
        let data = gaussian("alignment/data", 0, SAMPLES * network.features());
        let labels: Vec<u32> = (0..SAMPLES as u32).map(|i| i % 3).collect();
        let samples = Arc::new(Samples::<f64>::new(&network, &data, &labels));
        let objective = Objective::new(network, samples.clone(), Statistics::Groups(10));
        Some(Self { point, samples, objective })
    }

    fn of(text: &str) -> Self {
        let model = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        Self::new(&model).unwrap_or_else(|| panic!("{text} takes nothing"))
    }

    /// Some steps down the gradient from a start of its own.
    fn trained(&self, seed: u64, steps: usize) -> (Vec<f64>, Vec<f64>) {
        let mut theta = self.point.network.init(&Default::default(), &Streams::new(seed));
        let shift = gaussian(&self.point.name, seed, theta.len());
        theta.iter_mut().zip(shift).for_each(|(t, s)| *t += 0.03 * s);
        let mut state = self.point.network.start(&theta);
        for _ in 0..steps {
            let (_, gradient) = self.objective.gradient(&theta, &state);
            theta.iter_mut().zip(gradient).for_each(|(t, g)| *t -= 0.05 * g);
        }
        self.point.network.renew_to_convergence(&theta, &mut state);
        (theta.clone(), self.objective.refresh(&theta, &state))
    }

    fn align(&self, how: &str, a: &(Vec<f64>, Vec<f64>), b: &(Vec<f64>, Vec<f64>)) -> Aligned {
        let pair = Pair {
            objective: &self.objective,
            a: At { theta: &a.0, state: &a.1 },
            b: At { theta: &b.0, state: &b.1 },
            streams: &Streams::new(9),
        };
        let how: Alignment = how.parse().unwrap_or_else(|e| panic!("{how}: {e}"));
        how.align(&pair, &|_, _| {}).unwrap_or_else(|e| panic!("{}: {e}", self.point.name))
    }

    fn permutation(&self) -> Permutation {
        self.point.network.symmetry().random(&Streams::new(8), 0)
    }

    /// A permuted copy of a network is that network again.
    fn check_copy(&self, how: &str, a: &(Vec<f64>, Vec<f64>)) {
        let (name, permutation) = (&self.point.name, self.permutation());
        let b = permutation.apply(&a.0, &a.1);
        let found = self.align(how, a, &b);
        let (error, size) = (difference(&a.0, &found.theta), norm(&a.0));
        assert!(error <= 1e-12 * size, "{name}: {how} leaves {error:e} of {size:e}: {:?}", found.facts);
        assert_eq!(found.facts.distance, error);
        assert_eq!(found.permutation.apply(&b.0, &b.1), (found.theta, found.state));
        assert!(found.facts.distance_before > 1e-3 * size, "{name}: nothing had moved");
    }
}

#[test]
fn permuted_copies_are_matched_back_by_their_weights() {
    for model in models() {
        let Some(case) = Case::new(&model) else { continue };
        for steps in [0, 5] {
            case.check_copy("weights:restarts=10", &case.trained(1, steps));
        }
    }
}

/// From the copy as it stands, and from random starts, without the start that is made for copies.
#[test]
fn coordinate_descent_alone_finds_most_copies() {
    let (mut found, mut tried) = (0, 0);
    for text in ["mlp:hidden=[9,8]", "cnn:channels=[6,5],hidden=[7]", "resnet:width=0.25"] {
        let case = Case::of(text);
        let a = case.trained(2, 5);
        let b = case.permutation().apply(&a.0, &a.1);
        let starts = case.align("weights:restarts=10", &a, &b).facts.starts;
        assert_eq!(starts.len(), 10);
        tried += 9;
        found += starts.iter().enumerate().filter(|(i, d)| *i != 1 && **d <= 1e-12 * norm(&a.0)).count();
    }
    assert!(3 * found >= tried, "{found} of {tried} starts found the copy");
}

/// Without dead units, which nobody can tell apart by what they say.
#[test]
fn permuted_copies_are_matched_back_by_what_units_say() {
    let texts = [
        "mlp:hidden=[9,8],activation=tanh",
        "mlp:hidden=[8,8,8,8],residual=2,activation=tanh",
        "linear:hidden=[5,4]",
        "cnn:channels=[6,5],hidden=[7],activation=tanh",
        "resnet:width=0.25,activation=tanh",
        "resnet:width=0.25,projection=false,activation=tanh",
    ];
    for text in texts {
        let case = Case::of(text);
        let a = case.trained(1, 5);
        for how in ["activations", "activations:samples=20"] {
            case.check_copy(how, &a);
        }
    }
}

/// Least squares pairs units so that their activations differ least in all: no exchange of two of a group is better.
#[test]
fn least_squares_is_the_least_of_all_pairs() {
    let case = Case::of("mlp:hidden=[9],activation=tanh");
    let (a, b) = (case.trained(1, 5), case.trained(2, 5));
    let found = case.align("activations:correlation=false", &a, &b);
    let hidden = |theta: &[f64]| case.outputs_of("1", theta, &[]);
    let cost = |theta: &[f64]| difference(&hidden(&a.0), &hidden(theta));
    let best = cost(&found.theta);
    assert!(best < cost(&b.0), "{best} after, {} before", cost(&b.0));
    for i in 0..9 {
        for j in 0..i {
            let mut map: Vec<u32> = (0..9).collect();
            map.swap(i, j);
            let swapped = found.permutation.then_within(0, &map).apply(&b.0, &b.1).0;
            assert!(cost(&swapped) >= best - 1e-12, "units {i} and {j}");
        }
    }
}

#[test]
fn weight_matching_never_lengthens_the_distance() {
    for model in models() {
        let Some(case) = Case::new(&model) else { continue };
        let (a, b) = (case.trained(1, 3), case.trained(2, 3));
        let found = case.align("weights", &a, &b);
        let facts = &found.facts;
        assert!(facts.gains.iter().all(|g| *g >= 0.0), "{model}: {facts:?}");
        assert!(facts.starts[0] <= facts.distance_before, "{model}: {facts:?}");
        let nearest = facts.starts.iter().copied().fold(f64::INFINITY, f64::min);
        // A distance of its own sum, over all parameters in order.
        assert!((facts.distance - nearest).abs() <= 1e-12 * nearest, "{model}: {facts:?}");
        assert_eq!(facts.status, "no group gains", "{model}: {facts:?}");
        // The same function, as all permutations are.
        let [x, y] = [&b.0, &found.theta].map(|t| case.outputs(t));
        assert!(difference(&x, &y) <= 1e-12 * norm(&x), "{model}");
        let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
        let again = threads.install(|| case.align("weights", &a, &b));
        assert_eq!(again.theta, found.theta, "{model}: on one thread");
    }
}

#[test]
fn straight_through_matching_never_ends_above_its_start() {
    for text in ["mlp:hidden=[9,8]", "cnn:channels=[6,5],hidden=[7]", "mlp:hidden=[8,8],norm=spectral"] {
        let case = Case::of(text);
        let (a, b) = (case.trained(1, 20), case.trained(2, 20));
        let weights = case.align("weights", &a, &b);
        let found = case.align("straight-through:epochs=3,batch=7,lr=0.02", &a, &b);
        let halfway = |theta: &[f64], state: &[f64]| {
            let mid: Vec<f64> = a.0.iter().zip(theta).map(|(a, b)| (a + b) / 2.0).collect();
            let mut state = state.to_vec();
            case.point.network.renew_to_convergence(&mid, &mut state);
            case.objective.evaluate(&mid, &state).loss
        };
        let [before, after] = found.facts.losses.expect("losses");
        assert!(after <= before, "{text}: {before} to {after}");
        for (said, aligned) in [(before, &weights), (after, &found)] {
            let expected = halfway(&aligned.theta, &aligned.state);
            // Power iteration from elsewhere ends within rounding of the same vectors.
            assert!((said - expected).abs() <= 1e-9 * expected, "{text}: {said}, not {expected}");
        }
        assert_eq!(found.facts.status, "all epochs were made");
    }
}

#[test]
fn networks_that_are_not_finite_are_refused() {
    let case = Case::of("mlp:hidden=[4]");
    let a = case.trained(1, 0);
    let mut b = a.clone();
    b.0[3] = f64::NAN;
    let pair = Pair {
        objective: &case.objective,
        a: At { theta: &a.0, state: &a.1 },
        b: At { theta: &b.0, state: &b.1 },
        streams: &Streams::new(9),
    };
    let error = Alignment::default().align(&pair, &|_, _| {}).map(|_| ()).expect_err("a refusal");
    assert!(error.to_string().contains("expected") && error.to_string().contains("network B"), "{error}");
}

impl Case {
    /// The outputs for all samples, with running statistics.
    fn outputs(&self, theta: &[f64]) -> Vec<f64> {
        let point = &self.point;
        point.outputs(Mode::Batch, theta, &point.network.start(theta))
    }

    /// What a layer puts out for all samples at once, a channel a row.
    fn outputs_of(&self, layer: &str, theta: &[f64], state: &[f64]) -> Vec<f64> {
        let recording = self.point.network.record(SAMPLES, Mode::Running, false);
        let trace = recording.traces.iter().find(|t| t.name == layer).expect("the layer");
        let node = trace.signal.node;
        let plan = Plan::new(recording.program.tape().clone(), &[node], &[]);
        let inputs = self.samples.inputs(&(0..SAMPLES));
        let bindings = Bindings { theta, state, inputs: &inputs };
        let mut workspace = plan.workspace();
        plan.run(&bindings, &mut workspace);
        plan.values(bindings, &workspace).of(node).data.to_vec()
    }

    /// Mean and deviation of each of a layer's channels.
    fn moments(&self, layer: &str, theta: &[f64], state: &[f64]) -> Vec<[f64; 2]> {
        let x = self.outputs_of(layer, theta, state);
        let traces = self.point.network.traces();
        let trace = traces.iter().find(|t| t.name == layer).expect("the layer");
        let rows = trace.signal.channels();
        let n = (x.len() / rows) as f64;
        let channel = |c: usize| {
            let mean = x.iter().skip(c).step_by(rows).sum::<f64>() / n;
            let square = x.iter().skip(c).step_by(rows).map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            [mean, square.sqrt()]
        };
        (0..rows).map(channel).collect()
    }

    fn repaired(&self, a: &[Vec<f64>; 2], b: &[Vec<f64>; 2], t: f64) -> [Vec<f64>; 2] {
        let ends = [a, b].map(|[theta, state]| At { theta, state });
        let found = repair(&self.objective, ends[0], ends[1], t).expect("finite");
        [found.point.theta, found.point.state]
    }
}

#[test]
fn repaired_networks_have_the_statistics_of_their_ends() {
    for (text, both, deviation, nothing) in [
        ("mlp:hidden=[9,8],activation=tanh", 2, 0, 0),
        ("mlp:hidden=[9,8],bias=false", 0, 2, 0),
        ("mlp:hidden=[9,8],norm=weight", 2, 0, 0),
        ("mlp:hidden=[9,8],norm=spectral", 0, 0, 2),
        ("mlp:hidden=[9,8],norm=layer", 2, 0, 0),
        ("mlp:hidden=[9,8],norm=batch", 0, 0, 2),
        ("cnn:channels=[6,5],norm=none,hidden=[7]", 3, 0, 0),
        ("cnn:channels=[4,8],norm=group", 2, 0, 0),
        ("resnet:width=0.25,norm=none", 9, 0, 0),
        ("resnet:width=0.25", 0, 0, 9),
        (
            "layers:layers=[{kind=\"conv\",channels=6},\"normalize\",\"activate\",{kind=\"conv\",channels=5}]",
            1,
            0,
            1,
        ),
    ] {
        let case = Case::of(text);
        let [a, b] = [1, 2].map(|seed| {
            let (theta, state) = case.trained(seed, 5);
            [theta, state]
        });
        let found = repair(
            &case.objective,
            At { theta: &a[0], state: &a[1] },
            At { theta: &b[0], state: &b[1] },
            0.4,
        )
        .expect("finite");
        let count = |kind| found.layers.iter().filter(|(_, m)| *m == kind).count();
        let counts = [Mended::Both, Mended::Deviation, Mended::Nothing].map(count);
        assert_eq!(counts, [both, deviation, nothing], "{text}: {:?}", found.layers);
        for (layer, mended) in &found.layers {
            let of = |theta: &[f64], state: &[f64]| case.moments(layer, theta, state);
            let (of_a, of_b) = (of(&a[0], &a[1]), of(&b[0], &b[1]));
            let now = of(&found.point.theta, &found.point.state);
            let scale = of_a.iter().flatten().fold(1.0f64, |m, x| m.max(x.abs()));
            for (c, now) in now.iter().enumerate() {
                let wanted = [0, 1].map(|k| 0.6 * of_a[c][k] + 0.4 * of_b[c][k]);
                if *mended != Mended::Nothing && wanted[1] > 1e-9 {
                    let error = (now[1] - wanted[1]).abs();
                    assert!(error <= 1e-8 * scale, "{text}: {layer} {c}: {now:?} for {wanted:?}");
                }
                if *mended == Mended::Both {
                    let error = (now[0] - wanted[0]).abs();
                    assert!(error <= 1e-8 * scale, "{text}: {layer} {c}: {now:?} for {wanted:?}");
                }
            }
        }
        for (t, end) in [(0.0, &a), (1.0, &b)] {
            let found = case.repaired(&a, &b, t);
            for (found, end) in found.iter().zip(end) {
                let error = difference(found, end);
                assert!(error <= 1e-10 * norm(end).max(1.0), "{text}: {error:e} at t = {t}");
            }
        }
    }
}

/// The point of it: between two networks the deviations have collapsed, and afterwards they have not.
#[test]
fn deviations_collapse_between_networks_and_are_repaired() {
    let case = Case::of("mlp:hidden=[16,16,16]");
    let [a, b] = [1, 2].map(|seed| {
        let (theta, state) = case.trained(seed, 0);
        [theta, state]
    });
    let mid: Vec<f64> = a[0].iter().zip(&b[0]).map(|(a, b)| (a + b) / 2.0).collect();
    let mean = |theta: &[f64]| case.moments("4", theta, &[]).iter().map(|m| m[1]).sum::<f64>() / 16.0;
    let ends = (mean(&a[0]) + mean(&b[0])) / 2.0;
    assert!(mean(&mid) < 0.7 * ends, "{} between {ends}", mean(&mid));
    let repaired = mean(&case.repaired(&a, &b, 0.5)[0]);
    assert!((repaired - ends).abs() <= 1e-8 * ends, "{repaired}, not {ends}");
}
