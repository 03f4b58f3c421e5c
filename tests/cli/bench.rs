//! A directory to work in, and the program run there.

use losscape::base::npz::Npz;
use losscape::base::tensors::TensorFile;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A temporary directory that the program runs in.
pub struct Bench(tempfile::TempDir);

/// What a finished program left.
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

/// A network and a grid so small that nearly all time goes into starting the program and drawing.
pub const TINY: &str = "--hidden 3 --epochs 1 --samples 60 --dpi 20";
pub const GRID: &str = "--x=-1:1:7 --y=-0.5:0.5:4 --dpi 20";

/// Flags of training that end it early, or keep and measure more than where it ends, and what refusals name.
pub const BESIDE: [(&str, &str); 8] = [
    ("--target-loss 0.1", "--target-loss"),
    ("--target-gradient 0.1", "--target-gradient"),
    ("--best train-loss", "--best"),
    ("--ema 0.9", "--ema"),
    ("--swa 1", "--swa"),
    ("--snapshots 5", "--snapshots"),
    ("--probe sharpness:5", "--probe"),
    ("--probe-samples 5", "--probe-samples"),
];

impl Bench {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_losscape"));
        command.current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    /// Runs with arguments parted by spaces.
    pub fn run(&self, arguments: &str) -> Outcome {
        self.run_with(&arguments.split_whitespace().collect::<Vec<_>>())
    }

    pub fn run_with(&self, arguments: &[&str]) -> Outcome {
        let started = Instant::now();
        let output = self.command().args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Outcome { code: output.status.code(), stdout, stderr, took: started.elapsed() }
    }

