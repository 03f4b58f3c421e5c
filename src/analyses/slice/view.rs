//! One network along one set of directions: its maps, and what they come to.

use super::SliceSettings;
use super::facts::{AXES, Coordinates, Facts, at_points, columns};
use crate::analyses::to_json;
use crate::base::Result;
use crate::base::log::Pieces;
use crate::landscape::geometry::non_convexity;
use crate::landscape::measures::{Computed, Finished, Measure};
use serde_json::{Map, Value, json};

/// Which points of a view were computed, where others are interpolated.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// A flag a point.
    pub there: Vec<bool>,
    /// The largest error that is expected of interpolated values, by map, relative to its range.
    pub errors: Vec<(String, f64)>,
}

/// One network along one set of directions.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// What was known before.
    pub facts: Facts,
    /// Maps by name, in the order of the file.
    pub maps: Vec<(String, Vec<f64>)>,
    /// Which points were computed; `None` for all.
    pub evaluated: Option<Evaluated>,
}

impl View {
    /// A view from one list of numbers a column, in their order; `evaluated` where some are interpolated.
    pub fn new(
        settings: &SliceSettings,
        facts: Facts,
        values: Vec<Vec<f64>>,
        evaluated: Option<Evaluated>,
    ) -> Self {
        let names = columns(settings, &facts);
        let maps = names.iter().map(|n| (*n).to_owned()).zip(values).collect();
        let mut view = Self { facts, maps, evaluated };
        let Coordinates(axes) = view.facts.coordinates();
        let none = Vec::new();
        for measure in settings.maps.iter().filter(|m| m.computed() != Computed::AtPoints) {
            let map = |name: &str| view.map(name);
            let over = Finished { x: &axes[0], y: axes.get(1).unwrap_or(&none), map: &map };
            let names = measure.maps().into_iter().map(|d| d.array.to_owned());
            let derived: Vec<(String, Vec<f64>)> = names.zip(measure.over(&over)).collect();
            view.maps.extend(derived);
        }
        view
    }

    /// A view all of whose points were computed.
    pub fn full(settings: &SliceSettings, facts: Facts, pieces: Pieces) -> Self {
        let width = columns(settings, &facts).len();
        let values = (0..width).map(|c| pieces.values().map(|row| row[c]).collect()).collect();
        Self::new(settings, facts, values, None)
    }

    /// The map called `name`; none where there is none.
    pub fn map(&self, name: &str) -> Vec<f64> {
        self.maps.iter().find(|(n, _)| n == name).map_or(Vec::new(), |(_, values)| values.clone())
    }

    /// The share of a plane's cells that curve downwards, where some are decided.
    pub fn curves_down(&self) -> Option<f64> {
        let Coordinates(axes) = self.facts.coordinates();
        let [x, y] = axes.as_slice() else { return None };
        non_convexity(x, y, &self.map("train_loss"), self.facts.precision.epsilon()).fraction
    }

    /// At how many points the map called `name` is no number though all others of its measure are.
    fn undefined(&self, measure: &impl Measure, name: &str) -> usize {
        let (own, others): (Vec<_>, Vec<_>) =
            measure.maps().into_iter().map(|d| d.array).partition(|array| *array == name);
        let finite = |names: &[&str], i: usize| {
            let at = |name: &&str| self.maps.iter().find(|(n, _)| n == *name).and_then(|(_, v)| v.get(i));
            names.iter().all(|name| at(name).is_some_and(|v| v.is_finite()))
        };
        (0..self.facts.points()).filter(|i| finite(&others, *i) && !finite(&own, *i)).count()
    }

    /// Where a map is least and greatest.
    fn extremes(&self, name: &str) -> Value {
        let coordinates = self.facts.coordinates();
        let values = self.map(name);
        let finite = || values.iter().enumerate().filter(|(_, v)| v.is_finite());
        let at = |found: Option<(usize, &f64)>| {
            found.map(|(i, v)| {
                let point = coordinates.at(i);
                let mut object: Map<String, Value> = AXES
                    .iter()
                    .zip(point)
                    .take(coordinates.0.len())
                    .map(|(n, c)| ((*n).to_owned(), json!(c)))
                    .collect();
                object.insert("value".to_owned(), json!(v));
                object
            })
        };
        let lowest = finite().min_by(|a, b| a.1.total_cmp(b.1));
        let highest = finite().max_by(|a, b| a.1.total_cmp(b.1));
        json!({"min": at(lowest), "max": at(highest), "not_finite": values.iter().filter(|v| !v.is_finite()).count()})
    }

    /// Scalars of the view, those known before included.
    pub fn summary(&self, settings: &SliceSettings) -> Result<Map<String, Value>> {
        let Value::Object(mut all) = to_json(&self.facts)? else { return Ok(Map::new()) };
        let mut put = |key: &str, value: Value| {
            all.insert(key.to_owned(), value);
        };
        for (name, _) in &self.maps {
            put(name, self.extremes(name));
        }
        for (measure, (name, why)) in at_points(settings).filter_map(|m| Some((m, m.undefined()?))) {
            let count = self.undefined(measure, name);
            let status = match count {
                0 => "computed".to_owned(),
                _ => format!("no number at {count} points, where {why}"),
            };
            if let Some(map) = all.get_mut(name) {
                map["status"] = status.into();
            }
        }
        let mut put = |key: &str, value: Value| {
            all.insert(key.to_owned(), value);
        };
        let holes = |name: &str| self.map(name).iter().filter(|v| !v.is_finite()).count();
        let (bad, test_bad) = (holes("train_loss"), holes("test_loss"));
        put("non_finite", json!(bad));
        put("test_non_finite", json!(test_bad));
        if let Some(evaluated) = &self.evaluated {
            let computed = evaluated.there.iter().filter(|e| **e).count();
            put("evaluated", json!(computed));
            put("spared", json!(evaluated.there.len() - computed));
            let errors = evaluated.errors.iter().map(|(name, error)| (name.clone(), json!(error)));
            put("interpolation_error", Value::Object(errors.collect()));
        }
        let Coordinates(axes) = self.facts.coordinates();
        let (fraction, undecided, why) = match axes.as_slice() {
            [x, y] => {
                let epsilon = self.facts.precision.epsilon();
                let found = non_convexity(x, y, &self.map("train_loss"), epsilon);
                let why = match found.fraction {
                    Some(_) if self.evaluated.is_some() => {
                        "computed, of points some of which are interpolated"
                    }
                    Some(_) => "computed",
                    None if x.len() < 3 || y.len() < 3 => "a side has fewer than 3 points",
                    None => "no cell is finite and curved beyond rounding",
                };
                (found.fraction, json!(found.undecided), why)
            }
            _ => (None, Value::Null, "of planes only"),
        };
        put("non_convexity", json!(fraction));
        put("non_convexity_status", json!(why));
        put("non_convexity_undecided", undecided);
        Ok(all)
    }
}
