//! TOML under the flags: the same keys, the flags on top, faults named with their place.

use crate::bench::{Bench, GRID, at};
use serde_json::Value;

#[test]
fn keys_are_those_of_the_flags_which_override_them() {
    let bench = Bench::new();
    bench.write(
        "c.toml",
        "epochs = 1\nhidden = [4, 3]\nactivation = \"tanh\"\nmomentum = 0.5\nnesterov = true\nout = \"from-file\"\n\
         quiet = true\njson = true\nthreads = 1\nsamples = 50\ndpi = 20\ncmap = \"magma\"\nlr = 1\n",
    );
    let outcome = bench.ok("train --config c.toml --momentum 0.25 --lr 0.5");
    assert_eq!(outcome.stderr, "");
    let run = bench.json("from-file/run.json");
    for (path, value) in [
        ("settings.model.hidden", serde_json::json!([4, 3])),
        ("settings.model.activation", "tanh".into()),
        ("settings.optimizer.momentum", 0.25.into()),
        ("settings.optimizer.nesterov", true.into()),
        ("settings.lr", 0.5.into()),
        ("settings.samples", 50.into()),
    ] {
        assert_eq!(at(&run, path), &value, "{path}");
    }
    bench.ok("train --config c.toml --out from-flag");
    assert!(bench.path("from-flag/run.json").exists());
}

#[test]
fn hidden_widths_may_be_written_as_on_the_command_line() {
    let bench = Bench::new();
    for (text, widths) in [("24", "[24]"), ("\"5,6\"", "[5,6]"), ("\"none\"", "[]"), ("[]", "[]")] {
        bench.write("c.toml", format!("hidden = {text}\nepochs = 0\ndpi = 20\nout = \"r\""));
        bench.ok("train --config c.toml");
        let run = bench.json("r/run.json");
        assert_eq!(at(&run, "settings.model.hidden").to_string(), widths, "{text}");
    }
}

#[test]
fn faults_name_the_file_and_the_key() {
    let bench = Bench::new();
    for (text, at, hint) in [
        ("epcohs = 1", "c.toml: key", "did you mean `epochs`?"),
        ("data_seed = 1", "c.toml: key", "did you mean `data-seed`?"),
        ("epochs = \"x\"", "c.toml: epochs", "a whole number of at least 0, found \"x\""),
        ("epochs = -1", "c.toml: epochs", "found -1"),
        ("lr = \"fast\"", "c.toml: lr", "a number"),
        ("hidden = \"24,x\"", "c.toml: hidden", "found \"x\""),
        ("[model]\nkind = \"mlp\"\nhiden = [3]", "c.toml: model", "did you mean `hidden`?"),
        ("model = 3", "c.toml: model", "`kind`"),
        ("threads = \"x\"", "c.toml: threads", "a whole number"),
        ("run = 3", "c.toml: key", "`run`"),
        ("out = 3", "c.toml: out", "a path"),
        ("cmap = \"virids\"", "c.toml: cmap", "did you mean `viridis`?"),
        ("lr = nan", "--lr", "NaN"),
    ] {
        bench.write("c.toml", text);
        let line = bench.refused("train --config c.toml --out new", at);
        assert!(line.contains(hint), "{text}: {line}");
    }
    for (text, line) in [("epochs = 1\nepochs = 2", "line 2"), ("\n\nlr = ", "line 3"), ("x = [[", "line 1")]
    {
        bench.write("c.toml", text);
        let outcome = bench.run("train --config c.toml --out new");
        assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(2), 1), "{text}");
        assert!(outcome.stderr.starts_with(&format!("error: c.toml: {line}: ")), "{}", outcome.stderr);
    }
    bench.write("c.toml", format!("x = {}", "[".repeat(100_000)));
    assert_eq!(bench.run("train --config c.toml").code, Some(2));
    bench.write("c.toml", b"a\xff = 1");
    bench.refused("train --config c.toml", "c.toml: expected text in UTF-8");
    bench.refused("train --config none.toml", "none.toml");
    bench.refused("train --config .", ".: ");
}

#[test]
fn a_slice_takes_its_network_from_a_table() {
    let bench = Bench::new();
    let config = |epochs: usize| {
        let text = format!(
            "x = \"-1:1:3\"\ny = \"-1:1:3\"\ndpi = 20\n[train]\nepochs = {epochs}\nhidden = [4]\nsamples = 60"
        );
        bench.write("c.toml", text);
    };
    config(1);
    bench.ok("slice --config c.toml");
    assert_eq!(at(&bench.json("runs/default/run.json"), "settings.epochs"), 1);
    bench.ok("slice --config c.toml --out again");
    assert_eq!(bench.files("again"), bench.files("out/slice"));
    config(2);
    let line = bench.refused("slice --config c.toml --out new", "runs/default");
    assert!(line.contains("[train]"), "{line}");
    let line = bench.refused("slice --config c.toml --run runs/default --out new", "--run");
    assert!(line.contains("[train]"), "{line}");
    // Without a table, the network that is there will do.
    bench.ok(&format!("slice {GRID}"));
    bench.write("c.toml", "[train]\nepohs = 2");
    bench.refused("slice --config c.toml", "c.toml: train: key");
    bench.write("c.toml", "train = 3");
    bench.refused("slice --config c.toml", "c.toml: train");
}

