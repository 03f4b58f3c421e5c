//! Recipes and settings files that are in the program, found by name from anywhere: those of `analyses/`.

use crate::analyses::ANALYSES;
use crate::base::registry::unknown;
use crate::base::section::Section;
use crate::base::{Error, Result};
use std::path::Path;
use std::sync::LazyLock;

/// A file that is in the program.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its name, without folder and `.toml`.
    pub name: &'static str,
    /// What is in it.
    pub text: &'static str,
}

macro_rules! shelf {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(File {
            name: $name,
            text: include_str!(concat!("../../analyses/", $folder, $name, ".toml")),
        }),*]
    };
}

/// The recipes, by name.
pub const RECIPES: &[File] = shelf!["":
    "activations", "bars", "batch-norm", "connectivity", "critical-sharpness", "cyclical",
    "data-parallel", "edge-of-stability", "ensembles", "error-decomposition", "error-floor", "fixup",
    "hidden-saddles", "initialization", "learning-coefficient", "linear-connectivity",
    "load-temperature", "lsuv", "matrix-factorization", "momentum", "norms", "norms-images",
    "permutations", "permutations-batch-norm", "phases", "plateaus", "quadratics", "saddles",
    "sgd-against-gd", "shifted-data", "skip-connections", "teacher-student", "tickets", "volumes",
    "warmup", "wide-minima", "width",
];

/// Settings of `losscape train` that are no analysis's.
const TRAINING: &[File] = shelf!["settings/": "layers"];

/// The settings of single commands, by the command's name.
pub fn settings() -> &'static [File] {
    static ALL: LazyLock<Vec<File>> = LazyLock::new(|| {
        let there = ANALYSES.iter().filter(|entry| entry.command);
        let own = there.map(|entry| File { name: entry.name, text: entry.settings });
        let mut all: Vec<File> = own.chain(TRAINING.iter().copied()).collect();
        all.sort_by_key(|file| file.name);
        all
    });
    &ALL
}

impl File {
    /// What it is about, in a line: its title, or its first comment.
    pub fn title(&self) -> &'static str {
        let title = self.text.lines().find_map(|line| line.strip_prefix("title = \"")?.strip_suffix('"'));
        title.or_else(|| self.text.lines().next()?.strip_prefix("# ")).unwrap_or_default()
    }
}

/// The table in the file of this name.
pub fn named(name: &str, files: &'static [File], what: &str) -> Result<Section> {
    let found = files.iter().find(|f| f.name == name);
    let file = found.ok_or_else(|| unknown(what, name, files.iter().map(|f| f.name)))?;
    Section::parse(format!("{what} {name}"), file.text)
}

/// The table in the file at `path`, or, where no file is there and `path` is a bare name, in the one of this name; `what` it
/// is, for messages.
pub fn section(path: &Path, files: &'static [File], what: &str) -> Result<Section> {
    let bare = path.to_str().filter(|name| !name.is_empty() && !name.contains(['/', '\\', '.']));
    match bare {
        Some(name) if !path.is_file() => named(name, files, what),
        _ => Section::read(path).map_err(|e| hinted(e, path, files)),
    }
}

/// Names the file that is in the program, where none is at a path that ends like it.
fn hinted(error: Error, path: &Path, files: &[File]) -> Error {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    match error {
        Error::Request { at, what } if !path.exists() && files.iter().any(|f| f.name == stem) => {
            Error::request(at, format!("{what} (`{stem}` alone is the one that is built in)"))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_analyses_is_there_and_has_a_title() {
        for (folder, files) in [("analyses", RECIPES), ("analyses/settings", settings())] {
            let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
            let names =
                entries.filter_map(|e| e.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned));
            let mut names: Vec<String> = names.collect();
            names.sort();
            assert_eq!(files.iter().map(|f| f.name).collect::<Vec<_>>(), names, "{folder}");
            assert!(files.iter().all(|f| f.title().len() > 10), "{folder}");
        }
    }

    #[test]
    fn names_and_paths_are_told_apart() {
        let message =
            |path: &str| section(Path::new(path), RECIPES, "recipe").map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(message("permutations"), Ok(()));
        assert!(
            message("permutation")
                .is_err_and(|e| e.ends_with("found `permutation` (did you mean `permutations`?)"))
        );
        assert!(message("no/permutations.toml").is_err_and(|e| e.contains("(`permutations` alone is")));
        assert!(message("no/such.toml").is_err_and(|e| !e.contains("alone")));
    }
}
