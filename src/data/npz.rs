//! `.npz` archives: `train_x`, `train_y`, `test_x`, `test_y`, as `losscape data` writes them and `numpy.savez` may; or
//! `x` and `y` alone, of which a share is held out.
//!
//! Inputs have shape (samples, features) or (samples, channels, height, width); (samples, height, width) is one
//! channel. Whole numbers as targets are classes, from 0; other numbers are values, of shape (samples) or (samples,
//! values), where NaN is not observed. What `losscape data` wrote is standardised already: standardising it again
//! changes its last bits only. The path is kept as given.

use crate::base::npz::{Array, Npz, Values};
use crate::base::registry::Kind;
use crate::base::{Error, Result, Streams, files};
use crate::data::{Raw, Samples, Split, Targets, fits_in_memory, within};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Arrays in a numpy archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NpzFile {
    /// The archive.
    pub file: String,
    /// Share held out for testing where there are no test samples.
    pub test: f64,
}

impl Default for NpzFile {
    fn default() -> Self {
        Self { file: String::new(), test: 0.25 } // scikit-learn's train_test_split
    }
}

impl Kind for NpzFile {
    const NAME: &'static str = "npz";
    const SUMMARY: &'static str = "numpy arrays train_x, train_y, test_x, test_y, or x and y: npz:file=PATH (as `losscape data` writes)";

    fn check(&self) -> Result<()> {
        within("test", self.test, 0.0..=0.9)
    }
}

/// Most classes: labels beyond are not classes but numbers.
const MOST_CLASSES: i64 = 10_000;

impl NpzFile {
    /// The samples, those for testing last.
    pub fn load(&self, _: &Streams) -> Result<Raw> {
        if self.file.is_empty() {
            return Err(Error::expected("data set npz: file", "an archive, as npz:file=PATH", "none"));
        }
        let path = Path::new(&self.file);
        let at = files::named(path);
        let mut npz = Npz::read(path)?;
        let (mut part, split) = match npz.get("train_x").is_some() {
            true => (Part::take(&mut npz, &at, "train_x", "train_y")?, None),
            false => (Part::take(&mut npz, &at, "x", "y")?, Some(self.test)),
        };
        let split = match split {
            Some(share) => Split::share(part.count, share),
            None => {
                let test = Part::take(&mut npz, &at, "test_x", "test_y")?;
                let count = test.count;
                part.append(test, &at)?;
                Split::Last(count)
            }
        };
        let samples = match part.y {
            Targets::Classes(labels) => {
                fits_in_memory(&at, labels.len(), part.outputs)?;
                Samples::of_classes(part.x, labels)
            }
            Targets::Values(values) => Samples::of_values(part.x, values, part.count),
        };
        Ok(Raw { shape: part.shape, outputs: part.outputs, samples, split, own_scale: false })
    }
}

struct Part {
    shape: Vec<usize>,
    count: usize,
    x: Vec<f64>,
    y: Targets,
    outputs: usize,
}

impl Part {
    fn take(npz: &mut Npz, file: &str, x: &str, y: &str) -> Result<Self> {
        let mut array = |name: &str| {
            let there: Vec<String> = npz.iter().map(|(name, _)| files::brief(name)).take(8).collect();
            let missing = || {
                let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
                Error::expected(file, format!("an array `{name}`"), there)
            };
            npz.take(name).ok_or_else(missing)
        };
        let (x_array, y_array) = (array(x)?, array(y)?);
        let at = format!("{file}: {x}");
        let shape = match x_array.shape[..] {
            [n, features] if n > 0 && features > 0 => vec![features],
            [n, height, width] if n > 0 && height > 0 && width > 0 => vec![1, height, width],
            [n, channels, height, width] if n > 0 && channels > 0 && height > 0 && width > 0 => {
                vec![channels, height, width]
            }
            _ => {
                let expected =
                    "shape (samples, features) or (samples, channels, height, width), nothing empty";
                return Err(Error::expected(at, expected, format!("{:?}", x_array.shape)));
            }
        };
        let count = x_array.shape[0];
        fits_in_memory(&at, count, shape.iter().product())?;
        let x = x_array.into_f64();
        if let Some(i) = x.iter().position(|v| !v.is_finite()) {
            let sample = i / (x.len() / count);
            return Err(Error::expected(at, "finite numbers", format!("{} in sample {sample}", x[i])));
        }
        let (y, outputs) = targets(y_array, count, &format!("{file}: {y}"))?;
        Ok(Self { shape, count, x, y, outputs })
    }

    /// Puts the samples of another part behind these.
    fn append(&mut self, mut other: Self, file: &str) -> Result<()> {
        if other.shape != self.shape {
            let expected = format!("samples of shape {:?}, as in train_x", self.shape);
            return Err(Error::expected(format!("{file}: test_x"), expected, format!("{:?}", other.shape)));
        }
        fits_in_memory(file, self.count + other.count, self.shape.iter().product())?;
        let mismatch = |expected: &str, found: &str| {
            Err(Error::expected(format!("{file}: test_y"), format!("{expected}, as in train_y"), found))
        };
        match (&mut self.y, &mut other.y) {
            (Targets::Classes(labels), Targets::Classes(more)) => {
                labels.append(more);
                self.outputs = self.outputs.max(other.outputs);
            }
            (Targets::Values(values), Targets::Values(more)) if self.outputs == other.outputs => {
                values.append(more);
            }
            (Targets::Classes(_), _) => return mismatch("classes (whole numbers)", "values"),
            (Targets::Values(_), Targets::Classes(_)) => {
                return mismatch("values", "classes (whole numbers)");
            }
            (Targets::Values(_), Targets::Values(_)) => {
                let found = format!("{} a sample", other.outputs);
                return mismatch(&format!("{} values a sample", self.outputs), &found);
            }
        }
        self.x.append(&mut other.x);
        self.count += other.count;
        Ok(())
    }
}

/// Classes or values of `count` samples, and how many classes, or values a sample.
fn targets(array: Array, count: usize, at: &str) -> Result<(Targets, usize)> {
    let outputs = match array.shape[..] {
        [n] if n == count => 1,
        [n, outputs] if n == count && outputs > 0 => outputs,
        _ => {
            let expected = format!("targets of {count} samples");
            return Err(Error::expected(at, expected, format!("an array of shape {:?}", array.shape)));
        }
    };
    match array.values {
        Values::I64(labels) if outputs == 1 => {
            let class = |label: i64| u32::try_from(label).ok().filter(|_| label < MOST_CLASSES);
            let checked = labels.iter().map(|&label| {
                class(label).ok_or_else(|| {
                    Error::expected(at, format!("classes from 0 to {}", MOST_CLASSES - 1), label)
                })
            });
            let labels = checked.collect::<Result<Vec<u32>>>()?;
            let classes = labels.iter().max().map_or(0, |most| *most as usize + 1);
            Ok((Targets::Classes(labels), classes))
        }
        Values::I64(_) => {
            Err(Error::expected(at, "one class a sample (values are f8 or f4)", format!("{outputs}")))
        }
        _ => {
            let values = array.into_f64();
            match values.iter().find(|v| v.is_infinite()) {
                Some(found) => Err(Error::expected(at, "finite numbers, or NaN where not observed", found)),
                None => Ok((Targets::Values(values), outputs)),
            }
        }
    }
}
