//! Data of one's own from the command line: broken files are refused with nothing written, paths stay as given.

use crate::bench::{Bench, at};
use serde_json::{Value, json};

/// A table of two features that part two classes.
fn table() -> String {
    let line = |i: u32| format!("{},{},{}\n", i % 7, i % 5, if i % 7 > 3 { "high" } else { "low" });
    "a,b,class\n".to_owned() + &(0..80).map(line).collect::<String>()
}

const TRAIN: &str = "train --hidden 3 --epochs 1 --dpi 20 --quiet";

#[test]
fn a_run_on_a_table_is_analysed_where_its_path_leads_to_it() {
    let bench = Bench::new();
    bench.write("d/t.csv", table());
    bench.ok(&format!("{TRAIN} --data csv:file=d/t.csv --out r"));
    let run = bench.json("r/run.json");
    assert_eq!(at(&run, "settings.data.file"), &json!("d/t.csv"), "the path as given");
    assert_eq!(at(&run, "samples"), &json!({"train": 60, "test": 20}));
    let slice = "slice --run r --x=-1:1:3 --y=-1:1:3 --dpi 20 --quiet --out s";
    bench.ok(slice);
    std::fs::rename(bench.path("d/t.csv"), bench.path("d/moved.csv")).unwrap();
    let line = bench.refused(slice, "r/weights.safetensors: metadata `losscape.data`: d/t.csv: expected");
    assert!(line.contains("found nothing there (paths of data are kept as they were given"), "{line}");
    bench.write("d/t.csv", table().replace("1,1,", "1,2,"));
    let line =
        bench.refused(slice, "r/weights.safetensors: metadata `losscape.data`: expected csv (file = t.csv)");
    assert!(line.contains("SHA-256"), "{line}");
}

#[test]
fn pictures_and_hashes_do_not_depend_on_where_files_lie() {
    let bench = Bench::new();
    bench.write("d/t.csv", table());
    bench.write("e/f/t.csv", table());
    for (directory, out) in [("d", "one"), ("e/f", "two"), (&bench.path("d").display().to_string(), "three")]
    {
        bench.ok(&format!("{TRAIN} --data csv:file={directory}/t.csv --out {out}"));
    }
    for file in ["metrics.jsonl", "training.svg"] {
        let one = bench.bytes(&format!("one/{file}"));
        assert!(one == bench.bytes(&format!("two/{file}")) && one == bench.bytes(&format!("three/{file}")));
    }
    let sha256 = |out: &str| bench.json(&format!("{out}/run.json"))["data_sha256"].clone();
    assert!(sha256("one") == sha256("two") && sha256("one") == sha256("three"));
}

#[test]
fn broken_files_are_refused_with_nothing_written() {
    let bench = Bench::new();
    bench.write("d/train-images-idx3-ubyte", b"\0\0\x08");
    bench.write("d/train-labels-idx1-ubyte", b"\0\0\x08");
    bench.write("c/data_batch_1.bin", b"short");
    bench.write("t.csv", "1,x\n1e999,y\n");
    bench.write("x.npz", "PK");
    for (source, place) in [
        ("idx:directory=d", "d/train-images-idx3-ubyte: "),
        ("cifar10:directory=c", "c/data_batch_1.bin: "),
        ("cifar100:directory=c", "c/train.bin: "),
        ("csv:file=t.csv", "t.csv: line 2, column 0: "),
        ("npz:file=x.npz", "x.npz: "),
        ("csv:file=/dev/zero", "/dev/zero: expected a regular file, found a device"),
        ("idx", "data set idx: directory: "),
        ("polynomial", "--data: expected a data set with classes"),
    ] {
        bench.refused(&format!("{TRAIN} --data {source} --out new"), place);
        if source != "polynomial" {
            bench.refused(&format!("data {source} --out new"), place);
        }
    }
}

#[test]
fn settings_of_preparation_are_flags_and_keys() {
    let bench = Bench::new();
    let flags = "--subset 100 --balance --label-noise 0.5 --standardize channel";
    bench.ok(&format!("data {flags} --dpi 20 --out flags"));
    let result = bench.json("flags/data.json");
    assert_eq!(at(&result, "samples.train"), &json!(100));
    assert_eq!(at(&result, "settings.subset"), &json!(100));
    assert_eq!(at(&result, "settings.standardize"), &json!("channel"));
    // Balanced before the noise, and no longer after.
    assert_ne!(at(&result, "class_counts.train"), &json!([10, 10, 10, 10, 10, 10, 10, 10, 10, 10]));
    let keys = "subset = 100\nbalance = true\nlabel-noise = 0.5\nstandardize = \"channel\"\ndpi = 20\nout = \"keys\"";
    bench.write("c.toml", keys);
    bench.ok("data --config c.toml");
    assert_eq!(bench.bytes("flags/data.npz"), bench.bytes("keys/data.npz"));
    for (flags, place) in [
        ("--subset 0", "--subset: expected 1 to 1297"),
        ("--subset some", "--subset"),
        ("--subset 1.5", "--subset"),
        ("--label-noise 2", "--label-noise: expected 0 to 1"),
        ("--label-noise nan", "--label-noise: expected 0 to 1"),
        ("--balance --subset 101", "--subset: expected a multiple"),
        ("--standardize rows", "--standardize"),
    ] {
        bench.refused(&format!("data {flags} --out new"), place);
        bench.refused(&format!("train {flags} --out new"), place);
    }
}

