//! Every optimizer and schedule: a quadratic they must solve, factors that stay in bounds, and the steps of
//! their equations.

use losscape::base::registry::Registry;
use losscape::train::optimizers::Stepper;
use losscape::train::{Optimizer, Schedule};

/// A gradient that is known as a whole.
fn from(gradient: &[f64]) -> impl Fn(usize, &mut [f64]) + Sync {
    |start, out| out.copy_from_slice(&gradient[start..start + out.len()])
}

/// Trajectory of an optimizer on 1/2 lambda theta^2 from theta = 1.
fn on_a_parabola(optimizer: &str, lambda: f64, rate: f64, steps: usize) -> Vec<f64> {
    let optimizer: Optimizer = optimizer.parse().expect("an optimizer");
    let mut stepper = Stepper::<f64>::new(&optimizer, 1);
    let mut theta = [1.0];
    (0..steps)
        .map(|_| {
            let gradient = [lambda * theta[0]];
            stepper.step(rate, &mut theta, from(&gradient));
            theta[0]
        })
        .collect()
}

#[test]
fn every_optimizer_descends_a_quadratic() {
    // Condition number 10, at the rate that the kind has by default.
    let curvatures: Vec<f64> = (1..=10).map(f64::from).collect();
    // (A line search is more than what an element by itself does; it has tests of its own.)
    for optimizer in Optimizer::all().into_iter().filter(|o| o.search().is_none()) {
        let mut stepper = Stepper::<f64>::new(&optimizer, curvatures.len());
        let mut theta = vec![1.0; curvatures.len()];
        for _ in 0..20_000 {
            let gradient: Vec<f64> = theta.iter().zip(&curvatures).map(|(t, c)| t * c).collect();
            stepper.step(optimizer.rate(), &mut theta, from(&gradient));
        }
        let worst = theta.iter().fold(0.0f64, |m, t| m.max(t.abs()));
        // What is left of 1: some steps of the rate, for those that never get shorter. AdaDelta has no rate that could
        // be smaller: without noise its steps end in a cycle around the minimum.
        let most = if optimizer.name() == "adadelta" { 0.1 } else { 1e-2 };
        assert!(worst < most, "{optimizer}: {worst} left");
    }
}

#[test]
fn rates_are_positive_and_one_kind_wants_all_samples() {
    assert!(Optimizer::all().iter().all(|o| o.rate() > 0.0 && o.rate() <= 1.0));
    let full: Vec<&str> = Optimizer::all().iter().filter(|o| o.full_batch()).map(|o| o.name()).collect();
    assert!(full.contains(&"gd") && !full.contains(&"sgd"), "{full:?}");
}

/// A gradient of 0 (a dead unit) moves nothing and makes no NaN; a NaN is seen.
#[test]
fn every_optimizer_leaves_elements_without_gradient_alone() {
    fn check<E: losscape::autodiff::Element>() {
        for optimizer in Optimizer::all() {
            let mut stepper = Stepper::<E>::new(&optimizer, 3);
            let mut theta = [0.0, 0.0, 0.5].map(E::from_f64);
            let gradient = [0.0, f64::NAN, 0.25].map(E::from_f64);
            for _ in 0..3 {
                stepper.step(0.01, &mut theta, |start, out| {
                    out.copy_from_slice(&gradient[start..start + out.len()]);
                });
            }
            assert!(theta[0] == E::ZERO, "{optimizer}: {} from no gradient", theta[0]);
            assert!(theta[1].to_f64().is_nan(), "{optimizer}: NaN is not seen");
            assert!(theta[2] < E::from_f64(0.5), "{optimizer}: {} after three steps down", theta[2]);
        }
    }
    check::<f64>();
    check::<f32>();
}

/// f32 goes as f64 goes, to its own accuracy.
#[test]
fn every_optimizer_agrees_in_single_precision() {
    for optimizer in Optimizer::all() {
        let (mut wide, mut narrow) = ([1.0f64, -0.5], [1.0f32, -0.5]);
        let (mut a, mut b) = (Stepper::new(&optimizer, 2), Stepper::new(&optimizer, 2));
        for _ in 0..50 {
            let (g, h) = (wide.map(|t| 2.0 * t - 0.3), narrow.map(|t| 2.0 * t - 0.3));
            a.step(0.01, &mut wide, |start, out| out.copy_from_slice(&g[start..start + out.len()]));
            b.step(0.01, &mut narrow, |start, out| out.copy_from_slice(&h[start..start + out.len()]));
        }
        for (a, b) in wide.iter().zip(narrow) {
            // 50 roundings of 6e-8, some of them magnified by averages that are still filling.
            assert!((a - f64::from(b)).abs() <= 2e-5, "{optimizer}: {b} for {a}");
        }
    }
}

