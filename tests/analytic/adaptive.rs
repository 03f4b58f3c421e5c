//! Adaptive grids: polynomials are interpolated as algebra says, arrays come within the tolerance of the full grid, and
//! what is asked for follows from the values alone.

use losscape::data::Dataset;
use losscape::landscape::adaptive::{Filled, LOGARITHMIC, TOLERANCE};
use losscape::landscape::directions::gaussian::gaussian;
use losscape::landscape::slice::Point;
use losscape::landscape::{Adaptive, Normalization, Slicer, State};
use losscape::nn::Objective;
use losscape::train::{self, TrainSettings};
use std::sync::Arc;

/// `n` coordinates from -1 to 1.
fn axis(n: usize) -> Vec<f64> {
    (0..n).map(|i| 2.0 * i as f64 / (n - 1) as f64 - 1.0).collect()
}

fn grid(nx: usize, ny: usize, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    axis(ny).iter().flat_map(|y| axis(nx).iter().map(|x| f(*x, *y)).collect::<Vec<_>>()).collect()
}

/// A finished refinement: which points are known, and how many rounds it took.
struct Finished {
    plan: Adaptive,
    known: Vec<bool>,
    rounds: usize,
}

impl Finished {
    /// Points that are not known are poisoned: a plan that looks at them is wrong.
    fn of(nx: usize, ny: usize, tolerance: f64, full: &[&[f64]]) -> Self {
        let plan = Adaptive::new(&axis(nx), &axis(ny), tolerance).expect("a plan");
        let mut known = vec![false; nx * ny];
        let mut arrays = vec![vec![-1e30; nx * ny]; full.len()];
        for rounds in 0.. {
            let held: Vec<&[f64]> = arrays.iter().map(Vec::as_slice).collect();
            let next = plan.next(&known, &held);
            assert_eq!(next, plan.clone().next(&known, &held), "the same values, the same points");
            if next.is_empty() {
                return Self { plan, known, rounds };
            }
            assert!(next.windows(2).all(|w| w[0] < w[1]), "ascending");
            for p in next {
                assert!(!known[p], "point {p} is asked for twice");
                known[p] = true;
                arrays.iter_mut().zip(full).for_each(|(a, f)| a[p] = f[p]);
            }
        }
        unreachable!("rounds end")
    }

    fn computed(&self) -> usize {
        self.known.iter().filter(|k| **k).count()
    }

    fn spared(&self) -> f64 {
        1.0 - self.computed() as f64 / self.known.len() as f64
    }

    fn fill(&self, full: &[f64]) -> Filled {
        let values: Vec<f64> =
            full.iter().zip(&self.known).map(|(v, k)| if *k { *v } else { -1e30 }).collect();
        let filled = self.plan.fill(&self.known, &values);
        for (p, v) in filled.values.iter().enumerate().filter(|(p, _)| self.known[*p]) {
            assert_eq!(v.to_bits(), full[p].to_bits(), "known values stay as they are");
        }
        filled
    }
}

/// The largest difference relative to the range, of all that is finite in `full`, as `scale` has it.
fn error(filled: &[f64], full: &[f64], scale: fn(f64) -> f64) -> f64 {
    let finite = || full.iter().zip(filled).filter(|(v, _)| v.is_finite());
    let (low, high) = finite()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), (v, _)| (l.min(scale(*v)), h.max(scale(*v))));
    let most = finite().map(|(v, f)| (scale(*v) - scale(*f)).abs()).fold(0.0, f64::max);
    assert!(finite().all(|(_, f)| f.is_finite()), "finite where the full grid is");
    most / (high - low)
}

/// Points are spared, and the array is within the tolerance on each scale that it is drawn on.
fn holds(what: &str, nx: usize, ny: usize, full: &[f64], least: f64) -> Finished {
    let finished = Finished::of(nx, ny, TOLERANCE, &[full]);
    let filled = finished.fill(full);
    let mut found = error(&filled.values, full, |v| v);
    if filled.logarithmic {
        found = found.max(error(&filled.values, full, f64::ln));
    }
    assert!(found <= TOLERANCE, "{what}: error {found}");
    assert!(filled.error <= TOLERANCE, "{what}: {} is promised", filled.error);
    let spared = finished.spared();
    assert!(spared >= least, "{what}: spared {spared}, {} rounds", finished.rounds);
    finished
}

