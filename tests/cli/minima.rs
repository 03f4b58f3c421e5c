//! `losscape minima`: matrices that are those of the lines, groups, a tree, the same bytes again, and what it refuses.

use crate::bench::{Bench, at};
use losscape::analyses::{MinimaSettings, Run, Share, minima};
use losscape::base::graph::{Edge, bottlenecks, spanning_tree};
use losscape::train::BandSettings;
use serde_json::Value;

const TRAIN: &str = "--hidden 4 --epochs 3 --samples 80 --dpi 20";

/// The files of a result, without the networks below it.
fn files(bench: &Bench, directory: &str) -> Vec<(String, Vec<u8>)> {
    let all = bench.files(directory).into_iter().map(|(p, bytes)| (p.to_string_lossy().into_owned(), bytes));
    all.filter(|(name, _)| !name.starts_with("seed") && name != ".lock").collect()
}

#[test]
fn matrices_groups_and_tree_agree_with_the_lines() {
    let bench = Bench::new();
    let command = format!("minima --count 4 --seed 3 {TRAIN} --points 7");
    let said = bench.ok(&format!("{command} --json --quiet --threads 1 --out m")).stdout;
    let result: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(result, bench.json("m/minima.json"));
    let names: Vec<String> = files(&bench, "m").into_iter().map(|f| f.0).collect();
    let pictures = [
        "barriers",
        "dendrogram",
        "disconnectivity",
        "distances",
        "map",
        "predictions",
        "similarity",
        "similarity-layers",
        "tree",
    ];
    let all = pictures.iter().flat_map(|p| [format!("{p}.png"), format!("{p}.svg")]);
    let mut all: Vec<String> =
        all.chain(["machine.json", "minima.json", "minima.npz"].map(str::to_owned)).collect();
    all.sort();
    assert_eq!(names, all);
    let arrays = bench.npz("m/minima.npz");
    let array = |name: &str| arrays.get(name).unwrap().to_f64();
    let (t, pairs) = (array("t"), array("pair"));
    assert_eq!(pairs, [0.0, 1.0, 0.0, 2.0, 0.0, 3.0, 1.0, 2.0, 1.0, 3.0, 2.0, 3.0]);
    let runs: Vec<Run> = (3..7).map(|s| Run::read(&bench.path(&format!("m/seed-{s}"))).unwrap()).collect();
    for (barrier, values) in [("train_barrier", "train_loss"), ("test_error_barrier", "test_error")] {
        let matrix = array(barrier);
        for (pair, line) in pairs.chunks(2).zip(array(values).chunks(7)) {
            let (i, j) = (pair[0] as usize, pair[1] as usize);
            let rises = t.iter().zip(line).map(|(t, v)| v - ((1.0 - t) * line[0] + t * line[6]));
            let highest = rises.fold(0.0, f64::max);
            assert!((matrix[4 * i + j] - highest).abs() < 1e-15 * (1.0 + highest));
            assert_eq!(matrix[4 * i + j], matrix[4 * j + i]);
        }
        assert!((0..4).all(|i| matrix[5 * i] == 0.0));
    }
    for (k, line) in pairs.chunks(2).zip(array("train_loss").chunks(7)) {
        for (run, loss) in [(k[0], line[0]), (k[1], line[6])] {
            let run = bench.json(&format!("m/seed-{}/run.json", 3 + run as usize));
            assert_eq!(at(&run, "final.train_loss"), &Value::from(loss), "ends are the networks themselves");
        }
        let (a, b) = (&runs[k[0] as usize].theta, &runs[k[1] as usize].theta);
        let distance = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        let found = array("distance")[4 * k[0] as usize + k[1] as usize];
        assert!((found - distance).abs() < 1e-12 * distance);
    }
    // The highest edge of the tree is the height at which single linkage joins everything.
    let again = bench.ok(&format!("{command} --linkage single --json --threads 2 --out m"));
    assert!(again.stderr.contains("4 of 4 runs are there already"), "{}", again.stderr);
    let single: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(single["merges"][2]["barrier"], single["tree"]["highest"]);
    assert_eq!(single["over_pairs"], result["over_pairs"]);
    // The same networks, named: the same numbers and pictures.
    let run: String = (3..7).map(|s| format!(" --run m/seed-{s}")).collect();
    bench.ok(&format!("minima{run} --linkage single --points 7 --dpi 20 --quiet --out named"));
    assert!(files(&bench, "named") == files(&bench, "m"), "the same bytes");
    bench.ok("plot m --dpi 20 --out again");
    for picture in pictures {
        assert_eq!(bench.bytes(&format!("again/{picture}.svg")), bench.bytes(&format!("m/{picture}.svg")));
    }
}

