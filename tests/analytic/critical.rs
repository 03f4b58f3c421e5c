//! Critical points: descents against functions and networks whose critical points are known, and what is none told
//! apart.

use crate::analytic::{agree, network, objective};
use faer::Mat;
use losscape::analyses::critical::{self, spearman};
use losscape::analyses::pieces::whole;
use losscape::analyses::{CriticalResult, CriticalSettings, Observe, Progress, Saved, Share};
use losscape::base::{Result, Streams};
use losscape::data::{Dataset, Targets};
use losscape::landscape::newton::{Found, Loss, Settings, Stopped, Surface, descend};

#[test]
fn rank_correlations_share_ties_and_their_interval_holds_the_value() {
    let streams = Streams::new(0);
    // 1 - 6 sum d^2 / (n (n^2 - 1)) without ties: d = 0, 1, 1, 0.
    let found = spearman(&[1.0, 2.0, 3.0, 4.0], &[10.0, 30.0, 20.0, 40.0], &streams);
    assert_eq!((found.value, found.interval), (Some(0.8), None));
    // Ranks 1.5, 1.5, 3 against 1, 2, 3: deviations (-.5, -.5, 1) and (-1, 0, 1), 1.5 / sqrt(1.5 * 2).
    let found = spearman(&[7.0, 7.0, 9.0], &[1.0, 2.0, 3.0], &streams).value.expect("a value");
    assert!((found - 1.5 / 3f64.sqrt()).abs() < 1e-15, "{found}");
    assert_eq!(spearman(&[1.0, 2.0], &[3.0, 3.0], &streams).value, None);
    assert_eq!(spearman(&[], &[], &streams).value, None);
    let x: Vec<f64> = (0..40).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| x + 10.0 * (1.7 * x).sin()).collect();
    let found = spearman(&x, &y, &streams);
    let (Some([low, high]), Some(value)) = (found.interval, found.value) else { panic!("{found:?}") };
    assert!(low < value && value < high && high < 1.0 && low > 0.5, "{found:?}");
    // Fisher's interval, tanh(artanh rho +- 1.96 / sqrt(n - 3)), is of about the same width.
    let fisher = |z: f64| (value.atanh() + z / 37f64.sqrt()).tanh();
    let width = fisher(1.96) - fisher(-1.96);
    assert!(((high - low) / width - 1.0).abs() < 0.6, "{found:?}, {width}");
}

/// Value, gradient and Hessian (xx, xy, yy).
type Jet = (f64, [f64; 2], [f64; 3]);

/// A function of two numbers.
struct Plane(fn(f64, f64) -> Jet);

impl Surface for Plane {
    fn dimension(&self) -> usize {
        2
    }
    fn gradient(&self, t: &[f64]) -> (f64, Vec<f64>) {
        let (value, gradient, _) = (self.0)(t[0], t[1]);
        (value, gradient.to_vec())
    }
    fn hessian(&self, t: &[f64]) -> Result<Vec<f64>> {
        let (_, _, [xx, xy, yy]) = (self.0)(t[0], t[1]);
        Ok(vec![xx, xy, xy, yy])
    }
}

fn from(surface: &dyn Surface, start: &[f64]) -> Found {
    descend(surface, start, &Settings::default()).expect("no stop")
}

#[test]
fn saddles_and_maxima_attract_as_minima_do() {
    // (x^2 - 1)^2 / 4 + (y^2 - 1)^2 / 4: zeros of the gradient at x, y in {-1, 0, 1}.
    let wells = Plane(|x, y| {
        let (a, b) = (x * x - 1.0, y * y - 1.0);
        (a * a / 4.0 + b * b / 4.0, [x * a, y * b], [3.0 * x * x - 1.0, 0.0, 3.0 * y * y - 1.0])
    });
    for (start, end) in [
        ([0.9, 1.2], [1.0, 1.0]),
        ([0.2, -0.9], [0.0, -1.0]),
        ([0.1, -0.2], [0.0, 0.0]),
        ([-1.1, 0.1], [-1.0, 0.0]),
    ] {
        let found = from(&wells, &start);
        assert_eq!(found.stopped, Stopped::Critical, "{found:?}");
        agree("the point", &found.theta, &end, 1e-14);
        let negative = end.iter().filter(|t| **t == 0.0).count();
        assert_eq!((found.negative(), found.zero()), (negative, 0), "{found:?}");
        assert_eq!(found.index(), negative as f64 / 2.0);
        assert!(found.distance < 1e-10 && found.steps < 12, "{found:?}");
    }
}

