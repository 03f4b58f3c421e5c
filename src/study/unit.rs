//! One case with one seed: its networks are trained, its analyses run, every number of theirs kept.
//!
//! What comes of it lies in one file, named by a hash of all that decides it: settings, data, program. A case that is there
//! need not be computed again, whichever recipe it was computed for.

use super::pass::Pass;
use super::recipe::Recipe;
use super::written::CURVES;
use crate::analyses::{DataSettings, Run, Saved, TrainingResult, training};
use crate::base::log::difference;
use crate::base::{self, Error, Result, files, interrupt, record};
use crate::figure::Figure;
use crate::train::{Epoch, Status, TrainSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the files of finished cases lie, within the directory of a study.
pub const CASES: &str = "cases";

/// What came of a case with a seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// All that decides it.
    identity: Value,
    /// Every number of every analysis, by its path; null where it is none.
    pub scalars: BTreeMap<String, Option<f64>>,
    /// Curves of training, by their names.
    pub curves: BTreeMap<String, Vec<Option<f64>>>,
    /// The figures that the recipe draws of analyses.
    pub figures: BTreeMap<String, Figure>,
    /// Network and data in words.
    pub title: String,
}

/// A case with a seed, its settings read.
pub struct Unit<'a> {
    /// Which case.
    pub case: usize,
    /// Which of the seeds, from 0.
    pub seed: usize,
    recipe: &'a Recipe,
    /// What is trained: the case's network, and others where some analysis is of several.
    train: Vec<TrainSettings>,
    passes: Vec<(&'a str, Pass)>,
    identity: Value,
}

/// The data of settings: how many samples there are for training and testing, and their hash.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataFacts {
    /// Samples for training and testing.
    pub samples: (usize, usize),
    /// SHA-256 of all of them.
    pub sha256: String,
}

impl DataFacts {
    /// Loads the data once to know them.
    pub fn of(settings: &TrainSettings) -> Result<Self> {
        let (data, dataset) = DataSettings::load(settings)?;
        Ok(Self { samples: (dataset.train.len(), dataset.test.len()), sha256: data.sha256 })
    }
}

impl<'a> Unit<'a> {
    /// The unit of a case and a seed, on these data.
    pub fn new(recipe: &'a Recipe, case: usize, seed: usize, data: &DataFacts) -> Result<Self> {
        let combination = &recipe.cases[case];
        let mut passes = Vec::new();
        for (index, (name, _)) in recipe.passes.iter().enumerate() {
            passes.push((name.as_str(), recipe.pass(combination, index)?));
        }
        let most = passes.iter().map(|(_, pass)| pass.networks).max().unwrap_or(0);
        let count = if recipe.trains { most.max(1) } else { 0 };
        // Seeds that no other network of the case has, so that pairs share none.
        let train: Vec<TrainSettings> = (0..count)
            .map(|i| recipe.train(combination, (i * recipe.seeds + seed) as u64))
            .collect::<Result<_>>()?;
        let mut settings = Map::new();
        for (index, (name, pass)) in passes.iter().enumerate() {
            let kind = recipe.passes[index].1.name;
            settings.insert((*name).to_owned(), json!({"kind": kind, "settings": pass.settings()?}));
        }
        let identity = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "train": train.iter().map(|t| json!(t.resolved())).collect::<Vec<_>>(),
            "passes": settings,
            "seed": recipe.seed.wrapping_add(seed as u64),
            "data_sha256": data.sha256,
        });
        Ok(Self { case, seed, recipe, train, passes, identity })
    }

    /// Its file within the directory of a study.
    pub fn file(&self, directory: &Path) -> PathBuf {
        let hash = files::sha256(self.identity.to_string().as_bytes());
        directory.join(CASES).join(format!("{}.json", &hash[..16]))
    }

    /// What came of it, if it was computed before, with all that the recipe draws now.
    pub fn read(&self, directory: &Path) -> Result<Option<Measured>> {
        let path = self.file(directory);
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let at = files::named(&path);
        let bytes = files::read_regular(&path, files::LARGEST_JSON)?;
        // One that is not as it was written is computed again.
        let text = String::from_utf8(bytes).ok().and_then(|text| record::unsealed(&text));
        let Some(text) = text else { return Ok(None) };
        let found: Measured = base::json::parse(&at, &text)?;
        if let Some((asked, there)) = difference(&self.identity, &found.identity) {
            return Err(Error::expected(at, format!("a case with {asked}"), format!("one with {there}")));
        }
        let drawn = self.recipe.drawings.iter().filter(|d| !d.of.is_empty());
        let whole = drawn.into_iter().all(|d| found.figures.contains_key(&d.of));
        Ok(whole.then_some(found))
    }

    /// About how many samples it sends forward.
    pub fn forwards(&self, data: &DataFacts) -> f64 {
        let samples = (data.samples.0 as f64, data.samples.1 as f64);
        let training = |t: &TrainSettings| t.epochs as f64 * (4.0 * samples.0 + samples.1);
        let trained: f64 = self.train.iter().map(training).sum();
        let again = self.train.first().map_or(0.0, training);
        let pass = |pass: &Pass| pass.forwards(samples) + pass.trainings() as f64 * again;
        trained + self.passes.iter().map(|(_, p)| pass(p)).sum::<f64>()
    }

    /// Whether it wants the machine to itself.
    pub fn alone(&self) -> bool {
        self.passes.iter().any(|(_, pass)| pass.alone())
    }

    /// Keeps what came of it in its file.
    pub fn write(&self, directory: &Path, found: &Measured) -> Result<()> {
        let text = serde_json::to_string(found).map_err(|e| Error::machine("result", e))?;
        files::write_atomic(&self.file(directory), record::sealed(&text).as_bytes())
    }

    /// Computes it.
    pub fn compute(&self) -> Result<Measured> {
        let stop = || interrupt::check("run", "this case was not finished");
        let mut found = Measured { identity: self.identity.clone(), ..Measured::default() };
        let mut networks = Vec::new();
        for settings in &self.train {
            stop()?;
            let result = training::run(settings, &mut |_| ())?;
            stop()?;
            if networks.is_empty() {
                found.title = result.title();
                found.trained(&result)?;
            }
            let diverged = result.trained.status == Status::Diverged;
            networks.push((diverged, Run::of(result)?));
        }
        let diverged = networks.iter().any(|(diverged, _)| *diverged);
        let networks: Vec<Run> = networks.into_iter().map(|(_, run)| run).collect();
        for (name, pass) in &self.passes {
            stop()?;
            let count = pass.networks;
            // Nothing can be measured at a network that is not finite.
            if diverged && count > 0 && pass.looks_at_end() {
                continue;
            }
            let seed = self.recipe.seed.wrapping_add(self.seed as u64);
            let result = pass.run(seed, &networks[..count], &self.train[..count])?;
            // What was cut short by a signal is no result.
            stop()?;
            found.add(name, &result.json()?);
            self.keep_figures(name, &result.figures(), &mut found)?;
        }
        Ok(found)
    }

    /// Keeps the figures that the recipe draws of an analysis.
    fn keep_figures(&self, name: &str, figures: &[Figure], found: &mut Measured) -> Result<()> {
        for drawing in &self.recipe.drawings {
            let Some(wanted) = drawing.of.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) else {
                continue;
            };
            let Some(figure) = figures.iter().find(|f| f.name == wanted) else {
                let at = format!("figure {}: of", drawing.name);
                let names = figures.iter().map(|f| f.name.as_str());
                return Err(crate::base::registry::unknown(&at, wanted, names));
            };
            found.figures.insert(drawing.of.clone(), figure.clone());
        }
        Ok(())
    }
}

