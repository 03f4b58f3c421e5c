//! What came of a study: a table with a row a case and seed, arrays, figures, and the verdict.

use super::axis::{self, Combination};
use super::figures;
use super::recipe::{QUICK, Recipe};
use super::unit::Measured;
use super::verdict::{self, Expectation, Outcome, Table, Verdict};
use super::written::{CURVES, From, Measure, Take};
use crate::analyses::{Files, Saved, document};
use crate::base::npz::Npz;
use crate::base::statistics::quantile;
use crate::base::{self, Error, Result, files};
use crate::figure::Figure;
use serde_json::{Map, Value, json};
use std::path::Path;

/// A finished study.
#[derive(Clone, Debug)]
pub struct StudyResult {
    /// Everything but arrays and pictures.
    summary: Value,
    /// The measures, shape (axes..., seeds), and curves.
    arrays: Npz,
    /// As comma-separated values.
    table: String,
    figures: Vec<Figure>,
    /// Name of its files.
    stem: String,
}

/// The finished figures as data, so that they can be drawn again.
const FIGURES: &str = "figures.json";

/// The finite ones, ascending.
pub(super) fn finite(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<f64> = values.into_iter().filter(|x| x.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn number(x: f64) -> Value {
    if x.is_finite() { json!(x) } else { Value::Null }
}

/// What a measure takes of a curve.
fn of_curve(found: &Measured, curve: &str, take: Take, level: Option<(bool, f64)>) -> f64 {
    let values = found.curve(curve);
    let reached = |x: &f64| level.is_some_and(|(falls, at)| if falls { *x <= at } else { *x >= at });
    let first = |of: &str| {
        let i = values.iter().position(reached);
        i.and_then(|i| found.curve(of).get(i).copied()).unwrap_or(f64::NAN)
    };
    let fold = |of: fn(f64, f64) -> f64| values.iter().copied().fold(f64::NAN, of);
    match take {
        Take::Last => values.last().copied().unwrap_or(f64::NAN),
        Take::Min => fold(f64::min),
        Take::Max => fold(f64::max),
        Take::Step => first("step"),
        Take::Epoch => first("epoch"),
    }
}

impl Recipe {
    /// The measures of a unit of a case, in their order.
    pub fn values(&self, case: &Combination, found: &Measured) -> Vec<f64> {
        let place = |name: &str| {
            let axes = self.axes.iter().zip(case).find(|(axis, _)| axis.name == name);
            axes.map(|(axis, i)| axis.places[*i].at)
        };
        let mut values: Vec<f64> = Vec::new();
        for measure in &self.measures {
            let value = match &measure.from {
                From::Curve { curve, take, level } => of_curve(found, curve, *take, *level),
                From::Scalars(expression) => expression.value(&|name| {
                    let earlier = self.measures.iter().zip(&values).find(|(m, _)| m.name == name);
                    let earlier = earlier.map(|(_, x)| *x).or_else(|| place(name));
                    earlier.or_else(|| found.scalar(name)).unwrap_or(f64::NAN)
                }),
            };
            values.push(value);
        }
        values
    }
}

/// A study's numbers, ready to be judged and drawn.
pub(super) struct Numbers<'a> {
    pub recipe: &'a Recipe,
    /// For each measure a table of cases and seeds.
    pub tables: Vec<Table>,
    /// What each unit gave, seeds fastest.
    pub found: &'a [Measured],
}

impl Numbers<'_> {
    /// A measure and its numbers.
    pub fn measure(&self, name: &str) -> Option<(&Measure, &Table)> {
        self.recipe.measures.iter().zip(&self.tables).find(|(m, _)| m.name == name)
    }

    /// What a case gave, a seed each.
    pub fn case(&self, case: usize) -> &[Measured] {
        &self.found[case * self.recipe.seeds..][..self.recipe.seeds]
    }
}

