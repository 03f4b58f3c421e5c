//! `losscape train --seeds N`: runs that differ in their seed alone, one a core, and what they have in common.
//!
//! Each run is trained on one thread of its own, and ends in the bytes that it has when trained by itself. A run that
//! is there already, with the same settings, data and program, is kept; one that was stopped goes on.

use super::arguments::{Common, Parts};
use super::output::{self, Target};
use super::parts::Joined;
use super::progress::{Bar, say};
use super::train::{self, Found, Going};
use crate::analyses::run::WEIGHTS;
use crate::analyses::training::Recorded;
use crate::analyses::{Saved, SeedsResult};
use crate::base::pool::{of_threads, on_each};
use crate::base::{Error, Result, files, interrupt, memory};
use crate::render::Style;
use crate::train::checkpoint::CHECKPOINT;
use crate::train::{Event, TrainSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Trains `count` runs below `out` and sums them up.
pub fn run(
    settings: &TrainSettings,
    count: usize,
    out: PathBuf,
    going: &Going,
    common: &Common,
    style: &Style,
) -> Result<()> {
    let seeds = from(settings.seed, count)?;
    check(settings, count)?;
    let parts = Parts { shard: going.shard.clone(), claim: going.claim, fresh: going.fresh };
    parts.each(out, common.quiet, &mut |place| {
        let target = Target::new(place.directory.clone())?;
        place.begin("train", &Request { settings: settings.clone(), count })?;
        if let Some(shard) = place.shard {
            let own = seeds.iter().enumerate().filter(|(i, _)| shard.deals(*i)).map(|(_, seed)| *seed);
            let own: Vec<u64> = own.collect();
            train_all(settings, &own, target.directory(), going, common.quiet, style)?;
            return place.complete(&target, common);
        }
        let kept = train_all(settings, &seeds, target.directory(), going, common.quiet, style)?;
        finish(settings, &seeds, &target, json!({"kept": kept}), common, style)
    })
}

/// What parts keep of what was asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    settings: TrainSettings,
    count: usize,
}

/// Joins parts: their runs are copied side by side.
pub fn join(joined: Joined) -> Result<()> {
    let Request { settings, count } = joined.request()?;
    let seeds = from(settings.seed, count)?;
    let sha256 = train::prepare(&settings)?.data_sha256().to_owned();
    let run_of = |seed: u64| {
        let wanted = TrainSettings { seed, ..settings.clone() };
        let mut runs = joined.parts.iter().map(|part| of_seed(part, seed));
        runs.find(|run| is_done(run, &wanted, &sha256))
    };
    let runs: Vec<(u64, Option<PathBuf>)> = seeds.iter().map(|seed| (*seed, run_of(*seed))).collect();
    let missing: Vec<String> =
        runs.iter().filter(|(_, run)| run.is_none()).map(|(seed, _)| seed.to_string()).collect();
    if !missing.is_empty() {
        let few = missing.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
        let dots = if missing.len() > 10 { ", ..." } else { "" };
        let found = format!("{} of {count}: without seed {few}{dots}", count - missing.len());
        return Err(Error::expected("merge", "every run in some part", found));
    }
    let target = Target::new(joined.out.clone())?;
    for (seed, run) in runs {
        if let Some(run) = run {
            copy(&run, of_seed(target.directory(), seed))?;
        }
    }
    let parts: Vec<String> = joined.parts.iter().map(|p| files::named(p)).collect();
    finish(&settings, &seeds, &target, json!({"parts": parts}), &joined.common, &joined.style)
}

/// Copies a finished run.
fn copy(from: &Path, to: PathBuf) -> Result<()> {
    let target = Target::new(to)?;
    let failed = |e: std::io::Error| Error::machine(files::named(from), e);
    let mut all = Vec::new();
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != ".lock" && entry.file_type().map_err(failed)?.is_file() {
            all.push((name, files::read_regular(&entry.path(), files::LARGEST)?));
        }
    }
    // The record of the run says that the others are there.
    all.sort_by_key(|(name, _)| name == train::RECORD);
    files::write_all_atomic(target.directory(), &all)?;
    target.keep();
    Ok(())
}