#[test]
fn minima_have_bars_and_are_as_alike_as_their_functions() {
    let bench = Bench::new();
    bench.ok(&format!("train {TRAIN} --seeds 3 --quiet --out s"));
    bench.ok("minima --run s/seed-0 --run s/seed-1 --run s/seed-2 --points 5 --dpi 20 --quiet --out m");
    let (result, arrays) = (bench.json("m/minima.json"), bench.npz("m/minima.npz"));
    let array = |name: &str| arrays.get(name).unwrap().to_f64();
    // The highest edge of the tree of highest losses is where the last of the minima dies.
    let (lines, pairs) = (array("train_loss"), array("pair"));
    let edge = |(line, pair): (&[f64], &[f64])| Edge {
        a: pair[0] as usize,
        b: pair[1] as usize,
        weight: line.iter().copied().fold(0.0, f64::max),
    };
    let tree = spanning_tree(3, &lines.chunks(5).zip(pairs.chunks(2)).map(edge).collect::<Vec<Edge>>());
    let bars = at(&result, "barcode.bars").as_array().unwrap();
    let number = |k: usize, key: &str| bars[k][key].as_f64().unwrap();
    let mut deaths = [number(1, "death"), number(2, "death")];
    deaths.sort_by(f64::total_cmp);
    assert_eq!(deaths, [tree[0].weight, tree[1].weight]);
    let losses: Vec<f64> =
        result["networks"].as_array().unwrap().iter().map(|n| n["train_loss"].as_f64().unwrap()).collect();
    assert_eq!(number(0, "birth"), losses.iter().copied().fold(f64::INFINITY, f64::min));
    assert!(bars[0]["death"].is_null() && at(&result, "barcode.ways") == "straight lines");
    let mean = (1..3).map(|k| number(k, "death") - number(k, "birth")).sum::<f64>() / 2.0;
    assert!((at(&result, "barcode.to_score.mean").as_f64().unwrap() - mean).abs() < 1e-15);
    // Probabilities are no further from each other than the corners of their simplex.
    let (distance, differ) = (array("prediction_distance"), array("disagreement"));
    assert!(distance[1] > 0.0 && distance[1] < 2f64.sqrt() && differ[1] > 0.0 && differ[1] < 1.0);
    // Three things fit into a plane.
    assert!(at(&result, "predictions.plane.stress").as_f64().unwrap() < 1e-7);
    assert!(at(&result, "plane.stress").as_f64().unwrap() < 1e-7);
    let layers = at(&result, "similarity.layers").as_array().unwrap().len();
    let cka = array("cka");
    assert_eq!(arrays.get("cka").unwrap().shape, [layers, 3, 3]);
    for (k, value) in cka.iter().enumerate() {
        let (i, j) = (k / 3 % 3, k % 3);
        assert!(if i == j { (value - 1.0).abs() < 1e-12 } else { *value < 1.0 && *value > 0.0 }, "{cka:?}");
        assert_eq!(*value, cka[k / 9 * 9 + j * 3 + i]);
    }
    // Layers of two networks beside each other are what the first matrix says of them.
    let across = array("cka_across");
    assert!((0..layers).all(|l| across[l * layers + l] == cka[l * 9 + 1]));
    let plain = "minima --run s/seed-0 --run s/seed-1 --run s/seed-0 --points 5 --dpi 20 --quiet";
    bench.ok(&format!("{plain} --cka-samples 0 --out none"));
    assert!(bench.json("none/minima.json").get("similarity").is_none());
    assert!(!bench.path("none/similarity.png").exists());
    // A network twice: at no distance, and alike in every layer.
    bench.ok(&format!("{plain} --out twice"));
    let twice = bench.npz("twice/minima.npz");
    assert_eq!(twice.get("prediction_distance").unwrap().to_f64()[2], 0.0);
    assert!((twice.get("cka").unwrap().to_f64()[2] - 1.0).abs() < 1e-12);
    bench.refused(&format!("{plain} --cka-samples 20000 --out new"), "--cka-samples");
}

