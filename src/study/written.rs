//! The parts of a recipe as they are written: measures, figures, other scales.

use super::axis::{OneOrMore, Where};
use super::expression::Expression;
use crate::base::section::Section;
use crate::base::statistics::quantile;
use crate::base::text::acts;
use crate::base::{Error, Result, files};
use crate::figure::Scale;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use toml::Value;

/// A measured number, as a recipe writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct MeasureEntry {
    pub name: String,
    pub label: String,
    pub of: String,
    pub curve: String,
    pub falls_to: Option<f64>,
    pub rises_to: Option<f64>,
    pub take: Take,
    pub scale: Scale,
    pub centre: Centre,
    pub dashed: bool,
}

/// What stands for several seeds in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Centre {
    /// Their median, with quartiles
    #[default]
    Median,
    /// Their mean, with its standard error: of shares, whose median is 0 or 1
    Mean,
}

impl Centre {
    /// The centre of numbers, and the ends of the band around it; what is not finite is left out.
    pub fn of(self, values: impl IntoIterator<Item = f64>) -> [f64; 3] {
        let all = super::result::finite(values);
        match self {
            Self::Median => [0.5, 0.25, 0.75].map(|q| quantile(&all, q)),
            Self::Mean => {
                let (mean, error) = crate::base::statistics::mean(&all);
                // Of one number there is no error.
                let error = if error.is_nan() { 0.0 } else { error };
                [mean, mean - error, mean + error]
            }
        }
    }
}

/// What is taken of a curve of training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Take {
    /// Its last number
    #[default]
    Last,
    /// Its least
    Min,
    /// Its largest
    Max,
    /// The step at which it first reaches the level
    Step,
    /// The epoch at which it first does
    Epoch,
}

/// A measured number.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// What it is called in tables, arrays and conditions.
    pub name: String,
    /// In figures.
    pub label: String,
    /// Scale of its axis in figures.
    pub scale: Scale,
    /// What stands for several seeds in figures.
    pub centre: Centre,
    /// Whether it is what others are compared with, a theory: over an axis, a dashed line in the colour of each of them.
    pub dashed: bool,
    /// Where it comes from.
    pub from: From,
}

/// Where a number comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum From {
    /// Arithmetic over scalars of analyses, measures before this one, and where the case stands on axes.
    Scalars(Expression),
    /// A curve of training.
    Curve {
        /// Its name.
        curve: String,
        /// What is taken of it.
        take: Take,
        /// The level it falls to (true) or rises to (false).
        level: Option<(bool, f64)>,
    },
}

/// The curves of training, a number an epoch.
pub const CURVES: [&str; 8] =
    ["epoch", "step", "lr", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "gradient_norm"];

/// A figure, as a recipe writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Drawing {
    /// Name of the files.
    pub name: String,
    /// Above everything; the recipe's title if empty.
    pub title: String,
    /// Panels of measures over an axis or over another measure, one line each.
    pub y: Vec<OneOrMore>,
    /// An axis, or a measure.
    pub x: String,
    /// A second axis: measures over a plane, in colours; a table where one of the two axes has only names.
    pub grid: String,
    /// The axis whose points get a panel each, with a vertical scale of its own.
    pub panels: String,
    /// The axis whose points get a line each, or with `grid` a panel each.
    pub by: String,
    /// Curves of training over epochs, a panel each.
    pub curve: Vec<String>,
    /// `PASS.figure`: the panels that an analysis drew, side by side, of the first seed.
    pub of: String,
    /// Which cases; all if empty.
    #[serde(rename = "where")]
    pub condition: Where,
    /// Scale of the horizontal axis; the axis' own, or the measure's, if not given.
    pub x_scale: Option<Scale>,
    /// Scale of the vertical axes; the measures' own if not given.
    pub y_scale: Option<Scale>,
    /// Vertical lines.
    pub lines: Vec<Line>,
}

/// A vertical line in a figure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Line {
    /// Where,
    pub at: f64,
    /// or at the first place where the median of this measure
    pub measure: String,
    /// is at least so much.
    pub rises_to: f64,
    /// What it marks.
    pub label: String,
}

/// Another scale than the full one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ScaleEntry {
    pub seeds: Option<usize>,
    pub set: BTreeMap<String, Value>,
    pub vary: Where,
}

/// One struct from a value of a recipe.
pub(super) fn entry<T: DeserializeOwned>(at: &str, value: Value) -> Result<T> {
    value.try_into().map_err(|e: toml::de::Error| Error::value(at, e.message()))
}

/// A list of structs under a key.
pub(super) fn entries<T: DeserializeOwned>(top: &mut Section, key: &str) -> Result<Vec<(String, T)>> {
    let at = top.at(key);
    let one = |(i, value): (usize, Value)| {
        let named = value.get("name").or_else(|| value.get("that")).and_then(Value::as_str);
        let at = format!("{at}: {}", named.map_or((i + 1).to_string(), files::brief));
        Ok((at.clone(), entry(&at, value)?))
    };
    match top.value(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(all)) => all.into_iter().enumerate().map(one).collect(),
        Some(other) => Err(Error::expected(at, format!("tables, as [[{key}]]"), other.type_str())),
    }
}

pub(super) fn text(top: &mut Section, key: &str) -> Result<String> {
    match top.value(key) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.trim().to_owned()),
        Some(other) => Err(Error::expected(top.at(key), "a text", other.type_str())),
    }
}

/// A directory below the working directory: a recipe may come from anybody, and `--out` says where else its results go.
pub(super) fn below(top: &mut Section, key: &str) -> Result<Option<PathBuf>> {
    let at = top.at(key);
    let out = text(top, key)?;
    let down = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
    if files::at_home(Path::new(&out)).components().all(down) && !out.chars().any(acts) {
        Ok((!out.is_empty()).then(|| PathBuf::from(out)))
    } else {
        let expected = "a directory below the working directory (--out may name any other)";
        Err(Error::expected(at, expected, format!("`{}`", files::brief(&out))))
    }
}

pub(super) fn count(top: &mut Section, key: &str) -> Result<Option<u64>> {
    match top.value(key) {
        None => Ok(None),
        Some(Value::Integer(n)) if n >= 0 => Ok(Some(n as u64)),
        Some(other) => Err(Error::expected(top.at(key), "a whole number of at least 0", other)),
    }
}
