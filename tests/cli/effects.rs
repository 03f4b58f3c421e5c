//! A setting that is read has an effect, or is refused: every setting of every loss, and every setting of an archive, at every
//! door by which data and networks come in.

use crate::bench::{Bench, at};
use losscape::base::npz::Npz;
use losscape::base::registry::{Registry, settings_of};
use losscape::data::NpzFile;
use losscape::nn::losses::Loss;
use serde_json::Value;
use std::path::Path;

/// Samples and features of the arrays here.
const SAMPLES: usize = 16;
const FEATURES: usize = 6;

/// Numbers without a pattern.
fn mixed(n: usize, salt: usize) -> Vec<f64> {
    (0..n).map(|i| ((i * 37 + salt * 101) % 89) as f64 / 30.0 - 1.5).collect()
}

fn bench() -> Bench {
    let bench = Bench::new();
    for name in ["mlp.pt2", "logits.pt2", "tokens.pt2", "tokens.npz"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exported").join(name);
        bench.write(name, std::fs::read(from).unwrap());
    }
    let x = mixed(SAMPLES * FEATURES, 0);
    let classes: Vec<i64> = (0..SAMPLES as i64).map(|i| i * 5 % 3).collect();
    let weights: Vec<f64> = (0..SAMPLES).map(|i| (i % 4) as f64 / 2.0).collect();
    // Of classes, of two classes, of values.
    let two: Vec<i64> = classes.iter().map(|c| c % 2).collect();
    let values = mixed(SAMPLES * 3, 1).into_iter().map(f64::abs).collect::<Vec<_>>();
    let mut all = [Npz::default(), Npz::default(), Npz::default(), Npz::default()];
    for npz in &mut all[..3] {
        npz.push("x", &[SAMPLES, FEATURES], x.clone());
        npz.push("sample_weight", &[SAMPLES], weights.clone());
    }
    all[0].push("y", &[SAMPLES], classes.clone());
    all[1].push("y", &[SAMPLES], two.clone());
    all[2].push("y", &[SAMPLES, 3], values);
    // With arrays to choose from.
    for (part, salt) in [("train", 0), ("test", 2)] {
        all[3].push(&format!("{part}_x"), &[SAMPLES, FEATURES], mixed(SAMPLES * FEATURES, salt));
        all[3].push(&format!("{part}_y"), &[SAMPLES], classes.clone());
        all[3].push(&format!("{part}_weight"), &[SAMPLES], weights.clone());
    }
    all[3].push("other_x", &[SAMPLES, FEATURES], mixed(SAMPLES * FEATURES, 3));
    all[3].push("other_y", &[SAMPLES], two);
    all[3].push("other_weight", &[SAMPLES], mixed(SAMPLES, 4).into_iter().map(f64::abs).collect::<Vec<_>>());
    for (npz, name) in all.iter().zip(["classes", "two", "values", "parts"]) {
        npz.write(&bench.path(&format!("{name}.npz"))).unwrap();
    }
    let row = |i: usize| {
        let x: Vec<String> = x[i * FEATURES..][..FEATURES].iter().map(ToString::to_string).collect();
        format!("{},{},{}\n", x.join(","), weights[i], classes[i])
    };
    bench.write("classes.csv", "a,b,c,d,e,f,w,y\n".to_owned() + &(0..SAMPLES).map(row).collect::<String>());
    bench
}

/// What a request comes to: its losses on training and test samples, or why it is refused.
type Found = Result<[f64; 2], String>;

/// The losses of a network of layers at initialization.
fn of_layers(bench: &Bench, data: &str, loss: &str) -> Found {
    let flags = "--hidden 4 --epochs 0 --dpi 20 --quiet --out r";
    let run = bench.run(&format!("train --data {data} --loss {loss} {flags}"));
    match run.code {
        Some(0) => {
            let record = bench.json("r/run.json");
            std::fs::remove_dir_all(bench.path("r")).unwrap();
            Ok(["train_loss", "test_loss"].map(|k| at(&record, "final")[k].as_f64().unwrap_or(f64::NAN)))
        }
        _ => Err(refusal(run.stderr)),
    }
}

/// What `inspect` says of a graph.
fn inspected(bench: &Bench, graph: &str, data: &str, loss: &str) -> Result<Value, String> {
    let loss = if loss.is_empty() { String::new() } else { format!("--loss {loss}") };
    let run = bench.run(&format!("inspect {graph} --data {data} {loss} --along sine --precision f64 --json"));
    match run.code {
        Some(0) => Ok(serde_json::from_str(&run.stdout).unwrap()),
        _ => Err(refusal(run.stderr)),
    }
}

fn of_graph(bench: &Bench, graph: &str, data: &str, loss: &str) -> Found {
    inspected(bench, graph, data, loss).map(|found| [found["loss"].as_f64().unwrap(); 2])
}

