//! Progress on standard error: a bar with rate and time left on a terminal, else a line now and then; for a program that draws
//! its own (`LOSSCAPE_PROGRESS=records`) a record ten times a second.

use super::output;
use crate::analyses::Progress;
use crate::base::text::{line, visible};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Whether another program shows how far this one is.
fn records_are_asked_for() -> bool {
    std::env::var_os("LOSSCAPE_PROGRESS").is_some_and(|how| how == "records")
}

fn tell(record: &Value) {
    let _ = std::io::stderr().lock().write_all(format!("{RECORD}{record}\n").as_bytes());
}

/// Tells another program where a result lies, where one asked.
pub fn wrote(directory: &Path) {
    if records_are_asked_for() {
        tell(&json!({"wrote": directory.to_string_lossy()}));
    }
}

/// How far some work is. May be told from any thread.
#[derive(Debug)]
pub struct Bar {
    what: &'static str,
    unit: &'static str,
    total: f64,
    bar: Option<ProgressBar>,
    silent: bool,
    /// Whether another program draws it.
    recorded: bool,
    state: Mutex<(f64, Instant)>,
    /// What goes on beside what is counted, for lines.
    noted: Mutex<String>,
    started: Instant,
}

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Between two records.
const RECORD_EVERY: Duration = Duration::from_millis(100);
/// What a record begins with, which no other line does: ASCII's record separator.
const RECORD: char = '\u{1e}';

impl Bar {
    /// Starts counting `total` units.
    pub fn new(what: &'static str, unit: &'static str, total: f64, quiet: bool) -> Self {
        let recorded = !quiet && records_are_asked_for();
        let bar = (!quiet && !recorded && std::io::stderr().is_terminal()).then(|| {
            let template = "{prefix} [{bar:30}] {percent:>3} %  {pos}/{len} {msg}  {per_sec}  {eta} left";
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let style =
                style.with_key("per_sec", |s: &indicatif::ProgressState, w: &mut dyn std::fmt::Write| {
                    let _ = write!(w, "{:.0}/s", s.per_sec());
                });
            let bar =
                ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr_with_hz(8));
            bar.with_style(style.progress_chars("=> ")).with_prefix(what).with_message(unit)
        });
        let now = Instant::now();
        let state = Mutex::new((0.0, now));
        let noted = Mutex::default();
        let this = Self { what, unit, total, bar, silent: quiet, recorded, state, noted, started: now };
        this.record(0.0, "");
        this
    }

    /// So many more units are done.
    pub fn add(&self, units: f64) {
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        state.0 += units;
        let done = state.0;
        match &self.bar {
            Some(bar) => bar.set_position((done + 1e-6) as u64),
            None if self.recorded && state.1.elapsed() >= RECORD_EVERY => {
                state.1 = Instant::now();
                self.record(done, "");
            }
            None if !self.silent && !self.recorded && state.1.elapsed() >= LINE_EVERY => {
                state.1 = Instant::now();
                let rate = done / self.started.elapsed().as_secs_f64();
                let left = output::duration((self.total - done).max(0.0) / rate);
                let noted = self.noted.lock().unwrap_or_else(|e| e.into_inner());
                let doing = if noted.is_empty() { String::new() } else { format!("; {noted}") };
                output::complain(&format!(
                    "{}: {done:.0} of {:.0} {}, {rate:.3}/s, {left} left{doing}",
                    self.what, self.total, self.unit
                ));
            }
            None => {}
        }
    }

    /// What goes on beside what is counted; empty for nothing.
    pub fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) if text.is_empty() => bar.set_message(self.unit),
            Some(bar) => bar.set_message(format!("{}, {}", self.unit, visible(text))),
            None if self.silent || text.is_empty() => {}
            None if self.recorded => {
                let done = self.state.lock().unwrap_or_else(|e| e.into_inner()).0;
                self.record(done, text);
            }
            None => {
                *self.noted.lock().unwrap_or_else(|e| e.into_inner()) = visible(text).into_owned();
                let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
                if state.1.elapsed() >= LINE_EVERY {
                    state.1 = Instant::now();
                    output::complain(&format!("{}: {text}", self.what));
                }
            }
        }
    }

    /// Tells another program how far it is, where one asked.
    fn record(&self, done: f64, note: &str) {
        if self.recorded {
            let (what, unit, total) = (self.what, self.unit, self.total);
            tell(&json!({"what": what, "unit": unit, "done": done, "total": total, "note": note}));
        }
    }

    /// Whether somebody watches a bar.
    pub fn is_live(&self) -> bool {
        self.bar.is_some()
    }

    /// A line above the bar.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(visible(text)),
            None => say(self.silent, text),
        }
    }

    /// The work is done: the bar disappears.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.record(self.state.lock().unwrap_or_else(|e| e.into_inner()).0, "");
    }
}

/// Work in stages, a bar each.
#[derive(Debug, Default)]
pub struct Stages {
    bar: Mutex<Option<Bar>>,
    quiet: bool,
}

impl Stages {
    /// Before the first of them.
    pub fn new(quiet: bool) -> Self {
        Self { bar: Mutex::new(None), quiet }
    }

    /// Shows what is heard.
    pub fn hear(&self, event: Progress) {
        let mut bar = self.bar.lock().unwrap_or_else(|e| e.into_inner());
        let say = |text: &str| match bar.as_ref() {
            Some(bar) => bar.line(text),
            None => say(self.quiet, text),
        };
        match event {
            Progress::Says(text) => say(&text),
            Progress::Note(note) => say(&format!("note: {note}")),
            Progress::Begins(what, unit, total) => {
                if let Some(bar) = bar.take() {
                    bar.finish();
                }
                *bar = Some(Bar::new(what, unit, total as f64, self.quiet));
            }
            Progress::Done(share) => {
                if let Some(bar) = bar.as_ref() {
                    bar.add(share);
                }
            }
            Progress::Doing(what) => {
                if let Some(bar) = bar.as_ref() {
                    bar.note(what);
                }
            }
            Progress::Forecast(..) | Progress::Picture(_) => {}
        }
    }

    /// All work is done: the last bar disappears.
    pub fn finish(&self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(|e| e.into_inner()).take() {
            bar.finish();
        }
    }
}

/// A line on standard error, unless quiet; cut if it is endless.
pub fn say(quiet: bool, text: &str) {
    if !quiet {
        output::complain(&line(text));
    }
}
