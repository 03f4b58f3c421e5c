//! What varies: each axis is a list of points, each point a few settings; a study's cases are all combinations.

use super::overlay::Change;
use crate::base::registry::unknown;
use crate::base::{Error, Result};
use crate::figure::Scale;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use toml::Value;

/// What varies, as a recipe writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Vary {
    /// What it is called in tables, arrays and conditions.
    pub name: String,
    /// In figures; the name if empty.
    pub label: String,
    /// The setting that gets each of `values`, or several.
    pub set: Option<OneOrMore>,
    /// The values.
    pub values: Vec<Value>,
    /// What they are called; as they are written if empty.
    pub names: Vec<String>,
    /// Where they stand on an axis; at their value if they are numbers.
    pub at: Vec<f64>,
    /// Points that change several settings, each in its own way, instead of `set` and `values`.
    pub cases: Vec<Case>,
    /// Scale of the axis in figures.
    pub scale: Scale,
}

/// A point that changes several settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// Where it stands on an axis.
    pub at: Option<f64>,
    /// The settings.
    pub set: BTreeMap<String, Value>,
}

/// One text or a list of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// A list.
    More(Vec<String>),
}

impl OneOrMore {
    /// As a list.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

/// One point of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// What it is called.
    pub name: String,
    /// Where it stands; NaN if it is no number.
    pub at: f64,
    /// What it changes.
    pub changes: Vec<Change>,
}

/// What varies.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it is called.
    pub name: String,
    /// In figures.
    pub label: String,
    /// Its points, two or more as a rule.
    pub places: Vec<Place>,
    /// Scale in figures.
    pub scale: Scale,
}

/// Most points of an axis.
const MOST: usize = 1000;

/// A value as tables name it: kinds as on the command line, `name:key=value`.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Table(table) => {
            let name = table.get("kind").and_then(Value::as_str).unwrap_or_default();
            let rest = table.iter().filter(|(k, _)| *k != "kind");
            let rest: Vec<String> = rest.map(|(k, v)| format!("{k}={}", written(v))).collect();
            if rest.is_empty() { name.to_owned() } else { format!("{name}:{}", rest.join(",")) }
        }
        other => other.to_string(),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|i| i as f64))
}

impl Vary {
    /// The axis; `at` says where the recipe stands.
    pub fn axis(&self, at: &str) -> Result<Axis> {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if self.name.is_empty() || !self.name.chars().all(word) {
            let expected = "a `name` of letters, digits and underscores";
            return Err(Error::expected(at, expected, format!("`{}`", self.name)));
        }
        let places = match (&self.set, self.cases.is_empty()) {
            (None, true) => return Err(Error::expected(at, "`set` and `values`, or `cases`", "neither")),
            (Some(_), false) => return Err(Error::expected(at, "`set` or `cases`", "both")),
            (None, false) if !(self.values.is_empty() && self.names.is_empty() && self.at.is_empty()) => {
                return Err(Error::expected(
                    at,
                    "`name`, `at` and `set` within each of `cases`",
                    "lists beside it",
                ));
            }
            (None, false) => self.cases.iter().map(|case| case.place(at)).collect(),
            (Some(set), true) => self.listed(at, set.all())?,
        };
        let mut seen: Vec<&str> = Vec::new();
        for place in &places {
            if place.name.is_empty() || seen.contains(&place.name.as_str()) {
                let expected = "points of different names";
                return Err(Error::expected(at, expected, format!("`{}` twice or none", place.name)));
            }
            seen.push(&place.name);
        }
        if !(1..=MOST).contains(&places.len()) {
            return Err(Error::expected(at, format!("1 to {MOST} points"), places.len()));
        }
        let label = if self.label.is_empty() { self.name.replace('_', " ") } else { self.label.clone() };
        Ok(Axis { name: self.name.clone(), label, places, scale: self.scale })
    }

    fn listed(&self, at: &str, paths: &[String]) -> Result<Vec<Place>> {
        for (what, n) in [("names", self.names.len()), ("at", self.at.len())] {
            if n != 0 && n != self.values.len() {
                let expected = format!("as many `{what}` as values, {}", self.values.len());
                return Err(Error::expected(at, expected, n));
            }
        }
        let place = |(i, value): (usize, &Value)| Place {
            name: self.names.get(i).cloned().unwrap_or_else(|| match (self.at.get(i), number(value)) {
                (Some(x), None) => x.to_string(),
                _ => written(value),
            }),
            at: self.at.get(i).copied().or_else(|| number(value)).unwrap_or(f64::NAN),
            changes: paths
                .iter()
                .map(|path| Change { at: at.to_owned(), path: path.clone(), value: value.clone() })
                .collect(),
        };
        Ok(self.values.iter().enumerate().map(place).collect())
    }
}

