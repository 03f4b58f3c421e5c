//! `losscape plot`: the same again, elsewhere, in other styles, and from results that somebody damaged.

use crate::bench::{Bench, GRID, TINY};
use losscape::base::npz::Npz;

fn bench() -> Bench {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out r"));
    bench.ok(&format!("slice --run r {GRID} --out s"));
    bench
}

#[test]
fn it_redraws_the_same_bytes_and_leaves_the_source_alone() {
    let bench = bench();
    let before = bench.files("");
    assert!(bench.ok("plot s --dpi 20").stdout.starts_with("wrote s in "));
    assert_eq!(bench.files(""), before, "drawn again as it was");
    bench.ok("plot s --dpi 20 --out e --theme dark --quiet");
    bench.ok("plot r --dpi 20 --out f");
    let after = bench.files("");
    assert!(before.iter().all(|(path, bytes)| after.get(path) == Some(bytes)));
    let names = ["accuracy", "contour", "contour-test", "surface"].map(|n| format!("e/{n}.svg"));
    for name in &names {
        assert_ne!(bench.bytes(name), bench.bytes(&name.replace("e/", "s/")), "{name}");
    }
    assert_eq!(bench.bytes("f/training.svg"), bench.bytes("r/training.svg"));
    assert!(!bench.path("e/slice.json").exists());
    let json: serde_json::Value = serde_json::from_str(&bench.ok("plot s --dpi 20 --json").stdout).unwrap();
    assert_eq!(json["figures"][0], "contour");
    assert_eq!(bench.ok("plot s --dpi 20 --quiet").stdout, "");
}

#[test]
fn moving_pictures_are_written_beside_the_others_when_asked_for() {
    let bench = bench();
    let said = bench.ok("plot s --dpi 20 --animate --out e").stdout;
    assert!(said.contains("accuracy-test (.png, .svg), surface-moving.png"), "{said}");
    let (still, moving) = (bench.bytes("e/surface.png"), bench.bytes("e/surface-moving.png"));
    let has = |png: &[u8], chunk: &[u8]| png.windows(4).any(|w| w == chunk);
    assert!(has(&moving, b"acTL") && !has(&still, b"acTL") && !bench.path("e/contour-moving.png").exists());
    bench.ok("plot s --dpi 20 --out f");
    assert!(!bench.path("f/surface-moving.png").exists());
}

#[test]
fn pages_are_the_same_from_the_command_and_from_plot_by_any_number_of_threads() {
    let bench = bench();
    bench.ok(&format!("slice --run r {GRID} --html --threads 1 --out one"));
    let said = bench.ok(&format!("slice --run r {GRID} --html --threads 2 --out two")).stdout;
    assert!(said.contains(", slice.html"), "{said}");
    let page = bench.bytes("one/slice.html");
    assert_eq!(page, bench.bytes("two/slice.html"));
    bench.ok("plot s --dpi 20 --html --out again");
    assert_eq!(page, bench.bytes("again/slice.html"));
    bench.ok("plot r --dpi 20 --html --out again");
    let text = bench.text("again/run.html");
    assert!(text.contains("losscape train --hidden=") || text.contains("losscape train "), "{text:.3000}");
    // An earlier page goes with its result.
    bench.ok(&format!("slice --run r {GRID} --out one"));
    assert!(!bench.path("one/slice.html").exists());
}

#[test]
fn volumes_have_all_cuts_in_their_page() {
    let bench = bench();
    bench.ok("slice --run r --x=-1:1:3 --y=-1:1:3 --z=-1:1:11 --dpi 20 --html --out v");
    let page = bench.text("v/slice.html");
    let cuts = page.matches("\"title\":\"z = ").count();
    assert_eq!(cuts % 11, 0, "{cuts}");
    assert!(cuts > 0 && page.contains("\"stack\":true"));
}

#[test]
fn two_results_in_one_directory_are_both_drawn() {
    let bench = bench();
    bench.ok(&format!("train {TINY} --out s"));
    let said = bench.ok("plot s --dpi 20 --out e").stdout;
    assert!(said.contains("contour") && said.contains("training"), "{said}");
}

