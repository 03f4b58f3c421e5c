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
            let wrong = |_| Error::expected(name, "a whole number", format!("`{text}`"));
            Ok(Some(text.trim().parse().map_err(wrong)?))
        };
        let mut found: Option<Self> = None;
        for (_, index, size) in VARIABLES {
            let Some(mut index) = number(index)? else { continue };
            // Slurm's arrays may start anywhere, and go in steps.
            if size.starts_with("SLURM") {
                let first = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
                let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
                index = index.checked_sub(first).map_or(usize::MAX, |i| i / step);
            }
            let size = match (number(size)?, count) {
                (Some(size), _) => size,
                (None, Some(count)) => count,
                (None, None) => {
                    let expected = "auto/n, since the environment does not say n";
                    return Err(Error::expected("--shard", expected, "auto"));
                }
            };
            // Ranks within the jobs of an array.
            let outer = found.unwrap_or(Self::WHOLE);
            let index = outer.index.saturating_mul(size).saturating_add(index);
            found = Some(Self { index, count: outer.count.saturating_mul(size) });
        }
        match (found, count) {
            (Some(shard), Some(count)) if shard.count != count => Err(Error::expected(
                "--shard",
                format!("auto/{}, as the environment says", shard.count),
                format!("auto/{count}"),
            )),
            (Some(shard), _) => Ok(shard),
            (None, _) => {
                let known: Vec<&str> = VARIABLES.iter().map(|v| v.1).collect();
                Err(Error::expected(
                    "--shard",
                    format!("one of the variables {}", known.join(", ")),
                    "none of them",
                ))
            }
        }
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

impl Header {
    fn settings(&self) -> Result<SliceSettings> {
        serde_json::from_value(self.settings.clone())
            .map_err(|e| Error::value("settings of a part", &e.to_string()))
    }
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
    let listed = std::fs::read_dir(path).map_err(|e| {
        let found =
            if e.kind() == std::io::ErrorKind::NotFound { "nothing there".to_owned() } else { e.to_string() };
        Error::expected(files::named(path), "a directory with parts of a slice", found)
    })?;
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

/// The log of one view in the directory of a part: none, where the part was stopped before that view.
fn part_of(directory: &Path, view: usize) -> Result<Option<(Header, Pieces)>> {
    let path = directory.join(log_name(view));
    let at = files::named(&path);
    // The width follows from the header, which is read first.
    let Some(header) = log::header(&path)? else { return Ok(None) };
    let version = header["version"].as_str().unwrap_or_default();
    if version != env!("CARGO_PKG_VERSION") {
        let expected = format!("a part of losscape {}", env!("CARGO_PKG_VERSION"));
        return Err(Error::expected(&at, expected, files::brief(version)));
    }
    let header: Header = serde_json::from_value(header).map_err(|e| Error::value(&at, &e.to_string()))?;
    let width = columns(&header.settings()?, &header.facts).len();
    Ok(log::read(&path, width)?.map(|found| (header, found.pieces)))
}

/// Joins parts of one slice. Refuses parts of different slices, and names the points that are missing.
pub fn merge(paths: &[PathBuf]) -> Result<SliceResult> {
    let all = parts(paths)?;
    let mut views: Vec<View> = Vec::new();
    let mut count = 1;
    let mut settings = SliceSettings::default();
    while views.len() < count {
        let view = views.len();
        // The first part that has begun the view is what the others are compared with.
        let mut own: Option<(Header, &PathBuf)> = None;
        let mut pieces = Pieces::new();
        for directory in &all {
            let Some((header, found)) = part_of(directory, view)? else { continue };
            let at = files::named(&directory.join(log_name(view)));
            let (own, first) = own.get_or_insert_with(|| (header.clone(), directory));
            if let Some((expected, found)) = difference(own, &header) {
                let expected = format!("a part of the slice in {}, {expected}", files::named(first));
                return Err(Error::expected(at, expected, format!("one of another, {found}")));
            }
            for (index, values) in found {
                if index >= own.facts.points() as u64 {
                    return Err(Error::expected(at, format!("points below {}", own.facts.points()), index));
                }
                if pieces.get(&index).is_some_and(|old| !log::same_bits(old, &values)) {
                    let expected = format!("the numbers of the other parts at point {index}");
                    return Err(Error::expected(at, expected, "others"));
                }
                pieces.insert(index, values);
            }
        }
        let of = if count > 1 { format!(" of view {view}") } else { String::new() };
        let Some((own, first)) = own else {
            return Err(Error::expected("merge", format!("every point{of} in some part"), "none"));
        };
        settings = own.settings()?;
        if settings.adaptive.is_some() {
            let found = "an unfinished --adaptive one";
            return Err(Error::expected(files::named(first), "parts of a full grid", found));
        }
        count = own.views;
        let points = own.facts.points();
        if pieces.len() < points {
            let of = if count > 1 { format!(" of view {view}") } else { String::new() };
            let found = format!("{} of {points}: without {}", pieces.len(), gaps(points, &pieces));
            return Err(Error::expected("merge", format!("every point{of} in some part"), found));
        }
        views.push(View::full(&settings, own.facts, pieces));
    }
    SliceResult::assemble(&settings, views.clone(), Some(directions(&all, &views)?))
}

/// The directions, from whichever part has them whole.
fn directions(parts: &[PathBuf], views: &[View]) -> Result<TensorFile> {
    for path in parts.iter().map(|p| p.join(DIRECTIONS)).filter(|p| p.exists()) {
        let file = TensorFile::read(&path)?;
        let whole = |(i, view): (usize, &View)| {
            SliceResult::directions_sha256(&file, i, views.len()) == view.facts.directions_sha256
        };
        if views.iter().enumerate().all(whole) {
            return Ok(file);
        }
    }
    let expected = format!("{DIRECTIONS} of the slice in some part");
    Err(Error::expected("merge", expected, "none, or one with other directions"))
}

/// The missing points as ranges, the first few.
fn gaps(points: usize, there: &BTreeMap<u64, Vec<f64>>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    let mut next = 0;
    for i in there.keys().copied().chain([points as u64]) {
        if i > next {
            ranges.push((next, i - 1));
        }
        next = i + 1;
    }
    let words = |(a, b): &(u64, u64)| if a == b { a.to_string() } else { format!("{a} to {b}") };
    let mut text: Vec<String> = ranges.iter().take(5).map(words).collect();
    if ranges.len() > 5 {
        text.push(format!("and {} more ranges", ranges.len() - 5));
    }
    text.join(", ")
}
