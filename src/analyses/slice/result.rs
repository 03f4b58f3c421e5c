//! What is known of a slice after its last point: arrays, scalars, files; and the same read back.

use super::SliceSettings;
use super::facts::{AXES, Coordinates, Facts, at_points, columns};
use super::figures::CUTS;
use super::view::{Evaluated, View};
use crate::analyses::stored;
use crate::analyses::{Files, Saved, archive, document, to_json};
use crate::base::npz::{Npz, Values};
use crate::base::statistics::quantile;
use crate::base::tensors::{Tensor, TensorFile};
use crate::base::{Error, Result, files, vtk};
use crate::figure::Figure;
use crate::landscape::measures::{Computed, Measure};
use serde_json::{Map, Value, json};
use std::path::Path;

/// A finished slice.
#[derive(Clone, Debug)]
pub struct SliceResult {
    pub(super) settings: SliceSettings,
    summary: Map<String, Value>,
    pub(super) views: Vec<View>,
    directions: Option<TensorFile>,
}

/// SHA-256 of a view's directions: names, after `prefix`, and numbers.
pub fn sha256(tensors: &[Tensor], prefix: String) -> String {
    let own = tensors.iter().filter_map(|t| {
        let name = t.name.strip_prefix(&prefix)?.to_owned();
        Some(Tensor { name, ..t.clone() })
    });
    files::sha256(&TensorFile { metadata: Default::default(), tensors: own.collect() }.to_bytes())
}

impl SliceResult {
    /// What stands before the names of a view's directions.
    pub fn prefix(view: usize, views: usize) -> String {
        if views > 1 { format!("{view}/") } else { String::new() }
    }

    /// SHA-256 of the directions of one view among all.
    pub fn directions_sha256(file: &TensorFile, view: usize, views: usize) -> String {
        sha256(&file.tensors, Self::prefix(view, views))
    }

    /// Puts finished views together.
    pub fn assemble(
        settings: &SliceSettings,
        views: Vec<View>,
        directions: Option<TensorFile>,
    ) -> Result<Self> {
        let summaries: Vec<Map<String, Value>> =
            views.iter().map(|v| v.summary(settings)).collect::<Result<_>>()?;
        let count = |key: &str| summaries.iter().filter_map(|s| s[key].as_u64()).sum::<u64>();
        let repeated = match settings.repeat {
            super::Repeat::Until(share) => Some(super::draws::summary(&views, share, settings.seed)),
            super::Repeat::Times(_) => None,
        };
        let hidden = settings.typical.then(|| super::typical::summary(&views));
        let holes = count("non_finite") + count("test_non_finite") + missing(settings, &views) as u64;
        let mut summary = Map::new();
        if views.len() == 1 {
            summary.extend(summaries.into_iter().flatten());
        } else {
            summary.insert("non_convexity".to_owned(), spread(&views, &summaries));
            summary.insert("title".to_owned(), json!(common(views.iter().map(|v| v.facts.title.as_str()))));
            summary.insert("views".to_owned(), json!(summaries));
        }
        let status = if holes == 0 { "done" } else { "done, with non-finite points" };
        let own = json!({
            "command": "slice",
            "version": env!("CARGO_PKG_VERSION"),
            "status": status,
            "settings": settings,
            "seed": settings.seed,
        });
        if let Value::Object(own) = own {
            summary.extend(own);
        }
        summary.extend(repeated.map(|draws| ("draws".to_owned(), draws)));
        summary.extend(hidden.map(|typical| ("typical".to_owned(), typical)));
        Ok(Self { settings: settings.clone(), summary, views, directions })
    }

    /// One scalar of the summary, by its path; of the first view, where there are several.
    pub fn scalar(&self, path: &[&str]) -> Option<f64> {
        self.view_scalar(0, path)
    }

    /// One scalar of a view, by its path.
    pub fn view_scalar(&self, view: usize, path: &[&str]) -> Option<f64> {
        let (first, rest) = path.split_first()?;
        let own = self.summary.get("views").and_then(|v| v.get(view)?.get(*first));
        let start = own.or_else(|| self.summary.get(*first))?;
        rest.iter().try_fold(start, |v, key| v.get(key))?.as_f64()
    }

    /// Where the training loss is least on the grid, and how much it is there; of the first view.
    pub fn minimum(&self) -> Option<(f64, f64, f64)> {
        let at = |key| self.scalar(&["train_loss", "min", key]);
        Some((at("x")?, at("y").unwrap_or(0.0), at("value")?))
    }

    /// The views.
    pub fn views(&self) -> &[View] {
        &self.views
    }

    /// The settings, resolved.
    pub fn settings(&self) -> &SliceSettings {
        &self.settings
    }

    /// The scalars.
    pub fn summary(&self) -> &Map<String, Value> {
        &self.summary
    }

