//! Parts of a slice, computed on several machines and joined.
//!
//! Part i of n holds points [i P / n, (i + 1) P / n) of each view, in the order of the arrays. A part is a log a view,
//! `slice-V.log`; joined, they give the bytes of a slice that was computed at once.

use super::facts::Facts;
use crate::base::{Error, Result};
use crate::passes::SliceSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::ops::Range;

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
    /// The settings.
    pub fn settings(&self) -> Result<SliceSettings> {
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