/// With v^ = g^2 after one step, Adam's is rate sign(g), as eps goes to 0 (and so are those of its kin, with the
/// look-ahead of NAdam or without), RMSProp's rate sign(g) / sqrt(1 - alpha), AdaGrad's and Lion's rate sign(g).
#[test]
fn first_steps_of_normalised_optimizers_are_signs() {
    let gradient = [3.0, -0.02, 5e-4];
    let step = |text: &str| {
        let mut theta = [0.0; 3];
        let optimizer: Optimizer = text.parse().expect("an optimizer");
        Stepper::<f64>::new(&optimizer, 3).step(0.1, &mut theta, from(&gradient));
        theta
    };
    let mu = |t: f64| 0.9 * (1.0 - 0.5 * 0.96f64.powf(0.004 * t));
    let nadam = 1.0 + mu(2.0) * 0.1 / (1.0 - mu(1.0) * mu(2.0));
    for (text, length) in [
        ("adam:eps=1e-30", 1.0),
        ("adamw:eps=1e-30", 1.0),
        ("amsgrad:eps=1e-30", 1.0),
        ("nadam:eps=1e-30", nadam),
        ("adagrad:eps=1e-30", 1.0),
        ("rmsprop:eps=1e-30", 10.0),
        ("lion", 1.0),
    ] {
        for (found, g) in step(text).iter().zip(gradient) {
            let expected = -0.1 * length * f64::signum(g);
            // sqrt(1 - alpha), with alpha = .99, is known to 1e-14.
            assert!((found - expected).abs() <= 1e-13 * length, "{text}: {found}, not {expected}");
        }
    }
}

/// `gd`, `heavy-ball` and `nesterov` are `sgd` by other names, to the bit.
#[test]
fn names_of_gradient_descent_are_one_family() {
    for (name, same) in [
        ("gd:weight-decay=0.1", "sgd:momentum=0,weight-decay=0.1"),
        ("heavy-ball", "sgd"),
        ("heavy-ball:momentum=0.5", "sgd:momentum=0.5"),
        ("nesterov", "sgd:nesterov=true"),
        ("nesterov:momentum=0", "sgd:momentum=0"),
    ] {
        assert_eq!(on_a_parabola(name, 3.0, 0.1, 20), on_a_parabola(same, 3.0, 0.1, 20), "{name}");
    }
}

#[test]
fn every_optimizer_moves_long_vectors_as_it_moves_short_ones() {
    // Long vectors are cut into blocks; each element must go as it goes alone, momentum included.
    let p = 40_000;
    for optimizer in Optimizer::all() {
        let start: Vec<f64> = (0..p).map(|i| (i as f64 * 0.37).sin()).collect();
        let run = |theta: &[f64]| {
            let mut theta = theta.to_vec();
            let mut stepper = Stepper::<f64>::new(&optimizer, theta.len());
            for _ in 0..3 {
                let gradient: Vec<f64> = theta.iter().map(|t| 0.5 * t + 0.1).collect();
                stepper.step(0.1, &mut theta, from(&gradient));
            }
            theta
        };
        let whole = run(&start);
        for i in [0, 1, 4_095, 4_096, 4_097, 32_768, p - 1] {
            assert_eq!(whole[i].to_bits(), run(&start[i..=i])[0].to_bits(), "{optimizer}: element {i}");
        }
    }
}

#[test]
fn sgd_follows_its_equations() {
    // theta <- (1 - rate lambda) theta.
    for (step, theta) in on_a_parabola("sgd:momentum=0", 3.0, 0.1, 5).iter().enumerate() {
        assert!((theta - 0.7f64.powi(step as i32 + 1)).abs() < 1e-15);
    }
    // Heavy ball by hand: v1 = 2, theta1 = .8; v2 = 1.8 + 1.6 = 3.4, theta2 = .46.
    let found = on_a_parabola("sgd:momentum=0.9", 2.0, 0.1, 2);
    assert!((found[0] - 0.8).abs() < 1e-15 && (found[1] - 0.46).abs() < 1e-15, "{found:?}");
    // Nesterov: step 1 is rate (g + .9 g) = .38; theta1 = .62, g = 1.24, v = 1.8 + 1.24 = 3.04,
    // theta2 = .62 - .1 (1.24 + 2.736) = .2224.
    let found = on_a_parabola("sgd:momentum=0.9,nesterov=true", 2.0, 0.1, 2);
    assert!((found[0] - 0.62).abs() < 1e-15 && (found[1] - 0.2224).abs() < 1e-15, "{found:?}");
    // Weight decay adds to the curvature.
    let decayed = on_a_parabola("sgd:momentum=0,weight-decay=0.5", 2.0, 0.1, 4);
    let curved = on_a_parabola("sgd:momentum=0", 2.5, 0.1, 4);
    assert!(decayed.iter().zip(&curved).all(|(a, b)| (a - b).abs() < 1e-15));
}