/// The last line of what was said, which refuses.
fn refusal(said: String) -> String {
    let line = said.lines().last().unwrap_or_default();
    assert!(line.starts_with("error: ") && line.contains("expected "), "{said}");
    line.to_owned()
}

/// Refuses a changed setting that has no effect.
fn tell(what: &str, usual: &Found, changed: &Found) {
    let usual = usual.as_ref().unwrap_or_else(|e| panic!("{what}: {e}"));
    if let Ok(changed) = changed {
        let same = |i: usize| (usual[i] - changed[i]).abs() <= 1e-9 * usual[i].abs() || usual[i].is_nan();
        assert!(!(same(0) && same(1)), "{what}: {usual:?} whatever it is");
    }
}

/// A loss with another value of each of its settings.
const LOSSES: [(&str, &str, &str); 8] = [
    ("cross-entropy", "smoothing", "0.1"),
    ("cross-entropy", "weights", "[1,3,2]"),
    ("cross-entropy", "weights", "[1,3]"),
    ("cross-entropy", "ignore", "1"),
    ("huber", "delta", "0.1"),
    ("hinge", "squared", "true"),
    ("hinge", "single", "true"),
    ("logistic", "single", "true"),
];

#[test]
fn settings_of_losses_change_the_loss_or_are_refused() {
    for kind in Loss::all() {
        for setting in kind.settings().keys() {
            let tried = LOSSES.iter().any(|(name, key, _)| *name == kind.name() && key == setting);
            assert!(tried, "{}:{setting} has no line in the table", kind.name());
        }
    }
    let bench = bench();
    let weighted = "classes.npz,weights=none";
    let layers = [
        "blobs:samples=40".to_owned(),
        "csv:file=classes.csv,drop=w".to_owned(),
        format!("npz:file={weighted}"),
        "npz:file=two.npz,weights=none".to_owned(),
    ];
    for (loss, setting, value) in LOSSES {
        let changed = format!("{loss}:{setting}={value}");
        for data in &layers {
            let [usual, changed] = [loss, &changed].map(|loss| of_layers(&bench, data, loss));
            tell(&format!("{loss}:{setting}={value} on {data}"), &usual, &changed);
        }
        let values = matches!(loss, "huber" | "logistic");
        // Answers of two classes are answers of one logit; of three values they are none.
        let data = if loss == "cross-entropy" {
            "npz:file=classes.npz,weights=none"
        } else {
            "npz:file=values.npz,weights=none"
        };
        let data = if loss == "logistic" { None } else { Some(data) };
        if let Some(data) = data {
            let of = |loss: &str| of_graph(&bench, "logits.pt2", data, loss);
            let (usual, changed) = (of(loss), of(&changed));
            assert!(usual.is_ok() || !values && loss == "hinge", "{loss} on {data}: {usual:?}");
            if usual.is_ok() {
                tell(&format!("{changed:?} of a graph without a loss"), &usual, &changed);
            }
        }
        let of = |loss: &str| of_graph(&bench, "mlp.pt2", "npz:file=classes.npz", loss);
        assert!(of("").is_ok() && of(&changed).is_err_and(|e| e.contains("its own")), "{changed}");
    }
    let refused = |found: Found, what: &str| {
        let said = found.unwrap_err();
        assert!(said.contains(what), "{said}");
    };
    refused(of_layers(&bench, &layers[0], "cross-entropy:ignore=1"), "leave label 1 out (ignore=1)");
    refused(of_layers(&bench, "npz:file=values.npz", "logistic:single=true"), "--data");
    refused(of_graph(&bench, "logits.pt2", "npz:file=values.npz", "logistic"), "from 0 to 1");
    refused(
        of_graph(&bench, "logits.pt2", &format!("npz:file={weighted}"), "cross-entropy:weights=[1,2,3]"),
        "without weights",
    );
    // What one number leaves out, another one does not.
    refused(
        of_layers(&bench, "npz:file=classes.npz,ignore=2", "cross-entropy:ignore=1"),
        "leave label 1 out",
    );
    assert!(of_layers(&bench, "csv:file=classes.csv,drop=w,ignore=1", "cross-entropy:ignore=1").is_ok());
}

/// Each setting of an archive, by another value.
fn tried(setting: &str) -> &'static str {
    match setting {
        "x" => "x=other_x,y=train_y",
        "y" => "x=train_x,y=other_y",
        "test-x" => "x=train_x,y=train_y,test-x=other_x,test-y=test_y",
        "test-y" => "x=train_x,y=train_y,test-x=test_x,test-y=other_y",
        "task" => "task=regression",
        "first" => "first=-1",
        "channels" => "channels=last",
        "drop" => "drop=[1]",
        "test" => "test=0.5",
        "weights" => "weights=other_weight",
        "test-weights" => "test-weights=other_weight",
        "ignore" => "ignore=1",
        "tokens" => "tokens=true",
        other => panic!("no other value of {other}"),
    }
}