impl Measured {
    /// A scalar; NaN where it is no number, none where there is none.
    pub fn scalar(&self, path: &str) -> Option<f64> {
        self.scalars.get(path).map(|x| x.unwrap_or(f64::NAN))
    }

    /// A curve of training.
    pub fn curve(&self, name: &str) -> Vec<f64> {
        let curve = self.curves.get(name).map_or(&[][..], Vec::as_slice);
        curve.iter().map(|x| x.unwrap_or(f64::NAN)).collect()
    }

    /// SHA-256 of the data.
    pub fn data_sha256(&self) -> &Value {
        &self.identity["data_sha256"]
    }

    fn add(&mut self, name: &str, summary: &Value) {
        flatten(name, summary, &mut self.scalars);
    }

    fn trained(&mut self, result: &TrainingResult) -> Result<()> {
        self.add("train", &result.json()?);
        let diverged = result.trained.status == Status::Diverged;
        self.scalars.insert("train.diverged".to_owned(), Some(f64::from(u8::from(diverged))));
        let columns: [fn(&Epoch) -> f64; 8] = [
            |e| e.epoch as f64,
            |e| e.step as f64,
            |e| e.lr,
            |e| e.train_loss,
            |e| e.train_accuracy,
            |e| e.test_loss,
            |e| e.test_accuracy,
            |e| e.gradient_norm,
        ];
        for (name, of) in CURVES.into_iter().zip(columns) {
            let values = result.trained.epochs.iter().map(|e| Some(of(e)).filter(|x| x.is_finite()));
            self.curves.insert(name.to_owned(), values.collect());
        }
        Ok(())
    }
}

/// Lists longer than this are arrays, and no scalars.
const LONGEST: usize = 64;

/// Every number of a result by its path; true is 1, and null, which stands for a number that is none, is kept as such.
fn flatten(path: &str, value: &Value, into: &mut BTreeMap<String, Option<f64>>) {
    match value {
        Value::Object(members) => {
            // What was asked for is no measurement.
            let asked = ["settings", "data", "network"];
            for (key, value) in members.iter().filter(|(key, _)| !asked.contains(&key.as_str())) {
                flatten(&format!("{path}.{key}"), value, into);
            }
        }
        Value::Array(all) if all.len() <= LONGEST => {
            for (i, value) in all.iter().enumerate() {
                flatten(&format!("{path}.{i}"), value, into);
            }
        }
        Value::Number(x) => {
            into.insert(path.to_owned(), x.as_f64());
        }
        Value::Bool(x) => {
            into.insert(path.to_owned(), Some(f64::from(u8::from(*x))));
        }
        Value::Null => {
            into.insert(path.to_owned(), None);
        }
        Value::String(_) | Value::Array(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_their_paths() {
        let mut found = BTreeMap::new();
        let value =
            json!({"a": {"b": 1.5, "c": [2, null, "x"]}, "d": true, "settings": {"lr": 1}, "e": "word"});
        flatten("p", &value, &mut found);
        let expected = [("p.a.b", Some(1.5)), ("p.a.c.0", Some(2.0)), ("p.a.c.1", None), ("p.d", Some(1.0))];
        assert_eq!(found, expected.map(|(k, v)| (k.to_owned(), v)).into());
    }
}
