//! Networks that PyTorch exported, in the commands that train and compare: their files are those of `tests/exported/`.

use crate::bench::{Bench, GRID};
use std::path::Path;

fn bench() -> Bench {
    let bench = Bench::new();
    for name in ["mlp.pt2", "mlp.npz", "logits.pt2", "lstm.pt2", "lstm.npz"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exported").join(name);
        bench.write(name, std::fs::read(from).unwrap());
    }
    bench
}

const GRAPH: &str = "--run mlp.pt2 --data mlp.npz";

/// A run of a graph is a run as every other, and its weights are weights of the graph.
#[test]
fn a_graph_is_trained_and_looked_at() {
    let bench = bench();
    let train = |epochs: u32| {
        let out = bench.ok(&format!(
            "train {GRAPH} --epochs {epochs} --batch-size 6 --snapshots epochs:1 --dpi 20 --out r{epochs}"
        ));
        assert!(out.stdout.contains("mlp on mlp.npz: 279 parameters, 16 training"), "{}", out.stdout);
        assert!(out.stdout.contains("accuracy"), "{}", out.stdout);
    };
    (1..4).for_each(train);
    bench.ok(&format!("slice --run r3 --directions trajectory {GRID} --out of-run"));
    // Checkpoints beside the graph give the very plane that the run's own snapshots give, from the first epoch on.
    for epochs in 1..4 {
        bench.write(
            &format!("epoch{epochs}.safetensors"),
            bench.bytes(&format!("r{epochs}/weights.safetensors")),
        );
    }
    let weights = "--weights epoch3.safetensors epoch1.safetensors epoch2.safetensors";
    bench.ok(&format!("slice {GRAPH} {weights} --directions trajectory {GRID} --out of-list"));
    let steps = bench.npz("of-list/slice.npz").get("path_step").map(|array| array.to_f64());
    assert_eq!(steps, Some(vec![1.0, 2.0, 3.0]));
    bench.ok(&format!("minima {GRAPH} {weights} --points 5 --dpi 20 --out m"));
    // The products of its weights and its outputs are compared, and networks by what they say.
    let minima = bench.json("m/minima.json");
    let layers = minima["similarity"]["layers"].as_array().unwrap();
    assert!(layers.len() > 1 && layers.last().unwrap() == "outputs", "{layers:?}");
    let cka = bench.npz("m/minima.npz").get("cka").unwrap().to_f64();
    assert!(cka.chunks(9).all(|m| [0, 4, 8].iter().all(|i| (m[*i] - 1.0).abs() < 1e-12) && m[1] < 1.0));
    assert_eq!(minima["predictions"]["status"], "computed");
    bench.ok("topology --run r3 --dpi 20 --quiet --out t");
    let two = "--weights epoch1.safetensors --weights epoch3.safetensors";
    bench.ok(&format!(
        "connect --from mlp.pt2 --data mlp.npz {two} --epochs 1 --points 5 --plane 0 --dpi 20 --out c"
    ));
    bench.ok("sharpness --run r1 --quick --dpi 20 --out s");
    // A run of another graph is another network.
    bench.refused("connect --from r1 --to lstm.pt2 --data lstm.npz --out d", "");
}

#[test]
fn commands_that_train_take_graphs_or_say_why_not() {
    let bench = bench();
    bench.ok(&format!("train {GRAPH} --init he-normal --optimizer adam --epochs 1 --dpi 20 --out drawn"));
    bench
        .ok("train --model logits.pt2 --data mlp.npz --loss cross-entropy --epochs 1 --dpi 20 --out outside");
    let refused = |flags: &str, at: &str, what: &str| {
        let line = bench.refused(flags, at);
        assert!(line.contains(what), "{line}");
    };
    refused("propagate --model mlp.pt2 --data mlp.npz --out p", "--model", "a network of layers");
    refused(&format!("train {GRAPH} --hidden 3 --out q"), "--hidden", "`hidden`");
    refused(&format!("train {GRAPH} --crop 1 --out q"), "augmentation", "exported network");
    refused(&format!("train {GRAPH} --standardize-targets --out q"), "--standardize-targets", "arguments");
    refused(&format!("train {GRAPH} --data-seed 1 --out q"), "--data-seed", "order of their file");
    refused(&format!("train {GRAPH} --loss hinge --out q"), "--loss", "its own");
    refused("train --run mlp.pt2 --out q", "--data", "arrays x, y");
    refused(
        "train --run logits.pt2 --data mlp.npz --loss hinge --out q",
        "--loss",
        "poisson for an exported graph",
    );
    refused("slice --run logits.pt2 --data mlp.npz --out q", "graph", "--loss");
}
