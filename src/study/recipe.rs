//! A recipe: the claim, what varies, what is trained and measured, what is expected, which figures are drawn.

use super::axis::{Axis, Combination, OneOrMore, Vary, chosen, combinations};
use super::expression::Expression;
use super::overlay::{Change, lay};
use super::pass::Pass;
use super::verdict::Expectation;
use super::written::{
    CURVES, Drawing, From, Measure, MeasureEntry, ScaleEntry, Take, below, count, entries, entry, text,
};
use crate::analyses::analysis::Entry;
use crate::analyses::{ANALYSES, DataSettings};
use crate::base::registry::unknown;
use crate::base::section::{Section, Settings};
use crate::base::{Error, Result};
use crate::train::settings::SHORTHANDS;
use crate::train::{TrainSettings, exported};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use toml::{Table, Value};

/// A recipe that was found to make sense.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// What it is called: the file's name.
    pub name: String,
    /// What was done, as figures say it.
    pub title: String,
    /// What is claimed.
    pub claim: String,
    /// By whom.
    pub source: String,
    /// What has to be known beside the numbers.
    pub note: String,
    /// Where the result goes.
    pub out: Option<PathBuf>,
    /// Seeds of each case,
    pub seeds: usize,
    /// from this one on.
    pub seed: u64,
    /// What varies.
    pub axes: Vec<Axis>,
    /// The cases: all combinations.
    pub cases: Vec<Combination>,
    /// Whether networks are trained.
    pub trains: bool,
    /// The analyses: what each is called, and its kind.
    pub passes: Vec<(String, &'static Entry)>,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// What is expected.
    pub expectations: Vec<Expectation>,
    /// What is drawn.
    pub drawings: Vec<Drawing>,
    /// `full`, `quick` or another scale.
    pub scale: String,
    sections: BTreeMap<String, Section>,
    /// What is trained where no axis says otherwise.
    training: Option<Settings<TrainSettings>>,
    changes: Vec<Change>,
    /// How many training samples there are, by what decides it, where no more than that may be asked for.
    available: BTreeMap<String, usize>,
}

/// What is asked for beside the recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Another number of seeds.
    pub seeds: Option<usize>,
    /// The name of a scale.
    pub scale: Option<String>,
    /// Changes to settings.
    pub changes: Vec<Change>,
    /// Other points of axes.
    pub vary: BTreeMap<String, Vec<Value>>,
}

/// The smoke scale, which every recipe has.
pub const QUICK: &str = "quick";
/// The scale of a recipe as it stands.
pub const FULL: &str = "full";

/// Training samples at the smoke scale, if the recipe does not have fewer.
const FEW: i64 = 128;
const MOST_SEEDS: usize = 10_000;
const MOST_UNITS: usize = 100_000;

/// What decides which training samples there are.
fn source(settings: &TrainSettings) -> String {
    let TrainSettings { data, data_seed, preparation, .. } = settings;
    serde_json::json!([data, data_seed, preparation]).to_string()
}

