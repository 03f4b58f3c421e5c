//! What random probes and power iteration say of matrices that are made from their spectrum: power iteration, traces,
//! quadrature, densities, and the operators made of operators.

use crate::analytic::known::{Counted, Rotated, dot, spectra};
use losscape::base::Streams;
use losscape::base::random::{Rng, normal};
use losscape::spectral::power::{self, power};
use losscape::spectral::quadrature::{self, quadrature};
use losscape::spectral::trace::{self, diagonal, frobenius, hutch_plus_plus, hutchinson};
use losscape::spectral::{
    Deflated, Dense, Estimate, Kernel, Krylov, Operator, Plus, Quadrature, Restricted, Scaled, Shifted,
    dense, vectors,
};
use std::ops::Range;

fn rng(seed: u64) -> Rng {
    Streams::new(seed).stream("spectra", 0)
}

/// The largest magnitude.
fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
}

// ---- power iteration

/// What must hold of any answer of power iteration.
fn power_holds(
    what: &str,
    operator: &Rotated,
    wanted: usize,
    found: &[power::Found],
    settings: &power::Settings,
) {
    let (values, n) = (&operator.values, operator.dimension());
    assert_eq!(found.len(), wanted.min(n), "{what}");
    let norm = largest(values);
    for (i, pair) in found.iter().enumerate() {
        let at = || format!("{what}: pair {i}: {}, {:?} after {}", pair.value, pair.stopped, pair.products);
        let [low, high] = pair.interval;
        assert!(values.iter().any(|v| (low..=high).contains(v)), "{}: none in {low}, {high}", at());
        // The residual is that of A itself, to what rounding does to another product.
        let product = operator.apply(&pair.vector, 1);
        let rest: Vec<f64> = product.iter().zip(&pair.vector).map(|(y, x)| y - pair.value * x).collect();
        let residual = largest(&rest) * dot(&rest, &rest).sqrt() / largest(&rest).max(f64::MIN_POSITIVE);
        if norm > 1e-100 {
            assert!((residual - pair.residual).abs() <= 1e-13 * norm, "{}: {residual}", at());
        }
        let within = pair.residual <= settings.tolerance * norm + 1e-13 * norm;
        assert!(!pair.converged() || within, "{}: {}", at(), pair.residual);
        assert!(
            pair.converged() || pair.products == settings.most_products || pair.residual > 0.0,
            "{}",
            at()
        );
        assert!(pair.products <= settings.most_products, "{}", at());
        assert!(pair.vector.iter().fold(0.0, |m: f64, x| if x.abs() > m.abs() { *x } else { m }) > 0.0);
        for (j, other) in found[..=i].iter().enumerate() {
            let expected = if i == j { 1.0 } else { 0.0 };
            assert!((dot(&pair.vector, &other.vector) - expected).abs() < 1e-12, "{}: {j}", at());
        }
    }
}

fn power_over(seeds: Range<u64>, sizes: &[usize]) {
    let settings = power::Settings::default();
    for seed in seeds {
        let mut rng = rng(seed);
        for &n in sizes {
            for (name, values) in spectra(n, &mut rng) {
                let what = format!("seed {seed}, n {n}, {name}");
                let operator = Rotated::new(values, 6, &mut rng);
                let counted = Counted::new(&operator);
                let found = power(&counted, 3, &mut rng, &settings).expect(&what);
                power_holds(&what, &operator, 3, &found, &settings);
                assert_eq!(counted.products(), found.iter().map(|f| f.products).sum::<usize>(), "{what}");
                if n == 1 || ["zero", "equal"].contains(&name) {
                    assert!(found.iter().all(|f| f.converged() && f.products == 1), "{what}");
                    let exact = operator.values[0];
                    assert!(found.iter().all(|f| (f.value - exact).abs() <= 1e-13 * exact.abs()), "{what}");
                }
                if name == "network" && n >= 60 {
                    // A residual of 1e-2 at gaps of 1: an error of r^2 / gap = 1e-4, and of those deflated as much.
                    for (pair, exact) in found.iter().zip([10.0, 9.0, 8.0]) {
                        assert!(pair.converged(), "{what}: {:?}", pair.stopped);
                        assert!((pair.value - exact).abs() < 3e-4, "{what}: {} for {exact}", pair.value);
                    }
                }
                if name == "opposite" && n >= 60 {
                    // A mixture of both has any value between; it converges only where the start was nearly one of them.
                    let first = &found[0];
                    assert!(!first.converged() || first.value.abs() > 0.999, "{what}: {}", first.value);
                }
            }
        }
    }
}

#[test]
fn power_iteration_says_no_more_than_it_knows() {
    power_over(0..10, &[1, 2, 5, 60]);
}

#[test]
#[ignore = "minutes; ten seeds of smaller ones run above"]
fn power_iteration_says_no_more_than_it_knows_over_200_seeds() {
    power_over(10..200, &[1, 2, 5, 60]);
    power_over(0..200, &[1000]);
    power_over(0..5, &[100_000]);
}

