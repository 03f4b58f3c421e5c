//! `.npz` archives: what `losscape data` writes, and what numpy, Keras and scikit-learn's users save.
//!
//! Arrays are found by their names: `train_x`, `train_y`, `test_x`, `test_y`; `x_train` and so on, as Keras has them; or one
//! pair (`x` and `y`, `X` and `y`, `data` and `target`), of which a share is held out where it has no `test_x` and `test_y` beside
//! it; other names are given as `x=`, `y=`, `test-x=`, `test-y=`. An array `sample_weight` (or the one that `weights=` names) says how much each sample counts.
//! Whatever else lies in the archive is not read.
//!
//! Inputs have shape (samples, features) or (samples, channels, height, width), or with the channels last; (samples,
//! height, width) is one channel. Bytes of images become 0 to 1, as in IDX files. Whole numbers as targets are classes, from 0
//! (`first=1`: from 1; -1 and +1 are two classes); other numbers are values, of shape (samples) or (samples, values), where
//! NaN is not observed; `task` says otherwise, and rows that are 1 at their class are classes too. Samples whose label is -100
//! (or `ignore=`) are left out. With `tokens=true` inputs are whole numbers that an embedding looks up. What `losscape data`
//! wrote is standardised already: standardising it again changes its last bits only. The path is kept as given.

mod names;
mod part;

pub(super) use self::names::{Names, weighed_by, weights};
use self::part::Part;

use crate::base::npz::{Archive, Array, Dtype, Header, Sort, Values};
use crate::base::registry::Kind;
use crate::base::{Error, Result, Streams, apart, files};
use crate::data::channels::{Channels, to_front};
use crate::data::{Raw, Samples, Split, Targets, fits_in_memory, weights_in, within};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{Read, Seek};
use std::path::Path;

/// Arrays in a numpy archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct NpzFile {
    /// The archive.
    pub file: String,
    /// The array of inputs; found by its name where none is given.
    pub x: String,
    /// The array of targets.
    pub y: String,
    /// The array of test inputs; without one, a share is held out.
    pub test_x: String,
    /// The array of test targets.
    pub test_y: String,
    /// Whether targets are classes or values.
    pub task: Task,
    /// The number of the first class.
    pub first: i64,
    /// Where images have their channels.
    pub channels: Channels,
    /// Features, by their numbers, that are left out.
    pub drop: Vec<usize>,
    /// Share held out for testing where there are no test samples; 0 for no test set, whatever there is.
    pub test: f64,
    /// The array of how much each sample counts; found as `sample_weight` where none is given, `none` for none.
    pub weights: String,
    /// The array of how much each test sample counts.
    pub test_weights: String,
    /// The label of samples that are left out.
    pub ignore: i64,
    /// Whether inputs are numbers of tokens, which an embedding looks up.
    pub tokens: bool,
}

impl Default for NpzFile {
    fn default() -> Self {
        let none = String::new;
        Self {
            file: none(),
            x: none(),
            y: none(),
            test_x: none(),
            test_y: none(),
            task: Task::Auto,
            first: 0,
            channels: Channels::Auto,
            drop: Vec::new(),
            test: 0.25, // scikit-learn's train_test_split
            weights: none(),
            test_weights: none(),
            ignore: -100, // PyTorch's ignore_index
            tokens: false,
        }
    }
}

/// What is predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Whole numbers are classes, others are values.
    #[default]
    Auto,
    /// One of a few classes.
    Classes,
    /// Numbers.
    Regression,
}

