//! Minima under shifted data: exact quadratics for linear models on every set of samples, the loss itself at the
//! minimum, the same bits on any number of threads.

use crate::analytic::{agree, gaussian};
use losscape::analyses::range::Range;
use losscape::analyses::sharpness::shifted::{ShiftSettings, Shifted, shifted};
use losscape::analyses::statistics::{GroupSize, Stats};
use losscape::analyses::{DataSettings, Run};
use losscape::autodiff::Curvature;
use losscape::base::npz::Npz;
use losscape::base::{Precision, Streams};
use losscape::data::{Dataset, Preparation, Samples, Shift, Source};
use losscape::figure::Style;
use losscape::landscape::directions::gaussian::gaussian as drawn;
use losscape::nn::{Network, Objective, Role, Spec, Statistics};
use losscape::train::samples;
use std::sync::Arc;

/// A network with weights of size 1/2 on a data set.
fn run(name: &str, data: &str, model: &str, loss: &str) -> Run {
    let source: Source = data.parse().expect("data");
    let dataset = Dataset::load(&source, 0, &Preparation::default()).expect("data");
    let spec = Spec {
        model: model.parse().expect("a model"),
        loss: loss.parse().expect("a loss"),
        input: dataset.shape.clone(),
        outputs: dataset.outputs,
    };
    let network = Network::new(spec).expect("a network");
    let theta: Vec<f64> =
        gaussian(&format!("shifted/{name}"), network.layout().size()).iter().map(|t| 0.5 * t).collect();
    let state = network.start(&theta);
    let data = DataSettings {
        data: source,
        data_seed: 0,
        preparation: Preparation::default(),
        samples: None,
        batch_size: Some(32),
        sha256: dataset.sha256(),
    };
    Run { network, theta, state, precision: Precision::F64, data, dataset, origin: None }
}

fn settings(shifts: &[&str]) -> ShiftSettings {
    let shifts = shifts.iter().map(|s| s.parse().expect("a shift")).collect();
    ShiftSettings { shifts, range: Range { min: -1.0, max: 1.5, n: 6 }, seed: 4, ..ShiftSettings::default() }
}

fn names(runs: &[Run]) -> Vec<String> {
    (0..runs.len()).map(|i| format!("run {i}")).collect()
}

fn look(runs: &[Run], settings: &ShiftSettings) -> losscape::base::Result<Shifted> {
    shifted(runs, &names(runs), settings, &|_, _| {})
}

/// Training, test and shifted samples, made here.
fn sets(run: &Run, settings: &ShiftSettings) -> Vec<Samples> {
    let data = &run.dataset;
    let shift = |s: &Shift| s.apply(&data.test, data, &Streams::new(settings.seed)).expect("samples");
    let plain = [data.train.clone(), data.test.clone()];
    plain.into_iter().chain(settings.shifts.iter().map(shift)).collect()
}

