//! CIFAR-10: 60,000 colour images of 32 x 32 pixels in 10 classes, in its binary version.
//!
//! The directory holds `data_batch_1.bin` and so on, as many as there are, and `test_batch.bin`; see
//! [`cifar`]. The path is kept as given.

use crate::base::registry::Kind;
use crate::base::{Error, Result, Streams, files};
use crate::data::Raw;
use crate::data::cifar::{self, Record};
use std::path::{Path, PathBuf};

crate::kind! {
    /// CIFAR-10 in its binary version.
    Cifar10 = "cifar10",
        "CIFAR-10's binary version (data_batch_*.bin, test_batch.bin): cifar10:directory=PATH; 0 to 1", paths &["directory"];
    /// Directory with the batches.
    directory: String,
    /// The numbers of the training batches to read; all that are there where none is given.
    batches: Vec<u64>,
}

impl Cifar10 {
    /// The images, those for testing last.
    pub fn load(&self, _: &Streams) -> Result<Raw> {
        let holds = "data_batch_1.bin, ..., and test_batch.bin";
        let directory = &cifar::directory(Self::NAME, &self.directory, holds)?;
        let there = batches(directory)?;
        if there.is_empty() {
            let expected = format!("a directory with {holds}");
            return Err(Error::expected(files::named(directory), expected, "no batch"));
        }
        let (train, note) = match self.batches.as_slice() {
            [] => (there.iter().map(|(_, path)| path.clone()).collect(), missing(directory, &there)),
            some => {
                // A batch that is not there is missed where it is read.
                let path = |n: &u64| directory.join(format!("data_batch_{n}.bin"));
                (some.iter().map(path).collect::<Vec<PathBuf>>(), None)
            }
        };
        let record = Record { labels: 1, label: 0, classes: 10 };
        let raw = cifar::load(&train, &[directory.join("test_batch.bin")], record)?;
        Ok(Raw { notes: note.into_iter().collect(), ..raw })
    }
}

/// The training batches that CIFAR-10 has.
const BATCHES: u64 = 5;

/// Which of them are not there.
fn missing(directory: &Path, there: &[(u64, PathBuf)]) -> Option<String> {
    let has = |n: u64| there.iter().any(|(m, _)| *m == n);
    let missing: Vec<String> =
        (1..=BATCHES).filter(|n| !has(*n)).map(|n| format!("data_batch_{n}.bin")).collect();
    let rest: Vec<String> = there.iter().map(|(n, _)| n.to_string()).collect();
    (!missing.is_empty()).then(|| {
        format!(
            "{}: {} of CIFAR-10's {BATCHES} training batches is missing; batches=[{}] asks for the others alone",
            files::named(directory),
            missing.join(", "),
            rest.join(",")
        )
    })
}

/// The training batches by their numbers.
fn batches(directory: &Path) -> Result<Vec<(u64, PathBuf)>> {
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
    Ok(found)
}