impl Recipe {
    /// A recipe of this name from its table. Whatever can be refused before training is refused here.
    pub fn new(name: &str, mut top: Section, asked: &Asked) -> Result<Self> {
        let top = &mut top;
        let (title, claim) = (text(top, "title")?, text(top, "claim")?);
        let (source, note, out) = (text(top, "source")?, text(top, "note")?, below(top, "out")?);
        let (seeds, seed) = (count(top, "seeds")?.unwrap_or(1) as usize, count(top, "seed")?.unwrap_or(0));
        let varies: Vec<(String, Vary)> = entries(top, "vary")?;
        let measures: Vec<(String, MeasureEntry)> = entries(top, "measure")?;
        let expectations: Vec<(String, Expectation)> = entries(top, "expect")?;
        let drawings: Vec<(String, Drawing)> = entries(top, "figure")?;
        let mut sections = BTreeMap::new();
        let trains = match top.section("train")? {
            Some(section) => sections.insert("train".to_owned(), section).is_none(),
            None => false,
        };
        let passes = Self::passes(top, &mut sections)?;
        let scales = Self::scales(top)?;
        let at = top.at("recipe");
        std::mem::take(top).finish()?;
        let mut axes = Vec::new();
        let mut others = Vec::new();
        for (at, mut vary) in varies {
            if axes.iter().any(|a: &Axis| a.name == vary.name) {
                return Err(Error::expected(at, "axes of different names", format!("`{}` twice", vary.name)));
            }
            axes.push(vary.axis(&at)?);
            if let Some(values) = asked.vary.get(&vary.name) {
                (vary.values, vary.names, vary.at) = (values.clone(), Vec::new(), Vec::new());
                others.push(vary.axis(&at)?);
            }
        }
        let mut this = Self {
            name: name.to_owned(),
            title: if title.is_empty() { name.replace('-', " ") } else { title },
            claim,
            source,
            note,
            out,
            seeds,
            seed,
            axes,
            cases: Vec::new(),
            trains,
            passes,
            measures: Vec::new(),
            expectations: Vec::new(),
            drawings: Vec::new(),
            scale: FULL.to_owned(),
            sections,
            training: None,
            changes: Vec::new(),
            available: BTreeMap::new(),
        };
        this.read_parts(&at, measures, expectations, drawings)?;
        // What is expected and drawn names points of the recipe's own axes; of others it finds what is there.
        for other in others {
            this.axes.iter_mut().filter(|a| a.name == other.name).for_each(|a| *a = other.clone());
        }
        this.rescale(&at, scales, asked)?;
        this.seeds = asked.seeds.unwrap_or(this.seeds);
        if !(1..=MOST_SEEDS).contains(&this.seeds) {
            return Err(Error::expected(format!("{at}: seeds"), format!("1 to {MOST_SEEDS}"), this.seeds));
        }
        this.changes.extend(asked.changes.iter().cloned());
        let units = this.axes.iter().try_fold(this.seeds, |n, a| n.checked_mul(a.places.len()));
        match units {
            Some(n) if n <= MOST_UNITS => {}
            _ => return Err(Error::expected(at, format!("at most {MOST_UNITS} cases times seeds"), "more")),
        }
        this.cases = combinations(&this.axes);
        this.check_settings()?;
        this.count_samples()?;
        Ok(this)
    }

    /// Takes what is measured, expected and drawn, over all points of the axes.
    fn read_parts(
        &mut self,
        at: &str,
        measures: Vec<(String, MeasureEntry)>,
        expectations: Vec<(String, Expectation)>,
        drawings: Vec<(String, Drawing)>,
    ) -> Result<()> {
        for (at, measure) in measures {
            let measure = self.measure(&at, measure)?;
            self.measures.push(measure);
        }
        let names: Vec<&str> = self.measures.iter().map(|m| m.name.as_str()).collect();
        for (at, expectation) in &expectations {
            expectation.check(at, &self.axes, &names)?;
        }
        self.expectations = expectations.into_iter().map(|e| e.1).collect();
        for (at, drawing) in &drawings {
            self.check_drawing(at, drawing)?;
        }
        self.drawings = drawings.into_iter().map(|d| d.1).collect();
        if self.measures.is_empty() {
            return Err(Error::expected(at, "something to measure, as [[measure]]", "nothing"));
        }
        Ok(())
    }

    fn passes(
        top: &mut Section,
        sections: &mut BTreeMap<String, Section>,
    ) -> Result<Vec<(String, &'static Entry)>> {
        let at = top.at("pass");
        let table = match top.value("pass") {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => return Err(Error::expected(at, "tables, as [pass.NAME]", other.type_str())),
        };
        let mut passes = Vec::new();
        for (name, value) in table {
            let at = format!("{at}.{name}");
            let Value::Table(table) = value else {
                return Err(Error::expected(at, "a table", value.type_str()));
            };
            let mut section = Section::new(&at, table);
            let kind = match section.value("kind") {
                None => name.clone(),
                Some(Value::String(kind)) => kind,
                Some(other) => return Err(Error::expected(section.at("kind"), "a text", other)),
            };
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name == "train" || !name.chars().all(word) {
                let expected = "a name of letters, digits and underscores, with the `kind` beside it";
                return Err(Error::expected(at, expected, format!("`{name}`")));
            }
            let found = ANALYSES.iter().find(|a| a.name == kind);
            let Some(analysis) = found else {
                return Err(unknown(&at, &kind, ANALYSES.iter().map(|a| a.name)));
            };
            sections.insert(name.clone(), section);
            passes.push((name, analysis));
        }
        Ok(passes)
    }

    fn scales(top: &mut Section) -> Result<BTreeMap<String, ScaleEntry>> {
        let at = top.at("scale");
        match top.value("scale") {
            None => Ok(BTreeMap::new()),
            Some(Value::Table(table)) => {
                let one = |(name, value): (String, Value)| {
                    let at = format!("{at}.{name}");
                    Ok((name, entry(&at, value)?))
                };
                table.into_iter().map(one).collect()
            }
            Some(other) => Err(Error::expected(at, "tables, as [scale.NAME]", other.type_str())),
        }
    }

