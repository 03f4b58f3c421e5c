//! Data and files: every data set keeps its promises, and every broken file is refused in one clear line.

mod cifar;
mod csv;
mod data;
mod generated;
mod idx;
mod images;
mod made;
mod npz;
mod paths;
mod preparation;
mod shifts;
mod state_dicts;
mod tensors;

use losscape::base::registry::Registry;
use losscape::base::{Error, Result};
use losscape::data::{Dataset, Preparation, Source, Standardize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The message of a refusal that is the user's to mend, on one line.
fn refused<T>(result: Result<T>) -> String {
    let error: Error = result.err().expect("a refusal");
    assert_eq!(error.exit_code(), 2, "{error}");
    let message = error.to_string();
    assert!(message.lines().count() == 1 && message.len() < 600, "{message}");
    message
}

/// A directory of data files.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), bytes).unwrap();
        self
    }

    /// The data set that `text` names, `@` in it standing for this directory.
    fn source(&self, text: &str) -> Source {
        let text = text.replace('@', &self.0.path().display().to_string());
        Source::parse(&text).unwrap_or_else(|e| panic!("{e}"))
    }

    /// The same, loaded as it is.
    fn load(&self, text: &str) -> Result<Dataset> {
        load_as(&self.source(text), Standardize::None)
    }

    /// The refusal of that data set, within 2 s, without the directory's name.
    fn refusal(&self, text: &str) -> String {
        let started = Instant::now();
        let message = refused(self.load(text));
        assert!(started.elapsed() < Duration::from_secs(2), "{message}");
        assert!(message.contains("expected ") && message.contains(", found "), "{message}");
        message.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn load_as(source: &Source, standardize: Standardize) -> Result<Dataset> {
    Dataset::load(source, 0, &Preparation::standardized(standardize))
}

fn labels(samples: &losscape::data::Samples) -> &[u32] {
    samples.labels().expect("classes")
}

/// What no data file may be, tried in its place: nothing there, a directory, a named pipe, a device, a loop of links.
fn no_file_in_place_of(path: &Path, message: impl Fn() -> String) {
    let expected = |found: &str| {
        let message = message();
        assert!(message.contains("expected ") && message.ends_with(found), "{message}");
    };
    let _ = std::fs::remove_file(path);
    std::fs::create_dir(path).unwrap();
    expected("a directory");
    std::fs::remove_dir(path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    expected("a named pipe");
    std::fs::remove_file(path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path).unwrap();
    expected("a device");
    std::fs::remove_file(path).unwrap();
    std::os::unix::fs::symlink(path, path).unwrap();
    expected("too many levels of symbolic links");
    std::fs::remove_file(path).unwrap();
}
