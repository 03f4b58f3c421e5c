//! L-BFGS: on quadratics, whose minimum is known and which it must reach in about as many iterations as there are
//! dimensions; on Rosenbrock's valley; and as a way to train.

use crate::analytic::agree;
use losscape::base::Precision;
use losscape::data::Dataset;
use losscape::train::optimizers::Lbfgs;
use losscape::train::optimizers::lbfgs::{Memory, Outcome, Value};
use losscape::train::{self, Status, Stop, TrainSettings, Trained};

/// Loss and gradient at a point.
type At = (f64, Vec<f64>);

/// Iterates until the gradient is shorter than `small`; where it ended, how many iterations and evaluations it took.
fn minimise(rules: &Lbfgs, start: &[f64], small: f64, f: &dyn Fn(&[f64]) -> At) -> (Vec<f64>, usize, usize) {
    let mut evaluations = 0;
    let mut evaluate = |x: &mut Vec<f64>| {
        evaluations += 1;
        let (loss, gradient) = f(x);
        Some(Value { loss, gradient })
    };
    let (mut memory, mut theta) = (Memory::default(), start.to_vec());
    let mut here = evaluate(&mut theta).expect("a value");
    for iteration in 0..200 {
        if here.gradient.iter().map(|g| g * g).sum::<f64>().sqrt() < small {
            return (theta, iteration, evaluations);
        }
        let before = here.loss;
        match rules.iterate(1.0, &mut memory, (&theta, &here), 0.0, &mut evaluate) {
            Outcome::Step(step) => (theta, here) = (step.theta, step.value),
            other => panic!("after {iteration} iterations: {other:?}"),
        }
        assert!(here.loss < before, "every step goes down");
        assert!(memory.pairs.len() <= rules.history);
    }
    panic!("not at a minimum after 200 iterations: gradient {:?}", here.gradient);
}

/// 1/2 (x - a)' D (x - a) with curvatures 1 to 100 and a_i = sin i.
fn quadratic(n: usize) -> (impl Fn(&[f64]) -> At, Vec<f64>) {
    let minimum: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
    let a = minimum.clone();
    let f = move |x: &[f64]| {
        let curvature = |i: usize| 100f64.powf(i as f64 / (n - 1) as f64);
        let gradient: Vec<f64> = (0..n).map(|i| curvature(i) * (x[i] - a[i])).collect();
        let loss = (0..n).map(|i| 0.5 * gradient[i] * (x[i] - a[i])).sum();
        (loss, gradient)
    };
    (f, minimum)
}

#[test]
fn a_quadratic_takes_as_many_iterations_as_it_has_dimensions() {
    let n = 10;
    let (f, minimum) = quadratic(n);
    // With exact line searches and pairs enough, BFGS ends after n iterations (Nocedal and Wright, theorem 6.4): a
    // cubic is exact on a parabola, and a small wolfe asks for its minimum. A few more for rounding.
    let exact = Lbfgs { history: n, wolfe: 0.01, armijo: 1e-4, evaluations: 50 };
    let (found, iterations, _) = minimise(&exact, &vec![0.0; n], 1e-9, &f);
    agree("minimum", &found, &minimum, 1e-9);
    assert!(iterations <= n + 3, "{iterations} iterations");
    // The defaults search loosely: more iterations, about one evaluation each.
    let (found, iterations, evaluations) = minimise(&Lbfgs::default(), &vec![0.0; n], 1e-9, &f);
    agree("minimum", &found, &minimum, 1e-9);
    assert!(iterations <= 4 * n && evaluations <= 2 * iterations + 5, "{iterations}, {evaluations}");
}

#[test]
fn one_dimension_is_solved_by_the_first_secant() {
    let f = |x: &[f64]| (1.5 * (x[0] - 2.0).powi(2), vec![3.0 * (x[0] - 2.0)]);
    let (found, iterations, _) = minimise(&Lbfgs::default(), &[-7.0], 1e-10, &f);
    assert!((found[0] - 2.0).abs() < 1e-10 && iterations <= 3, "{found:?} after {iterations}");
}

