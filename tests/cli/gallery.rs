//! The commands of the README and of `docs/` run, `plots/` holds what they draw, the numbers in their prose are those that
//! they compute, and the recipe in `analyses/` is the default job.
//!
//! After a change that is meant to change the pictures: `UPDATE_PLOTS=1 cargo test --release --test cli gallery`,
//! then look at them.

use resvg::tiny_skia::Pixmap;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The pages whose commands are run, in this order, and whose numbers are compared.
const PAGES: [&str; 5] = ["README.md", "docs/tour.md", "docs/files.md", "docs/figures.md", "docs/methods.md"];

/// The page of rates, which no test measures: they are those of `benches/measured.json`.
const SPEED: &str = "docs/speed.md";

/// The other pages. The commands of `docs/your-own-model.md` are of files that PyTorch writes: `tests/exported/` has such.
const OTHERS: [&str; 7] = [
    SPEED,
    "docs/your-own-model.md",
    "docs/python.md",
    "docs/cluster.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "analyses/README.md",
];

/// A figure that the pages' commands draw.
struct Shown {
    /// Where it is drawn, and its name in `plots/`.
    from: &'static str,
    to: &'static str,
    /// Whether its SVG is kept there too.
    svg: bool,
    /// How far it may be from what is kept.
    near: f64,
}

const fn shown(from: &'static str, to: &'static str) -> Shown {
    Shown { from, to, svg: false, near: NEAR }
}

const fn with_svg(from: &'static str, to: &'static str) -> Shown {
    Shown { svg: true, ..shown(from, to) }
}

/// Same bytes are promised for one type of processor only. On another one sums are rounded otherwise, and training
/// carries that along: trained in f64 instead of f32, the slices of the README differ by 0.007 at most. Half a step
/// of 255 leaves room for a label on another place of its line; another seed makes 6 and more.
const NEAR: f64 = 0.5;

/// Training a deep plain network is chaotic: in f64 its surface differs by 2 to 2.7 from the one in f32. What such a picture
/// says is tested by its numbers.
const CHAOTIC: f64 = 6.0;

