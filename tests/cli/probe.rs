//! `losscape train --probe`: what is measured along the way is true, costs training nothing, and survives being killed.

use crate::bench::{Bench, at};
use losscape::analyses::Run;
use losscape::autodiff::Curvature;
use losscape::nn::{Objective, Statistics};
use losscape::train::samples;
use serde_json::json;
use std::sync::Arc;

/// 36 steps, probed after 0, 7, 14, 21, 28, 35 and 36.
const RUN: &str = "train --hidden 6 --activation tanh --loss squared-error --samples 90 --epochs 12 --batch-size 40 \
                   --optimizer heavy-ball --lr 0.01 --dpi 20";
const PROBE: &str = "--probe sharpness:7";

fn array(bench: &Bench, name: &str) -> Vec<f64> {
    bench.npz("r/probes.npz").get(name).unwrap_or_else(|| panic!("no {name}")).to_f64()
}

/// Eigenvalues, ascending, and trace of the dense Hessian of the weights in `r`, and the norm of their gradient.
fn dense(bench: &Bench) -> (Vec<f64>, f64, f64) {
    let read = Run::read(&bench.path("r")).unwrap();
    let network = Arc::new(read.network);
    let all = samples::<f64>(&network, &read.dataset.train);
    let objective = Objective::new(network, all, Statistics::Running);
    let p = read.theta.len();
    let identity: Vec<f64> = (0..p * p).map(|i| if i % (p + 1) == 0 { 1.0 } else { 0.0 }).collect();
    let dense = objective.linearize(&read.theta, &[], Curvature::Hessian, usize::MAX).products(&identity, p);
    let matrix = faer::MatRef::from_column_major_slice(&dense, p, p);
    let values = matrix.self_adjoint_eigenvalues(faer::Side::Lower).unwrap();
    let trace = (0..p).map(|i| dense[i * (p + 1)]).sum();
    let (_, gradient) = objective.gradient(&read.theta, &[]);
    (values, trace, gradient.iter().map(|g| g * g).sum::<f64>().sqrt())
}

#[test]
fn probes_are_files_and_numbers_that_scripts_rely_on() {
    let bench = Bench::new();
    let said = bench.ok(&format!("{RUN} {PROBE} --precision f64 --out r")).stdout;
    assert!(said.contains("lambda_max") && said.contains("all 7 certified"), "{said}");
    assert!(said.contains("probes.npz") && said.contains("edge-of-stability (.png, .svg)"), "{said}");
    assert!(!bench.path("r/probes.log").exists(), "removed when the result is there");
    assert_eq!(array(&bench, "step"), [0.0, 7.0, 14.0, 21.0, 28.0, 35.0, 36.0]);
    let run = bench.json("r/run.json");
    assert_eq!(at(&run, "settings.probe"), "sharpness:7");
    for (path, value) in [
        ("probe.what", json!("sharpness")),
        ("probe.every", json!(7)),
        ("probe.probes", json!(7)),
        ("probe.of.samples", json!(90)),
        ("probe.of.statistics", json!("none in this network")),
        ("probe.lambda_max.uncertified", json!(0)),
        ("probe.lambda_max.status", json!("computed")),
        ("probe.edge.status", json!("computed")),
        ("probe.file", json!("probes.npz")),
    ] {
        assert_eq!(at(&run, path), &value, "{path}");
    }
    let last = |name: &str| array(&bench, name)[6];
    assert_eq!(at(&run, "probe.lambda_max.last").as_f64(), Some(last("lambda_max")));
    // Heavy ball with .9: (2 + 1.8) / .01.
    assert!(array(&bench, "threshold").iter().all(|t| (t - 380.0).abs() < 1e-10));
    assert!(array(&bench, "lr").iter().all(|rate| *rate == 0.01));
    let edge = at(&run, "probe.edge.ratio").as_f64().unwrap();
    // Of the last quarter, from step 27 on: three probes.
    assert_eq!(at(&run, "probe.edge.probes"), 3);
    let mut late: Vec<f64> = array(&bench, "lambda_max")[4..].iter().map(|l| l / 380.0).collect();
    late.sort_by(f64::total_cmp);
    assert!((edge - late[1]).abs() < 1e-12, "{edge}, not {}", late[1]);
    // The loss at the end is the run's, and everything is what the dense Hessian of the saved weights says.
    let loss = at(&run, "final.train_loss").as_f64().unwrap();
    assert!((last("train_loss") - loss).abs() <= 1e-14 * loss.abs(), "{loss}");
    let (values, trace, norm) = dense(&bench);
    // A residual r off an eigenvalue's vector is r^2 / gap off its value: 1e-6 of the scale, over a gap of 1e-2 at least.
    let (found, largest) = (last("lambda_max"), values[values.len() - 1]);
    assert!((found - largest).abs() <= 1e-4 * largest, "{found}, not {largest}");
    assert!(last("lambda_max_residual") <= 1e-3 * largest.max(-values[0]));
    let z = (last("trace") - trace) / last("trace_stderr");
    assert!(z.abs() <= 4.0, "{z} standard errors from {trace}");
    assert!((last("gradient_norm") - norm).abs() <= 1e-12 * norm);
    let (scale, sigma, g2) = (last("noise_scale"), last("noise_trace"), last("noise_g2"));
    assert!(if g2 > 0.0 { (scale - sigma / g2).abs() <= 1e-12 * scale } else { scale.is_nan() });
}