#[test]
fn finished_pairs_are_kept() {
    let bench = Bench::new();
    bench.ok(&format!("minima --count 3 {TRAIN} --points 5 --quiet --out m"));
    let runs: Vec<Run> = (0..3).map(|s| Run::read(&bench.path(&format!("m/seed-{s}"))).unwrap()).collect();
    std::fs::create_dir(bench.path("half")).unwrap();
    let settings = MinimaSettings { points: 5, ..MinimaSettings::default() };
    minima::run(&settings, &runs, Some(&Share::all(&bench.path("half"))), &|_| ()).unwrap();
    let log = bench.bytes("half/minima.log");
    bench.write("half/minima.log", &log[..log.len() - 1]);
    let run = "minima --run m/seed-0 --run m/seed-1 --run m/seed-2 --points 5 --dpi 20 --out half";
    let said = bench.ok(run).stderr;
    assert!(said.contains("2 of 3 pairs were finished before and are kept"), "{said}");
    assert!(files(&bench, "half") == files(&bench, "m"), "the same bytes");
    // Of other networks they are refused.
    bench.write("half/minima.log", &log);
    let swapped =
        "minima --run m/seed-1 --run m/seed-0 --run m/seed-2 --points 5 --dpi 20 --quiet --out half";
    let outcome = bench.run(swapped);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("weights_sha256"), "{}", outcome.stderr);
    bench.ok(&format!("{swapped} --fresh"));
}

#[test]
fn aligned_pairs_stand_beside_those_as_they_are() {
    let bench = Bench::new();
    let train = TRAIN.replace("--hidden 4 --epochs 3", "--hidden 16 --epochs 12");
    bench.ok(&format!("minima --count 3 {train} --points 5 --align weights --quiet --threads 2 --out m"));
    let run = "--run m/seed-0 --run m/seed-1 --run m/seed-2";
    bench.ok(&format!("minima {run} --points 5 --align weights --quiet --threads 1 --dpi 20 --out again"));
    assert!(files(&bench, "again") == files(&bench, "m"), "the same bytes");
    bench.ok(&format!("minima {run} --points 5 --quiet --dpi 20 --out plain"));
    let (arrays, plain) = (bench.npz("m/minima.npz"), bench.npz("plain/minima.npz"));
    let array = |name: &str| arrays.get(name).unwrap().to_f64();
    for name in ["train_barrier", "test_error_barrier", "distance", "train_loss"] {
        assert_eq!(array(name), plain.get(name).unwrap().to_f64(), "{name} of networks as they are");
    }
    // A pair is what `connect` makes of it.
    let flags = "--align weights --curve linear --plane 0 --points 5 --quiet --dpi 20";
    bench.ok(&format!("connect --from m/seed-0 --to m/seed-2 {flags} --out c"));
    let pair = bench.json("c/connect.json");
    let [found, expected] =
        [array("aligned_train_barrier")[2], at(&pair, "aligned.barrier").as_f64().unwrap()];
    assert_eq!(found, expected);
    assert_eq!(array("aligned_distance")[2], at(&pair, "alignment.distance").as_f64().unwrap());
    assert_eq!(array("moved")[2], at(&pair, "alignment.moved").as_f64().unwrap());
    for (name, aligned) in [("train_barrier", "aligned_train_barrier"), ("distance", "aligned_distance")] {
        let [before, after] = [array(name), array(aligned)].map(|m| m.iter().sum::<f64>());
        assert!(after < before, "{name}: {before} and {after}");
    }
    // Groups and the tree are those of aligned networks.
    let result = bench.json("m/minima.json");
    let after = array("aligned_train_barrier");
    for edge in at(&result, "tree.edges").as_array().unwrap() {
        let [a, b] = ["a", "b"].map(|k| edge[k].as_u64().unwrap() as usize);
        assert_eq!(edge["barrier"].as_f64().unwrap(), after[3 * a + b]);
    }
    assert_eq!(at(&result, "over_aligned_pairs.units"), 16);
    bench.ok("plot m --dpi 20 --out drawn");
    for picture in ["aligned", "barriers", "distances"] {
        assert_eq!(bench.bytes(&format!("drawn/{picture}.svg")), bench.bytes(&format!("m/{picture}.svg")));
    }
}

