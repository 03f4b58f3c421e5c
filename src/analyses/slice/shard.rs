//! Parts of a slice, computed on several machines and joined.
//!
//! Part i of n holds points [i P / n, (i + 1) P / n) of each view, in the order of the arrays. A part is a log a view,
//! `slice-V.log`; joined, they give the bytes of a slice that was computed at once.

use super::facts::Facts;
use crate::analyses::SliceSettings;
use crate::base::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    let mut value = crate::analyses::to_json(settings)?;
    if let Value::Object(map) = &mut value {
        map.remove("memory");
    }
    Ok(value)
}
