//! The main job: a slice in an empty directory, its files, its bytes, its numbers.

use crate::bench::{Bench, GRID, TINY, at};

const FILES: [&str; 11] = [
    "slice.json",
    "slice.npz",
    "directions.safetensors",
    "machine.json",
    "contour.png",
    "contour.svg",
    "surface.png",
    "surface.svg",
    "contour-test.svg",
    "accuracy.svg",
    "accuracy.png",
];

#[test]
fn alone_it_trains_and_keeps_a_network_and_the_bytes_are_the_same_again() {
    let (one, two) = (Bench::new(), Bench::new());
    let first = one.ok("slice --threads 4");
    assert!(first.stderr.contains("training the default network into runs/default"), "{}", first.stderr);
    for name in FILES {
        assert!(one.bytes(&format!("out/slice/{name}")).len() > 100, "{name}");
    }
    let result = one.json("out/slice/slice.json");
    assert!(at(&result, "center.train_accuracy").as_f64() > Some(0.99));
    two.ok("slice --threads 1");
    assert!(one.files("") == two.files(""));
    let again = one.ok("slice --threads 2");
    assert!(again.stderr.contains("using the network in runs/default"), "{}", again.stderr);
    assert!(one.files("") == two.files(""));
}

#[test]
fn arrays_and_scalars_are_those_that_scripts_rely_on() {
    for precision in ["f32", "f64"] {
        let bench = Bench::new();
        bench.ok(&format!("train {TINY} --precision {precision} --out runs/a"));
        // Five rows instead of four: (0, 0) is a point of the grid.
        bench.ok("slice --run runs/a --x=-1:1:7 --y=-0.5:0.5:5 --out s --dpi 20");
        let (run, result) = (bench.json("runs/a/run.json"), bench.json("s/slice.json"));
        for key in ["cosine", "center.train_loss", "center.train_accuracy", "center.test_loss"] {
            assert!(at(&result, key).is_f64(), "{key}");
        }
        assert!(result.get("non_convexity").is_some());
        assert_eq!((&result["command"], &result["seed"]), (&"slice".into(), &0.into()));
        assert_eq!(result["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(at(&result, "settings.x"), "-1:1:7");
        assert_eq!(result["precision"], precision);
        assert_eq!(at(&run, "data.sha256"), &result["data_sha256"]);
        assert_eq!(run["data_sha256"], result["data_sha256"]);
        assert_eq!(run["weights_sha256"], result["weights_sha256"]);
        let sha256 = losscape::base::files::sha256(&bench.bytes("runs/a/weights.safetensors"));
        assert_eq!(result["weights_sha256"], sha256);
        let npz = bench.npz("s/slice.npz");
        let names: Vec<&str> = npz.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["x", "y", "train_loss", "train_accuracy", "test_loss", "test_accuracy"]);
        assert_eq!((&npz.get("x").unwrap().shape, &npz.get("y").unwrap().shape), (&vec![7], &vec![5]));
        let (x, y) = (npz.get("x").unwrap().to_f64(), npz.get("y").unwrap().to_f64());
        assert_eq!((x[0], x[3], x[6], y[0], y[2], y[4]), (-1.0, 0.0, 1.0, -0.5, 0.0, 0.5));
        for name in &names[2..] {
            let map = npz.get(name).unwrap();
            assert_eq!(map.shape, [5, 7], "{name}");
            let center = map.to_f64()[2 * 7 + 3];
            let last = at(&run, "final")[*name].as_f64().unwrap();
            assert_eq!(at(&result, "center")[*name].as_f64().unwrap().to_bits(), last.to_bits(), "{name}");
            assert_eq!(center.to_bits(), last.to_bits(), "{precision} {name}: {center} at (0, 0)");
        }
        let written = |text: &str| text.lines().filter(|l| l.contains("train_loss\": ")).count();
        assert_eq!(written(&bench.text("s/slice.json")), 2, "center and extremes");
        let line = |name: &str| {
            let text = bench.text(name);
            let found = text.lines().find(|l| l.contains("train_loss\": ") && !l.contains('{'));
            found.unwrap().trim().trim_end_matches(',').to_owned()
        };
        assert_eq!(line("s/slice.json"), line("runs/a/run.json"), "to the last digit");
    }
}

#[test]
fn every_flag_changes_what_it_says() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out runs/a"));
    let slice =
        |more: &str| bench.ok(&format!("slice --run runs/a {GRID} --out s --json --quiet {more}")).stdout;
    let parse = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    let plain = parse(&slice(""));
    let directions = bench.bytes("s/directions.safetensors");
    for flag in
        ["--seed 1", "--normalize layer", "--normalize none", "--biases", "--orthogonal", "--precision f64"]
    {
        assert_ne!(parse(&slice(flag))["settings"], plain["settings"], "{flag}");
        assert_ne!(bench.bytes("s/directions.safetensors"), directions, "{flag}");
    }
    assert!(parse(&slice("--orthogonal"))["cosine"].as_f64().unwrap().abs() < 1e-6);
    let fewer = parse(&slice("--samples 10"));
    assert_eq!(at(&fewer, "samples.train"), 10);
    assert_ne!(at(&fewer, "center.train_loss"), at(&plain, "center.train_loss"));
    // Memory decides what is kept, never what comes out.
    assert_eq!(parse(&slice("--memory 0.0001"))["train_loss"], plain["train_loss"]);
    let pictures = bench.bytes("s/contour.svg");
    for style in ["--cmap magma", "--theme dark", "--vmax 2.5", "--levels 3", "--log=true"] {
        slice(style);
        assert_ne!(bench.bytes("s/contour.svg"), pictures, "{style}");
    }
    let surface = bench.bytes("s/surface.svg");
    for style in ["--azimuth 10", "--elevation 80"] {
        slice(style);
        assert_ne!(bench.bytes("s/surface.svg"), surface, "{style}");
    }
}

