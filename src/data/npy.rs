//! Arrays of numpy in files of their own, one a file, as `numpy.save` writes them: `npy:x=x.npy,y=y.npy`, with test samples in
//! `test-x=` and `test-y=`, and weights in `weights=` and `test-weights=`. What the arrays mean is said as for
//! [archives](super::npz).

use super::npz::{Arrays, Names, NpzFile, Task};
use super::{Raw, channels::Channels, within};
use crate::base::npz::{Array, Dtype, Header};
use crate::base::{Error, Result, Streams, apart, files};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

crate::kind! {
    /// Arrays of numpy in files of their own.
    Npy = "npy",
        "numpy arrays in files of their own: npy:x=PATH,y=PATH, and test-x=, test-y=, weights=; else as npz", paths &["x", "y", "test-x", "test-y", "weights", "test-weights"];
    /// The file of inputs.
    x: String = String::new(),
    /// The file of targets.
    y: String = String::new(),
    /// The file of test inputs; without one, a share is held out.
    test_x: String = String::new(),
    /// The file of test targets.
    test_y: String = String::new(),
    /// The file of how much each sample counts.
    weights: String = String::new(),
    /// The file of how much each test sample counts.
    test_weights: String = String::new(),
    /// Whether targets are classes or values.
    task: Task = Task::Auto,
    /// The number of the first class.
    first: i64,
    /// Where images have their channels.
    channels: Channels = Channels::Auto,
    /// Features, by their numbers, that are left out.
    drop: Vec<usize>,
    /// The label of samples that are left out.
    ignore: i64 = -100, // PyTorch's ignore_index
    /// Whether inputs are numbers of tokens, which an embedding looks up.
    tokens: bool,
    /// Share held out for testing where there are no test samples; 0 for no test set, whatever there is.
    test: f64 = 0.25, // scikit-learn's train_test_split
}

impl Npy {
    fn refuse(&self) -> Result<()> {
        within("test", self.test, 0.0..=0.9)?;
        within("first", self.first, -1_000_000..=1_000_000)
    }

    /// The samples, those for testing last.
    pub fn load(&self, _: &Streams) -> Result<Raw> {
        let given = |setting: &str, path: &str, why: &str| {
            if path.is_empty() {
                Err(Error::expected(format!("data set npy: {setting}"), why, "none"))
            } else {
                Ok(path.to_owned())
            }
        };
        let names = |[x, y, weights]: [&String; 3], prefix: &str, why: &str| -> Result<Names> {
            Ok(Names {
                x: given(&format!("{prefix}x"), x, why)?,
                y: given(&format!("{prefix}y"), y, why)?,
                weights: Some(weights.clone()).filter(|path| !path.is_empty()),
            })
        };
        let train = names([&self.x, &self.y, &self.weights], "", "two files, as npy:x=x.npy,y=y.npy")?;
        let any = [&self.test_x, &self.test_y, &self.test_weights].iter().any(|path| !path.is_empty());
        let test = any.then(|| {
            let files = [&self.test_x, &self.test_y, &self.test_weights];
            names(files, "test-", "a file beside the other one of the test samples")
        });
        let archive = NpzFile {
            task: self.task,
            first: self.first,
            channels: self.channels,
            drop: self.drop.clone(),
            ignore: self.ignore,
            tokens: self.tokens,
            test: self.test,
            // Nothing was found that nobody named.
            weights: "given".to_owned(),
            ..NpzFile::default()
        };
        let at = files::named(Path::new(&self.x));
        archive.read(&at, &mut Files, &train, test.transpose()?)
    }
}

/// Arrays whose names are their paths.
struct Files;

impl Files {
    fn open(&self, name: &str) -> Result<(BufReader<File>, Header)> {
        let path = &files::at_home(Path::new(name));
        apart::input(path)?;
        let (file, length) = files::open_regular(path)?;
        let mut reader = BufReader::new(file);
        let header = Header::read(&self.place(name), &mut reader, length)?;
        Ok((reader, header))
    }
}

impl Arrays for Files {
    fn place(&self, name: &str) -> String {
        files::named(&files::at_home(Path::new(name)))
    }

    fn header(&mut self, name: &str) -> Result<Option<Header>> {
        Ok(Some(self.open(name)?.1))
    }

    fn array(&mut self, name: &str) -> Result<(Dtype, Array)> {
        let (mut reader, header) = self.open(name)?;
        let dtype = header.dtype;
        Ok((dtype, header.array(&self.place(name), &mut reader)?))
    }
}
