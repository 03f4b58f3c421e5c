//! Eigenvalues by Lanczos: matrices that are made from their spectrum, so that every answer is known, faer's dense
//! decomposition, and operators that misbehave.

use crate::analytic::known::{Rotated, dot, spectra};
use losscape::base::Streams;
use losscape::base::random::{Rng, normal};
use losscape::spectral::krylov::Step;
use losscape::spectral::{Ends, Krylov, Operator, Pair, Settings, SoFar, Stopped, Wanted, ends, watched};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn rng(seed: u64) -> Rng {
    Streams::new(seed).stream("lanczos", 0)
}

/// What must hold of any answer, given the spectrum in any order. Certified values are those of their rank to 1 % of
/// the spread, every interval holds an eigenvalue, and no eigenvector comes twice.
fn holds(what: &str, spectrum: &[f64], epsilon: f64, found: &Ends) {
    let mut sorted = spectrum.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let largest = sorted[0].abs().max(sorted[n - 1].abs());
    let slack = 0.01 * (sorted[n - 1] - sorted[0]) + 100.0 * epsilon * largest;
    for (end, pairs) in [("top", &found.top), ("bottom", &found.bottom)] {
        for (i, pair) in pairs.iter().enumerate() {
            let exact = if end == "top" { sorted[n - 1 - i] } else { sorted[i] };
            let at =
                || format!("{what}: {end} {i}: {:?}, not {exact}", Pair { vector: vec![], ..pair.clone() });
            assert!(!pair.certified || (pair.value - exact).abs() <= slack, "{}", at());
            assert!(!pair.certified || pair.converged, "{}", at());
            let beyond = |bound: f64| if end == "top" { exact - bound } else { bound - exact };
            assert!(
                pair.bound.is_some() == (i == 0) && pair.bound.is_none_or(|b| beyond(b) <= slack),
                "{}",
                at()
            );
            let [low, high] = pair.interval;
            assert!(sorted.iter().any(|v| (low..=high).contains(v)), "{}: no eigenvalue inside", at());
            let top = pair.vector.iter().fold(0.0, |m: f64, x| if x.abs() > m.abs() { *x } else { m });
            assert!(top > 0.0, "{}: sign", at());
            for (j, other) in pairs[..=i].iter().enumerate() {
                let expected = if i == j { 1.0 } else { 0.0 };
                let found = dot(&pair.vector, &other.vector);
                assert!((found - expected).abs() < 1e-9, "{}: {found} with {j}", at());
            }
        }
        assert!(pairs.is_sorted_by(|a, b| if end == "top" {
            a.value >= b.value
        } else {
            a.value <= b.value
        }));
    }
}

fn over_seeds(seeds: std::ops::Range<u64>, sizes: &[usize]) {
    for seed in seeds {
        let mut rng = rng(seed);
        for &n in sizes {
            for (name, values) in spectra(n, &mut rng) {
                for (top, bottom) in [(1, 1), (5, 0), (3, 3), (0, 1)] {
                    let operator = Rotated::new(values.clone(), 6, &mut rng);
                    let what = format!("seed {seed}, n {n}, {name}, {top} and {bottom}");
                    let wanted = Wanted { top, bottom };
                    let found = ends(&operator, wanted, &mut rng, &Settings::default()).expect(&what);
                    assert_eq!((found.top.len(), found.bottom.len()), (top.min(n), bottom.min(n)), "{what}");
                    assert!(found.certified(), "{what}: {:?} after {}", found.stopped, found.products);
                    holds(&what, &values, f64::EPSILON, &found);
                    // Without the certificate less is said, and that must be true too.
                    let quick = Settings { certify: false, ..Settings::default() };
                    let found = ends(&operator, wanted, &mut rng, &quick).expect(&what);
                    assert!(found.converged(), "{what}: {:?}", found.stopped);
                    holds(&what, &values, f64::EPSILON, &found);
                }
            }
        }
    }
}

#[test]
fn what_is_certified_of_a_known_spectrum_is_right() {
    over_seeds(0..10, &[1, 2, 5, 60]);
    over_seeds(0..1, &[300]);
}

