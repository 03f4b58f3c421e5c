//! Twenty steps of every optimizer, with its defaults and with settings of its own.

use crate::reference::{agrees, figures};
use losscape::base::registry::Registry;
use losscape::train::Optimizer;
use losscape::train::optimizers::Stepper;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Figures {
    start: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    optimizer: String,
    rate: f64,
    theta: Vec<Vec<f64>>,
}

fn read() -> Figures {
    figures(include_str!("optimizers.json"))
}

/// The gradient of 1/2 sum a (theta - b)^2 + 0.1 sum sin(3 theta_i) theta_(i+1), by hand.
fn gradient(problem: &Figures, theta: &[f64]) -> Vec<f64> {
    let n = theta.len();
    let of = |i: usize| {
        let (next, last) = (theta[(i + 1) % n], theta[(i + n - 1) % n]);
        let coupling = 0.3 * (3.0 * theta[i]).cos() * next + 0.1 * (3.0 * last).sin();
        problem.a[i] * (theta[i] - problem.b[i]) + coupling
    };
    (0..n).map(of).collect()
}

fn make_step(stepper: &mut Stepper<f64>, problem: &Figures, rate: f64, theta: &mut [f64]) {
    let gradient = gradient(problem, theta);
    stepper.step(rate, theta, |start, out| out.copy_from_slice(&gradient[start..start + out.len()]));
}

#[test]
fn twenty_steps_are_those_of_other_implementations() {
    let problem = read();
    let mut tried = BTreeSet::new();
    for case in &problem.cases {
        let optimizer = Optimizer::parse(&case.optimizer).unwrap_or_else(|e| panic!("{e}"));
        tried.insert(optimizer.name());
        let mut theta = problem.start.clone();
        let mut stepper = Stepper::new(&optimizer, theta.len());
        assert_eq!(case.theta.len(), 20);
        for (step, expected) in case.theta.iter().enumerate() {
            make_step(&mut stepper, &problem, case.rate, &mut theta);
            for (found, expected) in theta.iter().zip(expected) {
                agrees(*found, *expected, &format!("{}, step {}", case.optimizer, step + 1));
            }
        }
        assert_eq!(stepper.steps(), 20);
    }
    for name in Optimizer::names() {
        // A line search has as many implementations as it has authors; it is tested by what it must reach.
        assert!(tried.contains(name) || name == "lbfgs", "{name} has no figures");
    }
}

/// A stepper that is put back where another stood goes on with the same bits.
#[test]
fn restored_steppers_go_on_with_the_same_bits() {
    let problem = read();
    for case in &problem.cases {
        let optimizer = Optimizer::parse(&case.optimizer).unwrap_or_else(|e| panic!("{e}"));
        let mut theta = problem.start.clone();
        let mut stepper = Stepper::new(&optimizer, theta.len());
        (0..7).for_each(|_| make_step(&mut stepper, &problem, case.rate, &mut theta));
        let mut again = Stepper::new(&optimizer, theta.len());
        again.restore(stepper.steps(), stepper.states().to_vec()).expect("states of its own");
        let mut other = theta.clone();
        for _ in 7..20 {
            make_step(&mut stepper, &problem, case.rate, &mut theta);
            make_step(&mut again, &problem, case.rate, &mut other);
        }
        assert_eq!(theta, other, "{}", case.optimizer);
        assert_eq!((stepper.steps(), stepper.states()), (again.steps(), again.states()));
        // States of another length or number are refused, and change nothing.
        let mut states = stepper.states().to_vec();
        states.push(vec![0.0; 4]);
        let refusal = again.restore(3, states).expect_err("one vector too many").to_string();
        assert!(refusal.contains("expected") && refusal.contains("found"), "{refusal}");
        let short: Vec<Vec<f64>> = stepper.states().iter().map(|s| s[1..].to_vec()).collect();
        assert_eq!(again.restore(3, short.clone()).is_err(), !short.is_empty());
    }
}