#[test]
fn values_are_written_as_values() {
    let bench = Bench::new();
    bench.ok("data identity:observed=0.5 --quiet --out i");
    let result = bench.json("i/data.json");
    assert_eq!((at(&result, "classes"), at(&result, "values")), (&json!(null), &json!(20)));
    let npz = bench.npz("i/data.npz");
    let y = npz.get("train_y").unwrap();
    assert_eq!(y.shape, [20, 20]);
    assert_eq!(y.to_f64().iter().filter(|v| v.is_nan()).count(), 200);
}

/// A file that was moved is named anew; the samples decide whether it is the same.
#[test]
fn moved_data_are_named_anew() {
    let bench = Bench::new();
    bench.write("d/t.csv", table());
    bench.ok(&format!("{TRAIN} --data csv:file=d/t.csv --out r"));
    let slice = "slice --run r --x=-1:1:3 --y=-1:1:3 --dpi 20 --quiet";
    bench.ok(&format!("{slice} --out s"));
    std::fs::rename(bench.path("d/t.csv"), bench.path("d/moved.csv")).unwrap();
    bench.refused(&format!("{slice} --out n"), "r/weights.safetensors");
    bench.ok(&format!("{slice} --data csv:file=d/moved.csv --out n"));
    for file in ["slice.json", "slice.npz", "contour.svg"] {
        assert!(bench.bytes(&format!("s/{file}")) == bench.bytes(&format!("n/{file}")), "{file}");
    }
    bench.write("d/other.csv", table().replace("1,1,", "1,2,"));
    let other = format!("{slice} --data csv:file=d/other.csv --out o");
    let line =
        bench.refused(&other, "--data: expected the samples that r/weights.safetensors was trained on");
    assert!(line.contains("--other-data"), "{line}");
    bench.ok(&format!("{other} --other-data"));
    assert_ne!(
        at(&bench.json("o/slice.json"), "data_sha256"),
        at(&bench.json("s/slice.json"), "data_sha256")
    );
    bench.refused(&format!("{slice} --other-data --out p"), "--other-data: expected data with --data");
    bench.refused("slice --data digits --out p", "--data: expected a network that is given with --run");
    bench.refused(&format!("{slice} --data digits --other-data --out p"), "r/weights.safetensors");
}

/// A project that is moved as a whole, and one that is looked at from elsewhere.
#[test]
fn data_are_found_relative_to_the_run() {
    let bench = Bench::new();
    bench.write("project/data/t.csv", table());
    let inside = |arguments: &str| {
        let outcome = bench.command().current_dir(bench.path("project")).args(arguments.split(' ')).status();
        assert_eq!(outcome.unwrap().code(), Some(0), "{arguments}");
    };
    inside(&format!("{TRAIN} --data csv:file=data/t.csv --out runs/a"));
    std::fs::rename(bench.path("project"), bench.path("moved")).unwrap();
    let slice = "slice --run moved/runs/a --x=-1:1:3 --y=-1:1:3 --dpi 20 --quiet --out s";
    bench.ok(slice);
    // Another file under the remembered name, where the command is started, is not taken for it.
    bench.write("data/t.csv", table().replace("1,1,", "1,2,"));
    bench.ok(slice);
    bench.write("moved/data/t.csv", table().replace("1,1,", "1,3,"));
    bench.refused(
        slice,
        "moved/runs/a/weights.safetensors: metadata `losscape.data`: expected csv (file = t.csv)",
    );
}

#[test]
fn a_tilde_is_the_home_directory() {
    let bench = Bench::new();
    bench.write("home/t.csv", table());
    let train = format!("{TRAIN} --data csv:file=~/t.csv --out=~/r");
    let status = bench.command().env("HOME", bench.path("home")).args(train.split(' ')).status();
    assert_eq!(status.unwrap().code(), Some(0));
    assert_eq!(at(&bench.json("home/r/run.json"), "settings.data.file"), &json!("~/t.csv"));
}

