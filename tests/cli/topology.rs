//! `losscape topology`: of slices of every shape that are there, and of one that it computes; certified bars, points without a
//! number, refusals.

use crate::bench::{Bench, at};
use losscape::base::npz::{Npz, Values};
use serde_json::Value;

const TRAIN: &str = "train --samples 120 --hidden 6 --epochs 4 --quiet --dpi 20 --out a";
const DRAW: &str = "--dpi 20 --quiet";

fn trained() -> Bench {
    let bench = Bench::new();
    bench.ok(TRAIN);
    bench
}

/// A slice of a network with other values in one of its maps.
fn replaced(bench: &Bench, slice: &str, map: &str, values: &[f64]) {
    let old = bench.npz(&format!("{slice}/slice.npz"));
    let mut new = Npz::default();
    for (name, array) in old.iter() {
        let values = if name == map { Values::F64(values.to_vec()) } else { array.values.clone() };
        new.push(name, &array.shape, values);
    }
    new.write(&bench.path(&format!("{slice}/slice.npz"))).unwrap();
}

/// Himmelblau's function on n x n points of [-5, 5] x [-5, 5].
fn himmelblau(n: usize) -> Vec<f64> {
    let at = |i: usize| -5.0 + 10.0 * i as f64 / (n - 1) as f64;
    let value = |(x, y): (f64, f64)| (x * x + y - 11.0).powi(2) + (x + y * y - 7.0).powi(2);
    (0..n * n).map(|k| value((at(k % n), at(k / n)))).collect()
}

fn numbers(arrays: &Npz, name: &str) -> Vec<f64> {
    arrays.get(name).unwrap_or_else(|| panic!("{name}")).to_f64()
}

