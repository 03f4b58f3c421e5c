//! Training exported networks, from the weights in their files, against PyTorch's own steps; and losses outside the graph.

use crate::exported::{data, expected, file};
use losscape::analyses::exported::open;
use losscape::analyses::inspect::{Asked, inspect};
use losscape::analyses::{Beside, DataGiven, TrainingResult, training};
use losscape::base::Precision;
use losscape::data::Source;
use losscape::nn::losses::Loss;
use losscape::train::TrainSettings;
use losscape::train::exported::settle;
use serde_json::Value;

/// Settings that train a network on the arrays beside it.
fn settings(model: &str, arrays: &str) -> TrainSettings {
    TrainSettings {
        model: file(&format!("{model}.pt2")).display().to_string().parse().expect("a graph"),
        data: file(&format!("{arrays}.npz")).display().to_string().parse().expect("an archive"),
        precision: Precision::F64,
        ..TrainSettings::default()
    }
}

fn trained(settings: TrainSettings) -> TrainingResult {
    let settled = settle(settings).expect("a graph and its data");
    training::run(&settled, &mut |_| ()).expect("a run")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("numbers").iter().filter_map(Value::as_f64).collect()
}

/// Largest difference, relative to the larger number.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs() / a.abs().max(b.abs())).fold(0.0, f64::max)
}

#[test]
fn ten_steps_are_those_of_pytorch() {
    let all = expected("training");
    for (name, runs) in all.as_object().expect("networks").iter().filter(|(name, _)| *name != "torch") {
        for (optimizer, run) in runs.as_object().expect("optimizers") {
            let result = trained(TrainSettings {
                optimizer: optimizer.parse().expect("an optimizer"),
                lr: run["lr"].as_f64(),
                batch_size: Some(1000),
                epochs: 10,
                ..settings(name, name)
            });
            let losses: Vec<f64> = result.trained.epochs.iter().map(|e| e.train_loss).collect();
            let error = apart(&losses, &numbers(&run["losses"]));
            assert!(error < 1e-10, "{name}, {optimizer}: losses differ by {error:e}");
            let error = apart(&result.trained.point.state, &numbers(&run["statistics"]));
            assert!(error < 1e-10, "{name}, {optimizer}: statistics differ by {error:e}");
        }
    }
}

/// What PyTorch says of networks that end in outputs.
fn other(key: &str) -> f64 {
    expected("outputs")[key].as_f64().unwrap_or_else(|| panic!("{key}"))
}

/// Loss, accuracy and metrics at the exported weights, as `inspect` has them.
fn seen(model: &str, arrays: &str, loss: Option<&str>) -> Value {
    let source: Source = file(&format!("{arrays}.npz")).display().to_string().parse().expect("an archive");
    let beside = Beside {
        data: DataGiven { data: Some(source), ..DataGiven::default() },
        loss: loss.map(|loss| loss.parse::<Loss>().expect("a loss")),
        ..Beside::default()
    };
    let asked = Asked { precision: Some(Precision::F64), memory: 1.0, ..Asked::default() };
    inspect(&file(&format!("{model}.pt2")), &beside, &asked).unwrap_or_else(|e| panic!("{model}: {e}"))
}

#[test]
fn a_loss_completes_a_graph_that_ends_in_outputs() {
    let close = |found: &Value, expected: f64, what: &str| {
        let found = found.as_f64().unwrap_or(f64::NAN);
        assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{what}: {found} for {expected}");
    };
    for loss in ["cross-entropy", "cross-entropy:smoothing=0.1"] {
        let found = seen("logits", "mlp", Some(loss));
        close(&found["loss"], other(loss), loss);
        close(&found["accuracy"], other("accuracy"), loss);
        assert_eq!(found["samples"], 16);
    }
    for loss in ["squared-error", "mean-squared-error", "logistic"] {
        let found = seen("logits", "values", Some(loss));
        close(&found["loss"], other(loss), loss);
        assert!(found["accuracy"].is_null(), "values are neither right nor wrong");
    }
    // Targets of -100 don't count, and what is left is no mean over samples.
    let found = seen("tokens", "tokens", Some("cross-entropy"));
    close(&found["loss"], other("tokens"), "tokens");
    close(&found["accuracy"], other("tokens accuracy"), "accuracy of tokens");
    assert_eq!(found["samples"], "coupled");
    let found = seen("metrics", "mlp", None);
    close(&found["loss"], other("cross-entropy"), "metrics");
    close(&found["metrics"]["size"], other("size"), "size");
    close(&found["metrics"]["margin"], other("margin"), "margin");
    // One logit is right or wrong, too; a scalar by an operator that nobody knows is left out, and said so.
    let found = seen("binary", "binary", None);
    close(&found["loss"], other("binary"), "binary");
    close(&found["accuracy"], other("binary accuracy"), "accuracy of one logit");
    close(&found["metrics"]["size"], other("binary size"), "size");
    assert!(found["metrics"]["bessel"].is_null());
    let left_out = "the metric `bessel` is left out: its operator `special_i0` is not known";
    assert_eq!(found["doubts"], serde_json::json!([left_out]));
}

#[test]
fn the_loss_of_outputs_trains_as_the_one_in_the_graph() {
    let run = |model: &str| {
        let result = trained(TrainSettings { epochs: 3, batch_size: Some(5), ..settings(model, "mlp") });
        let accuracy = result.trained.train.accuracy;
        (result.trained.point.theta, accuracy)
    };
    let ((inside, accuracy), (outside, other)) = (run("mlp"), run("logits"));
    assert!(apart(&inside, &outside) < 1e-9);
    assert!(accuracy.is_finite() && accuracy == other);
}

#[test]
fn what_has_no_meaning_is_refused_in_one_line() {
    let refusal = |settings: TrainSettings| {
        let error = settle(settings).and_then(|s| training::run(&s, &mut |_| ()).map(|_| ()));
        error.expect_err("a refusal").to_string()
    };
    let loss = "squared-error".parse().expect("a loss");
    let text = refusal(TrainSettings { loss, ..settings("mlp", "mlp") });
    assert!(text.starts_with("--loss: expected none, since the graph returns its own"), "{text}");
    let text = refusal(settings("logits", "values"));
    assert!(text.contains("expected whole numbers") || text.contains("axes"), "{text}");
    let init = Some("lsuv".parse().expect("an initializer"));
    let text = refusal(TrainSettings { init, ..settings("mlp", "mlp") });
    assert!(text.starts_with("--init"), "{text}");
    let text = refusal(TrainSettings { data: "digits".parse().expect("data"), ..settings("mlp", "mlp") });
    assert!(text.contains("npz:file=FILE with the arrays x, y"), "{text}");
    let mut noisy = settings("mlp", "mlp");
    noisy.preparation.label_noise = 0.5;
    assert!(refusal(noisy).starts_with("--label-noise"));
}

#[test]
fn a_named_initializer_draws_weights_and_leaves_what_nobody_knows() {
    let init = Some("he-normal".parse().expect("an initializer"));
    let own = settings("mlp", "mlp");
    let start = |settings| trained(TrainSettings { epochs: 0, ..settings }).trained.point.theta;
    let (stored, drawn) = (start(own.clone()), start(TrainSettings { init, ..own }));
    assert_eq!(stored, open(&file("mlp.pt2"), &data("mlp")).expect("a network").theta);
    assert_ne!(stored, drawn);
    // The biases of a fresh network are zero; the first layer has 72 weights, then 12 biases.
    assert!(drawn[72..84].iter().all(|b| *b == 0.0));
    assert!(stored[72..84].iter().all(|b| *b != 0.0));
}