#[test]
#[ignore = "minutes; ten seeds run above"]
fn what_is_certified_of_a_known_spectrum_is_right_over_200_seeds() {
    over_seeds(10..200, &[1, 2, 5, 60]);
    over_seeds(1..30, &[300]);
}

/// At sizes where the whole space is out of reach: what is said must hold; what is asked for need not be reached.
fn large(seeds: std::ops::Range<u64>, n: usize, reflections: usize) {
    for seed in seeds {
        let mut rng = rng(seed);
        let (mut certified, mut all) = (0, 0);
        for (i, (name, values)) in spectra(n, &mut rng).into_iter().enumerate() {
            // One kind of request a seed and spectrum; all come up.
            let (top, bottom) = [(1, 1), (5, 0), (3, 3), (0, 1)][(i + seed as usize) % 4];
            let what = format!("seed {seed}, n {n}, {name}, {top} and {bottom}");
            let operator = Rotated::new(values.clone(), reflections, &mut rng);
            let found = ends(&operator, Wanted { top, bottom }, &mut rng, &Settings::default()).expect(&what);
            assert!(found.top.len() == top && found.bottom.len() == bottom, "{what}");
            holds(&what, &values, f64::EPSILON, &found);
            // The first of an end that converged after as many steps is certified.
            let steps = found.steps >= Settings::default().certifying_steps(n);
            let firsts = || found.top.first().into_iter().chain(found.bottom.first());
            assert!(!steps || firsts().all(|p| p.certified == p.converged), "{what}");
            certified += usize::from(found.certified());
            all += 1;
        }
        // All but those whose edge is too dense for the steps there are.
        assert!(3 * certified >= 2 * all, "seed {seed}, n {n}: {certified} of {all}");
    }
}

#[test]
#[ignore = "half an hour; smaller ones run above"]
fn what_is_certified_is_right_in_a_thousand_and_a_hundred_thousand_dimensions() {
    large(0..200, 1000, 6);
    large(0..5, 100_000, 2);
}

#[test]
fn ten_thousand_dimensions_take_few_products() {
    let n = 10_000;
    let mut values: Vec<f64> = (0..n).map(|i| 0.1 * (i as f64 / n as f64 - 0.5)).collect();
    values[..8].copy_from_slice(&[7.0, 7.0, 7.0, 5.0, 3.0, 2.0, -1.0, -1.0]);
    let operator = Rotated::diagonal(values.clone());
    for seed in 0..3 {
        let wanted = Wanted { top: 5, bottom: 2 };
        let found = ends(&operator, wanted, &mut rng(seed), &Settings::default()).expect("eigenvalues");
        holds("10^4", &values, f64::EPSILON, &found);
        assert!(found.certified() && found.stopped == Stopped::Converged, "{:?}", found.stopped);
        let values = |pairs: &[Pair]| pairs.iter().map(|p| p.value).collect::<Vec<f64>>();
        // A converged residual of 7e-3 at gaps of 1 and more: an error below 5e-5.
        crate::analytic::agree("top", &values(&found.top), &[7.0, 7.0, 7.0, 5.0, 3.0], 5e-5);
        crate::analytic::agree("bottom", &values(&found.bottom), &[-1.0, -1.0], 5e-5);
        // One run finds a copy of each, two searches another copy of the 7 each, one says that there is no more.
        let steps = Settings::default().certifying_steps(n);
        assert!(found.products <= 5 * steps, "{} products", found.products);
    }
}

