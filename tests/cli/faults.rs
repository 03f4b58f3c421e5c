//! Signals, a second writer, and outputs that fail.
#![cfg(unix)]

use crate::bench::{Bench, GRID, TINY, within};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LONG: &str = "train --hidden 8 --epochs 10000000 --dpi 20";

struct Working {
    child: Child,
    heard: String,
}

/// Starts the program and waits until it has said `word`.
fn start(bench: &Bench, arguments: &str, word: &str) -> Working {
    let mut child = bench
        .command()
        .args(arguments.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut heard, mut byte) = (Vec::new(), [0]);
    while !String::from_utf8_lossy(&heard).contains(word) {
        match child.stderr.as_mut().unwrap().read(&mut byte).unwrap() {
            0 => panic!("ended early: {}", String::from_utf8_lossy(&heard)),
            _ => heard.push(byte[0]),
        }
    }
    Working { child, heard: String::from_utf8(heard).unwrap() }
}

impl Working {
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Exit code, everything on standard error, and how long the end took.
    fn end(mut self) -> (Option<i32>, String, Duration) {
        let started = Instant::now();
        self.child.stderr.take().unwrap().read_to_string(&mut self.heard).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), None, "an exit code, not a death");
        (status.code(), self.heard, started.elapsed())
    }
}

#[test]
fn a_stopped_training_keeps_what_it_has_beside_the_finished_run_that_was_there() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let bench = Bench::new();
        let stop = |word: &str| {
            let work = start(&bench, &format!("{LONG} --out r"), word);
            std::thread::sleep(Duration::from_millis(150));
            work.signal(signal);
            let (found, said, took) = work.end();
            assert!(found == Some(code) && within(took, Duration::from_secs(2)), "{found:?} {took:?}");
            assert!(said.ends_with("; the same command, or --resume, goes on\n"), "{said}");
            assert!(bench.path("r/checkpoint.safetensors").exists());
            let kept = said.lines().last().unwrap().split("interrupted; ").nth(1).unwrap();
            kept.split(' ').next().unwrap().parse::<u64>().unwrap()
        };
        let first = stop("epoch    0");
        assert!(!bench.path("r/run.json").exists());
        assert!(stop("going on with the unfinished run in r") > first);
        bench.ok(&format!("train {TINY} --fresh --out r"));
        let before = bench.files("r");
        stop("epoch    0");
        let mut after = bench.files("r");
        after.remove(std::path::Path::new("checkpoint.safetensors"));
        assert_eq!(after, before);
    }
}

#[test]
fn a_stopped_slice_leaves_older_results_as_they_were() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out r"));
    bench.ok(&format!("slice --run r {GRID} --out s"));
    let before = bench.files("");
    for out in ["s", "new/t"] {
        let work =
            start(&bench, &format!("slice --run r --x=-1:1:2001 --y=-1:1:2001 --out {out}"), "points:");
        work.signal("INT");
        let (code, said, took) = work.end();
        assert!(code == Some(130) && within(took, Duration::from_secs(2)), "{code:?} {took:?}");
        assert!(said.lines().last().unwrap().starts_with("error: slice: interrupted; "), "{said}");
        let after = bench.files("");
        let changed = before.iter().find(|(path, bytes)| after.get(*path) != Some(*bytes));
        assert_eq!(changed.map(|(path, _)| path), None);
        assert!(!bench.path("new/t/slice.json").exists());
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let bench = Bench::new();
    // A step of this network takes long enough for a second signal to come before its end.
    let wide = "train --hidden 4096,4096 --samples 256 --batch-size 256 --epochs 1000 --out r";
    let work = start(&bench, wide, "epoch    0");
    work.signal("INT");
    std::thread::sleep(Duration::from_millis(20));
    work.signal("INT");
    let (code, said, took) = work.end();
    assert!(code == Some(130) && within(took, Duration::from_millis(500)), "{code:?} {took:?}");
    assert!(!said.contains("written"), "{said}");
    assert!(!bench.path("r/run.json").exists());
}

#[test]
fn a_second_writer_is_told_who_holds_the_directory() {
    let bench = Bench::new();
    let work = start(&bench, &format!("{LONG} --out r"), "epoch    0");
    let holder = format!("r: expected no other writer, found process {} writing in it", work.child.id());
    for second in
        [format!("train {TINY} --out r"), format!("slice {GRID} --out r"), "data --out r".to_owned()]
    {
        // What the first writer itself adds aside.
        let names = || {
            let own = |p: &std::path::PathBuf| {
                let name = p.to_string_lossy();
                !name.starts_with("checkpoint") && !name.starts_with(".losscape-")
            };
            bench.files("r").into_keys().filter(own).collect::<Vec<_>>()
        };
        let before = names();
        let outcome = bench.run(&second);
        assert_eq!((outcome.code, outcome.stderr), (Some(2), format!("error: {holder}\n")), "{second}");
        assert!(within(outcome.took, Duration::from_secs(2)));
        assert_eq!(names(), before);
    }
    work.signal("TERM");
    assert_eq!(work.end().0, Some(143));
}

#[test]
fn a_reader_that_has_gone_is_an_error_and_no_panic() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out r"));
    for arguments in
        ["list", "--help", "completions bash", &format!("slice --run r {GRID} --out s --quiet --json")]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = bench.command().args(arguments.split_whitespace()).stdout(writer).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments}: {said}");
        assert!(said.starts_with("error: standard output: ") && said.lines().count() == 1, "{said}");
    }
    assert!(bench.path("s/slice.json").exists(), "what was computed is kept");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_under_standard_output_is_an_error() {
    let bench = Bench::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = bench.command().arg("list").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("No space left"));
}

#[test]
fn a_closed_standard_error_changes_nothing() {
    let bench = Bench::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let arguments = format!("train {TINY} --out r");
    let status = bench
        .command()
        .args(arguments.split_whitespace())
        .stdout(Stdio::null())
        .stderr(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(bench.json("r/run.json")["status"], "done");
}

#[test]
#[cfg(target_os = "linux")]
fn a_memory_limit_is_an_error_and_no_abort() {
    let bench = Bench::new();
    let limited = "ulimit -v 400000 && exec \"$0\" train --hidden 5000,5000 --threads 1 --quiet --out r";
    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", limited, env!("CARGO_BIN_EXE_losscape")]).current_dir(bench.path("."));
    let output = shell.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    // What the network alone needs, as far as it was laid out when that became too much.
    assert!(said.starts_with("error: memory: expected ") && said.contains(" parameters, found "), "{said}");
    assert!(bench.files("").is_empty());
}
