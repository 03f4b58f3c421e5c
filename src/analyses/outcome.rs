//! What came of an analysis, as a struct of its own: the numbers are fields, arrays and weight files stand beside them, and
//! `NAME.json` and `NAME.npz` are written from it and read into it.

use super::stored::{self, Arrays};
use super::{Files, Saved, archive, document, to_json};
use crate::base::npz::Npz;
use crate::base::{Error, Result, shown};
use crate::figure::Figure;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::path::Path;

/// The numbers of an analysis: the fields of `NAME.json`.
pub trait Numbers: Serialize + DeserializeOwned {
    /// The stem of its files, which is the name of its command.
    const NAME: &'static str;
    /// Whether arrays stand beside them, in `NAME.npz`.
    const ARRAYS: bool = true;

    /// Refuses arrays that do not belong to these numbers.
    fn check(&self, _arrays: &Arrays) -> Result<()> {
        Ok(())
    }

    /// The figures to draw.
    fn figures(_outcome: &Outcome<Self>) -> Vec<Figure> {
        Vec::new()
    }
}

/// What came of an analysis.
#[derive(Clone, Debug)]
pub struct Outcome<N> {
    /// The numbers.
    pub numbers: N,
    /// The version of the program that they are of.
    version: String,
    arrays: Npz,
    /// Weights, by the names of their files; none of a result that was read to be drawn again.
    weights: Files,
}

impl<N: Numbers> Outcome<N> {
    pub(super) fn new(numbers: N, arrays: Npz, weights: Files) -> Self {
        Self { numbers, version: env!("CARGO_PKG_VERSION").to_owned(), arrays, weights }
    }

    /// An array by its name, row by row; empty if it is not there.
    pub fn array(&self, name: &str) -> Vec<f64> {
        self.arrays.get(name).map(|a| a.to_f64()).unwrap_or_default()
    }

    /// Names of the weight files.
    pub fn weight_files(&self) -> impl Iterator<Item = &str> {
        self.weights.iter().map(|(name, _)| name.as_str())
    }

    /// Reads a saved result, enough to draw it again.
    ///
    /// # Errors
    /// Where a file is not there, or is none of this analysis.
    pub fn load(directory: &Path) -> Result<Self> {
        let (mut saved, at): (Value, String) = stored::summary(directory, N::NAME)?;
        let version = saved["version"].take().as_str().unwrap_or_default().to_owned();
        let numbers: N = serde_json::from_value(saved).map_err(|e| Error::value(&at, &e.to_string()))?;
        let arrays = if N::ARRAYS { Arrays::read(directory, N::NAME)? } else { Arrays::default() };
        numbers.check(&arrays)?;
        Ok(Self { numbers, version, arrays: arrays.npz, weights: Files::new() })
    }

    /// Every number that is no part of another one, in lines for a terminal.
    pub(super) fn listed(&self) -> String {
        let all = to_json(&self.numbers).unwrap_or_default();
        let numbers = all.as_object().into_iter().flatten();
        let row = |(key, value): (&String, &Value)| {
            Some(vec![key.replace('_', " "), shown::number(value.as_f64()?, 4)])
        };
        shown::table(&numbers.filter_map(row).collect::<Vec<_>>())
    }
}

impl<N: Numbers> Saved for Outcome<N> {
    fn files(&self) -> Result<Files> {
        let mut all = self.weights.clone();
        if N::ARRAYS {
            all.push(archive(&format!("{}.npz", N::NAME), &self.arrays)?);
        }
        all.push((format!("{}.json", N::NAME), document(&self.json()?)));
        Ok(all)
    }

    fn json(&self) -> Result<Value> {
        let mut all = to_json(&self.numbers)?;
        all["command"] = N::NAME.into();
        all["version"] = self.version.as_str().into();
        Ok(all)
    }

    fn figures(&self) -> Vec<Figure> {
        N::figures(self)
    }
}
