//! Weights that PyTorch saved, over a network that flags name: `--weights` with `--model` and `--data`.

use crate::bench::{Bench, GRID};
use losscape::base::tensors::Data;
use std::path::Path;

const NETWORK: &str = "--model mlp:hidden=[4],activation=tanh --data csv:file=d.csv,label=y";

/// A table of three features and two classes, with the weights of `tests/reference/state_dicts.py`.
fn bench() -> Bench {
    let bench = Bench::new();
    let row = |i: u32| {
        let [a, b, c] = [0.7, 1.3, 2.9].map(|k| (k * f64::from(i + 1)).sin());
        format!("{a},{b},{c},{}\n", if a + b * c > 0.2 { "one" } else { "two" })
    };
    bench.write("d.csv", format!("a,b,c,y\n{}", (0..80).map(row).collect::<String>()));
    for name in ["tanh.pth", "module.pt", "plain.pt"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name);
        bench.write(name, std::fs::read(from).unwrap());
    }
    bench
}

/// The file of PyTorch gives the very slice that our own format gives with the same numbers.
#[test]
fn weights_of_pytorch_are_the_same_network() {
    let bench = bench();
    bench.ok(&format!("train {NETWORK} --epochs 1 --dpi 20 --out r"));
    let mut file = bench.tensors("r/weights.safetensors");
    for tensor in &mut file.tensors {
        let Data::F32(numbers) = &mut tensor.data else { panic!("single precision") };
        for (i, x) in numbers.iter_mut().enumerate() {
            *x = (i as f64 + 1.0).sin() as f32;
        }
    }
    bench.write("own.safetensors", file.to_bytes());
    bench.ok(&format!("slice --run own.safetensors {GRID} --out own"));
    let said = bench.ok(&format!("slice --weights tanh.pth {NETWORK} {GRID} --out theirs")).stderr;
    assert!(said.contains("tanh.pth: its names begin with `model.`"), "{said}");
    assert_eq!(bench.bytes("own/slice.npz"), bench.bytes("theirs/slice.npz"));
    // The network may stand in a configuration, and every analysis of networks takes it.
    bench.write(
        "s.toml",
        "weights = \"tanh.pth\"\n[train]\nmodel = { kind = \"mlp\", hidden = [4], activation = \"tanh\" }\ndata = \"csv:file=d.csv,label=y\"\n",
    );
    bench.ok(&format!("slice --config s.toml {GRID} --out configured"));
    assert_eq!(bench.bytes("own/slice.npz"), bench.bytes("configured/slice.npz"));
    bench.ok(&format!("sharpness --weights tanh.pth {NETWORK} --dpi 20 --out sharp"));
    // Several files are several networks.
    bench.ok(&format!("slice --weights tanh.pth --weights own.safetensors {NETWORK} {GRID} --out both"));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let bench = bench();
    let refused = |flags: &str, at: &str, what: &str| {
        let line = bench.refused(&format!("slice {flags} {GRID} --out new/s"), at);
        assert!(line.contains(what), "{line}");
    };
    let other = "--model mlp:hidden=[5],activation=tanh --data csv:file=d.csv,label=y";
    refused(
        &format!("--weights tanh.pth {other}"),
        "tanh.pth: 0.weight",
        "a tensor of shape [5, 3], found one of [4, 3]",
    );
    refused(
        &format!("--weights module.pt {NETWORK}"),
        "module.pt: data.pkl",
        "found `torch.nn.modules.container.Sequential`",
    );
    refused(&format!("--weights plain.pt {NETWORK}"), "plain.pt: 1.weight", "no such tensor");
    refused("--model mlp", "--model", "--weights of the network that it names");
    refused("--weights none.pt", "none.pt", "a regular file, found nothing there");
    refused("--run a --run b --weights tanh.pth", "--weights", "one --run that they are for");
    refused(&format!("--weights tanh.pth {NETWORK} --other-data"), "--other-data", "");
}