#[test]
fn ranges_are_read_with_and_without_an_equals_sign() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out runs/a"));
    for (n, grid) in ["--x=-1:1:3 --y=0:1:2", "--x -1:1:3 --y 0:1:2"].iter().enumerate() {
        bench.ok(&format!("slice --run runs/a {grid} --out s{n} --dpi 20"));
    }
    assert!(bench.files("s0") == bench.files("s1"));
    assert_eq!(bench.npz("s0/slice.npz").get("y").unwrap().to_f64(), [0.0, 1.0]);
}

#[test]
fn a_run_that_did_not_end_well_is_used_with_a_note_and_trained_again_by_default() {
    let bench = Bench::new();
    let diverged = bench.run("train --lr 1e6 --dpi 20 --quiet");
    assert_eq!(diverged.code, Some(3));
    let explicit = bench.ok(&format!("slice --run runs/default {GRID} --out s"));
    assert!(explicit.stderr.contains("note: runs/default did not end well: the "), "{}", explicit.stderr);
    let again = bench.ok(&format!("slice {GRID} --out t"));
    assert!(again.stderr.contains("training the default network"), "{}", again.stderr);
    assert_eq!(bench.json("runs/default/run.json")["status"], "done");
}

#[test]
fn non_finite_points_are_null_with_a_status_and_still_drawn() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out runs/a"));
    bench.ok("slice --run runs/a --x=-1e30:1e30:3 --y=-1:1:3 --out s --dpi 20");
    let result = bench.json("s/slice.json");
    assert_eq!(result["status"], "done, with non-finite points");
    assert_eq!((&result["non_finite"], &result["non_convexity"]), (&6.into(), &serde_json::Value::Null));
    assert_eq!((&result["test_non_finite"], &result["center_status"]), (&6.into(), &"computed".into()));
    assert!(result["non_convexity_status"].as_str().unwrap().len() > 5);
    assert!(!bench.text("s/slice.json").contains("NaN"));
    let loss = bench.npz("s/slice.npz").get("train_loss").unwrap().to_f64();
    assert_eq!(loss.iter().filter(|v| v.is_finite()).count(), 3);
}

#[test]
fn a_default_run_that_is_not_understood_is_refused_and_kept() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY}"));
    let whole = bench.text("runs/default/run.json");
    bench.unrecorded("runs/default");
    for (text, hint) in [
        (whole.replace("\"status\": \"done\"", "\"status\": \"finished\""), "finished"),
        (whole.replace("\"lr\": ", "\"rate\": "), "`rate`"),
        (whole[..whole.len() / 2].to_owned(), "line"),
        ("\u{0}".to_owned(), "line 1"),
    ] {
        bench.write("runs/default/run.json", text);
        let line = bench.refused(&format!("slice {GRID} --out s"), "runs/default/run.json");
        assert!(line.contains(hint) && line.contains("--run"), "{line}");
    }
    std::fs::remove_file(bench.path("runs/default/run.json")).unwrap();
    bench.refused(&format!("slice {GRID} --out s"), "runs/default/run.json");
    bench.write("runs/default/run.json", &whole);
    bench.write("runs/default/weights.safetensors", "other");
    bench.refused(&format!("slice {GRID} --out s"), "runs/default/weights.safetensors");
    // One that did not end well is replaced only by what the configuration asks for.
    bench.write("runs/default/run.json", whole.replace("\"status\": \"done\"", "\"status\": \"diverged\""));
    bench.write("c.toml", "[train]\nseed = 7");
    bench.refused("slice --config c.toml --out s", "runs/default: expected the network of");
}