impl Case {
    fn place(&self, at: &str) -> Place {
        let at = format!("{at}: {}", self.name);
        let changes = self.set.iter().map(|(path, value)| Change {
            at: at.clone(),
            path: path.clone(),
            value: value.clone(),
        });
        Place { name: self.name.clone(), at: self.at.unwrap_or(f64::NAN), changes: changes.collect() }
    }
}

impl Axis {
    /// Whether all points stand at a number.
    pub fn is_numeric(&self) -> bool {
        self.places.iter().all(|p| p.at.is_finite())
    }

    /// Where its points stand in figures: at their numbers, or one behind the other.
    pub fn positions(&self) -> Vec<f64> {
        let numeric = self.is_numeric();
        self.places.iter().enumerate().map(|(i, p)| if numeric { p.at } else { i as f64 }).collect()
    }
}

/// Which cases are meant: for some axes, the points.
pub type Where = BTreeMap<String, Value>;

/// A case: a point of each axis.
pub type Combination = Vec<usize>;

/// All combinations, the last axis fastest.
pub fn combinations(axes: &[Axis]) -> Vec<Combination> {
    axes.iter().fold(vec![Vec::new()], |all, axis| {
        let longer = |c: &Combination| {
            let c = c.clone();
            (0..axis.places.len()).map(move |i| [c.clone(), vec![i]].concat())
        };
        all.iter().flat_map(longer).collect()
    })
}

/// Whether a place is the one that a condition names.
fn is(place: &Place, value: &Value) -> bool {
    place.name == written(value) || number(value).is_some_and(|x| x == place.at)
}

/// The points that a condition names.
fn wanted(value: &Value) -> &[Value] {
    match value {
        Value::Array(all) => all,
        one => std::slice::from_ref(one),
    }
}

/// Refuses a condition that names an axis or a point that is not there.
pub fn check(at: &str, axes: &[Axis], condition: &Where) -> Result<()> {
    if let Some(key) = condition.keys().find(|key| !axes.iter().any(|a| a.name == **key)) {
        return Err(unknown(&format!("{at}: where"), key, axes.iter().map(|a| a.name.as_str())));
    }
    for (axis, value) in axes.iter().filter_map(|axis| Some((axis, condition.get(&axis.name)?))) {
        let missing = wanted(value).iter().find(|value| !axis.places.iter().any(|place| is(place, value)));
        if let Some(value) = missing {
            let at = format!("{at}: where {}", axis.name);
            return Err(unknown(&at, &written(value), axis.places.iter().map(|p| p.name.as_str())));
        }
    }
    Ok(())
}

/// For each axis, which of its points a condition names; all where it says nothing. What a smaller scale left out is none
/// of them.
pub fn chosen(axes: &[Axis], condition: &Where) -> Vec<Vec<bool>> {
    let of = |axis: &Axis| match condition.get(&axis.name) {
        None => vec![true; axis.places.len()],
        Some(value) => {
            axis.places.iter().map(|place| wanted(value).iter().any(|value| is(place, value))).collect()
        }
    };
    axes.iter().map(of).collect()
}

/// Whether a case is among those chosen.
pub fn is_chosen(chosen: &[Vec<bool>], case: &Combination) -> bool {
    chosen.iter().zip(case).all(|(axis, i)| axis[*i])
}

/// "width 32, norm batch": a case in words.
pub fn words(axes: &[Axis], case: &Combination) -> String {
    let one =
        |(axis, i): (&Axis, &usize)| format!("{} {}", axis.name.replace('_', " "), axis.places[*i].name);
    axes.iter().zip(case).map(one).collect::<Vec<_>>().join(", ")
}

/// The axes as a result records them.
pub fn record(axes: &[Axis]) -> serde_json::Value {
    let one = |axis: &Axis| {
        let number = |x: f64| if x.is_finite() { json!(x) } else { serde_json::Value::Null };
        json!({
            "name": axis.name,
            "label": axis.label,
            "points": axis.places.iter().map(|p| p.name.clone()).collect::<Vec<_>>(),
            "at": axis.places.iter().map(|p| number(p.at)).collect::<Vec<_>>(),
        })
    };
    axes.iter().map(one).collect()
}