    /// Runs what must succeed.
    pub fn ok(&self, arguments: &str) -> Outcome {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(0), "{arguments}: {}", outcome.stderr);
        outcome
    }

    /// Runs what must be refused: exit code 2, one line that starts with `at` and names what was expected and found,
    /// quickly, with nothing written. Returns the line.
    pub fn refused(&self, arguments: &str, at: &str) -> String {
        self.refused_with(&arguments.split_whitespace().collect::<Vec<_>>(), at)
    }

    pub fn refused_with(&self, arguments: &[&str], at: &str) -> String {
        let before = self.files("");
        let Outcome { code, stdout, stderr, took } = self.run_with(arguments);
        let what = format!("{arguments:?}: {stderr}");
        assert_eq!(code, Some(2), "{what}");
        assert_eq!(stderr.lines().count(), 1, "{what}");
        assert!(stderr.starts_with(&format!("error: {at}")), "{what}");
        assert!(stderr.contains("expected ") && stderr.contains(", found "), "{what}");
        assert_eq!(stdout, "", "{what}");
        assert!(within(took, Duration::from_secs(2)), "{took:?}: {what}");
        assert_eq!(self.files(""), before, "{what}");
        stderr
    }

    /// Runs a command, sends it `signal` once the files whose names begin with `log` are as long as `ready` asks for, and returns how
    /// it ended and what it said.
    /// A command that came to its end before the signal, on a machine that is busy with others, is undone and tried again.
    pub fn stopped(
        &self,
        arguments: &str,
        signal: &str,
        log: &str,
        ready: impl Fn(u64) -> bool,
    ) -> (Option<i32>, String) {
        let before = self.files("");
        let path = self.path(log);
        for _ in 0..20 {
            let mut command = self.command();
            command.args(arguments.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let began = Instant::now();
            while !length(&path).is_some_and(&ready) {
                assert!(began.elapsed() < Duration::from_secs(60), "{arguments}: nothing is kept in {log}");
                if child.try_wait().unwrap().is_some() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
            let asked = Instant::now();
            let output = child.wait_with_output().unwrap();
            assert!(within(asked.elapsed(), Duration::from_secs(2)), "{arguments}: {:?}", asked.elapsed());
            if output.status.code() != Some(0) {
                return (output.status.code(), String::from_utf8(output.stderr).unwrap());
            }
            // Directories come before what is in them, which goes with them.
            for path in self
                .files("")
                .keys()
                .filter(|name| !before.contains_key(*name))
                .map(|n| self.0.path().join(n))
            {
                let _ =
                    if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
            }
            let files = before.iter().filter(|(name, _)| !self.0.path().join(name).is_dir());
            files.for_each(|(name, bytes)| self.write(name.to_str().unwrap(), bytes));
        }
        panic!("{arguments}: it ended before every signal")
    }

    /// Kills a command `kills` times at moments spread over `length`, the time that it takes; each goes on from what the one
    /// before left. A moment after its end is no kill, and is tried again.
    pub fn killed(&self, arguments: &str, length: Duration, kills: u32) {
        let (mut met, mut tries) = (0, 0);
        while met < kills {
            tries += 1;
            assert!(tries < 10 * kills, "{arguments}: {met} of {tries} were killed in time");
            let mut command = self.command();
            command.args(arguments.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            // Every moment in turn, in steps of the golden ratio.
            std::thread::sleep(length.mul_f64((0.618_034 * f64::from(tries)).fract()));
            child.kill().unwrap();
            match child.wait().unwrap().code() {
                None => met += 1,
                code => assert_eq!(code, Some(0), "{arguments}: what a kill leaves is no error"),
            }
        }
    }

    /// Kills `run`, which writes the directory r, in `rounds` fresh directories at moments spread over its length, in every
    /// other one twice, and lets it go on to the bytes of a run that nobody disturbs. Returns how many kills left `kept`.
    pub fn killed_in_rounds(run: &str, kept: &str, rounds: usize) -> usize {
        let bench = Self::new();
        let mut length = bench.ok(run).took;
        let whole = bench.files("r");
        assert!(!whole.contains_key(Path::new(kept)), "{kept} is removed when the result is there");
        let mut caught = 0;
        for round in 0..rounds {
            let bench = Self::new();
            for part in 0..1 + round % 2 {
                // Every moment in turn, in steps of the golden ratio.
                let share = (round as f64 * 0.618_034 + 0.31 * part as f64 + 0.05).fract();
                let mut command = bench.command();
                command.args(run.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
                let mut child = command.spawn().unwrap();
                std::thread::sleep(length.mul_f64(share));
                child.kill().unwrap();
                let killed = child.wait().unwrap().code().is_none();
                let left = bench.path("r").join(kept).exists();
                caught += usize::from(left);
                // A machine that has more or less to do than before.
                length = length.mul_f64(match (killed, left) {
                    (false, _) => 0.8,
                    (true, false) => 1.1,
                    (true, true) => 1.0,
                });
            }
            let outcome = bench.ok(run);
            assert_eq!(bench.files("r"), whole, "round {round}: {}", outcome.stderr);
        }
        caught
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Removes the record of a result, whose files may then be changed by hand.
    pub fn unrecorded(&self, directory: &str) {
        std::fs::remove_file(self.path(directory).join("machine.json")).unwrap();
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    pub fn npz(&self, name: &str) -> Npz {
        Npz::read(&self.path(name)).unwrap()
    }

    pub fn tensors(&self, name: &str) -> TensorFile {
        TensorFile::read(&self.path(name)).unwrap()
    }

    /// Everything below `directory` with its contents, directories too; `machine.json`, which alone may differ
    /// between runs, without.
    pub fn files(&self, directory: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut all = BTreeMap::new();
        let root = self.path(directory);
        collect(&root, &root, &mut all);
        all
    }
}

/// The bytes of all files whose names begin as the path does; none where there is none.
fn length(path: &Path) -> Option<u64> {
    let begins = path.file_name()?.to_str()?;
    let entries = std::fs::read_dir(path.parent()?).ok()?.flatten();
    let ours =
        entries.filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(begins)));
    ours.map(|entry| entry.metadata().map_or(0, |file| file.len())).reduce(|a, b| a + b)
}

fn collect(root: &Path, directory: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        let kind = std::fs::symlink_metadata(&path).unwrap();
        let bytes = if kind.is_file() && path.file_name() != Some("machine.json".as_ref()) {
            std::fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        all.insert(path.strip_prefix(root).unwrap().to_owned(), bytes);
        if kind.is_dir() {
            collect(root, &path, all);
        }
    }
}

/// Whether something that `took` so long did it within `limit` of a machine of its own: where more work wants to be done than
/// there are cores, each piece gets its share of them only.
pub fn within(took: Duration, limit: Duration) -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split_whitespace().next().and_then(|x| x.parse().ok()).unwrap_or(0.0);
    took < limit.mul_f64((load / cores).max(1.0))
}

/// A value by its path of keys.
pub fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |v, key| &v[key])
}