#[test]
fn data_and_plot_read_files_too() {
    let bench = Bench::new();
    bench.write("c.toml", "data = \"blobs:classes=4\"\ndpi = 20\nout = \"d\"");
    bench.ok("data --config c.toml");
    assert_eq!(bench.json("d/data.json")["classes"], 4);
    bench.ok("data spirals --config c.toml");
    assert_eq!(bench.json("d/data.json")["classes"], 2);
    assert!(bench.path("d/samples.png").exists());
}

#[test]
fn a_sheet_of_other_data_does_not_stay() {
    let bench = Bench::new();
    bench.ok("data blobs --out d --dpi 20");
    assert!(bench.path("d/samples.svg").exists());
    let said = bench.ok("data blobs:dimension=5 --out d").stdout;
    assert!(said.contains("no picture"), "{said}");
    assert!(!bench.path("d/samples.svg").exists() && !bench.path("d/samples.png").exists());
}

/// The recipes of `analyses/` name every setting, and change none.
#[test]
fn recipes_are_the_default_jobs_with_every_setting_named() {
    let bench = Bench::new();
    let value = |of: Result<Value, serde_json::Error>| of.unwrap();
    let style = value(serde_json::to_value(losscape::render::Style::default()));
    let train = value(serde_json::to_value(losscape::train::TrainSettings::default()));
    let band = value(serde_json::to_value(losscape::train::BandSettings::default().resolved()));
    let minima = value(serde_json::to_value(losscape::analyses::MinimaSettings::default()));
    let connect = value(serde_json::to_value(losscape::analyses::ConnectSettings::default()));
    let instability = value(serde_json::to_value(losscape::analyses::InstabilitySettings::default()));
    // What has no part in where training ends is refused there.
    let mut branched = train.clone();
    let beside =
        ["target-loss", "target-gradient", "best", "ema", "swa", "snapshots", "probe", "probe-samples"];
    branched.as_object_mut().unwrap().retain(|key, _| !beside.contains(&key.as_str()));
    // Settings, and the table that they stand in.
    let jobs = [
        (
            "connect",
            "--epochs 1 --points 3 --plane 0 --samples 100",
            vec![(None, &connect), (None, &style), (Some("band"), &band), (Some("train"), &train)],
        ),
        (
            "minima",
            "--count 3 --epochs 1 --points 3 --samples 100",
            vec![(None, &minima), (None, &train), (None, &style), (Some("band"), &band)],
        ),
        (
            "instability",
            "--seeds 1 --branch 0,5 --epochs 1 --points 3 --samples 100",
            vec![(None, &instability), (None, &branched), (None, &style)],
        ),
    ];
    for (command, small, all) in jobs {
        let path = format!("{}/analyses/settings/{command}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap();
        // Tables follow the settings of the command, each up to the next one.
        let part = |name: Option<&str>| -> String {
            let start = name.map_or(0, |name| text.find(&format!("\n[{name}]")).unwrap() + 1);
            let rest = &text[start..];
            rest[..rest[1..].find("\n[").map_or(rest.len(), |end| end + 1)].to_owned()
        };
        for (table, settings) in all {
            let part = part(table);
            for key in settings.as_object().unwrap().keys() {
                let named = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
                assert!(part.lines().any(named), "{command}.toml does not name {key} in {table:?}");
            }
        }
        // Networks that both use are trained once.
        bench.ok(&format!("{command} --config {path} {small} --quiet --dpi 20 --out {command}/recipe"));
        bench.ok(&format!("{command} {small} --quiet --dpi 20 --out {command}/default"));
        let [recipe, default] =
            ["recipe", "default"].map(|d| bench.json(&format!("{command}/{d}/{command}.json")));
        assert_eq!(recipe, default, "{command}");
    }
    // Bands are recorded where they are relaxed: with the settings of the table, which are those without.
    let small = "--curve linear --points 3 --plane 0 --samples 100 --neb";
    let path = format!("{}/analyses/settings/connect.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    let mut only = toml::Table::new();
    let mut band = table["band"].as_table().unwrap().clone();
    band.insert("cycles".to_owned(), 1.into());
    band.insert("steps".to_owned(), 2.into());
    only.insert("band".to_owned(), band.into());
    bench.write("full.toml", only.to_string());
    bench.write("few.toml", "[band]\ncycles = 1\nsteps = 2\n");
    for name in ["full", "few"] {
        bench.ok(&format!("connect {small} --config {name}.toml --quiet --dpi 20 --out {name}"));
    }
    assert_eq!(bench.json("full/connect.json"), bench.json("few/connect.json"));
}