#[test]
fn classes_keep_their_names_and_doubts_are_said_once() {
    let bench = Bench::new();
    let rows: String = table().lines().skip(1).enumerate().map(|(i, line)| format!("{i},{line}\n")).collect();
    bench.write("t.csv", format!("id,a,b,class\n{rows}"));
    let outcome = bench.ok("train --hidden 3 --epochs 1 --dpi 20 --data csv:file=t.csv --out r");
    let said = outcome
        .stderr
        .lines()
        .filter(|l| l.starts_with("warning: t.csv: column id numbers the lines"))
        .count();
    assert_eq!(said, 1, "{}", outcome.stderr);
    assert!(outcome.stdout.contains("classes 0 high, 1 low"), "{}", outcome.stdout);
    assert_eq!(at(&bench.json("r/run.json"), "class_names"), &json!(["high", "low"]));
    let outcome = bench.ok("data csv:file=t.csv,drop=id --dpi 20 --out d");
    assert!(
        outcome.stderr.is_empty() && outcome.stdout.contains("2 classes (high, low)"),
        "{}",
        outcome.stdout
    );
    assert!(bench.ok("data csv:file=t.csv --dpi 20 --quiet --out d").stderr.is_empty());
}

#[test]
fn numbers_and_lists_are_taken_as_people_write_them() {
    let bench = Bench::new();
    let train = "train --epochs 0 --samples 60 --dpi 20 --quiet --out r";
    let setting = |flags: &str, path: &str| {
        bench.ok(&format!("{train} {flags} --fresh"));
        at(&bench.json("r/run.json"), path).clone()
    };
    assert_eq!(setting("--momentum .9", "settings.optimizer.momentum"), json!(0.9));
    assert_eq!(setting("--optimizer sgd:momentum=.5", "settings.optimizer.momentum"), json!(0.5));
    assert_eq!(setting("--lr .5", "settings.lr"), json!(0.5));
    assert_eq!(setting("--lr 1.", "settings.lr"), json!(1.0));
    for (flags, at) in [
        ("--lr -.5", "--lr: expected"),
        ("--lr -1e-3", "--lr: expected"),
        ("--momentum -.5", "--momentum: "),
        ("--hidden 64 32", "--hidden: expected one value (several: --hidden 64,32), found 64 32"),
        ("--loss mse", "--loss: "),
        ("--data mnist", "--data: "),
    ] {
        let line = bench.refused(&format!("{train} {flags}"), at);
        assert!(!line.contains("unknown one"), "{line}");
    }
    assert!(
        bench
            .refused(&format!("{train} --data mnist"), "--data")
            .contains("did you mean `idx:directory=PATH`?")
    );
    assert!(
        bench
            .refused(&format!("{train} --loss mse"), "--loss")
            .contains("did you mean `mean-squared-error`, as PyTorch")
    );
    let line = bench.refused("slice --x=-1e35:1e35:3", "--x: expected -1e30 to 1e30 as min, found `-1e35`");
    assert!(!line.contains("finite"), "{line}");
    bench.refused("slice --run a b", "--run: expected one value (several: --run a --run b), found a b");
    bench.ok("data --data digits --dpi 20 --quiet --out d");
}

/// A loss is a way of looking at a run: its weights and data stay.
#[test]
fn a_run_is_measured_by_another_loss() {
    let bench = Bench::new();
    bench.ok("train --data spirals --hidden 3 --epochs 1 --samples 20 --dpi 20 --quiet --out r");
    let center = |loss: &str, out: &str| {
        bench.ok(&format!("slice --run r {loss} --x=-1:1:3 --dpi 20 --quiet --out {out}"));
        at(&bench.json(&format!("{out}/slice.json")), "center")["train_loss"].as_f64().unwrap()
    };
    let (own, same) = (center("", "a"), center("--loss cross-entropy", "b"));
    assert_eq!(own.to_bits(), same.to_bits());
    // Half the squared error of one-hot targets is half of PyTorch's mean over two outputs, times two.
    let (half, mean) = (center("--loss squared-error", "c"), center("--loss mean-squared-error", "d"));
    assert!(own != half && (half - mean).abs() < 1e-6 * half, "{own} {half} {mean}");
    let weights = center("--loss cross-entropy:weights=[2,2]", "e");
    assert!((weights - 2.0 * own).abs() < 1e-6 * weights, "{weights} and {own}");
    bench
        .refused("slice --run r --loss cross-entropy:weights=[1,2,3] --out q", "loss cross-entropy: weights");
}

