//! What was found of every network: arrays, scalars, files; and the same read back.

use super::SharpnessSettings;
use super::shifted::Shifted;
use crate::analyses::stored;
use crate::analyses::{Files, Saved, archive, document, to_json};
use crate::base::npz::{Npz, Values};
use crate::base::tensors::{Tensor, TensorFile};
use crate::base::{Error, Result, files, statistics};
use crate::figure::Figure;
use crate::landscape::sharpness::{Quantity, Row};
use crate::spectral::{Ends, Estimate, Pair, Stopped};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::path::Path;

/// What was found of one network.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Found {
    #[serde(skip)]
    pub label: String,
    pub summary: Map<String, Value>,
    #[serde(skip)]
    pub arrays: Vec<(String, Vec<usize>, Vec<f64>)>,
    /// Eigenvectors, shaped as the weights are.
    #[serde(skip)]
    pub tensors: Vec<Tensor>,
    pub rows: Vec<Row>,
    /// What was asked for and did not hold.
    pub unmet: Vec<String>,
}

impl Found {
    pub fn array(&mut self, name: &str, shape: &[usize], values: Vec<f64>) {
        self.arrays.push((name.to_owned(), shape.to_vec(), values));
    }

    /// Adds what a part found.
    pub fn add(&mut self, part: Self) {
        self.summary.extend(part.summary);
        self.arrays.extend(part.arrays);
        self.rows.extend(part.rows);
        self.unmet.extend(part.unmet);
    }

    /// Whether another has the same numbers, to the bit.
    pub fn is_same(&self, other: &Self) -> bool {
        let arrays = self.arrays.len() == other.arrays.len()
            && self
                .arrays
                .iter()
                .zip(&other.arrays)
                .all(|(a, b)| (&a.0, &a.1) == (&b.0, &b.1) && crate::base::log::same_bits(&a.2, &b.2));
        arrays && json!(self) == json!(other)
    }

    pub fn values(&self, name: &str) -> Option<&[f64]> {
        self.arrays.iter().find(|a| a.0 == name).map(|a| a.2.as_slice())
    }
}

/// A number of the table as results have it; null where the measure has no such column.
pub(super) fn quantity(q: &Option<Quantity>) -> Value {
    let Some(q) = q else { return Value::Null };
    let mut value = json!({"value": q.value, "stderr": q.standard_error, "details": q.details});
    if let Some(over) = &q.error_over {
        value["error_over"] = over.as_str().into();
    }
    if let Some(status) = &q.status {
        value["status"] = status.as_str().into();
    }
    value
}

/// An estimate as results have it.
pub(super) fn estimate(e: &Estimate) -> Value {
    let over = match e.probes {
        _ if e.is_exact() => None,
        probes @ 2..30 => {
            let t = statistics::student_t(0.95, probes - 1);
            Some(format!("{probes} probes, where 95 % lies within {t:.1} of them (Student's t)"))
        }
        probes => Some(format!("{probes} probes")),
    };
    json!({
        "value": e.value,
        "stderr": e.standard_error,
        "error_over": over,
        "interval": e.interval,
        "probes": e.probes,
        "products": e.products,
        "exact": e.is_exact(),
    })
}

/// An eigenvalue as results have it.
pub(super) fn eigenvalue(pair: Option<&Pair>, ends: &Ends) -> Value {
    let mut value = json!({
        "value": pair.map(|p| p.value),
        "residual": pair.map(|p| p.residual),
        "interval": pair.map(|p| p.interval),
        "converged": pair.is_some_and(|p| p.converged),
        "certified": pair.is_some_and(|p| p.certified),
        "bound": pair.and_then(|p| p.bound),
        "level": pair.and_then(|p| Some((p.bound? - p.value).abs() / ends.spread)).filter(|x| x.is_finite()),
        "restarts": ends.restarts,
        "steps": ends.steps,
        "products": ends.products,
        "stop": ends.stopped,
        "exact": ends.stopped == Stopped::Exact,
    });
    if pair.is_none() {
        value["status"] = "products are not finite".into();
    }
    value
}

/// A finished analysis of one network or several.
#[derive(Clone, Debug)]
pub struct SharpnessResult {
    pub(super) summary: Map<String, Value>,
    arrays: Npz,
    tensors: Vec<Tensor>,
    pub(super) unmet: Vec<String>,
    shifted: Option<Shifted>,
}

/// A number of the table, with its standard error.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// NaN where it could not be had.
    pub value: f64,
    /// Of an estimate.
    pub error: Option<f64>,
    /// What the error is over.
    pub over: Option<String>,
    /// What else must be known of it.
    pub status: Option<String>,
}

