//! Every command that computes, killed and stopped at moments spread over its length: it stops within two seconds, and the
//! same command ends in the bytes that it has when nobody disturbs it, on another number of threads.
#![cfg(unix)]

use crate::bench::{Bench, within};
use crate::walk::{commands, small};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A command without its `--out`, long enough in a debug build to be met at work.
const TABLE: &[&str] = &[
    "train --hidden 64 --samples 900 --epochs 60 --checkpoint-every 0.05 --dpi 20",
    "train --seeds 3 --hidden 32 --samples 300 --epochs 60 --checkpoint-every 0.05 --dpi 20",
    "lr-range --hidden 128,128 --samples 800 --steps 800 --lr-max 0.1 --dpi 20",
    "slice --run a --x 13 --dpi 20",
    "merge parts --dpi 20",
    "sharpness --run a --samples 100 --quick --dpi 20",
    "connect --from a --to b --curve chain:bends=2 --epochs 60 --points 11 --dpi 20",
    "connect --from a --to b --curve linear --points 5 --align weights --repair --neb --config band.toml --dpi 20",
    "propagate --hidden 32x8 --samples 100 --seeds 4 --dpi 20",
    "smoothness --hidden 16x3 --steps 120 --every 4 --probe-samples 128 --dpi 20",
    "critical --data spirals --samples 20 --hidden 2 --initial 4 --training 3 --minimum 3 --saddle 4 --runs 2 \
     --epochs 20 --dpi 20",
    "instability --data spirals --samples 200 --hidden 12 --batch-size 5 --epochs 20 --lr 0.1 --branch 0,5,12,24 \
     --seeds 3 --points 5 --dpi 20",
    "minima --count 4 --hidden 12 --epochs 4 --samples 200 --points 21 --dpi 20",
    "minima --run a --run b --run c --points 5 --neb --align activations --config band.toml --dpi 20",
    "simplex --connectors 2 --run a --run b --run c --epochs 40 --points 12 --members 6 --plane 5 --dpi 20",
    "ensemble --run a --cycles 3 --cycle 8 --lr 0.1 --independent 2 --plane 9 --dpi 20",
    "run recipe.toml --dpi 20",
    "width --quick --set train.samples=200 --set train.epochs=2 --dpi 20",
    "travel --run a --kernel-samples 20",
    "ticket --data spirals --samples 200 --hidden 12,8 --batch-size 5 --epochs 12 --rounds 3 --prune 0.5 --seeds 2 \
     --points 5 --dpi 20",
    "plot line --dpi 60",
    "data spirals:samples=20000 --dpi 20",
];

/// The table, and every analysis that has no row in it at its smoke scale.
fn table() -> Vec<String> {
    let has = |name: &str| TABLE.iter().any(|words| words.split(' ').next() == Some(name));
    let others = commands().filter(|entry| !has(entry.name)).map(small);
    TABLE.iter().map(|words| (*words).to_owned()).chain(others).collect()
}

/// Commands that write no result.
const OTHERS: [&str; 8] = ["submit", "list", "recipe", "inspect", "product", "completions", "man", "help"];

const RECIPE: &str = r#"
title = "A title"
seeds = 2
[train]
data = "spirals"
samples = 200
hidden = [8]
epochs = 20
[[vary]]
name = "width"
set = "train.hidden"
values = [3, 5]
[pass.line]
kind = "connect"
curve = "linear"
points = 5
[[measure]]
name = "barrier"
of = "line.linear.barrier"
"#;

/// Where all of them find what they read.
fn inputs() -> Bench {
    let bench = Bench::new();
    for (seed, name) in ["a", "b", "c"].iter().enumerate() {
        let train = "train --hidden 12 --epochs 2 --samples 200 --dpi 20 --quiet";
        bench.ok(&format!("{train} --seed {seed} --out {name}"));
    }
    bench.ok("slice --run a --line --x 9 --dpi 20 --quiet --out line");
    for part in 0..2 {
        bench.ok(&format!("slice --run a --x 9 --shard {part}/2 --quiet --out parts"));
    }
    bench.write("recipe.toml", RECIPE);
    bench.write("band.toml", "[band]\ncycles = 4\nsteps = 60\npivots = 3\n");
    bench
}

/// How a command is disturbed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Disturbance {
    Kill,
    /// A signal by its name, and the exit code of who heeds it.
    Signal(&'static str, i32),
}

const SIGNALS: [Disturbance; 2] = [Disturbance::Signal("-INT", 130), Disturbance::Signal("-TERM", 143)];