#[test]
fn styles_and_places_that_make_no_sense_are_refused() {
    let bench = bench();
    for (arguments, at, hint) in [
        ("plot none", "none", "nothing there"),
        ("plot .", ".", "none of them"),
        ("plot s/slice.json", "s/slice.json", "a file"),
        ("plot s --vmin 5 --vmax 1 --out e", "--vmin", "below --vmax"),
        ("plot s --vmin nan --out e", "--vmin", "finite"),
        ("plot s --levels 1000 --out e", "--levels", "2 to 200"),
        ("plot s --elevation 1000 --out e", "--elevation", "5 to 90"),
        ("plot s --out r/run.json", "r/run.json", "a regular file"),
    ] {
        let line = bench.refused(arguments, at);
        assert!(line.contains(hint), "{line}");
    }
}

#[test]
fn damaged_slices_are_refused() {
    let bench = bench();
    let (json, npz) = (bench.bytes("s/slice.json"), bench.bytes("s/slice.npz"));
    bench.unrecorded("s");
    let damaged = |name: &str, bytes: &[u8], at: &str| {
        bench.write("s/slice.json", &json);
        bench.write("s/slice.npz", &npz);
        bench.write(&format!("s/{name}"), bytes);
        bench.refused("plot s --out e", &format!("s/{name}: {at}"));
    };
    for text in
        ["", "[1]", "3", "{}", "{\"settings\": {\"x\": \"1:2\"}}", "{\"settings\": {\"x\": \"0:1:3\"}"]
    {
        damaged("slice.json", text.as_bytes(), "");
    }
    damaged("slice.json", &json[..100], "");
    damaged("slice.json", b"\xff", "");
    damaged("slice.npz", b"", "");
    damaged("slice.npz", &npz[..npz.len() / 2], "");
    let arrays = Npz::from_bytes("", &npz).unwrap();
    let changed = |name: &str, change: &dyn Fn(&mut Vec<usize>, &mut Vec<f64>)| {
        let mut all = Npz::default();
        for (n, array) in arrays.iter() {
            let (mut shape, mut values) = (array.shape.clone(), array.to_f64());
            if n == name {
                change(&mut shape, &mut values);
            }
            all.push(n, &shape, values);
        }
        let mut bytes = std::io::Cursor::new(Vec::new());
        all.write_to(&mut bytes).unwrap();
        bytes.into_inner()
    };
    damaged("slice.npz", &changed("x", &|_, v| v[0] = f64::NAN), "x");
    damaged("slice.npz", &changed("x", &|_, v| v.reverse()), "x");
    damaged("slice.npz", &changed("train_loss", &|s, _| s.reverse()), "train_loss");
    damaged(
        "slice.npz",
        &changed("y", &|s, v| {
            *s = vec![0];
            v.clear();
        }),
        "y",
    );
    // Losses may be anything.
    bench.write("s/slice.json", &json);
    bench.write("s/slice.npz", changed("train_loss", &|_, v| v.fill(f64::NAN)));
    bench.ok("plot s --out e --dpi 20");
}

#[test]
fn damaged_runs_are_refused() {
    let bench = bench();
    let (json, metrics) = (bench.text("r/run.json"), bench.text("r/metrics.jsonl"));
    bench.unrecorded("r");
    for (name, text, at) in [
        ("run.json", "[1]", ""),
        ("run.json", "3", ""),
        ("run.json", "{}", ""),
        ("run.json", &json.replace("\"lr\": 0.05", "\"lr\": \"fast\""), ""),
        ("metrics.jsonl", "\n", "line 1"),
        ("metrics.jsonl", &format!("{metrics}{{}}\n"), "line 3"),
        ("metrics.jsonl", &metrics[..metrics.len() - 9], "line 2"),
    ] {
        bench.write("r/run.json", &json);
        bench.write("r/metrics.jsonl", &metrics);
        bench.write(&format!("r/{name}"), text);
        bench.refused("plot r --out e", &format!("r/{name}: {at}"));
    }
    bench.write("r/metrics.jsonl", &metrics);
    std::fs::remove_file(bench.path("r/metrics.jsonl")).unwrap();
    bench.refused("plot r --out e", "r/metrics.jsonl");
}
