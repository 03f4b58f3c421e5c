//! Long grids as scripts meet them: killed, stopped, taken up again, cut into parts and joined; always the same bytes.
#![cfg(unix)]

use crate::bench::{Bench, TINY};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A network whose grids take long enough to be stopped.
const NET: &str = "train --hidden 48,48 --samples 1200 --epochs 1 --dpi 20 --quiet --out r";
const SLOW: &str =
    "slice --run r --x=-1:1:40 --y=-1:1:40 --precision f64 --memory 0.001 --threads 2 --dpi 20 --out s";
/// Batch norm whose statistics are those of each batch, at each point.
const NORM: &str =
    "train --model cnn:channels=[4] --data digits --samples 200 --epochs 1 --dpi 20 --quiet --out r";
const QUICK: &str = "slice --run r --x=-1:1:7 --y=-0.5:0.5:4 --dpi 20";

/// Moments from a seed (splitmix64), from 0 to 1.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn logs(bench: &Bench, directory: &str) -> usize {
    let log = |p: &PathBuf| p.extension().is_some_and(|e| e == "log");
    bench.files(directory).keys().filter(|p| log(p)).count()
}

/// Kills `grid` `rounds` times in all, beginning anew whenever it came to its end.
fn killed(net: &str, grid: &str, rounds: usize) {
    let bench = Bench::new();
    bench.ok(net);
    let length = bench.ok(grid).took;
    let whole = bench.files("s");
    assert_eq!(logs(&bench, "s"), 0, "the log goes when the result is there");
    std::fs::remove_dir_all(bench.path("s")).unwrap();
    let (mut moments, mut kills, mut left, mut tries) = (Moments(rounds as u64), 0, 0, 0);
    while kills < rounds {
        tries += 1;
        assert!(tries < 4 * rounds + 10, "{kills} of {tries} were killed in time");
        let mut child = bench.command();
        child.args(grid.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = child.spawn().unwrap();
        std::thread::sleep(length.mul_f64(moments.next()));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        left += usize::from(logs(&bench, "s") > 0);
        match status.code() {
            None => kills += 1,
            Some(code) => {
                assert_eq!(code, 0, "nothing that a kill leaves is an error");
                assert!(bench.files("s") == whole, "after {kills} kills");
                std::fs::remove_dir_all(bench.path("s")).unwrap();
            }
        }
    }
    assert!(left > 0, "no kill left a log");
    bench.ok(grid);
    assert!(bench.files("s") == whole, "after {kills} kills");
}

/// An analysis of two networks, most of whose time goes into products and measures.
const SHARP: &str = "train --hidden 128 --samples 1200 --epochs 1 --dpi 20 --quiet --out r";
const SHARPNESS: &str = "sharpness --run r --run r --labels a,b --precision f64 --threads 2 --exact 0 --probes 10 --density-steps 30 \
     --measures sam:steps=4,fisher-rao --dpi 20 --out s";

#[test]
fn a_killed_sharpness_ends_in_the_same_bytes() {
    killed(SHARP, SHARPNESS, 6);
    // Where operators are written out, too.
    killed(
        &SHARP.replace("--hidden 128", "--hidden 12"),
        "sharpness --run r --compute eigenvalues,trace,density,matrices --threads 2 --dpi 20 --out s",
        3,
    );
}

#[test]
fn a_stopped_sharpness_keeps_its_products_and_parts() {
    let bench = Bench::new();
    bench.ok(SHARP);
    bench.ok(SHARPNESS);
    let whole = bench.files("s");
    std::fs::remove_dir_all(bench.path("s")).unwrap();
    // At the first network, and at the second.
    for (signal, code, network) in [("INT", 130, 0), ("TERM", 143, 1)] {
        let logs_of = format!("s/sharpness-{network}-");
        let (found, said) = bench.stopped(SHARPNESS, signal, &logs_of, |length| length > 10_000);
        assert_eq!(found, Some(code), "{said}");
        let kept = "products of the next are kept in s; the same command goes on";
        assert!(said.lines().last().unwrap().contains(kept), "{said}");
        assert!(logs(&bench, "s") > 0);
    }
    // Another analysis is not mixed with it.
    let line = bench.run(&format!("{SHARPNESS} --seed 5"));
    let refusal = (line.code, line.stderr.contains("settings.seed = 5") && line.stderr.contains("--fresh"));
    assert!(logs(&bench, "s") == 0 || refusal == (Some(2), true), "{}", line.stderr);
    bench.ok(SHARPNESS);
    assert!(bench.files("s") == whole);
    assert_eq!(logs(&bench, "s"), 0);
}

#[test]
fn a_killed_grid_ends_in_the_same_bytes() {
    killed(NET, SLOW, 10);
}

#[test]
#[ignore = "minutes"]
fn a_killed_grid_ends_in_the_same_bytes_many_times() {
    killed(NET, SLOW, 50);
}

#[test]
fn so_do_several_views_adaptive_grids_and_batch_statistics() {
    killed(NET, &SLOW.replace(":40", ":25").replace("--dpi", "--repeat 2 --dpi"), 3);
    killed(NET, &format!("{SLOW} --adaptive"), 3);
    killed(NORM, &SLOW.replace(":40", ":12").replace("--dpi", "--stats batch --dpi"), 3);
}

#[test]
fn a_stopped_grid_says_what_is_kept_shows_it_and_goes_on() {
    let bench = Bench::new();
    bench.ok(NET);
    // Most of the time after its first points are kept goes into further points, not into drawing.
    let slow = SLOW.replace(":40", ":90").replace("0.001", "0.01");
    let all = 90 * 90;
    bench.ok(&slow);
    let whole = bench.files("s");
    std::fs::remove_dir_all(bench.path("s")).unwrap();
    // An older result of other settings stays until the new one is there.
    bench.ok(&format!("{QUICK} --out s"));
    let older = bench.files("s");
    // Its header has less than 1000 bytes, 100 points have more.
    let (code, said) = bench.stopped(&slow, "INT", "s/slice-0.log", |length| length > 4000);
    assert_eq!(code, Some(130), "{said}");
    let last = said.lines().last().unwrap();
    let kept = last.strip_prefix("error: slice: interrupted; ").unwrap().split(' ').next().unwrap();
    let number: usize = kept.parse().unwrap();
    assert!((1..all).contains(&number), "{last}");
    assert!(last.ends_with(&format!(" of {all} points are kept in s; the same command goes on")), "{last}");
    let picture = bench.bytes("s/unfinished.png");
    let mut reader = png::Decoder::new(std::io::Cursor::new(&picture)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    let after = bench.files("s");
    assert!(older.iter().all(|(name, bytes)| after.get(name) == Some(bytes)), "the older result is intact");

    // Other settings are refused with what differs; threads, memory and style are none.
    for (flags, asked) in [("--seed 3", "settings.seed = 3"), ("--samples 100", "settings.samples = 100")] {
        let line = bench.refused(&format!("{slow} --quiet {flags}"), "s/slice-0.log");
        assert!(line.contains(asked) && line.contains("--fresh discards it"), "{line}");
    }
    let other = slow.replace("--threads 2", "--threads 1").replace("0.001", "0.1");
    let log = bench.bytes("s/slice-0.log");
    let unfinished = [log.clone(), [&log[..], b"torn"].concat(), log[..log.len() - 5].to_vec()];
    for (n, bytes) in unfinished.iter().enumerate() {
        bench.write("s/slice-0.log", bytes);
        let said = bench.ok(&format!("{other} --cmap magma")).stderr;
        let left = number - usize::from(n == 2);
        assert!(
            said.contains(&format!("{left} of {all} points were computed before and are kept")),
            "{said}"
        );
        assert!(!bench.path("s/unfinished.png").exists() && !bench.path("s/unfinished.svg").exists());
        assert_eq!(logs(&bench, "s"), 0);
        for name in ["slice.npz", "slice.json", "directions.safetensors"] {
            if name == "slice.json" {
                let settings = |text: &str| text.replace("\"memory\": 0.1", "\"memory\": 0.001");
                assert_eq!(settings(&bench.text("s/slice.json")).as_bytes(), whole[Path::new(name)]);
            } else {
                assert_eq!(bench.bytes(&format!("s/{name}")), whole[Path::new(name)], "{name}");
            }
        }
    }
    // Damage inside is refused; --fresh begins anew.
    let mut bad = log.clone();
    bad[log.len() * 3 / 4] ^= 1;
    bench.write("s/slice-0.log", bad);
    let line = bench.refused(&format!("{slow} --quiet"), "s/slice-0.log");
    assert!(line.contains("--fresh discards it"), "{line}");
    bench.ok(&format!("{slow} --fresh"));
    assert!(bench.files("s") == whole);
}

fn small() -> Bench {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out r"));
    bench
}

fn parts(bench: &Bench, grid: &str, out: &str, count: usize) {
    for i in 0..count {
        bench.ok(&format!("{grid} --shard {i}/{count} --out {out}"));
    }
}

#[test]
fn parts_join_to_the_bytes_of_the_whole() {
    let bench = small();
    for more in ["", "--repeat 2", "--maps gradient-norm"] {
        let grid = format!("{QUICK} {more}");
        bench.ok(&format!("{grid} --out w"));
        parts(&bench, &grid, "p", 3);
        bench.ok("merge p --dpi 20 --out m");
        assert!(bench.files("w") == bench.files("m"), "{more}");
        ["w", "p", "m"].iter().for_each(|d| std::fs::remove_dir_all(bench.path(d)).unwrap());
    }
    let line = "slice --run r --line --x=-1:1:11 --dpi 20";
    bench.ok(&format!("{line} --out w"));
    parts(&bench, line, "p", 3);
    bench.ok("merge p/shard-2-of-3 p/shard-0-of-3 p/shard-1-of-3 --dpi 20 --out m");
    assert!(bench.files("w") == bench.files("m"), "line");
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let bench = small();
    parts(&bench, QUICK, "p", 3);
    let (first, last) = ("p/shard-0-of-3", "p/shard-2-of-3");
    // 28 points: 0 to 8, 9 to 17, 18 to 27.
    let line = bench.refused(&format!("merge {first} {last} --out m"), "merge: expected every point");
    assert!(line.contains("19 of 28: without 9 to 17"), "{line}");
    bench.refused(&format!("merge p --out {last}"), "--out: expected a directory apart from what is read");
    bench.refused("merge r --out m", "r: expected parts of a slice");
    bench.refused("merge none --out m", "none: expected a directory");

    let name = "p/shard-1-of-3/slice-0.log";
    let log = bench.bytes(name);
    bench.write(name, &log[..log.len() - 1]);
    let line = bench.refused("merge p --out m", "merge");
    assert!(line.contains("27 of 28: without 17"), "{line}");
    let mut bad = log.clone();
    // In the last record but one: 6 numbers at most a record.
    bad[log.len() - 90] ^= 4;
    bench.write(name, &bad);
    assert!(bench.refused("merge p --out m", name).contains("an undamaged log"));
    bench.write(name, &log);

    // A part of something else says in what it differs.
    bench.ok(&format!("train {TINY} --seed 1 --out r1"));
    bench.ok(&format!("train {TINY} --data-seed 1 --out r2"));
    for (grid, differs) in [
        (format!("{QUICK} --seed 1"), "settings.seed = 1"),
        (QUICK.replace("--run r", "--run r1"), "weights_sha256 = "),
        (QUICK.replace("--run r", "--run r2"), "data_sha256 = "),
    ] {
        bench.ok(&format!("{grid} --shard 1/3 --out q"));
        let line = bench.refused(&format!("merge {first} q {last} --out m"), "q/shard-1-of-3/");
        assert!(line.contains(differs), "{differs}: {line}");
        std::fs::remove_dir_all(bench.path("q")).unwrap();
    }
    // Two copies of a part are one; parts of another cut may overlap.
    bench.ok(&format!("{QUICK} --shard 1/2 --out p"));
    bench.ok("merge p p --dpi 20 --out m");
    bench.ok(&format!("{QUICK} --out w"));
    assert!(bench.files("w") == bench.files("m"));
}

#[test]
fn a_part_is_named_by_hand_or_by_the_scheduler() {
    let bench = small();
    for bad in ["3/3", "-1/3", "x", "auto", "1/0", "0/", "/3", "1/3/5", "auto/x"] {
        bench.refused(&format!("{QUICK} --quiet --shard={bad} --out p"), "--shard: ");
    }
    bench.refused(&format!("{QUICK} --quiet --adaptive --shard 0/3 --out p"), "--shard: ");
    for (variables, flag) in [
        (
            &[("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_COUNT", "3"), ("SLURM_ARRAY_TASK_MIN", "5")][..],
            "auto",
        ),
        (&[("OMPI_COMM_WORLD_RANK", "2"), ("OMPI_COMM_WORLD_SIZE", "3")], "auto"),
        (&[("JOB_COMPLETION_INDEX", "2")], "auto/3"),
    ] {
        let mut command = bench.command();
        command.args(format!("{QUICK} --shard {flag} --out p").split_whitespace());
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(bench.path("p/shard-2-of-3/slice-0.log").exists(), "{variables:?}");
        std::fs::remove_dir_all(bench.path("p")).unwrap();
    }
    let mut command = bench.command();
    command.args(format!("{QUICK} --quiet --shard auto --out p").split_whitespace());
    let output = command.env("JOB_COMPLETION_INDEX", "2").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("expected auto/n"));
}
