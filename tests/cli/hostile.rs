//! Files and flags that mean harm: names that lead elsewhere, text that acts on a terminal, limits of the machine.

use crate::bench::{Bench, GRID, Outcome, TINY};
use losscape::base::tensors::{Data, Tensor, TensorFile};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::{Command, Output};

/// Escapes, a forged message, a turned direction of writing, and more than anybody reads.
fn hostile() -> String {
    format!("x\u{1b}[2J\u{9b}31m\r\nerror: forged: all is well\u{202e}\u{7f}{}", "y".repeat(100_000))
}

/// A text as TOML writes it, as a key or as a value.
fn basic_string(text: &str) -> String {
    json!(text).to_string().replace('\u{7f}', "\\u007f")
}

/// What nothing written may hold: anything that acts, or endless lines.
fn harmless(what: &str, outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        let acts = |c: char| {
            c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        };
        let shown: String = text.chars().take(2000).collect();
        assert!(!text.contains(acts), "{what}: {shown:?}");
        assert!(!text.lines().any(|line| line.starts_with("error: forged")), "{what}: {shown:?}");
        assert!(text.lines().all(|line| line.chars().count() <= 1500), "{what}: {shown:?}");
    }
}

fn refused(bench: &Bench, what: &str, arguments: &[&str]) {
    let outcome = bench.run_with(arguments);
    harmless(what, &outcome);
    assert_eq!(
        (outcome.code, outcome.stderr.lines().count()),
        (Some(2), 1),
        "{what}: {:.2000}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("expected ") && outcome.stderr.contains(", found "),
        "{what}: {}",
        outcome.stderr
    );
}

