//! Runs a study: plan, rehearsal, all cases in parallel, verdict.
//!
//! Before anything long begins, the first case is run at its smallest: what a recipe measures and draws must exist there.
//! Cases then run one a core, the longest first, so that no core waits at the end, and what measures time after them, one by
//! one; each is kept in its file as soon as it is finished.

use super::axis::words;
use super::recipe::Recipe;
use super::result::StudyResult;
use super::unit::{CASES, DataFacts, Measured, Unit};
use super::written::From;
use crate::analyses::{DataSettings, training};
use crate::base::pool::each_apart;
use crate::base::registry::unknown;
use crate::base::shard::Shard;
use crate::base::{Error, Result, files, parallel, text};
use crate::nn::Network;
use crate::train::{self, TrainSettings, exported};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// What an observer of a study hears, from any thread.
#[derive(Clone, Debug)]
pub enum StudyEvent<'a> {
    /// Before the first case.
    Planned {
        /// Cases times seeds, how many of them were kept from before, and how many are another shard's.
        units: (usize, usize, usize),
        /// Seconds that the rest will take, about.
        seconds: f64,
        /// Letters of the longest case in words.
        width: usize,
    },
    /// A case has begun.
    Begins(&'a str),
    /// A case is finished: which one, its measures, its share of all work.
    Done(&'a str, &'a [f64], f64),
}

/// Removes what an earlier study left in a directory.
pub fn discard(directory: &Path) -> Result<()> {
    let cases = directory.join(CASES);
    match std::fs::remove_dir_all(&cases) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::machine(files::named(&cases), e)),
        _ => Ok(()),
    }
}

/// The data of every case, loaded once each. Networks that cannot be laid out over them are refused.
fn data(recipe: &Recipe) -> Result<Vec<DataFacts>> {
    let mut all = vec![DataFacts::default(); recipe.cases.len()];
    if !recipe.trains {
        return Ok(all);
    }
    let mut of: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, case) in recipe.cases.iter().enumerate() {
        let TrainSettings { data, data_seed, preparation, samples, .. } = recipe.train(case, 0)?;
        let key = serde_json::json!([data, data_seed, preparation, samples]).to_string();
        of.entry(key).or_default().push(i);
    }
    let mut groups: Vec<Vec<usize>> = of.into_values().collect();
    groups.sort();
    for group in groups {
        let (data, dataset) = DataSettings::load(&recipe.train(&recipe.cases[group[0]], 0)?)?;
        let samples = (dataset.train.len(), dataset.test.len());
        let mut networks: BTreeMap<String, Network> = BTreeMap::new();
        for i in group {
            let settings = recipe.train(&recipe.cases[i], 0)?;
            let key = serde_json::json!([settings.model, settings.loss]).to_string();
            let network = match networks.entry(key) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(train::network(&settings, &dataset)?),
            };
            settings.check_for(samples.0, network.layout())?;
            exported::check_for(&settings, network, samples.0)?;
            all[i] = DataFacts { samples, sha256: data.sha256.clone() };
        }
    }
    Ok(all)
}

/// Runs the first case at its smallest, and refuses measures and figures that do not come of it. Returns seconds for each
/// sample that was sent forward.
pub fn rehearse(small: &Recipe) -> Result<f64> {
    let facts =
        if small.trains { DataFacts::of(&small.train(&small.cases[0], 0)?)? } else { DataFacts::default() };
    let unit = Unit::new(small, 0, 0, &facts)?;
    let started = Instant::now();
    let found = unit.compute().map_err(|e| told(e, "the first case at its smallest"))?;
    check_names(small, &found)?;
    Ok(started.elapsed().as_secs_f64() / unit.forwards(&facts).max(1.0))
}

