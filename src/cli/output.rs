//! What goes out: standard output and error without panics, result directories, the machine's record.

use crate::base::files::{self, DirectoryLock};
use crate::base::{Error, Result};
use crate::figure::Figure;
use crate::passes::{Files, Saved, document};
use crate::render::{Style, draw};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Writes to standard output; a reader that has gone away is an error, not a panic.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|e| Error::machine("standard output", e))
}

/// Writes to standard error, if anybody listens.
pub fn complain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// A JSON document on standard output.
pub fn print_json(value: &Value) -> Result<()> {
    print(&String::from_utf8_lossy(&document(value)))
}

/// A result directory that this process may write in.
#[derive(Debug)]
pub struct Target {
    directory: PathBuf,
    started: Instant,
    _lock: DirectoryLock,
}

impl Target {
    /// Creates the directory if needed, finds out now whether it can be written, and locks it.
    pub fn new(directory: PathBuf) -> Result<Self> {
        files::writable_directory(&directory)?;
        let lock = DirectoryLock::acquire(&directory)?;
        Ok(Self { directory, started: Instant::now(), _lock: lock })
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Seconds since the work began.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Draws the figures and writes everything; returns the names of the pictures.
    pub fn write(&self, result: &dyn Saved, style: &Style, machine: Value) -> Result<Vec<String>> {
        let figures = result.figures();
        let mut all = pictures(&figures, style)?;
        all.push(("machine.json".to_owned(), document(&self.machine(machine))));
        all.extend(result.files()?);
        files::write_all_atomic(&self.directory, &all)?;
        Ok(figures.into_iter().map(|f| f.name).collect())
    }

    /// Draws figures again over the old ones.
    pub fn redraw(&self, figures: &[Figure], style: &Style) -> Result<()> {
        files::write_all_atomic(&self.directory, &pictures(figures, style)?)
    }

    /// What cannot be the same in two runs: time, threads, memory, paths.
    fn machine(&self, more: Value) -> Value {
        let command: Vec<String> = std::env::args().collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        json!({
            "command_line": command,
            "finished_unix_seconds": now,
            "seconds": self.seconds(),
            "threads": rayon::current_num_threads(),
            "peak_memory_bytes": peak_memory(),
            "details": more,
        })
    }
}

/// Each figure as SVG and PNG.
fn pictures(figures: &[Figure], style: &Style) -> Result<Files> {
    let drawn: Vec<Result<Files>> = figures
        .par_iter()
        .map(|figure| {
            let drawing = draw(figure, style)?;
            let png = drawing.png()?;
            Ok(vec![
                (format!("{}.svg", figure.name), drawing.svg.into_bytes()),
                (format!("{}.png", figure.name), png),
            ])
        })
        .collect();
    let mut all = Vec::new();
    for files in drawn {
        all.extend(files?);
    }
    Ok(all)
}

/// The most memory that this process has held, where the system says (Linux).
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}

/// "1.5 GiB", "31 MiB".
pub fn bytes(n: f64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let power = (n.max(1.0).log2() / 10.0).floor().clamp(0.0, 3.0);
    let value = n / 1024f64.powf(power);
    format!("{value:.*} {}", usize::from(value < 10.0 && power > 0.0), UNITS[power as usize])
}

/// "0.8 s", "12 s", "4 min", "3.1 h".
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