#[test]
fn text_of_files_and_flags_does_nothing_to_a_terminal() {
    let bench = Bench::new();
    let text = hostile();
    let quoted = basic_string(&text);
    let tensor = |name: &str| Tensor { name: name.to_owned(), shape: vec![1], data: Data::F32(vec![0.0]) };
    let file = |metadata: BTreeMap<String, String>, tensors| TensorFile { metadata, tensors }.to_bytes();
    let spec = |value: Value| BTreeMap::from([("losscape".to_owned(), value.to_string())]);
    bench.ok(&format!("train {TINY} --out r"));
    let mut own = bench.tensors("r/weights.safetensors");
    own.tensors.push(tensor(&text));
    bench.write("tensor", own.to_bytes());
    bench.write("kind", file(spec(json!({"model": text})), vec![]));
    bench.write("key", file(spec(json!({text.as_str(): 1})), vec![]));
    bench.write("setting", file(spec(json!({"model": {"kind": "mlp", text.as_str(): 1}})), vec![]));
    bench.write("loss", file(spec(json!({"loss": {"kind": text}})), vec![]));
    for name in ["tensor", "kind", "key", "setting", "loss"] {
        refused(&bench, name, &["slice", "--run", name, "--out", "e"]);
    }
    for (what, toml) in [
        ("key", format!("{quoted} = 1")),
        ("value", format!("lr = {quoted}")),
        ("kind", format!("model = {quoted}")),
        ("setting", format!("optimizer = {{ kind = \"sgd\", {quoted} = 1 }}")),
        ("list", format!("hidden = [{quoted}]")),
        ("path", format!("data = {}", basic_string(&format!("csv:file={text}")))),
        ("out", format!("out = 3\nmodel = {quoted}")),
    ] {
        bench.write("c.toml", toml);
        refused(&bench, &format!("config {what}"), &["train", "--config", "c.toml"]);
    }
    for (what, toml) in [
        ("top key", format!("{quoted} = 1")),
        ("formula", format!("[train]\n[[measure]]\nname = \"a\"\nof = {quoted}")),
        ("measure", format!("[train]\n[[measure]]\nname = {quoted}\nof = \"train.final.train_loss\"")),
        ("axis", format!("[train]\n[[vary]]\nname = {quoted}\nset = \"train.lr\"\nvalues = [1]")),
        (
            "set",
            format!(
                "[train]\n[[vary]]\nname = \"a\"\nset = {quoted}\nvalues = [1]\n[[measure]]\nname=\"b\"\nof=\"a\""
            ),
        ),
        (
            "change",
            format!(
                "[train]\n[[vary]]\nname = \"a\"\nset = \"train.lr\"\nvalues = [{quoted}]\n[[measure]]\nname=\"b\"\nof=\"train.final.lr\""
            ),
        ),
        (
            "work",
            format!(
                "[train]\n[[vary]]\nname = \"a\"\nset = \"train.lr\"\nvalues = [{}]\n[[measure]]\nname=\"b\"\nof=\"train.final.lr\"",
                basic_string(&format!("={text}"))
            ),
        ),
        ("pass", format!("[pass.{quoted}]\n[[measure]]\nname = \"a\"\nof = \"1\"")),
        ("scale", format!("[train]\n[scale.{quoted}]\nb = 1\n[[measure]]\nname=\"a\"\nof=\"1\"")),
        ("figure", format!("[train]\n[[figure]]\nname = {quoted}\n[[measure]]\nname=\"a\"\nof=\"1\"")),
        ("out", format!("out = {quoted}\n[train]\n[[measure]]\nname=\"a\"\nof=\"1\"")),
    ] {
        bench.write("recipe.toml", toml);
        refused(&bench, &format!("recipe {what}"), &["run", "recipe.toml"]);
    }
    // Flags cannot be as long.
    let short: String = text.chars().take(20_000).collect();
    for flag in ["--model", "--lr", "--data", "--hidden", "--optimizer", "--activation", "--snapshots"] {
        refused(&bench, flag, &["train", flag, &short]);
    }
    refused(&bench, "command", &[&short]);
    refused(&bench, "flag", &["train", &format!("--{short}")]);
    refused(&bench, "run", &["slice", "--run", &short]);
    // Saved results, and names of files.
    bench.ok(&format!("slice --run r {GRID} --out s"));
    bench.unrecorded("s");
    let whole = bench.json("s/slice.json");
    for key in ["settings", "axes"] {
        let mut changed = whole.clone();
        changed[key] = json!({text.as_str(): text});
        bench.write("s/slice.json", changed.to_string());
        refused(&bench, &format!("slice.json {key}"), &["plot", "s", "--out", "e"]);
    }
}

