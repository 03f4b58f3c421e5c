//! IDX files, the format of MNIST and its kin (Fashion-MNIST, KMNIST, EMNIST), plain or gzip.
//!
//! Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits". A file is two zero bytes, the type of
//! its numbers, how many axes it has, the length along each (4 bytes), and the numbers, row-major; everything
//! big-endian. Images have 2 to 4 axes (samples, then features, or height and width, or channels before them), labels
//! have one. Bytes 0 to 255 become 0 to 1; numbers of other types stay as they are.
//!
//! `directory` holds the four files under their usual names (`train-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`, ...,
//! with or without `.gz`); other names go into `images`, `labels`, `test-images` and `test-labels`. Paths are kept as
//! given.

use crate::base::registry::Kind;
use crate::base::{Error, Result, Streams, files};
use crate::data::channels::{Channels, to_front};
use crate::data::input::Input;
use crate::data::{Raw, Samples, Split, doubts, fits_in_memory, reserve, within};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Images and labels in IDX files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Idx {
    /// Directory with the four files under their usual names.
    pub directory: String,
    /// Training images, instead of those in the directory.
    pub images: String,
    /// Training labels.
    pub labels: String,
    /// Test images; without them, part of the training images is held out.
    pub test_images: String,
    /// Test labels.
    pub test_labels: String,
    /// Share held out for testing where there are no test images; 0 for no test set, whatever there is.
    pub test: f64,
    /// Number of classes.
    pub classes: usize,
    /// The number of the first class.
    pub first: usize,
    /// Where images with 4 axes have their channels.
    pub channels: Channels,
}

impl Default for Idx {
    fn default() -> Self {
        let none = String::new;
        Self {
            directory: none(),
            images: none(),
            labels: none(),
            test_images: none(),
            test_labels: none(),
            test: 0.25,  // scikit-learn's train_test_split
            classes: 10, // MNIST, Fashion-MNIST, KMNIST
            first: 0,    // 1 in the letters of EMNIST
            channels: Channels::Auto,
        }
    }
}

impl Kind for Idx {
    const NAME: &'static str = "idx";
    const SUMMARY: &'static str =
        "images and labels in MNIST's format, plain or gzip: idx:directory=PATH; bytes become 0 to 1";
    const PATHS: &'static [&'static str] = &["directory", "images", "labels", "test-images", "test-labels"];

    fn check(&self) -> Result<()> {
        within("test", self.test, 0.0..=0.9)?;
        within("classes", self.classes, 1..=10_000)?;
        within("first", self.first, 0..=1_000_000)
    }
}

impl Idx {
    /// The images, those for testing last.
    pub fn load(&self, _: &Streams) -> Result<Raw> {
        let train = Part::open(self.paths()?, self)?;
        let paths = if self.test > 0.0 { self.test_paths()? } else { None };
        let test = paths.map(|paths| Part::open(paths, self)).transpose()?;
        let count = train.count + test.as_ref().map_or(0, |t| t.count);
        let features = train.shape.iter().product();
        if let Some(test) = test.as_ref().filter(|test| test.shape != train.shape) {
            let expected = format!("samples of shape {:?}, as for training", train.shape);
            return Err(Error::expected(test.images.input.at(), expected, format!("{:?}", test.shape)));
        }
        fits_in_memory(train.images.input.at(), count, features)?;
        let mut x = Vec::new();
        reserve(&mut x, count * features, train.images.input.at())?;
        let (mut labels, shape, guess) = (Vec::new(), train.shape.clone(), train.guess.clone());
        let (last, at) = (train.last, train.images.input.at().to_owned());
        let labels_at = train.labels.input.at().to_owned();
        let held_out = test.as_ref().map(|t| t.count);
        for part in [Some(train), test].into_iter().flatten() {
            part.read(self, &mut x, &mut labels)?;
        }
        if let ([channels, height, width], true) = (&shape[..], last) {
            to_front(&mut x, [*channels, *height, *width]);
        }
        let empty = doubts::empty_classes(&labels, self.classes, "first");
        let empty = empty.map(|note| format!("{labels_at}: {note} (see `classes`)"));
        let notes = guess.map(|note| format!("{at}: {note}")).into_iter().chain(empty).collect();
        let split = held_out.map_or_else(|| Split::share(count, self.test), Split::Last);
        let samples = Samples::of_classes(x, labels);
        Ok(Raw { shape, outputs: self.classes, samples, split, notes, ..Raw::default() })
    }

