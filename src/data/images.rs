//! Folders of images: `images:directory=PATH` with a folder of PNG or JPEG files for each class, in the order of their names (of
//! their numbers, where all are numbers), as torchvision's `ImageFolder` and Keras' `image_dataset_from_directory` read them.
//! Where there are folders `train` and `test` (or `val`) instead, classes lie in each.
//!
//! Images are brought to one size by `size` (a square), or `height` and `width`: `fit=crop` cuts what is too much of the longer
//! side off, the same on both sides, `fit=stretch` does not keep proportions; then every pixel is the mean of the area that it
//! covers. Without a size all must have one size already. Values are 0 to 1; transparency is ignored (noted), and so is the
//! orientation that a camera notes beside the pixels.

mod decode;

use super::{Raw, Samples, Split, fits_in_memory, reserve, within};
use crate::base::files::{self, brief};
use crate::base::{Error, Result, Streams, apart};
use decode::{Picture, decode};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

crate::kind! {
    /// Images in folders by class.
    Images = "images",
        "PNG and JPEG files in a folder a class: images:directory=PATH,size=32 (or train and test with such folders)", paths &["directory"];
    /// The directory of the classes' folders.
    directory: String = String::new(),
    /// Side of the square that images are brought to; 0 leaves them as they are.
    size: usize = 0,
    /// Height, if not that of the square.
    height: usize = 0,
    /// Width, if not that of the square.
    width: usize = 0,
    /// How images of other proportions are brought to the size.
    fit: Fit = Fit::Crop,
    /// Which colours are read.
    colors: Colors = Colors::Auto,
    /// Share held out for testing where no folder is for that; 0 for no test set, whatever there is.
    test: f64 = 0.25, // as for arrays and tables
}

impl Images {
    fn refuse(&self) -> Result<()> {
        within("test", self.test, 0.0..=0.9)?;
        for (setting, side) in [("size", self.size), ("height", self.height), ("width", self.width)] {
            within(setting, side, 0..=4096)?;
        }
        Ok(())
    }
}

/// How images of other proportions are brought to a size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// The middle of the longer side.
    #[default]
    Crop,
    /// All of it, in other proportions.
    Stretch,
}

/// Which colours are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colors {
    /// Three channels if any image has colours, else one.
    #[default]
    Auto,
    /// One channel: 0.299 red + 0.587 green + 0.114 blue.
    Gray,
    /// Three channels.
    Rgb,
}

/// Most classes.
const MOST_CLASSES: usize = 10_000;
/// Longest file of one image.
const LONGEST: u64 = 64 << 20;