/// Disturbs a command after a while; whether it was met at work.
fn disturb(bench: &Bench, words: &str, wait: Duration, how: Disturbance) -> bool {
    let mut command = bench.command();
    command.args(words.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child: Child = command.spawn().unwrap();
    std::thread::sleep(wait);
    let met = child.try_wait().unwrap().is_none();
    match how {
        Disturbance::Kill => child.kill().unwrap(),
        Disturbance::Signal(name, _) => {
            // Nobody is there to hear it once the command has ended.
            let _ = Command::new("kill").args([name, &child.id().to_string()]).stderr(Stdio::null()).status();
        }
    }
    let asked = Instant::now();
    let output = child.wait_with_output().unwrap();
    let (code, said) = (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned());
    if let (Disturbance::Signal(_, expected), true) = (how, met) {
        assert!(within(asked.elapsed(), Duration::from_secs(2)), "{words}: {:?}: {said}", asked.elapsed());
        // It may have been finished, or the signal come before the program listened.
        let silent = code.is_none() && said.is_empty();
        assert!(code == Some(expected) || code == Some(0) || silent, "{words}: {code:?}: {said}");
        if code == Some(expected) {
            let last = said.lines().last().unwrap_or_default();
            assert!(last.starts_with("error: ") && last.contains(": interrupted; "), "{words}: {said}");
        }
    }
    met
}

/// Disturbs every command of the table in turn, lets it go on, and compares all bytes; how many were met at work.
fn walk(table: &[String], disturbances: &[Disturbance], first: f64) -> usize {
    let bench = inputs();
    let mut met = 0;
    for (row, words) in table.iter().enumerate() {
        let length = bench.ok(&format!("{words} --threads 1 --quiet --out whole")).took;
        for (k, how) in disturbances.iter().enumerate() {
            // Every moment in turn, in steps of the golden ratio.
            let share = (first + (row * disturbances.len() + k) as f64 * 0.618_034).fract();
            let words = format!("{words} --threads 2 --quiet --out cut");
            met += usize::from(disturb(&bench, &words, length.mul_f64(share), *how));
        }
        bench.ok(&format!("{words} --threads 2 --out cut"));
        let (whole, cut) = (bench.files("whole"), bench.files("cut"));
        let differ: Vec<_> =
            whole.keys().chain(cut.keys()).filter(|f| whole.get(*f) != cut.get(*f)).collect();
        assert!(differ.is_empty(), "{words}: {differ:?}");
        ["whole", "cut"].iter().for_each(|d| std::fs::remove_dir_all(bench.path(d)).unwrap());
    }
    met
}

/// Two kills and a signal each, one after the other into the same directory.
fn some(rest: usize) {
    let table: Vec<String> = table().into_iter().skip(rest).step_by(3).collect();
    let met = walk(&table, &[Disturbance::Kill, SIGNALS[rest % 2], Disturbance::Kill], 0.3);
    assert!(2 * met >= table.len(), "only {met} of {} were met at work", 3 * table.len());
}

#[test]
fn a_disturbed_command_ends_in_the_same_bytes_first_third() {
    some(0);
}

#[test]
fn a_disturbed_command_ends_in_the_same_bytes_second_third() {
    some(1);
}

#[test]
fn a_disturbed_command_ends_in_the_same_bytes_last_third() {
    some(2);
}

#[test]
#[ignore = "minutes"]
fn sixty_kills_and_thirty_signals_change_no_byte() {
    let (mut kills, mut signals, mut round) = (0, 0, 0);
    while kills < 60 || signals < 30 {
        let first = f64::from(round) * 0.37;
        kills += walk(&table(), &[Disturbance::Kill; 2], first);
        signals += walk(&table(), &[SIGNALS[round as usize % 2]], first + 0.21);
        round += 1;
        assert!(round < 12, "{kills} kills, {signals} signals");
    }
}

#[test]
fn no_command_is_left_out() {
    let help = Bench::new().ok("--help").stdout;
    let listed = help.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
    // What is said of a command may need a second line, which stands further in.
    let names = listed.filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    let names: Vec<&str> = names.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 15, "{help}");
    for name in names {
        let there = table().iter().any(|words| words.split(' ').next() == Some(name));
        assert!(there || OTHERS.contains(&name), "{name} is in no table of stops");
    }
}

/// What these commands kept of their work before this: nothing.
#[test]
fn a_stopped_study_of_one_command_says_what_it_kept_and_goes_on_from_it() {
    for (words, log, unit) in [
        (
            "propagate --hidden 48x12 --samples 400 --seeds 40 --init he-normal --dpi 20",
            "propagate.log",
            " draws ",
        ),
        (
            "smoothness --hidden 16x3 --steps 400 --every 1 --probe-samples 256 --dpi 20",
            "smoothness.log",
            " probes ",
        ),
        (
            "lr-range --hidden 128,128 --samples 800 --steps 20000 --lr-max 0.01 --dpi 20",
            "lr-range-checkpoint.safetensors",
            " steps ",
        ),
    ] {
        let bench = Bench::new();
        let (code, said) =
            bench.stopped(&format!("{words} --quiet --out o"), "INT", &format!("o/{log}"), |n| n > 2000);
        assert_eq!(code, Some(130), "{words}: {said}");
        assert!(said.contains(unit) && said.contains(" kept in o"), "{said}");
        // Other settings are refused until the unfinished work is discarded.
        let line = bench.refused(&format!("{words} --seed 1 --quiet --out o"), &format!("o/{log}"));
        assert!(line.contains("seed = 1") && line.contains("--fresh discards it"), "{line}");
    }
}