    /// Makes it smaller or larger.
    fn rescale(&mut self, at: &str, mut scales: BTreeMap<String, ScaleEntry>, asked: &Asked) -> Result<()> {
        for (name, scale) in &scales {
            super::axis::check(&format!("{at}: scale.{name}"), &self.axes, &scale.vary)?;
        }
        let Some(name) = asked.scale.as_deref().filter(|name| *name != FULL) else { return Ok(()) };
        self.scale = name.to_owned();
        let change = |path: String, value: Value| Change { at: format!("scale {name}"), path, value };
        if name == QUICK {
            for (pass, analysis) in &self.passes {
                for (key, value) in analysis.quick {
                    let value = crate::base::registry::parse_value(value);
                    self.changes.push(change(format!("{pass}.{key}"), value));
                }
            }
        }
        let scale = match scales.remove(name) {
            Some(scale) => scale,
            None if name == QUICK => {
                // The ends of each axis, trained for an epoch on a few samples.
                let own = self.sections.get("train").and_then(|s| s.table().get("samples")?.as_integer());
                let few = [
                    ("epochs", Value::Integer(1)),
                    ("samples", Value::Integer(own.map_or(FEW, |own| own.min(FEW)))),
                    ("warmup", Value::Float(0.0)),
                ];
                let set = few.into_iter().filter(|_| self.trains);
                let ends = |a: &Axis| {
                    let ends = [a.places.first(), a.places.last()].into_iter().flatten();
                    (a.name.clone(), Value::Array(ends.map(|p| Value::String(p.name.clone())).collect()))
                };
                ScaleEntry {
                    seeds: Some(self.seeds.min(2)),
                    set: set.map(|(key, value)| (format!("train.{key}"), value)).collect(),
                    vary: self.axes.iter().map(ends).collect(),
                }
            }
            None => {
                let names = scales.keys().map(String::as_str).chain([QUICK, FULL]);
                return Err(unknown("--scale", name, names));
            }
        };
        let keep = chosen(&self.axes, &scale.vary);
        for (axis, keep) in self.axes.iter_mut().zip(keep) {
            let mut keep = keep.into_iter();
            axis.places.retain(|_| keep.next().unwrap_or(true));
        }
        self.seeds = scale.seeds.unwrap_or(self.seeds);
        self.changes.extend(scale.set.into_iter().map(|(path, value)| change(path, value)));
        Ok(())
    }

    fn measure(&self, at: &str, entry: MeasureEntry) -> Result<Measure> {
        let MeasureEntry { name, label, of, curve, falls_to, rises_to, take, scale, centre, dashed } = entry;
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let taken = self.axes.iter().map(|a| &a.name).chain(self.measures.iter().map(|m| &m.name));
        if name.is_empty() || !name.chars().all(word) || taken.into_iter().any(|other| *other == name) {
            let expected = "a `name` of letters, digits and underscores that nothing else has";
            return Err(Error::expected(at, expected, format!("`{name}`")));
        }
        let level = falls_to.map(|x| (true, x)).or(rises_to.map(|x| (false, x)));
        let from = match (of.is_empty(), curve.is_empty()) {
            (false, true) => {
                if level.is_some() || take != Take::Last {
                    return Err(Error::expected(at, "`curve` where a level or `take` is given", "`of`"));
                }
                let at = format!("{at}: of");
                let expression = Expression::parse(&at, &of)?;
                for name in expression.names() {
                    self.check_name(&at, name)?;
                }
                From::Scalars(expression)
            }
            (true, false) => {
                if !CURVES.contains(&curve.as_str()) {
                    return Err(unknown(&format!("{at}: curve"), &curve, CURVES));
                }
                if !self.trains {
                    return Err(Error::expected(at, "a [train] for a curve of training", "none"));
                }
                match (take, level, falls_to.is_some() && rises_to.is_some()) {
                    (_, _, true) => return Err(Error::expected(at, "falls-to or rises-to", "both")),
                    (Take::Step | Take::Epoch, None, _) => {
                        return Err(Error::expected(at, "a level, falls-to or rises-to", "none"));
                    }
                    (Take::Last | Take::Min | Take::Max, Some(_), _) => {
                        return Err(Error::expected(
                            at,
                            "take = \"step\" or \"epoch\" with a level",
                            "another",
                        ));
                    }
                    _ => {}
                }
                From::Curve { curve, take, level }
            }
            _ => return Err(Error::expected(at, "`of` or `curve`", "none or both")),
        };
        let label = if label.is_empty() { name.replace('_', " ") } else { label };
        Ok(Measure { name, label, scale, centre, dashed, from })
    }

