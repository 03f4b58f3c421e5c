//! Slices: exact quadratics for linear models, the loss itself at every point, lengths that normalisation
//! promises, and bits that depend on nothing but the point.

use crate::analytic::{agree, gaussian, network, objective};
use losscape::autodiff::{Curvature, Element};
use losscape::base::Streams;
use losscape::landscape::directions::gaussian::gaussian as direction;
use losscape::landscape::slice::Point;
use losscape::landscape::{Normalization, Slicer, State};
use losscape::nn::{Evaluation, Network, Objective, Role, Samples, Spec, Statistics, Tally};
use std::sync::Arc;

const POINTS: [Point; 7] = [
    [0.0, 0.0, 0.0],
    [1.0, 0.0, 0.0],
    [-0.5, 0.0, 0.0],
    [0.25, 1.0, 0.0],
    [-2.0, 1.0, 0.0],
    [3.0, -1.5, 0.0],
    [0.1, -1.5, 0.0],
];

fn labels(n: usize, classes: usize) -> Vec<u32> {
    (0..n).map(|i| (i * i % 11 % classes) as u32).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn slice<E: Element>(
    objective: &Objective<E>,
    theta: &[f64],
    directions: &[Vec<f64>; 2],
    memory: usize,
) -> Vec<Evaluation> {
    Slicer::new(objective, theta, State::Frozen(Vec::new()), directions, memory)
        .evaluate(&POINTS, &|_| {})
        .expect("a slice")
}

#[test]
fn a_linear_model_with_squared_error_is_an_exact_quadratic() {
    let network = network("mlp:hidden=[]", "squared-error", 5, 3);
    let n = 700;
    let objective = objective::<f64>(&network, &gaussian("slices/data", n * 5), &labels(n, 3));
    let p = network.layout().size();
    let [theta, d, e] = ["theta", "d", "e"].map(|name| gaussian(&format!("slices/{name}"), p));
    let (at, gradient) = objective.gradient(&theta, &[]);
    let products =
        objective.linearize(&theta, &[], Curvature::Hessian, usize::MAX).products(&[&d[..], &e].concat(), 2);
    let (hd, he) = products.split_at(p);
    let expected = POINTS.map(|[x, y, _]| {
        let linear = x * dot(&gradient, &d) + y * dot(&gradient, &e);
        at.loss + linear + 0.5 * (x * x * dot(&d, hd) + 2.0 * x * y * dot(&d, he) + y * y * dot(&e, he))
    });
    let found = slice(&objective, &theta, &[d, e], usize::MAX).into_iter();
    for (f, e) in found.zip(expected) {
        // 1e-12 of the largest terms in the sum.
        agree("quadratic", &[f.loss / e.max(1.0)], &[e / e.max(1.0)], 1e-12);
    }
}

/// A network, data, labels, parameters and two directions.
type Case = (Arc<Network>, Vec<f64>, Vec<u32>, Vec<f64>, [Vec<f64>; 2]);

fn deep() -> Case {
    let network = network("mlp:hidden=[9,7]", "cross-entropy", 6, 4);
    let n = 1201; // three chunks of two sizes
    let p = network.layout().size();
    let theta: Vec<f64> = gaussian("deep/theta", p).iter().map(|t| 0.5 * t).collect();
    let directions = ["d", "e"].map(|name| gaussian(&format!("deep/{name}"), p));
    (network, gaussian("deep/data", n * 6), labels(n, 4), theta, directions)
}

/// Directions along everything, along weights alone, and along the last layer alone, so that the affine piece is
/// the whole first layer, is that with a still bias, and stands still.
fn variants(network: &Network, all: &[Vec<f64>; 2]) -> Vec<[Vec<f64>; 2]> {
    let keep = |wanted: fn(&losscape::nn::Parameter) -> bool| {
        all.clone().map(|mut d| {
            for p in network.layout().parameters.iter().filter(|p| !wanted(p)) {
                d[p.range()].fill(0.0);
            }
            d
        })
    };
    vec![all.clone(), keep(|p| p.role == Role::Weight), keep(|p| p.name.starts_with('4')), keep(|_| false)]
}

#[test]
fn every_point_is_the_loss_of_its_own_parameters() {
    let (network, data, labels, theta, directions) = deep();
    let objective = objective::<f64>(&network, &data, &labels);
    for directions in variants(&network, &directions) {
        let found = slice(&objective, &theta, &directions, usize::MAX);
        for ([x, y, _], found) in POINTS.iter().zip(found) {
            let there: Vec<f64> =
                (0..theta.len()).map(|i| theta[i] + y * directions[1][i] + x * directions[0][i]).collect();
            let expected = objective.evaluate(&there, &[]);
            agree("loss", &[found.loss / expected.loss], &[1.0], 1e-12);
            assert_eq!(found.accuracy, expected.accuracy, "at ({x}, {y})");
        }
    }
}

fn same_bits<E: Element>() {
    let (network, data, labels, theta, directions) = deep();
    let objective = objective::<E>(&network, &data, &labels);
    let theta: Vec<f64> = theta.iter().map(|t| E::from_f64(*t).to_f64()).collect();
    let single: Vec<E> = theta.iter().map(|t| E::from_f64(*t)).collect();
    let center = objective.evaluate(&single, &[]);
    for directions in variants(&network, &directions) {
        let expected = slice(&objective, &theta, &directions, usize::MAX);
        assert_eq!(expected[0], center, "the centre is the network's own loss");
        for threads in [1, 2, 4] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            for memory in [0, 60_000, usize::MAX] {
                let found = pool.install(|| slice(&objective, &theta, &directions, memory));
                assert_eq!(found, expected, "{threads} threads, {memory} bytes, {}", E::NAME);
            }
        }
        // Any order, any company: a point's value is its own.
        let slicer = Slicer::new(&objective, &theta, State::Frozen(Vec::new()), &directions, usize::MAX);
        for i in [6, 2, 0, 5] {
            let alone = slicer.evaluate(&POINTS[i..=i], &|_| {}).expect("a slice");
            assert_eq!(alone[0], expected[i], "point {i} alone");
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads_memory_or_order() {
    same_bits::<f32>();
    same_bits::<f64>();
}

fn norm(v: &[f64]) -> f64 {
    dot(v, v).sqrt()
}

#[test]
fn normalisation_gives_each_part_the_length_of_the_networks_own() {
    let network = network("mlp:hidden=[4]", "cross-entropy", 5, 3);
    let layout = network.layout();
    let mut theta = gaussian("norm/theta", layout.size());
    let zero = layout.parameters[0].filters().nth(2).expect("a third neuron");
    theta[zero.clone()].fill(0.0);
    let drawn = direction(&Streams::new(3), 0, theta.len());
    for others in [false, true] {
        for kind in ["filter", "layer", "weight", "none"] {
            let mut d = drawn.clone();
            kind.parse::<Normalization>().expect("a kind").apply(layout, &theta, |_| others, &mut d);
            for p in &layout.parameters {
                let (w, v, raw) = (&theta[p.range()], &d[p.range()], &drawn[p.range()]);
                if p.role == Role::Bias {
                    let expected = if others { w.to_vec() } else { vec![0.0; w.len()] };
                    assert_eq!(v, expected, "{kind}: {}", p.name);
                    continue;
                }
                // Positive multiples of what was drawn, part by part; 1e-9 leaves room for the 1e-10 in the quotient.
                let kept = kind == "weight" || v.iter().zip(raw).all(|(v, r)| v * r >= 0.0);
                assert!(kept, "{kind}: a sign changed");
                match kind {
                    "filter" => {
                        for f in p.filters() {
                            agree("filter norm", &[norm(&d[f.clone()])], &[norm(&theta[f.clone()])], 1e-9);
                            let cosine = dot(&d[f.clone()], &drawn[f.clone()]);
                            let lengths = norm(&d[f.clone()]) * norm(&drawn[f]);
                            agree("filter direction", &[cosine], &[lengths], 1e-12 * lengths.max(1.0));
                        }
                    }
                    "layer" => agree("layer norm", &[norm(v)], &[norm(w)], 1e-9),
                    "weight" => assert!(v.iter().zip(w).zip(raw).all(|((v, w), r)| *v == w * r)),
                    _ => assert_eq!(v, raw),
                }
            }
            if kind == "filter" {
                assert!(d[zero.clone()].iter().all(|x| *x == 0.0), "a dead neuron does not move");
            }
        }
    }
}

#[test]
fn directions_are_gaussian_and_of_their_own_stream() {
    let p = 4450;
    let draw = |seed, index| direction(&Streams::new(seed), index, p);
    let (a, n) = (draw(0, 0), p as f64);
    assert_eq!(a, draw(0, 0));
    assert!(a != draw(0, 1) && a != draw(1, 0));
    // Mean, variance and fourth moment of N(0, 1), at four standard errors.
    let moment = |k: i32| a.iter().map(|x| x.powi(k)).sum::<f64>() / n;
    assert!(moment(1).abs() < 4.0 / n.sqrt());
    assert!((moment(2) - 1.0).abs() < 4.0 * (2.0 / n).sqrt());
    assert!((moment(4) - 3.0).abs() < 4.0 * (96.0 / n).sqrt());
}

/// Points of a volume, several to a row.
const VOLUME: [Point; 8] = [
    [0.0, 0.0, 0.0],
    [0.7, 0.0, 0.0],
    [-0.4, 0.0, 0.0],
    [0.2, 0.5, 0.0],
    [0.2, 0.5, -0.8],
    [-1.0, 0.5, -0.8],
    [0.3, -0.6, 0.9],
    [1.5, 0.0, 0.9],
];

/// Networks that begin with more than a dense layer: a convolution, with frozen norm, with a residual branch around
/// two convolutions, all linear; and residual layers.
fn leading() -> Vec<(&'static str, serde_json::Value, Vec<usize>)> {
    let conv = |norm: &str| serde_json::json!({"kind": "conv", "channels": 2, "norm": norm});
    let normed =
        || serde_json::json!([{"kind": "conv", "channels": 2}, {"kind": "normalize", "norm": "batch"}]);
    let images = vec![2, 4, 4];
    vec![
        ("cnn", serde_json::json!("cnn:channels=[2,3],norm=batch"), images.clone()),
        ("plain cnn", serde_json::json!("cnn:channels=[3],norm=none,activation=tanh"), images.clone()),
        ("residual mlp", serde_json::json!("mlp:hidden=[5,5,5,5],residual=2,norm=batch"), vec![5]),
        (
            "linear residual branch",
            serde_json::json!({"kind": "layers", "layers": [
                {"kind": "residual", "body": normed()}, "activate", conv("none"), "global-pool"]}),
            images,
        ),
    ]
}

/// A network's objective, parameters, state with positive variances, and three directions.
struct Around<E> {
    objective: Objective<E>,
    theta: Vec<f64>,
    state: Vec<E>,
    directions: Vec<Vec<f64>>,
}

fn around<E: Element>(name: &str, model: serde_json::Value, input: Vec<usize>) -> Around<E> {
    let features: usize = input.iter().product();
    let model = serde_json::from_value(model).unwrap_or_else(|e| panic!("{name}: {e}"));
    let loss = "cross-entropy".parse().expect("a loss");
    let network = Arc::new(Network::new(Spec { model, loss, input, outputs: 3 }).expect(name));
    let n = 150;
    let samples = Samples::new(&network, &gaussian(&format!("{name}/data"), n * features), &labels(n, 3));
    let p = network.layout().size();
    let single = |x: f64| E::from_f64(x).to_f64();
    let state = gaussian(&format!("{name}/state"), network.layout().state_size());
    Around {
        theta: gaussian(&format!("{name}/theta"), p).iter().map(|t| single(0.5 * t)).collect(),
        state: state.iter().map(|s| E::from_f64(0.5 + s * s)).collect(),
        directions: (0..3)
            .map(|k| gaussian(&format!("{name}/{k}"), p).iter().map(|d| 0.4 * d).collect())
            .collect(),
        objective: Objective::new(network, Arc::new(samples), Statistics::Running),
    }
}

#[test]
fn every_point_of_lines_planes_and_volumes_is_the_loss_of_its_own_parameters() {
    for (name, model, input) in leading() {
        let Around { objective, theta, state, directions } = around::<f64>(name, model, input);
        let layout = objective.network().layout();
        // Everything moves, or only what filter normalisation of weights leaves.
        let still = directions.iter().map(|d| {
            let mut d = d.clone();
            Normalization::default().apply(layout, &theta, |_| false, &mut d);
            d
        });
        let still: Vec<Vec<f64>> = still.collect();
        for (directions, count) in
            [&directions, &still].into_iter().flat_map(|d| (1..=3).map(move |n| (d, n)))
        {
            let directions = &directions[..count];
            let frozen = State::Frozen(state.clone());
            let slicer = Slicer::new(&objective, &theta, frozen, directions, usize::MAX);
            let found = slicer.evaluate(&VOLUME, &|_| {}).expect("a slice");
            for (point, found) in VOLUME.iter().zip(found) {
                let there: Vec<f64> = (0..theta.len())
                    .map(|i| theta[i] + directions.iter().zip(point).map(|(d, c)| c * d[i]).sum::<f64>())
                    .collect();
                let expected = objective.evaluate(&there, &state);
                // Rounding of sums of some 100 terms, through at most five layers.
                agree(name, &[found.loss / expected.loss], &[1.0], 1e-12);
                assert_eq!(found.accuracy, expected.accuracy, "{name}, {count}: {point:?}");
                // What measures are computed from is the same place.
                agree(name, &slicer.at(point).0, &there, 1e-14);
            }
            assert_eq!(slicer.at(&[0.0; 3]), (theta.clone(), state.clone()), "the centre is the network");
        }
    }
}

fn same_bits_in_volumes<E: Element>() {
    for (name, model, input) in leading() {
        let Around { objective, theta, state, directions } = around::<E>(name, model, input);
        let slicer = |memory| {
            Slicer::new(
                &objective,
                &theta,
                State::Frozen(state.iter().map(|s| s.to_f64()).collect()),
                &directions,
                memory,
            )
        };
        let expected = slicer(usize::MAX).evaluate(&VOLUME, &|_| {}).expect("a slice");
        let single: Vec<E> = theta.iter().map(|t| E::from_f64(*t)).collect();
        assert_eq!(
            expected[0],
            objective.evaluate(&single, &state),
            "{name}: the centre is the network's own"
        );
        for threads in [1, 2, 4] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            for memory in [0, 40_000, usize::MAX] {
                let found = pool.install(|| slicer(memory).evaluate(&VOLUME, &|_| {})).expect("a slice");
                assert_eq!(found, expected, "{name}: {threads} threads, {memory} bytes, {}", E::NAME);
            }
        }
        let order = [5, 0, 7, 2, 6, 3, 1, 4];
        let shuffled: Vec<Point> = order.iter().map(|i| VOLUME[*i]).collect();
        let found = slicer(usize::MAX).evaluate(&shuffled, &|_| {}).expect("a slice");
        for (found, i) in found.iter().zip(order) {
            assert_eq!(*found, expected[i], "{name}: point {i} in another order");
        }
    }
}

#[test]
fn bits_of_volumes_do_not_depend_on_threads_memory_or_order() {
    same_bits_in_volumes::<f32>();
    same_bits_in_volumes::<f64>();
}

#[test]
fn a_linear_models_volume_is_an_exact_quadratic() {
    let network = network("mlp:hidden=[]", "squared-error", 5, 3);
    let n = 300;
    let objective = objective::<f64>(&network, &gaussian("volume/data", n * 5), &labels(n, 3));
    let p = network.layout().size();
    let theta = gaussian("volume/theta", p);
    let directions: Vec<Vec<f64>> = (0..3).map(|k| gaussian(&format!("volume/{k}"), p)).collect();
    let (at, gradient) = objective.gradient(&theta, &[]);
    let products =
        objective.linearize(&theta, &[], Curvature::Hessian, usize::MAX).products(&directions.concat(), 3);
    let slicer = Slicer::new(&objective, &theta, State::Frozen(Vec::new()), &directions, usize::MAX);
    for (point, found) in VOLUME.iter().zip(slicer.evaluate(&VOLUME, &|_| {}).expect("a slice")) {
        let mut expected = at.loss;
        for (c, d) in point.iter().zip(&directions) {
            expected += c * dot(&gradient, d);
            for (b, h) in point.iter().zip(products.chunks(p)) {
                expected += 0.5 * c * b * dot(d, h);
            }
        }
        agree("quadratic", &[found.loss / expected.max(1.0)], &[expected / expected.max(1.0)], 1e-12);
    }
}

/// (W1, b1) -> a (W1, b1), W2 -> W2 / a leaves a ReLU network's function alone (Dinh et al. 2017), and with it all
/// slices along filter-normalised directions.
#[test]
fn a_rescaled_twin_has_the_same_normalised_slices_and_other_raw_ones() {
    let network = network("mlp:hidden=[8]", "cross-entropy", 6, 4);
    let layout = network.layout();
    let objective = objective::<f64>(&network, &gaussian("twin/data", 200 * 6), &labels(200, 4));
    let theta: Vec<f64> = gaussian("twin/theta", layout.size()).iter().map(|t| 0.5 * t).collect();
    let a = 7.0;
    let mut twin = theta.clone();
    for (p, scale) in layout.parameters.iter().zip([a, a, 1.0 / a, 1.0]) {
        twin[p.range()].iter_mut().for_each(|t| *t *= scale);
    }
    let drawn = [0, 1].map(|k| direction(&Streams::new(4), k, theta.len()));
    let losses = |theta: &[f64], kind: &str, biases: bool| -> Vec<f64> {
        let directions = drawn.clone().map(|mut d| {
            kind.parse::<Normalization>().expect("a kind").apply(layout, theta, |_| biases, &mut d);
            d
        });
        slice(&objective, theta, &directions, usize::MAX).iter().map(|e| e.loss).collect()
    };
    let off = |kind: &str, biases: bool| {
        let (own, other) = (losses(&theta, kind, biases), losses(&twin, kind, biases));
        own.iter().zip(other).map(|(own, other)| (own - other).abs() / own).fold(0.0, f64::max)
    };
    for biases in [false, true] {
        for kind in ["filter", "layer", "weight"] {
            // The 1e-10 beside norms of drawn filters is the same for both: only rounding is left.
            assert!(off(kind, biases) <= 1e-10, "{kind}, {biases}: {}", off(kind, biases));
        }
        assert!(off("none", biases) > 0.1, "raw, {biases}: {}", off("none", biases));
    }
}

#[test]
fn the_standard_error_is_the_textbooks() {
    let network = network("mlp:hidden=[5]", "cross-entropy", 4, 3);
    let (n, population) = (37, 100);
    let (data, labels) = (gaussian("error/data", 4 * n), labels(n, 3));
    let theta = gaussian("error/theta", network.layout().size());
    let direction = gaussian("error/d", theta.len());
    let whole = objective::<f64>(&network, &data, &labels);
    let slicer =
        Slicer::new(&whole, &theta, State::Frozen(Vec::new()), std::slice::from_ref(&direction), usize::MAX);
    let points = [-0.7, 0.0, 1.3].map(|x| [x, 0.0, 0.0]);
    for (point, tally) in points.iter().zip(slicer.tallies(&points, &|_| {}).expect("sums")) {
        let there: Vec<f64> = theta.iter().zip(&direction).map(|(t, d)| t + point[0] * d).collect();
        let single = |i: usize| {
            let one = objective::<f64>(&network, &data[4 * i..4 * i + 4], &labels[i..=i]);
            one.evaluate(&there, &[]).loss
        };
        let losses: Vec<f64> = (0..n).map(single).collect();
        let mean = losses.iter().sum::<f64>() / n as f64;
        let variance = losses.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
        // Of a sample without replacement: times the share of the population that was not drawn.
        let expected = (variance / n as f64 * (1.0 - n as f64 / population as f64)).sqrt();
        // Sums of squares lose mean^2 / variance of their digits, some ten here.
        agree("error", &[tally.standard_error(n, population) / expected], &[1.0], 1e-13);
        assert_eq!(tally.standard_error(n, n), 0.0, "nothing was left out");
    }
    // Where the loss is no number, neither is its error; of one sample nothing is known.
    let far = slicer.tallies(&[[1e200, 0.0, 0.0]], &|_| {}).expect("sums")[0];
    assert!(!far.mean(n).loss.is_finite() && far.standard_error(n, population).is_nan(), "{far:?}");
    let one = Tally { loss: 0.5, square: 0.25, correct: Some(1.0) };
    assert!(one.standard_error(1, 10).is_nan());
}
