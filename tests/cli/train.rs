//! `losscape train`: flags that mean something, the run directory, divergence, bytes.

use crate::bench::{Bench, TINY, at};
use serde_json::{Value, json};

fn recorded(flags: &str) -> Value {
    let bench = Bench::new();
    let outcome = bench.ok(&format!("train --epochs 0 --samples 60 --dpi 20 --json --quiet --out r {flags}"));
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
    ] {
        assert!(weights(flags) != plain, "{flags}");
    }
    assert!(weights("--theme dark --threads 1") == plain);
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
    assert!(run["reason"].as_str().unwrap().contains("NaN"), "{run}");
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