impl Kind for NpzFile {
    const ENDINGS: &'static [&'static str] = &[".npz"];
    const NAME: &'static str = "npz";
    const SUMMARY: &'static str = "numpy arrays train_x, train_y, test_x, test_y, or x and y, or as x= and y= name them: npz:file=PATH (as `losscape data` writes)";
    const PATHS: &'static [&'static str] = &["file"];
    const LATER: &'static [&'static str] = &["weights", "test-weights", "ignore", "tokens"];

    fn check(&self) -> Result<()> {
        within("test", self.test, 0.0..=0.9)?;
        within("first", self.first, -1_000_000..=1_000_000)
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
        let path = &files::at_home(Path::new(&self.file));
        let at = files::named(path);
        apart::input(path)?;
        let mut npz = Archive::open(path)?;
        let (train, test) = self.names(&at, npz.names())?;
        self.read(&at, &mut npz, &train, test)
    }

    /// The samples of arrays with these names, those for testing last.
    pub(super) fn read(
        &self,
        at: &str,
        arrays: &mut dyn Arrays,
        train: &Names,
        test: Option<Names>,
    ) -> Result<Raw> {
        let mut notes = Vec::new();
        let mut part = self.part(arrays, train, &mut notes)?;
        let split = match test.filter(|_| self.test > 0.0) {
            None => Split::share(part.count, self.test),
            Some(test) => {
                let test = self.part(arrays, &test, &mut notes)?;
                let count = test.count;
                part.append(test, at)?;
                if self.test != Self::default().test {
                    let expected = "0 for no test samples, or none where they are among the arrays";
                    return Err(Error::expected(format!("{at}: test"), expected, self.test));
                }
                Split::Last(count)
            }
        };
        if self.weights.is_empty()
            && let Some(name) = &train.weights
        {
            notes.push(weighed_by(name));
        }
        notes.extend(part.doubts(self));
        // Training and test arrays say the same.
        let mut said = BTreeSet::new();
        notes.retain(|note| said.insert(note.clone()));
        let notes = notes.into_iter().map(|note| format!("{at}: {note}")).collect();
        let mut samples = match part.y {
            Targets::Classes(labels) => {
                fits_in_memory(at, labels.len(), part.outputs)?;
                Samples::of_classes(part.x, labels)
            }
            Targets::Values(values) => Samples::of_values(part.x, values, part.count),
        };
        samples.weights = part.weights;
        let own_scale = self.tokens;
        Ok(Raw {
            shape: part.shape,
            outputs: part.outputs,
            samples,
            split,
            notes,
            own_scale,
            ..Raw::default()
        })
    }

    /// Reads one pair of arrays.
    fn part(
        &self,
        npz: &mut dyn Arrays,
        Names { x, y, weights }: &Names,
        notes: &mut Vec<String>,
    ) -> Result<Part> {
        let at = npz.place(x);
        let Some(header) = npz.header(x)? else {
            return Err(npz.array(x).err().unwrap_or_else(|| Error::expected(&at, "an array", "none")));
        };
        let empty = |shape: &[usize]| shape.contains(&0);
        let (mut shape, mut last) = (Vec::new(), false);
        if self.channels != Channels::Auto && header.shape.len() != 4 {
            let expected = "none for inputs that are no images of three axes";
            let found = format!("{} axes", header.shape.len());
            return Err(Error::expected(format!("{at}: channels"), expected, found));
        }
        match header.shape[..] {
            _ if empty(&header.shape) => {}
            [_, features] => shape = vec![features],
            [_, height, width] => shape = vec![1, height, width],
            [_, a, b, c] => {
                let (found, is_last, note) = self.channels.of([a, b, c]);
                (shape, last) = (found.to_vec(), is_last);
                notes.extend(note);
            }
            _ => {}
        }
        let &[count, ..] = header.shape.as_slice() else { return Err(no_samples(&at, &header.shape)) };
        if shape.is_empty() {
            return Err(no_samples(&at, &header.shape));
        }
        fits_in_memory(&at, count, shape.iter().product())?;
        let (dtype, array) = npz.array(x)?;
        let mut x = array.into_f64();
        if let Some(i) = x.iter().position(|v| !v.is_finite()) {
            let sample = i / (x.len() / count);
            return Err(Error::expected(at, "finite numbers", format!("{} in sample {sample}", x[i])));
        }
        if self.tokens {
            let whole = |v: &f64| v.fract() == 0.0 && *v >= 0.0;
            if let Some(found) = x.iter().find(|v| !whole(v)) {
                return Err(Error::expected(at, "numbers of tokens, whole and at least 0", found));
            }
        } else if shape.len() == 3 && dtype.size == 1 && dtype.sort == Sort::Unsigned {
            x.iter_mut().for_each(|v| *v /= 255.0);
        }
        if let ([channels, height, width], true) = (&shape[..], last) {
            to_front(&mut x, [*channels, *height, *width]);
        }
        if !self.drop.is_empty() {
            x = self.without_dropped(&at, &x, &mut shape)?;
        }
        let at = npz.place(y);
        let bytes = npz.header(y)?.map_or(0, |header| header.shape.iter().product());
        fits_in_memory(&at, bytes, 1)?;
        let (y, outputs, left_out) = self.targets(npz.array(y)?.1, count, &at, notes)?;
        let weights = match weights {
            None => Vec::new(),
            Some(name) => weights_of(npz.array(name)?.1, count, &npz.place(name))?,
        };
        let mut part = Part { shape, count, x, y, outputs, weights };
        if !left_out.is_empty() {
            let all = count;
            part.leave_out(&left_out);
            if part.count == 0 {
                let expected = format!("samples whose label is not {} (ignore)", self.ignore);
                return Err(Error::expected(at, expected, "none"));
            }
            notes.push(format!(
                "{} of {all} samples have the label {} and are left out (ignore)",
                left_out.len(),
                self.ignore
            ));
        }
        Ok(part)
    }

    fn without_dropped(&self, at: &str, x: &[f64], shape: &mut Vec<usize>) -> Result<Vec<f64>> {
        let [features] = shape[..] else {
            return Err(Error::expected(at, "features to drop, not images", format!("{shape:?}")));
        };
        if let Some(beyond) = self.drop.iter().find(|column| **column >= features) {
            return Err(Error::expected(format!("{at}: drop"), format!("0 to {}", features - 1), beyond));
        }
        let kept: Vec<usize> = (0..features).filter(|column| !self.drop.contains(column)).collect();
        if kept.is_empty() {
            return Err(Error::expected(
                format!("{at}: drop"),
                "columns that leave a feature",
                "all of them",
            ));
        }
        *shape = vec![kept.len()];
        Ok(x.chunks_exact(features).flat_map(|row| kept.iter().map(|column| row[*column])).collect())
    }

    /// Classes or values of `count` samples, how many classes, or values a sample, and which samples are left out: class 0
    /// stands for their own.
    fn targets(
        &self,
        array: Array,
        count: usize,
        at: &str,
        notes: &mut Vec<String>,
    ) -> Result<(Targets, usize, Vec<usize>)> {
        let outputs = match array.shape[..] {
            [n] if n == count => 1,
            [n, outputs] if n == count && outputs > 0 => outputs,
            _ => {
                let expected = format!("targets of {count} samples");
                return Err(Error::expected(at, expected, format!("an array of shape {:?}", array.shape)));
            }
        };
        let whole = matches!(array.values, Values::I64(_));
        match self.task {
            Task::Auto if whole && outputs > 1 => {
                let expected = "one class a sample (task=regression: values; task=classes: rows with a 1 at their class)";
                return Err(Error::expected(at, expected, format!("{outputs}")));
            }
            Task::Classes if outputs > 1 => {
                let (classes, outputs) = one_hot(&array.into_f64(), outputs, at)?;
                return Ok((classes, outputs, Vec::new()));
            }
            Task::Regression | Task::Auto if !whole || self.task == Task::Regression => {
                let values = array.into_f64();
                if let Some(found) = values.iter().find(|v| v.is_infinite()) {
                    return Err(Error::expected(at, "finite numbers, or NaN where not observed", found));
                }
                let usual = Self::default();
                let idle = [("first", self.first, usual.first), ("ignore", self.ignore, usual.ignore)];
                if let Some((setting, given, _)) = idle.into_iter().find(|(_, given, usual)| given != usual) {
                    let expected = "none for targets that are values, not classes (see `task`)";
                    return Err(Error::expected(format!("{at}: {setting}"), expected, given));
                }
                if self.task == Task::Auto {
                    notes.extend(like_classes(&values, outputs));
                }
                return Ok((Targets::Values(values), outputs, Vec::new()));
            }
            _ => {}
        }
        let mut labels = match array.values {
            Values::I64(labels) => labels,
            _ => {
                let whole = |(i, v): (usize, f64)| {
                    if v.fract() == 0.0 && v.abs() < 1e9 {
                        Ok(v as i64)
                    } else {
                        let found = format!("{v} for sample {i}");
                        Err(Error::expected(at, "classes, whole numbers (see `task`)", found))
                    }
                };
                array.into_f64().into_iter().enumerate().map(whole).collect::<Result<Vec<i64>>>()?
            }
        };
        let left_out: Vec<usize> =
            (0..labels.len()).filter(|i| labels[*i] == self.ignore && outputs == 1).collect();
        // Some label that is there, so that the others decide what labels mean.
        let other = labels.iter().copied().find(|label| *label != self.ignore).unwrap_or(self.first);
        left_out.iter().for_each(|i| labels[*i] = other);
        let two =
            self.first == 0 && labels.contains(&-1) && labels.iter().all(|label| matches!(label, -1 | 1));
        if two {
            notes.push("labels -1 and +1 are taken as classes 0 and 1".to_owned());
        }
        let classes = labels.iter().enumerate().map(|(i, &label)| {
            let class = if two { (label + 1) / 2 } else { label.saturating_sub(self.first) };
            u32::try_from(class).ok().filter(|_| class < MOST_CLASSES).ok_or_else(|| {
                let (least, most) = (self.first, self.first + MOST_CLASSES - 1);
                Error::expected(
                    at,
                    format!("classes from {least} to {most}"),
                    format!("{label} for sample {i}"),
                )
            })
        });
        let labels = classes.collect::<Result<Vec<u32>>>()?;
        let classes = labels.iter().max().map_or(0, |most| *most as usize + 1);
        Ok((Targets::Classes(labels), classes, left_out))
    }
}