#[test]
fn a_gradient_that_is_flat_and_not_zero_is_no_critical_point() {
    // g = 1 + x^2 has no zero, and its least norm at x = 0, where H is (0, 1).
    let slope = Plane(|x, y| (x + x.powi(3) / 3.0 + y * y / 2.0, [1.0 + x * x, y], [2.0 * x, 0.0, 1.0]));
    let found = from(&slope, &[0.7, 0.3]);
    assert_eq!(found.stopped, Stopped::Flat, "{found:?}");
    assert!((found.gradient_norm - 1.0).abs() < 1e-6 && found.flatness <= 1e-5, "{found:?}");
}

#[test]
fn a_gradient_that_vanishes_without_a_zero_is_no_critical_point() {
    // e^-x: every Newton step is 1 long, for ever.
    let plateau = Plane(|x, y| {
        let e = (-x).exp();
        (e + y * y / 2.0, [-e, y], [e, 0.0, 1.0])
    });
    // It lies in the kernel, too: asked for that first, the answer is the other one.
    assert_eq!(from(&plateau, &[0.5, 0.3]).stopped, Stopped::Flat);
    let settings = Settings { flat: 1e-12, ..Settings::default() };
    let found = descend(&plateau, &[0.5, 0.3], &settings).expect("no stop");
    assert_eq!(found.stopped, Stopped::Receding, "{found:?}");
    assert!(found.gradient_norm <= 1e-10 && found.distance > 0.5, "{found:?}");
    // 1 / x: Newton's distance x / 2 grows.
    let plateau = Plane(|x, y| (1.0 / x + y * y / 2.0, [-1.0 / (x * x), y], [2.0 / x.powi(3), 0.0, 1.0]));
    let found = descend(&plateau, &[2.0, 0.3], &Settings { tolerance: 1e-6, ..settings });
    assert_eq!(found.expect("no stop").stopped, Stopped::Receding);
}

#[test]
fn zeros_of_higher_order_are_critical_and_their_curvature_is_zero() {
    let cubic = Plane(|x, y| (x.powi(3) / 3.0 - y * y, [x * x, -2.0 * y], [2.0 * x, 0.0, -2.0]));
    let quartic = Plane(|x, y| (x.powi(4) / 4.0 - y * y, [x.powi(3), -2.0 * y], [3.0 * x * x, 0.0, -2.0]));
    for surface in [cubic, quartic] {
        let found = from(&surface, &[0.6, 0.2]);
        assert_eq!(found.stopped, Stopped::Critical, "{found:?}");
        assert_eq!((found.negative(), found.zero()), (1, 1), "{found:?}");
        assert!(found.distance >= found.theta[0].abs() * 0.99, "{found:?}");
    }
}

#[test]
fn a_chain_of_three_weights_has_a_plateau_at_zero_and_one_of_two_a_saddle() {
    // 1/2 (prod w_i - y)^2.
    for layers in [2, 3] {
        let model = format!("mlp:hidden={:?},activation=identity,bias=false", vec![1; layers - 1]);
        let network = network(&model, "squared-error", 1, 1);
        let samples = losscape::nn::Samples::<f64>::regression(&network, &[1.0], &[0.8]);
        let objective = losscape::nn::Objective::new(network, samples.into(), Default::default());
        let surface = Loss { objective: &objective, state: &[] };
        let zero = from(&surface, &vec![0.0; layers]);
        assert_eq!((zero.stopped, zero.steps), (Stopped::Critical, 0));
        assert!((zero.value - 0.32).abs() < 1e-15);
        let near: Vec<f64> = (0..layers).map(|i| 0.02 - 0.01 * i as f64).collect();
        let near = from(&surface, &near);
        assert_eq!(near.stopped, Stopped::Critical, "{near:?}");
        assert!((near.value - 0.32).abs() < 1e-12, "{near:?}");
        match layers {
            2 => [&zero, &near].iter().for_each(|f| agree("+-y", &f.eigenvalues, &[-0.8, 0.8], 1e-12)),
            // At zero all is flat; with one weight left, on a line of critical points through it, the others make a saddle.
            _ => {
                assert_eq!((zero.negative(), zero.zero()), (0, 3), "{zero:?}");
                let left = near.theta.iter().fold(0.0, |m: f64, w| m.max(w.abs()));
                agree("+-y w", &near.eigenvalues, &[-0.8 * left, 0.0, 0.8 * left], 1e-9);
            }
        }
        // And a minimum, where lambda_max = sum (y / w_i)^2.
        let minimum = from(&surface, &vec![0.9; layers]);
        let curvature: f64 = minimum.theta.iter().map(|w| (0.8 / w).powi(2)).sum();
        assert!(minimum.value < 1e-20 && minimum.stopped == Stopped::Critical, "{minimum:?}");
        assert!((minimum.eigenvalues[layers - 1] - curvature).abs() < 1e-9, "{minimum:?}");
        assert_eq!((minimum.negative(), minimum.zero()), (0, layers - 1));
    }
}