impl StudyResult {
    pub(super) fn new(recipe: &Recipe, found: Vec<Measured>) -> Result<Self> {
        let case = |unit: usize| &recipe.cases[unit / recipe.seeds];
        let values: Vec<Vec<f64>> =
            found.iter().enumerate().map(|(unit, m)| recipe.values(case(unit), m)).collect();
        let table = |m: usize| -> Table {
            values.chunks(recipe.seeds).map(|units| units.iter().map(|u| u[m]).collect()).collect()
        };
        let tables = (0..recipe.measures.len()).map(table).collect();
        let numbers = Numbers { recipe, tables, found: &found };
        let none = Table::new();
        let judged = |e: &&Expectation| e.is_open(&recipe.axes, &recipe.cases);
        let outcomes: Vec<(&Expectation, Outcome)> = recipe
            .expectations
            .iter()
            .filter(judged)
            .enumerate()
            .map(|(i, expectation)| {
                let table = |name: &str| numbers.measure(name).map_or(&none, |(_, table)| table);
                (expectation, expectation.judge(i, &recipe.axes, &recipe.cases, &table))
            })
            .collect();
        Ok(Self {
            summary: summary(&numbers, &outcomes),
            arrays: arrays(&numbers),
            table: csv(&numbers),
            figures: figures::figures(&numbers)?,
            stem: "study".to_owned(),
        })
    }

    /// The same under the name of a command of its own.
    pub fn named(mut self, command: &str) -> Self {
        self.stem = command.to_owned();
        self.summary["command"] = command.into();
        self
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path, stem: &str) -> Result<Self> {
        let summary: Value = base::json::read(&directory.join(format!("{stem}.json")))?;
        let figures: Vec<Figure> = base::json::read(&directory.join(FIGURES))?;
        // They become files.
        figures.iter().try_for_each(|figure| files::within(directory, &figure.name).map(|_| ()))?;
        let arrays = Npz::read(&directory.join(format!("{stem}.npz")))?;
        Ok(Self { summary, arrays, table: String::new(), figures, stem: stem.to_owned() })
    }

    /// Everything but arrays and pictures.
    pub fn summary(&self) -> &Value {
        &self.summary
    }

    /// How all expectations together came out; none where nothing is expected.
    pub fn verdict(&self) -> Option<Verdict> {
        serde_json::from_value(self.summary["verdict"].clone()).ok()
    }

    /// The error of a study that did not come out as expected. At smoke scale numbers mean nothing, and there is none.
    pub fn unmet(&self) -> Option<Error> {
        let verdict = self.verdict().filter(|v| *v != Verdict::Holds)?;
        let smoke = self.summary["scale"] == QUICK;
        let name = self.summary["name"].as_str().unwrap_or_default();
        (!smoke).then(|| Error::unmet(format!("run: {name}"), format!("the claim: {}", verdict.words())))
    }
}

/// Cases and seeds summed up: for each measure median, quartiles, least and most over the seeds.
fn summary(numbers: &Numbers, outcomes: &[(&Expectation, Outcome)]) -> Value {
    let recipe = numbers.recipe;
    let cases: Vec<Value> = recipe
        .cases
        .iter()
        .enumerate()
        .map(|(c, case)| {
            let mut members = Map::new();
            for (axis, i) in recipe.axes.iter().zip(case) {
                members.insert(axis.name.clone(), axis.places[*i].name.clone().into());
            }
            for (measure, table) in recipe.measures.iter().zip(&numbers.tables) {
                let all = finite(table[c].iter().copied());
                let q = |q: f64| number(quantile(&all, q));
                let lost = table[c].len() - all.len();
                let over = json!({
                    "median": q(0.5),
                    "quartiles": [q(0.25), q(0.75)],
                    "min": q(0.0),
                    "max": q(1.0),
                    "mean": number(crate::base::statistics::mean(&all).0),
                    "seeds": all.len(),
                    "status": if lost == 0 { "computed".to_owned() } else { format!("{lost} of {} are no number", table[c].len()) },
                });
                members.insert(measure.name.clone(), over);
            }
            members.insert("title".to_owned(), numbers.case(c)[0].title.clone().into());
            Value::Object(members)
        })
        .collect();
    let expected: Vec<Value> = outcomes.iter().map(|(e, o)| verdict::record(o, e)).collect();
    let left_out = recipe.expectations.iter().filter(|e| !e.is_open(&recipe.axes, &recipe.cases));
    let all = Verdict::all(outcomes.iter().map(|(_, o)| o.verdict));
    let mut hashes: Vec<&Value> = numbers.found.iter().map(Measured::data_sha256).collect();
    hashes.sort_by_key(|h| h.to_string());
    hashes.dedup();
    let measure = |m: &Measure| json!({"name": m.name, "label": m.label});
    json!({
        "command": "run",
        "version": env!("CARGO_PKG_VERSION"),
        "status": "done",
        "name": recipe.name,
        "title": recipe.title,
        "claim": recipe.claim,
        "source": recipe.source,
        "note": recipe.note,
        "scale": recipe.scale,
        "seed": recipe.seed,
        "seeds": recipe.seeds,
        "data_sha256": hashes,
        "axes": axis::record(&recipe.axes),
        "measures": recipe.measures.iter().map(measure).collect::<Vec<_>>(),
        "cases": cases,
        "expected": expected,
        "not_judged": left_out.map(|e| e.that.as_str()).collect::<Vec<_>>(),
        "verdict": if outcomes.is_empty() { Value::Null } else { json!(all) },
        "recipe": recipe.record(),
    })
}

