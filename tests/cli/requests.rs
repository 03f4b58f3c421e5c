//! Requests that make no sense: each gets one clear line, and nothing is written.

use crate::bench::{Bench, TINY, within};
use std::time::Duration;

#[test]
fn of_train() {
    let bench = Bench::new();
    for (flags, at, hint) in [
        ("--lr nan", "--lr", "NaN"),
        ("--lr 0", "--lr", "above 0"),
        ("--lr -1", "--lr", "found -1"),
        ("--lr fast", "--lr", "a number"),
        ("--lr", "--lr", "a value"),
        ("--lr 1 --lr 2", "--lr", "one value"),
        ("--epochs 100000000000", "--epochs", "at most"),
        ("--epochs 99999999999999999999999", "--epochs", "at most"),
        ("--epochs -1", "--epochs", "a whole number"),
        ("--epochs 1.5", "--epochs", "a whole number"),
        ("--seed 18446744073709551615", "--seed", "at most 9223372036854775807"),
        ("--hidden 0", "--hidden", "at least 1"),
        ("--hidden 1000000000000", "model", "2^31 parameters"),
        ("--hidden 99999999999999999999", "--hidden", "a whole number"),
        ("--hidden 24,,16", "--hidden", "a whole number"),
        ("--hidden -3", "--hidden", "found -3"),
        ("--batch-size 0", "--batch-size", "at least 1"),
        ("--samples 0", "--samples", "at least 1"),
        ("--clip 0", "--clip", "above 0"),
        ("--clip nan", "--clip", "NaN"),
        ("--clip-value -1", "--clip-value", "above 0"),
        ("--sam -0.1", "--sam", "found -0.1"),
        ("--sam inf", "--sam", "finite"),
        ("--ema 1", "--ema", "below 1"),
        ("--ema nan", "--ema", "NaN"),
        ("--swa 0", "--swa", "1 to 20"),
        ("--swa 21", "--swa", "1 to 20"),
        ("--snapshots 0", "--snapshots", "at least 1"),
        ("--snapshots daily:3", "--snapshots", "log:COUNT"),
        ("--snapshots 1 --epochs 1000", "--snapshots", "at most 10000 snapshots, found 21002"),
        ("--target-loss nan", "--target-loss", "finite"),
        ("--target-gradient 0", "--target-gradient", "above 0"),
        ("--best loss", "--best", "test-loss, train-loss"),
        ("--optimizer lbfgs --batch-size 64", "--batch-size", "all 1297 samples"),
        ("--optimizer lbfgs --schedule cosine", "--schedule", "constant with lbfgs"),
        ("--optimizer lbfgs --warmup 2", "--warmup", "none with lbfgs"),
        ("--optimizer lbfgs --sam 0.1", "--sam", "none with lbfgs"),
        ("--optimizer lbfgs --clip 1", "--clip", "none with lbfgs"),
        ("--optimizer lbfgs:wolfe=0", "--optimizer", "wolfe"),
        ("--samples 1298", "--samples", "1 to 1297"),
        ("--epochs 2 --warmup 3", "--warmup", "0 to 2"),
        ("--warmup -1", "--warmup", "found -1"),
        ("--activation rleu", "--activation", "did you mean `relu`?"),
        ("--bias maybe", "--bias", "a boolean"),
        ("--momentum 1", "--momentum", "below 1"),
        ("--nesterov true --momentum 0", "--nesterov", "momentum above 0"),
        ("--label-smoothing nan", "--label-smoothing", "NaN"),
        ("--weight-decay -1", "--weight-decay", "found -1"),
        ("--loss squared-error --label-smoothing 0.1", "--label-smoothing", "`smoothing`"),
        ("--data digtis", "--data", "did you mean `digits`?"),
        ("--data spirals:nose=1", "--data", "did you mean `noise`?"),
        ("--data spirals:noise", "--data", "key=value"),
        ("--data blobs:samples=10000000,dimension=1000", "--data", "74.5 GiB"),
        ("--data blobs:samples=10000000,classes=10000", "--data", "745.1 GiB"),
        ("--optimizer sdg", "--optimizer", "did you mean `sgd`?"),
        ("--schedule step:every=x", "--schedule", "a number"),
        ("--precision f16", "--precision", "f32, f64"),
        ("--threads 0", "--threads", "1 to"),
        ("--cmap virids", "--cmap", "did you mean `viridis`?"),
        ("--dpi -1", "--dpi", "`-1`"),
        ("--standardize maybe", "--standardize", "true, false"),
        ("--hiden 3", "--hiden", "did you mean `--hidden`?"),
        ("surplus", "surplus", "a flag"),
        ("--run .", "--run, --model", "which is neither"),
    ] {
        let line = bench.refused(&format!("train {flags} --out new/r"), at);
        assert!(line.contains(hint), "{flags}: {line}");
    }
}