const FIGURES: [Shown; 68] = [
    with_svg("out/slice/contour", "contour"),
    with_svg("out/slice/surface", "surface"),
    with_svg("out/slice/contour-test", "contour-test"),
    with_svg("out/slice/accuracy", "accuracy"),
    shown("out/slice/accuracy-test", "accuracy-test"),
    with_svg("runs/default/training", "training"),
    with_svg("out/lr-range/lr-range", "lr-range"),
    with_svg("out/pixels/samples", "digits"),
    shown("out/spirals/samples", "spirals"),
    shown("out/spirals-slice/surface", "spirals-surface"),
    shown("out/propagate/propagate", "propagate"),
    shown("out/cnn/contour", "cnn"),
    shown("out/cnn-batch/contour", "cnn-batch"),
    shown("out/dark/surface", "surface-dark"),
    shown("out/turning/surface-moving", "surface-moving"),
    shown("out/line/line", "line"),
    shown("out/interpolation/line", "interpolation"),
    shown("out/interpolation/line-twin", "twin"),
    shown("out/optimizers/contour", "optimizers"),
    shown("out/optimizers/surface", "optimizers-surface"),
    shown("out/draws/contour", "draws"),
    shown("out/enough/draws", "median-draws"),
    shown("out/three/contour", "three"),
    shown("out/path/contour", "path"),
    shown("out/path/contour-moving", "path-moving"),
    shown("out/eigenvectors/contour", "eigenvectors"),
    shown("out/eigenvectors/curvature-min", "curvature-min"),
    shown("out/eigenvectors/curvature-max", "curvature-max"),
    shown("out/eigenvectors/gradient-norm", "gradient-norm"),
    shown("out/eigenvectors/gap", "gap"),
    shown("out/gradient/contour", "gradient"),
    shown("out/given/contour", "given"),
    shown("out/spectrum/lambda-max", "lambda-max"),
    shown("out/spectrum/lambda-min", "lambda-min"),
    shown("out/spectrum/lambda-ratio", "lambda-ratio"),
    shown("out/sampled/uncertainty", "uncertainty"),
    shown("out/adaptive/points", "points"),
    shown("out/volume/volume", "volume"),
    shown("out/lines/line", "lines"),
    shown("out/layers/contour", "layers"),
    with_svg("out/sharpness/density", "density"),
    shown("out/coefficient/learning-coefficient", "learning-coefficient"),
    shown("out/compared/density", "densities"),
    shown("out/compared/comparison", "comparison"),
    shown("out/compared/shift", "shift"),
    Shown { near: CHAOTIC, ..shown("runs/edge/edge-of-stability", "edge-of-stability") },
    Shown { near: CHAOTIC, ..shown("runs/critical/critical-sharpness", "critical-sharpness") },
    Shown { near: CHAOTIC, ..shown("runs/plateau/plateaus", "plateaus") },
    Shown { near: CHAOTIC, ..shown("out/critical/critical", "critical") },
    with_svg("out/connect/paths", "paths"),
    shown("out/connect/plane", "plane"),
    shown("out/aligned/paths", "aligned"),
    shown("out/aligned/permuted", "permuted"),
    shown("out/minima/disconnectivity", "disconnectivity"),
    shown("out/minima/map", "map"),
    shown("out/minima/similarity", "similarity"),
    shown("out/minima/similarity-layers", "similarity-layers"),
    shown("out/valleys/merge-tree", "merge-tree"),
    shown("out/valleys/barcode", "barcode"),
    shown("out/minima/barriers", "barriers"),
    shown("out/minima/tree", "tree"),
    shown("out/bands/bands", "bands"),
    shown("out/simplex/losses", "simplex-losses"),
    shown("out/ensemble/members", "ensemble-members"),
    Shown { near: CHAOTIC, ..shown("out/ticket/ticket", "ticket") },
    Shown { near: CHAOTIC, ..shown("out/instability/instability", "instability") },
    Shown { near: CHAOTIC, ..shown("out/pair/surface", "pair") },
    Shown { near: CHAOTIC, ..shown("out/pair/contour", "pair-contour") },
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

/// Runs `losscape` with words of a command line, in `directory`; returns what it printed.
fn losscape(words: &str, directory: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_losscape"))
        .args(words.split_whitespace())
        .current_dir(directory)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "losscape {words}: {}\n{said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// An empty directory with the recipes in it.
fn desk() -> tempfile::TempDir {
    let desk = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(desk.path().join("analyses/settings")).unwrap();
    for recipe in ["analyses/settings/slice.toml", "analyses/settings/sharpness.toml"] {
        std::fs::copy(root().join(recipe), desk.path().join(recipe)).unwrap();
    }
    desk
}

/// A directory in which commands were run, and what each printed.
struct Tour {
    desk: tempfile::TempDir,
    said: BTreeMap<String, String>,
}

/// Where every `losscape` line of the pages' shell blocks has been run, in order; one that stands on several pages, once.
fn toured() -> &'static Tour {
    static TOUR: OnceLock<Tour> = OnceLock::new();
    TOUR.get_or_init(|| {
        let mut tour = Tour { desk: desk(), said: BTreeMap::new() };
        for page in PAGES {
            let page = text(root().join(page));
            let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
            let lines = blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("losscape "));
            for words in lines.map(|line| line.split('#').next().unwrap_or(line).trim()) {
                if !tour.said.contains_key(words) {
                    let said = losscape(words, tour.desk.path());
                    tour.said.insert(words.to_owned(), said);
                }
            }
        }
        assert!(tour.said.len() > 50, "{:?}", tour.said.keys());
        tour
    })
}

fn tour() -> &'static Path {
    toured().desk.path()
}

