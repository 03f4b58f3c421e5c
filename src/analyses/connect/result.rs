//! What was found between two networks: arrays along t, scalars, the curve as weight files; and the same read back.

use super::ConnectSettings;
use crate::analyses::plane::Plane;
use crate::analyses::stored::{self, Arrays};
use crate::analyses::{Files, Run, Saved, archive, control_points, document, plane, to_json};
use crate::base::npz::Npz;
use crate::base::{Error, Precision, Result};
use crate::figure::Figure;
use crate::landscape::alignments;
use crate::landscape::geometry::{cosine, difference, dot};
use crate::landscape::path::{Path, Profile, Weights, barrier, mean_along};
use crate::landscape::repair::Mended;
use crate::nn::{Evaluation, weights};
use crate::train::band::{Band, BandSettings};
use crate::train::blend::Blended;
use serde_json::{Map, Value, json};
use std::path::Path as FilePath;

/// A path that was followed.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub path: Path,
    pub profile: Profile,
    /// Distance along the path at each place.
    pub lengths: Vec<f64>,
    /// What all networks at those places say together of the test samples.
    pub ensemble: Option<Evaluation>,
    /// What the two ends say together of them.
    pub ends: Option<Evaluation>,
}

/// All that was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Paths by the names of their arrays; the straight line first.
    pub ways: Vec<(&'static str, Way)>,
    /// How B was aligned, and what it became.
    pub aligned: Option<(alignments::Facts, Weights)>,
    /// What was mended of each layer.
    pub repaired: Vec<(String, Mended)>,
    pub blended: Option<Blended>,
    pub band: Option<Band>,
    /// The plane of the curve.
    pub plane: Option<Plane>,
    /// The plane of A, B and B permuted.
    pub permuted: Option<Plane>,
    /// The network in the middle of the curve.
    pub middle: Option<Weights>,
    /// Where statistics come from, in words.
    pub statistics: String,
    /// Training and test samples.
    pub samples: [usize; 2],
}

/// The arrays of a path, after `linear_` or `curve_`.
const LOSSES: [&str; 4] = ["train_loss", "train_error", "test_loss", "test_error"];

impl Way {
    fn values(&self) -> [&Vec<f64>; 4] {
        let p = &self.profile;
        [&p.train_loss, &p.train_error, &p.test_loss, &p.test_error]
    }

    /// The scalars.
    fn facts(&self) -> Map<String, Value> {
        let mut all = Map::new();
        let t = &self.profile.t;
        for (name, values) in LOSSES.iter().zip(self.values()) {
            // The barrier of a result is that of the training loss; others say whose they are.
            let key = if *name == "train_loss" { "barrier".to_owned() } else { format!("{name}_barrier") };
            all.insert(key, json!(barrier(t, values)));
            all.insert(format!("max_{name}"), json!(highest(values)));
            all.insert(format!("mean_{name}"), json!(mean_along(&self.lengths, values)));
        }
        let finite = self.profile.train_loss.iter().all(|l| l.is_finite());
        let status = if finite { "computed" } else { "the training loss is not finite everywhere" };
        all.insert("status".to_owned(), status.into());
        all.insert("length".to_owned(), json!(self.lengths.last()));
        let evaluation = |e: &Option<Evaluation>| match e {
            Some(e) => json!({"test_loss": e.loss, "test_error": 1.0 - e.accuracy, "status": "computed"}),
            None => json!({"status": "no test samples with all their targets"}),
        };
        all.insert("ensemble".to_owned(), evaluation(&self.ensemble));
        all.insert("ensemble_of_ends".to_owned(), evaluation(&self.ends));
        all
    }
}

/// The largest; NaN if one is.
fn highest(values: &[f64]) -> f64 {
    let more = |a: f64, b: f64| if a.is_nan() || b < a { a } else { b };
    values.iter().copied().reduce(more).unwrap_or(f64::NAN)
}

