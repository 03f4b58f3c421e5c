//! What all pairs come to: symmetric matrices, groups, a tree; and the tree of the bands.

use super::MinimaSettings;
use super::bands::Bands;
use super::barcode::{self, barcode};
use super::cluster::{Merge, cluster};
use super::compute::Lines;
use super::likeness::{Likeness, stress};
use super::place::classical;
use crate::analyses::pair::{BARRIERS, MEASURES, Pair};
use crate::analyses::stored::{self, Arrays};
use crate::analyses::{DataSettings, Files, Saved, archive, document};
use crate::base::graph::{complete, spanning_tree};
use crate::base::npz::{Npz, Values};
use crate::base::statistics::quantile;
use crate::base::{Error, Result};
use crate::figure::Figure;
use crate::landscape::path::evenly;
use crate::nn::losses::Loss;
use serde_json::{Map, Value, json};
use std::path::Path;

/// What is known before the first pair.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub title: String,
    pub loss: Loss,
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
    pub(super) summary: Value,
    arrays: Npz,
}

/// The name of the array of distances.
pub(super) const DISTANCE: &str = "distance";

/// How names of what was measured of aligned networks begin.
pub(super) const ALIGNED: &str = "aligned_";

/// Median and ends of values, one a pair.
pub(super) fn spread(values: &[f64]) -> Value {
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
}

/// The largest; NaN if one is.
fn highest(values: &[f64]) -> f64 {
    let more = |a: f64, b: f64| if a.is_nan() || b < a { a } else { b };
    values.iter().copied().reduce(more).unwrap_or(f64::NAN)
}

/// The arrays of pairs, with names that begin with `prefix`, and what is said of each over all of them.
fn push(
    arrays: &mut Npz,
    prefix: &str,
    all: &[&Pair],
    points: usize,
    matrix: impl Fn(&[f64]) -> Vec<f64>,
) -> Map<String, Value> {
    let mut over = Map::new();
    let mut matrices: Vec<(&str, Vec<f64>)> = Vec::new();
    for (m, name) in BARRIERS.iter().enumerate() {
        matrices.push((name, all.iter().map(|pair| pair.barriers()[m]).collect()));
    }
    matrices.push((DISTANCE, all.iter().map(|pair| pair.distance).collect()));
    for (name, values) in matrices {
        let square = matrix(&values);
        let n = square.len().isqrt();
        arrays.push(&format!("{prefix}{name}"), &[n, n], square);
        over.insert(name.to_owned(), spread(&values));
    }
    for (m, name) in MEASURES.iter().enumerate() {
        let values: Vec<f64> = all.iter().flat_map(|pair| pair.values()[m].to_vec()).collect();
        arrays.push(&format!("{prefix}{name}"), &[all.len(), points], values);
    }
    over
}

