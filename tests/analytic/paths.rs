//! Paths between two networks whose loss is a quadratic that a page of algebra gives.

use crate::analytic::{agree, gaussian, network, objective};
use losscape::landscape::Curve;
use losscape::landscape::path::{Between, Evaluator, Path, barrier, evenly, mean_along};

const N: usize = 1201; // more than two chunks, of unequal size
const D: usize = 3;
const C: usize = 4;
const P: usize = C * (D + 1);

/// Sums of 1201 terms of size 1 in two orders.
const TOLERANCE: f64 = 1e-12;

struct Linear {
    data: Vec<f64>,
    labels: Vec<u32>,
    evaluator: Evaluator,
}

impl Linear {
    fn new() -> Self {
        let network = network("mlp:hidden=[]", "squared-error", D, C);
        let data = gaussian("paths/data", N * D);
        let labels: Vec<u32> = (0..N).map(|n| (n * n % 7 % C) as u32).collect();
        let train = objective::<f64>(&network, &data, &labels);
        let test = objective::<f64>(&network, &data[..300 * D], &labels[..300]);
        let evaluator = Evaluator::new(Box::new(train), Box::new(test), Between::Refresh, 64).unwrap();
        Self { data, labels, evaluator }
    }

    /// 1/2n sum over the first n samples of |W x + b - y|^2.
    fn loss(&self, theta: &[f64], n: usize) -> f64 {
        let one = |(x, label): (&[f64], &u32)| {
            let output = |o: usize| {
                let sum: f64 = (0..D).map(|i| theta[o * D + i] * x[i]).sum();
                sum + theta[C * D + o] - if o == *label as usize { 1.0 } else { 0.0 }
            };
            (0..C).map(|o| output(o).powi(2)).sum::<f64>() / 2.0
        };
        self.data.chunks(D).zip(&self.labels).take(n).map(one).sum::<f64>() / n as f64
    }
}

fn ends() -> [(Vec<f64>, Vec<f64>); 2] {
    ["a", "b"].map(|name| (gaussian(&format!("paths/{name}"), P), Vec::new()))
}

fn binomial(n: usize, k: usize) -> f64 {
    (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product()
}

#[test]
fn every_curve_has_the_loss_of_its_point() {
    let linear = Linear::new();
    for text in ["bezier", "bezier:bends=3", "chain", "chain:bends=4", "linear"] {
        let curve: Curve = text.parse().unwrap();
        let [a, b] = ends();
        let mut path = Path::start(&curve, a.clone(), b.clone());
        // On the line, evenly spread.
        let last = path.control.len() - 1;
        for (k, w) in path.control.iter().enumerate() {
            let t = k as f64 / last as f64;
            let expected: Vec<f64> = a.0.iter().zip(&b.0).map(|(a, b)| (1.0 - t) * a + t * b).collect();
            agree("a bend on the line", w, &expected, 1e-15);
        }
        for (k, w) in path.control[1..last].iter_mut().enumerate() {
            *w = gaussian(&format!("paths/bend-{k}"), P);
        }
        let profile = linear.evaluator.profile(&path, 61, &|| {});
        for (i, t) in profile.t.iter().enumerate() {
            assert_eq!(*t, i as f64 / 60.0);
            let share = |k: usize| match text.split(':').next() {
                Some("bezier") => binomial(last, k) * t.powi(k as i32) * (1.0 - t).powi((last - k) as i32),
                // Hats around the corners.
                _ => (1.0 - (t * last as f64 - k as f64).abs()).max(0.0),
            };
            let point: Vec<f64> =
                (0..P).map(|j| (0..=last).map(|k| share(k) * path.control[k][j]).sum()).collect();
            agree("the point", &path.theta(*t), &point, 1e-13);
            let expected = [linear.loss(&point, N), linear.loss(&point, 300)];
            agree(text, &[profile.train_loss[i], profile.test_loss[i]], &expected, TOLERANCE * expected[0]);
        }
        // The ends are kept to the bit.
        assert_eq!((&path.theta(0.0), &path.theta(1.0)), (&a.0, &b.0));
    }
}

#[test]
fn a_convex_loss_has_no_barrier_on_the_line() {
    let linear = Linear::new();
    let [a, b] = ends();
    let profile = linear.evaluator.profile(&Path::line(a, b), 61, &|| {});
    // Rounding alone could lift a straight stretch.
    assert!(barrier(&profile.t, &profile.train_loss) <= TOLERANCE);
    // And one that is bent the other way has the barrier that the parabola gives: 1/4 of the second difference.
    let flipped: Vec<f64> = profile.train_loss.iter().map(|l| -l).collect();
    let (first, middle, last) = (flipped[0], flipped[30], flipped[60]);
    let expected = middle - (first + last) / 2.0;
    assert!((barrier(&profile.t, &flipped) - expected).abs() <= TOLERANCE && expected > 0.1);
}

#[test]
fn a_quadratic_curve_is_as_long_as_its_integral() {
    // x = 2 t (1 - t) + t^2 1 = 2t - t^2 with ends 0 and 1 and the bend at 1; y from the bend (.5, 1): 2 t (1 - t).
    let control = vec![vec![0.0, 0.0], vec![0.5, 1.0], vec![1.0, 0.0]];
    let path = Path { curve: "bezier".parse().unwrap(), control, states: [Vec::new(), Vec::new()] };
    // x = t, y = 2 t (1 - t): the parabola's length is sqrt(5)/2 + asinh(2)/4.
    let expected = 5f64.sqrt() / 2.0 + 2f64.asinh() / 4.0;
    let t = evenly(61);
    let lengths = path.lengths(&t, 64);
    // Chords are short by h^2 / 24 times the curvature.
    assert!((lengths[60] - expected).abs() < 1e-6, "{} and {expected}", lengths[60]);
    // The mean of a constant is the constant, of the length's own share 1/2.
    assert!((mean_along(&lengths, &[3.0; 61]) - 3.0).abs() < 1e-12);
    let shares: Vec<f64> = lengths.iter().map(|l| l / lengths[60]).collect();
    assert!((mean_along(&lengths, &shares) - 0.5).abs() < 1e-12);
}

#[test]
fn an_ensemble_judges_by_the_mean_of_its_predictions() {
    let linear = Linear::new();
    let [a, b] = ends();
    // Of linear models with squared error the mean prediction is that of the mean weights.
    let middle: Vec<f64> = a.0.iter().zip(&b.0).map(|(a, b)| (a + b) / 2.0).collect();
    let found = linear.evaluator.ensemble(&[a, b]).unwrap();
    agree("ensemble", &[found.loss], &[linear.loss(&middle, 300)], TOLERANCE);
    assert_eq!(found.accuracy, linear.evaluator.evaluate(&middle, &[]).1.accuracy);
}
