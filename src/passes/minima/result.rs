//! What all pairs come to: symmetric matrices, groups, a tree.

use super::MinimaSettings;
use super::cluster::{Merge, cluster};
use super::place::classical;
use super::tree::spanning;
use crate::base::log::Pieces;
use crate::base::npz::{Npz, Values};
use crate::base::statistics::quantile;
use crate::base::{Error, Result, files};
use crate::figure::Figure;
use crate::landscape::path::evenly;
use crate::passes::pair::{BARRIERS, MEASURES, Pair};
use crate::passes::{DataSettings, Files, Saved, archive, document};
use serde_json::{Map, Value, json};
use std::path::Path;

/// What is known before the first pair.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub title: String,
    pub names: Vec<String>,
    pub weights: Vec<String>,
    pub parameters: usize,
    pub samples: (usize, usize),
    pub statistics: String,
    pub data: DataSettings,
}

/// A finished analysis of many minima.
#[derive(Clone, Debug)]
pub struct MinimaResult {
    summary: Value,
    arrays: Npz,
}

/// The name of the array of distances.
const DISTANCE: &str = "distance";

impl MinimaResult {
    pub(super) fn new(
        settings: &MinimaSettings,
        facts: Facts,
        pairs: &[(usize, usize)],
        pieces: &Pieces,
    ) -> Result<Self> {
        let (n, points) = (facts.names.len(), settings.points);
        let record = |k: usize| pieces.get(&(k as u64)).filter(|r| r.len() == Pair::width(points));
        let measured: Vec<Pair> = (0..pairs.len()).filter_map(record).map(|r| Pair::read(r)).collect();
        if measured.len() != pairs.len() {
            return Err(Error::unmet("minima", "not all pairs are there"));
        }
        let matrix = |values: &[f64]| {
            let mut all = vec![0.0; n * n];
            for ((i, j), value) in pairs.iter().zip(values) {
                all[i * n + j] = *value;
                all[j * n + i] = *value;
            }
            all
        };
        let mut arrays = Npz::default();
        let barriers: Vec<[f64; 4]> = measured.iter().map(Pair::barriers).collect();
        let column = |m: usize| barriers.iter().map(|b| b[m]).collect::<Vec<f64>>();
        let distances: Vec<f64> = measured.iter().map(|p| p.distance).collect();
        for (m, name) in BARRIERS.iter().enumerate() {
            arrays.push(name, &[n, n], matrix(&column(m)));
        }
        arrays.push(DISTANCE, &[n, n], matrix(&distances));
        arrays.push("t", &[points], evenly(points));
        let numbers = pairs.iter().flat_map(|(i, j)| [*i as i64, *j as i64]).collect::<Vec<i64>>();
        arrays.push("pair", &[pairs.len(), 2], Values::I64(numbers));
        for (m, name) in MEASURES.iter().enumerate() {
            let values: Vec<f64> = measured.iter().flat_map(|p| p.values()[m].to_vec()).collect();
            arrays.push(name, &[pairs.len(), points], values);
        }
        let train = matrix(&column(0));
        let merges = cluster(&train, n, settings.linkage);
        let row = |m: &Merge| [m.a as f64, m.b as f64, m.height, m.size as f64];
        arrays.push("linkage", &[merges.len(), 4], merges.iter().flat_map(row).collect::<Vec<f64>>());
        let tree = spanning(&train, n);
        let edges = tree.iter().flat_map(|(i, j)| [*i as i64, *j as i64]).collect::<Vec<i64>>();
        arrays.push("tree", &[tree.len(), 2], Values::I64(edges));
        let (places, share) = classical(&matrix(&distances), n)?;
        let flat: Vec<f64> = places.iter().flat_map(|(x, y)| [*x, *y]).collect();
        arrays.push("place", &[n, 2], flat);

        let over = |values: &[f64]| {
            let mut finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
            finite.sort_by(f64::total_cmp);
            json!({
                "median": quantile(&finite, 0.5),
                "min": quantile(&finite, 0.0),
                "max": quantile(&finite, 1.0),
                "status": match finite.len() {
                    k if k == values.len() => "computed".to_owned(),
                    k => format!("over the {k} of {} pairs whose value is finite", values.len()),
                },
            })
        };
        let mut all = Map::new();
        for (m, name) in BARRIERS.iter().enumerate() {
            all.insert((*name).to_owned(), over(&column(m)));
        }
        all.insert(DISTANCE.to_owned(), over(&distances));
        let networks: Vec<Value> = (0..n)
            .map(|i| {
                let mut members = Map::from_iter([
                    ("name".to_owned(), json!(facts.names[i])),
                    ("weights_sha256".to_owned(), json!(facts.weights[i])),
                ]);
                // Every network is an end of some line.
                let end = measured.iter().zip(pairs).find(|(_, (a, b))| *a == i || *b == i);
                for (m, name) in MEASURES.iter().enumerate() {
                    let value = end.and_then(|(pair, (a, _))| {
                        let values = pair.values()[m];
                        if *a == i { values.first() } else { values.last() }
                    });
                    members.insert((*name).to_owned(), json!(value));
                }
                members.into()
            })
            .collect();
        let merged: Vec<Value> =
            merges.iter().map(|m| json!({"a": m.a, "b": m.b, "barrier": m.height, "size": m.size})).collect();
        let edges: Vec<Value> =
            tree.iter().map(|(i, j)| json!({"a": i, "b": j, "barrier": train[i * n + j]})).collect();
        let highest = tree
            .iter()
            .map(|(i, j)| train[i * n + j])
            .fold(0.0, |most: f64, b| if b.is_nan() || most.is_nan() { f64::NAN } else { most.max(b) });
        let lost = barriers.iter().filter(|b| !b[0].is_finite()).count();
        let summary = json!({
            "command": "minima",
            "version": env!("CARGO_PKG_VERSION"),
            "status": match lost {
                0 => "done".to_owned(),
                k => format!("the barrier of {k} of {} pairs is not finite", pairs.len()),
            },
            "title": facts.title,
            "settings": settings,
            "data": facts.data,
            "data_sha256": facts.data.sha256,
            "weights_sha256": facts.weights,
            "samples": {"train": facts.samples.0, "test": facts.samples.1},
            "parameters": facts.parameters,
            "statistics": facts.statistics,
            "networks": networks,
            "pairs": pairs.len(),
            "lost": lost,
            "over_pairs": all,
            "merges": merged,
            "tree": {"edges": edges, "highest": highest},
            "plane": {"share": share},
        });
        Ok(Self { summary, arrays })
    }