/// Sums of 16 products of size 1, level after level, round to some 1e-15.
const ROUNDING: f64 = 1e-13;

#[test]
fn quadratics_are_exact_from_the_first_points() {
    for (nx, ny) in [(51, 51), (25, 25), (81, 41), (50, 34), (7, 64), (13, 200)] {
        let full = grid(nx, ny, |x, y| 1.0 + x - 2.0 * y + 3.0 * x * x - x * y + 0.5 * y * y);
        let finished = Finished::of(nx, ny, TOLERANCE, &[&full]);
        assert_eq!(finished.rounds, 1, "{nx} x {ny}");
        let filled = finished.fill(&full);
        assert!(!filled.logarithmic && filled.error <= ROUNDING, "{nx} x {ny}: {}", filled.error);
        assert!(error(&filled.values, &full, |v| v) <= ROUNDING, "{nx} x {ny}");
    }
}

#[test]
fn cubics_are_exact_where_both_neighbours_are_there() {
    // Predictions beside a border, a quadratic's, reach two cells of the first level inwards.
    let full = grid(51, 51, |x, y| x * x * x - 2.0 * x * y * y + y * y * y + x * x * y);
    let plan = Adaptive::new(&axis(51), &axis(51), TOLERANCE).expect("a plan");
    let mut known = vec![false; full.len()];
    plan.next(&known, &[]).into_iter().for_each(|p| known[p] = true);
    let filled = plan.fill(&known, &full).values;
    for (p, (found, expected)) in filled.iter().zip(&full).enumerate() {
        if [p % 51, p / 51].iter().all(|k| (8..=40).contains(k)) {
            assert!((found - expected).abs() <= ROUNDING, "at {p}: {found}, not {expected}");
        }
    }
    assert!(error(&filled, &full, |v| v) > ROUNDING, "the border is a quadratic's");
}

#[test]
fn the_logarithm_of_a_quadratic_is_one_too() {
    let full = grid(51, 51, |x, y| (4.0 * x * x + x * y + 2.0 * y).exp());
    let finished = Finished::of(51, 51, TOLERANCE, &[&full]);
    let filled = finished.fill(&full);
    assert!(filled.logarithmic && finished.rounds == 1);
    for (found, expected) in filled.values.iter().zip(&full) {
        assert!((found / expected - 1.0).abs() <= 1e-12, "{found}, not {expected}");
    }
    // Just below the factor, and with a zero, values are taken as they are.
    let spans = |low: f64, high: f64| {
        let full = grid(51, 51, |x, _| low + (high - low) * (x + 1.0) / 2.0);
        Finished::of(51, 51, TOLERANCE, &[&full]).fill(&full).logarithmic
    };
    assert!(!spans(1.0, 0.99 * LOGARITHMIC) && spans(1.0, 1.01 * LOGARITHMIC) && !spans(0.0, 1.0));
}

#[test]
fn shapes_of_losses_come_within_the_tolerance() {
    holds("bowl", 51, 51, &grid(51, 51, |x, y| (x * x + 3.0 * y * y).sqrt()), 0.5);
    holds("ridge", 51, 51, &grid(51, 51, |x, y| (-40.0 * (x - 0.5 * y).powi(2)).exp()), 0.5);
    holds("plateau", 51, 51, &grid(51, 51, |x, y| (4.0 * (x * x + y * y - 0.5)).tanh()), 0.5);
    holds("cliff", 101, 81, &grid(101, 81, |x, y| if x + 0.3 * y > 0.21 { 5.0 } else { 1.0 }), 0.5);
    holds("pit", 51, 51, &grid(51, 51, |x, y| 1e-3 + x * x + y * y), 0.5);
    holds("oblong", 81, 41, &grid(81, 41, |x, y| (3.0 * x).sin() * (2.0 * y).cos()), 0.5);
    holds("even", 100, 60, &grid(100, 60, |x, y| (2.0 * x * y).exp() + x), 0.5);
}

#[test]
fn a_pit_at_the_origin_is_not_missed() {
    // One tenth of a cell of the first level wide.
    let full = grid(51, 51, |x, y| 1.0 - (-(x * x + y * y) / 0.03f64.powi(2)).exp());
    let finished = holds("pit", 51, 51, &full, 0.5);
    assert!(
        (-1..=1).all(|d: i64| finished.known[(25 * 51 + 25 + d) as usize]),
        "its neighbours are computed"
    );
}