/// Sums runs up that are all there.
fn finish(
    settings: &TrainSettings,
    seeds: &[u64],
    target: &Target,
    machine: Value,
    common: &Common,
    style: &Style,
) -> Result<()> {
    let result = SeedsResult::collect(settings, target.directory(), seeds)?;
    let pictures = target.write(&result, style, machine)?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?)?,
        (_, true) => {}
        _ => output::print(&table(&result, target, &pictures))?,
    }
    verdict(&result)
}

/// `count` seeds from `first` on.
pub fn from(first: u64, count: usize) -> Result<Vec<u64>> {
    let last = first.checked_add(count as u64 - 1).filter(|last| *last <= i64::MAX as u64);
    let Some(last) = last else {
        let expected = format!("a seed with room for {count} of them below 2^63");
        return Err(Error::expected("--seed", expected, first));
    };
    Ok((first..=last).collect())
}

/// Refuses what can be refused before any directory is made.
pub fn check(settings: &TrainSettings, count: usize) -> Result<()> {
    let workers = rayon::current_num_threads().min(count);
    let prepared = train::prepare(settings)?;
    memory::fits(workers as u64 * prepared.bytes(), format_args!("{workers} runs at once"))
}

/// Trains a run for each of `seeds` that is not there yet, into `directory/seed-N`; returns the seeds of those that were.
pub fn train_all(
    settings: &TrainSettings,
    seeds: &[u64],
    directory: &Path,
    going: &Going,
    quiet: bool,
    style: &Style,
) -> Result<Vec<u64>> {
    let count = seeds.len();
    let workers = rayon::current_num_threads().min(count);
    let prepared = train::prepare(settings)?;
    let (sha256, steps) = (prepared.data_sha256().to_owned(), prepared.batches.count() * settings.epochs);
    drop(prepared);
    let run_in = |seed: u64| of_seed(directory, seed);
    let wanted = |seed: u64| TrainSettings { seed, ..settings.clone() };
    let kept: Vec<u64> = if going.fresh {
        Vec::new()
    } else {
        seeds.iter().copied().filter(|s| is_done(&run_in(*s), &wanted(*s), &sha256)).collect()
    };
    // What was killed right after its end has left its number in the lock.
    kept.iter().try_for_each(|seed| files::DirectoryLock::acquire(&run_in(*seed)).map(drop))?;
    let todo: Vec<(u64, PathBuf)> =
        seeds.iter().filter(|s| !kept.contains(s)).map(|s| (*s, run_in(*s))).collect();
    if let [first, .., last] = seeds {
        say(quiet, &format!("training {}, seeds {first} to {last}", settings.title()));
    }
    if !kept.is_empty() {
        say(quiet, &format!("{} of {count} runs are there already and are kept", kept.len()));
    }
    let progress = Bar::new("training", "steps", (steps * todo.len()) as f64, quiet);
    let (next, failed, done) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicUsize::new(kept.len()));
    let faults: Mutex<Vec<Error>> = Mutex::new(Vec::new());
    let one = |seed: u64, directory: &Path| -> Result<()> {
        let settings = wanted(seed);
        let prepared = train::prepare(&settings)?;
        let target = Target::new(directory.to_path_buf())?;
        let mut told = 0;
        let (result, _) =
            train::train_with(&settings, prepared, &target, style, going, &mut |event| match event {
                Event::Step(step, _) | Event::Resumed(step, ..) => {
                    progress.add((step - told) as f64);
                    told = step;
                }
                Event::Epoch(_) | Event::Probe(_) | Event::Probing(..) => {}
            })?;
        let t = &result.trained;
        let train = output::number(t.train.loss, 4);
        let test = match result.samples.1 {
            0 => String::new(),
            _ => format!(", test loss {}", output::number(t.test.loss, 4)),
        };
        progress.line(&format!("seed {seed}: train loss {train}{test}, {}", t.reason));
        done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    let work = || {
        while let (false, Some((seed, directory))) =
            (failed.load(Ordering::Relaxed), todo.get(next.fetch_add(1, Ordering::Relaxed)))
        {
            if let Err(e) = one(*seed, directory) {
                failed.store(true, Ordering::Relaxed);
                faults.lock().unwrap_or_else(|e| e.into_inner()).push(e);
            }
        }
    };
    let pools: Vec<rayon::ThreadPool> = (0..workers).map(|_| of_threads(1)).collect::<Result<_>>()?;
    on_each(&pools, &work);
    progress.finish();
    let faults = faults.into_inner().unwrap_or_else(|e| e.into_inner());
    if let Some(signal) = interrupt::requested() {
        let done = done.load(Ordering::Relaxed);
        let kept = format!(
            "{done} of {count} runs are finished, the others' checkpoints kept; the same command goes on"
        );
        return Err(Error::Interrupted { at: "train".to_owned(), kept, signal });
    }
    if let Some(fault) = faults.into_iter().next() {
        return Err(fault);
    }
    Ok(kept)
}

