//! `losscape run` and `losscape width`: files, verdicts, the same bytes whatever was kept, parts, and what is refused.

use crate::bench::Bench;
use serde_json::Value;

/// Four cases of two seeds, each trained in a moment, connected and sliced.
const RECIPE: &str = r#"
title = "A title"
claim = "A claim"
source = "Somebody 2000"
seeds = 2

[train]
data = "spirals"
data-seed = 1
samples = 60
hidden = [4]
epochs = 2

[[vary]]
name = "width"
set = "train.hidden"
values = [3, 5]

[[vary]]
name = "kind"
cases = [
    { name = "relu", set = { "train.activation" = "relu" } },
    { name = "tanh", set = { "train.activation" = "tanh", "train.lr" = "= 0.2 * 2 ^ (width - 6)" } },
]

[pass.slice]
x = "-1:1:5"

[pass.line]
kind = "connect"
curve = "linear"
points = 5

[[measure]]
name = "loss"
label = "training loss"
of = "train.final.train_loss"

[[measure]]
name = "barrier"
of = "line.linear.barrier"

[[measure]]
name = "double"
of = "2 * loss + 0 * width"

[[measure]]
name = "lowest"
curve = "train_loss"
take = "min"

[[measure]]
name = "never"
curve = "train_loss"
falls-to = -1.0
take = "step"

[[expect]]
that = "twice is more"
left = { measure = "double" }
right = { measure = "loss" }
effect = "ratio"
above = 1.9

[[figure]]
name = "over"
x = "width"
by = "kind"
y = ["loss", ["barrier", "double"]]

[[figure]]
name = "kinds"
x = "kind"
y = ["loss"]

[[figure]]
name = "dots"
x = "barrier"
y = ["loss"]

[[figure]]
name = "curves"
curve = ["train_loss"]

[[figure]]
name = "slices"
of = "slice.contour"
where = { width = 5 }
"#;

const FILES: [&str; 14] = [
    "curves.png",
    "curves.svg",
    "dots.png",
    "dots.svg",
    "figures.json",
    "kinds.png",
    "kinds.svg",
    "over.png",
    "over.svg",
    "slices.png",
    "slices.svg",
    "study.csv",
    "study.json",
    "study.npz",
];

fn bench(recipe: &str) -> Bench {
    let bench = Bench::new();
    bench.write("recipe.toml", recipe.as_bytes());
    bench
}

/// Every file of a result but the lock and the record of the machine.
fn result(bench: &Bench, directory: &str) -> Vec<(String, Vec<u8>)> {
    let files = bench.files(directory).into_iter();
    let files = files.map(|(name, bytes)| (name.to_string_lossy().into_owned(), bytes));
    files
        .filter(|(name, _)| {
            name != ".lock"
                && name != "machine.json"
                && !name.starts_with("cases")
                && !name.starts_with("shard-")
        })
        .collect()
}