/// Bands that are quickly made.
const BAND: &str = "[band]\ncycles = 3\nsteps = 30\npivots = 3\n";

#[test]
fn bands_join_all_minima_below_the_lines() {
    let bench = Bench::new();
    bench.write("band.toml", BAND);
    let train = TRAIN.replace("--hidden 4 --epochs 3", "--hidden 16 --epochs 12");
    let said = bench
        .ok(&format!("minima --count 4 {train} --points 5 --neb --config band.toml --json --quiet --out m"));
    let result: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(result, bench.json("m/minima.json"));
    let arrays = bench.npz("m/minima.npz");
    let array = |name: &str| arrays.get(name).unwrap().to_f64();
    let saddles = array("band_saddle");
    let edges: Vec<Edge> = array("band")
        .chunks(2)
        .zip(&saddles)
        .map(|(pair, weight)| Edge { a: pair[0] as usize, b: pair[1] as usize, weight: *weight })
        .collect();
    assert!((3..=6).contains(&edges.len()), "{edges:?}");
    // Arrays, scalars and files agree.
    let tree = spanning_tree(4, &edges);
    let pairs: Vec<f64> = tree.iter().flat_map(|e| [e.a as f64, e.b as f64]).collect();
    assert_eq!(array("band_tree"), pairs);
    assert_eq!(at(&result, "neb.tree.highest").as_f64().unwrap(), tree[2].weight);
    let (losses, ways) = (array("bottleneck"), bottlenecks(4, &tree));
    for (ij, way) in ways.iter().enumerate().filter(|(ij, _)| ij / 4 != ij % 4) {
        assert_eq!(losses[ij], *way);
    }
    for i in 0..4 {
        let own = &result["networks"][i]["train_loss"].as_f64().unwrap();
        assert!((losses[5 * i] - own).abs() < 1e-6 * own.max(1.0));
    }
    for (k, edge) in edges.iter().enumerate() {
        let file = bench.tensors(&format!("m/band-{}-{}.safetensors", edge.a, edge.b));
        let told = &result["neb"]["edges"][k];
        assert_eq!(file.tensors.len() as u64, 4 * (told["pivots"].as_u64().unwrap() + 2));
        // The saddle is the highest of more places than the lines of the arrays have.
        let along = array("band_train_loss")[5 * k..5 * k + 5].iter().copied().fold(0.0, f64::max);
        assert!(along <= saddles[k] * (1.0 + 1e-2), "{along} on the band and {} at its saddle", saddles[k]);
    }
    let lines = at(&result, "neb.tree.highest_of_lines").as_f64().unwrap();
    let bands = at(&result, "neb.tree.highest").as_f64().unwrap();
    assert!(bands < 0.6 * lines, "{bands} along bands, {lines} along lines");
    bench.ok("plot m --dpi 20 --out drawn");
    for picture in ["saddles", "bands", "tree"] {
        assert_eq!(bench.bytes(&format!("drawn/{picture}.svg")), bench.bytes(&format!("m/{picture}.svg")));
    }
    // Fewer were asked for.
    let run: String = (0..4).map(|s| format!(" --run m/seed-{s}")).collect();
    let few = format!("minima{run} --points 5 --neb --config band.toml --quiet --dpi 20");
    bench.ok(&format!("{few} --neb-edges 3 --out few"));
    assert_eq!(bench.json("few/minima.json")["neb"]["edges"].as_array().unwrap().len(), 3);
    bench.refused(&format!("{few} --neb-edges 2 --out new"), "--neb-edges: expected at least 3");
    let without = "minima --run m/seed-0 --run m/seed-1 --run m/seed-2";
    bench.refused(&format!("{without} --neb-edges 3 --out new"), "--neb-edges");
    bench.write("wrong.toml", "[band]\npivot = 3\n");
    bench.refused(&format!("{without} --neb --config wrong.toml --out new"), "wrong.toml: band: key");
    bench.write("wrong.toml", "[band]\nlr = 0\n");
    bench.refused(&format!("{without} --neb --config wrong.toml --out new"), "--lr");
    bench.refused(&format!("{without} --align weight --out new"), "--align");
}

