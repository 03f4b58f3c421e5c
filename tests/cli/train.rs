//! `losscape train`: flags that mean something, the run directory, divergence, bytes.

use crate::bench::{Bench, TINY, at};
use serde_json::{Value, json};

fn recorded(flags: &str) -> Value {
    let bench = Bench::new();
    let epochs = if flags.contains("--epochs") { "" } else { "--epochs 0" };
    let outcome = bench.ok(&format!("train {epochs} --samples 60 --dpi 20 --json --quiet --out r {flags}"));
    assert_eq!(outcome.stderr, "");
    serde_json::from_str(&outcome.stdout).unwrap()
}

#[test]
fn flags_and_shorthands_reach_the_settings() {
    for (flags, path, value) in [
        ("--hidden 24,16", "model.hidden", json!([24, 16])),
        ("--hidden [7]", "model.hidden", json!([7])),
        ("--hidden none", "model.hidden", json!([])),
        ("--activation tanh", "model.activation", json!("tanh")),
        (
            "--activation leaky-relu:slope=0.2",
            "model.activation",
            json!({"kind": "leaky-relu", "slope": 0.2}),
        ),
        ("--bias false", "model.bias", json!(false)),
        ("--momentum 0", "optimizer.momentum", json!(0.0)),
        ("--nesterov true", "optimizer.nesterov", json!(true)),
        ("--weight-decay 1e-3", "optimizer.weight-decay", json!(1e-3)),
        ("--label-smoothing 0.1", "loss.smoothing", json!(0.1)),
        ("--loss squared-error", "loss", json!("squared-error")),
        ("--schedule cosine", "schedule.kind", json!("cosine")),
        ("--init lecun-normal", "init", json!("lecun-normal")),
        ("--lr 0.25", "lr", json!(0.25)),
        ("--batch-size 7", "batch-size", json!(7)),
        ("--precision f64", "precision", json!("f64")),
        ("--standardize false", "standardize", json!("none")),
        ("--standardize channel", "standardize", json!("channel")),
        ("--subset 0.5", "subset", json!(0.5)),
        ("--subset 100 --balance", "balance", json!(true)),
        ("--label-noise 0.25", "label-noise", json!(0.25)),
        ("", "lr", json!(0.05)),
        ("", "batch-size", json!(64)),
        ("--optimizer lbfgs", "lr", json!(1.0)),
        ("--optimizer lbfgs", "batch-size", Value::Null),
        ("--sam 0.1", "sam", json!(0.1)),
        ("--clip 2", "clip", json!(2.0)),
        ("--clip-value 0.5", "clip-value", json!(0.5)),
        ("--ema 0.99", "ema", json!(0.99)),
        ("--epochs 3 --swa 2", "swa", json!(2)),
        ("--snapshots epochs:2", "snapshots", json!("epochs:2")),
        ("--snapshots 7", "snapshots", json!("7")),
        ("--target-loss 10", "target-loss", json!(10.0)),
        ("--target-gradient 1e9", "target-gradient", json!(1e9)),
        ("--best train-loss", "best", json!("train-loss")),
    ] {
        assert_eq!(at(&recorded(flags)["settings"], path), &value, "{flags}");
    }
}

#[test]
fn every_setting_changes_the_weights() {
    let bench = Bench::new();
    let weights = |flags: &str| {
        bench.ok(&format!(
            "train --hidden 3 --samples 60 --dpi 20 --quiet --epochs 4 --warmup 1 --out r {flags}"
        ));
        bench.bytes("r/weights.safetensors")
    };
    let plain = weights("");
    for flags in [
        "--seed 1",
        "--data-seed 1",
        "--activation tanh",
        "--bias false",
        "--momentum 0",
        "--nesterov true",
        "--weight-decay 0.1",
        "--label-smoothing 0.1",
        "--loss squared-error",
        "--schedule cosine",
        "--init naive",
        "--lr 0.3",
        "--batch-size 7",
        "--precision f64",
        "--standardize false",
        "--standardize channel",
        "--subset 60",
        "--balance",
        "--label-noise 0.25",
        "--data blobs",
        "--sam 0.5",
        "--clip 0.1",
        "--clip-value 0.01",
        "--target-loss 100",
        "--target-gradient 1000",
    ] {
        assert!(weights(flags) != plain, "{flags}");
    }
    for flags in [
        "--theme dark --threads 1",
        "--ema 0.9 --swa 2 --snapshots 1 --best train-loss",
        "--checkpoint-every 0",
    ] {
        assert!(weights(flags) == plain, "{flags}");
    }
}