#[test]
fn probes_of_saddles_find_both_ends_of_the_spectrum() {
    let bench = Bench::new();
    let said = bench.ok(&format!("{RUN} --probe saddles:7 --precision f64 --out r")).stdout;
    assert!(said.contains("lambda_min") && said.contains("all 7 certified"), "{said}");
    assert!(said.contains("on plateaus") && said.contains("plateaus (.png, .svg)"), "{said}");
    let run = bench.json("r/run.json");
    let last = |name: &str| array(&bench, name)[6];
    assert_eq!(at(&run, "probe.lambda_min.last").as_f64(), Some(last("lambda_min")));
    assert!(array(&bench, "trace").iter().all(|t| t.is_nan()), "none was asked for");
    let (values, _, norm) = dense(&bench);
    let scale = values[values.len() - 1].max(-values[0]);
    // As above: 1e-6 of the scale, squared, over a gap of 1e-2 at least.
    assert!((last("lambda_min") - values[0]).abs() <= 1e-4 * scale, "{} {}", last("lambda_min"), values[0]);
    assert!((last("lambda_max") - values[values.len() - 1]).abs() <= 1e-4 * scale);
    assert!((last("gradient_norm") - norm).abs() <= 1e-12 * norm);
    // Drawn again from what was saved: the same picture.
    let before = bench.bytes("r/plateaus.svg");
    bench.ok("plot r --dpi 20 --quiet --out again");
    assert_eq!(bench.bytes("again/plateaus.svg"), before);
}

#[test]
fn probing_changes_no_byte_of_what_was_trained_nor_do_threads_of_what_was_probed() {
    let bench = Bench::new();
    bench.ok(&format!("{RUN} --quiet --out plain"));
    for threads in [1, 2] {
        bench.ok(&format!("{RUN} {PROBE} --quiet --threads {threads} --out probed-{threads}"));
    }
    assert_eq!(bench.files("probed-1"), bench.files("probed-2"));
    for name in ["weights.safetensors", "best.safetensors", "metrics.jsonl", "training.svg"] {
        assert_eq!(bench.bytes(&format!("plain/{name}")), bench.bytes(&format!("probed-1/{name}")), "{name}");
    }
    // Drawn again from what was saved: the same pictures.
    let before = bench.bytes("probed-1/edge-of-stability.svg");
    bench.ok("plot probed-1 --dpi 20 --quiet --out again");
    assert_eq!(bench.bytes("again/edge-of-stability.svg"), before);
    // One of several runs is the run by itself.
    bench.ok(&format!("{RUN} {PROBE} --quiet --seeds 2 --out many"));
    assert_eq!(bench.bytes("many/seed-0/probes.npz"), bench.bytes("probed-1/probes.npz"));
    assert_ne!(bench.bytes("many/seed-1/probes.npz"), bench.bytes("probed-1/probes.npz"));
    // Without probes, none of an older run's stay.
    bench.ok(&format!("{RUN} --quiet --out probed-1"));
    for name in ["probes.npz", "edge-of-stability.png", "edge-of-stability.svg"] {
        assert!(!bench.path(&format!("probed-1/{name}")).exists(), "{name}");
    }
}