/// v tanh(w x) on a few numbers: its critical points by a scan over w with v at its best.
#[test]
fn a_network_of_two_weights_has_the_critical_points_that_a_scan_finds() {
    let xs = [-2.0, -1.2, -0.4, 0.3, 0.9, 1.5, 2.2];
    let ys = [-0.95, -0.8, -0.35, 0.4, 0.7, 0.9, 1.0];
    let n = xs.len() as f64;
    let network = network("mlp:hidden=[1],activation=tanh,bias=false", "squared-error", 1, 1);
    let samples = losscape::nn::Samples::<f64>::regression(&network, &xs, &ys);
    let objective = losscape::nn::Objective::new(network, samples.into(), Default::default());
    let surface = Loss { objective: &objective, state: &[] };

    let points = || xs.iter().zip(&ys).map(|(x, y)| (*x, *y));
    let best = |w: f64| {
        let (a, b) =
            points().fold((0.0, 0.0), |(a, b), (x, y)| (a + y * (w * x).tanh(), b + (w * x).tanh().powi(2)));
        a / b
    };
    // Loss, dL/dw, and L_ww, L_wv, L_vv.
    let at = |w: f64, v: f64| {
        let mut all = [0.0; 5];
        for (x, y) in points() {
            let t = (w * x).tanh();
            let (d, r) = (1.0 - t * t, v * t - y);
            let terms = [
                0.5 * r * r,
                r * v * x * d,
                (v * x * d).powi(2) - 2.0 * r * v * x * x * t * d,
                (v * t + r) * x * d,
                t * t,
            ];
            all.iter_mut().zip(terms).for_each(|(a, t)| *a += t / n);
        }
        all
    };
    let slope = |w: f64| at(w, best(w))[1];
    let mut known: Vec<(f64, usize)> = Vec::new();
    let mut note = |w: f64, v: f64| {
        let [loss, _, a, b, c] = at(w, v);
        let root = (0.25 * (a - c).powi(2) + b * b).sqrt();
        let values = [0.5 * (a + c) - root, 0.5 * (a + c) + root];
        known.push((loss, values.iter().filter(|l| **l < 0.0).count()));
    };
    note(0.0, 0.0);
    // By symmetry w > 0 suffices.
    for i in 1..4000 {
        let (mut low, mut high) = (f64::from(i) * 2e-3, f64::from(i + 1) * 2e-3);
        if slope(low) * slope(high) > 0.0 {
            continue;
        }
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if slope(low) * slope(middle) > 0.0 { low = middle } else { high = middle }
        }
        note(low, best(low));
    }
    assert!(known.len() >= 2, "{known:?}");
    let mut seen = vec![0; known.len()];
    for i in 0..15 {
        for j in 0..15 {
            let start = [f64::from(i - 7) * 0.4, f64::from(j - 7) * 0.3];
            let found = from(&surface, &start);
            if found.stopped != Stopped::Critical || found.theta[0].abs() > 7.9 {
                continue;
            }
            let same = |k: &(f64, usize)| (k.0 - found.value).abs() < 1e-10 && k.1 == found.negative();
            let which = known.iter().position(same);
            seen[which.unwrap_or_else(|| panic!("{found:?} is none of {known:?}"))] += 1;
        }
    }
    assert!(seen.iter().all(|n| *n > 0), "{seen:?} of {known:?}");
}

const SIZE: usize = 5;
const RANK: usize = 3;

fn factorization() -> CriticalSettings {
    CriticalSettings {
        data: format!("identity:size={SIZE},columns={SIZE},rank={SIZE},observed=1").parse().expect("data"),
        model: format!("matrix-factorization:rank={RANK}").parse().expect("a model"),
        samples: Some(0),
        initial: 0,
        training: 0,
        minimum: 0,
        saddle: 0,
        runs: 2,
        epochs: 30,
        ..CriticalSettings::default()
    }
}

/// Singular values of the matrix, by faer.
fn singular_values(settings: &CriticalSettings) -> Vec<f64> {
    let data = Dataset::load(&settings.data, 0, &settings.preparation).expect("data");
    let Targets::Values(values) = data.train.y else { panic!("values") };
    let matrix = Mat::from_fn(SIZE, SIZE, |i, j| values[i * SIZE + j]);
    matrix.singular_values().expect("finite")
}