#[test]
fn a_run_directory_holds_what_scripts_rely_on() {
    let bench = Bench::new();
    let outcome = bench.ok("train --hidden 3 --epochs 4 --samples 60 --seed 5 --dpi 20");
    assert!(outcome.stderr.contains("epoch    4"), "{}", outcome.stderr);
    let run = bench.json("runs/default/run.json");
    assert_eq!((&run["status"], &run["seed"], &run["steps"]), (&"done".into(), &5.into(), &4.into()));
    assert_eq!((at(&run, "samples.train"), at(&run, "samples.test")), (&60.into(), &500.into()));
    assert_eq!(run["version"], env!("CARGO_PKG_VERSION"));
    let lines: Vec<Value> =
        bench.text("runs/default/metrics.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 5, "the start and a line an epoch");
    for (epoch, line) in lines.iter().enumerate() {
        assert_eq!(line["epoch"], epoch);
        for key in ["step", "lr", "train_loss", "train_accuracy", "test_loss", "test_accuracy"] {
            assert!(line[key].is_number(), "{key}");
        }
        assert_eq!(line["gradient_norm"].is_number(), epoch > 0, "the start has made no step");
    }
    assert_eq!(at(&run, "final.train_loss"), &lines[4]["train_loss"]);
    let shapes: Vec<(String, Vec<usize>)> = bench
        .tensors("runs/default/weights.safetensors")
        .tensors
        .into_iter()
        .map(|t| (t.name, t.shape))
        .collect();
    let expected =
        [("0.weight", vec![3, 64]), ("0.bias", vec![3]), ("2.weight", vec![10, 3]), ("2.bias", vec![10])];
    assert_eq!(shapes, expected.map(|(n, s)| (n.to_owned(), s)));
    for name in ["training.png", "training.svg", "machine.json"] {
        assert!(!bench.bytes(&format!("runs/default/{name}")).is_empty());
    }
}

#[test]
fn bytes_depend_on_the_seed_and_not_on_threads() {
    let runs: Vec<Bench> = (0..4).map(|_| Bench::new()).collect();
    for (bench, threads) in runs.iter().zip([1, 2, 4, 1]) {
        bench.ok(&format!("train --epochs 2 --dpi 20 --out r --threads {threads}"));
    }
    for other in &runs[1..] {
        assert_eq!(runs[0].files("r"), other.files("r"));
    }
    runs[3].ok("train --epochs 2 --dpi 20 --out r --seed 1");
    let (a, b) = (runs[0].json("r/run.json"), runs[3].json("r/run.json"));
    assert_ne!(at(&a, "final.train_loss"), at(&b, "final.train_loss"));
    assert_eq!(at(&a, "data.sha256"), at(&b, "data.sha256"), "the split follows --data-seed alone");
    let c = recorded("--data-seed 1");
    assert_ne!(at(&a, "data.sha256"), at(&c, "data.sha256"));
}

#[test]
fn json_is_alone_on_standard_output_and_quiet_says_nothing() {
    let bench = Bench::new();
    let loud = bench.ok(&format!("train {TINY} --json --out r"));
    assert_eq!(serde_json::from_str::<Value>(&loud.stdout).unwrap(), bench.json("r/run.json"));
    assert!(loud.stderr.contains("epoch"));
    let quiet = bench.ok(&format!("train {TINY} --quiet --out r"));
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    let words = bench.ok(&format!("train {TINY} --out r"));
    assert!(words.stdout.contains("wrote r in "), "{}", words.stdout);
    assert!(!cfg!(target_os = "linux") || words.stdout.contains(", peak memory "), "{}", words.stdout);
}

#[test]
fn divergence_is_recorded_and_drawn() {
    let bench = Bench::new();
    let outcome = bench.run("train --lr 1e6 --epochs 5 --out r --quiet");
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(3), 1), "{}", outcome.stderr);
    assert!(outcome.stderr.starts_with("error: train: diverged: the "), "{}", outcome.stderr);
    let run = bench.json("r/run.json");
    assert_eq!((&run["status"], at(&run, "final.train_loss")), (&"diverged".into(), &Value::Null));
    let reason = run["reason"].as_str().unwrap();
    assert!(reason.contains("NaN") || reason.contains("no finite number"), "{run}");
    assert_eq!(run["stop"], "non-finite");
    let last: Value = serde_json::from_str(bench.text("r/metrics.jsonl").lines().last().unwrap()).unwrap();
    assert_eq!((&last["epoch"], &last["train_loss"]), (&run["epochs"], &Value::Null));
    assert!(bench.text("r/training.svg").contains("no finite loss at epoch"));
    assert!(run["final_status"].as_str().unwrap().starts_with("not finite: "), "{run}");
    assert!(run["steps"].as_u64() > Some(0), "{run}");
    assert!(!bench.text("r/run.json").contains("NaN,") && bench.bytes("r/training.png").len() > 1000);
    assert!(bench.ok("plot r --dpi 20").stdout.contains("training"));
}

