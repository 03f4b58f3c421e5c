//! CIFAR-10: 60,000 colour images of 32 x 32 pixels in 10 classes, in its binary version.
//!
//! The directory holds `data_batch_1.bin` and so on, as many as there are, and `test_batch.bin`; see
//! [`cifar`]. The path is kept as given.

use crate::base::registry::Kind;
use crate::base::{Error, Result, Streams, files};
use crate::data::Raw;
use crate::data::cifar::{self, Record};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// CIFAR-10 in its binary version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cifar10 {
    /// Directory with the batches.
    pub directory: String,
}

impl Kind for Cifar10 {
    const NAME: &'static str = "cifar10";
    const SUMMARY: &'static str =
        "CIFAR-10's binary version (data_batch_*.bin, test_batch.bin): cifar10:directory=PATH; 0 to 1";
}

impl Cifar10 {
    /// The images, those for testing last.
    pub fn load(&self, _: &Streams) -> Result<Raw> {
        let holds = "data_batch_1.bin, ..., and test_batch.bin";
        let directory = cifar::directory(Self::NAME, &self.directory, holds)?;
        let train = batches(directory)?;
        if train.is_empty() {
            let expected = format!("a directory with {holds}");
            return Err(Error::expected(files::named(directory), expected, "no batch"));
        }
        let record = Record { labels: 1, label: 0, classes: 10 };
        cifar::load(&train, &[directory.join("test_batch.bin")], record)
    }
}

/// The training batches by their numbers.
fn batches(directory: &Path) -> Result<Vec<PathBuf>> {
    let at = files::named(directory);
    let entries = std::fs::read_dir(directory).map_err(|e| Error::machine(&at, e))?;
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(|e| Error::machine(&at, e))?.file_name();
        let number = name.to_str().and_then(|n| n.strip_prefix("data_batch_")?.strip_suffix(".bin"));
        if let Some(number) = number.and_then(|n| n.parse::<u64>().ok()) {
            found.push((number, directory.join(&name)));
        }
    }
    // In the order of the directory they would differ from machine to machine.
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}