#[test]
fn constants_take_the_first_points_alone() {
    for value in [0.0, std::f64::consts::LN_10, -1e300, 1e-300, f64::NAN, f64::INFINITY] {
        let full = vec![value; 51 * 51];
        let finished = Finished::of(51, 51, TOLERANCE, &[&full]);
        assert_eq!((finished.rounds, finished.computed()), (1, 14 * 14 + 1), "{value}");
        let found = finished.fill(&full);
        let within = |v: &f64| v.to_bits() == value.to_bits() || (v / value - 1.0).abs() < ROUNDING;
        assert!(found.values.iter().all(within) && found.error == 0.0, "{value}");
    }
}

#[test]
fn a_border_to_non_finite_values_is_followed_down_to_the_grid() {
    let hole = |x: f64, y: f64| x + 1.1 * y > 0.83;
    for outside in [f64::NAN, f64::INFINITY] {
        let full = grid(51, 51, |x, y| if hole(x, y) { outside } else { 1.0 + x * x + 0.5 * y });
        let finished = holds("hole", 51, 51, &full, 0.5);
        let filled = finished.fill(&full).values;
        for (p, (found, expected)) in filled.iter().zip(&full).enumerate() {
            assert_eq!(found.is_finite(), expected.is_finite(), "at {p}");
            assert!(found.is_finite() || found.to_bits() == expected.to_bits(), "at {p}: {found}");
        }
        // Interpolation reaches across nowhere, so that the parabola is still one beside the hole.
        assert!(error(&filled, &full, |v| v) <= TOLERANCE / 10.0);
    }
    // Before it has been followed, what lies across is left out.
    let full = grid(51, 51, |x, y| if hole(x, y) { f64::NAN } else { 1.0 });
    let plan = Adaptive::new(&axis(51), &axis(51), TOLERANCE).expect("a plan");
    let mut known = vec![false; full.len()];
    plan.next(&known, &[&full]).into_iter().for_each(|p| known[p] = true);
    let early = plan.fill(&known, &full);
    assert!(
        early.error.is_infinite() && early.values.iter().all(|v| v.is_nan() || (v - 1.0).abs() <= ROUNDING)
    );
}

#[test]
fn all_arrays_are_held_and_those_that_are_not_say_their_error() {
    let smooth = grid(51, 51, |x, y| x * x + y);
    let bent = grid(51, 51, |x, y| (x - y).abs());
    let [one, other, both] = [vec![&smooth[..]], vec![&bent[..]], vec![&smooth, &bent]]
        .map(|a| Finished::of(51, 51, TOLERANCE, &a));
    assert!(one.rounds == 1 && other.computed() > one.computed());
    assert_eq!(both.known, other.known, "the bent one asks for more");
    let found = one.fill(&bent);
    let truth = error(&found.values, &bent, |v| v);
    assert!(found.error > TOLERANCE && truth > TOLERANCE && truth <= found.error, "{truth}, {}", found.error);
}

#[test]
fn small_grids_are_computed_whole_and_every_size_ends() {
    for (nx, ny) in [(2, 2), (2, 12), (7, 4), (12, 12)] {
        let full = grid(nx, ny, |x, y| x * y);
        let finished = Finished::of(nx, ny, TOLERANCE, &[&full]);
        assert_eq!((finished.computed(), finished.rounds), (nx * ny, 1), "{nx} x {ny}");
    }
    for nx in 2..40 {
        for ny in [2, 3, 13, 24, 25, 33] {
            let full = grid(nx, ny, |x, y| (3.0 * x + y).sin());
            let finished = Finished::of(nx, ny, TOLERANCE, &[&full]);
            let filled = finished.fill(&full);
            assert!(error(&filled.values, &full, |v| v) <= TOLERANCE, "{nx} x {ny}");
        }
    }
}

#[test]
fn what_is_asked_for_in_vain_is_asked_for_again() {
    let full = grid(51, 51, |x, y| (9.0 * x * y).sin());
    let plan = Adaptive::new(&axis(51), &axis(51), TOLERANCE).expect("a plan");
    let mut known = vec![false; full.len()];
    let first = plan.next(&known, &[&full]);
    // Work that stopped halfway.
    first.iter().take(50).for_each(|p| known[*p] = true);
    assert_eq!(plan.next(&known, &[&full]), first[50..]);
}