    /// Refuses a name whose analysis is not there; whether the analysis has such a scalar is found by trying it.
    fn check_name(&self, at: &str, name: &str) -> Result<()> {
        let mut known: Vec<&str> = self.measures.iter().map(|m| m.name.as_str()).collect();
        known.extend(self.axes.iter().filter(|a| a.is_numeric()).map(|a| a.name.as_str()));
        if known.contains(&name) {
            return Ok(());
        }
        known.extend(self.trains.then_some("train"));
        known.extend(self.passes.iter().map(|p| p.0.as_str()));
        let head = name.split('.').next().unwrap_or_default();
        if known.contains(&head) { Ok(()) } else { Err(unknown(at, head, known)) }
    }

    fn check_drawing(&self, at: &str, drawing: &Drawing) -> Result<()> {
        super::axis::check(at, &self.axes, &drawing.condition)?;
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if drawing.name.is_empty() || !drawing.name.chars().all(word) {
            let expected = "a `name` of letters, digits, - and _";
            return Err(Error::expected(at, expected, format!("`{}`", drawing.name)));
        }
        let measures = || self.measures.iter().map(|m| m.name.as_str());
        let axes = || self.axes.iter().map(|a| a.name.as_str());
        let sorts = [!drawing.y.is_empty(), !drawing.curve.is_empty(), !drawing.of.is_empty()];
        if sorts.into_iter().filter(|s| *s).count() != 1 {
            return Err(Error::expected(at, "one of `y`, `curve` and `of`", "none or several"));
        }
        let gridded = [("grid", &drawing.grid), ("x", &drawing.x)].map(|key| (key, !drawing.grid.is_empty()));
        let others = [("by", &drawing.by), ("panels", &drawing.panels)].map(|key| (key, !key.1.is_empty()));
        for ((key, name), given) in gridded.into_iter().chain(others) {
            if given && !axes().any(|a| a == name) {
                return Err(unknown(&format!("{at}: {key}"), name, axes()));
            }
        }
        if !drawing.grid.is_empty() && drawing.grid == drawing.x {
            return Err(Error::expected(at, "two axes, as `x` and `grid`", format!("`{}` twice", drawing.x)));
        }
        let used = [&drawing.x, &drawing.by].into_iter().any(|name| *name == drawing.panels);
        let of_panels = drawing.grid.is_empty() && drawing.of.is_empty() && !used;
        if !drawing.panels.is_empty() && !of_panels {
            let expected = "an axis that is neither `x` nor `by`, without `grid` and `of`, for `panels`";
            return Err(Error::expected(at, expected, format!("`{}`", drawing.panels)));
        }
        for name in drawing.y.iter().flat_map(OneOrMore::all) {
            if !measures().any(|m| m == name) {
                return Err(unknown(&format!("{at}: y"), name, measures()));
            }
        }
        if !drawing.y.is_empty() && !axes().chain(measures()).any(|n| n == drawing.x) {
            return Err(unknown(&format!("{at}: x"), &drawing.x, axes().chain(measures())));
        }
        for line in drawing.lines.iter().filter(|line| !line.measure.is_empty()) {
            if !measures().any(|m| m == line.measure) {
                return Err(unknown(&format!("{at}: lines: measure"), &line.measure, measures()));
            }
        }
        for name in &drawing.curve {
            if !CURVES.contains(&name.as_str()) {
                return Err(unknown(&format!("{at}: curve"), name, CURVES));
            }
            if !self.trains {
                return Err(Error::expected(at, "a [train] for curves of training", "none"));
            }
        }
        if !drawing.of.is_empty() {
            let (pass, figure) = drawing.of.split_once('.').unwrap_or((&drawing.of, ""));
            let known = || self.passes.iter().map(|p| p.0.as_str());
            if !known().any(|name| name == pass) {
                return Err(unknown(&format!("{at}: of"), pass, known()));
            }
            if figure.is_empty() {
                return Err(Error::expected(format!("{at}: of"), "PASS.figure", format!("`{pass}`")));
            }
        }
        Ok(())
    }

