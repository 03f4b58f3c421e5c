//! `losscape instability`: its files, the same bytes on any number of threads and after a stop, and what it refuses.

use crate::bench::{BESIDE, Bench, at};
use losscape::analyses::{InstabilitySettings, Share, instability};
use losscape::train::TrainSettings;
use serde_json::Value;

/// Six steps an epoch, 24 in all.
const SMALL: &str = "instability --data spirals --samples 60 --hidden 6 --batch-size 10 --epochs 4 --lr 0.1 \
                     --branch 0,5,12,24 --seeds 3 --points 5 --dpi 20";

const FILES: [&str; 5] =
    ["instability.json", "instability.npz", "instability.png", "instability.svg", "machine.json"];

#[test]
fn barriers_are_those_of_the_arrays_and_threads_change_nothing() {
    let bench = Bench::new();
    let said = bench.ok(&format!("{SMALL} --threads 2 --json --quiet --out a")).stdout;
    bench.ok(&format!("{SMALL} --threads 1 --quiet --out b"));
    let files = |directory: &str| {
        let mut files = bench.files(directory);
        files.retain(|name, _| name.to_string_lossy() != ".lock");
        files
    };
    let names: Vec<String> = files("a").into_keys().map(|p| p.to_string_lossy().into_owned()).collect();
    assert_eq!(names, FILES);
    assert!(files("a") == files("b"), "the same bytes");
    let result: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(result, bench.json("a/instability.json"));
    let arrays = bench.npz("a/instability.npz");
    let array = |name: &str| arrays.get(name).unwrap().to_f64();
    assert_eq!((array("branch"), array("seed")), (vec![0.0, 5.0, 12.0, 24.0], vec![0.0, 1.0, 2.0]));
    let t = array("t");
    for (barrier, values) in [
        ("train_barrier", "train_loss"),
        ("train_error_barrier", "train_error"),
        ("test_barrier", "test_loss"),
        ("test_error_barrier", "test_error"),
    ] {
        assert_eq!(arrays.get(values).unwrap().shape, [4, 3, 5]);
        for (found, line) in array(barrier).iter().zip(array(values).chunks(5)) {
            let rises = t.iter().zip(line).map(|(t, v)| v - ((1.0 - t) * line[0] + t * line[4]));
            let highest = rises.fold(0.0, f64::max);
            assert!((found - highest).abs() < 1e-15 * (1.0 + highest), "{barrier}: {found} {highest}");
        }
        for (k, all) in array(barrier).chunks(3).enumerate() {
            let mut all = all.to_vec();
            all.sort_by(f64::total_cmp);
            assert_eq!(result["branches"][k][barrier]["median"], all[1]);
        }
    }
    // All branches of a seed have the end of its run in common.
    let ends: Vec<f64> = array("train_loss").chunks(5).map(|line| line[0]).collect();
    assert!(ends.chunks(3).all(|row| row == &ends[..3]));
    // Nothing is left to part at the end.
    assert!(array("train_barrier")[9..].iter().chain(&array("distance")[9..]).all(|x| *x == 0.0));
    assert!(array("distance")[..9].iter().all(|d| *d > 0.0));
    assert_eq!(result["noise"], serde_json::json!(["order of the samples"]));
    bench.ok("plot a --dpi 20 --out again");
    assert_eq!(bench.bytes("again/instability.svg"), bench.bytes("a/instability.svg"));
}

#[test]
fn a_stopped_analysis_goes_on_and_ends_in_the_same_bytes() {
    let bench = Bench::new();
    bench.ok(&format!("{SMALL} --quiet --out whole"));
    let result = bench.json("whole/instability.json");
    let settings: InstabilitySettings = serde_json::from_value(result["settings"].clone()).unwrap();
    let training: TrainSettings = serde_json::from_value(result["train"].clone()).unwrap();
    std::fs::create_dir(bench.path("half")).unwrap();
    instability::run(&settings, &training, Some(&Share::all(&bench.path("half"))), &|_| ()).unwrap();
    let log = bench.bytes("half/instability.log");
    // Two whole records are lost, and half of another one.
    let record = 8 + 8 * (2 + 4 * 5) + 4;
    bench.write("half/instability.log", &log[..log.len() - 2 * record - record / 2]);
    let said = bench.ok(&format!("{SMALL} --out half")).stderr;
    assert!(said.contains("9 of 12 branches were finished before and are kept"), "{said}");
    for name in ["instability.json", "instability.npz", "instability.svg"] {
        assert!(bench.bytes(&format!("half/{name}")) == bench.bytes(&format!("whole/{name}")), "{name}");
    }
    assert!(!bench.path("half/instability.log").exists());
    // Those of other settings are refused, until they are discarded.
    bench.write("half/instability.log", &log);
    let outcome = bench.run(&format!("{SMALL} --sam 0.1 --quiet --out half"));
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("sam = 0.1") && outcome.stderr.contains("--fresh"), "{}", outcome.stderr);
    bench.ok(&format!("{SMALL} --fresh --quiet --out half"));
}

#[test]
fn runs_that_diverge_are_told_of() {
    let bench = Bench::new();
    let outcome = bench.run(&format!("{SMALL} --lr 1e30 --quiet --out r").replace("--lr 0.1 ", ""));
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("12 of 12 branches"), "{}", outcome.stderr);
    let result = bench.json("r/instability.json");
    assert_eq!(at(&result, "branches.0.train_barrier.median"), &Value::Null);
    assert_eq!(result["branches"][0]["runs"][0]["status"], "the run diverged");
    assert!(bench.bytes("r/instability.png").len() > 1000);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = Bench::new();
    for (flags, at) in [
        ("--branch 5,3", "--branch"),
        ("--branch 0,100000", "--branch"),
        ("--seeds 0", "--seeds"),
        ("--points 2", "--points"),
        ("--stable 2", "--stable"),
        ("--lr 0", "--lr"),
        ("--epochs 0", "--epochs"),
        ("--batch-size 0", "--batch-size"),
        ("--batch-size 5000", "--batch-size"),
        ("--samples 5000", "--samples"),
        ("--seed 9223372036854775807", "--seed"),
    ]
    .into_iter()
    .chain(BESIDE)
    {
        bench.refused(&format!("instability {flags} --out new"), at);
    }
}