#[test]
fn a_slice_that_is_there_is_read_and_its_bars_are_those_of_its_map() {
    let bench = trained();
    bench.ok(&format!(
        "slice --run a --x=-5:5:201 --y=-5:5:201 --samples 1 --test-samples 0 --precision f64 {DRAW} --out s"
    ));
    let values = himmelblau(201);
    replaced(&bench, "s", "train_loss", &values);
    // Standard errors of 0.5 at most.
    let errors: Vec<f64> = (0..values.len()).map(|i| 0.5 * (i % 7) as f64 / 6.0).collect();
    replaced(&bench, "s", "train_loss_stderr", &errors);
    let said = bench.ok("topology s --dpi 20 --json --quiet --out t").stdout;
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(found, bench.json("t/topology.json"));
    let number = |path: &str| at(&found, path).as_f64().unwrap_or_else(|| panic!("{path}"));
    let bars: Vec<(f64, Option<f64>, bool)> = serde_json::from_value(found["bars"].clone()).unwrap();
    assert!(bars[0].1.is_none() && bars.iter().all(|b| b.0 >= 0.0) && bars.len() == 5);
    for (bar, death) in bars[1..4].iter().zip([104.0152, 67.7192, 13.3119]) {
        assert!((bar.1.unwrap() - death).abs() < 0.05 && bar.2);
    }
    // z(1 - 0.05 / (2 40401)) is 4.85: a ripple of the grid is well within.
    assert!(!bars[4].2 && (number("band") - 4.8478 * 0.5).abs() < 1e-3, "{}", found["band"]);
    let counts = [
        "minima",
        "certified_minima",
        "essential",
        "adjacency",
        "dual_adjacency",
        "holes",
        "certified_holes",
    ];
    assert_eq!(counts.map(number), [5.0, 4.0, 1.0, 4.0, 8.0, 1.0, 0.0]);
    assert!((number("longest_hole") - (181.6165 - 178.3372)).abs() < 0.01);
    assert!(
        (number("simplified.saddle_minus_minimum") - 49.6).abs() < 0.05 && number("simplified.minima") == 4.0
    );
    let arrays = bench.npz("t/topology.npz");
    let [births, deaths, index, parent] =
        ["births", "deaths", "birth_index", "parent"].map(|n| numbers(&arrays, n));
    assert!(births.len() == 5 && deaths[0] == f64::INFINITY && parent == [-1.0, 0.0, 0.0, 0.0, 1.0]);
    assert!(index.iter().zip(&births).all(|(i, birth)| values[*i as usize] == *birth));
    for picture in ["barcode", "persistence", "merge-tree"] {
        assert!(
            bench.path(&format!("t/{picture}.png")).exists()
                && bench.path(&format!("t/{picture}.svg")).exists()
        );
    }
    // The ripple is one of neighbours by faces; with everything kept it takes the mean down.
    for neighbours in [6, 8] {
        bench.ok(&format!("topology s --adjacency {neighbours} {DRAW} --out other"));
        assert_eq!(bench.json("other/topology.json")["minima"], 4);
    }
    bench.ok(&format!("topology s --simplify 0 {DRAW} --out all"));
    let all = bench.json("all/topology.json");
    assert!(
        at(&all, "simplified.saddle_minus_minimum").as_f64().unwrap() < 49.6
            && all["simplified"]["minima"] == 5
    );
    // Less confidence is a narrower band.
    bench.ok(&format!("topology s --confidence 0.5 {DRAW} --out less"));
    assert!(bench.json("less/topology.json")["band"].as_f64().unwrap() < number("band"));
    // Values that are not finite are left out, and said.
    let mut lost = values.clone();
    (lost[28300], lost[0]) = (f64::NAN, f64::INFINITY);
    replaced(&bench, "s", "train_loss", &lost);
    let said = bench.ok("topology s --dpi 20 --out lost");
    assert!(said.stderr.contains("2 of 40401 points are not finite"), "{}", said.stderr);
    let found = bench.json("lost/topology.json");
    assert!(found["not_finite"] == 2 && found["bars"][0][0].as_f64().unwrap() > 0.0 && found["holes"] == 2);
    assert_eq!(found["hole_bars"][0][1], Value::Null);
    replaced(&bench, "s", "train_loss", &vec![f64::NAN; values.len()]);
    let said = bench.run("topology s --dpi 20 --out none");
    assert_eq!(said.code, Some(3));
    assert!(said.stderr.contains("no point of train_loss is finite"), "{}", said.stderr);
    assert_eq!(bench.json("none/topology.json")["minima"], 0);
    bench.ok("plot none --dpi 20 --quiet");
}

#[test]
fn lines_volumes_several_views_and_other_maps_have_topologies() {
    let bench = trained();
    bench.ok(&format!("slice --run a --line --x 41 {DRAW} --out line"));
    bench.ok(&format!("topology line {DRAW} --out t1"));
    let line = bench.json("t1/topology.json");
    let values = numbers(&bench.npz("line/slice.npz"), "train_loss");
    let lower = |i: usize| {
        let beside = [i.checked_sub(1), Some(i + 1)].into_iter().flatten().filter_map(|j| values.get(j));
        beside.into_iter().all(|v| *v > values[i])
    };
    // All values differ here.
    let minima = (0..values.len()).filter(|i| lower(*i)).count();
    assert!(line["minima"] == minima && line["adjacency"] == 2 && line.get("holes").is_none());
    // All samples: what is left is rounding.
    let band = line["band"].as_f64().unwrap();
    assert!(band > 1e-7 && band < 1e-4 && line["band_status"].as_str().unwrap().contains("rounding of f32"));
    bench.ok(&format!("slice --run a --z=-1:1:7 --x 7 --y 7 --maps gradient-norm {DRAW} --out volume"));
    bench.ok(&format!("topology volume --adjacency 14 {DRAW} --out t3"));
    let volume = bench.json("t3/topology.json");
    assert!(volume["adjacency"] == 14 && volume["dual_adjacency"] == 14 && volume["hole_dimension"] == 2);
    assert_eq!(volume["points"], 343);
    bench.ok(&format!("topology volume --map gradient_norm {DRAW} --out g"));
    let other = bench.json("g/topology.json");
    assert!(other["band"].is_null() && other["bars"].as_array().unwrap()[1..].iter().all(|b| b[2] == false));
    bench.ok(&format!("slice --run a --x 9 --repeat 3 --samples 40 {DRAW} --out three"));
    let said = bench.ok("topology three --dpi 20 --out t").stdout;
    let found = bench.json("t/topology.json");
    assert!(found["views"].as_array().unwrap().len() == 3 && found["views"][2]["seed"] == 2);
    assert!(said.matches("  minima ").count() == 3 && said.contains("40 of 120 training samples"), "{said}");
    let arrays = bench.npz("t/topology.npz");
    assert!((0..3).all(|v| arrays.get(&format!("births_{v}")).is_some()));
    // Drawn again as it was.
    bench.ok("plot t --dpi 20 --quiet --out again");
    assert_eq!(bench.bytes("t/barcode.png"), bench.bytes("again/barcode.png"));
}