fn objective(run: &Run, set: &Samples, statistics: Statistics) -> Objective<f64> {
    let network = Arc::new(run.network.clone());
    Objective::new(network.clone(), samples::<f64>(&network, set), statistics)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The draw, each neuron's part as long as the neuron, biases still.
fn direction(run: &Run, seed: u64) -> Vec<f64> {
    let mut d = drawn(&Streams::new(seed), 0, run.theta.len());
    for p in &run.network.layout().parameters {
        if p.role != Role::Weight {
            d[p.range()].fill(0.0);
            continue;
        }
        let width = p.size() / p.shape[0];
        for start in p.range().step_by(width) {
            let row = start..start + width;
            let size = |v: &[f64]| dot(v, v).sqrt();
            let scale = size(&run.theta[row.clone()]) / size(&d[row.clone()]);
            d[row].iter_mut().for_each(|x| *x *= scale);
        }
    }
    d
}

#[test]
fn curves_of_linear_models_are_exact_quadratics_on_every_set_of_samples() {
    let runs =
        ["a", "b"].map(|name| run(name, "blobs:dimension=5,samples=400", "mlp:hidden=[]", "squared-error"));
    let settings = settings(&["noise:std=2", "labels:alpha=0.3", "imbalance:ratio=30"]);
    let found = look(&runs, &settings).expect("curves");
    assert_eq!((found.sets(), found.loss.len()), (5, 2 * 5 * 6));
    for (r, run) in runs.iter().enumerate() {
        let d = direction(run, settings.seed);
        for (s, set) in sets(run, &settings).iter().enumerate() {
            let objective = objective(run, set, Statistics::Running);
            let (at, gradient) = objective.gradient(&run.theta, &[]);
            let products =
                objective.linearize(&run.theta, &[], Curvature::Hessian, usize::MAX).products(&d, 1);
            for (x, loss) in settings.range.points().iter().zip(found.curve(&found.loss, r, s)) {
                let expected = at.loss + x * dot(&gradient, &d) + 0.5 * x * x * dot(&d, &products);
                // Some hundred roundings; 1e-10 lies in the length of the direction (Li et al. divide by it + 1e-10).
                agree("quadratic", &[loss / expected], &[1.0], 1e-9);
            }
        }
    }
}

#[test]
fn at_the_minimum_stands_the_loss_on_the_shifted_samples() {
    let runs = ["mlp:hidden=[9]", "mlp:hidden=[7,6],activation=tanh"]
        .map(|model| run(model, "digits", model, "cross-entropy"));
    let settings = settings(&["noise", "blur", "labels", "imbalance", "noise:std=1.0"]);
    let found = look(&runs, &settings).expect("curves");
    let zero = settings.range.points().iter().position(|x| *x == 0.0).expect("a point at 0");
    for (r, run) in runs.iter().enumerate() {
        let all: Vec<_> = sets(run, &settings)
            .iter()
            .map(|set| objective(run, set, Statistics::Running).evaluate(&run.theta, &[]))
            .collect();
        for (s, expected) in all.iter().enumerate() {
            let at = &found.minima[r].at[s];
            assert_eq!((at.loss, at.accuracy), (Some(expected.loss), Some(expected.accuracy)));
            let rise = (s > 1).then(|| expected.loss - all[1].loss);
            let drop = (s > 1).then(|| all[1].accuracy - expected.accuracy);
            assert_eq!((at.rise, at.drop), (rise, drop));
            agree("curve", &[found.curve(&found.loss, r, s)[zero] / expected.loss], &[1.0], 1e-12);
            assert_eq!(found.curve(&found.accuracy, r, s)[zero], expected.accuracy);
        }
        assert!(found.minima[r].at[2..].iter().all(|m| m.rise != Some(0.0)), "a shift without effect");
    }
    let words: Vec<&str> = found.minima[0].at.iter().map(|m| m.samples.as_str()).collect();
    assert_eq!(words[..4], ["training", "test", "noise of std 0.5", "blur of 0.7 pixels"]);
}

/// Where nothing is named: noise, blur and labels, as far as the data have such; their own samples and no others.
#[test]
fn the_usual_shifts_are_those_that_the_data_allow() {
    let found =
        look(&[run("u", "digits", "mlp:hidden=[3]", "cross-entropy")], &settings(&[])).expect("curves");
    assert_eq!(found.settings.shifts.len(), 3);
    let values = run("v", "polynomial", "mlp:hidden=[3]", "squared-error");
    let found = look(std::slice::from_ref(&values), &settings(&[])).expect("curves");
    assert_eq!(found.settings.shifts.len(), 1);
    assert!(found.error_figure().is_none() && found.minima[0].at.iter().all(|m| m.accuracy.is_none()));
    let refusal = look(&[values], &settings(&["blur"])).expect_err("no images").to_string();
    assert_eq!(refusal, "--shifts: shift blur: expected images or signals, found samples of one number");
}

#[test]
fn the_bits_do_not_depend_on_threads_and_come_back_from_a_saved_result() {
    let runs = ["a", "b"].map(|n| run(n, "digits", "mlp:hidden=[12],norm=batch", "cross-entropy"));
    let settings = ShiftSettings { stats: Some(Stats::Refresh), ..settings(&["noise", "labels"]) };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| look(&runs, &settings)).expect("curves")
    };
    let found = on(1);
    assert_eq!(found, on(4));
    assert_eq!(found.minima[0].norm_statistics, "refreshed at every point, in groups of 32");
    let mut arrays = Npz::default();
    found.arrays(&mut arrays);
    assert_eq!(arrays.get("shift_loss").map(|a| a.shape.clone()), Some(vec![2, 4, 6]));
    let json = serde_json::to_string(&found).expect("JSON");
    let read: Shifted = serde_json::from_str(&json).expect("it reads back");
    assert_eq!(read.with_arrays(&arrays, "shifted.npz").expect("arrays"), found);
    let read: Shifted = serde_json::from_str(&json).expect("it reads back");
    let torn = read.with_arrays(&Npz::default(), "shifted.npz").expect_err("no arrays").to_string();
    assert_eq!(torn, "shifted.npz: shift_loss: expected an array of shape [2, 4, 6], found another or none");
}