#[test]
fn a_small_residual_alone_certifies_nothing() {
    // One eigenvalue 1 above a bulk at 0.9: the first product has a residual within the tolerance, and is 10 % wrong.
    let n = 10_000;
    let mut values: Vec<f64> = (0..n).map(|i| 0.9 + 1e-5 * (i as f64 / n as f64)).collect();
    values[n / 2] = 1.0;
    let operator = Rotated::diagonal(values.clone());
    // Within 0.1 at once: what a start of n = 10^4 sees of the outlier is a residual of 0.1 / 100.
    let quick = Settings { certify: false, tolerance: 5e-3, ..Settings::default() };
    let wanted = Wanted { top: 1, bottom: 0 };
    let found = ends(&operator, wanted, &mut rng(0), &quick).expect("eigenvalues");
    assert!(found.top[0].converged && !found.top[0].certified && found.top[0].value < 0.91);
    holds("quick", &values, f64::EPSILON, &found);
    let slow = Settings { certify: true, ..quick };
    let found = ends(&operator, wanted, &mut rng(0), &slow).expect("eigenvalues");
    assert!(found.top[0].certified && (found.top[0].value - 1.0).abs() < 1e-4, "{}", found.top[0].value);
    assert!(found.top[0].vector[n / 2] > 0.99);
}

#[test]
fn a_hundred_steps_stay_orthogonal_and_raise_no_ghosts() {
    for n in [300, 5000] {
        let mut values: Vec<f64> = (0..n).map(|i| (i as f64 / n as f64).powi(2)).collect();
        values[0] = 20.0;
        values[1] = -5.0;
        let operator = Rotated::new(values, 6, &mut rng(1));
        let start = (0..n).map(|i| (i as f64).sin()).collect();
        let mut krylov = Krylov::new(&operator, start);
        for _ in 0..100 {
            assert_eq!(krylov.step(), Step::Grown);
        }
        let basis = &krylov.basis();
        assert_eq!(basis.len(), 101);
        for (i, a) in basis.iter().enumerate() {
            for (j, b) in basis[..=i].iter().enumerate() {
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((dot(a, b) - expected).abs() <= 1e-12, "n {n}: {i}, {j}: {}", dot(a, b));
            }
        }
        // 100 steps of an outlier at 20 converge within ten: what is left of the 90 would come back as copies.
        let ritz = krylov.ritz().expect("eigenvalues");
        for outlier in [20.0, -5.0] {
            let near = |v: &&f64| (**v - outlier).abs() < 1.0;
            let copies: Vec<&f64> = ritz.eigen.values.iter().filter(near).collect();
            assert!(copies.len() == 1 && (copies[0] - outlier).abs() < 1e-12 * 20.0, "n {n}: {copies:?}");
        }
        // T is what the basis makes of A.
        for (j, q) in basis[..100].iter().enumerate() {
            let product = operator.apply(q, 1);
            assert!((dot(q, &product) - krylov.alpha()[j]).abs() < 1e-12 * 20.0);
            assert!((dot(&basis[j + 1], &product) - krylov.beta()[j]).abs() < 1e-12 * 20.0);
        }
    }
}

#[test]
fn ends_are_those_of_a_dense_decomposition() {
    let n = 60;
    for seed in 0..10 {
        let mut rng = rng(seed);
        let a: Vec<f64> = (0..n * n).map(|_| normal(&mut rng)).collect();
        let symmetric = faer::Mat::from_fn(n, n, |i, j| a[i + j * n] + a[j + i * n]);
        struct Dense(faer::Mat<f64>);
        impl Operator for Dense {
            fn dimension(&self) -> usize {
                self.0.nrows()
            }
            fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
                let block = faer::MatRef::from_column_major_slice(block, self.0.nrows(), k);
                let product = &self.0 * block;
                (0..k).flat_map(|j| product.col(j).iter().copied().collect::<Vec<f64>>()).collect()
            }
        }
        let exact = symmetric.self_adjoint_eigen(faer::Side::Lower).expect("a decomposition");
        let operator = Dense(symmetric);
        let strict = Settings { tolerance: 1e-10, ..Settings::default() };
        let found = ends(&operator, Wanted { top: 4, bottom: 4 }, &mut rng, &strict).expect("eigenvalues");
        assert!(found.certified());
        for i in 0..4 {
            for (pair, j) in [(&found.top[i], n - 1 - i), (&found.bottom[i], i)] {
                // Both are off by a few eps ||A||, and ||A|| is about 2 sqrt(2 n) = 22.
                let value = exact.S()[j];
                assert!((pair.value - value).abs() < 1e-12, "seed {seed}: {} for {value}", pair.value);
                let vector: Vec<f64> = exact.U().col(j).iter().copied().collect();
                // An angle of r / gap, and gaps of a hundredth at least here.
                assert!(1.0 - dot(&pair.vector, &vector).abs() < 1e-12, "seed {seed}: pair {j}");
            }
        }
    }
}