impl Images {
    /// The samples, those for testing last.
    pub fn load(&self, _: &Streams) -> Result<Raw> {
        if self.directory.is_empty() {
            return Err(Error::expected(
                "data set images: directory",
                "a directory, as images:directory=PATH",
                "none",
            ));
        }
        if (self.height == 0) != (self.width == 0) {
            let expected = "height and width, or size for a square";
            return Err(Error::expected("data set images: height", expected, "one of the two"));
        }
        let root = &files::at_home(Path::new(&self.directory));
        let at = files::named(root);
        apart::input(root)?;
        let folders = folders(root)?;
        let named = |name: &str| folders.iter().find(|f| f.file_name().is_some_and(|n| n == name));
        let test = ["test", "val", "valid", "validation"].into_iter().find_map(named);
        let mut notes = Vec::new();
        let (classes, mut found, split) = match (named("train"), test) {
            (Some(train), test) => {
                let names = self::classes(&self::folders(train)?, &at)?;
                let mut found = images(train, &names, &mut notes)?;
                let split = match test.filter(|_| self.test > 0.0) {
                    None => Split::share(found.len(), self.test),
                    Some(test) => {
                        let more = images(test, &names, &mut notes)?;
                        let count = more.len();
                        found.extend(more);
                        Split::Last(count)
                    }
                };
                (names, found, split)
            }
            _ => {
                let names = self::classes(&folders, &at)?;
                let found = images(root, &names, &mut notes)?;
                let split = Split::share(found.len(), self.test);
                (names, found, split)
            }
        };
        if found.is_empty() {
            return Err(Error::expected(at, "PNG or JPEG files in the classes' folders", "none"));
        }
        let side = |own: usize| if own > 0 { own } else { self.size };
        let mut size = [side(self.height), side(self.width)];
        let (mut gray, mut transparent) = (self.colors == Colors::Gray, 0usize);
        if self.colors == Colors::Auto {
            gray = true;
        }
        // Decoded twice where colours are a guess: all must be seen before the first is laid out.
        let mut pictures: Vec<Picture> = Vec::new();
        let (mut x, mut labels) = (Vec::new(), Vec::new());
        for (path, class) in found.drain(..) {
            crate::base::interrupt::check(&at, "nothing was kept")?;
            let picture = read(&path)?;
            transparent += usize::from(picture.transparent);
            gray &= self.colors != Colors::Auto || picture.is_gray();
            gray &= self.colors != Colors::Rgb;
            if size == [0, 0] {
                size = [picture.height, picture.width];
            }
            let fits = [picture.height, picture.width] == size;
            if !fits && side(self.height) == 0 {
                let [height, width] = size;
                let expected = format!(
                    "an image of {height} x {width} pixels as the first, or size=N to bring all to one size"
                );
                let found = format!("{} x {}", picture.height, picture.width);
                return Err(Error::expected(files::named(&path), expected, found));
            }
            let picture = if fits { picture } else { picture.resized(size, self.fit == Fit::Crop) };
            fits_in_memory(&at, pictures.len() + 1, 3 * size[0] * size[1])?;
            pictures.push(picture);
            labels.push(class);
        }
        let channels = if gray { 1 } else { 3 };
        let features = channels * size[0] * size[1];
        reserve(&mut x, pictures.len() * features, &at)?;
        for picture in pictures {
            picture.lay_out(gray, &mut x);
        }
        if transparent > 0 {
            notes.push(format!("{at}: the transparency of {transparent} images is ignored"));
        }
        let samples = Samples::of_classes(x, labels);
        let shape = vec![channels, size[0], size[1]];
        Ok(Raw {
            shape,
            outputs: classes.len(),
            samples,
            split,
            notes,
            class_names: classes,
            ..Raw::default()
        })
    }
}

fn read(path: &Path) -> Result<Picture> {
    let bytes = files::read_regular(path, LONGEST)?;
    decode(&bytes).map_err(|(expected, found)| Error::expected(files::named(path), expected, found))
}

/// Entries of a directory that are not hidden, in the order of their names.
fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let broken = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => Error::expected(files::named(directory), "a directory", "none"),
        std::io::ErrorKind::NotADirectory => {
            Error::expected(files::named(directory), "a directory of folders by class", "a file")
        }
        _ => Error::machine(files::named(directory), e),
    };
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(broken)? {
        let path = entry.map_err(broken)?.path();
        if path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')) {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

fn folders(directory: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(directory)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// The classes' names, in order.
fn classes(folders: &[PathBuf], at: &str) -> Result<Vec<String>> {
    let name = |path: &PathBuf| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let mut names: Vec<String> = folders.iter().filter_map(name).collect();
    if !(1..=MOST_CLASSES).contains(&names.len()) {
        let expected = format!("1 to {MOST_CLASSES} folders, one a class");
        return Err(Error::expected(at, expected, names.len()));
    }
    if names.iter().all(|name| name.parse::<u64>().is_ok()) {
        names.sort_by_key(|name| name.parse::<u64>().unwrap_or_default());
    }
    Ok(names)
}

/// The images in the classes' folders, with their classes.
fn images(root: &Path, classes: &[String], notes: &mut Vec<String>) -> Result<Vec<(PathBuf, u32)>> {
    let mut all = Vec::new();
    let mut others = 0;
    for folder in folders(root)? {
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let Some(class) = classes.iter().position(|class| *class == name) else {
            let expected = format!("the classes of the training folder ({})", brief(&classes.join(", ")));
            return Err(Error::expected(files::named(root), expected, brief(&name)));
        };
        for path in entries(&folder)? {
            let known = path.extension().is_some_and(|end| {
                ["png", "jpg", "jpeg"].contains(&end.to_string_lossy().to_lowercase().as_str())
            });
            if known { all.push((path, class as u32)) } else { others += 1 }
        }
    }
    if others > 0 {
        let at = files::named(root);
        notes.push(format!("{at}: {others} files that are neither .png nor .jpg are left out"));
    }
    Ok(all)
}