#[test]
fn the_first_direction_is_the_gradients_and_the_second_has_the_secants_scale() {
    let mut memory = Memory::default();
    assert_eq!(memory.direction(&[1.0, -2.0]), [-1.0, 2.0]);
    // One pair: H must map y to s (the secant equation), exactly.
    let (s, y) = (vec![0.5, -1.0, 0.25], vec![2.0, -3.0, 0.5]);
    memory.pairs.push_back((s.clone(), y.clone()));
    let minus_s: Vec<f64> = s.iter().map(|x| -x).collect();
    agree("H y", &memory.direction(&y), &minus_s, 1e-15);
}

#[test]
fn it_follows_rosenbrocks_valley() {
    let f = |x: &[f64]| {
        let (u, v) = (1.0 - x[0], x[1] - x[0] * x[0]);
        (u * u + 100.0 * v * v, vec![-2.0 * u - 400.0 * x[0] * v, 200.0 * v])
    };
    let (found, iterations, evaluations) = minimise(&Lbfgs::default(), &[-1.2, 1.0], 1e-8, &f);
    agree("minimum", &found, &[1.0, 1.0], 1e-8);
    assert!(iterations <= 60 && evaluations <= 100, "{iterations} iterations, {evaluations} evaluations");
}

fn run(more: &str) -> Trained {
    let text = format!("samples = 200\nprecision = \"f64\"\n{more}");
    let settings: TrainSettings = toml::from_str(&text).expect("settings");
    assert_eq!(settings.precision, Precision::F64);
    let mut all = Dataset::load(&settings.data, settings.data_seed, &settings.preparation).expect("data");
    all.train = all.train.select(&(0..200).collect::<Vec<_>>(), all.features());
    train::train::<f64>(&settings, &all, None, &mut |_| {}).expect("training")
}

#[test]
fn training_on_a_quadratic_ends_at_its_minimum_and_says_so() {
    // Least squares in the plane: a positive definite quadratic in theta.
    let model = "model = \"mlp:hidden=[]\"\ndata = \"blobs\"\nloss = \"squared-error\"\nepochs = 200\n";
    let trained = run(&format!("{model}optimizer = \"lbfgs\"\ntarget-gradient = 1e-9"));
    assert_eq!((trained.status, trained.stop), (Status::Done, Stop::Target), "{}", trained.reason);
    let p = trained.point.theta.len();
    assert!(trained.steps as usize <= 2 * p + 5, "{} steps for {p} parameters", trained.steps);
    // The same many steps of gradient descent at the largest round rate that is stable end higher.
    let epochs = trained.steps;
    let model = model.replace("200", &epochs.to_string());
    let descent = run(&format!("{model}optimizer = \"sgd:momentum=0\"\nlr = 0.5\nbatch-size = 200"));
    assert!(descent.train.loss > trained.train.loss, "{} {}", descent.train.loss, trained.train.loss);
    // Without a target it goes on until rounding ends it, near the same place.
    let model = model.replace(&format!("epochs = {epochs}"), "epochs = 500");
    let stalled = run(&format!("{model}optimizer = \"lbfgs\""));
    assert!((stalled.train.loss - trained.train.loss).abs() < 1e-12);
    if stalled.steps < 500 {
        assert_eq!((stalled.status, stalled.stop), (Status::Done, Stop::Stalled), "{}", stalled.reason);
    }
}

#[test]
fn it_beats_gradient_descent_on_a_network() {
    let model = "model = \"mlp:hidden=[8],activation=tanh\"\nepochs = 40\n";
    let trained = run(&format!("{model}optimizer = \"lbfgs\""));
    let losses: Vec<f64> = trained.epochs.iter().map(|e| e.train_loss).collect();
    assert!(losses.windows(2).all(|w| w[1] < w[0]), "it never climbs: {losses:?}");
    for rate in [0.1, 0.5, 1.0] {
        let text = format!("{model}optimizer = \"sgd:momentum=0\"\nlr = {rate:?}\nbatch-size = 200");
        let descent = run(&text);
        assert!(trained.train.loss < 0.5 * descent.train.loss, "rate {rate}: {}", descent.train.loss);
    }
}