    /// Training images and labels.
    fn paths(&self) -> Result<(PathBuf, PathBuf)> {
        match (self.images.as_str(), self.labels.as_str(), self.directory.as_str()) {
            ("", "", "") => Err(Error::expected(
                "data set idx: directory",
                "a directory with train-images-idx3-ubyte and so on, as idx:directory=PATH",
                "none",
            )),
            ("", "", directory) => usual(Path::new(directory), "train"),
            ("", _, _) => Err(Error::expected("data set idx: images", "a file beside `labels`", "none")),
            (_, "", _) => Err(Error::expected("data set idx: labels", "a file beside `images`", "none")),
            (images, labels, _) => Ok((images.into(), labels.into())),
        }
    }

    /// Test images and labels, where there are any.
    fn test_paths(&self) -> Result<Option<(PathBuf, PathBuf)>> {
        match (self.test_images.as_str(), self.test_labels.as_str(), self.directory.as_str()) {
            ("", "", directory) if !directory.is_empty() && self.images.is_empty() => {
                usual(Path::new(directory), "t10k").map(Some)
            }
            ("", "", _) => Ok(None),
            ("", _, _) => {
                Err(Error::expected("data set idx: test-images", "a file beside `test-labels`", "none"))
            }
            (_, "", _) => {
                Err(Error::expected("data set idx: test-labels", "a file beside `test-images`", "none"))
            }
            (images, labels, _) => Ok(Some((images.into(), labels.into()))),
        }
    }
}

/// The two files of a part under their usual names; a dot before `idx` is usual too, where archives were unpacked.
fn usual(directory: &Path, part: &str) -> Result<(PathBuf, PathBuf)> {
    let directory = &files::at_home(directory);
    let find = |what: &str, axes: usize| {
        let name = |dash: &str, end: &str| format!("{part}-{what}{dash}idx{axes}-ubyte{end}");
        let names = [name("-", ""), name("-", ".gz"), name(".", ""), name(".", ".gz")];
        let there = |path: &PathBuf| std::fs::symlink_metadata(path).is_ok();
        names.iter().map(|name| directory.join(name)).find(there).ok_or_else(|| {
            let found = if directory.is_dir() { "none there" } else { "no such directory" };
            let expected = format!("a directory with {} or {}", names[0], names[1]);
            Error::expected(files::named(directory), expected, found)
        })
    };
    Ok((find("images", 3)?, find("labels", 1)?))
}

/// One open file, its header read.
struct Open {
    input: Input,
    element: Element,
    sizes: Vec<usize>,
}

impl Open {
    fn header(path: &Path) -> Result<Self> {
        let mut input = Input::open(path)?;
        let mut magic = [0; 4];
        input.exact(&mut magic, "the magic number")?;
        let at = input.at().to_owned();
        let [0, 0, element, axes @ 1..=4] = magic else {
            let found = magic.map(|byte| format!("{byte:02x}")).join(" ");
            let expected = "an IDX file: bytes 00 00, a type, 01 to 04 axes";
            return Err(Error::expected(at, expected, found));
        };
        let element = Element::of(element).ok_or_else(|| {
            let found = format!("{element:02x}");
            Error::expected(&at, "an IDX type (08, 09, 0b, 0c, 0d or 0e)", found)
        })?;
        let mut sizes = Vec::new();
        for axis in 0..axes {
            let mut size = [0; 4];
            input.exact(&mut size, "the sizes")?;
            let size = u32::from_be_bytes(size) as usize;
            if size == 0 {
                let what = if axis == 0 { "samples" } else { "a size above 0 along each axis" };
                return Err(Error::expected(at, what, format!("0 along axis {axis}")));
            }
            sizes.push(size);
        }
        let count = sizes.iter().try_fold(element.size(), |n, size| n.checked_mul(*size));
        let Some(bytes) = count else {
            let found = format!("sizes {sizes:?}");
            return Err(Error::expected(at, "fewer than 2^64 numbers", found));
        };
        input.holds(bytes as u64)?;
        Ok(Self { input, element, sizes })
    }
}

/// Images and their labels, headers read and found to fit together.
struct Part {
    images: Open,
    labels: Open,
    count: usize,
    shape: Vec<usize>,
    /// Whether the channels come last, and what to say where that is a guess.
    last: bool,
    guess: Option<String>,
}