    /// Network and data in one line.
    pub fn title(&self) -> &str {
        self.summary["title"].as_str().unwrap_or_default()
    }

    /// The scalars, as recorded.
    pub fn summary(&self) -> &Value {
        &self.summary
    }

    /// What the networks are called.
    pub fn names(&self) -> Vec<String> {
        let all = self.summary["networks"].as_array().into_iter().flatten();
        all.map(|network| network["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// An array by name.
    pub fn array(&self, name: &str) -> Vec<f64> {
        self.arrays.get(name).map(|a| a.to_f64()).unwrap_or_default()
    }

    /// What did not hold: a line that has no finite loss.
    pub fn unmet(&self) -> Option<Error> {
        let lost = self.summary["lost"].as_u64().filter(|n| *n > 0);
        lost.map(|_| Error::unmet("minima", self.summary["status"].as_str().unwrap_or_default()))
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path) -> Result<Self> {
        let path = directory.join("minima.json");
        let at = files::named(&path);
        let text = files::read_text(&path, files::LARGEST_JSON)?;
        let summary: Value = serde_json::from_str(&text).map_err(|e| Error::value(&at, &e.to_string()))?;
        let n = summary["networks"].as_array().map_or(0, Vec::len);
        let linkage = summary["settings"]["linkage"].as_str();
        if n < 3 || linkage.is_none() {
            return Err(Error::expected(&at, "`networks` and `settings` of an analysis of minima", "none"));
        }
        let path = directory.join("minima.npz");
        let at = files::named(&path);
        let arrays = Npz::read(&path)?;
        let square = BARRIERS.iter().chain(&[DISTANCE]).map(|name| (*name, [n, n]));
        for (name, shape) in square.chain([("linkage", [n - 1, 4]), ("tree", [n - 1, 2]), ("place", [n, 2])])
        {
            if arrays.get(name).is_none_or(|a| a.shape != shape) {
                let expected = format!("an array of shape {shape:?}");
                return Err(Error::expected(format!("{at}: {name}"), expected, "another or none"));
            }
        }
        let this = Self { summary, arrays };
        let whole = |name: &str, most: usize| {
            this.array(name).chunks(if name == "tree" { 2 } else { 4 }).enumerate().all(|(k, row)| {
                row[..2]
                    .iter()
                    .all(|x| *x >= 0.0 && (*x as usize) < most + if name == "tree" { 0 } else { k })
            })
        };
        match whole("tree", n) && whole("linkage", n) {
            true => Ok(this),
            false => Err(Error::expected(at, "`tree` and `linkage` of these networks", "others")),
        }
    }

    /// The merges, as recorded.
    pub(super) fn merges(&self) -> Vec<Merge> {
        let row = |r: &[f64]| Merge { a: r[0] as usize, b: r[1] as usize, height: r[2], size: r[3] as usize };
        self.array("linkage").chunks_exact(4).map(row).collect()
    }
}

impl Saved for MinimaResult {
    fn files(&self) -> Result<Files> {
        Ok(vec![archive("minima.npz", &self.arrays)?, ("minima.json".to_owned(), document(&self.summary))])
    }

    fn json(&self) -> Result<Value> {
        Ok(self.summary.clone())
    }

    fn figures(&self) -> Vec<Figure> {
        super::figures::figures(self)
    }
}
