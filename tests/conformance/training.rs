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
    // Condition number 10, at a tenth of the stable rate.
    let curvatures: Vec<f64> = (1..=10).map(f64::from).collect();
    for optimizer in Optimizer::all() {
        let mut stepper = Stepper::<f64>::new(&optimizer, curvatures.len());
        let mut theta = vec![1.0; curvatures.len()];
        for _ in 0..400 {
            let gradient: Vec<f64> = theta.iter().zip(&curvatures).map(|(t, c)| t * c).collect();
            stepper.step(0.02, &mut theta, from(&gradient));
        }
        let worst = theta.iter().fold(0.0f64, |m, t| m.max(t.abs()));
        assert!(worst < 1e-2, "{optimizer}: {worst} left");
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
            for i in 0..=100 {
                let epoch = f64::from(i) / 10.0;
                let factor = schedule.factor(epoch, 10.0, warmup);
                assert!((0.0..=1.0).contains(&factor), "{schedule}: {factor} at epoch {epoch}");
            }
            assert_eq!(schedule.factor(warmup, 10.0, warmup), 1.0, "{schedule} begins at the rate");
        }
        let ramp: Vec<f64> = [0.5, 1.0, 2.0].iter().map(|e| schedule.factor(*e, 10.0, 4.0)).collect();
        assert_eq!(ramp, [0.125, 0.25, 0.5], "{schedule} warms up linearly");
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
}