/// Where the run of a seed lies.
pub fn of_seed(directory: &Path, seed: u64) -> PathBuf {
    directory.join(format!("seed-{seed}"))
}

/// Whether the run that was asked for lies finished and whole in `directory`.
fn is_done(directory: &Path, wanted: &TrainSettings, sha256: &str) -> bool {
    let Ok(Found::Done(settings)) = train::found(directory) else { return false };
    let Ok(Recorded { run, .. }) = Recorded::read(directory) else { return false };
    let Ok(weights) = files::read_regular(&directory.join(WEIGHTS), files::LARGEST) else { return false };
    settings.resolved() == wanted.resolved()
        && run["data_sha256"] == sha256
        && run["version"] == env!("CARGO_PKG_VERSION")
        && run["weights_sha256"] == files::sha256(&weights)
        && !directory.join(CHECKPOINT).exists()
}

/// A line a run, and one for the median.
fn table(result: &SeedsResult, target: &Target, pictures: &output::Pictures) -> String {
    let percent = |x: Option<f64>| output::percent(x.unwrap_or(f64::NAN));
    let loss = |x: Option<f64>| x.map_or("-".to_owned(), |x| output::number(x, 4));
    let row = |name: &str, of: &dyn Fn(&str) -> Option<f64>, end: &str| {
        let row = format!(
            "{name:>8} {:>12} {:>9} {:>12} {:>9}  {end}",
            loss(of("train_loss")),
            percent(of("train_accuracy")),
            loss(of("test_loss")),
            percent(of("test_accuracy"))
        );
        format!("{}\n", row.trim_end())
    };
    let mut text = format!("{}, {} runs\n", result.title(), result.runs().len());
    text += "    seed   train loss  accuracy    test loss  accuracy\n";
    for run in result.runs() {
        let seed = run["seed"].to_string();
        text += &row(&seed, &|key| run["final"][key].as_f64(), run["reason"].as_str().unwrap_or_default());
    }
    for (name, of) in [("median", "/median"), ("25 %", "/quartiles/0"), ("75 %", "/quartiles/1")] {
        text += &row(name, &|key| result.summary(key).pointer(of).and_then(Value::as_f64), "");
    }
    text + &format!(
        "wrote {} in {}{}: seeds.json, seeds.npz, {}, a run directory each\n",
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
        pictures.listed(),
    )
}

fn verdict(result: &SeedsResult) -> Result<()> {
    let bad: Vec<&Value> = result.runs().iter().filter(|r| r["status"] != "done").collect();
    let Some(first) = bad.first() else { return Ok(()) };
    let (seed, status) = (&first["seed"], first["status"].as_str().unwrap_or_default());
    let reason = first["reason"].as_str().unwrap_or_default();
    let (bad, all) = (bad.len(), result.runs().len());
    Err(Error::unmet(
        "train: seeds",
        format!("{bad} of {all} did not end well: seed {seed}, {status}: {reason}"),
    ))
}