#[test]
fn sgd_is_stable_where_theory_says() {
    // Gradient descent below rate lambda = 2, heavy ball below 2 + 2b.
    let last = |optimizer: &str, rate: f64| on_a_parabola(optimizer, 1.0, rate, 3000)[2999].abs();
    assert!(last("sgd:momentum=0", 1.99) < 1e-3 && last("sgd:momentum=0", 2.01) > 1e3);
    assert!(last("sgd:momentum=0.5", 2.98) < 1e-3 && last("sgd:momentum=0.5", 3.02) > 1e3);
}

#[test]
fn every_schedule_stays_between_zero_and_the_rate() {
    for schedule in Schedule::all() {
        for warmup in [0.0, 2.5] {
            let factors = (0..=1000).map(|i| schedule.factor(f64::from(i) / 100.0, 10.0, warmup));
            let most = factors.fold(0.0f64, |most, factor| {
                assert!((0.0..=1.0).contains(&factor), "{schedule}: a factor of {factor}");
                most.max(factor)
            });
            assert!(most > 0.999, "{schedule} never reaches the rate, only {most} of it");
            let first = schedule.factor(warmup, 10.0, warmup);
            assert!(first > 0.0, "{schedule} begins at 0 after its warmup");
        }
        let ramp: Vec<f64> = [0.5, 1.0, 2.0].iter().map(|e| schedule.factor(*e, 10.0, 4.0)).collect();
        assert_eq!(ramp, [0.125, 0.25, 0.5], "{schedule} warms up linearly");
        // A run of no length, or that is all warmup, has a rate too.
        for (epoch, epochs, warmup) in [(0.0, 0.0, 0.0), (4.0, 4.0, 4.0), (9.0, 4.0, 1.0)] {
            let factor = schedule.factor(epoch, epochs, warmup);
            assert!((0.0..=1.0).contains(&factor), "{schedule}: {factor} at {epoch} of {epochs}");
        }
    }
}

#[test]
fn schedules_follow_their_equations() {
    let factor = |schedule: &str, epoch: f64| {
        schedule.parse::<Schedule>().expect("a schedule").factor(epoch, 10.0, 0.0)
    };
    assert_eq!(factor("constant", 9.0), 1.0);
    let steps = [2.9, 3.0, 6.5].map(|e| factor("step:every=3,gamma=0.5", e));
    assert_eq!(steps, [1.0, 0.5, 0.25]);
    assert!((factor("cosine", 5.0) - 0.5).abs() < 1e-15 && factor("cosine", 10.0).abs() < 1e-15);
    assert!((factor("cosine:last=0.2", 10.0) - 0.2).abs() < 1e-15);
    assert_eq!([4.9, 5.0, 7.4, 7.5].map(|e| factor("multi-step:gamma=0.5", e)), [1.0, 0.5, 0.5, 0.25]);
    assert!((factor("exponential:gamma=0.5", 1.5) - 0.5f64.powf(1.5)).abs() < 1e-15);
    assert_eq!([0.0, 5.0, 10.0].map(|e| factor("linear:last=0.5", e)), [1.0, 0.75, 0.5]);
    assert_eq!([0.0, 5.0, 10.0].map(|e| factor("polynomial:power=2", e)), [1.0, 0.25, 0.0]);
    // A tenth of the way down at 5.4 of 5 to 9 epochs.
    for (epoch, expected) in [(0.0, 1.0), (5.0, 1.0), (5.4, 0.901), (7.0, 0.505), (9.0, 0.01), (10.0, 0.01)] {
        assert!((factor("flat-linear", epoch) - expected).abs() < 1e-15, "flat-linear at {epoch}");
    }
    // Periods of 1, 2 and 4 epochs.
    for (epoch, expected) in
        [(0.0, 1.0), (0.5, 0.5), (1.0, 1.0), (2.0, 0.5), (3.0, 1.0), (5.0, 0.5), (7.0, 1.0)]
    {
        assert!((factor("sgdr", epoch) - expected).abs() < 1e-15, "sgdr at {epoch}");
    }
    let cycles = [0.0, 1.0, 2.0, 3.0, 4.0, 6.0].map(|e| factor("triangular:lo=0.5", e));
    assert_eq!(cycles, [0.5, 0.75, 1.0, 0.75, 0.5, 1.0]);
    let halved = [2.0, 6.0, 10.0].map(|e| factor("triangular:lo=0,decay=0.5", e));
    assert_eq!(halved, [1.0, 0.5, 0.25]);
    for way in ["cosine", "linear"] {
        let cycle = [0.0, 1.5, 3.0, 6.5, 10.0].map(|e| factor(&format!("one-cycle:anneal={way}"), e));
        let expected = [0.04, 0.52, 1.0, (1.0 + 4e-6) / 2.0, 4e-6];
        let near = cycle.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-15);
        assert!(near, "one-cycle, {way}: {cycle:?}");
    }
}