    /// Reads the settings of every case once, so that nothing is refused after hours.
    fn check_settings(&mut self) -> Result<()> {
        let known = || self.sections.keys().map(String::as_str);
        let changes = self.axes.iter().flat_map(|a| &a.places).flat_map(|p| &p.changes);
        for change in changes.chain(&self.changes) {
            let (section, inner) = change.parts();
            if !self.sections.contains_key(section) {
                return Err(unknown(&format!("{}: `{}`", change.at, change.path), section, known()));
            }
            if inner.is_empty() {
                let at = &change.at;
                return Err(Error::expected(at, "SECTION.setting", format!("`{}`", change.path)));
            }
        }
        if let (true, Some(mut section)) = (self.trains, self.sections.get("train").cloned()) {
            self.training = Some(section.settings(TrainSettings::default(), SHORTHANDS)?);
            section.finish()?;
        }
        for case in self.cases.iter().filter(|_| self.trains) {
            self.train(case, 0)?.check()?;
        }
        for (index, (name, _)) in self.passes.iter().enumerate() {
            // Most axes change training alone.
            let mut seen = BTreeSet::new();
            for case in &self.cases {
                if seen.insert(format!("{:?}", self.changes(case, name)?))
                    && self.pass(case, index)?.networks > 0
                    && !self.trains
                {
                    let expected = format!("[train] for the networks of pass.{name}");
                    return Err(Error::expected(&self.name, expected, "none"));
                }
            }
        }
        Ok(())
    }

    fn changes(&self, case: &Combination, section: &str) -> Result<Vec<Change>> {
        let along = || self.axes.iter().zip(case).map(|(axis, i)| (axis, &axis.places[*i]));
        let numbers: Vec<(&str, f64)> = along()
            .filter(|(axis, _)| axis.is_numeric())
            .map(|(axis, p)| (axis.name.as_str(), p.at))
            .collect();
        let all = along().flat_map(|(_, place)| &place.changes).chain(&self.changes);
        all.filter(|change| change.parts().0 == section).map(|change| change.worked_out(&numbers)).collect()
    }

    /// What is trained in a case, with the n-th seed. At the smoke scale on no more samples than there are.
    pub fn train(&self, case: &Combination, n: u64) -> Result<TrainSettings> {
        let settings = match self.training.clone() {
            Some(mut settings) => {
                let changes = self.changes(case, "train")?;
                lay(&changes, |change| change.parts().1, &mut settings, SHORTHANDS, &[])?;
                settings.value
            }
            None => TrainSettings::default(),
        };
        let settings = exported::settle(settings)?;
        let seed = settings.seed.wrapping_add(self.seed).wrapping_add(n);
        let most = self.available.get(&source(&settings));
        let samples = settings.samples.map(|n| most.map_or(n, |most| n.min(*most)));
        Ok(TrainSettings { seed, samples, ..settings })
    }

    /// Counts the training samples of every case at the smoke scale: a few of them are asked for, and there may be fewer.
    fn count_samples(&mut self) -> Result<()> {
        if self.scale != QUICK || !self.trains {
            return Ok(());
        }
        for case in self.cases.clone() {
            let settings = self.train(&case, 0)?;
            let key = source(&settings);
            if settings.samples.is_some() && !self.available.contains_key(&key) {
                let all = TrainSettings { samples: None, ..settings };
                self.available.insert(key, DataSettings::load(&all)?.1.train.len());
            }
        }
        Ok(())
    }

    /// An analysis of a case.
    pub fn pass(&self, case: &Combination, index: usize) -> Result<Pass> {
        let (name, analysis) = &self.passes[index];
        let section = self.sections.get(name).cloned().unwrap_or_default();
        Pass::new(analysis, section, self.changes(case, name)?)
    }

    /// The recipe as it was run: every case's settings, so that a result can be run again from itself.
    pub fn record(&self) -> serde_json::Value {
        use serde_json::json;
        let section = |section: &Section| json!(section.table());
        let changes = |all: &[Change]| {
            all.iter().map(|c| (c.path.clone(), json!(c.value))).collect::<serde_json::Map<_, _>>()
        };
        let axis = |axis: &Axis| {
            let place = |p: &super::axis::Place| json!({"name": p.name, "set": changes(&p.changes)});
            json!({"name": axis.name, "cases": axis.places.iter().map(place).collect::<Vec<_>>()})
        };
        json!({
            "sections": self.sections.iter().map(|(k, v)| (k.clone(), section(v))).collect::<serde_json::Map<_, _>>(),
            "vary": self.axes.iter().map(axis).collect::<Vec<_>>(),
            "set": changes(&self.changes),
        })
    }

    /// The same at its smallest, to try whether everything that is measured exists.
    pub fn rehearsal(name: &str, section: Section, asked: &Asked) -> Result<Self> {
        let asked = Asked { scale: Some(QUICK.to_owned()), seeds: Some(1), ..asked.clone() };
        Self::new(name, section, &asked)
    }
}