/// Refuses measures that name no scalar of what was found.
fn check_names(recipe: &Recipe, found: &Measured) -> Result<()> {
    for (i, measure) in recipe.measures.iter().enumerate() {
        let From::Scalars(expression) = &measure.from else { continue };
        for name in expression.names() {
            let earlier = recipe.measures[..i].iter().any(|m| m.name == name)
                || recipe.axes.iter().any(|a| a.name == name);
            let diverged = found.scalar("train.diverged") == Some(1.0);
            if earlier || found.scalar(name).is_some() || diverged && !name.starts_with("train.") {
                continue;
            }
            let pass = name.split('.').next().unwrap_or_default();
            let known: Vec<&str> = found.scalars.keys().map(String::as_str).collect();
            let same = |k: &&str| k.split('.').next() == Some(pass);
            // Dozens of names help nobody: the nearest ones.
            let mut near: Vec<&str> = known.into_iter().filter(same).collect();
            near.sort_by_key(|k| strsim::damerau_levenshtein(k, name));
            near.truncate(8);
            return Err(unknown(&format!("{}: measure {}: of", recipe.name, measure.name), name, near));
        }
    }
    Ok(())
}

/// An error with the case that it came of.
fn told(error: Error, case: &str) -> Error {
    match error {
        Error::Request { at, what } => Error::request(at, format!("{what} (in {case})")),
        Error::Unmet { at, what } => Error::unmet(at, format!("{what} (in {case})")),
        other => other,
    }
}

/// All cases with all seeds, on these data.
fn units<'a>(recipe: &'a Recipe, facts: &[DataFacts]) -> Result<Vec<Unit<'a>>> {
    let one = |i: usize| {
        let (case, seed) = (i / recipe.seeds, i % recipe.seeds);
        Unit::new(recipe, case, seed, &facts[case])
    };
    parallel::try_map(facts.len() * recipe.seeds, &one)
}

/// What came of a unit, if some directory has it.
fn found(unit: &Unit, directories: &[PathBuf]) -> Result<Option<Measured>> {
    directories.iter().find_map(|directory| unit.read(directory).transpose()).transpose()
}

/// The directories below one that have cases of their own: its parts.
fn parts(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut parts: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.join(CASES).is_dir()).collect();
    parts.sort();
    parts
}

/// The result of a recipe whose cases were all computed, in the directories of parts. Their files are copied below `out`;
/// what is missing is named.
pub fn join(recipe: &Recipe, parts: &[PathBuf], out: &dyn Fn() -> Result<PathBuf>) -> Result<StudyResult> {
    let facts = data(recipe)?;
    let units = units(recipe, &facts)?;
    let all: Vec<Option<Measured>> = units.iter().map(|u| found(u, parts)).collect::<Result<_>>()?;
    let missing: Vec<String> =
        units.iter().zip(&all).filter(|(_, found)| found.is_none()).map(|(u, _)| name(recipe, u)).collect();
    if !missing.is_empty() {
        let (count, few) = (missing.len(), missing.iter().take(5).cloned().collect::<Vec<_>>().join("; "));
        let dots = if count > 5 { "; ..." } else { "" };
        let found = format!("{} of {}: without {few}{dots}", units.len() - count, units.len());
        return Err(Error::expected("merge", "every case in some part", found));
    }
    let result = StudyResult::new(recipe, all.into_iter().flatten().collect())?;
    let out = out()?;
    files::directory(&out.join(CASES))?;
    for unit in &units {
        let (own, path) = (unit.file(&out), |part: &PathBuf| unit.file(part));
        if let Some(path) = parts.iter().map(path).find(|path| path.exists())
            && !own.exists()
        {
            files::write_atomic(&own, &files::read_regular(&path, files::LARGEST_JSON)?)?;
        }
    }
    Ok(result)
}

/// A study before it is run: its units, which of them are there already, what the others cost.
struct Work<'a> {
    recipe: &'a Recipe,
    units: Vec<Unit<'a>>,
    kept: Vec<Option<Measured>>,
    /// Those of this part that are not there, the longest first.
    todo: Vec<usize>,
    /// How many of these run side by side; the others, which come last, want the machine to themselves.
    together: usize,
    /// Seconds that each unit takes, about.
    costs: Vec<f64>,
}

