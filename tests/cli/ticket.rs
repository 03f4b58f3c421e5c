//! `losscape ticket`: its files, the same bytes on any number of threads and after a stop, and what it refuses.

use crate::bench::{BESIDE, Bench, at};
use losscape::analyses::{Share, TicketSettings, ticket};
use losscape::base::tensors::{Data, TensorFile};
use losscape::train::TrainSettings;
use serde_json::{Value, json};

/// Three steps an epoch, 6 in all; 2 x 8 + 8 x 5 + 5 x 3 weights.
const SMALL: &str = "ticket --data spirals --samples 60 --hidden 8,5 --batch-size 20 --epochs 2 --rounds 3 --prune 0.5 \
                     --seeds 2 --points 5 --dpi 20";

fn files(bench: &Bench, directory: &str) -> Vec<(String, Vec<u8>)> {
    let all =
        bench.files(directory).into_iter().map(|(name, bytes)| (name.to_string_lossy().into_owned(), bytes));
    all.filter(|(name, _)| name != ".lock").collect()
}

/// The ones in a mask.
fn ones(file: &TensorFile, name: &str) -> usize {
    match &file.get(name).unwrap_or_else(|| panic!("{name}")).data {
        Data::U8(bytes) => bytes.iter().map(|b| usize::from(*b)).sum(),
        other => panic!("{name} in {}", other.dtype()),
    }
}

#[test]
fn levels_masks_and_medians_belong_together_and_threads_change_nothing() {
    let bench = Bench::new();
    let said = bench.ok(&format!("{SMALL} --rewind 2 --threads 2 --json --quiet --out a")).stdout;
    bench.ok(&format!("{SMALL} --rewind 2 --threads 1 --quiet --out b"));
    assert!(files(&bench, "a") == files(&bench, "b"), "the same bytes");
    let names: Vec<String> = files(&bench, "a").into_iter().map(|f| f.0).collect();
    for name in ["ticket", "stability", "layers"] {
        assert!(["png", "svg"].iter().all(|kind| names.contains(&format!("{name}.{kind}"))), "{names:?}");
    }
    assert!(
        !names.iter().any(|n| n.contains("checkpoint") || n.ends_with(".log") || n.starts_with("pixels"))
    );
    let result: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(result, bench.json("a/ticket.json"));
    assert_eq!(result["kinds"], json!(["ticket", "reinit", "random_mask"]));
    let outputs = result["layers"][2]["shape"][0].as_u64().unwrap() as usize;
    let arrays = bench.npz("a/ticket.npz");
    let array = |name: &str| arrays.get(name).unwrap().to_f64();
    let accuracy = array("test_accuracy");
    assert_eq!(arrays.get("test_accuracy").unwrap().shape, [3, 4, 2]);
    for (kind, name) in ["ticket", "reinit", "random_mask"].into_iter().enumerate() {
        for level in 0..4 {
            let own = &accuracy[(kind * 4 + level) * 2..][..2];
            let found = &result["levels"][level][name]["test_accuracy"]["median"];
            assert!((found.as_f64().unwrap() - (own[0] + own[1]) / 2.0).abs() < 1e-15, "{name} {level}");
        }
    }
    // A random choice of everything is the dense network.
    assert_eq!(accuracy[..2], accuracy[16..18]);
    // Halves of 16 and 40, and quarters of the output layer.
    let mut left = [16, 40, 5 * outputs];
    let all: usize = left.iter().sum();
    for level in 1..4 {
        left = [left[0] / 2, left[1] / 2, left[2] - (left[2] as f64 / 4.0).round() as usize];
        let share = left.iter().sum::<usize>() as f64 / all as f64;
        assert!((array("remaining")[level] - share).abs() < 1e-15);
        for seed in 0..2 {
            let masks = bench.tensors(&format!("a/masks-{seed}.safetensors"));
            let counts = ["0", "2", "4"].map(|layer| ones(&masks, &format!("{level}/{layer}.weight")));
            assert_eq!(counts, left, "level {level}");
        }
    }
    // Barriers are those of the lines.
    let (t, lines) = (array("t"), array("line_train_loss"));
    for (found, line) in array("train_barrier").iter().zip(lines.chunks(5)) {
        let rises = t.iter().zip(line).map(|(t, v)| v - ((1.0 - t) * line[0] + t * line[4]));
        assert!((found - rises.fold(0.0, f64::max)).abs() < 1e-14);
    }
    assert!(array("distance").iter().all(|d| *d > 0.0));
    bench.ok("plot a --dpi 20 --out again");
    for name in ["ticket.svg", "stability.svg", "layers.svg"] {
        assert_eq!(bench.bytes(&format!("again/{name}")), bench.bytes(&format!("a/{name}")));
    }
}

/// Dense networks are those of `losscape train`, whatever its flags.
#[test]
fn dense_networks_are_trained_as_train_does() {
    let bench = Bench::new();
    let flags = "--data spirals --samples 60 --hidden 8,5 --batch-size 20 --epochs 2 --workers 2 --clip-value 0.01 \
                 --clip 0.02 --activation tanh --optimizer sgd --nesterov true --lr 0.3 --quiet --dpi 20";
    bench.ok(&format!("ticket {flags} --rounds 1 --seeds 2 --controls none --stability false --out r"));
    let result = bench.json("r/ticket.json");
    for (key, value) in [("workers", json!(2)), ("clip-value", json!(0.01)), ("init", json!("glorot-normal"))]
    {
        assert_eq!(result["train"][key], value);
    }
    for seed in 0..2 {
        bench.ok(&format!("train --init glorot-normal {flags} --seed {seed} --out t{seed}"));
        let run = bench.json(&format!("t{seed}/run.json"));
        for measure in ["train_loss", "test_loss", "test_accuracy"] {
            let own = &result["levels"][0]["ticket"][measure]["seeds"][seed];
            assert_eq!(own, at(&run, &format!("final.{measure}")), "{measure} of seed {seed}");
        }
    }
}