/// Loss and eigenvalues at balanced factors of the singular triples in `chosen`.
fn closed_form(s: &[f64], chosen: &[bool]) -> (f64, Vec<f64>) {
    let n = SIZE as f64;
    let part = |which: bool| s.iter().zip(chosen).filter(move |(_, c)| **c == which).map(|(s, _)| *s);
    let free = RANK - part(true).count();
    let mut values = Vec::new();
    for used in part(true) {
        part(false).for_each(|left| values.extend([used + left, used - left]));
        part(true).for_each(|other| values.extend([used + other, 0.0]));
        values.extend(vec![0.0; 2 * free]);
    }
    for _ in 0..free {
        part(false).for_each(|left| values.extend([left, -left]));
    }
    values.iter_mut().for_each(|l| *l /= n);
    values.sort_by(f64::total_cmp);
    (part(false).map(|s| s * s).sum::<f64>() / (2.0 * n), values)
}

/// Every choice of at most RANK triples.
fn choices() -> Vec<Vec<bool>> {
    let all = (0..1u32 << SIZE).map(|bits| (0..SIZE).map(|i| bits >> i & 1 == 1).collect::<Vec<bool>>());
    all.filter(|c| c.iter().filter(|c| **c).count() <= RANK).collect()
}

/// Row i of a matrix of `width` columns.
fn row(result: &CriticalResult, name: &str, i: usize, width: usize) -> Vec<f64> {
    result.array(name)[i * width..(i + 1) * width].to_vec()
}

/// All descents, kept in a directory if there is one.
fn searched(
    settings: &CriticalSettings,
    directory: Option<&std::path::Path>,
    observe: Observe,
) -> losscape::base::Result<CriticalResult> {
    whole(critical::run(settings, directory.map(Share::all).as_ref(), observe))
}

#[test]
fn a_factorization_is_critical_where_its_closed_form_says_with_its_spectrum() {
    let settings = CriticalSettings { saddle: 40, perturbation: 0.0, ..factorization() };
    let s = singular_values(&settings);
    let result = searched(&settings, None, &|_| {}).expect("a result");
    assert_eq!(result.summary()["kept"], 40);
    let p = 2 * RANK * SIZE;
    let mut ranks = [0; RANK + 1];
    for i in 0..40 {
        let loss = result.array("loss")[i];
        let choice = choices().into_iter().find(|c| (closed_form(&s, c).0 - loss).abs() < 1e-10);
        let choice = choice.unwrap_or_else(|| panic!("{loss} with singular values {s:?}"));
        let (_, expected) = closed_form(&s, &choice);
        // These points lie on a manifold of critical points, along which nothing holds the factors to more than rounding
        // divided by what it leaves of zero eigenvalues.
        agree("spectrum", &row(&result, "eigenvalues", i, p), &expected, 1e-7);
        assert!(result.array("start_gradient_norm")[i] < 1e-13);
        ranks[choice.iter().filter(|c| **c).count()] += 1;
    }
    assert_eq!(ranks, [10; RANK + 1], "each rank in turn");
}

#[test]
fn from_anywhere_a_factorization_ends_at_known_points_and_all_but_the_best_are_strict_saddles() {
    let settings = CriticalSettings {
        initial: 40,
        training: 10,
        minimum: 10,
        saddle: 40,
        perturbation: 0.05,
        ..factorization()
    };
    let s = singular_values(&settings);
    let result = searched(&settings, None, &|_| {}).expect("a result");
    let [stopped, losses, negative, lowest, threshold] =
        ["stopped", "loss", "negative", "lambda_min", "threshold"].map(|name| result.array(name));
    let kept: Vec<usize> = (0..stopped.len()).filter(|i| stopped[*i] == 0.0).collect();
    assert!(kept.len() > 60, "{} of {}: {}", kept.len(), stopped.len(), result.summary()["ended"]);
    let best = closed_form(&s, &[true, true, true, false, false]).0;
    let mut seen = std::collections::BTreeSet::new();
    for i in kept {
        // The loss at a zero delta away differs by lambda delta^2.
        let (at, choice) = choices()
            .into_iter()
            .enumerate()
            .find(|(_, c)| (closed_form(&s, c).0 - losses[i]).abs() < 1e-8)
            .unwrap_or_else(|| panic!("start {i}: {} with singular values {s:?}", losses[i]));
        // The factors need not be balanced: their signature is the same (Sylvester), their eigenvalues are not.
        let expected = closed_form(&s, &choice).1.iter().filter(|l| **l < -1e-12).count();
        assert_eq!(negative[i] as usize, expected, "start {i}: {choice:?}");
        if losses[i] > best + 1e-8 {
            assert!(lowest[i] < -threshold[i] && lowest[i] < -1e-4, "start {i}: no strict saddle");
        }
        seen.insert(at);
    }
    assert!(seen.len() >= 8, "{seen:?}");
    let range = |of: &str, what: &str| {
        ["min", "max"].map(|end| result.summary()[of][what][end].as_f64().expect("a number"))
    };
    // Every minimum is the global one, to the square of the gradient that is left; no saddle is nearly flat.
    assert!(range("minima", "loss").iter().all(|loss| (loss - best).abs() < 1e-14), "{best}");
    assert!(range("saddles", "loss")[0] > best + 1e-8 && range("saddles", "lambda_min")[1] < -1e-4);
}