/// Statistics of norms: running ones, those of groups, and recomputed running ones are three functions.
#[test]
fn statistics_of_norms_are_those_that_were_asked_for() {
    let one = run("n", "digits", "mlp:hidden=[12],norm=batch", "cross-entropy");
    let with = |stats, stat_batch| {
        let settings = ShiftSettings { stats, stat_batch, ..settings(&["noise"]) };
        look(std::slice::from_ref(&one), &settings).expect("curves").minima[0].at[2].loss
    };
    let noisy = &sets(&one, &settings(&["noise"]))[2];
    let of =
        |statistics, state: &[f64]| Some(objective(&one, noisy, statistics).evaluate(&one.theta, state).loss);
    assert_eq!(with(None, None), of(Statistics::Running, &one.state));
    assert_eq!(with(Some(Stats::Batch), Some(GroupSize::Of(50))), of(Statistics::Groups(50), &one.state));
    // Refreshed with training samples, whatever the loss is taken over.
    let state = objective(&one, &one.dataset.train, Statistics::Groups(32)).refresh(&one.theta, &one.state);
    assert_eq!(with(Some(Stats::Refresh), None), of(Statistics::Running, &state));
}

#[test]
fn networks_that_cannot_be_compared_are_refused() {
    let make = |data: &str, loss: &str| run("r", data, "mlp:hidden=[3]", loss);
    let first = || make("blobs", "cross-entropy");
    let refusal = |runs: &[Run]| {
        let error = look(runs, &settings(&["noise"])).expect_err("a refusal");
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    };
    let message = refusal(&[first(), make("moons", "cross-entropy")]);
    assert!(message.starts_with("--run: run 1: expected data with SHA-256"), "{message}");
    let mut fewer = first();
    fewer.dataset.train.truncate(100);
    let message = refusal(&[first(), fewer]);
    assert!(message.ends_with("expected 750 training samples as run 0 has, found 100"), "{message}");
    let message = refusal(&[first(), make("blobs", "squared-error")]);
    assert!(
        message.contains("a network of the loss cross-entropy as run 0 has, found squared-error"),
        "{message}"
    );
    assert!(refusal(&[]).starts_with("--run: expected at least one"));
    let mut none = first();
    none.dataset.test.truncate(0);
    assert!(refusal(&[none]).starts_with("--shifts: expected data with test samples"));
}

/// Training and test side by side with a panel a shift, on one range: solid the training loss, dashed the others.
#[test]
fn the_figure_has_a_panel_a_shift_on_one_scale() {
    let runs = ["a", "b"].map(|name| run(name, "digits", "mlp:hidden=[5]", "cross-entropy"));
    let found = look(&runs, &settings(&["noise", "labels"])).expect("curves");
    for figure in found.figures() {
        assert_eq!(figure.panels.len(), 3);
        for (i, panel) in figure.panels.iter().enumerate() {
            assert_eq!(panel.y.range, figure.panels[0].y.range);
            assert!(panel.y.range.is_some());
            let styles: Vec<Style> = panel.series.iter().map(|s| s.style).collect();
            assert_eq!(styles, [Style::Line, Style::Dashed, Style::Line, Style::Dashed]);
            let labels: Vec<&str> = panel.series.iter().map(|s| s.label.as_str()).collect();
            assert_eq!(labels, ["run 0", "", "run 1", ""]);
            assert_eq!(panel.marks.len(), 4);
            if figure.name == "shift" {
                assert_eq!(panel.series[3].y, found.curve(&found.loss, 1, i + 1));
                assert_eq!(panel.marks[3].y, found.minima[1].at[i + 1].loss.expect("a loss"));
            }
        }
    }
}