/// A line of the table: what, and its raw and invariant numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name for scripts.
    pub key: String,
    /// Its name for people.
    pub label: String,
    /// With plain perturbations.
    pub raw: Option<Cell>,
    /// Left alone by rescaling.
    pub invariant: Option<Cell>,
}

/// The number that stands at `value`, if something does.
fn cell(value: &Value) -> Option<Cell> {
    value.as_object()?;
    Some(Cell {
        value: value["value"].as_f64().unwrap_or(f64::NAN),
        error: value["stderr"].as_f64().filter(|_| value["exact"] != true),
        over: value["error_over"].as_str().map(str::to_owned),
        status: value["status"].as_str().map(str::to_owned),
    })
}

impl SharpnessResult {
    /// Puts networks together.
    pub(super) fn assemble(
        (settings, resolved, left): (&SharpnessSettings, SharpnessSettings, Vec<String>),
        found: Vec<Found>,
        shifted: std::result::Result<Option<Shifted>, String>,
    ) -> Result<Self> {
        let several = found.len() > 1;
        let mut arrays = Npz::default();
        let first: Vec<(String, Vec<usize>, Vec<f64>)> =
            found.first().map_or(Vec::new(), |f| f.arrays.clone());
        for (name, shape, values) in first {
            let all: Vec<_> = found.iter().filter_map(|f| f.arrays.iter().find(|a| a.0 == name)).collect();
            match all.iter().all(|a| a.1 == shape) && all.len() == found.len() {
                true if several => {
                    let shape = [vec![found.len()], shape].concat();
                    arrays.push(&name, &shape, all.iter().flat_map(|a| a.2.clone()).collect::<Vec<f64>>());
                }
                true => arrays.push(&name, &shape, values),
                // Networks of different sizes do not share an array.
                false => {
                    for (i, own) in found.iter().enumerate() {
                        if let Some(a) = own.arrays.iter().find(|a| a.0 == name) {
                            arrays.push(&format!("{name}_{i}"), &a.1, a.2.clone());
                        }
                    }
                }
            }
        }
        let prefixed = |(i, f): (usize, &Found)| -> Vec<Tensor> {
            let name = |t: &Tensor| if several { format!("{i}/{}", t.name) } else { t.name.clone() };
            f.tensors.iter().map(|t| Tensor { name: name(t), ..t.clone() }).collect()
        };
        let tensors = found.iter().enumerate().flat_map(prefixed).collect();
        let label =
            |f: &Found, what: &String| if several { format!("{}: {what}", f.label) } else { what.clone() };
        let unmet: Vec<String> = found.iter().flat_map(|f| f.unmet.iter().map(|u| label(f, u))).collect();
        let mut summary = Map::new();
        let own = json!({
            "command": "sharpness",
            "version": env!("CARGO_PKG_VERSION"),
            "status": match unmet.iter().filter(|what| what.contains(super::coefficient::UNMET)).count() {
                _ if unmet.is_empty() => "done",
                0 => "done, with eigenvalues that did not converge",
                n if n == unmet.len() => "done, with chains that did not converge",
                _ => "done, with eigenvalues and chains that did not converge",
            },
            "unmet": unmet,
            "warnings": resolved.warning().into_iter().collect::<Vec<String>>(),
            "settings": resolved,
            "seed": settings.seed,
        });
        if let Value::Object(own) = own {
            summary.extend(own);
        }
        if settings.quick || !left.is_empty() {
            summary.insert("left_out".to_owned(), json!(left));
        }
        if several {
            let runs: Vec<Value> = found.into_iter().map(|f| Value::Object(f.summary)).collect();
            summary.insert("title".to_owned(), format!("{} networks", runs.len()).into());
            summary.insert("runs".to_owned(), runs.into());
        } else {
            summary.extend(found.into_iter().flat_map(|f| f.summary))
        }
        let shifted = match shifted {
            Ok(shifted) => shifted,
            Err(why) => {
                summary.insert("shift".to_owned(), json!({"status": why}));
                None
            }
        };
        if let Some(shifted) = &shifted {
            shifted.arrays(&mut arrays);
            summary.insert("shift".to_owned(), to_json(shifted)?);
        }
        Ok(Self { summary, arrays, tensors, unmet, shifted })
    }

    /// Minima under shifted data.
    pub fn shifted(&self) -> Option<&Shifted> {
        self.shifted.as_ref()
    }

    /// How many networks.
    pub fn networks(&self) -> usize {
        self.summary.get("runs").and_then(Value::as_array).map_or(1, Vec::len)
    }