#[test]
fn finished_bands_are_kept_and_those_of_other_settings_are_refused() {
    let bench = Bench::new();
    bench.ok(&format!("train {TRAIN} --seeds 3 --quiet --out s"));
    // A finished band is not made again, and one of other settings is refused.
    let runs: Vec<Run> = (0..3).map(|s| Run::read(&bench.path(&format!("s/seed-{s}"))).unwrap()).collect();
    std::fs::create_dir(bench.path("half")).unwrap();
    let settings = MinimaSettings { points: 5, neb: true, ..MinimaSettings::default() };
    let band: BandSettings = toml::from_str("cycles = 2\nsteps = 20").unwrap();
    minima::run(&MinimaSettings { band, ..settings }, &runs, Some(&Share::all(&bench.path("half"))), &|_| ())
        .unwrap();
    bench.write("band.toml", "[band]\ncycles = 2\nsteps = 20\n");
    let log = bench.bytes("half/bands.log");
    bench.write("half/bands.log", &log[..log.len() - 1]);
    let command = "minima --run s/seed-0 --run s/seed-1 --run s/seed-2 --points 5 --neb --dpi 20";
    bench.write("other.toml", "[band]\ncycles = 3\nsteps = 20\n");
    let outcome = bench.run(&format!("{command} --config other.toml --quiet --out half"));
    assert!(outcome.code == Some(2) && outcome.stderr.contains("cycles"), "{}", outcome.stderr);
    let said = bench.ok(&format!("{command} --config band.toml --out half")).stderr;
    assert!(said.contains("bands were finished before and are kept"), "{said}");
    bench.ok(&format!("{command} --config band.toml --quiet --out whole"));
    assert!(files(&bench, "half") == files(&bench, "whole"), "the same bytes");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = Bench::new();
    bench.ok(&format!("train {TRAIN} --seeds 2 --quiet --out s"));
    for (name, flags) in [("other", "--data-seed 1"), ("wide", "--hidden 5"), ("few", "--samples 70")] {
        let flags = format!("train {TRAIN} --quiet --out {name} {flags}");
        let flags = match name {
            "wide" => flags.replace("--hidden 4 ", ""),
            "few" => flags.replace("--samples 80 ", ""),
            _ => flags,
        };
        bench.ok(&flags);
    }
    let two = "minima --run s/seed-0 --run s/seed-1";
    bench.refused(
        &format!("{two} --run s/seed-0 --labels a,b --out new"),
        "--labels: expected 3, one a network, found 2",
    );
    bench.refused(&format!("{two} --out new"), "--run: expected 3 to 200 networks, found 2");
    bench.refused(
        &format!("{two} --run other --out new"),
        "--run other/weights.safetensors: expected data with",
    );
    bench.refused(
        &format!("{two} --run wide --out new"),
        "--run wide/weights.safetensors: expected a 64-4-10",
    );
    bench.refused(
        &format!("{two} --run few --out new"),
        "--run few/weights.safetensors: expected 80 training",
    );
    bench.refused(&format!("{two} --run s/seed-0 --out s/seed-0"), "--out");
    bench.refused(&format!("{two} --run s/seed-0 --count 3 --out new"), "--run");
    bench.refused(&format!("{two} --run s/seed-0 --epochs 3 --out new"), "--run");
    bench.refused("minima --count 2 --out new", "--count");
    bench.refused("minima --points 2 --out new", "--points");
    bench.refused("minima --lr 0 --out new", "--lr");
}