#[test]
fn settings_of_an_archive_change_the_loss_or_are_refused() {
    let bench = bench();
    let usual = of_layers(&bench, "npz:file=parts.npz", "hinge");
    let graph = of_graph(&bench, "logits.pt2", "npz:file=classes.npz", "cross-entropy");
    for setting in settings_of(&NpzFile::default()).keys().filter(|key| *key != "file") {
        let data = format!("npz:file=parts.npz,{}", tried(setting));
        // A loss of classes and of values.
        tell(&data, &usual, &of_layers(&bench, &data, "hinge"));
        let data = format!("npz:file=classes.npz,{}", tried(setting));
        let found = of_graph(&bench, "logits.pt2", &data, "cross-entropy");
        tell(&data, &graph, &found);
        assert!(found.is_err(), "{data}");
    }
}

/// A sample of weight 0 is as one that is not there, whatever door it comes in by.
#[test]
fn weights_of_samples_count_in_graphs_too() {
    let bench = bench();
    let half = SAMPLES / 2;
    let x = mixed(SAMPLES * FEATURES, 0);
    let classes: Vec<i64> = (0..SAMPLES as i64).map(|i| i * 5 % 3).collect();
    let (mut some, mut all) = (Npz::default(), Npz::default());
    some.push("x", &[half, FEATURES], x[..half * FEATURES].to_vec());
    some.push("y", &[half], classes[..half].to_vec());
    all.push("x", &[SAMPLES, FEATURES], x);
    all.push("y", &[SAMPLES], classes);
    let weights: Vec<f64> = (0..SAMPLES).map(|i| if i < half { 0.5 } else { 0.0 }).collect();
    all.push("sample_weight", &[SAMPLES], weights);
    some.write(&bench.path("some.npz")).unwrap();
    all.write(&bench.path("all.npz")).unwrap();
    let of = |graph: &str, data: &str, loss: &str| inspected(&bench, graph, data, loss).unwrap();
    for (graph, loss, weights) in
        [("logits.pt2", "cross-entropy", ""), ("mlp.pt2", "", ",weights=sample_weight")]
    {
        let wanted = of(graph, "npz:file=some.npz", loss);
        let found = of(graph, &format!("npz:file=all.npz{weights}"), loss);
        let plain = of(graph, "npz:file=all.npz,weights=none", loss);
        for path in ["/loss", "/gradient_norm", "/along/gv", "/along/vhv", "/along/hv_norm"] {
            let [a, b, c] = [&wanted, &found, &plain].map(|v| v.pointer(path).unwrap().as_f64().unwrap());
            // Two sums of as many terms, some of which are zero.
            assert!((a - b).abs() <= 1e-13 * a.abs().max(1.0), "{graph} {path}: {a} {b}");
            assert!((a - c).abs() > 1e-6 * a.abs(), "{graph} {path}: {a} {c}");
        }
    }
    // A loss inside the graph is as it was exported until somebody asks for weights.
    let own =
        [",weights=none", ""].map(|w| of("mlp.pt2", &format!("npz:file=all.npz{w}"), "")["loss"].clone());
    assert_eq!(own[0], own[1]);
    let run = bench.ok(
        "train --run logits.pt2 --data npz:file=all.npz --loss cross-entropy --epochs 2 --dpi 20 --out r",
    );
    assert!(run.stderr.contains("samples count as `sample_weight` says"), "{}", run.stderr);
    let trained = at(&bench.json("r/run.json"), "final.train_loss").as_f64().unwrap();
    bench.ok("slice --run r --x=-1:1:3 --dpi 20 --quiet --out s");
    let center = at(&bench.json("s/slice.json"), "center")["train_loss"].as_f64().unwrap();
    assert!((center - trained).abs() <= 1e-6 * center, "{center} and {trained}");
    bench.ok("sharpness --run r --quick --dpi 20 --quiet --out h");
    // Means over tokens of which some do not count are of no sample.
    let tokens = Npz::read(&bench.path("tokens.npz")).unwrap();
    let mut heavy = tokens.clone();
    let count = tokens.iter().next().unwrap().1.shape[0];
    heavy.push("sample_weight", &[count], (0..count).map(|i| i as f64).collect::<Vec<_>>());
    heavy.write(&bench.path("heavy.npz")).unwrap();
    let said = inspected(&bench, "tokens.pt2", "npz:file=heavy.npz", "cross-entropy").unwrap_err();
    assert!(said.contains("weights of samples") && said.contains("weights=none"), "{said}");
}
