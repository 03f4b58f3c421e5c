//! Runs that are stopped and go on: the same bytes, whenever it happens, and never a file that cannot be read.
#![cfg(unix)]

use crate::bench::{Bench, TINY};
use std::process::{Child, Stdio};
use std::time::Duration;

/// A small run with everything that is carried from step to step, and a checkpoint after every one.
const RUN: &str = "train --hidden 6 --samples 150 --epochs 12 --batch-size 40 --schedule cosine --warmup 1 --ema 0.9 \
                   --swa 3 --snapshots 7 --sam 0.05 --clip 1 --dpi 20 --checkpoint-every 0";

fn start(bench: &Bench, arguments: &str) -> Child {
    let mut command = bench.command();
    command.args(arguments.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Kills runs at moments spread over their length, and lets them go on.
fn kill(rounds: usize) {
    let caught = Bench::killed_in_rounds(&format!("{RUN} --quiet --out r"), "checkpoint.safetensors", rounds);
    assert!(2 * caught >= rounds, "only {caught} of {rounds} kills left a checkpoint");
}

#[test]
fn a_killed_run_ends_in_the_same_bytes() {
    kill(10);
}

#[test]
#[ignore = "minutes"]
fn a_killed_run_ends_in_the_same_bytes_many_times() {
    kill(200);
}

/// Asks a run to stop once it has made checkpoints.
fn stopped(bench: &Bench, signal: &str) -> (Option<i32>, String) {
    bench.stopped(&format!("{SLOW} --checkpoint-every 0"), signal, "r/checkpoint.safetensors", |_| true)
}

/// Long enough to be stopped in its middle, and short once checkpoints are rare.
const SLOW: &str = "train --hidden 6 --samples 60 --epochs 3000 --snapshots epochs:500 --dpi 20 --out r";

#[test]
fn resume_takes_the_settings_of_the_run_that_was_stopped() {
    let bench = Bench::new();
    let reference = Bench::new();
    reference.ok(SLOW);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let bench = Bench::new();
        let (found, said) = stopped(&bench, signal);
        assert_eq!(found, Some(code), "{said}");
        let last = said.lines().last().unwrap();
        assert!(last.starts_with("error: train: interrupted; ") && last.contains("--resume"), "{last}");
        assert!(last.contains(" of 3000 steps are kept in r/checkpoint.safetensors"), "{last}");
        assert!(!bench.path("r/run.json").exists());
        let line = bench.refused("slice --run r --out s", "r: ");
        assert!(line.contains("--resume"), "{line}");
        // A flag that says otherwise is refused, with what differs; the same value is none.
        let line = bench.refused("train --resume --out r --epochs 3001", "r/checkpoint.safetensors");
        assert!(line.contains("epochs = 3001") && line.contains("epochs = 3000"), "{line}");
        let said = bench.ok("train --resume --out r --hidden 6 --dpi 20").stderr;
        assert!(said.contains("going on with the unfinished run in r: "), "{said}");
        assert_eq!(bench.files("r"), reference.files("r"));
        let line = bench.refused("train --resume --out r", "--resume");
        assert!(line.contains("a finished one"), "{line}");
    }
    let line = bench.refused("train --resume --out none", "--resume");
    assert!(line.contains("found none"), "{line}");
    bench.refused("train --resume --fresh --out r", "--fresh");
    bench.refused("train --resume --seeds 2 --out r", "--resume");
    bench.refused("train --checkpoint-every nan --out r", "--checkpoint-every");
}

#[test]
fn another_run_is_refused_until_the_unfinished_one_is_discarded() {
    let bench = Bench::new();
    stopped(&bench, "INT");
    for (flags, differs) in [
        ("--activation tanh", "model.activation = \"tanh\""),
        ("--seed 1", "seed = 1"),
        ("--data-seed 1", "data-seed = 1"),
        ("--swa 5", "swa = 5"),
        ("--best train-loss", "best = \"train-loss\""),
        ("--precision f64", "precision = \"f64\""),
    ] {
        let line = bench.refused(&format!("{SLOW} --quiet {flags}"), "r/checkpoint.safetensors");
        assert!(line.contains(differs) && line.contains("--fresh discards it"), "{flags}: {line}");
    }
    bench.ok(&format!("train {TINY} --fresh --out r"));
    let alone = Bench::new();
    alone.ok(&format!("train {TINY} --out r"));
    assert_eq!(bench.files("r"), alone.files("r"));
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let bench = Bench::new();
    stopped(&bench, "INT");
    let whole = bench.bytes("r/checkpoint.safetensors");
    let weights = {
        bench.ok(&format!("train {TINY} --out w"));
        bench.bytes("w/weights.safetensors")
    };
    let mut flipped = whole.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    for bytes in [&whole[..whole.len() - 3], &whole[..40], b"", b"no checkpoint", &weights, &flipped] {
        bench.write("r/checkpoint.safetensors", bytes);
        for flags in [&format!("{SLOW} --quiet"), "train --resume --out r"] {
            let line = bench.refused(flags, "r/checkpoint.safetensors");
            assert!(flags.contains("--resume") || line.contains("--fresh discards it"), "{line}");
        }
    }
    bench.write("r/checkpoint.safetensors", &whole);
    bench.ok(SLOW);
}

#[test]
fn a_finished_run_stays_until_the_next_one_is_finished() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --ema 0.9 --snapshots 1 --out r"));
    let before = bench.files("r");
    stopped(&bench, "INT");
    let mut after = bench.files("r");
    assert!(after.remove(std::path::Path::new("checkpoint.safetensors")).is_some());
    assert_eq!(after, before);
    bench.ok(SLOW);
    // The average of the older run is not this one's.
    assert!(!bench.path("r/ema.safetensors").exists() && bench.path("r/trajectory.safetensors").exists());
}

#[test]
fn a_slice_finishes_the_default_run_that_was_stopped() {
    let bench = Bench::new();
    let slow = SLOW.replace("--out r", "");
    let mut child = start(&bench, &format!("{slow} --checkpoint-every 0"));
    while !bench.path("runs/default/checkpoint.safetensors").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let said = bench.ok("slice --x=-1:1:3 --y=-1:1:3 --dpi 20").stderr;
    assert!(said.contains("finishing the run in runs/default"), "{said}");
    let alone = Bench::new();
    alone.ok(&slow);
    assert_eq!(bench.files("runs/default"), alone.files("runs/default"));
}