#[test]
fn titles_and_labels_of_recipes_and_files_are_shown_on_one_line() {
    let bench = Bench::new();
    let hostile: String = hostile().chars().take(3000).collect();
    let quoted = basic_string(&hostile);
    let recipe = format!(
        "title = {quoted}\nclaim = {quoted}\n[train]\nsamples = 40\nhidden = [2]\nepochs = 1\n\
         [[vary]]\nname = \"a\"\ncases = [{{ name = {quoted}, set = {{ \"train.lr\" = 0.1 }} }}]\n\
         [[measure]]\nname = \"loss\"\nof = \"train.final.train_loss\"\nlabel = {quoted}\n\
         [[expect]]\nthat = {quoted}\nabove = 0\nleft = {{ measure = \"loss\" }}\n\
         [[figure]]\nname = \"f\"\ntitle = {quoted}\nx = \"a\"\ny = [\"loss\"]\n"
    );
    bench.write("recipe.toml", recipe);
    for more in [&["--plan"][..], &["--out", "s", "--dpi", "20"], &["--out", "s", "--dpi", "20", "--json"]] {
        let outcome = bench.run_with(&[&["run", "recipe.toml"][..], more].concat());
        // Of one seed nothing is decided.
        assert!(matches!(outcome.code, Some(0 | 3)), "{}", outcome.stderr);
        // What is JSON is whole, and says the same.
        if more.last() == Some(&"--json") {
            let said: Value = serde_json::from_str(&outcome.stdout).unwrap();
            assert_eq!(said, bench.json("s/study.json"));
            assert!(said["title"].as_str().unwrap().starts_with("x\u{1b}[2J\u{9b}31m"));
            assert!(!outcome.stdout.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7f}']));
            continue;
        }
        harmless("recipe", &outcome);
    }
    let outcome = bench.run_with(&["plot", "s", "--dpi", "20"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let name = "a\u{1b}[31m\nerror: forged\u{202e}.csv";
    bench.write(name, (0..40).map(|i| format!("{},{}\n", i % 7, i % 2)).collect::<String>());
    let data = format!("csv:file={name}");
    let train =
        ["train", "--data", &data, "--hidden", "2", "--epochs", "1", "--dpi", "20", "--out", "t\u{1b}\nx"];
    let outcome = bench.run_with(&train);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    harmless("csv", &outcome);
}

const STUDY: &str = "[train]\nsamples = 40\nhidden = [2]\nepochs = 1\n[[vary]]\nname = \"a\"\nset = \"train.lr\"\nvalues = [0.1, 0.2]\n\
                     [[measure]]\nname = \"loss\"\nof = \"train.final.train_loss\"\n[[figure]]\nname = \"f\"\nx = \"a\"\ny = [\"loss\"]\n";

#[test]
fn names_stay_in_the_folder_that_they_are_joined_to() {
    let bench = Bench::new();
    bench.write("recipe.toml", STUDY);
    bench.ok("run recipe.toml --dpi 20 --out deep/s");
    bench.unrecorded("deep/s");
    let absolute = bench.path("absolute").display().to_string();
    let long = "n".repeat(300);
    let figures = bench.json("deep/s/figures.json");
    for name in
        ["../../x", "../x", "a/b", "..", ".", "", &absolute, "a\\b", "a\0b", "a\nb", ".hidden", &long, "c:x"]
    {
        let mut changed = figures.clone();
        changed[0]["name"] = json!(name);
        bench.write("deep/s/figures.json", changed.to_string());
        let line = bench.refused("plot deep/s --dpi 20", "deep/s: file name: expected a name");
        assert!(line.len() < 500, "{line}");
        bench.refused("plot deep/s --dpi 20 --out e", "deep/s: file name: expected a name");
    }
    for out in ["/etc/cron.d", "~/x", "../x", "a/../../x", &absolute, "a\nb"] {
        bench.write("recipe.toml", format!("out = {}\n{STUDY}", toml::Value::String(out.to_owned())));
        bench
            .refused("run recipe.toml", "recipe.toml: out: expected a directory below the working directory");
    }
    bench.write("recipe.toml", format!("out = \"a/b\"\n{STUDY}"));
    bench.ok("run recipe.toml --dpi 20");
    assert!(bench.path("a/b/study.json").exists());
    // A flag may name any place.
    std::fs::create_dir(bench.path("sub")).unwrap();
    let outcome = bench
        .command()
        .current_dir(bench.path("sub"))
        .args(["run", "../recipe.toml", "--out", "../c"])
        .output();
    assert_eq!(outcome.unwrap().status.code(), Some(0));
    assert!(bench.path("c/study.json").exists());
    // Work that goes on in a file does not follow a link out of the folder.
    #[cfg(unix)]
    {
        bench.ok(&format!("train {TINY} --out r"));
        std::fs::create_dir(bench.path("linked")).unwrap();
        std::os::unix::fs::symlink(bench.path("elsewhere"), bench.path("linked/slice-0.log")).unwrap();
        let outcome = bench.run(&format!("slice --run r {GRID} --quiet --out linked"));
        let refusal = "error: linked/slice-0.log: expected a regular file, found a symbolic link\n";
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(2), refusal));
        assert!(!bench.path("elsewhere").exists());
    }
}

