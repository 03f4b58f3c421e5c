//! Training as it goes, on standard error: a table above the bar on a terminal, a line now and then elsewhere.

use super::output;
use super::progress::Bar;
use crate::analyses::training::Prepared;
use crate::train::{Epoch, TrainSettings};
use std::time::{Duration, Instant};

/// The run as it goes: a table above the bar on a terminal, a line now and then elsewhere.
pub struct Table {
    progress: Bar,
    quiet: bool,
    /// What is said before anything else.
    title: Option<String>,
    epochs: usize,
    batch: usize,
    /// Whether there are test samples.
    tests: bool,
    told: u64,
    /// Steps since the last epoch, the first and the last moment of them.
    steps: (u64, Instant, Instant),
    rows: usize,
    printed: Instant,
    /// When a probe began, and when it was last heard of: no time of training.
    probe: Option<(Instant, Instant)>,
}

impl Table {
    /// Before the first event: nothing is said yet.
    pub fn new(settings: &TrainSettings, prepared: &Prepared, quiet: bool) -> Self {
        let batch = settings.batch(prepared.samples());
        let total = prepared.batches.count() * settings.epochs;
        let now = Instant::now();
        Self {
            progress: Bar::new("training", "steps", total as f64, quiet),
            quiet,
            title: Some(format!("training {}, seed {}", settings.title(), settings.seed)),
            epochs: settings.epochs,
            batch,
            tests: prepared.tests() > 0,
            told: 0,
            steps: (0, now, now),
            rows: 0,
            printed: now,
            probe: None,
        }
    }

    /// A line above the bar.
    pub fn say(&mut self, text: &str) {
        if let Some(title) = self.title.take() {
            self.progress.line(&title);
        }
        self.progress.line(text);
    }

    /// Training begins after so many steps that were made before.
    pub fn resumed(&mut self, step: u64) {
        self.progress.add((step - self.told) as f64);
        self.told = step;
    }

    /// A probe begins.
    pub fn probe(&mut self) {
        let now = Instant::now();
        self.probe = Some((now, now));
    }

    /// A probe after so many steps goes on: so many products.
    pub fn probing(&mut self, step: u64, products: u64) {
        if let Some((_, last)) = &mut self.probe {
            *last = Instant::now();
        }
        self.progress.note(&format!("probing after step {step}: {products} products"));
    }

    /// So many steps are made.
    pub fn step(&mut self, step: u64) {
        if let Some((began, ended)) = self.probe.take() {
            self.steps.1 += ended - began;
            self.progress.note("");
        }
        self.progress.add((step - self.told) as f64);
        self.steps = (self.steps.0 + step - self.told, self.steps.1, Instant::now());
        self.told = step;
    }

    /// An epoch was made.
    pub fn epoch(&mut self, e: &Epoch) {
        // A probe after the epoch's last step is none of its time, nor of the next one's.
        if self.probe.take().is_some() {
            self.progress.note("");
        }
        let seconds = (self.steps.2 - self.steps.1).as_secs_f64();
        let speed = match self.steps.0 {
            0 => String::new(),
            steps => format!("{:.0}", steps as f64 * self.batch as f64 / seconds.max(1e-9)),
        };
        let now = Instant::now();
        self.steps = (0, now, now);
        let ends = e.epoch == 0 || e.epoch == self.epochs;
        if !self.progress.is_live() {
            let every = self.epochs.div_ceil(10).max(1);
            if ends || e.epoch.is_multiple_of(every) {
                self.say(&line(e, &speed, self.tests));
            }
            return;
        }
        // More rows than can be read would only push each other away.
        if !ends && self.rows > 20 && self.printed.elapsed() < Duration::from_millis(500) {
            return;
        }
        if self.rows.is_multiple_of(20) && !self.quiet {
            self.say(
                " epoch   train loss  accuracy    test loss  accuracy         rate   |gradient|    samples/s",
            );
        }
        self.say(&format!(
            "{:>6} {:>12} {:>9} {:>12} {:>9} {:>12} {:>12} {:>12}",
            e.epoch,
            output::number(e.train_loss, 4),
            output::percent(e.train_accuracy),
            if self.tests { output::number(e.test_loss, 4) } else { "-".to_owned() },
            output::percent(e.test_accuracy),
            output::number(e.lr, 4),
            if e.gradient_norm.is_nan() { String::new() } else { output::number(e.gradient_norm, 4) },
            speed,
        ));
        (self.rows, self.printed) = (self.rows + 1, now);
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.progress.finish();
    }
}

fn line(e: &Epoch, speed: &str, tests: bool) -> String {
    let mut text = format!(
        "epoch {:>4}  rate {}  train loss {} accuracy {:>8}",
        e.epoch,
        output::number(e.lr, 4),
        output::number(e.train_loss, 4),
        output::percent(e.train_accuracy)
    );
    if tests {
        let (loss, accuracy) = (output::number(e.test_loss, 4), output::percent(e.test_accuracy));
        text += &format!("  test loss {loss} accuracy {accuracy:>8}");
    }
    if !speed.is_empty() {
        text += &format!("  gradient {}  {speed} samples/s", output::number(e.gradient_norm, 4));
    }
    text
}