    /// What stands in the summary of a network under this path; null where nothing does.
    pub fn at(&self, network: usize, path: &[&str]) -> &Value {
        let own = self.summary.get("runs").and_then(|runs| runs.get(network));
        let start = |key: &str| own.map_or_else(|| self.summary.get(key), |own| own.get(key));
        let Some((first, rest)) = path.split_first() else { return &Value::Null };
        let found = rest.iter().try_fold(start(first).unwrap_or(&Value::Null), |v, key| v.get(key));
        found.unwrap_or(&Value::Null)
    }

    /// A number of a network; NaN where there is none.
    pub fn number(&self, network: usize, path: &[&str]) -> f64 {
        self.at(network, path).as_f64().unwrap_or(f64::NAN)
    }

    /// The words of a network under a path.
    pub fn text(&self, network: usize, path: &[&str]) -> &str {
        self.at(network, path).as_str().unwrap_or_default()
    }

    /// An array of a network.
    pub fn array(&self, network: usize, name: &str) -> Vec<f64> {
        if let Some(own) = self.arrays.get(&format!("{name}_{network}")) {
            return own.to_f64();
        }
        let Some(all) = self.arrays.get(name) else { return Vec::new() };
        let values = all.to_f64();
        let part = values.len() / self.networks().max(1);
        values.get(network * part..(network + 1) * part).map_or(Vec::new(), <[f64]>::to_vec)
    }

    /// The table of a network: the spectrum's numbers, then the measures.
    pub fn lines(&self, network: usize) -> Vec<Line> {
        let spectrum =
            [("lambda_max", "largest eigenvalue"), ("lambda_min", "smallest eigenvalue"), ("trace", "trace")];
        let mut lines: Vec<Line> = Vec::new();
        let raw_shown = self.summary["settings"]["columns"] != "invariant";
        for (key, label) in spectrum {
            let value = self.at(network, &[key]);
            let Some(raw) = cell(value) else { continue };
            let (key, label) = (key.to_owned(), label.to_owned());
            lines.push(Line {
                key,
                label,
                raw: Some(raw).filter(|_| raw_shown),
                invariant: cell(&value["invariant"]),
            });
        }
        let coefficient = self.at(network, &["learning_coefficient"]);
        if !coefficient.is_null() {
            let unmet = coefficient["converged"] != true;
            let raw = Cell {
                value: coefficient["value"].as_f64().unwrap_or(f64::NAN),
                error: coefficient["stderr"].as_f64(),
                over: Some("draws of its chains".to_owned()),
                status: coefficient["status"].as_str().filter(|_| unmet).map(str::to_owned),
            };
            let (key, label) = ("learning_coefficient".to_owned(), "local learning coefficient".to_owned());
            lines.push(Line { key, label, raw: Some(raw), invariant: None });
        }
        let rows = self.at(network, &["measures"]).as_object();
        // In the order in which they were computed.
        for (key, row) in rows.into_iter().flatten() {
            let label = row["label"].as_str().unwrap_or(key).to_owned();
            lines.push(Line {
                key: key.clone(),
                label,
                raw: cell(&row["raw"]),
                invariant: cell(&row["invariant"]),
            });
        }
        lines
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path) -> Result<Self> {
        let (summary, at): (Map<String, Value>, String) = stored::summary(directory, "sharpness")?;
        if summary.get("command").and_then(Value::as_str) != Some("sharpness") {
            return Err(Error::expected(&at, "`command` of an analysis of sharpness", "another or none"));
        }
        let path = directory.join("sharpness.npz");
        let arrays = Npz::read(&path)?;
        let shifted = match summary.get("shift").filter(|s| s.get("status").is_none()) {
            None => None,
            Some(value) => {
                let shifted: Shifted =
                    serde_json::from_value(value.clone()).map_err(|e| Error::value(&at, &e.to_string()))?;
                Some(shifted.with_arrays(&arrays, &files::named(&path))?)
            }
        };
        Ok(Self { summary, arrays, tensors: Vec::new(), unmet: Vec::new(), shifted })
    }

    /// The arrays as they are saved.
    pub fn arrays(&self) -> impl Iterator<Item = (&str, &[usize], &Values)> {
        self.arrays.iter().map(|(name, array)| (name, array.shape.as_slice(), &array.values))
    }
}

impl Saved for SharpnessResult {
    fn files(&self) -> Result<Files> {
        let mut files = vec![archive("sharpness.npz", &self.arrays)?];
        if !self.tensors.is_empty() {
            let file = TensorFile { metadata: Default::default(), tensors: self.tensors.clone() };
            files.push(("eigenvectors.safetensors".to_owned(), file.to_bytes()));
        }
        files.push(("sharpness.json".to_owned(), document(&self.json()?)));
        Ok(files)
    }

    fn json(&self) -> Result<Value> {
        Ok(Value::Object(self.summary.clone()))
    }

    fn figures(&self) -> Vec<Figure> {
        super::figures::figures(self)
    }
}