#[test]
fn a_threshold_is_drawn_only_where_there_is_one() {
    for (flags, status) in [
        ("--optimizer adam", "none: the optimizer's own does not depend on the Hessian alone"),
        ("--sam 0.1", "none: SAM's gradient is not that of the loss"),
        ("--clip 1", "none: clipped steps are shorter than their rate says"),
        ("--optimizer gd --lr 0.1", "computed"),
        ("--optimizer lbfgs", "none: a line search sets the length of each step"),
    ] {
        let bench = Bench::new();
        bench.ok(&format!(
            "train --hidden 3 --samples 60 --epochs 2 --probe sharpness:5 --dpi 20 --out r {flags}"
        ));
        let run = bench.json("r/run.json");
        assert_eq!(at(&run, "probe.threshold.status"), status, "{flags}");
        let drawn = bench.text("r/edge-of-stability.svg");
        let none = status != "computed";
        assert_eq!(drawn.contains("no threshold: "), none, "{flags}");
        assert_eq!(drawn.contains("stability threshold 2/η"), !none, "{flags}");
        assert!(array(&bench, "threshold").iter().all(|t| t.is_nan() == none), "{flags}");
        assert!(array(&bench, "lambda_max").iter().all(|l| l.is_finite()), "{flags}");
    }
}

#[test]
fn the_loss_that_is_probed_is_the_one_that_training_goes_down() {
    let bench = Bench::new();
    let flags =
        "train --hidden 6 --norm batch --samples 90 --batch-size 30 --epochs 2 --dpi 20 --precision f64";
    bench.ok(&format!("{flags} {PROBE} --out r"));
    let run = bench.json("r/run.json");
    assert_eq!(at(&run, "probe.of.statistics"), "of groups of 30");
    let (loss, evaluated) = (array(&bench, "train_loss"), at(&run, "final.train_loss").as_f64().unwrap());
    let read = Run::read(&bench.path("r")).unwrap();
    let network = Arc::new(read.network);
    let all = samples::<f64>(&network, &read.dataset.train);
    let in_groups =
        Objective::new(network, all, Statistics::Groups(30)).evaluate(&read.theta, &read.state).loss;
    assert!((loss.last().unwrap() - in_groups).abs() <= 1e-14 * in_groups);
    assert!((in_groups - evaluated).abs() > 1e-3 * evaluated, "running statistics are something else");
    // The first samples only.
    bench.ok(&format!("{RUN} {PROBE} --probe-samples 40 --out r"));
    let few = array(&bench, "train_loss");
    bench.ok(&format!("{RUN} {PROBE} --out r"));
    assert_ne!(few, array(&bench, "train_loss"));
}

#[test]
fn a_run_that_diverges_has_probes_up_to_there() {
    let bench = Bench::new();
    let outcome = bench.run("train --lr 1e6 --epochs 3 --probe sharpness:1 --dpi 20 --quiet --out r");
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(outcome.stderr.starts_with("error: train: diverged: "), "{}", outcome.stderr);
    let lambda = array(&bench, "lambda_max");
    assert!(lambda[0].is_finite() && lambda.last().unwrap().is_nan(), "{lambda:?}");
    let run = bench.json("r/run.json");
    assert!(at(&run, "probe.lambda_max.last").is_null());
    assert!(at(&run, "probe.lambda_max.status").as_str().unwrap().starts_with("none: "));
    bench.ok("plot r --dpi 20");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = Bench::new();
    for (flags, at, says) in [
        ("--probe sharpnes:10", "--probe: ", "did you mean `sharpness`?"),
        ("--probe sharpness", "--probe: ", "sharpness:STEPS"),
        ("--probe sharpness:0", "--probe: ", "at least 1 step"),
        ("--probe sharpness:-3", "--probe: ", "at least 1 step"),
        ("--probe sharpness:1e3", "--probe: ", "at least 1 step"),
        ("--probe 10", "--probe: ", "one of sharpness"),
        ("--probe sharpness:1 --epochs 1000000", "--probe: ", "at most 100000 probes"),
        ("--probe sharpness:9 --probe-samples 0", "--probe-samples: ", "1 to 1297 training samples"),
        ("--probe sharpness:9 --probe-samples 1298", "--probe-samples: ", "1 to 1297 training samples"),
        ("--probe-samples 5", "--probe-samples: ", "none without --probe"),
    ] {
        let line = bench.refused(&format!("train --out r {flags}"), at);
        assert!(line.contains(says), "{flags}: {line}");
    }
    bench.write("c.toml", "probe = \"sharpnes:3\"\n");
    let line = bench.refused("train --config c.toml --out r", "c.toml: probe: ");
    assert!(line.contains("did you mean `sharpness`?"), "{line}");
    bench.refused("lr-range --probe sharpness:3 --out r", "--probe");
    // One sample has no two batches: the rest is measured all the same.
    bench.ok(&format!("{RUN} {PROBE} --probe-samples 1 --quiet --out r"));
    assert!(array(&bench, "noise_scale").iter().all(|x| x.is_nan()));
    assert!(array(&bench, "lambda_max").iter().all(|x| x.is_finite()));
    let run = bench.json("r/run.json");
    assert_eq!(
        at(&run, "probe.noise_scale.status"),
        "none: there are not two batches that have the whole loss for their mean"
    );
}

