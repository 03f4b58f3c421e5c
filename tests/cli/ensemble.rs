//! `losscape ensemble`: its files and arrays, the average of the weights, the same bytes on any number of threads, kills,
//! refusals.

use crate::bench::{Bench, at};
use losscape::base::npz::Npz;
use losscape::base::tensors::{Data, TensorFile};
use serde_json::Value;

const TRAIN: &str = "train --samples 300 --hidden 16 --epochs 12 --quiet --dpi 20";
const SMALL: &str = "ensemble --run a --cycles 3 --cycle 2 --lr 0.1 --independent 2 --plane 5 --dpi 20";

fn trained() -> Bench {
    let bench = Bench::new();
    bench.ok(&format!("{TRAIN} --out a"));
    bench
}

fn numbers(arrays: &Npz, name: &str) -> Vec<f64> {
    arrays.get(name).unwrap_or_else(|| panic!("{name}")).to_f64()
}

/// All numbers of a weight file.
fn weights(file: &TensorFile) -> Vec<f32> {
    let of = |data: &Data| match data {
        Data::F32(values) => values.clone(),
        _ => panic!("not single precision"),
    };
    file.tensors.iter().flat_map(|t| of(&t.data)).collect()
}

#[test]
fn networks_are_collected_averaged_and_compared() {
    let bench = trained();
    let said = bench.ok(&format!("{SMALL} --json --quiet --out e")).stdout;
    let result: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(result, bench.json("e/ensemble.json"));
    let arrays = bench.npz("e/ensemble.npz");
    // The rate turns in the middle and at the end of each cycle.
    assert_eq!(numbers(&arrays, "turn"), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let expected = [0.001, 0.1, 0.001, 0.1, 0.001, 0.1, 0.001];
    for (found, expected) in numbers(&arrays, "turn_lr").iter().zip(expected) {
        assert!((found - expected).abs() < 1e-15, "{found}");
    }
    // The average is that of the collected networks, rounded once.
    let all: Vec<Vec<f32>> =
        (1..=3).map(|i| weights(&bench.tensors(&format!("e/member-{i}.safetensors")))).collect();
    let swa = weights(&bench.tensors("e/swa.safetensors"));
    assert!(all[0] != all[1] && all[1] != all[2]);
    for (i, found) in swa.iter().enumerate() {
        let sum: f64 = all.iter().map(|w| f64::from(w[i])).sum();
        assert!((f64::from(*found) - sum / 3.0).abs() <= 1e-7 * sum.abs(), "{i}");
    }
    // Start, three members, the average, two independent ones; the start is as training left it.
    let distance = numbers(&arrays, "distance");
    assert_eq!((distance.len(), numbers(&arrays, "test_error").len()), (49, 7));
    let apart: f64 =
        swa.iter().zip(&all[1]).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt();
    assert!((distance[4 * 7 + 2] - apart).abs() < 1e-5 * apart);
    let own = bench.json("a/run.json");
    assert_eq!(at(&result, "start.train_loss"), at(&own, "final.train_loss"));
    let independent = &result["independent"]["networks"];
    for (i, seed) in [1, 2].into_iter().enumerate() {
        let run = bench.json(&format!("e/seed-{seed}/run.json"));
        assert_eq!(at(&run, "settings.seed"), seed);
        assert_eq!(independent[i]["test_loss"], *at(&run, "final.test_loss"));
    }
    // One network is an ensemble of itself; what each costs.
    let alone = numbers(&arrays, "test_loss");
    let (along, apart) = (numbers(&arrays, "ensemble_test_loss"), numbers(&arrays, "independent_test_loss"));
    assert_eq!((along.len(), apart.len()), (3, 3));
    assert!((along[0] - alone[1]).abs() < 1e-6 && (apart[0] - alone[0]).abs() < 1e-6);
    // A loss that is convex in what is predicted: no ensemble is worse than its members on average.
    let mean = (alone[0] + alone[5] + alone[6]) / 3.0;
    assert!(apart[2] < mean, "{} and {mean}", apart[2]);
    let epochs = |path: &str| at(&result, path).as_u64().unwrap();
    assert_eq!(
        [epochs("start.epochs"), epochs("ensemble.epochs"), epochs("independent.epochs")],
        [12, 18, 36]
    );
    // A run like any other, with the same loss.
    bench.ok("slice --run e/swa.safetensors --x=-1:1:3 --line --quiet --dpi 20 --out s");
    let center = at(&bench.json("s/slice.json"), "center.train_loss").as_f64().unwrap();
    assert!((center - at(&result, "swa.train_loss").as_f64().unwrap()).abs() <= 1e-6 * center.max(1.0));
    bench.ok("plot e --dpi 20 --out again");
    for name in ["cycles", "members", "plane"] {
        assert_eq!(bench.bytes(&format!("again/{name}.svg")), bench.bytes(&format!("e/{name}.svg")));
    }
}

#[test]
fn statistics_of_the_average_are_made_anew() {
    let bench = Bench::new();
    bench.ok(&format!("{TRAIN} --norm batch --out a"));
    let flags = "--cycles 3 --cycle 2 --lr 0.1 --independent 0 --plane 0 --dpi 20";
    bench.ok(&format!("ensemble --run a {flags} --quiet --out e"));
    let tensors = |name: &str| bench.tensors(&format!("e/{name}.safetensors"));
    let (swa, members) = (tensors("swa"), ["member-1", "member-2", "member-3"].map(tensors));
    let variance = swa.tensors.iter().find(|t| t.name.contains("var")).expect("a running variance");
    let of = |file: &TensorFile| match &file.get(&variance.name).unwrap().data {
        Data::F32(values) => values.clone(),
        _ => panic!("not single precision"),
    };
    let (found, all) = (of(&swa), members.each_ref().map(of));
    let mean: Vec<f32> = (0..found.len()).map(|i| (all[0][i] + all[1][i] + all[2][i]) / 3.0).collect();
    let off = found.iter().zip(&mean).map(|(a, b)| ((a - b) / b).abs()).fold(0.0, f32::max);
    assert!(off > 1e-3, "the mean of statistics is not the statistics of the mean: {off}");
    let result = bench.json("e/ensemble.json");
    let words = result["norm_statistics"].as_str().unwrap();
    assert!(
        words.starts_with("as training left them; of the average, and in the plane: refreshed"),
        "{words}"
    );
    assert!(at(&result, "independent.members") == 1, "the start alone");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = trained();
    bench.ok("slice --run a/best.safetensors --x=-1:1:3 --line --quiet --dpi 20 --out s");
    std::fs::create_dir(bench.path("lone")).unwrap();
    std::fs::copy(bench.path("a/weights.safetensors"), bench.path("lone/w.safetensors")).unwrap();
    for (flags, at) in [
        ("--run a --run a", "--run"),
        ("--run nothing", "nothing"),
        ("--run lone/w.safetensors", "--run lone/w.safetensors: expected a network with the record"),
        ("--run a --cycles 0", "--cycles"),
        ("--run a --cycle 0", "--cycle"),
        ("--run a --lr 0", "--lr"),
        ("--run a --lr 0.01 --lr-low 0.1", "--lr-low"),
        ("--run a --plane 1", "--plane"),
        ("--run a --optimizer lbfgs", "--optimizer"),
        ("--run a --out a", "--out"),
    ] {
        bench.refused(&format!("ensemble --quiet {flags}"), at);
    }
    // Other settings do not go on with what is unfinished; divergence is said, with nothing written.
    let diverged = bench.run("ensemble --run a --independent 0 --lr 1e30 --quiet --dpi 20 --out d");
    assert_eq!(diverged.code, Some(3), "{}", diverged.stderr);
    assert!(diverged.stderr.contains("the cycles diverged"), "{}", diverged.stderr);
    let other = bench.run("ensemble --run a --independent 0 --quiet --dpi 20 --out d");
    assert!(other.code == Some(2) && other.stderr.contains("--fresh"), "{}", other.stderr);
    bench.ok("ensemble --run a --independent 0 --cycles 3 --plane 0 --fresh --quiet --dpi 20 --out d");
    // With fewer networks, none of the earlier ones stays behind.
    bench.ok("ensemble --run a --independent 0 --cycles 1 --plane 0 --quiet --dpi 20 --out d");
    let there = |name: &str| bench.path(&format!("d/{name}.safetensors")).exists();
    assert!(there("member-1") && there("swa") && !there("member-2") && !there("member-3"));
}