/// A finished connection.
#[derive(Clone, Debug)]
pub struct ConnectResult {
    pub(super) settings: ConnectSettings,
    pub(super) summary: Map<String, Value>,
    arrays: Npz,
    weights: Files,
}

impl ConnectResult {
    pub(super) fn new(
        settings: &ConnectSettings,
        band: &BandSettings,
        ends: [&Run; 2],
        precision: Precision,
        found: Found,
    ) -> Result<Self> {
        let Found { ways, aligned, repaired, blended, plane, permuted, middle, statistics, .. } = &found;
        let [train, test] = found.samples;
        let (a, b) = (ends[0], ends[1]);
        let mut arrays = Npz::default();
        let mut summary = Map::new();
        let own = json!({
            "command": "connect",
            "version": env!("CARGO_PKG_VERSION"),
            "status": "done",
            "title": a.title(),
            "loss": a.network.spec().loss,
            "settings": settings,
            "seed": settings.seed,
            "precision": precision,
            "network": a.network.spec(),
            "parameters": a.theta.len(),
            "data": a.data,
            "data_sha256": a.data.sha256,
            "weights_sha256": ends.map(|r| r.origin.as_ref().map(|o| o.sha256.clone())),
            "samples": {"train": train, "test": test},
            "norm_statistics": statistics,
            "distance": dot(&difference(&b.theta, &a.theta), &difference(&b.theta, &a.theta)).sqrt(),
            "norms": ends.map(|r| dot(&r.theta, &r.theta).sqrt()),
            "cosine": cosine(&a.theta, &b.theta),
        });
        summary.extend(own.as_object().cloned().unwrap_or_default());
        if let Some((_, line)) = ways.first() {
            arrays.push("t", &[line.profile.t.len()], line.profile.t.clone());
            let last = line.profile.t.len() - 1;
            let end = |name: &str, i: usize| {
                let mut all = Map::from_iter([("name".to_owned(), name.into())]);
                let values = LOSSES.iter().zip(line.values());
                all.extend(values.map(|(name, v)| ((*name).to_owned(), json!(v[i]))));
                Value::Object(all)
            };
            summary.insert("endpoints".to_owned(), json!([end("A", 0), end("B", last)]));
        }
        for (name, way) in ways {
            for (loss, values) in LOSSES.iter().zip(way.values()) {
                arrays.push(&format!("{name}_{loss}"), &[values.len()], values.clone());
            }
            arrays.push(&format!("{name}_length"), &[way.lengths.len()], way.lengths.clone());
            summary.insert((*name).to_owned(), Value::Object(way.facts()));
        }
        if let Some((facts, _)) = aligned {
            summary.insert("alignment".to_owned(), to_json(facts)?);
        }
        if !repaired.is_empty() {
            let layer = |(name, mended): &(String, Mended)| {
                (name.clone(), json!(format!("{mended:?}").to_lowercase()))
            };
            summary.insert("repair".to_owned(), Value::Object(repaired.iter().map(layer).collect()));
        }
        if let Some(relaxed) = &found.band {
            let relaxation = json!({
                "settings": band.resolved(),
                "saddle": {"loss": relaxed.saddle.loss, "position": relaxed.saddle.position},
                "pivots": relaxed.chain.len() - 2,
                "cycles": relaxed.cycles,
                "status": relaxed.status,
                "reason": relaxed.reason,
            });
            summary.insert("relaxation".to_owned(), relaxation);
        }
        if let Some(blended) = blended {
            let epochs = &blended.epochs;
            let column =
                |f: fn(&crate::train::blend::BlendEpoch) -> f64| epochs.iter().map(f).collect::<Vec<f64>>();
            arrays.push("epoch", &[epochs.len()], column(|e| e.epoch as f64));
            arrays.push("epoch_loss", &[epochs.len()], column(|e| e.loss));
            arrays.push("epoch_lr", &[epochs.len()], column(|e| e.lr));
            let trained = json!({"steps": blended.steps, "status": blended.status, "reason": blended.reason});
            summary.insert("training".to_owned(), trained);
        }
        for (name, plane) in [("plane", plane), ("permuted", permuted)] {
            if let Some(plane) = plane {
                plane.push(name, &mut arrays);
                summary.insert(name.to_owned(), json!({"off": plane.off, "unit": "distance of A and B"}));
            }
        }
        let networks = [("middle", middle.as_ref()), ("aligned", aligned.as_ref().map(|a| &a.1))];
        let weights = weight_files(a, precision, ways, networks)?;
        Ok(Self { settings: settings.clone(), summary, arrays, weights })
    }

