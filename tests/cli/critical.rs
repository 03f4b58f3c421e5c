//! `losscape critical`: its files, the same bytes on any number of threads, and what it refuses.

use crate::bench::{Bench, at};
use serde_json::Value;

const SMALL: &str = "critical --data spirals --samples 20 --hidden 2 --initial 4 --training 3 --minimum 3 --saddle 4 \
                     --runs 2 --epochs 20 --dpi 20";

#[test]
fn arrays_counts_and_pictures_agree_and_threads_change_nothing() {
    let bench = Bench::new();
    let said = bench.ok(&format!("{SMALL} --threads 2 --json --quiet --out a")).stdout;
    bench.ok(&format!("{SMALL} --threads 1 --quiet --out b"));
    let names: Vec<String> = bench
        .files("a")
        .into_keys()
        .map(|p| p.to_string_lossy().into_owned())
        .filter(|n| n != ".lock")
        .collect();
    assert_eq!(names, ["critical.json", "critical.npz", "critical.png", "critical.svg", "machine.json"]);
    let files = |directory: &str| {
        let mut files = bench.files(directory);
        files.retain(|name, _| name.to_string_lossy() != ".lock");
        files
    };
    assert!(files("a") == files("b"), "the same bytes");
    let result: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(result, bench.json("a/critical.json"));
    let arrays = bench.npz("a/critical.npz");
    let array = |name: &str| arrays.get(name).unwrap().to_f64();
    let (kind, stopped, norms) = (array("kind"), array("stopped"), array("gradient_norm"));
    assert_eq!(kind.len(), 14);
    for (k, (name, starts)) in
        [("initial", 4), ("training", 3), ("minimum", 3), ("saddle", 4)].iter().enumerate()
    {
        let own: Vec<usize> = (0..14).filter(|i| kind[*i] == k as f64).collect();
        let entry = &result["by_kind"][name];
        assert_eq!((own.len(), &entry["starts"]), (*starts, &Value::from(*starts)));
        assert_eq!(entry["kept"], own.iter().filter(|i| stopped[**i] == 0.0).count());
    }
    let p = result["parameters"].as_u64().unwrap() as usize;
    assert_eq!(arrays.get("eigenvalues").unwrap().shape, [14, p]);
    assert_eq!(arrays.get("theta").unwrap().shape, [14, p]);
    let (values, index, threshold) = (array("eigenvalues"), array("index"), array("threshold"));
    for i in 0..14 {
        assert!(stopped[i] != 0.0 || norms[i] <= 1e-10, "start {i}");
        let negative = values[i * p..(i + 1) * p].iter().filter(|l| **l < -threshold[i]).count();
        assert_eq!(index[i], negative as f64 / p as f64, "start {i}");
    }
    let ended: u64 = result["ended"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(ended, 14);
    let found: u64 = result["points"].as_array().unwrap().iter().filter_map(|p| p["found"].as_u64()).sum();
    assert_eq!(Some(found), result["kept"].as_u64());
    assert!(at(&result, "rank_correlation.points") == at(&result, "distinct"));
    bench.ok("plot a --dpi 20 --out again");
    assert_eq!(bench.bytes("again/critical.svg"), bench.bytes("a/critical.svg"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = Bench::new();
    for (flags, at) in [
        ("--initial 0 --training 0 --minimum 0 --saddle 0", "--initial, --training, --minimum, --saddle"),
        ("--initial 1000000", "--initial"),
        ("--runs 0", "--runs"),
        ("--scales=-1", "--scales"),
        ("--noise nan", "--noise"),
        ("--perturbation=-1", "--perturbation"),
        ("--tolerance 0", "--tolerance"),
        ("--flat 2", "--flat"),
        ("--distance 0", "--distance"),
        ("--steps 0", "--steps"),
        ("--lr 0", "--lr"),
        ("--samples 5000", "--samples"),
        ("--hidden 64", "--model"),
        ("--model resnet --data cifar10", "data set cifar10"),
        ("--model mlp:hidden=[3],norm=batch", "--model"),
        ("--precision f32", "--precision"),
        ("--loss cross-entropy --data teacher-student", "--data"),
        ("--model linear:hidden=[3] --initial 0 --training 0 --minimum 0", "--saddle"),
    ] {
        bench.refused(&format!("critical {flags} --out new"), at);
    }
}

#[test]
fn a_search_that_finds_nothing_says_so() {
    let bench = Bench::new();
    let outcome = bench.run(&format!("{} --steps 1 --out r", SMALL.replace("--saddle 4", "--saddle 0")));
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("none of 10 descents"), "{}", outcome.stderr);
    let result = bench.json("r/critical.json");
    assert_eq!((&result["kept"], at(&result, "rank_correlation.value")), (&Value::from(0), &Value::Null));
    assert!(bench.bytes("r/critical.png").len() > 1000);
    let bench = Bench::new();
    let student = "critical --model student:units=2 --samples 40 --initial 2 --training 0 --minimum 0 --runs 1 --epochs 2";
    let outcome = bench.run(&format!("{student} --steps 5 --dpi 20 --out r"));
    assert!(outcome.stderr.contains("no saddles of known form"), "{}", outcome.stderr);
}