#[test]
fn products_in_single_precision_are_bounded_by_their_own_rounding() {
    for seed in 0..10 {
        let mut rng = rng(seed);
        for (name, values) in spectra(60, &mut rng) {
            if name == "tiny" {
                continue; // zero in f32
            }
            let operator = Rotated { single: true, ..Rotated::new(values.clone(), 6, &mut rng) };
            let wanted = Wanted { top: 3, bottom: 2 };
            let found = ends(&operator, wanted, &mut rng, &Settings::default()).expect("eigenvalues");
            let what = format!("seed {seed}, {name}");
            assert!(found.converged(), "{what}: {:?}", found.stopped);
            holds(&what, &values, f64::from(f32::EPSILON), &found);
        }
    }
}

/// Eight eigenvalues apart from a bulk, as networks have them.
fn outliers(n: usize) -> Vec<f64> {
    let mut values: Vec<f64> = (0..n).map(|i| 0.2 * (i as f64 / n as f64 - 0.5)).collect();
    values[..8].copy_from_slice(&[9.0, 7.0, 6.0, 5.0, 3.0, 2.0, -1.0, -0.5]);
    values
}

#[test]
fn few_eigenvalues_outside_of_a_bulk_are_certified_in_half_of_the_steps() {
    let n = 20_000;
    let values = outliers(n);
    let operator = Rotated::diagonal(values.clone());
    let least = Settings::default().certifying_steps(n);
    for seed in 0..5 {
        let known = std::sync::Mutex::new(Vec::new());
        let watch = |so_far: &SoFar| known.lock().expect("no panic").push(*so_far);
        let wanted = Wanted { top: 1, bottom: 1 };
        let found = watched(&operator, wanted, &mut rng(seed), &Settings::default(), &watch).expect("ends");
        holds("outliers", &values, f64::EPSILON, &found);
        assert!(found.certified() && 2 * found.steps <= least, "{} of {least} steps", found.steps);
        // What is known on the way holds at every step, and comes closer.
        let known = known.into_inner().expect("no panic");
        assert!(known.len() > 5);
        for (i, so_far) in known.iter().enumerate() {
            let (top, bottom) = (so_far.top.expect("wanted"), so_far.bottom.expect("wanted"));
            assert!(top.value <= 9.0 + 1e-12 && 9.0 <= top.bound, "step {i}: {top:?}");
            assert!(bottom.bound <= -1.0 && -1.0 - 1e-12 <= bottom.value, "step {i}: {bottom:?}");
            // To the millionth to which a bound is computed.
            let before = known[i.saturating_sub(1)].top.map_or(f64::INFINITY, |top| top.bound);
            assert!(top.bound <= before * (1.0 + 1e-5), "step {i}: {} after {before}", top.bound);
        }
    }
}

#[test]
fn a_bound_fails_no_more_often_than_it_says() {
    // With delta = 1/2 the start's part of x is the smaller half of all. The bound after one step on a rank of one is tight.
    let n = 50;
    let mut values = vec![0.0; n];
    values[7] = 1.0;
    let runs = 400;
    let below = (0..runs).filter(|seed| {
        let settings = Settings { delta: 0.5, certify: false, most_steps: 1, ..Settings::default() };
        let operator = Rotated::diagonal(values.clone());
        let found = ends(&operator, Wanted { top: 1, bottom: 0 }, &mut rng(*seed), &settings).expect("ends");
        found.top[0].bound.is_some_and(|bound| bound < 1.0 - 1e-9)
    });
    // Three standard deviations of 400 fair coins are 30; a normal's density is largest at zero, so that half is an upper bound.
    let below = below.count();
    assert!((100..=230).contains(&below), "{below} of {runs}");
}

