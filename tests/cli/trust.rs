//! Finished pieces that later work trusts: one that is not as it was written is refused, or computed again.

use crate::bench::{Bench, GRID, TINY};
use std::path::Path;

/// Flips a bit of a digit in the middle of a text, so that it stays a digit and what it stands in can be read.
fn flip(bench: &Bench, name: &str) {
    let mut bytes = bench.bytes(name);
    let middle = bytes.len() / 2;
    let digit = (middle..bytes.len()).find(|i| bytes[*i].is_ascii_digit() && bytes[*i] < b'8');
    bytes[digit.unwrap_or(middle)] ^= 1;
    bench.write(name, bytes);
}

/// The first file below a directory whose name ends so.
fn one(bench: &Bench, directory: &str, end: &str) -> String {
    let files = bench.files(directory);
    let found =
        files.keys().find(|path| path.to_string_lossy().ends_with(end) && path.components().count() == 1);
    format!("{directory}/{}", found.unwrap_or_else(|| panic!("no {end}")).display())
}

#[test]
fn every_file_of_a_result_that_is_read_again_is_checked() {
    let bench = Bench::new();
    bench.ok("train --hidden 3 --epochs 4 --snapshots epochs:1 --samples 60 --dpi 20 --out r");
    bench.ok(&format!("slice --run r --directions trajectory {GRID} --out s"));
    bench.ok("sharpness --run r --probes 2 --samples 30 --dpi 20 --out k");
    let cases = [
        ("r", "weights.safetensors", format!("slice --run r {GRID} --out e")),
        ("r", "trajectory.safetensors", format!("slice --run r --directions trajectory {GRID} --out e")),
        ("r", "run.json", "plot r --out e".to_owned()),
        ("r", "metrics.jsonl", "plot r --out e".to_owned()),
        ("s", "slice.json", "plot s --out e".to_owned()),
        ("s", "slice.npz", "plot s --out e".to_owned()),
        ("k", "sharpness.json", "plot k --out e".to_owned()),
        ("k", "sharpness.npz", "plot k --out e".to_owned()),
    ];
    for (directory, name, command) in cases {
        let name = format!("{directory}/{name}");
        let whole = bench.bytes(&name);
        flip(&bench, &name);
        let line = bench.refused(&command, &format!("{name}: expected contents with SHA-256 "));
        assert!(line.contains("as machine.json records, found others"), "{line}");
        bench.write(&name, whole);
    }
    // A run that was copied without the record of its machine still names its weights.
    bench.unrecorded("r");
    flip(&bench, "r/weights.safetensors");
    for command in ["slice --run r --out e", "sharpness --run r --out e", "connect --from r --to r --out e"] {
        let line = bench.refused(command, "r/weights.safetensors: expected contents with SHA-256 ");
        assert!(line.contains("as run.json records"), "{line}");
    }
}

#[test]
fn a_second_result_in_the_same_place_leaves_the_first_on_record() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out r"));
    bench.ok(&format!("slice --run r {GRID} --out s"));
    bench.ok("propagate --hidden 4 --samples 20 --dpi 20 --quiet --out s");
    flip(&bench, "s/slice.npz");
    bench.refused("plot s --out e", "s/slice.npz: expected contents with SHA-256 ");
}

const RECIPE: &str = r#"
[train]
data = "spirals"
samples = 60
hidden = [3]
epochs = 1

[[vary]]
name = "width"
set = "train.hidden"
values = [3, 5]

[[measure]]
name = "loss"
of = "train.final.train_loss"
"#;

#[test]
fn a_case_of_a_study_that_is_not_as_it_was_written_is_computed_again() {
    let bench = Bench::new();
    bench.write("recipe.toml", RECIPE);
    let run = "run recipe.toml --dpi 20 --out s";
    bench.ok(run);
    let whole = bench.files("s");
    let case = one(&bench, "s/cases", ".json");
    let text = bench.text(&case);
    let at = text.find("train_loss\":").unwrap() + 14;
    for change in 0..4 {
        let mut bytes = text.clone().into_bytes();
        match change {
            // One digit's bit, as in .0066 for .1066.
            0 => bytes[at + 3] ^= 1,
            1 => bytes.truncate(at),
            2 => bytes[20] ^= 0x80,
            _ => bytes.clear(),
        }
        bench.write(&case, bytes);
        let said = bench.ok(run).stderr;
        assert!(said.contains("1 of 2 were computed before and are kept"), "{said}");
        assert_eq!(bench.files("s"), whole);
    }
    let said = bench.ok(run).stderr;
    assert!(said.contains("2 of 2 were computed before"), "{said}");
    flip(&bench, "s/figures.json");
    flip(&bench, "s/study.json");
    bench.refused("plot s --out e", "s/study.json: expected contents with SHA-256 ");
}

#[test]
fn a_trained_network_that_is_not_as_it_was_written_is_trained_again() {
    let bench = Bench::new();
    let run = "minima --count 3 --hidden 3 --epochs 1 --samples 40 --points 3 --dpi 20 --out m";
    bench.ok(run);
    let whole = bench.files("m");
    for name in ["weights.safetensors", "run.json", "metrics.jsonl"] {
        flip(&bench, &format!("m/seed-1/{name}"));
        let said = bench.ok(run).stderr;
        assert!(said.contains("2 of 3 runs are there already and are kept"), "{name}: {said}");
        assert_eq!(bench.files("m"), whole, "{name}");
    }
    assert!(Path::new(&bench.path("m/minima.json")).exists());
}

#[test]
fn an_unfinished_run_that_is_not_as_it_was_written_is_refused() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out r"));
    bench.ok(&format!("slice --run r {GRID} --shard 0/2 --out s"));
    let log = one(&bench, "s/shard-0-of-2", "slice-0.log");
    let whole = bench.bytes(&log);
    for at in [whole.len() / 2, whole.len() - 200] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bench.write(&log, bytes);
        let line = bench.refused(&format!("slice --run r {GRID} --shard 0/2 --out s"), &log);
        assert!(line.contains("checksum"), "{line}");
    }
}