#[cfg(unix)]
mod stopped {
    use super::{Bench, PROBE, RUN};

    /// Kills runs at moments spread over their length, and lets them go on.
    fn kill(rounds: usize) {
        let run = format!("{RUN} {PROBE} --checkpoint-every 0 --quiet --out r");
        let caught = Bench::killed_in_rounds(&run, "probes.log", rounds);
        assert!(3 * caught >= rounds, "only {caught} of {rounds} kills left a log");
    }

    #[test]
    fn a_killed_run_ends_in_the_same_bytes() {
        kill(10);
    }

    #[test]
    #[ignore = "minutes"]
    fn a_killed_run_ends_in_the_same_bytes_many_times() {
        kill(200);
    }

    /// Nearly all of its time goes into probes.
    const SLOW: &str =
        "train --hidden 12 --samples 200 --epochs 20 --batch-size 100 --dpi 20 --probe sharpness:1 --out r";

    /// Asks a slow run to stop while it is at it.
    fn interrupted(bench: &Bench) -> (Option<i32>, String) {
        bench.stopped(&format!("{SLOW} --checkpoint-every 0"), "INT", "r/checkpoint.safetensors", |_| true)
    }

    #[test]
    fn a_probe_can_be_interrupted_and_the_run_goes_on() {
        let reference = Bench::new();
        reference.ok(SLOW);
        let bench = Bench::new();
        let (code, said) = interrupted(&bench);
        assert_eq!(code, Some(130), "{said}");
        let last = said.lines().last().unwrap();
        assert!(
            last.starts_with("error: train: interrupted; ") && last.contains(" of 40 steps are kept"),
            "{last}"
        );
        assert!(bench.path("r/probes.log").exists() && !bench.path("r/run.json").exists());
        bench.ok("train --resume --dpi 20 --out r");
        assert_eq!(bench.files("r"), reference.files("r"));
    }

    #[test]
    fn probes_that_are_lost_damaged_or_another_runs_are_refused() {
        let bench = Bench::new();
        interrupted(&bench);
        let (log, checkpoint) = (bench.bytes("r/probes.log"), bench.bytes("r/checkpoint.safetensors"));
        let line = bench.refused(&format!("{SLOW} --quiet --lr 0.01"), "r/checkpoint.safetensors");
        assert!(line.contains("lr = 0.01"), "{line}");
        std::fs::remove_file(bench.path("r/probes.log")).unwrap();
        let outcome = bench.run("train --resume --quiet --out r");
        assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
        assert!(
            outcome.stderr.contains("r/probes.log: expected the probes before step"),
            "{}",
            outcome.stderr
        );
        assert!(outcome.stderr.contains("--fresh discards it"), "{}", outcome.stderr);
        // A log alone, without the checkpoint: of the same run its probes are kept, of another it is refused.
        let mut bad = log.clone();
        bad[20] ^= 1;
        bench.write("r/checkpoint.safetensors", &checkpoint);
        bench.write("r/probes.log", &bad);
        bench.refused("train --resume --quiet --out r", "r/probes.log");
        std::fs::remove_file(bench.path("r/checkpoint.safetensors")).unwrap();
        bench.write("r/probes.log", &log);
        let line = bench.refused(&format!("{SLOW} --quiet --lr 0.01"), "r/probes.log");
        assert!(line.contains("lr = 0.01") && line.contains("--fresh discards it"), "{line}");
        bench.ok(&format!("{SLOW} --quiet --lr 0.01 --fresh"));
        assert!(!bench.path("r/probes.log").exists());
    }
}