#[test]
fn nesting_is_refused_beyond_a_depth_that_counts_all_of_it() {
    let bench = Bench::new();
    let nested = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    let residual = |n: usize| format!("[{}{}]", "{kind=\"residual\",body=[".repeat(n), "]}".repeat(n));
    for n in [70, 100, 40_000] {
        for (what, text) in [
            ("list", format!("hidden = {}", nested("[", "]", n))),
            ("table", format!("model = {}", nested("{a=", "}", n))),
            ("layers", format!("[model]\nkind = \"layers\"\nlayers = {}", residual(n))),
            ("dotted", format!("model.{}a = 1", "a.".repeat(n))),
            ("header", format!("[model.{}a]\nb = 1", "a.".repeat(n))),
            (
                "both",
                format!("[model.{}a]\n{}b = {}", "a.".repeat(60), "c.".repeat(60), nested("[", "]", 60)),
            ),
        ] {
            bench.write("c.toml", text);
            let outcome = bench.run_with(&["train", "--config", "c.toml"]);
            assert_eq!(
                (outcome.code, outcome.stderr.lines().count()),
                (Some(2), 1),
                "{what} {n}: {:.900}",
                outcome.stderr
            );
        }
    }
    let formula = |of: &str| format!("[train]\n[[measure]]\nname = \"a\"\nof = \"{of}\"");
    let values = |of: &str| {
        format!(
            "[train]\n[[vary]]\nname = \"x\"\nset = \"train.lr\"\nvalues = [\"={of}\"]\n[[measure]]\nname = \"a\"\nof = \"train.final.lr\""
        )
    };
    let n = 40_000;
    for of in [
        "1+".repeat(n) + "1",
        "1<1+".repeat(n) + "1",
        nested("(", ")", n),
        nested("-(", ")", n),
        nested("abs(", ")", n),
        "2^".repeat(n) + "1",
        "2^-".repeat(n) + "1",
        "-".repeat(n) + "1",
    ] {
        for text in [formula(&of), values(&of)] {
            bench.write("recipe.toml", text);
            bench.refused("run recipe.toml", "recipe.toml: ");
        }
    }
    let deep = format!(
        "[train]\n[[vary]]\nname = \"x\"\nset = \"train.hidden\"\nvalues = [{}]\n[[measure]]\nname = \"a\"\nof = \"train.final.lr\"",
        nested("[", "]", 70)
    );
    bench.write("recipe.toml", deep);
    let outcome = bench.run("run recipe.toml");
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(2), 1), "{:.900}", outcome.stderr);
    let flag = format!("layers:layers={}", residual(70));
    assert_eq!(bench.run_with(&["train", "--model", &flag]).code, Some(2));
    // JSON, as weights hold it.
    for n in [60, 100, 40_000] {
        let layers = format!("{}[]{}", "[{\"kind\":\"residual\",\"body\":".repeat(n), "}]".repeat(n));
        let spec = format!("{{\"model\":{{\"kind\":\"layers\",\"layers\":{layers}}}}}");
        let file = TensorFile { metadata: BTreeMap::from([("losscape".to_owned(), spec)]), tensors: vec![] };
        bench.write("w", file.to_bytes());
        let outcome = bench.run("slice --run w --out e");
        assert_eq!(
            (outcome.code, outcome.stderr.lines().count()),
            (Some(2), 1),
            "{n}: {:.900}",
            outcome.stderr
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn json_that_would_fill_the_memory_is_refused() {
    let bench = Bench::new();
    bench.write("recipe.toml", STUDY);
    bench.ok("run recipe.toml --dpi 20 --out s");
    bench.unrecorded("s");
    let whole = bench.text("s/figures.json");
    for (name, part) in [
        ("figures.json", "{\"\":0},"),
        ("figures.json", "0,"),
        ("study.json", "[],"),
        ("study.json", "\"\","),
    ] {
        bench.write("s/figures.json", &whole);
        bench.write(&format!("s/{name}"), format!("[{}0]", part.repeat((60 << 20) / part.len())));
        // Within memory that holds the text and little else.
        let output = limited(&bench, "ulimit -v 300000", "plot s --threads 1 --out e");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let expected = format!("error: s/{name}: expected JSON that takes at most 128 MiB in memory, found ");
        assert!(output.status.code() == Some(2) && said.starts_with(&expected), "{said}");
    }
}

/// Runs with a limit that the shell sets.
fn limited(bench: &Bench, limit: &str, arguments: &str) -> Output {
    let script = format!("{limit} && exec \"$0\" {arguments}");
    let mut shell = Command::new("bash");
    let shell = shell.args(["-c", &script, env!("CARGO_BIN_EXE_losscape")]).current_dir(bench.path("."));
    shell.env_remove("RAYON_NUM_THREADS").output().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn limits_of_the_machine_are_errors_and_no_deaths() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out r"));
    let before = bench.files("r");
    // Blocks of 1 KiB; a picture and the weights are larger.
    for (limit, arguments) in [
        ("ulimit -f 4", format!("train {TINY} --seed 1 --quiet --out r")),
        ("ulimit -f 4", format!("slice --run r {GRID} --quiet --out s")),
        ("ulimit -f 1", "data spirals --quiet --out d".to_owned()),
        ("ulimit -f 0", format!("train {TINY} --quiet --out e")),
    ] {
        let output = limited(&bench, limit, &arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{limit} {arguments}: {said}");
        assert!(
            said.starts_with("error: ") && said.contains("File too large"),
            "{limit} {arguments}: {said}"
        );
    }
    assert_eq!(bench.files("r"), before, "the older result stays");
    let output = limited(&bench, "ulimit -v 300000", &format!("train {TINY} --threads 512 --quiet --out m"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.starts_with("error: --threads: cannot start 512: "), "{said}");
    // Address space that ends at different places of starting threads, loading, training and drawing.
    for kib in (100_000..400_000).step_by(60_000) {
        let output = limited(
            &bench,
            &format!("ulimit -v {kib}"),
            &format!("train {TINY} --threads 8 --quiet --out m{kib}"),
        );
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1)), "{kib}: {:?} {said}", output.status);
        assert!(code == Some(0) || !said.is_empty() && !said.contains("panicked"), "{kib}: {said}");
    }
}

/// The size of a network is asked for before it is taken, in every command.
#[test]
#[cfg(target_os = "linux")]
fn what_needs_more_memory_than_there_is_is_refused_before_it_is_taken() {
    let bench = Bench::new();
    bench.write("recipe.toml", STUDY);
    for arguments in [
        "train --hidden 6000,6000 --quiet --out o",
        "lr-range --hidden 6000,6000 --quiet --out o",
        "propagate --hidden 6000,6000 --quiet --out o",
        "smoothness --hidden 6000x2 --quiet --out o",
        "run recipe.toml --set train.hidden=[6000,6000] --quiet --out o",
    ] {
        let output = limited(&bench, "ulimit -v 400000", &format!("{arguments} --threads 1"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{arguments}: {said}");
        assert!(
            said.starts_with("error: memory: expected ") && said.contains(", found "),
            "{arguments}: {said}"
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn no_variable_starts_more_threads_than_a_flag_may() {
    let bench = Bench::new();
    // More than anybody may start, in a shell that may start no more than a flag could ask for and a few.
    for (value, most) in [("100000", 1024), ("99999999999999999999", 64), ("3", 3)] {
        let output = bench
            .command()
            .env("RAYON_NUM_THREADS", value)
            .args(["train", "--hidden", "2", "--epochs", "0", "--dpi", "20", "--out", "r"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{value}: {said}");
        let threads = bench.json("r/machine.json")["threads"].as_u64().unwrap();
        assert!(
            threads >= 1 && threads <= most.max(std::thread::available_parallelism().unwrap().get() as u64),
            "{value}: {threads}"
        );
    }
}
