//! Slices: exact quadratics for linear models, the loss itself at every point, lengths that normalisation
//! promises, and bits that depend on nothing but the point.

use crate::{agree, gaussian, network, objective};
use losscape::autodiff::{Curvature, Element};
use losscape::base::Streams;
use losscape::landscape::directions::gaussian::gaussian as direction;
use losscape::landscape::slice::Point;
use losscape::landscape::{Normalization, Slicer, State};
use losscape::nn::{Evaluation, Network, Objective, Role};
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
                assert!(v.iter().zip(raw).all(|(v, r)| v * r >= 0.0), "{kind}: a sign changed");
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
                    "weight" => assert!(v.iter().zip(w).all(|(v, w)| v.abs() == w.abs())),
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