#[test]
fn without_a_slice_one_is_computed_and_kept() {
    let bench = trained();
    bench.write("c.toml", "map = \"test_loss\"\n[slice]\nx = \"-1:1:9\"\ny = \"-1:1:7\"\nseed = 3\n");
    bench.ok(&format!("topology --run a --config c.toml {DRAW} --out t"));
    bench.ok(&format!("slice --run a --x=-1:1:9 --y=-1:1:7 --seed 3 {DRAW} --out s"));
    assert_eq!(bench.bytes("t/slice.json"), bench.bytes("s/slice.json"));
    assert_eq!(bench.bytes("t/slice.npz"), bench.bytes("s/slice.npz"));
    bench.ok(&format!("topology s --map test_loss {DRAW} --out again"));
    assert_eq!(bench.bytes("t/topology.npz"), bench.bytes("again/topology.npz"));
    // What was computed is a slice like any other.
    bench.ok(&format!("topology t {DRAW} --out more"));
    // A recipe asks for its numbers.
    let recipe = "title = \"Bars\"\n[train]\ndata = \"digits\"\nsamples = 100\nhidden = [4]\nepochs = 2\n\
                  [pass.topology]\nconfidence = 0.9\n[pass.topology.slice]\nx = \"-1:1:5\"\ny = \"-1:1:5\"\n\
                  [[measure]]\nname = \"minima\"\nof = \"topology.certified_minima\"\n\
                  [[measure]]\nname = \"bar\"\nof = \"topology.simplified.minima\"\n";
    bench.write("bars.toml", recipe);
    bench.ok("run bars.toml --dpi 20 --quiet --out r");
    assert!(bench.text("r/study.json").contains("minima"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = trained();
    bench.ok(&format!("slice --run a --x 5 {DRAW} --out s"));
    let refused = |flags: &str, at: &str, what: &str| {
        let said = bench.refused(&format!("topology {flags} --quiet"), at);
        assert!(said.contains(what), "{flags}: {said}");
    };
    refused("s --run a", "--run", "none beside RESULT");
    refused("s --data digits", "--data", "--run");
    refused("s --adjacency 5", "--adjacency", "4, 6 or 8");
    refused("s --adjacency 26", "--adjacency", "4, 6 or 8 in a plane");
    refused("s --map loss", "--map", "train_loss");
    refused("s --map curvature_min", "--map", "a map of this slice");
    refused("s --confidence 1", "--confidence", "between 0 and 1");
    refused("s --simplify -1", "--simplify", "at least 0");
    refused("nowhere", "nowhere", "nothing there");
    refused("a", "a", "slice.json");
    refused("a/run.json", "a/run.json", "a file");
    refused("s --out s", "--out", "which is read");
    refused("s s", "", "");
    bench.write("c.toml", "[slice]\nx = \"1:0:5\"\n");
    refused("--run a --config c.toml", "c.toml: slice: x", "min below max");
    bench.unrecorded("s");
    bench.write("s/slice.json", "{}");
    refused("s", "s/slice.json", "settings");
}
