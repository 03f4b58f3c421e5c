//! Parts of long work, side by side in one directory at the same time: none waits for another, a lost one is made again, and
//! `merge` joins them there to the bytes of the whole.

use crate::bench::{Bench, TINY};
use std::path::PathBuf;
use std::process::{Output, Stdio};

/// Everything but the parts themselves and the lock.
fn result(bench: &Bench, directory: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let ours = |path: &PathBuf| !path.starts_with(".lock") && !path.to_string_lossy().starts_with("shard-");
    bench.files(directory).into_iter().filter(|(path, _)| ours(path)).collect()
}

const RECIPE: &str = r#"
title = "A title"
seeds = 3
[train]
data = "spirals"
samples = 60
hidden = [4]
epochs = 2
[[vary]]
name = "width"
set = "train.hidden"
values = [3, 5]
[[measure]]
name = "loss"
of = "train.final.train_loss"
"#;

/// What can be shared out, with what a missing piece is called.
const SHARED: [(&str, &str); 10] = [
    ("slice --run a --x=-1:1:7 --y=-0.5:0.5:4", "every point"),
    ("run recipe.toml", "every case"),
    ("width --quick --set train.samples=120 --set train.epochs=1 --widths 2,3,4,5", "every case"),
    (
        "critical --data spirals --samples 20 --hidden 2 --initial 4 --training 3 --minimum 3 --saddle 4 --runs 2 \
         --epochs 20",
        "every start",
    ),
    (
        "instability --data spirals --samples 60 --hidden 4 --batch-size 10 --epochs 3 --branch 0,4,9 --seeds 2 \
         --points 5",
        "every branch",
    ),
    ("minima --run a --run b --run c --points 5", "every pair"),
    (
        "ticket --data spirals --samples 60 --hidden 8,5 --batch-size 20 --epochs 2 --rounds 2 --prune 0.5 --seeds 3 \
         --points 5",
        "every seed",
    ),
    ("train --seeds 4 --hidden 3 --epochs 1 --samples 60", "every run"),
    (
        "sharpness --run a --run b --exact 0 --block layer --compute eigenvalues,power,trace,density,log-determinant,\
         noise,measures,matrices,learning-coefficient,shift --measures sam,worst-case --top 2 --probes 3 \
         --density-steps 6 --density-probes 3 --sampler mala:chains=2,burn-in=5,draws=20 --vectors --samples 60 \
         --allow-unconverged",
        "every piece",
    ),
    (
        "propagate --hidden 6,6 --init he-normal --init orthogonal --seeds 2 --samples 20 --jacobian-samples 2",
        "every draw",
    ),
];

fn inputs() -> Bench {
    let bench = Bench::new();
    for (seed, name) in ["a", "b", "c"].iter().enumerate() {
        bench.ok(&format!("train {TINY} --seed {seed} --quiet --out {name}"));
    }
    bench.write("recipe.toml", RECIPE);
    bench
}