#[test]
fn draws_are_made_until_their_median_is_known() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out r --quiet"));
    let line = "slice --run r --line --x 7 --test-samples 0 --dpi 20";
    let said = bench.ok(&format!("{line} --repeat until=0.5 --out s")).stdout;
    let json = bench.json("s/slice.json");
    let draws = &at(&json, "draws")[0];
    let count = draws["count"].as_u64().unwrap() as usize;
    assert!((8..=50).contains(&count) && draws["enough"] == true, "{draws}");
    assert!(said.contains(&format!("{count} draws; the median loss is known to")), "{said}");
    assert_eq!(at(&json, "settings.repeat"), "until=0.5");
    // The median is that of the lines, on both sides of the center, and the band is around it.
    let losses = bench.npz("s/slice.npz").get("train_loss").unwrap().to_f64();
    assert_eq!(losses.len(), 7 * count);
    let numbers = |key: &str| -> Vec<f64> {
        draws[key].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    };
    let (median, low, high) = (numbers("median"), numbers("low"), numbers("high"));
    for (i, m) in median.iter().enumerate() {
        let mut own: Vec<f64> = losses.chunks(7).map(|line| (line[3 + i] + line[3 - i]) / 2.0).collect();
        own.sort_by(f64::total_cmp);
        let expected = (own[(count - 1) / 2] + own[count / 2]) / 2.0;
        assert!((m - expected).abs() <= 1e-12 * expected.abs(), "{m}, not {expected}");
        assert!(low[i] <= *m && *m <= high[i]);
    }
    let range =
        median.iter().fold(0.0f64, |a, b| a.max(*b)) - median.iter().fold(f64::INFINITY, |a, b| a.min(*b));
    let widest = low.iter().zip(&high).fold(0.0f64, |w, (l, h)| w.max(h - l));
    assert!(widest / range <= 0.5);
    assert!(bench.path("s/draws.png").exists());
    // Fewer than it takes are exit code 3, and say so; the first draws are the same.
    let outcome = bench.run(&format!("{line} --repeat until=0.001 --most 9 --out t"));
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("9 draws are not enough"), "{}", outcome.stderr);
    let few = bench.npz("t/slice.npz").get("train_loss").unwrap().to_f64();
    let shared = 7 * count.min(9);
    assert_eq!(few[..shared], losses[..shared]);
    bench.ok("plot t --dpi 20 --quiet --out again");
    assert_eq!(bench.bytes("again/draws.svg"), bench.bytes("t/draws.svg"));
    for (flags, at) in [
        ("--repeat until=2", "--repeat until"),
        ("--repeat until=0.1 --most 3", "--most"),
        ("--repeat 3 --most 9", "--most"),
        ("--repeat until=0.1 --directions gradient", "--repeat"),
    ] {
        bench.refused(&format!("{line} {flags}"), at);
    }
}

#[test]
fn the_mean_curvature_along_draws_is_the_trace_in_their_scale() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --precision f64 --out r --quiet"));
    let planes = "slice --run r --x 3 --test-samples 0 --dpi 20 --typical";
    for normalize in ["filter", "layer", "none"] {
        bench.ok(&format!("{planes} --repeat 60 --normalize {normalize} --quiet --out s"));
        let json = bench.json("s/slice.json");
        let found = &at(&json, "typical")[0];
        let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
        let (mean, error) =
            (number(&found["mean_curvature"]["value"]), number(&found["mean_curvature"]["stderr"]));
        let trace = number(&found["trace"]["value"]);
        assert!(found["trace"]["exact"] == true && error > 0.0, "{found}");
        assert!((mean - trace).abs() <= 4.0 * error, "{normalize}: {mean} +- {error}, not {trace}");
        assert!(number(&found["lambda_min"]) <= trace && trace.is_finite(), "{found}");
        assert_eq!(found["curvatures"].as_array().unwrap().len(), 120, "two directions a plane");
        // Every curvature d'Hd lies between the ends of the spectrum of the unscaled Hessian times d'd, and a count is one.
        let count = number(&found["negative"]["count"]);
        assert!(
            count >= 0.0 && count <= number(&found["dimension"]) && (count - count.round()).abs() < 1e-6,
            "{found}"
        );
        assert!(found["status"].as_str().unwrap().starts_with("of 60 planes"), "{found}");
    }
    let said = bench.ok(&format!("{planes} --out one")).stdout;
    assert!(said.contains("trace of the Hessian in their scale"), "{said}");
    bench.ok("plot one --dpi 20 --quiet --out again");
    bench.refused(&format!("{planes} --directions gradient"), "--typical");
    bench.refused(&format!("{planes} --biases"), "--typical");
}
