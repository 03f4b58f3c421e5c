//! The data of a run: what it remembers of them, and how they are found again.

use super::run::cut;
use crate::base::{Error, Result, files, notes};
use crate::data::{Arguments, Dataset, Preparation, Source};
use crate::train::TrainSettings;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a run was trained on; written into its weight file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DataSettings {
    /// Where the samples come from.
    pub data: Source,
    /// Seed of split and generation.
    pub data_seed: u64,
    /// Subset, label noise, standardising.
    #[serde(flatten)]
    pub preparation: Preparation,
    /// How many training samples were used; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
    /// Samples of a training batch, or of a worker's part of it, which share statistics where a norm uses several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<usize>,
    /// SHA-256 of the data set before `samples` cut it.
    pub sha256: String,
}

impl DataSettings {
    /// The data of a training run, and what to remember of them.
    pub fn load(settings: &TrainSettings) -> Result<(Self, Dataset)> {
        let dataset = Dataset::load(&settings.data, settings.data_seed, &settings.preparation)?;
        dataset.notes.iter().for_each(|note| notes::say(note));
        let sha256 = dataset.sha256();
        let dataset = cut(dataset, settings.samples, "--samples")?;
        let this = Self {
            data: settings.data.clone(),
            data_seed: settings.data_seed,
            preparation: settings.preparation.clone(),
            samples: settings.samples,
            batch_size: Some(settings.group(dataset.train.len())),
            sha256,
        };
        Ok((this, dataset))
    }
}

impl DataSettings {
    /// The samples that these settings stand for, and their hash.
    fn read(&self, source: &Source) -> Result<(Dataset, String)> {
        let dataset = Dataset::load(source, self.data_seed, &self.preparation)?;
        let sha256 = dataset.sha256();
        Ok((dataset, sha256))
    }

    /// The samples where they are remembered to be; else below the directory of the weights, or one above it: whole projects
    /// are moved, and analyses are started anywhere. The hash decides. What is remembered stays as it is. Also where they were found.
    pub(super) fn find(&self, weights: &Path, at: &str) -> Result<(Dataset, Source)> {
        let own = self.read(&self.data).map_err(|e| missing(at, e)).and_then(|(dataset, found)| {
            let expected = || format!("{} with SHA-256 {} (--data names it anew)", dataset.name, self.sha256);
            if found == self.sha256 {
                Ok((dataset, self.data.clone()))
            } else {
                Err(Error::expected(at, expected(), format!("another: {found}")))
            }
        });
        let refusal = match own {
            Err(refusal @ Error::Request { .. }) => refusal,
            other => return other,
        };
        let paths = self.data.paths();
        let directory =
            weights.parent().map(|parent| if parent == Path::new("") { Path::new(".") } else { parent });
        let directory = directory.and_then(|d| d.canonicalize().ok()).unwrap_or_default();
        if paths.iter().any(|path| Path::new(path).is_relative() && !path.starts_with('~')) {
            for base in directory.ancestors() {
                if !paths.iter().all(|path| base.join(path).exists()) {
                    continue;
                }
                let there = self.data.with_paths(&|path| base.join(path).to_string_lossy().into_owned())?;
                if let Ok((dataset, found)) = self.read(&there)
                    && found == self.sha256
                {
                    return Ok((dataset, there));
                }
            }
        }
        Err(refusal)
    }

    /// The samples of another source: the same ones, which are remembered as before, or, where that is allowed, others.
    pub(super) fn given(self, source: &Source, others: bool, weights: &Path) -> Result<(Self, Dataset)> {
        // An archive with a graph's arguments: which arrays they are is known.
        let source = &match (&self.data, source) {
            (Source::Arguments(own), Source::NpzFile(npz)) => {
                let Arguments { file, weights, test_weights, .. } = Arguments::of(npz)?;
                let mut own = Arguments { file, ..own.clone() };
                match weights.as_str() {
                    "" => {}
                    "none" => (own.weights, own.test_weights) = Default::default(),
                    _ => (own.weights, own.test_weights) = (weights, test_weights),
                }
                Source::Arguments(own)
            }
            _ => source.clone(),
        };
        let (mut dataset, found) = self.read(source)?;
        if found == self.sha256 {
            // Results are those of the data that the network was trained on, wherever they lie.
            dataset.name = self.data.title();
            return Ok((self, dataset));
        }
        if !others {
            let expected = format!(
                "the samples that {} was trained on, with SHA-256 {} (--other-data takes others)",
                files::named(weights),
                self.sha256
            );
            return Err(Error::expected("--data", expected, format!("others: {found}")));
        }
        Ok((Self { data: source.clone(), sha256: found, ..self }, dataset))
    }
}

/// Data that are given for a network instead of those that it remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DataGiven {
    /// Where the data of the given networks lie now; other samples than those that they were trained on are refused
    #[arg(long, value_name = "DATA")]
    pub data: Option<Source>,
    /// Take other samples with --data than the networks were trained on
    #[arg(long)]
    pub other_data: bool,
}

impl DataGiven {
    /// Refuses data without a network that they are for.
    pub fn check(&self, networks: usize, flag: &str) -> Result<()> {
        match (&self.data, self.other_data) {
            (Some(_), _) if networks == 0 => {
                Err(Error::expected("--data", format!("a network that is given with {flag}"), "none"))
            }
            (None, true) => Err(Error::expected("--other-data", "data with --data", "none")),
            _ => Ok(()),
        }
    }
}

/// Data that are no longer where they were: what to do about it.
fn missing(at: &str, error: Error) -> Error {
    match error {
        // They are there, and the result would go over them.
        Error::Request { ref at, .. } if at == "--out" => error,
        Error::Request { at: file, what } => {
            let hint = "paths of data are kept as they were given: start where they lead to the same files, or name them with --data";
            Error::request(format!("{at}: {file}"), format!("{what} ({hint})"))
        }
        other => other,
    }
}