#[test]
fn opposite_eigenvalues_do_not_converge_and_hidden_ones_are_not_called_largest() {
    let settings = power::Settings::default();
    let operator = Rotated::diagonal(vec![1.0, -1.0]);
    let found = power(&operator, 2, &mut rng(0), &settings).expect("pairs");
    assert_eq!(found[0].stopped, power::Stopped::MostProducts);
    assert_eq!(found[0].products, settings.most_products);
    // The second is what is left of the first's plane, and stands still at once.
    assert_eq!((found[1].stopped, found[1].products), (power::Stopped::InexactDeflation, 1));
    assert!(found.iter().all(|f| f.interval[0] <= -1.0 || f.interval[1] >= 1.0));
    // Converged at 0.9, since something is there; the 1 needs ten times as many products.
    let mut values: Vec<f64> = (0..10_000).map(|i| 0.9 + 1e-5 * (i as f64 / 1e4)).collect();
    values[77] = 1.0;
    let quick = power::Settings { tolerance: 5e-3, ..settings };
    let found = power(&Rotated::diagonal(values), 1, &mut rng(0), &quick).expect("a pair");
    assert!(found[0].converged() && found[0].value < 0.91 && found[0].interval[0] <= 0.9 + 1e-5);
}

// ---- quadrature

/// What a start has along each eigenvector, squared.
fn shares(operator: &Rotated, streams: &Streams, i: u64) -> Vec<f64> {
    let n = operator.dimension();
    let z = vectors::rademacher(n, &mut streams.stream("spectral/quadrature", i));
    operator.coordinates(&z).iter().map(|c| c * c / n as f64).collect()
}