#[test]
fn zero_epochs_leave_the_network_as_it_was_drawn() {
    assert_eq!(recorded("")["steps"], 0);
    assert_eq!(recorded("--batch-size 99999999")["status"], "done");
}

#[test]
fn weights_beside_the_last_ones_are_files_of_their_own() {
    let bench = Bench::new();
    bench.ok("train --hidden 3 --epochs 6 --samples 90 --dpi 20 --ema 0.9 --swa 4 --snapshots log:4 --out r");
    let run = bench.json("r/run.json");
    let lines: Vec<Value> =
        bench.text("r/metrics.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let lowest = lines.iter().map(|l| l["test_loss"].as_f64().unwrap()).fold(f64::INFINITY, f64::min);
    assert_eq!((at(&run, "best.by"), at(&run, "best.test_loss")), (&"test_loss".into(), &lowest.into()));
    let epoch = run["best"]["epoch"].as_u64().unwrap() as usize;
    assert_eq!(lines[epoch]["test_loss"], lowest);
    assert_eq!((at(&run, "ema.steps"), at(&run, "swa.epochs")), (&12.into(), &3.into()));
    // Each is a weight file like any other: sliced, its center has the loss that is recorded.
    for name in ["best", "ema", "swa"] {
        bench.ok(&format!("slice --run r/{name}.safetensors --x=-1:1:3 --y=-1:1:3 --dpi 20 --out s"));
        let slice = bench.json("s/slice.json");
        for key in ["train_loss", "train_accuracy", "test_loss", "test_accuracy"] {
            assert_eq!(slice["center"][key], run[name][key], "{name}: {key}");
        }
        assert_eq!(slice["weights_sha256"], run[name]["sha256"]);
    }
    // 12 steps; 12^(i/3): 1, 2.29, 5.24, 12.
    assert_eq!(at(&run, "trajectory.steps"), &json!([0, 1, 2, 5, 12]));
    let trajectory = bench.tensors("r/trajectory.safetensors");
    let last = bench.tensors("r/weights.safetensors");
    assert_eq!(trajectory.metadata["losscape.steps"], "[0,1,2,5,12]");
    assert_eq!(trajectory.tensors.len(), 5 * last.tensors.len());
    for tensor in &last.tensors {
        let found = trajectory.get(&format!("12/{}", tensor.name)).unwrap();
        assert_eq!((&found.shape, &found.data), (&tensor.shape, &tensor.data));
        assert_ne!(trajectory.get(&format!("5/{}", tensor.name)).unwrap().data, tensor.data);
    }
    // A run without them leaves none behind.
    bench.ok(&format!("train {TINY} --out r"));
    let names: Vec<String> = bench.files("r").keys().map(|p| p.display().to_string()).collect();
    assert_eq!(
        names,
        [
            ".lock",
            "best.safetensors",
            "machine.json",
            "metrics.jsonl",
            "run.json",
            "training.png",
            "training.svg",
            "weights.safetensors"
        ]
    );
}

#[test]
fn a_target_that_is_missed_is_told_and_the_run_is_there() {
    let bench = Bench::new();
    let outcome = bench.run(&format!("train {TINY} --target-loss 1e-9 --quiet --out r"));
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(3), 1), "{}", outcome.stderr);
    assert!(
        outcome.stderr.starts_with("error: train: target missed: all 1 epochs were made, but "),
        "{}",
        outcome.stderr
    );
    let run = bench.json("r/run.json");
    assert_eq!((&run["status"], &run["stop"]), (&"target-missed".into(), &"epochs".into()));
    assert!(bench.path("r/training.png").exists());
    bench.ok("slice --run r --x=-1:1:3 --y=-1:1:3 --dpi 20 --out s");
    let said = bench.ok("train --samples 60 --dpi 20 --target-loss 0.5 --target-gradient 1 --out r").stdout;
    assert!(said.contains("within the target 0.5 and the norm of the gradient is"), "{said}");
    let run = bench.json("r/run.json");
    assert_eq!((&run["status"], &run["stop"]), (&"done".into(), &"target".into()));
    assert!(at(&run, "final.train_loss").as_f64() <= Some(0.5));
    assert!(at(&run, "final.gradient_norm").as_f64() <= Some(1.0));
    assert!(run["epochs"].as_u64() < Some(20), "{run}");
}
