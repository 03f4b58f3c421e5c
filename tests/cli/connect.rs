//! `losscape connect`: its files and arrays, ends that are kept, the same bytes on any number of threads, kills, refusals.

use crate::bench::{Bench, at};
use losscape::base::npz::Npz;
use losscape::base::tensors::{Data, TensorFile};
use serde_json::Value;

const TRAIN: &str = "train --samples 300 --hidden 16 --epochs 12 --quiet --dpi 20";
const SMALL: &str = "connect --from a --to b --epochs 40 --points 11 --plane 7 --dpi 20";

/// Two networks that differ in their seed.
fn pair() -> Bench {
    let bench = Bench::new();
    bench.ok(&format!("{TRAIN} --seed 0 --out a"));
    bench.ok(&format!("{TRAIN} --seed 1 --out b"));
    bench
}

fn numbers(arrays: &Npz, name: &str) -> Vec<f64> {
    arrays.get(name).unwrap_or_else(|| panic!("{name}")).to_f64()
}

fn tensor<'a>(file: &'a TensorFile, name: &str) -> &'a [f32] {
    match &file.get(name).unwrap_or_else(|| panic!("{name}")).data {
        Data::F32(values) => values,
        other => panic!("{name} in {}", other.dtype()),
    }
}

#[test]
fn a_curve_goes_around_the_barrier_of_the_line_and_everything_agrees() {
    let bench = pair();
    let said = bench.ok(&format!("{SMALL} --json --quiet --out c")).stdout;
    let result: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(result, bench.json("c/connect.json"));
    let arrays = bench.npz("c/connect.npz");
    let t = numbers(&arrays, "t");
    assert_eq!(t, (0..11).map(|i| f64::from(i) / 10.0).collect::<Vec<f64>>());
    // Barriers again, from the arrays.
    let mut barriers = Vec::new();
    for way in ["linear", "curve"] {
        let loss = numbers(&arrays, &format!("{way}_train_loss"));
        let rise = t.iter().zip(&loss).map(|(t, l)| l - (loss[0] + t * (loss[10] - loss[0])));
        let barrier = rise.fold(0.0, f64::max);
        let found = at(&result, &format!("{way}.barrier")).as_f64().unwrap();
        assert!((found - barrier).abs() <= 1e-12, "{way}: {found} and {barrier}");
        barriers.push(found);
        let highest = loss.iter().copied().fold(0.0, f64::max);
        assert_eq!(at(&result, &format!("{way}.max_train_loss")).as_f64().unwrap(), highest);
    }
    assert!(barriers[0] > 0.1 && barriers[1] < 0.2 * barriers[0], "{barriers:?}");
    // Ends are those of the runs: what training wrote of them, and the very weights.
    for (i, run) in ["a", "b"].iter().enumerate() {
        let own = bench.json(&format!("{run}/run.json"));
        for (key, of) in [("train_loss", "train_loss"), ("test_loss", "test_loss")] {
            let (found, expected) = (&result["endpoints"][i][key], at(&own, &format!("final.{of}")));
            assert_eq!(found, expected, "{run} {key}");
        }
        let (weights, curve) =
            (bench.tensors(&format!("{run}/weights.safetensors")), bench.tensors("c/curve.safetensors"));
        for tensor_file in &weights.tensors {
            let name = &tensor_file.name;
            let same = tensor(&weights, name) == tensor(&curve, &format!("{}/{name}", 2 * i));
            assert!(same, "{run}: {name} is not kept to the bit");
        }
    }
    // The middle is a network like any other, with the loss that the curve has there.
    bench.ok("slice --run c/middle.safetensors --x=-1:1:3 --line --quiet --dpi 20 --out s");
    let center = at(&bench.json("s/slice.json"), "center.train_loss").as_f64().unwrap();
    assert!((center - numbers(&arrays, "curve_train_loss")[5]).abs() <= 1e-6 * center.max(1.0));
    // The plane has the line and the curve in it: the ends are where their losses are.
    let (x, y) = (numbers(&arrays, "plane_x"), numbers(&arrays, "plane_y"));
    assert_eq!(arrays.get("plane_train_loss").unwrap().shape, [y.len(), x.len()]);
    let (cx, cy) = (numbers(&arrays, "plane_control_x"), numbers(&arrays, "plane_control_y"));
    assert!(cx[0].abs() + cy[0].abs() < 1e-6 && (cx[2] - 1.0).abs() + cy[2].abs() < 1e-6 && cy[1] > 0.01);
    assert!(at(&result, "plane.off").as_f64().unwrap() < 1e-5, "a curve with one bend lies in the plane");
    bench.ok("plot c --dpi 20 --out again");
    for name in ["paths", "plane", "plane-error", "training"] {
        assert_eq!(bench.bytes(&format!("again/{name}.svg")), bench.bytes(&format!("c/{name}.svg")));
    }
}

