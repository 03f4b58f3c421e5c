//! No result over what it is made from: the files that a process reads at a user's word, and the directories that it writes.
//!
//! Each file is declared where it is opened, each directory where it is locked, whichever comes first; the second of the two
//! is refused if the file lies in the directory, by whatever path, link or second name. Files in directories below are safe:
//! a result writes into its own directory alone.

use super::files::named;
use super::{Error, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[derive(Default)]
struct Declared {
    /// Files as they were named, and what they are.
    inputs: BTreeMap<PathBuf, Identity>,
    outputs: Vec<PathBuf>,
}

static DECLARED: Mutex<Declared> = Mutex::new(Declared { inputs: BTreeMap::new(), outputs: Vec::new() });

/// What makes two paths one file: a file system's number and the file's in it, where the system has them.
type Identity = Option<(u64, u64)>;

/// Declares a file, or all of a directory's, as read.
pub fn input(path: &Path) -> Result<()> {
    let mut declared = DECLARED.lock().unwrap_or_else(PoisonError::into_inner);
    let identity = identity(path);
    declared.outputs.iter().try_for_each(|output| check(path, identity, output))?;
    declared.inputs.insert(path.to_path_buf(), identity);
    Ok(())
}

/// Declares a directory as written, until the result is dropped.
pub fn output(directory: &Path) -> Result<Output> {
    let mut declared = DECLARED.lock().unwrap_or_else(PoisonError::into_inner);
    declared.inputs.iter().try_for_each(|(path, identity)| check(path, *identity, directory))?;
    declared.outputs.push(directory.to_path_buf());
    Ok(Output(directory.to_path_buf()))
}

/// A directory that is being written.
#[derive(Debug)]
pub struct Output(PathBuf);

impl Drop for Output {
    fn drop(&mut self) {
        let mut declared = DECLARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = declared.outputs.iter().position(|output| *output == self.0) {
            declared.outputs.swap_remove(at);
        }
    }
}

/// Refuses to write into `output` what is made from `input`, a file in it or the directory itself.
pub fn check_apart(input: &Path, output: &Path) -> Result<()> {
    check(input, identity(input), output)
}

fn check(input: &Path, identity: Identity, output: &Path) -> Result<()> {
    let lies_there = |path: &Path| {
        // What is not there yet is a directory that will be made.
        if !path.is_file() {
            return same(path, output);
        }
        match path.parent() {
            Some(parent) if parent == Path::new("") => same(Path::new("."), output),
            parent => parent.is_some_and(|parent| same(parent, output)),
        }
    };
    let behind_links = input.canonicalize();
    let inside = lies_there(input)
        || behind_links.is_ok_and(|path| lies_there(&path))
        || (identity.is_some() && !input.is_dir() && holds(output, identity));
    if !inside {
        return Ok(());
    }
    let found = if input.is_file() {
        format!("{}, which holds {}", named(output), named(input))
    } else {
        format!("{}, which is read", named(output))
    };
    Err(Error::expected("--out", "a directory apart from what is read", found))
}

fn same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => matches!((std::path::absolute(a), std::path::absolute(b)), (Ok(a), Ok(b)) if a == b),
    }
}

/// Whether a directory holds the file under another name, or a link to it.
fn holds(directory: &Path, file: Identity) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| identity(&entry.path()) == file)
}

#[cfg(unix)]
fn identity(path: &Path) -> Identity {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|there| (there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Identity {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file in a directory, as `check_apart` sees it by every path to it.
    #[test]
    fn links_other_names_and_relative_paths_lead_to_the_same_file() -> std::io::Result<()> {
        let directory = tempfile::tempdir()?;
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("out/below"))?;
        fs::create_dir(at("elsewhere"))?;
        fs::write(at("out/data"), "x")?;
        fs::write(at("out/below/data"), "x")?;
        fs::write(at("other"), "x")?;
        fs::hard_link(at("out/data"), at("elsewhere/hard"))?;
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("out/data"), at("elsewhere/soft"))?;
            std::os::unix::fs::symlink(at("out"), at("elsewhere/folder"))?;
            std::os::unix::fs::symlink(at("elsewhere/target"), at("out/link"))?;
            fs::write(at("elsewhere/target"), "x")?;
        }
        let refused = |input: &str, output: &str| check_apart(&at(input), &at(output)).is_err();
        assert!(refused("out/data", "out") && refused("out", "out") && refused("out/../out/data", "out"));
        assert!(refused("elsewhere/hard", "out"), "a second name");
        assert!(
            !refused("other", "out")
                && !refused("out/below/data", "out")
                && !refused("out/data", "out/below")
        );
        assert!(!refused("out", "out/below") && !refused("out/data", "none yet"));
        #[cfg(unix)]
        {
            assert!(refused("elsewhere/soft", "out") && refused("elsewhere/soft", "elsewhere"), "a link");
            assert!(refused("out/data", "elsewhere/folder") && refused("elsewhere/folder/data", "out"));
            assert!(refused("elsewhere/target", "out"), "a link there leads here");
        }
        Ok(())
    }

    #[test]
    fn the_second_of_the_two_is_refused() -> std::io::Result<()> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("in");
        fs::write(&file, "x")?;
        let out = directory.path().to_path_buf();
        let writing = output(&out).expect("nothing read");
        assert_eq!(input(&file).map_err(|e| e.exit_code()), Err(2));
        drop(writing);
        assert_eq!(input(&file), Ok(()));
        assert!(output(&out).is_err());
        Ok(())
    }
}