#[test]
fn a_basis_that_is_compressed_finds_and_certifies_the_same() {
    // A bulk that reaches to four fifths of the smallest eigenvalue, which so takes more steps than there are vectors.
    let n = 5000;
    let bulk = (0..n).map(|i| 1.6 * (i as f64 / n as f64 - 0.5));
    let values: Vec<f64> = outliers(8).into_iter().chain(bulk.skip(8)).collect();
    for seed in 0..5 {
        let operator = Rotated::new(values.clone(), 2, &mut rng(seed));
        for (top, bottom) in [(1, 1), (4, 1)] {
            let wanted = Wanted { top, bottom };
            let run = |most_vectors| {
                let settings = Settings { most_vectors, tolerance: 1e-5, ..Settings::default() };
                ends(&operator, wanted, &mut rng(seed), &settings).expect("ends")
            };
            let (all, few) = (run(None), run(Some(1)));
            holds("compressed", &values, f64::EPSILON, &few);
            assert!(few.certified() && few.restarts > 0 && all.restarts == 0, "{few:?}");
            for (a, b) in all.top.iter().chain(&all.bottom).zip(few.top.iter().chain(&few.bottom)) {
                // A residual of 1e-5 * 9 at a gap of a fifth: 4e-8.
                assert!((a.value - b.value).abs() < 1e-7, "{} and {}", a.value, b.value);
            }
            assert!(few.products <= 4 * all.products, "{} for {}", few.products, all.products);
        }
    }
}

#[test]
fn a_long_basis_of_products_in_single_precision_is_kept_in_it() {
    let n = 120_000;
    let values = outliers(n);
    let operator = Rotated { single: true, ..Rotated::diagonal(values.clone()) };
    assert_eq!(losscape::spectral::basis::bytes(&operator), 4 * n);
    assert_eq!(losscape::spectral::basis::bytes(&Rotated::diagonal(values.clone())), 8 * n);
    let found =
        ends(&operator, Wanted { top: 3, bottom: 1 }, &mut rng(0), &Settings::default()).expect("ends");
    holds("single", &values, f64::from(f32::EPSILON), &found);
    assert!(found.certified(), "{:?}", found.stopped);
    for (pair, value) in found.top.iter().zip([9.0, 7.0, 6.0]) {
        assert!((pair.value - value).abs() < 9.0 * 1e-6, "{}", pair.value);
    }
}

#[test]
fn threads_change_no_bit() {
    let n = 5000;
    let values: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).sin()).collect();
    let operator = Rotated::new(values, 3, &mut rng(3));
    let all = || {
        ends(&operator, Wanted { top: 2, bottom: 2 }, &mut rng(4), &Settings::default()).expect("eigenvalues")
    };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(all)
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(4));
}

/// The identity times 1, 2, 3, ... until a product goes wrong.
struct Failing {
    n: usize,
    after: usize,
    with: f64,
    products: AtomicUsize,
}

impl Operator for Failing {
    fn dimension(&self) -> usize {
        self.n
    }

    fn apply(&self, block: &[f64], _: usize) -> Vec<f64> {
        let mut product: Vec<f64> =
            block.iter().enumerate().map(|(i, x)| ((i % self.n) as f64 / 7.0).sin() * x).collect();
        if self.products.fetch_add(1, Ordering::Relaxed) >= self.after {
            product[self.n / 2] = self.with;
        }
        product
    }
}