impl<'a> Work<'a> {
    fn new(recipe: &'a Recipe, directory: &Path, shard: Shard, pace: f64) -> Result<Self> {
        let facts = data(recipe)?;
        let units = units(recipe, &facts)?;
        let places = [vec![directory.to_path_buf()], parts(directory)].concat();
        let kept: Vec<Option<Measured>> = units.iter().map(|u| found(u, &places)).collect::<Result<_>>()?;
        let mut todo: Vec<usize> =
            (0..units.len()).filter(|i| kept[*i].is_none() && shard.deals(*i)).collect();
        let paces = paces(recipe, &todo, &units, pace)?;
        let cost = |u: &Unit| paces.get(&u.case).map_or(0.0, |pace| pace * u.forwards(&facts[u.case]));
        let costs: Vec<f64> = units.iter().map(cost).collect();
        // What measures time comes last; equal ones in their own order.
        let alone = |i: &usize| units[*i].alone();
        todo.sort_by(|a, b| alone(a).cmp(&alone(b)).then(costs[*b].total_cmp(&costs[*a])));
        let together = todo.iter().filter(|i| !alone(i)).count();
        Ok(Self { recipe, units, kept, todo, together, costs })
    }

    /// Seconds on all cores.
    fn seconds(&self) -> f64 {
        let sum = |some: &[usize]| some.iter().map(|i| self.costs[*i]).sum::<f64>();
        let (together, alone) = self.todo.split_at(self.together);
        let longest = together.first().map_or(0.0, |i| self.costs[*i]);
        let workers = rayon::current_num_threads().min(together.len()).max(1) as f64;
        (sum(together) / workers).max(longest) + sum(alone)
    }

    /// Runs `one` on the numbers of all that is to be done; the first error ends it.
    fn each<R: Send>(&self, one: impl Fn(usize) -> Result<R> + Sync) -> Result<Vec<R>> {
        let mut done = each_apart(self.together, &one)?;
        for k in self.together..self.todo.len() {
            done.push(one(k)?);
        }
        Ok(done)
    }
}

/// What a study would compute.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Each case and seed in words, seconds it takes, about, and whether it is there already.
    pub cases: Vec<(String, f64, bool)>,
    /// Seconds on all cores, about.
    pub seconds: f64,
}

/// The plan of a recipe in a directory.
pub fn plan(recipe: &Recipe, directory: &Path, shard: Shard, pace: f64) -> Result<Plan> {
    let work = Work::new(recipe, directory, shard, pace)?;
    let mut all = work.todo.clone();
    all.extend((0..work.units.len()).filter(|i| work.kept[*i].is_some()));
    all.sort_unstable();
    let line = |i: usize| (name(recipe, &work.units[i]), work.costs[i], work.kept[i].is_some());
    Ok(Plan { cases: all.into_iter().map(line).collect(), seconds: work.seconds() })
}

/// Runs a recipe in a directory: all of its cases, or a part of them, of which there is no result.
pub fn run(
    recipe: &Recipe,
    directory: &Path,
    shard: Option<Shard>,
    pace: f64,
    observe: &(dyn Fn(StudyEvent) + Sync),
) -> Result<Option<StudyResult>> {
    let work = Work::new(recipe, directory, shard.unwrap_or(Shard::WHOLE), pace)?;
    files::directory(&directory.join(CASES))?;
    files::clear(&directory.join(CASES))?;
    let (count, before) = (work.units.len(), work.kept.iter().flatten().count());
    let seconds = work.seconds();
    let width = work.todo.iter().map(|i| name(recipe, &work.units[*i]).chars().count()).max().unwrap_or(0);
    observe(StudyEvent::Planned { units: (count, before, count - before - work.todo.len()), seconds, width });
    let all: f64 = work.todo.iter().map(|i| work.costs[*i]).sum();
    let done = AtomicUsize::new(before);
    let one = |k: usize| -> Result<(usize, Measured)> {
        let index = work.todo[k];
        let unit = &work.units[index];
        let name = name(recipe, unit);
        observe(StudyEvent::Begins(&name));
        let found = unit.compute().map_err(|e| told(e, &name))?;
        unit.write(directory, &found)?;
        done.fetch_add(1, Ordering::Relaxed);
        let row = recipe.values(&recipe.cases[unit.case], &found);
        observe(StudyEvent::Done(&name, &row, work.costs[index] / all));
        Ok((index, found))
    };
    let computed = work.each(one).map_err(|error| match error {
        Error::Interrupted { signal, .. } => {
            let done = done.load(Ordering::Relaxed);
            let kept = format!(
                "{done} of {count} cases are kept in {}; the same command goes on",
                files::named(directory)
            );
            Error::Interrupted { at: "run".to_owned(), kept, signal }
        }
        other => other,
    })?;
    let mut found = work.kept;
    for (i, measured) in computed {
        found[i] = Some(measured);
    }
    let all = found.into_iter().collect::<Option<Vec<Measured>>>().filter(|_| shard.is_none());
    all.map(|all| StudyResult::new(work.recipe, all)).transpose()
}

