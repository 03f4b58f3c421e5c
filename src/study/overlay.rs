//! Changes to settings, by their path: `train.model.hidden = [24, 16]` and the like. A text that begins with `=` is arithmetic
//! over the numbers at which a case stands on the axes: `train.lr = "= 0.1 * batch / 128"`.

use super::expression::Expression;
use crate::base::registry::unknown;
use crate::base::section::{Given, Open, Section, Shorthand, shorthand_value};
use crate::base::{Error, Result};
use serde::{Deserialize, Serialize};
use toml::Value;

/// One setting that gets another value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Where that is said, for messages.
    pub at: String,
    /// `SECTION.setting`, or `SECTION.kind.setting`.
    pub path: String,
    /// The value.
    pub value: Value,
}

impl Change {
    /// The section, and the path within it.
    pub fn parts(&self) -> (&str, &str) {
        self.path.split_once('.').unwrap_or((&self.path, ""))
    }

    /// The same with its value worked out, where that is arithmetic over axes: their names, and where the case stands.
    pub fn worked_out(&self, axes: &[(&str, f64)]) -> Result<Self> {
        let Some(text) = self.value.as_str().and_then(|text| text.strip_prefix('=')) else {
            return Ok(self.clone());
        };
        let at = format!("{}: `{}`", self.at, self.path);
        let formula = Expression::parse(&at, text)?;
        let of = |name: &str| axes.iter().find(|axis| axis.0 == name).map(|axis| axis.1);
        if let Some(missing) = formula.names().into_iter().find(|name| of(name).is_none()) {
            return Err(unknown(&at, missing, axes.iter().map(|axis| axis.0)));
        }
        let value = match formula.value(&|name| of(name).unwrap_or(f64::NAN)) {
            x if !x.is_finite() => return Err(Error::expected(at, "a finite number", x)),
            // Settings that count take no other numbers.
            x if x.fract() == 0.0 && x.abs() < 1e15 => Value::Integer(x as i64),
            x => Value::Float(x),
        };
        Ok(Self { value, ..self.clone() })
    }
}

/// A section of a recipe, and the changes to it over that, later ones over earlier ones.
#[derive(Debug)]
pub struct Overlay {
    section: Section,
    changes: Vec<Change>,
    /// Tables that were asked for.
    tables: Vec<String>,
}

impl Overlay {
    /// Of a section and all changes to it.
    pub fn new(section: Section, changes: Vec<Change>) -> Self {
        Self { section, changes, tables: Vec::new() }
    }

    /// Refuses what nobody took.
    pub fn finish(self) -> Result<()> {
        self.section.finish()
    }

    /// Takes the value under a key, the last one that is given, and where that is.
    pub fn value(&mut self, key: &str) -> Option<(String, Value)> {
        let own = self.section.value(key).map(|value| (self.section.at(key), value));
        let mine = self.changes.extract_if(.., |change| change.parts().1 == key);
        own.into_iter().chain(mine.map(|change| (change.at, change.value))).last()
    }
}

/// Lays changes, whose paths within the section are `inner` of them, over settings.
pub(super) fn lay(
    changes: &[Change],
    inner: impl Fn(&Change) -> &str,
    settings: &mut dyn Open,
    shorthands: &[Shorthand],
    tables: &[String],
) -> Result<()> {
    let known = settings.keys();
    let mut all = Vec::new();
    for change in changes {
        let (Change { at, path, value }, inner) = (change, inner(change));
        let head = inner.split('.').next().unwrap_or_default();
        let own = known.iter().any(|k| k.1 == head);
        let shorthand = shorthands.iter().find(|s| s.0 == inner && !own);
        if shorthand.is_none() && !own {
            let names = known.iter().map(|k| k.1.as_str()).chain(shorthands.iter().map(|s| s.0));
            let names = names.chain(tables.iter().map(String::as_str));
            return Err(unknown(&format!("{at}: `{path}`: setting"), head, names));
        }
        if inner.split('.').count() > 2 {
            return Err(Error::expected(at, "a setting, or a setting of a kind", format!("`{path}`")));
        }
        match shorthand {
            Some((key, to, _)) => {
                all.push((at.clone(), (*to).to_owned(), shorthand_value(key, value.clone())))
            }
            None => all.push((at.clone(), inner.to_owned(), value.clone())),
        }
    }
    if all.is_empty() { Ok(()) } else { settings.set_all(all) }
}

impl Given for Overlay {
    fn fill(&mut self, settings: &mut dyn Open, shorthands: &[Shorthand]) -> Result<()> {
        self.section.fill(settings, shorthands)?;
        lay(&self.changes, |change| change.parts().1, settings, shorthands, &self.tables)
    }

    fn table(&mut self, name: &str, settings: &mut dyn Open) -> Result<bool> {
        self.tables.push(name.to_owned());
        let below = |change: &Change| change.parts().1.split_once('.').is_some_and(|(head, _)| head == name);
        let changes: Vec<Change> = self.changes.extract_if(.., |change| below(change)).collect();
        let section = self.section.section(name)?;
        let there = section.is_some() || !changes.is_empty();
        let mut section = section.unwrap_or_default();
        section.fill(settings, &[])?;
        section.finish()?;
        lay(&changes, |change| change.parts().1.split_once('.').map_or("", |p| p.1), settings, &[], &[])?;
        Ok(there)
    }
}
