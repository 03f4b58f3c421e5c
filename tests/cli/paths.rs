//! Where results go: odd names work, impossible places are refused before computing, old results stay.

use crate::bench::{Bench, GRID, TINY};

fn bench() -> Bench {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out r"));
    bench
}

#[test]
fn odd_names_work() {
    let bench = bench();
    for out in ["a b/ünï", "-leading", "new\nline", "."] {
        let flags = format!("slice --run r {GRID}");
        let flags: Vec<&str> = flags.split_whitespace().collect();
        let outcome = bench.run_with(&[&flags[..], &[&format!("--out={out}")]].concat());
        assert_eq!(outcome.code, Some(0), "{out}: {}", outcome.stderr);
        assert!(bench.path(out).join("slice.json").exists(), "{out}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"not\xffutf8");
        let status =
            bench.command().args(["train", "--epochs", "0", "--quiet", "--out"]).arg(name).status().unwrap();
        assert_eq!(status.code(), Some(0));
        assert!(bench.path(".").join(name).join("run.json").exists());
    }
}

#[test]
fn impossible_places_are_refused_before_anything_is_trained() {
    let bench = Bench::new();
    bench.write("file", "");
    for (out, hint) in
        [("file", "a regular file"), ("file/below", "not a directory"), ("/dev/null", "a device")]
    {
        let line = bench.refused(&format!("slice {GRID} --out {out}"), out);
        assert!(line.contains(hint), "{line}");
        bench.refused(&format!("train {TINY} --out {out}"), out);
        bench.refused(&format!("data --out {out}"), out);
    }
    let long = "x".repeat(300);
    bench.refused(&format!("slice {GRID} --out {long}"), &long);
    bench.refused_with(&["slice", "--out", ""], "--out");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("loop", bench.path("loop")).unwrap();
        bench.refused(&format!("slice {GRID} --out loop"), "loop");
        bench.refused(&format!("slice {GRID} --out loop/below"), "loop");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_the_machines_failure() {
    let bench = Bench::new();
    let place = if cfg!(target_os = "linux") { "/proc/losscape" } else { return };
    let outcome = bench.run(&format!("slice {GRID} --out {place}"));
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(1), 1), "{}", outcome.stderr);
    assert!(outcome.stderr.starts_with("error: /proc/losscape: cannot create"), "{}", outcome.stderr);
    assert!(bench.files("").is_empty());
}

#[test]
#[cfg(unix)]
fn a_read_only_directory_is_found_before_computing() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    std::fs::create_dir(bench.path("ro")).unwrap();
    std::fs::set_permissions(bench.path("ro"), std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(bench.path("ro/x"), "").is_ok() {
        return; // Root may write anywhere.
    }
    let outcome = bench.run(&format!("slice {GRID} --out ro"));
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(1), 1), "{}", outcome.stderr);
    assert!(!bench.path("runs").exists());
}

#[test]
fn a_result_is_not_written_over_its_run() {
    let bench = bench();
    for (run, out) in [("r", "r"), ("r", "./r/../r"), ("r/weights.safetensors", "r")] {
        bench.refused(&format!("slice --run {run} {GRID} --out {out}"), "--out");
    }
    bench.refused(&format!("slice {GRID} --out ./runs/default"), "--out");
    std::fs::copy(bench.path("r/weights.safetensors"), bench.path("w.safetensors")).unwrap();
    for run in ["w.safetensors", "./w.safetensors"] {
        bench.refused(&format!("slice --run {run} {GRID} --out ."), "--out");
    }
    bench.refused(&format!("slice --run r {GRID} --out r/weights.safetensors"), "r/weights.safetensors");
}

#[test]
fn a_directory_in_a_files_place_leaves_the_older_result_whole() {
    let bench = bench();
    bench.ok(&format!("slice --run r {GRID} --out s"));
    std::fs::remove_file(bench.path("s/surface.svg")).unwrap();
    std::fs::create_dir(bench.path("s/surface.svg")).unwrap();
    let before = bench.files("s");
    let outcome = bench.run(&format!("slice --run r {GRID} --out s --seed 1 --quiet"));
    assert_eq!(outcome.code, Some(2));
    assert_eq!(
        outcome.stderr,
        "error: s/surface.svg: expected a regular file to replace, found a directory\n"
    );
    // What was computed is kept, for when the way is free.
    let mut after = bench.files("s");
    assert!(after.remove(std::path::Path::new("slice-0.log")).is_some());
    assert_eq!(after, before);
}
