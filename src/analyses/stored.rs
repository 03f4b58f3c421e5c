//! A saved result as it is read back: the parts of `NAME.json` and `NAME.npz`, and refusals of arrays that do not belong to them.

use crate::base::npz::Npz;
use crate::base::{Error, Result, files, json};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;

/// The scalars of a result, and where they stand, for messages.
pub(super) fn summary<T: DeserializeOwned>(directory: &Path, name: &str) -> Result<(T, String)> {
    let path = directory.join(format!("{name}.json"));
    let at = files::named(&path);
    Ok((json::read(&path)?, at))
}

/// The settings among the scalars that stand there.
pub(super) fn settings<S: DeserializeOwned>(found: Option<&Value>, at: &str) -> Result<S> {
    let found = found.cloned().unwrap_or_default();
    serde_json::from_value(found).map_err(|e| Error::value(format!("{at}: settings"), &e.to_string()))
}

/// The arrays of a result.
#[derive(Debug, Default)]
pub struct Arrays {
    /// As they were read.
    pub npz: Npz,
    /// Where they stand, for messages.
    pub at: String,
}

impl Arrays {
    /// Those of a result.
    pub fn read(directory: &Path, name: &str) -> Result<Self> {
        let path = directory.join(format!("{name}.npz"));
        Ok(Self { npz: Npz::read(&path)?, at: files::named(&path) })
    }

    /// How many numbers an array has; none where it is not there.
    pub fn size(&self, name: &str) -> usize {
        self.npz.get(name).map_or(0, |a| a.to_f64().len())
    }

    /// Refuses an array of another size.
    pub fn sized(&self, name: &str, expected: usize) -> Result<()> {
        match self.size(name) {
            found if found == expected => Ok(()),
            found => {
                Err(Error::expected(format!("{}: {name}", self.at), format!("{expected} numbers"), found))
            }
        }
    }

    /// Refuses an array of another shape.
    pub fn shaped(&self, name: &str, shape: &[usize]) -> Result<()> {
        match self.npz.get(name) {
            Some(array) if array.shape == shape => Ok(()),
            _ => {
                let expected = format!("an array of shape {shape:?}");
                Err(Error::expected(format!("{}: {name}", self.at), expected, "another or none"))
            }
        }
    }
}