    /// What was found, as recorded.
    pub fn summary(&self) -> &Map<String, Value> {
        &self.summary
    }

    /// A scalar by its path; NaN if it is not there.
    pub fn number(&self, path: &[&str]) -> f64 {
        let at = |value: Option<&Value>, key: &&str| value.and_then(|v| v.get(*key)).cloned();
        let mut value = path.first().and_then(|key| self.summary.get(*key)).cloned();
        for key in path.iter().skip(1) {
            value = at(value.as_ref(), key);
        }
        value.and_then(|v| v.as_f64()).unwrap_or(f64::NAN)
    }

    /// A text by its key.
    pub fn text(&self, key: &str) -> &str {
        self.summary.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// An array by its name; empty if it is not there.
    pub fn array(&self, name: &str) -> Vec<f64> {
        self.arrays.get(name).map(|a| a.to_f64()).unwrap_or_default()
    }

    /// Names of the weight files.
    pub fn weight_files(&self) -> impl Iterator<Item = &str> {
        self.weights.iter().map(|(name, _)| name.as_str())
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &FilePath) -> Result<Self> {
        let (summary, at): (Map<String, Value>, String) = stored::summary(directory, "connect")?;
        let settings: ConnectSettings = stored::settings(summary.get("settings"), &at)?;
        let arrays = Arrays::read(directory, "connect")?;
        let n = arrays.size("t");
        let ways = ["linear_", "aligned_", "repaired_", "curve_", "band_"];
        let names = || arrays.npz.iter().map(|(name, _)| name);
        for name in names().filter(|n| ways.iter().any(|way| n.starts_with(way))) {
            if arrays.size(name) != n || n < 2 {
                let expected = format!("as many numbers as `t`, {n}, at least 2");
                return Err(Error::expected(format!("{}: {name}", arrays.at), expected, arrays.size(name)));
            }
        }
        for name in ["plane", "permuted"] {
            plane::check(&arrays.npz, name, &arrays.at)?;
        }
        arrays.sized("epoch_loss", arrays.size("epoch"))?;
        Ok(Self { settings, summary, arrays: arrays.npz, weights: Files::new() })
    }
}

/// Trained paths, each with all its control points in a file, and networks of their own.
fn weight_files(
    run: &Run,
    precision: Precision,
    ways: &[(&'static str, Way)],
    networks: [(&str, Option<&Weights>); 2],
) -> Result<Files> {
    let network = &run.network;
    let mut all = Files::new();
    for (name, way) in ways.iter().filter(|(key, _)| ["curve", "band"].contains(key)) {
        all.push((format!("{name}.safetensors"), control_points(network, &way.path, precision)?));
    }
    for (name, weights) in networks {
        if let Some((theta, state)) = weights.cloned() {
            let data = to_json(&run.data)?.to_string();
            let weights = weights::Weights { network: network.clone(), precision, theta, state, data };
            all.push((format!("{name}.safetensors"), weights.to_bytes()?));
        }
    }
    Ok(all)
}

impl Saved for ConnectResult {
    fn files(&self) -> Result<Files> {
        let mut all = self.weights.clone();
        all.push(archive("connect.npz", &self.arrays)?);
        all.push(("connect.json".to_owned(), document(&Value::Object(self.summary.clone()))));
        Ok(all)
    }

    fn json(&self) -> Result<Value> {
        Ok(Value::Object(self.summary.clone()))
    }

    fn figures(&self) -> Vec<Figure> {
        super::figures::figures(self)
    }
}