    /// The arrays as they are saved. Several views stand one behind the other along a first axis.
    fn arrays(&self) -> Npz {
        let mut arrays = Npz::default();
        let Some(first) = self.views.first() else { return arrays };
        let several = self.views.len() > 1;
        let shape = first.facts.shape();
        let stacked = |shape: &[usize]| {
            let leading: &[usize] = if several { &[self.views.len()] } else { &[] };
            [leading, shape].concat()
        };
        let axes: Vec<Coordinates> = self.views.iter().map(|v| v.facts.coordinates()).collect();
        for (k, axis) in axes[0].0.iter().enumerate() {
            if axes.iter().all(|c| c.0[k] == *axis) {
                arrays.push(AXES[k], &[axis.len()], axis.clone())
            } else {
                let all: Vec<f64> = axes.iter().flat_map(|c| c.0[k].clone()).collect();
                arrays.push(AXES[k], &[axes.len(), axis.len()], all);
            }
        }
        if several {
            let seeds: Vec<i64> = self.views.iter().map(|v| v.facts.seed as i64).collect();
            arrays.push("seed", &[seeds.len()], seeds);
        }
        for (name, _) in &first.maps {
            let values: Vec<f64> = self.views.iter().flat_map(|v| v.map(name)).collect();
            // Networks with and without test samples, or a subset, do not have the same maps.
            if values.len() == self.views.len() * shape.iter().product::<usize>() {
                arrays.push(name, &stacked(&shape), values);
            }
        }
        if self.views.iter().all(|v| v.evaluated.is_some()) {
            let all = self.views.iter().filter_map(|v| v.evaluated.as_ref()).flat_map(|e| &e.there);
            arrays.push("evaluated", &stacked(&shape), all.map(|e| i64::from(*e)).collect::<Vec<i64>>());
        }
        for (v, view) in self.views.iter().enumerate() {
            // Those of other runs in the same slice are numbered from 1 on.
            let own = view
                .facts
                .trail
                .iter()
                .map(|trail| (if several { format!("_{v}") } else { String::new() }, trail));
            let others = view.facts.others.iter().zip(1..).map(|(other, k)| (format!("_{k}"), &other.trail));
            for (suffix, trail) in own.chain(others) {
                let mut push = |name: &str, values: Values| {
                    arrays.push(&format!("path_{name}{suffix}"), &[trail.steps.len()], values)
                };
                push("step", trail.steps.iter().map(|s| *s as i64).collect::<Vec<i64>>().into());
                for (name, values) in AXES.iter().zip(&trail.coordinates) {
                    push(name, values.clone().into());
                }
                push("residual", trail.residuals.clone().into());
                push(
                    "train_loss",
                    trail.train_loss.iter().map(|l| l.unwrap_or(f64::NAN)).collect::<Vec<f64>>().into(),
                );
            }
        }
        arrays
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path) -> Result<Self> {
        let (summary, at): (Map<String, Value>, String) = stored::summary(directory, "slice")?;
        let bad = |e: serde_json::Error| Error::value(&at, &e.to_string());
        let settings = summary.get("settings").cloned();
        let settings = settings.ok_or_else(|| Error::expected(&at, "`settings` of a slice", "none"))?;
        let settings: SliceSettings = serde_json::from_value(settings).map_err(bad)?;
        let facts: Vec<Facts> = match summary.get("views") {
            Some(views) => serde_json::from_value(views.clone()).map_err(bad)?,
            None => vec![serde_json::from_value(Value::Object(summary.clone())).map_err(bad)?],
        };
        if facts.is_empty() {
            return Err(Error::expected(format!("{at}: views"), "at least one", "none"));
        }
        facts.iter().try_for_each(|f| f.check(&at, &settings))?;
        let path = directory.join("slice.npz");
        let (arrays, at) = (Npz::read(&path)?, files::named(&path));
        let views = facts.len();
        let mut all: Vec<View> = Vec::new();
        for (v, facts) in facts.into_iter().enumerate() {
            let shape = facts.shape();
            let stacked = if views > 1 { [vec![views], shape.clone()].concat() } else { shape.clone() };
            let points = facts.points();
            let part = |name: &str| {
                let array = arrays.get(name)?;
                let start = v.checked_mul(points)?;
                Some(array.to_f64().get(start..start.checked_add(points)?)?.to_vec())
            };
            let mut maps = Vec::new();
            let derived = settings.maps.iter().filter(|m| m.computed() != Computed::AtPoints);
            let names = columns(&settings, &facts).into_iter();
            let names = names.chain(derived.flat_map(|m| m.maps()).map(|d| d.array));
            for name in names {
                let found = arrays.get(name).map(|a| a.shape.clone());
                match found {
                    Some(found) if found == stacked => {
                        maps.push((name.to_owned(), part(name).unwrap_or_default()))
                    }
                    // A map that not all views have was not saved.
                    None if views > 1 => {}
                    found => {
                        let expected = format!("shape {stacked:?}");
                        let found = found.map_or("no array".to_owned(), |s| format!("{s:?}"));
                        return Err(Error::expected(format!("{at}: {name}"), expected, found));
                    }
                }
            }
            let marked = arrays.get("evaluated").is_some_and(|a| a.shape == stacked);
            let there = part("evaluated").filter(|_| marked).map(|e| e.iter().map(|x| *x != 0.0).collect());
            let evaluated = there.map(|there| Evaluated { there, errors: Vec::new() });
            all.push(View { facts, maps, evaluated });
        }
        for (k, name) in AXES.iter().enumerate().take(settings.dimensions()) {
            let expected: Vec<f64> = all[0].facts.coordinates().0[k].clone();
            let found = arrays.get(name).map_or(Vec::new(), |a| a.to_f64());
            if found.get(..expected.len()) != Some(&expected) {
                return Err(Error::expected(format!("{at}: {name}"), "the points of slice.json", "others"));
            }
        }
        Ok(Self { settings, summary, views: all, directions: None })
    }