/// With statistics that move along with the weights, the heights of a band are those of its profile.
#[test]
fn a_band_is_measured_with_the_statistics_that_its_profile_has() {
    let bench = Bench::new();
    for seed in 0..3 {
        bench.ok(&format!("{TRAIN} --norm batch --seed {seed} --out {seed}"));
    }
    // Four pieces with a place within each: every other of the nine points of the profile is a pivot.
    bench.write("band.toml", "[band]\ncycles = 1\nsteps = 5\npivots = 3\nmost-pivots = 3\ndense = 1\n");
    let saddles = ["interpolate", "refresh"].map(|between| {
        let flags = "--curve linear --neb --config band.toml --points 9 --plane 0 --dpi 20 --quiet";
        bench.ok(&format!("connect --from 0 --to 1 {flags} --between {between} --out {between}"));
        let result = bench.json(&format!("{between}/connect.json"));
        at(&result, "relaxation.saddle.loss").as_f64().unwrap()
    });
    let profile = numbers(&bench.npz("interpolate/connect.npz"), "band_train_loss");
    let highest = profile.into_iter().fold(0.0, f64::max);
    assert!((highest - saddles[0]).abs() <= 1e-6 * highest, "{highest} and {saddles:?}");
    assert!((saddles[0] - saddles[1]).abs() > 1e-3 * highest, "another function: {saddles:?}");
    let runs = "--run 0 --run 1 --run 2 --stats interpolate --neb --config band.toml --points 9";
    bench.ok(&format!("minima {runs} --dpi 20 --quiet --out m"));
    let arrays = bench.npz("m/minima.npz");
    let (profiles, saddles) = (numbers(&arrays, "band_train_loss"), numbers(&arrays, "band_saddle"));
    for (profile, saddle) in profiles.chunks(9).zip(saddles) {
        let highest = profile.iter().copied().fold(0.0, f64::max);
        assert!((highest - saddle).abs() <= 1e-6 * highest, "{highest} and {saddle}");
    }
}

#[test]
fn without_networks_two_seeds_of_the_default_one_are_trained() {
    let bench = Bench::new();
    bench.write(
        "small.toml",
        "epochs = 4\npoints = 5\nplane = 0\n[train]\nsamples = 200\nmodel = { kind = \"mlp\", hidden = [8] }\nepochs = 2\n",
    );
    bench.ok("connect --config small.toml --dpi 20");
    for (directory, seed) in [("runs/default", 0), ("runs/default-1", 1)] {
        assert_eq!(at(&bench.json(&format!("{directory}/run.json")), "settings.seed"), seed);
    }
    let result = bench.json("out/connect/connect.json");
    assert!(at(&result, "linear.barrier").is_f64() && at(&result, "curve.barrier").is_f64());
    // Again, they are there.
    let again = bench.ok("connect --epochs 4 --points 5 --plane 0 --dpi 20 --out b");
    assert!(again.stderr.contains("using the network in runs/default-1"), "{}", again.stderr);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = pair();
    bench.ok("train --samples 300 --hidden 8 --epochs 1 --quiet --dpi 20 --out narrow");
    bench.ok(&format!("{TRAIN} --seed 2 --data-seed 1 --out other"));
    for (flags, at) in [
        ("--from a", "--to"),
        ("--to a", "--from"),
        ("--from a --to a", "--to"),
        ("--from a --to narrow", "--to"),
        ("--from a --to other", "--to"),
        ("--from a --to nothing", "nothing"),
        ("--from a --to b --points 1", "--points"),
        ("--from a --to b --plane 1", "--plane"),
        ("--from a --to b --curve bezier:bends=0", "--curve"),
        ("--from a --to b --curve bezir", "--curve"),
        ("--from a --to b --samples 5000", "--samples"),
        ("--from a --to b --lr 0", "--lr"),
        ("--from a --to b --out a", "--out"),
    ] {
        bench.refused(&format!("connect --quiet {flags}"), at);
    }
}

