//! Weights in several files, as Hugging Face saves large models: an index (`model.safetensors.index.json`, or
//! `pytorch_model.bin.index.json`) says which file each tensor lies in. All files lie beside the index.

use super::files::{self, brief};
use super::state_dict::StateDict;
use super::{Error, Result, json};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// What an index says.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The end of an index's name.
const END: &str = ".index.json";
/// Longest index: a million names.
const LONGEST: u64 = 128 << 20;

/// The weights at `path`, which is a file, an index or the folder of one; and the SHA-256 of the file, or of all files.
pub fn read(path: &Path) -> Result<(StateDict, String)> {
    let found = within(path)?;
    let path = found.as_deref().unwrap_or(path);
    if !path.to_string_lossy().ends_with(END) {
        StateDict::look(path)?;
        let bytes = files::read_regular(path, files::LARGEST)?;
        let sha256 = files::sha256(&bytes);
        return Ok((StateDict::from_bytes(&files::named(path), bytes)?, sha256));
    }
    let at = files::named(path);
    let text = files::read_text(path, LONGEST)?;
    let index: Index = json::parse(&at, &text)?;
    let mut shards: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, file) in &index.weight_map {
        let mut parts = Path::new(file).components();
        if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
            return Err(Error::expected(at, "names of files beside the index", format!("`{}`", brief(file))));
        }
        shards.entry(file).or_default().insert(name);
    }
    if shards.is_empty() {
        return Err(Error::expected(at, "tensors with their files", "none"));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut hashes = vec![files::sha256(text.as_bytes())];
    let (mut tensors, mut bytes) = (Vec::new(), Vec::new());
    for (file, names) in shards {
        let path = folder.join(file);
        StateDict::look(&path)?;
        let own = files::read_regular(&path, files::LARGEST - bytes.len() as u64)?;
        hashes.push(files::sha256(&own));
        let shard = StateDict::from_bytes(&files::named(&path), own)?;
        let mut missing = names.clone();
        for mut tensor in shard.tensors().iter().filter(|t| names.contains(t.name.as_str())).cloned() {
            missing.remove(tensor.name.as_str());
            tensor.bytes = tensor.bytes.start + bytes.len()..tensor.bytes.end + bytes.len();
            tensors.push(tensor);
        }
        if let Some(name) = missing.first() {
            let expected = format!("{}, as the index says", brief(name));
            return Err(Error::expected(files::named(&path), expected, "a file without"));
        }
        bytes.extend(shard.into_bytes());
    }
    Ok((StateDict::new(&at, tensors, bytes)?, files::sha256(hashes.join(" ").as_bytes())))
}

/// The index or the only file of weights in a folder; none for what is no folder.
fn within(path: &Path) -> Result<Option<PathBuf>> {
    if !path.is_dir() {
        return Ok(None);
    }
    let at = files::named(path);
    let entries = std::fs::read_dir(path).map_err(|e| Error::machine(&at, e))?;
    let mut all = Vec::new();
    for entry in entries {
        all.push(entry.map_err(|e| Error::machine(&at, e))?.path());
    }
    all.sort();
    for end in [".safetensors.index.json", ".bin.index.json", ".safetensors"] {
        let mut fitting = all.iter().filter(|p| p.is_file() && p.to_string_lossy().ends_with(end));
        match (fitting.next(), fitting.next()) {
            (Some(one), None) => return Ok(Some(one.clone())),
            (Some(_), Some(_)) => {
                return Err(Error::expected(at, format!("one file that ends in {end}"), "several; name one"));
            }
            (None, _) => {}
        }
    }
    Err(Error::expected(at, "a folder with model.safetensors, or with its index and shards", "neither"))
}