/// Weights, labels that do not count, one logit and tokens, as users ask for them.
#[test]
fn samples_count_as_they_should_and_tokens_are_looked_up() {
    let bench = Bench::new();
    let made = |name: &str| format!("{}/tests/files/made/{name}", env!("CARGO_MANIFEST_DIR"));
    let train = |data: &str, flags: &str, out: &str| {
        bench.ok(&format!("train --data {data} --epochs 2 --dpi 20 --quiet --out {out} {flags}"));
        bench.json(&format!("{out}/run.json"))
    };
    let weighted = format!("npz:file={}", made("weighted.npz"));
    let loss = |run: &Value| at(run, "final.train_loss").as_f64().unwrap();
    let (own, none) = (train(&weighted, "", "a"), train(&format!("{weighted},weights=none"), "", "b"));
    assert!(loss(&own) != loss(&none));
    bench.ok("slice --run a --x=-1:1:3 --dpi 20 --quiet --out s");
    let center = at(&bench.json("s/slice.json"), "center")["train_loss"].as_f64().unwrap();
    assert!((center - loss(&own)).abs() <= 1e-6 * center, "{center} and {}", loss(&own));
    // The label that a loss ignores is left out of the data, and stays so when the run is read.
    let signs = format!("npz:file={}", made("signs.npz"));
    let ignored = made("ignored.npz");
    bench.refused(
        &format!("train --data npz:file={ignored},ignore=5 --out q"),
        &format!("{ignored}: y: expected classes"),
    );
    let other = train(&format!("{weighted},weights=none"), "--loss cross-entropy:ignore=2 --hidden 3", "c0");
    assert_eq!(at(&other, "settings.data.ignore"), &json!(2));
    bench.refused(
        "train --data digits --loss cross-entropy:ignore=3 --out q",
        "--loss cross-entropy: ignore: ",
    );
    let single = train(&signs, "--loss logistic:single=true --hidden 3", "c");
    let accuracy = at(&single, "final.train_accuracy").as_f64().unwrap();
    assert!((0.0..=1.0).contains(&accuracy));
    bench.ok("sharpness --run c --quick --dpi 20 --quiet --out h");
    bench.refused(
        "train --data digits --loss logistic:single=true --out q",
        "loss: single=true: expected data with 2 classes",
    );
    let table = "--model layers:layers=[{kind=\"embedding\",vocabulary=5,width=4},\"activate\"]";
    let tokens = format!("npz:file={}", made("tokens.npz"));
    let run = train(&tokens, table, "d");
    assert_eq!(at(&run, "settings.data.tokens"), &json!(true));
    bench.ok("slice --run d --x=-1:1:3 --normalize filter --dpi 20 --quiet --out t");
    let small = table.replace("vocabulary=5", "vocabulary=4");
    let line = bench.refused(&format!("train --data {tokens} {small} --out q"), "--data");
    assert!(line.contains("expected whole numbers below 4 for an embedding, found 4"), "{line}");
    bench.write("text.txt", "to be or not to be, that is the question. ".repeat(4));
    let own = table.replace("vocabulary=5,", "");
    let run = train("text:file=text.txt,context=4", &own, "e");
    assert_eq!(at(&run, "settings.data.encoding"), &json!("tokens"));
}

/// Values of their own size are learned as values of size 1, and errors are told in their own units.
#[test]
fn targets_are_standardised_and_errors_told_in_their_own_units() {
    let bench = Bench::new();
    let rows = |i: i32| format!("{},{},{}\n", i % 7, i % 5, 200_000 + 30_000 * (i % 7) - 10_000 * (i % 5));
    bench.write("houses.csv", "rooms,age,price\n".to_owned() + &(0..70).map(rows).collect::<String>());
    let train = "train --data csv:file=houses.csv,label=price,task=regression --loss squared-error --hidden none --optimizer gd --lr 0.3 --epochs 60";
    let said = bench.ok(&format!("{train} --standardize-targets --dpi 20 --out r")).stdout;
    assert!(said.contains("root mean squared error") && said.contains("in the targets' own units"), "{said}");
    let record = bench.json("r/run.json");
    let error = record["targets"]["error"]["train"].as_f64().unwrap();
    let (std, loss) =
        (record["targets"]["std"][0].as_f64().unwrap(), record["final"]["train_loss"].as_f64().unwrap());
    assert!((error - std * (2.0 * loss).sqrt()).abs() < 1e-9 * error, "{error} {std} {loss}");
    // The rule is a straight line: dollars of a line are learned to a small part of their spread.
    assert!(std > 40_000.0 && error < 0.2 * std, "{error} of {std}");
    bench.refused("train --standardize-targets --out q", "--standardize-targets: expected data with values");
}
