//! The binary format of CIFAR-10 and CIFAR-100: records of label bytes and 3 x 32 x 32 pixels, a byte each, the red
//! channel first, rows from the top.
//!
//! A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009;
//! <https://www.cs.toronto.edu/~kriz/cifar.html>. Pixels 0 to 255 become 0 to 1.

use super::input::Input;
use super::{Raw, Samples, Split, fits_in_memory, reserve};
use crate::base::{Error, Result, files};
use std::path::{Path, PathBuf};

/// Numbers of an image.
const PIXELS: usize = 3 * 32 * 32;

/// What comes before the pixels of a record, and which of it is the label.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Label bytes of a record.
    pub labels: usize,
    /// Which of them counts.
    pub label: usize,
    /// How many classes it tells apart.
    pub classes: usize,
}

/// All images of the files, those of the test files last.
pub fn load(train: &[PathBuf], test: &[PathBuf], record: Record) -> Result<Raw> {
    let size = (record.labels + PIXELS) as u64;
    let mut counts = Vec::new();
    // All lengths first: a file that is cut off is found at once.
    for path in train.iter().chain(test) {
        let (_, length) = files::open_input(path)?;
        if length == 0 || length % size != 0 {
            let expected = format!("records of {size} bytes, one or more");
            return Err(Error::expected(files::named(path), expected, format!("{length} bytes")));
        }
        counts.push((length / size) as usize);
    }
    let count = counts.iter().sum();
    let at = train.first().map_or_else(String::new, |path| files::named(path));
    fits_in_memory(&at, count, PIXELS)?;
    let (mut x, mut y) = (Vec::new(), Vec::new());
    reserve(&mut x, count * PIXELS, &at)?;
    for (path, count) in train.iter().chain(test).zip(&counts) {
        read(path, *count, record, &mut x, &mut y)?;
    }
    let held_out = counts[train.len()..].iter().sum();
    let samples = Samples::of_classes(x, y);
    let split = Split::Last(held_out);
    Ok(Raw { shape: vec![3, 32, 32], outputs: record.classes, samples, split, ..Raw::default() })
}

fn read(path: &Path, count: usize, record: Record, x: &mut Vec<f64>, y: &mut Vec<u32>) -> Result<()> {
    let mut input = Input::open(path)?;
    let mut bytes = vec![0; record.labels + PIXELS];
    for i in 0..count {
        input.exact(&mut bytes, "the last pixel of a record")?;
        let label = bytes[record.label];
        if usize::from(label) >= record.classes {
            let expected = format!("labels from 0 to {}", record.classes - 1);
            return Err(Error::expected(input.at(), expected, format!("{label} in record {i}")));
        }
        y.push(u32::from(label));
        x.extend(bytes[record.labels..].iter().map(|&pixel| f64::from(pixel) / 255.0));
    }
    input.end()
}

/// `directory` as a path, if the setting `directory` of `kind` names one.
pub fn directory(kind: &str, directory: &str, holds: &str) -> Result<PathBuf> {
    let path = files::at_home(Path::new(directory));
    let expected = format!("a directory with {holds}");
    match directory {
        "" => {
            let expected = format!("{expected}, as {kind}:directory=PATH");
            Err(Error::expected(format!("data set {kind}: directory"), expected, "none"))
        }
        _ if !path.is_dir() => Err(Error::expected(files::named(&path), expected, "no such directory")),
        _ => Ok(path),
    }
}