/// Each measure over axes and seeds, where points of axes stand, and the curves of training.
fn arrays(numbers: &Numbers) -> Npz {
    let recipe = numbers.recipe;
    let mut arrays = Npz::default();
    let mut shape: Vec<usize> = recipe.axes.iter().map(|a| a.places.len()).collect();
    shape.push(recipe.seeds);
    for axis in &recipe.axes {
        arrays.push(&axis.name, &[axis.places.len()], axis.positions());
    }
    let seeds: Vec<i64> = (0..recipe.seeds).map(|s| (recipe.seed + s as u64) as i64).collect();
    arrays.push("seed", &[recipe.seeds], seeds);
    for (measure, table) in recipe.measures.iter().zip(&numbers.tables) {
        arrays.push(&measure.name, &shape, table.concat());
    }
    if recipe.drawings.iter().any(|d| !d.curve.is_empty()) {
        let longest = numbers.found.iter().map(|m| m.curve("epoch").len()).max().unwrap_or(0);
        shape.push(longest);
        for name in CURVES {
            let padded = |m: &Measured| {
                let mut curve = m.curve(name);
                curve.resize(longest, f64::NAN);
                curve
            };
            let all: Vec<f64> = numbers.found.iter().flat_map(padded).collect();
            arrays.push(&format!("curve_{name}"), &shape, all);
        }
    }
    arrays
}

/// A row a case and seed.
fn csv(numbers: &Numbers) -> String {
    let recipe = numbers.recipe;
    let quoted = |text: &str| {
        if text.contains([',', '"', '\n']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let line = |cells: Vec<String>| format!("{}\n", cells.join(","));
    let axes = recipe.axes.iter().map(|a| a.name.clone());
    let measures = recipe.measures.iter().map(|m| m.name.clone());
    let mut text = line(axes.chain(["seed".to_owned()]).chain(measures).collect());
    for (c, case) in recipe.cases.iter().enumerate() {
        for s in 0..recipe.seeds {
            let places = recipe.axes.iter().zip(case).map(|(axis, i)| quoted(&axis.places[*i].name));
            let seed = (recipe.seed + s as u64).to_string();
            let values = numbers.tables.iter().map(|t| t[c][s].to_string());
            text += &line(places.chain([seed]).chain(values).collect());
        }
    }
    text
}

impl Saved for StudyResult {
    fn files(&self) -> Result<Files> {
        let mut npz = std::io::Cursor::new(Vec::new());
        let name = format!("{}.npz", self.stem);
        self.arrays.write_to(&mut npz).map_err(|e| Error::machine(&name, e))?;
        let figures = serde_json::to_vec(&self.figures).map_err(|e| Error::machine(FIGURES, e))?;
        Ok(vec![
            (name, npz.into_inner()),
            (format!("{}.csv", self.stem), self.table.clone().into_bytes()),
            (FIGURES.to_owned(), figures),
            (format!("{}.json", self.stem), document(&self.summary)),
        ])
    }

    fn json(&self) -> Result<Value> {
        Ok(self.summary.clone())
    }

    fn figures(&self) -> Vec<Figure> {
        self.figures.clone()
    }
}