#[test]
fn of_slice() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out r"));
    for (flags, at, hint) in [
        ("--x=0:1:1", "--x", "at least 2 points, found 1"),
        ("--x=0:1:0", "--x", "found 0"),
        ("--x=0:1:-3", "--x", "`-3`"),
        ("--x=nan:1:3", "--x", "finite"),
        ("--x=0:inf:3", "--x", "finite"),
        ("--x=1:1:3", "--x", "min below max"),
        ("--x=1:0:3", "--x", "min below max"),
        ("--x=a:b:c", "--x", "`a`"),
        ("--x=1:2", "--x", "min:max:n"),
        ("--x=-1:1:3.5", "--x", "number of points"),
        ("--x=-1:1:100000000 --y=-1:1:10", "--x, --y", "1000000000 points, 238.4 GiB"),
        ("--x=-1:1:99999999999999999999999", "--x", "number of points"),
        ("--x=1:1.0000001:3", "--x", "differ in f32"),
        ("--memory 0", "--memory", "above 0"),
        ("--samples 0", "--samples", "at least 1"),
        ("--samples 61", "--samples", "1 to 60"),
        ("--normalize filer", "--normalize", "did you mean `filter`?"),
        ("--directions gausian", "--directions", "did you mean `gaussian`?"),
        ("--orthogonal=false", "--orthogonal", "no value"),
        ("--log=maybe", "--log", "true, false"),
    ] {
        let line = bench.refused(&format!("slice --run r --out new/s {flags}"), at);
        assert!(line.contains(hint), "{flags}: {line}");
    }
    let line = bench.refused("slice r --out new/s", "r");
    assert!(line.contains("did you mean `--run r`?"), "{line}");
}

#[test]
fn of_slice_before_it_trains() {
    let bench = Bench::new();
    bench.refused("slice --samples 1298 --out s", "--samples");
    bench.refused("slice --x=1:1.0000001:3 --out s", "--x");
    let outcome = bench.run("slice --memory 1000000 --x=-1:1:2000000 --y=-1:1:1000000 --out s");
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(1), 1), "{}", outcome.stderr);
    if cfg!(target_os = "linux") {
        assert!(outcome.stderr.starts_with("error: memory: expected "), "{}", outcome.stderr);
    }
    assert!(bench.files("").is_empty());
}

#[test]
fn of_the_rest() {
    let bench = Bench::new();
    for (arguments, at, hint) in [
        ("lst", "command", "did you mean `list`?"),
        ("slcie --x=1:2:3", "command", "did you mean `slice`?"),
        ("slice --hlep", "--hlep", "did you mean `--help`?"),
        ("list actvation", "list", "did you mean `activation`?"),
        ("list --quiet", "--quiet", "a flag"),
        ("data digtis", "[DATA]", "did you mean `digits`?"),
        ("data --samples 0", "--samples", "1 to 1297"),
        ("plot", "<DIR>", "a value"),
        ("completions bsh", "<SHELL>", "did you mean `bash`?"),
        ("man slcie", "man", "did you mean `slice`?"),
    ] {
        let line = bench.refused(arguments, at);
        assert!(line.contains(hint), "{arguments}: {line}");
    }
}

#[test]
fn a_network_beyond_the_memory_is_the_machines_failure() {
    let bench = Bench::new();
    // 2^31 - 2^21 parameters: at least 32 GiB.
    let outcome = bench.run("train --hidden 32000,65000 --out new --quiet");
    if outcome.stderr.starts_with("error: memory: expected ") {
        assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(1), 1));
        assert!(within(outcome.took, Duration::from_secs(2)) && bench.files("").is_empty());
    } else {
        // A machine with that much memory is asked for more than a network may have.
        bench.refused("train --hidden 64000,65000 --out new --quiet", "model");
    }
}