#[test]
fn a_recipe_ends_in_tables_figures_and_a_verdict() {
    let bench = bench(RECIPE);
    let said = bench.ok("run recipe.toml --dpi 20 --json --quiet --threads 2 --out a").stdout;
    let found: Vec<String> = result(&bench, "a").into_iter().map(|f| f.0).collect();
    assert_eq!(found, FILES);
    let study: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(study, bench.json("a/study.json"));
    assert_eq!((&study["verdict"], &study["scale"]), (&"holds".into(), &"full".into()));
    assert_eq!(study["expected"][0]["effect"], 2.0);
    let arrays = bench.npz("a/study.npz");
    let array = |name: &str| arrays.get(name).unwrap().to_f64();
    assert_eq!(arrays.get("loss").unwrap().shape, [2, 2, 2]);
    assert_eq!((array("width"), array("seed")), (vec![3.0, 5.0], vec![0.0, 1.0]));
    // The same as the command by itself, with the case's settings: width 5, tanh, seed 1.
    bench.ok(
        "train --data spirals --data-seed 1 --samples 60 --hidden 5 --activation tanh --lr 0.1 --epochs 2 --seed 1 \
         --quiet --out runs/a",
    );
    let alone = bench.json("runs/a/run.json");
    assert_eq!(alone["final"]["train_loss"], array("loss")[7]);
    for (double, loss) in array("double").iter().zip(array("loss")) {
        assert_eq!(*double, 2.0 * loss);
    }
    assert!(array("lowest").iter().zip(array("loss")).all(|(low, loss)| *low <= loss));
    assert!(array("never").iter().all(|x| x.is_nan()));
    let csv = String::from_utf8(bench.bytes("a/study.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!((lines.len(), lines[0]), (9, "width,kind,seed,loss,barrier,double,lowest,never"));
    assert!(lines[8].starts_with("5,tanh,1,"), "{csv}");
    let case = &study["cases"][3];
    assert_eq!((&case["width"], &case["kind"]), (&"5".into(), &"tanh".into()));
    let losses = array("loss");
    assert_eq!(case["loss"]["median"], (losses[6] + losses[7]) / 2.0);
    bench.ok("plot a --dpi 20 --out again");
    for name in ["over.svg", "slices.svg", "kinds.png"] {
        assert!(bench.bytes(&format!("again/{name}")) == bench.bytes(&format!("a/{name}")), "{name}");
    }
}

#[test]
fn figures_are_tables_over_names_panels_for_points_and_all_seeds_of_curves() {
    let more = r#"
[[figure]]
name = "table"
x = "width"
grid = "kind"
y = ["loss"]

[[figure]]
name = "apart"
x = "width"
panels = "kind"
y = ["loss"]

[[figure]]
name = "lines"
of = "line.paths"
where = { width = 5, kind = "tanh" }
"#;
    let bench = bench(&format!("{RECIPE}{more}"));
    bench.ok("run recipe.toml --dpi 20 --quiet --out a");
    let loss = bench.npz("a/study.npz").get("loss").unwrap().to_f64();
    let median = |case: usize| (loss[2 * case] + loss[2 * case + 1]) / 2.0;
    let figures = bench.json("a/figures.json");
    let named = |name: &str| figures.as_array().unwrap().iter().find(|f| f["name"] == name).unwrap();
    // Cases go over the widths first: a row a kind, a column a width.
    let (table, panel) = (named("table"), &named("table")["panels"][0]);
    assert_eq!(table["chart"], "matrix");
    assert_eq!(panel["grids"][0]["values"], serde_json::json!([0, 2, 1, 3].map(median)));
    let names: Vec<&Value> = panel["marks"].as_array().unwrap().iter().map(|m| &m["label"]).collect();
    assert_eq!(names, ["relu", "tanh", "3", "5"]);
    assert_eq!((&panel["x"]["label"], &panel["y"]["label"]), (&"width".into(), &"".into()));
    let panels = named("apart")["panels"].as_array().unwrap();
    assert_eq!(panels.iter().map(|p| &p["title"]).collect::<Vec<_>>(), ["relu", "tanh"]);
    assert_eq!(panels[1]["series"][0]["y"], serde_json::json!([1, 3].map(median)));
    // Curves of an analysis: their median with quartiles, and a thin one a seed.
    let series = named("lines")["panels"][0]["series"].as_array().unwrap();
    let thin = series.iter().filter(|s| s["style"] == "faint").count();
    assert!(thin >= 2 && thin % 2 == 0 && series[0]["band"].is_array(), "{series:?}");
    for (key, expected) in [
        ("panels = \"width\"", "expected an axis that is neither `x` nor `by`"),
        ("grid = \"width\"", "expected two axes, as `x` and `grid`, found `width` twice"),
        ("panels = \"kinds\"", "did you mean `kind`"),
    ] {
        let wrong = format!("{RECIPE}\n[[figure]]\nname = \"wrong\"\nx = \"width\"\n{key}\ny = [\"loss\"]\n");
        bench.write("wrong.toml", wrong.as_bytes());
        let said = bench.run("run wrong.toml --out b");
        assert!(said.code == Some(2) && said.stderr.contains(expected), "{}", said.stderr);
    }
}

/// A rate at which the second step is none any more.
const DIVERGES: &str = r#"
claim = "A step can be too long"

[train]
data = "spirals"
hidden = [4]
loss = "squared-error"
lr = 1e100
batch-size = 100
precision = "f64"
epochs = 2

[pass.step]
kind = "travel"
step = 1
kernel-samples = 0

[pass.travel]
kernel-samples = 0

[[measure]]
name = "diverged"
of = "train.diverged"

[[measure]]
name = "first"
of = "step.distance"

[[measure]]
name = "last"
of = "travel.distance"

[[measure]]
name = "theory"
of = "2 * first"
dashed = true

[[figure]]
name = "first"
x = "diverged"
y = [["first", "theory"]]
"#;

#[test]
fn the_first_step_is_measured_where_the_end_is_none_and_a_theory_is_a_dashed_line() {
    let bench = bench(DIVERGES);
    bench.ok("run recipe.toml --dpi 20 --quiet --out a");
    let arrays = bench.npz("a/study.npz");
    let array = |name: &str| arrays.get(name).unwrap().to_f64()[0];
    assert_eq!(array("diverged"), 1.0);
    assert!(array("first") > 1e90 && array("last").is_nan());
    let figures = bench.json("a/figures.json");
    let series = figures[0]["panels"][0]["series"].as_array().unwrap();
    let look: Vec<&Value> = series.iter().map(|s| &s["style"]).collect();
    assert_eq!(look, ["marked", "dashed"]);
    assert_eq!((&series[0]["label"], &series[1]["label"]), (&"".into(), &"".into()));
    assert_eq!(series[1]["y"][0].as_f64(), series[0]["y"][0].as_f64().map(|y| 2.0 * y));
}

#[test]
fn kept_cases_other_threads_and_parts_give_the_same_bytes() {
    let bench = bench(RECIPE);
    bench.ok("run recipe.toml --dpi 20 --quiet --threads 2 --out whole");
    bench.ok("run recipe.toml --dpi 20 --quiet --threads 1 --out one");
    assert!(result(&bench, "whole") == result(&bench, "one"), "threads");
    // Some cases are lost, as after a stop.
    let cases: Vec<_> =
        std::fs::read_dir(bench.path("one/cases")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(cases.len(), 8);
    cases[..3].iter().for_each(|path| std::fs::remove_file(path).unwrap());
    std::fs::remove_file(bench.path("one/study.json")).unwrap();
    let said = bench.ok("run recipe.toml --dpi 20 --out one").stderr;
    assert!(said.contains("5 of 8 were computed before and are kept"), "{said}");
    assert!(result(&bench, "whole") == result(&bench, "one"), "resumed");
    for part in ["0/3", "1/3", "2/3"] {
        let said = bench.ok(&format!("run recipe.toml --shard {part} --out parts")).stdout;
        assert!(said.contains(&format!("part {part} is complete")), "{said}");
        assert!(!bench.path("parts/study.json").exists());
    }
    let said = bench.ok("run recipe.toml --dpi 20 --out parts").stderr;
    assert!(said.contains("8 of 8 were computed before and are kept"), "{said}");
    assert!(result(&bench, "whole") == result(&bench, "parts"), "parts");
    // A figure more computes nothing that is there already.
    bench.write(
        "recipe.toml",
        RECIPE.replace("that = \"twice is more\"", "that = \"two is more\"").as_bytes(),
    );
    let said = bench.ok("run recipe.toml --dpi 20 --out whole").stderr;
    assert!(said.contains("8 of 8 were computed before"), "{said}");
    let said = bench.ok("run recipe.toml --dpi 20 --fresh --out whole").stderr;
    assert!(said.contains("8 to compute"), "{said}");
}

#[test]
fn a_killed_study_goes_on_to_the_same_bytes() {
    let bench = bench(RECIPE);
    let words = "run recipe.toml --set train.epochs=60 --dpi 20 --quiet --out";
    let length = bench.ok(&format!("{words} whole")).took;
    bench.killed(&format!("{words} cut"), length, 5);
    bench.ok(&format!("{words} cut"));
    assert!(result(&bench, "whole") == result(&bench, "cut"));
}

#[test]
fn batches_too_small_for_statistics_join_others_and_that_is_said_once() {
    let bench = bench(RECIPE);
    let changes = "--set train.samples=65 --set train.batch-size=64 --set train.norm=batch";
    let said = bench.run(&format!("run recipe.toml {changes} --dpi 20 --out o")).stderr;
    assert_eq!(said.matches("joins the batch before it").count(), 1, "{said}");
}

#[test]
fn a_claim_that_fails_or_stays_open_ends_with_code_3() {
    let fails = bench(&RECIPE.replace("above = 1.9", "above = 2.1"));
    let said = fails.run("run recipe.toml --dpi 20 --quiet --out a");
    assert_eq!(said.code, Some(3));
    assert!(said.stderr.contains("run: recipe: the claim: does not hold"), "{}", said.stderr);
    let quick = fails.ok("run recipe.toml --quick --dpi 20 --out quick").stdout;
    assert!(quick.contains("at smoke scale"), "{quick}");
    let open = fails.run("run recipe.toml --seeds 1 --dpi 20 --quiet --out b");
    assert!(open.code == Some(3) && open.stderr.contains("undecided"), "{}", open.stderr);
}

#[test]
fn what_a_recipe_does_not_know_is_answered_before_anything_is_trained() {
    for (from, to, expected) in [
        ("hidden = [4]", "hiden = [4]", "did you mean `hidden`"),
        ("set = \"train.hidden\"", "set = \"train.hiden\"", "did you mean `hidden`"),
        ("set = \"train.hidden\"", "set = \"trian.hidden\"", "did you mean `train`"),
        ("of = \"line.linear.barrier\"", "of = \"line.linear.barier\"", "did you mean `line.linear.barrier`"),
        ("of = \"line.linear.barrier\"", "of = \"lines.linear.barrier\"", "did you mean `line`"),
        ("kind = \"connect\"", "kind = \"conect\"", "did you mean `connect`"),
        ("x = \"-1:1:5\"", "x = \"-1:1\"", "min:max:n"),
        ("points = 5", "pionts = 5", "did you mean `points`"),
        ("x = \"width\"", "x = \"widht\"", "did you mean `width`"),
        ("of = \"slice.contour\"", "of = \"slice.contuor\"", "did you mean `contour`"),
        ("where = { width = 5 }", "where = { width = 6 }", "expected one of 3, 5, found `6`"),
        ("right = { measure = \"loss\" }", "right = { measure = \"los\" }", "did you mean `loss`"),
        ("2 * loss + 0 * width", "2 * loss + * width", "expected a number, a name or a bracket"),
        ("seeds = 2", "seeds = 0", "expected 1 to 10000, found 0"),
        ("2 ^ (width - 6)", "2 ^ (widht - 6)", "did you mean `width`"),
        ("2 ^ (width - 6)", "2 ^ (kind - 6)", "expected"),
        ("2 ^ (width - 6)", "2 ^ (width - 6", "expected `)`"),
        ("2 ^ (width - 6)", "2 ^ (5000 * width)", "expected a finite number"),
        ("curve = \"train_loss\"\ntake", "curve = \"train_los\"\ntake", "did you mean `train_loss`"),
        ("[[figure]]\nname = \"dots\"", "[[figur]]\nname = \"dots\"", "did you mean `figure`"),
    ] {
        assert!(RECIPE.contains(from), "{from}");
        let bench = bench(&RECIPE.replacen(from, to, 1));
        let said = bench.run("run recipe.toml --out a");
        assert_eq!(said.code, Some(2), "{to}: {}", said.stderr);
        let error = said.stderr;
        assert!(error.starts_with("error: ") && error.contains(expected), "{to}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!bench.path("a").exists(), "{to}");
    }
    let bench = bench(RECIPE);
    for (flags, expected) in [
        ("--set train.epoch=3", "did you mean `epochs`"),
        ("--set epochs=3", "SECTION.KEY=VALUE"),
        ("--scale quik", "did you mean `quick`"),
        ("--shard 3/3", "--shard"),
        ("--seeds 0", "1 to 10000"),
    ] {
        let said = bench.run(&format!("run recipe.toml {flags} --out a"));
        assert!(said.code == Some(2) && said.stderr.contains(expected), "{flags}: {}", said.stderr);
    }
}

#[test]
fn a_plan_computes_nothing_and_changes_reach_every_case() {
    let bench = bench(RECIPE);
    let plan = bench.ok("run recipe.toml --plan --out a").stdout;
    assert!(plan.contains("width 5, kind tanh, seed 1: ") && plan.contains("in all "), "{plan}");
    assert!(!bench.path("a").exists());
    bench.ok("run recipe.toml --set train.epochs=1 --dpi 20 --quiet --out b");
    let shape = bench.npz("b/study.npz").get("curve_epoch").unwrap().shape.clone();
    assert_eq!(shape, [2, 2, 2, 2]);
}

#[test]
fn width_is_a_study_of_its_own() {
    let bench = Bench::new();
    bench.ok("width --quick --widths 2,6 --seeds 2 --dpi 20 --quiet --out w");
    let arrays = bench.npz("w/width.npz");
    assert_eq!(arrays.get("width").unwrap().to_f64(), [2.0, 6.0]);
    assert_eq!(arrays.get("test_loss").unwrap().shape, [2, 2]);
    let width = bench.json("w/width.json");
    assert_eq!(width["command"], "width");
    // The recipe expects something of widths that were not asked for.
    assert_eq!(width["not_judged"].as_array().unwrap().len(), 2, "{}", width["not_judged"]);
    assert_eq!(width["cases"][1]["parameters"]["median"], (64 * 6 + 6 + 6 * 10 + 10) as f64);
    bench.ok("plot w --dpi 20 --out again");
    assert!(bench.bytes("again/width.svg") == bench.bytes("w/width.svg"));
}

/// Analyses of several networks train as many; one that measures time runs alone, and the workers' numbers come with it.
#[test]
fn any_pass_can_be_measured() {
    let recipe = r#"
        title = "All in one"
        seeds = 2
        [train]
        data = "spirals"
        samples = 60
        hidden = [4]
        epochs = 2
        batch-size = 20
        workers = 2
        norm = "batch"
        [pass.minima]
        count = 3
        points = 5
        [pass.simplex]
        epochs = 1
        points = 4
        members = 2
        plane = 0
        [pass.range]
        kind = "lr-range"
        steps = 20
        lr-min = 0.001
        [pass.scaling]
        repeat = 1
        [[measure]]
        name = "barrier"
        of = "minima.over_pairs.train_barrier.median"
        [[measure]]
        name = "volume"
        of = "simplex.complex.mean_train_loss"
        [[measure]]
        name = "rate"
        of = "range.steps"
        [[measure]]
        name = "difference"
        of = "scaling.difference"
        [[measure]]
        name = "same"
        of = "minima.over_pairs.distance.min > 0"
    "#;
    let bench = bench(recipe);
    let said = bench.ok("run recipe.toml --out o --dpi 20");
    // The table grows on standard error, a line a case below the names of the measures.
    let table = said.stderr.lines().skip_while(|line| !line.contains("difference")).count();
    assert!(table >= 3, "{}", said.stderr);
    let study = bench.json("o/study.json");
    let found = |name: &str| study["cases"][0][name]["median"].as_f64();
    for name in ["barrier", "volume", "rate", "difference", "same"] {
        assert!(found(name).is_some_and(|x| x.is_finite() && x >= 0.0), "{name}: {:?}", found(name));
    }
    assert_eq!(found("same"), Some(1.0), "three networks of three seeds");
}

#[test]
fn every_recipe_runs_at_smoke_scale() {
    let bench = Bench::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/analyses");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut recipes: Vec<_> = paths.filter(|path| path.extension() == Some("toml".as_ref())).collect();
    recipes.sort();
    assert!(recipes.len() > 20, "{recipes:?}");
    let words = ["run", "--quick", "--dpi", "20", "--quiet", "--out", "all"];
    let paths = recipes.iter().map(|path| path.to_str().unwrap());
    let said = bench.run_with(&words.into_iter().chain(paths).collect::<Vec<_>>());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    for path in &recipes {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let study = bench.json(&format!("all/{stem}/study.json"));
        for key in ["title", "claim", "source"] {
            assert!(study[key].as_str().is_some_and(|text| text.len() > 10), "{stem}: {key}");
        }
        assert!(
            study["scale"] == "quick" && study["measures"].as_array().is_some_and(|m| !m.is_empty()),
            "{stem}"
        );
        let seconds = bench.json(&format!("all/{stem}/machine.json"))["seconds"].as_f64().unwrap();
        println!("{stem}: {seconds} s");
    }
}