#[test]
fn mistakes_are_named() {
    let message = |x: &[f64], t| Adaptive::new(x, &axis(5), t).map(|_| ()).expect_err("refused").to_string();
    assert!(message(&[0.0], 0.01).starts_with("x: expected at least 2 finite coordinates"));
    assert!(message(&[0.0, 0.0], 0.01).starts_with("x: expected"));
    assert!(message(&[0.0, 1.0, 0.5], 0.01).starts_with("x: expected"));
    assert!(message(&[0.0, f64::NAN], 0.01).starts_with("x: expected"));
    for t in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(message(&[0.0, 1.0], t).starts_with("tolerance: expected a number above 0"), "{t}");
    }
}

/// Losses and accuracies of a slice of a network trained here.
fn slice(settings: &str, n: usize) -> [Vec<f64>; 4] {
    let settings: TrainSettings = toml::from_str(settings).expect("settings");
    let mut dataset = Dataset::load(&settings.data, settings.data_seed, &settings.preparation).expect("data");
    let trained = train::train::<f32>(&settings, &dataset, None, &mut |_| {}).expect("training");
    let (network, theta) = (&trained.network, &trained.point.theta);
    // Statistics of batch norm, as training left them.
    let state = &trained.point.state;
    let directions = [0, 1].map(|index| {
        let streams = losscape::base::Streams::new(0);
        let mut d = gaussian(&streams, index, theta.len());
        Normalization::default().apply(network.layout(), theta, |_| false, &mut d);
        d
    });
    let points: Vec<Point> =
        axis(n).iter().flat_map(|y| axis(n).iter().map(|x| [*x, *y, 0.0]).collect::<Vec<_>>()).collect();
    let features = dataset.features();
    for part in [&mut dataset.train, &mut dataset.test] {
        *part = part.select(&(0..SAMPLES).collect::<Vec<_>>(), features);
    }
    let [train, test] = [&dataset.train, &dataset.test].map(|part| {
        let samples = train::samples(network, part);
        let objective = Objective::<f32>::new(Arc::clone(network), samples, Default::default());
        let slicer = Slicer::new(&objective, theta, State::Frozen(state.clone()), &directions, usize::MAX);
        slicer.evaluate(&points, &|_| {}).expect("a slice")
    });
    let of = |part: &[losscape::nn::Evaluation]| {
        [part.iter().map(|e| e.loss).collect(), part.iter().map(|e| e.accuracy).collect()]
    };
    let ([loss, accuracy], [test_loss, test_accuracy]) = (of(&train), of(&test));
    [loss, test_loss, accuracy, test_accuracy]
}

/// Training samples, and as many test samples, that a slice is evaluated on.
const SAMPLES: usize = 200;

#[test]
fn half_the_points_of_three_networks_are_spared_within_the_tolerance() {
    let networks = [
        ("perceptron on digits", ""),
        (
            "tanh perceptron on spirals",
            "data = \"spirals\"\nmodel = \"mlp:hidden=[32,32],activation=tanh\"\nepochs = 100",
        ),
        ("convolutions on digits", "model = \"cnn:channels=[2,4]\"\nepochs = 1"),
    ];
    for (what, settings) in networks {
        let n = 51;
        let [loss, test_loss, accuracy, test_accuracy] = slice(settings, n);
        let held = [&loss[..], &test_loss];
        let finished = Finished::of(n, n, TOLERANCE, &held);
        let spared = finished.spared();
        assert!(spared >= 0.5, "{what}: spared {spared}");
        for full in held {
            let filled = finished.fill(full);
            let mut found = error(&filled.values, full, |v| v);
            if filled.logarithmic {
                found = found.max(error(&filled.values, full, f64::ln));
            }
            assert!(found <= TOLERANCE, "{what}: error {found}, spared {spared}");
        }
        // Accuracies come from the same points, and say how far they are off.
        for full in [&accuracy, &test_accuracy] {
            let filled = finished.fill(full);
            assert!(error(&filled.values, full, |v| v) <= filled.error, "{what}: {}", filled.error);
        }
    }
}