/// The weights that are written are those of the level that the result names: zero where its mask is.
#[test]
fn the_sparsest_match_is_written_and_can_be_looked_at() {
    let bench = Bench::new();
    bench.ok("ticket --data digits --samples 300 --hidden 16 --epochs 8 --lr 0.01 --rounds 5 --prune 0.05 --seeds 1 --controls none \
              --stability false --dpi 20 --quiet --out r");
    let result = bench.json("r/ticket.json");
    assert_eq!(result["kinds"], json!(["ticket"]));
    assert!(bench.npz("r/ticket.npz").get("train_barrier").is_none());
    assert!(bench.path("r/pixels.svg").exists() && !bench.path("r/stability.svg").exists());
    let inputs = bench.npz("r/ticket.npz").get("inputs").unwrap().to_f64();
    let level = at(&result, "sparsest_match.level").as_u64().expect("a twentieth can go") as usize;
    let (masks, weights) = (bench.tensors("r/masks-0.safetensors"), bench.tensors("r/ticket-0.safetensors"));
    for layer in ["0.weight", "2.weight"] {
        let mask = masks.get(&format!("{level}/{layer}")).unwrap();
        let (Data::U8(mask), Data::F32(weight)) = (&mask.data, &weights.get(layer).unwrap().data) else {
            panic!("other types")
        };
        assert!(mask.iter().zip(weight).all(|(m, w)| (*m == 0) == (*w == 0.0)), "{layer}");
    }
    let first = ones(&masks, &format!("{level}/0.weight")) as f64;
    assert_eq!(inputs[level * 64..(level + 1) * 64].iter().sum::<f64>(), first);
    bench.ok("slice --run r/ticket-0.safetensors --x=-1:1:3 --dpi 20 --quiet --out s");
}

#[test]
fn a_stopped_search_goes_on_and_ends_in_the_same_bytes() {
    let bench = Bench::new();
    bench.ok(&format!("{SMALL} --quiet --out whole"));
    let result = bench.json("whole/ticket.json");
    let settings: TicketSettings = serde_json::from_value(result["settings"].clone()).unwrap();
    let training: TrainSettings = serde_json::from_value(result["train"].clone()).unwrap();
    std::fs::create_dir(bench.path("half")).unwrap();
    ticket::run(&settings, &training, Some(&Share::all(&bench.path("half"))), &|_| ()).unwrap();
    let left = bench.files("half");
    let log = bench.bytes("half/ticket.log");
    // A ticket, two whole records and half of another one are lost.
    std::fs::remove_file(bench.path("half/ticket-1-2.checkpoint.safetensors")).unwrap();
    let record = 8 + 8 * (2 + 4 * 5) + 4;
    bench.write("half/ticket.log", &log[..log.len() - 2 * record - record / 2]);
    let said = bench.ok(&format!("{SMALL} --out half")).stderr;
    // Four levels of two controls, and of random masks three, for two seeds.
    assert!(
        said.contains("19 of 22 trainings beside the tickets were finished before and are kept"),
        "{said}"
    );
    assert!(files(&bench, "half") == files(&bench, "whole"), "the same bytes, and nothing else");
    // What other settings left is refused, until it is discarded.
    for (name, bytes) in &left {
        bench.write(&format!("half/{}", name.display()), bytes);
    }
    let outcome = bench.run(&format!("{SMALL} --sam 0.1 --quiet --out half"));
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("sam = 0.1") && outcome.stderr.contains("--fresh"), "{}", outcome.stderr);
    bench.ok(&format!("{SMALL} --fresh --quiet --out half"));
    assert!(files(&bench, "half") == files(&bench, "whole"), "the same bytes");
}

#[test]
fn networks_that_diverge_are_told_of() {
    let bench = Bench::new();
    let outcome = bench.run(&format!("{SMALL} --optimizer sgd --lr 1e30 --quiet --out r"));
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("ticket: diverged"), "{}", outcome.stderr);
    let result = bench.json("r/ticket.json");
    assert_eq!(result["levels"][0]["ticket"]["test_accuracy"]["median"], Value::Null);
    assert_eq!(result["levels"][0]["ticket"]["status"][0], "diverged");
    assert_eq!(result["levels"][2]["ticket"]["status"][0], "a ticket before it diverged");
    assert_eq!(result["levels"][0]["reinit"]["status"][1], "diverged");
    assert_eq!(result["statement"], "The dense network diverged.");
    assert_eq!(result["sparsest_match"], Value::Null);
    assert!(bench.bytes("r/ticket.png").len() > 1000 && !bench.path("r/ticket-0.safetensors").exists());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = Bench::new();
    for (flags, at) in [
        ("--prune 0", "--prune"),
        ("--prune 1", "--prune"),
        ("--rounds 0", "--rounds"),
        ("--seeds 0", "--seeds"),
        ("--points 2", "--points"),
        ("--scope weights", "--scope"),
        ("--controls all", "--controls"),
        ("--rewind 154", "--rewind"),
        ("--epochs 0", "--epochs"),
        ("--optimizer gd --batch-size 1297 --stability true", "--stability"),
        ("--data teacher-student --loss squared-error", "--data"),
        ("--norm weight", "--norm"),
        ("--lr 0", "--lr"),
        ("--samples 5000", "--samples"),
        ("--seed 9223372036854775807", "--seed"),
    ]
    .into_iter()
    .chain(BESIDE)
    {
        bench.refused(&format!("ticket {flags} --out new"), at);
    }
}
