//! No result over what it is made from, whatever the input is and by whatever path it is named.

use crate::bench::{Bench, GRID, TINY};

const APART: &str = "--out: expected a directory apart from what is read";

/// Data, a run on them, a configuration, a recipe, directions.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.ok("data blobs:samples=80 --dpi 20 --quiet --out d");
    bench.ok(&format!("train {TINY} --data npz:file=d/data.npz --quiet --out r"));
    bench.write("c/config.toml", "dpi = 20\n");
    bench
}

/// Refused at once, with every file as it was.
fn refused(bench: &Bench, arguments: &str) {
    let before = bench.files("");
    let line = bench.refused(arguments, APART);
    assert!(line.contains(", which "), "{line}");
    let mut after = bench.files("");
    after.retain(|path, _| !path.ends_with(".lock"));
    let mut before = before;
    before.retain(|path, _| !path.ends_with(".lock"));
    assert!(before.keys().eq(after.keys()), "{arguments}: {:?} and {:?}", before.keys(), after.keys());
    assert!(before == after, "{arguments}");
}

#[test]
fn every_input_is_safe() {
    let bench = bench();
    bench.ok(&format!("slice --run r {GRID} --quiet --out s"));
    std::fs::create_dir(bench.path("other")).unwrap();
    std::fs::copy(bench.path("s/directions.safetensors"), bench.path("other/given.safetensors")).unwrap();
    for arguments in [
        // Data: of its own command, of training, of the run that is analysed.
        "data npz:file=d/data.npz --out d".to_owned(),
        format!("train {TINY} --data npz:file=d/data.npz --out d"),
        format!("slice --run r {GRID} --out d"),
        "propagate --data npz:file=d/data.npz --out d".to_owned(),
        // Runs and weights.
        format!("slice --run r {GRID} --out r"),
        format!("slice --run r/weights.safetensors {GRID} --out r"),
        "connect --from r --to r --out r".to_owned(),
        "sharpness --run r --quick --out r".to_owned(),
        // Directions, and a configuration.
        format!("slice --run r {GRID} --directions file:path=other/given.safetensors --out other"),
        "data digits --config c/config.toml --out c".to_owned(),
        "plot s --config c/config.toml --out c".to_owned(),
    ] {
        refused(&bench, &format!("{arguments} --quiet"));
    }
}

#[test]
#[cfg(unix)]
fn links_and_second_names_are_seen_through() {
    let bench = bench();
    std::fs::create_dir_all(bench.path("e/f")).unwrap();
    std::os::unix::fs::symlink(bench.path("d"), bench.path("e/to-d")).unwrap();
    std::os::unix::fs::symlink(bench.path("d/data.npz"), bench.path("e/soft.npz")).unwrap();
    std::fs::hard_link(bench.path("d/data.npz"), bench.path("e/hard.npz")).unwrap();
    for (input, out) in [
        ("d/data.npz", "e/to-d"),
        ("e/to-d/data.npz", "d"),
        ("e/soft.npz", "d"),
        ("e/hard.npz", "d"),
        ("e/../d/data.npz", "./d/."),
        ("d/data.npz", "e/../d"),
    ] {
        refused(&bench, &format!("data npz:file={input} --out {out} --quiet"));
    }
    // Beside it, above it and below it there is room.
    for out in ["e/f", ".", "d/below"] {
        bench.ok(&format!("data npz:file=d/data.npz --dpi 20 --quiet --out {out}"));
    }
}

#[test]
fn recipes_are_safe() {
    let bench = Bench::new();
    bench.write(
        "recipes/r.toml",
        "title = \"t\"\nclaim = \"c\"\nseeds = 1\n[train]\ndata = \"blobs:samples=400\"\nhidden = [2]\nepochs = 1\n\
         [[vary]]\nname = \"lr\"\nset = \"train.lr\"\nvalues = [0.1, 0.2]\n\
         [[measure]]\nname = \"loss\"\nof = \"train.final.train_loss\"\n",
    );
    let before = bench.files("recipes");
    let outcome = bench.run("run recipes/r.toml --out recipes --quiet");
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(APART), "{}", outcome.stderr);
    assert_eq!(bench.files("recipes").into_keys().filter(|p| !p.ends_with(".lock")).count(), before.len());
}