    /// Files for ParaView.
    fn vtk(&self) -> Result<Files> {
        let mut all = Files::new();
        let several = self.views.len() > 1;
        for (v, view) in self.views.iter().enumerate() {
            let Coordinates(axes) = view.facts.coordinates();
            let maps: Vec<(&str, &[f64])> =
                view.maps.iter().map(|(n, m)| (n.as_str(), m.as_slice())).collect();
            let stem = if several { format!("slice-{v}") } else { "slice".to_owned() };
            let still = [0.0];
            let axis = |k: usize| axes.get(k).map_or(&still[..], Vec::as_slice);
            all.push((format!("{stem}.vti"), vtk::image([axis(0), axis(1), axis(2)], &maps)?));
            if axes.len() == 2 {
                let heights = view.map("train_loss");
                all.push((format!("{stem}.vtp"), vtk::surface(axis(0), axis(1), &heights, &maps)?));
            }
        }
        Ok(all)
    }
}

/// Points where the loss is finite and a measure is not, though it has a number there.
pub(super) fn missing(settings: &SliceSettings, views: &[View]) -> usize {
    let none =
        |array: &str| at_points(settings).any(|m| m.undefined().is_some_and(|(name, _)| name == array));
    let maps = at_points(settings).flat_map(|m| m.maps()).map(|d| d.array);
    let maps: Vec<&str> = maps.filter(|array| !none(array)).collect();
    let of = |view: &View| {
        let loss = view.map("train_loss");
        let maps: Vec<Vec<f64>> = maps.iter().map(|name| view.map(name)).collect();
        (0..loss.len()).filter(|i| loss[*i].is_finite() && maps.iter().any(|m| !m[*i].is_finite())).count()
    };
    views.iter().map(of).sum()
}

/// What all titles have in common, or how many there are.
fn common<'a>(titles: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = titles.collect();
    all.dedup();
    match all.as_slice() {
        [one] => (*one).to_owned(),
        some => format!("{} networks", some.len()),
    }
}

/// The non-convexity of each network over its draws.
fn spread(views: &[View], summaries: &[Map<String, Value>]) -> Value {
    let mut labels: Vec<&str> = views.iter().map(|v| v.facts.label.as_str()).collect();
    labels.dedup();
    let of = |label: &&str| {
        let own = views.iter().zip(summaries).filter(|(v, _)| v.facts.label == **label);
        let values: Vec<Option<f64>> = own.map(|(_, s)| s["non_convexity"].as_f64()).collect();
        let mut known: Vec<f64> = values.iter().flatten().copied().collect();
        known.sort_by(f64::total_cmp);
        let number = |q: f64| Some(quantile(&known, q)).filter(|x| x.is_finite());
        json!({
            "label": label,
            "median": number(0.5),
            "quartiles": [number(0.25), number(0.75)],
            "min": number(0.0),
            "max": number(1.0),
            "values": values,
        })
    };
    json!(labels.iter().map(of).collect::<Vec<Value>>())
}

impl Saved for SliceResult {
    fn files(&self) -> Result<Files> {
        let mut files = vec![archive("slice.npz", &self.arrays())?];
        if let Some(directions) = &self.directions {
            files.push((super::shard::DIRECTIONS.to_owned(), directions.to_bytes()));
        }
        if self.settings.vtk || self.settings.dimensions() == 3 {
            files.extend(self.vtk()?);
        }
        files.push(("slice.json".to_owned(), document(&self.json()?)));
        Ok(files)
    }

    fn json(&self) -> Result<Value> {
        to_json(&self.summary)
    }

    fn figures(&self) -> Vec<Figure> {
        let mut all = super::figures::figures(&self.settings, &self.views, CUTS);
        all.extend(super::figures::draws(self));
        all
    }

    fn stacks(&self) -> Vec<Figure> {
        match self.settings.dimensions() {
            3 => super::figures::figures(&self.settings, &self.views, usize::MAX),
            _ => Vec::new(),
        }
    }
}
