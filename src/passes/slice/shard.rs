//! Parts of a slice, computed on several machines and joined.
//!
//! Part i of n holds points [i P / n, (i + 1) P / n) of each view, in the order of the arrays. A part is a log a view,
//! `slice-V.log`; joined, they give the bytes of a slice that was computed at once.

use super::SliceResult;
use super::facts::Facts;
use super::result::{View, columns};
use crate::base::log::{self, Pieces, difference};
use crate::base::tensors::TensorFile;
use crate::base::{Error, Result, files};
use crate::passes::SliceSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Part `index` of `count`, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part.
    pub index: usize,
    /// Of how many.
    pub count: usize,
}

/// Variables that hold the number of a job and how many there are, by who sets them.
const VARIABLES: [(&str, &str, &str); 3] = [
    ("Slurm array", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"),
    ("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    // Kubernetes tells an indexed job its index alone: its size comes with `auto/n`.
    ("Kubernetes indexed job", "JOB_COMPLETION_INDEX", ""),
];

impl Shard {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Reads `i/n`, `auto` or `auto/n`; `variable` tells what the environment says.
    pub fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let expected = |found: String| {
            Error::expected("--shard", "i/n with i from 0 to n - 1, or auto, or auto/n", found)
        };
        let number = |text: &str| text.trim().parse::<usize>().ok();
        let (index, count) = match text.split_once('/') {
            Some((index, count)) => {
                (index, Some(number(count).ok_or_else(|| expected(format!("`{text}`")))?))
            }
            None => (text, None),
        };
        let shard = match (index.trim(), count) {
            ("auto", count) => Self::from_variables(count, variable)?,
            (index, Some(count)) => {
                Self { index: number(index).ok_or_else(|| expected(format!("`{text}`")))?, count }
            }
            _ => return Err(expected(format!("`{text}`"))),
        };
        match shard.index < shard.count && shard.count <= 1_000_000 {
            true => Ok(shard),
            false => Err(expected(format!("part {} of {}", shard.index, shard.count))),
        }
    }

    fn from_variables(count: Option<usize>, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let number = |name: &str| -> Result<Option<usize>> {
            let Some(text) = variable(name).filter(|_| !name.is_empty()) else { return Ok(None) };
            let number = text
                .trim()
                .parse()
                .map_err(|_| Error::expected(name, "a whole number", format!("`{text}`")))?;
            Ok(Some(number))
        };
        for (_, index, size) in VARIABLES {
            let Some(index) = number(index)? else { continue };
            // Slurm's arrays may start anywhere.
            let first =
                if size.starts_with("SLURM") { number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0) } else { 0 };
            let Some(count) = (match count {
                Some(n) => Some(n),
                None => number(size)?,
            }) else {
                return Err(Error::expected(
                    "--shard",
                    "auto/n, since the environment does not say n",
                    "auto",
                ));
            };
            return Ok(Self { index: index.checked_sub(first).unwrap_or(usize::MAX), count });
        }
        let known: Vec<&str> = VARIABLES.iter().map(|v| v.1).collect();
        Err(Error::expected("--shard", format!("one of the variables {}", known.join(", ")), "none of them"))
    }

    /// The points of a view with so many that belong to this part.
    pub fn range(self, points: usize) -> Range<usize> {
        let at = |i: usize| (points as u128 * i as u128 / self.count as u128) as usize;
        at(self.index)..at(self.index + 1)
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// What the log of a view says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    pub version: String,
    /// Resolved; memory, which changes nothing, left out.
    pub settings: Value,
    /// How many views there are, and which this is.
    pub views: usize,
    pub view: usize,
    pub facts: Facts,
}

/// Name of a view's log.
pub(super) fn log_name(view: usize) -> String {
    format!("slice-{view}.log")
}

/// Name of the directions' file.
pub(super) const DIRECTIONS: &str = "directions.safetensors";

/// Settings as a log compares them: `--memory` changes no result.
pub(super) fn compared(settings: &SliceSettings) -> Result<Value> {
    let mut value = crate::passes::to_json(settings)?;
    if let Value::Object(map) = &mut value {
        map.remove("memory");
    }
    Ok(value)
}

/// The directories of parts that `paths` mean.
pub fn parts(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    Ok(paths.iter().map(|p| parts_in(p)).collect::<Result<Vec<_>>>()?.concat())
}

/// The directories of parts that `path` means: itself, or those in it.
fn parts_in(path: &Path) -> Result<Vec<PathBuf>> {
    if path.join(log_name(0)).exists() {
        return Ok(vec![path.to_path_buf()]);
    }
    let listed = std::fs::read_dir(path)
        .map_err(|e| Error::expected(files::named(path), "a directory with parts of a slice", e))?;
    let mut found: Vec<PathBuf> =
        listed.flatten().map(|entry| entry.path()).filter(|p| p.join(log_name(0)).exists()).collect();
    found.sort();
    match found.is_empty() {
        true => {
            let expected = format!("parts of a slice (--shard), with {} in them", log_name(0));
            Err(Error::expected(files::named(path), expected, "none"))
        }
        false => Ok(found),
    }
}

/// Joins parts of one slice. Refuses parts of different slices, and names the points that are missing.
pub fn merge(paths: &[PathBuf]) -> Result<SliceResult> {
    let all = parts(paths)?;
    let Some(first) = all.first() else { return Err(Error::expected("merge", "parts of a slice", "none")) };
    let header = |directory: &Path, view: usize| -> Result<(Header, Pieces)> {
        let path = directory.join(log_name(view));
        let at = files::named(&path);
        let absent = || Error::expected(&at, "the log of a part that has begun", "none");
        // The width follows from the header, which is read first.
        let header = log::header(&path)?.ok_or_else(absent)?;
        let header: Header = serde_json::from_value(header).map_err(|e| Error::value(&at, &e.to_string()))?;
        if header.version != env!("CARGO_PKG_VERSION") {
            let expected = format!("a part of losscape {}", env!("CARGO_PKG_VERSION"));
            return Err(Error::expected(&at, expected, files::brief(&header.version)));
        }
        let settings: SliceSettings =
            serde_json::from_value(header.settings.clone()).map_err(|e| Error::value(&at, &e.to_string()))?;
        let found = log::read(&path, columns(&settings, &header.facts).len())?.ok_or_else(absent)?;
        Ok((header, found.pieces))
    };
    let (reference, _) = header(first, 0)?;
    let settings: SliceSettings = serde_json::from_value(reference.settings.clone())
        .map_err(|e| Error::value(files::named(first), &e.to_string()))?;
    if settings.adaptive.is_some() {
        return Err(Error::expected(
            files::named(first),
            "parts of a full grid",
            "an unfinished --adaptive one",
        ));
    }
    let mut views = Vec::new();
    for view in 0..reference.views {
        let (own, _) = header(first, view)?;
        let mut pieces = Pieces::new();
        for directory in &all {
            let (other, found) = header(directory, view)?;
            let at = files::named(&directory.join(log_name(view)));
            if let Some((expected, found)) = difference(&own, &other) {
                let expected = format!("a part of the slice in {}, {expected}", files::named(first));
                return Err(Error::expected(at, expected, format!("one of another, {found}")));
            }
            for (index, values) in found {
                if pieces.get(&index).is_some_and(|old| !log::same_bits(old, &values)) {
                    let expected = format!("the numbers of the other parts at point {index}");
                    return Err(Error::expected(at, expected, "others"));
                }
                pieces.insert(index, values);
            }
        }
        let points = own.facts.points();
        if let Some(bad) = pieces.keys().find(|i| **i >= points as u64) {
            return Err(Error::expected(files::named(first), format!("points 0 to {}", points - 1), bad));
        }
        let missing = gaps(points, &pieces);
        if !missing.is_empty() {
            let view = if reference.views > 1 { format!(" of view {view}") } else { String::new() };
            let found = format!("{} of {points}: without {missing}", pieces.len());
            return Err(Error::expected("merge", format!("every point{view} in some part"), found));
        }
        views.push(View::full(&settings, own.facts, pieces));
    }
    let path = first.join(DIRECTIONS);
    let directions = TensorFile::read(&path)?;
    let wanted = &views.first().map(|v| v.facts.directions_sha256.clone()).unwrap_or_default();
    let found = SliceResult::directions_sha256(&directions, 0, reference.views);
    if *wanted != found {
        return Err(Error::expected(files::named(&path), format!("directions with SHA-256 {wanted}"), found));
    }
    SliceResult::assemble(&settings, views, Some(directions))
}

/// The missing points as ranges, the first few.
fn gaps(points: usize, there: &BTreeMap<u64, Vec<f64>>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for i in (0..points as u64).filter(|i| !there.contains_key(i)) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == i => *last = i,
            _ => ranges.push((i, i)),
        }
    }
    let words = |(a, b): &(u64, u64)| if a == b { a.to_string() } else { format!("{a} to {b}") };
    let mut text: Vec<String> = ranges.iter().take(5).map(words).collect();
    if ranges.len() > 5 {
        text.push(format!("and {} more ranges", ranges.len() - 5));
    }
    text.join(", ")
}