/// Runs one process for each list of variables, all at the same time.
fn together(bench: &Bench, arguments: &str, variables: &[Vec<(&str, String)>]) -> Vec<Output> {
    let start = |own: &Vec<(&str, String)>| {
        let mut command = bench.command();
        command.args(arguments.split_whitespace()).envs(own.iter().map(|(n, v)| (n, v)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = variables.iter().map(start).collect();
    children.into_iter().map(|child| child.wait_with_output().unwrap()).collect()
}

/// The variables of the ranks of mpirun.
fn ranks(count: usize) -> Vec<Vec<(&'static str, String)>> {
    let of = |rank: usize| {
        vec![
            ("OMPI_COMM_WORLD_RANK", rank.to_string()),
            ("OMPI_COMM_WORLD_SIZE", count.to_string()),
            ("RAYON_NUM_THREADS", "1".to_owned()),
        ]
    };
    (0..count).map(of).collect()
}

fn all_succeed(outputs: &[Output]) {
    for output in outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn parts_made_at_the_same_time_in_one_directory_join_there() {
    let bench = inputs();
    for (words, missing) in SHARED {
        let words = format!("{words} --dpi 20");
        bench.ok(&format!("{words} --quiet --out whole"));
        all_succeed(&together(&bench, &format!("{words} --shard auto --quiet --out p"), &ranks(3)));
        // One is lost, and named.
        std::fs::remove_dir_all(bench.path("p/shard-1-of-3")).unwrap();
        let line = bench.refused("merge p --dpi 20", &format!("merge: expected {missing}"));
        assert!(line.contains("without "), "{line}");
        bench.ok(&format!("{words} --shard 1/3 --quiet --out p"));
        let said = bench.ok(&format!("{words} --shard 1/3 --out p"));
        assert!(said.stdout.contains("part 1/3 is complete in p/shard-1-of-3"), "{}", said.stdout);
        bench.ok("merge p --dpi 20 --quiet");
        let (whole, merged) = (result(&bench, "whole"), result(&bench, "p"));
        let names = |all: &[(PathBuf, Vec<u8>)]| all.iter().map(|f| f.0.clone()).collect::<Vec<_>>();
        assert_eq!(names(&merged), names(&whole), "{words}");
        assert!(merged == whole, "{words}");
        // Given one by one, into another directory.
        bench.ok("merge p/shard-2-of-3 p/shard-0-of-3 p/shard-1-of-3 --dpi 20 --quiet --out m");
        assert!(result(&bench, "m") == whole, "{words}: given directories");
        ["whole", "p", "m"].iter().for_each(|d| std::fs::remove_dir_all(bench.path(d)).unwrap());
    }
}

/// Workers that take blocks one after the other: one is killed, two others finish its block with theirs.
#[test]
fn workers_claim_blocks_and_take_over_those_of_the_dead() {
    let bench = inputs();
    for (words, _) in [SHARED[0], SHARED[1], SHARED[5], SHARED[7]] {
        let words = format!("{words} --dpi 20");
        bench.ok(&format!("{words} --quiet --out whole"));
        let claim = format!("{words} --claim 5 --quiet --out p");
        let one = [("RAYON_NUM_THREADS", "1".to_owned())].to_vec();
        let mut first = bench.command();
        first.args(claim.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut first = first.spawn().unwrap();
        let claimed = || (0..5).any(|i| bench.path(&format!("p/shard-{i}-of-5/claim")).exists());
        while !claimed() && first.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        first.kill().unwrap();
        first.wait().unwrap();
        all_succeed(&together(&bench, &claim, &[one.clone(), one]));
        for i in 0..5 {
            assert!(bench.path(&format!("p/shard-{i}-of-5/done")).exists(), "{words}: {i}");
            assert!(!bench.path(&format!("p/shard-{i}-of-5/claim")).exists(), "{words}: {i}");
        }
        // Nothing is left to do, and what is lost is made again.
        let said = bench.ok(&format!("{words} --claim 5 --out p"));
        assert!(said.stdout.contains("all 5 blocks are complete; `losscape merge p`"), "{}", said.stdout);
        std::fs::remove_dir_all(bench.path("p/shard-2-of-5")).unwrap();
        bench.ok(&claim);
        bench.ok("merge p --dpi 20 --quiet");
        assert!(result(&bench, "p") == result(&bench, "whole"), "{words}");
        ["whole", "p"].iter().for_each(|d| std::fs::remove_dir_all(bench.path(d)).unwrap());
    }
    let slice = "slice --run a --x 9 --quiet --out p";
    bench.ok(&format!("{slice} --claim 2"));
    let line = bench.refused(&format!("{slice} --claim 3"), "--claim");
    assert!(line.contains("expected 2, as the parts in p are"), "{line}");
    bench.refused(&format!("{slice} --claim 0"), "--claim");
    // All blocks are done, of another network or grid.
    for (other, expected) in
        [(slice.replace("--run a", "--run b"), "weights"), (slice.replace("9", "8"), "p/shard-0-of-2")]
    {
        let said = bench.run(&format!("{other} --claim 2"));
        assert!(said.code == Some(2) && said.stderr.contains(expected), "{other}: {}", said.stderr);
    }
    bench.refused("train --claim 2", "--claim");
    bench.refused("slice --run a --x 9 --adaptive --claim 2 --quiet --out q", "--claim");
    for other in ["--shard 0/2", "--fresh"] {
        let both = bench.run(&format!("{slice} --claim 2 {other}"));
        assert!(both.code == Some(2) && both.stderr.starts_with("error: "), "{}", both.stderr);
    }
}

/// The scripts that `submit` writes, run by a shell as Slurm would: each task, then what depends on them.
#[cfg(unix)]
#[test]
fn the_scripts_for_slurm_make_the_whole() {
    let bench = inputs();
    let slice = "slice --run a --x=-1:1:7 --y=-0.5:0.5:4";
    bench.ok(&format!("{slice} --dpi 20 --no-title --quiet --out whole"));
    let submit = "submit --slurm --parts 3 --cpus 2 --time 0:10:00 --option=--partition=all";
    let said = bench.ok(&format!("{submit} {slice} --dpi 20 --no-title --quiet --out p")).stdout;
    assert!(said.contains("sbatch --dependency=afterok:$id p/merge.sbatch"), "{said}");
    let (array, merge) = (bench.text("p/array.sbatch"), bench.text("p/merge.sbatch"));
    for line in ["#SBATCH --array=0-2\n", "#SBATCH --cpus-per-task=2\n", "#SBATCH --partition=all\n"] {
        assert!(array.contains(line), "{array}");
    }
    assert!(merge.contains(" --dpi=20 --no-title --threads") && !merge.contains("--array"), "{merge}");
    let run = |script: &str, task: Option<&str>| {
        let mut command = std::process::Command::new("sh");
        command.arg(bench.path(script)).current_dir("/").env("SLURM_CPUS_PER_TASK", "2");
        command.envs(task.map(|task| ("SLURM_ARRAY_TASK_ID", task)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    // The last one alone, as it is submitted once more.
    ["0", "1", "2"].iter().for_each(|task| run("p/array.sbatch", Some(task)));
    run("p/merge.sbatch", None);
    let merged: Vec<_> =
        result(&bench, "p").into_iter().filter(|f| !f.0.to_string_lossy().ends_with(".sbatch")).collect();
    assert!(merged == result(&bench, "whole"));
    for (words, at, expected) in [
        ("slice --runn a", "--runn", "did you mean `--run`?"),
        ("slce --run a", "COMMAND", "did you mean `slice`?"),
        ("plot a", "COMMAND", "slice"),
        ("train --epochs 1", "train", "--seeds"),
        ("slice --run a --shard 0/2", "--shard", "none"),
        ("run a.toml b.toml", "run", "one recipe"),
    ] {
        let line = bench.refused(&format!("submit --slurm {words}"), at);
        assert!(line.contains(expected), "{line}");
    }
    bench.refused("submit --slurm --parts 0 slice", "--parts");
    bench.refused("submit slice --run a", "submit: expected --slurm");
    // Where there is no Slurm, the scripts are there all the same.
    let mut command = bench.command();
    command.args("submit --slurm --run slice --run a --out q".split_whitespace()).env("PATH", "/nowhere");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.starts_with("error: sbatch: cannot be run"), "{said}");
    assert!(bench.path("q/array.sbatch").exists());
}

#[test]
fn parts_of_other_work_are_refused() {
    let bench = inputs();
    let recipe = "run recipe.toml --quiet --out p --shard";
    bench.ok(&format!("{recipe} 0/2"));
    // Another command, other settings, another program: where it is made, and where parts are joined.
    let line = bench
        .refused("minima --run a --run b --run c --shard 0/2 --quiet --out p", "p/shard-0-of-2/part.json");
    assert!(line.contains("command = \"minima\"") && line.contains("--fresh discards it"), "{line}");
    let line = bench.refused(&format!("{recipe} 0/2 --set train.epochs=3"), "p/shard-0-of-2/part.json");
    assert!(line.contains("epochs"), "{line}");
    bench.ok("run recipe.toml --set train.epochs=3 --quiet --out q --shard 1/2");
    let line = bench.refused("merge p q --out m", "q/shard-1-of-2/part.json");
    assert!(line.contains("a part of the work in p/shard-0-of-2"), "{line}");
    let record = bench.text("p/shard-0-of-2/part.json");
    for (bad, expected) in [
        (record.replace(env!("CARGO_PKG_VERSION"), "0.0.0"), "a part of losscape"),
        (
            record.replace("\"run\"", "\"rum\""),
            "merge: expected parts of sharpness, slice, propagate, critical",
        ),
        (record.replace("\"seeds\"", "\"seed\""), "part.json"),
        (record[..record.len() / 2].to_owned(), "part.json"),
        (record.replace("epochs", "epoch"), "did you mean"),
    ] {
        bench.write("p/shard-0-of-2/part.json", &bad);
        let line = bench.refused("merge p --out m", "");
        assert!(line.contains(expected), "{expected}: {line}");
    }
    bench.write("p/shard-0-of-2/part.json", &record);
    // Two of the same part at once would write over each other.
    let outputs = together(
        &bench,
        "run recipe.toml --shard auto --quiet --out r",
        &[&ranks(2)[..1], &ranks(2)[..]].concat(),
    );
    assert!(outputs[2].status.success(), "the other part has nothing to do with it");
}

#[test]
fn ranks_that_all_need_the_default_network_train_it_once() {
    let bench = Bench::new();
    bench.write("slice.toml", "x = \"5\"\n[train]\nhidden = [4]\nsamples = 100\nepochs = 3\n");
    bench.ok("slice --config slice.toml --dpi 20 --quiet --out whole");
    std::fs::remove_dir_all(bench.path("runs")).unwrap();
    let outputs = together(&bench, "slice --config slice.toml --shard auto --out p", &ranks(4));
    all_succeed(&outputs);
    let trained = |output: &&Output| String::from_utf8_lossy(&output.stderr).contains("training the default");
    assert_eq!(outputs.iter().filter(trained).count(), 1);
    bench.ok("merge p --dpi 20 --quiet");
    assert!(result(&bench, "p") == result(&bench, "whole"));
}

#[test]
fn an_array_that_is_a_part_of_an_earlier_one_is_refused() {
    let bench = inputs();
    let array = |task: &str, min: &str, max: &str, count: &str| {
        let names = ["ID", "MIN", "MAX", "COUNT"].iter().zip([task, min, max, count]);
        let mut all: Vec<(String, String)> =
            names.map(|(n, v)| (format!("SLURM_ARRAY_TASK_{n}"), v.to_owned())).collect();
        all.push(("SLURM_ARRAY_TASK_STEP".to_owned(), "1".to_owned()));
        all
    };
    let run = |flag: &str, variables: Vec<(String, String)>| {
        let mut command = bench.command();
        command.args(format!("run recipe.toml --quiet --shard {flag} --out p").split_whitespace());
        let output = command.envs(variables).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for task in ["0", "1", "3"] {
        assert_eq!(run("auto", array(task, "0", "3", "4")).0, Some(0));
    }
    let (code, said) = run("auto", array("2", "2", "2", "1"));
    assert!(code == Some(2) && said.contains("auto/4"), "{said}");
    let (code, said) = run("auto", array("3", "1", "7", "3"));
    assert!(code == Some(2) && said.contains("without gaps"), "{said}");
    // Two neighbours once more look like an array of two.
    let (code, said) = run("auto", array("2", "2", "3", "2"));
    assert!(code == Some(2) && said.contains("expected auto/4, as the parts in p are"), "{said}");
    bench.refused("merge p", "merge: expected every case");
    assert_eq!(run("auto/4", array("2", "2", "3", "2")), (Some(0), String::new()));
    bench.ok("merge p --dpi 20 --quiet");
}

#[test]
fn what_cannot_be_shared_out_says_so() {
    let bench = inputs();
    for (words, expected) in [
        ("minima --count 3", "--run"),
        ("train", "--seeds"),
        ("minima --run a --run b --run c --neb", "no --neb"),
        ("slice --run a --x 9 --adaptive", "a whole grid"),
    ] {
        let line = bench.refused(&format!("{words} --shard 0/2 --quiet --out p"), "--shard: ");
        assert!(line.contains(expected), "{line}");
    }
    bench.refused("merge a", "a: expected parts");
}

/// Where the order of sums is fixed, all levels of processors have the same bytes; parts of both kinds do not go together.
#[cfg(target_arch = "x86_64")]
#[test]
fn parts_of_another_order_of_sums_are_refused() {
    let bench = inputs();
    let slice = "slice --run a --x 5 --dpi 20 --quiet";
    bench.ok(&format!("{slice} --isa v2 --out whole"));
    bench.ok(&format!("{slice} --isa v2 --shard 0/2 --out p"));
    bench.ok(&format!("{slice} --shard 1/2 --out p"));
    let line = bench.refused("merge p", "p/shard-1-of-2/part.json: expected a part made with --isa");
    assert!(
        line.contains("made by a processor of x86-64-v") && line.contains("--isa v3 for all parts"),
        "{line}"
    );
    bench.refused(
        &format!("{slice} --shard 0/2 --out p"),
        "p/shard-0-of-2/part.json: expected a part made by a",
    );
    bench.ok(&format!("{slice} --isa v2 --shard 1/2 --fresh --out p"));
    bench.ok("merge p --dpi 20 --quiet");
    assert!(result(&bench, "p") == result(&bench, "whole"));
    bench.refused(&format!("{slice} --isa v5"), "--isa: expected one of v2, v3, v4");
}