#[test]
fn alignment_repair_and_bands_stand_beside_the_line() {
    let bench = pair();
    bench.write("band.toml", "[band]\ncycles = 2\nsteps = 20\n");
    let flags = "--curve linear --align weights --repair --neb --config band.toml --quiet --out c";
    bench.ok(&format!("{SMALL} {flags}"));
    let (result, arrays) = (bench.json("c/connect.json"), bench.npz("c/connect.npz"));
    let last = |name: &str| *numbers(&arrays, name).last().unwrap();
    // Permuting hidden units leaves the function alone: B and B permuted differ by the order of f32 sums.
    let (as_it_is, permuted) = (last("linear_train_loss"), last("aligned_train_loss"));
    assert!((as_it_is - permuted).abs() <= 1e-5 * as_it_is.max(1.0), "{as_it_is} and {permuted}");
    assert!((last("repaired_train_loss") - permuted).abs() <= 1e-4 * permuted.max(1.0));
    let number = |path: &str| at(&result, path).as_f64().unwrap();
    assert!(number("aligned.barrier") < 0.5 * number("linear.barrier"));
    assert!(number("alignment.distance") < number("alignment.distance_before"));
    assert!(number("repaired.barrier").is_finite() && at(&result, "repair.0") == "both");
    assert!(number("relaxation.saddle.loss") < number("linear.max_train_loss"));
    let pivots = at(&result, "relaxation.pivots").as_u64().unwrap();
    assert_eq!(bench.tensors("c/band.safetensors").tensors.len() as u64, 4 * (pivots + 2));
    // B permuted is a run like any other, with the same loss.
    bench.ok("slice --run c/aligned.safetensors --x=-1:1:3 --line --quiet --dpi 20 --out s");
    let center = at(&bench.json("s/slice.json"), "center.train_loss").as_f64().unwrap();
    assert!((center - permuted).abs() <= 1e-6 * center.max(1.0));
    bench.ok("plot c --dpi 20 --out again");
    assert_eq!(bench.bytes("again/paths.svg"), bench.bytes("c/paths.svg"));
    assert_eq!(bench.bytes("again/permuted.svg"), bench.bytes("c/permuted.svg"));
}

/// A curve on images varied at random is another curve, and the same on any number of threads.
#[test]
fn images_are_varied_while_the_curve_is_trained() {
    let bench = pair();
    let crop = format!("{SMALL} --crop 1 --quiet");
    bench.ok(&format!("{crop} --threads 1 --out one"));
    bench.ok(&format!("{crop} --threads 2 --out two"));
    bench.ok(&format!("{SMALL} --quiet --out plain"));
    let bytes = |directory: &str| bench.bytes(&format!("{directory}/curve.safetensors"));
    assert!(bytes("one") == bytes("two") && bytes("one") != bytes("plain"));
    let settings =
        |directory: &str| at(&bench.json(&format!("{directory}/connect.json")), "settings.crop").clone();
    assert_eq!((settings("one"), settings("plain")), (1.into(), 0.into()));
    bench.refused(&format!("{SMALL} --crop 8 --quiet --out new"), "--crop");
}
