//! Networks of images with statistics and state, and the two passes before and along training, as scripts meet them.

use crate::bench::{Bench, GRID, at};
use serde_json::Value;

const CNN: &str =
    "train --model cnn:channels=[3,4],dropout=0.1 --epochs 2 --samples 120 --lr 0.02 --dpi 20 --quiet";

/// The files of a directory that must be the same for any number of threads.
fn files(bench: &Bench, directory: &str, names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| bench.bytes(&format!("{directory}/{name}"))).collect()
}

#[test]
fn a_convolutional_network_is_the_same_on_any_number_of_threads() {
    let bench = Bench::new();
    let run = ["weights.safetensors", "metrics.jsonl", "run.json", "training.svg"];
    let slice = ["slice.json", "slice.npz", "directions.safetensors", "contour.svg"];
    let mut seen: Option<Vec<Vec<u8>>> = None;
    for threads in [1, 2, 4] {
        let (r, s) = (format!("r{threads}"), format!("s{threads}"));
        bench.ok(&format!("{CNN} --crop 1 --threads {threads} --out {r}"));
        bench.ok(&format!("slice --run {r} {GRID} --stats batch --quiet --threads {threads} --out {s}"));
        let all = [files(&bench, &r, &run), files(&bench, &s, &slice)].concat();
        assert!(seen.get_or_insert(all.clone()) == &all, "{threads} threads");
    }
}

#[test]
fn a_slice_says_which_statistics_it_uses_and_its_center_is_the_run() {
    let bench = Bench::new();
    bench.ok(&format!("{CNN} --out r"));
    let run = bench.json("r/run.json");
    let center = |flags: &str| {
        bench.ok(&format!("slice --run r {GRID} --quiet --out s {flags}"));
        let result = bench.json("s/slice.json");
        let words = result["norm_statistics"].as_str().unwrap().to_owned();
        (at(&result, "center.train_loss").as_f64().unwrap(), words)
    };
    let (running, words) = center("");
    assert_eq!(running, at(&run, "final.train_loss").as_f64().unwrap(), "to the last bit");
    assert!(words.contains("running"), "{words}");
    let (batch, words) = center("--stats batch");
    assert!(words.contains("groups of 64"), "{words}");
    let (all, words) = center("--stats batch --stat-batch all");
    assert!(words.contains("groups of all"), "{words}");
    let (fresh, words) = center("--stats refresh --stat-batch 30");
    assert!(words.contains("refreshed") && words.contains("30"), "{words}");
    let losses = [running, batch, all, fresh];
    assert!(losses.iter().all(|l| l.is_finite()));
    for i in 0..4 {
        assert!(losses[..i].iter().all(|l| l != &losses[i]), "two functions are one: {losses:?}");
    }
    bench.refused(&format!("slice --run r {GRID} --stat-batch 9 --out n"), "--stat-batch");
    bench.refused(&format!("slice --run r {GRID} --stats batch --stat-batch 0 --out n"), "--stat-batch");
    bench.refused(
        &format!("slice --run r {GRID} --stats batch --stat-batch all --memory 0.0001 --out n"),
        "--stat-batch",
    );
    bench.ok("train --hidden 3 --epochs 1 --samples 60 --dpi 20 --quiet --out plain");
    bench.refused(&format!("slice --run plain {GRID} --stats batch --out n"), "--stats");
}

/// Names and shapes are those of PyTorch's state_dict.
#[test]
fn weights_of_a_residual_network_have_pytorchs_names() {
    let bench = Bench::new();
    bench.ok("train --model resnet:depth=8,width=0.25 --epochs 0 --samples 60 --dpi 20 --quiet --out r");
    let file = losscape::base::tensors::TensorFile::read(&bench.path("r/weights.safetensors")).unwrap();
    let shape = |name: &str| file.get(name).unwrap_or_else(|| panic!("no {name}")).shape.clone();
    assert_eq!(shape("stem.conv.weight"), [4, 1, 3, 3]);
    assert_eq!(shape("blocks.1.conv1.weight"), [8, 4, 3, 3]);
    assert_eq!(shape("blocks.1.shortcut.conv.weight"), [8, 4, 1, 1]);
    assert_eq!(shape("blocks.0.norm1.running_mean"), [4]);
    assert_eq!(shape("blocks.0.norm1.running_var"), [4]);
    assert_eq!(shape("classifier.weight"), [10, 16]);
}