#[test]
fn probes_of_critical_sharpness_take_a_handful_of_losses() {
    let bench = Bench::new();
    let said = bench.ok(&format!("{RUN} --probe critical-sharpness:7 --precision f64 --out r")).stdout;
    assert!(
        said.contains("critical sharpness") && said.contains("critical-sharpness (.png, .svg)"),
        "{said}"
    );
    let run = bench.json("r/run.json");
    assert_eq!(at(&run, "probe.what"), "critical-sharpness");
    let names = ["critical_sharpness", "update_sharpness"];
    for (name, losses) in names.iter().zip(["critical_losses", "update_losses"]) {
        let [found, low, high] = ["", "_low", "_high"].map(|end| array(&bench, &format!("{name}{end}")));
        for i in (0..7).filter(|i| found[*i].is_finite()) {
            assert!(0.0 < low[i] && low[i] <= found[i] && found[i] <= high[i], "{name} {i}");
        }
        assert!(array(&bench, losses).iter().filter(|l| l.is_finite()).all(|l| *l <= 9.0), "{losses}");
        let last = at(&run, &format!("probe.{name}.last")).as_f64();
        assert_eq!(last, Some(found[6]).filter(|x| x.is_finite()), "{name}");
    }
    assert!(bench.npz("r/probes.npz").get("lambda_max").is_none(), "no eigenvalue was asked for");
    // Along the gradient it is the loss of the saved weights that is no lower after 2 / it, and lower before.
    let read = Run::read(&bench.path("r")).unwrap();
    let network = Arc::new(read.network);
    let all = samples::<f64>(&network, &read.dataset.train);
    let objective = Objective::new(network, all, Statistics::Running);
    let (start, gradient) = objective.gradient(&read.theta, &[]);
    let after = |sharpness: f64| {
        let step = 2.0 / sharpness;
        let theta: Vec<f64> = read.theta.iter().zip(&gradient).map(|(t, g)| t - step * g).collect();
        objective.evaluate(&theta, &[]).loss - start.loss
    };
    let ends = ["low", "high"].map(|end| array(&bench, &format!("critical_sharpness_{end}"))[6]);
    assert!(after(ends[0]) >= 0.0 && after(ends[1]) < 0.0, "{ends:?}");
    // Gradient descent's update is the gradient.
    bench.ok("train --hidden 3 --samples 60 --epochs 3 --optimizer gd --lr 0.1 --precision f64 --probe critical-sharpness:1 --quiet --dpi 20 --out r");
    let ends = |end: &str| names.map(|name| array(&bench, &format!("{name}{end}")));
    let ([low, below], [high, above]) = (ends("_low"), ends("_high"));
    // Both brackets have the same step in them, but for rounding of the update.
    let meet = |i: usize| low[i] <= above[i] * (1.0 + 1e-9) && below[i] <= high[i] * (1.0 + 1e-9);
    assert!(!low.is_empty() && (0..low.len()).all(meet), "{low:?} {high:?} {below:?} {above:?}");
    bench.ok("plot r --dpi 20 --quiet --out again");
    assert_eq!(bench.bytes("again/critical-sharpness.svg"), bench.bytes("r/critical-sharpness.svg"));
    // A line search has no update of its own.
    bench.ok("train --hidden 3 --samples 60 --epochs 2 --optimizer lbfgs --probe critical-sharpness:1 --quiet --dpi 20 --out l");
    let update = bench.npz("l/probes.npz").get("update_sharpness").unwrap().to_f64();
    assert!(update.iter().all(|x| x.is_nan()), "{update:?}");
}

#[test]
fn probes_of_the_learning_coefficient_say_whether_they_converged() {
    let bench = Bench::new();
    let run = "train --hidden 2 --samples 30 --epochs 4 --probe learning-coefficient:100 --dpi 20 --out r";
    let outcome = bench.run(run);
    let [value, estimate, low, high, rhat] = ["", "_estimate", "_low", "_high", "_rhat"]
        .map(|end| array(&bench, &format!("learning_coefficient{end}")));
    let unconverged = value.iter().filter(|v| v.is_nan()).count();
    assert_eq!(outcome.code, Some(if unconverged > 0 { 3 } else { 0 }), "{}", outcome.stderr);
    for i in 0..value.len() {
        assert!(low[i] <= estimate[i] && estimate[i] <= high[i], "{i}");
        assert!(value[i].is_nan() || value[i] == estimate[i] && rhat[i] <= 1.05, "{i}");
    }
    let json = bench.json("r/run.json");
    assert_eq!(at(&json, "probe.learning_coefficient.unconverged"), unconverged);
    assert!(bench.path("r/learning-coefficient.svg").exists());
    assert!(!bench.path("r/edge-of-stability.svg").exists());
}