#[test]
fn products_that_are_not_finite_end_it_at_once() {
    let start = Instant::now();
    for n in [1, 2, 60, 500] {
        for with in [f64::NAN, f64::INFINITY, 1e308 * 10.0] {
            // In the first product, in the middle, and in the fresh one of the residuals or in the search.
            for after in [0, 1, 10, 60, 70] {
                let operator = Failing { n, after, with, products: AtomicUsize::new(0) };
                let wanted = Wanted { top: 2, bottom: 1 };
                let found = ends(&operator, wanted, &mut rng(0), &Settings::default()).expect("an answer");
                if operator.products.into_inner() > after {
                    assert_eq!(found.stopped, Stopped::NotFinite, "{n}, {with}, {after}");
                    assert!(found.top.is_empty() && found.bottom.is_empty() && found.scale.is_nan());
                    assert!(!found.converged() && !found.certified());
                }
            }
        }
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn an_operator_that_is_not_symmetric_is_found_out() {
    /// A quarter turn: no real eigenvalue at all.
    struct Turn;
    impl Operator for Turn {
        fn dimension(&self) -> usize {
            2
        }
        fn apply(&self, block: &[f64], _: usize) -> Vec<f64> {
            block.chunks(2).flat_map(|x| [-x[1], x[0]]).collect()
        }
    }
    let found =
        ends(&Turn, Wanted { top: 1, bottom: 1 }, &mut rng(0), &Settings::default()).expect("an answer");
    assert_eq!(found.stopped, Stopped::Inexact);
    assert!(!found.converged() && !found.certified());
}

#[test]
fn it_says_why_it_stopped_and_what_it_spent() {
    let run = |values: Vec<f64>, top, bottom, settings: &Settings| {
        let operator = Rotated::diagonal(values);
        ends(&operator, Wanted { top, bottom }, &mut rng(2), settings).expect("eigenvalues")
    };
    let settings = Settings::default();
    // Two distinct eigenvalues: two steps, and two fresh products.
    let half: Vec<f64> = (0..100).map(|i| (i % 2) as f64).collect();
    let found = run(half, 1, 1, &settings);
    assert_eq!((found.stopped, found.steps, found.products), (Stopped::InvariantSubspace, 2, 4));
    let found = run(vec![3.0, 1.0, 2.0], 1, 1, &settings);
    assert_eq!((found.stopped, found.steps, found.products), (Stopped::WholeSpace, 3, 5));
    let found = run(vec![-4.0], 3, 3, &settings);
    assert_eq!((found.top[0].value, found.bottom[0].value, found.steps), (-4.0, -4.0, 1));
    assert_eq!((found.top.len(), found.bottom.len(), found.stopped), (1, 1, Stopped::WholeSpace));
    // The ends of a fine comb are far from converged after 20 steps.
    let comb: Vec<f64> = (0..5000).map(|i| i as f64).collect();
    let found = run(comb.clone(), 1, 1, &Settings { most_steps: 20, ..settings });
    assert_eq!((found.stopped, found.steps, found.products), (Stopped::MostSteps, 20, 22));
    assert!(!found.converged() && !found.certified());
    holds("comb", &comb, f64::EPSILON, &found);
    assert_eq!(run(comb, 0, 0, &settings).products, 0);
    // Kuczynski and Wozniakowski's bound at n = 10^5 is 66.3.
    assert_eq!(settings.certifying_steps(100_000), 67);
    assert_eq!(settings.certifying_steps(5), 5);
    assert_eq!(Stopped::MostSteps.to_string(), "most steps");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let operator = Rotated::diagonal(vec![1.0, 2.0, 3.0]);
    let refused = |settings: Settings, what: &str| {
        let error = ends(&operator, Wanted { top: 2, bottom: 0 }, &mut rng(0), &settings).expect_err(what);
        assert_eq!(error.exit_code(), 2);
        assert_eq!(error.to_string(), what);
    };
    let fine = Settings::default();
    refused(Settings { tolerance: 0.0, ..fine }, "tolerance: expected a number between 0 and 1, found 0");
    refused(Settings { delta: f64::NAN, ..fine }, "delta: expected a number between 0 and 1, found NaN");
    refused(Settings { epsilon: 1.0, ..fine }, "epsilon: expected a number between 0 and 1, found 1");
    refused(Settings { most_steps: 0, ..fine }, "most-steps: expected at least 1, found 0");
    let few = "most-steps: expected at least 2, for as many eigenpairs, found 1";
    refused(Settings { most_steps: 1, ..fine }, few);
    let none = Rotated::diagonal(Vec::new());
    assert!(ends(&none, Wanted { top: 1, bottom: 0 }, &mut rng(0), &fine).is_err());
}