#[test]
fn a_list_of_layers_is_a_network_and_mistakes_in_it_name_the_layer() {
    let bench = Bench::new();
    let recipe =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/analyses/settings/layers.toml"))
            .unwrap();
    std::fs::write(bench.path("layers.toml"), &recipe).unwrap();
    bench.ok("train --config layers.toml --epochs 1 --samples 60 --dpi 20 --quiet --out r");
    assert_eq!(bench.json("r/run.json")["parameters"], 7402);
    for (layer, says) in [
        ("{ kind = \"conv\", kernel = 11, padding = 0, name = \"stem\" }", "layer stem"),
        ("{ kind = \"conv\", chanels = 16 }", "did you mean `channels`"),
        ("\"convolve\"", "expected one of dense, conv"),
        ("{ kind = \"dense\", name = \"../up\" }", "name"),
    ] {
        bench.write("wrong.toml", format!("[model]\nkind = \"layers\"\nlayers = [{layer}]\n"));
        let outcome = bench.run("train --config wrong.toml --quiet --out new");
        assert_eq!(outcome.code, Some(2), "{layer}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(says), "{layer}: {}", outcome.stderr);
    }
}

/// Values instead of classes: no accuracy in numbers or pictures, and no cross-entropy.
#[test]
fn regression_has_no_accuracy() {
    let bench = Bench::new();
    bench.ok(
        "train --data polynomial --model mlp:hidden=[5] --loss squared-error --epochs 2 --dpi 20 --quiet --out r",
    );
    let run = bench.json("r/run.json");
    assert!(at(&run, "final.train_loss").is_f64());
    assert_eq!(at(&run, "final.train_accuracy"), &Value::Null);
    assert!(run["final_status"].as_str().unwrap().contains("train_accuracy"));
    let svg = String::from_utf8(bench.bytes("r/training.svg")).unwrap();
    assert!(svg.contains("learning rate") && !svg.contains("accuracy"));
    bench.ok(&format!("slice --run r {GRID} --quiet --out s"));
    assert!(bench.path("s/contour.png").exists() && !bench.path("s/accuracy.png").exists());
    bench.refused("train --data polynomial --epochs 1 --out new", "--data");
}

const PROPAGATE: &str = "propagate --hidden 9,8,7,6 --samples 40 --seeds 2 --init he-normal --init lsuv --norm none \
                         --norm batch --jacobian-samples 1 --dpi 20 --quiet";
const SMOOTHNESS: &str =
    "smoothness --hidden 7,7 --steps 9 --every 4 --probe-samples 50 --eta 0.1:0.3:3 --dpi 20 --quiet";

#[test]
fn passes_over_signals_are_the_same_twice_on_any_number_of_threads_and_drawn_again() {
    for (command, name, pictures) in [
        (PROPAGATE, "propagate", &["propagate", "jacobian"][..]),
        (SMOOTHNESS, "smoothness", &["smoothness"]),
    ] {
        let bench = Bench::new();
        let mut names: Vec<String> = ["json", "npz"].map(|kind| format!("{name}.{kind}")).to_vec();
        names.extend(pictures.iter().map(|p| format!("{p}.svg")));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        bench.ok(&format!("{command} --threads 1 --out a"));
        bench.ok(&format!("{command} --threads 3 --out b"));
        assert!(files(&bench, "a", &names) == files(&bench, "b", &names), "{name}");
        bench.ok("plot a --dpi 20 --out c");
        assert!(files(&bench, "a", &names[2..]) == files(&bench, "c", &names[2..]), "{name} drawn again");
        let said = bench.ok(&format!("{command} --json --out d"));
        assert_eq!(
            serde_json::from_str::<Value>(&said.stdout).unwrap(),
            bench.json(&format!("a/{name}.json"))
        );
    }
}

#[test]
fn arrays_of_the_passes_have_the_shapes_that_are_promised() {
    let bench = Bench::new();
    bench.ok(&format!("{PROPAGATE} --out p"));
    let arrays = bench.npz("p/propagate.npz");
    // Two initializers with two norms, two draws, five layers.
    assert_eq!(arrays.get("forward").unwrap().shape, [4, 2, 5]);
    assert!(arrays.get("jacobian_max").unwrap().to_f64().chunks(5).all(|s| s[0] > 0.0));
    let labels: Vec<Value> = bench.json("p/propagate.json")["variants"].as_array().unwrap().clone();
    assert_eq!(labels[3]["label"], "lsuv, batch");
    bench.ok(&format!("{SMOOTHNESS} --out s"));
    let arrays = bench.npz("s/smoothness.npz");
    assert_eq!(
        (arrays.get("beta").unwrap().shape.clone(), arrays.get("step").unwrap().to_f64()),
        (vec![2, 3], vec![0.0, 4.0, 8.0])
    );
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let bench = Bench::new();
    for (command, at) in [
        ("propagate --samples 1", "--samples"),
        ("propagate --samples 5000", "--samples"),
        ("propagate --seeds 0", "--seeds"),
        ("propagate --memory 0", "--memory"),
        ("propagate --memory 0.001", "--samples"),
        ("propagate --init he", "--init"),
        ("propagate --model linear --norm batch", "--norm"),
        ("smoothness --model linear --norm batch --norm none", "--norm"),
        ("smoothness --steps 0", "--steps"),
        ("smoothness --every 400", "--every"),
        ("smoothness --eta=-1:1:5", "--eta"),
        ("smoothness --lr 0", "--lr"),
        ("smoothness --probe-samples 9999", "--probe-samples"),
        ("train --model resnet:depth=9", "--model"),
        ("train --data spirals --model cnn", "layer 0"),
        ("train --data spirals --crop 1", "augmentation"),
        ("train --optimizer lbfgs --model mlp:dropout=0.5", "dropout"),
    ] {
        bench.refused(&format!("{command} --out new"), at);
    }
}