fn moments_over(seeds: Range<u64>, sizes: &[usize], reflections: usize) {
    let settings = quadrature::Settings { steps: 12, probes: 3 };
    for seed in seeds {
        let (mut rng, streams) = (rng(seed), Streams::new(seed));
        for &n in sizes {
            for (name, values) in spectra(n, &mut rng) {
                let operator = Rotated::new(values, reflections, &mut rng);
                let counted = Counted::new(&operator);
                let what = format!("seed {seed}, n {n}, {name}");
                let found = quadrature(&counted, &settings, &streams).expect(&what);
                assert_eq!((found.products, found.rules.len()), (counted.products(), 3), "{what}");
                let norm = largest(&operator.values).max(f64::MIN_POSITIVE);
                for (i, rule) in found.rules.iter().enumerate() {
                    let shares = shares(&operator, &streams, i as u64);
                    for k in 0..2 * rule.steps {
                        let power = |x: f64| (x / norm).powi(k as i32);
                        let exact: f64 =
                            shares.iter().zip(&operator.values).map(|(s, v)| s * power(*v)).sum();
                        let size: f64 =
                            shares.iter().zip(&operator.values).map(|(s, v)| s * power(v.abs())).sum();
                        let moment = rule.integral(power);
                        // And what rounding of a sum of shares, which is 1, leaves of a start nearly in the kernel.
                        let slack = 1e-12 * size + 1e-15;
                        assert!((moment - exact).abs() <= slack, "{what}: {k}: {moment}, {exact}");
                        if (0.1..10.0).contains(&norm) {
                            let scaled = rule.moment(k) / norm.powi(k as i32);
                            assert!((scaled - exact).abs() <= slack, "{what}: {k}: {scaled}");
                        }
                    }
                    // Three distinct eigenvalues, a node each. A start with little along one of them may go on to further
                    // copies by rounding; it has no more of these than there are.
                    if name == "few" {
                        assert!(
                            rule.exhausted && (n < 60 || rule.steps == 3),
                            "{what}: {} steps",
                            rule.steps
                        );
                        let near =
                            |all: &[f64], v: f64| all.iter().filter(|x| (**x - v).abs() < 1e-12).count();
                        let counts =
                            [0.0, 1.0, 2.0].map(|v| (near(&rule.nodes, v), near(&operator.values, v)));
                        assert!(counts.iter().all(|(found, there)| found <= there), "{what}: {counts:?}");
                        assert_eq!(counts.iter().map(|c| c.0).sum::<usize>(), rule.steps, "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn quadrature_is_exact_up_to_degree_2m_minus_1() {
    moments_over(0..10, &[1, 2, 5, 60], 6);
    moments_over(0..1, &[1000], 6);
}

#[test]
#[ignore = "minutes; ten seeds run above"]
fn quadrature_is_exact_up_to_degree_2m_minus_1_over_200_seeds() {
    moments_over(10..200, &[1, 2, 5, 60], 6);
    moments_over(0..200, &[1000], 6);
    moments_over(0..5, &[100_000], 2);
}

#[test]
fn rules_in_lockstep_are_those_of_a_recurrence_each() {
    // Eleven starts are a block and a part of one; some are exhausted before the others: after one step.
    let (n, streams) = (40, Streams::new(6));
    let values: Vec<f64> = (0..n).map(|i| (i % 7) as f64 - 2.0).collect();
    let operator = Rotated::new(values, 4, &mut rng(0));
    let settings = quadrature::Settings { steps: 9, probes: 11 };
    let found = quadrature(&operator, &settings, &streams).expect("rules");
    for (i, rule) in found.rules.iter().enumerate() {
        let start = vectors::rademacher(n, &mut streams.stream("spectral/quadrature", i as u64));
        let mut krylov = Krylov::new(&operator, start);
        while krylov.steps() < 9 && !krylov.exhausted() {
            krylov.step();
        }
        let ritz = krylov.ritz().expect("eigenvalues");
        assert!(rule.nodes == ritz.eigen.values && rule.exhausted && rule.steps == 7, "{i}: {}", rule.steps);
        assert!((rule.weights.iter().sum::<f64>() - 1.0).abs() < 1e-14);
    }
}

#[test]
fn as_many_steps_as_dimensions_are_exact_for_any_function() {
    for (seed, n) in [(0, 1), (1, 2), (2, 7), (3, 40)] {
        let (mut rng, streams) = (rng(seed), Streams::new(seed));
        let mut values: Vec<f64> = (0..n).map(|_| normal(&mut rng).powi(2)).collect();
        values[0] = -0.7;
        let operator = Rotated::new(values, 5, &mut rng);
        let settings = quadrature::Settings { steps: n + 3, probes: 4 };
        let found = quadrature(&operator, &settings, &streams).expect("rules");
        let eps = 0.01;
        type Function = fn(f64) -> f64;
        let cases: [(Function, Estimate); 3] = [
            (|x| (x.max(0.0) + 0.01).ln(), found.log_determinant(eps)),
            (|x| x.max(0.0) / (x.max(0.0) + 0.01), found.effective_dimension(eps)),
            (|x| if x < 0.0 { 1.0 / 40.0 } else { 0.0 }, found.negative_mass()),
        ];
        for (case, (f, estimate)) in cases.into_iter().enumerate() {
            let sample: Vec<f64> = (0..4)
                .map(|i| {
                    let shares = shares(&operator, &streams, i);
                    let scale = if case == 2 { 40.0 } else { n as f64 };
                    scale * shares.iter().zip(&operator.values).map(|(s, v)| s * f(*v)).sum::<f64>()
                })
                .collect();
            let exact = Estimate::of(&sample, found.products);
            let size = 1.0 + exact.value.abs();
            assert!((estimate.value - exact.value).abs() < 1e-11 * size, "{n}, {case}: {}", estimate.value);
            assert!((estimate.standard_error - exact.standard_error).abs() < 1e-11 * size, "{n}, {case}");
        }
    }
}

#[test]
fn functions_of_a_spectrum_are_within_their_errors() {
    let n = 300;
    let mut scores = Vec::new();
    for seed in 0..10 {
        // Five decades, as a Gauss-Newton matrix has; the smallest node that matters is at eps.
        let values: Vec<f64> = (0..n).map(|i| 10f64.powf(1.0 - 5.0 * i as f64 / n as f64)).collect();
        let operator = Rotated::new(values.clone(), 8, &mut rng(seed));
        let settings = quadrature::Settings { steps: 60, probes: 30 };
        let found = quadrature(&operator, &settings, &Streams::new(seed)).expect("rules");
        let eps = 1e-2;
        let sum = |f: &dyn Fn(f64) -> f64| values.iter().map(|v| f(*v)).sum::<f64>();
        for (estimate, exact) in [
            (found.log_determinant(eps), sum(&|v| (v + eps).ln())),
            (found.effective_dimension(eps), sum(&|v| v / (v + eps))),
            (found.expectation(|v| v), sum(&|v| v)),
            (found.expectation(|v| (-v).exp()), sum(&|v| (-v).exp())),
            (found.expectation(|_| 1.0), n as f64),
        ] {
            let off = (estimate.value - exact).abs();
            assert!(off <= 4.0 * estimate.standard_error + 1e-10, "{seed}: {estimate:?}, not {exact}");
            if estimate.standard_error > 1e-10 {
                scores.push(off / estimate.standard_error);
                assert!(estimate.interval.is_some() && estimate.products == 30 * 60);
            }
        }
        assert_eq!(found.negative_mass().value, 0.0);
    }
    // Errors that are stated too large would pass too: half of all should be beyond 0.67.
    let beyond = scores.iter().filter(|z| **z > 0.67).count();
    assert!(beyond * 4 > scores.len(), "{beyond} of {}", scores.len());
}

#[test]
fn what_too_few_steps_miss_is_bounded() {
    let n = 200;
    let mut last = f64::INFINITY;
    for steps in [1, 2, 4, 8, 16, 32, 64, 128, 200] {
        for seed in 0..3 {
            let (mut rng, streams) = (rng(seed), Streams::new(seed));
            // Seven decades and a kernel; eps is far below what a few steps see.
            let of = |i: usize| if i < 150 { 10f64.powf(1.0 - 7.0 * i as f64 / 150.0) } else { 0.0 };
            let operator = Rotated::new((0..n).map(of).collect(), 6, &mut rng);
            let settings = quadrature::Settings { steps, probes: 30 };
            let found = quadrature(&operator, &settings, &streams).expect("rules");
            let eps = 1e-3;
            type Function = fn(f64) -> f64;
            let cases: [(Function, Estimate); 2] = [
                (|x| (x.max(0.0) + 1e-3).ln(), found.log_determinant(eps)),
                (|x| x.max(0.0) / (x.max(0.0) + 1e-3), found.effective_dimension(eps)),
            ];
            for (f, estimate) in cases {
                // Each rule between its bounds, by the shares of its own start.
                for (i, rule) in found.rules.iter().enumerate() {
                    let shares = shares(&operator, &streams, i as u64);
                    let exact: f64 = shares.iter().zip(&operator.values).map(|(s, v)| s * f(*v)).sum();
                    let (nodes, weights) = rule.radau.as_ref().expect("no negative eigenvalue");
                    let lower: f64 = nodes.iter().zip(weights).map(|(x, w)| w * f(*x)).sum();
                    let upper = rule.integral(f);
                    // The fixed node is 100 eps ||A|| = 2e-13 below zero, where the slope is 1 / eps.
                    let slack = 1e-9;
                    assert!(
                        lower - slack <= exact && exact <= upper + slack,
                        "{steps}: {lower} {exact} {upper}"
                    );
                    assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-13);
                    if !rule.exhausted {
                        // The node that was asked for.
                        assert!(nodes[0].abs() < 1e-11 && nodes.len() == steps + 1, "{}", nodes[0]);
                    }
                }
                let exact: f64 = operator.values.iter().map(|v| f(*v)).sum();
                let [low, high] = estimate.interval.expect("an interval");
                // Twice Student's interval is four standard errors.
                let truncation = found.truncation(f).expect("a bound");
                let half = estimate.value - truncation - low;
                assert!(low - half <= exact && exact <= high + half, "{steps}: {low} {exact} {high}");
            }
            let truncation = found.truncation(|x| (x.max(0.0) + eps).ln()).expect("a bound");
            if seed == 0 {
                assert!(truncation <= last, "{steps}: {truncation} after {last}");
                last = truncation;
            }
        }
    }
    assert!(last < 1e-9, "{last}");
    // An operator with negative eigenvalues has no such bound.
    let operator = Rotated::diagonal((0..40).map(|i| i as f64 - 3.0).collect());
    let found = quadrature(&operator, &quadrature::Settings { steps: 9, probes: 30 }, &Streams::new(0));
    let found = found.expect("rules");
    assert!(found.truncation(|x| x).is_none() && found.log_determinant(1.0).interval.is_none());
    assert!(found.expectation(|x| x).interval.is_some());
}

// ---- densities

/// The integral of `f` over equally spaced points.
fn integral(x: &[f64], f: impl Fn(usize) -> f64) -> f64 {
    let h = (x[x.len() - 1] - x[0]) / (x.len() - 1) as f64;
    h * (0..x.len()).map(|i| if i == 0 || i + 1 == x.len() { 0.5 * f(i) } else { f(i) }).sum::<f64>()
}

#[test]
fn a_density_has_the_mass_mean_and_variance_of_its_spectrum() {
    for (seed, probes) in [(0, 1), (1, 5), (2, 10)] {
        let mut rng = rng(seed);
        for (name, values) in spectra(200, &mut rng) {
            let scale = largest(&values);
            if name == "tiny" {
                continue; // its square is zero
            }
            let operator = Rotated::new(values, 6, &mut rng);
            let settings = quadrature::Settings { steps: 30, probes };
            let found = quadrature(&operator, &settings, &Streams::new(seed)).expect("rules");
            let density = found.density(3000, Kernel::Papyan).expect("a density");
            let (x, y) = (&density.x, &density.y);
            let what = format!("{seed}, {name}");
            // Five widths beyond a node lack 6e-7 of its mass, and of the variance 1.5e-5 sigma^2.
            assert!(
                (integral(x, |i| y[i]) - 1.0).abs() < 1e-6 && (density.mass - 1.0).abs() < 1e-13,
                "{what}"
            );
            let n = operator.dimension() as f64;
            let mean = found.expectation(|v| v).value / n;
            let unit = scale.max(1e-3);
            assert!((integral(x, |i| x[i] * y[i]) - mean).abs() < 1e-5 * unit, "{what}");
            let variance = found.expectation(|v| (v - mean).powi(2)).value / n + density.sigma.powi(2);
            let second = integral(x, |i| (x[i] - mean).powi(2) * y[i]);
            assert!((second - variance).abs() < 1e-4 * unit * unit, "{what}: {second}, {variance}");
            for ((low, y), high) in density.low.iter().zip(y).zip(&density.high) {
                assert!(*low >= 0.0 && low <= y && y <= high, "{what}");
            }
            // sigma on [-1, 1] is 2 / (29 sqrt(8 ln 3)) = 0.023263.
            let [low, high] = found.range();
            if high - low > 1e-6 {
                assert!((density.sigma / (0.5 * (high - low)) - 0.023_263).abs() < 1e-6, "{what}");
            }
        }
    }
    let zero = quadrature(&Rotated::diagonal(vec![0.0]), &quadrature::Settings::default(), &Streams::new(0));
    let zero = zero.expect("a rule");
    assert!(zero.density(100, Kernel::Papyan).expect("a density").y.iter().all(|y| y.is_finite()));
    assert!(zero.density(1, Kernel::Papyan).is_err() && zero.density(9, Kernel::Width(0.0)).is_err());
    assert!(zero.log_density(0).is_err());
}

#[test]
fn the_band_of_a_density_holds_the_exact_one() {
    // A semicircle of 1000 eigenvalues: smoothed by its width, the exact density is known at every point.
    let n = 1000;
    let values: Vec<f64> = (0..n)
        .map(|i| {
            let (mut low, mut high) = (-1.0f64, 1.0f64);
            let share = (i as f64 + 0.5) / n as f64;
            for _ in 0..60 {
                let x = 0.5 * (low + high);
                let below = 0.5 + (x * (1.0 - x * x).sqrt() + x.asin()) / std::f64::consts::PI;
                if below < share { low = x } else { high = x }
            }
            low
        })
        .collect();
    let (mut inside, mut points) = (0, 0);
    for seed in 0..5 {
        let operator = Rotated::new(values.clone(), 8, &mut rng(seed));
        let settings = quadrature::Settings { steps: 40, probes: 10 };
        let found = quadrature(&operator, &settings, &Streams::new(seed)).expect("rules");
        // Three times Papyan's width: bumps that overlap so far that the rule's own error is small beside the spread.
        let sigma = 3.0 * found.density(10, Kernel::Papyan).expect("a density").sigma;
        let density = found.density(200, Kernel::Width(sigma)).expect("a density");
        for (i, x) in density.x.iter().enumerate() {
            let bump = |v: &f64| (-0.5 * ((x - v) / sigma).powi(2)).exp();
            let exact = values.iter().map(bump).sum::<f64>()
                / (n as f64 * sigma * (2.0 * std::f64::consts::PI).sqrt());
            assert!((density.y[i] - exact).abs() < 0.05, "{seed}: {x}: {}, not {exact}", density.y[i]);
            if exact > 1e-2 {
                points += 1;
                inside += usize::from((density.low[i]..=density.high[i]).contains(&exact));
            }
        }
    }
    // Ten of ten on one side have a chance of 2^-9.
    assert!(inside as f64 >= 0.95 * points as f64, "{inside} of {points}");
}

#[test]
fn the_logarithmic_density_has_each_sign_at_its_place() {
    // Signs on the axes of a diagonal matrix: every start has the same share along each, so that masses are exact.
    let n = 500;
    let of = |i: usize| match i % 10 {
        0..4 => 1e-3,
        4..6 => -1e-1,
        6 => 10.0,
        _ => 0.0,
    };
    let operator = Rotated::diagonal((0..n).map(of).collect());
    let found = quadrature(&operator, &quadrature::Settings::default(), &Streams::new(0)).expect("rules");
    assert!(found.rules.iter().all(|r| r.exhausted && r.steps == 4));
    let density = found.log_density(2000).expect("a density");
    let (positive, negative) = (&density.positive, &density.negative);
    assert!((positive.mass - 0.5).abs() < 1e-12 && (negative.mass - 0.2).abs() < 1e-12);
    assert!((density.near_zero.value - 0.3).abs() < 1e-12);
    assert!((density.floor - 1e-9).abs() < 1e-15 && positive.sigma == 0.1);
    for part in [positive, negative] {
        assert!((integral(&part.x, |i| part.y[i]) - part.mass).abs() < 1e-6);
    }
    let above = |at: f64| integral(&positive.x, |i| if positive.x[i] > at { positive.y[i] } else { 0.0 });
    assert!((above(-1.0) - 0.1).abs() < 1e-6, "{}", above(-1.0));
    let peak = (0..2000).max_by(|a, b| negative.y[*a].total_cmp(&negative.y[*b])).expect("points");
    assert!((negative.x[peak] + 1.0).abs() < 0.01);
    assert!((found.negative_mass().value - 0.2).abs() < 1e-12);
    // Nothing but zeros.
    let zero =
        quadrature(&Rotated::diagonal(vec![0.0; 9]), &quadrature::Settings::default(), &Streams::new(0));
    let density = zero.expect("rules").log_density(50).expect("a density");
    assert!(density.near_zero.value == 1.0 && density.positive.y.iter().all(|y| *y == 0.0));
}

// ---- traces

/// The variance of z' M z of a matrix given densely: 2 (||M||_F^2 - sum m_ii^2).
fn hutchinson_variance(matrix: &[f64], n: usize) -> f64 {
    let off = |(i, x): (usize, &f64)| if i % (n + 1) == 0 { 0.0 } else { x * x };
    2.0 * matrix.iter().enumerate().map(off).sum::<f64>()
}

fn traces_over(seeds: Range<u64>) {
    const PROBES: usize = 100;
    let n = 60;
    let (mut scores, mut covered, mut ratios) = (Vec::new(), 0, Vec::new());
    let mut entries = Vec::new();
    for seed in seeds {
        let (mut rng, streams) = (rng(seed), Streams::new(seed));
        for (name, values) in spectra(n, &mut rng) {
            if name == "tiny" {
                continue; // its square is zero
            }
            let what = format!("seed {seed}, {name}");
            let operator = Rotated::new(values.clone(), 6, &mut rng);
            let matrix = dense(&operator).expect("a matrix");
            let square = dense(&Rotated {
                values: values.iter().map(|v| v * v).collect(),
                ..operator_like(&operator)
            })
            .expect("a matrix");
            let norm = largest(&values);
            let counted = Counted::new(&operator);
            let trace = hutchinson(&counted, PROBES, &streams).expect(&what);
            assert_eq!((counted.products(), trace.products, trace.probes), (PROBES, PROBES, PROBES));
            let size = frobenius(&operator, PROBES, &streams).expect(&what);
            assert!((size.norm.value.powi(2) - size.squared.value).abs() <= 1e-12 * size.squared.value);
            for (estimate, exact, matrix, norm) in [
                (trace, values.iter().sum::<f64>(), &matrix, norm),
                (size.squared, values.iter().map(|v| v * v).sum::<f64>(), &square, norm * norm),
            ] {
                let sigma = (hutchinson_variance(matrix, n) / PROBES as f64).sqrt();
                let off = estimate.value - exact;
                // Where nothing varies, what is left is rounding.
                if sigma <= 1e-12 * norm {
                    assert!(off.abs() <= 1e-11 * norm && estimate.standard_error <= 1e-12 * norm, "{what}");
                    continue;
                }
                let z = off / sigma;
                assert!(z.abs() <= 4.0, "{what}: {z}");
                scores.push(z);
                ratios.push(estimate.standard_error / sigma);
                let [low, high] = estimate.interval.expect("an interval");
                covered += usize::from((low..=high).contains(&exact));
            }
            let found = diagonal(&operator, PROBES, &streams).expect(&what);
            for i in 0..n {
                let row = &matrix[i * n..(i + 1) * n];
                let variance: f64 =
                    row.iter().enumerate().map(|(j, x)| if j == i { 0.0 } else { x * x }).sum();
                let sigma = (variance / PROBES as f64).sqrt();
                if sigma > 1e-12 * norm {
                    entries.push((found.values[i] - row[i]) / sigma);
                    assert!((found.standard_errors[i] / sigma - 1.0).abs() < 0.5, "{what}: {i}");
                } else {
                    assert!((found.values[i] - row[i]).abs() <= 1e-12 * norm, "{what}: {i}");
                }
            }
        }
    }
    let count = scores.len() as f64;
    let mean_square = scores.iter().map(|z| z * z).sum::<f64>() / count;
    assert!((mean_square - 1.0).abs() < 4.0 * (2.0 / count).sqrt(), "{mean_square} over {count}");
    let ratio = ratios.iter().sum::<f64>() / count;
    assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
    let share = covered as f64 / count;
    assert!((share - 0.95).abs() < 4.0 * (0.95 * 0.05 / count).sqrt(), "{share} of {count}");
    // Entries of one matrix are not independent; they are many.
    let mean_square = entries.iter().map(|z| z * z).sum::<f64>() / entries.len() as f64;
    assert!((mean_square - 1.0).abs() < 0.1, "{mean_square}");
    assert!(largest(&entries) < 6.0, "{}", largest(&entries));
}

/// The same eigenvectors.
fn operator_like(operator: &Rotated) -> Rotated {
    Rotated { values: Vec::new(), reflections: operator.reflections.clone(), single: false }
}

#[test]
fn traces_norms_and_diagonals_err_as_their_variance_says() {
    traces_over(0..10);
}

#[test]
#[ignore = "minutes; ten seeds run above"]
fn traces_norms_and_diagonals_err_as_their_variance_says_over_200_seeds() {
    traces_over(10..200);
}

#[test]
#[ignore = "a minute"]
fn the_trace_of_a_hundred_thousand_dimensions_errs_as_its_variance_says() {
    let n = 100_000;
    for seed in 0..5 {
        let mut rng = rng(seed);
        for (name, values) in spectra(n, &mut rng) {
            let operator = Rotated::new(values, 1, &mut rng);
            let (d, v) = (&operator.values, &operator.reflections[0]);
            // (D v)_i, and of A = D - 2 v (Dv)' - 2 (Dv) v' + 4 (v' D v) v v' the diagonal.
            let middle: f64 = d.iter().zip(v).map(|(d, v)| d * v * v).sum();
            let entries: Vec<f64> =
                d.iter().zip(v).map(|(d, v)| d - 4.0 * d * v * v + 4.0 * middle * v * v).collect();
            let norm = largest(d).max(f64::MIN_POSITIVE);
            let squares = |x: &[f64]| x.iter().map(|x| (x / norm).powi(2)).sum::<f64>();
            let variance = 2.0 * (squares(d) - squares(&entries)).max(0.0);
            let found = hutchinson(&operator, 100, &Streams::new(seed)).expect("a trace");
            let off = (found.value - d.iter().sum::<f64>()) / norm;
            // 1e-11 n is what rounding of a sum of n numbers may leave.
            assert!(off.abs() <= 4.0 * (variance / 100.0).sqrt() + 1e-8, "{seed}, {name}: {off}, {variance}");
        }
    }
}

#[test]
fn a_diagonal_matrix_has_no_error_at_all() {
    let values: Vec<f64> = (0..77).map(|i| (i as f64 * 0.7).sin() / 3.0).collect();
    let operator = Rotated::diagonal(values.clone());
    let streams = Streams::new(1);
    let trace = hutchinson(&operator, 40, &streams).expect("a trace");
    let size = frobenius(&operator, 40, &streams).expect("a norm");
    let found = diagonal(&operator, 40, &streams).expect("a diagonal");
    assert_eq!(
        (trace.standard_error, size.norm.standard_error, size.squared.standard_error),
        (0.0, 0.0, 0.0)
    );
    assert_eq!(trace.interval, Some([trace.value; 2]));
    assert!((trace.value - values.iter().sum::<f64>()).abs() < 1e-13);
    assert!((size.squared.value - dot(&values, &values)).abs() < 1e-13);
    assert_eq!(found.values, values);
    assert!(found.standard_errors.iter().all(|e| *e == 0.0));
    // One probe has no error that anybody knows.
    let one = diagonal(&operator, 1, &streams).expect("a diagonal");
    assert!(one.values == values && one.standard_errors.iter().all(|e| e.is_nan()));
    let settings = quadrature::Settings { steps: 77, probes: 3 };
    let rules = quadrature(&operator, &settings, &streams).expect("rules");
    assert!(rules.expectation(|v| v * v * v).standard_error < 1e-13);
}

#[test]
fn hutch_plus_plus_is_unbiased_and_better_where_a_spectrum_decays() {
    let n = 200;
    let values: Vec<f64> = (1..=n).map(|i| 1.0 / (i * i) as f64).collect();
    let exact: f64 = values.iter().sum();
    let (mut scores, mut plain, mut better) = (Vec::new(), 0.0, 0.0);
    let seeds = 60;
    for seed in 0..seeds {
        let (mut rng, streams) = (rng(seed), Streams::new(seed));
        let operator = Rotated::new(values.clone(), 8, &mut rng);
        let counted = Counted::new(&operator);
        let found = hutch_plus_plus(&counted, 90, &streams).expect("a trace");
        assert_eq!((found.products, counted.products(), found.probes), (90, 90, 30));
        assert!(found.interval.is_some_and(|[low, high]| low < found.value && found.value < high));
        better += (found.value - exact).powi(2);
        scores.push((found.value - exact) / found.standard_error);
        plain += (hutchinson(&operator, 90, &streams).expect("a trace").value - exact).powi(2);
    }
    let mean = scores.iter().sum::<f64>() / seeds as f64;
    assert!(mean.abs() < 4.0 / (seeds as f64).sqrt(), "{mean}");
    // A score over an estimated error with 29 degrees of freedom: t has a variance of 29 / 27.
    let mean_square = scores.iter().map(|z| z * z).sum::<f64>() / seeds as f64;
    assert!((mean_square - 29.0 / 27.0).abs() < 4.0 * (2.0 / seeds as f64).sqrt(), "{mean_square}");
    // Thirty of i^-2 leave sum over i > 30 of i^-4 = 1.2e-5 of 1.08 for the squared norm: a factor of 300 / sqrt(3), at best.
    assert!(plain.sqrt() > 20.0 * better.sqrt(), "{} and {}", plain.sqrt(), better.sqrt());
}

#[test]
fn hutch_plus_plus_is_exact_where_its_sketch_spans_what_there_is() {
    for seed in 0..10 {
        let (mut rng, streams) = (rng(seed), Streams::new(seed));
        // Rank 5 of a sketch of 10: the ten that are left are zeros.
        let mut values = vec![0.0; 120];
        values[..5].copy_from_slice(&[3.0, -2.0, 1.0, 1.0, 0.5]);
        let operator = Rotated::new(values, 6, &mut rng);
        let found = hutch_plus_plus(&operator, 30, &streams).expect("a trace");
        assert!((found.value - 3.5).abs() < 1e-12 && found.standard_error < 1e-13, "{found:?}");
        // Five vectors of the sketch were none: their products went to more probes.
        assert_eq!((found.probes, found.products), (15, 30));
        // A sketch of the whole space.
        let values: Vec<f64> = (0..20).map(|i| 1.0 + (i as f64).sin()).collect();
        let exact: f64 = values.iter().sum();
        let operator = Rotated::new(values, 6, &mut rng);
        let found = hutch_plus_plus(&operator, 100, &streams).expect("a trace");
        assert_eq!((found.probes, found.products, found.standard_error), (0, 40, 0.0));
        assert!((found.value - exact).abs() < 1e-12 && found.interval == Some([found.value; 2]));
    }
    for n in [1, 2, 50] {
        let found = hutch_plus_plus(&Rotated::diagonal(vec![0.0; n]), 12, &Streams::new(0)).expect("a trace");
        assert_eq!((found.value, found.standard_error), (0.0, 0.0));
    }
}

// ---- operators

/// Entry by entry, what `operator` should be.
fn is(what: &str, operator: &dyn Operator, expected: impl Fn(usize, usize) -> f64) {
    let n = operator.dimension();
    let matrix = dense(operator).expect(what);
    for j in 0..n {
        for i in 0..n {
            let (found, expected) = (matrix[i + j * n], expected(i, j));
            assert!((found - expected).abs() < 1e-13, "{what}: {i}, {j}: {found}, not {expected}");
        }
    }
    // A vector alone is multiplied as one in a block.
    let x: Vec<f64> = (0..n).map(|i| (i as f64).cos()).collect();
    let product = operator.apply(&x, 1);
    for (i, y) in product.iter().enumerate() {
        let exact: f64 = (0..n).map(|j| expected(i, j) * x[j]).sum();
        assert!((y - exact).abs() < 1e-12, "{what}: {i}: {y}, not {exact}");
    }
}

#[test]
fn operators_of_operators_are_what_matrices_say() {
    let (n, mut rng) = (21, rng(4));
    let values: Vec<f64> = (0..n).map(|i| (i as f64 - 10.0) / 10.0).collect();
    let rotated = Rotated::new(values.clone(), 5, &mut rng);
    let dense = Dense::of(&rotated).expect("a matrix");
    let a = |i: usize, j: usize| dense.matrix()[i + j * n];
    is("dense", &dense, a);
    is("itself", &rotated, a);
    let delta = |i, j| if i == j { 1.0 } else { 0.0 };
    is("shifted", &Shifted { inner: &rotated, by: -0.3 }, |i, j| a(i, j) - 0.3 * delta(i, j));
    let d: Vec<f64> = (0..n).map(|_| normal(&mut rng)).collect();
    is("scaled", &Scaled::new(&rotated, d.clone()), |i, j| d[i] * a(i, j) * d[j]);
    is("plus", &Plus::new(&rotated, d.clone()), |i, j| a(i, j) + d[i] * delta(i, j));
    let kept: Vec<usize> = (2..5).chain(5..6).chain(11..21).collect();
    let part = Restricted::new(&rotated, vec![2..5, 5..6, 11..21]).expect("a part");
    assert_eq!(part.dimension(), kept.len());
    is("restricted", &part, |i, j| a(kept[i], kept[j]));
    let whole = part.widen(&part.narrow(&d));
    assert!((0..n).all(|i| whole[i] == if kept.contains(&i) { d[i] } else { 0.0 }));
    // Of a part, shifted: operators go into operators.
    is("both", &Shifted { inner: &part, by: 2.0 }, |i, j| a(kept[i], kept[j]) + 2.0 * delta(i, j));
    // Every eigenvalue, and A again from its pairs.
    let eigen = dense.eigen().expect("eigenvalues");
    crate::analytic::agree("eigenvalues", &eigen.values, &values, 1e-14);
    let v = |k: usize| eigen.vectors.col(k).iter().copied().collect::<Vec<f64>>();
    let pairs = [0, 20, 3];
    let taken = Deflated::new(&rotated, pairs.map(|k| values[k]).to_vec(), pairs.map(v).to_vec());
    let left = |i: usize, j: usize| {
        let left = (0..n).filter(|k| !pairs.contains(k));
        left.map(|k| values[k] * eigen.vectors[(i, k)] * eigen.vectors[(j, k)]).sum::<f64>()
    };
    is("deflated", &taken, left);
    let single = Rotated { single: true, ..Rotated::new(values, 1, &mut rng) };
    let part = Restricted::new(&single, vec![0..1, 1..3]).expect("a part");
    let epsilon = f64::from(f32::EPSILON);
    assert_eq!(Shifted { inner: &part, by: 1.0 }.epsilon(), epsilon);
    let (one, two) = (Scaled::new(&single, d.clone()), Plus::new(&single, d));
    assert_eq!(
        [one.epsilon(), two.epsilon(), Deflated::new(&single, vec![], vec![]).epsilon()],
        [epsilon; 3]
    );
}

// ---- all of them

#[test]
fn threads_change_no_bit() {
    let n = 5000;
    let values: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).sin() / (1.0 + i as f64)).collect();
    let operator = Rotated::new(values, 3, &mut rng(3));
    let all = || {
        let streams = Streams::new(5);
        let settings = quadrature::Settings { steps: 10, probes: 9 };
        let dense =
            Dense::of(&Restricted::new(&operator, vec![10..20, 20..400]).expect("a part")).expect("a matrix");
        (
            power(&operator, 3, &mut rng(2), &power::Settings::default()).expect("pairs"),
            hutchinson(&operator, 11, &streams).expect("a trace"),
            hutch_plus_plus(&dense, 31, &streams).expect("a trace"),
            (
                frobenius(&operator, 9, &streams).expect("a norm"),
                diagonal(&dense, 9, &streams).expect("a diagonal"),
            ),
            quadrature(&operator, &settings, &streams).expect("rules"),
            dense.eigen().expect("eigenvalues").values,
        )
    };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(all)
    };
    assert_eq!(on(1), on(4));
}

#[test]
fn products_that_are_not_finite_are_said_to_be() {
    for bad in [f64::NAN, f64::INFINITY] {
        let operator = Rotated::diagonal((0..20).map(|i| if i == 3 { bad } else { 1.0 }).collect());
        let streams = Streams::new(0);
        let found = power(&operator, 3, &mut rng(0), &power::Settings::default()).expect("an answer");
        assert!(found.len() == 1 && found[0].stopped == power::Stopped::NotFinite && found[0].value.is_nan());
        assert!(!hutchinson(&operator, 40, &streams).expect("an answer").value.is_finite());
        assert_eq!(hutchinson(&operator, 40, &streams).expect("an answer").interval, None);
        assert!(hutch_plus_plus(&operator, 40, &streams).expect("an answer").value.is_nan());
        assert!(!frobenius(&operator, 40, &streams).expect("an answer").norm.value.is_finite());
        let error = quadrature(&operator, &quadrature::Settings::default(), &streams).expect_err("no rules");
        assert_eq!(error.to_string(), "quadrature: expected finite products, found NaN or infinity");
        assert_eq!(error.exit_code(), 3);
    }
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let (operator, none) = (Rotated::diagonal(vec![1.0, 2.0]), Rotated::diagonal(vec![]));
    let streams = Streams::new(0);
    let power = |settings: power::Settings| power(&operator, 1, &mut rng(0), &settings).map(|_| ());
    let quad =
        |steps, probes| quadrature(&operator, &quadrature::Settings { steps, probes }, &streams).map(|_| ());
    let fine = power::Settings::default();
    for (result, what) in [
        (
            power(power::Settings { tolerance: 1.0, ..fine }),
            "tolerance: expected a number between 0 and 1, found 1",
        ),
        (power(power::Settings { most_products: 0, ..fine }), "most-products: expected at least 1, found 0"),
        (quad(0, 1), "steps: expected at least 1, found 0"),
        (quad(1, 0), "probes: expected at least 1, found 0"),
        (hutchinson(&operator, 0, &streams).map(|_| ()), "probes: expected at least 1, found 0"),
        (hutch_plus_plus(&operator, 2, &streams).map(|_| ()), "products: expected at least 3, found 2"),
        (
            frobenius(&none, 2, &streams).map(|_| ()),
            "trace: expected an operator of at least one dimension, found 0",
        ),
    ] {
        let error = result.expect_err(what);
        assert_eq!((error.to_string().as_str(), error.exit_code()), (what, 2));
    }
    let quadrature: losscape::base::Result<Quadrature> =
        quadrature(&none, &quadrature::Settings::default(), &streams);
    assert!(quadrature.is_err() && trace::diagonal(&none, 1, &streams).is_err());
}
