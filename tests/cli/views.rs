//! Lines, volumes, several networks and draws, and what is mapped over them, as scripts meet them.

use crate::bench::{Bench, GRID, TINY, at};
use std::collections::BTreeSet;

fn bench() -> Bench {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out r --quiet"));
    bench
}

/// Names of the pictures in a directory.
fn pictures(bench: &Bench, directory: &str) -> BTreeSet<String> {
    let files = bench.files(directory);
    let names = files.keys().filter_map(|p| p.to_str()?.strip_suffix(".svg").map(str::to_owned));
    names.collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

const PLANE: [&str; 5] = ["contour", "surface", "contour-test", "accuracy", "accuracy-test"];

#[test]
fn trajectories_of_several_runs_share_one_plane() {
    const SMALL: &str = "--hidden 3 --samples 60 --epochs 3 --snapshots epochs:1 --dpi 20";
    const BOTH: &str = "slice --run a --run b --directions trajectory --x 5 --dpi 20";
    let bench = Bench::new();
    bench.ok(&format!("train {SMALL} --out a"));
    bench.ok(&format!("train {SMALL} --optimizer adam --lr 0.01 --out b"));
    bench.ok(&format!("{BOTH} --labels SGD,Adam --out s"));
    let json = bench.json("s/slice.json");
    assert!(json.get("views").is_none(), "one view");
    assert_eq!(json["others"][0]["label"], "Adam");
    assert_eq!(json["marks"][0]["label"], "end of Adam");
    // Both begin in the same weights, so in the same point.
    let arrays = bench.npz("s/slice.npz");
    let way = |name: &str| arrays.get(name).map(|a| a.to_f64()).unwrap_or_default();
    let (own, other) = (way("path_x"), way("path_x_1"));
    assert_eq!((own.len(), other.len()), (4, 4));
    assert!((own[0] - other[0]).abs() < 1e-6 * own[0].abs(), "{} {}", own[0], other[0]);
    let svg = bench.text("s/contour.svg");
    assert!(svg.contains("SGD: steps 0 to") && svg.contains("Adam: steps 0 to"));
    // Drawn again from what was saved.
    let before = bench.bytes("s/surface.svg");
    bench.ok("plot s --dpi 20");
    assert_eq!(before, bench.bytes("s/surface.svg"));
    bench.refused(&format!("{BOTH} --labels one --out t"), "--labels");
}

#[test]
fn views_are_single_slices_one_behind_the_other() {
    let bench = bench();
    bench.ok(&format!("train {TINY} --seed 1 --out t/r --quiet"));
    bench.ok(&format!("slice --run r --run t/r --repeat 2 {GRID} --out many"));
    let (many, result) = (bench.npz("many/slice.npz"), bench.json("many/slice.json"));
    assert_eq!(many.get("train_loss").unwrap().shape, [4, 4, 7]);
    assert_eq!(many.get("seed").unwrap().to_f64(), [0.0, 1.0, 0.0, 1.0]);
    let views = result["views"].as_array().unwrap();
    // Two directories of one name.
    let labels: Vec<&str> = views.iter().map(|v| v["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["r", "r", "r (2)", "r (2)"]);
    for (i, (run, seed)) in [("r", 0), ("r", 1), ("t/r", 0), ("t/r", 1)].into_iter().enumerate() {
        bench.ok(&format!("slice --run {run} --seed {seed} {GRID} --out one --quiet"));
        let (one, single) = (bench.npz("one/slice.npz"), bench.json("one/slice.json"));
        for name in ["train_loss", "train_accuracy", "test_loss", "test_accuracy"] {
            let values = one.get(name).unwrap().to_f64();
            assert_eq!(many.get(name).unwrap().to_f64()[i * 28..(i + 1) * 28], values, "{name} of view {i}");
        }
        for key in ["cosine", "non_convexity", "center", "weights_sha256", "directions_sha256"] {
            assert_eq!(views[i][key], single[key], "{key} of view {i}");
        }
        let directions = bench.tensors("one/directions.safetensors").tensors;
        let all = bench.tensors("many/directions.safetensors");
        assert!(directions.iter().all(|t| all.get(&format!("{i}/{}", t.name)).unwrap().data == t.data));
    }
    let spread = result["non_convexity"].as_array().unwrap();
    assert_eq!(spread.len(), 2);
    assert_eq!(at(&spread[1], "values")[1], views[3]["non_convexity"]);
    bench.ok(&format!("slice --run r --run t/r --labels one,two {GRID} --out named --quiet"));
    let svg = bench.text("named/contour.svg");
    assert!(svg.contains(">one<") && svg.contains(">two<"));
}

#[test]
fn a_wide_grid_is_right_in_array_and_picture() {
    let bench = bench();
    bench.ok("slice --run r --x=-1:1:9 --y=-0.5:1:4 --out s --dpi 60 --quiet");
    let npz = bench.npz("s/slice.npz");
    let loss = npz.get("train_loss").unwrap();
    assert_eq!(loss.shape, [4, 9]);
    // Points recomputed one by one, each as a grid of its own.
    for (i, j, x, y) in [(0, 3, -1.0, 1.0), (8, 0, 1.0, -0.5), (2, 1, -0.5, 0.0)] {
        bench.ok(&format!(
            "slice --run r --x={x}:{}:2 --y={y}:{}:2 --out p --dpi 20 --quiet",
            x + 0.5,
            y + 0.5
        ));
        let alone = bench.npz("p/slice.npz").get("train_loss").unwrap().to_f64()[0];
        assert_eq!(loss.to_f64()[j * 9 + i].to_bits(), alone.to_bits(), "point ({x}, {y})");
    }
    // In the picture too the row of y = 1 is above, and x runs to the right: the corners' colours go with their loss.
    let png = resvg::tiny_skia::Pixmap::decode_png(&bench.bytes("s/contour.png")).unwrap();
    let (w, h) = (f64::from(png.width()), f64::from(png.height()));
    // Within the plot area, which begins right of the labels and below the title.
    let light = |fx: f64, fy: f64| {
        let p = png.pixel((fx * w) as u32, (fy * h) as u32).unwrap();
        0.2126 * f64::from(p.red()) + 0.7152 * f64::from(p.green()) + 0.0722 * f64::from(p.blue())
    };
    let values = loss.to_f64();
    let corners = [
        (values[27], light(0.2, 0.28)),
        (values[35], light(0.76, 0.28)),
        (values[0], light(0.2, 0.8)),
        (values[8], light(0.76, 0.8)),
    ];
    let highest = corners.iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    let lowest = corners.iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    assert!(highest.1 > lowest.1 + 20.0, "{corners:?}");
}

#[test]
fn lines_volumes_and_maps_have_their_arrays_and_pictures() {
    let bench = bench();
    for (flags, shape, extra, drawn) in [
        ("--line --x 9", vec![9], vec![], vec!["line", "line-twin"]),
        ("--x 4 --y 3 --z=-1:1:2", vec![2, 3, 4], vec![], vec!["volume", "volume-test", "volume-accuracy"]),
        (
            "--x 5 --maps gap,curvature,gradient-norm",
            vec![5, 5],
            vec!["gap", "curvature_min", "curvature_max", "gradient_norm"],
            [&PLANE[..], &["gap", "curvature-min", "curvature-max", "gradient-norm"]].concat(),
        ),
        (
            "--x 3 --maps spectrum",
            vec![3, 3],
            vec!["lambda_min", "lambda_max", "lambda_ratio", "lambda_residual"],
            [&PLANE[..], &["lambda-min", "lambda-max", "lambda-ratio"]].concat(),
        ),
        (
            "--x 3 --samples 20 --test-samples 30",
            vec![3, 3],
            vec!["train_loss_stderr", "test_loss_stderr"],
            [&PLANE[..], &["uncertainty", "uncertainty-test"]].concat(),
        ),
        ("--x 3 --test-samples 0", vec![3, 3], vec![], vec!["contour", "surface", "accuracy"]),
        ("--x 21 --adaptive", vec![21, 21], vec!["evaluated"], [&PLANE[..], &["points"]].concat()),
        ("--x 3 --directions eigenvectors", vec![3, 3], vec![], PLANE.to_vec()),
        (
            "--line --x 5 --maps gradient-norm,gap --repeat 3",
            vec![3, 5],
            vec!["gradient_norm", "gap"],
            vec!["line", "gradient-norm", "gap"],
        ),
    ] {
        bench.ok(&format!("slice --run r {flags} --vtk --dpi 20 --quiet --out s"));
        // The directory of the last one is used again: nothing of another sort may be left.
        assert_eq!(pictures(&bench, "s"), set(&drawn), "{flags}");
        let npz = bench.npz("s/slice.npz");
        assert_eq!(npz.get("train_loss").unwrap().shape, shape, "{flags}");
        for name in &extra {
            assert_eq!(
                npz.get(name).unwrap_or_else(|| panic!("{flags}: {name}")).shape,
                shape,
                "{flags}: {name}"
            );
        }
        let tested = !flags.contains("--test-samples 0");
        assert_eq!(npz.get("test_loss").is_some(), tested, "{flags}");
        let before = bench.files("s");
        bench.ok("plot s --dpi 20 --quiet");
        assert!(bench.files("s") == before, "{flags}: drawn again from what was saved");
    }
}

#[test]
fn a_trajectory_has_its_path_and_a_line_its_ends() {
    let bench = bench();
    bench.ok(&format!("train {TINY} --seed 1 --out b --quiet"));
    bench.ok("train --hidden 3 --epochs 4 --samples 60 --dpi 20 --snapshots epochs:1 --out t --quiet");
    bench.ok("slice --run t --directions trajectory --x 5 --dpi 20 --quiet --out s");
    let (npz, result) = (bench.npz("s/slice.npz"), bench.json("s/slice.json"));
    let path = |name: &str| npz.get(&format!("path_{name}")).unwrap().to_f64();
    assert_eq!(path("step").len(), 5);
    assert_eq!((path("x")[4], path("y")[4], path("residual")[4]), (0.0, 0.0, 0.0), "it ends in the center");
    assert_eq!(Some(path("train_loss")[4]), at(&result, "center.train_loss").as_f64());
    let shares = at(&result, "directions.explained_variance").as_array().unwrap();
    assert!(shares[0].as_f64() > shares[1].as_f64());
    bench.ok("slice --run r --directions through:b=b --line --x=-1:2:7 --dpi 20 --quiet --out l");
    let loss = bench.npz("l/slice.npz").get("train_loss").unwrap().to_f64();
    let last = |run: &str| at(&bench.json(&format!("{run}/run.json")), "final.train_loss").as_f64().unwrap();
    assert_eq!(loss[2].to_bits(), last("r").to_bits(), "A is the run itself");
    assert!(
        (loss[4] - last("b")).abs() < 1e-5 * last("b"),
        "B is the other, in f32: {} {}",
        loss[4],
        last("b")
    );
}

#[test]
fn results_that_somebody_changed_are_refused() {
    let bench = bench();
    bench.ok("train --snapshots epochs:1 --epochs 3 --hidden 4 --samples 60 --dpi 20 --out t --quiet");
    bench.ok(&format!("slice --run t --directions trajectory {GRID} --out s --quiet"));
    let whole = bench.json("s/slice.json");
    bench.unrecorded("s");
    for (key, misfit) in [
        ("axes", serde_json::json!([whole["axes"][0]])),
        ("marks", serde_json::json!([{"label": "A", "at": [0.5]}])),
        ("trail", {
            let mut trail = whole["trail"].clone();
            trail["residuals"] = serde_json::json!([0.5]);
            trail
        }),
    ] {
        let mut changed = whole.clone();
        changed[key] = misfit;
        std::fs::write(bench.path("s/slice.json"), changed.to_string()).expect("a file");
        bench.refused("plot s --out e", &format!("s/slice.json: {key}"));
    }
}

#[test]
fn what_makes_no_sense_together_is_refused() {
    let bench = bench();
    bench.ok("train --data spirals --model linear --loss hinge --epochs 1 --samples 40 --dpi 20 --out other --quiet");
    for (flags, at, hint) in [
        ("--line --y=0:1:3", "--line", "--x alone"),
        ("--adaptive --z=0:1:3", "--adaptive", "a plane"),
        ("--adaptive 2", "--adaptive", "between 0 and 1"),
        ("--line --repeat 2 --directions through:b=r", "--repeat", "drawn"),
        ("--repeat 2 --directions eigenvectors", "--repeat", "drawn"),
        ("--repeat 0", "--repeat", "1 to 1000"),
        ("--maps gap,gap", "--maps", "once"),
        ("--maps gep", "--maps", "did you mean `gap`?"),
        ("--maps spectrum:steps=1", "--maps", "at least 2"),
        ("--maps curvature --line", "--maps curvature", "a plane"),
        ("--maps gap --test-samples 0", "--maps gap", "test samples"),
        ("--labels a,b", "--labels", "found 2"),
        ("--normalize filter --directions trajectory", "--normalize", "none"),
        ("--biases --directions eigenvectors", "--biases", "normalization"),
        ("--orthogonal --directions trajectory", "--orthogonal", "drawn"),
        ("--directions through", "--directions through: b", "none"),
        ("--directions through:b=nowhere --line", "--directions through: nowhere", "nothing there"),
        ("--directions through:b=r --line", "--directions through: b", "same weights"),
        ("--directions file:path=nowhere", "nowhere", "nothing there"),
        ("--directions trajectory", "r/trajectory.safetensors", "--snapshots"),
        ("--run other", "--run", "one loss"),
        ("--x 1", "--x", "at least 2"),
    ] {
        let line = bench.refused(&format!("slice --run r --out new/s {flags}"), at);
        assert!(line.contains(hint), "{flags}: {line}");
    }
    bench.ok(&format!("slice --run r {GRID} --out s --quiet"));
    for (flags, out) in
        [("--directions file:path=s/directions.safetensors", "s"), ("--directions through:b=r", "r")]
    {
        let line = bench.refused(&format!("slice --run r {flags} --line --out {out}"), "--out");
        assert!(line.contains("apart from what is read"), "{line}");
    }
}

#[test]
fn eigenvalues_that_do_not_converge_are_said_so() {
    let bench = bench();
    let outcome = bench.run("slice --run r --x 3 --maps spectrum:steps=2 --dpi 20 --quiet --out s");
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("--maps: expected numbers at every point"), "{}", outcome.stderr);
    let result = bench.json("s/slice.json");
    assert_eq!(result["status"], "done, with non-finite points");
    assert_eq!(
        (at(&result, "lambda_max.not_finite"), at(&result, "lambda_max.min")),
        (&9.into(), &serde_json::Value::Null)
    );
    let outcome = bench.run("slice --run r --x 3 --directions eigenvectors:steps=2 --dpi 20 --quiet --out t");
    assert_eq!(outcome.code, Some(3));
    assert!(outcome.stderr.contains("raise steps or tolerance") && !bench.path("t/slice.json").exists());
}