/// The largest |eigenvalue| of one step on 1/2 lambda theta^2, which is linear in theta and the optimizer's state: the
/// columns of its matrix are what it makes of the unit vectors.
fn radius(optimizer: &Optimizer, lambda: f64, rate: f64) -> f64 {
    let states = optimizer.states();
    let column = |j: usize| {
        let unit = |i: usize| if i == j { 1.0 } else { 0.0 };
        let mut stepper = Stepper::<f64>::new(optimizer, 1);
        stepper.restore(7, (1..=states).map(|i| vec![unit(i)]).collect()).expect("its own state");
        let mut theta = [unit(0)];
        let gradient = [lambda * theta[0]];
        stepper.step(rate, &mut theta, from(&gradient));
        [theta[0]].into_iter().chain(stepper.states().iter().map(|s| s[0])).collect::<Vec<f64>>()
    };
    let matrix: Vec<Vec<f64>> = (0..=states).map(column).collect();
    match matrix.as_slice() {
        [one] => one[0].abs(),
        [a, b] => {
            let (trace, det) = (a[0] + b[1], a[0] * b[1] - a[1] * b[0]);
            let discriminant = trace * trace / 4.0 - det;
            if discriminant < 0.0 { det.sqrt() } else { trace.abs() / 2.0 + discriminant.sqrt() }
        }
        _ => panic!("{optimizer} has {states} states"),
    }
}

#[test]
fn a_curvature_below_the_stability_threshold_is_stable_and_one_above_is_not() {
    let claims: Vec<&str> =
        Optimizer::all().iter().filter(|o| o.stability(0.1).is_some()).map(|o| o.name()).collect();
    assert_eq!(claims, ["sgd", "gd", "heavy-ball", "nesterov"], "test what a new one claims");
    for text in [
        "gd",
        "gd:weight-decay=0.5",
        "sgd:momentum=0.0",
        "sgd",
        "sgd:momentum=0.5,weight-decay=0.25",
        "sgd:nesterov=true",
        "sgd:momentum=0.99,nesterov=true,weight-decay=0.5",
        "heavy-ball",
        "heavy-ball:momentum=0.0",
        "heavy-ball:momentum=0.3,weight-decay=1",
        "nesterov",
        "nesterov:momentum=0.0",
        "nesterov:momentum=0.7,weight-decay=0.1",
    ] {
        let optimizer: Optimizer = text.parse().expect("an optimizer");
        for rate in [0.003, 0.2] {
            let edge = optimizer.stability(rate).expect("a threshold");
            // At the edge an eigenvalue is -1, to rounding; its slope there is at least 1 an edge.
            assert!((radius(&optimizer, edge, rate) - 1.0).abs() < 1e-9, "{text}");
            assert!(radius(&optimizer, edge * (1.0 - 1e-6), rate) < 1.0 - 1e-7, "{text} just below");
            assert!(radius(&optimizer, edge * (1.0 + 1e-6), rate) > 1.0 + 1e-7, "{text} just above");
            // And as steps.
            let far =
                |lambda: f64| on_a_parabola(text, lambda, rate, 20_000).last().map_or(f64::NAN, |t| t.abs());
            assert!(far(edge * 0.998) < 1e-6, "{text} does not converge");
            let beyond = far(edge * 1.002);
            assert!(beyond.is_nan() || beyond > 1e6, "{text} does not diverge");
        }
    }
    for text in ["adam", "adamw", "rmsprop", "adagrad", "lion", "lbfgs"] {
        assert_eq!(text.parse::<Optimizer>().expect("an optimizer").stability(0.1), None, "{text}");
    }
}