impl Part {
    fn open((images, labels): (PathBuf, PathBuf), settings: &Idx) -> Result<Self> {
        let (images, labels) = (Open::header(&images)?, Open::header(&labels)?);
        let (mut last, mut guess) = (false, None);
        let shape = match images.sizes[1..] {
            [features] => vec![features],
            [height, width] => vec![1, height, width],
            [a, b, c] => {
                let found = settings.channels.of([a, b, c]);
                (last, guess) = (found.1, found.2);
                found.0.to_vec()
            }
            _ => {
                let found = "1 axis, as labels have";
                return Err(Error::expected(images.input.at(), "images, with 2 to 4 axes", found));
            }
        };
        let &[n] = labels.sizes.as_slice() else {
            let found = format!("{}, as images have", labels.sizes.len());
            return Err(Error::expected(labels.input.at(), "labels, with 1 axis", found));
        };
        if matches!(labels.element, Element::F32 | Element::F64) {
            return Err(Error::expected(labels.input.at(), "labels that are whole numbers", "another type"));
        }
        let count = images.sizes[0];
        if n != count {
            return Err(Error::expected(labels.input.at(), format!("{count} labels, one an image"), n));
        }
        let at = images.input.at();
        // Targets have a number a class.
        fits_in_memory(
            at,
            count,
            shape.iter().try_fold(1usize, |n, s| n.checked_mul(*s)).unwrap_or(usize::MAX),
        )?;
        fits_in_memory(at, count, settings.classes)?;
        Ok(Self { images, labels, count, shape, last, guess })
    }

    fn read(mut self, settings: &Idx, x: &mut Vec<f64>, y: &mut Vec<u32>) -> Result<()> {
        let mut count = 0;
        let at = self.labels.input.at().to_owned();
        self.labels.numbers("the labels", |value| {
            let first = settings.first as f64;
            let class = (value - first) as u32;
            if f64::from(class) != value - first || class as usize >= settings.classes {
                let most = settings.first + settings.classes - 1;
                let expected = format!("labels from {first} to {most} (see `classes`)");
                return Err(Error::expected(&at, expected, format!("{value} for sample {count}")));
            }
            count += 1;
            y.push(class);
            Ok(())
        })?;
        let scale = if matches!(self.images.element, Element::U8) { 255.0 } else { 1.0 };
        let at = self.images.input.at().to_owned();
        self.images.numbers("the pixels", |value| {
            if value.is_finite() {
                x.push(value / scale);
                Ok(())
            } else {
                Err(Error::expected(&at, "finite numbers", value))
            }
        })
    }
}

impl Open {
    /// Hands every number to `take`, and finds the end of the file behind the last.
    fn numbers(&mut self, what: &str, mut take: impl FnMut(f64) -> Result<()>) -> Result<()> {
        // A multiple of the size of every type.
        const PIECE: usize = 1 << 16;
        let mut left = self.sizes.iter().product::<usize>() * self.element.size();
        let mut bytes = vec![0; PIECE.min(left)];
        while left > 0 {
            let piece = &mut bytes[..PIECE.min(left)];
            self.input.exact(piece, what)?;
            left -= piece.len();
            for number in piece.chunks_exact(self.element.size()) {
                take(self.element.read(number))?;
            }
        }
        self.input.end()
    }
}

/// Types of numbers, by their code.
#[derive(Clone, Copy)]
enum Element {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

impl Element {
    fn of(code: u8) -> Option<Self> {
        Some(match code {
            0x08 => Self::U8,
            0x09 => Self::I8,
            0x0b => Self::I16,
            0x0c => Self::I32,
            0x0d => Self::F32,
            0x0e => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of one number.
    fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The number in `bytes`, as many as its size.
    fn read(self, bytes: &[u8]) -> f64 {
        let [a, b, c, d, e, f, g, h] = std::array::from_fn(|i| bytes.get(i).copied().unwrap_or(0));
        match self {
            Self::U8 => f64::from(a),
            Self::I8 => f64::from(a as i8),
            Self::I16 => f64::from(i16::from_be_bytes([a, b])),
            Self::I32 => f64::from(i32::from_be_bytes([a, b, c, d])),
            Self::F32 => f64::from(f32::from_be_bytes([a, b, c, d])),
            Self::F64 => f64::from_be_bytes([a, b, c, d, e, f, g, h]),
        }
    }
}
