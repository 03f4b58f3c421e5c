//! The seeds in `fuzz/corpus`, made by the program itself: `cargo test --test fuzz seeds -- --ignored` after a change of a format.

use crate::readers::{SAVED, corpus};
use losscape::base::npz::Npz;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::Command;

/// A run of two features, ten parameters or so.
const RUN: &str = "train --data spirals --data-seed 1 --hidden 2 --epochs 2 --samples 12 --dpi 20 --quiet";

fn losscape(directory: &Path, arguments: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_losscape"));
    let status = command.args(arguments.split_whitespace()).current_dir(directory).status().unwrap();
    assert!(matches!(status.code(), Some(0 | 3)), "{arguments}: {status}");
}

fn keep(reader: &str, name: &str, bytes: &[u8]) {
    let folder = corpus().join(reader);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
}

#[test]
#[ignore = "writes the seeds"]
fn seeds_are_made_by_the_program() {
    let bench = tempfile::tempdir().unwrap();
    let at = |name: &str| bench.path().join(name);
    let read = |name: &str| std::fs::read(at(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let run = |arguments: &str| losscape(bench.path(), arguments);
    run(&format!("{RUN} --snapshots 3 --out r"));
    run(&format!("{RUN} --seed 1 --out q"));
    run(&format!("{RUN} --seed 2 --out p"));
    run(&format!("{RUN} --norm batch --activation tanh --precision f64 --seed 1 --out b"));
    run(&format!("{RUN} --seeds 2 --out seeds"));
    run("slice --run r --x=-1:1:5 --y=-1:1:3 --dpi 20 --quiet --out slice");
    run("slice --run r --x=-1:1:4 --dpi 20 --quiet --shard 0/1 --out part");
    run("sharpness --run r --probes 3 --dpi 20 --quiet --out sharpness");
    run("connect --from r --to q --epochs 2 --points 5 --dpi 20 --quiet --out connect");
    run(
        "smoothness --data spirals --hidden 2 --steps 4 --every 2 --batch-size 8 --probe-samples 10 --dpi 20 --quiet --out smoothness",
    );
    run(
        "critical --data spirals --samples 20 --hidden 2 --initial 2 --training 1 --minimum 1 --saddle 1 --runs 1 --epochs 5 --dpi 20 --quiet --out critical",
    );
    run(
        "instability --data spirals --samples 12 --hidden 2 --batch-size 4 --epochs 2 --branch 0,2 --seeds 2 --points 3 --dpi 20 --quiet --out instability",
    );
    run("minima --run r --run q --run p --points 5 --dpi 20 --quiet --out minima");
    run(
        "ticket --data spirals --samples 12 --hidden 2 --epochs 1 --rounds 1 --seeds 1 --batch-size 4 --points 3 --dpi 20 --quiet --out ticket",
    );
    run(
        "simplex --run r --run q --connectors 1 --epochs 1 --plane 3 --points 2 --dpi 20 --quiet --out simplex",
    );
    run("ensemble --run r --cycles 2 --cycle 1 --independent 1 --plane 3 --dpi 20 --quiet --out ensemble");
    run("propagate --hidden 4,3 --samples 20 --dpi 20 --quiet --out propagate");
    run("lr-range --data spirals --samples 12 --hidden 2 --steps 10 --dpi 20 --quiet --out lr-range");
    std::fs::write(at("recipe.toml"), RECIPE).unwrap();
    run("run recipe.toml --dpi 20 --quiet --out study");
    keep("weights", "small", &read("r/weights.safetensors"));
    keep("weights", "batch", &read("b/weights.safetensors"));
    keep("trajectory", "small", &read("r/trajectory.safetensors"));
    keep("tensors", "small", &read("r/weights.safetensors"));
    keep("tensors", "directions", &read("part/shard-0-of-1/directions.safetensors"));
    keep("log", "part", &read("part/shard-0-of-1/slice-0.log"));
    keep("metrics", "small", &read("r/metrics.jsonl"));
    keep("figures", "small", &read("study/figures.json"));
    keep("recipe", "small", RECIPE.as_bytes());
    for (stem, _) in SAVED {
        let folder = if *stem == "run" { "r" } else { stem };
        let part = |end: &str| std::fs::read(at(&format!("{folder}/{stem}.{end}")));
        for (reader, end) in [("saved", "json"), ("arrays", "npz")] {
            if let Ok(bytes) = part(end) {
                keep(reader, stem, &[stem.as_bytes(), b"\n", &bytes].concat());
            }
        }
    }
    // A training that is stopped leaves a checkpoint.
    let long =
        format!("{RUN} --epochs 100000000 --checkpoint-every 0 --ema 0.9 --snapshots 1000000 --out stopped");
    let long = long.replacen("--epochs 2 ", "", 1);
    let mut child = Command::new(env!("CARGO_BIN_EXE_losscape"));
    let mut child = child.args(long.split_whitespace()).current_dir(bench.path()).spawn().unwrap();
    while !at("stopped/checkpoint.safetensors").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    keep("checkpoint", "small", &read("stopped/checkpoint.safetensors"));
    run("data spirals --data-seed 1 --samples 12 --dpi 20 --quiet --out data");
    keep("npz", "small", &read("data/data.npz"));
    let exported = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exported");
    for name in ["clip", "gcn", "lstm", "mlp", "multilabel", "tabular", "unet", "vae"] {
        keep("graph", name, &std::fs::read(exported.join(format!("{name}.pt2"))).unwrap());
    }
    let images =
        [&[0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 2][..], &(0..16).collect::<Vec<u8>>()].concat();
    let labels = [0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 1, 0];
    let both =
        |images: &[u8], labels: &[u8]| [&(images.len() as u32).to_le_bytes()[..], images, labels].concat();
    keep("idx", "plain", &both(&images, &labels));
    keep("idx", "gzip", &both(&zipped(&images), &zipped(&labels)));
    let cifar = (0..2).flat_map(|i| [vec![i, 9 * i], vec![7 * i; 3072]].concat()).collect::<Vec<u8>>();
    keep("cifar", "two", &cifar);
    let made = |name: &str| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/made").join(name)).unwrap()
    };
    keep("npy", "small", &both(&made("x.npy"), &made("y.npy")));
    keep("tokens", "small", &made("tokens.npz"));
    let mut weighed = Npz::read(&exported.join("mlp.npz")).unwrap();
    weighed.push("sample_weight", &[16], (0..16).map(f64::from).collect::<Vec<f64>>());
    let mut bytes = Cursor::new(Vec::new());
    weighed.write_to(&mut bytes).unwrap();
    keep("arguments", "weighed", bytes.get_ref());
    keep("text", "small", "To be, or not to b\u{eb}.\n".as_bytes());
    keep(
        "csv",
        "aligned",
        b"  a   b  kind\n 1.0  -2   yes\n10.0   3    no\n 2.0   1   yes\n 4.0   0    no\n",
    );
    keep("csv", "numbers", b"1,2.5,0\n3,-4e-2,1\n5,6,0\n7,8,1\n");
    keep("csv", "names", b"\xef\xbb\xbfwidth,\"the \"\"height\"\"\",kind\n1,2,a\n3,4,b\n5,6,\"a\"\n7,8,b\n");
    keep("config", "training", CONFIG.as_bytes());
    keep("config", "layers", LAYERS.as_bytes());
    for (name, text) in [
        ("barrier", "connect.aligned.barrier / connect.linear.barrier >= -2.5e-3"),
        ("functions", "or(min(a, max(1, b.c)) + abs(-log2(8)), finite(x)) ^ 2 ^ -1 * (1 - exp(y))"),
    ] {
        keep("formula", name, text.as_bytes());
    }
    for (name, text) in [
        ("mlp", "mlp:hidden=[24,16],activation=leaky-relu:slope=0.2,bias=true"),
        ("csv", "csv:file=\"a,b.csv\",label=3,delimiter=\";\",test=0.1"),
        ("resnet", "resnet:depth=8,width=4,norm={kind=\"group\",groups=2}"),
        (
            "table",
            "layers:layers=[{kind=\"dense\",units=3},{kind=\"residual\",body=[{kind=\"dense\",units=3}]}]",
        ),
        ("sgd", "sgd:momentum=0.9,nesterov=true"),
        ("step", "multi-step:at=[0.5,0.75],gamma=0.1"),
    ] {
        keep("kinds", name, text.as_bytes());
    }
    for (name, text) in [
        ("part", "2/5\n"),
        (
            "slurm",
            "auto\nSLURM_ARRAY_TASK_ID=3\nSLURM_ARRAY_TASK_COUNT=4\nSLURM_ARRAY_TASK_MIN=0\nSLURM_ARRAY_TASK_MAX=3\nSLURM_ARRAY_TASK_STEP=1\n",
        ),
        ("mpi", "auto\nOMPI_COMM_WORLD_RANK=1\nOMPI_COMM_WORLD_SIZE=2\n"),
        ("kubernetes", "auto/8\nJOB_COMPLETION_INDEX=7\n"),
    ] {
        keep("scheduler", name, text.as_bytes());
    }
    let hash = losscape::base::files::sha256(b"weights");
    let record = format!(
        "{{\"weights_sha256\":\"{hash}\",\"sha256\":{{\"weights.safetensors\":\"{hash}\"}},\"files\":[\"a.png\"]}}"
    );
    keep("record", "both", record.as_bytes());
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

const RECIPE: &str = r#"title = "A title"
claim = "A claim"
seeds = 2
out = "out/small"

[train]
data = "spirals"
samples = 12
hidden = [2]
epochs = 1

[[vary]]
name = "width"
set = "train.hidden"
values = [2, 3]

[[vary]]
name = "kind"
cases = [
    { name = "relu", set = { "train.activation" = "relu" } },
    { name = "tanh", set = { "train.activation" = "tanh", "train.lr" = "= 0.2 * 2 ^ (width - 6)" } },
]

[pass.line]
kind = "connect"
curve = "linear"
points = 3

[[measure]]
name = "loss"
label = "training loss"
of = "train.final.train_loss"

[[measure]]
name = "lowest"
curve = "train_loss"
take = "min"

[[expect]]
that = "less is less"
left = { measure = "lowest" }
right = { measure = "loss" }
effect = "ratio"
below = 1.9

[[figure]]
name = "over"
x = "width"
by = "kind"
y = ["loss", "lowest"]

[[figure]]
name = "curves"
curve = ["train_loss"]

[scale.small]
seeds = 1
set = { "train.epochs" = 1 }
vary = { width = [2] }
"#;

const CONFIG: &str = r#"data = { kind = "spirals", noise = 0.1 }
data-seed = 1
model = "mlp:hidden=[8,4]"
activation = "tanh"
optimizer = { kind = "sgd", momentum = 0.9 }
schedule = "cosine"
lr = 0.05
epochs = 3
snapshots = "epochs:1"
batch-size = 16
x = "-1:1:5"
y = "-0.5:0.5:4"
cmap = "magma"
levels = 12
"#;

const LAYERS: &str = r#"epochs = 2
target-loss = 0.1

[model]
kind = "layers"
layers = [
    { kind = "dense", units = 8 },
    { kind = "activate", function = "relu" },
    { kind = "residual", body = [{ kind = "dense", units = 8 }] },
    { kind = "dense", units = 3 },
]
"#;
