//! `losscape lr-range`: exact rates, losses that are those of training, and rules that do what they say.

use crate::bench::{Bench, at};
use losscape::data::Dataset;
use losscape::nn::Objective;
use losscape::train::{self, TrainSettings};
use serde_json::Value;
use std::sync::Arc;

#[test]
fn rates_are_a_geometric_row_and_losses_those_of_plain_steps() {
    let bench = Bench::new();
    let flags = "--data spirals --samples 50 --batch-size 50 --precision f64 --hidden 5 --momentum 0";
    let said = bench.run(&format!(
        "lr-range {flags} --lr-min 1e-3 --lr-max 1 --steps 31 --smoothing 0 --dpi 20 --json --quiet --out r"
    ));
    let result: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(result, bench.json("r/lr-range.json"));
    let arrays = bench.npz("r/lr-range.npz");
    let array = |name: &str| arrays.get(name).unwrap().to_f64();
    let (rates, losses) = (array("rate"), array("loss"));
    assert_eq!((rates.len(), losses.len()), (31, 31));
    // A tenth of a decade a step.
    for (i, rate) in rates.iter().enumerate() {
        assert!((rate / 10f64.powf(i as f64 / 10.0 - 3.0) - 1.0).abs() < 1e-12, "{rate}");
    }
    // Gradient descent by hand, on the whole set.
    let settings = TrainSettings {
        data: "spirals".parse().unwrap(),
        model: "mlp:hidden=[5]".parse().unwrap(),
        ..TrainSettings::default()
    };
    let mut data = Dataset::load(&settings.data, 0, &settings.preparation).unwrap();
    data.train = data.train.select(&(0..50).collect::<Vec<_>>(), data.features());
    let network = Arc::new(train::network(&settings, &data).unwrap());
    let mut theta = network.init(&settings.initializer().expect("one"), &losscape::base::Streams::new(0));
    let objective =
        Objective::<f64>::new(network.clone(), train::samples(&network, &data.train), Default::default());
    for (rate, loss) in rates.iter().zip(&losses) {
        let (value, gradient) = objective.gradient(&theta, &[]);
        // Rounding of 30 steps in another order.
        assert!((value.loss - loss).abs() < 1e-11, "{loss} at rate {rate}, not {}", value.loss);
        theta.iter_mut().zip(&gradient).for_each(|(t, g)| *t -= rate * g);
    }
    assert_eq!(array("smoothed_loss"), losses, "no smoothing");
}

#[test]
fn both_rules_find_rates_on_the_digits() {
    let bench = Bench::new();
    let words = bench.ok("lr-range --dpi 20").stdout;
    assert!(words.contains("suggested"), "{words}");
    let result = bench.json("out/lr-range/lr-range.json");
    let [steepest, tenth, blown] =
        ["steepest", "tenth", "blown_up_at"].map(|key| result[key].as_f64().unwrap());
    assert_eq!(at(&result, "suggested.rate"), steepest);
    assert!((tenth * 10.0 / blown - 1.0).abs() < 1e-12 && blown > 0.1, "{blown}");
    assert!((1e-3..0.5).contains(&steepest), "{steepest}");
    let other = bench.ok("lr-range --rule tenth --dpi 20 --json --out t").stdout;
    let other: Value = serde_json::from_str(&other).unwrap();
    assert_eq!(at(&other, "suggested.rate"), tenth);
    bench.ok("plot out/lr-range --dpi 20 --out again");
    assert_eq!(bench.bytes("again/lr-range.svg"), bench.bytes("out/lr-range/lr-range.svg"));
}

#[test]
fn a_rule_without_an_answer_says_so() {
    let bench = Bench::new();
    let outcome = bench.run("lr-range --rule tenth --lr-max 1e-5 --dpi 20 --quiet --out r");
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("never blew up"), "{}", outcome.stderr);
    let result = bench.json("r/lr-range.json");
    assert_eq!((at(&result, "suggested.rate"), &result["tenth"]), (&Value::Null, &Value::Null));
    assert!(bench.bytes("r/lr-range.png").len() > 1000);
}

#[test]
fn what_the_test_sets_itself_is_refused() {
    let bench = Bench::new();
    for (flags, at) in [
        ("--lr 0.1", "--lr"),
        ("--epochs 3", "--epochs"),
        ("--schedule cosine", "--schedule"),
        ("--ema 0.9", "--ema"),
        ("--snapshots 3", "--snapshots"),
        ("--target-loss 1", "--target-loss"),
        ("--optimizer lbfgs", "--optimizer"),
        ("--lr-min 0", "--lr-min"),
        ("--lr-min 1 --lr-max 1", "--lr-min"),
        ("--lr-max inf", "--lr-max"),
        ("--steps 3", "--steps"),
        ("--smoothing 2", "--smoothing"),
        ("--rule steep", "--rule"),
        ("--samples 0", "--samples"),
    ] {
        bench.refused(&format!("lr-range {flags} --out new"), at);
    }
}
