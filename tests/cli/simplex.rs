//! `losscape simplex`: its files and arrays, minima that are kept, the same bytes on any number of threads, kills, refusals.

use crate::bench::{Bench, at};
use losscape::base::npz::Npz;
use serde_json::Value;

const TRAIN: &str = "train --samples 300 --hidden 16 --epochs 12 --quiet --dpi 20";
const SMALL: &str = "simplex --run a --run b --run c --epochs 40 --points 12 --members 6 --plane 5 --dpi 20";

/// Three networks that differ in their seed.
fn three() -> Bench {
    let bench = Bench::new();
    for (seed, name) in ["a", "b", "c"].iter().enumerate() {
        bench.ok(&format!("{TRAIN} --seed {seed} --out {name}"));
    }
    bench
}

fn numbers(arrays: &Npz, name: &str) -> Vec<f64> {
    arrays.get(name).unwrap_or_else(|| panic!("{name}")).to_f64()
}

#[test]
fn a_complex_is_low_where_the_flat_simplex_is_high() {
    let bench = three();
    let said = bench.ok(&format!("{SMALL} --connectors 2 --volume 1e-4 --json --quiet --out s")).stdout;
    let result: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(result, bench.json("s/simplex.json"));
    let number = |path: &str| at(&result, path).as_f64().unwrap();
    let arrays = bench.npz("s/simplex.npz");
    assert_eq!(arrays.get("complex_train_loss").unwrap().shape, [3, 12]);
    let (flat, inner) = (numbers(&arrays, "flat_train_loss"), numbers(&arrays, "complex_train_loss"));
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    assert!((number("flat.mean_train_loss") - mean(&flat)).abs() < 1e-12);
    assert!((number("complex.mean_train_loss") - mean(&inner)).abs() < 1e-12);
    assert_eq!(number("flat.max_train_loss"), flat.iter().copied().fold(0.0, f64::max));
    let rise = |path: &str| number(path) - number("vertices.mean_train_loss");
    assert!(
        rise("complex.mean_train_loss") < 0.3 * rise("flat.mean_train_loss"),
        "{} and {}",
        rise("complex.mean_train_loss"),
        rise("flat.mean_train_loss")
    );
    // Minima are those of the runs.
    for (i, run) in ["a", "b", "c"].iter().enumerate() {
        let own = bench.json(&format!("{run}/run.json"));
        assert_eq!(result["minima"][i]["train_loss"], *at(&own, "final.train_loss"), "{run}");
        assert_eq!(result["minima"][i]["name"], *run);
    }
    // Heron's formula for the flat triangle and for one of the complex, from the distances.
    let d = numbers(&arrays, "distance");
    let heron = |i: usize, j: usize, k: usize| {
        let (a, b, c) = (d[i * 5 + j], d[j * 5 + k], d[i * 5 + k]);
        let s = (a + b + c) / 2.0;
        (s * (s - a) * (s - b) * (s - c)).sqrt()
    };
    let close = |found: f64, expected: f64| (found - expected).abs() <= 1e-9 * expected;
    assert!(close(number("flat.volume"), heron(0, 1, 2)));
    let parts: Vec<f64> = (0..3).map(|i| heron(i, 3, 4)).collect();
    assert!(close(result["complex"]["simplexes"][1]["volume"].as_f64().unwrap(), parts[1]));
    assert!(close(number("complex.volume"), parts.iter().sum()));
    // Shares are those of one simplex each, and sum to one.
    let shares = numbers(&arrays, "complex_shares");
    for (i, c) in shares.chunks(5).enumerate() {
        assert!((c.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{i}");
        assert!((0..3).all(|k| (c[k] > 0.0) == (k == i / 12)), "{i}: {c:?}");
    }
    assert_eq!(numbers(&arrays, "ensemble_complex_test_error").len(), 6);
    let one = numbers(&arrays, "ensemble_minima_test_loss")[0];
    assert!((one - result["minima"][0]["test_loss"].as_f64().unwrap()).abs() < 1e-6);
    // A connecting point is a run like any other, with the same loss.
    bench.ok("slice --run s/connector-2.safetensors --x=-1:1:3 --line --quiet --dpi 20 --out c2");
    let center = at(&bench.json("c2/slice.json"), "center.train_loss").as_f64().unwrap();
    let own = result["connectors"][1]["train_loss"].as_f64().unwrap();
    assert!((center - own).abs() <= 1e-6 * center.max(1.0));
    bench.ok("plot s --dpi 20 --out again");
    for name in ["triangle", "connector", "losses", "ensembles", "training"] {
        assert_eq!(bench.bytes(&format!("again/{name}.svg")), bench.bytes(&format!("s/{name}.svg")));
    }
}

#[test]
fn volume_pushes_the_complex_apart() {
    let bench = three();
    let volume = |flags: &str, out: &str| {
        bench.ok(&format!("{SMALL} --connectors 2 {flags} --quiet --out {out}"));
        at(&bench.json(&format!("{out}/simplex.json")), "complex.volume").as_f64().unwrap()
    };
    let (without, with) = (volume("--volume 0", "x"), volume("--volume 0.3", "y"));
    assert!(with > 1.2 * without, "{without} and {with}");
}

#[test]
fn without_networks_three_seeds_of_the_default_one_are_trained() {
    let bench = Bench::new();
    bench.write(
        "small.toml",
        "epochs = 4\npoints = 3\nmembers = 2\nplane = 0\n[train]\nsamples = 200\nmodel = { kind = \"mlp\", hidden = [8] }\nepochs = 2\n",
    );
    bench.ok("simplex --config small.toml --dpi 20");
    for (directory, seed) in [("runs/default", 0), ("runs/default-1", 1), ("runs/default-2", 2)] {
        assert_eq!(at(&bench.json(&format!("{directory}/run.json")), "settings.seed"), seed);
    }
    let result = bench.json("out/simplex/simplex.json");
    assert!(at(&result, "complex.volume").is_f64() && at(&result, "flat.mean_test_error").is_f64());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = three();
    bench.ok("train --samples 300 --hidden 8 --epochs 1 --quiet --dpi 20 --out narrow");
    for (flags, at) in [
        ("--run a", "--run"),
        ("--run a --run a", "--run"),
        ("--run a --run b --run narrow", "--run"),
        ("--run a --run nothing", "nothing"),
        ("--run a --run b --connectors 0", "--connectors"),
        ("--run a --run b --points 0", "--points"),
        ("--run a --run b --volume=-1", "--volume"),
        ("--run a --run b --plane 1", "--plane"),
        ("--run a --run b --samples 5000", "--samples"),
        ("--run a --run b --out a", "--out"),
    ] {
        bench.refused(&format!("simplex --quiet {flags}"), at);
    }
    let diverged =
        bench.run("simplex --run a --run b --lr 1e30 --points 2 --plane 0 --quiet --dpi 20 --out d");
    assert_eq!(diverged.code, Some(3), "{}", diverged.stderr);
}