/// `plots/`; brought up to date first, if asked.
fn plots() -> &'static Path {
    static PLOTS: OnceLock<PathBuf> = OnceLock::new();
    PLOTS.get_or_init(|| {
        let plots = root().join("plots");
        if std::env::var_os("UPDATE_PLOTS").is_some() {
            for Shown { from, to, svg, .. } in FIGURES {
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

#[test]
fn plots_are_what_the_pages_draw() {
    let (plots, tour) = (plots(), tour());
    for Shown { from, to, near, .. } in FIGURES {
        let [drawn, kept] = [tour.join(from), plots.join(to)].map(|p| read(p.with_extension("png")));
        let difference = difference(&drawn, &kept);
        println!("{to}: {difference}");
        assert!(difference < near, "plots/{to}.png differs by {difference} of 255 from what is drawn now");
    }
    let mut expected: Vec<String> = FIGURES.iter().map(|f| format!("{}.png", f.to)).collect();
    expected.extend(FIGURES.iter().filter(|f| f.svg).map(|f| format!("{}.svg", f.to)));
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut found: Vec<String> = std::fs::read_dir(plots).unwrap().map(name).collect();
    // What PyTorch trained is drawn by the commands of `docs/your-own-model.md`.
    found.retain(|name| name != "claims" && name != "exported");
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "files in plots/");
}

/// `plots/claims/NAME.json` holds the figures that a recipe ended in, as data; beside it is each of them as it was drawn.
#[test]
fn pictures_of_claims_are_drawn_from_their_numbers() {
    let directory = root().join("plots/claims");
    let table = text(root().join("analyses/README.md"));
    let mut expected = Vec::new();
    for recipe in std::fs::read_dir(root().join("analyses")).unwrap() {
        let path = recipe.unwrap().path();
        if path.extension() != Some("toml".as_ref()) {
            continue;
        }
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let figures: Vec<losscape::figure::Figure> =
            serde_json::from_slice(&read(directory.join(format!("{stem}.json")))).unwrap();
        assert!(!figures.is_empty(), "{stem} draws nothing");
        expected.push(format!("{stem}.json"));
        for figure in &figures {
            let name = if figure.name == stem { stem.clone() } else { format!("{stem}-{}", figure.name) };
            let style = losscape::render::Style { dpi: 100, ..Default::default() };
            let drawn = losscape::render::draw(figure, &style).unwrap().png().unwrap();
            if std::env::var_os("UPDATE_PLOTS").is_some() {
                std::fs::write(directory.join(format!("{name}.png")), &drawn).unwrap();
            }
            let difference = difference(&drawn, &read(directory.join(format!("{name}.png"))));
            assert!(
                difference < 0.01,
                "plots/claims/{name}.png differs by {difference} of 255 from its numbers"
            );
            expected.push(format!("{name}.png"));
        }
        assert!(table.contains(&format!("({stem}.toml)")), "analyses/README.md does not list {stem}.toml");
    }
    let mut found: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "files in plots/claims/");
}

/// A row of the table of claims says what its recipe expects, and the verdicts that follow from the intervals beside them.
#[test]
fn verdicts_of_claims_follow_from_the_effects_beside_them() {
    let table = text(root().join("analyses/README.md"));
    let rows =
        table.lines().filter_map(|line| line.strip_prefix("| [")).filter(|row| row.contains(".toml) | "));
    let mut judged = 0;
    for row in rows {
        let (claim, rest) = row.split_once("](").unwrap();
        let cells: Vec<&str> = rest.split(" | ").collect();
        let recipe: toml::Table =
            text(root().join("analyses").join(cells[0].trim_end_matches(')'))).parse().unwrap();
        assert_eq!(recipe["claim"].as_str(), Some(claim));
        let expected = recipe["expect"].as_array().unwrap();
        let effects: Vec<&str> = cells[2].split("<br>").collect();
        assert_eq!(effects.len(), expected.len(), "{claim}");
        let verdicts: Vec<&str> = effects.iter().zip(expected).map(|(said, e)| verdict(said, e)).collect();
        let all = ["does not hold", "undecided"].into_iter().find(|one| verdicts.contains(one));
        assert_eq!(cells[1], all.unwrap_or("holds"), "{claim}: {verdicts:?}");
        judged += verdicts.len();
    }
    assert!(judged > 50, "{judged}");
}

/// The verdict in `THAT: EFFECT (LOW to HIGH), expected above BOUND: **VERDICT**`, compared with what was expected.
fn verdict<'a>(said: &'a str, expected: &toml::Value) -> &'a str {
    let rest = said.strip_prefix(&format!("{}: ", expected["that"].as_str().unwrap())).expect(said);
    let words: Vec<&str> = rest.split([' ', '(', ')', ',', ':']).filter(|word| !word.is_empty()).collect();
    let [effect, low, "to", high, "expected", side, bound, ..] = words[..] else { panic!("{said}") };
    let [effect, low, high, bound] = [effect, low, high, bound].map(|n| n.parse::<f64>().unwrap());
    let asked = &expected[side];
    assert_eq!(asked.as_float().or(asked.as_integer().map(|n| n as f64)), Some(bound), "{said}");
    assert!(low <= effect && effect <= high, "{said}");
    let verdict = rest.split("**").nth(1).unwrap();
    // As they are rounded, the ends may equal the bound.
    let (worst, best) =
        if side == "above" { (low - bound, high - bound) } else { (bound - high, bound - low) };
    let follows = match verdict {
        "holds" => worst >= 0.0,
        "does not hold" => best <= 0.0,
        _ => worst <= 0.0 && best >= 0.0,
    };
    assert!(follows, "{said}");
    verdict
}