impl MinimaResult {
    pub(super) fn new(
        settings: &MinimaSettings,
        facts: Facts,
        lines: &Lines,
        bands: Option<Bands>,
        likeness: Likeness,
    ) -> Result<Self> {
        let (n, points, pairs) = (facts.names.len(), settings.points, &lines.pairs);
        let matrix = |values: &[f64]| {
            let mut all = vec![0.0; n * n];
            for ((i, j), value) in pairs.iter().zip(values) {
                all[i * n + j] = *value;
                all[j * n + i] = *value;
            }
            all
        };
        let mut arrays = Npz::default();
        arrays.push("t", &[points], evenly(points));
        let numbers = pairs.iter().flat_map(|(i, j)| [*i as i64, *j as i64]).collect::<Vec<i64>>();
        arrays.push("pair", &[pairs.len(), 2], Values::I64(numbers));
        let plain: Vec<&Pair> = lines.plain.iter().collect();
        let aligned: Vec<&Pair> = lines.aligned.iter().map(|(pair, _)| pair).collect();
        let mut over_pairs = vec![("over_pairs", push(&mut arrays, "", &plain, points, matrix))];
        if !aligned.is_empty() {
            let mut over = push(&mut arrays, ALIGNED, &aligned, points, matrix);
            let moved: Vec<f64> = lines.aligned.iter().map(|(_, moved)| *moved).collect();
            arrays.push("moved", &[n, n], matrix(&moved));
            over.insert("moved".to_owned(), spread(&moved));
            over.insert("units".to_owned(), json!(lines.units as usize));
            over_pairs.push(("over_aligned_pairs", over));
        }
        // What groups and trees go by.
        let shown = if aligned.is_empty() { &plain } else { &aligned };
        let barriers: Vec<f64> = shown.iter().map(|pair| pair.barriers()[0]).collect();
        let train = matrix(&barriers);
        let merges = cluster(&train, n, settings.linkage);
        let row = |m: &Merge| [m.a as f64, m.b as f64, m.height, m.size as f64];
        arrays.push("linkage", &[merges.len(), 4], merges.iter().flat_map(row).collect::<Vec<f64>>());
        // A barrier that is not finite joins as well as a high one: every minimum is in the tree.
        let finite = |w: &f64| if w.is_nan() { f64::INFINITY } else { *w };
        let tree = spanning_tree(n, &complete(n, &train.iter().map(finite).collect::<Vec<f64>>()));
        let edges = tree.iter().flat_map(|e| [e.a as i64, e.b as i64]).collect::<Vec<i64>>();
        arrays.push("tree", &[tree.len(), 2], Values::I64(edges));
        let distances: Vec<f64> = shown.iter().map(|pair| pair.distance).collect();
        let (places, share) = classical(&matrix(&distances), n)?;
        let flat: Vec<f64> = places.iter().flat_map(|(x, y)| [*x, *y]).collect();
        arrays.push("place", &[n, 2], flat);
        let highest: Vec<f64> = shown.iter().map(|pair| highest(pair.values()[0])).collect();
        let networks: Vec<Value> = (0..n)
            .map(|i| {
                let mut members = Map::from_iter([
                    ("name".to_owned(), json!(facts.names[i])),
                    ("weights_sha256".to_owned(), json!(facts.weights[i])),
                ]);
                // Every network is an end of some line.
                let end = plain.iter().zip(pairs).find(|(_, (a, b))| *a == i || *b == i);
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
            tree.iter().map(|e| json!({"a": e.a, "b": e.b, "barrier": train[e.a * n + e.b]})).collect();
        let top = tree.last().map_or(0.0, |e| train[e.a * n + e.b]);
        let lost =
            (0..pairs.len()).filter(|k| !barriers[*k].is_finite() || !plain[*k].barriers()[0].is_finite());
        let lost = lost.count();
        let mut summary = json!({
            "command": "minima",
            "version": env!("CARGO_PKG_VERSION"),
            "status": match lost {
                0 => "done".to_owned(),
                k => format!("the barrier of {k} of {} pairs is not finite", pairs.len()),
            },
            "title": facts.title,
            "loss": facts.loss,
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
            "merges": merged,
            "tree": {"edges": edges, "highest": top},
            "plane": {"share": share, "stress": stress(&matrix(&distances), &places)},
        });
        for (key, over) in over_pairs {
            summary[key] = over.into();
        }
        // Passes along straight lines, and along bands where there are some.
        let highest = matrix(&highest);
        let mut ways = complete(n, &highest);
        ways.extend(bands.iter().flat_map(Bands::ways).copied());
        let own = |i: usize| networks[i]["train_loss"].as_f64().unwrap_or(f64::INFINITY);
        let bars = barcode(&(0..n).map(own).collect::<Vec<f64>>(), &ways);
        let along = if bands.is_some() { "straight lines and AutoNEB bands" } else { "straight lines" };
        summary["barcode"] = barcode::summary(&bars, &facts.names, along);
        let rows: Vec<f64> = bars.iter().flat_map(|bar| bar.row()).collect();
        arrays.push("barcode", &[n, barcode::WIDTH], rows);
        likeness
            .arrays
            .iter()
            .for_each(|(name, array)| arrays.push(name, &array.shape, array.values.clone()));
        for (key, value) in likeness.summary {
            summary[key] = value;
        }
        if let Some(bands) = bands {
            bands.arrays(&mut arrays);
            let lines = spanning_tree(n, &complete(n, &highest));
            // Between a minimum and itself: its own loss.
            let own = (0..n * n).map(|ij| match (ij / n, ij % n) {
                (i, j) if i == j => bands.losses()[i],
                _ => highest[ij],
            });
            arrays.push("line_highest", &[n, n], own.collect::<Vec<f64>>());
            summary["neb"] = bands.summary(lines.last().map_or(f64::NAN, |e| e.weight));
        }
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

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path) -> Result<Self> {
        let (summary, at): (Value, String) = stored::summary(directory, "minima")?;
        let n = summary["networks"].as_array().map_or(0, Vec::len);
        let linkage = summary["settings"]["linkage"].as_str();
        if n < 3 || linkage.is_none() {
            return Err(Error::expected(&at, "`networks` and `settings` of an analysis of minima", "none"));
        }
        let arrays = Arrays::read(directory, "minima")?;
        let names = BARRIERS.iter().chain(&[DISTANCE]).map(|name| (*name).to_owned());
        let aligned = summary.get("over_aligned_pairs").is_some();
        let aligned = names.clone().filter(|_| aligned).map(|name| format!("{ALIGNED}{name}"));
        let own = [("linkage", [n - 1, 4]), ("tree", [n - 1, 2]), ("place", [n, 2])];
        let mut shapes: Vec<(String, [usize; 2])> = names.chain(aligned).map(|name| (name, [n, n])).collect();
        shapes.extend(own.map(|(name, shape)| (name.to_owned(), shape)));
        if let Some(neb) = summary.get("neb") {
            let count = |of: &Value| of["edges"].as_array().map_or(0, Vec::len);
            let (all, tree) = (count(neb), count(&neb["tree"]));
            let own = [
                ("band", [all, 2]),
                ("band_tree", [tree, 2]),
                ("bottleneck", [n, n]),
                ("line_highest", [n, n]),
            ];
            shapes.extend(own.map(|(name, shape)| (name.to_owned(), shape)));
            arrays.shaped("band_saddle", &[all])?;
        }
        if summary.get("barcode").is_some() {
            shapes.push(("barcode".to_owned(), [n, barcode::WIDTH]));
        }
        let computed = |key: &str| summary.get(key).filter(|of| of["status"] == "computed");
        if computed("predictions").is_some() {
            shapes.push(("prediction_place".to_owned(), [n, 2]));
            shapes.push(("prediction_distance".to_owned(), [n, n]));
            if arrays.size("disagreement") > 0 {
                shapes.push(("disagreement".to_owned(), [n, n]));
            }
        }
        if let Some(similarity) = computed("similarity") {
            let layers = similarity["layers"].as_array().map_or(0, Vec::len);
            arrays.shaped("cka", &[layers, n, n])?;
            shapes.extend(["cka_within", "cka_across"].map(|name| (name.to_owned(), [layers, layers])));
        }
        for (name, shape) in &shapes {
            arrays.shaped(name, shape)?;
        }
        let Arrays { npz: arrays, at } = arrays;
        let this = Self { summary, arrays };
        // Edges are of networks, merges of networks and the groups before them.
        let edges = |name: &str| this.array(name).iter().all(|x| *x >= 0.0 && (*x as usize) < n);
        let below = |k: usize, x: &f64| *x >= 0.0 && (*x as usize) < n + k;
        let merges = this.array("linkage");
        let merges = merges.chunks_exact(4).enumerate().all(|(k, row)| row[..2].iter().all(|x| below(k, x)));
        let bars = this.array("barcode");
        let bars = bars.chunks_exact(barcode::WIDTH).all(|row| row[0] >= 0.0 && row[0] < n as f64);
        if bars && ["tree", "band", "band_tree"].iter().all(|name| edges(name)) && merges {
            Ok(this)
        } else {
            Err(Error::expected(at, "`tree` and `linkage` of these networks", "others"))
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