#[test]
fn what_was_finished_is_kept_and_the_rest_goes_on_to_the_same_bytes() {
    let settings = CriticalSettings { initial: 6, saddle: 4, ..factorization() };
    let directory = tempfile::tempdir().expect("a directory");
    let all = searched(&settings, None, &|_| {}).expect("a result").files().expect("files");
    let log = directory.path().join("critical.log");
    let kept = searched(&settings, Some(directory.path()), &|_| {}).expect("a result");
    assert_eq!(kept.files().expect("files"), all);
    // A log that ends in the middle of a record.
    let bytes = std::fs::read(&log).expect("a log");
    std::fs::write(&log, &bytes[..bytes.len() * 2 / 3]).expect("written");
    let counted = std::sync::atomic::AtomicUsize::new(0);
    let again = searched(&settings, Some(directory.path()), &|event| {
        // Those that are kept are told of at once.
        if matches!(event, Progress::Done(1.0)) {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    });
    assert_eq!(again.expect("a result").files().expect("files"), all);
    let made = counted.into_inner();
    assert!((1..10).contains(&made), "{made} made again");
    let other = CriticalSettings { seed: 1, ..settings };
    let refused = searched(&other, Some(directory.path()), &|_| {}).expect_err("other settings");
    assert!(refused.to_string().contains("seed"), "{refused}");
    critical::discard(directory.path()).expect("discarded");
    assert!(searched(&other, Some(directory.path()), &|_| {}).is_ok());
}

#[test]
fn units_added_to_a_narrower_networks_critical_point_leave_one() {
    let settings = CriticalSettings {
        samples: Some(200),
        initial: 0,
        training: 0,
        minimum: 0,
        saddle: 9,
        perturbation: 0.0,
        ..CriticalSettings::default()
    };
    let result = searched(&settings, None, &|_| {}).expect("a result");
    let (form, norms) = (result.array("form"), result.array("start_gradient_norm"));
    let zero: Vec<usize> = (0..9).filter(|i| form[*i] == 0.0).collect();
    assert_eq!(zero.len(), 3);
    // Without weights and with fitted biases: exact, wherever training led.
    assert!(zero.iter().all(|i| norms[*i] < 1e-9), "{norms:?}");
    // Fukumizu and Amari's, wherever the narrower network came to a critical point.
    let exact = (0..9).filter(|i| form[*i] > 0.0 && norms[*i] < 1e-8).count();
    assert!(exact >= 2, "{norms:?}");
    assert_eq!(result.summary()["by_kind"]["saddle"]["starts"], 9);
    // Nothing is sought where a minimum lies on kinks without a word.
    let relu = CriticalSettings { model: "mlp:hidden=[3]".parse().expect("a model"), ..settings };
    let notes = searched(&relu, None, &|_| {}).expect("a result").summary()["notes"].to_string();
    assert!(notes.contains("kinks"), "{notes}");
    assert!(!result.summary()["notes"].to_string().contains("kinks"));
}

#[test]
fn the_hessian_is_that_of_whole_products() {
    let network = network("mlp:hidden=[7],activation=tanh", "cross-entropy", 12, 3);
    let data = crate::analytic::gaussian("critical/data", 12 * 20);
    let labels: Vec<u32> = (0..20).map(|i| i % 3).collect();
    let objective = objective::<f64>(&network, &data, &labels);
    let theta = crate::analytic::gaussian("critical/theta", network.layout().size());
    let found = Loss { objective: &objective, state: &[] }.hessian(&theta).expect("no stop");
    agree(
        "Hessian",
        &found,
        &crate::analytic::dense(&objective, &theta, losscape::autodiff::Curvature::Hessian),
        1e-13,
    );
}