#[test]
fn svg_and_png_are_one_picture() {
    for Shown { to: name, .. } in FIGURES.iter().filter(|f| f.svg) {
        let path = plots().join(name);
        let dpi = losscape::render::Style::default().dpi;
        let drawn = losscape::render::png::encode(&text(path.with_extension("svg")), dpi).unwrap();
        let difference = difference(&drawn, &read(path.with_extension("png")));
        assert!(difference < 0.01, "plots/{name}: the PNG differs by {difference} of 255 from the SVG");
    }
}

#[test]
fn skip_connections_make_the_slice_convex() {
    let pair = json(tour().join("out/pair-draws/slice.json"));
    let of = |label: &str| {
        let all = pair["non_convexity"].as_array().unwrap();
        all.iter().find(|n| n["label"] == label).unwrap().clone()
    };
    let (residual, plain) = (of("residual"), of("plain"));
    // Ten times apart at this number of epochs, a hundred times after 60; the worst draw of one against the best of the other.
    assert!(residual["max"].as_f64().unwrap() < 0.01, "{residual}");
    assert!(plain["min"].as_f64().unwrap() > 0.05, "{plain}");
}

#[test]
fn parts_make_the_whole() {
    for file in ["slice.json", "slice.npz", "directions.safetensors", "contour.svg"] {
        let [whole, merged] = ["out/slice", "out/merged"].map(|d| read(tour().join(d).join(file)));
        assert!(whole == merged, "{file} of the parts differs from that of the whole");
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
    losscape("slice --config analyses/settings/slice.toml --quiet", desk.path());
    losscape("sharpness --config analyses/settings/sharpness.toml --quiet", desk.path());
    for file in ["runs/default/run.json", "out/slice/slice.json", "out/sharpness/sharpness.json"] {
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
    let [recipe, sharpness] =
        ["slice", "sharpness"].map(|name| text(root().join(format!("analyses/settings/{name}.toml"))));
    let (slice, train) = recipe.split_once("[train]").unwrap();
    let style = serde_json::to_value(losscape::render::Style::default()).unwrap();
    let settings = |file: &str| json(tour().join(file))["settings"].clone();
    let parts = [
        (slice, settings("out/slice/slice.json")),
        (slice, style),
        (train, settings("runs/default/run.json")),
        (&sharpness, settings("out/sharpness/sharpness.json")),
    ];
    for (part, settings) in parts {
        for key in settings.as_object().unwrap().keys() {
            let named = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
            assert!(part.lines().any(named), "a recipe does not name {key}");
        }
    }
}

/// A number in prose, with the comment behind it that says where it comes from.
struct Stated {
    number: String,
    source: Option<String>,
}

/// The numbers of a page's prose that are decimal, or have a source: code and links are no prose.
fn stated(page: &str) -> Vec<Stated> {
    let mut prose = String::new();
    for (k, part) in page.split("```").enumerate() {
        if k % 2 == 0 {
            prose += &part.split('`').step_by(2).collect::<Vec<_>>().join(" code ");
        }
    }
    let prose: String = prose
        .split("](")
        .enumerate()
        .map(|(k, p)| if k == 0 { p } else { p.split_once(')').map_or("", |q| q.1) })
        .collect();
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let mut all = Vec::new();
    let mut rest = prose.as_str();
    while let Some(start) = rest.find(digits) {
        let joined = rest[..start].ends_with(|c: char| c.is_alphanumeric() || c == '"');
        let tail = &rest[start..];
        let mut end = tail.find(|c: char| !digits(c)).unwrap_or(tail.len());
        // Spaces separate thousands: `23 700`.
        let thousands = |end: usize| {
            let next = tail[end..].strip_prefix(' ')?;
            let end = next.find(|c: char| !digits(c)).unwrap_or(next.len());
            (end == 3 && !next[..3].contains('.')).then_some(4)
        };
        while let Some(more) = thousands(end) {
            end += more;
        }
        let token = &tail[..end];
        let number = token.trim_end_matches('.');
        let after = &tail[number.len()..];
        let source = after.strip_prefix("<!-- ").and_then(|s| s.split_once(" -->")).map(|s| s.0.to_owned());
        if !joined && (source.is_some() || number.contains('.')) {
            // A hyphen behind a letter joins: `Apache-2.0`.
            let sign = rest[..start].strip_suffix(['-', '\u{2212}']);
            let minus = if sign.is_some_and(|s| !s.ends_with(char::is_alphanumeric)) { "-" } else { "" };
            all.push(Stated { number: format!("{minus}{number}"), source });
        }
        // The rest of a comment is no prose.
        rest = after
            .strip_prefix("<!-- ")
            .and_then(|s| s.split_once("-->"))
            .map_or(&tail[token.len()..], |s| s.1);
    }
    all
}

/// The number at `FILE POINTER`, or the quotient of two, `FILE POINTER over FILE POINTER`; behind it may stand
/// `within NUMBER`: how far it may be from what is stated, where training is chaotic. What is kept in `benches/` is read there,
/// everything else where the commands ran.
fn looked_up(source: &str) -> f64 {
    let source = source.split(" within ").next().unwrap();
    if let Some((over, under)) = source.split_once(" over ") {
        return looked_up(over) / looked_up(under);
    }
    let (file, pointer) = source.split_once(' ').unwrap_or_else(|| panic!("{source}: no pointer"));
    let json = json(if file.starts_with("benches/") { root().join(file) } else { tour().join(file) });
    let value = json.pointer(pointer).unwrap_or_else(|| panic!("{source}: nothing there"));
    value.as_f64().unwrap_or_else(|| panic!("{source}: {value} is no number"))
}

/// Versions of other things, which no command prints.
const VERSIONS: [&str; 5] = ["1.95", "2.0", "4.0", "0.10", "2.15"];

#[test]
fn numbers_in_prose_are_those_that_the_commands_compute() {
    compare_numbers(&PAGES);
}

#[test]
fn rates_are_those_that_are_kept() {
    compare_numbers(&[SPEED]);
}

/// Compares the numbers of pages with where they come from.
fn compare_numbers(pages: &[&str]) {
    let mut compared = 0;
    for page in pages {
        for Stated { number, source } in stated(&text(root().join(page))) {
            let Some(source) = source else {
                assert!(VERSIONS.contains(&number.as_str()), "{page}: where does {number} come from?");
                continue;
            };
            let value = looked_up(&source);
            let decimals = number.split_once('.').map_or(0, |(_, d)| d.len());
            // As it is rounded; other processors may move the last digit by one.
            let digits = number.replace(' ', "");
            let unit = match decimals {
                // `23 700` is rounded to three digits.
                0 if number.contains(' ') => 0.5 * 10_f64.powi(digits.len() as i32 - 3),
                0 => 0.5,
                _ => 1.01 * 0.1_f64.powi(decimals as i32),
            };
            let unit = source.split_once(" within ").map_or(unit, |(_, most)| most.parse().unwrap());
            let shown: f64 = digits.parse().unwrap();
            println!("{page}: {number} is {value} ({source})");
            assert!((value - shown).abs() <= unit, "{page} states {number}, but {source} is {value}");
            compared += 1;
        }
    }
    assert!(compared >= 10, "{compared}");
}

#[test]
fn numbers_are_found_in_prose() {
    let of = |page| stated(page).iter().map(|s| (s.number.clone(), s.source.clone())).collect::<Vec<_>>();
    let source = Some("a.json /b".to_owned());
    assert_eq!(
        of(
            "by 3 and -0.5<!-- a.json /b --> of `0.7`, [x](y-0.8.md) ```\n0.9\n``` in f64.2 and 1.5, 1 234<!-- a.json /b -->."
        ),
        [("-0.5".to_owned(), source.clone()), ("1.5".to_owned(), None), ("1 234".to_owned(), source)]
    );
}

/// A block of text behind `<!-- output of: COMMAND -->` is what the command prints, "..." for what is left out.
#[test]
fn printed_blocks_are_what_is_printed() {
    let mut blocks = 0;
    for page in PAGES {
        let page = text(root().join(page));
        for part in page.split("<!-- output of: ").skip(1) {
            let (command, rest) = part.split_once(" -->\n```text\n").unwrap();
            let said = &toured().said[command];
            for line in rest.split("```").next().unwrap().lines().filter(|line| line.trim() != "...") {
                assert!(
                    said.lines().any(|other| alike(line, other)),
                    "{command} does not print {line:?}: {said}"
                );
            }
            blocks += 1;
        }
    }
    assert!(blocks > 0);
}

/// Whether two lines have the same words, and numbers that differ by no more than another processor makes of them.
fn alike(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(|line| line.split_whitespace().collect::<Vec<_>>());
    let near = |a: &&str, b: &&str| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => (x - y).abs() <= 0.05 * x.abs(),
        _ => a.trim_end_matches(',') == b.trim_end_matches(','),
    };
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| near(a, b))
}

