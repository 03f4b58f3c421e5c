//! The README's commands run, `plots/` holds what they draw, and the recipe in `analyses/` is the default job.
//!
//! After a change that is meant to change the pictures: `UPDATE_PLOTS=1 cargo test --release --test gallery`,
//! then look at them.

use resvg::tiny_skia::Pixmap;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A figure that the README's commands draw, its name in `plots/`, and whether its SVG is kept there too.
const FIGURES: [(&str, &str, bool); 13] = [
    ("out/slice/contour", "contour", true),
    ("out/slice/surface", "surface", true),
    ("out/slice/contour-test", "contour-test", true),
    ("out/slice/accuracy", "accuracy", true),
    ("runs/default/training", "training", true),
    ("out/lr-range/lr-range", "lr-range", true),
    ("out/pixels/samples", "digits", true),
    ("out/spirals/samples", "spirals", false),
    ("out/spirals-slice/surface", "spirals-surface", false),
    ("out/propagate/propagate", "propagate", false),
    ("out/cnn/contour", "cnn", false),
    ("out/cnn-batch/contour", "cnn-batch", false),
    ("out/dark/surface", "surface-dark", false),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> Vec<u8> {
    let path = path.as_ref();
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn text(path: impl AsRef<Path>) -> String {
    String::from_utf8(read(path)).unwrap()
}

fn json(path: impl AsRef<Path>) -> Value {
    serde_json::from_slice(&read(path)).unwrap()
}

/// Runs `losscape` with words of a command line, in `directory`.
fn losscape(words: &str, directory: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_losscape"))
        .args(words.split_whitespace())
        .current_dir(directory)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "losscape {words}: {}\n{said}", output.status);
}

/// An empty directory with the recipes in it.
fn desk() -> tempfile::TempDir {
    let desk = tempfile::tempdir().unwrap();
    std::fs::create_dir(desk.path().join("analyses")).unwrap();
    std::fs::copy(root().join("analyses/slice.toml"), desk.path().join("analyses/slice.toml")).unwrap();
    desk
}

/// Where every `losscape` line of the README's shell blocks has been run, in order.
fn tour() -> &'static Path {
    static TOUR: OnceLock<tempfile::TempDir> = OnceLock::new();
    let run = || {
        let desk = desk();
        let readme = text(root().join("README.md"));
        let blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
        let lines = blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("losscape "));
        let commands: Vec<&str> = lines.map(|line| line.split('#').next().unwrap_or(line)).collect();
        assert!(commands.len() >= 8, "{commands:?}");
        commands.iter().for_each(|words| losscape(words, desk.path()));
        desk
    };
    TOUR.get_or_init(run).path()
}

/// `plots/`; brought up to date first, if asked.
fn plots() -> &'static Path {
    static PLOTS: OnceLock<PathBuf> = OnceLock::new();
    PLOTS.get_or_init(|| {
        let plots = root().join("plots");
        if std::env::var_os("UPDATE_PLOTS").is_some() {
            for (from, to, svg) in FIGURES {
                for kind in ["png", "svg"].into_iter().filter(|kind| svg || *kind == "png") {
                    let (from, to) = (tour().join(from), plots.join(to));
                    std::fs::copy(from.with_extension(kind), to.with_extension(kind)).unwrap();
                }
            }
        }
        plots
    })
}

/// Mean absolute difference of two pictures, of 255; infinite when their sizes differ.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    let [a, b] = [a, b].map(|png| Pixmap::decode_png(png).unwrap());
    if (a.width(), a.height()) != (b.width(), b.height()) {
        return f64::INFINITY;
    }
    let sum: f64 = a.data().iter().zip(b.data()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / a.data().len() as f64
}

/// Same bytes are promised for one type of processor only. On another one sums are rounded otherwise, and training
/// carries that along: trained in f64 instead of f32, the slices of the README differ by 0.007 at most. Half a step
/// of 255 leaves room for a label on another place of its line; another seed makes 6 and more.
const NEAR: f64 = 0.5;