fn no_samples(at: &str, found: &[usize]) -> Error {
    let expected = "shape (samples, features) or (samples, channels, height, width), nothing empty";
    Error::expected(at, expected, format!("{found:?}"))
}

/// Classes of rows that are 1 at their class and 0 elsewhere.
fn one_hot(rows: &[f64], outputs: usize, at: &str) -> Result<(Targets, usize)> {
    let class = |row: &[f64]| {
        let one = row.iter().position(|v| *v == 1.0);
        one.filter(|one| row.iter().enumerate().all(|(i, v)| i == *one || *v == 0.0))
    };
    let labels = rows.chunks_exact(outputs).enumerate().map(|(i, row)| {
        let expected = "rows with one 1 and zeros, or one class a sample";
        let label =
            class(row).ok_or_else(|| Error::expected(at, expected, format!("another row for sample {i}")))?;
        Ok(label as u32)
    });
    Ok((Targets::Classes(labels.collect::<Result<_>>()?), outputs))
}

/// What to say of values that look like classes.
fn like_classes(values: &[f64], outputs: usize) -> Option<String> {
    let whole = values.iter().all(|v| v.fract() == 0.0 && v.abs() < 1e6);
    if !whole {
        return None;
    }
    let distinct: BTreeSet<i64> = values.iter().map(|v| *v as i64).collect();
    let rows = outputs > 1 && one_hot(values, outputs, "").is_ok();
    let few =
        outputs == 1 && distinct.len() > 1 && distinct.len() <= 100 && 3 * distinct.len() <= values.len();
    match (rows, few) {
        (true, _) => Some(format!(
            "rows with a 1 at one of {outputs} places are predicted as values; task=classes takes them as classes"
        )),
        (_, true) => Some(format!(
            "{} whole numbers of a floating type are predicted as values; task=classes takes them as classes",
            distinct.len()
        )),
        _ => None,
    }
}