#[test]
fn the_pages_point_at_what_is_there_and_show_every_picture() {
    plots();
    let mut shown = String::new();
    for name in PAGES.iter().chain(&OTHERS) {
        let page = text(root().join(name));
        let here = root().join(name).parent().unwrap().to_owned();
        let quoted = page.split('`').skip(1).step_by(2);
        let is_path = |p: &&str| {
            ["src/", "tests/", "benches/", "plots/", "analyses/", "docs/"].iter().any(|d| p.starts_with(d))
        };
        let quoted = quoted.filter(is_path).filter(|p| !p.contains('*')).map(|p| root().join(p));
        let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let sources = page.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next());
        for link in links.chain(sources).filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = if path.is_empty() { root().join(name) } else { here.join(path) };
            assert!(path.exists(), "{name}: {link}");
            let slug = |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            let there = || text(&path).lines().filter(|l| l.starts_with('#')).any(|l| slug(l) == anchor);
            assert!(anchor.is_empty() || there(), "{name}: {link}");
        }
        quoted.for_each(|path| assert!(path.exists(), "{name}: {}", path.display()));
        shown += &page;
    }
    for Shown { to, .. } in FIGURES {
        assert!(shown.contains(&format!("plots/{to}.png")), "no page shows plots/{to}.png");
    }
}

/// The front page is short: it sells and guides, the rest stands in `docs/`.
#[test]
fn the_front_page_is_short() {
    let words = text(root().join("README.md")).split_whitespace().count();
    assert!(words < 1400, "{words} words");
}
