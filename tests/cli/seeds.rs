//! `losscape train --seeds`: each run is the one that its seed gives alone, and the summary is of them.

use crate::bench::{Bench, at};
use losscape::base::npz::Npz;
use serde_json::Value;

const RUN: &str = "train --hidden 3 --epochs 3 --samples 60 --dpi 20";

#[test]
fn runs_are_those_of_their_seeds_alone() {
    let bench = Bench::new();
    let words = bench.ok(&format!("{RUN} --seeds 3 --seed 5 --out s")).stdout;
    assert!(words.contains("median") && words.lines().count() == 9, "{words}");
    for seed in 5..8 {
        bench.ok(&format!("{RUN} --seed {seed} --out alone-{seed}"));
        assert_eq!(bench.files(&format!("s/seed-{seed}")), bench.files(&format!("alone-{seed}")));
    }
    let seeds = bench.json("s/seeds.json");
    assert_eq!(seeds["seeds"], serde_json::json!([5, 6, 7]));
    let runs: Vec<Value> = (5..8).map(|seed| bench.json(&format!("alone-{seed}/run.json"))).collect();
    for key in ["train_loss", "train_accuracy", "test_loss", "test_accuracy"] {
        let mut ends: Vec<f64> = runs.iter().map(|r| r["final"][key].as_f64().unwrap()).collect();
        for (run, listed) in runs.iter().zip(seeds["runs"].as_array().unwrap()) {
            assert_eq!(listed["final"][key], run["final"][key]);
            assert_eq!(listed["weights_sha256"], run["weights_sha256"]);
        }
        ends.sort_by(f64::total_cmp);
        let summary = &seeds["summary"][key];
        assert_eq!(summary["median"], ends[1]);
        assert_eq!((&summary["min"], &summary["max"]), (&ends[0].into(), &ends[2].into()));
        // Quartiles of three lie halfway to the ends.
        let low = 0.5 * (ends[0] + ends[1]);
        assert!((summary["quartiles"][0].as_f64().unwrap() - low).abs() < 1e-15);
    }
    let arrays: Npz = bench.npz("s/seeds.npz");
    let losses = arrays.get("test_loss").unwrap();
    assert_eq!(losses.shape, [3, 4]);
    for (i, row) in losses.to_f64().chunks(4).enumerate() {
        let text = bench.text(&format!("alone-{}/metrics.jsonl", i + 5));
        for (line, value) in text.lines().zip(row) {
            assert_eq!(serde_json::from_str::<Value>(line).unwrap()["test_loss"], *value);
        }
    }
    assert!(bench.bytes("s/seeds.png").len() > 1000);
    bench.ok("plot s --dpi 20 --out again");
    assert_eq!(bench.bytes("again/seeds.svg"), bench.bytes("s/seeds.svg"));
}

#[test]
fn runs_that_are_there_are_kept_and_the_bytes_do_not_depend_on_it() {
    let bench = Bench::new();
    bench.ok(&format!("{RUN} --seeds 3 --out s --threads 1"));
    let whole = bench.files("s");
    let said = bench.ok(&format!("{RUN} --seeds 3 --out s")).stderr;
    assert!(said.contains("3 of 3 runs are there already and are kept"), "{said}");
    assert_eq!(bench.files("s"), whole);
    // One that is gone and one that was tampered with are trained again.
    std::fs::remove_dir_all(bench.path("s/seed-0")).unwrap();
    let mut weights = bench.bytes("s/seed-1/weights.safetensors");
    *weights.last_mut().unwrap() ^= 1;
    bench.write("s/seed-1/weights.safetensors", weights);
    let said = bench.ok(&format!("{RUN} --seeds 3 --out s")).stderr;
    assert!(said.contains("1 of 3 runs"), "{said}");
    assert_eq!(bench.files("s"), whole);
    let said = bench.ok(&format!("{RUN} --seeds 3 --fresh --out s")).stderr;
    assert!(!said.contains("already"), "{said}");
    assert_eq!(bench.files("s"), whole);
}

#[test]
fn runs_that_diverge_are_told_of_and_the_rest_summed_up() {
    let bench = Bench::new();
    let outcome = bench.run("train --seeds 2 --lr 1e30 --epochs 3 --samples 60 --dpi 20 --quiet --out s");
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("2 of 2 did not end well: seed 0, diverged: "), "{}", outcome.stderr);
    let seeds = bench.json("s/seeds.json");
    assert_eq!(at(&seeds, "summary.train_loss.median"), &Value::Null);
    assert_eq!(at(&seeds, "summary.train_loss.status"), "over the 0 of 2 runs whose value is finite");
    bench.refused("train --seeds 0 --out s", "--seeds");
    bench.refused("train --seeds 2 --seed 9223372036854775807 --out s", "--seed");
}