#[test]
fn plots_are_what_the_readme_draws() {
    let (plots, tour) = (plots(), tour());
    for (from, to, _) in FIGURES {
        let [drawn, kept] = [tour.join(from), plots.join(to)].map(|p| read(p.with_extension("png")));
        let difference = difference(&drawn, &kept);
        println!("{to}: {difference}");
        assert!(difference < NEAR, "plots/{to}.png differs by {difference} of 255 from what is drawn now");
    }
    let mut expected: Vec<String> = FIGURES.iter().map(|f| format!("{}.png", f.1)).collect();
    expected.extend(FIGURES.iter().filter(|f| f.2).map(|f| format!("{}.svg", f.1)));
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut found: Vec<String> = std::fs::read_dir(plots).unwrap().map(name).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "files in plots/");
}

#[test]
fn svg_and_png_are_one_picture() {
    for (_, name, _) in FIGURES.iter().filter(|f| f.2) {
        let path = plots().join(name);
        let dpi = losscape::render::Style::default().dpi;
        let drawn = losscape::render::png::encode(&text(path.with_extension("svg")), dpi).unwrap();
        let difference = difference(&drawn, &read(path.with_extension("png")));
        assert!(difference < 0.01, "plots/{name}: the PNG differs by {difference} of 255 from the SVG");
    }
}

#[test]
fn another_network_is_another_picture() {
    let desk = desk();
    losscape("train --seed 1 --out runs/a --quiet", desk.path());
    losscape("slice --run runs/a --out out/slice --quiet", desk.path());
    for name in ["contour", "surface", "accuracy"] {
        let kept = read(plots().join(name).with_extension("png"));
        let difference = difference(&read(desk.path().join(format!("out/slice/{name}.png"))), &kept);
        println!("{name}: {difference}");
        assert!(difference > NEAR, "{name} of another network differs by {difference} of 255 only");
    }
}

#[test]
fn the_recipe_is_the_default_job() {
    let desk = desk();
    losscape("slice --config analyses/slice.toml --quiet", desk.path());
    for file in ["runs/default/run.json", "out/slice/slice.json"] {
        let [recipe, default] = [desk.path(), tour()].map(|d| json(d.join(file)));
        assert_eq!(recipe["settings"], default["settings"], "{file}");
        assert_eq!(recipe, default, "{file}");
    }
    for file in ["runs/default/weights.safetensors", "out/slice/slice.npz", "out/slice/surface.svg"] {
        assert!(read(desk.path().join(file)) == read(tour().join(file)), "{file} differs");
    }
}

#[test]
fn the_recipe_names_every_setting() {
    let recipe = text(root().join("analyses/slice.toml"));
    let (slice, train) = recipe.split_once("[train]").unwrap();
    let style = serde_json::to_value(losscape::render::Style::default()).unwrap();
    let settings = |file: &str| json(tour().join(file))["settings"].clone();
    let parts = [
        (slice, settings("out/slice/slice.json")),
        (slice, style),
        (train, settings("runs/default/run.json")),
    ];
    for (part, settings) in parts {
        for key in settings.as_object().unwrap().keys() {
            let named = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
            assert!(part.lines().any(named), "analyses/slice.toml does not name {key}");
        }
    }
}

#[test]
fn the_readme_points_at_what_is_there() {
    let (readme, _) = (text(root().join("README.md")), plots());
    let quoted = readme.split('`').skip(1).step_by(2);
    let linked = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let is_path =
        |p: &&str| ["src/", "tests/", "benches/", "plots/", "analyses/"].iter().any(|d| p.starts_with(d));
    let paths: Vec<PathBuf> = quoted.chain(linked).filter(is_path).map(|p| root().join(p)).collect();
    assert!(paths.len() > 20, "{paths:?}");
    let missing: Vec<&PathBuf> = paths.iter().filter(|p| !p.exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