/// A unit in words.
pub fn name(recipe: &Recipe, unit: &Unit) -> String {
    let seed = format!("seed {}", recipe.seed + unit.seed as u64);
    match text::name(&words(&recipe.axes, &recipe.cases[unit.case])) {
        words if words.is_empty() => seed,
        words => format!("{words}, {seed}"),
    }
}

/// Most networks that are timed to predict the rest.
const TIMED: usize = 24;

/// Seconds for each sample that is sent forward, by case: a few steps of training are timed for some of the cases, and the
/// others go at the pace of the nearest.
fn paces(recipe: &Recipe, todo: &[usize], units: &[Unit], pace: f64) -> Result<BTreeMap<usize, f64>> {
    let mut cases: Vec<usize> = todo.iter().map(|i| units[*i].case).collect();
    cases.dedup();
    if !recipe.trains {
        return Ok(cases.into_iter().map(|case| (case, pace)).collect());
    }
    let mut known: BTreeMap<String, f64> = BTreeMap::new();
    let mut paces = BTreeMap::new();
    let mut last = pace;
    let every = cases.len().div_ceil(TIMED).max(1);
    for (i, case) in cases.iter().enumerate() {
        let settings = recipe.train(&recipe.cases[*case], 0)?;
        let key = serde_json::json!([settings.data, settings.model, settings.batch_size]).to_string();
        last = match known.get(&key) {
            Some(pace) => *pace,
            None if i % every == 0 => timed(&settings)?,
            None => last,
        };
        known.insert(key, last);
        paces.insert(*case, last);
    }
    Ok(paces)
}

/// Epochs by which a second timing is longer than the first.
const MORE: usize = 10;
/// Seconds of a timing from which on reading the data takes no large part of it.
const LONG: f64 = 0.5;

/// Seconds that a network takes to send a sample forward, from a few steps of training it: where they are quick, from how much
/// longer more of them take, for otherwise it would be the time in which the data are read.
fn timed(settings: &TrainSettings) -> Result<f64> {
    let facts = DataFacts::of(settings)?;
    let few = (8 * settings.batch(facts.samples.0)).min(facts.samples.0);
    let of = |epochs: usize| {
        let settings = timing(settings, epochs, few);
        let started = Instant::now();
        training::run(&settings, &mut |_| ())?;
        Ok(started.elapsed().as_secs_f64())
    };
    let once: f64 = of(1)?;
    let sent = 3 * few + 4 * (few + facts.samples.1);
    if once > LONG {
        return Ok(once / sent as f64);
    }
    let more = (of(1 + MORE)? - once) / (MORE * (4 * few + facts.samples.1)) as f64;
    // What is not longer is lost in the noise.
    Ok(if more > 0.0 { more } else { once / sent as f64 })
}

/// The settings of a timing of so many epochs on few samples.
fn timing(settings: &TrainSettings, epochs: usize, few: usize) -> TrainSettings {
    TrainSettings {
        epochs,
        samples: Some(few),
        warmup: 0.0,
        swa: None,
        snapshots: None,
        probe: None,
        probe_samples: None,
        target_loss: None,
        ..settings.clone()
    }
}