/// Arrays by name, wherever they lie.
pub(super) trait Arrays {
    /// Where an array stands, for messages.
    fn place(&self, name: &str) -> String;
    /// The header of the array called `name`; none where there is none.
    fn header(&mut self, name: &str) -> Result<Option<Header>>;
    /// The array called `name`, and the type that its numbers have in the file.
    fn array(&mut self, name: &str) -> Result<(Dtype, Array)>;
}

impl<R: Read + Seek> Arrays for Archive<R> {
    fn place(&self, name: &str) -> String {
        Archive::place(self, name)
    }

    fn header(&mut self, name: &str) -> Result<Option<Header>> {
        Archive::header(self, name)
    }

    fn array(&mut self, name: &str) -> Result<(Dtype, Array)> {
        Archive::array(self, name)
    }
}

/// How much each of `count` samples counts.
pub(super) fn weights_of(array: Array, count: usize, at: &str) -> Result<Vec<f64>> {
    if !matches!(array.shape[..], [n] | [n, 1] if n == count) {
        let expected = format!("a weight for each of {count} samples");
        return Err(Error::expected(at, expected, format!("an array of shape {:?}", array.shape)));
    }
    let weights = array.into_f64();
    weights_in(&weights).map_err(|(expected, found)| Error::expected(at, expected, found))?;
    Ok(weights)
}
